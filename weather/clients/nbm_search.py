"""Where a station's block stands in a bulletin of 35 MB, found by reading pieces of it.

Blocks follow each other in the order of the station identifiers (UNVERIFIED: seen in bulletins of
2023 and 2024, promised nowhere), so a station is found by halving. Whatever was read for one
station narrows the search for the next. As soon as two blocks are seen out of order, the whole file
is read instead.
"""

from __future__ import annotations

import datetime as dt
from bisect import insort
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import pairwise
from typing import Protocol

from boz.core.errors import DataUnavailable, InvalidDataError
from weather.domain.nbm_table import NbmHeader, find_headers

#: About thirty blocks; halving a file of 35 MB down to it takes ten reads.
PIECE_BYTES = 64 * 1024
#: No block is longer.
BLOCK_BYTES = 16 * 1024


@dataclass(frozen=True, slots=True)
class Piece:
    """Bytes of a file from ``start``; ``size`` is that of the whole file."""

    start: int
    body: bytes
    size: int

    @property
    def end(self) -> int:
        """Return the place after the last byte."""
        return self.start + len(self.body)


class BulletinFile(Protocol):
    """A file that can be read in pieces."""

    def read(self, start: int, length: int) -> Piece:
        """Return the piece from ``start``; more than was asked for is welcome."""

    def read_whole(self) -> Piece:
        """Return the whole file."""


@dataclass(frozen=True, slots=True)
class FoundBlock:
    """A station's block and its place in the file."""

    station: str
    text: str
    offset: int


@dataclass(frozen=True, slots=True)
class _Span:
    """A block inside the text of a piece."""

    text: str
    begin: int
    end: int
    offset: int


class BulletinSearch:
    """Finds blocks in one bulletin.

    Args:
        file: The bulletin.
        product: What its headers must name.
        cycle: What its headers must name.

    Raises:
        InvalidDataError: If the file is no bulletin of this product and cycle.
    """

    def __init__(self, file: BulletinFile, *, product: str, cycle: dt.datetime) -> None:
        """Read the beginning of the file."""
        self._file, self._product, self._cycle = file, product, cycle
        self._anchors: list[tuple[int, str]] = []
        self._covered: list[tuple[int, int]] = []
        self._spans: dict[str, _Span] = {}
        self._twice: set[str] = set()
        self._is_whole = False
        #: How far the last hint was off: stations come and go, and all behind them move.
        self._drift = 0
        self.size = 0
        self._take(file.read(0, PIECE_BYTES))

    def find(self, station: str, *, hint: float | None = None) -> FoundBlock:
        """Return a station's block.

        Args:
            station: Identifier as printed.
            hint: Where the block probably is, from 0 to 1.

        Raises:
            DataUnavailable: If the bulletin does not hold the station.
            InvalidDataError: If it holds it twice, or turns out to be no bulletin.
        """
        hinted = None if hint is None else int(hint * self.size)
        guess = None if hinted is None else hinted + self._drift - PIECE_BYTES // 2
        tried: set[int] = set()
        while station not in self._spans:
            start = self._next_start(station, guess)
            if start in tried:
                raise self._no_bulletin(f"holds a block of {station} that does not end")
            tried.add(start)
            guess = None
            self._take(self._file.read(start, PIECE_BYTES))
        if station in self._twice:
            raise self._no_bulletin(f"holds {station} twice")
        span = self._spans[station]
        if hinted is not None:
            self._drift = span.offset - hinted
        return FoundBlock(station, span.text[span.begin : span.end], span.offset)

    def _next_start(self, station: str, guess: int | None) -> int:
        low = max((at for at, name in self._anchors if name <= station), default=0)
        high = min((at for at, name in self._anchors if name > station), default=self.size)
        if self._is_whole or any(first <= low and high <= last for first, last in self._covered):
            raise DataUnavailable(
                f"The {self._product} bulletin does not hold {station}.",
                {"station": station, "cycle": self._cycle.isoformat()},
            )
        if guess is not None and low <= guess + PIECE_BYTES // 2 < high:
            return self._inside(guess)
        if high - low <= PIECE_BYTES - BLOCK_BYTES or (low, station) in self._anchors:
            # From the byte before, so that the header at ``low`` is seen to begin a line.
            return max(low - 1, 0)
        return self._inside((low + high - PIECE_BYTES) // 2)

    def _inside(self, start: int) -> int:
        return max(0, min(start, self.size - PIECE_BYTES))

    def _take(self, piece: Piece) -> None:
        self.size = piece.size
        self._is_whole = self._is_whole or len(piece.body) == piece.size
        text = piece.body.decode("latin-1")
        first = 0 if piece.start == 0 else text.find("\n") + 1
        is_end = piece.end == piece.size
        last = len(text) if is_end else text.rfind("\n") + 1
        headers = [item for item in find_headers(text[:last]) if item.start >= first]
        self._require_bulletin(headers)
        ends = [item.start for item in headers[1:]] + ([len(text)] if is_end else [])
        for header, end in zip(headers, ends, strict=False):
            self._add(_Span(text, header.start, end, piece.start + header.start), header.station)
        if not self._is_whole:
            self._covered.append((piece.start + first, piece.start + last))
            self._add_anchors((piece.start + item.start, item.station) for item in headers)

    def _add_anchors(self, anchors: Iterable[tuple[int, str]]) -> None:
        for anchor in anchors:
            if anchor not in self._anchors:
                insort(self._anchors, anchor)
        if any(right[1] <= left[1] for left, right in pairwise(self._anchors)):
            self._take_whole()

    def _add(self, span: _Span, station: str) -> None:
        known = self._spans.setdefault(station, span)
        if known.offset != span.offset:
            self._twice.add(station)

    def _take_whole(self) -> None:
        self._anchors, self._covered, self._spans, self._twice = [], [], {}, set()
        self._is_whole = True
        self._take(self._file.read_whole())

    def _require_bulletin(self, headers: list[NbmHeader]) -> None:
        if not headers:
            raise self._no_bulletin("holds a piece without any station")
        for header in headers:
            if (header.product, header.cycle) != (self._product, self._cycle):
                raise self._no_bulletin(
                    f"holds a {header.product} block of {header.cycle:%Y-%m-%d %H}Z"
                )

    def _no_bulletin(self, wrong: str) -> InvalidDataError:
        return InvalidDataError(
            f"The {self._product} bulletin of {self._cycle:%Y-%m-%d %H}Z {wrong}.",
            {"product": self._product, "cycle": self._cycle.isoformat()},
        )
