"""The calls, one method each."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterable, Iterator
from typing import Any, Self

import httpx
from django.conf import settings

from boz.core.clock import format_utc
from boz.core.errors import InvalidDataError
from boz.core.http import Captured, HttpTransport
from boz.core.service_client import ServiceClient
from weather.clients.nws.forecasts import PeriodForecast
from weather.clients.nws.grids import Grid, GridPoint, cell_path, point_path
from weather.clients.nws.observations import (
    StationObservations,
    features_of,
    named_station,
    next_page,
    read_observation,
)
from weather.clients.nws.products import Product, ProductList, read_product_list
from weather.clients.nws.shapes import SOURCE, properties, read
from weather.domain.station_observation import ObservationRow

#: The service asks to be left alone for about so long after 429 and 5xx.
BACKOFF_SECONDS = 5.0
RETRIES = 2
ROWS_PER_PAGE = 500
#: A week of a station that reports every five minutes fills five pages.
MAX_PAGES = 20


class NwsClient(ServiceClient):
    """Reads from the weather service; errors are those of the transport and InvalidDataError.

    The service refuses query parameters that it does not know.
    """

    @classmethod
    def from_settings(cls, *, capture: Callable[[Captured], None] | None = None) -> Self:
        """Return a client with the address, identity and rate limit of the settings."""
        return cls(
            http=HttpTransport(
                base_url=settings.NWS_API_URL,
                source=SOURCE,
                user_agent=settings.NWS_USER_AGENT,
                rate_per_second=settings.NWS_RATE_LIMIT_PER_SECOND,
                retries=RETRIES,
                backoff_seconds=BACKOFF_SECONDS,
                capture=capture,
            )
        )

    def point(self, *, latitude: float, longitude: float) -> GridPoint:
        """Return the grid cell of a place."""
        body = self._http.get_json(point_path(latitude=latitude, longitude=longitude))
        return read(GridPoint, properties(body), "grid point")

    def grid(self, *, grid_id: str, grid_x: int, grid_y: int) -> Grid:
        """Return the raw forecast of a grid cell."""
        body = self._http.get_json(cell_path(grid_id=grid_id, grid_x=grid_x, grid_y=grid_y))
        return read(Grid, properties(body), "forecast grid")

    def period_forecast(self, *, grid_id: str, grid_x: int, grid_y: int) -> PeriodForecast:
        """Return the forecast of a grid cell by days and nights."""
        cell = cell_path(grid_id=grid_id, grid_x=grid_x, grid_y=grid_y)
        body = self._http.get_json(f"{cell}/forecast")
        return read(PeriodForecast, properties(body), "forecast by half days")

    def hourly_forecast(self, *, grid_id: str, grid_x: int, grid_y: int) -> PeriodForecast:
        """Return the forecast of a grid cell by hours."""
        cell = cell_path(grid_id=grid_id, grid_x=grid_x, grid_y=grid_y)
        body = self._http.get_json(f"{cell}/forecast/hourly")
        return read(PeriodForecast, properties(body), "forecast by hours")

    def observations(
        self,
        icao: str,
        *,
        start: dt.datetime,
        end: dt.datetime | None = None,
        limit: int = ROWS_PER_PAGE,
    ) -> StationObservations:
        """Return the observations of a station, oldest first; none at all is an answer.

        Every page is fetched, and each is captured by itself.

        Args:
            icao: The station.
            start: Earliest time.
            end: Latest time; None for the newest.
            limit: Rows per page, at most 500.

        Raises:
            ValueError: If the limit is not in 1..500.
        """
        if not 1 <= limit <= ROWS_PER_PAGE:
            raise ValueError(f"the limit must lie in 1..{ROWS_PER_PAGE}, was {limit}")
        rows: list[ObservationRow] = []
        problems: list[tuple[str, str]] = []
        for features in self._pages(icao, start=start, end=end, limit=limit):
            page = _read_features(features, problems)
            rows += page
            if any(row.observed_at < start for row in page):
                break
        wanted = [row for row in rows if start <= row.observed_at and not _is_after(row, end)]
        wanted.sort(key=lambda row: row.observed_at)
        return StationObservations(rows=tuple(wanted), problems=tuple(problems))

    def latest_observation(self, icao: str) -> ObservationRow:
        """Return the newest observation of a station, which may be hours old or empty."""
        return read_observation(self._http.get_json(f"/stations/{icao}/observations/latest"))

    def products(self, product_type: str, *, site: str) -> ProductList:
        """Return the known issuances of a product for a site.

        The service answers with about 28 and refuses a limit.

        Args:
            product_type: Three letters, such as ``CLI``.
            site: Code of the site (``MDW``), not of the office.
        """
        body = self._http.get_json(f"/products/types/{product_type}/locations/{site}")
        return read_product_list(body, product_type=product_type, site=site)

    def climate_reports(self, *, site: str) -> ProductList:
        """Return the known issuances of a site's climate report."""
        return self.products("CLI", site=site)

    def product(self, *, product_id: str) -> Product:
        """Return one issuance with its text."""
        return read(Product, self._http.get_json(f"/products/{product_id}"), "product")

    def _pages(
        self, icao: str, *, start: dt.datetime, end: dt.datetime | None, limit: int
    ) -> Iterator[list[Any]]:
        """Yield the features of each page, newest first, until there is none or one comes again."""
        params = {
            "start": _to_the_second(start),
            "end": None if end is None else _to_the_second(end),
            "limit": limit,
        }
        seen: set[str] = set()
        cursor: str | None = None
        for _ in range(MAX_PAGES):
            body = self._http.get_json(
                f"/stations/{icao}/observations", params={**params, "cursor": cursor}
            )
            features = features_of(body)
            yield features
            cursor = _cursor(next_page(body))
            if not features or cursor is None or cursor in seen:
                return
            seen.add(cursor)
        raise InvalidDataError(
            f"{SOURCE} sent more than {MAX_PAGES} pages of observations of {icao}.",
            {"source": SOURCE, "station": icao, "start": params["start"]},
        )


def _to_the_second(moment: dt.datetime) -> str:
    return format_utc(moment.replace(microsecond=0))


def _read_features(
    features: Iterable[Any], problems: list[tuple[str, str]]
) -> list[ObservationRow]:
    """Return the rows of a page; what cannot be read is added to ``problems``."""
    rows = []
    for feature in features:
        try:
            rows.append(read_observation(feature))
        except InvalidDataError as error:
            problems.append((named_station(feature), error.message))
    return rows


def _is_after(row: ObservationRow, end: dt.datetime | None) -> bool:
    return end is not None and row.observed_at > end


def _cursor(address: str | None) -> str | None:
    """Return the cursor of a link; its other parameters are ours already."""
    if address is None:
        return None
    try:
        return httpx.URL(address).params.get("cursor")
    except httpx.InvalidURL:
        return None
