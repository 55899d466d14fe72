"""Official highs of the archive: known from their issuance on, never before."""

from __future__ import annotations

import datetime as dt

import httpx
import pytest

from weather.models import ClimateReport, Refusal
from weather.selectors import official_highs
from weather.sources import IEM_CLI, NWS_CLI
from weather.tests.factories import ClimateReportFactory, ForecastSourceFactory, real_station
from weather.tests.history_world import CLI, LATER, Past, warmth

pytestmark = pytest.mark.django_db
UTC = dt.UTC
DAY = dt.date(2026, 7, 8)
QUARTER_HOUR = dt.timedelta(minutes=15)


@pytest.fixture
def past() -> Past:
    return Past(real_station("NY"))


def fetch(past: Past, *rows, day: dt.date = DAY, now: dt.datetime = LATER):
    """Fetch one day of which the archive says ``rows``."""
    past.spoiled[CLI] = httpx.Response(200, json={"results": list(rows)})
    (outcome,) = past.fetch(IEM_CLI, since=day, until=day, now=now)
    return outcome


def test_a_high_is_known_a_quarter_of_an_hour_after_its_report(past):
    (outcome,) = past.fetch(IEM_CLI, since=DAY, until=DAY)

    row = ClimateReport.objects.get()
    assert (outcome.rows, outcome.refused, outcome.reason) == (1, 0, "")
    assert (row.climate_day, row.max_f, row.min_f) == (DAY, warmth(DAY), 40)
    assert (row.source.code, row.product_id) == (IEM_CLI, "202607090626-KOKX-CDUS41-CLINYC")
    assert row.issued_at == dt.datetime(2026, 7, 9, 6, 26, tzinfo=UTC)
    assert row.available_at == dt.datetime(2026, 7, 9, 6, 41, tzinfo=UTC)
    assert row.fetched_at == LATER
    assert not row.is_preliminary
    assert not row.is_correction
    assert row.payload is not None


def test_a_high_is_invisible_before_it_was_available(past):
    past.fetch(IEM_CLI, since=DAY, until=DAY)
    available_at = ClimateReport.objects.get().available_at

    def known(as_of):
        return official_highs(station=past.station, as_of=as_of)

    assert known(available_at - dt.timedelta(seconds=1)) == {}
    assert known(available_at) == {DAY: warmth(DAY)}


def test_canary_no_report_is_known_before_its_day_is_over(past):
    past.fetch(IEM_CLI, since=dt.date(2026, 1, 1), until=dt.date(2026, 7, 31))

    rows = ClimateReport.objects.filter(is_preliminary=False)
    assert rows.count() == 212
    for row in rows:
        _, end = past.station.climate_day_bounds(row.climate_day)
        assert row.available_at >= end + QUARTER_HOUR


@pytest.mark.parametrize(
    ("issued", "is_preliminary"),
    [("202607082035", True), ("202607090459", True), ("202607090500", False)],
)
def test_a_report_issued_before_the_standard_day_ends_is_no_truth(past, issued, is_preliminary):
    fetch(past, past.cli_row(DAY, product=f"{issued}-KOKX-CDUS41-CLINYC"))

    assert ClimateReport.objects.get().is_preliminary is is_preliminary
    assert (official_highs(station=past.station, as_of=LATER) == {}) is is_preliminary


@pytest.mark.parametrize(("mark", "is_correction"), [("-CCA", True), ("-RRA", False), ("", False)])
def test_only_corrections_are_marked_as_such(past, mark, is_correction):
    fetch(past, past.cli_row(DAY, product=f"202607091200-KOKX-CDUS41-CLINYC{mark}"))

    assert ClimateReport.objects.get().is_correction is is_correction


def test_of_a_day_corrected_late_nothing_is_known_before_the_correction(past):
    fetch(past, past.cli_row(DAY, product="202607281200-KOKX-CDUS41-CLINYC-CCA"))
    corrected_at = dt.datetime(2026, 7, 28, 12, 15, tzinfo=UTC)

    assert official_highs(station=past.station, as_of=corrected_at - QUARTER_HOUR) == {}
    assert official_highs(station=past.station, as_of=corrected_at) == {DAY: warmth(DAY)}


def test_zero_degrees_is_a_high_and_a_missing_one_is_none(past):
    other = DAY + dt.timedelta(days=1)
    rows = [past.cli_row(DAY, high=0, low=-9), past.cli_row(other, high="M")]
    past.spoiled[CLI] = httpx.Response(200, json={"results": rows})
    past.fetch(IEM_CLI, since=DAY, until=other)

    assert official_highs(station=past.station, as_of=LATER) == {DAY: 0}
    assert ClimateReport.objects.get(climate_day=other).max_f is None


@pytest.mark.parametrize(
    "changes",
    [
        {"product": "202607090626-KOKX-CDUS41-CLILGA"},
        {"product": "202607090626-KOKX-CDUS41-DSMNYC"},
        {"product": "nonsense"},
        {"product": "202607080459-KOKX-CDUS41-CLINYC"},
        {"product": "202611010626-KOKX-CDUS41-CLINYC"},
        {"station": "KLGA"},
        {"high": 141},
        {"high": -81},
        {"high": 61.5},
        {"high": "sixty"},
        {"low": 99},
    ],
    ids=str,
)
def test_a_row_that_cannot_be_is_refused_and_the_others_stay(past, changes):
    other = DAY + dt.timedelta(days=1)
    rows = [past.cli_row(DAY, **changes), past.cli_row(other)]
    past.spoiled[CLI] = httpx.Response(200, json={"results": rows})
    (outcome,) = past.fetch(IEM_CLI, since=DAY, until=other)

    assert (outcome.rows, outcome.refused, outcome.reason) == (1, 1, "")
    assert ClimateReport.objects.get().climate_day == other
    refusal = Refusal.objects.get()
    assert refusal.source.code == IEM_CLI
    assert refusal.station == past.station
    assert refusal.payload is not None


def test_a_row_of_another_year_or_without_a_readable_day_is_refused(past):
    outcome = fetch(past, past.cli_row(DAY), past.cli_row(DAY, valid="2026-02-30"), {"valid": None})

    assert (outcome.rows, outcome.refused) == (1, 2)


def test_days_not_asked_for_are_left_alone(past):
    past.fetch(IEM_CLI, since=DAY, until=DAY)

    assert ClimateReport.objects.count() == 1


def test_the_same_issuance_from_two_sources_is_one_opinion(past):
    issued_at = dt.datetime(2026, 7, 9, 6, 26, tzinfo=UTC)
    ClimateReportFactory(
        station=past.station, climate_day=DAY, max_f=warmth(DAY), issued_at=issued_at
    )
    outcome = fetch(past, past.cli_row(DAY))

    assert (outcome.rows, outcome.refused) == (1, 0)
    assert set(ClimateReport.objects.values_list("source__code", flat=True)) == {NWS_CLI, IEM_CLI}
    assert official_highs(station=past.station, as_of=LATER) == {DAY: warmth(DAY)}


def test_the_text_of_a_report_counts_against_the_archive_s_reading_of_it(past):
    issued_at = dt.datetime(2026, 7, 9, 6, 26, tzinfo=UTC)
    ClimateReportFactory(station=past.station, climate_day=DAY, max_f=84, issued_at=issued_at)
    outcome = fetch(past, past.cli_row(DAY, high=99))

    assert (outcome.rows, outcome.refused) == (0, 1)
    assert "the text counts" in Refusal.objects.get().reason
    assert official_highs(station=past.station, as_of=LATER) == {DAY: 84}


@pytest.mark.parametrize(("hour", "expected"), [(8, 70), (5, 99)])
def test_the_latest_issue_counts_whichever_source_has_it(past, hour, expected):
    ClimateReportFactory(
        station=past.station,
        climate_day=DAY,
        max_f=70,
        issued_at=dt.datetime(2026, 7, 9, hour, 30, tzinfo=UTC),
    )
    fetch(past, past.cli_row(DAY, high=99))

    assert official_highs(station=past.station, as_of=LATER) == {DAY: expected}


def test_one_product_is_stored_once_whoever_brought_it(past):
    ClimateReportFactory(
        station=past.station,
        source=ForecastSourceFactory(code=NWS_CLI),
        climate_day=DAY,
        max_f=warmth(DAY),
        product_id="202607090626-KOKX-CDUS41-CLINYC",
        issued_at=dt.datetime(2026, 7, 9, 6, 26, tzinfo=UTC),
    )
    outcome = fetch(past, past.cli_row(DAY))

    assert outcome.rows == 0
    assert ClimateReport.objects.count() == 1


def test_years_are_asked_for_one_by_one_and_the_last_days_of_december_belong_to_theirs(past):
    outcomes = past.fetch(IEM_CLI, since=dt.date(2024, 12, 30), until=dt.date(2025, 1, 2))

    assert [item.rows for item in outcomes] == [2, 2]
    assert [request.url.params["year"] for request in past.asked] == ["2025", "2024"]
    assert set(ClimateReport.objects.values_list("climate_day", flat=True)) == {
        dt.date(2024, 12, 30), dt.date(2024, 12, 31), dt.date(2025, 1, 1), dt.date(2025, 1, 2)
    }  # fmt: skip


def test_the_leap_day_has_its_high(past):
    leap = dt.date(2024, 2, 29)
    past.fetch(IEM_CLI, since=leap, until=leap)

    assert official_highs(station=past.station, as_of=LATER) == {leap: warmth(leap)}
