from __future__ import annotations

import base64
import copy
import pickle

import pytest
from django.test import override_settings
from hypothesis import given
from hypothesis import strategies as st

from boz.core.encryption import (
    Secret,
    decrypt,
    decrypt_api_key,
    encrypt,
    encrypt_api_key,
    key_id,
    parse_keys,
    reencrypt,
)
from boz.core.errors import OperatorActionRequired

OLD, NEW = bytes(range(32)), bytes(range(32, 64))
ROW = "markets.exchangeaccount:7"


@given(st.text(), st.text(min_size=1))
def test_what_goes_in_comes_out(plaintext: str, bound_to: str) -> None:
    token = encrypt(plaintext, bound_to=bound_to, keys=[NEW])

    assert decrypt(token, bound_to=bound_to, keys=[OLD, NEW]) == plaintext


def test_the_same_text_never_looks_the_same() -> None:
    tokens = {encrypt("a", bound_to=ROW, keys=[OLD]) for _ in range(20)}

    assert len(tokens) == 20


def test_a_token_copied_to_another_row_is_refused() -> None:
    token = encrypt("secret", bound_to=ROW, keys=[OLD])

    with pytest.raises(OperatorActionRequired, match="changed or copied"):
        decrypt(token, bound_to="markets.exchangeaccount:8", keys=[OLD])


def test_every_changed_character_is_noticed() -> None:
    token = encrypt("secret", bound_to=ROW, keys=[OLD, NEW])
    for place, char in enumerate(token[:-1]):
        changed = token[:place] + ("A" if char != "A" else "B") + token[place + 1 :]
        with pytest.raises(OperatorActionRequired):
            decrypt(changed, bound_to=ROW, keys=[OLD, NEW])


@pytest.mark.parametrize("token", ["", "boz1", "boz1.abc.def", "plaintext", "boz2.00000000.AAAA"])
def test_what_is_no_token_is_refused(token: str) -> None:
    with pytest.raises(OperatorActionRequired, match="not in a known format"):
        decrypt(token, bound_to=ROW, keys=[OLD])


def test_an_unknown_key_is_named_without_showing_any() -> None:
    token = encrypt("secret", bound_to=ROW, keys=[OLD])

    with pytest.raises(OperatorActionRequired, match=key_id(OLD)) as caught:
        decrypt(token, bound_to=ROW, keys=[NEW])

    shown = repr(caught.value.as_dict())
    assert OLD.hex() not in shown
    assert base64.b64encode(OLD).decode() not in shown


def test_no_key_at_all_is_an_operators_matter() -> None:
    with pytest.raises(OperatorActionRequired, match="ENCRYPTION_KEY"):
        encrypt("secret", bound_to=ROW, keys=[])


def test_rotation_moves_a_token_to_the_first_key() -> None:
    old = encrypt("secret", bound_to=ROW, keys=[OLD])

    new = reencrypt(old, bound_to=ROW, keys=[NEW, OLD])

    assert decrypt(new, bound_to=ROW, keys=[NEW]) == "secret"
    assert reencrypt(new, bound_to=ROW, keys=[NEW, OLD]) == new
    with pytest.raises(OperatorActionRequired):
        reencrypt(old, bound_to="another", keys=[NEW, OLD])


def test_the_configured_keys_are_read_when_they_are_needed() -> None:
    with override_settings(ENCRYPTION_KEYS=[OLD]):
        token = encrypt_api_key("secret", bound_to=ROW)
    with override_settings(ENCRYPTION_KEYS=[NEW, OLD]):
        assert decrypt_api_key(token, bound_to=ROW) == "secret"
    with override_settings(ENCRYPTION_KEYS=[NEW]), pytest.raises(OperatorActionRequired):
        decrypt_api_key(token, bound_to=ROW)


def test_keys_are_read_in_order() -> None:
    text = ", ".join(base64.b64encode(key).decode() for key in (NEW, OLD))

    assert parse_keys(text) == [NEW, OLD]


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", "no encryption key"),
        (" , ", "no encryption key"),
        ("not base64!", "key 1 is not base64"),
        (f"{base64.b64encode(OLD).decode()},AAAA", "key 2 must have 32 bytes, has 3"),
        (base64.b64encode(bytes(32)).decode(), "repeats one byte"),
        (",".join([base64.b64encode(OLD).decode()] * 2), "given twice"),
    ],
)
def test_a_wrong_key_is_named_without_repeating_it(text: str, problem: str) -> None:
    with pytest.raises(ValueError, match=problem) as caught:
        parse_keys(text)

    assert base64.b64encode(OLD).decode() not in str(caught.value)
    assert "not base64!" not in str(caught.value)


def test_a_secret_shows_itself_only_when_asked() -> None:
    secret = Secret("canary")

    assert secret.reveal() == "canary"
    shown = f"{secret} {secret!r} {secret!s} {[secret]} {secret:>20}" + "%s" % secret  # noqa: UP031
    assert "canary" not in shown
    assert secret == Secret("canary")
    assert secret != Secret("other")
    assert secret != "canary"
    assert copy.deepcopy(secret) is secret
    assert not Secret("")


def test_a_secret_cannot_be_queued() -> None:
    with pytest.raises(TypeError, match="never pickled"):
        pickle.dumps(Secret("canary"))
