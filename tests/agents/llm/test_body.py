"""Answers are read past the client's layers: this fails when those become others, and says what is read instead."""

from __future__ import annotations

import aiohttp
import httpx2
import pytest
from openai import AsyncOpenAI

from agents.llm.body import Body, TransportBody, _HeardReader, body_of, source_of
from agents.llm.pools import http_client
from tests.agents.llm.asking import WHOLE
from tests.agents.llm.wire import DONE, chunked, delta, response, serving

MOVED = (
    "The client's layers are others now: mend source_of in agents/llm/body.py. Until then answers are read the "
    "client's own way, which works and costs more for each token."
)
STREAMED = chunked(delta("one"), delta(finish="stop"), DONE)


async def asked(url: str) -> httpx2.Response:
    """Read an answer whole, and return it."""
    async with AsyncOpenAI(
        base_url=url, api_key="none", http_client=http_client(url, connect_seconds=5, idle_seconds=5)
    ) as client:
        posted = client.with_options(max_retries=0).chat.completions.with_streaming_response
        async with posted.create(model="m", messages=[], stream=True) as answer:
            body = body_of(answer.http_response, idle_seconds=5, seconds=5)
            try:
                assert type(body) is TransportBody, MOVED
                read: list[bytes] = []

                def take(data: bytes) -> bool:
                    read.append(data)
                    return False

                await body.each(take)
                assert b"".join(read).endswith(DONE)
            finally:
                body.close()
            return answer.http_response


@pytest.mark.parametrize("pieces", [WHOLE, STREAMED])
async def test_an_answer_is_read_where_the_transport_has_it(pieces: tuple[bytes, ...]) -> None:
    async with serving(pieces) as wire:
        assert isinstance(source_of(await asked(wire.url)), aiohttp.ClientResponse), MOVED


async def test_the_transport_has_what_is_taken_from_it() -> None:
    async with (
        serving(response(delta("Half an")), hang=True) as wire,
        aiohttp.ClientSession() as session,
        session.post(f"{wire.url}/chat/completions", json={}) as source,
    ):
        assert source.connection is not None, MOVED
        assert source.connection.protocol is not None, MOVED
        assert hasattr(source.connection.protocol, "read_timeout"), MOVED
        assert _HeardReader.fits(source.content), MOVED
        assert await source.content.readany() == delta("Half an")
        source.content.set_exception(TimeoutError())
        with pytest.raises(TimeoutError):
            await source.content.readany()


@pytest.mark.parametrize("stream", [httpx2.ByteStream(b"all of it"), httpx2.ByteStream(b"")])
async def test_layers_that_are_others_are_read_the_public_way(stream: httpx2.ByteStream) -> None:
    given = httpx2.Response(200, stream=stream)
    assert source_of(given) is None
    body = body_of(given, idle_seconds=5, seconds=5)
    assert type(body) is Body
    read = [await body.next() for _ in range(2)]
    assert read[-1] == b""
    assert b"".join(read) in (b"all of it", b"")
