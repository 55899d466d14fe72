"""Write what a source says about climate days: every issuance once, nothing that cannot be."""

from __future__ import annotations

import datetime as dt
import statistics
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from django.db import transaction

from boz.core.errors import InvalidDataError
from boz.core.http import Captured
from weather.domain.temperature import require_plausible, unit_mixup
from weather.models import Forecast, Station
from weather.selectors import official_highs
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


def store_forecasts(
    station: Station,
    days: Iterable[IssuedDay],
    *,
    run: SourceRun,
    captured: Captured | None,
) -> int:
    """Write the days not stored yet, together with the answer they came from.

    A day that cannot be true or comes in the wrong unit is refused by itself.

    Returns:
        How many rows are new.

    Raises:
        InvalidDataError: If the answer claims to be issued in the future.
    """
    wanted = list(days)
    for day in wanted:
        require_issued(day.issued_at, now=run.now, what=f"The forecast for {station.name}")
        run.note_issue(day.issued_at)
    new = _unknown(station, wanted, run=run)
    if not new:
        return 0
    reference_f = _reference(station, now=run.now)
    rows = [
        _row(station, day, run=run)
        for day in new
        if _is_usable(day, reference_f=reference_f, station=station, run=run, captured=captured)
    ]
    if not rows:
        return 0
    with transaction.atomic():
        payload = None if captured is None else store_payload(captured)
        for row in rows:
            row.payload = payload
        # Another run may have written them since; the first one stands.
        Forecast.objects.bulk_create(rows, ignore_conflicts=True)
    return len(rows)


def _unknown(station: Station, days: list[IssuedDay], *, run: SourceRun) -> list[IssuedDay]:
    known = set(
        Forecast.objects.filter(
            station=station, source=run.source, issued_at__in={day.issued_at for day in days}
        ).values_list("climate_day", "issued_at")
    )
    keyed = {(day.climate_day, day.issued_at): day for day in days}
    return [day for key, day in keyed.items() if key not in known]


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


def _reference(station: Station, *, now: dt.datetime) -> float | None:
    """Return about how warm it has been: recent official highs, or None."""
    since = station.climate_day(now) - REFERENCE_DAYS
    highs = official_highs(station=station, as_of=now, since=since)
    return statistics.median(highs.values()) if highs else None


def _is_usable(
    day: IssuedDay,
    *,
    reference_f: float | None,
    station: Station,
    run: SourceRun,
    captured: Captured | None,
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
            f"{station.code} {day.climate_day}",
            error,
            station=station,
            captured=() if captured is None else (captured,),
        )
        return False
    return True
