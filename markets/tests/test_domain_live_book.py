from __future__ import annotations

import datetime as dt
import json
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from boz.core.errors import InvalidDataError
from boz.core.schemas import Side
from markets.domain.live_book import BookSet, LiveBook, Outcome, count_units, price_units

PAYLOADS = Path(__file__).parent / "payloads"
AT = dt.datetime(2026, 8, 7, 6, 46, tzinfo=dt.UTC)
A, B = "KXHIGHNY-26AUG07-B80.5", "KXHIGHNY-26AUG07-B82.5"


def make_set(*, use_yes_price: bool = False, tickers: tuple[str, ...] = (A, B)) -> BookSet:
    books = BookSet(use_yes_price)
    books.add_markets(tickers)
    return books


def snapshot(books: BookSet, seq: int, ticker: str = A, yes=(), no=()) -> Outcome:
    return books.apply_snapshot(seq, ticker, yes, no)


def known(books: BookSet, ticker: str = A) -> LiveBook:
    book = books.book(ticker)
    assert book is not None
    return book


@pytest.mark.parametrize(
    ("text", "units"),
    [("0.4300", 4300), ("0.43", 4300), ("0.4350", 4350), ("0.0001", 1), ("0.99990000", 9999)],
)
def test_prices_are_read_exactly(text: str, units: int) -> None:
    assert price_units(text) == units


@pytest.mark.parametrize(
    "text",
    ["0", "1", "1.0000", "-0.4", "0.43005", "0,43", "", " 0.43", "0.4_3", "NaN", "1e-2", "\u0660"],
)
def test_what_is_no_price_is_refused(text: str) -> None:
    with pytest.raises(InvalidDataError):
        price_units(text)


@pytest.mark.parametrize(
    ("text", "units"),
    [("100.00", 10000), ("-20.00", -2000), ("0.57", 57), ("7", 700), ("966425.00", 96642500)],
)
def test_counts_are_read_exactly(text: str, units: int) -> None:
    assert count_units(text) == units


@pytest.mark.parametrize("text", ["1.005", "--1", "Infinity", "1e3", "", "0x10"])
def test_what_is_no_count_is_refused(text: str) -> None:
    with pytest.raises(InvalidDataError):
        count_units(text)


def test_a_book_is_unknown_until_its_snapshot() -> None:
    books = make_set()
    assert books.apply_delta(1, A, "yes", "0.40", "10.00") is Outcome.WAITING
    assert books.book(A) is None
    assert books.waiting.keys() == {A, B}


def test_changes_follow_a_snapshot() -> None:
    books = make_set()
    snapshot(books, 1, yes=[["0.0500", "10.00"], ["0.4000", "5.00"]], no=[["0.5500", "7.00"]])
    assert books.apply_delta(2, A, "yes", "0.4100", "3.00") is Outcome.APPLIED
    assert known(books).best_yes_bid == Decimal("0.41")
    assert books.apply_delta(3, A, "yes", "0.4100", "-3.00") is Outcome.APPLIED
    assert known(books).best_yes_bid == Decimal("0.40")
    assert books.apply_delta(4, A, "no", "0.5500", "-7.00") is Outcome.APPLIED
    assert known(books).best_yes_ask is None


def test_a_side_that_the_exchange_leaves_out_is_empty() -> None:
    books = make_set()
    snapshot(books, 1, no=[["0.9500", "7.00"]])
    assert known(books).best_yes_bid is None
    assert known(books).best_yes_ask == Decimal("0.05")


def test_yes_prices_of_the_no_side_are_mirrored() -> None:
    books = make_set(use_yes_price=True)
    snapshot(books, 1, yes=[["0.40", "5.00"]], no=[["0.45", "7.00"], ["0.60", "1.00"]])
    books.apply_delta(2, A, "no", "0.44", "2.00")
    order_book = known(books).view().order_book(at=AT)
    assert [(str(x.price_dollars), str(x.count)) for x in order_book.no_bids] == [
        ("0.5600", "2.00"),
        ("0.5500", "7.00"),
        ("0.4000", "1.00"),
    ]
    assert order_book.best_ask(Side.YES) == Decimal("0.44")


def test_both_price_conventions_make_the_same_book() -> None:
    plain, mirrored = make_set(), make_set(use_yes_price=True)
    snapshot(plain, 1, yes=[["0.30", "5.00"]], no=[["0.65", "7.00"]])
    snapshot(mirrored, 1, yes=[["0.30", "5.00"]], no=[["0.35", "7.00"]])
    plain.apply_delta(2, A, "no", "0.6612", "1.00")
    mirrored.apply_delta(2, A, "no", "0.3388", "1.00")
    assert known(plain).view() == known(mirrored).view()


def test_acknowledgements_are_numbered_too() -> None:
    books = make_set()
    snapshot(books, 1)
    assert books.pass_over(2) is Outcome.APPLIED
    assert books.apply_delta(3, A, "yes", "0.40", "1.00") is Outcome.APPLIED


def test_a_missing_frame_makes_every_book_of_the_subscription_unknown() -> None:
    books = make_set()
    snapshot(books, 1, A, yes=[["0.40", "5.00"]])
    snapshot(books, 2, B, yes=[["0.20", "5.00"]])
    assert books.apply_delta(4, A, "yes", "0.41", "1.00") is Outcome.GAP
    assert books.book(A) is None
    assert books.book(B) is None
    assert books.lost.keys() == {A, B}
    assert "3" in books.waiting[B]
    assert books.gaps == 1


def test_after_a_gap_only_a_snapshot_brings_a_book_back() -> None:
    books = make_set()
    snapshot(books, 1, A, yes=[["0.40", "5.00"]])
    books.apply_delta(3, A, "yes", "0.41", "1.00")
    assert books.apply_delta(4, A, "yes", "0.42", "1.00") is Outcome.WAITING
    assert snapshot(books, 5, A, yes=[["0.43", "2.00"]]) is Outcome.APPLIED
    assert known(books).best_yes_bid == Decimal("0.43")


def test_a_snapshot_after_missing_frames_counts_for_its_own_market() -> None:
    books = make_set()
    snapshot(books, 1, A)
    snapshot(books, 2, B)
    assert snapshot(books, 9, A, yes=[["0.40", "5.00"]]) is Outcome.GAP
    assert known(books, A).best_yes_bid == Decimal("0.40")
    assert books.book(B) is None


def test_a_repeated_frame_changes_nothing() -> None:
    books = make_set()
    snapshot(books, 1, yes=[["0.40", "5.00"]])
    books.apply_delta(2, A, "yes", "0.40", "1.00")
    assert books.apply_delta(2, A, "yes", "0.40", "1.00") is Outcome.REPEATED
    assert snapshot(books, 1, yes=[]) is Outcome.REPEATED
    assert known(books).view().levels(Side.YES) == ((Decimal("0.4000"), Decimal("6.00")),)


def test_a_frame_that_was_overtaken_never_reaches_a_book() -> None:
    books = make_set()
    snapshot(books, 1, yes=[["0.40", "5.00"]])
    assert books.apply_delta(3, A, "yes", "0.40", "1.00") is Outcome.GAP
    assert books.apply_delta(2, A, "yes", "0.40", "2.00") is Outcome.REPEATED
    snapshot(books, 4, yes=[["0.40", "8.00"]])
    assert books.apply_delta(3, A, "yes", "0.40", "1.00") is Outcome.REPEATED
    assert known(books).view().yes == ((4000, 800),)


@pytest.mark.parametrize(
    ("side", "price", "change"),
    [
        ("yes", "0.40", "-5.01"),
        ("yes", "0.41", "-0.01"),
        ("no", "1.00", "1.00"),
        ("maybe", "0.40", "1.00"),
        ("yes", "0.40", "many"),
    ],
)
def test_a_change_that_cannot_be_true_makes_only_its_book_unknown(
    side: str, price: str, change: str
) -> None:
    books = make_set()
    snapshot(books, 1, A, yes=[["0.40", "5.00"]])
    snapshot(books, 2, B, yes=[["0.40", "5.00"]])
    assert books.apply_delta(3, A, side, price, change) is Outcome.REFUSED
    assert books.book(A) is None
    assert books.lost.keys() == {A}
    assert books.book(B) is not None
    assert books.apply_delta(4, B, "yes", "0.40", "1.00") is Outcome.APPLIED


@pytest.mark.parametrize(
    "rows",
    [
        [["0.40", "5.00"], ["0.40", "1.00"]],
        [["0.40", "-5.00"]],
        [["0.40"]],
        [["0.40", None]],
        ["0.40"],
        [[[], "1.00"]],
    ],
)
def test_a_snapshot_that_cannot_be_true_makes_its_book_unknown(rows: list) -> None:
    books = make_set()
    snapshot(books, 1, yes=[["0.30", "1.00"]])
    assert snapshot(books, 2, yes=rows) is Outcome.REFUSED
    assert books.book(A) is None


def test_frames_of_other_markets_are_counted_and_left_aside() -> None:
    books = make_set(tickers=(A,))
    snapshot(books, 1, A)
    assert books.apply_delta(2, B, "yes", "0.40", "1.00") is Outcome.UNKNOWN_MARKET
    assert snapshot(books, 3, B) is Outcome.UNKNOWN_MARKET
    assert books.markets == {A}
    assert books.apply_delta(4, A, "yes", "0.40", "1.00") is Outcome.APPLIED


def test_a_market_that_is_no_longer_held_is_not_reported_as_lost() -> None:
    books = make_set()
    snapshot(books, 1, A)
    books.remove_markets([A])
    books.apply_delta(9, B, "yes", "0.40", "1.00")
    assert books.lost == {}
    assert books.markets == {B}


def test_a_snapshot_that_differs_from_the_book_is_counted() -> None:
    books = make_set()
    snapshot(books, 1, yes=[["0.40", "5.00"]])
    snapshot(books, 2, yes=[["0.40", "5.00"]])
    assert books.differing == 0
    snapshot(books, 3, yes=[["0.40", "6.00"]])
    assert books.differing == 1


def test_crossed_books_are_recognised() -> None:
    books = make_set()
    snapshot(books, 1, yes=[["0.45", "5.00"]], no=[["0.54", "1.00"]])
    assert not known(books).is_crossed
    books.apply_delta(2, A, "no", "0.55", "1.00")
    assert known(books).is_crossed
    assert known(books).view().is_crossed


def test_a_view_does_not_change_with_the_book() -> None:
    books = make_set()
    snapshot(books, 1, yes=[["0.40", "5.00"], ["0.30", "1.00"]])
    view = known(books).view(depth=1)
    books.apply_delta(2, A, "yes", "0.41", "1.00")
    assert view.yes == ((4000, 500),)


prices = st.integers(1, 9999)
changes = st.tuples(st.sampled_from(["yes", "no"]), prices, st.integers(-3000, 3000))


@given(st.lists(changes, max_size=80), st.booleans())
def test_any_changes_make_the_same_book_as_plain_dictionaries(
    steps: list[tuple[str, int, int]], use_yes_price: bool
) -> None:
    books = make_set(use_yes_price=use_yes_price, tickers=(A,))
    snapshot(books, 1)
    plain: dict[str, dict[int, int]] = {"yes": {}, "no": {}}
    seq = 1
    for side, price, change in steps:
        bid = 10_000 - price if use_yes_price and side == "no" else price
        after = plain[side].get(bid, 0) + change
        if after < 0:
            continue
        seq += 1
        text = f"{change / 100:.2f}"
        assert books.apply_delta(seq, A, side, f"{price / 10_000:.4f}", text) is Outcome.APPLIED
        plain[side].pop(bid, None)
        if after:
            plain[side][bid] = after
        book = known(books)
        assert book.yes.best == max(plain["yes"], default=None)
        assert book.no.best == max(plain["no"], default=None)
    view = known(books).view()
    assert view.yes == tuple(sorted(plain["yes"].items(), reverse=True))
    assert view.no == tuple(sorted(plain["no"].items(), reverse=True))


@given(st.lists(st.integers(1, 12), min_size=1, max_size=40))
def test_whatever_order_frames_come_in_a_known_book_is_the_true_one(order: list[int]) -> None:
    """Frames 2..11 each add one contract; a known book after frame n has seen all up to n."""
    books = make_set(tickers=(A,))
    snapshot(books, 1, yes=[["0.40", "1.00"]])
    highest = 1
    for seq in order:
        if seq == 12:
            highest += 1
            snapshot(books, highest, yes=[["0.40", f"{highest}.00"]])
            continue
        books.apply_delta(seq, A, "yes", "0.40", "1.00")
        highest = max(highest, seq)
        book = books.book(A)
        if book is not None:
            assert book.yes.top() == ((4000, highest * 100),)


def recorded_frames() -> list[dict]:
    text = (PAYLOADS / "ws_orderbook_frames_2026-08.json").read_text(encoding="utf-8")
    return [item["frame"] for item in json.loads(text)["frames"]]


def test_recorded_frames_are_counted_over_markets_and_acknowledgements() -> None:
    frames = recorded_frames()
    tickers = {f["msg"]["market_ticker"] for f in frames if "market_ticker" in f["msg"]}
    books = make_set(tickers=tuple(tickers))
    outcomes = []
    for frame in frames:
        message = frame["msg"]
        if frame["type"] == "ok":
            outcomes.append(books.pass_over(frame["seq"]))
        elif frame["type"] == "orderbook_snapshot":
            outcomes.append(
                books.apply_snapshot(
                    frame["seq"],
                    message["market_ticker"],
                    message.get("yes_dollars_fp", ()),
                    message.get("no_dollars_fp", ()),
                )
            )
        elif frame["type"] == "orderbook_delta":
            outcomes.append(
                books.apply_delta(
                    frame["seq"],
                    message["market_ticker"],
                    message["side"],
                    message["price_dollars"],
                    message["delta_fp"],
                )
            )
    # The selection was cut between numbers 4 and 24, and the markets after it have no snapshot.
    assert outcomes == [Outcome.APPLIED] * 4 + [Outcome.GAP] + [Outcome.WAITING] * 7
    assert books.lost.keys() == {
        "KXMLBGAME-26AUG072140LADAZ-LAD",
        "KXMLBGAME-26AUG071840TORPHI-PHI",
    }


def test_a_recorded_snapshot_is_read_to_the_contract() -> None:
    frame = recorded_frames()[1]
    ticker = frame["msg"]["market_ticker"]
    books = make_set(tickers=(ticker,))
    books.apply_snapshot(1, ticker, frame["msg"]["yes_dollars_fp"], frame["msg"]["no_dollars_fp"])
    book = known(books, ticker).view().order_book(at=AT)
    assert (str(book.yes_bids[0].price_dollars), str(book.yes_bids[0].count)) == (
        "0.0800",
        "12000.00",
    )
    assert str(book.no_bids[-1].count) == "863923.57"
    assert len(book.yes_bids) == len(book.no_bids) == 8
