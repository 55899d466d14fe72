from __future__ import annotations

import datetime as dt
from decimal import Decimal

import httpx
import pytest

from boz.core.errors import InvalidDataError, TransientError
from markets.clients.kalshi.objects import ExchangeCandle, read_object
from markets.models import Candlestick, Indicator, Market
from markets.selectors import candles, latest_indicators
from markets.services.candles import candle_row, compute_indicators, sync_candles
from markets.tests.exchange import FakeExchange, candle_body, client_of, payload
from markets.tests.factories import NOW, make_ladder

pytestmark = pytest.mark.django_db

HOUR = dt.timedelta(hours=1)
MINUTE = dt.timedelta(minutes=1)
D = Decimal


def _read(body):
    return read_object(ExchangeCandle, body, what="a candle")


@pytest.fixture
def market() -> Market:
    return make_ladder()[0]


def test_captured_hourly_candles_become_rows(market):
    first = payload("candlesticks_kxhighny_2026-07_hourly.json")["candlesticks"][0]

    row = candle_row(market, 60, _read(first))

    assert row.end_at == dt.datetime(2026, 7, 10, 9, tzinfo=dt.UTC)
    assert row.available_at == row.end_at + MINUTE
    assert (row.open_dollars, row.high_dollars) == (D("0.62"), D("0.62"))
    assert (row.low_dollars, row.close_dollars, row.mean_dollars) == (
        D("0.57"),
        D("0.60"),
        D("0.6071"),
    )
    assert (row.yes_bid_low_dollars, row.yes_ask_high_dollars) == (D("0.55"), D("0.63"))
    assert (row.volume, row.open_interest) == (D("83.70"), D("6904.73"))


def test_historical_spelling_gives_the_same_row(market):
    live = candle_body(NOW)
    past = {
        "end_period_ts": live["end_period_ts"],
        **{
            name: {key.removesuffix("_dollars"): value for key, value in live[name].items()}
            for name in ("yes_bid", "yes_ask", "price")
        },
        "volume": "3.00",
        "open_interest": "10.00",
    }

    first, second = (candle_row(market, 60, _read(body)) for body in (live, past))

    fields = [field.name for field in Candlestick._meta.concrete_fields]
    assert [getattr(first, name) for name in fields] == [getattr(second, name) for name in fields]


def test_nobody_quoting_is_no_price_of_zero_or_one(market):
    row = candle_row(market, 60, _read(candle_body(NOW, close=None, bid="0.0000", ask="1.0000")))

    assert row.yes_bid_close_dollars is None
    assert row.yes_ask_close_dollars is None
    assert row.close_dollars is None
    assert row.volume == 0


@pytest.mark.parametrize(
    "change",
    [
        pytest.param({"yes_bid": {"close_dollars": "0.9000"}}, id="close above high"),
        pytest.param({"price": {"low_dollars": "0.6000"}}, id="low above close"),
        pytest.param({"price": {"close_dollars": None}}, id="trades without a price"),
        pytest.param({"price": {"high_dollars": "1.0000"}}, id="no price"),
        pytest.param(
            {"yes_bid": dict.fromkeys(["high_dollars", "close_dollars"], "0.5500")}, id="crossed"
        ),
    ],
)
def test_a_candle_that_contradicts_itself_is_refused(market, change):
    body = candle_body(NOW)
    for name, values in change.items():
        body[name].update(values)

    with pytest.raises(InvalidDataError):
        candle_row(market, 60, _read(body))


def test_candles_that_have_ended_are_stored_once(market):
    exchange = FakeExchange()
    exchange.candles[market.ticker] = [candle_body(NOW - n * HOUR) for n in range(3)]

    # At this moment the newest one is not published yet.
    result = sync_candles(now=NOW, client=exchange.client)
    again = sync_candles(now=NOW + 2 * MINUTE, client=exchange.client)

    assert result.done["candles"] == 2
    assert again.done["candles"] == 1
    assert sync_candles(now=NOW + 3 * MINUTE, client=exchange.client).done["candles"] == 0
    assert [row.end_at for row in candles(market=market, as_of=NOW)] == [NOW - 2 * HOUR, NOW - HOUR]


def test_a_corrected_candle_does_not_rewrite_what_was_known(market):
    exchange = FakeExchange()
    exchange.candles[market.ticker] = [candle_body(NOW - HOUR)]
    sync_candles(now=NOW, client=exchange.client)
    exchange.candles[market.ticker] = [candle_body(NOW - HOUR, volume="9.00")]

    sync_candles(now=NOW + MINUTE, client=exchange.client)

    assert Candlestick.objects.get().volume == 3


def test_one_bad_candle_does_not_hide_the_others(market):
    exchange = FakeExchange()
    bad = candle_body(NOW - HOUR)
    bad["yes_bid"]["close_dollars"] = "0.9900"
    unreadable = candle_body(NOW - 3 * HOUR)
    del unreadable["yes_ask"]
    exchange.candles[market.ticker] = [bad, unreadable, candle_body(NOW - 2 * HOUR)]

    result = sync_candles(now=NOW, client=exchange.client)

    assert result.done["candles"] == 1
    assert len(result.skipped) == 2


def test_a_refused_batch_is_asked_for_one_by_one(market):
    def answer(request):
        if request.url.path.endswith(f"/markets/{market.ticker}/candlesticks"):
            return httpx.Response(
                200, json={"ticker": "", "candlesticks": [candle_body(NOW - HOUR)]}
            )
        return httpx.Response(404, json={"code": "not_found", "message": "no such market"})

    result = sync_candles(now=NOW, client=client_of(answer))

    assert result.done["candles"] == 1
    assert len(result.skipped) == 5


def test_an_exchange_that_is_down_fails_the_job(market):
    with pytest.raises(TransientError):
        sync_candles(now=NOW, client=client_of(lambda _: httpx.Response(503)))


def _store(market, closes, *, start=NOW - 40 * HOUR, skip=()):
    for n, close in enumerate(closes):
        if n not in skip:
            body = candle_body(start + n * HOUR, close=close, bid="0.0100", ask="0.9900")
            candle_row(market, 60, _read(body)).save()


def test_indicators_by_hand_known_when_their_candle_was(market):
    _store(market, [f"0.{10 + n}00" for n in range(12)])

    compute_indicators(market=market, as_of=NOW)

    found = latest_indicators(market=market, as_of=NOW)
    assert found["sma_12"].value == pytest.approx(0.155)
    assert found["sma_6"].value == pytest.approx(0.185)
    assert found["vwap"].value == pytest.approx(0.155)
    assert "rsi_14" not in found
    row = found["sma_6"]
    assert row.available_at == row.at + MINUTE
    earlier = latest_indicators(market=market, as_of=row.at)
    assert earlier["sma_6"].value == pytest.approx(0.175)
    assert "sma_12" not in earlier


def test_nothing_later_than_as_of_is_used(market):
    _store(market, ["0.5000"] * 12)

    compute_indicators(market=market, as_of=NOW - 34 * HOUR)

    assert {row.name for row in Indicator.objects.all()} == {"sma_6", "vwap"}


def test_computing_again_adds_only_what_is_new(market):
    _store(market, ["0.5000"] * 8)
    compute_indicators(market=market, as_of=NOW)
    before = list(Indicator.objects.order_by("pk").values_list())

    assert compute_indicators(market=market, as_of=NOW) == 0
    _store(market, ["0.5000"], start=NOW - 32 * HOUR)
    assert compute_indicators(market=market, as_of=NOW) == 2
    assert list(Indicator.objects.order_by("pk").values_list())[: len(before)] == before


def test_an_hour_without_trades_repeats_the_price_and_a_missing_hour_starts_afresh(market):
    _store(market, ["0.4000", None, None, None, None, "0.4600"])
    compute_indicators(market=market, as_of=NOW)
    assert latest_indicators(market=market, as_of=NOW)["sma_6"].value == pytest.approx(0.41)

    other = Market.objects.exclude(pk=market.pk)[0]
    _store(other, ["0.4000"] * 8, skip=[3])
    compute_indicators(market=other, as_of=NOW)
    assert "sma_6" not in latest_indicators(market=other, as_of=NOW)


def test_hours_before_the_first_trade_have_no_price(market):
    _store(market, [None, None, *["0.3000"] * 5])
    compute_indicators(market=market, as_of=NOW)

    assert "sma_6" not in latest_indicators(market=market, as_of=NOW)
