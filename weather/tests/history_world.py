"""Archives of an invented past: every source answers, and a test can spoil what one says."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from typing import Any

import httpx

from boz.core.http import HttpTransport
from weather.clients.iem import IemClient
from weather.clients.open_meteo import OpenMeteoClient
from weather.models import Station
from weather.services.history.archive import Archive
from weather.services.history.backfill import Outcome, backfill
from weather.services.history.model_forecasts import ARCHIVED_MODELS, ModelForecasts
from weather.services.history.nbs_forecasts import NbsForecasts
from weather.services.history.plan import make_plan
from weather.services.history.station_reports import StationReports
from weather.services.history.truth import ClimateDays
from weather.services.intake import Captures

UTC = dt.UTC
#: Long after the invented days below, so that every archive has said its last word on them.
LATER = dt.datetime(2026, 9, 1, 12, tzinfo=UTC)
CLI, MODELS, NBS, ASOS = (
    "/json/cli.py",
    "/v1/forecast",
    "/cgi-bin/request/mos.py",
    "/cgi-bin/request/asos.py",
)
Spoiled = httpx.Response | Exception | BaseException | Callable[[httpx.Request], httpx.Response]


def warmth(day: dt.date) -> int:
    """Return the official high of a day: 60 to 66 °F."""
    return 60 + day.toordinal() % 7


class Past:
    """Answers by path like the archives; ``spoiled`` replaces the answer of a path."""

    def __init__(self, station: Station) -> None:
        self.station = station
        self.asked: list[httpx.Request] = []
        self.spoiled: dict[str, Spoiled] = {}
        self.captures = Captures()
        #: °F added to what models say at a lead of so many days.
        self.bias_f = 1.0
        #: Temperature of a moment at a lead, when a test wants its own.
        self.hour_f: Callable[[dt.datetime, int], float | None] = self._hour_f

    # --- the service's side --------------------------------------------------------------------

    def handle(self, request: httpx.Request) -> httpx.Response:
        self.asked.append(request)
        path = request.url.path
        spoiled = self.spoiled.get(path)
        if isinstance(spoiled, BaseException):
            raise spoiled
        if isinstance(spoiled, httpx.Response):
            return spoiled
        if spoiled is not None:
            return spoiled(request)
        return {CLI: self.cli, MODELS: self.models, NBS: self.nbs, ASOS: self.asos}[path](request)

    def cli(self, request: httpx.Request) -> httpx.Response:
        year = int(request.url.params["year"])
        first, last = dt.date(year, 1, 1), dt.date(year, 12, 31)
        days = [dt.date.fromordinal(n) for n in range(first.toordinal(), last.toordinal() + 1)]
        return httpx.Response(200, json={"results": [self.cli_row(day) for day in days]})

    def cli_row(self, day: dt.date, **changes: Any) -> dict[str, Any]:
        _, end = self.station.climate_day_bounds(day)
        issued = end + dt.timedelta(hours=1, minutes=26)
        row = {
            "station": self.station.icao,
            "valid": day.isoformat(),
            "high": warmth(day),
            "low": 40,
            "product": f"{issued:%Y%m%d%H%M}-KOKX-CDUS41-CLI{self.station.cli_id}",
        }
        return row | changes

    def _hour_f(self, moment: dt.datetime, lead: int) -> float | None:
        day = self.station.climate_day(moment)
        start, _ = self.station.climate_day_bounds(day)
        hour = (moment - start) / dt.timedelta(hours=1)
        return warmth(day) + lead * self.bias_f - abs(hour - 15)

    def models(self, request: httpx.Request) -> httpx.Response:
        params = request.url.params
        first, last = (
            dt.datetime.fromisoformat(params[name]).replace(tzinfo=UTC)
            for name in ("start_date", "end_date")
        )
        hours = [first + dt.timedelta(hours=n) for n in range(24 * ((last - first).days + 1))]
        names = params["hourly"].split(",")
        rows = {name: [self.hour_f(hour, int(name[-1])) for hour in hours] for name in names}
        return httpx.Response(200, json=self.model_body(hours, rows))

    def model_body(
        self, hours: list[dt.datetime], rows: dict[str, Any], *, unit: str = "°F"
    ) -> dict[str, Any]:
        return {
            "latitude": self.station.latitude,
            "longitude": self.station.longitude,
            "utc_offset_seconds": 0,
            "hourly_units": {"time": "unixtime"} | dict.fromkeys(rows, unit),
            "hourly": {"time": [int(hour.timestamp()) for hour in hours]} | rows,
        }

    def nbs(self, request: httpx.Request) -> httpx.Response:
        params = request.url.params
        cycle, end = (
            dt.datetime.fromisoformat(params["sts"]),
            dt.datetime.fromisoformat(params["ets"]),
        )
        lines = ["runtime,ftime,model,tmp,txn,xnd,station"]
        while cycle < end:
            midnight = cycle.replace(hour=0)
            for days in (1, 2, 3):
                valid = midnight + dt.timedelta(days=days)
                if cycle.hour in (1, 6, 7, 13, 19) and (valid - cycle) >= dt.timedelta(hours=5):
                    high = warmth(valid.date() - dt.timedelta(days=1)) + 2
                    lines.append(self.nbs_line(cycle, valid, high))
            cycle += dt.timedelta(hours=1)
        return httpx.Response(200, text="\n".join(lines))

    def nbs_line(self, cycle: dt.datetime, valid: dt.datetime, high: object, sd: object = 3) -> str:
        stamp = "%Y-%m-%d %H:%M:%S"
        return f"{cycle:{stamp}},{valid:{stamp}},NBS,50,{high},{sd},{self.station.icao}"

    def asos(self, request: httpx.Request) -> httpx.Response:
        params = request.url.params
        start, end = (
            dt.datetime.fromisoformat(params["sts"]),
            dt.datetime.fromisoformat(params["ets"]),
        )
        moment = start.replace(minute=51)
        lines = ["station,valid,metar"]
        while moment < end:
            lines.append(self.asos_line(moment))
            moment += dt.timedelta(hours=1)
        return httpx.Response(200, text="\n".join(lines))

    def asos_line(
        self, moment: dt.datetime, remarks: str = "T01720100", body: str = "17/10"
    ) -> str:
        station = self.station.icao.removeprefix("K")
        return (
            f"{station},{moment:%Y-%m-%d %H:%M},{self.station.icao} {moment:%d%H%M}Z AUTO "
            f"00000KT 10SM CLR {body} A3001 RMK AO2 {remarks}"
        )

    # --- ours ----------------------------------------------------------------------------------

    def _http(self, name: str) -> HttpTransport:
        return HttpTransport(
            base_url="http://127.0.0.1:9",
            source=name,
            retries=0,
            capture=self.captures,
            transport=httpx.MockTransport(self.handle),
        )

    def iem(self) -> IemClient:
        return IemClient(self._http("mesonet"))

    def open_meteo(self) -> OpenMeteoClient:
        return OpenMeteoClient(self._http("Open-Meteo"))

    def archives(self) -> tuple[Archive[Any], ...]:
        iem, open_meteo = self.iem(), self.open_meteo()
        return (
            ClimateDays(iem),
            *(ModelForecasts(open_meteo, model) for model in ARCHIVED_MODELS),
            NbsForecasts(iem),
            StationReports(iem),
        )

    def archive(self, code: str) -> Archive[Any]:
        return next(item for item in self.archives() if item.source_code == code)

    def fetch(
        self,
        *codes: str,
        since: dt.date,
        until: dt.date | None = None,
        now: dt.datetime = LATER,
    ) -> list[Outcome]:
        """Backfill some sources, all of them without codes."""
        chosen = [item for item in self.archives() if not codes or item.source_code in codes]
        plan = make_plan(chosen, [self.station], now=now, since=since, until=until)
        return list(backfill(plan, captures=self.captures, now=now))
