"""Whether a listed event may trade: its brackets tile the degrees and its times make sense.

Nothing here reads a label or a ticker's letter.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass

from boz.core.clock import format_utc
from boz.core.errors import InvalidDataError, QuarantinedError
from boz.core.schemas import Bracket
from markets.clients.kalshi.objects import ExchangeEvent, ExchangeMarket
from markets.domain.brackets import bracket_from_strikes, prove_ladder
from markets.models import Market
from weather.models import Station

#: Trading ends with the standard-time day; in summers up to 2024 it ended an hour earlier.
CLOSE_TOLERANCE = dt.timedelta(hours=2)
#: A market that has closed early because it was decided says nothing against its ladder.
TRADING = (Market.Status.INITIALIZED, Market.Status.ACTIVE, Market.Status.INACTIVE)


@dataclass(frozen=True, slots=True)
class Verdict:
    """What became of a listed ladder.

    Attributes:
        brackets: The whole degrees of each market that could be read, by ticker.
        reasons: Why nothing may trade; empty when the ladder is proven.
    """

    brackets: dict[str, Bracket]
    reasons: tuple[str, ...]

    @property
    def reason(self) -> str:
        """Return all reasons as one text."""
        return " ".join(self.reasons)


def judge(
    event: ExchangeEvent,
    *,
    station: Station,
    climate_day: dt.date,
    stored: Mapping[str, Market],
) -> Verdict:
    """Prove a listed ladder against itself, its day and what we stored of it before.

    Args:
        event: As listed, with its markets.
        station: Where it settles.
        climate_day: From the event's ticker.
        stored: Our markets of this event by ticker; empty when it is new.
    """
    brackets: dict[str, Bracket] = {}
    reasons: list[str] = []
    for market in event.markets:
        try:
            brackets[market.ticker] = _bracket(market, event)
        except InvalidDataError as error:
            reasons.append(f"{market.ticker}: {error.message}")
    if len(brackets) == len(event.markets):
        try:
            prove_ladder(list(brackets.values()))
        except QuarantinedError as error:
            reasons.append(error.message)
    reasons.extend(_wrong_closes(event, station, climate_day))
    reasons.extend(_changes(brackets, stored))
    return Verdict(brackets, tuple(reasons))


def _bracket(market: ExchangeMarket, event: ExchangeEvent) -> Bracket:
    if market.event_ticker != event.event_ticker:
        raise InvalidDataError(f"It says that it belongs to {market.event_ticker}.")
    if market.close_time <= market.open_time:
        raise InvalidDataError("It closes before it opens.")
    return bracket_from_strikes(
        strike_type=market.strike_type,
        floor_strike=market.floor_strike,
        cap_strike=market.cap_strike,
    )


def _wrong_closes(event: ExchangeEvent, station: Station, climate_day: dt.date) -> list[str]:
    end = station.climate_day_bounds(climate_day)[1]
    return [
        f"{market.ticker} closes at {format_utc(market.close_time)}, but the climate day "
        f"{climate_day} of {station.code} ends at {format_utc(end)}."
        for market in event.markets
        if market.status in TRADING and abs(market.close_time - end) > CLOSE_TOLERANCE
    ]


def _changes(brackets: Mapping[str, Bracket], stored: Mapping[str, Market]) -> list[str]:
    reasons = []
    for ticker, market in stored.items():
        listed = brackets.get(ticker)
        if listed is None:
            reasons.append(f"{ticker} is no longer listed as it was.")
        elif listed != market.bracket:
            reasons.append(
                f"The strikes of {ticker} have changed from '{market.bracket.label}' "
                f"to '{listed.label}'."
            )
    return reasons
