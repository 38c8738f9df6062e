"""A new run that starts with the finished steps of an earlier one: nothing is paid or done twice."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

from django.db.models.functions import Now

from accounts.principals import Principal
from agentos.core.errors import Conflict
from agentos.core.ids import new_id
from agentos.core.types import JsonObject
from agents.engine.spec import JOB, spec_hash
from agents.engine.state import is_tainting
from agents.engine.status import RunStatus, StepState
from agents.engine.steps import GUARDS
from agents.models import Run, Step
from agents.registry import registry
from agents.services import log
from agents.services.authority import AUTHORITY
from agents.services.notifications import CLAIMABLE
from agents.services.runs import require

# What is added to the spec: where a fork comes from, and the time up to which the new run knows its session.
ORIGIN, HISTORY_BEFORE = "forked_from", "history_before"
ADDED = (ORIGIN, HISTORY_BEFORE, AUTHORITY, GUARDS)


def unchecked() -> None:
    """Refuse nothing."""


def locked(principal: Principal, run_id: UUID) -> Run:
    """Lock the run that another is made of, in her tenant scope. Raises: NotFound, Gone, PolicyDenied."""
    found = Run.objects.select_for_update(no_key=True, of=("self",)).select_related("session")
    return require(principal, found, run_id, "run")


def check_root(source: Run) -> None:
    """Raises: Conflict for what no other run is made of: a member's run, and background work."""
    if source.parent_id is not None:
        raise Conflict("This is a member's run: take its root.", code="not_a_root")
    if source.component_kind == JOB:
        raise Conflict("This is background work: it is done anew by itself when it is due.", code="background_work")


def branch(
    source: Run,
    kept: list[Step],
    *,
    run_id: UUID,
    pinned: JsonObject,
    message: str | None,
    acting: JsonObject,
    origin: JsonObject | None = None,
    rerun_of: Run | None = None,
    behind: bool = False,
) -> Run:
    """Store a run in the session of an earlier one with these of its steps, for any process to claim.

    `acting` is its authority, as `services.authority` gives it. It knows its session as the earlier run did; `behind`
    it, which has ended then, as what is said next does. The caller holds the earlier run's lock inside a
    tenant scope, commits, and writes its own audit. As a new run it is bound by today's tools and limits: one that
    failed at a limit would fail at it again.
    Raises: NotFound when the component is gone.
    """
    today = registry.get(source.component_kind, source.component_id)
    pinned = {**pinned, **today.bounds()}
    source.session.save(update_fields=["updated_at"])
    made = Run.objects.create(
        id=run_id,
        tenant_id=source.tenant_id,
        user_id=source.user_id,
        session=source.session,
        root_id=run_id,
        rerun_of=rerun_of,
        component_kind=source.component_kind,
        component_id=source.component_id,
        spec={**pinned, **(origin or {}), **acting, HISTORY_BEFORE: _history_before(source, behind=behind)},
        spec_hash=spec_hash(pinned),
        model=pinned.get("model", source.model),
        status=RunStatus.PENDING.value,
        input=message,
        reads_untrusted=any(is_tainting(StepState(step.state), step.request) for step in kept),
        is_demo=source.is_demo,
        deadline_at=Now() + timedelta(seconds=today.limits.deadline_seconds),
        created_at=Now(),
    )
    _take_over(kept, made)
    log.notify(CLAIMABLE, "")
    return made


def _history_before(source: Run, *, behind: bool) -> str:
    if behind and source.ended_at:
        return (source.ended_at + timedelta(microseconds=1)).isoformat()
    return str(source.spec.get(HISTORY_BEFORE) or source.created_at.isoformat())


def _take_over(kept: list[Step], made: Run) -> None:
    """Give the steps to the new run, numbered before its first event; what they cost stays with the earlier run."""
    for position, step in enumerate(kept, start=1 - len(kept)):
        step.pk, step.run_id, step.seq, step.usage = new_id(), made.id, position, None
        step._state.adding = True
    Step.objects.bulk_create(kept)
