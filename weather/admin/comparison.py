"""Everything that was said about one climate day, laid side by side."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

from weather.admin.charts import scale_of
from weather.admin.words import NOTHING, degrees, interval, moment
from weather.models import ClimateReport, DailySummary, Observation, Station
from weather.selectors import (
    RunningMaximum,
    official_report,
    running_maximum,
    second_reading,
)

CHART_WIDTH = 720.0
CHART_HEIGHT = 180.0
CHART_LEFT = 36.0
CHART_BOTTOM = 22.0
#: Reports of one day: one every five minutes, from two services.
OBSERVATIONS_AT_MOST = 600
MINUTES_OF_DAY = 24 * 60
LEAST_BAR = 3.0


@dataclass(frozen=True, slots=True)
class Cell:
    """A value, and whether it differs from the issuance before."""

    text: str
    is_changed: bool


@dataclass(frozen=True, slots=True)
class Issuance:
    """One column."""

    report: ClimateReport
    standing: str
    kind: str


@dataclass(frozen=True, slots=True)
class Bar:
    """A station report on the chart of the day."""

    x: float
    y: float
    height: float
    words: str


@dataclass(frozen=True, slots=True)
class DayChart:
    """The station reports of a day over its hours in standard time."""

    bars: list[Bar]
    degrees: list[tuple[float, int]]
    hours: list[tuple[float, str]]
    official_y: float | None
    official_f: int | None
    width: float = CHART_WIDTH
    height: float = CHART_HEIGHT
    left: float = CHART_LEFT


@dataclass(frozen=True, slots=True)
class DayComparison:
    """The page of one station and climate day.

    Args:
        is_settled_alike: Whether the second reading gives the official high; None without both.
    """

    issuances: list[Issuance]
    rows: list[tuple[str, list[Cell]]]
    summaries: list[DailySummary]
    official: ClimateReport | None
    second: DailySummary | None
    certain: RunningMaximum | None
    is_settled_alike: bool | None
    chart: DayChart | None


def compare_day(*, station: Station, climate_day: dt.date, as_of: dt.datetime) -> DayComparison:
    """Return everything said about a day that was known then; withdrawn rows are marked."""
    reports = list(
        ClimateReport.objects.filter(
            station=station, climate_day=climate_day, available_at__lte=as_of
        )
        .select_related("source")
        .order_by("issued_at", "is_correction", "pk")
    )
    summaries = list(
        DailySummary.objects.filter(
            station=station, climate_day=climate_day, available_at__lte=as_of
        )
        .select_related("source")
        .order_by("source__code", "issued_at", "pk")
    )
    official = official_report(station=station, climate_day=climate_day, as_of=as_of)
    second = second_reading(station=station, climate_day=climate_day, as_of=as_of)
    return DayComparison(
        issuances=[_issuance(item, official, as_of=as_of) for item in reports],
        rows=_rows(reports),
        summaries=summaries,
        official=official,
        second=second,
        certain=running_maximum(station=station, climate_day=climate_day, as_of=as_of),
        is_settled_alike=(
            None if official is None or second is None else official.max_f == second.max_f
        ),
        chart=_chart(station, climate_day, official, as_of=as_of),
    )


def _issuance(
    report: ClimateReport, official: ClimateReport | None, *, as_of: dt.datetime
) -> Issuance:
    if report.withdrawn_at is not None and report.withdrawn_at <= as_of:
        return Issuance(report, "withdrawn", "down")
    if official is not None and report.pk == official.pk:
        return Issuance(report, "stands", "ok")
    if report.is_preliminary:
        return Issuance(report, "lower bound", "unknown")
    return Issuance(report, "replaced", "degraded")


def _rows(reports: list[ClimateReport]) -> list[tuple[str, list[Cell]]]:
    """Return the values by field, each marked where it differs from the issuance before."""
    return [
        (name, _marked([read(report) for report in reports]))
        for name, read in (
            ("Kind", lambda report: "partial" if report.is_preliminary else "final"),
            ("Maximum", lambda report: degrees(report.max_f)),
            ("at (standard time)", lambda report: report.max_time_lst or NOTHING),
            ("Record", lambda report: "yes" if report.max_is_record else "no"),
            ("Estimated", lambda report: "yes" if report.max_is_estimated else "no"),
            ("Minimum", lambda report: degrees(report.min_f)),
            ("at (standard time) ", lambda report: report.min_time_lst or NOTHING),
            ("Marked as correction", lambda report: "yes" if report.is_correction else "no"),
        )
    ]


def _marked(values: list[str]) -> list[Cell]:
    before = [*values[:1], *values]
    return [Cell(value, value != earlier) for value, earlier in zip(values, before, strict=False)]


def _chart(
    station: Station,
    climate_day: dt.date,
    official: ClimateReport | None,
    *,
    as_of: dt.datetime,
) -> DayChart | None:
    start, end = station.climate_day_bounds(climate_day)
    reports = list(
        Observation.objects.known(as_of)
        .filter(station=station, available_at__gte=start, observed_at__gte=start)
        .filter(observed_at__lt=end)
        .order_by("observed_at")
        .values_list("observed_at", "temp_low_f", "temp_high_f")[:OBSERVATIONS_AT_MOST]
    )
    if not reports:
        return None
    official_f = None if official is None else official.max_f
    scale = scale_of(
        [temp for _, low, high in reports for temp in (low, high)]
        + ([] if official_f is None else [official_f])
    )
    if scale is None:
        return None
    span = CHART_HEIGHT - CHART_BOTTOM - LEAST_BAR

    def y(temp_f: float) -> float:
        share = (scale.high_f - temp_f) / (scale.high_f - scale.low_f)
        return round(LEAST_BAR + share * span, 1)

    def x(minutes: float) -> float:
        return round(CHART_LEFT + minutes / MINUTES_OF_DAY * (CHART_WIDTH - CHART_LEFT - 8), 1)

    return DayChart(
        bars=[
            Bar(
                x=x((at - start).total_seconds() / 60),
                y=y(high) - LEAST_BAR / 2,
                height=round(y(low) - y(high) + LEAST_BAR, 1),
                words=f"{moment(at)}: {interval(low, high)} °F",
            )
            for at, low, high in reports
        ],
        degrees=[(y(value), value) for _, value in scale.ticks],
        hours=[(x(hour * 60), f"{hour:02d}") for hour in range(0, 25, 6)],
        official_y=None if official_f is None else y(official_f),
        official_f=official_f,
    )
