"""The trading cycle: look, decide, write down, and act where the portfolio says so."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Any

from django.db import transaction
from django.db.models import prefetch_related_objects

from boz.core.agents import AgentResult
from boz.core.errors import BozBaseException
from boz.core.logging import get_logger
from boz.core.schemas import Side, SkippedSubject, TradeSignal
from markets import selectors as market_reads
from markets.models import Event, Market
from trading.choices import Mode, TradeStatus
from trading.domain.beliefs import market_probability
from trading.domain.kernel import Outcome, decide
from trading.domain.parameters import StrategyParameters, checked_parameters
from trading.domain.snapshot import MarketView, Snapshot, stored
from trading.models import Decision, Portfolio, Signal, Strategy, Trade
from trading.services.orders import execute_trade
from trading.services.snapshots import event_snapshot, portfolio_state

if TYPE_CHECKING:
    from prediction.models import Prediction

log = get_logger("TRADING")


def run_trading_cycle(*, now: dt.datetime) -> AgentResult:
    """Run every active strategy of every active portfolio on every tradeable event.

    One subject's failure is recorded and the others go on. Running it twice for the same moment
    decides once.
    """
    done = {"decisions": 0, "proposed": 0, "executed": 0, "stand_downs": 0}
    skipped: list[SkippedSubject] = []
    events = market_reads.tradeable_events(now=now)
    prefetch_related_objects(events, "markets")
    for strategy in _active_strategies():
        wanted = set(strategy.portfolio.stations.values_list("pk", flat=True))
        try:
            parameters = checked_parameters(strategy.kind, strategy.parameters)
        except BozBaseException as error:
            skipped.append(_skip(str(strategy), error))
            continue
        for event in events:
            if wanted and event.series.station_id not in wanted:
                continue
            try:
                _run_on_event(strategy, parameters, event, now=now, done=done, skipped=skipped)
            except BozBaseException as error:
                log.warning(error.message, event=event.ticker, strategy=str(strategy))
                skipped.append(_skip(f"{strategy}: {event.ticker}", error))
            except Exception as error:
                reason = f"Stopped by an unexpected {type(error).__name__}."
                log.exception(reason, event=event.ticker, strategy=str(strategy))
                skipped.append(SkippedSubject(subject=f"{strategy}: {event.ticker}", reason=reason))
    return AgentResult(done=done, skipped=skipped)


def _active_strategies() -> list[Strategy]:
    return list(
        Strategy.objects.filter(is_active=True, portfolio__is_active=True)
        .select_related("portfolio")
        .order_by("pk")
    )


def _skip(subject: str, error: BozBaseException) -> SkippedSubject:
    return SkippedSubject(subject=subject, reason=error.message)


def _run_on_event(
    strategy: Strategy,
    parameters: StrategyParameters,
    event: Event,
    *,
    now: dt.datetime,
    done: dict[str, int],
    skipped: list[SkippedSubject],
) -> None:
    decision, trades = decide_on_event(
        strategy=strategy, parameters=parameters, event=event, now=now
    )
    if decision is None:
        return
    done["decisions"] += 1
    done["proposed"] += len(trades)
    done["stand_downs"] += not trades
    for trade in trades:
        if trade.status != TradeStatus.APPROVED:
            continue
        try:
            order = execute_trade(trade_id=trade.pk, now=now)
        except BozBaseException as error:
            skipped.append(_skip(str(trade), error))
        else:
            done["executed"] += order.filled_count > 0


def decide_on_event(
    *,
    strategy: Strategy,
    parameters: StrategyParameters,
    event: Event,
    now: dt.datetime,
) -> tuple[Decision | None, list[Trade]]:
    """Let the kernel decide and write down what it saw, wanted and refused.

    Returns:
        The decision and its trades; no decision when this moment was decided already.
    """
    portfolio = strategy.portfolio
    with transaction.atomic():
        locked = Portfolio.objects.select_for_update().get(pk=portfolio.pk)
        if Decision.objects.filter(strategy=strategy, event=event, as_of=now).exists():
            return None, []
        snapshot, prediction = event_snapshot(
            portfolio=locked,
            state=portfolio_state(locked, now=now),
            event=event,
            parameters=parameters,
            as_of=now,
        )
        outcome = decide(snapshot)
        decision = _write_decision(strategy, event, prediction, snapshot, outcome)
        markets = {market.ticker: market for market in market_reads.ladder(event)}
        _write_signals(decision, snapshot, outcome, markets)
        trades = [
            _propose(decision, locked, markets[signal.market_ticker], signal, now=now)
            for signal in outcome.orders
        ]
    return decision, trades


def _write_decision(
    strategy: Strategy,
    event: Event,
    prediction: Prediction | None,
    snapshot: Snapshot,
    outcome: Outcome,
) -> Decision:
    seen, seen_hash = stored(snapshot)
    wanted, wanted_hash = stored(outcome)
    return Decision.objects.create(
        portfolio_id=strategy.portfolio_id,
        strategy=strategy,
        event=event,
        prediction=prediction,
        as_of=snapshot.as_of,
        snapshot=seen,
        snapshot_hash=seen_hash,
        outcome=wanted,
        outcome_hash=wanted_hash,
        orders_wanted=len(outcome.orders),
        stand_down=outcome.summary,
    )


def _write_signals(
    decision: Decision, snapshot: Snapshot, outcome: Outcome, markets: dict[str, Market]
) -> None:
    """Write one signal per market: what to buy, or why to hold."""
    if snapshot.belief is None:
        return
    bought = {signal.market_ticker: signal for signal in outcome.orders}
    reasons: dict[str, list[str]] = {}
    for item in outcome.stand_downs:
        reasons.setdefault(item.market_ticker or "", []).append(item.reason)
    probabilities = {item.market_ticker: item.probability for item in snapshot.belief.brackets}
    rows = []
    for view in snapshot.markets:
        signal = bought.get(view.ticker)
        if signal is None:
            said = reasons.get(view.ticker, []) or reasons.get("", [])
            facts = _hold_facts(view, probabilities[view.ticker], said)
        else:
            facts = _buy_facts(signal)
        confidence = snapshot.belief.confidence.value
        rows.append(
            Signal(decision=decision, market=markets[view.ticker], confidence=confidence, **facts)
        )
    Signal.objects.bulk_create(rows)


def _hold_facts(view: MarketView, probability: float, reasons: list[str]) -> dict[str, Any]:
    return {
        "direction": Signal.Direction.HOLD,
        "side": "",
        "probability": probability,
        "market_probability": None if view.book is None else market_probability(view.book),
        "reasons": reasons,
    }


def _buy_facts(signal: TradeSignal) -> dict[str, Any]:
    return {
        "direction": Signal.Direction.BUY,
        "side": signal.side.value,
        "probability": signal.probability,
        "market_probability": signal.market_probability,
        "all_in_cost_dollars": signal.all_in_cost_dollars,
        "expected_value_dollars": signal.expected_value_dollars,
        "reasons": list(signal.reasons),
    }


def _propose(
    decision: Decision,
    portfolio: Portfolio,
    market: Market,
    signal: TradeSignal,
    *,
    now: dt.datetime,
) -> Trade:
    """Write the trade: approved at once in automatic mode, waiting for a person otherwise."""
    automatic = portfolio.mode == Mode.AUTO
    expires = min(now + dt.timedelta(minutes=portfolio.approval_minutes), market.close_time)
    return Trade.objects.create(
        portfolio=portfolio,
        strategy_id=decision.strategy_id,
        decision=decision,
        event_id=decision.event_id,
        market=market,
        side=Side(signal.side).value,
        count=signal.count,
        limit_price_dollars=signal.limit_price_dollars,
        all_in_cost_dollars=signal.all_in_cost_dollars,
        max_cost_dollars=signal.max_cost_dollars,
        reserved_dollars=signal.max_cost_dollars,
        venue=portfolio.venue,
        probability=signal.probability,
        market_probability=signal.market_probability,
        expected_value_dollars=signal.expected_value_dollars,
        confidence=signal.confidence.value,
        reasons=list(signal.reasons),
        status=TradeStatus.APPROVED if automatic else TradeStatus.PENDING,
        created_at=now,
        expires_at=None if automatic else expires,
        decided_at=now if automatic else None,
    )
