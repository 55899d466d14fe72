from __future__ import annotations

import datetime as dt

import pytest

from boz.core.tests.api_helpers import assert_queries_do_not_grow, client_of, make_user, rows
from markets.tests.factories import NOW, EventFactory, make_ladder
from prediction.domain.discretised import gaussian_pmf
from prediction.models import Champion, EngineBelief, EngineFit, Prediction, Verification

pytestmark = pytest.mark.django_db
LISTS = ("champions", "engine-beliefs", "engine-fits", "predictions", "verifications")


def make_scored_prediction(day: int = 15) -> Prediction:
    event = EventFactory(climate_day=dt.date(2024, 11, day))
    EngineFit.objects.create(
        engine="emos_slow",
        version=day,
        station=event.series.station,
        as_of=NOW + dt.timedelta(days=day),
        n_train=90,
        parameters={"bias": 0.5},
        parameters_hash="0" * 64,
    )
    Champion.objects.create(
        engine="blend", since=NOW + dt.timedelta(days=day), reason="It won for 100 days."
    )
    pmf = gaussian_pmf(mean_f=55.0, sd_f=2.3)
    belief = {
        "pmf_low_f": pmf.low_f,
        "pmf": [float(value) for value in pmf.probabilities],
        "mean_f": 55.0,
        "sd_f": 2.3,
    }
    prediction = Prediction.objects.create(
        station=event.series.station,
        climate_day=event.climate_day,
        engine="blend",
        as_of=NOW,
        horizon="evening",
        lead_hours=33.0,
        confidence="medium",
        weight_present=1.0,
        inputs_hash="0" * 64,
        pooled_low_f=54,
        pooled_pmf=[0.25, 0.75],
        market_probabilities=[0.1, 0.2, 0.3, 0.2, 0.1, 0.1],
        pool_weights={"model": 0.2, "market": 0.8},
        engine_weights={"emos_slow": 0.7, "emos_fast": 0.3},
        fits={"emos_slow": day},
        **belief,
    )
    EngineBelief.objects.create(
        prediction=prediction, engine="emos_slow", engine_version=1, weight=0.7, **belief
    )
    for engine in ("blend", "market"):
        Verification.objects.create(
            prediction=prediction,
            event=event,
            engine=engine,
            horizon="evening",
            observed_high_f=55,
            crps_f=0.5,
            log_score=1.1,
            brier=0.6,
            rps=0.1,
            pit=0.5,
            hit_50=True,
            probabilities=[0.1, 0.2, 0.3, 0.2, 0.1, 0.1],
            outcome=2,
            verified_at=NOW,
        )
    return prediction


@pytest.fixture
def reader():
    return client_of(make_user("reader"))


@pytest.mark.parametrize("path", LISTS)
def test_beliefs_need_a_login_and_nothing_more(client, reader, path):
    make_scored_prediction()

    assert client.get(f"/api/v1/{path}/").status_code in (401, 403)
    assert rows(reader, path)


@pytest.mark.parametrize("path", LISTS)
def test_lists_need_as_many_queries_for_many_rows_as_for_one(reader, path):
    make_scored_prediction()

    assert_queries_do_not_grow(
        reader, path, lambda: [make_scored_prediction(day) for day in (16, 17, 18)]
    )


def test_a_distribution_is_read_whole(reader):
    prediction = make_scored_prediction()

    found = rows(reader, "predictions", station="NY", engine="blend", climate_day="2024-11-15")

    assert found[0]["id"] == prediction.pk
    assert found[0]["pmf"] == prediction.pmf
    assert sum(found[0]["pmf"]) == pytest.approx(1.0, abs=1e-12)


def test_scores_are_filtered_by_climate_day(reader):
    make_scored_prediction(15)
    make_scored_prediction(16)

    found = rows(reader, "verifications", climate_day_from="2024-11-16", engine="blend")

    assert [row["climate_day"] for row in found] == ["2024-11-16"]
    assert found[0]["market_brier"] is None


def test_a_distribution_stands_beside_the_market_and_the_engines_it_came_from(reader):
    make_scored_prediction()

    (found,) = rows(reader, "predictions", horizon="evening")

    assert (found["pooled_low_f"], found["pooled_pmf"]) == (54, [0.25, 0.75])
    assert found["market_probabilities"] == [0.1, 0.2, 0.3, 0.2, 0.1, 0.1]
    assert found["pool_weights"] == {"model": 0.2, "market": 0.8}
    assert found["engine_weights"] == {"emos_slow": 0.7, "emos_fast": 0.3}
    assert found["fits"] == {"emos_slow": 15}
    assert rows(reader, "predictions", horizon="early") == []


def test_a_belief_of_an_engine_says_of_which_day_and_moment_it_is(reader):
    prediction = make_scored_prediction()

    (found,) = rows(reader, "engine-beliefs", station="NY", horizon="evening", engine="emos_slow")

    assert found["prediction"] == prediction.pk
    assert (found["station"], found["climate_day"]) == ("NY", "2024-11-15")
    assert (found["horizon"], found["weight"]) == ("evening", 0.7)
    assert sum(found["pmf"]) == pytest.approx(1.0, abs=1e-12)
    assert rows(reader, "engine-beliefs", horizon="morning") == []
    assert rows(reader, "engine-beliefs", prediction=str(prediction.pk)) == [found]


def test_scores_are_filtered_by_engine_and_horizon(reader):
    make_scored_prediction()

    (found,) = rows(reader, "verifications", engine="market", horizon="evening", station="NY")

    assert (found["engine"], found["horizon"], found["outcome"]) == ("market", "evening", 2)
    assert (found["hit_50"], found["hit_90"]) == (True, None)
    assert found["probabilities"] == [0.1, 0.2, 0.3, 0.2, 0.1, 0.1]
    assert rows(reader, "verifications", horizon="morning") == []


def test_a_fit_that_was_withdrawn_says_when_and_why(reader):
    make_scored_prediction(15)
    make_scored_prediction(16)
    EngineFit.objects.filter(version=15).update(withdrawn_at=NOW, withdrawn_reason="Too cold.")

    (withdrawn,) = rows(reader, "engine-fits", is_withdrawn="true")
    (standing,) = rows(reader, "engine-fits", is_withdrawn="false")

    assert (withdrawn["version"], withdrawn["withdrawn_reason"]) == (15, "Too cold.")
    assert (standing["version"], standing["withdrawn_at"]) == (16, None)


def test_a_champion_names_who_chose_it_and_nothing_more_of_them(reader):
    make_scored_prediction()
    Champion.objects.update(chosen_by=make_user("anna"))

    (found,) = rows(reader, "champions", engine="blend")

    assert found["chosen_by"] == "anna"
    assert found["reason"] == "It won for 100 days."


def ladder_of(reader, prediction):
    return reader.get(f"/api/v1/predictions/{prediction.pk}/ladder/")


def test_a_prediction_is_told_as_the_ladder_of_its_day(
    client, reader, django_assert_max_num_queries
):
    prediction = make_scored_prediction()
    markets = make_ladder(event=prediction.verifications.first().event)
    make_ladder(event=EventFactory(climate_day=dt.date(2024, 11, 16)))

    with django_assert_max_num_queries(3):
        response = ladder_of(reader, prediction)

    assert response.status_code == 200
    told = response.json()
    assert [item["market_ticker"] for item in told["brackets"]] == [m.ticker for m in markets]
    shares = [round(item["probability"], 3) for item in told["brackets"]]
    assert shares == [0.064, 0.193, 0.329, 0.275, 0.113, 0.025]
    assert told["brackets"][0]["bracket"] == {"low_f": None, "high_f": 51}
    assert (told["city"], told["climate_day"]) == ("NY", "2024-11-15")
    assert (told["mean_f"], told["sd_f"], told["confidence"]) == (55.0, 2.3, "medium")
    assert client.get(f"/api/v1/predictions/{prediction.pk}/ladder/").status_code in (401, 403)


def test_without_a_listed_event_there_is_no_ladder_and_a_sentence_says_so(reader):
    prediction = make_scored_prediction()
    prediction.verifications.all().delete()
    prediction.station.series.get().events.all().delete()

    response = ladder_of(reader, prediction)

    assert response.status_code == 404
    assert response.json()["error"] == "DataUnavailable"
    assert response.json()["message"] == (
        "There is no proven ladder for NY on 2024-11-15: No event is listed."
    )


def test_a_quarantined_ladder_is_not_told(reader):
    prediction = make_scored_prediction()
    event = prediction.verifications.first().event
    make_ladder(event=event)
    event.quarantine_reason = "The rules contradict the strikes."
    event.save()

    response = ladder_of(reader, prediction)

    assert response.status_code == 404
    assert "The rules contradict the strikes." in response.json()["message"]


def test_a_ladder_with_a_gap_is_not_told(reader):
    prediction = make_scored_prediction()
    make_ladder(event=prediction.verifications.first().event, rungs=((None, 51), (54, None)))

    response = ladder_of(reader, prediction)

    assert response.status_code == 404
    assert "gap at 52" in response.json()["message"]
