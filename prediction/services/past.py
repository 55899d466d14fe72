"""Assembles once, as of a moment, what a station's engines may learn from."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from itertools import groupby
from operator import attrgetter

from boz.core.clock import require_utc
from prediction.constants import ERROR_WINDOW
from prediction.domain.horizons import REFERENCE_LEAD_HOURS, Horizon
from prediction.engines.past import Past, PastCase, PastForecast, ScoredBelief
from prediction.services.scored import scored_beliefs
from weather.models import Station
from weather.selectors import StandingForecast, standing_forecasts

ONE_DAY = dt.timedelta(days=1)
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
