"""A run has its user's rights, as they are now and within its limits: what it is offered, what it is refused."""

from __future__ import annotations

import asyncio
import re
from asyncio import Future
from dataclasses import replace
from typing import Any

import pytest
from django.conf import settings

from accounts import principals
from accounts.models import Membership
from accounts.principals import Principal
from accounts.seam import in_thread
from accounts.services import grants, service_accounts
from agentos.core.ids import new_id
from agents.engine.limits import DEFAULT_LIMITS
from agents.engine.run_info import RunInfo
from agents.engine.testing import ScriptedModel
from agents.models import Run, Step
from agents.registry import registry
from agents.services import authority, forks, runs, summaries, tenant_models
from agents.services.forks import Fork
from agents.services.jobs import NewJob
from agents.services.journal.children import Parent
from agents.services.runtime import Runtime
from governance.hooks import Governance
from tests.agents.services.conftest import SPEC, HeldModel, Process, names, ran, read
from tests.conftest import TenantWithUsers


@pytest.fixture(autouse=True)
def _fresh() -> Any:
    principals.cache.forget()
    yield
    principals.cache.forget()


def governed(process: Process) -> Process:
    process.ports = process.supervisor.ports = replace(process.ports, hooks=Governance())
    return process


def as_user(begin: Any, user: Any) -> Any:
    begin.user_id = user.id
    return begin


def offered(model: ScriptedModel) -> list[list[str]]:
    return [[tool["function"]["name"] for tool in request.tools] for request in model.requests]


def give(acme: TenantWithUsers, user: Any, kind: str, name: str, verb: str) -> None:
    grants.give(acme.principal("admin"), user_id=user.id, kind=kind, name=name, verb=verb)


@pytest.fixture
def grantable(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let grants hang on the agent and the tools of these tests."""
    found = [grants.Thing("agents", "tester", "Tester"), grants.Thing("tools", "look", "look")]
    monkeypatch.setattr(grants, "_providers", lambda: (lambda tenant_id: found,))


LOOK = [("look", {"place": "x"})]


async def test_a_member_is_offered_and_may(make_process: Any, acme: TenantWithUsers) -> None:
    model = ScriptedModel([LOOK, "The end"])
    process = governed(await make_process(model=model))
    lines = await read(await process.start(process.new()))
    assert names(lines)[-1] == "RunCompleted"
    assert all("look" in tools for tools in offered(model))
    assert ran == ["look x"]


async def test_what_one_may_not_call_is_not_offered_and_refused(
    make_process: Any, acme: TenantWithUsers, grantable: None
) -> None:
    await in_thread(give, acme, acme.viewer, "agents", "tester", "run")
    model = ScriptedModel([LOOK, "The end"])
    process = governed(await make_process(model=model))
    begin = as_user(process.new(), acme.viewer)
    lines = await read(await process.start(begin))
    assert names(lines)[-1] == "RunCompleted"
    assert offered(model) == [[], []]
    assert ran == []
    step = await in_thread(lambda: Step.objects.using("system").get(run_id=begin.run_id, kind="tool"))
    assert step.state == "refused"
    assert "Nothing grants this" in str(step.result)


async def test_a_grant_offers_just_that_tool(make_process: Any, acme: TenantWithUsers, grantable: None) -> None:
    await in_thread(give, acme, acme.viewer, "agents", "tester", "run")
    await in_thread(give, acme, acme.viewer, "tools", "look", "call")
    model = ScriptedModel([LOOK, "The end"])
    process = governed(await make_process(model=model))
    await read(await process.start(as_user(process.new(), acme.viewer)))
    assert offered(model) == [["look"], ["look"]]
    assert ran == ["look x"]


async def test_a_run_ends_when_its_user_may_not_run_it_any_more(make_process: Any, acme: TenantWithUsers) -> None:
    model = HeldModel([LOOK, "The end"])
    process = governed(await make_process(model=model))
    begin = process.new()
    follower = await process.start(begin)
    await model.reached.wait()
    await in_thread(Membership.objects.using("system").filter(user_id=acme.member.id).update, role="viewer")
    principals.cache.forget()
    model.let_go.set()
    lines = await read(follower)
    assert names(lines)[-1] == "RunError"
    run = await in_thread(lambda: Run.objects.using("system").get(id=begin.run_id))
    assert (run.status, run.error_code) == ("error", "rights_lost")
    assert ran == []


async def test_a_keys_run_stays_within_the_key(make_process: Any, acme: TenantWithUsers) -> None:
    asked = {"tenant_id": acme.tenant.id, "user_id": acme.member.id, "name": "narrow"}
    _, key = await in_thread(service_accounts.create, scopes_asked=["agents:run"], **asked)
    principal = await service_accounts.verify(key)
    assert principal is not None
    model = ScriptedModel([LOOK, "The end"])
    process = governed(await make_process(model=model))
    begin = process.new(owner="")
    begin.acting = authority.pinned(principal)
    follower = process.follow(begin)
    await process.supervisor.writer.begin(begin)
    lines = await read(follower)
    assert names(lines)[-1] == "RunCompleted"
    assert offered(model) == [[], []]
    assert ran == []


async def test_a_revoked_keys_run_ends(make_process: Any, acme: TenantWithUsers) -> None:
    asked = {"tenant_id": acme.tenant.id, "user_id": acme.member.id, "name": "k"}
    account, key = await in_thread(service_accounts.create, scopes_asked=["agents:run", "tools:call"], **asked)
    principal = await service_accounts.verify(key)
    assert principal is not None
    await in_thread(service_accounts.revoke, tenant_id=acme.tenant.id, account_id=account.id)
    process = governed(await make_process(["The end"]))
    begin = process.new(owner="")
    begin.acting = authority.pinned(principal)
    follower = process.follow(begin)
    await process.supervisor.writer.begin(begin)
    lines = await read(follower)
    assert names(lines)[-1] == "RunError"
    run = await in_thread(lambda: Run.objects.using("system").get(id=begin.run_id))
    assert run.error_code == "rights_lost"


async def test_a_start_pins_what_narrows_the_principal(make_process: Any, acme: TenantWithUsers) -> None:
    process = governed(await make_process(["The end"]))
    runtime = Runtime(process.pool, process.hub, process.supervisor, process.ports, Governance())
    spec = registry.get("agent", "tester")
    person = acme.principal("member")
    for principal, kept in (
        (person, None),
        (person.narrowed(["agents:run"]), {"scopes": ["agents:run"], "account": None}),
    ):
        started = await runs.start(runtime, principal=principal, spec=spec, message="Go")
        assert started.follower is not None
        await read(started.follower)
        run = await in_thread(lambda id=started.run_id: Run.objects.using("system").get(id=id))
        assert run.spec.get("authority") == kept


async def test_forks_and_reruns_never_have_more(make_process: Any, acme: TenantWithUsers) -> None:
    process = await make_process([LOOK, "The end"])
    begin = process.new()
    await read(await process.start(begin))
    person = acme.principal("member")
    narrow = person.narrowed(["agents:run", "runs:write", "runs:read"])
    made, _ = await in_thread(forks.fork, principal=narrow, run_id=begin.run_id, wanted=Fork("2.model"))
    fork = await in_thread(lambda: Run.objects.using("system").get(id=made))
    assert fork.spec["authority"]["scopes"] == ["agents:run", "runs:read", "runs:write"]
    wide, _ = await in_thread(forks.fork, principal=person, run_id=begin.run_id, wanted=Fork("2.model"))
    again = await in_thread(lambda: Run.objects.using("system").get(id=wide))
    assert "authority" not in again.spec


@pytest.mark.parametrize(
    ("before", "limits", "after"),
    [
        (None, None, {}),
        (None, ["agents:run"], {"authority": {"scopes": ["agents:run"], "account": None}}),
        (["agents:run", "tools:call"], None, {"authority": {"scopes": ["agents:run", "tools:call"], "account": None}}),
        (["agents:x:run", "tools:call"], ["agents:run"], {"authority": {"scopes": ["agents:x:run"], "account": None}}),
    ],
)
def test_what_a_rerun_inherits(before: Any, limits: Any, after: Any) -> None:
    run = Run(spec={"authority": {"scopes": before, "account": None}} if before else {})
    principal = Principal(run.id, run.id, "acme", "m@acme.test", "M", "member", frozenset({"agent_os:admin"}))
    if limits is not None:
        principal = principal.narrowed(limits)
    assert authority.inherited(run, principal) == after


@pytest.mark.parametrize(
    ("above", "asked", "kept"),
    [
        (None, None, None),
        (None, ["agents:run"], ["agents:run"]),
        (["agents:run"], None, ["agents:run"]),
        (["agents:run"], ["agents:x:run", "tools:call"], ["agents:x:run"]),
        (["agents:run"], ["tools:call"], []),
    ],
)
async def test_a_run_starts_others_with_no_more_than_it_may(make_process: Any, above: Any, asked: Any, kept: Any):
    process = await make_process(supervise=False)
    parent, begin = process.new(), process.new()
    begin.parent = Parent(parent.run_id, parent.tenant_id, DEFAULT_LIMITS)
    for made, scopes in ((parent, above), (begin, asked)):
        made.acting = {} if scopes is None else {"authority": {"scopes": scopes, "account": None}}
        await process.supervisor.writer.begin(made)
    row = await in_thread(lambda: Run.objects.using("system").get(id=begin.run_id))
    assert row.spec.get("authority") == (None if kept is None else {"scopes": kept, "account": None})


async def test_a_run_starts_none_in_the_name_of_somebody_else(make_process: Any, acme: TenantWithUsers):
    process = await make_process(supervise=False)
    parent, twins = process.new(), [process.new(key="same", hmac="same") for _ in range(2)]
    await process.supervisor.writer.begin(parent)
    for begin in twins:
        begin.user_id, begin.parent = acme.admin.id, Parent(parent.run_id, parent.tenant_id, DEFAULT_LIMITS)
    begun = await asyncio.gather(*map(process.supervisor.writer.begin, twins), return_exceptions=True)
    assert [getattr(refusal, "code", None) for refusal in begun] == ["not_its_user"] * 2
    assert not await in_thread(Run.objects.using("system").filter(id=begin.run_id).exists)


async def test_background_work_keeps_the_authority_of_its_run() -> None:
    begun = {"authority": {"scopes": ["agents:run"], "account": str(new_id())}}
    info = RunInfo(new_id(), new_id(), new_id(), "s", SPEC, "m", "Go", **authority.of(begun))
    for who, kept in ((info, begun), (replace(info, limits=None, account_id=None), {})):
        job = NewJob(summaries.SPEC, who, tenant_models.AS_THE_PLATFORM, "Sum up", {}, done=Future())
        assert {name: value for name, value in job.kept.items() if name == "authority"} == kept
        assert job.claimed.spec == job.kept


def test_runs_are_stored_in_three_places_only() -> None:
    """Each of them is given an authority: whoever adds a fourth has to give it one, too."""
    stores = re.compile(r"INSERT INTO \{table\(Run\)\}|\bRun\.objects(\.using\(\w+\))?\.(bulk_)?create|\bRun\(\w+=")
    apps = ("accounts", "agentos", "agents", "evals", "governance", "knowledge", "scheduling")
    files = [file for app in apps for file in (settings.BASE_DIR / app).rglob("*.py") if "migrations" not in file.parts]
    found = {str(file.relative_to(settings.BASE_DIR)) for file in files if stores.search(file.read_text())}
    assert found == {"agents/services/branches.py", "agents/services/jobs.py", "agents/services/journal/begin.py"}
