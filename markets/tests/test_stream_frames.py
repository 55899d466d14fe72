from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from markets.clients.kalshi_stream import FrameRefusedError, read_frame
from markets.clients.kalshi_stream.frames import (
    DeltaFrame,
    ErrorFrame,
    MessageFrame,
    OkFrame,
    SnapshotFrame,
    SubscribedFrame,
)
from markets.clients.kalshi_stream.messages import FeeUpdateBody, FillBody, TickerBody, TradeBody

TICKER = "KXHIGHNY-26NOV21-B54.5"
DELTA = {
    "type": "orderbook_delta",
    "sid": 1,
    "seq": 2,
    "msg": {
        "market_ticker": TICKER,
        "market_id": "943fcfe7-68a7-48aa-84b0-9b5ed2d5b922",
        "price_dollars": "0.4300",
        "delta_fp": "-100.00",
        "side": "yes",
        "ts_ms": 1786085188978,
    },
}
TRADE = {
    "type": "trade",
    "sid": 3,
    "msg": {
        "trade_id": "d91bc706-ee49-470d-82d8-11418bda6fe0",
        "market_ticker": TICKER,
        "yes_price_dollars": "0.3600",
        "no_price_dollars": "0.6400",
        "count_fp": "136.00",
        "taker_side": "no",
        "taker_outcome_side": "no",
        "taker_book_side": "ask",
        "is_block_trade": False,
        "ts": 1669149841,
        "ts_ms": 1669149841000,
    },
}
FILL = {
    "type": "fill",
    "sid": 13,
    "msg": {
        "trade_id": "d91bc706-ee49-470d-82d8-11418bda6fed",
        "order_id": "ee587a1c-8b87-4dcf-b721-9f6f790619fa",
        "market_ticker": TICKER,
        "exchange_index": 0,
        "is_taker": True,
        "side": "yes",
        "yes_price_dollars": "0.7500",
        "count_fp": "278.00",
        "fee_cost": "2.0800",
        "action": "buy",
        "outcome_side": "no",
        "book_side": "ask",
        "ts": 1671899397,
        "ts_ms": 1671899397000,
        "post_position_fp": "-500.00",
        "purchased_side": "no",
    },
}


def read(frame: dict[str, Any]) -> Any:
    return read_frame(json.dumps(frame))


def without(frame: dict[str, Any], name: str) -> dict[str, Any]:
    body = {key: value for key, value in frame["msg"].items() if key != name}
    return {**frame, "msg": body}


def with_(frame: dict[str, Any], **fields: Any) -> dict[str, Any]:
    return {**frame, "msg": {**frame["msg"], **fields}}


def test_a_change_keeps_its_texts() -> None:
    assert read(DELTA) == DeltaFrame(1, 2, TICKER, "yes", "0.4300", "-100.00")


def test_a_side_left_out_of_a_snapshot_is_empty() -> None:
    frame = {
        "type": "orderbook_snapshot",
        "sid": 1,
        "seq": 1,
        "msg": {"market_ticker": TICKER, "no_dollars_fp": [["0.5", "1.00"]]},
    }
    assert read(frame) == SnapshotFrame(1, 1, TICKER, (), [["0.5", "1.00"]])


def test_replies_are_told_apart() -> None:
    subscribed = {"id": 4, "type": "subscribed", "msg": {"channel": "ticker", "sid": 7}}
    assert read(subscribed) == SubscribedFrame(4, "ticker", 7)
    ok = {"id": 0, "type": "ok", "sid": 1, "seq": 4, "msg": {"market_tickers": [TICKER]}}
    assert read(ok) == OkFrame(None, 1, 4)
    listed = {"id": 3, "type": "ok", "msg": [{"channel": "ticker", "sid": 7}]}
    assert read(listed).subscriptions == (("ticker", 7),)
    error = {"id": 9, "type": "error", "msg": {"code": 16, "msg": "?", "market_ticker": TICKER}}
    assert read(error) == ErrorFrame(9, None, 16, "?", TICKER)


def test_a_trade_is_exact() -> None:
    body = read(TRADE).body
    assert isinstance(body, TradeBody)
    assert (body.yes_price_dollars, body.count_fp) == (Decimal("0.36"), Decimal("136"))


def test_an_own_fill_names_what_was_bought() -> None:
    body = read(FILL).body
    assert isinstance(body, FillBody)
    assert body.outcome_side == "no"
    assert body.client_order_id is None


def test_a_market_that_never_traded_has_no_last_price() -> None:
    message = {"market_ticker": TICKER, "price_dollars": "0.0000", "ts_ms": 1}
    frame = read({"type": "ticker", "sid": 2, "msg": message})
    assert isinstance(frame, MessageFrame)
    assert isinstance(frame.body, TickerBody)
    assert frame.body.price_dollars is None


def test_a_fee_multiplier_sent_as_a_number_keeps_its_digits() -> None:
    message = '{"event_ticker":"E","fee_type_override":null,"fee_multiplier_override":0.1}'
    frame = read_frame(f'{{"type":"event_fee_update","sid":2,"msg":{message}}}')
    assert isinstance(frame, MessageFrame)
    assert isinstance(frame.body, FeeUpdateBody)
    assert frame.body.fee_multiplier_override == Decimal("0.1")


@pytest.mark.parametrize("name", ["market_ticker", "side", "price_dollars", "delta_fp"])
def test_a_change_without_a_needed_field_is_refused_with_its_number(name: str) -> None:
    with pytest.raises(FrameRefusedError) as caught:
        read(without(DELTA, name))
    assert (caught.value.sid, caught.value.seq) == (1, 2)


@pytest.mark.parametrize(
    ("frame", "name"),
    [
        (TRADE, "trade_id"),
        (TRADE, "yes_price_dollars"),
        (TRADE, "count_fp"),
        (FILL, "fee_cost"),
        (FILL, "order_id"),
        (FILL, "post_position_fp"),
    ],
)
def test_a_message_without_a_needed_field_is_refused(frame: dict[str, Any], name: str) -> None:
    with pytest.raises(FrameRefusedError, match=name):
        read(without(frame, name))


@pytest.mark.parametrize(
    "fields",
    [
        {"yes_price_dollars": "1.2"},
        {"yes_price_dollars": "0.36001"},
        {"count_fp": "0"},
        {"count_fp": "1.005"},
        {"count_fp": "1e30"},
        {"count_fp": "NaN"},
        {"taker_outcome_side": "up"},
        {"ts_ms": -1},
        {"ts_ms": 10**30},
    ],
)
def test_a_trade_that_cannot_be_true_is_refused(fields: dict[str, Any]) -> None:
    with pytest.raises(FrameRefusedError):
        read(with_(TRADE, **fields))


@pytest.mark.parametrize(
    "text",
    [
        *("", "{", "[]", "null", "7", "NaN", "[" * 100_000),
        '{"type":"orderbook_delta"}',
        '{"type":"ok","sid":"1"}',
        '{"type":"orderbook_delta","sid":1,"seq":NaN,"msg":{}}',
        '{"type":"trade","sid":0}',
        '{"type":"error","msg":[]}',
        '{"type":"orderbook_snapshot","sid":1,"seq":1,"msg":3}',
    ],
)
def test_what_cannot_be_read_is_refused(text: str) -> None:
    with pytest.raises(FrameRefusedError):
        read_frame(text)


def test_an_unheard_of_type_is_left_aside() -> None:
    assert read_frame('{"type":"weather_report","sid":1}') is None
    assert read_frame('{"sid":1}') is None
    assert read_frame('{"type":["trade"],"sid":1}') is None


def test_an_unheard_of_field_does_not_refuse_a_message() -> None:
    assert isinstance(read(with_(TRADE, colour="blue")), MessageFrame)
    assert isinstance(read(with_(DELTA, colour="blue")), DeltaFrame)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner),
    max_leaves=8,
)
types = st.sampled_from(
    [
        *("orderbook_delta", "orderbook_snapshot", "ok", "error", "subscribed", "unsubscribed"),
        *("ticker", "trade", "fill", "user_order", "market_position", "market_lifecycle_v2"),
        *("event_lifecycle", "event_fee_update", "other"),
    ]
)


@given(types, json_values, json_values, json_values)
def test_whatever_comes_is_a_frame_or_refused(name: str, sid: Any, seq: Any, body: Any) -> None:
    text = json.dumps({"type": name, "sid": sid, "seq": seq, "id": seq, "msg": body})
    try:
        read_frame(text)
    except FrameRefusedError:
        return
