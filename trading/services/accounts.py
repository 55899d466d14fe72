"""Whether an account at a venue holds what our books say: contracts, resting orders and cash.

Differences are told and never adjusted by themselves.
"""

from __future__ import annotations

import datetime as dt
from decimal import Decimal

from boz.core.money import ZERO, format_dollars
from boz.core.schemas import Side
from markets.venues import AccountVenue, get_venue
from trading import selectors
from trading.choices import LIVE_ORDER_STATUSES, Venue
from trading.models import Order, Portfolio, Position


def account_venues() -> list[str]:
    """Return the venues with an account of their own at which a portfolio trades."""
    used = Portfolio.objects.exclude(venue=Venue.PAPER).values_list("venue", flat=True)
    return sorted(set(used))


def account_differences(venue: str, *, now: dt.datetime) -> list[str]:
    """Return where an account differs from our books, in sentences; empty when nowhere.

    Contracts bought by hand are a difference as well: they are at risk and nobody counts them.

    Raises:
        BozBaseException: If the account could not be read; that says nothing about it.
    """
    account = get_venue(venue, may_place=False)
    if not isinstance(account, AccountVenue):
        return []
    return [
        *_contracts(venue, account, now),
        *_resting(venue, account, now),
        *_cash(venue, account, now),
    ]


def _contracts(venue: str, account: AccountVenue, now: dt.datetime) -> list[str]:
    theirs = {
        held.market_ticker: _signed(held.side, held.count) for held in account.positions(now=now)
    }
    ours = _held(venue)
    unsure = _unsure(venue, now)
    return [
        f"The account {venue} holds {_told(theirs.get(ticker, ZERO))} in {ticker}, our books"
        f" {_told(ours.get(ticker, ZERO))}."
        for ticker in sorted((theirs.keys() | ours.keys()) - unsure)
        if theirs.get(ticker, ZERO) != ours.get(ticker, ZERO)
    ]


def _unsure(venue: str, now: dt.datetime) -> set[str]:
    """Return the markets in which a difference says nothing: orders under way, or paid out.

    An account is paid soon after the close, our books when the result is known to us.
    """
    under_way = Order.objects.filter(venue=venue, status__in=LIVE_ORDER_STATUSES)
    closed = Position.objects.filter(portfolio__venue=venue, market__close_time__lte=now)
    return set(under_way.values_list("trade__market__ticker", flat=True)) | set(
        closed.values_list("market__ticker", flat=True)
    )


def _held(venue: str) -> dict[str, Decimal]:
    """Return our contracts by market, YES above zero; a pair of YES and NO is none."""
    held: dict[str, Decimal] = {}
    rows = Position.objects.filter(portfolio__venue=venue, settled_at__isnull=True)
    for ticker, side, count in rows.values_list("market__ticker", "side", "count"):
        held[ticker] = held.get(ticker, ZERO) + _signed(Side(side), count)
    return held


def _signed(side: Side, count: Decimal) -> Decimal:
    return count if side is Side.YES else -count


def _told(count: Decimal) -> str:
    if count == 0:
        return "nothing"
    return f"{abs(count)} {'YES' if count > 0 else 'NO'}"


def _resting(venue: str, account: AccountVenue, now: dt.datetime) -> list[str]:
    resting = account.resting(now=now)
    ours = set(
        Order.objects.filter(
            venue=venue,
            status__in=LIVE_ORDER_STATUSES,
            client_order_id__in=[order.client_order_id for order in resting],
        ).values_list("client_order_id", flat=True)
    )
    return [
        f"An order that is not ours rests in the account {venue}: {order.remaining_count}"
        f" {order.side.upper()} {order.market_ticker} at {order.price_dollars}"
        f" ({order.venue_order_id})."
        for order in resting
        if order.client_order_id not in ours
    ]


def _cash(venue: str, account: AccountVenue, now: dt.datetime) -> list[str]:
    portfolios = Portfolio.objects.filter(venue=venue)
    claimed = sum((selectors.cash_dollars(portfolio) for portfolio in portfolios), ZERO)
    balance = account.balance_dollars(now=now)
    if claimed <= balance:
        return []
    return [
        f"The account {venue} has {format_dollars(balance)}; our portfolios there count on"
        f" {format_dollars(claimed)}."
    ]
