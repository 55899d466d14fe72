from __future__ import annotations

import datetime as dt

import pytest
import time_machine
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from boz.core.audit import verify_audit_chain
from boz.core.models import AuditEvent
from weather.admin.charts import Scale, scale_of, spread_of, strip_of
from weather.admin.comparison import compare_day
from weather.admin.forecasts import RUNS_SHOWN, runs_of_day
from weather.admin.words import age, interval, minutes_long, timed
from weather.models import ClimateReport
from weather.selectors import official_highs
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
from weather.tests.test_admin import HOSTILE, browser_of, browser_of_root

pytestmark = pytest.mark.django_db

NOW = dt.datetime(2024, 11, 21, 12, tzinfo=dt.UTC)
HOUR = dt.timedelta(hours=1)
RUNS = reverse("admin:weather_forecast_runs")
SIDE_BY_SIDE = reverse("admin:weather_climatereport_day")
CORRECT = reverse("admin:weather_climatereport_correct")


@pytest.fixture(autouse=True)
def _now():
    with time_machine.travel(NOW, tick=False):
        yield


@pytest.fixture
def admin_client():
    return browser_of_root()


@pytest.fixture
def station():
    return StationFactory()


def shown(client, url, station, **params):
    page = client.get(url, {"station": station.code, "day": DAY, **params})
    assert page.status_code == 200
    return page.content.decode()


# Runs of a day


def test_the_runs_of_a_day_are_the_newest_of_each_source_as_known_then(station):
    first = ForecastFactory(station=station, high_f=50.0)
    ForecastFactory(station=station, high_f=52.5, issued_at=first.issued_at + HOUR)
    ForecastFactory(station=station, high_f=99.0, issued_at=NOW + HOUR)
    other = ForecastSourceFactory(code="gfs")
    ForecastFactory(station=station, source=other, high_f=0.0, issued_at=first.issued_at)
    ForecastFactory(station=StationFactory(), high_f=70.0)

    page = runs_of_day(station=station, climate_day=DAY, as_of=NOW)

    gfs, grid = page.rows
    assert (gfs.source.code, [run.forecast.high_f for run in gfs.runs]) == ("gfs", [0.0])
    assert [run.forecast.high_f for run in grid.runs] == [52.5, 50.0]
    assert [run.change_f for run in grid.runs] == [2.5, None]
    assert grid.runs[0].age == "1 d 10 h"
    assert (
        runs_of_day(station=station, climate_day=DAY, as_of=first.issued_at)
        .rows[1]
        .runs[0]
        .forecast
        == first
    )


def test_more_runs_than_fit_keep_the_change_of_the_last_shown(station):
    start = NOW - 10 * HOUR
    for number in range(RUNS_SHOWN + 2):
        ForecastFactory(station=station, high_f=50.0 + number, issued_at=start + number * HOUR)

    (row,) = runs_of_day(station=station, climate_day=DAY, as_of=NOW).rows

    assert [run.change_f for run in row.runs] == [1.0] * RUNS_SHOWN


def test_a_withdrawn_run_is_not_shown_and_silent_sources_are_named(station):
    gone = ForecastFactory(station=station)
    type(gone).objects.filter(pk=gone.pk).update(withdrawn_at=NOW)
    ForecastFactory(station=station, source=ForecastSourceFactory(code="gfs"))

    page = runs_of_day(station=station, climate_day=DAY, as_of=NOW)

    assert [row.source.code for row in page.rows] == ["gfs"]
    assert "National Weather Service grid forecast" in page.silent
    assert "GFS (Open-Meteo)" not in page.silent
    assert "Daily summary messages" not in page.silent


def test_the_page_of_runs_draws_spreads_and_marks_what_is_known(admin_client, station):
    ForecastFactory(station=station, member_highs_f=[50.0, 52.0, 57.0], high_f=53.0)
    ObservationFactory(station=station, temp_low_f=51)
    ClimateReportFactory(station=station, max_f=54)

    text = shown(admin_client, RUNS, station)

    assert "3 members, 50.0 to 57.0" in text
    assert "Official high: 54 °F." in text
    assert "wx-spread" in text
    assert "wx-official" in text
    assert "wx-certain" in text


@pytest.mark.parametrize("url", [RUNS, SIDE_BY_SIDE])
def test_a_day_page_opens_without_a_choice_and_says_what_is_wrong_with_one(admin_client, url):
    opened = admin_client.get(url)
    assert opened.status_code == 200
    assert opened.context["chosen"].day == real_station("AUS").climate_day(NOW)

    refused = admin_client.get(url, {"station": "XX", "day": "tomorrow", "as_of": HOSTILE})
    assert refused.status_code == 200
    assert refused.context["page"] is None
    assert set(refused.context["chosen"].form.errors) == {"station", "day", "as_of"}
    assert HOSTILE not in refused.content.decode()


@pytest.mark.parametrize("url", [RUNS, SIDE_BY_SIDE, CORRECT])
def test_staff_without_the_right_to_look_see_no_day(station, url):
    assert browser_of("view_station").get(url).status_code == 403


def test_as_of_in_the_future_is_now(admin_client, station):
    ClimateReportFactory(station=station, max_f=54, issued_at=NOW + HOUR)

    page = admin_client.get(
        SIDE_BY_SIDE, {"station": station.code, "day": DAY, "as_of": "2030-01-01 00:00"}
    )

    assert page.context["page"].issuances == []


@pytest.mark.parametrize("url", [RUNS, SIDE_BY_SIDE])
def test_day_pages_need_as_many_queries_for_many_rows_as_for_few(admin_client, station, url):
    def fill(number):
        at = NOW - number * HOUR
        for code in ("nws-grid", "gfs", "icon"):
            source = ForecastSourceFactory(code=code)
            ForecastFactory(station=station, source=source, issued_at=at)
        ClimateReportFactory(station=station, issued_at=at)
        DailySummaryFactory(station=station, issued_at=at)
        ObservationFactory(station=station, observed_at=at - 8 * HOUR)

    def counted():
        with CaptureQueriesContext(connection) as context:
            shown(admin_client, url, station)
        return len(context)

    fill(0)
    before = counted()
    for number in range(1, 5):
        fill(number)

    assert counted() == before <= 14


# Side by side


def test_issuances_stand_side_by_side_with_their_differences(station):
    ClimateReportFactory(station=station, max_f=81, is_preliminary=True, issued_at=NOW - 5 * HOUR)
    ClimateReportFactory(station=station, max_f=84, issued_at=NOW - 4 * HOUR)
    gone = ClimateReportFactory(station=station, max_f=90, issued_at=NOW - 3 * HOUR)
    type(gone).objects.filter(pk=gone.pk).update(withdrawn_at=NOW, withdrawn_because="No.")
    ClimateReportFactory(station=station, max_f=84, min_f=None, issued_at=NOW - 2 * HOUR)

    page = compare_day(station=station, climate_day=DAY, as_of=NOW)
    rows = dict(page.rows)

    assert [item.standing for item in page.issuances] == [
        "lower bound",
        "replaced",
        "withdrawn",
        "stands",
    ]
    assert [(cell.text, cell.is_changed) for cell in rows["Maximum"]] == [
        ("81 °F", False),
        ("84 °F", True),
        ("90 °F", True),
        ("84 °F", True),
    ]
    assert [(cell.text, cell.is_changed) for cell in rows["Minimum"]] == [
        ("40 °F", False),
        ("40 °F", False),
        ("40 °F", False),
        ("-", True),
    ]


def test_a_past_moment_shows_a_withdrawn_report_standing(station):
    gone = ClimateReportFactory(station=station)
    type(gone).objects.filter(pk=gone.pk).update(withdrawn_at=NOW)

    then = compare_day(station=station, climate_day=DAY, as_of=NOW - HOUR)

    assert [item.standing for item in then.issuances] == ["stands"]
    assert compare_day(station=station, climate_day=DAY, as_of=NOW).official is None


@pytest.mark.parametrize(("value", "is_alike"), [(85, True), (90, False)])
def test_the_second_reading_is_held_against_the_official_high(
    admin_client, station, value, is_alike
):
    ClimateReportFactory(station=station, max_f=85)
    DailySummaryFactory(
        station=station, source=ForecastSourceFactory(code=WEATHER_COMPANY), max_f=value
    )

    text = shown(admin_client, SIDE_BY_SIDE, station)

    assert compare_day(station=station, climate_day=DAY, as_of=NOW).is_settled_alike is is_alike
    assert ("90 °F against 85 °F" in text) is not is_alike


def test_an_official_high_below_the_evidence_is_pointed_out(admin_client, station):
    ClimateReportFactory(station=station, max_f=81)
    ObservationFactory(station=station, temp_low_f=84, raw=HOSTILE)
    DailySummaryFactory(station=station, max_f=0, raw=HOSTILE)

    text = shown(admin_client, SIDE_BY_SIDE, station)

    assert "The official high of 81 °F is below the 84 °F that the evidence shows" in text
    assert "wx-bar" in text
    assert "0 °F" in text
    assert HOSTILE not in text


def test_zero_is_drawn_and_written_as_a_temperature(admin_client, station):
    ClimateReportFactory(station=station, max_f=0, min_f=-10)
    ObservationFactory(station=station, temp_low_f=0)
    DailySummaryFactory(
        station=station, max_f=0, source=ForecastSourceFactory(code=WEATHER_COMPANY)
    )

    page = compare_day(station=station, climate_day=DAY, as_of=NOW)

    assert page.official.max_f == 0
    assert page.chart.official_y is not None
    assert page.is_settled_alike is True
    assert "at least 0 °F" in shown(admin_client, SIDE_BY_SIDE, station)


# Correcting


def said(station, **changes):
    return {
        "station": station.code,
        "climate_day": DAY.isoformat(),
        "max_f": "57",
        "min_f": "",
        "reason": f"By phone. {HOSTILE}",
    } | changes


def test_a_correction_is_shown_before_it_is_written(station):
    ClimateReportFactory(station=station, max_f=55, product_id="first-word")
    client = browser_of("view_climatereport", "add_climatereport")
    assert CORRECT in shown(client, SIDE_BY_SIDE, station)

    asked = client.post(CORRECT, said(station))
    text = asked.content.decode()
    assert "55 °F" in text
    assert "57 °F" in text
    assert "first-word" in text
    assert HOSTILE not in text
    assert ClimateReport.objects.count() == 1
    assert AuditEvent.objects.count() == 0

    back = client.post(CORRECT, said(station, back="1"))
    assert 'value="57"' in back.content.decode()
    assert ClimateReport.objects.count() == 1

    done = client.post(CORRECT, said(station, confirmed="1", seen="first-word"), follow=True)
    assert done.redirect_chain[0][0].startswith(SIDE_BY_SIDE)
    assert HOSTILE not in done.content.decode()
    assert official_highs(station=station, as_of=NOW) == {DAY: 57}
    assert official_highs(station=station, as_of=NOW - HOUR) == {DAY: 55}
    report = ClimateReport.objects.get(source__code="manual")
    assert (report.note, report.min_f) == (f"By phone. {HOSTILE}", None)
    assert AuditEvent.objects.get().actor == "anna"
    assert verify_audit_chain() == []


@pytest.mark.parametrize(
    ("field", "value", "sentence"),
    [
        ("max_f", "141", "Between -80 and 140 °F, was 141."),
        ("max_f", "", "This field is required."),
        ("max_f", "55.5", "Enter a whole number."),
        ("min_f", "58", "The minimum of 58 °F is above the maximum of 57 °F."),
        ("climate_day", "2024-11-21", "The day is not over"),
        ("climate_day", "2030-01-01", "The day is not over"),
        ("climate_day", "soon", "Enter a valid date."),
        ("reason", " ", "This field is required."),
        ("station", "XX", "Select a valid choice."),
    ],
)
@pytest.mark.parametrize("step", [{}, {"confirmed": "1"}])
def test_nonsense_is_refused_at_its_field(admin_client, station, field, value, sentence, step):
    page = admin_client.post(CORRECT, said(station) | {field: value} | step)

    assert sentence in str(page.context["form"].errors[field])
    assert ClimateReport.objects.count() == 0


def test_a_report_that_comes_in_meanwhile_is_looked_at_first(admin_client, station):
    ClimateReportFactory(station=station, max_f=55, product_id="first-word")
    ClimateReportFactory(station=station, max_f=56, product_id="second-word", issued_at=NOW - HOUR)

    again = admin_client.post(CORRECT, said(station, confirmed="1", seen="first-word"))

    assert "Another report came in meanwhile" in again.content.decode()
    assert 'name="seen" value="second-word"' in again.content.decode()
    assert official_highs(station=station, as_of=NOW) == {DAY: 56}


def test_a_day_without_a_report_is_corrected_as_well(admin_client, station):
    asked = admin_client.post(CORRECT, said(station))
    assert 'name="seen" value=""' in asked.content.decode()

    admin_client.post(CORRECT, said(station, confirmed="1", seen=""))

    assert official_highs(station=station, as_of=NOW) == {DAY: 57}


def test_a_value_below_the_evidence_is_warned_of(admin_client, station):
    ObservationFactory(station=station, temp_low_f=60)

    text = admin_client.post(CORRECT, said(station)).content.decode()

    assert "57 °F is below what the evidence shows: at least 60 °F" in text


def test_who_may_look_may_not_correct(station):
    client = browser_of("view_climatereport", "change_climatereport")

    assert CORRECT not in shown(client, SIDE_BY_SIDE, station)
    assert client.get(CORRECT).status_code == 403
    assert client.post(CORRECT, said(station, confirmed="1")).status_code == 403
    assert ClimateReport.objects.count() == 0


# Words and drawings


@pytest.mark.parametrize(
    ("spread", "ends", "words"),
    [
        (
            {"members_f": [50.0, 60.0], "quantiles_f": [], "sd_f": 9.0},
            (50.0, 55.0, 60.0),
            "2 members",
        ),
        (
            {"members_f": [], "quantiles_f": [[0.1, 48.0], [0.9, 59.0]], "sd_f": 9.0},
            (48.0, 54.0, 59.0),
            "10% to 90%",
        ),
        ({"members_f": [], "quantiles_f": [], "sd_f": 2.0}, (52.0, 54.0, 56.0), "± 2"),
        ({"members_f": [], "quantiles_f": [], "sd_f": 0.0}, (54.0, 54.0, 54.0), "± 0"),
        ({"members_f": [], "quantiles_f": [], "sd_f": None}, (54.0, 54.0, 54.0), "one value"),
    ],
)
def test_a_spread_is_what_the_source_states(spread, ends, words):
    found = spread_of(54.0, **spread)

    assert (found.low_f, found.middle_f, found.high_f) == ends
    assert words in found.words


def test_a_scale_holds_every_temperature_and_a_single_one_as_well():
    assert scale_of([]) is None
    scale = scale_of([54.0])
    assert scale.low_f < 54 < scale.high_f
    strip = strip_of(spread_of(54.0, members_f=[], quantiles_f=[], sd_f=None), scale)
    assert (strip.width, strip.left) == (0.0, strip.middle)
    assert [value for _, value in Scale(-12, 41).ticks] == [-10, 0, 10, 20, 30, 40]


def test_times_and_degrees_are_written_for_people():
    assert interval(78, 78) == "78"
    assert interval(78, 79) == "78\N{EN DASH}79"
    assert interval(-1, 0) == "-1 to 0"
    assert timed(0, "14:51") == "0 °F, 14:51"
    assert (timed(None, ""), timed(55, "")) == ("-", "55 °F")
    assert (minutes_long(0), minutes_long(60), minutes_long(1500)) == (
        "0 min",
        "1 h 0 min",
        "1 d 1 h",
    )
    assert age(NOW + HOUR, now=NOW) == "0 min"
