"""Publishes incident changes from the judging thread to listeners in the event loop."""

import asyncio
import json
from collections.abc import AsyncIterator, Mapping
from typing import Any

MOST_WAITING = 1000
"""Maximum number of waiting events per listener; a slower listener misses the oldest."""
PING_SECONDS = 15.0


class EventChannel:
    """Publishes events; events published before a listener connects are not kept for it."""

    def __init__(self) -> None:
        self._listeners: set[asyncio.Queue[bytes | None]] = set()
        self._loop: asyncio.AbstractEventLoop | None = None

    def bind(self, loop: asyncio.AbstractEventLoop) -> None:
        """Set the event loop of the listeners."""
        self._loop = loop

    def publish(self, name: str, value: Mapping[str, Any]) -> None:
        """Send an event to all listeners; callable from any thread."""
        if self._loop is not None and not self._loop.is_closed():
            text = f"event: {name}\ndata: {json.dumps(value)}\n\n".encode()
            self._loop.call_soon_threadsafe(self._spread, text)

    def end(self) -> None:
        """Disconnect all listeners; must run in the loop."""
        self._spread(None)

    async def listen(self) -> AsyncIterator[bytes]:
        """Events as bytes of a server-sent event stream, with periodic comments to keep connections alive."""
        waiting: asyncio.Queue[bytes | None] = asyncio.Queue(MOST_WAITING)
        self._listeners.add(waiting)
        try:
            yield b": listening\n\n"
            while True:
                try:
                    text = await asyncio.wait_for(waiting.get(), PING_SECONDS)
                except TimeoutError:
                    text = b": ping\n\n"
                if text is None:
                    return
                yield text
        finally:
            self._listeners.discard(waiting)

    def _spread(self, text: bytes | None) -> None:
        for waiting in self._listeners:
            if waiting.full():
                waiting.get_nowait()
            waiting.put_nowait(text)
