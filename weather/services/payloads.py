"""Raw answers, kept once by their hash, so that a derived row can be checked later."""

from __future__ import annotations

import hashlib
import zlib

from boz.core.http import Captured
from weather.models import Payload


class CaptureBox:
    """Holds the answer to the latest call of a client until a row is derived from it."""

    def __init__(self) -> None:
        """Start empty."""
        self.latest: Captured | None = None

    def __call__(self, captured: Captured) -> None:
        """Take an answer; used as the ``capture`` of a transport."""
        self.latest = captured

    def clear(self) -> None:
        """Forget the answer before the next subject, so that it is not taken for that one's."""
        self.latest = None


def store_payload(captured: Captured | None) -> Payload | None:
    """Return the row of a raw answer, made on its first sight; None when nothing was captured."""
    if captured is None:
        return None
    payload, _ = Payload.objects.get_or_create(
        sha256=hashlib.sha256(captured.body).hexdigest(),
        defaults={
            "source": captured.source,
            "url": captured.url,
            "content_type": captured.content_type[:120],
            "body": zlib.compress(captured.body, level=6),
            "received_at": captured.received_at,
        },
    )
    return payload


def payload_body(payload: Payload) -> bytes:
    """Return the body of a kept answer as it came in."""
    return zlib.decompress(bytes(payload.body))
