"""The exchange's WebSocket: one connection, what is asked over it, and what it sends."""

from __future__ import annotations

from markets.clients.kalshi_stream.connection import StreamClosedError, StreamConnection
from markets.clients.kalshi_stream.frames import Frame, FrameRefusedError, read_frame

__all__ = ["Frame", "FrameRefusedError", "StreamClosedError", "StreamConnection", "read_frame"]
