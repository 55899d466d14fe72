from __future__ import annotations

import datetime as dt
import json
from decimal import Decimal
from typing import Any

import httpx
import pytest

from boz.core.errors import (
    DataUnavailable,
    InvalidDataError,
    InvalidOrderError,
    OperatorActionRequired,
    TransientError,
)
from markets.clients.kalshi import NotListed
from markets.clients.kalshi.account import ExchangeFill, ExchangeOrder
from markets.clients.kalshi.wire import read_object
from markets.tests.desk import CLIENT_ID, NOW, ORDER_ID, TICKER, Desk, desk
from markets.tests.exchange import payload
from markets.tests.specs.contract import answer_faults

HTML = "<html>404</html>"


def _order(**fields: Any) -> dict[str, Any]:
    return {
        "order_id": ORDER_ID,
        "user_id": "u",
        "client_order_id": CLIENT_ID,
        "ticker": TICKER,
        "outcome_side": "no",
        "book_side": "ask",
        "type": "limit",
        "status": "resting",
        "yes_price_dollars": "0.5600",
        "no_price_dollars": "0.4400",
        "fill_count_fp": "2.00",
        "remaining_count_fp": "8.00",
        "initial_count_fp": "10.00",
        "taker_fill_cost_dollars": "0.880000",
        "maker_fill_cost_dollars": "0.000000",
        "taker_fees_dollars": "0.034500",
        "maker_fees_dollars": "0.000000",
        "expiration_time": None,
        "created_time": "2026-11-20T14:00:00Z",
        "last_update_time": "2026-11-20T14:00:01Z",
        "self_trade_prevention_type": "taker_at_cross",
        "order_group_id": None,
        "cancel_order_on_pause": False,
        "subaccount_number": 0,
        "exchange_index": 0,
        **fields,
    }


# Objects --------------------------------------------------------------------------------------


def test_an_order_is_read_exactly_with_the_price_of_its_own_side():
    assert answer_faults("GET", f"/portfolio/orders/{ORDER_ID}", 200, {"order": _order()}) == []

    order = desk(200, {"order": _order()}).client.order(ORDER_ID)

    assert order.price == Decimal("0.44")
    assert (order.fill_count_fp, order.remaining_count_fp) == (2, 8)
    assert order.created_time == dt.datetime(2026, 11, 20, 14, tzinfo=dt.UTC)
    assert order.expiration_time is None


@pytest.mark.parametrize(
    ("fields", "told"),
    [
        ({"book_side": "bid"}, "at once"),
        ({"no_price_dollars": "0.4300"}, "add up"),
        ({"yes_price_dollars": 0.56}, "yes_price_dollars"),
        ({"yes_price_dollars": 56}, "yes_price_dollars"),
        ({"yes_price_dollars": "56"}, "yes_price_dollars"),
        ({"yes_price_dollars": "1e-1"}, "yes_price_dollars"),
        ({"yes_price_dollars": None}, "yes_price_dollars"),
        ({"fill_count_fp": 2}, "fill_count_fp"),
        ({"fill_count_fp": "2.001"}, "fill_count_fp"),
        ({"remaining_count_fp": "-1.00"}, "remaining_count_fp"),
        ({"taker_fees_dollars": 1}, "taker_fees_dollars"),
        ({"status": "pending"}, "status"),
        ({"order_id": ""}, "order_id"),
        ({"created_time": "2026-11-20T14:00:00"}, "created_time"),
    ],
)
def test_an_order_that_cannot_be_true_is_refused_by_name(fields, told):
    with pytest.raises(InvalidDataError, match=told):
        desk(200, {"order": _order(**fields)}).client.order(ORDER_ID)


@pytest.mark.parametrize("name", ["order_id", "status", "yes_price_dollars", "remaining_count_fp"])
def test_an_order_without_a_needed_field_is_refused_by_name(name):
    body = _order()
    del body[name]

    with pytest.raises(InvalidDataError, match=f"'{name}' is missing"):
        desk(200, {"order": body}).client.order(ORDER_ID)


def test_another_order_than_was_asked_for_is_refused():
    with pytest.raises(InvalidDataError, match="another order"):
        desk(200, {"order": _order(order_id="other")}).client.order(ORDER_ID)


def test_every_captured_fill_is_read_exactly():
    body = {**payload("portfolio_fills_2026-08.json"), "cursor": ""}

    listing = desk(200, body).client.fills()

    assert listing.is_evidence
    assert len(listing.items) == 33
    first = listing.items[0]
    assert (first.count_fp, first.price) == (Decimal("227.27"), Decimal("0.001"))
    assert first.fee_cost == Decimal("0.015930")
    assert first.at == dt.datetime(2026, 8, 18, 9, tzinfo=dt.UTC)


def test_a_fill_has_a_time_of_one_kind_or_is_refused():
    fill = payload("portfolio_fills_2026-08.json")["fills"][0]
    by_seconds = {key: value for key, value in fill.items() if key != "created_time"}
    without = {key: value for key, value in by_seconds.items() if key != "ts"}

    assert read_object(ExchangeFill, by_seconds, what="it").at.tzinfo is not None
    for broken in (without, {**by_seconds, "ts": 1_787_043_600_000}):
        with pytest.raises(InvalidDataError):
            read_object(ExchangeFill, broken, what="it")


def test_every_captured_settlement_is_read_with_its_cents_as_dollars():
    body = payload("portfolio_settlements_2026-08.json")
    wanted = [Decimal(item["revenue"]) / 100 for item in body["settlements"]]

    listing = desk(200, body).client.settlements()

    assert listing.is_evidence
    assert [item.revenue for item in listing.items] == wanted
    assert any(wanted)
    assert listing.items[0].yes_total_cost_dollars == Decimal("0.4")


def _balance(**fields: Any) -> dict[str, Any]:
    return {
        "balance": 1234,
        "balance_dollars": "12.345600",
        "portfolio_value": 500,
        "updated_ts": 1_795_186_800,
        "balance_breakdown": [{"exchange_index": 0, "balance": "12.345600"}],
        **fields,
    }


def test_cash_is_exact_and_the_value_in_cents_becomes_dollars():
    balance = desk(200, _balance()).client.balance()

    assert balance.balance_dollars == Decimal("12.3456")
    assert balance.portfolio_value == Decimal("5.00")
    assert balance.balance_breakdown[0].balance == Decimal("12.3456")


@pytest.mark.parametrize(
    "fields",
    [
        {"portfolio_value": 5.0},
        {"portfolio_value": "5.00"},
        {"portfolio_value": True},
        {"balance_dollars": 12},
        {"balance_dollars": "12.34567891"},
        {"updated_ts": 1_795_186_800_000},
    ],
)
def test_cash_in_another_unit_is_refused(fields):
    with pytest.raises(InvalidDataError):
        desk(200, _balance(**fields)).client.balance()


def test_positions_of_no_are_below_zero_and_all_pages_are_read():
    def position(ticker: str, count: str) -> dict[str, Any]:
        money = ("total_traded", "market_exposure", "realized_pnl", "fees_paid")
        return {
            "ticker": ticker,
            "exchange_index": 0,
            "position_fp": count,
            "last_updated_ts": "2026-11-20T14:00:00Z",
            **{f"{name}_dollars": "-0.500000" for name in money},
        }

    event = {
        "event_ticker": "KXHIGHNY-26NOV20",
        "total_cost_dollars": "4.400000",
        "total_cost_shares_fp": "10.00",
        "event_exposure_dollars": "4.400000",
        "realized_pnl_dollars": "0.000000",
        "fees_paid_dollars": "0.010000",
    }
    first = {
        "market_positions": [position("A", "-10.00")],
        "event_positions": [event],
        "cursor": "x",
    }
    second = {"market_positions": [position("B", "2.50")], "event_positions": [], "cursor": ""}
    assert answer_faults("GET", "/portfolio/positions", 200, first) == []

    def answer(request: httpx.Request) -> httpx.Response:
        return httpx.Response(200, json=second if "cursor" in request.url.params else first)

    positions = Desk(answer).client.positions()

    assert [item.position_fp for item in positions.markets] == [-10, Decimal("2.5")]
    assert len(positions.events) == 1
    assert positions.is_evidence


def test_a_position_that_cannot_be_read_makes_the_rest_no_evidence():
    body = {"market_positions": [{"ticker": "A"}], "event_positions": [], "cursor": None}

    positions = desk(200, body).client.positions()

    assert not positions.is_evidence
    assert [item.subject for item in positions.refused] == ["A"]


def test_the_queue_before_orders_is_read_for_many_and_for_one():
    many = {
        "queue_positions": [
            {"order_id": ORDER_ID, "market_ticker": TICKER, "queue_position_fp": "3.50"}
        ]
    }

    [found] = desk(200, many).client.queue_positions(tickers=[TICKER]).items
    one = desk(200, {"queue_position_fp": "0.00"}).client.queue_position(ORDER_ID)

    assert (found.queue_position_fp, one) == (Decimal("3.5"), 0)
    with pytest.raises(ValueError, match="markets or by an event"):
        desk(200, many).client.queue_positions()


def test_groups_are_read():
    client = desk(
        200,
        {
            "order_groups": [
                {"id": "g", "is_auto_cancel_enabled": True, "contracts_limit_fp": "9.00"}
            ],
            "is_auto_cancel_enabled": False,
            "orders": [ORDER_ID],
        },
    ).client

    assert client.order_groups().items[0].contracts_limit_fp == 9
    assert client.order_group("g").orders == (ORDER_ID,)


# Lists ----------------------------------------------------------------------------------------


def _paged(*page_bodies: dict[str, Any]) -> Desk:
    by_cursor = dict(
        zip(["", *(body.get("cursor") for body in page_bodies[:-1])], page_bodies, strict=True)
    )
    return Desk(
        lambda request: httpx.Response(200, json=by_cursor[request.url.params.get("cursor", "")])
    )


@pytest.mark.parametrize("last", [{"cursor": ""}, {"cursor": None}, {}])
def test_orders_are_read_past_short_and_empty_pages_to_the_last(last):
    exchange = _paged(
        {"orders": [_order(order_id="a")], "cursor": "one"},
        {"orders": [], "cursor": "two"},
        {"orders": [_order(order_id="b")], **last},
    )

    listing = exchange.client.orders(
        ticker=TICKER, status="resting", since=NOW - dt.timedelta(days=1), until=NOW
    )

    assert [order.order_id for order in listing.items] == ["a", "b"]
    assert {request.url.params["status"] for request in exchange.sent} == {"resting"}
    assert {request.url.params["limit"] for request in exchange.sent} == {"1000"}


@pytest.mark.parametrize("cursors", [("same", "same"), ("one", "two", "one")])
def test_a_cursor_that_comes_again_is_no_listing(cursors):
    left = list(cursors)

    def answer(_: httpx.Request) -> httpx.Response:
        return httpx.Response(200, json={"fills": [], "cursor": left.pop(0)})

    with pytest.raises(TransientError, match="repeats a page"):
        Desk(answer).client.fills()


@pytest.mark.parametrize(
    "body", [[], {"orders": 5}, {"cursor": ""}, {"orders": [], "cursor": {"a": 1}}]
)
def test_a_page_that_is_none_is_refused(body):
    with pytest.raises(InvalidDataError):
        desk(200, body).client.orders()


def test_one_broken_order_of_a_list_is_told_and_makes_it_no_evidence():
    listing = desk(200, {"orders": [_order(), _order(status="?")], "cursor": ""}).client.orders()

    assert len(listing.items) == 1
    assert not listing.is_evidence
    assert "status" in listing.refused[0].reason


def test_both_tiers_are_asked_for_orders_fills_and_positions():
    exchange = desk(
        200,
        {"orders": [], "fills": [], "market_positions": [], "event_positions": [], "cursor": ""},
    )
    client = exchange.client

    client.orders()
    client.historical_orders(ticker=TICKER, until=NOW)
    client.fills(order_id=ORDER_ID)
    client.historical_fills(until=NOW)
    client.positions(ticker=TICKER)
    client.historical_positions(event_ticker="KXHIGHNY-26NOV20")

    assert [request.url.path.removeprefix("/trade-api/v2") for request in exchange.sent] == [
        "/portfolio/orders",
        "/historical/orders",
        "/portfolio/fills",
        "/historical/fills",
        "/portfolio/positions",
        "/historical/positions",
    ]


# Refusals of reads ----------------------------------------------------------------------------


def test_only_the_exchanges_own_word_says_that_there_is_no_such_order():
    body = {"error": {"code": "not_found", "message": "order not found"}}

    with pytest.raises(NotListed, match="order not found"):
        desk(404, body).client.order(ORDER_ID)


@pytest.mark.parametrize(
    ("status", "text", "kind"),
    [
        (404, HTML, TransientError),
        (404, "", TransientError),
        (401, '{"code": "x", "message": "y"}', OperatorActionRequired),
        (403, '{"code": "x", "message": "y"}', OperatorActionRequired),
        (403, HTML, OperatorActionRequired),
        (400, '{"code": "x", "message": "y"}', DataUnavailable),
        (429, '{"error": "too many requests"}', TransientError),
        (500, HTML, TransientError),
        (503, "", TransientError),
        (200, HTML, TransientError),
        (200, '{"order": {', TransientError),
        (200, "{}", InvalidDataError),
        (200, '{"order": null}', InvalidDataError),
        (200, '{"order": NaN}', InvalidDataError),
    ],
)
def test_could_not_ask_is_never_not_there(status, text, kind):
    with pytest.raises(kind) as caught:
        desk(status, text=text).client.order(ORDER_ID)

    assert not isinstance(caught.value, NotListed)


def test_no_connection_is_never_not_there():
    def answer(_: httpx.Request) -> httpx.Response:
        raise httpx.ConnectError("dns")

    with pytest.raises(TransientError):
        Desk(answer).client.orders()


def test_reads_are_tried_again_each_time_signed_anew():
    answers = [
        httpx.Response(503),
        httpx.Response(429, json={"error": "too many requests"}),
        httpx.Response(200, text=HTML),
        httpx.Response(200, json={"order": _order()}),
    ]
    exchange = Desk(lambda _: answers.pop(0), retries=3)

    order = exchange.client.order(ORDER_ID)

    assert order.order_id == ORDER_ID
    stamps = [request.headers["KALSHI-ACCESS-TIMESTAMP"] for request in exchange.sent]
    assert len(set(stamps)) == 4
    assert len(exchange.slept) >= 3


@pytest.mark.parametrize("group_or_order", ["order", "order_group", "queue_position"])
def test_no_name_bends_the_address_of_a_read(group_or_order):
    exchange = desk(200, {})

    with pytest.raises(InvalidOrderError):
        getattr(exchange.client, group_or_order)("..")

    assert exchange.sent == []


def test_nothing_of_the_key_shows_in_client_or_errors():
    exchange = desk(401, {"code": "x", "message": "y"})

    with pytest.raises(OperatorActionRequired) as caught:
        exchange.client.balance()

    shown = f"{exchange.client!r} {vars(exchange.client)!r} {json.dumps(caught.value.as_dict())}"
    signature = exchange.sent[0].headers["KALSHI-ACCESS-SIGNATURE"]
    assert signature not in shown
    assert "BEGIN" not in shown


def test_both_sides_of_an_order_are_needed_to_read_it():
    body = _order()
    for name in ("outcome_side", "book_side"):
        with pytest.raises(InvalidDataError, match=name):
            read_object(
                ExchangeOrder,
                {key: value for key, value in body.items() if key != name},
                what="it",
            )
