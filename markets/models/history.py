"""What has been fetched of the past, and what has been thinned out."""

from __future__ import annotations

from django.db import models

from markets.models.listings import Event


class MarketHistoryChunk(models.Model):
    """One kind of data of one settled event that has been fetched and stored as a whole."""

    class Kind(models.TextChoices):
        """What was fetched."""

        TRADES = "trades", "trades"
        CANDLES_1 = "candles-1", "one-minute candles"
        CANDLES_60 = "candles-60", "hourly candles"
        CANDLES_1440 = "candles-1440", "daily candles"

    event = models.ForeignKey(
        Event, on_delete=models.CASCADE, related_name="history_chunks", help_text="Of which event."
    )
    kind = models.CharField(max_length=16, choices=Kind.choices, help_text="What was fetched.")
    rows = models.PositiveIntegerField(help_text="Rows that were new.")
    problems = models.PositiveIntegerField(default=0, help_text="Entries that were refused.")
    finished_at = models.DateTimeField(help_text="When it was stored.")

    class Meta:
        ordering = ("event", "kind")
        constraints = [
            models.UniqueConstraint(fields=("event", "kind"), name="markets_history_chunk_once"),
        ]

    def __str__(self) -> str:
        return f"{self.event.ticker} {self.kind}"


class RetentionMark(models.Model):
    """Up to when a retention rule has been applied; what lies before is not looked at again."""

    rule = models.CharField(max_length=40, unique=True, help_text="Name of the rule.")
    applied_until = models.DateTimeField(help_text="Rows before this have been thinned.")
    removed = models.PositiveBigIntegerField(default=0, help_text="Rows removed in all.")
    last_run_at = models.DateTimeField(help_text="When it was last applied.")

    class Meta:
        ordering = ("rule",)

    def __str__(self) -> str:
        return f"{self.rule} until {self.applied_until:%Y-%m-%d %H:%M}Z"
