"""The demo from the inside: an ordinary installation lives through recorded days."""

from __future__ import annotations

import datetime as dt
import secrets
import sys
import time
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any

from django.conf import settings
from django.contrib.auth import get_user_model
from django.core.management import call_command
from django.utils.module_loading import import_string
from tqdm import tqdm

from boz.core.scheduling import ScheduleEntry
from boz.sandbox.demo_report import demo_figures
from boz.sandbox.places import BY_CITY
from boz.sandbox.replay import ReplayReport, WorldClock, learn_history, play_days
from boz.sandbox.scenarios import FIRST_DAY, LAST_DAY
from trading.choices import Mode
from trading.models import Portfolio
from trading.services.portfolios import open_portfolio
from weather.models import ForecastSource, Station
from weather.sources import DSM, NWS_HOURLY, NWS_PERIODS, SOURCES, Service

MAX_DAYS = (LAST_DAY - FIRST_DAY).days + 1
#: As-issued forecasts begin on 27 July; the reports of the four weeks before are listed by then.
HISTORY_FROM = dt.date(2024, 7, 28)
WORLD_OPENS_AT = dt.datetime.combine(HISTORY_FROM, dt.time(0, 0, tzinfo=dt.UTC))

#: Nothing of these was kept for those days with the time at which it came out.
UNRECORDED_SERVICES = (Service.OPEN_METEO, Service.NBM, Service.WEATHER_COMPANY)
UNRECORDED_SOURCES = (DSM, NWS_HOURLY, NWS_PERIODS)

#: Nothing that is decided reads candles; hourly ones would be a fifth of the demo's work.
SELDOM = "3 */8 * * *"

USER = "demo"
PORTFOLIO = "Demo"
DEPOSIT_DOLLARS = Decimal("1000.00")


@dataclass(frozen=True, slots=True)
class DemoResult:
    """How the demo ended."""

    figures: dict[str, Any]
    password: str
    failures: list[str]


def live_through(*, world: str, days: int, step: dt.timedelta) -> DemoResult:
    """Learn from the history, then trade ``days`` climate days.

    Args:
        world: Control address of the local world.
        days: Climate days to trade, from the first recorded one.
        step: Simulated time between two looks at the world.
    """
    started = time.monotonic()
    call_command("migrate", verbosity=0, interactive=False)
    _choose_recorded_cities()
    _choose_recorded_sources()
    portfolio, password = _open_demo_portfolio()
    clock, report = WorldClock(world), ReplayReport()
    try:
        _learn(clock, report)
        _trade(clock, report, days=days, step=step)
    finally:
        clock.close()
    figures = demo_figures(portfolio=portfolio, days=days)
    figures["failed_jobs"] = len(report.failures)
    figures["seconds"] = round(time.monotonic() - started, 1)
    return DemoResult(figures=figures, password=password, failures=report.failures)


def _choose_recorded_cities() -> None:
    """Switch on the cities of the recordings and no others, as an operator would in the admin."""
    Station.objects.update(is_active=False)
    Station.objects.filter(code__in=BY_CITY).update(is_active=True)


def _choose_recorded_sources() -> None:
    """Switch off the sources of which nothing was recorded as it was issued, in the same way."""
    unrecorded = [item.code for item in SOURCES if item.service in UNRECORDED_SERVICES]
    unrecorded += UNRECORDED_SOURCES
    ForecastSource.objects.filter(code__in=unrecorded).update(is_active=False)


def _open_demo_portfolio() -> tuple[Portfolio, str]:
    """Make the demo's user, with a password for this run only, and its portfolio."""
    password = secrets.token_urlsafe(12)
    owner = get_user_model().objects.create_superuser(USER, password=password)
    portfolio = open_portfolio(
        name=PORTFOLIO,
        owner=owner,
        deposit_dollars=DEPOSIT_DOLLARS,
        now=WORLD_OPENS_AT,
        mode=Mode.AUTO,
    )
    return portfolio, password


def _learn(clock: WorldClock, report: ReplayReport) -> None:
    last = FIRST_DAY - dt.timedelta(days=2)
    total = (last - HISTORY_FROM).days + 1
    with _progress(total, "Learning", "day") as bar:
        learn_history(
            clock=clock,
            first=HISTORY_FROM,
            last=last,
            report=report,
            progress=lambda _: _advance(bar, 1),
        )


def _trade(clock: WorldClock, report: ReplayReport, *, days: int, step: dt.timedelta) -> None:
    last_day = FIRST_DAY + dt.timedelta(days=days - 1)
    total = (days + 1) * dt.timedelta(days=1) // step + 1
    with _progress(total, "Trading ", "step") as bar:
        play_days(
            clock=clock,
            schedule=_schedule(),
            first_day=FIRST_DAY,
            last_day=last_day,
            step=step,
            report=report,
            progress=lambda moment: _advance(bar, 1, f"{moment:%d %b %H:%M}Z"),
        )


def _schedule() -> list[ScheduleEntry]:
    """Return the ordinary schedule, but candles for people to look at a few times a day."""
    return [
        replace(entry, cron=SELDOM) if entry.agent == "candles" else entry
        for entry in import_string(f"{settings.SCHEDULES_MODULE}.SCHEDULES")
    ]


def _progress(total: int, label: str, unit: str) -> tqdm[Any]:
    """Return a bar that moves smoothly for a person and writes few lines into a log."""
    pause = 0.1 if sys.stderr.isatty() else 5.0
    return tqdm(total=total, desc=label, unit=unit, file=sys.stderr, mininterval=pause)


def _advance(bar: tqdm[Any], steps: int, label: str = "") -> None:
    bar.update(steps)
    if label:
        bar.set_postfix_str(label, refresh=False)
