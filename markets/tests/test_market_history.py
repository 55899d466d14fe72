from __future__ import annotations

import datetime as dt
import io
import json
from decimal import Decimal

import httpx
import pytest
from django.core.management import CommandError, call_command

from markets.clients.kalshi import KalshiMarketData
from markets.models import (
    Candlestick,
    Event,
    Market,
    MarketHistoryChunk,
    MarketTrade,
    Series,
)
from markets.services.sync import sync_markets
from markets.tests.exchange import FakeExchange
from markets.tests.factories import MarketTradeFactory, make_station
from markets.tests.past_exchange import PastExchange
from weather.models import Station

pytestmark = pytest.mark.django_db

FIRST = dt.date(2024, 11, 10)
DAYS = [FIRST + dt.timedelta(days=n) for n in range(3)]
PER_EVENT = 18  # six markets with three trades, or three candles


@pytest.fixture(autouse=True)
def _new_york() -> None:
    Station.objects.update(is_active=False)
    make_station("NY")


@pytest.fixture
def exchange(monkeypatch) -> PastExchange:
    found = PastExchange()
    monkeypatch.setattr(KalshiMarketData, "from_settings", found.client)
    return found


def _run(*args, since=FIRST, until=DAYS[-1]):
    out = io.StringIO()
    call_command(
        "fetch_market_history",
        "--json",
        f"--since={since}",
        f"--until={until}",
        *args,
        stdout=out,
        stderr=io.StringIO(),
    )
    return json.loads(out.getvalue().splitlines()[-1])


def _counts():
    return (
        Event.objects.count(),
        Market.objects.count(),
        MarketTrade.objects.count(),
        Candlestick.objects.count(),
    )


def test_settled_events_come_with_markets_results_trades_and_candles(exchange):
    exchange.settle(FIRST, high_f=55)

    done = _run()

    event = Event.objects.get()
    assert (event.climate_day, event.status) == (FIRST, Event.Status.DETERMINED)
    assert event.expiration_value_f == Decimal("55.00")
    assert event.determined_at == dt.datetime(2024, 11, 11, 13, tzinfo=dt.UTC)
    assert event.settlement_sources[0]["name"].startswith("NWS")
    assert Market.objects.get(result="yes").low_f == 54
    assert _counts() == (1, 6, PER_EVENT, PER_EVENT)
    assert MarketTrade.objects.filter(is_block=True).count() == 6
    assert (done["events"], done["markets"], done["fetched"]) == (1, 6, 2)
    covered = done["coverage"]["series"][0]
    assert covered["fetched"] == {"candles-60": 1, "trades": 1}
    assert covered["rows"] == {"trades": 18, "quotes": 0, "candles-60": 18}


def test_events_behind_the_cutoff_come_from_the_historical_tier(exchange):
    old, new = exchange.settle(DAYS[0]), exchange.settle(DAYS[1])
    exchange.cutoff = dt.datetime(2024, 11, 12, 0, tzinfo=dt.UTC)
    exchange.move(old)

    _run()

    assert _counts() == (2, 12, 2 * PER_EVENT, 2 * PER_EVENT)
    assert Event.objects.get(ticker=old["event_ticker"]).settlement_sources
    assert new["event_ticker"] in set(Event.objects.values_list("ticker", flat=True))


def test_long_past_events_are_not_asked_for_in_the_live_tier(exchange):
    exchange.move(exchange.settle(FIRST))
    exchange.cutoff = dt.datetime(2025, 2, 1, tzinfo=dt.UTC)

    _run()

    assert _counts() == (1, 6, PER_EVENT, PER_EVENT)
    assert not [p for p in exchange.calls if p.startswith(("/markets/trades", "/series/"))]


@pytest.mark.parametrize("when", range(1, 48, 2))
def test_a_border_that_moves_while_we_read_loses_and_doubles_nothing(exchange, when):
    bodies = [exchange.settle(day) for day in DAYS]
    exchange.cutoff = dt.datetime(2024, 10, 1, tzinfo=dt.UTC)
    calls = iter(range(10_000))

    def move(path):
        if next(calls) == when:
            exchange.cutoff = dt.datetime(2024, 11, 13, 0, tzinfo=dt.UTC)
            for body in bodies:
                exchange.move(body)

    exchange.on_call = move

    _run()

    assert _counts() == (3, 18, 3 * PER_EVENT, 3 * PER_EVENT)


def test_trades_of_one_market_on_both_sides_of_the_border_are_all_there(exchange):
    body = exchange.settle(FIRST)
    ticker = body["markets"][0]["ticker"]
    exchange.moved_trades = {f"{ticker}-0"}
    exchange.cutoff = dt.datetime(2024, 11, 10, 17, 0, 30, tzinfo=dt.UTC)

    _run("--only=trades")

    assert MarketTrade.objects.filter(market__ticker=ticker).count() == 3


def test_a_second_run_asks_for_no_data_again(exchange):
    for day in DAYS:
        exchange.settle(day)
    _run()
    before = _counts()
    exchange.calls.clear()

    done = _run()

    assert (done["planned"], done["events"]) == (0, 0)
    assert _counts() == before
    assert not [path for path in exchange.calls if "trades" in path or "candlesticks" in path]


@pytest.mark.parametrize("after", [1, 5, 12, 20, 31, 50])
def test_an_interrupted_run_goes_on_where_it_ended(exchange, after):
    for day in DAYS:
        exchange.settle(day)
    calls = iter(range(10_000))

    def interrupt(path):
        if next(calls) == after:
            raise KeyboardInterrupt

    exchange.on_call = interrupt
    with pytest.raises(CommandError) as stopped:
        _run()
    assert stopped.value.returncode == 130
    for chunk in MarketHistoryChunk.objects.filter(kind="trades"):
        assert MarketTrade.objects.filter(market__event=chunk.event).count() == PER_EVENT
    exchange.on_call = lambda path: None

    _run()

    assert _counts() == (3, 18, 3 * PER_EVENT, 3 * PER_EVENT)


def test_an_exchange_that_stops_answering_ends_the_run_with_what_is_whole(exchange):
    for day in DAYS:
        exchange.settle(day)
    exchange.answers["/candlesticks"] = lambda: httpx.Response(503)

    with pytest.raises(CommandError, match="brought nothing"):
        _run()

    # Newest first: its trades are whole; after the first refusal nobody asks on.
    assert MarketHistoryChunk.objects.count() == 1
    assert len([path for path in exchange.calls if "candlesticks" in path]) == 1


@pytest.mark.parametrize("body", [{}, {"code": "not_found", "message": "no such market"}])
def test_a_historical_404_for_candles_may_pass(exchange, body):
    exchange.move(exchange.settle(FIRST))
    exchange.cutoff = dt.datetime(2025, 2, 1, tzinfo=dt.UTC)
    seen: dict[str, int] = {}

    def flaky(path):
        seen[path] = seen.get(path, 0) + 1
        exchange.answers.clear()
        if "candlesticks" in path and seen[path] < 3:
            exchange.answers["candlesticks"] = lambda: httpx.Response(404, json=body)

    exchange.on_call = flaky

    assert _run("--only=candles-60")["rows"] == PER_EVENT


def test_candles_that_no_tier_has_are_asked_for_again_next_time(exchange):
    exchange.settle(FIRST)
    exchange.answers["candlesticks"] = lambda: httpx.Response(404, json={})

    with pytest.raises(CommandError):
        _run("--only=candles-60")
    exchange.answers.clear()

    assert _run("--only=candles-60")["rows"] == PER_EVENT


def test_only_the_days_asked_for_are_stored(exchange):
    for day in DAYS:
        exchange.settle(day)

    _run(since=DAYS[1], until=DAYS[1])

    assert [event.climate_day for event in Event.objects.all()] == [DAYS[1]]


def test_an_entry_that_cannot_be_read_is_counted_and_the_rest_kept(exchange):
    body = exchange.settle(FIRST)
    first, second = (market["ticker"] for market in body["markets"][:2])
    exchange.trades[first][0]["yes_price_dollars"] = "1.0000"
    del exchange.candles[second][0]["yes_bid"]

    done = _run()

    assert (done["refused"], done["rows"]) == (2, 2 * PER_EVENT - 2)
    assert done["coverage"]["series"][0]["refused"] == 2


def test_a_market_that_cannot_be_read_leaves_its_event_out(exchange):
    body = exchange.settle(FIRST)
    exchange.settle(DAYS[1])
    del body["markets"][2]["close_time"]

    done = _run()

    assert [event.climate_day for event in Event.objects.all()] == [DAYS[1]]
    assert {item["subject"] for item in done["skipped"]} >= {body["event_ticker"]}


def test_a_ladder_with_a_gap_is_stored_as_quarantined(exchange):
    exchange.settle(FIRST, rungs=[(None, 51), (54, 55), (56, None)])

    done = _run()

    assert "gap" in Event.objects.get().quarantine_reason
    assert done["coverage"]["series"][0]["quarantined"] == 1


def test_the_past_never_stops_entries(exchange):
    live = FakeExchange()
    live.list_event(dt.date(2024, 11, 15))
    sync_markets(now=dt.datetime(2024, 11, 14, 20, tzinfo=dt.UTC), client=live.client)
    body = exchange.settle(FIRST)
    body["settlement_sources"] = [{"name": "Somebody Else", "url": ""}]
    for market in body["markets"]:
        market["rules_primary"] = "Other rules."

    _run()

    assert Series.objects.get().entries_stopped_reason == ""
    assert Event.objects.get(climate_day=FIRST).settlement_sources[0]["name"] == "Somebody Else"


def test_an_event_that_is_stored_stays_as_it_is_and_only_gets_its_data(exchange):
    exchange.settle(FIRST)
    _run("--only=trades")
    Event.objects.update(status=Event.Status.SETTLED, title="kept")

    _run()

    event = Event.objects.get()
    assert (event.status, event.title) == (Event.Status.SETTLED, "kept")
    assert Candlestick.objects.count() == PER_EVENT


def test_recorded_trades_are_not_counted_twice(exchange):
    exchange.settle(FIRST)
    _run("--only=candles-60")
    MarketTradeFactory(market=Market.objects.all()[0], trade_id="rec:KXHIGHNY:1")

    done = _run()

    assert done["planned"] == 0
    assert MarketTrade.objects.count() == 1


def test_report_only_asks_nobody(exchange):
    done = _run("--report-only")

    assert exchange.calls == []
    assert done["coverage"]["series"][0]["series"] == "KXHIGHNY"


def test_a_series_nobody_knows_is_refused_with_those_there_are(exchange):
    with pytest.raises(CommandError, match="There are: KXHIGHNY"):
        _run("--series=KXNBA")
    with pytest.raises(CommandError, match="before"):
        _run(since=DAYS[1], until=DAYS[0])
