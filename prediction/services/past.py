"""Assembles once, as of a moment, what a station's engines may learn from."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from itertools import groupby
from operator import attrgetter
from typing import Any

from boz.core.clock import require_utc
from prediction.constants import ERROR_WINDOW, PRIMARY_ENGINE
from prediction.domain.horizons import REFERENCE_LEAD_HOURS, Horizon
from prediction.engines.blend_fit import spread_factor
from prediction.engines.past import Past, PastCase, PastForecast, ScoredBelief
from prediction.models import EngineFit, Verification
from prediction.services.market_views import proven_ladder
from weather.models import Station
from weather.selectors import StandingForecast, standing_forecasts

ONE_DAY = dt.timedelta(days=1)
#: The afternoon has no cases of its own: forecasts of the morning are what it starts from.
LEARNED_HORIZONS = (Horizon.EARLY, Horizon.EVENING, Horizon.MORNING)
#: What a blend's fit learned about its spread, by station and version.
_Corrections = dict[tuple[int, int], dict[str, Any]]
_HORIZON_OF_LEAD = {REFERENCE_LEAD_HOURS[horizon]: horizon for horizon in LEARNED_HORIZONS}


def assemble_past(
    *, station: Station, as_of: dt.datetime, scored: Sequence[ScoredBelief] | None = None
) -> Past:
    """Return everything that a station's engines may learn from as of a moment.

    Args:
        station: Where.
        as_of: Nothing known later is used.
        scored: What :func:`scored_beliefs` said at the same moment, when several stations are
            fitted; the answer is the same without it.
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


def scored_beliefs(*, as_of: dt.datetime) -> tuple[ScoredBelief, ...]:
    """Return how the beliefs of all stations did, of those scored by ``as_of``."""
    since = require_utc(as_of, name="as_of").date() - ERROR_WINDOW
    rows = (
        Verification.objects.filter(verified_at__lte=as_of, event__climate_day__gte=since)
        .exclude(engine=Verification.POOLED)
        .select_related("prediction__station", "event")
        .prefetch_related("event__markets")
        .defer("prediction__pmf", "prediction__pooled_pmf", "prediction__sources")
    )
    corrections = _corrections(as_of)
    beliefs = [
        belief
        for _, group in groupby(
            sorted(rows, key=lambda row: (row.event_id, row.horizon, row.engine)),
            key=lambda row: (row.event_id, row.horizon),
        )
        if (belief := _scored(list(group), corrections)) is not None
    ]
    beliefs.sort(key=attrgetter("climate_day", "station_code", "horizon"))
    return tuple(beliefs)


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


def _corrections(as_of: dt.datetime) -> _Corrections:
    """Return how each fit of the blend corrected the spread, by station and version."""
    fits = EngineFit.objects.filter(engine=PRIMARY_ENGINE, as_of__lte=as_of)
    rows = fits.values_list("station_id", "version", "parameters__recalibration")
    return {(station, version): found for station, version, found in rows if found}


def _scored(rows: Sequence[Verification], corrections: _Corrections) -> ScoredBelief | None:
    """Return one event's scores at one horizon; None when its ladder or its belief is lost.

    Rows of an earlier version of the tables know no outcome; they teach nothing.
    """
    prediction = rows[0].prediction
    believed = next((row for row in rows if row.engine == prediction.engine), None)
    ladder = proven_ladder(rows[0].event)
    if believed is None or believed.outcome is None or ladder is None:
        return None
    rungs = len(ladder.brackets)
    if len(believed.probabilities) != rungs:
        return None
    market = tuple(prediction.market_probabilities)
    horizon = Horizon(believed.horizon)
    fit = (prediction.station_id, prediction.fits.get(PRIMARY_ENGINE, 0))
    return ScoredBelief(
        station_code=prediction.station.code,
        climate_day=prediction.climate_day,
        horizon=horizon,
        crps_f=tuple((row.engine, row.crps_f) for row in rows),
        pit=believed.pit,
        ladder=ladder.brackets,
        model=tuple(believed.probabilities),
        market=market if len(market) == rungs else None,
        outcome=believed.outcome,
        engine=prediction.engine,
        spread_factor=spread_factor({"recalibration": corrections.get(fit, {})}, horizon),
    )
