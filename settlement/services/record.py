"""Versions of how an event was settled: what one holds, and when a new one is due."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping

from markets.models import Event, Market
from settlement.domain.reading import Comparison, PaidMarket, compare
from settlement.models import Settlement

_CHANGED = (
    "The exchange changed its results after this event was settled. The trades stay booked on the "
    "first results: no money was moved for this version, and a person must put that right."
)


def locked_event(event_id: int) -> Event:
    """Return an event as it is now, and keep other settlement runs off it until the end.

    Whoever settles judges by what this returns, never by rows read before the lock. Rows that
    refer to the event can still be written meanwhile, so a trading cycle that holds a portfolio
    does not wait for a settlement that waits for the portfolio.
    """
    return (
        Event.objects.select_for_update(of=("self",), no_key=True)
        .select_related("series__station")
        .prefetch_related("markets", "settlements")
        .get(pk=event_id)
    )


def newest_version(event: Event) -> Settlement | None:
    """Return the newest settlement of an event, from the ones that were read with it."""
    return max(event.settlements.all(), key=lambda item: item.version, default=None)


def is_current(event: Event, results: Mapping[str, str], our_reading_f: int | None) -> bool:
    """Say whether the newest settlement holds the results, value and reading now known."""
    newest = newest_version(event)
    return (
        newest is not None
        and newest.results == results
        and newest.exchange_value_f == event.expiration_value_f
        and newest.our_reading_f == our_reading_f
    )


def is_complete(settlement: Settlement) -> bool:
    """Say whether a settlement holds a result for every market."""
    return Market.Result.UNKNOWN not in settlement.results.values()


def has_changed(previous: Settlement | None, results: Mapping[str, str]) -> bool:
    """Say whether a result that was settled on is another one now; a late one is no change."""
    return previous is not None and any(
        word != Market.Result.UNKNOWN and results.get(ticker) != word
        for ticker, word in previous.results.items()
    )


def record_version(
    event: Event,
    *,
    results: Mapping[str, str],
    our_reading_f: int | None,
    remarks: tuple[str, ...] = (),
    now: dt.datetime,
) -> tuple[Settlement, Comparison]:
    """Store the next version of an event's settlement and what does not agree in it.

    Args:
        event: From :func:`locked_event`.
        results: Result by market ticker; empty text where none is known.
        our_reading_f: The high of the climate report known now, whole °F; None without one.
        remarks: Sentences to keep with the version besides those found here.
        now: The present.
    """
    previous = newest_version(event)
    comparison = _compared(event, results, our_reading_f)
    sentences = [
        *remarks,
        *comparison.sentences,
        *_corrections(previous, our_reading_f, is_changed=has_changed(previous, results)),
    ]
    settlement = Settlement.objects.create(
        event=event,
        version=1 if previous is None else previous.version + 1,
        exchange_value_f=event.expiration_value_f,
        our_reading_f=our_reading_f,
        authority=_authority(event),
        results=dict(results),
        mismatches=sentences,
        settled_at=now,
    )
    return settlement, comparison


def _compared(event: Event, results: Mapping[str, str], our_reading_f: int | None) -> Comparison:
    words = set(results.values())
    if Market.Result.UNKNOWN in words and Market.Result.YES not in words:
        # The market that pays may be the one without a result: nothing can contradict it yet.
        return Comparison((), ())
    return compare(
        [
            PaidMarket(
                ticker=market.ticker,
                bracket=market.bracket,
                is_yes=results[market.ticker] == Market.Result.YES,
            )
            for market in event.markets.all()
            if results[market.ticker] != Market.Result.UNKNOWN
        ],
        exchange_value_f=event.expiration_value_f,
        our_reading_f=our_reading_f,
    )


def _corrections(
    previous: Settlement | None, our_reading_f: int | None, *, is_changed: bool
) -> list[str]:
    """Return sentences on what is different from the version before."""
    sentences = [_CHANGED] if is_changed else []
    before = None if previous is None else previous.our_reading_f
    if before is not None and before != our_reading_f:
        now_says = "no maximum" if our_reading_f is None else f"{our_reading_f}°"
        sentences.append(
            f"The climate report was corrected after we settled: it said {before}°, now {now_says}."
        )
    return sentences


def _authority(event: Event) -> str:
    """Return the names of the settlement sources in force for the event."""
    names = [
        str(source.get("name", "")) if isinstance(source, dict) else str(source)
        for source in event.settlement_sources
    ]
    return ", ".join(name for name in names if name)[:120] or "not stated"
