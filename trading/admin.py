"""The operator's view of decisions, trades, orders and money."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, cast

from django.contrib import admin, messages
from django.contrib.auth.models import User
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.safestring import SafeString

from boz.core.admin_mixins import (
    NoDeleteAdminMixin,
    ReadOnlyAdminMixin,
    ReadOnlyInline,
    json_block,
)
from boz.core.clock import utc_now
from boz.core.errors import BozBaseException
from boz.core.services.audit import record_audit
from markets.forms import ReasonActionForm
from trading.choices import Venue
from trading.forms import PortfolioForm, StrategyForm
from trading.models import (
    Backtest,
    BacktestRun,
    Decision,
    Fill,
    KillSwitch,
    LedgerEntry,
    Lock,
    Order,
    Portfolio,
    PortfolioMember,
    Position,
    Signal,
    Strategy,
    StrategyEvent,
    Trade,
)
from trading.services.approvals import approve_trade, reject_trade
from trading.services.portfolios import choose_venue
from trading.services.protections import set_kill_switch


class MemberInline(admin.TabularInline):
    """Who else may see, approve or manage."""

    model = PortfolioMember
    extra = 0
    autocomplete_fields = ("user",)


@admin.register(Portfolio)
class PortfolioAdmin(NoDeleteAdminMixin, admin.ModelAdmin):
    """Settings of a portfolio; every change is kept with its reason."""

    form = PortfolioForm
    list_display = (
        "name",
        "owner",
        "venue",
        "mode",
        "is_active",
        "max_trade_size_dollars",
        "daily_loss_limit_dollars",
        "max_daily_exposure_dollars",
    )
    list_filter = ("venue", "mode", "is_active")
    list_select_related = ("owner",)
    search_fields = ("name", "owner__username")
    filter_horizontal = ("stations",)
    autocomplete_fields = ("owner",)
    readonly_fields = ("created_at", "venue", "live_confirmed_by", "live_confirmed_at")
    inlines = (MemberInline,)
    action_form = ReasonActionForm
    actions = ("trade_on_paper", "trade_on_demo", "trade_with_real_money")

    @admin.action(description="Trade on paper (needs a reason)", permissions=["change"])
    def trade_on_paper(self, request: HttpRequest, queryset: QuerySet[Portfolio]) -> None:
        """Choose the paper venue."""
        self._choose(request, queryset, Venue.PAPER)

    @admin.action(
        description="Trade on the exchange's demo (needs a reason)", permissions=["change"]
    )
    def trade_on_demo(self, request: HttpRequest, queryset: QuerySet[Portfolio]) -> None:
        """Choose the exchange's demo."""
        self._choose(request, queryset, Venue.DEMO)

    @admin.action(
        description="Confirm trading with REAL MONEY (needs a reason)", permissions=["change"]
    )
    def trade_with_real_money(self, request: HttpRequest, queryset: QuerySet[Portfolio]) -> None:
        """Choose the live venue; this is the manager's confirmation."""
        self._choose(request, queryset, Venue.LIVE)

    def _choose(self, request: HttpRequest, queryset: QuerySet[Portfolio], venue: Venue) -> None:
        for portfolio in queryset:
            try:
                choose_venue(
                    portfolio=portfolio,
                    user=cast(User, request.user),
                    venue=venue.value,
                    reason=request.POST.get("reason", ""),
                    now=utc_now(),
                )
            except BozBaseException as error:
                self.message_user(request, error.message, messages.ERROR)
                return
            self.message_user(
                request, f"{portfolio.name} trades at: {venue.label}.", messages.SUCCESS
            )

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Portfolios are opened by the service that also books the deposit."""
        return False

    def save_model(
        self, request: HttpRequest, obj: Portfolio, form: PortfolioForm, change: bool
    ) -> None:
        """Save, and keep what was changed, by whom and why."""
        before = {name: str(form.initial.get(name)) for name in form.changed_settings()}
        super().save_model(request, obj, form, change)
        if before:
            record_audit(
                actor=str(request.user),
                action="portfolio.limits",
                subject=f"portfolio:{obj.pk}",
                before=before,
                after={name: str(form.cleaned_data[name]) for name in before},
                reason=form.cleaned_data["reason"],
                now=utc_now(),
            )


@admin.register(Strategy)
class StrategyAdmin(NoDeleteAdminMixin, admin.ModelAdmin):
    """Strategies and their checked parameters."""

    form = StrategyForm
    list_display = ("portfolio", "name", "kind", "is_active")
    list_filter = ("kind", "is_active", "portfolio")
    list_select_related = ("portfolio",)
    search_fields = ("name", "portfolio__name")

    def save_model(
        self, request: HttpRequest, obj: Strategy, form: StrategyForm, change: bool
    ) -> None:
        """Save, and write the change into the strategy's history."""
        super().save_model(request, obj, form, change)
        if form.changed_data:
            StrategyEvent.objects.create(
                strategy=obj,
                at=utc_now(),
                kind="changed" if change else "created",
                detail={"by": str(request.user), "parameters": obj.parameters},
            )


@admin.register(StrategyEvent)
class StrategyEventAdmin(ReadOnlyAdminMixin, admin.ModelAdmin):
    """History of strategies."""

    list_display = ("at", "strategy", "kind")
    list_filter = ("kind",)
    list_select_related = ("strategy__portfolio",)
    date_hierarchy = "at"


class SignalInline(ReadOnlyInline):
    """What the strategy made of each bracket."""

    model = Signal
    fields = (
        "market",
        "direction",
        "side",
        "probability",
        "market_probability",
        "expected_value_dollars",
        "reasons",
    )


@admin.register(Decision)
class DecisionAdmin(ReadOnlyAdminMixin, admin.ModelAdmin):
    """Decisions with everything the kernel saw."""

    list_display = ("as_of", "event", "portfolio", "orders_wanted", "stand_down")
    list_filter = ("portfolio", "event__series", "orders_wanted")
    list_select_related = ("event", "portfolio")
    search_fields = ("event__ticker", "stand_down")
    date_hierarchy = "as_of"
    inlines = (SignalInline,)
    exclude = ("snapshot", "outcome")
    readonly_fields = ("snapshot_text", "outcome_text")

    @admin.display(description="What the kernel saw")
    def snapshot_text(self, obj: Decision) -> SafeString:
        """Return the snapshot, readable."""
        return json_block(obj.snapshot)

    @admin.display(description="What it wanted and refused")
    def outcome_text(self, obj: Decision) -> SafeString:
        """Return the outcome, readable."""
        return json_block(obj.outcome)


@admin.register(Signal)
class SignalAdmin(ReadOnlyAdminMixin, admin.ModelAdmin):
    """Signals of all decisions."""

    list_display = ("decision", "market", "direction", "side", "probability", "market_probability")
    list_filter = ("direction", "side", "confidence")
    list_select_related = ("decision__event", "market")
    search_fields = ("market__ticker",)


class OrderInline(ReadOnlyInline):
    """Orders of a trade."""

    model = Order
    fields = (
        "client_order_id",
        "status",
        "price_dollars",
        "count",
        "filled_count",
        "status_reason",
    )


@admin.register(Trade)
class TradeAdmin(ReadOnlyAdminMixin, admin.ModelAdmin):
    """Trade review: look at the reasons, then approve or reject."""

    list_display = (
        "created_at",
        "portfolio",
        "market",
        "side",
        "count",
        "limit_price_dollars",
        "probability",
        "expected_value_dollars",
        "status",
        "pnl_dollars",
    )
    list_filter = ("status", "portfolio", "side", "event__series")
    list_select_related = ("portfolio", "market")
    search_fields = ("market__ticker", "event__ticker")
    date_hierarchy = "created_at"
    inlines = (OrderInline,)
    actions = ("approve_selected", "reject_selected")

    def has_review_permission(self, request: HttpRequest) -> bool:
        """Say whether the user may approve and reject at all."""
        return request.user.has_perm("trading.review_trade")

    @admin.action(description="Approve and send (checked again now)", permissions=["review"])
    def approve_selected(self, request: HttpRequest, queryset: QuerySet[Trade]) -> None:
        """Approve each trade by itself; one refusal does not stop the others."""
        self._each(
            request,
            queryset,
            lambda trade, user: approve_trade(trade_id=trade.pk, user=user, now=utc_now()),
            done="approved",
        )

    @admin.action(description="Reject", permissions=["review"])
    def reject_selected(self, request: HttpRequest, queryset: QuerySet[Trade]) -> None:
        """Reject each trade."""
        self._each(
            request,
            queryset,
            lambda trade, user: reject_trade(
                trade_id=trade.pk, user=user, now=utc_now(), reason="Rejected in review."
            ),
            done="rejected",
        )

    def _each(
        self,
        request: HttpRequest,
        queryset: QuerySet[Trade],
        act: Callable[[Trade, User], Any],
        *,
        done: str,
    ) -> None:
        if not isinstance(request.user, User):
            raise PermissionDenied
        for trade in queryset.order_by("created_at"):
            try:
                act(trade, request.user)
            except BozBaseException as error:
                self.message_user(request, f"Trade {trade.pk}: {error.message}", messages.ERROR)
            else:
                self.message_user(request, f"Trade {trade.pk} {done}.", messages.SUCCESS)


class FillInline(ReadOnlyInline):
    """Fills of an order."""

    model = Fill


@admin.register(Order)
class OrderAdmin(ReadOnlyAdminMixin, admin.ModelAdmin):
    """Orders; they come from the order service only."""

    list_display = (
        "created_at",
        "trade",
        "venue",
        "side",
        "price_dollars",
        "count",
        "filled_count",
        "status",
    )
    list_filter = ("status", "venue", "time_in_force")
    list_select_related = ("trade__market",)
    search_fields = ("client_order_id", "venue_order_id", "trade__market__ticker")
    date_hierarchy = "created_at"
    inlines = (FillInline,)


@admin.register(Fill)
class FillAdmin(ReadOnlyAdminMixin, admin.ModelAdmin):
    """Fills as the venue reported them."""

    list_display = ("at", "order", "price_dollars", "count", "fee_dollars", "is_taker")
    list_filter = ("is_taker",)
    list_select_related = ("order",)
    search_fields = ("venue_trade_id", "order__client_order_id")
    date_hierarchy = "at"


@admin.register(LedgerEntry)
class LedgerEntryAdmin(ReadOnlyAdminMixin, admin.ModelAdmin):
    """The books: append only."""

    list_display = ("at", "portfolio", "kind", "credit", "debit", "amount_dollars", "reference")
    list_filter = ("kind", "portfolio")
    list_select_related = ("portfolio",)
    search_fields = ("reference",)
    date_hierarchy = "at"


@admin.register(Position)
class PositionAdmin(ReadOnlyAdminMixin, admin.ModelAdmin):
    """Contracts held and paid out."""

    list_display = (
        "portfolio",
        "market",
        "side",
        "count",
        "cost_dollars",
        "fees_dollars",
        "payout_dollars",
        "settled_at",
    )
    list_filter = ("portfolio", "side", ("settled_at", admin.EmptyFieldListFilter))
    list_select_related = ("portfolio", "market")
    search_fields = ("market__ticker",)


@admin.register(Lock)
class LockAdmin(ReadOnlyAdminMixin, admin.ModelAdmin):
    """Protections, in force and past."""

    list_display = ("starts_at", "until", "portfolio", "kind", "reason", "released_at")
    list_filter = ("kind", "portfolio")
    list_select_related = ("portfolio",)
    date_hierarchy = "starts_at"


@admin.register(KillSwitch)
class KillSwitchAdmin(admin.ModelAdmin):
    """Turn it by adding a row; the rows are its history."""

    list_display = ("at", "is_on", "actor", "reason")
    fields = ("is_on", "reason")

    def has_change_permission(self, request: HttpRequest, obj: KillSwitch | None = None) -> bool:
        """Turns of the switch are history."""
        return False

    def has_delete_permission(self, request: HttpRequest, obj: KillSwitch | None = None) -> bool:
        """Turns of the switch are history."""
        return False

    def save_model(self, request: HttpRequest, obj: KillSwitch, form: Any, change: bool) -> None:
        """Turn the switch through its service, which audits it."""
        if change:
            raise PermissionDenied
        made = set_kill_switch(
            is_on=obj.is_on, actor=str(request.user), reason=obj.reason, now=utc_now()
        )
        obj.pk = made.pk


@admin.register(Backtest)
class BacktestAdmin(ReadOnlyAdminMixin, admin.ModelAdmin):
    """Questions asked of the past."""

    list_display = ("name", "strategy_kind", "first_day", "last_day", "created_at")
    search_fields = ("name",)


@admin.register(BacktestRun)
class BacktestRunAdmin(ReadOnlyAdminMixin, admin.ModelAdmin):
    """Answers; every run counts as a trial."""

    list_display = ("backtest", "started_at", "finished_at", "inputs_hash")
    list_select_related = ("backtest",)
    date_hierarchy = "started_at"
