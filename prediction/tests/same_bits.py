"""A small world that is learned from and predicted, told in bits: alike on every database."""

from __future__ import annotations

import datetime as dt
import hashlib
import math
import struct
from collections.abc import Sequence

from markets.models import Event
from markets.tests.factories import EventFactory, make_ladder
from prediction.models import EngineFit, Prediction, Verification
from prediction.services.fit import fit_all
from prediction.services.predict import predict
from prediction.services.verify import verify_event
from prediction.tests.factories import (
    DAY,
    EVENING_BEFORE,
    EngineBeliefFactory,
    PredictionFactory,
    known_high,
    make_history,
    quote,
)
from weather.models import SourceContact, Station
from weather.tests.factories import ForecastFactory, ForecastSourceFactory, ObservationFactory

HOUR = dt.timedelta(hours=1)
ONE_DAY = dt.timedelta(days=1)
SOURCES = ("gefs", "gfs", "icon", "nbm-nbp", "nws-grid")
#: Enough for the spread of the mixture to be corrected.
SCORED_DAYS = 65
MOMENTS = (0, 12, 17)


def live_through() -> list[str]:
    """Learn from a past, predict a day at several moments, and return everything as text."""
    station = make_history(days=60)
    _more_sources(station)
    _station_reports(station)
    for age in range(SCORED_DAYS + 1, 1, -1):
        _scored_day(DAY - age * ONE_DAY)
    fit_all(now=EVENING_BEFORE)
    markets = make_ladder(event=EventFactory(climate_day=DAY))
    fits = EngineFit.objects.order_by("engine", "station__code")
    told = [f"{fit.engine} {fit.parameters_hash}" for fit in fits]
    told += _scores()
    for hours in MOMENTS:
        moment = EVENING_BEFORE + hours * HOUR
        quote(markets, at=moment)
        SourceContact.objects.bulk_create(
            SourceContact(source=ForecastSourceFactory(code=code), at=moment, answered=["NY"])
            for code in SOURCES
        )
        if hours > 0:
            ObservationFactory(station=station, observed_at=moment - HOUR, temp_low_f=44 + hours)
        told += _told(predict(station=station, climate_day=DAY, as_of=moment))
    return told


def _more_sources(station: Station) -> None:
    """Let more sources speak of the past and of the day, newest rows first."""
    for code in reversed(SOURCES[:-1]):
        source = ForecastSourceFactory(code=code)
        for age in range(61):
            day = DAY - age * ONE_DAY
            high_f = known_high(day) + 3.0 * math.sin(len(code) * age) / 7.0
            ForecastFactory(
                station=station,
                source=source,
                climate_day=day,
                high_f=high_f,
                member_highs_f=[high_f + step / 3 for step in range(-4, 5)]
                if code == "gefs"
                else [],
                sd_f=2.1 if code == "nbm-nbp" else None,
                quantiles_f=[[level / 10, high_f + level - 5.1] for level in range(1, 10)]
                if code == "nbm-nbp"
                else [],
            )
    ForecastFactory(station=station, climate_day=DAY, high_f=52.3)


def _station_reports(station: Station) -> None:
    """Let the thermometer have been read every hour of some past days."""
    for age in range(2, 12):
        day = DAY - age * ONE_DAY
        start, _ = station.climate_day_bounds(day)
        for hour in range(6, 24):
            below = round(8 * math.cos(math.pi * (hour - 15) / 12))
            ObservationFactory(
                station=station,
                observed_at=start + hour * HOUR - dt.timedelta(minutes=7),
                temp_low_f=known_high(day) - 8 + below,
            )


def _scored_day(day: dt.date) -> None:
    event: Event = EventFactory(climate_day=day)
    make_ladder(event=event)
    centre_f = known_high(day) + math.cos(day.toordinal())
    made = PredictionFactory(
        climate_day=day, centre_f=centre_f, market_probabilities=[0.1, 0.2, 0.3, 0.2, 0.1, 0.1]
    )
    for engine, off_f, weight in (("nbm_percentiles", 0.7, 0.3), ("emos_slow", -0.4, 0.7)):
        EngineBeliefFactory(
            prediction=made,
            engine=engine,
            weight=weight,
            centre_f=centre_f + off_f,
            spread_of_pmf_f=2.3,
        )
    verify_event(event=event, observed_high_f=known_high(day), now=EVENING_BEFORE - HOUR)


def _scores() -> list[str]:
    """Return what was drawn and kept at settlement."""
    rows = Verification.objects.order_by("event__climate_day", "engine")
    return [
        f"{row.engine} {_bits([row.pit, row.crps_f])} {row.hit_50} {row.hit_80} {row.hit_90}"
        f" {row.mixture_below!r} {row.mixture_upto!r}"
        for row in rows
    ]


def _told(prediction: Prediction) -> list[str]:
    stored = Prediction.objects.get(pk=prediction.pk)
    return [
        stored.inputs_hash,
        f"belief {stored.pmf_low_f} {_bits(stored.pmf)}",
        f"pooled {stored.pooled_low_f} {_bits(stored.pooled_pmf)}",
        f"market {_bits(stored.market_probabilities)} {_bits([stored.mean_f, stored.sd_f])}",
        *(
            f"{row.engine} {row.pmf_low_f} {_bits([row.weight, row.mean_f, row.sd_f, *row.pmf])}"
            for row in stored.beliefs.order_by("engine")
        ),
    ]


def _bits(values: Sequence[float]) -> str:
    return hashlib.sha256(struct.pack(f"<{len(values)}d", *values)).hexdigest()
