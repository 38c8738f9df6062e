"""The bytes of one streamed response as they come, and how long they may take.

Read where the transport has them: the layers of the client above it cost more for each token than reading it does.
"""

from __future__ import annotations

import asyncio
import contextlib

import aiohttp
import httpx2

from agents.llm.errors import TRANSPORT_ERRORS

_DRAIN_SECONDS = 0.25


class Body:
    """One response's bytes. One timer watches the whole of it: another for each piece costs as much as the piece."""

    def __init__(self, response: httpx2.Response, *, idle_seconds: float, seconds: float) -> None:
        self._source = _source(response)
        self._decoded = response.aiter_bytes() if "content-encoding" in response.headers else None
        self._loop = asyncio.get_running_loop()
        self._heard = self._loop.time()
        self._idle_seconds = idle_seconds
        self._deadline = self._heard + seconds
        if connection := self._source.connection:  # none where all has come with the head
            assert connection.protocol is not None
            connection.protocol.read_timeout = None  # the transport's own timer is one for each piece
        self._timer = self._loop.call_at(self._limit, self._look)

    async def next(self) -> bytes:
        """Return what has come, empty at the end.

        Raises: TimeoutError at the deadline, aiohttp.ClientError and httpx2.HTTPError for what went wrong below.
        """
        if self._decoded is None:
            data = await self._source.content.readany()
        else:
            data = await anext(self._decoded, b"")
        self._heard = self._loop.time()
        return data

    def end_within(self, seconds: float) -> None:
        """Let the rest take no longer than this."""
        self._deadline = min(self._deadline, self._loop.time() + seconds)
        self._timer.cancel()
        self._timer = self._loop.call_at(self._limit, self._look)

    async def drain(self) -> None:
        """Read to the end of a response that is over, so that its connection can be used again."""
        with contextlib.suppress(TimeoutError, *TRANSPORT_ERRORS):
            async with asyncio.timeout(_DRAIN_SECONDS):
                while await self.next():
                    pass

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
            self._source.content.set_exception(TimeoutError())
        else:
            self._source.content.set_exception(aiohttp.SocketTimeoutError())


def _source(response: httpx2.Response) -> aiohttp.ClientResponse:
    """Return the transport's own response, which two layers wrap."""
    source: aiohttp.ClientResponse = response.stream._stream._aiohttp_response  # type: ignore[union-attr]
    return source
