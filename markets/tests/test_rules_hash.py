from __future__ import annotations

import datetime as dt

import pytest

from markets.clients.kalshi.objects import ExchangeMarket, read_object
from markets.services.sync.rules import normalised_rules, rules_hash
from markets.tests.exchange import market_body, payload

CLOSE = dt.datetime(2026, 7, 13, 4, 59, tzinfo=dt.UTC)


def _markets(name: str) -> list[ExchangeMarket]:
    return [read_object(ExchangeMarket, body, what="it") for body in payload(name)["markets"]]


def _market(rules: str, rung: tuple[int | None, int | None] = (7, 8)) -> ExchangeMarket:
    body = market_body("KXHIGHNY-26JUL12", rung, close_time=CLOSE, rules_primary=rules)
    return read_object(ExchangeMarket, body, what="it")


def test_two_captured_days_of_the_same_rules_have_one_hash():
    days: dict[str, list[ExchangeMarket]] = {}
    for market in _markets("markets_kxhightsfo_open_2026-06-03.json"):
        days.setdefault(market.event_ticker, []).append(market)

    assert len(days) == 2
    assert len({rules_hash(markets) for markets in days.values()}) == 1


def test_wordings_of_two_days_months_apart_agree_per_strike_type():
    opened = _markets("markets_kxhighny_open_2026-07-12.json")
    settled = _markets("markets_kxhighny_settled_2026-07-10.json")

    known = {market.strike_type: normalised_rules(market) for market in opened}

    assert settled
    for market in settled:
        assert normalised_rules(market) == known[market.strike_type]


def test_a_change_of_the_authority_in_the_text_changes_the_hash():
    before = _market("The highest temperature is greater than 7° according to the NWS.")
    after = _market("The highest temperature is greater than 7° according to The Weather Company.")

    assert rules_hash([before]) != rules_hash([after])


@pytest.mark.parametrize(
    ("one", "two"),
    [
        ("is between 7-8° on Jul 2, 2026", "is between 71-72° on December 31, 2027"),
        ("is between 7° and 8°", "is between -12° and -11°"),
        ("is greater than 7 fahrenheit", "is greater than 107 fahrenheit"),
        ("is less than 0°", "is less than -5°"),
    ],
)
def test_days_and_degrees_do_not_count(one, two):
    assert normalised_rules(_market(one)) == normalised_rules(_market(two))


def test_a_bare_strike_is_blotted_out_but_times_and_codes_stay():
    low = _market("above 7, expiring at 7:00 AM, CLI7X", (7, 8))
    high = _market("above 52, expiring at 7:00 AM, CLI7X", (52, 53))

    assert normalised_rules(low) == normalised_rules(high)
    assert "7:00 am, cli7x" in normalised_rules(low)
