"""Names and numbers that the app's parts and its readers share."""

from __future__ import annotations

import datetime as dt

#: The engine whose distribution is traded on where no other was made champion.
PRIMARY_ENGINE = "blend"
#: The engine every other one must beat.
CLIMATOLOGY_ENGINE = "climatology"
#: The market's own belief: scored and pooled with, never traded on.
MARKET_ENGINE = "market"
#: What today's observations alone say.
NOWCAST_ENGINE = "nowcast"
#: Fixed weights on raw highs, as many services publish it: a baseline.
WEIGHTED_MEAN_ENGINE = "weighted_mean"
#: Regressions on all sources with a short and a long memory.
EMOS_FAST_ENGINE = "emos_fast"
EMOS_SLOW_ENGINE = "emos_slow"
#: The National Blend of Models as it states itself.
NBM_ENGINE = "nbm_percentiles"
#: What followed like forecasts on past days, nothing else assumed: a baseline.
IDR_ENGINE = "idr"

#: The weather service's own forecast of the high, in the order in which it is read.
NWS_SOURCES = ("nws-grid", "nws-hourly", "nws-periods")

#: Sources whose highs are made for the place and the day by the weather service; all others are
#: values of raw models on the hour, which are believed once their errors are known.
OFFICIAL_SOURCES = frozenset(
    {"nws-grid", "nws-hourly", "nws-periods", "nbm-nbp", "nbm-nbs", "nbm-nbe"}
)

#: Share of climatology in the primary distribution, so that no bracket is impossible by modelling.
CLIMATOLOGY_SHARE = 0.005
#: Official highs older than this say nothing about the coming days.
CLIMATOLOGY_WINDOW = dt.timedelta(days=120)
#: Forecast errors older than this are not learned from.
ERROR_WINDOW = dt.timedelta(days=730)
#: Days whose station reports are learned from.
REPORTS_WINDOW = dt.timedelta(days=365)
#: Predictions are scored as they stood at this hour of local standard time: a fixed time before
#: the afternoon peak, since later ones may have seen the outcome.
VERIFICATION_HOUR_LST = 10
#: Verifications on which the health of the confidence grade rests.
HEALTH_WINDOW = 100
#: Below this many settled days no verdict on skill is given.
MIN_DAYS_FOR_VERDICT = 20
#: From this many settled days on a difference may be claimed.
MIN_DAYS_FOR_CLAIM = 100
