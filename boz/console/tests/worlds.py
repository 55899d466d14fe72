"""Rows that a page can show: an event that was traded and settled, and one that is open."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal

from boz.core.agents import all_agents
from boz.core.tests.factories import JobRunFactory
from markets.models import Event
from markets.tests.factories import NOW, EventFactory, make_ladder
from prediction.domain.horizons import Horizon
from settlement.services.settle import settle_all
from trading.choices import Mode
from trading.models import Portfolio
from trading.services.cycle import run_trading_cycle
from trading.tests.factories import make_books, make_portfolio, make_prediction

#: A day is settled on the next morning.
MORNING_AFTER = dt.timedelta(hours=16)
#: From the trading cycle of the evening before to a belief of the day's own morning.
UNTIL_MORNING = dt.timedelta(hours=18)
#: What the market thought then, coldest bracket first.
MARKET_SHARES = [0.05, 0.20, 0.35, 0.25, 0.10, 0.05]


def add_settled_day(
    portfolio: Portfolio, *, days: int = 0, high_f: int = 57, title: str | None = None
) -> Event:
    """Trade one more climate day and settle it on a high."""
    now = NOW + dt.timedelta(days=days)
    fields = {} if title is None else {"title": title}
    event = EventFactory(climate_day=dt.date(2024, 11, 15) + dt.timedelta(days=days), **fields)
    markets = make_ladder(event=event)
    make_books(markets, at=now)
    make_prediction(event, as_of=now)
    run_trading_cycle(now=now)
    make_prediction(
        event,
        as_of=now + UNTIL_MORNING,
        horizon=Horizon.MORNING,
        lead_hours=15.0,
        market_probabilities=MARKET_SHARES,
        engine_weights={"emos_slow": 1.0},
    )
    settle_day(event, high_f=high_f, now=now + dt.timedelta(days=1) + MORNING_AFTER)
    return event


def settle_day(event: Event, *, high_f: int, now: dt.datetime) -> None:
    """Let the exchange publish a high, and settle."""
    for market in event.markets.all():
        market.result = "yes" if market.bracket.contains(high_f) else "no"
        market.status = market.Status.FINALIZED
        market.settled_at = now
        market.save()
    event.status = Event.Status.DETERMINED
    event.expiration_value_f = Decimal(high_f)
    event.determined_at = now
    event.save()
    settle_all(now=now)


def add_open_day(*, days: int) -> Event:
    """Quote one more climate day without trading it."""
    now = NOW + dt.timedelta(days=days)
    event = EventFactory(climate_day=dt.date(2024, 11, 15) + dt.timedelta(days=days))
    make_books(make_ladder(event=event), at=now)
    make_prediction(event, as_of=now)
    return event


def make_desk_with_results(*, title: str | None = None) -> Portfolio:
    """A portfolio with one settled day."""
    portfolio = make_portfolio(mode=Mode.AUTO, cooldown_minutes=0, consecutive_loss_limit=100)
    add_settled_day(portfolio, title=title)
    return portfolio


def run_every_job() -> None:
    """Leave one run of each agent."""
    for agent in all_agents():
        JobRunFactory(agent=agent.name, as_of=NOW)
