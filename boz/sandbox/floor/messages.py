"""How the stream tells what happens on the floor."""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Iterator
from decimal import Decimal
from typing import Any, Final

from boz.core.clock import format_utc
from boz.core.money import ZERO
from boz.core.schemas import BookLevel, OrderBook, Side
from boz.sandbox.exchange import Exchange, ListedMarket, unix
from boz.sandbox.floor.news import Channel, News
from boz.sandbox.floor.records import (
    SHARD,
    FillRecord,
    GroupRecord,
    OrderRecord,
    TradeRecord,
    count_fp,
    directions,
    dollars,
    milliseconds,
)
from markets.matching import Position

_MARKETS: Final = uuid.uuid5(uuid.NAMESPACE_URL, "boz.sandbox/markets")
#: Most recorded trades told of one step of the clock; after a longer jump nobody wants them all.
_MOST_TRADES: Final = 1000


def market_id(ticker: str) -> str:
    """Return a market's identity on the stream."""
    return str(uuid.uuid5(_MARKETS, ticker))


def book_of(item: ListedMarket, now: dt.datetime) -> OrderBook:
    """Return the book of a market as recorded."""
    book = item.book(now)
    return OrderBook(
        market_ticker=item.ticker,
        at=now,
        yes_bids=tuple(
            BookLevel(price_dollars=Decimal(level.price_c).scaleb(-2), count=Decimal(level.count))
            for level in book.bids
        ),
        no_bids=tuple(
            BookLevel(
                price_dollars=Decimal(100 - level.price_c).scaleb(-2), count=Decimal(level.count)
            )
            for level in book.asks
        ),
    )


# Books ----------------------------------------------------------------------------------------


def levels_of(book: OrderBook, side: Side) -> list[list[str]]:
    """Return one side's bids, ascending, as the exchange writes them."""
    return [
        [dollars(level.price_dollars), count_fp(level.count)] for level in reversed(book.bids(side))
    ]


def snapshot(book: OrderBook) -> dict[str, Any]:
    """Return a whole book; an empty side is left out."""
    ticker = book.market_ticker
    msg: dict[str, Any] = {"market_ticker": ticker, "market_id": market_id(ticker)}
    for side in Side:
        levels = levels_of(book, side)
        if levels:
            msg[f"{side.value}_dollars_fp"] = levels
    return msg


def deltas(before: OrderBook, after: OrderBook, cause: OrderRecord | None) -> Iterator[News]:
    """Yield what turns one book into the other, a level at a time."""
    ticker, now = after.market_ticker, after.at
    for side in Side:
        old = {level.price_dollars: level.count for level in before.bids(side)}
        new = {level.price_dollars: level.count for level in after.bids(side)}
        for price in sorted(old.keys() | new.keys()):
            change = new.get(price, ZERO) - old.get(price, ZERO)
            if change:
                is_own = (
                    cause is not None
                    and cause.ticker == ticker
                    and side is cause.order.side.bought
                    and price == cause.order.side.own_price(cause.order.price)
                )
                yield News(
                    Channel.BOOK,
                    "orderbook_delta",
                    {
                        "market_ticker": ticker,
                        "market_id": market_id(ticker),
                        "price_dollars": dollars(price),
                        "delta_fp": count_fp(change),
                        "side": side.value,
                        "ts": format_utc(now),
                        "ts_ms": milliseconds(now),
                    },
                    ticker=ticker,
                    owner_id=cause.user_id if cause is not None and is_own else "",
                    client_order_id=cause.client_order_id if cause is not None and is_own else "",
                )


# Quotes and trades ----------------------------------------------------------------------------


def ticker_message(body: dict[str, Any], last_size: Decimal, now: dt.datetime) -> dict[str, Any]:
    """Return a market's quotes; ``body`` is the market as REST writes it."""
    price = Decimal(body["last_price_dollars"])
    volume, interest = Decimal(body["volume_fp"]), Decimal(body["open_interest_fp"])
    return {
        "market_ticker": body["ticker"],
        "market_id": market_id(body["ticker"]),
        "price_dollars": body["last_price_dollars"],
        "yes_bid_dollars": body["yes_bid_dollars"],
        "yes_ask_dollars": body["yes_ask_dollars"],
        "yes_bid_size_fp": body["yes_bid_size_fp"],
        "yes_ask_size_fp": body["yes_ask_size_fp"],
        "last_trade_size_fp": count_fp(last_size),
        "volume_fp": body["volume_fp"],
        "open_interest_fp": body["open_interest_fp"],
        "dollar_volume": int(volume * price),
        "dollar_open_interest": int(interest * price),
        "ts": unix(now),
        "ts_ms": milliseconds(now),
        "time": format_utc(now),
    }


def ticked(msg: dict[str, Any]) -> News:
    """Return the news that a market's quotes changed."""
    return News(Channel.TICKER, "ticker", msg, ticker=msg["market_ticker"])


def trade(body: dict[str, Any], at: dt.datetime) -> News:
    """Return the news of a trade; ``body`` is the trade as REST writes it."""
    msg = {name: value for name, value in body.items() if name not in ("ticker", "created_time")}
    return News(
        Channel.TRADE,
        "trade",
        {**msg, "market_ticker": body["ticker"], "ts": unix(at), "ts_ms": milliseconds(at)},
        ticker=body["ticker"],
    )


def floor_trade(record: TradeRecord) -> News:
    """Return the news of a trade that the recordings do not hold."""
    return trade(record.body(), record.at)


def recorded_trades(exchange: Exchange, *, after: dt.datetime, until: dt.datetime) -> list[News]:
    """Return the news of the recorded trades after one moment and up to another."""
    first = unix(after) + 1
    if first > unix(until):
        return []
    page = exchange.trades(
        until, ticker=None, min_ts=first, max_ts=None, before=None, limit=_MOST_TRADES
    )
    return [
        trade(body, dt.datetime.fromisoformat(body["created_time"])) for _, body in page.rows[::-1]
    ]


# Members --------------------------------------------------------------------------------------


def user_order(record: OrderRecord) -> News:
    """Return the news that an order changed."""
    body = record.body()
    kept = {name: value for name, value in body.items() if value is not None}
    for name in ("action", "type", "no_price_dollars", "cancel_order_on_pause"):
        del kept[name]
    msg = {
        **kept,
        "is_yes": record.order.side.bought is Side.YES,
        "created_ts_ms": milliseconds(record.created_at),
        "last_updated_ts_ms": milliseconds(record.updated_at),
        # That the newest specification's reasons come under this name is UNVERIFIED.
        "last_update_reason": record.reason.value,
    }
    if record.order.expires_at is not None:
        msg["expiration_ts_ms"] = milliseconds(record.order.expires_at)
    return News(
        Channel.USER_ORDERS, "user_order", msg, ticker=record.ticker, user_id=record.user_id
    )


def fill(record: FillRecord, order: OrderRecord, held: Decimal) -> News:
    """Return the news of a fill, with the position after it."""
    msg = {
        "trade_id": record.trade_id,
        "order_id": record.order_id,
        **order.named(),
        "market_ticker": record.ticker,
        "exchange_index": SHARD,
        "is_taker": record.is_taker,
        "yes_price_dollars": dollars(record.yes_price),
        "count_fp": count_fp(record.count),
        "fee_cost": dollars(record.fee),
        **directions(record.side),
        "purchased_side": record.side.bought.value,
        "post_position_fp": count_fp(held),
        "ts": unix(record.at),
        "ts_ms": milliseconds(record.at),
        "subaccount": 0,
    }
    return News(Channel.FILL, "fill", msg, ticker=record.ticker, user_id=record.user_id)


def position(user_id: str, ticker: str, held: Position) -> News:
    """Return the news that a position changed."""
    msg = {
        "user_id": user_id,
        "market_ticker": ticker,
        "position_fp": count_fp(held.net),
        "position_cost_dollars": dollars(held.cost),
        "realized_pnl_dollars": dollars(held.realised),
        "fees_paid_dollars": dollars(held.fees),
        "position_fee_cost_dollars": dollars(held.fees if held.net else ZERO),
        "volume_fp": count_fp(abs(held.net)),
        "subaccount": 0,
    }
    return News(Channel.POSITIONS, "market_position", msg, ticker=ticker, user_id=user_id)


def group(record: GroupRecord, event_type: str, now: dt.datetime) -> News:
    """Return the news that an order group changed."""
    msg: dict[str, Any] = {
        "event_type": event_type,
        "order_group_id": record.group_id,
        "ts_ms": milliseconds(now),
    }
    if event_type in ("created", "limit_updated"):
        msg["contracts_limit_fp"] = count_fp(record.limit)
    return News(Channel.GROUPS, "order_group_updates", msg, user_id=record.user_id)


# Lives ----------------------------------------------------------------------------------------


def lifecycle(item: ListedMarket, *, after: dt.datetime, until: dt.datetime) -> Iterator[News]:
    """Yield what a market's life brought after one moment and up to another.

    Opening and closing are told by the clock alone; the exchange sends nothing.
    """
    life = item.life
    if after < life.created_at <= until:
        yield _lived(item, "created", _created(item))
    if after < life.determined_at <= until:
        yield determined(item, life.determined_at)
    if after < life.settles_at <= until:
        yield _lived(item, "settled", {"settled_ts": unix(life.settles_at)})


def determined(item: ListedMarket, at: dt.datetime) -> News:
    """Return the news of a market's result as told at a moment."""
    won = item.life.result(at)
    return _lived(
        item,
        "determined",
        {
            "result": "yes" if won else "no",
            "determination_ts": unix(at),
            "settlement_value": "1.0000" if won else "0.0000",
        },
    )


def closing_moved(item: ListedMarket) -> News:
    """Return the news that a market closes at another time than was told."""
    return _lived(item, "close_date_updated", {"close_ts": unix(item.life.closes_at)})


def _created(item: ListedMarket) -> dict[str, Any]:
    market = item.market
    return {
        "open_ts": unix(item.life.opens_at),
        "close_ts": unix(item.life.closes_at),
        "price_level_structure": "linear_cent",
        "additional_metadata": {
            "event_ticker": market.event_ticker,
            "yes_sub_title": market.subtitle,
            "no_sub_title": market.subtitle,
            "can_close_early": True,
        },
    }


def _lived(item: ListedMarket, event_type: str, more: dict[str, Any]) -> News:
    msg = {
        "event_type": event_type,
        "market_ticker": item.ticker,
        "exchange_index": SHARD,
        **more,
    }
    return News(Channel.LIFECYCLE, "market_lifecycle_v2", msg, ticker=item.ticker)
