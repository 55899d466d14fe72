"""Read the recordings, strictly: one impossible value refuses the file with a plain sentence.

A broken recording raises :class:`boz.core.errors.InvalidDataError` that names file and line.
"""

from __future__ import annotations

import csv
import datetime as dt
import gzip
import itertools
import math
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import NoReturn, TypeVar

import numpy as np
import numpy.typing as npt

from boz.core.clock import parse_utc
from boz.core.errors import InvalidDataError
from boz.core.schemas import PLAUSIBLE_HIGH_F, PLAUSIBLE_LOW_F

RECORDINGS = Path(__file__).parent

IntArray = npt.NDArray[np.int64]
BoolArray = npt.NDArray[np.bool_]
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class RecordedMarket:
    """One bracket; it pays when the settled high lies in ``low_f..high_f``, None is open."""

    event_ticker: str
    ticker: str
    city: str
    station: str
    day: dt.date
    low_f: int | None
    high_f: int | None
    subtitle: str
    opens_at: dt.datetime
    closes_at: dt.datetime
    won: bool
    settled_high_f: int
    volume: int

    @property
    def series_ticker(self) -> str:
        """Return the series, e.g. ``KXHIGHNY``."""
        return self.event_ticker.rpartition("-")[0]


@dataclass(frozen=True, slots=True, eq=False)
class TradeTape:
    """The trades of one market in time order.

    Args:
        times: Unix seconds.
        prices: YES price in cents, 0..100.
        counts: Contracts.
        yes_taker: True where the taker bought YES.
    """

    times: IntArray
    prices: IntArray
    counts: IntArray
    yes_taker: BoolArray

    def until(self, moment: int) -> TradeTape:
        """Return the trades at or before a Unix second."""
        end = int(np.searchsorted(self.times, moment, side="right"))
        return TradeTape(
            self.times[:end], self.prices[:end], self.counts[:end], self.yes_taker[:end]
        )


@dataclass(frozen=True, slots=True)
class IssuedForecast:
    """A maximum in whole °F for one climate day, as issued."""

    city: str
    day: dt.date
    issued_at: dt.datetime
    high_f: int


@dataclass(frozen=True, slots=True)
class RecordedObservation:
    """One METAR (FM-15), SPECI (FM-16) or five-minute row (HF); °C, None is missing.

    The last three groups are in no recording.
    """

    station: str
    observed_at: dt.datetime
    kind: str
    temp_c: float
    tgroup_c: float | None
    max6h_c: float | None
    dew_c: float | None
    wind_dir: int | None
    wind_ms: float | None
    slp_hpa: float | None
    min6h_c: float | None = None
    max24h_c: float | None = None
    min24h_c: float | None = None


@dataclass(frozen=True, slots=True)
class OfficialHigh:
    """The official high of one climate day in whole °F."""

    city: str
    station: str
    day: dt.date
    high_f: int


@dataclass(frozen=True, slots=True)
class RecordedReport:
    """One issuance of a climate report whose time and value are known.

    ``valid_as_of`` is the local time of a partial report (``0400 PM``), empty for a final one.
    """

    product_id: str
    station: str
    day: dt.date
    issued_at: dt.datetime
    valid_as_of: str
    max_f: int
    max_time_lst: str


@dataclass(frozen=True, slots=True, eq=False)
class Recordings:
    """Everything that was recorded."""

    markets: tuple[RecordedMarket, ...]
    tapes: dict[str, TradeTape]
    forecasts: tuple[IssuedForecast, ...]
    observations: tuple[RecordedObservation, ...]
    highs: tuple[OfficialHigh, ...]
    reports: tuple[RecordedReport, ...]


def load_recordings(directory: Path = RECORDINGS) -> Recordings:
    """Read and check all files of a directory.

    Raises:
        InvalidDataError: If a file is missing, unreadable, or holds an impossible value.
    """
    markets = _load_markets(directory / "markets.csv.gz")
    return Recordings(
        markets=markets,
        tapes=_load_trades(directory / "trades.csv.gz", markets),
        forecasts=_load_forecasts(directory / "forecasts_ny.csv.gz"),
        observations=_load_observations(directory / "metar_mia.csv.gz"),
        highs=_load_highs(directory / "highs.csv.gz"),
        reports=_load_reports(directory / "climate_reports.csv"),
    )


@dataclass(slots=True)
class _Line:
    """One row under reading; every failed conversion names its file, line and column."""

    path: Path
    number: int
    cells: dict[str, str] = field(default_factory=dict)

    def fail(self, reason: str) -> NoReturn:
        raise broken(self.path, self.number, reason)

    def text(self, name: str) -> str:
        value = self.cells[name]
        return value if value else self.fail(f"{name} is missing")

    def _convert(self, name: str, convert: Callable[[str], T], kind: str) -> T:
        value = self.text(name)
        try:
            return convert(value)
        except ValueError:
            self.fail(f"{name} must be {kind}, was {value!r}")

    def whole(self, name: str) -> int:
        return self._convert(name, int, "a whole number")

    def maybe_whole(self, name: str) -> int | None:
        return self.whole(name) if self.cells[name] else None

    def number_or_none(self, name: str) -> float | None:
        if not self.cells[name]:
            return None
        value = self._convert(name, float, "a number")
        return value if math.isfinite(value) else self.fail(f"{name} is not a finite number")

    def moment(self, name: str) -> dt.datetime:
        return self._convert(name, parse_utc, "a UTC time")

    def day(self, name: str) -> dt.date:
        return self._convert(name, dt.date.fromisoformat, "a date")

    def fahrenheit(self, name: str) -> int:
        value = self._convert(name, float, "a temperature")
        if not PLAUSIBLE_LOW_F <= value <= PLAUSIBLE_HIGH_F:  # also refuses NaN
            self.fail(f"{name} of {self.cells[name]} °F is no weather")
        return int(value) if value.is_integer() else self.fail(f"{name} must be whole degrees")

    def celsius_or_none(self, name: str) -> float | None:
        value = self.number_or_none(name)
        if value is not None and not PLAUSIBLE_LOW_F <= value * 1.8 + 32 <= PLAUSIBLE_HIGH_F:
            self.fail(f"{name} of {value} °C is no weather")
        return value


def broken(path: Path, line: int | None, reason: str) -> InvalidDataError:
    """Return the error that tells an operator which recording is broken, where and why."""
    place = path.name if line is None else f"{path.name} line {line}"
    return InvalidDataError(
        f"The recording {place} is broken: {reason}.", {"file": str(path), "line": line}
    )


def _read_text(path: Path) -> str:
    try:
        content = path.read_bytes()
        return (gzip.decompress(content) if path.suffix == ".gz" else content).decode("utf-8")
    except FileNotFoundError:
        raise broken(path, None, "the file is missing") from None
    except (OSError, EOFError, zlib.error, UnicodeDecodeError) as error:
        raise broken(path, None, f"it cannot be unpacked ({error})") from error


def _lines(path: Path, columns: str) -> Iterator[_Line]:
    names = columns.split(",")
    reader = csv.reader(_read_text(path).splitlines())
    if next(reader, None) != names:
        raise broken(path, 1, f"the header must be {columns}")
    for number, cells in enumerate(reader, start=2):
        if len(cells) != len(names):
            raise broken(path, number, f"expected {len(names)} columns, found {len(cells)}")
        yield _Line(path, number, dict(zip(names, cells, strict=True)))


def _load_markets(path: Path) -> tuple[RecordedMarket, ...]:
    columns = (
        "event_ticker,ticker,city,station,date,lo_f,hi_f,subtitle,open_time,close_time,"
        "result,settle_high_f,volume"
    )
    markets: list[RecordedMarket] = []
    lines: dict[str, _Line] = {}
    for line in _lines(path, columns):
        market = _market(line)
        if market.ticker in lines:
            line.fail(f"{market.ticker} appears twice")
        lines[market.ticker] = line
        markets.append(market)
    for _, rungs in itertools.groupby(markets, key=lambda market: market.event_ticker):
        _check_ladder(list(rungs), lines)
    return tuple(markets)


def _market(line: _Line) -> RecordedMarket:
    result = line.text("result")
    if result not in ("yes", "no"):
        line.fail(f"result must be yes or no, was {result!r}")
    market = RecordedMarket(
        event_ticker=line.text("event_ticker"),
        ticker=line.text("ticker"),
        city=line.text("city"),
        station=line.text("station"),
        day=line.day("date"),
        low_f=line.maybe_whole("lo_f"),
        high_f=line.maybe_whole("hi_f"),
        subtitle=line.text("subtitle"),
        opens_at=line.moment("open_time"),
        closes_at=line.moment("close_time"),
        won=result == "yes",
        settled_high_f=line.fahrenheit("settle_high_f"),
        volume=line.whole("volume"),
    )
    if market.opens_at >= market.closes_at:
        line.fail(f"{market.ticker} closes before it opens")
    inside = (market.low_f is None or market.settled_high_f >= market.low_f) and (
        market.high_f is None or market.settled_high_f <= market.high_f
    )
    if inside != market.won:
        line.fail(f"{market.ticker} contradicts its settled high of {market.settled_high_f} °F")
    return market


def _check_ladder(rungs: list[RecordedMarket], lines: dict[str, _Line]) -> None:
    """Refuse a ladder that does not cover every whole degree exactly once, cold to warm."""
    first, last = lines[rungs[0].ticker], lines[rungs[-1].ticker]
    if rungs[0].low_f is not None:
        first.fail(f"the ladder {rungs[0].event_ticker} has no open lower end")
    if rungs[-1].high_f is not None:
        last.fail(f"the ladder {rungs[0].event_ticker} has no open upper end")
    for colder, warmer in itertools.pairwise(rungs):
        if colder.high_f is None or warmer.low_f != colder.high_f + 1:
            lines[warmer.ticker].fail(
                f"the ladder {colder.event_ticker} has a gap or an overlap before {warmer.ticker}"
            )
    if len({rung.settled_high_f for rung in rungs}) != 1:
        first.fail(f"the ladder {rungs[0].event_ticker} has several settled highs")


def _load_trades(path: Path, markets: tuple[RecordedMarket, ...]) -> dict[str, TradeTape]:
    rows = _read_text(path).splitlines()
    if not rows or rows[0] != "market,utc,yes_price_c,contracts,taker_side":
        raise broken(path, 1, "the header must be market,utc,yes_price_c,contracts,taker_side")
    if len(rows) == 1:
        raise broken(path, 1, "there are no trades")
    # Columns at once: 134,000 rows must not cost a second of start-up. When anything is wrong,
    # the rows are read again one by one to name the line.
    try:
        market, utc, price, count, side = zip(*(row.split(",") for row in rows[1:]), strict=True)
        if any(len(text) != 20 or text[-1] != "Z" for text in utc):
            raise ValueError("a time is not written as 2024-11-13T15:07:57Z")
        number = np.array(market).astype(np.int64)
        times = np.array([text[:-1] for text in utc], "datetime64[s]").astype(np.int64)
        prices = np.array(price).astype(np.int64)
        counts = np.array(count).astype(np.int64)
        sides = np.array(side)
    except ValueError:
        raise _bad_trade(path, rows, markets) from None
    yes = sides == "yes"
    sound = (number >= 0) & (number < len(markets)) & (prices >= 0) & (prices <= 100)
    sound &= (counts > 0) & (yes | (sides == "no")) & ~np.isnat(times.astype("datetime64[s]"))
    if not sound.all():
        raise _bad_trade(path, rows, markets)
    opens = np.array([int(item.opens_at.timestamp()) for item in markets])
    closes = np.array([int(item.closes_at.timestamp()) for item in markets])
    if ((times < opens[number]) | (times >= closes[number])).any():
        raise _bad_trade(path, rows, markets)
    order = np.lexsort((times, number))
    number, times = number[order], times[order]
    prices, counts, yes = prices[order], counts[order], yes[order]
    edges = np.searchsorted(number, np.arange(len(markets) + 1))
    return {
        item.ticker: TradeTape(
            times[start:end], prices[start:end], counts[start:end], yes[start:end]
        )
        for item, start, end in zip(markets, edges[:-1], edges[1:], strict=True)
    }


def _bad_trade(
    path: Path, rows: list[str], markets: tuple[RecordedMarket, ...]
) -> InvalidDataError:
    names = rows[0].split(",")
    for position, row in enumerate(rows[1:], start=2):
        cells = row.split(",")
        if len(cells) != len(names):
            return broken(path, position, f"expected {len(names)} columns, found {len(cells)}")
        line = _Line(path, position, dict(zip(names, cells, strict=True)))
        try:
            _check_trade(line, markets)
        except InvalidDataError as error:
            return error
    return broken(path, None, "its rows cannot be read as trades")


def _check_trade(line: _Line, markets: tuple[RecordedMarket, ...]) -> None:
    number = line.whole("market")
    if not 0 <= number < len(markets):
        line.fail(f"market {number} is not in markets.csv.gz")
    price, moment = line.whole("yes_price_c"), line.moment("utc")
    if not 0 <= price <= 100:
        line.fail(f"yes_price_c must lie in 0..100, was {price}")
    if line.whole("contracts") <= 0:
        line.fail("contracts must be positive")
    if line.text("taker_side") not in ("yes", "no"):
        line.fail(f"taker_side must be yes or no, was {line.cells['taker_side']!r}")
    market = markets[number]
    if not market.opens_at <= moment < market.closes_at:
        line.fail(f"a trade at {line.cells['utc']} lies outside the hours of {market.ticker}")


def _load_forecasts(path: Path) -> tuple[IssuedForecast, ...]:
    forecasts = [
        IssuedForecast(
            city=line.text("city"),
            day=line.day("date"),
            issued_at=line.moment("issue_utc"),
            high_f=line.fahrenheit("high_f"),
        )
        for line in _lines(path, "city,date,issue_utc,high_f")
    ]
    return tuple(sorted(forecasts, key=lambda item: item.issued_at))


def _load_observations(path: Path) -> tuple[RecordedObservation, ...]:
    columns = "station,utc,type,temp_c,tgroup_c,max6h_c,dew_c,wind_dir,wind_ms,ceil_m,slp_hpa"
    observations = [_observation(line) for line in _lines(path, columns)]
    return tuple(sorted(observations, key=lambda item: item.observed_at))


def _observation(line: _Line) -> RecordedObservation:
    kind = line.text("type")
    if kind not in ("FM-15", "FM-16"):
        line.fail(f"type must be FM-15 or FM-16, was {kind!r}")
    temp_c = line.celsius_or_none("temp_c")
    if temp_c is None:
        line.fail("temp_c is missing")
    wind_dir = line.number_or_none("wind_dir")
    return RecordedObservation(
        station=line.text("station"),
        observed_at=line.moment("utc"),
        kind=kind,
        temp_c=temp_c,
        tgroup_c=line.celsius_or_none("tgroup_c"),
        max6h_c=line.celsius_or_none("max6h_c"),
        dew_c=line.celsius_or_none("dew_c"),
        wind_dir=None if wind_dir is None else int(wind_dir),
        wind_ms=line.number_or_none("wind_ms"),
        slp_hpa=line.number_or_none("slp_hpa"),
    )


def _load_highs(path: Path) -> tuple[OfficialHigh, ...]:
    highs: dict[tuple[str, dt.date], OfficialHigh] = {}
    for line in _lines(path, "city,station,date,high_f"):
        high = OfficialHigh(
            city=line.text("city"),
            station=line.text("station"),
            day=line.day("date"),
            high_f=line.fahrenheit("high_f"),
        )
        if (high.station, high.day) in highs:
            line.fail(f"{high.station} {high.day} appears twice")
        highs[high.station, high.day] = high
    return tuple(sorted(highs.values(), key=lambda item: (item.day, item.station)))


def _load_reports(path: Path) -> tuple[RecordedReport, ...]:
    reports = [
        RecordedReport(
            product_id=line.text("product_id"),
            station=line.text("station"),
            day=line.day("date"),
            issued_at=line.moment("issued_utc"),
            valid_as_of=line.cells["valid_as_of"],
            max_f=line.fahrenheit("max_f"),
            max_time_lst=line.cells["max_time_lst"],
        )
        for line in _lines(
            path, "product_id,station,date,issued_utc,valid_as_of,max_f,max_time_lst"
        )
    ]
    return tuple(sorted(reports, key=lambda item: item.issued_at))
