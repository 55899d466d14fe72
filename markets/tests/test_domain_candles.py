from __future__ import annotations

import datetime as dt
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from boz.core.errors import InvalidDataError
from markets.domain.candles import Trade, candles_from_trades

D = Decimal
DAY = dt.datetime(2024, 11, 20, tzinfo=dt.UTC)
HOUR = dt.timedelta(hours=1)


def _trade(minute, price, count="1"):
    return Trade(DAY + dt.timedelta(minutes=minute), D(price), D(count))


def test_candle_tells_the_prices_of_its_hour():
    trades = [_trade(5, "0.30", "2"), _trade(20, "0.42"), _trade(59, "0.35"), _trade(60, "0.10")]

    first, second = candles_from_trades(reversed(trades), period=HOUR)

    assert (first.start, first.end) == (DAY, DAY + HOUR)
    assert (first.open, first.high, first.low, first.close) == (
        D("0.30"),
        D("0.42"),
        D("0.30"),
        D("0.35"),
    )
    assert (first.volume, first.trades, first.vwap) == (4, 3, D("0.3425"))
    assert second.start == DAY + HOUR


def test_hour_without_trades_has_no_candle():
    candles = candles_from_trades([_trade(0, "0.30"), _trade(150, "0.40")], period=HOUR)

    assert [candle.start for candle in candles] == [DAY, DAY + 2 * HOUR]


def test_no_trades_make_no_candles():
    assert candles_from_trades([], period=HOUR) == ()


@pytest.mark.parametrize(("price", "count"), [("1.01", "1"), ("NaN", "1"), ("0.5", "0")])
def test_impossible_trade_is_refused(price, count):
    with pytest.raises(InvalidDataError):
        candles_from_trades([_trade(0, price, count)], period=HOUR)


def test_period_and_zone_are_needed():
    with pytest.raises(ValueError, match="period"):
        candles_from_trades([], period=dt.timedelta(0))
    naive = Trade(dt.datetime(2024, 11, 20), D("0.5"), D("1"))  # noqa: DTZ001 - the point
    with pytest.raises(ValueError, match="zone"):
        candles_from_trades([naive], period=HOUR)


@settings(deadline=None)  # a busy machine is no failure
@given(
    st.lists(st.tuples(st.integers(0, 5000), st.integers(1, 99), st.integers(1, 500)), max_size=30)
)
def test_candles_lose_no_contract_and_bound_their_prices(rows):
    trades = [_trade(m, D(p) / 100, D(c) / 100) for m, p, c in rows]

    candles = candles_from_trades(trades, period=HOUR)

    assert sum(candle.volume for candle in candles) == sum(trade.count for trade in trades)
    for candle in candles:
        assert candle.low <= min(candle.open, candle.close)
        assert candle.high >= max(candle.open, candle.close)
        assert candle.low - D("0.000001") <= candle.vwap <= candle.high
    assert [c.start for c in candles] == sorted({c.start for c in candles})
