from __future__ import annotations

import datetime as dt

import pytest

from boz.core.errors import InvalidDataError
from markets.tickers import event_climate_day


@pytest.mark.parametrize(
    ("ticker", "series", "day"),
    [
        ("KXHIGHNY-26NOV20", "KXHIGHNY", dt.date(2026, 11, 20)),
        ("HIGHCHI-24AUG16", "KXHIGHCHI", dt.date(2024, 8, 16)),
        ("KXHIGHNY-28FEB29", "KXHIGHNY", dt.date(2028, 2, 29)),
    ],
)
def test_the_day_is_read_from_an_event_ticker(ticker, series, day):
    assert event_climate_day(ticker, series_ticker=series) == day


@pytest.mark.parametrize(
    "ticker",
    [
        "KXHIGHNY-26NOV31",
        "KXHIGHNY-26XYZ20",
        "KXHIGHNY-26NOV20-B53.5",
        "KXHIGHNY-2611",
        "KXHIGHMIA-26NOV20",
        "",
    ],
)
def test_any_other_ticker_is_refused(ticker):
    with pytest.raises(InvalidDataError):
        event_climate_day(ticker, series_ticker="KXHIGHNY")
