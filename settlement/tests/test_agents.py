from __future__ import annotations

import pytest

from boz.core.agents import run_agent
from boz.core.models import JobRun
from settlement.models import Digest
from settlement.tests.factories import MORNING, determine, make_event, make_trade
from settlement.tests.test_digest import NEXT_DAY
from trading.tests.factories import make_portfolio

pytestmark = pytest.mark.django_db


def test_the_agents_settle_and_tell_the_day_under_their_names():
    event, markets = make_event()
    make_trade(make_portfolio(), markets[2])
    determine(event, value_f=55)

    settled = run_agent("settle", now=MORNING)
    told = run_agent("digest", now=NEXT_DAY)

    assert settled.status == told.status == JobRun.Status.OK
    assert settled.done["settled"] == settled.done["postmortems"] == 1
    assert Digest.objects.get().figures["settled"] == 1
