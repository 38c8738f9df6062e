"""The load: a process of its own that keeps N streams open over raw sockets and notes what each one saw.

Reads a `Job` as JSON from standard input and writes a `Load` as JSON to standard output.
"""

from __future__ import annotations

import asyncio
import sys
import time
from dataclasses import asdict, dataclass, field
from typing import cast

import httptools
import orjson
import uvloop

from agentos.bench.reading import Reading
from agentos.core.ids import new_id
from agentos.core.types import JsonObject

LONGEST_PAUSE_SECONDS = 5.0
REFUSALS = frozenset({429, 503})


@dataclass(frozen=True, slots=True)
class Job:
    """What to load: `runs` runs of `body` at `path`, `streams` of them at a time."""

    port: int
    path: str
    body: JsonObject
    streams: int
    runs: int
    token: str = field(default="", repr=False)
    sessions: list[str] = field(default_factory=list)
    spread_seconds: float = 0.0
    limit_seconds: float = 60.0
    is_raw: bool = False


@dataclass(slots=True)
class Load:
    """What came of a job; times in microseconds, one for each whole answer (`held`: for each token)."""

    answered: list[str] = field(default_factory=list)
    runs: int = 0
    tokens: int = 0
    refused: int = 0
    failed: int = 0
    cut: int = 0
    seconds: float = 0.0
    cpu_seconds: float = 0.0
    peak_streams: int = 0
    first_event: list[int] = field(default_factory=list)
    first_token: list[int] = field(default_factory=list)
    last_token: list[int] = field(default_factory=list)
    stall: list[int] = field(default_factory=list)
    held: list[int] = field(default_factory=list)

    def add(self, reading: Reading) -> None:
        """Count a stream that has ended."""
        if not reading.is_complete:
            self.failed += 1
            return
        self.runs += 1
        self.answered.append(reading.run_id)
        self.tokens += reading.tokens
        self.first_event.append(reading.first_event_at - reading.sent_at)
        self.first_token.append(reading.first_token_at - reading.sent_at)
        self.last_token.append(reading.last_token_at - reading.sent_at)
        self.stall.append(reading.longest_stall)
        self.held += reading.held


def now_us() -> int:
    return time.monotonic_ns() // 1000


def request_bytes(job: Job, number: int) -> bytes:
    """Return the HTTP request of the `number`-th run."""
    fields = {**job.body, "session_id": job.sessions[number % len(job.sessions)]} if job.sessions else job.body
    body = orjson.dumps(fields)
    identity = (
        b""
        if job.is_raw
        else b"Authorization: Bearer %b\r\nIdempotency-Key: %b\r\n"
        % (
            job.token.encode(),
            new_id().hex.encode(),
        )
    )
    return (
        b"POST %b HTTP/1.1\r\nHost: 127.0.0.1:%d\r\n%bContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%b"
        % (job.path.encode(), job.port, identity, len(body), body)
    )


class Connection(asyncio.Protocol):
    """One connection; reads one response at a time into a `Reading`."""

    def __init__(self) -> None:
        self.transport: asyncio.Transport | None = None
        self.status, self.retry_after = 0, 0.0
        self._reading: Reading | None = None
        self._ended: asyncio.Future[None] | None = None
        self._parser: httptools.HttpResponseParser | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)

    async def ask(self, request: bytes, reading: Reading) -> None:
        """Send a request and return when its response has ended. Raises: ConnectionError."""
        assert self.transport is not None
        self.status, self.retry_after = 0, 0.0
        self._reading, self._parser = reading, httptools.HttpResponseParser(self)
        self._ended = asyncio.get_running_loop().create_future()
        self.transport.write(request)
        await self._ended

    def data_received(self, data: bytes) -> None:
        if self._parser is not None:
            self._now = now_us()
            self._parser.feed_data(data)

    def connection_lost(self, error: Exception | None) -> None:
        self.transport = None
        if self._ended is not None and not self._ended.done():
            self._ended.set_exception(ConnectionError("the server hung up"))

    def on_header(self, name: bytes, value: bytes) -> None:
        if name.lower() == b"retry-after" and value.isdigit():
            self.retry_after = float(value)

    def on_headers_complete(self) -> None:
        assert self._parser is not None
        self.status = self._parser.get_status_code()

    def on_body(self, body: bytes) -> None:
        if self.status == 200 and self._reading is not None:
            self._reading.feed(body, self._now)

    def on_message_complete(self) -> None:
        if self._ended is not None and not self._ended.done():
            self._ended.set_result(None)


class Loader:
    """Keeps a job's streams open until its runs are done or its time is over."""

    def __init__(self, job: Job) -> None:
        self._job = job
        self._load = Load()
        self._next = 0
        self._open = 0

    async def run(self) -> Load:
        job, load = self._job, self._load
        began, cpu = time.monotonic(), time.process_time()
        slots = [asyncio.create_task(self._slot(number)) for number in range(min(job.streams, job.runs))]
        _, late = await asyncio.wait(slots, timeout=job.limit_seconds)
        load.cut = self._open
        for slot in late:
            slot.cancel()
        await asyncio.gather(*slots, return_exceptions=True)
        load.seconds = time.monotonic() - began
        load.cpu_seconds = time.process_time() - cpu
        return load

    async def _slot(self, number: int) -> None:
        await asyncio.sleep(self._job.spread_seconds * number / self._job.streams)
        connection = Connection()
        while self._next < self._job.runs:
            request = request_bytes(self._job, self._next)
            self._next += 1
            if connection.transport is None:
                connection = await self._connect()
            await self._one(connection, request)

    async def _connect(self) -> Connection:
        while True:
            try:
                _, connection = await asyncio.get_running_loop().create_connection(
                    Connection, "127.0.0.1", self._job.port
                )
            except OSError:
                self._load.failed += 1
                await asyncio.sleep(1.0)
            else:
                return connection

    async def _one(self, connection: Connection, request: bytes) -> None:
        load, reading = self._load, Reading(now_us(), is_raw=self._job.is_raw)
        self._open += 1
        load.peak_streams = max(load.peak_streams, self._open)
        try:
            await connection.ask(request, reading)
        except ConnectionError:
            connection.status = 0
        self._open -= 1
        if connection.status in REFUSALS:
            load.refused += 1
            await asyncio.sleep(min(connection.retry_after or 1.0, LONGEST_PAUSE_SECONDS))
        else:
            load.add(reading)


def main() -> None:
    job = Job(**orjson.loads(sys.stdin.buffer.read()))
    load = uvloop.run(Loader(job).run())
    sys.stdout.buffer.write(orjson.dumps(asdict(load)))


if __name__ == "__main__":
    main()
