"""What the pages about accuracy show, gathered in a bounded number of queries."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from urllib.parse import urlencode

from django.db.models import Q

from boz.console.accuracy_charts import (
    AdvantageChart,
    HistogramChart,
    ReliabilityChart,
    WeightStrip,
    advantage_chart,
    pit_chart,
    reliability_chart,
    weight_strips,
)
from boz.core.errors import DataUnavailable
from prediction import selectors
from prediction.constants import MIN_DAYS_FOR_VERDICT
from prediction.domain.horizons import Horizon
from prediction.selectors import (
    AccuracyScope,
    AdvantagePoint,
    EngineAccuracy,
    Grades,
    PitHistogram,
    Reliability,
    SourceAccuracy,
)
from prediction.selectors.accuracy import DEFAULT_HORIZON, DEFAULT_WINDOW_DAYS, WINDOWS_DAYS
from prediction.selectors.accuracy_advantage import FIRST_DAYS
from prediction.selectors.accuracy_sources import SOURCE_HORIZONS
from prediction.services.champions import champion_at
from weather.models import Station

#: Forecasts are many more rows than scores, so their page starts with the shortest window.
SOURCES_WINDOW_DAYS = min(WINDOWS_DAYS)
#: How the horizons are called; times are local standard time.
HORIZON_WORDS = {
    Horizon.EARLY: "two evenings before, 21:00",
    Horizon.EVENING: "evening before, 21:00",
    Horizon.MORNING: "morning of the day, 10:00",
    Horizon.AFTERNOON: "afternoon of the day, 14:00",
}


@dataclass(frozen=True, slots=True)
class Asked:
    """What an address asks for; None leaves it to the page."""

    station: str | None = None
    horizon: Horizon | None = None
    engine: str | None = None
    window_days: int | None = None


@dataclass(frozen=True, slots=True)
class Choices:
    """What may be chosen on a page, and what is.

    ``horizon`` is None where each offered one is shown by itself.
    """

    scope: AccuracyScope
    horizon: Horizon | None
    offered: tuple[Horizon, ...]
    engine: str
    stations: list[Station]
    engines: list[str] = field(default_factory=list)

    @property
    def horizons(self) -> list[tuple[Horizon, str]]:
        """Return the horizons offered with their words."""
        return [(horizon, HORIZON_WORDS[horizon]) for horizon in self.offered]

    @property
    def address(self) -> str:
        """Return the choices as the query of an address, for links between the pages."""
        station = self.scope.station
        chosen = {
            "station": None if station is None else station.code,
            "horizon": self.horizon,
            "engine": self.engine,
            "days": self.scope.window_days,
        }
        return urlencode({name: value for name, value in chosen.items() if value is not None})

    @property
    def windows(self) -> tuple[int, ...]:
        """Return the windows that are offered, in days."""
        return WINDOWS_DAYS

    @property
    def where(self) -> str:
        """Say of which place the figures are."""
        return "all stations" if self.scope.station is None else self.scope.station.name

    @property
    def when(self) -> str:
        """Say of which moment the figures are."""
        return "" if self.horizon is None else HORIZON_WORDS[self.horizon]


@dataclass(frozen=True, slots=True)
class EnginesPage:
    """Scores side by side, the lead over the market and the weights."""

    choices: Choices
    rows: list[EngineAccuracy]
    points: list[AdvantagePoint]
    advantage: AdvantageChart | None
    strips: list[WeightStrip]
    only_heard: list[str]
    days_needed: int = MIN_DAYS_FOR_VERDICT
    first_days: int = FIRST_DAYS


@dataclass(frozen=True, slots=True)
class CalibrationPage:
    """Whether probabilities, spreads and grades come true."""

    choices: Choices
    reliability: Reliability
    reliability_chart: ReliabilityChart | None
    pit: PitHistogram
    pit_chart: HistogramChart | None
    pit_rows: list[tuple[str, int, float]]
    grades: Grades


@dataclass(frozen=True, slots=True)
class SourcesPage:
    """Errors of the forecast sources, by horizon."""

    choices: Choices
    groups: list[tuple[str, list[SourceAccuracy]]]


def engines_page(asked: Asked, *, now: dt.datetime) -> EnginesPage:
    """Return the page on the engines."""
    choices = _choices(asked, now=now)
    horizon = choices.horizon or DEFAULT_HORIZON
    rows = selectors.engine_accuracy(choices.scope, horizon=horizon)
    choices = _offer(choices, [row.engine for row in rows])
    points = selectors.market_advantage(choices.scope, engine=choices.engine, horizon=horizon)
    weights = selectors.engine_weights(choices.scope, horizon=horizon)
    return EnginesPage(
        choices=choices,
        rows=rows,
        points=points,
        advantage=advantage_chart(points, engine=choices.engine),
        strips=weight_strips([item for item in weights if item.mean > 0.0]),
        only_heard=[item.engine for item in weights if item.mean == 0.0],
    )


def calibration_page(asked: Asked, *, now: dt.datetime) -> CalibrationPage:
    """Return the page on calibration."""
    choices = _choices(asked, now=now)
    choices = _offer(choices, selectors.engines_scored(choices.scope, horizon=choices.horizon))
    engine, horizon = choices.engine, choices.horizon or DEFAULT_HORIZON
    diagram = selectors.reliability(choices.scope, engine=engine, horizon=horizon)
    histogram = selectors.pit_histogram(choices.scope, engine=engine, horizon=horizon)
    return CalibrationPage(
        choices=choices,
        reliability=diagram,
        reliability_chart=reliability_chart(diagram),
        pit=histogram,
        pit_chart=pit_chart(histogram),
        pit_rows=_pit_rows(histogram),
        grades=selectors.grade_accuracy(choices.scope, horizon=horizon),
    )


def sources_page(asked: Asked, *, now: dt.datetime) -> SourcesPage:
    """Return the page on the forecast sources, in a few queries per station."""
    choices = _choices(
        asked, now=now, offered=SOURCE_HORIZONS, default=None, window_days=SOURCES_WINDOW_DAYS
    )
    horizons = SOURCE_HORIZONS if choices.horizon is None else (choices.horizon,)
    rows = selectors.source_accuracy(choices.scope, horizons=horizons)
    return SourcesPage(
        choices=choices,
        groups=[
            (HORIZON_WORDS[horizon], [row for row in rows if row.horizon == horizon])
            for horizon in horizons
        ],
    )


def _choices(
    asked: Asked,
    *,
    now: dt.datetime,
    offered: tuple[Horizon, ...] = tuple(Horizon),
    default: Horizon | None = DEFAULT_HORIZON,
    window_days: int = DEFAULT_WINDOW_DAYS,
) -> Choices:
    wanted = Q(is_active=True) | Q(code=asked.station or "")
    stations = list(Station.objects.filter(wanted).order_by("code"))
    scope = selectors.accuracy_scope(
        as_of=now,
        window_days=asked.window_days or window_days,
        station=_station(stations, asked.station),
    )
    return Choices(
        scope=scope,
        horizon=asked.horizon if asked.horizon in offered else default,
        offered=offered,
        engine=asked.engine or champion_at(now),
        stations=stations,
    )


def _offer(choices: Choices, engines: Sequence[str]) -> Choices:
    """Offer some engines besides the one that is chosen."""
    return replace(choices, engines=sorted({*engines, choices.engine}))


def _station(stations: Sequence[Station], code: str | None) -> Station | None:
    if code is None:
        return None
    for station in stations:
        if station.code == code:
            return station
    raise DataUnavailable(f"There is no station {code!r}.", {"station": code})


def _pit_rows(told: PitHistogram) -> list[tuple[str, int, float]]:
    """Return each bin's bounds, count and share."""
    bins = len(told.counts)
    return [
        (
            f"{100 * place // bins} to {100 * (place + 1) // bins}%",
            count,
            count / told.cases if told.cases else 0.0,
        )
        for place, count in enumerate(told.counts)
    ]
