"""Hourly candles of what trades, and their indicators."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence

from django.db import transaction
from django.db.models import Max, Q

from boz.core.agents import AgentResult, heartbeat
from boz.core.errors import (
    DataUnavailable,
    InvalidDataError,
    OperatorActionRequired,
)
from boz.core.schemas import SkippedSubject
from markets.clients.kalshi import KalshiMarketData, Listing
from markets.clients.kalshi.objects import ExchangeCandle
from markets.models import CandlePeriod, Candlestick, Market
from markets.services.candles.indicators import compute_indicators
from markets.services.candles.rows import PUBLISHED_AFTER, candle_row, store_candles

PERIOD = CandlePeriod.HOUR
#: Tickers in one call; a contract has about 38 hours, far below the 10,000 candles of a call.
MARKETS_PER_CALL = 100
#: After the close its last candles are still fetched; what was missed is for the backfill.
STILL_READ_AFTER_CLOSE = dt.timedelta(hours=3)
#: A gap longer than this is for the backfill.
REACH = dt.timedelta(days=2)
_UNREAD = (DataUnavailable, InvalidDataError, OperatorActionRequired)

_Candles = dict[str, Listing[ExchangeCandle]]


def sync_candles(*, now: dt.datetime, client: KalshiMarketData) -> AgentResult:
    """Store hourly candles that have ended, of markets that trade or did until just now.

    Raises:
        TransientError: If the exchange could not be reached; what was read before is stored.
    """
    markets = _markets(now)
    skipped: list[SkippedSubject] = []
    stored = computed = 0
    for start in range(0, len(markets), MARKETS_PER_CALL):
        chunk = markets[start : start + MARKETS_PER_CALL]
        since = max(min(_since(market) for market in chunk), now - REACH)
        found = _read(client, chunk, since=since, until=now, skipped=skipped)
        rows = _rows(chunk, found, now=now, skipped=skipped)
        with transaction.atomic():
            stored += store_candles(rows)
            touched = {row.market_id for row in rows}
            for market in chunk:
                if market.pk in touched:
                    computed += compute_indicators(market=market, as_of=now)
        heartbeat()
    return AgentResult(done={"candles": stored, "indicators": computed}, skipped=skipped)


def _markets(now: dt.datetime) -> list[Market]:
    last = Max("candles__end_at", filter=Q(candles__period_minutes=PERIOD))
    rows = Market.objects.filter(open_time__lte=now, close_time__gt=now - STILL_READ_AFTER_CLOSE)
    return list(
        rows.filter(event__series__is_active=True)
        .select_related("event__series")
        .annotate(last_candle_at=last)
        .order_by("event__series__ticker", "ticker")
    )


def _since(market: Market) -> dt.datetime:
    last: dt.datetime | None = getattr(market, "last_candle_at", None)
    return market.open_time if last is None else last


def _read(
    client: KalshiMarketData,
    chunk: Sequence[Market],
    *,
    since: dt.datetime,
    until: dt.datetime,
    skipped: list[SkippedSubject],
) -> _Candles:
    """Ask for all at once; when that is refused, for one after the other."""
    tickers = [market.ticker for market in chunk]
    try:
        return client.candles_of_many(tickers, since=since, until=until, minutes=PERIOD)
    except _UNREAD:
        found: _Candles = {}
    for market in chunk:
        try:
            found[market.ticker] = client.candles(
                series_ticker=market.event.series.ticker,
                ticker=market.ticker,
                since=since,
                until=until,
                minutes=PERIOD,
            )
        except _UNREAD as error:
            skipped.append(SkippedSubject(subject=market.ticker, reason=error.message))
    return found


def _rows(
    chunk: Sequence[Market],
    found: _Candles,
    *,
    now: dt.datetime,
    skipped: list[SkippedSubject],
) -> list[Candlestick]:
    rows: list[Candlestick] = []
    for market in chunk:
        listing = found.get(market.ticker)
        if listing is None:
            continue
        skipped.extend(
            SkippedSubject(subject=f"{market.ticker} candle {item.subject}", reason=item.reason)
            for item in listing.refused
        )
        for item in listing.items:
            # The candle under way changes until it has ended.
            if item.end_period_ts + PUBLISHED_AFTER > now or item.end_period_ts <= market.open_time:
                continue
            try:
                rows.append(candle_row(market, PERIOD, item))
            except InvalidDataError as error:
                skipped.append(SkippedSubject(subject=market.ticker, reason=error.message))
    return rows
