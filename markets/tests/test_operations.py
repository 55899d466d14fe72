from __future__ import annotations

import datetime as dt

import httpx
import pytest

from boz.core.agents import run_agent
from boz.core.clock import format_utc
from boz.core.models import JobRun
from markets.clients.kalshi import KalshiMarketData
from markets.models import ExchangeHours, ExchangeStatus, MaintenanceWindow
from markets.selectors import trading_pause
from markets.services.sync import sync_operations
from markets.tests.exchange import FakeExchange, client_of

pytestmark = pytest.mark.django_db

#: A Tuesday, 15:00 in New York.
NOW = dt.datetime(2026, 11, 17, 20, tzinfo=dt.UTC)
THURSDAY = dt.datetime(2026, 11, 19, 8, 30, tzinfo=dt.UTC)
MINUTE = dt.timedelta(minutes=1)
HOUR = 60 * MINUTE
DAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")


@pytest.fixture
def exchange() -> FakeExchange:
    return FakeExchange()


def _sync(exchange, now=NOW):
    return sync_operations(now=now, client=exchange.client)


def _hours(opens="00:00", closes="00:00", **days):
    session = [{"open_time": opens, "close_time": closes}]
    return {
        "start_time": "2026-01-01T00:00:00Z",
        "end_time": "2027-01-01T00:00:00Z",
        **dict.fromkeys(DAYS, session),
        **days,
    }


def _window(start, end):
    return {"start_datetime": format_utc(start), "end_datetime": format_utc(end)}


def test_an_exchange_that_trades_is_open(exchange):
    _sync(exchange)

    assert trading_pause(as_of=NOW, needs_status=True) is None
    assert trading_pause(as_of=NOW) is None


def test_paused_trading_says_until_when_and_lets_orders_be_cancelled(exchange):
    exchange.status.update(
        trading_active=False, exchange_estimated_resume_time=format_utc(NOW + HOUR)
    )
    _sync(exchange)

    pause = trading_pause(as_of=NOW)

    assert pause is not None
    assert (pause.until, pause.cancels_work) == (NOW + HOUR, True)
    assert "paused trading" in pause.reason


def test_a_paused_exchange_says_so_with_a_5xx_and_takes_no_cancels(exchange):
    exchange.status.update(exchange_active=False, trading_active=False)
    result = _sync(exchange)

    pause = trading_pause(as_of=NOW)

    assert result.skipped == []
    assert pause is not None
    assert not pause.cancels_work


def test_weather_trades_on_its_own_shard(exchange):
    exchange.status["exchange_index_statuses"] = [
        {"exchange_index": 0, "exchange_active": True, "trading_active": False},
        {"exchange_index": 2, "exchange_active": True, "trading_active": True},
    ]
    _sync(exchange)

    assert trading_pause(as_of=NOW) is not None


def test_a_state_is_one_row_until_it_changes(exchange):
    for n in range(3):
        _sync(exchange, NOW + 5 * n * MINUTE)
    exchange.status["trading_active"] = False
    _sync(exchange, NOW + 15 * MINUTE)

    spans = ExchangeStatus.objects.order_by("read_at").values_list("read_at", "confirmed_at")
    assert list(spans) == [(NOW, NOW + 10 * MINUTE), (NOW + 15 * MINUTE, NOW + 15 * MINUTE)]
    assert trading_pause(as_of=NOW + 14 * MINUTE) is None
    assert trading_pause(as_of=NOW + 15 * MINUTE) is not None


def test_a_time_in_which_nothing_was_heard_is_not_known_afterwards_either(exchange):
    _sync(exchange)
    _sync(exchange, NOW + 3 * HOUR)

    assert trading_pause(as_of=NOW + HOUR) is None
    pause = trading_pause(as_of=NOW + HOUR, needs_status=True)
    assert pause is not None
    assert "last at 2026-11-17T20:00:00Z" in pause.reason
    assert trading_pause(as_of=NOW + 3 * HOUR, needs_status=True) is None


def test_a_state_never_heard_stops_real_orders_only():
    assert trading_pause(as_of=NOW) is None
    pause = trading_pause(as_of=NOW, needs_status=True)
    assert pause is not None
    assert "never" in pause.reason


def test_the_weekly_pause_holds_even_while_the_exchange_still_says_it_trades(exchange):
    _sync(exchange, THURSDAY)

    pause = trading_pause(as_of=THURSDAY)

    assert pause is not None
    assert "Thursday" in pause.reason
    assert (pause.until, pause.cancels_work) == (THURSDAY + 90 * MINUTE, True)


def test_announced_maintenance_is_known_from_its_announcement(exchange):
    start = NOW + HOUR
    exchange.schedule["maintenance_windows"] = [_window(start, start + HOUR)]
    result = _sync(exchange, NOW + MINUTE)

    assert result.done["windows"] == 1
    assert trading_pause(as_of=start - MINUTE) is None
    pause = trading_pause(as_of=start)
    assert pause is not None
    assert (pause.until, pause.cancels_work) == (start + HOUR, False)
    assert trading_pause(as_of=start + HOUR) is None
    assert not MaintenanceWindow.objects.filter(available_at__lte=NOW).exists()


def test_maintenance_taken_back_before_its_start_is_none(exchange):
    start = NOW + HOUR
    exchange.schedule["maintenance_windows"] = [_window(start, start + HOUR)]
    _sync(exchange)
    exchange.schedule["maintenance_windows"] = []
    _sync(exchange, NOW + MINUTE)

    assert trading_pause(as_of=start) is None


def test_maintenance_no_longer_listed_while_it_lasts_goes_on(exchange):
    start = NOW + HOUR
    exchange.schedule["maintenance_windows"] = [_window(start, start + HOUR)]
    _sync(exchange)
    exchange.schedule["maintenance_windows"] = []
    _sync(exchange, start + MINUTE)

    assert trading_pause(as_of=start + 2 * MINUTE) is not None


def test_outside_of_listed_hours_nothing_trades(exchange):
    _sync(exchange)
    exchange.schedule["standard_hours"] = [_hours("08:00", "16:00")]
    _sync(exchange, NOW + MINUTE)

    # 20:00 UTC is 15:00 in New York; 21:00 UTC is the end.
    assert trading_pause(as_of=NOW + 59 * MINUTE) is None
    pause = trading_pause(as_of=NOW + HOUR)
    assert pause is not None
    assert "listed hours" in pause.reason
    assert ExchangeHours.objects.count() == 2


def test_hours_outside_of_which_the_exchange_was_seen_trading_are_not_believed(exchange):
    exchange.schedule["standard_hours"] = [_hours("08:00", "09:00")]
    _sync(exchange)

    assert trading_pause(as_of=NOW + MINUTE) is None


def test_hours_are_stored_once_while_they_stay_the_same(exchange):
    exchange.schedule["standard_hours"] = [_hours()]
    _sync(exchange)
    _sync(exchange, NOW + HOUR)

    assert ExchangeHours.objects.count() == 1
    assert trading_pause(as_of=NOW + HOUR) is None


def test_an_exchange_that_does_not_answer_leaves_what_was_known(exchange):
    _sync(exchange)

    result = sync_operations(now=NOW + MINUTE, client=client_of(lambda _: httpx.Response(502)))

    assert [item.subject for item in result.skipped] == ["exchange status", "exchange schedule"]
    assert ExchangeStatus.objects.get().confirmed_at == NOW


def test_the_state_is_stored_when_everything_else_is_down(monkeypatch):
    def answer(request):
        if request.url.path.endswith("/exchange/status"):
            return httpx.Response(503, json={"exchange_active": False, "trading_active": False})
        return httpx.Response(503)

    monkeypatch.setattr(KalshiMarketData, "from_settings", lambda: client_of(answer))

    run = run_agent("markets", now=NOW)

    assert run.status == JobRun.Status.FAILED
    assert not ExchangeStatus.objects.get().is_exchange_active
