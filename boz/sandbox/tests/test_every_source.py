"""The product's own clients read every source of the invented world, and all of them agree."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from itertools import pairwise

import numpy as np
import pytest
from django.test import override_settings

from boz.core.clock import UTC, standard_day_bounds
from boz.core.errors import DataUnavailable
from boz.sandbox.clock import SimulatedClock
from boz.sandbox.invented.sky import InventedSky
from boz.sandbox.observations import raw_report
from boz.sandbox.places import BY_STATION, EVERY_PLACE, Place
from boz.sandbox.scenarios import INVENTED_NOW, SCENARIOS
from boz.sandbox.server import SandboxServer
from boz.sandbox.tests.conftest import Client
from boz.sandbox.world import World, open_world
from weather.clients.aviationweather import AviationWeatherClient
from weather.clients.iem import IemClient
from weather.clients.nbm import NbmClient
from weather.clients.nws import NwsClient
from weather.clients.open_meteo.answers import Place as Point
from weather.clients.open_meteo.answers import PlaceHours
from weather.clients.open_meteo.client import OpenMeteoClient
from weather.clients.weather_company import Status, WeatherCompanyClient
from weather.domain.climate_report import parse_climate_reports
from weather.domain.daily_summary_message import parse_daily_summary_messages
from weather.domain.metar import parse_metar
from weather.domain.nbm_text import parse_nbm_block
from weather.domain.station_observation import station_observation
from weather.sources import MODELS
from weather.stations import STATIONS

NOW = INVENTED_NOW
YESTERDAY = dt.date(2026, 7, 14)
NEW_YORK, MIDWAY = BY_STATION["KNYC"], BY_STATION["KMDW"]
#: Turns of year and clock, and a minute before a partial report.
MOMENTS = ["2026-01-01T07:10:00Z", "2026-03-08T10:30:00Z", "2026-07-15T12:34:00Z"]


@pytest.fixture(scope="module")
def sky() -> InventedSky:
    return InventedSky()


@pytest.fixture(scope="module")
def server() -> Iterator[SandboxServer]:
    with SandboxServer(open_world(scenario="every_source")) as running:
        addresses = {
            "NWS_API_URL": running.nws_url,
            "AVIATIONWEATHER_API_URL": running.aviationweather_url,
            "OPEN_METEO_API_URL": running.open_meteo_url,
            "NBM_API_URL": running.nbm_url,
            "IEM_API_URL": running.iem_url,
            "WEATHER_COMPANY_API_URL": running.weather_company_url,
            "NWS_USER_AGENT": "tests (nobody@example.org)",
            **{
                f"{name}_RATE_LIMIT_PER_SECOND": 1000.0
                for name in ("NWS", "AVIATIONWEATHER", "NBM", "IEM", "WEATHER_COMPANY")
            },
            "OPEN_METEO_CALLS_PER_MINUTE": 1_000_000,
        }
        with override_settings(**addresses):
            yield running


def high_of(sky: InventedSky, place: Place, day: dt.date) -> int:
    """Return the highest reading of a climate day."""
    start = place.day_start(day)
    return int(sky._thermometer.readings(place, start, start + dt.timedelta(days=1)).max())


def test_every_station_of_the_product_has_a_place():
    assert [place.station for place in EVERY_PLACE] == [facts.icao for facts in STATIONS]
    assert len({place.grid for place in EVERY_PLACE}) == len(EVERY_PLACE)


# The weather service ---------------------------------------------------------------------------


def test_every_point_leads_to_a_grid_with_a_forecast_of_the_coming_days(server):
    with NwsClient.from_settings() as client:
        for place in EVERY_PLACE:
            point = client.point(latitude=place.latitude, longitude=place.longitude)
            assert (point.grid_id, point.grid_x, point.grid_y) == place.grid
        grid = client.grid(grid_id="OKX", grid_x=34, grid_y=45)
    assert grid.update_time <= NOW
    first, second, *_ = grid.max_temperature.values
    assert first.valid_time == "2026-07-15T12:00:00+00:00/PT13H"
    assert second.valid_time == "2026-07-16T12:00:00+00:00/PT13H"


def test_the_first_window_is_cut_at_the_issue(sky):
    issue = sky.grid(NEW_YORK, dt.datetime(2026, 7, 15, 19, tzinfo=UTC))
    assert issue is not None
    start, hours, _ = issue.layers["maxTemperature"].values[0]
    assert (start, hours) == (dt.datetime(2026, 7, 15, 18, tzinfo=UTC), 7)


def test_layers_tile_their_hours_and_agree_with_their_maximum(sky):
    issue = sky.grid(NEW_YORK, NOW)
    assert issue is not None
    hours = {}
    for (start, length, value), following in pairwise(issue.layers["temperature"].values):
        assert start + dt.timedelta(hours=length) == following[0]
        assert value != following[2]
        hours |= {start + dt.timedelta(hours=step): value for step in range(length)}
    start, length, maximum = issue.layers["maxTemperature"].values[1]
    window = [hours[start + dt.timedelta(hours=step)] for step in range(length)]
    assert max(window) == maximum


def test_hourly_and_period_forecasts_speak_of_the_hours_to_come(server):
    with NwsClient.from_settings() as client:
        hourly = client.hourly_forecast(grid_id="OKX", grid_x=34, grid_y=45)
        periods = client.period_forecast(grid_id="OKX", grid_x=34, grid_y=45)
    assert (len(hourly.items), len(periods.items)) == (156, 14)
    first = periods.items[0]
    assert (first.start, first.is_daytime) == (hourly.items[0].start, True)
    assert first.start == NOW
    highs = [period.temperature.value for period in hourly.items[:7]]  # 11 AM to 6 PM
    assert first.temperature.value == max(highs)


def test_readings_every_five_minutes_are_whole_celsius_without_a_report(server, sky):
    start = NOW - dt.timedelta(days=4)
    with NwsClient.from_settings() as client:
        rows = client.observations("KMDW", start=start).rows
        hourly = client.observations("KNYC", start=start).rows
    assert len(rows) > 1000  # more than a page holds
    assert len({row.observed_at for row in rows}) == len(rows)
    bare = [row for row in rows if not row.raw]
    assert 11.5 < len(bare) / (len(rows) - len(bare)) < 12.5
    assert all(row.value == int(row.value) for row in bare)
    assert all(station_observation(row, icao="KMDW") is not None for row in rows)
    assert len(hourly) == 96
    assert all(row.raw for row in hourly)


# Reports agree ---------------------------------------------------------------------------------


@pytest.mark.parametrize("place", EVERY_PLACE, ids=lambda place: place.city)
def test_every_office_writes_reports_that_can_be_read(sky, place):
    reports = sky.reports(place, NOW - dt.timedelta(days=4), NOW)
    finals = [report for report in reports if report.is_final]
    assert len(finals) >= 3
    assert len(reports) > len(finals)
    for report in reports:
        (summary,) = parse_climate_reports(report.text(), awips_id=report.pil)
        assert summary.station_name == place.cli_headline
        assert (summary.climate_day, summary.issued_at) == (report.day, report.issued_at)
        assert (summary.max_f, summary.min_f) == (report.max_f, report.min_f)
        assert summary.is_preliminary is not report.is_final
        assert summary.max_time_lst
    for report in finals:
        assert report.max_f == high_of(sky, place, report.day)
        assert report.issued_at >= place.day_start(report.day) + dt.timedelta(days=1)


def test_offices_write_times_in_their_own_way(sky):
    assert ":" not in sky.reports(NEW_YORK, NOW - dt.timedelta(days=1), NOW)[-1].max_time_lst
    assert ":" in sky.reports(MIDWAY, NOW - dt.timedelta(days=1), NOW)[-1].max_time_lst


def test_denver_and_austin_report_the_night_in_the_morning(sky):
    for name in ("KDEN", "KAUS"):
        place = BY_STATION[name]
        reports = sky.reports(place, NOW - dt.timedelta(days=2), NOW)
        early = [report for report in reports if report.valid_as_of.endswith("AM")]
        assert early
        assert all(report.max_f <= high_of(sky, place, report.day) for report in early)


def test_summary_messages_agree_with_the_reports(server, sky):
    with IemClient.from_settings() as client:
        texts = client.daily_summary_messages(["DSMNYC", "DSMMDW", "DSMDEN"], limit=20)
    read = 0
    for text in texts:
        place = next(item for item in EVERY_PLACE if f"DSM{item.cli_site}" in text)
        (message,), problems = parse_daily_summary_messages(
            text, around=NOW, offset_by_station=OFFSETS
        )
        assert (message.icao, problems) == (place.station, ())
        high = high_of(sky, place, message.climate_day)
        assert message.issued_at <= NOW
        if message.valid_until_lst is None:
            assert message.max_f == high
        else:
            assert message.max_f <= high
        read += 1
    assert read == 20


OFFSETS = {place.station: place.standard_offset for place in EVERY_PLACE}


@pytest.mark.parametrize("place", [NEW_YORK, MIDWAY, BY_STATION["KPHX"]], ids=lambda p: p.city)
def test_the_reports_of_a_day_never_exceed_its_high_and_its_last_one_sums_it_up(sky, place):
    start, end = standard_day_bounds(YESTERDAY, offset=place.standard_offset)
    items = sky.observations(place, start, end - dt.timedelta(minutes=1))
    high = high_of(sky, place, YESTERDAY)
    read = [parse_metar(raw_report(item), around=item.observed_at) for item in items]
    assert len(read) == 24
    assert all(report.temperature.high_f <= high for report in read)
    assert all(report.temperature.is_exact for report in read)
    assert [report.max_24h_f for report in read if report.max_24h_f is not None] == [high]
    assert sum(report.max_6h_f is not None for report in read) == 4


def test_the_settlement_company_republishes_the_final_report(server, sky):
    with WeatherCompanyClient.from_settings() as client:
        answer = client.daily_values(YESTERDAY)
        running = client.daily_values(YESTERDAY + dt.timedelta(days=1))
        coming = client.daily_values(YESTERDAY + dt.timedelta(days=3))
    assert not answer.problems
    assert {value.icao: value.max_f for value in answer.values} == {
        place.station: high_of(sky, place, YESTERDAY) for place in EVERY_PLACE
    }
    assert {value.status for value in answer.values} == {Status.OFFICIAL}
    assert {value.status for value in running.values} == {Status.PRELIMINARY, Status.NO_REPORT}
    assert {value.status for value in coming.values} == {Status.NO_REPORT}


def test_the_aviation_service_has_all_stations_in_one_answer(server):
    with AviationWeatherClient.from_settings() as client:
        answer = client.metars([place.station for place in EVERY_PLACE], hours=3)
    assert not answer.problems
    assert {report.icao for report in answer.reports} == {place.station for place in EVERY_PLACE}


# Archives --------------------------------------------------------------------------------------


def test_the_archive_of_climate_days_holds_the_year_so_far(server, sky):
    with IemClient.from_settings() as client:
        rows = client.climate_days(icao="KNYC", cli_id="NYC", year=2026)
        listed = client.product_list(pil="CLINYC", date=YESTERDAY)
        text = client.product_text(listed.rows[-1].product.text)
    assert not rows.problems
    days = [row.climate_day for row in rows.rows]
    assert days == [dt.date(2026, 1, 1) + dt.timedelta(days=step) for step in range(195)]
    assert rows.rows[-1].high_f == high_of(sky, NEW_YORK, YESTERDAY)
    assert len(listed.rows) == 2
    (summary,) = parse_climate_reports(text, awips_id="CLINYC")
    assert summary.climate_day == YESTERDAY


def test_the_archive_of_station_reports_has_five_minute_rows_in_their_text_only(server):
    with IemClient.from_settings() as client:
        start = NOW - dt.timedelta(hours=6)
        routine = client.metars("MDW", start=start, end=NOW)
        every = client.metars("MDW", start=start, end=NOW, with_five_minutes=True)
    assert (len(routine.rows), routine.problems) == (6, ())
    assert len(every.rows) == 6 * 13
    answer = Client(server.world).get(
        "/iem/cgi-bin/request/asos.py?station=KMDW&data=tmpf,metar&report_type=1"
        "&sts=2026-07-15T12:00Z&ets=2026-07-15T12:06Z&missing=M"
    )
    lines = answer.text.splitlines()
    assert lines[0] == "station,valid,tmpf,metar"
    assert [line.split(",")[:3] for line in lines[1:]] == [
        ["MDW", "2026-07-15 12:00", "M"],
        ["MDW", "2026-07-15 12:05", "M"],
    ]


def test_the_archive_of_bulletins_says_what_the_bulletins_said(server):
    run = dt.datetime(2026, 7, 14, 13, tzinfo=UTC)
    with IemClient.from_settings() as client, NbmClient.from_settings() as bucket:
        rows = client.nbs_archive("KMDW", start=run, end=run + dt.timedelta(minutes=1))
        (block,) = bucket.blocks(product="NBS", cycle=run, stations=["KMDW"]).blocks
    guidance = parse_nbm_block(block.text, station="KMDW", product="NBS")
    assert not rows.problems
    archived = {row.valid_at: row.temp_f for row in rows.rows}
    assert guidance.days
    for day in guidance.days:
        assert archived[day.valid_at] == day.high_f


# The National Blend ----------------------------------------------------------------------------


@pytest.mark.parametrize("product", ["NBP", "NBS", "NBE"])
@pytest.mark.parametrize("hour", [1, 7, 13, 19])
def test_every_station_is_found_in_the_bulletin_and_can_be_read(server, product, hour):
    cycle = dt.datetime(2026, 7, 14, hour, tzinfo=UTC)
    wanted = [place.station for place in EVERY_PLACE]
    with NbmClient.from_settings() as client:
        found = client.blocks(product=product, cycle=cycle, stations=wanted)
    assert not found.problems
    for block in found.blocks:
        guidance = parse_nbm_block(block.text, station=block.station, product=product)
        assert block.published_at == cycle + dt.timedelta(minutes=77)
        assert len(guidance.days) >= 2
        for day in guidance.days:
            assert day.sd_f is not None
            assert 0 < day.sd_f < 10
            values = [value for _, value in day.quantiles_f]
            assert values == sorted(values)


def test_a_bulletin_that_is_not_published_is_not_there(server):
    with NbmClient.from_settings() as client, pytest.raises(DataUnavailable):
        client.blocks(
            product="NBP", cycle=dt.datetime(2026, 7, 15, 19, tzinfo=UTC), stations=["KNYC"]
        )


@pytest.fixture
def bulletin(at):
    client = at("2026-07-15T15:00:00Z", scenario="every_source")

    def ask(wanted: str | None = None):
        headers = {} if wanted is None else {"Range": wanted}
        return client.get("/nbm/blend.20260715/13/text/blend_nbptx.t13z", headers=headers)

    return ask


def test_a_part_of_a_file_is_that_part(bulletin):
    whole = bulletin()
    assert whole.status_code == 200
    assert len(whole.content) > 2_000_000
    part = bulletin("bytes=1000-1999")
    assert (part.status_code, part.content) == (206, whole.content[1000:2000])
    assert part.headers["content-range"] == f"bytes 1000-1999/{len(whole.content)}"
    assert part.headers["last-modified"] == "Wed, 15 Jul 2026 14:17:00 GMT"
    assert part.headers["etag"] == whole.headers["etag"]
    assert bulletin("bytes=-500").content == whole.content[-500:]
    last = len(whole.content) - 10
    assert bulletin(f"bytes={last}-{last + 999}").content == whole.content[-10:]


@pytest.mark.parametrize("wanted", ["bytes=999999999-", "bytes=10-5", "bytes=-", "lines=1-2"])
def test_a_part_that_is_not_there_is_refused(bulletin, wanted):
    assert bulletin(wanted).status_code == 416


# Open-Meteo ------------------------------------------------------------------------------------

POINTS = [
    Point(place.city, place.latitude, place.longitude, place.elevation_m) for place in EVERY_PLACE
]


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model.code)
def test_every_model_answers_for_all_stations_with_all_its_members(server, model):
    with OpenMeteoClient.from_settings() as client:
        if model.is_ensemble:
            answers = client.ensemble(model.model_id, POINTS, days=3, members=model.members)
        else:
            answers = client.forecast(model.model_id, POINTS, days=3)
        update = client.model_update(model.model_id, is_ensemble=model.is_ensemble)
    assert len(answers) == len(EVERY_PLACE)
    for answer in answers:
        assert isinstance(answer, PlaceHours)
        assert not answer.problems
        assert answer.hours.temps_f.shape[0] == model.members
    assert update.initialised_at < update.available_at <= NOW
    interval = dt.timedelta(seconds=update.update_interval_seconds)
    assert update.available_at + interval > NOW


def test_the_error_of_a_forecast_grows_with_its_lead(sky):
    day = 86_400
    valid = int(NOW.timestamp()) + day * np.arange(0, 400)
    errors = {}
    for days_before in (1, 7):
        late = NOW + dt.timedelta(days=500)
        said = sky.model_hours("ncep_gfs_global", NEW_YORK, valid, late, days_before=days_before)
        assert said is not None
        truth = sky._thermometer.temperature(NEW_YORK, valid)
        errors[days_before] = float(np.std(said[0] - truth))
    assert 1 < errors[1] < errors[7] < 8


def test_a_previous_run_says_the_same_later_as_on_the_day(sky):
    """The row of a day before is what the run of then said; nothing is known afterwards."""
    hour = dt.datetime(2026, 7, 15, 12, tzinfo=UTC)
    valid = np.array([int(hour.timestamp())])
    on_the_day = sky.model_hours("ncep_gfs_global", NEW_YORK, valid, hour - dt.timedelta(hours=18))
    later = sky.model_hours("ncep_gfs_global", NEW_YORK, valid, NOW, days_before=1)
    assert on_the_day is not None
    assert later is not None
    assert on_the_day[0, 0] == later[0, 0]


def test_a_previous_run_that_is_not_out_is_null(at):
    client = at("2026-07-15T15:00:00Z", scenario="every_source")
    answer = client.get(
        "/open-meteo/v1/forecast?latitude=40.7833&longitude=-73.9667&models=ncep_gfs_global"
        "&hourly=temperature_2m_previous_day1&forecast_days=3&timeformat=unixtime"
    ).json()["hourly"]
    last = max(
        moment
        for moment, value in zip(
            answer["time"], answer["temperature_2m_previous_day1"], strict=True
        )
        if value is not None
    )
    # The run of 06 UTC is out since 10:50; it is the last for hours up to noon tomorrow.
    assert last == int(dt.datetime(2026, 7, 16, 11, tzinfo=UTC).timestamp())


def test_one_model_has_plain_names_and_several_carry_theirs(at):
    client = at("2026-07-15T15:00:00Z", scenario="every_source")
    query = "latitude=40.78&longitude=-73.97&hourly=temperature_2m&forecast_days=1"
    one = client.get(f"/open-meteo/v1/ensemble?{query}&models=gfs025").json()["hourly"]
    assert list(one)[:3] == ["time", "temperature_2m", "temperature_2m_member01"]
    assert len(one) == 32
    two = client.get(f"/open-meteo/v1/ensemble?{query}&models=gfs025,gem_global").json()["hourly"]
    assert "temperature_2m_ncep_gefs025" in two
    assert "temperature_2m_member20_gem_global_ensemble" in two
    assert len(two) == 1 + 31 + 21
    hrrr = client.get(f"/open-meteo/v1/forecast?{query}&models=gfs_hrrr").json()
    assert isinstance(hrrr, dict)
    assert None not in hrrr["hourly"]["temperature_2m"]


def test_the_short_model_ends_in_nulls(at):
    client = at("2026-07-15T15:00:00Z", scenario="every_source")
    row = client.get(
        "/open-meteo/v1/forecast?latitude=40.78&longitude=-73.97&hourly=temperature_2m"
        "&models=ncep_hrrr_conus&forecast_days=4"
    ).json()["hourly"]["temperature_2m"]
    known = [value is not None for value in row]
    assert known == sorted(known, reverse=True)
    assert 48 <= sum(known) < 72


@pytest.mark.parametrize(
    ("query", "reason"),
    [
        ("latitude=10&longitude=10&hourly=temperature_2m", "No data is available"),
        ("latitude=40.78&longitude=-73.97&hourly=tempeture_2m", "Cannot initialize"),
        ("latitude=40.78&longitude=-73.97&hourly=temperature_2m&models=x", "Cannot initialize"),
        ("latitude=40.78,41&longitude=-73.97&hourly=temperature_2m", "same number of elements"),
        ("latitude=a&longitude=-73.97&hourly=temperature_2m", "must be numbers"),
        ("latitude=40.78&longitude=-73.97&hourly=temperature_2m&timezone=Mars", "timezone"),
        ("latitude=40.78&longitude=-73.97&hourly=temperature_2m&start_date=x", "Invalid date"),
    ],
)
def test_open_meteo_refuses_in_its_own_words(at, query, reason):
    answer = at("2026-07-15T15:00:00Z", scenario="every_source").get(
        f"/open-meteo/v1/forecast?{query}"
    )
    assert answer.status_code == 400
    assert answer.json()["error"] is True
    assert reason in answer.json()["reason"]


# The recorded world says what it does not know ---------------------------------------------------


@pytest.mark.parametrize(
    ("path", "status", "text"),
    [
        (
            "/open-meteo/v1/forecast?latitude=40.7833&longitude=-73.9667&hourly=temperature_2m",
            400,
            '{"error":true,"reason":"No data is available for this location"}',
        ),
        ("/nbm/blend.20241114/13/text/blend_nbptx.t13z", 404, "NoSuchKey"),
        ("/iem/cgi-bin/afos/retrieve.py?pil=DSMMIA", 200, "ERROR: Could not Find: DSMMIA"),
        ("/weather-company/climate/primary?date=2024-11-13", 200, '"status":"no_report"'),
        ("/nws/gridpoints/OKX/34,45/forecast", 404, "no hourly forecast is recorded"),
        ("/nws/stations/KMDW/observations", 404, "There is no station KMDW"),
        ("/iem/json/cli.py?station=KMDW&year=2024", 200, '"results":[]'),
    ],
)
def test_the_recorded_world_makes_nothing_up(at, path, status, text):
    answer = at("2024-11-14T15:00:00Z").get(path)
    assert answer.status_code == status
    assert text in answer.text
    assert answer.headers.get("X-Derived-From") is None


def test_the_recorded_reports_are_in_the_archive_too(at):
    client = at("2024-11-28T14:00:00Z")
    text = client.get("/iem/cgi-bin/afos/retrieve.py?pil=CLIMIA,CLINYC&limit=9").text
    assert text.count("\001\n") == text.count("\n\003\n") == 9
    assert "CDUS42 KMFL 281356" in text
    rows = client.get("/iem/json/cli.py?station=MIA&year=2024").json()["results"]
    assert (rows[-1]["valid"], rows[-1]["high"], rows[-1]["low"]) == ("2024-11-27", 81, "M")
    features = client.get("/nws/stations/KMIA/observations?limit=3").json()["features"]
    assert features[0]["properties"]["rawMessage"].startswith("METAR KMIA 281353Z")


# Determinism and the future ----------------------------------------------------------------------


#: Which of the answers below are measurements and reports of them.
MEASURED = (2, 3, 4, 5, 6, 7, 8, 9, 11, 12)
#: Lists of products name them and hold no values.
LISTS = (4, 7)


def every_answer(sky: InventedSky, moment: dt.datetime) -> list[str]:
    world = World(_Services(sky), SimulatedClock(moment), SCENARIOS["every_source"])
    client = Client(world)
    last = moment + dt.timedelta(days=9)
    period = f"sts={moment - dt.timedelta(days=1):%Y-%m-%dT%H:%MZ}&ets={last:%Y-%m-%dT%H:%MZ}"
    paths = [
        "/nws/gridpoints/OKX/34,45",
        "/nws/gridpoints/BOU/74,66/forecast",
        f"/nws/stations/KMDW/observations?limit=40&end={last:%Y-%m-%dT%H:%M:%SZ}",
        "/nws/stations/KDEN/observations/latest",
        "/nws/products/types/CLI/locations/AUS",
        "/nws/products/types/CLI/locations/DEN/latest",
        f"/iem/json/cli.py?station=KDEN&year={moment.year}",
        f"/iem/api/1/nws/afos/list.json?pil=DSMDEN&date={moment:%Y-%m-%d}",
        f"/iem/cgi-bin/afos/retrieve.py?pil=DSMDEN,CLIDEN&limit=12&edate={last:%Y-%m-%dT%H:%MZ}",
        f"/iem/cgi-bin/request/asos.py?station=DEN&data=metar&{period}",
        f"/iem/cgi-bin/request/mos.py?station=KDEN&model=NBE&{period}",
        f"/weather-company/climate/primary?date={moment:%Y-%m-%d}",
        "/aviationweather/api/data/metar?ids=KDEN,KMDW&format=json&hours=5",
    ]
    for model in ("ncep_hrrr_conus", "ecmwf_ifs025"):
        paths.append(f"/open-meteo/data/{model}/static/meta.json")
        paths.append(
            f"/open-meteo/v1/forecast?latitude=39.85&longitude=-104.66&models={model}"
            "&hourly=temperature_2m,temperature_2m_previous_day2&past_days=2"
        )
    paths.append(
        "/open-meteo/v1/ensemble?latitude=39.85&longitude=-104.66&hourly=temperature_2m"
        "&models=icon_global_eps&forecast_days=3"
    )
    answers = [client.get(path) for path in paths]
    assert all(answer.status_code == 200 for answer in answers), [a.text[:80] for a in answers]
    assert {answer.headers["X-Derived-From"] for answer in answers} == {"invented"}
    return [answer.text for answer in answers]


class _Services:
    def __init__(self, sky: InventedSky) -> None:
        self.exchange, self.sky = None, sky


def test_one_seed_makes_one_world():
    assert every_answer(InventedSky(7), NOW) == every_answer(InventedSky(7), NOW)
    assert every_answer(InventedSky(7), NOW) != every_answer(InventedSky(8), NOW)


class _Divided(InventedSky):
    """A sky in which other weather begins at a moment, for whatever measures it."""

    def __init__(self, moment: dt.datetime) -> None:
        super().__init__()
        ours, moment_seconds = self._thermometer.temperature, moment.timestamp()

        def temperature(place, moments):
            warmer = 40.0 * (np.asarray(moments) > moment_seconds)
            return ours(place, moments) + warmer

        self._thermometer.temperature = temperature  # type: ignore[method-assign]


@pytest.mark.parametrize("moment", MOMENTS)
def test_nothing_that_was_measured_after_now_is_told(moment):
    """Another future changes forecasts only: what is measured and reported stays the same."""
    now = dt.datetime.fromisoformat(moment)
    ours, other = every_answer(InventedSky(), now), every_answer(_Divided(now), now)
    assert [ours[number] for number in MEASURED] == [other[number] for number in MEASURED]
    assert ours[0] != other[0]


def test_the_comparison_would_notice_a_measurement_from_the_future():
    now, earlier = NOW, NOW - dt.timedelta(hours=12)
    ours, other = every_answer(InventedSky(), now), every_answer(_Divided(earlier), now)
    assert all(ours[number] != other[number] for number in MEASURED if number not in LISTS)


def test_a_product_named_before_its_time_is_not_there(at, sky):
    coming = sky.reports(NEW_YORK, NOW, NOW + dt.timedelta(days=1))[0]
    client = at(NOW.isoformat(), scenario="every_source")
    assert client.get(f"/nws/products/{coming.uuid}").status_code == 404
    assert client.get(f"/iem/api/1/nwstext/{coming.product_id}").status_code == 404
    client.world.clock.set(coming.issued_at)
    assert client.get(f"/nws/products/{coming.uuid}").json()["productText"] == coming.text()
    assert client.get(f"/iem/api/1/nwstext/{coming.product_id}").status_code == 200


def test_a_run_is_told_from_the_minute_it_is_out(sky):
    out = dt.datetime(2026, 7, 15, 10, 50, tzinfo=UTC)
    before = sky.model_run("ncep_gfs_global", out - dt.timedelta(seconds=1))
    after = sky.model_run("ncep_gfs_global", out)
    assert before is not None
    assert after is not None
    assert (before.started_at.hour, after.started_at.hour) == (0, 6)
