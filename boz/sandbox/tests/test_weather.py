from __future__ import annotations

import datetime as dt
import re

import pytest

from boz.sandbox.observations import observation_body, raw_report
from boz.sandbox.recordings.loader import RecordedObservation

NOON = "2024-11-27T18:00:00Z"
GRID_NY = "/nws/gridpoints/OKX/34,45"
GRID_MIA = "/nws/gridpoints/MFL/106,51"
METAR = "/aviationweather/api/data/metar"


def problem(response) -> tuple[int, str]:
    assert response.headers["content-type"] == "application/problem+json"
    body = response.json()
    assert body["status"] == response.status_code
    return response.status_code, body["detail"]


@pytest.mark.parametrize(
    ("point", "office", "cell"),
    [
        ("40.7833,-73.9667", "OKX", (34, 45)),
        ("40.7789,-73.9692", "OKX", (34, 45)),
        ("25.7906,-80.3164", "MFL", (106, 51)),
    ],
)
def test_a_point_leads_to_its_grid_on_this_server(at, point, office, cell):
    client = at(NOON)
    properties = client.get(f"/nws/points/{point}").json()["properties"]
    assert (properties["gridId"], (properties["gridX"], properties["gridY"])) == (office, cell)
    assert properties["cwa"] == office
    assert properties["timeZone"] == "America/New_York"
    assert properties["forecastGridData"] == (
        f"http://127.0.0.1:8899/nws/gridpoints/{office}/{cell[0]},{cell[1]}"
    )


@pytest.mark.parametrize("point", ["41.9,-87.7", "here,there", "nan,nan", "40.7833", "1,2,3"])
def test_other_points_are_unknown(at, point):
    assert problem(at(NOON).get(f"/nws/points/{point}"))[0] == 404


def test_a_point_with_too_many_decimals_is_sent_to_the_corrected_one(at):
    response = at(NOON).get("/nws/points/40.783312,-73.966712")
    assert response.status_code == 301
    assert response.headers["location"].endswith("/nws/points/40.7833,-73.9667")


@pytest.mark.parametrize(
    ("moment", "issued", "day", "high_f"),
    [
        ("2024-11-27T00:46:59Z", "2024-11-26T00:47:00+00:00", "2024-11-26", 60),
        ("2024-11-27T00:47:00Z", "2024-11-27T00:47:00+00:00", "2024-11-27", 51),
        ("2024-11-28T00:46:59Z", "2024-11-27T00:47:00+00:00", "2024-11-27", 51),
    ],
)
def test_the_grid_tells_the_latest_issue_and_no_later_one(at, moment, issued, day, high_f):
    properties = at(moment).get(GRID_NY).json()["properties"]
    assert properties["updateTime"] == issued
    assert properties["maxTemperature"]["uom"] == "wmoUnit:degC"
    (value,) = properties["maxTemperature"]["values"]
    assert value["validTime"] == f"{day}T12:00:00+00:00/PT13H"
    assert value["value"] == (high_f - 32) / 1.8
    assert round(value["value"] * 1.8 + 32, 2) == high_f


def test_nothing_is_forecast_before_the_first_issue(at):
    status, detail = problem(at("2024-07-20T00:00:00Z").get(GRID_NY))
    assert (status, "has been issued yet" in detail) == (404, True)


def test_miami_has_no_recorded_forecast_and_says_so(at):
    assert problem(at(NOON).get(GRID_MIA)) == (
        404,
        "no as-issued forecast is recorded for this grid point",
    )


def test_an_unknown_grid_point_is_not_found(at):
    assert problem(at(NOON).get("/nws/gridpoints/OKX/1,1"))[0] == 404


def test_a_request_without_a_user_agent_is_refused(at):
    response = at(NOON).get(GRID_NY, headers={"User-Agent": ""})
    assert problem(response)[0] == 403


def test_the_absurd_scenario_forecasts_minus_200_for_one_day(at):
    client = at("2024-11-14T15:00:00Z", scenario="absurd_forecast")
    (value,) = client.get(GRID_NY).json()["properties"]["maxTemperature"]["values"]
    assert round(value["value"] * 1.8 + 32) == -200
    client.world.clock.set(dt.datetime(2024, 11, 15, 1, tzinfo=dt.UTC))
    (value,) = client.get(GRID_NY).json()["properties"]["maxTemperature"]["values"]
    assert round(value["value"] * 1.8 + 32) == 56


# Climate reports ---------------------------------------------------------------------------


def listed(client, site: str) -> list[dict]:
    response = client.get(f"/nws/products/types/CLI/locations/{site}")
    assert response.status_code == 200
    return response.json()["@graph"]


def maximum(text: str) -> int:
    match = re.search(r"^  MAXIMUM +(-?\d+) ", text, re.M)
    assert match, text
    return int(match[1])


def test_the_list_is_newest_first_with_at_most_28_and_nothing_unissued(at):
    graph = listed(at(NOON), "NYC")
    times = [item["issuanceTime"] for item in graph]
    assert times[0] == "2024-11-27T07:26:00+00:00"
    assert times == sorted(times, reverse=True)
    assert len(graph) == 28
    assert set(graph[0]) == {
        "@id",
        "id",
        "wmoCollectiveId",
        "issuingOffice",
        "issuanceTime",
        "productCode",
        "productName",
    }
    assert (graph[0]["wmoCollectiveId"], graph[0]["issuingOffice"]) == ("CDUS41", "KOKX")


@pytest.mark.parametrize("query", ["limit=1", "limit=", "x=1"])
def test_the_list_refuses_any_parameter(at, query):
    response = at(NOON).get(f"/nws/products/types/CLI/locations/NYC?{query}")
    assert problem(response)[0] == 400


def test_a_site_without_reports_has_an_empty_list(at):
    assert listed(at(NOON), "ORD") == []


def test_the_final_report_follows_the_real_layout(at):
    client = at(NOON)
    response = client.get("/nws/products/types/CLI/locations/NYC/latest")
    assert response.headers["X-Derived-From"] == "daily highs"
    text = response.json()["productText"]
    assert text.startswith("\n000\nCDUS41 KOKX 270726\nCLINYC\n\nCLIMATE REPORT \n")
    assert "\nNATIONAL WEATHER SERVICE NEW YORK, NY\n226 AM EST WED NOV 27 2024\n" in text
    assert "\n...THE CENTRAL PARK NY CLIMATE SUMMARY FOR NOVEMBER 26 2024...\n" in text
    assert "VALID" not in text
    assert "\nTEMPERATURE (F)" in text
    assert re.search(r"^ YESTERDAY$", text, re.M)
    assert maximum(text) == 58
    assert text.index("  MAXIMUM         58") > 0
    assert text.rstrip().endswith("$$")


def test_the_stamp_follows_daylight_time_while_the_schedule_stays_in_utc(at):
    client = at("2024-07-10T08:00:00Z")
    text = client.get("/nws/products/types/CLI/locations/NYC/latest").json()["productText"]
    assert "\n326 AM EDT WED JUL 10 2024\n" in text


def test_every_day_of_the_history_can_be_read_day_by_day(at, recordings):
    official = {high.day: high.high_f for high in recordings.highs if high.city == "NY"}
    client = at("2024-07-02T08:00:00Z")
    read = {}
    for step in range(len(official)):
        client.world.clock.set(dt.datetime(2024, 7, 2, 8, tzinfo=dt.UTC) + dt.timedelta(days=step))
        body = client.get("/nws/products/types/CLI/locations/NYC/latest").json()
        headline = re.search(r"SUMMARY FOR (\w+ \d+ \d+)\.\.\.", body["productText"])
        day = dt.datetime.strptime(headline[1], "%B %d %Y").date()  # noqa: DTZ007 - a date
        read[day] = maximum(body["productText"])
    assert read == official


@pytest.mark.parametrize(
    ("moment", "value", "partial"),
    [
        ("2024-11-27T21:24:59Z", 82, False),  # still the report of the day before
        ("2024-11-27T21:25:00Z", 81, True),
        ("2024-11-28T09:31:59Z", 81, True),
        ("2024-11-28T09:32:00Z", 84, False),
        ("2024-11-28T13:55:59Z", 84, False),
        ("2024-11-28T13:56:00Z", 81, False),
    ],
)
def test_miami_on_27_november_reads_81_then_84_then_81(at, moment, value, partial, recordings):
    text = at(moment).get("/nws/products/types/CLI/locations/MIA/latest").json()["productText"]
    if moment == "2024-11-27T21:24:59Z":
        (value,) = [
            high.high_f
            for high in recordings.highs
            if high.city == "MIA" and str(high.day) == "2024-11-26"
        ]
        assert "SUMMARY FOR NOVEMBER 26 2024" in text
    else:
        assert "...THE MIAMI CLIMATE SUMMARY FOR NOVEMBER 27 2024..." in text
    assert maximum(text) == value
    assert ("VALID TODAY AS OF 0400 PM LOCAL TIME." in text) is partial
    assert bool(re.search(r"^ TODAY$", text, re.M)) is partial


def test_the_wrong_84_carries_its_time_and_says_it_is_recorded(at):
    response = at("2024-11-28T10:00:00Z").get("/nws/products/types/CLI/locations/MIA/latest")
    assert "  MAXIMUM         84   4:18 AM " in response.json()["productText"]
    assert "CDUS42 KMFL 280932" in response.json()["productText"]
    assert response.headers["X-Derived-From"] == "recorded maximum and issue time"


def test_a_product_is_read_by_its_identifier_only_once_issued(at):
    client = at(NOON)
    newest = listed(client, "MIA")[0]
    body = client.get(f"/nws/products/{newest['id']}").json()
    assert {key: body[key] for key in newest} == newest
    earlier = at("2024-11-27T09:24:59Z")
    assert problem(earlier.get(f"/nws/products/{newest['id']}"))[0] == 404
    later = at("2024-11-27T09:25:00Z")
    assert listed(later, "MIA")[0]["id"] == newest["id"]


# Observations ------------------------------------------------------------------------------


def test_observations_are_newest_first_and_five_minutes_late(at):
    query = {"ids": "KMIA,KNYC", "format": "json", "hours": "3"}
    rows = at("2024-11-27T17:57:59Z").get(METAR, params=query).json()
    assert [row["reportTime"][11:16] for row in rows] == ["16:53", "15:53"]
    rows = at("2024-11-27T17:58:00Z").get(METAR, params=query).json()
    assert [row["reportTime"][11:16] for row in rows] == ["17:53", "16:53", "15:53"]
    assert {row["icaoId"] for row in rows} == {"KMIA"}


def test_a_station_without_observations_gives_an_empty_list(at):
    response = at(NOON).get(METAR, params={"ids": "KNYC", "format": "json", "hours": 24})
    assert (response.status_code, response.json()) == (200, [])


@pytest.mark.parametrize(
    "params",
    [
        {"format": "json"},
        {"ids": "KMIA", "format": "xml"},
        {"ids": "KMIA", "format": "json", "hours": "all"},
        {"ids": "KMIA", "format": "json", "hours": "-1"},
        {"ids": "KMIA", "format": "json", "date": "yesterday"},
    ],
)
def test_bad_observation_requests_are_refused(at, params):
    assert at(NOON).get(METAR, params=params).status_code == 400


def test_a_range_may_end_earlier_but_never_later_than_now(at):
    client = at("2024-11-27T18:00:00Z")
    query = {"ids": "KMIA", "format": "json", "hours": 0.25, "date": "20241127_1200"}
    rows = client.get(METAR, params=query).json()
    assert {row["reportTime"][:14] for row in rows} == {"2024-11-27T11:"}
    query["date"] = "2024-11-28T00:00:00Z"
    rows = client.get(METAR, params=query).json()
    assert [row["reportTime"][:16] for row in rows] == ["2024-11-27T17:53"]


def observation(**changes) -> RecordedObservation:
    values = {
        "station": "KMIA",
        "observed_at": dt.datetime(2024, 11, 14, 5, 53, tzinfo=dt.UTC),
        "kind": "FM-15",
        "temp_c": 25.0,
        "tgroup_c": 25.0,
        "max6h_c": 26.1,
        "dew_c": 16.7,
        "wind_dir": 90,
        "wind_ms": 6.2,
        "slp_hpa": 1016.1,
    }
    return RecordedObservation(**(values | changes))


def test_the_raw_report_carries_the_groups_that_were_recorded():
    assert raw_report(observation()) == (
        "METAR KMIA 140553Z 09012KT 25/17 RMK AO2 SLP161 T02500167 10261"
    )
    bare = observation(
        kind="FM-16", tgroup_c=None, max6h_c=None, slp_hpa=None, wind_dir=None, wind_ms=3.6
    )
    assert raw_report(bare) == "SPECI KMIA 140553Z VRB07KT 25/17 RMK AO2"


def test_temperatures_below_zero_are_written_as_the_code_demands():
    report = raw_report(
        observation(temp_c=-2.2, tgroup_c=-2.2, dew_c=-10.6, max6h_c=-0.6, wind_ms=0.0)
    )
    assert report == "METAR KMIA 140553Z 00000KT M02/M11 RMK AO2 SLP161 T10221106 11006"


def test_the_body_leaves_out_what_is_unknown():
    body = observation_body(observation(max6h_c=None, slp_hpa=None, dew_c=None, wind_ms=None))
    assert {"maxT", "slp", "dewp", "wspd", "wdir"} & set(body) == set()
    assert observation_body(observation())["maxT"] == 26.1
    assert body["obsTime"] == 1731563580
