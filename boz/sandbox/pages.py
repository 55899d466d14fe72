"""Cursors and list parameters of the exchange."""

from __future__ import annotations

import base64
import binascii
from typing import Final

from boz.sandbox.wire import WireError

#: Later than any Unix second that makes sense in a query.
FAR_FUTURE: Final = 10**11


def comma_list(text: str | None) -> set[str] | None:
    """Return the words of a comma-separated parameter, None when it is not given."""
    return set(text.split(",")) if text else None


def cursor(place: int | None, kind: str) -> str:
    """Return the cursor that leads on from a position, empty at the end of a list."""
    return "" if place is None else _encoded(kind, str(place))


def position(text: str | None, kind: str) -> int | None:
    """Return the position of a cursor, None when none is given.

    Raises:
        WireError: 400, if the list gave out no such cursor.
    """
    if not text:
        return None
    try:
        return int(_decoded(text, kind))
    except ValueError:
        raise _foreign() from None


def pair_cursor(first: int | None, second: int | None, kind: str) -> str:
    """Return the cursor that leads on from a place in each of two lists that are told as one."""
    places = ",".join("" if place is None else str(place) for place in (first, second))
    return _encoded(kind, places)


def positions(text: str | None, kind: str) -> tuple[int | None, int | None]:
    """Return the two positions of a cursor, None where there is none.

    Raises:
        WireError: 400, if the list gave out no such cursor.
    """
    if not text:
        return None, None
    try:
        first, second = _decoded(text, kind).split(",")
        return int(first) if first else None, int(second) if second else None
    except ValueError:
        raise _foreign() from None


def _encoded(kind: str, place: str) -> str:
    return base64.urlsafe_b64encode(f"{kind}:{place}".encode()).decode()


def _decoded(text: str, kind: str) -> str:
    try:
        word, _, place = base64.urlsafe_b64decode(text.encode()).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError, ValueError):
        raise _foreign() from None
    if word != kind:
        raise _foreign()
    return place


def _foreign() -> WireError:
    return WireError(400, "invalid_cursor", "the cursor is not one that this list gave out")
