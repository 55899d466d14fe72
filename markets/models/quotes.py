"""What was bid, offered and traded at a moment."""

from __future__ import annotations

from decimal import Decimal

from django.db import models

from boz.core.schemas import BookLevel, OrderBook, Side
from markets.models.fields import count_field, price_field
from markets.models.listings import Market


class Quote(models.Model):
    """Best prices at a moment; an empty side is null, never 0 or 1."""

    market = models.ForeignKey(
        Market, on_delete=models.CASCADE, related_name="quotes", help_text="Which bracket."
    )
    at = models.DateTimeField(help_text="Time of the quote.")
    available_at = models.DateTimeField(help_text="When we could first have known it.")
    yes_bid_dollars = price_field("Best YES bid.", null=True)
    yes_bid_count = count_field("Contracts at the best YES bid.", null=True)
    yes_ask_dollars = price_field("Best YES ask.", null=True)
    yes_ask_count = count_field("Contracts at the best YES ask.", null=True)
    last_price_dollars = price_field("Last trade.", null=True)
    origin = models.CharField(
        max_length=40, blank=True, help_text="Empty when quoted by the exchange, else derived from."
    )

    class Meta:
        ordering = ("-at",)
        constraints = [
            models.UniqueConstraint(fields=("market", "at", "origin"), name="markets_quote_once"),
        ]
        indexes = [models.Index(fields=("market", "available_at"), name="markets_quote_as_of")]

    def __str__(self) -> str:
        return f"{self.market.ticker} {self.yes_bid_dollars}/{self.yes_ask_dollars}"


class BookSnapshot(models.Model):
    """The bids of both sides at a moment, best first.

    A row derived from :data:`UNKNOWN` says the opposite: from its moment on the book is not known,
    until a later row. It has no levels, so whoever overlooks that finds nothing to trade with.
    """

    UNKNOWN = "unknown"

    market = models.ForeignKey(
        Market, on_delete=models.CASCADE, related_name="books", help_text="Which bracket."
    )
    at = models.DateTimeField(help_text="Time of the book.")
    available_at = models.DateTimeField(help_text="When we could first have known it.")
    yes_bids = models.JSONField(default=list, help_text="[[price, count], …] strings, best first.")
    no_bids = models.JSONField(default=list, help_text="[[price, count], …] strings, best first.")
    derived_from = models.CharField(
        max_length=40, blank=True, help_text="Empty when the exchange gave it, else derived from."
    )

    class Meta:
        ordering = ("-at",)
        constraints = [
            models.UniqueConstraint(fields=("market", "at"), name="markets_book_once"),
        ]
        indexes = [models.Index(fields=("market", "available_at"), name="markets_book_as_of")]

    def __str__(self) -> str:
        return f"{self.market.ticker} book {self.at:%Y-%m-%d %H:%M}Z"

    @property
    def is_known(self) -> bool:
        """Say whether the row is a book, and not the moment from which none was known."""
        return self.derived_from != self.UNKNOWN

    def as_order_book(self) -> OrderBook:
        """Return the typed book."""
        return OrderBook(
            market_ticker=self.market.ticker,
            at=self.at,
            yes_bids=_levels(self.yes_bids),
            no_bids=_levels(self.no_bids),
            derived_from=self.derived_from,
        )


def _levels(rows: list[list[str]]) -> tuple[BookLevel, ...]:
    return tuple(
        BookLevel(price_dollars=Decimal(price), count=Decimal(count)) for price, count in rows
    )


class MarketTrade(models.Model):
    """A public trade."""

    market = models.ForeignKey(
        Market, on_delete=models.CASCADE, related_name="public_trades", help_text="Which bracket."
    )
    trade_id = models.CharField(max_length=80, unique=True, help_text="The exchange's identity.")
    at = models.DateTimeField(help_text="When it happened.")
    yes_price_dollars = price_field("Price of YES.")
    count = count_field("Contracts.")
    taker_side = models.CharField(
        max_length=3,
        choices=[(item.value, item.value) for item in Side],
        help_text="What the taker bought.",
    )
    is_block = models.BooleanField(
        default=False,
        db_default=False,
        help_text="Negotiated off the book: it says nothing about what the book would have filled.",
    )

    class Meta:
        ordering = ("-at",)
        indexes = [models.Index(fields=("market", "at"), name="markets_trade_by_time")]

    def __str__(self) -> str:
        return f"{self.market.ticker} {self.count} @ {self.yes_price_dollars}"
