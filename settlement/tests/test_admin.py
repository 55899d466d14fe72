from __future__ import annotations

import pytest
from django.contrib.auth import get_user_model
from django.urls import reverse

from settlement.models import Digest, PostMortem, Settlement
from settlement.services.digest import write_digests
from settlement.services.settle import settle_all
from settlement.tests.factories import MORNING, determine, make_event, make_report, make_trade
from settlement.tests.test_digest import NEXT_DAY
from trading.tests.factories import make_portfolio

pytestmark = pytest.mark.django_db


@pytest.fixture
def operator(client):
    user = get_user_model().objects.create_superuser("operator", password="secret")
    client.force_login(user)
    return client


@pytest.fixture
def post_mortem():
    event, markets = make_event()
    make_trade(make_portfolio(), markets[2])
    make_report(event, 52)
    determine(event, value_f=55)
    settle_all(now=MORNING)
    write_digests(now=NEXT_DAY)
    return PostMortem.objects.get()


def page(client, row) -> str:
    name = f"admin:{row._meta.app_label}_{row._meta.model_name}_change"
    response = client.get(reverse(name, args=[row.pk]))
    assert response.status_code == 200
    return response.content.decode()


def test_stored_post_mortems_are_shown_in_full(operator, post_mortem):
    shown = page(operator, post_mortem)

    for text in (
        post_mortem.what_we_traded,
        post_mortem.what_happened,
        post_mortem.why_we_took_it,
        post_mortem.why_it_ended_so,
        post_mortem.confidence_then,
    ):
        assert text.replace("'", "&#x27;") in shown


def test_post_mortems_are_listed(operator, post_mortem):
    response = operator.get(reverse("admin:settlement_postmortem_changelist"))

    assert post_mortem.why_it_ended_so.split(".")[0] in response.content.decode()


def test_a_settlement_shows_what_did_not_agree(operator, post_mortem):
    shown = page(operator, Settlement.objects.get())

    assert "our reading of the climate report is 52°" in shown


def test_a_digest_is_shown(operator, post_mortem):
    assert "1 settled trades: 1 won, 0 lost" in page(operator, Digest.objects.get())


def test_nothing_can_be_changed_by_hand(operator, post_mortem):
    response = operator.post(
        reverse("admin:settlement_postmortem_change", args=[post_mortem.pk]), {"what_happened": "x"}
    )

    assert response.status_code == 403
