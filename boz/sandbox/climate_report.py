"""Climate report texts in the layout of the real product.

Of recorded days only the maximum and the issue time are known; every other value reads ``MM``, the
product's own word for missing.
"""

from __future__ import annotations

import datetime as dt
import uuid
from dataclasses import dataclass
from zoneinfo import ZoneInfo

from boz.core.clock import UTC
from boz.sandbox.places import BY_STATION, EVERY_PLACE, Place
from boz.sandbox.recordings.loader import Recordings

_NUMBERS = {place.station: number for number, place in enumerate(EVERY_PLACE)}
#: The part of an identifier that is the same in all of them.
_UUID_REST = (0x4B07, 0x8A, 0x2E, 0xC11)


@dataclass(frozen=True, slots=True)
class ClimateReport:
    """One issuance: what it says, when, and where that is known from.

    ``valid_as_of`` is the local time of a partial report (``0400 PM``), empty for a final one;
    times of extremes are as the office writes them, empty when unknown.
    """

    place: Place
    day: dt.date
    issued_at: dt.datetime
    max_f: int
    max_time_lst: str
    valid_as_of: str
    derived_from: str
    min_f: int | None = None
    min_time_lst: str = ""
    normal_max_f: int | None = None

    @property
    def pil(self) -> str:
        """Return the product's name, e.g. ``CLINYC``."""
        return f"CLI{self.place.cli_site}"

    @property
    def is_final(self) -> bool:
        """Say whether the report is about a whole day."""
        return not self.valid_as_of

    @property
    def product_id(self) -> str:
        """Return the archive's name, e.g. ``202411272125-KMFL-CDUS42-CLIMIA``."""
        return (
            f"{self.issued_at:%Y%m%d%H%M}-{self.place.cli_office}-{self.place.wmo_heading}"
            f"-{self.pil}"
        )

    @property
    def uuid(self) -> str:
        """Return the identifier in the weather service's interface; see :func:`issue_of`."""
        minutes = int(self.issued_at.timestamp()) // 60
        return str(uuid.UUID(fields=(minutes, _NUMBERS[self.place.station], *_UUID_REST)))

    def text(self) -> str:
        """Return the product's text as the interface delivers it."""
        place = self.place
        local = self.issued_at.astimezone(ZoneInfo(place.time_zone))
        clock = f"{local:%I%M %p}".lstrip("0")
        minimum = "MM" if self.min_f is None else str(self.min_f)
        average = "MM" if self.min_f is None else str((self.max_f + self.min_f + 1) // 2)
        stamp = f"{clock} {local.tzname()} {local:%a %b %d %Y}".upper()
        day = f"{self.day:%B} {self.day.day} {self.day.year}".upper()
        partial = [f"VALID TODAY AS OF {self.valid_as_of} LOCAL TIME."] if self.valid_as_of else []
        return "\n".join(
            [
                "",
                "000",
                f"{place.wmo_heading} {place.cli_office} {self.issued_at:%d%H%M}",
                f"CLI{place.cli_site}",
                "",
                "CLIMATE REPORT ",
                place.cli_office_line,
                stamp,
                "",
                "...................................",
                "",
                f"...THE {place.cli_headline} CLIMATE SUMMARY FOR {day}...",
                *partial,
                "",
                "CLIMATE NORMAL PERIOD 1991 TO 2020",
                "",
                "",
                "WEATHER ITEM   OBSERVED TIME   RECORD YEAR NORMAL DEPARTURE LAST      ",
                "                VALUE   (LST)  VALUE       VALUE  FROM      YEAR     ",
                "                                                  NORMAL           ",
                "...................................................................",
                "TEMPERATURE (F)                                                          ",
                " TODAY" if self.valid_as_of else " YESTERDAY",
                _row("MAXIMUM", str(self.max_f), self.max_time_lst, self.normal_max_f),
                _row("MINIMUM", minimum, self.min_time_lst),
                _row("AVERAGE", average, "" if self.min_f is None else " "),
                "",
                "...................................................................",
                "",
                "",
                "-  INDICATES NEGATIVE NUMBERS.",
                "R  INDICATES RECORD WAS SET OR TIED.",
                "MM INDICATES DATA IS MISSING.",
                "T  INDICATES TRACE AMOUNT.",
                "",
                "$$",
                "",
            ]
        )


def climate_reports(recordings: Recordings) -> tuple[ClimateReport, ...]:
    """Return every issuance in order of issue: one final report a day, or the recorded ones."""
    recorded = [
        ClimateReport(
            place=BY_STATION[report.station],
            day=report.day,
            issued_at=report.issued_at,
            max_f=report.max_f,
            max_time_lst=report.max_time_lst,
            valid_as_of=report.valid_as_of,
            derived_from="recorded maximum and issue time",
        )
        for report in recordings.reports
    ]
    known = {(report.place.station, report.day) for report in recorded}
    finals = [
        _final(BY_STATION[high.station], high.day, high.high_f)
        for high in recordings.highs
        if (high.station, high.day) not in known
    ]
    return tuple(sorted(recorded + finals, key=lambda item: (item.issued_at, item.product_id)))


def _final(place: Place, day: dt.date, high_f: int) -> ClimateReport:
    issued = dt.datetime.combine(day + dt.timedelta(days=1), place.final_report_utc, tzinfo=UTC)
    return ClimateReport(place, day, issued, high_f, "", "", "daily highs")


def issue_of(identifier: str) -> tuple[Place, dt.datetime] | None:
    """Return place and minute of issue that an identifier names, None if it is not one of ours."""
    try:
        number = uuid.UUID(identifier)
        minutes, place, *rest = number.fields
        if tuple(rest) != _UUID_REST:
            return None
        return EVERY_PLACE[place], dt.datetime.fromtimestamp(60 * minutes, tz=UTC)
    except (IndexError, ValueError):
        return None


def _row(label: str, value: str, time_lst: str, normal: int | None = None) -> str:
    mean = "MM" if normal is None else str(normal)
    return (
        f"  {label}{value:>11} {time_lst or 'MM':>9}  MM      MM  {mean:<3}    MM       MM       "
    )
