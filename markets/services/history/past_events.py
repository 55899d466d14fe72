"""Settled events with their markets, stored as what they were; nothing is watched or traded."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from django.db import transaction

from boz.core.clock import UTC
from boz.core.errors import InvalidDataError
from boz.core.schemas import Bracket, SkippedSubject
from markets.clients.kalshi import KalshiMarketData
from markets.clients.kalshi.objects import ExchangeEvent, ExchangeMarket
from markets.models import Event, Market, Series
from markets.services.history.tiers import Tiers
from markets.services.sync.events import new_market
from markets.services.sync.ladders import judge
from markets.services.sync.results import expiration_value
from markets.services.sync.rules import rules_hash
from markets.tickers import event_climate_day

_TITLE_CHARS = 200


@dataclass(slots=True)
class PastEvents:
    """What came of a listing of the past.

    Args:
        events: New ones.
        markets: New ones.
        known: Events that were stored before.
        skipped: What was left out, and why.
    """

    events: int = 0
    markets: int = 0
    known: int = 0
    skipped: list[SkippedSubject] = field(default_factory=list)


def fetch_past_events(
    series: Series,
    *,
    client: KalshiMarketData,
    tiers: Tiers,
    since: dt.date,
    until: dt.date,
    now: dt.datetime,
) -> PastEvents:
    """Store a series' settled events of some climate days that are not stored yet.

    An event that is stored already stays as it is. One whose ladder does not tile the degrees is
    stored as quarantined.

    Raises:
        BozBaseException: If the exchange did not answer properly; nothing is stored then.
    """
    start = dt.datetime.combine(since, dt.time(0), tzinfo=UTC)
    described = client.past_events(series_ticker=series.ticker, closes_after=start)
    markets = tiers.settled_markets(series.ticker)
    done = PastEvents(skipped=[*described.refused, *markets.refused])
    listings = _by_event(series, described.items, markets.items)
    _leave_out_incomplete(listings, markets.refused, done)
    stored = set(Event.objects.filter(series=series).values_list("ticker", flat=True))
    taken = dict(Event.objects.filter(series=series).values_list("climate_day", "ticker"))
    with transaction.atomic():
        for listing in listings.values():
            day = _day(series, listing, done)
            if day is None or not since <= day <= until:
                continue
            if listing.event_ticker in stored:
                done.known += 1
            elif day in taken:
                reason = f"{series.ticker} already has the event {taken[day]} for {day}."
                done.skipped.append(SkippedSubject(subject=listing.event_ticker, reason=reason))
            else:
                _write(series, day, listing, done, now=now)
                taken[day] = listing.event_ticker
    return done


def _by_event(
    series: Series, described: Iterable[ExchangeEvent], markets: Sequence[ExchangeMarket]
) -> dict[str, ExchangeEvent]:
    """Return events with all their settled markets; one without a description has none."""
    groups: dict[str, list[ExchangeMarket]] = {}
    for market in markets:
        groups.setdefault(market.event_ticker, []).append(market)
    known = {event.event_ticker: event for event in described}
    return {
        ticker: (
            known[ticker].model_copy(update={"markets": tuple(items)})
            if ticker in known
            else ExchangeEvent(
                event_ticker=ticker, series_ticker=series.ticker, markets=tuple(items)
            )
        )
        for ticker, items in sorted(groups.items())
    }


def _leave_out_incomplete(
    listings: dict[str, ExchangeEvent], refused: Iterable[SkippedSubject], done: PastEvents
) -> None:
    """Leave out events of which a market could not be read: their ladder would look broken."""
    for item in refused:
        ticker = item.subject.rpartition("-")[0]
        if listings.pop(ticker, None) is not None:
            reason = f"Its market {item.subject} could not be read."
            done.skipped.append(SkippedSubject(subject=ticker, reason=reason))


def _day(series: Series, listing: ExchangeEvent, done: PastEvents) -> dt.date | None:
    try:
        return event_climate_day(listing.event_ticker, series_ticker=series.ticker)
    except InvalidDataError as error:
        done.skipped.append(SkippedSubject(subject=listing.event_ticker, reason=error.message))
        return None


def _write(
    series: Series,
    day: dt.date,
    listing: ExchangeEvent,
    done: PastEvents,
    *,
    now: dt.datetime,
) -> None:
    verdict = judge(listing, station=series.station, climate_day=day, stored={})
    odd = {market.result for market in listing.markets} - {Market.Result.YES, Market.Result.NO}
    if not verdict.brackets or odd:
        reason = f"It settled as '{', '.join(sorted(odd))}'." if odd else verdict.reason
        done.skipped.append(SkippedSubject(subject=listing.event_ticker, reason=reason))
        return
    markets = [market for market in listing.markets if market.ticker in verdict.brackets]
    event = Event(
        series=series,
        ticker=listing.event_ticker,
        climate_day=day,
        title=listing.title[:_TITLE_CHARS],
        status=Event.Status.DETERMINED,
        quarantine_reason=verdict.reason,
        settlement_sources=[source.as_json() for source in listing.settlement_sources],
        rules_hash=rules_hash(listing.markets),
        first_seen_at=min(market.open_time for market in markets),
        determined_at=_determined_at(markets, now),
    )
    event.expiration_value_f = expiration_value(event, listing.markets, done.skipped)
    event.save()
    rows = _rows(event, markets, verdict.brackets, now)
    Market.objects.bulk_create(rows)
    done.events += 1
    done.markets += len(rows)
    if verdict.reasons:
        done.skipped.append(SkippedSubject(subject=event.ticker, reason=verdict.reason))


def _rows(
    event: Event,
    markets: Iterable[ExchangeMarket],
    brackets: Mapping[str, Bracket],
    now: dt.datetime,
) -> list[Market]:
    return [new_market(event, market, brackets[market.ticker], now=now) for market in markets]


def _determined_at(markets: Iterable[ExchangeMarket], now: dt.datetime) -> dt.datetime:
    """Return when the last result was published; the close when nobody says."""
    times = [market.settlement_ts or market.close_time for market in markets]
    return min(max(times), now)
