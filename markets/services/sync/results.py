"""Results: what markets of ours past their close have paid, as the exchange says.

Until a market is finalized its result may be disputed and amended, so it is read again till then.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Sequence
from decimal import Decimal, InvalidOperation

from django.db.models import Exists, OuterRef

from boz.core.errors import DataUnavailable
from boz.core.logging import get_logger
from boz.core.schemas import PLAUSIBLE_HIGH_F, PLAUSIBLE_LOW_F, SkippedSubject
from markets.clients.kalshi import KalshiMarketData, Listing
from markets.clients.kalshi.objects import ExchangeMarket
from markets.models import Event, Market
from markets.services.sync.events import LISTABLE, MarketRows

log = get_logger("MARKET")

TICKERS_PER_CALL = 100
#: Far longer than any settlement timer; a market that is not finalized by then stays as it is.
RECHECKED_FOR = dt.timedelta(days=14)
DECIDED = frozenset({Market.Status.DETERMINED, Market.Status.AMENDED, Market.Status.FINALIZED})


def pending_events(*, listed: Iterable[str]) -> list[Event]:
    """Return our events without results that the present listing of open events leaves out."""
    events = (
        Event.objects.filter(status__in=LISTABLE)
        .exclude(ticker__in=list(listed))
        .select_related("series__station")
        .prefetch_related("markets")
        .order_by("climate_day", "ticker")
    )
    return [event for event in events if event.markets.all()]


def unfinal_events(*, now: dt.datetime) -> list[Event]:
    """Return events whose results are known and which the exchange may still amend."""
    unfinal = Market.objects.filter(
        event=OuterRef("pk"),
        status__in=(Market.Status.DETERMINED, Market.Status.DISPUTED, Market.Status.AMENDED),
    )
    events = (
        Event.objects.filter(
            Exists(unfinal),
            status__in=(Event.Status.DETERMINED, Event.Status.SETTLED),
            determined_at__gte=now - RECHECKED_FOR,
        )
        .select_related("series__station")
        .prefetch_related("markets")
        .order_by("climate_day", "ticker")
    )
    return list(events)


def fetch_results(client: KalshiMarketData, events: Sequence[Event]) -> Listing[ExchangeMarket]:
    """Return the exchange's present word on all markets of these events.

    Markets that have left the live tier are looked for in the historical one.
    """
    tickers = [market.ticker for event in events for market in event.markets.all()]
    items: list[ExchangeMarket] = []
    refused: list[SkippedSubject] = []
    for start in range(0, len(tickers), TICKERS_PER_CALL):
        chunk = tickers[start : start + TICKERS_PER_CALL]
        live = client.markets(tickers=chunk)
        items.extend(live.items)
        refused.extend(live.refused)
        told = {item.ticker for item in live.items} | {item.subject for item in live.refused}
        missing = [ticker for ticker in chunk if ticker not in told]
        if missing:
            past = _historical(client, missing)
            items.extend(past.items)
            refused.extend(past.refused)
    return Listing(tuple(items), tuple(refused))


def _historical(client: KalshiMarketData, tickers: list[str]) -> Listing[ExchangeMarket]:
    try:
        return client.historical_markets(tickers=tickers)
    except DataUnavailable as error:
        return Listing(
            (), tuple(SkippedSubject(subject=ticker, reason=error.message) for ticker in tickers)
        )


def write_results(
    events: Sequence[Event], listing: Listing[ExchangeMarket], *, now: dt.datetime
) -> tuple[int, list[SkippedSubject]]:
    """Store results; return how many events are now determined, and what is wrong."""
    listed = {item.ticker: item for item in listing.items}
    skipped = list(listing.refused)
    rows = MarketRows()
    determined = 0
    for event in events:
        markets = list(event.markets.all())
        for market in markets:
            item = listed.get(market.ticker)
            if item is not None:
                rows.see(market, _usable(market, item))
        items = [listed[market.ticker] for market in markets if market.ticker in listed]
        if event.status in LISTABLE:
            determined += _advance(event, markets, items, skipped, now)
        else:
            _amend(event, markets, items, skipped)
    rows.save(now=now)
    return determined, skipped


def _usable(market: Market, item: ExchangeMarket) -> ExchangeMarket | None:
    """Return what may be written of a listing: a known result is only replaced by another one."""
    if item.status not in Market.Status.values:
        return None
    if market.result == Market.Result.UNKNOWN or item.result:
        return item
    return item.model_copy(
        update={
            "result": market.result,
            "settlement_value_dollars": market.settlement_value_dollars,
            "settlement_ts": market.settled_at,
        }
    )


def _amend(
    event: Event,
    markets: Sequence[Market],
    items: Sequence[ExchangeMarket],
    skipped: list[SkippedSubject],
) -> None:
    """Take over an amended value; the markets' results are written with their rows."""
    stored = dict(Market.objects.filter(event=event).values_list("ticker", "result"))
    changed = [market.ticker for market in markets if stored.get(market.ticker) != market.result]
    if not changed:
        return
    log.warning("The exchange has amended results", event=event.ticker, markets=changed)
    value = expiration_value(event, items, skipped)
    if value is not None and value != event.expiration_value_f:
        event.expiration_value_f = value
        event.save(update_fields=["expiration_value_f"])


def _advance(
    event: Event,
    markets: Sequence[Market],
    items: Sequence[ExchangeMarket],
    skipped: list[SkippedSubject],
    now: dt.datetime,
) -> bool:
    """Move the event on; say whether its results are now known."""
    odd = sorted({item.result for item in items} - set(Market.Result.values))
    if odd:
        reason = f"The exchange settled it as '{', '.join(odd)}'; an operator must look at it."
        skipped.append(SkippedSubject(subject=event.ticker, reason=reason))
    is_decided = all(
        market.status in DECIDED and market.result != Market.Result.UNKNOWN for market in markets
    )
    if not is_decided:
        is_past = all(market.close_time <= now for market in markets)
        if is_past and event.status == Event.Status.OPEN:
            event.status = Event.Status.CLOSED
            event.save(update_fields=["status"])
        return False
    wins = sum(market.result == Market.Result.YES for market in markets)
    if wins != 1:
        reason = f"{wins} of its {len(markets)} markets paid YES, where one is expected."
        log.warning("Results contradict the ladder", event=event.ticker, reason=reason)
        skipped.append(SkippedSubject(subject=event.ticker, reason=reason))
    event.expiration_value_f = expiration_value(event, items, skipped)
    event.determined_at = _determined_at(items, now)
    event.status = Event.Status.DETERMINED
    event.save(update_fields=["expiration_value_f", "determined_at", "status"])
    log.info("Results are known", event=event.ticker, expiration_value_f=event.expiration_value_f)
    return True


def _determined_at(items: Sequence[ExchangeMarket], now: dt.datetime) -> dt.datetime:
    times = [item.settlement_ts for item in items if item.settlement_ts is not None]
    return min(max(times), now) if times else now


def expiration_value(
    event: Event, items: Sequence[ExchangeMarket], skipped: list[SkippedSubject]
) -> Decimal | None:
    """Return the value on which the markets settled; None, with a reason, when it is unclear."""
    told = {item.expiration_value for item in items if item.expiration_value}
    values: set[Decimal] = set()
    for text in told:
        try:
            value = Decimal(text)
        except InvalidOperation:
            value = Decimal("NaN")
        if value.is_finite() and PLAUSIBLE_LOW_F <= value <= PLAUSIBLE_HIGH_F:
            values.add(value)
    if len(values) == 1 and len(values) == len(told):
        return values.pop()
    reason = f"The exchange names no single settlement value: {sorted(told) or 'none'}."
    skipped.append(SkippedSubject(subject=event.ticker, reason=reason))
    return None
