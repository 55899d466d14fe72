"""Facts about single markets: quotes, books, trades, candles, indicators."""

from __future__ import annotations

from django.contrib import admin

from boz.core.admin_mixins import ReadOnlyAdminMixin
from markets.models import BookSnapshot, Candlestick, Indicator, MarketTrade, Quote


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
