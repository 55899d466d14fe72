"""How often a password may be tried."""

from __future__ import annotations

import hashlib
from typing import Any

from rest_framework.request import Request
from rest_framework.throttling import SimpleRateThrottle


class LoginPerAddress(SimpleRateThrottle):
    """Counts attempts from the connecting address.

    Headers that name another address are not believed: whoever guesses passwords writes them.
    """

    scope = "login"

    def get_cache_key(self, request: Request, view: Any) -> str | None:
        """Return the counter's name."""
        address = request.META.get("REMOTE_ADDR", "")
        return self.cache_format % {"scope": self.scope, "ident": f"address-{address}"}


class LoginPerName(SimpleRateThrottle):
    """Counts attempts on one user name, from wherever they come."""

    scope = "login"

    def get_cache_key(self, request: Request, view: Any) -> str | None:
        """Return the counter's name, or None when no name was given."""
        name = request.data.get("username") if hasattr(request.data, "get") else None
        if not isinstance(name, str) or not name:
            return None
        digest = hashlib.sha256(name.strip().lower().encode()).hexdigest()
        return self.cache_format % {"scope": self.scope, "ident": f"name-{digest}"}
