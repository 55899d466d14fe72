"""Raw answers, kept once by their hash, so that a derived row can be checked later."""

from __future__ import annotations

import hashlib
import zlib

from boz.core.http import Captured
from weather.models import Payload

#: Of an answer of megabytes for all stations, the usual level 6 saves another sixth in five times
#: the time, which would be most of what its storing takes.
COMPRESSION = 4


def store_payload(captured: Captured) -> Payload:
    """Return the row of a raw answer, made on its first sight."""
    payload, _ = Payload.objects.get_or_create(
        sha256=hashlib.sha256(captured.body).hexdigest(),
        defaults={
            "source": captured.source,
            "url": captured.url,
            "content_type": captured.content_type[:120],
            "body": zlib.compress(captured.body, level=COMPRESSION),
            "received_at": captured.received_at,
        },
    )
    return payload


def payload_body(payload: Payload) -> bytes:
    """Return the body of a kept answer as it came in."""
    return zlib.decompress(bytes(payload.body))
