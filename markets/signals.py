"""What this app tells whoever subscribes; it knows none of them.

The live stream may tell the same news twice, after a reconnect or a database that was away, and
not in order: receivers recognise it by its identity. They are called outside of any transaction,
with the keyword ``news``; what goes wrong in one does not stop the others.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from decimal import Decimal

from django.dispatch import Signal

from boz.core.schemas import Side


@dataclass(frozen=True, slots=True)
class AccountFill:
    """Contracts bought by an order of the account; the price is of the side bought.

    Attributes:
        key_id: The key under which the stream was opened: whose account it is.
        fee_dollars: Net, as the exchange charged it.
        position_count: The position afterwards; NO contracts count as negative.
        at: The exchange's time.
        received_at: Ours.
    """

    key_id: str
    venue_trade_id: str
    venue_order_id: str
    client_order_id: str
    market_ticker: str
    side: Side
    price_dollars: Decimal
    count: Decimal
    fee_dollars: Decimal
    is_taker: bool
    position_count: Decimal
    at: dt.datetime
    received_at: dt.datetime


@dataclass(frozen=True, slots=True)
class AccountOrder:
    """An order of the account as the exchange has it now; the price is of the side bought.

    Attributes:
        status: The exchange's own word.
        at: When the order last changed at the exchange; None when it does not say.
    """

    key_id: str
    venue_order_id: str
    client_order_id: str
    market_ticker: str
    side: Side
    price_dollars: Decimal
    status: str
    filled_count: Decimal
    remaining_count: Decimal
    initial_count: Decimal
    fees_dollars: Decimal
    at: dt.datetime | None
    received_at: dt.datetime


@dataclass(frozen=True, slots=True)
class AccountPosition:
    """A position of the account as the exchange has it now; NO contracts count as negative."""

    key_id: str
    market_ticker: str
    count: Decimal
    cost_dollars: Decimal
    realized_pnl_dollars: Decimal
    fees_dollars: Decimal
    received_at: dt.datetime


AccountNews = AccountFill | AccountOrder | AccountPosition

account_fill = Signal()
account_order = Signal()
account_position = Signal()
