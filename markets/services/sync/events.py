"""Events and their markets as listed: created, updated where something changed, or quarantined."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from dataclasses import dataclass, field
from decimal import Decimal

from django.db.models import Q

from boz.core.errors import InvalidDataError
from boz.core.logging import get_logger
from boz.core.money import COUNT_STEP, round_down
from boz.core.schemas import Bracket, SkippedSubject
from markets.clients.kalshi.objects import ExchangeEvent, ExchangeMarket
from markets.models import Event, Market, Series
from markets.services.sync.ladders import Verdict, judge
from markets.services.sync.rules import rules_hash
from markets.services.sync.watcher import stop_entries
from markets.tickers import event_climate_day

log = get_logger("MARKET")

#: Statuses that a listing may still change; later ones belong to results and settlement.
LISTABLE = (Event.Status.OPEN, Event.Status.CLOSED, Event.Status.QUARANTINED)
_TITLE_CHARS = 200
_SUBTITLE_CHARS = 80
_EVENT_CHARS = 48
_MARKET_CHARS = 64


@dataclass(slots=True)
class Written:
    """What came of a listing."""

    pairs: list[tuple[Event, ExchangeEvent]] = field(default_factory=list)
    markets: int = 0
    quarantined: int = 0
    skipped: list[SkippedSubject] = field(default_factory=list)


@dataclass(slots=True)
class MarketRows:
    """Markets of one sync, collected to be written together.

    Attributes:
        new: Not stored yet.
        seen: Keys of stored ones that were read again.
        changed: Those of them that differ from what is stored, and
        fields: in which fields any of them does; most often the volume alone.
    """

    new: list[Market] = field(default_factory=list)
    seen: list[int] = field(default_factory=list)
    changed: list[Market] = field(default_factory=list)
    fields: set[str] = field(default_factory=set)

    @property
    def count(self) -> int:
        """Return how many markets were read."""
        return len(self.new) + len(self.seen)

    def see(self, market: Market, listing: ExchangeMarket | None) -> None:
        """Take a stored market as listed now; without a listing it stays as it was."""
        self.seen.append(market.pk)
        names = set() if listing is None else apply_listing(market, listing)
        if names:
            self.changed.append(market)
            self.fields |= names

    def save(self, *, now: dt.datetime) -> None:
        """Write what is new or different, and of all the time at which they were read."""
        if self.new:
            Market.objects.bulk_create(self.new)
        if self.changed:
            Market.objects.bulk_update(self.changed, sorted(self.fields), batch_size=100)
        if self.seen:
            Market.objects.filter(pk__in=self.seen).update(updated_at=now)


def write_events(listings: Iterable[tuple[Series, ExchangeEvent]], *, now: dt.datetime) -> Written:
    """Store listed events with their markets; what is wrong with one never stops the others."""
    dated, skipped = _dated(listings)
    stored = _stored_events(dated)
    taken = {(event.series_id, event.climate_day): event.ticker for event in stored.values()}
    written = Written(skipped=skipped)
    rows = MarketRows()
    for series, day, listing in dated:
        event = stored.get(listing.event_ticker)
        holder = taken.get((series.pk, day), listing.event_ticker)
        if holder != listing.event_ticker:
            reason = f"{series.ticker} already has the event {holder} for {day}."
            written.skipped.append(SkippedSubject(subject=listing.event_ticker, reason=reason))
            continue
        known = {} if event is None else {market.ticker: market for market in event.markets.all()}
        verdict = judge(listing, station=series.station, climate_day=day, stored=known)
        event = _write_event(event, series, day, listing, verdict, now)
        _collect_markets(rows, event, listing, verdict, known, now)
        taken[(series.pk, day)] = event.ticker
        written.pairs.append((event, listing))
        if verdict.reasons:
            written.quarantined += 1
            written.skipped.append(SkippedSubject(subject=event.ticker, reason=verdict.reason))
    written.markets = rows.count
    rows.save(now=now)
    return written


def apply_listing(market: Market, listing: ExchangeMarket) -> set[str]:
    """Copy what a listing may change onto a market; return the fields that it did change.

    Strikes are not among them.
    """
    values = _market_values(listing)
    changed = {name for name, value in values.items() if getattr(market, name) != value}
    for name in changed:
        setattr(market, name, values[name])
    return changed


def _market_values(listing: ExchangeMarket) -> dict[str, object]:
    volume = listing.volume_fp
    return {
        "subtitle": listing.yes_sub_title[:_SUBTITLE_CHARS],
        "open_time": listing.open_time,
        "close_time": listing.close_time,
        "status": listing.status,
        "result": listing.result if listing.result in Market.Result.values else "",
        "settlement_value_dollars": listing.settlement_value_dollars,
        "settled_at": listing.settlement_ts,
        "price_ranges": [part.as_json() for part in listing.price_ranges],
        "volume": None if volume is None else round_down(volume, COUNT_STEP),
    }


def _dated(
    listings: Iterable[tuple[Series, ExchangeEvent]],
) -> tuple[list[tuple[Series, dt.date, ExchangeEvent]], list[SkippedSubject]]:
    """Add the climate day of each event, oldest first, so that changes show in order."""
    dated: list[tuple[Series, dt.date, ExchangeEvent]] = []
    skipped: list[SkippedSubject] = []
    for series, listing in listings:
        try:
            _require_names(listing)
            unknown = {m.status for m in listing.markets} - set(Market.Status.values)
            if unknown:
                raise InvalidDataError(
                    f"It has markets in the unknown state '{', '.join(sorted(unknown))}'."
                )
            day = event_climate_day(listing.event_ticker, series_ticker=series.ticker)
        except InvalidDataError as error:
            skipped.append(SkippedSubject(subject=listing.event_ticker, reason=error.message))
            continue
        dated.append((series, day, listing))
    dated.sort(key=lambda item: (item[1], item[2].event_ticker))
    return dated, skipped


def _require_names(listing: ExchangeEvent) -> None:
    tickers = [market.ticker for market in listing.markets]
    if len(set(tickers)) != len(tickers):
        raise InvalidDataError("It lists a market twice.")
    if len(listing.event_ticker) > _EVENT_CHARS or any(len(t) > _MARKET_CHARS for t in tickers):
        raise InvalidDataError("It has tickers longer than any we know.")


def _stored_events(dated: list[tuple[Series, dt.date, ExchangeEvent]]) -> dict[str, Event]:
    """Return what we hold under the listed tickers or for the listed days, by ticker."""
    events = Event.objects.filter(
        Q(ticker__in=[listing.event_ticker for _, _, listing in dated])
        | Q(
            series__in={series.pk for series, _, _ in dated},
            climate_day__in={day for _, day, _ in dated},
        )
    )
    return {event.ticker: event for event in events.prefetch_related("markets")}


def _write_event(
    event: Event | None,
    series: Series,
    day: dt.date,
    listing: ExchangeEvent,
    verdict: Verdict,
    now: dt.datetime,
) -> Event:
    sources = [source.as_json() for source in listing.settlement_sources]
    terms = {
        "settlement_sources": sources or series.settlement_sources,
        "rules_hash": rules_hash(listing.markets),
    }
    is_new = event is None
    if event is None:
        event = Event(series=series, ticker=listing.event_ticker, climate_day=day)
        event.first_seen_at = now
    event.series = series
    _watch_terms(event, None if is_new else event, terms, now)
    values = {**terms, "title": listing.title[:_TITLE_CHARS]}
    if is_new or event.status in LISTABLE:
        values["quarantine_reason"] = verdict.reason
        values["status"] = Event.Status.QUARANTINED if verdict.reasons else Event.Status.OPEN
    if not is_new and event.status in LISTABLE:
        _tell_quarantine(event, verdict)
    elif is_new and verdict.reasons:
        log.warning("An event is quarantined", event=event.ticker, reason=verdict.reason)
    changed = [name for name, value in values.items() if getattr(event, name) != value]
    for name in changed:
        setattr(event, name, values[name])
    if is_new:
        event.save()
    elif changed:
        event.save(update_fields=changed)
    return event


def _watch_terms(
    event: Event, stored: Event | None, terms: dict[str, object], now: dt.datetime
) -> None:
    """Compare with what the event said before, or when it is new with the event before it."""
    reference = stored or (
        Event.objects.filter(series=event.series, climate_day__lt=event.climate_day)
        .exclude(rules_hash="")
        .order_by("-climate_day")
        .first()
    )
    if reference is None:
        return
    for name, what in (("settlement_sources", "settlement sources"), ("rules_hash", "rules text")):
        before, after = getattr(reference, name), terms[name]
        if before and before != after:
            stop_entries(
                event.series, what=what, subject=event.ticker, before=before, after=after, now=now
            )


def _tell_quarantine(event: Event, verdict: Verdict) -> None:
    if verdict.reasons and event.quarantine_reason != verdict.reason:
        log.warning("An event is quarantined", event=event.ticker, reason=verdict.reason)
    if not verdict.reasons and event.quarantine_reason:
        log.info(
            "An event's ladder is proven again", event=event.ticker, was=event.quarantine_reason
        )


def _collect_markets(
    rows: MarketRows,
    event: Event,
    listing: ExchangeEvent,
    verdict: Verdict,
    known: dict[str, Market],
    now: dt.datetime,
) -> None:
    for item in listing.markets:
        market = known.get(item.ticker)
        if market is not None:
            # A market whose listing makes no sense keeps its earlier row.
            rows.see(market, item if item.ticker in verdict.brackets else None)
        elif item.ticker in verdict.brackets:
            market = new_market(event, item, verdict.brackets[item.ticker], now=now)
            rows.new.append(market)


def new_market(
    event: Event, listing: ExchangeMarket, bracket: Bracket, *, now: dt.datetime
) -> Market:
    """Return the row of a market that is not stored yet; it is not saved."""
    market = Market(
        event=event,
        ticker=listing.ticker,
        strike_type=listing.strike_type,
        floor_strike=_degrees(listing.floor_strike),
        cap_strike=_degrees(listing.cap_strike),
        low_f=bracket.low_f,
        high_f=bracket.high_f,
        updated_at=now,
    )
    apply_listing(market, listing)
    return market


def _degrees(strike: Decimal | None) -> Decimal | None:
    return None if strike is None else Decimal(strike)
