from __future__ import annotations

import copy
import datetime as dt
import json
import logging
from pathlib import Path
from typing import Any

import httpx
import pytest

from boz.core.errors import (
    DataUnavailable,
    InvalidDataError,
    OperatorActionRequired,
    TransientError,
)
from boz.core.http import Captured, Fetched, HttpTransport
from boz.core.rate_windows import WindowLimiter
from weather.clients.open_meteo import OpenMeteoClient, Place, PlaceHours, PlaceRefused
from weather.clients.open_meteo.limits import (
    FREE_PER_DAY,
    FREE_PER_HOUR,
    Hosts,
    asked_patience,
    call_weight,
    hosts,
    windows,
)
from weather.domain.hourly import daily_maxima

PAYLOADS = Path(__file__).parent / "payloads"
NOW = dt.datetime(2026, 7, 10, 12, 0, 30, tzinfo=dt.UTC)
MIDNIGHT = int(dt.datetime(2026, 7, 9, tzinfo=dt.UTC).timestamp())
NY = Place("NY", 40.7833, -73.9667, 47)
CHI = Place("CHI", 41.7842, -87.7553, 188)
CHONGQING = Place("X", 29.5, 106.5, 168)
CANARY = "c4n4ry5ecret"
PUBLIC = "https://api.open-meteo.com"


def payload(name: str) -> Any:
    return json.loads((PAYLOADS / f"open_meteo_{name}.json").read_text())


class World:
    """Answers in order, the last one for ever, under clocks that only sleeping moves."""

    def __init__(self, *answers: Any) -> None:
        self.answers = list(answers)
        self.requests: list[httpx.Request] = []
        self.captured: list[Captured] = []
        self.time = NOW.timestamp()
        self.limiter = WindowLimiter(
            windows(PUBLIC, has_key=False, per_minute=600), clock=lambda: self.time
        )

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(request)
        answer = self.answers[min(len(self.requests), len(self.answers)) - 1]
        if isinstance(answer, Exception):
            raise answer
        if isinstance(answer, httpx.Response):
            return answer
        return httpx.Response(200, json=answer)

    def sleep(self, seconds: float) -> None:
        self.time += seconds

    def client(self, *, api_key: str = "", **options: Any) -> OpenMeteoClient:
        def transport(name: str) -> HttpTransport:
            return HttpTransport(
                base_url=f"https://{name}.test",
                source="Open-Meteo",
                transport=httpx.MockTransport(self),
                limiter=self.limiter,
                patience=asked_patience,
                capture=self.captured.append,
                max_total_seconds=100,
                sleep=self.sleep,
                random=lambda: 0.5,
                monotonic=lambda: self.time,
                now=lambda: dt.datetime.fromtimestamp(self.time, tz=dt.UTC),
                **options,
            )

        return OpenMeteoClient(
            transport("forecast"),
            ensemble=transport("ensemble"),
            previous_runs=transport("previous"),
            api_key=api_key,
        )


def answer(
    place: Place = NY, *, hours: int = 48, unit: str = "°F", **rows: list[Any]
) -> dict[str, Any]:
    rows = rows or {"temperature_2m": [70.0 + n % 24 / 2 for n in range(hours)]}
    return {
        "latitude": place.latitude + 0.01,
        "longitude": place.longitude - 0.02,
        "utc_offset_seconds": 0,
        "elevation": place.elevation_m,
        "hourly_units": {"time": "unixtime"} | dict.fromkeys(rows, unit),
        "hourly": {"time": [MIDNIGHT + 3600 * n for n in range(hours)]} | rows,
    }


def members(count: int, *, hours: int = 48, model: str = "") -> dict[str, list[float]]:
    names = ["temperature_2m", *(f"temperature_2m_member{n:02d}" for n in range(1, count))]
    suffix = f"_{model}" if model else ""
    return {name + suffix: [60.0 + n] * hours for n, name in enumerate(names)}


def forecast(body: Any, *places: Place, model: str = "ncep_gfs_global") -> list[Any]:
    return World(body).client().forecast(model, places or (NY,), days=2)


def ensemble(body: Any, *, count: int, model: str = "ncep_gefs025") -> Any:
    (found,) = World(body).client().ensemble(model, (NY,), days=2, members=count)
    return found


# ---- what is asked ------------------------------------------------------------------------------


def test_one_model_is_asked_for_all_places_in_utc_and_fahrenheit() -> None:
    world = World([answer(NY), answer(CHI)])
    found = world.client().forecast("ncep_hrrr_conus", (NY, CHI), days=3)

    (request,) = world.requests
    assert str(request.url.copy_with(query=None)) == "https://forecast.test/v1/forecast"
    assert dict(request.url.params) == {
        "latitude": "40.7833,41.7842",
        "longitude": "-73.9667,-87.7553",
        "elevation": "47,188",
        "models": "ncep_hrrr_conus",
        "hourly": "temperature_2m",
        "past_days": "1",
        "forecast_days": "4",
        "timeformat": "unixtime",
        "timezone": "GMT",
        "temperature_unit": "fahrenheit",
        "cell_selection": "land",
    }
    assert [place.place for place in found] == [NY, CHI]


def test_ensembles_and_previous_runs_are_asked_at_their_own_hosts() -> None:
    world = World(
        answer(**members(31)),
        answer(temperature_2m_previous_day1=[50.0] * 48, temperature_2m_previous_day3=[53.0] * 48),
    )
    client = world.client()
    client.ensemble("ncep_gefs025", [NY], days=2, members=31)
    found = client.previous_runs(
        "ncep_gfs_global",
        NY,
        first_day=dt.date(2026, 7, 9),
        last_day=dt.date(2026, 7, 10),
        lead_days=[1, 3],
    )

    assert [str(request.url).partition("?")[0] for request in world.requests] == [
        "https://ensemble.test/v1/ensemble",
        "https://previous.test/v1/forecast",
    ]
    asked = dict(world.requests[1].url.params)
    assert asked["hourly"] == "temperature_2m_previous_day1,temperature_2m_previous_day3"
    assert (asked["start_date"], asked["end_date"]) == ("2026-07-08", "2026-07-11")
    assert isinstance(found, PlaceHours)
    assert (found.hours.numbers, found.hours.temps_f[:, 0].tolist()) == ((1, 3), [50.0, 53.0])


def test_nothing_is_asked_for_no_places() -> None:
    world = World(answer())
    assert world.client().forecast("ncep_gfs_global", (), days=2) == []
    assert world.requests == []


@pytest.mark.parametrize("days", [0, 16])
def test_days_out_of_reach_are_a_mistake_of_the_caller(days: int) -> None:
    with pytest.raises(ValueError, match="days are"):
        World(answer()).client().forecast("ncep_gfs_global", (NY,), days=days)


def test_leads_and_days_that_make_no_sense_are_a_mistake_of_the_caller() -> None:
    day, client = dt.date(2026, 7, 9), World(answer()).client()
    for leads, last in (([0], day), ([8], day), ([], day), ([1], dt.date(2026, 7, 8))):
        with pytest.raises(ValueError, match=r"leads|order"):
            client.previous_runs("m", NY, first_day=day, last_day=last, lead_days=leads)


@pytest.mark.parametrize(
    ("variables", "days", "places", "weight"),
    [(1, 7, 24, 24.0), (31, 8, 1, 3.1), (82, 7, 1, 8.2), (51, 28, 2, 20.4), (1, 365, 1, 365 / 140)],
)
def test_heavy_calls_count_as_many(variables: int, days: int, places: int, weight: float) -> None:
    assert call_weight(variables=variables, days=days, places=places) == pytest.approx(weight)


def test_the_hosts_share_one_limit_and_updates_count_as_nothing() -> None:
    world = World([answer(), answer()], answer(), payload("meta_aifs_ensemble_20260715"))
    world.limiter = WindowLimiter(((60, 5.0),), clock=lambda: world.time)
    client = world.client()

    client.forecast("ncep_gfs_global", [NY, NY], days=2)
    client.ensemble("ncep_gefs025", [NY], days=2, members=31)
    assert world.time == NOW.timestamp() + 30
    for _ in range(5):
        client.model_update("ncep_gefs025", is_ensemble=True)
    assert world.time == NOW.timestamp() + 30


def test_past_days_and_the_extra_one_count(monkeypatch: pytest.MonkeyPatch) -> None:
    world = World(answer(**members(31)), answer(temperature_2m_previous_day1=[50.0] * 48))
    booked: list[float] = []
    monkeypatch.setattr(world.limiter, "reserve", lambda weight: booked.append(weight) or 0.0)
    client, day = world.client(), dt.date(2026, 7, 9)
    client.ensemble("ncep_gefs025", [NY], days=26, members=31)
    leads, later = [1, 2, 3, 4, 5, 6, 7], day + dt.timedelta(days=97)
    client.previous_runs("m", NY, first_day=day, last_day=later, lead_days=leads)

    assert booked == pytest.approx([3.1 * 28 / 14, 0.7 * 100 / 14])


def test_closing_the_client_closes_all_connections() -> None:
    world = World(answer())
    with world.client() as client:
        pass
    for call in (client.forecast, lambda *a, **k: client.ensemble(*a, **k, members=1)):
        with pytest.raises(RuntimeError, match="closed"):
            call("m", [NY], days=1)
    with pytest.raises(RuntimeError, match="closed"):
        day = dt.date(2026, 7, 9)
        client.previous_runs("m", NY, first_day=day, last_day=day, lead_days=[1])


def test_an_exhausted_day_is_said_and_not_waited_for() -> None:
    world = World(answer())
    world.limiter = WindowLimiter(((86400, 1.0),), clock=lambda: world.time)
    client = world.client()
    client.forecast("ncep_gfs_global", [NY], days=2)

    with pytest.raises(TransientError, match="asked too often"):
        client.forecast("ncep_gfs_global", [NY], days=2)
    assert len(world.requests) == 1


# ---- where, and with which key ------------------------------------------------------------------


def test_the_public_service_has_a_host_per_interface() -> None:
    assert hosts(PUBLIC, has_key=False) == Hosts(
        "https://api.open-meteo.com",
        "https://ensemble-api.open-meteo.com",
        "https://previous-runs-api.open-meteo.com",
    )
    assert hosts(PUBLIC, has_key=True) == Hosts(
        "https://customer-api.open-meteo.com",
        "https://customer-ensemble-api.open-meteo.com",
        "https://customer-previous-runs-api.open-meteo.com",
    )


@pytest.mark.parametrize("url", ["http://127.0.0.1:8080", "https://weather.example.org/om"])
def test_any_other_address_serves_everything(url: str) -> None:
    assert hosts(url, has_key=True) == Hosts(url, url, url)
    assert windows(url, has_key=False, per_minute=900) == ((60, 900),)


def test_free_use_is_limited_per_minute_hour_and_day() -> None:
    free = ((60, 600), (3600, FREE_PER_HOUR), (86400, FREE_PER_DAY))
    assert windows(PUBLIC, has_key=False, per_minute=600) == free
    assert windows(PUBLIC, has_key=True, per_minute=600) == ((60, 600),)


def test_the_key_goes_to_the_public_service_only(settings: Any) -> None:
    settings.OPEN_METEO_API_KEY = CANARY
    settings.OPEN_METEO_API_URL = PUBLIC
    with OpenMeteoClient.from_settings() as client:
        assert client._api_key == CANARY
        transports = [client._http, client._ensemble, client._previous_runs]
    assert [http._base_url for http in transports] == [
        "https://customer-api.open-meteo.com",
        "https://customer-ensemble-api.open-meteo.com",
        "https://customer-previous-runs-api.open-meteo.com",
    ]
    assert len({id(http._limiter) for http in transports}) == 1
    settings.OPEN_METEO_API_URL = "http://127.0.0.1:9"
    with OpenMeteoClient.from_settings() as client:
        assert client._api_key == ""


def test_the_key_is_sent_and_never_shown(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    world = World(
        answer(), httpx.Response(503, json=payload("error_503_overloaded")), httpx.ConnectError("x")
    )
    client = world.client(api_key=CANARY, retries=1)
    client.forecast("ncep_gfs_global", [NY], days=2)
    with pytest.raises(TransientError) as error:
        client.forecast("ncep_gfs_global", [NY], days=2)

    assert world.requests[0].url.params["apikey"] == CANARY
    shown = [str(error.value.as_dict()), *(captured.url for captured in world.captured)]
    shown += [record.getMessage() for record in caplog.records if record.name != "httpx"]
    assert not any(CANARY in text for text in shown)


# ---- what comes back ----------------------------------------------------------------------------


def test_a_forecast_gives_the_high_of_a_standard_day() -> None:
    (found,) = forecast(answer())
    maxima = daily_maxima(found.hours, offset=dt.timedelta(hours=-5)).whole_days()

    # 05Z on the 9th to 05Z on the 10th: the warmest hour is 23Z.
    assert maxima == {dt.date(2026, 7, 9): {0: 81.5}}
    assert found.problems == ()


def test_members_are_numbered_with_the_control_as_zero() -> None:
    found = ensemble(answer(**members(31)), count=31)

    assert found.hours.numbers == tuple(range(31))
    assert found.hours.temps_f[:, 0].tolist() == [60.0 + n for n in range(31)]
    assert found.problems == ()


def test_of_two_ensembles_the_asked_one_is_read() -> None:
    body = payload("ensemble_two_models_constructed")
    gefs = ensemble(body, count=31)
    ecmwf = ensemble(body, count=51, model="ecmwf_ifs025_ensemble")

    assert (gefs.hours.numbers, gefs.hours.temps_f[1].tolist()) == (tuple(range(31)), [50.1, 50.6])
    assert ecmwf.hours.numbers == tuple(range(51))
    assert ecmwf.hours.temps_f[50].tolist() == [55.0, 55.5]


def test_an_older_name_of_the_model_is_the_model() -> None:
    found = ensemble(
        answer(**members(21, model="cmc_gem_geps")), count=21, model="gem_global_ensemble"
    )
    assert len(found.hours.numbers) == 21


def test_a_model_that_is_not_in_the_answer_has_no_data() -> None:
    body = payload("ensemble_two_models_constructed")
    found = ensemble(body, count=40, model="icon_global_eps")

    assert isinstance(found, PlaceRefused)
    assert isinstance(found.error, DataUnavailable)
    assert found.error.context["models"] == ["ecmwf_ifs025_ensemble", "ncep_gefs025"]


def test_of_several_models_each_is_read_to_its_own_horizon() -> None:
    body = payload("forecast_four_models_constructed")
    (found,) = forecast(body, model="ncep_hrrr_conus")

    assert found.hours.temps_f[0, :2].tolist() == [51.1, 51.9]
    assert found.hours.temps_f[0, 2] != found.hours.temps_f[0, 2]


def test_a_day_beyond_the_horizon_has_no_high() -> None:
    rows = {"temperature_2m": [70.0] * 40 + [None] * 32}
    (found,) = forecast(answer(hours=72, **rows))
    assert daily_maxima(found.hours, offset=dt.timedelta(hours=-5)).whole_days().keys() == {
        dt.date(2026, 7, 9)
    }


def test_fewer_members_are_kept_and_said() -> None:
    found = ensemble(answer(**members(20)), count=31)
    assert len(found.hours.numbers) == 20
    assert "20 usable series instead of 31" in found.problems[0]


def test_more_members_are_kept_and_said() -> None:
    found = ensemble(answer(**members(33)), count=31)
    assert len(found.hours.numbers) == 33
    assert "33 usable series instead of 31" in found.problems[0]


def test_members_without_any_value_are_dropped_and_counted() -> None:
    rows = members(4) | {"temperature_2m_member02": [None] * 48}
    found = ensemble(answer(**rows), count=4)

    assert found.hours.numbers == (0, 1, 3)
    assert found.problems[0].endswith("instead of 4; 1 came without any value.")


@pytest.mark.parametrize(
    ("values", "reason"),
    [
        ([70.0] * 47 + [200.0], "200 °F cannot be true"),
        ([-999.0] + [70.0] * 47, "-999 °F cannot be true"),
        ([1e999] + [70.0] * 47, "inf °F cannot be true"),
        ([70.0] * 47, "47 values for 48 times"),
        (["70.0"] * 48, "no list of numbers"),
        ([True] * 48, "no list of numbers"),
        ([10**400] * 48, "without measure"),
        (None, "no list of numbers"),
    ],
)
def test_a_member_that_cannot_be_true_is_refused_and_the_others_stand(
    values: Any, reason: str
) -> None:
    body = answer(**members(4) | {"temperature_2m_member02": values})
    found = ensemble(
        httpx.Response(200, text=json.dumps(body).replace("Infinity", "1e999")), count=4
    )

    assert found.hours.numbers == (0, 1, 3)
    assert reason in found.problems[0]


def test_member_00_beside_the_control_is_left_out() -> None:
    rows = members(2) | {"temperature_2m_member00": [99.0] * 48}
    found = ensemble(answer(**rows), count=2)

    assert found.hours.temps_f[:, 0].tolist() == [60.0, 61.0]
    assert "comes twice" in found.problems[0]


def test_the_models_own_key_goes_before_a_bare_one() -> None:
    rows = {"temperature_2m": [99.0] * 48, "temperature_2m_ncep_gfs_global": [70.0] * 48}
    (found,) = forecast(answer(**rows))
    assert found.hours.temps_f[0, 0] == 70.0


def test_values_of_earlier_runs_are_no_forecast_and_the_other_way_round() -> None:
    rows = {"temperature_2m_previous_day1": [99.0] * 48, "temperature_2m": [70.0] * 48}
    day, body = dt.date(2026, 7, 9), answer(**rows)
    (coming,) = forecast(body)
    past = (
        World(body)
        .client()
        .previous_runs("ncep_gfs_global", NY, first_day=day, last_day=day, lead_days=[1])
    )

    assert coming.hours.temps_f.tolist() == [[70.0] * 48]
    assert isinstance(past, PlaceHours)
    assert (past.hours.numbers, past.hours.temps_f.tolist()) == ((1,), [[99.0] * 48])


def test_maxima_of_civil_days_are_not_read() -> None:
    rows = {"temperature_2m": [70.0] * 48, "temperature_2m_max": [99.0] * 48}
    (found,) = forecast(answer(**rows))
    assert found.hours.temps_f.max() == 70.0


def test_times_out_of_order_and_repeated_are_put_in_order() -> None:
    body = answer(hours=3, temperature_2m=[70.0, 71.0, 70.0])
    body["hourly"]["time"] = [MIDNIGHT + 3600, MIDNIGHT, MIDNIGHT + 3600]
    (found,) = forecast(body)

    assert found.hours.epochs.tolist() == [MIDNIGHT, MIDNIGHT + 3600]
    assert found.hours.temps_f.tolist() == [[71.0, 70.0]]


def test_values_that_contradict_each_other_are_left_out() -> None:
    body = answer(hours=3, temperature_2m=[70.0, 71.0, 75.0])
    body["hourly"]["time"] = [MIDNIGHT, MIDNIGHT + 3600, MIDNIGHT]
    (found,) = forecast(body)

    assert found.hours.temps_f[0, 1] == 71.0
    assert found.hours.temps_f[0, 0] != found.hours.temps_f[0, 0]
    assert "1 values of" in found.problems[0]


def broken(**changes: Any) -> dict[str, Any]:
    return copy.deepcopy(answer()) | changes


@pytest.mark.parametrize(
    ("body", "error", "reason"),
    [
        (answer(unit="°C"), InvalidDataError, "°C instead of °F"),
        (broken(hourly_units={"time": "unixtime"}), InvalidDataError, "unknown unit"),
        (broken(hourly_units={"time": "iso8601"}), InvalidDataError, "times of another kind"),
        (broken(utc_offset_seconds=-14400), InvalidDataError, "times of another kind"),
        (broken(latitude=41.4), InvalidDataError, "another place"),
        (broken(longitude=-73.4), InvalidDataError, "another place"),
        (broken(latitude=None), InvalidDataError, "latitude"),
        (broken(hourly=[]), InvalidDataError, "hourly"),
        (broken(hourly={"time": ["2026-07-09T00:00"]}), InvalidDataError, "times that cannot"),
        (broken(hourly={"time": [True]}), InvalidDataError, "times that cannot"),
        (broken(hourly={"time": []}), DataUnavailable, "without any time"),
        (answer(temperature_2m=[None] * 48), DataUnavailable, "no temperature for NY yet"),
        (answer(temperature_2m=[999.0] * 48), InvalidDataError, "999 °F cannot be true"),
        (answer(dew_point_2m=[60.0] * 48), DataUnavailable, "no temperatures of"),
        (None, InvalidDataError, "cannot be used"),
        ("down", InvalidDataError, "cannot be used"),
        ({"error": True, "reason": "try later"}, DataUnavailable, "try later"),
    ],
)
def test_a_place_that_cannot_be_used_is_refused_and_the_others_stand(
    body: Any, error: type[Exception], reason: str
) -> None:
    refused, good = forecast([body, answer(CHI)], NY, CHI)

    assert isinstance(refused, PlaceRefused)
    assert type(refused.error) is error
    assert reason in refused.error.message
    assert refused.error.context["place"] == "NY"
    assert isinstance(good, PlaceHours)


def test_a_recorded_answer_in_celsius_is_refused() -> None:
    (found,) = forecast(
        payload("ensemble_ecmwf_20260714"), CHONGQING, model="ecmwf_ifs025_ensemble"
    )
    assert "°C instead of °F" in found.error.message


def test_a_recorded_answer_in_fahrenheit_gives_its_members() -> None:
    body = payload("ensemble_ecmwf_20260714")
    for key in body["hourly_units"].keys() - {"time"}:
        body["hourly_units"][key] = "°F"
    world = World(body)
    (found,) = world.client().ensemble("ecmwf_ifs025_ensemble", (CHONGQING,), days=2, members=3)

    assert found.hours.epochs.tolist() == [1783987200, 1783990800, 1783994400]
    assert found.hours.temps_f[2].tolist() == [33.2, 34.8, 36.8]


def test_a_recorded_answer_with_local_times_is_refused() -> None:
    (found,) = forecast(payload("forecast_ankara_20260226"), Place("X", 40.1, 33.0, 948))
    assert "times of another kind" in found.error.message


@pytest.mark.parametrize("body", [[], [answer()], answer(), [answer()] * 3])
def test_an_answer_about_another_number_of_places_is_refused(body: Any) -> None:
    with pytest.raises(InvalidDataError, match="instead of 2"):
        forecast(body, NY, CHI)


def test_places_in_another_order_are_not_mistaken_for_each_other() -> None:
    found = forecast([answer(CHI), answer(NY)], NY, CHI)
    assert all("another place" in place.error.message for place in found)


# ---- refusals and outages -----------------------------------------------------------------------


def refusal(status: int, name: str) -> httpx.Response:
    return httpx.Response(status, json=payload(f"error_{status}_{name}"))


@pytest.mark.parametrize(
    ("name", "reason"),
    [("invalid_variable", "Cannot initialize"), ("no_data", "No data is available")],
)
def test_a_refused_request_says_why_and_is_not_repeated(name: str, reason: str) -> None:
    world = World(refusal(400, name))
    with pytest.raises(DataUnavailable, match=reason):
        world.client().forecast("ncep_gfs_global", [NY], days=2)
    assert len(world.requests) == 1


def test_a_key_that_is_not_accepted_needs_a_person() -> None:
    body = {"error": True, "reason": "The supplied API key is invalid."}
    with pytest.raises(OperatorActionRequired, match="OPEN_METEO_API_KEY"):
        forecast(httpx.Response(400, json=body))


def test_an_exhausted_minute_is_waited_out() -> None:
    world = World(refusal(429, "minutely"), answer())
    (found,) = world.client().forecast("ncep_gfs_global", [NY], days=2)

    assert isinstance(found, PlaceHours)
    assert 30 <= world.time - NOW.timestamp() < 32


@pytest.mark.parametrize(("name", "hours"), [("hourly", 1), ("daily", 12)])
def test_an_exhausted_hour_or_day_stops_all_calls_until_its_end(name: str, hours: int) -> None:
    world = World(refusal(429, name), answer())
    client = world.client()
    with pytest.raises(TransientError, match=f"{name.title()} API request limit exceeded"):
        client.forecast("ncep_gfs_global", [NY], days=2)
    with pytest.raises(TransientError, match="asked too often"):
        client.model_update("ncep_gefs025", is_ensemble=True)
    assert len(world.requests) == 1

    world.time = NOW.timestamp() + 3600 * hours
    assert isinstance(client.forecast("ncep_gfs_global", [NY], days=2)[0], PlaceHours)


@pytest.mark.parametrize(
    "failure",
    [
        refusal(429, "concurrent"),
        refusal(503, "overloaded"),
        httpx.Response(502, html="<html>Bad Gateway</html>"),
        httpx.Response(504, html="<html>Gateway Time-out</html>"),
        httpx.Response(200, html="<html>hello</html>"),
        httpx.Response(200, text='{"latitude": 40.7, "hourly": {"ti'),
        httpx.ReadTimeout("slow"),
    ],
)
def test_a_passing_failure_is_tried_again(failure: Any) -> None:
    world = World(failure, answer())
    (found,) = world.client().forecast("ncep_gfs_global", [NY], days=2)

    assert isinstance(found, PlaceHours)
    assert world.time - NOW.timestamp() < 2
    assert len(world.captured) == 1


def test_only_a_limit_that_was_exceeded_names_a_window() -> None:
    overloaded = Fetched(503, {}, b'{"reason": "Daily maintenance"}', "u")
    assert asked_patience(overloaded, NOW) is None


def test_a_lasting_overload_is_said_with_its_reason() -> None:
    with pytest.raises(TransientError, match="The service is overloaded"):
        forecast(refusal(503, "overloaded"))


def test_not_a_number_is_refused() -> None:
    with pytest.raises(InvalidDataError, match="NaN"):
        forecast(httpx.Response(200, text='{"hourly": {"temperature_2m": [NaN]}}'))


# ---- model updates ------------------------------------------------------------------------------


def test_an_update_says_which_run_there_is_and_since_when() -> None:
    world = World(payload("meta_aifs_ensemble_20260715"))
    update = world.client().model_update("ecmwf_aifs025_ensemble", is_ensemble=True)

    assert update.initialised_at == dt.datetime(2026, 7, 15, tzinfo=dt.UTC)
    assert update.available_at == dt.datetime(2026, 7, 15, 7, 27, 24, tzinfo=dt.UTC)
    assert update.settled_at == dt.datetime(2026, 7, 15, 7, 37, 24, tzinfo=dt.UTC)
    assert str(world.requests[0].url) == (
        "https://ensemble.test/data/ecmwf_aifs025_ensemble/static/meta.json"
    )


def test_some_models_have_their_data_under_another_name() -> None:
    world = World(payload("meta_aifs_ensemble_20260715"))
    world.client().model_update("ncep_gfs_global", is_ensemble=False)
    assert str(world.requests[0].url) == "https://forecast.test/data/ncep_gfs013/static/meta.json"


@pytest.mark.parametrize(
    "changes",
    [
        {"last_run_availability_time": 1784073599},
        {"last_run_initialisation_time": 0},
        {"last_run_initialisation_time": None},
        {"last_run_availability_time": 1784073600000},
        {"update_interval_seconds": 0},
    ],
)
def test_an_update_that_cannot_be_true_is_refused(changes: dict[str, Any]) -> None:
    world = World(payload("meta_aifs_ensemble_20260715") | changes)
    with pytest.raises(InvalidDataError, match="cannot be used"):
        world.client().model_update("ecmwf_aifs025_ensemble", is_ensemble=True)
