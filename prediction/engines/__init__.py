"""The engines by name: the one place where they are listed."""

from __future__ import annotations

from boz.core.errors import DataUnavailable
from prediction.engines.base import Engine, EngineForecast, Inputs
from prediction.engines.blend import BlendEngine
from prediction.engines.climatology import ClimatologyEngine
from prediction.engines.emos import EMOS_FAST, EMOS_SLOW
from prediction.engines.idr import IdrEngine
from prediction.engines.market import MarketEngine
from prediction.engines.nbm_percentiles import NbmPercentilesEngine
from prediction.engines.nowcast import NowcastEngine
from prediction.engines.weighted_mean import WeightedMeanEngine

#: Every engine that speaks for itself; the blend asks all of them.
_ASKED: tuple[Engine, ...] = (
    EMOS_SLOW,
    EMOS_FAST,
    NbmPercentilesEngine(),
    WeightedMeanEngine(),
    IdrEngine(),
    ClimatologyEngine(),
    NowcastEngine(),
    MarketEngine(),
)
ENGINES: dict[str, Engine] = {engine.name: engine for engine in (BlendEngine(_ASKED), *_ASKED)}


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
