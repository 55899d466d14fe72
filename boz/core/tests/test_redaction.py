from __future__ import annotations

import datetime as dt
import json
import time
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from boz.core.redaction import redact, redact_text, redact_url

CANARY = "c4n4ry5ecret"
PEM = f"-----BEGIN RSA PRIVATE KEY-----\n{CANARY}\n-----END RSA PRIVATE KEY-----"


@pytest.mark.parametrize(
    "text",
    [
        f"password={CANARY}",
        f'"api_key": "{CANARY}"',
        f"{{'secret': '{CANARY} and more'}}",
        f"Authorization: Bearer {CANARY}",
        f"authorization=Basic {CANARY}=",
        f"Authorization: Token {CANARY}{CANARY}",
        f"Authorization: Token {CANARY}",
        f"KALSHI-ACCESS-SIGNATURE: {CANARY}",
        f"GET https://user:{CANARY}@host/path",
        f"https://host/path?token={CANARY}&city=NYC",
        f"ENCRYPTION_KEY={CANARY}",
        f"reason: password={CANARY}",
        f"password=one token: {CANARY}",
        f"config.client_secret = {CANARY}",
        f"key is {PEM}",
        f"cut off -----BEGIN PRIVATE KEY-----\n{CANARY}",
    ],
)
def test_a_secret_in_a_text_is_gone(text: str) -> None:
    assert CANARY not in redact_text(text)
    assert "[redacted]" in redact_text(text)


@pytest.mark.parametrize(
    "text",
    [
        "Fetched NWS forecast",
        "KXHIGHNY-26FEB17-B55.5 at 0.42",
        "https://api.weather.gov/points/40.77,-73.98",
        "The token expired",
        "3 orders: 2 filled, 1 resting",
    ],
)
def test_an_ordinary_text_stays_as_it_is(text: str) -> None:
    assert redact_text(text) == text


@pytest.mark.parametrize(
    "name",
    [
        "password",
        "client_secret",
        "token",
        "apiKey",
        "api-key",
        "private_key",
        "SIGNATURE",
        "Authorization",
        "encryption_key",
        "KALSHI-ACCESS-KEY",
        "KALSHI-ACCESS-TIMESTAMP",
    ],
)
def test_a_secret_field_is_gone_however_deep(name: str) -> None:
    value = {"a": [{"b": ({name: CANARY, "city": "NYC"},)}]}

    assert redact(value) == {"a": [{"b": [{name: "[redacted]", "city": "NYC"}]}]}


def test_what_is_left_is_plain_json() -> None:
    at = dt.datetime(2026, 2, 17, 10, tzinfo=dt.UTC)
    value = {
        "price": Decimal("0.4200"),
        "at": at,
        "day": at.date(),
        "nan": float("nan"),
        "zero": 0,
        "none": None,
        "has_token": True,
        "body": b"abc",
        "set": {"b", "a"},
        1: "one",
    }

    assert redact(value) == {
        "price": "0.4200",
        "at": "2026-02-17T10:00:00Z",
        "day": "2026-02-17",
        "nan": "nan",
        "zero": 0,
        "none": None,
        "has_token": True,
        "body": "[3 bytes]",
        "set": ["a", "b"],
        "1": "one",
    }


def test_a_value_that_contains_itself_comes_to_an_end() -> None:
    value: dict[str, object] = {}
    value["self"] = value

    assert "[too deep]" in json.dumps(redact(value))


def test_an_address_keeps_what_is_no_secret() -> None:
    url = f"https://u:{CANARY}@host:8443/p?city=NYC&api_key={CANARY}#frag"

    assert redact_url(url) == "https://host:8443/p?city=NYC&api_key=[redacted]"


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda children: st.lists(children) | st.dictionaries(st.text(), children),
    max_leaves=10,
)


@given(json_values)
def test_redacting_twice_changes_nothing_more(value: object) -> None:
    once = redact(value)

    json.dumps(once, allow_nan=False)
    assert redact(once) == once


@pytest.mark.parametrize("piece", ["a", "a.", "token", "a-", "://", "Bearer ", "-----BEGIN A-----"])
def test_a_long_text_takes_no_long_time(piece: str) -> None:
    started = time.perf_counter()

    redact_text(piece * 20_000)

    assert time.perf_counter() - started < 2.0
