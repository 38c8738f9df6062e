"""The rolling summary of a session: stored as a job when one is due, and kept as the job ends."""

from __future__ import annotations

import logging
from datetime import datetime
from typing import Final
from uuid import UUID

from django.db import Error as DatabaseFailure
from django.db.models import QuerySet
from django.db.models.functions import Left

from accounts.tenancy import tenant_scope
from agentos.core.errors import ProviderError
from agentos.core.ids import new_id
from agentos.core.types import JsonObject
from agents.engine.history import History, Said, bounded, chars_read, fitting, shortened, transcript
from agents.engine.limits import Limits
from agents.engine.ports import RunInfo
from agents.engine.spec import JobSpec, Keeps, Model, text
from agents.engine.status import RunStatus
from agents.engine.steps import Statement
from agents.models import ASKED_FOR, Run, Session, SessionSummary
from agents.services import jobs
from agents.services.sql import table

logger = logging.getLogger(__name__)

SPEC: Final = JobSpec(
    id="session-summary",
    instructions=text("summary.md"),
    model=Model.FAST,
    limits=Limits(turns=1, tool_calls=0, wall_seconds=600, deadline_seconds=86_400),
    keeps=Keeps.SESSION,
)
ORDER: Final = "summary"  # in a job's spec: {until_at, until_id, runs}, up to where it sums up and how many runs
MOST_RUNS: Final = 50  # that one job takes over: a session that was long before its first summary catches up
SUMMARY_CHARS: Final = 4_000
NOT_NEWEST: Final = "The session has a summary that reaches as far."

# Refused when another summary reaches as far: two jobs that raced leave one, and the newest never goes back.
KEEP: Final = f"""
INSERT INTO {table(SessionSummary)}
    (id, tenant_id, user_id, session_id, made_by_id, until_at, until_id, runs, text, created_at)
SELECT %s, r.tenant_id, r.user_id, r.session_id, r.id, %s, %s, %s, %s, now() FROM {table(Run)} r
WHERE r.tenant_id = %s AND r.id = %s AND NOT EXISTS (
    SELECT 1 FROM {table(SessionSummary)} s
    WHERE s.tenant_id = r.tenant_id AND s.session_id = r.session_id AND (s.until_at, s.until_id) >= (%s, %s)
)
ON CONFLICT (tenant_id, session_id, until_at, until_id) DO NOTHING
"""


def ask(*, tenant_id: UUID, user_id: UUID, run_id: UUID, history: History) -> None:
    """Store a job that sums up a run's session as far as its history says. Commits.

    Does nothing while one is under way, or when the session has got a summary that the run has not seen. Nobody waits
    for it: what fails here is tried again by the next run of the session.
    """
    try:
        with tenant_scope(tenant_id, user_id):
            run = Run.objects.select_related("session").filter(id=run_id).first()
            if run is not None and jobs.may_keep(SPEC, run.session) and not jobs.is_held_up(run.session, SPEC):
                _store(run, history)
    except DatabaseFailure as error:
        logger.warning("run %s: no summary was asked for (%s)", run_id, type(error).__name__)


def _store(run: Run, history: History) -> None:
    newest, seen, chars = newest_of(run.session), history.summary, SPEC.history_chars
    if history.leaving is None or (newest and newest.id) != (seen and seen.id):
        return
    taken = fitting([bounded(said, chars) for said in _said(run.session, newest, history.leaving, chars)], chars)
    if not taken:
        return
    order = {
        "until_at": taken[-1].ended_at.isoformat(),
        "until_id": str(taken[-1].run_id),
        "runs": len(taken) + (newest.runs if newest else 0),
    }
    jobs.store(SPEC, like=run, message=transcript(newest.text if newest else "", taken), order={ORDER: order})


def newest_of(session: Session) -> SessionSummary | None:
    """Return the summary of a session that reaches furthest. The caller is inside its tenant's scope."""
    return session.summaries.order_by("-until_at", "-until_id").first()


def _said(session: Session, after: SessionSummary | None, until: Said, chars: int) -> list[Said]:
    """Return the runs behind the newest summary that the next one takes over, oldest first."""
    runs: QuerySet[Run] = session.runs.filter(ASKED_FOR, status=RunStatus.COMPLETED, parent__isnull=True)
    runs = runs.filter(ended_at__lte=until.ended_at).exclude(ended_at=until.ended_at, id__gt=until.run_id)
    if after is not None:
        runs = runs.filter(ended_at__gte=after.until_at).exclude(ended_at=after.until_at, id__lte=after.until_id)
    texts = (Left(name, chars_read(chars)) for name in ("input", "output"))
    rows = runs.order_by("ended_at", "id").values_list("id", "ended_at", *texts)[:MOST_RUNS]
    return [Said(run_id, at, asked or "", answered or "") for run_id, at, asked, answered in rows]


def kept(info: RunInfo, pinned: JsonObject, said: str) -> tuple[Statement, ...]:
    """Return what stores the summary as its job ends. Raises: ProviderError when the model said nothing."""
    if not said.strip():
        raise ProviderError("The model wrote no summary.", code="summary_empty")
    order = pinned[ORDER]
    until = datetime.fromisoformat(order["until_at"]), UUID(order["until_id"])
    row = new_id(), *until, order["runs"], shortened(said.strip(), SUMMARY_CHARS)
    return (Statement(KEEP, (*row, info.tenant_id, info.run_id, *until), NOT_NEWEST),)
