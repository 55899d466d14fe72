"""Assembles once, as of a moment, everything that the engines may know about a climate day."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass

from boz.core.clock import require_utc
from boz.core.errors import InvalidDataError, QuarantinedError
from boz.core.schemas import Bracket
from markets.domain.brackets import prove_ladder
from markets.models import Market
from prediction.constants import CLIMATOLOGY_WINDOW, FITTED_ENGINE
from prediction.engines.base import Inputs, KnownForecast, ReachedMaximum, SourceSkill
from prediction.models import EngineFit
from weather.models import Forecast, Station
from weather.selectors import forecasts_by_age, official_highs, running_maximum

HOUR = dt.timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Known:
    """The engines' inputs, with what the prediction's record also refers to.

    ``ladder`` is the proven ladder of the day's event, coldest first; empty when there is none.
    """

    inputs: Inputs
    fit: EngineFit | None
    ladder: tuple[Bracket, ...]


@dataclass(frozen=True, slots=True)
class StationPast:
    """What is the same for all days of a station at one moment.

    ``official_highs`` are days and whole °F, oldest first, reaching back at least
    ``CLIMATOLOGY_WINDOW`` before the first day to predict.
    """

    fit: EngineFit | None
    skills: tuple[SourceSkill, ...]
    official_highs: tuple[tuple[dt.date, int], ...]


def station_past(*, station: Station, first_day: dt.date, as_of: dt.datetime) -> StationPast:
    """Return what was known at ``as_of`` of a station's past, for days from ``first_day`` on.

    Raises:
        InvalidDataError: If the newest fit cannot be read.
    """
    fit = latest_fit(station=station, as_of=as_of)
    highs = official_highs(station=station, as_of=as_of, since=first_day - CLIMATOLOGY_WINDOW)
    return StationPast(
        fit=fit,
        skills=() if fit is None else skills_from(fit),
        official_highs=tuple(sorted(highs.items())),
    )


def assemble_inputs(
    *,
    station: Station,
    climate_day: dt.date,
    as_of: dt.datetime,
    past: StationPast | None = None,
) -> Known:
    """Return everything known at ``as_of`` about a station's climate day.

    Args:
        station: Where.
        climate_day: Which day.
        as_of: Nothing known later is used.
        past: What :func:`station_past` said at the same moment, when several days are predicted;
            the answer is the same without it.
    """
    moment = require_utc(as_of, name="as_of")
    if past is None:
        past = station_past(station=station, first_day=climate_day, as_of=moment)
    _, end = station.climate_day_bounds(climate_day)
    forecasts = forecasts_by_age(station=station, climate_day=climate_day, as_of=moment)
    oldest = climate_day - CLIMATOLOGY_WINDOW
    inputs = Inputs(
        station_code=station.code,
        climate_day=climate_day,
        as_of=moment,
        lead_hours=_whole_hours(end - moment),
        forecasts=_known_forecasts(forecasts.fresh, end=end),
        stale=tuple(sorted(item.source.code for item in forecasts.stale)),
        skills=past.skills,
        official_highs=tuple(
            (day, high) for day, high in past.official_highs if oldest <= day < climate_day
        ),
        reached=_reached(station=station, climate_day=climate_day, as_of=moment),
    )
    return Known(inputs=inputs, fit=past.fit, ladder=_ladder(station, climate_day, as_of=moment))


def latest_fit(*, station: Station, as_of: dt.datetime) -> EngineFit | None:
    """Return the newest parameters learned from nothing later than ``as_of``."""
    return (
        EngineFit.objects.filter(engine=FITTED_ENGINE, station=station, as_of__lte=as_of)
        .order_by("-as_of")
        .first()
    )


def skills_from(fit: EngineFit) -> tuple[SourceSkill, ...]:
    """Read the error models of a fit, sorted by source.

    Raises:
        InvalidDataError: If the stored parameters are not those of this engine.
    """
    try:
        return tuple(
            SourceSkill(
                source=source,
                bias_f=float(found["bias_f"]),
                sd_f=float(found["sd_f"]),
                n_train=int(found["n_train"]),
                reference_lead_hours=float(found["reference_lead_hours"]),
                reference_month=int(found["reference_month"]),
            )
            for source, found in sorted(fit.parameters["sources"].items())
        )
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise InvalidDataError(
            f"The parameters of {fit} cannot be read; run the agent fit again.", {"fit": fit.pk}
        ) from error


def _known_forecasts(
    forecasts: Sequence[Forecast], *, end: dt.datetime
) -> tuple[KnownForecast, ...]:
    known = [
        KnownForecast(
            source=forecast.source.code,
            high_f=forecast.high_f,
            issued_at=forecast.issued_at,
            lead_hours=_whole_hours(end - forecast.issued_at),
        )
        for forecast in forecasts
    ]
    return tuple(sorted(known, key=lambda item: item.source))


def _reached(
    *, station: Station, climate_day: dt.date, as_of: dt.datetime
) -> ReachedMaximum | None:
    maximum = running_maximum(station=station, climate_day=climate_day, as_of=as_of)
    if maximum is None:
        return None
    start, _ = station.climate_day_bounds(climate_day)
    newest = maximum.observed_until
    return ReachedMaximum(
        low_f=maximum.low_f,
        hour_lst=None if newest is None else round((newest - start) / HOUR, 2),
        estimate_f=maximum.high_f,
        evening_group_included=maximum.is_afternoon_covered,
    )


def _ladder(station: Station, climate_day: dt.date, *, as_of: dt.datetime) -> tuple[Bracket, ...]:
    """Return the event's proven ladder; empty when there is none or it is not complete."""
    markets = Market.objects.filter(
        event__series__station=station,
        event__climate_day=climate_day,
        event__first_seen_at__lte=as_of,
    )
    try:
        edges = markets.values_list("low_f", "high_f")
        return prove_ladder([Bracket(low_f=low, high_f=high) for low, high in edges])
    except QuarantinedError:
        return ()


def _whole_hours(span: dt.timedelta) -> int:
    return max(0, span // HOUR)
