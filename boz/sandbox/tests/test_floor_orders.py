"""Orders on the simulated exchange, as a client over HTTP meets them."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal

import pytest

from boz.sandbox.floor.members import KeyKind
from boz.sandbox.tests.conftest import REST
from boz.sandbox.tests.trader import NOON, RUNG, Trader, code, order, taken


@pytest.fixture
def client(at):
    return at(NOON)


@pytest.fixture
def trader(client):
    return Trader(client)


def book(client) -> dict[str, list[list[str]]]:
    return client.rest(f"/markets/{RUNG}/orderbook")["orderbook_fp"]


# Keys ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", list(KeyKind))
def test_both_kinds_of_key_open_the_account(client, kind):
    assert Trader(client, kind=kind).balance() == Decimal("1000")


def test_private_keys_are_for_their_owner_alone(trader):
    assert trader.key.private_file.stat().st_mode & 0o777 == 0o600
    assert trader.key.private_file.parent.stat().st_mode & 0o777 == 0o700


def refused_with(client, headers) -> tuple[int, str, str]:
    answer = client.send("GET", f"{REST}/portfolio/balance", headers=headers)
    error = answer.json()["error"]
    return answer.status_code, error["code"], error["details"]


def test_a_request_without_a_valid_signature_is_refused(client, trader):
    path = f"{REST}/portfolio/balance"
    wrong = (401, "authentication_error", "INCORRECT_API_KEY_SIGNATURE")
    unknown = (401, "authentication_error", "NOT_FOUND")
    good = trader.headers("GET", path)
    assert refused_with(client, {}) == unknown
    assert refused_with(client, good | {"KALSHI-ACCESS-KEY": "nobody"}) == unknown
    assert refused_with(client, good | {"KALSHI-ACCESS-SIGNATURE": "AAAA"}) == wrong
    assert refused_with(client, trader.headers("POST", path)) == wrong
    assert refused_with(client, trader.headers("GET", f"{REST}/portfolio/orders")) == wrong
    assert refused_with(client, trader.headers("GET", path, late_ms=31_000)) == wrong
    assert refused_with(client, trader.headers("GET", path, late_ms=-31_000)) == wrong
    other = Trader(client).headers("GET", path)
    assert refused_with(client, other | {"KALSHI-ACCESS-KEY": trader.key.key_id}) == wrong


def test_the_query_is_not_signed(trader):
    assert trader.get("/portfolio/orders", status="resting", limit=5)["orders"] == []


def test_a_key_that_may_only_read_cannot_trade(client):
    reader = Trader(client, scopes=("read",))
    assert reader.balance() == Decimal("1000")
    assert code(reader.try_create()) == (403, "insufficient_scope")


def test_a_revoked_key_is_worth_nothing(client, trader):
    answer = client.post("/sandbox/exchange", json={"revoke": trader.key.key_id})
    assert answer.status_code == 200
    assert not trader.key.private_file.exists()
    assert code(trader.call("GET", "/portfolio/balance")) == (401, "authentication_error")


def test_another_key_of_the_same_member_sees_the_same_account(client, trader):
    created = client.post(
        "/sandbox/exchange/accounts", json={"user_id": trader.user_id, "kind": "ed25519"}
    )
    assert created.json()["user_id"] == trader.user_id
    assert len(client.get("/sandbox/exchange").json()["accounts"]) == 1


def test_accounts_do_not_see_each_other(client, trader):
    made = trader.create()
    other = Trader(client)
    assert other.get("/portfolio/orders")["orders"] == []
    single = other.call("GET", f"/portfolio/orders/{made['order_id']}")
    assert code(single) == (404, "not_found")
    assert code(other.cancel(made["order_id"])) == (404, "not_found")


# Creating --------------------------------------------------------------------------------------


def test_an_order_that_nobody_meets_rests_and_reserves_what_it_may_cost(client, trader):
    made = trader.create(price="0.2000", count="10.00", client_order_id="mine")
    assert (made["fill_count"], made["remaining_count"]) == ("0.00", "10.00")
    assert made["client_order_id"] == "mine"
    assert "average_fill_price" not in made
    listed = trader.order(made["order_id"])
    assert (listed["status"], listed["book_side"], listed["outcome_side"]) == (
        "resting", "bid", "yes",
    )  # fmt: skip
    assert ["0.2000", "10.00"] in book(client)["yes_dollars"]
    assert trader.balance() == Decimal("998")


def test_a_taker_pays_the_displayed_price_and_the_exact_fee(client, trader):
    made = trader.create(**taken(price="0.7000"))
    assert (made["fill_count"], made["remaining_count"]) == ("8.00", "0.00")
    assert (made["average_fill_price"], made["average_fee_paid"]) == ("0.6500", "0.015925")
    (fill,) = trader.get("/portfolio/fills")["fills"]
    # 0.07 * 8 * 0.65 * 0.35
    assert (fill["yes_price_dollars"], fill["fee_cost"], fill["is_taker"]) == (
        "0.6500", "0.1274", True,
    )  # fmt: skip
    assert trader.balance() == Decimal("1000") - 8 * Decimal("0.65") - Decimal("0.1274")
    (position,) = trader.get("/portfolio/positions")["market_positions"]
    assert (position["position_fp"], position["market_exposure_dollars"]) == ("8.00", "5.2000")
    assert trader.order(made["order_id"])["status"] == "executed"


def test_buying_no_is_an_ask_and_pays_one_minus_the_price(trader):
    trader.create(**taken(side="ask", price="0.5800", count="15.00"))
    (position,) = trader.get("/portfolio/positions")["market_positions"]
    assert (position["position_fp"], position["market_exposure_dollars"]) == ("-15.00", "6.3000")
    (fill,) = trader.get("/portfolio/fills")["fills"]
    assert (fill["outcome_side"], fill["no_price_dollars"]) == ("no", "0.4200")


def test_what_was_taken_is_gone_until_the_tape_trades_there_again(client, trader):
    trader.create(**taken(count="5.00"))
    assert book(client)["no_dollars"][-1] == ["0.3500", "3.00"]
    client.world.clock.set(dt.datetime(2024, 11, 27, 18, 0, 5, tzinfo=dt.UTC))
    assert book(client)["no_dollars"][-1] == ["0.3500", "3.00"]
    untouched = client.world.exchange.listed_market(RUNG)
    later = next(
        moment
        for moment in range(int(client.world.clock.now().timestamp()), 1732744800)
        if any(
            (level.price_c, level.count) != (65, 8)
            for level in untouched.tape.book(moment).asks[:1]
        )
    )
    client.world.clock.set(dt.datetime.fromtimestamp(later, tz=dt.UTC))
    recorded = client.world.exchange.book_body(untouched, client.world.clock.now(), depth=1)
    assert book(client)["no_dollars"][-1:] == recorded["no_dollars"]


def test_other_markets_stay_exactly_as_recorded(at, client, trader):
    trader.create(**taken())
    fresh = at(NOON)
    for ticker in ("KXHIGHNY-24NOV27-B50.5", "KXHIGHMIA-24NOV27-T83"):
        assert client.rest(f"/markets/{ticker}") == fresh.rest(f"/markets/{ticker}")


def test_an_immediate_order_rests_nothing_and_a_whole_one_fills_nothing_in_part(trader):
    part = trader.create(**taken(count="20.00"))
    assert (part["fill_count"], part["remaining_count"]) == ("8.00", "0.00")
    assert trader.order(part["order_id"])["status"] == "canceled"
    none = trader.create(
        price="0.7100", count="500.00", time_in_force="fill_or_kill", client_order_id="fok"
    )
    assert (none["fill_count"], none["remaining_count"]) == ("0.00", "0.00")
    assert trader.order(none["order_id"])["status"] == "canceled"


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"price": "0.2050"}, (400, "invalid_price")),
        ({"price": "1.0000"}, (400, "invalid_price")),
        ({"price": "0.0000"}, (400, "invalid_price")),
        ({"price": "cheap"}, (400, "invalid_price")),
        ({"price": 0.2}, (400, "invalid_price")),
        ({"count": "0.00"}, (400, "invalid_order_size")),
        ({"count": "-1.00"}, (400, "invalid_order_size")),
        ({"count": "1.005"}, (400, "invalid_order_size")),
        ({"count": "NaN"}, (400, "invalid_order_size")),
        ({"side": "yes"}, (400, "invalid_order")),
        ({"time_in_force": "gtc"}, (400, "invalid_order")),
        ({"self_trade_prevention_type": None}, (400, "missing_parameters")),
        ({"ticker": "KXHIGHNY-24NOV27-B99.5"}, (404, "market_not_found")),
        ({"expiration_time": 1}, (400, "invalid_order")),
        ({"expiration_time": "tomorrow"}, (400, "invalid_order")),
        ({"reduce_only": True}, (400, "invalid_order")),
        ({"post_only": "yes"}, (400, "invalid_order")),
        ({"order_group_id": "none"}, (404, "not_found")),
        ({"count": "5000.01"}, (400, "insufficient_balance")),
        ({"price": "0.7000", "post_only": True}, (400, "post_only_cross")),
    ],
)
def test_an_order_that_cannot_be_is_refused_with_the_exchanges_code(trader, changes, expected):
    assert code(trader.try_create(**changes)) == expected
    assert trader.balance() == Decimal("1000")
    assert trader.get("/portfolio/orders", status="resting")["orders"] == []


def test_an_order_past_its_expiry_leaves_the_book(client, trader):
    made = trader.create(expiration_time=1732731000)
    client.world.clock.set(dt.datetime(2024, 11, 27, 18, 9, 59, tzinfo=dt.UTC))
    assert trader.order(made["order_id"])["status"] == "resting"
    client.world.clock.set(dt.datetime(2024, 11, 27, 18, 10, tzinfo=dt.UTC))
    assert trader.order(made["order_id"])["status"] == "canceled"
    assert trader.balance() == Decimal("1000")


def test_a_client_order_id_is_taken_once_and_never_executed_twice(client, trader):
    trader.create(**taken(client_order_id="once"))
    assert code(trader.try_create(**taken(client_order_id="once"))) == (409, "order_already_exists")
    assert len(trader.get("/portfolio/fills")["fills"]) == 1
    Trader(client).create(client_order_id="once")


def test_a_body_that_is_no_order_is_refused(trader):
    path = "/portfolio/events/orders"
    assert code(trader.call("POST", path, content=b"[1")) == (400, "invalid_request_body")
    assert code(trader.call("POST", path, json={})) == (400, "missing_parameters")


@pytest.mark.parametrize(
    ("method", "path"),
    [("POST", "/portfolio/orders"), ("DELETE", "/portfolio/orders/3b23c1c7"),
     ("POST", "/portfolio/orders/batched"), ("POST", "/portfolio/orders/3b23c1c7/amend")],
)  # fmt: skip
def test_writes_of_the_first_version_answer_without_an_order(trader, method, path):
    answer = trader.call(method, path, checked=False, json={"ticker": RUNG, "count": 1})
    assert answer.json() == {
        "error": {
            "code": "deprecated_v1_order_endpoint",
            "message": "Please switch to the V2 endpoints",
        }
    }
    assert trader.get("/portfolio/orders")["orders"] == []


# Changing --------------------------------------------------------------------------------------


def amended(trader, made, **changes):
    body = {"ticker": RUNG, "side": "bid", "price": "0.2000", "count": "10.00", **changes}
    return trader.call("POST", f"/portfolio/events/orders/{made['order_id']}/amend", json=body)


def test_an_amended_count_is_what_filled_plus_what_shall_rest(trader):
    made = trader.create(price="0.6500", count="10.00")
    assert (made["fill_count"], made["remaining_count"]) == ("8.00", "2.00")
    answer = amended(trader, made, price="0.6500", count="12.00").json()
    assert (answer["fill_count"], answer["remaining_count"]) == ("8.00", "4.00")


def test_an_amended_price_that_crosses_trades_at_once(trader):
    made = trader.create(count="8.00")
    answer = amended(trader, made, price="0.6500", count="8.00").json()
    assert (answer["fill_count"], answer["remaining_count"]) == ("8.00", "0.00")


def test_a_smaller_order_keeps_its_place_and_another_price_loses_it(client, trader):
    path = "/portfolio/orders/{}/queue_position"
    first = trader.create(price="0.5800", count="5.00")
    second = trader.create(price="0.5800", count="5.00")

    def ahead(made) -> str:
        return trader.get(path.format(made["order_id"]))["queue_position_fp"]

    assert (ahead(first), ahead(second)) == ("15.00", "20.00")
    assert amended(trader, first, price="0.5800", count="3.00").status_code == 200
    assert (ahead(first), ahead(second)) == ("15.00", "18.00")
    assert amended(trader, first, price="0.5800", count="4.00").status_code == 200
    assert (ahead(first), ahead(second)) == ("20.00", "15.00")
    told = trader.get("/portfolio/orders/queue_positions", market_tickers=RUNG)
    assert len(told["queue_positions"]) == 2


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"ticker": "KXHIGHNY-24NOV27-B50.5"}, (400, "order_ticker_mismatch")),
        ({"side": "ask"}, (400, "order_side_mismatch")),
        ({"client_order_id": "another"}, (400, "order_id_and_client_order_id_mismatch")),
        ({"price": "0.2001"}, (400, "invalid_price")),
        ({"count": "9999.00"}, (400, "insufficient_balance")),
        ({"price": ""}, (400, "missing_parameters")),
    ],
)
def test_an_amendment_that_cannot_be_changes_nothing(trader, changes, expected):
    made = trader.create(count="2.00")
    before = trader.order(made["order_id"])
    assert code(amended(trader, made, **changes)) == expected
    assert trader.order(made["order_id"]) == before


def test_an_order_can_be_renamed_and_its_old_name_stays_taken(trader):
    made = trader.create(client_order_id="old")
    assert amended(trader, made, count="1.00", updated_client_order_id="new").status_code == 200
    assert trader.order(made["order_id"])["client_order_id"] == "new"
    for name in ("old", "new"):
        assert code(trader.try_create(client_order_id=name))[0] == 409


def test_an_order_is_decreased_by_or_to_a_count(trader):
    made = trader.create(count="10.00")
    path = f"/portfolio/events/orders/{made['order_id']}/decrease"
    assert trader.call("POST", path, json={"reduce_by": "3.00"}).json()["remaining_count"] == "7.00"
    assert trader.call("POST", path, json={"reduce_to": "2.00"}).json()["remaining_count"] == "2.00"
    for body in ({}, {"reduce_by": "1.00", "reduce_to": "1.00"}):
        assert code(trader.call("POST", path, json=body)) == (400, "invalid_order")
    assert trader.balance() == Decimal("999.60")


def test_a_cancel_gives_back_the_rest_once(trader):
    made = trader.create(count="10.00")
    assert trader.cancel(made["order_id"]).json()["reduced_by"] == "10.00"
    assert code(trader.cancel(made["order_id"])) == (404, "not_found")
    assert trader.balance() == Decimal("1000")


def test_all_orders_of_one_member_are_canceled_and_no_others(client, trader):
    other = Trader(client)
    other.create()
    trader.create()
    trader.create(side="ask", price="0.9500")
    assert trader.call("DELETE", "/portfolio/events/orders").status_code == 204
    assert trader.get("/portfolio/orders", status="resting")["orders"] == []
    assert len(other.get("/portfolio/orders", status="resting")["orders"]) == 1


def test_one_bad_order_of_a_batch_does_not_touch_the_others(trader):
    path = "/portfolio/events/orders/batched"
    answer = trader.call(
        "POST",
        path,
        json={"orders": [order(), order(price="0.2050"), order(side="ask", price="0.9")]},
    )
    assert answer.status_code == 201
    first, bad, third = answer.json()["orders"]
    assert bad["error"]["code"] == "invalid_price"
    assert "order_id" not in bad
    body = {"orders": [{"order_id": item} for item in (first["order_id"], "gone")]}
    done, gone = trader.call("DELETE", path, json=body).json()["orders"]
    assert (done["reduced_by"], gone["reduced_by"]) == ("1.00", "0.00")
    assert gone["error"]["code"] == "not_found"
    (left,) = trader.get("/portfolio/orders", status="resting")["orders"]
    assert left["order_id"] == third["order_id"]


# Groups ----------------------------------------------------------------------------------------


def test_a_group_that_fills_too_fast_is_canceled_and_takes_no_more(client, trader):
    group = trader.call("POST", "/portfolio/order_groups/create", json={"contracts_limit_fp": "5"})
    group_id = group.json()["order_group_id"]
    trader.create(order_group_id=group_id)
    trader.create(**taken(order_group_id=group_id, client_order_id="fast"))
    assert trader.get("/portfolio/orders", status="resting")["orders"] == []
    assert code(trader.try_create(order_group_id=group_id)) == (400, "order_group_triggered")
    assert trader.call("PUT", f"/portfolio/order_groups/{group_id}/reset", json={}).is_success
    kept = trader.create(order_group_id=group_id)
    told = trader.get(f"/portfolio/order_groups/{group_id}")
    assert (told["contracts_limit_fp"], told["orders"]) == ("5.00", [kept["order_id"]])
    assert trader.call("DELETE", f"/portfolio/order_groups/{group_id}").is_success
    assert trader.order(kept["order_id"])["status"] == "canceled"
    assert trader.get("/portfolio/order_groups")["order_groups"] == []


def test_a_group_counts_fifteen_seconds_back(client, trader):
    group = trader.call("POST", "/portfolio/order_groups/create", json={"contracts_limit": 9})
    group_id = group.json()["order_group_id"]
    trader.create(**taken(order_group_id=group_id))
    client.world.clock.advance(dt.timedelta(seconds=15))
    trader.create(**taken(order_group_id=group_id, price="0.7200", count="9.00"))
    assert trader.try_create(order_group_id=group_id).status_code == 201
    limit = {"contracts_limit_fp": "8.00"}
    assert trader.call("PUT", f"/portfolio/order_groups/{group_id}/limit", json=limit).is_success
    assert code(trader.try_create(order_group_id=group_id)) == (400, "order_group_triggered")


# Lists -----------------------------------------------------------------------------------------


def test_lists_are_told_in_pages_newest_first(trader):
    made = [trader.create()["order_id"] for _ in range(5)]
    seen, cursor = [], None
    for size in (2, 2, 1):
        params = {"limit": 2} | ({"cursor": cursor} if cursor else {})
        page = trader.get("/portfolio/orders", **params)
        assert len(page["orders"]) == size
        seen += [item["order_id"] for item in page["orders"]]
        cursor = page["cursor"]
        trader.create()  # what comes meanwhile shifts nothing
    assert seen == made[::-1]
    assert cursor == ""


def test_orders_are_filtered(client, trader):
    made = trader.create()
    other = trader.create(ticker="KXHIGHMIA-24NOV27-T83", price="0.0100")
    trader.cancel(made["order_id"])

    def ids(**params) -> list[str]:
        return [item["order_id"] for item in trader.get("/portfolio/orders", **params)["orders"]]

    assert ids(status="resting") == [other["order_id"]]
    assert ids(status="canceled", ticker=RUNG) == [made["order_id"]]
    assert ids(event_ticker="KXHIGHMIA-24NOV27") == [other["order_id"]]
    assert ids(min_ts=1732730401) == []
    assert len(ids(max_ts=1732730400)) == 2
    assert trader.call("GET", "/portfolio/orders", params={"status": "open"}).status_code == 400


def test_the_account_tells_its_limits_and_keys(client, trader):
    limits = trader.get("/account/limits")
    assert (limits["usage_tier"], limits["read"]["refill_rate"]) == ("basic", 200)
    costs = client.rest("/account/endpoint_costs")
    assert costs["default_cost"] == 10
    keys = trader.call("GET", "/api_keys", checked=False).json()["api_keys"]
    assert [key["scopes"] for key in keys] == [["read", "write"]]


def test_strict_limits_refuse_what_is_over_budget(at):
    client = at(NOON)
    client.world.strict_limits = True
    trader = Trader(client)
    answers = [trader.try_create() for _ in range(14)]
    refused = [answer for answer in answers if answer.status_code == 429]
    assert refused
    assert code(refused[0]) == (429, "too_many_requests")
    assert "retry-after" not in refused[0].headers
    batch = {"orders": [order() for _ in range(11)]}
    whole = trader.call("POST", "/portfolio/events/orders/batched", json=batch)
    assert whole.status_code == 429
