"""Whether what was believed came true as often as it said: of brackets and of whole degrees."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import chain

from scipy.stats import binom

from prediction.domain import reliability as domain
from prediction.domain.horizons import Horizon
from prediction.domain.reliability import BINS, ReliabilityPoint
from prediction.selectors.accuracy import DEFAULT_HORIZON, AccuracyScope

#: Nominal content of the bands that chance alone stays in.
BAND = 0.9


@dataclass(frozen=True, slots=True)
class Reliability:
    """The reliability diagram of one engine's brackets; ``cases`` are events."""

    engine: str
    horizon: Horizon
    cases: int
    days: int
    points: tuple[ReliabilityPoint, ...]


@dataclass(frozen=True, slots=True)
class PitHistogram:
    """Counts of the mid probability integral transform in bins of equal width over 0..1.

    A whole degree holds a lump of probability and its middle is taken, so that narrow beliefs pile
    up towards the centre even when they are right.

    Attributes:
        engine: Name of the engine.
        horizon: Class of lead and hour.
        cases: Events scored.
        days: Climate days among them.
        counts: Per bin, lowest first.
        band_low: Fewest that an even histogram has in a bin, nine times in ten.
        band_high: Most.
        index: Sum of the bins' distances from an even share; 0 is flat.
        expected_index: What chance alone gives a flat histogram; both None without a case.
    """

    engine: str
    horizon: Horizon
    cases: int
    days: int
    counts: tuple[int, ...]
    band_low: int
    band_high: int
    index: float | None
    expected_index: float | None

    @property
    def expected(self) -> float:
        """Return the count that each bin of an even histogram has on average."""
        return self.cases / len(self.counts)


def reliability(
    scope: AccuracyScope, *, engine: str, horizon: Horizon = DEFAULT_HORIZON
) -> Reliability:
    """Return the reliability diagram of one engine's brackets, in one query."""
    rows = (
        scope.scored(horizon=horizon, engine=engine)
        .filter(outcome__isnull=False)
        .order_by("event__climate_day", "pk")
        .values_list("event__climate_day", "probabilities", "outcome")
    )
    # Sums of cumulated shares may end above 1 by the last bit.
    cases = [(day, [min(1.0, share) for share in shares], paid) for day, shares, paid in rows]
    return Reliability(
        engine=engine,
        horizon=horizon,
        cases=len(cases),
        days=len({day for day, _, _ in cases}),
        points=tuple(
            domain.reliability_points(
                list(chain.from_iterable(shares for _, shares, _ in cases)),
                [place == paid for _, shares, paid in cases for place in range(len(shares))],
                level=BAND,
            )
        ),
    )


def pit_histogram(
    scope: AccuracyScope, *, engine: str, horizon: Horizon = DEFAULT_HORIZON
) -> PitHistogram:
    """Return the PIT histogram of one engine, in one query.

    The band takes cases as independent; the cities of one day are not quite, so the true one is
    somewhat wider.
    """
    rows = list(
        scope.scored(horizon=horizon, engine=engine)
        .order_by("event__climate_day", "pk")
        .values_list("event__climate_day", "pit")
    )
    pits = [pit for _, pit in rows]
    low, high = binom.interval(BAND, len(pits), 1.0 / BINS) if pits else (0, 0)
    return PitHistogram(
        engine=engine,
        horizon=horizon,
        cases=len(pits),
        days=len({day for day, _ in rows}),
        counts=tuple(int(count) for count in domain.pit_histogram(pits)),
        band_low=int(low),
        band_high=int(high),
        index=domain.reliability_index(pits) if pits else None,
        expected_index=domain.expected_reliability_index(len(pits)) if pits else None,
    )
