"""A station with a past, and rows of this app; tests of other apps may build on them."""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Sequence
from typing import Any

import factory

from boz.core.schemas import Confidence
from markets.models import Event, Market
from markets.tests.factories import BookSnapshotFactory, EventFactory
from prediction.constants import EMOS_SLOW_ENGINE, PRIMARY_ENGINE
from prediction.domain.discretised import gaussian_pmf
from prediction.domain.horizons import REFERENCE_LEAD_HOURS, Horizon
from prediction.engines import get_engine
from prediction.engines.base import Parameters, canonical_hash
from prediction.engines.past import Past, PastCase, PastForecast
from prediction.models import EngineBelief, EngineFit, Prediction, Verification
from prediction.services.inputs import InputReads, Known
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


def assemble_inputs(*, station: Station, climate_day: dt.date, as_of: dt.datetime) -> Known:
    """Return what is known of one day; the product reads all its days together."""
    return InputReads([(station, climate_day)], as_of=as_of).known(station, climate_day)


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


def learned_parameters(
    *, bias_f: float = 1.0, days: int = 90, engine: str = EMOS_SLOW_ENGINE
) -> Parameters:
    """Return what an engine learns of a forecast that runs ``bias_f`` warm."""
    past = [DAY - dt.timedelta(days=age) for age in range(days + 1, 1, -1)]
    learned = get_engine(engine).fit(
        Past(
            station_code="NY",
            as_of=EVENING_BEFORE,
            target_day=DAY,
            cases=tuple(
                PastCase(day, horizon, (_said(day, horizon, bias_f),), known_high(day))
                for day in past
                for horizon in (Horizon.EVENING, Horizon.MORNING)
            ),
        )
    )
    assert learned is not None
    return learned


def _said(day: dt.date, horizon: Horizon, bias_f: float) -> PastForecast:
    return PastForecast(
        source=NWS_GRID,
        high_f=known_high(day) + bias_f + 2 * math.cos(3 * day.toordinal()),
        lead_hours=REFERENCE_LEAD_HOURS[horizon] + 1.0,
    )


class PredictionFactory(factory.django.DjangoModelFactory):
    """A belief of 55 ± 3 °F about New York, made the evening before.

    ``made_at`` is the horizon at whose reference moment it stands, an hour old.
    """

    class Meta:
        model = Prediction

    class Params:
        centre_f = 55.0
        spread_of_pmf_f = 3.0
        made_at = Horizon.EVENING

    station = factory.LazyFunction(lambda: real_station("NY"))
    climate_day = DAY
    engine = PRIMARY_ENGINE
    as_of = factory.LazyAttribute(lambda row: standing_at(row.made_at, row.climate_day))
    horizon = factory.LazyAttribute(lambda row: row.made_at.value)
    pmf_low_f = -80
    pmf = factory.LazyAttribute(lambda row: _pmf(row.centre_f, row.spread_of_pmf_f))
    mean_f = factory.SelfAttribute("centre_f")
    sd_f = factory.SelfAttribute("spread_of_pmf_f")
    lead_hours = factory.LazyAttribute(lambda row: REFERENCE_LEAD_HOURS[row.made_at] + 1.0)
    confidence = Confidence.LOW.value
    sources = factory.LazyFunction(lambda: ["nws-grid"])
    n_train = 80
    weight_present = 1.0
    inputs_hash = factory.Sequence(lambda number: f"{number:064d}")


class EngineBeliefFactory(factory.django.DjangoModelFactory):
    """What climatology said beside a prediction: 55 ± 7 °F."""

    class Meta:
        model = EngineBelief

    class Params:
        centre_f = 55.0
        spread_of_pmf_f = 7.0

    prediction = factory.SubFactory(PredictionFactory)
    engine = "climatology"
    engine_version = 1
    weight = 0.0
    pmf_low_f = -80
    pmf = factory.LazyAttribute(lambda row: _pmf(row.centre_f, row.spread_of_pmf_f))
    mean_f = factory.SelfAttribute("centre_f")
    sd_f = factory.SelfAttribute("spread_of_pmf_f")


class EngineFitFactory(factory.django.DjangoModelFactory):
    """What the slow regression learned of forecasts that run 1 °F warm."""

    class Meta:
        model = EngineFit

    engine = EMOS_SLOW_ENGINE
    engine_version = factory.LazyAttribute(lambda row: get_engine(row.engine).version)
    version = factory.Sequence(lambda number: number + 1)
    station = factory.LazyFunction(lambda: real_station("NY"))
    as_of = EVENING_BEFORE - dt.timedelta(hours=12)
    n_train = 90
    parameters = factory.LazyFunction(learned_parameters)
    parameters_hash = factory.LazyAttribute(lambda row: canonical_hash(row.parameters))


class VerificationFactory(factory.django.DjangoModelFactory):
    """A scored prediction: the champion's own belief, which gave its bracket 33 %."""

    class Meta:
        model = Verification

    prediction = factory.SubFactory(PredictionFactory, made_at=Horizon.MORNING)
    engine = factory.LazyAttribute(lambda row: row.prediction.engine)
    horizon = factory.LazyAttribute(lambda row: row.prediction.horizon)
    event = factory.LazyAttribute(lambda row: _event(row.prediction.climate_day))
    observed_high_f = 55
    crps_f = 1.0
    log_score = 1.1
    brier = 0.60
    rps = 0.08
    pit = 0.5
    hit_80 = True
    probabilities = factory.LazyFunction(lambda: [0.06, 0.19, 0.33, 0.28, 0.11, 0.03])
    outcome = 2
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
            prediction=PredictionFactory(climate_day=day, made_at=Horizon.MORNING),
            **fields,
        )
        for day in days
    ]


#: (best YES bid, best NO bid), cents, cold to warm; mids add up to 1.03.
CENTS = ((5, 91), (17, 79), (31, 65), (26, 70), (10, 86), (2, 94))


def quote(
    markets: Sequence[Market],
    *,
    at: dt.datetime = EVENING_BEFORE,
    cents: Sequence[tuple[int | None, int | None]] = CENTS,
) -> None:
    """Give the markets of a ladder, coldest first, books with one level a side."""
    for market, (yes, no) in zip(markets, cents, strict=True):
        BookSnapshotFactory(
            market=market,
            at=at,
            yes_bids=[] if yes is None else [[f"{yes / 100:.4f}", "5.00"]],
            no_bids=[] if no is None else [[f"{no / 100:.4f}", "5.00"]],
        )


def standing_at(horizon: Horizon, day: dt.date) -> dt.datetime:
    """Return an hour before the horizon's reference moment of a day in New York."""
    _, end = real_station("NY").climate_day_bounds(day)
    return end - dt.timedelta(hours=REFERENCE_LEAD_HOURS[horizon] + 1)


def _event(day: dt.date) -> Event:
    found = Event.objects.filter(climate_day=day, series__ticker="KXHIGHNY").first()
    return EventFactory(climate_day=day) if found is None else found


def _pmf(mean_f: float, sd_f: float) -> list[float]:
    return [float(p) for p in gaussian_pmf(mean_f=mean_f, sd_f=sd_f).probabilities]
