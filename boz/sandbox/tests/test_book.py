from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from boz.sandbox.book import EXTRA_LEVELS, NO_QUOTE, QUOTE_LIFE, MarketTape, is_paused
from boz.sandbox.recordings.loader import Recordings
from boz.sandbox.tests.factories import OPEN, tape

HOUR = 3600


def levels(side):
    return [(level.price_c, level.count) for level in side]


def test_a_yes_taker_shows_the_ask_and_a_no_taker_the_bid():
    book = MarketTape.of(tape((0, 40, 5, "yes"), (10, 37, 8, "no"))).book(OPEN + 20)
    assert levels(book.asks) == [(40, 5)]
    assert levels(book.bids) == [(37, 8)]


def test_a_trade_of_the_next_second_is_not_seen():
    market = MarketTape.of(tape((0, 40, 5, "yes"), (10, 42, 8, "yes")))
    assert levels(market.book(OPEN + 9).asks) == [(40, 5)]
    assert levels(market.book(OPEN + 10).asks) == [(42, 8)]


def test_a_quote_lives_three_hours_and_not_a_second_longer():
    market = MarketTape.of(tape((0, 40, 5, "yes")))
    assert market.book(OPEN + QUOTE_LIFE).asks
    assert not market.book(OPEN + QUOTE_LIFE + 1).asks


def test_a_level_holds_half_an_hour_of_trades_at_its_price_and_side():
    market = MarketTape.of(
        tape(
            (0, 40, 100, "yes"),  # too old
            (601, 40, 7, "yes"),
            (900, 40, 1000, "no"),  # other side, and crossing: older, so it goes
            (1200, 41, 50, "yes"),  # other price
            (2400, 40, 3, "yes"),
        )
    )
    assert levels(market.book(OPEN + 2400).asks) == [(40, 10), (41, 50)]


def test_up_to_three_older_worse_prices_follow_and_never_a_better_one():
    trades = [(second, price, 1, "yes") for second, price in enumerate([30, 44, 43, 42, 41, 40])]
    book = MarketTape.of(tape(*trades)).book(OPEN + 10)
    assert [level.price_c for level in book.asks] == [40, 41, 42, 43]
    trades = [(second, price, 1, "no") for second, price in enumerate([50, 36, 37, 38, 39, 40])]
    book = MarketTape.of(tape(*trades)).book(OPEN + 10)
    assert [level.price_c for level in book.bids] == [40, 39, 38, 37]


def test_of_one_second_the_worst_price_reached_counts():
    market = MarketTape.of(tape((0, 53, 1, "yes"), (0, 55, 2, "yes"), (0, 54, 3, "yes")))
    assert levels(market.book(OPEN).asks) == [(55, 2)]
    market = MarketTape.of(tape((0, 53, 1, "no"), (0, 51, 2, "no"), (0, 52, 3, "no")))
    assert levels(market.book(OPEN).bids) == [(51, 2)]


def test_where_the_sides_cross_the_older_one_is_dropped():
    rising = MarketTape.of(tape((0, 40, 5, "yes"), (10, 45, 8, "no"))).book(OPEN + 20)
    assert (levels(rising.asks), levels(rising.bids)) == ([], [(45, 8)])
    falling = MarketTape.of(tape((0, 45, 8, "no"), (10, 40, 5, "yes"))).book(OPEN + 20)
    assert (levels(falling.asks), levels(falling.bids)) == ([(40, 5)], [])


def test_sides_that_cross_within_one_second_tell_nothing():
    book = MarketTape.of(tape((0, 45, 8, "no"), (0, 40, 5, "yes"))).book(OPEN)
    assert (book.bids, book.asks) == ((), ())


def test_there_is_no_book_while_trading_rests():
    start = OPEN - OPEN % 86_400 + 7 * HOUR + 3599  # one second before the pause
    market = MarketTape.of(tape((0, 40, 5, "yes"), start=start))
    assert market.book(start).asks
    assert not market.book(start + 1).asks


def test_a_market_that_never_traded_has_an_empty_book():
    market = MarketTape.of(tape())
    assert market.book(OPEN).asks == ()
    assert market.quotes(np.array([OPEN]))[0].tolist() == [NO_QUOTE]


trades = st.lists(
    st.tuples(
        st.integers(-6 * HOUR, 6 * HOUR),
        st.integers(1, 99),
        st.integers(1, 500),
        st.sampled_from(["yes", "no"]),
    ),
    max_size=60,
)


@given(trades, st.integers(-6 * HOUR, 9 * HOUR))
def test_a_book_is_never_crossed_and_sorted_best_first(rows, offset):
    book = MarketTape.of(tape(*rows)).book(OPEN + offset)
    bids, asks = [item.price_c for item in book.bids], [item.price_c for item in book.asks]
    assert not (bids and asks and bids[0] >= asks[0])
    assert bids == sorted(set(bids), reverse=True)
    assert asks == sorted(set(asks))
    assert len(bids) <= 1 + EXTRA_LEVELS
    assert len(asks) <= 1 + EXTRA_LEVELS
    assert all(item.count > 0 for item in (*book.bids, *book.asks))


@given(trades, st.integers(-6 * HOUR, 9 * HOUR))
def test_the_quick_quotes_agree_with_the_book(rows, offset):
    market = MarketTape.of(tape(*rows))
    book = market.book(OPEN + offset)
    bid, ask = market.quotes(np.array([OPEN + offset]))
    assert int(bid[0]) == (book.bids[0].price_c if book.bids else NO_QUOTE)
    assert int(ask[0]) == (book.asks[0].price_c if book.asks else NO_QUOTE)


@given(trades, st.integers(-6 * HOUR, 9 * HOUR))
def test_a_book_does_not_know_the_trades_to_come(rows, offset):
    everything = tape(*rows)
    known = everything.until(OPEN + offset)
    assert MarketTape.of(everything).book(OPEN + offset) == MarketTape.of(known).book(OPEN + offset)


def test_no_recorded_trade_lies_in_the_nightly_pause(recordings: Recordings):
    assert not any(
        is_paused(int(moment)) for item in recordings.tapes.values() for moment in item.times
    )


def test_no_recorded_book_is_ever_crossed(recordings: Recordings):
    for ticker, trades_of_market in recordings.tapes.items():
        if not len(trades_of_market.times):
            continue
        bid, ask = MarketTape.of(trades_of_market).quotes(np.unique(trades_of_market.times))
        both = (bid != NO_QUOTE) & (ask != NO_QUOTE)
        assert (bid[both] < ask[both]).all(), ticker
