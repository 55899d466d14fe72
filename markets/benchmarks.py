"""How fast the exchange's stream is taken in: books, quotes in the database, signatures."""

from __future__ import annotations

import datetime as dt
import json
import random
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from decimal import Decimal
from typing import Any

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from django.db import connection, transaction

from boz.core.benchmarks import RUNS, Measurement, register_benchmark, timed
from boz.core.schemas import StrikeType
from markets.clients.kalshi.signing import signer_from_pem
from markets.clients.kalshi_stream import StreamConnection
from markets.clients.kalshi_stream.frames import BOOKS
from markets.domain.live_book import BookSet
from markets.models import Event, Market, Quote, Series
from markets.services.stream.feed import Feed
from markets.services.stream.store import quote_row
from weather.models import Station

TICKERS = tuple(f"KXHIGHNY-26NOV21-B{degree}.5" for degree in range(40, 88, 2))
DELTAS = 100_000
FRAMES = 20_000
SOCKET_FRAMES = 1_000
#: Between frames on the socket: a thousand changes a second, far more than weather ever has.
SOCKET_PAUSE_SECONDS = 0.001
QUOTES = 20_000
SIGNATURES = 500
RSA_BITS = 2048
PATH = "/trade-api/ws/v2"

_SEED = 20_261_121
_START = dt.datetime(2026, 11, 21, tzinfo=dt.UTC)
_KEY_ID = "00000000-0000-4000-8000-000000000000"
_Change = tuple[str, str, str, str]


def register() -> None:
    """Make the parts known."""
    for part in (_books, _frames, _socket, _quotes, _signatures):
        register_benchmark("markets", part)


def _books() -> Sequence[Measurement]:
    """Measure changes applied to books, from the texts of a frame on."""
    changes = _changes(DELTAS)

    def ground() -> BookSet:
        books = BookSet(use_yes_price=True)
        books.add_markets(TICKERS)
        for seq, ticker in enumerate(TICKERS, start=1):
            books.apply_snapshot(seq, ticker, (), ())
        return books

    def apply(books: BookSet) -> None:
        for seq, (ticker, side, price, change) in enumerate(changes, start=len(TICKERS) + 1):
            books.apply_delta(seq, ticker, side, price, change)

    seconds = timed(apply, prepare=ground)
    return [
        Measurement(
            "book-deltas",
            f"{DELTAS} changes of {len(TICKERS)} books applied, counted and checked",
            DELTAS,
            "deltas",
            seconds,
        )
    ]


def _frames() -> Sequence[Measurement]:
    """Measure the texts of frames until the best prices are there: in bulk, and each alone."""
    texts = _texts(_changes(FRAMES))

    def read(feed: Feed) -> None:
        for text in texts:
            feed.receive(text)

    bulk = timed(read, prepare=_open_feed)
    alone = tuple(_p99(_each(_open_feed(), texts)) for _ in range(RUNS))
    return [
        Measurement(
            "frames",
            f"{FRAMES} frames of changes: JSON read, checked, applied",
            FRAMES,
            "frames",
            bulk,
        ),
        Measurement(
            "frame-to-best-p99",
            f"text of a frame received until best bid and ask are there, p99 of {FRAMES}",
            1,
            "frames",
            alone,
            ("seconds are the p99 of each run",),
        ),
    ]


def _each(feed: Feed, texts: Sequence[str]) -> list[float]:
    taken = []
    for text in texts:
        started = time.perf_counter()
        feed.receive(text)
        feed.best(TICKERS[0])
        taken.append(time.perf_counter() - started)
    return taken


def _socket() -> Sequence[Measurement]:
    """Measure frames over a loopback WebSocket, from before they are sent."""
    texts = _texts(_changes(SOCKET_FRAMES))
    runs = tuple(_p99(_over_a_socket(texts)) for _ in range(RUNS))
    return [
        Measurement(
            "socket-to-best-p99",
            f"a frame sent on loopback until best bid and ask are there, p99 of {SOCKET_FRAMES} "
            "at a thousand a second, sender and reader in one process",
            1,
            "frames",
            runs,
            ("seconds are the p99 of each run",),
        )
    ]


def _over_a_socket(texts: Sequence[str]) -> list[float]:
    sent: list[float] = []
    taken: list[float] = []
    with _sender(texts, sent) as url:
        stream = StreamConnection.open(url, signer_from_pem(_KEY_ID, _pem()), now_ms=0)
        feed = _open_feed()
        for number in range(len(texts)):
            text = stream.receive(10)
            if text is None:
                break
            feed.receive(text)
            feed.best(TICKERS[0])
            taken.append(time.perf_counter() - sent[number])
        stream.close()
    return taken


@contextmanager
def _sender(texts: Sequence[str], sent: list[float]) -> Iterator[str]:
    """Serve the frames to one visitor, noting when each is sent."""
    from websockets.sync.server import ServerConnection, serve

    def visit(socket: ServerConnection) -> None:
        for text in texts:
            sent.append(time.perf_counter())
            socket.send(text)
            time.sleep(SOCKET_PAUSE_SECONDS)

    with serve(visit, "127.0.0.1", 0) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield f"ws://127.0.0.1:{server.socket.getsockname()[1]}{PATH}"
        server.shutdown()
        thread.join()


def _quotes() -> Sequence[Measurement]:
    """Measure quotes of live books, from levels to committed rows."""
    markets = _ladder()
    levels = [((Decimal("0.4300"), Decimal("10.00")),), ((Decimal("0.5500"), Decimal("7.00")),)]

    def store(_: Any) -> None:
        with transaction.atomic():
            Quote.objects.bulk_create(
                (
                    quote_row(
                        markets[number % len(markets)],
                        _START + dt.timedelta(seconds=number // len(markets)),
                        levels[0],
                        levels[1],
                        levels[0][0][0],
                    )
                    for number in range(QUOTES)
                ),
                ignore_conflicts=True,
            )

    seconds = timed(store, prepare=lambda: Quote.objects.all().delete())
    return [
        Measurement(
            "quotes",
            f"{QUOTES} quotes of {len(markets)} markets made and committed to "
            f"{connection.display_name}",
            QUOTES,
            "rows",
            seconds,
        )
    ]


def _signatures() -> Sequence[Measurement]:
    """Measure signatures of requests."""
    signer = signer_from_pem(_KEY_ID, _pem())

    def sign(_: Any) -> None:
        for number in range(SIGNATURES):
            signer.headers("POST", "/trade-api/v2/portfolio/events/orders", now_ms=number)

    return [
        Measurement(
            "signatures",
            f"{SIGNATURES} requests signed with an RSA key of {RSA_BITS} bits",
            SIGNATURES,
            "signatures",
            timed(sign),
        )
    ]


def _changes(amount: int) -> list[_Change]:
    """Return changes as an exchange sends them: never more taken away than is there."""
    chance = random.Random(_SEED)  # noqa: S311 - the same load each time, no secret
    held: dict[tuple[str, str, int], int] = {}
    changes: list[_Change] = []
    while len(changes) < amount:
        key = (
            chance.choice(TICKERS),
            chance.choice(("yes", "no")),
            chance.randrange(100, 4900, 50),
        )
        change = (
            -held[key] if held.get(key) and chance.random() < 0.5 else chance.randrange(1, 9999)
        )
        held[key] = held.get(key, 0) + change
        ticker, side, price = key
        shown = 10_000 - price if side == "no" else price
        changes.append((ticker, side, f"{shown / 10_000:.4f}", f"{change / 100:.2f}"))
    return changes


def _texts(changes: Sequence[_Change]) -> list[str]:
    return [
        json.dumps(
            {
                "type": "orderbook_delta",
                "sid": 1,
                "seq": seq,
                "msg": {
                    "market_ticker": ticker,
                    "market_id": _KEY_ID,
                    "price_dollars": price,
                    "delta_fp": change,
                    "side": side,
                    "ts": "2026-11-21T12:00:00.978710Z",
                    "ts_ms": 1_795_262_400_978,
                },
            }
        )
        for seq, (ticker, side, price, change) in enumerate(changes, start=len(TICKERS) + 1)
    ]


def _open_feed() -> Feed:
    """Return a feed whose books are all known and empty."""
    feed = Feed()
    feed.want(TICKERS, series=("KXHIGHNY",))
    feed.opened()
    for command in feed.due():
        if command["params"]["channels"] == [BOOKS]:
            body = {"channel": BOOKS, "sid": 1}
            feed.receive(json.dumps({"id": command["id"], "type": "subscribed", "msg": body}))
    for seq, ticker in enumerate(TICKERS, start=1):
        frame = {"type": "orderbook_snapshot", "sid": 1, "seq": seq}
        feed.receive(json.dumps({**frame, "msg": {"market_ticker": ticker}}))
    return feed


def _p99(taken: Sequence[float]) -> float:
    return sorted(taken)[int(len(taken) * 0.99)]


def _pem() -> str:
    key = rsa.generate_private_key(public_exponent=65537, key_size=RSA_BITS)
    return key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    ).decode()


def _ladder() -> list[int]:
    """Return the keys of markets made for the purpose."""
    series, _ = Series.objects.get_or_create(
        ticker="KXHIGHNY", defaults={"station": Station.objects.order_by("code")[0]}
    )
    event, _ = Event.objects.get_or_create(
        ticker="KXHIGHNY-26NOV21",
        defaults={"series": series, "climate_day": _START.date(), "first_seen_at": _START},
    )
    markets = [
        Market(
            event=event,
            ticker=ticker,
            strike_type=StrikeType.BETWEEN.value,
            low_f=40 + 2 * number,
            high_f=41 + 2 * number,
            open_time=_START,
            close_time=_START + dt.timedelta(days=1),
            status=Market.Status.ACTIVE,
            updated_at=_START,
        )
        for number, ticker in enumerate(TICKERS)
    ]
    Market.objects.bulk_create(markets, ignore_conflicts=True)
    return list(event.markets.values_list("pk", flat=True))
