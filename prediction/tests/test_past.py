"""What the blend is told of the spread of its earlier beliefs."""

from __future__ import annotations

import datetime as dt

import pytest

from markets.tests.factories import EventFactory, make_ladder
from prediction.constants import PRIMARY_ENGINE
from prediction.domain.horizons import Horizon
from prediction.services.past import scored_beliefs
from prediction.tests.factories import (
    DAY,
    EVENING_BEFORE,
    EngineFitFactory,
    PredictionFactory,
    VerificationFactory,
)

pytestmark = pytest.mark.django_db

LATER = dt.datetime(2024, 11, 25, tzinfo=dt.UTC)


def scored_belief(**prediction):
    event = EventFactory(climate_day=DAY)
    make_ladder(event=event)
    made = PredictionFactory(made_at=Horizon.MORNING, **prediction)
    VerificationFactory(event=event, prediction=made)
    return scored_beliefs(as_of=LATER)[0]


@pytest.mark.parametrize(("used", "factor"), [(7, 1.3), (6, 1.0), (None, 1.0)])
def test_a_belief_carries_the_factor_of_the_fit_it_was_made_with(used, factor):
    EngineFitFactory(
        engine=PRIMARY_ENGINE,
        version=7,
        parameters={"recalibration": {"morning": {"spread_factor": 1.3, "n_train": 80}}},
    )
    EngineFitFactory(
        engine=PRIMARY_ENGINE,
        version=6,
        as_of=EVENING_BEFORE - dt.timedelta(days=1),
        parameters={"weights": {}},
    )

    belief = scored_belief(fits={} if used is None else {PRIMARY_ENGINE: used})

    assert belief.spread_factor == factor
    assert belief.engine == PRIMARY_ENGINE


def test_a_belief_of_another_champion_says_whose_it_was():
    assert scored_belief(engine="emos_slow").engine == "emos_slow"
