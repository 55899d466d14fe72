"""Order books kept up to date by a stream of changes, and the proof that nothing was missed.

Inside, prices are whole 0.0001 dollars and counts whole 0.01 contracts: the finest steps of the
exchange, exact, and quick to add. A subscription numbers all its frames 1, 2, 3, … over all its
markets together, its acknowledgements included. A missing number may have concerned any of them,
so every book of the subscription is then unknown until a snapshot of it comes.
"""

from __future__ import annotations

import datetime as dt
import functools
import re
from bisect import bisect_left
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from enum import Enum

from boz.core.errors import InvalidDataError
from boz.core.schemas import BookLevel, OrderBook, Side

#: Units of one dollar, and of one contract.
PRICE_UNITS = 10_000
COUNT_UNITS = 100
_PRICE_DIGITS = 4
_COUNT_DIGITS = 2

_FIXED_POINT = re.compile(r"(-?)(\d{1,12})(?:\.(\d{1,8}))?", re.ASCII)

#: Price and count of one level, in units.
Level = tuple[int, int]


@functools.lru_cache(maxsize=32_768)
def price_units(text: str) -> int:
    """Return a price in units of 0.0001 dollars.

    Raises:
        InvalidDataError: If it is no fixed-point price strictly between 0 and 1 dollar.
    """
    units = _units(text, _PRICE_DIGITS)
    if units is None or not 0 < units < PRICE_UNITS:
        raise InvalidDataError(f"A price must lie between 0 and 1 dollar, was {_shown(text)}.")
    return units


@functools.lru_cache(maxsize=32_768)
def count_units(text: str) -> int:
    """Return a signed number of contracts in units of 0.01.

    Raises:
        InvalidDataError: If it is no fixed-point number with at most two decimals that count.
    """
    units = _units(text, _COUNT_DIGITS)
    if units is None:
        raise InvalidDataError(f"A count must be a fixed-point number, was {_shown(text)}.")
    return units


def _units(text: str, digits: int) -> int | None:
    match = _FIXED_POINT.fullmatch(text) if isinstance(text, str) else None
    if match is None:
        return None
    sign, whole, part = match[1], match[2], match[3] or ""
    if part[digits:].strip("0"):
        return None
    units = int(whole + part[:digits].ljust(digits, "0"))
    return -units if sign else units


def _shown(text: object) -> str:
    return repr(text)[:40]


class BookSide:
    """The bids for one contract; the best is known at any moment."""

    __slots__ = ("_counts", "_prices")

    def __init__(self) -> None:
        """Start without bids."""
        self._counts: dict[int, int] = {}
        self._prices: list[int] = []

    @property
    def best(self) -> int | None:
        """Return the highest price in units, or None when nobody bids."""
        return self._prices[-1] if self._prices else None

    def count_at(self, price: int) -> int:
        """Return the contracts bid at a price, in units."""
        return self._counts.get(price, 0)

    def add(self, price: int, change: int) -> None:
        """Change the contracts bid at a price.

        Raises:
            InvalidDataError: If fewer than none would be left; the side stays as it was.
        """
        before = self._counts.get(price, 0)
        after = before + change
        if after > 0:
            self._counts[price] = after
            if not before:
                self._insert(price)
        elif after < 0:
            raise InvalidDataError(
                "A change takes more contracts from a price than were bid there.",
                {"price_units": price, "before_units": before, "change_units": change},
            )
        elif before:
            del self._counts[price]
            self._remove(price)

    def top(self, depth: int | None = None) -> tuple[Level, ...]:
        """Return levels in units, best first."""
        prices = self._prices if depth is None else self._prices[-depth:]
        return tuple((price, self._counts[price]) for price in reversed(prices))

    def _insert(self, price: int) -> None:
        prices = self._prices
        if not prices or price > prices[-1]:
            prices.append(price)
        else:
            prices.insert(bisect_left(prices, price), price)

    def _remove(self, price: int) -> None:
        prices = self._prices
        if prices[-1] == price:
            prices.pop()
        else:
            del prices[bisect_left(prices, price)]


@dataclass(frozen=True, slots=True)
class BookView:
    """A book as it stood, in units, best first; it does not change with the live one."""

    ticker: str
    yes: tuple[Level, ...]
    no: tuple[Level, ...]

    @property
    def is_crossed(self) -> bool:
        """Say whether the best YES bid meets or passes the best YES ask."""
        return bool(self.yes and self.no) and self.yes[0][0] + self.no[0][0] >= PRICE_UNITS

    def levels(self, side: Side) -> tuple[tuple[Decimal, Decimal], ...]:
        """Return price in dollars and count in contracts of each bid, best first."""
        return tuple(
            (_dollars(price), _contracts(count))
            for price, count in (self.yes if side is Side.YES else self.no)
        )

    def order_book(self, *, at: dt.datetime) -> OrderBook:
        """Return the book in the shape that crosses between apps."""
        return OrderBook(
            market_ticker=self.ticker,
            at=at,
            yes_bids=self._book_levels(Side.YES),
            no_bids=self._book_levels(Side.NO),
        )

    def _book_levels(self, side: Side) -> tuple[BookLevel, ...]:
        return tuple(
            BookLevel(price_dollars=price, count=count) for price, count in self.levels(side)
        )


def _dollars(units: int) -> Decimal:
    return Decimal(units).scaleb(-_PRICE_DIGITS)


def _contracts(units: int) -> Decimal:
    return Decimal(units).scaleb(-_COUNT_DIGITS)


class LiveBook:
    """The book of one market."""

    __slots__ = ("no", "ticker", "yes")

    def __init__(self, ticker: str) -> None:
        """Start empty."""
        self.ticker = ticker
        self.yes = BookSide()
        self.no = BookSide()

    @property
    def best_yes_bid(self) -> Decimal | None:
        """Return the best YES bid in dollars, or None without one."""
        return None if self.yes.best is None else _dollars(self.yes.best)

    @property
    def best_yes_ask(self) -> Decimal | None:
        """Return the best YES ask in dollars, one less the best NO bid, or None without one."""
        return None if self.no.best is None else _dollars(PRICE_UNITS - self.no.best)

    @property
    def is_crossed(self) -> bool:
        """Say whether the best YES bid meets or passes the best YES ask: not a real book."""
        yes, no = self.yes.best, self.no.best
        return yes is not None and no is not None and yes + no >= PRICE_UNITS

    def view(self, depth: int | None = None) -> BookView:
        """Return the book as it stands, at most ``depth`` levels a side."""
        return BookView(self.ticker, self.yes.top(depth), self.no.top(depth))


class Outcome(Enum):
    """What a frame did."""

    APPLIED = "applied"
    #: Seen before, or overtaken by later ones: changes nothing.
    REPEATED = "repeated"
    #: Frames are missing before this one; all books are discarded, then it was taken.
    GAP = "gap"
    #: A change of a book that waits for its snapshot.
    WAITING = "waiting"
    #: About a market that this subscription does not hold.
    UNKNOWN_MARKET = "unknown market"
    #: It cannot be true; the market's book is discarded.
    REFUSED = "refused"


@dataclass(slots=True)
class BookSet:
    """The books of one subscription, each either known or waiting for its snapshot.

    Attributes:
        use_yes_price: The exchange sends prices of both sides as YES prices.
        waiting: Markets whose book is unknown, each with the reason.
        differing: How many snapshots differed from the book that the changes had made.
        gaps: How often frames were missing.
        lost: Books that were known and are no longer, each with the reason; whoever acts on it
            clears it.
    """

    use_yes_price: bool
    waiting: dict[str, str] = field(default_factory=dict)
    differing: int = 0
    gaps: int = 0
    lost: dict[str, str] = field(default_factory=dict)
    _books: dict[str, LiveBook] = field(default_factory=dict)
    _last_seq: int = 0

    def add_markets(self, tickers: Iterable[str]) -> None:
        """Hold these markets too; each waits for its snapshot."""
        for ticker in tickers:
            if ticker not in self._books:
                self.waiting.setdefault(ticker, "no snapshot has come yet")

    def remove_markets(self, tickers: Iterable[str]) -> None:
        """Hold these markets no longer."""
        for ticker in tickers:
            self._books.pop(ticker, None)
            self.waiting.pop(ticker, None)

    @property
    def markets(self) -> set[str]:
        """Return all markets held, known or waiting."""
        return self._books.keys() | self.waiting.keys()

    def book(self, ticker: str) -> LiveBook | None:
        """Return a book that is known to be right, else None."""
        return self._books.get(ticker)

    def known(self) -> list[str]:
        """Return the markets whose book is known."""
        return list(self._books)

    def discard(self, ticker: str, reason: str) -> None:
        """Forget a book until its snapshot comes."""
        if self._books.pop(ticker, None) is not None:
            self.lost[ticker] = reason
        elif ticker not in self.waiting:
            return
        self.waiting[ticker] = reason

    def discard_all(self, reason: str) -> None:
        """Forget all books until their snapshots come."""
        for ticker in list(self._books):
            self.discard(ticker, reason)

    def pass_over(self, seq: int) -> Outcome:
        """Count a frame that changes no book, such as an acknowledgement."""
        return self._count(seq)

    def apply_delta(
        self, seq: int, ticker: str, side: str, price_text: str, change_text: str
    ) -> Outcome:
        """Apply the change of one level.

        Args:
            seq: The frame's number in its subscription.
            ticker: The market.
            side: ``yes`` or ``no``.
            price_text: Dollars, as sent.
            change_text: Signed contracts, as sent.
        """
        counted = self._count(seq)
        if counted is Outcome.REPEATED:
            return counted
        book = self._books.get(ticker)
        if book is None:
            if counted is Outcome.GAP:
                return counted
            return Outcome.WAITING if ticker in self.waiting else Outcome.UNKNOWN_MARKET
        try:
            price = price_units(price_text)
            if side == "yes":
                book.yes.add(price, count_units(change_text))
            elif side == "no":
                bid = PRICE_UNITS - price if self.use_yes_price else price
                book.no.add(bid, count_units(change_text))
            else:
                raise InvalidDataError(f"A book has the sides yes and no, not {_shown(side)}.")
        except (InvalidDataError, TypeError) as error:
            self.discard(ticker, _reason(error))
            return Outcome.REFUSED
        return counted

    def apply_snapshot(
        self,
        seq: int,
        ticker: str,
        yes_rows: Sequence[Sequence[str]],
        no_rows: Sequence[Sequence[str]],
    ) -> Outcome:
        """Take a whole book; rows are price and count as sent, in any order."""
        counted = self._count(seq)
        if counted is Outcome.REPEATED:
            return counted
        if ticker not in self._books and ticker not in self.waiting:
            return counted if counted is Outcome.GAP else Outcome.UNKNOWN_MARKET
        book = LiveBook(ticker)
        try:
            _fill(book.yes, yes_rows, mirrored=False)
            _fill(book.no, no_rows, mirrored=self.use_yes_price)
        except (InvalidDataError, TypeError, ValueError) as error:
            self.discard(ticker, _reason(error))
            return Outcome.REFUSED
        before = self._books.get(ticker)
        if before is not None and before.view() != book.view():
            self.differing += 1
        self._books[ticker] = book
        self.waiting.pop(ticker, None)
        return counted

    def _count(self, seq: int) -> Outcome:
        expected = self._last_seq + 1
        if seq == expected:
            self._last_seq = seq
            return Outcome.APPLIED
        if seq < expected:
            return Outcome.REPEATED
        self._last_seq = seq
        self.gaps += 1
        self.discard_all(f"frames {expected} to {seq - 1} are missing")
        return Outcome.GAP


def _fill(side: BookSide, rows: Sequence[Sequence[str]], *, mirrored: bool) -> None:
    for price_text, count_text in rows:
        price, count = price_units(price_text), count_units(count_text)
        bid = PRICE_UNITS - price if mirrored else price
        if count < 0 or side.count_at(bid):
            raise InvalidDataError("A snapshot has a price twice, or fewer than no contracts.")
        side.add(bid, count)


def _reason(error: Exception) -> str:
    return error.message if isinstance(error, InvalidDataError) else "the frame is malformed"
