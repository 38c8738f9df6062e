"""Cuts open streams within five seconds of their reader losing a right: one look at all readers, not one a stream."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol

from django.db import Error

from accounts import lapsed
from accounts.principals import Principal
from agentos.core.errors import whereabouts

logger = logging.getLogger(__name__)

LOOK_SECONDS = 2.0


class Stream(Protocol):
    """What somebody reads while it is open."""

    def cut(self) -> None:
        """Show no more of it."""
        ...


class Watch:
    """The open streams of a process by who reads them. It looks only while there are any."""

    def __init__(self, look_seconds: float = LOOK_SECONDS) -> None:
        self._look_seconds = look_seconds
        self._open: dict[Principal, set[Stream]] = {}
        self._task: asyncio.Task[None] | None = None

    @contextmanager
    def over(self, reader: Principal, stream: Stream) -> Iterator[None]:
        """Cut the stream when its reader loses a right while the context lasts."""
        self._open.setdefault(reader, set()).add(stream)
        if self._task is None:
            self._task = asyncio.create_task(self._look_on(), name="stream-watch")
            self._task.add_done_callback(self._broken_off)
        try:
            yield
        finally:
            self._remove(reader, stream)

    def _remove(self, reader: Principal, stream: Stream) -> None:
        streams = self._open[reader]
        streams.discard(stream)
        if not streams:
            del self._open[reader]
        if not self._open and self._task is not None:
            self._task.cancel()
            self._task = None

    def _broken_off(self, task: asyncio.Task[None]) -> None:
        """Cut all streams when looking failed for a reason that nobody foresaw: none goes on unwatched."""
        if task.cancelled() or (error := task.exception()) is None or task is not self._task:
            return
        logger.error("streams: rights are not looked at any more: %s", whereabouts(error))
        self._task = None
        for streams in self._open.values():
            for stream in streams:
                stream.cut()

    async def _look_on(self) -> None:
        while True:
            await asyncio.sleep(self._look_seconds)
            try:
                gone = await lapsed.among(list(self._open))
            except Error as error:
                # Nobody can be signed out while the database is away; nothing new is seen either.
                logger.warning("streams: rights could not be read (%s)", type(error).__name__)
                continue
            for reader in gone:
                for stream in self._open.get(reader, ()):
                    stream.cut()
