"""Official highs of the past: the last climate report of each day that the archive knows.

The archive keeps one report per day, the last one issued, and does not say whether it was a
partial one; the time of its issuance does. It became known when it was issued, so of a day with a
late correction nothing is known before the correction: later than it was, never earlier.
"""

from __future__ import annotations

import datetime as dt

from boz.core.errors import InvalidDataError
from weather.clients.iem import IemClient
from weather.clients.iem_rows import IemClimateDay, Rows
from weather.models import ClimateReport, ForecastSource, Station
from weather.services.forecast_rows import CLOCK_TOLERANCE
from weather.services.history.archive import Archive, Kind, Problem, Readout
from weather.services.history.spans import DaySpan, Period
from weather.sources import IEM_CLI

#: From the time in a report's heading until everybody could have read it, on the safe side.
AVAILABLE_AFTER = dt.timedelta(minutes=15)
#: Mark of a corrected report in its heading; others mean that it is late or repeated.
CORRECTION = "CC"


class ClimateDays(Archive[Rows[IemClimateDay]]):
    """Climate reports of the Mesonet archive, a year in one call."""

    kind = Kind.TRUTH
    period = Period.YEAR
    reach = dt.timedelta(days=730)
    #: Corrections have come three weeks after their day.
    settles_after = dt.timedelta(days=30)
    source_code = IEM_CLI

    def __init__(self, client: IemClient) -> None:
        """Take the client."""
        self._client = client

    def fetch(self, station: Station, days: DaySpan) -> Rows[IemClimateDay]:
        """Ask for the year of the days, which lie in one."""
        return self._client.climate_days(
            icao=station.icao, cli_id=station.cli_id, year=days.first.year
        )

    def read(
        self,
        answer: Rows[IemClimateDay],
        *,
        station: Station,
        days: DaySpan,
        source: ForecastSource,
        now: dt.datetime,
    ) -> Readout:
        """Return one report per day; one that contradicts the report's own text is refused."""
        problems = [
            Problem(f"{station.code} {subject}", reason)
            for subject, reason in answer.problems
            if _concerns(subject, days)
        ]
        texts = _known_texts(station, days)
        rows: list[ClimateReport] = []
        for item in answer.rows:
            if item.climate_day not in days:
                continue
            try:
                _check(item, station=station, texts=texts, now=now)
            except InvalidDataError as error:
                problems.append(Problem.of(f"{station.code} {item.product.text}", error))
                continue
            rows.append(_row(item, station=station, source=source, now=now))
        return Readout(list(rows), problems)


def _concerns(subject: str, days: DaySpan) -> bool:
    """Say whether a refused row may be one of the days; one without a readable day may be."""
    try:
        return dt.date.fromisoformat(subject) in days
    except ValueError:
        return True


def _known_texts(station: Station, days: DaySpan) -> dict[tuple[dt.date, dt.datetime], int | None]:
    """Return the maxima of reports that were read from their text, by day and issuance."""
    rows = ClimateReport.objects.filter(
        station=station,
        climate_day__range=(days.first, days.last),
        withdrawn_at__isnull=True,
    ).exclude(source__code=IEM_CLI)
    return {
        (day, issued_at): max_f
        for day, issued_at, max_f in rows.values_list("climate_day", "issued_at", "max_f")
    }


def _check(
    item: IemClimateDay,
    *,
    station: Station,
    texts: dict[tuple[dt.date, dt.datetime], int | None],
    now: dt.datetime,
) -> None:
    issued_at = item.product.issued_at
    start, _ = station.climate_day_bounds(item.climate_day)
    if issued_at < start or issued_at > now + CLOCK_TOLERANCE:
        raise InvalidDataError(
            f"A climate report for {item.climate_day} issued at {issued_at:%Y-%m-%d %H:%M}Z does "
            "not fit the calendar.",
            {"product_id": item.product.text},
        )
    known = (item.climate_day, issued_at)
    if known in texts and texts[known] != item.high_f:
        raise InvalidDataError(
            f"The archive gives {item.high_f} °F as the maximum of a report whose text says "
            f"{texts[known]} °F; the text counts.",
            {"product_id": item.product.text},
        )


def _row(
    item: IemClimateDay, *, station: Station, source: ForecastSource, now: dt.datetime
) -> ClimateReport:
    return ClimateReport(
        station=station,
        source=source,
        product_id=item.product.text,
        climate_day=item.climate_day,
        max_f=item.high_f,
        min_f=item.low_f,
        is_preliminary=item.is_partial(standard_offset=station.standard_offset),
        is_correction=item.product.bbb.startswith(CORRECTION),
        issued_at=item.product.issued_at,
        available_at=item.product.issued_at + AVAILABLE_AFTER,
        fetched_at=now,
    )
