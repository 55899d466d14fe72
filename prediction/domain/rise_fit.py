"""Learns the model of the remaining rise from past days, and one station's own effect.

First stage: the expected rise, linear in the terms of the day, with a shrunken effect of each
station. Second stage: the hazard of each degree given that expectation. Both are convex and are
fitted for all hours at once; neighbouring hours are held to one another.

Every third day also enters without its 6-hour groups: some services leave the groups
out, and west of the Central zone they come at other hours.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from boz.core.errors import DataUnavailable, InvalidDataError
from prediction.domain import rise_design
from prediction.domain.arrays import FloatArray
from prediction.domain.chained_ridge import (
    ChainPenalty,
    Rows,
    chained_least_squares,
    chained_logistic,
)
from prediction.domain.day_so_far import DayState, Reading, day_state, require_possible
from prediction.domain.remaining_rise import (
    COVERED_FROM_HOUR,
    RiseModel,
    StationEffect,
    at_hour,
)
from prediction.domain.rise_design import HAZARDS, NODES, RISES, SPLINES, STATION_TERMS, TERMS
from prediction.domain.usual_rise import moments_of

#: A day counts at an hour only if its newest reading is not older than this, hours.
STALE_HOURS = 1.2
#: One day in so many also enters without its groups.
UNGROUPED_EVERY = 3
#: What the model leaves over at a station is pulled in to this many spreads of a new station, so
#: that one typing error of 50 °F moves little.
WINSOR_SPREADS = 3.0
#: Fewer days than this at one hour teach nothing.
FEWEST_DAYS = 30
_SMALLEST_SCALE = 0.25
_SMALLEST_SPREAD_F = 0.3
#: Ridges, in days: to zero and to the neighbouring hour.
_FREE = (1e-6, 1e-6)
_RISE_RIDGE = (10.0, 30.0)
_STATION_RIDGE = (10.0, 50.0)
_SPLINE_RIDGE = (0.5, 2.0)
_HAZARD_RIDGE = (5.0, 20.0)


@dataclass(frozen=True, slots=True)
class PastDay:
    """A finished day: its reports and its official high.

    Attributes:
        station: Where; days of one station share its effect.
        climate_day: Which day.
        readings: All reports of the day.
        high_f: Official high, whole °F.
        usual_high_f: See :func:`prediction.domain.day_so_far.usual_high`.
    """

    station: str
    climate_day: dt.date
    readings: tuple[Reading, ...]
    high_f: int
    usual_high_f: float | None = None


@dataclass(frozen=True, slots=True, eq=False)
class _Samples:
    """The days at one hour; ``rises`` in °F, ``stations`` as indices, ``reported`` as they were."""

    signs: FloatArray
    rises: FloatArray
    stations: FloatArray
    reported: npt.NDArray[np.bool_]
    covered: npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True, eq=False)
class _Hour:
    """Samples of one hour with their regressors."""

    samples: _Samples
    centre: FloatArray
    scale: FloatArray
    term_centre: FloatArray
    unit: float
    values: FloatArray
    own: FloatArray


def state_at(day: PastDay, hour: float) -> DayState | None:
    """Return a past day as it was known at an hour; None without a reading of the hour before.

    Args:
        day: The day.
        hour: Hour of standard time; later reports are not used.
    """
    known = [reading for reading in day.readings if reading.hour_lst <= hour]
    if not known or max(item.hour_lst for item in known) < hour - STALE_HOURS:
        return None
    return day_state(known, climate_day=day.climate_day, usual_high_f=day.usual_high_f)


def fit_rise_model(days: Sequence[PastDay]) -> RiseModel:
    """Return the model that past days of several stations speak for; their order does not matter.

    A day whose official high is below what its reports prove (about one in a hundred) counts as a
    day without a rise.

    Raises:
        DataUnavailable: If there are fewer than two stations, or 30 days at some hour.
        InvalidDataError: If a high is no possible temperature.
    """
    ordered = sorted(days, key=lambda item: (item.station, item.climate_day))
    stations = sorted({item.station for item in ordered})
    if len(stations) < 2:
        raise DataUnavailable("A rise model that is to hold elsewhere needs two stations or more.")
    for day in ordered:
        require_possible(day.high_f)
    hours = [_prepared(_samples(ordered, stations, node + 1.0)) for node in range(NODES)]
    first = _first_stage(hours, len(stations))
    expected = [_expected(hour, first[row], len(stations)) for row, hour in enumerate(hours)]
    spread = np.array(
        [_spread(hour, expected[row]) for row, hour in enumerate(hours)], dtype=np.float64
    )
    return RiseModel(
        centre=np.stack([hour.centre for hour in hours]),
        scale=np.stack([hour.scale for hour in hours]),
        term_centre=np.stack([hour.term_centre for hour in hours]),
        unit=np.array([hour.unit for hour in hours]),
        rise=first[:, : 1 + len(TERMS)],
        spread=spread,
        stranger_spread=np.maximum(spread, _stranger_spread(hours, len(stations))),
        hazard=_second_stage(hours, expected, spread),
        usual=_usual(hours),
    )


def fit_station_effect(model: RiseModel, days: Sequence[PastDay]) -> StationEffect:
    """Return how one station differs from the model, shrunk to not at all.

    The ridge is that with which the model's own stations were held: at one hour thirty days count
    as much as the prior, and neighbouring hours support each other.

    Args:
        model: The shared model.
        days: Past days of the one station; none gives an effect of zero, and those without a
            report teach nothing and do not count.

    Raises:
        InvalidDataError: If the days are of several stations.
    """
    if len({day.station for day in days}) > 1:
        raise InvalidDataError("A station's effect is learned from its own days only.")
    reported = [day for day in days if day.readings]
    ordered = sorted(reported, key=lambda item: item.climate_day)
    hours = [_effect_rows(model, ordered, node + 1.0) for node in range(NODES)]
    penalty = _penalty([(_STATION_RIDGE, len(STATION_TERMS))])
    return StationEffect(chained_least_squares(hours, penalty), len(ordered))


def _samples(days: Sequence[PastDay], stations: Sequence[str], hour: float) -> _Samples:
    found = []
    for day in days:
        for version in _versions(day):
            state = state_at(version, hour)
            if state is not None:
                rise = min(max(0, day.high_f - state.estimate_f), RISES - 1)
                place = stations.index(day.station)
                as_sent = version is day
                found.append((state.signs, rise, place, as_sent, state.afternoon_covered))
    if len(found) < FEWEST_DAYS:
        raise DataUnavailable(
            f"At {hour:g} h only {len(found)} days have a reading; {FEWEST_DAYS} are needed."
        )
    signs, rises, places, reported, covered = zip(*found, strict=True)
    return _Samples(
        signs=np.array(signs, dtype=np.float64),
        rises=np.array(rises, dtype=np.float64),
        stations=np.array(places, dtype=np.float64),
        reported=np.array(reported, dtype=np.bool_),
        covered=np.array(covered, dtype=np.bool_),
    )


def _versions(day: PastDay) -> list[PastDay]:
    if day.climate_day.toordinal() % UNGROUPED_EVERY:
        return [day]
    bare = tuple(replace(item, max_6h_f=None) for item in day.readings)
    return [day, replace(day, readings=bare)]


def _prepared(samples: _Samples) -> _Hour:
    known = ~np.isnan(samples.signs)
    total = np.maximum(known.sum(axis=0), 1.0)
    centre = np.where(known, samples.signs, 0.0).sum(axis=0) / total
    variance = (np.where(known, samples.signs - centre, 0.0) ** 2).sum(axis=0) / total
    scale = np.maximum(np.sqrt(variance), _SMALLEST_SCALE)
    standard = rise_design.standardised(samples.signs, centre, scale)
    values = rise_design.terms(standard)
    term_centre = values.mean(axis=0)
    return _Hour(
        samples=samples,
        centre=centre,
        scale=scale,
        term_centre=term_centre,
        unit=max(float(samples.rises.std()), _SMALLEST_SPREAD_F),
        values=values - term_centre,
        own=rise_design.station_terms(standard),
    )


def _first_stage(
    hours: Sequence[_Hour], stations: int, *, without: int | None = None
) -> FloatArray:
    """Return shared coefficients and those of each station, shape ``(24, 1 + terms + 4 n)``."""
    rows = []
    for hour in hours:
        weight = 1.0 * (hour.samples.stations != (-1 if without is None else without))
        rows.append(Rows(_rise_design(hour, stations), hour.samples.rises / hour.unit, weight))
    parts = [(_FREE, 1), (_RISE_RIDGE, len(TERMS)), (_STATION_RIDGE, stations * len(STATION_TERMS))]
    return chained_least_squares(rows, _penalty(parts))


def _rise_design(hour: _Hour, stations: int) -> FloatArray:
    shares = hour.samples.stations[:, None] == np.arange(stations)
    own = (shares[:, :, None] * hour.own[:, None, :]).reshape(len(shares), -1)
    return np.concatenate([np.ones((len(shares), 1)), hour.values, own], axis=1)


def _expected(hour: _Hour, coefficients: FloatArray, stations: int) -> FloatArray:
    expected: FloatArray = np.maximum(0.0, _rise_design(hour, stations) @ coefficients * hour.unit)
    return expected


def _spread(hour: _Hour, expected: FloatArray, among: npt.NDArray[np.bool_] | None = None) -> float:
    errors = hour.samples.rises - expected
    if among is not None:
        errors = errors[among]
    return max(float(np.sqrt(np.mean(errors**2))), _SMALLEST_SPREAD_F)


def _stranger_spread(hours: Sequence[_Hour], stations: int) -> FloatArray:
    """Return the spread at stations that the fit has not seen: each is left out once."""
    variances = np.zeros((stations, len(hours)))
    for left_out in range(stations):
        first = _first_stage(hours, stations, without=left_out)
        for row, hour in enumerate(hours):
            among = hour.samples.stations == left_out
            variances[left_out, row] = (
                _spread(hour, _expected(hour, first[row], stations), among) ** 2
            )
    # A new station is no nearer to the mean of the known ones than one of them to that of the rest.
    variance = variances.mean(axis=0) * stations / (stations - 1.0)
    return np.asarray(np.sqrt(variance), dtype=np.float64)


def _second_stage(
    hours: Sequence[_Hour], expected: Sequence[FloatArray], spread: FloatArray
) -> FloatArray:
    rows = [_hazard_rows(hour, expected[row], float(spread[row])) for row, hour in enumerate(hours)]
    parts = [(_SPLINE_RIDGE, SPLINES), (_HAZARD_RIDGE, HAZARDS - SPLINES)]
    return chained_logistic(rows, _penalty(parts))


def _hazard_rows(hour: _Hour, expected: FloatArray, spread: float) -> Rows:
    """Return one row for each degree that a day's rise reached: did it stop there?"""
    rises = hour.samples.rises.astype(np.intp)
    day = np.repeat(np.arange(rises.size), rises + 1)
    degree = np.concatenate([np.arange(rise + 1, dtype=np.float64) for rise in rises])
    values = hour.values[day]
    design = np.concatenate(
        [
            rise_design.splines(degree, expected[day], spread),
            values * (degree == 0)[:, None],
            values,
        ],
        axis=1,
    )
    return Rows(design, 1.0 * (degree == rises[day]), np.ones(day.size))


def _usual(hours: Sequence[_Hour]) -> FloatArray:
    """Return the usual rise by hour, without and with an afternoon covered by groups."""
    usual = np.zeros((2, NODES, 3))
    for row, hour in enumerate(hours):
        covered = hour.samples.covered
        # Until groups can cover the afternoon, days as they were reported are the usual ones.
        early = row + 1.0 < COVERED_FROM_HOUR
        uncovered = hour.samples.reported if early else ~covered
        usual[0, row] = moments_of(hour.samples.rises[uncovered])
        usual[1, row] = moments_of(hour.samples.rises[covered]) if covered.any() else usual[0, row]
    return usual


def _effect_rows(model: RiseModel, days: Sequence[PastDay], hour: float) -> Rows:
    place = hour - rise_design.REPORT_LEAD_HOURS
    centre, scale = at_hour(model.centre, place), at_hour(model.scale, place)
    coefficients, unit = at_hour(model.rise, place), float(at_hour(model.unit, place))
    furthest = WINSOR_SPREADS * float(at_hour(model.stranger_spread, place)) / unit
    design, target = [], []
    for day in days:
        state = state_at(day, hour)
        if state is None:
            continue
        signs = np.asarray(state.signs, dtype=np.float64)
        standard = rise_design.standardised(signs, centre, scale)
        values = rise_design.terms(standard) - at_hour(model.term_centre, place)
        rise = max(0, day.high_f - state.estimate_f)
        design.append(rise_design.station_terms(standard))
        left = rise / unit - coefficients[0] - float(values @ coefficients[1:])
        target.append(min(max(left, -furthest), furthest))
    return Rows(
        np.array(design, dtype=np.float64).reshape(-1, len(STATION_TERMS)),
        np.array(target, dtype=np.float64),
        np.ones(len(target)),
    )


def _penalty(parts: Sequence[tuple[tuple[float, float], int]]) -> ChainPenalty:
    return ChainPenalty(
        to_zero=np.concatenate([np.full(count, ridge[0]) for ridge, count in parts]),
        to_neighbour=np.concatenate([np.full(count, ridge[1]) for ridge, count in parts]),
    )
