"""A session's state under several runs and through crashes: every change is kept, and none is made twice."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator

import pytest

from accounts.seam import in_thread
from agentos.core.errors import LeaseLost
from agentos.core.ids import new_id
from agentos.core.types import json_text
from agents.engine.model_calls import ModelReply, ModelRequest, ToolCall
from agents.engine.session_state import CallState
from agents.engine.spec import AgentSpec
from agents.engine.status import StepKind, StepState
from agents.engine.steps import StepRecord
from agents.engine.testing import Speaking
from agents.engine.tools import RunContext, tool
from agents.models import Session
from agents.registry import registry
from agents.services import queue
from agents.services.execution import StopReason
from agents.services.journal import flush
from tests.agents.services.stored import all_wait, expire_lease, info_of, steps_of, stored, until


class Basket:
    """A tool that puts things into its session's basket, and may get stuck after that."""

    def __init__(self) -> None:
        self.put = asyncio.Event()
        self.stuck = False

    def spec(self) -> AgentSpec:
        @tool(effect="own", repeat="idempotent")
        async def add(ctx: RunContext, item: str) -> str:
            """Add an item."""
            state = await ctx.update_state(lambda before: {**before, "items": [*before.get("items", []), item]})
            self.put.set()
            if self.stuck:
                await asyncio.Event().wait()
            return ", ".join(state["items"])

        return AgentSpec("tester", "Test.", tools=(add,))


@pytest.fixture
def basket(make_process, monkeypatch) -> Basket:
    basket = Basket()
    spec = basket.spec()
    monkeypatch.setattr(type(registry), "get", lambda self, kind, component_id: spec)
    return basket


def state_of(begin):
    return Session.objects.using("system").get(tenant_id=begin.tenant_id, session_id=begin.session_id).state


async def begun(process, session_id, message="Go"):
    begin = process.new(owner="", session_id=session_id)
    begin.message = message
    await process.supervisor.writer.begin(begin)
    return begin


class Packer(Speaking):
    """A model that puts each word of the message into the basket, and is done then."""

    async def stream(self, request: ModelRequest) -> AsyncGenerator[str | ModelReply, None]:
        last = request.messages[-1]
        if last["role"] == "tool":
            yield ModelReply("Done")
            return
        words = enumerate(last["content"].split())
        yield ModelReply("", tuple(ToolCall(f"c{at}", "add", json_text({"item": word})) for at, word in words))


async def test_runs_of_one_session_change_its_state_at_once_and_all_is_kept(make_process, basket):
    processes = [await make_process(model=Packer()) for _ in range(2)]
    words = [f"{run}.{place}" for run in range(6) for place in range(3)]
    begins = [await begun(processes[0], "shared", " ".join(words[at : at + 3])) for at in range(0, 18, 3)]
    for begin in begins:
        await until(lambda begin=begin: stored(begin).status == "completed")
    assert sorted((await in_thread(state_of, begins[0]))["items"]) == words


async def test_two_changes_that_meet_are_both_kept(make_process, basket):
    """Both calls have read the same state and wait for the session's row: who comes second makes its change anew."""
    process = await make_process(supervise=False)
    begins = [await begun(process, "shared") for _ in range(2)]
    calls = [CallState(_journal(process, begin, fence=1), basket.spec().tools[0], _step()) for begin in begins]
    async with process.pool.connection() as connection, connection.transaction():
        await connection.execute("SELECT 1 FROM agents_session FOR UPDATE")
        changing = [
            asyncio.ensure_future(call.update(lambda state, item=item: {"items": [*state.get("items", []), item]}))
            for call, item in zip(calls, ("tea", "milk"), strict=True)
        ]
        await all_wait(connection, 2)
    made = await asyncio.gather(*changing)
    assert sorted(len(state["items"]) for state in made) == [1, 2]
    assert sorted((await in_thread(state_of, begins[0]))["items"]) == ["milk", "tea"]


def _journal(process, begin, *, fence):
    return process.supervisor.writer.open(info_of(begin), fence=fence, next_seq=1)


def _step(path="1.0") -> StepRecord:
    return StepRecord(new_id(), path, StepKind.TOOL, "add", StepState.STARTED, {"arguments": {}})


async def test_a_change_of_a_call_whose_process_dies_is_not_made_again(make_process, basket):
    """It dies between the change and the result; the heir makes the call again."""
    basket.stuck = True
    dead = await make_process([[("add", {"item": "milk"})], "?"])
    begin = await begun(dead, "s")
    await basket.put.wait()
    assert await in_thread(state_of, begin) == {"items": ["milk"]}
    await _die(dead, begin)
    basket.stuck = False
    heir = await make_process(["Done"])
    await until(lambda: stored(begin).status == "completed")
    assert await in_thread(state_of, begin) == {"items": ["milk"]}
    step = (await in_thread(steps_of, begin))["1.0"]
    assert (step.state, step.attempts, step.request["state_changes"]) == ("done", 2, 1)
    assert heir.model.requests[0].messages[-1]["content"] == "milk"


async def test_a_change_whose_process_dies_before_it_is_committed_is_made_once(make_process, basket, monkeypatch):
    """The state is changed, and the connection breaks before the commit: neither state nor step has it."""
    ask, broken = flush._ask, []

    async def cut(connection, records, *, is_retry):
        asked = await ask(connection, records, is_retry=is_retry)
        if asked.guards and not broken:
            await asked.locked.fetchall()  # which waits for the answers of all
            assert [guard.rowcount for guard, _ in asked.guards] == [1]
            broken.append(1)
            await connection.close()
        return asked

    monkeypatch.setattr(flush, "_ask", cut)
    dead = await make_process([[("add", {"item": "milk"})], "?"])
    begin = await begun(dead, "s")
    await until(lambda: bool(broken))
    dead.supervisor.runs.most = 0
    await in_thread(expire_lease, begin)
    await make_process(["Done"])
    await until(lambda: stored(begin).status == "completed")
    assert await in_thread(state_of, begin) == {"items": ["milk"]}
    assert (await in_thread(steps_of, begin))["1.0"].request["state_changes"] == 1


async def test_a_zombie_changes_no_state(make_process, basket):
    """Its run is somebody else's by the time that its change is stored."""
    process = await make_process(supervise=False)
    begin = await begun(process, "s")
    journal = _journal(process, begin, fence=1)
    (claimed,) = await queue.claim(process.pool, owner="heir", limit=1, most_per_tenant=1)
    assert claimed.fence == 2
    with pytest.raises(LeaseLost):
        await CallState(journal, basket.spec().tools[0], _step()).update({"ghost": True})
    assert await in_thread(state_of, begin) == {}
    assert await in_thread(steps_of, begin) == {}


async def _die(process, begin) -> None:
    process.supervisor.runs.most = 0
    task = process.supervisor.live._tasks[begin.run_id]
    task.cancel(StopReason.LOST)
    await asyncio.wait([task])
    await in_thread(expire_lease, begin)
