"""A determined event with a held trade: what settlement starts from."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import Any

from markets.models import Event, Market
from markets.tests.factories import NOW, EventFactory, SeriesFactory, make_ladder
from prediction.models import Prediction
from trading.choices import OrderStatus, TradeStatus
from trading.models import Decision, Fill, Order, Portfolio, Trade
from trading.services.ledger import post_fill
from trading.tests.factories import make_prediction, strategy_of
from weather.models import ClimateReport
from weather.tests.factories import ClimateReportFactory, real_station

#: The morning after the climate day of ``EventFactory``.
MORNING = dt.datetime(2024, 11, 16, 13, tzinfo=dt.UTC)
CITY_SERIES = {"NY": "KXHIGHNY", "MIA": "KXHIGHMIA"}


def make_event(
    city: str = "NY", *, climate_day: dt.date | None = None, **fields: Any
) -> tuple[Event, list[Market]]:
    """Return an event with six rungs around 55 °F."""
    series = SeriesFactory(ticker=CITY_SERIES[city], station=real_station(city))
    if climate_day is not None:
        fields["climate_day"] = climate_day
    event = EventFactory(series=series, **fields)
    return event, make_ladder(event=event)


def determine(
    event: Event, *, value_f: int | None, at: dt.datetime = MORNING, winner_f: int | None = None
) -> Event:
    """Publish results as the exchange does: by ``winner_f`` when it contradicts the value."""
    decisive = value_f if winner_f is None else winner_f
    for market in event.markets.all():
        is_yes = decisive is not None and market.bracket.contains(decisive)
        market.result = Market.Result.YES if is_yes else Market.Result.NO
        market.status = Market.Status.FINALIZED
        market.save(update_fields=["result", "status"])
    event.expiration_value_f = None if value_f is None else Decimal(value_f)
    event.status = Event.Status.DETERMINED
    event.determined_at = at
    event.save()
    return Event.objects.get(pk=event.pk)


def make_report(event: Event, max_f: int, **fields: Any) -> ClimateReport:
    """Publish the final climate report of an event's day."""
    return ClimateReportFactory(
        station=event.series.station, climate_day=event.climate_day, max_f=max_f, **fields
    )


def make_trade(
    portfolio: Portfolio,
    market: Market,
    *,
    side: str = "yes",
    count: str = "10",
    price: str = "0.30",
    fee: str = "0.15",
    at: dt.datetime = NOW,
    with_prediction: bool = True,
    **fields: Any,
) -> Trade:
    """Return an executed and filled trade, booked in the ledger."""
    strategy = strategy_of(portfolio)
    trade = Trade.objects.create(
        **{
            "portfolio": portfolio,
            "strategy": strategy,
            "decision": _decision(strategy, market, at, with_prediction),
            "event": market.event,
            "market": market,
            "side": side,
            "count": Decimal(count),
            "limit_price_dollars": Decimal(price),
            "all_in_cost_dollars": Decimal(price) + Decimal(fee) / Decimal(count),
            "max_cost_dollars": Decimal(10),
            "venue": "paper",
            "reserved_dollars": Decimal(0),
            "probability": 0.42,
            "market_probability": 0.31,
            "expected_value_dollars": Decimal("0.105"),
            "confidence": "medium",
            "reasons": ["The edge is above the least we ask for."],
            "status": TradeStatus.EXECUTED,
            "created_at": at,
            **fields,
        }
    )
    order = Order.objects.create(
        trade=trade,
        client_order_id=f"order-{trade.pk}",
        venue="paper",
        side=side,
        price_dollars=Decimal(price),
        count=Decimal(count),
        filled_count=Decimal(count),
        time_in_force=Order.TimeInForce.IOC,
        status=OrderStatus.FILLED,
        created_at=at,
    )
    fill = Fill.objects.create(
        order=order,
        venue_trade_id=f"fill-{trade.pk}",
        at=at,
        price_dollars=Decimal(price),
        count=Decimal(count),
        fee_dollars=Decimal(fee),
        is_taker=True,
    )
    post_fill(fill=fill, trade=trade)
    return trade


def _decision(strategy: Any, market: Market, at: dt.datetime, with_prediction: bool) -> Decision:
    event = market.event
    found = Prediction.objects.filter(
        station=event.series.station, climate_day=event.climate_day
    ).first()
    prediction = found
    if found is None and with_prediction:
        prediction = make_prediction(event, as_of=at, mean_f=54.4, sd_f=2.3)
    decision, _ = Decision.objects.get_or_create(
        strategy=strategy,
        event=event,
        as_of=at,
        defaults={
            "portfolio": strategy.portfolio,
            "prediction": prediction if with_prediction else None,
            "snapshot": {},
            "snapshot_hash": "0" * 64,
            "outcome": {
                "orders": [],
                "stand_downs": [
                    {
                        "market_ticker": market.ticker,
                        "side": "no",
                        "code": "edge_too_small",
                        "reason": "The edge of 1¢ is below 5¢.",
                    }
                ],
            },
            "outcome_hash": "0" * 64,
            "orders_wanted": 1,
        },
    )
    return decision
