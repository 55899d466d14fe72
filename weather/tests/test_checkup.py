from __future__ import annotations

import datetime as dt

import pytest

from boz.core.services.doctor import examine
from weather.models import ForecastSource, Station
from weather.tests.factories import ForecastFactory, ObservationFactory, real_station

pytestmark = pytest.mark.django_db

NOW = dt.datetime(2024, 11, 21, 12, tzinfo=dt.UTC)
MINUTE = dt.timedelta(minutes=1)


def have(code: str, **values) -> None:
    ForecastSource.objects.filter(code=code).update(**values)


def findings() -> dict:
    found = {finding.name: finding for finding in examine(now=NOW, offline=True)}
    return {name: item for name, item in found.items() if name.startswith("source")}


def test_sources_that_work_are_one_good_finding():
    ForecastSource.objects.update(status="ok")

    (name, finding), *others = findings().items()

    assert (name, others) == ("sources", [])
    assert finding.ok
    assert "never asked" not in finding.detail


def test_a_source_that_is_down_is_told_with_reason_and_next_step():
    ForecastSource.objects.update(status="ok")
    have(
        "gfs",
        status="down",
        status_reason="No good answer in 3 run(s) in a row.",
        last_error="NY: The host did not answer.",
        paused_until=NOW + 5 * MINUTE,
    )

    finding = findings()["source gfs"]

    assert not finding.ok
    assert not finding.required
    assert "No good answer in 3 run(s)" in finding.detail
    assert "The host did not answer." in finding.detail
    assert "paused until 2024-11-21 12:05 UTC" in finding.detail
    assert "Ask again now" in finding.next_step


def test_a_pause_that_is_over_is_no_finding():
    ForecastSource.objects.update(status="ok")
    have("gfs", status="degraded", paused_until=NOW)
    have("icon", status="degraded", paused_until=NOW + MINUTE)

    found = findings()

    assert set(found) == {"source icon", "sources"}
    assert "degraded: gfs" in found["sources"].detail


def test_a_source_that_is_switched_off_or_never_polled_is_nobodys_worry():
    ForecastSource.objects.update(status="ok")
    have("gfs", status="down", is_active=False)
    have("manual", status="unknown")

    (finding,) = findings().values()

    assert "never asked" not in finding.detail


def test_a_station_without_fresh_word_is_told_with_the_next_step():
    Station.objects.exclude(code="NY").update(is_active=False)

    (finding,) = (item for item in examine(now=NOW, offline=True) if item.name == "station NY")

    assert not finding.ok
    assert "There is no forecast for New York" in finding.detail
    assert "has reported nothing" in finding.detail
    assert "run_agent weather" in finding.next_step


def test_a_station_with_fresh_word_is_no_finding():
    Station.objects.exclude(code="NY").update(is_active=False)
    station = real_station("NY")
    ForecastFactory(
        station=station, climate_day=station.climate_day(NOW), available_at=NOW - MINUTE
    )
    ObservationFactory(station=station, observed_at=NOW - 9 * MINUTE)

    assert not [item for item in examine(now=NOW, offline=True) if item.name == "station NY"]
