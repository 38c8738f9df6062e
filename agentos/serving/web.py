"""One web process: uvicorn on the socket that the parent has bound. Imports first, serves when told to."""

from __future__ import annotations

import asyncio
import os
import socket
import sys
import time

import uvicorn

from agentos.core.errors import AgentOSError
from agentos.postgres import PostgresError
from agentos.serving import lifeline, memory, protocol, turns

BACKLOG = 4096
KEEP_ALIVE_SECONDS = 75
STREAMS_GRACE_SECONDS = 22  # runs reach a step's edge within 20 s, then their streams are let go


class Server(uvicorn.Server):
    """Hands its runs on as soon as it is told to end, while open streams still see what comes.

    Where other processes go on it takes no more connections; where all end it answers until its runs are handed on, so
    that whoever asks whether it is ready, or for another run, is told.
    """

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        memory.settle()
        turns.shorten()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        from agents import wiring

        told_at = time.monotonic()
        draining = asyncio.create_task(wiring.drain())
        if lifeline.all_end.is_set():
            await draining
        self.config.timeout_graceful_shutdown = max(1, STREAMS_GRACE_SECONDS - int(time.monotonic() - told_at))
        await super().shutdown(sockets)
        await draining


def config() -> uvicorn.Config:
    return uvicorn.Config(
        "agentos.asgi:application",
        loop="uvloop",
        http=protocol.Http,
        ws=protocol.WebSocket,
        ws_max_size=protocol.MAX_MESSAGE_BYTES,
        ws_per_message_deflate=False,  # a stranger's 15 KB would be 15 MB here
        lifespan="on",
        log_config=None,
        log_level="warning",
        access_log=False,
        server_header=False,
        backlog=BACKLOG,
        timeout_keep_alive=KEEP_ALIVE_SECONDS,
        timeout_graceful_shutdown=STREAMS_GRACE_SECONDS,
    )


def loaded() -> uvicorn.Config:
    """Return what to serve with, after importing all that the first requests need: routes, model client, guards."""
    found = config()
    found.load()
    from django.urls import reverse

    import agents.llm.client  # noqa: F401
    from governance.guards.output import judge_once

    judge_once()
    reverse("admin:index")  # loads all routes, and the ways back to them that the first pause would ask for
    return found


def main() -> None:
    """Serve on the inherited socket `argv[1]` when the parent says so: the database stands."""
    lifeline.watch()  # a parent that goes meanwhile leaves nobody at its port
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "agentos.settings")
    listener = socket.socket(fileno=int(sys.argv[1]))
    protocol.cut_who_is_gone(listener)
    try:
        with memory.importing():
            server = Server(loaded())
    except (AgentOSError, PostgresError) as error:
        sys.exit(str(error))
    lifeline.go.wait()
    server.run(sockets=[listener])


if __name__ == "__main__":
    main()
