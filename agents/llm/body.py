"""The bytes of one streamed response as they come, and how long they may take.

Read where the transport has them: the layers of the client above it cost more for each token than reading it does.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections import deque
from collections.abc import Callable
from contextvars import copy_context
from typing import Any, TypeAlias

import aiohttp
import httpx2

from agents.llm.errors import TRANSPORT_ERRORS

_DRAIN_SECONDS = 0.25
LOOK_SECONDS = 2.0  # from one look at the watched limits to the next, at most
Take: TypeAlias = Callable[[bytes], bool]  # is given a piece, and tells whether it was the last that is wanted


def body_of(response: httpx2.Response, *, idle_seconds: float, seconds: float) -> Body:
    """Return the shortest way to a response's bytes that there is."""
    source = source_of(response)
    if source is None or not _HeardReader.fits(source.content) or "content-encoding" in response.headers:
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
        self._protocol = source.connection.protocol if source.connection else None  # none where all came with the head
        if self._protocol is not None:
            self._protocol.read_timeout = None  # the transport's own timer is one for each piece
        self._watch()
        self._over: asyncio.Future[None] = self._loop.create_future()
        self._take: Take = bool

    async def next(self) -> bytes:
        data = await self._content.readany()
        self._heard = self._loop.time()
        return data

    async def each(self, take: Take) -> None:
        while data := self._content.read_nowait():  # what has come with the head
            if take(data):
                return
        if self._content.at_eof():
            return
        self._take = take
        _HeardReader.hear(self._content, _Ear(self._loop, self._hear, self._end))
        try:
            await self._over
        finally:
            _HeardReader.leave(self._content)
            self._take = bool  # it knows this body: two that know each other stay in memory for long

    def _hear(self, data: bytes) -> None:
        if self._over.done():
            return
        self._heard = self._loop.time()
        try:
            if self._take(data):
                self._over.set_result(None)
        except Exception as error:  # noqa: BLE001
            self._over.set_exception(error)

    def _end(self) -> None:
        """The transport has no more to give."""
        if self._over.done():
            return
        if (error := self._content.exception()) is not None:
            self._over.set_exception(error)
        else:
            self._over.set_result(None)

    def end_within(self, seconds: float) -> None:
        super().end_within(seconds)
        self._timer.cancel()
        self._watch()

    def close(self) -> None:
        self._timer.cancel()

    def _watch(self) -> None:
        """Look again when the reading's time may be over, or soon."""
        soonest = min(self._deadline, self._heard + self._idle_seconds, self._loop.time() + LOOK_SECONDS)
        self._timer = self._loop.call_at(soonest, self._look)

    def _look(self) -> None:
        """End the reading if its time is over, or its connection is and nobody said so."""
        now = self._loop.time()
        if now >= self._deadline:
            self._content.set_exception(TimeoutError())
        elif now >= self._heard + self._idle_seconds:
            self._content.set_exception(aiohttp.SocketTimeoutError())
        elif self._is_lost:
            self._content.set_exception(aiohttp.ClientPayloadError())
        else:
            self._watch()

    @property
    def _is_lost(self) -> bool:
        """Whether the connection is gone before the end: of a broken chunk the transport tells no reader."""
        connected = self._protocol is None or self._protocol.connected
        return not (connected or self._content.is_eof())


class _Ear:
    """Is told each piece by the parser, and has `hear` called for all that came in one turn, and `end` after the last.

    In a call-back of its own, since what goes wrong in the parser is taken for the transport's; and in the context of
    who made it: the transport's own is that of whoever opened the connection, perhaps for another.
    """

    __slots__ = ("_context", "_end", "_hear", "_loop", "_pieces")

    def __init__(self, loop: asyncio.AbstractEventLoop, hear: Callable[[bytes], None], end: Callable[[], None]) -> None:
        self._loop, self._hear, self._end, self._context = loop, hear, end, copy_context()
        self._pieces: list[bytes] = []

    def feed(self, data: bytes) -> None:
        if not self._pieces:
            self._loop.call_soon(self._give, context=self._context)
        self._pieces.append(data)

    def _give(self) -> None:
        pieces, self._pieces = self._pieces, []
        self._hear(pieces[0] if len(pieces) == 1 else b"".join(pieces))

    # As the future of who waits for a piece, in whose place it stands.

    def done(self) -> bool:
        return False

    def set_result(self, _: None) -> None:
        self._loop.call_soon(self._end, context=self._context)

    def set_exception(self, _: BaseException) -> None:
        self._loop.call_soon(self._end, context=self._context)


class _HeardReader(aiohttp.StreamReader):
    """What the transport's own reader becomes while an ear is there: it gives each piece on, and keeps none.

    To keep a token, wake who waits, fetch it and look whether the connection had been paused took fifteen calls.
    """

    __slots__ = ()  # an object can only become what has its form
    _waiter: Any

    @staticmethod
    def fits(content: aiohttp.StreamReader) -> bool:
        return type(content) is aiohttp.StreamReader and hasattr(content, "_waiter")

    @classmethod
    def hear(cls, content: Any, ear: _Ear) -> None:
        content.__class__, content._waiter = cls, ear
        if content._http_chunk_splits is None:
            content._http_chunk_splits = deque()  # the chunk that begins here may end once nobody hears any more

    @staticmethod
    def leave(content: Any) -> None:
        content.__class__, content._waiter = aiohttp.StreamReader, None

    def feed_data(self, data: bytes, size: int = 0) -> bool:
        if (ear := self._waiter) is None:  # it has been told of an error
            return super().feed_data(data, size)
        ear.feed(data)
        return False

    def begin_http_chunk_receiving(self) -> None:
        """Where chunks of the transfer begin and end is nothing to who hears."""

    def end_http_chunk_receiving(self) -> None:
        """As above."""


def source_of(response: httpx2.Response) -> aiohttp.ClientResponse | None:
    """Return the transport's own response, which two layers of the client wrap; nothing where they do so otherwise."""
    layer: Any = response.stream
    for name in ("_stream", "_aiohttp_response"):
        layer = getattr(layer, name, None)
    return layer if isinstance(layer, aiohttp.ClientResponse) else None
