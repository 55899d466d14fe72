"""Reads of portfolios: cash, exposure, results, and the proof that the books agree."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import Any

from django.db.models import Exists, OuterRef, Q, QuerySet, Sum
from django.db.models.functions import Coalesce

from boz.core.clock import exchange_day, exchange_day_bounds
from boz.core.money import FEE_STEP, ZERO, round_up
from boz.core.schemas import Side, TradeRecord
from trading.choices import Account, EntryKind, TradeStatus
from trading.models import (
    Fill,
    KillSwitch,
    LedgerEntry,
    Lock,
    Portfolio,
    Position,
    Trade,
)

SETTLED = (TradeStatus.WON, TradeStatus.LOST)
RESERVING = (TradeStatus.PENDING, TradeStatus.APPROVED, TradeStatus.EXECUTED)


def _sum(rows: QuerySet[Any], column: str) -> Decimal:
    """Return the exact sum of a decimal column.

    Only plain columns: the database knows their scale, while a product of two would come back from
    SQLite as an unrounded float.
    """
    total: Decimal = rows.aggregate(total=Coalesce(Sum(column), ZERO))["total"]
    # SQLite adds up floats; on the ledger's own grid the sum is exact again.
    return total.quantize(FEE_STEP)


def cash_dollars(portfolio: Portfolio) -> Decimal:
    """Return the cash in the ledger."""
    totals = LedgerEntry.objects.filter(portfolio=portfolio).aggregate(
        received=Coalesce(Sum("amount_dollars", filter=Q(debit=Account.CASH)), ZERO),
        given=Coalesce(Sum("amount_dollars", filter=Q(credit=Account.CASH)), ZERO),
    )
    received, given = (totals[key].quantize(FEE_STEP) for key in ("received", "given"))
    return received - given


def free_cash_dollars(portfolio: Portfolio, *, without_trade: int | None = None) -> Decimal:
    """Return the cash that nothing else may still claim: no waiting trade, no order under way."""
    return cash_dollars(portfolio) - reserved_dollars(portfolio, without_trade=without_trade)


def exposure_dollars(portfolio: Portfolio, *, without_trade: int | None = None) -> Decimal:
    """Return what can still be lost: contracts held, YES and NO, and everything reserved.

    Reserved are trades that wait for approval and orders that may still become contracts, an
    order of unknown outcome among them.

    Args:
        portfolio: Whose exposure.
        without_trade: A trade whose own reservation is left out, when it is itself being judged.
    """
    return held_dollars(portfolio) + reserved_dollars(portfolio, without_trade=without_trade)


def held_dollars(portfolio: Portfolio) -> Decimal:
    """Return what the contracts held have cost, YES and NO."""
    return _sum(
        Position.objects.filter(portfolio=portfolio, settled_at__isnull=True), "cost_dollars"
    )


def reserved_dollars(portfolio: Portfolio, *, without_trade: int | None = None) -> Decimal:
    """Return the most that waiting trades and orders under way can still cost."""
    waiting = Trade.objects.filter(portfolio=portfolio, status__in=RESERVING)
    if without_trade is not None:
        waiting = waiting.exclude(pk=without_trade)
    return _sum(waiting, "reserved_dollars")


def unpaid_trades() -> QuerySet[Trade]:
    """Return the trades that hold contracts and were not paid out yet.

    What counts is the fills: contracts are owed their payout whatever a trade's status says.
    """
    filled = Exists(Fill.objects.filter(order__trade=OuterRef("pk")))
    return Trade.objects.filter(filled).exclude(status__in=SETTLED)


def realised_dollars(portfolio: Portfolio, *, start: dt.datetime, end: dt.datetime) -> Decimal:
    """Return the result after fees of the trades *settled* in a span of time.

    A loss belongs to the day on which it was realised; counted on the day of entry a daily loss
    limit could never trip.
    """
    return _sum(
        Trade.objects.filter(
            portfolio=portfolio, status__in=SETTLED, settled_at__gte=start, settled_at__lt=end
        ),
        "pnl_dollars",
    )


def realised_today_dollars(portfolio: Portfolio, *, now: dt.datetime) -> Decimal:
    """Return the result after fees of the exchange day so far."""
    start, _ = exchange_day_bounds(exchange_day(now))
    return realised_dollars(portfolio, start=start, end=now + dt.timedelta(microseconds=1))


def locks_in_force(portfolio: Portfolio, *, now: dt.datetime) -> list[Lock]:
    """Return the protections that forbid trading at ``now``."""
    return list(
        Lock.objects.filter(portfolio=portfolio, starts_at__lte=now, until__gt=now)
        .filter(Q(released_at__isnull=True) | Q(released_at__gt=now))
        .order_by("until")
    )


def kill_switch() -> KillSwitch | None:
    """Return the latest turn of the kill switch, or None when it was never touched."""
    return KillSwitch.objects.order_by("-id").first()


def kill_switch_is_on() -> bool:
    """Say whether no order may leave."""
    latest = kill_switch()
    return latest is not None and latest.is_on


def ledger_drift_dollars(portfolio: Portfolio) -> Decimal:
    """Return how far the ledger's cash is from what deposits, fills and results make it.

    The second reading does not use the ledger beyond deposits and withdrawals: it adds up fills
    and pays settled trades by their markets' results. Anything but zero is a defect.
    """
    ledger = LedgerEntry.objects.filter(portfolio=portfolio)
    paid_in = _sum(ledger.filter(kind=EntryKind.DEPOSIT), "amount_dollars")
    paid_out = _sum(ledger.filter(kind=EntryKind.WITHDRAWAL), "amount_dollars")
    expected = paid_in - paid_out
    fills = Fill.objects.filter(order__trade__portfolio=portfolio)
    for fill in fills.select_related("order__trade__market"):
        trade = fill.order.trade
        expected -= fill.cost_dollars + fill.fee_dollars
        if trade.status in SETTLED and trade.market.result == trade.side:
            expected += fill.count
    return cash_dollars(portfolio) - expected


def pnl_curve(portfolio: Portfolio) -> list[tuple[dt.datetime, Decimal]]:
    """Return the running result after fees at each settlement, in time order."""
    running: dict[dt.datetime, Decimal] = {}
    total = ZERO
    rows = (
        Trade.objects.filter(portfolio=portfolio, status__in=SETTLED)
        .order_by("settled_at", "pk")
        .values_list("settled_at", "pnl_dollars")
    )
    for settled_at, pnl in rows:
        total += pnl or ZERO
        if settled_at is not None:
            running[settled_at] = total
    return list(running.items())


def portfolio_summary(portfolio: Portfolio, *, now: dt.datetime) -> dict[str, Any]:
    """Return the figures that a person looks at first."""
    settled = Trade.objects.filter(portfolio=portfolio, status__in=SETTLED)
    count = settled.count()
    won = settled.filter(status=TradeStatus.WON).count()
    return {
        "cash_dollars": cash_dollars(portfolio),
        "exposure_dollars": exposure_dollars(portfolio),
        "pnl_dollars": _sum(settled, "pnl_dollars"),
        "pnl_today_dollars": realised_today_dollars(portfolio, now=now),
        "fees_dollars": _sum(Fill.objects.filter(order__trade__portfolio=portfolio), "fee_dollars"),
        "trades": Trade.objects.filter(portfolio=portfolio).count(),
        "settled_trades": count,
        "won_trades": won,
        "hit_rate": won / count if count else None,
        "open_trades": Trade.objects.filter(portfolio=portfolio, status__in=RESERVING).count(),
        "locks": [lock.reason for lock in locks_in_force(portfolio, now=now)],
        "kill_switch_on": kill_switch_is_on(),
    }


def trade_record(trade: Trade) -> TradeRecord:
    """Return a trade in the shape for outside: what was bought, why, and how it ended.

    The average price is rounded up to $0.000001. A value on which the exchange settled that is no
    whole degree is not told: no bracket says what it pays.
    """
    fills = list(Fill.objects.filter(order__trade=trade))
    bought = sum((fill.count for fill in fills), ZERO)
    cost = sum((fill.cost_dollars for fill in fills), ZERO)
    return TradeRecord(
        trade_id=trade.pk,
        city=trade.event.series.station.code,
        climate_day=trade.event.climate_day,
        market_ticker=trade.market.ticker,
        bracket=trade.market.bracket,
        side=Side(trade.side),
        count=bought if fills else trade.count,
        average_price_dollars=round_up(cost / bought, FEE_STEP) if fills else None,
        fees_dollars=sum((fill.fee_dollars for fill in fills), ZERO),
        probability=trade.probability,
        status=trade.status,
        pnl_dollars=trade.pnl_dollars,
        settled_high_f=_whole_degree(trade.event.expiration_value_f),
    )


def _whole_degree(value_f: Decimal | None) -> int | None:
    return None if value_f is None or value_f != int(value_f) else int(value_f)
