"""Archived station reports: intervals and groups as the live ones, known after their time."""

from __future__ import annotations

import datetime as dt

import httpx
import pytest

from weather.models import Observation, Refusal
from weather.selectors import running_maximum
from weather.services.history.station_reports import AVAILABLE_AFTER
from weather.sources import IEM_ASOS
from weather.tests.factories import real_station
from weather.tests.history_world import ASOS, LATER, Past

pytestmark = pytest.mark.django_db
UTC = dt.UTC
DAY = dt.date(2026, 7, 8)
NOON = dt.datetime(2026, 7, 8, 16, 51, tzinfo=UTC)
HEADING = "station,valid,metar"


@pytest.fixture
def past() -> Past:
    return Past(real_station("NY"))


def fetch(past: Past, *lines: str):
    past.spoiled[ASOS] = httpx.Response(200, text="\n".join([HEADING, *lines]))
    (outcome,) = past.fetch(IEM_ASOS, since=DAY, until=DAY)
    return outcome


def test_the_reports_of_the_standard_day_are_asked_for_by_three_letters(past):
    (outcome,) = past.fetch(IEM_ASOS, since=DAY, until=DAY)

    params = past.asked[0].url.params
    assert params["station"] == "NYC"
    assert (params["sts"], params["ets"]) == ("2026-07-08T05:00Z", "2026-07-09T05:00Z")
    assert outcome.rows == 24


def test_groups_become_exact_degrees_and_whole_celsius_an_interval(past):
    fetch(
        past,
        past.asos_line(NOON, remarks="T02940228 10300 402940228", body="29/23"),
        past.asos_line(NOON + dt.timedelta(hours=1), remarks="SLP123", body="26/10"),
    )

    exact, whole = Observation.objects.order_by("observed_at")
    assert (exact.temp_low_f, exact.temp_high_f) == (85, 85)
    assert (exact.max_6h_f, exact.max_24h_f) == (86, 85)
    assert (whole.temp_low_f, whole.temp_high_f) == (78, 79)
    assert exact.source.code == IEM_ASOS
    assert exact.raw.startswith("KNYC 081651Z")


def test_canary_a_report_is_invisible_before_it_was_available(past):
    fetch(past, past.asos_line(NOON))

    row = Observation.objects.get()
    assert (row.issued_at, row.available_at) == (NOON, NOON + AVAILABLE_AFTER)
    assert row.fetched_at == LATER

    def known(as_of):
        return running_maximum(station=past.station, climate_day=DAY, as_of=as_of)

    assert known(row.available_at - dt.timedelta(seconds=1)) is None
    assert known(row.available_at).low_f == 63


def test_a_report_without_a_temperature_is_no_fault(past):
    outcome = fetch(past, past.asos_line(NOON, remarks="TSNO", body="///////"))

    assert (outcome.rows, outcome.refused) == (0, 0)


@pytest.mark.parametrize(
    "line",
    [
        "NYC,2026-07-08 16:51,KLGA 081651Z AUTO 17/10 A3001 RMK AO2 T01720100",
        "NYC,2026-07-08 16:51,KNYC 081251Z AUTO 17/10 A3001 RMK AO2 T01720100",
        "NYC,2026-07-07 16:51,KNYC 071651Z AUTO 17/10 A3001 RMK AO2 T01720100",
        "NYC,2026-07-08 16:51,KNYC 081651Z AUTO 17/10 A3001 RMK AO2 T09990100",
        "NYC,2026-07-08 16:51,KNYC 081651Z AUTO 17/10 A3001 RMK AO2 T03720100",
        "NYC,2026-07-08 16:51,no report at all",
        "NYC,2026-07-08 16:51,KNYC 321651Z AUTO 17/10",
        "LGA,2026-07-08 16:51,KNYC 081651Z AUTO 17/10 A3001 RMK AO2 T01720100",
        "NYC,2026-07-08 16:51",
        "NYC,noon,KNYC 081651Z AUTO 17/10",
    ],
)
def test_a_report_that_cannot_be_is_refused_and_the_others_stay(past, line):
    outcome = fetch(past, line, past.asos_line(NOON + dt.timedelta(hours=2)))

    assert (outcome.rows, outcome.refused) == (1, 1)
    assert Observation.objects.get().observed_at == NOON + dt.timedelta(hours=2)
    assert Refusal.objects.get().source.code == IEM_ASOS


def test_reports_in_any_order_and_twice_are_stored_once(past):
    later = NOON + dt.timedelta(hours=1)
    lines = [past.asos_line(later), past.asos_line(NOON), past.asos_line(later)]
    outcome = fetch(past, *lines)

    assert (outcome.rows, outcome.refused) == (2, 0)


def test_of_two_reports_of_a_minute_that_contradict_the_first_counts(past):
    outcome = fetch(past, past.asos_line(NOON), past.asos_line(NOON, remarks="T01780100"))

    assert (outcome.rows, outcome.refused) == (1, 1)
    assert Observation.objects.get().temp_low_f == 63
    assert "contradict" in Refusal.objects.get().reason


def test_a_corrected_report_stands_beside_the_first(past):
    corrected = past.asos_line(NOON, remarks="T01780100", body="18/10").replace("AUTO", "COR")
    fetch(past, past.asos_line(NOON), corrected)

    assert sorted(Observation.objects.values_list("kind", flat=True)) == ["METAR", "METAR COR"]


def test_the_leap_day_is_a_day(past):
    (outcome,) = past.fetch(IEM_ASOS, since=dt.date(2024, 2, 29), until=dt.date(2024, 2, 29))

    assert outcome.rows == 24
    assert {row.observed_at.date() for row in Observation.objects.all()} == {
        dt.date(2024, 2, 29),
        dt.date(2024, 3, 1),
    }
