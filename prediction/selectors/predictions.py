"""Reads of predictions, as of a moment."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence

import numpy as np
from django.db.models import Q, Subquery

from boz.core.errors import DataUnavailable, QuarantinedError
from boz.core.schemas import BracketPrediction, BracketProbability, Confidence
from markets.domain.brackets import prove_ladder
from markets.models import Event, Market
from prediction.constants import PRIMARY_ENGINE
from prediction.domain.distribution import IntegerPmf
from prediction.models import Prediction
from weather.models import Station


def latest_prediction(
    *,
    station: Station,
    climate_day: dt.date,
    as_of: dt.datetime,
    engine: str = PRIMARY_ENGINE,
) -> Prediction | None:
    """Return the newest prediction for one climate day known at ``as_of``.

    The climate day is part of the question: the newest prediction of a station is usually about
    tomorrow.
    """
    return latest_predictions(
        station=station, climate_day=climate_day, as_of=as_of, engines=(engine,)
    ).get(engine)


def latest_predictions(
    *, station: Station, climate_day: dt.date, as_of: dt.datetime, engines: Sequence[str]
) -> dict[str, Prediction]:
    """Return the newest prediction of each engine known at ``as_of``, in one query."""
    wanted = Q()
    for engine in engines:
        known = Prediction.objects.filter(
            station=station, climate_day=climate_day, engine=engine, as_of__lte=as_of
        )
        wanted |= Q(pk=Subquery(known.order_by("-as_of").values("pk")[:1]))
    found = Prediction.objects.filter(wanted).select_related("station")
    return {prediction.engine: prediction for prediction in found}


def pmf_of(prediction: Prediction) -> IntegerPmf:
    """Return a prediction's distribution."""
    return IntegerPmf(prediction.pmf_low_f, np.asarray(prediction.pmf, dtype=np.float64))


def bracket_prediction(*, prediction: Prediction, markets: Sequence[Market]) -> BracketPrediction:
    """Return the probability of each market of a proven ladder, coldest first.

    Raises:
        QuarantinedError: If the markets do not tile the whole degrees.
    """
    by_bracket = {market.bracket: market for market in markets}
    if len(by_bracket) != len(markets):
        raise QuarantinedError(
            "Two markets of the ladder have the same bracket.",
            {"markets": [market.ticker for market in markets]},
        )
    ladder = prove_ladder(list(by_bracket))
    shares = pmf_of(prediction).ladder(ladder)
    return BracketPrediction(
        city=prediction.station.code,
        climate_day=prediction.climate_day,
        as_of=prediction.as_of,
        brackets=tuple(
            BracketProbability(
                market_ticker=by_bracket[bracket].ticker, bracket=bracket, probability=share
            )
            for bracket, share in zip(ladder, shares, strict=True)
        ),
        mean_f=prediction.mean_f,
        sd_f=prediction.sd_f,
        confidence=Confidence(prediction.confidence),
        sources=tuple(prediction.sources),
    )


def ladder_prediction(prediction: Prediction) -> BracketPrediction:
    """Return the probabilities of the ladder that is listed for a prediction's station and day.

    Raises:
        DataUnavailable: If none is listed, or what is listed is not proven to be a ladder.
    """
    events = Event.objects.filter(
        series__station=prediction.station_id, climate_day=prediction.climate_day
    )
    problem = "No event is listed."
    for event in events.order_by("ticker").prefetch_related("markets"):
        problem = event.quarantine_reason
        if not problem:
            try:
                return bracket_prediction(prediction=prediction, markets=list(event.markets.all()))
            except QuarantinedError as error:
                problem = error.message
    code, day = prediction.station.code, prediction.climate_day
    raise DataUnavailable(
        f"There is no proven ladder for {code} on {day}: {problem}",
        {"station": code, "climate_day": day.isoformat()},
    )
