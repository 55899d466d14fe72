"""Write what a source says about climate days: every issuance once, nothing that cannot be."""

from __future__ import annotations

import datetime as dt
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from django.db import transaction
from django.db.models import Max

from boz.core.errors import InvalidDataError
from boz.core.http import Captured
from weather.domain.temperature import require_plausible, unit_mixup
from weather.models import Forecast, ForecastSource, Payload, Station
from weather.selectors import official_highs_by_station
from weather.services.health import SourceRun
from weather.services.payloads import store_payload

#: An issuance from further in the future than this has a broken time.
CLOCK_TOLERANCE = dt.timedelta(minutes=10)
REFERENCE_DAYS = dt.timedelta(days=10)


@dataclass(frozen=True, slots=True)
class IssuedDay:
    """What a source says about one climate day of a station.

    Args:
        high_f: Its one value: the mean of an ensemble, the mean of a stated distribution.
        member_highs_f: Members' maxima, °F, in the source's order.
        sd_f: Stated standard deviation, °F.
        quantiles_f: Stated pairs of probability and temperature, °F.
        available_at: When everybody could have had it, for an archive; None = now.
    """

    climate_day: dt.date
    high_f: float
    issued_at: dt.datetime
    member_highs_f: Sequence[float] = ()
    sd_f: float | None = None
    quantiles_f: Sequence[tuple[float, float]] = ()
    variables: Mapping[str, Any] = field(default_factory=dict)
    model_run_at: dt.datetime | None = None
    available_at: dt.datetime | None = None


@dataclass(frozen=True, slots=True)
class StationDays:
    """What an answer says about the days of one station; several may share one answer."""

    station: Station
    days: Sequence[IssuedDay]
    captured: Captured | None = None


def require_issued(issued_at: dt.datetime, *, now: dt.datetime, what: str) -> None:
    """Refuse an issue time that lies in the future.

    Raises:
        InvalidDataError: If it does, by more than clocks differ.
    """
    if issued_at > now + CLOCK_TOLERANCE:
        raise InvalidDataError(
            f"{what} claims to be issued in the future.",
            {"issued_at": issued_at.isoformat(), "now": now.isoformat()},
        )


def stored_runs(
    source: ForecastSource, stations: Sequence[Station], *, now: dt.datetime
) -> dict[str, dt.datetime]:
    """Return by station code the newest model run stored for days that are not over.

    Stations for which there is none are left out.
    """
    if not stations:
        return {}
    rows = Forecast.objects.filter(
        source=source,
        station__in=[station.pk for station in stations],
        climate_day__gte=min(station.climate_day(now) for station in stations),
        model_run_at__isnull=False,
    )
    newest = rows.order_by().values("station__code").annotate(newest=Max("model_run_at"))
    return dict(newest.values_list("station__code", "newest"))


def store_forecasts(answers: Sequence[StationDays], *, run: SourceRun) -> int:
    """Write the days not stored yet, together with the answers they came from.

    A day that cannot be true or comes in the wrong unit is refused by itself. However many stations
    there are, the number of queries stays the same.

    Returns:
        How many rows are new.

    Raises:
        InvalidDataError: If an answer claims to be issued in the future; nothing is written.
    """
    for answer in answers:
        for day in answer.days:
            what = f"The forecast for {answer.station.name}"
            require_issued(day.issued_at, now=run.now, what=what)
            run.note_issue(day.issued_at)
    new = _unknown(answers, run=run)
    if not new:
        return 0
    references = recent_highs([answer.station for answer in new], now=run.now)
    rows = [
        (_row(answer.station, day, run=run), answer.captured)
        for answer in new
        for day in answer.days
        if _is_usable(day, answer, reference_f=references.get(answer.station.pk), run=run)
    ]
    if not rows:
        return 0
    with transaction.atomic():
        payloads = _payloads([captured for _, captured in rows])
        for row, captured in rows:
            row.payload = None if captured is None else payloads[id(captured)]
        # Another run may have written them since; the first one stands.
        Forecast.objects.bulk_create([row for row, _ in rows], ignore_conflicts=True)
    return len(rows)


def _unknown(answers: Sequence[StationDays], *, run: SourceRun) -> list[StationDays]:
    """Return the answers with only the days not stored yet; those without any are left out."""
    known = set(
        Forecast.objects.filter(
            station__in={answer.station.pk for answer in answers},
            source=run.source,
            issued_at__in={day.issued_at for answer in answers for day in answer.days},
        ).values_list("station", "climate_day", "issued_at")
    )
    new = []
    for answer in answers:
        keyed = {(answer.station.pk, day.climate_day, day.issued_at): day for day in answer.days}
        days = [day for key, day in keyed.items() if key not in known]
        known |= keyed.keys()
        if days:
            new.append(StationDays(answer.station, days, answer.captured))
    return new


def _payloads(captures: Sequence[Captured | None]) -> dict[int, Payload]:
    """Return the row of each answer by its identity; one body is hashed once."""
    distinct = {id(captured): captured for captured in captures if captured is not None}
    return {key: store_payload(captured) for key, captured in distinct.items()}


def _row(station: Station, day: IssuedDay, *, run: SourceRun) -> Forecast:
    return Forecast(
        station=station,
        source=run.source,
        climate_day=day.climate_day,
        high_f=day.high_f,
        member_highs_f=list(day.member_highs_f),
        sd_f=day.sd_f,
        quantiles_f=[list(pair) for pair in day.quantiles_f],
        variables=dict(day.variables),
        model_run_at=day.model_run_at,
        issued_at=day.issued_at,
        available_at=max(day.available_at or run.now, day.issued_at),
        fetched_at=run.now,
    )


def recent_highs(stations: Sequence[Station], *, now: dt.datetime) -> dict[int, float]:
    """Return by station about how warm it has been: recent official highs, where there are any."""
    if not stations:
        return {}
    since = min(station.climate_day(now) for station in stations) - REFERENCE_DAYS
    highs = official_highs_by_station(stations=stations, as_of=now, since=since)
    return {key: statistics.median(days.values()) for key, days in highs.items() if days}


def _is_usable(
    day: IssuedDay, answer: StationDays, *, reference_f: float | None, run: SourceRun
) -> bool:
    try:
        require_plausible(day.high_f, what="A forecast high")
        for member_f in day.member_highs_f:
            require_plausible(member_f, what="A member's forecast high")
        mixup = None if reference_f is None else unit_mixup(day.high_f, reference_f=reference_f)
        if mixup is not None:
            raise InvalidDataError(
                f"A forecast high of {day.high_f:g} °F after recent highs near {reference_f:g} "
                f"°F looks like {mixup}; it is refused.",
                {"high_f": day.high_f, "reference_f": reference_f},
            )
    except InvalidDataError as error:
        run.leave_out(
            f"{answer.station.code} {day.climate_day}",
            error,
            station=answer.station,
            captured=() if answer.captured is None else (answer.captured,),
        )
        return False
    return True
