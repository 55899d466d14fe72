from __future__ import annotations

import pytest

from boz.core.agents import run_agent
from boz.core.models import JobRun
from markets.tests.factories import EventFactory, make_ladder
from prediction.models import EngineFit, Prediction
from prediction.tests.factories import DAY, EVENING_BEFORE, make_history
from weather.tests.factories import ForecastFactory

pytestmark = pytest.mark.django_db


def test_the_agents_fit_and_predict_under_their_names():
    station = make_history()
    ForecastFactory(station=station, climate_day=DAY)
    make_ladder(event=EventFactory(climate_day=DAY))

    runs = [run_agent(name, now=EVENING_BEFORE) for name in ("fit", "predict")]

    assert [run.status for run in runs] == [JobRun.Status.OK, JobRun.Status.OK]
    assert runs[0].done == {"fitted": 1}
    assert runs[1].done == {"predicted": 1, "new": 1, "unchanged": 0}
    learned = dict(EngineFit.objects.values_list("engine", "version"))
    assert Prediction.objects.get().fits == learned != {}
