"""What an answer of Open-Meteo means: temperatures per place and member, or why there are none.

One model is asked at a time, but what comes back still depends on the service: a place or a list of
places; keys with the model's name at the end or without; members that are missing; values that end
before the times do. Nothing is converted and nothing is guessed.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from boz.core.errors import BozBaseException, DataUnavailable, InvalidDataError
from boz.core.schemas import PLAUSIBLE_HIGH_F, PLAUSIBLE_LOW_F
from weather.domain.hourly import Floats, HourlyTemps, ordered_temps

SOURCE = "Open-Meteo"
#: The answer is for a grid cell; one further away than this, on either axis, is another place.
MAX_CELL_DISTANCE_DEGREES = 0.5
FAHRENHEIT, UNIX_TIME = "°F", "unixtime"
MAX_EPOCH = 4102444800

#: Names under which the service may return a model, besides the one it was asked by.
OTHER_NAMES = {
    "ncep_hrrr_conus": {"gfs_hrrr"},
    "ncep_gfs_global": {"gfs_global"},
    "ecmwf_aifs025_single": {"ecmwf_aifs025"},
    "dwd_icon_global": {"icon_global"},
    "cmc_gem_gdps": {"gem_global"},
    "ncep_gefs025": {"gfs025"},
    "gem_global_ensemble": {"cmc_gem_geps"},
    "icon_global_eps": {"dwd_icon_eps"},
}

_KEY = re.compile(
    r"temperature_2m(?:_previous_day(?P<lead>\d+))?(?:_member(?P<member>\d+))?"
    r"(?:_(?P<model>[a-z]\w*))?"
)

#: Gives the number of a row from its days of lead and its member; None for one not asked for.
Numbering = Callable[[int | None, int | None], int | None]


@dataclass(frozen=True, slots=True)
class Place:
    """Where a forecast is wanted.

    Args:
        code: Of the station, for people and for the caller.
        latitude: Degrees north.
        longitude: Degrees east.
        elevation_m: Temperatures are corrected to this height.
    """

    code: str
    latitude: float
    longitude: float
    elevation_m: float


@dataclass(frozen=True, slots=True)
class PlaceHours:
    """The hourly temperatures of one model at one place.

    Args:
        hours: One row per member or lead that can be used.
        expected: How many rows there should be.
        problems: A sentence per thing that was left out, or is not as expected.
    """

    place: Place
    model_id: str
    hours: HourlyTemps
    expected: int
    problems: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class PlaceRefused:
    """A place of an answer that cannot be used, with the reason; the other places stand."""

    place: Place
    model_id: str
    error: BozBaseException


class _Location(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore", allow_inf_nan=False)

    latitude: float = Field(ge=-90, le=90)
    longitude: float = Field(ge=-180, le=360)
    utc_offset_seconds: int
    hourly_units: dict[str, Any]
    hourly: dict[str, Any]


def by_member(lead: int | None, member: int | None) -> int | None:
    """Number the rows of a forecast: the key without a member is the control, number 0."""
    return None if lead is not None else member or 0


def by_lead(lead: int | None, member: int | None) -> int | None:
    """Number the rows of previous runs by their days of lead."""
    return None if member is not None else lead


def read_places(
    body: Any, *, places: Sequence[Place], model_id: str, expected: int, numbering: Numbering
) -> list[PlaceHours | PlaceRefused]:
    """Return what an answer says about each place, in the order asked.

    Args:
        body: The parsed JSON.
        places: As asked, in that order.
        model_id: The one model that was asked for.
        expected: Number of rows per place.
        numbering: What the rows are, :func:`by_member` or :func:`by_lead`.

    Raises:
        InvalidDataError: If the answer as a whole is not one about these places.
    """
    items = body if isinstance(body, list) else [body]
    if len(items) != len(places):
        raise InvalidDataError(
            f"{SOURCE} answered about {len(items)} places instead of {len(places)}.",
            {"model": model_id, "places": [place.code for place in places]},
        )
    found: list[PlaceHours | PlaceRefused] = []
    for item, place in zip(items, places, strict=True):
        try:
            found.append(_read_place(item, place, model_id, expected, numbering))
        except BozBaseException as error:
            error.context |= {"source": SOURCE, "model": model_id, "place": place.code}
            found.append(PlaceRefused(place, model_id, error))
    return found


def _read_place(
    item: Any, place: Place, model_id: str, expected: int, numbering: Numbering
) -> PlaceHours:
    location = _location(item, place)
    epochs = _epochs(location)
    keys, problems = _keys(location.hourly, model_id, numbering)
    rows: dict[int, Floats] = {}
    empty = 0
    for number, key in sorted(keys.items()):
        _require_fahrenheit(location, key)
        try:
            row = _row(location.hourly[key], len(epochs))
        except InvalidDataError as error:
            problems.append(f"{key} of {model_id} for {place.code} is left out: {error.message}")
            continue
        if np.isnan(row).all():
            empty += 1
        else:
            rows[number] = row
    if not rows:
        raise _nothing(model_id, place, problems)
    hours, contradictions = ordered_temps(
        epochs, np.array(list(rows.values())), numbers=tuple(rows)
    )
    if contradictions:
        problems.append(
            f"{contradictions} values of {model_id} for {place.code} are left out: "
            "their times come twice with different values."
        )
    if len(rows) != expected:
        problems.append(
            f"{model_id} for {place.code} has {len(rows)} usable series instead of {expected}; "
            f"{empty} came without any value."
        )
    return PlaceHours(place, model_id, hours, expected, tuple(problems))


def _location(item: Any, place: Place) -> _Location:
    if isinstance(item, dict) and item.get("error"):
        raise DataUnavailable(f"{SOURCE} refuses: {item.get('reason') or 'it gives no reason'}")
    try:
        location = _Location.model_validate(item)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        field = ".".join(str(part) for part in first["loc"]) or "body"
        raise InvalidDataError(
            f"{SOURCE} sent a forecast that cannot be used: {field}: {first['msg']}."
        ) from error
    north = abs(location.latitude - place.latitude)
    east = abs((location.longitude - place.longitude + 180) % 360 - 180)
    if max(north, east) > MAX_CELL_DISTANCE_DEGREES:
        raise InvalidDataError(
            f"{SOURCE} answered about another place than {place.code}.",
            {"latitude": location.latitude, "longitude": location.longitude},
        )
    return location


def _epochs(location: _Location) -> list[int]:
    """Return the times; they are UTC only when no offset from UTC was applied."""
    epochs = location.hourly.get("time")
    unit = location.hourly_units.get("time")
    if unit != UNIX_TIME or location.utc_offset_seconds != 0:
        raise InvalidDataError(
            f"{SOURCE} sent times of another kind than asked for.",
            {"unit": unit, "utc_offset_seconds": location.utc_offset_seconds},
        )
    if not isinstance(epochs, list) or any(
        type(epoch) is not int or not 0 < epoch < MAX_EPOCH for epoch in epochs
    ):
        raise InvalidDataError(f"{SOURCE} sent times that cannot be read.")
    if not epochs:
        raise DataUnavailable(f"{SOURCE} sent a forecast without any time.")
    return epochs


def _keys(
    hourly: dict[str, Any], model_id: str, numbering: Numbering
) -> tuple[dict[int, str], list[str]]:
    """Return the key of each row of the model, and what was left out.

    Raises:
        DataUnavailable: If the answer has nothing of this model.
    """
    by_name: dict[str, dict[int, str]] = {}
    problems: list[str] = []
    for key in hourly:
        match = _KEY.fullmatch(key)
        if match is None:
            continue
        lead, member = (None if part is None else int(part) for part in match.group(1, 2))
        number = numbering(lead, member)
        if number is None:
            continue
        rows = by_name.setdefault(match["model"] or "", {})
        if rows.setdefault(number, key) != key:
            problems.append(f"{key} of {model_id} is left out: it comes twice.")
    for name in (model_id, *sorted(OTHER_NAMES.get(model_id, ())), ""):
        if name in by_name:
            return by_name[name], problems
    raise DataUnavailable(
        f"{SOURCE} has no temperatures of {model_id} for this place.", {"models": sorted(by_name)}
    )


def _require_fahrenheit(location: _Location, key: str) -> None:
    unit = location.hourly_units.get(key)
    if unit != FAHRENHEIT:
        raise InvalidDataError(
            f"{SOURCE} sent temperatures in {unit or 'an unknown unit'} instead of {FAHRENHEIT}.",
            {"key": key, "unit": unit},
        )


def _row(values: Any, length: int) -> Floats:
    """Return a series with NaN for null.

    A value that cannot be true condemns its whole series: nobody knows what else is wrong with it.

    Raises:
        InvalidDataError: If it is no list of numbers, or holds one that cannot be true.
    """
    if not isinstance(values, list) or not set(map(type, values)) <= {float, int, type(None)}:
        raise InvalidDataError("it is no list of numbers.")
    if len(values) != length:
        raise InvalidDataError(f"it has {len(values)} values for {length} times.")
    try:
        row = np.array(values, dtype=np.float64)
    except OverflowError as error:
        raise InvalidDataError("it holds a number without measure.") from error
    absurd = row[(row < PLAUSIBLE_LOW_F) | (row > PLAUSIBLE_HIGH_F)]
    if absurd.size:
        raise InvalidDataError(f"{absurd[0]:g} °F cannot be true.")
    return row


def _nothing(model_id: str, place: Place, problems: Sequence[str]) -> BozBaseException:
    if problems:
        return InvalidDataError(
            f"{SOURCE} sent no usable temperature of {model_id} for {place.code}. {problems[0]}",
            {"problems": list(problems)},
        )
    return DataUnavailable(f"{model_id} has no temperature for {place.code} yet.")
