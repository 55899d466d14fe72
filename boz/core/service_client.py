"""What the clients of all outside services share: one transport, closed with the client."""

from __future__ import annotations

from types import TracebackType
from typing import Self

from boz.core.http import HttpTransport


class ServiceClient:
    """A client of one outside service; use it in a ``with`` block, or close it."""

    def __init__(self, http: HttpTransport) -> None:
        """Take the transport; a client's own ``from_settings`` builds the ordinary one."""
        self._http = http

    def __enter__(self) -> Self:
        """Return the client."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Close the connections."""
        self.close()

    def close(self) -> None:
        """Close the pooled connections."""
        self._http.close()
