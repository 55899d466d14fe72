"""Filters by portfolio, ticker, station, climate day, status and time."""

from __future__ import annotations

from django.db.models import QuerySet
from django_filters import rest_framework as filters

from trading.models import (
    Decision,
    Fill,
    LedgerEntry,
    Lock,
    Order,
    Position,
    Signal,
    StrategyEvent,
    Trade,
)


class OfEventFilterSet(filters.FilterSet):
    """Filters for rows that belong to an event."""

    event_ticker = filters.CharFilter(field_name="event__ticker")
    station = filters.CharFilter(field_name="event__series__station__code")
    climate_day = filters.DateFilter(field_name="event__climate_day")
    climate_day_from = filters.DateFilter(field_name="event__climate_day", lookup_expr="gte")
    climate_day_to = filters.DateFilter(field_name="event__climate_day", lookup_expr="lte")


class DecisionFilter(OfEventFilterSet):
    """Decisions of a portfolio or strategy, on days."""

    portfolio = filters.NumberFilter(field_name="portfolio_id")
    strategy = filters.NumberFilter(field_name="strategy_id")
    as_of_from = filters.IsoDateTimeFilter(field_name="as_of", lookup_expr="gte")
    as_of_to = filters.IsoDateTimeFilter(field_name="as_of", lookup_expr="lte")
    is_stand_down = filters.BooleanFilter(
        field_name="orders_wanted", method="filter_stand_down", help_text="Nothing was wanted."
    )

    class Meta:
        model = Decision
        fields = ()

    def filter_stand_down(
        self, queryset: QuerySet[Decision], name: str, value: bool
    ) -> QuerySet[Decision]:
        """Keep decisions that wanted nothing, or those that wanted something."""
        return queryset.filter(orders_wanted=0) if value else queryset.exclude(orders_wanted=0)


class SignalFilter(filters.FilterSet):
    """Signals of a decision or market."""

    decision = filters.NumberFilter(field_name="decision_id")
    portfolio = filters.NumberFilter(field_name="decision__portfolio_id")
    ticker = filters.CharFilter(field_name="market__ticker")

    class Meta:
        model = Signal
        fields = ("direction", "side", "confidence")


class TradeFilter(OfEventFilterSet):
    """Trades of a portfolio, by status, bracket and time."""

    portfolio = filters.NumberFilter(field_name="portfolio_id")
    ticker = filters.CharFilter(field_name="market__ticker")
    created_from = filters.IsoDateTimeFilter(field_name="created_at", lookup_expr="gte")
    created_to = filters.IsoDateTimeFilter(field_name="created_at", lookup_expr="lte")

    class Meta:
        model = Trade
        fields = ("status", "side", "confidence")


class OrderFilter(filters.FilterSet):
    """Orders of a portfolio or trade, by status and time."""

    portfolio = filters.NumberFilter(field_name="trade__portfolio_id")
    trade = filters.NumberFilter(field_name="trade_id")
    ticker = filters.CharFilter(field_name="trade__market__ticker")
    created_from = filters.IsoDateTimeFilter(field_name="created_at", lookup_expr="gte")
    created_to = filters.IsoDateTimeFilter(field_name="created_at", lookup_expr="lte")

    class Meta:
        model = Order
        fields = ("status", "side", "venue", "client_order_id")


class FillFilter(filters.FilterSet):
    """Fills of a portfolio, trade or order, by time."""

    portfolio = filters.NumberFilter(field_name="order__trade__portfolio_id")
    trade = filters.NumberFilter(field_name="order__trade_id")
    order = filters.NumberFilter(field_name="order_id")
    ticker = filters.CharFilter(field_name="order__trade__market__ticker")
    at_from = filters.IsoDateTimeFilter(field_name="at", lookup_expr="gte")
    at_to = filters.IsoDateTimeFilter(field_name="at", lookup_expr="lte")

    class Meta:
        model = Fill
        fields = ("is_taker",)


class LedgerEntryFilter(filters.FilterSet):
    """Movements of a portfolio, by kind and time."""

    portfolio = filters.NumberFilter(field_name="portfolio_id")
    trade = filters.NumberFilter(field_name="trade_id")
    at_from = filters.IsoDateTimeFilter(field_name="at", lookup_expr="gte")
    at_to = filters.IsoDateTimeFilter(field_name="at", lookup_expr="lte")

    class Meta:
        model = LedgerEntry
        fields = ("kind", "debit", "credit", "reference")


class PositionFilter(filters.FilterSet):
    """Positions of a portfolio, event or bracket; held ones only, if asked."""

    portfolio = filters.NumberFilter(field_name="portfolio_id")
    ticker = filters.CharFilter(field_name="market__ticker")
    event_ticker = filters.CharFilter(field_name="market__event__ticker")
    is_held = filters.BooleanFilter(
        field_name="settled_at", lookup_expr="isnull", help_text="Not settled yet."
    )

    class Meta:
        model = Position
        fields = ("side",)


class LockFilter(filters.FilterSet):
    """Locks of a portfolio, by kind and end."""

    portfolio = filters.NumberFilter(field_name="portfolio_id")
    until_from = filters.IsoDateTimeFilter(field_name="until", lookup_expr="gte")

    class Meta:
        model = Lock
        fields = ("kind",)


class StrategyEventFilter(filters.FilterSet):
    """What happened to a strategy."""

    strategy = filters.NumberFilter(field_name="strategy_id")
    portfolio = filters.NumberFilter(field_name="strategy__portfolio_id")

    class Meta:
        model = StrategyEvent
        fields = ("kind",)
