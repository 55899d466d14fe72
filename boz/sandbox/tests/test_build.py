# ruff: noqa: E501 - rows as the source writes them
from __future__ import annotations

import csv
import gzip
from pathlib import Path

import pytest

from boz.sandbox.recordings.build import main
from boz.sandbox.recordings.loader import load_recordings

MARKETS = """\
city,station,date,event_ticker,ticker,bracket,lo_f,hi_f,subtitle,open_time,close_time,won,result_source,settle_high_f,settle_source,ghcn_high_f,volume
NY,KNYC,2024-11-14,KXHIGHNY-24NOV14,KXHIGHNY-24NOV14-T44,1,,43.0,43° or below,2024-11-13T15:00:00Z,2024-11-15T04:59:00Z,0,kalshi,47.0,kalshi_expiration_value,46.0,5
NY,KNYC,2024-11-14,KXHIGHNY-24NOV14,KXHIGHNY-24NOV14-T43,2,44.0,,44° or above,2024-11-13T15:00:00Z,2024-11-15T04:59:00Z,1,kalshi,47.0,kalshi_expiration_value,46.0,0
CHI,KMDW,2024-11-14,KXHIGHCHI-24NOV14,KXHIGHCHI-24NOV14-T44,1,,43.0,43° or below,2024-11-13T15:00:00Z,2024-11-15T04:59:00Z,0,kalshi,47.0,kalshi_expiration_value,47.0,5
"""
TRADES = """\
city,date,ticker,utc,yes_price_c,contracts,taker_side
NY,2024-11-14,KXHIGHNY-24NOV14-T44,2024-11-13T16:00:00,7,5,yes
CHI,2024-11-14,KXHIGHCHI-24NOV14-T44,2024-11-13T16:00:00,7,5,yes
"""
FORECASTS = """\
city,date,issue_utc,ndfd_high_f,high_f
NY,2024-11-14,2024-11-14T00:47Z,46,47
NY,2024-12-18,2024-12-18T00:47Z,47,53
"""
METAR = """\
station,utc,type,temp_c,tgroup_c,max6h_c,dew_c,wind_dir,wind_ms,ceil_m,slp_hpa
KMIA,2024-11-14T02:53:00,FM-15,25.6,25.6,26.7,17.2,80.0,9.3,22000,1016.8
KMIA,2024-11-14T04:53:00,FM-15,25.6,25.6,,17.2,80.0,9.3,22000,1016.8
KMIA,2024-11-14T05:53:00,FM-15,25.0,25.0,26.1,16.7,90.0,6.2,22000,1016.1
KMIA,2024-11-14T11:53:00,FM-15,24.0,24.0,2.7,16.7,90.0,6.2,22000,1016.1
"""
HIGHS = """\
city,station,date,high_f,source
NY,KNYC,2024-06-30,90,x
NY,KNYC,2024-07-01,88,x
NY,KNYC,2024-12-17,60,x
ATL,KATL,2024-07-01,91,x
"""


@pytest.fixture
def source(tmp_path: Path) -> Path:
    directory = tmp_path / "source"
    directory.mkdir()
    for name, text in {
        "kalshi_markets_2024_2025": MARKETS,
        "kalshi_trades_2024_2025": TRADES,
        "ndfd_ny_evening": FORECASTS,
        "metar_mia_2024_11": METAR,
        "daily_highs": HIGHS,
    }.items():
        (directory / f"{name}.csv.gz").write_bytes(gzip.compress(text.encode()))
    return directory


def build(source: Path, target: Path) -> Path:
    target.mkdir()
    assert main(["--source", str(source), "--target", str(target)]) == 0
    return target


def test_the_same_source_gives_the_same_bytes(source: Path, tmp_path: Path, monkeypatch):
    first = build(source, tmp_path / "first")
    monkeypatch.setattr("time.time", lambda: 2_000_000_000.0)
    second = build(source, tmp_path / "second")
    files = sorted(path.name for path in first.iterdir())
    assert "PROVENANCE.md" in files
    assert files == sorted(path.name for path in second.iterdir())
    for name in files:
        assert (first / name).read_bytes() == (second / name).read_bytes(), name


def test_only_the_recorded_cities_and_days_are_kept(source: Path, tmp_path: Path):
    recordings = load_recordings(build(source, tmp_path / "out"))
    assert {market.city for market in recordings.markets} == {"NY"}
    assert [len(tape.times) for tape in recordings.tapes.values()] == [1, 0]
    assert [str(item.day) for item in recordings.forecasts] == ["2024-11-14"]
    assert [str(high.day) for high in recordings.highs] == ["2024-07-01"]


def test_the_value_the_exchange_settled_on_wins_over_the_later_one(source: Path, tmp_path: Path):
    recordings = load_recordings(build(source, tmp_path / "out"))
    assert {market.settled_high_f for market in recordings.markets} == {47}


def test_bogus_six_hour_maxima_lose_their_value_but_not_their_row(source: Path, tmp_path: Path):
    target = build(source, tmp_path / "out")
    with gzip.open(target / "metar_mia.csv.gz", "rt") as stream:
        maxima = [row["max6h_c"] for row in csv.DictReader(stream)]
    # At 02:53Z no group is reported; 2.7 °C at 11:53Z lies below the report's own temperature.
    assert maxima == ["", "", "26.1", ""]
