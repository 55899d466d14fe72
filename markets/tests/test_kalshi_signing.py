from __future__ import annotations

import base64
import pickle

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa

from boz.core.errors import InvalidDataError, OperatorActionRequired
from markets.clients.kalshi.signing import SignatureRefused, signer_from_pem, verify

KEY_ID = "a952bcbe-ec3b-4b5b-b8f9-11dae589608c"
NOW_MS = 1703123456789
METHOD, PATH = "GET", "/trade-api/v2/portfolio/balance"

# The key of RFC 8032, section 7.1, test 1, and its signature of NOW_MS + METHOD + PATH as the
# command line of OpenSSL 3.0 makes it (`openssl pkeyutl -sign -rawin`).
ED25519_PEM = """-----BEGIN PRIVATE KEY-----
MC4CAQAwBQYDK2VwBCIEIJ1hsZ3v/VpguoRK9JLsLMREScVpezJpGXA7rAMcrn9g
-----END PRIVATE KEY-----
"""
ED25519_PUBLIC_PEM = """-----BEGIN PUBLIC KEY-----
MCowBQYDK2VwAyEA11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=
-----END PUBLIC KEY-----
"""
ED25519_SIGNATURE = (
    "caolQIFa1fF7caKRpD82JbF1w9tsbGMzaRudHdnCIwVEkhfFIlzIy4HeCQTeFteU9o8UTOmEvwbutRb9MEJbAA=="
)

# A key made for this test and the signature of the same text by
# `openssl dgst -sha256 -sigopt rsa_padding_mode:pss -sigopt rsa_pss_saltlen:32`.
RSA_PUBLIC_PEM = """-----BEGIN PUBLIC KEY-----
MIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8AMIIBCgKCAQEApcDBx0DrW/SunslOHe99
eq03S3u1XCSTKSLR1n+xga3wveKyAErXa9RcR7AyMnmItxwOH6acVZzAt9XuTQ/v
fjHJRgxIg8qTlGkfIPO+opQwW4HJ/G9GN3a0wB6gD88ly+cKMYcuOkGuukIX9kxc
gIGOPR+0VyGqCcGP6ZKcWHlqQ6yWY1c5GkYslGM7HIl09DhRr3c8XJzudkwF2Ila
UlbKdE4YDzFI+W2t6DV2Zdr1cpisz/TrNRehnGGWMef6Zro1SSCX3Sq6jtD50Zh4
4ofbaolhC/WAb/gGSzt3/2Ktg9twEMBA+gb+EfgB7yO8IHO7mXjTvR1RihgDuU08
6wIDAQAB
-----END PUBLIC KEY-----
"""
RSA_SIGNATURE = (
    "Hfo2cTVCMDPMe5EiTT4Gyxbfdij2S3PkkCxKSaKBJM7wqHcR40MUdrYfcA7Rq6Z+mZB7ZS8TmGGsaTEGT8rmyudyon"
    "TLw7HXQk+0CfPKy01lvvd60Fr/Zkag8RyapXxvQZNxksS9gjT4T1b2HyRMZFhdR8QuA05lXqDlzwODOes1bz8bsY4C"
    "NNhSHlZztveBCEO/jYKitYxPqGP1EmX937/fZ/3Bl2pTPJj2DXuhpvubOnwEd260Jv2ZOH8OVaav7iUZ7ezlha1per"
    "27LhOQQiJnqD+MoOsHz7ibKaMeIs8id39ezuLOYKq1ijbPwd9Ms1kzEPWTOGChmY7yEAw0sQ=="
)
#: The same key and text with a salt of 222 bytes, the most that fits.
RSA_SIGNATURE_LONG_SALT = (
    "niQcWfsWl8UpsltpeNcbFWEtiAZ/LouUHB3YhaJyVyY/y4daY4R+3jQ6JKbwU2sjk8zJQygLLALHskIf23ePkXklXn"
    "pgC9Unn4tNQrSb+0H4E1WHgcmsUhmSYlT69v97Vc1ckNBucgMYQQKo23IyJb6v6F+eOkvJIItDQ7f1aTOMJTfZgkrU"
    "+Bbg2WKbxAk693/YVAsAeMU9GEi25ysPojhp9rPf4q7QMNPeeEhiQXcqBPsxJTpWxAUQFZR2QpvWIzMfbGY88aAEeA"
    "McktNlvZjgrJqPSxJdEKeUdzfzGbMuelMTQzaW9rkBzIgxMj0/2Hbc+yJsTx5qJwoSy3TIqA=="
)


@pytest.fixture(scope="module")
def rsa_key() -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


def _pem(key, passphrase: bytes = b"") -> str:
    protection = (
        serialization.BestAvailableEncryption(passphrase)
        if passphrase
        else serialization.NoEncryption()
    )
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, protection
    ).decode()


def _public_pem(key) -> str:
    return (
        key.public_key()
        .public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
        .decode()
    )


def _headers(signature: str, timestamp: str = str(NOW_MS)) -> dict[str, str]:
    return {
        "KALSHI-ACCESS-KEY": KEY_ID,
        "KALSHI-ACCESS-TIMESTAMP": timestamp,
        "KALSHI-ACCESS-SIGNATURE": signature,
    }


def _check(public_pem: str, headers: dict[str, str], method=METHOD, path=PATH, now_ms=NOW_MS):
    verify(public_pem, headers, method, path, now_ms=now_ms, tolerance_ms=5000)


def test_an_ed25519_signature_equals_the_one_of_another_implementation():
    headers = signer_from_pem(KEY_ID, ED25519_PEM).headers(METHOD, PATH, now_ms=NOW_MS)

    assert headers == _headers(ED25519_SIGNATURE)


def test_an_rsa_signature_of_another_implementation_is_accepted():
    _check(RSA_PUBLIC_PEM, _headers(RSA_SIGNATURE))


def test_a_salt_of_another_length_is_refused():
    with pytest.raises(SignatureRefused):
        _check(RSA_PUBLIC_PEM, _headers(RSA_SIGNATURE_LONG_SALT))


def test_what_is_signed_with_either_kind_of_key_verifies(rsa_key):
    for key in (rsa_key, ed25519.Ed25519PrivateKey.generate()):
        headers = signer_from_pem(KEY_ID, _pem(key)).headers("post", PATH, now_ms=NOW_MS)

        assert headers["KALSHI-ACCESS-KEY"] == KEY_ID
        _check(_public_pem(key), headers, method="POST")


def test_an_rsa_key_in_the_older_file_form_signs_too(rsa_key):
    pem = rsa_key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.TraditionalOpenSSL,
        serialization.NoEncryption(),
    ).decode()

    headers = signer_from_pem(KEY_ID, f"\n{pem}\n\n").headers(METHOD, PATH, now_ms=NOW_MS)

    _check(_public_pem(rsa_key), headers)


def test_the_query_is_not_signed():
    signer = signer_from_pem(KEY_ID, ED25519_PEM)

    assert signer.headers(METHOD, PATH + "?subaccount=0", now_ms=NOW_MS) == _headers(
        ED25519_SIGNATURE
    )


@pytest.mark.parametrize(
    "change",
    [
        {"method": "DELETE"},
        {"path": "/trade-api/v2/portfolio/orders"},
        {"path": "/portfolio/balance"},
        {"headers": _headers(ED25519_SIGNATURE, str(NOW_MS + 1))},
        {"headers": _headers(RSA_SIGNATURE)},
        {"headers": _headers("")},
        {"headers": _headers("not base64!")},
        {"headers": {}},
        {"headers": _headers(ED25519_SIGNATURE, "")},
        {"headers": _headers(ED25519_SIGNATURE, "-1")},
        {"headers": _headers(ED25519_SIGNATURE, "9" * 5000)},
        {"now_ms": NOW_MS + 5001},
        {"now_ms": NOW_MS - 5001},
        {"public_pem": RSA_PUBLIC_PEM},
    ],
)
def test_an_altered_request_is_refused(change):
    arguments = {
        "public_pem": ED25519_PUBLIC_PEM,
        "headers": _headers(ED25519_SIGNATURE),
        **change,
    }

    with pytest.raises(SignatureRefused):
        _check(**arguments)


def test_time_may_differ_up_to_the_tolerance_and_header_names_come_in_any_case():
    lower = {name.lower(): value for name, value in _headers(ED25519_SIGNATURE).items()}

    _check(ED25519_PUBLIC_PEM, lower, now_ms=NOW_MS + 5000)
    _check(ED25519_PUBLIC_PEM, lower, now_ms=NOW_MS - 5000)


@pytest.mark.parametrize(
    ("pem", "told"),
    [
        ("", "cannot be read"),
        ("hello", "cannot be read"),
        ("-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----", "cannot be read"),
        (ED25519_PEM[:60], "cannot be read"),
        (ED25519_PUBLIC_PEM, "cannot be read"),
        ("ключ", "cannot be read"),
        (_pem(ec.generate_private_key(ec.SECP256R1())), "RSA or Ed25519"),
        (_pem(ed25519.Ed25519PrivateKey.generate(), b"word"), "passphrase"),
    ],
)
def test_a_key_that_cannot_be_used_is_told_without_quoting_it(pem, told):
    with pytest.raises(OperatorActionRequired, match=told) as caught:
        signer_from_pem(KEY_ID, pem)

    assert "AAAA" not in str(caught.value)
    assert caught.value.__cause__ is None


def test_a_short_rsa_key_is_refused():
    short = rsa.generate_private_key(public_exponent=65537, key_size=1024)  # noqa: S505 - that is the point

    with pytest.raises(OperatorActionRequired, match="1024 bits"):
        signer_from_pem(KEY_ID, _pem(short))


@pytest.mark.parametrize("key_id", ["", "  ", "id\r\nX-Header: 1", "ключ"])
def test_a_key_id_that_no_header_can_carry_is_refused(key_id):
    with pytest.raises(OperatorActionRequired, match="id"):
        signer_from_pem(key_id, ED25519_PEM)


def test_a_public_key_that_cannot_be_read_is_no_wrong_signature():
    with pytest.raises(InvalidDataError):
        _check("nonsense", _headers(ED25519_SIGNATURE))


def test_a_signer_shows_and_pickles_nothing():
    signer = signer_from_pem(KEY_ID, ED25519_PEM)
    secret = base64.b64decode(ED25519_PEM.splitlines()[1])[-32:].hex()

    shown = f"{signer!r} {signer} {signer:}"

    assert KEY_ID not in shown
    assert secret not in shown
    with pytest.raises(TypeError):
        pickle.dumps(signer)
