from __future__ import annotations

import copy
import datetime as dt
import json
from typing import Any
from unittest.mock import patch

import httpx
import pytest

from weather import selectors
from weather.clients.weather_company import WeatherCompanyClient
from weather.models import DailySummary, ForecastSource, Refusal, Station
from weather.services.intake import take_in
from weather.services.settlement_values import SettlementValues
from weather.tests.factories import ClimateReportFactory, real_station
from weather.tests.outside import PAYLOADS, World

pytestmark = pytest.mark.django_db

UTC = dt.UTC
SECOND = dt.timedelta(seconds=1)
PATH = "/climate/primary"
DAY = dt.date(2026, 9, 23)
#: Noon of the day after in New York.
NOW = dt.datetime(2026, 9, 24, 17, tzinfo=UTC)
Status = DailySummary.Status


@pytest.fixture
def new_york():
    Station.objects.exclude(code="NY").update(is_active=False)
    return real_station("NY")


def entry(max_f: Any, status: str = "official", *, issued: str | None = None, **station):
    data = None if max_f is None else {"maxTemp": max_f, "issueTime": issued or ""}
    return {"station": {"cliId": "NYC", "icao": "KNYC", **station}, "status": status, "data": data}


class Site:
    """The service: entries by day, none for the others; ``asked`` holds the days."""

    def __init__(self, *entries: Any, day: dt.date = DAY) -> None:
        self.by_day = {day.isoformat(): list(entries)}
        self.asked: list[str] = []
        self.world = World()
        self.world.answers[PATH] = self.answer

    def answer(self, request: httpx.Request) -> httpx.Response:
        day = request.url.params["date"]
        self.asked.append(day)
        return httpx.Response(200, json={"date": day, "results": self.by_day.get(day, [])})

    def take(self, *, now: dt.datetime = NOW):
        self.asked.clear()
        with patch.object(WeatherCompanyClient, "from_settings", self.world.weather_company):
            return take_in([SettlementValues(now=now)])


def reading(station, as_of, *, day=DAY):
    found = selectors.second_reading(station=station, climate_day=day, as_of=as_of)
    return None if found is None else (found.max_f, found.status)


def health() -> ForecastSource:
    return ForecastSource.objects.get(code="weather-company")


def test_the_constructed_answer_is_stored_for_our_stations_only():
    Station.objects.filter(code="BOS").update(is_active=True)
    site = Site()
    body = json.loads((PAYLOADS / "weather_company_20260923_constructed.json").read_text())
    site.by_day[DAY.isoformat()] = body["results"]
    assert site.take().done["settlement_values"] == 3
    rows = DailySummary.objects.order_by("station__code")
    assert [(row.station.code, row.max_f, row.status) for row in rows] == [
        ("BOS", 64, Status.FINAL),
        ("MIA", 90, Status.REVISED),
        ("NY", 68, Status.PRELIMINARY),
    ]
    assert rows[0].issued_at == NOW
    assert rows[2].issued_at == dt.datetime(2026, 9, 23, 20, 35, tzinfo=UTC)
    assert {row.available_at for row in rows} == {NOW}
    assert all(row.payload is not None for row in rows)


def test_a_value_is_invisible_before_it_was_fetched(new_york):
    Site(entry(68, issued="2026-09-24T06:26:00Z")).take()
    assert reading(new_york, NOW - SECOND) is None
    assert reading(new_york, NOW) == (68, Status.FINAL)


def test_a_canary_from_the_future_is_not_read(new_york):
    Site(entry(68)).take()
    row = DailySummary.objects.get()
    row.pk, row.max_f, row.status = None, 99, Status.REVISED
    row.available_at = NOW + dt.timedelta(hours=1)
    row.save()
    assert reading(new_york, NOW + dt.timedelta(minutes=59)) == (68, Status.FINAL)
    assert reading(new_york, NOW + dt.timedelta(hours=1)) == (99, Status.REVISED)


def test_only_a_changed_value_or_status_is_a_new_row(new_york):
    site = Site(entry(68, "preliminary"))
    minutes = [dt.timedelta(minutes=15 * number) for number in range(5)]
    counts = []
    for minute, item in zip(
        minutes,
        [
            entry(68, "preliminary"),
            entry(68, "preliminary"),
            entry(68),
            entry(70, "revised"),
            entry(70, "revised"),
        ],
        strict=True,
    ):
        site.by_day[DAY.isoformat()] = [item]
        counts.append(site.take(now=NOW + minute).done["settlement_values"])
    assert counts == [1, 0, 1, 1, 0]
    assert [reading(new_york, NOW + minute) for minute in minutes] == [
        (68, Status.PRELIMINARY),
        (68, Status.PRELIMINARY),
        (68, Status.FINAL),
        (70, Status.REVISED),
        (70, Status.REVISED),
    ]


def test_a_value_changed_under_its_old_issue_time_counts_from_when_it_was_seen(new_york):
    issued = "2026-09-24T06:26:00Z"
    site = Site(entry(68, issued=issued))
    site.take()
    later = NOW + dt.timedelta(minutes=15)
    for value, now in ((70, later), (68, later + dt.timedelta(minutes=15))):
        site.by_day[DAY.isoformat()] = [entry(value, issued=issued)]
        assert site.take(now=now).done["settlement_values"] == 1
        assert reading(new_york, now) == (value, Status.FINAL)
    assert reading(new_york, NOW) == (68, Status.FINAL)
    assert DailySummary.objects.count() == 3


def test_a_withdrawn_value_does_not_come_back_by_being_repeated(new_york):
    site = Site(entry(85))
    site.take()
    DailySummary.objects.update(withdrawn_at=NOW, withdrawn_because="Of another station.")
    later = NOW + dt.timedelta(minutes=15)
    assert site.take(now=later).done["settlement_values"] == 0
    assert reading(new_york, later) is None
    site.by_day[DAY.isoformat()] = [entry(68)]
    site.take(now=later)
    assert reading(new_york, later) == (68, Status.FINAL)


def test_an_official_value_follows_a_preliminary_one_that_gave_no_time(new_york):
    site = Site(entry(66, "preliminary"))
    site.take()
    site.by_day[DAY.isoformat()] = [entry(68, issued="2026-09-24T06:26:00Z")]
    later = NOW + dt.timedelta(minutes=15)
    site.take(now=later)
    assert reading(new_york, later) == (68, Status.FINAL)


def test_a_day_is_asked_for_until_its_value_settles(new_york):
    site = Site()
    site.take()
    today = dt.date(2026, 9, 24)
    assert site.asked == [(today - dt.timedelta(days=back)).isoformat() for back in range(7)]
    for back in range(1, 7):
        day = today - dt.timedelta(days=back)
        site.by_day[day.isoformat()] = [
            entry(60 + back, "preliminary" if back == 4 else "official")
        ]
    site.take(now=NOW + dt.timedelta(minutes=15))
    site.take(now=NOW + dt.timedelta(minutes=30))
    assert site.asked == ["2026-09-24", "2026-09-23", "2026-09-20"]


def test_no_report_is_an_answer_without_a_row(new_york):
    site = Site(entry(None, "no_report"))
    result = site.take()
    assert (result.done["settlement_values"], result.skipped) == (0, [])
    assert not DailySummary.objects.exists()
    assert health().status == ForecastSource.Status.DEGRADED
    assert "6 of 6 values were missing" in health().status_reason


def test_the_running_day_owes_no_value(new_york):
    site = Site()
    for back in range(1, 7):
        day = dt.date(2026, 9, 24) - dt.timedelta(days=back)
        site.by_day[day.isoformat()] = [entry(60 + back)]
    site.take()
    assert health().null_share == 0.0


@pytest.mark.parametrize(
    ("bad", "why"),
    [
        (entry(68, icao="KLGA"), "is of KLGA, not of KNYC"),
        (entry(680), "cannot be true"),
        (entry(-200), "cannot be true"),
        (entry(68.5), "no whole number"),
        (entry("68"), "no number"),
        (entry(None), "has no maximum"),
        (entry(68, "final"), "not known"),
        (entry(68, issued="2026-09-24T17:30:00Z"), "future"),
        (entry(68, "preliminary", issued="2026-09-22T17:30:00Z"), "before the day began"),
        # Called official by a report of the running day.
        (entry(68, issued="2026-09-23T20:35:00Z"), "before the day is over"),
        (entry(68, "revised", issued="2026-09-24T04:59:00Z"), "before the day is over"),
        (entry(20) | {"unit": "C"}, "not Fahrenheit"),
        (entry(20), "degrees Celsius given as Fahrenheit"),
    ],
)
def test_a_value_that_cannot_be_is_refused_with_its_evidence(new_york, bad, why):
    ClimateReportFactory(station=new_york, climate_day=dt.date(2026, 9, 22), max_f=70)
    result = Site(bad).take()
    assert [why in item.reason for item in result.skipped] == [True]
    assert not DailySummary.objects.exists()
    refusal = Refusal.objects.get()
    assert (refusal.station, refusal.payload is not None) == (new_york, True)


def test_contradicting_entries_of_a_station_are_all_refused(new_york):
    result = Site(entry(68), entry(70)).take()
    assert "several entries" in result.skipped[0].reason
    assert not DailySummary.objects.exists()


def test_what_is_wrong_with_other_stations_is_not_our_business(new_york):
    other = copy.deepcopy(entry(999))
    other["station"] = {"cliId": "BOS", "icao": "KBOS"}
    result = Site(other, entry(68)).take()
    assert (result.done["settlement_values"], result.skipped) == (1, [])


def test_an_answer_of_another_day_is_refused(new_york):
    site = Site()
    site.world.answers[PATH] = {"date": "2026-09-01", "results": [entry(68)]}
    assert "another day" in site.take().skipped[0].reason
    assert not DailySummary.objects.exists()


@pytest.mark.parametrize(
    "answer",
    [
        httpx.Response(429),
        httpx.Response(500),
        httpx.Response(503),
        httpx.Response(200, html="<html>busy</html>"),
        httpx.Response(200, content=b'{"results": [{"st', headers={"content-type": "text/json"}),
        httpx.Response(200, json={"results": None}),
        httpx.Response(200, json=[]),
        httpx.ConnectError("refused"),
    ],
)
def test_an_answer_that_is_none_keeps_earlier_rows_and_shows_in_health(new_york, answer):
    site = Site(entry(68))
    site.take()
    site.world.answers[PATH] = answer
    later = NOW + dt.timedelta(minutes=15)
    assert site.take(now=later).skipped
    assert reading(new_york, later) == (68, Status.FINAL)
    assert health().status == ForecastSource.Status.DEGRADED
    assert health().last_error


def test_a_daily_value_is_no_evidence_for_the_running_maximum(new_york):
    Site(entry(99, "preliminary")).take()
    assert reading(new_york, NOW) == (99, Status.PRELIMINARY)
    assert selectors.running_maximum(station=new_york, climate_day=DAY, as_of=NOW) is None


@pytest.mark.parametrize("day", [dt.date(2026, 3, 8), dt.date(2026, 11, 1), dt.date(2028, 2, 29)])
def test_odd_days_end_at_standard_midnight_too(new_york, day):
    end = dt.datetime.combine(day, dt.time(5), tzinfo=UTC) + dt.timedelta(days=1)
    site = Site(entry(68), day=day)
    early = site.take(now=end - SECOND)
    assert "before the day is over" in early.skipped[0].reason
    assert site.take(now=end).done["settlement_values"] == 1
