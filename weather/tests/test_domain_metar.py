from __future__ import annotations

import datetime as dt
import re
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from boz.core.errors import InvalidDataError
from weather.domain.metar import parse_metar, split_collective
from weather.domain.temperature import (
    IntervalF,
    interval_of_tenths,
    interval_of_whole_celsius,
)

PAYLOADS = Path(__file__).parent / "payloads"
AROUND = dt.datetime(2024, 11, 15, 6, tzinfo=dt.UTC)


def test_tenths_give_the_exact_whole_degree():
    report = parse_metar("KMIA 150553Z 08013KT 10SM 26/18 A2998 RMK AO2 T02560183=", around=AROUND)
    assert report.icao == "KMIA"
    assert report.kind == "METAR"
    assert report.observed_at == dt.datetime(2024, 11, 15, 5, 53, tzinfo=dt.UTC)
    assert report.temperature == IntervalF(78, 78)


def test_the_short_group_without_dew_point_is_read():
    report = parse_metar("SPECI KBOS 150610Z AUTO 10SM 30/ RMK AO2 T0300", around=AROUND)
    assert report.kind == "SPECI"
    assert report.temperature == IntervalF(86, 86)


@pytest.mark.parametrize(
    ("body", "expected"),
    [("26/18", (78, 79)), ("M04/M07", (24, 25)), ("00/M06", (32, 32)), ("M00/M06", (32, 32))],
)
def test_whole_celsius_in_the_body_is_an_interval(body, expected):
    report = parse_metar(f"METAR KNYC 150551Z AUTO 10SM {body} A3001 RMK AO2", around=AROUND)
    assert report.temperature == IntervalF(*expected)


def test_maximum_groups_are_read_with_their_signs():
    report = parse_metar(
        "KAMW 150453Z AUTO 10SM 12/11 A3015 RMK AO2 SLP207 T01170106 11006 20117 402281017 57002=",
        around=AROUND,
    )
    assert report.max_6h_f == 31
    assert report.max_24h_f == 73


def test_groups_outside_the_remarks_are_no_maxima():
    report = parse_metar("KMIA 150553Z 10250KT 10SM FEW015 25/18 A2998", around=AROUND)
    assert report.max_6h_f is None
    assert report.max_24h_f is None


def test_a_report_without_temperature_is_none_rather_than_zero():
    assert parse_metar("KMIA 150553Z AUTO 10SM A2998 RMK AO2", around=AROUND).temperature is None


def test_the_month_is_the_nearest_one():
    first = dt.datetime(2025, 1, 1, 0, 10, tzinfo=dt.UTC)
    report = parse_metar("KMIA 312353Z 10SM 20/18 A2998", around=first)
    assert report.observed_at == dt.datetime(2024, 12, 31, 23, 53, tzinfo=dt.UTC)


def test_a_correction_is_a_kind_of_its_own():
    report = parse_metar("METAR KMIA 150553Z COR 10SM 20/18 A2998", around=AROUND)
    assert report.kind == "METAR COR"


@pytest.mark.parametrize(
    "raw",
    [
        "",
        "NIL=",
        "KMIA 999999Z 10SM 20/18",
        "KMIA 150553Z 10SM 20/18 RMK T03000100",
        "KMIA 150553Z 10SM M99/M99 RMK T19991999",
    ],
)
def test_nonsense_is_refused(raw):
    with pytest.raises(InvalidDataError):
        parse_metar(raw, around=AROUND)


def payload(name: str) -> str:
    return (PAYLOADS / name).read_bytes().decode("ascii")


def test_a_collective_is_taken_apart_report_by_report():
    reports = split_collective(payload("metar_collective.txt"))

    assert len(reports) == 14
    assert reports[0].startswith("METAR KSPS 081352Z 10015KT")
    assert reports[0].endswith(
        "RMK AO2 TSB38RAB25GRB49 SLP036 LTGICCCCG OHD TS OHD GR 1/3 P0000 T02500161"
    )
    assert reports[1].endswith("P0046 $")
    assert reports[-3:] == (
        "METAR QQQQ 081354Z",
        "QQQQ O81354Z AUTO 17027G37KT",
        "1QQQ 081354Z AUTO 17027G37KT",
    )


def test_every_report_of_a_collective_says_what_it_holds():
    """Read by hand from the text: station, interval, maxima, minima, maintenance."""
    expected = [
        ("KSPS", (77, 77), None, None, None, None, False),
        ("KMIA", (73, 74), None, None, None, None, True),
        ("KMIA", (73, 74), None, None, None, None, True),
        ("KALO", (24, 24), None, None, None, None, False),
        ("PAJN", (41, 41), 45, 40, None, None, False),
        ("RJSK", None),  # its tenths (5.0) are not those of its body (15)
        ("KEST", (71, 72), None, None, None, None, False),
        ("KAMW", (53, 53), 69, 53, 73, 53, False),
        ("KAMW", (50, 50), 56, 49, None, None, False),
        ("KALO", (64, 64), None, None, None, None, False),
        ("KALO", (66, 66), None, None, None, None, False),
    ]
    around = dt.datetime(2026, 6, 8, 14, tzinfo=dt.UTC)
    found = []
    for text in split_collective(payload("metar_collective.txt")):
        try:
            report = parse_metar(text, around=around)
        except InvalidDataError:
            found.append((text.split()[1], None))
            continue
        assert report.temperature is not None
        found.append(
            (
                report.icao,
                (report.temperature.low_f, report.temperature.high_f),
                report.max_6h_f,
                report.min_6h_f,
                report.max_24h_f,
                report.min_24h_f,
                report.needs_maintenance,
            )
        )
    assert found[: len(expected)] == expected
    assert [item[1] for item in found[len(expected) :]] == [None] * 3


def test_canadian_reports_are_refused_and_not_misread():
    reports = split_collective(payload("metar_collective_canada.txt"))

    assert len(reports) == 4
    for text in reports:
        with pytest.raises(InvalidDataError):
            parse_metar(text, around=AROUND)


def test_a_lost_end_sign_hands_no_groups_to_the_neighbour():
    text = "SPECI\nKMIA 150553Z 10SM 26/18 A2998 RMK AO2\nKBOS 150554Z 10SM 10/05 RMK T01000050="

    reports = [parse_metar(item, around=AROUND) for item in split_collective(text)]

    assert [(item.icao, item.kind) for item in reports] == [("KMIA", "SPECI"), ("KBOS", "SPECI")]
    assert [item.temperature for item in reports] == [IntervalF(78, 79), IntervalF(50, 50)]


def test_a_report_names_its_own_type_inside_a_collective():
    text = "METAR\nSPECI KMIA 150553Z 26/18=COR KBOS 150554Z 10/05="

    assert split_collective(text) == (
        "SPECI KMIA 150553Z 26/18",
        "METAR COR KBOS 150554Z 10/05",
    )


@pytest.mark.parametrize("text", ["", "=", " \r\r\n=\n=", "776\nSAUS70 KWBC 081400\nMETAR\n"])
def test_an_empty_collective_holds_no_report(text):
    assert split_collective(text) == ()


@pytest.mark.parametrize(
    ("ending", "expected"),
    [("", False), ("$", True), (" $", True), (" $=", True), (" $ =", True), ("=", False)],
)
def test_the_sign_for_maintenance_is_told(ending, expected):
    report = parse_metar(
        f"KNYC 150551Z AUTO 10SM 08/03 A3025 RMK AO2 T00830028{ending}", around=AROUND
    )
    assert report.needs_maintenance is expected
    assert report.temperature == IntervalF(47, 47)


def test_groups_below_zero_keep_their_sign():
    report = parse_metar(
        "KORD 150551Z AUTO M15/M20 RMK AO2 T11501200 11106 21172 411061194", around=AROUND
    )
    assert report.temperature == IntervalF(5, 5)
    assert (report.max_6h_f, report.min_6h_f) == (13, 1)
    assert (report.max_24h_f, report.min_24h_f) == (13, -3)


def test_zero_fahrenheit_is_a_temperature():
    report = parse_metar("KORD 150551Z M18/M20 RMK T11781200 11178 21178", around=AROUND)
    assert report.temperature == IntervalF(0, 0)
    assert (report.max_6h_f, report.min_6h_f) == (0, 0)


def test_groups_outside_the_standard_tenths_bound_from_the_safe_side():
    """25.3 °C is no whole °F: a maximum is at least 77, a minimum at most 78."""
    report = parse_metar("KMIA 150553Z 25/18 RMK AO2 10253 20253", around=AROUND)
    assert (report.max_6h_f, report.min_6h_f) == (77, 78)


def test_without_its_remarks_mark_a_report_gives_whole_celsius_only():
    report = parse_metar("KMIA 150553Z 10SM 26/18 A2998 T02560183 10261", around=AROUND)
    assert report.temperature == IntervalF(78, 79)
    assert report.max_6h_f is None


@pytest.mark.parametrize("head", ["METAR COR KMIA 150553Z", "METAR KMIA 150553Z AUTO COR"])
def test_every_spelling_of_a_correction_is_seen(head):
    assert parse_metar(f"{head} 10SM 20/18 A2998", around=AROUND).kind == "METAR COR"


@pytest.mark.parametrize(
    "remarks", ["T02560183 T02610183", "T02560183 10261 10267", "402670183 402560183"]
)
def test_two_reports_run_together_are_refused(remarks):
    with pytest.raises(InvalidDataError, match="several values"):
        parse_metar(f"KMIA 150553Z 10SM 26/18 A2998 RMK AO2 {remarks}", around=AROUND)


def test_two_bodies_run_together_are_refused():
    with pytest.raises(InvalidDataError, match="several values"):
        parse_metar("KMIA 150553Z 10SM 26/18 A2998 KBOS 150553Z 10/05 A2998", around=AROUND)


def test_the_same_group_twice_is_one_value():
    report = parse_metar("KMIA 150553Z 26/18 RMK T02560183 T02560183", around=AROUND)
    assert report.temperature == IntervalF(78, 78)


SEEDS = [
    *split_collective(payload("metar_collective.txt")),
    "KFLL 022353Z 02004KT 10SM FEW026 BKN055 23/18 A3008 RMK AO2 SLP187 60000 T02280183 10244 "
    "20228 53008 $",
    "METAR LTAC 260550Z 10004KT 040V120 9999 FEW040 M00/M06 Q1016 NOSIG RMK RWY21C 13004KT",
    "SPECI COR KBOS 150610Z AUTO 10SM 30/ RMK AO2 T0300=",
]
TOKENS = ["RMK", "T", "T1", "10256", "411061194", "M", "/", "=", "$", " ", "99", "-5", "٣", "COR"]


@st.composite
def mutated(draw):
    """A real report with pieces cut, doubled, swapped and put in."""
    text = draw(st.sampled_from(SEEDS))
    for _ in range(draw(st.integers(0, 4))):
        first = draw(st.integers(0, len(text)))
        last = draw(st.integers(first, min(len(text), first + 12)))
        piece = draw(
            st.one_of(
                st.sampled_from(TOKENS),
                st.text(max_size=4),
                st.sampled_from(SEEDS).map(lambda seed: seed[-30:]),
                st.just(text[first:last] * 2),
            )
        )
        text = text[:first] + piece + text[last:]
    return text


def _written(text: str, pattern: str) -> list[int]:
    """Every tenth of °C that a text holds in groups of this shape, sought without the parser."""
    return [int(digits) * (-1 if sign == "1" else 1) for sign, digits in re.findall(pattern, text)]


@settings(max_examples=600, deadline=None)
@given(mutated())
def test_no_text_crashes_the_parser_or_makes_it_invent_a_temperature(text):
    for item in (text, *split_collective(text)):
        try:
            report = parse_metar(item, around=AROUND)
        except InvalidDataError:
            continue
        possible = [interval_of_tenths(value) for value in _written(item, r"T([01])(\d{3})")]
        possible += [
            interval_of_whole_celsius(int(digits) * (-1 if sign else 1))
            for sign, digits in re.findall(r"(M?)(\d\d)/", item)
        ]
        assert report.temperature is None or report.temperature in possible
        for found, pattern, bound in (
            (report.max_6h_f, r"1([01])(\d{3})", "low_f"),
            (report.min_6h_f, r"2([01])(\d{3})", "high_f"),
            (report.max_24h_f, r"4([01])(\d{3})[01]\d{3}", "low_f"),
            (report.min_24h_f, r"4[01]\d{3}([01])(\d{3})", "high_f"),
        ):
            written = {getattr(interval_of_tenths(v), bound) for v in _written(item, pattern)}
            assert found is None or found in written


@given(st.text(max_size=200))
def test_a_collective_loses_no_text(text):
    joined = "".join("".join(split_collective(text)).split())
    for word in joined:
        assert word in text or word in "METARSPECI"
    assert all(report.strip() == report and report for report in split_collective(text))
