from __future__ import annotations

import datetime as dt

import pytest

from weather import selectors
from weather.domain.station_observation import FIVE_MINUTE
from weather.models import DailySummary, Forecast
from weather.sources import WEATHER_COMPANY
from weather.tests.factories import (
    DAY,
    ClimateReportFactory,
    DailySummaryFactory,
    ForecastFactory,
    ForecastSourceFactory,
    ObservationFactory,
    StationFactory,
    real_station,
)

pytestmark = pytest.mark.django_db

UTC = dt.UTC
SECOND = dt.timedelta(seconds=1)


def at(day: int, hour: int, minute: int = 0) -> dt.datetime:
    return dt.datetime(2024, 11, day, hour, minute, tzinfo=UTC)


def company(**options):
    """Make a value of The Weather Company."""
    return DailySummaryFactory(source=ForecastSourceFactory(code=WEATHER_COMPANY), **options)


def standing(station, as_of, leads=(27, 14)):
    return selectors.standing_forecasts(station=station, as_of=as_of, since=DAY, lead_hours=leads)


def second(station, as_of, day=DAY):
    found = selectors.second_reading(station=station, climate_day=day, as_of=as_of)
    return None if found is None else found.max_f


def running(station, as_of, day=DAY):
    return selectors.running_maximum(station=station, climate_day=day, as_of=as_of)


def test_a_forecast_is_invisible_before_it_was_available():
    row = ForecastFactory(issued_at=at(20, 1), available_at=at(20, 2))

    def seen(as_of):
        return selectors.latest_forecasts(station=row.station, climate_day=DAY, as_of=as_of)

    assert seen(at(20, 2) - SECOND) == []
    assert seen(at(20, 2)) == [row]


def test_a_climate_report_is_invisible_before_it_was_available():
    row = ClimateReportFactory(available_at=at(21, 9))
    early, known = at(21, 9) - SECOND, at(21, 9)
    assert selectors.official_highs(station=row.station, as_of=early) == {}
    assert selectors.official_highs(station=row.station, as_of=known) == {DAY: 55}
    report = selectors.official_report
    assert report(station=row.station, climate_day=DAY, as_of=early) is None
    assert report(station=row.station, climate_day=DAY, as_of=known) == row
    assert running(row.station, early) is None


def test_an_observation_is_invisible_before_it_was_available():
    row = ObservationFactory(available_at=at(20, 19))
    assert running(row.station, at(20, 19) - SECOND) is None
    assert running(row.station, at(20, 19)).low_f == 50


def test_a_daily_summary_is_invisible_before_it_was_available():
    row = DailySummaryFactory(max_f=57, available_at=at(21, 6))
    assert running(row.station, at(21, 6) - SECOND) is None
    found = running(row.station, at(21, 6))
    assert (found.low_f, found.high_f, found.evidence) == (57, 57, "daily summary message")


def test_a_settlement_value_is_invisible_before_it_was_available():
    row = company(max_f=57, available_at=at(21, 6))
    assert second(row.station, at(21, 6) - SECOND) is None
    assert second(row.station, at(21, 6)) == 57


def test_a_canary_from_the_future_changes_no_answer():
    station = StationFactory()
    ForecastFactory(station=station, high_f=54.0)
    ClimateReportFactory(station=station, max_f=56)
    ObservationFactory(station=station, temp_low_f=49)
    DailySummaryFactory(station=station, max_f=55)
    company(station=station, max_f=56)
    as_of = at(22, 0)

    def answers():
        return (
            selectors.latest_forecasts(station=station, climate_day=DAY, as_of=as_of),
            selectors.official_highs(station=station, as_of=as_of),
            selectors.official_report(station=station, climate_day=DAY, as_of=as_of),
            standing(station, as_of),
            selectors.second_reading(station=station, climate_day=DAY, as_of=as_of),
            running(station, as_of),
        )

    before = answers()
    future = as_of + SECOND
    ForecastFactory(station=station, high_f=99.0, issued_at=at(20, 10), available_at=future)
    ClimateReportFactory(station=station, max_f=99, available_at=future)
    ObservationFactory(station=station, temp_low_f=99, observed_at=at(20, 20), available_at=future)
    DailySummaryFactory(station=station, max_f=99, issued_at=at(21, 7), available_at=future)
    company(station=station, max_f=99, issued_at=at(21, 7), available_at=future)
    assert answers() == before


def test_the_latest_issuance_of_each_source_counts():
    station = StationFactory()
    other = ForecastSourceFactory(code="other")
    ForecastFactory(station=station, high_f=50.0, issued_at=at(20, 0))
    late = ForecastFactory(station=station, high_f=52.0, issued_at=at(20, 6))
    second = ForecastFactory(station=station, source=other, high_f=53.0, issued_at=at(20, 3))
    ForecastFactory(station=station, climate_day=DAY + dt.timedelta(days=1))
    found = selectors.latest_forecasts(station=station, climate_day=DAY, as_of=at(20, 12))
    assert found == [late, second]


def test_the_shape_for_outside_carries_what_each_source_last_said():
    station = StationFactory()
    other = ForecastSourceFactory(code="other")
    ForecastFactory(station=station, high_f=50.0, issued_at=at(20, 0))
    ForecastFactory(
        station=station,
        high_f=0.0,
        issued_at=at(20, 6),
        available_at=at(20, 7),
        member_highs_f=[-1.5, 0.0, 2.0],
        variables={"temp_high_f": 0.0, "humidity_pct": 40.0},
        model_run_at=at(20, 5),
    )
    ForecastFactory(station=station, source=other, high_f=53.0, issued_at=at(20, 3))

    told = selectors.weather_data(station=station, climate_day=DAY, as_of=at(20, 12))

    assert [(item.source, item.high_f) for item in told] == [("nws-grid", 0.0), ("other", 53.0)]
    first = told[0]
    assert (first.city, first.climate_day) == (station.code, DAY)
    assert first.member_highs_f == (-1.5, 0.0, 2.0)
    assert first.variables.model_dump(exclude_none=True) == {
        "temp_high_f": 0.0,
        "humidity_pct": 40.0,
    }
    assert (first.model_run_at, first.issued_at, first.available_at) == (
        at(20, 5),
        at(20, 6),
        at(20, 7),
    )
    early = selectors.weather_data(station=station, climate_day=DAY, as_of=at(20, 7) - SECOND)
    assert [item.high_f for item in early] == [50.0, 53.0]


def test_the_latest_final_report_wins_even_when_it_is_lower():
    station = real_station("MIA")
    day = dt.date(2024, 11, 27)
    for issued, high, is_partial in (
        (at(27, 21, 25), 81, True),
        (at(28, 9, 32), 84, False),
        (at(28, 13, 56), 81, False),
    ):
        ClimateReportFactory(
            station=station,
            climate_day=day,
            max_f=high,
            issued_at=issued,
            is_preliminary=is_partial,
        )

    def highs(as_of):
        return selectors.official_highs(station=station, as_of=as_of, since=day)

    assert highs(at(28, 5)) == {}
    assert highs(at(28, 10)) == {day: 84}
    assert highs(at(28, 14)) == {day: 81}


def test_a_value_that_was_taken_back_is_no_longer_official():
    station = StationFactory()
    ClimateReportFactory(station=station, max_f=55)
    ClimateReportFactory(station=station, max_f=None, issued_at=at(21, 12))
    assert selectors.official_highs(station=station, as_of=at(22, 0)) == {}
    found = selectors.official_report(station=station, climate_day=DAY, as_of=at(22, 0))
    assert found is None


def test_zero_degrees_is_an_official_high():
    row = ClimateReportFactory(max_f=0, min_f=-10)
    assert selectors.official_highs(station=row.station, as_of=at(22, 0)) == {DAY: 0}


def test_a_6_hour_group_across_standard_midnight_does_not_count():
    miami = real_station("MIA")
    ObservationFactory(
        station=miami, observed_at=at(20, 5, 53), temp_low_f=75, max_6h_f=77
    )  # 23:53Z to 05:53Z; the day starts at 05:00Z
    found = running(miami, at(20, 6))
    assert (found.low_f, found.evidence) == (75, "station report 05:53Z")
    previous = running(miami, at(20, 6), day=DAY - dt.timedelta(days=1))
    assert previous is None


def test_a_6_hour_group_inside_the_day_counts():
    miami = real_station("MIA")
    ObservationFactory(station=miami, observed_at=at(20, 17, 53), temp_low_f=80, max_6h_f=83)
    found = running(miami, at(20, 18))
    assert (found.low_f, found.high_f) == (83, 83)
    assert "6-hour maximum" in found.evidence


def test_the_24_hour_group_belongs_to_the_day_that_ends():
    miami = real_station("MIA")
    ObservationFactory(station=miami, observed_at=at(21, 4, 53), temp_low_f=70, max_24h_f=85)
    assert running(miami, at(21, 5)).low_f == 85
    assert running(miami, at(21, 5), day=DAY + dt.timedelta(days=1)) is None


def test_a_24_hour_group_at_another_time_belongs_to_no_day():
    miami = real_station("MIA")
    ObservationFactory(station=miami, observed_at=at(20, 13, 53), temp_low_f=70, max_24h_f=85)
    assert running(miami, at(21, 5)).low_f == 70


def test_a_whole_celsius_reading_proves_only_its_lowest_meaning():
    row = ObservationFactory(temp_low_f=78, temp_high_f=79)
    found = running(row.station, at(20, 20))
    assert (found.low_f, found.high_f) == (78, 79)


def test_a_five_minute_value_proves_a_degree_less_since_the_official_high_is_of_averages():
    # 26 °C is 78 or 79 °F at that moment; the average around it may have been 77.
    five_minutes = {"kind": FIVE_MINUTE, "temp_low_f": 78, "temp_high_f": 79}
    row = ObservationFactory(**five_minutes)
    found = running(row.station, at(20, 20))
    assert (found.low_f, found.high_f) == (77, 79)
    assert found.evidence == "five-minute value 18:53Z"


def test_a_maximum_group_refutes_a_warmer_five_minute_value():
    miami = real_station("MIA")
    spike = {"kind": FIVE_MINUTE, "temp_low_f": 86, "temp_high_f": 86}
    ObservationFactory(station=miami, observed_at=at(20, 16), **spike)
    assert running(miami, at(20, 17)).low_f == 85
    ObservationFactory(station=miami, observed_at=at(20, 17, 53), temp_low_f=77, max_6h_f=78)
    found = running(miami, at(20, 18))
    assert (found.low_f, found.high_f) == (78, 78)


def test_an_exact_group_says_which_meaning_of_a_reading_is_too_warm():
    miami = real_station("MIA")
    ObservationFactory(station=miami, observed_at=at(20, 16), temp_low_f=78, temp_high_f=79)
    assert running(miami, at(20, 17)).high_f == 79
    ObservationFactory(station=miami, observed_at=at(20, 17, 53), temp_low_f=77, max_6h_f=78)
    found = running(miami, at(20, 18))
    assert (found.low_f, found.high_f) == (78, 78)


@pytest.mark.parametrize(
    ("code", "groups", "covered"),
    [
        ("MIA", [at(20, 23, 53)], True),  # 18:53 standard time
        ("CHI", [at(20, 23, 53)], True),  # 17:53
        ("DEN", [at(20, 23, 53)], False),  # 16:53: the afternoon is not over
        ("DEN", [at(21, 5, 51)], False),  # begins at 16:51
        ("DEN", [at(20, 23, 53), at(21, 5, 51)], True),
        ("LAX", [at(20, 23, 53), at(21, 5, 53)], True),
        ("MIA", [at(20, 17, 53)], False),  # 12:53
    ],
)
def test_the_afternoon_is_covered_once_its_groups_are_in(code, groups, covered):
    station = real_station(code)
    for moment in groups:
        ObservationFactory(station=station, observed_at=moment, temp_low_f=60, max_6h_f=70)
    found = running(station, at(21, 6))
    assert found.is_afternoon_covered is covered
    assert found.observed_until == groups[-1]
    assert running(station, groups[-1] - SECOND) is None or len(groups) > 1


def test_the_24_hour_group_covers_the_afternoon():
    miami = real_station("MIA")
    ObservationFactory(station=miami, observed_at=at(21, 4, 53), temp_low_f=70, max_24h_f=85)
    assert running(miami, at(21, 5)).is_afternoon_covered


def test_only_a_maximum_of_the_whole_day_so_far_covers_its_start():
    """Behind a front the high is at midnight, before the first station report."""
    miami, chicago, denver = (real_station(code) for code in ("MIA", "CHI", "DEN"))
    for station in (miami, chicago, denver):
        ObservationFactory(station=station, observed_at=at(20, 17, 53), temp_low_f=60, max_6h_f=62)
    assert not running(miami, at(20, 18)).is_start_covered
    ObservationFactory(station=miami, observed_at=at(21, 4, 53), temp_low_f=50, max_24h_f=63)
    ClimateReportFactory(station=chicago, max_f=60, is_preliminary=True, issued_at=at(20, 22))
    partial_summary(denver, 61, at(20, 22, 44))

    assert running(miami, at(21, 5)).is_start_covered
    assert running(chicago, at(20, 23)).is_start_covered
    assert not running(chicago, at(20, 21)).is_start_covered
    assert running(denver, at(20, 23)).is_start_covered


def test_hourly_reports_and_climate_reports_cover_no_afternoon():
    station = StationFactory()
    ClimateReportFactory(station=station, max_f=60, is_preliminary=True, issued_at=at(20, 21))
    found = running(station, at(20, 22))
    assert (found.observed_until, found.is_afternoon_covered) == (None, False)
    ObservationFactory(station=station, observed_at=at(21, 1, 53), temp_low_f=50)
    found = running(station, at(21, 2))
    assert (found.observed_until, found.is_afternoon_covered) == (at(21, 1, 53), False)


def test_a_partial_report_is_a_lower_bound():
    station = StationFactory()
    ClimateReportFactory(station=station, max_f=60, is_preliminary=True, issued_at=at(20, 21))
    ObservationFactory(station=station, temp_low_f=58)
    assert running(station, at(20, 22)).low_f == 60
    ObservationFactory(station=station, observed_at=at(20, 22, 53), temp_low_f=62)
    assert running(station, at(20, 23)).low_f == 62


def partial_summary(station, max_f, issued_at, **options):
    return DailySummaryFactory(
        station=station,
        max_f=max_f,
        status=DailySummary.Status.PARTIAL,
        valid_until=issued_at - dt.timedelta(minutes=44),
        issued_at=issued_at,
        **options,
    )


def test_a_daily_summary_of_the_running_day_is_a_lower_bound():
    station = StationFactory()
    ObservationFactory(station=station, temp_low_f=58, temp_high_f=59)
    partial_summary(station, 61, at(20, 20, 44))
    found = running(station, at(20, 21))
    assert (found.low_f, found.high_f, found.at) == (61, 61, at(20, 20, 44))
    ObservationFactory(station=station, observed_at=at(20, 22, 53), temp_low_f=63)
    assert running(station, at(20, 23)).low_f == 63
    assert not running(station, at(20, 23)).is_afternoon_covered


def test_the_latest_daily_summary_counts_even_when_it_is_lower():
    station = StationFactory()
    partial_summary(station, 95, at(20, 20, 44))
    partial_summary(station, 61, at(20, 21, 10), is_correction=True)
    assert running(station, at(20, 21)).low_f == 95
    assert running(station, at(20, 21, 10)).low_f == 61
    # A correction of the same minute stands for what it corrects, whichever came in first.
    DailySummaryFactory(station=station, max_f=60, issued_at=at(21, 5, 16), is_correction=True)
    DailySummaryFactory(station=station, max_f=66, issued_at=at(21, 5, 16))
    assert running(station, at(21, 6)).low_f == 60


def test_a_daily_summary_without_a_maximum_takes_nothing_back():
    station = StationFactory()
    partial_summary(station, 61, at(20, 20, 44))
    partial_summary(station, None, at(20, 21, 44))
    assert running(station, at(20, 22)).low_f == 61


def test_a_daily_summary_speaks_of_its_own_day_only():
    row = DailySummaryFactory(max_f=61)
    assert running(row.station, at(22, 0), day=DAY + dt.timedelta(days=1)) is None


def test_a_settlement_value_is_no_evidence_for_the_running_maximum():
    row = company(max_f=61)
    assert running(row.station, at(22, 0)) is None


def test_the_second_reading_is_the_latest_value_and_no_message():
    station = StationFactory()
    company(station=station, max_f=85, issued_at=at(21, 6), status=DailySummary.Status.PRELIMINARY)
    company(station=station, max_f=90, issued_at=at(21, 12), status=DailySummary.Status.REVISED)
    DailySummaryFactory(station=station, max_f=99, issued_at=at(21, 13))
    assert second(station, at(21, 7)) == 85
    assert second(station, at(22, 0)) == 90


@pytest.mark.parametrize("make", [ObservationFactory, DailySummaryFactory, ClimateReportFactory])
def test_what_was_withdrawn_proves_nothing_any_more(make):
    row = make(withdrawn_at=at(21, 12), withdrawn_because="The sensor was broken.")
    assert running(row.station, at(21, 12) - SECOND) is not None
    assert running(row.station, at(21, 12)) is None


def test_the_day_ends_before_the_next_midnight_report():
    station = StationFactory()
    ObservationFactory(station=station, observed_at=at(21, 5), temp_low_f=90)
    ObservationFactory(station=station, observed_at=at(20, 5), temp_low_f=0)
    assert running(station, at(22, 0)).low_f == 0


def test_a_corrected_report_replaces_the_first_one():
    station = StationFactory()
    ObservationFactory(station=station, temp_low_f=95)
    ObservationFactory(station=station, temp_low_f=59, kind="METAR COR")
    assert running(station, at(20, 20)).low_f == 59


def test_reads_take_few_queries(django_assert_max_num_queries):
    station = StationFactory()
    for hour in range(10):
        ForecastFactory(station=station, issued_at=at(20, hour))
        ObservationFactory(station=station, observed_at=at(20, 5 + hour))
    assert Forecast.objects.count() == 10
    with django_assert_max_num_queries(3):
        (found,) = selectors.latest_forecasts(station=station, climate_day=DAY, as_of=at(21, 0))
        assert found.source.code == "nws-grid"
    with django_assert_max_num_queries(3):
        selectors.weather_data(station=station, climate_day=DAY, as_of=at(21, 0))
    with django_assert_max_num_queries(3):
        running(station, at(21, 0))
