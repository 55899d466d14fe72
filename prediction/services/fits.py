"""Which fits speak at a moment, and how one is withdrawn."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence

from django.contrib.auth.models import User
from django.db import transaction
from django.db.models import OuterRef, Q, QuerySet, Subquery

from boz.core.audit import record_audit
from boz.core.clock import require_utc
from boz.core.errors import InvalidDataError
from boz.core.logging import get_logger
from prediction.engines import ENGINES
from prediction.models import EngineFit
from prediction.services.reasons import require_reason
from weather.models import Station

log = get_logger("MODEL")

#: The fits of one station, by engine.
FitsOf = Mapping[str, EngineFit]


def latest_fits(*, stations: Sequence[Station], as_of: dt.datetime) -> dict[int, FitsOf]:
    """Return each station's newest usable fit of each engine, by the station's primary key.

    A fit speaks from its moment on until it is withdrawn; one that another version of its engine
    learned cannot be read by this one. Every station asked for has an entry.
    """
    newest = {
        f"newest_{position}": Subquery(
            _usable(as_of)
            .filter(station=OuterRef("pk"), engine=name, engine_version=engine.version)
            .order_by("-as_of")
            .values("pk")[:1]
        )
        for position, (name, engine) in enumerate(ENGINES.items())
    }
    keys = Station.objects.filter(pk__in=[station.pk for station in stations]).annotate(**newest)
    chosen = [pk for row in keys.order_by().values_list(*newest) for pk in row if pk is not None]
    found: dict[int, dict[str, EngineFit]] = {station.pk: {} for station in stations}
    for fit in EngineFit.objects.filter(pk__in=chosen).order_by("engine"):
        found[fit.station_id][fit.engine] = fit
    return dict(found)


@transaction.atomic
def withdraw_fit(fit: EngineFit, *, reason: str, user: User, now: dt.datetime) -> EngineFit:
    """Let a fit speak no more from now on, so that the one before it counts again.

    What was predicted with it stays as it was, and is made the same again as of its moment.

    Returns:
        The fit as it is stored now.

    Raises:
        InvalidDataError: If there is no reason, or the fit has been withdrawn already.
    """
    moment = require_utc(now, name="now")
    reason = require_reason(reason)
    locked = EngineFit.objects.select_for_update().select_related("station").get(pk=fit.pk)
    if locked.withdrawn_at is not None:
        raise InvalidDataError(f"It was withdrawn at {locked.withdrawn_at:%Y-%m-%d %H:%M} UTC.")
    locked.withdrawn_at, locked.withdrawn_reason = moment, reason
    locked.save(update_fields=["withdrawn_at", "withdrawn_reason"])
    record_audit(
        actor=user.get_username(),
        action="engine_fit.withdraw",
        subject=f"engine_fit:{locked.engine}:{locked.station.code}:v{locked.version}",
        before={"counts": True, "parameters_hash": locked.parameters_hash},
        after={"counts": False},
        reason=reason,
        now=moment,
    )
    log.warning("A fit was withdrawn", fit=str(locked), actor=user.get_username())
    return locked


def _usable(as_of: dt.datetime) -> QuerySet[EngineFit]:
    standing = Q(withdrawn_at__isnull=True) | Q(withdrawn_at__gt=as_of)
    return EngineFit.objects.filter(standing, as_of__lte=as_of)
