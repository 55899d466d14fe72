"""One row from the future in any input changes nothing before its time, and does afterwards."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal

import pytest
from django.contrib.auth import get_user_model

from markets.models import BookSnapshot, Event, Market
from markets.tests.factories import EventFactory, MarketFactory, QuoteFactory, make_ladder
from prediction.models import EngineFit, Prediction
from prediction.services.champions import choose_champion
from prediction.services.fit import fit_station
from prediction.services.fits import withdraw_fit
from prediction.services.predict import predict
from prediction.tests.factories import (
    DAY,
    EVENING_BEFORE,
    EngineFitFactory,
    PredictionFactory,
    VerificationFactory,
    assemble_inputs,
    learned_parameters,
    make_history,
    quote,
)
from weather.models import ClimateReport, Forecast, SourceContact
from weather.tests.factories import (
    ClimateReportFactory,
    DailySummaryFactory,
    ForecastFactory,
    ForecastSourceFactory,
    ObservationFactory,
)

pytestmark = pytest.mark.django_db

#: 13:00 in New York, local standard time, and the moment at which the planted rows become known.
LATER = EVENING_BEFORE + dt.timedelta(hours=17)
PLANTED_AT = LATER - dt.timedelta(minutes=10)
ONE_DAY = dt.timedelta(days=1)
YESTERDAY = DAY - ONE_DAY
#: The fourth bracket lies anywhere between 10 cents and what the others' bids leave.
WIDE = ((5, 91), (17, 79), (31, 65), (10, None), (10, 86), (2, 94))


def the_forecast(station) -> Forecast:
    return Forecast.objects.get(station=station, climate_day=DAY, high_f=52.0)


@pytest.fixture
def station():
    """New York with a past, a forecast, a fit, station reports and a quoted ladder."""
    station = make_history()
    forecast = ForecastFactory(
        station=station,
        climate_day=DAY,
        high_f=52.0,
        issued_at=EVENING_BEFORE - dt.timedelta(hours=1),
    )
    SourceContact.objects.bulk_create(
        SourceContact(
            source=forecast.source,
            at=forecast.available_at + dt.timedelta(hours=hour),
            answered=[station.code],
        )
        for hour in range(1, 48)
    )
    EngineFitFactory(station=station, version=1, as_of=EVENING_BEFORE - dt.timedelta(hours=12))
    ObservationFactory(
        station=station, observed_at=EVENING_BEFORE + dt.timedelta(hours=12), temp_low_f=44
    )
    markets = make_ladder(event=EventFactory(climate_day=DAY))
    quote(markets, at=EVENING_BEFORE, cents=WIDE)
    quote(markets, at=PLANTED_AT - dt.timedelta(minutes=1), cents=WIDE)
    for market in markets:
        for at in (EVENING_BEFORE, PLANTED_AT - dt.timedelta(minutes=1)):
            QuoteFactory(market=market, at=at, last_price_dollars=Decimal("0.20"))
    return station


def plant_forecast(station):
    ForecastFactory(station=station, climate_day=DAY, high_f=75.0, issued_at=PLANTED_AT)


def plant_forecast_issued_long_ago(station):
    ForecastFactory(
        station=station,
        climate_day=DAY,
        high_f=75.0,
        issued_at=EVENING_BEFORE - dt.timedelta(minutes=5),
        available_at=PLANTED_AT,
    )


def plant_other_source(station):
    source = ForecastSourceFactory(code="nbm-nbp")
    ForecastFactory(
        station=station, climate_day=DAY, high_f=75.0, source=source, available_at=PLANTED_AT
    )


def plant_withdrawal_of_a_forecast(station):
    Forecast.objects.filter(pk=the_forecast(station).pk).update(withdrawn_at=PLANTED_AT)


def plant_contact_that_never_came(station):
    SourceContact.objects.filter(at__gte=PLANTED_AT - dt.timedelta(hours=3)).delete()


def plant_report(station):
    ClimateReportFactory(
        station=station, climate_day=YESTERDAY, max_f=90, is_correction=True, issued_at=PLANTED_AT
    )


def plant_withdrawal_of_a_report(station):
    ClimateReport.objects.filter(station=station, climate_day=YESTERDAY - ONE_DAY).update(
        withdrawn_at=PLANTED_AT
    )


def plant_observation(station):
    ObservationFactory(station=station, observed_at=PLANTED_AT, temp_low_f=66)


def plant_observation_of_the_morning(station):
    observed_at = EVENING_BEFORE + dt.timedelta(hours=13)
    ObservationFactory(
        station=station, observed_at=observed_at, available_at=PLANTED_AT, temp_low_f=66
    )


def plant_summary(station):
    DailySummaryFactory(station=station, max_f=66, status="partial", issued_at=PLANTED_AT)


def plant_fit(station):
    EngineFitFactory(
        station=station, version=2, as_of=PLANTED_AT, parameters=learned_parameters(bias_f=6.0)
    )


def plant_withdrawal_of_a_fit(station):
    user = get_user_model().objects.create_user("anna")
    withdraw_fit(EngineFit.objects.get(version=1), reason="Wrong.", user=user, now=PLANTED_AT)


def plant_champion(station):
    user = get_user_model().objects.create_user("anna")
    choose_champion(engine="climatology", reason="A trial.", user=user, now=PLANTED_AT)


def plant_book(station):
    market = Market.objects.get(low_f=54)
    BookSnapshot.objects.create(
        market=market,
        at=PLANTED_AT,
        available_at=PLANTED_AT,
        yes_bids=[["0.4000", "5.00"]],
        no_bids=[["0.5500", "5.00"]],
    )


def plant_book_that_ends_the_one_before(station):
    BookSnapshot.objects.create(
        market=Market.objects.get(low_f=58),
        at=PLANTED_AT,
        available_at=PLANTED_AT,
        derived_from=BookSnapshot.UNKNOWN,
    )


def plant_price(station):
    QuoteFactory(
        market=Market.objects.get(low_f=56), at=PLANTED_AT, last_price_dollars=Decimal("0.3300")
    )


PLANTS = [plant for name, plant in sorted(globals().items()) if name.startswith("plant_")]


def told(prediction: Prediction) -> tuple[object, ...]:
    """Return everything that a prediction says."""
    return (
        prediction.engine,
        prediction.pmf_low_f,
        prediction.pmf,
        prediction.pooled_low_f,
        prediction.pooled_pmf,
        prediction.market_probabilities,
        prediction.pool_weights,
        prediction.engine_weights,
        prediction.confidence_reason,
        prediction.sources,
        prediction.missing,
        prediction.fits,
        sorted(prediction.beliefs.values_list("engine", "pmf_low_f", "weight", "mean_f")),
    )


def make(station, as_of):
    prediction = predict(station=station, climate_day=DAY, as_of=as_of)
    return prediction.inputs_hash, told(prediction)


@pytest.mark.parametrize("plant", PLANTS, ids=lambda plant: plant.__name__)
def test_canary_what_is_known_later_changes_nothing_before(station, plant):
    """The same row must show once the moment has moved on, else this canary is dead."""
    before, blind_later = make(station, EVENING_BEFORE), make(station, LATER)
    Prediction.objects.all().delete()

    plant(station)

    assert make(station, EVENING_BEFORE) == before, "the same pmf, the same hash"
    hashed, said = make(station, LATER)
    assert hashed != blind_later[0]
    assert said != blind_later[1]


def test_a_ladder_listed_later_is_not_seen_before(station):
    tomorrow = DAY + ONE_DAY
    before = assemble_inputs(station=station, climate_day=tomorrow, as_of=EVENING_BEFORE)
    event = EventFactory(climate_day=tomorrow, first_seen_at=PLANTED_AT)
    make_ladder(event=event)

    again = assemble_inputs(station=station, climate_day=tomorrow, as_of=EVENING_BEFORE)
    later = assemble_inputs(station=station, climate_day=tomorrow, as_of=LATER)

    assert before.ladder is again.ladder is None
    assert later.ladder is not None
    assert later.ladder.event == event


def test_a_ladder_with_a_market_too_many_is_none(station):
    MarketFactory(event=Event.objects.get(climate_day=DAY), low_f=54, high_f=56, ticker="TWICE")
    assert assemble_inputs(station=station, climate_day=DAY, as_of=LATER).ladder is None


def plant_day(station):
    make_history(station, days=1, until=DAY + ONE_DAY, bias_f=12.0)


def plant_revised_forecast(station):
    _, end = station.climate_day_bounds(YESTERDAY - ONE_DAY)
    ForecastFactory(
        station=station,
        climate_day=YESTERDAY - ONE_DAY,
        high_f=99.0,
        issued_at=end - dt.timedelta(hours=27.5),
        available_at=end - dt.timedelta(hours=26.5),
    )


def plant_verification(station):
    made = PredictionFactory(climate_day=YESTERDAY)
    row = VerificationFactory(prediction=made, engine="emos_slow", verified_at=PLANTED_AT)
    VerificationFactory(prediction=made, verified_at=PLANTED_AT)
    make_ladder(event=row.event)


def plant_observation_of_a_finished_day(station):
    """The nowcast learns from reports of days of which the high is known."""
    start, _ = station.climate_day_bounds(YESTERDAY - ONE_DAY)
    for hour in (10, 12, 14):
        ObservationFactory(
            station=station,
            observed_at=start + dt.timedelta(hours=hour),
            available_at=PLANTED_AT,
            temp_low_f=40 + hour,
        )


def learned(station, as_of):
    fits = fit_station(station=station, as_of=as_of)
    return [(fit.engine, fit.parameters_hash, fit.scores, fit.n_train) for fit in fits]


@pytest.mark.parametrize(
    "plant",
    [
        plant_day,
        plant_report,
        plant_withdrawal_of_a_report,
        plant_verification,
        plant_observation_of_a_finished_day,
    ],
    ids=lambda plant: plant.__name__,
)
def test_canary_what_is_known_later_is_not_learned_from_before(plant):
    station, after = make_history(), EVENING_BEFORE + 2 * ONE_DAY
    before, blind_later = learned(station, EVENING_BEFORE), learned(station, after)
    EngineFit.objects.all().delete()

    plant(station)

    assert learned(station, EVENING_BEFORE) == before
    assert learned(station, after) != blind_later


def test_canary_a_forecast_fetched_after_the_reference_moment_is_not_learned_there():
    """It teaches the morning, which it was in time for, and not the evening."""
    station = make_history()
    blind = {fit.engine: fit for fit in fit_station(station=station, as_of=EVENING_BEFORE)}
    EngineFit.objects.all().delete()

    plant_revised_forecast(station)
    seen = {fit.engine: fit for fit in fit_station(station=station, as_of=EVENING_BEFORE)}

    blind_models, seen_models = (fits["emos_slow"].parameters["models"] for fits in (blind, seen))
    assert seen_models["evening"] == blind_models["evening"]
    assert seen_models["morning"] != blind_models["morning"]


def test_every_stored_prediction_can_be_made_again_after_everything_came_later(station):
    moments = [EVENING_BEFORE + dt.timedelta(hours=hour) for hour in range(0, 17, 4)]
    stored = [make(station, moment) for moment in moments]
    for plant in PLANTS:
        # Silence is no row: it takes away what was known. The others name one and the same user.
        if plant not in (plant_contact_that_never_came, plant_champion):
            plant(station)
    make(station, LATER)
    Prediction.objects.all().delete()

    assert [make(station, moment) for moment in reversed(moments)] == stored[::-1]
