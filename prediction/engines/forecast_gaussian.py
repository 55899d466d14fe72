"""Issued forecasts, corrected for what their sources usually get wrong."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import NoReturn

from boz.core.errors import DataUnavailable, InvalidDataError, StaleDataError
from prediction.constants import FITTED_ENGINE, OFFICIAL_SOURCES
from prediction.domain.distribution import gaussian_pmf
from prediction.domain.errors_model import MIN_SD_F, prior_sd_f
from prediction.engines.base import (
    EngineForecast,
    Inputs,
    KnownForecast,
    require_temperature,
)

#: When sources that were learned from are silent, the spread widens by this factor for each time
#: that their weight holds the weight of those that speak, and thrice at the most: a dozen models
#: of one silent service say little more than one of them.
MISSING_FACTOR = 1.15
MISSING_TIMES_AT_MOST = 3.0


@dataclass(frozen=True, slots=True)
class _Member:
    source: str
    mean_f: float
    sd_f: float
    n_train: int

    @property
    def weight(self) -> float:
        """Return the inverse of the error variance."""
        return 1.0 / self.sd_f**2


class ForecastGaussianEngine:
    """A Gaussian around the bias-corrected forecasts.

    Each source speaks with the inverse of its error variance. Sources share most of their errors,
    so several of them do not divide the spread: the variance is the weighted mean of theirs plus
    that of their disagreement.
    """

    name = FITTED_ENGINE

    def predict(self, inputs: Inputs) -> EngineForecast:
        """Return the combined Gaussian on whole degrees."""
        members, refused = _members(inputs)
        if not members:
            _raise_nothing(inputs, refused)
        total = math.fsum(member.weight for member in members)
        mean = math.fsum(member.weight * member.mean_f for member in members) / total
        own = math.fsum(member.weight * member.sd_f**2 for member in members) / total
        between = math.fsum(m.weight * (m.mean_f - mean) ** 2 for m in members) / total
        silent = _silent(inputs)
        present = _weight_present(inputs, members, silent)
        sd = math.sqrt(own + between) * _widening(present)
        return EngineForecast.of(
            gaussian_pmf(mean_f=mean, sd_f=sd),
            spread=math.sqrt(between) if len(members) > 1 else None,
            sources=tuple(member.source for member in members),
            missing=(
                *(_absence(source, inputs) for source in _absent(inputs, silent)),
                *refused,
            ),
            n_train=max(member.n_train for member in members),
            weight_present=present,
            note=_note(members),
        )


def source_spread_f(inputs: Inputs, forecast: KnownForecast) -> float:
    """Return the spread of a forecast's error at its own lead and season, degrees Fahrenheit.

    The learned spread is carried from the lead and month it was learned at to those of the
    forecast along the pooled curve, so that it grows with lead.
    """
    pooled = prior_sd_f(lead_hours=forecast.lead_hours, month=inputs.climate_day.month)
    skill = inputs.skill_of(forecast.source)
    if skill is None:
        return pooled
    reference = prior_sd_f(lead_hours=skill.reference_lead_hours, month=skill.reference_month)
    return max(MIN_SD_F, skill.sd_f * pooled / reference)


def _members(inputs: Inputs) -> tuple[list[_Member], tuple[str, ...]]:
    """Return the sources that speak, and why the others do not.

    A raw model whose errors are not known yet waits while another source can speak: its highs run
    about a degree cold, and twenty such models would outvote the one that is right.
    """
    everyone, refused = _readable_members(inputs)
    heard = [item for item in everyone if item.n_train > 0 or item.source in OFFICIAL_SOURCES]
    if not heard:
        return everyone, refused
    waiting = [item.source for item in everyone if item not in heard]
    if waiting:
        reason = "waits until its past errors are known; fetch_history and the agent fit learn them"
        refused = (*refused, *(f"{source} {reason}." for source in waiting))
    return heard, refused


def _readable_members(inputs: Inputs) -> tuple[list[_Member], tuple[str, ...]]:
    members: list[_Member] = []
    refused: list[str] = []
    for forecast in inputs.forecasts:
        try:
            high = require_temperature(forecast.high_f, name=f"forecast of {forecast.source}")
        except InvalidDataError as error:
            refused.append(error.message)
            continue
        skill = inputs.skill_of(forecast.source)
        members.append(
            _Member(
                source=forecast.source,
                mean_f=high - (0.0 if skill is None else skill.bias_f),
                sd_f=source_spread_f(inputs, forecast),
                n_train=0 if skill is None else skill.n_train,
            )
        )
    return members, tuple(refused)


def _silent(inputs: Inputs) -> list[str]:
    spoken = {forecast.source for forecast in inputs.forecasts}
    return [skill.source for skill in inputs.skills if skill.source not in spoken]


def _absent(inputs: Inputs, silent: list[str]) -> list[str]:
    return sorted({*silent, *inputs.stale})


def _absence(source: str, inputs: Inputs) -> str:
    if source in inputs.stale:
        return f"{source} has not been heard from lately, so its old forecast is not used."
    return f"No forecast of {source} was available."


def _weight_present(inputs: Inputs, members: list[_Member], silent: list[str]) -> float:
    there = math.fsum(member.weight for member in members)
    absent = math.fsum(1.0 / s.sd_f**2 for s in inputs.skills if s.source in silent)
    return there / (there + absent)


def _widening(weight_present: float) -> float:
    absent_times = (1.0 - weight_present) / weight_present
    return MISSING_FACTOR ** min(MISSING_TIMES_AT_MOST, absent_times)


def _raise_nothing(inputs: Inputs, refused: tuple[str, ...]) -> NoReturn:
    if refused:
        raise InvalidDataError(" ".join(refused), {"station": inputs.station_code})
    if inputs.stale:
        raise StaleDataError(
            f"The forecasts for {inputs.station_code} on {inputs.climate_day} are too old: "
            f"{', '.join(inputs.stale)} have not been heard from lately.",
            {"station": inputs.station_code, "sources": list(inputs.stale)},
        )
    raise DataUnavailable(
        f"No forecast for {inputs.station_code} on {inputs.climate_day} is known.",
        {"station": inputs.station_code, "climate_day": inputs.climate_day},
    )


def _note(members: list[_Member]) -> str:
    untrained = [member.source for member in members if member.n_train == 0]
    if untrained:
        return (
            f"No past errors of {', '.join(untrained)} are known yet, so the pooled spread of city "
            "forecasts was used."
        )
    return (
        "The belief rests on forecasts less their usual bias, with the spread of their past errors."
    )
