"""Keeping secrets out of logs, rows and error messages.

Free of Django. What is stored or shown passes through :func:`redact`, which also makes it plain
JSON, or :func:`redact_text`.
"""

from __future__ import annotations

import datetime as dt
import math
import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit, urlunsplit

REDACTED = "[redacted]"
MAX_DEPTH = 8

_SENSITIVE = (
    r"pass(?:word|wd|phrase)|secret|token|api[_-]?key|private[_-]?key|encryption[_-]?key"
    r"|signature|authorization|credential|cookie|session[_-]?id|kalshi-access-[a-z]+"
)
_SECRET_NAME = re.compile(_SENSITIVE, re.IGNORECASE)

_PEM = re.compile(r"-----BEGIN [A-Z0-9 ]+-----.*?(?:-----END [A-Z0-9 ]+-----|\Z)", re.DOTALL)
_SCHEME_TOKEN = re.compile(r"\b(Bearer|Basic)\s+[A-Za-z0-9._~+/=-]{4,}", re.IGNORECASE)
_DRF_TOKEN = re.compile(r"\bToken\s+[A-Za-z0-9]{20,}", re.IGNORECASE)
_URL_CREDENTIALS = re.compile(r"\b([a-z][a-z0-9+.-]{0,20}://)[^\s/@\"']+@", re.IGNORECASE)
# Possessive, so that a long word is read once and never again from its middle.
_NAME_BEFORE_VALUE = re.compile(r"(?<![\w-])([\w-]++)[\"']?\s*[=:]\s*")
_VALUE = re.compile(
    r"\"[^\"]*\"|'[^']*'|(?:(?:bearer|basic|token)\s+)?(?:\[redacted\]|[^\s\"',;&}\])]+)",
    re.IGNORECASE,
)


def is_secret_name(name: str) -> bool:
    """Say whether a field of this name holds a secret."""
    return _SECRET_NAME.search(name) is not None


def redact_text(text: str) -> str:
    """Return ``text`` without key blocks, bearer tokens, credentials in URLs and assignments."""
    text = _PEM.sub(REDACTED, text)
    text = _URL_CREDENTIALS.sub(rf"\1{REDACTED}@", text)
    text = _SCHEME_TOKEN.sub(rf"\1 {REDACTED}", text)
    text = _DRF_TOKEN.sub(f"Token {REDACTED}", text)
    return _redact_assigned(text)


def redact_url(url: str) -> str:
    """Return an address without credentials and without the values of secret parameters."""
    parts = urlsplit(url)
    host = parts.netloc.rpartition("@")[2]
    return redact_text(urlunsplit((parts.scheme, host, parts.path, parts.query, "")))


def redact(value: Any, *, depth: int = 0) -> Any:
    """Return ``value`` as plain JSON with every secret replaced, however deep.

    Decimals, dates and unknown objects become text; numbers that are not finite become text too,
    since JSON has none.
    """
    if value is None or isinstance(value, bool | int):
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else str(value)
    if isinstance(value, str):
        return redact_text(str(value))
    if isinstance(value, dt.date | dt.time):
        return value.isoformat().replace("+00:00", "Z")
    if isinstance(value, bytes | bytearray | memoryview):
        return f"[{len(value)} bytes]"
    if depth >= MAX_DEPTH:
        return "[too deep]"
    if isinstance(value, Mapping):
        return {str(key): _redact_item(str(key), item, depth) for key, item in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        items = sorted(value, key=str) if isinstance(value, set | frozenset) else value
        return [redact(item, depth=depth + 1) for item in items]
    return redact_text(str(value))


def _redact_item(key: str, value: Any, depth: int) -> Any:
    if is_secret_name(key) and value is not None and not isinstance(value, bool):
        return REDACTED
    return redact(value, depth=depth + 1)


def _redact_assigned(text: str) -> str:
    pieces: list[str] = []
    kept_to = 0
    for name in _NAME_BEFORE_VALUE.finditer(text):
        if name.start() < kept_to or not is_secret_name(name.group(1)):
            continue
        value = _VALUE.match(text, name.end())
        if value is None:
            continue
        pieces += [text[kept_to : name.end()], REDACTED]
        kept_to = value.end()
    return "".join([*pieces, text[kept_to:]])
