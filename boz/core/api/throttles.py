"""How often a password may be tried."""

from __future__ import annotations

import hashlib
from typing import Any, cast

from rest_framework.request import Request
from rest_framework.throttling import SimpleRateThrottle
from rest_framework.views import APIView


class LoginThrottle(SimpleRateThrottle):
    """Attempts to log in, counted by something about them."""

    scope = "login"
    num_requests: int | None
    duration: int | None

    def count(self, attempt: Any) -> None:
        """Count an attempt of a page outside of the API.

        Args:
            attempt: Has the request's ``META`` and the form as ``data``.
        """
        self.allow_request(attempt, cast(APIView, None))

    def is_exhausted(self, request: Any) -> bool:
        """Say whether no further attempt is allowed now, without counting one."""
        key = self.get_cache_key(request, cast(APIView, None))
        if key is None or self.num_requests is None or self.duration is None:
            return False
        since = self.timer() - self.duration
        return sum(moment > since for moment in self.cache.get(key, [])) >= self.num_requests


class LoginPerAddress(LoginThrottle):
    """Counts attempts from the connecting address.

    Headers that name another address are not believed: whoever guesses passwords writes them.
    """

    def get_cache_key(self, request: Request, view: Any) -> str | None:
        """Return the counter's name."""
        address = request.META.get("REMOTE_ADDR", "")
        return self.cache_format % {"scope": self.scope, "ident": f"address-{address}"}


class LoginPerName(LoginThrottle):
    """Counts attempts on one user name, from wherever they come."""

    def get_cache_key(self, request: Request, view: Any) -> str | None:
        """Return the counter's name, or None when no name was given."""
        name = request.data.get("username") if hasattr(request.data, "get") else None
        if not isinstance(name, str) or not name:
            return None
        digest = hashlib.sha256(name.strip().lower().encode()).hexdigest()
        return self.cache_format % {"scope": self.scope, "ident": f"name-{digest}"}
