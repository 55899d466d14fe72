from __future__ import annotations

import datetime as dt

import pytest

from boz.core.agents import run_agent
from prediction.models import EngineBelief, Prediction
from prediction.services.unscored import WAIT_FOR_SETTLEMENT, drop_unscored_beliefs
from prediction.tests.factories import (
    DAY,
    EVENING_BEFORE,
    EngineBeliefFactory,
    PredictionFactory,
    VerificationFactory,
)

pytestmark = pytest.mark.django_db

LONG_AGO = DAY - WAIT_FOR_SETTLEMENT - dt.timedelta(days=2)


def test_beliefs_of_days_never_settled_go_and_their_predictions_stay():
    never_settled = EngineBeliefFactory(prediction=PredictionFactory(climate_day=LONG_AGO))
    waiting = EngineBeliefFactory(prediction=PredictionFactory(climate_day=DAY))

    assert drop_unscored_beliefs(now=EVENING_BEFORE) == 1

    assert list(EngineBelief.objects.all()) == [waiting]
    assert Prediction.objects.filter(pk=never_settled.prediction_id).exists()


def test_scored_beliefs_stay_since_a_value_may_be_corrected():
    scored = EngineBeliefFactory(prediction=PredictionFactory(climate_day=LONG_AGO))
    VerificationFactory(prediction=scored.prediction)

    assert drop_unscored_beliefs(now=EVENING_BEFORE) == 0


def test_the_nightly_agent_drops_them():
    EngineBeliefFactory(prediction=PredictionFactory(climate_day=LONG_AGO))

    assert run_agent("fit", now=EVENING_BEFORE).done["dropped_beliefs"] == 1
