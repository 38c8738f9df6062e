"""Judges texts that come close together by one request: for a provider's client thirty cost what one does."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from functools import partial
from math import inf
from typing import Final, TypeAlias

from agentos.core.errors import AgentOSError

GATHER_SECONDS: Final = 0.01  # at most, while others are judged; a text that comes alone waits for nobody
MOST_TEXTS: Final = 30
MOST_CHARACTERS: Final = 30_000
# What is wrong with the provider, or with us, whatever the texts: nobody's text is asked about again alone.
_OF_ALL: Final = frozenset({"provider_timeout", "provider_unreachable", "provider_rate_limited", "provider_quota"})

Scores: TypeAlias = Mapping[str, float]
Ask: TypeAlias = Callable[[list[str]], Awaitable[Sequence[Scores]]]
_Waiting: TypeAlias = tuple[str, asyncio.Future[Scores]]


class Together:
    """What `ask` says of each text, in their order; it is asked about several at once. Use it from one event loop.

    A request that fails for what it holds is repeated text by text, so that each answers for itself only.
    """

    def __init__(self, ask: Ask) -> None:
        self._ask = ask
        self._waiting: list[_Waiting] = []
        self._timer: asyncio.TimerHandle | None = None
        self._left_at = -inf
        self._tasks: set[asyncio.Task[None]] = set()
        self._is_one_by_one = False  # this provider does not judge lists

    async def judge(self, text: str) -> Scores:
        """Return what is said of a text. Raises: what `ask` does."""
        loop = asyncio.get_running_loop()
        judged: asyncio.Future[Scores] = loop.create_future()
        self._waiting.append((text, judged))
        if self._timer is None:
            rest = self._left_at + GATHER_SECONDS if self._tasks else 0.0
            self._timer = loop.call_at(max(loop.time(), rest), self._leave, loop)
        return await judged

    def close(self) -> None:
        """Ask no more; who still waits is cancelled."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        for _, judged in self._waiting:
            judged.cancel()
        for task in self._tasks:
            task.cancel()

    def _leave(self, loop: asyncio.AbstractEventLoop) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._timer, self._left_at = None, loop.time()
        waiting, self._waiting = self._waiting, []
        for batch in _parted(waiting, most=1 if self._is_one_by_one else MOST_TEXTS):
            task = loop.create_task(self._judge(batch))
            self._tasks.add(task)
            task.add_done_callback(partial(self._on_judged, loop))

    def _on_judged(self, loop: asyncio.AbstractEventLoop, task: asyncio.Task[None]) -> None:
        """Let what waits leave once nothing is asked any more: nobody gains by its waiting longer."""
        self._tasks.discard(task)
        if self._timer is not None and not self._tasks:
            self._leave(loop)

    async def _judge(self, batch: list[_Waiting]) -> None:
        try:
            for (_, judged), scores in zip(batch, await self._ask([text for text, _ in batch]), strict=True):
                if not judged.done():
                    judged.set_result(scores)
        except AgentOSError as error:
            if len(batch) > 1 and error.code not in _OF_ALL:
                await self._judge_alone(batch, error)
            for _, judged in batch:
                if not judged.done():
                    judged.set_exception(error)
        finally:
            for _, judged in batch:
                judged.cancel()  # where this was

    async def _judge_alone(self, batch: list[_Waiting], error: AgentOSError) -> None:
        await asyncio.gather(*(self._judge([one]) for one in batch))
        if error.code == "provider_protocol" and any(_is_judged(judged) for _, judged in batch):
            self._is_one_by_one = True


def _is_judged(judged: asyncio.Future[Scores]) -> bool:
    return judged.done() and not judged.cancelled() and judged.exception() is None


def _parted(waiting: list[_Waiting], *, most: int) -> Iterator[list[_Waiting]]:
    """Yield what waits in parts that one request may hold."""
    part: list[_Waiting] = []
    characters = 0
    for one in waiting:
        if part and (len(part) == most or characters + len(one[0]) > MOST_CHARACTERS):
            yield part
            part, characters = [], 0
        part.append(one)
        characters += len(one[0])
    if part:
        yield part
