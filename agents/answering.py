"""The road of a human's answers into a run, from every edge: through the guards, then into the journal."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from uuid import UUID

from accounts.principals import Principal
from accounts.seam import in_thread
from agentos.core.types import JsonObject
from agents import selectors
from agents.engine.spec import AgentSpec
from agents.registry import registry
from agents.services import answers, blocked
from agents.services.answers import Answer
from agents.services.idempotency import Key
from agents.services.runtime import Runtime


async def answer(
    here: Runtime,
    principal: Principal,
    run_id: UUID,
    said: list[Answer],
    key: Key | None = None,
    *,
    component_id: str = "",
    session_id: str = "",
) -> int:
    """Guard and store answers; the run goes on after the seq that is returned.

    It has to be of that component and in that session, if they are named.

    Raises: as `services.answers.answer`, InputBlocked.
    """
    detail = await in_thread(selectors.run_detail, principal=principal, run_id=run_id, component_id=component_id)
    selectors.check_session(detail, session_id)
    spec = registry.get("agent", detail.get("agent_id", ""))
    async with blocked.counted(principal, run_id):
        guarded = [await _guarded(here, principal, spec, item) for item in said]
    return await in_thread(answers.answer, principal=principal, run_id=run_id, answers=guarded, key=key)


async def _guarded(here: Runtime, principal: Principal, spec: AgentSpec, said: Answer) -> Answer:
    noted: list[JsonObject] = []
    check = partial(here.hooks.check_answer, spec, tenant_id=principal.tenant_id, noted=noted)
    return replace(await said.guarded(check), guards=tuple(noted))
