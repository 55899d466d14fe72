"""Grid points and their raw forecasts."""

from __future__ import annotations

from pydantic import Field

from weather.clients.nws.shapes import Moment, Number, Outside


class GridPoint(Outside):
    """The forecast grid cell of a place."""

    grid_id: str = Field(alias="gridId", min_length=3, max_length=3, pattern="^[A-Z]{3}$")
    grid_x: int = Field(alias="gridX", ge=0, le=9999)
    grid_y: int = Field(alias="gridY", ge=0, le=9999)


class LayerItem(Outside):
    """A value of a layer with its ISO 8601 period."""

    valid_time: str = Field(alias="validTime", max_length=80)
    value: Number | None = None


class Layer(Outside):
    """A run-length layer; ``uom`` is its unit."""

    uom: str | None = None
    values: tuple[LayerItem, ...] = ()

    def pairs(self) -> list[tuple[str, float | None]]:
        """Return period and value of every item."""
        return [(item.valid_time, item.value) for item in self.values]


class Grid(Outside):
    """The raw forecast of one grid cell; a layer that is not sent is empty."""

    update_time: Moment = Field(alias="updateTime")
    max_temperature: Layer = Field(default=Layer(), alias="maxTemperature")
    temperature: Layer = Layer()
    dewpoint: Layer = Layer()
    relative_humidity: Layer = Field(default=Layer(), alias="relativeHumidity")
    wind_speed: Layer = Field(default=Layer(), alias="windSpeed")
    wind_gust: Layer = Field(default=Layer(), alias="windGust")
    sky_cover: Layer = Field(default=Layer(), alias="skyCover")


def cell_path(*, grid_id: str, grid_x: int, grid_y: int) -> str:
    """Return the path of a grid cell."""
    return f"/gridpoints/{grid_id}/{grid_x},{grid_y}"


def point_path(*, latitude: float, longitude: float) -> str:
    """Return the path of a place; the service takes at most four decimals, without zeros."""
    return f"/points/{_coordinate(latitude)},{_coordinate(longitude)}"


def _coordinate(degrees: float) -> str:
    return f"{degrees:.4f}".rstrip("0").rstrip(".")
