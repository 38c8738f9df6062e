"""A process dies at a commit that people or ticks ask for: all of it is there or nothing, and tried again it is once.

What becomes of a run whose own process dies at the commits of its journal is seen in `tests/chaos`.
"""

from __future__ import annotations

import ast
import asyncio
import os
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any, TypeAlias

import pytest
from django.conf import settings
from django.db.models.functions import Now

from accounts.models import AuditRow
from accounts.privacy.rows import Person
from accounts.seam import in_thread
from agentos.core.errors import Conflict, NotFound, ProviderError
from agents.engine.spec import AgentSpec
from agents.engine.tools import tool
from agents.models import IdempotencyKey, KillSwitch, Run, Step
from agents.registry import registry
from agents.services import crash, deadlines, halting, reruns, runs, switches
from agents.services.answers import Answer, answer
from agents.services.crash import CrashPoint
from agents.services.forks import Fork, fork
from agents.services.idempotency import Key
from agents.services.pauses import pause, unpause
from agents.services.reconcile import Outcome, reconcile
from governance.hooks import Governance
from governance.models import Announcement, Approval, Kind
from governance.services import approvals, reminders
from tests.agents.services.conftest import HeldModel, Process, look, pay, ran
from tests.agents.services.payments import unknown
from tests.agents.services.stored import steps_of, stored, until

LOOK_PAY_ORDER = [[("look", {"place": "x"})], [("pay", {"amount": 5})], [("order", {"amount": 2})], "The end"]


@tool(effect="outward", repeat="once", level="approve", says="Order {amount}")
async def order(amount: int) -> str:
    """Order."""
    ran.append(f"order {amount}")
    return f"ordered {amount}"


SPEC = AgentSpec("tester", "Test.", tools=(look, pay, order))


class Died(BaseException):
    """The process is dead: nobody catches that."""


async def by_itself() -> None:
    """The process goes on with what it has."""


@dataclass
class Scene:
    """What is asked for, what the trail calls it, and what is true when it was done, once."""

    act: Callable[[], object]
    action: str
    end: Callable[[], bool]
    let_go: Callable[[], Awaitable[None]] = by_itself


@dataclass
class Stage:
    """Makes processes and runs for the scenes."""

    make_process: Any
    acme: Any
    till: Any

    async def run(self, *turns: Any, status: str = "paused") -> tuple[Process, Any]:
        """Return a process that takes up no more runs, and one of its runs."""
        process = await self.make_process(turns, hooks=Governance())
        begin = process.new(owner="")
        await process.supervisor.writer.begin(begin)
        await until(lambda: stored(begin).status == status)
        self.still(process)
        return process, begin

    async def held(self) -> tuple[Process, HeldModel, Any]:
        """Return a run in the midst of its model's first answer."""
        model = HeldModel([[("look", {"place": "x"})], "The end"])
        process = await self.make_process(model=model, hooks=Governance())
        begin = process.new(owner="")
        await process.supervisor.writer.begin(begin)
        await model.reached.wait()
        await until(lambda: "1.model" in steps_of(begin))
        return process, model, begin

    def still(self, process: Process) -> None:
        process.supervisor.runs.most = 0

    async def go(self, process: Process) -> None:
        process.supervisor.runs.most = 9
        process.supervisor.wake()


MakeScene: TypeAlias = Callable[[Stage], Awaitable[Scene]]


def keyed(service: Callable[..., object], **said: Any) -> Callable[[], object]:
    """Return what asks for something under one key, as a client does that tries again."""
    return lambda: service(key=Key("test", "the same", "hmac"), **said)


def is_now(begin: Any, status: str) -> Callable[[], bool]:
    return lambda: stored(begin).status == status


async def ask_cancel(stage: Stage) -> Scene:
    _, _, begin = await stage.held()
    who = stage.acme.principal("member")
    act = keyed(runs.request_cancel, principal=who, run_id=begin.run_id)
    return Scene(act, "run.cancelled", is_now(begin, "cancelled"))


async def ask_pause(stage: Stage) -> Scene:
    process, model, begin = await stage.held()
    act = keyed(pause, principal=stage.acme.principal("member"), run_id=begin.run_id)

    async def let_go() -> None:
        await until(lambda: begin.run_id in process.supervisor.stops.pausing)  # else the run may end before it is told
        model.let_go.set()

    return Scene(act, "run.paused", is_now(begin, "paused"), let_go)


async def unpauses(stage: Stage) -> Scene:
    process, model, begin = await stage.held()
    who = stage.acme.principal("member")
    await in_thread(pause, principal=who, run_id=begin.run_id)
    await until(lambda: begin.run_id in process.supervisor.stops.pausing)
    model.let_go.set()
    await until(is_now(begin, "paused"))
    stage.still(process)
    act = keyed(unpause, principal=who, run_id=begin.run_id)
    return Scene(act, "run.unpaused", is_now(begin, "completed"), partial(stage.go, process))


async def answers(stage: Stage) -> Scene:
    process, begin = await stage.run([("pay", {"amount": 5})], "The end")
    said = [Answer("call_1_0", confirmed=True)]
    act = keyed(answer, principal=stage.acme.principal("member"), run_id=begin.run_id, answers=said)
    end = lambda: is_now(begin, "completed")() and ran == ["pay 5"]  # noqa: E731
    return Scene(act, "step.answered", end, partial(stage.go, process))


async def decide(stage: Stage) -> Scene:
    process, begin = await stage.run([("order", {"amount": 2})], "The end")
    (found,) = await in_thread(list, Approval.objects.using("system").filter(run_id=begin.run_id))
    who = stage.acme.principal("approver")
    act = keyed(approvals.decide, principal=who, approval_id=found.id, approved=True)
    end = lambda: is_now(begin, "completed")() and ran == ["order 2"]  # noqa: E731
    return Scene(act, "approval.approved", end, partial(stage.go, process))


async def expire(stage: Stage) -> Scene:
    process, begin = await stage.run([("order", {"amount": 2})], "The end")
    await in_thread(Approval.objects.using("system").update, expires_at=Now() - timedelta(seconds=1))
    end = lambda: is_now(begin, "completed")() and not ran  # noqa: E731
    return Scene(approvals.expire_due, "approval.expired", end, partial(stage.go, process))


async def remind(stage: Stage) -> Scene:
    await stage.run([("order", {"amount": 2})], "The end")
    await in_thread(Approval.objects.using("system").update, escalate_at=Now() - timedelta(seconds=1))
    told = Announcement.objects.using("system").filter(kind=Kind.ESCALATED)
    return Scene(reminders.remind_due, "approval.escalated", lambda: told.count() == 1)


async def reconciles(stage: Stage) -> Scene:
    begin, heir, step = await unknown(stage.make_process, stage.till, ["The end"])
    stage.still(heir)
    said = {"outcome": Outcome.HAPPENED, "reason": "Asked the bank"}
    who = stage.acme.principal("operator")
    act = keyed(reconcile, principal=who, run_id=begin.run_id, step_id=step.id, **said)
    end = lambda: is_now(begin, "completed")() and stage.till.charged == [7]  # noqa: E731
    return Scene(act, "step.reconciled", end, partial(stage.go, heir))


async def forks(stage: Stage) -> Scene:
    process, begin = await stage.run([("look", {"place": "x"})], "The end", "Another", status="completed")
    act = keyed(fork, principal=stage.acme.principal("member"), run_id=begin.run_id, wanted=Fork("2.model"))
    return Scene(act, "run.forked", partial(twice, "completed", "completed"), partial(stage.go, process))


async def runs_again(stage: Stage) -> Scene:
    broken = ProviderError("The key is wrong.", code="provider_auth")
    process, begin = await stage.run([("look", {"place": "x"})], broken, "The end", status="error")
    act = keyed(reruns.rerun, principal=stage.acme.principal("member"), run_id=begin.run_id)
    return Scene(act, "run.rerun", partial(twice, "completed", "error"), partial(stage.go, process))


def twice(*statuses: str) -> bool:
    """Tell whether there are two runs, and a look of one of them only."""
    found = Run.objects.using("system").values_list("status", flat=True)
    return sorted(found) == sorted(statuses) and ran == ["look x"]


async def halt(stage: Stage) -> Scene:
    process, model, begin = await stage.held()
    loop = asyncio.get_running_loop()
    act = partial(switches.halt, stage.acme.principal("admin"), target="tenant", reason="Too hot")

    def end() -> bool:
        if process.supervisor.stops.halted.by(begin.tenant_id):
            loop.call_soon_threadsafe(model.let_go.set)
        return stored(begin).status == "paused"

    return Scene(act, "halt.set", end)


async def halted(stage: Stage) -> tuple[Process, Any, KillSwitch]:
    process, model, begin = await stage.held()
    made = await in_thread(switches.halt, stage.acme.principal("admin"), target="tenant", reason="Too hot")
    await until(lambda: process.supervisor.stops.halted.by(begin.tenant_id))
    model.let_go.set()
    await until(is_now(begin, "paused"))
    stage.still(process)
    return process, begin, made


async def release(stage: Stage) -> Scene:
    process, begin, made = await halted(stage)
    act = partial(switches.release, stage.acme.principal("admin"), switch_id=made.id)

    def end() -> bool:
        switches.go_on()  # as each tick does: a process may not know yet what was released
        return stored(begin).status == "completed"

    return Scene(act, "halt.released", end, partial(stage.go, process))


async def go_on(stage: Stage) -> Scene:
    scene = await release(stage)
    await in_thread(scene.act)
    return Scene(switches.go_on, scene.action, scene.end, scene.let_go)


async def overdue(stage: Stage) -> Scene:
    process, begin = await stage.run([("pay", {"amount": 5})], "The end")
    await in_thread(Run.objects.using("system").update, deadline_at=Now() - timedelta(seconds=1))
    end = lambda: stored(begin).error_code == "deadline" and not ran  # noqa: E731
    return Scene(deadlines.hand_over_overdue, "run.started", end, partial(stage.go, process))


async def fence(stage: Stage) -> Scene:
    _, begin = await stage.run([("pay", {"amount": 5})], "The end")
    act = partial(halting.halt, Person(begin.tenant_id, begin.user_id))
    return Scene(act, "run.started", is_now(begin, "cancelled"))


SCENES: dict[str, MakeScene] = {
    "ask_cancel": ask_cancel,
    "ask_pause": ask_pause,
    "unpause": unpauses,
    "answer": answers,
    "decide": decide,
    "expire": expire,
    "remind": remind,
    "reconcile": reconciles,
    "fork": forks,
    "rerun": runs_again,
    "halt": halt,
    "release": release,
    "go_on": go_on,
    "overdue": overdue,
    "fence": fence,
}
POINTS = [point for point in CrashPoint if point.rsplit("_", 2)[0] in SCENES]


@pytest.fixture
def die_at(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[str], None]]:
    def die(*_: object) -> None:
        crash.arm("")
        raise Died

    monkeypatch.setattr(os, "kill", die)
    yield crash.arm
    crash.arm("")


@pytest.fixture
def stage(make_process, till, acme, monkeypatch: pytest.MonkeyPatch, request) -> Stage:
    if "reconcile" not in request.node.callspec.params["point"]:
        monkeypatch.setattr(type(registry), "get", lambda self, kind, component_id: SPEC)
    return Stage(make_process, acme, till)


def everything() -> list[Any]:
    """Return what the database holds of the tenant's runs, but for what the machine does all the time."""
    kept = {
        Run: ("id", "status", "fence", "cancel_requested", "pause_requested", "halted_by"),
        Step: ("path", "state", "answer"),
        Approval: ("id", "version", "status", "escalated_at"),
        Announcement: ("id",),
        KillSwitch: ("id", "released_at"),
        IdempotencyKey: ("id",),
        AuditRow: ("id",),
    }
    return [
        list(model._base_manager.using("system").order_by(*names).values_list(*names)) for model, names in kept.items()
    ]


def trail() -> Counter[str]:
    return Counter(AuditRow.objects.using("system").values_list("action", flat=True))


@pytest.mark.parametrize("point", POINTS)
async def test_who_dies_at_a_commit_leaves_all_of_it_or_nothing(stage: Stage, die_at, point: CrashPoint):
    name, edge, _ = point.rsplit("_", 2)
    scene = await SCENES[name](stage)
    before = await in_thread(everything)
    die_at(point)
    with pytest.raises(Died):
        await in_thread(scene.act)
    assert (await in_thread(everything) == before) == (edge == "before")
    with suppress(Conflict, NotFound):  # a switch has no key: whoever turns it again is told how it stands
        await in_thread(scene.act)
    await scene.let_go()
    await until(scene.end)
    assert (await in_thread(trail))[scene.action] == 1


def test_each_point_is_one_that_somebody_dies_at():
    from tests.chaos import test_crash_points

    assert set(POINTS) | set(test_crash_points.POINTS) == set(CrashPoint)


# Transactions that commit no step of a run, nor what lets it go on, stop or begin.
OTHERS = {
    "agents/services/blocked.py": "counts what a guard blocked",
    "agents/services/idempotency.py": "reads",
    "agents/services/sessions.py": "reads, or deletes what `fence` has ended",
    "agents/services/tenant_models.py": "a setting",
    "governance/services/delegations.py": "a setting",
    "governance/services/endpoints.py": "a setting",
    "governance/services/forgetting.py": "erases what nobody works on",
    "governance/services/guards.py": "a setting",
    "governance/services/outbox.py": "what people are told, again when in doubt",
    "governance/services/policies.py": "a setting",
    "governance/services/preferences.py": "a setting",
    "governance/services/questions.py": "a talk about an approval, which stays as it is",
    "governance/services/standing_rules.py": "a setting; a flush spends it",
    "governance/services/wording.py": "reads",
}
OPENS = ("tenant_scope", "atomic")


def transactions(path: Path) -> Iterator[tuple[str, bool]]:
    """Yield the functions of a file that open a transaction, and whether a point stands in it."""
    for function in ast.walk(ast.parse(path.read_text())):
        if not isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef):
            continue
        blocks = [block for block in ast.walk(function) if isinstance(block, ast.With) and is_transaction(block)]
        if blocks:
            yield function.name, any(names(block, "crash_at_commit") for block in blocks)


def is_transaction(block: ast.With) -> bool:
    return any(names(item.context_expr, *OPENS) for item in block.items)


def names(node: ast.AST, *wanted: str) -> bool:
    return any(
        (isinstance(one, ast.Name) and one.id in wanted) or (isinstance(one, ast.Attribute) and one.attr in wanted)
        for one in ast.walk(node)
    )


NESTED = {("governance/services/approvals.py", "_expire")}  # a savepoint


def test_every_transaction_of_a_run_has_its_points():
    found = {
        (str(path.relative_to(settings.BASE_DIR)), name): has_point
        for folder in ("agents/services", "governance/services")
        for path in sorted((settings.BASE_DIR / folder).rglob("*.py"))
        for name, has_point in transactions(path)
    }
    without = {place for place, has_point in found.items() if not has_point and place not in NESTED}
    assert {file for file, _ in without} == set(OTHERS)
    assert not {file for (file, _), has_point in found.items() if has_point} & set(OTHERS)
