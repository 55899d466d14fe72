from __future__ import annotations

import datetime as dt
from decimal import Decimal

import pytest

from boz.core.schemas import Side
from markets.models import BookSnapshot, Event, Quote
from markets.selectors import last_prices, latest_books
from markets.services import sync
from markets.services.sync import sync_markets
from markets.tests.exchange import FakeExchange, payload
from markets.tests.factories import NOW, make_ladder

pytestmark = pytest.mark.django_db

EMPTY = {"yes_dollars": [], "no_dollars": []}
GOOD = {
    "yes_dollars": [["0.1900", "25.00"], ["0.2000", "10.00"]],
    "no_dollars": [["0.7500", "40.00"], ["0.7600", "10.00"]],
}


@pytest.fixture
def event() -> Event:
    return make_ladder()[0].event


@pytest.fixture
def exchange(event: Event) -> FakeExchange:
    fake = FakeExchange()
    fake.books = {market.ticker: GOOD for market in event.markets.all()}
    return fake


def sync_books(*, now, client, last_prices=None):
    """Sync the books where no market has traded yet, unless prices are given."""
    return sync.sync_books(now=now, client=client, last_prices=last_prices or {})


def test_books_of_all_open_markets_come_in_one_call(exchange, event):
    result = sync_books(now=NOW, client=exchange.client)

    assert len(exchange.calls) == 1
    assert result.done == {"books": 6}
    book = latest_books(event=event, as_of=NOW)["KXHIGHNY-24NOV15-B54.5"]
    assert book.best_bid(Side.YES) == Decimal("0.2000")
    assert book.best_ask(Side.YES) == Decimal("0.2400")


def test_syncing_books_twice_at_one_moment_gives_the_same_rows(exchange):
    sync_books(now=NOW, client=exchange.client)
    before = list(BookSnapshot.objects.values_list()), list(Quote.objects.values_list())

    sync_books(now=NOW, client=exchange.client)

    after = list(BookSnapshot.objects.values_list()), list(Quote.objects.values_list())
    assert after == before


def test_a_market_without_a_price_is_an_empty_book_never_0_or_50(exchange, event):
    ticker = "KXHIGHNY-24NOV15-B54.5"
    exchange.books[ticker] = EMPTY

    sync_books(now=NOW, client=exchange.client)

    quote = Quote.objects.get(market__ticker=ticker)
    assert (quote.yes_bid_dollars, quote.yes_ask_dollars) == (None, None)
    assert quote.last_price_dollars is None
    book = latest_books(event=event, as_of=NOW)[ticker]
    assert (book.best_bid(Side.YES), book.best_ask(Side.YES)) == (None, None)


def test_each_side_is_priced_from_its_own_book(exchange):
    ticker = "KXHIGHNY-24NOV15-B54.5"
    exchange.books[ticker] = {"yes_dollars": [["0.0300", "5.00"]], "no_dollars": []}

    sync_books(now=NOW, client=exchange.client)

    quote = Quote.objects.get(market__ticker=ticker)
    assert (quote.yes_bid_dollars, quote.yes_ask_dollars) == (Decimal("0.0300"), None)


@pytest.mark.parametrize(
    ("sides", "reason"),
    [
        ({"yes_dollars": [["0.5000", "1"]], "no_dollars": [["0.5000", "1"]]}, "crossed"),
        ({"yes_dollars": [["7.7700", "1"]], "no_dollars": []}, "malformed"),
        ({"yes_dollars": [["0.0000", "1"]], "no_dollars": []}, "malformed"),
        ({"yes_dollars": [["0.2000", "0"]], "no_dollars": []}, "malformed"),
        ({"yes_dollars": [["0.2000", "-1"]], "no_dollars": []}, "malformed"),
        ({"yes_dollars": [["0.2", "1"], ["0.20", "2"]], "no_dollars": []}, "twice"),
        ({"yes_dollars": [["NaN", "1"]], "no_dollars": []}, "yes_dollars"),
        ({"yes_dollars": []}, "no_dollars"),
    ],
)
def test_a_book_that_cannot_be_is_refused_for_its_market_only(exchange, sides, reason):
    ticker = "KXHIGHNY-24NOV15-B54.5"
    exchange.books[ticker] = sides

    result = sync_books(now=NOW, client=exchange.client)

    assert [item.subject for item in result.skipped] == [ticker]
    assert reason in result.skipped[0].reason
    assert result.done == {"books": 5}


@pytest.mark.parametrize(
    "sides",
    [None, {"yes_dollars": [["0.5000", "1"]], "no_dollars": [["0.5000", "1"]]}, {}],
    ids=["not sent", "crossed", "malformed"],
)
def test_an_earlier_book_is_not_traded_on_once_the_present_one_is_unusable(exchange, event, sides):
    ticker = "KXHIGHNY-24NOV15-B54.5"
    sync_books(now=NOW, client=exchange.client)
    if sides is None:
        del exchange.books[ticker]
    else:
        exchange.books[ticker] = sides
    later = NOW + dt.timedelta(minutes=5)

    sync_books(now=later, client=exchange.client)

    assert ticker in latest_books(event=event, as_of=NOW)
    assert len(latest_books(event=event, as_of=later)) == 5
    assert ticker not in latest_books(event=event, as_of=later)
    exchange.books[ticker] = GOOD
    sync_books(now=later + dt.timedelta(minutes=5), client=exchange.client)
    assert ticker in latest_books(event=event, as_of=later + dt.timedelta(minutes=5))


def test_a_market_for_which_no_book_came_is_told(exchange):
    del exchange.books["KXHIGHNY-24NOV15-B54.5"]

    result = sync_books(now=NOW, client=exchange.client)

    assert result.skipped[0].reason == "The exchange sent no book for this market."


def test_no_call_is_made_when_nothing_is_open(exchange):
    closed = NOW + dt.timedelta(days=3)

    assert sync_books(now=closed, client=exchange.client).done == {"books": 0}
    assert exchange.calls == []


def test_a_captured_book_is_stored_best_first(exchange):
    ticker = "KXHIGHNY-24NOV15-B54.5"
    exchange.books[ticker] = payload("orderbook_kxhightsfo-26jun03-b68.5.json")["orderbook_fp"]

    sync_books(now=NOW, client=exchange.client)

    row = BookSnapshot.objects.get(market__ticker=ticker)
    assert row.yes_bids[0] == ["0.1300", "12.00"]
    assert row.no_bids[0] == ["0.8600", "30.00"]
    assert len(row.no_bids) == 25


def test_books_known_later_or_too_old_are_not_seen(exchange, event):
    sync_books(now=NOW, client=exchange.client)

    assert latest_books(event=event, as_of=NOW - dt.timedelta(seconds=1)) == {}
    assert len(latest_books(event=event, as_of=NOW + dt.timedelta(minutes=20))) == 6
    assert latest_books(event=event, as_of=NOW + dt.timedelta(minutes=21)) == {}


def test_the_last_price_of_the_listing_is_kept_with_the_quote_of_the_same_run(exchange, event):
    listed = exchange.list_event(event.climate_day)
    paid, never, absurd = listed["markets"][1:4]
    paid["last_price_dollars"] = "0.2300"
    absurd["last_price_dollars"] = "1.0000"

    listings = sync_markets(now=NOW, client=exchange.client)
    sync_books(now=NOW, client=exchange.client, last_prices=listings.last_prices)

    assert listings.last_prices == {paid["ticker"]: Decimal("0.2300")}
    prices = dict(Quote.objects.values_list("market__ticker", "last_price_dollars"))
    assert prices[paid["ticker"]] == Decimal("0.2300")
    assert prices[never["ticker"]] is None, "0.0000 means that it never traded"
    assert prices[absurd["ticker"]] is None
    assert last_prices(event=event, as_of=NOW) == {paid["ticker"]: Decimal("0.2300")}
