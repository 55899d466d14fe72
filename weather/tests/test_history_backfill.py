"""A backfill can be interrupted anywhere and goes on; what fails is said and harms nothing else."""

from __future__ import annotations

import datetime as dt

import httpx
import pytest
from django.db.models import Model

from weather.models import (
    ClimateReport,
    Forecast,
    ForecastSource,
    HistoryChunk,
    Observation,
    Payload,
    Refusal,
    SourceContact,
)
from weather.selectors import official_highs
from weather.services.history import chunk_rows
from weather.services.history.archive import Kind
from weather.services.history.archives import ARCHIVED_SOURCES
from weather.services.history.plan import make_plan
from weather.services.history.spans import DaySpan
from weather.sources import IEM_ASOS, IEM_CLI, NBM_NBS
from weather.tests.factories import HistoryChunkFactory, real_station
from weather.tests.history_world import ASOS, CLI, LATER, MODELS, NBS, Past, warmth

pytestmark = pytest.mark.django_db
UTC = dt.UTC
MAY, JUNE, JULY = dt.date(2026, 5, 1), dt.date(2026, 6, 25), dt.date(2026, 7, 8)
PATHS = {IEM_CLI: CLI, "gfs": MODELS, NBM_NBS: NBS, IEM_ASOS: ASOS}


@pytest.fixture
def past() -> Past:
    return Past(real_station("NY"))


def counts() -> dict[type[Model], int]:
    return {
        model: model.objects.count()
        for model in (ClimateReport, Forecast, Observation, HistoryChunk, Payload, Refusal)
    }


# --- what is asked for -------------------------------------------------------------------------


def test_everything_is_stored_and_marked_and_a_second_run_asks_nobody(past):
    first = past.fetch(since=JUNE, until=JULY)
    stored, asked = counts(), len(past.asked)
    second = past.fetch(since=JUNE, until=JULY)

    assert all(not outcome.reason for outcome in first)
    assert {outcome.chunk.archive.source_code for outcome in first} == set(ARCHIVED_SOURCES)
    assert sum(outcome.rows for outcome in first) == sum(
        stored[model] for model in (ClimateReport, Forecast, Observation)
    )
    assert second == []
    assert len(past.asked) == asked
    assert counts() == stored


def test_days_the_archive_may_still_change_are_asked_for_again_and_nothing_comes_twice(past):
    now = dt.datetime(2026, 7, 9, 12, tzinfo=UTC)
    past.fetch(since=JUNE, until=None, now=now)
    stored = counts()
    again = past.fetch(since=JUNE, until=None, now=now)

    days = {outcome.chunk.archive.source_code: outcome.chunk.days for outcome in again}
    assert days.pop(IEM_CLI) == DaySpan(JUNE, JULY)
    assert set(days.values()) == {DaySpan(dt.date(2026, 7, 7), JULY)}
    assert sum(outcome.rows for outcome in again) == 0
    assert {k: v for k, v in counts().items() if k is not HistoryChunk} == {
        k: v for k, v in stored.items() if k is not HistoryChunk
    }


def test_days_that_are_not_over_are_not_asked_for(past):
    evening = dt.datetime(2026, 7, 9, 4, 59, tzinfo=UTC)  # 23:59 standard time of 8 July
    for now, last in ((evening, 7), (evening + dt.timedelta(minutes=1), 8)):
        plan = make_plan(
            past.archives(), [past.station], now=now, since=MAY, until=dt.date(2027, 1, 1)
        )
        assert max(chunk.days.last for chunk in plan) == dt.date(2026, 7, last)
    assert make_plan(past.archives(), [past.station], now=LATER, since=dt.date(2027, 1, 1)) == []


def test_without_a_first_day_each_archive_is_asked_as_far_back_as_it_is_worth(past):
    plan = make_plan(past.archives(), [past.station], now=LATER)

    first: dict[Kind, dt.date] = {}
    for chunk in plan:
        kind = chunk.archive.kind
        first[kind] = min(chunk.days.first, first.get(kind, chunk.days.first))
    yesterday = dt.date(2026, 8, 31)
    assert {kind: (yesterday - day).days for kind, day in first.items()} == {
        Kind.TRUTH: 730, Kind.FORECASTS: 365, Kind.OBSERVATIONS: 90,
    }  # fmt: skip


def test_truth_comes_first_then_the_newest_days_of_all(past):
    plan = make_plan(past.archives(), [past.station, real_station("MIA")], now=LATER, since=MAY)

    kinds = [chunk.archive.kind for chunk in plan]
    assert kinds[:2] == [Kind.TRUTH] * 2
    assert Kind.TRUTH not in kinds[2:]
    last_days = [chunk.days.last for chunk in plan[2:]]
    assert last_days == sorted(last_days, reverse=True)


def test_only_days_that_are_missing_are_asked_for(past):
    source = ForecastSource.objects.get(code=IEM_ASOS)
    HistoryChunkFactory(
        station=past.station,
        source=source,
        first_day=dt.date(2026, 7, 1),
        last_day=dt.date(2026, 7, 20),
    )
    plan = make_plan(
        [past.archive(IEM_ASOS)],
        [past.station],
        now=LATER,
        since=dt.date(2026, 6, 29),
        until=dt.date(2026, 7, 22),
    )

    assert [chunk.days for chunk in plan] == [
        DaySpan(dt.date(2026, 7, 21), dt.date(2026, 7, 22)),
        DaySpan(dt.date(2026, 6, 29), dt.date(2026, 6, 30)),
    ]


def test_a_day_corrected_while_it_was_not_settled_comes_with_its_new_report(past):
    now = dt.datetime(2026, 7, 10, 12, tzinfo=UTC)
    past.fetch(IEM_CLI, since=JULY, until=JULY, now=now)
    corrected = past.cli_row(JULY, high=71, product="202607101200-KOKX-CDUS41-CLINYC-CCA")
    past.spoiled[CLI] = httpx.Response(200, json={"results": [corrected]})
    past.fetch(IEM_CLI, since=JULY, until=JULY, now=now + dt.timedelta(days=1))

    highs = {
        as_of: official_highs(station=past.station, as_of=as_of)
        for as_of in (now, now + dt.timedelta(days=1))
    }
    assert list(highs.values()) == [{JULY: warmth(JULY)}, {JULY: 71}]


# --- interrupts --------------------------------------------------------------------------------


def test_an_interrupt_between_chunks_loses_nothing_and_the_next_run_goes_on(past):
    served = past.asos

    def until_june(request: httpx.Request) -> httpx.Response:
        if request.url.params["sts"] < "2026-06":
            raise KeyboardInterrupt
        return served(request)

    past.spoiled[ASOS] = until_june
    with pytest.raises(KeyboardInterrupt):
        past.fetch(IEM_ASOS, since=MAY, until=JULY)
    assert list(HistoryChunk.objects.values_list("first_day", flat=True)) == [
        dt.date(2026, 6, 1),
        dt.date(2026, 7, 1),
    ]

    past.spoiled.clear()
    (rest,) = past.fetch(IEM_ASOS, since=MAY, until=JULY)
    assert rest.chunk.days == DaySpan(MAY, dt.date(2026, 5, 31))
    assert Observation.objects.count() == 24 * 69


@pytest.mark.parametrize("code", PATHS)
@pytest.mark.parametrize("where", ["after the rows", "before the mark"])
def test_an_interrupt_inside_a_chunk_leaves_nothing_of_it(past, monkeypatch, code, where):
    def interrupted(*args, **kwargs):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        if where == "after the rows":
            patch.setattr(chunk_rows, "_refuse", interrupted)
        else:
            patch.setattr(HistoryChunk.objects, "update_or_create", interrupted)
        with pytest.raises(KeyboardInterrupt):
            past.fetch(code, since=JULY, until=JULY)
    assert set(counts().values()) == {0}

    (outcome,) = past.fetch(code, since=JULY, until=JULY)
    assert outcome.rows > 0
    assert HistoryChunk.objects.get().rows == outcome.rows


# --- outages and nonsense ----------------------------------------------------------------------


@pytest.mark.parametrize("down", PATHS)
def test_an_outage_stops_one_source_and_the_others_go_on(past, down):
    past.spoiled[PATHS[down]] = httpx.ConnectError("no route to host")
    outcomes = past.fetch(*PATHS, since=JUNE, until=JULY)

    failed = {item.chunk.archive.source_code for item in outcomes if item.reason}
    assert failed == {down}
    asked = [request for request in past.asked if request.url.path == PATHS[down]]
    assert len(asked) == 1, "after the first silence it is left alone"
    assert [item.was_asked for item in outcomes if item.reason][1:] == [False] * (
        sum(1 for item in outcomes if item.reason) - 1
    )
    assert all(item.rows for item in outcomes if not item.reason)

    past.spoiled.clear()
    assert all(not item.reason for item in past.fetch(*PATHS, since=JUNE, until=JULY))
    assert past.fetch(*PATHS, since=JUNE, until=JULY) == []


NONSENSE = {
    "html": httpx.Response(200, html="<html><body>Gateway</body></html>"),
    "empty": httpx.Response(200, text=""),
    "truncated": httpx.Response(200, text='{"results": [{"sta'),
    "null": httpx.Response(200, text="null"),
    "list": httpx.Response(200, json=[]),
    "object": httpx.Response(200, json={}),
    "other columns": httpx.Response(200, text="a,b,c\n1,2,3"),
    "429": httpx.Response(429, text="slow down"),
    "500": httpx.Response(500, text="oops"),
    "503": httpx.Response(503, text="busy"),
    "422": httpx.Response(422, text="too much"),
    "404": httpx.Response(404, text="nothing"),
    "401": httpx.Response(401, text="who are you"),
    "binary": httpx.Response(200, content=b"\xff\xfe\x00\x01" * 50),
}


@pytest.mark.parametrize("code", PATHS)
@pytest.mark.parametrize("nonsense", NONSENSE)
def test_nonsense_leaves_no_row_and_no_mark_and_is_asked_for_again(past, code, nonsense):
    yesterday = JULY - dt.timedelta(days=1)
    past.fetch(code, since=yesterday, until=yesterday)
    before = counts()
    past.spoiled[PATHS[code]] = NONSENSE[nonsense]
    (outcome,) = past.fetch(code, since=JULY, until=JULY)

    assert outcome.reason
    assert outcome.rows == 0
    kept = (ClimateReport, Forecast, Observation, HistoryChunk)
    assert {model: counts()[model] for model in kept} == {model: before[model] for model in kept}

    past.spoiled.clear()
    (outcome,) = past.fetch(code, since=JULY, until=JULY)
    assert outcome.rows > 0
    assert not outcome.reason


def test_a_fault_of_ours_ends_one_chunk_and_not_the_backfill(past, monkeypatch):
    monkeypatch.setattr("weather.services.history.truth._row", lambda *a, **k: 1 / 0)
    outcomes = past.fetch(IEM_CLI, NBM_NBS, since=JULY, until=JULY)

    assert "ZeroDivisionError" in outcomes[0].reason
    assert outcomes[1].rows > 0
    assert HistoryChunk.objects.count() == 1


def test_the_same_refusal_is_kept_once_however_often_the_days_are_fetched(past):
    now = dt.datetime(2026, 7, 9, 12, tzinfo=UTC)
    for generated in ("a", "b"):
        body = {"results": [past.cli_row(JULY, high=141)], "generated_at": generated}
        past.spoiled[CLI] = httpx.Response(200, json=body)
        past.fetch(IEM_CLI, since=JULY, until=JULY, now=now)

    assert Refusal.objects.count() == 1


def test_the_health_of_live_sources_is_not_touched(past):
    """A word from an archive says nothing about whether a live forecast still stands."""
    before = list(ForecastSource.objects.order_by("code").values())
    past.fetch(since=JULY, until=JULY)

    assert list(ForecastSource.objects.order_by("code").values()) == before
    assert not SourceContact.objects.exists()
