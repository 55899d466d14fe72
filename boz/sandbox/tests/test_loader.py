from __future__ import annotations

import gzip
import hashlib
import re
import shutil
from collections import Counter
from pathlib import Path

import pytest

from boz.core.errors import InvalidDataError
from boz.sandbox.recordings.loader import RECORDINGS, Recordings, load_recordings

MEGABYTE = 1_000_000


def test_everything_recorded_is_there(recordings: Recordings):
    assert len(recordings.markets) == 396
    ladders = Counter(market.event_ticker for market in recordings.markets)
    assert len(ladders) == 66
    assert set(ladders.values()) == {6}
    assert sum(len(tape.times) for tape in recordings.tapes.values()) == 133_723
    assert len(recordings.forecasts) == 144
    assert len(recordings.observations) == 823
    assert Counter(high.station for high in recordings.highs) == {"KNYC": 169, "KMIA": 169}


def test_every_traded_contract_is_on_the_tape(recordings: Recordings):
    for market in recordings.markets:
        assert recordings.tapes[market.ticker].counts.sum() == market.volume, market.ticker


def test_trades_of_a_market_are_in_time_order(recordings: Recordings):
    for ticker, tape in recordings.tapes.items():
        assert (tape.times[1:] >= tape.times[:-1]).all(), ticker


def test_miami_on_27_november_keeps_both_truths(recordings: Recordings):
    settled = {
        market.settled_high_f
        for market in recordings.markets
        if market.event_ticker == "KXHIGHMIA-24NOV27"
    }
    official = [
        high.high_f
        for high in recordings.highs
        if high.city == "MIA" and str(high.day) == "2024-11-27"
    ]
    assert (settled, official) == ({84}, [81])
    assert [(report.max_f, bool(report.valid_as_of)) for report in recordings.reports] == [
        (81, True),
        (84, False),
        (81, False),
    ]


def test_the_exchange_agrees_with_the_official_high_on_all_other_days(recordings: Recordings):
    official = {(high.city, high.day): high.high_f for high in recordings.highs}
    differing = {
        market.event_ticker
        for market in recordings.markets
        if market.settled_high_f != official[market.city, market.day]
    }
    assert differing == {"KXHIGHMIA-24NOV27"}


def test_six_hour_maxima_stand_only_where_they_are_reported(recordings: Recordings):
    with_maximum = [item for item in recordings.observations if item.max6h_c is not None]
    assert len(with_maximum) > 100
    for item in with_maximum:
        assert item.observed_at.hour in (5, 11, 17, 23)
        assert item.observed_at.minute >= 50
        assert item.max6h_c >= item.temp_c - 0.5


def test_provenance_names_the_bytes_that_are_shipped():
    text = (RECORDINGS / "PROVENANCE.md").read_text()
    table = re.findall(r"^\| (\S+\.csv(?:\.gz)?) \| (\d+) \| ([0-9a-f]{64}) \|$", text, re.M)
    shipped = {path.name for path in RECORDINGS.iterdir() if ".csv" in path.name}
    assert {name for name, _, _ in table} == shipped
    for name, rows, digest in table:
        content = (RECORDINGS / name).read_bytes()
        assert hashlib.sha256(content).hexdigest() == digest, name
        plain = gzip.decompress(content) if name.endswith(".gz") else content
        assert plain.count(b"\n") - 1 == int(rows), name


def test_the_recordings_are_small():
    assert (
        sum(path.stat().st_size for path in RECORDINGS.iterdir() if path.is_file()) < 3 * MEGABYTE
    )


def test_the_licence_of_the_trades_lies_beside_them():
    text = (RECORDINGS / "LICENSE-recordings.md").read_text()
    assert "cpratim/Kalshi-Weather-Trading" in text
    assert "Permission is hereby granted, free of charge" in text
    assert "THE SOFTWARE IS PROVIDED" in text


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    target = tmp_path / "recordings"
    shutil.copytree(RECORDINGS, target, ignore=shutil.ignore_patterns("*.py", "__pycache__"))
    trades = target / "trades.csv.gz"  # a hundred are enough to break one
    trades.write_bytes(gzip.compress(b"\n".join(unpack(trades)[:101]) + b"\n"))
    return target


def unpack(path: Path) -> list[bytes]:
    return gzip.decompress(path.read_bytes()).split(b"\n")


def break_line(path: Path, old: str, new: str, *, first: int = 2) -> int:
    """Change the first line that holds ``old``, from line ``first`` on; return its number."""
    lines = [line.decode() for line in unpack(path)]
    number = next(n for n, line in enumerate(lines, start=1) if n >= first and old in line)
    lines[number - 1] = lines[number - 1].replace(old, new, 1)
    path.write_bytes(gzip.compress("\n".join(lines).encode()))
    return number


@pytest.mark.parametrize(
    ("file", "old", "new", "reason"),
    [
        ("highs.csv.gz", ",87", ",nan", "no weather"),
        ("highs.csv.gz", ",87", ",-200", "-200 °F is no weather"),
        ("highs.csv.gz", ",87", ",87.5", "whole degrees"),
        ("forecasts_ny.csv.gz", ",94", ",", "high_f is missing"),
        ("forecasts_ny.csv.gz", ",94", ",999", "no weather"),
        ("forecasts_ny.csv.gz", "Z,", ",", "issue_utc must be a UTC time"),
        ("metar_mia.csv.gz", ",25.6,", ",78.1,", "no weather"),
        ("metar_mia.csv.gz", "FM-15", "FM-99", "type must be"),
        ("markets.csv.gz", ",78,79,", ",79,79,", "gap or an overlap"),
        ("markets.csv.gz", ",no,", ",yes,", "contradicts"),
        ("markets.csv.gz", ",no,", ",perhaps,", "result must be yes or no"),
        ("trades.csv.gz", ",yes", ",maybe", "taker_side"),
        ("trades.csv.gz", ",yes", ",yes,1", "expected 5 columns"),
        ("trades.csv.gz", "2024-11-1", "2023-11-1", "outside the hours"),
        ("trades.csv.gz", "1,2024", "396,2024", "market 396 is not in"),
        ("trades.csv.gz", "2024-11-1", "2024-19-1", "must be a UTC time"),
    ],
)
def test_a_broken_line_is_named_in_one_sentence(
    copy: Path, file: str, old: str, new: str, reason: str
):
    number = break_line(copy / file, old, new)
    with pytest.raises(InvalidDataError, match=reason) as caught:
        load_recordings(copy)
    assert caught.value.message.startswith(f"The recording {file} line {number} is broken: ")
    assert caught.value.context["line"] == number


@pytest.mark.parametrize("price", ["101", "-1", "nan", ""])
def test_a_price_outside_a_dollar_is_refused(copy: Path, price: str):
    path = copy / "trades.csv.gz"
    cells = unpack(path)[41].decode().split(",")
    break_line(path, ",".join(cells), ",".join([*cells[:2], price, *cells[3:]]), first=42)
    with pytest.raises(InvalidDataError, match=r"trades.csv.gz line 42 .*yes_price_c"):
        load_recordings(copy)


def test_a_ladder_without_a_rung_is_refused(copy: Path):
    path = copy / "markets.csv.gz"
    lines = unpack(path)
    path.write_bytes(gzip.compress(b"\n".join([*lines[:3], *lines[4:]])))
    with pytest.raises(InvalidDataError, match=r"markets.csv.gz line 4 .*gap or an overlap"):
        load_recordings(copy)


def test_a_missing_file_is_named(copy: Path):
    (copy / "trades.csv.gz").unlink()
    with pytest.raises(InvalidDataError, match=r"trades.csv.gz is broken: the file is missing"):
        load_recordings(copy)


def test_a_cut_file_is_named(copy: Path):
    path = copy / "trades.csv.gz"
    path.write_bytes(path.read_bytes()[:200])
    with pytest.raises(InvalidDataError, match=r"trades.csv.gz is broken: it cannot be unpacked"):
        load_recordings(copy)


def test_a_foreign_header_is_refused(copy: Path):
    break_line(copy / "trades.csv.gz", "yes_price_c", "price", first=1)
    with pytest.raises(InvalidDataError, match=r"trades.csv.gz line 1 .*header"):
        load_recordings(copy)
