"""A station's block is found in a bulletin of megabytes by reading a few pieces of it."""

from __future__ import annotations

import datetime as dt
import random
import re
from collections.abc import Callable
from itertools import islice, product

import httpx
import pytest

from boz.core.errors import DataUnavailable, InvalidDataError, TransientError
from boz.core.http import Captured, HttpTransport
from weather.clients.nbm import NbmClient
from weather.clients.nbm_search import PIECE_BYTES
from weather.domain.nbm_cycles import latest_cycles
from weather.domain.nbm_text import parse_nbm_block

UTC = dt.UTC
CYCLE = dt.datetime(2026, 9, 28, 13, tzinfo=UTC)
PUBLISHED = "Mon, 28 Sep 2026 14:17:03 GMT"
PATH = "/blend.20260928/13/text/blend_nbptx.t13z"
LETTERS = "ACEGIKMOQSUWY"
#: Some hundred identifiers in order, and ours among them.
STATIONS = sorted(
    {"".join(part) for part in islice(product("CKP", LETTERS, LETTERS, LETTERS), 0, None, 9)}
    | {"KAUS", "KMDW", "KMIA", "KNYC", "KSAN", "KSAT"}
)


def block(station: str, *, high: int, cycle: str = "9/28/2026  1300") -> str:
    rows = "".join(
        f" TXNP{digit}  57|{high + step:3d}  61|\n"
        for digit, step in ((1, -3), (2, -1), (5, 0), (7, 2), (9, 3))
    )
    filler = "".join(f" WSPP{n}   0|  5   7|{' ' * 60}\n" for n in range(14))
    return (
        f" {station}    NBM V5.0 NBP GUIDANCE    {cycle} UTC\n"
        " UTC    12| 00  12|\n FHR    23| 35  47|\n"
        f" TXNMN  57|{high:3d}  61|\n TXNSD   2|  2   2|\n{rows}{filler}{' ' * 74}\n"
    )


HIGHS = {station: 40 + index % 60 for index, station in enumerate(STATIONS)}
BULLETIN = "".join(block(station, high=HIGHS[station]) for station in STATIONS).encode()


class Store:
    """An object store with ranges; ``asked`` holds the Range header of every call."""

    def __init__(self, body: bytes, *, path: str = PATH, has_ranges: bool = True) -> None:
        self.body, self.path, self.has_ranges = body, path, has_ranges
        self.asked: list[str | None] = []
        self.headers = {"Last-Modified": PUBLISHED, "ETag": '"one"'}
        self.change: Callable[[httpx.Response], None] = lambda response: None

    def handle(self, request: httpx.Request) -> httpx.Response:
        asked = request.headers.get("range")
        self.asked.append(asked)
        if request.url.path != self.path:
            return httpx.Response(404, text="<Error><Code>NoSuchKey</Code></Error>")
        if asked is None or not self.has_ranges:
            return httpx.Response(200, content=self.body, headers=self.headers)
        match = re.fullmatch(r"bytes=(\d+)-(\d+)", asked)
        assert match is not None
        start, end = int(match[1]), min(int(match[2]), len(self.body) - 1)
        assert start < len(self.body)
        piece = self.body[start : end + 1]
        headers = {**self.headers, "Content-Range": f"bytes {start}-{end}/{len(self.body)}"}
        response = httpx.Response(206, content=piece, headers=headers)
        self.change(response)
        return response

    def client(self, **options) -> NbmClient:
        http = HttpTransport(
            base_url="http://127.0.0.1:9",
            source="noaa-nbm",
            retries=0,
            transport=httpx.MockTransport(self.handle),
        )
        return NbmClient(http, **options)


def found(store: Store, *stations: str, hints=None, **options):
    return store.client(**options).blocks(
        product="NBP", cycle=CYCLE, stations=stations, hints=hints
    )


def high_of(answer) -> dict[str, float]:
    return {
        item.station: parse_nbm_block(item.text, station=item.station, product="NBP").days[0].high_f
        for item in answer.blocks
    }


def test_the_bulletin_of_the_tests_is_of_many_pieces():
    assert len(BULLETIN) > 12 * PIECE_BYTES


def test_a_block_is_found_by_halving_and_says_when_it_was_published():
    store = Store(BULLETIN)
    answer = found(store, "KNYC")

    (item,) = answer.blocks
    assert high_of(answer) == {"KNYC": HIGHS["KNYC"]}
    assert item.text == block("KNYC", high=HIGHS["KNYC"])
    assert item.published_at == dt.datetime(2026, 9, 28, 14, 17, 3, tzinfo=UTC)
    assert (item.product, item.cycle) == ("NBP", CYCLE)
    assert item.offset_hint == BULLETIN.index(b" KNYC") / len(BULLETIN)
    assert len(store.asked) <= 6
    assert None not in store.asked


def test_with_a_hint_it_takes_two_calls():
    hint = found(Store(BULLETIN), "KNYC").blocks[0].offset_hint
    store = Store(BULLETIN)
    assert high_of(found(store, "KNYC", hints={"KNYC": hint})) == {"KNYC": HIGHS["KNYC"]}
    assert len(store.asked) == 2


@pytest.mark.parametrize("hint", [0.0, 0.03, 0.99, 1.0, 7.0, -2.0])
def test_a_wrong_hint_costs_calls_and_nothing_else(hint):
    store = Store(BULLETIN)
    assert high_of(found(store, "KNYC", hints={"KNYC": hint})) == {"KNYC": HIGHS["KNYC"]}
    assert len(store.asked) <= 7


def test_hints_are_corrected_by_what_they_were_off():
    mine = [STATIONS[index] for index in (100, 200, 300, 400, 500, 600)]
    hints = {item.station: item.offset_hint for item in found(Store(BULLETIN), *mine).blocks}
    moved = "".join(block(f"A{index:03d}", high=50) for index in range(120)).encode() + BULLETIN
    store = Store(moved)
    assert high_of(found(store, *mine, hints=hints)) == {name: HIGHS[name] for name in mine}
    alone = Store(moved)
    found(alone, mine[0], hints=hints)
    assert len(store.asked) < len(alone.asked) + len(mine) - 1


def test_every_station_of_the_file_is_found_with_the_reads_shared():
    store = Store(BULLETIN)
    answer = found(store, *random.Random(7).sample(STATIONS, len(STATIONS)))
    assert high_of(answer) == HIGHS
    assert answer.problems == ()
    assert len(store.asked) < 80


def test_neighbours_come_with_one_read():
    one, both = Store(BULLETIN), Store(BULLETIN)
    found(one, "KSAN")
    assert set(high_of(found(both, "KSAN", "KSAT"))) == {"KSAN", "KSAT"}
    assert len(both.asked) <= len(one.asked) + 1


@pytest.mark.parametrize("station", [STATIONS[0], STATIONS[1], STATIONS[-2], STATIONS[-1]])
def test_the_first_and_the_last_blocks_are_found(station):
    assert high_of(found(Store(BULLETIN), station)) == {station: HIGHS[station]}


@pytest.mark.parametrize("station", ["AAAA", "KNYB", "KNYD", "ZZZZ", "NYC"])
def test_a_station_that_is_not_there_is_said_to_be_missing(station):
    store = Store(BULLETIN)
    answer = found(store, station, "KMIA")
    assert answer.problems == ((station, f"The NBP bulletin does not hold {station}."),)
    assert high_of(answer) == {"KMIA": HIGHS["KMIA"]}
    assert len(store.asked) <= 12


def test_a_file_out_of_order_is_read_as_a_whole_once():
    shuffled = random.Random(3).sample(STATIONS, len(STATIONS))
    store = Store("".join(block(station, high=HIGHS[station]) for station in shuffled).encode())
    answer = found(store, "KNYC", "KMIA", "KXXX", "KAUS")
    assert high_of(answer) == {name: HIGHS[name] for name in ("KNYC", "KMIA", "KAUS")}
    assert [name for name, _ in answer.problems] == ["KXXX"]
    assert store.asked.count(None) == 1
    assert len(store.asked) == 2


def test_a_station_twice_in_the_file_is_refused():
    mine = block("KNYC", high=HIGHS["KNYC"]).encode()
    answer = found(Store(BULLETIN.replace(mine, mine + block("KNYC", high=99).encode())), "KNYC")
    assert answer.blocks == ()
    assert "twice" in dict(answer.problems)["KNYC"]


def test_a_station_twice_in_a_file_that_came_as_a_whole_is_refused():
    doubled = BULLETIN + block("KNYC", high=99).encode()
    answer = found(Store(doubled, has_ranges=False), "KNYC", "KMIA")
    assert "twice" in dict(answer.problems)["KNYC"]
    assert high_of(answer) == {"KMIA": HIGHS["KMIA"]}


def test_a_service_without_ranges_sends_the_file_once():
    store = Store(BULLETIN, has_ranges=False)
    assert set(high_of(found(store, "KNYC", "KMIA", "KSAT"))) == {"KNYC", "KMIA", "KSAT"}
    assert len(store.asked) == 1


def test_a_small_file_takes_one_call():
    store = Store(block("KMIA", high=88).encode() + block("KNYC", high=70).encode())
    assert high_of(found(store, "KNYC", "KMIA")) == {"KNYC": 70.0, "KMIA": 88.0}
    assert len(store.asked) == 1


@pytest.mark.parametrize("status", [403, 404])
def test_a_cycle_that_is_not_there_is_not_published(status):
    store = Store(BULLETIN)
    store.handle = lambda request: httpx.Response(status, text="<Error/>")  # type: ignore[method-assign]
    with pytest.raises(DataUnavailable, match="NBP bulletin of 2026-09-28 13Z is not published"):
        found(store, "KNYC")


def test_a_store_in_trouble_is_a_transient_error():
    store = Store(BULLETIN)
    store.handle = lambda request: httpx.Response(503, text="SlowDown")  # type: ignore[method-assign]
    with pytest.raises(TransientError):
        found(store, "KNYC")


def test_a_file_of_another_cycle_under_this_name_is_refused():
    old = "".join(block(name, high=70, cycle="9/28/2026  0700") for name in STATIONS)
    with pytest.raises(InvalidDataError, match="NBP block of 2026-09-28 07Z"):
        found(Store(old.encode()), "KNYC")


@pytest.mark.parametrize("body", [b"<html>not a bulletin</html>", b"\x00" * 70_000, b"\n" * 9])
def test_a_file_that_is_no_bulletin_is_refused(body):
    with pytest.raises(InvalidDataError, match="without any station"):
        found(Store(body), "KNYC")


def test_a_file_that_changes_while_it_is_read_is_not_mixed():
    store = Store(BULLETIN)

    def change(response: httpx.Response) -> None:
        response.headers["etag"] = f'"{len(store.asked)}"'

    store.change = change
    with pytest.raises(TransientError, match="changed while it was read"):
        found(store, "KNYC")


@pytest.mark.parametrize("header", ["", "bytes 5-10/100", "bytes */100", "pages 0-1/2"])
def test_a_piece_that_is_not_the_one_asked_for_is_refused(header):
    store = Store(BULLETIN)

    def change(response: httpx.Response) -> None:
        response.headers["content-range"] = header

    store.change = change
    with pytest.raises(TransientError, match="piece"):
        found(store, "KNYC")


@pytest.mark.parametrize("header", ["", "yesterday", "32 Foo 2026"])
def test_without_a_readable_date_the_time_of_publication_is_unknown(header):
    store = Store(BULLETIN)
    store.headers["Last-Modified"] = header
    assert found(store, "KNYC").blocks[0].published_at is None


def test_what_is_captured_is_the_block_and_not_the_pieces():
    kept: list[Captured] = []
    answer = found(Store(BULLETIN), "KNYC", "KXXX", "KMIA", capture=kept.append)
    assert [item.body.decode() for item in kept] == [item.text for item in answer.blocks]
    assert [item.url.rpartition("/")[2] for item in kept] == [
        "blend_nbptx.t13z#KNYC",
        "blend_nbptx.t13z#KMIA",
    ]


@pytest.mark.parametrize(
    ("kind", "file"), [("NBS", "blend_nbstx"), ("NBE", "blend_nbetx"), ("NBP", "blend_nbptx")]
)
def test_each_product_has_its_file(kind, file):
    body = block("KNYC", high=70, cycle="9/28/2026  0700").replace("NBP", kind).encode()
    store = Store(body, path=f"/blend.20260928/07/text/{file}.t07z")
    cycle = dt.datetime(2026, 9, 28, 3, tzinfo=dt.timezone(dt.timedelta(hours=-4)))
    answer = store.client().blocks(product=kind, cycle=cycle, stations=["KNYC"])
    assert [item.station for item in answer.blocks] == ["KNYC"]


# --- cycles ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("now", "expected"),
    [
        ((14, 0), ["28 07", "28 01", "27 19"]),
        ((14, 1), ["28 13", "28 07", "28 01"]),
        ((1, 59), ["27 19", "27 13", "27 07"]),
        ((2, 1), ["28 01", "27 19", "27 13"]),
    ],
)
def test_a_cycle_is_not_asked_for_before_it_can_be_there(now, expected):
    moment = dt.datetime(2026, 9, 28, *now, tzinfo=UTC)
    assert [f"{cycle:%d %H}" for cycle in latest_cycles(moment)] == expected


def test_cycles_are_utc_and_as_many_as_asked_for():
    eastern = dt.timezone(dt.timedelta(hours=-5))
    cycles = latest_cycles(dt.datetime(2024, 3, 1, 1, tzinfo=eastern), limit=6)
    assert cycles[0] == dt.datetime(2024, 3, 1, 1, tzinfo=UTC)
    assert cycles[-1] == dt.datetime(2024, 2, 28, 19, tzinfo=UTC)
    assert all(cycle.tzinfo is UTC for cycle in cycles)


def test_the_ordinary_client_takes_its_address_from_the_settings(settings):
    settings.NBM_API_URL = "http://127.0.0.1:9/there"
    with NbmClient.from_settings() as client:
        assert client._http.source == "noaa-nbm"
        assert client._http._base_url == "http://127.0.0.1:9/there"
