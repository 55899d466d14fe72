from __future__ import annotations

import datetime as dt
import io
from argparse import ArgumentTypeError

import pytest
from django.core.management.base import OutputWrapper

from boz.core.commands import PROGRESS_LINES, Progress, TeachingCommand, day_argument


class Taught(TeachingCommand):
    epilog = "First  line.\n\n  An   example"


def test_the_epilog_stands_in_the_help_as_it_was_written():
    assert Taught.epilog in Taught().create_parser("manage.py", "taught").format_help()


def test_a_day_is_read_and_what_is_none_is_refused_with_an_example():
    assert day_argument("2024-02-29") == dt.date(2024, 2, 29)
    with pytest.raises(ArgumentTypeError, match="'2023-02-29' is no day such as"):
        day_argument("2023-02-29")


def test_a_log_gets_a_line_now_and_then_and_always_the_last():
    out = io.StringIO()

    with Progress(1001, unit="call", stderr=OutputWrapper(out), is_quiet=True) as progress:
        for number in range(1001):
            progress.advance(f"step {number}", rows=2 * number)

    lines = out.getvalue().splitlines()
    assert len(lines) <= PROGRESS_LINES + 1
    assert lines[-1] == "1001 of 1001 calls, 2000 rows"
