"""Which of the forecasts handed in may be believed, and why the others are not."""

from __future__ import annotations

import datetime as dt
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


@dataclass(frozen=True, slots=True)
class Heard:
    """The forecasts that may be believed, by source, and a sentence on each of the others."""

    forecasts: tuple[KnownForecast, ...]
    refused: tuple[str, ...]

    def of(self, sources: tuple[str, ...]) -> KnownForecast | None:
        """Return the forecast of the first of these sources that was heard."""
        by_source = {forecast.source: forecast for forecast in self.forecasts}
        return next((by_source[source] for source in sources if source in by_source), None)


def heard(inputs: Inputs) -> Heard:
    """Return the believable forecasts sorted by source, whatever order they were handed in.

    One that is no possible temperature, was issued later than the moment we look from, or is for
    another climate day is refused, and so is a source that speaks twice.
    """
    kept: list[KnownForecast] = []
    refused: list[str] = []
    twice = _twice(inputs)
    for forecast in sorted(inputs.forecasts, key=lambda item: (item.source, item.issued_at)):
        try:
            if forecast.source in twice:
                raise InvalidDataError(f"{forecast.source} speaks twice, so neither is believed.")
            _require_for_the_day(forecast, inputs)
            require_temperature(forecast.high_f, name=f"forecast of {forecast.source}")
            kept.append(forecast)
        except InvalidDataError as error:
            refused.append(error.message)
    return Heard(tuple(kept), tuple(dict.fromkeys(refused)))


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
    waiting = tuple(f"{f.source} {reason}" for f in found.forecasts if f not in able)
    return Heard(able, (*found.refused, *waiting))


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
    if found.refused:
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


def _twice(inputs: Inputs) -> frozenset[str]:
    sources = [forecast.source for forecast in inputs.forecasts]
    return frozenset(source for source in sources if sources.count(source) > 1)


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
