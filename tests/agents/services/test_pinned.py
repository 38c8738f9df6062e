"""What a run keeps of its spec: a deploy while it waits changes neither its limits nor its tools."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import pytest

from accounts.seam import in_thread
from agents.engine.limits import Limits
from agents.engine.spec import AgentSpec
from agents.engine.tools import tool
from agents.models import Run
from agents.registry import registry
from agents.services.answers import Answer, answer
from agents.services.reruns import rerun
from tests.agents.services.conftest import SPEC, look, names, pay, ran, read
from tests.agents.services.stored import stored, until
from tests.agents.services.test_forks import Forked

LIMITS = Limits(turns=4, cost_usd=Decimal("0.75"), model_seconds=7.5)
STARTED = replace(SPEC, limits=LIMITS)
PAY_LOOK_END = [[("pay", {"amount": 5})], [("look", {"place": "x"})], "The end"]


@tool()
async def wipe(disk: str) -> str:
    """Wipe."""
    raise AssertionError("no run that waited gets it")


@pytest.fixture
def deploy(monkeypatch):
    def deploy(spec: AgentSpec) -> None:
        monkeypatch.setattr(type(registry), "get", lambda self, kind, component_id: spec)

    return deploy


async def asked(make_process, spec: AgentSpec = STARTED, *, without: str = ""):
    """Return a process and a run of this spec that waits for its payment to be confirmed."""
    process = await make_process(PAY_LOOK_END)
    begin = process.new(owner="")
    begin.spec = {name: value for name, value in spec.pinned("test-model").items() if name != without}
    await process.supervisor.writer.begin(begin)
    await until(lambda: stored(begin).status == "paused")
    return process, begin


async def answered(process, begin, acme) -> Run:
    said = [Answer("call_1_0", confirmed=True)]
    await in_thread(answer, principal=acme.principal("member"), run_id=begin.run_id, answers=said)
    await until(lambda: stored(begin).status in ("completed", "error"))
    return await in_thread(stored, begin)


async def test_tighter_limits_and_other_tools_of_a_deploy_are_not_those_of_a_run_that_waits(make_process, acme, deploy):
    deploy(STARTED)
    process, begin = await asked(make_process)
    tight = Limits(turns=1, tool_calls=0, total_tokens=1, wall_seconds=0, model_seconds=0.5, same_call_repeats=0)
    deploy(replace(STARTED, limits=tight, tools=(pay, look, wipe)))
    run = await answered(process, begin, acme)
    assert (run.status, run.output, ran) == ("completed", "The end", ["pay 5", "look x"])
    assert [request.timeout_seconds for request in process.model.requests] == [7.5, 7.5, 7.5]
    offered = [[tool["function"]["name"] for tool in request.tools] for request in process.model.requests]
    assert offered == [["pay", "look"]] * 3


async def test_looser_limits_of_a_deploy_are_not_those_of_a_run_that_waits(make_process, acme, deploy):
    started = replace(SPEC, limits=Limits(turns=1))
    deploy(started)
    process, begin = await asked(make_process, started)
    deploy(SPEC)
    run = await answered(process, begin, acme)
    assert (run.error_code, ran) == ("limit_turns", ["pay 5"])


async def test_a_run_that_was_stored_without_its_limits_is_bound_by_those_of_today(make_process, acme, deploy):
    deploy(STARTED)
    process, begin = await asked(make_process, without="limits")
    deploy(replace(SPEC, limits=Limits(turns=1)))
    run = await answered(process, begin, acme)
    assert (run.error_code, ran) == ("limit_turns", ["pay 5"])


async def test_a_run_that_failed_at_a_limit_goes_on_under_those_of_today(make_process, acme, deploy):
    started = replace(SPEC, limits=Limits(turns=1))
    deploy(started)
    process, begin = await asked(make_process, started)
    assert (await answered(process, begin, acme)).error_code == "limit_turns"
    deploy(replace(SPEC, limits=Limits(turns=9, deadline_seconds=60)))
    run_id, _ = await in_thread(rerun, principal=acme.principal("member"), run_id=begin.run_id)
    made = Forked(begin, run_id)
    assert names(await read(process.follow(made)))[-1] == "RunCompleted"
    kept = (await in_thread(stored, made)).spec["limits"]
    assert (kept["turns"], kept["deadline_seconds"], ran) == (9, 60, ["pay 5", "look x"])


def test_a_spec_comes_back_from_what_a_run_has_pinned():
    slow = replace(SPEC, limits=LIMITS, tools=(pay, look.within(5.0)))
    kept = slow.pinned("test-model")
    assert replace(SPEC, tools=(pay, look, wipe)).as_pinned(kept) == slow
    assert SPEC.as_pinned({"limits": {"turns": 2, "of_another_release": 1}}) == replace(SPEC, limits=Limits(turns=2))


def test_what_a_tool_declares_and_which_guards_look_is_of_today():
    """Whoever tightens these means what waits as well."""
    stricter = replace(SPEC, tools=(replace(pay, level="approve"), look), guards=("injection", "pii"))
    assert stricter.as_pinned(SPEC.pinned("test-model")) == stricter
