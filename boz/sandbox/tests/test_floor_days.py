"""What time brings on the simulated exchange: fills, pauses, closing, results, history."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal

import pytest

from boz.sandbox.floor.floor import FloorOptions
from boz.sandbox.tests.conftest import REST
from boz.sandbox.tests.trader import NOON, RUNG, Trader, code, taken
from markets.tests.specs.contract import answer_faults

CLOSE = dt.datetime(2024, 11, 28, 4, 59, tzinfo=dt.UTC)
TOLD = dt.datetime(2024, 11, 28, 11, 1, tzinfo=dt.UTC)
PAID = dt.datetime(2024, 11, 28, 12, 1, tzinfo=dt.UTC)


@pytest.fixture
def client(at):
    return at(NOON)


@pytest.fixture
def trader(client):
    return Trader(client)


def go_to(client, moment: dt.datetime) -> None:
    client.world.clock.set(moment)


def steer(client, **body) -> None:
    answer = client.post("/sandbox/exchange", json=body)
    assert answer.status_code == 200, answer.text


def trades_between(client, start: dt.datetime, end: dt.datetime):
    """Yield (second, price, count, is YES bought) of the recorded trades after ``start``."""
    tape = client.world.exchange.listed_market(RUNG).tape.trades
    for number, second in enumerate(tape.times):
        if start.timestamp() < second <= end.timestamp():
            yield (
                int(second),
                int(tape.prices[number]),
                int(tape.counts[number]),
                bool(tape.yes_taker[number]),
            )


# The tape --------------------------------------------------------------------------------------


def test_a_resting_order_fills_when_the_tape_trades_through_it(client, trader):
    made = trader.create(price="0.6000", count="3.00")
    now = client.world.clock.now()
    second = next(
        second
        for second, price, _, buys in trades_between(client, now, CLOSE)
        if price < 60 and not buys
    )
    go_to(client, dt.datetime.fromtimestamp(second - 1, tz=dt.UTC))
    assert trader.order(made["order_id"])["fill_count_fp"] == "0.00"
    go_to(client, dt.datetime.fromtimestamp(second, tz=dt.UTC))
    assert Decimal(trader.order(made["order_id"])["fill_count_fp"]) > 0
    fill = trader.get("/portfolio/fills")["fills"][-1]
    assert (fill["yes_price_dollars"], fill["is_taker"], fill["fee_cost"]) == (
        "0.6000", False, "0.0000",
    )  # fmt: skip


def test_at_its_own_price_an_order_waits_for_those_before_it(client, trader):
    made = trader.create(price="0.5800", count="2.00")
    assert trader.get(f"/portfolio/orders/{made['order_id']}/queue_position") == {
        "queue_position_fp": "15.00"
    }
    end = dt.datetime(2024, 11, 28, 4, 0, tzinfo=dt.UTC)
    sold = 0
    for second, price, count, buys in trades_between(client, client.world.clock.now(), end):
        if buys or price > 58:
            continue
        go_to(client, dt.datetime.fromtimestamp(second, tz=dt.UTC))
        filled = Decimal(trader.order(made["order_id"])["fill_count_fp"])
        if price < 58 or filled:
            break
        sold += count
        assert sold <= 15
    assert filled > 0


def test_a_day_in_one_step_and_in_many_ends_alike(at):
    def day(step: dt.timedelta):
        client = at(NOON)
        trader = Trader(client)
        for price in ("0.6000", "0.5500", "0.4000", "0.3000"):
            trader.create(price=price, count="25.00", client_order_id=price)
        for price in ("0.7000", "0.8000"):
            trader.create(side="ask", price=price, count="25.00", client_order_id=f"no {price}")
        while client.world.clock.now() < CLOSE:
            go_to(client, min(CLOSE, client.world.clock.now() + step))
            trader.balance()
        return [
            (item["client_order_id"], item["fill_count_fp"], item["status"])
            for item in trader.get("/portfolio/orders")["orders"]
        ], trader.balance()

    assert day(dt.timedelta(hours=12)) == day(dt.timedelta(minutes=7))


def test_a_recorded_quote_that_meets_a_resting_order_is_smaller_by_what_it_gave(client, trader):
    """The next ask of the recording arrives below a bid that rests."""
    start = client.world.clock.now()
    item = client.world.exchange.listed_market(RUNG)
    for minute in range(1, 300):
        moment = start + dt.timedelta(minutes=minute)
        asks = item.book(moment).asks
        if asks and asks[0].price_c < 60 and asks[0].count > 4:
            break
    made = trader.create(price="0.6000", count="2.00")
    go_to(client, moment)
    filled = Decimal(trader.order(made["order_id"])["fill_count_fp"])
    assert filled == 2
    shown = sum(Decimal(count) for _, count in trader.get(f"/markets/{RUNG}/orderbook")[
        "orderbook_fp"]["no_dollars"])  # fmt: skip
    recorded = sum(level.count for level in item.book(moment).asks)
    assert recorded - 2 <= shown <= recorded


def test_candles_of_a_whole_event_are_told_side_by_side(client, trader):
    body = trader.get(
        "/series/KXHIGHNY/events/KXHIGHNY-24NOV27/candlesticks",
        start_ts=1732700000, end_ts=1732730400, period_interval=60,
    )  # fmt: skip
    assert len(body["market_tickers"]) == len(body["market_candlesticks"]) == 6
    assert body["adjusted_end_ts"] == 1732730400


# Pauses ----------------------------------------------------------------------------------------


def test_while_trading_is_paused_only_cancels_are_taken(client, trader):
    made = trader.create()
    gone = trader.create(cancel_order_on_pause=True)
    steer(client, pause="trading")
    status = client.rest("/exchange/status")
    assert (status["exchange_active"], status["trading_active"]) == (True, False)
    assert trader.order(gone["order_id"])["status"] == "canceled"
    assert trader.order(made["order_id"])["status"] == "resting"
    assert code(trader.try_create()) == (400, "exchange_paused")
    assert trader.cancel(made["order_id"]).status_code == 200
    steer(client, pause="none")
    assert trader.try_create().status_code == 201


def test_while_the_exchange_is_paused_not_even_a_cancel_is_taken(client, trader):
    made = trader.create()
    steer(client, pause="exchange")
    assert client.rest("/exchange/status")["exchange_active"] is False
    assert code(trader.cancel(made["order_id"])) == (503, "exchange_paused")
    assert code(trader.try_create()) == (503, "exchange_paused")
    assert trader.order(made["order_id"])["status"] == "resting"
    steer(client, pause="none")
    assert trader.cancel(made["order_id"]).status_code == 200


def test_trading_rests_in_the_recorded_nights_and_orders_stay(client, trader):
    ticker = client.rest("/markets", event_ticker="KXHIGHNY-24NOV28")["markets"][2]["ticker"]
    made = trader.create(ticker=ticker, price="0.0100", count="5000.00")
    go_to(client, dt.datetime(2024, 11, 28, 8, 0, tzinfo=dt.UTC))
    assert code(trader.try_create(ticker=ticker, price="0.0100")) == (400, "exchange_paused")
    status = client.rest("/exchange/status")
    assert status["exchange_estimated_resume_time"] == "2024-11-28T13:00:00Z"
    assert trader.order(made["order_id"])["status"] == "resting"
    go_to(client, dt.datetime(2024, 11, 28, 13, 0, tzinfo=dt.UTC))
    assert trader.try_create(ticker=ticker, price="0.0100").status_code == 201


def test_maintenance_rests_trading_on_thursday_mornings(at):
    # The recorded nights begin at 3 AM standard time too, so a Thursday in daylight time is asked.
    hours = at(NOON, options=FloorOptions(maintenance=True)).world.floor.hours
    thursday = dt.datetime(2024, 7, 11, 7, 0, tzinfo=dt.UTC)
    assert hours.is_resting(thursday)
    assert not hours.is_resting(thursday - dt.timedelta(seconds=1))
    assert not hours.is_resting(thursday + dt.timedelta(days=1))
    assert not at(NOON).world.floor.hours.is_resting(thursday)


def test_the_schedule_tells_the_next_maintenance(at):
    client = at("2024-11-20T12:00:00Z", options=FloorOptions(maintenance=True))
    body = client.rest("/exchange/schedule")
    assert answer_faults("GET", f"{REST}/exchange/schedule", 200, body) == []


# Closing and results ---------------------------------------------------------------------------


def test_at_the_close_orders_are_canceled_and_nothing_is_taken_any_more(client, trader):
    made = trader.create(price="0.0100", count="5000.00")
    go_to(client, CLOSE)
    assert trader.order(made["order_id"])["status"] == "canceled"
    assert code(trader.try_create()) == (400, "MARKET_INACTIVE")
    assert code(trader.cancel(made["order_id"])) == (400, "MARKET_INACTIVE")
    assert trader.balance() == Decimal("1000")


def test_a_market_pays_when_its_timer_has_run_out(client, trader):
    trader.create(**taken())
    other = "KXHIGHNY-24NOV27-B50.5"
    trader.create(ticker=other, price="0.2700", count="1.00")
    before = trader.balance()
    go_to(client, PAID - dt.timedelta(seconds=1))
    assert trader.get("/portfolio/settlements")["settlements"] == []
    go_to(client, PAID)
    settled = {item["ticker"]: item for item in trader.get("/portfolio/settlements")["settlements"]}
    won, lost = settled[RUNG], settled[other]
    assert (won["market_result"], won["revenue"], won["value"]) == ("yes", 800, 100)
    assert (won["yes_count_fp"], won["yes_total_cost_dollars"]) == ("8.00", "5.2000")
    assert (won["fee_cost"], won["settled_time"]) == ("0.1274", "2024-11-28T12:01:00Z")
    assert (lost["market_result"], lost["revenue"], lost["value"]) == ("no", 0, 0)
    assert trader.balance() == before + 8
    assert trader.get("/portfolio/positions")["market_positions"] == []
    settled_positions = trader.get("/portfolio/positions", settlement_status="settled")
    assert {item["position_fp"] for item in settled_positions["market_positions"]} == {"0.00"}


def test_no_money_appears_or_vanishes(client, trader):
    other = Trader(client)
    for who in (trader, other):
        who.create(**taken(price="0.7200", count="30.00"))
        who.create(side="ask", price="0.5100", count="40.00")
    for moment in (CLOSE, PAID):
        go_to(client, moment)
        trader.balance()
        totals = client.world.floor.accounts.totals()
        assert totals.paid_in == totals.cash + totals.collateral + totals.kept


def test_a_result_before_its_time_closes_and_pays_an_hour_later(client, trader):
    trader.create(**taken())
    resting = trader.create()
    steer(client, determine=RUNG, result="no")
    market = client.rest(f"/markets/{RUNG}")["market"]
    assert (market["status"], market["result"], market["close_time"]) == ("determined", "no", NOON)
    assert trader.order(resting["order_id"])["status"] == "canceled"
    go_to(client, client.world.clock.now() + dt.timedelta(hours=1))
    (settlement,) = trader.get("/portfolio/settlements")["settlements"]
    assert (settlement["market_result"], settlement["revenue"]) == ("no", 0)
    assert client.rest(f"/markets/{RUNG}")["market"]["status"] == "finalized"


def test_a_result_told_anew_before_payment_starts_the_timer_again(client, trader):
    trader.create(**taken())
    go_to(client, TOLD + dt.timedelta(minutes=30))
    steer(client, determine=RUNG, result="no")
    market = client.rest(f"/markets/{RUNG}")["market"]
    assert (market["status"], market["result"]) == ("amended", "no")
    go_to(client, PAID)
    assert trader.get("/portfolio/settlements")["settlements"] == []
    go_to(client, TOLD + dt.timedelta(minutes=90))
    (settlement,) = trader.get("/portfolio/settlements")["settlements"]
    assert settlement["market_result"] == "no"


def test_a_corrected_settlement_takes_back_what_was_paid(client, trader):
    trader.create(**taken())
    go_to(client, PAID)
    paid = trader.balance()
    go_to(client, PAID + dt.timedelta(hours=3))
    steer(client, determine=RUNG, result="no")
    (settlement,) = trader.get("/portfolio/settlements")["settlements"]
    assert (settlement["market_result"], settlement["revenue"], settlement["settled_time"]) == (
        "no", 0, "2024-11-28T15:01:00Z",
    )  # fmt: skip
    assert trader.balance() == paid - 8


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"pause": "lunch"},
        {"determine": RUNG},
        {"determine": "NOTHING", "result": "yes"},
        {"determine": RUNG, "result": "maybe"},
        {"history_days": -1},
        {"revoke": "nobody"},
        {"weather": "fine"},
    ],
)
def test_a_control_that_makes_no_sense_is_refused(client, body):
    assert client.post("/sandbox/exchange", json=body).status_code == 400


# History ---------------------------------------------------------------------------------------


def test_what_was_settled_long_ago_is_in_the_historical_tier_alone(at):
    client = at(NOON)
    trader = Trader(client)
    trader.create(**taken())
    go_to(client, PAID + dt.timedelta(hours=1))
    steer(client, history_days=0)
    live = ("/portfolio/orders", "/portfolio/fills", "/markets", "/markets/trades")
    past = ("/historical/orders", "/historical/fills", "/historical/markets", "/historical/trades")

    def counts(paths, **params) -> list[int]:
        bodies = [trader.get(path, ticker=RUNG, tickers=RUNG, **params) for path in paths]
        return [
            len(next(value for value in body.values() if isinstance(value, list)))
            for body in bodies
        ]

    assert counts(live)[:3] == [0, 0, 1]
    assert counts(past)[:2] == [1, 1]
    assert counts(past)[3] == 100
    go_to(client, PAID + dt.timedelta(days=1))
    assert counts(live) == [0, 0, 0, 0]
    assert counts(past) == [1, 1, 1, 100]
    cutoff = trader.get("/historical/cutoff")
    assert cutoff["market_settled_ts"] == "2024-11-29T00:00:00Z"
    assert trader.get(f"/historical/markets/{RUNG}")["market"]["result"] == "yes"
    assert code(trader.call("GET", f"/markets/{RUNG}")) == (404, "market_not_found")
    candles = trader.get(
        f"/historical/markets/{RUNG}/candlesticks",
        start_ts=1732662000, end_ts=1732770000, period_interval=60,
    )["candlesticks"]  # fmt: skip
    assert set(candles[0]) == {
        "end_period_ts", "yes_bid", "yes_ask", "price", "volume", "open_interest",
    }  # fmt: skip
    held = trader.get("/historical/positions")["market_positions"]
    assert [item["ticker"] for item in held] == [RUNG]
    nested = trader.get("/events", with_nested_markets="true", series_ticker="KXHIGHNY")["events"]
    past_event = next(item for item in nested if item["event_ticker"] == "KXHIGHNY-24NOV27")
    assert past_event["markets"] == []


def test_trades_of_the_floor_and_of_the_recordings_are_told_as_one_list(client, trader):
    trader.create(**taken(count="1.00"))
    trader.create(**taken(count="2.00"))
    everything = trader.get("/markets/trades", ticker=RUNG, limit=1000)
    assert everything["cursor"] == ""
    assert [item["count_fp"] for item in everything["trades"][:2]] == ["2.00", "1.00"]
    paged, cursor = [], ""
    while True:
        page = trader.get("/markets/trades", ticker=RUNG, limit=7, cursor=cursor)
        paged += page["trades"]
        cursor = page["cursor"]
        if not cursor:
            break
    assert paged == everything["trades"]


# Random orders ---------------------------------------------------------------------------------


def played(at, seed: int):
    client = at(NOON, options=FloorOptions(seed=seed, orders_per_minute=60))
    for _ in range(6):
        client.world.clock.advance(dt.timedelta(seconds=10))
        client.rest(f"/markets/{RUNG}/orderbook")
    return client.rest(f"/markets/{RUNG}/orderbook")["orderbook_fp"]


def test_random_orders_move_books_and_one_seed_moves_them_alike(at):
    as_recorded = at("2024-11-27T18:01:00Z").rest(f"/markets/{RUNG}/orderbook")["orderbook_fp"]
    assert played(at, 1) == played(at, 1)
    assert played(at, 1) != as_recorded
    assert played(at, 1) != played(at, 2)


def test_one_seed_gives_the_same_identities_and_another_seed_others(at):
    def identities(seed: int) -> tuple[str, str, str]:
        trader = Trader(at(NOON, options=FloorOptions(seed=seed)))
        made = trader.create(**taken())
        (fill,) = trader.get("/portfolio/fills")["fills"]
        return trader.user_id, made["order_id"], fill["trade_id"]

    assert identities(1) == identities(1)
    assert not set(identities(1)) & set(identities(2))
