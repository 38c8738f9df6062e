"""One sandbox model for all tests of this folder, and the official client that speaks to it."""

from collections.abc import AsyncIterator, Iterator

import pytest
from openai import AsyncOpenAI

from agents.llm.sandbox.thread import running


@pytest.fixture(scope="session")
def sandbox_url() -> Iterator[str]:
    with running() as url:
        yield url


@pytest.fixture
async def client(sandbox_url: str) -> AsyncIterator[AsyncOpenAI]:
    async with AsyncOpenAI(base_url=sandbox_url, api_key="any", max_retries=0) as client:
        yield client
