"""Routes, models and errors in OpenAI's shape."""

from typing import Any

import httpx
import pytest
from openai import AsyncOpenAI, NotFoundError

from agents.llm.sandbox.asgi import MAX_BODY_BYTES
from agents.llm.sandbox.server import listen
from tests.agents.llm.sandbox.offers import body


async def test_the_models_are_listed_and_found(client: AsyncOpenAI) -> None:
    listed = [model async for model in client.models.list()]
    assert [model.id for model in listed] == [
        "sandbox-strong",
        "sandbox-fast",
        "sandbox-embedding",
        "sandbox-moderation",
    ]
    assert {model.owned_by for model in listed} == {"agentos-sandbox"}
    assert await client.models.retrieve("sandbox-fast") == listed[1]
    with pytest.raises(NotFoundError) as caught:
        await client.models.retrieve("gpt-nothing")
    assert caught.value.code == "model_not_found"


def test_health_needs_no_key(sandbox_url: str) -> None:
    assert httpx.get(sandbox_url.removesuffix("/v1") + "/health").json() == {"status": "ok"}


@pytest.mark.parametrize(
    ("method", "path", "content", "status"),
    [
        ("POST", "/chat/completions", b"{not json", 400),
        ("POST", "/chat/completions", b"[]", 400),
        ("POST", "/chat/completions", b"\xff\xfe", 400),
        ("POST", "/chat/completions", b"{}", 400),
        ("POST", "/embeddings", b"", 400),
        ("POST", "/moderations", b"null", 400),
        ("GET", "/chat/completions", None, 405),
        ("POST", "/models", b"{}", 405),
        ("DELETE", "/models/sandbox-fast", None, 405),
        ("POST", "/completions", b"{}", 404),
        ("GET", "/", None, 404),
    ],
)
def test_errors_have_openais_shape(
    sandbox_url: str, method: str, path: str, content: bytes | None, status: int
) -> None:
    response = httpx.request(method, sandbox_url + path, content=content)
    assert response.status_code == status
    error: dict[str, Any] = response.json()["error"]
    assert set(error) == {"message", "type", "param", "code"}
    assert error["type"] == "invalid_request_error"
    assert ("allow" in response.headers) is (status == 405)


def test_a_body_too_large_is_refused(sandbox_url: str) -> None:
    response = httpx.post(f"{sandbox_url}/moderations", content=b" " * (MAX_BODY_BYTES + 1))
    assert response.status_code == 413
    assert response.json()["error"]["code"] == "request_too_large"


def test_requests_are_numbered(sandbox_url: str) -> None:
    ids = {httpx.post(f"{sandbox_url}/chat/completions", json=body("Hi")).headers["x-request-id"] for _ in range(3)}
    assert len(ids) == 3


def test_a_taken_port_is_an_os_error() -> None:
    with listen("127.0.0.1", 0) as taken:
        taken.listen()
        with pytest.raises(OSError, match="in use"):
            listen("127.0.0.1", taken.getsockname()[1])
