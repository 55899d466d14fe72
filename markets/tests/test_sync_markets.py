from __future__ import annotations

import datetime as dt
from decimal import Decimal

import httpx
import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from boz.core.errors import TransientError
from boz.core.models import AuditEvent
from markets.models import Event, FeeSchedule, Market, Series
from markets.selectors import fee_terms, tradeable_events
from markets.services.sync import sync_markets
from markets.services.sync.watcher import allow_entries
from markets.tests.exchange import FakeExchange, client_of
from markets.tests.factories import NOW, make_station
from weather.models import Station

pytestmark = pytest.mark.django_db

DAY = dt.date(2024, 11, 14)
NEXT_DAY = DAY + dt.timedelta(days=1)
LATER = NOW + dt.timedelta(hours=1)


@pytest.fixture
def exchange() -> FakeExchange:
    Station.objects.update(is_active=False)
    make_station("NY")
    return FakeExchange()


def _rows() -> list[tuple[object, ...]]:
    return [
        *Series.objects.values_list(),
        *Event.objects.values_list(),
        *Market.objects.values_list(),
        *FeeSchedule.objects.values_list(),
    ]


def test_listed_events_become_rows_with_brackets_from_the_strikes(exchange):
    exchange.list_event(DAY)

    result = sync_markets(now=NOW, client=exchange.client)

    event = Event.objects.get()
    assert (event.climate_day, event.status) == (DAY, Event.Status.OPEN)
    assert event.first_seen_at == NOW
    assert [market.bracket.label for market in event.markets.all()] == [
        "51° or below",
        "52° to 53°",
        "54° to 55°",
        "56° to 57°",
        "58° to 59°",
        "60° or above",
    ]
    assert result.done["markets"] == 6
    assert result.skipped == []


def test_syncing_twice_gives_the_same_rows(exchange):
    exchange.list_event(DAY)
    exchange.list_event(NEXT_DAY)
    sync_markets(now=NOW, client=exchange.client)
    before = _rows()

    sync_markets(now=NOW, client=exchange.client)

    assert _rows() == before


def test_only_what_changed_is_written_and_all_that_was_read_is_marked_so(exchange):
    body = exchange.list_event(DAY)
    sync_markets(now=NOW, client=exchange.client)
    busy, paused = body["markets"][:2]
    busy["volume_fp"] = "99.00"
    paused["status"] = "inactive"

    with CaptureQueriesContext(connection) as queries:
        sync_markets(now=LATER, client=exchange.client)

    updates = [q["sql"] for q in queries if q["sql"].startswith('UPDATE "markets_market"')]
    assert len(updates) == 2
    assert not any("price_ranges" in sql or "close_time" in sql for sql in updates)
    assert Market.objects.get(ticker=busy["ticker"]).volume == Decimal("99.00")
    assert Market.objects.get(ticker=paused["ticker"]).status == Market.Status.INACTIVE
    assert Market.objects.filter(volume=Decimal("12.00"), status="active").count() == 4
    assert set(Market.objects.values_list("updated_at", flat=True)) == {LATER}


def test_a_sync_without_news_takes_few_queries(exchange, django_assert_max_num_queries):
    exchange.list_event(DAY)
    exchange.list_event(NEXT_DAY)
    sync_markets(now=NOW, client=exchange.client)

    with django_assert_max_num_queries(14):
        sync_markets(now=LATER, client=exchange.client)


def test_labels_are_never_read(exchange):
    for market in exchange.list_event(DAY)["markets"]:
        market["yes_sub_title"] = "-40° or below"

    sync_markets(now=NOW, client=exchange.client)

    assert tradeable_events(now=NOW) == [Event.objects.get()]
    assert set(Market.objects.values_list("subtitle", flat=True)) == {"-40° or below"}


def test_strikes_of_zero_degrees_tile_like_any_other(exchange):
    exchange.list_event(DAY, rungs=[(None, -3), (-2, -1), (0, 1), (2, None)])

    sync_markets(now=NOW, client=exchange.client)

    assert Event.objects.get().status == Event.Status.OPEN
    market = Market.objects.get(ticker__endswith="-B0.5")
    assert (market.floor_strike, market.low_f, market.high_f) == (Decimal(0), 0, 1)


def test_a_tail_below_zero_degrees_keeps_its_strike(exchange):
    exchange.list_event(DAY, rungs=[(None, -1), (0, None)])

    sync_markets(now=NOW, client=exchange.client)

    assert Market.objects.get(strike_type="less").cap_strike == Decimal(0)


def test_a_gap_quarantines_its_event_while_the_other_one_trades(exchange):
    broken = exchange.list_event(DAY)
    del broken["markets"][2]
    exchange.list_event(NEXT_DAY)

    result = sync_markets(now=NOW, client=exchange.client)

    event = Event.objects.get(climate_day=DAY)
    assert event.status == Event.Status.QUARANTINED
    assert "54° to 55°" in event.quarantine_reason
    assert [item.climate_day for item in tradeable_events(now=NOW)] == [NEXT_DAY]
    assert [item.subject for item in result.skipped] == [event.ticker]


def test_a_ladder_proven_later_trades_again(exchange):
    body = exchange.list_event(DAY)
    rung = body["markets"].pop(2)
    sync_markets(now=NOW, client=exchange.client)
    body["markets"].append(rung)

    sync_markets(now=LATER, client=exchange.client)

    event = Event.objects.get()
    assert (event.status, event.quarantine_reason) == (Event.Status.OPEN, "")
    assert tradeable_events(now=LATER) == [event]


@pytest.mark.parametrize(
    "change",
    [
        {"strike_type": "greater_or_equal"},
        {"cap_strike": None},
        {"floor_strike": 54.5},
        {"floor_strike": 53},
    ],
)
def test_strikes_that_make_no_ladder_are_quarantined_with_a_reason(exchange, change):
    exchange.list_event(DAY)["markets"][2].update(change)

    sync_markets(now=NOW, client=exchange.client)

    event = Event.objects.get()
    assert event.status == Event.Status.QUARANTINED
    assert event.quarantine_reason
    assert tradeable_events(now=NOW) == []


def test_changed_strikes_of_a_known_market_quarantine_and_stay_as_they_were(exchange):
    body = exchange.list_event(DAY)
    sync_markets(now=NOW, client=exchange.client)
    body["markets"][2]["cap_strike"] = 56
    body["markets"][3]["floor_strike"] = 57

    sync_markets(now=LATER, client=exchange.client)

    event = Event.objects.get()
    assert event.status == Event.Status.QUARANTINED
    assert "have changed" in event.quarantine_reason
    assert Market.objects.get(ticker__endswith="B54.5").bracket.high_f == 55


def test_a_close_that_does_not_end_the_climate_day_is_quarantined(exchange):
    exchange.list_event(DAY, close_time=dt.datetime(2024, 11, 15, 1, 0, tzinfo=dt.UTC))

    sync_markets(now=NOW, client=exchange.client)

    assert "climate day 2024-11-14" in Event.objects.get().quarantine_reason


def test_a_close_at_standard_midnight_is_right_in_daylight_time(exchange):
    day = dt.date(2024, 7, 4)
    exchange.list_event(day, close_time=dt.datetime(2024, 7, 5, 4, 59, tzinfo=dt.UTC))

    sync_markets(now=dt.datetime(2024, 7, 4, 12, tzinfo=dt.UTC), client=exchange.client)

    assert Event.objects.get().quarantine_reason == ""


def test_a_malformed_event_is_left_out_and_the_others_are_kept(exchange):
    del exchange.list_event(DAY)["markets"][0]["close_time"]
    exchange.list_event(NEXT_DAY)

    result = sync_markets(now=NOW, client=exchange.client)

    assert [event.climate_day for event in Event.objects.all()] == [NEXT_DAY]
    assert "close_time" in result.skipped[0].reason


@pytest.mark.parametrize("fee", [{"fee_multiplier": -1}, {"fee_type": "x" * 61}])
def test_a_fee_that_makes_no_sense_is_not_stored_and_nothing_trades_on_it(exchange, fee):
    exchange.list_event(DAY)
    exchange.series_body.update(fee)

    result = sync_markets(now=NOW, client=exchange.client)

    assert "makes no sense" in result.skipped[0].reason
    assert not FeeSchedule.objects.exists()


def test_an_event_that_lists_a_market_twice_is_left_out(exchange):
    body = exchange.list_event(DAY)
    body["markets"].append(body["markets"][0])

    result = sync_markets(now=NOW, client=exchange.client)

    assert not Event.objects.exists()
    assert "twice" in result.skipped[0].reason


def test_an_event_whose_ticker_names_no_day_is_left_out(exchange):
    exchange.list_event(DAY)["event_ticker"] = "KXHIGHNY-TODAY"

    result = sync_markets(now=NOW, client=exchange.client)

    assert not Event.objects.exists()
    assert [item.subject for item in result.skipped] == ["KXHIGHNY-TODAY"]


def test_a_new_settlement_source_stops_entries_until_an_operator_allows_them(exchange):
    exchange.list_event(DAY)
    sync_markets(now=NOW, client=exchange.client)
    company = [{"name": "The Weather Company", "url": "https://weather.example"}]
    exchange.list_event(NEXT_DAY, settlement_sources=company)

    sync_markets(now=LATER, client=exchange.client)

    series = Series.objects.get()
    assert "settlement sources" in series.entries_stopped_reason
    assert AuditEvent.objects.get(action="series.entries_stopped").subject == "series:KXHIGHNY"
    assert Event.objects.get(climate_day=NEXT_DAY).settlement_sources == company

    allow_entries(series, actor="ann", reason="Read the new terms.", now=LATER)
    sync_markets(now=LATER, client=exchange.client)

    series.refresh_from_db()
    assert series.entries_stopped_reason == ""
    assert AuditEvent.objects.get(action="series.entries_allowed").reason == "Read the new terms."


def test_a_new_wording_of_the_rules_stops_entries(exchange):
    exchange.list_event(DAY)
    sync_markets(now=NOW, client=exchange.client)
    for market in exchange.list_event(NEXT_DAY)["markets"]:
        market["rules_secondary"] = "Preliminary reports do count."

    sync_markets(now=LATER, client=exchange.client)

    assert "rules text" in Series.objects.get().entries_stopped_reason


def test_another_day_of_the_same_rules_stops_nothing(exchange):
    exchange.list_event(DAY)
    sync_markets(now=NOW, client=exchange.client)
    exchange.list_event(NEXT_DAY, rungs=[(None, 69), (70, 71), (72, 73), (74, None)])

    sync_markets(now=LATER, client=exchange.client)

    assert Series.objects.get().entries_stopped_reason == ""
    assert not AuditEvent.objects.exists()


def test_a_fee_is_in_force_from_when_it_was_first_seen_and_a_change_appends(exchange):
    exchange.list_event(DAY)
    sync_markets(now=NOW, client=exchange.client)
    exchange.series_body["fee_multiplier"] = 2

    sync_markets(now=LATER, client=exchange.client)

    event = Event.objects.get()
    assert fee_terms(event=event, as_of=NOW).multiplier == 1
    assert fee_terms(event=event, as_of=LATER).multiplier == 2
    assert FeeSchedule.objects.count() == 2


def test_an_event_with_its_own_fee_uses_it_and_the_other_event_does_not(exchange):
    exchange.list_event(DAY, fee_type_override="quadratic_with_maker_fees")
    exchange.list_event(NEXT_DAY)

    sync_markets(now=NOW, client=exchange.client)

    own, other = Event.objects.order_by("climate_day")
    assert fee_terms(event=own, as_of=NOW).fee_type == "quadratic_with_maker_fees"
    assert fee_terms(event=other, as_of=NOW).fee_type == "quadratic"


def test_results_are_read_after_the_close_and_determine_the_event(exchange):
    body = exchange.list_event(DAY)
    sync_markets(now=NOW, client=exchange.client)
    for market in body["markets"]:
        market["status"] = "closed"
    night = dt.datetime(2024, 11, 15, 6, tzinfo=dt.UTC)
    sync_markets(now=night, client=exchange.client)
    assert Event.objects.get().status == Event.Status.CLOSED
    morning = dt.datetime(2024, 11, 15, 12, 5, tzinfo=dt.UTC)
    published = morning - dt.timedelta(minutes=4)
    exchange.settle(body, high_f=55, at=published)

    result = sync_markets(now=morning, client=exchange.client)

    event = Event.objects.get()
    assert event.status == Event.Status.DETERMINED
    assert event.expiration_value_f == Decimal("55.00")
    assert event.determined_at == published
    assert [m.ticker[-5:] for m in Market.objects.filter(result="yes")] == ["B54.5"]
    assert Market.objects.get(result="yes").settlement_value_dollars == Decimal(1)
    assert result.done["determined"] == 1


def test_results_are_asked_for_only_once(exchange):
    body = exchange.list_event(DAY)
    sync_markets(now=NOW, client=exchange.client)
    exchange.settle(body, high_f=55, at=LATER)
    tomorrow = NOW + dt.timedelta(days=1)
    sync_markets(now=tomorrow, client=exchange.client)
    exchange.calls.clear()

    sync_markets(now=tomorrow, client=exchange.client)

    assert [url.path for url in exchange.calls if url.path.endswith("/markets")] == []


def test_half_published_results_determine_nothing(exchange):
    body = exchange.list_event(DAY)
    sync_markets(now=NOW, client=exchange.client)
    exchange.settle(body, high_f=55, at=LATER)
    body["markets"][0].update(status="closed", result="")

    sync_markets(now=NOW + dt.timedelta(days=1), client=exchange.client)

    event = Event.objects.get()
    assert (event.status, event.expiration_value_f) == (Event.Status.CLOSED, None)


def test_a_value_of_zero_degrees_settles_an_event(exchange):
    body = exchange.list_event(DAY, rungs=[(None, -1), (0, 1), (2, None)])
    sync_markets(now=NOW, client=exchange.client)
    exchange.settle(body, high_f=0, at=LATER)

    sync_markets(now=NOW + dt.timedelta(days=1), client=exchange.client)

    event = Event.objects.get()
    assert event.expiration_value_f == Decimal(0)
    assert event.status == Event.Status.DETERMINED


def test_a_series_switched_off_is_not_asked_for(exchange):
    exchange.list_event(DAY)
    sync_markets(now=NOW, client=exchange.client)
    Series.objects.update(is_active=False)
    exchange.calls.clear()

    sync_markets(now=LATER, client=exchange.client)

    assert not [url for url in exchange.calls if "/series/" in url.path]


def test_an_exchange_that_is_down_fails_the_job_and_keeps_the_rows(exchange):
    exchange.list_event(DAY)
    sync_markets(now=NOW, client=exchange.client)
    before = _rows()

    with pytest.raises(TransientError):
        sync_markets(now=LATER, client=client_of(lambda _: httpx.Response(503)))

    assert _rows() == before


def _determined(exchange, *, status="determined"):
    body = exchange.list_event(DAY)
    sync_markets(now=NOW, client=exchange.client)
    exchange.settle(body, high_f=55, at=LATER)
    for market in body["markets"]:
        market["status"] = status
    sync_markets(now=NOW + dt.timedelta(days=1), client=exchange.client)
    return body


def test_results_that_are_not_final_are_read_again_and_an_amendment_taken_over(exchange):
    body = _determined(exchange)
    Event.objects.update(status=Event.Status.SETTLED)
    exchange.settle(body, high_f=56, at=NOW + dt.timedelta(days=1, hours=1))

    sync_markets(now=NOW + dt.timedelta(days=1, hours=2), client=exchange.client)

    event = Event.objects.get()
    assert (event.status, event.expiration_value_f) == (Event.Status.SETTLED, Decimal("56.00"))
    assert [m.ticker[-5:] for m in Market.objects.filter(result="yes")] == ["B56.5"]
    exchange.calls.clear()
    sync_markets(now=NOW + dt.timedelta(days=1, hours=3), client=exchange.client)
    assert [url.path for url in exchange.calls if url.path.endswith("/markets")] == []


def test_a_dispute_without_a_new_result_keeps_the_known_one(exchange):
    body = _determined(exchange)
    for market in body["markets"]:
        market.update(status="disputed", result="", settlement_value_dollars=None)

    sync_markets(now=NOW + dt.timedelta(days=1, hours=1), client=exchange.client)

    assert Market.objects.filter(status="disputed").count() == 6
    assert Market.objects.get(result="yes").settlement_value_dollars == Decimal(1)
    assert Event.objects.get().status == Event.Status.DETERMINED


def test_a_market_decided_early_leaves_the_rest_of_its_ladder_trading(exchange):
    body = exchange.list_event(DAY)
    sync_markets(now=NOW, client=exchange.client)
    body["markets"][0].update(status="determined", result="no", close_time="2024-11-14T20:30:00Z")

    sync_markets(now=LATER, client=exchange.client)

    event = Event.objects.get()
    assert (event.status, event.quarantine_reason) == (Event.Status.OPEN, "")
    decided = Market.objects.get(result="no")
    assert not decided.is_open(LATER)
    assert sum(market.is_open(LATER) for market in event.markets.all()) == 5


def test_a_whole_event_decided_early_is_determined_before_its_day_ends(exchange):
    body = exchange.list_event(DAY)
    sync_markets(now=NOW, client=exchange.client)
    exchange.settle(body, high_f=55, at=LATER)

    result = sync_markets(now=LATER, client=exchange.client)

    assert Event.objects.get().status == Event.Status.DETERMINED
    assert result.done["determined"] == 1


def test_markets_that_have_left_the_live_tier_settle_all_the_same(exchange):
    body = exchange.list_event(DAY)
    sync_markets(now=NOW, client=exchange.client)
    exchange.settle(body, high_f=55, at=LATER)
    exchange.moved = {market["ticker"] for market in body["markets"][:4]}

    result = sync_markets(now=NOW + dt.timedelta(days=90), client=exchange.client)

    assert result.skipped == []
    assert Event.objects.get().status == Event.Status.DETERMINED
    assert Market.objects.get(result="yes").low_f == 54
