"""Client of The Weather Company's page for the exchange: the daily values that contracts settle on.

UNVERIFIED: the interface is described nowhere by its maker. Its shape was put together from what
others recorded in September 2026: ``date``, ``results[]`` of ``station {icao, cliId}``, ``status``
and, unless there is no report, ``data {stationId, reportDate, maxTemp, isOfficial, issueTime}``;
``issueTime`` was often empty. So only what these names say without contradiction is taken, entry by
entry, and the rest is refused with its reason.
"""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Self

from django.conf import settings

from boz.core.clock import parse_utc
from boz.core.errors import InvalidDataError
from boz.core.http import Captured, HttpTransport
from boz.core.service_client import ServiceClient
from weather.domain.temperature import require_plausible

SOURCE = "weather.com"
#: Where an entry could say its unit, and how it says degrees Fahrenheit.
UNIT_FIELDS = ("unit", "units", "temperatureUnit", "tempUnit", "maxTempUnit")
FAHRENHEIT = frozenset({"f", "°f", "fahrenheit", "e", "imperial"})
#: Numbers beyond this are not even looked at.
TOO_LARGE = 1000


class Status(StrEnum):
    """What a daily value is worth; only the first one that is not preliminary settles."""

    OFFICIAL = "official"
    PRELIMINARY = "preliminary"
    REVISED = "revised"
    NO_REPORT = "no_report"


@dataclass(frozen=True, slots=True)
class DailyValue:
    """The maximum of one station and climate day.

    Args:
        cli_id: Site of the climate report, e.g. ``NYC``.
        icao: Station, empty if not given.
        max_f: Whole °F; None when there is no report.
        issued_at: None when not given: it was known when it was fetched, at the earliest.
    """

    cli_id: str
    icao: str
    climate_day: dt.date
    status: Status
    max_f: int | None
    issued_at: dt.datetime | None


@dataclass(frozen=True, slots=True)
class DailyValues:
    """Values that can be used, and name and sentence of each entry that cannot."""

    values: tuple[DailyValue, ...]
    problems: tuple[tuple[str, str], ...]


class WeatherCompanyClient(ServiceClient):
    """Reads daily values; errors are those of the transport and InvalidDataError."""

    @classmethod
    def from_settings(cls, *, capture: Callable[[Captured], None] | None = None) -> Self:
        """Return a client with the address, identity and rate limit of the settings."""
        return cls(
            http=HttpTransport(
                base_url=settings.WEATHER_COMPANY_API_URL,
                source=SOURCE,
                user_agent=settings.NWS_USER_AGENT,
                rate_per_second=settings.WEATHER_COMPANY_RATE_LIMIT_PER_SECOND,
                capture=capture,
            )
        )

    def daily_values(self, day: dt.date) -> DailyValues:
        """Return what is published for a climate day, all stations at once.

        Raises:
            TransientError: If the service cannot be reached or sends no JSON.
            InvalidDataError: If the answer is of another day or holds no list of results.
        """
        body = self._http.get_json("/climate/primary", params={"date": day.isoformat()})
        items = body.get("results") if isinstance(body, dict) else None
        if not isinstance(items, list):
            raise InvalidDataError(f"{SOURCE} sent no list of results.", {"date": day.isoformat()})
        if body.get("date") not in (None, day.isoformat()):
            raise InvalidDataError(
                f"{SOURCE} sent another day than asked for.",
                {"date": day.isoformat(), "sent": str(body["date"])[:40]},
            )
        return _values(items, day)


def _values(items: list[Any], day: dt.date) -> DailyValues:
    values: list[DailyValue] = []
    problems: list[tuple[str, str]] = []
    for item in items:
        try:
            values.append(_value(item, day))
        except InvalidDataError as error:
            problems.append((_name(item), error.message))
    seen = Counter(value.cli_id for value in values)
    for cli_id in sorted(cli_id for cli_id, count in seen.items() if count > 1):
        problems.append((cli_id, "There are several entries for this station; none is taken."))
    return DailyValues(
        values=tuple(value for value in values if seen[value.cli_id] == 1),
        problems=tuple(problems),
    )


def _value(item: Any, day: dt.date) -> DailyValue:
    station = _mapping(_mapping(item, "entry").get("station"), "station")
    data = {} if item.get("data") is None else _mapping(item["data"], "data")
    cli_id, icao = station.get("cliId"), station.get("icao") or ""
    if not isinstance(cli_id, str) or not cli_id or not isinstance(icao, str):
        raise InvalidDataError("The entry does not name its station.", {})
    _require_agreement(data.get("stationId"), cli_id, what="station")
    _require_agreement(data.get("reportDate"), day.isoformat(), what="day")
    status = _status(item.get("status"), data)
    _require_fahrenheit(item, data)
    max_f = _maximum(data.get("maxTemp"))
    if (max_f is None) != (status is Status.NO_REPORT):
        wrong = "has no maximum" if max_f is None else "has a maximum but no report"
        raise InvalidDataError(f"The {status} entry {wrong}.", {})
    return DailyValue(
        cli_id=cli_id,
        icao=icao,
        climate_day=day,
        status=status,
        max_f=max_f,
        issued_at=_issued_at(data.get("issueTime")),
    )


def _status(text: Any, data: Mapping[str, Any]) -> Status:
    try:
        status = Status(text)
    except ValueError:
        raise InvalidDataError(f"The status {str(text)[:20]!r} is not known.", {}) from None
    is_official = data.get("isOfficial")
    is_denied = status is Status.OFFICIAL and is_official is False
    if is_denied or (status is Status.PRELIMINARY and is_official is True):
        raise InvalidDataError("The entry contradicts itself about being official.", {})
    return status


def _require_agreement(sent: Any, expected: str, *, what: str) -> None:
    if sent is not None and sent != expected:
        raise InvalidDataError(f"The report is of another {what}: {str(sent)[:40]}.", {})


def _require_fahrenheit(*levels: Mapping[str, Any]) -> None:
    for level in levels:
        for field in UNIT_FIELDS:
            unit = level.get(field)
            if unit is not None and str(unit).strip().lower() not in FAHRENHEIT:
                raise InvalidDataError(f"The unit {str(unit)[:20]!r} is not Fahrenheit.", {})


def _maximum(value: Any) -> int | None:
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise InvalidDataError(f"The maximum {str(value)[:20]!r} is no number.", {})
    if not abs(value) < TOO_LARGE or value != int(value):
        raise InvalidDataError(f"The maximum {str(value)[:20]} is no whole number.", {})
    return int(require_plausible(value, what="A maximum"))


def _issued_at(text: Any) -> dt.datetime | None:
    try:
        return parse_utc(text)
    except (TypeError, ValueError):
        return None


def _mapping(value: Any, what: str) -> Mapping[str, Any]:
    if not isinstance(value, dict):
        raise InvalidDataError(f"The {what} is missing or not readable.", {})
    return value


def _name(item: Any) -> str:
    station = item.get("station") if isinstance(item, dict) else None
    name = station.get("cliId") if isinstance(station, dict) else None
    return str(name or "unknown")[:20]
