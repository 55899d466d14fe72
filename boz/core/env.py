"""Typed reading of the environment.

Every variable may also be given as ``NAME_FILE``, the path of a mounted file that holds the value;
the file wins. An empty value counts as not set. Whatever is missing or malformed stops start-up
with one sentence that names the variable, says what was wrong and how to fix it. A value is never
repeated in such a sentence unless it is plainly no secret (numbers, choices, switches).
"""

from __future__ import annotations

import os
import warnings
from collections.abc import Callable, Iterable
from decimal import Decimal
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import urlsplit

import environ
from django.core.exceptions import ImproperlyConfigured

from boz.core.money import to_decimal

#: Every name read so far; a test holds ``.env.example`` against it.
READ_NAMES: set[str] = set()

TRUE_WORDS = frozenset({"1", "true", "yes", "on"})
FALSE_WORDS = frozenset({"0", "false", "no", "off"})

#: What the suite runs on; other databases may treat locks and constraints differently.
DATABASE_ENGINES = frozenset({"django.db.backends.sqlite3", "django.db.backends.postgresql"})

Number = TypeVar("Number", int, float, Decimal)


def load_env_file(path: str | Path) -> bool:
    """Load ``NAME=value`` lines into the environment; variables that exist already stay.

    A comment has a line of its own: a ``#`` within a value belongs to it, as in a password.

    Returns:
        Whether the file was there.

    Raises:
        ImproperlyConfigured: If the file exists and cannot be read.
    """
    file = Path(path)
    if not file.is_file():
        return False
    try:
        environ.Env.read_env(file, overwrite=False)
    except (OSError, UnicodeDecodeError) as error:
        raise ImproperlyConfigured(
            f"The environment file {file} cannot be read ({type(error).__name__}). "
            "Make it readable UTF-8 text for the user who runs the server."
        ) from None
    return True


def read_str(name: str, *, default: str | None = None, help: str = "") -> str:
    """Return a text; without ``default`` the variable is required.

    Raises:
        ImproperlyConfigured: If a required variable is missing or its file cannot be read.
    """
    text = _raw(name)
    if text is not None:
        return text
    if default is None:
        raise _missing(name, help)
    return default


def read_secret(name: str, *, default: str | None = None, help: str = "") -> str:
    """Return a secret; like :func:`read_str`, and no error ever repeats the value.

    Args:
        name: Name of the variable.
        default: Used when nothing is set; ``None`` makes the variable required.
        help: One sentence that says how to make such a secret.
    """
    return read_str(name, default=default, help=help)


def read_int(
    name: str,
    *,
    default: int | None = None,
    minimum: int | None = None,
    maximum: int | None = None,
    help: str = "",
) -> int:
    """Return a whole number within ``minimum..maximum`` (both inclusive)."""
    return _read_number(name, int, "a whole number", default, minimum, maximum, help)


def read_float(
    name: str,
    *,
    default: float | None = None,
    minimum: float | None = None,
    maximum: float | None = None,
    help: str = "",
) -> float:
    """Return a finite number within ``minimum..maximum`` (both inclusive)."""

    def parse(text: str) -> float:
        return float(to_decimal(text, name=name))

    return _read_number(name, parse, "a number", default, minimum, maximum, help)


def read_decimal(
    name: str,
    *,
    default: str | Decimal | None = None,
    minimum: str | Decimal | None = None,
    maximum: str | Decimal | None = None,
    help: str = "",
) -> Decimal:
    """Return an exact decimal within ``minimum..maximum`` (both inclusive)."""

    def parse(text: str) -> Decimal:
        return to_decimal(text, name=name)

    def exact(value: str | Decimal | None) -> Decimal | None:
        return None if value is None else to_decimal(value, name=name)

    return _read_number(
        name,
        parse,
        "an exact decimal such as 1.00",
        exact(default),
        exact(minimum),
        exact(maximum),
        help,
    )


def read_bool(name: str, *, default: bool | None = None, help: str = "") -> bool:
    """Return a switch: 1/true/yes/on or 0/false/no/off, in any case."""
    text = _raw(name)
    if text is None:
        if default is None:
            raise _missing(name, help)
        return default
    word = text.lower()
    if word in TRUE_WORDS:
        return True
    if word in FALSE_WORDS:
        return False
    raise _malformed(name, f"must be 1 or 0 (true or false), was {_short(text)!r}", help)


def read_choice(
    name: str,
    *,
    choices: Iterable[str],
    default: str | None = None,
    help: str = "",
) -> str:
    """Return one of ``choices``; the case of the letters does not matter."""
    allowed = tuple(choices)
    text = _raw(name)
    if text is None:
        if default is None:
            raise _missing(name, help or f"Choose one of {', '.join(allowed)}.")
        return default
    for choice in allowed:
        if choice.lower() == text.lower():
            return choice
    raise _malformed(name, f"must be one of {', '.join(allowed)}, was {_short(text)!r}", help)


def read_list(name: str, *, default: str | None = None, help: str = "") -> list[str]:
    """Return comma-separated texts without blanks around them; empty items are dropped."""
    text = read_str(name, default=default, help=help)
    return [item.strip() for item in text.split(",") if item.strip()]


def read_url(
    name: str,
    *,
    default: str | None = None,
    schemes: Iterable[str] = ("http", "https"),
    help: str = "",
) -> str:
    """Return an address with one of ``schemes`` and a host, without a slash at its end.

    An empty ``default`` makes the address optional: the empty text is returned.
    """
    text = read_str(name, default=default, help=help)
    if text == "":
        return text
    allowed = tuple(schemes)
    try:
        parts = urlsplit(text)
        valid = parts.scheme in allowed and bool(parts.hostname)
        valid = valid and (parts.port is None or parts.port > 0)
    except ValueError:
        valid = False
    if not valid:
        # The address may carry a password, so it is not repeated.
        raise _malformed(name, f"must be an address like {allowed[0]}://host/path", help)
    return text.rstrip("/")


def read_database(name: str, *, default: str | None = None, help: str = "") -> dict[str, Any]:
    """Return Django's database settings from an address such as ``postgres://user@host/name``."""
    text = read_str(name, default=default, help=help)
    wrong = (
        "must be a database address like sqlite:////data/boz.sqlite3 or postgres://user@host/name"
    )
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")  # an unknown scheme is only warned of, with the address
            config = dict(environ.Env.db_url_config(text))
    except Exception:  # noqa: BLE001 - the parser's errors repeat the address with its password
        raise _malformed(name, wrong, help) from None
    if config.get("ENGINE") not in DATABASE_ENGINES:
        raise _malformed(name, wrong, help)
    return config


def _raw(name: str) -> str | None:
    READ_NAMES.add(name)
    path = os.environ.get(f"{name}_FILE", "").strip()
    if not path:
        return os.environ.get(name, "").strip() or None
    try:
        text = Path(path).read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise ImproperlyConfigured(
            f"{name}_FILE points at {path}, which cannot be read ({type(error).__name__}). "
            f"Mount that file as UTF-8 text, or unset {name}_FILE and set {name}."
        ) from None
    if not text:
        raise ImproperlyConfigured(
            f"{name}_FILE points at {path}, which is empty. "
            f"Write the value into it, or unset {name}_FILE and set {name}."
        )
    return text


def _read_number(
    name: str,
    parse: Callable[[str], Number],
    kind: str,
    default: Number | None,
    minimum: Number | None,
    maximum: Number | None,
    help: str,
) -> Number:
    text = _raw(name)
    if text is None:
        if default is None:
            raise _missing(name, help)
        return default
    try:
        value = parse(text)
    except ValueError:
        raise _malformed(name, f"must be {kind}, was {_short(text)!r}", help) from None
    if minimum is not None and value < minimum:
        raise _malformed(name, f"must be at least {minimum}, was {_short(text)}", help)
    if maximum is not None and value > maximum:
        raise _malformed(name, f"must be at most {maximum}, was {_short(text)}", help)
    return value


def _missing(name: str, help: str) -> ImproperlyConfigured:
    sentence = f"{name} is not set. Set {name} in the environment or in .env, or {name}_FILE to "
    return ImproperlyConfigured(f"{sentence}a file that holds it. {help}".rstrip())


def _malformed(name: str, wrong: str, help: str) -> ImproperlyConfigured:
    sentence = f"{name} {wrong}. Correct {name} in the environment or in .env"
    return ImproperlyConfigured(f"{sentence} (or the file {name}_FILE points at). {help}".rstrip())


def _short(text: str) -> str:
    return text if len(text) <= 20 else f"{text[:20]}…"
