"""Observations of a station: rows with a temperature, its quality code, and the raw report."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from pydantic import Field, ValidationError

from boz.core.errors import InvalidDataError
from weather.clients.nws.shapes import SOURCE, Moment, Number, Outside, first_fault
from weather.domain.station_observation import ObservationRow


class Quantity(Outside):
    """A measured value with its unit and quality code (``qc:V`` in older answers)."""

    value: Number | None = None
    unit: str | None = Field(default=None, alias="unitCode", max_length=80)
    quality: str | None = Field(default=None, alias="qualityControl", max_length=20)


class _Properties(Outside):
    station: str | None = Field(default=None, max_length=200)
    station_id: str | None = Field(default=None, alias="stationId", max_length=10)
    observed_at: Moment = Field(alias="timestamp")
    raw: str | None = Field(default=None, alias="rawMessage", max_length=2000)
    temperature: Quantity | None = None


class _Feature(Outside):
    address: str = Field(default="", alias="id", max_length=300)
    properties: _Properties


@dataclass(frozen=True, slots=True)
class StationObservations:
    """Rows that can be read, oldest first, and a sentence per row that cannot."""

    rows: tuple[ObservationRow, ...] = ()
    problems: tuple[tuple[str, str], ...] = ()


def read_observation(feature: Any) -> ObservationRow:
    """Return one feature as a row; what its temperature means is for the domain to say.

    Raises:
        InvalidDataError: If it has no time or other fields than it should.
    """
    try:
        found = _Feature.model_validate(feature)
    except ValidationError as error:
        field, fault = first_fault(error)
        raise InvalidDataError(
            f"An observation cannot be used: {field}: {fault}.", {"source": SOURCE, "field": field}
        ) from error
    row = found.properties
    temperature = row.temperature or Quantity()
    return ObservationRow(
        stations=frozenset(name for name in _station_names(found) if name),
        observed_at=row.observed_at,
        raw=(row.raw or "").strip(),
        value=temperature.value,
        unit=temperature.unit,
        quality=temperature.quality,
    )


def features_of(body: Any) -> list[Any]:
    """Return the features of a page; null in their place means that there are none.

    Raises:
        InvalidDataError: If the body is no page of observations.
    """
    if not isinstance(body, dict) or "features" not in body:
        raise InvalidDataError(
            f"{SOURCE} sent something other than a page of observations.", {"source": SOURCE}
        )
    features = body["features"]
    if features is None:
        return []
    if not isinstance(features, list):
        raise InvalidDataError(f"{SOURCE} sent observations that are no list.", {"source": SOURCE})
    return features


def next_page(body: Any) -> str | None:
    """Return the address of the following page, None after the last one."""
    pagination = body.get("pagination") if isinstance(body, dict) else None
    address = pagination.get("next") if isinstance(pagination, dict) else None
    return address if isinstance(address, str) and address else None


def named_station(feature: Any) -> str:
    """Return how to call a feature that cannot be read."""
    address = feature.get("id") if isinstance(feature, dict) else None
    return "/".join(str(address).split("/")[-3:])[:60] if address else "unknown"


def _station_names(feature: _Feature) -> tuple[str, ...]:
    """Return every station that a feature says it is of."""
    _, _, path = feature.address.partition("/stations/")
    station = feature.properties.station or ""
    return (
        path.partition("/")[0],
        station.rstrip("/").rpartition("/")[2],
        feature.properties.station_id or "",
    )
