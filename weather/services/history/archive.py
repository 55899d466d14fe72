"""What every archive has in common: what it holds, how it is asked, what its answer means."""

from __future__ import annotations

import datetime as dt
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, ClassVar, Generic, TypeVar

from boz.core.errors import InvalidDataError
from weather.models import ClimateReport, Forecast, ForecastSource, Observation, Station
from weather.services.history.spans import DaySpan, Period

Row = Forecast | ClimateReport | Observation
Answer = TypeVar("Answer")


class Kind(StrEnum):
    """What an archive tells about a climate day."""

    TRUTH = "truth"
    FORECASTS = "forecasts"
    OBSERVATIONS = "observations"


@dataclass(frozen=True, slots=True)
class Problem:
    """An entry that cannot be used.

    Args:
        subject: Which one, for people.
        reason: Why, in a sentence.
        context: Facts behind the reason.
    """

    subject: str
    reason: str
    context: Mapping[str, Any] = field(default_factory=dict)

    @classmethod
    def of(cls, subject: str, error: InvalidDataError) -> Problem:
        """Return the problem that an error tells of."""
        return cls(subject, error.message, error.context)


@dataclass(frozen=True, slots=True)
class Readout:
    """What an answer holds: rows that are not saved yet, and what was refused."""

    rows: list[Row]
    problems: list[Problem]


class Archive(ABC, Generic[Answer]):
    """One archive of one source.

    Args of the constructor are the subclass's own; by convention ``client`` is one of them.
    """

    kind: ClassVar[Kind]
    #: Days that one call covers at the most.
    period: ClassVar[Period]
    #: How far back it is asked unless the operator says otherwise.
    reach: ClassVar[dt.timedelta]
    #: After the end of a day, until the archive's word on it is taken for its last.
    settles_after: ClassVar[dt.timedelta]
    #: Code under which the rows are stored.
    source_code: str
    #: First day it holds; None when it reaches back further than anybody asks.
    begins_on: dt.date | None = None

    @abstractmethod
    def fetch(self, station: Station, days: DaySpan) -> Answer:
        """Ask for some days of a station; no database.

        Raises:
            BozBaseException: If there is no answer, or one that cannot be used at all.
        """

    @abstractmethod
    def read(
        self,
        answer: Answer,
        *,
        station: Station,
        days: DaySpan,
        source: ForecastSource,
        now: dt.datetime,
    ) -> Readout:
        """Return the rows of an answer for the days asked for; nothing is written."""
