from __future__ import annotations

import datetime as dt
import re
from pathlib import Path

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from boz.core.errors import InvalidDataError
from weather.domain.daily_summary_message import (
    CLOCK_TOLERANCE,
    DailySummaryMessage,
    parse_daily_summary_messages,
)

PAYLOADS = Path(__file__).parent / "payloads"
CENTRAL, EASTERN, MOUNTAIN = dt.timedelta(hours=-6), dt.timedelta(hours=-5), dt.timedelta(hours=-7)
NOVEMBER_27 = dt.datetime(2026, 11, 27, 7, tzinfo=dt.UTC)
COLLECTIVE = (PAYLOADS / "DSM_KZME_collective.txt").read_bytes().decode()
STATIONS = [
    "KHKS", "KFSM", "KFYV", "KCKV", "KMEM", "KJBR", "KJAN", "KBWG", "KLIT", "KHSV", "KRUE",
    "KHKA", "KPBF", "KAWM", "KMKL", "KTVR", "KHOT", "KMEI", "KGLH", "KGWO", "KBPK", "KDCU", "KLLQ",
]  # fmt: skip
#: Read from the text: maximum and its time, minimum and its time.
EXPECTED = {
    "KHKS": (66, "11:52", 47, "03:16"), "KFSM": (59, "15:46", 46, "23:59"),
    "KFYV": (53, "11:02", 35, "23:59"), "KCKV": (62, "12:49", 41, "23:59"),
    "KMEM": (56, "16:41", 43, "23:59"), "KJBR": (50, "15:10", 37, "04:21"),
    "KJAN": (65, "15:06", 41, "03:21"), "KBWG": (59, "13:40", 36, "00:45"),
    "KLIT": (58, "15:45", 30, "20:34"), "KHSV": (66, "13:10", 36, "03:38"),
    "KGWO": (63, "23:07", 45, "02:36"), "KLLQ": (65, "16:50", 43, "01:15"),
}  # fmt: skip


def parse(text, *, around=NOVEMBER_27, offset=CENTRAL, stations=STATIONS):
    return parse_daily_summary_messages(
        text, around=around, offset_by_station=dict.fromkeys(stations, offset)
    )


def one(message, *, heading="CXUS41 KOKX 091012", around=None, station="KNYC", offset=EASTERN):
    """Return the single message and the single problem of a text, one of them None."""
    messages, problems = parse(
        f"{heading}\nDSM{station[1:]}\n{message}",
        around=around or dt.datetime(2026, 10, 9, 12, tzinfo=dt.UTC),
        stations=[station],
        offset=offset,
    )
    assert len(messages) + len(problems) == 1
    return (messages or (None,))[0], (problems or (None,))[0]


FULL = "KNYC DS 08/10 701423/ 592359// 70/ 60//0070101/T/00/T="
PARTIAL = "KNYC DS 1500 08/10 731403/ 560600// 73/ 56//0014250/00/00/="


def test_every_station_of_a_collective_is_read():
    messages, problems = parse(COLLECTIVE)
    assert problems == ()
    assert [message.icao for message in messages] == STATIONS
    read = {
        message.icao: (message.max_f, message.max_time_lst, message.min_f, message.min_time_lst)
        for message in messages
    }
    assert {icao: read[icao] for icao in EXPECTED} == EXPECTED
    for message in messages:
        assert message.climate_day == dt.date(2026, 11, 26)
        assert message.valid_until_lst is None
        assert not message.is_correction
        assert message.issued_at == dt.datetime(2026, 11, 27, 6, 16, tzinfo=dt.UTC)


@pytest.mark.parametrize("newline", ["\n", "\r\n", "\n\n"])
def test_the_kind_of_line_break_does_not_matter(newline):
    assert "\r\r\n" in COLLECTIVE
    assert parse(COLLECTIVE.replace("\r\r\n", newline)) == parse(COLLECTIVE)


def test_only_wanted_stations_are_read():
    messages, problems = parse(COLLECTIVE, stations=["KLIT"])
    assert [message.icao for message in messages] == ["KLIT"]
    assert problems == ()


def test_missing_values_are_none():
    text = (PAYLOADS / "DSM_all_missing.txt").read_bytes().decode()
    messages, problems = parse(text, stations=["KHKS", "KXXX"])
    assert problems == ()
    assert [(item.max_f, item.max_time_lst, item.min_f) for item in messages] == [
        (None, "", None)
    ] * 2


def test_messages_that_are_cut_off_behind_their_maximum_are_read_and_impossible_ones_named():
    text = (PAYLOADS / "DSM_partial_and_corrected.txt").read_text()
    messages, problems = parse_daily_summary_messages(
        text,
        around=dt.datetime(2026, 10, 8, 21, tzinfo=dt.UTC),
        offset_by_station={"KNYC": EASTERN, "KDEN": MOUNTAIN},
    )
    (partial,) = messages
    assert partial == DailySummaryMessage(
        icao="KNYC",
        climate_day=dt.date(2026, 10, 8),
        max_f=73,
        max_time_lst="14:03",
        min_f=56,
        min_time_lst="06:00",
        valid_until_lst="15:00",
        is_correction=False,
        issued_at=dt.datetime(2026, 10, 8, 20, 44, tzinfo=dt.UTC),
    )
    # The corrected one gives a minimum at 23:59, at half past two of that day; the last is about a
    # day of September, and the transmission nearest to now is one of October.
    assert [(item.icao, item.reason) for item in problems] == [
        (
            "KNYC",
            "A daily summary of KNYC for 2026-10-08 speaks of the full day but was sent before its "
            "end, at 2026-10-08 19:30Z.",
        ),
        (
            "KDEN",
            "A daily summary of KDEN for 16/09 (day/month) does not fit its transmission on "
            "2026-10-16.",
        ),
    ]


def test_a_message_of_the_early_morning_holds_until_its_hour():
    message, _ = one(
        "KDEN DS 0500 16/09 620049/ 540430// 71/ 54//0010451/00/",
        heading="CXUS45 KBOU 161216",
        around=dt.datetime(2026, 9, 16, 13, tzinfo=dt.UTC),
        station="KDEN",
        offset=MOUNTAIN,
    )
    # 71 is the daytime of the day before.
    assert (message.max_f, message.max_time_lst, message.valid_until_lst) == (62, "00:49", "05:00")


@pytest.mark.parametrize(
    ("text", "heading"),
    [
        (FULL.replace("DS", "DS COR"), "CXUS41 KOKX 091012"),
        (FULL, "CXUS41 KOKX 091012 CCA"),
    ],
)
def test_a_correction_is_known(text, heading):
    assert not one(FULL)[0].is_correction
    assert one(text, heading=heading)[0].is_correction


@pytest.mark.parametrize(
    ("field", "value"),
    [("1021546", 102), ("51546", 5), ("-51546", -5), ("-101546", -10), ("01546", 0), ("M", None)],
)
def test_the_last_four_digits_are_the_time(field, value):
    message, _ = one(f"KNYC DS 08/10 {field}/ -302359// M/ M//=")
    assert (message.max_f, message.min_f) == (value, -30)
    assert message.max_time_lst == ("" if value is None else "15:46")


@pytest.mark.parametrize(
    ("now", "heading", "date", "day"),
    [
        ((2027, 1, 1), "010512", "31/12", dt.date(2026, 12, 31)),
        ((2027, 1, 1), "312100", "31/12", None),  # a full day, sent while it ran
        ((2028, 3, 1), "010512", "29/02", dt.date(2028, 2, 29)),
        ((2027, 3, 1), "010512", "29/02", None),
        ((2026, 10, 9), "091012", "08/10", dt.date(2026, 10, 8)),
        ((2026, 10, 9), "091012", "10/08", None),  # month before day
        ((2026, 10, 9), "091012", "09/10", None),  # still running
        ((2026, 10, 9), "091012", "10/10", None),  # to come
        ((2026, 10, 9), "091012", "31/09", None),
        ((2026, 10, 9), "091012", "00/10", None),
        ((2026, 10, 1), "302312", "29/09", dt.date(2026, 9, 29)),
    ],
)
def test_the_year_is_that_of_the_transmission(now, heading, date, day):
    message, problem = one(
        f"KNYC DS {date} 701423/ 592359// 70/ 60//=",
        heading=f"CXUS41 KOKX {heading}",
        around=dt.datetime(*now, 12, tzinfo=dt.UTC),
    )
    assert (None if message is None else message.climate_day) == day
    assert (problem is None) is (day is not None)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("KNYC DS 08/10 7014", "cut off"),
        ("KNYC DS 08/10 ", "cannot be read"),
        ("KNYC DS", "cannot be read"),
        ("KNYC DS 08/10 701423=", "cut off"),
        ("KNYC DS 08/10 702460/ 592359// 70/ 60//=", "does not exist"),
        ("KNYC DS 08/10 701423/ 592460// 70/ 60//=", "does not exist"),
        ("KNYC DS 2460 08/10 701423/ 590500// 70/ 60//=", "does not exist"),
        ("KNYC DS 08/10 1411423/ 592359// 70/ 60//=", "cannot be true"),
        ("KNYC DS 08/10 -811423/ M// M/ M//=", "cannot be true"),
        ("KNYC DS 08/10 70/ 592359// 70/ 60//=", "unreadable"),
        ("KNYC DS 08/10 M1423/ 592359// 70/ 60//=", "unreadable"),
        ("KNYC DS 08/10 70 1423/ 592359// 70/ 60//=", "unreadable"),
        ("KNYC DS 08/10 \x85701423/ 592359// 70/ 60//=", "unreadable"),
        ("KNYC DS 08/10 701423/ 592359/ 70/ 60//=", "order"),
        ("KNYC DS 08/10 501423/ 592359// 50/ 60//=", "below its minimum"),
        ("KNYC DS 08/10 601423/ 592359// 70/ 60//=", "in its daytime"),
        ("KNYC DS 1500 08/10 731603/ 560600// 73/ 56//=", "extreme at 16:03"),
        ("KNYC DS 1500 08/10 731403/ 561800// 73/ 56//=", "extreme at 18:00"),
        ("KNYC DS 1500 09/10 731403/ 560600// 73/ 56//=", "after it was sent"),
    ],
)
def test_what_is_not_certain_is_refused_with_its_reason(text, reason):
    message, problem = one(text)
    assert message is None
    assert reason in problem.reason
    assert problem.icao == "KNYC"


def test_a_refused_message_does_not_stop_the_others():
    messages, problems = parse(COLLECTIVE.replace("KFSM DS 26/11 591546", "KFSM DS 26/11 59"))
    assert [message.icao for message in messages] == [name for name in STATIONS if name != "KFSM"]
    assert [problem.icao for problem in problems] == ["KFSM"]


def test_a_cut_off_minimum_is_missing_and_never_a_smaller_number():
    for end in range(len("KNYC DS 08/10 701423/"), len(FULL)):
        message, _ = one(FULL[:end])
        assert (message.max_f, message.max_time_lst) == (70, "14:23")
        assert (message.min_f, message.min_time_lst) in {(None, ""), (59, "23:59")}
    for end in range(len("KNYC DS"), len("KNYC DS 08/10 701423/")):
        assert one(FULL[:end])[0] is None


def test_a_message_without_an_end_does_not_swallow_the_next():
    text = (
        f"CXUS41 KOKX 091012\nDSMNYC\n{FULL.rstrip('=')}\nKLGA DS 08/10 711423/ 602359// 71/ 61//="
    )
    messages, problems = parse(
        text, around=dt.datetime(2026, 10, 9, 12, tzinfo=dt.UTC),
        stations=["KNYC", "KLGA"], offset=EASTERN,
    )  # fmt: skip
    assert [(item.icao, item.max_f) for item in messages] == [("KNYC", 70), ("KLGA", 71)]
    assert problems == ()


def test_line_breaks_and_transmission_marks_change_nothing():
    plain = one(FULL)
    assert one(FULL.replace("// ", "//\r\r\n")) == plain
    assert one(FULL.replace("/ ", "/\n") + "\x03") == plain
    assert one("\x1e" + FULL.lower()) == plain


def test_a_message_without_a_heading_is_refused():
    messages, problems = parse(FULL, stations=["KNYC"])
    assert messages == ()
    assert "no heading" in problems[0].reason


def test_a_damaged_heading_does_not_lend_its_product_the_one_before():
    text = f"CXUS41 KOKX 091012\nDSMNYC\n{FULL}\n\nCXUS41 KOKX 0920\nDSMNYC\n{FULL}"
    (message,), (problem,) = parse(
        text,
        around=dt.datetime(2026, 10, 9, 12, tzinfo=dt.UTC),
        stations=["KNYC"],
        offset=EASTERN,
    )
    assert message.issued_at == dt.datetime(2026, 10, 9, 10, 12, tzinfo=dt.UTC)
    assert "no heading" in problem.reason


def test_a_heading_of_no_day_is_refused():
    assert "is impossible" in one(FULL, heading="CXUS41 KOKX 321012")[1].reason


@pytest.mark.parametrize("text", ["", "CDUS41 KOKX 090626\nCLINYC\n", "<html>", "KNYC 091251Z"])
def test_a_text_without_messages_is_refused(text):
    with pytest.raises(InvalidDataError, match="no daily summary message"):
        parse(text)


@st.composite
def summaries(draw: st.DrawFn) -> tuple[DailySummaryMessage, str]:
    """A message that can be true, and its text."""
    day = draw(st.dates(dt.date(2020, 1, 1), dt.date(2040, 12, 31)))
    until = draw(st.none() | st.times(min_value=dt.time(1)))
    until = until and until.replace(second=0, microsecond=0)
    latest = (until.hour * 60 + until.minute) if until else 24 * 60 - 1
    low, high = sorted(draw(st.tuples(st.integers(-80, 140), st.integers(-80, 140))))
    at = [draw(st.integers(0, latest)) for _ in range(2)]
    high_at, low_at = (f"{minute // 60:02d}{minute % 60:02d}" for minute in at)
    ends = dt.datetime.combine(day, until or dt.time()) + dt.timedelta(days=until is None)
    issued_at = (ends - EASTERN).replace(tzinfo=dt.UTC) + dt.timedelta(
        minutes=draw(st.integers(0, 3 * 24 * 60))
    )
    is_correction = draw(st.booleans())
    text = (
        f"CXUS41 KOKX {issued_at:%d%H%M}\nDSMNYC\nKNYC DS {'COR ' * is_correction}"
        f"{f'{until:%H%M} ' if until else ''}{day:%d/%m} {high}{high_at}/ {low}{low_at}// "
        f"{high}/ {low}//0014250/00/00="
    )
    message = DailySummaryMessage(
        icao="KNYC",
        climate_day=day,
        max_f=high,
        max_time_lst=f"{high_at[:2]}:{high_at[2:]}",
        min_f=low,
        min_time_lst=f"{low_at[:2]}:{low_at[2:]}",
        valid_until_lst=f"{until:%H:%M}" if until else None,
        is_correction=is_correction,
        issued_at=issued_at,
    )
    return message, text


@given(summaries(), st.integers(-10, 10))
def test_a_message_reads_back_as_written(summary, days):
    message, text = summary
    around = message.issued_at + dt.timedelta(days=days)
    assert parse(text, around=around, stations=["KNYC"], offset=EASTERN) == ((message,), ())


#: What may stand around a line without being part of it.
MARKS = "\ufeff" + "".join(map(chr, range(32)))


def check_damaged(text: str) -> None:
    try:
        messages, problems = parse(text)
    except InvalidDataError:
        return
    fields = {field.strip(MARKS) for field in re.split(r"[/= \n]", text)}
    for message in messages:
        for value, time in (
            (message.max_f, message.max_time_lst), (message.min_f, message.min_time_lst),
        ):  # fmt: skip
            if value is None:
                assert time == ""
            else:
                digits = time.replace(":", "")
                assert any(
                    field.endswith(digits)
                    and field[:-4].lstrip("-").isdigit()
                    and int(field[:-4]) == value
                    for field in fields
                    if len(field) > 4
                )
        if message.max_f is not None and message.min_f is not None:
            assert message.min_f <= message.max_f
        day_end = dt.datetime.combine(message.climate_day, dt.time()) + dt.timedelta(days=1)
        issued_lst = (message.issued_at + CENTRAL).replace(tzinfo=None)
        assert message.valid_until_lst or issued_lst + CLOCK_TOLERANCE >= day_end
    assert all(problem.reason.endswith(".") for problem in problems)


@st.composite
def damaged(draw: st.DrawFn) -> str:
    text = draw(st.sampled_from([COLLECTIVE[:600], COLLECTIVE]))
    for _ in range(draw(st.integers(1, 6))):
        at = draw(st.integers(0, min(len(text), 400)))
        length = draw(st.integers(0, 8))
        new = draw(
            st.text(st.sampled_from("0123456789M-/= \n\r\x03KDS") | st.characters(), max_size=4)
        )
        text = text[:at] + new + text[at + length :]
    assume(text)
    return text


@settings(max_examples=300, deadline=None, suppress_health_check=list(HealthCheck))
@given(damaged())
def test_a_damaged_text_is_refused_or_says_only_what_it_says(text):
    check_damaged(text)


@pytest.mark.slow
@settings(max_examples=10_000, deadline=None, suppress_health_check=list(HealthCheck))
@given(damaged())
def test_ten_thousand_damaged_texts_invent_nothing(text):
    check_damaged(text)
