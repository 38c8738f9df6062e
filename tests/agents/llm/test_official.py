"""What the client builds once is, byte for byte, what the official client builds for each request."""

from __future__ import annotations

import httpx2
import pytest
from openai import AsyncOpenAI
from openai._models import FinalRequestOptions

from agents.llm.official import MOST_FORMS, OfficialClient
from agents.llm.pools import timeouts

STREAM = {"Content-Type": "application/json", "Accept": "text/event-stream", "Accept-Encoding": "identity"}
JSON = {"Content-Type": "application/json"}


def made(kind: type[AsyncOpenAI], key: str = "sk-one") -> AsyncOpenAI:
    return kind(base_url="http://127.0.0.1:9/v1", api_key=key, max_retries=0)


async def built(client: AsyncOpenAI, **options: object) -> httpx2.Request:
    wanted = {"method": "post", "url": "/chat/completions", "headers": JSON, "timeout": timeouts(5, 60), **options}
    return client._build_request(await client._prepare_options(FinalRequestOptions.construct(**wanted)))  # type: ignore[arg-type]


def parts(request: httpx2.Request) -> tuple[object, ...]:
    return request.method, request.url, request.headers.raw, request.extensions, request.read()


@pytest.mark.parametrize(
    "options",
    [
        {"content": b'{"a":1}', "headers": STREAM},
        {"content": b'{"a":1}', "url": "/moderations"},
        {"content": b'{"a":1}', "timeout": timeouts(5, 10)},
        {"content": b"", "headers": STREAM},
        {"method": "get", "url": "/models"},
        {"method": "post", "json_data": {"a": 1}},
    ],
)
async def test_a_request_is_the_official_clients(options: dict[str, object]) -> None:
    ours, official = made(OfficialClient), made(AsyncOpenAI)
    wanted = parts(await built(official, **options))
    assert [parts(await built(ours, **options)) for _ in range(2)] == [wanted, wanted]


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
    assert isinstance(client, OfficialClient)
    for seconds in range(1, MOST_FORMS + 10):
        await built(client, content=b"{}", timeout=timeouts(5, seconds))
    assert len(client._forms) <= MOST_FORMS
