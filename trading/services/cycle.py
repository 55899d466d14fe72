"""The trading cycle: look, decide, write down, and act where the portfolio says so."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from django.db import transaction
from django.db.models import prefetch_related_objects

from boz.core.agents import AgentResult, guarded
from boz.core.logging import get_logger
from boz.core.schemas import Side, SkippedSubject, TradeSignal
from markets import selectors as market_reads
from markets.models import Event, Market
from trading.choices import Mode, TradeStatus
from trading.domain.beliefs import market_probability
from trading.domain.kernel import Outcome, decide
from trading.domain.parameters import StrategyParameters, checked_parameters
from trading.domain.snapshot import MarketView, PortfolioState, Snapshot, stored
from trading.models import Decision, Portfolio, Signal, Strategy, Trade
from trading.services.orders import execute_trade
from trading.services.snapshots import event_snapshot, portfolio_state

if TYPE_CHECKING:
    from prediction.models import Prediction

log = get_logger("TRADING")


@dataclass(slots=True)
class _Run:
    """One cycle: its moment, what it did, and what it left out."""

    now: dt.datetime
    done: Counter[str]
    skipped: list[SkippedSubject]


def run_trading_cycle(*, now: dt.datetime) -> AgentResult:
    """Run every active strategy of every active portfolio on every tradeable event.

    One subject's failure is recorded and the others go on. Running it twice for the same moment
    decides once.
    """
    run = _Run(now, Counter(decisions=0, proposed=0, executed=0, stand_downs=0), [])
    events = market_reads.tradeable_events(now=now)
    prefetch_related_objects(events, "markets")
    strategies = Strategy.objects.filter(is_active=True, portfolio__is_active=True)
    for strategy in strategies.select_related("portfolio").order_by("pk"):
        with guarded(str(strategy), run.skipped, log=log):
            _run_strategy(strategy, events, run)
    return AgentResult(done=dict(run.done), skipped=run.skipped)


def _run_strategy(strategy: Strategy, events: list[Event], run: _Run) -> None:
    parameters = checked_parameters(strategy.kind, strategy.parameters)
    state = portfolio_state(strategy.portfolio, now=run.now)
    chosen = set(strategy.portfolio.stations.values_list("pk", flat=True))
    for event in events:
        if chosen and event.series.station_id not in chosen:
            continue
        with guarded(f"{strategy}: {event.ticker}", run.skipped, log=log):
            decision, trades = decide_on_event(
                strategy=strategy, parameters=parameters, event=event, state=state, now=run.now
            )
            run.done["decisions"] += decision is not None
            run.done["proposed"] += len(trades)
            run.done["stand_downs"] += decision is not None and not trades
            _execute(trades, run)


def _execute(trades: list[Trade], run: _Run) -> None:
    """Send the orders of approved trades; a refusal of one does not strand the next."""
    for trade in trades:
        if trade.status == TradeStatus.APPROVED:
            with guarded(str(trade), run.skipped, log=log):
                order = execute_trade(trade_id=trade.pk, now=run.now)
                run.done["executed"] += order.filled_count > 0


def decide_on_event(
    *,
    strategy: Strategy,
    parameters: StrategyParameters,
    event: Event,
    state: PortfolioState,
    now: dt.datetime,
) -> tuple[Decision | None, list[Trade]]:
    """Let the kernel decide and write down what it saw, wanted and refused.

    Args:
        strategy: Whose rules.
        parameters: The strategy's, checked.
        event: On what, with its markets prefetched.
        state: The portfolio lately; orders are wanted on its state under the lock only.
        now: The present.

    Returns:
        The decision and its trades; no decision when this moment was decided already.
    """
    portfolio = strategy.portfolio
    with transaction.atomic():
        locked = Portfolio.objects.select_for_update().get(pk=portfolio.pk)
        if Decision.objects.filter(strategy=strategy, event=event, as_of=now).exists():
            return None, []
        snapshot, prediction = event_snapshot(
            portfolio=locked, state=state, event=event, parameters=parameters, as_of=now
        )
        outcome = decide(snapshot)
        if outcome.orders:
            # Wanted on the state at the cycle's start; what counts is the state under the lock.
            current = portfolio_state(locked, now=now)
            snapshot = snapshot.model_copy(update={"portfolio": current})
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
