"""Decodes one streamed answer: bytes of server-sent events in, text out, at the end the whole reply."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from hashlib import blake2b

import orjson

from agentos.core.errors import ProviderError
from agentos.core.types import Json, JsonObject, clean_json, clean_text, json_object, json_text
from agents.engine.model_calls import ModelReply, ToolCall, Usage
from agents.llm.errors import from_stream, protocol_error, stream_cut

MAX_LINE_BYTES = 16 * 1024 * 1024
MAX_REPLY_CHARS = 4_000_000  # several times what any model writes: one that does not stop would fill our memory
MAX_CALLS = 1_000
MAX_NAME_CHARS = 200  # of tools, models and the ids of calls, as they are stored
MOST_TOKENS = 10**9  # what more is said to have been used is not believed
_DATA = b"data:"
_BYTE_ORDER_MARK = b"\xef\xbb\xbf"


@dataclass(slots=True)
class _Slot:
    """A tool call while its pieces come in."""

    index: int | None
    id: str
    name: str
    pieces: list[str] = field(default_factory=list)

    @property
    def arguments(self) -> str:
        return "".join(self.pieces)

    @property
    def is_whole(self) -> bool:
        return json_object(self.arguments) is not None


class ReplyDecoder:
    """The state of one answer. Lines may be cut anywhere, also inside a character."""

    def __init__(self) -> None:
        self.done = False  # the server has said [DONE]
        self._rest = b""
        self._texts: list[str] = []
        self._slots: list[_Slot] = []
        self._chars = 0
        self._finish = ""
        self._refused = False
        self._usage: JsonObject = {}
        self._model = ""
        self._odd = False
        self._half = ""

    @property
    def finished(self) -> bool:
        """Whether the answer is whole, even if the stream should break off now."""
        return bool(self._finish)

    def feed(self, data: bytes) -> str:
        """Take what has come and return the text that is new in it. Raises: ProviderError."""
        lines = (self._rest + data if self._rest else data).split(b"\n")
        self._rest = lines.pop()
        if len(self._rest) > MAX_LINE_BYTES:
            raise protocol_error("a line of its stream has no end")
        texts = [text for line in lines if line and not self.done and (text := self._event(line))]
        if not texts:
            return ""
        new = texts[0] if len(texts) == 1 else "".join(texts)
        self._texts.append(new)
        self._grow(len(new))
        return new

    def end(self) -> str:
        """Take a last line that nothing ended; half an event is what a cut stream leaves behind."""
        try:
            return self.feed(b"\n") if self._rest else ""
        except ProviderError as error:
            raise (stream_cut() if error.code == "provider_protocol" else error) from None

    def reply(self, seed: bytes) -> ModelReply:
        """Return the whole reply. `seed` makes the ids of calls that came without one.

        Raises: ProviderError when the stream was cut or what came cannot be used.
        """
        if not self._finish:
            raise stream_cut()
        calls = self._calls(seed)
        text = "".join(self._texts)
        return ModelReply(
            text=text,
            tool_calls=calls,
            finish_reason=self._reason(text, calls),
            usage=_usage(self._usage),
            model=self._model,
        )

    def _grow(self, chars: int) -> None:
        """Raises: ProviderError when the answer gets longer than answers are."""
        self._chars += chars
        if self._chars > MAX_REPLY_CHARS or len(self._slots) > MAX_CALLS:
            raise protocol_error("its answer has no end")

    def _event(self, line: bytes) -> str:
        if not line.startswith(_DATA):
            line = line.removeprefix(_BYTE_ORDER_MARK)
            if not line.startswith(_DATA):
                return ""
        payload = line[len(_DATA) :]
        try:
            chunk = orjson.loads(payload)
        except orjson.JSONDecodeError:
            chunk = self._odd_event(payload)
            if chunk is None:
                return ""
        if not isinstance(chunk, dict):
            raise protocol_error("an event of its stream is no JSON object")
        if error := chunk.get("error"):
            raise from_stream(error)
        if usage := chunk.get("usage"):
            self._usage = usage if isinstance(usage, dict) else {}
        if not self._model and isinstance(model := chunk.get("model"), str):
            self._model = model[:MAX_NAME_CHARS]
        choices = chunk.get("choices")
        if not choices:
            return ""
        if not isinstance(choices, list) or not isinstance(choices[0], dict):
            raise protocol_error("an event of its stream has no readable choice")
        return self._choice(choices[0])

    def _odd_event(self, payload: bytes) -> Json:
        """Read what strict JSON refuses: the end marker, an empty line, halves of a surrogate pair."""
        stripped = payload.strip()
        if stripped == b"[DONE]":
            self.done = True
            return None
        if not stripped:
            return None
        try:
            chunk = json.loads(stripped)
        except (ValueError, RecursionError):
            raise protocol_error("an event of its stream is no JSON") from None
        self._odd = True
        return chunk

    def _choice(self, choice: JsonObject) -> str:
        if isinstance(reason := choice.get("finish_reason"), str) and reason:
            self._finish = reason
        delta = choice.get("delta") or choice.get("message")
        if not isinstance(delta, dict):
            return ""
        if calls := delta.get("tool_calls"):
            self._merge(calls)
        text = delta.get("content") or ""
        if refusal := delta.get("refusal"):
            self._refused = True
            text = text or refusal
        if not isinstance(text, str):
            text = _text_parts(text)
        return self._mended(text) if self._odd or "\0" in text else text

    def _mended(self, text: str) -> str:
        """Join surrogate halves that came in two deltas and drop what no text may hold."""
        text = self._half + text
        self._half = ""
        if text and "\ud800" <= text[-1] <= "\udbff":
            text, self._half = text[:-1], text[-1]
        return clean_text(text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "ignore"))

    def _merge(self, calls: Json) -> None:
        if not isinstance(calls, list):
            raise protocol_error("its tool calls are no list")
        for call in calls:
            function = call.get("function") or {} if isinstance(call, dict) else None
            if not isinstance(function, dict):
                raise protocol_error("a tool call is not an object")
            name, id = str(function.get("name") or ""), str(call.get("id") or "")
            index = call.get("index")
            slot = self._slot(index if isinstance(index, int) else None, id, name)
            slot.id = slot.id or id
            # Some servers repeat the name in every delta, some let it grow: it is never glued together.
            if name.startswith(slot.name):
                slot.name = name
            arguments = function.get("arguments")
            if arguments:
                slot.pieces.append(arguments if isinstance(arguments, str) else json_text(clean_json(arguments)))
                self._grow(len(slot.pieces[-1]))

    def _slot(self, index: int | None, id: str, name: str) -> _Slot:
        """Find the call that a piece belongs to; some servers send no index, or the same for all."""
        if index is not None:
            known = next((slot for slot in reversed(self._slots) if slot.index == index), None)
            if known and not (name and id and known.id and id != known.id and known.is_whole):
                return known
        elif id and (known := next((slot for slot in self._slots if slot.id == id), None)):
            return known
        elif self._slots and not (name and (name != self._slots[-1].name or self._slots[-1].is_whole)):
            return self._slots[-1]
        self._slots.append(_Slot(index, id, name))
        self._grow(len(name))
        return self._slots[-1]

    def _calls(self, seed: bytes) -> tuple[ToolCall, ...]:
        calls: dict[str, ToolCall] = {}
        for place, slot in enumerate(self._slots):
            if not 0 < len(slot.name) <= MAX_NAME_CHARS:
                raise protocol_error("a tool call has no name", retryable=True)
            id = clean_text(slot.id)
            if not 0 < len(id) <= MAX_NAME_CHARS or id in calls:
                id = f"call_{blake2b(b'%d/%b' % (place, seed), digest_size=12).hexdigest()}"
            arguments = self._mended(slot.arguments) if self._odd else slot.arguments
            calls[id] = ToolCall(id, clean_text(slot.name), clean_text(arguments) or "{}")
        return tuple(calls.values())

    def _reason(self, text: str, calls: tuple[ToolCall, ...]) -> str:
        if self._finish == "error":
            raise from_stream({})
        if self._finish == "content_filter" and not text and not calls:
            raise from_stream({"code": "content_filter"})
        if calls:
            return self._finish if self._finish in ("length", "content_filter") else "tool_calls"
        if self._finish in ("tool_calls", "function_call"):
            raise protocol_error("it announced a tool call and sent none", retryable=True)
        return "refusal" if self._refused and self._finish == "stop" else self._finish


def _text_parts(parts: Json) -> str:
    """Join the text parts of a content that came as a list; what a model thinks is left out."""
    if not isinstance(parts, list):
        raise protocol_error("a delta's content is neither text nor parts")
    texts = [part.get("text") for part in parts if isinstance(part, dict) and part.get("type") == "text"]
    return "".join(text for text in texts if isinstance(text, str))


def _usage(data: JsonObject) -> Usage:
    return Usage(
        input_tokens=_count(data, "prompt_tokens"),
        output_tokens=_count(data, "completion_tokens"),
        reasoning_tokens=_count(data.get("completion_tokens_details"), "reasoning_tokens"),
        cached_tokens=_count(data.get("prompt_tokens_details"), "cached_tokens"),
    )


def _count(data: Json, key: str) -> int:
    value = data.get(key) if isinstance(data, dict) else None
    return value if isinstance(value, int) and 0 < value <= MOST_TOKENS else 0
