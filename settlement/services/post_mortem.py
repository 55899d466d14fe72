"""Writes what each settled trade teaches."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal

from boz.core.errors import DataUnavailable
from boz.core.logging import get_logger
from boz.core.money import ZERO
from boz.core.schemas import Side
from settlement.domain.narrative import TradeFacts, tell
from settlement.domain.reading import whole_degree
from settlement.models import PostMortem, Settlement
from trading.choices import TradeStatus
from trading.models import Fill, Trade

log = get_logger("POSTMORTEM")


def write_post_mortem(*, trade: Trade, settlement: Settlement, now: dt.datetime) -> PostMortem:
    """Write the post-mortem of a settled trade once; a second call returns the first.

    Raises:
        DataUnavailable: If the trade is not settled yet.
    """
    existing = PostMortem.objects.filter(trade=trade).first()
    if existing is not None:
        return existing
    facts = _facts(trade, settlement)
    told = tell(facts)
    post_mortem = PostMortem.objects.create(
        trade=trade,
        settlement=settlement,
        what_we_traded=told.what_we_traded,
        what_happened=told.what_happened,
        why_we_took_it=told.why_we_took_it,
        why_it_ended_so=told.why_it_ended_so,
        confidence_then=told.confidence_then,
        forecast_error_f=facts.error_f,
        luck_dollars=facts.luck_dollars,
        written_at=now,
    )
    log.info(
        "Post-mortem written",
        trade=trade.pk,
        market=trade.market.ticker,
        pnl=str(facts.pnl_dollars),
    )
    return post_mortem


def _facts(trade: Trade, settlement: Settlement) -> TradeFacts:
    if trade.status not in (TradeStatus.WON, TradeStatus.LOST) or trade.pnl_dollars is None:
        raise DataUnavailable(
            f"Trade {trade.pk} is {trade.get_status_display()}; only a settled one is explained.",
            {"trade": trade.pk, "status": trade.status},
        )
    prediction = trade.decision.prediction
    count, cost, fees = _bought(trade)
    return TradeFacts(
        city=trade.event.series.station.name,
        climate_day=trade.event.climate_day,
        ticker=trade.market.ticker,
        bracket=trade.market.bracket,
        side=Side(trade.side),
        count=count,
        cost_dollars=cost,
        fees_dollars=fees,
        probability=trade.probability,
        market_probability=trade.market_probability,
        expected_value_dollars=trade.expected_value_dollars,
        reasons=tuple(str(reason) for reason in trade.reasons),
        confidence=trade.confidence,
        confidence_reason="" if prediction is None else prediction.confidence_reason,
        mean_f=None if prediction is None else prediction.mean_f,
        sd_f=None if prediction is None else prediction.sd_f,
        settled_high_f=whole_degree(settlement.exchange_value_f),
        is_won=trade.status == TradeStatus.WON,
        pnl_dollars=trade.pnl_dollars,
        mismatches=tuple(settlement.mismatches),
    )


def _bought(trade: Trade) -> tuple[Decimal, Decimal, Decimal]:
    """Return contracts filled, what they cost and the fees."""
    fills = list(Fill.objects.filter(order__trade=trade))
    return (
        sum((fill.count for fill in fills), ZERO),
        sum((fill.cost_dollars for fill in fills), ZERO),
        sum((fill.fee_dollars for fill in fills), ZERO),
    )
