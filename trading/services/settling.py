"""Paying out the trades of a settled event."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from decimal import Decimal

from django.db import transaction

from boz.core.errors import DataUnavailable
from boz.core.logging import get_logger
from boz.core.money import ZERO
from boz.core.schemas import Side
from markets.models import Event
from trading import selectors
from trading.choices import LIVE_ORDER_STATUSES, TradeStatus
from trading.models import Fill, Portfolio, Trade
from trading.services.ledger import close_position, post_settlement
from trading.services.protections import protect_after_settlement
from trading.services.risk import locked_portfolio

log = get_logger("SETTLE")


@transaction.atomic
def settle_trades(*, event: Event, results: Mapping[str, bool], now: dt.datetime) -> list[Trade]:
    """Pay every executed trade of an event by its market's result, and end the waiting ones.

    Trades belong to the event, that is to the climate day; no timestamp is compared.

    Args:
        event: The event whose results are known.
        results: Whether YES pays, by market ticker.
        now: The present; losses and wins are realised today.

    Returns:
        The trades that this call settled; none on a second call.

    Raises:
        DataUnavailable: If a traded market has no result.
    """
    settled: list[Trade] = []
    portfolios = Portfolio.objects.filter(trades__event=event).distinct().order_by("pk")
    for portfolio_id in list(portfolios.values_list("pk", flat=True)):
        portfolio = locked_portfolio(portfolio_id)
        _cancel_unfilled(portfolio, event)
        mine = [
            _settle(trade, results, now)
            for trade in selectors.unpaid_trades()
            .filter(portfolio=portfolio, event=event)
            .select_related("market", "portfolio")
            .order_by("pk")
        ]
        lost = [trade for trade in mine if trade.status == TradeStatus.LOST]
        protect_after_settlement(portfolio=portfolio, lost=lost, now=now)
        settled.extend(mine)
    return settled


def _cancel_unfilled(portfolio: Portfolio, event: Event) -> None:
    """End what never became contracts; an order of unknown outcome keeps its reservation."""
    waiting = Trade.objects.filter(portfolio=portfolio, event=event)
    waiting.filter(status=TradeStatus.PENDING).update(
        status=TradeStatus.EXPIRED,
        status_reason="The event was settled before anybody approved it.",
        reserved_dollars=ZERO,
    )
    waiting.filter(status=TradeStatus.APPROVED).exclude(
        orders__status__in=LIVE_ORDER_STATUSES
    ).update(
        status=TradeStatus.CANCELLED,
        status_reason="The event was settled before an order left.",
        reserved_dollars=ZERO,
    )


def _settle(trade: Trade, results: Mapping[str, bool], now: dt.datetime) -> Trade:
    yes_pays = results.get(trade.market.ticker)
    if yes_pays is None:
        raise DataUnavailable(
            f"There is no result for {trade.market.ticker}, so trade {trade.pk} stays open.",
            {"trade": trade.pk, "market": trade.market.ticker},
        )
    fills = list(Fill.objects.filter(order__trade=trade))
    count = sum((fill.count for fill in fills), ZERO)
    cost = sum((fill.cost_dollars for fill in fills), ZERO)
    fees = sum((fill.fee_dollars for fill in fills), ZERO)
    pays = yes_pays is (Side(trade.side) is Side.YES)
    payout: Decimal = count if pays else ZERO
    post_settlement(trade=trade, cost_dollars=cost, payout_dollars=payout, at=now)
    close_position(
        portfolio=trade.portfolio,
        market=trade.market,
        side=trade.side,
        payout_dollars=payout,
        at=now,
    )
    trade.status = TradeStatus.WON if pays else TradeStatus.LOST
    trade.pnl_dollars = payout - cost - fees
    trade.settled_at = now
    trade.reserved_dollars = ZERO
    trade.save(update_fields=["status", "pnl_dollars", "settled_at", "reserved_dollars"])
    log.info(
        "Trade settled",
        market=trade.market.ticker,
        side=trade.side,
        status=str(trade.status),
        pnl=str(trade.pnl_dollars),
    )
    return trade
