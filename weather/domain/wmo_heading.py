"""The heading of a bulletin, ``TTAAii CCCC DDHHMM [BBB]``: it names a day, but no month or year."""

from __future__ import annotations

import datetime as dt

from boz.core.clock import UTC, require_utc
from boz.core.errors import InvalidDataError


def transmission_time(digits: str, *, around: dt.datetime) -> dt.datetime:
    """Return the moment ``DDHHMM`` (UTC) that is nearest to ``around``.

    Raises:
        InvalidDataError: If no month near ``around`` has such a day, or no day such a time.
    """
    around = require_utc(around, name="around")
    day, hour, minute = int(digits[:2]), int(digits[2:4]), int(digits[4:])
    candidates = []
    for shift in (-1, 0, 1):
        month = around.month - 1 + shift
        try:
            candidates.append(
                dt.datetime(
                    around.year + month // 12, month % 12 + 1, day, hour, minute, tzinfo=UTC
                )
            )
        except ValueError:
            continue
    if not candidates:
        raise InvalidDataError(
            f"The transmission time {digits} of a bulletin is impossible.",
            {"digits": digits, "around": around.isoformat()},
        )
    return min(candidates, key=lambda moment: abs(moment - around))
