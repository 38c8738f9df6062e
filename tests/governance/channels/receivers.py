"""Receivers of notices on loopback: a mail server and a web server, with what they got and what they answer."""

from __future__ import annotations

import asyncio
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from email.message import EmailMessage
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@dataclass
class MailServer:
    """Speaks as much SMTP as a client needs. `refuses` is the code it answers to recipients; 0 takes them."""

    port: int = 0
    mails: list[EmailMessage] = field(default_factory=list)
    refuses: int = 0

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"220 here\r\n")
        while line := await reader.readline():
            verb = line[:4].upper()
            if verb == b"DATA":
                writer.write(b"354 go on\r\n")
                text = (await reader.readuntil(b"\r\n.\r\n"))[:-3]
                self.mails.append(message_from_bytes(text, policy=policy.default))  # type: ignore[arg-type]
                writer.write(b"250 taken\r\n")
            elif verb == b"QUIT":
                writer.write(b"221 bye\r\n")
                break
            elif verb == b"RCPT" and self.refuses:
                writer.write(f"{self.refuses} no\r\n".encode())
            else:
                writer.write(b"250 fine\r\n")
            await writer.drain()
        writer.close()


@contextmanager
def mail_server() -> Iterator[MailServer]:
    """Serve mails in a thread of its own."""
    server, started = MailServer(), threading.Event()
    loop = asyncio.new_event_loop()

    async def run(stop: asyncio.Event) -> None:
        async with await asyncio.start_server(server.serve, "127.0.0.1", 0) as listening:
            server.port = listening.sockets[0].getsockname()[1]
            started.set()
            await stop.wait()

    stop = asyncio.Event()
    thread = threading.Thread(target=lambda: loop.run_until_complete(run(stop)))
    thread.start()
    started.wait(10)
    yield server
    loop.call_soon_threadsafe(stop.set)
    thread.join(10)
    loop.close()


@dataclass
class Posted:
    """One request that a web server got."""

    path: str
    headers: dict[str, str]
    body: bytes


@dataclass
class WebServer:
    """Answers `statuses` one after another, then 204. `before` is called with a request before it is answered."""

    url: str = ""
    port: int = 0
    got: list[Posted] = field(default_factory=list)
    statuses: list[int] = field(default_factory=list)
    headers: dict[str, str] = field(default_factory=dict)
    before: Callable[[Posted], object] = lambda posted: None


@contextmanager
def web_server(host: str = "127.0.0.1", tls: ssl.SSLContext | None = None) -> Iterator[WebServer]:
    """Serve posts in threads of its own, with `tls` over https."""
    web = WebServer()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            posted = Posted(self.path, {name.lower(): value for name, value in self.headers.items()}, body)
            web.before(posted)
            web.got.append(posted)
            self.send_response(web.statuses.pop(0) if web.statuses else 204)
            for name, value in web.headers.items():
                self.send_header(name, value)
            self.end_headers()

        def log_message(self, *args: Any) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer((host, 0), Handler)
    if tls is not None:
        server.socket = tls.wrap_socket(server.socket, server_side=True)
    web.port = server.server_address[1]
    web.url = f"{'https' if tls else 'http'}://{host}:{web.port}/hook"
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield web
    server.shutdown()
    thread.join(10)
    server.server_close()
