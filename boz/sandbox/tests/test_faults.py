"""Every kind of fault does to every source what it says."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Callable
from typing import Any

import pytest

from boz.sandbox.faults import SENSELESS, FaultKind, FaultQueue, Source
from boz.sandbox.scenarios import INVENTED_NOW

NOW = INVENTED_NOW
WEEK = dt.timedelta(days=7)
MOMENT = NOW.isoformat()
GRID = "/nws/gridpoints/OKX/34,45"
READINGS = "/nws/stations/KMDW/observations?limit=20"
REPORT = "/nws/products/types/CLI/locations/NYC/latest"
METAR = "/aviationweather/api/data/metar?ids=KMDW&format=json&hours=3"
METEO = (
    "/open-meteo/v1/ensemble?latitude=40.78&longitude=-73.97&hourly=temperature_2m"
    "&models=gem_global_ensemble&forecast_days=2&timeformat=unixtime"
)
CLIMATE = "/iem/json/cli.py?station=KNYC&year=2026"
TEXTS = "/iem/cgi-bin/afos/retrieve.py?pil=CLINYC,DSMNYC&limit=4"
TABLE = (
    "/iem/cgi-bin/request/asos.py?station=NYC&data=tmpf,metar"
    "&sts=2026-07-15T00:00Z&ets=2026-07-15T06:00Z"
)
BULLETIN = "/nbm/blend.20260715/07/text/blend_nbptx.t07z"
COMPANY = "/weather-company/climate/primary?date=2026-07-14"
MARKETS = "/trade-api/v2/markets?limit=20"
PATHS = {
    Source.KALSHI: MARKETS,
    Source.NWS: GRID,
    Source.AVIATIONWEATHER: METAR,
    Source.OPEN_METEO: METEO,
    Source.IEM: CLIMATE,
    Source.NBM: BULLETIN,
    Source.WEATHER_COMPANY: COMPANY,
}


@pytest.fixture
def client(at):
    return at(MOMENT, scenario="every_source")


@pytest.fixture
def spoilt(client) -> Callable[..., Any]:
    """Return the answer to a path, spoilt once, after checking that the next one is sound."""

    def ask(source: Source, kind: FaultKind, path: str, **headers: str) -> Any:
        client.world.faults.add(source, kind, count=1, seconds=0.0)
        wrong, sound = client.get(path, headers=headers), client.get(path, headers=headers)
        assert sound.status_code in (200, 206)
        assert wrong.content != sound.content
        return wrong, sound

    return ask


def every_value(body: Any, name: str) -> list[Any]:
    """Return every value under a name, at any depth."""
    if isinstance(body, list):
        return [value for item in body for value in every_value(item, name)]
    if isinstance(body, dict):
        here = [body[name]] if name in body else []
        return here + [value for item in body.values() for value in every_value(item, name)]
    return []


@pytest.mark.parametrize("source", list(Source))
@pytest.mark.parametrize(
    ("kind", "status"),
    [("http_429", 429), ("http_500", 500), ("http_503", 503), ("timeout", 504)],
)
def test_refusals_have_their_status(spoilt, source, kind, status):
    wrong, _ = spoilt(source, FaultKind(kind), PATHS[source])
    assert wrong.status_code == status
    assert (wrong.headers.get("retry-after") == "1") is (status == 429)


@pytest.mark.parametrize("source", list(Source))
def test_a_web_page_and_half_an_answer_arrive_with_status_200(spoilt, source):
    page, _ = spoilt(source, FaultKind.HTML, PATHS[source])
    assert (page.status_code, page.text[:15]) == (200, "<!DOCTYPE html>")
    half, sound = spoilt(source, FaultKind.TRUNCATED, PATHS[source])
    assert half.status_code == 200
    assert sound.content.startswith(half.content)
    assert len(half.content) == len(sound.content) // 2


@pytest.mark.parametrize("source", list(Source))
def test_an_empty_answer_holds_no_entry(spoilt, source):
    wrong, _ = spoilt(source, FaultKind.EMPTY, PATHS[source])
    assert wrong.status_code == 200
    if source is Source.NBM:
        assert wrong.content == b""
        return
    body = wrong.json()
    lists = json.dumps(body).count("[") - json.dumps(body).count("[]")
    assert lists == 0


@pytest.mark.parametrize(
    ("path", "name"),
    [(GRID, "value"), (READINGS, "value"), (f"{GRID}/forecast", "temperature")],
)
def test_nulls_in_place_of_the_weather_services_values(spoilt, path, name):
    wrong, sound = spoilt(Source.NWS, FaultKind.NULLS, path)
    assert set(every_value(wrong.json(), name)) <= {None} or name == "temperature"
    assert any(value is not None for value in every_value(sound.json(), name))
    if name == "temperature":
        assert set(every_value(wrong.json(), name)) == {None}


def test_nulls_of_the_other_sources(spoilt):
    nulls = FaultKind.NULLS
    assert "  MAXIMUM         MM " in spoilt(Source.NWS, nulls, REPORT)[0].json()["productText"]
    wrong, _ = spoilt(Source.AVIATIONWEATHER, nulls, METAR)
    assert set(every_value(wrong.json(), "rawOb")) == {None}
    hourly = spoilt(Source.OPEN_METEO, nulls, METEO)[0].json()["hourly"]
    assert len(hourly) == 22
    assert all(set(row) == {None} for name, row in hourly.items() if name != "time")
    assert None not in hourly["time"]
    assert set(every_value(spoilt(Source.IEM, nulls, CLIMATE)[0].json(), "high")) == {None}
    texts, _ = spoilt(Source.IEM, nulls, TEXTS)
    assert "  MAXIMUM         MM " in texts.text
    assert "KNYC DS 14/07 M/ M// M/ M//" in texts.text
    rows = spoilt(Source.IEM, nulls, TABLE)[0].text.splitlines()[1:]
    assert len(rows) == 6
    assert all(row.endswith(",M,M") for row in rows)
    bulletin = spoilt(Source.NBM, nulls, BULLETIN)[0].text
    assert " TXNMN -99|-99 -99|" in bulletin
    wrong, _ = spoilt(Source.WEATHER_COMPANY, nulls, COMPANY)
    assert set(every_value(wrong.json(), "maxTemp")) == {None}
    wrong, _ = spoilt(Source.KALSHI, nulls, MARKETS)
    assert set(every_value(wrong.json(), "yes_ask_dollars")) == {None}


@pytest.mark.parametrize(
    ("source", "path", "name"),
    [
        (Source.KALSHI, MARKETS, "close_time"),
        (Source.NWS, GRID, "updateTime"),
        (Source.NWS, READINGS, "timestamp"),
        (Source.NWS, f"{GRID}/forecast/hourly", "periods"),
        (Source.NWS, REPORT, "productText"),
        (Source.AVIATIONWEATHER, METAR, "rawOb"),
        (Source.OPEN_METEO, METEO, "hourly"),
        (Source.IEM, CLIMATE, "high"),
        (Source.WEATHER_COMPANY, COMPANY, "maxTemp"),
    ],
)
def test_a_vital_field_is_missing(spoilt, source, path, name):
    wrong, sound = spoilt(source, FaultKind.MISSING_FIELD, path)
    assert every_value(wrong.json(), name) == []
    assert every_value(sound.json(), name)


def test_vital_parts_of_texts_are_missing(spoilt):
    missing = FaultKind.MISSING_FIELD
    texts = spoilt(Source.IEM, missing, TEXTS)[0].text
    assert "MAXIMUM" not in texts
    assert " DS " not in texts
    assert spoilt(Source.IEM, missing, TABLE)[0].text.startswith("station,time,tmpf")
    bulletin, sound = spoilt(Source.NBM, missing, BULLETIN)
    assert " TXN" not in bulletin.text
    assert len(bulletin.content) == len(sound.content)


def test_absurd_values_are_well_formed_and_impossible(spoilt):
    absurd = FaultKind.ABSURD
    cold = (-200 - 32) / 1.8
    values = every_value(spoilt(Source.NWS, absurd, GRID)[0].json()["properties"], "value")
    assert set(values) == {cold}
    reading = spoilt(Source.NWS, absurd, READINGS)[0].json()["features"][0]["properties"]
    assert reading["temperature"]["value"] == cold
    wrong, _ = spoilt(Source.NWS, absurd, f"{GRID}/forecast")
    assert set(every_value(wrong.json(), "temperature")) == {-200}
    assert "  MAXIMUM       -200 " in spoilt(Source.NWS, absurd, REPORT)[0].json()["productText"]
    wrong, _ = spoilt(Source.AVIATIONWEATHER, absurd, METAR)
    assert all(raw.endswith("T19991999") for raw in every_value(wrong.json(), "rawOb"))
    hourly = spoilt(Source.OPEN_METEO, absurd, METEO)[0].json()["hourly"]
    assert set(hourly["temperature_2m_member07"]) == {-200.0}
    assert set(every_value(spoilt(Source.IEM, absurd, CLIMATE)[0].json(), "high")) == {-200}
    texts = spoilt(Source.IEM, absurd, TEXTS)[0].text
    assert "  MAXIMUM       -200 " in texts
    assert "KNYC DS 14/07 200" in texts
    table = spoilt(Source.IEM, absurd, TABLE)[0].text
    assert all(",-200.00,KNYC" in row and "T19991999" in row for row in table.splitlines()[1:])
    bulletin, sound = spoilt(Source.NBM, absurd, BULLETIN)
    assert " TXNMN 200|200 200|200 200|" in bulletin.text
    assert len(bulletin.content) == len(sound.content)
    wrong, _ = spoilt(Source.WEATHER_COMPANY, absurd, COMPANY)
    assert set(every_value(wrong.json(), "maxTemp")) == {-200}
    wrong, _ = spoilt(Source.KALSHI, absurd, MARKETS)
    assert set(every_value(wrong.json(), "yes_ask_dollars")) == {"7.7700"}


def test_answers_of_another_station_name_it(spoilt):
    elsewhere = FaultKind.WRONG_STATION
    text = spoilt(Source.NWS, elsewhere, REPORT)[0].json()["productText"]
    assert "\nCLIZZZ\n" in text
    assert "...THE NOWHERE CLIMATE SUMMARY FOR" in text
    grid, sound = spoilt(Source.NWS, elsewhere, GRID)
    assert every_value(grid.json(), "gridX") == [every_value(sound.json(), "gridX")[0] + 1]
    wrong, _ = spoilt(Source.NWS, elsewhere, READINGS)
    assert set(every_value(wrong.json(), "stationId")) == {"KZZZ"}
    wrong, _ = spoilt(Source.AVIATIONWEATHER, elsewhere, METAR)
    assert set(every_value(wrong.json(), "icaoId")) == {"KZZZ"}
    assert "METAR KZZZ " in wrong.text
    meteo, sound = spoilt(Source.OPEN_METEO, elsewhere, METEO)
    assert meteo.json()["latitude"] == sound.json()["latitude"] + 10
    wrong, _ = spoilt(Source.IEM, elsewhere, CLIMATE)
    assert set(every_value(wrong.json(), "station")) == {"KZZZ"}
    assert "CLIZZZ" in wrong.text
    texts = spoilt(Source.IEM, elsewhere, TEXTS)[0].text
    assert "CLIZZZ" in texts
    assert "DSMZZZ\nKZZZ DS " in texts
    table = spoilt(Source.IEM, elsewhere, TABLE)[0].text
    assert all(row.startswith("ZZZ,") for row in table.splitlines()[1:])
    bulletin, sound = spoilt(Source.NBM, elsewhere, BULLETIN)
    assert bulletin.text.count(" KZZZ    NBM") == 24
    assert len(bulletin.content) == len(sound.content)
    wrong, _ = spoilt(Source.WEATHER_COMPANY, elsewhere, COMPANY)
    assert set(every_value(wrong.json(), "cliId")) == {"ZZZ"}
    assert set(every_value(wrong.json(), "icao")) == {"KZZZ"}


def test_reports_speak_of_next_week_and_forecasts_of_the_last(spoilt):
    other = FaultKind.WRONG_DAY
    text = spoilt(Source.NWS, other, REPORT)[0].json()["productText"]
    assert "CLIMATE SUMMARY FOR JULY 21 2026" in text
    wrong, sound = spoilt(Source.NWS, other, READINGS)
    reading, real = (body.json()["features"][0]["properties"] for body in (wrong, sound))
    assert dt.datetime.fromisoformat(reading["timestamp"]) == (
        dt.datetime.fromisoformat(real["timestamp"]) + WEEK
    )
    assert reading["rawMessage"].startswith("METAR KMDW 221453Z")
    wrong, _ = spoilt(Source.NWS, other, GRID)
    (first, *_) = wrong.json()["properties"]["maxTemperature"]["values"]
    assert first["validTime"] == "2026-07-08T12:00:00+00:00/PT13H"
    wrong, sound = spoilt(Source.AVIATIONWEATHER, other, METAR)
    assert wrong.json()[0]["obsTime"] == sound.json()[0]["obsTime"] + 7 * 86_400
    assert wrong.json()[0]["rawOb"].startswith("METAR KMDW 221453Z")
    wrong, sound = spoilt(Source.OPEN_METEO, other, METEO)
    assert wrong.json()["hourly"]["time"][0] == sound.json()["hourly"]["time"][0] - 7 * 86_400
    assert spoilt(Source.IEM, other, CLIMATE)[0].json()["results"][-1]["valid"] == "2026-07-21"
    texts = spoilt(Source.IEM, other, TEXTS)[0].text
    assert "SUMMARY FOR JULY 21 2026" in texts
    assert "KNYC DS 21/07 " in texts
    assert "KNYC DS 1500 21/07 " in texts
    assert "NYC,2026-07-22 00:51" in spoilt(Source.IEM, other, TABLE)[0].text
    assert "GUIDANCE    7/08/2026  0700 UTC" in spoilt(Source.NBM, other, BULLETIN)[0].text
    wrong, _ = spoilt(Source.WEATHER_COMPANY, other, COMPANY)
    assert set(every_value(wrong.json(), "reportDate")) == {"2026-07-21"}


def test_entries_come_twice_and_out_of_order(spoilt):
    twice = FaultKind.DUPLICATED

    def is_doubled(entries: list[Any], sound: list[Any]) -> bool:
        return entries == sound + sound[::-1]

    for path, name in ((READINGS, "features"), ("/nws/products/types/CLI/locations/NYC", "@graph")):
        wrong, sound = spoilt(Source.NWS, twice, path)
        assert is_doubled(wrong.json()[name], sound.json()[name])
    wrong, sound = spoilt(Source.NWS, twice, GRID)
    layers = (body.json()["properties"]["temperature"]["values"] for body in (wrong, sound))
    assert is_doubled(*layers)
    wrong, sound = spoilt(Source.AVIATIONWEATHER, twice, METAR)
    assert is_doubled(wrong.json(), sound.json())
    wrong, sound = spoilt(Source.OPEN_METEO, twice, METEO)
    for name in ("time", "temperature_2m_member20"):
        assert is_doubled(wrong.json()["hourly"][name], sound.json()["hourly"][name])
    wrong, sound = spoilt(Source.IEM, twice, CLIMATE)
    assert is_doubled(wrong.json()["results"], sound.json()["results"])
    wrong, sound = spoilt(Source.IEM, twice, TEXTS)
    assert wrong.text == sound.text * 2
    wrong, sound = spoilt(Source.IEM, twice, TABLE)
    header, *rows = sound.text.splitlines()
    assert wrong.text.splitlines() == [header, *rows, *rows[::-1]]
    wrong, sound = spoilt(Source.WEATHER_COMPANY, twice, COMPANY)
    assert is_doubled(wrong.json()["results"], sound.json()["results"])


@pytest.mark.parametrize(
    "kind", [FaultKind.ABSURD, FaultKind.NULLS, FaultKind.WRONG_DAY, FaultKind.TRUNCATED]
)
def test_a_part_of_a_bulletin_stays_a_part(spoilt, kind):
    wrong, sound = spoilt(Source.NBM, kind, BULLETIN, Range="bytes=2000-60000")
    assert wrong.status_code == 206
    assert wrong.headers["content-range"] == sound.headers["content-range"]
    if kind is not FaultKind.TRUNCATED:
        assert len(wrong.content) == len(sound.content)


def test_a_refusal_has_no_values_to_spoil(client):
    client.world.faults.add(Source.NWS, FaultKind.ABSURD, count=1)
    assert client.get("/nws/stations/KXXX/observations").status_code == 404


# Orders ----------------------------------------------------------------------------------------


def order(client, **body):
    response = client.post("/sandbox/faults", json=body)
    assert response.status_code == 200, response.text
    return response.json()


def test_an_outage_lasts_until_it_is_cleared(client):
    told = order(client, source="iem", kind="http_503", count=0)
    assert told["waiting"]["iem"] == 0
    assert told["outages"] == [{"source": "iem", "kind": "http_503", "until": None}]
    assert [client.get(CLIMATE).status_code for _ in range(3)] == [503, 503, 503]
    assert client.get(COMPANY).status_code == 200
    assert order(client, clear=True) == {"waiting": dict.fromkeys(Source, 0), "outages": []}
    assert client.get(CLIMATE).status_code == 200


def test_an_outage_ends_at_its_simulated_time(client):
    order(client, source="nbm", kind="http_500", until="2026-07-15T18:00:00Z")
    assert client.get(BULLETIN).status_code == 500
    client.world.clock.set(NOW.replace(hour=17, minute=59, second=59))
    assert client.get(BULLETIN).status_code == 500
    client.world.clock.set(NOW.replace(hour=18))
    assert client.get(BULLETIN).status_code == 200
    assert client.get("/sandbox/faults").json()["outages"] == []


def test_a_counted_fault_with_an_end_is_over_at_whichever_comes_first():
    queue, soon = FaultQueue(), NOW + dt.timedelta(hours=1)
    queue.add(Source.IEM, FaultKind.HTML, count=2, until=soon)
    queue.add(Source.IEM, FaultKind.EMPTY, count=1)
    assert queue.take(Source.IEM, NOW).kind is FaultKind.HTML
    assert queue.take(Source.IEM, soon).kind is FaultKind.EMPTY
    assert queue.take(Source.IEM, soon) is None


@pytest.mark.parametrize(("source", "kind"), sorted(SENSELESS))
def test_what_cannot_happen_cannot_be_ordered(source, kind):
    with pytest.raises(ValueError, match="makes no sense"):
        FaultQueue().add(source, kind, count=1)
