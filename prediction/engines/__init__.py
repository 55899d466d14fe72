"""The engines by name: the one place where they are listed."""

from __future__ import annotations

from boz.core.errors import DataUnavailable
from prediction.engines.base import Engine, EngineForecast, Inputs
from prediction.engines.climatology import ClimatologyEngine
from prediction.engines.combined import CombinedEngine
from prediction.engines.forecast_gaussian import ForecastGaussianEngine
from prediction.engines.nowcast import NowcastEngine

ENGINES: dict[str, Engine] = {
    engine.name: engine
    for engine in (
        CombinedEngine(),
        ForecastGaussianEngine(),
        ClimatologyEngine(),
        NowcastEngine(),
    )
}


def get_engine(name: str) -> Engine:
    """Return an engine.

    Raises:
        DataUnavailable: If none has this name; the message lists those there are.
    """
    engine = ENGINES.get(name)
    if engine is None:
        raise DataUnavailable(f"There is no engine {name!r}. There are: {', '.join(ENGINES)}.")
    return engine


__all__ = ["ENGINES", "Engine", "EngineForecast", "Inputs", "get_engine"]
