"""A server that plays a scripted run over real HTTP, and remembers what it was asked."""

from __future__ import annotations

import io
import json
import sys
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from django.core.management.base import OutputWrapper

from agentos.core.types import JsonObject
from agents.chat.terminal import Terminal

RUN_ID = "0190a0b0-0000-7000-8000-000000000001"
KEY = "aos_good"
CUT = "cut"  # in a script: the connection breaks here
Answer = tuple[int, JsonObject]


@dataclass
class Server:
    """`script` is the run: events in order, CUT, or "wait" until an answer or a cancel has come."""

    script: list[Any] = field(default_factory=list)
    requests: list[tuple[str, str, JsonObject]] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)
    answers: list[JsonObject] = field(default_factory=list)
    replies: dict[str, list[Answer]] = field(default_factory=dict)
    keys: set[str] = field(default_factory=lambda: {KEY})
    url: str = ""
    cuts_done: set[int] = field(default_factory=set)
    cancelled: bool = False
    moved: threading.Event = field(default_factory=threading.Event)

    def event(self, name: str, **payload: Any) -> None:
        self.script.append((name, payload))

    def wait(self) -> None:
        self.script.append("wait")

    def cut(self) -> None:
        self.script.append(CUT)

    def paths(self) -> list[str]:
        return [f"{method} {path}" for method, path, _ in self.requests]


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Any

    def do_GET(self) -> None:
        self._handle("GET")

    def do_POST(self) -> None:
        self._handle("POST")

    def log_message(self, format: str, *args: Any) -> None:
        """Say nothing."""

    def _handle(self, method: str) -> None:
        world: Server = self.server.world
        body = json.loads(self.rfile.read(int(self.headers.get("Content-Length") or 0)) or b"{}")
        world.requests.append((method, self.path, body))
        world.headers.append(dict(self.headers))
        signed = self.headers.get("Authorization", "").removeprefix("Bearer ") in world.keys
        if replies := world.replies.get(f"{method} {self.path}"):
            return self._json(*replies.pop(0))
        if not signed:
            return self._json(401, {"detail": "Sign in.", "code": "not_authenticated"})
        if self.path.endswith("/runs"):
            return self._streamed(0, ends_at_pause=True)
        if self.path.endswith("/events"):
            return self._streamed(int(self.headers.get("Last-Event-ID") or 0), ends_at_pause=False)
        if self.path.endswith("/answers"):
            world.answers += body["answers"]
        if self.path.endswith("/cancel"):
            world.cancelled = True
        world.moved.set()
        return self._json(200, {"run_id": RUN_ID})

    def _json(self, status: int, body: Any) -> None:
        content = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def _streamed(self, after: int, *, ends_at_pause: bool) -> None:
        world: Server = self.server.world
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        self._chunk("retry: 2000\n\n")
        seq = 0
        for place, item in enumerate(list(world.script)):
            if item == "wait":
                if after <= seq and not world.moved.wait(10):
                    break
                continue
            if item == CUT:
                if place not in world.cuts_done:
                    world.cuts_done.add(place)
                    self.close_connection = True
                    return
                continue
            seq += 1
            name, payload = item
            if seq <= after:
                continue
            data = {"event": name, "run_id": RUN_ID, **payload}
            self._chunk(f": heartbeat\n\nid: {seq}\nevent: {name}\ndata: {json.dumps(data)}\n\n")
            if name.endswith("Paused") and ends_at_pause:
                break
        self.wfile.write(b"0\r\n\r\n")

    def _chunk(self, text: str) -> None:
        data = text.encode()
        self.wfile.write(b"%x\r\n%s\r\n" % (len(data), data))
        self.wfile.flush()


class QuietServer(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Let a client hang up whenever it likes; anything else is a fault of this server."""
        if not isinstance(sys.exception(), ConnectionError):
            super().handle_error(request, client_address)


@pytest.fixture
def server() -> Iterator[Server]:
    world = Server()
    httpd = QuietServer(("127.0.0.1", 0), Handler)
    httpd.world = world  # type: ignore[attr-defined]
    world.url = f"http://127.0.0.1:{httpd.server_port}"
    thread = threading.Thread(target=httpd.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield world
    httpd.shutdown()
    thread.join()
    httpd.server_close()


@dataclass
class Screen:
    """A terminal whose person types the lines given."""

    terminal: Terminal
    out: io.StringIO

    @property
    def text(self) -> str:
        return self.out.getvalue()


MakeScreen = Callable[..., Screen]


@pytest.fixture
def make_screen() -> MakeScreen:
    def make(*lines: str) -> Screen:
        out = io.StringIO()
        typed = io.StringIO("".join(f"{line}\n" for line in lines))
        return Screen(Terminal(OutputWrapper(out), typed), out)

    return make
