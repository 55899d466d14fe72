"""The error classes of the whole system.

A class tells the caller what to do; the message is a sentence an operator understands; the
context holds the facts. The API renders each one as
``{"error": class, "message": text, "context": {...}}``.
"""

from __future__ import annotations

from typing import Any


class BozBaseException(Exception):  # noqa: N818 - the name is part of the public contract
    """Root of every error the system raises on purpose.

    Args:
        message: One plain sentence for the operator.
        context: Facts that explain the message; never secrets.
    """

    def __init__(self, message: str, context: dict[str, Any] | None = None) -> None:
        """Keep the sentence and its facts."""
        super().__init__(message)
        self.message = message
        self.context: dict[str, Any] = dict(context or {})

    def as_dict(self) -> dict[str, Any]:
        """Return the shape in which the API and ``--json`` commands report an error."""
        return {
            "error": type(self).__name__,
            "message": self.message,
            "context": {key: _plain(value) for key, value in self.context.items()},
        }


def _plain(value: Any) -> Any:
    if value is None or isinstance(value, bool | int | float | str):
        return value
    if isinstance(value, list | tuple | set):
        return [_plain(item) for item in value]
    if isinstance(value, dict):
        return {str(key): _plain(item) for key, item in value.items()}
    return str(value)


class TransientError(BozBaseException):
    """The outside did not answer properly; trying again later may work."""


class DataUnavailable(BozBaseException):
    """Data that this step needs does not exist as of now; skip the subject and say so."""


class StaleDataError(DataUnavailable):
    """Data exists but is too old to act on."""


class InvalidDataError(BozBaseException):
    """The outside said something that cannot be true; the datum is refused, earlier rows stay."""


class QuarantinedError(BozBaseException):
    """A ladder is not proven to tile the integers, so nothing may trade on it."""


class RiskLimitError(BozBaseException):
    """A limit of the portfolio forbids this order."""


class CooldownActiveError(RiskLimitError):
    """A protection has locked trading until a stated time."""


class InsufficientBalanceError(RiskLimitError):
    """The portfolio cannot pay for this order."""


class InvalidOrderError(BozBaseException):
    """The order is malformed: off the price grid, a count of zero, a closed market."""


class OperatorActionRequired(BozBaseException):
    """Only a person can resolve this; stop and alert."""
