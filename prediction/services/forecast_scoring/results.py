"""What the day of a recorded ladder became, as its rows say."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from boz.core.schemas import Bracket
from markets.services.imports.shapes import RowError
from prediction.services.forecast_scoring.tables import Row, number


@dataclass(frozen=True, slots=True)
class Result:
    """What a snapshot's day became.

    Args:
        outcome: Index of the bracket that paid, coldest first; None when the rows do not say.
        settled_f: The high it was settled on, whole °F; None likewise.
    """

    outcome: int | None
    settled_f: int | None


def read_result(rungs: Sequence[Sequence[Row]], ladder: Sequence[Bracket]) -> Result:
    """Read what paid; rows that contradict each other, or cannot be read, say nothing.

    Args:
        rungs: The rows of each bracket, coldest first.
        ladder: The brackets in the same order.
    """
    highs = {_told(row, "settle_high_f") for rung in rungs for row in rung} - {None}
    high = highs.pop() if len(highs) == 1 else None
    settled_f = None if high is None else math.floor(high + 0.5)
    paid = [
        index for index, rung in enumerate(rungs) if any(_told(row, "won") == 1.0 for row in rung)
    ]
    if not paid and settled_f is not None:
        paid = [index for index, bracket in enumerate(ladder) if bracket.contains(settled_f)]
    return Result(paid[0] if len(paid) == 1 else None, settled_f)


def _told(row: Row, name: str) -> float | None:
    try:
        return number(row, name)
    except RowError:
        return None
