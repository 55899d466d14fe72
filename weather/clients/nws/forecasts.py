"""Worded forecasts of a grid cell, by half days and by hours."""

from __future__ import annotations

import datetime as dt
from typing import Any, Self

from pydantic import Field, model_validator

from weather.clients.nws.shapes import Moment, Number, Outside
from weather.domain.nws_forecasts import ForecastPeriod

#: A quantity names its unit itself; a bare number has it beside.
UNIT_NAMES = {"F": "degF", "C": "degC"}


class Temperature(Outside):
    """A temperature with its unit, however it was sent; either may be missing."""

    value: Number | None = None
    unit: str | None = Field(default=None, alias="unitCode")


class Period(Outside):
    """One period; its temperature is the high of a day, the low of a night, or an hour's."""

    start: Moment = Field(alias="startTime")
    end: Moment = Field(alias="endTime")
    is_daytime: bool = Field(alias="isDaytime", strict=True)
    temperature: Temperature = Temperature()

    @model_validator(mode="before")
    @classmethod
    def _with_unit(cls, body: Any) -> Any:
        """Give a bare number the unit that stands beside it."""
        if not isinstance(body, dict) or isinstance(body.get("temperature"), dict):
            return body
        unit = body.get("temperatureUnit")
        name = UNIT_NAMES.get(unit) if isinstance(unit, str) else None
        quantity = {"value": body.get("temperature"), "unitCode": name}
        return {**body, "temperature": quantity}

    @model_validator(mode="after")
    def _lasts(self) -> Self:
        if self.end <= self.start:
            raise ValueError("the period ends before it begins")
        return self


class PeriodForecast(Outside):
    """A forecast in periods, of half days or of hours.

    Args:
        updated_at: Issue of the data the forecast is made from.
        generated_at: When the service worded it, usually at our call; no sign of new data.
    """

    updated_at: Moment = Field(alias="updateTime")
    generated_at: Moment | None = Field(default=None, alias="generatedAt")
    items: tuple[Period, ...] = Field(alias="periods")

    @property
    def issued_at(self) -> dt.datetime:
        """Return when the forecast was issued."""
        return self.updated_at

    def periods(self) -> tuple[ForecastPeriod, ...]:
        """Return the periods that have a temperature, as they were sent."""
        return tuple(
            ForecastPeriod(
                start=item.start,
                end=item.end,
                is_daytime=item.is_daytime,
                value=item.temperature.value,
                unit=item.temperature.unit,
            )
            for item in self.items
            if item.temperature.value is not None
        )
