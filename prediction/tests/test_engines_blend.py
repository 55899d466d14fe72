"""What the blend mixes, and what it learns to mix."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import ndtr

from boz.core.errors import DataUnavailable, InvalidDataError
from prediction.domain.horizons import Horizon
from prediction.engines import get_engine
from prediction.engines.base import ReachedMaximum
from prediction.engines.blend_fit import correction, engine_weights
from prediction.engines.market_pool import pool_with_market
from prediction.engines.mixture import PRIOR_WEIGHTS
from prediction.tests.engine_inputs import (
    DAY_AHEAD,
    FORECASTS,
    LADDER,
    cases,
    forecast,
    full_inputs,
    learned,
    night_before,
    past,
    scored,
    without_everything,
)

BLEND = get_engine("blend")
MORNING = Horizon.MORNING


def learned_from(*beliefs):
    return BLEND.fit(past(scored=tuple(item for group in beliefs for item in group)))


def test_parts_are_every_engine_that_spoke_with_its_weight():
    known = full_inputs(parameters=learned())
    parts = {part.engine: part.weight for part in BLEND.predict(known).parts}

    assert set(parts) == {*DAY_AHEAD, "idr", "climatology", "nowcast", "market"}
    assert math.fsum(parts.values()) == pytest.approx(1.0)
    assert {name for name, weight in parts.items() if weight > 0} == set(DAY_AHEAD)


def test_the_consensus_waits_with_the_raw_models_it_is_made_of():
    """Nothing is learned yet: models that run cold move the belief by nothing."""
    official = FORECASTS[2:]
    alone, crowded = (
        BLEND.predict(full_inputs(forecasts=forecasts))
        for forecasts in (official, (*official, forecast("ecmwf-ifs", 45.0)))
    )

    weights = {part.engine: part.weight for part in crowded.parts}
    assert crowded.mean == alone.mean
    assert weights["weighted_mean"] == 0.0
    assert math.fsum(weights.values()) == pytest.approx(1.0)


def test_the_belief_lies_between_those_it_is_mixed_from():
    belief = BLEND.predict(night_before(forecasts=FORECASTS[2:], as_of=full_inputs().as_of))
    means = [part.forecast.mean for part in belief.parts if part.weight > 0]

    assert min(means) <= belief.mean <= max(means)


def test_sleeping_engines_leave_their_weight_to_the_others():
    belief = BLEND.predict(night_before())
    parts = {part.engine: part.weight for part in belief.parts}

    assert "nbm_percentiles" not in parts
    assert parts["emos_slow"] == pytest.approx(0.40 / 0.64)
    assert any("states no spread" in item for item in belief.missing)


def test_without_a_forecast_the_belief_is_wider_and_says_what_is_missing():
    """A station of which only observations and highs are known."""
    ny = night_before()
    miami = replace(ny, station_code="MIA", forecasts=())

    with_forecast, without = (BLEND.predict(known) for known in (ny, miami))

    assert without.sd > with_forecast.sd
    assert without.weight_present == 0
    assert any("No forecast for MIA" in item for item in without.missing)


def test_observations_alone_are_enough():
    only = replace(without_everything(), reached=ReachedMaximum(low_f=70, hour_lst=14.0))
    belief = BLEND.predict(only)

    assert belief.pmf.cdf(69) == 0
    assert len(belief.missing) >= 2


def test_nothing_at_all_is_unavailable_with_every_reason():
    with pytest.raises(DataUnavailable, match="No observation of NY") as caught:
        BLEND.predict(without_everything())

    assert "No forecast for NY" in caught.value.message


def test_only_a_physically_dead_bracket_gets_zero():
    far_off = full_inputs(forecasts=(forecast("nws-grid", 20.0),), readings=())
    belief = BLEND.predict(far_off)

    assert belief.pmf.cdf(47) == 0
    assert min(belief.pmf.at(degree) for degree in range(48, 75)) > 1e-12
    before = BLEND.predict(replace(far_off, reached=None))
    assert before.pmf.at(55) > 1e-4


def test_an_absurd_running_maximum_is_refused():
    with pytest.raises(InvalidDataError):
        BLEND.predict(full_inputs(reached=ReachedMaximum(400, 12.0)))


def test_without_a_climatology_no_bracket_is_impossible_either():
    belief = BLEND.predict(night_before(official_highs=()))

    assert min(belief.pmf.ladder(LADDER)) > 1e-4
    assert min(belief.pmf.at(degree) for degree in range(25, 86)) > 1e-6
    assert any("official high" in item for item in belief.missing)


def test_the_engine_that_errs_less_gains_weight():
    losses = {"emos_slow": 1.8, "emos_fast": 1.8, "nbm_percentiles": 1.2, "weighted_mean": 1.8}
    fitted = learned_from(scored(200, crps=losses))

    weights = fitted["weights"]["morning"]
    assert weights["nbm_percentiles"] > 0.6
    assert math.fsum(weights.values()) == pytest.approx(1.0)
    parts = {
        p.engine: p.weight
        for p in BLEND.predict(full_inputs(parameters={**learned(), "blend": fitted})).parts
    }
    assert parts["nbm_percentiles"] == pytest.approx(weights["nbm_percentiles"])


def test_engines_that_differ_by_chance_keep_part_of_their_prior_weights():
    weights = learned_from(scored(120))["weights"]["morning"]

    assert all(weights[name] >= 0.32 * prior for name, prior in PRIOR_WEIGHTS.items())
    assert math.fsum(weights.values()) == pytest.approx(1.0)


def test_an_engine_that_hardly_ever_spoke_keeps_its_prior_weight():
    awake = {"emos_slow": 1.0, "emos_fast": 1.4, "weighted_mean": 1.4}
    nine = scored(9, crps={**awake, "nbm_percentiles": 9.0})
    weights = learned_from(scored(100, crps=awake), nine)["weights"]["morning"]

    assert weights["nbm_percentiles"] == PRIOR_WEIGHTS["nbm_percentiles"]
    assert weights["emos_slow"] > 0.5
    assert math.fsum(weights.values()) == pytest.approx(1.0)


def test_a_few_days_change_no_weight():
    assert learned_from(scored(9))["weights"]["morning"] == PRIOR_WEIGHTS


def test_weights_are_the_stations_own_and_exponents_those_of_all():
    better = {**dict.fromkeys(DAY_AHEAD, 1.8), "nbm_percentiles": 1.0}
    fitted = learned_from(scored(100, station="MIA", crps=better))

    assert fitted["weights"] == {}
    assert fitted["pool"]["morning"]["n_train"] == 100
    assert engine_weights(fitted, MORNING, list(DAY_AHEAD)) == pytest.approx(PRIOR_WEIGHTS)


def test_each_horizon_learns_on_its_own():
    better = {**dict.fromkeys(DAY_AHEAD, 1.8), "emos_fast": 1.0}
    fitted = learned_from(scored(80), scored(80, horizon=Horizon.EVENING, crps=better))

    assert fitted["weights"]["evening"]["emos_fast"] > fitted["weights"]["morning"]["emos_fast"]
    assert engine_weights(fitted, Horizon.EARLY, ["emos_slow"]) == {"emos_slow": 1.0}


@pytest.mark.parametrize(
    ("sure", "low", "high"), [(1.4, 1.2, 1.6), (0.75, 0.8, 0.93), (1.0, 0.9, 1.1)]
)
def test_the_spread_follows_the_ranks(sure, low, high):
    """``sure``: how much wider the truth scatters than was believed."""
    scatter = np.random.default_rng(2).normal(0, sure, 199)
    fitted = learned_from(scored(199, ranks=ndtr(scatter)))

    factor = correction(fitted, MORNING).spread_factor
    assert low <= factor <= high
    assert "beta" not in fitted["recalibration"]["morning"]
    assert correction(fitted, Horizon.AFTERNOON) == correction(fitted, MORNING)
    assert correction(fitted, Horizon.EVENING).spread_factor == 1.0
    plain, corrected = in_the_morning({}), in_the_morning(fitted)
    assert corrected.sd / plain.sd == pytest.approx(factor, rel=0.05)


def in_the_morning(learned, **changes):
    """Return the belief of a morning without reports, corrected as was learned."""
    known = {"blend": {"recalibration": learned["recalibration"]}} if learned else {}
    at = full_inputs().as_of
    return BLEND.predict(night_before(as_of=at, lead_hours=14, parameters=known, **changes))


def test_a_mixture_that_leans_is_straightened_from_two_hundred_days_on():
    """Highs fall one half of a spread above what was believed."""
    ranks = ndtr(np.random.default_rng(2).normal(0.5, 1.0, 200))
    early, fitted = (learned_from(scored(days, ranks=ranks)) for days in (199, 200))

    assert "beta" not in early["recalibration"]["morning"]
    assert fitted["recalibration"]["morning"]["beta"]["n_train"] == 200
    plain, straightened = in_the_morning(early), in_the_morning(fitted)
    assert 0.25 < (straightened.mean - plain.mean) / plain.sd < 0.6
    assert correction(fitted, Horizon.AFTERNOON) == correction(fitted, MORNING)


def test_a_correction_makes_no_bracket_impossible():
    """However narrow and leaning it is: climatology is mixed in after it."""
    harsh = {"spread_factor": 0.8, "n_train": 400, "beta": {"alpha": 3, "beta": 3, "n_train": 400}}
    belief = in_the_morning({"recalibration": {"morning": harsh}}, official_highs=())

    assert min(belief.pmf.ladder(LADDER)) > 1e-4
    assert min(belief.pmf.at(degree) for degree in range(25, 86)) > 1e-6


def test_few_days_or_days_without_a_mixture_correct_nothing():
    extremes = np.tile([0.01, 0.99], 100)

    assert learned_from(scored(59, ranks=extremes))["recalibration"] == {}
    assert learned_from(scored(200, mixture_rank=None))["recalibration"] == {}
    assert learned_from(scored(60, ranks=extremes))["recalibration"] != {}


def test_afternoon_ranks_say_nothing_about_forecasts():
    extremes = np.tile([0.01, 0.99], 100)
    fitted = learned_from(scored(200, horizon=Horizon.AFTERNOON, ranks=extremes))

    assert fitted["recalibration"] == {}


def test_a_market_that_is_right_keeps_its_exponent_and_ours_stays_small():
    pool = learned_from(scored(300))["pool"]["morning"]

    assert pool["market"] == pytest.approx(1.0, abs=0.2)
    assert pool["model"] == pytest.approx(0.0, abs=0.15)


def test_days_without_a_market_teach_no_exponents():
    fitted = learned_from(scored(100, market=None))

    assert (fitted["pool"]["morning"]["model"], fitted["pool"]["morning"]["market"]) == (0.0, 1.0)


def test_the_order_of_what_was_scored_does_not_matter():
    beliefs = (*scored(90), *scored(90, station="MIA", seed=9))

    assert BLEND.fit(past(scored=beliefs)) == BLEND.fit(past(scored=beliefs[::-1]))


@settings(max_examples=30, deadline=None)
@given(
    awake=st.sets(st.sampled_from(DAY_AHEAD), min_size=1),
    weights=st.dictionaries(st.sampled_from(DAY_AHEAD), st.floats(0, 1)),
)
def test_weights_in_force_always_add_up_to_one(awake, weights):
    names = sorted(awake)
    found = engine_weights({"weights": {"morning": weights}}, MORNING, names)

    assert list(found) == names
    assert math.fsum(found.values()) == pytest.approx(1.0)
    assert min(found.values()) >= 0


def test_a_partial_report_only_cuts_and_says_nothing_of_the_hour():
    known = full_inputs(reached=ReachedMaximum(low_f=50, hour_lst=None), readings=())
    late = full_inputs(reached=ReachedMaximum(low_f=50, hour_lst=17.0), readings=())

    cut, risen = (BLEND.predict(inputs) for inputs in (known, late))

    assert cut.pmf.cdf(49) == risen.pmf.cdf(49) == 0
    assert risen.mean < cut.mean


def test_groups_over_the_afternoon_make_the_reached_maximum_nearly_sure():
    hourly = ReachedMaximum(low_f=52, hour_lst=18.88, estimate_f=52)
    complete = replace(hourly, evening_group_included=True)

    unsure, sure = (
        BLEND.predict(full_inputs(reached=reached, readings=())).pmf.at(52)
        for reached in (hourly, complete)
    )

    assert sure > 0.8
    assert sure > unsure + 0.1


def test_both_meanings_of_an_inexact_maximum_stay_possible():
    """A whole degree Celsius is 52 or 53 °F."""
    inexact = ReachedMaximum(52, 20.0, estimate_f=53, evening_group_included=True)
    pmf = BLEND.predict(full_inputs(reached=inexact, readings=())).pmf

    assert pmf.at(51) == 0
    assert min(pmf.at(52), pmf.at(53)) > 0.2


def test_a_silent_service_of_many_models_widens_no_more_than_a_few_sources_would():
    models = ("aifs-ens", "ecmwf-aifs", "ecmwf-ens", "ecmwf-ifs", "gefs", "gem", "gfs", "icon")
    biases = {"nbm-nbp": 0.0, "nws-grid": 0.0, **dict.fromkeys(models, -1.0)}
    fitted = {
        name: get_engine(name).fit(past(cases=cases(100, biases=biases)))
        for name in ("emos_slow", "emos_fast")
    }
    everyone = tuple(forecast(name, 55.0 + bias, 28) for name, bias in biases.items())
    whole = night_before(forecasts=everyone, parameters=fitted)
    deserted = replace(whole, forecasts=everyone[:2], stale=models)

    before, after = (BLEND.predict(known) for known in (whole, deserted))

    assert before.sd < after.sd < 1.3 * before.sd


@pytest.mark.parametrize(
    "stored",
    [
        {"weights": {"morning": 3}},
        {"weights": {"morning": {"emos_slow": "much"}}},
        {"recalibration": {"morning": {}}},
        {"recalibration": {"morning": {"spread_factor": 1.0, "n_train": 9, "beta": {}}}},
        {"recalibration": {"morning": {"spread_factor": 1.0, "n_train": 9, "beta": 3}}},
        {"recalibration": []},
    ],
)
def test_parameters_that_cannot_be_read_are_a_typed_error(stored):
    with pytest.raises(InvalidDataError, match="cannot be read"):
        BLEND.predict(full_inputs(parameters={"blend": stored}))


@pytest.mark.parametrize("stored", [{"pool": {"morning": {}}}, {"pool": 3}])
def test_exponents_that_cannot_be_read_are_a_typed_error(stored):
    known = full_inputs(parameters={"blend": stored})

    with pytest.raises(InvalidDataError, match="cannot be read"):
        pool_with_market(BLEND.predict(known), known)
