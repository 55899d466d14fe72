"""Shapes of portfolios, decisions, trades, orders and money."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from boz.core.api.fields import natural_key
from markets.models import Event, Market
from trading.choices import Mode, Role
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


class PortfolioBriefSerializer(serializers.ModelSerializer):
    """Which portfolio."""

    class Meta:
        model = Portfolio
        fields = ("id", "name")


class EventBriefSerializer(serializers.ModelSerializer):
    """Which city and climate day."""

    station = serializers.CharField(source="series.station.code", read_only=True)

    class Meta:
        model = Event
        fields = ("id", "ticker", "station", "climate_day")


class MarketBriefSerializer(serializers.ModelSerializer):
    """Which bracket."""

    label = serializers.CharField(  # type: ignore[assignment]  # a name of our own
        source="bracket.label", read_only=True, help_text="The bracket as a person calls it."
    )

    class Meta:
        model = Market
        fields = ("id", "ticker", "label", "low_f", "high_f")


class PortfolioSerializer(serializers.ModelSerializer):
    """Who trades, where, and within which limits."""

    owner = serializers.CharField(source="owner.get_username", read_only=True)
    stations = natural_key("code", many=True)
    live_confirmed_by = serializers.CharField(
        source="live_confirmed_by.get_username", read_only=True, allow_null=True, default=None
    )
    role = serializers.SerializerMethodField(help_text="What you may do here.")

    class Meta:
        model = Portfolio
        fields = (
            "id",
            "name",
            "owner",
            "role",
            "venue",
            "mode",
            "is_active",
            "stations",
            "max_trade_size_dollars",
            "daily_loss_limit_dollars",
            "max_daily_exposure_dollars",
            "min_ev_dollars",
            "cooldown_minutes",
            "consecutive_loss_limit",
            "approval_minutes",
            "live_confirmed_by",
            "live_confirmed_at",
            "created_at",
        )

    @extend_schema_field(serializers.ChoiceField(choices=Role.choices))
    def get_role(self, portfolio: Portfolio) -> str:
        """Return what the caller may do here, read from the members already fetched."""
        user = self.context["request"].user
        if user.is_superuser or portfolio.owner_id == user.pk:
            return Role.MANAGER.value
        roles = {member.user_id: member.role for member in portfolio.members.all()}
        return roles[user.pk]


class PortfolioSummarySerializer(serializers.Serializer):
    """The figures that a person looks at first."""

    portfolio = PortfolioBriefSerializer(help_text="Whose figures.")
    cash_dollars = serializers.DecimalField(16, 6)
    exposure_dollars = serializers.DecimalField(16, 6, help_text="What can still be lost.")
    pnl_dollars = serializers.DecimalField(16, 6, help_text="Realised, after fees.")
    pnl_today_dollars = serializers.DecimalField(16, 6, help_text="The same, this exchange day.")
    fees_dollars = serializers.DecimalField(16, 6)
    trades = serializers.IntegerField()
    settled_trades = serializers.IntegerField()
    won_trades = serializers.IntegerField()
    hit_rate = serializers.FloatField(allow_null=True, help_text="Null before any settlement.")
    open_trades = serializers.IntegerField()
    locks = serializers.ListField(child=serializers.CharField(), help_text="Why it is locked now.")
    kill_switch_on = serializers.BooleanField()


class LimitsChangeSerializer(serializers.Serializer):
    """Limits and habits to change; what is left out stays as it is. A limit of 0 allows nothing."""

    mode = serializers.ChoiceField(choices=Mode.choices, required=False)
    is_active = serializers.BooleanField(required=False)
    max_trade_size_dollars = serializers.DecimalField(12, 4, required=False, min_value=Decimal("0"))
    daily_loss_limit_dollars = serializers.DecimalField(
        12, 4, required=False, min_value=Decimal("0")
    )
    max_daily_exposure_dollars = serializers.DecimalField(
        12, 4, required=False, min_value=Decimal("0")
    )
    min_ev_dollars = serializers.DecimalField(6, 4, required=False, min_value=Decimal("0"))
    cooldown_minutes = serializers.IntegerField(required=False, min_value=0, max_value=525_600)
    consecutive_loss_limit = serializers.IntegerField(
        required=False, min_value=0, max_value=1_000_000
    )
    approval_minutes = serializers.IntegerField(required=False, min_value=0, max_value=525_600)
    reason = serializers.CharField(max_length=2000, help_text="Why; kept in the audit trail.")

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """Refuse an unknown name, which may be a misspelt limit, and an empty change."""
        unknown = sorted(set(self.initial_data) - set(self.fields))
        if unknown:
            raise serializers.ValidationError(
                {name: ["There is no such setting."] for name in unknown}
            )
        if set(attrs) == {"reason"}:
            raise serializers.ValidationError("Name at least one setting to change.")
        return attrs


class PortfolioMemberSerializer(serializers.ModelSerializer):
    """A user's role in a portfolio."""

    portfolio = PortfolioBriefSerializer(read_only=True)
    user = serializers.CharField(source="user.get_username", read_only=True)

    class Meta:
        model = PortfolioMember
        fields = ("id", "portfolio", "user", "role")


class StrategySerializer(serializers.ModelSerializer):
    """A way to choose trades."""

    portfolio = PortfolioBriefSerializer(read_only=True)

    class Meta:
        model = Strategy
        fields = ("id", "portfolio", "name", "kind", "parameters", "is_active")


class StrategyEventSerializer(serializers.ModelSerializer):
    """Something that happened to a strategy."""

    strategy_name = serializers.CharField(source="strategy.name", read_only=True)

    class Meta:
        model = StrategyEvent
        fields = ("id", "strategy", "strategy_name", "at", "kind", "detail")


class DecisionSerializer(serializers.ModelSerializer):
    """One run of the kernel, replayable from its snapshot."""

    portfolio = PortfolioBriefSerializer(read_only=True)
    event = EventBriefSerializer(read_only=True)

    class Meta:
        model = Decision
        fields = (
            "id",
            "portfolio",
            "strategy",
            "event",
            "prediction",
            "as_of",
            "snapshot",
            "snapshot_hash",
            "outcome",
            "outcome_hash",
            "orders_wanted",
            "stand_down",
        )


class SignalSerializer(serializers.ModelSerializer):
    """What a strategy made of one market."""

    market = MarketBriefSerializer(read_only=True)
    reasons = serializers.ListField(
        child=serializers.CharField(), read_only=True, help_text="Sentences."
    )

    class Meta:
        model = Signal
        fields = (
            "id",
            "decision",
            "market",
            "direction",
            "side",
            "probability",
            "market_probability",
            "all_in_cost_dollars",
            "expected_value_dollars",
            "confidence",
            "reasons",
        )


class PostMortemExtractSerializer(serializers.Serializer):
    """What a settled trade taught; written by the settlement app, which stands above this one."""

    id = serializers.IntegerField()
    what_we_traded = serializers.CharField()
    what_happened = serializers.CharField()
    why_we_took_it = serializers.CharField()
    why_it_ended_so = serializers.CharField()
    confidence_then = serializers.CharField()
    forecast_error_f = serializers.FloatField(allow_null=True)
    luck_dollars = serializers.DecimalField(14, 6)
    written_at = serializers.DateTimeField()


class TradeSerializer(serializers.ModelSerializer):
    """A trade from proposal to result, with its post-mortem once there is one."""

    portfolio = PortfolioBriefSerializer(read_only=True)
    event = EventBriefSerializer(read_only=True)
    market = MarketBriefSerializer(read_only=True)
    strategy_name = serializers.CharField(source="strategy.name", read_only=True)
    decided_by = serializers.CharField(
        source="decided_by.get_username", read_only=True, allow_null=True, default=None
    )
    reasons = serializers.ListField(
        child=serializers.CharField(), read_only=True, help_text="Why, in sentences."
    )
    post_mortem = PostMortemExtractSerializer(read_only=True, allow_null=True)

    class Meta:
        model = Trade
        fields = (
            "id",
            "portfolio",
            "strategy",
            "strategy_name",
            "decision",
            "event",
            "market",
            "side",
            "count",
            "limit_price_dollars",
            "all_in_cost_dollars",
            "reserved_dollars",
            "probability",
            "market_probability",
            "expected_value_dollars",
            "confidence",
            "reasons",
            "status",
            "status_reason",
            "created_at",
            "expires_at",
            "decided_by",
            "decided_at",
            "settled_at",
            "pnl_dollars",
            "post_mortem",
        )


class RejectionSerializer(serializers.Serializer):
    """Why a trade is rejected."""

    reason = serializers.CharField(max_length=2000, help_text="Kept with the trade.")


class OrderSerializer(serializers.ModelSerializer):
    """An order that we committed before the network saw it."""

    market = serializers.CharField(source="trade.market.ticker", read_only=True)
    portfolio = PortfolioBriefSerializer(source="trade.portfolio", read_only=True)

    class Meta:
        model = Order
        fields = (
            "id",
            "portfolio",
            "trade",
            "market",
            "client_order_id",
            "venue",
            "venue_order_id",
            "side",
            "price_dollars",
            "count",
            "filled_count",
            "time_in_force",
            "post_only",
            "status",
            "status_reason",
            "created_at",
            "sent_at",
            "finished_at",
        )


class FillSerializer(serializers.ModelSerializer):
    """Contracts that changed hands."""

    trade = serializers.IntegerField(source="order.trade_id", read_only=True)
    market = serializers.CharField(source="order.trade.market.ticker", read_only=True)
    side = serializers.CharField(source="order.side", read_only=True)

    class Meta:
        model = Fill
        fields = (
            "id",
            "order",
            "trade",
            "market",
            "side",
            "venue_trade_id",
            "at",
            "price_dollars",
            "count",
            "fee_dollars",
            "is_taker",
        )


class LedgerEntrySerializer(serializers.ModelSerializer):
    """One movement of money: ``debit`` receives, ``credit`` gives."""

    portfolio = PortfolioBriefSerializer(read_only=True)
    credit = serializers.CharField(read_only=True, help_text="Gives; the same names as debit.")

    class Meta:
        model = LedgerEntry
        fields = (
            "id",
            "portfolio",
            "at",
            "kind",
            "debit",
            "credit",
            "amount_dollars",
            "reference",
            "trade",
            "fill",
            "note",
        )


class PositionSerializer(serializers.ModelSerializer):
    """Contracts held in one market."""

    portfolio = PortfolioBriefSerializer(read_only=True)
    market = MarketBriefSerializer(read_only=True)
    event = serializers.CharField(source="market.event.ticker", read_only=True)

    class Meta:
        model = Position
        fields = (
            "id",
            "portfolio",
            "event",
            "market",
            "side",
            "count",
            "cost_dollars",
            "fees_dollars",
            "settled_at",
            "payout_dollars",
        )


class LockSerializer(serializers.ModelSerializer):
    """A protection: why trading is locked, and until when."""

    portfolio = PortfolioBriefSerializer(read_only=True)

    class Meta:
        model = Lock
        fields = (
            "id",
            "portfolio",
            "kind",
            "reason",
            "starts_at",
            "until",
            "released_at",
            "reference",
        )


class KillSwitchSerializer(serializers.ModelSerializer):
    """A turn of the kill switch; the latest is its state."""

    class Meta:
        model = KillSwitch
        fields = ("id", "is_on", "reason", "actor", "at")


class KillSwitchTurnSerializer(serializers.Serializer):
    """Which way to turn it, and why."""

    is_on = serializers.BooleanField(help_text="On: no order leaves, anywhere.")
    reason = serializers.CharField(max_length=2000)


class BacktestSerializer(serializers.ModelSerializer):
    """A question asked of the recorded past."""

    class Meta:
        model = Backtest
        fields = (
            "id",
            "name",
            "strategy_kind",
            "parameters",
            "first_day",
            "last_day",
            "created_at",
        )


class BacktestRunSerializer(serializers.ModelSerializer):
    """One answer; every run counts as a trial."""

    backtest_name = serializers.CharField(source="backtest.name", read_only=True)

    class Meta:
        model = BacktestRun
        fields = (
            "id",
            "backtest",
            "backtest_name",
            "started_at",
            "finished_at",
            "inputs_hash",
            "results",
        )
