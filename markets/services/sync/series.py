"""Series rows: one per active station, with the authority they settle on."""

from __future__ import annotations

import datetime as dt

from markets.clients.kalshi.objects import ExchangeSeries
from markets.models import Series
from markets.series_registry import SERIES_BY_STATION
from markets.services.sync.watcher import stop_entries
from weather.models import Station

_TITLE_CHARS = 160


def wanted_series() -> dict[str, Station]:
    """Return the ticker of each series to sync with its station.

    A series is wanted while its station is active, unless it has been switched off itself.
    """
    stations = Station.objects.filter(is_active=True, code__in=SERIES_BY_STATION)
    switched_off = set(Series.objects.filter(is_active=False).values_list("ticker", flat=True))
    wanted = {SERIES_BY_STATION[station.code]: station for station in stations}
    return {ticker: wanted[ticker] for ticker in sorted(wanted.keys() - switched_off)}


def known_series() -> dict[str, Series]:
    """Return the rows of all wanted series by ticker; those not stored yet are made."""
    wanted = wanted_series()
    Series.objects.bulk_create(
        [Series(ticker=ticker, station=station) for ticker, station in wanted.items()],
        ignore_conflicts=True,
    )
    rows = Series.objects.filter(ticker__in=wanted).select_related("station").order_by("ticker")
    return {row.ticker: row for row in rows}


def write_series(
    listed: dict[str, ExchangeSeries], stations: dict[str, Station], *, now: dt.datetime
) -> dict[str, Series]:
    """Store listed series and return their rows by ticker.

    A change of the authority that they settle on stops new entries.
    """
    rows = {
        row.ticker: row
        for row in Series.objects.select_related("station").filter(ticker__in=listed)
    }
    for ticker, exchange in listed.items():
        sources = [source.as_json() for source in exchange.settlement_sources]
        title = exchange.title[:_TITLE_CHARS]
        row = rows.get(ticker)
        if row is None:
            rows[ticker] = Series.objects.create(
                ticker=ticker, station=stations[ticker], title=title, settlement_sources=sources
            )
            continue
        changed = []
        if row.settlement_sources != sources:
            # An empty list is how a series starts that was imported, not a changed authority.
            if row.settlement_sources:
                stop_entries(
                    row,
                    what="settlement sources",
                    subject=ticker,
                    before=row.settlement_sources,
                    after=sources,
                    now=now,
                )
            row.settlement_sources = sources
            changed.append("settlement_sources")
        if row.title != title:
            row.title = title
            changed.append("title")
        if changed:
            row.save(update_fields=changed)
    return rows
