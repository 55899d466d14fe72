"""What commands share: an epilog that teaches, days as arguments, progress, interrupts."""

from __future__ import annotations

import datetime as dt
import sys
from argparse import ArgumentTypeError, RawDescriptionHelpFormatter
from types import TracebackType
from typing import Any, ClassVar, Self

from django.core.management.base import BaseCommand, CommandParser, OutputWrapper
from tqdm import tqdm

#: Exit code of a program that an interrupt has ended.
INTERRUPTED = 130
#: Lines of progress in a log.
PROGRESS_LINES = 20


class TeachingCommand(BaseCommand):
    """A command whose ``--help`` ends with a text of several paragraphs, kept as it is."""

    epilog: ClassVar[str]

    def create_parser(self, prog_name: str, subcommand: str, **kwargs: Any) -> CommandParser:
        """Add the epilog and keep its layout."""
        kwargs.setdefault("epilog", self.epilog)
        kwargs.setdefault("formatter_class", RawDescriptionHelpFormatter)
        return super().create_parser(prog_name, subcommand, **kwargs)


class Progress:
    """A bar for a person at a terminal; a line now and then for a log.

    Args:
        total: Steps in all.
        unit: What one step is, in the singular.
        stderr: Where lines go.
        is_quiet: Write lines although a person may be watching.
    """

    def __init__(self, total: int, *, unit: str, stderr: OutputWrapper, is_quiet: bool) -> None:
        """Prepare; the bar appears at once."""
        self._total = total
        self._unit = unit
        self._stderr = stderr
        self._done = 0
        self._every = max(1, total // PROGRESS_LINES)
        is_watched = sys.stderr.isatty() and not is_quiet
        self._bar = tqdm(total=total, unit=unit, file=sys.stderr) if is_watched else None

    def __enter__(self) -> Self:
        """Begin."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Leave the bar as it stands."""
        if self._bar is not None:
            self._bar.close()

    def advance(self, name: str, *, rows: int) -> None:
        """Go one step on: what was done, and how many rows there are so far."""
        self._done += 1
        if self._bar is not None:
            self._bar.set_postfix_str(f"{name}, {rows} rows", refresh=False)
            self._bar.update(1)
        elif self._done % self._every == 0 or self._done == self._total:
            self._stderr.write(f"{self._done} of {self._total} {self._unit}s, {rows} rows")


def day_argument(text: str) -> dt.date:
    """Read a day of the command line; used as the ``type`` of an argument."""
    try:
        return dt.date.fromisoformat(text)
    except ValueError as error:
        raise ArgumentTypeError(f"{text!r} is no day such as 2026-01-31") from error
