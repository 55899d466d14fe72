"""The one decision: what a snapshot is worth trading, and why the rest is not.

Live, paper, demo and backtest call the same pure :func:`decide`.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from decimal import Decimal

from boz.core.money import ZERO, format_dollars, probability_to_decimal
from boz.core.schemas import (
    BookLevel,
    BracketPrediction,
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
from trading.domain.sizing import kelly_budget, purchase, worst_cost_each
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
class _Offer:
    """One side of one market as it could be bought, and what both of us think of it."""

    view: MarketView
    side: Side
    asks: tuple[BookLevel, ...]
    probability: float
    market_probability: float

    @property
    def name(self) -> str:
        return f"{self.side.value.upper()} {self.view.bracket.label}"

    @property
    def worth(self) -> Decimal:
        return probability_to_decimal(self.probability)


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
    candidates: list[TradeSignal] = []
    refused: list[StandDown] = []
    for view in snapshot.markets:
        for side in Side:
            try:
                offer = _offer(snapshot, view, side, beliefs.get(view.ticker))
                candidates.append(_signal(snapshot, snapshot.belief, offer, snapshot.fee_terms))
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


def _offer(
    snapshot: Snapshot, view: MarketView, side: Side, belief: BracketProbability | None
) -> _Offer:
    """Return one side of one market with both probabilities, or raise why it is left alone."""
    book = _tradeable_book(view, snapshot.parameters.max_spread_dollars)
    if belief is None:
        raise _StandsDown("no_belief", f"There is no probability for {view.bracket.label}.")
    ask, market = book.best_ask(side), market_probability(book)
    if ask is None or market is None:
        raise _StandsDown("no_quote", f"Nobody quotes both sides of {view.bracket.label}.")
    _require_price_inside(snapshot, view, side, ask)
    yes = shrunk_probability(
        model=belief.probability, market=market, model_weight=snapshot.parameters.model_weight
    )
    if side is Side.NO:
        yes, market = 1.0 - yes, 1.0 - market
    return _Offer(view, side, book.asks(side), probability=yes, market_probability=market)


def _tradeable_book(view: MarketView, max_spread: Decimal) -> OrderBook:
    if not view.is_open:
        raise _StandsDown("market_closed", f"{view.bracket.label} is not open for trading.")
    if view.has_open_trade:
        raise _StandsDown("already_held", f"A trade in {view.bracket.label} is already under way.")
    if view.was_rejected:
        raise _StandsDown(
            "rejected", f"A person rejected a trade in {view.bracket.label} on this day."
        )
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


def _signal(
    snapshot: Snapshot, belief: BracketPrediction, offer: _Offer, terms: FeeTerms
) -> TradeSignal:
    """Return the purchase at the size that budget, book and edge allow, or raise why not."""
    each = worst_cost_each(offer.asks[0].price_dollars, terms)
    _require_edge(snapshot, offer, each)
    budget = _budget(snapshot, offer, each)
    bought = purchase(
        asks=offer.asks,
        budget_dollars=budget,
        worst_all_in_dollars=offer.worth - snapshot.portfolio.limits.min_ev_dollars,
        terms=terms,
    )
    if bought is None:
        raise _StandsDown(
            "budget",
            f"{format_dollars(budget)} may be spent on {offer.name}: less than one contract at"
            f" {_cents(each)}, or less than one is offered.",
        )
    value = offer.worth - bought.per_contract_dollars
    return TradeSignal(
        market_ticker=offer.view.ticker,
        side=offer.side,
        count=bought.count,
        limit_price_dollars=bought.worst_price,
        all_in_cost_dollars=bought.per_contract_dollars,
        max_cost_dollars=bought.max_dollars,
        probability=offer.probability,
        market_probability=offer.market_probability,
        expected_value_dollars=value,
        confidence=belief.confidence,
        reasons=_reasons(belief, offer, count=bought.count, value=value),
    )


def _require_edge(snapshot: Snapshot, offer: _Offer, each: Decimal) -> None:
    """Raise when one contract is worth too little more than it costs, or suspiciously much."""
    edge, least = offer.worth - each, snapshot.portfolio.limits.min_ev_dollars
    if edge > snapshot.parameters.max_edge_dollars:
        raise _StandsDown(
            "too_good",
            f"{offer.name} looks {_cents(edge)} too cheap; that is a fault, not a gift.",
        )
    if edge < least:
        raise _StandsDown(
            "edge_too_small",
            f"{offer.name} costs {_cents(each)} all in and is worth {_cents(offer.worth)} to us;"
            f" an edge of {_cents(least)} is asked for.",
        )


def _budget(snapshot: Snapshot, offer: _Offer, each: Decimal) -> Decimal:
    state = snapshot.portfolio
    return min(
        state.limits.max_trade_size_dollars,
        state.free_cash_dollars,
        kelly_budget(
            probability=offer.probability,
            cost_dollars=each,
            bankroll_dollars=state.free_cash_dollars,
            fraction=snapshot.parameters.kelly_fraction,
        ),
    )


def _reasons(
    belief: BracketPrediction, offer: _Offer, *, count: Decimal, value: Decimal
) -> tuple[str, ...]:
    return (
        f"We expect {belief.mean_f:.1f} ± {belief.sd_f:.1f} °F in {belief.city} from"
        f" {', '.join(belief.sources) or 'climatology'}.",
        f"{offer.name} pays with probability {offer.probability:.0%} for us after leaning on the"
        f" market, which says {offer.market_probability:.0%}.",
        f"We want {count.normalize():f} of them; each has an expected value of {_cents(value)}"
        " after fees.",
    )


def _choose(
    snapshot: Snapshot, candidates: list[TradeSignal]
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
        key=lambda item: (
            -item.expected_value_dollars / item.all_in_cost_dollars,
            item.market_ticker,
            item.side,
        ),
    )
    for candidate in ranked:
        reason = _no_room(candidate, room=room, slots=slots - len(chosen), snapshot=snapshot)
        if reason is None:
            chosen.append(candidate)
            room -= candidate.max_cost_dollars
        else:
            refused.append(
                StandDown(
                    market_ticker=candidate.market_ticker,
                    side=candidate.side,
                    code=reason[0],
                    reason=reason[1],
                )
            )
    return tuple(chosen), tuple(refused)


def _no_room(
    candidate: TradeSignal, *, room: Decimal, slots: int, snapshot: Snapshot
) -> tuple[str, str] | None:
    if slots <= 0:
        return (
            "event_limit",
            f"This strategy holds at most {snapshot.parameters.max_trades_per_event} trades per"
            " event, and better ones come first.",
        )
    if candidate.max_cost_dollars > max(room, ZERO):
        limit = snapshot.portfolio.limits.max_exposure_dollars
        return (
            "exposure",
            f"{format_dollars(candidate.max_cost_dollars)} more would pass the exposure"
            f" limit of {format_dollars(limit)} or the cash at hand.",
        )
    return None


def _cents(amount: Decimal) -> str:
    """Write a price or an edge for people, to a tenth of a cent."""
    return f"{(amount * 100).quantize(Decimal('0.1')).normalize():f}¢"
