"""Visitors who try routes with the ids of somebody's rows, over the API and with a browser, and what they are told."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote, unquote, urlencode

import orjson
from channels.testing import WebsocketCommunicator
from django.test import Client

from accounts import principals
from accounts.models import User
from accounts.seam import in_thread
from accounts.services import tokens
from accounts.tenancy import TenantModel
from agentos.asgi import sockets
from agentos.lean import LeanHandler
from agents.models import IdempotencyKey
from tests.conftest import PASSWORD
from tests.isolation.planting import Garden
from tests.isolation.walk import BODIES, NOTHING, QUERIES, Route, part

SIGNING_OUT = ("logout", "sign-out", "security")
PATIENCE_SECONDS = 0.3  # with a stream that says nothing yet
ANEW = frozenset({"x-request-id", "content-length", "content-security-policy", "set-cookie", "date", "expires"})
# What differs between two looks at the same: tokens of forms, ids of requests, what depends on the hour.
PASSING = re.compile(
    r'"(?:search_time_ms|request_id|instantiated_at)": ?[^,}]+|name="csrfmiddlewaretoken" value="\w+"'
    r'|(?:nonce|data-view)="[^"]+"|just now|[\d.,]+ ?(?:ms|s|seconds?|min|minutes?|h|hours?)\b(?: ago)?'
)


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back; `headers` without those that every answer has anew."""

    status: int
    text: str
    headers: dict[str, str] = field(default_factory=dict)

    def betrays(self, *words: object) -> list[str]:
        """Return which of the words stand in it."""
        whole = f"{self.text} {self.headers}"
        return [str(word) for word in words if str(word) in whole]

    def without(self, *words: str) -> tuple[int, str]:
        """Return all of it but the given words and what passes: what is left tells two answers apart."""
        whole = PASSING.sub("~", f"{self.text} {sorted(self.headers.items())}")
        for word in words:
            whole = whole.replace(word, "~").replace(quote(word), "~")
        return self.status, whole


@dataclass
class Visitor:
    """Somebody with a token and a browser; `user` None is nobody."""

    user: User | None
    tenant: str | None = None  # where she has several
    token: str = ""
    browser: Client = field(default_factory=lambda: Client(raise_request_exception=False))
    outages: frozenset[int] = frozenset()  # what may go wrong here: no other failure of the server is an answer

    async def enter(self) -> Visitor:
        """Sign in on both ways, as often as she has been signed out."""
        principals.cache.forget()
        if self.user is not None:
            pair = await in_thread(tokens.issue, email=self.user.email, password=PASSWORD, tenant=self.tenant)
            self.token = pair.access
            await in_thread(self._enter_browser, self.user)
        return self

    def _enter_browser(self, user: User) -> None:
        self.browser.force_login(User.objects.using("system").get(id=user.id))

    async def ask(self, route: Route, path: str, garden: Garden) -> Answer:
        """Send what a client would, with all that the garden's owner knows."""
        query = QUERIES[str(route)](garden) if str(route) in QUERIES else _asked(route, garden)
        answer = await (self._call(route, path, garden, query) if route.is_api else self._open(route, path, query))
        if route.verb != "GET" and any(word in route.path for word in SIGNING_OUT):
            await self.enter()
        return answer

    async def _call(self, route: Route, path: str, garden: Garden, query: dict[str, Any]) -> Answer:
        headers = {"host": "testserver", "content-type": "application/json", **self._authorization()}
        headers["idempotency-key"] = garden.row(IdempotencyKey).key
        sent = BODIES[str(route)](garden) if str(route) in BODIES else {}
        body = orjson.dumps(sent) if route.verb in ("POST", "PUT", "PATCH") else b""
        async with asyncio.timeout(60):
            asked = call(route.verb, f"/api{path}", headers, body, urlencode(query))
            return self._sane(route, await asyncio.create_task(asked))  # as a server does: what it notes ends with it

    def _authorization(self) -> dict[str, str]:
        return {"authorization": f"Bearer {self.token}"} if self.token else {}

    async def _open(self, route: Route, path: str, query: dict[str, Any]) -> Answer:
        verb = self.browser.get if route.verb == "GET" else self.browser.post
        said = await in_thread(verb, f"/{path}", query)
        return self._sane(route, Answer(said.status_code, said.content.decode(), _told(said.headers.items())))

    def _sane(self, route: Route, answer: Answer) -> Answer:
        broken = answer.status >= 500 and answer.status not in self.outages
        assert not broken, f"{route}: answers {answer.status} {answer.text[-2000:]}"
        return answer

    async def listen(self, path: str) -> tuple[list[str], int]:
        """Open a socket; return its frames until it closes, and the code of that."""
        socket = await self._socket(path)
        if not self.token:
            await socket.send_json_to({"token": "x.y.z"})
        frames: list[str] = []
        while (message := await socket.receive_output(timeout=10))["type"] != "websocket.close":
            frames.append(message["text"])
        return frames, message["code"]

    async def say(self, path: str, said: dict[str, Any]) -> str:
        """Send a frame up a socket; return the first frame that comes down and is no event."""
        socket = await self._socket(path)
        await socket.send_json_to(said)
        while "event" in (reply := await socket.receive_json_from(timeout=10)) or "ping" in reply:
            pass
        await socket.disconnect()
        return orjson.dumps(reply).decode()

    async def _socket(self, path: str) -> WebsocketCommunicator:
        headers = {"host": "localhost", **self._authorization()}
        asked = [(name.encode(), value.encode()) for name, value in headers.items()]
        socket = WebsocketCommunicator(sockets, path, headers=asked)
        await socket.connect(timeout=10)
        return socket


def _asked(route: Route, garden: Garden) -> dict[str, Any]:
    """Return what one asks of a list on the admin site: to find the garden's row, or to do something with it."""
    if route.action and route.model is not None:
        pk = garden.row(route.model).pk if issubclass(route.model, TenantModel) else NOTHING
        return {"action": route.action, "_selected_action": str(pk), "post": "yes"}
    return {"q": part(garden)} if route.searches else {}


async def call(verb: str, path: str, headers: dict[str, str], body: bytes, query: str) -> Answer:
    """Ask the handler of the API. Of a stream that stays open only what has happened so far is read."""
    gone = asyncio.Event()
    start: dict[str, Any] = {}
    parts: list[bytes] = []
    sent = [{"type": "http.request", "body": body}]

    async def receive() -> dict[str, Any]:
        if sent:
            return sent.pop()
        await gone.wait()
        return {"type": "http.disconnect"}

    async def send(message: dict[str, Any]) -> None:
        if message["type"] == "http.response.start":
            start.update(message)
            return
        parts.append(message.get("body", b""))
        asyncio.get_running_loop().call_later(0 if b"data:" in parts[-1] else PATIENCE_SECONDS, gone.set)

    scope = {
        "type": "http",
        "method": verb,
        "path": unquote(path),
        "query_string": query.encode(),
        "headers": [(name.encode(), value.encode()) for name, value in headers.items()],
    }
    await LeanHandler()(scope, receive, send)
    said = _told((name.decode(), value.decode()) for name, value in start["headers"])
    return Answer(start["status"], b"".join(parts).decode(errors="replace"), said)


def _told(headers: Iterable[tuple[str, str]]) -> dict[str, str]:
    lowered = ((name.lower(), value) for name, value in headers)
    return {name: value for name, value in lowered if name not in ANEW}
