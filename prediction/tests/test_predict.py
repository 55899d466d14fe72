from __future__ import annotations

import datetime as dt
import time

import numpy as np
import pytest

from boz.core.errors import DataUnavailable, InvalidDataError
from markets.tests.factories import EventFactory, SeriesFactory, make_ladder
from prediction.constants import CLIMATOLOGY_ENGINE, CLIMATOLOGY_WINDOW, PRIMARY_ENGINE
from prediction.domain.distribution import IntegerPmf
from prediction.engines.base import ReachedMaximum
from prediction.models import Prediction
from prediction.selectors import bracket_prediction, latest_prediction, pmf_of
from prediction.services.fit import fit_station
from prediction.services.inputs import assemble_inputs
from prediction.services.predict import predict, predict_all
from prediction.tests.factories import (
    DAY,
    EVENING_BEFORE,
    EngineFitFactory,
    PredictionFactory,
    make_history,
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
    fit = fit_station(station=station, as_of=EVENING_BEFORE)

    prediction = predict(station=station, climate_day=DAY, as_of=EVENING_BEFORE)

    assert isinstance(pmf_of(prediction), IntegerPmf)
    assert prediction.engine == PRIMARY_ENGINE
    assert prediction.fit == fit
    assert prediction.n_train == 79, "yesterday's report is not out yet"
    assert prediction.sources == ["nws-grid"]
    assert prediction.lead_hours == 28.0
    assert prediction.mean_f < 52, "the forecasts run warm, so the mean lies below"


def test_climatology_is_stored_beside_the_primary_prediction():
    station = make_history()
    evening_forecast(station)

    predict(station=station, climate_day=DAY, as_of=EVENING_BEFORE)

    kept = latest_prediction(
        station=station, climate_day=DAY, as_of=EVENING_BEFORE, engine=CLIMATOLOGY_ENGINE
    )
    assert kept is not None
    assert kept.sd_f > 3


def test_predicting_twice_gives_the_same_row():
    station = make_history()
    evening_forecast(station)

    first = predict(station=station, climate_day=DAY, as_of=EVENING_BEFORE)
    again = predict(station=station, climate_day=DAY, as_of=EVENING_BEFORE)
    later = predict(
        station=station, climate_day=DAY, as_of=EVENING_BEFORE + dt.timedelta(minutes=-30 + 59)
    )

    assert first == again
    assert Prediction.objects.filter(engine=CLIMATOLOGY_ENGINE).count() == 1
    assert later.inputs_hash != first.inputs_hash, "another whole hour is left"


def test_unchanged_inputs_within_the_hour_make_no_new_row():
    station = make_history()
    evening_forecast(station)
    at = EVENING_BEFORE + dt.timedelta(minutes=5)

    first = predict(station=station, climate_day=DAY, as_of=at)
    second = predict(station=station, climate_day=DAY, as_of=at + dt.timedelta(minutes=30))

    assert second == first
    assert Prediction.objects.filter(engine=PRIMARY_ENGINE).count() == 1


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


def plant_forecast(station):
    evening_forecast(station, 75.0, issued_at=LATER - dt.timedelta(hours=1))


def plant_other_source(station):
    source = ForecastSourceFactory(code="nbm-nbp")
    evening_forecast(station, 75.0, source=source, available_at=LATER - dt.timedelta(hours=1))


def plant_report(station):
    ClimateReportFactory(
        station=station,
        climate_day=DAY - dt.timedelta(days=1),
        max_f=90,
        is_correction=True,
        issued_at=LATER - dt.timedelta(hours=1),
    )


def plant_observation(station):
    at = LATER - dt.timedelta(hours=1)
    ObservationFactory(station=station, observed_at=at, temp_low_f=66)


def plant_fit(station):
    fit = EngineFitFactory(station=station, as_of=LATER - dt.timedelta(hours=1))
    fit.parameters["sources"]["nws-grid"]["bias_f"] = 9.0
    fit.save()


@pytest.mark.parametrize(
    "plant", [plant_forecast, plant_other_source, plant_report, plant_observation, plant_fit]
)
def test_canary_what_is_known_later_changes_nothing_before(plant):
    """The same row must show once the moment has moved on, else this canary is dead."""
    station = make_history()
    evening_forecast(station)
    before = predict(station=station, climate_day=DAY, as_of=EVENING_BEFORE)
    blind_later = predict(station=station, climate_day=DAY, as_of=LATER)
    Prediction.objects.all().delete()

    plant(station)
    after = predict(station=station, climate_day=DAY, as_of=EVENING_BEFORE)
    seen_later = predict(station=station, climate_day=DAY, as_of=LATER)

    assert same_pmf(before, after)
    assert before.inputs_hash == after.inputs_hash
    assert not same_pmf(blind_later, seen_later)


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

    assert pmf_of(hourly).at(60) < 0.72
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


def test_unreadable_fit_parameters_are_a_typed_error():
    station = make_history()
    evening_forecast(station)
    EngineFitFactory(station=station, parameters={"sources": {"nws-grid": {"bias_f": "warm"}}})

    with pytest.raises(InvalidDataError, match="fit"):
        predict(station=station, climate_day=DAY, as_of=EVENING_BEFORE)


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
    assert Prediction.objects.filter(engine=PRIMARY_ENGINE).count() == 1


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
    at_once = {p.climate_day: p for p in Prediction.objects.filter(engine=PRIMARY_ENGINE)}
    Prediction.objects.all().delete()

    one_by_one = {d: predict(station=station, climate_day=d, as_of=LATER) for d in (DAY, tomorrow)}

    assert set(at_once) == {DAY, tomorrow}
    for day, alone in one_by_one.items():
        assert at_once[day].inputs_hash == alone.inputs_hash
        assert same_pmf(at_once[day], alone)


def test_the_past_of_a_station_is_read_once_for_all_its_days(django_assert_num_queries):
    station = make_history()
    evening_forecast(station)
    days = (DAY, DAY + dt.timedelta(days=1))
    for day in days:
        make_ladder(event=EventFactory(climate_day=day))
    predict_all(now=LATER)

    with django_assert_num_queries(3 + 8 + 6):
        result = predict_all(now=LATER)

    assert result.done == {"predicted": 2, "new": 2, "unchanged": 0}


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


def test_confidence_can_be_high_only_with_a_long_healthy_record():
    station = make_history()
    evening_forecast(station)
    markets = make_ladder(
        event=EventFactory(climate_day=DAY), rungs=((None, 30), (31, 80), (81, None))
    )
    healthy = {"n": 100, "coverage_80": 0.8, "top_hit_rate": 0.7, "mean_top_probability": 0.72}
    grades = []
    for hours, record in ((30, healthy | {"n": 12}), (20, healthy)):
        EngineFitFactory(
            as_of=EVENING_BEFORE - dt.timedelta(hours=hours), scores={"track_record": record}
        )
        Prediction.objects.all().delete()
        prediction = predict(station=station, climate_day=DAY, as_of=EVENING_BEFORE)
        grades.append(prediction.confidence)
    Prediction.objects.all().delete()
    after_peak = predict(station=station, climate_day=DAY, as_of=LATER)

    assert len(markets) == 3
    assert grades == ["medium", "high"]
    assert after_peak.confidence == "medium", "no record exists of predictions made that late"


def test_a_prediction_is_fast():
    """Measured about 5 ms; the bound leaves room for a busy machine."""
    station = make_history(days=120)
    evening_forecast(station)
    fit_station(station=station, as_of=EVENING_BEFORE)
    make_ladder(event=EventFactory(climate_day=DAY))
    moments = [EVENING_BEFORE + dt.timedelta(hours=hour) for hour in range(1, 15)]
    times = []
    for moment in moments:
        started = time.perf_counter()
        predict(station=station, climate_day=DAY, as_of=moment)
        times.append(time.perf_counter() - started)

    assert Prediction.objects.filter(engine=PRIMARY_ENGINE).count() == len(moments)
    assert float(np.median(times)) < 0.05


def test_the_number_of_queries_does_not_grow_with_history(django_assert_max_num_queries):
    station = make_history(days=120)
    evening_forecast(station)
    make_ladder(event=EventFactory(climate_day=DAY))

    with django_assert_max_num_queries(10):
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
