"""Keys of exchange accounts: in, out, replaced; shown nowhere."""

from __future__ import annotations

import json
import logging
import pickle

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from django.core import serializers

from boz.core.errors import OperatorActionRequired
from boz.core.models import AuditEvent, Notification
from markets.models import ExchangeAccount
from markets.services import accounts
from markets.tests.factories import NOW

pytestmark = pytest.mark.django_db


def make_pem() -> str:
    key = Ed25519PrivateKey.generate()
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()


def make_account(pem: str | None = None, **fields: str) -> ExchangeAccount:
    facts = {"name": "mine", "environment": "demo", "key_id": "k-1", "actor": "ann", **fields}
    return accounts.open_account(pem=pem or make_pem(), now=NOW, **facts)


def test_a_key_opens_only_on_the_row_it_was_stored_in():
    account, other = make_account(), make_account(name="other", environment="live")
    ExchangeAccount.objects.filter(pk=other.pk).update(
        encrypted_private_key=account.encrypted_private_key
    )

    other.refresh_from_db()

    with pytest.raises(OperatorActionRequired, match="copied from another row"):
        other.open_keys()


def test_a_key_is_in_nothing_that_is_shown_stored_or_sent(caplog):
    pem = make_pem()
    body = pem.splitlines()[1]
    with caplog.at_level(logging.DEBUG):
        account = make_account(pem)
        ((_, key),) = account.open_keys()
        accounts.replace_key(
            account_id=account.pk, key_id="k-2", pem=pem, actor="ann", reason="why", now=NOW
        )
        logging.getLogger("markets").error("%s %r %s", account, key, vars(account))

    dumped = serializers.serialize("json", ExchangeAccount.objects.all())
    audit = json.dumps(list(AuditEvent.objects.values()), default=str)
    for text in (caplog.text, dumped, audit, repr(account), repr(key)):
        assert body not in text
    with pytest.raises(TypeError):
        pickle.dumps(key)


def test_one_account_per_environment():
    make_account()

    with pytest.raises(OperatorActionRequired, match="already"):
        make_account(name="second")


@pytest.mark.parametrize("pem", ["", "hello", "-----BEGIN PRIVATE KEY-----\nAAAA\n"])
def test_what_is_no_key_changes_nothing(pem):
    account = make_account()

    with pytest.raises(OperatorActionRequired):
        accounts.replace_key(
            account_id=account.pk, key_id="k-2", pem=pem, actor="ann", reason="why", now=NOW
        )

    account.refresh_from_db()
    assert account.key_id == "k-1"


def test_the_same_key_entered_again_has_no_overlap_with_itself():
    account = make_account()

    account = accounts.replace_key(
        account_id=account.pk, key_id="k-1", pem=make_pem(), actor="ann", reason="why", now=NOW
    )

    assert account.previous_key_id == ""
    assert len(account.open_keys()) == 1


def test_a_halted_account_opens_no_key_until_a_new_one_is_entered():
    account = make_account()
    for _ in range(2):
        accounts.halt_account(
            account_id=account.pk, key_id="k-1", reason="It was revoked.", now=NOW
        )
    account.refresh_from_db()

    with pytest.raises(OperatorActionRequired, match=r"is halted: It was revoked\."):
        account.open_keys()
    assert Notification.objects.count() == 1

    account = accounts.replace_key(
        account_id=account.pk, key_id="k-2", pem=make_pem(), actor="ann", reason="why", now=NOW
    )
    assert [key_id for key_id, _ in account.open_keys()] == ["k-2", "k-1"]


def test_a_refusal_of_the_old_key_does_not_halt_the_new_one():
    account = make_account()
    accounts.replace_key(
        account_id=account.pk, key_id="k-2", pem=make_pem(), actor="ann", reason="why", now=NOW
    )

    accounts.halt_account(account_id=account.pk, key_id="k-1", reason="Revoked.", now=NOW)

    account.refresh_from_db()
    assert account.halted_reason == ""


def test_an_account_that_is_switched_off_opens_no_key():
    account = make_account()
    account = accounts.change_account(
        account_id=account.pk, name="mine", is_active=False, actor="ann", reason="why", now=NOW
    )

    with pytest.raises(OperatorActionRequired, match="switched off"):
        account.open_keys()


def test_a_key_of_somebody_else_is_told_from_ours():
    account = make_account()
    accounts.note_identity(account_id=account.pk, exchange_user_id="user-1")
    accounts.note_identity(account_id=account.pk, exchange_user_id="user-1")
    accounts.note_identity(account_id=account.pk, exchange_user_id="")

    with pytest.raises(OperatorActionRequired, match="belongs to another account"):
        accounts.note_identity(account_id=account.pk, exchange_user_id="user-2")


def test_the_last_use_is_kept_to_the_minute():
    account = make_account()

    accounts.note_use(account_id=account.pk, now=NOW)
    accounts.note_use(account_id=account.pk, now=NOW + accounts.USE_STEP / 2)
    account.refresh_from_db()
    assert account.last_used_at == NOW

    accounts.note_use(account_id=account.pk, now=NOW + accounts.USE_STEP)
    account.refresh_from_db()
    assert account.last_used_at == NOW + accounts.USE_STEP
