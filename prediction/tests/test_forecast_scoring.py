"""The parts of forecast scoring: what counts as known when, and what is learned from it."""

import datetime as dt
from collections import Counter
from dataclasses import replace

import pytest

from boz.core.errors import InvalidDataError
from prediction.domain.horizons import Horizon
from prediction.engines import ENGINES
from prediction.services.forecast_scoring.learning import Learner
from prediction.services.forecast_scoring.official_highs import (
    OfficialHighs,
    known_from,
    newest_known_day,
    settled_highs,
)
from prediction.services.forecast_scoring.report_days import ReportDays
from prediction.services.forecast_scoring.snapshots import read_snapshots
from prediction.services.forecast_scoring.stated_highs import stated_highs
from prediction.services.forecast_scoring.station_reports import StationReports, read_reports
from prediction.services.forecast_scoring.walk import walk_forward
from prediction.tests.scoring_world import FIRST_DAY, event_rows, ladder_rows, write_table
from weather.stations import STATIONS

NY, CHI, MIA = (next(s for s in STATIONS if s.code == code) for code in ("NY", "CHI", "MIA"))
DAY = dt.date(2024, 8, 20)
ONE_DAY = dt.timedelta(days=1)


def utc(text):
    return dt.datetime.fromisoformat(text).replace(tzinfo=dt.UTC)


@pytest.mark.parametrize(
    ("station", "at", "newest"),
    [
        # 21:00, 10:00 and 14:00 of daylight time; the day before and the day itself.
        (NY, "2024-08-20T01:00", DAY - 2 * ONE_DAY),
        (NY, "2024-08-20T14:00", DAY - ONE_DAY),
        (NY, "2024-08-20T18:00", DAY - ONE_DAY),
        (NY, "2024-08-20T12:59", DAY - 2 * ONE_DAY),
        (NY, "2024-08-20T13:00", DAY - ONE_DAY),
        (CHI, "2024-08-20T13:59", DAY - 2 * ONE_DAY),
        (CHI, "2024-08-20T14:00", DAY - ONE_DAY),
    ],
)
def test_a_high_is_known_from_eight_in_the_morning_of_standard_time(station, at, newest):
    assert newest_known_day(station, utc(at)) == newest
    assert known_from(station, newest) <= utc(at) < known_from(station, newest + ONE_DAY)


def test_highs_are_handed_out_up_to_what_was_known():
    highs = OfficialHighs({"NY": {DAY + number * ONE_DAY: 80 + number for number in range(-5, 5)}})
    known = highs.known(NY, as_of=utc("2024-08-20T14:00"), since=DAY - 3 * ONE_DAY)
    assert known == tuple((DAY - n * ONE_DAY, 80 - n) for n in (3, 2, 1))
    assert highs.of_day(NY, DAY, as_of=utc("2024-08-21T12:59")) is None
    assert highs.of_day(NY, DAY, as_of=utc("2024-08-21T13:00")) == 80
    assert highs.known(CHI, as_of=utc("2024-08-20T14:00"), since=DAY) == ()


def stated(row, at, refused=None):
    end = utc("2024-08-21T05:00")
    refused = Counter() if refused is None else refused
    return stated_highs([row], climate_day=DAY, day_end=end, as_of=utc(at), refused=refused)


def test_the_grid_forecast_is_used_once_it_was_certainly_issued():
    row = {"ndfd_high_f": "84.0"}
    assert stated(row, "2024-08-20T00:49") == ()
    (known,) = stated(row, "2024-08-20T00:50")
    assert (known.source, known.high_f, known.lead_hours) == ("nws-grid", 84.0, 28)


def test_logged_highs_are_used_from_their_issue_and_are_later_words():
    row = {
        "ndfd_high_f": "84",
        "issued_utc": "2024-08-20T10:00:00Z",
        "nws_f": "85",
        "gfs_f": "",
        "ecmwf_f": "86.5",
    }
    assert [item.high_f for item in stated(row, "2024-08-20T09:59")] == [84.0]
    found = {item.source: item.high_f for item in stated(row, "2024-08-20T10:00")}
    assert found == {"nws-grid": 85.0, "ecmwf-ifs": 86.5}


def test_a_refused_forecast_is_counted():
    refused = Counter()
    assert stated({"ndfd_high_f": "999"}, "2024-08-20T02:00", refused) == ()
    assert sum(refused.values()) == 1


def readings_of(tmp_path, rows, *, at="2024-08-21T04:00"):
    template = dict.fromkeys(("station", "utc", "type", "temp_c", "tgroup_c", "max6h_c"), "")
    full = [template | {"station": "KMIA", "type": "FM-15"} | row for row in rows]
    skipped = Counter()
    reports = read_reports(
        write_table(tmp_path / "metar.csv", full), icaos={"KMIA"}, skipped=skipped
    )
    return reports.readings(MIA, DAY, as_of=utc(at)), skipped


def test_whole_celsius_is_an_interval_and_tenths_are_exact(tmp_path):
    found, _ = readings_of(
        tmp_path,
        [
            {"utc": "2024-08-20T14:53:00", "temp_c": "26.0"},
            {"utc": "2024-08-20T15:53:00", "temp_c": "26.0", "tgroup_c": "26.1"},
        ],
    )
    assert [(item.low_f, item.high_f) for item in found] == [(78, 79), (79, 79)]
    assert found[0].hour_lst == 9.88


def test_readings_are_those_of_the_day_that_could_have_been_read(tmp_path):
    rows = [
        {"utc": f"2024-08-{text}", "temp_c": "30.0"}
        for text in ("20T04:59:00", "20T05:00:00", "20T14:55:00", "20T14:56:00", "21T05:00:00")
    ]
    found, _ = readings_of(tmp_path, rows, at="2024-08-20T15:00")
    assert [item.hour_lst for item in found] == [0.0, 9.92]


@pytest.mark.parametrize(
    ("at", "kind", "group_c", "expected"),
    [
        ("17:53", "FM-15", "31.1", 88),
        ("17:53", "FM-15", "2.7", None),  # below what was read: misread
        ("17:53", "FM-15", "45.0", None),  # far above all readings
        ("17:53", "FM-16", "31.1", None),  # groups come with routine reports
        ("15:53", "FM-15", "31.1", None),  # and at their hours only
        ("17:53", "FM-15", "", None),
    ],
)
def test_a_six_hour_maximum_is_believed_where_it_can_be_one(tmp_path, at, kind, group_c, expected):
    rows = [
        {"utc": "2024-08-20T14:53:00", "temp_c": "30.0", "tgroup_c": "30.0"},
        {
            "utc": f"2024-08-20T{at}:00",
            "type": kind,
            "temp_c": "30.6",
            "tgroup_c": "30.6",
            "max6h_c": group_c,
        },
    ]
    found, _ = readings_of(tmp_path, rows)
    assert found[-1].max_6h_f == expected


def test_an_impossible_reading_is_left_out_and_counted(tmp_path):
    found, skipped = readings_of(
        tmp_path,
        [
            {"utc": "2024-08-20T14:53:00", "temp_c": "99.0"},
            {"utc": "2024-08-20T15:53:00", "temp_c": "warm"},
            {"utc": "2024-08-20T16:53:00"},
            {"utc": "2024-08-20T17:53:00", "temp_c": "30.0"},
        ],
    )
    assert len(found) == 1
    assert sum(skipped.values()) == 2


def test_reports_teach_from_the_last_whole_week_that_was_over(tmp_path):
    rows = [
        {"station": "KMIA", "utc": f"{day}T{hour:02}:53:00", "temp_c": "30.0"}
        for number in range(20)
        for day in [DAY + number * ONE_DAY]
        for hour in (14, 18)
    ]
    path = write_table(tmp_path / "metar.csv", rows)
    reports = read_reports(path, icaos={"KMIA"}, skipped=Counter())
    highs = OfficialHighs({"MIA": {DAY + number * ONE_DAY: 88 for number in range(-30, 20)}})
    report_days = ReportDays(reports=reports, highs=highs)
    tuples = []
    for number in range(22):
        as_of = utc("2024-08-20T12:59") + number * ONE_DAY
        found = report_days.known(MIA, as_of=as_of)
        assert all(known_from(MIA, item.climate_day) <= as_of for item in found)
        if not tuples or tuples[-1] is not found:
            tuples.append(found)
    assert [len(found) for found in tuples] == [0, 6, 13, 20]
    assert report_days.known(NY, as_of=utc("2024-09-10T12:00")) == ()


class Spy:
    """Stands for an engine and keeps what it is given to learn from."""

    def __init__(self, engine, error=None):
        self.engine, self.error, self.pasts = engine, error, []

    def fit(self, past):
        self.pasts.append(past)
        if self.error is not None:
            raise self.error
        return self.engine.fit(past)

    def __getattr__(self, name):
        return getattr(self.engine, name)


@pytest.fixture
def recorded(tmp_path):
    return read_snapshots([write_table(tmp_path / "ladders.csv", ladder_rows())])


def walk(recorded):
    highs = OfficialHighs(settled_highs(recorded.snapshots, recorded.results))
    return list(walk_forward(recorded, highs=highs, reports=StationReports({})))


def test_engines_are_fitted_once_a_morning_from_days_that_were_over(recorded, monkeypatch):
    spy = Spy(ENGINES["emos_slow"])
    monkeypatch.setitem(ENGINES, "emos_slow", spy)
    walk(recorded)
    pasts = [past for past in spy.pasts if past.station_code == "NY"]
    assert len(pasts) == 7  # the first evening, and each of six mornings
    for past in pasts:
        assert past.as_of == known_from(NY, past.target_day - 2 * ONE_DAY)
        days = {case.climate_day for case in past.cases} | {
            item.climate_day for item in past.scored
        }
        assert all(known_from(NY, day) <= past.as_of for day in days)
    last = pasts[-1]
    assert {case.climate_day for case in last.cases} == {
        FIRST_DAY + number * ONE_DAY for number in range(5)
    }
    assert {item.station_code for item in last.scored} == {"NY"}  # Miami's engine was silent


def test_a_forecast_stands_at_every_horizon_by_which_it_was_issued(recorded, monkeypatch):
    spy = Spy(ENGINES["emos_slow"])
    monkeypatch.setitem(ENGINES, "emos_slow", spy)
    walk(recorded)
    past = next(past for past in reversed(spy.pasts) if past.station_code == "NY")
    first = [case for case in past.cases if case.climate_day == FIRST_DAY]
    assert [case.horizon for case in first] == [Horizon.EVENING, Horizon.MORNING]
    assert [item.source for item in first[0].forecasts] == ["nws-grid"]
    rows = event_rows("NY", FIRST_DAY, "am10")
    assert first[0].forecasts[0].high_f == float(rows[0]["ndfd_high_f"])
    assert first[0].observed_f == float(rows[0]["settle_high_f"])


def test_a_class_of_lead_learns_from_the_snapshot_nearest_to_its_moment(tmp_path, monkeypatch):
    rows = []
    for hour in (11, 9, 10):
        for row in event_rows("NY", FIRST_DAY, "am10"):
            at = utc("2025-01-06T05:00") + dt.timedelta(hours=hour)
            rows.append(
                row
                | {
                    "snapshot": f"h{hour:02}",
                    "snapshot_utc": at.isoformat(),
                    "mkt_p": f"{1 / 6:.6f}" if hour == 10 else row["mkt_p"],
                }
            )
    rows += event_rows("NY", FIRST_DAY + ONE_DAY, "pm14")
    spy = Spy(ENGINES["blend"])
    monkeypatch.setitem(ENGINES, "blend", spy)
    walk(read_snapshots([write_table(tmp_path / "ladders.csv", rows)]))
    (scored,) = spy.pasts[-1].scored
    assert scored.horizon is Horizon.MORNING
    assert scored.market == pytest.approx([1 / 6] * 6)


def test_an_unsound_market_teaches_nothing(tmp_path, monkeypatch):
    rows = ladder_rows(days=2, cities=("NY",))
    for row in rows:
        row["mkt_ok"] = "0"
    spy = Spy(ENGINES["blend"])
    monkeypatch.setitem(ENGINES, "blend", spy)
    walk(read_snapshots([write_table(tmp_path / "ladders.csv", rows)]))
    assert {item.market for item in spy.pasts[-1].scored} == {None}


def test_a_snapshot_after_its_day_is_believed_without_the_result(tmp_path):
    rows = ladder_rows(days=3, cities=("NY",))
    late = [row | {"snapshot": "late"} for row in event_rows("NY", FIRST_DAY, "pm14")]
    for row in late:
        row["snapshot_utc"] = (known_from(NY, FIRST_DAY) + ONE_DAY).isoformat()
    alone = walk(read_snapshots([write_table(tmp_path / "alone.csv", rows)]))
    both = walk(read_snapshots([write_table(tmp_path / "both.csv", rows + late)]))
    assert len(both) == len(alone) + 1
    assert [item for item in both if item.snapshot.name != "late"][-1].blend == alone[-1].blend
    (belief,) = (item for item in both if item.snapshot.name == "late")
    assert max(belief.engine) < 0.9


def test_an_engine_that_cannot_learn_is_counted_and_the_walk_goes_on(recorded, monkeypatch):
    error = InvalidDataError("A past that cannot be true.")
    monkeypatch.setitem(ENGINES, "emos_fast", Spy(ENGINES["emos_fast"], error))
    assert len(walk(recorded)) == 36
    assert recorded.skipped["emos_fast: A past that cannot be true."] > 0


def test_a_result_is_asked_for_only_when_its_day_is_over(recorded):
    class Sealed(dict):
        """Gives no result away before anybody could have known it."""

        as_of = None

        def __getitem__(self, key):
            assert known_from(NY if key[0] == "NY" else MIA, key[1]) <= self.as_of
            return super().__getitem__(key)

    sealed = Sealed(recorded.results)
    highs = OfficialHighs(settled_highs(recorded.snapshots, recorded.results))
    beliefs = walk(recorded)
    report_days = ReportDays(reports=StationReports({}), highs=highs)
    learner = Learner(highs=highs, results=sealed, report_days=report_days)
    for belief in beliefs:
        sealed.as_of = belief.snapshot.at
        learner.parameters(belief.snapshot.station, as_of=belief.snapshot.at)
        learner.remember(belief)
    assert learner.refused == Counter()


def test_a_market_that_is_too_timid_is_sharpened_by_what_it_taught(tmp_path):
    """The best bracket pays always and is priced at half: settled days must show."""
    rows = []
    for number in range(40):
        event = event_rows("NY", FIRST_DAY + number * ONE_DAY, "pm14")
        for row in event:
            row["mkt_p"] = "0.5" if row["won"] == "1" else "0.1"
        rows += event
    recorded = read_snapshots([write_table(tmp_path / "ladders.csv", rows)])
    beliefs = walk(replace(recorded, skipped=Counter()))
    outcomes = [recorded.results[belief.snapshot.key].outcome for belief in beliefs]
    paid = [belief.blend[outcome] for belief, outcome in zip(beliefs, outcomes, strict=True)]
    assert paid[0] == pytest.approx(0.5, abs=1e-4)
    assert paid[-1] > 0.6
