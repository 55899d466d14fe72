"""The contract that every engine keeps, whether it has learned or not."""

from __future__ import annotations

import datetime as dt
import json
import math
import random
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from boz.core.errors import DataUnavailable, InvalidDataError
from boz.core.schemas import Bracket
from prediction.domain.distribution import IntegerPmf
from prediction.engines import ENGINES, Engine, get_engine
from prediction.engines.base import EngineKind, MarketView, ReachedMaximum
from prediction.tests.engine_inputs import (
    AS_OF,
    DAY,
    DAY_END,
    FORECASTS,
    HIGHS,
    LADDER,
    READINGS,
    agreeing,
    cases,
    forecast,
    full_inputs,
    learned,
    night_before,
    past,
    scored,
    without_everything,
)

ALL_ENGINES = pytest.mark.parametrize("name", sorted(ENGINES))
LEARNED_OR_NOT = pytest.mark.parametrize("has_learned", [False, True])
REGRESSIONS = ("emos_fast", "emos_slow")
FROM_FORECASTS = ("blend", "emos_fast", "emos_slow", "weighted_mean")


def parameters(has_learned: bool):
    return learned() if has_learned else {}


def same(first, second) -> bool:
    return first.pmf.low_f == second.pmf.low_f and np.array_equal(
        first.pmf.probabilities, second.pmf.probabilities
    )


@ALL_ENGINES
def test_engine_keeps_the_protocol(name):
    engine = get_engine(name)

    assert isinstance(engine, Engine)
    assert engine.name == name
    assert engine.version >= 1
    assert engine.kind is (EngineKind.EXPERT if name == "market" else EngineKind.MODEL)


@ALL_ENGINES
@LEARNED_OR_NOT
def test_distribution_adds_up_to_one_and_carries_its_own_moments(name, has_learned):
    answer = get_engine(name).predict(full_inputs(parameters=parameters(has_learned)))

    assert np.isfinite(answer.pmf.probabilities).all()
    assert abs(math.fsum(answer.pmf.probabilities) - 1) <= 1e-12
    assert answer.mean == answer.pmf.mean_f
    assert answer.sd == answer.pmf.sd_f > 0
    assert 0 <= answer.weight_present <= 1
    assert answer.sources
    assert answer.note


@ALL_ENGINES
@LEARNED_OR_NOT
def test_same_inputs_give_the_same_distribution_bit_for_bit(name, has_learned):
    known = full_inputs(parameters=parameters(has_learned))

    assert same(get_engine(name).predict(known), get_engine(name).predict(known))


@ALL_ENGINES
@LEARNED_OR_NOT
def test_the_order_in_which_things_were_handed_in_does_not_matter(name, has_learned):
    known = full_inputs(parameters=parameters(has_learned))
    forecasts, highs = list(known.forecasts), list(known.official_highs)
    random.Random(4).shuffle(forecasts)
    random.Random(5).shuffle(highs)
    shuffled = replace(known, forecasts=tuple(forecasts), official_highs=tuple(highs))

    assert same(get_engine(name).predict(known), get_engine(name).predict(shuffled))


@ALL_ENGINES
def test_nothing_known_is_a_typed_error(name):
    with pytest.raises(DataUnavailable, match="NY"):
        get_engine(name).predict(without_everything())


@ALL_ENGINES
def test_the_clock_itself_is_no_input(name):
    """Only what is known and the whole hours left count, so equal inputs stay equal."""
    later = full_inputs(as_of=AS_OF + dt.timedelta(minutes=30))

    assert same(get_engine(name).predict(full_inputs()), get_engine(name).predict(later))


@ALL_ENGINES
def test_a_station_never_seen_is_spoken_of_from_the_shipped_prior(name):
    answer = get_engine(name).predict(full_inputs(station_code="XX"))

    assert same(answer, get_engine(name).predict(full_inputs()))


@ALL_ENGINES
@LEARNED_OR_NOT
def test_a_day_that_is_over_still_has_a_distribution(name, has_learned):
    over = full_inputs(
        as_of=DAY_END + dt.timedelta(hours=3),
        lead_hours=0,
        reached=ReachedMaximum(low_f=48, hour_lst=24.0),
        parameters=parameters(has_learned),
    )

    assert get_engine(name).predict(over).sd > 0


@ALL_ENGINES
def test_highs_of_the_day_itself_and_later_are_never_used(name):
    leaking = full_inputs(official_highs=(*HIGHS, (DAY, 99), (DAY + dt.timedelta(days=1), 99)))

    assert same(get_engine(name).predict(full_inputs()), get_engine(name).predict(leaking))


@ALL_ENGINES
@pytest.mark.parametrize(
    "stray",
    [
        forecast("nws-hourly", 90.0, 44),  # of the day before, by a day's end a day too early
        forecast("nws-hourly", 90.0, 5),
    ],
)
def test_a_forecast_for_another_day_or_from_the_future_changes_nothing(name, stray):
    if stray.lead_hours == 44:
        stray = replace(stray, issued_at=stray.issued_at - dt.timedelta(days=1))
    mixed_up = full_inputs(forecasts=(*FORECASTS, stray))

    assert same(get_engine(name).predict(full_inputs()), get_engine(name).predict(mixed_up))


@ALL_ENGINES
@LEARNED_OR_NOT
@pytest.mark.parametrize("bad", [math.nan, math.inf, -200.0, 212.0])
def test_an_absurd_forecast_is_ignored_beside_others_with_its_reason(name, has_learned, bad):
    absurd = full_inputs(
        forecasts=(*FORECASTS, forecast("nws-hourly", bad)), parameters=parameters(has_learned)
    )
    clean = full_inputs(parameters=parameters(has_learned))
    answer = get_engine(name).predict(absurd)

    assert same(answer, get_engine(name).predict(clean))
    if name in FROM_FORECASTS:
        assert any("no possible temperature" in item for item in answer.missing)


@pytest.mark.parametrize("bad", [math.nan, math.inf, -200.0, 212.0])
@pytest.mark.parametrize("name", [*REGRESSIONS, "weighted_mean", "nbm_percentiles"])
def test_an_absurd_forecast_alone_is_refused_with_a_typed_error(name, bad):
    alone = full_inputs(forecasts=(forecast("nbm-nbp", bad, sd_f=2.0),))

    with pytest.raises(InvalidDataError, match="no possible temperature"):
        get_engine(name).predict(alone)
    answer = get_engine("blend").predict(alone)
    assert any("no possible temperature" in item for item in answer.missing)


@pytest.mark.parametrize("name", FROM_FORECASTS)
@LEARNED_OR_NOT
def test_an_outlier_of_fifty_degrees_widens_rather_than_moves(name, has_learned):
    clean = night_before(forecasts=agreeing(), parameters=parameters(has_learned))
    hot = tuple(
        replace(item, high_f=105.0) if item.source == "gfs" else item for item in clean.forecasts
    )
    whole, hurt = (
        get_engine(name).predict(inputs) for inputs in (clean, replace(clean, forecasts=hot))
    )

    assert abs(hurt.mean - whole.mean) < 0.5
    assert hurt.sd > whole.sd - 1e-9
    assert any("far from" in item for item in hurt.missing)


@pytest.mark.parametrize("name", REGRESSIONS)
def test_two_sources_fifty_degrees_apart_leave_everything_open(name):
    split = night_before(forecasts=(forecast("nbm-nbp", 30.0, 30), forecast("nws-grid", 80.0, 28)))

    assert get_engine(name).predict(split).sd > 5


@pytest.mark.parametrize("name", FROM_FORECASTS)
@LEARNED_OR_NOT
def test_members_that_are_all_equal_do_not_make_sure(name, has_learned):
    known = night_before(parameters=parameters(has_learned))
    constant = replace(known, forecasts=tuple(replace(item, sd_f=0.0) for item in known.forecasts))

    sure, usual = (get_engine(name).predict(inputs) for inputs in (constant, known))

    assert sure.sd == pytest.approx(usual.sd, rel=0.25)
    assert sure.sd > 1.0


@pytest.mark.parametrize("name", FROM_FORECASTS)
@pytest.mark.parametrize("lead_now", [14, 27])
@LEARNED_OR_NOT
def test_spread_grows_with_the_age_of_the_forecasts(name, has_learned, lead_now):
    spreads = []
    for age in (lead_now, 28, 40, 52, 76):
        aged = tuple(forecast(item.source, 55.0, max(age, lead_now)) for item in FORECASTS[:4])
        known = night_before(
            as_of=DAY_END - dt.timedelta(hours=lead_now),
            lead_hours=lead_now,
            forecasts=aged,
            parameters=parameters(has_learned),
        )
        spreads.append(get_engine(name).predict(known).sd)

    assert spreads == sorted(spreads)
    assert spreads[-1] > spreads[0] + 0.3


@pytest.mark.parametrize("name", FROM_FORECASTS)
def test_spread_grows_from_horizon_to_horizon_before_anything_is_learned(name):
    spreads = [
        get_engine(name)
        .predict(
            night_before(
                as_of=DAY_END - dt.timedelta(hours=lead),
                lead_hours=lead,
                forecasts=(forecast("nws-grid", 55.0, lead + 2),),
            )
        )
        .sd
        for lead in (10, 14, 20, 34, 38, 60)
    ]

    assert spreads == sorted(spreads)


@pytest.mark.parametrize("name", ("blend", *REGRESSIONS))
def test_spread_grows_when_a_learned_source_is_missing(name):
    complete = night_before(forecasts=agreeing(), parameters=learned())
    partly = replace(complete, forecasts=complete.forecasts[:2])

    whole, part = (get_engine(name).predict(inputs) for inputs in (complete, partly))

    assert part.sd > whole.sd
    assert part.weight_present < whole.weight_present
    assert any("nws-grid" in item for item in part.missing)


@pytest.mark.parametrize("name", ("blend", *REGRESSIONS))
def test_spread_grows_when_an_official_source_has_fallen_silent(name):
    alone = night_before(forecasts=(forecast("nbm-nbp", 55.0, 28, sd_f=2.5),))
    deserted = replace(alone, stale=("nws-grid",))

    whole, part = (get_engine(name).predict(inputs) for inputs in (alone, deserted))

    assert part.sd > whole.sd
    assert part.weight_present < whole.weight_present
    assert any("nws-grid has not been heard from lately" in item for item in part.missing)


@pytest.mark.parametrize(
    ("name", "has_learned"), [("weighted_mean", False), *((name, True) for name in FROM_FORECASTS)]
)
def test_spread_grows_with_disagreement(name, has_learned):
    def of(high):
        pair = (forecast("gfs", high, 28), forecast("nws-grid", 55.0, 28))
        known = night_before(forecasts=pair, parameters=parameters(has_learned))
        return get_engine(name).predict(known)

    agree, differ = of(55.0), of(63.0)

    assert differ.sd > agree.sd
    assert differ.spread > agree.spread


def test_disagreement_of_official_sources_widens_the_prior():
    def of(high):
        return night_before(forecasts=(forecast("nbm-nbp", high, 28), forecast(lead_hours=28)))

    agree, differ = (get_engine("emos_slow").predict(of(high)) for high in (55.0, 61.0))

    assert differ.sd > agree.sd + 0.3


@ALL_ENGINES
def test_an_empty_past_teaches_nothing(name):
    assert get_engine(name).fit(past()) is None


@ALL_ENGINES
def test_what_was_learned_survives_storage_bit_for_bit(name):
    engine = get_engine(name)
    fitted = engine.fit(past(cases=cases(), scored=scored()))
    if fitted is None:
        return
    others = {other: found for other, found in learned().items() if other != name}
    fresh = full_inputs(parameters={**others, name: fitted})
    stored = full_inputs(parameters={**others, name: json.loads(json.dumps(fitted))})

    assert same(engine.predict(fresh), engine.predict(stored))
    assert engine.fit(past(cases=cases(), scored=scored())) == fitted


@pytest.mark.parametrize("name", REGRESSIONS)
@pytest.mark.parametrize(
    "stored",
    [{"models": {"morning": {}}}, {"models": []}, {"models": {"morning": 3}}, {"models": 1}],
)
def test_parameters_that_cannot_be_read_are_a_typed_error(name, stored):
    with pytest.raises(InvalidDataError):
        get_engine(name).predict(full_inputs(parameters={name: stored}))


@pytest.mark.parametrize("name", REGRESSIONS)
def test_a_late_forecast_of_a_sure_station_is_no_surer_than_a_degree_allows(name):
    """Errors of almost 0 at a lead of 18 hours, then a forecast an hour before the day's end."""
    exact = tuple(
        replace(
            case,
            forecasts=tuple(replace(item, high_f=case.observed_f) for item in case.forecasts),
        )
        for case in cases(150)
    )
    fitted = get_engine(name).fit(past(cases=exact))
    late = full_inputs(
        as_of=DAY_END,
        lead_hours=0,
        forecasts=tuple(forecast(item.source, 55.0, 1) for item in FORECASTS),
        parameters={name: fitted},
    )

    assert get_engine(name).predict(late).sd >= 0.8


@ALL_ENGINES
def test_ten_days_are_enough_to_learn_from(name):
    few = past(cases=cases(10), scored=scored(10))
    fitted = get_engine(name).fit(few)
    known = full_inputs(parameters={} if fitted is None else {name: fitted})

    answer = get_engine(name).predict(known)

    assert np.isfinite(answer.pmf.probabilities).all()
    assert answer.sd > 0.7


@pytest.mark.parametrize("name", REGRESSIONS)
def test_a_constant_past_is_learned_from_without_certainty(name):
    constant = tuple(
        replace(
            case,
            forecasts=tuple(replace(item, high_f=60.0, sd_f=0.0) for item in case.forecasts),
            observed_f=60,
        )
        for case in cases(60)
    )
    fitted = get_engine(name).fit(past(cases=constant))

    answer = get_engine(name).predict(night_before(parameters={name: fitted}))

    assert np.isfinite(answer.pmf.probabilities).all()
    assert answer.sd >= 0.8


@ALL_ENGINES
def test_the_order_of_the_past_does_not_matter(name):
    known = past(cases=cases(40), scored=scored(70))
    backwards = replace(known, cases=known.cases[::-1], scored=known.scored[::-1])

    assert get_engine(name).fit(known) == get_engine(name).fit(backwards)


@pytest.mark.parametrize("name", REGRESSIONS)
def test_a_day_that_is_not_over_is_never_learned_from(name):
    leaking = past(cases=(*cases(30), replace(cases(30)[-1], climate_day=DAY)))

    with pytest.raises(InvalidDataError, match="cannot be known"):
        get_engine(name).fit(leaking)


@pytest.mark.parametrize("name", REGRESSIONS)
@pytest.mark.parametrize("observed", [-300, 212])
def test_an_impossible_official_high_is_refused_as_a_past(name, observed):
    spoilt = (replace(cases(30)[0], observed_f=observed), *cases(30)[1:])

    with pytest.raises(InvalidDataError, match="no possible temperature"):
        get_engine(name).fit(past(cases=spoilt))


@pytest.mark.parametrize("name", REGRESSIONS)
def test_an_impossible_forecast_of_the_past_is_left_out(name):
    first, *rest = cases(30)
    broken = replace(
        first, forecasts=(replace(first.forecasts[0], high_f=math.nan), *first.forecasts[1:])
    )
    without = replace(first, forecasts=first.forecasts[1:])
    engine = get_engine(name)

    assert engine.fit(past(cases=(broken, *rest))) == engine.fit(past(cases=(without, *rest)))


@pytest.mark.parametrize("name", REGRESSIONS)
def test_bias_is_taken_off_the_forecast(name):
    warm = cases(200, biases={"nws-grid": 4.0})
    fitted = get_engine(name).fit(past(cases=warm))
    known = night_before(forecasts=(forecast("nws-grid", 60.0, 28),), parameters={name: fitted})

    assert get_engine(name).predict(known).mean == pytest.approx(56.0, abs=0.9)


@pytest.mark.parametrize("name", REGRESSIONS)
def test_a_source_that_has_gone_is_not_waited_for(name):
    gone = tuple(
        replace(case, forecasts=tuple(item for item in case.forecasts if item.source != "gfs"))
        if case.climate_day > DAY - dt.timedelta(days=40)
        else case
        for case in cases(120)
    )
    fitted = get_engine(name).fit(past(cases=gone))
    answer = get_engine(name).predict(
        full_inputs(
            forecasts=tuple(item for item in FORECASTS if item.source != "gfs"),
            parameters={name: fitted},
        )
    )

    assert answer.weight_present == pytest.approx(1.0)
    assert not any("gfs" in item for item in answer.missing)


@pytest.mark.parametrize("name", REGRESSIONS)
def test_raw_models_without_known_errors_wait_while_an_official_forecast_speaks(name):
    models = tuple(forecast(f"model-{number:02d}", 45.0) for number in range(12))
    official = forecast("nws-grid", 60.0)
    alone, crowded, only_models = (
        get_engine(name).predict(night_before(as_of=AS_OF, forecasts=forecasts))
        for forecasts in ((official,), (official, *models), models)
    )

    assert crowded.mean == alone.mean
    assert any("model-07 waits until its past errors" in item for item in crowded.missing)
    assert only_models.mean == pytest.approx(46.0, abs=0.2)
    assert only_models.sd > alone.sd


@pytest.mark.parametrize("name", REGRESSIONS)
def test_a_dozen_models_of_one_service_do_not_outvote_the_official_forecast(name):
    dozen = ("ecmwf-aifs", "ecmwf-ens", "ecmwf-ifs", "gefs", "gem", "geps", "gfs", "icon", "ukmo")
    fitted = get_engine(name).fit(
        past(cases=cases(12, biases={"nws-grid": 0.0, **dict.fromkeys(dozen, -1.0)}))
    )
    cold = tuple(forecast(model, 49.0, 28) for model in dozen)
    known = night_before(
        forecasts=(*cold, forecast("nws-grid", 60.0, 28)), parameters={name: fitted}
    )

    assert get_engine(name).predict(known).mean > 53.0


def test_no_fit_yet_uses_the_pooled_spread_and_says_so():
    """137 cities, evening before: 3.1 °F in January, 2.2 °F in July."""
    for day, spread in ((dt.date(2024, 1, 20), 3.1), (dt.date(2024, 7, 20), 2.2)):
        end = dt.datetime.combine(day + dt.timedelta(days=1), dt.time(5), tzinfo=dt.UTC)
        issued = end - dt.timedelta(hours=28)
        known = night_before(
            climate_day=day,
            as_of=end - dt.timedelta(hours=27),
            forecasts=(replace(forecast(), issued_at=issued, lead_hours=28),),
        )
        answer = get_engine("emos_slow").predict(known)
        assert answer.sd == pytest.approx(spread, abs=0.15)
        assert "pooled" in answer.note
        assert answer.n_train == 0


def test_climatology_widens_when_the_recent_highs_are_missing():
    recent, stale = (
        get_engine("climatology").predict(full_inputs(official_highs=highs))
        for highs in (HIGHS, HIGHS[:-20])
    )

    assert stale.sd > recent.sd


def test_percentiles_are_met():
    pmf = get_engine("nbm_percentiles").predict(full_inputs()).pmf

    assert pmf.cdf(53) == pytest.approx(0.1, abs=0.06)
    assert pmf.cdf(56) == pytest.approx(0.57, abs=0.08)
    assert pmf.cdf(59) == pytest.approx(0.92, abs=0.04)


@pytest.mark.parametrize(
    ("source", "changes"),
    [
        ("nbm-nbp", {"quantiles_f": ((0.1, 54.9), (0.5, 55.0), (0.9, 55.1))}),
        ("nbm-nbs", {"sd_f": 0.0}),
        ("nbm-nbe", {"sd_f": 0.3}),
    ],
)
def test_an_implausibly_sure_blend_is_widened(source, changes):
    known = night_before(forecasts=(forecast(source, 55.0, 28, **changes),))
    answer = get_engine("nbm_percentiles").predict(known)

    assert answer.sd == pytest.approx(1.4, abs=0.2)
    assert "implausibly sure" in answer.note


@pytest.mark.parametrize(
    "quantiles", [((0.1, 60.0), (0.9, 50.0)), ((0.5, 55.0),), ((0.1, math.nan), (0.9, 50.0))]
)
def test_impossible_percentiles_are_passed_over(quantiles):
    broken = forecast("nbm-nbp", 55.0, 28, quantiles_f=quantiles)
    spare = forecast("nbm-nbs", 56.0, 28, sd_f=2.5)
    answer = get_engine("nbm_percentiles").predict(night_before(forecasts=(broken, spare)))

    assert answer.sources == ("nbm-nbs",)
    assert any(item.startswith("nbm-nbp") for item in answer.missing)
    with pytest.raises(InvalidDataError, match="nbm-nbp"):
        get_engine("nbm_percentiles").predict(night_before(forecasts=(broken,)))


def test_a_blend_without_a_spread_is_silent():
    with pytest.raises(DataUnavailable, match="states no spread"):
        get_engine("nbm_percentiles").predict(night_before())


def test_the_consensus_has_its_fixed_weights():
    highs = {"nws-hourly": 50.0, "ecmwf-ifs": 60.0, "gefs": 55.0, "icon": 52.0, "geps": 40.0}
    known = night_before(forecasts=tuple(forecast(name, high, 28) for name, high in highs.items()))

    answer = get_engine("weighted_mean").predict(known)

    expected = 0.35 * 50 + 0.30 * 60 + 0.20 * 55 + 0.10 * 52 + 0.05 * 40
    assert answer.mean == pytest.approx(expected, abs=0.01)
    assert answer.weight_present == pytest.approx(1.0)


def test_the_consensus_renormalises_what_is_present():
    known = night_before(forecasts=(forecast("ecmwf-ens", 60.0, 28), forecast("gfs", 50.0, 28)))

    answer = get_engine("weighted_mean").predict(known)

    assert answer.mean == pytest.approx((0.3 * 60 + 0.2 * 50) / 0.5, abs=0.01)
    assert answer.weight_present == pytest.approx(0.5)
    with pytest.raises(DataUnavailable, match="five services"):
        get_engine("weighted_mean").predict(night_before(forecasts=(forecast("ukmo", 50.0, 28),)))


def test_the_market_engine_gives_the_ladder_back():
    pmf = get_engine("market").predict(full_inputs()).pmf

    assert pmf.ladder(LADDER) == pytest.approx(full_inputs().market.probabilities, abs=1e-12)


@pytest.mark.parametrize(
    "ladder",
    [
        LADDER[1:],
        LADDER[:-1],
        (*LADDER[:2], *LADDER[3:]),
        (Bracket(high_f=51), Bracket(low_f=51)),
        (Bracket(high_f=51),),
    ],
)
def test_a_ladder_that_does_not_tile_is_refused(ladder):
    broken = MarketView(ladder, (1.0 / len(ladder),) * len(ladder))

    with pytest.raises(InvalidDataError, match="tile"):
        get_engine("market").predict(full_inputs(market=broken))
    assert get_engine("blend").predict(full_inputs(market=broken)).sd > 0


def test_unknown_engine_lists_the_known_ones():
    with pytest.raises(DataUnavailable, match="climatology"):
        get_engine("oracle")


@settings(max_examples=40, deadline=None)
@given(
    highs=st.lists(st.floats(-20, 110), min_size=1, max_size=4),
    age=st.integers(14, 120),
    reached=st.one_of(st.none(), st.integers(-30, 115)),
    hour=st.one_of(st.none(), st.floats(0, 24)),
    above=st.one_of(st.none(), st.integers(0, 2)),
    evening=st.booleans(),
    has_learned=st.booleans(),
)
def test_every_belief_is_a_distribution_whatever_was_said(
    highs, age, reached, hour, above, evening, has_learned
):
    names = ("ecmwf-ens", "gfs", "nbm-nbs", "nws-grid")
    known = full_inputs(
        forecasts=tuple(
            forecast(name, high, age, sd_f=2.0) for name, high in zip(names, highs, strict=False)
        ),
        reached=(
            None
            if reached is None
            else ReachedMaximum(reached, hour, None if above is None else reached + above, evening)
        ),
        readings=() if reached is None or hour is None else READINGS,
        parameters=parameters(has_learned),
    )
    for name, engine in ENGINES.items():
        try:
            pmf = engine.predict(known).pmf
        except (DataUnavailable, InvalidDataError):
            assert name != "blend"
            continue
        assert isinstance(pmf, IntegerPmf)
        assert abs(math.fsum(pmf.probabilities) - 1) <= 1e-12
        if name == "blend" and reached is not None:
            assert pmf.cdf(reached - 1) == 0
