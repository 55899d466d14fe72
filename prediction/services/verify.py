"""Scores the belief that stood before the peak, beside the market's and climatology's."""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Mapping, Sequence

from boz.core.schemas import Bracket, OrderBook, Side
from markets.domain.brackets import prove_ladder
from markets.models import Event, Market
from markets.selectors import latest_books
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
#: What quotes leave open about a bracket's probability may be at most this wide.
MAX_WIDTH = 0.15
#: A bracket that the quotes allow no probability still has half of the smallest price.
LEAST_MID = 0.005
#: Mid prices of a ladder that add up to something outside this are no distribution.
COHERENT_SUM = (0.7, 1.4)


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


def implied_probabilities(
    markets: Sequence[Market], books: Mapping[str, OrderBook]
) -> list[float] | None:
    """Return the market's normalised mid probabilities in the order given, or None.

    A missing price is neither 0 nor one half: it is whatever the ladder's other quotes leave, since
    exactly one bracket pays. Deep-out brackets are often not quoted at all, yet the bids of the
    others leave them next to nothing.

    Args:
        markets: All markets of a proven ladder.
        books: Newest book by ticker.

    Returns:
        None when a book is absent or crossed, when the quotes leave any bracket more than 0.15
        open, or when the prices make no distribution.
    """
    bounds = [_bounds(books.get(market.ticker)) for market in markets]
    known = [bound for bound in bounds if bound is not None]
    if len(known) != len(bounds):
        return None
    floor = math.fsum(low for low, _ in known)
    mids: list[float] = []
    for low, high in known:
        # Exactly one bracket pays, so what the others are bid is taken.
        tight = max(low, min(high, 1.0 - (floor - low)))
        if tight - low > MAX_WIDTH:
            return None
        mids.append(max(LEAST_MID, (low + tight) / 2.0))
    total = math.fsum(mids)
    if not COHERENT_SUM[0] <= total <= COHERENT_SUM[1]:
        return None
    return [mid / total for mid in mids]


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
    implied = implied_probabilities(markets, books)
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


def _bounds(book: OrderBook | None) -> tuple[float, float] | None:
    """Return what quotes say of a bracket's price: at least the bid, at most the ask.

    An empty side bounds nothing; None when there is no book or it is crossed.
    """
    if book is None or book.is_crossed:
        return None
    bid, ask = book.best_bid(Side.YES), book.best_ask(Side.YES)
    return 0.0 if bid is None else float(bid), 1.0 if ask is None else float(ask)
