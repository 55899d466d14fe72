"""The outside sources, and how old what they said is, in an installation's check-up."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator

from django.db.models import Q

from boz.core.errors import DataUnavailable
from boz.core.services.doctor import Finding, register_examiner
from weather.models import ForecastSource, Station
from weather.selectors import fresh_forecasts, fresh_observation
from weather.sources import SOURCES_BY_CODE

Status = ForecastSource.Status


def examine_sources(now: dt.datetime) -> Iterator[Finding]:
    """Return a finding for each active source that is down or paused, and one on the others."""
    active = ForecastSource.objects.filter(is_active=True)
    ailing = active.filter(Q(status=Status.DOWN) | Q(paused_until__gt=now))
    for source in ailing:
        yield Finding(f"source {source.code}", False, _detail(source, now=now), _next_step(source))
    polled = [code for code, facts in SOURCES_BY_CODE.items() if facts.is_polled]
    others = list(active.filter(code__in=polled).exclude(pk__in=ailing))
    degraded = [item.code for item in others if item.status == Status.DEGRADED]
    unasked = [item.code for item in others if item.status == Status.UNKNOWN]
    words = [f"{len(others) - len(degraded) - len(unasked)} work"]
    words += [f"degraded: {', '.join(degraded)}"] if degraded else []
    words += [f"never asked: {', '.join(unasked)}"] if unasked else []
    yield Finding("sources", True, f"{'; '.join(words)}.")


def examine_freshness(now: dt.datetime) -> Iterator[Finding]:
    """Return a finding for each active station of which what we know is too old to act on."""
    for station in Station.objects.filter(is_active=True):
        problems = []
        try:
            fresh_forecasts(station=station, climate_day=station.climate_day(now), as_of=now)
        except DataUnavailable as error:
            problems.append(error.message)
        try:
            fresh_observation(station=station, as_of=now)
        except DataUnavailable as error:
            problems.append(error.message)
        if problems:
            yield Finding(
                f"station {station.code}",
                False,
                " ".join(problems),
                "See that the worker runs (make worker), or run manage.py run_agent weather "
                "--once; switch the station off in the admin if you do not trade it.",
            )


def _detail(source: ForecastSource, *, now: dt.datetime) -> str:
    words = [f"{source.name} is {source.get_status_display()}."]
    if source.status_reason:
        words.append(source.status_reason)
    if source.last_error:
        words.append(f"It last met: {source.last_error}")
    is_paused = source.paused_until is not None and source.paused_until > now
    if is_paused and f"{source.paused_until:%H:%M} UTC" not in source.status_reason:
        words.append(f"It is paused until {source.paused_until:%Y-%m-%d %H:%M} UTC.")
    return " ".join(words)


def _next_step(source: ForecastSource) -> str:
    return (
        "Check the network and the address in the settings. When it is well again, end the pause "
        "in the admin (Forecast sources: Ask again now), or wait; when it is gone for good, "
        f"switch {source.code} off there."
    )


register_examiner(examine_sources)
register_examiner(examine_freshness)
