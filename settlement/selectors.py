"""Reads of how events ended."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable

from django.db.models import Exists, OuterRef, Q, QuerySet

from markets.models import Event, Market
from prediction.models import EngineBelief
from settlement.models import PostMortem, Settlement
from trading.choices import TradeStatus
from trading.models import Trade
from trading.selectors import unpaid_trades
from weather.models import Station
from weather.selectors import official_highs

#: A result that changes later than this is a matter for people.
REVISIT_DAYS = dt.timedelta(days=30)
#: A belief that could not be scored for so long stays unscored.
SCORED_WITHIN = dt.timedelta(days=7)


def current_settlement(event: Event) -> Settlement | None:
    """Return the newest version of an event's settlement."""
    return Settlement.objects.filter(event=event).order_by("-version").first()


def events_to_settle(*, now: dt.datetime) -> QuerySet[Event]:
    """Return events whose results may still need settling or may have changed.

    A quarantined event is among them once it is determined: nothing may be bought there, but what
    is held gets paid.
    """
    oldest = (now - REVISIT_DAYS).date()
    results_known = Q(determined_at__isnull=False, determined_at__lte=now)
    still_open = Q(status=Event.Status.DETERMINED) | Q(status=Event.Status.QUARANTINED)
    may_have_changed = Q(status=Event.Status.SETTLED, climate_day__gte=oldest)
    unpaid = Exists(unpaid_trades().filter(event=OuterRef("pk")))
    return (
        Event.objects.filter(results_known)
        .filter(still_open | may_have_changed | unpaid)
        .select_related("series__station")
        .prefetch_related("markets", "settlements")
        .order_by("climate_day", "ticker")
    )


def events_waiting(*, now: dt.datetime) -> QuerySet[Event]:
    """Return events past their close that hold contracts and lack a published result."""
    markets = Market.objects.filter(event=OuterRef("pk"))
    lacks_results = Q(determined_at__isnull=True) | (
        Q(determined_at__lte=now) & Exists(markets.filter(result=Market.Result.UNKNOWN))
    )
    return (
        Event.objects.filter(
            lacks_results,
            Exists(unpaid_trades().filter(event=OuterRef("pk"))),
            Exists(markets),
            ~Exists(markets.filter(close_time__gt=now)),
        )
        .select_related("series__station")
        .order_by("climate_day", "ticker")
    )


def events_to_score(*, now: dt.datetime) -> QuerySet[Event]:
    """Return settled events of the last days whose beliefs still wait to be scored.

    A score that could not be made at settlement is made later; scoring drops what it does not need,
    so an event is here only while something went wrong.
    """
    beliefs = EngineBelief.objects.filter(
        prediction__station=OuterRef("series__station"),
        prediction__climate_day=OuterRef("climate_day"),
    )
    return (
        Event.objects.filter(
            Exists(beliefs),
            status=Event.Status.SETTLED,
            climate_day__gte=now.date() - SCORED_WITHIN,
            verifications__isnull=True,
        )
        .select_related("series__station")
        .order_by("climate_day", "ticker")
    )


def events_with_unpaid_trades() -> set[int]:
    """Return the keys of events that still hold contracts of ours."""
    return set(unpaid_trades().values_list("event_id", flat=True))


def readings_as_of(events: Iterable[Event], *, now: dt.datetime) -> dict[int, int | None]:
    """Return our reading of each event's climate report, by event key, with a query per station."""
    by_station: dict[Station, list[Event]] = {}
    for event in events:
        by_station.setdefault(event.series.station, []).append(event)
    readings: dict[int, int | None] = {}
    for station, mine in by_station.items():
        since = min(event.climate_day for event in mine)
        highs = official_highs(station=station, as_of=now, since=since)
        readings.update({event.pk: highs.get(event.climate_day) for event in mine})
    return readings


def trades_without_post_mortem(*, now: dt.datetime) -> QuerySet[Trade]:
    """Return trades that ended with a result by ``now`` and are not explained yet."""
    return (
        Trade.objects.filter(
            ~Exists(PostMortem.objects.filter(trade=OuterRef("pk"))),
            status__in=[TradeStatus.WON, TradeStatus.LOST],
            settled_at__lte=now,
        )
        .select_related("market", "event__series__station", "decision__prediction")
        .order_by("pk")
    )


def results_of(event: Event) -> dict[str, str]:
    """Return the exchange's result by market ticker; empty text where none is known."""
    return {market.ticker: market.result for market in event.markets.all()}


def has_all_results(event: Event) -> bool:
    """Say whether every market of an event has a result."""
    results = results_of(event).values()
    return bool(results) and all(result != Market.Result.UNKNOWN for result in results)


def final_results(event: Event, *, now: dt.datetime) -> dict[str, str]:
    """Return results that the exchange will not revise, by ticker; empty text for the others.

    Until a market is finalized its result may be disputed or amended.
    """
    return {
        market.ticker: market.result
        if market.status == Market.Status.FINALIZED
        and (market.settled_at is None or market.settled_at <= now)
        else str(Market.Result.UNKNOWN)
        for market in event.markets.all()
    }


def unpaid_tickers(event: Event) -> list[str]:
    """Return the markets of an event in which we hold contracts that are not paid yet."""
    return sorted(set(unpaid_trades().filter(event=event).values_list("market__ticker", flat=True)))
