"""Dated fees: what the exchange states, kept from the moment we first saw it.

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

log = get_logger("MARKET")

_Terms = tuple[str, Decimal]
_STEP = Decimal("0.0001")
_TYPE_CHARS = 60


def record_fees(
    listed: Iterable[tuple[Series, ExchangeSeries]],
    events: Iterable[tuple[Event, ExchangeEvent]],
    *,
    now: dt.datetime,
) -> tuple[int, list[SkippedSubject]]:
    """Append what is new about fees; return how many rows, and fees that make no sense."""
    series_pairs, event_pairs = list(listed), list(events)
    latest = _latest([series.pk for series, _ in series_pairs])
    rows: list[FeeSchedule] = []
    skipped: list[SkippedSubject] = []
    stated: dict[int, _Terms] = {}
    for series, exchange in series_pairs:
        terms = (exchange.fee_type, exchange.fee_multiplier)
        if _is_absurd(terms):
            skipped.append(_refusal(series.ticker, terms))
            continue
        stated[series.pk] = terms
        rows.extend(_row_if_new(latest, series, None, terms, now))
    for event, listing in event_pairs:
        base = stated.get(event.series_id)
        is_overridden = listing.fee_type_override or listing.fee_multiplier_override is not None
        if base is None or not (is_overridden or (event.series_id, event.pk) in latest):
            continue
        multiplier = listing.fee_multiplier_override
        own = (listing.fee_type_override or base[0], base[1] if multiplier is None else multiplier)
        if _is_absurd(own):
            skipped.append(_refusal(event.ticker, own))
            continue
        rows.extend(_row_if_new(latest, event.series, event, own, now))
    FeeSchedule.objects.bulk_create(rows, ignore_conflicts=True)
    return len(rows), skipped


def _latest(series_ids: list[int]) -> dict[tuple[int, int | None], _Terms]:
    rows = FeeSchedule.objects.filter(series_id__in=series_ids).order_by("effective_from")
    return {(row.series_id, row.event_id): (row.fee_type, row.multiplier) for row in rows}


def _row_if_new(
    latest: dict[tuple[int, int | None], _Terms],
    series: Series,
    event: Event | None,
    terms: _Terms,
    now: dt.datetime,
) -> list[FeeSchedule]:
    known = latest.get((series.pk, None if event is None else event.pk))
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


def _is_absurd(terms: _Terms) -> bool:
    fee_type, multiplier = terms
    is_exact = 0 <= multiplier < 1000 and multiplier == multiplier.quantize(_STEP)
    return not is_exact or len(fee_type) > _TYPE_CHARS


def _refusal(subject: str, terms: _Terms) -> SkippedSubject:
    return SkippedSubject(
        subject=subject,
        reason=f"The exchange states a fee '{terms[0][:80]}' x {terms[1]}, which makes no sense.",
    )
