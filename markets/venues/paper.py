"""The paper venue: our own matching against books that the exchange really displayed.

It holds no key, signs nothing, makes no network call and stores nothing. A report is a function of
the order, the moments and the books known then, so that asking again gives the same answer with
the same fill identities, unless a book of an earlier time was stored late. What it assumes:

* An order meets the newest book known when it is placed. The displayed size is there once per
  order; two orders at the same moment both see it, since a paper order takes nothing away from the
  real book. Sizes of ours are small against it.
* A resting order is filled as a maker, at its own price, only by contracts that a later book
  offers at that price or better beyond those offered before. Being hit without the book crossing
  our price is not assumed: queue positions are not known, so paper makers fill late rather than
  early.
* While the exchange is known to be paused it takes no order, so neither does paper.
* What still rests when the market closes is cancelled.
"""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Sequence
from decimal import Decimal

from boz.core.errors import BozBaseException, InvalidOrderError
from boz.core.money import ZERO
from boz.core.schemas import FeeTerms, OrderBook
from markets.domain.fees import OrderFeeAccumulator, maker_rate
from markets.matching import MatchResult, MatchStatus, TimeInForce, match_against_book
from markets.models import BookSnapshot, Market
from markets.selectors import fee_terms, latest_book, trading_pause
from markets.venues.base import (
    OrderStatus,
    PlacedOrder,
    VenueFill,
    VenueOrder,
    VenueReport,
)
from markets.venues.checks import market_of, require_not_paused, require_order

_IDS = uuid.uuid5(uuid.NAMESPACE_URL, "boz.markets/paper")
_STATUSES: dict[MatchStatus, OrderStatus] = {
    MatchStatus.FILLED: "filled",
    MatchStatus.RESTING: "resting",
    MatchStatus.CANCELED: "cancelled",
    MatchStatus.REJECTED: "rejected",
}


class PaperVenue:
    """Fills orders against recorded books."""

    name = "paper"

    def place(self, *, order: VenueOrder, now: dt.datetime) -> VenueReport:
        """Match an order with the newest book known at ``now``."""
        try:
            require_not_paused(order)
        except InvalidOrderError as error:
            return _rejection(order, error.message)
        return self._report(order, now)

    def cancel(self, *, placed: PlacedOrder, now: dt.datetime) -> VenueReport:
        """Take back what still rests at ``now``."""
        report = self._state(placed, now)
        if report.status != "resting":
            return report
        return VenueReport(
            report.outcome, report.venue_order_id, "cancelled", report.fills, "Cancelled by us."
        )

    def orders(self, *, placed: Sequence[PlacedOrder], now: dt.datetime) -> dict[str, VenueReport]:
        """Return the present state of orders placed earlier, by client order id."""
        return {item.order.client_order_id: self._state(item, now) for item in placed}

    def _report(self, order: VenueOrder, at: dt.datetime) -> VenueReport:
        """Say what became of an order placed at ``at``, whatever happened to the market since."""
        try:
            _, result = self._match(order, at)
        except BozBaseException as error:
            return _rejection(order, error.message)
        if result.status is MatchStatus.REJECTED:
            return _rejection(order, result.reason)
        return VenueReport(
            outcome="accepted",
            venue_order_id=_order_id(order),
            status=_STATUSES[result.status],
            fills=_taker_fills(order, result, at),
            reason=result.reason,
        )

    def _match(self, order: VenueOrder, now: dt.datetime) -> tuple[Market, MatchResult]:
        market = market_of(order)
        require_order(order, market, now)
        pause = trading_pause(as_of=now)
        if pause is not None:
            raise InvalidOrderError(f"{pause.reason} No order would have been taken.")
        if order.closes:
            raise InvalidOrderError("On paper no contracts are held that an order could close.")
        book = latest_book(market=market, as_of=now)
        if book is None:
            raise InvalidOrderError(f"There is no fresh book of {market.ticker} to fill against.")
        result = match_against_book(
            book=book,
            side=order.side,
            limit_price=order.price_dollars,
            count=order.count,
            time_in_force=TimeInForce(order.time_in_force),
            post_only=order.post_only,
            terms=fee_terms(event=market.event, as_of=now),
        )
        return market, result

    def _state(self, placed: PlacedOrder, now: dt.datetime) -> VenueReport:
        order = placed.order
        report = self._report(order, placed.placed_at)
        if report.status != "resting":
            return report
        market, result = self._match(order, placed.placed_at)
        terms = fee_terms(event=market.event, as_of=placed.placed_at)
        books = _books_between(market, placed.placed_at, now)
        later = _maker_fills(order, result, books, terms)
        remaining = result.remaining - sum((fill.count for fill in later), ZERO)
        status: OrderStatus = "filled" if remaining == 0 else "resting"
        reason = ""
        if remaining > 0 and now >= market.close_time:
            status, reason = "cancelled", "The market closed before the order was filled."
        return VenueReport(
            "accepted", report.venue_order_id, status, (*report.fills, *later), reason
        )


def _order_id(order: VenueOrder) -> str:
    return f"paper-{uuid.uuid5(_IDS, order.client_order_id)}"


def _trade_id(order: VenueOrder, number: int) -> str:
    return f"{_order_id(order)}-{number}"


def _rejection(order: VenueOrder, reason: str) -> VenueReport:
    return VenueReport("rejected", _order_id(order), "rejected", (), reason)


def _taker_fills(order: VenueOrder, result: MatchResult, at: dt.datetime) -> tuple[VenueFill, ...]:
    return tuple(
        VenueFill(
            venue_trade_id=_trade_id(order, number),
            at=at,
            price_dollars=fill.price,
            count=fill.count,
            fee_dollars=fill.fee,
            is_taker=fill.is_taker,
        )
        for number, fill in enumerate(result.fills, start=1)
    )


def _books_between(market: Market, after: dt.datetime, until: dt.datetime) -> list[OrderBook]:
    rows = BookSnapshot.objects.filter(
        market=market,
        at__gt=after,
        at__lt=market.close_time,
        available_at__gt=after,
        available_at__lte=until,
    )
    return [row.as_order_book() for row in rows.select_related("market").order_by("at")]


def _maker_fills(
    order: VenueOrder, placed: MatchResult, books: Sequence[OrderBook], terms: FeeTerms
) -> tuple[VenueFill, ...]:
    """Fill what rests from contracts that later books offer anew at our price or better."""
    fills: list[VenueFill] = []
    remaining, most_offered = placed.remaining, placed.filled
    fees: OrderFeeAccumulator = placed.accumulator
    for book in books:
        if remaining == 0:
            break
        if book.is_crossed:
            continue
        offered = _offered(book, order)
        count = min(remaining, max(ZERO, offered - most_offered))
        most_offered = max(most_offered, offered)
        if count == 0:
            continue
        fee, fees = fees.charge(
            count=count,
            price=order.price_dollars,
            rate=maker_rate(terms),
            multiplier=terms.multiplier,
        )
        number = len(placed.fills) + len(fills) + 1
        fills.append(
            VenueFill(
                _trade_id(order, number),
                book.at,
                order.price_dollars,
                count,
                fee.net,
                is_taker=False,
            )
        )
        remaining -= count
    return tuple(fills)


def _offered(book: OrderBook, order: VenueOrder) -> Decimal:
    levels = book.asks(order.side)
    return sum(
        (level.count for level in levels if level.price_dollars <= order.price_dollars), ZERO
    )
