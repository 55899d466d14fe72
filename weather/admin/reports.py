"""Climate reports and daily summaries: every issuance, one day side by side, corrections."""

from __future__ import annotations

from typing import Any

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString

from boz.core.clock import utc_now
from boz.core.errors import BozBaseException
from weather.admin.comparison import compare_day
from weather.admin.days import chosen_day
from weather.admin.forms import CorrectionForm
from weather.admin.said import WITHDRAWN_FILTER, SaidAdmin, require_user
from weather.admin.words import degrees, moment, timed
from weather.models import ClimateReport, DailySummary
from weather.selectors import running_maximum
from weather.services.corrections import (
    CORRECT_PERMISSION,
    check_correction,
    correct_climate_report,
)


def day_address(row: ClimateReport | DailySummary) -> str:
    """Return the address of the page that shows a row's day side by side."""
    url = reverse("admin:weather_climatereport_day")
    return f"{url}?station={row.station.code}&day={row.climate_day.isoformat()}"


def day_link(row: ClimateReport | DailySummary) -> SafeString:
    """Lead to the page that shows a row's day side by side."""
    return format_html('<a href="{}">side by side</a>', day_address(row))


def _product(report: ClimateReport | None) -> str:
    return "" if report is None else report.product_id


@admin.register(ClimateReport)
class ClimateReportAdmin(SaidAdmin):
    """Every issuance of every climate report."""

    list_display = (
        "station", "climate_day", "maximum", "kind", "day_page", "counts", "issued_at",
        "available_at", "source", "min_f",
    )  # fmt: skip
    list_filter = (
        "station", "is_preliminary", "is_correction", "max_is_record", "source", WITHDRAWN_FILTER,
    )  # fmt: skip
    search_fields = ("station__code", "station__cli_id", "product_id", "note")
    date_hierarchy = "climate_day"
    change_list_template = "admin/weather/climatereport_change_list.html"

    def get_urls(self) -> list[URLPattern]:
        """Add the pages of a day and of a correction."""
        return [
            path(
                "day/", self.admin_site.admin_view(self.day_view), name="weather_climatereport_day"
            ),
            path(
                "correct/",
                self.admin_site.admin_view(self.correct_view),
                name="weather_climatereport_correct",
            ),
            *super().get_urls(),
        ]

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """Offer a correction to those who may."""
        context = {"may_correct": request.user.has_perm(CORRECT_PERMISSION)}
        return super().changelist_view(request, {**context, **(extra_context or {})})

    @admin.display(description="maximum", ordering="max_f")
    def maximum(self, report: ClimateReport) -> str:
        """Return the maximum with its time."""
        return timed(report.max_f, report.max_time_lst)

    @admin.display(description="kind", ordering="is_preliminary")
    def kind(self, report: ClimateReport) -> str:
        """Return how final it is."""
        kind = "partial" if report.is_preliminary else "final"
        return f"{kind}, correction" if report.is_correction else kind

    @admin.display(description="day")
    def day_page(self, report: ClimateReport) -> SafeString:
        """Lead to the day."""
        return day_link(report)

    def facts(self, row: ClimateReport) -> list[tuple[str, str]]:
        """Return what the issuance says."""
        return [
            ("Station", str(row.station)),
            ("Climate day", f"{row.climate_day}"),
            ("Product", row.product_id),
            ("Kind", self.kind(row)),
            ("Maximum", degrees(row.max_f)),
            ("Minimum", degrees(row.min_f)),
            ("Source", str(row.source)),
            ("Issued", moment(row.issued_at)),
        ]

    def day_view(self, request: HttpRequest) -> HttpResponse:
        """Show everything that was said about one day, side by side."""
        chosen = chosen_day(request, self, now=utc_now())
        page = None
        if chosen.station is not None:
            page = compare_day(station=chosen.station, climate_day=chosen.day, as_of=chosen.as_of)
        context = {
            **self._context(request),
            "title": "Climate reports side by side",
            "chosen": chosen,
            "page": page,
            "may_correct": request.user.has_perm(CORRECT_PERMISSION),
        }
        return TemplateResponse(request, "admin/weather/day.html", context)

    def correct_view(self, request: HttpRequest) -> HttpResponse:
        """Ask for values and reason, show what they change, and only then write them."""
        if not request.user.has_perm(CORRECT_PERMISSION):
            raise PermissionDenied
        if request.method != "POST":
            return self._ask(request, CorrectionForm(initial=request.GET.dict()))
        form = CorrectionForm(request.POST)
        if "back" in request.POST or not form.is_valid():
            return self._ask(request, form)
        try:
            before = check_correction(
                station=form.cleaned_data["station"],
                climate_day=form.cleaned_data["climate_day"],
                max_f=form.cleaned_data["max_f"],
                min_f=form.cleaned_data["min_f"],
                now=utc_now(),
            )
            if "confirmed" not in request.POST:
                return self._confirm(request, form, before)
            if request.POST.get("seen") != _product(before):
                self.message_user(
                    request, "Another report came in meanwhile. Look again.", messages.WARNING
                )
                return self._confirm(request, form, before)
            report = correct_climate_report(
                **form.cleaned_data, user=require_user(request), now=utc_now()
            )
        except BozBaseException as error:
            form.refuse(error)
            return self._ask(request, form)
        self.message_user(
            request,
            f"{report.station.name}, {report.climate_day}: {report.max_f} °F stands from now on.",
            messages.SUCCESS,
        )
        return HttpResponseRedirect(day_address(report))

    def _ask(self, request: HttpRequest, form: CorrectionForm) -> HttpResponse:
        context = {
            **self._context(request),
            "title": "Correct a climate report by hand",
            "form": form,
        }
        return TemplateResponse(request, "admin/weather/correct.html", context)

    def _confirm(
        self, request: HttpRequest, form: CorrectionForm, before: ClimateReport | None
    ) -> HttpResponse:
        """Show what would stand."""
        said = form.cleaned_data
        certain = running_maximum(
            station=said["station"], climate_day=said["climate_day"], as_of=utc_now()
        )
        context = {
            **self._context(request),
            "title": "Does this stand from now on?",
            "form": form,
            "said": said,
            "before": before,
            "seen": _product(before),
            "certain": certain,
            "is_below_certain": certain is not None and said["max_f"] < certain.low_f,
        }
        return TemplateResponse(request, "admin/weather/confirm_correction.html", context)

    def _context(self, request: HttpRequest) -> dict[str, Any]:
        return {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "media": self.media,
        }


@admin.register(DailySummary)
class DailySummaryAdmin(SaidAdmin):
    """Daily summary messages and The Weather Company's daily values."""

    list_display = (
        "station", "climate_day", "source", "maximum", "status", "day_page", "counts", "issued_at",
        "valid_until", "min_f", "is_correction",
    )  # fmt: skip
    list_filter = ("station", "source", "status", "is_correction", WITHDRAWN_FILTER)
    search_fields = ("station__code", "station__cli_id", "source__code", "raw")
    date_hierarchy = "climate_day"

    @admin.display(description="maximum", ordering="max_f")
    def maximum(self, summary: DailySummary) -> str:
        """Return the maximum with its time."""
        return timed(summary.max_f, summary.max_time_lst)

    @admin.display(description="day")
    def day_page(self, summary: DailySummary) -> SafeString:
        """Lead to the day."""
        return day_link(summary)

    def facts(self, row: DailySummary) -> list[tuple[str, str]]:
        """Return what the message says."""
        return [
            ("Station", str(row.station)),
            ("Climate day", f"{row.climate_day}"),
            ("Source", str(row.source)),
            ("Status", row.get_status_display()),
            ("Maximum", degrees(row.max_f)),
            ("Minimum", degrees(row.min_f)),
            ("Issued", moment(row.issued_at)),
            ("Message", row.raw or "-"),
        ]
