"""What was believed before engines stood side by side is still there afterwards."""

from __future__ import annotations

import datetime as dt

import pytest
from django.db import connection
from django.db.migrations.executor import MigrationExecutor

from prediction.tests.factories import DAY, EVENING_BEFORE

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.slow]

BEFORE = [("prediction", "0001_initial")]
AFTER = [("prediction", "0004_one_score_per_engine")]
HOUR = dt.timedelta(hours=1)


def migrate(targets):
    executor = MigrationExecutor(connection)
    executor.migrate(targets)
    return executor.loader.project_state(targets).apps


@pytest.fixture
def old():
    """Return the models as they were, with the tables to match; and bring all back afterwards."""
    yield migrate(BEFORE)
    executor = MigrationExecutor(connection)
    executor.migrate(executor.loader.graph.leaf_nodes())


def station_of(apps):
    return apps.get_model("weather", "Station").objects.create(
        code="T1",
        name="Test town",
        icao="QT01",
        cli_id="T01",
        cli_headline="TEST TOWN",
        wfo="TST",
        latitude=40.0,
        longitude=-75.0,
        elevation_m=10.0,
        timezone="America/New_York",
        standard_offset_hours=-5,
    )


def event_of(apps, station, day=DAY):
    series, _ = apps.get_model("markets", "Series").objects.get_or_create(
        ticker="KXHIGHT1", defaults={"station": station, "title": "Highs"}
    )
    return apps.get_model("markets", "Event").objects.create(
        series=series,
        climate_day=day,
        ticker=f"KXHIGHT1-{day}",
        title="High",
        rules_hash="",
        first_seen_at=EVENING_BEFORE,
    )


def prediction_of(apps, station, *, lead_hours, engine="combined", fit=None):
    return apps.get_model("prediction", "Prediction").objects.create(
        station=station,
        climate_day=DAY,
        engine=engine,
        as_of=EVENING_BEFORE - lead_hours * HOUR,
        pmf_low_f=55,
        pmf=[0.25, 0.75],
        mean_f=55.75,
        sd_f=0.5,
        lead_hours=lead_hours,
        confidence="low",
        weight_present=0.5,
        n_train=79,
        inputs_hash="0" * 64,
        fit=fit,
    )


def verification_of(apps, prediction, event, *, brier):
    return apps.get_model("prediction", "Verification").objects.create(
        prediction=prediction,
        event=event,
        observed_high_f=55,
        crps_f=1.0,
        log_score=1.0,
        brier=brier,
        rps=0.1,
        pit=0.5,
        market_brier=0.6,
        verified_at=EVENING_BEFORE,
    )


def test_beliefs_fits_and_scores_are_carried_over(old):
    station = station_of(old)
    event = event_of(old, station)
    fit = old.get_model("prediction", "EngineFit").objects.create(
        engine="forecast_gaussian",
        version=3,
        station=station,
        as_of=EVENING_BEFORE,
        n_train=79,
        parameters={"sources": {}},
        parameters_hash="0" * 64,
    )
    leads = {40.0: "early", 20.0: "evening", 14.5: "morning", 0.0: "afternoon"}
    made = {
        lead: prediction_of(old, station, lead_hours=lead, fit=fit if lead == 20.0 else None)
        for lead in leads
    }
    prediction_of(old, station, lead_hours=14.5, engine="climatology")
    verification_of(old, made[20.0], event, brier=0.9)
    verification_of(old, made[14.5], event, brier=0.7)

    new = migrate(AFTER)

    predictions = {
        row.lead_hours: row for row in new.get_model("prediction", "Prediction").objects.all()
    }
    assert {lead: row.horizon for lead, row in predictions.items()} == leads
    assert all(row.pmf == [0.25, 0.75] for row in predictions.values())
    assert {lead: row.fits for lead, row in predictions.items() if row.fits} == {
        20.0: {"forecast_gaussian": 3}
    }
    score = new.get_model("prediction", "Verification").objects.get()
    assert (score.engine, score.horizon, score.brier) == ("combined", "morning", 0.7)
    assert (score.lead_hours, score.n_train, score.weight_present) == (14.5, 79, 0.5)
    assert (score.outcome, score.probabilities, score.hit_80) == (None, [], None)
    carried = new.get_model("prediction", "EngineFit").objects.get()
    assert (carried.engine_version, carried.withdrawn_at) == (1, None)


def test_the_way_back_keeps_the_beliefs(old):
    station = station_of(old)
    prediction_of(old, station, lead_hours=20.0)
    migrate(AFTER)

    back = migrate(BEFORE)

    kept = back.get_model("prediction", "Prediction").objects.get()
    assert (kept.pmf, kept.fit) == ([0.25, 0.75], None)


def test_the_way_back_keeps_one_score_of_a_prediction_the_champions_of_the_morning(old):
    station = station_of(old)
    event = event_of(old, station)
    prediction_of(old, station, lead_hours=14.5)
    prediction_of(old, station, lead_hours=20.0)
    new = migrate(AFTER)
    scored_by = new.get_model("prediction", "Verification").objects
    for prediction in new.get_model("prediction", "Prediction").objects.all():
        for engine in ("climatology", "combined", "market"):
            scored_by.create(
                prediction=prediction,
                event_id=event.pk,
                engine=engine,
                horizon=prediction.horizon,
                observed_high_f=55,
                crps_f=1.0,
                log_score=1.0,
                brier=0.7 if engine == "combined" else 0.9,
                rps=0.1,
                pit=0.5,
                verified_at=EVENING_BEFORE,
            )

    back = migrate(BEFORE)

    score = back.get_model("prediction", "Verification").objects.get()
    assert (score.brier, score.prediction.lead_hours) == (0.7, 14.5)
    assert back.get_model("prediction", "Prediction").objects.count() == 2
