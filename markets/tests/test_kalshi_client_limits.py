"""The exchange's limits, and its clock: what must hold before a write leaves."""

from __future__ import annotations

import datetime as dt
from typing import Any

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from boz.core.errors import (
    InvalidDataError,
    InvalidOrderError,
    OperatorActionRequired,
    TransientError,
)
from markets.clients.kalshi import Cancellation, OrderAccepted, OrderCancelled, OrderRefused
from markets.clients.kalshi import budget as endpoints
from markets.clients.kalshi.budget import (
    AccountBudget,
    EndpointCosts,
    ReadBudget,
    WriteBudget,
    shared_budget,
)
from markets.tests.desk import ORDER_ID, Desk, accepted, desk, new_order

CANCELLED = {"order_id": ORDER_ID, "reduced_by": "10.00", "ts_ms": 1_795_186_800_123}
TOO_MANY = {"error": "too many requests"}


class _Time:
    def __init__(self) -> None:
        self.now = 50.0

    def __call__(self) -> float:
        return self.now


# Buckets --------------------------------------------------------------------------------------


def test_orders_never_take_the_tokens_kept_for_cancels():
    budget = WriteBudget(100, 100, cancel_share=0.2, monotonic=_Time())

    taken = 0
    while budget.take(10, is_cancel=False) == 0:
        taken += 1

    assert taken == 8
    assert [budget.take(2, is_cancel=True) for _ in range(10)] == [0.0] * 10
    assert budget.take(2, is_cancel=True) == pytest.approx(0.02)


def test_a_refusal_for_the_rate_holds_orders_longer_each_time_but_no_cancel():
    time = _Time()
    budget = WriteBudget(100, 100, monotonic=time)

    pauses = [budget.refused(0.5) for _ in range(8)]

    assert pauses == [0.5, 1, 2, 4, 8, 16, 20, 20]
    assert budget.take(10, is_cancel=False) == pytest.approx(20)
    assert budget.take(2, is_cancel=True) == 0
    time.now += 21
    assert budget.take(10, is_cancel=False) == 0
    budget.passed()
    assert budget.refused(0.0) == 0.375


@given(
    steps=st.lists(
        st.one_of(
            st.tuples(st.just("take"), st.integers(1, 90), st.booleans()),
            st.tuples(st.just("refused"), st.floats(0, 1), st.none()),
            st.tuples(st.just("wait"), st.floats(0, 5), st.none()),
            st.tuples(st.just("resize"), st.integers(1, 400), st.none()),
        ),
        max_size=60,
    )
)
def test_no_storm_overdraws_the_bucket_or_keeps_a_cancel_longer_than_its_tokens_take(steps):
    time = _Time()
    budget = WriteBudget(100, 100, monotonic=time)
    for kind, amount, is_cancel in steps:
        if kind == "take" and amount <= budget.limit(is_cancel=bool(is_cancel)):
            before = budget.tokens
            wait = budget.take(amount, is_cancel=bool(is_cancel))
            assert (wait == 0) == (budget.tokens < before)
            if is_cancel and wait:
                time.now += wait + 0.001
                assert budget.take(amount, is_cancel=True) == 0
        elif kind == "refused":
            budget.refused(amount)
        elif kind == "wait":
            time.now += amount
        elif kind == "resize":
            budget.resize(amount, max(100, amount))
        assert budget.tokens >= 0


@given(
    calls=st.lists(
        st.tuples(st.floats(0, 3), st.integers(1, 60), st.sampled_from(["call", "pause", "back"])),
        max_size=50,
    )
)
def test_reads_that_keep_their_turns_never_exceed_rate_and_capacity(calls):
    time = _Time()
    budget = ReadBudget(20, 40, monotonic=time)
    start, spent = time.now, 0.0
    for wait, weight, kind in calls:
        time.now += wait
        if kind == "pause":
            budget.pause(wait)
            continue
        turn = budget.reserve(weight)
        assert turn >= 0
        if kind == "back":
            budget.give_back(weight)
            continue
        spent += weight
        allowed = 40 + 20 * (time.now + turn - start) + 60
        assert spent <= allowed


def test_a_read_beyond_the_bucket_waits_for_just_its_tokens():
    time = _Time()
    budget = ReadBudget(20, 40, monotonic=time)

    assert budget.reserve(40) == 0
    assert budget.reserve(10) == pytest.approx(0.5)
    assert budget.reserve(10) == pytest.approx(1.0)
    time.now += 1.0
    assert budget.reserve(10) == pytest.approx(0.5)


def test_nothing_passes_while_reads_are_paused():
    budget = ReadBudget(20, 40, monotonic=_Time())

    budget.pause(3)

    assert budget.reserve(10) == pytest.approx(3.5)


def test_costs_are_the_exchanges_in_any_spelling_of_its_paths():
    costs = EndpointCosts.of(
        10,
        {
            ("delete", "/trade-api/v2/portfolio/events/orders/:id"): 3,
            ("GET", "/portfolio/orders/{order_id}/"): 2,
        },
    )

    assert costs.of_call(endpoints.CANCEL) == 3
    assert costs.of_call(endpoints.GET_ORDER) == 2
    assert costs.of_call(endpoints.CREATE) == 10
    assert costs.of_call(endpoints.BATCH_CREATE, items=7) == 70


def test_until_they_are_read_the_documented_costs_hold():
    costs = EndpointCosts()

    assert costs.of_call(endpoints.CANCEL) == 2
    assert costs.of_call(endpoints.BATCH_CANCEL, items=5) == 10
    assert costs.of_call(endpoints.BATCH_CREATE, items=5) == 50
    assert costs.of_call(endpoints.AMEND) == 10


def test_a_cost_below_zero_is_refused():
    with pytest.raises(InvalidDataError):
        EndpointCosts.of(10, {("GET", "/x"): -1})


def test_all_clients_of_a_key_share_its_budget_and_other_keys_have_their_own():
    one = shared_budget("https://a.test/v2", "key")

    assert shared_budget("https://a.test/v2/", "key") is one
    assert shared_budget("https://a.test/v2", "other") is not one
    assert shared_budget("https://demo.test/v2", "key") is not one


# The client within its limits -----------------------------------------------------------------


def test_limits_and_costs_are_read_and_kept():
    def answer(request: httpx.Request) -> httpx.Response:
        if request.url.path.endswith("limits"):
            bucket = {"refill_rate": 600, "bucket_capacity": 1200}
            body = {"usage_tier": "expert", "read": bucket, "write": bucket, "grants": []}
            return httpx.Response(200, json=body)
        costs = [{"method": "DELETE", "path": "/portfolio/events/orders/batched", "cost": 4}]
        return httpx.Response(200, json={"default_cost": 10, "endpoint_costs": costs})

    exchange = Desk(answer)
    before = (exchange.client.most_in_batch_create, exchange.client.most_in_batch_cancel)

    limits = exchange.client.learn_limits()

    assert limits.usage_tier == "expert"
    assert before == (8, 50)
    assert exchange.client.most_in_batch_create == 96
    assert exchange.client.most_in_batch_cancel == 300


@pytest.mark.parametrize("bucket", [{"refill_rate": 0, "bucket_capacity": 1}, {}, None])
def test_limits_that_cannot_be_are_refused_and_the_old_ones_stay(bucket):
    body = {"usage_tier": "x", "read": bucket, "write": bucket, "grants": []}
    exchange = desk(200, body)

    with pytest.raises(InvalidDataError):
        exchange.client.learn_limits()

    assert exchange.client.most_in_batch_create == 8


def test_a_batch_that_can_never_fit_is_refused_here():
    exchange = desk(201)
    orders = [new_order(client_order_id=f"id{number}") for number in range(9)]

    with pytest.raises(InvalidOrderError, match="1 to 8"):
        exchange.client.batch_create(orders)
    with pytest.raises(InvalidOrderError, match="1 to 50"):
        exchange.client.batch_cancel([Cancellation(f"id{number}") for number in range(51)])

    assert exchange.sent == []


def test_orders_wait_for_their_tokens_and_are_given_up_unsent_when_that_takes_too_long():
    exchange = Desk(lambda _: httpx.Response(201, json=accepted()), max_wait_seconds=0.15)
    exchange.client.cancel_order(ORDER_ID)  # compares the clocks

    for _ in range(9):
        exchange.client.create_order(new_order())

    assert sum(exchange.slept) == pytest.approx(0.12)
    exchange.budget.writes.refused(0.5)
    sent = len(exchange.sent)
    with pytest.raises(TransientError, match="nothing was sent"):
        exchange.client.create_order(new_order())
    assert len(exchange.sent) == sent


def test_in_a_storm_of_refusals_cancels_still_leave_at_once_and_no_order_is_sent_twice():
    def answer(request: httpx.Request) -> httpx.Response:
        if request.method == "DELETE":
            return httpx.Response(200, json=CANCELLED)
        return httpx.Response(429, json=TOO_MANY)

    exchange = Desk(answer, max_wait_seconds=0.2)
    unsent = refused = 0
    for number in range(30):
        try:
            outcome = exchange.client.create_order(new_order(client_order_id=f"id{number}"))
        except TransientError:
            unsent += 1
        else:
            assert isinstance(outcome, OrderRefused)
            refused += 1
        slept = len(exchange.slept)
        assert isinstance(exchange.client.cancel_order(ORDER_ID), OrderCancelled)
        assert sum(exchange.slept[slept:]) < 0.05
        assert exchange.budget.writes.tokens >= 0

    assert refused + unsent == 30
    assert unsent > 20
    creates = [request for request in exchange.writes if request.method == "POST"]
    assert len(creates) == refused


def test_a_cancel_that_passes_does_not_shorten_the_pause_of_orders():
    def answer(request: httpx.Request) -> httpx.Response:
        if request.method == "DELETE":
            return httpx.Response(200, json=CANCELLED)
        return httpx.Response(429, json=TOO_MANY)

    exchange = Desk(answer, max_wait_seconds=60)

    for number in range(4):
        exchange.client.create_order(new_order(client_order_id=f"id{number}"))
        exchange.client.cancel_order(ORDER_ID)

    assert exchange.slept == [pytest.approx(pause) for pause in (0.5, 1.0, 2.0)]


def test_a_refused_cancel_is_told_and_the_next_one_leaves_at_once():
    answers = [httpx.Response(429, json=TOO_MANY), httpx.Response(200, json=CANCELLED)]
    exchange = Desk(lambda _: answers.pop(0))

    first = exchange.client.cancel_order(ORDER_ID)
    second = exchange.client.cancel_order(ORDER_ID)

    assert isinstance(first, OrderRefused)
    assert isinstance(second, OrderCancelled)
    assert exchange.slept == []


def test_reads_pay_their_price():
    exchange = desk(200, {"orders": [], "cursor": ""})
    exchange.budget.reads.resize(10, 20)

    for _ in range(3):
        exchange.client.orders()

    assert exchange.slept == [pytest.approx(1.0)]


def test_the_budget_of_a_new_account_is_that_of_the_lowest_tier():
    budget = AccountBudget()

    assert budget.writes.limit(is_cancel=True) == 100
    assert budget.writes.limit(is_cancel=False) == 80


# The clock ------------------------------------------------------------------------------------


def _created(exchange: Desk) -> Any:
    return exchange.client.create_order(new_order())


@pytest.mark.parametrize("ahead", [-5.0, -1.0, 0.0, 1.0, 5.0])
def test_a_clock_within_five_seconds_lets_orders_pass(ahead):
    exchange = desk(201, accepted(), server_ahead=ahead)

    assert isinstance(_created(exchange), OrderAccepted)


@pytest.mark.parametrize(
    ("ahead", "told"), [(-30, r"(29|30) s ahead"), (30, "s behind"), (7, "behind")]
)
def test_a_clock_that_is_off_stops_every_write_before_it_leaves(ahead, told):
    exchange = desk(201, accepted(), server_ahead=ahead)
    client = exchange.client

    for write in (
        lambda: client.create_order(new_order()),
        lambda: client.cancel_order(ORDER_ID),
        lambda: client.batch_cancel([Cancellation(ORDER_ID)]),
        lambda: client.reset_order_group("group"),
    ):
        with pytest.raises(OperatorActionRequired, match=told):
            write()

    assert exchange.writes == []


def test_the_first_write_compares_the_clocks_and_the_next_ones_do_not_ask_again():
    exchange = desk(201, accepted())

    _created(exchange)
    _created(exchange)

    assert [request.method for request in exchange.sent] == ["GET", "POST", "POST"]


def test_any_read_compares_the_clocks_even_one_that_is_refused():
    exchange = desk(404, {"code": "x", "message": "y"}, server_ahead=-30)

    with pytest.raises(BaseException):  # noqa: B017 - whatever; only its answer's time counts
        exchange.client.order(ORDER_ID)

    assert exchange.client.clock.skew_seconds() == pytest.approx(30, abs=1.5)


@pytest.mark.parametrize("step", [-30, 30])
def test_a_step_of_our_clock_is_noticed_without_another_answer_and_measured_anew(step):
    exchange = desk(201, accepted())
    _created(exchange)

    exchange.wall += dt.timedelta(seconds=step)
    exchange.server_ahead = -step
    with pytest.raises(OperatorActionRequired, match="behind" if step < 0 else "ahead"):
        _created(exchange)
    assert [request.method for request in exchange.sent] == ["GET", "POST", "GET"]

    exchange.wall -= dt.timedelta(seconds=step)
    exchange.server_ahead = 0
    assert isinstance(_created(exchange), OrderAccepted)
    assert len(exchange.sent) == 4


def test_a_step_that_sets_a_wrong_clock_right_lets_writes_pass_at_once():
    exchange = desk(201, accepted(), server_ahead=-30)
    with pytest.raises(OperatorActionRequired):
        _created(exchange)

    exchange.wall -= dt.timedelta(seconds=30)
    exchange.server_ahead = 0

    assert isinstance(_created(exchange), OrderAccepted)


def test_a_slow_answer_proves_no_skew():
    exchange = Desk(lambda _: httpx.Response(200, json={"orders": []}), server_ahead=-3)
    exchange.latency = 8.0

    exchange.client.orders()

    assert exchange.client.clock.is_in_step


def test_an_old_comparison_is_made_again():
    exchange = desk(201, accepted())
    _created(exchange)

    exchange.pass_time(601)
    _created(exchange)

    assert [request.method for request in exchange.sent] == ["GET", "POST", "GET", "POST"]


def test_an_answer_out_of_a_cache_is_as_old_as_it_says():
    exchange = desk(201, accepted(), server_ahead=-100)
    exchange.client.clock.observe(
        {"date": "Fri, 20 Nov 2026 14:58:20 GMT", "age": "100"}, sent=exchange.client.clock.read()
    )

    assert exchange.client.clock.is_in_step


@pytest.mark.parametrize("date", ["", "yesterday", "Fri, 99 Nov 2026 14:58:20 GMT", "0"])
def test_an_unusable_time_teaches_nothing(date):
    clock = desk(201).client.clock

    clock.observe({"date": date}, sent=clock.read())

    assert clock.skew_seconds() is None


def test_without_any_time_of_the_exchange_nothing_is_signed_for_a_write():
    exchange = desk(201, accepted())
    exchange.tells_time = False

    with pytest.raises(OperatorActionRequired, match="could not be compared"):
        _created(exchange)

    assert exchange.writes == []


def test_when_the_exchange_cannot_be_asked_for_its_time_nothing_is_sent():
    def down(request: httpx.Request) -> httpx.Response:
        raise httpx.ConnectError("dns")

    broken = Desk(down, transport=httpx.MockTransport(down))

    with pytest.raises(TransientError):
        _created(broken)
