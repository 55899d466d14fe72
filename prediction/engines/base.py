"""What an engine is given and what it returns.

An engine is a pure function of :class:`Inputs`, and what it learns one of
:class:`~prediction.engines.past.Past`: it reads no database and no clock, so the same inputs give
the same distribution, bit for bit. The services that assemble both are the one place where "as of"
is enforced.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import json
import math
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Protocol, runtime_checkable

from boz.core.clock import format_utc
from boz.core.errors import InvalidDataError
from boz.core.schemas import PLAUSIBLE_HIGH_F, PLAUSIBLE_LOW_F, Bracket
from prediction.domain.day_so_far import Reading
from prediction.domain.distribution import IntegerPmf
from prediction.domain.horizons import Horizon, horizon_of
from prediction.engines.past import Past

#: What an engine has learned: plain JSON of its own making, kept with a version and a hash.
Parameters = dict[str, Any]


class EngineKind(StrEnum):
    """What an engine's belief may be used for."""

    #: Speaks from weather alone; may be traded on.
    MODEL = "model"
    #: The market itself: scored and pooled with, never traded on and never a training target.
    EXPERT = "expert"


@dataclass(frozen=True, slots=True)
class KnownForecast:
    """A source's latest high for the day, degrees Fahrenheit.

    Attributes:
        source: Its code.
        high_f: The high; the mean of the members where it is an ensemble.
        issued_at: When it was issued.
        lead_hours: Whole hours from the issue to the end of the climate day: the age of what the
            source knew decides its error, not the moment at which we look.
        sd_f: Standard deviation inside the source: stated by it, or that of its members.
        quantiles_f: Pairs of level in 0..1 and temperature, where the source states them.
    """

    source: str
    high_f: float
    issued_at: dt.datetime
    lead_hours: int
    sd_f: float | None = None
    quantiles_f: tuple[tuple[float, float], ...] = ()


@dataclass(frozen=True, slots=True)
class MarketView:
    """What the market said about the day.

    Attributes:
        ladder: The proven ladder, coldest first.
        probabilities: One per bracket, adding up to one.
    """

    ladder: tuple[Bracket, ...]
    probabilities: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class ReachedMaximum:
    """The high is certainly at least ``low_f``.

    Attributes:
        low_f: What interval arithmetic proves, degrees Fahrenheit; colder degrees are dead.
        hour_lst: Hour of the newest station report; None when no report of a thermometer is behind
            it (a partial climate report), so that the hourly rise table does not apply.
        estimate_f: Best single value of the running maximum, from which the usual rise is counted;
            ``low_f`` when None.
        evening_group_included: Whether maximum groups span the whole afternoon, so that no peak
            between two hourly readings was missed.
        start_included: Whether a maximum of the day from its first minute on is behind it, so that
            none before the first station report was missed.
    """

    low_f: int
    hour_lst: float | None
    estimate_f: int | None = None
    evening_group_included: bool = False
    start_included: bool = False


@dataclass(frozen=True, slots=True)
class Inputs:
    """Everything known at ``as_of`` about one station's climate day.

    Attributes:
        station_code: Our short city code.
        climate_day: Day in the station's standard time.
        as_of: Nothing known later is in here.
        lead_hours: Whole hours from ``as_of`` to the end of the climate day; 0 once it is over.
        forecasts: Latest per source that was heard from lately, sorted by source.
        stale: Sources that have said something but have not been heard from since; sorted.
        official_highs: Day and whole °F of finished days, oldest first.
        reached: The running maximum, or None.
        readings: The day's station reports behind it, oldest first.
        market: What the market said, or None where it was silent or incomplete.
        parameters: What each engine has learned, by its name; an engine without an entry has
            learned nothing yet and speaks from its shipped prior.
    """

    station_code: str
    climate_day: dt.date
    as_of: dt.datetime
    lead_hours: int
    forecasts: tuple[KnownForecast, ...] = ()
    stale: tuple[str, ...] = ()
    official_highs: tuple[tuple[dt.date, int], ...] = ()
    reached: ReachedMaximum | None = None
    readings: tuple[Reading, ...] = ()
    market: MarketView | None = None
    parameters: Mapping[str, Parameters] = field(default_factory=dict)

    @property
    def horizon(self) -> Horizon:
        """Return the class of lead and hour of this moment."""
        return horizon_of(self.lead_hours)


@dataclass(frozen=True, slots=True)
class Part:
    """One engine's share in a combined answer; ``weight`` is 0 for one that was only heard."""

    engine: str
    weight: float
    forecast: EngineForecast


@dataclass(frozen=True, slots=True)
class EngineForecast:
    """An engine's answer.

    Attributes:
        pmf: Probabilities of whole degrees Fahrenheit.
        mean: Mean, degrees Fahrenheit.
        sd: Standard deviation, degrees Fahrenheit.
        spread: Disagreement of the sources, degrees Fahrenheit; None with one or none.
        sources: What was used, in words.
        missing: What was wanted and absent, in words.
        n_train: Days the spread was learned from.
        weight_present: Share of the wanted members' weight that was there, 0..1.
        note: One sentence on how the answer came about.
        parts: The engines it was combined from and those only heard, by name; empty otherwise.
    """

    pmf: IntegerPmf
    mean: float
    sd: float
    spread: float | None
    sources: tuple[str, ...]
    missing: tuple[str, ...]
    n_train: int
    weight_present: float
    note: str
    parts: tuple[Part, ...] = ()

    @classmethod
    def of(
        cls,
        pmf: IntegerPmf,
        *,
        sources: tuple[str, ...],
        note: str,
        spread: float | None = None,
        missing: tuple[str, ...] = (),
        n_train: int = 0,
        weight_present: float = 1.0,
        parts: tuple[Part, ...] = (),
    ) -> EngineForecast:
        """Build an answer whose moments are those of its distribution."""
        return cls(
            pmf=pmf,
            mean=pmf.mean_f,
            sd=pmf.sd_f,
            spread=spread,
            sources=sources,
            missing=missing,
            n_train=n_train,
            weight_present=weight_present,
            note=note,
            parts=parts,
        )


@runtime_checkable
class Engine(Protocol):
    """A way to turn what is known into a distribution.

    Attributes:
        name: Its name in the registry and in every stored row.
        version: Counts up whenever the same inputs would give another distribution.
        kind: What its belief may be used for.
    """

    name: str
    version: int
    kind: EngineKind

    def fit(self, past: Past) -> Parameters | None:
        """Return what is learned from a station's past; None when there is nothing to learn.

        Raises:
            InvalidDataError: If the past cannot be true.
        """
        ...

    def predict(self, inputs: Inputs) -> EngineForecast:
        """Return the distribution of the day's high.

        Raises:
            DataUnavailable: If nothing that this engine needs is known.
            InvalidDataError: If all it was given cannot be true.
        """
        ...


def require_temperature(value: float, *, name: str) -> float:
    """Return a temperature in degrees Fahrenheit.

    Raises:
        InvalidDataError: If it is missing, infinite or no possible weather.
    """
    if not math.isfinite(value) or not PLAUSIBLE_LOW_F <= value <= PLAUSIBLE_HIGH_F:
        raise InvalidDataError(f"The {name} of {value:g} °F is no possible temperature.")
    return float(value)


@contextmanager
def reading_parameters(engine: str) -> Iterator[None]:
    """Turn what is missing or misshapen in stored parameters into a typed error.

    Raises:
        InvalidDataError: If the parameters are not those of this engine.
    """
    try:
        yield
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise InvalidDataError(
            f"The stored parameters of {engine} cannot be read; run the agent fit again.",
            {"engine": engine},
        ) from error


def canonical_hash(content: Any) -> str:
    """Return SHA-256 of the canonical JSON of plain values, dates and times."""
    text = json.dumps(content, sort_keys=True, separators=(",", ":"), default=_plain)
    return hashlib.sha256(text.encode()).hexdigest()


def _plain(value: Any) -> str:
    if isinstance(value, dt.datetime):
        return format_utc(value)
    if isinstance(value, dt.date):
        return value.isoformat()
    raise TypeError(f"{type(value).__name__} has no canonical form")
