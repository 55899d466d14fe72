"""What the market said about climate days at a moment."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from boz.core.errors import QuarantinedError
from boz.core.schemas import Bracket
from markets.domain.book import implied_probabilities
from markets.domain.brackets import prove_ladder
from markets.models import Event
from markets.selectors import last_prices_of_events, latest_books_of_events
from prediction.engines.base import MarketView
from weather.models import Station

#: A station, by its primary key, and one of its climate days.
_StationDay = tuple[int, dt.date]


@dataclass(frozen=True, slots=True)
class Ladder:
    """The event of a climate day whose markets are proven to be a ladder.

    ``tickers`` are in the order of ``brackets``: coldest first.
    """

    event: Event
    brackets: tuple[Bracket, ...]
    tickers: tuple[str, ...]


def ladder_edges(ladder: Sequence[Bracket]) -> list[list[int | None]]:
    """Return a ladder as it is stored: pairs of whole °F, coldest first, None for an open end."""
    return [[bracket.low_f, bracket.high_f] for bracket in ladder]


def ladders_of(
    wanted: Sequence[tuple[Station, dt.date]], *, as_of: dt.datetime
) -> dict[_StationDay, Ladder]:
    """Return the ladder of each station and day that was listed by then; days without are absent.

    One in quarantine is none. Where two are listed for one day, the first ticker stands for both.
    """
    keys = {(station.pk, day) for station, day in wanted}
    rows = (
        Event.objects.filter(
            series__station__in={station for station, _ in keys},
            climate_day__in={day for _, day in keys},
            first_seen_at__lte=as_of,
            quarantine_reason="",
        )
        .select_related("series")
        .prefetch_related("markets")
        .order_by("ticker")
    )
    found: dict[_StationDay, Ladder] = {}
    for event in rows:
        key = (event.series.station_id, event.climate_day)
        ladder = proven_ladder(event)
        if key in keys and ladder is not None:
            found.setdefault(key, ladder)
    return found


def proven_ladder(event: Event) -> Ladder | None:
    """Return an event's ladder; None when its markets do not tile the degrees."""
    tickers = {market.bracket: market.ticker for market in event.markets.all()}
    try:
        brackets = prove_ladder([market.bracket for market in event.markets.all()])
    except QuarantinedError:
        return None
    return Ladder(event, brackets, tuple(tickers[bracket] for bracket in brackets))


class MarketReads:
    """The books and last prices of several ladders at one moment, read together."""

    def __init__(self, ladders: Iterable[Ladder], *, as_of: dt.datetime) -> None:
        """Read them."""
        events = [ladder.event for ladder in ladders]
        self._books = latest_books_of_events(events=events, as_of=as_of)
        self._last_prices = last_prices_of_events(events=events, as_of=as_of)

    def view(self, ladder: Ladder) -> MarketView | None:
        """Return the market's distribution over one of the ladders read.

        None where a book is absent, too old or crossed, or the prices make no distribution.
        """
        implied = implied_probabilities(
            [self._books.get(ticker) for ticker in ladder.tickers], last_prices=self._last_prices
        )
        return None if implied is None else MarketView(ladder.brackets, tuple(implied))
