"""Fetch the past event by event; each kind of data of an event is stored as a whole or not at all.

Everything happens in one thread: an interrupt then ends the call under way at once, and what is
stored is always whole.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from django.db import transaction
from django.db.models import Exists, OuterRef

from boz.core.errors import (
    BozBaseException,
    InvalidDataError,
    OperatorActionRequired,
    TransientError,
)
from boz.core.logging import get_logger
from boz.core.redaction import redact_text
from boz.core.schemas import Side
from markets.clients.kalshi.objects import ExchangeTrade
from markets.models import Candlestick, Event, Market, MarketHistoryChunk, MarketTrade, Series
from markets.services.candles import candle_row, store_candles
from markets.services.history.tiers import Tiers

log = get_logger("MARKET")

Kind = MarketHistoryChunk.Kind
#: What is fetched unless told otherwise: minutes take forty times the room of hours.
USUAL_KINDS = (Kind.TRADES, Kind.CANDLES_60)
CANDLE_MINUTES = {Kind.CANDLES_1: 1, Kind.CANDLES_60: 60, Kind.CANDLES_1440: 1440}
#: Identities of trades that came from a recorded file.
RECORDED = "rec:"
BATCH = 1000


@dataclass(frozen=True, slots=True)
class Chunk:
    """One kind of data of one event."""

    event: Event
    kind: Kind

    @property
    def name(self) -> str:
        """Return what it is, for people."""
        return f"{self.event.ticker} {self.kind}"


@dataclass(frozen=True, slots=True)
class Outcome:
    """How it went with a chunk.

    Args:
        rows: How many are new.
        refused: Entries that could not be used.
        reason: Why it was not fetched, in a sentence; empty when it was.
    """

    chunk: Chunk
    rows: int = 0
    refused: int = 0
    reason: str = ""


def make_plan(
    series: Sequence[Series], *, kinds: Sequence[Kind], since: dt.date, until: dt.date
) -> list[Chunk]:
    """Return what is to be fetched of settled events, the newest days first.

    What was fetched whole is left out, and events whose result may still change. Trades of an
    event that holds recorded ones are left out too: those carry no identity, so each would count
    twice.
    """
    unfinal = Market.objects.filter(event=OuterRef("pk")).exclude(status=Market.Status.FINALIZED)
    recorded = MarketTrade.objects.filter(
        market__event=OuterRef("pk"), trade_id__startswith=RECORDED
    )
    events = (
        Event.objects.filter(series__in=series, climate_day__range=(since, until))
        .filter(Exists(Market.objects.filter(event=OuterRef("pk"))), ~Exists(unfinal))
        .annotate(has_recorded_trades=Exists(recorded))
        .select_related("series")
        .order_by("-climate_day", "ticker")
    )
    done = set(MarketHistoryChunk.objects.values_list("event_id", "kind"))
    return [
        Chunk(event, kind)
        for event in events
        for kind in kinds
        if (event.pk, str(kind)) not in done
        and not (kind is Kind.TRADES and event.has_recorded_trades)
    ]


def backfill(chunks: Sequence[Chunk], *, tiers: Tiers, now: dt.datetime) -> Iterator[Outcome]:
    """Fetch and store one chunk after the other, telling of each.

    Nothing that goes wrong with one chunk ends the others, but an exchange that does not answer
    is not asked again.
    """
    stopped = ""
    for chunk in chunks:
        if stopped:
            yield Outcome(chunk, reason=stopped)
            continue
        try:
            outcome = _take(chunk, tiers, now=now)
        except (TransientError, OperatorActionRequired) as error:
            stopped = error.message
            outcome = Outcome(chunk, reason=error.message)
        except BozBaseException as error:
            outcome = Outcome(chunk, reason=error.message)
        except Exception as error:
            log.exception("Stopped unexpectedly", subject=chunk.name)
            sentence = f"Stopped by an unexpected {type(error).__name__}: {error}"
            outcome = Outcome(chunk, reason=redact_text(sentence)[:500])
        if outcome.reason:
            log.warning("Past not fetched", subject=chunk.name, reason=outcome.reason)
        yield outcome


def _take(chunk: Chunk, tiers: Tiers, *, now: dt.datetime) -> Outcome:
    trades: list[MarketTrade] = []
    candles: list[Candlestick] = []
    problems: list[str] = []
    for market in chunk.event.markets.select_related("event__series").order_by("ticker"):
        if chunk.kind is Kind.TRADES:
            trades += _trades(market, tiers, problems)
        else:
            candles += _candles(market, CANDLE_MINUTES[chunk.kind], tiers, problems)
    for problem in problems:
        log.warning("An entry of the past cannot be used", subject=chunk.name, reason=problem)
    with transaction.atomic():
        rows = _store_trades(trades) + store_candles(candles)
        MarketHistoryChunk.objects.update_or_create(
            event=chunk.event,
            kind=chunk.kind,
            defaults={"rows": rows, "problems": len(problems), "finished_at": now},
        )
    return Outcome(chunk, rows=rows, refused=len(problems))


def _trades(market: Market, tiers: Tiers, problems: list[str]) -> list[MarketTrade]:
    listing = tiers.trades(market)
    problems += [item.reason for item in listing.refused]
    rows = []
    for item in listing.items:
        try:
            rows.append(_trade(market, item))
        except InvalidDataError as error:
            problems.append(error.message)
    return rows


def _trade(market: Market, item: ExchangeTrade) -> MarketTrade:
    if item.ticker != market.ticker:
        raise InvalidDataError(f"A trade of {item.ticker} came for {market.ticker}.")
    if item.taker_outcome_side not in list(Side):
        raise InvalidDataError(f"The trade {item.trade_id} names no side of its taker.")
    if not 0 < item.yes_price_dollars < 1:
        raise InvalidDataError(
            f"The trade {item.trade_id} at {item.yes_price_dollars} is impossible."
        )
    return MarketTrade(
        market=market,
        trade_id=item.trade_id,
        at=item.created_time,
        yes_price_dollars=item.yes_price_dollars,
        count=item.count_fp,
        taker_side=item.taker_outcome_side,
        is_block=item.is_block_trade,
    )


def _store_trades(rows: Sequence[MarketTrade]) -> int:
    if not rows:
        return 0
    markets = {row.market_id for row in rows}
    known = set(MarketTrade.objects.filter(market__in=markets).values_list("trade_id", flat=True))
    new = [row for row in rows if row.trade_id not in known]
    MarketTrade.objects.bulk_create(new, ignore_conflicts=True, batch_size=BATCH)
    return len(new)


def _candles(market: Market, minutes: int, tiers: Tiers, problems: list[str]) -> list[Candlestick]:
    listing = tiers.candles(market, minutes=minutes)
    problems += [item.reason for item in listing.refused]
    rows = []
    for item in listing.items:
        if not market.open_time < item.end_period_ts:
            continue
        try:
            rows.append(candle_row(market, minutes, item))
        except InvalidDataError as error:
            problems.append(error.message)
    return rows
