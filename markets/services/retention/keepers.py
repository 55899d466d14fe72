"""What other apps need kept: the books and quotes that their decisions and fills were made on."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterable, Sequence

#: A market's key and a moment: the last row known then stays.
Needed = tuple[int, dt.datetime]
#: Returns what is needed of some markets between two moments.
Keeper = Callable[[Sequence[int], dt.datetime, dt.datetime], Iterable[Needed]]

_KEEPERS: dict[str, Keeper] = {}


def register_keeper(name: str, keeper: Keeper) -> None:
    """Let an app say what it needs.

    Raises:
        ValueError: If another function has this name.
    """
    if _KEEPERS.setdefault(name, keeper) is not keeper:
        raise ValueError(f"two keepers are called {name!r}")


def needed_moments(
    market_ids: Sequence[int], start: dt.datetime, end: dt.datetime
) -> dict[int, list[dt.datetime]]:
    """Return the moments at which rows of each market must stay as they were known."""
    found: dict[int, list[dt.datetime]] = {}
    for keeper in _KEEPERS.values():
        for market_id, moment in keeper(market_ids, start, end):
            found.setdefault(market_id, []).append(moment)
    return found
