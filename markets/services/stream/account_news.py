"""News of the account in our own words, handed to whoever subscribed."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal

from boz.core.logging import get_logger
from boz.core.schemas import Side
from markets.clients.kalshi_stream.messages import FillBody, PositionBody, UserOrderBody
from markets.services.stream.harvest import PrivateBody, Received
from markets.services.stream.store import moment
from markets.signals import (
    AccountFill,
    AccountNews,
    AccountOrder,
    AccountPosition,
    account_fill,
    account_order,
    account_position,
)

log = get_logger("ORDER")

_SIGNALS = {
    AccountFill: account_fill,
    AccountOrder: account_order,
    AccountPosition: account_position,
}


def has_receivers() -> bool:
    """Say whether anybody wants news of the account."""
    return any(signal.receivers for signal in _SIGNALS.values())


def tell(received: Received[PrivateBody], *, key_id: str) -> None:
    """Hand one piece of news to all receivers; one that fails does not stop the others."""
    news = as_news(received, key_id=key_id)
    for receiver, answer in _SIGNALS[type(news)].send_robust(sender=type(news), news=news):
        if isinstance(answer, Exception):
            log.error(
                "News of the account could not be taken in",
                receiver=getattr(receiver, "__qualname__", str(receiver)),
                error=f"{type(answer).__name__}: {answer}",
            )


def as_news(received: Received[PrivateBody], *, key_id: str) -> AccountNews:
    """Return the news in our own words; prices become those of the side bought."""
    body, at = received.body, received.at
    if isinstance(body, FillBody):
        return _fill(body, at, key_id)
    if isinstance(body, UserOrderBody):
        return _order(body, at, key_id)
    return _position(body, at, key_id)


def _fill(body: FillBody, at: dt.datetime, key_id: str) -> AccountFill:
    side = Side(body.outcome_side)
    return AccountFill(
        key_id=key_id,
        venue_trade_id=body.trade_id,
        venue_order_id=body.order_id,
        client_order_id=body.client_order_id or "",
        market_ticker=body.market_ticker,
        side=side,
        price_dollars=_price(body.yes_price_dollars, side),
        count=body.count_fp,
        fee_dollars=body.fee_cost,
        is_taker=body.is_taker,
        position_count=body.post_position_fp,
        at=moment(body.ts_ms),
        received_at=at,
    )


def _order(body: UserOrderBody, at: dt.datetime, key_id: str) -> AccountOrder:
    side = Side(body.outcome_side)
    changed_ms = body.last_updated_ts_ms
    return AccountOrder(
        key_id=key_id,
        venue_order_id=body.order_id,
        client_order_id=body.client_order_id,
        market_ticker=body.ticker,
        side=side,
        price_dollars=_price(body.yes_price_dollars, side),
        status=body.status,
        filled_count=body.fill_count_fp,
        remaining_count=body.remaining_count_fp,
        initial_count=body.initial_count_fp,
        fees_dollars=body.taker_fees_dollars + body.maker_fees_dollars,
        at=None if changed_ms is None else moment(changed_ms),
        received_at=at,
    )


def _position(body: PositionBody, at: dt.datetime, key_id: str) -> AccountPosition:
    return AccountPosition(
        key_id=key_id,
        market_ticker=body.market_ticker,
        count=body.position_fp,
        cost_dollars=body.position_cost_dollars,
        realized_pnl_dollars=body.realized_pnl_dollars,
        fees_dollars=body.fees_paid_dollars,
        received_at=at,
    )


def _price(yes_price: Decimal, side: Side) -> Decimal:
    return yes_price if side is Side.YES else 1 - yes_price
