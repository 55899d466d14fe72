"""Observations as api.weather.gov gives them: five-minute rows and reports in one list.

A row with a raw report means what the report means: tenths in its remarks are exact. A row without
one comes from the stream of five-minute values, which the station rounds to whole °C: one or two
possible °F. The maxima of the last 24 hours that a row may carry are of no fixed day and are not
read; the report's own groups are.
"""

from __future__ import annotations

import datetime as dt
import math
from dataclasses import dataclass

from boz.core.errors import InvalidDataError
from weather.domain.grid import CELSIUS_UNITS
from weather.domain.metar import MetarReport, parse_metar
from weather.domain.temperature import (
    IntervalF,
    fahrenheit,
    interval_of_tenths,
    interval_of_whole_celsius,
    require_plausible,
)

FIVE_MINUTE = "5-MINUTE"
#: Codes of the MADIS quality control. C passed the coarse check, S also those against its
#: neighbours in time and space, V all of them; Z was not checked, as fresh values are; G was judged
#: good by a person; T is an air temperature that passed, where a virtual one could not be computed.
GOOD_QUALITY = frozenset("ZCSVGT")
BAD_QUALITY = {
    "X": "it failed the quality control",
    "Q": "the quality control questions it",
    "B": "a person judged it to be bad",
}
UNCHECKED = "Z"
#: A row and its report are made at the same minute; further apart they do not belong together.
TIME_TOLERANCE = dt.timedelta(minutes=10)
#: Row and report give one reading; whole and tenths of °C differ by less than this.
DISAGREEMENT_F = 2.0
#: Values come as decimal fractions; this is far below a tenth and far above their error.
FRACTION_TOLERANCE = 1e-6


@dataclass(frozen=True, slots=True)
class ObservationRow:
    """A row as it was sent.

    Args:
        stations: Every station that the row says it is of.
        observed_at: Time of the row, UTC.
        raw: The raw report, empty when there is none.
        value: Temperature in ``unit``, None when it is missing.
        quality: Code of the quality control, perhaps with the name of its vocabulary.
    """

    stations: frozenset[str]
    observed_at: dt.datetime
    raw: str
    value: float | None
    unit: str | None
    quality: str | None


@dataclass(frozen=True, slots=True)
class StationObservation:
    """What a row means; the fields are those of a report (:class:`MetarReport`)."""

    icao: str
    kind: str
    observed_at: dt.datetime
    temperature: IntervalF
    max_6h_f: int | None
    max_24h_f: int | None
    min_6h_f: int | None
    min_24h_f: int | None
    needs_maintenance: bool


def station_observation(row: ObservationRow, *, icao: str) -> StationObservation | None:
    """Return what a row means, None when it gives no temperature, which is no fault.

    Args:
        row: As it was sent.
        icao: The station that was asked for.

    Raises:
        InvalidDataError: If the row is of another station, its temperature did not pass the quality
            control, is in no known unit or cannot be true, or it contradicts its raw report.
    """
    if row.stations != {icao}:
        named = ", ".join(sorted(row.stations)) or "no station"
        raise InvalidDataError(
            f"An observation asked for {icao} is one of {named}.",
            {"stations": sorted(row.stations)},
        )
    _require_quality(row)
    sent = _sent_temperature(row)
    if not row.raw:
        return None if sent is None else _from_value(row, sent, icao=icao)
    report = parse_metar(row.raw, around=row.observed_at)
    _require_own_report(row, report, icao=icao)
    if report.temperature is None:
        if sent is None:
            return None
        raise InvalidDataError(
            f"An observation of {icao} gives a temperature that its report does not.",
            {"raw": row.raw[:200], "value": row.value},
        )
    _require_agreement(row, report.temperature, icao=icao)
    return StationObservation(
        icao=icao,
        kind=report.kind,
        observed_at=report.observed_at,
        temperature=report.temperature,
        max_6h_f=report.max_6h_f,
        max_24h_f=report.max_24h_f,
        min_6h_f=report.min_6h_f,
        min_24h_f=report.min_24h_f,
        needs_maintenance=report.needs_maintenance,
    )


def quality_fault(row: ObservationRow) -> str | None:
    """Return why the quality control does not let a temperature pass, None when it does."""
    code = (row.quality or UNCHECKED).rpartition(":")[2]
    if code in GOOD_QUALITY:
        return None
    return BAD_QUALITY.get(code, "its quality code is unknown")


def _from_value(row: ObservationRow, sent: IntervalF, *, icao: str) -> StationObservation:
    return StationObservation(
        icao=icao,
        kind=FIVE_MINUTE,
        observed_at=row.observed_at,
        temperature=sent,
        max_6h_f=None,
        max_24h_f=None,
        min_6h_f=None,
        min_24h_f=None,
        needs_maintenance=False,
    )


def _require_quality(row: ObservationRow) -> None:
    why = quality_fault(row)
    if why is None:
        return
    raise InvalidDataError(
        f"An observed temperature is not used: {why}.",
        {"quality": row.quality, "value": row.value, "observed_at": row.observed_at.isoformat()},
    )


def _sent_temperature(row: ObservationRow) -> IntervalF | None:
    """Return the whole °F that the row's own number can mean."""
    if row.value is None:
        return None
    if row.unit not in CELSIUS_UNITS:
        raise InvalidDataError(
            "An observed temperature is not in °C, so it is not used.", {"unit": row.unit}
        )
    require_plausible(fahrenheit(row.value), what="An observed temperature")
    if _is_whole(row.value):
        return _plausible(interval_of_whole_celsius(round(row.value)))
    if _is_whole(row.value * 10):
        return _plausible(interval_of_tenths(round(row.value * 10)))
    raise InvalidDataError(
        "An observed temperature is in neither whole nor tenths of °C, so nobody knows how it "
        "was rounded.",
        {"value": row.value},
    )


def _plausible(interval: IntervalF) -> IntervalF:
    require_plausible(interval.low_f, what="An observed temperature")
    require_plausible(interval.high_f, what="An observed temperature")
    return interval


def _is_whole(value: float) -> bool:
    return math.isclose(value, round(value), rel_tol=0.0, abs_tol=FRACTION_TOLERANCE)


def _require_own_report(row: ObservationRow, report: MetarReport, *, icao: str) -> None:
    if report.icao != icao:
        raise InvalidDataError(
            f"An observation of {icao} holds a report of {report.icao}.", {"raw": row.raw[:200]}
        )
    if abs(report.observed_at - row.observed_at) > TIME_TOLERANCE:
        raise InvalidDataError(
            f"An observation of {icao} holds a report of another time.",
            {"raw": row.raw[:200], "observed_at": row.observed_at.isoformat()},
        )


def _require_agreement(row: ObservationRow, reported: IntervalF, *, icao: str) -> None:
    if row.value is None:
        return
    sent_f = fahrenheit(row.value)
    if not reported.low_f - DISAGREEMENT_F <= sent_f <= reported.high_f + DISAGREEMENT_F:
        raise InvalidDataError(
            f"An observation of {icao} and its report give different temperatures.",
            {"raw": row.raw[:200], "value": row.value},
        )
