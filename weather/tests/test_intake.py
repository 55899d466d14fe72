"""Several sources at the same time: none holds up, ends or falsifies another."""

from __future__ import annotations

import datetime as dt
import threading
from collections.abc import Callable, Sequence
from contextlib import ExitStack

import httpx
import pytest
from django.db.backends.base.base import BaseDatabaseWrapper

from boz.core.errors import (
    BozBaseException,
    DataUnavailable,
    InvalidDataError,
    OperatorActionRequired,
    TransientError,
)
from boz.core.http import Captured, HttpTransport
from weather.clients.nbm import NbmClient
from weather.models import Forecast, ForecastSource, Refusal, SourceContact, Station
from weather.services.grid_forecasts import GridForecasts
from weather.services.health import Silence, resume
from weather.services.intake import Captures, Intake, Task, take_in
from weather.services.model_runs import model_runs
from weather.services.nbm_bulletins import nbm_bulletins
from weather.services.payloads import payload_body
from weather.sources import CALLS_AT_ONCE, NWS_CLI, NWS_GRID, Service
from weather.tests.factories import ForecastFactory, StationFactory, real_station
from weather.tests.open_meteo_world import OpenMeteoWorld
from weather.tests.outside import World, grid_body

pytestmark = pytest.mark.django_db

UTC = dt.UTC
NOW = dt.datetime(2026, 7, 9, 20, tzinfo=UTC)
MINUTE = dt.timedelta(minutes=1)
#: Nothing here waits that long unless it would wait for ever.
PATIENCE = 5.0
#: Of services that are asked one call at a time.
ALONE, ALONE_TOO = "aviationweather", "dsm"
SILENT = TransientError("The host cannot be reached.", {"status": None})
BUSY = TransientError("The host answered with status 503.", {"status": 503})
NONSENSE = InvalidDataError("The high of 999 °F cannot be true.", {"high_f": 999})

Fetch = Callable[[], str]


class Invented(Intake[str]):
    """A source whose tasks are functions; ``stored`` holds what was stored, in order."""

    def __init__(
        self,
        code: str,
        fetches: dict[str, Fetch],
        *,
        now: dt.datetime = NOW,
        store: Callable[[str], int] = lambda answer: 1,
        stored: list[str] | None = None,
        captures: Captures | None = None,
        silence: Silence | None = None,
    ) -> None:
        self.source_code = code
        super().__init__(now=now, captures=captures, silence=silence)
        self.fetches, self._store = fetches, store
        self.stored: list[str] = [] if stored is None else stored
        self.was_closed = False

    def tasks(self, stack: ExitStack) -> Sequence[Task[str]]:
        stack.callback(self._close)
        return [Task(subject, fetch, (subject,)) for subject, fetch in self.fetches.items()]

    def store(self, task: Task[str], answer: str, captured: Sequence[Captured]) -> int:
        assert threading.current_thread() is threading.main_thread()
        rows = self._store(answer)
        self.stored.append(answer)
        return rows

    def done(self) -> dict[str, int]:
        return {"stored": len(self.stored)}

    def _close(self) -> None:
        self.was_closed = True


def says(answer: str) -> Fetch:
    return lambda: answer


def raises(error: Exception) -> Fetch:
    def fetch() -> str:
        raise error

    return fetch


def health(code: str) -> ForecastSource:
    return ForecastSource.objects.get(code=code)


def contact(code: str) -> SourceContact:
    found = SourceContact.objects.filter(source__code=code).first()
    assert found is not None
    return found


def body(text: str) -> Captured:
    return Captured("test", "http://127.0.0.1/", "text/plain", text.encode(), NOW)


# --- side by side --------------------------------------------------------------------------------


def test_a_slow_host_does_not_hold_up_another():
    others_are_done = threading.Event()

    def slow() -> str:
        assert others_are_done.wait(PATIENCE)
        return "slow"

    def last() -> str:
        others_are_done.set()
        return "last"

    stored: list[str] = []
    slow_one = Invented(ALONE, {"slow": slow}, stored=stored)
    quick_one = Invented(ALONE_TOO, {"first": says("first"), "last": last}, stored=stored)
    result = take_in([slow_one, quick_one])
    assert result.skipped == []
    assert stored == ["slow", "first", "last"]


def test_a_host_gets_as_many_calls_at_once_as_it_allows_and_no_more():
    many = CALLS_AT_ONCE[Service.NWS]
    together = threading.Barrier(many)
    lock = threading.Lock()
    under_way, most = 0, 0

    def meet() -> str:
        together.wait(PATIENCE)
        return "met"

    def alone() -> str:
        nonlocal under_way, most
        with lock:
            under_way += 1
            most = max(most, under_way)
        threading.Event().wait(0.01)
        with lock:
            under_way -= 1
        return "alone"

    result = take_in(
        [
            Invented(NWS_GRID, {str(n): meet for n in range(many)}),
            Invented(ALONE, {str(n): alone for n in range(5)}),
        ]
    )
    assert result.skipped == []
    assert most == 1


def test_two_sources_of_one_host_share_its_calls():
    many = CALLS_AT_ONCE[Service.NWS]
    together = threading.Barrier(many)

    def meet() -> str:
        together.wait(PATIENCE)
        return "met"

    half = {str(n): meet for n in range(many // 2)}
    assert take_in([Invented(NWS_GRID, half), Invented(NWS_CLI, half)]).skipped == []


def test_answers_are_stored_in_the_order_of_the_plan_and_not_of_their_coming():
    later_ones_came = threading.Event()

    def first() -> str:
        assert later_ones_came.wait(PATIENCE)
        return "a"

    def last() -> str:
        later_ones_came.set()
        return "c"

    intake = Invented(NWS_GRID, {"a": first, "b": says("b"), "c": last})
    take_in([intake])
    assert intake.stored == ["a", "b", "c"]


@pytest.fixture
def database_of_one_thread(monkeypatch) -> None:
    """Let nobody but the thread of the test use the database."""
    ordinary = BaseDatabaseWrapper.cursor

    def cursor(self):
        if threading.current_thread() is not threading.main_thread():
            raise RuntimeError("a worker touched the database")
        return ordinary(self)

    monkeypatch.setattr(BaseDatabaseWrapper, "cursor", cursor)


@pytest.mark.usefixtures("database_of_one_thread")
def test_workers_never_touch_the_database():
    Station.objects.exclude(code="NY").update(is_active=False)
    nws, models = World(), OpenMeteoWorld(now=NOW)
    unknown = HttpTransport(
        base_url="http://127.0.0.1:9",
        source="noaa-nbm",
        retries=0,
        transport=httpx.MockTransport(nws.handle),
    )
    day = dt.date(2026, 7, 10)
    nws.has_grid(real_station("NY"), body=grid_body((day, 89), issued="2026-07-09T19:03:33Z"))
    result = take_in(
        [
            GridForecasts(now=NOW, client=nws.nws()),
            *model_runs(now=NOW, client=models.client()),
            *nbm_bulletins(now=NOW, client=NbmClient(unknown)),
        ]
    )
    assert result.done["forecasts"] > 50
    assert not any("unexpected" in item.reason for item in result.skipped)


@pytest.mark.usefixtures("database_of_one_thread")
def test_a_worker_that_touched_the_database_would_be_seen():
    intake = Invented(ALONE, {"touch": lambda: str(Station.objects.count())})
    (skipped,) = take_in([intake]).skipped
    assert "a worker touched the database" in skipped.reason


def test_raw_answers_stay_with_the_task_that_they_are_of():
    captures = Captures()
    together = threading.Barrier(2)
    seen: dict[str, list[bytes]] = {}

    def calling(name: str) -> Fetch:
        def fetch() -> str:
            for number in range(3):
                together.wait(PATIENCE)
                captures(body(f"{name}{number}"))
            latest = captures.latest
            assert latest is not None
            assert latest.body.decode() == f"{name}2"
            return name

        return fetch

    class Kept(Invented):
        def store(self, task: Task[str], answer: str, captured: Sequence[Captured]) -> int:
            seen[answer] = [item.body for item in captured]
            return 0

    take_in([Kept(NWS_GRID, {"a": calling("a"), "b": calling("b")}, captures=captures)])
    assert seen == {"a": [b"a0", b"a1", b"a2"], "b": [b"b0", b"b1", b"b2"]}
    assert captures.latest is None


def test_clients_are_closed_when_everything_is_done():
    closed_too_early = []

    class Closing(Invented):
        def store(self, task: Task[str], answer: str, captured: Sequence[Captured]) -> int:
            closed_too_early.append(self.was_closed)
            return 0

    intake = Closing(ALONE, {"a": says("a"), "b": raises(SILENT), "c": says("c")})
    take_in([intake])
    assert intake.was_closed
    assert closed_too_early == [False, False]


# --- what goes wrong -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    "error",
    [
        NONSENSE,
        BUSY,
        SILENT,
        DataUnavailable("There is nothing."),
        OperatorActionRequired("The key is not accepted."),
        RuntimeError("a defect"),
        MemoryError("too much"),
    ],
    ids=lambda error: type(error).__name__,
)
@pytest.mark.parametrize("where", ["fetch", "store"])
def test_one_failing_task_leaves_the_others(error, where):
    def store(answer: str) -> int:
        if where == "store" and answer == "b":
            raise error
        return 1

    bad = raises(error) if where == "fetch" else says("b")
    intake = Invented(ALONE, {"a": says("a"), "b": bad, "c": says("c")}, store=store)
    other = Invented(ALONE_TOO, {"d": says("d")})
    result = take_in([intake, other])
    assert intake.stored == ["a", "c"]
    assert other.stored == ["d"]
    assert [item.subject for item in result.skipped] == ["b"]
    assert result.skipped[0].reason
    assert result.done == {"stored": 3}
    assert contact(ALONE).rows == 2


def test_a_defect_is_told_without_a_traceback_and_without_a_secret():
    defect = RuntimeError("https://host/?apikey=c4n4ry5ecret failed")
    (skipped,) = take_in([Invented(ALONE, {"a": raises(defect)})]).skipped
    assert "unexpected RuntimeError" in skipped.reason
    assert "c4n4ry5ecret" not in skipped.reason
    assert "c4n4ry5ecret" not in health(ALONE).last_error


def test_a_source_that_cannot_plan_is_left_out_and_the_others_go_on():
    class Unplanned(Invented):
        def tasks(self, stack: ExitStack) -> Sequence[Task[str]]:
            raise OperatorActionRequired("There is no key. Set one.")

    other = Invented(ALONE_TOO, {"d": says("d")})
    result = take_in([Unplanned(ALONE, {}), other])
    assert other.stored == ["d"]
    assert [item.reason for item in result.skipped] == ["There is no key. Set one."]
    assert health(ALONE).status == ForecastSource.Status.DEGRADED


def test_a_failed_run_leaves_what_is_stored():
    earlier = ForecastFactory(station=StationFactory(), source__code=NWS_GRID)
    take_in([Invented(NWS_GRID, {"a": raises(NONSENSE), "b": raises(SILENT)})])
    assert list(Forecast.objects.all()) == [earlier]


# --- silence -------------------------------------------------------------------------------------


def counted(calls: list[str], *errors: Exception | None) -> dict[str, Fetch]:
    """Return tasks that note that they were run and then fail, or not."""

    def task(number: int, error: Exception | None) -> Fetch:
        def fetch() -> str:
            calls.append(str(number))
            if error is not None:
                raise error
            return str(number)

        return fetch

    return {str(number): task(number, error) for number, error in enumerate(errors)}


def test_a_silent_host_is_given_up_for_the_run():
    calls: list[str] = []
    result = take_in([Invented(ALONE, counted(calls, *[SILENT] * 6))])
    assert calls == ["0", "1"]
    assert len(result.skipped) == 6
    assert "Not asked for" in result.skipped[-1].reason
    assert contact(ALONE).problems == 2
    calls.clear()
    take_in([Invented(ALONE, counted(calls, None, None), now=NOW + MINUTE)])
    assert calls == ["0", "1"]


@pytest.mark.parametrize(
    "between", [None, NONSENSE, DataUnavailable("There is nothing.")], ids=["good", "bad", "none"]
)
def test_any_answer_ends_the_silence(between):
    calls: list[str] = []
    take_in([Invented(ALONE, counted(calls, SILENT, between, SILENT, between, SILENT))])
    assert len(calls) == 5


def test_the_silence_of_a_shared_host_gives_up_all_its_sources_and_is_seen_in_each():
    silence, calls = Silence(), []
    first = Invented(ALONE, counted(calls, SILENT, SILENT, SILENT), silence=silence)
    second = Invented("weather-company", counted([], None))
    shared = Invented(ALONE_TOO, {}, silence=silence)
    take_in([first, second, shared])
    third = Invented("hrrr", counted(calls, None, None), silence=silence)
    result = take_in([third])
    assert calls == ["0", "1"]
    assert [item.subject for item in result.skipped] == ["0", "1"]
    assert health("hrrr").status == ForecastSource.Status.DEGRADED
    assert "Not asked for" in health("hrrr").last_error
    assert contact("hrrr").problems == 1
    assert second.stored == ["0"]


def test_the_silence_of_one_source_is_not_that_of_another():
    calls: list[str] = []
    take_in(
        [
            Invented(ALONE, counted([], SILENT, SILENT, SILENT)),
            Invented(ALONE_TOO, counted(calls, None, None)),
        ]
    )
    assert calls == ["0", "1"]


# --- health --------------------------------------------------------------------------------------


def test_contact_and_health_tell_what_came():
    class Counting(Invented):
        def store(self, task: Task[str], answer: str, captured: Sequence[Captured]) -> int:
            self.run.count_values(seen=4, missing=1)
            self.run.note_issue(NOW - 30 * MINUTE)
            return 2

    tasks = {"NY": says("a"), "MIA": raises(BUSY), "CHI": raises(DataUnavailable("Nothing."))}
    take_in([Counting(ALONE, tasks)])
    account = contact(ALONE)
    assert account.at == NOW
    # That there is nothing is an answer, but no word that an earlier forecast still holds.
    assert account.answered == ["NY"]
    assert (account.rows, account.problems) == (2, 1)
    assert (account.values_seen, account.values_missing) == (4, 1)
    source = health(ALONE)
    assert source.status == ForecastSource.Status.DEGRADED
    assert source.status_reason == "MIA: The host answered with status 503."
    assert (source.last_attempt_at, source.last_success_at) == (NOW, NOW)
    assert (source.null_share, source.lag_minutes) == (0.25, 30)


def test_a_source_with_mostly_missing_values_is_degraded_however_well_it_answers():
    class Empty(Invented):
        def store(self, task: Task[str], answer: str, captured: Sequence[Captured]) -> int:
            self.run.count_values(seen=10, missing=6)
            self.run.note_issue(NOW)
            return 0

    take_in([Empty(ALONE, {"a": says("a")})])
    assert health(ALONE).status == ForecastSource.Status.DEGRADED
    assert health(ALONE).status_reason == "6 of 10 values were missing."


def test_a_source_that_keeps_failing_is_paused_longer_and_longer_and_comes_back():
    now, pauses = NOW, []
    for _ in range(8):
        take_in([Invented(ALONE, {"a": raises(BUSY)}, now=now)])
        until = health(ALONE).paused_until
        pauses.append(None if until is None else (until - now) // MINUTE)
        now = now + MINUTE if until is None else until
    assert pauses == [None, None, 5, 10, 20, 40, 60, 60]
    assert health(ALONE).status == ForecastSource.Status.DOWN
    back = Invented(ALONE, {"a": says("a")}, now=now)
    back.run.note_issue(now)
    take_in([back])
    source = health(ALONE)
    assert (source.status, source.error_streak, source.paused_until) == ("ok", 0, None)
    assert source.last_error == ""


def test_a_run_that_takes_too_long_begins_no_more_calls_and_still_gives_its_account(monkeypatch):
    time = 0.0
    monkeypatch.setattr("weather.services.intake.monotonic", lambda: time)

    def slow() -> str:
        nonlocal time
        time += 121.0
        return "slow"

    first = Invented(ALONE, {"NY": slow, "MIA": says("late")})
    other = Invented(ALONE_TOO, {"d": says("d")})
    result = take_in([first, other])
    assert first.stored == ["slow"]
    assert "MIA" in [item.subject for item in result.skipped]
    assert all("taken too long" in item.reason for item in result.skipped)
    # What was left was not the source's fault, and is asked for by the next run.
    assert (contact(ALONE).answered, contact(ALONE).problems) == (["NY"], 0)
    again = Invented(ALONE, {"MIA": says("late")})
    take_in([again])
    assert again.stored == ["late"]


def test_a_paused_source_is_not_asked_and_says_until_when_and_why():
    calls: list[str] = []
    for minutes in range(3):
        take_in([Invented(ALONE, {"a": raises(BUSY)}, now=NOW + minutes * MINUTE)])
    contacts = SourceContact.objects.count()
    paused = Invented(ALONE, counted(calls, None), now=NOW + 3 * MINUTE)
    other = Invented(ALONE_TOO, {"d": says("d")}, now=NOW + 3 * MINUTE)
    result = take_in([paused, other])
    assert calls == []
    assert other.stored == ["d"]
    assert "paused until 20:07 UTC" in result.skipped[0].reason
    assert "No good answer in 3 run(s)" in result.skipped[0].reason
    assert SourceContact.objects.count() == contacts + 1
    resume(health(ALONE))
    take_in([Invented(ALONE, counted(calls, None), now=NOW + 4 * MINUTE)])
    assert calls == ["0"]


def test_a_source_that_is_switched_off_is_not_even_planned():
    class Planned(Invented):
        def tasks(self, stack: ExitStack) -> Sequence[Task[str]]:
            raise AssertionError("planned")

    Invented(ALONE, {})
    ForecastSource.objects.filter(code=ALONE).update(is_active=False)
    result = take_in([Planned(ALONE, {})])
    assert "switched off" in result.skipped[0].reason
    assert not SourceContact.objects.exists()


def test_a_source_with_nothing_to_ask_keeps_its_health():
    take_in([Invented(ALONE, {"a": raises(BUSY)})])
    before = ForecastSource.objects.filter(code=ALONE).values().get()
    take_in([Invented(ALONE, {}, now=NOW + MINUTE)])
    assert ForecastSource.objects.filter(code=ALONE).values().get() == before


# --- refusals ------------------------------------------------------------------------------------


def refused(text: str, *, now: dt.datetime = NOW, error: BozBaseException = NONSENSE) -> None:
    """Take in an answer with this body that cannot be used."""
    captures = Captures()

    def fetch() -> str:
        captures(body(text))
        raise error

    take_in([Invented(ALONE, {"NY": fetch}, captures=captures, now=now)])


def test_what_cannot_be_used_is_kept_once_with_its_evidence_and_counted():
    refused("nonsense")
    refused("nonsense", now=NOW + MINUTE)
    refusal = Refusal.objects.get()
    assert (refusal.times, refusal.subject) == (2, "NY")
    assert refusal.reason == "The high of 999 °F cannot be true."
    assert refusal.context == {"high_f": 999}
    assert (refusal.first_seen_at, refusal.last_seen_at) == (NOW, NOW + MINUTE)
    assert refusal.payload is not None
    assert payload_body(refusal.payload) == b"nonsense"


def test_another_body_or_another_reason_is_another_refusal():
    refused("nonsense")
    refused("other nonsense")
    refused("nonsense", error=InvalidDataError("Something else is wrong."))
    assert sorted(Refusal.objects.values_list("times", flat=True)) == [1, 1, 1]


@pytest.mark.parametrize("error", [BUSY, SILENT, DataUnavailable("There is nothing.")])
def test_only_nonsense_is_refused(error):
    refused("text", error=error)
    assert not Refusal.objects.exists()
