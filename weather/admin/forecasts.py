"""Forecasts: every issuance, and the latest runs of all sources for one climate day."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

from django.contrib import admin
from django.db.models import F, Window
from django.db.models.functions import RowNumber
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString

from boz.core.admin_mixins import json_block
from boz.core.clock import utc_now
from weather.admin.charts import WIDTH, Scale, Strip, scale_of, spread_of, strip_of
from weather.admin.days import chosen_day
from weather.admin.said import WITHDRAWN_FILTER, SaidAdmin
from weather.admin.words import age, moment
from weather.models import Forecast, ForecastSource, Station
from weather.selectors import RunningMaximum, official_report, running_maximum
from weather.sources import MODELS_BY_CODE, NBM_NBE, NBM_NBP, NBM_NBS, NWS_GRID

#: Columns of the page of runs.
RUNS_SHOWN = 5
#: Sources that are expected to say something about every day ahead.
EXPECTED = frozenset({NWS_GRID, NBM_NBE, NBM_NBP, NBM_NBS, *MODELS_BY_CODE})


@dataclass(frozen=True, slots=True)
class Run:
    """One issuance in a cell."""

    forecast: Forecast
    age: str
    change_f: float | None


@dataclass(frozen=True, slots=True)
class SourceRuns:
    """The issuances of one source, newest first."""

    source: ForecastSource
    runs: list[Run]
    strip: Strip

    @property
    def missing(self) -> range:
        """Return one number for each run that there is not."""
        return range(RUNS_SHOWN - len(self.runs))


@dataclass(frozen=True, slots=True)
class RunsOfDay:
    """The page of one station and climate day."""

    rows: list[SourceRuns]
    scale: Scale | None
    silent: list[str]
    official_f: int | None
    certain: RunningMaximum | None

    @property
    def official_x(self) -> float | None:
        """Return the place of the official high."""
        if self.scale is None or self.official_f is None:
            return None
        return self.scale.x(self.official_f)

    @property
    def certain_x(self) -> float | None:
        """Return the place of what is certain so far."""
        return (
            None if self.scale is None or self.certain is None else self.scale.x(self.certain.low_f)
        )


def runs_of_day(*, station: Station, climate_day: dt.date, as_of: dt.datetime) -> RunsOfDay:
    """Return what every source said last about a day, as known then."""
    newest_first = Window(
        RowNumber(), partition_by=F("source_id"), order_by=(F("issued_at").desc(), F("pk").desc())
    )
    found = (
        Forecast.objects.known(as_of)
        .filter(station=station, climate_day=climate_day)
        .annotate(place=newest_first)
        .filter(place__lte=RUNS_SHOWN + 1)
        .select_related("source")
        .defer("variables")
        .order_by("source__code", "place")
    )
    by_source: dict[str, list[Forecast]] = {}
    for row in found:
        by_source.setdefault(row.source.code, []).append(row)
    spreads = {
        code: spread_of(
            rows[0].high_f,
            members_f=rows[0].member_highs_f,
            quantiles_f=rows[0].quantiles_f,
            sd_f=rows[0].sd_f,
        )
        for code, rows in by_source.items()
    }
    report = official_report(station=station, climate_day=climate_day, as_of=as_of)
    certain = running_maximum(station=station, climate_day=climate_day, as_of=as_of)
    marks = [report.max_f] if report is not None and report.max_f is not None else []
    marks += [certain.low_f] if certain is not None else []
    ends = [end for spread in spreads.values() for end in (spread.low_f, spread.high_f)]
    scale = scale_of([*ends, *marks]) if ends else None
    rows = []
    if scale is not None:
        rows = [
            SourceRuns(
                source=issued[0].source,
                runs=_runs(issued, now=as_of),
                strip=strip_of(spreads[code], scale),
            )
            for code, issued in by_source.items()
        ]
    expected = ForecastSource.objects.filter(is_active=True, code__in=EXPECTED - set(by_source))
    return RunsOfDay(
        rows=rows,
        scale=scale,
        silent=list(expected.values_list("name", flat=True)),
        official_f=None if report is None else report.max_f,
        certain=certain,
    )


def _runs(issued: list[Forecast], *, now: dt.datetime) -> list[Run]:
    """Return the newest issuances with their change from the one before."""
    before: list[Forecast | None] = [*issued[1:], None]
    return [
        Run(
            forecast=item,
            age=age(item.issued_at, now=now),
            change_f=None if earlier is None else item.high_f - earlier.high_f,
        )
        for item, earlier in zip(issued, before, strict=True)
    ][:RUNS_SHOWN]


@admin.register(Forecast)
class ForecastAdmin(SaidAdmin):
    """Every issuance of every forecast."""

    list_display = (
        "station", "climate_day", "source", "high", "runs_link", "counts", "spread", "issued_at",
        "model_run_at", "available_at",
    )  # fmt: skip
    list_filter = ("station", "source", "climate_day", "model_run_at", WITHDRAWN_FILTER)
    search_fields = ("station__code", "station__name", "source__code", "source__name")
    date_hierarchy = "climate_day"
    change_list_template = "admin/weather/forecast_change_list.html"
    exclude = ("variables", "member_highs_f", "quantiles_f")
    readonly_fields = ("spread", "quantiles_shown", "members_shown", "variables_shown")

    def get_urls(self) -> list[URLPattern]:
        """Add the page of runs."""
        return [
            path("runs/", self.admin_site.admin_view(self.runs_view), name="weather_forecast_runs"),
            *super().get_urls(),
        ]

    def runs_view(self, request: HttpRequest) -> HttpResponse:
        """Show the latest runs of all sources for one station and climate day."""
        chosen = chosen_day(request, self, now=utc_now())
        page = None
        if chosen.station is not None:
            page = runs_of_day(station=chosen.station, climate_day=chosen.day, as_of=chosen.as_of)
        context = {
            **self.admin_site.each_context(request),
            "title": "Forecast runs",
            "opts": self.opts,
            "media": self.media,
            "chosen": chosen,
            "page": page,
            "strip_width": WIDTH,
            "columns": range(1, RUNS_SHOWN),
        }
        return TemplateResponse(request, "admin/weather/runs.html", context)

    def facts(self, row: Forecast) -> list[tuple[str, str]]:
        """Return whose high for which day."""
        return [
            ("Station", str(row.station)),
            ("Climate day", f"{row.climate_day}"),
            ("Source", str(row.source)),
            ("High", f"{row.high_f:.1f} °F"),
            ("Issued", moment(row.issued_at)),
            ("Known from", moment(row.available_at)),
        ]

    @admin.display(description="high, °F", ordering="high_f")
    def high(self, forecast: Forecast) -> str:
        """Return the high to a tenth."""
        return f"{forecast.high_f:.1f}"

    @admin.display(description="spread")
    def spread(self, forecast: Forecast) -> str:
        """Return what the issuance says of its uncertainty."""
        return spread_of(
            forecast.high_f,
            members_f=forecast.member_highs_f,
            quantiles_f=forecast.quantiles_f,
            sd_f=forecast.sd_f,
        ).words

    @admin.display(description="day")
    def runs_link(self, forecast: Forecast) -> SafeString:
        """Lead to the runs of the same day."""
        url = reverse("admin:weather_forecast_runs")
        return format_html(
            '<a href="{}?station={}&amp;day={}">all runs</a>',
            url,
            forecast.station.code,
            forecast.climate_day.isoformat(),
        )

    @admin.display(description="variables")
    def variables_shown(self, forecast: Forecast) -> SafeString:
        """Return the further variables."""
        return json_block(forecast.variables)

    @admin.display(description="member highs, °F")
    def members_shown(self, forecast: Forecast) -> str:
        """Return the ensemble members, coldest first."""
        return ", ".join(f"{value:.1f}" for value in sorted(forecast.member_highs_f)) or "-"

    @admin.display(description="quantiles, °F")
    def quantiles_shown(self, forecast: Forecast) -> str:
        """Return the stated quantiles."""
        pairs = [f"{share:.0%}: {temp:g}" for share, temp in forecast.quantiles_f]
        return ", ".join(pairs) or "-"
