from __future__ import annotations

import dataclasses
import datetime as dt
import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from boz.core.errors import InvalidDataError
from weather.clients.nws.observations import read_observation
from weather.domain.metar import parse_metar
from weather.domain.station_observation import (
    FIVE_MINUTE,
    ObservationRow,
    station_observation,
)
from weather.domain.temperature import IntervalF

PAYLOADS = Path(__file__).parent / "payloads"
AT = dt.datetime(2026, 9, 4, 1, 53, tzinfo=dt.UTC)
RAW = "KMDW 040153Z 15005KT 10SM CLR 29/23 A2993 RMK AO2 SLP121 T02940228 $"
REPORT = ObservationRow(
    stations=frozenset({"KMDW"}),
    observed_at=AT,
    raw=RAW,
    value=29.4,
    unit="wmoUnit:degC",
    quality="V",
)
BARE = dataclasses.replace(REPORT, raw="", value=29.0)


def test_recorded_rows_are_intervals_and_the_report_among_them_is_exact():
    features = json.loads((PAYLOADS / "nws_observations_kmdw_20260904.json").read_text())[
        "features"
    ]

    found = [station_observation(read_observation(item), icao="KMDW") for item in features]

    assert [(item.observed_at.minute, item.kind, item.temperature) for item in found] == [
        (20, FIVE_MINUTE, IntervalF(86, 86)),
        (5, FIVE_MINUTE, IntervalF(84, 85)),
        (0, FIVE_MINUTE, IntervalF(86, 86)),
        (55, FIVE_MINUTE, IntervalF(84, 85)),
        (53, "METAR", IntervalF(85, 85)),
    ]
    assert [item.needs_maintenance for item in found] == [False] * 4 + [True]


def test_a_report_gives_its_groups():
    feature = json.loads((PAYLOADS / "nws_observation_latest_kfll_20220302.json").read_text())

    found = station_observation(read_observation(feature), icao="KFLL")

    assert found is not None
    assert found.temperature == IntervalF(73, 73)
    assert (found.max_6h_f, found.min_6h_f, found.max_24h_f) == (76, 73, None)
    assert found.needs_maintenance


def test_the_name_of_the_kind_fits_its_column():
    assert len(FIVE_MINUTE) <= 10


def test_a_missing_number_is_taken_from_the_report():
    found = station_observation(dataclasses.replace(REPORT, value=None, unit=None), icao="KMDW")
    assert found is not None
    assert found.temperature == IntervalF(85, 85)


def test_a_row_without_any_temperature_is_no_fault():
    assert station_observation(dataclasses.replace(BARE, value=None), icao="KMDW") is None
    raw = "KMDW 040153Z AUTO 15005KT A2993 RMK AO2"
    row = dataclasses.replace(REPORT, raw=raw, value=None)
    assert station_observation(row, icao="KMDW") is None


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (26.0, (78, 79)),
        (0.0, (32, 32)),
        (-18.0, (-1, 0)),
        (25.6, (78, 78)),
        (22.800000000000001, (73, 73)),
        (-17.8, (0, 0)),
        (25.3, (77, 78)),
    ],
)
def test_a_bare_number_means_what_its_rounding_allows(value, expected):
    found = station_observation(dataclasses.replace(BARE, value=value), icao="KMDW")
    assert found is not None
    assert found.temperature == IntervalF(*expected)
    assert (found.kind, found.max_6h_f, found.max_24h_f) == (FIVE_MINUTE, None, None)


@pytest.mark.parametrize("code", ["Z", "C", "S", "V", "G", "T", "qc:V", None, ""])
def test_good_and_unchecked_values_are_used(code):
    for row in (BARE, REPORT):
        assert station_observation(dataclasses.replace(row, quality=code), icao="KMDW") is not None


@pytest.mark.parametrize(
    ("code", "reason"),
    [
        ("X", "failed the quality control"),
        ("Q", "questions it"),
        ("B", "judged it to be bad"),
        ("qc:X", "failed"),
        ("A", "unknown"),
        ("v", "unknown"),
    ],
)
def test_doubtful_values_are_refused_with_the_reason_even_beside_a_report(code, reason):
    for row in (BARE, REPORT):
        with pytest.raises(InvalidDataError, match=reason):
            station_observation(dataclasses.replace(row, quality=code), icao="KMDW")


@pytest.mark.parametrize("unit", [None, "", "wmoUnit:degF", "unit:K"])
def test_an_observed_temperature_must_be_celsius(unit):
    for row in (BARE, REPORT):
        with pytest.raises(InvalidDataError, match="not in °C"):
            station_observation(dataclasses.replace(row, unit=unit), icao="KMDW")


@pytest.mark.parametrize("value", [28.8888888, 29.45, 84.02])
def test_a_number_of_unknown_rounding_is_refused(value):
    with pytest.raises(InvalidDataError):
        station_observation(dataclasses.replace(BARE, value=value), icao="KMDW")


@pytest.mark.parametrize("value", [61.0, 84.0, -63.0, 1e300, float("nan"), float("inf")])
def test_a_number_that_cannot_be_is_refused(value):
    """84 is a summer day in °F."""
    with pytest.raises(InvalidDataError, match="cannot be true"):
        station_observation(dataclasses.replace(BARE, value=value), icao="KMDW")


@pytest.mark.parametrize("stations", [{"KORD"}, {"KMDW", "KORD"}, set()])
def test_a_row_of_another_station_is_refused(stations):
    for row in (BARE, REPORT):
        with pytest.raises(InvalidDataError, match="is one of"):
            station_observation(dataclasses.replace(row, stations=frozenset(stations)), icao="KMDW")


@pytest.mark.parametrize(
    ("raw", "reason"),
    [
        (RAW.replace("KMDW", "KORD"), "holds a report of KORD"),
        (RAW.replace("040153Z", "040053Z"), "another time"),
        (RAW.replace("040153Z", "050153Z"), "another time"),
        (RAW.replace("29/23", "19/13").replace("T02940228", "T01940128"), "different temp"),
        (RAW.replace("T02940228", "T01940128"), "two different temperatures"),
        ("KMDW 040153Z AUTO 15005KT A2993 RMK AO2", "that its report does not"),
        ("NIL", "cannot be read"),
    ],
)
def test_a_row_that_contradicts_its_report_is_refused(raw, reason):
    with pytest.raises(InvalidDataError, match=reason):
        station_observation(dataclasses.replace(REPORT, raw=raw), icao="KMDW")


@given(st.integers(-80, 140))
def test_a_whole_fahrenheit_is_found_again_in_every_form_it_travels_in(temp_f):
    temp_c = (temp_f - 32) / 1.8
    whole = station_observation(dataclasses.replace(BARE, value=float(round(temp_c))), icao="KMDW")
    tenths = station_observation(dataclasses.replace(BARE, value=round(temp_c, 1)), icao="KMDW")
    assert whole is not None
    assert tenths is not None
    assert whole.temperature.low_f <= temp_f <= whole.temperature.high_f
    # A whole °C may have been tenths: the wider reading is right for both.
    assert tenths.temperature.low_f <= temp_f <= tenths.temperature.high_f


@given(
    st.floats(-70, 70) | st.integers(-70, 70).map(float) | st.none(),
    st.sampled_from(["V", "Z", "X", "", None]),
    st.sampled_from(["", RAW, RAW[:40], "KMDW 040153Z 29/23"]),
)
def test_every_row_is_read_or_refused(value, quality, raw):
    row = dataclasses.replace(REPORT, value=value, quality=quality, raw=raw)
    try:
        found = station_observation(row, icao="KMDW")
    except InvalidDataError:
        return
    if found is not None and raw:
        report = parse_metar(raw, around=AT)
        assert found.temperature == report.temperature
