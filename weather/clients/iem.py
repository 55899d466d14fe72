"""Client of the Iowa Environmental Mesonet: archives of products, reports and forecasts.

It asks for at most one call per second at its table and text services, answers 503 when busy and
422 when too much is asked for at once.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable, Sequence
from typing import Any, Self

from django.conf import settings

from boz.core.clock import require_utc
from boz.core.errors import DataUnavailable, InvalidDataError, TransientError
from boz.core.http import Captured, Fetched, HttpTransport
from boz.core.service_client import ServiceClient
from weather.clients.iem_rows import (
    ArchivedMetar,
    ArchivedNbm,
    IemClimateDay,
    ListedProduct,
    Rows,
    climate_days,
    listed_products,
    metars,
    nbm_extremes,
    parse_product_id,
)

SOURCE = "mesonet.agron.iastate.edu"
#: Kinds of station reports: routine and special ones, and those of every five minutes.
ROUTINE, SPECIAL, FIVE_MINUTES = "3", "4", "1"

_BETWEEN_PRODUCTS = re.compile(r"[\x01\x03]+")


class IemClient(ServiceClient):
    """Reads archives; errors are those of the transport and InvalidDataError."""

    @classmethod
    def from_settings(cls, *, capture: Callable[[Captured], None] | None = None) -> Self:
        """Return a client with the address, identity and rate limit of the settings."""
        return cls(
            http=HttpTransport(
                base_url=settings.IEM_API_URL,
                source=SOURCE,
                user_agent=settings.NWS_USER_AGENT,
                rate_per_second=settings.IEM_RATE_LIMIT_PER_SECOND,
                timeout_seconds=30.0,
                capture=capture,
            )
        )

    def climate_days(self, *, icao: str, cli_id: str, year: int) -> Rows[IemClimateDay]:
        """Return the highs and lows of a year's climate reports.

        The latest product of a day wins there, be it partial or final; see
        :meth:`IemClimateDay.is_partial`.
        """
        body = self._http.get_json("/json/cli.py", params={"station": icao, "year": year})
        items = _list(body, "results", what="climate reports")
        return climate_days(items, icao=icao, pil=f"CLI{cli_id}", year=year)

    def product_list(self, *, pil: str, date: dt.date) -> Rows[ListedProduct]:
        """Return the issuances of a product on a UTC day."""
        body = self._http.get_json(
            "/api/1/nws/afos/list.json", params={"pil": pil, "date": date.isoformat()}
        )
        return listed_products(_list(body, "data", what="products"), pil=pil)

    def product_text(self, product_id: str) -> str:
        """Return the text of an issuance.

        Raises:
            InvalidDataError: If the identifier is none, or the text is of another product.
        """
        product = parse_product_id(product_id)
        text = _text(self._http.get(f"/api/1/nwstext/{product.text}"))
        if product.pil not in (line.strip() for line in text.splitlines()[:6]):
            raise InvalidDataError(
                f"{SOURCE} sent a text that is not the {product.pil} asked for.",
                {"product": product.text, "excerpt": text[:100]},
            )
        return text

    def daily_summary_messages(self, pils: Sequence[str], *, limit: int) -> tuple[str, ...]:
        """Return the latest daily summary messages (DSM) of several stations, as sent.

        The archive keeps an answer for ten minutes under the first identifier and the limit, so a
        call for other stations should differ in one of them.

        Args:
            pils: AWIPS identifiers, e.g. ``DSMNYC``.
            limit: Messages of all stations together, the newest ones.

        Raises:
            DataUnavailable: If there is none.
        """
        text = _text(
            self._http.get(
                "/cgi-bin/afos/retrieve.py",
                params={"pil": ",".join(pils), "limit": limit, "fmt": "text"},
            )
        )
        products = (product.strip() for product in _BETWEEN_PRODUCTS.split(text))
        return tuple(product for product in products if product)

    def metars(
        self,
        station: str,
        *,
        start: dt.datetime,
        end: dt.datetime,
        with_five_minutes: bool = False,
    ) -> Rows[ArchivedMetar]:
        """Return station reports from ``start`` up to ``end``.

        Args:
            station: Three letters for stations of the United States, e.g. ``NYC``.
            start: First moment.
            end: Moment after the last.
            with_five_minutes: Whether to include those of every five minutes, in whole °C.
        """
        kinds = [ROUTINE, SPECIAL, *([FIVE_MINUTES] if with_five_minutes else [])]
        fetched = self._http.get(
            "/cgi-bin/request/asos.py",
            params={
                "station": station,
                "data": "metar",
                "report_type": kinds,
                "sts": _minute(start, name="start"),
                "ets": _minute(end, name="end"),
                "tz": "Etc/UTC",
                "format": "onlycomma",
                "missing": "M",
            },
        )
        return metars(_text(fetched), station=station)

    def nbs_archive(self, icao: str, *, start: dt.datetime, end: dt.datetime) -> Rows[ArchivedNbm]:
        """Return the maxima and minima of the NBM short-range bulletins run in a period.

        Args:
            icao: Four letters; three give no rows.
            start: First run.
            end: Moment after the last run.
        """
        fetched = self._http.get(
            "/cgi-bin/request/mos.py",
            params={
                "station": icao,
                "model": "NBS",
                "sts": _minute(start, name="start"),
                "ets": _minute(end, name="end"),
                "format": "csv",
            },
        )
        return nbm_extremes(_text(fetched), icao=icao)


def _minute(moment: dt.datetime, *, name: str) -> str:
    return f"{require_utc(moment, name=name):%Y-%m-%dT%H:%MZ}"


def _list(body: Any, key: str, *, what: str) -> list[Any]:
    items = body.get(key) if isinstance(body, dict) else None
    if not isinstance(items, list):
        raise InvalidDataError(f"{SOURCE} sent no list of {what}.", {"source": SOURCE})
    return items


def _text(fetched: Fetched) -> str:
    """Return a body that is neither empty, nor a web page, nor an error in words."""
    text = fetched.text
    start = text.lstrip("\ufeff\x01\x03 \t\r\n")
    context = {
        "source": SOURCE,
        "url": fetched.url,
        "status": fetched.status,
        "excerpt": start[:200],
    }
    if not start:
        raise TransientError(f"{SOURCE} sent an empty answer.", context)
    if "html" in fetched.content_type or start.startswith("<"):
        raise TransientError(f"{SOURCE} sent a web page instead of text.", context)
    if start[:5].upper() == "ERROR":
        raise DataUnavailable(f"{SOURCE} has nothing for this request.", context)
    return text
