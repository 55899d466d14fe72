"""Events past their close that hold contracts while the exchange has not decided every market.

A market that vanished, or that was paid in a way we do not know, must neither hold up the payment
of the others nor leave held contracts unpaid in silence.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass

from boz.core.logging import get_logger
from boz.core.models import Level
from boz.core.schemas import SkippedSubject
from boz.core.services.notifications import notify
from markets.models import Event, Market
from settlement.selectors import final_results, readings_as_of, unpaid_tickers
from settlement.services.record import is_current, locked_event, record_version
from trading.services.settling import settle_trades

log = get_logger("SETTLE")

#: Results come the morning after the climate day; beyond this something is wrong.
OVERDUE = dt.timedelta(days=2)


@dataclass(frozen=True, slots=True)
class Waited:
    """What was paid of an event that still waits, and what there is to say about it."""

    trades: int = 0
    skipped: tuple[SkippedSubject, ...] = ()


def settle_waiting(*, event: Event, now: dt.datetime) -> Waited:
    """Pay what is final of one event and tell what is missing, in the caller's transaction.

    Trades are paid once each market that the event's executed trades are in has its final result;
    the event itself stays open, and is settled as usual when the others come.
    """
    event = locked_event(event.pk)
    held = unpaid_tickers(event)
    results = final_results(event, now=now)
    missing = sorted(ticker for ticker, word in results.items() if word == Market.Result.UNKNOWN)
    is_overdue = all(market.close_time + OVERDUE <= now for market in event.markets.all())
    is_usual = len(missing) in (0, len(results))
    if not held or (is_usual and not is_overdue):
        return Waited()
    unpaid = [ticker for ticker in held if ticker in missing]
    reason = _reason(missing, unpaid)
    trades = 0 if unpaid else _pay(event, results, reason, now=now)
    _tell(event, reason, is_paid=not unpaid, now=now)
    return Waited(trades=trades, skipped=(SkippedSubject(subject=event.ticker, reason=reason),))


def _pay(event: Event, results: dict[str, str], reason: str, *, now: dt.datetime) -> int:
    reading = readings_as_of([event], now=now)[event.pk]
    if not is_current(event, results, reading):
        record_version(event, results=results, our_reading_f=reading, remarks=(reason,), now=now)
    final = {
        ticker: word == Market.Result.YES
        for ticker, word in results.items()
        if word != Market.Result.UNKNOWN
    }
    return len(settle_trades(event=event, results=final, now=now))


def _reason(missing: Sequence[str], unpaid: Sequence[str]) -> str:
    what = (
        f"The exchange gives no final result for {', '.join(missing)}."
        if missing
        else "The exchange decided every market but did not close the event."
    )
    if unpaid:
        return f"{what} We hold contracts there, so no trade of this event is paid yet."
    return f"{what} The trades held were paid on the final results of their own markets."


def _tell(event: Event, reason: str, *, is_paid: bool, now: dt.datetime) -> None:
    log.warning("An event past its close lacks results", event=event.ticker, reason=reason)
    what = "was paid without all its results" if is_paid else "holds contracts without a result"
    notify(
        level=Level.WARNING if is_paid else Level.ERROR,
        title=f"{event.ticker} {what}",
        body=reason,
        now=now,
        subject_key=f"settlement:{event.ticker}:{'paid-in-part' if is_paid else 'waiting'}",
    )
