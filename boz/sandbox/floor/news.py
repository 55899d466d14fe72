"""What the floor tells its stream as it happens."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Any


class Channel(StrEnum):
    """A channel of the stream, in the exchange's words."""

    BOOK = "orderbook_delta"
    TICKER = "ticker"
    TRADE = "trade"
    FILL = "fill"
    USER_ORDERS = "user_orders"
    POSITIONS = "market_positions"
    LIFECYCLE = "market_lifecycle_v2"
    GROUPS = "order_group_updates"


@dataclass(frozen=True, slots=True)
class News:
    """One message before it is numbered for a subscription.

    Attributes:
        channel: Where it is told.
        kind: Its type on the wire.
        msg: Its content.
        ticker: The market it is about; empty when it is about none.
        user_id: The only one who is told; empty for everybody.
        owner_id: Who caused it; only they learn under which client order id.
        client_order_id: That id; empty for none.
    """

    channel: Channel
    kind: str
    msg: dict[str, Any]
    ticker: str = ""
    user_id: str = ""
    owner_id: str = ""
    client_order_id: str = ""


Listener = Callable[[News], None]
