from __future__ import annotations

import datetime as dt
import math

import pytest
from django.contrib.auth import get_user_model

from boz.core.errors import DataUnavailable
from markets.models import Event
from markets.tests.factories import EventFactory, SeriesFactory, make_ladder
from prediction.constants import CLIMATOLOGY_WINDOW, EMOS_SLOW_ENGINE, PRIMARY_ENGINE
from prediction.domain.distribution import IntegerPmf
from prediction.engines import get_engine
from prediction.engines.base import ReachedMaximum
from prediction.models import EngineBelief, Prediction
from prediction.selectors import bracket_prediction, latest_prediction, pmf_of, pooled_pmf_of
from prediction.services import predict as predict_service
from prediction.services.champions import choose_champion
from prediction.services.fit import fit_station
from prediction.services.predict import predict, predict_all
from prediction.tests.factories import (
    DAY,
    EVENING_BEFORE,
    EngineFitFactory,
    PredictionFactory,
    assemble_inputs,
    make_history,
    quote,
)
from weather.models import SourceContact
from weather.tests.factories import (
    ClimateReportFactory,
    ForecastFactory,
    ForecastSourceFactory,
    ObservationFactory,
    real_station,
)

pytestmark = pytest.mark.django_db

LATER = EVENING_BEFORE + dt.timedelta(hours=17)


def evening_forecast(station, high_f=52.0, **fields):
    """A forecast whose source goes on answering every hour that it is still the latest."""
    forecast = ForecastFactory(station=station, climate_day=DAY, high_f=high_f, **fields)
    SourceContact.objects.bulk_create(
        SourceContact(
            source=forecast.source,
            at=forecast.available_at + dt.timedelta(hours=hour),
            answered=[station.code],
        )
        for hour in range(1, 48)
    )
    return forecast


def same_pmf(first: Prediction, second: Prediction) -> bool:
    return first.pmf_low_f == second.pmf_low_f and first.pmf == second.pmf


def test_prediction_adds_up_to_one_and_keeps_what_it_rests_on():
    station = make_history()
    evening_forecast(station)
    fits = fit_station(station=station, as_of=EVENING_BEFORE)

    prediction = predict(station=station, climate_day=DAY, as_of=EVENING_BEFORE)

    assert isinstance(pmf_of(prediction), IntegerPmf)
    assert prediction.engine == PRIMARY_ENGINE
    assert prediction.engine_version == get_engine(PRIMARY_ENGINE).version
    assert prediction.horizon == "evening"
    assert prediction.fits == {fit.engine: fit.version for fit in fits}
    assert EMOS_SLOW_ENGINE in prediction.fits
    assert prediction.n_train == 79, "yesterday's report is not out yet"
    assert prediction.sources == ["nws-grid"]
    assert prediction.lead_hours == 28.0
    assert prediction.mean_f < 52, "the forecasts run warm, so the mean lies below"


def test_what_every_engine_said_is_stored_beside_the_champions_belief():
    station = make_history()
    evening_forecast(station)

    prediction = predict(station=station, climate_day=DAY, as_of=EVENING_BEFORE)

    beliefs = {row.engine: row for row in prediction.beliefs.all()}
    assert {"emos_slow", "emos_fast", "weighted_mean", "climatology"} <= set(beliefs)
    assert PRIMARY_ENGINE not in beliefs, "it is the prediction itself"
    assert beliefs["climatology"].sd_f > beliefs["emos_slow"].sd_f
    weights = {name: row.weight for name, row in beliefs.items()}
    assert weights == prediction.engine_weights
    assert math.fsum(weights.values()) == pytest.approx(1.0)


def test_every_stored_distribution_adds_up_to_one_after_its_round_trip():
    station = make_history()
    evening_forecast(station)
    quote(make_ladder(event=EventFactory(climate_day=DAY)), at=EVENING_BEFORE)
    made = predict(station=station, climate_day=DAY, as_of=EVENING_BEFORE)

    stored = Prediction.objects.get(pk=made.pk)

    assert stored.pooled_pmf
    rows = [stored.pmf, stored.pooled_pmf, *stored.beliefs.values_list("pmf", flat=True)]
    assert len(rows) > 5
    for pmf in rows:
        assert math.fsum(pmf) == pytest.approx(1.0, abs=1e-12)
        assert min(pmf) >= 0


def test_the_market_is_pooled_with_and_never_in_the_belief_itself():
    station = make_history()
    evening_forecast(station)
    markets = make_ladder(event=EventFactory(climate_day=DAY))
    silent = predict(station=station, climate_day=DAY, as_of=EVENING_BEFORE)
    Prediction.objects.all().delete()
    quote(markets, at=EVENING_BEFORE)

    heard = predict(station=station, climate_day=DAY, as_of=EVENING_BEFORE)

    assert same_pmf(silent, heard)
    assert heard.inputs_hash != silent.inputs_hash
    assert (silent.pooled_low_f, silent.market_probabilities) == (None, [])
    assert math.fsum(heard.market_probabilities) == pytest.approx(1.0)
    assert set(heard.pool_weights) == {"model", "market"}
    assert heard.beliefs.get(engine="market").weight == 0
    pooled = pooled_pmf_of(heard)
    shares = pooled.ladder([market.bracket for market in markets])
    assert shares == pytest.approx(heard.market_probabilities, abs=0.01), "nothing is earned yet"


@pytest.mark.parametrize(
    "spoil",
    [
        lambda markets: markets[2].books.all().delete(),
        lambda markets: markets[2].books.update(no_bids=[["0.9900", "5.00"]]),
        lambda markets: markets[2].books.update(
            at=EVENING_BEFORE - dt.timedelta(minutes=21),
            available_at=EVENING_BEFORE - dt.timedelta(minutes=21),
        ),
        lambda markets: markets[2].delete(),
        lambda markets: Event.objects.update(quarantine_reason="The rules changed."),
    ],
    ids=["no book", "crossed", "too old", "no ladder", "in quarantine"],
)
def test_a_market_that_is_not_whole_is_not_heard(spoil):
    station = make_history()
    evening_forecast(station)
    markets = make_ladder(event=EventFactory(climate_day=DAY))
    quote(markets, at=EVENING_BEFORE)

    spoil(markets)
    prediction = predict(station=station, climate_day=DAY, as_of=EVENING_BEFORE)

    assert prediction.pooled_pmf == prediction.market_probabilities == []
    assert not prediction.beliefs.filter(engine="market").exists()


def test_of_two_ladders_of_a_day_one_in_quarantine_stands_for_nothing():
    station = make_history()
    make_ladder(event=EventFactory(climate_day=DAY, ticker="A", quarantine_reason="Odd strikes."))
    other = EventFactory(series=SeriesFactory(ticker="KXB", station=station), climate_day=DAY)
    make_ladder(event=other)

    known = assemble_inputs(station=station, climate_day=DAY, as_of=EVENING_BEFORE)

    assert known.ladder is not None
    assert known.ladder.event == other


def test_predicting_twice_gives_the_same_row():
    station = make_history()
    evening_forecast(station)

    first = predict(station=station, climate_day=DAY, as_of=EVENING_BEFORE)
    again = predict(station=station, climate_day=DAY, as_of=EVENING_BEFORE)
    later = predict(
        station=station, climate_day=DAY, as_of=EVENING_BEFORE + dt.timedelta(minutes=-30 + 59)
    )

    assert first == again
    assert Prediction.objects.count() == 2
    assert later.inputs_hash != first.inputs_hash, "another whole hour is left"


def test_unchanged_inputs_within_the_hour_make_no_new_row():
    station = make_history()
    evening_forecast(station)
    at = EVENING_BEFORE + dt.timedelta(minutes=5)

    first = predict(station=station, climate_day=DAY, as_of=at)
    second = predict(station=station, climate_day=DAY, as_of=at + dt.timedelta(minutes=30))

    assert second == first
    assert Prediction.objects.count() == 1


def test_a_new_forecast_makes_a_new_row_and_leaves_the_old_one():
    station = make_history()
    evening_forecast(station, 52.0)
    at = EVENING_BEFORE + dt.timedelta(minutes=5)
    first = predict(station=station, climate_day=DAY, as_of=at)
    evening_forecast(station, 58.0, issued_at=at + dt.timedelta(minutes=1))

    second = predict(station=station, climate_day=DAY, as_of=at + dt.timedelta(minutes=2))

    assert second.pk != first.pk
    assert second.mean_f > first.mean_f + 4
    first.refresh_from_db()
    assert first.as_of == at


def test_running_maximum_kills_what_lies_below():
    station = make_history(real_station("MIA"), with_forecasts=False)
    noon = dt.datetime(2024, 11, 20, 17, tzinfo=dt.UTC)
    ObservationFactory(station=station, observed_at=noon, temp_low_f=62, temp_high_f=63)

    prediction = predict(station=station, climate_day=DAY, as_of=noon + dt.timedelta(minutes=10))

    pmf = pmf_of(prediction)
    assert prediction.observed_max_low_f == 62
    assert pmf.cdf(61) == 0
    assert pmf.at(62) > 0


def test_the_evening_group_of_the_station_makes_its_maximum_nearly_sure():
    """Reported at 23:53Z, 18:53 standard time in Miami, for the six hours before."""
    station = make_history(real_station("MIA"), with_forecasts=False)
    evening = dt.datetime(2024, 11, 20, 23, 53, tzinfo=dt.UTC)
    ObservationFactory(
        station=station,
        observed_at=evening - dt.timedelta(hours=1),
        temp_low_f=60,
    )
    hourly = predict(station=station, climate_day=DAY, as_of=evening - dt.timedelta(minutes=10))
    ObservationFactory(station=station, observed_at=evening, temp_low_f=58, max_6h_f=62)

    complete = predict(station=station, climate_day=DAY, as_of=evening + dt.timedelta(minutes=10))

    assert pmf_of(hourly).at(60) < 0.9
    assert pmf_of(complete).at(62) > 0.9
    assert complete.observed_max_low_f == 62


def test_the_estimate_is_the_warmest_meaning_of_an_inexact_report():
    station = real_station("MIA")
    noon = dt.datetime(2024, 11, 20, 17, tzinfo=dt.UTC)
    ObservationFactory(station=station, observed_at=noon, temp_low_f=62, temp_high_f=63)

    known = assemble_inputs(station=station, climate_day=DAY, as_of=noon)

    assert known.inputs.reached == ReachedMaximum(low_f=62, hour_lst=12.0, estimate_f=63)


def test_a_station_without_forecasts_is_wider_and_says_what_is_missing():
    """As Miami in the recordings."""
    ny, miami = make_history(), make_history(real_station("MIA"), with_forecasts=False)
    evening_forecast(ny)
    for station in (ny, miami):
        make_ladder(event=EventFactory(series=series_of(station), climate_day=DAY))

    with_forecast, without = (
        predict(station=station, climate_day=DAY, as_of=EVENING_BEFORE) for station in (ny, miami)
    )

    assert without.sd_f > with_forecast.sd_f
    assert any("No forecast" in item for item in without.missing)
    assert without.confidence == "low"
    assert "No forecast was available." in without.confidence_reason
    assert without.confidence_reason.endswith(
        "The belief rests on recent official highs, the newest counting most."
    )


def series_of(station):
    return SeriesFactory(ticker=f"KXHIGH{station.code}", station=station)


def test_nothing_known_is_a_typed_error_and_leaves_no_row():
    with pytest.raises(DataUnavailable, match="NY"):
        predict(station=real_station("NY"), climate_day=DAY, as_of=EVENING_BEFORE)

    assert not Prediction.objects.exists()


def test_a_naive_moment_is_refused():
    with pytest.raises(ValueError, match="time zone"):
        predict(station=real_station("NY"), climate_day=DAY, as_of=dt.datetime(2024, 11, 20))  # noqa: DTZ001


def test_predict_all_leaves_out_what_it_cannot_predict_and_goes_on():
    ny = make_history()
    evening_forecast(ny)
    for code in ("NY", "MIA"):
        make_ladder(event=EventFactory(series=series_of(real_station(code)), climate_day=DAY))

    result = predict_all(now=EVENING_BEFORE)

    assert result.done == {"predicted": 1, "new": 1, "unchanged": 0}
    assert [item.subject for item in result.skipped] == ["MIA 2024-11-20"]
    assert "MIA" in result.skipped[0].reason
    assert predict_all(now=EVENING_BEFORE).done["predicted"] == 1
    assert Prediction.objects.count() == 1


def two_cities():
    for code in ("NY", "MIA"):
        station = make_history(real_station(code))
        evening_forecast(station)
        make_ladder(event=EventFactory(series=series_of(station), climate_day=DAY))


def test_an_unexpected_error_of_one_station_stops_no_other(monkeypatch):
    two_cities()
    believe = predict_service.stored_belief

    def stumble(known, **others):
        if known.inputs.station_code == "MIA":
            raise ZeroDivisionError
        return believe(known, **others)

    monkeypatch.setattr(predict_service, "stored_belief", stumble)

    result = predict_all(now=EVENING_BEFORE)

    assert result.done == {"predicted": 1, "new": 1, "unchanged": 0}
    assert [item.subject for item in result.skipped] == ["MIA 2024-11-20"]


@pytest.mark.parametrize("refused", ["the prediction", "a belief beside it"])
def test_a_row_that_the_database_refuses_stops_no_other_and_leaves_no_half(monkeypatch, refused):
    two_cities()
    believe = predict_service.stored_belief

    def spoil(known, **others):
        prediction, beliefs = believe(known, **others)
        if known.inputs.station_code == "MIA" and refused == "the prediction":
            prediction.sd_f = 0.0
        elif known.inputs.station_code == "MIA":
            beliefs[1].engine = beliefs[0].engine
        return prediction, beliefs

    monkeypatch.setattr(predict_service, "stored_belief", spoil)

    result = predict_all(now=EVENING_BEFORE)

    assert result.done == {"predicted": 1, "new": 1, "unchanged": 0}
    assert [item.subject for item in result.skipped] == ["MIA 2024-11-20"]
    kept = Prediction.objects.get()
    assert kept.station.code == "NY"
    assert set(EngineBelief.objects.values_list("prediction_id", flat=True)) == {kept.pk}


def test_predicting_all_days_at_once_is_the_same_as_one_by_one():
    station, tomorrow = make_history(), DAY + dt.timedelta(days=1)
    evening_forecast(station)
    fit_station(station=station, as_of=EVENING_BEFORE)
    # The oldest high is inside the window of the first day only.
    ClimateReportFactory(
        station=station, climate_day=DAY - CLIMATOLOGY_WINDOW, max_f=99, issued_at=EVENING_BEFORE
    )
    for day in (DAY, tomorrow):
        make_ladder(event=EventFactory(climate_day=day))
    predict_all(now=LATER)
    at_once = {p.climate_day: p for p in Prediction.objects.all()}
    Prediction.objects.all().delete()

    one_by_one = {d: predict(station=station, climate_day=d, as_of=LATER) for d in (DAY, tomorrow)}

    assert set(at_once) == {DAY, tomorrow}
    for day, alone in one_by_one.items():
        assert at_once[day].inputs_hash == alone.inputs_hash
        assert same_pmf(at_once[day], alone)


def test_all_days_are_read_together(django_assert_num_queries):
    for code in ("NY", "MIA"):
        station = make_history(real_station(code))
        evening_forecast(station)
        for day in (DAY, DAY + dt.timedelta(days=1)):
            make_ladder(event=EventFactory(series=series_of(station), climate_day=day))

    # Three of them read the reports of a day that has begun; there are two of these.
    with django_assert_num_queries(15 + 2 * 3):
        result = predict_all(now=LATER)

    assert result.done == {"predicted": 4, "new": 4, "unchanged": 0}
    assert predict_all(now=LATER).done == {"predicted": 4, "new": 0, "unchanged": 4}


def test_the_latest_prediction_is_of_the_day_asked_for_not_of_tomorrow():
    today = PredictionFactory(climate_day=DAY)
    PredictionFactory(
        climate_day=DAY + dt.timedelta(days=1), as_of=EVENING_BEFORE + dt.timedelta(hours=5)
    )

    found = latest_prediction(station=today.station, climate_day=DAY, as_of=LATER)

    assert found == today


def test_bracket_prediction_follows_the_ladder_from_cold_to_warm():
    markets = make_ladder(event=EventFactory(climate_day=DAY))
    prediction = PredictionFactory(centre_f=55.0, spread_of_pmf_f=2.3)

    told = bracket_prediction(prediction=prediction, markets=list(reversed(markets)))

    assert [item.market_ticker for item in told.brackets] == [m.ticker for m in markets]
    shares = [round(item.probability, 3) for item in told.brackets]
    assert shares == [0.064, 0.193, 0.329, 0.275, 0.113, 0.025]


def test_confidence_can_be_high_only_with_a_long_healthy_record_of_its_class():
    station = make_history(bias_f=0.0)
    evening_forecast(station)
    make_ladder(event=EventFactory(climate_day=DAY), rungs=((None, 30), (31, 80), (81, None)))
    fit_station(station=station, as_of=EVENING_BEFORE)
    healthy = {"n": 100, "coverage_80": 0.8, "top_hit_rate": 0.99, "mean_top_probability": 0.99}
    grades = []
    for hours, records in (
        (30, {"evening": healthy | {"n": 12}}),
        (20, {"evening": healthy}),
        (10, {"morning": healthy}),
    ):
        EngineFitFactory(
            engine=PRIMARY_ENGINE,
            parameters={},
            as_of=EVENING_BEFORE - dt.timedelta(hours=hours),
            scores={"track_record": records},
        )
        Prediction.objects.all().delete()
        prediction = predict(station=station, climate_day=DAY, as_of=EVENING_BEFORE)
        grades.append(prediction.confidence)

    assert grades == ["medium", "high", "medium"]


def test_the_number_of_queries_does_not_grow_with_history(django_assert_max_num_queries):
    station = make_history(days=120)
    evening_forecast(station)
    make_ladder(event=EventFactory(climate_day=DAY))

    with django_assert_max_num_queries(20):
        predict(station=station, climate_day=DAY, as_of=EVENING_BEFORE)


def test_a_source_that_fell_silent_is_not_used_and_the_belief_widens():
    station = make_history()
    evening_forecast(station, 55.0)
    silent = ForecastSourceFactory(code="nbm-nbp")
    ForecastFactory(station=station, climate_day=DAY, high_f=75.0, source=silent)
    morning = EVENING_BEFORE + dt.timedelta(hours=12)

    early = predict(station=station, climate_day=DAY, as_of=EVENING_BEFORE)
    late = predict(station=station, climate_day=DAY, as_of=morning)

    assert set(early.sources) == {"nws-grid", "nbm-nbp"}
    assert late.sources == ["nws-grid"]
    assert late.mean_f < early.mean_f - 5
    assert any("nbm-nbp has not been heard from lately" in item for item in late.missing)


def test_old_forecasts_alone_leave_climatology():
    station = make_history()
    ForecastFactory(station=station, climate_day=DAY, high_f=75.0)

    belief = predict(
        station=station, climate_day=DAY, as_of=EVENING_BEFORE + dt.timedelta(hours=12)
    )

    assert "nws-grid" not in belief.sources
    assert belief.weight_present == 0
    assert any("too old" in item for item in belief.missing)


@pytest.mark.parametrize(
    "parameters",
    [{"models": {"evening": {"bias": "warm"}}}, {"models": [1]}, {"models": {"evening": None}}],
)
def test_a_fit_that_cannot_be_read_leaves_the_other_engines_speaking(parameters):
    station = make_history()
    evening_forecast(station)
    EngineFitFactory(station=station, parameters=parameters)

    prediction = predict(station=station, climate_day=DAY, as_of=EVENING_BEFORE)

    assert prediction.beliefs.filter(engine="emos_fast").exists()
    assert abs(prediction.mean_f - 52.0) < 3


def test_without_any_fit_the_shipped_priors_speak():
    station = make_history()
    evening_forecast(station)

    prediction = predict(station=station, climate_day=DAY, as_of=EVENING_BEFORE)

    assert prediction.fits == {}
    assert prediction.n_train == 0
    assert {"emos_slow", "emos_fast"} <= set(prediction.engine_weights)
    assert prediction.confidence == "low"


def test_missing_models_widen_the_belief():
    station = make_history()
    for code in ("nws-grid", "nbm-nbs", "nbm-nbe"):
        evening_forecast(station, 52.0, source=ForecastSourceFactory(code=code))
    together = predict(station=station, climate_day=DAY, as_of=EVENING_BEFORE)
    SourceContact.objects.filter(source__code__startswith="nbm").delete()

    alone = predict(station=station, climate_day=DAY, as_of=EVENING_BEFORE + dt.timedelta(hours=2))

    assert alone.weight_present < together.weight_present
    assert alone.sd_f > together.sd_f
    assert any("nbm-nbs" in sentence for sentence in alone.missing)


def test_another_champion_speaks_and_the_blend_is_scored_beside_it():
    station = make_history()
    evening_forecast(station)
    user = get_user_model().objects.create_user("anna")
    choose_champion(engine="emos_slow", reason="A trial.", user=user, now=EVENING_BEFORE)

    prediction = predict(station=station, climate_day=DAY, as_of=EVENING_BEFORE)

    assert prediction.engine == "emos_slow"
    assert prediction.engine_version == get_engine("emos_slow").version
    beliefs = {row.engine: row for row in prediction.beliefs.all()}
    assert {PRIMARY_ENGINE, "emos_fast", "climatology"} <= set(beliefs)
    assert "emos_slow" not in beliefs
    latest = latest_prediction(station=station, climate_day=DAY, as_of=EVENING_BEFORE)
    assert latest == prediction


@pytest.mark.parametrize("engine", ["emos_slow", "weighted_mean", "climatology", "nowcast"])
def test_whoever_is_champion_knows_what_the_day_has_reached(engine):
    station = make_history()
    evening_forecast(station, high_f=52.0)
    ObservationFactory(station=station, observed_at=LATER - dt.timedelta(minutes=7), temp_low_f=55)
    user = get_user_model().objects.create_user("anna")
    choose_champion(engine=engine, reason="A trial.", user=user, now=EVENING_BEFORE)

    prediction = predict(station=station, climate_day=DAY, as_of=LATER)

    assert prediction.engine == engine
    assert prediction.observed_max_low_f == 55
    assert pmf_of(prediction).cdf(54) == 0, "colder degrees are dead"


@pytest.mark.parametrize("engine", ["climatology", "nowcast"])
def test_a_champion_that_reads_no_forecast_says_so(engine):
    station = make_history()
    evening_forecast(station)
    ObservationFactory(station=station, observed_at=LATER - dt.timedelta(minutes=7))
    user = get_user_model().objects.create_user("anna")
    choose_champion(engine=engine, reason="A trial.", user=user, now=EVENING_BEFORE)

    prediction = predict(station=station, climate_day=DAY, as_of=LATER)

    assert prediction.weight_present == 0
    assert "No forecast was available." in prediction.confidence_reason
