"""The yardstick that assumes least: what followed like forecasts of the weather service."""

from __future__ import annotations

import datetime as dt
import json
import math
import random
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from boz.core.errors import DataUnavailable, InvalidDataError
from prediction.constants import IDR_ENGINE
from prediction.domain.horizons import Horizon
from prediction.domain.recalibration.idr import fit_idr
from prediction.engines import get_engine
from prediction.engines.mixture import PRIOR_WEIGHTS
from prediction.engines.past import PastCase, PastForecast
from prediction.tests.engine_inputs import (
    DAY,
    DAY_END,
    cases,
    forecast,
    full_inputs,
    learned,
    night_before,
    past,
    scored,
)

IDR = get_engine(IDR_ENGINE)
DAYS = 300


def days(count=DAYS, *, horizon=Horizon.EVENING, sd=lambda high: 2.5, bias=0.0, seed=8):
    """Return days whose forecasts err by ``bias`` and a Gaussian that depends on the forecast."""
    rng = np.random.default_rng(seed)
    found = []
    for age in range(count, 0, -1):
        said = float(round(rng.uniform(40, 80)))
        observed = round(said - bias + rng.normal(0, sd(said)))
        source = PastForecast("nws-grid", said, 28.0)
        found.append(PastCase(DAY - dt.timedelta(days=age), horizon, (source,), observed))
    return tuple(found)


def learned_from(found):
    return {IDR_ENGINE: IDR.fit(past(cases=found))}


def said(parameters, high_f=60.0, source="nws-grid"):
    spoken = (forecast(source, high_f, 28),)
    return IDR.predict(night_before(forecasts=spoken, parameters=parameters))


def bits(answer):
    return answer.pmf.low_f, answer.pmf.probabilities.tobytes()


def test_nothing_is_learned_from_less_than_two_hundred_days():
    assert IDR.fit(past(cases=days(199))) is None
    assert len(IDR.fit(past(cases=days(200)))["pairs"]["evening"]) == 200


@pytest.mark.parametrize("parameters", [{IDR_ENGINE: {}}, {IDR_ENGINE: {"pairs": {}}}])
def test_without_enough_days_it_says_so(parameters):
    with pytest.raises(DataUnavailable, match="Fewer than 200 days of NY"):
        said(parameters)


def test_each_horizon_needs_days_of_its_own():
    fitted = learned_from((*days(250), *days(150, horizon=Horizon.MORNING)))

    assert list(fitted[IDR_ENGINE]["pairs"]) == ["evening"]
    assert said(fitted).n_train == 250
    with pytest.raises(DataUnavailable, match="horizon morning"):
        IDR.predict(full_inputs(parameters=fitted))


def test_the_afternoon_speaks_with_the_mornings_days():
    fitted = learned_from(days(horizon=Horizon.MORNING))
    morning = full_inputs(parameters=fitted)
    afternoon = replace(morning, as_of=DAY_END - dt.timedelta(hours=8), lead_hours=8)

    assert afternoon.horizon is Horizon.AFTERNOON
    assert bits(IDR.predict(afternoon)) == bits(IDR.predict(morning))


def test_bias_is_learned_without_being_told():
    answer = said(learned_from(days(700, bias=4.0)))

    assert answer.mean == pytest.approx(56.0, abs=1.0)
    assert answer.sd == pytest.approx(2.5, abs=1.0)
    assert (answer.n_train, answer.weight_present, answer.sources) == (700, 1.0, ("nws-grid",))


def test_belief_is_wider_where_errors_were_larger():
    fitted = learned_from(days(700, sd=lambda high: 1.0 if high < 60 else 6.0))

    assert said(fitted, 70.0).sd > 2.0 * said(fitted, 50.0).sd


def test_it_is_the_regression_of_the_pairs():
    fitted = learned_from(days())
    forecasts, highs = zip(*fitted[IDR_ENGINE]["pairs"]["evening"], strict=True)
    expected = fit_idr(forecasts, highs).predict(61.0)

    assert (said(fitted, 61.0).pmf.probabilities == expected.probabilities).all()


def test_no_degree_is_impossible_even_beyond_all_that_was_seen():
    answer = said(learned_from(days()), 110.0)

    assert (answer.pmf.probabilities > 0).all()
    assert abs(math.fsum(answer.pmf.probabilities) - 1) <= 1e-12


def test_order_of_the_past_changes_no_bit():
    known = (*days(), *days(250, horizon=Horizon.MORNING, seed=9))
    shuffled = list(known)
    random.Random(2).shuffle(shuffled)
    first, second = learned_from(known), learned_from(tuple(shuffled))

    assert json.dumps(first) == json.dumps(second)
    assert bits(said(first)) == bits(said(second)) == bits(said(first))


def test_what_was_learned_survives_storage_bit_for_bit():
    fitted = learned_from(days())
    stored = json.loads(json.dumps(fitted))

    assert stored == fitted
    assert bits(said(stored, 61.5)) == bits(said(fitted, 61.5))


def test_two_years_of_days_stay_small_in_storage():
    known = tuple(item for horizon in Horizon for item in days(730, horizon=horizon))
    fitted = learned_from(known)

    assert sum(len(pairs) for pairs in fitted[IDR_ENGINE]["pairs"].values()) == 3 * 730
    assert len(json.dumps(fitted)) < 40_000


def test_the_first_forecast_of_the_weather_service_counts():
    fitted = learned_from(days())
    pair = (forecast("nws-periods", 50.0, 28), forecast("nws-hourly", 61.0, 28))
    answer = IDR.predict(night_before(forecasts=pair, parameters=fitted))

    assert answer.sources == ("nws-hourly",)
    assert bits(answer) == bits(said(fitted, 61.0))
    assert bits(answer) == bits(said(fitted, 61.0, source="nws-periods"))


def test_the_past_is_read_in_the_same_order():
    hourly = PastForecast("nws-hourly", 10.0, 28.0)
    known = tuple(replace(item, forecasts=(*item.forecasts, hourly)) for item in days())
    without_grid = tuple(replace(item, forecasts=(hourly,)) for item in days())

    assert learned_from(known) == learned_from(days())
    assert {pair[0] for pair in IDR.fit(past(cases=without_grid))["pairs"]["evening"]} == {10.0}


def test_models_alone_teach_nothing_and_say_nothing():
    models = tuple(
        replace(item, forecasts=(PastForecast("gfs", item.forecasts[0].high_f, 28.0),))
        for item in days()
    )

    assert IDR.fit(past(cases=models)) is None
    with pytest.raises(DataUnavailable, match="No forecast of the weather service for NY"):
        said(learned_from(days()), source="gfs")


@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf, -200.0, 212.0])
def test_an_absurd_forecast_is_refused_or_passed_over(bad):
    fitted = learned_from(days())
    pair = (forecast("nws-grid", bad, 28), forecast("nws-hourly", 61.0, 28))
    answer = IDR.predict(night_before(forecasts=pair, parameters=fitted))

    assert answer.sources == ("nws-hourly",)
    assert any("no possible temperature" in item for item in answer.missing)
    with pytest.raises(InvalidDataError, match="no possible temperature"):
        said(fitted, bad)


@pytest.mark.parametrize("bad", [math.nan, math.inf, -200.0, 212.0])
def test_an_absurd_forecast_of_the_past_is_left_out(bad):
    first, *rest = days()
    broken = replace(first, forecasts=(replace(first.forecasts[0], high_f=bad),))

    assert learned_from((broken, *rest)) == learned_from(tuple(rest))


@pytest.mark.parametrize("observed", [-300, 212])
def test_an_impossible_official_high_is_refused(observed):
    first, *rest = days()

    with pytest.raises(InvalidDataError, match="no possible temperature"):
        learned_from((replace(first, observed_f=observed), *rest))


def test_a_day_that_is_not_over_is_never_learned_from():
    leaking = (*days(), replace(days()[-1], climate_day=DAY))

    with pytest.raises(InvalidDataError, match="cannot be known"):
        learned_from(leaking)


@pytest.mark.parametrize(
    "stored",
    [
        {"pairs": 3},
        {"pairs": []},
        {"pairs": {"evening": 3}},
        {"pairs": {"evening": []}},
        {"pairs": {"evening": [[60.0]] * 200}},
        {"pairs": {"evening": [["warm", 60]] * 200}},
        {"pairs": {"evening": [[60.0, None]] * 200}},
        {"pairs": {"evening": [[math.nan, 60]] * 200}},
        {"pairs": {"evening": [[60.0, 60.5]] * 200}},
    ],
)
def test_parameters_that_cannot_be_read_are_a_typed_error(stored):
    with pytest.raises(InvalidDataError):
        said({IDR_ENGINE: stored})


def test_the_blend_hears_it_and_gives_it_no_weight():
    known = full_inputs(parameters=learned())
    deaf = replace(known, parameters=learned())
    heard, alone = (get_engine("blend").predict(inputs) for inputs in (known, deaf))
    weights = {part.engine: part.weight for part in heard.parts}

    assert weights[IDR_ENGINE] == 0.0
    assert IDR_ENGINE not in {part.engine for part in alone.parts}
    assert bits(heard) == bits(alone)


def test_the_blend_learns_no_weight_for_it_however_good_it_was():
    losses = {**dict.fromkeys(PRIOR_WEIGHTS, 1.8), IDR_ENGINE: 0.2}
    fitted = get_engine("blend").fit(past(cases=cases(), scored=scored(120, crps=losses)))

    assert set(fitted["weights"]["morning"]) == set(PRIOR_WEIGHTS)


@settings(max_examples=30, deadline=None)
@given(
    highs=st.lists(st.integers(50, 70), min_size=4, max_size=4),
    first=st.floats(-80, 140),
    second=st.floats(-80, 140),
)
def test_a_higher_forecast_never_makes_a_colder_belief(highs, first, second):
    pairs = [[40.0 + index / 5, highs[index % len(highs)]] for index in range(200)]
    fitted = {IDR_ENGINE: {"pairs": {"evening": pairs}}}
    cold, warm = (said(fitted, high) for high in sorted((first, second)))

    assert cold.mean <= warm.mean + 1e-3
