"""Which engine's belief counts: chosen by a person, with a reason, from a moment on."""

from __future__ import annotations

import datetime as dt

from django.contrib.auth.models import User
from django.db import transaction

from boz.core.audit import record_audit
from boz.core.clock import require_utc
from boz.core.errors import InvalidDataError
from boz.core.logging import get_logger
from prediction.constants import PRIMARY_ENGINE
from prediction.engines import get_engine
from prediction.engines.base import EngineKind
from prediction.models import Champion
from prediction.services.reasons import require_reason

log = get_logger("MODEL")


def champion_at(as_of: dt.datetime) -> str:
    """Return the name of the engine whose belief counts at a moment."""
    chosen = (
        Champion.objects.filter(since__lte=require_utc(as_of, name="as_of"))
        .order_by("-since")
        .values_list("engine", flat=True)
        .first()
    )
    return PRIMARY_ENGINE if chosen is None else chosen


def check_champion(*, engine: str, reason: str, as_of: dt.datetime) -> str:
    """Refuse a choice that makes no sense, before anything is written.

    Returns:
        The reason as it is kept.

    Raises:
        DataUnavailable: If there is no engine of this name; the message lists those there are.
        InvalidDataError: If it may not be traded on, counts already, or there is no reason.
    """
    told = require_reason(reason)
    if get_engine(engine).kind is not EngineKind.MODEL:
        raise InvalidDataError(
            f"The belief of {engine!r} is the market's own: it is scored and pooled with, and "
            "never traded on."
        )
    if champion_at(as_of) == engine:
        raise InvalidDataError(f"The belief of {engine!r} counts already.")
    return told


@transaction.atomic
def choose_champion(*, engine: str, reason: str, user: User, now: dt.datetime) -> Champion:
    """Let an engine's belief count from now on; what was believed before stays as it was.

    Raises:
        DataUnavailable: If there is no engine of this name; the message lists those there are.
        InvalidDataError: If it may not be traded on, counts already, there is no reason, or another
            one was chosen at this very moment or later.
    """
    moment = require_utc(now, name="now")
    told = check_champion(engine=engine, reason=reason, as_of=moment)
    newest = Champion.objects.select_for_update().order_by("-since").first()
    if newest is not None and newest.since >= moment:
        raise InvalidDataError(f"A champion was chosen at {newest.since:%Y-%m-%d %H:%M:%S} UTC.")
    before = PRIMARY_ENGINE if newest is None else newest.engine
    chosen = Champion.objects.create(engine=engine, since=moment, reason=told, chosen_by=user)
    record_audit(
        actor=user.get_username(),
        action="champion.choose",
        subject="champion",
        before={"engine": before},
        after={"engine": engine},
        reason=told,
        now=moment,
    )
    log.warning("Another engine's belief counts", engine=engine, actor=user.get_username())
    return chosen
