"""The bucket of the National Blend over HTTP: ``/nbm`` serves text bulletins, whole or in part."""

from __future__ import annotations

import datetime as dt
import hashlib
import re
from email.utils import format_datetime

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from boz.core.clock import UTC
from boz.sandbox.faults import Source
from boz.sandbox.sky import Bulletin
from boz.sandbox.wire import Handler, WireError, endpoint
from boz.sandbox.world import World

_FILE = re.compile(r"blend_(?P<kind>nbp|nbs|nbe)tx\.t(?P<hour>\d\d)z")
_RANGE = re.compile(r"bytes=(?P<first>\d*)-(?P<last>\d*)")


def routes(world: World) -> list[Route]:
    """Return the routes below ``/nbm``."""
    table: list[tuple[str, Handler]] = [
        ("/blend.{date}/{hour}/text/{name}", _file),
        ("/{rest:path}", _unknown),
    ]
    return [
        Route(path, endpoint(world, Source.NBM, handler), methods=["GET"])
        for path, handler in table
    ]


def _file(world: World, request: Request, now: dt.datetime) -> Response:
    found = _bulletin(world, request, now)
    if found is None:
        raise WireError(404, "NoSuchKey", "The specified key does not exist.")
    content = found.content
    headers = {
        "Accept-Ranges": "bytes",
        "Last-Modified": format_datetime(found.published_at, usegmt=True),
        "ETag": f'"{hashlib.md5(content, usedforsecurity=False).hexdigest()}"',
    }
    wanted = request.headers.get("range")
    if wanted is None:
        return Response(content, media_type="binary/octet-stream", headers=headers)
    part = _part(wanted, len(content))
    headers["Content-Range"] = f"bytes {part.start}-{part.stop - 1}/{len(content)}"
    return Response(
        content[part.start : part.stop],
        status_code=206,
        media_type="binary/octet-stream",
        headers=headers,
    )


def _bulletin(world: World, request: Request, now: dt.datetime) -> Bulletin | None:
    parts = request.path_params
    match = _FILE.fullmatch(parts["name"])
    if match is None or match["hour"] != parts["hour"]:
        return None
    try:
        run = dt.datetime.strptime(parts["date"] + parts["hour"], "%Y%m%d%H").replace(tzinfo=UTC)
    except ValueError:
        return None
    return world.sky.bulletin(match["kind"], run, now)


def _part(text: str, size: int) -> range:
    """Return the bytes of a Range header; one range only."""
    match = _RANGE.fullmatch(text.replace(" ", ""))
    if match is None or not (match["first"] or match["last"]):
        raise WireError(416, "InvalidRange", "The requested range cannot be read.")
    if not match["first"]:
        first, last = max(size - int(match["last"]), 0), size - 1
    else:
        first = int(match["first"])
        last = min(int(match["last"] or size - 1), size - 1)
    if first >= size or last < first:
        raise WireError(
            416,
            "InvalidRange",
            "The requested range is not satisfiable",
            headers={"Content-Range": f"bytes */{size}"},
        )
    return range(first, last + 1)


def _unknown(world: World, request: Request, now: dt.datetime) -> Response:
    raise WireError(404, "NoSuchKey", "The specified key does not exist.")
