"""The one risk gate: nothing becomes an order without passing here, under the portfolio's lock."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal

from django.conf import settings

from boz.core.errors import (
    CooldownActiveError,
    InsufficientBalanceError,
    InvalidOrderError,
    OperatorActionRequired,
    RiskLimitError,
)
from boz.core.logging import get_logger
from boz.core.money import format_dollars
from markets.venues import get_venue
from trading import selectors
from trading.choices import Venue
from trading.models import Portfolio

log = get_logger("RISK")


def locked_portfolio(portfolio_id: int) -> Portfolio:
    """Return the portfolio with its row locked, so that two workers judge one after the other.

    Must be called inside a transaction; it ends with the transaction.
    """
    return Portfolio.objects.select_for_update().get(pk=portfolio_id)


def blocks(portfolio: Portfolio, *, now: dt.datetime) -> list[str]:
    """Return every reason why this portfolio may not trade at all right now."""
    found = []
    switch = selectors.kill_switch()
    if switch is not None and switch.is_on:
        found.append(f"The kill switch is on: {switch.reason}")
    if not portfolio.is_active:
        found.append(f"Portfolio {portfolio.name} is switched off.")
    if portfolio.consecutive_loss_limit == 0:
        found.append("The limit of losses in a row is 0, so nothing may be traded.")
    found.extend(lock.reason for lock in selectors.locks_in_force(portfolio, now=now))
    return found


def require_admission(
    *,
    portfolio: Portfolio,
    cost_dollars: Decimal,
    now: dt.datetime,
    own_trade_id: int | None = None,
) -> None:
    """Let an order of at most ``cost_dollars`` pass, or raise the reason why not.

    Args:
        portfolio: From :func:`locked_portfolio`, so that the sums cannot move meanwhile.
        cost_dollars: The most the order can cost, fees included.
        now: The present.
        own_trade_id: The trade this order belongs to; its own reservation is not counted twice.

    Raises:
        CooldownActiveError: If a protection, the kill switch or a switched-off portfolio forbids.
        RiskLimitError: If a limit forbids.
        InsufficientBalanceError: If the cash does not suffice.
        OperatorActionRequired: If the venue cannot be used here, or real money is meant and not
            both switches are set.
    """
    try:
        _require_venue_allowed(portfolio)
        _require_no_block(portfolio, now)
        _require_within_loss_limit(portfolio, now)
        _require_within_limits(portfolio, cost_dollars, own_trade_id)
        _require_cash(portfolio, cost_dollars, own_trade_id)
    except RiskLimitError as error:
        log.info(error.message, **{key: str(value) for key, value in error.context.items()})
        raise


def _require_no_block(portfolio: Portfolio, now: dt.datetime) -> None:
    reasons = blocks(portfolio, now=now)
    if reasons:
        raise CooldownActiveError(reasons[0], {"portfolio": portfolio.name})


def _require_within_loss_limit(portfolio: Portfolio, now: dt.datetime) -> None:
    realised = selectors.realised_today_dollars(portfolio, now=now)
    if -realised >= portfolio.daily_loss_limit_dollars:
        raise RiskLimitError(
            f"Realised result today is {format_dollars(realised)}; the daily loss limit of"
            f" {format_dollars(portfolio.daily_loss_limit_dollars)} is reached.",
            {"portfolio": portfolio.name, "realised_dollars": realised},
        )


def _require_within_limits(
    portfolio: Portfolio, cost_dollars: Decimal, own_trade_id: int | None
) -> None:
    if cost_dollars > portfolio.max_trade_size_dollars:
        raise RiskLimitError(
            f"The order costs up to {format_dollars(cost_dollars)}, above the limit per trade"
            f" of {format_dollars(portfolio.max_trade_size_dollars)}.",
            {"portfolio": portfolio.name, "cost_dollars": cost_dollars},
        )
    exposure = selectors.exposure_dollars(portfolio, without_trade=own_trade_id)
    if exposure + cost_dollars > portfolio.max_daily_exposure_dollars:
        raise RiskLimitError(
            f"{format_dollars(exposure)} is at risk already; {format_dollars(cost_dollars)}"
            " more would pass the exposure limit of"
            f" {format_dollars(portfolio.max_daily_exposure_dollars)}.",
            {"portfolio": portfolio.name, "exposure_dollars": exposure},
        )


def _require_cash(portfolio: Portfolio, cost_dollars: Decimal, own_trade_id: int | None) -> None:
    cash = selectors.free_cash_dollars(portfolio, without_trade=own_trade_id)
    if cost_dollars > cash:
        raise InsufficientBalanceError(
            f"The order costs up to {format_dollars(cost_dollars)} and the cash that nothing else"
            f" may claim is {format_dollars(cash)}.",
            {"portfolio": portfolio.name, "cash_dollars": cash},
        )


def require_venue(portfolio: Portfolio, venue: str) -> None:
    """Let an order for ``venue`` pass only while the portfolio trades there and may.

    Args:
        portfolio: From :func:`locked_portfolio`.
        venue: Where the decision meant the order to go; it goes there or nowhere.

    Raises:
        InvalidOrderError: If the portfolio trades elsewhere now.
        OperatorActionRequired: If real money is meant and not both switches are set.
    """
    if venue != portfolio.venue:
        raise InvalidOrderError(
            f"The trade was decided for {Venue(venue).label} and the portfolio has moved to"
            f" {portfolio.get_venue_display()} since; no order leaves."
        )
    if portfolio.venue != Venue.LIVE:
        return
    if not settings.BOZ_ALLOW_LIVE:
        raise OperatorActionRequired(
            "Real money is switched off on this installation; set BOZ_ALLOW_LIVE=1 to allow it.",
            {"portfolio": portfolio.name},
        )
    if portfolio.live_confirmed_at is None or portfolio.live_confirmed_by_id is None:
        raise OperatorActionRequired(
            f"No manager has confirmed real money for portfolio {portfolio.name}.",
            {"portfolio": portfolio.name},
        )


def _require_venue_allowed(portfolio: Portfolio) -> None:
    require_venue(portfolio, portfolio.venue)
    get_venue(portfolio.venue)
