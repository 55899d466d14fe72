from __future__ import annotations

import datetime as dt
from decimal import Decimal

import pytest

from boz.sandbox.tests.conftest import REST

#: Required by the exchange's published interface for a market, a trade and an event.
MARKET_FIELDS = {
    "ticker",
    "event_ticker",
    "market_type",
    "yes_sub_title",
    "no_sub_title",
    "created_time",
    "updated_time",
    "open_time",
    "close_time",
    "latest_expiration_time",
    "settlement_timer_seconds",
    "status",
    "notional_value_dollars",
    "yes_bid_dollars",
    "yes_ask_dollars",
    "no_bid_dollars",
    "no_ask_dollars",
    "yes_bid_size_fp",
    "yes_ask_size_fp",
    "last_price_dollars",
    "previous_yes_bid_dollars",
    "previous_yes_ask_dollars",
    "previous_price_dollars",
    "volume_fp",
    "volume_24h_fp",
    "open_interest_fp",
    "result",
    "can_close_early",
    "expiration_value",
    "rules_primary",
    "rules_secondary",
    "price_level_structure",
    "price_ranges",
    "settlement_bounds_type",
}
TRADE_FIELDS = {
    "trade_id",
    "ticker",
    "count_fp",
    "yes_price_dollars",
    "no_price_dollars",
    "taker_outcome_side",
    "taker_book_side",
    "created_time",
    "is_block_trade",
}
EVENT_FIELDS = {
    "event_ticker",
    "series_ticker",
    "sub_title",
    "title",
    "collateral_return_type",
    "mutually_exclusive",
    "settlement_sources",
}
SERIES_FIELDS = {
    "ticker",
    "frequency",
    "title",
    "category",
    "tags",
    "settlement_sources",
    "contract_url",
    "contract_terms_url",
    "fee_type",
    "fee_multiplier",
    "additional_prohibitions",
    "categories",
}
NOON = "2024-11-27T18:00:00Z"
RUNG = "KXHIGHNY-24NOV27-B52.5"


def seconds(text: str) -> int:
    return int(dt.datetime.fromisoformat(text).timestamp())


def test_series_are_complete_and_filtered(at):
    client = at(NOON)
    series = client.rest("/series", category="Climate and Weather", tags="Daily temperature")
    assert [item["ticker"] for item in series["series"]] == ["KXHIGHNY", "KXHIGHMIA"]
    for item in series["series"]:
        assert set(item) >= SERIES_FIELDS
        assert (item["fee_type"], item["fee_multiplier"]) == ("quadratic", 1)
    assert client.rest("/series", category="Sports")["series"] == []
    assert client.rest("/series/KXHIGHNY")["series"]["settlement_sources"][0]["name"].startswith(
        "NWS"
    )
    assert client.get(f"{REST}/series/NOPE").status_code == 404


def test_a_market_lives_from_created_to_finalized(at):
    seen = {}
    for moment in (
        "2024-11-26T13:59:59Z",
        "2024-11-26T14:00:00Z",
        "2024-11-26T15:00:00Z",
        "2024-11-28T04:58:59Z",
        "2024-11-28T04:59:00Z",
        "2024-11-28T11:00:59Z",
        "2024-11-28T11:01:00Z",
        "2024-11-28T12:01:00Z",
    ):
        response = at(moment).get(f"{REST}/markets/{RUNG}")
        seen[moment[8:19]] = (
            response.json()["market"]["status"]
            if response.status_code == 200
            else response.json()["error"]["code"]
        )
    assert list(seen.values()) == [
        "market_not_found",
        "initialized",
        "active",
        "active",
        "closed",
        "closed",
        "determined",
        "finalized",
    ]


def test_the_result_is_not_known_before_it_is_told_nor_paid_before_the_timer_ends(at):
    before = at("2024-11-28T11:00:59Z").rest(f"/markets/{RUNG}")["market"]
    assert (before["result"], before["expiration_value"]) == ("", "")
    assert "settlement_value_dollars" not in before
    told = at("2024-11-28T11:01:00Z").rest(f"/markets/{RUNG}")["market"]
    assert (told["result"], told["expiration_value"]) == ("yes", "52.00")
    assert told["settlement_value_dollars"] == "1.0000"
    assert "settlement_ts" not in told
    assert told["settlement_timer_seconds"] == 3600
    after = at("2024-11-28T12:01:00Z").rest(f"/markets/{RUNG}")["market"]
    assert after["settlement_ts"] == after["updated_time"] == "2024-11-28T12:01:00Z"


@pytest.mark.parametrize(
    ("word", "moment"),
    [("closed", "2024-11-28T05:00:00Z"), ("closed", "2024-11-28T11:30:00Z"),
     ("settled", "2024-11-28T12:01:00Z")],
)  # fmt: skip
def test_a_market_is_closed_until_it_has_paid(at, word, moment):
    (market,) = at(moment).rest("/markets", status=word, tickers=RUNG)["markets"]
    assert market["ticker"] == RUNG


def test_miami_on_27_november_settles_at_84(at):
    event = at("2024-11-28T18:00:00Z").rest("/events/KXHIGHMIA-24NOV27")
    assert {market["expiration_value"] for market in event["markets"]} == {"84.00"}
    assert [market["ticker"] for market in event["markets"] if market["result"] == "yes"] == [
        "KXHIGHMIA-24NOV27-T83"
    ]


def test_strikes_follow_the_three_types(at):
    markets = at(NOON).rest("/markets", event_ticker="KXHIGHNY-24NOV27")["markets"]
    strikes = [
        (item["strike_type"], item.get("floor_strike"), item.get("cap_strike")) for item in markets
    ]
    assert strikes == [
        ("less", None, 46),
        ("between", 46, 47),
        ("between", 48, 49),
        ("between", 50, 51),
        ("between", 52, 53),
        ("greater", 53, None),
    ]
    assert "is less than 46°" in markets[0]["rules_primary"]
    assert "between 46-47°" in markets[1]["rules_primary"]
    assert "National Weather Service's Climatological Report (Daily)" in markets[5]["rules_primary"]


def test_markets_carry_every_required_field_in_the_right_form(at):
    response = at(NOON).get(f"{REST}/markets", params={"limit": 1000})
    assert response.headers["X-Derived-From"] == "trades"
    for market in response.json()["markets"]:
        assert set(market) >= MARKET_FIELDS
        for name, value in market.items():
            if name.endswith("_dollars"):
                assert Decimal(0) <= Decimal(value) <= 1
                assert len(value) == 6
            if name.endswith("_fp"):
                assert Decimal(value) >= 0
                assert value.endswith(".00")
        assert Decimal(market["yes_ask_dollars"]) + Decimal(market["no_bid_dollars"]) == 1
        assert Decimal(market["yes_bid_dollars"]) + Decimal(market["no_ask_dollars"]) == 1


def test_a_market_quotes_the_top_of_its_own_book(at):
    client = at(NOON)
    quoted = 0
    for market in client.rest("/markets", status="open")["markets"]:
        book = client.rest(f"/markets/{market['ticker']}/orderbook")["orderbook_fp"]
        if book["yes_dollars"]:
            top = [market["yes_bid_dollars"], market["yes_bid_size_fp"]]
            assert book["yes_dollars"][-1] == top
            quoted += 1
        else:
            assert market["yes_bid_dollars"] == "0.0000"
        if book["no_dollars"]:
            assert book["no_dollars"][-1] == [market["no_bid_dollars"], market["yes_ask_size_fp"]]
        else:
            assert market["yes_ask_dollars"] == "1.0000"
    assert quoted > 5


def test_a_book_is_marked_as_derived_and_holds_ascending_bids(at):
    response = at(NOON).get(f"{REST}/markets/{RUNG}/orderbook")
    assert response.headers["X-Derived-From"] == "trades"
    assert response.json()["derived_from"] == "trades"
    book = response.json()["orderbook_fp"]
    assert set(book) == {"yes_dollars", "no_dollars"}
    assert book["yes_dollars"] or book["no_dollars"]
    for side in book.values():
        assert side == sorted(side, key=lambda level: Decimal(level[0]))


def test_depth_keeps_the_best_levels(at):
    client = at(NOON)
    tickers = [item["ticker"] for item in client.rest("/markets", status="open")["markets"]]
    whole = {ticker: client.rest(f"/markets/{ticker}/orderbook") for ticker in tickers}
    deep = next(
        ticker for ticker in tickers if len(whole[ticker]["orderbook_fp"]["yes_dollars"]) > 1
    )
    best = client.rest(f"/markets/{deep}/orderbook", depth=1)["orderbook_fp"]["yes_dollars"]
    assert best == whole[deep]["orderbook_fp"]["yes_dollars"][-1:]
    assert client.rest(f"/markets/{deep}/orderbook", depth=0) == whole[deep]


def test_many_books_at_once_equal_the_single_ones(at):
    client = at(NOON)
    tickers = [item["ticker"] for item in client.rest("/markets", status="open")["markets"]]
    books = client.rest("/markets/orderbooks", tickers=tickers)["orderbooks"]
    assert [book["ticker"] for book in books] == tickers
    for book in books:
        single = client.rest(f"/markets/{book['ticker']}/orderbook")
        assert book["orderbook_fp"] == single["orderbook_fp"]


@pytest.mark.parametrize("count", [0, 101])
def test_many_books_need_one_to_a_hundred_tickers(at, count):
    response = at(NOON).get(f"{REST}/markets/orderbooks", params={"tickers": [RUNG] * count})
    assert response.status_code == 400
    assert response.json()["error"]["code"] == "invalid_parameter"


def test_a_closed_market_has_an_empty_book(at):
    body = at("2024-11-28T05:30:00Z").rest(f"/markets/{RUNG}/orderbook")
    assert body["orderbook_fp"] == {"yes_dollars": [], "no_dollars": []}


def test_trading_rests_from_three_to_eight_in_the_morning(at):
    status = at("2024-11-27T10:00:00Z").rest("/exchange/status")
    assert (status["exchange_active"], status["trading_active"]) == (True, False)
    assert status["exchange_estimated_resume_time"] == "2024-11-27T13:00:00Z"
    assert at("2024-11-27T13:00:00Z").rest("/exchange/status")["trading_active"] is True


def pages(client, path: str, key: str, **params):
    cursor, items = "", []
    while True:
        body = client.rest(path, cursor=cursor, **params)
        items += body[key]
        cursor = body["cursor"]
        if not cursor:
            return items


@pytest.mark.parametrize(
    ("path", "key", "identity", "size"),
    [
        ("/markets", "markets", "ticker", 7),
        ("/events", "events", "event_ticker", 3),
        ("/markets/trades", "trades", "trade_id", 1000),
    ],
)
def test_pages_hold_everything_once(at, path, key, identity, size):
    client = at("2024-11-18T00:00:00Z")
    split = [item[identity] for item in pages(client, path, key, limit=size)]
    assert len(split) == len(set(split)) > size
    if path != "/markets/trades":
        whole = client.rest(path, limit=200)
        assert whole["cursor"] == ""
        assert split == [item[identity] for item in whole[key]]


def test_a_cursor_keeps_its_place_while_new_markets_appear(at):
    client = at("2024-11-18T00:00:00Z")
    expected = [item["ticker"] for item in client.rest("/markets", limit=1000)["markets"]]
    first = client.rest("/markets", limit=5)
    client.world.clock.set(dt.datetime(2024, 11, 19, tzinfo=dt.UTC))
    rest = pages_from(client, first["cursor"])
    assert [item["ticker"] for item in first["markets"]] + rest == expected


def pages_from(client, cursor: str) -> list[str]:
    return [
        item["ticker"] for item in client.rest("/markets", limit=1000, cursor=cursor)["markets"]
    ]


@pytest.mark.parametrize("cursor", ["nonsense", "bWFya2V0czo=", "dHJhZGVzOjU="])
def test_a_foreign_cursor_is_refused(at, cursor):
    response = at(NOON).get(f"{REST}/markets", params={"cursor": cursor})
    assert (response.status_code, response.json()["error"]["code"]) == (400, "invalid_cursor")


def test_markets_are_filtered_by_status_series_and_time(at):
    client = at("2024-11-27T14:30:00Z")
    assert {item["status"] for item in client.rest("/markets", status="unopened")["markets"]} == {
        "initialized"
    }
    opened = client.rest("/markets", status="open", series_ticker="KXHIGHMIA")["markets"]
    assert {item["event_ticker"] for item in opened} == {"KXHIGHMIA-24NOV27"}
    settled = client.rest("/markets", status="settled", limit=1000)["markets"]
    assert len(settled) == 13 * 2 * 6
    assert client.rest("/markets", status="paused")["markets"] == []
    close = seconds("2024-11-28T04:59:00Z")
    closing = client.rest("/markets", min_close_ts=close, max_close_ts=close)["markets"]
    assert {item["close_time"] for item in closing} == {"2024-11-28T04:59:00Z"}
    two = [RUNG, "KXHIGHMIA-24NOV27-T76"]
    named = client.rest("/markets", tickers=",".join(two))["markets"]
    assert {item["ticker"] for item in named} == set(two)


@pytest.mark.parametrize(
    ("path", "params"),
    [
        ("/markets", {"status": "active"}),
        ("/markets", {"limit": "many"}),
        ("/markets", {"limit": 1001}),
        ("/markets", {"limit": -1}),
        ("/markets", {"min_close_ts": 1, "min_settled_ts": 1}),
        ("/events", {"limit": 201}),
        ("/events", {"with_nested_markets": "perhaps"}),
        (f"/markets/{RUNG}/orderbook", {"depth": 101}),
        ("/markets/trades", {"min_ts": "yesterday"}),
        (f"/series/KXHIGHNY/markets/{RUNG}/candlesticks", {"start_ts": 1, "end_ts": 2}),
        (
            f"/series/KXHIGHNY/markets/{RUNG}/candlesticks",
            {"start_ts": 1, "end_ts": 2, "period_interval": 5},
        ),
    ],
)
def test_bad_parameters_are_refused_with_a_sentence(at, path, params):
    response = at(NOON).get(f"{REST}{path}", params=params)
    assert response.status_code == 400
    assert response.json()["error"]["code"] == "invalid_parameter"
    assert response.json()["error"]["message"]


def test_events_nest_their_markets_on_request(at):
    client = at(NOON)
    plain = client.rest("/events", status="open")
    assert [event["event_ticker"] for event in plain["events"]] == [
        "KXHIGHMIA-24NOV28",
        "KXHIGHNY-24NOV28",
        "KXHIGHMIA-24NOV27",
        "KXHIGHNY-24NOV27",
    ]
    for event in plain["events"]:
        assert set(event) >= EVENT_FIELDS
        assert "markets" not in event
    nested = client.rest("/events", status="open", with_nested_markets="true")["events"]
    assert [len(event["markets"]) for event in nested] == [6] * 4
    assert len(client.rest("/events/KXHIGHNY-24NOV27")["markets"]) == 6
    inside = client.rest("/events/KXHIGHNY-24NOV27", with_nested_markets="true")
    assert len(inside["event"]["markets"]) == 6
    assert client.get(f"{REST}/events/KXHIGHNY-24NOV29").status_code == 404


def test_trades_are_newest_first_and_within_their_bounds(at):
    client = at(NOON)
    start, end = seconds("2024-11-27T16:00:00Z"), seconds("2024-11-27T17:00:00Z")
    trades = client.rest("/markets/trades", ticker=RUNG, min_ts=start, max_ts=end, limit=1000)
    times = [seconds(trade["created_time"]) for trade in trades["trades"]]
    assert times == sorted(times, reverse=True)
    assert start <= times[-1] <= times[0] <= end
    for trade in trades["trades"]:
        assert set(trade) >= TRADE_FIELDS
        assert trade["ticker"] == RUNG
        assert Decimal(trade["yes_price_dollars"]) + Decimal(trade["no_price_dollars"]) == 1
        assert (trade["taker_outcome_side"], trade["taker_book_side"]) in {
            ("yes", "bid"),
            ("no", "ask"),
        }


def test_the_volume_of_a_market_is_the_sum_of_its_visible_trades(at):
    client = at(NOON)
    traded = pages(client, "/markets/trades", "trades", ticker=RUNG, limit=1000)
    volume = sum(Decimal(trade["count_fp"]) for trade in traded)
    assert Decimal(client.rest(f"/markets/{RUNG}")["market"]["volume_fp"]) == volume > 0


def test_candles_sum_up_the_trades_and_end_before_now(at):
    client = at("2024-11-27T18:30:00Z")
    candles = client.rest(
        f"/series/KXHIGHNY/markets/{RUNG}/candlesticks",
        start_ts=seconds("2024-11-26T15:00:00Z"),
        end_ts=seconds("2024-11-29T00:00:00Z"),
        period_interval=60,
    )["candlesticks"]
    assert candles[0]["end_period_ts"] == seconds("2024-11-26T16:00:00Z")
    assert candles[-1]["end_period_ts"] == seconds("2024-11-27T18:00:00Z")
    trades = pages(
        client,
        "/markets/trades",
        "trades",
        ticker=RUNG,
        max_ts=seconds("2024-11-27T18:00:00Z"),
        limit=1000,
    )
    total = sum(Decimal(trade["count_fp"]) for trade in trades)
    assert sum(Decimal(candle["volume_fp"]) for candle in candles) == total
    last = [trade for trade in trades if trade["created_time"] > "2024-11-27T17:00:00Z"]
    prices = [trade["yes_price_dollars"] for trade in last]
    price = candles[-1]["price"]
    assert price["close_dollars"] == last[0]["yes_price_dollars"]
    assert (price["low_dollars"], price["high_dollars"]) == (min(prices), max(prices))
    assert min(prices) <= price["mean_dollars"] <= max(prices)
    for candle in candles:
        for side in ("yes_bid", "yes_ask"):
            levels = candle[side]
            assert levels["low_dollars"] <= levels["close_dollars"] <= levels["high_dollars"]
        assert candle["yes_bid"]["close_dollars"] < candle["yes_ask"]["close_dollars"]


def test_candles_end_with_the_market(at):
    candles = at("2024-11-30T00:00:00Z").rest(
        f"/series/KXHIGHNY/markets/{RUNG}/candlesticks",
        start_ts=0,
        end_ts=seconds("2024-11-30T00:00:00Z"),
        period_interval=1,
    )["candlesticks"]
    assert candles[-1]["end_period_ts"] == seconds("2024-11-28T04:59:00Z")
    assert len(candles) == 37 * 60 + 59


def test_an_unknown_path_is_answered_in_the_exchange_form(at):
    response = at(NOON).get(f"{REST}/exchange/announcements")
    assert response.status_code == 404
    assert response.json()["error"]["code"] == "not_found"


def test_the_ladder_gap_lacks_one_rung_and_only_one_ladder_has_it(at):
    client = at("2024-11-14T16:00:00Z", scenario="ladder_gap")
    events = client.rest("/events", status="open", with_nested_markets="true")["events"]
    sizes = {event["event_ticker"]: len(event["markets"]) for event in events}
    assert sizes.pop("KXHIGHNY-24NOV14") == 5
    assert set(sizes.values()) == {6}
    assert client.get(f"{REST}/markets/KXHIGHNY-24NOV14-B48.5").status_code == 404


def test_a_market_without_prices_shows_an_empty_book_not_a_price(at):
    client = at("2024-11-14T16:00:00Z", scenario="no_prices")
    market = client.rest("/markets/KXHIGHNY-24NOV14-B48.5")["market"]
    assert (market["yes_bid_dollars"], market["yes_ask_dollars"]) == ("0.0000", "1.0000")
    assert (market["last_price_dollars"], market["volume_fp"]) == ("0.0000", "0.00")
    book = client.rest("/markets/KXHIGHNY-24NOV14-B48.5/orderbook")["orderbook_fp"]
    assert book == {"yes_dollars": [], "no_dollars": []}
    assert client.rest("/markets/trades", ticker="KXHIGHNY-24NOV14-B48.5")["trades"] == []
