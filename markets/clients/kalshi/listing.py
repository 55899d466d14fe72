"""Lists of the exchange, read to the end, and what of them could not be read."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final, Generic, TypeVar

from boz.core.errors import InvalidDataError, TransientError
from boz.core.schemas import SkippedSubject
from markets.clients.kalshi.wire import ExchangeObject, read_object

#: Far beyond any honest listing; ends a cursor that never does.
MAX_PAGES: Final = 10_000
CURSOR_CHARS = 80

Item = TypeVar("Item", bound=ExchangeObject)
#: Gets a path with parameters and returns the parsed body.
Get = Callable[[str, Mapping[str, Any]], Any]


@dataclass(frozen=True, slots=True)
class Listing(Generic[Item]):
    """A complete listing, and the objects of it that could not be read, each with its reason."""

    items: tuple[Item, ...]
    refused: tuple[SkippedSubject, ...] = ()

    @property
    def is_evidence(self) -> bool:
        """Say whether what is not in ``items`` was not listed: nothing was refused."""
        return not self.refused


def pages(get: Get, path: str, params: Mapping[str, Any]) -> Iterator[Any]:
    """Yield the bodies of all pages; the cursor ends them, never a short page.

    Raises:
        TransientError: If a cursor comes again or never ends, so the list is not complete.
        InvalidDataError: If a page is no object, or its cursor no text.
    """
    cursor: str | None = None
    seen: set[str] = set()
    for _ in range(MAX_PAGES):
        body = get(path, {**params, "cursor": cursor})
        if not isinstance(body, dict):
            raise InvalidDataError("The exchange's answer is no object.", {"path": path})
        yield body
        cursor = body.get("cursor") or None
        if cursor is None:
            return
        if not isinstance(cursor, str):
            raise InvalidDataError("The exchange's cursor is no text.", {"path": path})
        if cursor in seen:
            raise TransientError(
                "The exchange repeats a page, so its listing is not complete.",
                {"path": path, "cursor": cursor[:CURSOR_CHARS]},
            )
        seen.add(cursor)
    raise TransientError(
        f"The exchange's listing does not end after {MAX_PAGES} pages.", {"path": path}
    )


def paged_members(get: Get, path: str, params: Mapping[str, Any], *, key: str) -> Iterator[Any]:
    """Yield what the list ``key`` of all pages holds; errors as for :func:`pages`."""
    for body in pages(get, path, params):
        yield from members(body, key)


def member(body: Any, key: str) -> Any:
    """Return one field of an answer.

    Raises:
        InvalidDataError: If it is missing.
    """
    if not isinstance(body, dict) or key not in body:
        raise InvalidDataError(
            f"The exchange's answer cannot be used: the field '{key}' is missing.", {"field": key}
        )
    return body[key]


def members(body: Any, key: str) -> list[Any]:
    """Return a list in an answer; null stands for an empty one.

    Raises:
        InvalidDataError: If it is missing or no list.
    """
    found = member(body, key)
    if found is None:
        return []
    if not isinstance(found, list):
        raise InvalidDataError(
            f"The exchange's answer cannot be used: '{key}' is no list.", {"field": key}
        )
    return found


def listing(kind: type[Item], payloads: Iterator[Any] | list[Any], *, name: str) -> Listing[Item]:
    """Read objects; one that cannot be read is refused alone.

    Args:
        kind: What they are.
        payloads: The objects as they came.
        name: The field that names one in a refusal.
    """
    items: list[Item] = []
    refused: list[SkippedSubject] = []
    for number, payload in zip(itertools.count(1), payloads, strict=False):
        known = payload.get(name) if isinstance(payload, dict) else None
        subject = str(known or f"{kind.__name__} number {number}")
        try:
            items.append(read_object(kind, payload, what=subject))
        except InvalidDataError as error:
            context = {"fields": error.context.get("fields", [])}
            refused.append(SkippedSubject(subject=subject, reason=error.message, context=context))
    return Listing(tuple(items), tuple(refused))
