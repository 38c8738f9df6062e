"""The road to a model: the official openai client below, `engine.ports.ModelPort` above.

The client does authentication, URLs and the connection pool. Its typed chunks and parameters, and the layers that
serve them, are passed by: they cost several times what the stream itself does.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from contextlib import aclosing
from hashlib import blake2b
from time import monotonic

import httpx2
import orjson

from agentos.core.errors import ConfigError
from agentos.core.types import JsonObject, clean_json, json_object
from agents.engine.model_calls import ModelReply, ModelRequest
from agents.llm.body import body_of
from agents.llm.errors import (
    FAILURES,
    TRANSPORT_ERRORS,
    cut_short,
    from_exception,
    protocol_error,
    timed_out,
)
from agents.llm.named import provider_key, provider_url
from agents.llm.official import OfficialClient
from agents.llm.pools import http_client, timeouts
from agents.llm.stream import ReplyDecoder
from agents.llm.together import Together

CONNECT_SECONDS = 5.0
IDLE_SECONDS = 60.0
EMBEDDING_BATCH = 256
MODERATION_SECONDS = 10.0
_CHAT = "/chat/completions"
LAST_WORDS_SECONDS = 5.0  # for the usage and the end's mark, once the answer is whole
_JSON_HEADERS = {"Content-Type": "application/json"}
_STREAM_HEADERS = {**_JSON_HEADERS, "Accept": "text/event-stream", "Accept-Encoding": "identity"}


class _Unheard(Exception):
    """What `heard` raised, on its way past those who judge what the transport raises."""

    def __init__(self, error: BaseException) -> None:
        super().__init__()
        self.error = error


class ModelGateway:
    """One provider, over one connection pool. Use it from one event loop and close it there.

    It never retries: that is the engine's, which journals every attempt. `idle_seconds` bounds the silence
    before the first and between any two pieces of an answer.
    """

    def __init__(
        self,
        base_url: str,
        api_key: str,
        *,
        embedding_model: str = "",
        moderation_model: str = "",
        connect_seconds: float = CONNECT_SECONDS,
        idle_seconds: float = IDLE_SECONDS,
        public_only: bool = False,
    ) -> None:
        """Take where the provider is and its key; with `public_only` it is no server inside a network.

        Raises: ConfigError.
        """
        url = provider_url(base_url)
        self._client = OfficialClient(
            base_url=url,
            api_key=provider_key(api_key),
            max_retries=0,
            http_client=http_client(
                url, connect_seconds=connect_seconds, idle_seconds=idle_seconds, public_only=public_only
            ),
        )
        self._embedding_model = embedding_model
        self._moderation_model = moderation_model
        self._connect_seconds = connect_seconds
        self._idle_seconds = idle_seconds
        self._together = Together(self._moderate)
        self._prepared: dict[float, httpx2.Timeout] = {}

    async def close(self) -> None:
        self._together.close()
        await self._client.close()

    async def reply(self, request: ModelRequest, heard: Callable[[str], object]) -> ModelReply:
        """Give `heard` the text as it comes, and return the whole reply; deltas that have come together are one.

        Cancelling it closes the connection at once. Raises: ProviderError, and what `heard` does.
        """
        started = monotonic()
        decoder = ReplyDecoder()
        try:
            response = await self._open(request)
            left = request.timeout_seconds - (monotonic() - started)
            body = body_of(response, idle_seconds=self._idle_seconds, seconds=left)
            try:
                is_stream = _is_stream(response, decoder)

                def take(data: bytes) -> bool:
                    text = decoder.feed(data if is_stream else data.replace(b"\n", b" "))
                    if decoder.finished:
                        body.end_within(LAST_WORDS_SECONDS)
                    if text:
                        _tell(heard, text)
                    return decoder.done

                await body.each(take)
                if last := decoder.end():
                    _tell(heard, last)
                if decoder.done:
                    await body.drain()
            finally:
                body.close()
                await response.aclose()
        except _Unheard as unheard:
            raise unheard.error from None
        except TRANSPORT_ERRORS as error:
            if decoder.finished:
                pass
            elif type(error) is TimeoutError:
                raise timed_out(request.timeout_seconds) from None
            else:
                raise cut_short(error) from None
        return decoder.reply(_seed(request))

    async def complete(self, request: ModelRequest) -> ModelReply:
        """Return the whole reply. Raises: ProviderError."""
        return await self.reply(request, len)

    async def embed(self, texts: Sequence[str], *, timeout_seconds: float = 30.0) -> list[list[float]]:
        """Return one vector for each text, in order. Raises: ProviderError, ConfigError without a model."""
        if not self._embedding_model:
            raise ConfigError("No embedding model is set: name one in AGENTOS_MODEL_EMBEDDING.")
        vectors: list[list[float]] = []
        for start in range(0, len(texts), EMBEDDING_BATCH):
            batch = list(texts[start : start + EMBEDDING_BATCH])
            body = {"model": self._embedding_model, "input": batch, "encoding_format": "float"}
            answer = await self.call("/embeddings", body, timeout_seconds=timeout_seconds)
            vectors += _vectors(answer, len(batch))
        return vectors

    async def moderate(self, text: str) -> Mapping[str, float]:
        """Return the flagged categories with scores. Raises: ProviderError, ConfigError without a model."""
        if not self._moderation_model:
            raise ConfigError("No moderation model is set: name one in AGENTOS_MODEL_MODERATION.")
        return await self._together.judge(text)

    async def _moderate(self, texts: list[str]) -> list[dict[str, float]]:
        body = {"model": self._moderation_model, "input": texts if len(texts) > 1 else texts[0]}
        return _flagged(await self.call("/moderations", body, timeout_seconds=MODERATION_SECONDS), len(texts))

    async def models(self, *, timeout_seconds: float = 10.0) -> list[str]:
        """Return the ids of the models that the provider lists. Raises: ProviderError."""
        answer = await self.call("/models", timeout_seconds=timeout_seconds)
        listed = answer.get("data")
        if not isinstance(listed, list):
            raise protocol_error("its list of models is none; check OPENAI_BASE_URL")
        return [str(model["id"]) for model in listed if isinstance(model, dict) and "id" in model]

    async def call(self, path: str, body: JsonObject | None = None, *, timeout_seconds: float = 30.0) -> JsonObject:
        """Send one request, a GET without a body, and return its JSON. Raises: ProviderError."""
        limits = self._limits(timeout_seconds)
        try:
            async with asyncio.timeout(timeout_seconds):
                if body is None:
                    response = await self._client.get(path, cast_to=httpx2.Response, options={"timeout": limits})
                else:
                    response = await self._client.send(path, _encoded(body), _JSON_HEADERS, limits)
                    async with aclosing(response):
                        await response.aread()
        except TimeoutError:
            raise timed_out(timeout_seconds) from None
        except FAILURES as error:
            raise from_exception(error) from None
        answer = json_object(response.content)
        if answer is None:
            raise protocol_error("its answer is no JSON object; check OPENAI_BASE_URL")
        return answer

    async def _open(self, request: ModelRequest) -> httpx2.Response:
        """Send the request and return once the status is there. Raises: ProviderError."""
        body: JsonObject = {
            "model": request.model,
            "messages": request.messages,
            "stream": True,
            "stream_options": {"include_usage": True},
        }
        if request.tools:
            body["tools"] = request.tools
        if request.response_format is not None:
            body["response_format"] = request.response_format
        try:
            async with asyncio.timeout(request.timeout_seconds):
                limits = self._limits(request.timeout_seconds)
                return await self._client.send(_CHAT, _encoded(body), _STREAM_HEADERS, limits)
        except TimeoutError:
            raise timed_out(request.timeout_seconds) from None
        except FAILURES as error:
            raise from_exception(error) from None

    def _limits(self, timeout_seconds: float) -> httpx2.Timeout:
        """Return the time limits of a request, made once."""
        known = self._prepared.get(timeout_seconds)
        if known is None:
            known = timeouts(self._connect_seconds, min(self._idle_seconds, timeout_seconds))
            self._prepared[timeout_seconds] = known
        return known


def _tell(heard: Callable[[str], object], text: str) -> None:
    """Raises: _Unheard."""
    try:
        heard(text)
    except BaseException as error:
        raise _Unheard(error) from error


def _is_stream(response: httpx2.Response, decoder: ReplyDecoder) -> bool:
    """Tell whether a response is a stream of events. Raises: ProviderError where it is a web page."""
    kind = response.headers.get("content-type", "")
    if "html" in kind:
        raise protocol_error("it answers with a web page; check OPENAI_BASE_URL")
    if not kind.startswith("application/json"):
        return True
    # A server that does not stream sends the answer whole: one event.
    decoder.feed(b"data:")
    return False


def _encoded(body: JsonObject) -> bytes:
    """Return a body that is kept as long as its answer streams: what `orjson` returns holds up to twelve times as much.

    It is where it was written, in memory that was never given back.
    """
    try:
        written = orjson.dumps(body)
    except TypeError:
        # A lone surrogate, which no JSON can hold, must not fail the call.
        written = orjson.dumps(clean_json(body))
    return bytes(memoryview(written))


def _seed(request: ModelRequest) -> bytes:
    return blake2b(_encoded({"messages": request.messages})).digest()


def _vectors(answer: JsonObject, expected: int) -> list[list[float]]:
    data = answer.get("data")
    if not isinstance(data, list) or len(data) != expected:
        raise protocol_error("it did not send one embedding for each text")
    try:
        return [list(map(float, item["embedding"])) for item in sorted(data, key=lambda item: item["index"])]
    except (KeyError, TypeError, ValueError):
        raise protocol_error("its embeddings are not readable") from None


def _flagged(answer: JsonObject, expected: int) -> list[dict[str, float]]:
    """Return the flagged categories of each text. Raises: ProviderError where there is not one result for each."""
    results = answer.get("results")
    if not isinstance(results, list) or len(results) < expected or len(results) > expected > 1:
        raise protocol_error("it did not judge each text")
    try:
        return [_flagged_in(result) for result in results[:expected]]
    except (KeyError, TypeError, ValueError, AttributeError):
        raise protocol_error("its moderation is not readable") from None


def _flagged_in(result: JsonObject) -> dict[str, float]:
    scores, hits = result["category_scores"], result["categories"].items()
    flagged = {name: float(scores[name]) for name, hit in hits if hit}
    return flagged or ({"flagged": 1.0} if result["flagged"] else {})
