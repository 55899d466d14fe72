"""Assembles once, as of a moment, what a station's engines may learn from."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from itertools import groupby
from operator import attrgetter

from boz.core.clock import require_utc
from prediction.constants import ERROR_WINDOW, REPORTS_WINDOW
from prediction.domain.day_so_far import usual_high
from prediction.domain.horizons import REFERENCE_LEAD_HOURS, Horizon
from prediction.domain.rise_fit import PastDay
from prediction.engines.past import Past, PastCase, PastForecast, ScoredBelief
from prediction.services.readings import readings_of
from prediction.services.scored import scored_beliefs
from weather.models import Station
from weather.selectors import (
    StandingForecast,
    official_highs,
    readings_by_day,
    standing_forecasts,
)

ONE_DAY = dt.timedelta(days=1)
#: The usual high of a day is that of about three weeks before it.
USUAL_HIGH_REACH = dt.timedelta(days=30)
#: The afternoon has no cases of its own: forecasts of the morning are what it starts from.
LEARNED_HORIZONS = (Horizon.EARLY, Horizon.EVENING, Horizon.MORNING)
_HORIZON_OF_LEAD = {REFERENCE_LEAD_HOURS[horizon]: horizon for horizon in LEARNED_HORIZONS}


def assemble_past(
    *, station: Station, as_of: dt.datetime, scored: Sequence[ScoredBelief] | None = None
) -> Past:
    """Return everything that a station's engines may learn from as of a moment.

    Args:
        station: Where.
        as_of: Nothing known later is used.
        scored: What :func:`~prediction.services.scored.scored_beliefs` said at the same moment,
            when several stations are fitted; the answer is the same without it.
    """
    moment = require_utc(as_of, name="as_of")
    target_day = station.climate_day(moment) + ONE_DAY
    standing = standing_forecasts(
        station=station,
        as_of=moment,
        since=target_day - ERROR_WINDOW,
        lead_hours=tuple(_HORIZON_OF_LEAD),
    )
    return Past(
        station_code=station.code,
        as_of=moment,
        target_day=target_day,
        cases=_cases(standing),
        scored=tuple(scored_beliefs(as_of=moment) if scored is None else scored),
        days=_days(station, as_of=moment, since=target_day - REPORTS_WINDOW),
    )


def _days(station: Station, *, as_of: dt.datetime, since: dt.date) -> tuple[PastDay, ...]:
    """Return the finished days of which both the reports and the official high are known."""
    highs = official_highs(station=station, as_of=as_of, since=since - USUAL_HIGH_REACH)
    days = readings_by_day(station=station, since=since, as_of=as_of)
    return tuple(
        PastDay(
            station=station.code,
            climate_day=day,
            readings=readings_of(found, start=station.climate_day_bounds(day)[0]),
            high_f=highs[day],
            usual_high_f=usual_high(highs, climate_day=day),
        )
        for day, found in sorted(days.items())
        if day in highs
    )


def _cases(standing: Sequence[StandingForecast]) -> tuple[PastCase, ...]:
    return tuple(
        PastCase(
            climate_day=day,
            horizon=_HORIZON_OF_LEAD[lead],
            forecasts=tuple(
                PastForecast(
                    source=row.source_code,
                    high_f=row.high_f,
                    lead_hours=row.lead_hours,
                    sd_f=row.sd_f,
                )
                for row in rows
            ),
            observed_f=rows[0].observed_f,
        )
        for (day, lead), group in groupby(
            standing, key=attrgetter("climate_day", "standing_lead_hours")
        )
        if (rows := list(group))
    )
