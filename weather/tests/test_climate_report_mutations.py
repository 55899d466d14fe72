"""Climate reports that were damaged on their way: refused, or read as they stand."""

from __future__ import annotations

import datetime as dt
import re
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from boz.core.errors import InvalidDataError
from weather.domain.climate_report import ClimateSummary, parse_climate_reports

PAYLOADS = Path(__file__).parent / "payloads"
TEXTS = [path.read_text() for path in sorted(PAYLOADS.glob("CLI*.txt"))]
FLAG = r"(?:\s?(?:R|E|\(E\)|\*))*"

characters = st.one_of(
    st.sampled_from("0123456789 -R.:\n\t\r"),
    st.sampled_from("AEMPX&$()\x00\x1e\x03é٣"),
    st.characters(),
)


def _delete(text: str, at: int, length: int, new: str) -> str:
    return text[:at] + text[at + length :]


def _duplicate(text: str, at: int, length: int, new: str) -> str:
    return text[: at + length] + text[at:]


def _swap(text: str, at: int, length: int, new: str) -> str:
    middle = at + length
    return text[:at] + text[middle : middle + length] + text[at:middle] + text[middle + length :]


def _insert(text: str, at: int, length: int, new: str) -> str:
    return text[:at] + new + text[at:]


def _overwrite(text: str, at: int, length: int, new: str) -> str:
    return text[:at] + new + text[at + len(new) :]


def _blank(text: str, at: int, length: int, new: str) -> str:
    return text[:at] + " " * length + text[at + length :]


def _truncate(text: str, at: int, length: int, new: str) -> str:
    return text[:at]


def _behead(text: str, at: int, length: int, new: str) -> str:
    return text[at:]


IN_TEXT = [_delete, _duplicate, _swap, _insert, _overwrite, _blank, _truncate, _behead]


def _line_delete(lines: list[str], at: int, other: int) -> list[str]:
    return lines[:at] + lines[at + 1 :]


def _line_duplicate(lines: list[str], at: int, other: int) -> list[str]:
    return [*lines[:other], lines[at], *lines[other:]]


def _line_swap(lines: list[str], at: int, other: int) -> list[str]:
    lines = list(lines)
    lines[at], lines[other] = lines[other], lines[at]
    return lines


def _line_join(lines: list[str], at: int, other: int) -> list[str]:
    return [*lines[:at], "".join(lines[at : at + 2]), *lines[at + 2 :]]


def _column_delete(lines: list[str], at: int, other: int) -> list[str]:
    column = other % 40
    return [line[:column] + line[column + 1 :] for line in lines]


def _column_insert(lines: list[str], at: int, other: int) -> list[str]:
    column = other % 40
    return [line[:column] + " " + line[column:] for line in lines]


IN_LINES = [
    _line_delete, _line_duplicate, _line_swap, _line_join, _column_delete, _column_insert
]  # fmt: skip


@st.composite
def damaged_texts(draw: st.DrawFn) -> str:
    """A product, or two in a row, changed in up to five places, mostly near the temperatures."""
    text = draw(st.sampled_from(TEXTS))
    if draw(st.integers(0, 9)) == 0:
        text += draw(st.sampled_from(TEXTS))
    for _ in range(draw(st.integers(1, 5))):
        if draw(st.booleans()):
            near = max(text.upper().find("MAXIMUM"), 1)
            last = draw(st.sampled_from([near + 120, near + 120, max(len(text) - 1, 1)]))
            at = draw(st.integers(max(0, near - 60), last) if last == near + 120
                      else st.integers(0, last))  # fmt: skip
            change = draw(st.sampled_from(IN_TEXT))
            new = draw(st.text(characters, min_size=1, max_size=4))
            text = change(text, at, draw(st.integers(1, 12)), new)
        elif text:
            lines = text.split("\n")
            last = min(len(lines) - 1, draw(st.sampled_from([30, 30, 30, 10_000])))
            change = draw(st.sampled_from(IN_LINES))
            text = "\n".join(change(lines, draw(st.integers(0, last)), draw(st.integers(0, last))))
    return text


def check(text: str) -> None:
    """Hold a text to what is promised: refused with the typed error, or nothing invented."""
    try:
        summaries = parse_climate_reports(text)
    except InvalidDataError:
        return
    for summary in summaries:
        assert_says(text, summary)


def assert_says(text: str, summary: ClimateSummary) -> None:
    marks = r"(?m)^[\x00-\x08\x0b-\x1f\x7f]+|[\x00-\x08\x0b-\x1f\x7f]+$"
    plain = re.sub(marks, "", text.replace("\r", "")).expandtabs()
    sections = _sections(plain, summary)
    assert sections, "no headline names this station and day"
    assert any(
        _row_says(rows, "MAXIMUM", summary.max_f, summary.max_time_lst)
        and _row_says(rows, "MINIMUM", summary.min_f, summary.min_time_lst)
        for rows in map(_temperature_rows, sections)
    )
    assert summary.awips_id in plain.upper()
    if summary.max_f is not None and summary.min_f is not None:
        assert summary.min_f <= summary.max_f
    assert summary.issued_at.tzinfo is not None


def _sections(text: str, summary: ClimateSummary) -> list[str]:
    """Return what follows each headline of this station and day, up to the next headline."""
    day = summary.climate_day
    month = f"{day:%B}".upper()
    found = []
    for piece in re.split(r"(?m)^(?=[ \t]*\.\.\.[ \t]*[A-Za-z0-9])", text):
        match = re.match(
            r"\s*\.\.\.(?P<name>.*?)\s+CLIMATE\s+SUMMARY\s+FR?OM?R?\s+(?P<month>[A-Z]+)\.?\s+"
            r"(?P<day>\d+),?\s+(?P<year>\d{4})(?!\d)",
            piece,
            re.DOTALL | re.IGNORECASE,
        )
        if (
            match
            and " ".join(match["name"].split()).endswith(summary.station_name)
            and month.startswith(match["month"].upper())
            and (int(match["day"]), int(match["year"])) == (day.day, day.year)
        ):
            found.append(piece)
    return found


def _temperature_rows(section: str) -> list[str]:
    block = re.search(
        r"(?im)^\s*TEMPERATURE\s*\(F\)\s*$(?P<rows>.*?)"
        r"^\s*(?:PRECIPITATION|SNOWFALL|DEGREE|&&|\$\$|[^\n]*CLIMATE\s+NORMALS)",
        section + "\n$$",
        re.DOTALL,
    )
    return block["rows"].split("\n") if block else []


def _row_says(rows: list[str], label: str, value_f: int | None, time_lst: str) -> bool:
    if value_f is None:
        return time_lst == ""
    for row in rows:
        match = re.match(rf"\W*{label}\s+(-?\d+){FLAG}(?P<rest>$|\s.*)", row, re.IGNORECASE)
        if match is None or int(match[1]) != value_f:
            continue
        times = re.findall(r"(?<!\S)(\d{1,2}):?(\d\d)\s*([AP])M", match["rest"].upper())
        if not times and re.search(r"\b[AP]M\b", match["rest"].upper()):
            continue
        if time_lst in {"", *(_on_the_clock(*time) for time in times)}:
            return True
    return False


def _on_the_clock(hour: str, minute: str, half: str) -> str:
    try:
        return f"{dt.time(int(hour) % 12 + 12 * (half == 'P'), int(minute)):%H:%M}"
    except ValueError:
        return ""


@settings(max_examples=300, deadline=None, suppress_health_check=list(HealthCheck))
@given(damaged_texts())
def test_a_damaged_report_is_refused_or_says_only_what_its_text_says(text):
    check(text)


@pytest.mark.slow
@settings(max_examples=10_000, deadline=None, suppress_health_check=list(HealthCheck))
@given(damaged_texts())
def test_ten_thousand_damaged_reports_invent_nothing(text):
    check(text)


def test_the_check_itself_catches_an_invented_value():
    text = (PAYLOADS / "CLINYC_20260708_final.txt").read_text()
    check(text)
    (summary,) = parse_climate_reports(text)
    for wrong in (
        {"max_f": 100}, {"max_f": 64}, {"max_f": 93}, {"min_f": 56}, {"max_time_lst": "04:40"},
        {"climate_day": dt.date(2026, 7, 9)}, {"station_name": "MIAMI"}, {"awips_id": "CLIMIA"},
    ):  # fmt: skip
        fields = {name: getattr(summary, name) for name in ClimateSummary.__slots__}
        with pytest.raises(AssertionError):
            assert_says(text, ClimateSummary(**(fields | wrong)))


ROW = re.compile(r"(?m)^\s*MAXIMUM {2,}(?P<value>-?\d+\S*)(?P<rest>.*)$")
WITH_RECORD_YEARS = [
    text for text in TEXTS
    if (row := ROW.search(text)) and re.search(r"\s[12]\d{3}(?!\S)", row["rest"])
]  # fmt: skip


@given(st.sampled_from(WITH_RECORD_YEARS), st.integers(0, 40), st.booleans())
def test_nothing_stands_in_for_a_blank_maximum_however_far_the_row_has_moved(
    text, shift, keeps_time
):
    """Only blanks are taken away: label and remaining columns stay as sent."""
    row = ROW.search(text)
    rest = row["rest"] if keeps_time else re.sub(r"\d+:?\d+ [AP]M", "", row["rest"], count=1)
    gap = row.start("value") - row.start() + len(row["value"])
    blanks = " " * gap + rest[: len(rest) - len(rest.lstrip())]
    label = row[0][: row[0].index("MAXIMUM") + len("MAXIMUM")]
    padding = blanks[len(label) :][: max(1, len(blanks) - len(label) - shift)]
    changed = text[: row.start()] + label + padding + rest.lstrip() + text[row.end() :]
    try:
        summary = parse_climate_reports(changed)[0]
    except InvalidDataError:
        return
    assert (summary.max_f, summary.max_time_lst) == (None, "")


@pytest.mark.parametrize("text", [text for text in TEXTS if ROW.search(text)])
def test_a_maximum_that_is_blanked_out_is_missing_in_every_layout(text):
    row = ROW.search(text)
    blank = " " * len(row["value"])
    changed = text[: row.start("value")] + blank + text[row.end("value") :]
    assert parse_climate_reports(changed)[0].max_f is None
