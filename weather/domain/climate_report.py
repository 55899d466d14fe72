"""The daily climate report (CLI): the official high and low of a station's climate day.

The text comes in many layouts, so a row is read from its left edge: label, value, flags, time.
Only rows below TEMPERATURE and TODAY or YESTERDAY count; normals and records further down carry
the same words. The day is that of the headline, never of the issuance. What cannot be told apart
with certainty is refused, never guessed.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterator
from dataclasses import dataclass

from boz.core.clock import UTC
from boz.core.errors import InvalidDataError
from weather.domain.temperature import require_plausible
from weather.domain.wmo_heading import transmission_time

#: An observed value starts left of this column when no header row tells the width of its column;
#: further right a blank value would be replaced by the record of the day.
VALUE_COLUMNS = 23
#: Width of the header word under which observed values stand.
_OBSERVED_WIDTH = len("OBSERVED")

_MONTHS = (
    "JANUARY", "FEBRUARY", "MARCH", "APRIL", "MAY", "JUNE", "JULY", "AUGUST", "SEPTEMBER",
    "OCTOBER", "NOVEMBER", "DECEMBER",
)  # fmt: skip
#: Hours from UTC of the civil zones that issuance lines name.
_ZONES = {
    "EST": -5, "EDT": -4, "CST": -6, "CDT": -5, "MST": -7, "MDT": -6, "PST": -8, "PDT": -7,
    "AKST": -9, "AKDT": -8, "HST": -10, "SST": -11, "AST": -4, "CHST": 10, "GMT": 0, "UTC": 0,
}  # fmt: skip
#: Where a climate day begins and ends first; for reports that name no known zone.
_EASTERNMOST = dt.timezone(dt.timedelta(hours=10))

_FLAGS = re.ASCII | re.IGNORECASE | re.MULTILINE
#: Transmission marks around the lines; inside a line they make it unreadable, on purpose.
_MARKS = re.compile(r"^[\x00-\x08\x0b-\x1f\x7f\ufeff]+|[\x00-\x08\x0b-\x1f\x7f]+$", re.MULTILINE)
_WMO = re.compile(
    r"^[A-Z]{4}\d{2}[ \t]+[A-Z]{4}[ \t]+(?P<time>\d{6})"
    r"(?:[ \t]+(?P<bbb>[A-Z]{3}))?[ \t]*$",
    _FLAGS,
)
_AWIPS = re.compile(r"^(?P<id>CLI[A-Z0-9]{3})[ \t]*$", _FLAGS)
_PRODUCT_START = re.compile(
    rf"{_WMO.pattern}(?:\s*{_AWIPS.pattern})?|{_AWIPS.pattern.replace('<id>', '<lone_id>')}", _FLAGS
)
_CORRECTED = re.compile(r"\bCORR?(?:ECT(?:ED|IONS?))?\b", _FLAGS)
_ISSUED = re.compile(
    r"^[ \t]*(?P<clock>\d{1,2}:\d{2}|\d{1,4})[ \t]+(?P<half>AM|PM)[ \t]+(?P<zone>[A-Z]{3,4})"
    r"[ \t]+[A-Z]{3,9}[ \t]+(?P<month>[A-Z]{3,9})[ \t]+(?P<day>\d{1,2}),?[ \t]+(?P<year>\d{4})\b",
    _FLAGS,
)
_NAME_TEXT = r"(?:(?!\.\.|CLIMATE\s+SUMMARY)[^\n])*?"
_HEADLINE = re.compile(
    r"^[ \t]*\.\.\.[ \t]*(?:THE\s+)?"
    # A long headline runs over two lines.
    rf"(?P<name>(?!CLIMATE\s)[A-Z0-9]{_NAME_TEXT}(?:\n(?![ \t]*[\n.]){_NAME_TEXT})?)"
    r"\s+CLIMATE\s+SUMMARY\s+(?:FOR|FROM)\s+"
    r"(?P<month>[A-Z]{3,9})\.?\s+(?P<day>\d{1,2}),?\s+(?P<year>\d{4})\b(?P<tail>[^.\n]*)\.\.",
    _FLAGS,
)
_VALID = re.compile(
    r"^[ \t]*(?:VALID\b.*?\b)?AS[ \t]+OF[ \t]+(?P<time>.*?)[ \t]*$|^[ \t]*VALID\b", _FLAGS
)
_OBSERVED = re.compile(r"^[ \t]*WEATHER[ \t]+ITEM[ \t]+(?P<observed>OBSERVED)\b", _FLAGS)
_TEMPERATURE = re.compile(r"^\s*TEMPERATURE\s*\(F\)\s*$", _FLAGS)
_DAY_LABEL = re.compile(r"^\s*(?:TODAY|YESTERDAY)\s*$", _FLAGS)
_OTHER_BLOCK = re.compile(
    r"^\s*(?:PRECIPITATION|SNOWFALL|DEGREE|WIND|SKY|WEATHER COND|RELATIVE|SUNRISE|&&|\$\$|"
    r".*CLIMATE\s+NORMALS|.*CLIMATE\s+SUMMARY)",
    _FLAGS,
)
_BLOCK_END = re.compile(rf"{_OTHER_BLOCK.pattern}|^\s*(?:WEATHER|THE |\.{{4,}}|-  )", _FLAGS)
_ROW = re.compile(r"^\s*(?P<label>MAXIMUM|MINIMUM)(?P<rest>.*)$", _FLAGS)
_CLOCK = r"(?P<clock>\d{1,2}:\d{2}|\d{3,4})\s*(?P<half>AM|PM)(?!\S)"
_TIME_ONLY = re.compile(rf"\s+{_CLOCK}", _FLAGS)
_VALUE = re.compile(
    r"\s+(?P<value>-?\d{1,3}|MM?)(?P<flags>(?:\s?(?:R|E|\(E\)|\*))*)(?!\S)"
    rf"(?:\s+{_CLOCK})?",
    _FLAGS,
)
#: Behind a value that has no time of its own: a year makes it the record, AM and PM a piece of a
#: time, other words something unknown.
_NOT_BEHIND_VALUE = re.compile(
    r"\s+(?:1[789]|20)\d{2}(?!\S)|\s+(?!MM(?!\S))[^\s\d-]|.*\b[AP]M\b", _FLAGS
)
#: A line that goes on with a number which the line above began; further record years are none.
_BROKEN_ROW = re.compile(r"^\s*(?!(?:\d{4}\s*)+$)[\d.-]", _FLAGS)


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


def split_products(text: str) -> tuple[str, ...]:
    """Return the single products of a text in which several may follow one another.

    A text without any product heading comes back whole.
    """
    text = _MARKS.sub("", text.replace("\r", ""))
    starts = [match.start() for match in _PRODUCT_START.finditer(text)]
    # What stands before the first heading is a sequence number, or a heading that is damaged.
    starts[:1] = [0]
    return tuple(
        text[start:end] for start, end in zip(starts, [*starts[1:], len(text)], strict=True)
    )


def parse_climate_reports(text: str, *, awips_id: str | None = None) -> tuple[ClimateSummary, ...]:
    """Return every station section of the product or products in a text, in their order.

    Args:
        text: The product as sent.
        awips_id: What the product must be, e.g. ``CLINYC``; None takes any climate report.

    Raises:
        InvalidDataError: If it is another product, is cut off, or says what cannot be true.
    """
    return tuple(
        summary
        for product in split_products(text)
        for summary in _parse_product(product, awips_id=awips_id)
    )


def _parse_product(text: str, *, awips_id: str | None) -> Iterator[ClimateSummary]:
    headlines = list(_HEADLINE.finditer(text))
    head = text[: headlines[0].start()] if headlines else text
    found = _AWIPS.search(head)
    if found is None:
        raise InvalidDataError("This text is no daily climate report.", {"text": text[:120]})
    found_id = found["id"].upper()
    if awips_id is not None and found_id != awips_id:
        raise InvalidDataError(
            f"This is the climate report {found_id}, not {awips_id}.",
            {"awips_id": found_id, "expected": awips_id},
        )
    if not headlines:
        raise InvalidDataError(
            "A climate report has no headline that names station and day.", {"awips_id": found_id}
        )
    issuance = _issuance(head, day=_date(headlines[0], what="headline"))
    ends = [match.start() for match in headlines[1:]] + [len(text)]
    for headline, end in zip(headlines, ends, strict=True):
        yield _summary(
            awips_id=found_id,
            headline=headline,
            section=text[headline.end() : end].expandtabs(),
            issuance=issuance,
        )


def same_station(name: str, other: str) -> bool:
    """Say whether two headline names mean one station; punctuation and blanks do not count."""
    return _plain(name) == _plain(other)


def _plain(name: str) -> str:
    return re.sub(r"[^A-Z0-9]+", " ", name.upper()).strip()


@dataclass(frozen=True, slots=True)
class _Issuance:
    """When a product was sent, the standard time of its office, whether it corrects another."""

    issued_at: dt.datetime
    standard_time: dt.timezone
    is_correction: bool


def _summary(
    *, awips_id: str, headline: re.Match[str], section: str, issuance: _Issuance
) -> ClimateSummary:
    day = _date(headline, what="headline")
    begins_at = dt.datetime.combine(day, dt.time(), tzinfo=issuance.standard_time)
    if issuance.issued_at < begins_at:
        raise InvalidDataError(
            f"A climate report for {day} was issued before that day began, at "
            f"{issuance.issued_at:%Y-%m-%d %H:%M}Z.",
            {"awips_id": awips_id, "climate_day": day.isoformat()},
        )
    preamble, lines = _temperature_block(section, awips_id=awips_id)
    readings = _readings(lines, columns=_value_columns(preamble), awips_id=awips_id)
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
    valid = _VALID.search(preamble)
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
        # Some offices leave the VALID line out; a day that is not over has no final value.
        is_preliminary=valid is not None or issuance.issued_at < begins_at + dt.timedelta(days=1),
        valid_as_of="" if valid is None else valid["time"] or "",
        is_correction=issuance.is_correction
        or _CORRECTED.search(headline["tail"]) is not None
        or _CORRECTED.search(preamble) is not None,
        issued_at=issuance.issued_at,
    )


def _temperature_block(section: str, *, awips_id: str) -> tuple[str, list[str]]:
    """Return what stands before the temperatures and the lines of their block.

    Raises:
        InvalidDataError: If there is none before the next block, or nothing that closes it.
    """
    lines = section.split("\n")
    starts = (
        number
        for number, line in enumerate(lines)
        if _TEMPERATURE.match(line) or _OTHER_BLOCK.match(line)
    )
    start = next(starts, None)
    if start is None or not _TEMPERATURE.match(lines[start]):
        raise InvalidDataError(
            "A climate report has no temperatures below its headline.", {"awips_id": awips_id}
        )
    for end in range(start + 1, len(lines)):
        if _BLOCK_END.match(lines[end]):
            return "\n".join(lines[:start]), lines[start + 1 : end]
    raise InvalidDataError(
        "A climate report is cut off before the end of its temperatures.", {"awips_id": awips_id}
    )


def _value_columns(preamble: str) -> int:
    """Return the column at which the one for observed values ends."""
    header = _OBSERVED.search(preamble)
    if header is None:
        return VALUE_COLUMNS
    return header.start("observed") - header.start() + _OBSERVED_WIDTH


def _readings(lines: list[str], *, columns: int, awips_id: str) -> dict[str, _Reading]:
    """Return maximum and minimum of the temperature block; an absent row is absent."""
    readings: dict[str, _Reading] = {}
    has_label = False
    for line in lines:
        if _BROKEN_ROW.match(line):
            raise InvalidDataError(
                "A row of temperatures in a climate report is broken in two.",
                {"awips_id": awips_id, "row": line.strip()},
            )
        if _DAY_LABEL.match(line):
            if has_label:
                # A second day below the first (an embedded comparison) is not this report's.
                break
            has_label = True
        elif row := _ROW.match(line):
            if not has_label:
                raise InvalidDataError(
                    "A climate report does not say of which day its temperatures are.",
                    {"awips_id": awips_id, "row": line.strip()},
                )
            label = row["label"].upper()
            reading = _reading(row, label=label, columns=columns, awips_id=awips_id)
            if readings.setdefault(label, reading) != reading:
                raise InvalidDataError(
                    f"A climate report has two {label} rows that differ.",
                    {"awips_id": awips_id, "row": line.strip()},
                )
    return readings


def _reading(row: re.Match[str], *, label: str, columns: int, awips_id: str) -> _Reading:
    rest = row["rest"]
    start = row.start("rest") + len(rest) - len(rest.lstrip())
    if not rest.strip() or start >= columns or _TIME_ONLY.match(rest):
        return _MISSING
    match = _VALUE.match(rest)
    if match is None or (match["clock"] is None and _NOT_BEHIND_VALUE.match(rest, match.end())):
        raise InvalidDataError(
            f"The {label} row of a climate report cannot be read.",
            {"awips_id": awips_id, "row": row[0].strip()},
        )
    if match["value"].upper().startswith("M"):
        return _MISSING
    value = int(match["value"])
    require_plausible(value, what=f"A {label.lower()} in a climate report")
    flags = match["flags"].upper()
    return _Reading(
        value_f=value,
        time_lst=_clock_time(match["clock"], match["half"]),
        is_record="R" in flags,
        is_estimated="E" in flags,
    )


def _clock_time(clock: str | None, half: str | None) -> str:
    """Return ``HH:MM`` of ``347 PM``, ``2:56 PM`` or ``0151 PM``; empty when there is none."""
    if clock is None or half is None:
        return ""
    hour, minute = divmod(int(clock.replace(":", "")), 100)
    if not 0 <= hour <= 12 or minute > 59:
        return ""
    return f"{hour % 12 + (12 if half.upper() == 'PM' else 0):02d}:{minute:02d}"


def _date(match: re.Match[str], *, what: str) -> dt.date:
    word = match["month"].upper()
    months = [number for number, name in enumerate(_MONTHS, 1) if name.startswith(word)]
    try:
        return dt.date(int(match["year"]), months[0], int(match["day"]))
    except (IndexError, ValueError) as error:
        raise InvalidDataError(
            f"The {what} of a climate report names no day.", {"text": match[0].strip()}
        ) from error


def _issuance(head: str, *, day: dt.date) -> _Issuance:
    """Read the transmission header, the title and the issuance line.

    The header has no month; the line has one, but keeps its old time on some re-issues.
    """
    wmo = _WMO.search(head)
    line = _ISSUED.search(head)
    zone = None if line is None else line["zone"].upper()
    hours = _ZONES.get(zone or "")
    standard_time = _EASTERNMOST
    local = None
    if line is not None and zone is not None and hours is not None:
        standard_hours = hours - 1 if zone.endswith("DT") else hours
        standard_time = dt.timezone(dt.timedelta(hours=standard_hours))
        local = _line_time(line, offset=dt.timedelta(hours=hours))
    if wmo is not None:
        next_noon = dt.datetime.combine(day, dt.time(12), tzinfo=UTC) + dt.timedelta(days=1)
        issued_at = transmission_time(wmo["time"], around=local or next_noon)
    elif local is not None:
        issued_at = local
    else:
        raise InvalidDataError(
            "A climate report does not say when it was issued.", {"climate_day": str(day)}
        )
    is_marked = wmo is not None and (wmo["bbb"] or "").upper().startswith("CC")
    return _Issuance(
        issued_at=issued_at,
        standard_time=standard_time,
        is_correction=is_marked or _CORRECTED.search(head) is not None,
    )


def _line_time(line: re.Match[str], *, offset: dt.timedelta) -> dt.datetime | None:
    clock = _clock_time(line["clock"], line["half"])
    if not clock:
        return None
    return dt.datetime.combine(
        _date(line, what="issuance line"),
        dt.time.fromisoformat(clock),
        tzinfo=dt.timezone(offset),
    ).astimezone(UTC)
