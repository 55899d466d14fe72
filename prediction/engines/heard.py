"""Which of the forecasts handed in may be believed, and why the others are not."""

from __future__ import annotations

import datetime as dt
import statistics
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NoReturn

from boz.core.clock import UTC
from boz.core.errors import DataUnavailable, InvalidDataError, StaleDataError
from prediction.constants import OFFICIAL_SOURCES
from prediction.engines.base import Inputs, KnownForecast, require_temperature

#: A climate day of the United States ends about 7 UTC of the next date; half a day around it no
#: other day's end lies.
_USUAL_END = dt.timedelta(days=1, hours=7)
_OTHER_DAY = dt.timedelta(hours=12)
#: With three or more sources one this far from their median is a mistake, not a forecast, °F: a
#: front that is early at one model and late at the others makes less.
OUTLIER_F = 20.0
_FEWEST_FOR_OUTLIER = 3


@dataclass(frozen=True, slots=True)
class Heard:
    """What was heard of a climate day.

    Attributes:
        forecasts: Those that may be believed, sorted by source.
        reasons: A sentence on each of the others, by source.
        outliers: Sources not believed for what the others say; they count as missing.
    """

    forecasts: tuple[KnownForecast, ...]
    reasons: Mapping[str, str]
    outliers: frozenset[str] = frozenset()

    @property
    def refused(self) -> tuple[str, ...]:
        """Return why sources are not believed, one sentence each."""
        return tuple(self.reasons.values())

    def first_of(self, sources: Sequence[str]) -> KnownForecast | None:
        """Return the forecast of the first of these sources that is believed."""
        by_source = {forecast.source: forecast for forecast in self.forecasts}
        return next((by_source[source] for source in sources if source in by_source), None)


def heard(inputs: Inputs) -> Heard:
    """Return the believable forecasts sorted by source, whatever order they were handed in.

    One that is no possible temperature, was issued later than the moment we look from, is for
    another climate day or far from what most others say is refused, and so is a source that speaks
    twice.
    """
    kept: list[KnownForecast] = []
    reasons: dict[str, str] = {}
    times = Counter(forecast.source for forecast in inputs.forecasts)
    for forecast in sorted(inputs.forecasts, key=lambda item: item.source):
        try:
            if times[forecast.source] > 1:
                raise InvalidDataError(f"{forecast.source} speaks twice, so neither is believed.")
            _require_for_the_day(forecast, inputs)
            require_temperature(forecast.high_f, name=f"forecast of {forecast.source}")
            kept.append(forecast)
        except InvalidDataError as error:
            reasons[forecast.source] = error.message
    return _without_outliers(Heard(tuple(kept), reasons))


def awake(found: Heard, learned: frozenset[str]) -> Heard:
    """Let raw models whose errors are not known wait while anybody else speaks.

    Their highs on the hour run about a degree cold, and a dozen of them would outvote the one that
    is right on a first day.

    Args:
        found: What was heard.
        learned: Sources whose errors at this station have been learned.
    """
    able = tuple(
        forecast
        for forecast in found.forecasts
        if forecast.source in learned or forecast.source in OFFICIAL_SOURCES
    )
    if not able or len(able) == len(found.forecasts):
        return found
    reason = "waits until its past errors are known; fetch_history and the agent fit learn them."
    waiting = {f.source: f"{f.source} {reason}" for f in found.forecasts if f not in able}
    return Heard(able, {**found.reasons, **waiting}, found.outliers)


def absences(inputs: Inputs, wanted: frozenset[str]) -> tuple[str, ...]:
    """Return a sentence for each wanted or silent source that was not heard, sorted by source."""
    spoken = {forecast.source for forecast in inputs.forecasts}
    return tuple(
        f"{source} has not been heard from lately, so its old forecast is not used."
        if source in inputs.stale
        else f"No forecast of {source} was available."
        for source in sorted((wanted | set(inputs.stale)) - spoken)
    )


def raise_nothing(inputs: Inputs, found: Heard) -> NoReturn:
    """Say why no forecast can be believed.

    Raises:
        InvalidDataError: If all that was said cannot be true.
        StaleDataError: If sources are silent.
        DataUnavailable: If there never was a forecast for the day.
    """
    facts = {"station": inputs.station_code, "climate_day": inputs.climate_day}
    if found.reasons:
        raise InvalidDataError(" ".join(found.refused), facts)
    if inputs.stale:
        raise StaleDataError(
            f"The forecasts for {inputs.station_code} on {inputs.climate_day} are too old: "
            f"{', '.join(inputs.stale)} have not been heard from lately.",
            {**facts, "sources": list(inputs.stale)},
        )
    raise DataUnavailable(
        f"No forecast for {inputs.station_code} on {inputs.climate_day} is known.", facts
    )


def _require_for_the_day(forecast: KnownForecast, inputs: Inputs) -> None:
    if forecast.issued_at > inputs.as_of:
        raise InvalidDataError(
            f"The forecast of {forecast.source} was issued later than the moment of the belief."
        )
    midnight = dt.datetime.combine(inputs.climate_day, dt.time(), tzinfo=UTC)
    end = forecast.issued_at + dt.timedelta(hours=forecast.lead_hours)
    if abs(end - (midnight + _USUAL_END)) >= _OTHER_DAY:
        raise InvalidDataError(
            f"The forecast of {forecast.source} is not for {inputs.climate_day}."
        )


def _without_outliers(found: Heard) -> Heard:
    if len(found.forecasts) < _FEWEST_FOR_OUTLIER:
        return found
    middle = statistics.median(forecast.high_f for forecast in found.forecasts)
    far = {
        item.source: f"{item.source} says {item.high_f:g}°, far from the {middle:g}° of the others."
        for item in found.forecasts
        if abs(item.high_f - middle) > OUTLIER_F
    }
    # Where no majority agrees nobody knows who is wrong; the disagreement widens the belief.
    if 2 * len(far) >= len(found.forecasts):
        return found
    kept = tuple(item for item in found.forecasts if item.source not in far)
    return Heard(kept, {**found.reasons, **far}, frozenset(far))
