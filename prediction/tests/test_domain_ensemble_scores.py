from __future__ import annotations

import math

import numpy as np
import pytest
import scoringrules

from boz.core.errors import DataUnavailable, InvalidDataError
from prediction.domain.ensemble_scores import crps_ensemble

RNG = np.random.default_rng(2)


def sample(rows=9000, members=31, offset=60.0):
    """More rows than one block holds."""
    return RNG.normal(offset, 3, (rows, members)), RNG.normal(offset, 3, rows)


@pytest.mark.parametrize(("fair", "estimator"), [(False, "nrg"), (False, "qd"), (True, "fair")])
@pytest.mark.parametrize("members", [2, 5, 31])
def test_score_agrees_with_an_independent_implementation(fair, estimator, members):
    forecast, observed = sample(members=members)

    ours = crps_ensemble(forecast, observed, fair=fair)

    theirs = scoringrules.crps_ensemble(observed, forecast, estimator=estimator)
    assert np.abs(ours - theirs).max() < 1e-12


def test_fair_score_equals_the_double_sum():
    forecast, observed = sample(7, 5)

    pairs = np.abs(forecast[:, :, None] - forecast[:, None, :]).sum(axis=(1, 2))
    expected = np.abs(forecast - observed[:, None]).mean(axis=1) - pairs / (2 * 5 * 4)

    assert np.allclose(crps_ensemble(forecast, observed, fair=True), expected, atol=1e-12)


def test_fair_score_does_not_depend_on_the_number_of_members():
    rng = np.random.default_rng(11)
    few = crps_ensemble(rng.normal(0, 1, (40_000, 3)), rng.normal(0, 1, 40_000), fair=True).mean()
    many = crps_ensemble(rng.normal(0, 1, (40_000, 30)), rng.normal(0, 1, 40_000), fair=True).mean()

    assert few == pytest.approx(many, abs=0.02)
    assert many == pytest.approx(0.5642, abs=0.015)


def test_constant_members_score_their_absolute_error():
    assert crps_ensemble(np.full((2, 4), 50.0), np.array([53.0, 50.0])).tolist() == [3, 0]
    assert crps_ensemble(np.array([50.0]), np.array(52.0)) == 2


def test_members_and_observation_stay_as_they_were():
    forecast, observed = sample(5, 4)
    before = forecast.copy()

    crps_ensemble(forecast, observed)

    assert (forecast == before).all()


def test_any_leading_shape_is_kept():
    forecast, observed = sample(6, 4)

    cube = crps_ensemble(forecast.reshape(2, 3, 4), observed.reshape(2, 3))

    assert cube.shape == (2, 3)
    assert (cube.ravel() == crps_ensemble(forecast, observed)).all()


def test_a_far_offset_costs_no_digits():
    forecast, observed = np.array([[1.0, 2.5, 4.0]]), np.array([2.0])

    far = crps_ensemble(forecast + 2.0**40, observed + 2.0**40)

    assert far[0] == crps_ensemble(forecast, observed)[0]


def test_missing_members_are_refused_unless_masked():
    forecast, observed = sample(50, 6)
    holes = forecast.copy()
    holes[3, 2] = holes[7, 0] = holes[7, 5] = math.nan

    with pytest.raises(InvalidDataError, match="3 missing"):
        crps_ensemble(holes, observed)
    masked = crps_ensemble(holes, observed, fair=True, mask_missing=True)

    for row in (3, 7, 8):
        there = holes[row][~np.isnan(holes[row])]
        expected = crps_ensemble(there[None], observed[row : row + 1], fair=True)
        assert masked[row] == pytest.approx(expected[0], abs=1e-12)


def test_forecast_without_enough_members_is_unavailable():
    with pytest.raises(DataUnavailable):
        crps_ensemble(np.array([[math.nan, math.nan]]), np.array([1.0]), mask_missing=True)
    with pytest.raises(DataUnavailable, match="1 member"):
        crps_ensemble(np.ones((3, 1)), np.ones(3), fair=True)
    with pytest.raises(DataUnavailable):
        crps_ensemble(np.ones((3, 0)), np.ones(3))


@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf])
def test_observation_must_be_a_number_even_when_members_are_masked(bad):
    with pytest.raises(InvalidDataError):
        crps_ensemble(np.ones((2, 3)), np.array([1.0, bad]), mask_missing=True)


def test_infinite_member_and_unequal_shapes_are_refused():
    with pytest.raises(InvalidDataError):
        crps_ensemble(np.array([[1.0, math.inf]]), np.array([1.0]), mask_missing=True)
    with pytest.raises(InvalidDataError, match="Shapes differ"):
        crps_ensemble(np.ones((3, 4)), np.ones(2))
