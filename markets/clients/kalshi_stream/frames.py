"""What the exchange sends over its stream, checked where it enters.

Book frames are read by hand, because there are many; the others by the same rules as REST objects:
an unheard-of field or type is told once, a needed field that is missing refuses the frame.
"""

from __future__ import annotations

import functools
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final, NoReturn

from boz.core.errors import InvalidDataError
from boz.core.logging import get_logger
from markets.clients.kalshi.objects import read_object
from markets.clients.kalshi_stream.messages import (
    Body,
    EventCreatedBody,
    FeeUpdateBody,
    FillBody,
    LifecycleBody,
    PositionBody,
    TickerBody,
    TradeBody,
    UserOrderBody,
)

log = get_logger("MARKET")

BOOKS: Final = "orderbook_delta"
TICKER: Final = "ticker"
TRADES: Final = "trade"
LIFECYCLE: Final = "market_lifecycle_v2"
FILLS: Final = "fill"
USER_ORDERS: Final = "user_orders"
POSITIONS: Final = "market_positions"

#: Errors after which a subscription has ended and must be made anew.
TERMINAL_ERRORS: Final = frozenset({10, 17, 25})
#: The key may not have this channel; asking again changes nothing.
AUTHENTICATION_REQUIRED: Final = 9
MARKET_NOT_FOUND: Final = 16
UNKNOWN_SUBSCRIPTION: Final = 7


@dataclass(frozen=True, slots=True)
class DeltaFrame:
    """The change of one level of one book; texts as sent."""

    sid: int
    seq: int
    ticker: str
    side: str
    price_text: str
    change_text: str


@dataclass(frozen=True, slots=True)
class SnapshotFrame:
    """A whole book; rows of price and count as sent."""

    sid: int
    seq: int
    ticker: str
    yes_rows: Sequence[Sequence[str]]
    no_rows: Sequence[Sequence[str]]


@dataclass(frozen=True, slots=True)
class SubscribedFrame:
    """The subscription of one channel stands."""

    command_id: int | None
    channel: str
    sid: int


@dataclass(frozen=True, slots=True)
class OkFrame:
    """A command was done; of a numbered subscription it carries a number."""

    command_id: int | None
    sid: int | None
    seq: int | None
    subscriptions: tuple[tuple[str, int], ...] | None = None


@dataclass(frozen=True, slots=True)
class UnsubscribedFrame:
    """A subscription has ended."""

    command_id: int | None
    sid: int


@dataclass(frozen=True, slots=True)
class ErrorFrame:
    """A command was refused, or a subscription has failed."""

    command_id: int | None
    sid: int | None
    code: int
    message: str
    ticker: str | None


@dataclass(frozen=True, slots=True)
class MessageFrame:
    """A message of a channel that is not numbered."""

    sid: int
    body: Body


Frame = (
    DeltaFrame
    | SnapshotFrame
    | SubscribedFrame
    | OkFrame
    | UnsubscribedFrame
    | ErrorFrame
    | MessageFrame
)


class FrameRefusedError(InvalidDataError):
    """A frame cannot be used; ``ticker`` and ``sid`` say whom it concerned, as far as known."""

    def __init__(
        self,
        message: str,
        *,
        type_name: str = "",
        sid: int | None = None,
        seq: int | None = None,
        ticker: str | None = None,
    ) -> None:
        """Keep the sentence and whom it concerns."""
        super().__init__(message, {"type": type_name, "sid": sid, "market": ticker})
        self.type_name, self.sid, self.seq, self.ticker = type_name, sid, seq, ticker


def read_frame(text: str | bytes) -> Frame | None:
    """Read one frame; None when it is of a type that we have never heard of, which is told once.

    Raises:
        FrameRefusedError: If it is not JSON, or a field that is needed is missing or untrue.
    """
    payload = _payload(text)
    type_name = payload.get("type")
    if type_name == "orderbook_delta":
        return _delta(payload)
    reader = _READERS.get(type_name) if isinstance(type_name, str) else None
    if reader is not None:
        return reader(payload)
    kind = _BODIES.get(type_name) if isinstance(type_name, str) else None
    if kind is None:
        _tell_unknown_type(str(type_name)[:60])
        return None
    return _message(payload, str(type_name), kind)


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is no number")


_JSON = json.JSONDecoder(parse_float=Decimal, parse_constant=_refuse_constant)


def _payload(text: str | bytes) -> dict[str, Any]:
    try:
        payload = _JSON.decode(text if isinstance(text, str) else text.decode())
    except (ValueError, RecursionError):
        raise FrameRefusedError("The exchange's stream sent what is not JSON.") from None
    if not isinstance(payload, dict):
        raise FrameRefusedError("The exchange's stream sent JSON that is no object.")
    return payload


def _delta(payload: dict[str, Any]) -> DeltaFrame:
    try:
        body = payload["msg"]
        return DeltaFrame(
            _positive(payload["sid"]),
            _positive(payload["seq"]),
            _text(body["market_ticker"]),
            _text(body["side"]),
            _text(body["price_dollars"]),
            _text(body["delta_fp"]),
        )
    except (KeyError, TypeError, ValueError) as error:
        raise _refused(payload, error) from None


def _snapshot(payload: dict[str, Any]) -> SnapshotFrame:
    try:
        body = payload["msg"]
        return SnapshotFrame(
            _positive(payload["sid"]),
            _positive(payload["seq"]),
            _text(body["market_ticker"]),
            _rows(body, "yes_dollars_fp"),
            _rows(body, "no_dollars_fp"),
        )
    except (KeyError, TypeError, ValueError) as error:
        raise _refused(payload, error) from None


def _rows(body: Mapping[str, Any], name: str) -> Sequence[Sequence[str]]:
    """Return the rows of a side; the exchange leaves the key out when the side is empty."""
    rows = body.get(name)
    if rows is None:
        return ()
    if not isinstance(rows, list):
        raise TypeError(f"{name} is no list")
    return rows


def _subscribed(payload: dict[str, Any]) -> SubscribedFrame:
    try:
        body = payload["msg"]
        return SubscribedFrame(_command_id(payload), _text(body["channel"]), _positive(body["sid"]))
    except (KeyError, TypeError, ValueError) as error:
        raise _refused(payload, error) from None


def _unsubscribed(payload: dict[str, Any]) -> UnsubscribedFrame:
    try:
        return UnsubscribedFrame(_command_id(payload), _positive(payload["sid"]))
    except (KeyError, TypeError, ValueError) as error:
        raise _refused(payload, error) from None


def _ok(payload: dict[str, Any]) -> OkFrame:
    try:
        sid, seq, body = payload.get("sid"), payload.get("seq"), payload.get("msg")
        return OkFrame(
            _command_id(payload),
            None if sid is None else _positive(sid),
            None if seq is None else _positive(seq),
            _subscriptions(body) if isinstance(body, list) else None,
        )
    except (KeyError, TypeError, ValueError) as error:
        raise _refused(payload, error) from None


def _subscriptions(rows: list[Any]) -> tuple[tuple[str, int], ...]:
    return tuple((_text(row["channel"]), _positive(row["sid"])) for row in rows)


def _error(payload: dict[str, Any]) -> ErrorFrame:
    try:
        body = payload["msg"]
        sid, ticker = payload.get("sid"), body.get("market_ticker")
        return ErrorFrame(
            _command_id(payload),
            None if sid is None else _positive(sid),
            _positive(body["code"]),
            str(body.get("msg", ""))[:200],
            ticker if isinstance(ticker, str) and ticker else None,
        )
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise _refused(payload, error) from None


def _message(payload: dict[str, Any], type_name: str, kind: type[Body]) -> MessageFrame:
    sid = payload.get("sid")
    try:
        number = _positive(sid)
        body = read_object(kind, payload.get("msg"), what=f"a frame '{type_name}'")
    except (TypeError, ValueError) as error:
        raise _refused(payload, error) from None
    except InvalidDataError as error:
        raise FrameRefusedError(
            error.message, type_name=type_name, sid=number, ticker=_named_market(payload)
        ) from None
    return MessageFrame(number, body)


def _positive(value: Any) -> int:
    if type(value) is not int or value < 1:
        raise ValueError(f"not a positive number: {str(value)[:40]}")
    return value


def _text(value: Any) -> str:
    if type(value) is not str or not value:
        raise ValueError(f"not a text: {str(value)[:40]}")
    return value


def _command_id(payload: Mapping[str, Any]) -> int | None:
    """Return the command that this answers; the exchange's 0 means none."""
    value = payload.get("id")
    return value if type(value) is int and value > 0 else None


def _refused(payload: Mapping[str, Any], error: Exception) -> FrameRefusedError:
    type_name = str(payload.get("type"))[:60]
    what = f"the field {error} is missing" if isinstance(error, KeyError) else str(error)
    sid, seq = payload.get("sid"), payload.get("seq")
    return FrameRefusedError(
        f"The exchange's stream sent a frame '{type_name}' that cannot be used: {what}.",
        type_name=type_name,
        sid=sid if type(sid) is int else None,
        seq=seq if type(seq) is int else None,
        ticker=_named_market(payload),
    )


def _named_market(payload: Mapping[str, Any]) -> str | None:
    body = payload.get("msg")
    name = body.get("market_ticker") if isinstance(body, Mapping) else None
    return name if isinstance(name, str) else None


@functools.lru_cache(maxsize=256)
def _tell_unknown_type(name: str) -> None:
    """Log an unheard-of type of frame; the cache makes it once per process."""
    log.info("The exchange's stream sends a type of frame we do not know", type=name)


_READERS: dict[str, Callable[[dict[str, Any]], Frame]] = {
    "orderbook_snapshot": _snapshot,
    "subscribed": _subscribed,
    "unsubscribed": _unsubscribed,
    "ok": _ok,
    "error": _error,
}
_BODIES: dict[str, type[Body]] = {
    "ticker": TickerBody,
    "trade": TradeBody,
    "fill": FillBody,
    "user_order": UserOrderBody,
    "market_position": PositionBody,
    "market_lifecycle_v2": LifecycleBody,
    "event_lifecycle": EventCreatedBody,
    "event_fee_update": FeeUpdateBody,
}
