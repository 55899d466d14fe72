"""Dated fees: what the exchange states, from the moment we first saw it or it was announced for.

A change appends a row and never rewrites one, so that a past fill can be checked with the fee of
its time.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from decimal import Decimal

from boz.core.logging import get_logger
from boz.core.schemas import SkippedSubject
from markets.clients.kalshi.objects import ExchangeEvent, ExchangeSeries
from markets.models import Event, FeeSchedule, Series
from markets.selectors import known_fees

log = get_logger("MARKET")

#: Type and multiplier; an event leaves to its series what is empty or None.
Terms = tuple[str, Decimal | None]
USUAL: Terms = ("", None)
_STEP = Decimal("0.0001")
_TYPE_CHARS = 60


def record_fees(
    listed: Iterable[tuple[Series, ExchangeSeries]],
    events: Iterable[tuple[Event, ExchangeEvent]],
    *,
    now: dt.datetime,
) -> tuple[int, list[SkippedSubject]]:
    """Append what is new about fees in force; return how many rows, and fees that make no sense."""
    series_pairs, event_pairs = list(listed), list(events)
    latest = _in_force([series.pk for series, _ in series_pairs], now)
    rows: list[FeeSchedule] = []
    skipped: list[SkippedSubject] = []
    stated: set[int] = set()
    for series, exchange in series_pairs:
        terms = (exchange.fee_type, exchange.fee_multiplier)
        if is_absurd(terms):
            skipped.append(refusal(series.ticker, terms))
            continue
        stated.add(series.pk)
        rows.extend(_row_if_new(latest.get((series.pk, None)), series, None, terms, now))
    for event, listing in event_pairs:
        own = (listing.fee_type_override or "", listing.fee_multiplier_override)
        known = latest.get((event.series_id, event.pk))
        if event.series_id not in stated or (own == USUAL and known is None):
            continue
        if is_absurd(own):
            skipped.append(refusal(event.ticker, own))
            continue
        rows.extend(_row_if_new(known, event.series, event, own, now))
    FeeSchedule.objects.bulk_create(rows, ignore_conflicts=True)
    return len(rows), skipped


def is_absurd(terms: Terms) -> bool:
    """Say whether a fee cannot be true, or not be stored exactly."""
    fee_type, multiplier = terms
    if len(fee_type) > _TYPE_CHARS:
        return True
    return multiplier is not None and not (
        0 <= multiplier < 1000 and multiplier == multiplier.quantize(_STEP)
    )


def refusal(subject: str, terms: Terms) -> SkippedSubject:
    """Return why a fee was not stored."""
    return SkippedSubject(
        subject=subject,
        reason=f"The exchange states a fee '{terms[0][:80]}' x {terms[1]}, which makes no sense.",
    )


def _in_force(series_ids: list[int], now: dt.datetime) -> dict[tuple[int, int | None], Terms]:
    rows = (
        known_fees(as_of=now)
        .filter(series_id__in=series_ids, effective_from__lte=now)
        .order_by("effective_from", "available_at", "pk")
    )
    return {(row.series_id, row.event_id): (row.fee_type, row.multiplier) for row in rows}


def _row_if_new(
    known: Terms | None, series: Series, event: Event | None, terms: Terms, now: dt.datetime
) -> list[FeeSchedule]:
    if known == terms:
        return []
    subject = series.ticker if event is None else event.ticker
    if known is not None:
        log.warning(
            "The exchange has changed a fee",
            subject=subject,
            before=f"{known[0]} x {known[1]}",
            after=f"{terms[0]} x {terms[1]}",
        )
    return [
        FeeSchedule(
            series=series,
            event=event,
            fee_type=terms[0],
            multiplier=terms[1],
            effective_from=now,
            available_at=now,
        )
    ]
