from __future__ import annotations

import datetime as dt

import pytest

from boz.core.agents import all_agents, run_agent
from boz.core.models import JobRun
from weather.models import ForecastSource

NOW = dt.datetime(2026, 7, 9, 20, tzinfo=dt.UTC)


def test_the_weather_agents_are_registered():
    names = [agent.name for agent in all_agents()]
    assert {"forecasts", "observations", "reports", "weather"} <= set(names)


@pytest.mark.django_db
def test_a_run_without_any_service_ends_with_reasons_instead_of_a_crash(settings, monkeypatch):
    monkeypatch.setattr("boz.core.http.BACKOFF_CAP_SECONDS", 0.0)
    for service in ("NWS", "AVIATIONWEATHER", "IEM", "WEATHER_COMPANY"):
        setattr(settings, f"{service}_RATE_LIMIT_PER_SECOND", 9999.0)
    run = run_agent("weather", now=NOW)
    assert run.status == JobRun.Status.OK
    assert run.skipped
    assert all("reason" in item for item in run.skipped)
    asked = ForecastSource.objects.filter(last_attempt_at=NOW)
    assert set(asked.values_list("code", flat=True)) >= {
        "nws-grid",
        "nws-cli",
        "nws-observations",
        "aviationweather",
        "dsm",
        "weather-company",
    }
    assert set(asked.values_list("status", flat=True)) == {ForecastSource.Status.DEGRADED}
