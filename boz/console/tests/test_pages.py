from __future__ import annotations

import datetime as dt
import re

import pytest
from django.core.cache import cache

from boz.console.tests.pages import Page, counted, read
from boz.console.tests.worlds import (
    add_open_day,
    add_settled_day,
    make_desk_with_results,
    run_every_job,
    settle_day,
)
from boz.core.tests.api_helpers import make_user
from markets.models import Event
from markets.tests.factories import NOW
from settlement.models import PostMortem
from trading.choices import Mode, Role, TradeStatus
from trading.models import PortfolioMember, Trade
from trading.services.cycle import run_trading_cycle
from trading.services.protections import set_kill_switch
from trading.tests.factories import (
    make_books,
    make_portfolio,
    make_prediction,
    make_tradeable_event,
)
from weather.models import ForecastSource

pytestmark = pytest.mark.django_db
HOSTILE = "<script>alert('boz')</script>\" onload=x"


@pytest.fixture(autouse=True)
def _fresh_counters():
    cache.clear()
    yield
    cache.clear()


@pytest.fixture
def anna(client):
    user = make_user("anna")
    client.force_login(user)
    return user


@pytest.fixture
def desk(client):
    portfolio = make_desk_with_results()
    client.force_login(portfolio.owner)
    return portfolio


@pytest.mark.parametrize("path", ["/", "/trades/1/"])
def test_pages_need_a_login(client, path):
    response = client.get(path)

    assert response.status_code == 302
    assert response.headers["Location"] == f"/login/?next={path}"


def test_logging_in_and_out(client, settings):
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
    user = make_user("anna")
    user.set_password("correct horse")
    user.save()

    assert "Log in" in read(client, "/login/").text
    wrong = client.post("/login/", {"username": "anna", "password": "wrong"})
    assert "correct username and password" in Page(wrong.content.decode()).text
    right = client.post("/login/", {"username": "anna", "password": "correct horse"})
    assert (right.status_code, right.headers["Location"]) == (302, "/")
    assert "Log out anna" in read(client).text
    assert client.get("/logout/").status_code == 405
    assert client.post("/logout/").status_code == 302
    assert client.get("/").status_code == 302


def test_wrong_passwords_are_counted_and_right_ones_are_not(client, settings):
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
    user = make_user("anna")
    user.set_password("correct horse")
    user.save()
    right = {"username": "anna", "password": "correct horse"}

    for _ in range(11):
        assert client.post("/login/", right).status_code == 302
        client.post("/logout/")
    for _ in range(10):
        assert client.post("/login/", {**right, "password": "wrong"}).status_code == 200
    refused = client.post("/login/", right)

    assert refused.status_code == 429
    assert "Too many failed attempts" in Page(refused.content.decode()).text


def test_a_login_never_sends_people_to_another_site(client, settings):
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
    user = make_user("anna")
    user.set_password("correct horse")
    user.save()

    response = client.post(
        "/login/", {"username": "anna", "password": "correct horse", "next": "//evil.example/"}
    )

    assert response.headers["Location"] == "/"


def test_a_fresh_installation_has_a_page_that_says_what_is_missing(client, anna):
    text = read(client).text

    assert "No portfolio is visible to you yet." in text
    assert "No event is known yet." in text
    assert "never ran" in text


def test_a_portfolio_without_trades_has_a_page(client):
    client.force_login(make_portfolio().owner)

    text = read(client).text

    assert "No trade yet." in text
    assert "No trade has been settled yet" in text
    assert "$1,000.00" in text
    assert "No verdict" in text


def test_the_overview_shows_figures_ladder_trades_and_health(client, desk):
    run_every_job()
    page = read(client)
    text = page.text

    for words in (
        "PAPER",
        "No real money",
        "Result after fees",
        "Hit rate",
        "No verdict: 1 settled days can be compared",
        "58° to 59°",
        "60° or above",
        "Post-mortem",
        "WON",
        "LOST",
        "Settled on 57 °F",
        "Sources and jobs",
    ):
        assert words in text, words
    assert "never ran" not in text
    assert "svg" in page.tags
    assert page.tags.count("caption") == 2


def test_sources_in_trouble_are_read_first_with_the_reason(client, desk):
    ForecastSource.objects.update(status="unknown")
    ForecastSource.objects.filter(code="nws-grid").update(status="ok")
    ForecastSource.objects.filter(code="gfs").update(
        status="down", status_reason="No good answer. <b>Not asked again before 12:05 UTC.</b>"
    )

    text = read(client).text

    assert "No good answer. <b>Not asked again before 12:05 UTC.</b>" in text
    assert "1 of " in text
    assert "never asked yet" in text
    assert text.index("GFS (Open-Meteo)") < text.index("National Weather Service grid forecast")


def test_a_ladder_shows_our_probability_beside_the_markets_and_both_prices(client, anna):
    make_tradeable_event(mean_f=55.0)

    page = client.get("/").content.decode()

    row = re.search(r"<tr[^>]*>\s*<th scope=\"row\">54° to 55°.*?</tr>", page, re.S).group()
    text = Page(row).text
    # P(54..55) of N(55, 2.3) with the half-degree correction; the book is 31 bid, 35 asked.
    assert "ours 33%" in text
    assert "market 33%" in text
    assert "31¢" in text
    assert "35¢" in text
    assert 'class="theirs" y="10" width="33.0"' in row


def test_a_missing_quote_is_a_dash_and_never_a_price(client, anna):
    _, markets = make_tradeable_event()
    markets[0].books.all().update(yes_bids=[], no_bids=[])

    page = client.get("/").content.decode()

    row = re.search(r"<tr[^>]*>\s*<th scope=\"row\">51° or below.*?</tr>", page, re.S).group()
    assert 'class="theirs"' not in row
    assert "0¢" not in row
    assert "100¢" not in row


def test_a_finished_day_is_shown_as_it_stood_before_the_outcome_was_known(client, desk):
    event = Event.objects.get()
    evening = dt.datetime(2024, 11, 15, 23, 0, tzinfo=dt.UTC)
    make_prediction(event, mean_f=58.4, sd_f=0.3, as_of=evening)
    make_books(
        list(event.markets.all()),
        at=evening,
        cents=((1, 98), (1, 98), (1, 98), (1, 98), (98, 1), (1, 98)),
    )

    text = read(client).text

    assert "58.0 ± 2.3 °F" in text
    assert "99¢" not in text


def test_why_we_stood_aside_is_said_in_a_sentence(client):
    make_tradeable_event(sd_f=9.0)
    portfolio = make_portfolio()
    run_trading_cycle(now=NOW)
    client.force_login(portfolio.owner)

    text = read(client).text

    assert "Stood aside" in text
    assert "too wide to trade on" in text


def test_a_quarantined_ladder_says_so(client, anna):
    event, _ = make_tradeable_event()
    event.quarantine_reason = "The ladder has a gap at 56."
    event.status = Event.Status.QUARANTINED
    event.save()

    assert "The ladder has a gap at 56." in read(client).text


def test_a_day_is_chosen_by_its_date_and_neighbours_are_linked(client, desk):
    add_settled_day(desk, days=1)
    add_settled_day(desk, days=2)
    add_settled_day(desk, days=3)

    latest = client.get("/").content.decode()
    assert "Mon 18 Nov 2024" in latest
    assert "Sun 17 Nov 2024" in latest
    assert "Sat 16 Nov 2024" not in latest
    chosen = client.get("/", {"day": "2024-11-16"}).content.decode()
    assert "Sat 16 Nov 2024" in chosen
    assert "Sun 17 Nov 2024" not in chosen
    assert "?day=2024-11-15" in chosen
    assert "?day=2024-11-17" in chosen
    assert "No event is listed for 1 Jan 2020" in read(client, day="2020-01-01").text


@pytest.mark.parametrize(
    "params",
    [
        {"day": "yesterday"},
        {"day": "2024-02-30"},
        {"portfolio": "x"},
        {"portfolio": "999999"},
        {"portfolio": "9" * 40},
        {"page": "-1"},
        {"page": "²"},
    ],
)
def test_an_address_that_makes_no_sense_is_a_page_that_does_not_exist(client, desk, params):
    response = client.get("/", params)

    assert response.status_code == 404
    assert "Page not found" in response.content.decode()


def test_a_stranger_sees_neither_portfolio_nor_trade(client, desk):
    trade = Trade.objects.first()
    client.force_login(make_user("stranger", is_staff=True))

    assert desk.name not in read(client).text
    assert client.get("/", {"portfolio": desk.pk}).status_code == 404
    assert client.get(f"/trades/{trade.pk}/").status_code == 404


def test_a_viewer_sees_the_portfolio_and_its_trades(client, desk):
    viewer = make_user("viewer")
    PortfolioMember.objects.create(portfolio=desk, user=viewer, role=Role.VIEWER)
    client.force_login(viewer)

    assert "Hit rate" in read(client, portfolio=desk.pk).text
    assert read(client, f"/trades/{Trade.objects.first().pk}/")


def test_a_settled_trade_tells_its_post_mortem(client, desk):
    for status in (TradeStatus.WON, TradeStatus.LOST):
        trade = Trade.objects.filter(status=status).first()
        told = PostMortem.objects.get(trade=trade)

        text = read(client, f"/trades/{trade.pk}/").text

        for heading in ("What we traded", "What happened", "Why we took it", "Confidence then"):
            assert heading in text
        assert ("Why it worked" if status == TradeStatus.WON else "Why it did not work") in text
        for words in (told.what_we_traded, told.what_happened, told.why_we_took_it):
            assert words.split(".")[0] in text
        assert "What was left alone, and why" in text
        assert "Orders and fills" in text


def test_a_trade_that_waits_has_a_page_without_a_post_mortem(client):
    make_tradeable_event()
    portfolio = make_portfolio(mode=Mode.MANUAL)
    run_trading_cycle(now=NOW)
    client.force_login(portfolio.owner)
    trade = Trade.objects.filter(status=TradeStatus.PENDING).first()

    text = read(client, f"/trades/{trade.pk}/").text

    assert "Written when the event is settled." in text
    assert "No order was made for this trade." in text
    assert "PENDING" in read(client).text


def test_hostile_text_is_shown_and_never_run(client):
    portfolio = make_desk_with_results(title=HOSTILE)
    portfolio.name = HOSTILE[:80]
    portfolio.save()
    PostMortem.objects.update(why_we_took_it=HOSTILE)
    Trade.objects.update(status_reason=HOSTILE, reasons=[HOSTILE])
    set_kill_switch(is_on=True, actor=HOSTILE, reason=HOSTILE, now=NOW)
    client.force_login(portfolio.owner)

    for path in ("/", f"/trades/{Trade.objects.first().pk}/"):
        page = read(client, path)
        assert "script" not in page.tags
        assert "alert('boz')" in page.text


def test_the_kill_switch_is_announced_with_its_reason(client, desk):
    set_kill_switch(is_on=True, actor="root", reason="maintenance", now=NOW)
    assert "Kill switch on: no order leaves. maintenance" in read(client).text

    set_kill_switch(is_on=False, actor="root", reason="done", now=NOW + dt.timedelta(hours=1))
    assert "Kill switch on" not in read(client).text


def test_the_overview_needs_as_many_queries_for_many_rows_as_for_few(client, desk):
    run_every_job()
    add_open_day(days=1)
    few = counted(client, "/")
    for days in range(2, 6):
        add_settled_day(desk, days=days)
    add_open_day(days=6)
    run_every_job()

    many = counted(client, "/")

    assert many == few
    assert many <= 40


def test_a_trade_needs_as_many_queries_whatever_the_history(client, desk):
    path = f"/trades/{Trade.objects.order_by('pk').first().pk}/"
    few = counted(client, path)
    add_settled_day(desk, days=1)

    assert counted(client, path) == few
    assert few <= 12


def test_trades_are_paged(client, desk, monkeypatch):
    from boz.console import selectors

    monkeypatch.setattr(selectors, "TRADES_PER_PAGE", 1)
    total = desk.trades.count()
    assert total >= 2

    first, last = read(client), read(client, page=str(total))

    assert f"Page 1 of {total}" in first.text
    assert f"Page {total} of {total}" in last.text
    assert "Older" in first.text
    assert "Older" not in last.text


def test_pages_keep_to_the_content_policy(client, desk):
    response = client.get("/")

    policy = response.headers["Content-Security-Policy"]
    assert "default-src 'self'" in policy
    assert "unsafe" not in policy
    assert "no-store" in response.headers["Cache-Control"]


def test_an_unsettled_high_is_shown_once_the_exchange_names_it(client, desk):
    event = add_open_day(days=1)
    settle_day(event, high_f=49, now=NOW + dt.timedelta(days=2, hours=16))

    text = read(client, day=event.climate_day.isoformat()).text

    assert "49 °F" in text
