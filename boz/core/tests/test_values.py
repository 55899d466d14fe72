"""Clock, money, errors and schemas: values without a database."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from boz.core import clock, money
from boz.core.errors import BozBaseException, CooldownActiveError, RiskLimitError, StaleDataError
from boz.core.schemas import (
    BookLevel,
    Bracket,
    BracketPrediction,
    BracketProbability,
    Confidence,
    OrderBook,
    Side,
    UserSettings,
    WeatherData,
)

NOON = dt.datetime(2026, 7, 11, 12, tzinfo=dt.UTC)
amounts = st.decimals(-10_000, 10_000, places=8)


# clock


def test_a_climate_day_is_in_standard_time_also_in_summer() -> None:
    start, end = clock.standard_day_bounds(dt.date(2026, 7, 11), offset=dt.timedelta(hours=-5))

    assert start == dt.datetime(2026, 7, 11, 5, tzinfo=dt.UTC)
    assert end - start == dt.timedelta(days=1)


@pytest.mark.parametrize(
    ("moment", "day"),
    [
        ("2026-03-08T04:59:59Z", dt.date(2026, 3, 7)),
        ("2026-03-08T05:00:00Z", dt.date(2026, 3, 8)),
        ("2026-11-01T04:59:59Z", dt.date(2026, 10, 31)),
        ("2028-02-29T05:00:00Z", dt.date(2028, 2, 29)),
        ("2026-12-31T23:59:59-05:00", dt.date(2026, 12, 31)),
    ],
)
def test_an_exchange_day_does_not_move_with_daylight_saving(moment: str, day: dt.date) -> None:
    at = clock.parse_utc(moment)

    assert clock.exchange_day(at) == day
    start, end = clock.exchange_day_bounds(day)
    assert start <= at < end


def test_a_time_without_a_zone_has_no_meaning() -> None:
    with pytest.raises(ValueError, match="issued_at must carry a time zone"):
        clock.require_utc(dt.datetime(2026, 1, 1), name="issued_at")  # noqa: DTZ001
    with pytest.raises(ValueError, match="time zone"):
        clock.parse_utc("2026-01-01T00:00:00")


def test_a_time_is_written_and_read_back() -> None:
    assert clock.format_utc(NOON.astimezone(dt.timezone(dt.timedelta(hours=2)))) == (
        "2026-07-11T12:00:00Z"
    )
    assert clock.parse_utc(clock.format_utc(NOON)) == NOON
    assert clock.utc_now().utcoffset() == dt.timedelta(0)


# money


@pytest.mark.parametrize("value", [0.1, True, "abc", "NaN", "Infinity", None, ""])
def test_what_is_not_exact_is_no_money(value: object) -> None:
    with pytest.raises(ValueError, match="price"):
        money.to_decimal(value, name="price")


@given(amounts)
def test_rounding_goes_the_stated_way_by_less_than_a_step(amount: Decimal) -> None:
    up, down = money.round_up(amount), money.round_down(amount)

    assert down <= amount <= up
    assert up - down in (Decimal(0), money.MICRO_STEP)
    assert money.round_down(-amount) == -up


def test_a_probability_becomes_a_decimal_without_binary_noise() -> None:
    assert money.probability_to_decimal(0.1) == Decimal("0.100000")
    assert money.probability_to_decimal(0.0000005) == Decimal("0.000000")
    assert money.probability_to_decimal(1e-7) == Decimal("0.000000")
    for wrong in (-0.1, 1.1, float("nan")):
        with pytest.raises(ValueError, match="probability"):
            money.probability_to_decimal(wrong)


@pytest.mark.parametrize(
    ("amount", "text"),
    [
        ("0", "$0.00"),
        ("1.2500", "$1.25"),
        ("-0.0125", "-$0.0125"),
        ("1234567.8", "$1,234,567.80"),
        ("1E+2", "$100.00"),
        ("-0", "$0.00"),
    ],
)
def test_dollars_are_written_for_people(amount: str, text: str) -> None:
    assert money.format_dollars(Decimal(amount)) == text


# errors


def test_an_error_tells_its_class_sentence_and_facts() -> None:
    error = StaleDataError(
        "Too old.", {"age": dt.timedelta(hours=3), "ids": (1, 2), "at": {"x": Decimal("1.0")}}
    )

    assert str(error) == "Too old."
    assert error.as_dict() == {
        "error": "StaleDataError",
        "message": "Too old.",
        "context": {"age": "3:00:00", "ids": [1, 2], "at": {"x": "1.0"}},
    }
    assert issubclass(CooldownActiveError, RiskLimitError)
    assert BozBaseException("x").context == {}


# schemas


def test_a_bracket_includes_both_edges_and_zero() -> None:
    middle, below = Bracket(low_f=-1, high_f=0), Bracket(high_f=0)

    assert [degree for degree in range(-3, 3) if middle.contains(degree)] == [-1, 0]
    assert below.contains(0)
    assert not below.contains(1)
    assert (middle.label, below.label, Bracket(low_f=70).label) == (
        "-1° to 0°",
        "0° or below",
        "70° or above",
    )


@pytest.mark.parametrize("edges", [{}, {"low_f": 5, "high_f": 4}])
def test_a_bracket_without_degrees_is_refused(edges: dict[str, int]) -> None:
    with pytest.raises(ValidationError):
        Bracket(**edges)


@pytest.mark.parametrize("high_f", [-200.0, 141.0, float("nan"), float("inf")])
def test_an_absurd_temperature_is_refused(high_f: float) -> None:
    with pytest.raises(ValidationError):
        WeatherData(
            city="NYC",
            climate_day=NOON.date(),
            source="nws",
            high_f=high_f,
            issued_at=NOON,
            available_at=NOON,
        )


def test_a_forecast_is_not_known_before_it_was_issued() -> None:
    with pytest.raises(ValidationError, match="before it was issued"):
        WeatherData(
            city="NYC",
            climate_day=NOON.date(),
            source="nws",
            high_f=80.0,
            issued_at=NOON,
            available_at=NOON - dt.timedelta(seconds=1),
        )


@pytest.mark.parametrize(("share", "is_good"), [(0.5, True), (0.4999, False)])
def test_probabilities_of_a_ladder_add_up_to_one(share: float, is_good: bool) -> None:
    brackets = tuple(
        BracketProbability(market_ticker=name, bracket=bracket, probability=probability)
        for name, bracket, probability in (
            ("A", Bracket(high_f=60), 0.5),
            ("B", Bracket(low_f=61), share),
        )
    )
    facts = {
        "city": "NYC",
        "climate_day": NOON.date(),
        "as_of": NOON,
        "brackets": brackets,
        "mean_f": 60.5,
        "sd_f": 2.0,
        "confidence": Confidence.LOW,
    }
    if is_good:
        assert BracketPrediction(**facts).brackets == brackets
    else:
        with pytest.raises(ValidationError, match="add up to 1"):
            BracketPrediction(**facts)


def level(price: str) -> BookLevel:
    return BookLevel(price_dollars=Decimal(price), count=Decimal("10"))


def test_asking_prices_come_from_the_other_sides_bids() -> None:
    book = OrderBook(
        market_ticker="T",
        at=NOON,
        yes_bids=(level("0.40"), level("0.39")),
        no_bids=(level("0.55"), level("0.50")),
    )

    assert [ask.price_dollars for ask in book.asks(Side.YES)] == [Decimal("0.45"), Decimal("0.50")]
    assert book.best_ask(Side.NO) == Decimal("0.60")
    assert not book.is_crossed


def test_an_empty_side_is_no_price() -> None:
    book = OrderBook(market_ticker="T", at=NOON, yes_bids=(level("0"),))

    assert book.best_ask(Side.YES) is None
    assert book.best_bid(Side.NO) is None
    assert book.best_bid(Side.YES) == Decimal("0")
    assert book.best_ask(Side.NO) == Decimal("1")
    assert not book.is_crossed


def test_a_crossed_book_is_seen_and_a_disordered_one_refused() -> None:
    crossed = OrderBook(
        market_ticker="T", at=NOON, yes_bids=(level("0.50"),), no_bids=(level("0.50"),)
    )

    assert crossed.is_crossed
    with pytest.raises(ValidationError, match="best first"):
        OrderBook(market_ticker="T", at=NOON, yes_bids=(level("0.39"), level("0.40")))


def test_a_limit_of_nothing_is_a_limit() -> None:
    settings = UserSettings(
        mode="manual",
        max_trade_size_dollars="0",
        daily_loss_limit_dollars="0",
        max_daily_exposure_dollars="0",
        min_ev_dollars="0.05",
        cooldown_minutes=0,
        consecutive_loss_limit=0,
    )

    assert settings.daily_loss_limit_dollars == Decimal("0")
    with pytest.raises(ValidationError):
        settings.mode = "auto"
