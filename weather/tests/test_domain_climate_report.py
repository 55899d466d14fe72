from __future__ import annotations

import datetime as dt
from pathlib import Path

import pytest

from boz.core.errors import InvalidDataError
from weather.domain.climate_report import parse_climate_reports, same_station

PAYLOADS = Path(__file__).parent / "payloads"
JULY_8, JULY_9 = dt.date(2026, 7, 8), dt.date(2026, 7, 9)


def text_of(name: str) -> str:
    return (PAYLOADS / f"{name}.txt").read_text()


def read(name: str):
    (summary,) = parse_climate_reports(text_of(name))
    return summary


NYC, MIA = "CENTRAL PARK NY", "MIAMI"
READ = [
    ("CLINYC_20260708_final", NYC, JULY_8, 85, "15:47", 64, "04:40", "", "07-09T06:26"),
    ("CLINYC_20260709_intermediate_4pm", NYC, JULY_9, 82, "10:50", 71, "05:34", "P", "07-09T20:35"),
    ("CLIMDW_20260708_final", "CHICAGO-MIDWAY", JULY_8, 89, "14:56", 67, "04:31", "",
     "07-09T06:34"),
    ("CLIMIA_20260708_final", MIA, JULY_8, 92, "14:28", 83, "01:26", "", "07-09T08:25"),
    ("CLIAUS_20260709_intermediate_4pm", "AUSTIN BERGSTROM", JULY_9, 98, "14:44", 73, "06:08", "P",
     "07-09T21:47"),
    ("CLIDEN_20260709_intermediate_6am", "DENVER CO", JULY_9, 65, "01:03", 57, "03:24", "P",
     "07-09T12:31"),
    ("CLIPHL_20260709_intermediate_5pm", "PHILADELPHIA PA", JULY_9, 81, "08:58", 72, "04:35", "P",
     "07-09T21:39"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("name", "station", "day", "high", "high_at", "low", "low_at", "partial", "issued"), READ
)
def test_real_products_are_read(name, station, day, high, high_at, low, low_at, partial, issued):
    summary = read(name)
    assert summary.station_name == station
    assert summary.climate_day == day
    assert (summary.max_f, summary.max_time_lst) == (high, high_at)
    assert (summary.min_f, summary.min_time_lst) == (low, low_at)
    assert summary.is_preliminary is (partial == "P")
    assert summary.issued_at == dt.datetime.fromisoformat(f"2026-{issued}").replace(tzinfo=dt.UTC)
    assert not summary.is_correction
    assert not summary.max_is_record


def test_a_layout_without_indents_or_blank_lines_is_read():
    summary = read("CLIPPG_20220206_tight")
    assert (summary.max_f, summary.max_time_lst, summary.min_f) == (89, "13:50", 82)
    assert summary.climate_day == dt.date(2022, 2, 6)


def test_a_record_mark_shifts_no_digit():
    summary = read("CLIMIA_20260818_final_record")
    assert (summary.max_f, summary.max_is_record) == (100, True)


def test_an_estimated_maximum_is_marked():
    summary = read("CLIRDU_20210320_estimated")
    assert (summary.max_f, summary.max_is_estimated, summary.max_time_lst) == (57, True, "02:21")


def test_a_correction_weeks_later_keeps_the_day_of_its_headline():
    summary = read("CLIEWN_20141018_correction")
    assert summary.is_correction
    assert summary.climate_day == dt.date(2014, 9, 28)
    assert summary.issued_at == dt.datetime(2014, 10, 18, 13, 30, tzinfo=dt.UTC)


def test_a_report_without_a_maximum_row_does_not_take_the_normal_for_it():
    summary = read("CLIFMY_20141229_without_maximum")
    assert summary.max_f is None
    assert summary.min_f == 63


def test_a_missing_maximum_is_none():
    text = text_of("CLINYC_20260708_final").replace(
        "  MAXIMUM         85    347 PM 100", "  MAXIMUM         MM     MM    100"
    )
    (summary,) = parse_climate_reports(text)
    assert summary.max_f is None
    assert summary.max_time_lst == ""


def test_a_blank_maximum_does_not_take_the_record_for_it():
    text = text_of("CLINYC_20260708_final").replace(
        "  MAXIMUM         85    347 PM 100", "  MAXIMUM                      100"
    )
    (summary,) = parse_climate_reports(text)
    assert summary.max_f is None


def test_zero_and_negative_maxima_are_values():
    for value in (" 0 ", "-21R"):
        text = text_of("CLINYC_20260708_final").replace(
            "  MAXIMUM         85 ", f"  MAXIMUM        {value}"
        )
        text = text.replace("  MINIMUM         64 ", "  MINIMUM        -30 ")
        (summary,) = parse_climate_reports(text)
        assert summary.max_f == int(value.strip().rstrip("R"))


def test_every_station_of_a_product_is_read():
    second = text_of("CLIMIA_20260708_final").partition("...THE MIAMI")
    text = text_of("CLINYC_20260708_final").replace("$$", "&&") + second[1] + second[2]
    first, other = parse_climate_reports(text)
    assert (first.station_name, first.max_f) == ("CENTRAL PARK NY", 85)
    assert (other.station_name, other.max_f) == ("MIAMI", 92)


def test_a_correction_in_the_header_counts():
    text = text_of("CLINYC_20260708_final").replace("KOKX 090626", "KOKX 090826 CCA")
    (summary,) = parse_climate_reports(text)
    assert summary.is_correction
    assert summary.issued_at == dt.datetime(2026, 7, 9, 8, 26, tzinfo=dt.UTC)


@pytest.mark.parametrize("bad", ["-200", "8O", "85.5"])
def test_an_unreadable_or_absurd_maximum_is_refused(bad):
    text = text_of("CLINYC_20260708_final").replace("MAXIMUM         85", f"MAXIMUM       {bad}")
    with pytest.raises(InvalidDataError):
        parse_climate_reports(text)


def test_a_product_cut_off_in_its_temperatures_is_refused():
    text = text_of("CLINYC_20260708_final")
    with pytest.raises(InvalidDataError, match="cut off"):
        parse_climate_reports(text[: text.index("  MAXIMUM         8") + 19])


def test_another_product_is_refused():
    with pytest.raises(InvalidDataError, match="CLINYC, not CLILGA"):
        parse_climate_reports(text_of("CLINYC_20260708_final"), awips_id="CLILGA")
    with pytest.raises(InvalidDataError, match="no daily climate report"):
        parse_climate_reports("000\nFXUS61 KOKX 090626\nAFDOKX\n")


def test_headline_names_match_without_regard_to_punctuation():
    assert same_station("HOUSTON/HOBBY  AIRPORT", "Houston-Hobby Airport")
    assert not same_station("LA GUARDIA NY", "CENTRAL PARK NY")
