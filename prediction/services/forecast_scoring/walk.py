"""The walk through recorded snapshots in order of time, with the engines of the product."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator

from boz.core.errors import BozBaseException, DataUnavailable
from prediction.constants import CLIMATOLOGY_WINDOW, PRIMARY_ENGINE
from prediction.domain.day_so_far import Reading, day_state
from prediction.engines import get_engine
from prediction.engines.base import EngineForecast, Inputs, MarketView, Parameters, ReachedMaximum
from prediction.engines.market_pool import pool_with_market
from prediction.services.forecast_scoring.learning import Belief, Learner
from prediction.services.forecast_scoring.official_highs import OfficialHighs
from prediction.services.forecast_scoring.report_days import ReportDays
from prediction.services.forecast_scoring.snapshots import Recorded, Snapshot
from prediction.services.forecast_scoring.station_reports import StationReports


def walk_forward(
    recorded: Recorded, *, highs: OfficialHighs, reports: StationReports
) -> Iterator[Belief]:
    """Yield a belief per snapshot, oldest first, each from what was known at its moment.

    A snapshot that the engines refuse is counted in ``recorded.skipped``; where the market spoke,
    it stands for both.
    """
    learner = Learner(
        highs=highs,
        results=recorded.results,
        report_days=ReportDays(reports=reports, highs=highs),
    )
    for snapshot in recorded.snapshots:
        inputs = _inputs(
            snapshot,
            highs=highs,
            readings=reports.readings(snapshot.station, snapshot.climate_day, as_of=snapshot.at),
            parameters=learner.parameters(snapshot.station, as_of=snapshot.at),
        )
        belief = _believe(snapshot, inputs, recorded)
        learner.remember(belief)
        yield belief
    recorded.skipped.update(learner.refused)


def _inputs(
    snapshot: Snapshot,
    *,
    highs: OfficialHighs,
    readings: tuple[Reading, ...],
    parameters: dict[str, Parameters],
) -> Inputs:
    market = snapshot.market
    return Inputs(
        station_code=snapshot.station.code,
        climate_day=snapshot.climate_day,
        as_of=snapshot.at,
        lead_hours=max(0, int(snapshot.lead_hours // 1)),
        forecasts=snapshot.forecasts,
        official_highs=tuple(
            (day, high)
            for day, high in highs.known(
                snapshot.station,
                as_of=snapshot.at,
                since=snapshot.climate_day - CLIMATOLOGY_WINDOW,
            )
            if day < snapshot.climate_day
        ),
        reached=_reached(readings, snapshot.climate_day),
        readings=readings,
        market=None if market is None else MarketView(snapshot.ladder, market.probabilities),
        parameters=parameters,
    )


def _reached(readings: tuple[Reading, ...], day: dt.date) -> ReachedMaximum | None:
    state = day_state(readings, climate_day=day)
    if state is None:
        return None
    return ReachedMaximum(
        low_f=state.low_f,
        hour_lst=state.hour_lst,
        estimate_f=state.estimate_f,
        evening_group_included=state.afternoon_covered,
    )


def _believe(snapshot: Snapshot, inputs: Inputs, recorded: Recorded) -> Belief:
    market = None if snapshot.market is None else snapshot.market.probabilities
    try:
        forecast = get_engine(PRIMARY_ENGINE).predict(inputs)
        engine = tuple(forecast.pmf.ladder(snapshot.ladder))
        blend = _blend(forecast, inputs, snapshot)
    except BozBaseException as error:
        recorded.skipped[_silence(error)] += 1
        return Belief(snapshot, None, None, market)
    return Belief(
        snapshot=snapshot,
        forecast=forecast,
        engine=engine,
        blend=engine if blend is None else blend,
    )


def _silence(error: BozBaseException) -> str:
    """Return why there is no belief, in words that are the same for all days alike."""
    if isinstance(error, DataUnavailable):
        return "The engine was silent: too little was known; the market stands alone."
    return f"The engine was silent: {error.message}"


def _blend(
    forecast: EngineForecast, inputs: Inputs, snapshot: Snapshot
) -> tuple[float, ...] | None:
    pooled = pool_with_market(forecast, inputs)
    return None if pooled is None else tuple(pooled.pmf.ladder(snapshot.ladder))
