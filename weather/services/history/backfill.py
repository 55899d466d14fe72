"""Fetch a plan chunk by chunk; each one is stored as a whole before the next is asked for.

Everything happens in one thread: an interrupt then ends the call under way at once, and what is
stored is always whole chunks. Most of the time goes into the politeness the archives ask for.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from boz.core.errors import (
    BozBaseException,
    InvalidDataError,
    OperatorActionRequired,
    TransientError,
)
from boz.core.http import Captured
from boz.core.logging import get_logger
from boz.core.redaction import redact_text
from weather.services.health import get_source
from weather.services.history.archive import Problem, Readout
from weather.services.history.chunk_rows import store_chunk
from weather.services.history.plan import Chunk
from weather.services.intake import Captures
from weather.services.refusals import record_refusal

log = get_logger("WEATHER")


@dataclass(frozen=True, slots=True)
class Outcome:
    """How it went with a chunk.

    Args:
        rows: How many are new.
        refused: Entries that could not be used.
        reason: Why it was not fetched, in a sentence; empty when it was.
        was_asked: Whether the archive was asked; it is not after it has failed.
    """

    chunk: Chunk
    rows: int = 0
    refused: int = 0
    reason: str = ""
    was_asked: bool = True


def backfill(chunks: Sequence[Chunk], *, captures: Captures, now: dt.datetime) -> Iterator[Outcome]:
    """Fetch and store one chunk after the other, telling of each.

    A source that does not answer is not asked again; the others go on. Nothing that goes wrong
    with a chunk ends the whole.

    Args:
        chunks: In the order wanted.
        captures: What the archives' clients give their raw answers to.
        now: When the backfill began.
    """
    stopped: dict[str, str] = {}
    for chunk in chunks:
        code = chunk.archive.source_code
        if code in stopped:
            yield Outcome(chunk, reason=stopped[code], was_asked=False)
            continue
        with captures.collecting() as captured:
            try:
                outcome = _take(chunk, captured, now=now)
            except (TransientError, OperatorActionRequired) as error:
                stopped[code] = error.message
                outcome = Outcome(chunk, reason=error.message)
            except InvalidDataError as error:
                _keep_refusal(chunk, error, captured, now=now)
                outcome = Outcome(chunk, refused=1, reason=error.message)
            except BozBaseException as error:
                outcome = Outcome(chunk, reason=error.message)
            except Exception as error:
                log.exception("Stopped unexpectedly", subject=chunk.name)
                sentence = f"Stopped by an unexpected {type(error).__name__}: {error}"
                outcome = Outcome(chunk, reason=redact_text(sentence)[:500])
        if outcome.reason:  # once; what is not asked after it says nothing new
            log.warning("Past not fetched", subject=chunk.name, reason=outcome.reason)
        yield outcome


def _take(chunk: Chunk, captured: Sequence[Captured], *, now: dt.datetime) -> Outcome:
    archive, station = chunk.archive, chunk.station
    answer = archive.fetch(station, chunk.days)
    source = get_source(archive.source_code)
    readout: Readout = archive.read(
        answer, station=station, days=chunk.days, source=source, now=now
    )
    raw = captured[-1] if captured else None
    rows = store_chunk(chunk, readout, source=source, captured=raw, now=now)
    return Outcome(chunk, rows=rows, refused=len(readout.problems))


def _keep_refusal(
    chunk: Chunk, error: InvalidDataError, captured: Sequence[Captured], *, now: dt.datetime
) -> None:
    problem = Problem.of(f"{chunk.station.code} {chunk.days}", error)
    record_refusal(
        get_source(chunk.archive.source_code),
        subject=problem.subject,
        reason=problem.reason,
        context=problem.context,
        station=chunk.station,
        captured=captured[-1] if captured else None,
        now=now,
    )
