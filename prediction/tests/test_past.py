"""What the blend is told of the mixtures it was made from."""

from __future__ import annotations

import datetime as dt

import pytest

from markets.tests.factories import EventFactory, make_ladder
from prediction.constants import PRIMARY_ENGINE
from prediction.domain.horizons import Horizon
from prediction.services.past import scored_beliefs
from prediction.tests.factories import DAY, PredictionFactory, VerificationFactory

pytestmark = pytest.mark.django_db

LATER = dt.datetime(2024, 11, 25, tzinfo=dt.UTC)


def scored_belief(champion=PRIMARY_ENGINE, **blend_row):
    event = EventFactory(climate_day=DAY)
    make_ladder(event=event)
    made = PredictionFactory(made_at=Horizon.MORNING, engine=champion)
    for engine in {champion, PRIMARY_ENGINE}:
        fields = blend_row if engine == PRIMARY_ENGINE else {}
        VerificationFactory(event=event, prediction=made, engine=engine, **fields)
    return scored_beliefs(as_of=LATER)[0]


@pytest.mark.parametrize("champion", [PRIMARY_ENGINE, "emos_slow"])
def test_a_belief_carries_the_rank_in_what_the_blend_mixed(champion):
    """Also where another engine is believed: the blend goes on learning beside it."""
    belief = scored_belief(champion, mixture_below=0.0, mixture_upto=0.25)

    assert belief.mixture_rank == (0.0, 0.25)


def test_a_score_from_before_ranks_were_kept_has_none():
    assert scored_belief().mixture_rank is None
