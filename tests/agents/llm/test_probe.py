"""The probe at start: against the sandbox model, and against servers that lack this or that."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

import pytest

from agents.llm.probe import probe
from agents.llm.sandbox.thread import running
from tests.agents.llm.wire import refusal, response, serving

KEY = "sk-test-0123456789"
NAMES = {
    "strong": "sandbox-strong",
    "fast": "sandbox-fast",
    "embedding": "sandbox-embedding",
    "moderation": "sandbox-moderation",
}


@pytest.fixture(scope="module")
def sandbox() -> Iterator[str]:
    with running() as url:
        yield url


async def test_the_sandbox_model_can_do_everything(sandbox: str) -> None:
    report = await probe(sandbox, KEY, NAMES)
    assert report.problems == ()
    assert all(report.works(name) for name in ("embeddings", "moderations", "tools", "json_schema")), report.lines()
    assert report.embedding_dimension == 256
    assert report.models is not None
    assert set(report.models) == set(NAMES.values())
    assert len(report.lines()) == 6


async def test_a_missing_model_lists_what_is_there_the_closest_first(sandbox: str) -> None:
    report = await probe(sandbox, KEY, {**NAMES, "fast": "sandbox-fats", "embedding": "other"})
    (problem,) = report.problems
    assert "sandbox-fats (AGENTOS_MODEL_FAST)" in problem
    assert problem.index("sandbox-fast") < problem.index("sandbox-embedding")
    assert report.capabilities["embeddings"].reason == "the provider has no model other"
    assert not report.works("embeddings")
    assert report.works("tools")


async def test_no_moderation_model_is_a_finding_and_no_problem(sandbox: str) -> None:
    report = await probe(sandbox, KEY, {**NAMES, "moderation": ""})
    assert report.problems == ()
    assert not report.works("moderations")


async def test_a_latest_tag_need_not_be_written() -> None:
    body = b'{"data": [{"id": "llama:latest"}]}'
    async with serving(response(body, kind="application/json")) as wire:
        report = await probe(wire.url, "", {"strong": "llama", "fast": "llama"})
    assert report.problems == ()
    assert not report.works("tools")


async def test_nobody_there() -> None:
    server = await asyncio.start_server(lambda reader, writer: None, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    server.close()
    await server.wait_closed()
    report = await probe(f"http://127.0.0.1:{port}/v1?key={KEY}", KEY, NAMES)
    (problem,) = report.problems
    assert f"no model server answers at http://127.0.0.1:{port}:" in problem
    assert KEY not in "\n".join(report.lines())


async def test_a_refused_key() -> None:
    async with serving(refusal(401, {"message": f"Incorrect API key provided: {KEY}"})) as wire:
        report = await probe(wire.url, KEY, NAMES)
    assert report.problems == ("The provider refused the key: check OPENAI_API_KEY.",)
    assert not report.works("tools")
    assert len(wire.heads) == 1


async def test_a_wrong_path() -> None:
    async with serving(refusal(404, {"message": "no route"})) as wire:
        report = await probe(wire.url, KEY, NAMES)
    (problem,) = report.problems
    assert "OPENAI_BASE_URL" in problem
    assert report.models is None


async def test_a_server_that_never_answers_does_not_hold_up_the_start(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("agents.llm.probe.TIMEOUT_SECONDS", 0.3)
    async with serving((), hang=True) as wire:
        report = await probe(wire.url, KEY, NAMES)
    (problem,) = report.problems
    assert "no model server answers" in problem


async def test_a_server_that_only_lists_reports_each_gap() -> None:
    listed = ", ".join(f'{{"id": "{name}"}}' for name in NAMES.values())
    body = f'{{"data": [{listed}]}}'.encode()
    async with serving(response(body, kind="application/json")) as wire:
        report = await probe(wire.url, KEY, NAMES)
    assert report.problems == ()
    assert {name: report.works(name) for name in report.capabilities} == {
        "embeddings": False,
        "moderations": False,
        "tools": False,
        "json_schema": False,
    }
    assert all(item.reason for item in report.capabilities.values())


async def test_a_wrong_url_is_a_problem_and_no_exception() -> None:
    report = await probe("ftp://me:hush@host/v1", KEY, NAMES)
    assert len(report.problems) == 1
    assert "hush" not in "\n".join(report.lines())
