"""The belief we trade on: every engine asked, weighted by what it has earned here.

Day-ahead engines are mixed linearly, the mixture's spread is corrected, a little climatology is
added so that only physics makes an impossible bracket, and then what the day has shown is heeded.
The market is heard and kept beside it, with weight 0: the belief stays the model's own.
"""

from __future__ import annotations

from dataclasses import dataclass

from boz.core.errors import BozBaseException, DataUnavailable, InvalidDataError, QuarantinedError
from prediction.constants import CLIMATOLOGY_SHARE, PRIMARY_ENGINE
from prediction.domain.distribution import IntegerPmf, gaussian_pmf, linear_pool
from prediction.engines.base import Engine, EngineForecast, EngineKind, Inputs, Parameters, Part
from prediction.engines.blend_fit import PRIOR_WEIGHTS, day_ahead_weights, spread_factor
from prediction.engines.climatology import ClimatologyEngine
from prediction.engines.emos import EMOS_FAST, EMOS_SLOW
from prediction.engines.market import MarketEngine
from prediction.engines.nbm_percentiles import NbmPercentilesEngine
from prediction.engines.nowcast import NowcastEngine, conditioned
from prediction.engines.past import Past
from prediction.engines.weighted_mean import WeightedMeanEngine

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

    def __init__(self) -> None:
        """Build the engines that are asked; the order is that of the sentences on silent ones."""
        self._engines: tuple[Engine, ...] = (
            EMOS_SLOW,
            EMOS_FAST,
            NbmPercentilesEngine(),
            WeightedMeanEngine(),
            ClimatologyEngine(),
            NowcastEngine(),
            MarketEngine(),
        )

    def fit(self, past: Past) -> Parameters | None:
        """Learn nothing yet."""
        return None

    def predict(self, inputs: Inputs) -> EngineForecast:
        """Return the distribution of the day's high from everything but the market."""
        answers = _asked(self._engines, inputs)
        awake = [name for name in PRIOR_WEIGHTS if name in answers.said]
        if awake:
            weights = day_ahead_weights(inputs, awake)
            return conditioned(_mixed(answers, weights, inputs), inputs)
        if "climatology" in answers.said:
            return conditioned(_alone(answers, "climatology"), inputs)
        if "nowcast" in answers.said:
            return _alone(answers, "nowcast")
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


def _mixed(answers: _Answers, weights: dict[str, float], inputs: Inputs) -> EngineForecast:
    """Return the mixture of the day-ahead engines with its parts."""
    mixture = linear_pool([answers.said[name].pmf for name in weights], list(weights.values()))
    corrected = mixture.widened(spread_factor(inputs))
    leading = answers.said[max(weights, key=lambda name: weights[name])]
    return EngineForecast.of(
        _with_climate(corrected, answers),
        spread=leading.spread,
        sources=_united(answers.said[name].sources for name in weights),
        missing=_missing(answers, weights),
        n_train=leading.n_train,
        weight_present=leading.weight_present,
        note=leading.note,
        parts=answers.share(weights),
    )


def _alone(answers: _Answers, name: str) -> EngineForecast:
    """Return one engine's answer as the whole belief."""
    only = answers.said[name]
    return EngineForecast.of(
        only.pmf,
        sources=only.sources,
        missing=_missing(answers, {name: 1.0}),
        n_train=only.n_train,
        weight_present=0.0,
        note=only.note,
        parts=answers.share({name: 1.0}),
    )


def _with_climate(pmf: IntegerPmf, answers: _Answers) -> IntegerPmf:
    climate = answers.said.get("climatology")
    background = (
        gaussian_pmf(mean_f=pmf.mean_f, sd_f=UNKNOWN_CLIMATE_SD_F)
        if climate is None
        else climate.pmf
    )
    return pmf.mixed_with(background, CLIMATOLOGY_SHARE)


def _missing(answers: _Answers, weights: dict[str, float]) -> tuple[str, ...]:
    """Return what the engines in use missed, then why others are silent; each sentence once."""
    wanted = [item for name in weights for item in answers.said[name].missing]
    silent = [
        sentence for name, sentence in answers.silent.items() if name not in ("market", "nowcast")
    ]
    return tuple(dict.fromkeys([*wanted, *silent]))


def _united(groups: object) -> tuple[str, ...]:
    return tuple(dict.fromkeys(source for group in groups for source in group))  # type: ignore


def _sentence(error: BozBaseException) -> str:
    return error.message if error.message.endswith(".") else f"{error.message}."
