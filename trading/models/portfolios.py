"""Portfolios, their members and their strategies."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

from django.conf import settings
from django.core.exceptions import ValidationError
from django.db import models
from django.db.models import Q

from boz.core.schemas import UserSettings
from trading.choices import Mode, Role, Venue

if TYPE_CHECKING:
    from django.contrib.auth.models import AbstractBaseUser, AnonymousUser


def default_max_trade_size() -> Decimal:
    """Return the limit per trade for a new portfolio."""
    return settings.DEFAULT_MAX_TRADE_SIZE


def default_daily_loss_limit() -> Decimal:
    """Return the daily loss limit for a new portfolio."""
    return settings.DEFAULT_DAILY_LOSS_LIMIT


def default_max_daily_exposure() -> Decimal:
    """Return the exposure limit for a new portfolio."""
    return settings.DEFAULT_MAX_DAILY_EXPOSURE


def default_min_ev() -> Decimal:
    """Return the minimum expected value for a new portfolio."""
    return settings.DEFAULT_MIN_EV_THRESHOLD


def default_cooldown_minutes() -> int:
    """Return the cooldown after a loss for a new portfolio."""
    return settings.DEFAULT_COOLDOWN_MINUTES


def default_consecutive_loss_limit() -> int:
    """Return the loss streak that locks a new portfolio."""
    return settings.DEFAULT_CONSECUTIVE_LOSS_LIMIT


class PortfolioQuerySet(models.QuerySet["Portfolio"]):
    """Reads of portfolios that cannot forget the permission."""

    def visible_to(self, user: AbstractBaseUser | AnonymousUser) -> PortfolioQuerySet:
        """Return the portfolios that a user owns or is a member of; all for a superuser."""
        if getattr(user, "is_superuser", False):
            return self
        if not user.is_authenticated:
            return self.none()
        return self.filter(Q(owner=user) | Q(members__user=user)).distinct()


class Portfolio(models.Model):
    """Who trades: owner and members, venue, mode, limits and strategies."""

    name = models.CharField(max_length=80, unique=True, help_text="Name for people.")
    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.PROTECT,
        related_name="portfolios",
        help_text="Owns it, with a manager's rights.",
    )
    venue = models.CharField(
        max_length=5, choices=Venue.choices, default=Venue.PAPER, help_text="Where orders go."
    )
    mode = models.CharField(
        max_length=6, choices=Mode.choices, default=Mode.MANUAL, help_text="Who decides."
    )
    is_active = models.BooleanField(default=True, help_text="Whether the trading cycle runs.")
    stations = models.ManyToManyField(
        "weather.Station", blank=True, help_text="Cities it trades; none means all active ones."
    )
    max_trade_size_dollars = models.DecimalField(
        max_digits=12,
        decimal_places=4,
        default=default_max_trade_size,
        help_text="Most to spend on one trade, fees included; 0 allows none.",
    )
    daily_loss_limit_dollars = models.DecimalField(
        max_digits=12,
        decimal_places=4,
        default=default_daily_loss_limit,
        help_text="Realised loss of an exchange day at which trading stops; 0 stops at once.",
    )
    max_daily_exposure_dollars = models.DecimalField(
        max_digits=12,
        decimal_places=4,
        default=default_max_daily_exposure,
        help_text="Most at risk at a time: held, resting, unknown and waiting; 0 allows none.",
    )
    min_ev_dollars = models.DecimalField(
        max_digits=6,
        decimal_places=4,
        default=default_min_ev,
        help_text="Least expected value per contract after fees.",
    )
    cooldown_minutes = models.PositiveIntegerField(
        default=default_cooldown_minutes, help_text="Pause after a loss; 0 for none."
    )
    consecutive_loss_limit = models.PositiveIntegerField(
        default=default_consecutive_loss_limit,
        help_text="Losses in a row that lock the rest of the exchange day; 0 locks always.",
    )
    approval_minutes = models.PositiveIntegerField(
        default=30, help_text="A trade waits this long for approval, then expires."
    )
    live_confirmed_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="+",
        help_text="The manager who confirmed live trading.",
    )
    live_confirmed_at = models.DateTimeField(null=True, blank=True, help_text="When confirmed.")
    created_at = models.DateTimeField(help_text="When it was opened.")

    objects = PortfolioQuerySet.as_manager()

    class Meta:
        ordering = ("name",)
        constraints = [
            models.CheckConstraint(
                name="trading_portfolio_limits_not_negative",
                condition=Q(
                    max_trade_size_dollars__gte=0,
                    daily_loss_limit_dollars__gte=0,
                    max_daily_exposure_dollars__gte=0,
                    min_ev_dollars__gte=0,
                ),
            ),
            models.CheckConstraint(
                name="trading_portfolio_live_is_confirmed",
                condition=~Q(venue=Venue.LIVE)
                | Q(live_confirmed_by__isnull=False, live_confirmed_at__isnull=False),
            ),
        ]

    def __str__(self) -> str:
        return self.name

    def clean(self) -> None:
        """Refuse automatic trading with real money: the evidence that it needs is not measured."""
        if self.venue == Venue.LIVE and self.mode == Mode.AUTO:
            raise ValidationError(
                {"mode": "With real money each trade is approved by a person; choose manual."}
            )

    def role_of(self, user: AbstractBaseUser | AnonymousUser) -> Role | None:
        """Return what a user may do here, or None when nothing."""
        if getattr(user, "is_superuser", False) or user.pk == self.owner_id:
            return Role.MANAGER
        member = self.members.filter(user_id=user.pk).first() if user.pk else None
        return None if member is None else Role(member.role)

    def can_approve(self, user: AbstractBaseUser | AnonymousUser) -> bool:
        """Say whether a user may approve and reject trades."""
        return self.role_of(user) in (Role.APPROVER, Role.MANAGER)

    def can_manage(self, user: AbstractBaseUser | AnonymousUser) -> bool:
        """Say whether a user may change limits and strategies."""
        return self.role_of(user) is Role.MANAGER

    def as_settings(self) -> UserSettings:
        """Return the limits in the shape that crosses walls."""
        return UserSettings(
            mode=self.mode,
            max_trade_size_dollars=self.max_trade_size_dollars,
            daily_loss_limit_dollars=self.daily_loss_limit_dollars,
            max_daily_exposure_dollars=self.max_daily_exposure_dollars,
            min_ev_dollars=self.min_ev_dollars,
            cooldown_minutes=self.cooldown_minutes,
            consecutive_loss_limit=self.consecutive_loss_limit,
            active_cities=tuple(self.stations.values_list("code", flat=True)),
        )


class PortfolioMember(models.Model):
    """A user's role in a portfolio."""

    portfolio = models.ForeignKey(
        Portfolio, on_delete=models.CASCADE, related_name="members", help_text="Where."
    )
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.CASCADE,
        related_name="portfolio_memberships",
        help_text="Who.",
    )
    role = models.CharField(
        max_length=8, choices=Role.choices, default=Role.VIEWER, help_text="What they may do."
    )

    class Meta:
        ordering = ("portfolio", "user")
        constraints = [
            models.UniqueConstraint(
                fields=("portfolio", "user"), name="trading_member_once_per_portfolio"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.user} {self.role} of {self.portfolio}"


class Strategy(models.Model):
    """A way to choose trades, with its parameters."""

    portfolio = models.ForeignKey(
        Portfolio, on_delete=models.CASCADE, related_name="strategies", help_text="Whose."
    )
    name = models.CharField(max_length=80, help_text="Name for people.")
    kind = models.CharField(max_length=40, help_text="Registry name of the strategy.")
    parameters = models.JSONField(
        default=dict, blank=True, help_text="Checked by the strategy's own schema."
    )
    is_active = models.BooleanField(default=True, help_text="Whether the cycle runs it.")

    class Meta:
        ordering = ("portfolio", "name")
        verbose_name_plural = "strategies"
        constraints = [
            models.UniqueConstraint(
                fields=("portfolio", "name"), name="trading_strategy_name_once"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.portfolio} / {self.name}"


class StrategyEvent(models.Model):
    """Something that happened to a strategy: changed, switched on or off."""

    strategy = models.ForeignKey(
        Strategy, on_delete=models.CASCADE, related_name="events", help_text="Which."
    )
    at = models.DateTimeField(help_text="When.")
    kind = models.CharField(max_length=40, help_text="What happened.")
    detail = models.JSONField(default=dict, blank=True, help_text="Before and after.")

    class Meta:
        ordering = ("-at",)

    def __str__(self) -> str:
        return f"{self.strategy} {self.kind}"
