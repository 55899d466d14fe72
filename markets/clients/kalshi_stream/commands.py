"""What we ask over the stream. Every command has an id of its own, from 1 on: 0 counts as none."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Literal

from markets.clients.kalshi_stream.frames import BOOKS, TICKER

Command = dict[str, Any]
Action = Literal["add_markets", "delete_markets", "get_snapshot"]


def subscribe(
    command_id: int, channel: str, *, markets: Iterable[str] | None, use_yes_price: bool
) -> Command:
    """Ask for one channel.

    Args:
        command_id: Comes back with the reply.
        channel: Its name.
        markets: Only these; None asks for all, or for a channel that knows no markets.
        use_yes_price: For books: prices of both sides as YES prices. Always stated, since the
            exchange's own default is to change.
    """
    params: Command = {"channels": [channel]}
    if markets is not None:
        params["market_tickers"] = sorted(markets)
    if channel == BOOKS:
        params["use_yes_price"] = use_yes_price
    if channel == TICKER:
        params["send_initial_snapshot"] = True
    return {"id": command_id, "cmd": "subscribe", "params": params}


def unsubscribe(command_id: int, sid: int) -> Command:
    """End one subscription."""
    return {"id": command_id, "cmd": "unsubscribe", "params": {"sids": [sid]}}


def update(
    command_id: int, sid: int, action: Action, markets: Iterable[str], *, channel: str
) -> Command:
    """Change the markets of a subscription, or ask for whole books of some of them."""
    params: Command = {"sids": [sid], "action": action, "market_tickers": sorted(markets)}
    if channel == TICKER and action == "add_markets":
        params["send_initial_snapshot"] = True
    return {"id": command_id, "cmd": "update_subscription", "params": params}


def list_subscriptions(command_id: int) -> Command:
    """Ask which subscriptions stand; the answer also shows that the other end is alive."""
    return {"id": command_id, "cmd": "list_subscriptions"}
