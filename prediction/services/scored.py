"""How the beliefs of all stations did, as far as that was known at a moment."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping
from operator import attrgetter
from typing import Any

from django.db.models import F, QuerySet

from boz.core.clock import require_utc
from boz.core.errors import QuarantinedError
from boz.core.schemas import Bracket
from markets.domain.brackets import prove_ladder
from markets.models import Market
from prediction.constants import ERROR_WINDOW, PRIMARY_ENGINE
from prediction.domain.horizons import Horizon
from prediction.engines.blend_fit import spread_factor
from prediction.engines.past import ScoredBelief
from prediction.models import EngineFit, Verification

#: An event, by its primary key, and a horizon.
_Place = tuple[int, str]
#: Engine names and their scores, sorted by name.
_Crps = tuple[tuple[str, float], ...]
#: What a blend's fit learned about its spread, by station and version.
_Corrections = dict[tuple[int, int], dict[str, Any]]

_BATCH = 5000
_FIELDS = (
    "event_id",
    "horizon",
    "prediction__station__code",
    "event__climate_day",
    "pit",
    "probabilities",
    "outcome",
    "prediction__market_probabilities",
    "prediction__engine",
    "prediction__station_id",
    "prediction__fits",
)


def scored_beliefs(*, as_of: dt.datetime) -> tuple[ScoredBelief, ...]:
    """Return the scored beliefs of all stations, of those scored by ``as_of``.

    One whose event has no proven ladder, and a score from before outcomes were kept, teach nothing.

    Returns:
        Oldest first, then by station and horizon.
    """
    moment = require_utc(as_of, name="as_of")
    rows = _known(moment)
    crps, corrections = _crps(rows), _corrections(moment)
    # The champion's own belief; those of the other engines stand beside it.
    own = rows.filter(engine=F("prediction__engine"), outcome__isnull=False)
    told = list(own.values_list(*_FIELDS).iterator(chunk_size=_BATCH))
    ladders = _ladders({row[0] for row in told})
    found = [
        belief for row in told if (belief := _scored(row, ladders, crps, corrections)) is not None
    ]
    found.sort(key=attrgetter("climate_day", "station_code", "horizon"))
    return tuple(found)


def _known(as_of: dt.datetime) -> QuerySet[Verification]:
    since = as_of.date() - ERROR_WINDOW
    return Verification.objects.filter(
        verified_at__lte=as_of, event__climate_day__gte=since
    ).order_by()


def _crps(rows: QuerySet[Verification]) -> dict[_Place, _Crps]:
    found: dict[_Place, list[tuple[str, float]]] = {}
    scores = rows.exclude(engine=Verification.POOLED).values_list(
        "event_id", "horizon", "engine", "crps_f"
    )
    for event, horizon, engine, crps_f in scores.iterator(chunk_size=_BATCH):
        found.setdefault((event, horizon), []).append((engine, crps_f))
    return {place: tuple(sorted(said)) for place, said in found.items()}


def _ladders(events: Iterable[int]) -> dict[int, tuple[Bracket, ...]]:
    """Return the proven ladder of each event, coldest first; events without one are absent."""
    wanted = set(events)
    brackets: dict[int, list[Bracket]] = {event: [] for event in wanted}
    edges = Market.objects.order_by().values_list("event_id", "low_f", "high_f")
    for event, low_f, high_f in edges.iterator(chunk_size=_BATCH):
        if event in wanted:
            brackets[event].append(Bracket(low_f=low_f, high_f=high_f))
    found = {}
    for event, listed in brackets.items():
        try:
            found[event] = prove_ladder(listed)
        except QuarantinedError:
            continue
    return found


def _corrections(as_of: dt.datetime) -> _Corrections:
    """Return how each fit of the blend corrected the spread, by station and version."""
    fits = EngineFit.objects.filter(engine=PRIMARY_ENGINE, as_of__lte=as_of).order_by()
    rows = fits.values_list("station_id", "version", "parameters__recalibration")
    return {(station, version): found for station, version, found in rows if found}


def _scored(
    row: tuple[Any, ...],
    ladders: Mapping[int, tuple[Bracket, ...]],
    crps: Mapping[_Place, _Crps],
    corrections: _Corrections,
) -> ScoredBelief | None:
    event, horizon, code, day, pit, probabilities, outcome, market, engine, station, fits = row
    ladder = ladders.get(event, ())
    if not ladder or len(probabilities) != len(ladder):
        return None
    correction = corrections.get((station, fits.get(PRIMARY_ENGINE, 0)), {})
    return ScoredBelief(
        station_code=code,
        climate_day=day,
        horizon=Horizon(horizon),
        crps_f=crps[event, horizon],
        pit=pit,
        ladder=ladder,
        model=tuple(probabilities),
        market=tuple(market) if len(market) == len(ladder) else None,
        outcome=outcome,
        engine=engine,
        spread_factor=spread_factor({"recalibration": correction}, Horizon(horizon)),
    )
