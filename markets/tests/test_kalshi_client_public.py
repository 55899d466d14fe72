"""Public reads beyond listings: candles, tiers, fees, the exchange's state."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import Any

import httpx
import pytest

from boz.core.errors import DataUnavailable, InvalidDataError, TransientError
from markets.clients.kalshi import KalshiMarketData, NotListed, wire
from markets.tests.exchange import client_of, market_body, payload
from markets.tests.specs.contract import answer_faults, request_faults

SINCE = dt.datetime(2026, 7, 10, 8, tzinfo=dt.UTC)
UNTIL = dt.datetime(2026, 7, 10, 12, tzinfo=dt.UTC)
TICKER = "KXHIGHNY-26JUL10-T87"


class _Answer:
    """Answers everything alike; requests are held against the specification."""

    def __init__(self, body: Any, status: int = 200) -> None:
        self.body, self.status = body, status
        self.sent: list[httpx.Request] = []

    def __call__(self, request: httpx.Request) -> httpx.Response:
        assert request_faults(request) == []
        self.sent.append(request)
        return httpx.Response(self.status, json=self.body)

    @property
    def client(self) -> KalshiMarketData:
        return client_of(self)


def _live_candle() -> dict[str, Any]:
    return payload("candlesticks_kxhighny_2026-07_hourly.json")["candlesticks"][0]


def _historical_candle() -> dict[str, Any]:
    """The same candle in the words of the historical tier."""

    def bare(spread: dict[str, Any]) -> dict[str, Any]:
        return {name.removesuffix("_dollars"): value for name, value in spread.items()}

    live = _live_candle()
    return {
        "end_period_ts": live["end_period_ts"],
        "volume": live["volume_fp"],
        "open_interest": live["open_interest_fp"],
        **{name: bare(live[name]) for name in ("yes_bid", "yes_ask", "price")},
    }


def test_captured_candles_are_read_exactly():
    answer = _Answer(payload("candlesticks_kxhighny_2026-07_hourly.json"))

    listing = answer.client.candles(
        series_ticker="KXHIGHNY", ticker=TICKER, since=SINCE, until=UNTIL, minutes=60
    )

    assert listing.refused == ()
    first = listing.items[0]
    assert first.end_period_ts == dt.datetime.fromtimestamp(1783674000, tz=dt.UTC)
    assert (first.price.mean, first.volume) == (Decimal("0.6071"), Decimal("83.70"))
    assert (first.yes_bid.low, first.yes_ask.high) == (Decimal("0.55"), Decimal("0.63"))


def test_candles_of_both_tiers_read_alike_though_their_keys_differ():
    historical = {"ticker": TICKER, "candlesticks": [_historical_candle()]}
    path = f"/historical/markets/{TICKER}/candlesticks"
    assert answer_faults("GET", path, 200, historical) == []

    then = _Answer(historical).client.historical_candles(
        ticker=TICKER, since=SINCE, until=UNTIL, minutes=60
    )
    now = _Answer({"candlesticks": [_live_candle()]}).client.candles(
        series_ticker="KXHIGHNY", ticker=TICKER, since=SINCE, until=UNTIL, minutes=60
    )

    assert then.items == now.items
    assert len(then.items) == 1


def test_a_candle_without_quotes_or_trades_has_none_and_not_zero_or_one():
    candle = _live_candle()
    empty = dict.fromkeys(candle["yes_bid"], "0.0000")
    full = dict.fromkeys(candle["yes_ask"], "1.0000")
    candle |= {"yes_bid": empty, "yes_ask": full, "price": {}, "volume_fp": "0.00"}

    [read] = (
        _Answer({"candlesticks": [candle]})
        .client.candles(
            series_ticker="KXHIGHNY", ticker=TICKER, since=SINCE, until=UNTIL, minutes=60
        )
        .items
    )

    assert (read.yes_bid.close, read.yes_ask.close, read.price.close) == (None, None, None)
    assert read.volume == 0


@pytest.mark.parametrize(
    ("name", "value"), [("volume_fp", 83.7), ("yes_bid", {}), ("end_period_ts", "x")]
)
def test_a_broken_candle_is_refused_alone(name, value):
    bodies = [{**_live_candle(), name: value}, _live_candle()]

    listing = _Answer({"candlesticks": bodies}).client.candles(
        series_ticker="KXHIGHNY", ticker=TICKER, since=SINCE, until=UNTIL, minutes=60
    )

    assert (len(listing.items), len(listing.refused)) == (1, 1)


def test_candles_of_many_markets_come_in_one_call():
    body = {"markets": [{"market_ticker": TICKER, "candlesticks": [_live_candle()]}]}
    answer = _Answer(body)

    found = answer.client.candles_of_many([TICKER, "B"], since=SINCE, until=UNTIL, minutes=60)

    assert [len(listing.items) for listing in found.values()] == [1]
    assert answer.sent[0].url.params["market_tickers"] == f"{TICKER},B"
    with pytest.raises(ValueError, match="100"):
        answer.client.candles_of_many(["A"] * 101, since=SINCE, until=UNTIL, minutes=60)
    with pytest.raises(ValueError, match="1440"):
        answer.client.candles_of_many(["A"], since=SINCE, until=UNTIL, minutes=5)


def test_settled_markets_and_their_trades_are_asked_of_the_historical_tier():
    market = market_body("KXHIGHNY-26JUL10", (54, 55), close_time=UNTIL)
    answer = _Answer({"market": market, "markets": [market], "trades": [], "cursor": ""})
    client = answer.client

    client.historical_market("A/B")
    client.historical_markets(series_ticker="KXHIGHNY")
    client.historical_trades(ticker=TICKER, since=SINCE, until=UNTIL)

    assert [request.url.raw_path.partition(b"?")[0] for request in answer.sent] == [
        b"/trade-api/v2/historical/markets/A%2FB",
        b"/trade-api/v2/historical/markets",
        b"/trade-api/v2/historical/trades",
    ]
    with pytest.raises(ValueError, match="one filter"):
        client.historical_markets(tickers=["A"], series_ticker="B")


def test_the_cutoff_and_the_time_of_account_data_are_read():
    stamp = "2026-08-20T00:00:00Z"
    names = ("market_settled_ts", "trades_created_ts", "orders_updated_ts")
    client = _Answer({**dict.fromkeys(names, stamp), "as_of_time": stamp}).client

    assert client.historical_cutoff().orders_updated_ts == dt.datetime(2026, 8, 20, tzinfo=dt.UTC)
    assert client.user_data_as_of() == dt.datetime(2026, 8, 20, tzinfo=dt.UTC)


def _shard(index: int, *, active: bool, trading: bool) -> dict[str, Any]:
    return {
        "exchange_index": index,
        "description": "x",
        "exchange_active": active,
        "trading_active": trading,
        "intra_exchange_transfers_active": True,
    }


@pytest.mark.parametrize("status", [200, 500, 503, 504])
def test_the_exchange_tells_its_state_also_with_an_error_status(status):
    body = {
        "exchange_active": True,
        "trading_active": True,
        "exchange_estimated_resume_time": "2026-11-19T10:00:00Z",
        "exchange_index_statuses": [
            _shard(0, active=True, trading=False),
            _shard(2, active=False, trading=False),
        ],
    }
    assert answer_faults("GET", "/exchange/status", status, body) == []

    found = _Answer(body, status).client.exchange_status()

    assert [found.may_order(index) for index in (0, 1, 2)] == [False, True, False]
    assert [found.may_cancel(index) for index in (0, 1, 2)] == [True, True, False]


@pytest.mark.parametrize(
    ("active", "trading", "may"),
    [(True, True, (True, True)), (True, False, (False, True)), (False, False, (False, False))],
)
def test_a_pause_of_the_exchange_holds_on_every_shard(active, trading, may):
    body = {"exchange_active": active, "trading_active": trading}

    found = _Answer(body).client.exchange_status()

    assert (found.may_order(0), found.may_cancel(0)) == may


@pytest.mark.parametrize("body", [{}, {"exchange_active": "yes", "trading_active": True}, []])
def test_a_state_that_is_not_told_is_not_open(body):
    with pytest.raises(InvalidDataError):
        _Answer(body).client.exchange_status()


def test_a_web_page_instead_of_the_state_is_no_state():
    with pytest.raises(TransientError):
        client_of(lambda _: httpx.Response(503, text="<html>")).exchange_status()


def test_hours_and_maintenance_are_read():
    hours = [{"open_time": "00:00", "close_time": "03:00"}]
    days = ["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"]
    span = {"start_time": "2026-01-01T00:00:00Z", "end_time": "2027-01-01T00:00:00Z"}
    window = {"start_datetime": "2026-11-19T08:00:00Z", "end_datetime": "2026-11-19T10:00:00Z"}
    body = {
        "schedule": {
            "standard_hours": [{**span, **dict.fromkeys(days, hours)}],
            "maintenance_windows": [window],
        }
    }
    assert answer_faults("GET", "/exchange/schedule", 200, body) == []

    schedule = _Answer(body).client.exchange_schedule()

    assert schedule.standard_hours[0].thursday[0].close_time == dt.time(3)
    assert schedule.maintenance_windows[0].end_datetime.hour == 10


def test_changes_of_fees_are_read_for_series_and_events():
    series = {
        "id": "1",
        "series_ticker": "KXHIGHNY",
        "fee_type": "quadratic",
        "fee_multiplier": 0.5,
        "scheduled_ts": "2026-12-01T00:00:00Z",
    }
    event = {
        "id": "2",
        "event_ticker": "KXHIGHNY-26NOV20",
        "series_ticker": "KXHIGHNY",
        "fee_type_override": "",
        "fee_multiplier_override": None,
        "scheduled_ts": "2026-12-01T00:00:00Z",
    }
    answer = _Answer({"series_fee_change_arr": [series], "event_fee_changes": [event]})

    [of_series] = answer.client.series_fee_changes(show_historical=True).items
    [of_event] = answer.client.event_fee_changes(event_ticker="KXHIGHNY-26NOV20").items

    assert of_series.fee_multiplier == Decimal("0.5")
    assert (of_event.fee_type_override, of_event.fee_multiplier_override) == (None, None)


def test_one_market_event_and_book_are_read():
    market = market_body("KXHIGHNY-26JUL10", (54, 55), close_time=UNTIL)
    event = {
        "event_ticker": "KXHIGHNY-26JUL10",
        "series_ticker": "KXHIGHNY",
        "markets": [market],
    }
    book = payload("orderbook_kxhightsfo-26jun03-b68.5.json")
    answer = _Answer({"market": market, "event": event, **book})

    assert answer.client.market("M").ticker == "KXHIGHNY-26JUL10-B54.5"
    assert len(answer.client.event("E").markets) == 1
    assert answer.client.orderbook("M").orderbook_fp.no_dollars


def test_what_the_exchange_does_not_know_is_told_apart_from_a_broken_way_to_it():
    known = {"error": {"code": "not_found", "message": "no such market"}}

    with pytest.raises(NotListed, match="no such market"):
        _Answer(known, 404).client.market("M")
    with pytest.raises(TransientError):
        client_of(lambda _: httpx.Response(404, text="<html>")).market("M")


def test_a_firewall_in_front_of_public_data_is_no_matter_of_a_key():
    with pytest.raises(DataUnavailable, match="403"):
        client_of(lambda _: httpx.Response(403, text="<html>")).market("M")


def test_an_unheard_of_field_within_an_object_is_told_once(monkeypatch):
    wire._tell_unknown_field.cache_clear()
    heard = []
    monkeypatch.setattr(wire.log, "info", lambda _, **fields: heard.append(tuple(fields.values())))
    market = market_body("KXHIGHNY-26JUL10", (54, 55), close_time=UNTIL, brand_new=1)
    event = {"event_ticker": "E", "series_ticker": "KXHIGHNY", "markets": [market, market]}

    for _ in range(2):
        _Answer({"event": event}).client.event("E")

    assert heard == [("ExchangeMarket", "brand_new")]


@pytest.mark.parametrize(
    "fields",
    [
        {"yes_bid_dollars": 0.56},
        {"yes_bid_dollars": 1},
        {"yes_ask_dollars": "56"},
        {"volume_fp": 12},
        {"price_ranges": [{"start": 0, "end": 1, "step": 0.01}]},
    ],
)
def test_numbers_where_fixed_point_strings_belong_are_refused(fields):
    body = {
        "market": market_body("KXHIGHNY-26JUL10", (54, 55), close_time=UNTIL, **fields),
    }

    with pytest.raises(InvalidDataError, match=next(iter(fields))):
        _Answer(body).client.market("M")
