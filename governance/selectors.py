"""What approvals there are for a principal to see, and what became of each."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Final
from uuid import UUID

from django.contrib.postgres.expressions import ArraySubquery
from django.db.models import Case, Exists, F, OuterRef, Q, QuerySet, Subquery, TextField, Value, When
from django.db.models.functions import Coalesce, JSONObject, Now

from accounts.asked import CountedOften
from accounts.people import FORMER
from accounts.principals import Principal
from accounts.privacy import access
from accounts.privacy.datamap import DataClass
from accounts.tenancy import tenant_scope
from accounts.trips import planned_once
from agentos.core.errors import Invalid, NotFound
from agentos.core.types import JsonObject
from agents.engine.status import StepState
from agents.models import Run, Step
from governance.models import Approval, ApprovalQuestion, ApprovalStatus, Delegation, Vote

NOT_STARTED, RUNNING, DONE, FAILED, UNKNOWN, REFUSED = (
    "not_started",
    "running",
    "done",
    "failed",
    "unknown",
    "refused",
)
MINE, OTHERS, DECIDED, ALL = "mine", "others", "decided", "all"  # the tabs of an inbox
SENSITIVE: Final = access.SCOPES[DataClass.SENSITIVE]  # without it a call's arguments are masked
MAX_PAGE_ROWS: Final = 100
LAST_PAGE: Final = 100_000
EXPIRING: Final = timedelta(hours=18)  # the last quarter of the 72 hours that an approval lives by default

_OUTCOMES: Final = {
    StepState.STARTED.value: RUNNING,
    StepState.DONE.value: DONE,
    StepState.FAILED.value: FAILED,
    StepState.REFUSED.value: REFUSED,
    StepState.UNKNOWN.value: UNKNOWN,
}


@dataclass(frozen=True, slots=True)
class Filters:
    """What an inbox is narrowed to; empty means all."""

    status: str = ""
    mine: bool = False
    agent: str = ""
    tool: str = ""
    run: UUID | None = None
    expiring: bool = False


@dataclass(frozen=True, slots=True)
class Page:
    """One page of approvals, each with `step_state` annotated; `page` counts from 1."""

    rows: list[Approval]
    page: int
    limit: int
    total_count: int


def outcome(approval: Approval) -> str:
    """Return not_started, running, done, failed, unknown or refused, from the step that the approval gates.

    What a step does later is nothing of an approval that is void.
    """
    if approval.status == ApprovalStatus.VOID:
        return NOT_STARTED
    return _OUTCOMES.get(_step_state(approval) or "", NOT_STARTED)


def inbox(principal: Principal, filters: Filters | None = None, *, page: int = 1, limit: int = 20) -> Page:
    """Return a page: what waits first, the oldest on top, then the decided, the newest on top."""
    limit = max(1, min(limit, MAX_PAGE_ROWS))
    page = min(max(1, page), LAST_PAGE)
    with tenant_scope(principal.tenant_id, principal.user_id), planned_once():
        rows = _narrowed(visible(principal), principal, filters or Filters())
        start = (page - 1) * limit
        ordered = rows.order_by(F("waiting_since").asc(nulls_last=True), "-created_at", "-id")
        found = list(access.as_seen(principal, ordered[start : start + limit]))
        return Page(found, page, limit, rows.count())


def get(principal: Principal, approval_id: UUID) -> Approval:
    """Return one approval with `step_state` and `said`, its votes. Raises: NotFound."""
    with tenant_scope(principal.tenant_id, principal.user_id):
        return _there(access.as_seen(principal, visible(principal).filter(id=approval_id)).first())


def state(principal: Principal, approval_id: UUID) -> Approval:
    """Return what `get` does, for its decision and outcome alone: no word of anybody. Raises: NotFound."""
    with tenant_scope(principal.tenant_id, principal.user_id):
        return _there(visible(principal).filter(id=approval_id).first())


def _there(approval: Approval | None) -> Approval:
    if approval is None:
        raise NotFound("There is no such approval.")
    return approval


def with_questions(principal: Principal, approval_id: UUID) -> tuple[Approval, list[ApprovalQuestion]]:
    """Return an approval and what its requester was asked about it, the oldest first. Raises: NotFound."""
    approval = get(principal, approval_id)
    with tenant_scope(principal.tenant_id, principal.user_id):
        return approval, list(questions_of(principal, approval))


def questions_of(principal: Principal, approval: Approval) -> QuerySet[ApprovalQuestion]:
    """Return what the requester was asked, the oldest first: to her as it was asked. Caller holds the scope."""
    asked = ApprovalQuestion.objects.filter(tenant_id=approval.tenant_id, approval_id=approval.id)
    asked = asked.select_related("asked_by").order_by("asked_at", "id")
    return asked if approval.requester_id == principal.user_id else access.as_seen(principal, asked)


def newest_version(principal: Principal, approval: Approval) -> Approval:
    """Return the newest version of an approval, as `get` does. Caller holds the scope. Raises: NotFound."""
    versions = visible(principal).filter(run_id=approval.run_id, step_path=approval.step_path)
    return _there(versions.order_by("-version").first())


def pending_count(principal: Principal) -> int:
    """Return how many approvals wait and have not expired."""
    with tenant_scope(principal.tenant_id, principal.user_id):
        return readable(principal).filter(status=ApprovalStatus.PENDING, expires_at__gt=Now()).count()


def readable(principal: Principal) -> QuerySet[Approval]:
    """Return the tenant's approvals for who may read them, otherwise the principal's own. Caller holds the scope."""
    rows = Approval.objects.filter(tenant_id=principal.tenant_id)
    return rows if principal.has("approvals:read") else rows.filter(requester_id=principal.user_id)


def visible(principal: Principal) -> QuerySet[Approval]:
    """Return what is readable with all that is shown of it. Caller holds the scope."""
    step = Step.objects.filter(tenant_id=OuterRef("tenant_id"), run_id=OuterRef("run_id"), path=OuterRef("step_path"))
    rows = readable(principal).annotate(
        step_state=Subquery(step.values("state")[:1]),
        step_tainted_by=Subquery(step.values("request__tainted_by")[:1]),
        step_arguments=Subquery(step.values("request__arguments")[:1]),
        waiting_since=Case(When(status=ApprovalStatus.PENDING, then=F("created_at"))),
        said=ArraySubquery(_votes(principal).filter(approval=OuterRef("pk"))),
    )
    return rows.select_related("run", "run__session", "requester", "decided_by")


def lent_to(principal: Principal) -> QuerySet[Delegation]:
    """Return the delegations that she may use now, by the database's clock. Caller holds the scope."""
    live = Delegation.objects.filter(tenant_id=principal.tenant_id, delegate_id=principal.user_id)
    return live.filter(revoked_at=None, until__gt=Now())


def may_decide(principal: Principal) -> bool:
    """Tell whether she decides what others ask for, by her own right or in somebody's place. Caller holds the scope."""
    return principal.has("approvals:decide") or lent_to(principal).exists()


def first_tab(principal: Principal) -> str:
    """Return the tab that an inbox opens with."""
    return MINE if may_decide(principal) else OTHERS


def of_tab(rows: QuerySet[Approval], principal: Principal, tab: str) -> QuerySet[Approval]:
    """Return the part of an inbox that a tab shows; a tab that there is not shows all. Caller holds the scope."""
    return _of_tab(rows, principal, tab, list(lent_to(principal)))


def _of_tab(rows: QuerySet[Approval], principal: Principal, tab: str, lent: Sequence[Delegation]) -> QuerySet[Approval]:
    waits = Q(status=ApprovalStatus.PENDING, expires_at__gt=Now())
    decides = principal.has(SENSITIVE) and (principal.has("approvals:decide") or lent)
    hers = _asks(principal, lent) if decides else Q(pk__in=[])
    shown = {MINE: waits & hers, OTHERS: waits & ~hers, DECIDED: ~waits}
    return rows.filter(shown[tab]) if tab in shown else rows


def count(principal: Principal, tab: str) -> int:
    """Return how much a tab of the inbox holds: every page of the console asks. Caller holds the scope."""
    if principal.keys or _lent_to_her.of(principal):
        with planned_once():
            return of_tab(readable(principal), principal, tab).count()
    return _of_her_own[tab].of(principal)


_lent_to_her = CountedOften(lent_to)
_of_her_own = {
    tab: CountedOften(lambda principal, tab=tab: _of_tab(readable(principal), principal, tab, ()))  # type: ignore[misc]
    for tab in (MINE, OTHERS)
}


def following(principal: Principal, rows: QuerySet[Approval], approval: Approval) -> Approval | None:
    """Return what waits for her after one approval, the oldest first and round again. Caller holds the scope."""
    waiting = of_tab(rows, principal, first_tab(principal)).exclude(id=approval.id)
    waiting = waiting.exclude(requester_id=principal.user_id).order_by("created_at", "id")
    later = Q(created_at__gt=approval.created_at) | Q(created_at=approval.created_at, id__gt=approval.id)
    return waiting.filter(later).first() or waiting.first()


def _asks(principal: Principal, lent: Iterable[Delegation]) -> Q:
    """Return which of the approvals that wait do so for her vote, as `services.voting` would take it."""
    named = Q(approvers=None) | Q(approvers__contains=[principal.user_id])
    asked = (named & Q(approver_roles__contained_by=[principal.role])) | Q(
        escalated_at__isnull=False, escalation_role=principal.role
    )
    votes = Vote.objects.filter(Q(voter_id=principal.user_id) | Q(in_place_of_id=principal.user_id))
    elsewhere = votes.filter(approval__run_id=OuterRef("run_id")).exclude(approval__step_path=OuterRef("step_path"))
    is_free = ~Exists(votes.filter(approval=OuterRef("pk"))) & (Q(separate=False) | ~Exists(elsewhere))
    hers = asked if principal.has("approvals:decide") else Q(pk__in=[])
    for one in lent:
        name = "tool_name__startswith" if one.tool.endswith("*") else "tool_name"
        hers |= Q(**{name: one.tool.removesuffix("*")}) & ~Q(requester_id=one.giver_id)
    if principal.keys:
        by_key = {"spec__authority__account__in": [str(key) for key in principal.keys]}
        hers &= ~Q(Exists(Run.objects.filter(tenant_id=OuterRef("tenant_id"), id=OuterRef("run_id"), **by_key)))
    return ~Q(requester_id=principal.user_id) & hers & is_free


def _votes(reader: Principal) -> QuerySet[Vote, JsonObject]:
    """Return votes as the reader may see them, the first on top, as {voter, email, in_place_of,
    approves, reason, at}."""
    seen = access.column(reader, Vote, "voter__email", subject="voter_id")
    email = Coalesce(seen, Value(FORMER), output_field=TextField())  # whoever has left or was erased since
    reason = access.column(reader, Vote, "reason", subject="voter_id")
    said = JSONObject(
        voter="voter_id",
        email=email,
        in_place_of="in_place_of_id",
        approves="approves",
        reason=reason,
        at="created_at",
    )
    return Vote.objects.order_by("created_at", "id").values_list(said, flat=True)


def _narrowed(rows: QuerySet[Approval], principal: Principal, filters: Filters) -> QuerySet[Approval]:
    if filters.status:
        if filters.status not in ApprovalStatus.values:
            raise Invalid(f"status must be one of {', '.join(ApprovalStatus.values)}.")
        rows = rows.filter(status=filters.status)
    if filters.mine:
        rows = rows.filter(requester_id=principal.user_id)
    if filters.agent:
        rows = rows.filter(component_id=filters.agent)
    if filters.tool:
        rows = rows.filter(tool_name=filters.tool)
    if filters.run:
        rows = rows.filter(run_id=filters.run)
    if filters.expiring:
        soon = Now() + EXPIRING
        rows = rows.filter(status=ApprovalStatus.PENDING, expires_at__gt=Now(), expires_at__lte=soon)
    return rows


def _step_state(approval: Approval) -> str | None:
    if hasattr(approval, "step_state"):
        return str(approval.step_state) if approval.step_state else None
    steps = Step.objects.filter(tenant_id=approval.tenant_id, run_id=approval.run_id, path=approval.step_path)
    return steps.values_list("state", flat=True).first()
