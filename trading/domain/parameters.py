"""Parameters of the strategies, checked when a strategy is saved and when it runs."""

from __future__ import annotations

from decimal import Decimal
from typing import Annotated

from pydantic import Field, ValidationError

from boz.core.errors import OperatorActionRequired
from boz.core.schemas import Confidence, PriceDollars, Probability, Schema


class StrategyParameters(Schema):
    """How the value strategy turns a belief and a book into orders.

    The market is a strong forecaster, so the belief is shrunk toward it before both the expected
    value and the size: ``model_weight`` is the belief's share in log odds. Long shots are left
    alone by default: they are where a slightly wide distribution sees most value, and where takers
    are known to lose most (favourite-longshot bias; Bürgi, Deng and Whelan 2025).
    """

    model_weight: Probability = 0.5
    kelly_fraction: Annotated[float, Field(gt=0, le=1)] = 0.25
    max_edge_dollars: PriceDollars = Decimal("0.50")
    min_price_dollars: PriceDollars = Decimal("0.10")
    max_price_dollars: PriceDollars = Decimal("0.90")
    max_spread_dollars: PriceDollars = Decimal("0.15")
    max_trades_per_event: Annotated[int, Field(ge=1, le=12)] = 2
    min_confidence: Confidence = Confidence.LOW
    max_sd_f: Annotated[float, Field(gt=0)] = 4.5
    minutes_before_close: Annotated[int, Field(ge=0)] = 60


#: The strategies there are: registry name and the schema of its parameters.
STRATEGY_KINDS: dict[str, type[StrategyParameters]] = {"value": StrategyParameters}


def checked_parameters(kind: str, parameters: dict[str, object]) -> StrategyParameters:
    """Return typed parameters.

    Raises:
        OperatorActionRequired: If the kind is unknown or a parameter makes no sense.
    """
    schema = STRATEGY_KINDS.get(kind)
    if schema is None:
        raise OperatorActionRequired(
            f"There is no strategy kind '{kind}'; choose one of {', '.join(STRATEGY_KINDS)}.",
            {"kind": kind},
        )
    try:
        return schema.model_validate(parameters)
    except ValidationError as error:
        first = error.errors()[0]
        field = ".".join(str(part) for part in first["loc"]) or "parameters"
        raise OperatorActionRequired(
            f"Parameter {field} of strategy kind '{kind}' is not usable: {first['msg']}.",
            {"kind": kind, "field": field},
        ) from error
