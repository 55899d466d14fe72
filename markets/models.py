"""What the exchange lists, quotes and pays."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal

from django.db import models
from django.db.models import F, Q

from boz.core.schemas import BookLevel, Bracket, OrderBook, Side, StrikeType
from weather.models import Station


def price_field(help_text: str, *, null: bool = False) -> models.DecimalField:
    """Return a column for dollars of a one-dollar contract."""
    return models.DecimalField(
        max_digits=6, decimal_places=4, null=null, blank=null, help_text=help_text
    )


def count_field(help_text: str, *, null: bool = False) -> models.DecimalField:
    """Return a column for a number of contracts."""
    return models.DecimalField(
        max_digits=14, decimal_places=2, null=null, blank=null, help_text=help_text
    )


class Series(models.Model):
    """One city's daily-high markets, e.g. KXHIGHNY."""

    ticker = models.CharField(max_length=32, unique=True, help_text="Exchange ticker.")
    station = models.ForeignKey(
        Station, on_delete=models.PROTECT, related_name="series", help_text="Settlement station."
    )
    title = models.CharField(max_length=160, blank=True, help_text="As the exchange titles it.")
    is_active = models.BooleanField(default=True, help_text="Whether jobs sync this series.")
    settlement_sources = models.JSONField(
        default=list, blank=True, help_text="Name and address of the authority, as last listed."
    )
    entries_stopped_reason = models.TextField(
        blank=True, help_text="Why no new entry is allowed; empty when entries are allowed."
    )

    class Meta:
        ordering = ("ticker",)
        verbose_name_plural = "series"

    def __str__(self) -> str:
        return self.ticker


class Event(models.Model):
    """One city on one climate day: a ladder of markets of which exactly one pays YES."""

    class Status(models.TextChoices):
        """Where the event is in its life."""

        OPEN = "open", "open"
        CLOSED = "closed", "closed, awaiting the result"
        DETERMINED = "determined", "results known"
        SETTLED = "settled", "settled"
        QUARANTINED = "quarantined", "quarantined"

    series = models.ForeignKey(
        Series, on_delete=models.PROTECT, related_name="events", help_text="Series it belongs to."
    )
    ticker = models.CharField(max_length=48, unique=True, help_text="Exchange ticker.")
    climate_day = models.DateField(help_text="Day in the station's standard time.")
    title = models.CharField(max_length=200, blank=True, help_text="As the exchange titles it.")
    status = models.CharField(
        max_length=12, choices=Status.choices, default=Status.OPEN, help_text="Life of the event."
    )
    quarantine_reason = models.TextField(
        blank=True, help_text="Why nothing may trade here; empty when the ladder is proven."
    )
    settlement_sources = models.JSONField(
        default=list, blank=True, help_text="The authority in force for this event."
    )
    rules_hash = models.CharField(
        max_length=64, blank=True, help_text="Hash of the rules text; a change stops new entries."
    )
    expiration_value_f = models.DecimalField(
        max_digits=6,
        decimal_places=2,
        null=True,
        blank=True,
        help_text="Value on which the exchange settled, °F.",
    )
    first_seen_at = models.DateTimeField(help_text="When we first saw it.")
    determined_at = models.DateTimeField(
        null=True, blank=True, help_text="When the exchange published the results."
    )

    class Meta:
        ordering = ("-climate_day", "ticker")
        constraints = [
            models.UniqueConstraint(
                fields=("series", "climate_day"), name="markets_event_one_per_day"
            ),
        ]
        indexes = [models.Index(fields=("status", "climate_day"), name="markets_event_open")]

    def __str__(self) -> str:
        return self.ticker


class Market(models.Model):
    """One bracket of an event."""

    class Status(models.TextChoices):
        """The exchange's own words."""

        INITIALIZED = "initialized", "not open yet"
        ACTIVE = "active", "open"
        INACTIVE = "inactive", "paused"
        CLOSED = "closed", "closed"
        DETERMINED = "determined", "determined"
        DISPUTED = "disputed", "disputed"
        AMENDED = "amended", "amended"
        FINALIZED = "finalized", "finalized"

    class Result(models.TextChoices):
        """What the market paid."""

        UNKNOWN = "", "not known"
        YES = "yes", "YES"
        NO = "no", "NO"

    event = models.ForeignKey(
        Event, on_delete=models.CASCADE, related_name="markets", help_text="Event it belongs to."
    )
    ticker = models.CharField(max_length=64, unique=True, help_text="Exchange ticker.")
    subtitle = models.CharField(max_length=80, blank=True, help_text="Label, never parsed.")
    strike_type = models.CharField(
        max_length=8,
        choices=[(item.value, item.value) for item in StrikeType],
        help_text="How the value is compared.",
    )
    floor_strike = models.DecimalField(
        max_digits=6, decimal_places=2, null=True, blank=True, help_text="°F; 0 is a strike."
    )
    cap_strike = models.DecimalField(
        max_digits=6, decimal_places=2, null=True, blank=True, help_text="°F; 0 is a strike."
    )
    low_f = models.SmallIntegerField(
        null=True, blank=True, help_text="Lowest whole °F that pays; empty = open end."
    )
    high_f = models.SmallIntegerField(
        null=True, blank=True, help_text="Highest whole °F that pays; empty = open end."
    )
    open_time = models.DateTimeField(help_text="When trading opens.")
    close_time = models.DateTimeField(help_text="When trading closes: the only close to trust.")
    status = models.CharField(
        max_length=12, choices=Status.choices, help_text="As the exchange last said."
    )
    result = models.CharField(
        max_length=4,
        choices=Result.choices,
        blank=True,
        default=Result.UNKNOWN,
        help_text="What it paid.",
    )
    settlement_value_dollars = price_field("Paid per YES contract.", null=True)
    settled_at = models.DateTimeField(null=True, blank=True, help_text="As the exchange says.")
    price_ranges = models.JSONField(
        default=list, help_text="Price grid as [{start, end, step}], dollar strings."
    )
    volume = count_field("Contracts traded, as last listed.", null=True)
    updated_at = models.DateTimeField(help_text="When we last read it.")

    class Meta:
        ordering = ("event", F("low_f").asc(nulls_first=True))
        constraints = [
            models.CheckConstraint(
                name="markets_market_bracket_is_not_empty",
                condition=Q(low_f__isnull=False) | Q(high_f__isnull=False),
            ),
            models.CheckConstraint(
                name="markets_market_bracket_is_ordered",
                condition=Q(low_f__isnull=True)
                | Q(high_f__isnull=True)
                | Q(low_f__lte=F("high_f")),
            ),
            models.CheckConstraint(
                name="markets_market_closes_after_opening",
                condition=Q(close_time__gt=F("open_time")),
            ),
        ]

    def __str__(self) -> str:
        return self.ticker

    @property
    def bracket(self) -> Bracket:
        """Return the whole degrees for which this market pays YES."""
        return Bracket(low_f=self.low_f, high_f=self.high_f)

    def is_open(self, now: dt.datetime) -> bool:
        """Say whether an order could be accepted at ``now``."""
        return self.status == self.Status.ACTIVE and self.open_time <= now < self.close_time


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
    """The bids of both sides at a moment, best first."""

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

    class Meta:
        ordering = ("-at",)
        indexes = [models.Index(fields=("market", "at"), name="markets_trade_by_time")]

    def __str__(self) -> str:
        return f"{self.market.ticker} {self.count} @ {self.yes_price_dollars}"


class Candlestick(models.Model):
    """Open, high, low, close and volume of a contract's YES price."""

    market = models.ForeignKey(
        Market, on_delete=models.CASCADE, related_name="candles", help_text="Which bracket."
    )
    period_minutes = models.PositiveSmallIntegerField(help_text="1, 60 or 1440.")
    end_at = models.DateTimeField(help_text="Inclusive end of the period.")
    open_dollars = price_field("First trade.", null=True)
    high_dollars = price_field("Highest trade.", null=True)
    low_dollars = price_field("Lowest trade.", null=True)
    close_dollars = price_field("Last trade.", null=True)
    yes_bid_close_dollars = price_field("Best YES bid at the end.", null=True)
    yes_ask_close_dollars = price_field("Best YES ask at the end.", null=True)
    volume = count_field("Contracts traded.")

    class Meta:
        ordering = ("-end_at",)
        constraints = [
            models.UniqueConstraint(
                fields=("market", "period_minutes", "end_at"), name="markets_candle_once"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.market.ticker} {self.period_minutes} min to {self.end_at:%Y-%m-%d %H:%M}Z"


class Indicator(models.Model):
    """A number computed from a market's candles."""

    market = models.ForeignKey(
        Market, on_delete=models.CASCADE, related_name="indicators", help_text="Which bracket."
    )
    name = models.CharField(max_length=40, help_text="E.g. sma_12.")
    value = models.FloatField(help_text="In the indicator's own unit.")
    at = models.DateTimeField(help_text="End of the last candle used.")
    metadata = models.JSONField(default=dict, blank=True, help_text="Parameters and inputs.")

    class Meta:
        ordering = ("-at",)
        constraints = [
            models.UniqueConstraint(fields=("market", "name", "at"), name="markets_indicator_once"),
        ]

    def __str__(self) -> str:
        return f"{self.market.ticker} {self.name} {self.value:.4f}"


class ExchangeAccount(models.Model):
    """Credentials of one exchange account; the private key is stored encrypted."""

    class Environment(models.TextChoices):
        """Where the key is valid; keys are never shared between the two."""

        DEMO = "demo", "exchange's demo"
        LIVE = "live", "live"

    uuid = models.UUIDField(unique=True, help_text="Binds the ciphertext to this row.")
    name = models.CharField(max_length=80, unique=True, help_text="Name for people.")
    environment = models.CharField(
        max_length=4, choices=Environment.choices, help_text="Where the key is valid."
    )
    key_id = models.CharField(max_length=64, help_text="The exchange's id of the key.")
    encrypted_private_key = models.TextField(help_text="Ciphertext; never shown.")
    is_active = models.BooleanField(default=True, help_text="Whether it may be used.")
    created_at = models.DateTimeField(help_text="When it was stored.")

    class Meta:
        ordering = ("name",)

    def __str__(self) -> str:
        return f"{self.name} ({self.environment})"


class FeeSchedule(models.Model):
    """The fee in force for a series, or for one event, from a moment on."""

    series = models.ForeignKey(
        Series, on_delete=models.CASCADE, related_name="fee_schedules", help_text="Series."
    )
    event = models.ForeignKey(
        Event,
        null=True,
        blank=True,
        on_delete=models.CASCADE,
        related_name="fee_schedules",
        help_text="Only this event, when set.",
    )
    fee_type = models.CharField(
        max_length=60, help_text="As the exchange says; an unknown one refuses to trade."
    )
    multiplier = models.DecimalField(max_digits=8, decimal_places=4, help_text="Fee multiplier.")
    effective_from = models.DateTimeField(help_text="In force from.")
    available_at = models.DateTimeField(help_text="When we could first have known it.")

    class Meta:
        ordering = ("series", "-effective_from")
        constraints = [
            models.UniqueConstraint(
                fields=("series", "effective_from"),
                name="markets_fee_once_per_series",
                condition=Q(event__isnull=True),
            ),
            models.UniqueConstraint(
                fields=("event", "effective_from"),
                name="markets_fee_once_per_event",
                condition=Q(event__isnull=False),
            ),
            models.CheckConstraint(
                name="markets_fee_multiplier_not_negative", condition=Q(multiplier__gte=0)
            ),
        ]

    def __str__(self) -> str:
        return f"{self.series.ticker} {self.fee_type} x {self.multiplier}"
