"""Prices of a contract over time, and numbers computed from them."""

from __future__ import annotations

from django.db import models
from django.db.models import Q

from markets.models.fields import count_field, price_field
from markets.models.listings import Market


class CandlePeriod(models.IntegerChoices):
    """The lengths of candles that the exchange keeps."""

    MINUTE = 1, "one minute"
    HOUR = 60, "one hour"
    DAY = 1440, "one day"


class Candlestick(models.Model):
    """A period of a contract: trades, best YES bid, best YES ask, volume, open interest.

    A price that did not exist is null: no trade, or a side on which nobody quoted at that moment.
    """

    market = models.ForeignKey(
        Market, on_delete=models.CASCADE, related_name="candles", help_text="Which bracket."
    )
    period_minutes = models.PositiveSmallIntegerField(
        choices=CandlePeriod.choices, help_text="1, 60 or 1440."
    )
    end_at = models.DateTimeField(help_text="Inclusive end of the period.")
    available_at = models.DateTimeField(help_text="When we could first have known it.")
    open_dollars = price_field("First trade.", null=True)
    high_dollars = price_field("Highest trade.", null=True)
    low_dollars = price_field("Lowest trade.", null=True)
    close_dollars = price_field("Last trade.", null=True)
    mean_dollars = price_field("Volume-weighted mean of the trades.", null=True)
    yes_bid_open_dollars = price_field("Best YES bid at the start.", null=True)
    yes_bid_high_dollars = price_field("Highest of the best YES bids.", null=True)
    yes_bid_low_dollars = price_field("Lowest of the best YES bids.", null=True)
    yes_bid_close_dollars = price_field("Best YES bid at the end.", null=True)
    yes_ask_open_dollars = price_field("Best YES ask at the start.", null=True)
    yes_ask_high_dollars = price_field("Highest of the best YES asks.", null=True)
    yes_ask_low_dollars = price_field("Lowest of the best YES asks.", null=True)
    yes_ask_close_dollars = price_field("Best YES ask at the end.", null=True)
    volume = count_field("Contracts traded.")
    open_interest = count_field("Contracts held at the end.", null=True)

    class Meta:
        ordering = ("-end_at",)
        constraints = [
            models.UniqueConstraint(
                fields=("market", "period_minutes", "end_at"), name="markets_candle_once"
            ),
            models.CheckConstraint(
                name="markets_candle_period_is_one_of_the_exchange",
                condition=Q(period_minutes__in=CandlePeriod.values),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.market.ticker} {self.period_minutes} min to {self.end_at:%Y-%m-%d %H:%M}Z"


class Indicator(models.Model):
    """A number computed from a market's candles."""

    market = models.ForeignKey(
        Market, on_delete=models.CASCADE, related_name="indicators", help_text="Which bracket."
    )
    period_minutes = models.PositiveSmallIntegerField(
        choices=CandlePeriod.choices, default=CandlePeriod.HOUR, help_text="Length of the candles."
    )
    name = models.CharField(max_length=40, help_text="E.g. sma_12.")
    value = models.FloatField(help_text="In the indicator's own unit.")
    at = models.DateTimeField(help_text="End of the last candle used.")
    available_at = models.DateTimeField(help_text="When its last candle could have been known.")
    metadata = models.JSONField(default=dict, blank=True, help_text="Parameters and inputs.")

    class Meta:
        ordering = ("-at",)
        constraints = [
            models.UniqueConstraint(
                fields=("market", "period_minutes", "name", "at"), name="markets_indicator_once"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.market.ticker} {self.name} {self.value:.4f}"
