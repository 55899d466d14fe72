"""A station with a past, and rows of this app; tests of other apps may build on them."""

from __future__ import annotations

import datetime as dt
import math
from typing import Any

import factory

from boz.core.schemas import Confidence
from markets.models import Event
from markets.tests.factories import EventFactory
from prediction.constants import EMOS_SLOW_ENGINE, PRIMARY_ENGINE
from prediction.domain.distribution import gaussian_pmf
from prediction.models import EngineFit, Prediction, Verification
from weather.models import ClimateReport, Forecast, Station
from weather.sources import NWS_CLI, NWS_GRID
from weather.tests.factories import (
    ClimateReportFactory,
    ForecastFactory,
    ForecastSourceFactory,
    real_station,
)

DAY = dt.date(2024, 11, 20)
#: The evening before, 20:00 in New York.
EVENING_BEFORE = dt.datetime(2024, 11, 20, 1, tzinfo=dt.UTC)


def known_high(day: dt.date) -> int:
    """Return the invented official high of a day: a slow fall with some weather."""
    return round(60 - 0.1 * (day.toordinal() % 100) + 6 * math.sin(day.toordinal()))


def make_history(
    station: Station | None = None,
    *,
    days: int = 80,
    until: dt.date = DAY,
    bias_f: float = 1.5,
    with_forecasts: bool = True,
) -> Station:
    """Give a station finished days before ``until``, with evening forecasts that run warm."""
    station = real_station("NY") if station is None else station
    cli, grid = ForecastSourceFactory(code=NWS_CLI), ForecastSourceFactory(code=NWS_GRID)
    past = [until - dt.timedelta(days=age) for age in range(days, 0, -1)]
    ClimateReport.objects.bulk_create(
        ClimateReportFactory.build(
            station=station, source=cli, climate_day=day, max_f=known_high(day)
        )
        for day in past
    )
    if with_forecasts:
        Forecast.objects.bulk_create(
            ForecastFactory.build(
                station=station,
                source=grid,
                climate_day=day,
                high_f=known_high(day) + bias_f + 2 * math.cos(3 * day.toordinal()),
            )
            for day in past
        )
    return station


class PredictionFactory(factory.django.DjangoModelFactory):
    """A belief of 55 ± 3 °F about New York, made the evening before."""

    class Meta:
        model = Prediction

    class Params:
        centre_f = 55.0
        spread_of_pmf_f = 3.0

    station = factory.LazyFunction(lambda: real_station("NY"))
    climate_day = DAY
    engine = PRIMARY_ENGINE
    as_of = EVENING_BEFORE
    pmf_low_f = -80
    pmf = factory.LazyAttribute(lambda row: _pmf(row.centre_f, row.spread_of_pmf_f))
    mean_f = factory.SelfAttribute("centre_f")
    sd_f = factory.SelfAttribute("spread_of_pmf_f")
    lead_hours = 28.0
    confidence = Confidence.LOW.value
    sources = factory.LazyFunction(lambda: ["nws-grid"])
    n_train = 80
    weight_present = 1.0
    inputs_hash = factory.Sequence(lambda number: f"{number:064d}")


class EngineFitFactory(factory.django.DjangoModelFactory):
    """New York's forecasts run 1 °F warm with an error of 2.5 °F."""

    class Meta:
        model = EngineFit

    engine = EMOS_SLOW_ENGINE
    version = factory.Sequence(lambda number: number + 1)
    station = factory.LazyFunction(lambda: real_station("NY"))
    as_of = EVENING_BEFORE - dt.timedelta(hours=12)
    n_train = 100
    parameters = factory.LazyFunction(
        lambda: {
            "sources": {
                NWS_GRID: {
                    "bias_f": 1.0,
                    "sd_f": 2.5,
                    "n_train": 100,
                    "reference_lead_hours": 28.0,
                    "reference_month": 11,
                }
            }
        }
    )
    parameters_hash = "0" * 64


class VerificationFactory(factory.django.DjangoModelFactory):
    """A scored prediction."""

    class Meta:
        model = Verification

    prediction = factory.SubFactory(PredictionFactory)
    event = factory.LazyAttribute(lambda row: _event(row.prediction.climate_day))
    observed_high_f = 55
    crps_f = 1.0
    log_score = 1.1
    brier = 0.60
    rps = 0.08
    pit = 0.5
    market_brier = 0.64
    verified_at = factory.LazyAttribute(
        lambda row: dt.datetime.combine(
            row.prediction.climate_day + dt.timedelta(days=1), dt.time(12), tzinfo=dt.UTC
        )
    )


def make_verified_days(n: int, *, until: dt.date = DAY, **fields: Any) -> list[Verification]:
    """Return verifications of ``n`` consecutive days before ``until``, oldest first."""
    days = [until - dt.timedelta(days=age) for age in range(n, 0, -1)]
    return [
        VerificationFactory(
            prediction=PredictionFactory(
                climate_day=day,
                as_of=dt.datetime.combine(day, dt.time(1), tzinfo=dt.UTC),
            ),
            **fields,
        )
        for day in days
    ]


def _event(day: dt.date) -> Event:
    found = Event.objects.filter(climate_day=day, series__ticker="KXHIGHNY").first()
    return EventFactory(climate_day=day) if found is None else found


def _pmf(mean_f: float, sd_f: float) -> list[float]:
    return [float(p) for p in gaussian_pmf(mean_f=mean_f, sd_f=sd_f).probabilities]
