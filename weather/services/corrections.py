"""What a person may do about a fact that is wrong: set another beside it, or withdraw it.

Nothing is overwritten or deleted, so a read as of an earlier moment gives what was known then. For
the same reason a withdrawal is not taken back: the row would reappear in the time in which nobody
could see it. A climate report withdrawn by mistake is said anew by a correction; any other row
comes back with the source's next word.
"""

from __future__ import annotations

import datetime as dt

from django.contrib.auth.models import User
from django.db import transaction

from boz.core.audit import record_audit
from boz.core.errors import InvalidDataError, OperatorActionRequired
from boz.core.logging import get_logger
from boz.core.schemas import PLAUSIBLE_HIGH_F, PLAUSIBLE_LOW_F
from weather.models import ClimateReport, Said, Station
from weather.services.health import get_source
from weather.sources import MANUAL

log = get_logger("WEATHER")

REASON_AT_MOST = 1000
CORRECT_PERMISSION = "weather.add_climatereport"


def withdraw_permission(model: type[Said]) -> str:
    """Return the permission that withdrawing a row of a model takes."""
    return f"weather.change_{model._meta.model_name}"


@transaction.atomic
def correct_climate_report(
    *,
    station: Station,
    climate_day: dt.date,
    max_f: int,
    min_f: int | None,
    reason: str,
    user: User,
    now: dt.datetime,
) -> ClimateReport:
    """Add a final issuance that stands for a day from now on; earlier ones stay.

    Args:
        station: Where.
        climate_day: A day that is over in the station's standard time.
        max_f: The day's maximum, whole °F.
        min_f: The day's minimum, whole °F; None says nothing about it.
        reason: Why, in the operator's words; kept with the row and in the audit trail.
        user: Who corrects; needs the permission to add climate reports.
        now: The present, from which on the correction is known.

    Raises:
        OperatorActionRequired: If the user may not correct reports.
        InvalidDataError: If a value makes no sense; ``field`` of the context names the argument.
    """
    _require_permission(user, CORRECT_PERMISSION, "correct climate reports")
    reason = _checked_reason(reason)
    # Two corrections of one station wait for each other, so that the second sees the first.
    Station.objects.select_for_update().get(pk=station.pk)
    before = check_correction(
        station=station, climate_day=climate_day, max_f=max_f, min_f=min_f, now=now
    )
    source = get_source(MANUAL)
    count = ClimateReport.objects.filter(
        station=station, source=source, climate_day=climate_day
    ).count()
    report = ClimateReport.objects.create(
        station=station,
        source=source,
        product_id=f"manual-{station.code}-{climate_day:%Y%m%d}-{count + 1}",
        climate_day=climate_day,
        max_f=max_f,
        min_f=min_f,
        is_preliminary=False,
        is_correction=True,
        note=reason,
        issued_at=now,
        available_at=now,
        fetched_at=now,
    )
    record_audit(
        actor=user.get_username(),
        action="climate_report.correct",
        subject=f"climate_report:{station.code}:{climate_day}",
        before=None if before is None else _facts(before),
        after=_facts(report),
        reason=reason,
        now=now,
    )
    log.warning(
        "A climate report was corrected by hand",
        station=station.code,
        climate_day=climate_day.isoformat(),
        max_f=max_f,
        actor=user.get_username(),
    )
    return report


def check_correction(
    *, station: Station, climate_day: dt.date, max_f: int, min_f: int | None, now: dt.datetime
) -> ClimateReport | None:
    """Refuse values that make no sense, before anything is written.

    Returns:
        The report in force, which the correction would stand for from now on; it may say that the
        maximum is missing. None without a final report.

    Raises:
        InvalidDataError: As for :func:`correct_climate_report`.
    """
    _check_day(station, climate_day, now=now)
    _check_values(max_f, min_f)
    before = _report_in_force(station, climate_day, as_of=now)
    if before is not None and (before.max_f, before.min_f) == (max_f, min_f):
        raise _refusal("max_f", f"The report in force ({before.product_id}) says exactly this.")
    return before


@transaction.atomic
def withdraw(row: Said, *, reason: str, user: User, now: dt.datetime) -> Said:
    """Let a row from outside count no more from now on; what was decided on it stays explained.

    Returns:
        The row as it is stored now.

    Raises:
        OperatorActionRequired: If the user may not withdraw such rows.
        InvalidDataError: If there is no reason, or the row has been withdrawn already.
    """
    model = type(row)
    kind = str(model._meta.verbose_name)
    _require_permission(user, withdraw_permission(model), f"withdraw a {kind}")
    reason = _checked_reason(reason)
    locked: Said = model._default_manager.select_for_update().get(pk=row.pk)
    if locked.withdrawn_at is not None:
        raise _refusal("reason", f"It was withdrawn at {locked.withdrawn_at:%Y-%m-%d %H:%M} UTC.")
    locked.withdrawn_at, locked.withdrawn_because = now, reason
    locked.save(update_fields=["withdrawn_at", "withdrawn_because"])
    record_audit(
        actor=user.get_username(),
        action=f"{kind.replace(' ', '_')}.withdraw",
        subject=f"{kind.replace(' ', '_')}:{row.pk}",
        before={"counts": True, "row": str(locked)},
        after={"counts": False},
        reason=reason,
        now=now,
    )
    log.warning(f"A {kind} was withdrawn", row=str(locked), actor=user.get_username())
    return locked


def _require_permission(user: User, permission: str, what: str) -> None:
    if not user.has_perm(permission):
        raise OperatorActionRequired(
            f"{user.get_username() or 'An anonymous user'} may not {what}.",
            {"permission": permission},
        )


def _checked_reason(reason: str) -> str:
    text = reason.strip()
    if not text:
        raise _refusal("reason", "Say why: the reason is kept with the change.")
    if len(text) > REASON_AT_MOST:
        raise _refusal("reason", f"A reason has {REASON_AT_MOST} characters at the most.")
    return text


def _check_day(station: Station, climate_day: dt.date, *, now: dt.datetime) -> None:
    _, end = station.climate_day_bounds(climate_day)
    if now < end:
        raise _refusal(
            "climate_day",
            f"The day is not over: it ends at {end:%Y-%m-%d %H:%M} UTC, and until then nobody "
            "knows its high.",
        )


def _check_values(max_f: int, min_f: int | None) -> None:
    for field, value in (("max_f", max_f), ("min_f", min_f)):
        if value is not None and not PLAUSIBLE_LOW_F <= value <= PLAUSIBLE_HIGH_F:
            raise _refusal(
                field, f"Between {PLAUSIBLE_LOW_F:g} and {PLAUSIBLE_HIGH_F:g} °F, was {value}."
            )
    if min_f is not None and min_f > max_f:
        raise _refusal("min_f", f"The minimum of {min_f} °F is above the maximum of {max_f} °F.")


def _refusal(field: str, sentence: str) -> InvalidDataError:
    return InvalidDataError(sentence, {"field": field})


def _report_in_force(
    station: Station, climate_day: dt.date, *, as_of: dt.datetime
) -> ClimateReport | None:
    return (
        ClimateReport.objects.known(as_of)
        .filter(station=station, climate_day=climate_day, is_preliminary=False)
        .order_by("-issued_at", "-is_correction", "-pk")
        .first()
    )


def _facts(report: ClimateReport) -> dict[str, str | int | None]:
    return {"product_id": report.product_id, "max_f": report.max_f, "min_f": report.min_f}
