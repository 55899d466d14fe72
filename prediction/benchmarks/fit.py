"""How fast EMOS models are fitted: one, rolling windows, thousands of stations; and a peer.

Everything runs on one thread. The data are drawn anew from a fixed seed: members around a forecast,
observations around a line through their mean with a spread that grows with theirs.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from scipy.optimize import minimize
from scipy.special import ndtr

from boz.core.benchmarks import Measurement, register_benchmark, timed
from boz.core.errors import InvalidDataError
from prediction.domain.arrays import FloatArray
from prediction.domain.emos_newton import NewtonResult
from prediction.domain.emos_simple import fit_rolling, fit_simple

DAYS = 365
MEMBERS = 31
WINDOW = 40
ROLLING_STATIONS = 4
ROLLING_DAYS = 366
STATIONS = 2_500
#: Fits of one part that is over in less than a millisecond.
REPEATS = 50

_SEED = 20_261_121
_SAME_CRPS = 1e-5


def register() -> None:
    """Make the parts known."""
    for part in (_rolling, _stations, _single):
        register_benchmark("prediction-fit", part)


def _rolling() -> Sequence[Measurement]:
    """Measure a fit for every day of a year at four stations, each on the 40 days before."""
    x, s, y = _series(ROLLING_STATIONS, ROLLING_DAYS + WINDOW - 1)
    fits = ROLLING_STATIONS * ROLLING_DAYS
    found = fit_rolling(x, s, y, window=WINDOW)
    seconds = timed(lambda _: fit_rolling(x, s, y, window=WINDOW))
    return [
        Measurement(
            "rolling",
            f"{ROLLING_STATIONS} stations, {ROLLING_DAYS} days, a fit of four terms by minimum "
            f"CRPS on the {WINDOW} days before each",
            fits,
            "fits",
            seconds,
            _rounds(found),
        )
    ]


def _stations() -> Sequence[Measurement]:
    """Measure fits of a year of days at thousands of stations."""
    x, s, y = _series(STATIONS, DAYS)
    found = fit_simple(x, s, y)
    return [
        Measurement(
            "stations",
            f"{STATIONS} stations fitted on {DAYS} days each in one program",
            STATIONS,
            "fits",
            timed(lambda _: fit_simple(x, s, y)),
            _rounds(found),
        )
    ]


def _single() -> Sequence[Measurement]:
    """Measure one fit from the members on, and the same fit by a general optimiser."""
    members, observed = _members()
    ours = timed(lambda _: [_fit_members(members, observed) for _ in range(REPEATS)])
    peer = timed(lambda _: [_fit_peer(members, observed) for _ in range(REPEATS)])
    own, other = (
        _mean_crps(fit(members, observed), members, observed) for fit in (_fit_members, _fit_peer)
    )
    if own > other + _SAME_CRPS:
        raise InvalidDataError(
            "The fit is worse than the peer's, so its time says nothing.",
            {"ours": own, "peer": other},
        )
    each = [value / REPEATS for value in ours]
    peer_each = [value / REPEATS for value in peer]
    work = f"one fit on {DAYS} days of {MEMBERS} members, their mean and spread included"
    ratio = sorted(peer_each)[len(peer_each) // 2] / sorted(each)[len(each) // 2]
    notes = (f"{ratio:.1f} times as fast as the peer", f"mean CRPS {own:.6f}, peer {other:.6f}")
    return [
        Measurement("single", work, 1, "fits", tuple(each), notes),
        Measurement(
            "single-peer",
            f"{work}, by scipy's L-BFGS-B with the analytic gradient",
            1,
            "fits",
            tuple(peer_each),
        ),
    ]


def _rounds(found: NewtonResult) -> tuple[str, ...]:
    share = float(found.converged.mean())
    return (
        f"Newton rounds: mean {found.iterations.mean():.2f}, most {found.iterations.max()}; "
        f"converged: {share:.2%}",
    )


def _series(stations: int, days: int) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Return forecast means, spreads and observations, shape (stations, days)."""
    chance = np.random.default_rng(_SEED)
    x = 65.0 + 15.0 * chance.standard_normal((stations, days))
    s = chance.gamma(4.0, 0.5, (stations, days))
    y = 1.0 + 0.97 * x + (1.0 + 0.6 * s) * chance.standard_normal((stations, days))
    return x, s, y


def _members() -> tuple[FloatArray, FloatArray]:
    x, s, y = _series(1, DAYS)
    noise = np.random.default_rng(_SEED + 1).standard_normal((DAYS, MEMBERS))
    return x[0][:, None] + s[0][:, None] * noise, y[0]


def _moments(members: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Return each day's mean and standard deviation."""
    count = members.shape[1]
    mean = members.mean(axis=1)
    away = members - mean[:, None]
    return mean, np.sqrt(np.einsum("nm,nm->n", away, away) / (count - 1))


def _fit_members(members: FloatArray, observed: FloatArray) -> FloatArray:
    mean, sd = _moments(members)
    theta: FloatArray = fit_simple(mean[None], sd[None], observed[None]).theta[0]
    return theta


def _fit_peer(members: FloatArray, observed: FloatArray) -> FloatArray:
    """Fit the same by a general optimiser, from the same kind of start."""
    mean, sd = _moments(members)
    slope, level = np.polyfit(mean, observed, 1)
    spread = float(np.std(observed - level - slope * mean))
    found = minimize(
        _crps_and_gradient,
        np.array([level, slope, spread, 0.0]),
        args=(mean, sd, observed),
        jac=True,
        method="L-BFGS-B",
        bounds=[(None, None), (None, None), (1e-3, None), (0.0, None)],
    )
    theta: FloatArray = found.x
    return theta


def _crps_and_gradient(
    theta: FloatArray, x: FloatArray, s: FloatArray, y: FloatArray
) -> tuple[float, FloatArray]:
    sigma = theta[2] + theta[3] * s
    z = (y - theta[0] - theta[1] * x) / sigma
    tilt = 2.0 * ndtr(z) - 1.0
    by_sigma = np.exp(-0.5 * z * z) * math.sqrt(2.0 / math.pi) - 1.0 / math.sqrt(math.pi)
    gradient = np.array([-tilt.sum(), -(tilt @ x), by_sigma.sum(), by_sigma @ s])
    return float(sigma @ (z * tilt + by_sigma)), gradient


def _mean_crps(theta: FloatArray, members: FloatArray, observed: FloatArray) -> float:
    mean, sd = _moments(members)
    return _crps_and_gradient(theta, mean, sd, observed)[0] / len(observed)
