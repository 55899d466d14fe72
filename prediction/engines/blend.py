"""The belief we trade on: every engine asked, weighted by what it has earned here.

Day-ahead engines are mixed linearly; the mixture's spread and then its shape are corrected, as its
ranks on settled days taught; a little climatology is added, after the correction so that this
cannot take it away, and only physics makes an impossible bracket; then what the day has shown is
heeded, last because it is proven.
The market is heard and kept beside it, with weight 0: the belief stays the model's own.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from boz.core.errors import BozBaseException, DataUnavailable, InvalidDataError, QuarantinedError
from prediction.constants import (
    CLIMATOLOGY_ENGINE,
    CLIMATOLOGY_SHARE,
    EMOS_SLOW_ENGINE,
    NBM_ENGINE,
    NOWCAST_ENGINE,
    PRIMARY_ENGINE,
    WEIGHTED_MEAN_ENGINE,
)
from prediction.domain.discretised import gaussian_pmf
from prediction.domain.distribution import IntegerPmf
from prediction.engines.base import Engine, EngineForecast, EngineKind, Inputs, Parameters, Part
from prediction.engines.blend_fit import correction, engine_weights, fit_blend
from prediction.engines.mixture import PRIOR_WEIGHTS, day_ahead_mixture
from prediction.engines.nowcast import conditioned
from prediction.engines.past import Past

#: Engines whose silence is told: a consensus, observations or a market may well be absent.
EXPECTED = (EMOS_SLOW_ENGINE, NBM_ENGINE, CLIMATOLOGY_ENGINE)
#: Spread of the stand-in for a climatology that is not known yet, °F: any weather of the season.
UNKNOWN_CLIMATE_SD_F = 12.0


@dataclass(frozen=True, slots=True)
class _Answers:
    """What each engine said, in a fixed order, and why the others said nothing."""

    said: dict[str, EngineForecast]
    silent: dict[str, str]

    def share(self, weights: dict[str, float]) -> tuple[Part, ...]:
        """Return every answer with its weight, by name."""
        return tuple(
            Part(name, weights.get(name, 0.0), self.said[name]) for name in sorted(self.said)
        )


class BlendEngine:
    """Forecasts when there are any, else climatology, else today's observations alone."""

    name = PRIMARY_ENGINE
    version = 1
    kind = EngineKind.MODEL

    def __init__(self, asked: tuple[Engine, ...]) -> None:
        """Say which engines are asked; the order is that of the sentences on silent ones."""
        self._engines = asked

    def fit(self, past: Past) -> Parameters | None:
        """Return weights, corrections of the mixture and market exponents, by horizon."""
        return fit_blend(past)

    def predict(self, inputs: Inputs) -> EngineForecast:
        """Return the distribution of the day's high from everything but the market."""
        answers = _asked(self._engines, inputs)
        awake = _day_ahead(answers)
        if awake:
            weights = engine_weights(_learned(inputs), inputs.horizon, awake)
            return conditioned(_mixed(answers, weights, inputs), inputs)
        if CLIMATOLOGY_ENGINE in answers.said:
            return conditioned(_alone(answers, CLIMATOLOGY_ENGINE), inputs)
        if NOWCAST_ENGINE in answers.said:
            return _alone(answers, NOWCAST_ENGINE)
        raise DataUnavailable(
            f"Nothing is known about {inputs.station_code} on {inputs.climate_day}. "
            f"{' '.join(answers.silent.values())}",
            {"station": inputs.station_code, "climate_day": inputs.climate_day},
        )


def _asked(engines: tuple[Engine, ...], inputs: Inputs) -> _Answers:
    said: dict[str, EngineForecast] = {}
    silent: dict[str, str] = {}
    for engine in engines:
        try:
            said[engine.name] = engine.predict(inputs)
        except (DataUnavailable, InvalidDataError, QuarantinedError) as error:
            silent[engine.name] = _sentence(error)
    return _Answers(said, silent)


def _day_ahead(answers: _Answers) -> list[str]:
    """Return the engines to mix, in a fixed order.

    The consensus takes raw models at their word, so it waits as they do until their errors here
    have been learned, unless nobody else speaks.
    """
    names = [name for name in PRIOR_WEIGHTS if name in answers.said]
    has_learned = any(answers.said[name].n_train > 0 for name in names)
    others = [name for name in names if name != WEIGHTED_MEAN_ENGINE]
    return names if has_learned else others or names


def _mixed(answers: _Answers, weights: dict[str, float], inputs: Inputs) -> EngineForecast:
    """Return the corrected mixture of the day-ahead engines with its parts."""
    used = {name: answers.said[name] for name in weights}
    mixture = day_ahead_mixture({name: (weights[name], used[name].pmf) for name in used})
    corrected = correction(_learned(inputs), inputs.horizon).apply(mixture)
    leading = used[max(weights, key=lambda name: weights[name])]
    spreads = [answer.spread for answer in used.values() if answer.spread is not None]
    present = [weights[name] * answer.weight_present for name, answer in used.items()]
    return EngineForecast.of(
        _with_climate(corrected, answers),
        spread=max(spreads, default=None),
        sources=tuple(
            dict.fromkeys(source for answer in used.values() for source in answer.sources)
        ),
        missing=_missing(answers, leading),
        n_train=max(answer.n_train for answer in used.values()),
        weight_present=min(1.0, math.fsum(present)),
        note=leading.note,
        parts=answers.share(weights),
    )


def _alone(answers: _Answers, name: str) -> EngineForecast:
    """Return one engine's answer as the whole belief."""
    only = answers.said[name]
    return EngineForecast.of(
        only.pmf,
        sources=only.sources,
        missing=_missing(answers, only),
        n_train=only.n_train,
        weight_present=0.0,
        note=only.note,
        parts=answers.share({name: 1.0}),
    )


def _with_climate(pmf: IntegerPmf, answers: _Answers) -> IntegerPmf:
    climate = answers.said.get(CLIMATOLOGY_ENGINE)
    background = (
        gaussian_pmf(mean_f=pmf.mean_f, sd_f=UNKNOWN_CLIMATE_SD_F)
        if climate is None
        else climate.pmf
    )
    return pmf.mixed_with(background, CLIMATOLOGY_SHARE)


def _missing(answers: _Answers, leading: EngineForecast) -> tuple[str, ...]:
    """Return what the leading engine missed, then why others are silent; each sentence once."""
    silent = [answers.silent[name] for name in EXPECTED if name in answers.silent]
    return tuple(dict.fromkeys([*leading.missing, *silent]))


def _learned(inputs: Inputs) -> Parameters:
    return inputs.parameters.get(PRIMARY_ENGINE, {})


def _sentence(error: BozBaseException) -> str:
    return error.message if error.message.endswith(".") else f"{error.message}."
