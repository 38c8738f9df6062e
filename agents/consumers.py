"""The WebSocket of a run: its events go down as frames, answers and cancel come up. `docs/adr` has the frames."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Coroutine, Sequence
from contextlib import aclosing
from typing import Any, Final

import orjson
import psycopg
from channels.generic.websocket import AsyncWebsocketConsumer  # type: ignore[import-untyped]  # it comes without
from django.http import QueryDict
from pydantic import ValidationError

from accounts import reading
from accounts.auth import WEBSOCKET, authenticate, authenticate_socket, renew
from accounts.principals import Principal
from accounts.seam import in_thread
from agentos.core.errors import AgentOSError, CallerError, NotAuthenticated, NotFound, PolicyDenied, Unavailable
from agentos.core.types import JsonObject, strict_json
from agents import answering, attaching
from agents.schemas import AnswersIn
from agents.services import runs
from agents.services.execution import DATABASE_GONE
from agents.services.follow import Follower
from agents.services.journal.lines import Line
from agents.services.runtime import Runtime
from agents.wiring import runtime

logger = logging.getLogger(__name__)

TOKEN_SECONDS = 5.0
MAX_FRAME_CHARS = 1_000_000
PING = '{"ping":true}'

ENDED: Final = 1000
TOO_BIG: Final = 1009
FAILED: Final = 1011
COME_BACK: Final = 1012  # this process goes away
FULL: Final = 1013
UNREADABLE: Final = 4400
SIGNED_OUT: Final = 4401
REFUSED: Final = 4403
NOT_THERE: Final = 4404


def frame(line: Line) -> str:
    """Return one event as a frame: what the server-sent event says, its data byte for byte."""
    return f'{{"id":{line.seq},"event":"{line.name}","data":{line.data.decode()}}}'


class RunConsumer(AsyncWebsocketConsumer):  # type: ignore[misc]
    """One reader of one run. Signed in by header, by the pages' cookie, or by the first frame."""

    token_seconds = TOKEN_SECONDS
    principal: Principal | None = None
    following: asyncio.Task[None] | None = None
    deadline: asyncio.TimerHandle | None = None
    has_ended = False

    async def connect(self) -> None:
        self.run_id, self.obeying = self.scope["url_route"]["kwargs"]["run_id"], asyncio.Lock()
        await self.accept()  # before it may be closed: a browser sees the code of an accepted socket only
        await self._or_break_off(self._let_in())

    async def _let_in(self) -> None:
        try:
            principal = await authenticate_socket(self.scope)
        except PolicyDenied:
            return await self._end(REFUSED)
        except NotAuthenticated:
            return await self._end(SIGNED_OUT)
        if principal is None:
            self.deadline = asyncio.get_running_loop().call_later(self.token_seconds, self._too_late)
            return None
        try:
            after = self._asked_after()
        except CallerError as error:
            await self._say({"error": {"code": error.code, "detail": error.detail}})
            return await self._end(UNREADABLE)
        return await self._enter(principal, after=after)

    async def receive(self, text_data: str | None = None, bytes_data: bytes | None = None) -> None:
        if self.has_ended:
            return None
        if len(text_data or bytes_data or "") > MAX_FRAME_CHARS:
            return await self._end(TOO_BIG)
        return await self._or_break_off(self._hear(text_data))

    async def _hear(self, text_data: str | None) -> None:
        try:
            said = _parsed(text_data)
            if self.principal is None:
                await self._sign_in(said)
            else:
                async with self.obeying:
                    await self._obey(said)
        except AgentOSError as error:
            await self._say({"error": {"code": error.code, "detail": error.detail}})
            if self.principal is None:
                is_nobody = isinstance(error, NotAuthenticated | PolicyDenied)
                await self._end(SIGNED_OUT if is_nobody else UNREADABLE)  # who is told the former signs in again

    async def disconnect(self, code: int) -> None:
        self._stop_waiting()
        await self._stop_following()

    async def _or_break_off(self, work: Coroutine[Any, Any, None]) -> None:
        """Do the work, or end the socket when the database is away: its reader comes back."""
        try:
            await work
        except DATABASE_GONE as error:
            logger.warning("a socket broke off (%s)", type(error).__name__)
            await self._end(FAILED)

    async def _sign_in(self, said: JsonObject) -> None:
        if not isinstance(said.get("token"), str):
            raise NotAuthenticated
        principal = await authenticate({"Authorization": f"Bearer {said['token']}"}, {}, WEBSOCKET, "")
        self._stop_waiting()
        await self._enter(principal, after=_seq(said.get("after", 0)))

    async def _enter(self, principal: Principal, *, after: int) -> None:
        self.principal = principal
        reading.begin(principal)
        try:
            await self._follow(after)
        except NotFound:
            await self._end(NOT_THERE)
        except PolicyDenied:
            await self._end(REFUSED)
        except Unavailable:
            await self._end(FULL)

    async def _obey(self, said: JsonObject) -> None:
        """Do what one frame says. Raises: AgentOSError."""
        assert self.principal is not None
        principal = await renew(self.principal)
        if principal is None:
            return await self._end(SIGNED_OUT)
        match said:
            case {"after": after}:
                return await self._follow(_seq(after))
            case {"answers": _}:
                body = _answers(said)
                given = [item.as_answer() for item in body.answers]
                await answering.answer(runtime(), principal, self.run_id, given)
                return await self._say({"done": "answers"})
            case {"cancel": True}:
                await in_thread(runs.request_cancel, principal=principal, run_id=self.run_id)
                return await self._say({"done": "cancel"})
        raise CallerError("A frame is one of `after`, `answers` and `cancel`.", code="unknown_frame")

    async def _follow(self, after: int) -> None:
        """Follow from the event after `after`, instead of what was followed. Raises: AgentOSError."""
        principal, here = self.principal, runtime()
        assert principal is not None
        await self._stop_following()
        follower = await attaching.attach(here, principal, self.run_id, after=after)
        if follower is None:
            return await self._end(ENDED)
        self.following = asyncio.create_task(self._send_events(here, principal, follower))
        return None

    async def _send_events(self, here: Runtime, reader: Principal, follower: Follower) -> None:
        try:
            with here.watch.over(reader, follower):
                async with aclosing(follower.lines()) as pages:
                    async for lines in pages:
                        await self._tell(lines)
                        del lines  # nothing is kept while the next are waited for
        except psycopg.Error as error:
            logger.warning("a socket broke off (%s)", type(error).__name__)
            return await self._end(FAILED)
        async with self.obeying:  # what ends the run is answered first
            if follower.is_cut:
                return await self._end(SIGNED_OUT)
            return await self._end(ENDED if follower.has_ended else COME_BACK)

    async def _tell(self, lines: Sequence[Line]) -> None:
        for line in lines:
            await self.send(text_data=frame(line))
        if not lines:
            await self.send(text_data=PING)

    async def _stop_following(self) -> None:
        if self.following is not None:
            self.following.cancel()
            await asyncio.gather(self.following, return_exceptions=True)
            self.following = None

    def _too_late(self) -> None:
        self.following = asyncio.ensure_future(self._end(SIGNED_OUT))

    def _stop_waiting(self) -> None:
        if self.deadline is not None:
            self.deadline.cancel()
            self.deadline = None

    def _asked_after(self) -> int:
        """Return `?after=`, where to begin for whoever is signed in by the request itself. Raises: CallerError."""
        text = QueryDict(self.scope["query_string"]).get("after", "0")
        return _seq(int(text) if text.isascii() and text.isdecimal() and len(text) < 19 else None)

    async def _say(self, what: JsonObject) -> None:
        if not self.has_ended:
            await self.send(text_data=orjson.dumps(what).decode())

    async def _end(self, code: int) -> None:
        if not self.has_ended:
            self.has_ended = True
            await self.close(code)


class Nowhere(AsyncWebsocketConsumer):  # type: ignore[misc]
    """Answers every other path."""

    async def connect(self) -> None:
        await self.accept()
        await self.close(NOT_THERE)


def _parsed(text: str | None) -> JsonObject:
    try:
        said = strict_json(text or "")
    except ValueError:
        said = None
    if not isinstance(said, dict):
        raise CallerError("A frame is a JSON object in text that says no name twice.", code="malformed_json")
    return said


def _seq(value: Any) -> int:
    if type(value) is not int or value < 0:
        raise CallerError("`after` is the id of an event, or 0.", code="invalid")
    return value


def _answers(said: JsonObject) -> AnswersIn:
    """Raises: CallerError; what was sent is not repeated."""
    try:
        return AnswersIn.model_validate({"answers": said["answers"]})
    except ValidationError as error:
        places = sorted({".".join(map(str, item["loc"])) for item in error.errors()})
        raise CallerError(f"These do not fit: {', '.join(places)}.", code="invalid") from None
