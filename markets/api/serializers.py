"""Shapes of what the exchange lists, quotes and pays."""

from __future__ import annotations

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from boz.core.api.fields import natural_key
from markets.models import (
    BookSnapshot,
    Candlestick,
    Event,
    ExchangeAccount,
    ExchangeHours,
    ExchangeStatus,
    FeeSchedule,
    Indicator,
    MaintenanceWindow,
    Market,
    MarketHistoryChunk,
    MarketTrade,
    Quote,
    RetentionMark,
    Series,
)


@extend_schema_field(
    {
        "type": "array",
        "items": {"type": "array", "items": {"type": "string", "format": "decimal"}},
        "description": "Pairs of price in dollars and count, best first.",
    }
)
class BookSideField(serializers.JSONField):
    """One side of a book: ``[[price, count], …]``."""


class SeriesSerializer(serializers.ModelSerializer):
    """One city's daily-high markets."""

    station = natural_key("code")

    class Meta:
        model = Series
        fields = (
            "id",
            "ticker",
            "station",
            "title",
            "is_active",
            "settlement_sources",
            "entries_stopped_reason",
        )


class EventSerializer(serializers.ModelSerializer):
    """One city on one climate day."""

    series = natural_key("ticker")
    station = serializers.CharField(source="series.station.code", read_only=True)

    class Meta:
        model = Event
        fields = (
            "id",
            "ticker",
            "series",
            "station",
            "climate_day",
            "title",
            "status",
            "quarantine_reason",
            "settlement_sources",
            "rules_hash",
            "expiration_value_f",
            "first_seen_at",
            "determined_at",
        )


class MarketSerializer(serializers.ModelSerializer):
    """One bracket of an event."""

    event = natural_key("ticker")
    label = serializers.CharField(  # type: ignore[assignment]  # a name of our own
        source="bracket.label", read_only=True, help_text="The bracket as a person calls it."
    )
    result = serializers.CharField(
        read_only=True, help_text="What it paid: yes or no; empty while not known."
    )

    class Meta:
        model = Market
        fields = (
            "id",
            "ticker",
            "event",
            "label",
            "subtitle",
            "strike_type",
            "floor_strike",
            "cap_strike",
            "low_f",
            "high_f",
            "open_time",
            "close_time",
            "status",
            "result",
            "settlement_value_dollars",
            "settled_at",
            "price_ranges",
            "volume",
            "updated_at",
        )


class QuoteSerializer(serializers.ModelSerializer):
    """Best prices at a moment; an empty side is null."""

    market = natural_key("ticker")

    class Meta:
        model = Quote
        fields = (
            "id",
            "market",
            "at",
            "available_at",
            "yes_bid_dollars",
            "yes_bid_count",
            "yes_ask_dollars",
            "yes_ask_count",
            "last_price_dollars",
            "origin",
        )


class BookSnapshotSerializer(serializers.ModelSerializer):
    """The bids of both sides at a moment."""

    market = natural_key("ticker")
    yes_bids = BookSideField(read_only=True)
    no_bids = BookSideField(read_only=True)

    class Meta:
        model = BookSnapshot
        fields = ("id", "market", "at", "available_at", "yes_bids", "no_bids", "derived_from")


class MarketTradeSerializer(serializers.ModelSerializer):
    """A public trade."""

    market = natural_key("ticker")
    taker_side = serializers.CharField(read_only=True, help_text="What the taker bought: yes, no.")

    class Meta:
        model = MarketTrade
        fields = (
            "id",
            "market",
            "trade_id",
            "at",
            "yes_price_dollars",
            "count",
            "taker_side",
            "is_block",
        )


class CandlestickSerializer(serializers.ModelSerializer):
    """Open, high, low, close and volume of a contract's YES price."""

    market = natural_key("ticker")

    class Meta:
        model = Candlestick
        fields = (
            "id",
            "market",
            "period_minutes",
            "end_at",
            "available_at",
            "open_dollars",
            "high_dollars",
            "low_dollars",
            "close_dollars",
            "mean_dollars",
            "yes_bid_open_dollars",
            "yes_bid_high_dollars",
            "yes_bid_low_dollars",
            "yes_bid_close_dollars",
            "yes_ask_open_dollars",
            "yes_ask_high_dollars",
            "yes_ask_low_dollars",
            "yes_ask_close_dollars",
            "volume",
            "open_interest",
        )


class IndicatorSerializer(serializers.ModelSerializer):
    """A number computed from a market's candles."""

    market = natural_key("ticker")

    class Meta:
        model = Indicator
        fields = (
            "id",
            "market",
            "period_minutes",
            "name",
            "value",
            "at",
            "available_at",
            "metadata",
        )


class ExchangeAccountSerializer(serializers.ModelSerializer):
    """An exchange account without its key."""

    class Meta:
        model = ExchangeAccount
        fields = (
            "id",
            "uuid",
            "name",
            "environment",
            "key_id",
            "previous_key_id",
            "scopes",
            "is_active",
            "halted_reason",
            "created_at",
            "last_used_at",
        )


class FeeScheduleSerializer(serializers.ModelSerializer):
    """The fee in force from a moment on."""

    series = natural_key("ticker")
    event = natural_key("ticker", allow_null=True)

    class Meta:
        model = FeeSchedule
        fields = (
            "id",
            "series",
            "event",
            "fee_type",
            "multiplier",
            "effective_from",
            "available_at",
            "withdrawn_at",
        )


class ExchangeStatusSerializer(serializers.ModelSerializer):
    """What the exchange said of itself between two readings."""

    class Meta:
        model = ExchangeStatus
        fields = (
            "id",
            "read_at",
            "confirmed_at",
            "is_exchange_active",
            "is_trading_active",
            "estimated_resume_at",
        )


class ExchangeHoursSerializer(serializers.ModelSerializer):
    """The weekly hours of the exchange as listed."""

    class Meta:
        model = ExchangeHours
        fields = ("id", "available_at", "weeks")


class MaintenanceWindowSerializer(serializers.ModelSerializer):
    """An announced time without trading."""

    class Meta:
        model = MaintenanceWindow
        fields = ("id", "start_at", "end_at", "available_at", "withdrawn_at")


class MarketHistoryChunkSerializer(serializers.ModelSerializer):
    """One kind of data of a settled event that was fetched whole."""

    event = natural_key("ticker")

    class Meta:
        model = MarketHistoryChunk
        fields = ("id", "event", "kind", "rows", "problems", "finished_at")


class RetentionMarkSerializer(serializers.ModelSerializer):
    """How far a rule has thinned out what is old."""

    class Meta:
        model = RetentionMark
        fields = ("id", "rule", "applied_until", "removed", "last_run_at")
