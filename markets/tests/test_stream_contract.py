"""What we send over the stream, and the fields we read, against the exchange's own description."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from markets.clients.kalshi_stream import commands, read_frame
from markets.clients.kalshi_stream.frames import BOOKS, LIFECYCLE, TICKER
from markets.clients.kalshi_stream.messages import (
    EventCreatedBody,
    FeeUpdateBody,
    FillBody,
    LifecycleBody,
    PositionBody,
    TickerBody,
    TradeBody,
    UserOrderBody,
)
from markets.services.stream.subscriptions import PRIVATE_CHANNELS, PUBLIC_CHANNELS
from markets.tests.specs import contract
from markets.tests.test_stream_frames import DELTA, FILL, TRADE

MARKETS = ["KXHIGHNY-26NOV21-T60", "KXHIGHNY-26NOV21-B54-5"]
SPECIAL = {
    "delete_markets": "updateSubscriptionDeleteCommand",
    "get_snapshot": "updateSubscriptionGetSnapshotCommand",
}
SPEC = json.loads((Path(contract.__file__).parent / "asyncapi.json").read_text(encoding="utf-8"))


@pytest.mark.parametrize("channel", [*PUBLIC_CHANNELS, *PRIVATE_CHANNELS])
def test_every_subscription_is_one_that_the_exchange_understands(channel: str) -> None:
    markets = None if channel == LIFECYCLE else MARKETS
    command = commands.subscribe(1, channel, markets=markets, use_yes_price=True)
    assert contract.frame_faults("subscribeCommand", command, is_sent=True) == []


@pytest.mark.parametrize("action", ["add_markets", "delete_markets", "get_snapshot"])
@pytest.mark.parametrize("channel", [BOOKS, TICKER])
def test_every_update_is_one_that_the_exchange_understands(channel: str, action: Any) -> None:
    command = commands.update(2, 1, action, MARKETS, channel=channel)
    for name in ("updateSubscriptionCommand", SPECIAL.get(action, "updateSubscriptionCommand")):
        assert contract.frame_faults(name, command, is_sent=True) == []


def test_the_other_commands_are_ones_that_the_exchange_understands() -> None:
    ended, listed = commands.unsubscribe(3, 1), commands.list_subscriptions(4)
    assert contract.frame_faults("unsubscribeCommand", ended, is_sent=True) == []
    assert contract.frame_faults("listSubscriptionsCommand", listed, is_sent=True) == []


@pytest.mark.parametrize(
    ("body", "name"),
    [
        (TickerBody, "tickerPayload"),
        (TradeBody, "tradePayload"),
        (FillBody, "fillPayload"),
        (UserOrderBody, "userOrderPayload"),
        (PositionBody, "marketPositionPayload"),
        (LifecycleBody, "marketLifecycleV2Payload"),
        (EventCreatedBody, "eventLifecyclePayload"),
        (FeeUpdateBody, "eventFeeUpdatePayload"),
    ],
)
def test_each_field_is_one_of_the_exchanges_and_each_of_its_fields_is_known(
    body: Any, name: str
) -> None:
    described = SPEC["components"]["schemas"][name]["properties"]["msg"]
    needed = {field for field, info in body.model_fields.items() if info.is_required()}
    assert needed <= set(described["required"])
    assert set(described["properties"]) <= set(body.model_fields) | body.unused


@pytest.mark.parametrize(
    ("name", "frame"), [("orderbookDelta", DELTA), ("trade", TRADE), ("fill", FILL)]
)
def test_frames_of_these_tests_are_ones_that_the_exchange_could_send(
    name: str, frame: dict[str, Any]
) -> None:
    # The description forgets the point in the tickers of weather markets.
    frame = {**frame, "msg": {**frame["msg"], "market_ticker": MARKETS[0]}}
    assert contract.frame_faults(name, frame) == []
    assert read_frame(json.dumps(frame)) is not None
