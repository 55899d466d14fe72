from __future__ import annotations

import datetime as dt
import json
import threading
from collections.abc import Callable
from typing import Any

import httpx
import pytest

from boz.core.errors import (
    DataUnavailable,
    InvalidDataError,
    OperatorActionRequired,
    TransientError,
)
from boz.core.http import Captured, Fetched, HttpTransport
from boz.core.tests.factories import NOW

CANARY = "c4n4ry5ecret"
Answer = httpx.Response | Exception


class World:
    """Answers in order, the last one for ever, under a clock that only sleeping moves."""

    def __init__(self, *answers: Answer | Callable[[httpx.Request], httpx.Response]) -> None:
        self.answers = list(answers)
        self.requests: list[httpx.Request] = []
        self.sleeps: list[float] = []
        self.captured: list[Captured] = []
        self.time = 0.0

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(request)
        answer = self.answers[min(len(self.requests), len(self.answers)) - 1]
        if isinstance(answer, Exception):
            raise answer
        return answer if isinstance(answer, httpx.Response) else answer(request)

    def sleep(self, seconds: float) -> None:
        self.sleeps.append(seconds)
        self.time += seconds

    def open(self, **options: Any) -> HttpTransport:
        return HttpTransport(
            **{
                "base_url": "https://weather.test/api",
                "source": "nws",
                "transport": httpx.MockTransport(self),
                "capture": self.captured.append,
                "sleep": self.sleep,
                "random": lambda: 0.5,
                "monotonic": lambda: self.time,
                "now": lambda: NOW,
                **options,
            }
        )


def ok(payload: Any) -> httpx.Response:
    return httpx.Response(200, json=payload)


def test_json_is_read_from_below_the_base_address() -> None:
    world = World(ok({"high": 55}))
    with world.open(user_agent="boz (a@b)") as http:
        assert http.get_json("/points", params={"a": 1, "b": None}, headers={"X": "y"}) == {
            "high": 55
        }

    (request,) = world.requests
    assert str(request.url) == "https://weather.test/api/points?a=1"
    assert (request.headers["user-agent"], request.headers["x"]) == ("boz (a@b)", "y")


def test_an_accepted_body_is_captured_as_it_came() -> None:
    world = World(httpx.Response(200, content=b'{"a": 1}\n', headers={"content-type": "x/json"}))
    world.open().get_json("a", params={"token": CANARY})

    (captured,) = world.captured
    assert captured.body == b'{"a": 1}\n'
    assert (captured.source, captured.content_type, captured.received_at) == ("nws", "x/json", NOW)
    assert captured.url == "https://weather.test/api/a?token=[redacted]"


@pytest.mark.parametrize(
    "failure",
    [
        httpx.Response(429),
        httpx.Response(500),
        httpx.Response(502),
        httpx.Response(503),
        httpx.Response(504),
        httpx.ConnectError("refused"),
        httpx.RemoteProtocolError("peer closed connection without sending complete message body"),
        httpx.Response(200, html="<html>maintenance</html>"),
        httpx.Response(200, text='{"a": [1, 2'),
        httpx.Response(200, text=""),
        httpx.Response(200, text="<?xml version='1.0'?>"),
    ],
)
def test_a_passing_failure_is_tried_again_with_jitter(failure: Answer) -> None:
    world = World(failure, failure, ok([1]))

    assert world.open().get_json("a") == [1]

    assert len(world.requests) == 3
    assert world.sleeps == [0.5, 1.0]
    assert len(world.captured) == 1


def test_a_lasting_failure_ends_in_a_transient_error_with_its_facts() -> None:
    world = World(httpx.Response(503, text=f"down; password={CANARY} " + "x" * 500))

    with pytest.raises(TransientError, match="nws answered with status 503") as caught:
        world.open(retries=2).get_json("a", params={"api_key": CANARY})

    context = caught.value.context
    assert len(world.requests) == context["attempts"] == 3
    assert (context["source"], context["status"]) == ("nws", 503)
    assert len(context["excerpt"]) <= 200
    assert CANARY not in json.dumps(caught.value.as_dict())
    assert "is_retried" not in context


def test_a_silent_service_is_asked_once_more_and_no_oftener() -> None:
    world = World(httpx.ReadTimeout("silence"))
    with world.open(retries=3) as http, pytest.raises(TransientError, match="in time") as raised:
        http.get_json("a")
    assert len(world.requests) == raised.value.context["attempts"] == 2
    assert "is_retried" not in raised.value.context
    with World(httpx.ReadTimeout("slow"), ok([1])).open() as http:
        assert http.get_json("a") == [1]


def test_an_unreachable_service_says_so() -> None:
    world = World(httpx.ConnectError(f"cannot reach https://u:{CANARY}@weather.test"))

    with pytest.raises(TransientError, match="nws cannot be reached") as caught:
        world.open(retries=0).get("a")

    assert caught.value.context["status"] is None
    assert CANARY not in json.dumps(caught.value.as_dict())


@pytest.mark.parametrize("status", [400, 403, 404, 410, 422])
def test_a_refusal_is_not_repeated(status: int) -> None:
    world = World(httpx.Response(status, text="no such station"))

    with pytest.raises(DataUnavailable) as caught:
        world.open().get_json("a")

    assert len(world.requests) == 1
    assert caught.value.context["status"] == status
    assert caught.value.context["excerpt"] == "no such station"
    assert world.captured == []


@pytest.mark.parametrize("status", [200, 400, 503])
def test_a_key_that_the_service_repeats_in_its_words_is_kept_nowhere(status: int) -> None:
    world = World(httpx.Response(status, json={"reason": f"What is {CANARY} supposed to be?"}))
    shown = ""
    try:
        with world.open(retries=0) as http:
            http.get_json("a", params={"apikey": CANARY})
    except (DataUnavailable, TransientError) as error:
        shown = json.dumps(error.as_dict())
    assert CANARY in str(world.requests[0].url)
    assert CANARY not in shown
    assert all(CANARY.encode() not in captured.body for captured in world.captured)


def test_refused_credentials_need_the_operator() -> None:
    world = World(httpx.Response(401))

    with pytest.raises(OperatorActionRequired, match="credentials"):
        world.open().get("a")

    assert len(world.requests) == 1


def test_a_server_error_that_will_not_pass_is_not_repeated() -> None:
    world = World(httpx.Response(501))

    with pytest.raises(TransientError):
        world.open().get("a")

    assert len(world.requests) == 1


@pytest.mark.parametrize(
    ("header", "seconds"),
    [("7", 7.0), ("Tue, 17 Feb 2026 10:00:13 GMT", 12.0), ("soon", 0.0), ("-3", 0.0)],
)
def test_retry_after_is_honoured(header: str, seconds: float) -> None:
    world = World(httpx.Response(429, headers={"Retry-After": header}), ok(1))

    assert world.open().get_json("a") == 1

    assert world.sleeps == [seconds + 0.5]


@pytest.mark.parametrize("header", ["31536000", "9" * 400, "Sat, 31 Dec 2044 23:59:59 GMT"])
def test_a_service_that_asks_for_years_is_asked_again_after_an_hour(header: str) -> None:
    world = World(httpx.Response(503, headers={"retry-after": header}), ok({}))
    with world.open(source=header[:12], rate_per_second=10.0) as http:
        with pytest.raises(TransientError):
            http.get_json("a")
        world.time += 3602.0
        assert http.get_json("a") == {}


def test_a_service_that_asks_for_too_long_a_wait_is_left_alone() -> None:
    world = World(httpx.Response(503, headers={"Retry-After": "3600"}))

    with pytest.raises(TransientError) as caught:
        world.open(max_total_seconds=60.0).get("a")

    assert world.sleeps == []
    assert caught.value.context["retry_after_seconds"] == 3600.0


def test_all_attempts_together_have_an_end() -> None:
    world = World(httpx.Response(503))

    with pytest.raises(TransientError):
        world.open(retries=1000, max_total_seconds=30.0).get("a")

    assert world.time <= 30.0
    assert len(world.requests) > 3


@pytest.mark.parametrize("text", ['{"a": NaN}', "[Infinity]", "[-Infinity]"])
def test_numbers_that_are_none_are_refused_at_once(text: str) -> None:
    world = World(httpx.Response(200, text=text))

    with pytest.raises(InvalidDataError, match="where a number belongs"):
        world.open().get_json("a")

    assert len(world.requests) == 1


@pytest.mark.parametrize(
    ("sent", "read"),
    [
        (b'{"raw": "KNYC\\u0000"}', "KNYC\ufffd"),
        (b'{"raw": "KNYC\\ud800"}', "KNYC\ufffd"),
        (b'{"raw": "KNYC\\uDC00\\ud83c"}', "KNYC\ufffd\ufffd"),
        (b'{"raw": "\\ud83c\\udf21"}', "\U0001f321"),
        (rb'{"raw": "a path \\u0000"}', r"a path \u0000"),
    ],
)
def test_characters_that_no_database_keeps_are_replaced_in_json(sent, read) -> None:
    with World(httpx.Response(200, content=sent)).open() as http:
        assert http.get_json("/x") == {"raw": read}


def test_a_body_of_rubbish_can_be_kept_as_evidence() -> None:
    world = World(httpx.Response(200, content=b"\x00\x01\xff rubbish"))
    with world.open(retries=0) as http, pytest.raises(TransientError) as raised:
        http.get_json("/x")
    assert raised.value.context["excerpt"] == "\ufffd\x01\ufffd rubbish"


def test_text_is_read_whatever_its_bytes() -> None:
    world = World(httpx.Response(200, content=b"CLIMATE REPORT \xb0F"))

    assert world.open().get("a").text.startswith("CLIMATE REPORT ")


def test_a_plain_get_tells_status_headers_and_body() -> None:
    world = World(httpx.Response(204, headers={"ETag": "1"}))

    fetched = world.open().get("")

    assert (fetched.status, fetched.headers["etag"], fetched.body) == (204, "1", b"")
    assert fetched.url == "https://weather.test/api"


def test_a_redirect_within_the_service_is_followed() -> None:
    world = World(httpx.Response(301, headers={"Location": "/api/b?x=1"}), ok(1))

    assert world.open().get_json("a") == 1
    assert str(world.requests[1].url) == "https://weather.test/api/b?x=1"


def test_headers_never_follow_a_redirect_to_another_host() -> None:
    world = World(httpx.Response(302, headers={"Location": "https://elsewhere.test/"}), ok(1))

    with pytest.raises(DataUnavailable, match="another host"):
        world.open().get_json("a", headers={"KALSHI-ACCESS-KEY": CANARY})

    assert len(world.requests) == 1


def test_redirects_in_a_circle_come_to_an_end() -> None:
    world = World(httpx.Response(302, headers={"Location": "/api/a"}))

    with pytest.raises(DataUnavailable):
        world.open().get_json("a")

    assert len(world.requests) == 4


def test_the_rate_is_shared_by_all_transports_of_a_source() -> None:
    world = World(ok(1))
    options = {"source": "shared-rate", "rate_per_second": 2.0}
    for _ in range(2):
        with world.open(**options) as http:
            for _ in range(2):
                http.get("a")

    assert world.sleeps == [0.5, 0.5]


def test_a_queue_longer_than_the_limit_is_not_waited_for() -> None:
    world = World(ok(1))
    http = world.open(source="slow-rate", rate_per_second=0.01, max_total_seconds=10.0)
    http.get("a")

    with pytest.raises(TransientError, match="asked too often"):
        http.get("a")

    assert len(world.requests) == 1


def test_an_answer_without_end_is_cut(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("boz.core.http.MAX_BODY_BYTES", 10)
    world = World(httpx.Response(200, content=b"x" * 11))

    with pytest.raises(InvalidDataError, match="sent more than"):
        world.open().get("a")


def test_there_is_no_way_to_write_that_repeats_itself() -> None:
    http = World(ok(1)).open()

    assert not any(hasattr(http, name) for name in ("post", "put", "patch", "delete", "request"))


@pytest.mark.parametrize(("random", "seconds"), [(0.0, [3.75, 7.5]), (1.0, [6.25, 12.5])])
def test_a_service_in_trouble_is_left_alone_for_as_long_as_it_asks(random, seconds) -> None:
    world = World(httpx.Response(503), httpx.Response(429), ok(1))

    assert world.open(backoff_seconds=5.0, random=lambda: random).get_json("a") == 1

    assert world.sleeps == seconds


def test_a_broken_line_or_body_is_tried_again_soon() -> None:
    world = World(httpx.ConnectError("refused"), httpx.Response(200, text='{"a'), ok(1))

    assert world.open(backoff_seconds=5.0).get_json("a") == 1

    assert world.sleeps == [0.5, 1.0]


def test_a_long_wait_stays_within_the_limit_of_a_call() -> None:
    world = World(httpx.Response(500))

    with pytest.raises(TransientError):
        world.open(backoff_seconds=5.0, retries=100, max_total_seconds=30.0).get("a")

    assert world.sleeps == [5.0, 10.0]


@pytest.mark.parametrize(
    "answer",
    [httpx.Response(204), httpx.Response(200, text=" \n"), httpx.Response(204, html="<p>")],
)
def test_no_content_can_be_an_answer(answer: httpx.Response) -> None:
    world = World(answer)
    http = world.open(retries=1)

    assert http.get_json("a", empty=None) is None
    assert http.get_json("a", empty=[]) == []

    assert world.sleeps == []
    with pytest.raises(TransientError):
        http.get_json("a")


@pytest.mark.parametrize("body", ["<html>maintenance</html>", '[{"a": 1}, {"a"'])
def test_broken_json_is_no_empty_answer(body: str) -> None:
    world = World(httpx.Response(200, text=body), ok([7]))

    assert world.open().get_json("a", empty=[]) == [7]
    assert len(world.requests) == 2


@pytest.mark.parametrize(
    ("kind", "status", "problem"),
    [
        ("https://api.weather.gov/problems/ForecastGridExpired", 503, "ForecastGridExpired"),
        ("urn:noaa:nws:api:UnexpectedProblem", 500, "UnexpectedProblem"),
        ("urn:noaa:nws:api:InvalidPoint/", 404, "InvalidPoint"),
    ],
)
def test_a_problem_is_known_by_the_last_element_of_its_type(kind, status, problem) -> None:
    body = {"type": kind, "status": status, "correlationId": "257ad490"}
    world = World(
        httpx.Response(status, json=body, headers={"content-type": "application/problem+json"})
    )

    with pytest.raises((TransientError, DataUnavailable)) as caught:
        world.open(retries=1).get("a")

    assert caught.value.context["problem"] == problem
    assert caught.value.context["correlation_id"] == "257ad490"
    assert len(world.requests) == (1 if status == 404 else 2)


@pytest.mark.parametrize(
    "body", ["[1]", "null", '{"type": "about:blank"}', '{"type": null', "[" * 9999]
)
def test_an_error_that_explains_nothing_still_is_one(body: str) -> None:
    world = World(httpx.Response(404, text=body, headers={"content-type": "application/json"}))

    with pytest.raises(DataUnavailable) as caught:
        world.open().get("a")

    assert "problem" not in caught.value.context


class Counted:
    """A limiter that writes down what it is told."""

    def __init__(self, *waits: float) -> None:
        self.waits = list(waits)
        self.reserved: list[float] = []
        self.returned: list[float] = []
        self.pauses: list[float] = []

    def reserve(self, weight: float = 1.0) -> float:
        self.reserved.append(weight)
        return self.waits.pop(0) if self.waits else 0.0

    def give_back(self, weight: float = 1.0) -> None:
        self.returned.append(weight)

    def pause(self, seconds: float) -> None:
        self.pauses.append(seconds)


def test_a_call_weighs_what_it_costs_at_every_attempt() -> None:
    limiter = Counted(0.0, 2.0)
    world = World(httpx.Response(500), ok(1))
    http = world.open(limiter=limiter)

    assert http.get_json("a", weight=8.2) == 1
    http.get("a", weight=3.0)
    http.get("a")

    assert limiter.reserved == [8.2, 8.2, 3.0, 1.0]
    assert world.sleeps == [0.5, 2.0]
    assert limiter.returned == []


def test_a_call_that_cannot_wait_gives_its_whole_weight_back() -> None:
    limiter = Counted(3600.0)

    with pytest.raises(TransientError, match="asked too often"):
        World(ok(1)).open(limiter=limiter).get("a", weight=8.2)

    assert limiter.returned == [8.2]


def test_too_many_calls_pause_everyone_even_after_the_last_attempt() -> None:
    limiter = Counted()
    world = World(httpx.Response(429), httpx.Response(429, headers={"Retry-After": "60"}))

    with pytest.raises(TransientError):
        world.open(limiter=limiter, backoff_seconds=5.0, retries=1).get("a")

    assert limiter.pauses == [5.0, 70.0]


def test_an_outage_of_one_address_pauses_nobody_else() -> None:
    limiter = Counted()

    with pytest.raises(TransientError):
        World(httpx.Response(503)).open(limiter=limiter, retries=1).get("a")

    assert limiter.pauses == []


def test_a_rate_and_a_limiter_are_one_too_many() -> None:
    with pytest.raises(ValueError, match="not both"):
        World(ok(1)).open(limiter=Counted(), rate_per_second=1.0)


def test_each_thread_captures_its_own_answers() -> None:
    def echo(request: httpx.Request) -> httpx.Response:
        return httpx.Response(200, json={"path": request.url.path})

    own = threading.local()
    wrong: list[str] = []
    calls = 20
    http = World(echo).open(capture=lambda captured: own.captured.append(captured))
    started = threading.Barrier(8)

    def work(number: int) -> None:
        own.captured = []
        started.wait()
        for call in range(calls):
            http.get_json(f"{number}/{call}")
        urls = [captured.url for captured in own.captured]
        if urls != [f"https://weather.test/api/{number}/{call}" for call in range(calls)]:
            wrong.append(f"{number}: {urls}")

    threads = [threading.Thread(target=work, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert wrong == []


def test_a_wait_told_in_the_body_is_kept_unless_a_header_says_otherwise() -> None:
    world = World(
        httpx.Response(429, json={"reason": "in a minute"}),
        httpx.Response(429, json={"reason": "in a minute"}, headers={"retry-after": "7"}),
        ok(1),
    )
    asked: list[str] = []

    def patience(fetched: Fetched, now: dt.datetime) -> float:
        asked.append(fetched.text)
        return 40.0 if now == NOW else 0.0

    assert world.open(patience=patience).get_json("a") == 1
    assert world.sleeps == [40.5, 8.0]
    assert len(asked) == 1
