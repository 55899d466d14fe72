"""A book derived from trades: what the last takers paid, as far as it still says something.

No order book was recorded. A YES taker bought at somebody's ask and a NO taker sold to
somebody's bid, so the last such trades tell where quotes stood. Within one second the source
keeps no order; the worst price a taker reached is taken as the last.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from boz.sandbox.recordings.loader import IntArray, TradeTape

#: A trade older than this says nothing about the quotes of now (seconds).
QUOTE_LIFE = 3 * 3600
#: Trades at one price and side within this time before its last one make the level's size.
SIZE_WINDOW = 30 * 60
#: Levels beyond the best one.
EXTRA_LEVELS = 3
NO_QUOTE = -1
#: Trading rested every recorded night from 3 to 8 AM Eastern standard time (seconds of the UTC
#: day): there is not one trade in these hours, so nobody could have traded at a quote.
PAUSE_START, PAUSE_END = 8 * 3600, 13 * 3600


def is_paused(moment: int) -> bool:
    """Say whether trading rests at a Unix second."""
    return PAUSE_START <= moment % 86_400 < PAUSE_END


@dataclass(frozen=True, slots=True)
class DerivedLevel:
    """Contracts at one YES price in cents, last traded at a Unix second."""

    price_c: int
    count: int
    traded_at: int


@dataclass(frozen=True, slots=True)
class DerivedBook:
    """Bids and asks on the YES leg, best first; an empty side means no quote."""

    bids: tuple[DerivedLevel, ...] = ()
    asks: tuple[DerivedLevel, ...] = ()


@dataclass(frozen=True, slots=True, eq=False)
class SideTape:
    """The trades of one taker side; the last of a second is the worst price reached in it."""

    times: IntArray
    prices: IntArray
    counts: IntArray
    worse: int

    @classmethod
    def asks(cls, tape: TradeTape) -> SideTape:
        """Return the trades where a YES taker bought; a higher ask is worse."""
        return cls._of(tape, tape.yes_taker, worse=1)

    @classmethod
    def bids(cls, tape: TradeTape) -> SideTape:
        """Return the trades where a NO taker sold; a lower bid is worse."""
        return cls._of(tape, ~tape.yes_taker, worse=-1)

    @classmethod
    def _of(cls, tape: TradeTape, chosen: npt.NDArray[np.bool_], *, worse: int) -> SideTape:
        times, prices, counts = tape.times[chosen], tape.prices[chosen], tape.counts[chosen]
        order = np.lexsort((prices * worse, times))
        return cls(times[order], prices[order], counts[order], worse)

    def levels(self, now: int) -> tuple[DerivedLevel, ...]:
        """Return the best level and up to three worse ones, best first, as of a Unix second."""
        start = int(np.searchsorted(self.times, now - QUOTE_LIFE, side="left"))
        end = int(np.searchsorted(self.times, now, side="right"))
        if start == end:
            return ()
        best = int(self.prices[end - 1])
        found = [self._level(best, end - 1)]
        positions = start + np.flatnonzero((self.prices[start:end] - best) * self.worse > 0)
        if len(positions):
            newest_first = positions[::-1]
            _, first = np.unique(self.prices[newest_first], return_index=True)
            for position in newest_first[np.sort(first)[:EXTRA_LEVELS]]:
                found.append(self._level(int(self.prices[position]), int(position)))
        return tuple(sorted(found, key=lambda level: level.price_c * self.worse))

    def _level(self, price: int, position: int) -> DerivedLevel:
        traded_at = int(self.times[position])
        start = int(np.searchsorted(self.times, traded_at - SIZE_WINDOW, side="left"))
        window = slice(start, position + 1)
        count = int(self.counts[window][self.prices[window] == price].sum())
        return DerivedLevel(price, count, traded_at)


@dataclass(frozen=True, slots=True, eq=False)
class MarketTape:
    """The trades of one market, prepared for quick books."""

    trades: TradeTape
    asks: SideTape
    bids: SideTape

    @classmethod
    def of(cls, trades: TradeTape) -> MarketTape:
        """Split the trades by taker side once."""
        return cls(trades, SideTape.asks(trades), SideTape.bids(trades))

    def book(self, now: int) -> DerivedBook:
        """Return the derived book as of a Unix second; never crossed.

        Where the sides cross, the older one has been overtaken and is dropped with its levels;
        of the same second, neither is known to stand. While trading rests there is no book.
        """
        if is_paused(now):
            return DerivedBook()
        bids, asks = self.bids.levels(now), self.asks.levels(now)
        if bids and asks and bids[0].price_c >= asks[0].price_c:
            bid_time, ask_time = bids[0].traded_at, asks[0].traded_at
            if bid_time <= ask_time:
                bids = ()
            if ask_time <= bid_time:
                asks = ()
        return DerivedBook(bids, asks)

    def quotes(self, moments: IntArray) -> tuple[IntArray, IntArray]:
        """Return best bid and best ask in cents at many moments; ``NO_QUOTE`` where there is none.

        Agrees with :meth:`book` at each moment.
        """
        bid, bid_time = _last(self.bids, moments)
        ask, ask_time = _last(self.asks, moments)
        of_day = moments % 86_400
        paused = (of_day >= PAUSE_START) & (of_day < PAUSE_END)
        crossed = (bid != NO_QUOTE) & (ask != NO_QUOTE) & (bid >= ask)
        return (
            np.where(paused | (crossed & (bid_time <= ask_time)), NO_QUOTE, bid),
            np.where(paused | (crossed & (ask_time <= bid_time)), NO_QUOTE, ask),
        )


def _last(side: SideTape, moments: IntArray) -> tuple[IntArray, IntArray]:
    if not len(side.times):
        nothing = np.full(len(moments), NO_QUOTE, dtype=np.int64)
        return nothing, nothing
    position = np.searchsorted(side.times, moments, side="right") - 1
    times = side.times[position]
    known = (position >= 0) & (times >= moments - QUOTE_LIFE)
    return np.where(known, side.prices[position], NO_QUOTE), times
