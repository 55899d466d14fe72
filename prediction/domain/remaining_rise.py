"""How far the official high still ends above the running maximum, ``R = high - running maximum``.

A discrete-time hazard model with coefficients for each hour of the day, learned by
:mod:`prediction.domain.rise_fit`. Hourly reports miss the peaks between them, so even late in the
day a rise of a degree is common until 6-hour maximum groups cover the afternoon; the model knows
that from the signs of the day. Where only the hour is known, the usual rise at that hour speaks.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

import numpy as np

from boz.core.errors import DataUnavailable, InvalidDataError
from prediction.domain import rise_design
from prediction.domain.arrays import FloatArray
from prediction.domain.day_so_far import SIGNS, DayState
from prediction.domain.distribution import DEGREE_FLOOR, IntegerPmf
from prediction.domain.opening_maximum import with_unseen_midnight
from prediction.domain.rise_design import HAZARDS, NODES, RISES, STATION_TERMS, TERMS
from prediction.domain.usual_rise import MOMENTS, usual_rise

#: Before this hour of standard time no groups can cover the afternoon.
COVERED_FROM_HOUR = 17.75
#: Days after which a station's own effect makes half of the way to the spread of a known station.
FAMILIAR_DAYS = 30.0
#: Of several degrees that the running maximum can be, the two warmest are equally likely and each
#: colder one this much less: only the margin of a moment's value makes those possible.
COLDER_START = 0.1
_DECIMALS = 5
_SHAPES: dict[str, tuple[int, ...]] = {
    "centre": (NODES, len(SIGNS)),
    "scale": (NODES, len(SIGNS)),
    "term_centre": (NODES, len(TERMS)),
    "unit": (NODES,),
    "rise": (NODES, 1 + len(TERMS)),
    "spread": (NODES,),
    "stranger_spread": (NODES,),
    "hazard": (NODES, HAZARDS),
    "usual": (2, NODES, MOMENTS),
}
_POSITIVE = ("scale", "unit", "spread", "stranger_spread")


@dataclass(frozen=True, slots=True, eq=False)
class RiseModel:
    """Coefficients by hour; row ``i`` is what is known at hour ``i + 1`` of standard time.

    Attributes:
        centre: Mean of each sign, shape ``(24, signs)``.
        scale: Spread of each sign, same shape.
        term_centre: Mean of each term, shape ``(24, terms)``.
        unit: Spread of the rise itself, °F, shape ``(24,)``; the first stage is in this unit.
        rise: Coefficients of the expected rise, intercept first, shape ``(24, 1 + terms)``.
        spread: Spread around the expected rise where the station's effect is known, °F.
        stranger_spread: The same at a station the fit has never seen, °F.
        hazard: Coefficients of the hazard, shape ``(24, 10 + 2 terms)``.
        usual: P(no rise), mean and spread of the rise by hour, shape ``(2, 24, 3)``: the second
            where groups cover the afternoon.
    """

    centre: FloatArray
    scale: FloatArray
    term_centre: FloatArray
    unit: FloatArray
    rise: FloatArray
    spread: FloatArray
    stranger_spread: FloatArray
    hazard: FloatArray
    usual: FloatArray

    def __post_init__(self) -> None:
        """Check and seal the arrays.

        Raises:
            InvalidDataError: If a shape is wrong or a number missing.
        """
        for name, shape in _SHAPES.items():
            object.__setattr__(self, name, _sealed(getattr(self, name), name=name, shape=shape))

    def as_json(self) -> dict[str, Any]:
        """Return plain lists, numbers to five decimals."""
        found = {item.name: getattr(self, item.name) for item in fields(self)}
        return {
            "signs": list(SIGNS),
            "terms": list(TERMS),
            **{name: np.round(array, _DECIMALS).tolist() for name, array in found.items()},
        }

    @classmethod
    def from_json(cls, stored: Mapping[str, Any]) -> RiseModel:
        """Read what :meth:`as_json` wrote.

        Raises:
            InvalidDataError: If it is not a model of these signs and terms.
        """
        if stored.get("signs") != list(SIGNS) or stored.get("terms") != list(TERMS):
            raise InvalidDataError("This model of the remaining rise was made for other signs.")
        missing = sorted(set(_SHAPES) - set(stored))
        if missing:
            raise InvalidDataError(f"A model of the remaining rise lacks {', '.join(missing)}.")
        return cls(**{name: stored[name] for name in _SHAPES})


@dataclass(frozen=True, slots=True, eq=False)
class StationEffect:
    """How a station differs from the rest, learned from its own past days.

    Attributes:
        coefficients: Shape ``(24, 4)``, in the model's unit: level, temperature, season.
        n_days: Days it was learned from.
    """

    coefficients: FloatArray
    n_days: int

    def __post_init__(self) -> None:
        """Check and seal the array.

        Raises:
            InvalidDataError: If the shape is wrong, a number missing, or the days negative.
        """
        shape = (NODES, len(STATION_TERMS))
        sealed = _sealed(self.coefficients, name="station effect", shape=shape)
        object.__setattr__(self, "coefficients", sealed)
        if self.n_days < 0:
            raise InvalidDataError(f"A station effect of {self.n_days} days cannot be.")

    def as_json(self) -> dict[str, Any]:
        """Return plain lists, numbers to five decimals."""
        rounded = np.round(self.coefficients, _DECIMALS).tolist()
        return {"coefficients": rounded, "n_days": self.n_days}

    @classmethod
    def from_json(cls, stored: Mapping[str, Any]) -> StationEffect:
        """Read what :meth:`as_json` wrote.

        Raises:
            InvalidDataError: If it is none.
        """
        try:
            return cls(stored["coefficients"], int(stored["n_days"]))
        except (KeyError, TypeError, ValueError) as error:
            raise InvalidDataError("A station's effect on the rise cannot be read.") from error


def rise_pmf(
    model: RiseModel, state: DayState, *, station_effect: StationEffect | None = None
) -> IntegerPmf:
    """Return the distribution of the high from the observations of the day alone.

    Where the running maximum may be one of several degrees, the rise starts from each of them.
    Nothing lies below the proven bound, and no degree above it is impossible.

    Args:
        model: Coefficients.
        state: The day so far.
        station_effect: What this station's own past says; None before there is any.

    Raises:
        DataUnavailable: If no thermometer reading is behind the bound.
    """
    if state.hour_lst is None:
        raise DataUnavailable("Without a reading of the thermometer no rise can be counted.")
    coming = _rise(model, state, state.hour_lst, station_effect)
    rise = with_unseen_midnight(coming, state, state.hour_lst) + DEGREE_FLOOR
    starts = state.estimate_f - state.low_f + 1
    weights = np.zeros(starts + RISES - 1)
    for start in range(starts):
        steps_down = starts - 1 - start
        weights[start : start + RISES] += COLDER_START ** max(0, steps_down - 1) * rise
    return IntegerPmf.from_weights(state.low_f, weights)


def at_hour(rows: FloatArray, hour_lst: float) -> FloatArray:
    """Return by-hour rows, shape ``(24, ...)``, at the hour of a reading: linear between them."""
    place = min(max(hour_lst + rise_design.REPORT_LEAD_HOURS - 1.0, 0.0), NODES - 1.0)
    left = min(int(place), NODES - 2)
    share = place - left
    between: FloatArray = (1.0 - share) * rows[left] + share * rows[left + 1]
    return between


def _widening(model: RiseModel, effect: StationEffect | None) -> FloatArray:
    """Return by hour how much wider the answer is than at a known station, 1 or more."""
    known = 0.0 if effect is None else effect.n_days / (effect.n_days + FAMILIAR_DAYS)
    strange = (model.stranger_spread / model.spread) ** 2
    return np.asarray(np.sqrt(known + (1.0 - known) * strange), dtype=np.float64)


def _rise(
    model: RiseModel, state: DayState, hour: float, effect: StationEffect | None
) -> FloatArray:
    """Return P(R = 0..60), shape ``(61,)``."""
    covered = state.afternoon_covered and hour >= COVERED_FROM_HOUR
    if not state.signs:
        return usual_rise(at_hour(model.usual[int(covered)], hour), size=RISES)
    signs = np.asarray(state.signs, dtype=np.float64)
    signs[SIGNS.index("covered")] = float(covered)
    standard = rise_design.standardised(
        signs, at_hour(model.centre, hour), at_hour(model.scale, hour)
    )
    values = rise_design.terms(standard) - at_hour(model.term_centre, hour)
    rise = at_hour(model.rise, hour)
    expected = rise[0] + float(values @ rise[1:])
    if effect is not None:
        own = rise_design.station_terms(standard)
        expected += float(own @ at_hour(effect.coefficients, hour))
    return rise_design.probabilities(
        max(0.0, expected * float(at_hour(model.unit, hour))),
        float(at_hour(model.spread, hour)),
        values,
        at_hour(model.hazard, hour),
        widened=float(at_hour(_widening(model, effect), hour)),
    )


def _sealed(values: Any, *, name: str, shape: tuple[int, ...]) -> FloatArray:
    array = np.array(values, dtype=np.float64)
    if array.shape != shape or not np.isfinite(array).all():
        raise InvalidDataError(f"The {name} of a rise model must be {shape} finite numbers.")
    if name in _POSITIVE and not (array > 0).all():
        raise InvalidDataError(f"The {name} of a rise model must be above 0.")
    array.setflags(write=False)
    return array
