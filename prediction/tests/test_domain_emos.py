from __future__ import annotations

import datetime as dt
import itertools
import json
import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from boz.core.errors import DataUnavailable, InvalidDataError
from prediction.domain.emos import (
    EmosModel,
    EmosSettings,
    TrainingTable,
    fit_emos,
    fit_emos_stations,
    predict_emos,
)
from prediction.domain.emos_training import days_worth, median_of_known, row_weights
from prediction.domain.gaussian_scores import crps_gaussian
from prediction.domain.harmonics import DAYS_PER_YEAR, harmonics, season_distance

START = 738_000
SOURCES = ("GFS", "ICON", "IFS", "NBM", "NWS")
BIASES = np.array([2.0, -1.0, 0.5, 0.0, -3.0])
ERRORS = np.array([2.5, 2.0, 1.5, 1.8, 2.2])
SETTINGS = EmosSettings()


def drawn(
    n: int, *, seed: int = 1, stations: int = 1, shift: float = 0.0, has_sds: bool = True
) -> TrainingTable:
    """Return n days at every station: a season, sources with biases, errors partly shared."""
    chance = np.random.default_rng(seed)
    days = np.repeat(START + np.arange(n), stations)
    group = np.tile(np.arange(stations), n)
    rows = len(days)
    season = 60 + 20 * harmonics(days, 1) @ np.array([-1.0, 0.2])
    truth = season + 6 * chance.normal(size=rows)
    shared = chance.normal(size=rows)
    own = ERRORS * chance.normal(size=(rows, 5))
    highs = truth[:, None] + shared[:, None] + own + BIASES
    observed = truth + shift * (group - (stations - 1) / 2)
    sds = np.full((rows, 5), 1.5 if has_sds else np.nan)
    return TrainingTable(days, SOURCES, highs, sds, np.round(observed), group)


def with_gaps(table: TrainingTable, *columns: int) -> TrainingTable:
    highs = table.highs.copy()
    highs[:, list(columns)] = np.nan
    return replace(table, highs=highs)


def forecast_of(model: EmosModel, table: TrainingTable, row: int, *, without: tuple[str, ...] = ()):
    highs = {
        name: float(value)
        for name, value in zip(table.sources, table.highs[row], strict=True)
        if name not in without
    }
    return predict_emos(model, day=int(table.days[row]), highs=highs, sds={})


def mean_crps(model: EmosModel, table: TrainingTable, rows: range, **kwargs) -> float:
    made = [forecast_of(model, table, row, **kwargs) for row in rows]
    mean, sd = np.array([f.mean for f in made]), np.array([f.sd for f in made])
    return float(crps_gaussian(mean, sd, table.observed[list(rows)]).mean())


def test_a_year_of_days_beats_every_source_and_the_plain_mean() -> None:
    table = drawn(465)
    model = fit_emos(table.before(START + 365), target_day=START + 365, settings=SETTINGS)
    made = mean_crps(model, table, range(365, 465))
    unbiased = table.highs - BIASES
    plain = np.abs(unbiased.mean(axis=1) - table.observed)[365:]
    assert made < 0.75 * plain.mean()
    assert np.array(model.bias) == pytest.approx(BIASES, abs=0.8)
    assert model.weight[2] == max(model.weight)
    assert math.fsum(model.weight) == pytest.approx(1.0)
    assert model.n_train == 365


def test_the_spread_covers_as_it_says() -> None:
    table = drawn(765, seed=4)
    model = fit_emos(table.before(START + 365), target_day=START + 365, settings=SETTINGS)
    made = [forecast_of(model, table, row) for row in range(365, 765)]
    z = np.array([(table.observed[365 + i] - f.mean) / f.sd for i, f in enumerate(made)])
    assert 0.76 <= (np.abs(z) < 1.2816).mean() <= 0.86


def test_without_days_the_prior_speaks_alone() -> None:
    table = drawn(200)
    prior = fit_emos(table, target_day=START + 200, settings=SETTINGS)
    empty = table.rows(slice(0, 0))
    alone = fit_emos(empty, target_day=START + 200, settings=SETTINGS, prior=prior)
    assert alone == replace(prior, n_train=0, effective_n=0.0)
    generic = fit_emos(empty, target_day=START + 200, settings=SETTINGS)
    made = predict_emos(generic, day=START + 200, highs={"GFS": 70.0, "IFS": 72.0}, sds={})
    assert made.mean == pytest.approx(71.0)
    assert made.sd > 3.5
    with pytest.raises(DataUnavailable, match="no spread to start with"):
        fit_emos(empty, target_day=START, settings=replace(SETTINGS, prior_sd=None))


def test_few_days_move_little_from_the_prior_and_many_move_far() -> None:
    prior = fit_emos(drawn(300), target_day=START + 300, settings=SETTINGS)
    colder = drawn(300, seed=2)
    colder = replace(colder, observed=colder.observed - 4.0)
    first, later = (
        fit_emos(colder.before(START + n), target_day=START + n, settings=SETTINGS, prior=prior)
        for n in (5, 300)
    )
    highs = dict(zip(SOURCES, 60.0 + BIASES, strict=True))
    day = START + 300
    means = [predict_emos(m, day=day, highs=highs, sds={}).mean for m in (prior, first, later)]
    assert means[0] - 2.5 < means[1] < means[0] - 0.5
    assert means[2] == pytest.approx(means[0] - 4.0, abs=0.9)


@pytest.mark.parametrize(("first", "second"), list(itertools.combinations(range(5), 2)))
def test_missing_sources_widen_the_forecast_and_cost_little(first: int, second: int) -> None:
    table = drawn(465)
    model = fit_emos(table.before(START + 365), target_day=START + 365, settings=SETTINGS)
    without = (SOURCES[first], SOURCES[second])
    whole = [forecast_of(model, table, row) for row in range(365, 465)]
    part = [forecast_of(model, table, row, without=without) for row in range(365, 465)]
    assert sum(f.sd for f in part) > sum(f.sd for f in whole)
    assert all(f.missing == without and len(f.used) == 3 for f in part)
    assert all(0.2 < f.weight_present < 0.9 for f in part)
    refit = fit_emos(
        with_gaps(table, first, second).before(START + 365),
        target_day=START + 365,
        settings=SETTINGS,
    )
    rows = range(365, 465)
    cost = mean_crps(model, table, rows, without=without) / mean_crps(
        refit, table, rows, without=without
    )
    assert cost < 1.05


def test_a_source_the_model_never_met_is_named_and_left_out() -> None:
    table = drawn(100)
    model = fit_emos(table, target_day=START + 100, settings=SETTINGS)
    highs = {"GFS": 70.0, "IFS": 69.0}
    with_new = predict_emos(model, day=START + 100, highs={**highs, "ZZZ": 120.0}, sds={})
    without = predict_emos(model, day=START + 100, highs=highs, sds={})
    assert with_new.ignored == ("ZZZ",)
    assert replace(with_new, ignored=()) == without
    with pytest.raises(DataUnavailable, match="None of the forecast sources"):
        predict_emos(model, day=START + 100, highs={"ZZZ": 70.0, "GFS": math.nan}, sds={})
    with pytest.raises(InvalidDataError, match="infinite"):
        predict_emos(model, day=START + 100, highs={"GFS": math.inf}, sds={})
    with pytest.raises(InvalidDataError, match="below 0"):
        predict_emos(model, day=START + 100, highs=highs, sds={"GFS": -1.0})


def test_a_source_new_beside_the_prior_starts_with_an_average_weight() -> None:
    known = drawn(200)
    four = replace(known, sources=SOURCES[:4], highs=known.highs[:, :4], sds=known.sds[:, :4])
    prior = fit_emos(four, target_day=START + 200, settings=SETTINGS)
    model = fit_emos(known, target_day=START + 200, settings=SETTINGS, prior=prior)
    assert model.sources == SOURCES
    assert model.weight[4] == pytest.approx(0.2, abs=0.05)
    assert model.bias[4] == pytest.approx(BIASES[4], abs=0.8)


def test_disagreement_widens_the_forecast() -> None:
    table = drawn(200)
    model = fit_emos(table, target_day=START + 200, settings=SETTINGS)
    agreeing = {name: 70.0 + bias for name, bias in zip(SOURCES, model.bias, strict=True)}
    quarrelling = {name: high + 8.0 * (-1) ** i for i, (name, high) in enumerate(agreeing.items())}
    calm, torn = (
        predict_emos(model, day=START + 200, highs=highs, sds={})
        for highs in (agreeing, quarrelling)
    )
    assert calm.spread == pytest.approx(0.0, abs=1e-9)
    assert torn.spread > 5.0
    assert torn.sd > calm.sd


@pytest.mark.parametrize(("row", "error"), [(40, 50.0), (95, -50.0)])
def test_one_typing_error_of_fifty_degrees_moves_little(row: int, error: float) -> None:
    table = drawn(100)
    observed = table.observed.copy()
    observed[row] += error
    typed = replace(table, observed=observed)
    highs_typed = table.highs.copy()
    highs_typed[row, 2] += error
    source_typed = replace(table, highs=highs_typed)
    right = forecast_of(fit_emos(table, target_day=START + 100, settings=SETTINGS), table, 99)
    for bad in (typed, source_typed):
        wrong = forecast_of(fit_emos(bad, target_day=START + 100, settings=SETTINGS), table, 99)
        assert wrong.mean == pytest.approx(right.mean, abs=0.5)
        assert wrong.sd == pytest.approx(right.sd, rel=0.2)


@given(
    n=st.integers(1, 12),
    seed=st.integers(0, 1000),
    gaps=st.lists(st.tuples(st.integers(0, 11), st.integers(0, 4)), max_size=40),
    is_constant=st.booleans(),
)
@settings(max_examples=60, deadline=None)
def test_any_few_days_give_a_finite_forecast(
    n: int, seed: int, gaps: list[tuple[int, int]], is_constant: bool
) -> None:
    table = drawn(n, seed=seed, has_sds=seed % 2 == 0)
    highs = np.full_like(table.highs, 60.0) if is_constant else table.highs.copy()
    for row, source in gaps:
        highs[row % n, source] = np.nan
    table = replace(table, highs=highs)
    model = fit_emos(table, target_day=START + n, settings=SETTINGS)
    made = predict_emos(model, day=START + n, highs={"GFS": 61.0, "NWS": 58.0}, sds={"GFS": 2.0})
    assert 20.0 < made.mean < 100.0
    assert 0.8 <= made.sd < 25.0


def test_repeated_fits_give_the_same_bits() -> None:
    table = drawn(60)
    first, second = (fit_emos(table, target_day=START + 60, settings=SETTINGS) for _ in range(2))
    assert first == second


def test_a_model_is_stored_and_read_without_losing_a_bit() -> None:
    model = fit_emos(drawn(50), target_day=START + 50, settings=SETTINGS)
    assert EmosModel.from_json(json.loads(json.dumps(model.as_json()))) == model
    with pytest.raises(InvalidDataError, match="no stored EMOS model"):
        EmosModel.from_json({"sources": []})


def test_the_day_itself_is_never_learnt_from() -> None:
    with pytest.raises(InvalidDataError, match="cannot be known"):
        fit_emos(drawn(10), target_day=START + 9, settings=SETTINGS)


def test_stations_that_differ_keep_their_own_bias_and_like_ones_share() -> None:
    apart = drawn(30, stations=8, shift=3.0)
    models = fit_emos_stations(apart, target_day=START + 30, settings=SETTINGS)
    highs = dict(zip(SOURCES, 60.0 + BIASES, strict=True))
    means = [predict_emos(m, day=START + 30, highs=highs, sds={}).mean for m in models]
    assert means[7] - means[0] == pytest.approx(21.0, abs=3.0)
    alike = drawn(30, stations=8)
    models = fit_emos_stations(alike, target_day=START + 30, settings=SETTINGS)
    means = [predict_emos(m, day=START + 30, highs=highs, sds={}).mean for m in models]
    assert max(means) - min(means) < 1.0


def test_a_station_without_rows_has_the_pooled_model() -> None:
    table = drawn(30, stations=3)
    table = table.rows(np.flatnonzero(table.stations != 1))
    models = fit_emos_stations(table, target_day=START + 30, settings=SETTINGS)
    pooled = fit_emos(table, target_day=START + 30, settings=SETTINGS)
    highs = dict(zip(SOURCES, 60.0 + BIASES, strict=True))
    mine, theirs = (
        predict_emos(m, day=START + 30, highs=highs, sds={}) for m in (models[1], pooled)
    )
    assert mine.mean == pytest.approx(theirs.mean, abs=0.05)


def test_tables_that_cannot_be_are_refused() -> None:
    table = drawn(10)
    with pytest.raises(InvalidDataError, match="time order"):
        table.rows(np.arange(9, -1, -1))
    with pytest.raises(InvalidDataError, match="fit together"):
        replace(table, observed=table.observed[:5])
    with pytest.raises(InvalidDataError, match="sorted"):
        replace(table, sources=("B", "A", "C", "D", "E"))
    with pytest.raises(InvalidDataError, match="infinite"):
        replace(table, observed=table.observed + np.inf)
    with pytest.raises(InvalidDataError, match="half_life_days"):
        EmosSettings(half_life_days=math.nan)


def test_what_a_prior_is_worth_follows_from_how_groups_differ() -> None:
    chance = np.random.default_rng(3)
    values = 2.0 * chance.normal(size=(400, 1)) + 4.0 * chance.normal(size=(400, 20))
    ones = np.ones_like(values)
    assert days_worth(values, ones) == pytest.approx(4.0, rel=0.2)
    assert days_worth(np.ones((5, 4)), np.ones((5, 4))) == 200.0
    assert days_worth(values[:1], ones[:1]) == 200.0


def test_medians_leave_out_what_is_missing() -> None:
    values = np.array([[3.0, np.nan, 1.0, 2.0], [np.nan] * 4, [5.0, 1.0, np.nan, np.nan]])
    assert median_of_known(values)[:, 0].tolist() == [2.0, 0.0, 3.0]


def test_harmonics_turn_once_a_year_and_distances_go_the_short_way() -> None:
    days = np.array([START, START + 1000])
    columns = harmonics(days, 2)
    assert columns.shape == (2, 4)
    angle = 2 * math.pi * (START + 1000) / DAYS_PER_YEAR
    assert columns[1] == pytest.approx(
        [math.cos(angle), math.sin(angle), math.cos(2 * angle), math.sin(2 * angle)]
    )
    assert harmonics(days, 0).shape == (2, 0)
    assert season_distance(np.array([START - 360]), START) == pytest.approx(5.2425)


def test_a_day_counts_half_after_the_half_life_and_less_out_of_season() -> None:
    target = dt.date(2025, 6, 1).toordinal()
    days = np.array([target - 365, target - 183, target - 1])

    year, opposite, yesterday = row_weights(days, target, EmosSettings(half_life_days=365.0))

    assert yesterday == pytest.approx(1.0, abs=0.01)
    assert year == pytest.approx(0.5, abs=0.01)
    # 0.5 ** (183 / 365) times the floor of 0.3, and a little of the kernel three scales away.
    assert opposite == pytest.approx(0.7064 * (0.3 + 0.7 * 0.0095), abs=0.003)


def test_a_young_fit_is_widened_and_an_old_one_hardly() -> None:
    """r terms of the mean per effective row make errors too small by sqrt((1 + r) / (1 - r))."""
    rng = np.random.default_rng(11)

    def fitted(days: int) -> EmosModel:
        truth = rng.normal(60, 8, days)
        table = TrainingTable(
            days=np.arange(days, dtype=np.int64) + 738_000,
            sources=("a", "b"),
            highs=truth[:, None] + rng.normal(0, 2, (days, 2)),
            sds=np.full((days, 2), np.nan),
            observed=truth,
            stations=np.zeros(days, dtype=np.int64),
        )
        return fit_emos(table, target_day=738_000 + days, settings=EmosSettings())

    young, old = fitted(15), fitted(365)

    assert young.widening > old.widening + 0.005
    assert 1.0 < old.widening < 1.05
