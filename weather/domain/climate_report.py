"""The daily climate report (CLI): the official high and low of a station's climate day.

The text comes in many layouts, so a row is read from its left edge: label, value, flags, time.
Only rows below TEMPERATURE and TODAY or YESTERDAY count; normals and records further down carry
the same words. The day is that of the headline, never of the issuance.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterator
from dataclasses import dataclass

from boz.core.clock import UTC
from boz.core.errors import InvalidDataError
from weather.domain.temperature import require_plausible

#: An observed value starts left of this column; further right a blank value would be replaced by
#: the record of the day.
VALUE_COLUMNS = 23

_MONTHS = {
    name: number
    for number, name in enumerate(
        ("JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC"), 1
    )
}
#: Hours from UTC of the civil zones that issuance lines name.
_ZONES = {
    "EST": -5, "EDT": -4, "CST": -6, "CDT": -5, "MST": -7, "MDT": -6, "PST": -8, "PDT": -7,
    "AKST": -9, "AKDT": -8, "HST": -10, "SST": -11, "AST": -4, "CHST": 10, "GMT": 0, "UTC": 0,
}  # fmt: skip

_WMO = re.compile(
    r"^[A-Z]{4}\d{2}\s+[A-Z]{4}\s+(?P<day>\d{2})(?P<hour>\d{2})(?P<minute>\d{2})"
    r"(?:\s+(?P<bbb>[A-Z]{3}))?\s*$",
    re.MULTILINE,
)
_AWIPS = re.compile(r"^(?P<id>CLI[A-Z0-9]{3})\s*$", re.MULTILINE)
_TITLE = re.compile(r"^CLIMATE REPORT(?P<rest>.*)$", re.MULTILINE)
_ISSUED = re.compile(
    r"^\s*(?P<clock>\d{1,4})\s+(?P<half>AM|PM)\s+(?P<zone>[A-Z]{3,4})\s+[A-Z]{3}\s+"
    r"(?P<month>[A-Z]{3,9})\s+(?P<day>\d{1,2})\s+(?P<year>\d{4})",
    re.MULTILINE,
)
_HEADLINE = re.compile(
    r"^\.\.\.\s*(?:THE\s+)?(?P<name>\S[^\n]*?)\s+CLIMATE\s+SUMMARY\s+(?:FOR|FROM)\s+"
    r"(?P<month>[A-Z]{3,9})\.?\s+(?P<day>\d{1,2}),?\s+(?P<year>\d{4})(?P<tail>[^.\n]*)\.\.",
    re.MULTILINE,
)
_VALID = re.compile(r"^\s*VALID\s+(?:TODAY\s+)?AS\s+OF\s+(?P<time>[^\n]*?)\s*$", re.MULTILINE)
_TEMPERATURE = re.compile(r"^\s*TEMPERATURE\s*\(F\)\s*$")
_DAY_LABEL = re.compile(r"^\s*(?:TODAY|YESTERDAY)\s*$")
_BLOCK_END = re.compile(
    r"^\s*(?:PRECIPITATION|SNOWFALL|DEGREE|WIND|SKY|WEATHER|RELATIVE|SUNRISE|THE |"
    r"\.{4,}|&&|\$\$|-  )"
)
_ROW = re.compile(
    r"^\s*(?P<label>MAXIMUM|MINIMUM)(?P<gap>\s+)(?P<value>-?\d{1,3}|MM|M)"
    r"(?P<flags>(?:\s?(?:R|E|\(E\)|\*))*)(?=\s|$)"
    r"(?:\s+(?P<clock>\d{1,2}:\d{2}|\d{3,4})\s*(?P<half>AM|PM)(?=\s|$))?"
)
_LABEL_ONLY = re.compile(r"^\s*(?:MAXIMUM|MINIMUM)\b(?P<rest>.*)$")


@dataclass(frozen=True, slots=True)
class ClimateSummary:
    """What one station section of a product says.

    Args:
        station_name: As in the headline, runs of blanks made one.
        climate_day: Day of the headline, local standard time.
        max_f: Maximum in whole °F, None when missing.
        max_time_lst: ``HH:MM`` in local standard time, empty when not given.
        is_preliminary: Whether the day was still running: a lower bound, never the day's value.
        valid_as_of: What the VALID line says, empty on a final report.
        issued_at: From the transmission header and the issuance line, UTC.
    """

    awips_id: str
    station_name: str
    climate_day: dt.date
    max_f: int | None
    max_time_lst: str
    max_is_record: bool
    max_is_estimated: bool
    min_f: int | None
    min_time_lst: str
    is_preliminary: bool
    valid_as_of: str
    is_correction: bool
    issued_at: dt.datetime


@dataclass(frozen=True, slots=True)
class _Reading:
    value_f: int | None = None
    time_lst: str = ""
    is_record: bool = False
    is_estimated: bool = False


_MISSING = _Reading()


def parse_climate_reports(text: str, *, awips_id: str | None = None) -> tuple[ClimateSummary, ...]:
    """Return every station section of a product, in its order.

    Args:
        text: The product as sent.
        awips_id: What the product must be, e.g. ``CLINYC``; None takes any climate report.

    Raises:
        InvalidDataError: If it is another product, is cut off, or says what cannot be true.
    """
    text = text.replace("\r", "").upper()
    found_id = _AWIPS.search(text)
    if found_id is None:
        raise InvalidDataError("This text is no daily climate report.", {"text": text[:120]})
    if awips_id is not None and found_id["id"] != awips_id:
        raise InvalidDataError(
            f"This is the climate report {found_id['id']}, not {awips_id}.",
            {"awips_id": found_id["id"], "expected": awips_id},
        )
    headlines = list(_HEADLINE.finditer(text))
    if not headlines:
        raise InvalidDataError(
            "A climate report has no headline that names station and day.",
            {"awips_id": found_id["id"]},
        )
    head = text[: headlines[0].start()]
    days = [_date(match, what="headline") for match in headlines]
    issued_at = _issued_at(head, day=days[0])
    ends = [match.start() for match in headlines[1:]] + [len(text)]
    return tuple(
        _summary(
            awips_id=found_id["id"],
            headline=headline,
            day=day,
            section=text[headline.end() : end],
            is_correction=_is_correction(head, headline),
            issued_at=issued_at,
        )
        for headline, day, end in zip(headlines, days, ends, strict=True)
    )


def same_station(name: str, other: str) -> bool:
    """Say whether two headline names mean one station; punctuation and blanks do not count."""
    return _plain(name) == _plain(other)


def _plain(name: str) -> str:
    return re.sub(r"[^A-Z0-9]+", " ", name.upper()).strip()


def _summary(
    *,
    awips_id: str,
    headline: re.Match[str],
    day: dt.date,
    section: str,
    is_correction: bool,
    issued_at: dt.datetime,
) -> ClimateSummary:
    readings = _readings(section.expandtabs().split("\n"), awips_id=awips_id)
    maximum = readings.get("MAXIMUM", _MISSING)
    minimum = readings.get("MINIMUM", _MISSING)
    if (
        maximum.value_f is not None
        and minimum.value_f is not None
        and maximum.value_f < minimum.value_f
    ):
        raise InvalidDataError(
            f"A climate report gives a maximum of {maximum.value_f} °F below its minimum of "
            f"{minimum.value_f} °F.",
            {"awips_id": awips_id, "climate_day": day.isoformat()},
        )
    valid = _VALID.search(section)
    return ClimateSummary(
        awips_id=awips_id,
        station_name=" ".join(headline["name"].split()),
        climate_day=day,
        max_f=maximum.value_f,
        max_time_lst=maximum.time_lst,
        max_is_record=maximum.is_record,
        max_is_estimated=maximum.is_estimated,
        min_f=minimum.value_f,
        min_time_lst=minimum.time_lst,
        is_preliminary=valid is not None,
        valid_as_of="" if valid is None else valid["time"],
        is_correction=is_correction,
        issued_at=issued_at,
    )


def _readings(lines: list[str], *, awips_id: str) -> dict[str, _Reading]:
    """Return maximum and minimum of the temperature block; an absent row is absent."""
    readings: dict[str, _Reading] = {}
    has_label = False
    is_closed = False
    for line in _temperature_block(lines):
        if line is None:
            is_closed = True
        elif _DAY_LABEL.match(line):
            if has_label:
                # A second day below the first (an embedded comparison) is not this report's.
                is_closed = True
                break
            has_label = True
        elif has_label and _LABEL_ONLY.match(line):
            label, reading = _row(line, awips_id=awips_id)
            readings.setdefault(label, reading)
    if not is_closed:
        raise InvalidDataError(
            "A climate report is cut off before the end of its temperatures.",
            {"awips_id": awips_id},
        )
    return readings


def _temperature_block(lines: list[str]) -> Iterator[str | None]:
    """Yield the lines of the block and then None if something follows that closes it."""
    is_inside = False
    for line in lines:
        if not is_inside:
            is_inside = _TEMPERATURE.match(line) is not None
        elif _BLOCK_END.match(line):
            yield None
            return
        else:
            yield line


def _row(line: str, *, awips_id: str) -> tuple[str, _Reading]:
    label = line.split(maxsplit=1)[0]
    match = _ROW.match(line)
    if match is None:
        if not line.strip()[len(label) :].strip():
            return label, _MISSING
        raise InvalidDataError(
            f"The {label} row of a climate report cannot be read.",
            {"awips_id": awips_id, "row": line.strip()},
        )
    if match.start("value") >= VALUE_COLUMNS or match["value"] in ("MM", "M"):
        return label, _MISSING
    value = int(match["value"])
    require_plausible(value, what=f"A {label.lower()} in a climate report")
    return label, _Reading(
        value_f=value,
        time_lst=_clock_time(match["clock"], match["half"]),
        is_record="R" in match["flags"],
        is_estimated="E" in match["flags"],
    )


def _clock_time(clock: str | None, half: str | None) -> str:
    """Return ``HH:MM`` of ``347 PM``, ``2:56 PM`` or ``0151 PM``; empty when there is none."""
    if clock is None or half is None:
        return ""
    hour, minute = divmod(int(clock.replace(":", "")), 100)
    if not 0 <= hour <= 12 or minute > 59:
        return ""
    return f"{hour % 12 + (12 if half == 'PM' else 0):02d}:{minute:02d}"


def _is_correction(head: str, headline: re.Match[str]) -> bool:
    wmo = _WMO.search(head)
    if wmo is not None and (wmo["bbb"] or "").startswith("CC"):
        return True
    title = _TITLE.search(head)
    said = (title["rest"] if title else "") + headline["tail"]
    return "CORRECT" in said


def _date(match: re.Match[str], *, what: str) -> dt.date:
    try:
        return dt.date(int(match["year"]), _MONTHS[match["month"][:3]], int(match["day"]))
    except (KeyError, ValueError) as error:
        raise InvalidDataError(
            f"The {what} of a climate report names no day.", {"text": match[0].strip()}
        ) from error


def _issued_at(head: str, *, day: dt.date) -> dt.datetime:
    """Return the issuance from the header's day and time and the issuance line's date.

    The header has no month; the line has one, but keeps its old time on some re-issues.
    """
    line = _ISSUED.search(head)
    local = None if line is None else _line_time(line)
    wmo = _WMO.search(head)
    if wmo is None:
        if local is None:
            raise InvalidDataError(
                "A climate report does not say when it was issued.", {"climate_day": str(day)}
            )
        return local
    around = local or dt.datetime.combine(day, dt.time(12), tzinfo=UTC) + dt.timedelta(days=1)
    candidates = []
    for shift in (-1, 0, 1):
        month = around.month - 1 + shift
        try:
            candidates.append(
                dt.datetime(
                    around.year + month // 12,
                    month % 12 + 1,
                    int(wmo["day"]),
                    int(wmo["hour"]),
                    int(wmo["minute"]),
                    tzinfo=UTC,
                )
            )
        except ValueError:
            continue
    if not candidates:
        raise InvalidDataError(
            "A climate report has an impossible transmission time.", {"header": wmo[0]}
        )
    return min(candidates, key=lambda moment: abs(moment - around))


def _line_time(line: re.Match[str]) -> dt.datetime | None:
    offset = _ZONES.get(line["zone"])
    clock = _clock_time(line["clock"], line["half"])
    if offset is None or not clock:
        return None
    zone = dt.timezone(dt.timedelta(hours=offset))
    local = dt.datetime.combine(
        _date(line, what="issuance line"), dt.time.fromisoformat(clock), tzinfo=zone
    )
    return local.astimezone(UTC)
