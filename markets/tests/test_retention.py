from __future__ import annotations

import datetime as dt

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from boz.core.agents import run_agent
from markets.domain.thinning import start_of_stretch, superfluous
from markets.models import BookSnapshot, Candlestick, Indicator, Market, Quote, RetentionMark
from markets.selectors import latest_book
from markets.services.retention import apply_retention, keepers, register_keeper
from markets.tests.factories import BookSnapshotFactory, QuoteFactory, make_ladder

MINUTE = dt.timedelta(minutes=1)
DAY = dt.timedelta(days=1)
NOW = dt.datetime(2026, 11, 20, 12, 2, tzinfo=dt.UTC)
#: Eight days ago, at the start of five minutes.
OLD = dt.datetime(2026, 11, 12, 9, 0, tzinfo=dt.UTC)
FIVE = 5 * MINUTE


@pytest.fixture
def market(db) -> Market:
    return make_ladder()[0]


@pytest.fixture(autouse=True)
def _no_keepers(monkeypatch):
    monkeypatch.setattr(keepers, "_KEEPERS", {})


def _books(market, *minutes, start=OLD, **fields):
    for n in minutes:
        BookSnapshotFactory(market=market, at=start + n * MINUTE, **fields)


def _minutes(model=BookSnapshot, start=OLD):
    return [
        (at - start) // MINUTE for at in model.objects.order_by("at").values_list("at", flat=True)
    ]


def test_the_last_book_of_each_five_minutes_stays(market):
    _books(market, 0, 1, 4, 5, 6, 17)

    done = apply_retention(now=NOW).done

    assert _minutes() == [4, 6, 17]
    assert done["removed"] == 3
    assert done["books: one in five minutes after a week"] == 3


def test_a_second_run_removes_nothing_more(market):
    _books(market, 0, 1, 4)
    apply_retention(now=NOW)

    assert apply_retention(now=NOW).done["removed"] == 0
    assert apply_retention(now=NOW + DAY).done["removed"] == 0
    mark = RetentionMark.objects.get(rule="books: one in five minutes after a week")
    assert mark.removed == 2


def test_a_week_is_kept_in_full(market):
    _books(market, 0, 1, 2, start=NOW - 7 * DAY + FIVE)

    assert apply_retention(now=NOW).done["removed"] == 0


def test_five_minutes_that_are_not_old_enough_as_a_whole_wait(market):
    # A week ago to the minute was 12:02: what began at 12:00 is not finished.
    start = start_of_stretch(NOW - 7 * DAY, FIVE)
    _books(market, 0, 1, 3, start=start)

    assert apply_retention(now=NOW).done["removed"] == 0
    assert apply_retention(now=NOW + FIVE).done["removed"] == 2


def test_markets_are_thinned_each_by_itself(market):
    other = Market.objects.exclude(pk=market.pk)[0]
    _books(market, 0, 2)
    _books(other, 1, 3)

    apply_retention(now=NOW)

    assert BookSnapshot.objects.get(market=market).at == OLD + 2 * MINUTE
    assert BookSnapshot.objects.get(market=other).at == OLD + 3 * MINUTE


def test_what_a_decision_was_made_on_stays(market):
    _books(market, 0, 1, 2, 3, 4)
    QuoteFactory(market=market, at=OLD)
    QuoteFactory(market=market, at=OLD + MINUTE)
    moment = OLD + MINUTE + dt.timedelta(seconds=30)
    asked = []

    def needs(market_ids, start, end):
        asked.append((list(market_ids), start, end))
        return [(market.pk, moment)]

    register_keeper("decisions", needs)
    before = latest_book(market=market, as_of=moment)

    apply_retention(now=NOW)

    assert _minutes() == [1, 4]
    assert latest_book(market=market, as_of=moment) == before
    assert _minutes(Quote) == [1]
    assert asked[0][0] == [market.pk]


def test_recorded_and_derived_rows_are_never_thinned(market):
    _books(market, 0, 1, derived_from="trades")
    QuoteFactory(market=market, at=OLD, origin="trades")
    QuoteFactory(market=market, at=OLD + MINUTE, origin="trades")

    assert apply_retention(now=NOW).done["removed"] == 0


def test_depth_becomes_hourly_after_a_season_and_quotes_do_not(market):
    start = dt.datetime(2026, 8, 1, 9, tzinfo=dt.UTC)
    _books(market, 0, 5, 55, 60, start=start)
    for n in (0, 5, 55):
        QuoteFactory(market=market, at=start + n * MINUTE)

    apply_retention(now=NOW)

    assert _minutes(start=start) == [55, 60]
    assert _minutes(Quote, start=start) == [0, 5, 55]


def test_minutes_go_after_a_year_and_hours_stay(market):
    end = NOW - 402 * DAY
    for minutes in (1, 60, 1440):
        Candlestick.objects.create(
            market=market, period_minutes=minutes, end_at=end, available_at=end, volume=1
        )
    Indicator.objects.create(market=market, name="sma_6", value=1.0, at=end, available_at=end)

    done = apply_retention(now=NOW).done

    assert set(Candlestick.objects.values_list("period_minutes", flat=True)) == {60, 1440}
    assert done["removed"] == 2
    assert not Indicator.objects.exists()


def test_an_interrupted_run_is_finished_by_the_next_one(market, monkeypatch):
    _books(market, *range(5))

    def interrupt():
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr("markets.services.retention.run.heartbeat", interrupt)
        patch.setattr("markets.services.retention.run.BATCH", 1)
        with pytest.raises(KeyboardInterrupt):
            apply_retention(now=NOW)
    assert BookSnapshot.objects.count() == 4

    apply_retention(now=NOW)

    assert _minutes() == [4]


def test_the_job_says_what_went(market):
    _books(market, 0, 1)

    run = run_agent("retention", now=NOW)

    assert run.done["removed"] == 1


def test_two_keepers_of_one_name_are_refused():
    register_keeper("x", lambda ids, start, end: [])
    with pytest.raises(ValueError, match="two keepers"):
        register_keeper("x", lambda ids, start, end: [])


TIMES = st.lists(st.integers(0, 4000), max_size=40).map(
    lambda seconds: [OLD + dt.timedelta(seconds=n) for n in sorted(seconds)]
)


@settings(deadline=None)  # a busy machine is no failure
@given(times=TIMES, needed=TIMES, reads=TIMES)
def test_reads_find_the_same_or_an_earlier_row_never_older_than_a_step_more(times, needed, reads):
    gone = set(superfluous(times, step=FIVE, needed_at=needed))
    left = [time for place, time in enumerate(times) if place not in gone]

    def newest(rows, moment):
        return max((time for time in rows if time <= moment), default=None)

    for moment in needed:
        assert newest(left, moment) == newest(times, moment)
    for moment in reads:
        found = newest(left, moment)
        if found is not None:
            assert found <= newest(times, moment)
    # At the end of each stretch nothing has changed.
    for time in times:
        end = start_of_stretch(time, FIVE) + FIVE - dt.timedelta(seconds=1)
        assert newest(left, end) == newest(times, end)
