"""Serve a world over HTTP on loopback, in a thread of its own."""

from __future__ import annotations

import datetime as dt
import socket
import threading
import time
from typing import Self

import uvicorn

from boz.core.clock import format_utc
from boz.core.errors import OperatorActionRequired, TransientError
from boz.sandbox.app import (
    AT_ONCE,
    AVIATIONWEATHER_PREFIX,
    IEM_PREFIX,
    NBM_PREFIX,
    NWS_PREFIX,
    OPEN_METEO_PREFIX,
    REST_PREFIX,
    STREAM_PATH,
    WEATHER_COMPANY_PREFIX,
    create_app,
)
from boz.sandbox.exchange_stream import HEARTBEAT_SECONDS, Heartbeats
from boz.sandbox.floor.members import Key
from boz.sandbox.world import World

#: The sandbox is never reachable from another machine.
HOST = "127.0.0.1"
_START_SECONDS = 10.0
_STOP_SECONDS = 10.0


class SandboxServer:
    """One world on one loopback port; ``with SandboxServer(world) as server`` starts and stops.

    Args:
        world: What to serve.
        port: The port; 0 takes a free one.
        latency: How long every answer of an outside service waits; the controls do not.
        strict_limits: Whether Open-Meteo, the Mesonet and the exchange refuse what the real hosts
            refuse.
        accounts: Members of the exchange with cash and a key, made when it starts.
    """

    def __init__(
        self,
        world: World,
        *,
        port: int = 0,
        latency: dt.timedelta = AT_ONCE,
        strict_limits: bool = False,
        accounts: int = 1,
    ) -> None:
        """Prepare the server; nothing listens yet."""
        self.world = world
        self._accounts = accounts
        self._keys: list[Key] = []
        self._wanted_port = port
        self._socket: socket.socket | None = None
        self._thread: threading.Thread | None = None
        self._failure: BaseException | None = None
        # Answers under a timeout fault must not hold up the end.
        config = uvicorn.Config(
            create_app(world, latency=latency, strict_limits=strict_limits),
            log_config=None,
            log_level="warning",
            access_log=False,
            lifespan="off",
            ws=Heartbeats,
            ws_ping_interval=HEARTBEAT_SECONDS,
            timeout_graceful_shutdown=1,
        )
        self._server = uvicorn.Server(config)

    @property
    def port(self) -> int:
        """Return the port in use; only after :meth:`start`."""
        if self._socket is None:
            raise RuntimeError("the sandbox has not been started")
        return int(self._socket.getsockname()[1])

    @property
    def base_url(self) -> str:
        """Return ``http://127.0.0.1:PORT``."""
        return f"http://{HOST}:{self.port}"

    @property
    def rest_url(self) -> str:
        """Return the exchange's REST base, for ``KALSHI_API_URL``."""
        return f"{self.base_url}{REST_PREFIX}"

    @property
    def websocket_url(self) -> str:
        """Return the exchange's stream, for ``KALSHI_WS_URL``."""
        return f"ws://{HOST}:{self.port}{STREAM_PATH}"

    @property
    def keys(self) -> list[Key]:
        """Return the keys of the members made at the start, one each."""
        return self._keys

    @property
    def nws_url(self) -> str:
        """Return the weather service's base, for ``NWS_API_URL``."""
        return f"{self.base_url}{NWS_PREFIX}"

    @property
    def aviationweather_url(self) -> str:
        """Return the aviation weather base, for ``AVIATIONWEATHER_API_URL``."""
        return f"{self.base_url}{AVIATIONWEATHER_PREFIX}"

    @property
    def open_meteo_url(self) -> str:
        """Return the base of all of Open-Meteo, for ``OPEN_METEO_API_URL``."""
        return f"{self.base_url}{OPEN_METEO_PREFIX}"

    @property
    def iem_url(self) -> str:
        """Return the Mesonet's base, for ``IEM_API_URL``."""
        return f"{self.base_url}{IEM_PREFIX}"

    @property
    def nbm_url(self) -> str:
        """Return the base of the National Blend's bucket, for ``NBM_API_URL``."""
        return f"{self.base_url}{NBM_PREFIX}"

    @property
    def weather_company_url(self) -> str:
        """Return the settlement company's base, for ``WEATHER_COMPANY_API_URL``."""
        return f"{self.base_url}{WEATHER_COMPANY_PREFIX}"

    def describe(self) -> dict[str, str | None]:
        """Return where everything is; without a member there is no key."""
        key = self._keys[0] if self._keys else None
        return {
            "rest": self.rest_url,
            "websocket": self.websocket_url,
            "nws": self.nws_url,
            "open_meteo": self.open_meteo_url,
            "iem": self.iem_url,
            "aviationweather": self.aviationweather_url,
            "weather_company": self.weather_company_url,
            "nbm": self.nbm_url,
            "key_id": None if key is None else key.key_id,
            "private_key_file": None if key is None else str(key.private_file),
            "now": format_utc(self.world.clock.now()),
        }

    def start(self) -> Self:
        """Listen and return when the server answers.

        Raises:
            OperatorActionRequired: If the port is taken.
            TransientError: If the server does not come up in time.
        """
        # With the protocol named, asyncio turns off Nagle's algorithm; without it, every answer
        # waits 40 ms for a delayed acknowledgement.
        listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind((HOST, self._wanted_port))
        except OSError as error:
            listener.close()
            raise OperatorActionRequired(
                f"The sandbox cannot listen on port {self._wanted_port} of {HOST}: "
                f"{error.strerror}; choose another with --port.",
                {"port": self._wanted_port},
            ) from error
        self._socket = listener
        floor = self.world.floor
        self._keys = [floor.members.make_key(floor.join().user_id) for _ in range(self._accounts)]
        self._thread = threading.Thread(
            target=self._run, args=(listener,), name="sandbox", daemon=True
        )
        self._thread.start()
        deadline = time.monotonic() + _START_SECONDS
        while not self._server.started:
            if not self._thread.is_alive() or time.monotonic() > deadline:
                self.stop()
                reason = "it took too long" if self._failure is None else repr(self._failure)
                raise TransientError(f"The sandbox did not start: {reason}.", {})
            time.sleep(0.005)
        return self

    def _run(self, listener: socket.socket) -> None:
        try:
            self._server.run(sockets=[listener])
        except (Exception, SystemExit) as error:  # noqa: BLE001 - told by whoever waits for it
            self._failure = error

    def stop(self) -> None:
        """Stop listening; safe to call twice."""
        self._server.should_exit = True
        if self._thread is not None:
            self._thread.join(_STOP_SECONDS)
            self._thread = None
        if self._socket is not None:
            self._socket.close()
            self._socket = None
        self.world.floor.members.forget_files()

    def __enter__(self) -> Self:
        """Start."""
        return self.start()

    def __exit__(self, *exc_info: object) -> None:
        """Stop."""
        self.stop()
