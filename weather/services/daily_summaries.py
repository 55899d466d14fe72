"""Take in the daily summary messages (DSM) of the stations, from the Mesonet's archive of texts."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from contextlib import ExitStack
from functools import partial

from boz.core.errors import InvalidDataError
from boz.core.http import Captured
from weather.clients.iem import IemClient
from weather.domain.daily_summary_message import (
    DailySummaryMessage,
    parse_daily_summary_messages,
)
from weather.models import DailySummary, ForecastSource, Station
from weather.services.forecast_rows import require_issued
from weather.services.intake import Intake, Task
from weather.services.payloads import store_with_payload
from weather.services.repeated_refusals import RepeatedRefusals
from weather.sources import DSM

#: Stations per call; all of the table fit into one.
CHUNK = 30
#: A station sends two to four a day, and corrections: this reaches back two days. The service
#: counts all stations of a call together.
MESSAGES_PER_STATION = 8
RAW_AT_MOST = 4000

Texts = tuple[str, ...]


class DailySummaryMessages(Intake[Texts]):
    """The latest messages of all active stations in one call; every issuance is kept."""

    source_code = DSM

    def __init__(self, *, now: dt.datetime, client: IemClient | None = None) -> None:
        """Prepare; ``client`` replaces the ordinary one."""
        super().__init__(now=now)
        self._client = client or IemClient.from_settings(capture=self.captures)
        self._by_icao = {item.icao: item for item in Station.objects.filter(is_active=True)}
        self._refusals = RepeatedRefusals(self.run)
        self._stored = 0

    def tasks(self, stack: ExitStack) -> Sequence[Task[Texts]]:
        """Plan one call per chunk of stations."""
        client = stack.enter_context(self._client)
        stations = list(self._by_icao.values())
        chunks = [stations[first : first + CHUNK] for first in range(0, len(stations), CHUNK)]
        return [
            Task(
                ", ".join(item.code for item in chunk),
                partial(
                    client.daily_summary_messages,
                    [f"DSM{item.cli_id}" for item in chunk],
                    limit=MESSAGES_PER_STATION * len(chunk),
                ),
                tuple(item.code for item in chunk),
            )
            for chunk in chunks
        ]

    def store(self, task: Task[Texts], answer: Texts, captured: Sequence[Captured]) -> int:
        """Write the messages not stored yet; an unreadable one does not hold up the others."""
        rows = [row for text in answer for row in self._rows(text, captured)]
        stored = _store(rows, captured=captured[-1] if captured else None)
        self._stored += stored
        return stored

    def done(self) -> dict[str, int]:
        """Return new rows."""
        return {"daily_summaries": self._stored}

    def _rows(self, text: str, captured: Sequence[Captured]) -> list[DailySummary]:
        """Return the unsaved rows of one product."""
        try:
            messages, problems = parse_daily_summary_messages(
                text,
                around=self.now,
                offset_by_station={
                    icao: station.standard_offset for icao, station in self._by_icao.items()
                },
            )
        except InvalidDataError as error:
            self._refusals.leave_out(_first_words(text), error, captured=captured)
            return []
        for problem in problems:
            self._refusals.leave_out(
                _first_words(problem.text),
                InvalidDataError(problem.reason, {"message": problem.text}),
                captured=captured,
                station=self._by_icao[problem.icao],
            )
        rows = []
        for message in messages:
            station = self._by_icao[message.icao]
            try:
                require_issued(message.issued_at, now=self.now, what="A daily summary message")
            except InvalidDataError as error:
                self._refusals.leave_out(
                    _first_words(text), error, captured=captured, station=station
                )
                continue
            self.run.note_issue(message.issued_at)
            self.run.count_values(seen=1, missing=message.max_f is None)
            rows.append(_row(message, text, station=station, source=self.source, now=self.now))
        return rows


def _row(
    message: DailySummaryMessage,
    text: str,
    *,
    station: Station,
    source: ForecastSource,
    now: dt.datetime,
) -> DailySummary:
    statuses = DailySummary.Status
    return DailySummary(
        station=station,
        source=source,
        climate_day=message.climate_day,
        max_f=message.max_f,
        max_time_lst=message.max_time_lst,
        min_f=message.min_f,
        min_time_lst=message.min_time_lst,
        status=statuses.FINAL if message.valid_until_lst is None else statuses.PARTIAL,
        valid_until=_valid_until(message, station=station),
        is_correction=message.is_correction,
        raw=text[:RAW_AT_MOST],
        issued_at=message.issued_at,
        available_at=max(now, message.issued_at),
        fetched_at=now,
    )


def _valid_until(message: DailySummaryMessage, *, station: Station) -> dt.datetime | None:
    """Return the end of what a partial message covers, in UTC."""
    if message.valid_until_lst is None:
        return None
    start, _ = station.climate_day_bounds(message.climate_day)
    time = dt.time.fromisoformat(message.valid_until_lst)
    return start + dt.timedelta(hours=time.hour, minutes=time.minute)


def _store(rows: Sequence[DailySummary], *, captured: Captured | None) -> int:
    """Write the messages not stored yet, together with the answer they came from."""
    if not rows:
        return 0
    known = {
        _key(row)
        for row in DailySummary.objects.filter(
            source=rows[0].source,
            station__in={row.station_id for row in rows},
            issued_at__gte=min(row.issued_at for row in rows),
        )
    }
    # The archive gives the newest first: of two under one name, the later entry stands.
    keyed = {_key(row): row for row in reversed(rows)}
    new = [row for key, row in keyed.items() if key not in known]
    store_with_payload(new, captured)
    return len(new)


def _key(row: DailySummary) -> tuple[object, ...]:
    return (row.station_id, row.climate_day, row.issued_at, row.is_correction, row.status)


def _first_words(text: str) -> str:
    return " ".join(text.split())[:80]
