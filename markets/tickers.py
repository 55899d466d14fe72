"""The one thing that is read out of a ticker: the climate day of an event.

Brackets are never read from tickers or labels; see :mod:`markets.domain.brackets`.
"""

from __future__ import annotations

import datetime as dt
import re

from boz.core.errors import InvalidDataError

_EVENT = re.compile(r"(?P<series>[A-Z][A-Z0-9]*)-(?P<year>\d{2})(?P<month>[A-Z]{3})(?P<day>\d{2})")
_MONTHS = {
    name: number
    for number, name in enumerate(
        ("JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC"), 1
    )
}


def event_climate_day(event_ticker: str, *, series_ticker: str) -> dt.date:
    """Return the observation day of an event ticker such as ``KXHIGHNY-26NOV20``.

    Events before October 2024 lack the series' ``KX``.

    Raises:
        InvalidDataError: If the ticker has another form or belongs to another series.
    """
    found = _EVENT.fullmatch(event_ticker)
    if found is None or found["month"] not in _MONTHS:
        raise InvalidDataError(
            f"The event ticker '{event_ticker}' does not end in a day such as 26NOV20.",
            {"event": event_ticker},
        )
    if found["series"].removeprefix("KX") != series_ticker.removeprefix("KX"):
        raise InvalidDataError(
            f"The event '{event_ticker}' does not belong to the series {series_ticker}.",
            {"event": event_ticker, "series": series_ticker},
        )
    try:
        return dt.date(2000 + int(found["year"]), _MONTHS[found["month"]], int(found["day"]))
    except ValueError:
        raise InvalidDataError(
            f"The event ticker '{event_ticker}' names a day that does not exist.",
            {"event": event_ticker},
        ) from None
