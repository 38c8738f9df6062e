"""The sandbox model as a process of the benchmark: its pace, and a stamp in every token."""

from __future__ import annotations

import socket
import sys

from agentos.bench.stamps import spelt
from agentos.serving import lifeline
from agents.llm.sandbox.asgi import App, Receive, Scope, Send
from agents.llm.sandbox.options import SandboxOptions
from agents.llm.sandbox.server import SandboxServer, build_app

TOKENS = 40
FIRST_TOKEN_MS = 20
TOKEN_MS = 5


def spelling(app: App) -> App:
    """Pass on what the sandbox says with its stamps in letters."""

    async def spelled(scope: Scope, receive: Receive, send: Send) -> None:
        async def spell(message: dict[str, object]) -> None:
            body = message.get("body")
            await send({**message, "body": spelt(body)} if isinstance(body, bytes) else message)

        await app(scope, receive, spell)  # type: ignore[arg-type]  # a dict is what both sides send

    return spelled


def main() -> None:
    """Serve on the inherited socket `argv[1]` until the parent is gone."""
    lifeline.watch()
    options = SandboxOptions(ttft_ms=FIRST_TOKEN_MS, token_ms=TOKEN_MS, tokens=TOKENS, bench_stamp=True)
    listener = socket.socket(fileno=int(sys.argv[1]))
    SandboxServer(spelling(build_app(options, ())), listener, None).serve_until_stopped()


if __name__ == "__main__":
    main()
