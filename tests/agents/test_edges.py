"""Odd requests over the whole road of the API: methods, bodies and places that no client of ours sends."""

from __future__ import annotations

import httpx
import pytest

from accounts.seam import in_thread
from accounts.services import tokens
from agentos.lean import LeanHandler
from tests.agents.services.conftest import ran, read
from tests.agents.services.stored import stored, until
from tests.conftest import PASSWORD

PAY = [("pay", {"amount": 5})]


@pytest.fixture
async def begun(make_process, serve):
    """Return a process that answers, and a run of it that waits for a payment to be confirmed."""
    process = await make_process([PAY, "Paid"])
    begin = process.new()
    await read(await process.start(begin))
    await until(lambda: stored(begin).status == "paused")
    serve(process)
    return process, begin


@pytest.fixture
async def member(acme, begun):
    access = (await in_thread(tokens.issue, email=acme.member.email, password=PASSWORD)).access
    transport = httpx.ASGITransport(app=LeanHandler())  # type: ignore[arg-type]
    headers = {"Authorization": f"Bearer {access}"}
    async with httpx.AsyncClient(transport=transport, base_url="http://localhost/api", headers=headers) as client:
        yield client


def seqs(answer: httpx.Response) -> list[int]:
    return [int(line.removeprefix("id: ")) for line in answer.text.splitlines() if line.startswith("id: ")]


@pytest.mark.parametrize("method", ["OPTIONS", "PUT", "TRACE"])
async def test_a_method_that_is_not_taken_is_told_which_are(member, begun, method):
    refused = await member.request(method, f"/runs/{begun[1].run_id}")
    assert (refused.status_code, refused.headers["allow"], refused.json()["code"]) == (
        405,
        "GET, HEAD",
        "method_not_allowed",
    )


async def test_head_is_get_without_a_body_and_leaves_no_stream_open(member, begun):
    process, begin = begun
    assert (await member.head("/health")).status_code == 200
    assert (await member.head(f"/runs/{begin.run_id}")).status_code == 200
    stream = await member.head(f"/runs/{begin.run_id}/events")
    assert (stream.status_code, stream.headers["content-type"], stream.content) == (200, "text/event-stream", b"")
    assert process.hub.streams.taken == 0
    assert (await member.head("/agents/tester/runs/x/continue")).status_code == 405


async def test_no_content_has_neither_length_nor_type(member, begun):
    _, begin = begun
    assert (await member.post(f"/runs/{begin.run_id}/cancel")).status_code == 200
    nothing = await member.get(f"/runs/{begin.run_id}/events?after=99")
    assert nothing.status_code == 204
    assert not {"content-length", "content-type"} & set(nothing.headers)


async def test_a_browser_that_comes_back_gets_what_it_has_not_seen(member, begun):
    """It repeats its first address, and says in a header what it has seen since."""
    _, begin = begun
    assert (await member.post(f"/runs/{begin.run_id}/cancel")).status_code == 200
    whole = seqs(await member.get(f"/runs/{begin.run_id}/events"))
    again = await member.get(f"/runs/{begin.run_id}/events?after=1", headers={"Last-Event-ID": "3"})
    assert seqs(again) == whole[3:]


@pytest.mark.parametrize(
    "odd",
    [
        {"user_input_schema": 5},
        {"user_feedback_schema": 7},
        {"user_feedback_schema": [{"options": 9}]},
        {"user_feedback_schema": [{"options": ["x"]}]},
        {"user_feedback_schema": [{"options": [{"selected": True}]}]},
        {"result": {"no": "text"}},
    ],
)
async def test_answers_of_any_shape_are_refused_and_never_a_failure_of_ours(member, begun, odd):
    _, begin = begun
    body = {"tools": [{"tool_call_id": "call_1_0", **odd}], "stream": False}
    refused = await member.post(f"/agents/tester/runs/{begin.run_id}/continue", json=body)
    if refused.status_code == 422:
        assert refused.json()["code"] == "answer_invalid"
    else:  # nothing in it is an answer, which counts as a no, as in AgentOS
        assert "Refused" in refused.json()["tools"][0]["result"]
    assert not ran


async def test_whether_to_stream_is_read_as_on_every_route(member, begun):
    _, begin = begun
    path = f"/agents/tester/runs/{begin.run_id}/continue"
    body = {"tools": [{"tool_call_id": "call_1_0", "confirmed": True}]}
    assert (await member.post(path, json={**body, "stream": "perhaps"})).status_code == 422
    done = await member.post(path, json={**body, "stream": 0})
    assert done.json()["status"] == "COMPLETED"


async def test_a_run_is_not_there_under_another_component(member, begun, monkeypatch):
    _, begin = begun
    body = {"tools": [{"tool_call_id": "call_1_0", "confirmed": True}]}
    assert (await member.post(f"/agents/other/runs/{begin.run_id}/continue", json=body)).status_code == 404
    assert (await member.post(f"/agents/other/runs/{begin.run_id}/cancel")).status_code == 404
    assert (await in_thread(stored, begin)).status == "paused"


@pytest.mark.parametrize("kind", ["multipart/form-data", "application/x-www-form-urlencoded; charset=utf-7"])
async def test_a_form_that_cannot_be_read_is_the_callers_fault(member, kind):
    refused = await member.post("/agents/tester/runs", content=b"message=hi", headers={"content-type": kind})
    assert (refused.status_code, refused.json()["code"]) == (400, "malformed_form")


@pytest.mark.parametrize("kind", ["application/x-www-form-urlencoded", "text/plain", ""])
async def test_json_that_comes_as_something_else_is_told_what_it_lacks(member, kind):
    """It was told that its message is missing, which it can see in what it sent."""
    refused = await member.post("/agents/tester/runs", content=b'{"message": "Go"}', headers={"content-type": kind})
    assert (refused.status_code, refused.json()["code"]) == (400, "content_type_unknown")
    assert "Content-Type: application/json" in refused.json()["detail"]


@pytest.mark.parametrize("path", ["sessions", "approvals"])
async def test_a_page_beyond_all_pages_is_no_failure_of_ours(member, path):
    assert (await member.get(f"/{path}?page={10**30}")).status_code in (200, 422)


async def test_a_start_that_is_sent_again_is_told_the_session_of_the_first(member):
    body = {"message": "Go", "background": True, "stream": False}
    first, again = [
        await member.post("/agents/tester/runs", json=body, headers={"Idempotency-Key": "k"}) for _ in range(2)
    ]
    assert (first.status_code, first.json()) == (202, again.json())


async def test_a_run_that_was_cancelled_asks_for_nothing_any_more(member, begun):
    _, begin = begun
    assert len((await member.get(f"/runs/{begin.run_id}")).json()["requirements"]) == 1
    assert (await member.post(f"/runs/{begin.run_id}/cancel")).status_code == 200
    assert (await member.get(f"/runs/{begin.run_id}")).json()["requirements"] == []


async def test_calls_are_listed_as_the_model_asked_for_them_whatever_is_done_first(make_process, serve, acme):
    process = await make_process([[("pay", {"amount": amount}) for amount in range(12)], "Paid"])
    begin = process.new()
    await read(await process.start(begin))
    call, asked = serve(process), [f"call_1_{place}" for place in range(12)]
    for answered in (2, 0):
        said = {"answers": [{"tool_call_id": asked[answered], "confirmed": True}]}
        assert (await call(acme.member, f"runs/{begin.run_id}/answers", said)).status_code == 200
        await until(lambda: stored(begin).status == "paused")
        shown = (await call(acme.member, f"runs/{begin.run_id}")).json()  # type: ignore[attr-defined]
        assert [tool["tool_call_id"] for tool in shown["tools"]] == asked
