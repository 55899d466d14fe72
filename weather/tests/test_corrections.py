from __future__ import annotations

import datetime as dt

import pytest
from django.contrib.auth.models import Permission

from boz.core.audit import verify_audit_chain
from boz.core.errors import InvalidDataError, OperatorActionRequired
from boz.core.models import AuditEvent
from boz.core.tests.api_helpers import make_user
from weather.models import ClimateReport, DailySummary, Forecast, Observation
from weather.selectors import (
    latest_forecasts,
    official_highs,
    official_report,
    running_maximum,
    second_reading,
)
from weather.services.corrections import correct_climate_report, withdraw
from weather.services.forecast_rows import IssuedDay, StationDays, store_forecasts
from weather.services.health import SourceRun, get_source
from weather.sources import AVIATIONWEATHER, NWS_GRID, NWS_OBSERVATIONS, WEATHER_COMPANY
from weather.tests.factories import (
    DAY,
    ClimateReportFactory,
    DailySummaryFactory,
    ForecastFactory,
    ForecastSourceFactory,
    ObservationFactory,
    StationFactory,
)

pytestmark = pytest.mark.django_db

#: The climate day of the factories ends at 05:00Z; their report comes at 07:00Z.
NOW = dt.datetime(2024, 11, 21, 12, tzinfo=dt.UTC)
SECOND = dt.timedelta(seconds=1)
FACTORIES = {
    Forecast: ForecastFactory,
    Observation: ObservationFactory,
    ClimateReport: ClimateReportFactory,
    DailySummary: DailySummaryFactory,
}


def operator(*codenames: str):
    user = make_user("anna")
    user.user_permissions.set(Permission.objects.filter(codename__in=codenames))
    return type(user).objects.get(pk=user.pk)


@pytest.fixture
def anna():
    return operator(
        "add_climatereport",
        *(f"change_{model._meta.model_name}" for model in FACTORIES),
    )


@pytest.fixture
def station():
    return StationFactory()


def correct(station, user, **changes):
    values = {
        "station": station,
        "climate_day": DAY,
        "max_f": 57,
        "min_f": 41,
        "reason": "The office says so on the phone.",
        "user": user,
        "now": NOW,
    }
    return correct_climate_report(**{**values, **changes})


def test_a_correction_counts_from_now_on_and_the_past_stays(station, anna):
    wrong = ClimateReportFactory(station=station, max_f=55)
    facts = ClimateReport.objects.filter(pk=wrong.pk).values().get()

    report = correct(station, anna)

    assert official_highs(station=station, as_of=NOW) == {DAY: 57}
    assert official_report(station=station, climate_day=DAY, as_of=NOW) == report
    assert official_highs(station=station, as_of=NOW - SECOND) == {DAY: 55}
    assert official_report(station=station, climate_day=DAY, as_of=NOW - SECOND) == wrong
    assert ClimateReport.objects.filter(pk=wrong.pk).values().get() == facts
    assert (report.source.code, report.is_correction, report.is_preliminary) == (
        "manual",
        True,
        False,
    )
    assert report.note == "The office says so on the phone."
    assert (report.issued_at, report.available_at, report.fetched_at) == (NOW, NOW, NOW)


def test_a_correction_may_lower_a_high_that_was_too_warm(station, anna):
    ClimateReportFactory(station=station, max_f=84)
    before = running_maximum(station=station, climate_day=DAY, as_of=NOW)

    correct(station, anna, max_f=81)

    after = running_maximum(station=station, climate_day=DAY, as_of=NOW)
    assert (before.low_f, after.low_f) == (84, 81)
    assert running_maximum(station=station, climate_day=DAY, as_of=NOW - SECOND) == before


def test_zero_degrees_is_a_value(station, anna):
    correct(station, anna, max_f=0, min_f=-12)

    assert official_highs(station=station, as_of=NOW) == {DAY: 0}


def test_a_later_word_of_the_office_stands_for_the_day_again(station, anna):
    correct(station, anna, max_f=57)
    ClimateReportFactory(station=station, max_f=56, issued_at=NOW + SECOND)

    assert official_highs(station=station, as_of=NOW + SECOND) == {DAY: 56}


def test_a_withdrawn_correction_gives_the_day_back_to_the_office(station, anna):
    ClimateReportFactory(station=station, max_f=55)
    report = correct(station, anna)

    withdraw(report, reason="Misread.", user=anna, now=NOW + SECOND)

    assert official_highs(station=station, as_of=NOW) == {DAY: 57}
    assert official_highs(station=station, as_of=NOW + SECOND) == {DAY: 55}


def test_several_corrections_of_a_day_are_several_issuances(station, anna):
    first = correct(station, anna, max_f=57)
    second = correct(station, anna, max_f=58)

    assert first.product_id != second.product_id
    assert official_report(station=station, climate_day=DAY, as_of=NOW) == second
    assert official_report(station=station, climate_day=DAY, as_of=NOW).max_f == 58


def test_sending_the_same_correction_twice_changes_nothing_more(station, anna):
    correct(station, anna)

    with pytest.raises(InvalidDataError, match="says exactly this"):
        correct(station, anna)

    assert ClimateReport.objects.count() == 1
    assert AuditEvent.objects.count() == 1


@pytest.mark.parametrize(
    ("field", "changes"),
    [
        ("max_f", {"max_f": 141}),
        ("max_f", {"max_f": -81, "min_f": None}),
        ("min_f", {"min_f": -81}),
        ("min_f", {"max_f": 40, "min_f": 41}),
        ("climate_day", {"climate_day": DAY + dt.timedelta(days=1)}),
        ("climate_day", {"climate_day": DAY + dt.timedelta(days=400)}),
        ("climate_day", {"now": dt.datetime(2024, 11, 21, 4, 59, 59, tzinfo=dt.UTC)}),
        ("reason", {"reason": " \n"}),
        ("reason", {"reason": "x" * 1001}),
    ],
)
def test_nonsense_is_refused_with_its_field_and_leaves_no_trace(station, anna, field, changes):
    with pytest.raises(InvalidDataError) as caught:
        correct(station, anna, **changes)

    assert caught.value.context["field"] == field
    assert ClimateReport.objects.count() == 0
    assert AuditEvent.objects.count() == 0


def test_a_day_may_be_corrected_from_the_second_it_is_over(station, anna):
    end = station.climate_day_bounds(DAY)[1]

    assert correct(station, anna, now=end).available_at == end


def test_who_may_look_may_not_correct(station):
    viewer = operator("view_climatereport", "change_climatereport")

    with pytest.raises(OperatorActionRequired, match="anna may not correct"):
        correct(station, viewer)

    assert ClimateReport.objects.count() == 0


@pytest.mark.parametrize("model", FACTORIES)
def test_a_withdrawn_row_counts_no_more_and_is_there_for_the_past(anna, model):
    row = FACTORIES[model]()

    withdraw(row, reason=" Sensor under repair. ", user=anna, now=NOW)

    stored = model.objects.get(pk=row.pk)
    assert (stored.withdrawn_at, stored.withdrawn_because) == (NOW, "Sensor under repair.")
    assert list(model.objects.known(NOW)) == []
    assert list(model.objects.known(NOW - SECOND)) == [row]


@pytest.mark.parametrize("model", FACTORIES)
def test_withdrawing_needs_the_permission_for_that_kind_of_row(model):
    row = FACTORIES[model]()
    others = [f"change_{item._meta.model_name}" for item in FACTORIES if item is not model]
    user = operator(f"view_{model._meta.model_name}", *others)

    with pytest.raises(OperatorActionRequired, match="may not withdraw"):
        withdraw(row, reason="Why not.", user=user, now=NOW)

    assert model.objects.get(pk=row.pk).withdrawn_at is None
    assert AuditEvent.objects.count() == 0


def test_a_row_is_withdrawn_once_and_keeps_its_first_moment(anna):
    row = ForecastFactory()
    withdraw(row, reason="First.", user=anna, now=NOW)

    with pytest.raises(InvalidDataError, match="withdrawn at 2024-11-21 12:00"):
        withdraw(row, reason="Second.", user=anna, now=NOW + SECOND)

    row.refresh_from_db()
    assert (row.withdrawn_at, row.withdrawn_because) == (NOW, "First.")
    assert AuditEvent.objects.count() == 1


def test_a_withdrawal_without_a_reason_is_refused(anna):
    row = ForecastFactory()

    with pytest.raises(InvalidDataError, match="Say why"):
        withdraw(row, reason="", user=anna, now=NOW)

    row.refresh_from_db()
    assert row.withdrawn_at is None


def test_a_withdrawn_report_gives_the_day_back_to_the_one_before(station, anna):
    ClimateReportFactory(station=station, max_f=81)
    wrong = ClimateReportFactory(
        station=station, max_f=84, issued_at=dt.datetime(2024, 11, 21, 9, tzinfo=dt.UTC)
    )

    withdraw(wrong, reason="The 24-hour group says 81.", user=anna, now=NOW)

    assert official_highs(station=station, as_of=NOW) == {DAY: 81}
    assert official_highs(station=station, as_of=NOW - SECOND) == {DAY: 84}
    assert running_maximum(station=station, climate_day=DAY, as_of=NOW).low_f == 81


def test_without_its_only_report_a_day_has_no_official_high(station, anna):
    wrong = ClimateReportFactory(station=station)

    withdraw(wrong, reason="Another station's.", user=anna, now=NOW)

    assert official_highs(station=station, as_of=NOW) == {}
    assert official_report(station=station, climate_day=DAY, as_of=NOW) is None


def test_a_withdrawn_observation_no_longer_bounds_the_high(station, anna):
    ObservationFactory(station=station, temp_low_f=50)
    wrong = ObservationFactory(
        station=station, temp_low_f=95, observed_at=dt.datetime(2024, 11, 20, 19, 53, tzinfo=dt.UTC)
    )
    assert running_maximum(station=station, climate_day=DAY, as_of=NOW).low_f == 95

    withdraw(wrong, reason="The sensor stood in the sun.", user=anna, now=NOW)

    assert running_maximum(station=station, climate_day=DAY, as_of=NOW).low_f == 50
    assert running_maximum(station=station, climate_day=DAY, as_of=NOW - SECOND).low_f == 95


def test_a_report_that_two_services_pass_on_counts_until_both_are_withdrawn(station, anna):
    first, second = (
        ObservationFactory(station=station, temp_low_f=95, source=ForecastSourceFactory(code=code))
        for code in (AVIATIONWEATHER, NWS_OBSERVATIONS)
    )

    withdraw(first, reason="Impossible.", user=anna, now=NOW)
    assert running_maximum(station=station, climate_day=DAY, as_of=NOW).low_f == 95
    withdraw(second, reason="Impossible.", user=anna, now=NOW)
    assert running_maximum(station=station, climate_day=DAY, as_of=NOW) is None


def test_a_withdrawn_daily_value_is_no_second_reading(station, anna):
    value = DailySummaryFactory(
        station=station, source=ForecastSourceFactory(code=WEATHER_COMPANY), max_f=90
    )

    withdraw(value, reason="Of another city.", user=anna, now=NOW)

    assert second_reading(station=station, climate_day=DAY, as_of=NOW) is None
    assert second_reading(station=station, climate_day=DAY, as_of=NOW - SECOND) == value


def test_a_withdrawn_forecast_gives_way_to_the_issuance_before(station, anna):
    early = ForecastFactory(station=station, high_f=55.0)
    wrong = ForecastFactory(
        station=station, high_f=99.0, issued_at=early.issued_at + dt.timedelta(hours=1)
    )

    withdraw(wrong, reason="Another grid cell.", user=anna, now=NOW)

    assert latest_forecasts(station=station, climate_day=DAY, as_of=NOW) == [early]
    assert latest_forecasts(station=station, climate_day=DAY, as_of=NOW - SECOND) == [wrong]


def test_a_withdrawn_issuance_does_not_come_back_when_the_source_says_it_again(station, anna):
    issued = IssuedDay(climate_day=DAY, high_f=55.0, issued_at=NOW - dt.timedelta(hours=1))

    def ingest():
        run = SourceRun(get_source(NWS_GRID), now=NOW)
        return store_forecasts([StationDays(station, [issued])], run=run)

    assert ingest() == 1
    withdraw(Forecast.objects.get(), reason="Wrong cell.", user=anna, now=NOW)

    assert ingest() == 0
    assert latest_forecasts(station=station, climate_day=DAY, as_of=NOW) == []


def test_every_change_stands_in_an_unbroken_audit_trail(station, anna):
    ClimateReportFactory(station=station, max_f=55, product_id="first-word")
    report = correct(station, anna)
    withdraw(report, reason="Misread.", user=anna, now=NOW + SECOND)

    assert verify_audit_chain() == []
    corrected, withdrawn = AuditEvent.objects.order_by("id")
    assert (corrected.actor, corrected.action) == ("anna", "climate_report.correct")
    assert corrected.subject == f"climate_report:{station.code}:2024-11-20"
    assert corrected.before == {"product_id": "first-word", "max_f": 55, "min_f": 40}
    assert (corrected.after["max_f"], corrected.after["min_f"]) == (57, 41)
    assert corrected.reason == "The office says so on the phone."
    assert (withdrawn.action, withdrawn.subject) == (
        "climate_report.withdraw",
        f"climate_report:{report.pk}",
    )
    assert withdrawn.reason == "Misread."


@pytest.mark.parametrize("act", ["correct", "withdraw"])
def test_without_its_audit_event_nothing_is_changed(station, anna, monkeypatch, act):
    row = ClimateReportFactory(station=station, max_f=55)

    def fail(**kwargs):
        raise RuntimeError("The trail is gone.")

    monkeypatch.setattr("weather.services.corrections.record_audit", fail)
    with pytest.raises(RuntimeError):
        if act == "correct":
            correct(station, anna)
        else:
            withdraw(row, reason="Wrong.", user=anna, now=NOW)

    assert official_highs(station=station, as_of=NOW) == {DAY: 55}
    assert ClimateReport.objects.count() == 1
