"""What the exchange says when it refuses, in whatever shape it says it."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import Any, Final

from boz.core.errors import (
    BozBaseException,
    DataUnavailable,
    OperatorActionRequired,
    TransientError,
)

TOO_MANY_REQUESTS: Final = "too_many_requests"
MESSAGE_CHARS = 300

#: Codes after which there is certainly no order, or no change of one. The exchange publishes no
#: complete list, so a code that is not here decides nothing (`kalshi` reference, section 4).
#: Compared in lower case: its FIX texts and its REST codes differ in case only.
DEFINITE_CODES: Final = frozenset(
    {
        "available_balance_too_low",
        "exchange_paused",
        "insufficient_balance",
        "invalid_order",
        "invalid_order_size",
        "invalid_price",
        "market_inactive",
        "market_not_found",
        "order_id_and_client_order_id_mismatch",
        "order_side_mismatch",
        "order_ticker_mismatch",
        "post_only_cross",
    }
)


class NotListed(DataUnavailable):
    """The exchange itself says that it knows no such thing; "could not ask" is never this."""


@dataclass(frozen=True, slots=True)
class ErrorBody:
    """An error of the exchange; parts it did not tell are empty."""

    code: str = ""
    message: str = ""

    @property
    def is_told(self) -> bool:
        """Say whether the exchange's own voice was heard, and not that of something before it."""
        return bool(self.code or self.message)

    def __str__(self) -> str:
        """Return code and message as one text."""
        return ": ".join(part for part in (self.code, self.message) if part)


def read_error(body: str) -> ErrorBody:
    """Read an error body in any of its shapes.

    ``{"code", "message"}``, the same under ``error``, or ``{"error": "text"}``. A body cut short is
    searched for the two fields; a web page tells nothing.
    """
    try:
        parsed = json.loads(body)
    except (ValueError, RecursionError):
        if not body.lstrip().startswith("{"):
            return ErrorBody()
        return ErrorBody(_search(body, "code"), _search(body, "message"))
    return error_of(parsed)


def error_of(parsed: Any) -> ErrorBody:
    """Read an error that is already parsed; see :func:`read_error`."""
    if not isinstance(parsed, dict):
        return ErrorBody()
    inner = parsed.get("error", parsed)
    if isinstance(inner, str):
        return ErrorBody(message=inner[:MESSAGE_CHARS])
    if not isinstance(inner, dict):
        return ErrorBody()
    return ErrorBody(_text(inner.get("code")), _text(inner.get("message")))


def error_code_and_message(body: str) -> tuple[str, str]:
    """Return code and message of an error body; see :func:`read_error`."""
    error = read_error(body)
    return error.code, error.message


def told(error: BozBaseException) -> BozBaseException:
    """Return the error of a read with what the exchange said about it.

    A 404 in the exchange's own words becomes :class:`NotListed`; one of something in front of it
    may pass, so it becomes a :class:`TransientError`.
    """
    said = read_error(str(error.context.get("excerpt", "")))
    message = f"{error.message} It says: {said}" if said.is_told else error.message
    context = {**error.context, "code": said.code} if said.is_told else error.context
    status = error.context.get("status")
    if status == 404 and isinstance(error, DataUnavailable):
        return NotListed(message, context) if said.is_told else TransientError(message, context)
    return type(error)(message, context) if said.is_told else error


def told_to_key(error: BozBaseException) -> BozBaseException:
    """Return the error of a read with a key: as :func:`told`, and a 403 is a right it lacks."""
    if error.context.get("status") != 403:
        return told(error)
    said = read_error(str(error.context.get("excerpt", "")))
    return no_right(said, {**error.context, "code": said.code})


def no_right(said: ErrorBody, context: dict[str, Any]) -> OperatorActionRequired:
    """Return the error of a key that the exchange knows but does not let do this (403)."""
    told_why = f" It says: {said}" if said.is_told else ""
    return OperatorActionRequired(
        "The exchange key lacks the right to do this (403). Check its scopes, its subaccount and "
        f"whether it belongs to this environment.{told_why}",
        context,
    )


def _text(value: Any) -> str:
    return "" if value is None else str(value)[:MESSAGE_CHARS]


def _search(text: str, field: str) -> str:
    found = re.search(rf'"{field}"\s*:\s*"([^"]*)"', text)
    return "" if found is None else found.group(1)[:MESSAGE_CHARS]
