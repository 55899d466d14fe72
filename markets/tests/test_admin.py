from __future__ import annotations

import datetime as dt
import re
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from django.contrib import admin
from django.contrib.auth import get_user_model
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse

from boz.core.encryption import decrypt_api_key
from boz.core.models import AuditEvent
from markets.models import Event, ExchangeAccount, Market, Series
from markets.tests.factories import (
    NOW,
    BookSnapshotFactory,
    MarketTradeFactory,
    QuoteFactory,
    SeriesFactory,
    make_ladder,
)

pytestmark = pytest.mark.django_db


@pytest.fixture
def operator(client: Client) -> Client:
    client.force_login(get_user_model().objects.create_superuser("ann", "ann@example.org", "pw"))
    return client


def _pem() -> str:
    key = Ed25519PrivateKey.generate()
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()


def _account_form(**fields: str) -> dict[str, str]:
    return {"name": "mine", "environment": "demo", "key_id": "k-1", "is_active": "on", **fields}


def test_every_list_and_page_of_this_app_opens(operator):
    market = make_ladder()[2]
    QuoteFactory(market=market)
    BookSnapshotFactory(market=market)
    MarketTradeFactory(market=market)

    models = [model for model in admin.site._registry if model._meta.app_label == "markets"]
    assert len(models) == 15
    for model in models:
        name = f"admin:markets_{model._meta.model_name}"
        assert operator.get(reverse(f"{name}_changelist")).status_code == 200
        row = model.objects.first()
        if row is not None:
            assert operator.get(reverse(f"{name}_change", args=[row.pk])).status_code == 200


def test_an_event_shows_its_ladder_cold_to_warm_and_why_it_is_quarantined(operator):
    event = make_ladder()[0].event
    Event.objects.update(status=Event.Status.QUARANTINED, quarantine_reason="A gap at 54°.")

    page = operator.get(reverse("admin:markets_event_change", args=[event.pk])).content.decode()

    assert "A gap at 54°." in page
    assert page.index("51° or below") < page.index("54° to 55°") < page.index("60° or above")
    assert "no quote" in page


def _act(client: Client, series: Series, action: str, reason: str) -> None:
    client.post(
        reverse("admin:markets_series_changelist"),
        {"action": action, "_selected_action": [series.pk], "reason": reason},
    )


def test_entries_are_allowed_again_with_a_reason_that_is_kept(operator):
    series = SeriesFactory(entries_stopped_reason="The rules text changed.")

    _act(operator, series, "allow_entries_again", "")
    series.refresh_from_db()
    assert series.entries_stopped_reason

    _act(operator, series, "allow_entries_again", "Read it.")
    series.refresh_from_db()
    assert series.entries_stopped_reason == ""
    event = AuditEvent.objects.get()
    assert (event.actor, event.reason) == ("ann", "Read it.")


def test_entries_are_stopped_by_hand_with_a_reason(operator):
    series = SeriesFactory()

    _act(operator, series, "stop_new_entries", "Odd quotes.")

    series.refresh_from_db()
    assert series.entries_stopped_reason == "Stopped by ann: Odd quotes."


def test_facts_cannot_be_changed_by_hand(operator):
    market = make_ladder()[0]

    operator.post(reverse("admin:markets_market_change", args=[market.pk]), {"result": "yes"})

    assert Market.objects.get(pk=market.pk).result == ""


def test_a_private_key_is_stored_encrypted_and_bound_and_never_shown(operator):
    pem = _pem()

    operator.post(reverse("admin:markets_exchangeaccount_add"), _account_form(private_key=pem))

    account = ExchangeAccount.objects.get()
    assert "PRIVATE" not in account.encrypted_private_key
    stored = decrypt_api_key(account.encrypted_private_key, bound_to=str(account.uuid))
    assert stored == pem.strip()
    page = operator.get(reverse("admin:markets_exchangeaccount_change", args=[account.pk]))
    text = page.content.decode()
    assert pem.splitlines()[1] not in text
    assert account.encrypted_private_key not in text
    assert pem.splitlines()[1] not in str(list(AuditEvent.objects.values()))


def test_a_blank_key_keeps_the_stored_one(operator):
    operator.post(reverse("admin:markets_exchangeaccount_add"), _account_form(private_key=_pem()))
    before = ExchangeAccount.objects.get()

    operator.post(
        reverse("admin:markets_exchangeaccount_change", args=[before.pk]),
        _account_form(name="renamed", private_key=""),
    )

    after = ExchangeAccount.objects.get()
    assert after.name == "renamed"
    assert after.encrypted_private_key == before.encrypted_private_key


@pytest.mark.parametrize("key", ["", "not a key", "-----BEGIN PRIVATE KEY-----\nAAAA\n"])
def test_what_is_no_key_is_refused_and_not_shown_again(operator, key):
    url = reverse("admin:markets_exchangeaccount_add")

    answer = operator.post(url, _account_form(private_key=key))

    assert answer.status_code == 200
    assert not ExchangeAccount.objects.exists()
    assert not key or key not in answer.content.decode()


def _stored(operator: Client, pem: str, **fields: str) -> ExchangeAccount:
    form = _account_form(private_key=pem, **fields)
    operator.post(reverse("admin:markets_exchangeaccount_add"), form)
    return ExchangeAccount.objects.get()


def _page_of(account: ExchangeAccount) -> str:
    return reverse("admin:markets_exchangeaccount_change", args=[account.pk])


def _upload(operator: Client, upload: SimpleUploadedFile) -> Any:
    form = {**_account_form(), "private_key_file": upload}
    return operator.post(reverse("admin:markets_exchangeaccount_add"), form)


def test_a_key_can_be_uploaded_as_the_file_that_the_exchange_gave(operator):
    pem = _pem()
    upload = SimpleUploadedFile("key.txt", pem.encode())

    operator.post(
        reverse("admin:markets_exchangeaccount_add"),
        {**_account_form(), "private_key_file": upload},
    )

    ((key_id, key),) = ExchangeAccount.objects.get().open_keys()
    assert (key_id, key.reveal()) == ("k-1", pem.strip())


@pytest.mark.parametrize("content", [b"\xff\xfe\x00", b"A" * 30_000, b"hello"])
def test_a_file_that_is_no_key_is_refused(operator, content):
    upload = SimpleUploadedFile("key.txt", content)

    answer = operator.post(
        reverse("admin:markets_exchangeaccount_add"),
        {**_account_form(), "private_key_file": upload},
    )

    assert answer.status_code == 200
    assert not ExchangeAccount.objects.exists()


def test_a_replaced_key_stays_accepted_until_it_is_removed_with_a_reason(operator):
    first, second = _pem(), _pem()
    account = _stored(operator, first)

    operator.post(_page_of(account), _account_form(key_id="k-2", private_key=second))

    account.refresh_from_db()
    opened = [(key_id, key.reveal()) for key_id, key in account.open_keys()]
    assert opened == [("k-2", second.strip()), ("k-1", first.strip())]

    actions = reverse("admin:markets_exchangeaccount_changelist")
    act = {"action": "remove_key_before", "_selected_action": [account.pk]}
    operator.post(actions, {**act, "reason": ""})
    account.refresh_from_db()
    assert account.previous_key_id == "k-1"
    operator.post(actions, {**act, "reason": "It is gone from the exchange."})

    account.refresh_from_db()
    assert [key_id for key_id, _ in account.open_keys()] == ["k-2"]
    told = list(AuditEvent.objects.order_by("pk").values_list("action", "actor"))
    assert told == [
        ("exchange_account.key_added", "ann"),
        ("exchange_account.key_replaced", "ann"),
        ("exchange_account.previous_key_removed", "ann"),
    ]


def test_another_key_id_without_its_key_is_refused(operator):
    account = _stored(operator, _pem())

    operator.post(_page_of(account), _account_form(key_id="k-2"))

    account.refresh_from_db()
    assert account.key_id == "k-1"


def test_an_account_never_moves_to_another_environment_and_is_never_deleted(operator):
    account = _stored(operator, _pem())

    operator.post(_page_of(account), _account_form(environment="live"))
    operator.post(
        reverse("admin:markets_exchangeaccount_delete", args=[account.pk]), {"post": "yes"}
    )

    account.refresh_from_db()
    assert account.environment == "demo"


def test_a_halt_is_ended_by_hand_with_a_reason(operator):
    account = _stored(operator, _pem())
    ExchangeAccount.objects.update(halted_reason="The key was revoked.")
    actions = reverse("admin:markets_exchangeaccount_changelist")

    operator.post(
        actions, {"action": "end_halt", "_selected_action": [account.pk], "reason": "Checked."}
    )

    account.refresh_from_db()
    assert account.halted_reason == ""


def test_a_market_shows_its_prices_over_time_broken_where_nobody_quoted(operator):
    market = make_ladder()[2]
    page = reverse("admin:markets_market_change", args=[market.pk])
    assert "No candle or quote is stored" in operator.get(page).content.decode()
    for n, bid in enumerate(["0.2000", None, "0.3000", "0.3100"]):
        QuoteFactory(market=market, at=NOW + n * dt.timedelta(hours=1), yes_bid_dollars=bid)

    html = operator.get(page).content.decode()

    lines = re.findall(r'<polyline points="([^"]+)"[^>]*><title>(\w+)</title>', html)
    assert [name for _, name in lines] == ["bid", "bid", "ask"]
    assert [len(points.split()) for points, _ in lines] == [1, 2, 4]
