"""Outside sources: how each behaves, what it said, what of it was refused."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.contrib import admin, messages
from django.contrib.auth.models import User
from django.db.models import QuerySet
from django.forms import ModelForm
from django.http import HttpRequest
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString

from boz.core.admin_mixins import NoDeleteAdminMixin, ReadOnlyAdminMixin, json_block
from boz.core.clock import utc_now
from weather.admin.charts import DAY, hour_x
from weather.admin.said import require_user
from weather.admin.switches import record_switch
from weather.admin.words import age, minutes_long, moment
from weather.models import (
    ForecastSource,
    HistoryChunk,
    Payload,
    Refusal,
    SourceContact,
)
from weather.services.payloads import payload_body
from weather.services.second_chances import ask_again, read_again

#: Characters of a raw answer that its page shows.
SHOWN_CHARS = 20_000
TIMELINE_WIDTH = 720.0
TIMELINE_HOURS = 24
#: Every run of a source asked each minute for a day.
CONTACTS_AT_MOST = 1440
LISTED_CONTACTS = 10


def each_selected(
    model_admin: admin.ModelAdmin,
    request: HttpRequest,
    rows: QuerySet,
    act: Callable[[Any, User], None],
    *,
    told: str,
) -> None:
    """Do something with each selected row and say what was done."""
    user = require_user(request)
    for row in rows:
        name = str(row)
        act(row, user)
        model_admin.message_user(request, told.format(name), messages.SUCCESS)


@dataclass(frozen=True, slots=True)
class ContactMark:
    """A run of a job on the timeline."""

    x: float
    kind: str
    words: str


@admin.register(ForecastSource)
class ForecastSourceAdmin(NoDeleteAdminMixin, admin.ModelAdmin):
    """Outside sources and their health."""

    list_display = (
        "name", "health", "last_heard", "lag", "missing", "failures", "pause", "is_active",
    )  # fmt: skip
    list_filter = ("status", "is_active", ("paused_until", admin.EmptyFieldListFilter))
    search_fields = ("code", "name", "status_reason", "last_error")
    ordering = ("code",)
    actions = ("ask_again_now",)
    fields = (
        "is_active", "code", "name", "state", "status_reason", "paused_until", "timeline",
        "last_attempt_at", "last_success_at", "error_streak", "last_error", "newest_issue_at",
        "lag", "missing",
    )  # fmt: skip
    readonly_fields = tuple(name for name in fields if name != "is_active")

    class Media:
        css = {"all": ("weather/admin.css",)}

    def has_add_permission(self, request: Any) -> bool:
        """Refuse adding; a source without code that asks it would never answer."""
        return False

    def save_model(
        self, request: HttpRequest, obj: ForecastSource, form: ModelForm, change: bool
    ) -> None:
        """Record that a source was switched on or off."""
        super().save_model(request, obj, form, change)
        record_switch(request, f"source:{obj.code}", form, is_active=obj.is_active)

    @admin.action(description="Ask again now (ends a pause)", permissions=["change"])
    def ask_again_now(self, request: HttpRequest, queryset: QuerySet[ForecastSource]) -> None:
        """Let the next run ask the selected sources."""
        each_selected(
            self,
            request,
            queryset,
            lambda source, user: ask_again(source, user=user, now=utc_now()),
            told="{} is asked again by the next run.",
        )

    @admin.display(description="status", ordering="status")
    def state(self, source: ForecastSource) -> SafeString:
        """Return the status as a coloured word."""
        return format_html(
            '<span class="wx-tag wx-{}">{}</span>', source.status, source.get_status_display()
        )

    @admin.display(description="health", ordering="status")
    def health(self, source: ForecastSource) -> SafeString:
        """Return the status and the beginning of its reason."""
        return format_html("{} {}", self.state(source), source.status_reason[:160])

    @admin.display(description="last heard", ordering="last_success_at")
    def last_heard(self, source: ForecastSource) -> str:
        """Return how long ago it last gave a good answer."""
        heard = source.last_success_at
        return "never" if heard is None else f"{age(heard, now=utc_now())} ago"

    @admin.display(description="failures", ordering="error_streak")
    def failures(self, source: ForecastSource) -> int:
        """Return how many came in a row."""
        return source.error_streak

    @admin.display(description="lag", ordering="lag_minutes")
    def lag(self, source: ForecastSource) -> str:
        """Return how old its newest word was when we last asked."""
        return minutes_long(source.lag_minutes)

    @admin.display(description="missing", ordering="null_share")
    def missing(self, source: ForecastSource) -> str:
        """Return the share of missing values."""
        return "-" if source.null_share is None else f"{source.null_share:.0%}"

    @admin.display(description="paused until", ordering="paused_until")
    def pause(self, source: ForecastSource) -> str:
        """Return the end of its pause."""
        return moment(source.paused_until)

    @admin.display(description="last 24 hours")
    def timeline(self, source: ForecastSource) -> str:
        """Return the runs of the last day as a strip, the newest ones also in words."""
        now = utc_now()
        contacts = list(
            SourceContact.objects.filter(source=source, at__gt=now - DAY, at__lte=now).order_by(
                "-at"
            )[:CONTACTS_AT_MOST]
        )
        return render_to_string(
            "admin/weather/timeline.html",
            {
                "marks": [_mark(item, now=now) for item in contacts],
                "latest": [(item, age(item.at, now=now)) for item in contacts[:LISTED_CONTACTS]],
                "total": len(contacts),
                "failed": sum(not _is_good(item) for item in contacts),
                "hours": [
                    (hour_x(now - dt.timedelta(hours=back), until=now, width=TIMELINE_WIDTH), back)
                    for back in range(TIMELINE_HOURS, 0, -6)
                ],
                "width": TIMELINE_WIDTH,
            },
        )


def _is_good(contact: SourceContact) -> bool:
    return contact.problems == 0


def _mark(contact: SourceContact, *, now: dt.datetime) -> ContactMark:
    kind = "ok" if _is_good(contact) else "degraded" if contact.answered else "down"
    return ContactMark(
        x=hour_x(contact.at, until=now, width=TIMELINE_WIDTH),
        kind=kind,
        words=f"{contact.at:%H:%MZ}: {len(contact.answered)} stations, {contact.rows} new rows, "
        f"{contact.problems} problems",
    )


@admin.register(SourceContact)
class SourceContactAdmin(ReadOnlyAdminMixin, admin.ModelAdmin):
    """What each run made of a source."""

    list_display = (
        "source", "at", "stations", "rows", "values_seen", "values_missing", "problems",
    )  # fmt: skip
    list_filter = ("source",)
    list_select_related = ("source",)
    search_fields = ("source__code", "source__name")
    date_hierarchy = "at"
    show_full_result_count = False

    @admin.display(description="stations answered for")
    def stations(self, contact: SourceContact) -> int:
        """Return for how many stations a good answer came."""
        return len(contact.answered)


@admin.register(Refusal)
class RefusalAdmin(ReadOnlyAdminMixin, admin.ModelAdmin):
    """What sources said that cannot be used."""

    list_display = (
        "subject", "short_reason", "times", "last_seen_at", "evidence", "source", "station",
        "first_seen_at",
    )  # fmt: skip
    list_display_links = ("subject",)
    list_filter = ("source", "station")
    list_select_related = ("source", "station", "payload")
    search_fields = ("subject", "reason", "station__code", "source__code")
    date_hierarchy = "last_seen_at"
    actions = ("read_again_next_time",)
    exclude = ("context", "digest")
    readonly_fields = ("context_block",)

    class Media:
        css = {"all": ("weather/admin.css",)}

    def get_queryset(self, request: HttpRequest) -> QuerySet[Refusal]:
        """Leave the evidence's bodies in the database."""
        return super().get_queryset(request).defer("payload__body")

    def has_forget_permission(self, request: HttpRequest) -> bool:
        """Say whether the user may let refusals be forgotten."""
        return request.user.has_perm("weather.delete_refusal")

    @admin.action(
        description="Read again (forget the refusal; the next run fetches it anew)",
        permissions=["forget"],
    )
    def read_again_next_time(self, request: HttpRequest, queryset: QuerySet[Refusal]) -> None:
        """Forget the selected refusals; their evidence stays."""
        each_selected(
            self,
            request,
            queryset.select_related("source", "payload"),
            lambda refusal, user: read_again(refusal, user=user, now=utc_now()),
            told="{} is read anew when the source still offers it.",
        )

    @admin.display(description="reason")
    def short_reason(self, refusal: Refusal) -> str:
        """Return the beginning of the reason."""
        return refusal.reason[:200]

    @admin.display(description="evidence")
    def evidence(self, refusal: Refusal) -> str:
        """Lead to the raw answer."""
        if refusal.payload is None:
            return "-"
        return format_html(
            '<a href="{}">{}</a>',
            reverse("admin:weather_payload_change", args=[refusal.payload.pk]),
            refusal.payload.sha256[:12],
        )

    @admin.display(description="facts")
    def context_block(self, refusal: Refusal) -> SafeString:
        """Return the facts behind the reason."""
        return json_block(refusal.context)


@admin.register(HistoryChunk)
class HistoryChunkAdmin(ReadOnlyAdminMixin, admin.ModelAdmin):
    """What has been fetched of the past."""

    list_display = (
        "station", "source", "first_day", "last_day", "rows", "problems", "finished_at",
    )  # fmt: skip
    list_filter = ("source", "station")
    list_select_related = ("station", "source")
    search_fields = ("station__code", "source__code")
    date_hierarchy = "first_day"


@admin.register(Payload)
class PayloadAdmin(ReadOnlyAdminMixin, admin.ModelAdmin):
    """Raw answers."""

    list_display = ("source", "url", "content_type", "received_at", "sha256")
    list_filter = ("source",)
    search_fields = ("sha256", "url")
    date_hierarchy = "received_at"
    exclude = ("body",)
    readonly_fields = ("text",)

    def get_queryset(self, request: Any) -> Any:
        """Leave the bodies in the database until a page shows one."""
        return super().get_queryset(request).defer("body")

    @admin.display(description="body")
    def text(self, payload: Payload) -> SafeString:
        """Return the beginning of the body as text."""
        body = payload_body(payload)[:SHOWN_CHARS].decode("utf-8", errors="replace")
        return format_html("<pre>{}</pre>", body)
