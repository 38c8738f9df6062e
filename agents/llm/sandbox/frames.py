"""Writes an answer onto the wire: the frames of a stream, or one JSON body."""

import time
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from hashlib import blake2b
from typing import Any

import orjson

from agents.llm.sandbox import tokens
from agents.llm.sandbox.reply import Reply
from agents.llm.sandbox.wire import ChatRequest

DONE = b"data: [DONE]\n\n"
FINGERPRINT = "fp_sandbox"
_ID_LENGTH_BYTES = 12


@dataclass(frozen=True, slots=True)
class CutCall:
    """A tool call with its arguments cut into tokens."""

    id: str
    tool: str
    arguments: list[str]


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer cut into tokens. `finish` is OpenAI's finish_reason."""

    id: str
    content: list[str]
    calls: list[CutCall]
    finish: str

    @property
    def token_count(self) -> int:
        """Tokens of the whole answer; a call's name counts as one."""
        return len(self.content) + sum(1 + len(call.arguments) for call in self.calls)


def cut(reply: Reply, request: ChatRequest, fixed_tokens: int | None) -> Answer:
    """Cut a reply into tokens, within the request's limits."""
    content = tokens.pieces(_stopped(reply.say, request.stop))
    if fixed_tokens is not None and not reply.calls:
        content = tokens.exactly(content, fixed_tokens)
    limit = request.max_tokens if request.max_tokens is not None else 1 << 30
    whole = len(content) <= limit
    content = content[:limit]
    left = limit - len(content)
    calls: list[CutCall] = []
    for index, call in enumerate(reply.calls):
        if left < 1:
            whole = False
            break
        arguments = tokens.pieces(call.arguments)
        whole = whole and len(arguments) < left
        calls.append(CutCall(call_id(request.digest, index), call.tool, arguments[: left - 1]))
        left -= 1 + len(calls[-1].arguments)
    finish = ("tool_calls" if calls else "stop") if whole else "length"
    return Answer(f"chatcmpl-{request.digest}", content, calls, finish)


def call_id(digest: str, index: int) -> str:
    """Make the id of the `index`-th call of an answer to the messages that `digest` stands for."""
    return f"call_{blake2b(f'{digest}/{index}'.encode(), digest_size=_ID_LENGTH_BYTES).hexdigest()}"


def usage(request: ChatRequest, answer: Answer) -> dict[str, Any]:
    """Count what the request and the answer took."""
    return {
        "prompt_tokens": request.prompt_tokens,
        "completion_tokens": answer.token_count,
        "total_tokens": request.prompt_tokens + answer.token_count,
        "prompt_tokens_details": {"cached_tokens": 0},
        "completion_tokens_details": {"reasoning_tokens": 0},
    }


def whole(request: ChatRequest, answer: Answer) -> bytes:
    """Render an answer that is not streamed."""
    message: dict[str, Any] = {
        "role": "assistant",
        "content": "".join(answer.content) or None,
        "refusal": None,
    }
    if answer.calls:
        message["tool_calls"] = [
            {
                "id": call.id,
                "type": "function",
                "function": {"name": call.tool, "arguments": "".join(call.arguments)},
            }
            for call in answer.calls
        ]
    elif message["content"] is None:
        message["content"] = ""
    return orjson.dumps(
        {
            "id": answer.id,
            "object": "chat.completion",
            "created": int(time.time()),
            "model": request.model,
            "system_fingerprint": FINGERPRINT,
            "choices": [{"index": 0, "message": message, "logprobs": None, "finish_reason": answer.finish}],
            "usage": usage(request, answer),
        }
    )


class FrameWriter:
    """Writes the frames of one stream; what they share is rendered once."""

    __slots__ = ("_answer", "_head", "_request", "_tail")

    def __init__(self, request: ChatRequest, answer: Answer) -> None:
        head = (
            f'{{"id":"{answer.id}","object":"chat.completion.chunk","created":{int(time.time())},'
            f'"model":"{request.model}","system_fingerprint":"{FINGERPRINT}","choices":['
        )
        self._head = b"data: " + head.encode()
        self._tail = b'],"usage":null}\n\n' if request.include_usage else b"]}\n\n"
        self._answer = answer
        self._request = request

    def _frame(self, delta: bytes, finish: bytes = b"null") -> bytes:
        return b'%b{"index":0,"delta":%b,"logprobs":null,"finish_reason":%b}%b' % (
            self._head,
            delta,
            finish,
            self._tail,
        )

    def opening(self) -> bytes:
        """The frame that names the role."""
        content = b'""' if self._answer.content or not self._answer.calls else b"null"
        return self._frame(b'{"role":"assistant","content":%b,"refusal":null}' % content)

    def deltas(self) -> Iterator[bytes]:
        """One frame for each token, in order."""
        for token in self._answer.content:
            yield self._frame(_content_delta(token))
        for index, call in enumerate(self._answer.calls):
            yield self._frame(_call_delta(index, call))
            for fragment in call.arguments:
                yield self._frame(_fragment_delta(index, fragment))

    def stamp(self) -> bytes:
        """A content frame whose token is the time of writing, in microseconds of the monotonic clock."""
        return self._frame(b'{"content":"t%d "}' % (time.monotonic_ns() // 1000))

    def closing(self) -> bytes:
        """The finish, the usage when it was asked for, and the end of the stream."""
        finish = self._frame(b"{}", b'"%b"' % self._answer.finish.encode())
        if not self._request.include_usage:
            return finish + DONE
        counted = orjson.dumps(usage(self._request, self._answer))
        return finish + b'%b],"usage":%b}\n\n' % (self._head, counted) + DONE


@lru_cache(maxsize=8192)
def _content_delta(token: str) -> bytes:
    return b'{"content":%b}' % orjson.dumps(token)


def _call_delta(index: int, call: CutCall) -> bytes:
    function = {"name": call.tool, "arguments": ""}
    return orjson.dumps({"tool_calls": [{"index": index, "id": call.id, "type": "function", "function": function}]})


def _fragment_delta(index: int, fragment: str) -> bytes:
    return b'{"tool_calls":[{"index":%d,"function":{"arguments":%b}}]}' % (index, orjson.dumps(fragment))


def _stopped(text: str, stops: tuple[str, ...]) -> str:
    ends = [at for stop in stops if (at := text.find(stop)) >= 0]
    return text[: min(ends)] if ends else text
