"""Settles events on the exchange's results: pays, checks, scores and explains.

The exchange's result governs money. Our own reading and the strikes are checks whose disagreement
is recorded and told, and never changes a payment.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass

from django.db import transaction

from boz.core.agents import AgentResult, guarded
from boz.core.clock import require_utc
from boz.core.errors import DataUnavailable
from boz.core.logging import get_logger
from boz.core.models import Level
from boz.core.schemas import SkippedSubject
from boz.core.services.notifications import notify
from markets.models import Event, Market
from prediction.services.verify import verify_event
from settlement.domain.reading import whole_degree
from settlement.models import Settlement
from settlement.selectors import (
    current_settlement,
    events_to_score,
    events_to_settle,
    events_waiting,
    events_with_unpaid_trades,
    has_all_results,
    readings_as_of,
    results_of,
    trades_without_post_mortem,
)
from settlement.services.post_mortem import write_post_mortem
from settlement.services.record import (
    has_changed,
    is_complete,
    is_current,
    locked_event,
    newest_version,
    record_version,
)
from settlement.services.waiting import settle_waiting
from trading.models import Trade
from trading.services.settling import settle_trades

log = get_logger("SETTLE")


@dataclass(frozen=True, slots=True)
class Settled:
    """What settling one event did."""

    trades: int
    is_new: bool = False
    is_changed: bool = False
    has_mismatch: bool = False
    has_reading_difference: bool = False
    verified: int = 0
    skipped: tuple[SkippedSubject, ...] = ()


def settle_all(*, now: dt.datetime) -> AgentResult:
    """Settle every event whose results are known, each by itself.

    One event's failure is recorded and leaves the others alone. A result, value or reading that
    changes after it was settled gives a new version and, when something disagrees, a warning; money
    already booked is left untouched.
    """
    moment = require_utc(now, name="now")
    settled: list[Settled] = []
    skipped: list[SkippedSubject] = []
    unpaid = events_with_unpaid_trades()
    waiting = list(events_waiting(now=moment)) if unpaid else []
    events = list(events_to_settle(now=moment).exclude(pk__in=[event.pk for event in waiting]))
    readings = readings_as_of(events, now=moment)
    due = [
        event
        for event in events
        if event.status != Event.Status.SETTLED
        or event.pk in unpaid
        or not is_current(event, results_of(event), readings[event.pk])
    ]
    for settle, subjects in ((settle_event, due), (_settle_waiting, waiting)):
        for event in subjects:
            with guarded(event.ticker, skipped, log=log):
                with transaction.atomic():
                    outcome = settle(event=event, now=moment)
                settled.append(outcome)
    late, unscored = _score_late(but=[event.pk for event in due], now=moment)
    written, unexplained = _explain(now=moment)
    skipped += [item for one in settled for item in one.skipped] + unscored + unexplained
    return AgentResult(
        done={
            "settled": sum(one.is_new for one in settled),
            "mismatches": sum(one.has_mismatch for one in settled),
            "reading_differences": sum(one.has_reading_difference for one in settled),
            "trades": sum(one.trades for one in settled),
            "postmortems": written,
            "verified": sum(one.verified for one in settled) + late,
            "changed": sum(one.is_changed for one in settled),
        },
        skipped=skipped,
    )


def settle_event(*, event: Event, now: dt.datetime) -> Settled:
    """Settle one event inside the caller's transaction.

    It judges by what it reads under a lock on the event, so overlapping runs settle it once.

    Args:
        event: Its results are known.
        now: The present.

    Raises:
        DataUnavailable: If a market has no result yet.
    """
    event = locked_event(event.pk)
    if not has_all_results(event):
        raise DataUnavailable(
            f"Not every market of {event.ticker} has a result yet.", {"event": event.ticker}
        )
    results = results_of(event)
    reading = readings_as_of([event], now=now)[event.pk]
    if is_current(event, results, reading):
        return _paid_late(event, now=now)
    previous = newest_version(event)
    is_changed = has_changed(previous, results)
    settlement, comparison = record_version(event, results=results, our_reading_f=reading, now=now)
    trades = _paid(event, now=now)
    verified, skipped = _verified(event, settlement, now=now)
    _mark_settled(event)
    _tell(event, settlement, is_changed=is_changed, trades=len(trades), now=now)
    return Settled(
        trades=len(trades),
        is_new=previous is None or not is_complete(previous),
        is_changed=is_changed,
        has_mismatch=bool(comparison.strike_mismatches),
        has_reading_difference=bool(comparison.reading_differences),
        verified=verified,
        skipped=skipped,
    )


def _settle_waiting(*, event: Event, now: dt.datetime) -> Settled:
    waited = settle_waiting(event=event, now=now)
    return Settled(trades=waited.trades, skipped=waited.skipped)


def _mark_settled(event: Event) -> None:
    if event.status != Event.Status.SETTLED:
        event.status = Event.Status.SETTLED
        event.save(update_fields=["status"])


def _paid_late(event: Event, *, now: dt.datetime) -> Settled:
    """Pay trades whose fills became known only after the event was settled."""
    trades = _paid(event, now=now)
    _mark_settled(event)
    if trades:
        log.warning("Trades were paid after their event was settled", event=event.ticker)
    return Settled(trades=len(trades))


def _paid(event: Event, *, now: dt.datetime) -> list[Trade]:
    results = {ticker: word == Market.Result.YES for ticker, word in results_of(event).items()}
    return settle_trades(event=event, results=results, now=now)


def _verified(
    event: Event, settlement: Settlement, *, now: dt.datetime
) -> tuple[int, tuple[SkippedSubject, ...]]:
    """Score the belief; a score that cannot be made never holds up a payment."""
    high = whole_degree(settlement.exchange_value_f)
    if high is None:
        high = settlement.our_reading_f
    if high is None:
        reason = "There is no settled value to score the prediction on."
        return 0, (SkippedSubject(subject=f"verification of {event.ticker}", reason=reason),)
    verified = 0
    skipped: list[SkippedSubject] = []
    # In a savepoint of its own: scoring must not undo a payment.
    with guarded(f"verification of {event.ticker}", skipped, log=log), transaction.atomic():
        verified = verify_event(event=event, observed_high_f=high, now=now)
    return verified, tuple(skipped)


def _score_late(*, but: Sequence[int], now: dt.datetime) -> tuple[int, list[SkippedSubject]]:
    """Score the beliefs of settled events, but for some, whose scoring failed in an earlier run."""
    verified = 0
    skipped: list[SkippedSubject] = []
    for event in events_to_score(now=now).exclude(pk__in=but):
        settlement = current_settlement(event)
        if settlement is not None:
            made, reasons = _verified(event, settlement, now=now)
            verified += made
            skipped += reasons
    return verified, skipped


def _explain(*, now: dt.datetime) -> tuple[int, list[SkippedSubject]]:
    """Write every post-mortem that is missing, also of trades settled in an earlier run."""
    written = 0
    skipped: list[SkippedSubject] = []
    for trade in trades_without_post_mortem(now=now):
        with guarded(f"post-mortem of trade {trade.pk}", skipped, log=log):
            settlement = current_settlement(trade.event)
            if settlement is None:
                raise DataUnavailable(f"Trade {trade.pk} ended without a settlement on record.")
            with transaction.atomic():
                locked_event(trade.event_id)
                write_post_mortem(trade=trade, settlement=settlement, now=now)
            written += 1
    return written, skipped


def _tell(
    event: Event, settlement: Settlement, *, is_changed: bool, trades: int, now: dt.datetime
) -> None:
    facts = {
        "event": event.ticker,
        "value": str(settlement.exchange_value_f),
        "version": settlement.version,
        "trades": trades,
    }
    if not settlement.mismatches:
        log.info("Event settled", **facts)
        return
    log.warning("Event settled with a mismatch", **facts, mismatches=settlement.mismatches)
    what = "settled with a mismatch"
    if is_changed:
        what = "changed its result"
    elif settlement.version > 1:
        what = "was read anew and does not agree"
    notify(
        level=Level.WARNING,
        title=f"{event.ticker} {what}",
        body="\n".join(settlement.mismatches),
        now=now,
        subject_key=f"settlement:{event.ticker}:v{settlement.version}",
    )
