"""The places of the local world, as the outside services describe them.

Where a station lies and what its report is called is the product's own list of stations; what only
the services know (office names, headings, schedules, grid cells) stands here.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

from weather.stations import STATIONS, StationFacts


@dataclass(frozen=True, slots=True)
class Place:
    """One city: its station, forecast office, grid point, climate report and series.

    Args:
        report_minute: Minute of the hour at which the station makes its routine report.
        has_five_minute_rows: Whether the weather service also has readings every five minutes.
        has_colon_times: Whether the office writes ``2:56 PM`` in reports rather than ``256 PM``.
        final_report_utc: When the final climate report of a day is issued the next morning.
        partial_reports: Local civil times up to which reports of the running day are valid.
        summary_hours: Hours of standard time up to which summary messages of the running day go.
        standard_offset: Fixed offset of local standard time from UTC.
        series: Series of the exchange's recorded markets; empty when none were recorded.
    """

    city: str
    station: str
    station_name: str
    latitude: float
    longitude: float
    elevation_m: float
    office: str
    radar: str
    grid_x: int
    grid_y: int
    time_zone: str
    standard_offset: dt.timedelta
    report_minute: int
    has_five_minute_rows: bool
    cli_site: str
    cli_office: str
    cli_office_line: str
    cli_headline: str
    wmo_heading: str
    has_colon_times: bool
    final_report_utc: dt.time
    partial_reports: tuple[dt.time, ...]
    summary_hours: tuple[int, ...]
    series: str = ""
    series_title: str = ""
    title_city: str = ""
    rules_place: str = ""

    @property
    def grid(self) -> tuple[str, int, int]:
        """Return office, column and row of the forecast grid cell."""
        return self.office, self.grid_x, self.grid_y

    @property
    def summary_heading(self) -> str:
        """Return the heading of the summary messages, e.g. ``CXUS41``."""
        return f"CXUS{self.wmo_heading[-2:]}"

    def day_start(self, day: dt.date) -> dt.datetime:
        """Return the start of a climate day in UTC."""
        return dt.datetime.combine(day, dt.time(0), tzinfo=dt.UTC) - self.standard_offset


@dataclass(frozen=True, slots=True)
class _Office:
    """A forecast office: heading of its reports, its name there, its way of writing times."""

    heading: str
    line: str
    has_colon_times: bool = True


_OFFICES = {
    "OKX": _Office("CDUS41", "NEW YORK, NY", has_colon_times=False),
    "PHI": _Office("CDUS41", "MOUNT HOLLY NJ"),
    "LWX": _Office("CDUS41", "BALTIMORE MD/WASHINGTON DC"),
    "BOX": _Office("CDUS41", "BOSTON/NORTON MA", has_colon_times=False),
    "MFL": _Office("CDUS42", "MIAMI,FL"),
    "FFC": _Office("CDUS42", "PEACHTREE CITY GA", has_colon_times=False),
    "LOT": _Office("CDUS43", "CHICAGO IL"),
    "MPX": _Office("CDUS43", "TWIN CITIES/CHANHASSEN MN"),
    "LMK": _Office("CDUS43", "LOUISVILLE KY"),
    "EWX": _Office("CDUS44", "AUSTIN/SAN ANTONIO TX"),
    "HGX": _Office("CDUS44", "HOUSTON/GALVESTON TX"),
    "FWD": _Office("CDUS44", "FORT WORTH TX", has_colon_times=False),
    "LIX": _Office("CDUS44", "NEW ORLEANS LA"),
    "OUN": _Office("CDUS44", "NORMAN OK"),
    "BOU": _Office("CDUS45", "DENVER/BOULDER CO", has_colon_times=False),
    "VEF": _Office("CDUS45", "LAS VEGAS NV"),
    "PSR": _Office("CDUS45", "PHOENIX AZ"),
    "LOX": _Office("CDUS46", "LOS ANGELES/OXNARD CA"),
    "MTR": _Office("CDUS46", "SAN FRANCISCO CA"),
    "SEW": _Office("CDUS46", "SEATTLE WA"),
    "SGX": _Office("CDUS46", "SAN DIEGO CA"),
}
#: Grid cells as last seen; those of DEN, LAX, HOU, BOS, SDF, EWR, SAN and TTN are invented.
_CELLS = {
    "NY": (34, 45), "CHI": (72, 69), "MIA": (106, 51), "AUS": (159, 88), "DEN": (74, 66),
    "PHIL": (48, 72), "LAX": (148, 41), "HOU": (67, 92), "ATL": (50, 82), "BOS": (73, 91),
    "DAL": (80, 109), "DC": (97, 69), "LV": (122, 94), "MIN": (110, 68), "NOLA": (60, 90),
    "OKC": (94, 90), "PHX": (161, 57), "SATX": (127, 59), "SEA": (124, 61), "SFO": (85, 98),
    "SDF": (52, 77), "EWR": (27, 36), "SAN": (57, 14), "TTN": (45, 89),
}  # fmt: skip
_RADARS = {"NY": "KOKX", "MIA": "KAMX"}
_STATION_NAMES = {"NY": "New York City, Central Park, NY, US", "MIA": "Miami Intl, FL, US"}
_AFTERNOON = dt.time(16)
#: Denver and Austin also report the running day in the morning, with the maximum of the night.
_PARTIALS = {
    "DEN": (dt.time(6), _AFTERNOON),
    "AUS": (dt.time(7), _AFTERNOON),
    "PHIL": (dt.time(17),),
}
_FINALS = {
    "NY": dt.time(7, 26), "CHI": dt.time(7, 34), "MIA": dt.time(9, 25), "AUS": dt.time(7, 58),
    "DEN": dt.time(8, 35), "PHIL": dt.time(6, 52), "LAX": dt.time(9, 50), "SFO": dt.time(9, 26),
}  # fmt: skip
#: Where nothing else is known, the final report comes at half past two in standard time.
_FINAL_MINUTES = 150
_SUMMARY_HOURS = {
    "NY": (15,), "CHI": (15,), "PHIL": (15,), "LAX": (15,), "DC": (),
    "DEN": (5, 11, 16), "MIA": (6, 12, 16), "HOU": (6, 12, 16), "SATX": (6, 12, 16),
}  # fmt: skip
_USUAL_SUMMARY_HOURS = (6, 15)
_HOURLY_ONLY = frozenset({"NY", "DEN"})
_EARLY_REPORTS = frozenset({"NY", "PHX"})
_LISTINGS = {
    "NY": ("KXHIGHNY", "Highest temperature in NYC", "NYC", "in Central Park, New York"),
    "MIA": (
        "KXHIGHMIA",
        "Highest temperature in Miami",
        "Miami",
        "at Miami International Airport",
    ),
}


def _final_report(facts: StationFacts) -> dt.time:
    hour, minute = divmod(_FINAL_MINUTES - 60 * facts.standard_offset_hours, 60)
    return _FINALS.get(facts.code, dt.time(hour, minute))


def _place(facts: StationFacts) -> Place:
    office = _OFFICES[facts.wfo]
    grid_x, grid_y = _CELLS[facts.code]
    series, series_title, title_city, rules_place = _LISTINGS.get(facts.code, ("", "", "", ""))
    return Place(
        city=facts.code,
        station=facts.icao,
        station_name=_STATION_NAMES.get(facts.code, facts.name),
        latitude=facts.latitude,
        longitude=facts.longitude,
        elevation_m=float(facts.elevation_m),
        office=facts.wfo,
        radar=_RADARS.get(facts.code, f"K{facts.wfo}"),
        grid_x=grid_x,
        grid_y=grid_y,
        time_zone=facts.timezone,
        standard_offset=dt.timedelta(hours=facts.standard_offset_hours),
        report_minute=51 if facts.code in _EARLY_REPORTS else 53,
        has_five_minute_rows=facts.code not in _HOURLY_ONLY,
        cli_site=facts.cli_id,
        cli_office=f"K{facts.wfo}",
        cli_office_line=f"NATIONAL WEATHER SERVICE {office.line}",
        cli_headline=facts.cli_headline,
        wmo_heading=office.heading,
        has_colon_times=office.has_colon_times,
        final_report_utc=_final_report(facts),
        partial_reports=_PARTIALS.get(facts.code, (_AFTERNOON,)),
        summary_hours=_SUMMARY_HOURS.get(facts.code, _USUAL_SUMMARY_HOURS),
        series=series,
        series_title=series_title,
        title_city=title_city,
        rules_place=rules_place,
    )


#: Every settlement station, in the order of the product's list.
EVERY_PLACE = tuple(_place(facts) for facts in STATIONS)
BY_STATION = {place.station: place for place in EVERY_PLACE}
BY_CLI_SITE = {place.cli_site: place for place in EVERY_PLACE}
BY_GRID = {place.grid: place for place in EVERY_PLACE}
#: The places of the recordings; the exchange lists these.
NEW_YORK, MIAMI = BY_STATION["KNYC"], BY_STATION["KMIA"]
PLACES = (NEW_YORK, MIAMI)
BY_CITY = {place.city: place for place in PLACES}
