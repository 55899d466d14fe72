"""Enumerations of the trading tables."""

from __future__ import annotations

from django.db import models


class Venue(models.TextChoices):
    """Where orders go."""

    PAPER = "paper", "paper"
    DEMO = "demo", "exchange's demo"
    LIVE = "live", "live"


class Mode(models.TextChoices):
    """Who decides that an order leaves."""

    MANUAL = "manual", "a person approves each trade"
    AUTO = "auto", "by itself"


class Role(models.TextChoices):
    """What a member of a portfolio may do."""

    VIEWER = "viewer", "sees"
    APPROVER = "approver", "sees and approves"
    MANAGER = "manager", "sees, approves and sets limits"


class SideChoice(models.TextChoices):
    """Which contract is bought."""

    YES = "yes", "YES"
    NO = "no", "NO"


class TradeStatus(models.TextChoices):
    """The life of a trade."""

    PENDING = "pending", "waits for approval"
    APPROVED = "approved", "approved, not yet filled"
    REJECTED = "rejected", "rejected"
    EXPIRED = "expired", "expired unapproved"
    EXECUTED = "executed", "executed"
    WON = "won", "won"
    LOST = "lost", "lost"
    CANCELLED = "cancelled", "cancelled unfilled"


class OrderStatus(models.TextChoices):
    """The life of an order; *unknown* is left only with proof from the venue."""

    INTENT = "intent", "committed, not sent"
    SENDING = "sending", "being sent"
    RESTING = "resting", "resting"
    PARTLY_FILLED = "partly_filled", "partly filled"
    FILLED = "filled", "filled"
    CANCELLED = "cancelled", "cancelled"
    REJECTED = "rejected", "rejected by the venue"
    NOT_SENT = "not_sent", "proven never sent"
    UNKNOWN = "unknown", "outcome unknown"


class Account(models.TextChoices):
    """Accounts of a portfolio's ledger."""

    CAPITAL = "capital", "paid-in capital"
    CASH = "cash", "cash"
    CONTRACTS = "contracts", "contracts held, at cost"
    FEES = "fees", "fees paid"
    RESULT = "result", "realised result"


class EntryKind(models.TextChoices):
    """Why money moved."""

    DEPOSIT = "deposit", "deposit"
    WITHDRAWAL = "withdrawal", "withdrawal"
    PURCHASE = "purchase", "purchase of contracts"
    FEE = "fee", "trading fee"
    PAYOUT = "payout", "settlement payout"
    GAIN = "gain", "gain on settlement"
    LOSS = "loss", "loss on settlement"


class LockKind(models.TextChoices):
    """Why trading is locked for a while."""

    COOLDOWN = "cooldown", "cooldown after a loss"
    LOSS_STREAK = "loss_streak", "too many losses in a row"
    DAILY_LOSS = "daily_loss", "daily loss limit reached"


#: Orders that may still become contracts, so their cost counts as exposure.
LIVE_ORDER_STATUSES = (
    OrderStatus.INTENT,
    OrderStatus.SENDING,
    OrderStatus.RESTING,
    OrderStatus.PARTLY_FILLED,
    OrderStatus.UNKNOWN,
)
#: Trades that no longer change.
FINAL_TRADE_STATUSES = (
    TradeStatus.REJECTED,
    TradeStatus.EXPIRED,
    TradeStatus.WON,
    TradeStatus.LOST,
    TradeStatus.CANCELLED,
)
