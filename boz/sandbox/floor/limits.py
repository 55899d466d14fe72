"""How much a member may ask: two buckets of tokens, as the exchange's tiers say.

Requests cost tokens; a bucket refills continuously. Whoever asks for more than is left is refused
and pays nothing.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

DEFAULT_COST: Final = 10
CANCEL_COST: Final = 2
SINGLE_ORDER_COST: Final = 2

_ORDERS = "/portfolio/events/orders"
#: Requests that do not cost the default: method, path, tokens.
ENDPOINT_COSTS: Final = (
    ("DELETE", "/trade-api/v2/portfolio/events/orders/{order_id}", CANCEL_COST),
    ("DELETE", "/trade-api/v2/portfolio/events/orders/batched", CANCEL_COST),
    ("DELETE", "/trade-api/v2/portfolio/events/orders", CANCEL_COST),
    ("GET", "/trade-api/v2/portfolio/orders/{order_id}", SINGLE_ORDER_COST),
)
_SINGLE_ORDER = re.compile(r"/portfolio/orders/[0-9a-f-]{36}$")


class TokenBucket:
    """Tokens that come back with time; tests pass their own clock."""

    def __init__(
        self, *, rate: int, capacity: int, monotonic: Callable[[], float] = time.monotonic
    ) -> None:
        """Start full; ``rate`` is tokens per second."""
        self.rate, self.capacity = rate, capacity
        self._monotonic = monotonic
        self._tokens = float(capacity)
        self._seen = monotonic()

    def take(self, tokens: int) -> bool:
        """Take so many tokens if they are there; say whether they were."""
        now = self._monotonic()
        self._tokens = min(self.capacity, self._tokens + (now - self._seen) * self.rate)
        self._seen = now
        if tokens > self._tokens:
            return False
        self._tokens -= tokens
        return True


@dataclass(frozen=True, slots=True)
class Budget:
    """Tokens per second and how many fit into the bucket."""

    rate: int
    capacity: int

    def filled(self) -> TokenBucket:
        """Return a full bucket."""
        return TokenBucket(rate=self.rate, capacity=self.capacity)


@dataclass(frozen=True, slots=True)
class Tier:
    """A usage tier."""

    name: str
    read: Budget
    write: Budget


#: Read holds two seconds of budget, write one.
BASIC: Final = Tier("basic", Budget(200, 400), Budget(100, 100))


def cost_of(method: str, path: str, *, items: int = 1) -> int:
    """Return the tokens that a request costs.

    Args:
        method: The HTTP method.
        path: The path below ``/trade-api/v2``.
        items: Orders in a batch; each is billed.
    """
    if method == "DELETE" and path.startswith(_ORDERS):
        return CANCEL_COST * max(1, items)
    if method == "GET":
        return SINGLE_ORDER_COST if _SINGLE_ORDER.search(path) else DEFAULT_COST
    return DEFAULT_COST * max(1, items)
