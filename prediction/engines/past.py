"""What an engine may learn from: a station's past as it was known at one moment.

Everything in here was available by ``as_of``; a forecast stands beside a day as it stood at the
reference moment of its horizon, never as it was revised later.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

from boz.core.schemas import Bracket
from prediction.domain.horizons import Horizon
from prediction.domain.rise_fit import PastDay


@dataclass(frozen=True, slots=True)
class PastForecast:
    """What a source said about a finished day, degrees Fahrenheit; ``sd_f`` inside the source."""

    source: str
    high_f: float
    lead_hours: float
    sd_f: float | None = None


@dataclass(frozen=True, slots=True)
class PastCase:
    """The forecasts known at one horizon of a finished day, and the official high it got.

    Attributes:
        climate_day: The day.
        horizon: At whose reference moment the forecasts stood so.
        forecasts: One per source, sorted by source.
        observed_f: The official high, whole degrees Fahrenheit.
    """

    climate_day: dt.date
    horizon: Horizon
    forecasts: tuple[PastForecast, ...]
    observed_f: int


@dataclass(frozen=True, slots=True)
class ScoredBelief:
    """How the engines' beliefs of one station, day and horizon did.

    Attributes:
        station_code: Our short city code.
        climate_day: The day.
        horizon: Class of lead and hour.
        crps_f: Engine name and its CRPS in degrees Fahrenheit, sorted by name; absent ones slept.
        ladder: Brackets scored on, coldest first.
        model: Model-only probability per bracket.
        market: The market's, or None where it was silent.
        outcome: Index of the bracket that paid.
        mixture_rank: F(y - 1) and F(y) of the official high in the blend's mixture of day-ahead
            engines, before any correction and the day's reports; None where none of them spoke.
    """

    station_code: str
    climate_day: dt.date
    horizon: Horizon
    crps_f: tuple[tuple[str, float], ...]
    ladder: tuple[Bracket, ...]
    model: tuple[float, ...]
    market: tuple[float, ...] | None
    outcome: int
    mixture_rank: tuple[float, float] | None = None


@dataclass(frozen=True, slots=True)
class Past:
    """Everything a station's engines may learn from.

    Attributes:
        station_code: Our short city code.
        as_of: Nothing known later is in here.
        target_day: First climate day that the fit is for; ages count back from it.
        cases: Oldest first, then by horizon.
        scored: Of all stations, oldest first, then by station and horizon: market exponents are
            learned from all of them, an engine's weights from the station's own.
        days: The station's finished days with their reports, oldest first.
    """

    station_code: str
    as_of: dt.datetime
    target_day: dt.date
    cases: tuple[PastCase, ...] = ()
    scored: tuple[ScoredBelief, ...] = ()
    days: tuple[PastDay, ...] = ()
