"""One turn asks for many approvals at once: no more than may wait are asked for, and the run says why it pauses."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

from accounts import principals
from accounts.seam import in_thread
from agents.engine.spec import AgentSpec
from agents.engine.tools import tool
from agents.models import Run, Step
from agents.registry import registry
from agents.services import pauses
from governance import asked_before
from governance.hooks import Governance
from governance.models import Approval
from governance.policy import in_force
from governance.services import approvals
from tests.agents.services.conftest import make_process, names, read
from tests.conftest import TenantWithUsers

__all__ = ["make_process"]
paid: list[int] = []


@tool(effect="outward", repeat="once", level="approve", says="Pay {amount}")
async def pay(amount: int) -> str:
    """Pay."""
    paid.append(amount)
    return f"paid {amount}"


SPEC = AgentSpec("tester", "Pay.", tools=(pay,))


async def test_one_turn_asks_for_no_more_than_may_wait(
    make_process: Any, acme: TenantWithUsers, monkeypatch: Any, settings: Any
) -> None:
    settings.APPROVALS_PER_RUN = 2
    paid.clear()
    principals.cache.forget()
    in_force.kept.forget()
    process = await make_process([[("pay", {"amount": amount}) for amount in range(1, 6)], "Done"])
    monkeypatch.setattr(type(registry), "get", lambda self, kind, component_id: SPEC)
    process.ports = process.supervisor.ports = replace(process.ports, hooks=Governance())
    begin = process.new(owner="")
    follower = process.follow(begin)
    await process.supervisor.writer.begin(begin)
    lines = await read(follower)
    assert names(lines)[-1] == "RunPaused"
    assert json.loads(lines[-1].data)["reason"] == "2 approvals of this run wait already"

    def pending() -> list[Approval]:
        rows = Approval.objects.using("system").filter(run_id=begin.run_id, status="pending")
        return list(rows.order_by("step_path"))

    def stored() -> tuple[bool, list[str]]:
        states = Step.objects.using("system").filter(run_id=begin.run_id, name="pay").order_by("path")
        run = Run.objects.using("system").get(id=begin.run_id)
        return run.pause_requested, list(states.values_list("state", flat=True))

    waiting = await in_thread(pending)
    assert [approval.arguments for approval in waiting] == [{"amount": 1}, {"amount": 2}]
    assert await in_thread(stored) == (True, ["waiting", "waiting"])
    approver = acme.principal("approver")
    for approval in waiting:
        await in_thread(approvals.decide, principal=approver, approval_id=approval.id, approved=True)
    again = process.follow(begin, after=lines[-1].seq)
    await in_thread(pauses.unpause, principal=acme.principal("member"), run_id=begin.run_id)
    process.supervisor.wake()
    assert names(await read(again))[-1] == "RunPaused"
    assert paid == [1, 2]
    assert [approval.arguments for approval in await in_thread(pending)] == [{"amount": 3}, {"amount": 4}]


async def test_runs_that_ask_in_the_same_moment_pass_no_limit_together(
    make_process: Any, acme: TenantWithUsers, monkeypatch: Any, settings: Any
) -> None:
    """All of them read that nobody waits yet; which of them may ask is found where that is stored."""
    settings.APPROVALS_PER_USER = 3
    principals.cache.forget()
    in_force.kept.forget()
    process = await make_process([[("pay", {"amount": 1})]] * 8)
    monkeypatch.setattr(type(registry), "get", lambda self, kind, component_id: SPEC)
    process.ports = process.supervisor.ports = replace(process.ports, hooks=Governance())
    read_now, seen = asked_before.read, set()

    def read_early(run: Any, step: Any, arguments: Any) -> asked_before.Before:
        first = run.run_id not in seen
        seen.add(run.run_id)
        return asked_before.Before(0, 0, 0) if first else read_now(run, step, arguments)

    monkeypatch.setattr(asked_before, "read", read_early)
    begins = [process.new(session_id=f"s{number}", owner="") for number in range(8)]
    followers = [process.follow(begin) for begin in begins]
    for begin in begins:
        await process.supervisor.writer.begin(begin)
    ends = [(await read(follower))[-1] for follower in followers]
    assert {line.name for line in ends} == {"RunPaused"}
    reasons = [json.loads(line.data).get("reason") for line in ends]
    assert sorted(map(str, reasons)) == ["3 approvals of this user wait already"] * 5 + ["None"] * 3

    def waiting() -> list[int]:
        steps = Step.objects.using("system").filter(name="pay", state="waiting")
        return [Approval.objects.using("system").filter(status="pending").count(), steps.count()]

    assert await in_thread(waiting) == [3, 3]
