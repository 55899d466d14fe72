"""Signatures of requests to the exchange, and their check on the other side.

Signed is the time in Unix milliseconds, the method in capitals and the path of the address from
its root (``/trade-api/v2/…``), with nothing between them; host, query and body are not signed. An
RSA key signs with RSASSA-PSS over SHA-256 (MGF1 with SHA-256, salt of 32 bytes), an Ed25519 key
plainly.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping
from typing import Final, NoReturn, Protocol

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ed25519, padding, rsa

from boz.core.errors import BozBaseException, InvalidDataError, OperatorActionRequired

KEY_HEADER: Final = "KALSHI-ACCESS-KEY"
TIMESTAMP_HEADER: Final = "KALSHI-ACCESS-TIMESTAMP"
SIGNATURE_HEADER: Final = "KALSHI-ACCESS-SIGNATURE"
SALT_BYTES: Final = 32
#: Shorter RSA keys can be broken; the exchange issues none.
MIN_RSA_BITS: Final = 2048

_HASH = hashes.SHA256()
_PSS = padding.PSS(mgf=padding.MGF1(_HASH), salt_length=SALT_BYTES)


class SignatureRefused(BozBaseException):
    """A request is not signed, signed by another key, altered, or out of its time."""


class Signer(Protocol):
    """Whoever can sign a request; the key stays inside."""

    @property
    def key_id(self) -> str:
        """Return the name under which the exchange knows the key."""

    def headers(self, method: str, path: str, *, now_ms: int) -> dict[str, str]:
        """Return the three headers of a signed request.

        Args:
            method: The HTTP method.
            path: The path of the full address; a query is not signed and left off.
            now_ms: The present time, Unix milliseconds.
        """


def signer_from_pem(key_id: str, pem: str) -> Signer:
    """Return a signer of a private key.

    Args:
        key_id: The name under which the exchange knows the key.
        pem: The private key as text, RSA (at least 2048 bits) or Ed25519, without passphrase.

    Raises:
        OperatorActionRequired: If it is no such key; never quotes it.
    """
    if not key_id.strip() or not key_id.isascii() or not key_id.isprintable():
        raise OperatorActionRequired(
            "The exchange key has no usable id. Copy the id that the exchange shows beside it."
        )
    return _Signer(key_id.strip(), _private_key(pem))


def signed_text(timestamp_ms: int | str, method: str, path: str) -> bytes:
    """Return the bytes that are signed."""
    return f"{timestamp_ms}{method.upper()}{path.partition('?')[0]}".encode()


def verify(
    public_key_pem: str,
    headers: Mapping[str, str],
    method: str,
    path: str,
    *,
    now_ms: int,
    tolerance_ms: int,
) -> None:
    """Check that a request was signed by the owner of a key, about now.

    Args:
        public_key_pem: The public key as text.
        headers: Headers of the request; their names in any case.
        method: Its method.
        path: The path of its full address.
        now_ms: The present time, Unix milliseconds.
        tolerance_ms: How far the signed time may be from it, either way.

    Raises:
        SignatureRefused: If it was not.
        InvalidDataError: If the public key cannot be used.
    """
    key = _public_key(public_key_pem)
    given = {name.lower(): value for name, value in headers.items()}
    timestamp = given.get(TIMESTAMP_HEADER.lower(), "")
    signature = _signature(given.get(SIGNATURE_HEADER.lower(), ""))
    if not (timestamp.isascii() and timestamp.isdecimal() and len(timestamp) <= 20):
        raise SignatureRefused("The request carries no time in milliseconds.")
    if abs(int(timestamp) - now_ms) > tolerance_ms:
        raise SignatureRefused(
            "The request was signed too far from the present time.",
            {"signed_ms": int(timestamp), "now_ms": now_ms},
        )
    text = signed_text(timestamp, method, path)
    try:
        if isinstance(key, rsa.RSAPublicKey):
            key.verify(signature, text, _PSS, _HASH)
        else:
            key.verify(signature, text)
    except InvalidSignature:
        raise SignatureRefused("The signature does not fit the request.") from None


class _Signer:
    """Signs with a private key held in memory; shows and pickles nothing of it."""

    __slots__ = ("_key", "_key_id")

    def __init__(self, key_id: str, key: rsa.RSAPrivateKey | ed25519.Ed25519PrivateKey) -> None:
        self._key_id, self._key = key_id, key

    @property
    def key_id(self) -> str:
        return self._key_id

    def headers(self, method: str, path: str, *, now_ms: int) -> dict[str, str]:
        return {
            KEY_HEADER: self._key_id,
            TIMESTAMP_HEADER: str(now_ms),
            SIGNATURE_HEADER: base64.b64encode(
                self._sign(signed_text(now_ms, method, path))
            ).decode(),
        }

    def _sign(self, text: bytes) -> bytes:
        if isinstance(self._key, rsa.RSAPrivateKey):
            return self._key.sign(text, _PSS, _HASH)
        return self._key.sign(text)

    def __repr__(self) -> str:
        return f"Signer(key id ending in {self._key_id[-4:]!r})"

    def __reduce__(self) -> NoReturn:
        raise TypeError("a signer is not pickled: its key would leave the process")


def _private_key(pem: str) -> rsa.RSAPrivateKey | ed25519.Ed25519PrivateKey:
    try:
        key = serialization.load_pem_private_key(pem.strip().encode(), password=None)
    except TypeError:
        raise OperatorActionRequired(
            "The private key is protected by a passphrase. Store it without one; it is kept "
            "encrypted here."
        ) from None
    except (ValueError, UnsupportedAlgorithm):
        raise OperatorActionRequired(
            "The private key cannot be read. Paste the whole file that the exchange gave, from "
            "its line BEGIN to its line END."
        ) from None
    if isinstance(key, rsa.RSAPrivateKey):
        if key.key_size < MIN_RSA_BITS:
            raise OperatorActionRequired(
                f"The private key has {key.key_size} bits; at least {MIN_RSA_BITS} are needed."
            )
        return key
    if isinstance(key, ed25519.Ed25519PrivateKey):
        return key
    raise OperatorActionRequired(
        "The private key is of a kind that the exchange does not take: it must be RSA or Ed25519."
    )


def _public_key(pem: str) -> rsa.RSAPublicKey | ed25519.Ed25519PublicKey:
    try:
        key = serialization.load_pem_public_key(pem.strip().encode())
    except (ValueError, UnsupportedAlgorithm):
        raise InvalidDataError("The public key cannot be read.") from None
    if not isinstance(key, rsa.RSAPublicKey | ed25519.Ed25519PublicKey):
        raise InvalidDataError("The public key is neither RSA nor Ed25519.")
    return key


def _signature(text: str) -> bytes:
    if not text:
        raise SignatureRefused("The request is not signed.")
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise SignatureRefused("The signature is not base64.") from None
