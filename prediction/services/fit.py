"""Learns each night how wrong each source has been, from errors known by then."""

from __future__ import annotations

import datetime as dt
import statistics
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from django.db import transaction
from django.db.models import Max

from boz.core.agents import AgentResult, guarded
from boz.core.clock import require_utc
from boz.core.errors import DataUnavailable
from boz.core.logging import get_logger
from boz.core.schemas import SkippedSubject
from prediction.constants import ERROR_WINDOW, FITTED_ENGINE
from prediction.domain.errors_model import fit_error_model, prior_sd_f
from prediction.engines.base import canonical_hash
from prediction.models import EngineFit
from prediction.services.confidence import track_record
from weather.models import Station
from weather.selectors import ForecastError, forecast_errors

log = get_logger("MODEL")

#: Leads shown with a fit, hours before the end of the climate day.
SHOWN_LEADS = (12, 18, 28, 40, 52)
_YEAR_DAYS = 365


def fit_station(*, station: Station, as_of: dt.datetime) -> EngineFit:
    """Learn bias and spread of every source of a station; the same moment is learned once.

    Raises:
        DataUnavailable: If no forecast error is known yet; predictions then use the pooled prior.
        InvalidDataError: If the errors cannot be true.
    """
    moment = require_utc(as_of, name="as_of")
    known = EngineFit.objects.filter(engine=FITTED_ENGINE, station=station, as_of=moment).first()
    if known is not None:
        return known
    target_day = station.climate_day(moment) + dt.timedelta(days=1)
    errors = forecast_errors(station=station, as_of=moment, since=target_day - ERROR_WINDOW)
    if not errors:
        raise DataUnavailable(
            f"No forecast error of {station.code} is known yet, so there is nothing to learn; "
            "the pooled spread of city forecasts is used.",
            {"station": station.code},
        )
    by_source: dict[str, list[ForecastError]] = {}
    for error in errors:
        by_source.setdefault(error.source_code, []).append(error)
    parameters = {
        "sources": {
            source: _learned(found, target_day=target_day)
            for source, found in sorted(by_source.items())
        }
    }
    return _stored(station, moment, errors=errors, parameters=parameters)


def fit_all(*, now: dt.datetime) -> AgentResult:
    """Fit every active station; one without errors to learn from is left out with the reason."""
    fitted = 0
    skipped: list[SkippedSubject] = []
    for station in Station.objects.filter(is_active=True):
        with guarded(station.code, skipped, log=log):
            fit_station(station=station, as_of=now)
            fitted += 1
    return AgentResult(done={"fitted": fitted}, skipped=skipped)


def _learned(errors: Sequence[ForecastError], *, target_day: dt.date) -> dict[str, Any]:
    lead = float(statistics.median(error.lead_hours for error in errors))
    month = target_day.month
    model = fit_error_model(
        errors=[error.forecast_high_f - error.observed_high_f for error in errors],
        ages_days=[float((target_day - error.climate_day).days) for error in errors],
        season_distance_days=[_season_distance(error.climate_day, target_day) for error in errors],
        prior_sd=prior_sd_f(lead_hours=lead, month=month),
    )
    pooled = prior_sd_f(lead_hours=lead, month=month)
    return {
        "bias_f": model.bias_f,
        "sd_f": model.sd_f,
        "n_train": model.n_train,
        "effective_n": model.effective_n,
        "reference_lead_hours": lead,
        "reference_month": month,
        "sd_by_lead_f": {
            str(hours): round(model.sd_f * prior_sd_f(lead_hours=hours, month=month) / pooled, 3)
            for hours in SHOWN_LEADS
        },
    }


def _season_distance(day: dt.date, other: dt.date) -> float:
    """Return the days between two days of the year, the short way round."""
    apart = abs(day.timetuple().tm_yday - other.timetuple().tm_yday) % _YEAR_DAYS
    return float(min(apart, _YEAR_DAYS - apart))


def _stored(
    station: Station,
    as_of: dt.datetime,
    *,
    errors: Sequence[ForecastError],
    parameters: dict[str, Any],
) -> EngineFit:
    days = {error.climate_day for error in errors}
    scores = {"track_record": asdict(track_record(station=station, as_of=as_of))}
    with transaction.atomic():
        fits = EngineFit.objects.filter(engine=FITTED_ENGINE, station=station)
        version = (fits.aggregate(last=Max("version"))["last"] or 0) + 1
        return EngineFit.objects.create(
            engine=FITTED_ENGINE,
            version=version,
            station=station,
            as_of=as_of,
            window_start=min(days),
            window_end=max(days),
            n_train=len(days),
            parameters=parameters,
            parameters_hash=canonical_hash(parameters),
            scores=scores,
        )
