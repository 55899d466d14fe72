"""Reads of predictions, as of a moment."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Sequence

import numpy as np
from django.db.models import F, Window
from django.db.models.functions import RowNumber

from boz.core.errors import DataUnavailable, QuarantinedError
from boz.core.schemas import BracketPrediction, BracketProbability, Confidence
from markets.domain.brackets import prove_ladder
from markets.models import Event, Market
from prediction.domain.distribution import IntegerPmf
from prediction.models import EngineBelief, Prediction
from weather.models import Station

#: A station, by its primary key, and one of its climate days.
StationDay = tuple[int, dt.date]


def latest_prediction(
    *, station: Station, climate_day: dt.date, as_of: dt.datetime
) -> Prediction | None:
    """Return the newest prediction for one climate day known at ``as_of``.

    The climate day is part of the question: the newest prediction of a station is usually about
    tomorrow. It is the belief of the engine that was champion when it was made.
    """
    wanted = [(station, climate_day)]
    return latest_predictions(wanted=wanted, as_of=as_of).get((station.pk, climate_day))


def latest_predictions(
    *, wanted: Iterable[tuple[Station, dt.date]], as_of: dt.datetime
) -> dict[StationDay, Prediction]:
    """Return :func:`latest_prediction` of several stations and days, with one query.

    Days without a prediction are absent.
    """
    stations: dict[int, Station] = {}
    keys: set[StationDay] = set()
    for station, day in wanted:
        stations[station.pk] = station
        keys.add((station.pk, day))
    newest = Window(
        RowNumber(),
        partition_by=("station", "climate_day"),
        order_by=(F("as_of").desc(), F("pk").desc()),
    )
    known = Prediction.objects.filter(
        station__in=stations, climate_day__in={day for _, day in keys}, as_of__lte=as_of
    )
    # Only keys are ranked: distributions are read of the rows picked alone.
    ranked = known.order_by().annotate(rank=newest).filter(rank=1).values("pk")
    found: dict[StationDay, Prediction] = {}
    for row in Prediction.objects.filter(pk__in=ranked).order_by():
        row.station = stations[row.station_id]
        if (row.station_id, row.climate_day) in keys:
            found[row.station_id, row.climate_day] = row
    return found


def pmf_of(row: Prediction | EngineBelief) -> IntegerPmf:
    """Return a stored distribution; a prediction's is the one without the market."""
    return IntegerPmf(row.pmf_low_f, np.asarray(row.pmf, dtype=np.float64))


def pooled_pmf_of(prediction: Prediction) -> IntegerPmf | None:
    """Return a prediction's distribution pooled with the market; None where it was silent."""
    if prediction.pooled_low_f is None:
        return None
    return IntegerPmf(prediction.pooled_low_f, np.asarray(prediction.pooled_pmf, dtype=np.float64))


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
