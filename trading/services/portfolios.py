"""Opening portfolios, setting their limits, and paying money in."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import Any

from django.conf import settings
from django.contrib.auth.models import User
from django.core.exceptions import ValidationError
from django.db import transaction

from boz.core.errors import InvalidDataError, OperatorActionRequired
from boz.core.money import CENT, format_dollars
from boz.core.services.audit import record_audit
from trading.choices import Mode, Venue
from trading.domain.parameters import checked_parameters
from trading.models import Portfolio, Strategy, StrategyEvent
from trading.services.ledger import post_deposit

#: More than any desk of this kind holds, and well inside of what the ledger's columns can.
MAX_DEPOSIT_DOLLARS = Decimal("10000000")
#: What a manager may change through :func:`change_limits`.
LIMIT_FIELDS = (
    "mode",
    "is_active",
    "max_trade_size_dollars",
    "daily_loss_limit_dollars",
    "max_daily_exposure_dollars",
    "min_ev_dollars",
    "cooldown_minutes",
    "consecutive_loss_limit",
    "approval_minutes",
)


@transaction.atomic
def open_portfolio(
    *,
    name: str,
    owner: User,
    deposit_dollars: Decimal,
    now: dt.datetime,
    strategy_kind: str = "value",
    strategy_parameters: dict[str, Any] | None = None,
    **limits: Any,
) -> Portfolio:
    """Open a paper portfolio with money in it and one active strategy.

    Limits that are not given are the installation's defaults. Another venue is chosen afterwards,
    see :func:`choose_venue`.

    Raises:
        InvalidDataError: If the deposit or a limit makes no sense.
    """
    _require_deposit(deposit_dollars)
    unknown = sorted(set(limits) - set(LIMIT_FIELDS))
    if unknown:
        raise InvalidDataError(
            f"{', '.join(unknown)} cannot be set on opening.", {"allowed": list(LIMIT_FIELDS)}
        )
    parameters = dict(strategy_parameters or {})
    checked_parameters(strategy_kind, parameters)
    portfolio = Portfolio(name=name, owner=owner, created_at=now, **limits)
    _save_checked(portfolio)
    post_deposit(portfolio=portfolio, amount_dollars=deposit_dollars, at=now, reference="opening")
    strategy = Strategy.objects.create(
        portfolio=portfolio, name=strategy_kind, kind=strategy_kind, parameters=parameters
    )
    StrategyEvent.objects.create(strategy=strategy, at=now, kind="created", detail=parameters)
    record_audit(
        actor=str(owner),
        action="portfolio.open",
        subject=f"portfolio:{portfolio.pk}",
        before=None,
        after={"name": name, "deposit_dollars": str(deposit_dollars), "venue": portfolio.venue},
        reason="opened",
        now=now,
    )
    return portfolio


@transaction.atomic
def change_limits(
    *,
    portfolio: Portfolio,
    user: User,
    now: dt.datetime,
    reason: str,
    **changes: Any,
) -> Portfolio:
    """Change limits or habits of a portfolio, with a reason that is kept.

    Raises:
        OperatorActionRequired: If the user is no manager of it, or gives no reason.
        InvalidDataError: If a field cannot be changed here or a value makes no sense.
    """
    locked = Portfolio.objects.select_for_update().get(pk=portfolio.pk)
    if not locked.can_manage(user):
        raise OperatorActionRequired("Only a manager of the portfolio may change its limits.")
    if not reason.strip():
        raise OperatorActionRequired("A change of limits needs a reason.")
    unknown = sorted(set(changes) - set(LIMIT_FIELDS))
    if unknown:
        raise InvalidDataError(
            f"{', '.join(unknown)} cannot be changed here.", {"allowed": list(LIMIT_FIELDS)}
        )
    before = {field: str(getattr(locked, field)) for field in changes}
    for field, value in changes.items():
        setattr(locked, field, value)
    _save_checked(locked)
    record_audit(
        actor=str(user),
        action="portfolio.limits",
        subject=f"portfolio:{locked.pk}",
        before=before,
        after={field: str(getattr(locked, field)) for field in changes},
        reason=reason,
        now=now,
    )
    return locked


@transaction.atomic
def choose_venue(
    *, portfolio: Portfolio, user: User, venue: str, reason: str, now: dt.datetime
) -> Portfolio:
    """Let a portfolio that has not traded yet trade elsewhere; real money starts in manual mode.

    Choosing real money is the manager's confirmation of it, which is kept with the portfolio and
    in the audit trail. The cash in the books stays: it is what the portfolio may use of the
    account.

    Raises:
        OperatorActionRequired: If the user is no manager of it, gives no reason, or wants real
            money on an installation that does not allow it.
        InvalidDataError: If the portfolio has traded, or there is no such venue.
    """
    locked = Portfolio.objects.select_for_update().get(pk=portfolio.pk)
    if not locked.can_manage(user):
        raise OperatorActionRequired("Only a manager of the portfolio may choose its venue.")
    if not reason.strip():
        raise OperatorActionRequired("A change of venue needs a reason.")
    if venue not in Venue.values:
        raise InvalidDataError(f"There is no venue '{venue}'.", {"venue": venue})
    if locked.trades.exists():
        raise InvalidDataError(
            f"{locked.name} has traded at {locked.get_venue_display()}, and its books are about the"
            " money there. Open another portfolio for another venue."
        )
    is_live = venue == Venue.LIVE
    if is_live and not settings.BOZ_ALLOW_LIVE:
        raise OperatorActionRequired(
            "Real money is switched off on this installation; set BOZ_ALLOW_LIVE=1 to allow it."
        )
    before = {"venue": locked.venue, "mode": locked.mode}
    locked.venue = venue
    locked.live_confirmed_by, locked.live_confirmed_at = (user, now) if is_live else (None, None)
    if is_live:
        locked.mode = Mode.MANUAL
    _save_checked(locked)
    record_audit(
        actor=str(user),
        action="portfolio.venue",
        subject=f"portfolio:{locked.pk}",
        before=before,
        after={"venue": locked.venue, "mode": locked.mode},
        reason=reason,
        now=now,
    )
    return locked


def _require_deposit(amount_dollars: Decimal) -> None:
    in_range = amount_dollars.is_finite() and 0 <= amount_dollars <= MAX_DEPOSIT_DOLLARS
    if not in_range or amount_dollars % CENT != 0:
        raise InvalidDataError(
            f"A deposit is whole cents from $0 to {format_dollars(MAX_DEPOSIT_DOLLARS)},"
            f" was {amount_dollars}."
        )


def _save_checked(portfolio: Portfolio) -> None:
    try:
        portfolio.full_clean()
    except ValidationError as error:
        sentences = "; ".join(
            f"{field}: {' '.join(messages)}" for field, messages in error.message_dict.items()
        )
        raise InvalidDataError(f"The portfolio's settings are not usable: {sentences}") from error
    portfolio.save()
