from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from boz.core.errors import InvalidDataError
from boz.core.schemas import Bracket
from prediction.domain.discretised import gaussian_pmf
from prediction.domain.ladder_pmf import ladder_pmf


def ladder(coldest: int = 52, inner: int = 4) -> tuple[Bracket, ...]:
    middle = (Bracket(low_f=low, high_f=low + 1) for low in range(coldest, coldest + 2 * inner, 2))
    return (Bracket(high_f=coldest - 1), *middle, Bracket(low_f=coldest + 2 * inner))


@pytest.mark.parametrize("sd_f", [1.5, 2.5, 4.0])
def test_the_ladder_of_a_gaussian_gives_nearly_that_gaussian(sd_f):
    truth = gaussian_pmf(mean_f=55.7, sd_f=sd_f)

    found = ladder_pmf(ladder(), truth.ladder(ladder()))

    apart = [abs(found.cdf(degree) - truth.cdf(degree)) for degree in range(40, 75)]
    assert max(apart) < 0.03
    assert found.sd_f == pytest.approx(sd_f, rel=0.15)


def test_a_zero_stays_zero_and_no_other_degree_is_impossible():
    pmf = ladder_pmf(ladder(), (0.0, 0.2, 0.5, 0.2, 0.1, 0.0))

    assert pmf.cdf(51) == 0
    assert pmf.cdf(59) == pytest.approx(1)
    assert min(pmf.at(degree) for degree in range(52, 60)) > 0.01


def test_open_ends_decay():
    pmf = ladder_pmf(ladder(), (0.3, 0.1, 0.1, 0.1, 0.1, 0.3))

    warm = [pmf.at(degree) for degree in range(62, 90)]
    cold = [pmf.at(degree) for degree in range(49, 20, -1)]
    assert warm == sorted(warm, reverse=True)
    assert cold == sorted(cold, reverse=True)


def test_two_brackets_are_enough():
    pmf = ladder_pmf((Bracket(high_f=0), Bracket(low_f=1)), (0.5, 0.5))

    assert pmf.cdf(0) == pytest.approx(0.5)
    assert pmf.sd_f == pytest.approx(3.0, abs=0.3)


@pytest.mark.parametrize(
    "probabilities",
    [(0.5, 0.5), (0.2,) * 6, (-0.1, 0.3, 0.3, 0.3, 0.1, 0.1), (math.nan, 0.2, 0.2, 0.2, 0.2, 0.2)],
)
def test_what_is_no_distribution_is_refused(probabilities):
    with pytest.raises(InvalidDataError):
        ladder_pmf(ladder(), probabilities)


@pytest.mark.parametrize(
    "brackets",
    [
        ladder()[1:],
        ladder()[:-1],
        (*ladder()[:2], *ladder()[3:]),
        (Bracket(high_f=51), Bracket(low_f=51)),
        (Bracket(high_f=51),),
        (),
        (Bracket(high_f=-90), Bracket(low_f=-89)),
        (Bracket(high_f=150), Bracket(low_f=151)),
    ],
)
def test_what_is_no_ladder_is_refused(brackets):
    shares = (1.0 / max(1, len(brackets)),) * len(brackets)

    with pytest.raises(InvalidDataError):
        ladder_pmf(brackets, shares)


@settings(max_examples=60, deadline=None)
@given(
    weights=st.lists(st.one_of(st.just(0.0), st.floats(1e-6, 1)), min_size=6, max_size=6),
    coldest=st.integers(-60, 120),
)
def test_the_ladder_of_the_result_is_the_one_given(weights, coldest):
    total = math.fsum(weights)
    if total == 0:
        return
    given_shares = [weight / total for weight in weights]

    pmf = ladder_pmf(ladder(coldest), given_shares)

    assert pmf.ladder(ladder(coldest)) == pytest.approx(given_shares, abs=1e-12)
    assert np.isfinite(pmf.probabilities).all()
