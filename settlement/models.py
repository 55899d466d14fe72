"""How events ended, and what we learned from each trade."""

from __future__ import annotations

from django.db import models

from markets.models import Event
from trading.models import Portfolio, Trade


class Settlement(models.Model):
    """One version of how an event was settled; a later correction adds a version."""

    event = models.ForeignKey(
        Event, on_delete=models.PROTECT, related_name="settlements", help_text="Which event."
    )
    version = models.PositiveSmallIntegerField(help_text="1 for the first, then upwards.")
    exchange_value_f = models.DecimalField(
        max_digits=6, decimal_places=2, null=True, help_text="The exchange's value, °F: money."
    )
    our_reading_f = models.SmallIntegerField(
        null=True, blank=True, help_text="Our own reading of the authority, °F: the check."
    )
    authority = models.CharField(max_length=120, help_text="Settlement authority in force.")
    results = models.JSONField(help_text="Result by market ticker.")
    mismatches = models.JSONField(
        default=list, blank=True, help_text="Sentences on what does not agree; empty when all does."
    )
    settled_at = models.DateTimeField(help_text="When we settled it.")

    class Meta:
        ordering = ("-settled_at",)
        constraints = [
            models.UniqueConstraint(fields=("event", "version"), name="settlement_version_once"),
        ]

    def __str__(self) -> str:
        return f"{self.event.ticker} v{self.version}: {self.exchange_value_f} °F"


class PostMortem(models.Model):
    """What a settled trade teaches."""

    trade = models.OneToOneField(
        Trade, on_delete=models.PROTECT, related_name="post_mortem", help_text="About which trade."
    )
    settlement = models.ForeignKey(
        Settlement, on_delete=models.PROTECT, related_name="post_mortems", help_text="Settled by."
    )
    what_we_traded = models.TextField(help_text="The position and what it cost.")
    what_happened = models.TextField(help_text="The day's high and what it paid.")
    why_we_took_it = models.TextField(help_text="The belief and the edge then.")
    why_it_ended_so = models.TextField(help_text="Why it worked or did not.")
    confidence_then = models.TextField(help_text="The grade then and what it rested on.")
    forecast_error_f = models.FloatField(
        null=True, blank=True, help_text="Predicted mean less the settled high, °F."
    )
    luck_dollars = models.DecimalField(
        max_digits=14, decimal_places=6, help_text="Result less the value expected then."
    )
    written_at = models.DateTimeField(help_text="When it was written.")

    class Meta:
        ordering = ("-written_at",)

    def __str__(self) -> str:
        return f"Post-mortem of {self.trade}"


class Digest(models.Model):
    """A portfolio's exchange day in one text."""

    portfolio = models.ForeignKey(
        Portfolio, on_delete=models.CASCADE, related_name="digests", help_text="Whose day."
    )
    day = models.DateField(help_text="Exchange day it tells of.")
    title = models.CharField(max_length=160, help_text="One line.")
    body = models.TextField(help_text="Plain text.")
    figures = models.JSONField(default=dict, help_text="The numbers in the text.")
    written_at = models.DateTimeField(help_text="When it was written.")

    class Meta:
        ordering = ("-day",)
        constraints = [
            models.UniqueConstraint(fields=("portfolio", "day"), name="settlement_digest_once"),
        ]

    def __str__(self) -> str:
        return self.title
