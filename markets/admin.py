"""The operator's view of the exchange: ladders, why something is stopped, and accounts."""

from __future__ import annotations

from typing import Any

from django.contrib import admin, messages
from django.db.models import F, QuerySet
from django.forms import ModelForm
from django.http import HttpRequest
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from boz.core.admin_mixins import NoDeleteAdminMixin, ReadOnlyAdminMixin, ReadOnlyInline, json_block
from boz.core.audit import record_audit
from boz.core.clock import utc_now
from boz.core.errors import BozBaseException
from markets.forms import ExchangeAccountForm, ReasonActionForm
from markets.models import (
    BookSnapshot,
    Candlestick,
    Event,
    ExchangeAccount,
    FeeSchedule,
    Indicator,
    Market,
    MarketTrade,
    Quote,
    Series,
)
from markets.services.accounts import (
    change_account,
    open_account,
    remove_previous_key,
    replace_key,
    resume_account,
)
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

    @admin.display(description="pays for")
    def pays_for(self, market: Market) -> str:
        """Return the bracket in words, from the strikes."""
        return market.bracket.label


class _OfMarketAdmin(ReadOnlyAdminMixin, admin.ModelAdmin):
    """Facts about one market, of which there are many."""

    list_select_related = ("market",)
    search_fields = ("market__ticker",)
    show_full_result_count = False
    raw_id_fields = ("market",)


@admin.register(Quote)
class QuoteAdmin(_OfMarketAdmin):
    """Quotes."""

    list_display = ("market", "at", "yes_bid_dollars", "yes_ask_dollars", "last_price_dollars")
    list_filter = ("origin",)
    date_hierarchy = "at"


@admin.register(BookSnapshot)
class BookSnapshotAdmin(_OfMarketAdmin):
    """Books."""

    list_display = ("market", "at", "best_yes_bid", "best_no_bid", "derived_from")
    list_filter = ("derived_from",)
    date_hierarchy = "at"

    @admin.display(description="best YES bid")
    def best_yes_bid(self, book: BookSnapshot) -> str:
        """Return price and count."""
        return " x ".join(book.yes_bids[0]) if book.yes_bids else "no quote"

    @admin.display(description="best NO bid")
    def best_no_bid(self, book: BookSnapshot) -> str:
        """Return price and count."""
        return " x ".join(book.no_bids[0]) if book.no_bids else "no quote"


@admin.register(MarketTrade)
class MarketTradeAdmin(_OfMarketAdmin):
    """Public trades."""

    list_display = ("market", "at", "yes_price_dollars", "count", "taker_side")
    list_filter = ("taker_side",)
    date_hierarchy = "at"


@admin.register(Candlestick)
class CandlestickAdmin(_OfMarketAdmin):
    """Candles."""

    list_display = (
        "market",
        "period_minutes",
        "end_at",
        "open_dollars",
        "high_dollars",
        "low_dollars",
        "close_dollars",
        "volume",
    )
    list_filter = ("period_minutes",)
    date_hierarchy = "end_at"


@admin.register(Indicator)
class IndicatorAdmin(_OfMarketAdmin):
    """Indicators."""

    list_display = ("market", "name", "value", "at")
    list_filter = ("name",)
    date_hierarchy = "at"


@admin.register(FeeSchedule)
class FeeScheduleAdmin(ReadOnlyAdminMixin, admin.ModelAdmin):
    """Dated fees."""

    list_display = ("series", "event", "fee_type", "multiplier", "effective_from")
    list_filter = ("fee_type", "series")
    list_select_related = ("series", "event")
    search_fields = ("series__ticker", "event__ticker")
    date_hierarchy = "effective_from"


@admin.register(ExchangeAccount)
class ExchangeAccountAdmin(NoDeleteAdminMixin, admin.ModelAdmin):
    """Accounts; a private key goes in and never comes out."""

    form = ExchangeAccountForm
    list_display = (
        "name", "environment", "key_id", "previous_key_id", "is_active", "halted_reason",
        "last_used_at",
    )  # fmt: skip
    list_filter = ("environment", "is_active")
    search_fields = ("name", "key_id")
    readonly_fields = (
        "previous_key_id", "halted_reason", "scopes", "exchange_user_id", "uuid", "created_at",
        "last_used_at",
    )  # fmt: skip
    fields = (
        "name", "environment", "key_id", "private_key", "private_key_file", "is_active",
        *readonly_fields,
    )  # fmt: skip
    action_form = ReasonActionForm
    actions = ("remove_key_before", "end_halt")

    @admin.action(description="Remove the key before (needs a reason)", permissions=["change"])
    def remove_key_before(self, request: HttpRequest, queryset: QuerySet[ExchangeAccount]) -> None:
        """End the overlap of a replaced key."""
        self._each(request, queryset, remove_previous_key, "The key before is gone from {}.")

    @admin.action(description="End the halt (needs a reason)", permissions=["change"])
    def end_halt(self, request: HttpRequest, queryset: QuerySet[ExchangeAccount]) -> None:
        """Let the account be used again."""
        self._each(request, queryset, resume_account, "{} is in use again.")

    def _each(
        self, request: HttpRequest, queryset: QuerySet[ExchangeAccount], service: Any, told: str
    ) -> None:
        reason = request.POST.get("reason", "")
        for account in queryset:
            try:
                service(
                    account_id=account.pk,
                    actor=request.user.get_username(),
                    reason=reason,
                    now=utc_now(),
                )
            except BozBaseException as error:
                self.message_user(request, error.message, messages.ERROR)
                return
            self.message_user(request, told.format(account.name), messages.SUCCESS)

    def save_model(
        self, request: HttpRequest, obj: ExchangeAccount, form: ModelForm, change: bool
    ) -> None:
        """Store it and record who did, without the key."""
        actor, now, cleaned = request.user.get_username(), utc_now(), form.cleaned_data
        names = ("name", "environment", "key_id")
        if not change:
            opened = open_account(
                **{name: cleaned[name] for name in names},
                is_active=cleaned["is_active"],
                pem=cleaned["pem"],
                actor=actor,
                now=now,
            )
            obj.pk, obj.uuid = opened.pk, opened.uuid
            return
        if cleaned["pem"]:
            replace_key(
                account_id=obj.pk,
                key_id=cleaned["key_id"],
                pem=cleaned["pem"],
                actor=actor,
                reason="Replaced in the admin.",
                now=now,
            )
        if {"name", "is_active"} & set(form.changed_data):
            change_account(
                account_id=obj.pk,
                name=cleaned["name"],
                is_active=cleaned["is_active"],
                actor=actor,
                reason="Changed in the admin.",
                now=now,
            )


def _price(price: Any) -> str:
    return "no quote" if price is None else f"{price * 100:.4g}¢"
