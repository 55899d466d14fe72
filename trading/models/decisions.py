"""What the kernel saw and decided."""

from __future__ import annotations

from django.db import models

from boz.core.schemas import Confidence
from markets.models import Event, Market
from prediction.models import Prediction
from trading.choices import SideChoice
from trading.models.portfolios import Portfolio, Strategy


class Decision(models.Model):
    """One run of the kernel for a strategy on an event, replayable from its snapshot."""

    portfolio = models.ForeignKey(
        Portfolio, on_delete=models.PROTECT, related_name="decisions", help_text="For whom."
    )
    strategy = models.ForeignKey(
        Strategy, on_delete=models.PROTECT, related_name="decisions", help_text="By which rules."
    )
    event = models.ForeignKey(
        Event, on_delete=models.PROTECT, related_name="decisions", help_text="On what."
    )
    prediction = models.ForeignKey(
        Prediction,
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="decisions",
        help_text="The belief used.",
    )
    as_of = models.DateTimeField(help_text="Nothing known later was used.")
    snapshot = models.JSONField(help_text="Everything the kernel saw.")
    snapshot_hash = models.CharField(max_length=64, help_text="Hash of the snapshot.")
    outcome = models.JSONField(help_text="Orders wanted and stand-downs with reasons.")
    outcome_hash = models.CharField(max_length=64, help_text="Hash of the outcome.")
    orders_wanted = models.PositiveSmallIntegerField(help_text="Number of orders wanted.")
    stand_down = models.TextField(
        blank=True, help_text="Why nothing was wanted, in one sentence; empty when trading."
    )

    class Meta:
        ordering = ("-as_of",)
        constraints = [
            models.UniqueConstraint(
                fields=("strategy", "event", "as_of"), name="trading_decision_once_per_moment"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.event.ticker} {self.as_of:%Y-%m-%d %H:%M}Z {self.orders_wanted} wanted"


class Signal(models.Model):
    """What a strategy made of one market: buy, sell or hold, with reasons."""

    class Direction(models.TextChoices):
        """Whether to act."""

        BUY = "buy", "buy"
        SELL = "sell", "sell"
        HOLD = "hold", "hold"

    decision = models.ForeignKey(
        Decision, on_delete=models.CASCADE, related_name="signals", help_text="Part of."
    )
    market = models.ForeignKey(
        Market, on_delete=models.PROTECT, related_name="signals", help_text="Which bracket."
    )
    direction = models.CharField(
        max_length=4, choices=Direction.choices, help_text="Whether to act."
    )
    side = models.CharField(
        max_length=3, choices=SideChoice.choices, blank=True, help_text="Which contract."
    )
    probability = models.FloatField(help_text="Our probability that the side pays.")
    market_probability = models.FloatField(
        null=True, blank=True, help_text="The market's for the side; empty without a quote."
    )
    all_in_cost_dollars = models.DecimalField(
        max_digits=8, decimal_places=6, null=True, blank=True, help_text="Price and fee."
    )
    expected_value_dollars = models.DecimalField(
        max_digits=8, decimal_places=6, null=True, blank=True, help_text="After fees, a contract."
    )
    confidence = models.CharField(
        max_length=6,
        choices=[(item.value, item.value) for item in Confidence],
        help_text="Grade of the belief.",
    )
    reasons = models.JSONField(default=list, help_text="Sentences.")

    class Meta:
        ordering = ("decision", "market")
        constraints = [
            models.UniqueConstraint(
                fields=("decision", "market", "side"), name="trading_signal_once"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.direction} {self.side} {self.market.ticker}"
