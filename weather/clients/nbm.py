"""Client of the National Blend of Models' text bulletins: one station's block out of 35 MB."""

from __future__ import annotations

import datetime as dt
import email.utils
import re
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
PARTIAL_CONTENT = 206
_CONTENT_RANGE = re.compile(r"bytes (\d+)-(\d+)/(\d+)", re.ASCII)
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
        file = _RangedFile(self._http, path, subject=f"{product} bulletin of {moment:%Y-%m-%d %H}Z")
        search = BulletinSearch(file, product=product, cycle=moment)
        blocks: list[NbmBlock] = []
        problems: list[tuple[str, str]] = []
        for station in stations:
            try:
                found = search.find(station, hint=(hints or {}).get(station))
            except (DataUnavailable, InvalidDataError) as error:
                problems.append((station, error.message))
                continue
            self._keep(found, url=file.url)
            blocks.append(
                NbmBlock(
                    station=station,
                    product=product,
                    cycle=moment,
                    text=found.text,
                    published_at=file.published_at,
                    offset_hint=found.offset / search.size,
                )
            )
        return NbmBlocks(tuple(blocks), tuple(problems))

    def _keep(self, found: FoundBlock, *, url: str) -> None:
        if self._capture is not None:
            self._capture(
                Captured(
                    source=SOURCE,
                    url=f"{url}#{found.station}",
                    content_type="text/plain",
                    body=found.text.encode("latin-1"),
                    received_at=self._now(),
                )
            )


class _RangedFile:
    """Reads pieces of one file and makes sure that they are of the same file."""

    def __init__(self, http: HttpTransport, path: str, *, subject: str) -> None:
        self._http, self._path, self._subject = http, path, subject
        self._version: tuple[str, str, int] | None = None
        self.published_at: dt.datetime | None = None
        self.url = ""

    def read(self, start: int, length: int) -> Piece:
        """Return the piece from ``start``, or the whole file from a service without ranges."""
        return self._read({"Range": f"bytes={start}-{start + length - 1}"}, start=start)

    def read_whole(self) -> Piece:
        """Return the whole file."""
        return self._read({}, start=0)

    def _read(self, headers: dict[str, str], *, start: int) -> Piece:
        try:
            # Ranges count the bytes that are sent, so the body must not be compressed.
            fetched = self._http.get(self._path, headers={**headers, "Accept-Encoding": "identity"})
        except DataUnavailable as error:
            if error.context.get("status") not in NOT_PUBLISHED:
                raise
            raise DataUnavailable(
                f"The {self._subject} is not published yet.", error.context
            ) from error
        piece = self._piece(fetched, start)
        modified = fetched.headers.get("last-modified", "")
        version = (fetched.headers.get("etag", ""), modified, piece.size)
        if self._version is None:
            self._version = version
            self.published_at = _moment(modified)
            self.url = fetched.url
        elif version != self._version:
            raise self._broken("changed while it was read", fetched)
        return piece

    def _piece(self, fetched: Fetched, start: int) -> Piece:
        if fetched.status != PARTIAL_CONTENT:
            return Piece(0, fetched.body, len(fetched.body))
        match = _CONTENT_RANGE.fullmatch(fetched.headers.get("content-range", ""))
        if match is None:
            raise self._broken("came in a piece that does not say which", fetched)
        first, last, size = (int(part) for part in match.groups())
        if first != start or last - first + 1 != len(fetched.body) or last >= size:
            raise self._broken("came in another piece than it says", fetched)
        return Piece(start, fetched.body, size)

    def _broken(self, wrong: str, fetched: Fetched) -> TransientError:
        return TransientError(
            f"The {self._subject} {wrong}.",
            {
                "source": SOURCE,
                "url": fetched.url,
                "content_range": fetched.headers.get("content-range", ""),
            },
        )


def _moment(header: str) -> dt.datetime | None:
    """Read an HTTP date; None if there is none that can be read."""
    try:
        moment = email.utils.parsedate_to_datetime(header)
    except ValueError:
        return None
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
