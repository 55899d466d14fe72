"""Scores the belief that stood before the peak, beside the market's and climatology's."""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Sequence

from boz.core.schemas import Bracket
from markets.domain.book import implied_probabilities
from markets.domain.brackets import prove_ladder
from markets.models import Event, Market
from markets.selectors import last_prices, latest_books
from prediction.constants import CLIMATOLOGY_ENGINE, VERIFICATION_HOUR_LST
from prediction.domain.scores import (
    brier_ladder,
    crps_pmf,
    log_score,
    ranked_probability_score,
)
from prediction.engines.base import require_temperature
from prediction.models import Prediction, Verification
from prediction.selectors import latest_prediction, pmf_of

#: Log scores are cut here (p = 1e-9), so that one impossible outcome cannot hide all the others.
MAX_LOG_SCORE = -math.log(1e-9)


def verify_event(*, event: Event, observed_high_f: int, now: dt.datetime) -> int:
    """Score the last prediction made before the fixed time; again when the value changed.

    Predictions made later are never scored: they may have seen the outcome.

    Returns:
        How many verifications were written or corrected: 1, or 0 when no prediction stood.

    Raises:
        QuarantinedError: If the event's markets are no complete ladder.
        InvalidDataError: If the settled high is no possible temperature.
    """
    high = int(require_temperature(observed_high_f, name="settled high"))
    prediction = _standing(event)
    if prediction is None:
        return 0
    existing = Verification.objects.filter(prediction=prediction).first()
    if existing is not None and existing.observed_high_f == high:
        return 0
    markets = {market.bracket: market for market in event.markets.all()}
    ladder = prove_ladder(list(markets))
    scores = _scores(prediction, event, [markets[b] for b in ladder], ladder, high)
    Verification.objects.update_or_create(
        prediction=prediction,
        defaults={"event": event, "observed_high_f": high, "verified_at": now, **scores},
    )
    return 1


def _standing(event: Event) -> Prediction | None:
    station = event.series.station
    start, _ = station.climate_day_bounds(event.climate_day)
    # Strictly before: a prediction at the hour itself may already use that hour's report.
    cut = start + dt.timedelta(hours=VERIFICATION_HOUR_LST) - dt.timedelta(microseconds=1)
    return latest_prediction(station=station, climate_day=event.climate_day, as_of=cut)


def _scores(
    prediction: Prediction,
    event: Event,
    markets: Sequence[Market],
    ladder: Sequence[Bracket],
    high: int,
) -> dict[str, float | None]:
    outcome = next(index for index, bracket in enumerate(ladder) if bracket.contains(high))
    pmf = pmf_of(prediction)
    shares = pmf.ladder(ladder)
    books = latest_books(event=event, as_of=prediction.as_of)
    implied = implied_probabilities(
        [books.get(market.ticker) for market in markets],
        last_prices=last_prices(event=event, as_of=prediction.as_of),
    )
    climatology = latest_prediction(
        station=prediction.station,
        climate_day=event.climate_day,
        as_of=prediction.as_of,
        engine=CLIMATOLOGY_ENGINE,
    )
    return {
        "crps_f": crps_pmf(pmf, high),
        "log_score": min(MAX_LOG_SCORE, log_score(shares, outcome)),
        "brier": brier_ladder(shares, outcome),
        "rps": ranked_probability_score(shares, outcome),
        "pit": pmf.cdf(high - 1) + 0.5 * pmf.at(high),
        "market_brier": None if implied is None else brier_ladder(implied, outcome),
        "market_log_score": (
            None if implied is None else min(MAX_LOG_SCORE, log_score(implied, outcome))
        ),
        "market_rps": None if implied is None else ranked_probability_score(implied, outcome),
        "climatology_brier": (
            None
            if climatology is None
            else brier_ladder(pmf_of(climatology).ladder(ladder), outcome)
        ),
    }
