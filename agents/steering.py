"""The road by which people steer runs, from every edge: through admission and guards, then into the services.

The API awaits it; the admin's views run it from the thread of their request, outside any transaction.
"""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from dataclasses import replace
from functools import partial
from typing import Any
from uuid import UUID

from accounts.principals import Principal
from accounts.privacy import access
from accounts.seam import in_thread
from agentos.core.errors import NotFound, PolicyDenied, Unavailable
from agentos.core.types import Json, JsonObject
from agents import retrying, selectors
from agents.engine import previewing
from agents.engine.calling import guarded
from agents.engine.spec import AgentSpec
from agents.registry import registry
from agents.services import blocked, forks, reconcile, reruns, runs
from agents.services.connecting import connect
from agents.services.forks import Fork
from agents.services.halted import component_target
from agents.services.idempotency import Key
from agents.services.ledger import Consumer
from agents.services.reconcile import Outcome
from agents.services.runtime import Runtime

LOOKUP_SECONDS = 5.0  # a person waits for it


async def fork(
    here: Runtime, principal: Principal, run_id: UUID, wanted: Fork, key: Key | None = None
) -> tuple[UUID, str]:
    """Guard what the fork says and make it; return its run and session id. Raises: as `forks.fork`, InputBlocked."""
    return await _or_first(_fork(here, principal, run_id, wanted, key), principal, key)


async def _fork(here: Runtime, principal: Principal, run_id: UUID, wanted: Fork, key: Key | None) -> tuple[UUID, str]:
    runs.admit(here, principal)
    source = await in_thread(selectors.run_detail, principal=principal, run_id=run_id)
    check = await _room_for_another(here, principal, source)
    spec = registry.get("agent", source.get("agent_id", ""))
    async with blocked.counted(principal, run_id):
        wanted = await _let_in(here, principal, spec, wanted)
    return await in_thread(forks.fork, principal=principal, run_id=run_id, wanted=wanted, key=key, check=check)


async def _let_in(here: Runtime, principal: Principal, spec: AgentSpec, wanted: Fork) -> Fork:
    """Return what is wanted of a fork as guards let it in. Raises: InputBlocked."""
    for field in ("message", "instructions"):
        if (text := getattr(wanted, field)) is not None:
            let = await here.hooks.check_input(spec, text, tenant_id=principal.tenant_id)
            wanted = replace(wanted, **{field: let.text})
    if wanted.tool_result is not None:
        checked = await here.hooks.check_answer(spec, wanted.tool_result, tenant_id=principal.tenant_id)
        wanted = replace(wanted, tool_result=checked)
    return wanted


async def rerun(here: Runtime, principal: Principal, run_id: UUID, key: Key | None = None) -> tuple[UUID, str]:
    """Run a failed run again; return the new run's and the session's id. Raises: as `reruns.rerun`."""
    return await _or_first(_rerun(here, principal, run_id, key), principal, key)


async def _rerun(here: Runtime, principal: Principal, run_id: UUID, key: Key | None) -> tuple[UUID, str]:
    runs.admit(here, principal)
    source = await in_thread(selectors.run_detail, principal=principal, run_id=run_id)
    check = await _room_for_another(here, principal, source)
    return await in_thread(reruns.rerun, principal=principal, run_id=run_id, key=key, check=check)


async def _or_first(
    made: Coroutine[Any, Any, tuple[UUID, str]], principal: Principal, key: Key | None
) -> tuple[UUID, str]:
    """Return the run that is made and its session's id; the key's first where there is no room for another."""
    try:
        return await made
    except Unavailable as refusal:
        first, session_id = await retrying.first_of(principal, key, refusal)
        return first.run_id, session_id


async def _room_for_another(here: Runtime, principal: Principal, source: JsonObject) -> Callable[[], None]:
    """Return what looks whether budgets have room for a run like this one. Raises: Unavailable when that is halted."""
    kind, component_id = "agent", source.get("agent_id", "")
    here.supervisor.stops.halted.check(principal.tenant_id, component_target(kind, component_id))
    consumer = Consumer(principal.tenant_id, UUID(source["user_id"]), kind, component_id, ())
    return partial(here.ledger.check, await here.ledger.charges(consumer))


async def settle(
    here: Runtime,
    principal: Principal,
    run_id: UUID,
    step_id: UUID,
    outcome: Outcome,
    reason: str,
    result: str | None = None,
    *,
    key: Key | None = None,
) -> None:
    """Guard and store what became of an unknown step. Raises: as `reconcile.reconcile`, InputBlocked."""
    found = await in_thread(selectors.step_evidence, principal=principal, run_id=run_id, step_id=step_id)
    check = partial(here.hooks.check_answer, _guarding(found), tenant_id=principal.tenant_id)
    async with blocked.counted(principal, run_id):
        reason, result = await check(reason), None if result is None else await check(result)
    await in_thread(
        reconcile.reconcile,
        principal=principal,
        run_id=run_id,
        step_id=step_id,
        outcome=outcome,
        reason=reason,
        result=result,
        key=key,
    )


async def evidence(here: Runtime, principal: Principal, run_id: UUID, step_id: UUID) -> JsonObject:
    """Return what is known of a call, with `lookup`: {result, error} of the tool's look-up, None when it has none.

    Raises: NotFound, PolicyDenied.
    """
    found = await in_thread(selectors.step_evidence, principal=principal, run_id=run_id, step_id=step_id)
    looked_up = await _looked_up(here, principal.tenant_id, found)
    hidden = await in_thread(selectors.hides_words, principal=principal, run_id=run_id)
    return {**found, "lookup": access.masked(looked_up) if hidden else looked_up}


async def preview(
    here: Runtime, principal: Principal, run_id: UUID, tool_name: str, arguments: JsonObject
) -> JsonObject | None:
    """Return {result, error} of what a tool says that a call of this run would do; None when it has no preview.

    It is asked with the rights that the requester has now. Raises: NotFound, PolicyDenied when the reader may not read
    the run.
    """
    run, state = await in_thread(selectors.acting, principal=principal, run_id=run_id)
    tool = run.spec.tool(tool_name)
    if tool is None or tool.preview is None:
        return None
    try:
        allowed = tool in await here.hooks.offered(run)
    except PolicyDenied:
        allowed = False
    if not allowed:
        return {"result": None, "error": f"The requester may not call {tool_name} any more."}
    result, error = await previewing.preview(tool, run, connect, arguments=arguments, state=state)
    found = await here.hooks.check_evidence(run.spec, result, tenant_id=run.tenant_id)
    return {"result": found, "error": error}


def _guarding(found: JsonObject) -> AgentSpec:
    """Return the component whose guards judge the text; one that is gone is guarded by what guards people."""
    try:
        return registry.get(found["component_kind"], found["component_id"])
    except NotFound:
        return AgentSpec(found["component_id"], "", guards=("pii", "secrets"))


async def _looked_up(here: Runtime, tenant_id: UUID, found: JsonObject) -> Json:
    spec = _guarding(found)
    tool = spec.tool(found["tool"])
    if tool is None or tool.lookup is None:
        return None
    call = tool.lookup(found["idempotency_key"])
    _, result, error = await guarded(f"The look-up of {tool.name}", call, timeout_seconds=LOOKUP_SECONDS)
    return {"result": await here.hooks.check_evidence(spec, result, tenant_id=tenant_id), "error": error}
