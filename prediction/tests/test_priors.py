from __future__ import annotations

import csv
import datetime as dt
import gzip
import itertools
import json
import math

import numpy as np
import pytest

from prediction.constants import OFFICIAL_SOURCES
from prediction.domain.emos import EmosModel, EmosSettings, predict_emos
from prediction.domain.errors_model import prior_sd_f
from prediction.domain.horizons import Horizon
from prediction.priors import build_sources
from prediction.priors.source_prior import GROUPS, reference_lead_hours, source_prior
from weather.sources import MODELS

JANUARY, JULY = dt.date(2024, 1, 30), dt.date(2024, 7, 30)
EVERY_SOURCE = sorted({*OFFICIAL_SOURCES, *(model.code for model in MODELS)})


def prior(*sources, horizon=Horizon.EVENING, day=JANUARY) -> EmosModel:
    return source_prior(sources, horizon=horizon, day=day, settings=EmosSettings())


def weight(model: EmosModel, *names: str) -> float:
    return math.fsum(dict(zip(model.sources, model.weight, strict=True))[name] for name in names)


def test_groups_share_all_weight_and_name_every_source_once():
    named = list(itertools.chain.from_iterable(members for _, members in GROUPS))

    assert math.fsum(share for share, _ in GROUPS) == pytest.approx(1.0)
    assert sorted(named) == EVERY_SOURCE


def test_two_dozen_models_do_not_outvote_the_official_forecasts():
    everyone = prior(*EVERY_SOURCE)

    assert math.fsum(everyone.weight) == pytest.approx(1.0)
    assert weight(everyone, *OFFICIAL_SOURCES) > 0.5
    few = prior("nws-grid", "gfs", "gefs", "hrrr")
    assert weight(few, "nws-grid") == pytest.approx(0.75)


def test_a_model_nobody_knows_has_little_weight():
    assert weight(prior("nws-grid", "new-model"), "new-model") < 0.1


@pytest.mark.parametrize("horizon", list(Horizon))
@pytest.mark.parametrize("day", [JANUARY, JULY])
def test_the_spread_of_one_official_forecast_is_that_of_city_forecasts(horizon, day):
    said = predict_emos(
        prior("nws-grid", horizon=horizon, day=day),
        day=day.toordinal(),
        highs={"nws-grid": 50.0},
        sds={},
    )

    usual = prior_sd_f(lead_hours=reference_lead_hours(horizon), month=day.month)
    assert said.sd == pytest.approx(usual, rel=0.08)
    assert said.mean == pytest.approx(50.3, abs=0.1)


def test_spreads_shrink_from_horizon_to_horizon_and_winter_to_summer():
    horizons = (Horizon.EARLY, Horizon.EVENING, Horizon.MORNING)
    levels = [prior("nws-grid", horizon=horizon).scale[0] for horizon in horizons]

    assert levels == sorted(levels, reverse=True)
    assert prior("nws-grid", day=JULY).scale[0] < 0.8 * prior("nws-grid").scale[0]


def test_raw_models_run_colder_and_wider():
    raw, official = prior("gfs"), prior("nws-grid")

    assert raw.bias[0] == pytest.approx(official.bias[0] - 0.6, abs=0.01)
    assert raw.scale[0] == pytest.approx(1.218 * official.scale[0])


def test_agreement_is_surer_than_disagreement_and_one_alone_lies_between():
    def sd(highs):
        return predict_emos(prior(*highs), day=1, highs=highs, sds={}).sd

    agree, differ = ({"nbm-nbp": 50.0, "nws-grid": high} for high in (50.0, 56.0))

    assert sd(agree) < sd({"nws-grid": 50.0}) < sd(differ)


def test_a_stated_spread_wider_than_usual_widens():
    model = prior("nbm-nbp")

    usual, wide = (
        predict_emos(model, day=1, highs={"nbm-nbp": 50.0}, sds={"nbm-nbp": sd}).sd
        for sd in (model.usual_inside[0], model.usual_inside[0] + 2.0)
    )
    assert wide > usual + 0.3


def write(path, columns, rows):
    with gzip.open(path, "wt", encoding="utf-8", newline="") as text:
        writer = csv.writer(text)
        writer.writerow(columns)
        writer.writerows(rows)
    return str(path)


@pytest.fixture
def tables(tmp_path):
    """Tables in which the official high is 1 °F cold with a spread of 2, raw models 3 °F cold."""
    rng = np.random.default_rng(8)
    days = [dt.date(2021, 2, 1) + dt.timedelta(days=n) for n in range(200)]
    highs = [
        (day, city, round(60 + rng.normal(0, 8))) for day in days for city in ("A", "B", "C", "D")
    ]
    said = [
        [day, city, *(round(high - 1 + rng.normal(0, 2)) for _ in range(3)), high]
        for day, city, high in highs
    ]
    moments = [dt.datetime(2026, 2, 20 + n, 9, tzinfo=dt.UTC) for n in range(6)]
    told = [
        (moment.isoformat(), city, moment.date() + dt.timedelta(days=1), 50 + 2 * place)
        for moment in moments
        for place, city in enumerate(("NY", "MIA", "DEN"))
    ]
    return [
        write(
            tmp_path / "nws_city_forecasts_2021.csv.gz",
            ["date", "city", "fc_hi_m2_PM", "fc_hi_m1_PM", "fc_hi_d0_AM", "obs_hi_next_AM"],
            [*said, [days[0], "A", "", "", "", 50], [days[1], "A", 5, 5, 5, 95]],
        ),
        write(
            tmp_path / "nws_forecast_changes_2026.csv.gz",
            ["fetched_utc", "city", "date", "nws_high_f", "high_f"],
            [
                (at, city, day, high - 1 + (index % 3), high)
                for index, (at, city, day, high) in enumerate(told)
            ],
        ),
        write(
            tmp_path / "multi_source_forecast_changes_2026.csv.gz",
            ["fetched_utc", "city", "date", "source", "high_f_fc", "high_f"],
            [
                (at, city, day, name, high - 2 + 2 * (index % 3), high)
                for index, (at, city, day, high) in enumerate(told)
                for name in ("GFS", "JMA")
            ],
        ),
        write(
            tmp_path / "ndfd_ny_evening.csv.gz",
            ["city", "date", "ndfd_high_f", "high_f"],
            [("NY", day, 50, 51) for day in days],
        ),
        write(
            tmp_path / "daily_highs.csv.gz",
            ["city", "date", "high_f"],
            [("NY", day, high) for day, city, high in highs if city == "A"],
        ),
    ]


def test_the_script_finds_planted_bias_and_spread(tables, tmp_path, capsys):
    output = tmp_path / "sources.json"

    assert build_sources.main([*tables, "--output", str(output)]) == 0

    document = json.loads(output.read_text())
    evening = document["horizons"]["evening"]
    assert evening["n"] == 800, "a blank and an error of 90 °F are left out"
    assert evening["bias_f"] == pytest.approx(-1.0, abs=0.2)
    assert evening["sd_f"] == pytest.approx(2.0, abs=0.25)
    assert evening["held_out"]["coverage"]["80"] == pytest.approx(0.8, abs=0.06)
    assert set(document["raw_models"]["by_source"]) == {"gfs"}
    assert document["raw_models"]["days"] == 6
    assert len(document["files"]) == 5
    assert "evening: bias -1" in capsys.readouterr().out.replace("-0.9", "-1")


def test_the_script_names_a_table_that_is_missing(tables, tmp_path, capsys):
    with pytest.raises(SystemExit):
        build_sources.main([*tables[1:], "--output", str(tmp_path / "none.json")])

    assert "nws_city_forecasts_2021" in capsys.readouterr().err
