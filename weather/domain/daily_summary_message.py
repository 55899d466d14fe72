"""The daily summary message (DSM): extremes of a station's climate day in whole °F, machine-made.

Read so far, left to right: ``KNYC DS [COR] [HHMM] DD/MM maximum/ minimum// day maximum/ …=``. A
maximum is its value with four digits of local standard time behind it. With ``HHMM`` the message
is partial: its extremes hold up to then. It names no year and can be cut off anywhere; what cannot
be told with certainty is refused with a reason, and the other messages go on.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from boz.core.errors import InvalidDataError
from weather.domain.temperature import require_plausible
from weather.domain.wmo_heading import transmission_time

#: A message about an older day is taken for a wrong date (day and month exchanged, wrong month).
MAX_AGE = dt.timedelta(days=7)
#: By how much a station may run ahead of the transmission time, which has whole minutes.
CLOCK_TOLERANCE = dt.timedelta(minutes=2)

_EXCERPT = 80
#: Places of fields: the empty one behind the minimum, the maximum of the daytime.
_BEHIND_MINIMUM, _DAYTIME_MAXIMUM = 2, 3
_HEADING = re.compile(
    r"^[A-Z]{4}\d{2} +[A-Z]{4} +(?P<time>\d{6})"
    r"(?: +(?P<bbb>[A-Z]{3}))?$",
    re.ASCII,
)
_AWIPS = re.compile(r"^DSM[A-Z0-9]{3}$", re.ASCII)
_START = re.compile(r"^(?P<icao>[A-Z][A-Z0-9]{3}) +DS(?: |$)", re.ASCII)
_HEAD = re.compile(
    r"^[A-Z0-9]{4} +DS +(?P<cor>COR +)?(?:(?P<until>\d{4}) +)?(?P<day>\d{2})/(?P<month>\d{2}) +",
    re.ASCII,
)
_EXTREME = re.compile(r"^(?:M|(?P<value>-?\d{1,3})(?P<time>\d{4}))$", re.ASCII)
_PLAIN_VALUE = re.compile(r"^(?:M|(?P<value>-?\d{1,3}))$", re.ASCII)


@dataclass(frozen=True, slots=True)
class DailySummaryMessage:
    """What a station says about one climate day.

    Args:
        icao: Station, e.g. ``KNYC``.
        climate_day: Local standard time.
        max_f: Maximum in whole °F, None when missing. On a partial message the maximum so far.
        max_time_lst: ``HH:MM`` in local standard time, empty when missing.
        min_f: As ``max_f``; also None when the message is cut off before its end.
        valid_until_lst: ``HH:MM`` up to which a partial message holds; None on one of a full day.
        is_correction: Whether it replaces an earlier message.
        issued_at: From the heading of the product, UTC.
    """

    icao: str
    climate_day: dt.date
    max_f: int | None
    max_time_lst: str
    min_f: int | None
    min_time_lst: str
    valid_until_lst: str | None
    is_correction: bool
    issued_at: dt.datetime


@dataclass(frozen=True, slots=True)
class MessageProblem:
    """Why a message was left out.

    Args:
        icao: Station of the message.
        reason: One sentence for the operator.
        text: Beginning of the message.
    """

    icao: str
    reason: str
    text: str


@dataclass(frozen=True, slots=True)
class _Raw:
    """A message with its lines joined, and the heading above it."""

    icao: str
    text: str
    is_ended: bool
    heading: re.Match[str] | None


@dataclass(frozen=True, slots=True)
class _Extreme:
    value_f: int | None = None
    time_lst: dt.time | None = None


def parse_daily_summary_messages(
    text: str,
    *,
    around: dt.datetime,
    offset_by_station: Mapping[str, dt.timedelta],
) -> tuple[tuple[DailySummaryMessage, ...], tuple[MessageProblem, ...]]:
    """Return the messages of the wanted stations in a text, and why others of them were refused.

    Args:
        text: One product or several, each with its heading; a station may occur more than once.
        around: A moment within some days of the transmission; the heading has day and time only.
        offset_by_station: Standard time of the wanted stations as offset from UTC, by ICAO code.
            Messages of other stations are passed over.

    Raises:
        InvalidDataError: If the text holds no daily summary message at all.
    """
    messages: list[DailySummaryMessage] = []
    problems: list[MessageProblem] = []
    is_empty = True
    for raw in _split(text):
        is_empty = False
        offset = offset_by_station.get(raw.icao)
        if offset is None:
            continue
        try:
            messages.append(_message(raw, around=around, offset=offset))
        except InvalidDataError as error:
            problems.append(
                MessageProblem(icao=raw.icao, reason=error.message, text=raw.text[:_EXCERPT])
            )
    if is_empty:
        raise InvalidDataError(
            "This text holds no daily summary message.", {"text": text[:_EXCERPT]}
        )
    return tuple(messages), tuple(problems)


def _split(text: str) -> Iterator[_Raw]:
    """Yield the messages; one begins at a line with station and DS and ends at ``=``.

    One that is cut off ends before the next message, the next heading or a blank line. A product
    whose own heading is damaged does not inherit the one before.
    """
    heading: re.Match[str] | None = None
    is_heading_used = False
    current: list[str] = []
    icao = ""
    lines = text.replace("=", "=\n").split("\n")
    for line in [*(_clean(line) for line in lines), ""]:
        found_heading, found_start = _HEADING.match(line), _START.match(line)
        is_product = _AWIPS.match(line) is not None
        if current and (found_heading or found_start or is_product or not line):
            yield _Raw(icao, " ".join(current), is_ended=False, heading=heading)
            current = []
        if found_heading or (is_product and is_heading_used):
            heading, is_heading_used = found_heading, False
        if found_start:
            is_heading_used = True
            icao = found_start["icao"]
        if found_start or current:
            body, end, _ = line.partition("=")
            current.append(body)
            if end:
                yield _Raw(icao, " ".join(current), is_ended=True, heading=heading)
                current = []


def _clean(line: str) -> str:
    """Return a line without the marks of its transmission at either end."""
    return line.strip(" \t\r\x00\x01\x02\x03\x04\x1c\x1d\x1e\x1f\ufeff").upper()


def _message(raw: _Raw, *, around: dt.datetime, offset: dt.timedelta) -> DailySummaryMessage:
    if raw.heading is None:
        raise InvalidDataError(f"A daily summary of {raw.icao} has no heading that dates it.")
    issued_at = transmission_time(raw.heading["time"], around=around)
    issued_lst = (issued_at + offset).replace(tzinfo=None)
    head = _HEAD.match(raw.text)
    if head is None:
        raise InvalidDataError(f"The beginning of a daily summary of {raw.icao} cannot be read.")
    day = _climate_day(head, icao=raw.icao, issued_on=issued_lst.date())
    until = None if head["until"] is None else _time(head["until"], what="end", icao=raw.icao)
    fields = _fields(raw, start=head.end())
    maximum = _extreme(fields[0], what="maximum", icao=raw.icao)
    minimum = _Extreme()
    if len(fields) > 1:
        minimum = _extreme(fields[1], what="minimum", icao=raw.icao)
    message = DailySummaryMessage(
        icao=raw.icao,
        climate_day=day,
        max_f=maximum.value_f,
        max_time_lst=_text(maximum.time_lst),
        min_f=minimum.value_f,
        min_time_lst=_text(minimum.time_lst),
        valid_until_lst=None if until is None else _text(until),
        is_correction=head["cor"] is not None or (raw.heading["bbb"] or "").startswith("CC"),
        issued_at=issued_at,
    )
    _require_possible(message)
    if until is None:
        _require_full_day(message, issued_lst=issued_lst, fields=fields)
    else:
        _require_until(message, (maximum, minimum), until=until, issued_lst=issued_lst)
    return message


def _fields(raw: _Raw, *, start: int) -> list[str]:
    """Return the complete fields, the maximum first.

    Raises:
        InvalidDataError: If not even the maximum is complete, or the fields are in disorder.
    """
    fields = [field.strip(" ") for field in raw.text[start:].split("/")]
    if not raw.is_ended:
        # What follows the last slash may be half of a field.
        fields = fields[:-1]
    if not fields or (raw.is_ended and len(fields) <= _DAYTIME_MAXIMUM):
        raise InvalidDataError(f"A daily summary of {raw.icao} is cut off in its temperatures.")
    if len(fields) > _BEHIND_MINIMUM and fields[_BEHIND_MINIMUM]:
        raise InvalidDataError(
            f"The fields of a daily summary of {raw.icao} are not in their order."
        )
    return fields


def _climate_day(head: re.Match[str], *, icao: str, issued_on: dt.date) -> dt.date:
    """Return the last such day of a year that is not after the transmission."""
    for year in (issued_on.year, issued_on.year - 1):
        try:
            day = dt.date(year, int(head["month"]), int(head["day"]))
        except ValueError:
            continue
        if issued_on - MAX_AGE <= day <= issued_on:
            return day
    raise InvalidDataError(
        f"A daily summary of {icao} for {head['day']}/{head['month']} (day/month) does not fit its "
        f"transmission on {issued_on}."
    )


def _extreme(field: str, *, what: str, icao: str) -> _Extreme:
    match = _EXTREME.match(field)
    if match is None:
        raise InvalidDataError(f"The {what} {field!r} in a daily summary of {icao} is unreadable.")
    if match["value"] is None:
        return _Extreme()
    value = int(match["value"])
    require_plausible(value, what=f"A {what} in a daily summary of {icao}")
    return _Extreme(value, _time(match["time"], what=what, icao=icao))


def _time(digits: str, *, what: str, icao: str) -> dt.time:
    try:
        return dt.time(int(digits[:2]), int(digits[2:]))
    except ValueError as error:
        raise InvalidDataError(
            f"The time {digits} of the {what} in a daily summary of {icao} does not exist."
        ) from error


def _text(time: dt.time | None) -> str:
    return "" if time is None else f"{time:%H:%M}"


def _require_possible(message: DailySummaryMessage) -> None:
    if message.max_f is not None and message.min_f is not None and message.max_f < message.min_f:
        raise InvalidDataError(
            f"{_name(message)} has a maximum of {message.max_f} °F below its minimum of "
            f"{message.min_f} °F."
        )


def _require_full_day(
    message: DailySummaryMessage, *, issued_lst: dt.datetime, fields: list[str]
) -> None:
    """Refuse a summary of a full day that was sent before its end, or that lost a digit.

    The maximum of the daytime is part of the day (7 to 19 h; UNVERIFIED), so it is never higher.
    Partial messages may carry the one of the day before.
    """
    end = dt.datetime.combine(message.climate_day + dt.timedelta(days=1), dt.time())
    if issued_lst + CLOCK_TOLERANCE < end:
        raise InvalidDataError(
            f"{_name(message)} speaks of the full day but was sent before its end, at "
            f"{message.issued_at:%Y-%m-%d %H:%M}Z."
        )
    daytime = None
    if len(fields) > _DAYTIME_MAXIMUM:
        daytime = _PLAIN_VALUE.match(fields[_DAYTIME_MAXIMUM])
    if daytime is None or daytime["value"] is None or message.max_f is None:
        return
    if int(daytime["value"]) > message.max_f:
        raise InvalidDataError(
            f"{_name(message)} has a maximum of {message.max_f} °F but {daytime['value']} °F in "
            "its daytime."
        )


def _require_until(
    message: DailySummaryMessage,
    extremes: tuple[_Extreme, _Extreme],
    *,
    until: dt.time,
    issued_lst: dt.datetime,
) -> None:
    """Refuse a partial summary that reaches beyond its transmission, or itself."""
    if dt.datetime.combine(message.climate_day, until) > issued_lst + CLOCK_TOLERANCE:
        raise InvalidDataError(
            f"{_name(message)} holds until {message.valid_until_lst}, which is after it was sent."
        )
    for extreme in extremes:
        if extreme.time_lst is not None and extreme.time_lst > until:
            raise InvalidDataError(
                f"{_name(message)} holds until {message.valid_until_lst} but has an extreme at "
                f"{extreme.time_lst:%H:%M}."
            )


def _name(message: DailySummaryMessage) -> str:
    return f"A daily summary of {message.icao} for {message.climate_day}"
