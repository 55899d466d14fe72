"""Over a real socket on loopback: handshake, faults of the connection, and starting anew."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable, Iterator

import pytest

from boz.core.errors import OperatorActionRequired
from markets.clients.kalshi.signing import signer_from_pem
from markets.clients.kalshi_stream import StreamClosedError, StreamConnection
from markets.services.stream import session as session_module
from markets.services.stream.feed import Feed
from markets.services.stream.session import LONGEST_PAUSE_SECONDS, Session
from markets.tests.stream_exchange import KEY_ID, StreamExchange, make_key

A, B = "KXHIGHNY-26NOV21-B54.5", "KXHIGHNY-26NOV21-B56.5"


@pytest.fixture
def exchange() -> Iterator[StreamExchange]:
    world = StreamExchange()
    world.set_book(A, {4000: 500, 3900: 100}, {5500: 700})
    world.set_book(B, {2000: 500}, {})
    with world.running():
        yield world


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(session_module, "FIRST_PAUSE_SECONDS", 0.02)
    monkeypatch.setattr(session_module, "STEP_SECONDS", 0.02)


def connect(exchange: StreamExchange) -> StreamConnection:
    return StreamConnection.open(exchange.url, exchange.signer, now_ms=time.time_ns() // 1_000_000)


@pytest.fixture
def feed(exchange: StreamExchange, quick: None) -> Iterator[Feed]:
    feed = Feed()
    feed.want([A, B], series=["KXHIGHNY"])
    session = Session(feed, lambda: connect(exchange))
    session.start()
    yield feed
    session.stop()
    session.join(5)
    assert not session.is_alive()


def until(condition: Callable[[], bool], *, seconds: float = 10.0) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it did not come to pass"
        time.sleep(0.005)


def agrees(feed: Feed, exchange: StreamExchange) -> bool:
    books = feed.known()
    return books.keys() == exchange.books.keys() and all(
        (book.yes, book.no) == exchange.top(ticker) for ticker, book in books.items()
    )


def test_a_signed_handshake_opens_the_stream(exchange: StreamExchange) -> None:
    connection = connect(exchange)
    connection.send({"id": 1, "cmd": "list_subscriptions"})
    assert connection.receive(5) == '{"id": 1, "type": "ok", "msg": []}'
    assert connection.receive(0.01) is None
    connection.close()


def test_a_key_of_somebody_else_is_refused_with_what_to_check(exchange: StreamExchange) -> None:
    stranger = signer_from_pem(KEY_ID, make_key()[0])
    with pytest.raises(OperatorActionRequired, match="refuses the key") as caught:
        StreamConnection.open(exchange.url, stranger, now_ms=time.time_ns() // 1_000_000)
    assert caught.value.context == {"status": 401}


def test_a_clock_that_is_wrong_is_refused(exchange: StreamExchange) -> None:
    with pytest.raises(OperatorActionRequired, match="clock"):
        StreamConnection.open(exchange.url, exchange.signer, now_ms=1)


@pytest.mark.parametrize("status", [429, 500, 503])
def test_an_exchange_that_is_busy_may_be_asked_again(exchange: StreamExchange, status: int) -> None:
    exchange.refuse_status = status
    with pytest.raises(StreamClosedError):
        connect(exchange)


def test_a_redirect_is_never_followed_with_a_signature(exchange: StreamExchange) -> None:
    exchange.refuse_status = 302
    with pytest.raises(StreamClosedError):
        connect(exchange)
    assert exchange.handshakes == 1


def test_an_exchange_that_is_away_may_be_asked_again() -> None:
    signer = signer_from_pem(KEY_ID, make_key()[0])
    with pytest.raises(StreamClosedError, match="cannot be reached"):
        StreamConnection.open("ws://127.0.0.1:9/trade-api/ws/v2", signer, now_ms=1)


def test_books_follow_the_exchange(feed: Feed, exchange: StreamExchange) -> None:
    until(lambda: agrees(feed, exchange))
    exchange.change(A, "no", 5600, 300)
    exchange.change(A, "yes", 4000, -500)
    until(lambda: agrees(feed, exchange))


def test_after_a_gap_the_book_is_read_anew(feed: Feed, exchange: StreamExchange) -> None:
    until(lambda: agrees(feed, exchange))
    exchange.change(A, "yes", 4100, 300, is_lost=True)
    exchange.change(B, "yes", 2100, 300)
    until(lambda: feed.counters.gaps == 1 and agrees(feed, exchange))
    assert feed.counters.connections == 1


def test_a_snapshot_that_is_lost_is_asked_for_again(feed: Feed, exchange: StreamExchange) -> None:
    until(lambda: agrees(feed, exchange))
    exchange.lose_snapshots = 1
    exchange.change(A, "yes", 4100, 300, is_lost=True)
    exchange.change(B, "yes", 2100, 300)
    until(lambda: agrees(feed, exchange))


def test_a_broken_connection_is_made_anew(feed: Feed, exchange: StreamExchange) -> None:
    until(lambda: agrees(feed, exchange))
    exchange.disconnect()
    exchange.change(A, "yes", 4100, 300)
    until(lambda: feed.counters.connections == 2 and agrees(feed, exchange))
    assert {item.ticker for item in feed.take().lost} == {A, B}


def test_garbage_does_not_end_the_stream(feed: Feed, exchange: StreamExchange) -> None:
    until(lambda: agrees(feed, exchange))
    exchange.send_raw('{"type": "orderbook_delta", "sid"')
    exchange.send_raw("<html>bad gateway</html>")
    exchange.change(A, "yes", 4100, 300)
    until(lambda: feed.counters.refused_frames == 2 and agrees(feed, exchange))
    assert feed.counters.connections == 1


def test_a_refused_key_stops_the_thread_with_the_reason(
    exchange: StreamExchange, quick: None
) -> None:
    exchange.refuse_status = 401
    session = Session(Feed(), lambda: connect(exchange))
    session.start()
    session.join(5)
    assert not session.is_alive()
    assert isinstance(session.failure, OperatorActionRequired)
    assert exchange.handshakes == 1


def test_a_fault_of_our_own_costs_a_connection_and_not_the_stream(
    exchange: StreamExchange, quick: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    feed = Feed()
    feed.want([A, B], series=[])
    faults = iter([ZeroDivisionError("ours")])
    receive = feed.receive

    def faulty(text: str | bytes) -> list[dict]:
        for fault in faults:
            raise fault
        return receive(text)

    monkeypatch.setattr(feed, "receive", faulty)
    session = Session(feed, lambda: connect(exchange))
    session.start()
    until(lambda: agrees(feed, exchange))
    session.stop()
    session.join(5)
    assert feed.counters.connections == 2
    assert any("ZeroDivisionError" in message for message, _ in feed.take().warnings)


def test_a_fault_while_connecting_is_told_and_tried_again(
    exchange: StreamExchange, quick: None
) -> None:
    feed = Feed()
    feed.want([A, B], series=[])
    faults = iter([ValueError("ours")])

    def connect_badly_once() -> StreamConnection:
        for fault in faults:
            raise fault
        return connect(exchange)

    session = Session(feed, connect_badly_once)
    session.start()
    until(lambda: agrees(feed, exchange))
    session.stop()
    session.join(5)
    assert any("ValueError" in message for message, _ in feed.take().warnings)


def test_pauses_grow_to_a_bound_and_never_agree_exactly() -> None:
    def connect_never() -> StreamConnection:
        raise StreamClosedError("never called")

    calm = Session(Feed(), connect_never, jitter=lambda: 1.0)
    pauses = [calm.pause_seconds(attempts) for attempts in (1, 2, 3, 8, 100, 10_000)]
    assert pauses == sorted(pauses)
    assert pauses[-1] == LONGEST_PAUSE_SECONDS
    eager = Session(Feed(), connect_never, jitter=lambda: 0.0)
    assert eager.pause_seconds(5) == calm.pause_seconds(5) / 2


def storm(exchange: StreamExchange, chance: random.Random, *, seconds: float) -> None:
    """Change books all the time, losing frames and breaking connections at random."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        ticker, side = chance.choice([A, B]), chance.choice(["yes", "no"])
        price = chance.randrange(100, 4900, 100)
        held = exchange.books[ticker][side].get(price, 0)
        change = chance.choice([held * -1, 100, 250]) or 100
        exchange.change(ticker, side, price, change, is_lost=chance.random() < 0.02)
        if chance.random() < 0.003:
            exchange.disconnect()
        # Slowly enough that a connection sees many frames before it breaks, lost ones among them.
        time.sleep(0.001)


def proven(feed: Feed, exchange: StreamExchange, session: Session) -> None:
    until(lambda: feed.unverified == 0)
    feed.owe_all()
    session.verify()
    until(lambda: feed.unverified == 0)
    assert agrees(feed, exchange)


@pytest.mark.parametrize("seed", [1])
def test_after_a_storm_of_losses_the_books_are_the_exchanges_own(
    exchange: StreamExchange, quick: None, seed: int
) -> None:
    run_storm(exchange, seed, seconds=0.7)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(10))
def test_after_long_storms_the_books_are_the_exchanges_own(
    exchange: StreamExchange, quick: None, seed: int
) -> None:
    run_storm(exchange, seed, seconds=6.0)


def run_storm(exchange: StreamExchange, seed: int, *, seconds: float) -> None:
    feed = Feed()
    feed.want([A, B], series=[])
    session = Session(feed, lambda: connect(exchange))
    session.start()
    until(lambda: agrees(feed, exchange))
    thread = threading.Thread(
        target=storm, args=(exchange, random.Random(seed)), kwargs={"seconds": seconds}
    )
    thread.start()
    thread.join()
    proven(feed, exchange, session)
    session.stop()
    session.join(5)
    assert feed.counters.gaps > 0
