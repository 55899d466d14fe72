from __future__ import annotations

import csv
from decimal import Decimal
from pathlib import Path

import pytest

import markets
from boz.core.agents import run_agent
from boz.core.clock import parse_utc
from markets.domain.brackets import bracket_from_strikes
from markets.models import Event, Market
from markets.services.imports import import_market_data
from settlement.models import Settlement

pytestmark = pytest.mark.django_db

EXCERPT = Path(markets.__file__).parent / "tests/payloads/kalshi_markets_2024_2025_excerpt.csv"
NOW = parse_utc("2025-03-01T00:00:00Z")
SETTLED = 43


def test_every_recorded_event_settles_as_its_strikes_say():
    with EXCERPT.open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    events = {row["event_ticker"] for row in rows}
    assert (len(rows), len(events)) == (6 * len(events), SETTLED)

    report = import_market_data([EXCERPT]).as_json()
    run = run_agent("settle", now=NOW)

    assert (report["events"], report["markets"], report["skipped"]) == (SETTLED, 6 * SETTLED, 0)
    assert (run.done["settled"], run.done["mismatches"]) == (SETTLED, 0)
    assert Settlement.objects.count() == SETTLED
    assert not Event.objects.exclude(quarantine_reason="").exists()
    for row in rows:
        market = Market.objects.get(ticker=row["ticker"])
        value = int(Decimal(row["settle_high_f"]))
        bracket = bracket_from_strikes(
            strike_type=market.strike_type,
            floor_strike=market.floor_strike,
            cap_strike=market.cap_strike,
        )
        assert bracket.contains(value) is (row["won"] == "1"), row["ticker"]


def test_a_result_that_contradicts_the_strikes_is_a_mismatch(tmp_path):
    with EXCERPT.open(encoding="utf-8") as file:
        header, *lines = file.read().splitlines()
    event = lines[0].split(",")[3]
    mine = [line for line in lines if line.split(",")[3] == event]
    swapped = [line.replace(",1,kalshi,", ",X,kalshi,") for line in mine]
    loser = next(n for n, line in enumerate(swapped) if ",0,kalshi," in line)
    swapped[loser] = swapped[loser].replace(",0,kalshi,", ",1,kalshi,")
    swapped = [line.replace(",X,kalshi,", ",0,kalshi,") for line in swapped]
    path = tmp_path / "markets.csv"
    path.write_text("\n".join([header, *swapped]) + "\n", encoding="utf-8")

    import_market_data([path])

    assert run_agent("settle", now=NOW).done["mismatches"] == 1
