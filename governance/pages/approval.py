"""What stands on an approval's page: the call beside the last one that was approved, how it came to it, its cost."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from asgiref.sync import async_to_sync
from django.db.models import Q, QuerySet

from accounts.principals import Principal
from accounts.privacy import access
from accounts.privacy.datamap import DataClass
from agentos.core.clock import utc_now
from agentos.core.errors import CallerError
from agentos.core.types import Json, JsonObject
from agents import selectors as agent_selectors
from agents import steering
from agents.engine.status import StepKind, StepState
from agents.models import Run, Step
from agents.wiring import runtime
from governance.comparing import Comparison, compared
from governance.models import Approval, ApprovalStatus

LAST_APPROVED: Final = "Last approved"
PROPOSED: Final = "What the agent had asked for"
EARLIER_RUNS: Final = 3
MOST_EVIDENCE: Final = 20


@dataclass(frozen=True, slots=True)
class Exchange:
    """One run before this one: what the requester wrote and what the agent answered."""

    asked: Json
    answered: Json


@dataclass(frozen=True, slots=True)
class Finding:
    """What a tool had told the agent before it asked; `is_foreign` where strangers may have written it."""

    tool: str
    step: Step
    result: Json
    is_foreign: bool


def is_masked(reader: Principal, approval: Approval) -> bool:
    """Tell whether she is shown what a call holds as masks only."""
    shown = access.showing(reader, DataClass.SENSITIVE, subject=approval.requester_id)
    return shown is not access.Showing.SHOWN


def beside_the_last(
    reader: Principal, approval: Approval, known: QuerySet[Approval]
) -> tuple[Comparison, Approval | None]:
    """Compare the call with the last one of the same tool and agent that was approved, among those that are known.

    Masks are all alike, so they are compared with nothing.
    """
    if is_masked(reader, approval):
        return compared(approval.arguments, {}), None
    same = known.filter(component_id=approval.component_id, tool_name=approval.tool_name)
    before = same.filter(status=ApprovalStatus.APPROVED, decided_at__lt=approval.decided_at or utc_now())
    last = before.order_by("-decided_at", "-id").first()
    others: dict[str, JsonObject] = {} if approval.proposed is None else {PROPOSED: approval.proposed}
    return compared(approval.arguments, others | ({LAST_APPROVED: last.arguments} if last else {})), last


def earlier(reader: Principal, run: Run) -> list[Exchange]:
    """Return the runs of the session before this one, the oldest first, as the reader may see them."""
    before = Q(created_at__lt=run.created_at) | Q(created_at=run.created_at, id__lt=run.id)
    rows = agent_selectors.visible_runs(reader).filter(before, session_id=run.session_id, parent=None)
    return [
        Exchange(
            access.seen_field(reader, row, "input", subject=row.user_id),
            access.seen_field(reader, row, "output", subject=row.user_id),
        )
        for row in reversed(rows.order_by("-created_at", "-id")[:EARLIER_RUNS])
    ]


def evidence(reader: Principal, step: Step) -> list[Finding]:
    """Return what tools had told the agent in this run before it made the call."""
    tools = Step.objects.filter(run_id=step.run_id, kind=StepKind.TOOL, state=StepState.DONE, seq__lt=step.seq)
    return [
        Finding(
            found.name,
            found,
            access.seen_field(reader, found, "result", subject=found.user_id),
            found.request.get("reads") == "untrusted",
        )
        for found in tools.order_by("seq", "id")[:MOST_EVIDENCE]
    ]


def previewed(reader: Principal, approval: Approval) -> JsonObject | None:
    """Return {result, error} of the tool's preview; None when it has none, there is nothing to decide, or no right to.

    Waits for the tool: the caller holds no transaction.
    """
    if approval.status != ApprovalStatus.PENDING or is_masked(reader, approval):
        return None
    ask: Any = async_to_sync(steering.preview)
    try:
        found: JsonObject | None = ask(runtime(), reader, approval.run_id, approval.tool_name, approval.arguments)
    except CallerError as error:
        return {"result": None, "error": error.detail}
    return found
