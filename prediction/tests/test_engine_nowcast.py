from __future__ import annotations

import datetime as dt
import math
from dataclasses import replace

import numpy as np
import pytest

from boz.core.errors import DataUnavailable, InvalidDataError
from prediction.domain.day_so_far import Reading
from prediction.domain.discretised import gaussian_pmf
from prediction.engines.base import EngineForecast, Inputs, ReachedMaximum
from prediction.engines.nowcast import NowcastEngine, conditioned
from prediction.engines.past import Past
from prediction.priors.remaining_rise import shipped_station_effect
from prediction.tests.day_readings import past_days, reports

DAY = dt.date(2024, 7, 15)
HIGHS = tuple((DAY - dt.timedelta(days=age), 82) for age in range(40, 0, -1))


def known(readings: tuple[Reading, ...], *, low_f: int, city: str = "NY", **changes) -> Inputs:
    reached = ReachedMaximum(low_f, readings[-1].hour_lst if readings else None, **changes)
    return Inputs(
        station_code=city,
        climate_day=DAY,
        as_of=dt.datetime(2024, 7, 15, 17, tzinfo=dt.UTC),
        lead_hours=12,
        official_highs=HIGHS,
        reached=reached,
        readings=readings,
    )


def until(hour: float) -> tuple[Reading, ...]:
    return tuple(item for item in reports(80.0) if item.hour_lst <= hour)


def belief(mean_f: float, sd_f: float = 2.5) -> EngineForecast:
    pmf = gaussian_pmf(mean_f=mean_f, sd_f=sd_f)
    return EngineForecast.of(pmf, sources=("nws",), note="A forecast.")


def test_the_reports_of_the_day_change_the_answer():
    """73 was reached; with the reports it is seen to climb, without them only the hour counts."""
    morning = known(until(11), low_f=73)
    bare = replace(morning, readings=())

    seen, unseen = (NowcastEngine().predict(inputs).pmf for inputs in (morning, bare))

    assert not np.array_equal(seen.probabilities, unseen.probabilities)
    assert seen.cdf(72) == unseen.cdf(72) == 0


def test_a_bound_proven_elsewhere_stands_above_the_reports():
    """A daily summary message said 82; no report read more than 80."""
    inputs = known(until(22), low_f=82)
    pmf = NowcastEngine().predict(inputs).pmf

    assert pmf.cdf(81) == 0
    assert pmf.at(82) > 0.8


def test_a_margin_of_five_minute_values_keeps_the_degree_below_possible():
    """Reports read 80 °F, but only 79 is proven."""
    inputs = known(until(16), low_f=79, estimate_f=80)
    pmf = NowcastEngine().predict(inputs).pmf

    assert pmf.at(78) == 0 < pmf.at(79)


def test_a_bound_without_any_report_gives_no_nowcast_but_cuts_a_belief():
    inputs = known((), low_f=78)

    with pytest.raises(DataUnavailable):
        NowcastEngine().predict(inputs)
    cut = conditioned(belief(80), inputs).pmf
    assert cut.cdf(77) == 0
    assert cut.at(80) == pytest.approx(belief(80).pmf.truncated_below(78).at(80))


def test_a_city_whose_thermometer_was_fitted_is_surer():
    stranger, familiar = (
        NowcastEngine().predict(known(until(11), low_f=73, city=city)).sd for city in ("NY", "MIA")
    )

    assert familiar < stranger


def test_nothing_reached_leaves_a_belief_as_it_was():
    before = belief(80)

    assert conditioned(before, replace(known((), low_f=78), reached=None)) is before


def test_a_belief_that_knows_the_day_says_so_and_is_narrower():
    after = conditioned(belief(80), known(until(13), low_f=78))

    assert "at least 78° reached" in after.sources
    assert after.sd < belief(80).sd
    assert abs(math.fsum(after.pmf.probabilities) - 1) <= 1e-12


def test_an_absurd_maximum_is_refused():
    with pytest.raises(InvalidDataError):
        NowcastEngine().predict(known(until(12), low_f=400))


def past_of(days) -> Past:
    return Past(
        station_code="NY",
        as_of=dt.datetime(2024, 7, 15, 7, tzinfo=dt.UTC),
        target_day=DAY,
        days=tuple(days),
    )


def test_a_station_learns_from_its_own_days_and_is_then_surer():
    learned = NowcastEngine().fit(past_of(past_days(120, stations=("NY",))))
    strange = known(until(11), low_f=73)

    familiar = replace(strange, parameters={"nowcast": learned})

    assert learned is not None
    assert learned["station_effect"]["n_days"] == 120
    sds = [NowcastEngine().predict(inputs).sd for inputs in (familiar, strange)]
    assert sds[0] < sds[1]


def test_without_days_of_its_own_a_station_learns_nothing():
    assert NowcastEngine().fit(past_of(())) is None


def test_what_was_shipped_stands_until_more_days_were_seen_here():
    few = NowcastEngine().fit(past_of(past_days(30, stations=("NY",))))
    shipped = known(until(11), low_f=73, city="MIA")

    both = replace(shipped, parameters={"nowcast": few})

    assert shipped_station_effect("MIA").n_days > 30
    first, second = (NowcastEngine().predict(inputs).pmf for inputs in (shipped, both))
    assert np.array_equal(first.probabilities, second.probabilities)


def test_an_effect_that_cannot_be_read_is_a_typed_error():
    broken = replace(known(until(11), low_f=73), parameters={"nowcast": {"effect": 1}})

    with pytest.raises(InvalidDataError):
        NowcastEngine().predict(broken)
    heeded = conditioned(belief(80.0), broken)
    assert heeded.pmf.cdf(72) == 0
    assert any("nowcast" in sentence for sentence in heeded.missing)


def test_a_climate_report_says_what_midnight_was():
    falling = tuple(
        Reading(hour + 0.87, 60 - place, 60 - place) for place, hour in enumerate(range(20))
    )
    alone, confirmed = (
        NowcastEngine().predict(known(falling, low_f=60, start_included=told)).pmf
        for told in (False, True)
    )

    assert alone.at(60) < confirmed.at(60)
