"""The WebSocket of the console: how much waits for its reader, what she is told, what is halted, how the approval on
her page stands.

A hint says only that something of her tenant has changed; what she sees is read from the tables with her rights of
then. Nothing is taken from her: a frame decides nothing.
"""

from __future__ import annotations

import asyncio
import logging
from typing import Any, Final
from uuid import UUID

import orjson
from channels.generic.websocket import AsyncWebsocketConsumer  # type: ignore[import-untyped]  # it comes without
from django.db import Error
from django.http import QueryDict
from django.template.loader import render_to_string

from accounts.auth import authenticate_socket, renew
from accounts.principals import Principal
from accounts.seam import in_thread
from agentos.core.errors import NotAuthenticated, PolicyDenied, Unavailable
from agentos.core.ids import parse_id
from agentos.core.types import JsonObject
from agents.banner import Banner, banners
from agents.consumers import COME_BACK, FAILED, FULL, PING, REFUSED, SIGNED_OUT
from agents.services.hub import Subscription
from agents.services.runtime import Runtime
from agents.wiring import runtime
from governance import notices, watching

logger = logging.getLogger(__name__)

PING_SECONDS: Final = 30.0  # then it looks without a hint, too
PAUSE_SECONDS: Final = 1.0  # between two looks: what comes in between is shown by the next


class InboxConsumer(AsyncWebsocketConsumer):  # type: ignore[misc]
    """One open page. Signed in by the pages' cookie, from our own origin, or by a token in the header."""

    ping_seconds = PING_SECONDS
    showing: asyncio.Task[None] | None = None

    async def connect(self) -> None:
        await self.accept()  # before it may be closed: a browser sees the code of an accepted socket only
        try:
            reader = await authenticate_socket(self.scope)
        except PolicyDenied:
            return await self._end(REFUSED)
        except NotAuthenticated:
            reader = None
        if reader is None:
            return await self._end(SIGNED_OUT)
        self.showing = asyncio.create_task(self._show(runtime(), reader))
        return None

    async def disconnect(self, code: int) -> None:
        if self.showing is not None:
            self.showing.cancel()
            await asyncio.gather(self.showing, return_exceptions=True)

    async def _show(self, here: Runtime, reader: Principal) -> None:
        """Show what there is until the reader or this process goes away, and close the socket."""
        try:
            hints = here.hub.subscribe(reader.tenant_id, reader.tenant_id)
        except Unavailable:
            return await self._end(FULL)
        view = View(hints, self._opened())
        try:
            with here.watch.over(reader, view):
                while not (view.is_cut or here.hub.is_closing):
                    if (now := await renew(reader)) is None:
                        break
                    await self._send(await in_thread(view.changes, now))
                    await asyncio.sleep(PAUSE_SECONDS)
                    await hints.wait(self.ping_seconds)
        except Error as error:
            logger.warning("an inbox broke off (%s)", type(error).__name__)
            return await self._end(FAILED)
        finally:
            here.hub.unsubscribe(reader.tenant_id, reader.tenant_id, hints)
        return await self._end(COME_BACK if here.hub.is_closing else SIGNED_OUT)

    def _opened(self) -> UUID | None:
        """Return the approval whose page it is, `?approval=`; what she may see of it is asked at each look."""
        return parse_id(QueryDict(self.scope["query_string"]).get("approval", ""))

    async def _end(self, code: int) -> None:
        await self.close(code)

    async def _send(self, changes: JsonObject) -> None:
        await self.send(text_data=orjson.dumps(changes).decode() if changes else PING)


class View:
    """What one open page has been shown."""

    def __init__(self, hints: Subscription, opened: UUID | None = None) -> None:
        self.is_cut = False
        self._hints = hints
        self._opened = opened
        self._stands: JsonObject | None = None
        self._halts: list[Banner] = []
        self._waiting: int | None = None
        self._seen: set[UUID] = set()

    def cut(self) -> None:
        """Show no more: the reader has lost a right, or has gone."""
        self.is_cut = True
        self._hints.push(None)

    def changes(self, reader: Principal) -> JsonObject:
        """Return {waiting, notices, halted?, approval?} when the page does not show them yet; nothing when it does.

        `halted` is the banner of all pages as HTML. A view that has said nothing of it stands for: nothing is halted.
        """
        waiting, told = notices.waiting(reader), notices.fresh(reader, without=self._seen)
        stands = watching.live(reader, self._opened) if self._opened else None
        halts = banners(reader)
        if (waiting, stands, halts) == (self._waiting, self._stands, self._halts) and not told:
            return {}
        found: dict[str, Any] = {"waiting": waiting, "notices": told}
        if halts != self._halts:
            found["halted"] = render_to_string("agents/halted.html", {"halted": halts})
        if stands is not None and stands != self._stands:
            found["approval"] = stands
        self._waiting, self._stands, self._halts = waiting, stands, halts
        self._seen |= {UUID(str(notice["id"])) for notice in told}
        return found
