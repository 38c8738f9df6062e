"""The ASGI application: /api to the lean handler, the rest to Django's own, and the runtime's life with the process."""

from __future__ import annotations

import logging
import os
import warnings
from typing import Any

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "agentos.settings")

from django.core.asgi import get_asgi_application

pages = get_asgi_application()

from channels.routing import URLRouter  # type: ignore[import-untyped]  # noqa: E402
from django.core.checks import Tags  # noqa: E402
from django.urls import path, re_path  # noqa: E402

from accounts.checks import refuse  # noqa: E402
from accounts.seam import in_thread  # noqa: E402
from agentos.core.errors import AgentOSError  # noqa: E402
from agentos.lean import LeanHandler, Receive, Scope, Send  # noqa: E402
from agents import wiring  # noqa: E402
from agents.checks import COMPONENTS  # noqa: E402
from agents.consumers import Nowhere, RunConsumer  # noqa: E402
from governance.consumers import InboxConsumer  # noqa: E402

# WhiteNoise reads its files in a thread of their own, which is what this warning asks for.
warnings.filterwarnings("ignore", message="StreamingHttpResponse must consume synchronous iterators")

logger = logging.getLogger(__name__)
api = LeanHandler()
sockets = URLRouter(
    [
        path("ws/runs/<uuid:run_id>", RunConsumer.as_asgi()),
        path("ws/inbox", InboxConsumer.as_asgi()),
        re_path("", Nowhere.as_asgi()),
    ]
)


async def application(scope: Scope, receive: Receive, send: Send) -> None:
    if scope["type"] == "lifespan":
        await lifespan(receive, send)
    elif scope["type"] == "http" and (scope["path"] == "/api" or scope["path"].startswith("/api/")):
        await api(scope, receive, send)
    elif scope["type"] == "http":
        await pages(scope, receive, send)  # type: ignore[arg-type]
    elif scope["type"] == "websocket":
        await sockets(scope, receive, send)


async def lifespan(receive: Receive, send: Send) -> None:
    """Open the runtime before the first request, unless a check forbids it, and drain it after the last."""
    while True:
        message: dict[str, Any] = await receive()
        if message["type"] == "lifespan.startup":
            try:
                await in_thread(refuse, Tags.security, Tags.database, COMPONENTS)
                await wiring.open_runtime()
            except (AgentOSError, OSError) as error:
                await send({"type": "lifespan.startup.failed", "message": str(error)})
                return
            await send({"type": "lifespan.startup.complete"})
        elif message["type"] == "lifespan.shutdown":
            await wiring.close_runtime()
            await send({"type": "lifespan.shutdown.complete"})
            return
