from __future__ import annotations

import datetime as dt
import re
import threading
from unittest.mock import patch

import httpx
import pytest
from django.core.cache import cache

from boz.core.http import HttpTransport
from weather.clients.nbm import NbmClient
from weather.models import Forecast, ForecastSource, Refusal, SourceContact, Station
from weather.selectors import fresh_forecasts, latest_forecasts
from weather.services.intake import take_in
from weather.services.nbm_bulletins import SOURCE_CODES, NbmBulletins, nbm_bulletins
from weather.services.payloads import payload_body
from weather.sources import CALLS_AT_ONCE, Service
from weather.tests.factories import ClimateReportFactory, ForecastFactory, real_station
from weather.tests.outside import PAYLOADS

pytestmark = pytest.mark.django_db

UTC = dt.UTC
#: The recorded NBP bulletin is of this cycle, and published 73 minutes later.
CYCLE = dt.datetime(2026, 9, 28, 13, tzinfo=UTC)
PUBLISHED = dt.datetime(2026, 9, 28, 14, 13, tzinfo=UTC)
NOW = dt.datetime(2026, 9, 28, 14, 30, tzinfo=UTC)
SEP_28, SEP_29 = dt.date(2026, 9, 28), dt.date(2026, 9, 29)
NBP = (PAYLOADS / "NBP_KMDW_KMIA_20260928.txt").read_text()
MIDWAY_HIGHS = [75, 75, 73, 64, 64, 65, 60, 62, 62]
FILES = {"NBP": "nbptx", "NBS": "nbstx", "NBE": "nbetx"}


class Bucket:
    """The bulletins by their paths; ``asked`` holds path and range of every call."""

    def __init__(self) -> None:
        self.files: dict[str, str | httpx.Response | Exception] = {}
        self.modified: str | None = "Mon, 28 Sep 2026 14:13:00 GMT"
        self.asked: list[tuple[str, str]] = []
        self._lock = threading.Lock()

    def has(self, body, *, cycle: dt.datetime = CYCLE, product: str = "NBP") -> None:
        """Publish a bulletin."""
        self.files[path_of(cycle, product)] = body

    def client(self, *, capture=None) -> NbmClient:
        http = HttpTransport(
            base_url="http://127.0.0.1:9",
            source="noaa-nbm",
            retries=0,
            transport=httpx.MockTransport(self.handle),
        )
        return NbmClient(http, capture=capture, now=lambda: NOW)

    def handle(self, request: httpx.Request) -> httpx.Response:
        asked = request.headers.get("range", "")
        with self._lock:
            self.asked.append((request.url.path, asked))
        file = self.files.get(request.url.path)
        if file is None:
            return httpx.Response(404, text="<Error><Code>NoSuchKey</Code></Error>")
        if isinstance(file, Exception):
            raise file
        if isinstance(file, httpx.Response):
            return file
        return self._piece(file.encode(), asked)

    def _piece(self, body: bytes, asked: str) -> httpx.Response:
        headers = {"ETag": f'"{len(body)}"'}
        if self.modified is not None:
            headers["Last-Modified"] = self.modified
        match = re.fullmatch(r"bytes=(\d+)-(\d+)", asked)
        if match is None:
            return httpx.Response(200, content=body, headers=headers)
        start, end = int(match[1]), min(int(match[2]), len(body) - 1)
        headers["Content-Range"] = f"bytes {start}-{end}/{len(body)}"
        return httpx.Response(206, content=body[start : end + 1], headers=headers)


def path_of(cycle: dt.datetime, product: str = "NBP") -> str:
    return f"/blend.{cycle:%Y%m%d}/{cycle:%H}/text/blend_{FILES[product]}.t{cycle:%H}z"


def block(station: str, *, high: int, cycle: dt.datetime = CYCLE, product: str = "NBP") -> str:
    """Return an invented block: one day's maximum, on the day of an afternoon cycle."""
    date = f"{cycle.month}/{cycle.day}/{cycle.year}  {cycle:%H}00"
    rows = "".join(
        f" TXNP{digit}  57|{high + step:3d}  61|\n"
        for digit, step in ((1, -3), (2, -1), (5, 0), (7, 2), (9, 3))
    )
    hour = int(((cycle + dt.timedelta(days=1)).replace(hour=12) - cycle).total_seconds() // 3600)
    return (
        f" {station}    NBM V5.0 {product} GUIDANCE    {date} UTC\n"
        f" UTC    12| 00  12|\n FHR    {hour}|{hour + 12:3d} {hour + 24:3d}|\n"
        f" TXNMN  57|{high:3d}  61|\n TXNSD   2|  2   2|\n{rows}"
    )


@pytest.fixture
def bucket(monkeypatch):
    made = Bucket()
    made.has(NBP)
    monkeypatch.setattr(NbmClient, "from_settings", lambda *, capture: made.client(capture=capture))
    return made


@pytest.fixture(autouse=True)
def nothing_remembered():
    cache.clear()
    yield
    cache.clear()


@pytest.fixture
def midway():
    Station.objects.exclude(code="CHI").update(is_active=False)
    return real_station("CHI")


@pytest.fixture
def midway_and_miami(midway):
    Station.objects.filter(code="MIA").update(is_active=True)
    return midway, real_station("MIA")


def take(*, now=NOW, product="NBP"):
    return take_in([NbmBulletins(now=now, product=product)])


def health(code="nbm-nbp") -> ForecastSource:
    return ForecastSource.objects.get(code=code)


def known_highs(station, day, as_of) -> list[float]:
    return [row.high_f for row in latest_forecasts(station=station, climate_day=day, as_of=as_of)]


# --- what is stored ------------------------------------------------------------------------------


def test_a_recorded_bulletin_becomes_a_forecast_with_its_distribution_for_each_day(bucket, midway):
    result = take()
    rows = list(Forecast.objects.order_by("climate_day"))
    assert [row.high_f for row in rows] == MIDWAY_HIGHS[: len(rows)]
    assert result.done == {"forecasts": len(rows), "bulletins": 1}
    assert result.skipped == []
    first = rows[0]
    assert (first.climate_day, first.sd_f) == (SEP_29, 2.0)
    assert first.quantiles_f == [[0.1, 73.0], [0.25, 74.0], [0.5, 75.0], [0.75, 77.0], [0.9, 78.0]]
    assert (first.model_run_at, first.issued_at) == (CYCLE, PUBLISHED)
    assert (first.available_at, first.fetched_at) == (NOW, NOW)
    assert first.source.code == "nbm-nbp"
    assert payload_body(first.payload).decode().startswith(" KMDW    NBM V5.0 NBP")
    assert health().status == ForecastSource.Status.OK
    assert SourceContact.objects.get().answered == ["CHI"]


def test_each_station_gets_its_own_block(bucket, midway_and_miami):
    midway, miami = midway_and_miami
    take()
    assert known_highs(midway, SEP_29, NOW) == [75.0]
    miami_high = int(re.search(r"KMIA.*?TXNMN\s+\d+\|\s*(\d+)", NBP, re.DOTALL)[1])
    assert known_highs(miami, SEP_29, NOW) == [float(miami_high)]
    evidence = {
        row.station.code: payload_body(row.payload).decode()[:5]
        for row in Forecast.objects.filter(climate_day=SEP_29)
    }
    assert evidence == {"CHI": " KMDW", "MIA": " KMIA"}


@pytest.mark.parametrize(
    ("product", "name", "cycle", "highs"),
    [
        ("NBS", "NBS_KJFK_20200727", dt.datetime(2020, 7, 27, 23, tzinfo=UTC), [93, 91]),
        (
            "NBE",
            "NBE_KJFK_20200728",
            dt.datetime(2020, 7, 28, tzinfo=UTC),
            [93, 91, 90, 86, 87, 85, 86, 84],
        ),
    ],
)
def test_the_other_products_give_maxima_without_percentiles(
    bucket, midway, product, name, cycle, highs
):
    Station.objects.filter(pk=midway.pk).update(icao="KJFK")
    bucket.modified = None
    bucket.has((PAYLOADS / f"{name}.txt").read_text(), cycle=cycle, product=product)
    with patch("weather.services.nbm_bulletins.latest_cycles", lambda now: (cycle,)):
        result = take(now=cycle + dt.timedelta(minutes=90), product=product)
    assert result.skipped == []
    rows = Forecast.objects.order_by("climate_day")
    days = [dt.date(2020, 7, 28) + dt.timedelta(days=n) for n in range(len(highs))]
    assert [(row.climate_day, row.high_f) for row in rows] == list(zip(days, highs, strict=True))
    assert {row.source.code for row in rows} == {f"nbm-{product.lower()}"}
    assert {(row.sd_f, *row.quantiles_f) for row in rows} == {(None,)}


def test_a_high_of_zero_is_kept(bucket, midway):
    bucket.has(block("KMDW", high=0))
    take()
    assert Forecast.objects.get().high_f == 0.0


def test_without_a_time_of_publication_the_usual_one_is_taken(bucket, midway):
    bucket.modified = None
    take()
    assert Forecast.objects.first().issued_at == CYCLE + dt.timedelta(minutes=77)
    assert Forecast.objects.first().available_at == NOW


def test_an_early_bulletin_without_a_time_is_not_issued_in_the_future(bucket, midway):
    bucket.modified = None
    early = CYCLE + dt.timedelta(minutes=62)
    take(now=early)
    assert Forecast.objects.first().issued_at == early


def test_a_bulletin_is_never_issued_before_its_cycle(bucket, midway):
    bucket.modified = "Mon, 28 Sep 2026 03:00:00 GMT"
    take()
    assert Forecast.objects.first().issued_at == CYCLE


def test_a_bulletin_published_in_the_future_is_refused(bucket, midway):
    bucket.modified = "Mon, 28 Sep 2026 15:00:00 GMT"
    result = take()
    assert "in the future" in result.skipped[0].reason
    assert not Forecast.objects.exists()
    assert health().status == ForecastSource.Status.DEGRADED
    assert SourceContact.objects.get().answered == []


# --- which cycle ---------------------------------------------------------------------------------


def test_what_is_stored_is_not_asked_for_again_until_the_next_cycle_can_be_there(bucket, midway):
    take()
    calls = len(bucket.asked)
    later = CYCLE + dt.timedelta(hours=7)
    result = take(now=later)
    assert len(bucket.asked) == calls
    assert result.done == {"forecasts": 0, "bulletins": 0}
    assert SourceContact.objects.first().answered == ["CHI"]
    assert fresh_forecasts(station=midway, climate_day=SEP_29, as_of=later)
    take(now=later + dt.timedelta(minutes=1))
    assert bucket.asked[-1][0] == path_of(CYCLE + dt.timedelta(hours=6))


def test_until_a_cycle_is_published_the_one_before_holds(bucket, midway):
    previous = CYCLE - dt.timedelta(hours=6)
    bucket.files = {path_of(previous): block("KMDW", high=71, cycle=previous)}
    bucket.modified = "Mon, 28 Sep 2026 08:15:00 GMT"
    result = take()
    assert result.skipped == []
    assert Forecast.objects.get().model_run_at == previous
    take(now=NOW + dt.timedelta(minutes=10))
    assert Forecast.objects.count() == 1
    assert SourceContact.objects.first().answered == ["CHI"]
    bucket.has(NBP)
    bucket.modified = "Mon, 28 Sep 2026 14:35:00 GMT"
    later = NOW + dt.timedelta(minutes=20)
    take(now=later)
    assert known_highs(midway, SEP_29, later) == [75.0]


def test_a_station_activated_later_still_gets_the_cycle(bucket, midway_and_miami):
    Station.objects.filter(code="MIA").update(is_active=False)
    take()
    Station.objects.filter(code="MIA").update(is_active=True)
    take(now=NOW + dt.timedelta(minutes=5))
    assert Forecast.objects.filter(station__code="MIA").exists()
    issued = Forecast.objects.values_list("station__code", "climate_day", "issued_at")
    assert len(set(issued)) == Forecast.objects.count()


def test_of_a_late_bulletin_only_the_days_that_are_not_over_are_kept(bucket, midway):
    with patch("weather.services.nbm_bulletins.latest_cycles", lambda now: (CYCLE,)):
        take(now=dt.datetime(2026, 9, 30, 6, tzinfo=UTC))
    assert Forecast.objects.earliest("climate_day").climate_day == dt.date(2026, 9, 30)
    assert Forecast.objects.count() == len(MIDWAY_HIGHS) - 1


def test_a_late_older_cycle_does_not_become_the_latest(bucket, midway):
    take()
    older = CYCLE - dt.timedelta(hours=6)
    bucket.files = {path_of(older): block("KMDW", high=99, cycle=older)}
    later = CYCLE + dt.timedelta(hours=8)
    take(now=later)
    assert known_highs(midway, SEP_29, later) == [75.0]
    assert not Forecast.objects.filter(high_f=99.0).exists()


def test_a_product_that_is_not_published_does_not_silence_the_others(bucket):
    Station.objects.update(is_active=True)
    texts = [
        block(name, high=70) for name in sorted(Station.objects.values_list("icao", flat=True))
    ]
    bucket.files = {path_of(CYCLE, "NBS"): "".join(texts).replace("NBP", "NBS")}
    result = take_in(nbm_bulletins(now=NOW))
    assert any("None of the last NBE" in item.reason for item in result.skipped)
    assert not any("did not answer" in item.reason for item in result.skipped)


def test_a_service_without_any_bulletin_is_not_in_order(bucket, midway):
    bucket.files = {}
    result = take()
    assert "None of the last NBP bulletins" in result.skipped[0].reason
    assert len(bucket.asked) == 3
    assert health().status == ForecastSource.Status.DEGRADED


# --- bad input -----------------------------------------------------------------------------------


def test_a_station_that_is_not_in_the_bulletin_is_skipped_with_a_reason(bucket, midway):
    Station.objects.filter(code="NY").update(is_active=True)
    result = take()
    assert [item.subject for item in result.skipped] == ["NY"]
    assert "does not hold KNYC" in result.skipped[0].reason
    assert Forecast.objects.filter(station=midway).exists()
    assert SourceContact.objects.get().answered == ["CHI"]
    assert health().status == ForecastSource.Status.OK


BAD_FILES = {
    "a web page": "<html>busy</html>",
    "empty": "\n",
    "another cycle": NBP.replace("1300 UTC", "0700 UTC"),
    "another product": NBP.replace("NBP GUIDANCE", "NBS GUIDANCE"),
    "500": httpx.Response(500),
    "503": httpx.Response(503, text="<Error><Code>SlowDown</Code></Error>"),
    "429": httpx.Response(429),
    "a piece that does not say which": httpx.Response(206, text=NBP),
    "no connection": httpx.ConnectError("refused"),
    "cut in the block": NBP[: NBP.index("TXNP5")],
}


@pytest.mark.parametrize("file", BAD_FILES.values(), ids=BAD_FILES)
def test_a_bad_bulletin_is_left_out_with_a_reason_and_earlier_rows_stay(bucket, midway, file):
    earlier = ForecastFactory(station=midway, source__code="nbm-nbp", climate_day=SEP_29)
    bucket.has(file)
    result = take()
    assert result.skipped
    assert all(item.reason for item in result.skipped)
    assert list(Forecast.objects.all()) == [earlier]
    assert health().status == ForecastSource.Status.DEGRADED
    assert SourceContact.objects.get().answered == []
    bucket.has(NBP)
    assert take(now=NOW + dt.timedelta(minutes=10)).done["forecasts"] == len(MIDWAY_HIGHS)


@pytest.mark.parametrize(
    ("before", "after", "reason"),
    [
        (" TXNSD   2|  2 ", " TXNSD   2| 90 ", "standard deviation of 90"),
        (" TXNP5  58| 75 ", " TXNP5  58| 70 ", "cross"),
        (" TXNMN  57| 75 ", " TXNMN  57|500 ", "500 °F cannot be true"),
        (" TXNMN  57| 75 ", " TXNMN  57|-99 ", "spread but no maximum"),
    ],
)
def test_a_day_that_cannot_be_is_refused_and_the_other_days_are_kept(
    bucket, midway, before, after, reason
):
    assert before in NBP
    bucket.has(NBP.replace(before, after, 1))
    result = take()
    assert [item.subject for item in result.skipped] == [f"CHI {SEP_29}"]
    assert reason in result.skipped[0].reason
    refusal = Refusal.objects.get()
    assert refusal.station == midway
    assert payload_body(refusal.payload).decode().startswith(" KMDW")
    days = set(Forecast.objects.values_list("climate_day", flat=True))
    assert SEP_29 not in days
    assert len(days) == len(MIDWAY_HIGHS) - 1


def test_a_unit_mixup_is_refused_beside_recent_highs(bucket, midway):
    ClimateReportFactory(station=midway, climate_day=dt.date(2026, 9, 26), max_f=77)
    bucket.has(block("KMDW", high=25))
    result = take()
    assert "degrees Celsius given as Fahrenheit" in result.skipped[0].reason
    assert not Forecast.objects.exists()


# --- as of ---------------------------------------------------------------------------------------


def test_a_bulletin_cannot_be_seen_before_it_was_available(bucket, midway):
    take()
    assert known_highs(midway, SEP_29, NOW - dt.timedelta(microseconds=1)) == []
    assert known_highs(midway, SEP_29, PUBLISHED) == []
    assert known_highs(midway, SEP_29, NOW) == [75.0]


def test_a_planted_row_from_the_future_is_never_seen(bucket, midway):
    take()
    ForecastFactory(
        station=midway,
        source__code="nbm-nbp",
        climate_day=SEP_29,
        high_f=120.0,
        issued_at=NOW,
        available_at=NOW + dt.timedelta(minutes=1),
    )
    assert known_highs(midway, SEP_29, NOW) == [75.0]
    assert known_highs(midway, SEP_29, NOW + dt.timedelta(minutes=1)) == [120.0]


# --- many stations -------------------------------------------------------------------------------


def test_a_large_bulletin_is_read_in_pieces_and_faster_the_second_time(bucket):
    Station.objects.update(is_active=True)
    ours = {station.icao for station in Station.objects.all()}
    others = {f"K{first}{second}X" for first in "ABCDEFGHIJKLMNOPQRSTUVW" for second in "ACEGI"}
    filler = f"{' ' * 79}\n" * 60

    def bulletin(cycle):
        names = sorted(ours | others)
        return "".join(block(name, high=60 + len(name), cycle=cycle) + filler for name in names)

    bucket.has(bulletin(CYCLE))
    first = take()
    assert first.skipped == []
    assert first.done == {"forecasts": len(ours), "bulletins": len(ours)}
    calls = len(bucket.asked)
    assert all(asked for _, asked in bucket.asked)
    following = CYCLE + dt.timedelta(hours=6)
    bucket.has(bulletin(following), cycle=following)
    bucket.modified = "Mon, 28 Sep 2026 20:13:00 GMT"
    take(now=following + dt.timedelta(minutes=75))
    assert Forecast.objects.filter(model_run_at=following).count() == len(ours)
    assert len(bucket.asked) - calls <= len(ours) + 4
    assert len(bucket.asked) - calls < calls


def test_all_products_share_one_client_and_its_silence(bucket, midway):
    made = []

    def from_settings(*, capture):
        made.append(bucket.client(capture=capture))
        return made[-1]

    def refuse(request):
        bucket.asked.append((request.url.path, ""))
        raise httpx.ConnectTimeout("no answer")

    bucket.handle = refuse
    Station.objects.update(is_active=True)
    with patch.object(NbmClient, "from_settings", from_settings):
        result = take_in(nbm_bulletins(now=NOW))
    assert len(made) == 1
    assert len(bucket.asked) <= 2 + CALLS_AT_ONCE[Service.NBM]
    assert len(result.skipped) > len(bucket.asked)
    sources = ForecastSource.objects.filter(code__in=SOURCE_CODES.values())
    assert set(sources.values_list("status", flat=True)) == {ForecastSource.Status.DEGRADED}


def test_all_products_are_taken_in_beside_each_other(bucket, midway):
    for product in ("NBS", "NBE"):
        bucket.has("<html>", product=product)
    result = take_in(nbm_bulletins(now=NOW))
    assert result.done == {"forecasts": len(MIDWAY_HIGHS), "bulletins": 1}
    assert [item.subject for item in result.skipped] == ["NBS CHI", "NBE CHI"]
    assert health("nbm-nbp").status == ForecastSource.Status.OK
    assert health("nbm-nbe").status == ForecastSource.Status.DEGRADED
