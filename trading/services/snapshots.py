"""Gathering what the kernel may see, as of one moment."""

from __future__ import annotations

import datetime as dt

from boz.core.errors import BozBaseException
from boz.core.schemas import BracketPrediction, FeeTerms
from markets import selectors as market_reads
from markets.models import Event, Market
from prediction import selectors as prediction_reads
from prediction.models import Prediction
from trading import selectors
from trading.choices import FINAL_TRADE_STATUSES, TradeStatus
from trading.domain.freshness import belief_problem
from trading.domain.parameters import StrategyParameters
from trading.domain.snapshot import Limits, MarketView, PortfolioState, Snapshot
from trading.models import Portfolio, Trade
from trading.services.risk import blocks


def portfolio_state(
    portfolio: Portfolio, *, now: dt.datetime, without_trade: int | None = None
) -> PortfolioState:
    """Return the portfolio's side of a snapshot."""
    reserved = selectors.reserved_dollars(portfolio, without_trade=without_trade)
    return PortfolioState(
        name=portfolio.name,
        limits=Limits(
            max_trade_size_dollars=portfolio.max_trade_size_dollars,
            max_exposure_dollars=portfolio.max_daily_exposure_dollars,
            daily_loss_limit_dollars=portfolio.daily_loss_limit_dollars,
            min_ev_dollars=portfolio.min_ev_dollars,
        ),
        free_cash_dollars=selectors.cash_dollars(portfolio) - reserved,
        exposure_dollars=selectors.held_dollars(portfolio) + reserved,
        realised_today_dollars=selectors.realised_today_dollars(portfolio, now=now),
        blocks=tuple(blocks(portfolio, now=now)),
    )


def event_snapshot(
    *,
    portfolio: Portfolio,
    state: PortfolioState,
    event: Event,
    parameters: StrategyParameters,
    as_of: dt.datetime,
    without_trade: int | None = None,
) -> tuple[Snapshot, Prediction | None]:
    """Return the kernel's view of an event, and the prediction it rests on.

    Raises:
        BozBaseException: If the event has no markets at all.
    """
    markets = market_reads.ladder(event)
    if not markets:
        raise BozBaseException(f"Event {event.ticker} has no markets.", {"event": event.ticker})
    prediction, belief, problem = _belief(event, markets, as_of)
    books = market_reads.latest_books(event=event, as_of=as_of)
    held, rejected = _markets_spoken_for(portfolio, event, without_trade)
    return (
        Snapshot(
            as_of=as_of,
            event_ticker=event.ticker,
            city=event.series.station.code,
            climate_day=event.climate_day,
            closes_at=min(market.close_time for market in markets),
            portfolio=state,
            parameters=parameters,
            fee_terms=_fee_terms(event, as_of),
            belief=belief,
            belief_problem=problem,
            event_problem=event.quarantine_reason or event.series.entries_stopped_reason,
            markets=tuple(
                MarketView(
                    ticker=market.ticker,
                    bracket=market.bracket,
                    is_open=market.is_open(as_of),
                    book=books.get(market.ticker),
                    has_open_trade=market.pk in held,
                    was_rejected=market.pk in rejected,
                )
                for market in markets
            ),
        ),
        prediction,
    )


def _belief(
    event: Event, markets: list[Market], as_of: dt.datetime
) -> tuple[Prediction | None, BracketPrediction | None, str]:
    station = event.series.station
    prediction = prediction_reads.latest_prediction(
        station=station, climate_day=event.climate_day, as_of=as_of
    )
    if prediction is None:
        return None, None, f"There is no prediction for {station.code} on {event.climate_day}."
    day_start, _ = station.climate_day_bounds(event.climate_day)
    problem = belief_problem(
        predicted_at=prediction.as_of,
        as_of=as_of,
        day_start=day_start,
        observed_until=prediction.observed_until,
        weight_present=prediction.weight_present,
        sd_f=prediction.sd_f,
    )
    if problem:
        return prediction, None, problem
    belief = prediction_reads.bracket_prediction(prediction=prediction, markets=markets)
    return prediction, belief, ""


def _fee_terms(event: Event, as_of: dt.datetime) -> FeeTerms | None:
    try:
        return market_reads.fee_terms(event=event, as_of=as_of)
    except BozBaseException:
        return None


def _markets_spoken_for(
    portfolio: Portfolio, event: Event, without_trade: int | None
) -> tuple[set[int], set[int]]:
    """Return the markets with a trade under way, and those in which a person rejected one."""
    rows = Trade.objects.filter(portfolio=portfolio, event=event)
    if without_trade is not None:
        rows = rows.exclude(pk=without_trade)
    held, rejected = set(), set()
    for market_id, status in rows.values_list("market_id", "status"):
        if status == TradeStatus.REJECTED:
            rejected.add(market_id)
        elif status not in FINAL_TRADE_STATUSES:
            held.add(market_id)
    return held, rejected
