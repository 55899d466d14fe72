"""Nothing later than now is visible: a world that never knew the future answers the same."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from boz.sandbox.climate_report import climate_reports
from boz.sandbox.clock import SimulatedClock
from boz.sandbox.exchange import unix
from boz.sandbox.recordings.loader import Recordings, load_recordings
from boz.sandbox.scenarios import SCENARIOS
from boz.sandbox.sky import DELAY
from boz.sandbox.tests.conftest import REST, Client
from boz.sandbox.world import Services, World

# Four days around the Miami case keep each world small and hold every stage of a market's life.
FIRST, LAST = dt.date(2024, 11, 26), dt.date(2024, 11, 29)
START = dt.datetime(2024, 11, 25, 12, tzinfo=dt.UTC)
MINUTES = 6 * 24 * 60


def few_days() -> Recordings:
    everything = load_recordings()
    markets = tuple(item for item in everything.markets if FIRST <= item.day <= LAST)
    return replace(
        everything,
        markets=markets,
        tapes={item.ticker: everything.tapes[item.ticker] for item in markets},
    )


RECORDINGS = few_days()


def known_at(moment: dt.datetime) -> Recordings:
    """Return the recordings as somebody could have had them at a moment, results inverted."""
    markets = []
    for market in RECORDINGS.markets:
        if market.opens_at - dt.timedelta(hours=1) > moment:
            continue
        told = dt.datetime.combine(market.day, dt.time(11, 1), tzinfo=dt.UTC)
        if told + dt.timedelta(days=1) > moment:
            market = replace(market, won=not market.won, settled_high_f=0, volume=0)
        markets.append(market)
    issued = {
        (report.place.station, report.day)
        for report in climate_reports(RECORDINGS)
        if report.issued_at <= moment
    }
    return Recordings(
        markets=tuple(markets),
        tapes={item.ticker: RECORDINGS.tapes[item.ticker].until(unix(moment)) for item in markets},
        forecasts=tuple(item for item in RECORDINGS.forecasts if item.issued_at <= moment),
        observations=tuple(
            item for item in RECORDINGS.observations if item.observed_at + DELAY <= moment
        ),
        highs=tuple(item for item in RECORDINGS.highs if (item.station, item.day) in issued),
        reports=tuple(item for item in RECORDINGS.reports if item.issued_at <= moment),
    )


def ask(recordings: Recordings, moment: dt.datetime) -> list[str]:
    """Return every kind of answer at a moment."""
    client = Client(World(Services.of(recordings), SimulatedClock(moment), SCENARIOS["recorded"]))
    answers = [
        client.get(path)
        for path in (
            f"{REST}/exchange/status",
            f"{REST}/events?with_nested_markets=true",
            f"{REST}/markets?limit=1000",
            f"{REST}/markets?limit=1000&status=settled",
            f"{REST}/markets/trades?limit=50",
            f"{REST}/markets/trades?limit=5&max_ts=4000000000&ticker=KXHIGHNY-24NOV27-B52.5",
            f"{REST}/markets/KXHIGHMIA-24NOV27-T83",
            f"{REST}/markets/KXHIGHMIA-24NOV27-T83/orderbook",
            f"{REST}/events/KXHIGHNY-24NOV28",
            f"{REST}/series/KXHIGHMIA/markets/KXHIGHMIA-24NOV27-T83/candlesticks"
            "?start_ts=0&end_ts=4000000000&period_interval=60",
            "/nws/gridpoints/OKX/34,45",
            "/nws/gridpoints/MFL/106,51",
            "/nws/products/types/CLI/locations/NYC",
            "/nws/products/types/CLI/locations/MIA",
            "/nws/products/types/CLI/locations/MIA/latest",
            *(f"/nws/products/{report.uuid}" for report in LATE_REPORTS),
            "/aviationweather/api/data/metar?ids=KMIA,KNYC&format=json&hours=12",
            "/aviationweather/api/data/metar?ids=KMIA&format=raw&hours=2&date=2024-12-15T00:00:00Z",
            "/nws/gridpoints/OKX/34,45/forecast",
            "/nws/gridpoints/OKX/34,45/forecast/hourly",
            "/nws/stations/KMIA/observations?end=2024-12-15T00:00:00Z&limit=40",
            "/nws/stations/KMIA/observations/latest",
            "/iem/json/cli.py?station=KMIA&year=2024",
            "/iem/json/cli.py?station=NYC&year=2024",
            "/iem/api/1/nws/afos/list.json?pil=CLIMIA&date=2024-11-27",
            "/iem/api/1/nws/afos/list.json?pil=CLIMIA&date=2024-11-28",
            *(f"/iem/api/1/nwstext/{report.product_id}" for report in LATE_REPORTS),
            "/iem/cgi-bin/afos/retrieve.py?pil=CLIMIA,CLINYC,DSMMIA&limit=60"
            "&sdate=2024-11-20T00:00Z&edate=2024-12-20T00:00Z",
            "/iem/cgi-bin/request/asos.py?station=MIA&data=tmpf&data=metar"
            "&sts=2024-11-25T00:00Z&ets=2024-12-20T00:00Z",
            "/iem/cgi-bin/request/mos.py?station=KMIA&model=NBS"
            "&sts=2024-11-25T00:00Z&ets=2024-12-20T00:00Z",
            "/weather-company/climate/primary?date=2024-11-27",
            "/open-meteo/v1/forecast?latitude=25.79&longitude=-80.32&hourly=temperature_2m",
            "/open-meteo/data/ncep_gfs_global/static/meta.json",
            "/nbm/blend.20241127/13/text/blend_nbptx.t13z",
        )
    ]
    return [f"{answer.status_code} {answer.text}" for answer in answers]


LATE_REPORTS = [report for report in climate_reports(RECORDINGS) if report.issued_at >= START][:12]


def edges() -> list[int]:
    """Return the moments at which something becomes known, in seconds after the start."""
    markets = [market for market in RECORDINGS.markets if market.low_f is None]
    moments = [
        *(market.opens_at - dt.timedelta(hours=1) for market in markets),
        *(market.opens_at for market in markets),
        *(market.closes_at for market in markets),
        *(
            dt.datetime.combine(market.day, dt.time(12, 1), tzinfo=dt.UTC) + dt.timedelta(days=1)
            for market in markets
        ),
        *(item.issued_at for item in RECORDINGS.forecasts),
        *(item.issued_at for item in climate_reports(RECORDINGS)),
        *(item.observed_at + DELAY for item in RECORDINGS.observations[::7]),
    ]
    seconds = {int((moment - START).total_seconds()) for moment in moments}
    return sorted(second for second in seconds if 0 < second < MINUTES * 60)


# Leaks show just before something becomes known.
anywhere = st.integers(0, MINUTES * 60)
just_before = st.builds(
    lambda edge, ahead: edge - ahead, st.sampled_from(edges()), st.integers(0, 90)
)


def answers_alike(offset: int) -> None:
    moment = START + dt.timedelta(seconds=offset)
    assert ask(RECORDINGS, moment) == ask(known_at(moment), moment)


@settings(max_examples=10, deadline=None)
@given(st.one_of(anywhere, just_before))
def test_a_world_that_never_knew_the_future_answers_the_same(offset):
    answers_alike(offset)


@pytest.mark.slow
@settings(max_examples=150, deadline=None)
@given(st.one_of(anywhere, just_before))
def test_a_world_that_never_knew_the_future_answers_the_same_at_many_moments(offset):
    answers_alike(offset)


@pytest.mark.parametrize("day", [27, 28])
def test_no_result_is_known_a_second_before_it_is_settled(day):
    moment = dt.datetime(2024, 11, day, 12, 0, 59, tzinfo=dt.UTC)
    assert ask(RECORDINGS, moment) == ask(known_at(moment), moment)


def test_the_comparison_would_notice_a_leak():
    moment = dt.datetime(2024, 11, 27, 18, tzinfo=dt.UTC)
    later = moment + dt.timedelta(minutes=30)
    assert ask(RECORDINGS, moment) != ask(known_at(later), later)


def test_the_same_moment_always_gets_the_same_answers():
    moment = dt.datetime(2024, 11, 28, 10, tzinfo=dt.UTC)
    assert ask(RECORDINGS, moment) == ask(RECORDINGS, moment)
