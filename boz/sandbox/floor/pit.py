"""One market on the floor: members' orders among the liquidity that was recorded.

The recorded book enters the matching engine as orders of an account of its own, quoted anew at
every step of the clock. What a member took is gone until the tape trades again at that price and
side. A recorded trade arrives as an order of a second account that takes: a member's order at a
better price fills first, one at the same price in its turn.
"""

from __future__ import annotations

import datetime as dt
import itertools
from collections.abc import Iterator, Sequence
from decimal import Decimal
from typing import Final

import numpy as np

from boz.core.clock import UTC
from boz.core.money import ZERO
from boz.core.schemas import FeeTerms, FeeType
from boz.sandbox.book import DerivedLevel
from boz.sandbox.exchange import ListedMarket, unix
from boz.sandbox.floor.background import Background
from boz.sandbox.floor.hours import Hours
from markets.domain.ticks import PriceRange
from markets.matching import (
    Accounts,
    Amendment,
    BookSide,
    ClearedMarket,
    Event,
    Events,
    Filled,
    MarketPhase,
    MatchingEngine,
    NewOrder,
    TimeInForce,
)

#: Whose orders the recorded quotes, the recorded takers and the random ones are.
QUOTES: Final = "recorded-quotes"
TAKERS: Final = "recorded-takers"
BACKGROUND: Final = "background"
RECORDED: Final = frozenset({QUOTES, TAKERS})
NOBODY: Final = RECORDED | {BACKGROUND}

GRID: Final = (PriceRange(Decimal("0"), Decimal("1"), Decimal("0.01")),)
TERMS: Final = FeeTerms(fee_type=FeeType.QUADRATIC, multiplier=Decimal("1"))

#: Side, YES price in cents and time of the trade that a recorded level was derived from.
_Level = tuple[BookSide, int, int]


class Pit:
    """One market, cleared, and the recorded liquidity in it.

    Args:
        item: The market.
        accounts: The accounts of the whole floor, those of :data:`NOBODY` among them.
        hours: When trading rests.
        now: When it opens; the recorded book of that moment is quoted at once.
        background: Random orders, if there shall be any.
    """

    def __init__(
        self,
        item: ListedMarket,
        accounts: Accounts,
        hours: Hours,
        now: dt.datetime,
        background: Background | None,
    ) -> None:
        """Open the market."""
        engine = MatchingEngine(item.ticker, price_ranges=GRID, terms=TERMS)
        self.market = ClearedMarket(engine, accounts)
        self.settled_won: bool | None = None
        self._hours = hours
        self._background = background
        self._at = unix(now)
        self._taken: dict[_Level, Decimal] = {}
        self._level_of: dict[str, _Level] = {}
        self._quoted: dict[tuple[BookSide, int], list[str]] = {}
        self._numbers = itertools.count(1)
        if hours.is_resting(now):
            self.market.pause(now)
        for _ in self._quote(item, now):
            pass

    @property
    def engine(self) -> MatchingEngine:
        """Return the market's engine, to look at."""
        return self.market.engine

    def advance(self, item: ListedMarket, now: dt.datetime) -> Iterator[Event]:
        """Bring the market to ``now``; yield what happened.

        Recorded trades, quotes, random orders, pauses and expiries come in the order of time; at
        its end the market closes and every order is canceled.
        """
        if self.engine.phase is MarketPhase.CLOSED:
            return
        closes = unix(item.life.closes_at)
        until = min(unix(now), closes)
        changes = set(self._hours.changes(after=self._at, until=until))
        for second in sorted(changes | self._seconds(item, until)):
            at = dt.datetime.fromtimestamp(second, tz=UTC)
            if second in changes:
                yield from self.rest_or_resume(at)
            if second < closes and self.engine.phase is MarketPhase.OPEN:
                if self._has_members():
                    yield from self._take(item, second, at)
                yield from self._act(item, second, at)
            self._at = second
        self._at = until
        yield from self.market.expire(now)
        if unix(now) >= closes:
            yield from self.market.close(item.life.closes_at)
            self._quoted.clear()
        else:
            yield from self._quote(item, now)

    def rest_or_resume(self, at: dt.datetime) -> Iterator[Event]:
        """Let trading rest or go on, as the hours say."""
        rests = self._hours.is_resting(at)
        if rests and self.engine.phase is MarketPhase.OPEN:
            yield from self._withdraw(list(self._quoted), at)
            yield from self.market.pause(at)
        elif not rests and self.engine.phase is MarketPhase.PAUSED:
            yield from self.market.resume(at)

    def submit(self, order: NewOrder, now: dt.datetime) -> Events:
        """Take in an order; raises as :meth:`ClearedMarket.submit`."""
        return self._noted(self.market.submit(order, now))

    def amend(self, order_id: str, amendment: Amendment, now: dt.datetime) -> Events:
        """Change a resting order; raises as :meth:`ClearedMarket.amend`."""
        return self._noted(self.market.amend(order_id, amendment, now))

    def _noted(self, events: Events) -> Events:
        """Remember what members took from the recorded quotes."""
        for event in events:
            if not isinstance(event, Filled):
                continue
            for leg, other in ((event.maker, event.taker), (event.taker, event.maker)):
                if leg.account == QUOTES and other.account not in NOBODY:
                    level = self._level_of[leg.state.order_id]
                    self._taken[level] = self._taken.get(level, ZERO) + event.count
        return events

    # Steps ------------------------------------------------------------------------------------

    def _seconds(self, item: ListedMarket, until: int) -> set[int]:
        """Return the seconds up to ``until`` in which something may happen to a resting order."""
        seconds: set[int] = set()
        if self._has_members():
            times = item.tape.trades.times
            low, high = np.searchsorted(times, [self._at, until], side="right")
            seconds.update(int(second) for second in times[low:high])
        if self._background is not None:
            seconds.update(self._background.seconds(after=self._at, until=until))
        return seconds

    def _has_members(self) -> bool:
        return any(state.order.account not in NOBODY for state in self.engine.orders())

    def _take(self, item: ListedMarket, second: int, at: dt.datetime) -> Iterator[Event]:
        """Let the recorded takers of one second trade with whoever rests."""
        trades = item.tape.trades
        low, high = (
            int(np.searchsorted(trades.times, second, side=side)) for side in ("left", "right")
        )
        for number in range(low, high):
            side = BookSide.BID if trades.yes_taker[number] else BookSide.ASK
            price = int(trades.prices[number])
            if not 0 < price < 100:
                continue
            # Nobody can have quoted better than what a taker then paid.
            better = [
                key
                for key in self._quoted
                if key[0] is side.opposite and _is_better(key[1], price, key[0])
            ]
            yield from self._withdraw(better, at)
            order = self._order(
                TAKERS, side, price, Decimal(int(trades.counts[number])), rests=False
            )
            yield from self.submit(order, at)
        yield from self._quote(item, at)

    def _quote(self, item: ListedMarket, now: dt.datetime) -> Iterator[Event]:
        """Bring the recorded quotes to the recorded book of a moment."""
        if self.engine.phase is not MarketPhase.OPEN:
            return
        book = item.book(now)
        wanted = {
            (side, level.price_c): level
            for side, levels in ((BookSide.BID, book.bids), (BookSide.ASK, book.asks))
            for level in levels
            if 0 < level.price_c < 100
        }
        yield from self._withdraw([key for key in self._quoted if key not in wanted], now)
        for key, level in wanted.items():
            yield from self._fit(key, level, now)

    def _fit(
        self, key: tuple[BookSide, int], level: DerivedLevel, now: dt.datetime
    ) -> Iterator[Event]:
        """Make one recorded level as large as it was, less what members took from it."""
        identity = (*key, level.traded_at)
        want = max(ZERO, Decimal(level.count) - self._taken.get(identity, ZERO))
        resting = [
            state
            for state in map(self.engine.order, self._quoted.get(key, []))
            if state is not None
        ]
        for state in resting:
            self._level_of[state.order_id] = identity
        have = sum((state.remaining for state in resting), ZERO)
        if want > have:
            order = self._order(QUOTES, key[0], key[1], want - have)
            self._level_of[order.order_id] = identity
            self._quoted.setdefault(key, []).append(order.order_id)
            yield from self.submit(order, now)
            return
        for state in reversed(resting):
            less = min(have - want, state.remaining)
            if less > 0:
                have -= less
                yield from self.market.decrease(state.order_id, now, by=less)

    def _act(self, item: ListedMarket, second: int, at: dt.datetime) -> Iterator[Event]:
        """Let random orders come and go as they do in this second."""
        if self._background is None or not self._background.is_busy(second):
            return
        yield from self._quote(item, at)
        action = self._background.action(
            second, self.engine.book(at), self.engine.orders(BACKGROUND)
        )
        if action is None:
            return
        if action.cancels is not None:
            yield from self.market.cancel(action.cancels, at)
        else:
            order = self._order(
                BACKGROUND, action.side, action.price_c, action.count, rests=action.rests
            )
            yield from self.submit(order, at)

    # Orders -----------------------------------------------------------------------------------

    def _withdraw(self, keys: Sequence[tuple[BookSide, int]], now: dt.datetime) -> Iterator[Event]:
        for key in keys:
            for order_id in self._quoted.pop(key):
                if self.engine.order(order_id) is not None:
                    yield from self.market.cancel(order_id, now)
                self._level_of.pop(order_id, None)

    def _order(
        self, account: str, side: BookSide, price_c: int, count: Decimal, *, rests: bool = True
    ) -> NewOrder:
        return NewOrder(
            order_id=f"{account}-{next(self._numbers)}",
            account=account,
            side=side,
            price=Decimal(price_c).scaleb(-2),
            count=count,
            time_in_force=(
                TimeInForce.GOOD_TILL_CANCELED if rests else TimeInForce.IMMEDIATE_OR_CANCEL
            ),
        )


def _is_better(price: int, than: int, side: BookSide) -> bool:
    """Say whether a resting price is better for a taker than another."""
    return price < than if side is BookSide.ASK else price > than
