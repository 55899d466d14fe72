"""How a write ended, as far as the exchange's answer proves it.

Three ends, never more. What the exchange did is *proven* by the order in the body of its answer; it
*refused* when it answers with a code after which there is certainly no effect; anything else is
*unknown*: a timeout, a 5xx, a web page, a code we do not know, a 2xx without an order, an answer
about another order. An unknown end is found out by reading orders and fills, never by sending
again.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Annotated, Any, Final, TypeVar

from pydantic import Field

from boz.core.errors import InvalidDataError
from boz.core.redaction import redact_text
from markets.clients.kalshi.errors import (
    DEFINITE_CODES,
    TOO_MANY_REQUESTS,
    ErrorBody,
    error_of,
    read_error,
)
from markets.clients.kalshi.orders import Amendment, Cancellation, NewOrder
from markets.clients.kalshi.wire import (
    Count,
    ExchangeObject,
    Name,
    OptionalCount,
    OptionalDollars,
    OptionalPrice,
    UnixMilliseconds,
    names,
    read_object,
)

EXCERPT_CHARS: Final = 200


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer to a write."""

    status: int
    text: str

    @property
    def is_success(self) -> bool:
        """Say whether the status claims success."""
        return 200 <= self.status < 300

    @property
    def error(self) -> ErrorBody:
        """Return what it says as an error."""
        return read_error(self.text)


@dataclass(frozen=True, slots=True)
class NoAnswer:
    """A write left, or may have left, and no whole answer came."""

    reason: str


@dataclass(frozen=True, slots=True)
class OrderRefused:
    """The exchange certainly did nothing.

    Args:
        code: Its code; ``too_many_requests`` and ``not_found`` also when it gave none.
        message: What it said.
        status: The HTTP status; that of the batch for one item of it.
    """

    code: str
    message: str
    status: int

    def __str__(self) -> str:
        """Return a sentence for the operator."""
        return f"The exchange refused: {ErrorBody(self.code, self.message)} ({self.status})."


@dataclass(frozen=True, slots=True)
class DuplicateClientOrderId:
    """The exchange already has an order with this id of ours (409); this one was not placed.

    It is to be found in the orders of the market, live and historical, and compared with
    ``order`` field by field.
    """

    order: NewOrder
    message: str

    @property
    def client_order_id(self) -> str:
        """Return the id to look up."""
        return self.order.client_order_id

    @property
    def ticker(self) -> str:
        """Return the market in whose orders to look."""
        return self.order.ticker


@dataclass(frozen=True, slots=True)
class OutcomeUnknown:
    """Whether the exchange did it is not known; its exposure stays reserved until it is.

    Args:
        reason: A sentence for the operator.
        status: The HTTP status, None without an answer.
        code: The exchange's code, empty without one.
        order_id: The order that the answer names, where it names one: a place to look, no proof.
        excerpt: The beginning of the answer, redacted.
    """

    reason: str
    status: int | None = None
    code: str = ""
    order_id: str | None = None
    excerpt: str = field(default="", repr=False)


class OrderAccepted(ExchangeObject):
    """The exchange has the order; with ``fill_count`` of it traded at once.

    An immediate order without any fill is accepted, too: ``fill_count`` 0 and nothing remains.
    """

    unused = names("error")

    order_id: Name
    client_order_id: str | None = None
    fill_count: Count
    remaining_count: Count
    #: Of the YES leg, dollars.
    average_fill_price: OptionalPrice = None
    #: Per contract, dollars.
    average_fee_paid: OptionalDollars = None
    ts_ms: UnixMilliseconds


class OrderCancelled(ExchangeObject):
    """The order is out of the market; ``reduced_by`` contracts of it were still open."""

    unused = names("error")

    order_id: Name
    client_order_id: str | None = None
    reduced_by: Count
    ts_ms: UnixMilliseconds


class OrderAmended(ExchangeObject):
    """The order was changed; it may have traded at its new price."""

    order_id: Name
    client_order_id: str | None = None
    remaining_count: OptionalCount = None
    fill_count: OptionalCount = None
    average_fill_price: OptionalPrice = None
    average_fee_paid: OptionalDollars = None
    ts_ms: UnixMilliseconds


class OrderDecreased(ExchangeObject):
    """The order was made smaller and kept its place in the queue."""

    order_id: Name
    client_order_id: str | None = None
    remaining_count: Count
    ts_ms: UnixMilliseconds


class OrderGroupCreated(ExchangeObject):
    """The exchange made a group."""

    order_group_id: Name
    subaccount: Annotated[int, Field(ge=0)] = 0
    exchange_index: int | None = None


@dataclass(frozen=True, slots=True)
class OrderGroupChanged:
    """The exchange did what was asked with a group; its answer says no more."""

    order_group_id: str


Undone = OrderRefused | OutcomeUnknown
CreateOutcome = OrderAccepted | DuplicateClientOrderId | Undone
CancelOutcome = OrderCancelled | Undone
AmendOutcome = OrderAmended | Undone
DecreaseOutcome = OrderDecreased | Undone
GroupCreateOutcome = OrderGroupCreated | Undone
GroupOutcome = OrderGroupChanged | Undone

Proof = TypeVar("Proof", bound=ExchangeObject)
Reply = Answer | NoAnswer


def created(reply: Reply, order: NewOrder) -> CreateOutcome:
    """Read the answer to an order."""
    if isinstance(reply, Answer) and reply.status == 409 and _may_be_duplicate(reply.error):
        return DuplicateClientOrderId(order, str(reply.error))
    outcome = _proven(OrderAccepted, reply)
    if not isinstance(outcome, OrderAccepted):
        return outcome
    return _of_this_order(outcome, order, reply)


def cancelled(reply: Reply, order_id: str) -> CancelOutcome:
    """Read the answer to a cancel; an order that is not there any more is refused, not an error."""
    outcome = _proven(OrderCancelled, reply)
    return _about(outcome, order_id, reply)


def amended(reply: Reply, amendment: Amendment) -> AmendOutcome:
    """Read the answer to an amendment."""
    return _about(_proven(OrderAmended, reply), amendment.order_id, reply)


def decreased(reply: Reply, order_id: str) -> DecreaseOutcome:
    """Read the answer to a decrease."""
    return _about(_proven(OrderDecreased, reply), order_id, reply)


def group_created(reply: Reply) -> GroupCreateOutcome:
    """Read the answer to a new group."""
    return _proven(OrderGroupCreated, reply)


def group_changed(reply: Reply, order_group_id: str) -> GroupOutcome:
    """Read the answer to a change of a group; success is an empty object, and nothing else."""
    if isinstance(reply, Answer) and reply.is_success and _parsed(reply.text) == {}:
        return OrderGroupChanged(order_group_id)
    return undone(reply)


def batch_created(reply: Reply, orders: Sequence[NewOrder]) -> tuple[CreateOutcome, ...]:
    """Read the answer to a batch of orders, one outcome for each in their order.

    Items are told by our id, which the exchange repeats, else by their place.
    """
    items = _items(reply, len(orders))
    if items is None:
        return tuple(_batch_undone(reply) for _ in orders)
    by_id = _by(items, "client_order_id")
    if None in by_id or len(by_id) < len(items):
        pairs = list(zip(items, orders, strict=True))
    else:
        pairs = [(by_id.get(order.client_order_id, {}), order) for order in orders]
    return tuple(_created_item(item, order, reply) for item, order in pairs)


def batch_cancelled(
    reply: Reply, cancellations: Sequence[Cancellation]
) -> tuple[CancelOutcome, ...]:
    """Read the answer to a batch of cancels, one outcome for each in their order."""
    items = _items(reply, len(cancellations))
    if items is None:
        return tuple(_batch_undone(reply) for _ in cancellations)
    by_id = _by(items, "order_id")
    return tuple(
        _cancelled_item(by_id.get(cancellation.order_id, {}), cancellation.order_id, reply)
        for cancellation in cancellations
    )


def _may_be_duplicate(error: ErrorBody) -> bool:
    """Say whether a conflict may be about our id; a pause, say, is told by a code of its own."""
    return error.is_told and error.code.lower() not in DEFINITE_CODES


def undone(reply: Reply) -> Undone:
    """Read an answer that proves no effect: refused for certain, or unknown."""
    if isinstance(reply, NoAnswer):
        return OutcomeUnknown(reply.reason)
    return _refusal(reply.error, reply.status) or _unknown(reply)


def _refusal(error: ErrorBody, status: int) -> OrderRefused | None:
    """Return the refusal that an error proves, if it proves one.

    The reference says of the rate limit that such a request is rejected, and an order that is not
    there cannot be changed; both only in the exchange's own words, since something in front of it
    may say 429 or 404 of its own accord.
    """
    if not error.is_told or not 400 <= status < 500:
        return None
    if error.code.lower() in DEFINITE_CODES:
        return OrderRefused(error.code, error.message, status)
    if status == 429:
        return OrderRefused(error.code or TOO_MANY_REQUESTS, error.message, status)
    if status == 404:
        return OrderRefused(error.code or "not_found", error.message, status)
    return None


def _proven(kind: type[Proof], reply: Reply) -> Proof | Undone:
    if isinstance(reply, NoAnswer) or not reply.is_success:
        return undone(reply)
    body = _parsed(reply.text)
    try:
        return read_object(kind, body, what="the order")
    except InvalidDataError as error:
        return _unknown(reply, error.message)


def _of_this_order(accepted: OrderAccepted, order: NewOrder, reply: Reply) -> CreateOutcome:
    """Return the proof if it is about this order, else what is unknown."""
    theirs = accepted.client_order_id
    if theirs and theirs != order.client_order_id:
        return _unknown(reply, "The exchange answered about an order with another id of ours.")
    if accepted.fill_count + accepted.remaining_count > order.count:
        return _unknown(reply, "The exchange tells of more contracts than were ordered.")
    return accepted


def _about(outcome: Any, order_id: str, reply: Reply) -> Any:
    """Return the outcome if it is about this order; answers have described others before."""
    found = getattr(outcome, "order_id", order_id)
    if isinstance(outcome, OutcomeUnknown) or found == order_id:
        return outcome
    return _unknown(reply, "The exchange answered about another order.")


def _created_item(item: dict[str, Any], order: NewOrder, reply: Reply) -> CreateOutcome:
    error = _item_error(item)
    if error is not None:
        if "already_exists" in error.code.lower() or "duplicate" in error.code.lower():
            return DuplicateClientOrderId(order, str(error))
        return _item_refused(error, reply)
    try:
        accepted = read_object(OrderAccepted, item, what="an order of the batch")
    except InvalidDataError as fault:
        return _unknown(reply, fault.message)
    return _of_this_order(accepted, order, reply)


def _cancelled_item(item: dict[str, Any], order_id: str, reply: Reply) -> CancelOutcome:
    error = _item_error(item)
    if error is not None:
        return _item_refused(error, reply)
    try:
        proof = read_object(OrderCancelled, item, what="a cancel of the batch")
    except InvalidDataError as fault:
        return _unknown(reply, fault.message)
    return _about(proof, order_id, reply)


def _item_error(item: dict[str, Any]) -> ErrorBody | None:
    found = item.get("error")
    return None if found is None else error_of({"error": found})


def _item_refused(error: ErrorBody, reply: Reply) -> Undone:
    """Return how one item of a batch failed; only its code can be definite."""
    code = error.code.lower()
    if code in DEFINITE_CODES or code in {TOO_MANY_REQUESTS, "not_found", "order_not_found"}:
        return OrderRefused(error.code, error.message, _status(reply))
    return OutcomeUnknown(
        f"The exchange answered for one order of a batch: {error}.",
        status=_status(reply),
        code=error.code,
    )


def _batch_undone(reply: Reply) -> Undone:
    """Return how each item of a batch without a usable answer ended.

    A rate limit rejects a batch as a whole; of other refusals it is not documented whether they
    concern all items.
    """
    if isinstance(reply, NoAnswer):
        return OutcomeUnknown(reply.reason)
    refusal = _refusal(reply.error, reply.status)
    return refusal if refusal is not None and reply.status == 429 else _unknown(reply)


def _items(reply: Reply, expected: int) -> list[dict[str, Any]] | None:
    """Return the items of a batch's answer, None unless there is one for each asked."""
    if isinstance(reply, NoAnswer) or not reply.is_success:
        return None
    body = _parsed(reply.text)
    items = body.get("orders") if isinstance(body, dict) else None
    if not isinstance(items, list) or len(items) != expected:
        return None
    return items if all(isinstance(item, dict) for item in items) else None


def _by(items: list[dict[str, Any]], field: str) -> dict[str | None, dict[str, Any]]:
    """Return the items by the text in a field; those without one under None."""
    found = ((item.get(field), item) for item in items)
    return {name if isinstance(name, str) and name else None: item for name, item in found}


def _unknown(reply: Reply, problem: str = "") -> OutcomeUnknown:
    if isinstance(reply, NoAnswer):
        return OutcomeUnknown(reply.reason)
    said = f" It says: {reply.error}." if reply.error.is_told else ""
    problem = problem or "That proves neither that it was done nor that it was not."
    body = _parsed(reply.text)
    named = body.get("order_id") if isinstance(body, dict) else None
    return OutcomeUnknown(
        f"The exchange answered with status {reply.status}.{said} {problem}",
        status=reply.status,
        code=reply.error.code,
        order_id=named if isinstance(named, str) and named else None,
        excerpt=redact_text(reply.text[: 4 * EXCERPT_CHARS])[:EXCERPT_CHARS],
    )


def _status(reply: Reply) -> int:
    return reply.status if isinstance(reply, Answer) else 0


def _parsed(text: str) -> Any:
    """Return the JSON of a body, None when it is none."""
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None
