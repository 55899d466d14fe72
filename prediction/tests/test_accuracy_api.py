from __future__ import annotations

import datetime as dt

import pytest
import time_machine

from boz.core.tests.api_helpers import client_of, make_user
from prediction.domain.horizons import Horizon
from prediction.models import Champion
from prediction.tests.accuracy_worlds import (
    LAST_DAY,
    NOW,
    days_until,
    forecast_high,
    report_high,
    score_day,
    score_days,
)
from weather.tests.factories import real_station

pytestmark = pytest.mark.django_db
DOCUMENTS = ("engines", "sources", "reliability", "grades", "pit", "weights", "advantage")
FIELDS = {
    "probabilities": [0.2, 0.5, 0.3],
    "outcome": 1,
    "error_f": -1.0,
    "sd_f": 2.0,
    "hit_80": True,
    "weights": {"emos_slow": 0.75, "climatology": 0.25},
}


@pytest.fixture(autouse=True)
def _at_noon():
    with time_machine.travel(NOW, tick=False):
        yield


@pytest.fixture
def reader():
    return client_of(make_user("reader"))


def ask(client, name: str, **params: str):
    response = client.get(f"/api/v1/accuracy/{name}/", params)
    assert response.status_code == 200, (name, response.status_code, response.content)
    return response.json()


@pytest.mark.parametrize("name", DOCUMENTS)
def test_documents_need_a_login_and_are_whole_without_a_row(client, reader, name):
    assert client.get(f"/api/v1/accuracy/{name}/").status_code in (401, 403)

    told = ask(reader, name)

    assert (told["station"], told["since"], told["last_day"]) == (None, "2024-09-01", None)
    assert told["as_of"] == "2024-11-30T12:00:00Z"


@pytest.mark.parametrize("name", DOCUMENTS)
@pytest.mark.parametrize(
    "params",
    [{"station": "NOWHERE"}, {"days": "0"}, {"days": "many"}, {"horizon": "midnight"}],
)
def test_a_question_that_makes_no_sense_is_refused_in_the_usual_shape(reader, name, params):
    response = reader.get(f"/api/v1/accuracy/{name}/", params)

    assert response.status_code == 400
    assert set(response.json()) == {"error", "message", "context"}


def test_engines_are_told_with_their_comparisons_and_verdict(reader):
    score_days(days_until(LAST_DAY, 25), brier=0.4, **FIELDS)
    score_day(LAST_DAY, engine="market", horizon=Horizon.EVENING)

    told = ask(reader, "engines", station="NY", horizon="morning")

    (blend,) = told["results"]
    assert (told["station"], blend["engine"], blend["horizon"]) == ("NY", "blend", "morning")
    assert (blend["cases"], blend["days"], blend["mae_f"], blend["bias_f"]) == (25, 25, 1.0, -1.0)
    assert blend["brier"]["mean"] == pytest.approx(0.4)
    assert blend["brier"]["low"] == pytest.approx(0.4)
    assert blend["market_brier"]["skill"] == pytest.approx(0.2)
    assert blend["market_brier"]["difference"]["mean"] == pytest.approx(-0.1)
    assert (blend["coverage_80"], blend["coverage_90"]) == (1.0, None)
    assert blend["verdict"].startswith("So far better than the market over 25 days")
    assert len(ask(reader, "engines")["results"]) == 2
    (market,) = ask(reader, "engines", engine="market")["results"]
    assert market["market_brier"] is None


def test_the_diagram_the_histogram_the_weights_and_the_lead_are_told(reader):
    days = days_until(LAST_DAY, 6)
    score_days(days, log_score=1.0, market_log_score=1.1, pit=0.55, **FIELDS)

    diagram, histogram = ask(reader, "reliability"), ask(reader, "pit")
    weights, lead = ask(reader, "weights"), ask(reader, "advantage")

    assert (diagram["engine"], diagram["horizon"], diagram["cases"]) == ("blend", "morning", 6)
    assert [(point["count"], point["frequency"]) for point in diagram["points"]] == [
        (6, 0.0),
        (6, 0.0),
        (6, 1.0),
    ]
    assert histogram["counts"] == [0, 0, 0, 0, 0, 6, 0, 0, 0, 0]
    assert histogram["index"] == pytest.approx(1.8)
    assert [item["engine"] for item in weights["results"]] == ["emos_slow", "climatology"]
    assert weights["results"][0]["points"][-1] == {"climate_day": "2024-11-29", "weight": 0.75}
    assert [point["days"] for point in lead["results"]] == [5, 6]
    assert lead["results"][-1]["advantage"] == pytest.approx(0.1)
    assert (lead["engine"], lead["horizon"]) == ("blend", "morning")


def test_grades_are_told_with_their_verdict(reader):
    for city, grade in (("NY", "high"), ("MIA", "medium"), ("CHI", "low")):
        score_days(days_until(LAST_DAY, 20), city=city, confidence=grade, **FIELDS)

    told, alone = ask(reader, "grades"), ask(reader, "grades", station="NY")

    assert (told["horizon"], told["is_monotone"]) == ("morning", True)
    assert told["verdict"].endswith("high 100.0%, medium 100.0%, low 100.0%.")
    assert told["grades"][0] == {
        "confidence": "high",
        "cases": 20,
        "days": 20,
        "mean_top_probability": 0.5,
        "top_hit_rate": 1.0,
        "coverage_80": 1.0,
    }
    assert (alone["is_monotone"], alone["grades"][2]["top_hit_rate"]) == (None, None)
    assert alone["verdict"].startswith("No verdict")
    assert ask(reader, "grades", horizon="early")["grades"][0]["cases"] == 0


def test_without_a_name_the_engine_is_the_one_whose_belief_counts(reader):
    Champion.objects.create(engine="emos_slow", since=NOW, reason="Trial.")
    score_day(LAST_DAY, engine="emos_slow", pit=0.1)

    assert ask(reader, "pit")["engine"] == "emos_slow"
    assert ask(reader, "pit", engine="blend")["cases"] == 0


def test_sources_are_told_by_horizon(reader):
    station = real_station("NY")
    report_high(LAST_DAY, 55, station)
    forecast_high(LAST_DAY, 57.0, lead_hours=30, station=station)

    told = ask(reader, "sources")["results"]

    assert [(row["source"], row["horizon"], row["mae_f"]) for row in told] == [
        ("nws-grid", "evening", 2.0),
        ("nws-grid", "morning", 2.0),
    ]
    assert ask(reader, "sources", horizon="early")["results"] == []
    assert ask(reader, "sources", horizon="afternoon")["results"] == []


@pytest.mark.parametrize(
    "name", ["engines", "reliability", "grades", "pit", "weights", "advantage"]
)
def test_more_rows_need_no_more_queries(reader, name, django_assert_max_num_queries):
    score_days(days_until(LAST_DAY, 30), **FIELDS)
    score_days(days_until(LAST_DAY - dt.timedelta(days=30), 5), city="MIA", **FIELDS)

    with django_assert_max_num_queries(3):
        ask(reader, name)
