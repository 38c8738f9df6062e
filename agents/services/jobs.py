"""Background work: runs of the kind `job`, which nobody waits for. They have a lane of their own in the supervisor.

What somebody said is kept beyond its session only by such work, and only while she consents: `may_keep` is asked when a
job is stored and when a process takes it up, and `consented` is in the write that keeps what it made.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, TypeAlias
from uuid import UUID

from psycopg import AsyncConnection, AsyncCursor

from accounts.privacy import choices
from accounts.privacy.models import Choice
from agentos.core.errors import Unavailable
from agentos.core.ids import new_id
from agentos.core.ratelimits import RateLimit
from agentos.core.types import Json, JsonObject, json_text
from agents.engine.allowance import BOUNDLESS, Allowance
from agents.engine.ports import OutputFilter
from agents.engine.run_info import RunInfo
from agents.engine.spec import JOB, JobSpec, Keeps, spec_hash
from agents.engine.status import RunStatus
from agents.engine.steps import Statement, StepRecord
from agents.engine.tools import Tool
from agents.engine.verdicts import Refuse, Verdict, Withdrawal
from agents.models import Run, Session
from agents.services import authority
from agents.services.ledger import Consumer
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


@dataclass(slots=True)
class NewJob:
    """Background work to be stored in the session of a run, unless it is open there or may keep nothing.

    `order` is added to its spec; `models` are the tenant's. After `done`, `is_stored` says whether it was. What it
    holds of budgets is reserved with it; where they have no room it holds nothing, and they refuse it as it begins.
    """

    spec: JobSpec
    info: RunInfo
    models: TenantModels
    message: str
    order: JsonObject
    owner: str = ""  # the process that takes the lease; empty: claimable by any
    run_id: UUID = field(default_factory=new_id)
    tenant_id: UUID = field(init=False)
    charges: tuple[Any, ...] = ()  # the ledger's
    allowance: Allowance = BOUNDLESS
    limits: tuple[RateLimit, ...] = ()
    refusal: Exception | None = None  # the budgets'
    is_stored: bool = False
    done: asyncio.Future[None] = field(default_factory=lambda: asyncio.get_running_loop().create_future())

    def __post_init__(self) -> None:
        self.tenant_id = self.info.tenant_id

    @property
    def model(self) -> str:
        return self.models.name_of(self.spec.model)

    @property
    def pinned(self) -> JsonObject:
        return self.spec.pinned(self.model, self.models.fallbacks)

    @property
    def kept(self) -> JsonObject:
        """Return its row's spec: it never has more authority than the run for which it is stored."""
        return {**self.pinned, **self.order, **authority.as_kept(self.info)}

    @property
    def consumer(self) -> Consumer:
        models = self.model, *self.models.fallbacks
        return Consumer(self.tenant_id, self.info.user_id, self.spec.kind, self.spec.id, models)

    @property
    def holds(self) -> bool:
        """Tell whether something was reserved for it."""
        return bool(self.charges) and self.refusal is None

    @property
    def place(self) -> tuple[UUID, str, str]:
        """Return by what jobs are stored in order: two processes that store the same ones wait for each other once."""
        return self.tenant_id, self.info.session_id, self.spec.id

    def finish(self) -> None:
        if not self.done.done():
            self.done.set_result(None)

    def refuse(self, error: Exception) -> None:
        """Tell who asked for it that the database did not take it."""
        if not self.done.done():
            refusal = Unavailable("The job could not be stored.")
            refusal.__cause__ = error
            self.done.set_exception(refusal)

    @property
    def claimed(self) -> Claimed:
        """Return it as a claim would, to its owner."""
        return Claimed(
            run_id=self.run_id,
            tenant_id=self.tenant_id,
            user_id=self.info.user_id,
            session_id=self.info.session_id,
            component_kind=JOB,
            component_id=self.spec.id,
            spec=self.kept,
            model=self.model,
            message=self.message,
            fence=1,
            recoveries=0,
            cancel_requested=False,
            pause_requested=False,
            worked_seconds=0.0,
            is_overdue=False,
            is_new=True,
        )


# Lets a job be stored, whoever works on it. Raises: Unavailable.
BeginJob: TypeAlias = Callable[[NewJob], Awaitable[None]]


async def store(connection: AsyncConnection[Any], job: NewJob) -> AsyncCursor[Any]:
    """Store a job by one statement, in the caller's transaction; it finds a row if that was done."""
    pinned = job.pinned
    values = {
        "id": job.run_id,
        "tenant_id": job.tenant_id,
        "run_id": job.info.run_id,
        "job": job.spec.id,
        "spec": json_text(job.kept),
        "spec_hash": spec_hash(pinned),
        "model": job.model,
        "status": (RunStatus.RUNNING if job.owner else RunStatus.PENDING).value,
        "fence": 1 if job.owner else 0,
        "owner": job.owner,
        "deadline_seconds": float(job.spec.limits.deadline_seconds),
        "message": job.message,
    }
    return await connection.execute(STORE.format(consented=_consents(job.spec)), values, prepare=True)
