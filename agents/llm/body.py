"""The bytes of one streamed response as they come, and how long they may take.

Read where the transport has them: the layers of the client above it cost more for each token than reading it does.
"""

from __future__ import annotations

import asyncio
import contextlib
from typing import Any

import aiohttp
import httpx2

from agents.llm.errors import TRANSPORT_ERRORS

_DRAIN_SECONDS = 0.25


def body_of(response: httpx2.Response, *, idle_seconds: float, seconds: float) -> Body:
    """Return the shortest way to a response's bytes that there is."""
    source = source_of(response)
    if source is None or "content-encoding" in response.headers:
        return Body(response, seconds=seconds)
    return TransportBody(response, source, idle_seconds=idle_seconds, seconds=seconds)


class Body:
    """One response's bytes as the client itself gives them; it watches the silence between two pieces."""

    def __init__(self, response: httpx2.Response, *, seconds: float) -> None:
        self._pieces = response.aiter_bytes()
        self._loop = asyncio.get_running_loop()
        self._deadline = self._loop.time() + seconds

    async def next(self) -> bytes:
        """Return what has come, empty at the end.

        Raises: TimeoutError at the deadline, aiohttp.ClientError and httpx2.HTTPError for what went wrong below.
        """
        async with asyncio.timeout_at(self._deadline):
            return await anext(self._pieces, b"")

    def end_within(self, seconds: float) -> None:
        """Let the rest take no longer than this."""
        self._deadline = min(self._deadline, self._loop.time() + seconds)

    async def drain(self) -> None:
        """Read to the end of a response that is over, so that its connection can be used again."""
        with contextlib.suppress(TimeoutError, *TRANSPORT_ERRORS):
            async with asyncio.timeout(_DRAIN_SECONDS):
                while await self.next():
                    pass

    def close(self) -> None:
        """Watch no longer."""


class TransportBody(Body):
    """The bytes where the transport has them. One timer watches the whole: one for each piece costs as much as it."""

    def __init__(
        self, response: httpx2.Response, source: aiohttp.ClientResponse, *, idle_seconds: float, seconds: float
    ) -> None:
        super().__init__(response, seconds=seconds)
        self._content = source.content
        self._heard = self._loop.time()
        self._idle_seconds = idle_seconds
        if (connection := source.connection) and connection.protocol is not None:  # none where all came with the head
            connection.protocol.read_timeout = None  # the transport's own timer is one for each piece
        self._timer = self._loop.call_at(self._limit, self._look)

    async def next(self) -> bytes:
        data = await self._content.readany()
        self._heard = self._loop.time()
        return data

    def end_within(self, seconds: float) -> None:
        super().end_within(seconds)
        self._timer.cancel()
        self._timer = self._loop.call_at(self._limit, self._look)

    def close(self) -> None:
        self._timer.cancel()

    @property
    def _limit(self) -> float:
        return min(self._deadline, self._heard + self._idle_seconds)

    def _look(self) -> None:
        """End the reading if its time is over; else look again when that may be."""
        now = self._loop.time()
        if now < self._limit:
            self._timer = self._loop.call_at(self._limit, self._look)
        elif now >= self._deadline:
            self._content.set_exception(TimeoutError())
        else:
            self._content.set_exception(aiohttp.SocketTimeoutError())


def source_of(response: httpx2.Response) -> aiohttp.ClientResponse | None:
    """Return the transport's own response, which two layers of the client wrap; nothing where they do so otherwise."""
    layer: Any = response.stream
    for name in ("_stream", "_aiohttp_response"):
        layer = getattr(layer, name, None)
    return layer if isinstance(layer, aiohttp.ClientResponse) else None
