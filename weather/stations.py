"""The settlement stations as data: where each city's official high is measured.

Coordinates of NY, CHI, MIA, AUS, DEN, PHIL, LAX and SFO are those of the climate sensor in the
weather service's station list; the others are airport reference points, and all of them are only
used to find the forecast grid. The standard offset is fixed all year.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class StationFacts:
    """One station; see :class:`weather.models.Station` for the meaning of each field."""

    code: str
    name: str
    icao: str
    cli_id: str
    cli_headline: str
    wfo: str
    latitude: float
    longitude: float
    elevation_m: float
    timezone: str
    standard_offset_hours: int


_EAST, _CENTRAL, _PACIFIC = "America/New_York", "America/Chicago", "America/Los_Angeles"

# ruff: noqa: E501
# fmt: off
STATIONS = (
    StationFacts("NY", "New York (Central Park)", "KNYC", "NYC", "CENTRAL PARK NY", "OKX", 40.7833, -73.9667, 47, _EAST, -5),
    StationFacts("CHI", "Chicago (Midway)", "KMDW", "MDW", "CHICAGO-MIDWAY", "LOT", 41.7842, -87.7553, 188, _CENTRAL, -6),
    StationFacts("MIA", "Miami (International)", "KMIA", "MIA", "MIAMI", "MFL", 25.7906, -80.3164, 3, _EAST, -5),
    StationFacts("AUS", "Austin (Bergstrom)", "KAUS", "AUS", "AUSTIN BERGSTROM", "EWX", 30.1975, -97.6664, 165, _CENTRAL, -6),
    StationFacts("DEN", "Denver (International)", "KDEN", "DEN", "DENVER CO", "BOU", 39.8467, -104.6562, 1655, "America/Denver", -7),
    StationFacts("PHIL", "Philadelphia (International)", "KPHL", "PHL", "PHILADELPHIA PA", "PHI", 39.8683, -75.2431, 11, _EAST, -5),
    StationFacts("LAX", "Los Angeles (International)", "KLAX", "LAX", "LOS ANGELES INTL AIRPORT CA", "LOX", 33.9381, -118.3889, 38, _PACIFIC, -8),
    StationFacts("HOU", "Houston (Hobby)", "KHOU", "HOU", "HOUSTON/HOBBY AIRPORT", "HGX", 29.6458, -95.2772, 14, _CENTRAL, -6),
    StationFacts("ATL", "Atlanta (Hartsfield-Jackson)", "KATL", "ATL", "ATLANTA", "FFC", 33.6367, -84.4279, 313, _EAST, -5),
    StationFacts("BOS", "Boston (Logan)", "KBOS", "BOS", "BOSTON MA", "BOX", 42.3629, -71.0064, 6, _EAST, -5),
    StationFacts("DAL", "Dallas/Fort Worth (International)", "KDFW", "DFW", "DALLAS/FORT WORTH", "FWD", 32.8972, -97.0377, 185, _CENTRAL, -6),
    StationFacts("DC", "Washington (National)", "KDCA", "DCA", "WASHINGTON NATIONAL DC", "LWX", 38.8514, -77.0377, 5, _EAST, -5),
    StationFacts("LV", "Las Vegas (Harry Reid)", "KLAS", "LAS", "LAS VEGAS NV", "VEF", 36.0803, -115.1524, 665, _PACIFIC, -8),
    StationFacts("MIN", "Minneapolis (St. Paul International)", "KMSP", "MSP", "TWIN CITIES MN", "MPX", 44.8820, -93.2218, 256, _CENTRAL, -6),
    StationFacts("NOLA", "New Orleans (Armstrong)", "KMSY", "MSY", "NEW ORLEANS", "LIX", 29.9933, -90.2590, 1, _CENTRAL, -6),
    StationFacts("OKC", "Oklahoma City (Will Rogers)", "KOKC", "OKC", "OKLAHOMA CITY", "OUN", 35.3931, -97.6008, 395, _CENTRAL, -6),
    StationFacts("PHX", "Phoenix (Sky Harbor)", "KPHX", "PHX", "PHOENIX AZ", "PSR", 33.4343, -112.0116, 346, "America/Phoenix", -7),
    StationFacts("SATX", "San Antonio (International)", "KSAT", "SAT", "SAN ANTONIO", "EWX", 29.5340, -98.4691, 247, _CENTRAL, -6),
    StationFacts("SEA", "Seattle (Tacoma)", "KSEA", "SEA", "SEATTLE-TACOMA WA AIRPORT", "SEW", 47.4499, -122.3118, 132, _PACIFIC, -8),
    StationFacts("SFO", "San Francisco (International)", "KSFO", "SFO", "SAN FRANCISCO AIRPORT", "MTR", 37.6196, -122.3656, 3, _PACIFIC, -8),
    # UNVERIFIED: whether the exchange lists these four, and under which series.
    StationFacts("SDF", "Louisville (Muhammad Ali)", "KSDF", "SDF", "LOUISVILLE KY", "LMK", 38.1741, -85.7365, 153, "America/Kentucky/Louisville", -5),
    StationFacts("EWR", "Newark (Liberty)", "KEWR", "EWR", "NEWARK NJ", "OKX", 40.6925, -74.1687, 5, _EAST, -5),
    StationFacts("SAN", "San Diego (International)", "KSAN", "SAN", "SAN DIEGO INTL AIRPORT CA", "SGX", 32.7336, -117.1897, 5, _PACIFIC, -8),
    StationFacts("TTN", "Trenton (Mercer)", "KTTN", "TTN", "TRENTON NJ", "PHI", 40.2767, -74.8135, 65, _EAST, -5),
)
# fmt: on

#: Stations that jobs work on from the start; the operator switches others on in the admin.
ACTIVE_BY_DEFAULT = frozenset({"NY", "CHI", "MIA", "AUS"})
