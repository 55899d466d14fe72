"""Where every dollar went."""

from __future__ import annotations

from decimal import Decimal
from typing import Any, NoReturn

from django.db import models
from django.db.models import F, Q

from markets.models import Market
from trading.choices import Account, EntryKind, SideChoice
from trading.models.orders import Fill
from trading.models.portfolios import Portfolio
from trading.models.trades import Trade


class LedgerEntryQuerySet(models.QuerySet["LedgerEntry"]):
    """Reads and appends only."""

    def update(self, **kwargs: Any) -> NoReturn:
        """Refuse: the ledger is append only."""
        raise TypeError("ledger entries are append only; post a reversing entry instead")

    def delete(self) -> NoReturn:
        """Refuse: the ledger is append only."""
        raise TypeError("ledger entries are append only; post a reversing entry instead")


class LedgerEntry(models.Model):
    """One movement of money from one account to another: double entry in one row.

    ``debit`` receives, ``credit`` gives; an amount is positive, so the books balance by
    construction.
    """

    portfolio = models.ForeignKey(
        Portfolio, on_delete=models.PROTECT, related_name="ledger", help_text="Whose books."
    )
    at = models.DateTimeField(help_text="When it happened.")
    kind = models.CharField(max_length=10, choices=EntryKind.choices, help_text="Why.")
    debit = models.CharField(max_length=9, choices=Account.choices, help_text="Receives.")
    credit = models.CharField(max_length=9, choices=Account.choices, help_text="Gives.")
    amount_dollars = models.DecimalField(
        max_digits=16, decimal_places=6, help_text="Positive amount."
    )
    reference = models.CharField(
        max_length=120, unique=True, help_text="Natural key: posting twice is impossible."
    )
    trade = models.ForeignKey(
        Trade,
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="ledger",
        help_text="Because of which trade.",
    )
    fill = models.ForeignKey(
        Fill,
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="ledger",
        help_text="Because of which fill.",
    )
    note = models.TextField(blank=True, help_text="For people.")

    objects = LedgerEntryQuerySet.as_manager()

    class Meta:
        ordering = ("-at", "-id")
        verbose_name_plural = "ledger entries"
        constraints = [
            models.CheckConstraint(
                name="trading_ledger_amount_is_positive", condition=Q(amount_dollars__gt=0)
            ),
            models.CheckConstraint(
                name="trading_ledger_accounts_differ", condition=~Q(debit=F("credit"))
            ),
        ]
        indexes = [models.Index(fields=("portfolio", "at"), name="trading_ledger_by_time")]

    def __str__(self) -> str:
        return f"{self.kind} {self.amount_dollars} {self.credit} → {self.debit}"

    def save(self, *args: Any, **kwargs: Any) -> None:
        """Append; an existing entry cannot be changed."""
        if self.pk is not None:
            raise TypeError("ledger entries are append only; post a reversing entry instead")
        super().save(*args, **kwargs)

    def delete(self, *args: Any, **kwargs: Any) -> NoReturn:
        """Refuse: the ledger is append only."""
        raise TypeError("ledger entries are append only; post a reversing entry instead")


class Position(models.Model):
    """Contracts held in one market, kept in step with the fills by the booking service."""

    portfolio = models.ForeignKey(
        Portfolio, on_delete=models.PROTECT, related_name="positions", help_text="Whose."
    )
    market = models.ForeignKey(
        Market, on_delete=models.PROTECT, related_name="positions", help_text="Which bracket."
    )
    side = models.CharField(max_length=3, choices=SideChoice.choices, help_text="Held contract.")
    count = models.DecimalField(
        max_digits=14, decimal_places=2, default=Decimal("0"), help_text="Contracts held."
    )
    cost_dollars = models.DecimalField(
        max_digits=14, decimal_places=6, default=Decimal("0"), help_text="Paid, without fees."
    )
    fees_dollars = models.DecimalField(
        max_digits=14, decimal_places=6, default=Decimal("0"), help_text="Fees paid."
    )
    settled_at = models.DateTimeField(null=True, blank=True, help_text="When it was paid out.")
    payout_dollars = models.DecimalField(
        max_digits=14, decimal_places=6, null=True, blank=True, help_text="Paid at settlement."
    )

    class Meta:
        ordering = ("portfolio", "market")
        constraints = [
            models.UniqueConstraint(
                fields=("portfolio", "market", "side"), name="trading_position_once"
            ),
            models.CheckConstraint(
                name="trading_position_not_negative",
                condition=Q(count__gte=0, cost_dollars__gte=0, fees_dollars__gte=0),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.count} {self.side} {self.market.ticker}"

    @property
    def at_risk_dollars(self) -> Decimal:
        """Return what is lost if it pays nothing; zero once settled."""
        return Decimal("0") if self.settled_at is not None else self.cost_dollars
