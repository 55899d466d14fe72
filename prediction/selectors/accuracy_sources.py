"""How far each forecast source was from the official highs, as it stood at fixed leads."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from math import sqrt

from prediction.domain.horizons import REFERENCE_LEAD_HOURS, Horizon
from prediction.selectors.accuracy import AccuracyScope, mean_of
from weather.models import Station
from weather.selectors import StandingForecast, standing_forecasts

#: A forecast of the afternoon has seen part of the answer.
SOURCE_HORIZONS = (Horizon.EARLY, Horizon.EVENING, Horizon.MORNING)


@dataclass(frozen=True, slots=True)
class SourceAccuracy:
    """Errors of one source at one horizon, degrees Fahrenheit.

    Attributes:
        source: Code of the source.
        cases: Station days with a forecast and an official high.
        days: Climate days among them.
        bias_f: Mean of forecast less observed: positive is too warm.
        mae_f: Mean absolute error.
        rmse_f: Root mean square error, the bias included.
    """

    source: str
    horizon: Horizon
    cases: int
    days: int
    bias_f: float
    mae_f: float
    rmse_f: float


def source_accuracy(
    scope: AccuracyScope, *, horizons: Sequence[Horizon] = SOURCE_HORIZONS
) -> list[SourceAccuracy]:
    """Return how far each source was off, in a few queries per station.

    At each horizon the forecast counts that stood at its reference moment, however it was revised
    later; an official high counts once its final report was known.

    Args:
        scope: Which days, and of which station; the active ones together where it names none.
        horizons: At which moments; the afternoon has none.

    Returns:
        By horizon, the earliest first; the smallest mean absolute error first.
    """
    at_lead = {REFERENCE_LEAD_HOURS[at]: at for at in horizons if at in SOURCE_HORIZONS}
    errors: dict[tuple[Horizon, str], list[tuple[dt.date, float]]] = {}
    for row in _standing(scope, tuple(at_lead)):
        key = (at_lead[row.standing_lead_hours], row.source_code)
        errors.setdefault(key, []).append((row.climate_day, row.high_f - row.observed_f))
    found = [_accuracy(source, at, rows) for (at, source), rows in errors.items()]
    order = {at: position for position, at in enumerate(Horizon)}
    return sorted(found, key=lambda item: (order[item.horizon], item.mae_f, item.source))


def _standing(scope: AccuracyScope, leads: Sequence[int]) -> Iterable[StandingForecast]:
    stations = (
        Station.objects.filter(is_active=True).order_by("code")
        if scope.station is None
        else [scope.station]
    )
    for station in stations:
        yield from standing_forecasts(
            station=station, as_of=scope.as_of, since=scope.since, lead_hours=leads
        )


def _accuracy(
    source: str, horizon: Horizon, rows: Sequence[tuple[dt.date, float]]
) -> SourceAccuracy:
    errors = [error for _, error in rows]
    return SourceAccuracy(
        source=source,
        horizon=horizon,
        cases=len(errors),
        days=len({day for day, _ in rows}),
        bias_f=mean_of(errors),
        mae_f=mean_of([abs(error) for error in errors]),
        rmse_f=sqrt(mean_of([error * error for error in errors])),
    )
