"""What the demo did, in figures and in sentences."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from django.db.models import Avg, Count, F

from boz.core.money import ZERO, format_dollars
from markets.models import Event
from prediction.domain.horizons import Horizon
from prediction.models import Prediction, Verification
from settlement.models import PostMortem, Settlement
from trading import selectors
from trading.models import Decision, Fill, Order, Portfolio, Trade


def demo_figures(*, portfolio: Portfolio, days: int) -> dict[str, Any]:
    """Return the figures of a finished demo; the same days give the same figures.

    Args:
        portfolio: The demo's portfolio.
        days: Climate days played.
    """
    trades = Trade.objects.filter(portfolio=portfolio)
    settled = trades.filter(status__in=selectors.SETTLED)
    won = settled.filter(status="won").count()
    fills = Fill.objects.filter(order__trade__portfolio=portfolio)
    pnl = sum((trade.pnl_dollars or ZERO for trade in settled), ZERO)
    fees = sum((fill.fee_dollars for fill in fills), ZERO)
    beside_market = Verification.objects.filter(
        engine=F("prediction__engine"), horizon=Horizon.MORNING, market_brier__isnull=False
    ).aggregate(n=Count("pk"), model=Avg("brier"), market=Avg("market_brier"))
    return {
        "days": days,
        "events": Event.objects.filter(settlements__isnull=False).distinct().count(),
        "predictions": Prediction.objects.count(),
        "decisions": Decision.objects.filter(portfolio=portfolio).count(),
        "orders": Order.objects.filter(trade__portfolio=portfolio).count(),
        "fills": fills.count(),
        "trades": trades.count(),
        "settled_trades": settled.count(),
        "won_trades": won,
        "postmortems": PostMortem.objects.filter(trade__portfolio=portfolio).count(),
        "pnl": _plain(pnl),
        "fees": _plain(fees),
        "ledger_drift": _plain(selectors.ledger_drift_dollars(portfolio)),
        "settlement_mismatches": Settlement.objects.exclude(mismatches=[]).count(),
        "verified_ladders": beside_market["n"],
        "brier_model": _rounded(beside_market["model"]),
        "brier_market": _rounded(beside_market["market"]),
    }


def summary_lines(figures: dict[str, Any]) -> list[str]:
    """Return the closing summary for people."""
    settled, won = figures["settled_trades"], figures["won_trades"]
    hit_rate = f"{won / settled:.0%}" if settled else "none settled"
    lines = [
        "",
        f"{figures['days']} climate days, {figures['events']} ladders settled in"
        f" {figures['seconds']} s",
        f"  decisions    {figures['decisions']}, orders {figures['orders']},"
        f" fills {figures['fills']}",
        f"  trades       {figures['trades']}, settled {settled}, hit rate {hit_rate},"
        f" post-mortems {figures['postmortems']}",
        f"  P&L          {format_dollars(Decimal(figures['pnl']))} after fees of"
        f" {format_dollars(Decimal(figures['fees']))}; ledger drift {figures['ledger_drift']}",
    ]
    if figures["brier_model"] is not None:
        better = figures["brier_model"] < figures["brier_market"]
        verdict = "below the market's" if better else "the market forecasts better"
        lines.append(
            f"  Brier        model {figures['brier_model']:.3f}, market"
            f" {figures['brier_market']:.3f} on {figures['verified_ladders']} ladders"
            f" ({verdict}; too few days for a claim)"
        )
    if figures["settlement_mismatches"]:
        lines.append(
            f"  Differences  {figures['settlement_mismatches']} settlement(s) differ from our own"
            " reading; the exchange's value governs the money"
        )
    return lines


def _plain(amount: Decimal) -> str:
    return format(amount.normalize(), "f") if amount else "0"


def _rounded(score: float | None) -> float | None:
    return None if score is None else round(score, 6)
