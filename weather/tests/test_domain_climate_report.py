from __future__ import annotations

import dataclasses
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


def nyc(*changes: tuple[str, str]):
    """Return the summary of a final report in which texts were exchanged."""
    text = text_of("CLINYC_20260708_final")
    for old, new in changes:
        assert old in text
        text = text.replace(old, new)
    (summary,) = parse_climate_reports(text)
    return summary


ROW = "  MAXIMUM         85    347 PM 100    1993  85      0       93"
HEADLINE = "...THE CENTRAL PARK NY CLIMATE SUMMARY FOR JULY 8 2026..."


@pytest.mark.parametrize(
    ("row", "high", "high_at"),
    [
        ("  MAXIMUM         85   0151 PM 100    1993", 85, "13:51"),
        ("  MAXIMUM         85   1200 AM 100    1993", 85, "00:00"),
        ("  MAXIMUM         85   12:59 AM 100    1993", 85, "00:59"),
        ("  MAXIMUM         85   1200 PM 100    1993", 85, "12:00"),
        ("  MAXIMUM         85   1159 PM 100    1993", 85, "23:59"),
        ("  MAXIMUM         85   1300 PM 100    1993", 85, ""),
        ("  MAXIMUM         85   1261 PM 100    1993", 85, ""),
        ("  MAXIMUM         85     MM    100    1993", 85, ""),
        ("  MAXIMUM         85           100    1993", 85, ""),
        ("  MAXIMUM         85", 85, ""),
        ("MAXIMUM\t\t85\t347 PM\t100\t1993", 85, "15:47"),
        ("  MAXIMUM        100R   347 PM 100    1993", 100, "15:47"),
        ("  MAXIMUM         85 E  347 PM 100    1993", 85, "15:47"),
        ("  MAXIMUM         85(E) 347 PM 100    1993", 85, "15:47"),
        ("  maximum         85    347 pm 100    1993", 85, "15:47"),
        ("  MAXIMUM         MM    347 PM 100    1993", None, ""),
        ("  MAXIMUM", None, ""),
        # A blank value: neither its time nor the record stands in for it.
        ("  MAXIMUM               347 PM 100    1993", None, ""),
        ("  MAXIMUM              1031 AM 100    1993", None, ""),
        ("  MAXIMUM       103 AM 100    1993  85    ", None, ""),
        ("  MAXIMUM                      100    1993", None, ""),
    ],
)
def test_a_maximum_row_is_read_from_its_left_edge(row, high, high_at):
    summary = nyc((ROW, row), ("MINIMUM         64", "MINIMUM         20"))
    assert (summary.max_f, summary.max_time_lst) == (high, high_at)


@pytest.mark.parametrize(
    "row",
    [
        "  MAXIMUM       100    1993  85      0       93",  # the record, moved to the left
        "  MAXIMUM    47 PM 100    1993  85      0       93",  # the end of a time
        "  MAXIMUM    3 47 PM 100    1993  85      0       93",
        "  MAXIMUM         85    ABOUT NOON",
        "  MAXIMUM         8\n5    347 PM 100    1993  85      0       93",  # a line break inside
        "  MAXIMUM         8\x03\n 5    347 PM 100    1993  85      0       93",
        "  MAXIMUM  85.5   347 PM 100",
        "  MAXIMUM  8\x005   347 PM 100",
        "  MAXIMUM85   347 PM 100",
        "  MAXIMUM  - 5   347 PM 100",
        "  MAXIMUM  T   347 PM 100",
        "  MAXIMUM  ٨٥   347 PM 100",
        "  MAXIMUM  85X   347 PM 100",
        "  MAXIMUM  1085   347 PM 100",
        "  MAXIMUM  141   347 PM 100",
        "  MAXIMUM         85   347 PM 100\n  MAXIMUM         86   347 PM 100",
    ],
)
def test_a_row_that_could_mean_something_else_is_refused(row):
    with pytest.raises(InvalidDataError):
        nyc((ROW, row))


def test_a_record_stays_a_record_where_no_times_are_given():
    text = text_of("CLIMUO_20210623_records_without_times")
    row = "  MAXIMUM         92    103    1990    94"
    assert row in text
    (summary,) = parse_climate_reports(text.replace(row, row.replace("92", "  ")))
    assert (summary.max_f, summary.min_f) == (None, 58)


@pytest.mark.parametrize(
    ("headline", "name"),
    [
        ("...THE CENTRAL PARK NY CLIMATE SUMMARY FROM JULY 08 2026...", "CENTRAL PARK NY"),
        ("...THE CENTRAL PARK NY CLIMATE SUMMARY FOR JUL 8 2026...", "CENTRAL PARK NY"),
        ("...THE ST. LOUIS  MO CLIMATE SUMMARY\nFOR JULY 8 2026...", "ST. LOUIS MO"),
        ("...THE HOLLYWOOD/BURBANK  AIRPORT\nCLIMATE SUMMARY FOR JULY 8 2026...",
         "HOLLYWOOD/BURBANK AIRPORT"),
        ("...THE RALEIGH-DURHAM\nINTL AIRPORT CLIMATE SUMMARY FOR JULY 8 2026...",
         "RALEIGH-DURHAM INTL AIRPORT"),
        ("...The Central Park NY Climate Summary for July 8 2026...", "Central Park NY"),
    ],
)  # fmt: skip
def test_headlines_are_read_in_all_their_forms(headline, name):
    summary = nyc((HEADLINE, headline))
    assert (summary.station_name, summary.climate_day) == (name, JULY_8)


@pytest.mark.parametrize(
    "headline",
    [
        HEADLINE.replace("8 2026", "38 2026"),
        HEADLINE.replace("JULY 8 2026", "FEBRUARY 29 2026"),
        HEADLINE.replace("2026", "20266"),
        HEADLINE.replace("JULY", "JULX"),
        HEADLINE.replace("JULY 8", "JULY 10"),  # issued before that day began
        "",
    ],
)
def test_a_report_without_a_possible_day_is_refused(headline):
    with pytest.raises(InvalidDataError):
        nyc((HEADLINE, headline))


def test_a_leap_day_is_a_day():
    text = text_of("CLINYC_20260708_final").replace("JULY 8 2026", "FEBRUARY 29 2028")
    text = text.replace("090626", "010626").replace("THU JUL 09 2026", "WED MAR 01 2028")
    (summary,) = parse_climate_reports(text)
    assert summary.climate_day == dt.date(2028, 2, 29)
    assert summary.issued_at == dt.datetime(2028, 3, 1, 6, 26, tzinfo=dt.UTC)


@pytest.mark.parametrize(
    "line",
    [
        "VALID TODAY AS OF 0400 PM LOCAL TIME.",
        "VALID AS OF 735 AM",
        " valid today as of 0400 pm local time.",
        "VALID TODAY",
        "AS OF 0400 PM LOCAL TIME.",
    ],
)
def test_a_valid_line_makes_a_report_preliminary(line):
    assert not nyc().is_preliminary
    assert nyc((HEADLINE, f"{HEADLINE}\n{line}")).is_preliminary


def test_a_report_issued_while_its_day_runs_is_preliminary_even_if_it_does_not_say_so():
    text = text_of("CLINYC_20260709_intermediate_4pm").replace(
        "VALID TODAY AS OF 0400 PM LOCAL TIME.", ""
    )
    (summary,) = parse_climate_reports(text)
    assert summary.is_preliminary


@pytest.mark.parametrize(("utc", "is_running"), [("090459", True), ("090500", False)])
def test_the_day_ends_at_midnight_standard_time_in_summer_too(utc, is_running):
    assert nyc(("090626", utc)).is_preliminary is is_running


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("KOKX 090626", "KOKX 090826 CCB"),
        ("CLIMATE REPORT ", "CLIMATE REPORT...CORRECTED LOW TEMPERATURE..."),
        ("CLIMATE REPORT ", "CLIMATE REPORT (CORRECTION)"),
        ("JULY 8 2026...", "JULY 8 2026 CORRECTION..."),
        ("JULY 8 2026...", "JULY 8 2026...\n...CORRECTED FOR MAXIMUM TEMPERATURE..."),
    ],
)
def test_a_correction_is_known_wherever_it_says_so(old, new):
    assert nyc((old, new)).is_correction


def test_a_delayed_report_is_no_correction():
    assert not nyc(("KOKX 090626", "KOKX 090826 RRA")).is_correction


@pytest.mark.parametrize(
    "change",
    [
        lambda text: text.replace("\n", "\r\n"),
        lambda text: text.replace("\n", "\r\r\n"),
        lambda text: "\x01\r\r\n" + text + "\x03",
        lambda text: text.replace("\n", "\x1e\n"),
        lambda text: "\ufeff" + text.lstrip().removeprefix("000\n"),
        lambda text: text.replace("\n000\n", "795 \n"),
        lambda text: text.lower(),
        lambda text: "\n".join(line.rstrip() for line in text.split("\n")),
    ],
)
def test_transmission_marks_change_nothing(change):
    plain = read("CLINYC_20260708_final")
    (summary,) = parse_climate_reports(change(text_of("CLINYC_20260708_final")))
    assert dataclasses.replace(summary, station_name=summary.station_name.upper()) == plain


def test_each_product_of_an_archive_keeps_its_own_issuance():
    texts = [text_of("CLINYC_20260708_final"), text_of("CLINYC_20260709_intermediate_4pm")]
    assert [item.issued_at for item in parse_climate_reports("".join(texts))] == [
        dt.datetime(2026, 7, 9, 6, 26, tzinfo=dt.UTC),
        dt.datetime(2026, 7, 9, 20, 35, tzinfo=dt.UTC),
    ]


def test_a_damaged_name_of_a_second_product_does_not_give_it_to_the_first():
    second = text_of("CLIMIA_20260708_final").replace("CLIMIA", "CL1MIA")
    with pytest.raises(InvalidDataError, match="no daily climate report"):
        parse_climate_reports(text_of("CLINYC_20260708_final") + second)


def test_a_station_without_temperatures_does_not_take_those_of_the_next():
    text = text_of("CLIANC_20170314_six_stations")
    first, mark, rest = text.partition("...THE KING SALMON CLIMATE SUMMARY")
    first = first.replace("TEMPERATURE (F)  ", "TEMPERATU        ", 1)
    with pytest.raises(InvalidDataError, match="no temperatures"):
        parse_climate_reports(first + mark.replace("THE", "") + rest)
    with pytest.raises(InvalidDataError, match="no temperatures"):
        parse_climate_reports(first + mark.replace("SUMMARY", "SUMARY") + rest)


def test_temperatures_of_no_day_are_refused():
    with pytest.raises(InvalidDataError, match="of which day"):
        nyc(("\n YESTERDAY  ", "\n YESTER   Y"))


def test_an_embedded_second_day_is_not_read():
    second = " TODAY\n  MAXIMUM         99    347 PM\n\nPRECIPITATION (IN)"
    assert nyc(("\nPRECIPITATION (IN)", second)).max_f == 85


def test_a_maximum_below_its_minimum_is_refused():
    with pytest.raises(InvalidDataError, match="below its minimum"):
        nyc(("MAXIMUM         85", "MAXIMUM         63"))


@pytest.mark.parametrize("name", ["CLINYC_20260708_final", "CLIEKA_20141228_without_times"])
def test_a_text_cut_anywhere_says_the_same_or_nothing(name):
    text, whole = text_of(name), read(name)
    answers = 0
    block_end = text.index("PRECIPITATION (IN)")
    for length in [*range(block_end + 30), *range(block_end + 30, len(text), 20)]:
        try:
            (summary,) = parse_climate_reports(text[:length])
        except InvalidDataError:
            continue
        assert summary == whole
        answers += 1
    assert answers > 60
