from __future__ import annotations

import datetime as dt
import statistics

import pytest

from weather.selectors import (
    latest_forecasts,
    latest_forecasts_by_day,
    spread_inside_f,
    standing_forecasts,
)
from weather.tests.factories import (
    DAY,
    ClimateReportFactory,
    ForecastFactory,
    ForecastSourceFactory,
    StationFactory,
)

pytestmark = pytest.mark.django_db

HOUR = dt.timedelta(hours=1)
SECOND = dt.timedelta(seconds=1)
NEXT_DAY = DAY + dt.timedelta(days=1)


@pytest.fixture
def station():
    return StationFactory()


def end_of(station, day=DAY):
    return station.climate_day_bounds(day)[1]


def forecast(station, *, lead, high_f, **fields):
    """A forecast issued and known a number of hours before the end of its day."""
    day = fields.pop("climate_day", DAY)
    issued_at = end_of(station, day) - lead * HOUR
    return ForecastFactory(
        station=station, climate_day=day, high_f=high_f, issued_at=issued_at, **fields
    )


def standing(station, leads=(51, 27, 14), *, as_of=None, since=DAY):
    as_of = end_of(station) + 12 * HOUR if as_of is None else as_of
    return standing_forecasts(station=station, as_of=as_of, since=since, lead_hours=leads)


def highs(rows):
    return [(row.standing_lead_hours, row.source_code, row.high_f) for row in rows]


def test_each_lead_has_the_latest_issuance_known_before_it(station):
    ClimateReportFactory(station=station, max_f=56)
    for lead, high_f in ((60, 50.0), (40, 51.0), (28, 52.0), (20, 53.0), (10, 54.0)):
        forecast(station, lead=lead, high_f=high_f)
    forecast(station, lead=30, high_f=60.0, source=ForecastSourceFactory(code="gfs"))

    found = standing(station)

    assert highs(found) == [
        (51, "nws-grid", 50.0),
        (27, "gfs", 60.0),
        (27, "nws-grid", 52.0),
        (14, "gfs", 60.0),
        (14, "nws-grid", 53.0),
    ]
    assert [row.lead_hours for row in found] == [60, 30, 28, 30, 20]
    assert {(row.climate_day, row.observed_f) for row in found} == {(DAY, 56)}


def test_what_was_known_at_the_moment_itself_or_later_does_not_stand(station):
    ClimateReportFactory(station=station)
    cut = end_of(station) - 14 * HOUR
    forecast(station, lead=20, high_f=50.0)
    forecast(station, lead=16, high_f=60.0, available_at=cut)
    forecast(station, lead=14, high_f=61.0)

    assert highs(standing(station, (14,))) == [(14, "nws-grid", 50.0)]

    forecast(station, lead=15, high_f=52.0, available_at=cut - SECOND)
    assert highs(standing(station, (14,))) == [(14, "nws-grid", 52.0)]


def test_a_day_without_a_final_report_known_then_teaches_nothing(station):
    forecast(station, lead=30, high_f=50.0)
    ClimateReportFactory(station=station, is_preliminary=True)
    assert standing(station) == []

    report = ClimateReportFactory(station=station, max_f=0)
    assert standing(station, as_of=report.available_at - SECOND) == []
    assert {row.observed_f for row in standing(station, as_of=report.available_at)} == {0}


def test_a_forecast_withdrawn_by_then_teaches_nothing(station):
    ClimateReportFactory(station=station)
    noon_after = end_of(station) + 12 * HOUR
    forecast(station, lead=40, high_f=50.0)
    forecast(station, lead=30, high_f=99.0, withdrawn_at=noon_after)

    assert highs(standing(station, (27,), as_of=noon_after - SECOND)) == [(27, "nws-grid", 99.0)]
    assert highs(standing(station, (27,), as_of=noon_after)) == [(27, "nws-grid", 50.0)]


def test_the_spread_is_stated_or_that_of_the_members(station):
    ClimateReportFactory(station=station)
    members = [50.0, 51.5, 53.0, 49.0]
    forecast(station, lead=30, high_f=51.0, source=ForecastSourceFactory(code="gefs"))
    forecast(
        station,
        lead=29,
        high_f=51.0,
        source=ForecastSourceFactory(code="gefs"),
        member_highs_f=members,
    )
    forecast(station, lead=30, high_f=51.0, source=ForecastSourceFactory(code="nbm-nbp"), sd_f=0.0)
    forecast(station, lead=30, high_f=51.0, source=ForecastSourceFactory(code="hrrr"))

    found = {row.source_code: row.sd_f for row in standing(station, (27,))}

    assert found["gefs"] == pytest.approx(statistics.stdev(members), rel=1e-15)
    assert found["nbm-nbp"] == 0.0
    assert found["hrrr"] is None


def test_one_member_has_no_spread():
    assert spread_inside_f(stated_f=None, members_f=[50.0]) is None
    assert spread_inside_f(stated_f=None, members_f=[]) is None


def test_the_number_of_queries_does_not_grow_with_the_past(station, django_assert_num_queries):
    for age in range(30):
        day = DAY - dt.timedelta(days=age)
        ClimateReportFactory(station=station, climate_day=day)
        for lead in (60, 40, 20):
            forecast(station, lead=lead, high_f=50.0, climate_day=day)

    with django_assert_num_queries(4):
        found = standing(station, since=DAY - dt.timedelta(days=29))

    assert len(found) == 90


def test_many_days_at_once_are_the_same_as_one_by_one(station, django_assert_num_queries):
    other = StationFactory()
    gfs = ForecastSourceFactory(code="gfs")
    for place in (station, other):
        for day in (DAY, NEXT_DAY):
            forecast(place, lead=40, high_f=50.0, climate_day=day)
            forecast(place, lead=30, high_f=52.0, climate_day=day)
            forecast(place, lead=35, high_f=54.0, climate_day=day, source=gfs)
    as_of = end_of(station) - 8 * HOUR
    wanted = [(station, DAY), (station, NEXT_DAY), (other, NEXT_DAY)]

    with django_assert_num_queries(1):
        found = latest_forecasts_by_day(wanted=wanted, as_of=as_of)

    assert set(found) == {(place.pk, day) for place, day in wanted}
    for place, day in wanted:
        alone = latest_forecasts(station=place, climate_day=day, as_of=as_of)
        assert found[place.pk, day] == alone
        assert [row.source.code for row in alone] == ["gfs", "nws-grid"]
    assert [row.high_f for row in found[station.pk, DAY]] == [54.0, 52.0]
    assert found[other.pk, NEXT_DAY][1].issued_at < as_of


def test_a_day_of_which_nothing_was_said_is_empty(station):
    found = latest_forecasts_by_day(wanted=[(station, DAY)], as_of=end_of(station))

    assert found == {(station.pk, DAY): []}
