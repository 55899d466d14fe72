"""The shipped model of the remaining rise, read once."""

from __future__ import annotations

import functools
import json
from importlib.resources import files
from typing import Any

from prediction.domain.remaining_rise import RiseModel, StationEffect


def shipped_rise_model() -> RiseModel:
    """Return the model that every station starts from."""
    return _shipped()[0]


def shipped_station_effect(station_code: str) -> StationEffect | None:
    """Return the effect of a city whose thermometer the model was fitted on, None for others.

    Args:
        station_code: Our short city code.
    """
    return _shipped()[1].get(station_code)


@functools.cache
def _shipped() -> tuple[RiseModel, dict[str, StationEffect]]:
    text = files("prediction.priors").joinpath("remaining_rise.json").read_text(encoding="utf-8")
    stored: dict[str, Any] = json.loads(text)
    effects = {code: StationEffect.from_json(effect) for code, effect in stored["stations"].items()}
    return RiseModel.from_json(stored["model"]), effects
