"""A station's block of a text bulletin gives its maxima, and never a number of another column."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from boz.core.errors import InvalidDataError
from weather.domain.nbm_table import find_headers
from weather.domain.nbm_text import climate_day_of_maximum, parse_nbm_block

PAYLOADS = Path(__file__).parent / "payloads"
UTC = dt.UTC
LEVELS = (0.10, 0.25, 0.50, 0.75, 0.90)
NBP_ROWS = ("TXNMN", "TXNSD", "TXNP1", "TXNP2", "TXNP5", "TXNP7", "TXNP9")
MIAMI = (PAYLOADS / "NBP_KMDW_KMIA_20260928.txt").read_text()


def text(name: str) -> str:
    return (PAYLOADS / f"{name}.txt").read_text()


def highs(guidance) -> dict[str, float]:
    return {day.climate_day.isoformat(): day.high_f for day in guidance.days}


# --- recorded blocks ---------------------------------------------------------------------------


def test_percentiles_mean_and_spread_are_those_of_the_day_before_the_column():
    guidance = parse_nbm_block(MIAMI, station="KMIA", product="NBP")

    assert (guidance.station, guidance.product, guidance.version) == ("KMIA", "NBP", "5.0")
    assert guidance.cycle == dt.datetime(2026, 9, 28, 13, tzinfo=UTC)
    first = guidance.days[0]
    assert first.climate_day == dt.date(2026, 9, 29)
    assert first.valid_at == dt.datetime(2026, 9, 30, 0, tzinfo=UTC)
    assert (first.high_f, first.sd_f) == (87.0, 3.0)
    assert first.quantiles_f == tuple(zip(LEVELS, (84, 85, 87, 89, 90), strict=True))
    assert len(guidance.days) == 9
    assert guidance.days[-1].climate_day == dt.date(2026, 10, 7)
    assert guidance.problems == ()


def test_the_block_is_that_of_the_station_asked_for():
    guidance = parse_nbm_block(MIAMI, station="KMDW", product="NBP")
    assert guidance.days[0].high_f == 75.0
    assert guidance.days[0].quantiles_f[0] == (0.10, 73.0)


def test_three_digits_that_touch_their_neighbours_and_equal_percentiles_are_read():
    rows = text("NBP_KAUS_20260917").replace(
        "TXNP1", "TXNMN  99  73| 99  71| 99  72|\nTXNSD   1   1|  1   2|  1   2|\nTXNP1", 1
    )
    guidance = parse_nbm_block(rows, station="KAUS", product="NBP")
    assert [day.climate_day.day for day in guidance.days] == [17, 18, 19]
    assert [value for _, value in guidance.days[0].quantiles_f] == [97, 98, 99, 100, 100]
    assert [value for _, value in guidance.days[1].quantiles_f] == [97, 98, 99, 100, 100]
    assert [value for _, value in guidance.days[2].quantiles_f] == [97, 98, 99, 99, 101]


def test_percentiles_without_a_mean_are_refused_by_day():
    guidance = parse_nbm_block(text("NBP_KAUS_20260917"), station="KAUS", product="NBP")
    assert guidance.days == ()
    assert [day.day for day, _ in guidance.problems] == [17, 18, 19]


def test_the_short_range_bulletin_of_version_5():
    guidance = parse_nbm_block(text("NBS_KDSM_20260407"), station="KDSM", product="NBS")
    assert guidance.cycle == dt.datetime(2026, 4, 7, 15, tzinfo=UTC)
    assert highs(guidance) == {"2026-04-08": 59.0, "2026-04-09": 62.0}
    assert [day.sd_f for day in guidance.days] == [3.0, 3.0]
    assert [day.quantiles_f for day in guidance.days] == [(), ()]


def test_the_short_range_bulletin_of_version_3():
    guidance = parse_nbm_block(text("NBS_KJFK_20200727"), station="KJFK", product="NBS")
    assert highs(guidance) == {"2020-07-28": 93.0, "2020-07-29": 91.0}
    assert [day.sd_f for day in guidance.days] == [None, None]


def test_the_extended_bulletin_whose_first_column_is_a_minimum():
    guidance = parse_nbm_block(text("NBE_20200722"), station="CLFU1", product="NBE")
    assert list(highs(guidance).values()) == [87, 86, 87, 87, 88, 88, 90]
    assert guidance.days[0].climate_day == dt.date(2020, 7, 23)


def test_the_extended_bulletin_whose_first_column_is_a_maximum_and_its_climate_columns():
    guidance = parse_nbm_block(text("NBE_KJFK_20200728"), station="KJFK", product="NBE")
    assert list(highs(guidance).values()) == [93, 91, 90, 86, 87, 85, 86, 84]
    assert guidance.days[0].climate_day == dt.date(2020, 7, 28)
    assert guidance.days[-1].climate_day == dt.date(2020, 8, 4)


def test_only_00_utc_holds_a_maximum():
    assert climate_day_of_maximum(dt.datetime(2024, 3, 1, tzinfo=UTC)) == dt.date(2024, 2, 29)
    assert climate_day_of_maximum(dt.datetime(2024, 3, 1, 12, tzinfo=UTC)) is None


def test_headers_are_found_with_their_place():
    headers = list(find_headers(MIAMI))
    assert [header.station for header in headers] == ["KMDW", "KMIA"]
    assert MIAMI[headers[1].start :].startswith(" KMIA ")


# --- blocks that cannot be used ----------------------------------------------------------------


@pytest.mark.parametrize("station", ["KNYC", "MIA", "KMI"])
def test_a_block_of_another_station_is_refused(station):
    with pytest.raises(InvalidDataError, match="does not hold the station"):
        parse_nbm_block(MIAMI, station=station, product="NBP")


def test_another_product_is_refused():
    with pytest.raises(InvalidDataError, match="does not hold the station"):
        parse_nbm_block(MIAMI, station="KMIA", product="NBE")


def test_the_same_station_twice_is_refused():
    with pytest.raises(InvalidDataError, match="twice"):
        parse_nbm_block(MIAMI + MIAMI, station="KMIA", product="NBP")


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (" UTC    12| 00", " UTC    00| 12"),  # contradicts the forecast hours
        (" FHR    23| 35", " FHR    24| 36"),
        (" FHR    23| 35", " FHR    35| 23"),  # out of order
        (" FHR    23| 35", " FHR   23 | 35"),  # not above each other
        (" UTC ", " UCT "),  # no such row
        (" TXNP5 ", " TXNQ5 "),
        (" TXNP5 ", " TXNP2 "),  # the same row twice
        (" TXNMN  76| 87", " TXNMN 76| 87"),  # shifted to the left
        (" TXNMN  76| 87", " TXNMN   76| 87"),  # shifted to the right
        (" TXNMN  76| 87", " TXNMN     | 76| 87"),  # shifted by a column
        (" TXNMN  76| 87  76|", " TXNMN  76|"),  # shifted by two columns to the left
        (" TXNMN  76| 87", " TXNMN  76| 8x"),
        (" TXNMN  76| 87", " TXNMN  76|8 7"),
        (" TXNMN  76| 87", " TXNMN  76| 87|"),
    ],
)
def test_rows_that_do_not_fit_make_the_block_unusable(old, new):
    _, _, block = MIAMI.partition(" KMIA")
    assert old in block
    with pytest.raises(InvalidDataError):
        parse_nbm_block(" KMIA" + block.replace(old, new, 1), station="KMIA", product="NBP")


@pytest.mark.parametrize("wrong", ["150", "-88"])
def test_a_temperature_that_cannot_be_refuses_its_day_only(wrong):
    block = text("NBS_KDSM_20260407").replace("50          59", f"50         {wrong}", 1)
    guidance = parse_nbm_block(block, station="KDSM", product="NBS")
    assert highs(guidance) == {"2026-04-09": 62.0}
    assert [day for day, _ in guidance.problems] == [dt.date(2026, 4, 8)]


def test_a_row_moved_by_a_column_is_known_by_its_separators():
    row = next(line for line in MIAMI.splitlines() if line.startswith(" TXNMN  76| 87"))
    moved = " TXNMN  87  76| 86" + row[18:]
    assert len(moved) == len(row)
    with pytest.raises(InvalidDataError, match="TXNMN row that does not fit"):
        parse_nbm_block(MIAMI.replace(row, moved), station="KMIA", product="NBP")


def test_a_row_that_ends_inside_a_number_is_refused():
    block = text("NBS_KDSM_20260407")
    row = next(line for line in block.splitlines() if line.startswith("TXN "))
    assert row.endswith(" 44")
    with pytest.raises(InvalidDataError, match="TXN row that does not fit"):
        parse_nbm_block(block.replace(row, row[:-1]), station="KDSM", product="NBS")


def test_crossing_percentiles_refuse_their_day_only():
    block = MIAMI.replace(" TXNP5  76| 87", " TXNP5  76| 91", 1)
    guidance = parse_nbm_block(block, station="KMIA", product="NBP")
    assert len(guidance.days) == 8
    assert guidance.problems[0][0] == dt.date(2026, 9, 29)
    assert "cross" in guidance.problems[0][1]


@pytest.mark.parametrize("missing", ["-99", "999"])
def test_a_missing_value_is_no_temperature(missing):
    block = MIAMI.replace(" TXNMN  76| 87", f" TXNMN  76|{missing}", 1)
    guidance = parse_nbm_block(block, station="KMIA", product="NBP")
    assert dt.date(2026, 9, 29) not in [day.climate_day for day in guidance.days]
    assert guidance.problems == (
        (dt.date(2026, 9, 29), "The forecast for 2026-09-29 has a spread but no maximum."),
    )


def test_zero_degrees_is_a_temperature():
    block = text("NBS_KDSM_20260407").replace("50          59", "50           0", 1)
    assert highs(parse_nbm_block(block, station="KDSM", product="NBS"))["2026-04-08"] == 0.0


@pytest.mark.parametrize(
    ("name", "station", "product", "needed"),
    [
        ("NBP_KMDW_KMIA_20260928", "KMIA", "NBP", " TXNP9"),
        ("NBS_KDSM_20260407", "KDSM", "NBS", "TMP"),
        ("NBE_KJFK_20200728", "KJFK", "NBE", "TMP"),
    ],
)
def test_a_block_cut_anywhere_gives_the_same_days_or_an_error(name, station, product, needed):
    whole = text(name)
    start = whole.index(f"{station} ")
    wanted = parse_nbm_block(whole, station=station, product=product)
    end_of_needed = whole.index("\n", whole.index(f"\n{needed}", start) + 1)
    for cut in range(start, len(whole) + 1):
        try:
            got = parse_nbm_block(whole[:cut], station=station, product=product)
        except InvalidDataError:
            assert cut < end_of_needed
        else:
            assert (got.days, got.problems) == (wanted.days, wanted.problems)


# --- properties --------------------------------------------------------------------------------

DAY = st.tuples(
    st.integers(-70, 130), st.integers(0, 20), st.lists(st.integers(0, 5), min_size=5, max_size=5)
)


def rendered_nbp(first: int, days: list, *, indent: str, bars: bool) -> tuple[str, list]:
    """Write a block whose columns begin at a forecast hour of ``first``."""
    leads = list(range(first, first + 12 * 2 * len(days), 12))
    columns: list[dict[str, int]] = []
    expected = []
    for lead in leads:
        mean, sd, steps = days[len(columns) // 2]
        values = [min(130, mean - 6 + sum(steps[: k + 1])) for k in range(5)]
        # minima lie elsewhere, so that one taken for a maximum is seen
        shift = 0 if (1 + lead) % 24 == 0 else -7
        column = dict(
            zip(NBP_ROWS, [mean + shift, sd, *(value + shift for value in values)], strict=True)
        )
        columns.append(column)
        if shift == 0:
            expected.append((float(mean), float(sd), [float(value) for value in values]))

    def row(label: str, cells: list[str]) -> str:
        line = f"{label:<6}"
        for index, (cell, lead) in enumerate(zip(cells, leads, strict=True)):
            bar = bars and index > 0 and (1 + lead) % 24 == 0
            line += ("|" if bar else " " if index else "") + cell.rjust(3)
        return indent + line

    lines = [f"{indent}KNYC    NBM V5.0 NBP GUIDANCE    2/28/2028  0100 UTC"]
    lines.append(row("UTC", [f"{(1 + lead) % 24:02d}" for lead in leads]))
    lines.append(row("FHR", [str(lead) for lead in leads]))
    lines += [row(label, [str(column[label]) for column in columns]) for label in NBP_ROWS]
    return "\n".join(lines) + "\n", expected


@given(
    first=st.sampled_from([11, 23, 35]),
    days=st.lists(DAY, min_size=1, max_size=9),
    indent=st.sampled_from(["", " "]),
    bars=st.booleans(),
)
def test_what_is_written_in_the_format_is_read_back(first, days, indent, bars):
    block, expected = rendered_nbp(first, days, indent=indent, bars=bars)
    guidance = parse_nbm_block(block, station="KNYC", product="NBP")
    got = [(day.high_f, day.sd_f, [value for _, value in day.quantiles_f]) for day in guidance.days]
    assert guidance.problems == ()
    assert got == expected
    assert all(day.valid_at.hour == 0 for day in guidance.days)


MUTATION = st.tuples(
    st.sampled_from(["replace", "insert", "delete", "cut"]),
    st.integers(0, 10_000),
    st.sampled_from([*"0123456789 -|\n\rTXNKx", "\x1e", "²", "٣", "100", "    "]),
)


@settings(max_examples=400)
@example(mutations=[("insert", 80, "²")])
@given(mutations=st.lists(MUTATION, min_size=1, max_size=4))
def test_a_mutated_block_gives_no_crash_and_no_number_that_its_column_does_not_hold(mutations):
    block = MIAMI[MIAMI.index(" KMIA") :]
    for kind, at, piece in mutations:
        at %= len(block) + 1
        if kind == "cut":
            block = block[:at]
        else:
            block = (
                block[:at]
                + ("" if kind == "delete" else piece)
                + block[at + (0 if kind == "insert" else 1) :]
            )
    try:
        guidance = parse_nbm_block(block, station="KMIA", product="NBP")
    except InvalidDataError:
        return
    lines = {line.split("|")[0][:6].strip(): line for line in block.split("\n") if line.strip()}
    hours = lines["FHR"].replace("|", " ")
    for day in guidance.days:
        lead = f"{int((day.valid_at - guidance.cycle).total_seconds() // 3600)}"
        edge = hours.index(f" {lead.zfill(2)}", 4) + 1 + len(lead.zfill(2))
        values = [day.high_f, day.sd_f, *(value for _, value in day.quantiles_f)]
        for label, value in zip(NBP_ROWS, values, strict=True):
            if value is not None:
                assert int(lines[label][edge - 3 : edge].strip(" |")) == value


@settings(max_examples=200)
@given(junk=st.text(max_size=400))
def test_junk_is_refused(junk):
    with pytest.raises(InvalidDataError):
        parse_nbm_block(junk, station="KMIA", product="NBP")
