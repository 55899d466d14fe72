"""The events and markets of a recorded file: collected, checked, then written in bulk."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal

from boz.core.errors import InvalidDataError, QuarantinedError
from boz.core.schemas import PLAUSIBLE_HIGH_F, PLAUSIBLE_LOW_F, Bracket, StrikeType
from markets.domain.brackets import bracket_from_strikes, prove_ladder
from markets.models import Event, Market, Series
from markets.series_registry import SERIES_BY_STATION
from markets.services.imports.shapes import (
    RowError,
    day_of,
    degrees_of,
    moment_of,
    number_of,
)
from markets.services.imports.shapes import field as needed
from markets.services.sync.events import LISTABLE
from markets.tickers import event_climate_day
from weather.models import Station

#: Customary times, for files that do not tell: trading opens 14 hours before the climate day and
#: closes a minute before its end. The exchange publishes results in the morning after it; the
#: recorded files never tell when (UNVERIFIED for each single day).
OPENS_BEFORE = dt.timedelta(hours=14)
CLOSES_BEFORE_END = dt.timedelta(minutes=1)
RESULTS_AFTER_END = dt.timedelta(hours=7)
#: In the summer of 2024 every city's market closed at 23:59 Eastern daylight time.
CLOSE_TOLERANCE = dt.timedelta(hours=5)
CENT_GRID = [{"start": "0.0000", "end": "1.0000", "step": "0.0100"}]


@dataclass(frozen=True, slots=True)
class RecordedMarket:
    """A market as a file tells it."""

    event_ticker: str
    ticker: str
    station: Station
    day: dt.date
    bracket: Bracket
    open_time: dt.datetime
    close_time: dt.datetime
    won: bool | None
    settle_high_f: Decimal | None
    volume: Decimal | None
    label: str


@dataclass(slots=True)
class Collector:
    """Collects the markets of one file; the same market may come on many rows."""

    stations: Mapping[str, Station]
    markets: dict[str, RecordedMarket] = field(default_factory=dict)
    _seen: dict[tuple[str, ...], RecordedMarket] = field(default_factory=dict)

    @classmethod
    def from_database(cls) -> Collector:
        """Use the stations that have a series."""
        stations = Station.objects.filter(code__in=SERIES_BY_STATION)
        return cls({station.code: station for station in stations})

    def take(self, row: Mapping[str, str]) -> RecordedMarket:
        """Return the market of a row.

        Raises:
            RowError: If the row cannot be true or contradicts an earlier one.
        """
        names = ("ticker", "city", "date", "lo_f", "hi_f", "won", "settle_high_f")
        key = tuple(row.get(name) or "" for name in names)
        known = self._seen.get(key)
        if known is None:
            known = self._read(row)
            earlier = self.markets.setdefault(known.ticker, known)
            if (earlier.bracket, earlier.won, earlier.settle_high_f) != (
                known.bracket,
                known.won,
                known.settle_high_f,
            ):
                raise RowError("The row contradicts an earlier one of the same market.")
            self._seen[key] = known = earlier
        return known

    def _read(self, row: Mapping[str, str]) -> RecordedMarket:
        station = self._station(row)
        ticker = needed(row, "ticker")
        event_ticker = row.get("event_ticker") or ticker.rpartition("-")[0]
        day = day_of(needed(row, "date"))
        start, end = station.climate_day_bounds(day)
        opens, closes = row.get("open_time"), row.get("close_time")
        open_time = moment_of(opens) if opens else start - OPENS_BEFORE
        close_time = moment_of(closes) if closes else end - CLOSES_BEFORE_END
        _require_times(ticker, event_ticker, station, day, open_time, close_time)
        volume = row.get("volume")
        return RecordedMarket(
            event_ticker=event_ticker,
            ticker=ticker,
            station=station,
            day=day,
            bracket=_bracket(row),
            open_time=open_time,
            close_time=close_time,
            won=_won(row.get("won") or ""),
            settle_high_f=_high(row.get("settle_high_f") or ""),
            volume=number_of(volume) if volume else None,
            label=(row.get("subtitle") or "")[:80],
        )

    def _station(self, row: Mapping[str, str]) -> Station:
        city = needed(row, "city")
        station = self.stations.get(city)
        if station is None:
            raise RowError(f"No market settles in the city '{city}'.")
        icao = row.get("station")
        if icao and icao != station.icao:
            raise RowError(f"{icao} is not the station on which {city} settles.")
        return station


def write_ladders(recorded: Iterable[RecordedMarket]) -> tuple[dict[str, int], Counter[str]]:
    """Store markets with their events; return the key of each by ticker, and what was refused."""
    groups: dict[str, list[RecordedMarket]] = {}
    for item in recorded:
        groups.setdefault(item.event_ticker, []).append(item)
    series = _series_rows({items[0].station.code: items[0].station for items in groups.values()})
    events, refused = _event_rows(groups, series)
    known = Market.objects.filter(event__series__in=series.values())
    stored = {market.ticker: market for market in known}
    new: list[Market] = []
    decided: list[Market] = []
    keys: dict[str, int] = {}
    for ticker, event in events.items():
        for item in groups[ticker]:
            market = stored.get(item.ticker)
            if market is None:
                new.append(_new_market(event, item))
            elif market.bracket != item.bracket:
                refused["The stored market has other strikes."] += 1
            else:
                keys[item.ticker] = market.pk
                if market.result == "" and item.won is not None:
                    _set_result(market, item)
                    decided.append(market)
    keys.update({market.ticker: market.pk for market in Market.objects.bulk_create(new)})
    Market.objects.bulk_update(
        decided, ["status", "result", "settlement_value_dollars"], batch_size=200
    )
    _finish_events(events, groups, [*stored.values(), *new])
    return keys, refused


def _series_rows(stations: Mapping[str, Station]) -> dict[str, Series]:
    wanted = [
        Series(ticker=SERIES_BY_STATION[code], station=station)
        for code, station in stations.items()
    ]
    Series.objects.bulk_create(wanted, ignore_conflicts=True)
    rows = Series.objects.filter(ticker__in=[series.ticker for series in wanted])
    by_ticker = {row.ticker: row for row in rows}
    return {code: by_ticker[SERIES_BY_STATION[code]] for code in stations}


def _event_rows(
    groups: Mapping[str, list[RecordedMarket]], series: Mapping[str, Series]
) -> tuple[dict[str, Event], Counter[str]]:
    rows = Event.objects.filter(series__in=series.values())
    stored = {event.ticker: event for event in rows}
    taken = {(event.series_id, event.climate_day): event.ticker for event in stored.values()}
    events: dict[str, Event] = {}
    new: list[Event] = []
    refused: Counter[str] = Counter()
    for ticker, items in groups.items():
        first, owner = items[0], series[items[0].station.code]
        if taken.setdefault((owner.pk, first.day), ticker) != ticker:
            refused["Another event of the series has this day."] += len(items)
            continue
        event = stored.get(ticker)
        if event is None:
            event = Event(
                series=owner,
                ticker=ticker,
                climate_day=first.day,
                first_seen_at=min(item.open_time for item in items),
                status=Event.Status.CLOSED,
            )
            new.append(event)
        events[ticker] = event
    Event.objects.bulk_create(new)
    return events, refused


def _new_market(event: Event, item: RecordedMarket) -> Market:
    bracket = item.bracket
    kind, floor, cap = _strikes(bracket)
    market = Market(
        event=event,
        ticker=item.ticker,
        subtitle=item.label,
        strike_type=kind.value,
        floor_strike=floor,
        cap_strike=cap,
        low_f=bracket.low_f,
        high_f=bracket.high_f,
        open_time=item.open_time,
        close_time=item.close_time,
        status=Market.Status.CLOSED,
        price_ranges=CENT_GRID,
        volume=item.volume,
        updated_at=item.close_time,
    )
    if item.won is not None:
        _set_result(market, item)
    return market


def _set_result(market: Market, item: RecordedMarket) -> None:
    market.result = Market.Result.YES if item.won else Market.Result.NO
    market.settlement_value_dollars = Decimal(1 if item.won else 0)
    market.status = Market.Status.FINALIZED


def _strikes(bracket: Bracket) -> tuple[StrikeType, Decimal | None, Decimal | None]:
    """Return the strikes that the exchange would list for these whole degrees."""
    low, high = bracket.low_f, bracket.high_f
    if low is None:
        return StrikeType.LESS, None, None if high is None else Decimal(high + 1)
    if high is None:
        return StrikeType.GREATER, Decimal(low - 1), None
    return StrikeType.BETWEEN, Decimal(low), Decimal(high)


def _finish_events(
    events: Mapping[str, Event],
    groups: Mapping[str, list[RecordedMarket]],
    markets: Iterable[Market],
) -> None:
    """Prove each ladder; give events their value and status where results are known."""
    ladders: dict[int, list[Market]] = {}
    for market in markets:
        ladders.setdefault(market.event_id, []).append(market)
    changed = []
    for ticker, event in events.items():
        if event.status not in LISTABLE:
            continue
        before = (event.status, event.expiration_value_f, event.quarantine_reason)
        rungs = ladders.get(event.pk, [])
        event.quarantine_reason = _fault(rungs)
        highs = {item.settle_high_f for item in groups[ticker]} - {None}
        if len(highs) == 1:
            event.expiration_value_f = highs.pop()
        elif len(highs) > 1:
            event.quarantine_reason += " The file names several settlement values."
        if rungs and all(market.result for market in rungs):
            event.status = Event.Status.DETERMINED
            end = groups[ticker][0].station.climate_day_bounds(event.climate_day)[1]
            event.determined_at = end + RESULTS_AFTER_END
        elif event.quarantine_reason:
            event.status = Event.Status.QUARANTINED
        if before != (event.status, event.expiration_value_f, event.quarantine_reason):
            changed.append(event)
    names = ["status", "expiration_value_f", "determined_at", "quarantine_reason"]
    Event.objects.bulk_update(changed, names, batch_size=200)


def _fault(rungs: list[Market]) -> str:
    try:
        prove_ladder([market.bracket for market in rungs])
    except QuarantinedError as error:
        return error.message
    return ""


def _bracket(row: Mapping[str, str]) -> Bracket:
    low, high = degrees_of(row.get("lo_f") or ""), degrees_of(row.get("hi_f") or "")
    if low is None and high is None:
        raise RowError("The bracket has no edge.")
    if low is not None and high is not None and low > high:
        raise RowError("The bracket's edges are reversed.")
    bracket = Bracket(low_f=low, high_f=high)
    kind, floor, cap = _strikes(bracket)
    try:
        return bracket_from_strikes(strike_type=kind, floor_strike=floor, cap_strike=cap)
    except InvalidDataError as error:
        raise RowError(error.message) from None


def _won(text: str) -> bool | None:
    if text not in ("", "0", "1", "0.0", "1.0"):
        raise RowError("The column 'won' is neither 0 nor 1.")
    return None if not text else text.startswith("1")


def _high(text: str) -> Decimal | None:
    if not text:
        return None
    value = number_of(text)
    if not PLAUSIBLE_LOW_F <= value <= PLAUSIBLE_HIGH_F:
        raise RowError("The settled high is no possible temperature.")
    return value


def _require_times(
    ticker: str,
    event_ticker: str,
    station: Station,
    day: dt.date,
    open_time: dt.datetime,
    close_time: dt.datetime,
) -> None:
    try:
        told = event_climate_day(event_ticker, series_ticker=SERIES_BY_STATION[station.code])
    except InvalidDataError as error:
        raise RowError(error.message) from None
    if not ticker.startswith(f"{event_ticker}-"):
        raise RowError("The market does not belong to its event.")
    if told != day:
        raise RowError("The date is not the one in the ticker.")
    if close_time <= open_time:
        raise RowError("The market closes before it opens.")
    if abs(close_time - station.climate_day_bounds(day)[1]) > CLOSE_TOLERANCE:
        raise RowError("The market does not close at the end of its climate day.")
