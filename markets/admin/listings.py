"""Series, events and markets: ladders, and why something is stopped."""

from __future__ import annotations

from typing import Any

from django.contrib import admin, messages
from django.db.models import F, QuerySet
from django.forms import ModelForm
from django.http import HttpRequest
from django.template.loader import render_to_string
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from boz.core.admin_mixins import NoDeleteAdminMixin, ReadOnlyAdminMixin, ReadOnlyInline, json_block
from boz.core.audit import record_audit
from boz.core.clock import utc_now
from boz.core.errors import BozBaseException
from markets.admin.price_chart import chart_of
from markets.forms import ReasonActionForm
from markets.models import Event, FeeSchedule, Market, Series
from markets.services.sync.watcher import allow_entries, halt_entries

#: The open cold end of a ladder comes first.
COLD_TO_WARM = F("low_f").asc(nulls_first=True)


class FeeScheduleInline(ReadOnlyInline):
    """Fees of a series, newest first."""

    model = FeeSchedule
    fields = ("event", "fee_type", "multiplier", "effective_from", "available_at")
    readonly_fields = fields


class MarketInline(ReadOnlyInline):
    """The ladder, cold to warm."""

    model = Market
    ordering = ("event",)
    fields = ("ticker", "pays_for", "status", "result", "volume", "close_time", "updated_at")
    readonly_fields = fields

    def get_queryset(self, request: HttpRequest) -> QuerySet[Market]:
        """Order by the lowest degree that pays; the open cold end first."""
        return super().get_queryset(request).order_by(COLD_TO_WARM)

    @admin.display(description="pays for")
    def pays_for(self, market: Market) -> str:
        """Return the bracket in words, from the strikes."""
        return market.bracket.label


@admin.register(Series)
class SeriesAdmin(NoDeleteAdminMixin, admin.ModelAdmin):
    """Series; entries are stopped and allowed here, with a reason."""

    list_display = ("ticker", "station", "title", "is_active", "takes_entries", "stopped_because")
    list_filter = ("is_active", ("entries_stopped_reason", admin.EmptyFieldListFilter))
    list_select_related = ("station",)
    search_fields = ("ticker", "title", "station__code")
    fields = ("ticker", "station", "title", "is_active", "entries_stopped_reason", "authority")
    readonly_fields = ("ticker", "station", "title", "entries_stopped_reason", "authority")
    inlines = (FeeScheduleInline,)
    action_form = ReasonActionForm
    actions = ("allow_entries_again", "stop_new_entries")

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Refuse adding: series come from the exchange."""
        return False

    @admin.display(boolean=True, description="takes entries")
    def takes_entries(self, series: Series) -> bool:
        """Say whether new entries are allowed."""
        return not series.entries_stopped_reason

    @admin.display(description="stopped because")
    def stopped_because(self, series: Series) -> str:
        """Return the reason."""
        return series.entries_stopped_reason

    @admin.display(description="settles on")
    def authority(self, series: Series) -> SafeString:
        """Return the authority as last listed."""
        return json_block(series.settlement_sources)

    @admin.action(description="Allow entries again (needs a reason)", permissions=["change"])
    def allow_entries_again(self, request: HttpRequest, queryset: QuerySet[Series]) -> None:
        """Clear the stop; the reason goes to the audit trail."""
        self._each(request, queryset, allow_entries, "New entries are allowed again in {}.")

    @admin.action(description="Stop new entries (needs a reason)", permissions=["change"])
    def stop_new_entries(self, request: HttpRequest, queryset: QuerySet[Series]) -> None:
        """Stop new entries by hand; the reason goes to the audit trail."""
        self._each(request, queryset, halt_entries, "New entries are stopped in {}.")

    def _each(
        self, request: HttpRequest, queryset: QuerySet[Series], service: Any, told: str
    ) -> None:
        reason = request.POST.get("reason", "")
        for series in queryset:
            try:
                service(series, actor=request.user.get_username(), reason=reason, now=utc_now())
            except BozBaseException as error:
                self.message_user(request, error.message, messages.ERROR)
                return
            self.message_user(request, told.format(series.ticker), messages.SUCCESS)

    def save_model(self, request: HttpRequest, obj: Series, form: ModelForm, change: bool) -> None:
        """Record that a series was switched on or off."""
        super().save_model(request, obj, form, change)
        if "is_active" in form.changed_data:
            record_audit(
                actor=request.user.get_username(),
                action="series.switched",
                subject=f"series:{obj.ticker}",
                before={"is_active": not obj.is_active},
                after={"is_active": obj.is_active},
                reason="Changed in the admin.",
                now=utc_now(),
            )


@admin.register(Event)
class EventAdmin(ReadOnlyAdminMixin, admin.ModelAdmin):
    """Events with their ladders."""

    list_display = ("ticker", "climate_day", "status", "expiration_value_f", "quarantine_reason")
    list_filter = ("status", "series", ("quarantine_reason", admin.EmptyFieldListFilter))
    list_select_related = ("series",)
    search_fields = ("ticker", "title")
    date_hierarchy = "climate_day"
    exclude = ("settlement_sources",)
    readonly_fields = ("ladder", "authority")
    inlines = (MarketInline,)

    @admin.display(description="ladder")
    def ladder(self, event: Event) -> SafeString:
        """Return the rungs with their newest quotes, cold to warm."""
        rows = []
        for market in event.markets.order_by(COLD_TO_WARM):
            quote = market.quotes.order_by("-at").first()
            rows.append(
                (
                    market.bracket.label,
                    _price(quote.yes_bid_dollars if quote else None),
                    _price(quote.yes_ask_dollars if quote else None),
                    "" if quote is None else f"{quote.at:%Y-%m-%d %H:%M}Z",
                )
            )
        body = format_html_join("", "<tr><td>{}</td><td>{}</td><td>{}</td><td>{}</td></tr>", rows)
        return format_html(
            "<table><tr><th>Bracket</th><th>YES bid</th><th>YES ask</th><th>As of</th></tr>"
            "{}</table>",
            body,
        )

    @admin.display(description="settles on")
    def authority(self, event: Event) -> SafeString:
        """Return the authority in force for this event."""
        return json_block(event.settlement_sources)


@admin.register(Market)
class MarketAdmin(ReadOnlyAdminMixin, admin.ModelAdmin):
    """Markets."""

    list_display = ("ticker", "pays_for", "status", "result", "volume", "close_time")
    list_filter = ("status", "result", "strike_type", "event__series")
    list_select_related = ("event",)
    search_fields = ("ticker", "event__ticker")
    date_hierarchy = "close_time"
    readonly_fields = ("prices",)

    @admin.display(description="prices")
    def prices(self, market: Market) -> SafeString | str:
        """Return the bid, the ask and the last trade over time as a drawing."""
        chart = chart_of(market, as_of=utc_now())
        if chart is None:
            return "No candle or quote is stored."
        return render_to_string("admin/markets/price_chart.html", {"chart": chart})

    @admin.display(description="pays for")
    def pays_for(self, market: Market) -> str:
        """Return the bracket in words, from the strikes."""
        return market.bracket.label


def _price(price: Any) -> str:
    return "no quote" if price is None else f"{price * 100:.4g}¢"
