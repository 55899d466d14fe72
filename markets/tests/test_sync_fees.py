from __future__ import annotations

import datetime as dt
from decimal import Decimal

import httpx
import pytest

from boz.core.clock import format_utc
from markets.models import Event, FeeSchedule
from markets.selectors import fee_terms
from markets.services.sync import sync_fee_changes, sync_markets
from markets.tests.exchange import FakeExchange, client_of
from markets.tests.factories import NOW, make_station
from weather.models import Station

pytestmark = pytest.mark.django_db

DAY = dt.date(2024, 11, 15)
HOUR = dt.timedelta(hours=1)
AHEAD = NOW + dt.timedelta(days=1)
D = Decimal


@pytest.fixture
def exchange() -> FakeExchange:
    Station.objects.update(is_active=False)
    make_station("NY")
    found = FakeExchange()
    found.list_event(DAY)
    sync_markets(now=NOW, client=found.client)
    return found


def _of_series(multiplier, *, at=AHEAD, change_id="c1", fee_type="quadratic", series="KXHIGHNY"):
    return {
        "id": change_id,
        "series_ticker": series,
        "fee_type": fee_type,
        "fee_multiplier": multiplier,
        "scheduled_ts": format_utc(at),
    }


def _of_event(fee_type, multiplier, *, at=AHEAD, change_id="e1"):
    return {
        "id": change_id,
        "event_ticker": "KXHIGHNY-24NOV15",
        "series_ticker": "KXHIGHNY",
        "fee_type_override": fee_type,
        "fee_multiplier_override": multiplier,
        "scheduled_ts": format_utc(at),
    }


def _sync(exchange, now=NOW):
    return sync_fee_changes(now=now, client=exchange.client)


def test_an_announced_fee_is_known_before_and_in_force_from_its_moment(exchange):
    exchange.series_fee_changes = [_of_series(2)]

    result = _sync(exchange)

    event = Event.objects.get()
    assert result.done == {"fees_announced": 1, "fees_withdrawn": 0}
    assert fee_terms(event=event, as_of=AHEAD - dt.timedelta(seconds=1)).multiplier == 1
    assert fee_terms(event=event, as_of=AHEAD).multiplier == 2
    assert fee_terms(event=event, as_of=NOW, at=AHEAD).multiplier == 2
    before = NOW - dt.timedelta(seconds=1)
    assert not FeeSchedule.objects.filter(available_at__lte=before).exists()


def test_nobody_knew_of_it_before_it_was_announced(exchange):
    exchange.series_fee_changes = [_of_series(2)]
    _sync(exchange, NOW + HOUR)

    event = Event.objects.get()
    assert fee_terms(event=event, as_of=NOW, at=AHEAD).multiplier == 1
    assert fee_terms(event=event, as_of=NOW + HOUR, at=AHEAD).multiplier == 2


def test_announcing_again_changes_nothing(exchange):
    exchange.series_fee_changes = [_of_series(2)]
    exchange.event_fee_changes = [_of_event("quadratic_with_maker_fees", None)]
    _sync(exchange)
    before = list(FeeSchedule.objects.values_list())

    result = _sync(exchange, NOW + HOUR)

    assert result.done == {"fees_announced": 0, "fees_withdrawn": 0}
    assert list(FeeSchedule.objects.values_list()) == before


@pytest.mark.parametrize(
    ("change", "multiplier"),
    [
        pytest.param(_of_series(3), 3, id="corrected"),
        pytest.param(_of_series(3, change_id="c2"), 3, id="replaced at the same moment"),
        pytest.param(_of_series(2, at=AHEAD + HOUR), 1, id="put off"),
        pytest.param(None, 1, id="taken back"),
    ],
)
def test_an_announcement_may_change_until_it_is_in_force(exchange, change, multiplier):
    exchange.series_fee_changes = [_of_series(2)]
    _sync(exchange)
    exchange.series_fee_changes = [] if change is None else [change]

    result = _sync(exchange, NOW + HOUR)

    event = Event.objects.get()
    assert result.done["fees_withdrawn"] == 1
    assert fee_terms(event=event, as_of=AHEAD).multiplier == multiplier
    # What was believed in between stays so.
    assert fee_terms(event=event, as_of=NOW, at=AHEAD).multiplier == 2


def test_a_fee_in_force_that_is_no_longer_announced_stays(exchange):
    exchange.series_fee_changes = [_of_series(2)]
    _sync(exchange)
    exchange.series_fee_changes = []

    _sync(exchange, AHEAD + HOUR)

    assert fee_terms(event=Event.objects.get(), as_of=AHEAD + HOUR).multiplier == 2


def test_the_listing_confirms_what_was_announced_and_adds_nothing(exchange):
    exchange.series_fee_changes = [_of_series(2)]
    _sync(exchange)
    exchange.series_body["fee_multiplier"] = 2

    sync_markets(now=AHEAD + HOUR, client=exchange.client)

    assert FeeSchedule.objects.count() == 2


def test_an_unreadable_announcement_takes_nothing_back(exchange):
    exchange.series_fee_changes = [_of_series(2)]
    _sync(exchange)
    exchange.series_fee_changes = [{"id": "c9"}]

    result = _sync(exchange, NOW + HOUR)

    assert [item.subject for item in result.skipped] == ["c9"]
    assert fee_terms(event=Event.objects.get(), as_of=AHEAD).multiplier == 2


def test_an_exchange_that_does_not_answer_takes_nothing_back(exchange):
    exchange.series_fee_changes = [_of_series(2)]
    _sync(exchange)

    result = sync_fee_changes(now=NOW + HOUR, client=client_of(lambda _: httpx.Response(500)))

    assert [item.subject for item in result.skipped] == ["series fee changes", "event fee changes"]
    assert fee_terms(event=Event.objects.get(), as_of=AHEAD).multiplier == 2


@pytest.mark.parametrize(
    "change", [_of_series(-1), _of_series("1.00001"), _of_series(2, fee_type="x" * 61)]
)
def test_an_announced_fee_that_makes_no_sense_is_not_stored(exchange, change):
    exchange.series_fee_changes = [change]

    result = _sync(exchange)

    assert "makes no sense" in result.skipped[0].reason
    assert fee_terms(event=Event.objects.get(), as_of=AHEAD).multiplier == 1


def test_other_series_and_past_changes_are_left_alone(exchange):
    exchange.series_fee_changes = [
        _of_series(2, series="KXNBA"),
        _of_series(5, at=NOW - HOUR, change_id="c2"),
    ]

    assert _sync(exchange).done["fees_announced"] == 0
    assert FeeSchedule.objects.count() == 1


def test_an_event_leaves_to_its_series_what_it_does_not_override(exchange):
    exchange.event_fee_changes = [_of_event("quadratic_with_maker_fees", None)]
    exchange.series_fee_changes = [_of_series("0.5", at=AHEAD + HOUR)]
    _sync(exchange)

    event = Event.objects.get()
    at_first, later = (fee_terms(event=event, as_of=AHEAD + n * HOUR) for n in (0, 1))
    assert (at_first.fee_type, at_first.multiplier) == ("quadratic_with_maker_fees", 1)
    assert (later.fee_type, later.multiplier) == ("quadratic_with_maker_fees", D("0.5"))


def test_an_exception_that_ends_gives_the_event_its_series_fee_back(exchange):
    exchange.event_fee_changes = [
        _of_event("quadratic", 3),
        _of_event(None, None, at=AHEAD + HOUR, change_id="e2"),
    ]
    _sync(exchange)

    event = Event.objects.get()
    assert fee_terms(event=event, as_of=AHEAD).multiplier == 3
    assert fee_terms(event=event, as_of=AHEAD + HOUR).multiplier == 1


def test_an_override_that_is_no_longer_listed_has_ended(exchange):
    exchange.events["KXHIGHNY-24NOV15"]["fee_multiplier_override"] = 3
    sync_markets(now=NOW + HOUR, client=exchange.client)
    exchange.events["KXHIGHNY-24NOV15"]["fee_multiplier_override"] = None

    sync_markets(now=NOW + 2 * HOUR, client=exchange.client)

    event = Event.objects.get()
    assert fee_terms(event=event, as_of=NOW + HOUR).multiplier == 3
    assert fee_terms(event=event, as_of=NOW + 2 * HOUR).multiplier == 1
