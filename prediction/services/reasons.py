"""What every act of a person needs: a reason."""

from __future__ import annotations

from boz.core.errors import InvalidDataError


def require_reason(reason: str) -> str:
    """Return a reason without the space around it.

    Raises:
        InvalidDataError: If nothing is left.
    """
    told = reason.strip()
    if not told:
        raise InvalidDataError("A reason is needed; it is kept in the audit trail.")
    return told
