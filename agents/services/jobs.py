"""Background work: runs of the kind `job`, which nobody waits for. They have a lane of their own in the supervisor.

What somebody said is kept beyond its session only by such work, and only while she consents: `may_keep` is asked when a
job is stored and when a process takes it up, and `consented` is in the write that keeps what it made.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Final, TypeAlias
from uuid import UUID

from psycopg import AsyncConnection

from accounts.privacy import choices
from accounts.privacy.models import Choice
from agentos.core.ids import new_id
from agentos.core.types import Json, JsonObject, json_text
from agents.engine.ports import OutputFilter
from agents.engine.run_info import RunInfo
from agents.engine.spec import JOB, JobSpec, Keeps, spec_hash
from agents.engine.status import RunStatus
from agents.engine.steps import Statement, StepRecord
from agents.engine.tools import Tool
from agents.engine.verdicts import Refuse, Verdict, Withdrawal
from agents.models import Run, Session
from agents.services.notifications import CLAIMABLE
from agents.services.queue import LEASE_SECONDS, Claimed
from agents.services.sql import table
from agents.services.tenant_models import TenantModels

OPEN: Final = ", ".join(f"'{status.value}'" for status in (RunStatus.PENDING, RunStatus.RUNNING, RunStatus.PAUSED))
REST_MINUTES: Final = 5  # after a job that failed, before the next of its session
OPTED_OUT: Final = "Its user lets nothing be kept beyond the session."
# Of a run `r` whose session outlives it.
_OF_SESSION: Final = "s.tenant_id = r.tenant_id AND s.id = r.session_id AND s.expires_at IS NULL"
CONSENT: Final = f"""
UPDATE {table(Run)} r SET status = r.status FROM {table(Session)} s
WHERE r.tenant_id = %s AND r.id = %s AND {_OF_SESSION} AND {{consented}}
"""

# Stores a job that this process leases, or that any may claim when it is given no owner; returns one that is leased.
Store: TypeAlias = Callable[[str], Awaitable[Claimed | None]]
BeginJob: TypeAlias = Callable[[UUID, Store], Awaitable[None]]


async def store_for_any(tenant_id: UUID, store: Store) -> None:
    """Store a job where nobody takes jobs."""
    await store("")


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
    return (Statement(CONSENT.format(consented=_consents(spec)), (info.tenant_id, info.run_id), OPTED_OUT),)


def _consents(spec: JobSpec) -> str:
    """Return the condition that the user of a run `r` lets such work keep what it makes."""
    if spec.keeps is Keeps.SESSION:
        return "true"
    whose = "c.tenant_id = r.tenant_id AND c.user_id = r.user_id"
    return f"NOT EXISTS (SELECT FROM {table(Choice)} c WHERE {whose} AND NOT c.{spec.keeps.value})"


# Whether the session of `asking` has such a job under way, or has had one that failed just now.
IS_HELD_UP: Final = f"""(
    EXISTS (
        SELECT FROM {table(Run)} j WHERE j.tenant_id = asking.tenant_id AND j.session_id = asking.session_id
        AND j.component_id = %(job)s AND j.component_kind = '{JOB}' AND j.status IN ({OPEN})
    ) OR EXISTS (
        SELECT FROM {table(Run)} j WHERE j.tenant_id = asking.tenant_id AND j.session_id = asking.session_id
        AND j.component_id = %(job)s AND j.component_kind = '{JOB}' AND j.status = '{RunStatus.ERROR.value}'
        AND j.created_at > now() - interval '{REST_MINUTES} minutes'
    )
)"""
# The database keeps a second open job out, also of a process that stores it just now.
STORE: Final = f"""
WITH job AS (
    INSERT INTO {table(Run)} (
        id, tenant_id, user_id, session_id, parent_id, root_id, component_kind, component_id, spec, spec_hash, model,
        status, fence, lease_owner, lease_until, recoveries, deadline_at, cancel_requested, input, output,
        error_code, error_text, usage, is_demo, created_at, ended_at
    )
    SELECT %(id)s, r.tenant_id, r.user_id, r.session_id, NULL, %(id)s, '{JOB}', %(job)s, %(spec)s::jsonb,
        %(spec_hash)s, %(model)s, %(status)s, %(fence)s, %(owner)s::text,
        CASE WHEN %(owner)s::text <> '' THEN now() + interval '{LEASE_SECONDS} seconds' END, 0,
        now() + make_interval(secs => %(deadline_seconds)s), false, %(message)s, NULL, '', '', '{{{{}}}}'::jsonb,
        r.is_demo, now(), NULL
    FROM {table(Run)} r JOIN {table(Session)} s ON {_OF_SESSION}
    WHERE r.tenant_id = %(tenant_id)s AND r.id = %(run_id)s AND {{consented}}
    ON CONFLICT DO NOTHING
    RETURNING id
)
SELECT id, (SELECT pg_notify('{CLAIMABLE}', '{JOB}') WHERE %(owner)s::text = '') FROM job
"""


async def store(
    connection: AsyncConnection[Any],
    spec: JobSpec,
    models: TenantModels,
    owner: str = "",
    *,
    info: RunInfo,
    message: str,
    order: JsonObject,
) -> Claimed | None:
    """Store a job in the session of a run, leased to `owner` or for any process to claim, unless one is open.

    Returns the one that is leased. One statement. Does nothing where it may keep nothing. `order` is added to its spec;
    `models` are the tenant's.
    """
    model = models.name_of(spec.model)
    pinned = spec.pinned(model, models.fallbacks)
    ordered, job_id, fence = {**pinned, **order}, new_id(), 1 if owner else 0
    values = {
        "id": job_id,
        "tenant_id": info.tenant_id,
        "run_id": info.run_id,
        "job": spec.id,
        "spec": json_text(ordered),
        "spec_hash": spec_hash(pinned),
        "model": model,
        "status": (RunStatus.RUNNING if owner else RunStatus.PENDING).value,
        "fence": fence,
        "owner": owner,
        "deadline_seconds": float(spec.limits.deadline_seconds),
        "message": message,
    }
    cursor = await connection.execute(STORE.format(consented=_consents(spec)), values, prepare=True)
    if not await cursor.fetchone() or not owner:
        return None
    return Claimed(
        run_id=job_id,
        tenant_id=info.tenant_id,
        user_id=info.user_id,
        session_id=info.session_id,
        component_kind=JOB,
        component_id=spec.id,
        spec=ordered,
        model=model,
        message=message,
        fence=fence,
        recoveries=0,
        cancel_requested=False,
        pause_requested=False,
        worked_seconds=0.0,
        is_overdue=False,
        is_new=True,
    )
