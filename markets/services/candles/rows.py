"""From a candle of the exchange to a row: checked, and only once it can be known as a whole."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Sequence
from decimal import Decimal

from boz.core.errors import InvalidDataError
from boz.core.money import MICRO_STEP, round_down
from markets.clients.kalshi.objects import AskSpread, BidSpread, ExchangeCandle, TradedPrices
from markets.models import Candlestick, Market

#: After its end, until a candle is taken for published and whole. UNVERIFIED: the exchange does
#: not say; asked later it is the same, so this is only ever too careful.
PUBLISHED_AFTER = dt.timedelta(minutes=1)
BATCH = 1000

_Price = Decimal | None


def candle_row(market: Market, minutes: int, item: ExchangeCandle) -> Candlestick:
    """Return a candle as a row that is not saved.

    Raises:
        InvalidDataError: If its prices contradict each other or are no prices.
    """
    name = f"The candle of {market.ticker} to {item.end_period_ts:%Y-%m-%d %H:%M}Z"
    row = Candlestick(
        market=market,
        period_minutes=minutes,
        end_at=item.end_period_ts,
        available_at=item.end_period_ts + PUBLISHED_AFTER,
        volume=item.volume,
        open_interest=item.open_interest,
    )
    parts: dict[str, BidSpread | AskSpread | TradedPrices] = {
        "yes_bid_": item.yes_bid,
        "yes_ask_": item.yes_ask,
    }
    if item.volume > 0:
        parts[""] = item.price
        if None in (item.price.open, item.price.high, item.price.low, item.price.close):
            raise InvalidDataError(f"{name} has trades without prices.")
        mean = item.price.mean
        row.mean_dollars = None if mean is None else round_down(mean)
    for prefix, part in parts.items():
        prices = {"open": part.open, "high": part.high, "low": part.low, "close": part.close}
        _require_prices(name, prices)
        for field, price in prices.items():
            setattr(row, f"{prefix}{field}_dollars", price)
    bid, ask = row.yes_bid_close_dollars, row.yes_ask_close_dollars
    if bid is not None and ask is not None and bid >= ask:
        raise InvalidDataError(f"{name} is crossed at its end: {bid} bid, {ask} asked.")
    return row


def store_candles(rows: Sequence[Candlestick]) -> int:
    """Insert candles that are not stored yet; return how many. The first word stands."""
    if not rows:
        return 0
    known = set(
        Candlestick.objects.filter(
            market__in={row.market_id for row in rows},
            period_minutes__in={row.period_minutes for row in rows},
            end_at__range=(min(row.end_at for row in rows), max(row.end_at for row in rows)),
        ).values_list("market_id", "period_minutes", "end_at")
    )
    new = {_key(row): row for row in reversed(rows) if _key(row) not in known}
    Candlestick.objects.bulk_create(new.values(), ignore_conflicts=True, batch_size=BATCH)
    return len(new)


def _key(row: Candlestick) -> tuple[int, int, dt.datetime]:
    return row.market_id, row.period_minutes, row.end_at


def _require_prices(name: str, prices: dict[str, _Price]) -> None:
    told = [price for price in prices.values() if price is not None]
    if any(not 0 < price < 1 or price != round_down(price, MICRO_STEP) for price in told):
        raise InvalidDataError(f"{name} has impossible prices.", {"prices": _plain(prices)})
    high, low = prices["high"], prices["low"]
    if (high is not None and high < max(told)) or (low is not None and low > min(told)):
        raise InvalidDataError(f"{name} contradicts itself.", {"prices": _plain(prices)})


def _plain(prices: dict[str, _Price]) -> Iterable[str]:
    return [f"{name} {price}" for name, price in prices.items()]
