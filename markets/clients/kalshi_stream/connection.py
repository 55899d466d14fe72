"""One signed WebSocket connection to the exchange."""

from __future__ import annotations

import json
import ssl
from collections.abc import Mapping
from contextlib import ExitStack
from typing import Any, Final, Self
from urllib.parse import urlsplit

from websockets.exceptions import (
    ConnectionClosed,
    InvalidStatus,
    InvalidURI,
    WebSocketException,
)
from websockets.sync.client import ClientConnection, reconnect

from boz.core.errors import OperatorActionRequired, TransientError
from markets.clients.kalshi.signing import Signer

OPEN_TIMEOUT_SECONDS: Final = 10.0
CLOSE_TIMEOUT_SECONDS: Final = 2.0
#: Our own pings, beside the answers to the exchange's: they find a connection that is dead.
PING_INTERVAL_SECONDS: Final = 10.0
PING_TIMEOUT_SECONDS: Final = 10.0
#: The largest frame taken; a book of every price on both sides is far smaller.
MAX_FRAME_BYTES: Final = 8 * 1024 * 1024
#: Frames kept while they wait to be read; beyond it the network waits.
MAX_QUEUED_FRAMES: Final = 4096

_REFUSED_KEY = frozenset({401, 403})
_WRONG_ADDRESS = frozenset({404, 405, 410, 426})


class StreamClosedError(TransientError):
    """The connection has ended, or could not be made; another one may work."""


class StreamConnection:
    """Sends commands and receives the texts of frames; answers the exchange's pings by itself."""

    def __init__(self, socket: ClientConnection, closing: ExitStack) -> None:
        """Take an open socket and what closes it; :meth:`open` makes both."""
        self._socket, self._closing = socket, closing

    @classmethod
    def open(cls, url: str, signer: Signer, *, now_ms: int) -> Self:
        """Connect.

        Args:
            url: Address of the stream, ``wss://…``.
            signer: Signs the handshake, without which there is no connection.
            now_ms: The present time, Unix milliseconds.

        Raises:
            OperatorActionRequired: If the exchange refuses the key, or there is no stream there.
            StreamClosedError: If it could not be reached; trying again later may work.
        """
        headers = signer.headers("GET", urlsplit(url).path, now_ms=now_ms)
        closing = ExitStack()
        try:
            socket = closing.enter_context(
                _Connecting(
                    url,
                    additional_headers=headers,
                    open_timeout=OPEN_TIMEOUT_SECONDS,
                    close_timeout=CLOSE_TIMEOUT_SECONDS,
                    ping_interval=PING_INTERVAL_SECONDS,
                    ping_timeout=PING_TIMEOUT_SECONDS,
                    max_size=MAX_FRAME_BYTES,
                    max_queue=MAX_QUEUED_FRAMES,
                )
            )
        except InvalidStatus as error:
            raise _refusal(error) from None
        except InvalidURI as error:
            raise OperatorActionRequired("KALSHI_WS_URL is no address of a stream.") from error
        except ssl.SSLCertVerificationError as error:
            raise StreamClosedError("The exchange's certificate could not be checked.") from error
        except (WebSocketException, OSError, TimeoutError, EOFError) as error:
            raise StreamClosedError(
                "The exchange's stream cannot be reached.", {"error": type(error).__name__}
            ) from error
        return cls(socket, closing)

    def receive(self, timeout: float) -> str | bytes | None:
        """Return the next frame, or None when none came within ``timeout`` seconds.

        Raises:
            StreamClosedError: If the connection has ended.
        """
        try:
            return self._socket.recv(timeout=timeout)
        except TimeoutError:
            return None
        except (WebSocketException, OSError) as error:
            raise _closed(error) from error

    def send(self, command: Mapping[str, Any]) -> None:
        """Send one command.

        Raises:
            StreamClosedError: If the connection has ended.
        """
        try:
            self._socket.send(json.dumps(command, separators=(",", ":")))
        except (WebSocketException, OSError) as error:
            raise _closed(error) from error

    def close(self) -> None:
        """Say goodbye and close; never raises for a connection that is gone already."""
        try:
            self._closing.close()
        except (WebSocketException, OSError):
            return


class _Connecting(reconnect):
    """Follows no redirect: the signature is for this address and for nobody else."""

    def process_redirect(self, exc: Exception) -> Exception:
        return exc


def _refusal(error: InvalidStatus) -> OperatorActionRequired | StreamClosedError:
    status = error.response.status_code
    if status in _REFUSED_KEY:
        return OperatorActionRequired(
            f"The exchange refuses the key of the stream (status {status}). Check that key id and "
            "private key belong together and to this environment, that the key may read, and "
            "that this machine's clock is right.",
            {"status": status},
        )
    if status in _WRONG_ADDRESS:
        return OperatorActionRequired(
            f"There is no stream at the configured address (status {status}). Check KALSHI_WS_URL.",
            {"status": status},
        )
    return StreamClosedError(
        f"The exchange's stream does not take connections now (status {status}).",
        {"status": status},
    )


def _closed(error: Exception) -> StreamClosedError:
    if isinstance(error, ConnectionClosed) and error.rcvd is not None:
        code = error.rcvd.code
        return StreamClosedError(f"The exchange closed its stream (code {code}).", {"code": code})
    return StreamClosedError("The stream's connection broke.", {"error": type(error).__name__})
