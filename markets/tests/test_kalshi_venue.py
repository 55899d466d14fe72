"""What the exchange's venue may conclude from answers that get lost, lie or never come."""

from __future__ import annotations

import datetime as dt
import itertools
import json
from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal
from typing import Any

import httpx
import pytest
from django.test import override_settings

from boz.core.errors import OperatorActionRequired
from boz.core.models import Notification
from boz.core.schemas import Side
from markets.models import ExchangeAccount, ExchangeStatus, Market
from markets.services import accounts
from markets.tests.account_exchange import AccountExchange, make_pem, open_fake
from markets.tests.factories import NOW, BookSnapshotFactory, make_ladder
from markets.venues import (
    AccountPosition,
    AccountVenue,
    PlacedOrder,
    VenueOrder,
    VenueReport,
    closing_order,
    get_venue,
)
from markets.venues.kalshi.access import address_of, open_venue

pytestmark = pytest.mark.django_db

MINUTE = dt.timedelta(minutes=1)
CREATE = ("POST", "/portfolio/events/orders")


@pytest.fixture
def exchange() -> AccountExchange:
    return AccountExchange()


@pytest.fixture
def market() -> Market:
    """Ten contracts offered at 24 cents and forty at 25."""
    chosen = make_ladder()[2]
    BookSnapshotFactory(market=chosen)
    return chosen


@pytest.fixture
def order(market: Market) -> VenueOrder:
    return VenueOrder(
        client_order_id="order-1",
        market_ticker=market.ticker,
        side=Side.YES,
        price_dollars=Decimal("0.24"),
        count=Decimal(4),
    )


def _is_create(request: httpx.Request) -> bool:
    return request.method == "POST" and request.url.path.endswith("/portfolio/events/orders")


def _instead_of_create(answer: Callable[[], httpx.Response]) -> Any:
    """Return what loses or replaces the answer to an order that was executed."""

    def break_answer(request: httpx.Request, response: httpx.Response) -> httpx.Response:
        return answer() if _is_create(request) else response

    return break_answer


def _never_came() -> httpx.Response:
    raise httpx.ReadTimeout("no answer")


LOST = {
    "timeout": _never_came,
    "500": lambda: httpx.Response(500, json={"code": "internal", "message": "oops"}),
    "503 of a gateway": lambda: httpx.Response(503, text="<html>busy</html>"),
    "a web page": lambda: httpx.Response(
        200, text="<html>welcome</html>", headers={"content-type": "text/html"}
    ),
    "no order in it": lambda: httpx.Response(201, json={}),
    "a code in a success": lambda: httpx.Response(
        200, json={"error": {"code": "deprecated_v1_order_endpoint", "message": "Please switch"}}
    ),
    "cut short": lambda: httpx.Response(201, text='{"order_id": "ord'),
    "empty": lambda: httpx.Response(201, text=""),
    "an unheard-of code": lambda: httpx.Response(400, json={"code": "surprise", "message": "?"}),
    "another order": lambda: httpx.Response(
        201,
        json={
            "order_id": "order-99",
            "client_order_id": "somebody else's",
            "fill_count": "4.00",
            "remaining_count": "0.00",
            "ts_ms": 1731614400000,
        },
    ),
}


# --- sending -------------------------------------------------------------------------------------


def test_buying_no_is_an_ask_on_the_yes_leg(exchange, order):
    seen: list[Any] = []

    def note(request: httpx.Request) -> None:
        if _is_create(request):
            seen.append(json.loads(request.content))

    exchange.before = note
    no = replace(order, side=Side.NO, price_dollars=Decimal("0.80"), count=Decimal("2.50"))

    report = open_fake(exchange).place(order=no, now=NOW)

    assert seen == [
        {
            "ticker": order.market_ticker,
            "client_order_id": "order-1",
            "side": "ask",
            "price": "0.2000",
            "count": "2.50",
            "time_in_force": "immediate_or_cancel",
            "self_trade_prevention_type": "taker_at_cross",
        }
    ]
    (fill,) = report.fills
    assert (fill.price_dollars, fill.count) == (Decimal("0.80"), Decimal("2.50"))


def test_a_position_is_closed_by_buying_no_more_than_the_opposite(exchange, order):
    seen: list[Any] = []

    def note(request: httpx.Request) -> None:
        if _is_create(request):
            seen.append(json.loads(request.content))

    exchange.before = note
    venue = open_fake(exchange)
    venue.place(order=order, now=NOW)
    (held,) = venue.positions(now=NOW)
    assert held == AccountPosition(order.market_ticker, Side.YES, Decimal(4))

    closing = closing_order(held, client_order_id="close-1", least_dollars=Decimal("0.20"))
    venue.place(order=closing, now=NOW)

    assert {key: seen[1][key] for key in ("side", "price", "count", "reduce_only")} == {
        "side": "ask",
        "price": "0.2000",
        "count": "4.00",
        "reduce_only": True,
    }
    assert venue.positions(now=NOW) == ()


def test_an_order_does_not_leave_long_after_it_was_decided(exchange, order):
    seconds = [0.0]

    def answers_slowly(request: httpx.Request) -> None:
        seconds[0] += 10.0

    exchange.before = answers_slowly
    venue = open_fake(exchange)
    venue._monotonic = lambda: seconds[0]

    late = venue.place(order=order, now=NOW)

    assert (late.outcome, exchange.writes()) == ("rejected", [])
    assert "nothing was sent" in late.reason
    exchange.before = None
    assert venue.place(order=order, now=NOW).status == "filled"


@pytest.mark.parametrize("answer", LOST.values(), ids=LOST.keys())
def test_an_order_whose_answer_is_lost_is_found_and_never_sent_again(exchange, order, answer):
    exchange.break_answer = _instead_of_create(answer)

    report = open_fake(exchange).place(order=order, now=NOW)

    assert (report.outcome, report.status) == ("accepted", "filled")
    assert report.filled_count == Decimal(4)
    assert exchange.writes() == [CREATE]


@pytest.mark.parametrize("answer", LOST.values(), ids=LOST.keys())
def test_an_order_that_may_not_have_arrived_is_unknown_and_never_sent_again(
    exchange, order, answer
):
    exchange.before = lambda request: answer() if _is_create(request) else None

    report = open_fake(exchange).place(order=order, now=NOW)

    assert (report.outcome, report.status, report.fills) == ("unknown", "unknown", ())
    assert report.reason
    assert exchange.writes() == [CREATE]
    assert exchange.fills == []


@pytest.mark.parametrize(
    ("status", "code"),
    [
        (400, "insufficient_balance"),
        (400, "invalid_price"),
        (400, "MARKET_INACTIVE"),
        (404, "market_not_found"),
        (429, "too_many_requests"),
        (409, "exchange_paused"),
        (409, "MARKET_INACTIVE"),
    ],
)
def test_a_refusal_in_words_we_know_is_a_refusal(exchange, order, status, code):
    refusal = httpx.Response(status, json={"error": {"code": code, "message": "No."}})
    exchange.before = lambda request: refusal if _is_create(request) else None

    report = open_fake(exchange).place(order=order, now=NOW)

    assert (report.outcome, report.status) == ("rejected", "rejected")
    assert code in report.reason


def test_what_never_left_is_refused_and_not_unknown(exchange, order):
    def unreachable(request: httpx.Request) -> None:
        if _is_create(request):
            raise httpx.ConnectError("no route")

    exchange.before = unreachable

    report = open_fake(exchange).place(order=order, now=NOW)

    assert report.outcome == "rejected"
    assert "nothing was sent" in report.reason


def test_an_order_that_is_there_already_is_adopted_when_it_is_the_same(exchange, order):
    rests = replace(order, price_dollars=Decimal("0.20"), time_in_force="good_till_canceled")
    venue = open_fake(exchange)
    first = venue.place(order=rests, now=NOW)

    assert venue.place(order=rests, now=NOW) == first
    assert len(exchange.orders) == 1


@pytest.mark.parametrize(
    "other",
    [
        {"price_dollars": Decimal("0.19")},
        {"count": Decimal(5)},
        {"side": Side.NO, "price_dollars": Decimal("0.10")},
    ],
)
def test_an_order_under_our_identity_that_is_not_ours_is_unknown(exchange, order, other):
    rests = replace(order, price_dollars=Decimal("0.20"), time_in_force="good_till_canceled")
    venue = open_fake(exchange)
    venue.place(order=rests, now=NOW)

    report = venue.place(order=replace(rests, **other), now=NOW)

    assert report.outcome == "unknown"
    assert "not the one we sent" in report.reason
    assert len(exchange.orders) == 1


def test_two_orders_under_one_identity_are_never_one_of_them(exchange, order):
    for _ in range(2):
        exchange.add_order(
            ticker=order.market_ticker,
            side=Side.YES,
            yes_price=order.price_dollars,
            count=order.count,
            client_order_id=order.client_order_id,
        )

    report = _asked(open_fake(exchange), order)

    assert report is not None
    assert report.outcome == "unknown"
    assert "2 orders" in report.reason


def test_lists_that_lag_are_looked_at_again(exchange, order):
    looks: list[int] = []

    def late(request: httpx.Request, response: httpx.Response) -> httpx.Response:
        if request.url.path.endswith("/portfolio/fills") and len(looks) < 3:
            looks.append(1)
            return httpx.Response(200, json={"fills": [], "cursor": ""})
        return response

    exchange.break_answer = late

    report = open_fake(exchange).place(order=order, now=NOW)

    assert (report.status, report.filled_count) == ("filled", Decimal(4))


def test_an_accepted_order_whose_fills_do_not_show_is_unknown_and_named(exchange, order):
    exchange.break_answer = lambda request, response: (
        httpx.Response(200, json={"fills": [], "cursor": ""})
        if request.url.path.endswith("/portfolio/fills")
        else response
    )

    report = open_fake(exchange).place(order=order, now=NOW)

    assert (report.outcome, report.venue_order_id) == ("unknown", "order-1")


def test_an_exchange_that_does_not_answer_is_not_asked_again_and_again(exchange, order):
    venue, ticks = open_fake(exchange), itertools.count(0, 4)
    venue._connection.try_out(now=NOW)
    venue._monotonic = lambda: float(next(ticks))
    exchange.break_answer = lambda request, response: _never_came()

    assert venue.place(order=order, now=NOW).outcome == "unknown"
    looks = [path for method, path in exchange.requests if path == "/portfolio/orders"]
    assert len(looks) == 1


# --- refused before sending ----------------------------------------------------------------------


def test_nothing_is_sent_while_the_exchange_does_not_trade(exchange, order):
    venue = open_fake(exchange)
    ExchangeStatus.objects.update(is_trading_active=False)

    report = venue.place(order=order, now=NOW)

    assert report.outcome == "rejected"
    assert "paused" in report.reason
    assert exchange.requests == []


def test_nothing_is_sent_while_nobody_knows_whether_the_exchange_trades(exchange, order):
    venue = open_fake(exchange)
    ExchangeStatus.objects.update(confirmed_at=NOW - dt.timedelta(hours=2))

    report = venue.place(order=order, now=NOW)

    assert report.outcome == "rejected"
    assert exchange.requests == []


def test_nothing_is_sent_with_a_clock_that_is_off(exchange, order):
    def an_hour_ago(_: httpx.Request, response: httpx.Response) -> httpx.Response:
        moment = dt.datetime.now(dt.UTC) - dt.timedelta(hours=1)
        response.headers["date"] = moment.strftime("%a, %d %b %Y %H:%M:%S GMT")
        return response

    exchange.break_answer = an_hour_ago

    report = open_fake(exchange).place(order=order, now=NOW)

    assert report.outcome == "rejected"
    assert "clock" in report.reason
    assert exchange.writes() == []


def test_a_venue_opened_to_look_places_nothing(exchange, order):
    report = open_fake(exchange, may_place=False).place(order=order, now=NOW)

    assert report.outcome == "rejected"
    assert exchange.requests == []


def test_real_money_needs_its_switch_even_at_the_very_end(exchange, order):
    venue = open_fake(exchange, name="live")

    assert venue.place(order=order, now=NOW).outcome == "rejected"
    assert exchange.requests == []
    with override_settings(BOZ_ALLOW_LIVE=True):
        assert venue.place(order=order, now=NOW).outcome == "accepted"


# --- evidence ------------------------------------------------------------------------------------


def _asked(
    venue: AccountVenue, order: VenueOrder, *, placed_at: dt.datetime = NOW, **identity: str
) -> VenueReport | None:
    placed = PlacedOrder(order, placed_at, **identity)
    return venue.orders(placed=[placed], now=NOW + 10 * MINUTE).get(order.client_order_id)


def _with_another_order(exchange: AccountExchange, order: VenueOrder) -> None:
    """Let the account have traded in the market by another order."""
    other = exchange.add_order(
        ticker=order.market_ticker, side=Side.YES, count=Decimal(3), status="executed"
    )
    exchange.add_fill(other, count=Decimal(3), price=Decimal("0.3"), fee=Decimal("0.02"))


def test_an_order_is_absent_when_every_list_says_so(exchange, order):
    _with_another_order(exchange, order)

    assert _asked(open_fake(exchange), order) is None


def test_absence_is_not_proven_by_lists_older_than_the_order_could_arrive(exchange, order):
    exchange.as_of = NOW + dt.timedelta(seconds=59)

    report = _asked(open_fake(exchange), order)

    assert report is not None
    assert report.outcome == "unknown"


def _drop(path: str, key: str) -> Any:
    """Return what empties one list while the others tell of what was in it."""

    def break_answer(request: httpx.Request, response: httpx.Response) -> httpx.Response:
        if request.url.path.endswith(path) and "status" not in request.url.params:
            return httpx.Response(200, json={key: [], "cursor": ""})
        return response

    return break_answer


def _fail(path: str) -> Any:
    def break_answer(request: httpx.Request, response: httpx.Response) -> httpx.Response:
        return httpx.Response(503) if request.url.path.endswith(path) else response

    return break_answer


def _repeat_cursor(request: httpx.Request, response: httpx.Response) -> httpx.Response:
    if not request.url.path.endswith("/portfolio/orders"):
        return response
    return httpx.Response(200, json={**response.json(), "cursor": "0"})


def _spoil_entry(request: httpx.Request, response: httpx.Response) -> httpx.Response:
    if not request.url.path.endswith("/portfolio/orders"):
        return response
    orders = response.json()["orders"]
    return httpx.Response(
        200, json={"orders": [{**item, "status": "pondering"} for item in orders], "cursor": ""}
    )


NO_EVIDENCE = {
    "a page of orders is dropped": _drop("/portfolio/orders", "orders"),
    "a page of fills is dropped": _drop("/portfolio/fills", "fills"),
    "positions do not agree": _drop("/portfolio/positions", "market_positions"),
    "a cursor comes again": _repeat_cursor,
    "an entry cannot be read": _spoil_entry,
    "orders fail": _fail("/portfolio/orders"),
    "old orders fail": _fail("/historical/orders"),
    "fills fail": _fail("/portfolio/fills"),
    "old fills fail": _fail("/historical/fills"),
    "positions fail": _fail("/portfolio/positions"),
    "settlements fail": _fail("/portfolio/settlements"),
    "their time is not told": _fail("/exchange/user_data_timestamp"),
}


@pytest.mark.parametrize("broken", NO_EVIDENCE.values(), ids=NO_EVIDENCE.keys())
def test_lists_with_a_hole_prove_nothing(exchange, order, broken):
    _with_another_order(exchange, order)
    exchange.break_answer = broken

    report = _asked(open_fake(exchange), order)

    assert report is not None
    assert report.outcome == "unknown"
    assert report.reason


def test_a_resting_order_missing_from_the_list_of_all_is_not_absent(exchange, order):
    exchange.add_order(
        ticker=order.market_ticker,
        side=Side.YES,
        yes_price=order.price_dollars,
        count=order.count,
        client_order_id=order.client_order_id,
    )
    exchange.break_answer = _drop("/portfolio/orders", "orders")

    report = _asked(open_fake(exchange), order)

    assert report is not None
    assert report.outcome == "unknown"


@pytest.mark.parametrize("identity", ["", "order-1"])
def test_an_order_is_found_in_the_old_tier(exchange, order, identity):
    venue = open_fake(exchange)
    venue.place(order=order, now=NOW)
    exchange.historical.add("order-1")

    report = _asked(venue, order, venue_order_id=identity)

    assert report is not None
    assert (report.status, report.filled_count) == ("filled", Decimal(4))


def test_what_was_held_at_settlement_counts_as_held(exchange, order):
    _with_another_order(exchange, order)
    exchange.settlements.append(
        {
            "ticker": order.market_ticker,
            "exchange_index": 0,
            "event_ticker": "E",
            "market_result": "yes",
            "yes_count_fp": "3.00",
            "yes_total_cost_dollars": "0.9000",
            "no_count_fp": "0.00",
            "no_total_cost_dollars": "0.0000",
            "revenue": 300,
            "settled_time": "2024-11-16T13:00:00Z",
            "fee_cost": "0.0200",
        }
    )

    assert _asked(open_fake(exchange), order) is None


def test_many_pages_are_read_to_the_end(exchange, order):
    exchange.page_size = 1
    for _ in range(3):
        _with_another_order(exchange, order)
    venue = open_fake(exchange)
    venue.place(order=replace(order, count=Decimal(20), price_dollars=Decimal("0.25")), now=NOW)

    wanted = replace(order, count=Decimal(20), price_dollars=Decimal("0.25"))
    report = _asked(venue, wanted)

    assert report is not None
    assert report.filled_count == Decimal(20)
    assert len(report.fills) == 2


def test_a_fill_told_twice_counts_once(exchange, order):
    venue = open_fake(exchange)
    venue.place(order=order, now=NOW)

    def twice(request: httpx.Request, response: httpx.Response) -> httpx.Response:
        if not request.url.path.endswith("/portfolio/fills"):
            return response
        return httpx.Response(200, json={"fills": response.json()["fills"] * 2, "cursor": ""})

    exchange.break_answer = twice

    report = _asked(venue, order)
    assert report is not None
    assert report.filled_count == Decimal(4)
    assert len(venue.fills(since=NOW - MINUTE, now=NOW)) == 1


def test_two_different_fills_under_one_identity_are_not_believed(exchange, order):
    venue = open_fake(exchange)
    venue.place(order=order, now=NOW)
    exchange.fills.append({**exchange.fills[0], "fee_cost": "0.000001"})

    report = _asked(venue, order)

    assert report is not None
    assert report.outcome == "unknown"


# --- cancelling ----------------------------------------------------------------------------------


@pytest.fixture
def resting(exchange: AccountExchange, order: VenueOrder) -> PlacedOrder:
    rests = replace(order, price_dollars=Decimal("0.20"), time_in_force="good_till_canceled")
    report = open_fake(exchange).place(order=rests, now=NOW)
    return PlacedOrder(rests, NOW, report.venue_order_id)


def _on_cancel(do: Callable[[], httpx.Response | None]) -> Any:
    return lambda request: do() if request.method == "DELETE" else None


def test_a_fill_wins_over_a_cancel(exchange, resting):
    def fill_first() -> None:
        exchange.add_fill("order-1", count=Decimal(4), price=Decimal("0.20"), fee=Decimal(0))

    exchange.before = _on_cancel(fill_first)

    report = open_fake(exchange).cancel(placed=resting, now=NOW)

    assert (report.status, report.filled_count) == ("filled", Decimal(4))


@pytest.mark.parametrize("answer", [_never_came, lambda: httpx.Response(500)])
def test_a_cancel_whose_answer_is_lost_is_found_done(exchange, resting, answer):
    exchange.break_answer = lambda request, response: (
        answer() if request.method == "DELETE" else response
    )

    report = open_fake(exchange).cancel(placed=resting, now=NOW)

    assert (report.outcome, report.status) == ("accepted", "cancelled")
    assert [method for method, _ in exchange.writes()].count("DELETE") == 1


def test_a_cancel_that_did_nothing_leaves_the_order_unknown(exchange, resting):
    exchange.before = _on_cancel(lambda: httpx.Response(500))

    report = open_fake(exchange).cancel(placed=resting, now=NOW)

    assert (report.outcome, report.venue_order_id) == ("unknown", "order-1")


# --- keys ----------------------------------------------------------------------------------------


def test_a_revoked_key_halts_the_account_and_is_not_tried_again(exchange, order):
    exchange.keys = set()
    venue = open_fake(exchange)

    report = venue.place(order=order, now=NOW)

    assert report.outcome == "rejected"
    assert "401" in report.reason
    assert exchange.writes() == []
    assert Notification.objects.filter(level="CRITICAL").count() == 1
    with pytest.raises(OperatorActionRequired, match="is halted"):
        get_venue("demo")


def test_a_key_revoked_while_running_refuses_the_order_and_halts(exchange, order):
    venue = open_fake(exchange)
    venue.balance_dollars(now=NOW)
    venue.place(order=order, now=NOW)
    exchange.keys = set()

    report = venue.place(order=replace(order, client_order_id="order-2"), now=NOW)

    assert report.outcome == "rejected"
    assert ExchangeAccount.objects.get().halted_reason


def test_a_key_without_the_right_to_trade_halts(exchange, order):
    denied = httpx.Response(403, json={"error": {"code": "forbidden", "message": "No scope"}})
    exchange.before = lambda request: denied if _is_create(request) else None

    report = open_fake(exchange).place(order=order, now=NOW)

    assert report.outcome == "rejected"
    assert "right" in ExchangeAccount.objects.get().halted_reason


def test_a_key_that_may_only_read_orders_nothing(exchange, order):
    exchange.scopes = ["read"]

    report = open_fake(exchange).place(order=order, now=NOW)

    assert report.outcome == "rejected"
    assert "write::trade" in report.reason
    assert exchange.writes() == []
    assert ExchangeAccount.objects.get().scopes == ["read"]


def test_the_limits_of_the_account_are_kept_to(exchange, order):
    venue = open_fake(exchange)
    venue.place(order=order, now=NOW)

    ((_, client),) = venue._connection._keys
    assert client.most_in_batch_create == 48


def test_a_key_whose_rights_are_not_told_may_be_tried(exchange, order):
    denied = httpx.Response(403, json={"error": {"code": "forbidden", "message": "No."}})
    exchange.before = lambda request: denied if request.url.path.endswith("/api_keys") else None

    assert open_fake(exchange).place(order=order, now=NOW).outcome == "accepted"


def test_a_new_key_that_the_exchange_does_not_know_costs_no_order(exchange, order):
    exchange.keys = {"k-1"}

    report = open_fake(exchange, key_ids=("k-2", "k-1")).place(order=order, now=NOW)

    assert (report.outcome, report.status) == ("accepted", "filled")
    assert exchange.writes() == [CREATE]
    assert ExchangeAccount.objects.get().halted_reason == ""


def test_the_old_key_may_go_while_the_new_one_is_at_work(exchange, order):
    exchange.keys = {"k-1", "k-2"}
    venue = open_fake(exchange, key_ids=("k-2", "k-1"))
    venue.place(order=order, now=NOW)
    exchange.keys = {"k-2"}

    report = venue.place(order=replace(order, client_order_id="order-2"), now=NOW)

    assert report.outcome == "accepted"


def test_a_key_of_another_account_proves_nothing(exchange, order):
    open_fake(exchange).place(order=order, now=NOW)
    other = AccountExchange()
    _with_another_order(other, order)
    other.orders["order-1"]["user_id"] = "user-2"

    report = _asked(open_fake(other), replace(order, client_order_id="order-2"))

    assert report is not None
    assert report.outcome == "unknown"
    assert "another account" in report.reason


def test_an_account_that_lost_all_its_orders_proves_nothing(exchange, order):
    open_fake(exchange).place(order=order, now=NOW)
    wanted = replace(order, client_order_id="order-2")
    assert _asked(open_fake(exchange), wanted) is None

    report = _asked(open_fake(AccountExchange()), wanted)

    assert report is not None
    assert report.outcome == "unknown"


def test_an_account_that_never_traded_may_prove_absence(exchange, order):
    assert _asked(open_fake(exchange), order) is None


# --- opening -------------------------------------------------------------------------------------

DEMO_URL = "https://external-api.demo.kalshi.co/trade-api/v2"
LIVE_URL = "https://external-api.kalshi.com/trade-api/v2"


@pytest.mark.parametrize(
    ("environment", "url", "is_fine"),
    [
        ("demo", DEMO_URL, True),
        ("demo", "https://demo-api.kalshi.co/trade-api/v2", True),
        ("demo", "http://127.0.0.1:8000/trade-api/v2", True),
        ("demo", "http://sandbox:8000/trade-api/v2", True),
        ("demo", LIVE_URL, False),
        ("demo", "https://api.elections.kalshi.com/trade-api/v2", False),
        ("demo", "http://external-api.demo.kalshi.co/trade-api/v2", False),
        ("demo", "https://demo.kalshi.co.example.org/trade-api/v2", False),
        ("live", LIVE_URL, True),
        ("live", "https://api.elections.kalshi.com/trade-api/v2", True),
        ("live", DEMO_URL, False),
        ("live", "http://external-api.kalshi.com/trade-api/v2", False),
        ("live", "https://kalshi.com.example.org/trade-api/v2", False),
        ("live", "https://192.0.2.7/trade-api/v2", False),
    ],
)
def test_orders_go_to_an_address_of_their_own_environment_or_nowhere(environment, url, is_fine):
    name = "KALSHI_DEMO_API_URL" if environment == "demo" else "KALSHI_API_URL"
    with override_settings(**{name: url}):
        if is_fine:
            assert address_of(environment) == url
        else:
            with pytest.raises(OperatorActionRequired, match=name):
                address_of(environment)


@pytest.mark.parametrize("name", ["demo", "live"])
@override_settings(BOZ_ALLOW_LIVE=True)
def test_a_venue_without_an_account_says_so(name):
    with pytest.raises(OperatorActionRequired, match=f"no exchange account for {name}"):
        get_venue(name)


def test_live_needs_its_switch_to_place_but_not_to_look():
    accounts.open_account(
        name="mine", environment="live", key_id="k-1", pem=make_pem(), actor="ann", now=NOW
    )

    with pytest.raises(OperatorActionRequired, match="BOZ_ALLOW_LIVE"):
        get_venue("live")
    assert get_venue("live", may_place=False).name == "live"
    with override_settings(BOZ_ALLOW_LIVE=True):
        assert get_venue("live").name == "live"


def test_connections_are_kept_until_a_key_changes():
    account = accounts.open_account(
        name="mine", environment="demo", key_id="k-1", pem=make_pem(), actor="ann", now=NOW
    )
    first = open_venue("demo", may_place=True)
    assert open_venue("demo", may_place=False)._connection is first._connection

    accounts.replace_key(
        account_id=account.pk, key_id="k-2", pem=make_pem(), actor="ann", reason="why", now=NOW
    )

    assert open_venue("demo", may_place=True)._connection is not first._connection


def test_what_is_in_the_account_is_told_in_our_words(exchange, order):
    venue = open_fake(exchange)
    venue.place(order=order, now=NOW)
    exchange.add_order(
        ticker=order.market_ticker, side=Side.NO, yes_price=Decimal("0.9"), count=Decimal(7)
    )

    (resting,) = venue.resting(now=NOW)
    (fill,) = venue.fills(since=NOW - MINUTE, now=NOW)

    assert isinstance(venue, AccountVenue)
    assert (resting.side, resting.price_dollars) == (Side.NO, Decimal("0.1"))
    assert (resting.remaining_count, resting.client_order_id) == (Decimal(7), "")
    assert (fill.venue_order_id, fill.side, fill.fill.count) == ("order-1", Side.YES, Decimal(4))
    assert venue.balance_dollars(now=NOW) == Decimal(1000)
    assert not isinstance(get_venue("paper"), AccountVenue)
