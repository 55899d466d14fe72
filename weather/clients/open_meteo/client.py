"""The calls to Open-Meteo: forecasts, ensembles, the archive of previous runs, model updates."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Sequence
from typing import Any, NoReturn, Self

import httpx
from django.conf import settings
from pydantic import ValidationError

from boz.core.errors import (
    DataUnavailable,
    InvalidDataError,
    OperatorActionRequired,
    TransientError,
)
from boz.core.http import Captured, HttpTransport
from boz.core.rate_windows import shared_windows
from boz.core.service_client import ServiceClient
from weather.clients.open_meteo.answers import (
    SOURCE,
    Numbering,
    Place,
    PlaceHours,
    PlaceRefused,
    by_lead,
    by_member,
    read_places,
)
from weather.clients.open_meteo.limits import (
    asked_patience,
    call_weight,
    hosts,
    is_public,
    refusal_reason,
    windows,
)
from weather.clients.open_meteo.updates import ModelUpdate, metadata_path

#: Days before the present UTC day that are asked for, so that a climate day has its first hours.
PAST_DAYS = 1
#: UTC days asked for beyond the climate days wanted, since those of America end in the next one.
EXTRA_DAYS = 1
MAX_FORECAST_DAYS, MAX_ENSEMBLE_DAYS = 16, 36
MAX_LEAD_DAYS = 7

#: An answer for many places and members takes the service some seconds to write.
TIMEOUT_SECONDS = 20.0
#: Long enough to wait for the next window of a minute, not for that of an hour.
MAX_TOTAL_SECONDS = 100.0
BACKOFF_SECONDS = 1.0

#: The correction for height and the choice of the grid cell move temperatures; both are fixed, so
#: that what calibration learns stays true: the station's own height, and a cell on land.
FIXED_PARAMS = {
    "timeformat": "unixtime",
    "timezone": "GMT",
    "temperature_unit": "fahrenheit",
    "cell_selection": "land",
}
TEMPERATURE = "temperature_2m"


class OpenMeteoClient(ServiceClient):
    """Reads forecasts; one model per call, many places at once.

    Errors are those of the transport, with the service's own reason, and InvalidDataError. A place
    of an answer that cannot be used is returned as :class:`PlaceRefused`.

    Args:
        http: Transport of the forecast interface.
        ensemble: Of the ensemble interface; the same when left out.
        previous_runs: Of the archive of previous runs; the same when left out.
        api_key: Sent with every call when not empty.
    """

    def __init__(
        self,
        http: HttpTransport,
        *,
        ensemble: HttpTransport | None = None,
        previous_runs: HttpTransport | None = None,
        api_key: str = "",
    ) -> None:
        """Take the transports."""
        super().__init__(http)
        self._ensemble = ensemble or http
        self._previous_runs = previous_runs or http
        self._api_key = api_key

    @classmethod
    def from_settings(cls, *, capture: Callable[[Captured], None] | None = None) -> Self:
        """Return a client with the addresses, key and limits of the settings.

        The key goes to the public service only.
        """
        base_url = settings.OPEN_METEO_API_URL
        api_key = settings.OPEN_METEO_API_KEY if is_public(base_url) else ""
        urls = hosts(base_url, has_key=bool(api_key))
        limiter = shared_windows(
            f"open-meteo {httpx.URL(base_url).netloc.decode()}",
            windows(
                base_url, has_key=bool(api_key), per_minute=settings.OPEN_METEO_CALLS_PER_MINUTE
            ),
        )
        transports = {
            url: HttpTransport(
                base_url=url,
                source=SOURCE,
                user_agent=settings.NWS_USER_AGENT,
                timeout_seconds=TIMEOUT_SECONDS,
                limiter=limiter,
                backoff_seconds=BACKOFF_SECONDS,
                patience=asked_patience,
                capture=capture,
                max_total_seconds=MAX_TOTAL_SECONDS,
            )
            for url in {urls.forecast, urls.ensemble, urls.previous_runs}
        }
        return cls(
            transports[urls.forecast],
            ensemble=transports[urls.ensemble],
            previous_runs=transports[urls.previous_runs],
            api_key=api_key,
        )

    def close(self) -> None:
        """Close the pooled connections of all hosts."""
        for http in (self._http, self._ensemble, self._previous_runs):
            http.close()

    def forecast(
        self, model_id: str, places: Sequence[Place], *, days: int
    ) -> list[PlaceHours | PlaceRefused]:
        """Return a model's hourly temperatures at each place, in the order asked.

        Args:
            model_id: The service's name of the model.
            places: Where.
            days: Climate days to cover from today on, when the model reaches as far.

        Raises:
            TransientError: If the service does not answer properly, or may not be asked now.
            DataUnavailable: If it refuses the request.
            InvalidDataError: If it answers about something else.
            OperatorActionRequired: If it does not accept the key.
        """
        return self._coming(
            self._http, "/v1/forecast", model_id, places, days=days, most=MAX_FORECAST_DAYS
        )

    def ensemble(
        self, model_id: str, places: Sequence[Place], *, days: int, members: int
    ) -> list[PlaceHours | PlaceRefused]:
        """Return the hourly temperatures of each member; arguments and errors as above.

        Args:
            model_id: The service's name of the ensemble.
            places: Where.
            days: Climate days to cover from today on, when the model reaches as far.
            members: How many it has, the control included: the call counts by it. Fewer or more
                in the answer are kept, and said in its problems.
        """
        return self._coming(
            self._ensemble,
            "/v1/ensemble",
            model_id,
            places,
            days=days,
            most=MAX_ENSEMBLE_DAYS,
            members=members,
        )

    def previous_runs(
        self,
        model_id: str,
        place: Place,
        *,
        first_day: dt.date,
        last_day: dt.date,
        lead_days: Sequence[int],
    ) -> PlaceHours | PlaceRefused:
        """Return what a model said about past hours a fixed number of days before each of them.

        The row of lead n holds, for every hour, the value forecast 24·n hours before that hour. So
        the maximum of a climate day uses runs up to n days before the day's *end*, plus the time
        the service took to have them: it was not known earlier.

        Args:
            model_id: The service's name of the model.
            place: Where.
            first_day: First climate day to cover.
            last_day: Last one.
            lead_days: Of 1 to 7, the rows wanted.

        Raises:
            ValueError: If a lead is not offered or the days are in the wrong order.
            BozBaseException: As for :meth:`forecast`.
        """
        if last_day < first_day:
            raise ValueError(f"the days {first_day} to {last_day} are in the wrong order")
        if not lead_days or not set(lead_days) <= set(range(1, MAX_LEAD_DAYS + 1)):
            raise ValueError(f"leads are 1 to {MAX_LEAD_DAYS} days, were {list(lead_days)}")
        start, end = first_day - dt.timedelta(days=1), last_day + dt.timedelta(days=1)
        (answer,) = self._ask(
            self._previous_runs,
            "/v1/forecast",
            model_id,
            [place],
            {
                "hourly": ",".join(f"{TEMPERATURE}_previous_day{lead}" for lead in lead_days),
                "start_date": start.isoformat(),
                "end_date": end.isoformat(),
            },
            rows=len(lead_days),
            days=(end - start).days + 1,
            numbering=by_lead,
        )
        return answer

    def model_update(self, model_id: str, *, is_ensemble: bool) -> ModelUpdate:
        """Return which run of a model the service has, and since when; it counts as no call.

        Raises:
            InvalidDataError: If the answer cannot be true.
            BozBaseException: As for :meth:`forecast`.
        """
        http = self._ensemble if is_ensemble else self._http
        body = self._get(http, metadata_path(model_id), {}, weight=0.0)
        try:
            return ModelUpdate.model_validate(body)
        except ValidationError as error:
            first = error.errors(include_url=False, include_input=False)[0]
            field = ".".join(str(part) for part in first["loc"]) or "times"
            raise InvalidDataError(
                f"{SOURCE} sent an update of {model_id} that cannot be used: "
                f"{field}: {first['msg']}.",
                {"source": SOURCE, "model": model_id},
            ) from error

    def _coming(
        self,
        http: HttpTransport,
        path: str,
        model_id: str,
        places: Sequence[Place],
        *,
        days: int,
        most: int,
        members: int = 1,
    ) -> list[PlaceHours | PlaceRefused]:
        forecast_days = days + EXTRA_DAYS
        if not 1 < forecast_days <= most:
            raise ValueError(f"days are 1 to {most - EXTRA_DAYS}, were {days}")
        return self._ask(
            http,
            path,
            model_id,
            places,
            {"hourly": TEMPERATURE, "past_days": PAST_DAYS, "forecast_days": forecast_days},
            rows=members,
            days=PAST_DAYS + forecast_days,
            numbering=by_member,
        )

    def _ask(
        self,
        http: HttpTransport,
        path: str,
        model_id: str,
        places: Sequence[Place],
        params: dict[str, Any],
        *,
        rows: int,
        days: int,
        numbering: Numbering,
    ) -> list[PlaceHours | PlaceRefused]:
        if not places:
            return []
        where = {
            "latitude": ",".join(f"{place.latitude:.4f}" for place in places),
            "longitude": ",".join(f"{place.longitude:.4f}" for place in places),
            "elevation": ",".join(f"{place.elevation_m:g}" for place in places),
        }
        body = self._get(
            http,
            path,
            {**where, "models": model_id, **params, **FIXED_PARAMS},
            weight=call_weight(variables=rows, days=days, places=len(places)),
        )
        return read_places(
            body, places=places, model_id=model_id, expected=rows, numbering=numbering
        )

    def _get(self, http: HttpTransport, path: str, params: dict[str, Any], *, weight: float) -> Any:
        try:
            return http.get_json(
                path, params={**params, "apikey": self._api_key or None}, weight=weight
            )
        except (TransientError, DataUnavailable) as error:
            _raise_with_reason(error)


def _raise_with_reason(error: TransientError | DataUnavailable) -> NoReturn:
    """Raise the error again with the sentence that the service gave, if it gave one."""
    reason = refusal_reason(str(error.context.get("excerpt", "")))
    if not reason:
        raise error
    if "api key" in reason.lower():
        raise OperatorActionRequired(
            f"{SOURCE} does not accept our key. Check OPEN_METEO_API_KEY.", error.context
        ) from error
    raise type(error)(f"{SOURCE} refuses: {reason}", error.context) from error
