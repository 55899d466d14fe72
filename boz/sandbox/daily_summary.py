"""Daily summary messages (DSM): the station's own count of its day, in whole °F."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

from boz.sandbox.places import Place


@dataclass(frozen=True, slots=True)
class DailySummary:
    """One message; times are local standard time.

    Args:
        as_of_hour: Hour up to which a message of the running day goes; None for the whole day.
        day_max_f: Maximum from 07 to 19.
        night_min_f: Minimum from 19 to 07.
    """

    place: Place
    day: dt.date
    issued_at: dt.datetime
    as_of_hour: int | None
    max_f: int
    max_time_lst: dt.time
    min_f: int
    min_time_lst: dt.time
    day_max_f: int
    night_min_f: int

    @property
    def pil(self) -> str:
        """Return the product's name, e.g. ``DSMNYC``."""
        return f"DSM{self.place.cli_site}"

    @property
    def product_id(self) -> str:
        """Return the archive's name, e.g. ``202607160020-KOKX-CXUS41-DSMNYC``."""
        place = self.place
        return f"{self.issued_at:%Y%m%d%H%M}-{place.cli_office}-{place.summary_heading}-{self.pil}"

    def text(self) -> str:
        """Return the message as the archive keeps it, below the line of its sequence number."""
        place = self.place
        hour = "" if self.as_of_hour is None else f"{self.as_of_hour:02d}00 "
        body = (
            f"{place.station} DS {hour}{self.day:%d/%m} "
            f"{self.max_f}{self.max_time_lst:%H%M}/{self.min_f:3d}{self.min_time_lst:%H%M}//"
            f"{self.day_max_f:3d}/{self.night_min_f:3d}//0101200/00/"
        )
        return "\n".join(
            [
                "000 ",
                f"{place.summary_heading} {place.cli_office} {self.issued_at:%d%H%M}",
                self.pil,
                f"{body}00/00/00/00/00/",
                "00/00/00/00/00/00/00/00/00/00/00/00/00/00/00/00/00/00/00/87/01201714/",
                "01261653/8=",
                "",
            ]
        )
