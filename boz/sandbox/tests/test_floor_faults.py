"""Faults of the exchange: orders that live although the answer says otherwise, lists that lie."""

from __future__ import annotations

import datetime as dt
import json

import pytest

from boz.core.errors import InvalidDataError
from boz.sandbox.fault_plan import order_plan
from boz.sandbox.faults import FaultKind, FaultQueue, Source
from boz.sandbox.tests.trader import NOON, RUNG, Trader, order

ORDERS = "/portfolio/events/orders"
NOW = dt.datetime(2024, 11, 27, 18, tzinfo=dt.UTC)


@pytest.fixture
def client(at):
    return at(NOON)


@pytest.fixture
def trader(client):
    return Trader(client)


def break_next(client, **fault) -> None:
    answer = client.post("/sandbox/faults", json={"source": "kalshi", "seconds": 0, **fault})
    assert answer.status_code == 200, answer.text


def resting(trader) -> list[str]:
    orders = trader.get("/portfolio/orders", status="resting")["orders"]
    return [item["client_order_id"] for item in orders]


@pytest.mark.parametrize(
    ("kind", "status"),
    [("timeout", 504), ("http_429", 429), ("http_500", 500), ("http_503", 503)],
)
@pytest.mark.parametrize("after", [False, True])
def test_an_order_whose_answer_is_lost_lives_only_if_it_had_arrived(
    client, trader, kind, status, after
):
    break_next(client, kind=kind, after=after, method="POST")
    answer = trader.call("POST", ORDERS, checked=False, json=order(client_order_id="mine"))
    assert answer.status_code == status
    assert resting(trader) == (["mine"] if after else [])


@pytest.mark.parametrize("kind", ["no_order", "html", "truncated", "missing_field"])
def test_an_order_lives_although_the_answer_names_none(client, trader, kind):
    break_next(client, kind=kind, method="POST")
    answer = trader.call("POST", ORDERS, checked=False, json=order(client_order_id="mine"))
    assert answer.is_success
    try:
        assert "order_id" not in answer.json()
    except json.JSONDecodeError:
        assert kind in ("html", "truncated")
    assert resting(trader) == ["mine"]


@pytest.mark.parametrize("after", [False, True])
def test_a_cancel_whose_answer_is_lost(client, trader, after):
    made = trader.create(client_order_id="mine")
    break_next(client, kind="http_500", after=after, method="DELETE")
    answer = trader.call("DELETE", f"{ORDERS}/{made['order_id']}", checked=False)
    assert answer.status_code == 500
    assert resting(trader) == ([] if after else ["mine"])


def test_a_fault_meets_only_the_requests_it_is_meant_for(client, trader):
    break_next(client, kind="http_500", path="/portfolio/fills")
    assert trader.call("GET", "/portfolio/orders").status_code == 200
    assert trader.call("GET", "/portfolio/fills", checked=False).status_code == 500
    assert trader.call("GET", "/portfolio/fills").status_code == 200


def test_fields_come_change_their_name_and_go(client, trader):
    made = trader.create()
    path = f"/portfolio/orders/{made['order_id']}"
    break_next(client, kind="extra_field")
    assert "field_of_next_year" in trader.get(path)["order"]
    break_next(client, kind="renamed_field")
    body = trader.call("GET", path, checked=False).json()["order"]
    assert "order_id" not in body
    assert body["order_id_v3"] == made["order_id"]
    break_next(client, kind="missing_field")
    assert "order_id" not in trader.call("GET", path, checked=False).json()["order"]


def test_a_page_leads_back_to_itself(client, trader):
    for _ in range(3):
        trader.create()
    first = trader.get("/portfolio/orders", limit=1)
    break_next(client, kind="repeated_cursor")
    assert trader.get("/portfolio/orders", limit=1)["cursor"] == first["cursor"]
    second = trader.get("/portfolio/orders", limit=1, cursor=first["cursor"])
    assert second["cursor"] == first["cursor"]
    again = trader.get("/portfolio/orders", limit=1, cursor=first["cursor"])
    assert again["orders"] == second["orders"]
    assert again["cursor"] != first["cursor"]


def test_a_page_is_lost_but_leads_on(client, trader):
    for _ in range(3):
        trader.create()
    break_next(client, kind="dropped_page")
    lost = trader.get("/portfolio/orders", limit=1)
    assert lost["orders"] == []
    assert len(trader.get("/portfolio/orders", cursor=lost["cursor"])["orders"]) == 2


def test_a_fault_begins_and_ends_at_simulated_times(client, trader):
    break_next(client, kind="http_503", since="2024-11-27T18:10:00Z", until="2024-11-27T18:20:00Z")
    seen = []
    for minute in (0, 10, 19, 20):
        client.world.clock.set(NOW.replace(minute=minute))
        seen.append(trader.call("GET", "/portfolio/fills", checked=False).status_code)
    assert seen == [200, 503, 503, 200]


def drawn(seed: int, count: int = 200) -> list[bool]:
    queue = FaultQueue(seed=seed)
    order_plan_of(queue, {"source": "kalshi", "kind": "http_500", "chance": 0.2})
    return [queue.take(Source.KALSHI, NOW) is not None for _ in range(count)]


def order_plan_of(queue: FaultQueue, fault: dict[str, object]) -> None:
    from boz.sandbox.fault_plan import order_fault

    order_fault(queue, fault)


def test_faults_by_chance_are_the_same_under_one_seed():
    assert drawn(7) == drawn(7)
    assert drawn(7) != drawn(8)
    assert 20 < sum(drawn(7)) < 60


def test_a_plan_is_read_from_a_file(tmp_path):
    path = tmp_path / "plan.json"
    faults = [
        {"source": "kalshi", "kind": "timeout", "after": True, "method": "post", "count": 1},
        {"source": "nws", "kind": "html", "chance": 0.5},
    ]
    path.write_text(json.dumps({"seed": 7, "faults": faults}))
    queue = FaultQueue()
    order_plan(queue, path)
    assert queue.take(Source.KALSHI, NOW, method="GET") is None
    fault = queue.take(Source.KALSHI, NOW, method="POST")
    assert fault is not None
    assert (fault.kind, fault.after) == (FaultKind.TIMEOUT, True)
    assert queue.take(Source.KALSHI, NOW, method="POST") is None


@pytest.mark.parametrize(
    "text",
    [
        "[]",
        "{",
        "{}",
        '{"faults": [{"source": "kalshi", "kind": "flood"}]}',
        '{"faults": [{"source": "nws", "kind": "no_order"}]}',
        '{"faults": [{"source": "kalshi", "kind": "html", "chance": 0}]}',
        '{"faults": [{"source": "kalshi", "kind": "html", "path": "("}]}',
        '{"faults": [{"source": "kalshi", "kind": "html", "typo": 1}]}',
        '{"seed": "x", "faults": []}',
    ],
)
def test_a_plan_that_makes_no_sense_is_refused(tmp_path, text):
    path = tmp_path / "plan.json"
    path.write_text(text)
    with pytest.raises(InvalidDataError):
        order_plan(FaultQueue(), path)


def test_a_missing_plan_is_refused(tmp_path):
    with pytest.raises(InvalidDataError, match="plan"):
        order_plan(FaultQueue(), tmp_path / "none.json")


def test_the_market_list_still_obeys_faults(client):
    client.world.faults.add(Source.KALSHI, FaultKind.EMPTY, count=1)
    assert client.rest("/markets", tickers=RUNG)["markets"] == []
    assert len(client.rest("/markets", tickers=RUNG)["markets"]) == 1
