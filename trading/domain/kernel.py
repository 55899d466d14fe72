"""The one decision: what a snapshot is worth trading, and why the rest is not.

Live, paper, demo and backtest call the same pure :func:`decide`.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from decimal import Decimal

from boz.core.money import ONE, ZERO, format_dollars, probability_to_decimal
from boz.core.schemas import (
    BracketProbability,
    Confidence,
    FeeTerms,
    OrderBook,
    Schema,
    Side,
    StandDown,
    TradeSignal,
)
from trading.domain.beliefs import market_probability, shrunk_probability
from trading.domain.sizing import kelly_budget, purchase
from trading.domain.snapshot import MarketView, Snapshot

CONFIDENCE_ORDER = (Confidence.LOW, Confidence.MEDIUM, Confidence.HIGH)


class Outcome(Schema):
    """What the kernel wants and what it refuses, each with its reason."""

    orders: tuple[TradeSignal, ...] = ()
    stand_downs: tuple[StandDown, ...] = ()

    @property
    def summary(self) -> str:
        """Return why nothing is wanted, in one sentence; empty when something is."""
        if self.orders:
            return ""
        for item in self.stand_downs:
            if item.market_ticker is None:
                return item.reason
        nearest = [item for item in self.stand_downs if item.code == "edge_too_small"]
        chosen = nearest or list(self.stand_downs)
        return chosen[0].reason if chosen else "No market of the event is open."


@dataclass(frozen=True, slots=True)
class _Candidate:
    """A purchase that would be worth making on its own."""

    signal: TradeSignal

    @property
    def value_per_dollar(self) -> Decimal:
        return self.signal.expected_value_dollars / self.signal.all_in_cost_dollars


class _StandsDown(Exception):  # noqa: N818 - control flow inside this module
    def __init__(self, code: str, reason: str) -> None:
        super().__init__(reason)
        self.code = code
        self.reason = reason


def decide(snapshot: Snapshot) -> Outcome:
    """Return the orders wanted and every stand-down with its reason.

    Deterministic: the same snapshot gives the same outcome, bit for bit.
    """
    blocked = _event_stand_downs(snapshot)
    if blocked or snapshot.belief is None or snapshot.fee_terms is None:
        return Outcome(stand_downs=blocked)
    beliefs = {item.market_ticker: item for item in snapshot.belief.brackets}
    candidates: list[_Candidate] = []
    refused: list[StandDown] = []
    for view in snapshot.markets:
        for side in Side:
            try:
                candidates.append(
                    _candidate(snapshot, view, side, beliefs.get(view.ticker), snapshot.fee_terms)
                )
            except _StandsDown as no:
                refused.append(
                    StandDown(market_ticker=view.ticker, side=side, code=no.code, reason=no.reason)
                )
    orders, left_out = _choose(snapshot, candidates)
    return Outcome(orders=orders, stand_downs=tuple(refused) + left_out)


def _event_stand_downs(snapshot: Snapshot) -> tuple[StandDown, ...]:
    """Return what forbids any trade on the event, in the order a person would ask."""
    state, limits = snapshot.portfolio, snapshot.portfolio.limits
    found: list[tuple[str, str]] = [("blocked", reason) for reason in state.blocks]
    if snapshot.event_problem:
        found.append(("event", snapshot.event_problem))
    if -state.realised_today_dollars >= limits.daily_loss_limit_dollars:
        found.append(
            (
                "daily_loss",
                f"Realised result today is {format_dollars(state.realised_today_dollars)}; the"
                f" daily loss limit of {format_dollars(limits.daily_loss_limit_dollars)} is"
                " reached.",
            )
        )
    if snapshot.fee_terms is None:
        found.append(("fees", "The fee of this event is not known, so no cost can be stated."))
    if snapshot.belief is None:
        found.append(
            ("no_belief", snapshot.belief_problem or "There is no prediction for this day.")
        )
    else:
        found.extend(_belief_stand_downs(snapshot))
    last_entry = snapshot.closes_at - dt.timedelta(minutes=snapshot.parameters.minutes_before_close)
    if snapshot.as_of >= last_entry:
        found.append(
            (
                "closing",
                "The event closes within"
                f" {snapshot.parameters.minutes_before_close} minutes; no new entry.",
            )
        )
    return tuple(
        StandDown(market_ticker=None, side=None, code=code, reason=reason) for code, reason in found
    )


def _belief_stand_downs(snapshot: Snapshot) -> list[tuple[str, str]]:
    belief, parameters = snapshot.belief, snapshot.parameters
    if belief is None:
        return []
    found: list[tuple[str, str]] = []
    if belief.sd_f > parameters.max_sd_f:
        sources = ", ".join(belief.sources) or "nothing"
        found.append(
            (
                "too_uncertain",
                f"The prediction is too wide to trade on: ± {belief.sd_f:.1f} °F from {sources},"
                f" the limit is ± {parameters.max_sd_f:.1f} °F.",
            )
        )
    if CONFIDENCE_ORDER.index(belief.confidence) < CONFIDENCE_ORDER.index(
        parameters.min_confidence
    ):
        found.append(
            (
                "confidence",
                f"Confidence is {belief.confidence.value}; this strategy needs"
                f" {parameters.min_confidence.value}.",
            )
        )
    return found


def _candidate(
    snapshot: Snapshot,
    view: MarketView,
    side: Side,
    belief: BracketProbability | None,
    terms: FeeTerms,
) -> _Candidate:
    """Return the purchase of one side of one market, or raise why not."""
    book = _tradeable_book(view, snapshot.parameters.max_spread_dollars)
    if belief is None:
        raise _StandsDown("no_belief", f"There is no probability for {view.bracket.label}.")
    ask = book.best_ask(side)
    market_yes = market_probability(book)
    if ask is None or market_yes is None:
        raise _StandsDown("no_quote", f"Nobody quotes both sides of {view.bracket.label}.")
    _require_price_inside(snapshot, view, side, ask)
    yes = shrunk_probability(
        model=belief.probability,
        market=market_yes,
        model_weight=snapshot.parameters.model_weight,
    )
    probability = yes if side is Side.YES else 1.0 - yes
    return _sized(snapshot, view, side, book, terms, probability, market_yes)


def _tradeable_book(view: MarketView, max_spread: Decimal) -> OrderBook:
    if not view.is_open:
        raise _StandsDown("market_closed", f"{view.bracket.label} is not open for trading.")
    if view.has_open_trade:
        raise _StandsDown("already_held", f"A trade in {view.bracket.label} is already under way.")
    if view.book is None:
        raise _StandsDown("no_fresh_book", f"There is no fresh book for {view.bracket.label}.")
    if view.book.is_crossed:
        raise _StandsDown("crossed_book", f"The book of {view.bracket.label} is crossed.")
    bid, ask = view.book.best_bid(Side.YES), view.book.best_ask(Side.YES)
    if bid is not None and ask is not None and ask - bid > max_spread:
        raise _StandsDown(
            "wide_spread",
            f"The spread of {view.bracket.label} is {_cents(ask - bid)}, above"
            f" {_cents(max_spread)}.",
        )
    return view.book


def _require_price_inside(snapshot: Snapshot, view: MarketView, side: Side, ask: Decimal) -> None:
    low, high = snapshot.parameters.min_price_dollars, snapshot.parameters.max_price_dollars
    if not low <= ask <= high:
        raise _StandsDown(
            "price_outside",
            f"{side.value.upper()} {view.bracket.label} costs {_cents(ask)}, outside"
            f" {_cents(low)} to {_cents(high)}.",
        )


def _sized(
    snapshot: Snapshot,
    view: MarketView,
    side: Side,
    book: OrderBook,
    terms: FeeTerms,
    probability: float,
    market_yes: float,
) -> _Candidate:
    """Return the candidate at the size that budget, book and edge allow."""
    limits, name = snapshot.portfolio.limits, f"{side.value.upper()} {view.bracket.label}"
    belief = probability_to_decimal(probability)
    asks = book.asks(side)
    worst_all_in = belief - limits.min_ev_dollars
    first = purchase(
        asks=asks[:1],
        budget_dollars=ONE + ONE,
        worst_all_in_dollars=ONE + ONE,
        terms=terms,
    )
    if first is None:
        raise _StandsDown("thin_book", f"Less than one whole contract of {name} is offered.")
    edge = belief - first.per_contract_dollars
    if edge > snapshot.parameters.max_edge_dollars:
        raise _StandsDown(
            "too_good",
            f"{name} looks {_cents(edge)} too cheap; that is a fault, not a gift.",
        )
    if edge < limits.min_ev_dollars:
        raise _StandsDown(
            "edge_too_small",
            f"{name} costs {_cents(first.per_contract_dollars)} all in and is worth"
            f" {_cents(belief)} to us; an edge of {_cents(limits.min_ev_dollars)} is asked for.",
        )
    budget = min(
        limits.max_trade_size_dollars,
        snapshot.portfolio.free_cash_dollars,
        kelly_budget(
            probability=probability,
            cost_dollars=first.per_contract_dollars,
            bankroll_dollars=snapshot.portfolio.free_cash_dollars,
            fraction=snapshot.parameters.kelly_fraction,
        ),
    )
    bought = purchase(
        asks=asks, budget_dollars=budget, worst_all_in_dollars=worst_all_in, terms=terms
    )
    if bought is None:
        raise _StandsDown(
            "budget",
            f"{format_dollars(budget)} may be spent on {name}, which is less than one contract at"
            f" {_cents(first.per_contract_dollars)}.",
        )
    market_side = market_yes if side is Side.YES else 1.0 - market_yes
    assert snapshot.belief is not None  # noqa: S101 - decide() has checked it
    value = belief - bought.per_contract_dollars
    return _Candidate(
        TradeSignal(
            market_ticker=view.ticker,
            side=side,
            count=bought.count,
            limit_price_dollars=bought.worst_price,
            all_in_cost_dollars=bought.per_contract_dollars,
            max_cost_dollars=bought.max_dollars,
            probability=probability,
            market_probability=market_side,
            expected_value_dollars=value,
            confidence=snapshot.belief.confidence,
            reasons=_reasons(snapshot, name, probability, market_side, bought.count, value),
        )
    )


def _reasons(
    snapshot: Snapshot,
    name: str,
    probability: float,
    market_side: float,
    count: Decimal,
    value: Decimal,
) -> tuple[str, ...]:
    belief = snapshot.belief
    assert belief is not None  # noqa: S101 - decide() has checked it
    return (
        f"We expect {belief.mean_f:.1f} ± {belief.sd_f:.1f} °F in {belief.city} from"
        f" {', '.join(belief.sources) or 'climatology'}.",
        f"{name} pays with probability {probability:.0%} for us after leaning on the market,"
        f" which says {market_side:.0%}.",
        f"{count.normalize():f} contracts have an expected value of {_cents(value)} each after"
        " fees.",
    )


def _choose(
    snapshot: Snapshot, candidates: list[_Candidate]
) -> tuple[tuple[TradeSignal, ...], tuple[StandDown, ...]]:
    """Take the best candidates that fit under the event's and the portfolio's limits together."""
    state = snapshot.portfolio
    room = min(state.limits.max_exposure_dollars - state.exposure_dollars, state.free_cash_dollars)
    held = sum(view.has_open_trade for view in snapshot.markets)
    slots = snapshot.parameters.max_trades_per_event - held
    chosen: list[TradeSignal] = []
    refused: list[StandDown] = []
    ranked = sorted(
        candidates,
        key=lambda item: (-item.value_per_dollar, item.signal.market_ticker, item.signal.side),
    )
    for candidate in ranked:
        reason = _no_room(candidate, room=room, slots=slots - len(chosen), snapshot=snapshot)
        if reason is None:
            chosen.append(candidate.signal)
            room -= candidate.signal.max_cost_dollars
        else:
            refused.append(
                StandDown(
                    market_ticker=candidate.signal.market_ticker,
                    side=candidate.signal.side,
                    code=reason[0],
                    reason=reason[1],
                )
            )
    return tuple(chosen), tuple(refused)


def _no_room(
    candidate: _Candidate, *, room: Decimal, slots: int, snapshot: Snapshot
) -> tuple[str, str] | None:
    if slots <= 0:
        return (
            "event_limit",
            f"This strategy holds at most {snapshot.parameters.max_trades_per_event} trades per"
            " event, and better ones come first.",
        )
    if candidate.signal.max_cost_dollars > max(room, ZERO):
        limit = snapshot.portfolio.limits.max_exposure_dollars
        return (
            "exposure",
            f"{format_dollars(candidate.signal.max_cost_dollars)} more would pass the exposure"
            f" limit of {format_dollars(limit)} or the cash at hand.",
        )
    return None


def _cents(amount: Decimal) -> str:
    """Write a price or an edge for people, to a tenth of a cent."""
    return f"{(amount * 100).quantize(Decimal('0.1')).normalize():f}¢"
