from __future__ import annotations

import datetime as dt
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from boz.core.schemas import (
    BookLevel,
    Bracket,
    BracketPrediction,
    BracketProbability,
    Confidence,
    FeeTerms,
    FeeType,
    OrderBook,
    Side,
)
from trading.domain.beliefs import shrunk_probability
from trading.domain.kernel import decide
from trading.domain.parameters import StrategyParameters
from trading.domain.sizing import purchase
from trading.domain.snapshot import Limits, MarketView, PortfolioState, Snapshot, stable_hash

NOW = dt.datetime(2024, 11, 14, 20, 0, tzinfo=dt.UTC)
DAY = dt.date(2024, 11, 15)
TERMS = FeeTerms(fee_type=FeeType.QUADRATIC)
BRACKETS = (Bracket(high_f=53), Bracket(low_f=54, high_f=55), Bracket(low_f=56))


def book(ticker: str, yes_bid: str | None, no_bid: str | None, count: str = "100") -> OrderBook:
    def side(price: str | None) -> tuple[BookLevel, ...]:
        if price is None:
            return ()
        return (BookLevel(price_dollars=Decimal(price), count=Decimal(count)),)

    return OrderBook(market_ticker=ticker, at=NOW, yes_bids=side(yes_bid), no_bids=side(no_bid))


def limits(**changes: str) -> Limits:
    values = {
        "max_trade_size_dollars": "1.00",
        "max_exposure_dollars": "25.00",
        "daily_loss_limit_dollars": "10.00",
        "min_ev_dollars": "0.05",
    } | changes
    return Limits(**{name: Decimal(value) for name, value in values.items()})


def state(**changes: object) -> PortfolioState:
    values: dict[str, object] = {
        "name": "Test",
        "limits": limits(),
        "free_cash_dollars": Decimal("1000"),
        "exposure_dollars": Decimal("0"),
        "realised_today_dollars": Decimal("0"),
    }
    return PortfolioState(**(values | changes))


def snapshot(
    *,
    probabilities: tuple[float, float, float] = (0.2, 0.6, 0.2),
    books: tuple[OrderBook | None, ...] | None = None,
    **changes: object,
) -> Snapshot:
    tickers = ("COLD", "MILD", "WARM")
    quotes = books or (
        book("COLD", "0.28", "0.68"),
        book("MILD", "0.38", "0.58"),
        book("WARM", "0.28", "0.68"),
    )
    values: dict[str, object] = {
        "as_of": NOW,
        "event_ticker": "KXHIGHNY-24NOV15",
        "city": "NY",
        "climate_day": DAY,
        "closes_at": NOW + dt.timedelta(hours=33),
        "portfolio": state(),
        "parameters": StrategyParameters(model_weight=1.0),
        "fee_terms": TERMS,
        "belief": BracketPrediction(
            city="NY",
            climate_day=DAY,
            as_of=NOW,
            brackets=tuple(
                BracketProbability(market_ticker=ticker, bracket=bracket, probability=share)
                for ticker, bracket, share in zip(tickers, BRACKETS, probabilities, strict=True)
            ),
            mean_f=54.5,
            sd_f=2.3,
            confidence=Confidence.MEDIUM,
            sources=("nws",),
        ),
        "markets": tuple(
            MarketView(ticker=ticker, bracket=bracket, is_open=True, book=quote)
            for ticker, bracket, quote in zip(tickers, BRACKETS, quotes, strict=True)
        ),
    }
    return Snapshot(**(values | changes))


def codes(item: Snapshot) -> set[str]:
    return {refusal.code for refusal in decide(item).stand_downs}


def test_the_cheap_bracket_is_bought_and_its_cost_includes_the_fee():
    outcome = decide(snapshot())

    signal = outcome.orders[0]
    assert (signal.market_ticker, signal.side) == ("MILD", Side.YES)
    assert signal.limit_price_dollars == Decimal("0.42")
    # Two contracts at 42 cents and 0.07 x 2 x .42 x .58 is $0.034104, so $0.0342 of fee.
    assert signal.count == 2
    assert signal.all_in_cost_dollars == Decimal("0.437100")
    assert signal.expected_value_dollars == Decimal("0.6") - Decimal("0.437100")


def test_the_other_side_is_bought_at_its_own_book_when_the_bracket_is_dear():
    item = snapshot(
        probabilities=(0.1, 0.8, 0.1),
        books=(
            book("COLD", "0.28", "0.70"),
            book("MILD", "0.76", "0.20"),
            book("WARM", None, None),
        ),
    )

    outcome = decide(item)

    assert [(s.market_ticker, s.side) for s in outcome.orders] == [("COLD", Side.NO)]
    # NO costs one minus the best YES bid.
    assert outcome.orders[0].limit_price_dollars == Decimal("0.72")


def test_a_market_without_a_quote_is_refused_and_never_priced_at_zero_or_fifty():
    item = snapshot(
        books=(book("COLD", None, "0.68"), book("MILD", "0.38", None), None),
    )

    refusals = decide(item).stand_downs

    assert decide(item).orders == ()
    assert {r.code for r in refusals if r.market_ticker != "WARM"} == {"no_quote"}
    assert {r.code for r in refusals if r.market_ticker == "WARM"} == {"no_fresh_book"}


def test_an_edge_too_good_to_be_true_is_a_fault_not_a_gift():
    item = snapshot(
        probabilities=(0.05, 0.9, 0.05),
        books=(book("COLD", "0.40", "0.55"), book("MILD", "0.10", "0.85"), None),
    )

    assert "too_good" in codes(item)
    assert all(signal.market_ticker != "MILD" for signal in decide(item).orders)


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"fee_terms": None}, "fees"),
        ({"belief": None, "belief_problem": "None yet."}, "no_belief"),
        ({"event_problem": "The ladder has a gap."}, "event"),
        ({"portfolio": state(blocks=("The kill switch is on.",))}, "blocked"),
        ({"portfolio": state(realised_today_dollars=Decimal("-10"))}, "daily_loss"),
        ({"closes_at": NOW + dt.timedelta(minutes=30)}, "closing"),
        ({"parameters": StrategyParameters(max_sd_f=2.0)}, "too_uncertain"),
        ({"parameters": StrategyParameters(min_confidence=Confidence.HIGH)}, "confidence"),
    ],
)
def test_an_event_is_left_alone_with_a_sentence(change, code):
    outcome = decide(snapshot(**change))

    assert outcome.orders == ()
    assert code in {item.code for item in outcome.stand_downs}
    assert outcome.summary.endswith((".", "!"))


@pytest.mark.parametrize(
    ("limit", "code"),
    [
        ("max_trade_size_dollars", "budget"),
        ("max_exposure_dollars", "exposure"),
        ("daily_loss_limit_dollars", "daily_loss"),
    ],
)
def test_a_limit_of_zero_allows_nothing(limit, code):
    item = snapshot(portfolio=state(limits=limits(**{limit: "0"})))

    assert decide(item).orders == ()
    assert code in codes(item)


def test_a_minimum_edge_of_zero_is_zero_and_not_the_default():
    probabilities = (0.29, 0.44, 0.27)

    with_default = decide(snapshot(probabilities=probabilities))
    with_zero = decide(
        snapshot(probabilities=probabilities, portfolio=state(limits=limits(min_ev_dollars="0")))
    )

    assert with_default.orders == ()
    assert [signal.market_ticker for signal in with_zero.orders] == ["MILD"]


def test_the_same_bracket_is_not_bought_again():
    item = snapshot()
    held = tuple(
        view.model_copy(update={"has_open_trade": view.ticker == "MILD"}) for view in item.markets
    )

    outcome = decide(item.model_copy(update={"markets": held}))

    assert all(signal.market_ticker != "MILD" for signal in outcome.orders)
    assert "already_held" in {refusal.code for refusal in outcome.stand_downs}


def test_exposure_left_over_bounds_all_orders_together():
    rich = snapshot(
        probabilities=(0.1, 0.8, 0.1), portfolio=state(exposure_dollars=Decimal("23.70"))
    )

    outcome = decide(rich)

    spent = sum(signal.all_in_cost_dollars * signal.count for signal in outcome.orders)
    assert spent <= Decimal("1.30")
    assert "exposure" in {refusal.code for refusal in outcome.stand_downs}


def test_a_snapshot_replays_to_the_same_decision_and_hash():
    item = snapshot()
    stored = item.model_dump(mode="json")

    replayed = Snapshot.model_validate(stored)

    assert stable_hash(replayed) == stable_hash(item)
    assert stable_hash(decide(replayed)) == stable_hash(decide(item))


def test_a_belief_or_a_book_from_the_future_turns_the_snapshot_down():
    item = snapshot()

    with pytest.raises(ValueError, match="after the"):
        Snapshot.model_validate(item.model_dump() | {"as_of": NOW - dt.timedelta(minutes=1)})


def test_the_belief_is_shrunk_toward_the_market_in_log_odds():
    assert shrunk_probability(model=0.5, market=0.2, model_weight=0.0) == pytest.approx(0.2)
    assert shrunk_probability(model=0.5, market=0.2, model_weight=1.0) == pytest.approx(0.5)
    assert shrunk_probability(model=0.5, market=0.2, model_weight=0.5) == pytest.approx(1 / 3)


def test_a_physically_dead_bracket_stays_dead_whatever_the_market_says():
    assert shrunk_probability(model=0.0, market=0.4, model_weight=0.1) == 0.0


prices = st.integers(min_value=1, max_value=99).map(lambda cents: Decimal(cents) / 100)


@settings(max_examples=150, deadline=None)
@given(
    levels=st.lists(
        st.tuples(prices, st.integers(min_value=1, max_value=400)),
        min_size=1,
        max_size=5,
        unique_by=lambda level: level[0],
    ),
    budget=st.integers(min_value=0, max_value=5000).map(lambda cents: Decimal(cents) / 100),
    worst=prices,
)
def test_a_purchase_never_passes_budget_depth_or_worst_cost(levels, budget, worst):
    asks = [BookLevel(price_dollars=price, count=Decimal(count)) for price, count in sorted(levels)]

    bought = purchase(asks=asks, budget_dollars=budget, worst_all_in_dollars=worst, terms=TERMS)

    if bought is None:
        return
    assert bought.expected_dollars <= bought.max_dollars <= budget
    assert 0 < bought.count <= sum(level.count for level in asks)
    assert bought.per_contract_dollars <= worst + Decimal("0.000001")
    assert bought.worst_price in {level.price_dollars for level in asks}
