from __future__ import annotations

import datetime as dt
import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from boz.core.errors import DataUnavailable, InvalidDataError
from prediction.domain.distribution import IntegerPmf
from prediction.engines import ENGINES, Engine, get_engine
from prediction.engines.base import Inputs, KnownForecast, ReachedMaximum, SourceSkill
from prediction.engines.forecast_gaussian import source_spread_f

DAY = dt.date(2024, 11, 20)
AS_OF = dt.datetime(2024, 11, 20, 15, tzinfo=dt.UTC)
HIGHS = tuple((DAY - dt.timedelta(days=age), 50 + age % 9) for age in range(90, 0, -1))
ALL_ENGINES = pytest.mark.parametrize("name", sorted(ENGINES))


def forecast(source: str = "nws", high_f: float = 55.0, lead_hours: int = 28) -> KnownForecast:
    end = dt.datetime(2024, 11, 21, 5, tzinfo=dt.UTC)
    return KnownForecast(source, high_f, end - dt.timedelta(hours=lead_hours), lead_hours)


def skill(source: str = "nws", **changes) -> SourceSkill:
    known = {
        "bias_f": 1.0,
        "sd_f": 2.5,
        "n_train": 120,
        "reference_lead_hours": 28.0,
        "reference_month": 11,
    }
    return SourceSkill(source=source, **{**known, **changes})


def full_inputs(**changes) -> Inputs:
    known = {
        "station_code": "NY",
        "climate_day": DAY,
        "as_of": AS_OF,
        "lead_hours": 14,
        "forecasts": (forecast("nbm", 57.0), forecast()),
        "skills": (skill("nbm"), skill()),
        "official_highs": HIGHS,
        "reached": ReachedMaximum(low_f=48, hour_lst=10.0),
    }
    return Inputs(**{**known, **changes})


def without_everything() -> Inputs:
    return full_inputs(forecasts=(), skills=(), official_highs=(), reached=None)


@ALL_ENGINES
def test_engine_keeps_the_protocol(name):
    engine = get_engine(name)

    assert isinstance(engine, Engine)
    assert engine.name == name


@ALL_ENGINES
def test_distribution_adds_up_to_one_and_carries_its_own_moments(name):
    answer = get_engine(name).predict(full_inputs())

    assert abs(math.fsum(answer.pmf.probabilities) - 1) <= 1e-12
    assert answer.mean == answer.pmf.mean_f
    assert answer.sd == answer.pmf.sd_f > 0
    assert answer.sources


@ALL_ENGINES
def test_same_inputs_give_the_same_distribution_bit_for_bit(name):
    first = get_engine(name).predict(full_inputs())
    second = get_engine(name).predict(full_inputs())

    assert first.pmf.low_f == second.pmf.low_f
    assert np.array_equal(first.pmf.probabilities, second.pmf.probabilities)


@ALL_ENGINES
def test_nothing_known_is_a_typed_error(name):
    with pytest.raises(DataUnavailable, match="NY"):
        get_engine(name).predict(without_everything())


@ALL_ENGINES
def test_the_clock_itself_is_no_input(name):
    """Only what is known and the whole hours left count, so equal inputs stay equal."""
    later = full_inputs(as_of=AS_OF + dt.timedelta(minutes=30))

    first, second = (get_engine(name).predict(inputs) for inputs in (full_inputs(), later))

    assert np.array_equal(first.pmf.probabilities, second.pmf.probabilities)


@pytest.mark.parametrize("name", ["combined", "forecast_gaussian"])
def test_spread_grows_when_a_source_is_missing(name):
    agreeing = full_inputs(forecasts=(forecast("nbm"), forecast()), reached=None)
    silent = replace(agreeing, forecasts=(forecast(),))

    full, part = (get_engine(name).predict(inputs) for inputs in (agreeing, silent))

    assert part.sd > full.sd
    assert part.weight_present < full.weight_present
    assert any("nbm" in item for item in part.missing)


def test_raw_models_without_known_errors_wait_while_an_official_forecast_speaks():
    models = tuple(forecast(f"model-{number}", 45.0) for number in range(12))
    official = forecast("nws-grid", 60.0)
    alone = full_inputs(forecasts=(official,), skills=(), reached=None)
    crowded = replace(alone, forecasts=(official, *models))
    only_models = replace(alone, forecasts=models)
    learned = replace(crowded, skills=(skill("model-3"),))

    mean = {
        name: get_engine("forecast_gaussian").predict(inputs)
        for name, inputs in (
            ("alone", alone),
            ("crowded", crowded),
            ("only models", only_models),
            ("learned", learned),
        )
    }

    assert mean["crowded"].mean == pytest.approx(mean["alone"].mean)
    assert any("model-7 waits until its past errors" in item for item in mean["crowded"].missing)
    assert mean["only models"].mean == pytest.approx(45.0, abs=0.1)
    assert mean["learned"].sources == ("nws-grid", "model-3")


def test_a_silent_service_of_many_models_widens_no_more_than_a_few_sources_would():
    models = [f"model-{number}" for number in range(13)]
    alone = full_inputs(forecasts=(forecast(),), skills=(skill(),), reached=None)
    deserted = replace(alone, skills=(skill(), *(skill(model) for model in models)))

    before, after = (get_engine("forecast_gaussian").predict(x) for x in (alone, deserted))

    assert 1.4 * before.sd < after.sd < 1.6 * before.sd


@pytest.mark.parametrize("name", ["combined", "forecast_gaussian"])
def test_spread_grows_with_lead(name):
    spreads = [
        get_engine(name)
        .predict(full_inputs(forecasts=(forecast(lead_hours=lead),), reached=None))
        .sd
        for lead in (6, 18, 28, 52, 76)
    ]

    assert spreads == sorted(spreads)
    assert spreads[-1] > spreads[0] + 0.5


def test_spread_grows_with_disagreement():
    agree, differ = (
        get_engine("forecast_gaussian").predict(
            full_inputs(forecasts=(forecast("nbm", high), forecast()), reached=None)
        )
        for high in (55.0, 61.0)
    )

    assert differ.sd > agree.sd
    assert differ.spread == pytest.approx(3.0)
    assert agree.spread == pytest.approx(0.0)


def test_climatology_widens_when_the_recent_highs_are_missing():
    recent, stale = (
        get_engine("climatology").predict(full_inputs(official_highs=highs))
        for highs in (HIGHS, HIGHS[:-20])
    )

    assert stale.sd > recent.sd


def test_bias_is_taken_off_the_forecast():
    warm = full_inputs(forecasts=(forecast(),), skills=(skill(bias_f=2.0),), reached=None)
    answer = get_engine("forecast_gaussian").predict(warm)

    assert answer.mean == pytest.approx(53.0, abs=0.01)


def test_no_fit_yet_uses_the_pooled_spread_and_says_so():
    """New York, evening before, winter: 2.80 °F (2.15 in summer)."""
    winter = full_inputs(skills=(), forecasts=(forecast(),), climate_day=dt.date(2024, 1, 20))

    assert source_spread_f(winter, forecast()) == pytest.approx(2.8, abs=0.1)
    answer = get_engine("forecast_gaussian").predict(winter)
    assert "pooled" in answer.note
    assert answer.n_train == 0


def test_without_a_forecast_the_belief_is_wider_and_says_what_is_missing():
    """A station like Miami in the recordings: observations and highs, no forecast."""
    ny = full_inputs(forecasts=(forecast(),), skills=(skill(),), reached=None)
    miami = replace(ny, station_code="MIA", forecasts=(), skills=())

    with_forecast, without = (get_engine("combined").predict(i) for i in (ny, miami))

    assert without.sd > with_forecast.sd
    assert without.weight_present == 0
    assert any("No forecast for MIA" in item for item in without.missing)


def test_only_a_physically_dead_bracket_gets_zero():
    far_off = full_inputs(forecasts=(forecast("nws", 20.0),), skills=(skill(),))
    answer = get_engine("combined").predict(far_off)

    assert answer.pmf.cdf(47) == 0
    alive = [answer.pmf.at(degree) for degree in range(48, 75)]
    assert min(alive) > 1e-12
    before = get_engine("combined").predict(replace(far_off, reached=None))
    assert before.pmf.at(55) > 1e-4


def test_a_partial_report_only_cuts_and_does_not_use_the_hourly_table():
    known = full_inputs(reached=ReachedMaximum(low_f=50, hour_lst=None))
    table = full_inputs(reached=ReachedMaximum(low_f=50, hour_lst=17.0))

    cut, risen = (get_engine("combined").predict(inputs) for inputs in (known, table))

    assert cut.pmf.cdf(49) == risen.pmf.cdf(49) == 0
    assert risen.mean < cut.mean


@pytest.mark.parametrize("name", ["combined", "nowcast"])
def test_the_evening_group_makes_the_reached_maximum_nearly_sure(name):
    hourly = ReachedMaximum(low_f=52, hour_lst=18.88, estimate_f=52)
    complete = replace(hourly, evening_group_included=True)

    unsure, sure = (
        get_engine(name).predict(full_inputs(reached=reached)).pmf.at(52)
        for reached in (hourly, complete)
    )

    assert unsure < 0.72
    assert sure > 0.9


@pytest.mark.parametrize("name", ["combined", "nowcast"])
def test_both_meanings_of_an_inexact_maximum_stay_possible(name):
    """A whole degree Celsius is 52 or 53 °F."""
    inexact = ReachedMaximum(52, 20.0, estimate_f=53, evening_group_included=True)
    pmf = get_engine(name).predict(full_inputs(reached=inexact)).pmf

    assert pmf.at(51) == 0
    assert 0.4 < pmf.at(52) < pmf.at(53)


def test_observations_alone_are_enough_for_the_primary_engine():
    only = replace(without_everything(), reached=ReachedMaximum(low_f=70, hour_lst=14.0))
    answer = get_engine("combined").predict(only)

    assert answer.pmf.cdf(69) == 0
    assert len(answer.missing) == 2


@pytest.mark.parametrize("bad", [math.nan, math.inf, -200.0, 212.0])
def test_an_absurd_forecast_is_refused_with_a_typed_error(bad):
    inputs = full_inputs(forecasts=(forecast("nws", bad),))

    with pytest.raises(InvalidDataError, match="no possible temperature"):
        get_engine("forecast_gaussian").predict(inputs)
    answer = get_engine("combined").predict(inputs)
    assert any("no possible temperature" in item for item in answer.missing)


def test_an_absurd_source_does_not_silence_the_other():
    inputs = full_inputs(forecasts=(forecast("nbm", math.nan), forecast()), reached=None)
    answer = get_engine("forecast_gaussian").predict(inputs)

    assert answer.sources == ("nws",)
    assert answer.mean == pytest.approx(54.0, abs=0.01)


def test_an_absurd_running_maximum_is_refused():
    with pytest.raises(InvalidDataError):
        get_engine("combined").predict(full_inputs(reached=ReachedMaximum(400, 12.0)))


def test_highs_of_the_day_itself_are_never_used():
    leaking = full_inputs(official_highs=(*HIGHS, (DAY, 99)))
    honest, leaked = (
        get_engine("climatology").predict(inputs) for inputs in (full_inputs(), leaking)
    )

    assert np.array_equal(honest.pmf.probabilities, leaked.pmf.probabilities)


def test_unknown_engine_lists_the_known_ones():
    with pytest.raises(DataUnavailable, match="climatology"):
        get_engine("oracle")


@settings(max_examples=40, deadline=None)
@given(
    high=st.floats(-20, 110),
    lead=st.integers(0, 120),
    reached=st.one_of(st.none(), st.integers(-30, 115)),
    hour=st.one_of(st.none(), st.floats(0, 24)),
    above=st.one_of(st.none(), st.integers(0, 2)),
    evening=st.booleans(),
)
def test_the_primary_belief_is_always_a_distribution_above_what_was_reached(
    high, lead, reached, hour, above, evening
):
    inputs = full_inputs(
        forecasts=(forecast("nws", high, lead),),
        reached=(
            None
            if reached is None
            else ReachedMaximum(reached, hour, None if above is None else reached + above, evening)
        ),
    )
    pmf = get_engine("combined").predict(inputs).pmf

    assert isinstance(pmf, IntegerPmf)
    assert abs(math.fsum(pmf.probabilities) - 1) <= 1e-12
    if reached is not None:
        assert pmf.cdf(reached - 1) == 0
