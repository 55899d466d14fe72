"""A person's word on a trade: approve, reject, or let it expire.

An approval is a decision of now: price, belief, freshness and every limit are looked at again.
"""

from __future__ import annotations

import datetime as dt

from django.contrib.auth.models import AbstractBaseUser
from django.db import transaction

from boz.core.agents import AgentResult
from boz.core.errors import InvalidOrderError, OperatorActionRequired, RiskLimitError
from boz.core.logging import get_logger
from boz.core.money import format_dollars, round_up
from boz.core.schemas import Side, TradeSignal
from boz.core.services.audit import record_audit
from trading.choices import TradeStatus
from trading.domain.kernel import decide
from trading.domain.parameters import checked_parameters
from trading.models import Trade
from trading.services.orders import execute_trade
from trading.services.risk import locked_portfolio
from trading.services.snapshots import event_snapshot, portfolio_state

log = get_logger("TRADING")


def approve_trade(*, trade_id: int, user: AbstractBaseUser, now: dt.datetime) -> Trade:
    """Approve a waiting trade, if it would be proposed again now, and send its order.

    Raises:
        OperatorActionRequired: If the user may not approve here.
        InvalidOrderError: If the trade no longer waits (decided already, or expired).
        RiskLimitError: If price, belief, freshness or a limit speaks against it now; the trade
            keeps waiting, since the reason may pass.
    """
    with transaction.atomic():
        trade = _waiting_trade(trade_id, user, now)
        signal = _still_wanted(trade, now)
        trade.count = min(trade.count, signal.count)
        trade.limit_price_dollars = signal.limit_price_dollars
        trade.all_in_cost_dollars = signal.all_in_cost_dollars
        trade.max_cost_dollars = round_up(signal.max_cost_dollars * trade.count / signal.count)
        trade.reserved_dollars = trade.max_cost_dollars
        trade.status = TradeStatus.APPROVED
        trade.decided_by_id = user.pk
        trade.decided_at = now
        trade.save()
        _audit(trade, user, "trade.approve", "approved", now)
    execute_trade(trade_id=trade.pk, now=now)
    trade.refresh_from_db()
    return trade


@transaction.atomic
def reject_trade(*, trade_id: int, user: AbstractBaseUser, now: dt.datetime, reason: str) -> Trade:
    """Reject a waiting trade; what it reserved is free again.

    Raises:
        OperatorActionRequired: If the user may not decide here.
        InvalidOrderError: If the trade no longer waits.
    """
    trade = _waiting_trade(trade_id, user, now)
    trade.status = TradeStatus.REJECTED
    trade.status_reason = reason or "Rejected without a stated reason."
    trade.reserved_dollars = 0
    trade.decided_by_id = user.pk
    trade.decided_at = now
    trade.save()
    _audit(trade, user, "trade.reject", trade.status_reason, now)
    return trade


def expire_approvals(*, now: dt.datetime) -> AgentResult:
    """Let every trade expire that waited too long; nothing else is touched."""
    expired = Trade.objects.filter(status=TradeStatus.PENDING, expires_at__lte=now).update(
        status=TradeStatus.EXPIRED,
        status_reason="Nobody approved it in time.",
        reserved_dollars=0,
    )
    return AgentResult(done={"expired": expired}, skipped=[])


def _waiting_trade(trade_id: int, user: AbstractBaseUser, now: dt.datetime) -> Trade:
    portfolio_id = Trade.objects.values_list("portfolio_id", flat=True).get(pk=trade_id)
    portfolio = locked_portfolio(portfolio_id)
    trade = Trade.objects.select_related("market", "strategy", "event__series__station").get(
        pk=trade_id
    )
    trade.portfolio = portfolio
    if not portfolio.can_approve(user):
        raise OperatorActionRequired("You may not approve or reject trades of this portfolio.")
    if trade.status != TradeStatus.PENDING:
        raise InvalidOrderError(
            f"Trade {trade.pk} no longer waits: it is {trade.get_status_display()}.",
            {"trade": trade.pk, "status": trade.status},
        )
    if trade.expires_at is not None and trade.expires_at <= now:
        raise InvalidOrderError(
            f"Trade {trade.pk} expired at {trade.expires_at:%Y-%m-%d %H:%M} UTC.",
            {"trade": trade.pk},
        )
    return trade


def _still_wanted(trade: Trade, now: dt.datetime) -> TradeSignal:
    """Return what the kernel would order now in the trade's market, or raise why it would not."""
    if not trade.strategy.is_active:
        raise RiskLimitError(
            f"Strategy {trade.strategy.name} was switched off meanwhile.", {"trade": trade.pk}
        )
    snapshot, _ = event_snapshot(
        portfolio=trade.portfolio,
        state=portfolio_state(trade.portfolio, now=now, without_trade=trade.pk),
        event=trade.event,
        parameters=checked_parameters(trade.strategy.kind, trade.strategy.parameters),
        as_of=now,
        without_trade=trade.pk,
    )
    outcome = decide(snapshot)
    side = Side(trade.side)
    for signal in outcome.orders:
        if signal.market_ticker == trade.market.ticker and signal.side is side:
            if signal.limit_price_dollars > trade.limit_price_dollars:
                raise RiskLimitError(
                    f"The price moved from {format_dollars(trade.limit_price_dollars)} to"
                    f" {format_dollars(signal.limit_price_dollars)}; it needs a new proposal.",
                    {"trade": trade.pk},
                )
            return signal
    reasons = [
        item.reason
        for item in outcome.stand_downs
        if item.market_ticker in (None, trade.market.ticker) and item.side in (None, side)
    ]
    raise RiskLimitError(
        reasons[0] if reasons else "The strategy no longer wants this trade.", {"trade": trade.pk}
    )


def _audit(
    trade: Trade, user: AbstractBaseUser, action: str, reason: str, now: dt.datetime
) -> None:
    record_audit(
        actor=str(user),
        action=action,
        subject=f"trade:{trade.pk}",
        before={"status": TradeStatus.PENDING.value},
        after={
            "status": str(trade.status),
            "count": str(trade.count),
            "limit_price_dollars": str(trade.limit_price_dollars),
        },
        reason=reason,
        now=now,
    )
