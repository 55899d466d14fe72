"""A client that we did not write trades here, unmodified, as it would on the exchange.

pykalshi speaks the second version of the interface and signs with RSA; it is in the development
requirements for this test alone.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator

import pykalshi
import pytest

from boz.sandbox.clock import SimulatedClock
from boz.sandbox.scenarios import SCENARIOS
from boz.sandbox.server import SandboxServer
from boz.sandbox.tests.trader import NOON, RUNG
from boz.sandbox.world import World

pytestmark = pytest.mark.slow


@pytest.fixture
def server(services) -> Iterator[SandboxServer]:
    clock = SimulatedClock(dt.datetime.fromisoformat(NOON))
    with SandboxServer(World(services("recorded"), clock, SCENARIOS["recorded"])) as running:
        yield running


@pytest.fixture
def kalshi(server) -> Iterator[object]:
    described = server.describe()
    with pykalshi.KalshiClient(
        described["key_id"],
        described["private_key_file"],
        api_base=described["rest"],
        max_retries=0,
    ) as client:
        yield client


def test_it_finds_events_and_reads_books(kalshi):
    events = kalshi.get_events(series_ticker="KXHIGHNY", status=pykalshi.MarketStatus.OPEN)
    assert [event.event_ticker for event in events] == ["KXHIGHNY-24NOV28", "KXHIGHNY-24NOV27"]
    market = kalshi.get_market(RUNG)
    assert (market.yes_bid_dollars, market.yes_ask_dollars) == ("0.5800", "0.6500")
    book = market.get_orderbook().orderbook
    assert (book.yes_dollars[-1], book.no_dollars[-1]) == (("0.5800", "15.00"), ("0.3500", "8.00"))
    assert kalshi.exchange.get_status().trading_active


def test_an_order_is_placed_amended_decreased_and_canceled(kalshi):
    orders = kalshi.portfolio
    placed = orders.place_order(RUNG, book_side="bid", price_dollars="0.20", count_fp="10")
    assert (placed.status.value, placed.remaining_count_fp) == ("resting", "10.00")
    assert orders.get_queue_position(placed.order_id).queue_position_fp == "342.00"
    placed.amend(price_dollars="0.21", count_fp="12")
    placed.decrease("2")
    placed.refresh()
    assert (placed.yes_price_dollars, placed.remaining_count_fp) == ("0.2100", "10.00")
    placed.cancel()
    assert orders.get_order(placed.order_id).status.value == "canceled"
    assert orders.get_balance().balance == 1_000_000


def test_batches_are_placed_and_canceled(kalshi):
    orders = kalshi.portfolio
    sent = [
        {"ticker": RUNG, "book_side": "bid", "price_dollars": "0.10", "count_fp": "3.00"},
        {"ticker": RUNG, "book_side": "ask", "price_dollars": "0.97", "count_fp": "4.00"},
    ]
    placed = orders.batch_place_orders(sent)
    resting = orders.get_orders(status=pykalshi.OrderStatus.RESTING)
    assert {item.order_id for item in resting} == {item.order_id for item in placed}
    orders.batch_cancel_orders([item.order_id for item in placed])
    assert list(orders.get_orders(status=pykalshi.OrderStatus.RESTING)) == []


def test_fills_positions_and_settlements(server, kalshi):
    orders = kalshi.portfolio
    taken = orders.place_order(
        RUNG,
        book_side="bid",
        price_dollars="0.65",
        count_fp="5",
        time_in_force=pykalshi.TimeInForce.IOC,
    )
    assert (taken.status.value, taken.fill_count_fp) == ("executed", "5.00")
    (fill,) = orders.get_fills(fetch_all=True)
    assert (fill.order_id, fill.yes_price_dollars, fill.is_taker) == (
        taken.order_id, "0.6500", True,
    )  # fmt: skip
    assert fill.trade_id in {trade.trade_id for trade in kalshi.get_trades(ticker=RUNG, limit=5)}
    (position,) = orders.get_positions()
    assert (position.position_fp, position.fees_paid_dollars) == ("5.00", "0.0797")
    server.world.clock.set(dt.datetime(2024, 11, 28, 12, 1, tzinfo=dt.UTC))
    (settlement,) = orders.get_settlements()
    assert (settlement.ticker, settlement.market_result, settlement.revenue) == (RUNG, "yes", 500)
    assert orders.get_balance().balance == 1_000_167


def test_refusals_become_its_own_errors(kalshi):
    place = kalshi.portfolio.place_order
    with pytest.raises(pykalshi.OrderRejectedError):
        place(RUNG, book_side="bid", price_dollars="0.205", count_fp="1")
    with pytest.raises(pykalshi.InsufficientFundsError):
        place(RUNG, book_side="bid", price_dollars="0.20", count_fp="90000")
    with pytest.raises(pykalshi.ResourceNotFoundError):
        kalshi.portfolio.cancel_order("8c35ecb3-328f-4f52-8c7c-0f4b9862f8d1")
    place(RUNG, book_side="bid", price_dollars="0.20", count_fp="1", client_order_id="once")
    with pytest.raises(pykalshi.KalshiAPIError) as refusal:
        place(RUNG, book_side="bid", price_dollars="0.20", count_fp="1", client_order_id="once")
    assert refusal.value.status_code == 409
