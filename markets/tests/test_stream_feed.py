from __future__ import annotations

import datetime as dt
import json
from decimal import Decimal
from typing import Any

import pytest

from boz.core.schemas import Side
from markets.clients.kalshi_stream import StreamClosedError
from markets.services.stream.feed import (
    CROSSED_SECONDS,
    MAX_HELD,
    PROBE_SECONDS,
    SILENCE_SECONDS,
    SNAPSHOT_RETRY_SECONDS,
    VERIFY_SECONDS,
    Feed,
    Pace,
)
from markets.services.stream.harvest import Harvest
from markets.services.stream.subscriptions import REPLY_SECONDS
from markets.tests.test_stream_frames import FILL, TRADE

A, B = "KXHIGHNY-26NOV21-B54.5", "KXHIGHNY-26NOV21-B56.5"
START = dt.datetime(2026, 11, 21, 12, 0, tzinfo=dt.UTC)
SID = 1


class Bench:
    """A feed with clocks of the test's own and frames written by hand."""

    def __init__(self, *, wanted: tuple[str, ...] = (A, B), is_private: bool = False) -> None:
        self.tick = 1000.0
        self.wall_offset = 0.0
        self.feed = Feed(
            pace=Pace(every_seconds=5, refresh_seconds=60),
            is_private=is_private,
            use_yes_price=False,
            monotonic=lambda: self.tick,
            now=lambda: START + dt.timedelta(seconds=self.tick - 1000.0 + self.wall_offset),
        )
        self.feed.want(wanted, series=["KXHIGHNY"])
        self.seq = 0
        self.commands: list[dict[str, Any]] = []

    def open(self) -> Bench:
        """Connect, have everything confirmed, and send both snapshots."""
        self.feed.opened()
        self.seq = 0
        for number, command in enumerate(self.feed.due()):
            channel = command["params"]["channels"][0]
            body = {"channel": channel, "sid": SID + number}
            self.send({"id": command["id"], "type": "subscribed", "msg": body})
        self.snapshot(A, yes=[["0.40", "5.00"]], no=[["0.55", "7.00"]])
        self.snapshot(B, yes=[["0.20", "5.00"]])
        return self

    def send(self, frame: dict[str, Any]) -> list[dict[str, Any]]:
        commands = self.feed.receive(json.dumps(frame))
        self.commands.extend(commands)
        return commands

    def numbered(self, frame: dict[str, Any], *, lost: int = 0) -> list[dict[str, Any]]:
        self.seq += 1 + lost
        return self.send({**frame, "sid": SID, "seq": self.seq})

    def snapshot(self, ticker: str, yes=(), no=(), *, lost: int = 0) -> list[dict[str, Any]]:
        body = {"market_ticker": ticker, "yes_dollars_fp": list(yes), "no_dollars_fp": list(no)}
        return self.numbered({"type": "orderbook_snapshot", "msg": body}, lost=lost)

    def delta(
        self, ticker: str, price: str, change: str, side: str = "yes", *, lost: int = 0
    ) -> list[dict[str, Any]]:
        body = {
            "market_ticker": ticker,
            "price_dollars": price,
            "delta_fp": change,
            "side": side,
        }
        return self.numbered({"type": "orderbook_delta", "msg": body}, lost=lost)

    def wait(self, seconds: float) -> list[dict[str, Any]]:
        self.tick += seconds
        commands = self.feed.due()
        self.commands.extend(commands)
        return commands

    def pass_with_signs_of_life(self, seconds: float) -> list[dict[str, Any]]:
        self.tick += seconds
        self.send({"id": 99, "type": "ok"})
        return self.wait(0)


def actions(commands: list[dict[str, Any]]) -> list[tuple[str, tuple[str, ...]]]:
    return [
        (c["params"]["action"], tuple(c["params"]["market_tickers"]))
        for c in commands
        if c["cmd"] == "update_subscription"
    ]


def stored(harvest: Harvest) -> dict[str, Decimal | None]:
    """Return the best YES bid of each book to store."""
    return {
        item.view.ticker: (item.view.levels(Side.YES) or ((None, None),))[0][0]
        for item in harvest.books
    }


def test_each_channel_is_asked_for_with_the_price_convention_stated() -> None:
    bench = Bench()
    bench.feed.opened()
    commands = bench.feed.due()
    channels = [c["params"]["channels"] for c in commands]
    assert channels == [["orderbook_delta"], ["ticker"], ["trade"], ["market_lifecycle_v2"]]
    assert commands[0]["params"]["use_yes_price"] is False
    assert commands[0]["params"]["market_tickers"] == [A, B]
    assert "market_tickers" not in commands[3]["params"]
    assert [c["id"] for c in commands] == [1, 2, 3, 4]
    assert bench.feed.due() == []


def test_channels_of_the_account_are_asked_for_only_when_wanted() -> None:
    bench = Bench(is_private=True)
    bench.feed.opened()
    channels = [c["params"]["channels"][0] for c in bench.feed.due()]
    assert channels[4:] == ["fill", "user_orders", "market_positions"]


def test_without_markets_only_the_channel_of_everything_is_asked_for() -> None:
    bench = Bench(wanted=())
    bench.feed.opened()
    assert [c["params"]["channels"][0] for c in bench.feed.due()] == ["market_lifecycle_v2"]


def test_known_books_are_stored_at_once_and_then_at_their_pace() -> None:
    bench = Bench().open()
    assert stored(bench.feed.take()) == {A: Decimal("0.40"), B: Decimal("0.20")}
    bench.delta(A, "0.41", "1.00")
    assert stored(bench.feed.take()) == {}
    bench.tick += 5
    bench.delta(A, "0.42", "1.00")
    assert stored(bench.feed.take()) == {A: Decimal("0.42")}


def test_an_unchanged_book_is_stored_again_only_when_the_exchange_has_spoken_since() -> None:
    bench = Bench().open()
    first = bench.feed.take()
    bench.tick += 61
    assert stored(bench.feed.take()) == {}
    bench.delta(A, "0.41", "1.00")
    again = bench.feed.take()
    assert stored(again).keys() == {A, B}
    assert again.books[0].at > first.books[0].at


def test_missing_frames_make_all_books_unknown_and_are_asked_for_at_once() -> None:
    bench = Bench().open()
    bench.feed.take()
    commands = bench.delta(A, "0.41", "1.00", lost=1)
    assert actions(commands) == [("get_snapshot", (A, B))]
    harvest = bench.feed.take()
    assert {item.ticker for item in harvest.lost} == {A, B}
    assert harvest.books == []
    assert bench.feed.urgent.is_set() is False
    assert bench.feed.known() == {}


def test_after_a_gap_the_new_snapshot_is_stored_at_once_and_stands_after_the_loss() -> None:
    bench = Bench().open()
    bench.feed.take()
    bench.delta(A, "0.41", "1.00", lost=1)
    bench.snapshot(A, yes=[["0.43", "1.00"]])
    harvest = bench.feed.take()
    assert stored(harvest) == {A: Decimal("0.43")}
    lost = {item.ticker: item.at for item in harvest.lost}
    assert harvest.books[0].at > lost[A]


def test_a_snapshot_that_itself_follows_a_gap_stands_after_the_loss() -> None:
    bench = Bench().open()
    bench.feed.take()
    bench.snapshot(A, yes=[["0.44", "1.00"]], lost=3)
    harvest = bench.feed.take()
    lost = {item.ticker: item.at for item in harvest.lost}
    assert stored(harvest) == {A: Decimal("0.44")}
    assert harvest.books[0].at > lost[A]


def test_times_never_go_back_when_the_clock_steps_back() -> None:
    bench = Bench().open()
    first = bench.feed.take().books[0].at
    bench.wall_offset = -3600
    bench.delta(A, "0.41", "1.00", lost=1)
    bench.snapshot(A, yes=[["0.43", "1.00"]])
    harvest = bench.feed.take()
    assert first < harvest.lost[0].at < harvest.books[0].at


def test_a_snapshot_that_does_not_come_is_asked_for_again_less_and_less_often() -> None:
    bench = Bench().open()
    bench.delta(A, "0.41", "1.00", lost=1)
    bench.snapshot(A, yes=[["0.43", "1.00"]])
    assert actions(bench.wait(SNAPSHOT_RETRY_SECONDS - 0.1)) == []
    assert actions(bench.wait(0.2)) == [("get_snapshot", (B,))]
    assert actions(bench.wait(SNAPSHOT_RETRY_SECONDS + 0.1)) == []
    assert actions(bench.wait(SNAPSHOT_RETRY_SECONDS)) == [("get_snapshot", (B,))]


def test_when_no_book_comes_at_all_the_connection_is_given_up() -> None:
    bench = Bench().open()
    bench.delta(A, "0.41", "1.00", lost=1)
    with pytest.raises(StreamClosedError, match="none of the books"):
        for _ in range(600):
            bench.wait(0.5)
            bench.send({"id": 99, "type": "ok"})


def test_gaps_in_a_row_do_not_flood_the_exchange_with_requests() -> None:
    bench = Bench().open()
    for _ in range(200):
        bench.delta(A, "0.41", "1.00", lost=1)
        bench.tick += 0.01
    assert len(actions(bench.commands)) <= 5
    assert bench.feed.counters.gaps == 200


def test_repeated_and_overtaken_frames_change_nothing() -> None:
    bench = Bench().open()
    bench.delta(A, "0.41", "1.00")
    bench.seq -= 1
    bench.delta(A, "0.41", "1.00")
    assert bench.feed.counters.repeated == 1
    assert bench.feed.known()[A].yes == ((4100, 100), (4000, 500))


def test_a_frame_of_a_market_that_cannot_be_read_puts_only_its_book_in_doubt() -> None:
    bench = Bench().open()
    bench.feed.take()
    body = {"market_ticker": A, "side": "yes", "price_dollars": "0.41"}
    bench.numbered({"type": "orderbook_delta", "msg": body})
    assert bench.feed.known().keys() == {B}
    assert actions(bench.commands) == [("get_snapshot", (A,))]
    assert [item.ticker for item in bench.feed.take().lost] == [A]
    bench.delta(B, "0.21", "1.00")
    assert bench.feed.counters.gaps == 0


def test_what_is_no_json_puts_every_book_in_doubt() -> None:
    bench = Bench().open()
    bench.commands.extend(bench.feed.receive('{"type":"orderbook_del'))
    assert bench.feed.known() == {}
    assert actions(bench.commands) == [("get_snapshot", (A, B))]


def test_a_change_below_nothing_puts_the_book_in_doubt() -> None:
    bench = Bench().open()
    commands = bench.delta(A, "0.40", "-6.00")
    assert actions(commands) == [("get_snapshot", (A,))]
    assert A not in bench.feed.known()


def test_a_book_that_stays_crossed_is_not_believed() -> None:
    bench = Bench().open()
    bench.feed.take()
    bench.tick += 10
    bench.delta(A, "0.50", "1.00")
    assert A not in stored(bench.feed.take())
    assert actions(bench.wait(0.1)) == []
    assert actions(bench.wait(CROSSED_SECONDS)) == [("get_snapshot", (A,))]
    assert [item.ticker for item in bench.feed.take().lost] == [A]


def test_a_book_that_crosses_only_between_two_frames_is_believed() -> None:
    bench = Bench().open()
    bench.delta(A, "0.50", "1.00")
    bench.wait(0.5)
    bench.delta(A, "0.50", "-1.00")
    bench.wait(CROSSED_SECONDS + 1)
    assert bench.feed.known().keys() == {A, B}


def test_known_books_are_compared_with_snapshots_now_and_then() -> None:
    bench = Bench().open()
    bench.delta(A, "0.41", "1.00")
    commands = bench.pass_with_signs_of_life(VERIFY_SECONDS + 1)
    assert ("get_snapshot", (A, B)) in actions(commands)
    bench.snapshot(A, yes=[["0.40", "5.00"]], no=[["0.55", "7.00"]])
    assert bench.feed.counters.differing_snapshots == 1
    assert bench.feed.known()[A].yes == ((4000, 500),)


def test_a_lost_last_frame_is_found_by_the_next_comparison() -> None:
    bench = Bench().open()
    bench.feed.take()
    bench.pass_with_signs_of_life(VERIFY_SECONDS + 1)
    bench.snapshot(A, yes=[["0.47", "1.00"]], lost=1)
    assert bench.feed.counters.gaps == 1
    assert bench.feed.known().keys() == {A}


def test_a_lost_connection_makes_all_books_unknown_until_the_next_one() -> None:
    bench = Bench().open()
    bench.feed.take()
    bench.feed.closed("the connection broke")
    harvest = bench.feed.take()
    assert {item.ticker for item in harvest.lost} == {A, B}
    assert {item.reason for item in harvest.lost} == {"the connection broke"}
    bench.tick += 1
    bench.open()
    again = bench.feed.take()
    assert stored(again).keys() == {A, B}
    assert again.books[0].at > harvest.lost[0].at


def test_nothing_is_stored_while_there_is_no_connection() -> None:
    bench = Bench().open()
    bench.feed.closed("the connection broke")
    bench.tick += 1000
    assert bench.feed.take(is_last=True).books == []


def test_a_silent_exchange_is_asked_for_a_sign_of_life_and_then_given_up() -> None:
    bench = Bench().open()
    commands = bench.wait(PROBE_SECONDS + 1)
    assert [c["cmd"] for c in commands] == ["list_subscriptions"]
    assert bench.wait(1) == []
    with pytest.raises(StreamClosedError, match="silent"):
        bench.wait(SILENCE_SECONDS)


def test_a_sign_of_life_shows_which_subscriptions_stand() -> None:
    bench = Bench().open()
    bench.feed.take()
    command = bench.wait(PROBE_SECONDS + 1)[0]
    rows = [{"channel": "ticker", "sid": 2}, {"channel": "trade", "sid": 3}]
    rows.append({"channel": "market_lifecycle_v2", "sid": 4})
    bench.send({"id": command["id"], "type": "ok", "msg": rows})
    assert {item.ticker for item in bench.feed.take().lost} == {A, B}
    assert [c["params"]["channels"] for c in bench.wait(2)] == [["orderbook_delta"]]


def test_a_subscription_that_is_not_confirmed_ends_the_connection() -> None:
    bench = Bench()
    bench.feed.opened()
    bench.feed.due()
    with pytest.raises(StreamClosedError, match="does not answer"):
        bench.wait(REPLY_SECONDS + 1)


def test_markets_come_and_go_without_a_new_subscription() -> None:
    bench = Bench().open()
    new = "KXHIGHNY-26NOV21-T60"
    bench.feed.want([A, new], series=["KXHIGHNY"])
    commands = bench.wait(0.3)
    assert actions(commands)[:2] == [("delete_markets", (B,)), ("add_markets", (new,))]
    bench.numbered({"id": commands[0]["id"], "type": "ok", "msg": {"market_tickers": [A]}})
    bench.numbered({"id": commands[1]["id"], "type": "ok", "msg": {"market_tickers": [A, new]}})
    bench.snapshot(new, yes=[["0.10", "1.00"]])
    assert bench.feed.known().keys() == {A, new}
    assert bench.feed.take().lost == []


def test_when_the_last_market_goes_the_subscriptions_end() -> None:
    bench = Bench().open()
    bench.feed.want([], series=["KXHIGHNY"])
    assert [c["cmd"] for c in bench.wait(0.3)] == ["unsubscribe"] * 3
    bench.feed.want([A], series=["KXHIGHNY"])
    assert [c["cmd"] for c in bench.wait(0.3)] == ["subscribe"] * 3


@pytest.mark.parametrize("code", [10, 17, 25])
def test_a_failed_subscription_is_made_anew_and_its_books_are_unknown_meanwhile(code: int) -> None:
    bench = Bench().open()
    bench.feed.take()
    bench.send({"sid": SID, "type": "error", "msg": {"code": code, "msg": "overflow"}})
    assert {item.ticker for item in bench.feed.take().lost} == {A, B}
    assert bench.wait(0.1) == []
    assert [c["params"]["channels"] for c in bench.wait(2)] == [["orderbook_delta"]]


def test_a_failure_of_nobody_knows_what_ends_the_connection() -> None:
    bench = Bench().open()
    with pytest.raises(StreamClosedError, match="code 25"):
        bench.send({"type": "error", "msg": {"code": 25, "msg": "overflow"}})


def test_a_market_that_the_exchange_does_not_know_does_not_keep_the_others_away() -> None:
    bench = Bench()
    bench.feed.opened()
    command = bench.feed.due()[0]
    body = {"code": 16, "msg": "Market not found", "market_ticker": B}
    bench.send({"id": command["id"], "type": "error", "msg": body})
    again = [c for c in bench.wait(2) if c["params"]["channels"] == ["orderbook_delta"]]
    assert again[0]["params"]["market_tickers"] == [A]


def test_a_channel_that_the_key_may_not_have_is_not_asked_for_again() -> None:
    bench = Bench(is_private=True)
    bench.feed.opened()
    for number, command in enumerate(bench.feed.due()):
        channel = command["params"]["channels"][0]
        if channel == "fill":
            body = {"code": 9, "msg": "Authentication required"}
            bench.send({"id": command["id"], "type": "error", "msg": body})
        else:
            body = {"channel": channel, "sid": 1 + number}
            bench.send({"id": command["id"], "type": "subscribed", "msg": body})
    assert all(c["cmd"] != "subscribe" for c in bench.wait(10))


def test_other_refusals_are_tried_again_with_growing_pauses() -> None:
    bench = Bench(wanted=())
    bench.feed.opened()
    commands, pauses = bench.feed.due(), []
    for _ in range(4):
        body = {"code": 27, "msg": "Too many requests"}
        bench.send({"id": commands[0]["id"], "type": "error", "msg": body})
        began = bench.tick
        while not (commands := bench.wait(0.25)):
            bench.send({"id": 0, "type": "ok"})
        pauses.append(bench.tick - began)
    assert pauses == sorted(pauses)
    assert pauses[-1] >= 2 * pauses[0]


def test_an_error_is_told_by_whoever_may_wait_for_the_database() -> None:
    bench = Bench().open()
    bench.send({"type": "error", "msg": {"code": 5, "msg": "Unknown command"}})
    warnings = bench.feed.take().warnings
    assert any(fields.get("code") == 5 for _, fields in warnings)
    assert bench.feed.take().warnings == []


def test_a_new_last_price_is_stored_with_the_book() -> None:
    bench = Bench().open()
    bench.feed.take()
    bench.tick += 6
    body = {"market_ticker": A, "price_dollars": "0.4200", "ts_ms": 1}
    bench.send({"type": "ticker", "sid": 2, "msg": body})
    assert bench.feed.take().books[0].last_price_dollars == Decimal("0.42")
    bench.tick += 6
    bench.send({"type": "ticker", "sid": 2, "msg": body})
    assert bench.feed.take().books == []


def test_only_trades_of_wanted_markets_are_held() -> None:
    bench = Bench().open()
    bench.send({**TRADE, "msg": {**TRADE["msg"], "market_ticker": A}})
    bench.send({**TRADE, "msg": {**TRADE["msg"], "market_ticker": "KXOTHER-1"}})
    assert len(bench.feed.take().trades) == 1


def test_only_news_of_followed_series_is_held_and_it_is_urgent() -> None:
    bench = Bench().open()
    bench.feed.take()
    for ticker in ("KXBTC-26NOV21-T1", A):
        body = {"event_type": "determined", "market_ticker": ticker, "result": "yes"}
        bench.send({"type": "market_lifecycle_v2", "sid": 4, "msg": body})
    assert bench.feed.urgent.is_set()
    assert [item.body.market_ticker for item in bench.feed.take().listings] == [A]


def test_what_could_not_be_stored_comes_again_in_its_order() -> None:
    bench = Bench().open()
    bench.delta(A, "0.41", "1.00", lost=1)
    bench.snapshot(A, yes=[["0.43", "1.00"]])
    for number in range(3):
        body = {**TRADE["msg"], "trade_id": f"t-{number}", "market_ticker": A}
        bench.send({**TRADE, "msg": body})
        if number == 1:
            harvest = bench.feed.take()
    bench.feed.put_back(harvest)
    again = bench.feed.take()
    assert [item.body.trade_id for item in again.trades] == ["t-0", "t-1", "t-2"]
    assert {item.ticker for item in again.lost} == {A, B}
    assert stored(again) == {A: Decimal("0.43")}


def test_what_is_held_while_the_database_is_away_is_bounded_and_the_loss_counted() -> None:
    bench = Bench(is_private=True).open()
    harvest = Harvest()
    bench.send(FILL)
    fill = bench.feed.take().private[0]
    harvest.private = [fill] * (MAX_HELD + 7)
    bench.feed.put_back(harvest)
    assert len(bench.feed.take().private) == MAX_HELD
    assert bench.feed.counters.dropped_messages == 7


def test_frames_of_a_subscription_that_has_ended_are_left_aside() -> None:
    bench = Bench().open()
    bench.send({"type": "unsubscribed", "sid": SID, "seq": 99})
    bench.delta(A, "0.41", "1.00")
    assert bench.feed.known() == {}
    assert bench.feed.counters.deltas == 0
