from __future__ import annotations

import datetime as dt

import pytest

from boz.core.errors import DataUnavailable
from markets.tests.factories import make_ladder
from prediction.constants import EMOS_FAST_ENGINE, EMOS_SLOW_ENGINE, PRIMARY_ENGINE
from prediction.domain.day_so_far import Reading
from prediction.domain.horizons import REFERENCE_LEAD_HOURS, Horizon
from prediction.engines import get_engine
from prediction.engines.base import canonical_hash
from prediction.models import EngineFit
from prediction.services.fit import fit_all, fit_station
from prediction.services.past import assemble_past
from prediction.services.scored import scored_beliefs
from prediction.tests.factories import (
    DAY,
    EVENING_BEFORE,
    PredictionFactory,
    VerificationFactory,
    known_high,
    make_history,
)
from weather.models import Station
from weather.selectors import LAST_LEARNED_LEAD_HOURS
from weather.tests.factories import ForecastFactory, ObservationFactory, real_station

pytestmark = pytest.mark.django_db

ONE_DAY = dt.timedelta(days=1)


def fitted(station, as_of=EVENING_BEFORE) -> dict[str, EngineFit]:
    return {fit.engine: fit for fit in fit_station(station=station, as_of=as_of)}


def test_every_engine_that_learns_has_a_fit_with_its_version_and_hash():
    fits = fitted(make_history())

    assert {EMOS_SLOW_ENGINE, EMOS_FAST_ENGINE} <= set(fits)
    for name, fit in fits.items():
        assert fit.engine_version == get_engine(name).version
        assert fit.parameters_hash == canonical_hash(fit.parameters)
        assert fit.as_of == EVENING_BEFORE
        assert set(fit.scores["track_record"]) == set(Horizon)
    slow = fits[EMOS_SLOW_ENGINE]
    assert set(slow.parameters["models"]) == {"evening", "morning"}
    assert slow.n_train == 79
    assert slow.window_end == DAY - 2 * ONE_DAY, "yesterday's report is not out yet"
    assert slow.window_start == DAY - 80 * ONE_DAY


def test_the_same_moment_is_fitted_once():
    station = make_history()

    first = fitted(station)
    second = fitted(station)

    assert first == second
    assert EngineFit.objects.count() == len(first)


def test_versions_count_up_for_each_engine():
    station = make_history()

    versions = [fitted(station, EVENING_BEFORE + n * ONE_DAY) for n in range(3)]

    for name in versions[0]:
        assert [fits[name].version for fits in versions] == [1, 2, 3]


def test_the_past_is_what_stood_at_each_reference_moment():
    station = make_history(days=3)
    yesterday = DAY - ONE_DAY
    _, end = station.climate_day_bounds(yesterday - ONE_DAY)
    for lead, high_f in ((60, 40.0), (20, 41.0), (11, 42.0)):
        ForecastFactory(
            station=station,
            climate_day=yesterday - ONE_DAY,
            high_f=high_f,
            issued_at=end - dt.timedelta(hours=lead),
        )

    past = assemble_past(station=station, as_of=EVENING_BEFORE)

    assert (past.station_code, past.target_day) == ("NY", DAY)
    cases = {(case.climate_day, case.horizon): case for case in past.cases}
    assert list(cases) == [
        (DAY - 3 * ONE_DAY, Horizon.EVENING),
        (DAY - 3 * ONE_DAY, Horizon.MORNING),
        (DAY - 2 * ONE_DAY, Horizon.EARLY),
        (DAY - 2 * ONE_DAY, Horizon.EVENING),
        (DAY - 2 * ONE_DAY, Horizon.MORNING),
    ]
    day = DAY - 2 * ONE_DAY
    highs = {h: [f.high_f for f in cases[day, h].forecasts] for h in list(Horizon)[:3]}
    assert highs[Horizon.EARLY] == [40.0]
    assert highs[Horizon.MORNING] == [41.0]
    assert highs[Horizon.EVENING] == [pytest.approx(known_high(day) + 1.5, abs=2.01)]
    assert {case.observed_f for case in past.cases if case.climate_day == day} == {known_high(day)}


def test_the_last_lead_that_is_learned_from_is_that_of_the_morning():
    assert REFERENCE_LEAD_HOURS[Horizon.MORNING] == LAST_LEARNED_LEAD_HOURS


def test_the_days_learned_from_carry_their_reports_as_known_then():
    station = make_history()
    finished = DAY - 5 * ONE_DAY
    noon = dt.datetime.combine(finished, dt.time(16, 53), tzinfo=dt.UTC)
    ObservationFactory(station=station, observed_at=noon, temp_low_f=50, max_6h_f=51)
    ObservationFactory(
        station=station, observed_at=noon - dt.timedelta(hours=1), kind="5-MINUTE", temp_low_f=70
    )
    ObservationFactory(
        station=station,
        observed_at=noon + dt.timedelta(hours=1),
        temp_low_f=52,
        available_at=EVENING_BEFORE + dt.timedelta(minutes=1),
    )

    (day,) = assemble_past(station=station, as_of=EVENING_BEFORE).days
    (later,) = assemble_past(station=station, as_of=EVENING_BEFORE + ONE_DAY).days

    assert day.readings == (Reading(11.88, 50, 50, 51),)
    assert (day.climate_day, day.high_f) == (finished, known_high(finished))
    assert day.usual_high_f == pytest.approx(55, abs=8)
    assert len(later.readings) == 2


def test_a_day_without_its_official_high_is_not_learned_from():
    station = make_history()
    ObservationFactory(station=station, observed_at=EVENING_BEFORE - dt.timedelta(hours=4))

    assert assemble_past(station=station, as_of=EVENING_BEFORE).days == ()


def test_no_past_is_a_typed_error():
    with pytest.raises(DataUnavailable, match="MIA"):
        fit_station(station=real_station("MIA"), as_of=EVENING_BEFORE)
    assert not EngineFit.objects.exists()


def test_fit_all_leaves_out_stations_without_a_past_and_says_why():
    make_history()

    result = fit_all(now=EVENING_BEFORE)

    active = Station.objects.filter(is_active=True).count()
    assert result.done == {"fitted": 1}
    assert len(result.skipped) == active - 1
    assert all("nothing to learn" in item.reason for item in result.skipped)


def scored_day(day=DAY - 3 * ONE_DAY, **fields):
    """A scored prediction of a day with its ladder, beside it climatology and the market."""
    made = PredictionFactory(
        climate_day=day,
        made_at=Horizon.MORNING,
        market_probabilities=[0.1, 0.2, 0.3, 0.2, 0.1, 0.1],
    )
    row = VerificationFactory(prediction=made, crps_f=1.5, **fields)
    for engine, crps_f in (("climatology", 3.0), ("market", 1.25), ("pooled", 1.0)):
        VerificationFactory(prediction=made, engine=engine, crps_f=crps_f, **fields)
    make_ladder(event=row.event)
    return row


def test_scored_beliefs_say_how_every_engine_did():
    row = scored_day()

    (belief,) = scored_beliefs(as_of=EVENING_BEFORE)

    assert (belief.station_code, belief.climate_day) == ("NY", row.prediction.climate_day)
    assert belief.horizon is Horizon.MORNING
    assert belief.crps_f == (("blend", 1.5), ("climatology", 3.0), ("market", 1.25))
    assert (belief.outcome, len(belief.ladder)) == (2, 6)
    assert belief.model == tuple(row.probabilities)
    assert belief.market == (0.1, 0.2, 0.3, 0.2, 0.1, 0.1)


def test_a_market_that_was_not_scored_teaches_nothing():
    scored_day(market_brier=None)

    (belief,) = scored_beliefs(as_of=EVENING_BEFORE)

    assert belief.market is None


def test_scored_beliefs_are_those_known_then_oldest_first():
    rows = [scored_day(DAY - age * ONE_DAY) for age in (2, 4, 3)]
    known = scored_beliefs(as_of=EVENING_BEFORE)

    assert [item.climate_day for item in known] == [DAY - age * ONE_DAY for age in (4, 3, 2)]
    earlier = scored_beliefs(as_of=rows[0].verified_at - dt.timedelta(seconds=1))
    assert [item.climate_day for item in earlier] == [DAY - age * ONE_DAY for age in (4, 3)]


def test_a_score_without_its_outcome_or_ladder_teaches_nothing():
    scored_day(outcome=None)
    scored_day(DAY - 4 * ONE_DAY, probabilities=[0.5, 0.5])
    row = scored_day(DAY - 5 * ONE_DAY)
    row.event.markets.first().delete()

    assert scored_beliefs(as_of=EVENING_BEFORE) == ()


def test_the_blend_keeps_the_record_of_its_own_beliefs():
    station = make_history(days=40)
    for age in range(1, 40):
        scored_day(DAY - age * ONE_DAY)

    fits = fitted(station)

    assert fits[PRIMARY_ENGINE].scores["track_record"]["morning"]["n"] == 38
    assert fits[EMOS_SLOW_ENGINE].scores["track_record"]["morning"]["n"] == 0
