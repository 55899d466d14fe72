"""Keys of exchange accounts: stored, replaced with an overlap, removed; never without a trace."""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Sequence
from typing import Any

from django.db import transaction

from boz.core.encryption import encrypt_api_key
from boz.core.errors import OperatorActionRequired
from boz.core.logging import get_logger
from boz.core.services.audit import record_audit
from boz.core.services.notifications import notify
from markets.clients.kalshi.signing import signer_from_pem
from markets.models import ExchangeAccount

log = get_logger("AUTH")

#: How exactly the last use of a key is kept.
USE_STEP = dt.timedelta(minutes=1)


@transaction.atomic
def open_account(
    *,
    name: str,
    environment: str,
    key_id: str,
    pem: str,
    actor: str,
    now: dt.datetime,
    is_active: bool = True,
) -> ExchangeAccount:
    """Store an account with its first key.

    Raises:
        OperatorActionRequired: If the key cannot sign, or the environment has an account already.
    """
    signer_from_pem(key_id, pem)
    if ExchangeAccount.objects.filter(environment=environment).exists():
        raise OperatorActionRequired(
            f"There is an account for {environment} already; replace its key instead."
        )
    account = ExchangeAccount(
        uuid=uuid.uuid4(),
        name=name,
        environment=environment,
        key_id=key_id.strip(),
        is_active=is_active,
        created_at=now,
    )
    account.encrypted_private_key = encrypt_api_key(pem.strip(), bound_to=account.bound_to)
    account.full_clean()
    account.save()
    _audit(account, "key_added", actor, "The account was added.", now, before=None)
    return account


@transaction.atomic
def replace_key(
    *, account_id: int, key_id: str, pem: str, actor: str, reason: str, now: dt.datetime
) -> ExchangeAccount:
    """Put a new key in use; the one before it stays accepted until it is removed.

    A halt ends, since what it was about was the key. The new key must belong to the same account
    at the exchange.

    Raises:
        OperatorActionRequired: If the key cannot sign.
    """
    signer_from_pem(key_id, pem)
    account = ExchangeAccount.objects.select_for_update().get(pk=account_id)
    before = _facts(account)
    if key_id.strip() != account.key_id:
        account.previous_key_id = account.key_id
        account.encrypted_previous_key = account.encrypted_private_key
    account.key_id = key_id.strip()
    account.encrypted_private_key = encrypt_api_key(pem.strip(), bound_to=account.bound_to)
    account.halted_reason = ""
    account.scopes = []
    account.save()
    _audit(account, "key_replaced", actor, reason, now, before=before)
    return account


@transaction.atomic
def change_account(
    *, account_id: int, name: str, is_active: bool, actor: str, reason: str, now: dt.datetime
) -> ExchangeAccount:
    """Rename an account, or switch it on or off."""
    account = ExchangeAccount.objects.select_for_update().get(pk=account_id)
    before = _facts(account)
    account.name, account.is_active = name, is_active
    account.save(update_fields=["name", "is_active"])
    _audit(account, "changed", actor, reason, now, before=before)
    return account


@transaction.atomic
def remove_previous_key(
    *, account_id: int, actor: str, reason: str, now: dt.datetime
) -> ExchangeAccount:
    """End the overlap: the key before the present one is forgotten.

    Raises:
        OperatorActionRequired: If there is none, or no reason is given.
    """
    _require_reason(reason)
    account = ExchangeAccount.objects.select_for_update().get(pk=account_id)
    if not account.previous_key_id:
        raise OperatorActionRequired(f"{account.name} has no key before the present one.")
    before = _facts(account)
    account.previous_key_id = account.encrypted_previous_key = ""
    account.save(update_fields=["previous_key_id", "encrypted_previous_key"])
    _audit(account, "previous_key_removed", actor, reason, now, before=before)
    return account


@transaction.atomic
def resume_account(
    *, account_id: int, actor: str, reason: str, now: dt.datetime
) -> ExchangeAccount:
    """End a halt after a person has looked into it.

    Raises:
        OperatorActionRequired: If no reason is given.
    """
    _require_reason(reason)
    account = ExchangeAccount.objects.select_for_update().get(pk=account_id)
    before = _facts(account)
    account.halted_reason = ""
    account.save(update_fields=["halted_reason"])
    _audit(account, "resumed", actor, reason, now, before=before)
    return account


@transaction.atomic
def halt_account(*, account_id: int, key_id: str, reason: str, now: dt.datetime) -> None:
    """Stop using an account whose key the exchange refuses, and tell people once.

    Args:
        account_id: Which account.
        key_id: The key that was refused; a key that was put in use meanwhile is not halted.
        reason: In one sentence.
        now: The present.
    """
    account = ExchangeAccount.objects.select_for_update().get(pk=account_id)
    if account.halted_reason or account.key_id != key_id:
        return
    before = _facts(account)
    account.halted_reason = reason
    account.save(update_fields=["halted_reason"])
    _audit(account, "halted", "system", reason, now, before=before)
    log.error("The exchange account is halted", account=account.name, reason=reason)
    notify(
        level="CRITICAL",
        title=f"The exchange account {account.name} is halted",
        body=f"{reason} No order leaves until a key is entered or the halt is ended in the admin.",
        now=now,
    )


def note_use(*, account_id: int, now: dt.datetime) -> None:
    """Keep when a key of the account was last used, to the minute."""
    stale = ExchangeAccount.objects.filter(pk=account_id)
    stale.exclude(last_used_at__gt=now - USE_STEP).update(last_used_at=now)


def note_scopes(*, account_id: int, key_id: str, scopes: Sequence[str]) -> None:
    """Keep what the exchange says that the present key may do."""
    present = ExchangeAccount.objects.filter(pk=account_id, key_id=key_id)
    if present.exclude(scopes=list(scopes)).update(scopes=list(scopes)):
        log.info("The exchange says what the key may do", scopes=list(scopes))


def note_identity(*, account_id: int, exchange_user_id: str) -> None:
    """Keep whose account it is, the first time that the exchange says so.

    Raises:
        OperatorActionRequired: If the key opens another account than before.
    """
    if not exchange_user_id:
        return
    account = ExchangeAccount.objects.filter(pk=account_id)
    account.filter(exchange_user_id="").update(exchange_user_id=exchange_user_id)
    if not account.filter(exchange_user_id=exchange_user_id).exists():
        raise OperatorActionRequired(
            "The exchange shows the orders of somebody else than before: the key belongs to"
            " another account. Enter a key of the account that traded so far."
        )


def is_identified(account_id: int) -> bool:
    """Say whether the exchange has told whose account it is, that is: whether it has traded."""
    return not ExchangeAccount.objects.filter(pk=account_id, exchange_user_id="").exists()


def _require_reason(reason: str) -> None:
    if not reason.strip():
        raise OperatorActionRequired("A reason is needed; the audit trail keeps it.")


def _facts(account: ExchangeAccount) -> dict[str, Any]:
    """Return what the audit trail keeps: names of keys, never keys."""
    return {
        "name": account.name,
        "environment": account.environment,
        "key": account.key_id,
        "key_before": account.previous_key_id,
        "is_active": account.is_active,
        "halted_reason": account.halted_reason,
    }


def _audit(
    account: ExchangeAccount,
    what: str,
    actor: str,
    reason: str,
    now: dt.datetime,
    *,
    before: dict[str, Any] | None,
) -> None:
    record_audit(
        actor=actor,
        action=f"exchange_account.{what}",
        subject=f"exchange_account:{account.uuid}",
        before=before,
        after=_facts(account),
        reason=reason,
        now=now,
    )
