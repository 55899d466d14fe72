"""Whose key opens the stream, and where it is."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from django.conf import settings

from boz.core.errors import OperatorActionRequired
from markets.clients.kalshi.signing import Signer, signer_from_pem
from markets.models import ExchangeAccount
from markets.venues.kalshi.access import address_of, are_same_exchange

_NEXT_STEP = (
    "Make a key with the right to read at the exchange, save its private key in a file, and set "
    "KALSHI_STREAM_KEY_ID and KALSHI_STREAM_PRIVATE_KEY_FILE; or name a stored account with "
    "--account."
)


@dataclass(frozen=True, slots=True)
class StreamAccess:
    """Where the stream is, and who signs for it."""

    url: str
    signer: Signer


def stream_access(account_name: str | None = None) -> StreamAccess:
    """Return how to open the stream.

    Args:
        account_name: A stored exchange account; None takes the key that the settings name.

    Raises:
        OperatorActionRequired: If there is no usable key; says what to do next.
    """
    access = _of_settings() if account_name is None else _of_account(account_name)
    if not are_same_exchange(access.url, settings.KALSHI_API_URL):
        raise OperatorActionRequired(
            "The stream's address and KALSHI_API_URL are of different exchanges, play money and "
            "real money. Their books would be stored as one and traded on; let both name the same."
        )
    return access


def _of_settings() -> StreamAccess:
    key_id, path = settings.KALSHI_STREAM_KEY_ID, settings.KALSHI_STREAM_PRIVATE_KEY_FILE
    if not key_id or not path:
        missing = "KALSHI_STREAM_PRIVATE_KEY_FILE" if key_id else "KALSHI_STREAM_KEY_ID"
        raise OperatorActionRequired(
            f"The exchange's stream takes signed connections only, and {missing} is not set. "
            f"{_NEXT_STEP}"
        )
    return StreamAccess(settings.KALSHI_WS_URL, signer_from_pem(key_id, _read(path)))


def _read(path: str) -> str:
    try:
        return Path(path).expanduser().read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise OperatorActionRequired(
            f"KALSHI_STREAM_PRIVATE_KEY_FILE points at {path}, which cannot be read "
            f"({type(error).__name__}). Correct the path, or let this user read the file."
        ) from None


def _of_account(name: str) -> StreamAccess:
    account = ExchangeAccount.objects.filter(name=name).first()
    if account is None:
        known = ", ".join(ExchangeAccount.objects.values_list("name", flat=True)) or "none"
        raise OperatorActionRequired(f"There is no exchange account {name!r}. There are: {known}.")
    url = address_of(account.environment, is_stream=True)
    key_id, secret = account.open_keys()[0]
    return StreamAccess(url, signer_from_pem(key_id, secret.reveal()))
