"""How old what we know is; too old is an error of its own, never a silent use."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass

from boz.core.clock import format_utc
from boz.core.errors import DataUnavailable, StaleDataError
from weather.models import Forecast, Observation, SourceContact, Station
from weather.selectors.forecasts import StationDay, latest_forecasts_by_day

FORECAST_MAX_AGE = dt.timedelta(minutes=90)
OBSERVATION_MAX_AGE = dt.timedelta(minutes=75)
MINUTE = dt.timedelta(minutes=1)


def fresh_forecasts(
    *,
    station: Station,
    climate_day: dt.date,
    as_of: dt.datetime,
    max_age: dt.timedelta = FORECAST_MAX_AGE,
) -> list[Forecast]:
    """Return the latest forecast of each source that we heard from lately.

    A forecast issued this morning is fresh as long as its source keeps telling us, when asked,
    that it is still the latest one: what ages is our knowledge, not the forecast.

    Args:
        station: Where.
        climate_day: Which day.
        as_of: Nothing known later is used.
        max_age: How long ago a source may have answered for this station at the most.

    Raises:
        DataUnavailable: If no source has said anything about the day.
        StaleDataError: If what there is comes from sources that have not been heard from since.
    """
    known = forecasts_by_age(station=station, climate_day=climate_day, as_of=as_of, max_age=max_age)
    if known.fresh:
        return known.fresh
    if not known.stale:
        raise DataUnavailable(
            f"There is no forecast for {station.name} on {climate_day}.",
            {"station": station.code, "climate_day": climate_day.isoformat()},
        )
    newest = max(known.stale, key=lambda item: known.heard_at[item.source_id])
    raise _stale(
        f"The latest word on the forecast for {station.name} on {climate_day}",
        at=known.heard_at[newest.source_id],
        as_of=as_of,
        max_age=max_age,
        station=station,
        source=newest.source.code,
    )


@dataclass(frozen=True, slots=True)
class ForecastsByAge:
    """The latest forecast of each source, apart by whether the source was heard from lately.

    ``heard_at`` says when each source, by its key, last spoke for the station.
    """

    fresh: list[Forecast]
    stale: list[Forecast]
    heard_at: dict[int, dt.datetime]


def forecasts_by_age(
    *,
    station: Station,
    climate_day: dt.date,
    as_of: dt.datetime,
    max_age: dt.timedelta = FORECAST_MAX_AGE,
) -> ForecastsByAge:
    """Return what each source last said about a day; see :func:`fresh_forecasts` for its age."""
    wanted = [(station, climate_day)]
    found = forecasts_of_days_by_age(wanted=wanted, as_of=as_of, max_age=max_age)
    return found[station.pk, climate_day]


def forecasts_of_days_by_age(
    *,
    wanted: Sequence[tuple[Station, dt.date]],
    as_of: dt.datetime,
    max_age: dt.timedelta = FORECAST_MAX_AGE,
) -> dict[StationDay, ForecastsByAge]:
    """Return :func:`forecasts_by_age` of several stations and days, with two queries."""
    rows = latest_forecasts_by_day(wanted=wanted, as_of=as_of)
    heard = _last_heard(
        [item for items in rows.values() for item in items], as_of=as_of, max_age=max_age
    )
    return {key: _by_age(items, heard, as_of=as_of, max_age=max_age) for key, items in rows.items()}


#: A source and a station, by key and by code.
_Talk = tuple[int, str]


def _by_age(
    forecasts: Sequence[Forecast],
    heard: dict[_Talk, dt.datetime],
    *,
    as_of: dt.datetime,
    max_age: dt.timedelta,
) -> ForecastsByAge:
    heard_at = {
        item.source_id: max(
            item.available_at, heard.get((item.source_id, item.station.code), item.available_at)
        )
        for item in forecasts
    }
    fresh: list[Forecast] = []
    stale: list[Forecast] = []
    for item in forecasts:
        (fresh if as_of - heard_at[item.source_id] <= max_age else stale).append(item)
    return ForecastsByAge(fresh=fresh, stale=stale, heard_at=heard_at)


def _last_heard(
    forecasts: Sequence[Forecast], *, as_of: dt.datetime, max_age: dt.timedelta
) -> dict[_Talk, dt.datetime]:
    """Return when each source last answered for each station, as known then.

    Answers older than ``max_age`` do not make anything fresh, so they are not looked for; neither
    are those of sources that are fresh without them.
    """
    ageing = {item.source_id for item in forecasts if as_of - item.available_at > max_age}
    if not ageing:
        return {}
    heard: dict[_Talk, dt.datetime] = {}
    contacts = SourceContact.objects.filter(
        source__in=ageing, at__gte=as_of - max_age, at__lte=as_of
    ).order_by("at")
    for source_id, at, answered in contacts.values_list("source_id", "at", "answered"):
        for code in answered:
            heard[source_id, code] = at
    return heard


def fresh_observation(
    *,
    station: Station,
    as_of: dt.datetime,
    max_age: dt.timedelta = OBSERVATION_MAX_AGE,
) -> Observation:
    """Return the newest station report.

    Raises:
        DataUnavailable: If the station has reported nothing.
        StaleDataError: If its newest report is older than ``max_age``.
    """
    newest = (
        Observation.objects.known(as_of)
        .filter(station=station, observed_at__lte=as_of)
        .select_related("source")
        .order_by("-observed_at", "-pk")
        .first()
    )
    if newest is None:
        raise DataUnavailable(f"{station.name} has reported nothing.", {"station": station.code})
    if as_of - newest.observed_at > max_age:
        raise _stale(
            f"The newest report of {station.name}",
            at=newest.observed_at,
            as_of=as_of,
            max_age=max_age,
            station=station,
            source=newest.source.code,
        )
    return newest


def _stale(
    what: str,
    *,
    at: dt.datetime,
    as_of: dt.datetime,
    max_age: dt.timedelta,
    station: Station,
    source: str,
) -> StaleDataError:
    age = (as_of - at) // MINUTE
    return StaleDataError(
        f"{what} is {age} minutes old; {max_age // MINUTE} are allowed.",
        {
            "station": station.code,
            "source": source,
            "at": format_utc(at),
            "as_of": format_utc(as_of),
            "age_minutes": age,
            "max_age_minutes": max_age // MINUTE,
        },
    )
