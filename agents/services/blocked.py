"""Counts on a run what guards have blocked of what people sent to it later: which guard, what kind, how often.

Of the text nothing is kept. What was blocked in the message that a run begins with stands there from the start.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from uuid import UUID

from accounts import audit
from accounts.principals import Principal
from accounts.seam import in_thread
from accounts.tenancy import tenant_scope
from agentos.core.errors import InputBlocked
from agentos.core.types import JsonObject
from agents.engine.steps import GUARDS, TIMES
from agents.models import Run


@asynccontextmanager
async def counted(principal: Principal, run_id: UUID) -> AsyncIterator[None]:
    """Count on the run what a guard blocks in here; it stays blocked. The principal may read the run."""
    try:
        yield
    except InputBlocked as blocked:
        await in_thread(_count, principal, run_id, notes_of(blocked))
        raise


def notes_of(blocked: InputBlocked) -> tuple[JsonObject, ...]:
    """Return what is kept of a refusal: the guard and the kinds of what it found, no text."""
    return tuple({"did": "block", "place": "input", **error} for error in blocked.errors)


def _count(principal: Principal, run_id: UUID, found: tuple[JsonObject, ...]) -> None:
    """Locks the run. Commits; audited."""
    with tenant_scope(principal.tenant_id, principal.user_id):
        run = Run.objects.select_for_update(no_key=True).get(id=run_id)
        run.spec = {**run.spec, GUARDS: _added(run.spec.get(GUARDS, []), found)}
        run.save(update_fields=["spec"])
        entry = audit.Entry("guard.blocked", "run", str(run_id), {"guards": list(found)}, principal.user_id)
        audit.append([entry], tenant_id=principal.tenant_id)


def _added(kept: list[JsonObject], found: tuple[JsonObject, ...]) -> list[JsonObject]:
    """Return the notes with new ones: what is there already is counted, so that a spec stays short."""
    added = [dict(note) for note in kept]
    for note in found:
        same = next((one for one in added if {**one, TIMES: 1} == {**note, TIMES: 1}), None)
        if same is None:
            added.append(dict(note))
        else:
            same[TIMES] = same.get(TIMES, 1) + 1
    return added
