"""Opening the exchange as a venue: which account, which address, which keys.

Nothing else loads a key, and the paper venue never comes here.
"""

from __future__ import annotations

import hashlib
import ipaddress
import os
import threading
from dataclasses import dataclass
from urllib.parse import urlsplit

from django.conf import settings

from boz.core.errors import OperatorActionRequired
from boz.core.http import HttpTransport
from markets.clients.kalshi.market_data import SOURCE, KalshiMarketData
from markets.clients.kalshi.signing import signer_from_pem
from markets.clients.kalshi.trading import KalshiTradingClient
from markets.models import ExchangeAccount
from markets.venues.kalshi.connection import Connection
from markets.venues.kalshi.venue import KalshiVenue

#: Hosts at which an order is about mock funds, and those at which it is about real money.
DEMO_HOSTS = ("demo-api.kalshi.co", ".demo.kalshi.co")
LIVE_HOSTS = (".kalshi.com",)


@dataclass(frozen=True, slots=True)
class _Opened:
    """An account as this process has it open."""

    fingerprint: str
    connection: Connection
    market_data: KalshiMarketData


_OPENED: dict[str, _Opened] = {}
_LOCK = threading.Lock()


def open_venue(environment: str, *, may_place: bool) -> KalshiVenue:
    """Return the exchange's demo or the real exchange, opened with the account stored for it.

    Raises:
        OperatorActionRequired: If there is no account, it is switched off or halted, its key
            cannot be opened, or the configured address is not one of this environment.
    """
    account = ExchangeAccount.objects.filter(environment=environment).first()
    if account is None:
        raise OperatorActionRequired(
            f"There is no exchange account for {environment}. Add it with its key in the admin.",
            {"venue": environment},
        )
    opened = _opened(account, address_of(environment))
    return KalshiVenue(
        name=environment,
        connection=opened.connection,
        market_data=opened.market_data,
        may_place=may_place,
    )


def address_of(environment: str, *, is_stream: bool = False) -> str:
    """Return where orders of an environment go, or where its stream is.

    A key that was stored under the wrong environment, or an address that was put under the wrong
    name, must not turn play money into real money: demo never goes to a real host, nor live to a
    host of play money, and no signed request to an unheard-of one.

    Raises:
        OperatorActionRequired: If the configured address is not one of this environment.
    """
    is_demo = environment == ExchangeAccount.Environment.DEMO
    kind, scheme = ("WS", "wss") if is_stream else ("API", "https")
    setting = f"KALSHI_DEMO_{kind}_URL" if is_demo else f"KALSHI_{kind}_URL"
    url: str = getattr(settings, setting)
    parts = urlsplit(url)
    host = (parts.hostname or "").lower()
    if _is_local(host):
        return url
    allowed = DEMO_HOSTS if is_demo else LIVE_HOSTS
    if parts.scheme != scheme or not any(_is_within(host, name) for name in allowed):
        raise OperatorActionRequired(
            f"{setting} names {host or 'no host'}, which is no address of the exchange for"
            f" {environment} over {scheme}; nothing is sent there.",
            {"setting": setting, "host": host},
        )
    return url


def are_same_exchange(one: str, other: str) -> bool:
    """Say whether two addresses are not of play money here and of real money there.

    A host of our own may stand for either.
    """
    hosts = [(urlsplit(url).hostname or "").lower() for url in (one, other)]
    if any(_is_local(host) for host in hosts):
        return True
    first, second = (any(_is_within(host, name) for name in DEMO_HOSTS) for host in hosts)
    return first is second


def _is_within(host: str, name: str) -> bool:
    return host.endswith(name) if name.startswith(".") else host == name


def _is_local(host: str) -> bool:
    """Say whether a host is this machine, or a service beside ours in the same private network."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host != "" and "." not in host and ":" not in host


def _opened(account: ExchangeAccount, url: str) -> _Opened:
    """Return an account opened in this process, anew when a key or the address has changed.

    A forked process never shares the connections of its parent.
    """
    keys = account.open_keys()
    fingerprint = _fingerprint(
        str(os.getpid()),
        url,
        account.bound_to,
        account.key_id,
        account.encrypted_private_key,
        account.previous_key_id,
        account.encrypted_previous_key,
    )
    with _LOCK:
        opened = _OPENED.get(account.environment)
        if opened is None or opened.fingerprint != fingerprint:
            clients = [
                (key_id, KalshiTradingClient(url, signer_from_pem(key_id, key.reveal())))
                for key_id, key in keys
            ]
            opened = _OPENED[account.environment] = _Opened(
                fingerprint,
                Connection(account_id=account.pk, keys=clients),
                _market_data(url),
            )
    return opened


def _market_data(url: str) -> KalshiMarketData:
    return KalshiMarketData(
        HttpTransport(
            base_url=url, source=SOURCE, rate_per_second=settings.KALSHI_RATE_LIMIT_PER_SECOND
        )
    )


def _fingerprint(*parts: str) -> str:
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()
