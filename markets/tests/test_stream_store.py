"""What the stream tells, in the database."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import Any

import pytest

from boz.core.errors import InvalidDataError
from boz.core.schemas import Side
from markets.clients.kalshi.objects import read_object
from markets.clients.kalshi_stream.messages import (
    FeeUpdateBody,
    FillBody,
    LifecycleBody,
    PositionBody,
    TradeBody,
    UserOrderBody,
)
from markets.domain.live_book import BookView
from markets.models import BookSnapshot, Event, FeeSchedule, Market, MarketTrade, Quote
from markets.selectors import fee_terms, latest_book, latest_books
from markets.services.stream.account_news import as_news, has_receivers, tell
from markets.services.stream.harvest import LostBook, Received, StoredBook
from markets.services.stream.listings import apply_listing
from markets.services.stream.store import store_books, store_trades
from markets.signals import AccountFill, AccountOrder, AccountPosition, account_fill
from markets.tests.factories import NOW, make_ladder
from markets.tests.test_stream_frames import FILL, TRADE

pytestmark = pytest.mark.django_db
SECOND = dt.timedelta(seconds=1)


@pytest.fixture
def market() -> Market:
    return make_ladder()[2]


def ids(market: Market) -> dict[str, int]:
    return {market.ticker: market.pk}


def book(market: Market, *, at: dt.datetime = NOW, yes=((2000, 1000),), no=((7600, 550),)):
    return StoredBook(BookView(market.ticker, yes, no), at, Decimal("0.2200"))


def lost(market: Market, at: dt.datetime) -> LostBook:
    return LostBook(market.ticker, at, "frames are missing")


def test_a_book_is_stored_with_its_quote_as_known_when_it_was_received(market: Market) -> None:
    assert store_books([book(market)], [], market_ids=ids(market)) == 1
    row, quote = BookSnapshot.objects.get(), Quote.objects.get()
    assert (row.yes_bids, row.no_bids) == ([["0.2000", "10.00"]], [["0.7600", "5.50"]])
    assert (row.at, row.available_at, row.derived_from) == (NOW, NOW, "")
    assert quote.yes_bid_dollars == Decimal("0.2000")
    assert quote.yes_ask_dollars == Decimal("0.2400")
    assert quote.yes_ask_count == Decimal("5.50")
    assert quote.last_price_dollars == Decimal("0.2200")


def test_an_empty_side_is_stored_as_no_quote(market: Market) -> None:
    store_books([book(market, no=())], [], market_ids=ids(market))
    assert Quote.objects.get().yes_ask_dollars is None
    known = latest_book(market=market, as_of=NOW)
    assert known is not None
    assert known.best_ask(Side.YES) is None


def test_storing_the_same_book_twice_stores_it_once(market: Market) -> None:
    for _ in range(2):
        store_books([book(market)], [lost(market, NOW - SECOND)], market_ids=ids(market))
    assert BookSnapshot.objects.count() == 2
    assert Quote.objects.count() == 1


def test_between_a_loss_and_the_new_snapshot_there_is_no_book(market: Market) -> None:
    later, again = NOW + SECOND, NOW + 5 * SECOND
    store_books([book(market)], [], market_ids=ids(market))
    store_books([], [lost(market, later)], market_ids=ids(market))
    assert latest_book(market=market, as_of=NOW) is not None
    assert latest_book(market=market, as_of=later) is None
    assert market.ticker in latest_books(event=market.event, as_of=NOW)
    assert latest_books(event=market.event, as_of=later) == {}
    store_books([book(market, at=again)], [], market_ids=ids(market))
    assert latest_book(market=market, as_of=again - SECOND / 2) is None
    assert latest_books(event=market.event, as_of=again).keys() == {market.ticker}


def test_books_of_markets_that_are_not_ours_are_left_out(market: Market) -> None:
    assert store_books([book(market)], [lost(market, NOW)], market_ids={}) == 0
    assert not BookSnapshot.objects.exists()


def trade(market: Market, **fields: Any) -> Received[TradeBody]:
    payload = {**TRADE["msg"], "market_ticker": market.ticker, **fields}
    return Received(read_object(TradeBody, payload, what="a trade"), NOW)


def test_a_trade_is_stored_once_however_often_it_is_told(market: Market) -> None:
    for _ in range(2):
        store_trades([trade(market), trade(market)], market_ids=ids(market))
    row = MarketTrade.objects.get()
    assert (row.yes_price_dollars, row.count, row.taker_side) == (Decimal("0.36"), 136, "no")
    assert row.at == dt.datetime(2022, 11, 22, 20, 44, 1, tzinfo=dt.UTC)
    assert row.is_block is False


def listing(market: Market, event_type: str, **fields: Any) -> Received[LifecycleBody]:
    payload = {"event_type": event_type, "market_ticker": market.ticker, **fields}
    return Received(read_object(LifecycleBody, payload, what="news"), NOW)


@pytest.mark.parametrize(
    ("before", "event_type", "after"),
    [
        ("active", "deactivated", "inactive"),
        ("inactive", "activated", "active"),
        ("initialized", "activated", "active"),
        ("active", "determined", "determined"),
        ("closed", "determined", "determined"),
        ("determined", "settled", "finalized"),
        # News that comes late, or twice, never takes a market back.
        ("determined", "activated", "determined"),
        ("finalized", "determined", "finalized"),
        ("finalized", "deactivated", "finalized"),
        ("active", "activated", "active"),
        ("active", "something_new", "active"),
    ],
)
def test_what_happens_to_a_market_moves_its_state_forward(
    market: Market, before: str, event_type: str, after: str
) -> None:
    Market.objects.filter(pk=market.pk).update(status=before)
    assert apply_listing(listing(market, event_type)) is (before != after)
    market.refresh_from_db()
    assert market.status == after


def test_a_result_is_never_taken_from_the_stream(market: Market) -> None:
    apply_listing(listing(market, "determined", result="yes"))
    market.refresh_from_db()
    assert market.result == ""


def test_a_close_that_is_moved_counts_at_once(market: Market) -> None:
    close = market.close_time - dt.timedelta(hours=3)
    apply_listing(listing(market, "close_date_updated", close_ts=int(close.timestamp())))
    market.refresh_from_db()
    assert market.close_time == close.replace(microsecond=0)


@pytest.mark.parametrize("fields", [{}, {"close_ts": 5}])
def test_a_close_that_cannot_be_true_changes_nothing(market: Market, fields: dict) -> None:
    before = market.close_time
    with pytest.raises(InvalidDataError):
        apply_listing(listing(market, "close_date_updated", **fields))
    market.refresh_from_db()
    assert market.close_time == before


def test_a_new_price_grid_counts_at_once(market: Market) -> None:
    grid = [{"start": "0.0000", "end": "1.0000", "step": "0.0010"}]
    apply_listing(listing(market, "price_level_structure_updated", price_ranges=grid))
    market.refresh_from_db()
    assert market.price_ranges == grid


@pytest.mark.parametrize(
    "fields",
    [
        {"floor_strike": 53.0},
        {"additional_metadata": {"rules_primary": "other rules"}},
    ],
)
def test_changed_terms_stop_trading_until_the_ladder_is_proven(
    market: Market, fields: dict
) -> None:
    assert apply_listing(listing(market, "metadata_updated", **fields))
    market.event.refresh_from_db()
    assert market.event.status == Event.Status.QUARANTINED
    assert market.ticker in market.event.quarantine_reason
    assert not apply_listing(listing(market, "metadata_updated", **fields))


def test_a_new_label_stops_nothing(market: Market) -> None:
    fields = {"additional_metadata": {"title": "A better title"}}
    assert not apply_listing(listing(market, "metadata_updated", **fields))
    market.event.refresh_from_db()
    assert market.event.status == Event.Status.OPEN


def test_a_determined_event_is_not_taken_back_by_changed_terms(market: Market) -> None:
    Event.objects.filter(pk=market.event_id).update(status=Event.Status.DETERMINED)
    assert not apply_listing(listing(market, "metadata_updated", floor_strike=1.0))


def test_news_of_markets_that_are_not_stored_changes_nothing(market: Market) -> None:
    market.ticker = "KXHIGHNY-99JAN01-T1"
    assert not apply_listing(listing(market, "determined"))


def fee(market: Market, fee_type: str | None, multiplier: Any, at: dt.datetime = NOW):
    payload = {
        "event_ticker": market.event.ticker,
        "fee_type_override": fee_type,
        "fee_multiplier_override": multiplier,
    }
    return Received(read_object(FeeUpdateBody, payload, what="a fee"), at)


def test_a_fee_of_one_event_counts_from_its_receipt(market: Market) -> None:
    assert apply_listing(fee(market, None, "2"))
    before = fee_terms(event=market.event, as_of=NOW - SECOND)
    after = fee_terms(event=market.event, as_of=NOW)
    assert (before.multiplier, after.multiplier) == (1, 2)
    assert not apply_listing(fee(market, None, "2", NOW + SECOND))
    assert apply_listing(fee(market, None, None, NOW + 2 * SECOND))
    assert fee_terms(event=market.event, as_of=NOW + 2 * SECOND).multiplier == 1


def test_an_override_taken_back_that_never_was_is_not_recorded(market: Market) -> None:
    assert not apply_listing(fee(market, None, None))
    assert not FeeSchedule.objects.filter(event=market.event).exists()


@pytest.mark.parametrize("multiplier", ["-1", "1000", "0.00001"])
def test_a_fee_that_makes_no_sense_is_refused(market: Market, multiplier: str) -> None:
    with pytest.raises(InvalidDataError, match="makes no sense"):
        apply_listing(fee(market, "quadratic", multiplier))
    assert not FeeSchedule.objects.filter(event=market.event).exists()


def received_fill() -> Received[FillBody]:
    return Received(read_object(FillBody, FILL["msg"], what="a fill"), NOW)


def test_a_fill_is_told_at_the_price_of_the_side_bought() -> None:
    news = as_news(received_fill(), key_id="key")
    assert isinstance(news, AccountFill)
    assert (news.side, news.price_dollars, news.count) == (Side.NO, Decimal("0.2500"), 278)
    assert (news.fee_dollars, news.position_count) == (Decimal("2.08"), Decimal("-500"))
    assert news.received_at == NOW


def test_an_order_and_a_position_are_told_in_our_own_words() -> None:
    order = {
        "order_id": "o",
        "user_id": "u",
        "ticker": "M",
        "status": "resting",
        "side": "no",
        "is_yes": False,
        "outcome_side": "no",
        "book_side": "ask",
        "yes_price_dollars": "0.3500",
        "fill_count_fp": "1.00",
        "remaining_count_fp": "9.00",
        "initial_count_fp": "10.00",
        "taker_fill_cost_dollars": "0.65",
        "maker_fill_cost_dollars": "0",
        "taker_fees_dollars": "0.0200",
        "maker_fees_dollars": "0.0100",
        "client_order_id": "c",
        "created_time": "2022-12-01T10:00:00Z",
        "created_ts_ms": 1669888800000,
        "last_updated_ts_ms": 1669888801000,
    }
    news = as_news(Received(read_object(UserOrderBody, order, what="o"), NOW), key_id="key")
    assert isinstance(news, AccountOrder)
    assert (news.price_dollars, news.fees_dollars) == (Decimal("0.65"), Decimal("0.03"))
    assert news.at == dt.datetime(2022, 12, 1, 10, 0, 1, tzinfo=dt.UTC)
    position = {
        "user_id": "u",
        "market_ticker": "M",
        "position_fp": "-3.00",
        "position_cost_dollars": "1.2000",
        "realized_pnl_dollars": "-0.1000",
        "fees_paid_dollars": "0.0300",
        "position_fee_cost_dollars": "0.0300",
        "volume_fp": "5.00",
    }
    told = as_news(Received(read_object(PositionBody, position, what="p"), NOW), key_id="key")
    assert isinstance(told, AccountPosition)
    assert (told.count, told.fees_dollars) == (Decimal("-3"), Decimal("0.03"))


def test_receivers_of_news_do_not_stop_each_other() -> None:
    heard: list[AccountFill] = []

    def broken(**_: Any) -> None:
        raise ZeroDivisionError

    def listener(*, news: AccountFill, **_: Any) -> None:
        heard.append(news)

    account_fill.connect(broken)
    account_fill.connect(listener)
    try:
        assert has_receivers()
        tell(received_fill(), key_id="key")
    finally:
        account_fill.disconnect(broken)
        account_fill.disconnect(listener)
    assert [news.venue_trade_id for news in heard] == [FILL["msg"]["trade_id"]]
