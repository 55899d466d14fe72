"""Raw answers, kept once by their hash, so that a derived row can be checked later."""

from __future__ import annotations

import hashlib
import zlib
from collections.abc import Sequence

from django.db import transaction

from boz.core.http import Captured
from weather.models import Payload, Said

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


def store_with_payload(rows: Sequence[Said], captured: Captured | None) -> None:
    """Write rows of one kind together with the answer that they came from."""
    if not rows:
        return
    with transaction.atomic():
        payload = None if captured is None else store_payload(captured)
        for row in rows:
            row.payload = payload
        # Another run may have written them since; the first one stands.
        type(rows[0]).objects.bulk_create(rows, ignore_conflicts=True)


def payload_body(payload: Payload) -> bytes:
    """Return the body of a kept answer as it came in."""
    return zlib.decompress(bytes(payload.body))
