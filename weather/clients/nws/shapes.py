"""What all answers of the service have in common, and how one becomes a typed object."""

from __future__ import annotations

import datetime as dt
from typing import Annotated, Any, TypeVar

from pydantic import (
    AfterValidator,
    AwareDatetime,
    BaseModel,
    ConfigDict,
    Field,
    ValidationError,
    model_validator,
)

from boz.core.clock import UTC
from boz.core.errors import InvalidDataError

SOURCE = "api.weather.gov"
YEARS = range(2000, 2100)

Shape = TypeVar("Shape", bound=BaseModel)


def _in_utc(moment: dt.datetime) -> dt.datetime:
    if moment.year not in YEARS:
        raise ValueError("the time is not one of our days")
    return moment.astimezone(UTC)


#: A time of ours, in UTC; the first and last moments of the calendar would break arithmetic.
Moment = Annotated[AwareDatetime, AfterValidator(_in_utc)]


#: A number sent as one; a text or a truth value in its place is refused.
Number = Annotated[float, Field(strict=True)]


class Outside(BaseModel):
    """Base of what comes in: unknown fields are ignored, NaN and infinity refused.

    The service writes null for what it does not have, so null means absent.
    """

    model_config = ConfigDict(frozen=True, extra="ignore", allow_inf_nan=False)

    @model_validator(mode="before")
    @classmethod
    def _without_nulls(cls, body: Any) -> Any:
        if not isinstance(body, dict):
            return body
        return {name: value for name, value in body.items() if value is not None}


def properties(body: Any) -> Any:
    """Return the properties of a GeoJSON feature; JSON-LD answers carry them at the top."""
    return body.get("properties", body) if isinstance(body, dict) else body


def read(shape: type[Shape], body: Any, what: str) -> Shape:
    """Return a body as a typed object.

    Raises:
        InvalidDataError: If it does not have the shape; the first fault is named.
    """
    try:
        return shape.model_validate(body)
    except ValidationError as error:
        field, fault = first_fault(error)
        raise InvalidDataError(
            f"{SOURCE} sent a {what} that cannot be used: {field}: {fault}.",
            {"source": SOURCE, "field": field, "problems": error.error_count()},
        ) from error


def first_fault(error: ValidationError) -> tuple[str, str]:
    """Return where the first fault of a body is, and what it is."""
    first = error.errors(include_url=False, include_input=False)[0]
    return ".".join(str(part) for part in first["loc"]) or "body", str(first["msg"])
