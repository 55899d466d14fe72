"""Posting money: the only place that appends ledger entries and moves positions.

Every posting has a natural key, so a second delivery of the same fact is a no-op.
"""

from __future__ import annotations

import datetime as dt
from decimal import Decimal

from markets.models import Market
from trading.choices import Account, EntryKind
from trading.models import Fill, LedgerEntry, Portfolio, Position, Trade


def post(
    *,
    portfolio: Portfolio,
    at: dt.datetime,
    kind: EntryKind,
    debit: Account,
    credit: Account,
    amount_dollars: Decimal,
    reference: str,
    trade: Trade | None = None,
    fill: Fill | None = None,
    note: str = "",
) -> LedgerEntry | None:
    """Append one movement, once per ``reference``; an amount of zero moves nothing.

    Raises:
        ValueError: If the amount is negative; a movement has a direction instead.
    """
    if not amount_dollars.is_finite() or amount_dollars < 0:
        raise ValueError(f"a ledger amount is finite and never negative, was {amount_dollars}")
    if amount_dollars == 0:
        return None
    entry, _ = LedgerEntry.objects.get_or_create(
        reference=reference,
        defaults={
            "portfolio": portfolio,
            "at": at,
            "kind": kind,
            "debit": debit,
            "credit": credit,
            "amount_dollars": amount_dollars,
            "trade": trade,
            "fill": fill,
            "note": note,
        },
    )
    return entry


def post_deposit(
    *, portfolio: Portfolio, amount_dollars: Decimal, at: dt.datetime, reference: str
) -> None:
    """Book money paid into the portfolio."""
    post(
        portfolio=portfolio,
        at=at,
        kind=EntryKind.DEPOSIT,
        debit=Account.CASH,
        credit=Account.CAPITAL,
        amount_dollars=amount_dollars,
        reference=f"deposit:{portfolio.pk}:{reference}",
    )


def post_fill(*, fill: Fill, trade: Trade) -> None:
    """Book a fill: cash becomes contracts and fee, and the position grows.

    Call once per newly created fill, inside its transaction.
    """
    post(
        portfolio=trade.portfolio,
        at=fill.at,
        kind=EntryKind.PURCHASE,
        debit=Account.CONTRACTS,
        credit=Account.CASH,
        amount_dollars=fill.cost_dollars,
        reference=f"fill:{fill.venue_trade_id}:cost",
        trade=trade,
        fill=fill,
    )
    post(
        portfolio=trade.portfolio,
        at=fill.at,
        kind=EntryKind.FEE,
        debit=Account.FEES,
        credit=Account.CASH,
        amount_dollars=fill.fee_dollars,
        reference=f"fill:{fill.venue_trade_id}:fee",
        trade=trade,
        fill=fill,
    )
    position, _ = Position.objects.select_for_update().get_or_create(
        portfolio=trade.portfolio, market=trade.market, side=trade.side
    )
    position.count += fill.count
    position.cost_dollars += fill.cost_dollars
    position.fees_dollars += fill.fee_dollars
    position.save(update_fields=["count", "cost_dollars", "fees_dollars"])


def post_settlement(
    *, trade: Trade, cost_dollars: Decimal, payout_dollars: Decimal, at: dt.datetime
) -> None:
    """Book the end of a trade's contracts: the payout, and the difference to their cost."""
    post(
        portfolio=trade.portfolio,
        at=at,
        kind=EntryKind.PAYOUT,
        debit=Account.CASH,
        credit=Account.CONTRACTS,
        amount_dollars=payout_dollars,
        reference=f"settle:{trade.pk}:payout",
        trade=trade,
    )
    if payout_dollars >= cost_dollars:
        kind, debit, credit = EntryKind.GAIN, Account.CONTRACTS, Account.RESULT
    else:
        kind, debit, credit = EntryKind.LOSS, Account.RESULT, Account.CONTRACTS
    post(
        portfolio=trade.portfolio,
        at=at,
        kind=kind,
        debit=debit,
        credit=credit,
        amount_dollars=abs(payout_dollars - cost_dollars),
        reference=f"settle:{trade.pk}:result",
        trade=trade,
    )


def close_position(
    *, portfolio: Portfolio, market: Market, side: str, payout_dollars: Decimal, at: dt.datetime
) -> None:
    """Mark a position as paid out; a second call changes nothing."""
    Position.objects.filter(
        portfolio=portfolio, market=market, side=side, settled_at__isnull=True
    ).update(settled_at=at, payout_dollars=payout_dollars)
