"""POST /v1/chat/completions: from a request's body to an answer at the pace of a model."""

import asyncio
from dataclasses import dataclass
from functools import lru_cache

from agents.llm.sandbox.asgi import Headers, Receive, Send, send_json, until_gone
from agents.llm.sandbox.faults import FaultBook, refuse_if_status
from agents.llm.sandbox.frames import Answer, FrameWriter, cut, whole
from agents.llm.sandbox.markers import Markers
from agents.llm.sandbox.options import SandboxOptions
from agents.llm.sandbox.planner import decide
from agents.llm.sandbox.scenario import ScenarioBook
from agents.llm.sandbox.turn import read_turn
from agents.llm.sandbox.wire import ChatRequest, read_body, read_chat

_STREAM_HEADERS = [(b"content-type", b"text/event-stream; charset=utf-8"), (b"cache-control", b"no-cache")]
# Without a pace, the other streams still get their turn after this many tokens.
_TOKENS_PER_TURN = 16
_LONG_SECONDS = 0.5  # whoever hangs up meanwhile is not waited for
_REMEMBERED_BODIES = 512
_REMEMBERED_BYTES = 64 * 1024


@dataclass(frozen=True, slots=True)
class Pace:
    """When the tokens of one answer come, in seconds."""

    first: float
    step: float
    stall: float

    @classmethod
    def of(cls, options: SandboxOptions, markers: Markers) -> "Pace":
        """Take the server's pace, changed by the message's markers."""
        first = options.ttft_ms if markers.ttft_ms is None else markers.ttft_ms
        step = options.token_ms if markers.token_ms is None else markers.token_ms
        stall = options.stall_ms if markers.stall_ms is None else markers.stall_ms
        return cls(first / 1000, step / 1000, stall / 1000)


class ChatEndpoint:
    """Answers chat requests with the scenarios, the pace and the faults of one server."""

    def __init__(self, options: SandboxOptions, book: ScenarioBook) -> None:
        self._options = options
        self._book = book
        self._faults = FaultBook(options.faults, options.seed)
        # The answer depends on the body alone, and a load test sends the same one again and again.
        self._remembered = lru_cache(maxsize=_REMEMBERED_BODIES)(self._planned)

    async def __call__(self, body: bytes, receive: Receive, send: Send, headers: Headers) -> None:
        """Answer one request. Raises: ApiError before anything has been sent."""
        drawn = self._faults.drawn()
        plan = self._remembered if len(body) <= _REMEMBERED_BYTES else self._planned
        request, markers, answer = plan(body)
        fault = self._faults.asked(markers.faults.get("fault"), request.conversation) or drawn
        refuse_if_status(fault)
        if fault == "hang":
            await until_gone(receive)
            return
        pace = Pace.of(self._options, markers)
        if request.stream:
            await self._stream(request, answer, pace, fault, receive, send, headers)
        else:
            await _send_whole(request, answer, pace, fault, send, headers)

    def _planned(self, body: bytes) -> tuple[ChatRequest, Markers, Answer]:
        """Read a request and decide its answer."""
        request = read_chat(read_body(body), self._options.chat_models)
        turn = read_turn(request)
        fixed = turn.markers.tokens or self._options.tokens
        return request, turn.markers, cut(decide(request, turn, self._book), request, fixed)

    async def _stream(
        self,
        request: ChatRequest,
        answer: Answer,
        pace: Pace,
        fault: str | None,
        receive: Receive,
        send: Send,
        headers: Headers,
    ) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": _STREAM_HEADERS + headers})
        gone = asyncio.ensure_future(until_gone(receive))
        try:
            await _send_stream(FrameWriter(request, answer), answer, pace, fault, send, gone, self._options.bench_stamp)
        finally:
            gone.cancel()


async def _send_stream(
    writer: FrameWriter,
    answer: Answer,
    pace: Pace,
    fault: str | None,
    send: Send,
    gone: "asyncio.Future[None]",
    stamped: bool,
) -> None:
    """Send one frame for each token at its time, counted from the start so that lateness does not add up."""
    now = asyncio.get_running_loop().time
    due = now() + pace.first
    half = max(answer.token_count // 2, 1)
    waiting = writer.opening()
    for index, frame in enumerate(writer.deltas()):
        if fault and index == half:
            if fault in ("cut", "drop"):
                break
            due += pace.stall
        delay = due - now()
        if delay > _LONG_SECONDS:
            await asyncio.wait([gone], timeout=delay)
        elif delay > 0 or index % _TOKENS_PER_TURN == 0:
            await asyncio.sleep(max(delay, 0))
        if gone.done():
            return
        written = writer.stamp() if stamped and index < len(answer.content) else frame
        await send({"type": "http.response.body", "body": waiting + written, "more_body": True})
        waiting = b""
        due += pace.step
    if fault == "drop":
        # An ASGI application that returns in the middle of a response has its connection closed.
        return
    closing = b"" if fault == "cut" else waiting + writer.closing()
    await send({"type": "http.response.body", "body": closing, "more_body": False})


async def _send_whole(
    request: ChatRequest, answer: Answer, pace: Pace, fault: str | None, send: Send, headers: Headers
) -> None:
    stall = pace.stall if fault == "slow" else 0.0
    await asyncio.sleep(pace.first + pace.step * answer.token_count + stall)
    body = whole(request, answer)
    if fault in ("cut", "drop"):
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": body[: len(body) // 2], "more_body": True})
        return
    await send_json(send, body, headers=headers)
