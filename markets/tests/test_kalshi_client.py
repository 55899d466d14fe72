from __future__ import annotations

import datetime as dt
import logging
from decimal import Decimal
from typing import Any

import httpx
import pytest

from boz.core.errors import DataUnavailable, InvalidDataError, TransientError
from markets.clients.kalshi import error_code_and_message, wire
from markets.clients.kalshi.objects import ExchangeMarket, read_object
from markets.tests.exchange import client_of, market_body, payload

CLOSE = dt.datetime(2024, 11, 16, 4, 59, tzinfo=dt.UTC)


def _market(**fields: Any) -> dict[str, Any]:
    return market_body("KXHIGHNY-24NOV15", (54, 55), close_time=CLOSE, **fields)


def _pages(*pages: dict[str, Any]) -> Any:
    by_cursor = dict(zip(["", *(page["cursor"] for page in pages[:-1])], pages, strict=True))

    def answer(request: httpx.Request) -> httpx.Response:
        return httpx.Response(200, json=by_cursor[request.url.params.get("cursor", "")])

    return answer


def test_listing_is_read_to_the_last_page_also_past_short_and_empty_pages():
    answer = _pages(
        {"markets": [_market(ticker="A")], "cursor": "one"},
        {"markets": [], "cursor": "two"},
        {"markets": [_market(ticker="B")], "cursor": None},
    )

    listing = client_of(answer).markets(event_ticker="KXHIGHNY-24NOV15")

    assert [item.ticker for item in listing.items] == ["A", "B"]


def test_a_cursor_that_comes_again_is_refused():
    def answer(request: httpx.Request) -> httpx.Response:
        return httpx.Response(200, json={"markets": [_market()], "cursor": "same"})

    with pytest.raises(TransientError, match="repeats a page"):
        client_of(answer).markets(event_ticker="KXHIGHNY-24NOV15")


def test_captured_markets_are_read_with_exact_strikes_prices_and_times():
    body = payload("markets_kxhightsfo_open_2026-06-03.json")

    listing = client_of(lambda _: httpx.Response(200, json=body)).markets(status="open")

    assert listing.refused == ()
    assert len(listing.items) == 12
    first = listing.items[0]
    assert first.floor_strike == Decimal(73)
    assert first.cap_strike is None
    assert first.yes_ask_dollars == Decimal("0.2600")
    assert first.close_time == dt.datetime(2026, 6, 4, 8, tzinfo=dt.UTC)


@pytest.mark.parametrize("missing", ["close_time", "strike_type", "rules_primary", "status"])
def test_a_missing_field_refuses_the_market_by_name_and_keeps_the_others(missing):
    broken = _market(ticker="BROKEN")
    del broken[missing]
    body = {"markets": [broken, _market(ticker="GOOD")], "cursor": ""}

    listing = client_of(lambda _: httpx.Response(200, json=body)).markets(status="open")

    assert [item.ticker for item in listing.items] == ["GOOD"]
    assert [item.subject for item in listing.refused] == ["BROKEN"]
    assert f"the field '{missing}' is missing" in listing.refused[0].reason


def test_a_missing_price_stays_missing():
    body = _market()
    for name in ("yes_bid_dollars", "yes_ask_dollars", "last_price_dollars"):
        del body[name]

    market = read_object(ExchangeMarket, body, what="it")

    assert market.yes_bid_dollars is None
    assert market.yes_ask_dollars is None
    assert market.last_price_dollars is None


def test_the_zero_and_one_of_an_empty_side_are_no_quote():
    market = read_object(ExchangeMarket, _market(), what="it")

    assert (market.yes_bid_dollars, market.yes_ask_dollars) == (None, None)


def test_strikes_of_zero_degrees_are_kept():
    body = market_body("KXHIGHNY-24NOV15", (None, -1), close_time=CLOSE)

    assert body["cap_strike"] == 0
    assert read_object(ExchangeMarket, body, what="it").cap_strike == Decimal(0)


@pytest.mark.parametrize("price", ["7.7700", "-0.0100", "NaN", "abc"])
def test_an_absurd_price_is_refused_by_name(price):
    with pytest.raises(InvalidDataError, match="yes_bid_dollars"):
        read_object(ExchangeMarket, _market(yes_bid_dollars=price), what="it")


def test_a_time_without_zone_is_refused():
    with pytest.raises(InvalidDataError, match="close_time"):
        read_object(ExchangeMarket, {**_market(), "close_time": "2024-11-16T04:59:00"}, what="it")


def test_an_unheard_of_field_is_told_once(caplog, monkeypatch):
    wire._tell_unknown_field.cache_clear()
    told = []
    monkeypatch.setattr(wire.log, "info", lambda message, **fields: told.append(fields["field"]))

    for _ in range(3):
        read_object(ExchangeMarket, _market(brand_new=1), what="it")

    assert told == ["brand_new"]
    assert caplog.records == [] or caplog.records[0].levelno < logging.ERROR


@pytest.mark.parametrize(
    "body",
    [
        '{"code": "market_not_found", "message": "no such market"}',
        '{"error": {"code": "market_not_found", "message": "no such market", "details": "x"}}',
        '{"error": {"code": "market_not_found", "message": "no such market", "details": "cut',
    ],
)
def test_error_bodies_are_read_in_every_shape(body):
    assert error_code_and_message(body) == ("market_not_found", "no such market")


def test_the_plain_text_of_a_rate_limit_is_read():
    assert error_code_and_message('{"error": "too many requests"}') == ("", "too many requests")


def test_what_the_exchange_says_about_a_refusal_reaches_the_operator():
    body = {"error": {"code": "series_not_found", "message": "series X does not exist"}}

    with pytest.raises(DataUnavailable, match="series X does not exist") as caught:
        client_of(lambda _: httpx.Response(404, json=body)).series("X")

    assert caught.value.context["code"] == "series_not_found"


def test_books_are_asked_for_a_hundred_at_a_time_with_repeated_tickers():
    calls: list[list[str]] = []

    def answer(request: httpx.Request) -> httpx.Response:
        calls.append(request.url.params.get_list("tickers"))
        sides = {"yes_dollars": [], "no_dollars": [["0.5000", "1.00"]]}
        books = [{"ticker": ticker, "orderbook_fp": sides} for ticker in calls[-1]]
        return httpx.Response(200, json={"orderbooks": books})

    listing = client_of(answer).orderbooks([f"M{number}" for number in range(205)])

    assert [len(call) for call in calls] == [100, 100, 5]
    assert len(listing.items) == 205


def test_one_unknown_market_does_not_hide_the_books_of_the_others():
    def answer(request: httpx.Request) -> httpx.Response:
        tickers = request.url.params.get_list("tickers")
        if "GONE" in tickers:
            return httpx.Response(404, json={"code": "market_not_found", "message": "gone"})
        sides = {"yes_dollars": [], "no_dollars": []}
        books = [{"ticker": ticker, "orderbook_fp": sides} for ticker in tickers]
        return httpx.Response(200, json={"orderbooks": books})

    listing = client_of(answer).orderbooks(["A", "GONE", "B", "C", "D"])

    assert [item.ticker for item in listing.items] == ["A", "B", "C", "D"]
    assert [item.subject for item in listing.refused] == ["GONE"]


def test_a_book_without_one_of_its_sides_is_refused_not_read_as_empty():
    body = {"orderbooks": [{"ticker": "M", "orderbook_fp": {"yes_dollars": []}}]}

    listing = client_of(lambda _: httpx.Response(200, json=body)).orderbooks(["M"])

    assert listing.items == ()
    assert "no_dollars" in listing.refused[0].reason


def test_the_fee_of_a_captured_series_is_exact():
    body = payload("series_kxhightsfo_2026-06.json")

    series = client_of(lambda _: httpx.Response(200, json=body)).series("KXHIGHTSFO")

    assert (series.fee_type, series.fee_multiplier) == ("quadratic", Decimal(1))
