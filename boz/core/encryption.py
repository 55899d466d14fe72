"""Secrets at rest: AES-256-GCM under a list of keys.

The first key encrypts, every key decrypts, so that a key is rotated by putting a new one first and
re-encrypting. A token looks like ``boz1.<key id>.<base64url of nonce and ciphertext>`` and is
bound to its row: copied to another one it does not open.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import os
from collections.abc import Sequence
from typing import Any, NoReturn, Self

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from django.conf import settings

from boz.core.errors import OperatorActionRequired
from boz.core.redaction import REDACTED

VERSION = "boz1"
KEY_BYTES = 32
NONCE_BYTES = 12
KEY_ID_CHARS = 8


class Secret:
    """A text that shows itself only on :meth:`reveal`: not in logs, reprs, pickles or f-strings."""

    __slots__ = ("_text",)

    def __init__(self, text: str) -> None:
        """Wrap a text."""
        self._text = text

    def reveal(self) -> str:
        """Return the text itself; call it where the secret is used and nowhere earlier."""
        return self._text

    def __repr__(self) -> str:
        return f"Secret({REDACTED})"

    def __str__(self) -> str:
        return REDACTED

    def __format__(self, spec: str) -> str:
        return REDACTED

    def __bool__(self) -> bool:
        return bool(self._text)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Secret):
            return NotImplemented
        return hmac.compare_digest(self._text.encode(), other._text.encode())

    def __hash__(self) -> int:
        return hash((Secret, self._text))

    def __copy__(self) -> Self:
        return self

    def __deepcopy__(self, memo: dict[int, Any]) -> Self:
        return self

    def __reduce_ex__(self, protocol: Any) -> NoReturn:
        raise TypeError("a secret is never pickled; pass the id of its row instead")


def parse_keys(text: str) -> list[bytes]:
    """Read comma-separated base64 keys of 32 bytes each; the first one encrypts.

    Raises:
        ValueError: Naming which key is wrong and why, never its content.
    """
    parts = [part.strip() for part in text.split(",") if part.strip()]
    if not parts:
        raise ValueError("no encryption key is given; it is 32 random bytes in base64")
    keys = [_parse_key(part, number) for number, part in enumerate(parts, start=1)]
    if len(set(keys)) != len(keys):
        raise ValueError("the same encryption key is given twice")
    return keys


def key_id(key: bytes) -> str:
    """Return the short public name of a key; it says nothing about the key."""
    return hashlib.sha256(b"boz key id\n" + key).hexdigest()[:KEY_ID_CHARS]


def encrypt(plaintext: str, *, bound_to: str, keys: Sequence[bytes]) -> str:
    """Encrypt under the first of ``keys``.

    Args:
        plaintext: The secret.
        bound_to: Name of the row it belongs to; opening needs the same.
        keys: Keys of 32 bytes.

    Raises:
        OperatorActionRequired: If there is no key.
    """
    if not keys:
        raise OperatorActionRequired("No encryption key is configured. Set ENCRYPTION_KEY.")
    if not bound_to:
        raise ValueError("bound_to must name the row the secret belongs to, was empty")
    name, nonce = key_id(keys[0]), os.urandom(NONCE_BYTES)
    sealed = AESGCM(keys[0]).encrypt(nonce, plaintext.encode(), _associated(name, bound_to))
    body = base64.urlsafe_b64encode(nonce + sealed).decode().rstrip("=")
    return f"{VERSION}.{name}.{body}"


def decrypt(token: str, *, bound_to: str, keys: Sequence[bytes]) -> str:
    """Open a token under whichever of ``keys`` made it.

    Raises:
        OperatorActionRequired: If the key is unknown, or the token was changed or moved.
    """
    name, nonce, sealed = _parse_token(token)
    key = next((key for key in keys if key_id(key) == name), None)
    if key is None:
        raise OperatorActionRequired(
            f"A stored secret was encrypted with key {name}, which is not configured. "
            "Add that key to ENCRYPTION_KEY after the present one, or enter the secret again.",
            {"key_id": name, "known_key_ids": [key_id(key) for key in keys]},
        )
    try:
        return AESGCM(key).decrypt(nonce, sealed, _associated(name, bound_to)).decode()
    except InvalidTag:
        raise OperatorActionRequired(
            "A stored secret was changed or copied from another row and is refused. "
            "Enter the secret again.",
            {"key_id": name},
        ) from None


def reencrypt(token: str, *, bound_to: str, keys: Sequence[bytes]) -> str:
    """Return a token under the first key; unchanged if it is that already and opens."""
    plaintext = decrypt(token, bound_to=bound_to, keys=keys)
    if _parse_token(token)[0] == key_id(keys[0]):
        return token
    return encrypt(plaintext, bound_to=bound_to, keys=keys)


def encrypt_api_key(plaintext: str, *, bound_to: str) -> str:
    """Encrypt under the configured keys; see :func:`encrypt`."""
    return encrypt(plaintext, bound_to=bound_to, keys=settings.ENCRYPTION_KEYS)


def decrypt_api_key(token: str, *, bound_to: str) -> str:
    """Open under the configured keys; see :func:`decrypt`."""
    return decrypt(token, bound_to=bound_to, keys=settings.ENCRYPTION_KEYS)


def _parse_key(text: str, number: int) -> bytes:
    try:
        key = base64.b64decode(text.replace("-", "+").replace("_", "/"), validate=True)
    except (binascii.Error, ValueError):
        raise ValueError(f"encryption key {number} is not base64") from None
    if len(key) != KEY_BYTES:
        raise ValueError(f"encryption key {number} must have {KEY_BYTES} bytes, has {len(key)}")
    if len(set(key)) == 1:
        raise ValueError(f"encryption key {number} repeats one byte; make a random one")
    return key


def _parse_token(token: str) -> tuple[str, bytes, bytes]:
    version, _, rest = token.partition(".")
    name, _, body = rest.partition(".")
    try:
        raw = base64.b64decode(body + "=" * (-len(body) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        raw = b""
    if version != VERSION or len(name) != KEY_ID_CHARS or len(raw) <= NONCE_BYTES:
        raise OperatorActionRequired(
            "A stored secret is not in a known format. Enter the secret again."
        )
    return name, raw[:NONCE_BYTES], raw[NONCE_BYTES:]


def _associated(name: str, bound_to: str) -> bytes:
    return f"{VERSION}|{name}|{bound_to}".encode()
