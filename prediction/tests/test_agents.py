from __future__ import annotations

import datetime as dt

import pytest

from boz.core.agents import run_agent
from boz.core.models import JobRun
from markets.tests.factories import EventFactory, make_ladder
from prediction.models import EngineFit, Prediction
from prediction.services import fit as fit_service
from prediction.tests.factories import DAY, EVENING_BEFORE, EngineFitFactory, make_history
from weather.models import Station
from weather.tests.factories import ForecastFactory, real_station

pytestmark = pytest.mark.django_db

ONE_DAY = dt.timedelta(days=1)


def test_the_agents_fit_and_predict_under_their_names():
    station = make_history()
    ForecastFactory(station=station, climate_day=DAY)
    make_ladder(event=EventFactory(climate_day=DAY))

    runs = [run_agent(name, now=EVENING_BEFORE) for name in ("fit", "predict")]

    assert [run.status for run in runs] == [JobRun.Status.OK, JobRun.Status.OK]
    assert runs[0].done == {"fitted": 1, "dropped_beliefs": 0}
    assert runs[1].done == {"predicted": 1, "new": 1, "unchanged": 0}
    learned = dict(EngineFit.objects.values_list("engine", "version"))
    assert Prediction.objects.get().fits == learned != {}


def test_the_station_fitted_longest_ago_comes_first(monkeypatch):
    asked = []

    def fit_station(*, station, as_of, scored):
        asked.append(station.code)

    monkeypatch.setattr(fit_service, "fit_station", fit_station)
    EngineFitFactory(station=real_station("AUS"), as_of=EVENING_BEFORE - ONE_DAY)
    EngineFitFactory(station=real_station("AUS"), as_of=EVENING_BEFORE - 9 * ONE_DAY)
    EngineFitFactory(station=real_station("NY"), as_of=EVENING_BEFORE - 2 * ONE_DAY)

    run_agent("fit", now=EVENING_BEFORE)

    codes = set(Station.objects.filter(is_active=True).values_list("code", flat=True))
    assert asked == [*sorted(codes - {"AUS", "NY"}), "NY", "AUS"]
