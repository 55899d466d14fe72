from __future__ import annotations

import datetime as dt

import numpy as np

from boz.sandbox.recordings.loader import TradeTape

#: Two in the afternoon UTC: trading is open, and the three hours before reach into the pause.
OPEN = int(dt.datetime(2024, 11, 14, 18, tzinfo=dt.UTC).timestamp())


def tape(*trades: tuple[int, int, int, str], start: int = OPEN) -> TradeTape:
    """Build a tape from (seconds after start, price in cents, contracts, taker side)."""
    ordered = sorted(trades, key=lambda trade: trade[0])
    return TradeTape(
        times=np.array([start + trade[0] for trade in ordered], dtype=np.int64),
        prices=np.array([trade[1] for trade in ordered], dtype=np.int64),
        counts=np.array([trade[2] for trade in ordered], dtype=np.int64),
        yes_taker=np.array([trade[3] == "yes" for trade in ordered], dtype=np.bool_),
    )
