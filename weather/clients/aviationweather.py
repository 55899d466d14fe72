"""Client of aviationweather.gov: station reports (METAR) of many stations in one call."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Sequence
from typing import Any, Self

from django.conf import settings
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from boz.core.errors import InvalidDataError
from boz.core.http import Captured, HttpTransport
from boz.core.service_client import ServiceClient

SOURCE = "aviationweather.gov"
EPOCH_OF_2000 = 946684800
EPOCH_OF_2100 = 4102444800


class StationReport(BaseModel):
    """One report; the raw text is what counts, the time names its month."""

    model_config = ConfigDict(frozen=True, extra="ignore", allow_inf_nan=False)

    icao: str = Field(alias="icaoId", min_length=4, max_length=4)
    observed_epoch: int = Field(alias="obsTime", ge=EPOCH_OF_2000, lt=EPOCH_OF_2100)
    kind: str = Field(default="METAR", alias="metarType", pattern="^(METAR|SPECI)$")
    raw: str = Field(alias="rawOb", min_length=1, max_length=2000)

    @property
    def observed_at(self) -> dt.datetime:
        """Return the time of observation."""
        return dt.datetime.fromtimestamp(self.observed_epoch, tz=dt.UTC)


class StationReports(BaseModel):
    """What one call gave: reports that can be read, and a sentence per entry that cannot."""

    model_config = ConfigDict(frozen=True)

    reports: tuple[StationReport, ...] = ()
    problems: tuple[tuple[str, str], ...] = ()


class AviationWeatherClient(ServiceClient):
    """Reads station reports; errors are those of the transport and InvalidDataError."""

    @classmethod
    def from_settings(cls, *, capture: Callable[[Captured], None] | None = None) -> Self:
        """Return a client with the address and rate limit of the settings."""
        return cls(
            http=HttpTransport(
                base_url=settings.AVIATIONWEATHER_API_URL,
                source=SOURCE,
                user_agent=settings.NWS_USER_AGENT,
                rate_per_second=settings.AVIATIONWEATHER_RATE_LIMIT_PER_SECOND,
                capture=capture,
            )
        )

    def metars(self, icaos: Sequence[str], *, hours: float) -> StationReports:
        """Return the reports of the last ``hours``, oldest first; none at all is an answer.

        Raises:
            TransientError: If the service cannot be reached or sends no JSON.
            InvalidDataError: If the JSON is no list of reports.
        """
        body = self._http.get_json(
            "/api/data/metar",
            params={"ids": ",".join(icaos), "format": "json", "hours": hours},
            empty=[],
        )
        return _reports(body)


def _reports(body: Any) -> StationReports:
    if not isinstance(body, list):
        raise InvalidDataError(
            f"{SOURCE} sent something other than a list of reports.", {"source": SOURCE}
        )
    reports: list[StationReport] = []
    problems: list[tuple[str, str]] = []
    for item in body:
        try:
            reports.append(StationReport.model_validate(item))
        except ValidationError as error:
            first = error.errors(include_url=False, include_input=False)[0]
            field = ".".join(str(part) for part in first["loc"]) or "entry"
            name = item.get("icaoId") if isinstance(item, dict) else None
            problems.append(
                (
                    str(name or "unknown")[:10],
                    f"A station report cannot be used: {field}: {first['msg']}.",
                )
            )
    return StationReports(
        reports=tuple(sorted(reports, key=lambda report: report.observed_epoch)),
        problems=tuple(problems),
    )
