"""Geometry of a market's price drawing; the template makes it SVG."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from markets.models import CandlePeriod, Market, Quote
from markets.selectors import candles

WIDTH, HEIGHT = 640.0, 180.0
LEFT, BOTTOM, TOP = 34.0, 20.0, 6.0
#: Points that still show as a line.
MOST_QUOTES = 500

Price = Decimal | None
Points = Sequence[tuple[dt.datetime, Price]]


@dataclass(frozen=True, slots=True)
class Line:
    """One price over time, in pieces where it did not exist."""

    name: str
    pieces: list[str]


@dataclass(frozen=True, slots=True)
class Chart:
    """The drawing: lines, and the labels of both axes."""

    width: float
    height: float
    left: float
    lines: list[Line]
    cents: list[tuple[float, int]]
    first: dt.datetime
    last: dt.datetime


def chart_of(market: Market, *, as_of: dt.datetime) -> Chart | None:
    """Return hourly candles, or where there are none quotes, as lines; None without either."""
    hours = candles(market=market, as_of=as_of, period_minutes=CandlePeriod.HOUR)
    if hours:
        lines = {
            "bid": [(row.end_at, row.yes_bid_close_dollars) for row in hours],
            "ask": [(row.end_at, row.yes_ask_close_dollars) for row in hours],
            "trade": [(row.end_at, row.close_dollars) for row in hours],
        }
    else:
        quotes = _quotes(market, as_of)
        lines = {
            "bid": [(row.at, row.yes_bid_dollars) for row in quotes],
            "ask": [(row.at, row.yes_ask_dollars) for row in quotes],
            "trade": [(row.at, row.last_price_dollars) for row in quotes],
        }
    times = [at for at, _ in lines["bid"]]
    if not times:
        return None
    first, last = times[0], times[-1]
    return Chart(
        width=WIDTH,
        height=HEIGHT,
        left=LEFT,
        lines=[Line(name, _pieces(points, first, last)) for name, points in lines.items()],
        cents=[(_y(Decimal(cents) / 100), cents) for cents in (0, 25, 50, 75, 100)],
        first=first,
        last=last,
    )


def _quotes(market: Market, as_of: dt.datetime) -> list[Quote]:
    newest = Quote.objects.filter(market=market, available_at__lte=as_of).order_by("-at")
    return list(newest[:MOST_QUOTES])[::-1]


def _pieces(points: Points, first: dt.datetime, last: dt.datetime) -> list[str]:
    pieces: list[list[str]] = [[]]
    for at, price in points:
        if price is None:
            pieces.append([])
        else:
            pieces[-1].append(f"{_x(at, first, last)},{_y(price)}")
    return [" ".join(piece) for piece in pieces if piece]


def _x(at: dt.datetime, first: dt.datetime, last: dt.datetime) -> float:
    share = (at - first) / (last - first) if last > first else 0.0
    return round(LEFT + share * (WIDTH - LEFT), 1)


def _y(price: Decimal) -> float:
    return round(TOP + (1.0 - float(price)) * (HEIGHT - BOTTOM - TOP), 1)
