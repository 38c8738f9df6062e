"""What the client builds once is, byte for byte, what the official client builds for each request."""

from __future__ import annotations

from typing import Any, TypeVar

import httpx2
import pytest
from openai import AsyncOpenAI
from openai._models import FinalRequestOptions

from agents.llm.official import MOST_FORMS, OfficialClient
from agents.llm.pools import timeouts

STREAM = {"Content-Type": "application/json", "Accept": "text/event-stream", "Accept-Encoding": "identity"}
JSON = {"Content-Type": "application/json"}


C = TypeVar("C", bound=AsyncOpenAI)


def made(kind: type[C]) -> C:
    return kind(base_url="http://127.0.0.1:9/v1", api_key="sk-one", max_retries=0)


async def built(client: OfficialClient, **changed: Any) -> httpx2.Request:
    wanted = {"path": "/chat/completions", "content": b"{}", "headers": JSON, "limits": timeouts(5, 60), **changed}
    return await client.request_of(**wanted)


def parts(request: httpx2.Request) -> tuple[object, ...]:
    return request.method, request.url, request.headers.raw, request.extensions, request.read()


@pytest.mark.parametrize(
    ("path", "content", "headers", "seconds"),
    [
        ("/chat/completions", b'{"a":1}', STREAM, 60),
        ("/moderations", b'{"a":1}', JSON, 60),
        ("/moderations", b'{"a":1}', JSON, 10),
    ],
)
async def test_a_request_is_the_official_clients(
    path: str, content: bytes, headers: dict[str, str], seconds: float
) -> None:
    ours, official, limits = made(OfficialClient), made(AsyncOpenAI), timeouts(5, seconds)
    given = {"method": "post", "url": path, "content": content, "headers": headers, "timeout": limits}
    options = await official._prepare_options(FinalRequestOptions.construct(**given))  # type: ignore[arg-type]
    wanted = parts(official._build_request(options))
    assert [parts(await ours.request_of(path, content, headers, limits)) for _ in range(2)] == [wanted, wanted]


async def test_requests_of_one_form_have_their_own_bodies_and_nothing_of_each_other() -> None:
    client = made(OfficialClient)
    first, second = await built(client, content=b"short"), await built(client, content=b"a longer one")
    first.headers["x-more"] = "1"
    first.extensions["more"] = 1
    third = await built(client, content=b"last")
    assert [one.headers["content-length"] for one in (first, second, third)] == ["5", "12", "4"]
    assert "x-more" not in third.headers
    assert "more" not in third.extensions


async def test_another_key_is_sent_from_the_next_request_on() -> None:
    client = made(OfficialClient)
    before = await built(client, content=b"{}")
    client.api_key = "sk-two"
    after = await built(client, content=b"{}")
    assert [one.headers["authorization"] for one in (before, after)] == ["Bearer sk-one", "Bearer sk-two"]


async def test_forms_do_not_pile_up() -> None:
    client = made(OfficialClient)
    for seconds in range(1, MOST_FORMS + 10):
        await built(client, content=b"{}", limits=timeouts(5, seconds))
    assert len(client._forms) <= MOST_FORMS
