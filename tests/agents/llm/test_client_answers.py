"""What comes back to the model client: refusals, odd answers, silence, streams that are cut."""

from __future__ import annotations

import asyncio
import gc
import gzip
import logging
import weakref
from contextvars import ContextVar
from typing import Any

import orjson
import pytest

from agentos.core.errors import ProviderError
from agentos.core.types import JsonObject
from agents.engine.model_calls import ToolCall
from agents.llm.body import Body, body_of
from tests.agents.llm.asking import KEY, PROMPT, WHOLE, asking, failure, gateway
from tests.agents.llm.wire import DONE, call, chunked, delta, event, refusal, response, serving


@pytest.fixture(params=["where the transport has it", "as the client gives it"])
def either_way(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Read an answer past the client's layers, and as a client would be read whose layers are others."""
    if request.param.startswith("as"):
        monkeypatch.setattr("agents.llm.body.source_of", lambda response: None)


@pytest.mark.parametrize(
    ("status", "error", "code", "retryable"),
    [
        (400, {"code": "context_length_exceeded", "message": PROMPT}, "context_length", False),
        (400, {"message": "This model's maximum context length is 8192 tokens"}, "context_length", False),
        (413, {"message": "too big"}, "context_length", False),
        (400, {"code": "content_filter", "message": PROMPT}, "provider_content_filter", False),
        (
            400,
            {"code": "unsupported_value", "param": "tools", "message": f"{KEY} {PROMPT}"},
            "provider_rejected",
            False,
        ),
        (422, "plain text", "provider_rejected", False),
        (401, {"message": f"Incorrect API key provided: {KEY}"}, "provider_auth", False),
        (403, {"message": "no"}, "provider_auth", False),
        (404, {"code": "model_not_found", "message": "x"}, "provider_model_missing", False),
        (404, {"message": "model 'x' not found, try pulling it first"}, "provider_model_missing", False),
        (404, {"message": "no route"}, "provider_protocol", False),
        (408, {"message": "late"}, "provider_unavailable", True),
        (429, {"code": "insufficient_quota", "message": "You exceeded"}, "provider_quota", False),
        (429, {"message": "slow down"}, "provider_rate_limited", True),
        (500, {"message": PROMPT}, "provider_unavailable", True),
        (529, {"message": "overloaded"}, "provider_unavailable", True),
    ],
)
async def test_a_status_says_who_has_to_act(status: int, error: JsonObject | str, code: str, retryable: bool) -> None:
    async with serving(refusal(status, error)) as wire:
        found = await failure(wire.url)
    assert (found.code, found.retryable) == (code, retryable)


async def test_a_rejection_names_the_parameter() -> None:
    async with serving(refusal(400, {"code": "unsupported_value", "param": "messages[0].role"})) as wire:
        assert "messages[0].role" in (await failure(wire.url)).detail


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"Retry-After": "7"}, 7.0),
        ({"Retry-After": "7", "Retry-After-Ms": "1500"}, 1.5),
        ({"Retry-After": "-3"}, 0.0),
        ({"Retry-After": "Wed, 21 Oct 2015 07:28:00 GMT"}, 0.0),
        ({"Retry-After": "soon"}, None),
        ({}, None),
    ],
)
async def test_when_to_come_back(headers: dict[str, str], seconds: float | None) -> None:
    async with serving(refusal(429, {"message": "slow down"}, headers)) as wire:
        assert (await failure(wire.url)).retry_after_seconds == seconds


async def test_a_redirect_is_not_followed_with_the_key() -> None:
    async with serving(WHOLE) as target:
        async with serving(response(status=307, headers={"Location": f"{target.url}/chat/completions"})) as wire:
            error = await failure(wire.url)
        assert target.heads == []
    assert (error.code, error.retryable) == ("provider_protocol", False)


async def test_a_web_page_is_no_model() -> None:
    async with serving(response(b"<html>Sign in</html>", kind="text/html; charset=utf-8")) as wire:
        error = await failure(wire.url)
    assert (error.code, error.retryable) == ("provider_protocol", False)
    assert "OPENAI_BASE_URL" in error.detail


async def test_an_answer_that_is_not_streamed_is_read_whole() -> None:
    message = {"role": "assistant", "content": "All at once.", "tool_calls": [call(None, id="c", name="look")]}
    body = {
        "model": "m-2",
        "choices": [{"message": message, "finish_reason": "tool_calls"}],
        "usage": {"prompt_tokens": 3, "completion_tokens": 4},
    }
    pretty = orjson.dumps(body, option=orjson.OPT_INDENT_2)
    async with serving(response(pretty[:40], pretty[40:], kind="application/json")) as wire, gateway(wire.url) as model:
        reply = await model.complete(asking())
    assert (reply.text, reply.model, reply.usage.total_tokens) == ("All at once.", "m-2", 7)
    assert reply.tool_calls == (ToolCall("c", "look", "{}"),)


async def test_a_server_that_compresses_unasked_is_understood() -> None:
    body = gzip.compress(delta("Small.") + delta(finish="stop") + DONE)
    async with serving(response(body, headers={"Content-Encoding": "gzip"})) as wire, gateway(wire.url) as model:
        assert (await model.complete(asking())).text == "Small."


@pytest.mark.usefixtures("either_way")
async def test_what_is_broken_off_after_the_end_is_whole() -> None:
    pieces = chunked(delta("Enough."), delta(finish="stop"), whole=False)
    async with serving(pieces) as wire, gateway(wire.url) as model:
        assert (await model.complete(asking())).text == "Enough."


@pytest.mark.usefixtures("either_way")
@pytest.mark.parametrize(
    "pieces",
    [
        response(delta("Half an")),
        response(delta("Half an"), DONE),
        response(delta("Half an"), b'data: {"choices": [{"del'),
        chunked(delta("Half an"), whole=False),
        response(),
    ],
)
async def test_what_is_broken_off_before_the_end_is_cut(pieces: tuple[bytes, ...]) -> None:
    async with serving(pieces) as wire:
        error = await failure(wire.url)
    assert (error.code, error.retryable) == ("provider_stream_cut", True)


async def test_an_error_in_mid_answer_is_no_answer() -> None:
    async with serving(response(delta("Half an"), event({"error": {"message": f"{KEY} {PROMPT}"}}))) as wire:
        assert (await failure(wire.url)).code == "provider_unavailable"


# Time and absence


async def test_nobody_there() -> None:
    server = await asyncio.start_server(lambda reader, writer: None, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    server.close()
    await server.wait_closed()
    error = await failure(f"http://127.0.0.1:{port}/v1")
    assert (error.code, error.retryable) == ("provider_unreachable", True)


async def test_a_connection_dropped_before_the_answer_is_no_timeout() -> None:
    async with serving(()) as wire:
        error = await failure(wire.url)
    assert (error.code, error.retryable) == ("provider_unreachable", True)


@pytest.mark.usefixtures("either_way")
@pytest.mark.parametrize("pieces", [(), response(delta("Half an"))])
async def test_silence_ends_by_itself(pieces: tuple[bytes, ...]) -> None:
    async with serving(pieces, hang=True) as wire:
        error = await failure(wire.url, idle_seconds=0.1)
    assert (error.code, error.retryable) == ("provider_timeout", True)


@pytest.mark.usefixtures("either_way")
@pytest.mark.parametrize("pieces", [(), response(delta("Half an"))])
async def test_the_whole_answer_has_a_limit_too(pieces: tuple[bytes, ...]) -> None:
    async with serving(pieces, hang=True) as wire:
        error = await failure(wire.url, asking(seconds=1), idle_seconds=30)
        await asyncio.wait_for(wire.gone.wait(), 5)
    assert (error.code, error.retryable) == ("provider_timeout", True)


@pytest.mark.usefixtures("either_way")
@pytest.mark.parametrize("pieces", [(), response(delta("Half an"))])
async def test_a_cancelled_call_hangs_up_at_once(pieces: tuple[bytes, ...]) -> None:
    async with serving(pieces, hang=True) as wire, gateway(wire.url) as model:
        task = asyncio.ensure_future(model.complete(asking()))
        await asyncio.wait_for(wire.asked.wait(), 5)
        await asyncio.sleep(0.02)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        await asyncio.wait_for(wire.gone.wait(), 5)


@pytest.mark.usefixtures("either_way")
async def test_an_answer_that_is_whole_waits_for_no_end_that_does_not_come(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("agents.llm.client.LAST_WORDS_SECONDS", 0.05)
    pieces = response(delta("All of it"), delta(finish="stop"))
    async with serving(pieces, hang=True) as wire, gateway(wire.url) as model:
        assert (await model.complete(asking())).text == "All of it"


@pytest.mark.usefixtures("either_way")
async def test_who_wants_no_more_hangs_up() -> None:
    def heard(text: str) -> None:
        assert text == "Half an"
        raise LookupError

    async with serving(response(delta("Half an")), hang=True) as wire, gateway(wire.url) as model:
        with pytest.raises(LookupError):
            await model.reply(asking(), heard)
        await asyncio.wait_for(wire.gone.wait(), 5)


class Died(BaseException):
    """Nobody catches that."""


@pytest.mark.usefixtures("either_way")
@pytest.mark.parametrize("error", [LookupError, TimeoutError, ConnectionResetError, StopIteration, Died])
@pytest.mark.parametrize(
    "pieces",
    [
        (delta("first"), delta("last", finish="stop"), DONE),
        (delta("first"), delta("last", finish="stop") + DONE),
        (delta("first"), delta(finish="stop"), delta("last").rstrip()),
    ],
)
async def test_what_goes_wrong_with_a_word_is_not_taken_for_the_transports(
    pieces: tuple[bytes, ...], error: type[BaseException]
) -> None:
    def heard(text: str) -> None:
        if text.endswith("last"):
            raise error

    async with serving(response(*pieces)) as wire, gateway(wire.url) as model, asyncio.timeout(5):
        with pytest.raises(RuntimeError if error is StopIteration else error):
            await model.reply(asking(), heard)


@pytest.mark.usefixtures("either_way")
async def test_words_are_heard_in_the_context_of_who_asked_also_on_anothers_connection() -> None:
    whose: ContextVar[str] = ContextVar("whose")

    async def asked_by(name: str) -> set[str]:
        whose.set(name)
        seen: set[str] = set()
        await model.reply(asking(), lambda _: seen.add(whose.get()))
        return seen

    words = [delta(f"word {number} ") for number in range(20)]
    async with serving(chunked(*words, delta(finish="stop"), DONE), keep=True) as wire, gateway(wire.url) as model:
        for name in ("one", "another"):
            assert await asyncio.create_task(asked_by(name)) == {name}
        assert wire.connections == 1


@pytest.mark.usefixtures("either_way")
@pytest.mark.parametrize("together", [1, 2, 100])
async def test_every_piece_is_heard_once_and_in_its_order(together: int) -> None:
    words = [f"word {number} " for number in range(3_000)]
    lines = [delta(word) for word in words] + [delta(finish="stop"), DONE]
    pieces = [b"".join(lines[at : at + together]) for at in range(0, len(lines), together)]
    heard: list[str] = []
    for answer in (response(*pieces), chunked(*pieces)):
        heard.clear()
        async with serving(answer) as wire, gateway(wire.url) as model:
            reply = await model.reply(asking(), heard.append)
        assert reply.text == "".join(heard) == "".join(words)


async def test_words_that_come_with_the_break_are_heard_before_it() -> None:
    """An end that stands in the same turn as the break is an end."""
    said: list[str] = []
    for last, ends in ((delta(finish="stop"), True), (b"", False)):
        said.clear()
        pieces = chunked(delta("Good"), delta(" mor") + delta("ning.") + last, whole=False)
        async with serving(pieces) as wire, gateway(wire.url) as model:
            if ends:
                assert (await model.reply(asking(), said.append)).text == "Good morning."
            else:
                with pytest.raises(ProviderError):
                    await model.reply(asking(), said.append)
        assert "".join(said) == "Good morning."


async def test_a_broken_chunk_is_a_cut_not_a_silence(monkeypatch: pytest.MonkeyPatch) -> None:
    """The transport hangs up then, and tells no reader."""
    monkeypatch.setattr("agents.llm.body.LOOK_SECONDS", 0.01)
    pieces = (*chunked(delta("Good"), whole=False), b"no length\r\n")
    async with asyncio.timeout(20), serving(pieces, hang=True) as wire, gateway(wire.url) as model:
        with pytest.raises(ProviderError) as raised:
            await model.reply(asking(), len)
    assert raised.value.code == "provider_stream_cut"


async def test_a_chunk_that_ends_behind_the_last_word_costs_no_connection() -> None:
    head, *framed = chunked(delta("Good"), delta(finish="stop"), DONE)
    last = b"".join(framed)
    at = last.index(DONE) + len(DONE)
    pieces = (head, last[:at], last[at:])
    async with serving(pieces, keep=True) as wire, gateway(wire.url) as model:
        for _ in range(3):
            assert (await model.reply(asking(), len)).text == "Good"
        assert wire.connections == 1


@pytest.mark.usefixtures("either_way")
async def test_what_was_read_is_kept_by_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """Bodies that only the collector finds were a third of what a process with many streams held."""
    bodies: list[weakref.ref[Body]] = []

    def noting(*args: Any, **kwargs: Any) -> Body:
        body = body_of(*args, **kwargs)
        bodies.append(weakref.ref(body))
        return body

    monkeypatch.setattr("agents.llm.client.body_of", noting)
    async with serving(WHOLE) as wire, gateway(wire.url) as model:
        gc.disable()
        try:
            assert (await model.reply(asking(), len)).text == "Good morning."
            assert [body() for body in bodies] == [None]
        finally:
            gc.enable()


async def test_nothing_is_logged_of_key_or_prompt(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    async with serving(refusal(400, {"message": f"{KEY} {PROMPT}"})) as wire:
        await failure(wire.url)
    assert KEY not in caplog.text
    assert PROMPT not in caplog.text
