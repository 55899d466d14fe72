"""Archived forecasts: the day's own maximum, and never known before it can have been."""

from __future__ import annotations

import datetime as dt
import inspect

import httpx
import pytest

from weather.clients.iem import IemClient
from weather.clients.open_meteo import OpenMeteoClient
from weather.clients.open_meteo.limits import PUBLIC_HOST, hosts
from weather.models import Forecast, Refusal
from weather.selectors import (
    LAST_LEARNED_LEAD_HOURS,
    latest_forecasts,
    standing_forecasts,
)
from weather.services.history.model_forecasts import (
    ARCHIVED_MODELS,
    BEGINS_ON,
    USUAL_BEGIN,
    latest_run_start,
)
from weather.services.history.nbs_forecasts import AVAILABLE_AFTER
from weather.services.history.plan import make_plan
from weather.sources import IEM_CLI, MODELS, MODELS_BY_CODE, NBM_NBS
from weather.tests.factories import ForecastFactory, ForecastSourceFactory, real_station
from weather.tests.history_world import LATER, NBS, Past, warmth
from weather.tests.history_world import MODELS as MODELS_PATH

pytestmark = pytest.mark.django_db
UTC = dt.UTC
DAY = dt.date(2026, 7, 8)
ONE_DAY, HOUR = dt.timedelta(days=1), dt.timedelta(hours=1)
CODES = [model.code for model in ARCHIVED_MODELS]


@pytest.fixture
def past() -> Past:
    return Past(real_station("NY"))


def highs() -> dict[dt.date, float]:
    return dict(Forecast.objects.values_list("climate_day", "high_f"))


# --- previous runs of models -------------------------------------------------------------------


def test_each_lead_gives_the_maximum_of_the_standard_day(past):
    (outcome,) = past.fetch("gfs", since=DAY, until=DAY)

    rows = Forecast.objects.order_by("-issued_at")
    assert outcome.rows == 5
    assert [row.high_f for row in rows] == [warmth(DAY) + lead for lead in (1, 2, 3, 4, 5)]
    assert {row.source.code for row in rows} == {"gfs"}, "what is learned is for the live source"
    assert {row.climate_day for row in rows} == {DAY}
    assert {row.fetched_at for row in rows} == {LATER}
    assert all(row.payload is not None for row in rows)


@pytest.mark.parametrize("code", CODES)
def test_a_lead_counts_from_the_end_of_the_day_and_the_model_s_delay_is_added(past, code):
    past.fetch(code, since=DAY, until=DAY)
    _, end = past.station.climate_day_bounds(DAY)
    lag = MODELS_BY_CODE[code].archive_lag

    found = Forecast.objects.order_by("-issued_at").values_list("issued_at", "available_at")
    leads = past.archive(code).lead_days
    assert list(found) == [(end - n * ONE_DAY, end - n * ONE_DAY + lag) for n in leads]


def test_no_value_of_the_day_can_come_from_a_run_after_the_stated_issue(past):
    """The value of an hour at lead n comes from a run 24·n hours before it, or earlier."""
    start, end = past.station.climate_day_bounds(DAY)
    hours = [start + n * HOUR for n in range(24)]

    for lead in (1, 2, 5):
        newest_run = max(hour - lead * ONE_DAY for hour in hours)
        assert newest_run <= latest_run_start(end, lead_days=lead)
        assert newest_run > latest_run_start(end, lead_days=lead) - 2 * HOUR


@pytest.mark.parametrize("code", CODES)
def test_canary_a_row_is_invisible_before_it_was_available(past, code):
    past.fetch(code, since=DAY, until=DAY)

    for row in Forecast.objects.all():
        before, after = row.available_at - dt.timedelta(seconds=1), row.available_at
        known = latest_forecasts(station=past.station, climate_day=DAY, as_of=before)
        assert row not in known
        assert row in latest_forecasts(station=past.station, climate_day=DAY, as_of=after)


@pytest.mark.parametrize("code", [*CODES, NBM_NBS])
def test_a_forecast_of_the_day_before_is_learned_from(past, code):
    """The fit takes what was known before 10:00: the shortest lead must be among it."""
    past.fetch(IEM_CLI, since=DAY, until=DAY)
    past.fetch(code, since=DAY, until=DAY)

    (learned,) = standing_forecasts(
        station=past.station, as_of=LATER, since=DAY, lead_hours=(LAST_LEARNED_LEAD_HOURS,)
    )
    assert learned.source_code == code
    assert learned.observed_f == warmth(DAY)
    assert learned.high_f == warmth(DAY) + (2 if code == NBM_NBS else 1)
    if code != NBM_NBS:
        assert learned.lead_hours == 24


@pytest.mark.parametrize(
    ("change", "peak_utc"),
    [
        (dt.date(2026, 3, 8), "2026-03-09T04:00Z"),
        (dt.date(2025, 11, 2), "2025-11-03T04:00Z"),
        (DAY, "2026-07-09T04:00Z"),
    ],
)
def test_a_day_is_the_standard_one_at_both_clock_changes_and_in_summer(past, change, peak_utc):
    """23:00 standard time belongs to the day, midnight to the next, whatever clocks show."""
    peak = dt.datetime.fromisoformat(peak_utc)
    past.hour_f = lambda moment, lead: 80.0 if moment == peak else 50.0
    past.fetch("gfs", since=change - ONE_DAY, until=change + ONE_DAY)
    found = highs()
    assert found == {change - ONE_DAY: 50, change: 80, change + ONE_DAY: 50}

    Forecast.objects.all().delete()
    past.hour_f = lambda moment, lead: 80.0 if moment == peak + HOUR else 50.0
    past.fetch("icon", since=change - ONE_DAY, until=change + ONE_DAY)
    assert highs() == {change - ONE_DAY: 50, change: 50, change + ONE_DAY: 80}


def test_the_leap_day_is_a_day(past):
    leap = dt.date(2024, 2, 29)
    past.fetch("gfs", since=leap - ONE_DAY, until=leap + ONE_DAY)

    assert Forecast.objects.filter(climate_day=leap).count() == 5
    assert Forecast.objects.count() == 15


def test_a_day_with_a_hole_has_no_maximum_and_the_others_stay(past):
    start, _ = past.station.climate_day_bounds(DAY)
    usual = past.hour_f
    past.hour_f = lambda moment, lead: (
        None if lead == 1 and start + 9 * HOUR <= moment < start + 15 * HOUR
        else usual(moment, lead)
    )  # fmt: skip
    past.fetch("gfs", since=DAY, until=DAY + ONE_DAY)

    _, end = past.station.climate_day_bounds(DAY)
    issued = set(Forecast.objects.filter(climate_day=DAY).values_list("issued_at", flat=True))
    assert issued == {end - n * ONE_DAY for n in (2, 3, 4, 5)}
    assert Forecast.objects.filter(climate_day=DAY + ONE_DAY).count() == 5


def test_an_archive_is_not_asked_for_days_before_it_began(past):
    plan = make_plan(past.archives(), [past.station], now=LATER, since=dt.date(2020, 1, 1))

    first = {
        code: min(chunk.days.first for chunk in plan if chunk.archive.source_code == code)
        for code in CODES
    }
    assert first == {code: BEGINS_ON.get(code, USUAL_BEGIN) for code in CODES}


def test_ensembles_are_not_asked_for(past):
    past.fetch(since=DAY, until=DAY)

    asked = {request.url.params.get("models") for request in past.asked}
    assert not asked & {model.model_id for model in MODELS if model.is_ensemble}
    assert {model.model_id for model in MODELS if not model.is_ensemble} <= asked


def test_no_client_can_ask_for_the_archive_that_knows_its_days():
    """Stitched first hours are what was said of each hour shortly before it."""
    methods = {
        name
        for client in (OpenMeteoClient, IemClient)
        for name, _ in inspect.getmembers(client, inspect.isfunction)
        if not name.startswith("_")
    }
    assert methods == {
        "climate_days", "close", "daily_summary_messages", "ensemble", "forecast", "metars",
        "model_update", "nbs_archive", "previous_runs", "product_list", "product_text",
    }  # fmt: skip
    for has_key in (False, True):
        urls = hosts(f"https://{PUBLIC_HOST}", has_key=has_key)
        addresses = [getattr(urls, name) for name in urls.__slots__]
        assert not any("historical" in url or "archive" in url for url in addresses)


def test_only_rows_of_a_past_lead_are_asked_for(past):
    past.fetch(*CODES, since=DAY, until=DAY)

    for request in past.asked:
        variables = request.url.params["hourly"].split(",")
        assert variables
        assert all(name.startswith("temperature_2m_previous_day") for name in variables)
        assert "temperature_2m_previous_day0" not in variables


# --- unit mix-ups and nonsense -----------------------------------------------------------------


def test_celsius_sold_as_fahrenheit_is_refused_against_the_highs_of_its_own_season(past):
    past.fetch(IEM_CLI, since=DAY - 10 * ONE_DAY, until=DAY)
    usual = past.hour_f
    past.hour_f = lambda moment, lead: (usual(moment, lead) - 32) / 1.8
    (outcome,) = past.fetch("gfs", since=DAY, until=DAY)

    assert (outcome.rows, outcome.refused) == (0, 5)
    assert "Celsius" in Refusal.objects.first().reason


def test_a_summer_forecast_fetched_in_winter_is_no_mixup(past):
    """Fetched in January after highs of 28 °F, a July high of 90 °F is what it says."""
    winter = dt.datetime(2026, 1, 20, 12, tzinfo=UTC)
    july = dt.date(2025, 7, 8)
    rows = [
        past.cli_row(july - ONE_DAY, high=90),
        past.cli_row(dt.date(2026, 1, 18), high=28, low=20),
    ]
    past.spoiled["/json/cli.py"] = httpx.Response(200, json={"results": rows[:1]})
    past.fetch(IEM_CLI, since=july - ONE_DAY, until=july, now=winter)
    past.spoiled["/json/cli.py"] = httpx.Response(200, json={"results": rows[1:]})
    past.fetch(IEM_CLI, since=dt.date(2026, 1, 18), until=dt.date(2026, 1, 18), now=winter)
    past.hour_f = lambda moment, lead: 90.0
    (outcome,) = past.fetch("gfs", since=july, until=july, now=winter)

    assert (outcome.rows, outcome.refused) == (5, 0)


@pytest.mark.parametrize("unit", ["°C", "K", ""])
def test_another_unit_than_asked_for_is_refused_as_a_whole(past, unit):
    past.spoiled[MODELS_PATH] = lambda request: httpx.Response(
        200,
        json=past.model_body(
            [dt.datetime(2026, 7, 8, tzinfo=UTC)],
            {"temperature_2m_previous_day1": [20.0]},
            unit=unit,
        ),
    )
    (outcome,) = past.fetch("gfs", since=DAY, until=DAY)

    assert outcome.reason
    assert not Forecast.objects.exists()
    assert Refusal.objects.get().source.code == "gfs"


@pytest.mark.parametrize("absurd", [140.5, -81.0])
def test_a_value_that_cannot_be_condemns_its_lead_only(past, absurd):
    usual = past.hour_f
    noon = dt.datetime(2026, 7, 8, 17, tzinfo=UTC)
    past.hour_f = lambda moment, lead: (
        absurd if (lead, moment) == (3, noon) else usual(moment, lead)
    )
    (outcome,) = past.fetch("gfs", since=DAY, until=DAY)

    assert outcome.rows == 4
    assert sorted(Forecast.objects.values_list("high_f", flat=True)) == [
        warmth(DAY) + lead for lead in (1, 2, 4, 5)
    ]
    assert outcome.refused
    assert Refusal.objects.exists()


def test_what_was_taken_in_live_stands(past):
    """A run that came in as it was issued is more than what the archive makes of it."""
    start, _ = past.station.climate_day_bounds(DAY)
    source = ForecastSourceFactory(code="hrrr")
    live = ForecastFactory(
        station=past.station, source=source, climate_day=DAY, issued_at=start, high_f=99.0
    )
    (outcome,) = past.fetch("hrrr", since=DAY, until=DAY)

    assert outcome.rows == 0
    assert Forecast.objects.get() == live
    assert Forecast.objects.get().high_f == 99.0


# --- bulletins of the National Blend -----------------------------------------------------------


def test_every_cycle_that_is_read_live_is_kept_with_its_own_time(past):
    past.fetch(NBM_NBS, since=DAY, until=DAY)

    rows = Forecast.objects.order_by("issued_at")
    assert {row.issued_at.hour for row in rows} == {1, 7, 13, 19}
    assert all(row.model_run_at == row.issued_at for row in rows)
    assert all(row.available_at == row.issued_at + AVAILABLE_AFTER for row in rows)
    assert {(row.high_f, row.sd_f) for row in rows} == {(warmth(DAY) + 2, 3.0)}
    assert rows[0].issued_at == dt.datetime(2026, 7, 6, 1, tzinfo=UTC), "72 hours before"
    assert rows.last().issued_at == dt.datetime(2026, 7, 8, 19, tzinfo=UTC)


def test_canary_a_bulletin_is_invisible_before_its_text_was_published(past):
    past.fetch(NBM_NBS, since=DAY, until=DAY)

    for row in Forecast.objects.all():
        before = row.available_at - dt.timedelta(seconds=1)
        assert row not in latest_forecasts(station=past.station, climate_day=DAY, as_of=before)
        assert row.available_at - row.issued_at == dt.timedelta(minutes=100)


def test_the_column_of_midnight_is_the_maximum_and_that_of_noon_is_none(past):
    cycle = dt.datetime(2026, 7, 8, 1, tzinfo=UTC)
    lines = [
        "runtime,ftime,model,tmp,txn,xnd,station",
        past.nbs_line(cycle, dt.datetime(2026, 7, 8, 12, tzinfo=UTC), 51),
        past.nbs_line(cycle, dt.datetime(2026, 7, 9, 0, tzinfo=UTC), 68, sd=""),
    ]
    past.spoiled[NBS] = httpx.Response(200, text="\n".join(lines))
    past.fetch(NBM_NBS, since=DAY, until=DAY)

    row = Forecast.objects.get()
    assert (row.climate_day, row.high_f, row.sd_f) == (DAY, 68.0, None)


@pytest.mark.parametrize(
    "line",
    [
        "2026-07-08 01:00:00,2026-07-09 00:00:00,NBS,50,999,3,KNYC",
        "2026-07-08 01:00:00,2026-07-09 00:00:00,NBS,50,68,-5,KNYC",
        "2026-07-08 01:00:00,2026-07-09 00:00:00,NBS,50,68,3,KLGA",
        "2026-07-08 01:00:00,2026-07-09 00:00:00,GFS,50,68,3,KNYC",
        "2026-07-09 01:00:00,2026-07-09 00:00:00,NBS,50,68,3,KNYC",
        "2026-07-08 01:00:00,yesterday,NBS,50,68,3,KNYC",
        "2026-07-08 01:00:00,2026-07-09",
    ],
)
def test_a_line_that_cannot_be_is_refused_and_the_others_stay(past, line):
    cycle = dt.datetime(2026, 7, 8, 7, tzinfo=UTC)
    good = past.nbs_line(cycle, dt.datetime(2026, 7, 9, tzinfo=UTC), 70)
    text = "\n".join(["runtime,ftime,model,tmp,txn,xnd,station", line, good])
    past.spoiled[NBS] = httpx.Response(200, text=text)
    (outcome,) = past.fetch(NBM_NBS, since=DAY, until=DAY)

    assert (outcome.rows, outcome.refused) == (1, 1)
    assert Forecast.objects.get().high_f == 70
    assert Refusal.objects.get().station == past.station
