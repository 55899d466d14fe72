"""Named worlds: the days as recorded, the same with one thing wrong, and invented weather."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass, replace

from boz.core.clock import UTC
from boz.sandbox.recordings.loader import Recordings

#: Ten in the morning of the first recorded day: forecast issued, ladders open, trades made.
DEFAULT_NOW = dt.datetime(2024, 11, 14, 15, tzinfo=UTC)
#: History starts here: the first recorded official high.
EARLIEST_NOW = dt.datetime(2024, 7, 1, tzinfo=UTC)
#: Invented weather knows no first day; its clock has to start somewhere.
INVENTED_NOW = dt.datetime(2026, 7, 15, 15, tzinfo=UTC)
ANY_TIME = dt.datetime(1990, 1, 1, tzinfo=UTC)

FIRST_DAY = dt.date(2024, 11, 14)
LAST_DAY = dt.date(2024, 12, 16)
#: Absurd on purpose: no thermometer on earth has read it.
ABSURD_HIGH_F = -200
_EVENT = "KXHIGHNY-24NOV14"
_RUNG = f"{_EVENT}-B48.5"


@dataclass(frozen=True, slots=True)
class Scenario:
    """A way to change the recordings before they are served.

    Args:
        subject: The ticker or day that is wrong; empty when nothing is.
        is_invented: Whether the weather is invented, for every station, instead of recorded.
        default_now: Where its clock starts when nothing else is asked for.
        earliest_now: Before this moment there is nothing to serve.
    """

    name: str
    description: str
    subject: str
    apply: Callable[[Recordings], Recordings]
    is_invented: bool = False
    default_now: dt.datetime = DEFAULT_NOW
    earliest_now: dt.datetime = EARLIEST_NOW


def _as_recorded(recordings: Recordings) -> Recordings:
    return recordings


def _with_ladder_gap(recordings: Recordings) -> Recordings:
    kept = tuple(market for market in recordings.markets if market.ticker != _RUNG)
    tapes = {ticker: tape for ticker, tape in recordings.tapes.items() if ticker != _RUNG}
    return replace(recordings, markets=kept, tapes=tapes)


def _without_prices(recordings: Recordings) -> Recordings:
    return replace(recordings, tapes={**recordings.tapes, _RUNG: recordings.tapes[_RUNG].until(0)})


def _with_absurd_forecast(recordings: Recordings) -> Recordings:
    forecasts = tuple(
        replace(item, high_f=ABSURD_HIGH_F) if item.day == FIRST_DAY else item
        for item in recordings.forecasts
    )
    return replace(recordings, forecasts=forecasts)


SCENARIOS = {
    scenario.name: scenario
    for scenario in (
        Scenario("recorded", "The days as they were recorded.", "", _as_recorded),
        Scenario(
            "ladder_gap",
            f"The ladder {_EVENT} lacks its rung {_RUNG}, so it does not tile the degrees.",
            _RUNG,
            _with_ladder_gap,
        ),
        Scenario(
            "no_prices",
            f"The market {_RUNG} has never traded: no price and an empty book.",
            _RUNG,
            _without_prices,
        ),
        Scenario(
            "absurd_forecast",
            f"New York's forecast for {FIRST_DAY} says {ABSURD_HIGH_F} °F.",
            str(FIRST_DAY),
            _with_absurd_forecast,
        ),
        Scenario(
            "every_source",
            "24 cities with invented weather: every source answers; for load and outages, not for "
            "judging forecasts. The exchange keeps its recorded days.",
            "",
            _as_recorded,
            is_invented=True,
            default_now=INVENTED_NOW,
            earliest_now=ANY_TIME,
        ),
    )
}
