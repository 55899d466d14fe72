from __future__ import annotations

import copy
import datetime as dt
import json
from unittest.mock import patch

import httpx
import pytest

from weather import selectors
from weather.clients.nws import NwsClient
from weather.models import ForecastSource, Observation, Payload, Refusal, SourceContact, Station
from weather.services.intake import take_in
from weather.services.nws_observations import NwsObservations
from weather.tests.factories import ClimateReportFactory, real_station
from weather.tests.outside import PAYLOADS, World

pytestmark = pytest.mark.django_db

UTC = dt.UTC
NOW = dt.datetime(2026, 9, 4, 2, 30, tzinfo=UTC)
SECOND = dt.timedelta(seconds=1)
DAY = dt.date(2026, 9, 3)
PATH = "/stations/KMDW/observations"


@pytest.fixture
def chicago():
    Station.objects.exclude(code="CHI").update(is_active=False)
    return real_station("CHI")


@pytest.fixture
def recorded():
    return json.loads((PAYLOADS / "nws_observations_kmdw_20260904.json").read_text())


def take(world: World, *, now: dt.datetime = NOW):
    with patch.object(NwsClient, "from_settings", world.nws):
        return take_in([NwsObservations(now=now)])


def health() -> ForecastSource:
    return ForecastSource.objects.get(code="nws-observations")


def row(at: str, celsius: float | None, *, raw: str = "", quality: str = "V", icao: str = "KMDW"):
    moment = f"2026-09-04T{at}:00+00:00"
    return {
        "id": f"https://api.weather.gov/stations/{icao}/observations/{moment}",
        "properties": {
            "station": f"https://api.weather.gov/stations/{icao}",
            "timestamp": moment,
            "rawMessage": raw,
            "temperature": {
                "unitCode": "wmoUnit:degC",
                "value": celsius,
                "qualityControl": quality,
            },
        },
    }


def page(*rows):
    return {"type": "FeatureCollection", "features": list(rows)}


def test_recorded_rows_become_intervals_and_the_report_an_exact_value(chicago, recorded):
    world = World()
    world.answers[PATH] = recorded
    assert take(world).done["observations"] == 5
    rows = Observation.objects.order_by("observed_at")
    assert [
        (item.observed_at.strftime("%H:%M"), item.kind, item.temp_low_f, item.temp_high_f)
        for item in rows
    ] == [
        ("01:53", "METAR", 85, 85),
        ("01:55", "5-MINUTE", 84, 85),
        ("02:00", "5-MINUTE", 86, 86),
        ("02:05", "5-MINUTE", 84, 85),
        ("02:20", "5-MINUTE", 86, 86),
    ]
    assert {item.available_at for item in rows} == {NOW}
    assert health().status == ForecastSource.Status.OK


def test_rows_are_stored_once_though_every_poll_reads_three_hours_again(chicago, recorded):
    world = World()
    asked = []

    def answer(request):
        asked.append(dict(request.url.params))
        return httpx.Response(200, json=recorded)

    world.handle = answer
    first = take(world)
    again = take(world, now=NOW + dt.timedelta(minutes=5))
    assert (first.done["observations"], again.done["observations"]) == (5, 0)
    assert asked[0]["start"] == "2026-09-03T23:30:00Z"
    assert set(asked[0]) == {"start", "limit"}


def test_duplicated_rows_in_any_order_are_kept_once(chicago, recorded):
    jumbled = copy.deepcopy(recorded)
    jumbled["features"] = jumbled["features"][::-1] + jumbled["features"]
    world = World()
    world.answers[PATH] = jumbled
    assert take(world).done["observations"] == 5
    assert Observation.objects.count() == 5


def test_a_value_that_is_filled_in_later_gets_in_and_is_known_from_then(chicago):
    world = World()
    world.answers[PATH] = page(row("02:20", None, quality="Z"), row("02:15", 29))
    assert take(world).done["observations"] == 1
    assert health().null_share == 0.5
    world.answers[PATH] = page(row("02:20", 32), row("02:15", 29))
    later = NOW + dt.timedelta(minutes=5)
    assert take(world, now=later).done["observations"] == 1

    def seen(as_of):
        return selectors.running_maximum(station=chicago, climate_day=DAY, as_of=as_of)

    assert seen(NOW - SECOND) is None
    assert seen(NOW).high_f == seen(later - SECOND).high_f == 85
    assert seen(later).high_f == 90


def test_a_report_that_follows_a_five_minute_row_of_its_minute_is_kept_beside_it(chicago):
    world = World()
    world.answers[PATH] = page(row("01:53", 29))
    take(world)
    raw = "KMDW 040153Z 15005KT 10SM CLR 29/23 A2993 RMK AO2 SLP121 T02940228 $"
    world.answers[PATH] = page(row("01:53", 29.4, raw=raw))
    take(world, now=NOW + dt.timedelta(minutes=5))
    found = selectors.running_maximum(
        station=chicago, climate_day=DAY, as_of=NOW + dt.timedelta(minutes=5)
    )
    assert (found.low_f, found.high_f) == (85, 85)


def test_a_value_that_fails_the_quality_control_is_refused_without_blaming_the_service(chicago):
    world = World()
    world.answers[PATH] = page(row("02:20", 45, quality="X"), row("02:15", 29), row("02:10", 29))
    result = take(world)
    assert result.done["observations"] == 2
    (skipped,) = result.skipped
    assert skipped.subject == "CHI 2026-09-04 02:20Z"
    assert "failed the quality control" in skipped.reason
    assert health().status == ForecastSource.Status.OK
    assert health().null_share == pytest.approx(1 / 3)
    take(world, now=NOW + dt.timedelta(minutes=5))
    refusal = Refusal.objects.get()
    assert (refusal.station, refusal.times) == (chicago, 1)
    assert refusal.payload is not None


def test_a_stored_value_that_fails_the_quality_control_later_no_longer_counts(chicago):
    world = World()
    world.answers[PATH] = page(row("02:20", 45, quality="Z"), row("02:15", 29))
    take(world)
    world.answers[PATH] = page(row("02:20", 45, quality="X"), row("02:15", 29))
    later = NOW + dt.timedelta(minutes=5)
    assert take(world, now=later).done["withdrawn"] == 1

    def low(as_of):
        return selectors.running_maximum(station=chicago, climate_day=DAY, as_of=as_of).low_f

    assert low(later - SECOND) == 112
    assert low(later) == 83
    withdrawn = Observation.objects.get(withdrawn_at=later)
    assert "failed the quality control" in withdrawn.withdrawn_because
    assert "withdrawn" not in take(world, now=later + dt.timedelta(minutes=5)).done


def test_a_rejected_row_of_another_station_withdraws_nothing(chicago):
    world = World()
    world.answers[PATH] = page(row("02:20", 29))
    take(world)
    world.answers[PATH] = page(row("02:20", 29, quality="X", icao="KORD"))
    result = take(world, now=NOW + dt.timedelta(minutes=5))
    assert "one of KORD" in result.skipped[0].reason
    assert not Observation.objects.filter(withdrawn_at__isnull=False).exists()


@pytest.mark.parametrize(
    ("bad", "why"),
    [
        (row("02:20", 29, icao="KORD"), "one of KORD"),
        (row("02:20", 84), "cannot be true"),
        (row("02:20", -99), "cannot be true"),
        (row("02:20", 29.1234), "how it was rounded"),
        (row("02:20", 29, quality="?"), "quality code is unknown"),
        (row("02:20", 20, raw="KMDW 040220Z 29/23"), "different temperatures"),
        (row("02:20", 29, raw="KORD 040220Z 29/23"), "report of KORD"),
        (row("02:50", 29), "future"),
        ({"id": "x", "properties": {"temperature": {"value": 29}}}, "timestamp"),
        ({"id": "x", "properties": row("02:20", None)["properties"] | {"timestamp": "x"}}, "time"),
        (None, "cannot be used"),
    ],
)
def test_a_bad_row_is_left_out_with_its_reason_and_the_others_stay(chicago, bad, why):
    world = World()
    world.answers[PATH] = page(bad, row("02:15", 29))
    result = take(world)
    assert result.done["observations"] == 1
    assert [why in item.reason for item in result.skipped] == [True]
    assert Refusal.objects.get().payload == Payload.objects.get()


def test_fahrenheit_named_as_such_is_refused_instead_of_read_as_celsius(chicago):
    bad = row("02:20", 29)
    bad["properties"]["temperature"]["unitCode"] = "wmoUnit:degF"
    world = World()
    world.answers[PATH] = page(bad)
    assert "not in °C" in take(world).skipped[0].reason
    assert not Observation.objects.exists()


def test_fahrenheit_sent_as_celsius_is_refused_beside_recent_highs(chicago):
    ClimateReportFactory(station=chicago, climate_day=dt.date(2026, 9, 2), max_f=52)
    world = World()
    # 50 °F would be read as 122 °F and prove a high that nobody had.
    world.answers[PATH] = page(row("02:20", 50), row("02:15", 10))
    result = take(world)
    assert "degrees Fahrenheit given as Celsius" in result.skipped[0].reason
    found = selectors.running_maximum(station=chicago, climate_day=DAY, as_of=NOW)
    assert (found.low_f, found.high_f) == (49, 50)


def test_a_cold_night_after_a_hot_day_is_no_mixup(chicago):
    ClimateReportFactory(station=chicago, climate_day=dt.date(2026, 9, 2), max_f=86)
    world = World()
    world.answers[PATH] = page(row("02:20", 0))
    assert take(world).skipped == []
    assert Observation.objects.get().temp_low_f == 32


def test_a_bad_row_degrades_the_source_only_while_it_is_news(chicago):
    world = World()
    world.answers[PATH] = page(row("02:20", 84), row("02:15", 29))
    take(world)
    assert health().status == ForecastSource.Status.DEGRADED
    result = take(world, now=NOW + dt.timedelta(minutes=5))
    assert result.skipped
    assert health().status == ForecastSource.Status.OK


@pytest.mark.parametrize("features", [[], None])
def test_no_row_at_all_is_an_answer(chicago, features):
    world = World()
    world.answers[PATH] = {"features": features}
    result = take(world)
    assert (result.done["observations"], result.skipped) == (0, [])
    assert SourceContact.objects.get().answered == ["CHI"]


@pytest.mark.parametrize(
    "answer",
    [
        httpx.Response(429),
        httpx.Response(500, json={"status": 500}),
        httpx.Response(503),
        httpx.Response(200, html="<html>busy</html>"),
        httpx.Response(200, content=b'{"features": [{"id"', headers={"content-type": "text/json"}),
        httpx.Response(200, json={"title": "no features"}),
        httpx.Response(200, json={"features": "many"}),
        httpx.ConnectError("refused"),
    ],
)
def test_an_answer_that_is_none_keeps_earlier_rows_and_shows_in_health(chicago, recorded, answer):
    world = World()
    world.answers[PATH] = recorded
    take(world)
    world.answers[PATH] = answer
    result = take(world, now=NOW + dt.timedelta(minutes=5))
    assert [item.subject for item in result.skipped] == ["CHI"]
    assert Observation.objects.count() == 5
    assert health().status == ForecastSource.Status.DEGRADED
    assert health().last_error


def test_mostly_missing_values_degrade_the_source(chicago):
    world = World()
    world.answers[PATH] = page(
        row("02:20", None), row("02:15", None), row("02:10", None), row("02:05", 29)
    )
    take(world)
    assert health().status == ForecastSource.Status.DEGRADED
    assert "3 of 4 values were missing" in health().status_reason


def test_one_station_that_is_unknown_there_leaves_the_others_alone():
    Station.objects.exclude(code__in=("CHI", "NY")).update(is_active=False)
    world = World()
    world.answers[PATH] = page(row("02:15", 29))
    result = take(world)
    assert result.done["observations"] == 1
    assert [item.subject for item in result.skipped] == ["NY"]


def test_february_29_is_a_day_like_any_other(chicago):
    world = World()
    moment = "2028-02-29T18:53:00+00:00"
    body = row("00:00", 10.0, raw="METAR KMDW 291853Z AUTO 10SM 10/02 RMK AO2 T01000020")
    body["id"] = f"https://api.weather.gov/stations/KMDW/observations/{moment}"
    body["properties"]["timestamp"] = moment
    world.answers[PATH] = page(body)
    now = dt.datetime(2028, 2, 29, 19, tzinfo=UTC)
    assert take(world, now=now).done["observations"] == 1
    found = selectors.running_maximum(station=chicago, climate_day=dt.date(2028, 2, 29), as_of=now)
    assert found.low_f == 50


@pytest.mark.parametrize(
    ("last_minute", "day"),
    [
        # Both clock changes: standard midnight in Chicago is 06:00Z on either side.
        ("2026-03-08T05:55:00+00:00", dt.date(2026, 3, 7)),
        ("2026-03-09T05:55:00+00:00", dt.date(2026, 3, 8)),
        ("2026-11-01T05:55:00+00:00", dt.date(2026, 10, 31)),
        ("2026-11-02T05:55:00+00:00", dt.date(2026, 11, 1)),
    ],
)
def test_the_day_ends_at_standard_midnight_whatever_the_clocks_do(chicago, last_minute, day):
    world = World()
    first_minute = dt.datetime.fromisoformat(last_minute) + dt.timedelta(minutes=5)
    bodies = [row("00:00", 30), row("00:00", 10)]
    for body, moment in zip(bodies, (last_minute, first_minute.isoformat()), strict=True):
        body["id"] = f"https://api.weather.gov/stations/KMDW/observations/{moment}"
        body["properties"]["timestamp"] = moment
    world.answers[PATH] = page(*bodies)
    now = first_minute + dt.timedelta(minutes=10)
    take(world, now=now)

    def low(of):
        return selectors.running_maximum(station=chicago, climate_day=of, as_of=now).low_f

    assert (low(day), low(day + dt.timedelta(days=1))) == (85, 49)
