"""How the beliefs of all stations did, as far as that was known at a moment."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
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
from prediction.engines.past import ScoredBelief
from prediction.models import Verification

#: An event, by its primary key, and a horizon.
_Place = tuple[int, str]
#: Engine names and their scores, sorted by name.
_Crps = tuple[tuple[str, float], ...]

_BATCH = 5000
_FIELDS = (
    "event_id",
    "horizon",
    "prediction__station__code",
    "event__climate_day",
    "probabilities",
    "outcome",
    "prediction__market_probabilities",
    "market_brier",
)


@dataclass(frozen=True, slots=True)
class _Beside:
    """What stands beside the champions' beliefs that were scored."""

    ladders: Mapping[int, tuple[Bracket, ...]]
    crps: Mapping[_Place, _Crps]
    mixture_ranks: Mapping[_Place, tuple[float, float]]


def scored_beliefs(*, as_of: dt.datetime) -> tuple[ScoredBelief, ...]:
    """Return the scored beliefs of all stations, of those scored by ``as_of``.

    One whose event has no proven ladder, and a score from before outcomes were kept, teach nothing.

    Returns:
        Oldest first, then by station and horizon.
    """
    rows = _known(require_utc(as_of, name="as_of"))
    # The champion's own belief; those of the other engines stand beside it.
    own = rows.filter(engine=F("prediction__engine"), outcome__isnull=False)
    told = list(own.values_list(*_FIELDS).iterator(chunk_size=_BATCH))
    beside = _Beside(_ladders({row[0] for row in told}), _crps(rows), _mixture_ranks(rows))
    found = [belief for row in told if (belief := _scored(row, beside)) is not None]
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


def _mixture_ranks(rows: QuerySet[Verification]) -> dict[_Place, tuple[float, float]]:
    """Return the ranks in what the blend mixed; it is scored also where it is not the champion."""
    blended = rows.filter(engine=PRIMARY_ENGINE, mixture_below__isnull=False)
    ranks = blended.values_list("event_id", "horizon", "mixture_below", "mixture_upto")
    return {
        (event, horizon): (below, upto)
        for event, horizon, below, upto in ranks.iterator(chunk_size=_BATCH)
        if below is not None and upto is not None
    }


def _scored(row: tuple[Any, ...], beside: _Beside) -> ScoredBelief | None:
    event, horizon, code, day, probabilities, outcome, market, market_brier = row
    ladder = beside.ladders.get(event, ())
    if not ladder or len(probabilities) != len(ladder):
        return None
    return ScoredBelief(
        station_code=code,
        climate_day=day,
        horizon=Horizon(horizon),
        crps_f=beside.crps[event, horizon],
        ladder=ladder,
        model=tuple(probabilities),
        # It was scored where its probabilities are of this very ladder.
        market=tuple(market) if market_brier is not None and len(market) == len(ladder) else None,
        outcome=outcome,
        mixture_rank=beside.mixture_ranks.get((event, horizon)),
    )
