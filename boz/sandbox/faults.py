"""Faults on order: the next answers of a source go wrong in one of the ways seen outside."""

from __future__ import annotations

import threading
from collections import deque
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

#: -200 °F in °C: impossible weather that arrives well-formed.
ABSURD_C = (-200 - 32) / 1.8


class Source(StrEnum):
    """Who answers wrongly."""

    NWS = "nws"
    KALSHI = "kalshi"
    AVIATIONWEATHER = "aviationweather"


class FaultKind(StrEnum):
    """How the answer is wrong."""

    HTTP_500 = "http_500"
    HTTP_503 = "http_503"
    HTML = "html"
    TRUNCATED = "truncated"
    TIMEOUT = "timeout"
    MISSING_FIELD = "missing_field"
    ABSURD = "absurd"


@dataclass(frozen=True, slots=True)
class Fault:
    """One faulty answer; ``seconds`` is how long a timeout keeps silent."""

    kind: FaultKind
    seconds: float = 60.0


class FaultQueue:
    """Faults waiting for the next answers, per source; safe between threads."""

    def __init__(self) -> None:
        """Start without faults."""
        self._waiting: dict[Source, deque[Fault]] = {source: deque() for source in Source}
        self._lock = threading.Lock()

    def add(self, source: Source, kind: FaultKind, *, count: int, seconds: float = 60.0) -> None:
        """Make the next ``count`` answers of a source faulty."""
        if count < 1:
            raise ValueError(f"count must be at least 1, was {count}")
        with self._lock:
            self._waiting[source].extend(Fault(kind, seconds) for _ in range(count))

    def take(self, source: Source) -> Fault | None:
        """Return the fault of this answer, or None."""
        with self._lock:
            waiting = self._waiting[source]
            return waiting.popleft() if waiting else None

    def clear(self) -> None:
        """Make all coming answers sound again."""
        with self._lock:
            for waiting in self._waiting.values():
                waiting.clear()

    def waiting(self) -> dict[str, int]:
        """Return how many faulty answers are still to come, per source."""
        with self._lock:
            return {source.value: len(faults) for source, faults in self._waiting.items()}


#: Fields without which an answer cannot be used; a missing_field fault removes them all.
_VITAL = {
    Source.KALSHI: {
        "close_time",
        "end_period_ts",
        "event_ticker",
        "fee_type",
        "no_dollars",
        "yes_price_dollars",
    },
    Source.NWS: {"gridX", "issuanceTime", "productText", "updateTime"},
    Source.AVIATIONWEATHER: {"obsTime", "rawOb"},
}


def without_vital_fields(source: Source, body: Any) -> Any:
    """Return a JSON body without the fields that a client needs."""
    if isinstance(body, list):
        return [without_vital_fields(source, item) for item in body]
    if isinstance(body, dict):
        return {
            key: without_vital_fields(source, value)
            for key, value in body.items()
            if key not in _VITAL[source]
        }
    return body


def with_absurd_values(source: Source, body: Any) -> Any:
    """Return a JSON body with impossible numbers: -200 °F, prices above a dollar."""
    if source is Source.KALSHI:
        return _absurd_prices(body)
    if source is Source.NWS:
        return _absurd_forecast(body)
    return _absurd_observations(body)


def _absurd_prices(body: Any) -> Any:
    if isinstance(body, list):
        if len(body) == 2 and all(isinstance(item, str) for item in body):
            return ["7.7700", body[1]]
        return [_absurd_prices(item) for item in body]
    if isinstance(body, dict):
        return {
            key: "7.7700"
            if key.endswith("_dollars") and isinstance(value, str)
            else _absurd_prices(value)
            for key, value in body.items()
        }
    return body


def _absurd_forecast(body: Any) -> Any:
    if isinstance(body, list):
        return [_absurd_forecast(item) for item in body]
    if isinstance(body, dict):
        changed = {key: _absurd_forecast(value) for key, value in body.items()}
        if "validTime" in changed:
            changed["value"] = ABSURD_C
        if isinstance(changed.get("productText"), str):
            changed["productText"] = _absurd_report(changed["productText"])
        return changed
    return body


def _absurd_report(text: str) -> str:
    lines = text.split("\n")
    for number, line in enumerate(lines):
        if line.startswith("  MAXIMUM "):
            lines[number] = f"  MAXIMUM{'-200':>11}{line[20:]}"
    return "\n".join(lines)


def _absurd_observations(body: Any) -> Any:
    if not isinstance(body, list):
        return body
    return [_absurd_observation(item) for item in body]


def _absurd_observation(item: dict[str, Any]) -> dict[str, Any]:
    raw = str(item["rawOb"]).split(" RMK")[0]
    return {**item, "temp": round(ABSURD_C, 1), "rawOb": f"{raw} RMK T19991999"}
