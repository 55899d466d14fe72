"""What sources said about finished days at fixed leads, beside what the days became."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from weather.models import Forecast, ForecastSource, Station
from weather.selectors.forecasts import spread_inside_f
from weather.selectors.reports import official_highs

HOUR = dt.timedelta(hours=1)
#: Shortest lead, hours, at which the forecasts of a finished day are learned from: 10:00 local
#: standard time, before the day's usual peak. A later forecast has seen part of the answer.
LAST_LEARNED_LEAD_HOURS = 14
#: Rows whose members are read at once.
_BATCH = 5000


@dataclass(frozen=True, slots=True)
class StandingForecast:
    """A source's forecast of a finished day as it stood a fixed time before the day's end.

    Args:
        climate_day: The day.
        standing_lead_hours: Hours from the moment looked at to the end of the day.
        source_code: Who said it.
        lead_hours: Hours from its issue to the end of the day.
        high_f: The high it gave, degrees Fahrenheit.
        sd_f: Standard deviation inside the source; see
            :func:`~weather.selectors.forecasts.spread_inside_f`.
        observed_f: What the day became: the official high, whole °F.
    """

    climate_day: dt.date
    standing_lead_hours: int
    source_code: str
    lead_hours: float
    high_f: float
    sd_f: float | None
    observed_f: int


#: Day, position of the lead, key of the source.
_Place = tuple[dt.date, int, int]
#: Issue time, key, high and stated spread of a row.
_Row = tuple[dt.datetime, int, float, float | None]


def standing_forecasts(
    *, station: Station, as_of: dt.datetime, since: dt.date, lead_hours: Sequence[int]
) -> list[StandingForecast]:
    """Return the forecasts of finished days as they stood at each lead, for learning from.

    At each lead and of each source the latest issuance that was available before that moment
    counts, however it was revised later. A day counts once its final report was known at ``as_of``,
    and a row withdrawn by then teaches nothing.

    Args:
        station: Where.
        as_of: Nothing known later is used.
        since: First climate day.
        lead_hours: Hours before the end of the day at which to look.

    Returns:
        Sorted by day, lead as given, and source.
    """
    highs = official_highs(station=station, as_of=as_of, since=since)
    if not highs or not lead_hours:
        return []
    ends = {day: station.climate_day_bounds(day)[1] for day in highs}
    cuts = {day: [end - hours * HOUR for hours in lead_hours] for day, end in ends.items()}
    picked = _picked(station, as_of=as_of, cuts=cuts)
    spreads = _member_spreads(picked)
    codes = dict(ForecastSource.objects.values_list("pk", "code"))
    found = [
        StandingForecast(
            climate_day=day,
            standing_lead_hours=lead_hours[position],
            source_code=codes[source_id],
            lead_hours=(ends[day] - issued_at) / HOUR,
            high_f=high_f,
            sd_f=spreads.get(pk) if stated_f is None else stated_f,
            observed_f=highs[day],
        )
        for (day, position, source_id), (issued_at, pk, high_f, stated_f) in picked.items()
    ]
    order = {hours: position for position, hours in enumerate(lead_hours)}
    found.sort(key=lambda row: (row.climate_day, order[row.standing_lead_hours], row.source_code))
    return found


def _picked(
    station: Station, *, as_of: dt.datetime, cuts: Mapping[dt.date, Sequence[dt.datetime]]
) -> dict[_Place, _Row]:
    """Return the row that stood at each place; every issuance is looked at once, without JSON."""
    rows = (
        Forecast.objects.known(as_of)
        .filter(station=station, climate_day__gte=min(cuts), climate_day__lte=max(cuts))
        .order_by()
        .values_list(
            "climate_day", "source_id", "available_at", "issued_at", "pk", "high_f", "sd_f"
        )
    )
    picked: dict[_Place, _Row] = {}
    for day, source_id, available_at, issued_at, pk, high_f, sd_f in rows.iterator(
        chunk_size=_BATCH
    ):
        for position, cut in enumerate(cuts.get(day, ())):
            if available_at >= cut:
                continue
            place = (day, position, source_id)
            standing = picked.get(place)
            if standing is None or (issued_at, pk) > standing[:2]:
                picked[place] = (issued_at, pk, high_f, sd_f)
    return picked


def _member_spreads(picked: Mapping[_Place, _Row]) -> dict[int, float]:
    """Return the members' spread of the picked rows that state none and have members, by key."""
    keys = sorted({pk for _, pk, _, stated_f in picked.values() if stated_f is None})
    found: dict[int, float] = {}
    for first in range(0, len(keys), _BATCH):
        rows = Forecast.objects.filter(pk__in=keys[first : first + _BATCH]).order_by()
        for pk, members in rows.values_list("pk", "member_highs_f").iterator(chunk_size=_BATCH):
            spread = spread_inside_f(stated_f=None, members_f=members)
            if spread is not None:
                found[pk] = spread
    return found
