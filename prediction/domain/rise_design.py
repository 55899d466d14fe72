"""The regressors of the remaining rise, shared by its fit and its use.

Signs are centred and scaled by hour, an unknown one counts as the centre. The hazard
``P(R = k | R >= k)`` is logistic in splines of ``u = (k - m) / s``, where ``m`` is the expected
rise of the first stage and ``s`` its spread, and in the terms themselves, apart for ``k = 0``.
"""

from __future__ import annotations

import numpy as np
from scipy.special import expit

from prediction.domain.arrays import FloatArray
from prediction.domain.day_so_far import SIGNS

#: One node per full hour: what is known at 01:00, 02:00 ... 24:00 standard time.
NODES = 24
#: Routine reports are made some eight minutes before the hour at which they are used.
REPORT_LEAD_HOURS = 0.13
#: Rises 0..60 °F.
RISES = 61
#: Products of two signs that are terms of their own.
PRODUCTS: tuple[tuple[str, str], ...] = (
    ("below_max", "below_max"),
    ("below_max", "change_1h"),
    ("below_max", "group_is_max"),
    ("anomaly", "anomaly"),
    ("anomaly", "change_3h"),
    ("anomaly", "range"),
    ("anomaly", "season_cos"),
    ("anomaly", "season_sin"),
    ("change_3h", "season_cos"),
    ("range", "season_cos"),
)
TERMS = (*SIGNS, *(f"{one}*{other}" for one, other in PRODUCTS))
#: A station differs from the rest by a shift, by its temperature and by the season.
STATION_SIGNS = ("anomaly", "season_cos", "season_sin")
STATION_TERMS = ("level", *STATION_SIGNS)
#: Columns of the hazard that do not belong to a term.
SPLINES = 10
HAZARDS = SPLINES + 2 * len(TERMS)
_KNOTS = (-1.0, 0.0, 1.0, 2.0)
_FURTHEST_SIGN = 4.0
_FURTHEST_SPREADS = 6.0
_FURTHEST_LOGIT = 30.0
_PAIRS = np.array([(SIGNS.index(one), SIGNS.index(other)) for one, other in PRODUCTS])
_STATION = np.array([SIGNS.index(name) for name in STATION_SIGNS])


def standardised(signs: FloatArray, centre: FloatArray, scale: FloatArray) -> FloatArray:
    """Return signs in spreads from their centre, within ±4; unknown ones are 0.

    Args:
        signs: Shape ``(..., signs)``, NaN where unknown.
        centre: Shape ``(signs,)``.
        scale: Shape ``(signs,)``, above zero.
    """
    apart = (signs - centre) / scale
    known: FloatArray = np.clip(
        np.where(np.isnan(apart), 0.0, apart), -_FURTHEST_SIGN, _FURTHEST_SIGN
    )
    return known


def terms(standard: FloatArray) -> FloatArray:
    """Return the terms, shape ``(..., terms)``, of standardised signs ``(..., signs)``."""
    products = standard[..., _PAIRS[:, 0]] * standard[..., _PAIRS[:, 1]]
    return np.concatenate([standard, products], axis=-1)


def station_terms(standard: FloatArray) -> FloatArray:
    """Return what a station's own effect is linear in, shape ``(..., 4)``."""
    level = np.ones((*standard.shape[:-1], 1))
    return np.concatenate([level, standard[..., _STATION]], axis=-1)


def splines(
    rises: FloatArray, expected: FloatArray, spread: float, *, widened: float = 1.0
) -> FloatArray:
    """Return the hazard's columns of the rise itself, shape ``(..., 10)``.

    Args:
        rises: Whole °F, any shape.
        expected: Expected rise ``m``, °F, zero or more, same shape.
        spread: Spread ``s`` of the fit, °F, above zero.
        widened: How many times as far from what is expected the rise may end, 1 or more.
    """
    apart = (rises - expected) / (spread * widened)
    apart = np.clip(apart, -_FURTHEST_SPREADS, _FURTHEST_SPREADS)
    level = expected / spread
    columns = [np.ones_like(apart), 1.0 * (rises == 0), 1.0 * (rises == 1), apart]
    columns += [np.maximum(apart - knot, 0.0) for knot in _KNOTS]
    columns += [level, level * apart]
    return np.stack(columns, axis=-1)


def probabilities(
    expected: float,
    spread: float,
    values: FloatArray,
    coefficients: FloatArray,
    *,
    widened: float = 1.0,
) -> FloatArray:
    """Return P(R = 0..60) of one state, shape ``(61,)``; what is left at the end stays there.

    Args:
        expected: Expected rise, °F, zero or more.
        spread: Its spread in the fit, °F, above zero.
        values: Centred terms, shape ``(terms,)``.
        coefficients: Of the hazard, shape ``(10 + 2 terms,)``.
        widened: See :func:`splines`.
    """
    rises = np.arange(RISES, dtype=np.float64)
    count = values.size
    columns = splines(rises, np.full(RISES, expected), spread, widened=widened)
    logits = columns @ coefficients[:SPLINES]
    logits = logits + values @ coefficients[SPLINES + count :]
    logits[0] += values @ coefficients[SPLINES : SPLINES + count]
    hazard = expit(np.clip(logits, -_FURTHEST_LOGIT, _FURTHEST_LOGIT))
    hazard[-1] = 1.0
    left = np.concatenate([[1.0], np.cumprod(1.0 - hazard[:-1])])
    return np.asarray(left * hazard, dtype=np.float64)
