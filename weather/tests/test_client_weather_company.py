"""A settlement value is taken only when nothing in its entry speaks against it."""

from __future__ import annotations

import copy
import datetime as dt
import json
from pathlib import Path

import httpx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from boz.core.errors import DataUnavailable, InvalidDataError, TransientError
from boz.core.http import HttpTransport
from weather.clients.weather_company import DailyValue, Status, WeatherCompanyClient

DAY = dt.date(2026, 9, 23)
BODY = json.loads(
    (Path(__file__).parent / "payloads" / "weather_company_20260923_constructed.json").read_text()
)


def answered(answer) -> WeatherCompanyClient:
    def handle(request: httpx.Request) -> httpx.Response:
        assert request.url.path == "/kalshi/api/climate/primary"
        assert dict(request.url.params) == {"date": "2026-09-23"}
        if isinstance(answer, httpx.Response):
            return answer
        return httpx.Response(200, json=answer)

    http = HttpTransport(
        base_url="http://127.0.0.1:9/kalshi/api",
        source="weather.com",
        retries=0,
        transport=httpx.MockTransport(handle),
    )
    return WeatherCompanyClient(http)


def with_entry(index: int = 0, *, data: dict | None = None, **changes):
    """Return the answer with one entry changed."""
    body = copy.deepcopy(BODY)
    body["results"][index].update(changes)
    if data is not None:
        body["results"][index]["data"] = {**(body["results"][index]["data"] or {}), **data}
    return body


def test_each_status_is_read_with_its_value_and_time():
    answer = answered(BODY).daily_values(DAY)
    assert answer.problems == ()
    assert answer.values == (
        DailyValue("BOS", "KBOS", DAY, Status.OFFICIAL, 64, None),
        DailyValue(
            "NYC", "KNYC", DAY, Status.PRELIMINARY, 68,
            dt.datetime(2026, 9, 23, 20, 35, tzinfo=dt.UTC),
        ),
        DailyValue(
            "MIA", "KMIA", DAY, Status.REVISED, 90,
            dt.datetime(2026, 9, 24, 12, 56, tzinfo=dt.UTC),
        ),
        DailyValue("DEN", "KDEN", DAY, Status.NO_REPORT, None, None),
    )  # fmt: skip


@pytest.mark.parametrize("value", [0, -12, 64.0])
def test_zero_and_below_are_temperatures(value):
    answer = answered(with_entry(data={"maxTemp": value})).daily_values(DAY)
    assert answer.values[0].max_f == value
    assert isinstance(answer.values[0].max_f, int)


@pytest.mark.parametrize("value", [64.5, "64", "M", True, 141, -81, 1e300, [64], {}, None])
def test_what_is_no_plausible_whole_degree_is_refused(value):
    answer = answered(with_entry(data={"maxTemp": value})).daily_values(DAY)
    assert [item.cli_id for item in answer.values] == ["NYC", "MIA", "DEN"]
    assert [name for name, _ in answer.problems] == ["BOS"]


@pytest.mark.parametrize(
    "body",
    [
        with_entry(status="final"),
        with_entry(status=None),
        with_entry(status=["official"]),
        with_entry(status="preliminary"),  # the data say that it is official
        with_entry(status="no_report"),  # with a value
        with_entry(data={"isOfficial": False}),
        with_entry(data={"stationId": "BWI"}),
        with_entry(data={"reportDate": "2026-09-22"}),
        with_entry(data={"unit": "C"}),
        with_entry(units="celsius"),
        with_entry(station=None),
        with_entry(station={"cliId": "", "icao": "KBOS"}),
        with_entry(station={"cliId": 7, "icao": "KBOS"}),
        with_entry(station={"cliId": "BOS", "icao": 7}),
    ],
)
def test_an_entry_that_contradicts_itself_is_refused_and_the_others_stay(body):
    answer = answered(body).daily_values(DAY)
    assert [item.cli_id for item in answer.values] == ["NYC", "MIA", "DEN"]
    assert len(answer.problems) == 1


def test_an_official_entry_without_data_is_refused():
    body = copy.deepcopy(BODY)
    body["results"][0]["data"] = None
    answer = answered(body).daily_values(DAY)
    assert answer.problems == (("BOS", "The official entry has no maximum."),)


@pytest.mark.parametrize("unit", ["F", "°F", "fahrenheit"])
def test_fahrenheit_may_be_said(unit):
    assert answered(with_entry(unit=unit)).daily_values(DAY).values[0].max_f == 64


@pytest.mark.parametrize("text", ["", None, "yesterday", "2026-09-24T06:30:00", 7])
def test_a_time_that_cannot_be_trusted_is_unknown(text):
    answer = answered(with_entry(data={"issueTime": text})).daily_values(DAY)
    assert answer.values[0].issued_at is None


def test_two_entries_for_a_station_are_both_refused():
    body = copy.deepcopy(BODY)
    body["results"].append(copy.deepcopy(body["results"][0]))
    body["results"][-1]["data"]["maxTemp"] = 65
    answer = answered(body).daily_values(DAY)
    assert "BOS" not in [item.cli_id for item in answer.values]
    assert [name for name, _ in answer.problems] == ["BOS"]


@pytest.mark.parametrize("item", [None, 7, "BOS", [], {}])
def test_an_entry_that_is_none_is_refused(item):
    body = {**BODY, "results": [item, *BODY["results"]]}
    answer = answered(body).daily_values(DAY)
    assert len(answer.values) == 4
    assert [name for name, _ in answer.problems] == ["unknown"]


def test_no_entries_are_an_answer():
    assert answered({"results": []}).daily_values(DAY).values == ()


@pytest.mark.parametrize(
    "body", [[], {}, {"results": None}, {"results": {}}, {**BODY, "date": "2026-09-22"}]
)
def test_an_answer_of_another_shape_or_day_is_refused(body):
    with pytest.raises(InvalidDataError):
        answered(body).daily_values(DAY)


@pytest.mark.parametrize(
    ("response", "error"),
    [
        (httpx.Response(200, text="<html>weather</html>"), TransientError),
        (httpx.Response(200, text='{"results": ['), TransientError),
        (httpx.Response(200, text='{"results": [NaN]}'), InvalidDataError),
        (httpx.Response(503), TransientError),
        (httpx.Response(403, text="blocked"), DataUnavailable),
    ],
)
def test_an_outage_is_a_typed_error(response, error):
    with pytest.raises(error):
        answered(response).daily_values(DAY)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=12),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner),
    max_leaves=6,
)  # fmt: skip


@settings(max_examples=150)
@given(
    entry=st.fixed_dictionaries(
        {},
        optional={
            "station": st.fixed_dictionaries({"cliId": JSON, "icao": JSON}) | JSON,
            "status": st.sampled_from([*Status]) | JSON,
            "unit": JSON,
            "data": st.dictionaries(
                st.sampled_from(["stationId", "reportDate", "maxTemp", "isOfficial", "issueTime"]),
                JSON,
            )
            | JSON,
        },
    )
)
def test_no_entry_crashes_the_reading_or_hides_another(entry):
    answer = answered({"results": [entry, BODY["results"][1]]}).daily_values(DAY)
    assert len(answer.values) + len(answer.problems) >= 2
    for value in answer.values:
        if value.cli_id != "NYC" and value.max_f is not None:
            assert value.max_f == entry["data"]["maxTemp"]


def test_the_ordinary_client_takes_its_address_from_the_settings(settings):
    settings.WEATHER_COMPANY_API_URL = "http://127.0.0.1:9/there"
    with WeatherCompanyClient.from_settings() as client:
        assert client._http.source == "weather.com"
        assert client._http._base_url == "http://127.0.0.1:9/there"
