"""Writes over real connections that break: whatever happens, a write arrives at most once."""

from __future__ import annotations

import contextlib
import email.utils
import json
import socket
import threading
from collections.abc import Callable, Iterator

import pytest

from boz.core.errors import TransientError
from markets.clients.kalshi import (
    KalshiTradingClient,
    OrderAccepted,
    OutcomeUnknown,
    signer_from_pem,
)
from markets.clients.kalshi.budget import AccountBudget
from markets.tests.desk import KEY_ID, OPEN, PRIVATE_PEM, accepted, new_order

Reply = Callable[[socket.socket], None]


def _head(status: str, length: int) -> bytes:
    date = email.utils.formatdate(usegmt=True)
    return (
        f"HTTP/1.1 {status}\r\ndate: {date}\r\ncontent-type: application/json\r\n"
        f"content-length: {length}\r\n\r\n"
    ).encode()


def _send(connection: socket.socket, body: object, status: str = "201 Created") -> None:
    content = json.dumps(body).encode()
    connection.sendall(_head(status, len(content)) + content)


class _Server:
    """A server that answers reads, and treats each write as the test says."""

    def __init__(self, on_write: Reply) -> None:
        self.writes: list[bytes] = []
        self._on_write = on_write
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._listener.settimeout(10)
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}/trade-api/v2"
        threading.Thread(target=self._serve, daemon=True).start()

    def close(self) -> None:
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)  # or a waiting accept keeps it open
        self._listener.close()

    def _serve(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._talk, args=(connection,), daemon=True).start()

    def _talk(self, connection: socket.socket) -> None:
        with connection:
            connection.settimeout(10)
            reader = connection.makefile("rb")
            while line := reader.readline():
                length = 0
                while (header := reader.readline().strip()) != b"":
                    name, _, value = header.partition(b":")
                    length = int(value) if name.lower() == b"content-length" else length
                body = reader.read(length)
                if line.startswith(b"GET"):
                    _send(connection, OPEN, "200 OK")
                    continue
                self.writes.append(body)
                self._on_write(connection)
                return


@pytest.fixture
def serve() -> Iterator[Callable[[Reply], tuple[_Server, KalshiTradingClient]]]:
    opened: list[_Server | KalshiTradingClient] = []

    def start(on_write: Reply) -> tuple[_Server, KalshiTradingClient]:
        server = _Server(on_write)
        client = KalshiTradingClient(
            server.url,
            signer_from_pem(KEY_ID, PRIVATE_PEM),
            budget=AccountBudget(),
            timeout_seconds=0.3,
        )
        opened.extend((client, server))
        return server, client

    yield start
    for thing in opened:
        thing.close()


def _cut_short(connection: socket.socket) -> None:
    connection.sendall(_head("201 Created", 500) + b'{"order_id": "3b23c1c7')


@pytest.mark.parametrize(
    "on_write",
    [
        lambda connection: None,
        lambda connection: connection.sendall(b"HTTP/1.1 201"),
        lambda connection: connection.sendall(b"what\r\n\r\n"),
        _cut_short,
        lambda connection: threading.Event().wait(1.0),
    ],
    ids=["closed", "half a line", "no HTTP", "cut short", "silent"],
)
def test_a_write_whose_answer_breaks_arrives_once_and_is_unknown(serve, on_write):
    server, client = serve(on_write)

    outcome = client.create_order(new_order())

    assert isinstance(outcome, OutcomeUnknown)
    assert len(server.writes) == 1


def test_a_connection_closed_between_two_writes_doubles_neither(serve):
    server, client = serve(lambda connection: _send(connection, accepted()))

    outcomes = [client.create_order(new_order()) for _ in range(5)]

    assert isinstance(outcomes[0], OrderAccepted)
    assert len(server.writes) <= 5
    assert sum(isinstance(outcome, OrderAccepted) for outcome in outcomes) == len(server.writes)


def test_a_server_that_is_not_there_got_nothing(serve):
    server, client = serve(lambda connection: _send(connection, accepted()))
    client.create_order(new_order())
    server.close()

    # The first may still go out on the old connection, whose end has not been heard of yet.
    with pytest.raises(TransientError, match="nothing was sent"):
        for _ in range(3):
            client.create_order(new_order())

    assert len(server.writes) == 1
