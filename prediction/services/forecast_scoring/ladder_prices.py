"""What the market said at a snapshot: one probability per bracket, and whether it can be true."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from boz.core.money import ONE
from boz.core.schemas import BookLevel, OrderBook
from markets.domain.book import COHERENT_SUM, implied_probabilities
from markets.services.imports.shapes import RowError, ask_of, bid_of
from prediction.services.forecast_scoring.tables import Row, first_moment, number

#: Columns with prices; the first that the rows fill is used: probabilities of a ladder, the middle
#: of bid and ask in cents, or bid and ask in cents.
PRICE_COLUMNS = ("mkt_p", "mid", "yes_bid_c", "yes_ask_c")
#: Columns with the time of the prices.
TIME_COLUMNS = ("snapshot_utc", "quote_utc", "candle_utc", "utc")
_UNITS = (("mkt_p", 1.0), ("mid", 100.0))


@dataclass(frozen=True, slots=True)
class MarketPrices:
    """What the market said about a ladder.

    Args:
        probabilities: One per bracket, coldest first, adding up to one.
        is_sane: Whether it may be scored against and learned from.
    """

    probabilities: tuple[float, ...]
    is_sane: bool


def market_prices(rows: Sequence[Row]) -> MarketPrices | None:
    """Return the market's ladder, None where it was silent or its quotes are no distribution.

    Args:
        rows: One per bracket, coldest first.

    Raises:
        RowError: If a price is no price.
    """
    for name, unit in _UNITS:
        prices = [number(row, name) for row in rows]
        if any(price is not None for price in prices):
            return _from_prices([p for p in prices if p is not None], rows, unit=unit)
    # Bids and asks are read as the product reads its books.
    implied = implied_probabilities([_book(row) for row in rows])
    return None if implied is None else _normalised(implied, is_sane=_is_let_in(rows))


def _from_prices(
    prices: Sequence[float], rows: Sequence[Row], *, unit: float
) -> MarketPrices | None:
    if len(prices) < len(rows):
        return None
    total = math.fsum(prices)
    if min(prices) < 0 or max(prices) > unit or not total > 0:
        raise RowError("The prices of a ladder are no prices.")
    stated = number(rows[0], "mkt_p_sum")
    least, most = map(float, COHERENT_SUM)
    is_coherent = least <= (total / unit if stated is None else stated) <= most
    return _normalised(prices, is_sane=is_coherent and _is_let_in(rows))


def _normalised(prices: Sequence[float], *, is_sane: bool) -> MarketPrices:
    total = math.fsum(prices)
    return MarketPrices(tuple(price / total for price in prices), is_sane)


def _is_let_in(rows: Sequence[Row]) -> bool:
    """Say whether no row carries the file's own mark that its market is not to be scored."""
    return all(number(row, "mkt_ok") != 0.0 for row in rows)


def _book(row: Row) -> OrderBook | None:
    """Return a row's bid and ask as a book of one contract a side; None when it is none."""
    at = first_moment(row, TIME_COLUMNS)
    try:
        bid, ask = bid_of(row.get("yes_bid_c") or ""), ask_of(row.get("yes_ask_c") or "")
    except RowError:
        return None
    if at is None or (bid is not None and ask is not None and bid >= ask):
        return None
    return OrderBook(
        market_ticker=row.get("ticker") or "",
        at=at,
        yes_bids=() if bid is None else (BookLevel(price_dollars=bid, count=ONE),),
        no_bids=() if ask is None else (BookLevel(price_dollars=ONE - ask, count=ONE),),
    )
