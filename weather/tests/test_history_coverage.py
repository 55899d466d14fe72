"""The coverage says what is there, what is missing and what can be learned from."""

from __future__ import annotations

import datetime as dt
import json

import pytest

from weather.selectors import LAST_LEARNED_LEAD_HOURS, standing_forecasts
from weather.services.history.archives import ARCHIVED_SOURCES
from weather.services.history.coverage import SourceCoverage, StationCoverage, coverage
from weather.services.history.spans import DaySpan
from weather.sources import IEM_ASOS, IEM_CLI, NWS_CLI
from weather.tests.factories import (
    ClimateReportFactory,
    ForecastFactory,
    ForecastSourceFactory,
    ObservationFactory,
    RefusalFactory,
    real_station,
)
from weather.tests.history_world import LATER, Past

pytestmark = pytest.mark.django_db
UTC = dt.UTC
DAY = dt.date(2026, 7, 8)


@pytest.fixture
def past() -> Past:
    return Past(real_station("NY"))


def of(past: Past, **kwargs) -> StationCoverage:
    (found,) = coverage([past.station], **({"as_of": LATER} | kwargs)).stations
    return found


def source(found: StationCoverage, code: str) -> SourceCoverage:
    (item,) = [item for item in found.sources if item.source == code]
    return item


def days(count: int) -> list[dt.date]:
    return [DAY + dt.timedelta(days=n) for n in range(count)]


def test_nothing_is_said_as_nothing(past):
    found = of(past)

    assert (found.days_with_truth, found.usable_days, found.can_fit) == (0, 0, False)
    assert {item.source for item in found.sources} == set(ARCHIVED_SOURCES)
    assert {(item.first_day, item.days, item.gaps.count) for item in found.sources} == {
        (None, 0, 0)
    }


def test_a_backfill_is_accounted_for(past):
    past.fetch(since=DAY, until=DAY + dt.timedelta(days=9))
    found = of(past)

    assert (found.days_with_truth, found.days_with_forecasts) == (10, 10)
    assert (found.days_with_observations, found.usable_days) == (10, 10)
    assert found.can_fit
    gfs = source(found, "gfs")
    assert (gfs.days, gfs.rows, gfs.usable_days) == (10, 50, 10)
    assert gfs.days_by_lead == dict.fromkeys((1, 2, 3, 4, 5), 10)
    assert source(found, "hrrr").days_by_lead == {1: 10}
    assert source(found, IEM_CLI).rows == 10
    assert source(found, IEM_ASOS).rows == 240


def test_usable_are_the_days_the_fit_takes(past):
    past.fetch(IEM_CLI, since=DAY, until=DAY + dt.timedelta(days=4))
    past.fetch("gfs", since=DAY + dt.timedelta(days=3), until=DAY + dt.timedelta(days=9))
    found = of(past)
    learned = standing_forecasts(
        station=past.station, as_of=LATER, since=DAY, lead_hours=(LAST_LEARNED_LEAD_HOURS,)
    )

    assert found.usable_days == len({row.climate_day for row in learned}) == 2
    assert source(found, "gfs").usable_days == 2
    assert source(found, "gfs").days == 7


def test_forecasts_known_only_in_the_late_morning_are_not_usable(past):
    ClimateReportFactory(station=past.station, climate_day=DAY)
    start, _ = past.station.climate_day_bounds(DAY)
    ForecastFactory(station=past.station, climate_day=DAY, issued_at=start + dt.timedelta(hours=10))
    found = of(past)

    assert (found.days_with_forecasts, found.usable_days, found.can_fit) == (1, 0, False)


def test_gaps_are_counted_and_the_first_ones_named(past):
    for day in days(12):
        if day.day not in (9, 11, 12, 15):
            ClimateReportFactory(station=past.station, climate_day=day)
    gaps = source(of(past), NWS_CLI).gaps

    assert (gaps.count, gaps.days) == (3, 4)
    assert gaps.first[:2] == (
        DaySpan(dt.date(2026, 7, 9), dt.date(2026, 7, 9)),
        DaySpan(dt.date(2026, 7, 11), dt.date(2026, 7, 12)),
    )


def test_partial_reports_and_missing_maxima_are_no_truth(past):
    first, second, third = days(3)
    ClimateReportFactory(station=past.station, climate_day=first, is_preliminary=True)
    ClimateReportFactory(station=past.station, climate_day=second, max_f=None)
    ClimateReportFactory(station=past.station, climate_day=third, max_f=0)
    found = of(past)

    assert found.days_with_truth == 1
    assert source(found, NWS_CLI).days == 1


def test_what_was_not_known_then_does_not_count(past):
    past.fetch(since=DAY, until=DAY)
    start, end = past.station.climate_day_bounds(DAY)

    assert of(past, as_of=start).days_with_truth == 0
    assert of(past, as_of=end + dt.timedelta(minutes=1)).days_with_truth == 0
    assert of(past, as_of=end + dt.timedelta(hours=2)).days_with_truth == 1


def test_only_the_days_asked_about_are_counted(past):
    past.fetch(since=DAY, until=DAY + dt.timedelta(days=9))
    found = of(past, since=DAY + dt.timedelta(days=2), until=DAY + dt.timedelta(days=4))

    assert (found.days_with_truth, found.usable_days) == (3, 3)
    assert source(found, IEM_CLI).first_day == DAY + dt.timedelta(days=2)
    assert found.days_with_observations == 3


def test_observations_belong_to_their_standard_day(past):
    _, end = past.station.climate_day_bounds(DAY)
    iem = ForecastSourceFactory(code=IEM_ASOS)
    for moment in (end - dt.timedelta(minutes=1), end):
        ObservationFactory(station=past.station, source=iem, observed_at=moment)
    item = source(of(past), IEM_ASOS)

    assert (item.first_day, item.last_day) == (DAY, DAY + dt.timedelta(days=1))


def test_refusals_are_counted_by_source_and_station(past):
    for station in (past.station, past.station, real_station("MIA")):
        RefusalFactory(station=station, source=ForecastSourceFactory(code="gfs"))

    assert source(of(past), "gfs").refused == 2


def test_json_can_say_it(past):
    past.fetch(since=DAY, until=DAY)
    document = json.loads(json.dumps(coverage([past.station], as_of=LATER).as_dict()))

    (station,) = document["stations"]
    (gfs,) = [item for item in station["sources"] if item["source"] == "gfs"]
    assert document["as_of"] == "2026-09-01T12:00:00Z"
    assert (gfs["first_day"], gfs["days_by_lead"]["1"], gfs["kind"]) == (
        "2026-07-08", 1, "forecasts",
    )  # fmt: skip
    assert gfs["gaps"] == {"count": 0, "days": 0, "first": []}
