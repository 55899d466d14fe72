"""Makes and keeps predictions: again only when what is known has changed."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Sequence

from django.db import DatabaseError, transaction

from boz.core.agents import AgentResult, guarded
from boz.core.clock import require_utc
from boz.core.logging import get_logger
from boz.core.schemas import SkippedSubject
from markets.selectors import tradeable_events
from prediction.models import EngineBelief, Prediction
from prediction.selectors import latest_predictions
from prediction.services.beliefs import inputs_hash, stored_belief
from prediction.services.champions import champion_at
from prediction.services.inputs import InputReads, Wanted
from weather.models import Station

log = get_logger("MODEL")

#: A prediction with what every other engine said beside it.
Made = tuple[Prediction, list[EngineBelief]]


def predict(*, station: Station, climate_day: dt.date, as_of: dt.datetime) -> Prediction:
    """Return the belief about a climate day as of a moment, making it only when inputs changed.

    What every other engine believes is kept beside it, to be scored. The time to the end of the
    day counts in whole hours, so an unchanged world gives one row an hour.

    Raises:
        DataUnavailable: If nothing is known from which to predict.
        InvalidDataError: If all that is known cannot be true.
    """
    desk = _Desk([(station, climate_day)], as_of=as_of)
    prediction, beliefs = desk.believe(station, climate_day)
    _keep(_new([(prediction, beliefs)]))
    return prediction


def predict_all(*, now: dt.datetime) -> AgentResult:
    """Predict the day of every tradeable event; one that cannot be predicted is left out."""
    moment = require_utc(now, name="now")
    wanted = _wanted(moment)
    desk = _Desk(wanted, as_of=moment)
    made: list[Made] = []
    skipped: list[SkippedSubject] = []
    for station, climate_day in wanted:
        with guarded(f"{station.code} {climate_day}", skipped, log=log):
            made.append(desk.believe(station, climate_day))
    new = _new(made)
    unchanged = len(made) - len(new)
    try:
        kept = _keep(new)
    except DatabaseError as error:
        log.warning("Predictions are stored one by one", reason=str(error))
        kept = _keep_apart(new, skipped)
    return AgentResult(
        done={"predicted": kept + unchanged, "new": kept, "unchanged": unchanged}, skipped=skipped
    )


class _Desk:
    """Everything known at one moment of some stations and days, and what was believed last."""

    def __init__(self, wanted: Sequence[Wanted], *, as_of: dt.datetime) -> None:
        self._as_of = require_utc(as_of, name="as_of")
        self._reads = InputReads(wanted, as_of=self._as_of)
        self._champion = champion_at(self._as_of)
        self._latest = latest_predictions(wanted=wanted, as_of=self._as_of)

    def believe(self, station: Station, climate_day: dt.date) -> Made:
        """Return the stored belief when nothing changed since, else an unsaved one."""
        known = self._reads.known(station, climate_day)
        hashed = inputs_hash(known, champion=self._champion)
        stored = self._latest.get((station.pk, climate_day))
        # A stored belief never changes: decisions refer to it.
        if stored is not None and (
            stored.inputs_hash == hashed
            or (stored.as_of == self._as_of and stored.engine == self._champion)
        ):
            return stored, []
        return stored_belief(known, station=station, champion=self._champion, hashed=hashed)


def _wanted(now: dt.datetime) -> list[Wanted]:
    """Return each station and day once, in a stable order."""
    wanted = {
        (event.series.station.code, event.climate_day): event.series.station
        for event in tradeable_events(now=now)
    }
    return [(wanted[key], key[1]) for key in sorted(wanted)]


def _new(made: Iterable[Made]) -> list[Made]:
    return [(prediction, beliefs) for prediction, beliefs in made if prediction.pk is None]


def _keep(new: Sequence[Made]) -> int:
    """Store what was not stored yet, all or nothing; returns how many predictions that is."""
    with transaction.atomic():
        Prediction.objects.bulk_create(prediction for prediction, _ in new)
        for prediction, beliefs in new:
            for belief in beliefs:
                belief.prediction = prediction
        EngineBelief.objects.bulk_create(belief for _, beliefs in new for belief in beliefs)
    return len(new)


def _keep_apart(new: Sequence[Made], skipped: list[SkippedSubject]) -> int:
    """Store one by one, so that what the database refuses stops itself alone."""
    kept = 0
    for prediction, beliefs in new:
        subject = f"{prediction.station.code} {prediction.climate_day}"
        with guarded(subject, skipped, log=log):
            # Keys given in the attempt that was undone are those of no row.
            for row in (prediction, *beliefs):
                row.pk = None
            kept += _keep([(prediction, beliefs)])
    return kept
