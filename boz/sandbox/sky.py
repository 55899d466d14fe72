"""What a world must know about its weather, recorded or invented, for the services to answer.

Every question names a moment, ``now`` or the end of a period, and nothing issued later than that
is ever in the answer.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import numpy.typing as npt

from boz.sandbox.climate_report import ClimateReport
from boz.sandbox.daily_summary import DailySummary
from boz.sandbox.places import Place
from boz.sandbox.recordings.loader import IntArray, RecordedObservation

FloatArray = npt.NDArray[np.float64]

#: A station report can be read this long after it was made.
DELAY = dt.timedelta(minutes=5)


@dataclass(frozen=True, slots=True)
class GridLayer:
    """A run-length layer: start, hours and value of each period."""

    uom: str
    values: tuple[tuple[dt.datetime, int, float | None], ...]


@dataclass(frozen=True, slots=True)
class GridIssue:
    """One issue of a grid's raw forecast; it speaks about the hours from ``valid_from`` on."""

    issued_at: dt.datetime
    valid_from: dt.datetime
    valid_hours: int
    layers: dict[str, GridLayer]


@dataclass(frozen=True, slots=True)
class HourlyIssue:
    """One issue of an hourly forecast; the first value is for the hour that begins at ``start``."""

    issued_at: dt.datetime
    start: dt.datetime
    temps_f: tuple[int, ...]
    dews_f: tuple[int, ...]
    winds_mph: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class ModelRun:
    """The newest run of a weather model that everybody can have."""

    started_at: dt.datetime
    available_at: dt.datetime
    interval: dt.timedelta
    horizon: dt.timedelta


@dataclass(frozen=True, slots=True)
class Bulletin:
    """One file of the National Blend's text."""

    published_at: dt.datetime
    content: bytes


class Sky(Protocol):
    """The weather of a world."""

    #: What every answer says it is derived from; None leaves it to each answer.
    derived_from: str | None
    places: tuple[Place, ...]

    def grid(self, place: Place, now: dt.datetime) -> GridIssue | None:
        """Return the newest raw forecast issued by ``now``."""

    def why_no_grid(self, place: Place) -> str:
        """Return why :meth:`grid` has nothing."""

    def hourly(self, place: Place, now: dt.datetime) -> HourlyIssue | None:
        """Return the newest hourly forecast issued by ``now``."""

    def reports(
        self, place: Place, start: dt.datetime, end: dt.datetime
    ) -> tuple[ClimateReport, ...]:
        """Return the climate reports issued in ``start..end``, oldest first."""

    def summaries(
        self, place: Place, start: dt.datetime, end: dt.datetime
    ) -> tuple[DailySummary, ...]:
        """Return the daily summary messages issued in ``start..end``, oldest first."""

    def observations(
        self, place: Place, start: dt.datetime, end: dt.datetime, *, five_minute: bool = False
    ) -> list[RecordedObservation]:
        """Return the station reports made in ``start..end``, oldest first."""

    def settlement_report(
        self, place: Place, day: dt.date, now: dt.datetime
    ) -> ClimateReport | None:
        """Return the report that the settlement company has read of a day, or None."""

    def model_run(self, model: str, now: dt.datetime) -> ModelRun | None:
        """Return the newest run of a model that is out by ``now``."""

    def model_hours(
        self, model: str, place: Place, hours: IntArray, now: dt.datetime, *, days_before: int = 0
    ) -> FloatArray | None:
        """Return a model's temperatures (members by hours, °F) at Unix seconds of whole hours.

        They come from the last run out by ``now``; NaN where it says nothing, row 0 is the control.

        Args:
            model: Name of the model.
            place: Where.
            hours: Unix seconds.
            now: Nothing from a run that is not out by then.
            days_before: 0 is the newest run; n is the run made at least n days before each hour.
        """

    def bulletin(self, kind: str, run: dt.datetime, now: dt.datetime) -> Bulletin | None:
        """Return a bulletin file (``nbp``, ``nbs``, ``nbe``), None before it is published."""

    def bulletin_block(
        self, kind: str, run: dt.datetime, place: Place, now: dt.datetime
    ) -> str | None:
        """Return one station's part of a bulletin file, None before it is published."""
