"""A portfolio, a belief and a quoted ladder: the smallest world in which a trade can happen."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import Any

import factory
from django.contrib.auth import get_user_model

from boz.core.schemas import Confidence
from markets.models import Event, Market
from markets.tests.factories import NOW, BookSnapshotFactory, make_ladder
from prediction.constants import PRIMARY_ENGINE
from prediction.domain.discretised import gaussian_pmf
from prediction.domain.horizons import horizon_of
from prediction.models import Prediction
from trading.choices import Mode
from trading.models import Portfolio, Strategy
from trading.services.portfolios import open_portfolio

#: Books around 55 °F: (best YES bid, best NO bid) in cents, cold to warm.
FAIR_CENTS = ((5, 91), (17, 79), (31, 65), (26, 70), (10, 86), (2, 94))


class UserFactory(factory.django.DjangoModelFactory):
    """A user with no rights."""

    class Meta:
        model = get_user_model()
        django_get_or_create = ("username",)

    username = factory.Sequence(lambda number: f"user{number}")


def make_portfolio(
    *, mode: str = Mode.AUTO, deposit: str = "1000", name: str = "Test", **limits: Any
) -> Portfolio:
    """Return a paper portfolio with the default limits and one value strategy."""
    return open_portfolio(
        name=name,
        owner=UserFactory(username="owner"),
        deposit_dollars=Decimal(deposit),
        now=NOW - dt.timedelta(days=1),
        mode=mode,
        **limits,
    )


def strategy_of(portfolio: Portfolio) -> Strategy:
    """Return the portfolio's strategy."""
    return portfolio.strategies.get()


def make_books(
    markets: list[Market],
    *,
    at: dt.datetime = NOW,
    cents: tuple[tuple[int, int], ...] = FAIR_CENTS,
    count: str = "50.00",
) -> None:
    """Quote a ladder on both sides."""
    for market, (yes_bid, no_bid) in zip(markets, cents, strict=True):
        BookSnapshotFactory(
            market=market,
            at=at,
            yes_bids=[[_dollars(yes_bid), count]],
            no_bids=[[_dollars(no_bid), count]],
        )


def make_prediction(
    event: Event,
    *,
    mean_f: float = 58.0,
    sd_f: float = 2.3,
    as_of: dt.datetime = NOW,
    **fields: Any,
) -> Prediction:
    """Return a belief that the day will be warmer than the market of FAIR_CENTS thinks."""
    pmf = gaussian_pmf(mean_f=mean_f, sd_f=sd_f)
    _, end = event.series.station.climate_day_bounds(event.climate_day)
    lead_hours = (end - as_of) / dt.timedelta(hours=1)
    return Prediction.objects.create(
        **{
            "station": event.series.station,
            "climate_day": event.climate_day,
            "engine": PRIMARY_ENGINE,
            "as_of": as_of,
            "pmf_low_f": pmf.low_f,
            "pmf": [float(value) for value in pmf.probabilities],
            "mean_f": mean_f,
            "sd_f": sd_f,
            "lead_hours": lead_hours,
            "horizon": horizon_of(lead_hours).value,
            "weight_present": 1.0,
            "confidence": Confidence.MEDIUM.value,
            "sources": ["nws"],
            "inputs_hash": "0" * 64,
            **fields,
        }
    )


def make_tradeable_event(**prediction: Any) -> tuple[Event, list[Market]]:
    """Return an open event with books, fees and a belief that sees value in the warm rungs."""
    markets = make_ladder()
    event = markets[0].event
    make_books(markets)
    make_prediction(event, **prediction)
    return event, markets


def _dollars(cents: int) -> str:
    return f"{Decimal(cents) / 100:.4f}"
