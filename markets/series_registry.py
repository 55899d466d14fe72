"""Which series settles at which station: daily highs, one series per city.

As seen trading in August 2026. The four newest cities (Louisville, Newark, San Diego, Trenton)
settle on known climate reports, but their series tickers are UNVERIFIED, so they are not here.
"""

from __future__ import annotations

from types import MappingProxyType

#: Station code to series ticker.
SERIES_BY_STATION = MappingProxyType(
    {
        "NY": "KXHIGHNY",
        "CHI": "KXHIGHCHI",
        "MIA": "KXHIGHMIA",
        "AUS": "KXHIGHAUS",
        "DEN": "KXHIGHDEN",
        "PHIL": "KXHIGHPHIL",
        "LAX": "KXHIGHLAX",
        "ATL": "KXHIGHTATL",
        "BOS": "KXHIGHTBOS",
        "DAL": "KXHIGHTDAL",
        "DC": "KXHIGHTDC",
        "HOU": "KXHIGHTHOU",
        "LV": "KXHIGHTLV",
        "MIN": "KXHIGHTMIN",
        "NOLA": "KXHIGHTNOLA",
        "OKC": "KXHIGHTOKC",
        "PHX": "KXHIGHTPHX",
        "SATX": "KXHIGHTSATX",
        "SEA": "KXHIGHTSEA",
        "SFO": "KXHIGHTSFO",
    }
)
