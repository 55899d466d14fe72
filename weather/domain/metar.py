"""Station reports (METAR and SPECI): the temperature as an interval, maximum and minimum groups.

Groups of the remarks: ``TsTTTsDDD`` (or the short ``TsTTT``) is the temperature in tenths of °C,
``1sTTT`` and ``2sTTT`` are maximum and minimum of the six hours before the report, ``4sTTTsTTT``
those of the 24 hours that end at local standard midnight; ``s`` is 1 below zero. Groups count only
after ``RMK``: elsewhere the same digits mean wind or clouds. A ``$`` at the end says that the
station needs maintenance.
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
KINDS = ("METAR", "SPECI")
#: Hours of local standard time between which a day's high is usually reached; the Central 6-hour
#: group of 00Z ends at about 17:53, the Eastern one begins at about 12:53.
AFTERNOON = (dt.timedelta(hours=13), dt.timedelta(hours=17, minutes=45))
#: Groups in a row are that exact only to the minute at which their reports are made.
GROUP_SLACK = dt.timedelta(minutes=10)

#: Type, correction, station and time, as every report begins.
_START = (
    r"(?:(?P<kind>METAR|SPECI)\s+)?(?:(?P<cor_first>COR)\s+)?(?P<icao>[A-Z][A-Z0-9]{3})\s+"
    r"(?P<day>[0-9]{2})(?P<hour>[0-9]{2})(?P<minute>[0-9]{2})Z(?!\S)"
)
_REPORT_START = re.compile(_START)
_HEAD = re.compile(_START + r"\s+(?P<rest>.+)", re.DOTALL)
_CORRECTION = re.compile(r"(?:AUTO\s+)?COR\b")
_REMARKS = re.compile(r"(?<!\S)RMK")
_BODY = re.compile(r"(?<!\S)(M?)([0-9]{2})/(?:M?[0-9]{2}|//|XX|MM)?(?!\S)")
_TENTHS = re.compile(r"(?<!\S)T([01])([0-9]{3})(?:[01][0-9]{3})?(?!\S)")
_SIX_HOUR_MAX = re.compile(r"(?<!\S)1([01])([0-9]{3})(?!\S)")
_SIX_HOUR_MIN = re.compile(r"(?<!\S)2([01])([0-9]{3})(?!\S)")
_DAY_MAX = re.compile(r"(?<!\S)4([01])([0-9]{3})[01][0-9]{3}(?!\S)")
_DAY_MIN = re.compile(r"(?<!\S)4[01][0-9]{3}([01])([0-9]{3})(?!\S)")
#: Lines of a collective that are no report: its number, its heading.
_HEADING = re.compile(r"[0-9]{1,3}|[A-Z]{4}[0-9]{2} [A-Z]{4} [0-9]{6}(?: [A-Z]{3})?")
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f]")


@dataclass(frozen=True, slots=True)
class MetarReport:
    """One report; ``temperature`` is None when neither body nor remarks give one.

    Args:
        max_6h_f: Lowest whole °F that the maximum group can mean; ``max_24h_f`` likewise.
        min_6h_f: Highest whole °F that the minimum group can mean; ``min_24h_f`` likewise.
        needs_maintenance: Whether the station asks for maintenance; its values may be off.
    """

    icao: str
    kind: str
    observed_at: dt.datetime
    temperature: IntervalF | None
    max_6h_f: int | None
    max_24h_f: int | None
    min_6h_f: int | None = None
    min_24h_f: int | None = None
    needs_maintenance: bool = False


def split_collective(text: str) -> tuple[str, ...]:
    """Return the reports of a collective one by one, each on one line.

    A report ends at ``=``, or where the next one begins in a line of its own: a lost ``=`` must not
    hand a station the groups of another. A type given once for all is put before each. What is no
    report (a Canadian one, a fragment) is returned as well, for :func:`parse_metar` to refuse.
    """
    reports: list[str] = []
    words: list[str] = []
    kind = ""

    def close() -> None:
        if words:
            report = " ".join(" ".join(words).split())
            is_bare = kind and _REPORT_START.match(report) and not report.startswith(KINDS)
            reports.append(f"{kind} {report}" if is_bare else report)
            words.clear()

    for line in _CONTROL.sub("\n", text).splitlines():
        stripped = " ".join(line.split())
        if stripped in KINDS or _HEADING.fullmatch(stripped):
            close()
            kind = stripped if stripped in KINDS else ""
            continue
        for number, piece in enumerate(stripped.split("=")):
            if number or _REPORT_START.match(piece):
                close()
            if piece.strip():
                words.append(piece)
    close()
    return tuple(reports)


def parse_metar(raw: str, *, around: dt.datetime, kind: str = "METAR") -> MetarReport:
    """Read one report.

    Args:
        raw: The report as sent, with or without its leading ``METAR`` and closing ``=``.
        around: A moment near the report; the text itself names no month.
        kind: Used when the text does not say which it is.

    Raises:
        InvalidDataError: If it is no report, or a temperature cannot be true.
    """
    whole = " ".join(raw.split())
    text = whole.rstrip("=$ ")
    match = _HEAD.fullmatch(text)
    if match is None:
        raise InvalidDataError("A station report cannot be read.", {"raw": raw[:200]})
    body, *after = _REMARKS.split(match["rest"], maxsplit=1)
    remarks = "".join(after)
    is_corrected = match["cor_first"] is not None or _CORRECTION.match(body) is not None
    return MetarReport(
        icao=match["icao"],
        kind=(match["kind"] or kind) + (CORRECTED if is_corrected else ""),
        observed_at=_nearest(
            int(match["day"]), int(match["hour"]), int(match["minute"]), around=around, raw=raw
        ),
        temperature=_temperature(body, remarks),
        max_6h_f=_maximum(_SIX_HOUR_MAX, remarks, what="A 6-hour maximum"),
        max_24h_f=_maximum(_DAY_MAX, remarks, what="A 24-hour maximum"),
        min_6h_f=_minimum(_SIX_HOUR_MIN, remarks, what="A 6-hour minimum"),
        min_24h_f=_minimum(_DAY_MIN, remarks, what="A 24-hour minimum"),
        needs_maintenance="$" in whole[len(text) :],
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
    whole_c = _only(_BODY, body, below_zero="M", what="A temperature")
    tenths_c = _only(_TENTHS, remarks, what="A temperature in tenths")
    if tenths_c is not None:
        if whole_c is not None and abs(tenths_c - 10 * whole_c) > BODY_REMARK_TENTHS:
            raise InvalidDataError(
                "A station report gives two different temperatures.",
                {"whole_c": whole_c, "tenths_c": tenths_c / 10},
            )
        interval = interval_of_tenths(tenths_c)
    elif whole_c is not None:
        interval = interval_of_whole_celsius(whole_c)
    else:
        return None
    require_plausible(interval.low_f, what="An observed temperature")
    require_plausible(interval.high_f, what="An observed temperature")
    return interval


def _maximum(pattern: re.Pattern[str], remarks: str, *, what: str) -> int | None:
    tenths_c = _only(pattern, remarks, what=what)
    if tenths_c is None:
        return None
    lowest = interval_of_tenths(tenths_c).low_f
    require_plausible(lowest, what=what)
    return lowest


def _minimum(pattern: re.Pattern[str], remarks: str, *, what: str) -> int | None:
    tenths_c = _only(pattern, remarks, what=what)
    if tenths_c is None:
        return None
    highest = interval_of_tenths(tenths_c).high_f
    require_plausible(highest, what=what)
    return highest


def _only(pattern: re.Pattern[str], text: str, *, what: str, below_zero: str = "1") -> int | None:
    """Return the value that a group has in a text; None without the group.

    Raises:
        InvalidDataError: If the group is there with several values: two reports have run together.
    """
    values = {
        -int(digits) if sign == below_zero else int(digits)
        for sign, digits in pattern.findall(text)
    }
    if len(values) > 1:
        raise InvalidDataError(
            f"{what} appears in a station report with several values.",
            {"values": sorted(values)},
        )
    return next(iter(values), None)


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
