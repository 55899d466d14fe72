"""The report: means with intervals per snapshot, per city and overall."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from prediction.domain.intervals import day_block_interval
from prediction.services.forecast_scoring.scores import METRICS, SIDES, Scored

#: Differences that are reported; below zero the first of the two is better.
DIFFERENCES = (("blend", "market"), ("engine", "market"))
_DIGITS = 6


def report_of(scored: Sequence[Scored]) -> dict[str, Any]:
    """Return the means of all scored ladders, shaped for JSON.

    ``snapshots`` has one entry per snapshot and ``overall`` one for all together, each with its
    cities. An entry has ``n``, ``days`` and, per side, the means of the metrics and their
    ``intervals``; ``blend_minus_market`` and ``engine_minus_market`` are means of differences on
    the same ladders. The engine is scored on the ``n_engine`` ladders on which it was not silent.
    Where nothing could be scored the means are null.
    """
    groups = sorted({item.group for item in scored})
    return {
        "snapshots": {
            group: _with_cities([item for item in scored if item.group == group])
            for group in groups
        },
        "overall": _with_cities(scored),
    }


def _with_cities(scored: Sequence[Scored]) -> dict[str, Any]:
    cities = sorted({item.city for item in scored})
    return _entry(scored) | {
        "cities": {city: _entry([item for item in scored if item.city == city]) for city in cities}
    }


def _entry(scored: Sequence[Scored]) -> dict[str, Any]:
    ordered = sorted(scored, key=lambda item: (item.climate_day, item.city, item.group))
    entry: dict[str, Any] = {
        "n": len(ordered),
        "n_engine": sum("engine" in item.scores for item in ordered),
        "days": len({item.climate_day for item in ordered}),
    }
    for side in SIDES:
        spoken = [item for item in ordered if side in item.scores]
        entry[side] = _means([item.scores[side] for item in spoken], spoken)
    for first, second in DIFFERENCES:
        both = [item for item in ordered if {first, second} <= item.scores.keys()]
        entry[f"{first}_minus_{second}"] = _means(
            [_difference(item.scores[first], item.scores[second]) for item in both], both
        )
    return entry


def _difference(first: Sequence[float], second: Sequence[float]) -> tuple[float, ...]:
    return tuple(a - b for a, b in zip(first, second, strict=True))


def _means(scores: Sequence[Sequence[float]], scored: Sequence[Scored]) -> dict[str, Any]:
    """Return the mean of each metric and its interval by blocks of days, null on one day alone."""
    days = [item.climate_day for item in scored]
    means: dict[str, Any] = dict.fromkeys(METRICS)
    intervals: dict[str, list[float] | None] = dict.fromkeys(METRICS)
    for index, metric in enumerate(METRICS if scores else ()):
        values = [parts[index] for parts in scores]
        means[metric] = round(math.fsum(values) / len(values), _DIGITS)
        if len(set(days)) > 1:
            found = day_block_interval(values, days)
            intervals[metric] = [round(found.low, _DIGITS), round(found.high, _DIGITS)]
    return means | {"intervals": intervals}
