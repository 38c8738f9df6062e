"""Two floors to judge the product by: the bare `openai` client reading the same streams, and a relay of raw bytes."""

from __future__ import annotations

import asyncio
import socket
import sys
import time
from collections.abc import Awaitable, Callable
from dataclasses import asdict
from typing import Any

import aiohttp
import orjson
import uvicorn
from openai import AsyncOpenAI

from agentos.bench.client import Job, Load, now_us
from agentos.bench.stamps import stamps_in
from agentos.serving import lifeline

RELAY = "relay"
CHAT_PATH = "/v1/chat/completions"
BACKLOG = 4096


def chat_body(message: str = "[[say:ok]]") -> dict[str, Any]:
    """Return what both floors ask the model."""
    return {
        "model": "sandbox-strong",
        "messages": [{"role": "user", "content": message}],
        "stream": True,
        "stream_options": {"include_usage": True},
    }


async def read_with_client(job: Job) -> Load:
    """Read a job's streams with the client as its documentation shows it: a typed object for each chunk."""
    load, began, cpu = Load(), time.monotonic(), time.process_time()
    left = iter(range(job.runs))
    async with AsyncOpenAI(base_url=f"http://127.0.0.1:{job.port}/v1", api_key="none", max_retries=0) as client:

        async def slot() -> None:
            for _ in left:
                await _one(client, load)

        await asyncio.gather(*(slot() for _ in range(job.streams)))
    load.seconds, load.cpu_seconds = time.monotonic() - began, time.process_time() - cpu
    load.peak_streams = job.streams
    return load


async def _one(client: AsyncOpenAI, load: Load) -> None:
    sent_at, first, last, stall = now_us(), 0, 0, 0
    async for chunk in await client.chat.completions.create(**chat_body()):
        text = chunk.choices[0].delta.content if chunk.choices else None
        if not text:
            continue
        now = now_us()
        load.held += [now - at for at in stamps_in(text.encode())]
        load.tokens += 1
        stall = max(stall, now - last) if last else 0
        first, last = first or now, now
    load.runs += 1
    load.first_token.append(first - sent_at)
    load.last_token.append(last - sent_at)
    load.stall.append(stall)


class Relay:
    """The least that a server in between can do: pass the model's bytes on."""

    def __init__(self, model_port: int) -> None:
        self._url = f"http://127.0.0.1:{model_port}{CHAT_PATH}"
        self._session: aiohttp.ClientSession | None = None

    async def __call__(
        self,
        scope: dict[str, Any],
        receive: Callable[[], Awaitable[dict[str, Any]]],
        send: Callable[[dict[str, Any]], Awaitable[None]],
    ) -> None:
        if self._session is None:
            self._session = aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0))
        body = (await receive()).get("body", b"")
        headers = {"Content-Type": "application/json"}
        async with self._session.post(self._url, data=body, headers=headers) as answer:
            start = {"type": "http.response.start", "status": answer.status}
            await send({**start, "headers": [(b"content-type", b"text/event-stream")]})
            async for part in answer.content.iter_any():
                await send({"type": "http.response.body", "body": part, "more_body": True})
        await send({"type": "http.response.body", "body": b""})


def main() -> None:
    """`relay <socket> <model's port>` serves until the parent is gone; without arguments, read a job."""
    if sys.argv[1:2] == [RELAY]:
        lifeline.watch()
        config = uvicorn.Config(
            Relay(int(sys.argv[3])),
            loop="uvloop",
            http="httptools",
            lifespan="off",
            log_level="warning",
            access_log=False,
            backlog=BACKLOG,
        )
        uvicorn.Server(config).run(sockets=[socket.socket(fileno=int(sys.argv[2]))])
        return
    load = asyncio.run(read_with_client(Job(**orjson.loads(sys.stdin.buffer.read()))))
    sys.stdout.buffer.write(orjson.dumps(asdict(load)))


if __name__ == "__main__":
    main()
