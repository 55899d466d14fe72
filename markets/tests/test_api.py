from __future__ import annotations

import datetime as dt
from decimal import Decimal

import pytest

from boz.core.tests.api_helpers import assert_queries_do_not_grow, client_of, make_user, rows
from markets.models import (
    Candlestick,
    ExchangeHours,
    ExchangeStatus,
    FeeSchedule,
    Indicator,
    MaintenanceWindow,
    MarketHistoryChunk,
    RetentionMark,
)
from markets.tests.factories import (
    NOW,
    BookSnapshotFactory,
    EventFactory,
    ExchangeAccountFactory,
    FeeScheduleFactory,
    MarketFactory,
    MarketTradeFactory,
    QuoteFactory,
    SeriesFactory,
    make_ladder,
    make_station,
)

pytestmark = pytest.mark.django_db


def make_world(index: int) -> None:
    """One row of every model, each time of another series, event and market."""
    code = ("NY", "CHI", "MIA", "AUS", "DEN")[index]
    series = SeriesFactory(ticker=f"KXHIGH{code}", station=make_station(code))
    event = EventFactory(series=series)
    market = MarketFactory(event=event)
    QuoteFactory(market=market)
    BookSnapshotFactory(market=market)
    MarketTradeFactory(market=market)
    Candlestick.objects.create(
        market=market,
        period_minutes=60,
        end_at=NOW,
        available_at=NOW,
        volume=Decimal("3"),
    )
    Indicator.objects.create(market=market, name="sma_12", value=0.5, at=NOW, available_at=NOW)
    FeeScheduleFactory(series=series)
    FeeSchedule.objects.create(
        series=series,
        event=event,
        fee_type="quadratic",
        multiplier=Decimal("1"),
        effective_from=NOW,
        available_at=NOW,
    )
    ExchangeAccountFactory()
    at = NOW + dt.timedelta(hours=index)
    ExchangeStatus.objects.create(
        read_at=at, confirmed_at=at, is_exchange_active=True, is_trading_active=True
    )
    ExchangeHours.objects.create(available_at=at)
    MaintenanceWindow.objects.create(
        start_at=at, end_at=at + dt.timedelta(hours=1), available_at=NOW
    )
    MarketHistoryChunk.objects.create(event=event, kind="trades", rows=3, finished_at=NOW)
    RetentionMark.objects.create(rule=f"rule {index}", applied_until=NOW, last_run_at=NOW)


LISTS = (
    "series",
    "events",
    "markets",
    "quotes",
    "books",
    "market-trades",
    "candles",
    "indicators",
    "fee-schedules",
    "exchange-statuses",
    "exchange-hours",
    "maintenance",
    "market-history",
    "retention",
)


@pytest.fixture
def reader():
    return client_of(make_user("reader"))


@pytest.mark.parametrize("path", LISTS)
def test_markets_need_a_login_and_nothing_more(client, reader, path):
    make_world(0)

    assert client.get(f"/api/v1/{path}/").status_code in (401, 403)
    assert rows(reader, path)


@pytest.mark.parametrize("path", LISTS)
def test_lists_need_as_many_queries_for_many_rows_as_for_one(reader, path):
    make_world(0)

    assert_queries_do_not_grow(reader, path, lambda: [make_world(index) for index in range(1, 4)])


def test_exchange_accounts_are_for_staff_and_never_show_the_key(reader):
    account = ExchangeAccountFactory(encrypted_private_key="canary-ciphertext")

    assert reader.get("/api/v1/exchange-accounts/").status_code == 403
    staff = client_of(make_user("staff", is_staff=True))
    answer = staff.get(f"/api/v1/exchange-accounts/{account.pk}/")
    assert answer.json()["name"] == account.name
    assert "canary-ciphertext" not in answer.content.decode()
    assert "encrypted_private_key" not in answer.json()


def test_a_ladder_is_read_by_its_event_and_open_ends_are_null(reader):
    markets = make_ladder()
    make_ladder(event=EventFactory(climate_day=dt.date(2024, 11, 16)))

    found = rows(reader, "markets", event=markets[0].event.ticker, ordering="id")

    assert [row["ticker"] for row in found] == [market.ticker for market in markets]
    assert (found[0]["low_f"], found[-1]["high_f"]) == (None, None)
    assert found[1]["label"] == "52° to 53°"


def test_prices_are_exact_strings_and_an_empty_side_is_null(reader):
    QuoteFactory(yes_bid_dollars=None, yes_bid_count=None, yes_ask_dollars=Decimal("0.0050"))

    quote = rows(reader, "quotes")[0]

    assert quote["yes_bid_dollars"] is None
    assert quote["yes_ask_dollars"] == "0.0050"


def test_books_known_later_are_left_out_on_request(reader):
    book = BookSnapshotFactory(at=NOW, available_at=NOW + dt.timedelta(minutes=5))

    assert rows(reader, "books", known_at=NOW.isoformat()) == []
    found = rows(reader, "books", known_at=book.available_at.isoformat())
    assert found[0]["yes_bids"][0] == ["0.2000", "10.00"]


def test_events_are_filtered_by_station_status_and_days(reader):
    wanted = EventFactory()
    EventFactory(climate_day=dt.date(2024, 11, 20))
    EventFactory(series=SeriesFactory(ticker="KXHIGHMIA", station=make_station("MIA")))

    found = rows(reader, "events", station="NY", status="open", climate_day_to="2024-11-15")

    assert [row["ticker"] for row in found] == [wanted.ticker]
