from __future__ import annotations

import datetime as dt
from decimal import Decimal

import pytest

from boz.core.errors import InvalidDataError
from boz.core.schemas import FeeTerms, FeeType, Side
from markets.domain.fees import OrderFeeAccumulator
from markets.domain.ticks import PriceRange
from markets.matching import (
    Accepted,
    Amended,
    Amendment,
    BookSide,
    Canceled,
    Filled,
    LevelChanged,
    MarketPhase,
    MatchingEngine,
    NewOrder,
    OrderRefusedError,
    Refusal,
    SelfTradePrevention,
    TimeInForce,
    UpdateReason,
)

D = Decimal
T0 = dt.datetime(2026, 11, 20, 15, tzinfo=dt.UTC)
CENTS = (PriceRange(D("0"), D("1"), D("0.01")),)
TAPERED = (
    PriceRange(D("0"), D("0.10"), D("0.001")),
    PriceRange(D("0.10"), D("0.90"), D("0.01")),
    PriceRange(D("0.90"), D("1"), D("0.001")),
)
TERMS = FeeTerms(fee_type=FeeType.QUADRATIC)
MAKER_TERMS = FeeTerms(fee_type=FeeType.QUADRATIC_WITH_MAKER_FEES)
BID, ASK = BookSide.BID, BookSide.ASK
IOC, FOK = TimeInForce.IMMEDIATE_OR_CANCEL, TimeInForce.FILL_OR_KILL
MAKER = SelfTradePrevention.MAKER


def _at(seconds):
    return T0 + dt.timedelta(seconds=seconds)


def _engine(terms=TERMS, price_ranges=CENTS):
    return MatchingEngine("M", price_ranges=price_ranges, terms=terms)


def _order(order_id, side, price, count, **more):
    return NewOrder(
        order_id=order_id,
        account=more.pop("account", order_id.rstrip("0123456789")),
        side=side,
        price=D(price),
        count=D(count),
        **more,
    )


def _of(events, kind):
    return [event for event in events if isinstance(event, kind)]


def _trades(events):
    return [(fill.maker.state.order_id, fill.yes_price, fill.count) for fill in _of(events, Filled)]


def _displayed(engine):
    return {
        side: [(level.price_dollars, level.count) for level in engine.bids(side)] for side in Side
    }


@pytest.fixture
def engine():
    """YES is offered at 0.20 (5 by a, then 3 by b) and 0.22 (10 by a); bid at 0.18 (7 by c)."""
    made = _engine()
    made.submit(_order("a1", ASK, "0.20", "5"), T0)
    made.submit(_order("b1", ASK, "0.20", "3"), T0)
    made.submit(_order("a2", ASK, "0.22", "10"), T0)
    made.submit(_order("c1", BID, "0.18", "7"), T0)
    return made


def test_the_book_shows_bids_only_with_no_bids_at_one_minus_the_ask(engine):
    book = engine.book(T0)

    assert _displayed(engine) == {
        Side.YES: [(D("0.18"), 7)],
        Side.NO: [(D("0.80"), 8), (D("0.78"), 10)],
    }
    assert book.best_ask(Side.YES) == D("0.20")


def test_best_price_first_then_earliest_and_at_the_resting_price(engine):
    events = engine.submit(_order("t1", BID, "0.30", "9"), T0)

    assert _trades(events) == [("a1", D("0.20"), 5), ("b1", D("0.20"), 3), ("a2", D("0.22"), 1)]
    assert _displayed(engine)[Side.NO] == [(D("0.78"), 9)]
    assert engine.order("t1") is None


def test_a_fill_names_what_each_party_bought_and_paid(engine):
    (fill,) = _of(engine.submit(_order("t1", BID, "0.20", "2"), T0), Filled)

    assert (fill.taker.price, fill.maker.price) == (D("0.20"), D("0.80"))
    assert (fill.taker.fee.net, fill.maker.fee.net) == (D("0.0224"), 0)
    assert (fill.taker.cash, fill.maker.cash) == (D("0.4224"), D("1.6"))
    assert (fill.taker.state.remaining, fill.maker.state.remaining) == (0, 3)
    assert (fill.taker.account, fill.maker.account) == ("t", "a")


def test_makers_pay_only_where_the_series_charges_them():
    engine = _engine(MAKER_TERMS)
    engine.submit(_order("a1", ASK, "0.20", "5"), T0)

    (fill,) = _of(engine.submit(_order("t1", BID, "0.20", "5"), T0), Filled)

    assert (fill.taker.fee.net, fill.maker.fee.net) == (D("0.056"), D("0.014"))


def test_changed_terms_hold_for_orders_that_rest_already(engine):
    engine.change_terms(MAKER_TERMS)

    (fill,) = _of(engine.submit(_order("t1", BID, "0.20", "5"), T0), Filled)

    assert fill.maker.fee.net == D("0.014")


def test_one_accumulator_spans_taker_and_maker_fills_of_an_order():
    engine = _engine(MAKER_TERMS, TAPERED)
    engine.submit(_order("a1", ASK, "0.055", "0.07"), T0)
    engine.submit(_order("t1", BID, "0.055", "0.20"), T0)

    (fill,) = _of(engine.submit(_order("s1", ASK, "0.055", "0.09"), T0), Filled)

    fees, total = OrderFeeAccumulator(), D("0")
    for count, rate in (("0.07", "0.07"), ("0.09", "0.0175")):
        fee, fees = fees.charge(count=D(count), price=D("0.055"), rate=D(rate))
        total += fee.net
    assert fill.maker.state.fees == total
    assert fill.maker.state.fee_carry == fees.accumulated > 0


def test_what_does_not_fill_rests_behind_the_others(engine):
    events = engine.submit(_order("t1", BID, "0.18", "4"), T0)

    assert _trades(events) == []
    assert engine.queue_position("t1") == 7
    assert _of(events, LevelChanged)[0].delta == 4


def test_contracts_ahead_count_better_prices_too(engine):
    assert engine.queue_position("a1") == 0
    assert engine.queue_position("b1") == 5
    assert engine.queue_position("a2") == 8


@pytest.mark.parametrize(("tif", "filled"), [(IOC, 8), (FOK, 0)])
def test_an_immediate_order_leaves_nothing_behind(engine, tif, filled):
    events = engine.submit(_order("t1", BID, "0.21", "9", time_in_force=tif), T0)

    (end,) = _of(events, Canceled)
    assert sum(fill.count for fill in _of(events, Filled)) == filled
    assert (end.reduced_by, end.reason, end.state.remaining) == (9 - filled, UpdateReason.NONE, 0)
    assert engine.order("t1") is None


def test_fill_or_kill_fills_whole_when_all_is_there(engine):
    events = engine.submit(_order("t1", BID, "0.22", "18", time_in_force=FOK), T0)

    assert sum(fill.count for fill in _of(events, Filled)) == 18
    assert not _of(events, Canceled)


@pytest.mark.parametrize(("price", "rests"), [("0.19", True), ("0.20", False), ("0.30", False)])
def test_post_only_never_takes(engine, price, rests):
    before = _displayed(engine)[Side.NO]

    events = engine.submit(_order("t1", BID, price, "1", post_only=True), T0)

    assert not _of(events, Filled)
    assert (engine.order("t1") is not None) is rests
    assert [end.reason for end in _of(events, Canceled)] == (
        [] if rests else [UpdateReason.POST_ONLY_CROSS_CANCEL]
    )
    assert _displayed(engine)[Side.NO] == before


@pytest.mark.parametrize("prevention", list(SelfTradePrevention))
def test_post_only_comes_before_self_trade_prevention(engine, prevention):
    order = _order("a9", BID, "0.20", "1", post_only=True, self_trade_prevention=prevention)

    (end,) = _of(engine.submit(order, T0), Canceled)

    assert (end.state.order_id, end.reason) == ("a9", UpdateReason.POST_ONLY_CROSS_CANCEL)
    assert engine.order("a1") is not None


def test_taker_at_cross_cancels_the_arrival_where_it_meets_itself(engine):
    events = engine.submit(_order("b9", BID, "0.30", "9"), T0)

    (end,) = _of(events, Canceled)
    assert _trades(events) == [("a1", D("0.20"), 5)]
    assert (end.state.order_id, end.reduced_by) == ("b9", 4)
    assert end.reason is UpdateReason.SELF_TRADE_CANCEL
    assert engine.order("b1") is not None


def test_maker_prevention_cancels_the_resting_order_and_goes_on(engine):
    events = engine.submit(_order("b9", BID, "0.30", "9", self_trade_prevention=MAKER), T0)

    (end,) = _of(events, Canceled)
    assert _trades(events) == [("a1", D("0.20"), 5), ("a2", D("0.22"), 4)]
    assert (end.state.order_id, end.reduced_by) == ("b1", 3)
    assert end.reason is UpdateReason.SELF_TRADE_CANCEL


@pytest.mark.parametrize("prevention", list(SelfTradePrevention))
def test_a_fill_or_kill_that_meets_itself_is_treated_like_an_immediate_order(engine, prevention):
    events = engine.submit(
        _order("b9", BID, "0.20", "9", time_in_force=FOK, self_trade_prevention=prevention), T0
    )

    assert _trades(events) == [("a1", D("0.20"), 5)]
    assert engine.order("b9") is None


def test_a_fill_or_kill_filled_before_its_own_order_meets_nobody(engine):
    events = engine.submit(_order("b9", BID, "0.20", "5", time_in_force=FOK), T0)

    assert _trades(events) == [("a1", D("0.20"), 5)]
    assert engine.order("b1") is not None


@pytest.mark.parametrize(
    ("count", "reducible", "filled", "reason"),
    [
        ("4", "2", 2, UpdateReason.REDUCE_ONLY_CANCEL),
        ("4", "0", 0, UpdateReason.REDUCE_ONLY_CANCEL),
        ("4", "9", 4, None),
        ("9", "20", 8, UpdateReason.NONE),
    ],
)
def test_reduce_only_takes_no_more_than_the_position(engine, count, reducible, filled, reason):
    events = engine.submit(
        _order("t1", BID, "0.20", count, time_in_force=IOC, reduce_only=True),
        T0,
        reducible=D(reducible),
    )

    assert sum(fill.count for fill in _of(events, Filled)) == filled
    assert [end.reason for end in _of(events, Canceled)] == ([] if reason is None else [reason])


def test_an_order_leaves_at_the_moment_of_its_expiry_whoever_asks_later(engine):
    engine.submit(_order("t1", BID, "0.19", "1", expires_at=_at(10)), T0)

    assert engine.expire(_at(9)) == ()
    (level, end) = engine.expire(_at(60))

    assert (end.reason, end.at) == (UpdateReason.EXPIRY_CANCEL, _at(10))
    assert level.delta == -1
    assert engine.order("t1") is None


def test_an_expired_order_never_trades_even_if_nobody_announced_it(engine):
    engine.submit(_order("t1", BID, "0.19", "1", expires_at=_at(10)), T0)

    events = engine.submit(_order("s1", ASK, "0.18", "2"), _at(10))

    assert _trades(events) == [("c1", D("0.18"), 2)]
    assert [end.reason for end in _of(events, Canceled)] == [UpdateReason.EXPIRY_CANCEL]


def test_a_refused_operation_announces_no_expiry_and_the_next_one_does(engine):
    engine.submit(_order("t1", BID, "0.19", "1", expires_at=_at(10)), T0)

    with pytest.raises(OrderRefusedError):
        engine.cancel("t1", _at(11))

    assert [type(event) for event in engine.expire(_at(11))] == [LevelChanged, Canceled]


@pytest.mark.parametrize(
    ("amendment", "kept", "ahead"),
    [
        (Amendment(D("0.20"), D("2")), True, 5),
        (Amendment(D("0.20"), D("3"), changes_expiry=True, expires_at=_at(5)), True, 5),
        (Amendment(D("0.20"), D("4")), False, 8),
        (Amendment(D("0.22"), D("2")), False, 18),
        (Amendment(D("0.19"), D("3")), False, 0),
    ],
)
def test_only_a_smaller_size_or_another_expiry_keeps_the_place(engine, amendment, kept, ahead):
    engine.submit(_order("d1", ASK, "0.20", "3"), T0)

    (change,) = _of(engine.amend("b1", amendment, T0), Amended)

    assert change.kept_place is kept
    assert change.state.order.count == amendment.count
    assert engine.queue_position("b1") == ahead


def test_a_new_expiry_replaces_the_old_one_and_can_be_removed(engine):
    engine.submit(_order("t1", BID, "0.17", "1", expires_at=_at(10)), T0)
    engine.submit(_order("t2", BID, "0.17", "1", expires_at=_at(10)), T0)
    engine.amend("t1", Amendment(D("0.17"), D("1"), True, _at(20)), T0)
    engine.amend("t2", Amendment(D("0.17"), D("1"), True, None), T0)

    assert engine.expire(_at(19)) == ()
    assert [end.state.order_id for end in _of(engine.expire(_at(99)), Canceled)] == ["t1"]
    assert engine.order("t2") is not None


def test_the_amended_count_is_what_filled_plus_what_shall_rest(engine):
    engine.submit(_order("t1", BID, "0.20", "10"), T0)

    engine.amend("t1", Amendment(D("0.20"), D("9")), T0)

    state = engine.order("t1")
    assert (state.filled, state.remaining, state.order.count) == (8, 1, 9)


@pytest.mark.parametrize("count", ["8", "3"])
def test_an_amended_count_that_filled_already_ends_the_order(engine, count):
    engine.submit(_order("t1", BID, "0.20", "10"), T0)

    events = engine.amend("t1", Amendment(D("0.20"), D(count)), T0)

    (end,) = _of(events, Canceled)
    assert (end.reason, end.reduced_by) == (UpdateReason.AMEND, 2)
    assert engine.order("t1") is None


def test_an_amended_price_that_crosses_takes(engine):
    events = engine.amend("c1", Amendment(D("0.20"), D("7")), T0)

    assert _trades(events) == [("a1", D("0.20"), 5), ("b1", D("0.20"), 2)]
    assert engine.order("c1") is None
    assert _displayed(engine)[Side.YES] == []


def test_a_post_only_order_amended_across_the_book_is_canceled(engine):
    engine.submit(_order("t1", BID, "0.17", "1", post_only=True), T0)

    events = engine.amend("t1", Amendment(D("0.20"), D("1")), T0)

    assert not _of(events, Filled)
    assert [end.reason for end in _of(events, Canceled)] == [UpdateReason.POST_ONLY_CROSS_CANCEL]
    assert engine.order("t1") is None


@pytest.mark.parametrize("change", [{"by": D("1.5")}, {"to": D("1.5")}])
def test_a_decrease_keeps_the_place(engine, change):
    events = engine.decrease("b1", T0, **change)

    assert [event.reason for event in _of(events, Amended)] == [UpdateReason.DECREASE]
    assert engine.order("b1").remaining == D("1.5")
    assert engine.order("b1").order.count == D("1.5")
    assert engine.queue_position("b1") == 5
    assert _displayed(engine)[Side.NO][0] == (D("0.80"), D("6.5"))


@pytest.mark.parametrize("change", [{"by": D("3")}, {"by": D("9")}, {"to": D("0")}])
def test_a_decrease_to_nothing_ends_the_order(engine, change):
    (end,) = _of(engine.decrease("b1", T0, **change), Canceled)

    assert (end.reason, end.reduced_by) == (UpdateReason.DECREASE, 3)
    assert _displayed(engine)[Side.NO][0] == (D("0.80"), 5)


@pytest.mark.parametrize(
    ("change", "refusal"),
    [
        ({}, Refusal.INVALID_ORDER),
        ({"by": D("1"), "to": D("1")}, Refusal.INVALID_ORDER),
        ({"to": D("4")}, Refusal.INVALID_COUNT),
        ({"by": D("0")}, Refusal.INVALID_COUNT),
        ({"by": D("0.001")}, Refusal.INVALID_COUNT),
        ({"to": D("-1")}, Refusal.INVALID_COUNT),
    ],
)
def test_a_senseless_decrease_is_refused(engine, change, refusal):
    with pytest.raises(OrderRefusedError) as caught:
        engine.decrease("b1", T0, **change)

    assert caught.value.refusal is refusal
    assert engine.order("b1").remaining == 3


def test_a_pause_cancels_what_asked_for_it_and_keeps_the_rest(engine):
    engine.submit(_order("t1", BID, "0.17", "1", cancel_on_pause=True), T0)

    events = engine.pause(T0)

    assert [(end.state.order_id, end.reason) for end in _of(events, Canceled)] == [
        ("t1", UpdateReason.HALT_CANCEL)
    ]
    assert engine.phase is MarketPhase.PAUSED
    for refused in (
        lambda: engine.submit(_order("t2", BID, "0.17", "1"), T0),
        lambda: engine.amend("c1", Amendment(D("0.17"), D("7")), T0),
        lambda: engine.decrease("c1", T0, by=D("1")),
    ):
        with pytest.raises(OrderRefusedError) as caught:
            refused()
        assert caught.value.refusal is Refusal.TRADING_PAUSED
    assert _of(engine.cancel("c1", T0), Canceled)[0].reduced_by == 7
    engine.resume(T0)
    assert _trades(engine.submit(_order("t2", BID, "0.20", "1"), T0)) == [("a1", D("0.20"), 1)]


def test_a_closed_market_cancels_all_and_takes_nothing_more(engine):
    events = engine.close(T0)

    assert {end.state.order_id for end in _of(events, Canceled)} == {"a1", "b1", "a2", "c1"}
    assert {end.reason for end in _of(events, Canceled)} == {UpdateReason.CLOSE_CANCEL}
    assert engine.close(T0) == ()
    for refused in (
        lambda: engine.submit(_order("t2", BID, "0.17", "1"), T0),
        lambda: engine.cancel("c1", T0),
        lambda: engine.cancel_all(T0),
        lambda: engine.resume(T0),
        lambda: engine.pause(T0),
    ):
        with pytest.raises(OrderRefusedError) as caught:
            refused()
        assert caught.value.refusal is Refusal.MARKET_INACTIVE


def test_one_account_or_all_can_be_swept(engine):
    swept = _of(engine.cancel_all(T0, account="a"), Canceled)

    assert [end.state.order_id for end in swept] == ["a1", "a2"]
    assert [state.order_id for state in engine.orders()] == ["b1", "c1"]
    assert [state.order_id for state in engine.orders("b")] == ["b1"]
    assert len(_of(engine.cancel_all(T0), Canceled)) == 2


@pytest.mark.parametrize(
    ("more", "refusal"),
    [
        ({"price": "0.205"}, Refusal.INVALID_PRICE),
        ({"price": "0"}, Refusal.INVALID_PRICE),
        ({"price": "1"}, Refusal.INVALID_PRICE),
        ({"price": "NaN"}, Refusal.INVALID_PRICE),
        ({"price": "-0.01"}, Refusal.INVALID_PRICE),
        ({"count": "0"}, Refusal.INVALID_COUNT),
        ({"count": "-1"}, Refusal.INVALID_COUNT),
        ({"count": "0.001"}, Refusal.INVALID_COUNT),
        ({"count": "Infinity"}, Refusal.INVALID_COUNT),
        ({"post_only": True, "time_in_force": IOC}, Refusal.INVALID_ORDER),
        ({"expires_at": _at(9), "time_in_force": IOC}, Refusal.INVALID_ORDER),
        ({"expires_at": T0}, Refusal.EXPIRY_PASSED),
        ({"reduce_only": True}, Refusal.INVALID_ORDER),
        ({"reduce_only": True, "time_in_force": FOK}, Refusal.INVALID_ORDER),
        ({"reduce_only": True, "time_in_force": IOC}, Refusal.INVALID_ORDER),
        ({"account": ""}, Refusal.INVALID_ORDER),
        ({"order_id": "a1"}, Refusal.DUPLICATE_ORDER),
    ],
)
def test_a_malformed_order_is_refused_and_changes_nothing(engine, more, refusal):
    before = engine.orders()
    fields = {"order_id": "t1", "side": BID, "price": "0.20", "count": "1", **more}

    with pytest.raises(OrderRefusedError) as caught:
        engine.submit(_order(**fields), T0)

    assert caught.value.refusal is refusal
    assert engine.orders() == before


def test_the_id_of_an_order_that_ended_is_not_taken_again(engine):
    engine.cancel("a1", T0)

    with pytest.raises(OrderRefusedError) as caught:
        engine.submit(_order("a1", ASK, "0.20", "5"), T0)

    assert caught.value.refusal is Refusal.DUPLICATE_ORDER


def test_unknown_orders_are_named(engine):
    for refused in (
        lambda: engine.cancel("z", T0),
        lambda: engine.amend("z", Amendment(D("0.20"), D("1")), T0),
        lambda: engine.decrease("z", T0, by=D("1")),
        lambda: engine.queue_position("z"),
    ):
        with pytest.raises(OrderRefusedError) as caught:
            refused()
        assert caught.value.refusal is Refusal.UNKNOWN_ORDER


def test_sequence_numbers_have_no_gap_and_moments_never_go_back(engine):
    events = [
        *engine.submit(_order("t1", BID, "0.25", "20", expires_at=_at(5)), _at(1)),
        *engine.cancel("c1", T0),
        *engine.close(_at(9)),
    ]

    assert [event.seq for event in events] == list(
        range(events[0].seq, events[0].seq + len(events))
    )
    assert [event.at for event in events] == sorted(event.at for event in events)
    assert isinstance(events[0], Accepted)


def test_edge_prices_and_the_smallest_count_trade_exactly():
    engine = _engine(price_ranges=TAPERED)
    engine.submit(_order("a1", ASK, "0.999", "0.01"), T0)
    engine.submit(_order("a2", BID, "0.001", "0.01"), T0)

    (high,) = _of(engine.submit(_order("t1", BID, "0.999", "0.01"), T0), Filled)
    (low,) = _of(engine.submit(_order("t2", ASK, "0.001", "0.01"), T0), Filled)

    assert (high.taker.cash, high.maker.cash) == (D("0.0101"), D("0.0001"))
    assert (low.taker.cash, low.maker.cash) == (D("0.0101"), D("0.0001"))


def test_a_grid_finer_than_the_exchange_has_is_refused():
    with pytest.raises(InvalidDataError):
        _engine(price_ranges=(PriceRange(D("0"), D("1"), D("0.00005")),))
    with pytest.raises(InvalidDataError):
        _engine(price_ranges=())


@pytest.mark.parametrize("tif", list(TimeInForce))
def test_a_preview_says_what_then_happens(engine, tif):
    order = _order("t1", BID, "0.21", "9", time_in_force=tif)

    preview = engine.preview(order, T0)
    events = engine.submit(order, T0)

    fills = _of(events, Filled)
    assert preview.filled == sum(fill.count for fill in fills)
    assert [fill.cash for fill in preview.taken] == [fill.taker.cash for fill in fills]
    assert [fill.cash for fill in preview.given] == [fill.maker.cash for fill in fills]
    state = engine.order("t1")
    assert preview.resting == (0 if state is None else state.remaining)


def test_a_preview_passes_over_what_has_expired_or_is_left_out(engine):
    engine.submit(_order("d1", ASK, "0.19", "1", expires_at=_at(5)), T0)
    order = _order("t1", BID, "0.20", "6")

    assert [fill.order_id for fill in engine.preview(order, _at(4)).given] == ["d1", "a1"]
    assert [fill.order_id for fill in engine.preview(order, _at(5)).given] == ["a1", "b1"]
    left_out = engine.preview(order, _at(5), without={"a1"})
    assert ([fill.order_id for fill in left_out.given], left_out.resting) == (["b1"], 3)


def test_a_preview_of_an_amendment_says_what_then_happens(engine):
    for count in ("7", "12", "3"):
        amendment = Amendment(D("0.20"), D(count))
        preview = engine.preview_amend("c1", amendment, T0)
        fills = _of(engine.amend("c1", amendment, T0), Filled)
        assert preview.filled == sum(fill.count for fill in fills)
        assert [fill.cash for fill in preview.taken] == [fill.taker.cash for fill in fills]
        state = engine.order("c1")
        assert preview.resting == (0 if state is None else state.remaining)
        engine = _copy_of_start()


def _copy_of_start():
    made = _engine()
    made.submit(_order("a1", ASK, "0.20", "5"), T0)
    made.submit(_order("c1", BID, "0.18", "7"), T0)
    return made
