"""``manage.py stream`` as a whole, against an exchange on loopback."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.core.management import CommandError, call_command
from django.db import OperationalError

from boz.core.clock import utc_now
from boz.core.models import AgentLease, JobRun, LogEntry
from markets.models import BookSnapshot, Market, MarketTrade, Quote
from markets.selectors import latest_books
from markets.services.accounts import open_account
from markets.services.stream import run as run_module
from markets.services.stream import session as session_module
from markets.services.stream.feed import Feed, Pace
from markets.services.stream.run import StreamRun, open_markets
from markets.services.stream.session import Session
from markets.signals import account_fill
from markets.tests.factories import NOW, make_ladder
from markets.tests.stream_exchange import KEY_ID, StreamExchange
from markets.tests.test_stream_frames import FILL, TRADE
from markets.tests.test_stream_session import connect, until

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _one_connection(monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep the test's own transaction: looking after old connections would end it."""
    monkeypatch.setattr(run_module, "close_old_connections", lambda: None)


@pytest.fixture
def ladder() -> list[Market]:
    return make_ladder()


@pytest.fixture
def exchange(
    ladder: list[Market], monkeypatch: pytest.MonkeyPatch, settings: Any, tmp_path: Path
) -> Iterator[StreamExchange]:
    world = StreamExchange()
    for number, market in enumerate(ladder):
        world.set_book(market.ticker, {2000 + number: 500}, {7000: 700})
    key = tmp_path / "stream.pem"
    key.write_text(world.private_pem, encoding="utf-8")
    monkeypatch.setattr(session_module, "FIRST_PAUSE_SECONDS", 0.02)
    monkeypatch.setattr(session_module, "STEP_SECONDS", 0.02)
    monkeypatch.setattr(run_module, "FLUSH_SECONDS", 0.02)
    with world.running():
        settings.KALSHI_WS_URL = world.url
        settings.KALSHI_STREAM_KEY_ID = KEY_ID
        settings.KALSHI_STREAM_PRIVATE_KEY_FILE = str(key)
        yield world


def stream(*arguments: str) -> dict[str, Any]:
    out = StringIO()
    call_command("stream", "--as-of", NOW.isoformat(), "--json", *arguments, stdout=out)
    return json.loads(out.getvalue().splitlines()[-1])


def make_run(exchange: StreamExchange, **options: Any) -> StreamRun:
    feed = Feed(pace=Pace(0, 60), is_private=True, now=lambda: NOW + (utc_now() - STARTED))
    session = Session(feed, lambda: connect(exchange))
    return StreamRun(feed, session, KEY_ID, now=lambda: NOW, **options)


STARTED = utc_now()


class Story(threading.Thread):
    """What happens at the exchange meanwhile; an error in it fails the test."""

    def __init__(self, tell: Callable[[], None]) -> None:
        super().__init__(daemon=True)
        self._tell = tell
        self.error: Exception | None = None

    def run(self) -> None:
        try:
            self._tell()
        except Exception as error:  # noqa: BLE001 - raised again where the test sees it
            self.error = error


def run_with(run: StreamRun, tell: Callable[[], None]) -> dict[str, Any]:
    """Run the stream in this thread, which alone uses the database, until the story is told."""

    def whole() -> None:
        try:
            tell()
        finally:
            run.stop()

    story = Story(whole)
    story.start()
    result = run.run()
    story.join(5)
    if story.error is not None:
        raise story.error
    return result.done


LIVE, DEMO = "external-api.kalshi.com", "external-api.demo.kalshi.co"


@pytest.mark.parametrize(
    ("stream_host", "data_host"),
    [("external-api-ws.demo.kalshi.co", LIVE), ("external-api-ws.kalshi.com", DEMO)],
)
def test_books_of_play_money_and_of_real_money_are_never_stored_as_one(
    exchange: StreamExchange, settings: Any, stream_host: str, data_host: str
) -> None:
    settings.KALSHI_WS_URL = f"wss://{stream_host}/trade-api/ws/v2"
    settings.KALSHI_API_URL = f"https://{data_host}/trade-api/v2"

    with pytest.raises(CommandError, match="different exchanges"):
        stream("--once")

    assert not BookSnapshot.objects.exists()


def test_a_demo_account_does_not_stream_beside_real_data(
    exchange: StreamExchange, settings: Any
) -> None:
    settings.KALSHI_DEMO_WS_URL = "wss://external-api-ws.demo.kalshi.co/trade-api/ws/v2"
    settings.KALSHI_API_URL = f"https://{LIVE}/trade-api/v2"
    open_account(
        name="practice",
        environment="demo",
        key_id=KEY_ID,
        pem=exchange.private_pem,
        actor="ann",
        now=NOW,
    )

    with pytest.raises(CommandError, match="different exchanges"):
        stream("--once", "--account", "practice")


def test_once_stores_every_open_book_and_ends(
    exchange: StreamExchange, ladder: list[Market]
) -> None:
    result = stream("--once")
    assert result["status"] == "OK"
    assert result["markets"] == len(ladder) == 6
    books = latest_books(event=ladder[0].event, as_of=BookSnapshot.objects.latest("at").at)
    assert books.keys() == {market.ticker for market in ladder}
    assert Quote.objects.count() == result["books_stored"] >= 6
    run = JobRun.objects.get(agent="stream")
    assert run.status == JobRun.Status.OK


def test_a_run_of_some_seconds_ends_by_itself(exchange: StreamExchange) -> None:
    result = stream("--seconds", "0.3")
    assert result["books_known"] == 6
    assert 0.2 < result["seconds"] < 6


def test_a_second_stream_is_refused_while_one_is_at_work(exchange: StreamExchange) -> None:
    soon = utc_now() + (utc_now() - STARTED) + run_module.dt.timedelta(seconds=60)
    AgentLease.objects.create(agent="stream", holder="another", expires_at=soon)
    with pytest.raises(CommandError, match="running already"):
        stream("--once")
    assert exchange.handshakes == 0


def test_without_a_key_the_next_step_is_told(exchange: StreamExchange, settings: Any) -> None:
    settings.KALSHI_STREAM_KEY_ID = ""
    with pytest.raises(CommandError, match="KALSHI_STREAM_KEY_ID is not set") as caught:
        stream("--once")
    assert "--account" in str(caught.value)
    assert not JobRun.objects.exists()


def test_a_key_file_that_cannot_be_read_is_named(exchange: StreamExchange, settings: Any) -> None:
    settings.KALSHI_STREAM_PRIVATE_KEY_FILE = "/nowhere/key.pem"
    with pytest.raises(CommandError, match=r"/nowhere/key\.pem"):
        stream("--once")


def test_a_refused_key_fails_the_run_with_what_to_check(exchange: StreamExchange) -> None:
    exchange.refuse_status = 401
    with pytest.raises(CommandError, match="refuses the key"):
        stream("--once")
    assert JobRun.objects.get().status == JobRun.Status.FAILED
    assert exchange.handshakes == 1


def test_an_exchange_that_is_never_there_fails_a_bounded_run(exchange: StreamExchange) -> None:
    exchange.refuse_status = 503
    with pytest.raises(CommandError, match="could not be reached"):
        stream("--seconds", "0.2")
    assert LogEntry.objects.filter(message__contains="does not take connections now").exists()


def test_a_stored_account_signs_too(exchange: StreamExchange, settings: Any) -> None:
    settings.KALSHI_STREAM_KEY_ID = ""
    settings.KALSHI_DEMO_WS_URL, settings.KALSHI_WS_URL = exchange.url, "ws://127.0.0.1:9/x"
    open_account(
        name="practice",
        environment="demo",
        key_id=KEY_ID,
        pem=exchange.private_pem,
        actor="tests",
        now=NOW,
    )
    assert stream("--once", "--account", "practice")["status"] == "OK"
    with pytest.raises(CommandError, match="There are: practice"):
        stream("--once", "--account", "other")


@pytest.mark.parametrize("url", ["wss://example.org/ws", "ws://external-api-ws.demo.kalshi.co/ws"])
def test_a_stored_account_signs_for_no_other_host_and_never_in_the_clear(
    exchange: StreamExchange, settings: Any, url: str
) -> None:
    settings.KALSHI_DEMO_WS_URL = url
    open_account(
        name="practice",
        environment="demo",
        key_id=KEY_ID,
        pem=exchange.private_pem,
        actor="tests",
        now=NOW,
    )
    with pytest.raises(CommandError, match=r"KALSHI_DEMO_WS_URL names .* nothing is sent there"):
        stream("--once", "--account", "practice")


def test_only_open_markets_of_followed_series_are_streamed(ladder: list[Market]) -> None:
    gone, paused = ladder[0], ladder[1]
    Market.objects.filter(pk=gone.pk).update(status=Market.Status.DETERMINED)
    Market.objects.filter(pk=paused.pk).update(status=Market.Status.INACTIVE)
    assert open_markets(now=NOW).keys() == {market.ticker for market in ladder[1:]}
    assert open_markets(now=ladder[0].close_time) == {}
    ladder[0].event.series.is_active = False
    ladder[0].event.series.save()
    assert open_markets(now=NOW) == {}


def test_changes_losses_trades_and_news_reach_the_database(
    exchange: StreamExchange, ladder: list[Market]
) -> None:
    run = make_run(exchange)
    first, last = ladder[0], ladder[-1]
    heard: list[Any] = []

    def listener(*, news: Any, **_: Any) -> None:
        heard.append(news)

    def tell() -> None:
        until(lambda: len(run.feed.known()) == 6)
        exchange.change(first.ticker, "yes", 2500, 100, is_lost=True)
        exchange.change(first.ticker, "yes", 2600, 100)
        until(lambda: run.feed.counters.gaps == 1 and len(run.feed.known()) == 6)
        exchange.tell("trade", "trade", {**TRADE["msg"], "market_ticker": first.ticker})
        exchange.tell("fill", "fill", {**FILL["msg"], "market_ticker": first.ticker})
        body = {"event_type": "determined", "market_ticker": last.ticker}
        exchange.tell("market_lifecycle_v2", "market_lifecycle_v2", body)
        until(lambda: run.totals.listings_changed == 1 and run.totals.trades_stored == 1)
        until(lambda: run.totals.account_news == 1 and len(run.feed.known()) == 5)

    account_fill.connect(listener)
    try:
        done = run_with(run, tell)
    finally:
        account_fill.disconnect(listener)
    assert done["gaps"] == 1
    assert done["lost_books"] == 6
    assert BookSnapshot.objects.filter(derived_from=BookSnapshot.UNKNOWN).count() == 6
    newest = BookSnapshot.objects.filter(market=first).latest("at")
    assert newest.yes_bids == [["0.2600", "1.00"], ["0.2500", "1.00"], ["0.2000", "5.00"]]
    assert MarketTrade.objects.get().market == first
    assert heard[0].key_id == KEY_ID
    last.refresh_from_db()
    assert last.status == Market.Status.DETERMINED


def test_at_the_end_a_lost_last_change_is_still_found(
    exchange: StreamExchange, ladder: list[Market]
) -> None:
    run = make_run(exchange)

    def tell() -> None:
        until(lambda: run.totals.books_stored >= 6)
        exchange.change(ladder[0].ticker, "yes", 2500, 100, is_lost=True)

    run_with(run, tell)
    newest = BookSnapshot.objects.filter(market=ladder[0]).latest("at")
    assert newest.is_known
    assert newest.yes_bids[0] == ["0.2500", "1.00"]


def test_a_database_that_is_away_costs_nothing_that_was_told(
    exchange: StreamExchange, ladder: list[Market], monkeypatch: pytest.MonkeyPatch
) -> None:
    run = make_run(exchange)
    is_away = threading.Event()
    for name in ("store_books", "store_trades"):
        store = getattr(run_module, name)

        def guarded(*args: Any, store: Callable[..., int] = store, **kwargs: Any) -> int:
            if is_away.is_set():
                raise OperationalError("database is locked")
            return store(*args, **kwargs)

        monkeypatch.setattr(run_module, name, guarded)

    def tell() -> None:
        until(lambda: run.totals.books_stored >= 6)
        is_away.set()
        exchange.tell("trade", "trade", {**TRADE["msg"], "market_ticker": ladder[0].ticker})
        exchange.change(ladder[0].ticker, "yes", 2500, 100)
        until(lambda: run.totals.database_failures >= 3)
        is_away.clear()
        until(lambda: run.totals.trades_stored >= 1)

    done = run_with(run, tell)
    assert done["connections"] == 1
    assert MarketTrade.objects.count() == 1
    newest = BookSnapshot.objects.filter(market=ladder[0]).latest("at")
    assert newest.yes_bids[0] == ["0.2500", "1.00"]


def test_what_cannot_be_stored_is_skipped_with_its_reason(
    exchange: StreamExchange, ladder: list[Market]
) -> None:
    run = make_run(exchange)

    def tell() -> None:
        until(lambda: run.totals.books_stored >= 6)
        body = {"event_type": "close_date_updated", "market_ticker": ladder[0].ticker}
        exchange.tell("market_lifecycle_v2", "market_lifecycle_v2", body)
        until(lambda: bool(run.skipped))

    run_with(run, tell)
    assert [item.subject for item in run.skipped] == [ladder[0].ticker]
    assert "without saying when" in run.skipped[0].reason


@pytest.mark.slow
@pytest.mark.django_db(transaction=True)
def test_a_terminated_process_stores_its_last_books_and_ends_well(tmp_path: Path) -> None:
    world = StreamExchange()
    key = tmp_path / "stream.pem"
    key.write_text(world.private_pem, encoding="utf-8")
    manage = [sys.executable, str(Path(settings.BASE_DIR) / "manage.py")]
    with world.running():
        environment = {
            **os.environ,
            "DATABASE_URL": f"sqlite:///{tmp_path}/stream.sqlite3",
            "KALSHI_WS_URL": world.url,
            "KALSHI_STREAM_KEY_ID": KEY_ID,
            "KALSHI_STREAM_PRIVATE_KEY_FILE": str(key),
        }
        subprocess.run([*manage, "migrate", "--verbosity", "0"], env=environment, check=True)
        process = subprocess.Popen(
            [*manage, "stream", "--json"], env=environment, stdout=subprocess.PIPE, text=True
        )
        until(lambda: world.handshakes == 1, seconds=30)
        time.sleep(0.5)
        process.send_signal(signal.SIGTERM)
        out, _ = process.communicate(timeout=30)
    assert process.returncode == 0
    result = json.loads(out.splitlines()[-1])
    assert result["status"] == "OK"
    assert result["connections"] == 1
