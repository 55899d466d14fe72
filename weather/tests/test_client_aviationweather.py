from __future__ import annotations

import datetime as dt
import json
from pathlib import Path
from typing import Any

import httpx
import pytest

from boz.core.errors import DataUnavailable, InvalidDataError, TransientError
from boz.core.http import HttpTransport
from weather.clients.aviationweather import AviationWeatherClient
from weather.domain.metar import parse_metar
from weather.domain.temperature import IntervalF

PAYLOADS = Path(__file__).parent / "payloads"
Answer = httpx.Response | Exception


class Service:
    """Answers in order, the last one for ever; sleeping costs no time."""

    def __init__(self, *answers: Answer) -> None:
        self.answers = list(answers)
        self.requests: list[httpx.Request] = []

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(request)
        answer = self.answers[min(len(self.requests), len(self.answers)) - 1]
        if isinstance(answer, Exception):
            raise answer
        return answer

    def open(self) -> AviationWeatherClient:
        return AviationWeatherClient(
            http=HttpTransport(
                base_url="https://aviation.test",
                source="aviationweather.gov",
                retries=2,
                sleep=lambda seconds: None,
                transport=httpx.MockTransport(self),
            )
        )


def recorded() -> list[dict[str, Any]]:
    return json.loads((PAYLOADS / "metar_aviationweather_ltac_20260226.json").read_text())


def test_recorded_reports_are_read_oldest_first() -> None:
    service = Service(httpx.Response(200, json=recorded()))

    answer = service.open().metars(["LTAC", "KNYC"], hours=1.5)

    parsed = [
        parse_metar(item.raw, around=item.observed_at, kind=item.kind) for item in answer.reports
    ]
    assert [item.observed_at for item in parsed] == [item.observed_at for item in answer.reports]
    assert [item.observed_at for item in parsed] == sorted(item.observed_at for item in parsed)
    assert parsed[-1].observed_at == dt.datetime(2026, 2, 26, 7, 20, tzinfo=dt.UTC)
    assert [item.temperature for item in parsed] == [
        IntervalF(41, 41),
        IntervalF(32, 32),
        IntervalF(33, 34),
        IntervalF(35, 36),
        IntervalF(35, 36),
    ]
    assert answer.problems == ()
    assert dict(service.requests[0].url.params) == {
        "ids": "LTAC,KNYC",
        "format": "json",
        "hours": "1.5",
    }


@pytest.mark.parametrize(
    "nothing", [httpx.Response(204), httpx.Response(200, text="\n"), httpx.Response(200, json=[])]
)
def test_no_reports_are_an_answer(nothing: httpx.Response) -> None:
    service = Service(nothing)

    answer = service.open().metars(["KNYC"], hours=3)

    assert (answer.reports, answer.problems) == ((), ())
    assert len(service.requests) == 1


@pytest.mark.parametrize(
    "failure",
    [
        httpx.Response(200, text=json.dumps(recorded())[:-40]),
        httpx.Response(200, html="<html>maintenance</html>"),
        httpx.Response(429),
        httpx.Response(503),
        httpx.ConnectError("refused"),
    ],
)
def test_a_broken_answer_is_asked_for_again(failure: Answer) -> None:
    service = Service(failure, httpx.Response(200, json=recorded()))

    assert len(service.open().metars(["LTAC"], hours=3).reports) == 5
    assert len(service.requests) == 2

    with pytest.raises(TransientError):
        Service(failure).open().metars(["LTAC"], hours=3)


def test_a_refusal_is_final() -> None:
    with pytest.raises(DataUnavailable):
        Service(httpx.Response(400, json={"error": "ids"})).open().metars(["KNYC"], hours=3)


@pytest.mark.parametrize("body", [{"status": "error"}, None, 7, "none"])
def test_something_other_than_a_list_is_refused(body: Any) -> None:
    with pytest.raises(InvalidDataError, match="list of reports"):
        Service(httpx.Response(200, text=json.dumps(body))).open().metars(["KNYC"], hours=3)


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"rawOb": None}, "rawOb"),
        ({"rawOb": ""}, "rawOb"),
        ({"obsTime": None}, "obsTime"),
        ({"obsTime": 0}, "obsTime"),
        ({"obsTime": 10**14}, "obsTime"),
        ({"metarType": "TAF"}, "metarType"),
        ({"icaoId": "NYC"}, "icaoId"),
    ],
)
def test_an_entry_that_cannot_be_used_is_left_out_with_its_reason(changes, field) -> None:
    good = recorded()
    body = [{**good[0], **changes}, None, *good[1:]]

    answer = Service(httpx.Response(200, json=body)).open().metars(["LTAC"], hours=3)

    assert len(answer.reports) == 4
    assert field in answer.problems[0][1]
    assert answer.problems[1][0] == "unknown"


def test_the_raw_report_counts_and_not_the_decoded_number() -> None:
    entry = {**recorded()[0], "temp": 99}

    (report,) = Service(httpx.Response(200, json=[entry])).open().metars(["LTAC"], hours=3).reports

    assert parse_metar(report.raw, around=report.observed_at).temperature == IntervalF(35, 36)
