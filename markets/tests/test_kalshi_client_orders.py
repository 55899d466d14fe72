from __future__ import annotations

import datetime as dt
import json
from decimal import Decimal
from typing import Any

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from boz.core.errors import InvalidOrderError, OperatorActionRequired, TransientError
from markets.clients.kalshi import (
    Amendment,
    Cancellation,
    DuplicateClientOrderId,
    OrderAccepted,
    OrderAmended,
    OrderCancelled,
    OrderDecreased,
    OrderGroupChanged,
    OrderGroupCreated,
    OrderRefused,
    OutcomeUnknown,
    SelfTradePrevention,
    TimeInForce,
)
from markets.clients.kalshi import outcomes as reading
from markets.clients.kalshi.outcomes import Answer
from markets.tests.desk import CLIENT_ID, NOW, ORDER_ID, TICKER, Desk, accepted, desk, new_order
from markets.tests.exchange import payload

OTHER_ID = "a6d6010d-6d5f-40a1-a7e7-5501386bb621"
OTHER_CLIENT_ID = "2a0e3fc9-b593-4aa3-96e5-82f7f7566c2a"
HOUR = dt.timedelta(hours=1)
CANCELLED = {"order_id": ORDER_ID, "reduced_by": "10.00", "ts_ms": 1_795_186_800_123}
PLAIN = {
    "ticker": TICKER,
    "client_order_id": CLIENT_ID,
    "side": "bid",
    "count": "10.00",
    "price": "0.5600",
    "time_in_force": "good_till_canceled",
    "self_trade_prevention_type": "taker_at_cross",
}


# What is sent ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("fields", "sent"),
    [
        ({}, {}),
        ({"side": "no"}, {"side": "ask", "price": "0.4400"}),
        ({"side": "no", "price": Decimal("0.0001")}, {"side": "ask", "price": "0.9999"}),
        ({"count": Decimal("2.5")}, {"count": "2.50"}),
        (
            {"expires_at": NOW + HOUR},
            {"expiration_time": int((NOW + HOUR).timestamp())},
        ),
        (
            {"time_in_force": TimeInForce.IMMEDIATE_OR_CANCEL},
            {"time_in_force": "immediate_or_cancel"},
        ),
        ({"time_in_force": TimeInForce.FILL_OR_KILL}, {"time_in_force": "fill_or_kill"}),
        ({"post_only": True}, {"post_only": True}),
        (
            {"reduce_only": True, "time_in_force": TimeInForce.IMMEDIATE_OR_CANCEL},
            {"reduce_only": True, "time_in_force": "immediate_or_cancel"},
        ),
        (
            {"self_trade_prevention": SelfTradePrevention.MAKER},
            {"self_trade_prevention_type": "maker"},
        ),
        ({"cancel_on_pause": True}, {"cancel_order_on_pause": True}),
        ({"order_group_id": "group"}, {"order_group_id": "group"}),
        ({"exchange_index": 0}, {"exchange_index": 0}),
    ],
)
def test_every_feature_of_an_order_is_sent_as_specified(fields, sent):
    order = new_order(**fields)
    exchange = desk(201, accepted(remaining_count=f"{order.count:.2f}"))

    outcome = exchange.client.create_order(order)

    assert isinstance(outcome, OrderAccepted)
    assert exchange.body == {**PLAIN, **sent}


def test_the_example_of_the_specification_is_what_we_send_and_understand():
    examples = payload("order_v2_examples.json")
    request = examples["CreateOrderV2Request"]
    order = new_order(ticker=request["ticker"])
    exchange = desk(201, examples["CreateOrderV2Response"])

    outcome = exchange.client.create_order(order)

    assert isinstance(outcome, OrderAccepted)
    assert exchange.body.items() <= request.items()


@given(
    ticks=st.integers(1, 9999),
    hundredths=st.integers(1, 10**9),
    side=st.sampled_from(["yes", "no"]),
)
def test_prices_and_counts_leave_exactly_and_on_the_yes_leg(ticks, hundredths, side):
    price, count = Decimal(ticks) / 10_000, Decimal(hundredths) / 100

    body = new_order(side=side, price=price, count=count).body(subaccount=None)

    leg = Decimal(body["price"])
    assert leg == price if side == "yes" else leg + price == 1
    assert Decimal(body["count"]) == count
    assert len(body["price"]) == 6
    assert body["count"][-3] == "."


@pytest.mark.parametrize(
    "fields",
    [
        {"price": Decimal("0.00005")},
        {"price": Decimal(0)},
        {"price": Decimal(1)},
        {"price": Decimal("-0.5")},
        {"price": Decimal(56)},
        {"price": Decimal("NaN")},
        {"price": 0.56},
        {"price": "0.56"},
        {"count": Decimal(0)},
        {"count": Decimal(-1)},
        {"count": Decimal("0.001")},
        {"count": Decimal("Infinity")},
        {"count": 10.0},
        {"count": 10},
        {"side": "bid"},
        {"side": ""},
        {"ticker": ""},
        {"client_order_id": ""},
        {"client_order_id": "a b"},
        {"client_order_id": "é"},
        {"expires_at": NOW.replace(tzinfo=None)},
        {"expires_at": NOW + HOUR, "time_in_force": TimeInForce.IMMEDIATE_OR_CANCEL},
        {"post_only": True, "time_in_force": TimeInForce.FILL_OR_KILL},
        {"reduce_only": True},
    ],
)
def test_a_malformed_order_is_refused_before_anything_is_sent(fields):
    exchange = desk(201, accepted())

    with pytest.raises(InvalidOrderError):
        exchange.client.create_order(new_order(**fields))

    assert exchange.sent == []


def test_an_order_whose_expiry_is_over_is_not_sent():
    exchange = desk(201, accepted())

    with pytest.raises(InvalidOrderError, match="over"):
        exchange.client.create_order(new_order(expires_at=NOW))

    assert exchange.sent == []


def test_a_subaccount_goes_with_every_kind_of_write():
    exchange = Desk(lambda _: httpx.Response(500), subaccount=3)
    client = exchange.client

    client.create_order(new_order())
    client.batch_create([new_order()])
    client.cancel_order(ORDER_ID)
    client.batch_cancel([Cancellation(ORDER_ID)])
    client.decrease_order(ORDER_ID, by=Decimal(1))
    client.amend_order(_amendment())
    client.create_order_group(contracts_limit=Decimal(5))
    client.reset_order_group("group")

    told = [
        request.url.params.get("subaccount") or request.content.count(b'"subaccount":3')
        for request in exchange.writes
    ]
    assert told == [1, 1, "3", 1, "3", "3", 1, "3"]


# What became of it ----------------------------------------------------------------------------


def test_an_order_id_proves_an_order():
    body = accepted(
        fill_count="4.00",
        remaining_count="6.00",
        average_fill_price="0.5550",
        average_fee_paid="0.0173",
    )

    outcome = desk(201, body).client.create_order(new_order())

    assert isinstance(outcome, OrderAccepted)
    assert (outcome.order_id, outcome.fill_count, outcome.remaining_count) == (ORDER_ID, 4, 6)
    assert outcome.average_fee_paid == Decimal("0.0173")
    assert outcome.ts_ms == dt.datetime.fromtimestamp(1_795_186_800.123, tz=dt.UTC)


def test_an_unheard_of_field_does_not_hide_the_proof():
    outcome = desk(201, accepted(brand_new={"a": 1})).client.create_order(new_order())

    assert isinstance(outcome, OrderAccepted)


HTML = "<html><body>502 Bad Gateway</body></html>"
WHOLE = json.dumps(accepted())
NOT_PROVEN: list[tuple[int, Any]] = [
    (200, "{}"),
    (200, ""),
    (200, "null"),
    (200, "[]"),
    (201, HTML),
    (201, WHOLE[:-20]),
    (201, json.dumps(accepted(order_id=""))),
    (201, json.dumps(accepted(order_id=None))),
    (201, json.dumps(accepted(order_id=7))),
    (201, json.dumps(accepted(fill_count=0))),
    (201, json.dumps(accepted(fill_count="0.001"))),
    (201, json.dumps(accepted(fill_count="-1.00"))),
    (201, json.dumps(accepted(remaining_count="10.01"))),
    (201, json.dumps(accepted(fill_count="5.00"))),
    (201, json.dumps(accepted(client_order_id=OTHER_CLIENT_ID))),
    (201, json.dumps(accepted(ts_ms=1_795_186_800))),
    (201, json.dumps({key: value for key, value in accepted().items() if key != "fill_count"})),
    (200, '{"code": "deprecated_v1_order_endpoint", "message": "Please switch to the V2"}'),
    (200, '{"error": {"code": "insufficient_balance", "message": "x"}}'),
    (302, ""),
    (400, '{"code": "never_heard_of", "message": "x"}'),
    (400, '{"message": "bad request"}'),
    (400, HTML),
    (403, HTML),
    (404, HTML),
    (409, HTML),
    (429, HTML),
    (429, ""),
    (500, '{"code": "insufficient_balance", "message": "x"}'),
    (500, '{"code": "internal_server_error", "message": "x"}'),
    (502, HTML),
    (503, ""),
    (504, "{"),
]


@pytest.mark.parametrize(("status", "text"), NOT_PROVEN)
def test_what_proves_nothing_is_unknown_and_was_sent_once(status, text):
    exchange = desk(status, text=text)

    outcome = exchange.client.create_order(new_order())

    assert isinstance(outcome, OutcomeUnknown)
    assert str(status) in outcome.reason
    assert len(exchange.writes) == 1


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_write_follows_no_redirect(status):
    headers = {"location": "https://exchange.test/trade-api/v2/portfolio/events/orders"}
    exchange = Desk(lambda _: httpx.Response(status, headers=headers))

    outcome = exchange.client.create_order(new_order())

    assert isinstance(outcome, OutcomeUnknown)
    assert len(exchange.sent) == 2  # the comparison of clocks and the order


def test_an_unreadable_answer_that_names_an_order_says_where_to_look():
    outcome = desk(201, accepted(fill_count=None)).client.create_order(new_order())

    assert isinstance(outcome, OutcomeUnknown)
    assert outcome.order_id == ORDER_ID


@pytest.mark.parametrize(
    "broken",
    [
        httpx.ReadTimeout("slow"),
        httpx.WriteTimeout("slow"),
        httpx.ReadError("reset"),
        httpx.WriteError("reset"),
        httpx.RemoteProtocolError("closed"),
        httpx.DecodingError("gzip"),
        RuntimeError("anything"),
    ],
)
def test_a_connection_that_breaks_after_sending_leaves_the_outcome_unknown(broken):
    sent = []

    def answer(request: httpx.Request) -> httpx.Response:
        sent.append(request)
        raise broken

    outcome = Desk(answer).client.create_order(new_order())

    assert isinstance(outcome, OutcomeUnknown)
    assert outcome.status is None
    assert len(sent) == 1


def test_an_answer_that_trickles_in_forever_is_given_up_as_unknown():
    exchange: Desk

    def trickle():
        for letter in WHOLE:
            exchange.pass_time(1.0)
            yield letter.encode()

    exchange = Desk(lambda _: httpx.Response(201, content=trickle()))

    outcome = exchange.client.create_order(new_order())

    assert isinstance(outcome, OutcomeUnknown)


@pytest.mark.parametrize(
    "broken", [httpx.ConnectError("dns"), httpx.ConnectTimeout("x"), httpx.PoolTimeout("x")]
)
def test_without_a_connection_nothing_was_sent(broken):
    def answer(_: httpx.Request) -> httpx.Response:
        raise broken

    with pytest.raises(TransientError, match="nothing was sent"):
        Desk(answer).client.create_order(new_order())


CODES = [
    "insufficient_balance",
    "available_balance_too_low",
    "invalid_price",
    "invalid_order",
    "invalid_order_size",
    "post_only_cross",
    "market_not_found",
    "MARKET_INACTIVE",
    "EXCHANGE_PAUSED",
]


@pytest.mark.parametrize("code", CODES)
@pytest.mark.parametrize("is_wrapped", [False, True])
def test_a_known_code_is_a_definite_refusal_in_both_shapes(code, is_wrapped):
    error = {"code": code, "message": "because"}
    exchange = desk(400, {"error": {**error, "details": "more"}} if is_wrapped else error)

    outcome = exchange.client.create_order(new_order())

    assert outcome == OrderRefused(code, "because", 400)
    assert "because" in str(outcome)
    assert len(exchange.writes) == 1


@pytest.mark.parametrize(
    "body",
    [
        {"error": "too many requests"},
        {"code": "too_many_requests", "message": "slow down"},
        {"error": {"code": "too_many_requests", "message": "slow down"}},
    ],
)
def test_a_rate_limit_in_the_exchanges_words_is_a_definite_refusal(body):
    exchange = desk(429, body)

    outcome = exchange.client.create_order(new_order())

    assert isinstance(outcome, OrderRefused)
    assert outcome.code == "too_many_requests"
    assert len(exchange.writes) == 1


def test_a_duplicate_id_of_ours_says_what_to_look_up():
    order = new_order()
    body = {"error": {"code": "order_already_exists", "message": "duplicate"}}

    outcome = desk(409, body).client.create_order(order)

    assert isinstance(outcome, DuplicateClientOrderId)
    assert (outcome.client_order_id, outcome.ticker, outcome.order) == (CLIENT_ID, TICKER, order)


@pytest.mark.parametrize("status", [401, 403])
def test_a_key_that_is_turned_away_stops_with_the_reason(status):
    body = {"error": {"code": "authentication_error", "message": "NOT_FOUND"}}
    exchange = desk(status, body)

    with pytest.raises(OperatorActionRequired, match="NOT_FOUND"):
        exchange.client.create_order(new_order())

    assert len(exchange.writes) == 1


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                ["order_id", "orders", "error", "code", "message", "fill_count", "client_order_id"]
            ),
            inner,
            max_size=4,
        )
    ),
    max_leaves=12,
)


@given(
    status=st.integers(200, 599),
    text=st.text(max_size=40) | json_values.map(json.dumps),
    count=st.integers(1, 3),
)
def test_no_answer_breaks_the_reading_and_none_without_an_id_is_success(status, text, count):
    reply = Answer(status, text)
    orders = [new_order(client_order_id=f"id{number}") for number in range(count)]
    cancellations = [Cancellation(f"id{number}") for number in range(count)]

    outcomes = [
        reading.created(reply, orders[0]),
        reading.cancelled(reply, ORDER_ID),
        reading.amended(reply, _amendment()),
        reading.decreased(reply, ORDER_ID),
        reading.group_created(reply),
        *reading.batch_created(reply, orders),
        *reading.batch_cancelled(reply, cancellations),
    ]

    assert len(outcomes) == 5 + 2 * count
    proven = (OrderAccepted, OrderCancelled, OrderAmended, OrderDecreased, OrderGroupCreated)
    assert not any(isinstance(outcome, proven) for outcome in outcomes)


# Cancel, amend, decrease ----------------------------------------------------------------------


def _amendment(**fields: Any) -> Amendment:
    given = {
        "order_id": ORDER_ID,
        "ticker": TICKER,
        "side": "yes",
        "price": Decimal("0.57"),
        "count": Decimal(8),
    }
    return Amendment(**{**given, **fields})


def test_a_cancel_names_the_market_and_tells_what_was_open():
    exchange = desk(200, CANCELLED)

    outcome = exchange.client.cancel_order(ORDER_ID, ticker=TICKER, exchange_index=0)

    assert isinstance(outcome, OrderCancelled)
    assert outcome.reduced_by == 10
    [request] = exchange.writes
    assert request.method == "DELETE"
    assert request.url.path.endswith(f"/portfolio/events/orders/{ORDER_ID}")
    assert dict(request.url.params) == {"market_ticker": TICKER, "exchange_index": "0"}


def test_a_cancel_of_an_order_that_is_gone_is_a_refusal_and_no_error():
    body = {"error": {"code": "not_found", "message": "order not found"}}

    outcome = desk(404, body).client.cancel_order(ORDER_ID)

    assert outcome == OrderRefused("not_found", "order not found", 404)


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (200, {**CANCELLED, "order_id": OTHER_ID}),
        (200, {}),
        (404, None),
        (400, {"code": "what", "message": "x"}),
        (500, {"code": "x", "message": "x"}),
    ],
)
def test_a_cancel_that_proves_nothing_is_unknown(status, body):
    exchange = desk(status, body)

    assert isinstance(exchange.client.cancel_order(ORDER_ID), OutcomeUnknown)
    assert len(exchange.writes) == 1


@pytest.mark.parametrize("order_id", ["", "..", "a/b c", "a\nb", "x" * 500])
def test_an_order_id_cannot_bend_the_address(order_id):
    exchange = desk(200, CANCELLED)

    with pytest.raises(InvalidOrderError):
        exchange.client.cancel_order(order_id)

    assert exchange.sent == []


def test_an_order_id_with_a_slash_stays_one_part_of_the_address():
    exchange = desk(200, {**CANCELLED, "order_id": "a/b?c"})

    assert isinstance(exchange.client.cancel_order("a/b?c"), OrderCancelled)
    assert exchange.writes[0].url.raw_path.endswith(b"/portfolio/events/orders/a%2Fb%3Fc")


@pytest.mark.parametrize(
    ("fields", "sent"),
    [
        ({}, {}),
        ({"side": "no", "price": Decimal("0.4")}, {"side": "ask", "price": "0.6000"}),
        ({"removes_expiry": True}, {"expiration_time": 0}),
        ({"expires_at": NOW + HOUR}, {"expiration_time": int((NOW + HOUR).timestamp())}),
        (
            {"client_order_id": CLIENT_ID, "new_client_order_id": OTHER_CLIENT_ID},
            {"client_order_id": CLIENT_ID, "updated_client_order_id": OTHER_CLIENT_ID},
        ),
    ],
)
def test_an_amendment_is_sent_as_specified(fields, sent):
    body = payload("order_v2_examples.json")["AmendOrderV2Response"]
    exchange = desk(200, body)

    outcome = exchange.client.amend_order(_amendment(**fields))

    assert isinstance(outcome, OrderAmended)
    assert outcome.remaining_count == 8
    plain = {"ticker": TICKER, "side": "bid", "price": "0.5700", "count": "8.00"}
    assert exchange.body == {**plain, **sent}


def test_an_amendment_answered_about_another_order_is_unknown():
    body = {**payload("order_v2_examples.json")["AmendOrderV2Response"], "order_id": OTHER_ID}

    assert isinstance(desk(200, body).client.amend_order(_amendment()), OutcomeUnknown)


@pytest.mark.parametrize(
    ("fields", "sent"),
    [({"by": Decimal(2)}, {"reduce_by": "2.00"}), ({"to": Decimal("8")}, {"reduce_to": "8.00"})],
)
def test_a_decrease_is_sent_as_specified(fields, sent):
    exchange = desk(200, payload("order_v2_examples.json")["DecreaseOrderV2Response"])

    outcome = exchange.client.decrease_order(ORDER_ID, ticker=TICKER, **fields)

    assert isinstance(outcome, OrderDecreased)
    assert outcome.remaining_count == 8
    assert exchange.body == {"market_ticker": TICKER, **sent}


@pytest.mark.parametrize("fields", [{}, {"by": Decimal(1), "to": Decimal(1)}, {"by": Decimal(0)}])
def test_a_decrease_says_exactly_one_amount(fields):
    with pytest.raises(InvalidOrderError):
        desk(200).client.decrease_order(ORDER_ID, **fields)


# Batches --------------------------------------------------------------------------------------


def _pair() -> list[Any]:
    return [new_order(), new_order(client_order_id=OTHER_CLIENT_ID, side="no", count=Decimal(5))]


def test_each_order_of_a_batch_has_its_own_outcome_whatever_the_order_of_the_answer():
    refused = {
        "client_order_id": OTHER_CLIENT_ID,
        "order_id": None,
        "error": {"code": "insufficient_balance", "message": "no cash"},
    }
    exchange = desk(201, {"orders": [refused, {**accepted(), "error": None}]})

    outcomes = exchange.client.batch_create(_pair())

    assert isinstance(outcomes[0], OrderAccepted)
    assert outcomes[1] == OrderRefused("insufficient_balance", "no cash", 201)
    assert [order["side"] for order in exchange.body["orders"]] == ["bid", "ask"]


def test_a_batch_whose_items_carry_no_id_of_ours_is_read_by_place():
    first, second = accepted(), accepted(order_id=OTHER_ID, remaining_count="5.00")
    del first["client_order_id"], second["client_order_id"]

    outcomes = desk(201, {"orders": [first, second]}).client.batch_create(_pair())

    assert [getattr(outcome, "order_id", None) for outcome in outcomes] == [ORDER_ID, OTHER_ID]


@pytest.mark.parametrize(
    "item",
    [
        {},
        {"error": {"code": "never_heard_of", "message": "x"}},
        {"order_id": OTHER_ID},
        {"error": {}},
        {"error": "text"},
    ],
)
def test_an_item_of_a_batch_that_proves_nothing_is_unknown(item):
    body = {"orders": [accepted(), {"client_order_id": OTHER_CLIENT_ID, **item}]}

    first, second = desk(201, body).client.batch_create(_pair())

    assert isinstance(first, OrderAccepted)
    assert isinstance(second, OutcomeUnknown)


def test_a_duplicate_within_a_batch_is_told_as_such():
    error = {"code": "order_already_exists", "message": "x"}
    body = {"orders": [accepted(), {"client_order_id": OTHER_CLIENT_ID, "error": error}]}

    outcomes = desk(201, body).client.batch_create(_pair())

    assert isinstance(outcomes[1], DuplicateClientOrderId)
    assert outcomes[1].client_order_id == OTHER_CLIENT_ID


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (201, {"orders": [accepted()]}),
        (201, {"orders": None}),
        (201, {"orders": [1, 2]}),
        (201, None),
        (400, {"code": "insufficient_balance", "message": "x"}),
        (500, {}),
    ],
)
def test_a_batch_without_an_answer_for_each_is_unknown_for_all(status, body):
    outcomes = desk(status, body).client.batch_create(_pair())

    assert [type(outcome) for outcome in outcomes] == [OutcomeUnknown, OutcomeUnknown]


def test_a_batch_refused_for_its_rate_was_refused_whole():
    outcomes = desk(429, {"error": "too many requests"}).client.batch_create(_pair())

    assert [type(outcome) for outcome in outcomes] == [OrderRefused, OrderRefused]


def test_a_batch_with_one_id_twice_or_with_nothing_is_not_sent():
    exchange = desk(201)

    for orders in ([new_order(), new_order()], []):
        with pytest.raises(InvalidOrderError):
            exchange.client.batch_create(orders)

    assert exchange.sent == []


def test_each_cancel_of_a_batch_has_its_own_outcome():
    gone = {
        "order_id": OTHER_ID,
        "reduced_by": "0.00",
        "ts_ms": None,
        "error": {"code": "not_found", "message": "gone"},
    }
    exchange = desk(200, {"orders": [gone, CANCELLED]})

    outcomes = exchange.client.batch_cancel(
        [Cancellation(ORDER_ID, ticker=TICKER), Cancellation(OTHER_ID)]
    )

    assert isinstance(outcomes[0], OrderCancelled)
    assert outcomes[1] == OrderRefused("not_found", "gone", 200)
    assert exchange.body["orders"] == [
        {"order_id": ORDER_ID, "market_ticker": TICKER},
        {"order_id": OTHER_ID},
    ]


# Order groups ---------------------------------------------------------------------------------


def test_a_group_is_made_limited_reset_triggered_and_deleted_as_specified():
    def answer(request: httpx.Request) -> httpx.Response:
        if request.method == "POST":
            return httpx.Response(201, json={"order_group_id": "group", "subaccount": 0})
        return httpx.Response(200, json={})

    exchange = Desk(answer)
    client = exchange.client

    made = client.create_order_group(contracts_limit=Decimal(100))
    done = [
        client.limit_order_group("group", contracts_limit=Decimal(50)),
        client.trigger_order_group("group", exchange_index=0),
        client.reset_order_group("group"),
        client.delete_order_group("group"),
    ]

    assert isinstance(made, OrderGroupCreated)
    assert done == [OrderGroupChanged("group")] * 4
    assert [request.url.path.rpartition("/")[2] for request in exchange.writes] == [
        "create",
        "limit",
        "trigger",
        "reset",
        "group",
    ]
    assert exchange.writes[0].content == b'{"contracts_limit_fp":"100.00"}'


@pytest.mark.parametrize(("status", "text"), [(200, ""), (200, HTML), (500, "{}"), (200, "[]")])
def test_a_change_of_a_group_that_is_not_confirmed_is_unknown(status, text):
    outcome = desk(status, text=text).client.trigger_order_group("group")

    assert isinstance(outcome, OutcomeUnknown)
