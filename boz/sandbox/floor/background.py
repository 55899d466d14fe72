"""Random orders of nobody in particular, so that books move while somebody looks on.

What happens in a second depends on the seed, the market, the second and the book, on nothing else.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from boz.core.schemas import OrderBook, Side
from markets.matching.orders import BookSide, OrderState

#: After a jump of the clock only this much of what happened meanwhile is played (seconds).
MEMORY = 900
#: Resting random orders per market, at most.
MOST_RESTING = 12
_TICKS_AWAY = 4
_LARGEST = 40
_TAKES = 0.15
_CANCELS = 0.35
#: Where quotes start when nobody quotes (cents).
_MIDDLE = 50


@dataclass(frozen=True, slots=True)
class Action:
    """One thing that somebody does: cancel an order, or send one."""

    side: BookSide
    price_c: int
    count: Decimal
    rests: bool
    cancels: str | None = None


class Background:
    """Random order flow of one market."""

    def __init__(self, ticker: str, *, seed: int, per_minute: float) -> None:
        """Let about ``per_minute`` things happen in a minute."""
        self._ticker, self._seed = ticker, seed
        self._chance = min(1.0, per_minute / 60)

    def seconds(self, *, after: int, until: int) -> list[int]:
        """Return the Unix seconds in ``(after, until]`` in which something happens."""
        first = max(after + 1, until - MEMORY)
        return [second for second in range(first, until + 1) if self.is_busy(second)]

    def is_busy(self, second: int) -> bool:
        """Say whether something happens in a Unix second."""
        return self._drawn(second).random() < self._chance

    def action(self, second: int, book: OrderBook, resting: Sequence[OrderState]) -> Action | None:
        """Return what happens in a second, given the book and the random orders in it."""
        drawn = self._drawn(second)
        drawn.random()
        what = drawn.random()
        if resting and (what < _CANCELS or len(resting) >= MOST_RESTING):
            oldest = drawn.choice(list(resting)).order
            return Action(oldest.side, 0, Decimal(0), rests=False, cancels=oldest.order_id)
        side = drawn.choice((BookSide.BID, BookSide.ASK))
        bid, ask = _cents(book.best_bid(Side.YES), 0), _cents(book.best_ask(Side.YES), 100)
        count = Decimal(drawn.randint(100, _LARGEST * 100)).scaleb(-2)
        facing = ask if side is BookSide.BID else bid
        if what > 1 - _TAKES and 0 < facing < 100:
            return Action(side, facing, min(count, Decimal(5)), rests=False)
        away = drawn.randint(0, _TICKS_AWAY)
        if side is BookSide.BID:
            price = min((bid or min(_MIDDLE, ask) - 1) - away, ask - 1)
        else:
            price = max((ask if ask < 100 else max(_MIDDLE, bid) + 1) + away, bid + 1)
        return Action(side, price, count, rests=True) if 0 < price < 100 else None

    def _drawn(self, second: int) -> random.Random:
        return random.Random(f"{self._seed}:{self._ticker}:{second}")  # noqa: S311 - order flow


def _cents(price: Decimal | None, missing: int) -> int:
    return missing if price is None else int(price * 100)
