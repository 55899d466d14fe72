"""`manage.py demo`: the main job on recorded real days, then the console."""

from __future__ import annotations

import datetime as dt
import json
import os
import signal
import socket
import subprocess
import sys
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from boz.core.clock import format_utc
from boz.sandbox.demo_report import summary_lines
from boz.sandbox.demo_run import MAX_DAYS, USER, WORLD_OPENS_AT, live_through
from boz.sandbox.environment import MANAGE, product_environment, world_beside_us

WORLD_VARIABLE = "BOZ_DEMO_WORLD"
DEFAULT_DAYS = 14


class Command(BaseCommand):
    """Play recorded days through the whole product and serve the console on the result."""

    help = (
        "Starts a local world that replays recorded real days over HTTP, and lets the ordinary"
        " product live through them: forecasts, predictions, decisions, paper orders, settlement,"
        " post-mortems. Uses a database of its own, made anew each time; your own database and"
        " settings are not touched. Then serves the console on this machine until Ctrl-C."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Declare the options."""
        parser.add_argument(
            "--days",
            type=int,
            default=DEFAULT_DAYS,
            help=f"climate days to play, 1 to {MAX_DAYS} (default {DEFAULT_DAYS})",
        )
        parser.add_argument("--no-serve", action="store_true", help="stop after the summary")
        parser.add_argument(
            "--json", action="store_true", help="print one JSON document last on stdout"
        )
        parser.add_argument("--port", type=int, default=8000, help="of the console (default 8000)")
        parser.add_argument(
            "--step-minutes",
            type=int,
            default=90,
            help="simulated minutes between two looks at the world (default 90)",
        )
        parser.add_argument(
            "--database",
            default=str(settings.VAR_DIR / "demo.sqlite3"),
            help="SQLite file to make anew (default var/demo.sqlite3)",
        )

    def handle(self, **options: Any) -> None:
        """Start the world and, inside of it, the product."""
        if not 1 <= options["days"] <= MAX_DAYS:
            raise CommandError(f"--days must be 1 to {MAX_DAYS}, was {options['days']}.")
        if not 5 <= options["step_minutes"] <= 240:
            raise CommandError(f"--step-minutes must be 5 to 240, was {options['step_minutes']}.")
        if not options["no_serve"]:
            _require_free_port(options["port"])
        world = os.environ.get(WORLD_VARIABLE)
        if world:
            self._live_through(world, options)
        else:
            self._start_world(options)

    def _live_through(self, world: str, options: dict[str, Any]) -> None:
        step = dt.timedelta(minutes=options["step_minutes"])
        result = live_through(world=world, days=options["days"], step=step)
        for failure in result.failures[:20]:
            self.stderr.write(f"A job failed: {failure}")
        self.stdout.write(json.dumps({**result.figures, "password": result.password}))
        if result.failures:
            raise CommandError(f"{len(result.failures)} jobs failed.")

    def _start_world(self, options: dict[str, Any]) -> None:
        database = Path(options["database"]).resolve()
        _remove_demo_database(database)
        with world_beside_us("--now", format_utc(WORLD_OPENS_AT)) as world:
            environment = {
                **product_environment(world, database_url=f"sqlite:///{database}"),
                WORLD_VARIABLE: world["rest"].removesuffix("/trade-api/v2"),
            }
            command = [sys.executable, str(MANAGE), "demo", "--no-serve", "--json"]
            command += ["--days", str(options["days"])]
            command += ["--step-minutes", str(options["step_minutes"])]
            inside = subprocess.run(  # noqa: S603 - our own interpreter and script
                command, env=environment, stdout=subprocess.PIPE, text=True, check=False
            )
        if inside.returncode != 0:
            raise CommandError("The demo did not finish; the reason stands above.")
        result = json.loads(inside.stdout.strip().splitlines()[-1])
        password = result.pop("password")
        for line in summary_lines(result):
            self.stderr.write(line)
        if options["json"]:
            self.stdout.write(json.dumps(result))
        if not options["no_serve"]:
            self._serve(environment, options["port"], password)

    def _serve(self, environment: dict[str, str], port: int, password: str) -> None:
        self.stderr.write("")
        self.stderr.write(f"Console:  http://127.0.0.1:{port}/")
        self.stderr.write(f"User:     {USER}")
        self.stderr.write(f"Password: {password}   (made for this run)")
        self.stderr.write("Stop with Ctrl-C.")
        server = subprocess.Popen(  # noqa: S603 - our own interpreter
            [
                *(sys.executable, "-m", "gunicorn", "boz.wsgi:application"),
                *("--config", "deploy/gunicorn.py", "--bind", f"127.0.0.1:{port}"),
            ],
            env=environment,
            cwd=settings.BASE_DIR,
        )
        signal.signal(signal.SIGTERM, lambda *_: server.terminate())
        try:
            code = server.wait()
        except KeyboardInterrupt:
            server.terminate()
            code = server.wait()
        if code not in (0, -signal.SIGINT, -signal.SIGTERM):
            raise CommandError(
                f"The console stopped with code {code}; is port {port} in use? Try --port."
            )


def _require_free_port(port: int) -> None:
    """Say before the days are played that nothing could be served after them."""
    if not 1 <= port <= 65535:
        raise CommandError(f"--port must be 1 to 65535, was {port}.")
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError as error:
            raise CommandError(
                f"Port {port} cannot be used ({error.strerror}); choose another with --port."
            ) from error


def _remove_demo_database(database: Path) -> None:
    """Remove what an earlier demo left; refuse to touch anything else."""
    configured = settings.DATABASES["default"].get("NAME")
    if configured and Path(str(configured)).resolve() == database:
        raise CommandError(
            "The demo makes its database anew and will not do that to the configured one;"
            " choose another file with --database."
        )
    if database.exists() and not _is_demo_database(database):
        raise CommandError(
            f"{database} exists and was not made by the demo; choose another file with --database."
        )
    database.parent.mkdir(parents=True, exist_ok=True)
    for suffix in ("", "-wal", "-shm", ".demo"):
        database.with_name(database.name + suffix).unlink(missing_ok=True)
    _demo_mark(database).touch()


def _demo_mark(database: Path) -> Path:
    return database.with_name(database.name + ".demo")


def _is_demo_database(database: Path) -> bool:
    return _demo_mark(database).exists()
