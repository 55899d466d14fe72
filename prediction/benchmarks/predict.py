"""How long it takes to predict every open day of all stations, the database included."""

from __future__ import annotations

import datetime as dt
import math
import random
from collections.abc import Sequence
from decimal import Decimal

from boz.core.benchmarks import Measurement, register_benchmark, timed
from boz.core.schemas import StrikeType
from markets.models import BookSnapshot, Event, Market, Series
from prediction.domain.horizons import REFERENCE_LEAD_HOURS, Horizon
from prediction.engines import ENGINES
from prediction.engines.base import canonical_hash
from prediction.engines.past import Past, PastCase, PastForecast
from prediction.models import EngineFit, Prediction
from prediction.services.predict import predict_all
from weather.models import ClimateReport, Forecast, ForecastSource, Observation, Station
from weather.sources import AVIATIONWEATHER, NWS_CLI

STATIONS = 24
DAYS_AHEAD = 2
PAST_DAYS = 365
ISSUANCES = 8
MEMBERS = 31
SOURCES = (
    "nws-grid", "nws-hourly", "nbm-nbp", "nbm-nbs", "hrrr", "gfs",
    "ecmwf-ifs", "icon", "gem", "ukmo", "gefs", "ecmwf-ens",
)  # fmt: skip
ENSEMBLES = frozenset({"gefs", "ecmwf-ens"})

_SEED = 20_261_121
_NOW = dt.datetime(2026, 11, 20, 18, 40, tzinfo=dt.UTC)
_TODAY = _NOW.date()
_HOUR = dt.timedelta(hours=1)
_ONE_DAY = dt.timedelta(days=1)
_FIRST_DAY = _TODAY - PAST_DAYS * _ONE_DAY
#: Lowest and highest whole °F of each rung.
_RUNGS = ((None, 51), (52, 53), (54, 55), (56, 57), (58, 59), (60, None))
#: Best YES and NO bids of each rung, dollars.
_BIDS = (("0.05", "0.91"), ("0.17", "0.79"), ("0.31", "0.65"), ("0.26", "0.70"),
         ("0.10", "0.86"), ("0.02", "0.94"))  # fmt: skip


def register() -> None:
    """Make the part known."""
    register_benchmark("prediction-fit", _predict_all)


def _predict_all() -> Sequence[Measurement]:
    """Measure runs of the agent on days of which nothing was predicted before."""
    stations = _make_world()
    _list_day(stations, _TODAY)
    today = _measured("predict-stations", "today")
    _list_day(stations, _TODAY + _ONE_DAY)
    return [today, _measured("predict-all", "today and tomorrow")]


def _measured(part: str, days: str) -> Measurement:
    results = []

    def work(_: object) -> None:
        results.append(predict_all(now=_NOW).done)

    seconds = timed(work, prepare=Prediction.objects.all().delete)
    done = results[-1]
    return Measurement(
        part,
        f"{STATIONS} stations with {len(SOURCES)} sources each, {days}, read, believed by "
        f"{len(ENGINES)} engines, pooled with the market and stored",
        done["new"],
        "predictions",
        seconds,
        notes=(
            f"a year of fits ({EngineFit.objects.count()} rows) and of climate reports, "
            f"{Forecast.objects.count()} forecasts, books of every market",
            f"{done['predicted']} days predicted per run, {done['new']} of them new",
        ),
    )


def _make_world() -> list[Station]:
    rng = random.Random(_SEED)  # noqa: S311 - invented weather is no secret
    stations = _stations()
    sources = {
        code: ForecastSource.objects.get_or_create(code=code, defaults={"name": code})[0]
        for code in (*SOURCES, NWS_CLI, AVIATIONWEATHER)
    }
    ClimateReport.objects.bulk_create(
        (
            _report(station, sources[NWS_CLI], day)
            for station in stations
            for day in _days(_FIRST_DAY, PAST_DAYS)
        ),
        batch_size=2000,
    )
    Forecast.objects.bulk_create(
        (
            _forecast(station, sources[code], day, number, rng)
            for station in stations
            for code in SOURCES
            for day in _days(_TODAY, DAYS_AHEAD)
            for number in range(ISSUANCES)
        ),
        batch_size=2000,
    )
    Observation.objects.bulk_create(
        _observation(station, sources[AVIATIONWEATHER], hour)
        for station in stations
        for hour in range(24)
    )
    Series.objects.bulk_create(
        Series(ticker=f"KXHIGH{station.code}", station=station, title="Highs")
        for station in stations
    )
    _make_fits(stations, rng)
    return stations


def _stations() -> list[Station]:
    Station.objects.update(is_active=False)
    stations = list(Station.objects.order_by("code")[:STATIONS])
    for station in stations:
        station.is_active = True
    Station.objects.bulk_update(stations, ["is_active"])
    return stations


def _days(first: dt.date, number: int) -> list[dt.date]:
    return [first + step * _ONE_DAY for step in range(number)]


def _high(day: dt.date) -> int:
    return round(55 + 8 * math.sin(day.toordinal()))


def _report(station: Station, source: ForecastSource, day: dt.date) -> ClimateReport:
    _, end = station.climate_day_bounds(day)
    return ClimateReport(
        station=station,
        source=source,
        product_id=f"{station.code}-{day}",
        climate_day=day,
        max_f=_high(day),
        min_f=40,
        is_preliminary=False,
        issued_at=end,
        available_at=end,
        fetched_at=end,
    )


def _forecast(
    station: Station, source: ForecastSource, day: dt.date, number: int, rng: random.Random
) -> Forecast:
    at = _NOW - number * _HOUR - dt.timedelta(minutes=30)
    high_f = 55.0 + rng.gauss(0.0, 2.0)
    return Forecast(
        station=station,
        source=source,
        climate_day=day,
        high_f=high_f,
        member_highs_f=[high_f + rng.gauss(0.0, 2.0) for _ in range(MEMBERS)]
        if source.code in ENSEMBLES
        else [],
        sd_f=2.5 if source.code == "nbm-nbp" else None,
        quantiles_f=[[level / 10, high_f + level - 5.0] for level in range(1, 10)]
        if source.code == "nbm-nbp"
        else [],
        issued_at=at,
        available_at=at,
        fetched_at=at,
    )


def _observation(station: Station, source: ForecastSource, hour: int) -> Observation:
    at = _NOW - hour * _HOUR - dt.timedelta(minutes=47)
    low_f = 50 - abs(hour - 2)
    return Observation(
        station=station,
        source=source,
        kind="METAR",
        observed_at=at,
        temp_low_f=low_f,
        temp_high_f=low_f + 1,
        issued_at=at,
        available_at=at,
        fetched_at=at,
    )


def _list_day(stations: Sequence[Station], day: dt.date) -> None:
    """List the ladder of a day at every station, with books."""
    for series in Series.objects.filter(station__in=stations).order_by("ticker"):
        event = Event.objects.create(
            series=series,
            climate_day=day,
            ticker=f"{series.ticker}-{day}",
            title="High",
            rules_hash="",
            first_seen_at=_NOW - _ONE_DAY,
        )
        markets = Market.objects.bulk_create(_market(event, low, high) for low, high in _RUNGS)
        BookSnapshot.objects.bulk_create(
            _book(market, bids) for market, bids in zip(markets, _BIDS, strict=True)
        )


def _market(event: Event, low: int | None, high: int | None) -> Market:
    kind = StrikeType.BETWEEN
    if low is None or high is None:
        kind = StrikeType.LESS if low is None else StrikeType.GREATER
    return Market(
        event=event,
        ticker=f"{event.ticker}-{low}-{high}",
        strike_type=kind.value,
        floor_strike=None if low is None else Decimal(low if high is not None else low - 1),
        cap_strike=None if high is None else Decimal(high if low is not None else high + 1),
        low_f=low,
        high_f=high,
        open_time=_NOW - _ONE_DAY,
        close_time=_NOW + 2 * _ONE_DAY,
        status=Market.Status.ACTIVE,
        price_ranges=[],
        volume=Decimal(0),
        updated_at=_NOW,
    )


def _book(market: Market, bids: tuple[str, str]) -> BookSnapshot:
    at = _NOW - dt.timedelta(minutes=5)
    yes, no = ([[bid, "5.00"]] for bid in bids)
    return BookSnapshot(market=market, at=at, available_at=at, yes_bids=yes, no_bids=no)


def _make_fits(stations: Sequence[Station], rng: random.Random) -> None:
    """Store a fit a night; only the newest is read, so only it has parameters."""
    past = _past(rng)
    learned = {name: engine.fit(past) for name, engine in ENGINES.items()}
    EngineFit.objects.bulk_create(
        (
            EngineFit(
                engine=name,
                engine_version=ENGINES[name].version,
                version=version,
                station=station,
                as_of=_NOW - (PAST_DAYS - version) * _ONE_DAY - _HOUR,
                n_train=version,
                parameters=parameters if version == PAST_DAYS else {},
                parameters_hash=canonical_hash(parameters),
            )
            for station in stations
            for name, parameters in learned.items()
            if parameters is not None
            for version in range(1, PAST_DAYS + 1)
        ),
        batch_size=2000,
    )


def _past(rng: random.Random) -> Past:
    cases = tuple(
        PastCase(
            climate_day=day,
            horizon=horizon,
            forecasts=tuple(
                PastForecast(
                    source=code,
                    high_f=_high(day) + rng.gauss(0.0, 2.5),
                    lead_hours=REFERENCE_LEAD_HOURS[horizon] + 2.0,
                    sd_f=2.0 if code in ENSEMBLES else None,
                )
                for code in sorted(SOURCES)
            ),
            observed_f=_high(day),
        )
        for day in _days(_FIRST_DAY, PAST_DAYS)
        for horizon in (Horizon.EARLY, Horizon.EVENING, Horizon.MORNING)
    )
    return Past(station_code="NY", as_of=_NOW, target_day=_TODAY + _ONE_DAY, cases=cases)
