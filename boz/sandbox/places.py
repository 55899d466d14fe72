"""The two places of the recordings, as the outside services describe them."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Place:
    """One city: its station, forecast office, grid point, climate report and series.

    Args:
        final_report_utc: When the final climate report of a day is issued the next morning.
        standard_offset: Fixed offset of local standard time from UTC.
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
    cli_site: str
    cli_office: str
    cli_office_line: str
    cli_headline: str
    wmo_heading: str
    final_report_utc: dt.time
    series: str
    series_title: str
    title_city: str
    rules_place: str


NEW_YORK = Place(
    city="NY",
    station="KNYC",
    station_name="New York City, Central Park, NY, US",
    latitude=40.7833,
    longitude=-73.9667,
    elevation_m=47.0,
    office="OKX",
    radar="KOKX",
    grid_x=34,
    grid_y=45,
    time_zone="America/New_York",
    standard_offset=dt.timedelta(hours=-5),
    cli_site="NYC",
    cli_office="KOKX",
    cli_office_line="NATIONAL WEATHER SERVICE NEW YORK, NY",
    cli_headline="CENTRAL PARK NY",
    wmo_heading="CDUS41",
    final_report_utc=dt.time(7, 26),
    series="KXHIGHNY",
    series_title="Highest temperature in NYC",
    title_city="NYC",
    rules_place="in Central Park, New York",
)

MIAMI = Place(
    city="MIA",
    station="KMIA",
    station_name="Miami Intl, FL, US",
    latitude=25.7906,
    longitude=-80.3164,
    elevation_m=3.0,
    office="MFL",
    radar="KAMX",
    grid_x=106,
    grid_y=51,
    time_zone="America/New_York",
    standard_offset=dt.timedelta(hours=-5),
    cli_site="MIA",
    cli_office="KMFL",
    cli_office_line="NATIONAL WEATHER SERVICE MIAMI,FL",
    cli_headline="MIAMI",
    wmo_heading="CDUS42",
    final_report_utc=dt.time(9, 25),
    series="KXHIGHMIA",
    series_title="Highest temperature in Miami",
    title_city="Miami",
    rules_place="at Miami International Airport",
)

PLACES = (NEW_YORK, MIAMI)
BY_CITY = {place.city: place for place in PLACES}
BY_STATION = {place.station: place for place in PLACES}
BY_SERIES = {place.series: place for place in PLACES}
BY_CLI_SITE = {place.cli_site: place for place in PLACES}
BY_GRID = {(place.office, place.grid_x, place.grid_y): place for place in PLACES}
