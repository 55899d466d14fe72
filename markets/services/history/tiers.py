"""What has moved to the historical tier is read there; the border moves while we read.

Data moves from the live tier to the historical one and never back. So the live tier is read first
and the historical one after it: what moves in between is read twice and kept once, never missed.
The cutoff is asked for after the live tier, and a margin is left on either side of it, since the
border is fuzzy.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Hashable, Iterable
from typing import TypeVar

from boz.core.errors import BozBaseException, DataUnavailable, TransientError
from boz.core.schemas import SkippedSubject
from markets.clients.kalshi import KalshiMarketData, Listing
from markets.clients.kalshi.objects import (
    ExchangeCandle,
    ExchangeMarket,
    ExchangeTrade,
    HistoricalCutoff,
)
from markets.clients.kalshi.wire import ExchangeObject
from markets.models import Market

#: Around the cutoff both tiers are asked.
MARGIN = dt.timedelta(days=7)
#: The historical tier answers 404 at times for candles that it has.
CANDLE_ATTEMPTS = 3
#: Candles in one call; the exchange refuses more than 5,000.
CANDLES_PER_CALL = 4000

Item = TypeVar("Item", bound=ExchangeObject)


class Tiers:
    """Both tiers of the exchange as one.

    Args:
        client: Reads the exchange.
    """

    def __init__(self, client: KalshiMarketData) -> None:
        """Take the client; the cutoff is asked for when it is needed."""
        self._client = client
        self._cutoff: HistoricalCutoff | None = None

    def settled_markets(self, series_ticker: str) -> Listing[ExchangeMarket]:
        """Return all settled markets of a series, each once."""
        live = self._client.markets(series_ticker=series_ticker, status="settled")
        past = _or_nothing(lambda: self._client.historical_markets(series_ticker=series_ticker))
        return _merged([live, past], lambda market: market.ticker)

    def trades(self, market: Market) -> Listing[ExchangeTrade]:
        """Return all public trades of a market that is closed, each once."""
        client, ticker = self._client, market.ticker
        read: list[Listing[ExchangeTrade]] = []
        if not self._is_long_past(market.close_time, lambda cutoff: cutoff.trades_created_ts):
            read.append(_or_nothing(lambda: client.trades(ticker=ticker)))
            self._cutoff = client.historical_cutoff()
        if market.open_time <= self._known().trades_created_ts + MARGIN:
            read.append(client.historical_trades(ticker=ticker))
        found = _merged(read, lambda trade: trade.trade_id)
        if not found.items and len(read) == 1:
            # Nothing where it should be: the border is fuzzy, or nobody ever traded.
            found = _merged([found, self._other_trades(market)], lambda trade: trade.trade_id)
        return found

    def candles(self, market: Market, *, minutes: int) -> Listing[ExchangeCandle]:
        """Return all candles of a market that is settled, each once.

        Raises:
            DataUnavailable: If neither tier knows the market's candles.
        """
        period = dt.timedelta(minutes=minutes)
        read: list[Listing[ExchangeCandle]] = []
        start, end = market.open_time, market.close_time + period
        while start < end:
            stop = min(end, start + period * CANDLES_PER_CALL)
            read.append(self._candles(market, start, stop, minutes))
            start = stop
        return _merged(read, lambda candle: candle.end_period_ts)

    def _candles(
        self, market: Market, since: dt.datetime, until: dt.datetime, minutes: int
    ) -> Listing[ExchangeCandle]:
        settled_at = market.settled_at or market.close_time
        read: list[Listing[ExchangeCandle]] = []
        if not self._is_long_past(settled_at, lambda cutoff: cutoff.market_settled_ts):
            live = _or_none(
                lambda: self._client.candles(
                    series_ticker=market.event.series.ticker,
                    ticker=market.ticker,
                    since=since,
                    until=until,
                    minutes=minutes,
                )
            )
            self._cutoff = self._client.historical_cutoff()
            if live is not None:
                read.append(live)
        is_past = settled_at <= self._known().market_settled_ts + MARGIN
        if is_past and not (read and read[0].items):
            past = self._historical_candles(market, since, until, minutes, is_needed=not read)
            if past is not None:
                read.append(past)
        if not read:
            raise DataUnavailable(
                f"Neither tier has candles of {market.ticker}.", {"market": market.ticker}
            )
        return _merged(read, lambda candle: candle.end_period_ts)

    def _historical_candles(
        self,
        market: Market,
        since: dt.datetime,
        until: dt.datetime,
        minutes: int,
        *,
        is_needed: bool,
    ) -> Listing[ExchangeCandle] | None:
        for attempt in range(1, CANDLE_ATTEMPTS + 1):
            try:
                return self._client.historical_candles(
                    ticker=market.ticker, since=since, until=until, minutes=minutes
                )
            except (DataUnavailable, TransientError) as error:
                if not _says_missing(error):
                    raise
                if is_needed and attempt == CANDLE_ATTEMPTS:
                    raise DataUnavailable(error.message, error.context) from error
        return None

    def _other_trades(self, market: Market) -> Listing[ExchangeTrade]:
        is_live_read = not self._is_long_past(
            market.close_time, lambda cutoff: cutoff.trades_created_ts
        )
        client, ticker = self._client, market.ticker
        if is_live_read:
            return _or_nothing(lambda: client.historical_trades(ticker=ticker))
        return _or_nothing(lambda: client.trades(ticker=ticker))

    def _known(self) -> HistoricalCutoff:
        if self._cutoff is None:
            self._cutoff = self._client.historical_cutoff()
        return self._cutoff

    def _is_long_past(
        self, moment: dt.datetime, border: Callable[[HistoricalCutoff], dt.datetime]
    ) -> bool:
        return moment < border(self._known()) - MARGIN


def _or_none(read: Callable[[], Listing[Item]]) -> Listing[Item] | None:
    try:
        return read()
    except (DataUnavailable, TransientError) as error:
        if not _says_missing(error):
            raise
        return None


def _says_missing(error: BozBaseException) -> bool:
    """Say whether an answer was "not here", in whatever words."""
    return isinstance(error, DataUnavailable) or error.context.get("status") == 404


def _or_nothing(read: Callable[[], Listing[Item]]) -> Listing[Item]:
    return _or_none(read) or Listing(())


def _merged(listings: Iterable[Listing[Item]], key: Callable[[Item], Hashable]) -> Listing[Item]:
    """Return one listing with each object once; the first word on it stands."""
    found: dict[Hashable, Item] = {}
    refused: list[SkippedSubject] = []
    for listing in listings:
        refused.extend(listing.refused)
        for item in listing.items:
            found.setdefault(key(item), item)
    return Listing(tuple(found.values()), tuple(refused))
