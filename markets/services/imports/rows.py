"""Trades and quotes of a recorded file; every row is known from its own time on."""

from __future__ import annotations

import datetime as dt
import itertools
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from django.db import connection
from django.db.models import Model

from markets.models import Market, MarketTrade, Quote
from markets.services.imports.shapes import (
    RowError,
    Shape,
    ask_of,
    bid_of,
    field,
    moment_of,
    number_of,
    price_of,
)

_CHUNK = 20_000
_TRADE_COLUMNS = ("market_id", "trade_id", "at", "yes_price_dollars", "count", "taker_side")
_QUOTE_COLUMNS = (
    "market_id",
    "at",
    "available_at",
    "yes_bid_dollars",
    "yes_ask_dollars",
    "last_price_dollars",
    "origin",
)


def write_trades(rows: Iterable[Mapping[str, str]], skipped: Counter[str]) -> tuple[int, set[str]]:
    """Store trades of markets that we know; return how many rows were good, and their tickers."""
    keys = dict(Market.objects.values_list("ticker", "pk"))
    tickers: set[str] = set()
    count = 0
    for values in _chunks(_trade_values(rows, keys, tickers, skipped)):
        _insert(MarketTrade, _TRADE_COLUMNS, values)
        count += len(values)
    return count, tickers


def write_quotes(
    pairs: Iterable[tuple[str, tuple[Any, ...]]], keys: Mapping[str, int], skipped: Counter[str]
) -> int:
    """Store quotes read by :func:`quote_values`; return how many."""
    count = 0
    for chunk in _chunks(iter(pairs)):
        values = [(keys[ticker], *rest) for ticker, rest in chunk if ticker in keys]
        missing = len(chunk) - len(values)
        if missing:
            skipped["The market of the quote could not be stored."] += missing
        _insert(Quote, _QUOTE_COLUMNS, values)
        count += len(values)
    return count


def quote_values(row: Mapping[str, str], shape: Shape) -> tuple[Any, ...]:
    """Return the columns of a quote but its market.

    Raises:
        RowError: If the row holds no price or its prices cannot be true.
    """
    at = _stored_time(moment_of(field(row, shape.time)))
    bid, ask = bid_of(row.get(shape.bid) or ""), ask_of(row.get(shape.ask) or "")
    last = row.get(shape.last) if shape.last else ""
    last_price = price_of(last) if last and number_of(last) != 0 else None
    if bid is not None and ask is not None and bid >= ask:
        if not shape.origin:
            raise RowError("The quote is crossed.")
        # Estimates of different ages: neither side is known to stand, the last trade still is.
        bid = ask = None
    if bid is None and ask is None and last_price is None:
        raise RowError("The row holds no price.")
    prices = (None if price is None else str(price) for price in (bid, ask, last_price))
    return (at, at, *prices, shape.origin)


def _trade_values(
    rows: Iterable[Mapping[str, str]],
    keys: Mapping[str, int],
    tickers: set[str],
    skipped: Counter[str],
) -> Iterator[tuple[Any, ...]]:
    same: Counter[str] = Counter()
    for row in rows:
        try:
            ticker = field(row, "ticker")
            key = keys.get(ticker)
            if key is None:
                raise RowError("The market of the trade is not known; import the markets first.")
            moment = moment_of(field(row, "utc"))
            price = price_of(field(row, "yes_price_c"))
            count = number_of(field(row, "contracts"))
            if count <= 0:
                raise RowError("A trade of no contracts.")
            side = field(row, "taker_side")
            if side not in ("yes", "no"):
                raise RowError("The taker's side is neither yes nor no.")
        except RowError as error:
            skipped[str(error)] += 1
            continue
        tickers.add(ticker)
        # The files carry no identity. Equal trades of one second are told apart by their number,
        # so that a second import, in whatever order, finds the same identities.
        identity = f"rec:{ticker}:{int(moment.timestamp())}:{price}:{count}:{side}"
        same[identity] += 1
        name = f"{identity}:{same[identity]}"
        yield key, name, _stored_time(moment), str(price), str(count), side


def _stored_time(moment: dt.datetime) -> Any:
    return connection.ops.adapt_datetimefield_value(moment)


def _chunks(items: Iterator[Any]) -> Iterator[list[Any]]:
    while chunk := list(itertools.islice(items, _CHUNK)):
        yield chunk


def _insert(model: type[Model], columns: Sequence[str], rows: Sequence[tuple[Any, ...]]) -> None:
    """Insert many rows, leaving out those that are there already.

    Plain SQL, since model instances take ten times as long for a file of a million trades.
    """
    if not rows:
        return
    quote = connection.ops.quote_name
    names = ", ".join(quote(name) for name in columns)
    marks = ", ".join(["%s"] * len(columns))
    table = quote(model._meta.db_table)
    statement = f"INSERT INTO {table} ({names}) VALUES ({marks}) ON CONFLICT DO NOTHING"  # noqa: S608 - names are our own
    with connection.cursor() as cursor:
        cursor.executemany(statement, rows)
