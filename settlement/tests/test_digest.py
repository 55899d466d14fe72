from __future__ import annotations

import datetime as dt

import pytest

from boz.core.models import Notification
from settlement.models import Digest
from settlement.services import digest as digest_module
from settlement.services.digest import write_digests
from settlement.services.settle import settle_all
from settlement.tests.factories import MORNING, determine, make_event, make_trade
from trading.tests.factories import make_portfolio

pytestmark = pytest.mark.django_db

#: The exchange day of ``MORNING`` has ended.
NEXT_DAY = dt.datetime(2024, 11, 17, 12, tzinfo=dt.UTC)


@pytest.fixture
def settled_day():
    portfolio = make_portfolio()
    event, markets = make_event()
    bought_at = MORNING - dt.timedelta(hours=2)
    make_trade(portfolio, markets[2], at=bought_at)
    make_trade(portfolio, markets[4], at=bought_at)
    determine(event, value_f=55)
    settle_all(now=MORNING)
    return portfolio


def test_the_ended_day_is_told_with_its_numbers(settled_day):
    result = write_digests(now=NEXT_DAY)

    digest = Digest.objects.get()
    assert result.done == {"written": 1, "day": "2024-11-16"}
    assert digest.day == dt.date(2024, 11, 16)
    figures = digest.figures
    assert (figures["settled"], figures["won"], figures["hit_rate"]) == (2, 1, 0.5)
    assert float(figures["pnl_dollars"]) == pytest.approx(3.70)
    assert float(figures["fees_dollars"]) == pytest.approx(0.30)
    assert float(figures["spent_dollars"]) == pytest.approx(6.00)
    assert figures["bought"] == 2
    assert figures["locks"][0].startswith("Cooling down")
    assert figures["stand_downs"][0]["code"] == "edge_too_small"
    assert "$3.70 after $0.30 in fees" in digest.body
    assert "No verdict" in digest.body


def test_a_day_is_told_once(settled_day):
    write_digests(now=NEXT_DAY)

    again = write_digests(now=NEXT_DAY + dt.timedelta(hours=3))

    assert again.done["written"] == 0
    assert Digest.objects.count() == 1
    assert Notification.objects.filter(subject_key__startswith="digest:").count() == 1


def test_what_was_settled_on_the_next_day_is_not_in_it(settled_day):
    write_digests(now=NEXT_DAY + dt.timedelta(days=1))

    digest = Digest.objects.get()
    assert digest.day == dt.date(2024, 11, 17)
    assert digest.figures["settled"] == 0
    assert digest.figures["hit_rate"] is None
    assert "nothing settled" in digest.title


def test_one_bad_portfolio_does_not_stop_the_others(settled_day, monkeypatch):
    make_portfolio(name="Other")
    figures = digest_module._figures

    def fails_for_the_first(told):
        if told.portfolio == settled_day:
            raise RuntimeError("broken")
        return figures(told)

    monkeypatch.setattr(digest_module, "_figures", fails_for_the_first)
    result = write_digests(now=NEXT_DAY)

    assert result.done["written"] == 1
    assert [item.subject for item in result.skipped] == [settled_day.name]
    assert Digest.objects.get().portfolio.name == "Other"


def test_a_portfolio_opened_after_the_day_has_no_digest(settled_day):
    result = write_digests(now=settled_day.created_at)

    assert result.done["written"] == 0
