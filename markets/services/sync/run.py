"""One sync with the exchange: all reading first, then one transaction."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from decimal import Decimal

from django.db import transaction

from boz.core.agents import AgentResult
from boz.core.errors import (
    BozBaseException,
    DataUnavailable,
    InvalidDataError,
    OperatorActionRequired,
    TransientError,
)
from boz.core.money import round_down
from boz.core.schemas import SkippedSubject
from markets.clients.kalshi import KalshiMarketData, Listing
from markets.clients.kalshi.objects import ExchangeEvent, ExchangeMarket, ExchangeSeries
from markets.models import Event
from markets.services.sync.events import write_events
from markets.services.sync.fees import record_fees
from markets.services.sync.results import (
    fetch_results,
    pending_events,
    unfinal_events,
    write_results,
)
from markets.services.sync.series import wanted_series, write_series

#: What may go wrong with one subject without stopping the others.
_PER_SERIES = (TransientError, DataUnavailable, InvalidDataError, OperatorActionRequired)


@dataclass(slots=True)
class _Read:
    """What the exchange said in one sync, before anything is written."""

    series: dict[str, ExchangeSeries] = field(default_factory=dict)
    events: dict[str, tuple[ExchangeEvent, ...]] = field(default_factory=dict)
    pending: Sequence[Event] = ()
    results: Listing[ExchangeMarket] = field(default_factory=lambda: Listing(()))
    skipped: list[SkippedSubject] = field(default_factory=list)
    failures: list[BozBaseException] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class ListingResult(AgentResult):
    """What a sync of the listings did, and what it read for the books that follow.

    Attributes:
        last_prices: Dollars of the last trade by ticker; a market that never traded is absent.
    """

    last_prices: dict[str, Decimal] = field(default_factory=dict)


def sync_markets(*, now: dt.datetime, client: KalshiMarketData) -> ListingResult:
    """Bring series, fees, open events with their markets, and results up to date.

    A series that cannot be read is left out with its reason.

    Raises:
        TransientError: If the exchange could not be reached for anything.
    """
    stations = wanted_series()
    read = _read(client, list(stations), now=now)
    with transaction.atomic():
        rows = write_series(read.series, stations, now=now)
        listings = [(rows[ticker], event) for ticker in rows for event in read.events[ticker]]
        written = write_events(listings, now=now)
        fees, absurd = record_fees(
            [(rows[ticker], series) for ticker, series in read.series.items()],
            written.pairs,
            now=now,
        )
        determined, unclear = write_results(read.pending, read.results, now=now)
    return ListingResult(
        done={
            "series": len(rows),
            "events": len(written.pairs),
            "markets": written.markets,
            "quarantined": written.quarantined,
            "fee_changes": fees,
            "determined": determined,
        },
        skipped=[*read.skipped, *written.skipped, *absurd, *unclear],
        last_prices=_last_prices(event for events in read.events.values() for event in events),
    )


def _read(client: KalshiMarketData, tickers: Sequence[str], *, now: dt.datetime) -> _Read:
    read = _Read()
    for ticker in tickers:
        try:
            series = client.series(ticker)
            listing = client.events(series_ticker=ticker)
        except _PER_SERIES as error:
            _leave_out(read, ticker, error)
            continue
        read.series[ticker] = series
        read.events[ticker] = listing.items
        read.skipped.extend(listing.refused)
    if (
        tickers
        and not read.series
        and all(isinstance(error, TransientError) for error in read.failures)
    ):
        raise read.failures[-1]
    listed = [event.event_ticker for events in read.events.values() for event in events]
    # An event whose listing could not be read is not asked for as if it had closed.
    listed.extend(item.subject for item in read.skipped)
    read.pending = [*pending_events(listed=listed), *unfinal_events(now=now)]
    if read.pending:
        try:
            read.results = fetch_results(client, read.pending)
        except _PER_SERIES as error:
            _leave_out(read, "results", error)
    return read


def _last_prices(events: Iterable[ExchangeEvent]) -> dict[str, Decimal]:
    """Return what can be stored as a price paid; the exchange's grid is no finer."""
    prices = {
        market.ticker: market.last_price_dollars for event in events for market in event.markets
    }
    return {
        ticker: price
        for ticker, price in prices.items()
        if price is not None and 0 < price < 1 and price == round_down(price)
    }


def _leave_out(read: _Read, subject: str, error: BozBaseException) -> None:
    read.failures.append(error)
    context = {key: error.context[key] for key in ("status", "url") if key in error.context}
    read.skipped.append(SkippedSubject(subject=subject, reason=error.message, context=context))
