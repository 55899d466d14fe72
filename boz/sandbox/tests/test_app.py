from __future__ import annotations

import json

import pytest

from boz.sandbox.tests.conftest import REST

NOON = "2024-11-27T18:00:00Z"
GRID = "/nws/gridpoints/OKX/34,45"
METAR = "/aviationweather/api/data/metar?ids=KMIA&format=json&hours=3"
PATHS = {"kalshi": f"{REST}/markets?status=open", "nws": GRID, "aviationweather": METAR}


def test_the_clock_can_be_read_and_moved_forward(at):
    client = at(NOON)
    assert client.get("/sandbox/clock").json()["now"] == NOON
    moved = client.post("/sandbox/clock", json={"now": "2024-11-27T19:00:00Z"})
    assert (moved.status_code, moved.json()["now"]) == (200, "2024-11-27T19:00:00Z")
    assert client.get("/sandbox/clock").json()["now"] == "2024-11-27T19:00:00Z"


def test_the_clock_refuses_to_go_back(at):
    client = at(NOON)
    response = client.post("/sandbox/clock", json={"now": "2024-11-27T17:59:59Z"})
    assert (response.status_code, response.json()["error"]["code"]) == (409, "clock_backwards")
    assert client.get("/sandbox/clock").json()["now"] == NOON


@pytest.mark.parametrize("body", ["{}", "[]", "now", '{"now": 5}', '{"now": "2024-11-28"}'])
def test_a_clock_setting_that_is_no_time_is_refused(at, body):
    response = at(NOON).post("/sandbox/clock", content=body)
    assert response.status_code == 400


def test_the_scenario_tells_what_is_wrong_and_where(at):
    body = at(NOON, scenario="ladder_gap").get("/sandbox/scenario").json()
    assert body["name"] == "ladder_gap"
    assert body["subject"] == "KXHIGHNY-24NOV14-B48.5"
    assert (body["first_day"], body["last_day"]) == ("2024-11-14", "2024-12-16")


def order(client, source: str, kind: str, count: int = 1, **more):
    response = client.post(
        "/sandbox/faults", json={"source": source, "kind": kind, "count": count, **more}
    )
    assert response.status_code == 200, response.text
    return response.json()["waiting"]


@pytest.mark.parametrize("source", list(PATHS))
@pytest.mark.parametrize(("kind", "status"), [("http_500", 500), ("http_503", 503)])
def test_the_ordered_number_of_answers_fails_and_no_more(at, source, kind, status):
    client = at(NOON)
    assert order(client, source, kind, 2)[source] == 2
    seen = [client.get(PATHS[source]).status_code for _ in range(3)]
    assert seen == [status, status, 200]


def test_a_fault_of_one_source_leaves_the_others_alone(at):
    client = at(NOON)
    order(client, "nws", "http_500", 3)
    assert client.get(PATHS["kalshi"]).status_code == 200
    assert client.get(PATHS["aviationweather"]).status_code == 200
    assert client.get(GRID).status_code == 500


@pytest.mark.parametrize("source", list(PATHS))
def test_html_arrives_with_status_200(at, source):
    client = at(NOON)
    order(client, source, "html")
    response = client.get(PATHS[source])
    assert response.status_code == 200
    assert response.headers["content-type"].startswith("text/html")


@pytest.mark.parametrize("source", list(PATHS))
def test_truncated_json_does_not_parse(at, source):
    client = at(NOON)
    order(client, source, "truncated")
    response = client.get(PATHS[source])
    assert response.status_code == 200
    with pytest.raises(json.JSONDecodeError):
        response.json()


@pytest.mark.parametrize(
    ("source", "path", "field"),
    [
        ("kalshi", f"{REST}/markets?status=open", "close_time"),
        ("kalshi", f"{REST}/markets/KXHIGHNY-24NOV27-B52.5/orderbook", "no_dollars"),
        ("nws", GRID, "updateTime"),
        ("nws", "/nws/products/types/CLI/locations/NYC/latest", "productText"),
        ("aviationweather", METAR, "rawOb"),
    ],
)
def test_a_missing_field_is_missing_once(at, source, path, field):
    client = at(NOON)
    order(client, source, "missing_field")
    assert f'"{field}"' not in client.get(path).text
    assert f'"{field}"' in client.get(path).text


def test_absurd_answers_are_well_formed_and_impossible(at):
    client = at(NOON)
    order(client, "nws", "absurd", 2)
    (value,) = client.get(GRID).json()["properties"]["maxTemperature"]["values"]
    assert round(value["value"] * 1.8 + 32) == -200
    text = client.get("/nws/products/types/CLI/locations/NYC/latest").json()["productText"]
    assert "  MAXIMUM       -200 " in text
    order(client, "kalshi", "absurd", 2)
    market = client.rest("/markets", status="open")["markets"][0]
    assert float(market["yes_ask_dollars"]) > 1
    book = client.rest("/markets/KXHIGHNY-24NOV27-B52.5/orderbook")["orderbook_fp"]
    assert all(float(price) > 1 for price, _ in book["yes_dollars"] + book["no_dollars"])
    order(client, "aviationweather", "absurd")
    assert client.get(METAR).json()[0]["temp"] < -100


def test_text_without_fields_passes_unspoilt(at):
    client = at(NOON)
    order(client, "aviationweather", "missing_field")
    raw = client.get("/aviationweather/api/data/metar?ids=KMIA&format=raw")
    assert raw.text.startswith("METAR KMIA 271753Z")


def test_a_timeout_keeps_silent_before_it_fails(at):
    client = at(NOON)
    order(client, "nws", "timeout", seconds=0.01)
    assert client.get(GRID).status_code == 504


@pytest.mark.parametrize(
    "body",
    [
        {"source": "nasa", "kind": "html", "count": 1},
        {"source": "nws", "kind": "melted", "count": 1},
        {"source": "nws", "kind": "html", "count": -1},
        {"source": "nws", "kind": "html", "until": "tomorrow"},
        {"source": "kalshi", "kind": "wrong_day"},
        {"source": "nbm", "kind": "duplicated"},
        {"source": "nws", "kind": "html", "count": "two"},
        {"source": "nws", "kind": "timeout", "count": 1, "seconds": -1},
        {},
    ],
)
def test_a_fault_order_that_makes_no_sense_is_refused(at, body):
    client = at(NOON)
    assert client.post("/sandbox/faults", json=body).status_code == 400
    assert client.get(GRID).status_code == 200
