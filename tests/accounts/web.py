"""A small real web server on this machine, for what fetches something from a provider."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


@dataclass
class Asked:
    """A request as it came."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes


@dataclass
class Answer:
    status: int = 200
    body: bytes = b""
    headers: dict[str, str] = field(default_factory=dict)
    parts: Iterator[bytes] | None = None  # sent one by one, without a length


Answerer = Callable[[Asked], Answer]


@dataclass
class Site:
    """A running server: what it answers may be changed at any time; what it was asked is kept."""

    answer: Answerer
    port: int = 0
    asked: list[Asked] = field(default_factory=list)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"


@contextmanager
def site(answer: Answerer) -> Iterator[Site]:
    """Serve on a free port of this machine while the context lasts."""
    served = Site(answer)

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            length = int(self.headers.get("Content-Length", 0))
            asked = Asked(self.command, self.path, dict(self.headers), self.rfile.read(length))
            served.asked.append(asked)
            said = served.answer(asked)
            try:
                self.send_response(said.status)
                for name, value in said.headers.items():
                    self.send_header(name, value)
                if said.parts is None:
                    self.send_header("Content-Length", str(len(said.body)))
                self.end_headers()
                for part in said.parts or [said.body]:
                    self.wfile.write(part)
            except (BrokenPipeError, ConnectionResetError):
                pass  # the client has seen enough

        do_POST = do_GET  # noqa: N815  # the name is the base class'

        def log_message(self, format: str, *args: object) -> None:
            """Keep quiet."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    served.port = server.server_address[1]
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield served
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
