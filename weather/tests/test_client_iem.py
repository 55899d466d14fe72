"""Archive answers become rows that can be trusted, and sentences for the rows that cannot."""

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
from weather.clients.iem import IemClient
from weather.clients.iem_rows import (
    ArchivedMetar,
    ArchivedNbm,
    IemClimateDay,
    metars,
    nbm_extremes,
    parse_product_id,
)

PAYLOADS = Path(__file__).parent / "payloads"
UTC = dt.UTC
CLI = json.loads((PAYLOADS / "iem_cli_knyc_constructed.json").read_text())
START, END = dt.datetime(2026, 7, 1, 5, tzinfo=UTC), dt.datetime(2026, 7, 2, 5, tzinfo=UTC)
OFFSET = dt.timedelta(hours=-5)


class Mesonet:
    """Answers everything with one answer and remembers what was asked."""

    def __init__(self, answer) -> None:
        self.answer = answer
        self.asked: list[httpx.URL] = []

    def handle(self, request: httpx.Request) -> httpx.Response:
        self.asked.append(request.url)
        if isinstance(self.answer, httpx.Response):
            return self.answer
        if isinstance(self.answer, str):
            return httpx.Response(200, text=self.answer)
        return httpx.Response(200, json=self.answer)

    def client(self) -> IemClient:
        return IemClient(
            HttpTransport(
                base_url="http://127.0.0.1:9",
                source="mesonet.agron.iastate.edu",
                retries=0,
                transport=httpx.MockTransport(self.handle),
            )
        )


def client(answer) -> IemClient:
    return Mesonet(answer).client()


def cli_days(**changes):
    body = copy.deepcopy(CLI)
    body["results"][0].update(changes)
    return client(body).climate_days(icao="KNYC", cli_id="NYC", year=2026)


# --- climate days ------------------------------------------------------------------------------


def test_a_climate_day_comes_with_the_issuance_of_its_product():
    service = Mesonet(CLI)
    answer = service.client().climate_days(icao="KNYC", cli_id="NYC", year=2026)

    assert str(service.asked[0]).endswith("/json/cli.py?station=KNYC&year=2026")
    product = parse_product_id("202607090626-KOKX-CDUS41-CLINYC")
    assert answer.problems == ()
    assert answer.rows == (IemClimateDay("KNYC", dt.date(2026, 7, 8), 85, 64, product),)
    assert product.issued_at == dt.datetime(2026, 7, 9, 6, 26, tzinfo=UTC)
    assert (product.office, product.pil, product.bbb) == ("KOKX", "CLINYC", "")


@pytest.mark.parametrize(
    ("issued", "is_partial"),
    [("202607090626", False), ("202607090500", False), ("202607090459", True),
     ("202607082035", True)],
)  # fmt: skip
def test_a_product_issued_before_the_standard_day_ends_is_partial(issued, is_partial):
    (row,) = cli_days(product=f"{issued}-KOKX-CDUS41-CLINYC").rows
    assert row.is_partial(standard_offset=OFFSET) is is_partial


def test_a_correction_keeps_its_mark():
    (row,) = cli_days(product="202607091200-KOKX-CDUS41-CLINYC-CCA").rows
    assert row.product.bbb == "CCA"


@pytest.mark.parametrize("missing", ["M", None, ""])
def test_a_missing_high_is_none(missing):
    (row,) = cli_days(high=missing).rows
    assert (row.high_f, row.low_f) == (None, 64)


@pytest.mark.parametrize("high", [0, -5, 85.0])
def test_zero_and_below_are_temperatures(high):
    (row,) = cli_days(high=high, low=-9).rows
    assert row.high_f == high


@pytest.mark.parametrize(
    "changes",
    [
        {"high": "T"},
        {"high": "85"},
        {"high": 85.5},
        {"high": True},
        {"high": 141},
        {"high": 1e300},
        {"high": 10**400},
        {"high": [85]},
        {"low": 86},
        {"station": "KJFK"},
        {"product": "202607090626-KOKX-CDUS41-CLIJFK"},
        {"product": "202607090626-KOKX-CDUS41-DSMNYC"},
        {"product": "202613090626-KOKX-CDUS41-CLINYC"},
        {"product": None},
        {"product": "M"},
        {"valid": "2025-07-08"},
        {"valid": "2026-02-29"},
        {"valid": None},
    ],
)
def test_a_row_that_cannot_be_trusted_is_refused(changes):
    answer = cli_days(**changes)
    assert answer.rows == ()
    assert len(answer.problems) == 1


def test_a_bad_row_does_not_hide_the_others():
    body = {"results": [None, "M", {**CLI["results"][0], "high": "T"}, *CLI["results"]]}
    answer = client(body).climate_days(icao="KNYC", cli_id="NYC", year=2026)
    assert [row.high_f for row in answer.rows] == [85]
    assert [name for name, _ in answer.problems] == ["unknown", "unknown", "2026-07-08"]


def test_an_empty_year_is_an_answer():
    answer = client({"results": []}).climate_days(icao="KNYC", cli_id="NYC", year=2026)
    assert (answer.rows, answer.problems) == ((), ())


@pytest.mark.parametrize("body", [{}, [], {"results": None}])
def test_an_answer_without_rows_is_refused(body):
    with pytest.raises(InvalidDataError, match="no list of climate reports"):
        client(body).climate_days(icao="KNYC", cli_id="NYC", year=2026)


# --- products ----------------------------------------------------------------------------------


def test_the_list_of_a_day_says_when_each_issuance_came_in():
    service = Mesonet(json.loads((PAYLOADS / "iem_list_clinyc_20260710.json").read_text()))
    answer = service.client().product_list(pil="CLINYC", date=dt.date(2026, 7, 10))

    assert service.asked[0].path == "/api/1/nws/afos/list.json"
    assert dict(service.asked[0].params) == {"pil": "CLINYC", "date": "2026-07-10"}
    assert [item.product.text for item in answer.rows] == [
        "202607100625-KOKX-CDUS41-CLINYC",
        "202607102035-KOKX-CDUS41-CLINYC",
    ]
    assert answer.rows[1].entered_at == dt.datetime(2026, 7, 10, 20, 35, tzinfo=UTC)


@pytest.mark.parametrize(
    "entry",
    [
        {"product_id": "202607100625-KOKX-CDUS41-CLIJFK", "entered": "2026-07-10T06:25:00Z"},
        {"product_id": "202607100625-KOKX-CDUS41-CLINYC", "entered": "2026-07-10T06:25:00"},
        {"product_id": "202607100625-KOKX-CDUS41-CLINYC", "entered": None},
        {"product_id": "../../etc", "entered": "2026-07-10T06:25:00Z"},
        {},
        None,
    ],
)
def test_an_entry_that_cannot_be_trusted_is_refused(entry):
    answer = client({"data": [entry]}).product_list(pil="CLINYC", date=dt.date(2026, 7, 10))
    assert answer.rows == ()
    assert len(answer.problems) == 1


def test_the_text_of_an_issuance():
    text = (PAYLOADS / "iem_text_clinyc_202607100625.txt").read_text()
    service = Mesonet(text)
    assert service.client().product_text("202607100625-KOKX-CDUS41-CLINYC") == text
    assert service.asked[0].path == "/api/1/nwstext/202607100625-KOKX-CDUS41-CLINYC"


def test_the_text_of_another_product_is_refused():
    text = (PAYLOADS / "iem_text_clinyc_202607100625.txt").read_text()
    with pytest.raises(InvalidDataError, match="not the CLIMIA"):
        client(text).product_text("202607100625-KMFL-CDUS42-CLIMIA")


@pytest.mark.parametrize("product_id", ["", "x", "../secret", "202607100625-KOKX-CDUS41"])
def test_what_is_no_product_is_not_asked_for(product_id):
    service = Mesonet("text")
    with pytest.raises(InvalidDataError):
        service.client().product_text(product_id)
    assert service.asked == []


# --- daily summary messages --------------------------------------------------------------------


def test_messages_of_several_stations_come_in_one_call_and_apart():
    recorded = (PAYLOADS / "iem_dsm_kzme.txt").read_text()
    second = "\x01\r\r\n512 \r\r\nCXUS41 KOKX 082044\r\r\nDSMNYC\r\r\nKNYC DS 1500=\r\r\n\x03"
    service = Mesonet(recorded + "\x03\n" + second)
    messages = service.client().daily_summary_messages(["DSMNYC", "DSMMDW"], limit=4)

    assert service.asked[0].path == "/cgi-bin/afos/retrieve.py"
    assert dict(service.asked[0].params) == {"pil": "DSMNYC,DSMMDW", "limit": "4", "fmt": "text"}
    assert len(messages) == 2
    assert "KFSM DS 26/11 591546/" in messages[0]
    assert messages[1].endswith("KNYC DS 1500=")
    assert not any("\x01" in message or "\x03" in message for message in messages)


def test_no_message_is_unavailable():
    with pytest.raises(DataUnavailable):
        client("ERROR: Could not Find: DSMNYC").daily_summary_messages(["DSMNYC"], limit=1)


# --- station reports ---------------------------------------------------------------------------

METARS = (
    "station,valid,metar\n"
    "NYC,2026-07-01 05:51,KNYC 010551Z AUTO VRB03KT 10SM CLR 24/17 A3002 RMK AO2 T02440172\n"
    "NYC,2026-07-01 06:20,M\n"
    "NYC,2026-07-01 06:51,KNYC 010651Z AUTO 00000KT 10SM CLR 23/17 A3002 RMK AO2 T02330172\n"
)


def test_station_reports_with_their_times():
    service = Mesonet(METARS)
    answer = service.client().metars("NYC", start=START, end=END)

    params = service.asked[0].params
    assert service.asked[0].path == "/cgi-bin/request/asos.py"
    assert params.get_list("report_type") == ["3", "4"]
    assert (params["sts"], params["ets"]) == ("2026-07-01T05:00Z", "2026-07-02T05:00Z")
    assert (params["station"], params["data"], params["tz"]) == ("NYC", "metar", "Etc/UTC")
    assert (params["format"], params["missing"]) == ("onlycomma", "M")
    assert answer.problems == ()
    assert [row.observed_at.minute for row in answer.rows] == [51, 51]
    assert isinstance(answer.rows[0], ArchivedMetar)
    assert answer.rows[0].raw.startswith("KNYC 010551Z AUTO")


def test_reports_of_every_five_minutes_are_asked_for_only_when_wanted():
    service = Mesonet(METARS)
    service.client().metars("NYC", start=START, end=END, with_five_minutes=True)
    assert service.asked[0].params.get_list("report_type") == ["3", "4", "1"]


def test_times_go_out_in_utc():
    service = Mesonet(METARS)
    zone = dt.timezone(OFFSET)
    service.client().metars("NYC", start=START.astimezone(zone), end=END.astimezone(zone))
    assert service.asked[0].params["sts"] == "2026-07-01T05:00Z"


def test_a_cut_row_or_another_station_is_refused_and_the_others_stay():
    table = METARS + "JFK,2026-07-01 06:51,KJFK 010651Z\nNYC,yesterday,KNYC\nNYC,2026-07-01 0"
    answer = client(table).metars("NYC", start=START, end=END)
    assert len(answer.rows) == 2
    assert len(answer.problems) == 3


# --- archived forecasts ------------------------------------------------------------------------


def test_archived_maxima_with_their_days():
    service = Mesonet((PAYLOADS / "iem_mos_nbs_kmia_20210615.csv").read_text())
    answer = service.client().nbs_archive("KMIA", start=START, end=END)

    assert service.asked[0].path == "/cgi-bin/request/mos.py"
    assert service.asked[0].params["model"] == "NBS"
    assert answer.problems == ()
    cycle = dt.datetime(2021, 6, 15, 1, tzinfo=UTC)
    assert answer.rows[0] == ArchivedNbm(
        "KMIA", cycle, dt.datetime(2021, 6, 16, tzinfo=UTC), 90.0, 2.0
    )
    assert [row.climate_day for row in answer.rows] == [
        dt.date(2021, 6, 15), None, dt.date(2021, 6, 16),
    ]  # fmt: skip


@pytest.mark.parametrize(
    "row",
    [
        "2021-06-15 01:00:00,2021-06-16 00:00:00,NBE,KMIA,90.0,2.0",
        "2021-06-15 01:00:00,2021-06-16 00:00:00,NBS,KFLL,90.0,2.0",
        "2021-06-15 01:00:00,2021-06-16 00:00:00,NBS,KMIA,190.0,2.0",
        "2021-06-15 01:00:00,2021-06-16 00:00:00,NBS,KMIA,nan,2.0",
        "2021-06-15 01:00:00,2021-06-16 00:00:00,NBS,KMIA,9_0,2.0",
        "2021-06-15 01:00:00,2021-06-16 00:00:00,NBS,KMIA,90.0,-2",
        "2021-06-15 01:00:00,2021-06-16 06:00:00,NBS,KMIA,90.0,2.0",
        "2021-06-16 01:00:00,2021-06-16 00:00:00,NBS,KMIA,90.0,2.0",
        "2021-06-15 01:00:00,tomorrow,NBS,KMIA,90.0,2.0",
        "2021-06-15 01:00:00,2021-06-16 00:00:00,NBS,KMIA",
    ],
)
def test_an_archived_row_that_cannot_be_is_refused(row):
    answer = client(f"runtime,ftime,model,station,txn,xnd\n{row}\n").nbs_archive(
        "KMIA", start=START, end=END
    )
    assert answer.rows == ()
    assert len(answer.problems) == 1


# --- outages -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("response", "error"),
    [
        (httpx.Response(200, text=""), TransientError),
        (httpx.Response(200, text=" \n"), TransientError),
        (httpx.Response(200, text="<!DOCTYPE html><p>busy"), TransientError),
        (httpx.Response(200, html="<p>busy</p>"), TransientError),
        (httpx.Response(503, text="busy"), TransientError),
        (httpx.Response(422, text="too large"), DataUnavailable),
        (httpx.Response(200, text="ERROR: no such station"), DataUnavailable),
        (httpx.Response(200, text="nothing,to,see\n1,2,3\n"), InvalidDataError),
    ],
)
def test_an_outage_of_a_table_is_a_typed_error(response, error):
    with pytest.raises(error):
        client(response).metars("NYC", start=START, end=END)
    with pytest.raises(error):
        client(response).nbs_archive("KNYC", start=START, end=END)


@pytest.mark.parametrize(
    ("response", "error"),
    [
        (httpx.Response(200, text="<html>"), TransientError),
        (httpx.Response(200, text='{"results": [{"high": '), TransientError),
        (httpx.Response(200, text='{"results": [{"high": NaN}]}'), InvalidDataError),
        (httpx.Response(503), TransientError),
        (httpx.Response(404), DataUnavailable),
    ],
)
def test_an_outage_of_json_is_a_typed_error(response, error):
    with pytest.raises(error):
        client(response).climate_days(icao="KNYC", cli_id="NYC", year=2026)


@settings(max_examples=150)
@given(junk=st.text(max_size=200))
def test_junk_in_a_table_never_becomes_a_row(junk):
    head = "station,valid,metar\n"
    for row in metars(head + junk, station="NYC").rows:
        assert row.raw in junk
    assert nbm_extremes(f"runtime,ftime,model,station,txn,xnd\n{junk}", icao="KMIA").rows == ()


def test_the_ordinary_client_takes_its_address_from_the_settings(settings):
    settings.IEM_API_URL = "http://127.0.0.1:9/there"
    with IemClient.from_settings() as client:
        assert client._http.source == "mesonet.agron.iastate.edu"
        assert client._http._base_url == "http://127.0.0.1:9/there"
