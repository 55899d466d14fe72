"""Station reports (METAR and SPECI): the temperature as an interval, and the maximum groups.

Groups of the remarks: ``TsTTTsDDD`` (or the short ``TsTTT``) is the temperature in tenths of °C,
``1sTTT`` the maximum of the six hours before the report, ``4sTTTsTTT`` maximum and minimum of the
24 hours that end at local standard midnight; ``s`` is 1 below zero.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterable
from dataclasses import dataclass

from boz.core.clock import UTC, require_utc
from boz.core.errors import InvalidDataError
from weather.domain.temperature import (
    IntervalF,
    interval_of_tenths,
    interval_of_whole_celsius,
    require_plausible,
)

SIX_HOURS = dt.timedelta(hours=6)
#: The 24-hour group of a day comes in the routine report shortly before standard midnight.
BEFORE_MIDNIGHT = dt.timedelta(minutes=30)
AFTER_MIDNIGHT = dt.timedelta(minutes=10)
#: Body (whole °C) and remark (tenths) are the same reading; further apart one is corrupt.
BODY_REMARK_TENTHS = 10
CORRECTED = " COR"
#: Hours of local standard time between which a day's high is usually reached; the Central 6-hour
#: group of 00Z ends at about 17:53, the Eastern one begins at about 12:53.
AFTERNOON = (dt.timedelta(hours=13), dt.timedelta(hours=17, minutes=45))
#: Groups in a row are that exact only to the minute at which their reports are made.
GROUP_SLACK = dt.timedelta(minutes=10)

_HEAD = re.compile(
    r"(?:(?P<kind>METAR|SPECI)\s+)?(?:(?P<cor_first>COR)\s+)?(?P<icao>[A-Z][A-Z0-9]{3})\s+"
    r"(?P<day>\d{2})(?P<hour>\d{2})(?P<minute>\d{2})Z\s+(?P<rest>.+)",
    re.DOTALL,
)
_CORRECTION = re.compile(r"(?:AUTO\s+)?COR\b")
_BODY = re.compile(r"(?<!\S)(M?)(\d{2})/(?:M?\d{2}|//|XX|MM)?(?!\S)")
_TENTHS = re.compile(r"(?<!\S)T([01])(\d{3})(?:[01]\d{3})?(?!\S)")
_SIX_HOUR_MAX = re.compile(r"(?<!\S)1([01])(\d{3})(?!\S)")
_DAY_EXTREMES = re.compile(r"(?<!\S)4([01])(\d{3})[01]\d{3}(?!\S)")


@dataclass(frozen=True, slots=True)
class MetarReport:
    """One report; ``temperature`` is None when neither body nor remarks give one."""

    icao: str
    kind: str
    observed_at: dt.datetime
    temperature: IntervalF | None
    max_6h_f: int | None
    max_24h_f: int | None


def parse_metar(raw: str, *, around: dt.datetime, kind: str = "METAR") -> MetarReport:
    """Read one report.

    Args:
        raw: The report as sent, with or without its leading ``METAR`` and closing ``=``.
        around: A moment near the report; the text itself names no month.
        kind: Used when the text does not say which it is.

    Raises:
        InvalidDataError: If it is no report, or a temperature cannot be true.
    """
    text = " ".join(raw.split()).rstrip("=$ ").rstrip()
    match = _HEAD.fullmatch(text)
    if match is None:
        raise InvalidDataError("A station report cannot be read.", {"raw": raw[:200]})
    body, _, remarks = match["rest"].partition(" RMK")
    is_corrected = match["cor_first"] is not None or _CORRECTION.match(body) is not None
    return MetarReport(
        icao=match["icao"],
        kind=(match["kind"] or kind) + (CORRECTED if is_corrected else ""),
        observed_at=_nearest(
            int(match["day"]), int(match["hour"]), int(match["minute"]), around=around, raw=raw
        ),
        temperature=_temperature(body, remarks),
        max_6h_f=_group_maximum(_SIX_HOUR_MAX, remarks, what="A 6-hour maximum"),
        max_24h_f=_group_maximum(_DAY_EXTREMES, remarks, what="A 24-hour maximum"),
    )


def six_hour_window(observed_at: dt.datetime) -> tuple[dt.datetime, dt.datetime]:
    """Return the period of a 6-hour maximum: the six hours that end with its report."""
    return observed_at - SIX_HOURS, observed_at


def is_six_hour_group_of_day(
    observed_at: dt.datetime, *, day_start: dt.datetime, day_end: dt.datetime
) -> bool:
    """Say whether a 6-hour maximum was certainly measured inside a climate day.

    East of the Central zone the group of about 06Z spans standard midnight, so its maximum may
    belong to either day.
    """
    start, end = six_hour_window(observed_at)
    return start >= day_start and end <= day_end


def cover_afternoon(
    periods: Iterable[tuple[dt.datetime, dt.datetime]], *, day_start: dt.datetime
) -> bool:
    """Say whether maximum groups together span the afternoon of a climate day.

    Readings on the hour miss peaks between them; once groups cover the whole afternoon the high is
    rarely raised any more. West of the Central zone that takes two 6-hour groups.

    Args:
        periods: Start and end of each group that counts for the day.
        day_start: Start of the climate day.
    """
    covered = day_start + AFTERNOON[0]
    for start, end in sorted(periods):
        if start <= covered + GROUP_SLACK:
            covered = max(covered, end)
    return covered >= day_start + AFTERNOON[1]


def is_day_group_of_day(observed_at: dt.datetime, *, day_end: dt.datetime) -> bool:
    """Say whether a 24-hour maximum is that of the climate day ending at ``day_end``."""
    return day_end - BEFORE_MIDNIGHT <= observed_at <= day_end + AFTER_MIDNIGHT


def _temperature(body: str, remarks: str) -> IntervalF | None:
    whole = _BODY.search(body)
    whole_c = None if whole is None else int(whole[2]) * (-1 if whole[1] else 1)
    tenths = _TENTHS.search(remarks)
    if tenths is not None:
        value = _signed(tenths)
        if whole_c is not None and abs(value - 10 * whole_c) > BODY_REMARK_TENTHS:
            raise InvalidDataError(
                "A station report gives two different temperatures.",
                {"whole_c": whole_c, "tenths_c": value / 10},
            )
        interval = interval_of_tenths(value)
    elif whole_c is not None:
        interval = interval_of_whole_celsius(whole_c)
    else:
        return None
    require_plausible(interval.low_f, what="An observed temperature")
    require_plausible(interval.high_f, what="An observed temperature")
    return interval


def _group_maximum(pattern: re.Pattern[str], remarks: str, *, what: str) -> int | None:
    """Return the lowest whole °F that a maximum group can mean."""
    match = pattern.search(remarks)
    if match is None:
        return None
    maximum = interval_of_tenths(_signed(match)).low_f
    require_plausible(maximum, what=what)
    return maximum


def _signed(match: re.Match[str]) -> int:
    return int(match[2]) * (-1 if match[1] == "1" else 1)


def _nearest(day: int, hour: int, minute: int, *, around: dt.datetime, raw: str) -> dt.datetime:
    """Return the moment with this day, hour and minute that is nearest to ``around``."""
    middle = require_utc(around, name="around")
    first = middle.replace(day=1)
    months = {
        (moment.year, moment.month)
        for moment in (first - dt.timedelta(days=1), first, first + dt.timedelta(days=32))
    }
    candidates = []
    for year, month in months:
        try:
            candidates.append(dt.datetime(year, month, day, hour, minute, tzinfo=UTC))
        except ValueError:
            continue
    if not candidates:
        raise InvalidDataError("A station report has an impossible time.", {"raw": raw[:200]})
    return min(candidates, key=lambda moment: abs(moment - middle))
