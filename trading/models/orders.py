"""Orders and their fills."""

from __future__ import annotations

from decimal import Decimal

from django.db import models
from django.db.models import F, Q

from trading.choices import LIVE_ORDER_STATUSES, OrderStatus, SideChoice, Venue
from trading.models.trades import Trade


class Order(models.Model):
    """An order that we decided on and committed before the network saw it."""

    class TimeInForce(models.TextChoices):
        """How long it lives, in the exchange's words."""

        GTC = "good_till_canceled", "good till cancelled"
        IOC = "immediate_or_cancel", "immediate or cancel"
        FOK = "fill_or_kill", "fill or kill"

    trade = models.ForeignKey(
        Trade, on_delete=models.PROTECT, related_name="orders", help_text="For which trade."
    )
    client_order_id = models.CharField(
        max_length=64, unique=True, help_text="Our identity of it; sent to the venue."
    )
    venue = models.CharField(max_length=5, choices=Venue.choices, help_text="Bound at creation.")
    venue_order_id = models.CharField(
        max_length=80, blank=True, help_text="The venue's identity; proof that it was accepted."
    )
    side = models.CharField(max_length=3, choices=SideChoice.choices, help_text="Bought contract.")
    price_dollars = models.DecimalField(
        max_digits=6, decimal_places=4, help_text="Limit, price of the side."
    )
    count = models.DecimalField(max_digits=14, decimal_places=2, help_text="Contracts ordered.")
    filled_count = models.DecimalField(
        max_digits=14, decimal_places=2, default=Decimal("0"), help_text="Contracts filled."
    )
    time_in_force = models.CharField(
        max_length=20, choices=TimeInForce.choices, help_text="How long it lives."
    )
    post_only = models.BooleanField(default=False, help_text="Never takes.")
    status = models.CharField(
        max_length=13, choices=OrderStatus.choices, help_text="Where it is in its life."
    )
    status_reason = models.TextField(blank=True, help_text="Why, when not obvious.")
    created_at = models.DateTimeField(help_text="When the intent was committed.")
    sent_at = models.DateTimeField(null=True, blank=True, help_text="When it was sent.")
    finished_at = models.DateTimeField(null=True, blank=True, help_text="When it became final.")

    class Meta:
        ordering = ("-created_at",)
        constraints = [
            models.UniqueConstraint(
                fields=("trade",),
                name="trading_order_one_live_per_trade",
                condition=Q(status__in=[str(status) for status in LIVE_ORDER_STATUSES]),
            ),
            models.CheckConstraint(
                name="trading_order_count_is_positive", condition=Q(count__gt=0)
            ),
            models.CheckConstraint(
                name="trading_order_not_overfilled",
                condition=Q(filled_count__gte=0, filled_count__lte=F("count")),
            ),
            models.CheckConstraint(
                name="trading_order_price_inside",
                condition=Q(price_dollars__gt=0, price_dollars__lt=1),
            ),
        ]
        indexes = [models.Index(fields=("status",), name="trading_order_status")]

    def __str__(self) -> str:
        return f"{self.client_order_id} {self.status}"

    @property
    def remaining_count(self) -> Decimal:
        """Return the contracts not yet filled."""
        return self.count - self.filled_count


class Fill(models.Model):
    """Contracts that changed hands."""

    order = models.ForeignKey(
        Order, on_delete=models.PROTECT, related_name="fills", help_text="Of which order."
    )
    venue_trade_id = models.CharField(
        max_length=80, unique=True, help_text="The venue's identity; a second delivery is a no-op."
    )
    at = models.DateTimeField(help_text="When.")
    price_dollars = models.DecimalField(
        max_digits=6, decimal_places=4, help_text="Price of the side bought."
    )
    count = models.DecimalField(max_digits=14, decimal_places=2, help_text="Contracts.")
    fee_dollars = models.DecimalField(max_digits=12, decimal_places=6, help_text="Fee paid.")
    is_taker = models.BooleanField(help_text="Whether we took.")

    class Meta:
        ordering = ("-at",)
        constraints = [
            models.CheckConstraint(name="trading_fill_count_is_positive", condition=Q(count__gt=0)),
        ]

    def __str__(self) -> str:
        return f"{self.count} @ {self.price_dollars}"

    @property
    def cost_dollars(self) -> Decimal:
        """Return what the contracts cost, without the fee."""
        return self.price_dollars * self.count
