"""Rows for tests; other apps' tests use these as well."""

from __future__ import annotations

import datetime as dt
import hashlib
import zlib

import factory

from weather.models import (
    ClimateReport,
    DailySummary,
    Forecast,
    ForecastSource,
    HistoryChunk,
    Observation,
    Payload,
    Refusal,
    SourceContact,
    Station,
)
from weather.sources import AVIATIONWEATHER, DSM, IEM_CLI, NWS_CLI, NWS_GRID, SOURCES_BY_CODE

UTC = dt.UTC
#: A day of the recordings, and the moment at which the rows below become known.
DAY = dt.date(2024, 11, 20)


def real_station(code: str) -> Station:
    """Return a station of the data table, which migrations bring in (``NY``, ``MIA``, …)."""
    return Station.objects.get(code=code)


class StationFactory(factory.django.DjangoModelFactory):
    """An invented eastern station; for a real one use :func:`real_station`."""

    class Meta:
        model = Station

    code = factory.Sequence(lambda n: f"T{n}")
    name = factory.LazyAttribute(lambda station: f"Test town {station.code}")
    icao = factory.Sequence(lambda n: f"Q{n:03d}")
    cli_id = factory.Sequence(lambda n: f"{n:03d}")
    cli_headline = factory.LazyAttribute(lambda station: f"TEST TOWN {station.code}")
    wfo = "TST"
    latitude = 40.0
    longitude = -75.0
    elevation_m = 10.0
    timezone = "America/New_York"
    standard_offset_hours = -5
    is_active = True


class ForecastSourceFactory(factory.django.DjangoModelFactory):
    """A source; the known codes give the row that migrations brought in."""

    class Meta:
        model = ForecastSource
        django_get_or_create = ("code",)

    code = NWS_GRID
    name = factory.LazyAttribute(
        lambda source: (
            SOURCES_BY_CODE[source.code].name if source.code in SOURCES_BY_CODE else source.code
        )
    )


class PayloadFactory(factory.django.DjangoModelFactory):
    """A raw answer."""

    class Meta:
        model = Payload

    class Params:
        text = factory.Sequence(lambda n: f"answer {n}")

    sha256 = factory.LazyAttribute(lambda p: hashlib.sha256(p.text.encode()).hexdigest())
    source = "test"
    url = "http://127.0.0.1/test"
    content_type = "text/plain"
    body = factory.LazyAttribute(lambda p: zlib.compress(p.text.encode()))
    received_at = dt.datetime(2024, 11, 20, 12, tzinfo=UTC)


class ForecastFactory(factory.django.DjangoModelFactory):
    """A forecast issued the evening before its day."""

    class Meta:
        model = Forecast

    station = factory.SubFactory(StationFactory)
    source = factory.SubFactory(ForecastSourceFactory)
    climate_day = DAY
    high_f = 55.0
    issued_at = factory.LazyAttribute(
        lambda f: f.station.climate_day_bounds(f.climate_day)[0] - dt.timedelta(hours=4)
    )
    available_at = factory.SelfAttribute("issued_at")
    fetched_at = factory.SelfAttribute("available_at")


class ObservationFactory(factory.django.DjangoModelFactory):
    """A station report with an exact temperature, known at once."""

    class Meta:
        model = Observation

    station = factory.SubFactory(StationFactory)
    source = factory.SubFactory(ForecastSourceFactory, code=AVIATIONWEATHER)
    kind = "METAR"
    observed_at = dt.datetime(2024, 11, 20, 18, 53, tzinfo=UTC)
    temp_low_f = 50
    temp_high_f = factory.SelfAttribute("temp_low_f")
    issued_at = factory.SelfAttribute("observed_at")
    available_at = factory.SelfAttribute("issued_at")
    fetched_at = factory.SelfAttribute("available_at")


class ClimateReportFactory(factory.django.DjangoModelFactory):
    """A final report, issued and known two hours after its day."""

    class Meta:
        model = ClimateReport

    station = factory.SubFactory(StationFactory)
    source = factory.SubFactory(ForecastSourceFactory, code=NWS_CLI)
    product_id = factory.Sequence(lambda n: f"test-product-{n}")
    climate_day = DAY
    max_f = 55
    min_f = 40
    is_preliminary = False
    issued_at = factory.LazyAttribute(
        lambda r: r.station.climate_day_bounds(r.climate_day)[1] + dt.timedelta(hours=2)
    )
    available_at = factory.SelfAttribute("issued_at")
    fetched_at = factory.SelfAttribute("available_at")


class DailySummaryFactory(factory.django.DjangoModelFactory):
    """A whole-day summary message, issued and known half an hour after its day."""

    class Meta:
        model = DailySummary

    station = factory.SubFactory(StationFactory)
    source = factory.SubFactory(ForecastSourceFactory, code=DSM)
    climate_day = DAY
    max_f = 55
    min_f = 40
    status = DailySummary.Status.FINAL
    issued_at = factory.LazyAttribute(
        lambda s: s.station.climate_day_bounds(s.climate_day)[1] + dt.timedelta(minutes=30)
    )
    available_at = factory.SelfAttribute("issued_at")
    fetched_at = factory.SelfAttribute("available_at")


class SourceContactFactory(factory.django.DjangoModelFactory):
    """A run that heard from a source."""

    class Meta:
        model = SourceContact

    source = factory.SubFactory(ForecastSourceFactory)
    at = dt.datetime(2024, 11, 20, 12, tzinfo=UTC)
    answered = factory.LazyFunction(lambda: ["NY"])
    rows = 1
    values_seen = 10


class RefusalFactory(factory.django.DjangoModelFactory):
    """A product that could not be read."""

    class Meta:
        model = Refusal

    source = factory.SubFactory(ForecastSourceFactory, code=NWS_CLI)
    station = factory.SubFactory(StationFactory)
    digest = factory.Sequence(lambda n: f"{n:064d}")
    subject = factory.Sequence(lambda n: f"product {n}")
    reason = "The product has no headline."
    first_seen_at = dt.datetime(2024, 11, 20, 12, tzinfo=UTC)
    last_seen_at = factory.SelfAttribute("first_seen_at")


class HistoryChunkFactory(factory.django.DjangoModelFactory):
    """A week of the past."""

    class Meta:
        model = HistoryChunk

    station = factory.SubFactory(StationFactory)
    source = factory.SubFactory(ForecastSourceFactory, code=IEM_CLI)
    first_day = DAY - dt.timedelta(days=7)
    last_day = DAY
    rows = 8
    finished_at = dt.datetime(2024, 11, 21, 12, tzinfo=UTC)
