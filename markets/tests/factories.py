"""The smallest valid rows of this app; tests of other apps build on them too."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from decimal import Decimal
from typing import Any

import factory

from boz.core.schemas import StrikeType
from markets.models import (
    BookSnapshot,
    Event,
    ExchangeAccount,
    FeeSchedule,
    Market,
    MarketTrade,
    Quote,
    Series,
)
from weather.models import Station

#: 2024-11-14, 15:00 in New York: the event of 2024-11-15 has just opened.
NOW = dt.datetime(2024, 11, 14, 20, 0, tzinfo=dt.UTC)
CLIMATE_DAY = dt.date(2024, 11, 15)
CENT_GRID = [{"start": "0.0000", "end": "1.0000", "step": "0.0100"}]
NWS_SOURCES = [
    {
        "name": "NWS Climatological Report New York",
        "url": "https://forecast.weather.gov/product.php?site=OKX&product=CLI&issuedby=NYC",
    }
]
#: code: (icao, CLI site, headline, office, latitude, longitude, metres, zone, standard offset)
PLACES: dict[str, tuple[str, str, str, str, float, float, float, str, int]] = {
    "NY": ("KNYC", "NYC", "CENTRAL PARK", "OKX", 40.78, -73.97, 47, "America/New_York", -5),
    "CHI": ("KMDW", "MDW", "CHICAGO-MIDWAY", "LOT", 41.79, -87.75, 187, "America/Chicago", -6),
    "MIA": ("KMIA", "MIA", "MIAMI", "MFL", 25.79, -80.32, 9, "America/New_York", -5),
    "AUS": ("KAUS", "AUS", "AUSTIN BERGSTROM", "EWX", 30.18, -97.68, 151, "America/Chicago", -6),
    "DEN": ("KDEN", "DEN", "DENVER", "BOU", 39.85, -104.66, 1656, "America/Denver", -7),
    "SFO": ("KSFO", "SFO", "SAN FRANCISCO", "MTR", 37.62, -122.37, 3, "America/Los_Angeles", -8),
}


def make_station(code: str = "NY", *, is_active: bool = True) -> Station:
    """Return the station of a city, made when the table does not hold it yet."""
    icao, cli_id, headline, wfo, latitude, longitude, elevation, zone, offset = PLACES[code]
    station, _ = Station.objects.get_or_create(
        code=code,
        defaults={
            "name": headline.title(),
            "icao": icao,
            "cli_id": cli_id,
            "cli_headline": headline,
            "wfo": wfo,
            "latitude": latitude,
            "longitude": longitude,
            "elevation_m": elevation,
            "timezone": zone,
            "standard_offset_hours": offset,
            "is_active": is_active,
        },
    )
    if station.is_active != is_active:
        station.is_active = is_active
        station.save(update_fields=["is_active"])
    return station


class SeriesFactory(factory.django.DjangoModelFactory):
    """Highs of Central Park."""

    class Meta:
        model = Series
        django_get_or_create = ("ticker",)

    ticker = "KXHIGHNY"
    station = factory.LazyFunction(make_station)
    title = "Highest temperature in NYC"
    settlement_sources = factory.LazyFunction(lambda: list(NWS_SOURCES))


class EventFactory(factory.django.DjangoModelFactory):
    """One climate day, without markets: see :func:`make_ladder`."""

    class Meta:
        model = Event

    series = factory.SubFactory(SeriesFactory)
    climate_day = CLIMATE_DAY
    ticker = factory.LazyAttribute(
        lambda row: f"{row.series.ticker}-{row.climate_day:%y%b%d}".upper()
    )
    title = factory.LazyAttribute(lambda row: f"{row.series.title} on {row.climate_day}?")
    settlement_sources = factory.LazyFunction(lambda: list(NWS_SOURCES))
    rules_hash = ""
    first_seen_at = NOW


class MarketFactory(factory.django.DjangoModelFactory):
    """The band 54 to 55, trading."""

    class Meta:
        model = Market

    event = factory.SubFactory(EventFactory)
    ticker = factory.LazyAttribute(lambda row: f"{row.event.ticker}-{_rung_name(row)}")
    subtitle = "a label that nothing may parse"
    strike_type = StrikeType.BETWEEN.value
    floor_strike = factory.LazyAttribute(lambda row: _floor(row.low_f, row.high_f))
    cap_strike = factory.LazyAttribute(lambda row: _cap(row.low_f, row.high_f))
    low_f = 54
    high_f = 55
    open_time = factory.LazyAttribute(lambda row: _bounds(row.event)[0] - dt.timedelta(hours=14))
    close_time = factory.LazyAttribute(lambda row: _bounds(row.event)[1] - dt.timedelta(minutes=1))
    status = Market.Status.ACTIVE
    price_ranges = factory.LazyFunction(lambda: list(CENT_GRID))
    volume = Decimal("0.00")
    updated_at = NOW


class BookSnapshotFactory(factory.django.DjangoModelFactory):
    """Ten contracts bid at 20 cents for YES, and offered at 24."""

    class Meta:
        model = BookSnapshot

    market = factory.SubFactory(MarketFactory)
    at = NOW
    available_at = factory.SelfAttribute("at")
    yes_bids = factory.LazyFunction(lambda: [["0.2000", "10.00"], ["0.1900", "25.00"]])
    no_bids = factory.LazyFunction(lambda: [["0.7600", "10.00"], ["0.7500", "40.00"]])


class QuoteFactory(factory.django.DjangoModelFactory):
    """20 bid, 24 asked."""

    class Meta:
        model = Quote

    market = factory.SubFactory(MarketFactory)
    at = NOW
    available_at = factory.SelfAttribute("at")
    yes_bid_dollars = Decimal("0.2000")
    yes_bid_count = Decimal("10.00")
    yes_ask_dollars = Decimal("0.2400")
    yes_ask_count = Decimal("10.00")


class MarketTradeFactory(factory.django.DjangoModelFactory):
    """Two contracts at 22 cents."""

    class Meta:
        model = MarketTrade

    market = factory.SubFactory(MarketFactory)
    trade_id = factory.Sequence(lambda number: f"trade-{number}")
    at = NOW
    yes_price_dollars = Decimal("0.2200")
    count = Decimal("2.00")
    taker_side = "yes"


class FeeScheduleFactory(factory.django.DjangoModelFactory):
    """The usual fee, known long ago."""

    class Meta:
        model = FeeSchedule

    series = factory.SubFactory(SeriesFactory)
    fee_type = "quadratic"
    multiplier = Decimal("1.0000")
    effective_from = dt.datetime(2024, 1, 1, tzinfo=dt.UTC)
    available_at = factory.SelfAttribute("effective_from")


class ExchangeAccountFactory(factory.django.DjangoModelFactory):
    """An account whose ciphertext is no real key; there is one per environment."""

    class Meta:
        model = ExchangeAccount
        django_get_or_create = ("environment",)

    uuid = factory.Faker("uuid4")
    name = factory.Sequence(lambda number: f"account {number}")
    environment = ExchangeAccount.Environment.DEMO
    key_id = "00000000-0000-4000-8000-000000000000"
    encrypted_private_key = "not a key"
    created_at = NOW


#: Whole degrees of the usual six rungs around 55 °F.
SIX_RUNGS: tuple[tuple[int | None, int | None], ...] = (
    (None, 51),
    (52, 53),
    (54, 55),
    (56, 57),
    (58, 59),
    (60, None),
)


def make_ladder(
    *,
    event: Event | None = None,
    rungs: Sequence[tuple[int | None, int | None]] = SIX_RUNGS,
    with_fees: bool = True,
    **market_fields: Any,
) -> list[Market]:
    """Return an event's markets from cold to warm, six around 55 °F unless told otherwise."""
    event = EventFactory() if event is None else event
    if with_fees and not event.series.fee_schedules.exists():
        FeeScheduleFactory(series=event.series)
    return [
        MarketFactory(
            event=event,
            low_f=low,
            high_f=high,
            strike_type=_strike_type(low, high),
            **market_fields,
        )
        for low, high in rungs
    ]


def _strike_type(low: int | None, high: int | None) -> str:
    if low is None:
        return StrikeType.LESS.value
    return StrikeType.GREATER.value if high is None else StrikeType.BETWEEN.value


def _floor(low: int | None, high: int | None) -> Decimal | None:
    if low is None:
        return None
    return Decimal(low - 1 if high is None else low)


def _cap(low: int | None, high: int | None) -> Decimal | None:
    if high is None:
        return None
    return Decimal(high + 1 if low is None else high)


def _rung_name(row: Any) -> str:
    if row.low_f is None:
        return f"T{row.high_f + 1}"
    return f"T{row.low_f - 1}" if row.high_f is None else f"B{row.low_f}.5"


def _bounds(event: Event) -> tuple[dt.datetime, dt.datetime]:
    return event.series.station.climate_day_bounds(event.climate_day)
