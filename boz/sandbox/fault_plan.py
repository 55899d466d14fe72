"""Faults as they are ordered from outside: one at a time, or a whole plan from a file.

A plan is a JSON object ``{"seed": 7, "faults": [...]}`` whose faults are what
``POST /sandbox/faults`` takes; with ``since`` and ``until`` they follow a script, with ``chance``
they are drawn under the seed.
"""

from __future__ import annotations

import datetime as dt
import json
import math
from pathlib import Path
from typing import Any, Final

from boz.core.clock import parse_utc
from boz.core.errors import InvalidDataError
from boz.sandbox.faults import Fault, FaultKind, FaultQueue, Source

_KNOWN: Final = frozenset(
    {
        "source", "kind", "count", "seconds", "since", "until", "after", "method", "path",
        "chance", "seed",
    }
)  # fmt: skip


def order_fault(queue: FaultQueue, body: dict[str, Any]) -> None:
    """Order what a body says: so many answers, or every one until a moment or for good.

    Raises:
        TypeError: If a number is none.
        ValueError: If the order makes no sense.
    """
    unknown = sorted(set(body) - _KNOWN)
    if unknown:
        raise ValueError(f"there is no such part of a fault: {', '.join(unknown)}")
    source, kind = Source(str(body.get("source"))), FaultKind(str(body.get("kind")))
    until, chance = _moment(body.get("until")), float(body.get("chance", 1.0))
    seconds = float(body.get("seconds", 60.0))
    if not (math.isfinite(seconds) and seconds >= 0):
        raise ValueError(f"seconds must be 0 or more, was {seconds!r}")
    fault = Fault(
        kind,
        seconds,
        since=_moment(body.get("since")),
        until=until,
        after=body.get("after", False) is True,
        method=str(body.get("method", "")).upper(),
        path=str(body.get("path", "")),
        chance=chance,
    )
    is_once = until is None and chance == 1
    if "seed" in body:
        queue.reseed(_whole(body["seed"], "seed"))
    queue.order(source, fault, count=_whole(body.get("count", int(is_once)), "count"))


def order_plan(queue: FaultQueue, path: Path) -> None:
    """Order every fault of a plan.

    Raises:
        InvalidDataError: If the file cannot be read or a fault in it makes no sense.
    """
    try:
        plan = json.loads(path.read_text(encoding="utf-8"))
        if "seed" in plan:
            queue.reseed(_whole(plan["seed"], "seed"))
        for number, body in enumerate(plan["faults"], start=1):
            try:
                order_fault(queue, body)
            except (TypeError, ValueError) as error:
                raise InvalidDataError(
                    f"Fault {number} of the plan {path} makes no sense: {error}.", {"fault": number}
                ) from error
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise InvalidDataError(
            f"The plan {path} is no JSON object with a list of faults: {error}."
        ) from error


def _moment(text: Any) -> dt.datetime | None:
    return None if text is None else parse_utc(str(text))


def _whole(value: Any, name: str) -> int:
    if isinstance(value, bool) or not isinstance(value, int):
        raise ValueError(f"{name} must be a whole number, was {value!r}")
    return value
