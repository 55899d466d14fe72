"""Event ladders as a page shows them: our belief beside the market's, bracket by bracket."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from django.db.models import (
    Case,
    DateTimeField,
    OuterRef,
    Prefetch,
    QuerySet,
    Subquery,
    Value,
    When,
)

from boz.console.charts import bar_width
from boz.core.errors import BozBaseException
from boz.core.schemas import OrderBook, Side
from markets.models import BookSnapshot, Event, Market
from prediction.constants import VERIFICATION_HOUR_LST
from prediction.models import Prediction
from prediction.selectors import bracket_prediction, pooled_pmf_of
from settlement.models import Settlement
from trading.domain.beliefs import market_probability
from trading.models import Decision, Portfolio, Position

#: Probability of a bracket by our own belief, and pooled with the market.
_Shares = tuple[float | None, float | None]
_UNKNOWN: _Shares = (None, None)
FINISHED = (Event.Status.DETERMINED, Event.Status.SETTLED)


@dataclass(frozen=True, slots=True)
class Rung:
    """One bracket at the moment shown."""

    label: str
    ticker: str
    probability: float | None
    pooled_probability: float | None
    market_probability: float | None
    bar: float | None
    market_bar: float | None
    bid: Decimal | None
    ask: Decimal | None
    result: str
    positions: tuple[Position, ...]


@dataclass(frozen=True, slots=True)
class StandDownLine:
    """Why a bracket, or the whole event, was left alone."""

    label: str
    side: str
    reason: str


@dataclass(frozen=True, slots=True)
class Ladder:
    """One event at the moment shown."""

    event: Event
    rungs: tuple[Rung, ...]
    prediction: Prediction | None
    problem: str
    books_at: dt.datetime | None
    decision: Decision | None
    stand_downs: tuple[StandDownLine, ...]
    settlement: Settlement | None

    @property
    def has_pooled(self) -> bool:
        """Say whether the belief was pooled with the market."""
        return any(rung.pooled_probability is not None for rung in self.rungs)

    @property
    def is_finished(self) -> bool:
        """Say whether the results are known, so that the page shows an earlier moment."""
        return self.event.status in FINISHED


def ladders(
    *, days: Sequence[dt.date], portfolio: Portfolio | None, now: dt.datetime
) -> list[Ladder]:
    """Return the ladders of some climate days, in a number of queries that does not grow.

    A finished event is shown as it stood at 10:00 local standard time of its day, the moment at
    which predictions are scored: later prices know the outcome. Any other event is shown as of
    now.

    Args:
        days: Climate days.
        portfolio: Whose positions and decisions; None shows none.
        now: The present.
    """
    events = list(
        Event.objects.filter(climate_day__in=list(days))
        .select_related("series__station")
        .prefetch_related(
            Prefetch("settlements", queryset=Settlement.objects.order_by("-version")),
            Prefetch("markets", queryset=Market.objects.all()),
        )
        .order_by("-climate_day", "series__station__code")
    )
    if not events:
        return []
    moments = {event.pk: _moment_shown(event, now) for event in events}
    predictions = _predictions(moments)
    books = _books(moments)
    decisions = _decisions(moments, portfolio)
    positions = _positions(events, portfolio)
    return [
        _ladder(event, predictions.get(event.pk), books, decisions.get(event.pk), positions)
        for event in events
    ]


def _moment_shown(event: Event, now: dt.datetime) -> dt.datetime:
    if event.status not in FINISHED:
        return now
    start, _ = event.series.station.climate_day_bounds(event.climate_day)
    return min(now, start + dt.timedelta(hours=VERIFICATION_HOUR_LST))


def _moment_case(moments: dict[int, dt.datetime], *, key: str) -> Case:
    """Return an expression that gives each row its own event's moment."""
    by_moment: dict[dt.datetime, list[int]] = {}
    for pk, moment in moments.items():
        by_moment.setdefault(moment, []).append(pk)
    return Case(
        *[When(**{f"{key}__in": pks}, then=Value(at)) for at, pks in by_moment.items()],
        output_field=DateTimeField(),
    )


def _latest(rows: QuerySet[Any], *order: str) -> Subquery:
    return Subquery(rows.order_by(*order).values("pk")[:1])


def _predictions(moments: dict[int, dt.datetime]) -> dict[int, Prediction]:
    known = Prediction.objects.filter(
        station=OuterRef("series__station"),
        climate_day=OuterRef("climate_day"),
        as_of__lte=OuterRef("moment"),
    )
    chosen = dict(
        Event.objects.filter(pk__in=moments)
        .annotate(moment=_moment_case(moments, key="pk"))
        .annotate(chosen=_latest(known, "-as_of"))
        .values_list("pk", "chosen")
    )
    rows = Prediction.objects.select_related("station").in_bulk(
        [pk for pk in chosen.values() if pk is not None]
    )
    return {event: rows[pk] for event, pk in chosen.items() if pk in rows}


def _books(moments: dict[int, dt.datetime]) -> dict[int, OrderBook]:
    """Return the latest book known at each event's moment, by market."""
    known = BookSnapshot.objects.filter(market=OuterRef("pk"), available_at__lte=OuterRef("moment"))
    chosen = (
        Market.objects.filter(event__in=moments)
        .annotate(moment=_moment_case(moments, key="event"))
        .annotate(chosen=_latest(known, "-available_at", "-at"))
        .values_list("chosen", flat=True)
    )
    rows = BookSnapshot.objects.select_related("market").filter(pk__in=[pk for pk in chosen if pk])
    return {row.market_id: row.as_order_book() for row in rows}


def _decisions(moments: dict[int, dt.datetime], portfolio: Portfolio | None) -> dict[int, Decision]:
    if portfolio is None:
        return {}
    known = Decision.objects.filter(
        event=OuterRef("pk"), portfolio=portfolio, as_of__lte=OuterRef("moment")
    )
    chosen = dict(
        Event.objects.filter(pk__in=moments)
        .annotate(moment=_moment_case(moments, key="pk"))
        .annotate(chosen=_latest(known, "-as_of", "-pk"))
        .values_list("pk", "chosen")
    )
    rows = Decision.objects.defer("snapshot").in_bulk([pk for pk in chosen.values() if pk])
    return {event: rows[pk] for event, pk in chosen.items() if pk in rows}


def _positions(
    events: Sequence[Event], portfolio: Portfolio | None
) -> dict[int, tuple[Position, ...]]:
    if portfolio is None:
        return {}
    held: dict[int, tuple[Position, ...]] = {}
    rows = Position.objects.filter(portfolio=portfolio, market__event__in=events, count__gt=0)
    for position in rows:
        held[position.market_id] = (*held.get(position.market_id, ()), position)
    return held


def _ladder(
    event: Event,
    prediction: Prediction | None,
    books: dict[int, OrderBook],
    decision: Decision | None,
    positions: dict[int, tuple[Position, ...]],
) -> Ladder:
    markets = list(event.markets.all())
    shares, problem = _shares(prediction, markets)
    rungs = tuple(
        _rung(market, shares.get(market.ticker, _UNKNOWN), books.get(market.pk), positions)
        for market in markets
    )
    times = [books[market.pk].at for market in markets if market.pk in books]
    return Ladder(
        event=event,
        rungs=rungs,
        prediction=prediction,
        problem=event.quarantine_reason or problem,
        books_at=max(times) if times else None,
        decision=decision,
        stand_downs=stand_down_lines(decision, markets) if decision is not None else (),
        settlement=next(iter(event.settlements.all()), None),
    )


def _shares(
    prediction: Prediction | None, markets: Sequence[Market]
) -> tuple[dict[str, _Shares], str]:
    """Return each bracket's probabilities by ticker, and what forbids them."""
    if prediction is None or not markets:
        return {}, ""
    try:
        belief = bracket_prediction(prediction=prediction, markets=markets)
    except BozBaseException as error:
        return {}, error.message
    pooled = pooled_pmf_of(prediction)
    ladder = [item.bracket for item in belief.brackets]
    beside: Sequence[float | None] = (
        [None] * len(ladder) if pooled is None else pooled.ladder(ladder)
    )
    return {
        item.market_ticker: (item.probability, share)
        for item, share in zip(belief.brackets, beside, strict=True)
    }, ""


def _rung(
    market: Market,
    shares: _Shares,
    book: OrderBook | None,
    positions: dict[int, tuple[Position, ...]],
) -> Rung:
    probability, pooled = shares
    quoted = None if book is None else market_probability(book)
    return Rung(
        label=market.bracket.label,
        ticker=market.ticker,
        probability=probability,
        pooled_probability=pooled,
        market_probability=quoted,
        bar=bar_width(probability),
        market_bar=bar_width(quoted),
        bid=None if book is None else book.best_bid(Side.YES),
        ask=None if book is None else book.best_ask(Side.YES),
        result=market.result,
        positions=positions.get(market.pk, ()),
    )


def stand_down_lines(decision: Decision, markets: Sequence[Market]) -> tuple[StandDownLine, ...]:
    """Return every stand-down of a decision with the bracket's label, in the kernel's order."""
    labels = {market.ticker: market.bracket.label for market in markets}
    outcome = decision.outcome if isinstance(decision.outcome, dict) else {}
    return tuple(
        StandDownLine(
            label=labels.get(item.get("market_ticker") or "", "") or "Whole event",
            side=(item.get("side") or "").upper(),
            reason=item.get("reason", ""),
        )
        for item in outcome.get("stand_downs", [])
    )
