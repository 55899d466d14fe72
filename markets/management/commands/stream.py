"""``manage.py stream``: follow the exchange live."""

from __future__ import annotations

import datetime as dt
import json
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from boz.core.agents import Agent, AgentResult, run_job
from boz.core.clock import parse_utc, utc_now
from boz.core.errors import BozBaseException
from boz.core.management.commands.run_agent import run_document
from boz.core.models import JobRun
from markets.clients.kalshi_stream import StreamConnection
from markets.services.stream.account_news import has_receivers
from markets.services.stream.credentials import StreamAccess, stream_access
from markets.services.stream.feed import Feed, Pace
from markets.services.stream.run import StreamRun
from markets.services.stream.session import Session

#: A stream that shows no life for so long is taken for dead, and another may start.
LEASE = dt.timedelta(seconds=60)


class Command(BaseCommand):
    """Keeps order books live and stores them, until it is stopped."""

    help = (
        "Follows the exchange's live stream: order books, last prices, trades, and what happens to"
        " markets. Books are proven by the numbers of their frames; after a loss they are marked"
        " unknown until a snapshot comes. It reconnects by itself, runs until it is stopped"
        " (Ctrl-C or SIGTERM), and only once at a time. It needs a key with the right to read:"
        " KALSHI_STREAM_KEY_ID and KALSHI_STREAM_PRIVATE_KEY_FILE, or --account."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        """Declare the options."""
        parser.add_argument(
            "--account", metavar="NAME", help="sign with the key of this stored exchange account"
        )
        parser.add_argument("--seconds", type=float, help="end by itself after so many seconds")
        parser.add_argument(
            "--once", action="store_true", help="end as soon as every open market's book is stored"
        )
        parser.add_argument(
            "--store-every",
            type=float,
            default=Pace().every_seconds,
            metavar="S",
            help="store a changing book at most every S seconds (default %(default)s)",
        )
        parser.add_argument(
            "--refresh-every",
            type=float,
            default=Pace().refresh_seconds,
            metavar="S",
            help="store an unchanged book every S seconds (default %(default)s)",
        )
        parser.add_argument(
            "--as-of",
            metavar="T",
            help="take this moment for the present and go on from there, for worlds on other days",
        )
        parser.add_argument(
            "--json", action="store_true", help="print one JSON document last on stdout"
        )

    def handle(self, **options: Any) -> None:
        """Stream, print what came of it, and fail when it failed."""
        now = _clock(options["as_of"])
        try:
            access = stream_access(options["account"])
        except BozBaseException as error:
            if options["json"]:
                self.stdout.write(json.dumps(error.as_dict()))
            raise CommandError(error.message) from error
        stream = _stream(access, now, options)
        with _stopped_by_signals(stream):
            run = run_job(_job(stream), now=now())
        if options["json"]:
            self.stdout.write(json.dumps(run_document(run)))
        else:
            self._print(run)
        if run.status != JobRun.Status.OK:
            raise CommandError(run.error)

    def _print(self, run: JobRun) -> None:
        self.stdout.write(f"{run.agent}: {run.status}")
        for name, value in run.done.items():
            self.stdout.write(f"  {name}: {value}")
        for item in run.skipped:
            self.stdout.write(f"  skipped {item['subject']}: {item['reason']}")


def _stream(
    access: StreamAccess, now: Callable[[], dt.datetime], options: dict[str, Any]
) -> StreamRun:
    feed = Feed(
        pace=Pace(options["store_every"], options["refresh_every"]),
        is_private=has_receivers(),
        now=now,
    )

    def connect() -> StreamConnection:
        return StreamConnection.open(access.url, access.signer, now_ms=time.time_ns() // 1_000_000)

    return StreamRun(
        feed,
        Session(feed, connect),
        access.signer.key_id,
        seconds=options["seconds"],
        once=options["once"],
        now=now,
    )


def _job(stream: StreamRun) -> Agent:
    def run(_: dt.datetime) -> AgentResult:
        return stream.run()

    return Agent(
        name="stream",
        run=run,
        description="Follows the exchange live.",
        order=0,
        lease=LEASE,
    )


@contextmanager
def _stopped_by_signals(stream: StreamRun) -> Iterator[None]:
    """Let SIGTERM and Ctrl-C end the stream, which then stores its last books."""

    def stop(*_: object) -> None:
        stream.stop()

    before = {number: signal.signal(number, stop) for number in (signal.SIGTERM, signal.SIGINT)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _clock(as_of: str | None) -> Callable[[], dt.datetime]:
    """Return the present, or a clock that began at another moment."""
    if as_of is None:
        return utc_now
    try:
        start = parse_utc(as_of)
    except ValueError as error:
        raise CommandError(
            f"--as-of must be a time with its zone such as 2026-07-11T12:00:00Z, was {as_of!r}."
        ) from error
    began = time.monotonic()
    return lambda: start + dt.timedelta(seconds=time.monotonic() - began)
