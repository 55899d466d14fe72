from __future__ import annotations

import json
import random
from dataclasses import replace

import numpy as np
import pytest

from boz.core.errors import DataUnavailable, InvalidDataError
from prediction.domain.chained_ridge import (
    ChainPenalty,
    Rows,
    chained_least_squares,
    chained_logistic,
    solve_chain,
)
from prediction.domain.remaining_rise import rise_pmf
from prediction.domain.rise_fit import fit_rise_model, fit_station_effect, state_at
from prediction.domain.scores import crps_pmf
from prediction.priors.remaining_rise import shipped_rise_model
from prediction.tests.day_readings import past_days


@pytest.fixture(scope="module")
def days():
    return past_days(60)


@pytest.fixture(scope="module")
def fitted(days):
    return fit_rise_model(days)


@pytest.fixture
def model():
    return shipped_rise_model()


def mean_crps(model, days, hour, effect=None):
    scores = []
    for day in days:
        state = state_at(day, hour)
        scores.append(crps_pmf(rise_pmf(model, state, station_effect=effect), day.high_f))
    return float(np.mean(scores))


@pytest.mark.slow
def test_the_same_days_give_the_same_model_in_any_order(days, fitted):
    mixed = list(days)
    random.Random(3).shuffle(mixed)

    assert json.dumps(fit_rise_model(mixed).as_json()) == json.dumps(fitted.as_json())


@pytest.mark.slow
def test_the_signs_of_the_day_beat_the_hour_alone(days, fitted):
    for hour in (8, 11, 14):
        bare = [
            crps_pmf(rise_pmf(fitted, replace(state_at(day, hour), signs=())), day.high_f)
            for day in days
        ]
        assert mean_crps(fitted, days, hour) < np.mean(bare)


def test_later_reports_of_the_day_are_not_used(days):
    day = days[0]
    early = replace(day, readings=tuple(item for item in day.readings if item.hour_lst <= 10))

    np.testing.assert_array_equal(state_at(day, 10).signs, state_at(early, 10).signs)
    assert state_at(day, 10).low_f == state_at(early, 10).low_f


def test_a_stale_day_has_no_state(days):
    early = replace(
        days[0], readings=tuple(item for item in days[0].readings if item.hour_lst <= 10)
    )

    assert state_at(early, 14) is None


def test_a_station_with_its_own_ways_is_learned_from_its_own_days(model):
    warm = [replace(day, high_f=day.high_f + 3) for day in past_days(60, stations=("CCC",))]
    effect = fit_station_effect(model, warm[:40])

    assert effect.n_days == 40
    assert mean_crps(model, warm[40:], 10, effect) < mean_crps(model, warm[40:], 10)


def test_no_days_give_no_effect(model):
    effect = fit_station_effect(model, [])

    assert effect.n_days == 0
    assert not effect.coefficients.any()


def test_days_without_reports_do_not_make_a_station_known(model):
    silent = [replace(day, readings=()) for day in past_days(60, stations=("CCC",))]

    assert fit_station_effect(model, silent).n_days == 0
    assert (
        fit_station_effect(model, silent[:59] + past_days(60, stations=("CCC",))[59:]).n_days == 1
    )


def test_one_absurd_high_does_not_throw_a_station_off(model):
    calm = past_days(60, stations=("AAA",))
    wild = [replace(calm[0], high_f=calm[0].high_f + 50), *calm[1:]]
    before, after = (fit_station_effect(model, days).coefficients for days in (calm, wild))

    assert np.abs(after - before).max() < 1.0


def test_an_effect_of_several_stations_is_refused(model, days):
    with pytest.raises(InvalidDataError):
        fit_station_effect(model, days)


def test_one_station_or_a_few_days_make_no_shared_model(days):
    with pytest.raises(DataUnavailable, match="two stations"):
        fit_rise_model([day for day in days if day.station == "AAA"])
    with pytest.raises(DataUnavailable, match="30 are needed"):
        fit_rise_model(past_days(10))


def test_an_impossible_high_is_refused(days):
    with pytest.raises(InvalidDataError):
        fit_rise_model([replace(days[0], high_f=400), *days[1:]])


def test_chained_equations_are_those_of_the_whole_matrix():
    draw = np.random.default_rng(2)
    blocks = [a @ a.T for a in draw.normal(size=(5, 3, 3))]
    right = draw.normal(size=(5, 3))
    penalty = ChainPenalty(np.array([0.5, 1.0, 2.0]), np.array([3.0, 0.0, 1.0]))
    found = solve_chain(blocks, right, penalty)

    whole = np.zeros((15, 15))
    for row, block in enumerate(blocks):
        whole[3 * row : 3 * row + 3, 3 * row : 3 * row + 3] = block
    expected = whole @ found.ravel() + penalty.gradient(found).ravel()
    assert expected == pytest.approx(right.ravel())


def test_fits_end_where_the_slope_is_zero():
    draw = np.random.default_rng(4)
    hours = []
    for _ in range(3):
        design = draw.normal(size=(40, 2))
        hours.append(Rows(design, 1.0 * (draw.random(40) < 0.5), np.ones(40)))
    penalty = ChainPenalty(np.array([1.0, 1.0]), np.array([5.0, 5.0]))

    least = chained_least_squares(hours, penalty)
    slope = penalty.gradient(least)
    slope += [
        rows.design.T @ (rows.design @ b - rows.target)
        for rows, b in zip(hours, least, strict=True)
    ]
    assert np.abs(slope).max() < 1e-9

    odds = chained_logistic(hours, penalty)
    slope = penalty.gradient(odds)
    slope += [
        rows.design.T @ (1 / (1 + np.exp(-rows.design @ b)) - rows.target)
        for rows, b in zip(hours, odds, strict=True)
    ]
    assert np.abs(slope).max() < 1e-5


def test_perfectly_separated_days_still_have_an_answer():
    design = np.linspace(-1, 1, 40)[:, None]
    rows = Rows(design, 1.0 * (design[:, 0] > 0), np.ones(40))
    penalty = ChainPenalty(np.array([0.1]), np.array([1.0]))

    assert np.isfinite(chained_logistic([rows, rows], penalty)).all()
