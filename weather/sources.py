"""The outside sources as data: who says something about the weather, and how it is asked."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from enum import StrEnum

_MINUTE, _HOUR = dt.timedelta(minutes=1), dt.timedelta(hours=1)

#: A source whose newest word is older than this is late: forecasts are renewed at least once a day;
#: stations report every hour; reports come once a day.
FORECAST_LATE_AFTER = 30 * _HOUR
OBSERVATION_LATE_AFTER = 2 * _HOUR
REPORT_LATE_AFTER = 36 * _HOUR


class Service(StrEnum):
    """A host with limits of its own; calls to different services never wait for each other."""

    NWS = "nws"
    AVIATIONWEATHER = "aviationweather"
    OPEN_METEO = "open-meteo"
    NBM = "nbm"
    IEM = "iem"
    WEATHER_COMPANY = "weather-company"
    OPERATOR = "operator"


#: Calls under way to one service at the same moment. Open-Meteo allows an address one at a time;
#: the Mesonet asks for one a second.
CALLS_AT_ONCE = {
    Service.NWS: 8,
    Service.AVIATIONWEATHER: 1,
    Service.OPEN_METEO: 1,
    Service.NBM: 8,
    Service.IEM: 1,
    Service.WEATHER_COMPANY: 1,
}


@dataclass(frozen=True, slots=True)
class SourceFacts:
    """One source.

    Args:
        late_after: Age of its newest word from which on something is wrong with it.
        is_polled: Whether a scheduled job asks it; the others feed the history or are people.
    """

    code: str
    name: str
    service: Service
    late_after: dt.timedelta
    is_polled: bool = True


@dataclass(frozen=True, slots=True)
class ModelFacts:
    """A weather model as Open-Meteo offers it.

    Args:
        code: Code of the source.
        model_id: Its name there; members carry the same suffix.
        members: Ensemble members with the control; 1 for a single run.
        archive_lag: From a run's start until everybody could have had it, on the safe side; used
            for the archive of previous runs, which does not say.
        days: How far ahead the product asks, today included.
    """

    code: str
    name: str
    model_id: str
    members: int
    archive_lag: dt.timedelta
    days: int

    @property
    def is_ensemble(self) -> bool:
        """Say whether the model gives members."""
        return self.members > 1


NWS_GRID = "nws-grid"
NWS_HOURLY = "nws-hourly"
NWS_PERIODS = "nws-periods"
NWS_CLI = "nws-cli"
NWS_OBSERVATIONS = "nws-observations"
AVIATIONWEATHER = "aviationweather"
DSM = "dsm"
WEATHER_COMPANY = "weather-company"
NBM_NBP = "nbm-nbp"
NBM_NBS = "nbm-nbs"
NBM_NBE = "nbm-nbe"
IEM_CLI = "iem-cli"
IEM_ASOS = "iem-asos"
MANUAL = "manual"

#: UNVERIFIED per model: the lags are those of the global centres (four to six hours, rounded up)
#: and of the hourly American models.
MODELS = (
    ModelFacts("hrrr", "HRRR", "ncep_hrrr_conus", 1, 3 * _HOUR, 3),
    ModelFacts("nbm", "National Blend of Models", "ncep_nbm_conus", 1, 3 * _HOUR, 6),
    ModelFacts("gfs", "GFS", "ncep_gfs_global", 1, 6 * _HOUR, 6),
    ModelFacts("ecmwf-ifs", "ECMWF IFS", "ecmwf_ifs025", 1, 9 * _HOUR, 6),
    ModelFacts("ecmwf-aifs", "ECMWF AIFS", "ecmwf_aifs025_single", 1, 9 * _HOUR, 6),
    ModelFacts("icon", "ICON", "dwd_icon_global", 1, 6 * _HOUR, 6),
    ModelFacts("gem", "GEM", "cmc_gem_gdps", 1, 7 * _HOUR, 6),
    ModelFacts("ukmo", "UKMO", "ukmo_global_deterministic_10km", 1, 8 * _HOUR, 6),
    ModelFacts("gefs", "GEFS ensemble", "ncep_gefs025", 31, 8 * _HOUR, 6),
    ModelFacts("ecmwf-ens", "ECMWF ensemble", "ecmwf_ifs025_ensemble", 51, 9 * _HOUR, 6),
    ModelFacts("aifs-ens", "ECMWF AIFS ensemble", "ecmwf_aifs025_ensemble", 51, 9 * _HOUR, 6),
    ModelFacts("icon-eps", "ICON ensemble", "icon_global_eps", 40, 7 * _HOUR, 6),
    ModelFacts("geps", "GEM ensemble", "gem_global_ensemble", 21, 9 * _HOUR, 6),
)
MODELS_BY_CODE = {model.code: model for model in MODELS}

SOURCES = (
    SourceFacts(
        NWS_GRID, "National Weather Service grid forecast", Service.NWS, FORECAST_LATE_AFTER
    ),
    SourceFacts(
        NWS_HOURLY, "National Weather Service hourly forecast", Service.NWS, FORECAST_LATE_AFTER
    ),
    SourceFacts(
        NWS_PERIODS, "National Weather Service period forecast", Service.NWS, FORECAST_LATE_AFTER
    ),
    SourceFacts(NWS_CLI, "National Weather Service climate report", Service.NWS, REPORT_LATE_AFTER),
    SourceFacts(
        NWS_OBSERVATIONS,
        "National Weather Service observations",
        Service.NWS,
        OBSERVATION_LATE_AFTER,
    ),
    SourceFacts(
        AVIATIONWEATHER,
        "Aviation Weather Center station reports",
        Service.AVIATIONWEATHER,
        OBSERVATION_LATE_AFTER,
    ),
    SourceFacts(DSM, "Daily summary messages", Service.IEM, REPORT_LATE_AFTER),
    SourceFacts(
        WEATHER_COMPANY,
        "The Weather Company daily values",
        Service.WEATHER_COMPANY,
        REPORT_LATE_AFTER,
    ),
    SourceFacts(NBM_NBP, "National Blend percentiles (NBP)", Service.NBM, FORECAST_LATE_AFTER),
    SourceFacts(NBM_NBS, "National Blend short range (NBS)", Service.NBM, FORECAST_LATE_AFTER),
    SourceFacts(NBM_NBE, "National Blend extended (NBE)", Service.NBM, FORECAST_LATE_AFTER),
    *(
        SourceFacts(
            model.code, f"{model.name} (Open-Meteo)", Service.OPEN_METEO, FORECAST_LATE_AFTER
        )
        for model in MODELS
    ),
    SourceFacts(
        IEM_CLI,
        "Climate reports of the Mesonet archive",
        Service.IEM,
        REPORT_LATE_AFTER,
        is_polled=False,
    ),
    SourceFacts(
        IEM_ASOS,
        "Station reports of the Mesonet archive",
        Service.IEM,
        OBSERVATION_LATE_AFTER,
        is_polled=False,
    ),
    SourceFacts(
        MANUAL,
        "Correction by the operator",
        Service.OPERATOR,
        REPORT_LATE_AFTER,
        is_polled=False,
    ),
)
SOURCES_BY_CODE = {source.code: source for source in SOURCES}
