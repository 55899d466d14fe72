"""Fees, as of a moment."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal

from django.db.models import Q, QuerySet

from boz.core.errors import OperatorActionRequired
from boz.core.schemas import FeeTerms
from markets.domain.fees import fee_terms_from_exchange
from markets.models import Event, FeeSchedule


def known_fees(*, as_of: dt.datetime) -> QuerySet[FeeSchedule]:
    """Return the fees that were known at a moment and not taken back by then.

    Those in force later are among them when they had been announced.
    """
    return FeeSchedule.objects.filter(
        Q(withdrawn_at__isnull=True) | Q(withdrawn_at__gt=as_of), available_at__lte=as_of
    )


def fee_terms(*, event: Event, as_of: dt.datetime, at: dt.datetime | None = None) -> FeeTerms:
    """Return the fee of an event: its own where it has one, else its series'.

    Args:
        event: Which.
        as_of: Nothing known later counts.
        at: When the fee is to be in force, if later than ``as_of``: an announced change counts.

    Raises:
        OperatorActionRequired: If none was known then, or it is one that we cannot compute.
    """
    rows = (
        known_fees(as_of=as_of)
        .filter(Q(event=event) | Q(event__isnull=True), series=event.series_id)
        .filter(effective_from__lte=as_of if at is None else max(as_of, at))
        .order_by("effective_from", "available_at", "pk")
    )
    of_series = of_event = None
    for row in rows:
        if row.event_id is None:
            of_series = row
        else:
            of_event = row
    fee_type, multiplier = _resolved(of_event, of_series)
    if not fee_type or multiplier is None:
        raise OperatorActionRequired(
            f"No fee was known for {event.ticker}, so nothing may be ordered there.",
            {"event": event.ticker, "as_of": as_of.isoformat()},
        )
    return fee_terms_from_exchange(fee_type, multiplier)


def _resolved(
    of_event: FeeSchedule | None, of_series: FeeSchedule | None
) -> tuple[str, Decimal | None]:
    fee_type = "" if of_series is None else of_series.fee_type
    multiplier = None if of_series is None else of_series.multiplier
    if of_event is not None:
        fee_type = of_event.fee_type or fee_type
        multiplier = multiplier if of_event.multiplier is None else of_event.multiplier
    return fee_type, multiplier
