"""Where Open-Meteo is asked, and how much of it an address may use."""

from __future__ import annotations

import datetime as dt
import re
from dataclasses import dataclass

import httpx

from boz.core.http import Fetched
from boz.core.rate_windows import DAY, HOUR, MINUTE, Window, seconds_left

PUBLIC_HOST = "api.open-meteo.com"
#: Without a key; counted per address in windows of the clock, over all hosts of the service.
FREE_PER_HOUR, FREE_PER_DAY = 5000.0, 10000.0

#: A call for more variables, or for more days, than these counts as several.
VARIABLES_PER_CALL, DAYS_PER_CALL = 10.0, 14.0

_REASON = re.compile(r'"reason"\s*:\s*"((?:[^"\\]|\\.)*)')
_WINDOW_OF_REASON = {"minutely": MINUTE, "hourly": HOUR, "daily": DAY}


@dataclass(frozen=True, slots=True)
class Hosts:
    """Base addresses by what is asked for."""

    forecast: str
    ensemble: str
    previous_runs: str


def is_public(base_url: str) -> bool:
    """Say whether this is the public service, which has a host per interface and takes keys."""
    return httpx.URL(base_url).host == PUBLIC_HOST


def hosts(base_url: str, *, has_key: bool) -> Hosts:
    """Return the addresses to ask; any but the public one serves everything itself."""
    if not is_public(base_url):
        return Hosts(base_url, base_url, base_url)
    prefix = "https://customer-" if has_key else "https://"
    return Hosts(
        forecast=prefix + PUBLIC_HOST,
        ensemble=f"{prefix}ensemble-{PUBLIC_HOST}",
        previous_runs=f"{prefix}previous-runs-{PUBLIC_HOST}",
    )


def windows(base_url: str, *, has_key: bool, per_minute: float) -> tuple[Window, ...]:
    """Return the limits that hold: per minute always, per hour and day for free use."""
    minute = (MINUTE, per_minute)
    if has_key or not is_public(base_url):
        return (minute,)
    return (minute, (HOUR, FREE_PER_HOUR), (DAY, FREE_PER_DAY))


def call_weight(*, variables: int, days: int, places: int) -> float:
    """Return how many ordinary calls a request counts as.

    Args:
        variables: Asked for, times the members of an ensemble.
        days: Covered by the request, past ones included.
        places: Asked for at once.
    """
    many_variables = variables / VARIABLES_PER_CALL
    return places * max(1.0, many_variables, many_variables * days / DAYS_PER_CALL)


def refusal_reason(text: str) -> str:
    """Return the sentence in the body of a refusal, which may be cut off; empty without one."""
    match = _REASON.search(text)
    return "" if match is None else match.group(1).strip()


def asked_patience(refusal: Fetched, now: dt.datetime) -> float | None:
    """Return the seconds until the window that a refusal calls exhausted is over.

    None when it names no window, as with too many calls at the same moment.
    """
    if refusal.status != 429:
        return None
    window = _WINDOW_OF_REASON.get(refusal_reason(refusal.text).partition(" ")[0].lower())
    return None if window is None else seconds_left(window, now=now.timestamp())
