"""The shipped model of the remaining rise, read once."""

from __future__ import annotations

import functools
import json
from importlib.resources import files

from prediction.domain.remaining_rise import RiseModel


@functools.cache
def shipped_rise_model() -> RiseModel:
    """Return the model that every station starts from."""
    text = files("prediction.priors").joinpath("remaining_rise.json").read_text(encoding="utf-8")
    return RiseModel.from_json(json.loads(text))
