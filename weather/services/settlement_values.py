"""Take in The Weather Company's daily values: the second reading of what ladders settle on.

UNVERIFIED: nobody describes the interface but those who have looked at it; so a value is taken only
when everything about it fits, and it is evidence for nothing but the settlement.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from contextlib import ExitStack
from functools import partial

from boz.core.errors import InvalidDataError
from boz.core.http import Captured
from weather.clients.weather_company import (
    DailyValue,
    DailyValues,
    Status,
    WeatherCompanyClient,
)
from weather.domain.temperature import unit_mixup
from weather.models import DailySummary, Station
from weather.services.forecast_rows import recent_highs, require_issued
from weather.services.intake import Intake, Task
from weather.services.payloads import store_with_payload
from weather.services.repeated_refusals import RepeatedRefusals
from weather.sources import WEATHER_COMPANY

#: Today and yesterday are always asked for; older days as long as they lack a value that settles.
ALWAYS = 2
DAYS_BACK = 6

STATUSES = {
    Status.OFFICIAL: DailySummary.Status.FINAL,
    Status.PRELIMINARY: DailySummary.Status.PRELIMINARY,
    Status.REVISED: DailySummary.Status.REVISED,
}
SETTLING = frozenset({DailySummary.Status.FINAL, DailySummary.Status.REVISED})


class SettlementValues(Intake[DailyValues]):
    """The values of the last days, one call per day for all stations."""

    source_code = WEATHER_COMPANY

    def __init__(self, *, now: dt.datetime, client: WeatherCompanyClient | None = None) -> None:
        """Prepare; ``client`` replaces the ordinary one."""
        super().__init__(now=now)
        self._client = client or WeatherCompanyClient.from_settings(capture=self.captures)
        self._by_site = {item.cli_id: item for item in Station.objects.filter(is_active=True)}
        self._recent_highs = recent_highs(tuple(self._by_site.values()), now=now)
        self._refusals = RepeatedRefusals(self.run)
        self._stored = 0

    def tasks(self, stack: ExitStack) -> Sequence[Task[DailyValues]]:
        """Plan one call per climate day."""
        client = stack.enter_context(self._client)
        codes = tuple(station.code for station in self._by_site.values())
        return [
            Task(day.isoformat(), partial(client.daily_values, day), codes)
            for day in self._wanted_days()
        ]

    def store(
        self, task: Task[DailyValues], answer: DailyValues, captured: Sequence[Captured]
    ) -> int:
        """Write what is not the same as the latest that is stored."""
        day = dt.date.fromisoformat(task.subject)
        for subject, reason in answer.problems:
            station = self._by_site.get(subject)
            if station is not None or subject == "unknown":
                error = InvalidDataError(reason, {"day": task.subject})
                self._refusals.leave_out(
                    f"{subject} {day}", error, captured=captured, station=station
                )
        self._count(day, answer)
        stored = sum(self._take(value, captured) for value in answer.values)
        self._stored += stored
        return stored

    def done(self) -> dict[str, int]:
        """Return new rows."""
        return {"settlement_values": self._stored}

    def _wanted_days(self) -> list[dt.date]:
        """Return the days to ask for, newest first; zones may be on different days."""
        days: set[dt.date] = set()
        for station in self._by_site.values():
            today = station.climate_day(self.now)
            last = [today - dt.timedelta(days=back) for back in range(DAYS_BACK + 1)]
            settled = self._settled(station, since=last[-1])
            days.update(last[:ALWAYS])
            days.update(day for day in last[ALWAYS:] if day not in settled)
        return sorted(days, reverse=True)

    def _settled(self, station: Station, *, since: dt.date) -> set[dt.date]:
        """Return the days whose latest value is one that settles."""
        rows = DailySummary.objects.known(self.now).filter(
            station=station, source=self.source, climate_day__gte=since
        )
        latest = dict(
            rows.order_by("issued_at", "available_at", "pk").values_list("climate_day", "status")
        )
        return {day for day, status in latest.items() if status in SETTLING}

    def _count(self, day: dt.date, answer: DailyValues) -> None:
        """Count the values that a day that is over should have."""
        given = {value.cli_id for value in answer.values if value.max_f is not None}
        over = [
            site
            for site, station in self._by_site.items()
            if station.climate_day_bounds(day)[1] <= self.now
        ]
        self.run.count_values(seen=len(over), missing=sum(site not in given for site in over))

    def _take(self, value: DailyValue, captured: Sequence[Captured]) -> int:
        """Store one value; return how many rows are new."""
        station = self._by_site.get(value.cli_id)
        if station is None or value.status is Status.NO_REPORT or value.max_f is None:
            return 0
        try:
            _require_fitting(value, station=station, now=self.now)
            _require_fahrenheit(value, reference_f=self._recent_highs.get(station.pk))
        except InvalidDataError as error:
            subject = f"{station.code} {value.climate_day}"
            self._refusals.leave_out(subject, error, captured=captured, station=station)
            return 0
        if value.issued_at is not None:
            self.run.note_issue(value.issued_at)
        row = self._changed(value, station)
        if row is None:
            return 0
        self.run.note_issue(row.issued_at)
        store_with_payload([row], captured[-1] if captured else None)
        return 1

    def _changed(self, value: DailyValue, station: Station) -> DailySummary | None:
        """Return an unsaved row, None when the latest stored one says the same.

        One that was withdrawn counts as well: a repetition must not undo the withdrawal.
        """
        status = STATUSES[value.status]
        latest = (
            DailySummary.objects.filter(
                station=station, source=self.source, climate_day=value.climate_day
            )
            .order_by("-issued_at", "-available_at", "-pk")
            .first()
        )
        if latest is not None and (latest.max_f, latest.status) == (value.max_f, status):
            return None
        issued_at = value.issued_at
        if issued_at is None or (latest is not None and issued_at <= latest.issued_at):
            # What is said now takes the place of what was said before, whatever time it bears.
            issued_at = self.now
        return DailySummary(
            station=station,
            source=self.source,
            climate_day=value.climate_day,
            max_f=value.max_f,
            status=status,
            issued_at=issued_at,
            available_at=max(self.now, issued_at),
            fetched_at=self.now,
        )


def _require_fitting(value: DailyValue, *, station: Station, now: dt.datetime) -> None:
    """Refuse a value that cannot be of this station and day.

    Raises:
        InvalidDataError: If the station or the calendar does not fit.
    """
    what = f"The Weather Company's value for {station.name} on {value.climate_day}"
    if value.icao and value.icao != station.icao:
        raise InvalidDataError(
            f"{what} is of {value.icao}, not of {station.icao}.", {"icao": value.icao}
        )
    said_at = value.issued_at or now
    require_issued(said_at, now=now, what=what)
    start, end = station.climate_day_bounds(value.climate_day)
    context = {"issued_at": said_at.isoformat(), "status": str(value.status)}
    if said_at < start:
        raise InvalidDataError(f"{what} was issued before the day began.", context)
    if STATUSES[value.status] in SETTLING and said_at < end:
        raise InvalidDataError(f"{what} is called {value.status} before the day is over.", context)


def _require_fahrenheit(value: DailyValue, *, reference_f: float | None) -> None:
    """Refuse a value that fits recent highs only after a change of unit.

    Raises:
        InvalidDataError: If it does.
    """
    if value.max_f is None or reference_f is None:
        return
    mixup = unit_mixup(value.max_f, reference_f=reference_f)
    if mixup is not None:
        raise InvalidDataError(
            f"A daily value of {value.max_f} °F after recent highs near {reference_f:g} °F looks "
            f"like {mixup}; it is refused.",
            {"max_f": value.max_f, "reference_f": reference_f},
        )
