"""An installation's check-up: what works, what does not, and what to do about it."""

from __future__ import annotations

import datetime as dt
import email.utils
import shutil
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from django.conf import settings
from django.core.checks import ERROR, run_checks
from django.db import DatabaseError, connection
from django.db.migrations.executor import MigrationExecutor

from boz.core.checks import check_queue
from boz.core.encryption import decrypt, encrypt
from boz.core.errors import BozBaseException
from boz.core.http import HttpTransport
from boz.core.models import JobRun
from boz.core.redaction import redact_text
from boz.core.services.schedules import scheduled_agents

#: Where each service is asked for a sign of life; any answer is one, so the smallest page will do.
SERVICES = {
    "nws": ("NWS_API_URL", ""),
    "aviationweather": ("AVIATIONWEATHER_API_URL", ""),
    "open-meteo": ("OPEN_METEO_API_URL", "data/ncep_hrrr_conus/static/meta.json"),
    "nbm": ("NBM_API_URL", "robots.txt"),
    "iem": ("IEM_API_URL", "robots.txt"),
    "weather-company": ("WEATHER_COMPANY_API_URL", "climate/primary"),
    "kalshi": ("KALSHI_API_URL", "exchange/status"),
}
#: Told by a finding of their own.
QUEUE_CHECKS = frozenset({"boz.E001", "boz.E002", "boz.E003"})
MINIMUM_FREE_BYTES = 1024**3
MAX_CLOCK_SKEW = dt.timedelta(seconds=10)
REACH_TIMEOUT_SECONDS = 5.0


@dataclass(frozen=True, slots=True)
class Finding:
    """The result of one check; only a required one makes an installation unfit."""

    name: str
    ok: bool
    detail: str
    next_step: str = ""
    required: bool = False


#: Looks at what an app keeps in the database, as of a moment; never at the network.
Examiner = Callable[[dt.datetime], Iterable[Finding]]

_EXAMINERS: list[Examiner] = []


def register_examiner(examiner: Examiner) -> None:
    """Let an app add findings of its own; it is asked once the database is up to date."""
    if examiner not in _EXAMINERS:
        _EXAMINERS.append(examiner)


def examine(*, now: dt.datetime, offline: bool) -> list[Finding]:
    """Return every finding; ``offline`` leaves out what needs the network."""
    findings = [_settings(), _queue(), _database()]
    if findings[-1].ok:
        findings += _of_the_database(now=now)
    findings += [_encryption(), _disk()]
    if offline:
        return [*findings, _clock(now=now, server_times=[])]
    server_times: list[dt.datetime] = []
    findings += [_reach(name, server_times) for name in SERVICES]
    return [*findings, _clock(now=now, server_times=server_times)]


def _of_the_database(*, now: dt.datetime) -> list[Finding]:
    migrations = _migrations()
    findings = [migrations, *_agents(now=now)]
    if migrations.ok:
        findings += [finding for examiner in _EXAMINERS for finding in examiner(now)]
    return findings


def _settings() -> Finding:
    try:
        messages = run_checks(include_deployment_checks=False)
    except Exception as error:  # noqa: BLE001 - a module that does not load is a finding, too
        problems = redact_text(f"{type(error).__name__}: {error}")
    else:
        problems = " ".join(
            str(message.msg)
            for message in messages
            if message.level >= ERROR and message.id not in QUEUE_CHECKS
        )
    if not problems:
        return Finding("settings", True, f"Environment {settings.ENVIRONMENT}.", required=True)
    next_step = "Run manage.py check and correct what it lists."
    return Finding("settings", False, problems, next_step, required=True)


def _queue() -> Finding:
    problems = check_queue(None)
    if problems:
        return Finding(
            "queue",
            False,
            " ".join(str(problem.msg) for problem in problems),
            " ".join(str(problem.hint) for problem in problems),
            required=True,
        )
    queue = settings.Q_CLUSTER
    broker = "Redis" if queue.get("redis") else "the database"
    return Finding("queue", True, f"Workers: {queue['workers']}, on {broker}.", required=True)


def _database() -> Finding:
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
    except DatabaseError as error:
        return Finding(
            "database",
            False,
            f"It does not answer ({type(error).__name__}).",
            "Start the database, and check DATABASE_URL.",
            required=True,
        )
    return Finding("database", True, f"{connection.display_name} answers.", required=True)


def _migrations() -> Finding:
    executor = MigrationExecutor(connection)
    plan = executor.migration_plan(executor.loader.graph.leaf_nodes())
    if plan:
        return Finding(
            "migrations",
            False,
            f"{len(plan)} migrations are not applied.",
            "Run manage.py migrate.",
            required=True,
        )
    return Finding("migrations", True, "All migrations are applied.", required=True)


def _agents(*, now: dt.datetime) -> Iterator[Finding]:
    tables = connection.introspection.table_names()
    if JobRun._meta.db_table not in tables:
        return
    for agent in scheduled_agents():
        runs = JobRun.objects.filter(agent=agent.name, is_dry_run=False)
        success = runs.filter(status=JobRun.Status.OK).order_by("-started_at").first()
        last = (
            runs.filter(status__in=[JobRun.Status.OK, JobRun.Status.FAILED])
            .order_by("-started_at")
            .first()
        )
        yield _agent_finding(agent.name, success, last, now=now)


def _agent_finding(
    name: str, success: JobRun | None, last: JobRun | None, *, now: dt.datetime
) -> Finding:
    again = f"Run manage.py run_agent {name} and read what it says."
    if success is None or success.finished_at is None:
        said = f" Its last run said: {last.error}" if last is not None else ""
        return Finding(f"agent {name}", False, f"It has not succeeded yet.{said}", again)
    minutes = (now - success.finished_at).total_seconds() / 60
    detail = f"Last success {minutes:.0f} minutes ago."
    if last is not None and last.status == JobRun.Status.FAILED:
        return Finding(f"agent {name}", False, f"{detail} Its last run said: {last.error}", again)
    if success.skipped and not any(success.done.values()):
        reason = success.skipped[0].get("reason", "")
        return Finding(f"agent {name}", False, f"{detail} It got nothing done: {reason}", again)
    return Finding(f"agent {name}", True, detail)


def _encryption() -> Finding:
    keys = settings.ENCRYPTION_KEYS
    try:
        token = encrypt("round trip", bound_to="doctor", keys=keys)
        is_same = decrypt(token, bound_to="doctor", keys=keys) == "round trip"
    except BozBaseException as error:
        return Finding(
            "encryption", False, error.message, "Set ENCRYPTION_KEY to a good key.", required=True
        )
    detail = f"A secret survives the round trip; keys configured: {len(keys)}."
    return Finding("encryption", is_same, detail, required=True)


def _disk() -> Finding:
    free = shutil.disk_usage(Path(settings.BASE_DIR)).free
    is_enough = free >= MINIMUM_FREE_BYTES
    return Finding(
        "disk",
        is_enough,
        f"{free / 1024**3:.1f} GB free.",
        "" if is_enough else "Free some space: a full disk stops the database.",
    )


def _reach(name: str, server_times: list[dt.datetime]) -> Finding:
    setting, path = SERVICES[name]
    url = getattr(settings, setting, "")
    if not url:
        return Finding(f"service {name}", True, f"{setting} is empty, so it is not used.")
    status: int | None
    with HttpTransport(
        base_url=url,
        source=name,
        user_agent=getattr(settings, "NWS_USER_AGENT", ""),
        timeout_seconds=REACH_TIMEOUT_SECONDS,
        retries=0,
    ) as http:
        try:
            fetched = http.get(path)
        except BozBaseException as error:
            status = error.context.get("status")
            detail = error.message
        else:
            status, detail = fetched.status, "It answers."
            _note_time(fetched.headers.get("date", ""), server_times)
    if status is None or status >= 500:
        return Finding(
            f"service {name}", False, detail, f"Check the network and {setting}; try again later."
        )
    return Finding(f"service {name}", True, f"It answers with status {status}.")


def _note_time(header: str, server_times: list[dt.datetime]) -> None:
    try:
        server_times.append(email.utils.parsedate_to_datetime(header))
    except ValueError:
        return


def _clock(*, now: dt.datetime, server_times: list[dt.datetime]) -> Finding:
    """Compare with servers when one told its time, else with what the database has seen."""
    fix = "Set the machine's clock, e.g. by NTP: climate days and signatures depend on it."
    aware = [time for time in server_times if time.tzinfo is not None]
    if aware:
        skew = min((abs(now - time) for time in aware), default=dt.timedelta(0))
        is_good = skew <= MAX_CLOCK_SKEW
        detail = f"{skew.total_seconds():.0f} s away from the services' clocks."
        return Finding("clock", is_good, detail, "" if is_good else fix)
    newest: Callable[[], dt.datetime | None] = (
        JobRun.objects.order_by("-started_at").values_list("started_at", flat=True).first
    )
    try:
        last = newest()
    except DatabaseError:
        last = None
    if last is not None and last > now + MAX_CLOCK_SKEW:
        return Finding("clock", False, "The database holds runs from the future.", fix)
    return Finding("clock", True, f"It says {now:%Y-%m-%d %H:%M:%S} UTC; nothing contradicts it.")
