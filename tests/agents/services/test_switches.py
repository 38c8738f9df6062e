"""Kill switches: no new step of what is halted in any process, paused and not failed, and by themselves on again."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Callable, Iterator
from io import StringIO
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import Error
from django.test import Client

from accounts.models import AuditRow, User
from accounts.seam import in_thread
from accounts.tenancy import tenant_scope
from agentos.core.errors import Conflict, Invalid, NotFound, PolicyDenied, ProviderError, Unavailable
from agents import steering
from agents.engine.testing import ScriptedModel
from agents.models import KillSwitch, PlatformSwitch, Run
from agents.registry import registry
from agents.services import answers, runs, switches
from agents.services.answers import Answer
from agents.services.forks import Fork
from agents.services.halted import Halted
from agents.services.runtime import Runtime
from governance.hooks import Governance
from tests.agents.services.conftest import SPEC, HeldModel, Process, names, ran, read
from tests.conftest import TenantWithUsers

COMPONENT = "component:agent:tester"
LOOK = [("look", {"place": "x"})]


@pytest.fixture(autouse=True)
def _known(monkeypatch: pytest.MonkeyPatch, database: None) -> Iterator[None]:
    monkeypatch.setattr(type(registry), "all", lambda self: [SPEC])
    yield
    PlatformSwitch.objects.using("system").filter(released_at=None).update(released_at="2026-01-01T00:00Z")


async def halt(tenant: TenantWithUsers, target: str, role: str = "operator") -> KillSwitch:
    return await in_thread(switches.halt, tenant.principal(role), target=target, reason="It goes wrong")


async def release(tenant: TenantWithUsers, switch: KillSwitch) -> None:
    await in_thread(switches.release, tenant.principal("operator"), switch_id=switch.id)


async def until(true: Callable[[], bool]) -> None:
    async with asyncio.timeout(20):
        while not true():
            await asyncio.sleep(0.02)


def knows(process: Process, *targets: str) -> Callable[[], bool]:
    tenant = process.tenant.tenant.id
    return lambda: process.supervisor.stops.halted.targets.get(tenant, frozenset()) == set(targets)


async def goes_on(process: Process) -> None:
    """Do what the tick of a serving process does."""
    async with asyncio.timeout(20):
        while not await in_thread(switches.go_on):
            await asyncio.sleep(0.05)


def stored(begin: Any) -> Run:
    return Run.objects.using("system").get(id=begin.run_id)


@pytest.mark.parametrize("target", ["tool:look", COMPONENT, "tenant"])
async def test_a_run_under_way_pauses_and_goes_on_by_itself(
    make_process: Any, acme: TenantWithUsers, target: str
) -> None:
    model = HeldModel([LOOK, "The end"])
    process, other = await make_process(model=model), await make_process()
    begin = process.new()
    follower = await process.start(begin)
    await model.reached.wait()
    switch = await halt(acme, target)
    await until(knows(process, target))
    await until(knows(other, target))
    model.let_go.set()
    lines = await read(follower)
    assert names(lines)[-1] == "RunPaused"
    assert json.loads(lines[-1].data)["reason"] == "halted"
    run = await in_thread(stored, begin)
    assert (run.status, run.halted_by, ran) == ("paused", target, [])
    assert await in_thread(switches.go_on) == 0
    await release(acme, switch)
    await until(knows(process))
    await until(knows(other))
    to_end = process.follow(begin, after=lines[-1].seq, to_end=True)
    other.model.script = ["The end"]
    await goes_on(process)
    assert names(await read(to_end))[-1] == "RunCompleted"
    assert ran == ["look x"]
    assert (await in_thread(stored, begin)).halted_by == ""


async def test_of_many_calls_of_a_turn_the_halted_wait_and_nothing_is_lost(
    make_process: Any, acme: TenantWithUsers
) -> None:
    process = await make_process([[("look", {"place": "x"}), ("pay", {"amount": 5})], "The end"])
    switch = await halt(acme, "tool:pay")
    await until(knows(process, "tool:pay"))
    begin = process.new()
    lines = await read(await process.start(begin))
    assert json.loads(lines[-1].data)["reason"] == "halted"
    await release(acme, switch)
    await until(knows(process))
    again = process.follow(begin, after=lines[-1].seq)
    await goes_on(process)
    waits = await read(again)
    assert [tool["tool_name"] for tool in json.loads(waits[-1].data)["tools"]] == ["pay"]
    assert ran == ["look x"]


async def test_another_tenants_switch_halts_nothing_here(
    make_process: Any, acme: TenantWithUsers, globex: TenantWithUsers
) -> None:
    process = await make_process([LOOK, "The end"])
    await halt(globex, "tenant")
    await until(lambda: globex.tenant.id in process.supervisor.stops.halted.targets)
    assert names(await read(await process.start(process.new())))[-1] == "RunCompleted"


async def test_what_waits_stays_and_is_not_answered(make_process: Any, acme: TenantWithUsers) -> None:
    process = await make_process([[("pay", {"amount": 5})], "The end"])
    begin = process.new()
    lines = await read(await process.start(begin))
    said = [Answer(json.loads(lines[-1].data)["tools"][0]["tool_call_id"], confirmed=True)]
    switch = await halt(acme, "tool:pay")
    with pytest.raises(Conflict) as refused:
        await in_thread(answers.answer, principal=acme.principal("member"), run_id=begin.run_id, answers=said)
    assert refused.value.code == "halted"
    await release(acme, switch)
    await until(knows(process))
    again = process.follow(begin, after=lines[-1].seq)
    await in_thread(answers.answer, principal=acme.principal("member"), run_id=begin.run_id, answers=said)
    assert names(await read(again))[-1] == "RunCompleted"
    assert ran == ["pay 5"]


async def test_nothing_new_begins_before_any_row(make_process: Any, acme: TenantWithUsers) -> None:
    process = await make_process(["Never"])
    runtime = Runtime(process.pool, process.hub, process.supervisor, process.ports, Governance())
    await halt(acme, COMPONENT)
    await until(knows(process, COMPONENT))
    with pytest.raises(Unavailable) as refused:
        await runs.start(runtime, principal=acme.principal("member"), spec=SPEC, message="Go")
    assert refused.value.code == "halted"
    assert await in_thread(Run.objects.using("system").filter(tenant_id=acme.tenant.id).count) == 0


async def test_nothing_is_made_anew_of_a_run_whose_component_is_halted(
    make_process: Any, acme: TenantWithUsers
) -> None:
    process = await make_process([ProviderError("Wrong.", code="provider_auth")])
    runtime = Runtime(process.pool, process.hub, process.supervisor, process.ports, Governance())
    begin = process.new()
    await read(await process.start(begin))
    await halt(acme, COMPONENT)
    await until(knows(process, COMPONENT))
    member = acme.principal("member")
    for anew in (
        steering.fork(runtime, member, begin.run_id, Fork("1.model")),
        steering.rerun(runtime, member, begin.run_id),
    ):
        with pytest.raises(Unavailable) as refused:
            await anew
        assert refused.value.code == "halted"
    assert await in_thread(Run.objects.using("system").filter(tenant_id=acme.tenant.id).count) == 1


async def test_everything_is_halted_at_the_shell(
    make_process: Any, acme: TenantWithUsers, globex: TenantWithUsers
) -> None:
    process = await make_process(model=ScriptedModel([LOOK, "The end"]))
    await in_thread(call_command, "halt", "A leak", stdout=StringIO())
    await until(lambda: process.supervisor.stops.halted.everything)
    begin = process.new()
    lines = await read(await process.start(begin))
    assert json.loads(lines[-1].data)["reason"] == "halted"
    with pytest.raises(CommandError, match="already"):
        await in_thread(call_command, "halt", "Again")
    await in_thread(call_command, "release", stdout=StringIO())
    await until(lambda: not process.supervisor.stops.halted.everything)
    again = process.follow(begin, after=lines[-1].seq, to_end=True)
    await goes_on(process)
    assert names(await read(again))[-1] == "RunCompleted"
    with pytest.raises(CommandError):
        await in_thread(call_command, "release")
    rows = AuditRow.objects.using("system").filter(object_type="halt", object_id="everything")
    found = await in_thread(list, rows.values_list("tenant_id", "action").order_by("tenant_id", "seq"))
    assert {tenant for tenant, _ in found} >= {acme.tenant.id, globex.tenant.id}


class TestTurning:
    def test_who_may_and_what_is_kept(self, acme: TenantWithUsers) -> None:
        operator = acme.principal("operator")
        made = switches.halt(operator, target="tool:pay", reason="  Twice  ")
        with pytest.raises(Conflict):
            switches.halt(acme.principal("admin"), target="tool:pay", reason="Too")
        for role in ("viewer", "member", "approver", "auditor"):
            with pytest.raises(PolicyDenied):
                switches.halt(acme.principal(role), target="tenant", reason="No")
            with pytest.raises(PolicyDenied):
                switches.release(acme.principal(role), switch_id=made.id)
        switches.release(operator, switch_id=made.id)
        with pytest.raises(NotFound):
            switches.release(operator, switch_id=made.id)
        rows = AuditRow.objects.using("system").filter(tenant_id=acme.tenant.id, object_type="halt").order_by("seq")
        assert [row.action for row in rows] == ["halt.set", "halt.released"]
        assert rows[0].detail == {"target": "tool:pay", "reason": "Twice"}

    @pytest.mark.parametrize(
        ("target", "reason", "code"),
        [
            ("tool:nope", "x", "unknown_target"),
            ("everything", "x", "unknown_target"),
            ("tenant", " ", "reason_missing"),
        ],
    )
    def test_what_is_no_switch(self, acme: TenantWithUsers, target: str, reason: str, code: str) -> None:
        with pytest.raises(Invalid) as refused:
            switches.halt(acme.principal("admin"), target=target, reason=reason)
        assert refused.value.code == code

    def test_the_database_keeps_it_so(self, acme: TenantWithUsers, globex: TenantWithUsers) -> None:
        made = switches.halt(acme.principal("admin"), target="tenant", reason="Stop")
        with tenant_scope(acme.tenant.id, acme.member.id):
            assert KillSwitch.objects.filter(id=made.id).update(reason="Go") == 0
        with tenant_scope(globex.tenant.id, globex.admin.id):
            assert not KillSwitch.objects.exists()
        with pytest.raises(Error), tenant_scope(acme.tenant.id, acme.member.id):
            KillSwitch.objects.create(tenant_id=acme.tenant.id, target="tool:x", reason="x")
        with pytest.raises(Error), tenant_scope(acme.tenant.id, acme.admin.id):
            PlatformSwitch.objects.create(reason="x")


def test_the_widest_switch_is_named() -> None:
    ours, theirs = TenantIds.ours, TenantIds.theirs
    found = Halted(targets={ours: frozenset({"tenant", "tool:a"})})
    assert found.by(ours, "tool:a") == "tenant"
    assert found.by(theirs, "tool:a") == ""
    assert Halted(everything=True).by(theirs) == "everything"


class TenantIds:
    from uuid import UUID

    ours, theirs = UUID(int=1), UUID(int=2)


def test_every_page_says_what_is_halted_why_by_whom_and_since_when(acme: TenantWithUsers) -> None:
    client = Client()
    client.force_login(User.objects.using("system").get(id=acme.member.id))
    assert 'data-testid="halted"' not in client.get("/").content.decode()
    switches.halt(acme.principal("admin"), target="tool:pay", reason="<b>Twice</b> \u202e")
    for page in ("/", "/admin/governance/approval/", "/admin/agents/run/"):
        shown = client.get(page).content.decode()
        assert 'data-testid="halted"' in shown
        assert "the tool pay" in shown
        assert "&lt;b&gt;Twice&lt;/b&gt;" in shown
        assert "U+202E" in shown
        assert "\u202e" not in shown
        assert "admin@acme.test" in shown


def test_the_page_says_how_everything_is_released_and_that_works(acme: TenantWithUsers) -> None:
    call_command("halt", "A drill", stdout=StringIO())
    client = Client()
    client.force_login(User.objects.using("system").get(id=acme.admin.id))
    said = re.search(r"at the shell: <code>manage.py (.+?)</code>", client.get("/admin/halts/").content.decode())
    assert said
    call_command(*said[1].split(), stdout=StringIO())
    assert "Nothing is halted." in client.get("/admin/halts/").content.decode()
