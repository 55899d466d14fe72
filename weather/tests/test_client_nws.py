from __future__ import annotations

import datetime as dt
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest

from boz.core.errors import DataUnavailable, InvalidDataError, TransientError
from boz.core.http import HttpTransport
from weather.clients.nws import NwsClient
from weather.clients.nws.client import MAX_PAGES

PAYLOADS = Path(__file__).parent / "payloads"
START = dt.datetime(2026, 9, 4, 1, 0, tzinfo=dt.UTC)
CELL = {"grid_id": "OKX", "grid_x": 34, "grid_y": 45}
Answer = httpx.Response | Exception | Callable[[httpx.Request], httpx.Response]


class Service:
    """Answers in order, the last one for ever; sleeping costs no time."""

    def __init__(self, *answers: Answer) -> None:
        self.answers = list(answers)
        self.requests: list[httpx.Request] = []
        self.sleeps: list[float] = []
        self.captured: list[bytes] = []

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(request)
        answer = self.answers[min(len(self.requests), len(self.answers)) - 1]
        if isinstance(answer, Exception):
            raise answer
        return answer if isinstance(answer, httpx.Response) else answer(request)

    def open(self) -> NwsClient:
        return NwsClient(
            http=HttpTransport(
                base_url="https://weather.test",
                source="api.weather.gov",
                retries=2,
                sleep=self.sleeps.append,
                capture=lambda captured: self.captured.append(captured.body),
                transport=httpx.MockTransport(self),
            )
        )


def recorded(name: str) -> Any:
    return json.loads((PAYLOADS / name).read_text())


def ok(body: Any) -> httpx.Response:
    return httpx.Response(200, text=json.dumps(body), headers={"content-type": "application/json"})


def feature(minute: int, *, station: str = "KMDW", **changes: Any) -> dict[str, Any]:
    moment = f"2026-09-04T01:{minute:02d}:00+00:00"
    return {
        "id": f"https://api.weather.gov/stations/{station}/observations/{moment}",
        "properties": {
            "station": f"https://api.weather.gov/stations/{station}",
            "stationId": station,
            "timestamp": moment,
            "rawMessage": "",
            "temperature": {"unitCode": "wmoUnit:degC", "value": 29, "qualityControl": "V"},
            **changes,
        },
    }


def page(*features: Any, cursor: str | None = None) -> httpx.Response:
    body: dict[str, Any] = {"type": "FeatureCollection", "features": list(features)}
    if cursor is not None:
        link = f"https://api.weather.gov/stations/KMDW/observations?cursor={cursor}"
        body["pagination"] = {"next": link}
    return ok(body)


CALLS: list[Callable[[NwsClient], Any]] = [
    lambda nws: nws.point(latitude=40.78, longitude=-73.97),
    lambda nws: nws.grid(**CELL),
    lambda nws: nws.period_forecast(**CELL),
    lambda nws: nws.hourly_forecast(**CELL),
    lambda nws: nws.observations("KMDW", start=START),
    lambda nws: nws.latest_observation("KMDW"),
    lambda nws: nws.products("CLI", site="MDW"),
    lambda nws: nws.product(product_id="abc"),
]


@pytest.mark.parametrize("call", CALLS)
@pytest.mark.parametrize(
    "failure",
    [
        httpx.Response(429),
        httpx.Response(500),
        httpx.Response(503, html="<html>Service Unavailable</html>"),
        httpx.Response(200, html="<html>maintenance</html>"),
        httpx.Response(200, text='{"properties": {"gridId": "OKX", '),
        httpx.Response(200, text=""),
        httpx.ConnectError("refused"),
        httpx.ReadTimeout("slow"),
    ],
)
def test_a_storm_that_lasts_is_a_passing_error_of_every_call(call, failure) -> None:
    service = Service(failure)

    with pytest.raises(TransientError), service.open() as nws:
        call(nws)

    # A silent host is waited for only twice.
    assert len(service.requests) == (2 if isinstance(failure, httpx.ReadTimeout) else 3)
    assert service.captured == []


@pytest.mark.parametrize("call", CALLS)
@pytest.mark.parametrize("body", [None, [], {}, 7, "x", {"properties": None}, {"@graph": None}])
def test_a_body_of_another_shape_is_refused_by_every_call(call, body) -> None:
    with pytest.raises(InvalidDataError), Service(ok(body)).open() as nws:
        call(nws)


@pytest.mark.parametrize("call", CALLS)
def test_every_call_says_plainly_that_there_is_nothing(call) -> None:
    problem = {"type": "urn:noaa:nws:api:NotFound", "status": 404, "correlationId": "1f"}
    service = Service(httpx.Response(404, json=problem))

    with pytest.raises(DataUnavailable) as caught, service.open() as nws:
        call(nws)

    assert caught.value.context["problem"] == "NotFound"
    assert len(service.requests) == 1


def test_an_expired_grid_is_told_by_its_name() -> None:
    service = Service(
        httpx.Response(503, json=recorded("nws_problem_503_forecast_grid_expired.json"))
    )

    with pytest.raises(TransientError, match="ForecastGridExpired") as caught:
        service.open().grid(**CELL)

    assert caught.value.context["problem"] == "ForecastGridExpired"
    assert caught.value.context["correlation_id"] == "257ad490-4ff2-4492-9c78-808974251acd"


def test_a_grid_that_comes_back_is_read() -> None:
    service = Service(
        httpx.Response(500, json=recorded("nws_problem_500_unexpected.json")),
        ok(recorded("gridpoint_nyc_20260709.json")),
    )

    assert service.open().grid(**CELL).max_temperature.values
    assert str(service.requests[-1].url) == "https://weather.test/gridpoints/OKX/34,45"


def test_the_ordinary_client_names_itself_and_is_patient(settings, monkeypatch) -> None:
    settings.NWS_USER_AGENT = "boz tests (nobody@example.org)"
    made: dict[str, Any] = {}

    def transport(**options: Any) -> HttpTransport:
        made.update(options)
        return HttpTransport(**options)

    monkeypatch.setattr("weather.clients.nws.client.HttpTransport", transport)

    NwsClient.from_settings().close()

    assert made["user_agent"] == "boz tests (nobody@example.org)"
    assert made["backoff_seconds"] == 5.0
    assert made["rate_per_second"] == settings.NWS_RATE_LIMIT_PER_SECOND


@pytest.mark.parametrize(
    ("latitude", "longitude", "path"),
    [
        (40.78331234, -73.96670001, "/points/40.7833,-73.9667"),
        (40.5, -74.0, "/points/40.5,-74"),
        (30.1940, -97.6600, "/points/30.194,-97.66"),
    ],
)
def test_a_place_has_four_decimals_at_most_and_no_zeros(latitude, longitude, path) -> None:
    service = Service(ok(recorded("points_nyc_20260709.json")))

    point = service.open().point(latitude=latitude, longitude=longitude)

    assert (point.grid_id, point.grid_x, point.grid_y) == ("OKX", 34, 45)
    assert service.requests[0].url.raw_path.decode() == path


def test_null_layers_are_layers_that_were_not_sent() -> None:
    body = {"properties": {"updateTime": "2026-07-09T12:00:00Z", "skyCover": None}}

    grid = Service(ok(body)).open().grid(**CELL)

    assert grid.sky_cover.values == ()


def test_a_forecast_by_half_days_is_read_as_recorded() -> None:
    service = Service(ok(recorded("nws_forecast_okx_20260304.json")))

    forecast = service.open().period_forecast(**CELL)

    periods = forecast.periods()
    assert str(service.requests[0].url) == "https://weather.test/gridpoints/OKX/34,45/forecast"
    assert forecast.issued_at == dt.datetime(2026, 3, 4, 18, 59, tzinfo=dt.UTC)
    assert forecast.generated_at == dt.datetime(2026, 3, 4, 20, 32, tzinfo=dt.UTC)
    assert len(periods) == 14
    assert (periods[2].value, periods[2].unit, periods[2].is_daytime) == (43.0, "degF", True)
    assert periods[2].start == dt.datetime(2026, 3, 5, 11, tzinfo=dt.UTC)
    assert periods[2].end == dt.datetime(2026, 3, 5, 23, tzinfo=dt.UTC)


def test_a_forecast_by_hours_is_read_as_recorded() -> None:
    service = Service(ok(recorded("nws_forecast_hourly_okx_20260304.json")))

    periods = service.open().hourly_forecast(**CELL).periods()

    assert service.requests[0].url.path.endswith("/gridpoints/OKX/34,45/forecast/hourly")
    assert service.requests[0].url.query == b""
    assert [item.value for item in periods[:3]] == [48.0, 48.0, 47.0]


def forecast_body(**changes: Any) -> dict[str, Any]:
    period = {
        "startTime": "2026-07-09T06:00:00-04:00",
        "endTime": "2026-07-09T18:00:00-04:00",
        "isDaytime": True,
        "temperature": 85,
        "temperatureUnit": "F",
        **changes,
    }
    return {"properties": {"updateTime": "2026-07-09T08:00:00+00:00", "periods": [period]}}


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({}, (85.0, "degF")),
        ({"temperature": 0}, (0.0, "degF")),
        ({"temperature": 29, "temperatureUnit": "C"}, (29.0, "degC")),
        (
            {"temperature": {"unitCode": "wmoUnit:degC", "value": 29.4}, "temperatureUnit": None},
            (29.4, "wmoUnit:degC"),
        ),
        ({"temperatureUnit": None}, (85.0, None)),
        ({"temperatureUnit": "K"}, (85.0, None)),
    ],
)
def test_a_temperature_is_read_with_the_unit_it_was_sent_with(changes, expected) -> None:
    (period,) = Service(ok(forecast_body(**changes))).open().period_forecast(**CELL).periods()
    assert (period.value, period.unit) == expected


@pytest.mark.parametrize("temperature", [None, {"unitCode": "wmoUnit:degF", "value": None}])
def test_a_period_without_temperature_is_left_out(temperature) -> None:
    body = forecast_body(temperature=temperature)
    assert Service(ok(body)).open().period_forecast(**CELL).periods() == ()


@pytest.mark.parametrize(
    "changes",
    [
        {"temperature": "85"},
        {"temperature": True},
        {"temperature": [85]},
        {"startTime": None},
        {"startTime": "2026-07-09T06:00:00"},
        {"startTime": "0001-01-01T00:00:00+05:00"},
        {"endTime": "2026-07-09T06:00:00-04:00"},
        {"endTime": "9999-12-31T23:59:59-05:00"},
        {"isDaytime": None},
        {"isDaytime": "day"},
    ],
)
def test_a_period_that_makes_no_sense_spoils_the_forecast(changes) -> None:
    with pytest.raises(InvalidDataError, match="forecast by half days"):
        Service(ok(forecast_body(**changes))).open().period_forecast(**CELL)


def test_a_forecast_without_time_of_issue_is_refused() -> None:
    body = forecast_body()
    body["properties"]["updateTime"] = None
    body["properties"]["generatedAt"] = "2026-07-09T09:00:00Z"

    with pytest.raises(InvalidDataError, match="updateTime"):
        Service(ok(body)).open().hourly_forecast(**CELL)


def test_recorded_observations_are_read_oldest_first() -> None:
    service = Service(ok(recorded("nws_observations_kmdw_20260904.json")))

    found = service.open().observations("KMDW", start=START.replace(microsecond=999), limit=100)

    assert [row.observed_at.strftime("%H:%M") for row in found.rows] == [
        "01:53",
        "01:55",
        "02:00",
        "02:05",
        "02:20",
    ]
    assert found.rows[0].raw.endswith("T02940228 $")
    assert found.rows[0].stations == {"KMDW"}
    assert [row.value for row in found.rows] == [29.4, 29.0, 30.0, 29.0, 30.0]
    assert found.problems == ()
    request = service.requests[0]
    assert request.url.path == "/stations/KMDW/observations"
    assert dict(request.url.params) == {"start": "2026-09-04T01:00:00Z", "limit": "100"}


def test_pages_are_followed_to_the_end_and_captured_one_by_one() -> None:
    service = Service(
        page(feature(50), feature(45), cursor="a"), page(feature(40), cursor="b"), page(cursor="c")
    )

    found = service.open().observations("KMDW", start=START, end=START + dt.timedelta(hours=1))

    assert [row.observed_at.minute for row in found.rows] == [40, 45, 50]
    assert [request.url.params.get("cursor") for request in service.requests] == [None, "a", "b"]
    assert {request.url.params["end"] for request in service.requests} == {"2026-09-04T02:00:00Z"}
    assert {request.url.host for request in service.requests} == {"weather.test"}
    assert len(service.captured) == 3


def test_a_cursor_that_comes_again_ends_the_pages() -> None:
    service = Service(page(feature(50), cursor="a"), page(feature(45), cursor="a"))

    found = service.open().observations("KMDW", start=START)

    assert [row.observed_at.minute for row in found.rows] == [45, 50]
    assert len(service.requests) == 2


def test_pages_without_end_are_refused() -> None:
    service = Service()
    service.answers = [lambda request: page(feature(50), cursor=str(len(service.requests)))]

    with pytest.raises(InvalidDataError, match="pages"):
        service.open().observations("KMDW", start=START)

    assert len(service.requests) == MAX_PAGES


def test_pages_stop_where_the_wanted_time_begins() -> None:
    start = START + dt.timedelta(minutes=43)
    service = Service(page(feature(50), feature(45), feature(40), cursor="a"))

    found = service.open().observations("KMDW", start=start)

    assert [row.observed_at.minute for row in found.rows] == [45, 50]
    assert len(service.requests) == 1


@pytest.mark.parametrize("link", ["https://[", "", "https://weather.test/x", 7, None])
def test_a_link_that_leads_nowhere_ends_the_pages(link) -> None:
    body = {"features": [feature(50)], "pagination": {"next": link}}
    assert len(Service(ok(body)).open().observations("KMDW", start=START).rows) == 1


@pytest.mark.parametrize("features", [[], None])
def test_no_observations_are_an_answer(features) -> None:
    found = Service(ok({"features": features})).open().observations("KNYC", start=START)
    assert (found.rows, found.problems) == ((), ())


@pytest.mark.parametrize("features", [{}, "none", 7])
def test_observations_that_are_no_list_are_refused(features) -> None:
    with pytest.raises(InvalidDataError, match="no list"):
        Service(ok({"features": features})).open().observations("KNYC", start=START)


def test_one_bad_row_does_not_hide_the_others() -> None:
    service = Service(
        page(
            feature(50),
            None,
            feature(45, timestamp=None),
            feature(40, temperature={"unitCode": "wmoUnit:degC", "value": "29"}),
            feature(35, timestamp="0001-01-01T00:00:00+00:00"),
            feature(30),
        )
    )

    found = service.open().observations("KMDW", start=START)

    assert [row.observed_at.minute for row in found.rows] == [30, 50]
    assert [name for name, _ in found.problems] == [
        "unknown",
        *(f"KMDW/observations/2026-09-04T01:{minute}:00+00:00" for minute in (45, 40, 35)),
    ]
    assert "timestamp" in found.problems[1][1]
    assert "temperature.value" in found.problems[2][1]


def test_a_recorded_row_without_values_is_a_problem_with_a_name() -> None:
    service = Service(ok(recorded("nws_observations_without_values.json")))

    found = service.open().observations("KFLL", start=START)

    assert found.rows == ()
    assert [name for name, _ in found.problems] == ["KFLL/observations/2019-06-27T10:53:00+00:00"]


@pytest.mark.parametrize(
    "changes", [{"temperature": None}, {"temperature": {}}, {"rawMessage": None, "temperature": {}}]
)
def test_missing_values_stay_missing(changes) -> None:
    (row,) = Service(page(feature(50, **changes))).open().observations("KMDW", start=START).rows
    assert (row.value, row.unit, row.quality, row.raw) == (None, None, None, "")


def test_a_row_names_every_station_it_says_it_is_of() -> None:
    strange = feature(50, stationId="KORD")
    strange["properties"]["station"] = "https://api.weather.gov/stations/KDPA"
    (row,) = Service(page(strange)).open().observations("KMDW", start=START).rows
    assert row.stations == {"KMDW", "KORD", "KDPA"}


@pytest.mark.parametrize("limit", [0, 501, -1])
def test_a_page_has_at_most_five_hundred_rows(limit) -> None:
    service = Service(page())
    with pytest.raises(ValueError, match="limit"):
        service.open().observations("KMDW", start=START, limit=limit)
    assert service.requests == []


def test_the_latest_observation_is_read() -> None:
    service = Service(ok(recorded("nws_observation_latest_kfll_20220302.json")))

    row = service.open().latest_observation("KFLL")

    assert service.requests[0].url.path == "/stations/KFLL/observations/latest"
    assert row.observed_at == dt.datetime(2022, 3, 2, 23, 53, tzinfo=dt.UTC)
    assert (row.value, row.quality) == (pytest.approx(22.8), "V")


def test_products_come_newest_first_and_are_asked_for_without_a_limit() -> None:
    entries = [
        {"id": f"p{hour}", "issuanceTime": f"2026-07-09T{hour:02d}:00:00+00:00"}
        for hour in (6, 20, 12)
    ]
    service = Service(ok({"@graph": entries}))

    listed = service.open().products("CLI", site="MDW")
    assert [item.product_id for item in listed.references] == ["p20", "p12", "p6"]
    assert listed.problems == ()
    assert service.open().climate_reports(site="MDW") == listed
    assert {str(request.url) for request in service.requests} == {
        "https://weather.test/products/types/CLI/locations/MDW"
    }


@pytest.mark.parametrize(
    "entry",
    [{"id": "a/../b", "issuanceTime": "2026-07-09T06:00:00Z"}, {"id": "a"}, None, {"id": ""}],
)
def test_an_entry_that_cannot_be_read_leaves_the_rest_of_its_list(entry) -> None:
    good = {"id": "good", "issuanceTime": "2026-07-09T06:00:00Z"}
    listed = Service(ok({"@graph": [entry, good]})).open().products("CLI", site="MDW")
    assert [item.product_id for item in listed.references] == ["good"]
    (problem,) = listed.problems
    assert "CLI products" in problem
    with pytest.raises(InvalidDataError, match="CLI products"):
        Service(ok({"@graph": [entry]})).open().products("CLI", site="MDW")


def test_a_product_without_text_is_refused() -> None:
    body = {"id": "a", "issuanceTime": "2026-07-09T06:00:00Z", "productText": ""}
    with pytest.raises(InvalidDataError, match="productText"):
        Service(ok(body)).open().product(product_id="a")
