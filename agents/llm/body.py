"""The bytes of one streamed response as they come, and how long they may take.

Read where the transport has them: the layers of the client above it cost more for each token than reading it does.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable
from contextvars import copy_context
from typing import Any, TypeAlias

import aiohttp
import httpx2

from agents.llm.errors import TRANSPORT_ERRORS

_DRAIN_SECONDS = 0.25
Take: TypeAlias = Callable[[bytes], bool]  # is given a piece, and tells whether it was the last that is wanted


def body_of(response: httpx2.Response, *, idle_seconds: float, seconds: float) -> Body:
    """Return the shortest way to a response's bytes that there is."""
    source = source_of(response)
    if source is None or not _Ear.fits(source.content) or "content-encoding" in response.headers:
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

    async def each(self, take: Take) -> None:
        """Give each piece to `take` as it comes, to the end or the last that is wanted.

        Raises: what `next` does, and `take`.
        """
        while (data := await self.next()) and not take(data):
            pass

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
    """The bytes where the transport has them. One timer watches the whole: one for each piece costs as much as it.

    Each piece is taken where it comes in. To wake the task that waits for the answer, through all that it stands in,
    costs more than the piece does.
    """

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
        self._ear = _Ear(self._loop, self._hear)
        self._over: asyncio.Future[None] = self._loop.create_future()
        self._take: Take = bool
        self._taken = 0  # bytes

    async def next(self) -> bytes:
        data = await self._content.readany()
        self._heard = self._loop.time()
        return data

    async def each(self, take: Take) -> None:
        self._take = take
        try:
            self._hear()  # what has come with the head
            await self._over
        finally:
            self._ear.leave(self._content)
            self._take = bool  # it knows this body: two that know each other stay in memory for long

    def _hear(self) -> None:
        """Take what has come, and listen on unless that was all."""
        if self._over.done():
            return
        try:
            is_last = self._took_last()
        except Exception as error:  # noqa: BLE001
            self._over.set_exception(error)
        else:
            if is_last:
                self._over.set_result(None)
            else:
                self._ear.listen(self._content)

    def _took_last(self) -> bool:
        """Take all that is there, which may become more by being read. Raises: what the transport, or `take`, does."""
        content = self._content
        if (error := content.exception()) is not None:
            raise error
        while self._taken < content.total_bytes:
            self._heard = self._loop.time()
            data = content.read_nowait()
            self._taken += len(data)
            if self._take(data):
                return True
        return content.at_eof()

    def end_within(self, seconds: float) -> None:
        super().end_within(seconds)
        self._timer.cancel()
        self._timer = self._loop.call_at(self._limit, self._look)

    def close(self) -> None:
        self._timer.cancel()
        del self._ear  # as above

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


class _Ear:
    """Stands where the transport keeps the future of who waits for a piece; has `hear` called, once for all it says.

    In the context of who made it: the transport's own is that of whoever opened the connection, perhaps for another.
    """

    __slots__ = ("_context", "_hear", "_loop")

    def __init__(self, loop: asyncio.AbstractEventLoop, hear: Callable[[], None]) -> None:
        self._loop, self._hear, self._context = loop, hear, copy_context()

    @staticmethod
    def fits(content: aiohttp.StreamReader) -> bool:
        return hasattr(content, "_waiter")

    def listen(self, content: Any) -> None:
        content._waiter = self

    def leave(self, content: Any) -> None:
        if content._waiter is self:
            content._waiter = None

    def done(self) -> bool:
        return False

    def set_result(self, _: None) -> None:
        # Not from within the parser, which to read would enter again.
        self._loop.call_soon(self._hear, context=self._context)

    def set_exception(self, _: BaseException) -> None:
        self._loop.call_soon(self._hear, context=self._context)


def source_of(response: httpx2.Response) -> aiohttp.ClientResponse | None:
    """Return the transport's own response, which two layers of the client wrap; nothing where they do so otherwise."""
    layer: Any = response.stream
    for name in ("_stream", "_aiohttp_response"):
        layer = getattr(layer, name, None)
    return layer if isinstance(layer, aiohttp.ClientResponse) else None
