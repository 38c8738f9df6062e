"""A gateway to a server of the test's, and what is asked of it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from agentos.core.errors import ProviderError
from agentos.core.types import JsonObject
from agents.engine.model_calls import ModelRequest
from agents.llm.client import ModelGateway
from tests.agents.llm.wire import DONE, delta, response

KEY = "sk-test-0123456789"


PROMPT = "the secret wedding is on Friday"


WHOLE = response(delta("Good "), delta("morning."), delta(finish="stop"), DONE)


def asking(text: str = PROMPT, *, tools: list[JsonObject] | None = None, seconds: float = 20) -> ModelRequest:
    messages = [{"role": "system", "content": "Be brief."}, {"role": "user", "content": text}]
    return ModelRequest("sandbox-strong", messages, tools or [], timeout_seconds=seconds)


@asynccontextmanager
async def gateway(url: str, **options: float) -> AsyncIterator[ModelGateway]:
    made = ModelGateway(url, KEY, embedding_model="sandbox-embedding", moderation_model="sandbox-moderation", **options)
    try:
        yield made
    finally:
        await made.close()


async def failure(url: str, request: ModelRequest | None = None, **options: float) -> ProviderError:
    async with gateway(url, **options) as model:
        with pytest.raises(ProviderError) as caught:
            await model.complete(request or asking())
    assert KEY not in caught.value.detail
    assert PROMPT not in caught.value.detail
    return caught.value
