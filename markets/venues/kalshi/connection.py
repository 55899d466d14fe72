"""The keys of an account at work: which one the exchange accepts, and what if it accepts none."""

from __future__ import annotations

import datetime as dt
import threading
from collections.abc import Callable, Collection, Iterable, Sequence
from typing import TypeVar

from boz.core.errors import BozBaseException, OperatorActionRequired, TransientError
from boz.core.logging import get_logger
from markets.clients.kalshi.account import ExchangeOrder
from markets.clients.kalshi.trading import KalshiTradingClient
from markets.services.accounts import (
    halt_account,
    is_identified,
    note_identity,
    note_scopes,
    note_use,
)
from markets.venues.kalshi.evidence import whole

log = get_logger("AUTH")

#: The exchange does not know the key, or does not let it do this.
REFUSED_STATUSES = (401, 403)
#: Either lets a key place orders.
TRADING_SCOPES = frozenset({"write", "write::trade"})

Result = TypeVar("Result")


class Connection:
    """Clients of one account, one per key; used by several threads at once.

    While a key is replaced there are two. The present one is used as long as the exchange accepts
    it; it is tried once before anything is ordered with it, so that a mistyped key costs no order.

    Args:
        account_id: The account.
        keys: Id and client of each key, the present one first.
    """

    def __init__(self, *, account_id: int, keys: Sequence[tuple[str, KalshiTradingClient]]) -> None:
        """Take the clients; nothing is sent yet."""
        self.account_id = account_id
        self._keys = tuple(keys)
        self._lock = threading.Lock()
        self._at = 0
        self._is_tried = False
        self._owner = ""

    def try_out(self, *, now: dt.datetime) -> None:
        """See once whether the exchange accepts the key, before anything is ordered with it.

        Raises:
            OperatorActionRequired: If it accepts none, and the account is halted then; or if the
                key may not trade.
            BozBaseException: If it could not be asked.
        """
        if self._is_tried:
            return
        self.use(lambda client: client.balance(), now=now)
        self._require_right_to_trade()
        self._learn_limits()
        self._is_tried = True

    def _learn_limits(self) -> None:
        """Keep to the limits of the account; those of the lowest tier when it does not tell."""
        try:
            self._keys[self._at][1].learn_limits()
        except BozBaseException as error:
            log.info("The limits of the account are not told", reason=error.message)

    def _require_right_to_trade(self) -> None:
        """Look at what the key may do, where it may be asked; an order is the final test."""
        key_id, client = self._keys[self._at]
        try:
            listed = client.api_keys().items
        except BozBaseException as error:
            log.info("What the key may do is not told", reason=error.message)
            return
        for key in listed:
            if key.api_key_id != key_id:
                continue
            note_scopes(account_id=self.account_id, key_id=key_id, scopes=key.scopes)
            if not TRADING_SCOPES & set(key.scopes):
                raise OperatorActionRequired(
                    "The exchange key may not trade: it lacks the scope write::trade. Enter one"
                    " that has it.",
                    {"scopes": list(key.scopes)},
                )

    def use(self, do: Callable[[KalshiTradingClient], Result], *, now: dt.datetime) -> Result:
        """Do something with a key that the exchange accepts; errors as for the client.

        What is turned away with its key had no effect, so it is done with the other one.

        Raises:
            OperatorActionRequired: If no key is accepted; the account is halted then.
        """
        note_use(account_id=self.account_id, now=now)
        while True:
            at = self._at
            try:
                return do(self._keys[at][1])
            except OperatorActionRequired as error:
                if error.context.get("status") not in REFUSED_STATUSES:
                    raise
                self._refused(at, error.message, now)

    def recognise(self, orders: Iterable[ExchangeOrder]) -> None:
        """Learn from its orders whose account it is, and refuse those of somebody else.

        Raises:
            OperatorActionRequired: If a key opens another account than the one that traded so far.
        """
        for user_id in {order.user_id for order in orders} - {"", self._owner}:
            note_identity(account_id=self.account_id, exchange_user_id=user_id)
            self._owner = user_id

    def require_same_account(
        self, client: KalshiTradingClient, orders: Collection[ExchangeOrder]
    ) -> None:
        """Refuse to conclude anything from what is missing in an account that may be another one.

        Args:
            client: To look for any order that tells whose account it is.
            orders: Orders read already.

        Raises:
            OperatorActionRequired: If it is somebody else's account.
            TransientError: If the account has traded and shows none of it.
        """
        self.recognise(orders)
        if orders or not is_identified(self.account_id):
            return
        earlier = [*whole(client.orders()), *whole(client.historical_orders())]
        self.recognise(earlier)
        if not earlier:
            raise TransientError(
                "The account shows none of its earlier orders, so what is missing in it proves"
                " nothing."
            )

    def _refused(self, at: int, reason: str, now: dt.datetime) -> None:
        """Go on with the key before the refused one, or halt the account."""
        with self._lock:
            if at < self._at:
                return
            if at + 1 < len(self._keys):
                self._at = at + 1
                log.warning("The exchange refuses the present key; the one before is used")
                return
        halt_account(account_id=self.account_id, key_id=self._keys[0][0], reason=reason, now=now)
        raise OperatorActionRequired(reason)
