"""How much the exchange lets an account ask and change: its two token buckets, kept on our side.

Each call costs tokens, a batch costs them per item. We count as the exchange does, so that it
seldom has to refuse. A share of the write tokens is kept back for cancels: whatever storm of
orders and refusals there is, resting orders can be taken out of the market.
"""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Final

from boz.core.errors import InvalidDataError, InvalidOrderError

#: What an account of the lowest tier (Basic) may do.
BASIC_READ_RATE: Final = 200.0
BASIC_READ_CAPACITY: Final = 400.0
BASIC_WRITE_RATE: Final = 100.0
BASIC_WRITE_CAPACITY: Final = 100.0
#: Share of the write tokens that only cancels may take.
CANCEL_SHARE: Final = 0.2
DEFAULT_COST: Final = 10.0
BACKOFF_BASE_SECONDS: Final = 0.5
BACKOFF_CAP_SECONDS: Final = 20.0
MOST_DOUBLINGS: Final = 10
API_PREFIX: Final = "/trade-api/v2"

CREATE = ("POST", "/portfolio/events/orders")
AMEND = ("POST", "/portfolio/events/orders/{order_id}/amend")
DECREASE = ("POST", "/portfolio/events/orders/{order_id}/decrease")
CANCEL = ("DELETE", "/portfolio/events/orders/{order_id}")
BATCH_CREATE = ("POST", "/portfolio/events/orders/batched")
BATCH_CANCEL = ("DELETE", "/portfolio/events/orders/batched")
CREATE_GROUP = ("POST", "/portfolio/order_groups/create")
LIMIT_GROUP = ("PUT", "/portfolio/order_groups/{order_group_id}/limit")
RESET_GROUP = ("PUT", "/portfolio/order_groups/{order_group_id}/reset")
TRIGGER_GROUP = ("PUT", "/portfolio/order_groups/{order_group_id}/trigger")
DELETE_GROUP = ("DELETE", "/portfolio/order_groups/{order_group_id}")
GET_ORDER = ("GET", "/portfolio/orders/{order_id}")

Endpoint = tuple[str, str]


def _key(method: str, path: str) -> Endpoint:
    """Return an endpoint in one spelling: without the prefix, parameters without their names."""
    path = path.removeprefix(API_PREFIX).rstrip("/")
    return method.upper(), re.sub(r"\{[^/]*\}|:[^/]+|(?<=/)\*(?=/|$)", "{}", path)


@dataclass(frozen=True, slots=True)
class EndpointCosts:
    """What each call costs, tokens; ``listed`` holds those that cost other than the default."""

    default: float = DEFAULT_COST
    listed: Mapping[Endpoint, float] = field(
        default_factory=lambda: {
            _key(*CANCEL): 2.0,
            _key(*BATCH_CANCEL): 2.0,
            _key(*GET_ORDER): 2.0,
        }
    )

    @classmethod
    def of(cls, default: float, listed: Mapping[Endpoint, float]) -> EndpointCosts:
        """Return the costs as the exchange tells them, its paths in any spelling.

        Raises:
            InvalidDataError: If a cost is below zero: it would let calls pass uncounted.
        """
        if default < 0 or any(cost < 0 for cost in listed.values()):
            raise InvalidDataError("The exchange tells a cost below zero for a call.")
        return cls(default, {_key(*endpoint): cost for endpoint, cost in listed.items()})

    def of_call(self, endpoint: Endpoint, *, items: int = 1) -> float:
        """Return what a call costs; a batch costs this per item."""
        return self.listed.get(_key(*endpoint), self.default) * items


class ReadBudget:
    """The bucket of reads, as a transport's limiter: whoever finds it empty books its turn.

    The tokens are never below zero; a booking moves the moment from which they grow again.
    """

    def __init__(
        self,
        rate: float = BASIC_READ_RATE,
        capacity: float = BASIC_READ_CAPACITY,
        *,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        """Start full; rate in tokens per second."""
        self._monotonic = monotonic
        self._lock = threading.Lock()
        self._rate, self._capacity = rate, capacity
        self._tokens = capacity
        self._grows_from = monotonic()

    def resize(self, rate: float, capacity: float) -> None:
        """Take over other limits; tokens beyond the new capacity are lost."""
        with self._lock:
            self._refill()
            self._rate, self._capacity = rate, capacity
            self._tokens = min(self._tokens, capacity)

    def reserve(self, weight: float = 1.0) -> float:
        """Take tokens, from the future if need be; return the seconds to wait for them."""
        with self._lock:
            now = self._refill()
            missing = max(0.0, weight - self._tokens)
            self._tokens = max(0.0, self._tokens - weight)
            self._grows_from += missing / self._rate
            return self._grows_from - now

    def give_back(self, weight: float = 1.0) -> None:
        """Return tokens that were not used."""
        with self._lock:
            self._tokens = min(self._capacity, self._tokens + weight)

    def pause(self, seconds: float) -> None:
        """Let nothing pass for so long: the exchange refused a call for its rate."""
        with self._lock:
            self._grows_from = max(self._refill() + seconds, self._grows_from)
            self._tokens = 0.0

    def _refill(self) -> float:
        now = self._monotonic()
        if now > self._grows_from:
            grown = (now - self._grows_from) * self._rate
            self._tokens = min(self._capacity, self._tokens + grown)
            self._grows_from = now
        return now


class WriteBudget:
    """The bucket of writes, a share of it kept for cancels.

    Nothing is booked ahead: a write either gets its tokens now or is told when to ask again, so a
    cancel never stands in a queue behind orders.
    """

    def __init__(
        self,
        rate: float = BASIC_WRITE_RATE,
        capacity: float = BASIC_WRITE_CAPACITY,
        *,
        cancel_share: float = CANCEL_SHARE,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        """Start full; rate in tokens per second.

        Raises:
            ValueError: If the share is not within 0..1 (1 excluded).
        """
        if not 0 <= cancel_share < 1:
            raise ValueError(f"the share for cancels must be within 0..1, was {cancel_share}")
        self._monotonic = monotonic
        self._lock = threading.Lock()
        self._share = cancel_share
        self._rate, self._capacity = rate, capacity
        self._tokens = capacity
        self._updated = self._paused_until = monotonic()
        self._refusals = 0

    @property
    def tokens(self) -> float:
        """Return the tokens at this moment, those for cancels included."""
        with self._lock:
            self._refill()
            return self._tokens

    def limit(self, *, is_cancel: bool) -> float:
        """Return the most tokens that one call can ever take."""
        with self._lock:
            return self._capacity - self._kept(is_cancel)

    def resize(self, rate: float, capacity: float) -> None:
        """Take over other limits; tokens beyond the new capacity are lost."""
        with self._lock:
            self._refill()
            self._rate, self._capacity = rate, capacity
            self._tokens = min(self._tokens, capacity)

    def take(self, cost: float, *, is_cancel: bool) -> float:
        """Take the tokens and return 0, or take none and return after how many seconds to ask.

        Raises:
            InvalidOrderError: If no waiting would ever suffice, see :meth:`limit`.
        """
        with self._lock:
            now = self._refill()
            kept = self._kept(is_cancel)
            if cost > self._capacity - kept:
                raise InvalidOrderError(
                    f"A write of {cost:.0f} tokens never fits into the account's limit of "
                    f"{self._capacity - kept:.0f}."
                )
            missing = cost + kept - self._tokens
            wait = missing / self._rate if missing > 0 else 0.0
            if not is_cancel:
                wait = max(wait, self._paused_until - now)
            if wait <= 0:
                self._tokens -= cost
                return 0.0
            return wait

    def refused(self, jitter: float) -> float:
        """Hear that the exchange refused a write for its rate; let only cancels pass for a while.

        Its bucket holds less than we counted, so ours keeps no more than the share for cancels.
        The exchange does not say how long to wait, so the pause doubles with each refusal in a row.

        Args:
            jitter: A number in 0..1 that spreads those who wait.

        Returns:
            The length of the pause in seconds.
        """
        with self._lock:
            now = self._refill()
            due = min(BACKOFF_CAP_SECONDS, BACKOFF_BASE_SECONDS * 2**self._refusals)
            seconds = (0.75 + 0.5 * jitter) * due
            self._refusals = min(self._refusals + 1, MOST_DOUBLINGS)
            self._paused_until = max(self._paused_until, now + seconds)
            self._tokens = min(self._tokens, self._kept(is_cancel=False))
            return seconds

    def passed(self) -> None:
        """Hear that the exchange took a write."""
        with self._lock:
            self._refusals = 0

    def _kept(self, is_cancel: bool) -> float:
        return 0.0 if is_cancel else self._capacity * self._share

    def _refill(self) -> float:
        now = self._monotonic()
        self._tokens = min(self._capacity, self._tokens + (now - self._updated) * self._rate)
        self._updated = now
        return now


class AccountBudget:
    """Both buckets of an account and what calls cost; shared by all who act for the account."""

    def __init__(self, *, monotonic: Callable[[], float] = time.monotonic) -> None:
        """Start with the lowest tier, until the exchange has told the account's own limits."""
        self.reads = ReadBudget(monotonic=monotonic)
        self.writes = WriteBudget(monotonic=monotonic)
        self.costs = EndpointCosts()

    def most_items(self, endpoint: Endpoint, *, is_cancel: bool) -> int:
        """Return how many items a batch may have: it must fit into the bucket as a whole."""
        cost = self.costs.of_call(endpoint)
        return int(self.writes.limit(is_cancel=is_cancel) / cost) if cost else 1_000


_BUDGETS: dict[tuple[str, str], AccountBudget] = {}
_BUDGETS_LOCK = threading.Lock()


def shared_budget(base_url: str, key_id: str) -> AccountBudget:
    """Return the process's one budget for an account at one address."""
    with _BUDGETS_LOCK:
        return _BUDGETS.setdefault((base_url.rstrip("/"), key_id), AccountBudget())
