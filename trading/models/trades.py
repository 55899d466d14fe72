"""A trade: one wanted position in one market, from proposal to result."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import Q

from boz.core.schemas import Confidence
from markets.models import Event, Market
from trading.choices import FINAL_TRADE_STATUSES, SideChoice, TradeStatus, Venue
from trading.models.decisions import Decision
from trading.models.portfolios import Portfolio, Strategy


class Trade(models.Model):
    """What was wanted, why, who agreed, and how it ended."""

    portfolio = models.ForeignKey(
        Portfolio, on_delete=models.PROTECT, related_name="trades", help_text="For whom."
    )
    strategy = models.ForeignKey(
        Strategy, on_delete=models.PROTECT, related_name="trades", help_text="By which rules."
    )
    decision = models.ForeignKey(
        Decision, on_delete=models.PROTECT, related_name="trades", help_text="Decided here."
    )
    event = models.ForeignKey(
        Event, on_delete=models.PROTECT, related_name="trades", help_text="City and climate day."
    )
    market = models.ForeignKey(
        Market, on_delete=models.PROTECT, related_name="trades", help_text="Which bracket."
    )
    side = models.CharField(max_length=3, choices=SideChoice.choices, help_text="Bought contract.")
    count = models.DecimalField(max_digits=14, decimal_places=2, help_text="Contracts wanted.")
    limit_price_dollars = models.DecimalField(
        max_digits=6, decimal_places=4, help_text="Highest price of the side."
    )
    all_in_cost_dollars = models.DecimalField(
        max_digits=8, decimal_places=6, help_text="Expected price and fee per contract."
    )
    max_cost_dollars = models.DecimalField(
        max_digits=12,
        decimal_places=4,
        help_text="Most it can cost in all, if every contract is paid at the limit.",
    )
    venue = models.CharField(
        max_length=5,
        choices=Venue.choices,
        help_text="Where the decision meant it to go; its order goes there or nowhere.",
    )
    reserved_dollars = models.DecimalField(
        max_digits=12,
        decimal_places=4,
        help_text="Most this trade can still cost; counts as exposure until it is final.",
    )
    probability = models.FloatField(help_text="Our probability then that the side pays.")
    market_probability = models.FloatField(
        null=True, blank=True, help_text="The market's probability then."
    )
    expected_value_dollars = models.DecimalField(
        max_digits=8, decimal_places=6, help_text="After fees, per contract, then."
    )
    confidence = models.CharField(
        max_length=6,
        choices=[(item.value, item.value) for item in Confidence],
        help_text="Grade of the belief then.",
    )
    reasons = models.JSONField(default=list, help_text="Why, in sentences.")
    status = models.CharField(
        max_length=9, choices=TradeStatus.choices, help_text="Where it is in its life."
    )
    status_reason = models.TextField(blank=True, help_text="Why it is there, when not obvious.")
    created_at = models.DateTimeField(help_text="When it was proposed.")
    expires_at = models.DateTimeField(null=True, blank=True, help_text="Unapproved until then.")
    decided_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="+",
        help_text="Who approved or rejected; empty when automatic.",
    )
    decided_at = models.DateTimeField(null=True, blank=True, help_text="When decided.")
    settled_at = models.DateTimeField(null=True, blank=True, help_text="When it was settled.")
    pnl_dollars = models.DecimalField(
        max_digits=14, decimal_places=6, null=True, blank=True, help_text="Result after fees."
    )

    class Meta:
        ordering = ("-created_at",)
        permissions = [("review_trade", "Can approve and reject trades")]
        constraints = [
            models.UniqueConstraint(
                fields=("portfolio", "market"),
                name="trading_trade_one_open_per_market",
                condition=~Q(status__in=[str(status) for status in FINAL_TRADE_STATUSES]),
            ),
            models.CheckConstraint(
                name="trading_trade_count_is_positive", condition=Q(count__gt=0)
            ),
            models.CheckConstraint(
                name="trading_trade_price_inside",
                condition=Q(limit_price_dollars__gt=0, limit_price_dollars__lt=1),
            ),
            models.CheckConstraint(
                name="trading_trade_result_is_complete",
                condition=~Q(status__in=[str(TradeStatus.WON), str(TradeStatus.LOST)])
                | Q(settled_at__isnull=False, pnl_dollars__isnull=False),
            ),
        ]
        indexes = [models.Index(fields=("portfolio", "status"), name="trading_trade_status")]

    def __str__(self) -> str:
        return f"{self.get_side_display()} {self.count} {self.market.ticker} ({self.status})"

    @property
    def is_final(self) -> bool:
        """Say whether nothing more can happen to it."""
        return self.status in FINAL_TRADE_STATUSES
