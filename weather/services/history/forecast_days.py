"""Archived forecasts as rows; one that cannot be true or comes in the wrong unit is refused."""

from __future__ import annotations

import datetime as dt
import statistics
from collections.abc import Iterable, Mapping

from boz.core.errors import InvalidDataError
from weather.domain.temperature import require_plausible, unit_mixup
from weather.models import Forecast, ForecastSource, Station
from weather.selectors import official_highs
from weather.services.forecast_rows import IssuedDay
from weather.services.history.archive import Problem, Readout
from weather.services.history.spans import DaySpan

#: Official highs of this many days before a forecast's day say about how warm it was.
REFERENCE_DAYS = 10


def read_days(
    found: Iterable[IssuedDay],
    *,
    station: Station,
    days: DaySpan,
    source: ForecastSource,
    now: dt.datetime,
) -> Readout:
    """Return a row per day and issuance; every one must say when it became available."""
    references = _references(station, days, now=now)
    readout = Readout([], [])
    for item in found:
        try:
            _check(item, reference_f=references.get(item.climate_day))
        except InvalidDataError as error:
            subject = f"{station.code} {item.climate_day} issued {item.issued_at:%Y-%m-%d %H:%M}Z"
            readout.problems.append(Problem.of(subject, error))
        else:
            readout.rows.append(_row(item, station=station, source=source, now=now))
    return readout


def _row(
    item: IssuedDay, *, station: Station, source: ForecastSource, now: dt.datetime
) -> Forecast:
    if item.available_at is None:
        raise ValueError("an archived forecast must say since when it was available")
    return Forecast(
        station=station,
        source=source,
        climate_day=item.climate_day,
        high_f=item.high_f,
        sd_f=item.sd_f,
        model_run_at=item.model_run_at,
        issued_at=item.issued_at,
        available_at=item.available_at,
        fetched_at=now,
    )


def _check(item: IssuedDay, *, reference_f: float | None) -> None:
    require_plausible(item.high_f, what="A forecast high")
    mixup = None if reference_f is None else unit_mixup(item.high_f, reference_f=reference_f)
    if mixup is not None:
        raise InvalidDataError(
            f"A forecast high of {item.high_f:g} °F after highs near {reference_f:g} °F looks "
            f"like {mixup}; it is refused.",
            {"high_f": item.high_f, "reference_f": reference_f},
        )


def _references(station: Station, days: DaySpan, *, now: dt.datetime) -> Mapping[dt.date, float]:
    """Return about how warm it had been before each day: its season's, not today's weather."""
    before = dt.timedelta(days=REFERENCE_DAYS)
    highs = official_highs(station=station, as_of=now, since=days.first - before)
    references = {}
    for day in days:
        recent = [highs[past] for past in DaySpan(day - before, day) if past in highs]
        if recent:
            references[day] = statistics.median(recent)
    return references
