"""Client of the National Blend of Models' text bulletins: one station's block out of 35 MB."""

from __future__ import annotations

import datetime as dt
import email.utils
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Self

from django.conf import settings

from boz.core.clock import UTC, utc_now
from boz.core.errors import DataUnavailable, InvalidDataError, TransientError
from boz.core.http import Captured, Fetched, HttpTransport
from boz.core.service_client import ServiceClient
from weather.clients.nbm_search import BulletinSearch, FoundBlock, Piece

SOURCE = "noaa-nbm"
#: Statuses of a file that is not there; the store hides what may not be listed behind 403.
NOT_PUBLISHED = frozenset({403, 404})
_FILES = {"NBP": "blend_nbptx", "NBS": "blend_nbstx", "NBE": "blend_nbetx"}


@dataclass(frozen=True, slots=True)
class NbmBlock:
    """One station's part of a bulletin.

    Args:
        published_at: When the file was stored, None if the service does not say.
        offset_hint: Place of the block in its file, 0 to 1: where to look in the next cycle's.
    """

    station: str
    product: str
    cycle: dt.datetime
    text: str
    published_at: dt.datetime | None
    offset_hint: float


@dataclass(frozen=True, slots=True)
class NbmBlocks:
    """What one bulletin gave: blocks in the order asked, and a sentence per station without."""

    blocks: tuple[NbmBlock, ...]
    problems: tuple[tuple[str, str], ...]


class NbmClient(ServiceClient):
    """Reads blocks of bulletins by ranges of bytes.

    ``capture`` is called once for every block found, in the order of the answer, and not with the
    pieces of the file that were read on the way.
    """

    def __init__(
        self,
        http: HttpTransport,
        *,
        capture: Callable[[Captured], None] | None = None,
        now: Callable[[], dt.datetime] = utc_now,
    ) -> None:
        """Take the transport; ``now`` dates what is captured."""
        super().__init__(http)
        self._capture = capture
        self._now = now

    @classmethod
    def from_settings(cls, *, capture: Callable[[Captured], None] | None = None) -> Self:
        """Return a client with the address and rate limit of the settings."""
        return cls(
            http=HttpTransport(
                base_url=settings.NBM_API_URL,
                source=SOURCE,
                user_agent=settings.NWS_USER_AGENT,
                rate_per_second=settings.NBM_RATE_LIMIT_PER_SECOND,
            ),
            capture=capture,
        )

    def blocks(
        self,
        *,
        product: str,
        cycle: dt.datetime,
        stations: Sequence[str],
        hints: Mapping[str, float] | None = None,
    ) -> NbmBlocks:
        """Return the blocks of several stations in one bulletin.

        With good hints that takes one call and one more per station.

        Args:
            product: ``NBP``, ``NBS`` or ``NBE``.
            cycle: Hour of the run.
            stations: Identifiers as printed, e.g. ``KNYC``.
            hints: By station, the ``offset_hint`` of a cycle before.

        Raises:
            DataUnavailable: If the bulletin is not published (yet).
            TransientError: If the service cannot be reached, or the file changed meanwhile.
            InvalidDataError: If the file is no bulletin of this product and cycle.
        """
        moment = cycle.astimezone(UTC)
        path = f"/blend.{moment:%Y%m%d}/{moment:%H}/text/{_FILES[product]}.t{moment:%H}z"
        reader = _FileReader(
            self._http, path, subject=f"{product} bulletin of {moment:%Y-%m-%d %HZ}"
        )
        search = BulletinSearch(reader.read, product=product, cycle=moment)
        blocks: list[NbmBlock] = []
        problems: list[tuple[str, str]] = []
        for station in stations:
            try:
                found = search.find(station, hint=(hints or {}).get(station))
            except DataUnavailable as error:
                problems.append((station, error.message))
                continue
            self._keep(found, path)
            blocks.append(
                NbmBlock(
                    station=station,
                    product=product,
                    cycle=moment,
                    text=found.text,
                    published_at=reader.published_at,
                    offset_hint=found.offset / search.size,
                )
            )
        return NbmBlocks(tuple(blocks), tuple(problems))

    def _keep(self, found: FoundBlock, path: str) -> None:
        if self._capture is not None:
            self._capture(
                Captured(
                    source=SOURCE,
                    url=f"{settings.NBM_API_URL}{path}#{found.station}",
                    content_type="text/plain",
                    body=found.text.encode(),
                    received_at=self._now(),
                )
            )


class _FileReader:
    """Reads pieces of one file and makes sure that they are of the same file."""

    def __init__(self, http: HttpTransport, path: str, *, subject: str) -> None:
        self._http, self._path, self._subject = http, path, subject
        self._version: tuple[str, str, int] | None = None
        self.published_at: dt.datetime | None = None

    def read(self, start: int, length: int) -> Piece:
        """Return the piece from ``start``, or the whole file from a service without ranges."""
        fetched = self._get({"Range": f"bytes={start}-{start + length - 1}"})
        piece = self._piece(fetched, start)
        version = (
            fetched.headers.get("etag", ""),
            fetched.headers.get("last-modified", ""),
            piece.size,
        )
        if self._version is None:
            self._version = version
            self.published_at = _moment(version[1])
        elif version != self._version:
            raise TransientError(
                f"The {self._subject} changed while it was read.", {"url": fetched.url}
            )
        return piece

    def read_whole(self) -> Piece:
        """Return the whole file."""
        fetched = self._get({})
        return Piece(0, fetched.body, len(fetched.body))

    def _get(self, headers: Mapping[str, str]) -> Fetched:
        try:
            return self._http.get(self._path, headers={**headers, "Accept-Encoding": "identity"})
        except DataUnavailable as error:
            if error.context.get("status") not in NOT_PUBLISHED:
                raise
            raise DataUnavailable(
                f"The {self._subject} is not published yet.", error.context
            ) from error

    def _piece(self, fetched: Fetched, start: int) -> Piece:
        if fetched.status != 206:
            return Piece(0, fetched.body, len(fetched.body))
        ...
