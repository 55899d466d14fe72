"""What an engine is given and what it returns.

An engine is a pure function of :class:`Inputs`: it reads no database and no clock, so the same
inputs give the same distribution, bit for bit. The service that assembles the inputs is the one
place where "as of" is enforced.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import json
import math
from dataclasses import dataclass
from typing import Any, Protocol, runtime_checkable

from boz.core.clock import format_utc
from boz.core.errors import InvalidDataError
from boz.core.schemas import PLAUSIBLE_HIGH_F, PLAUSIBLE_LOW_F
from prediction.domain.distribution import IntegerPmf


@dataclass(frozen=True, slots=True)
class KnownForecast:
    """A source's latest high for the day, degrees Fahrenheit.

    ``lead_hours`` runs from the issue to the end of the climate day, in whole hours: the age of
    what the source knew decides its error, not the moment at which we look.
    """

    source: str
    high_f: float
    issued_at: dt.datetime
    lead_hours: int


@dataclass(frozen=True, slots=True)
class SourceSkill:
    """Bias and spread learned for one source at a reference lead and season.

    ``bias_f`` is forecast minus observed, degrees Fahrenheit.
    """

    source: str
    bias_f: float
    sd_f: float
    n_train: int
    reference_lead_hours: float
    reference_month: int


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
    """

    low_f: int
    hour_lst: float | None
    estimate_f: int | None = None
    evening_group_included: bool = False


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
        skills: Learned error models per source, sorted by source; empty before the first fit.
        official_highs: Day and whole °F of finished days, oldest first.
        reached: The running maximum, or None.
    """

    station_code: str
    climate_day: dt.date
    as_of: dt.datetime
    lead_hours: int
    forecasts: tuple[KnownForecast, ...] = ()
    stale: tuple[str, ...] = ()
    skills: tuple[SourceSkill, ...] = ()
    official_highs: tuple[tuple[dt.date, int], ...] = ()
    reached: ReachedMaximum | None = None

    def skill_of(self, source: str) -> SourceSkill | None:
        """Return what was learned about a source, or None."""
        return next((skill for skill in self.skills if skill.source == source), None)


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
        )


@runtime_checkable
class Engine(Protocol):
    """A way to turn what is known into a distribution."""

    name: str

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
