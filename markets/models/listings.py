"""What the exchange lists: series, events and markets."""

from __future__ import annotations

import datetime as dt

from django.db import models
from django.db.models import F, Q

from boz.core.schemas import Bracket, StrikeType
from markets.models.fields import count_field, price_field
from weather.models import Station


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
