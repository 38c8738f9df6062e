"""Background work: runs of the kind `job`, which nobody waits for. They have a lane of their own in the supervisor.

What somebody said is kept beyond its session only by such work, and only while she consents: `may_keep` is asked when a
job is stored and when a process takes it up, and `consented` is in the write that keeps what it made.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Final

from django.db.models.functions import Now

from accounts.privacy import choices
from accounts.privacy.models import Choice
from agentos.core.ids import new_id
from agentos.core.types import Json, JsonObject
from agents.engine.ports import OutputFilter, Refuse, RunInfo, Verdict, Withdrawal
from agents.engine.spec import JOB, JobSpec, Keeps, spec_hash
from agents.engine.status import RunStatus
from agents.engine.steps import Statement, StepRecord
from agents.engine.tools import Tool
from agents.models import Run, Session
from agents.services import log, tenant_models
from agents.services.notifications import CLAIMABLE
from agents.services.sql import table

OPEN: Final = (RunStatus.PENDING, RunStatus.RUNNING, RunStatus.PAUSED)
REST: Final = timedelta(minutes=5)  # after a job that failed, before the next of its session
OPTED_OUT: Final = "Its user lets nothing be kept beyond the session."
CONSENT: Final = f"""
UPDATE {table(Run)} r SET status = r.status FROM {table(Session)} s
WHERE r.tenant_id = %s AND r.id = %s AND s.tenant_id = r.tenant_id AND s.id = r.session_id AND s.expires_at IS NULL
  AND NOT EXISTS (SELECT 1 FROM {table(Choice)} c
                  WHERE c.tenant_id = r.tenant_id AND c.user_id = r.user_id AND NOT c.{{choice}})
"""


class Whole:
    """Lets an answer out in one piece: nobody reads along, and each piece would be an event to store.

    It looks for nothing: what it is made of has passed the guards.
    """

    def __init__(self) -> None:
        self._parts: list[str] = []
        self.notes: list[JsonObject] = []

    def feed(self, delta: str) -> str:
        self._parts.append(delta)
        return ""

    def finish(self) -> str:
        return "".join(self._parts)

    async def arguments(self, written: str) -> tuple[str, str]:
        return written, ""


class ClosedGates:
    """The hooks of background work: it is the machine's own, so no user's rights are asked, and it has no tools."""

    async def offered(self, run: RunInfo) -> Sequence[Tool]:
        return ()

    async def before_tool(self, run: RunInfo, tool: Tool, step: StepRecord, arguments: JsonObject) -> Verdict:
        return Refuse("background work calls no tools.")

    def withdraw(self, run: RunInfo, step: StepRecord, reason: str) -> Withdrawal:
        return Withdrawal()

    async def after_tool(self, run: RunInfo, tool: Tool, step: StepRecord, result: Json) -> Json:
        return None

    async def output_filter(self, run: RunInfo) -> OutputFilter | None:
        return Whole()


def may_keep(spec: JobSpec, session: Session) -> bool:
    """Tell whether such work may be done on a session: a temporary one leaves nothing behind."""
    if session.expires_at is not None:
        return False
    return spec.keeps is Keeps.SESSION or choices.allows(session.tenant_id, session.user_id, spec.keeps.value)


def may_go_on(spec: JobSpec, info: RunInfo) -> bool:
    """Tell the same of a job that was stored before, which a process takes up now."""
    if spec.keeps is Keeps.SESSION:
        return True
    of_run = {"tenant_id": info.tenant_id, "runs__id": info.run_id}
    session = Session.objects.using("system").filter(**of_run).first()
    return session is not None and may_keep(spec, session)


def consented(spec: JobSpec, info: RunInfo) -> tuple[Statement, ...]:
    """Return what refuses the write that keeps what a job made, when she has opted out by then."""
    if spec.keeps is Keeps.SESSION:
        return ()
    return (Statement(CONSENT.format(choice=spec.keeps.value), (info.tenant_id, info.run_id), OPTED_OUT),)


def is_held_up(session: Session, spec: JobSpec) -> bool:
    """Tell whether a session has such a job under way, or has had one that failed just now. Inside a tenant scope."""
    of_session = Run.objects.filter(session=session, component_kind=JOB, component_id=spec.id)
    failed_now = of_session.filter(status=RunStatus.ERROR, created_at__gt=Now() - REST)
    return of_session.filter(status__in=OPEN).exists() or failed_now.exists()


def store(spec: JobSpec, *, like: Run, message: str, order: JsonObject) -> None:
    """Store a job in the session of a run, for any process to claim, unless one is open. The caller commits.

    Does nothing where it may keep nothing. `order` is added to its spec. The database keeps a second open job out, also
    of a process that stores it just now.
    """
    if not may_keep(spec, like.session):
        return
    models = tenant_models.load(like.tenant_id)
    model = models.name_of(spec.model)
    pinned = spec.pinned(model, models.fallbacks)
    job_id = new_id()
    job = Run(
        id=job_id,
        tenant_id=like.tenant_id,
        user_id=like.user_id,
        session=like.session,
        root_id=job_id,
        component_kind=JOB,
        component_id=spec.id,
        spec={**pinned, **order},
        spec_hash=spec_hash(pinned),
        model=model,
        status=RunStatus.PENDING.value,
        input=message,
        is_demo=like.is_demo,
        created_at=Now(),
        deadline_at=Now() + timedelta(seconds=spec.limits.deadline_seconds),
    )
    Run.objects.bulk_create([job], ignore_conflicts=True)
    log.notify(CLAIMABLE, JOB)
