"""``manage.py fetch_history``: defaults, exit codes, and one JSON document last on stdout."""

from __future__ import annotations

import datetime as dt
import json
from contextlib import contextmanager
from io import StringIO

import httpx
import pytest
from django.core.management import call_command
from django.core.management.base import CommandError

from weather.management.commands import fetch_history
from weather.models import ForecastSource, HistoryChunk, Station
from weather.sources import IEM_ASOS, IEM_CLI
from weather.tests.factories import real_station
from weather.tests.history_world import ASOS, CLI, LATER, Past

pytestmark = pytest.mark.django_db
SOME_DAYS = ("--station", "NY", "--since", "2026-07-01", "--until", "2026-07-10")
TRUTH = (*SOME_DAYS, "--only", "truth")


@pytest.fixture
def past(monkeypatch) -> Past:
    past = Past(real_station("NY"))

    @contextmanager
    def opened(*, capture):
        past.captures = capture
        yield past.archives()

    monkeypatch.setattr(fetch_history, "open_archives", opened)
    monkeypatch.setattr(fetch_history, "utc_now", lambda: LATER)
    return past


def run(*args: str) -> tuple[str, str, CommandError | None]:
    out, err = StringIO(), StringIO()
    try:
        call_command("fetch_history", *args, stdout=out, stderr=err)
    except CommandError as error:
        return out.getvalue(), err.getvalue(), error
    return out.getvalue(), err.getvalue(), None


def document(text: str):
    return json.loads(text.splitlines()[-1])


def test_what_was_fetched_is_told_with_the_coverage(past):
    out, err, error = run(*SOME_DAYS, "--json")

    found = document(out)
    (station,) = found["coverage"]["stations"]
    assert error is None
    assert out.count("\n") == 1
    assert found["planned"] == found["fetched"] == len(past.asked) == 11
    assert (found["refused"], found["interrupted"], found["not_fetched"]) == (0, False, [])
    assert found["rows"] == sum(item["rows"] for item in station["sources"])
    assert (station["usable_days"], station["can_fit"]) == (10, True)
    assert "11 of 11 calls" in err


def test_a_second_run_finds_nothing_to_do(past):
    run(*SOME_DAYS)
    out, _, error = run(*SOME_DAYS, "--json")

    assert error is None
    assert (document(out)["planned"], document(out)["rows"]) == (0, 0)


def test_a_person_reads_a_table(past):
    out, _, error = run(*SOME_DAYS)

    assert error is None
    assert "station  source" in out
    assert "NY: truth of 10 days, forecasts of 10, observations of 10" in out
    assert "the agent fit can learn from 10" in out
    assert "11 of 11 calls" in out


def test_the_plan_is_shown_and_nobody_is_asked(past):
    out, _, error = run(*SOME_DAYS, "--dry-run", "--json")

    plan = document(out)
    assert error is None
    assert past.asked == []
    assert plan["calls"] == 11
    assert {
        "source": IEM_CLI,
        "station": "NY",
        "calls": 1,
        "first_day": "2026-07-01",
        "last_day": "2026-07-10",
    } in plan["plan"]
    assert "11 calls" in run(*SOME_DAYS, "--dry-run")[0]
    assert not HistoryChunk.objects.exists()


def test_the_coverage_alone_asks_nobody(past):
    run(*TRUTH)
    asked = len(past.asked)
    out, _, error = run("--report-only", "--station", "NY", "--json")

    assert error is None
    assert len(past.asked) == asked
    assert document(out)["stations"][0]["days_with_truth"] == 10
    assert "cannot learn from 0" in run("--report-only", "--station", "NY")[0]


def test_without_stations_all_active_ones_are_planned(past):
    plan = document(run("--dry-run", "--json")[0])["plan"]

    active = set(Station.objects.filter(is_active=True).values_list("code", flat=True))
    assert {item["station"] for item in plan} == active == {"NY", "CHI", "MIA", "AUS"}
    assert len({item["source"] for item in plan}) == 11


def test_sources_and_kinds_can_be_chosen(past):
    def planned(*args: str) -> set[str]:
        plan = document(run(*SOME_DAYS, "--dry-run", "--json", *args)[0])["plan"]
        return {item["source"] for item in plan}

    assert planned("--only", "truth", "--only", "observations") == {IEM_CLI, IEM_ASOS}
    assert planned("--source", "gfs", "--source", "hrrr") == {"gfs", "hrrr"}
    ForecastSource.objects.filter(code="hrrr").update(is_active=False)
    assert planned("--source", "gfs", "--source", "hrrr") == {"gfs"}


def test_an_outage_is_told_with_its_reason_and_fails_the_command(past):
    past.spoiled[CLI] = httpx.Response(503, text="busy")
    out, _, error = run(*SOME_DAYS, "--json")

    found = document(out)
    assert error is not None
    assert error.returncode == 1
    assert "1 of 11 calls brought nothing" in str(error)
    (failed,) = found["not_fetched"]
    assert (failed["source"], failed["calls"]) == (IEM_CLI, 1)
    assert "503" in failed["reason"]
    assert found["fetched"] == 10
    assert "503" in run(*TRUTH)[0]


def test_an_interrupt_says_how_to_go_on_and_what_is_stored_stays(past):
    past.spoiled[ASOS] = KeyboardInterrupt()
    out, _, error = run(*SOME_DAYS, "--json")

    found = document(out)
    assert error is not None
    assert error.returncode == fetch_history.INTERRUPTED == 130
    assert "goes on where this one ended" in str(error)
    assert found["interrupted"] is True
    assert found["fetched"] == HistoryChunk.objects.count() > 0

    past.spoiled.clear()
    out, _, error = run(*SOME_DAYS, "--json")
    assert error is None
    assert document(out)["planned"] == 11 - found["fetched"]


@pytest.mark.parametrize(
    ("args", "sentence"),
    [
        (("--station", "NOWHERE"), "No station has the code NOWHERE. There are: "),
        (("--since", "2026-07-02", "--until", "2026-07-01"), "lies before"),
        (("--since", "soon"), "no day"),
        (("--since", "2026-02-29"), "no day"),
        (("--source", "gefs"), "invalid choice"),
        (("--only", "truth", "--source", "gfs"), "No archive is left to ask"),
    ],
)
def test_what_makes_no_sense_is_said_and_nobody_is_asked(past, args, sentence):
    _, _, error = run(*args)

    assert error is not None
    assert sentence in str(error)
    assert past.asked == []


def test_the_archives_open_with_the_ordinary_clients(settings):
    settings.IEM_API_URL = settings.OPEN_METEO_API_URL = "http://127.0.0.1:9"
    settings.OPEN_METEO_CALLS_PER_MINUTE = 600
    with fetch_history.open_archives() as archives:
        assert {item.source_code for item in archives} == set(fetch_history.ARCHIVED_SOURCES)


def test_help_tells_the_defaults():
    text = fetch_history.Command().create_parser("manage.py", "fetch_history").format_help()

    for words in ("two years back", "one year back", "90 days back", "Exit code", "Ctrl-C"):
        assert words in text


def test_the_station_list_is_not_needed_for_days_in_the_future(past):
    future = (LATER.date() + dt.timedelta(days=5)).isoformat()
    out, _, error = run("--since", future, "--json")

    assert error is None
    assert document(out)["planned"] == 0
