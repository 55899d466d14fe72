"""Client of api.weather.gov: grid points, forecast grids, climate-report products."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Self, TypeVar

from django.conf import settings
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, ValidationError

from boz.core.errors import InvalidDataError
from boz.core.http import Captured, HttpTransport
from boz.core.service_client import ServiceClient

SOURCE = "api.weather.gov"

Shape = TypeVar("Shape", bound=BaseModel)


class _Outside(BaseModel):
    """Base of what comes in: unknown fields are ignored, NaN and infinity refused."""

    model_config = ConfigDict(frozen=True, extra="ignore", allow_inf_nan=False)


class GridPoint(_Outside):
    """The forecast grid cell of a place."""

    grid_id: str = Field(alias="gridId", min_length=3, max_length=3, pattern="^[A-Z]{3}$")
    grid_x: int = Field(alias="gridX", ge=0, le=9999)
    grid_y: int = Field(alias="gridY", ge=0, le=9999)


class LayerItem(_Outside):
    """A value of a layer with its ISO 8601 period."""

    valid_time: str = Field(alias="validTime", max_length=80)
    value: float | None = None


class Layer(_Outside):
    """A run-length layer; ``uom`` is its unit."""

    uom: str | None = None
    values: tuple[LayerItem, ...] = ()

    def pairs(self) -> list[tuple[str, float | None]]:
        """Return period and value of every item."""
        return [(item.valid_time, item.value) for item in self.values]


class Grid(_Outside):
    """The raw forecast of one grid cell; a layer that is not sent is empty."""

    update_time: AwareDatetime = Field(alias="updateTime")
    max_temperature: Layer = Field(default=Layer(), alias="maxTemperature")
    temperature: Layer = Layer()
    dewpoint: Layer = Layer()
    relative_humidity: Layer = Field(default=Layer(), alias="relativeHumidity")
    wind_speed: Layer = Field(default=Layer(), alias="windSpeed")
    wind_gust: Layer = Field(default=Layer(), alias="windGust")
    sky_cover: Layer = Field(default=Layer(), alias="skyCover")


class ProductRef(_Outside):
    """One issuance in a list of products."""

    product_id: str = Field(alias="id", min_length=1, max_length=80, pattern=r"^[\w.-]+$")
    issued_at: AwareDatetime = Field(alias="issuanceTime")
    product_code: str = Field(default="", alias="productCode")


class Product(ProductRef):
    """An issuance with its text."""

    text: str = Field(alias="productText", min_length=1)


class NwsClient(ServiceClient):
    """Reads from the weather service; errors are those of the transport and InvalidDataError."""

    @classmethod
    def from_settings(cls, *, capture: Callable[[Captured], None] | None = None) -> Self:
        """Return a client with the address, identity and rate limit of the settings."""
        return cls(
            http=HttpTransport(
                base_url=settings.NWS_API_URL,
                source=SOURCE,
                user_agent=settings.NWS_USER_AGENT,
                rate_per_second=settings.NWS_RATE_LIMIT_PER_SECOND,
                capture=capture,
            )
        )

    def point(self, *, latitude: float, longitude: float) -> GridPoint:
        """Return the grid cell of a place; the service takes at most four decimals."""
        place = f"{_coordinate(latitude)},{_coordinate(longitude)}"
        return _read(GridPoint, _properties(self._http.get_json(f"/points/{place}")), "grid point")

    def grid(self, *, grid_id: str, grid_x: int, grid_y: int) -> Grid:
        """Return the raw forecast of a grid cell."""
        body = self._http.get_json(f"/gridpoints/{grid_id}/{grid_x},{grid_y}")
        return _read(Grid, _properties(body), "forecast grid")

    def climate_reports(self, *, site: str) -> list[ProductRef]:
        """Return the known issuances of a site's climate report, newest first.

        The service refuses a limit; it answers with about 28. An item that cannot be read is an
        error of the whole list, since it might be the newest.
        """
        body = self._http.get_json(f"/products/types/CLI/locations/{site}")
        items = body.get("@graph") if isinstance(body, dict) else None
        if not isinstance(items, list):
            raise InvalidDataError(
                f"{SOURCE} sent a list of climate reports without its entries.", {"site": site}
            )
        references = [_read(ProductRef, item, "list of climate reports") for item in items]
        return sorted(references, key=lambda item: (item.issued_at, item.product_id), reverse=True)

    def product(self, *, product_id: str) -> Product:
        """Return one issuance with its text."""
        return _read(Product, self._http.get_json(f"/products/{product_id}"), "climate report")


def _coordinate(degrees: float) -> str:
    return f"{degrees:.4f}".rstrip("0").rstrip(".")


def _properties(body: Any) -> Any:
    """Return the properties of a GeoJSON feature; JSON-LD answers carry them at the top."""
    return body.get("properties", body) if isinstance(body, dict) else body


def _read(shape: type[Shape], body: Any, what: str) -> Shape:
    try:
        return shape.model_validate(body)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        field = ".".join(str(part) for part in first["loc"]) or "body"
        raise InvalidDataError(
            f"{SOURCE} sent a {what} that cannot be used: {field}: {first['msg']}.",
            {"source": SOURCE, "field": field, "problems": error.error_count()},
        ) from error
