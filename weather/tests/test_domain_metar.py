from __future__ import annotations

import datetime as dt

import pytest

from boz.core.errors import InvalidDataError
from weather.domain.metar import parse_metar
from weather.domain.temperature import IntervalF

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
