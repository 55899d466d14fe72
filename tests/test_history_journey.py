"""A new installation learns from the past on its first day, against a local world."""

from __future__ import annotations

import datetime as dt
import io
import json

import pytest
from django.core.management import call_command

from boz.core.clock import format_utc
from boz.sandbox.environment import inside_of
from boz.sandbox.scenarios import INVENTED_NOW
from boz.sandbox.server import SandboxServer
from boz.sandbox.world import open_world
from prediction.constants import EMOS_SLOW_ENGINE
from prediction.models import EngineFit
from prediction.services.predict import predict
from weather.models import ClimateReport, Forecast, Observation, Station

pytestmark = [pytest.mark.django_db, pytest.mark.slow]

DAYS = 40


@pytest.fixture
def new_york_in_an_invented_world(monkeypatch):
    monkeypatch.setattr("boz.core.http.BACKOFF_CAP_SECONDS", 0.0)
    monkeypatch.setattr("weather.management.commands.fetch_history.utc_now", lambda: INVENTED_NOW)
    Station.objects.exclude(code="NY").update(is_active=False)
    with SandboxServer(open_world(scenario="every_source")) as server, inside_of(server.describe()):
        yield Station.objects.get(code="NY")


def command(name: str, *arguments: str) -> dict:
    out = io.StringIO()
    call_command(name, *arguments, "--json", stdout=out)
    return json.loads(out.getvalue().strip().splitlines()[-1])


def test_what_was_fetched_of_the_past_is_learned_from_and_fetched_once(
    new_york_in_an_invented_world,
):
    since = (INVENTED_NOW - dt.timedelta(days=DAYS)).date().isoformat()
    now = format_utc(INVENTED_NOW)

    command("fetch_history", "--since", since)
    rows = [model.objects.count() for model in (ClimateReport, Forecast, Observation)]
    command("fetch_history", "--since", since)
    command("run_agent", "fit", "--once", "--as-of", now)
    command("run_agent", "weather", "--once", "--as-of", now)
    station = new_york_in_an_invented_world
    today = station.climate_day(INVENTED_NOW)
    belief = predict(station=station, climate_day=today, as_of=INVENTED_NOW)

    assert all(count > DAYS / 2 for count in rows)
    fit = EngineFit.objects.get(station__code="NY", engine=EMOS_SLOW_ENGINE)
    learned = fit.parameters["models"]["morning"]["sources"]
    assert {"gfs", "ecmwf-ifs", "icon", "nbm-nbs"} <= set(learned)
    assert {"gfs", "nws-grid"} <= set(belief.sources)


def test_a_second_fetch_brings_nothing_new(new_york_in_an_invented_world):
    since = (INVENTED_NOW - dt.timedelta(days=DAYS)).date().isoformat()

    first = command("fetch_history", "--since", since)
    before = Forecast.objects.count(), Observation.objects.count()
    command("fetch_history", "--since", since)

    assert first
    assert (Forecast.objects.count(), Observation.objects.count()) == before
