from __future__ import annotations

import datetime as dt
import gzip
import io
import json
from decimal import Decimal
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

from boz.core.errors import InvalidDataError
from markets.models import Event, Market, MarketTrade, Quote, Series
from markets.selectors import latest_books
from markets.services.imports import import_market_data
from markets.tests.factories import make_station

pytestmark = pytest.mark.django_db

MARKETS_HEADER = (
    "city,station,date,event_ticker,ticker,bracket,lo_f,hi_f,subtitle,open_time,close_time,won,"
    "result_source,settle_high_f,settle_source,ghcn_high_f,volume"
)
RUNGS = [("T0", "", "-1.0"), ("B0.5", "0.0", "1.0"), ("B2.5", "2.0", "3.0"), ("T3", "4.0", "")]
TRADES_HEADER = "city,date,ticker,utc,yes_price_c,contracts,taker_side"
QUOTES_HEADER = "city,date,ticker,lo_f,hi_f,utc,yes_bid_c,yes_ask_c,won,settle_high_f"
EVENT = "KXHIGHNY-25JAN20"


@pytest.fixture(autouse=True)
def _stations() -> None:
    make_station("NY")


def _market_row(rung: tuple[str, str, str], *, won: int = 0, **fields: str) -> str:
    name, low, high = rung
    values = {
        "city": "NY",
        "station": "KNYC",
        "date": "2025-01-20",
        "event_ticker": EVENT,
        "ticker": f"{EVENT}-{name}",
        "bracket": "1",
        "lo_f": low,
        "hi_f": high,
        "subtitle": "nonsense",
        "open_time": "2025-01-19T15:00:00Z",
        "close_time": "2025-01-21T04:59:00Z",
        "won": str(won),
        "result_source": "kalshi",
        "settle_high_f": "0.0",
        "settle_source": "kalshi_expiration_value",
        "ghcn_high_f": "",
        "volume": "7",
        **fields,
    }
    return ",".join(values[name] for name in MARKETS_HEADER.split(","))


def _ladder() -> list[str]:
    return [_market_row(rung, won=int(rung[0] == "B0.5")) for rung in RUNGS]


def _write(path: Path, header: str, rows: list[str]) -> Path:
    text = "\n".join([header, *rows]) + "\n"
    if path.suffix == ".gz":
        path.write_bytes(gzip.compress(text.encode()))
    else:
        path.write_text(text, encoding="utf-8")
    return path


@pytest.fixture
def markets_file(tmp_path: Path) -> Path:
    return _write(tmp_path / "markets.csv.gz", MARKETS_HEADER, _ladder())


def test_recorded_markets_settle_on_strikes_and_value_at_zero_degrees(markets_file):
    report = import_market_data([markets_file]).as_json()

    assert (report["events"], report["markets"], report["rows"]) == (1, 4, 4)
    assert report["skipped"] == 0
    event = Event.objects.get()
    assert event.status == Event.Status.DETERMINED
    assert event.expiration_value_f == Decimal(0)
    assert event.climate_day == dt.date(2025, 1, 20)
    strikes = {
        market.ticker.rpartition("-")[2]: (
            market.strike_type,
            market.floor_strike,
            market.cap_strike,
            market.result,
        )
        for market in Market.objects.all()
    }
    assert strikes == {
        "T0": ("less", None, Decimal(0), "no"),
        "B0.5": ("between", Decimal(0), Decimal(1), "yes"),
        "B2.5": ("between", Decimal(2), Decimal(3), "no"),
        "T3": ("greater", Decimal(3), None, "no"),
    }


def test_nothing_imported_is_known_before_its_own_time(markets_file, tmp_path):
    quotes = _write(
        tmp_path / "quotes.csv",
        QUOTES_HEADER,
        [f"NY,2025-01-20,{EVENT}-B0.5,0.0,1.0,2025-01-20T12:05Z,18,20,1,0"],
    )

    import_market_data([quotes, markets_file])

    event = Event.objects.get()
    assert event.first_seen_at == dt.datetime(2025, 1, 19, 15, tzinfo=dt.UTC)
    assert event.determined_at > dt.datetime(2025, 1, 21, 5, tzinfo=dt.UTC)
    quote = Quote.objects.get()
    assert quote.at == quote.available_at == dt.datetime(2025, 1, 20, 12, 5, tzinfo=dt.UTC)
    assert (quote.yes_bid_dollars, quote.yes_ask_dollars) == (Decimal("0.18"), Decimal("0.20"))
    assert latest_books(event=event, as_of=quote.at) == {}


def test_importing_twice_reports_the_same_and_adds_nothing(markets_file, tmp_path):
    trades = _write(
        tmp_path / "trades.csv",
        TRADES_HEADER,
        [
            f"NY,2025-01-20,{EVENT}-B0.5,2025-01-20T12:00:27,13,2,yes",
            f"NY,2025-01-20,{EVENT}-B0.5,2025-01-20T12:00:27,13,2,yes",
            f"NY,2025-01-20,{EVENT}-B0.5,2025-01-20T12:00:28,14,1,no",
        ],
    )
    first = import_market_data([trades, markets_file]).as_json()
    tables = (Series, Event, Market, MarketTrade)
    before = [list(table.objects.values_list()) for table in tables]

    assert import_market_data([trades, markets_file]).as_json() == first
    assert [list(table.objects.values_list()) for table in tables] == before
    assert MarketTrade.objects.count() == 3
    assert MarketTrade.objects.first().yes_price_dollars == Decimal("0.14")


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        (_market_row(RUNGS[0], city="ORD"), "No market settles in the city 'ORD'."),
        (_market_row(RUNGS[0], station="KLGA"), "KLGA is not the station on which NY settles."),
        (_market_row(RUNGS[0], date="2025-01-21"), "The date is not the one in the ticker."),
        (_market_row(("T0", "", "")), "The bracket has no edge."),
        (_market_row(("T0", "5.0", "4.0")), "The bracket's edges are reversed."),
        (_market_row(("T0", "", "nan")), "A number is not finite."),
        (_market_row(("T0", "", "-200")), "A bracket's edge is no possible temperature."),
        (_market_row(RUNGS[0], settle_high_f="-200"), "The settled high is no possible"),
        (_market_row(RUNGS[0], won="2"), "The column 'won' is neither 0 nor 1."),
        (_market_row(RUNGS[0], close_time="2025-01-20T04:59:00Z"), "The market does not close"),
        (_market_row(RUNGS[0], open_time="soon"), "The time cannot be read."),
        (_market_row(RUNGS[0], ticker="OTHER-T0"), "The market does not belong to its event."),
    ],
)
def test_a_broken_row_is_skipped_with_its_reason_and_the_others_go_on(tmp_path, row, reason):
    path = _write(tmp_path / "m.csv", MARKETS_HEADER, [row, _market_row(RUNGS[1])])

    report = import_market_data([path]).as_json()

    assert report["skipped"] == 1
    assert next(iter(report["skipped_reasons"])).startswith(reason)
    assert list(Market.objects.values_list("ticker", flat=True)) == [f"{EVENT}-B0.5"]


def test_a_recorded_ladder_with_a_gap_is_quarantined_or_says_why(tmp_path):
    rows = [_market_row(rung, won="") for rung in (RUNGS[0], RUNGS[2], RUNGS[3])]
    path = _write(tmp_path / "m.csv", MARKETS_HEADER, rows)

    import_market_data([path])

    event = Event.objects.get()
    assert event.status == Event.Status.QUARANTINED
    assert "0° to 1°" in event.quarantine_reason


def test_an_empty_side_of_a_recorded_quote_is_no_price(markets_file, tmp_path):
    base = f"NY,2025-01-20,{EVENT}-B0.5,0.0,1.0"
    quotes = _write(
        tmp_path / "q.csv",
        QUOTES_HEADER,
        [
            f"{base},2025-01-20T12:05Z,0,20,1,0",
            f"{base},2025-01-20T12:10Z,18,100,1,0",
            f"{base},2025-01-20T12:15Z,,,1,0",
            f"{base},2025-01-20T12:20Z,30,20,1,0",
            f"{base},2025-01-20T12:25Z,-5,20,1,0",
        ],
    )

    report = import_market_data([markets_file, quotes]).as_json()

    pairs = Quote.objects.order_by("at").values_list("yes_bid_dollars", "yes_ask_dollars")
    assert list(pairs) == [(None, Decimal("0.20")), (Decimal("0.18"), None)]
    assert report["skipped_reasons"] == {
        "The row holds no price.": 1,
        "The quote is crossed.": 1,
        "A price is not between 0 and 100 cents.": 1,
    }


def test_estimated_quotes_are_marked_as_derived(tmp_path):
    header = (
        "city,date,snapshot,station,snapshot_utc,bracket,ticker,lo_f,hi_f,last_c,won,"
        "settle_high_f,ask_est_c,bid_est_c"
    )
    row = f"NY,2025-01-20,eve21,KNYC,2025-01-20T02:00Z,2,{EVENT}-B0.5,0.0,1.0,18.0,1,0.0,19.0,17.0"
    path = _write(tmp_path / "joined.csv", header, [row])

    import_market_data([path])

    quote = Quote.objects.get()
    assert quote.origin == "trades"
    assert quote.last_price_dollars == Decimal("0.18")


def test_trades_without_their_market_are_skipped(tmp_path):
    path = _write(
        tmp_path / "t.csv", TRADES_HEADER, ["NY,2025-01-20,X-B1.5,2025-01-20T12:00:27,13,2,yes"]
    )

    report = import_market_data([path]).as_json()

    assert (report["rows"], report["skipped"]) == (0, 1)


def test_an_unknown_header_is_refused_before_anything_is_written(markets_file, tmp_path):
    other = _write(tmp_path / "other.csv", "a,b,c", ["1,2,3"])

    with pytest.raises(InvalidDataError, match=r"other\.csv"):
        import_market_data([markets_file, other])

    assert not Event.objects.exists()


def test_a_truncated_archive_is_refused(markets_file, tmp_path):
    broken = tmp_path / "broken.csv.gz"
    broken.write_bytes(markets_file.read_bytes()[:-40])

    with pytest.raises(InvalidDataError, match="cannot be read"):
        import_market_data([broken])


def test_rubbish_that_looks_like_an_archive_is_refused(tmp_path):
    rubbish = tmp_path / "rubbish.csv.gz"
    rubbish.write_bytes(b"\x1f\x8b\x08\x00" + b"rubbish" * 5)

    with pytest.raises(InvalidDataError, match=r"rubbish\.csv\.gz cannot be read"):
        import_market_data([rubbish])


def test_the_command_prints_one_json_document(markets_file):
    out = io.StringIO()

    call_command("import_market_data", str(markets_file), "--json", verbosity=0, stdout=out)

    assert json.loads(out.getvalue())["markets"] == 4


def test_the_command_fails_on_a_missing_file(tmp_path):
    with pytest.raises(CommandError, match="cannot be read"):
        call_command("import_market_data", str(tmp_path / "none.csv"), verbosity=0)
