from __future__ import annotations

import datetime as dt

import pytest
import time_machine

from boz.console.templatetags.console import NOTHING
from boz.console.tests.pages import counted, read
from boz.console.tests.worlds import make_desk_with_results
from boz.core.tests.api_helpers import make_user
from prediction.domain.horizons import Horizon
from prediction.tests.accuracy_worlds import (
    LAST_DAY,
    NOW,
    days_until,
    forecast_high,
    report_high,
    score_day,
    score_days,
)
from trading.models import Trade
from trading.tests.factories import make_tradeable_event
from weather.models import Station
from weather.tests.factories import real_station

pytestmark = pytest.mark.django_db
PAGES = ("/accuracy/", "/accuracy/calibration/", "/accuracy/sources/")
SCORES = {
    "probabilities": [0.05, 0.2, 0.35, 0.25, 0.1, 0.05],
    "outcome": 2,
    "error_f": 1.0,
    "sd_f": 2.0,
    "hit_50": True,
    "hit_80": True,
    "hit_90": True,
    "weights": {"emos_slow": 0.6, "climatology": 0.4, "nowcast": 0.0},
}


@pytest.fixture
def anna(client):
    user = make_user("anna")
    client.force_login(user)
    return user


@pytest.fixture
def _now():
    with time_machine.travel(NOW, tick=False):
        yield


@pytest.fixture
def world(_now, anna):
    for engine, brier in (("blend", 0.4), ("market", 0.5), ("pooled", 0.45)):
        score_days(days_until(LAST_DAY, 25), engine=engine, brier=brier, **SCORES)


@pytest.mark.parametrize("path", PAGES)
def test_accuracy_needs_a_login(client, path):
    response = client.get(path)

    assert response.status_code == 302
    assert response.headers["Location"] == f"/login/?next={path}"


@pytest.mark.parametrize("path", PAGES[:2])
def test_before_the_first_settled_day_the_page_says_what_to_do(client, anna, path):
    text = read(client, path).text

    assert "No day has been settled yet." in text
    assert "“predict” and “settle”" in text


def test_without_official_highs_the_page_on_sources_says_what_to_do(client, anna):
    text = read(client, "/accuracy/sources/").text

    assert text.count("No forecast of that moment stands beside an official high") == 3
    assert "fetch_history" in text


def test_where_other_choices_have_scores_the_page_says_where(client, world):
    for path in PAGES[:2]:
        text = read(client, path, horizon="early").text
        assert "No day has been settled yet." not in text
        assert "The newest scored day is 29 Nov 2024" in text


def test_engines_stand_with_their_scores_and_verdicts(client, world):
    page = read(client, "/accuracy/")

    for words in (
        "So far better than the market over 25 days (Brier -0.100 against the market",
        "The market itself: what the others are measured against.",
        "0.400 0.400 to 0.400",
        "+20.0%",
        "25 / 25",
        "100.0%",
        "Lead of blend over the market",
        "60.0% last, 60.0% on average",
        "Heard and scored with weight 0: nowcast.",
    ):
        assert words in page.text, words
    assert page.tags.count("caption") == 3
    assert page.tags.count("title") == 2, "the page's own and the drawing's"


def test_below_twenty_days_there_is_no_verdict(client, anna, _now):
    score_days(days_until(LAST_DAY, 19), **SCORES)

    assert "No verdict: 19 settled days can be compared" in read(client, "/accuracy/").text


def test_calibration_is_drawn_with_a_table_beside(client, world):
    page = read(client, "/accuracy/calibration/")

    assert "Whether blend means what it says" in page.text
    assert "150 brackets of 25 events over 25 days" in page.text
    assert "This is the randomised PIT" in page.text
    assert page.tags.count("svg") == page.tags.count("desc") == 2
    assert page.tags.count("table") == 3


def test_grades_stand_with_what_they_were_worth(client, world):
    text = read(client, "/accuracy/calibration/", engine="market").text

    assert "settled days by grade are 0 high, 0 medium, 25 low; each needs 20." in text
    # The champion's alone, whichever engine is drawn.
    assert "Low 25 25 35.0% 100.0% 100.0%" in text
    assert f"High 0 0 {NOTHING} {NOTHING} {NOTHING}" in text


def test_sources_stand_by_the_moment_of_their_word(client, anna, _now):
    station = real_station("NY")
    report_high(LAST_DAY, 55, station)
    forecast_high(LAST_DAY, 57.0, lead_hours=30, station=station)

    text = read(client, "/accuracy/sources/", station="NY", days="30").text

    assert "nws-grid 2.00 2.00 +2.0 1 1" in text
    assert text.count("No forecast of that moment") == 1
    chosen = read(client, "/accuracy/sources/", horizon="evening").text
    assert "No forecast of that moment" not in chosen
    assert "Sources" in read(client, "/accuracy/sources/", horizon="afternoon").text


def test_a_choice_is_kept_between_the_pages(client, world):
    score_day(LAST_DAY, city="MIA", engine="pooled", horizon=Horizon.EVENING, **SCORES)

    choice = {"station": "MIA", "horizon": "evening", "engine": "pooled", "days": "30"}
    html = client.get("/accuracy/", choice).content.decode()

    assert "1 / 1" in html
    assert "?station=MIA&amp;horizon=evening&amp;engine=pooled&amp;days=30" in html
    assert '<option value="MIA" selected>' in html
    assert '<option value="evening" selected>' in html
    assert "<option selected>pooled</option>" in html
    assert '<option value="30" selected>' in html


@pytest.mark.parametrize("path", PAGES)
@pytest.mark.parametrize(
    "params",
    [
        {"station": "NOWHERE"},
        {"horizon": "midnight"},
        {"days": "31"},
        {"days": "-30"},
        {"engine": "<script>"},
        {"engine": "x" * 41},
    ],
)
def test_a_choice_that_makes_no_sense_is_a_page_that_does_not_exist(client, anna, path, params):
    assert client.get(path, params).status_code == 404


@pytest.mark.parametrize("path", PAGES[:2])
def test_more_days_and_engines_need_no_more_queries(client, world, path):
    few = counted(client, path)
    for engine in ("emos_slow", "emos_fast", "climatology"):
        score_days(days_until(LAST_DAY, 40), engine=engine, city="MIA", **SCORES)

    assert counted(client, path) == few
    assert few <= 9


def test_sources_need_a_few_queries_per_station_whatever_the_days(client, anna, _now):
    station = real_station("NY")

    def add(days: list[dt.date]) -> None:
        for day in days:
            report_high(day, 55, station)
            for source in ("nws-grid", "gfs"):
                forecast_high(day, 56.0, lead_hours=30, station=station, source=source)

    add(days_until(LAST_DAY, 2))
    few = counted(client, "/accuracy/sources/")
    add(days_until(LAST_DAY - dt.timedelta(days=2), 20))

    assert counted(client, "/accuracy/sources/") == few
    assert few <= 6 + 4 * Station.objects.filter(is_active=True).count()


def test_the_overview_and_a_trade_lead_to_accuracy(client):
    portfolio = make_desk_with_results()
    client.force_login(portfolio.owner)

    overview = client.get("/").content.decode()
    trade = client.get(f"/trades/{Trade.objects.first().pk}/").content.decode()

    assert overview.count('href="/accuracy/"') == 2
    assert 'href="/accuracy/?station=NY"' in trade


def test_a_ladder_without_a_pooled_belief_has_no_column_for_it(client, anna):
    make_tradeable_event()

    assert 'class="num aside"' not in client.get("/").content.decode()


def test_a_ladder_shows_the_belief_pooled_with_the_market(client, anna):
    # Brackets: 51 or below, then pairs of degrees, then 60 or above.
    make_tradeable_event(pooled_low_f=54, pooled_pmf=[0.125, 0.125, 0.5, 0.25])

    html = client.get("/").content.decode()

    for label, share in (("52° to 53°", "0%"), ("54° to 55°", "25%"), ("56° to 57°", "75%")):
        row = html.partition(f'<th scope="row">{label}</th>')[2].partition("</tr>")[0]
        assert f'<td class="num aside">{share}</td>' in row
        assert f"pooled {share}" in row
