"""How one approval stands for whoever has its page open: said by the page, and live by its socket, in the same words.

All of it is read with the reader's rights of now; nothing is decided by it. The service that decides checks it again.
"""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import sha256
from uuid import UUID

from django.urls import reverse

from accounts.principals import Principal
from accounts.privacy import access
from accounts.showing import spelled_out
from accounts.tenancy import tenant_scope
from agentos.core.clock import utc_now
from agentos.core.errors import Conflict
from agentos.core.types import JsonObject
from agents.services import switches
from governance import selectors
from governance.models import Approval, ApprovalStatus
from governance.services import voting


@dataclass(frozen=True, slots=True)
class Situation:
    """What there is to say about an approval. `obstacle` is why its reader may not decide it now; "" when she may."""

    approval: Approval
    obstacle: str
    news: tuple[str, ...]  # what has happened while it waits: a halt, votes, escalation, questions
    newer: Approval | None = None  # the version that was asked for instead

    @property
    def is_pending(self) -> bool:
        return bool(self.approval.status == ApprovalStatus.PENDING)

    @property
    def key(self) -> str:
        """Return what differs whenever there is something new to say; it tells nothing itself."""
        parts = (self.approval.status, self.obstacle, *self.news, str(self.newer and self.newer.id))
        return sha256("\0".join(parts).encode()).hexdigest()[:16]

    @property
    def says(self) -> str:
        """Say what has become of it, and by whom as far as the reader may see that."""
        if self.is_pending:
            return spelled_out(" ".join(self.news) or self.obstacle or "It waits for a decision.")
        row = self.approval
        who = f" by {row.decided_by}" if row.decided_by_id else ""
        anew = " It was asked for anew." if self.newer else ""
        reason = f" {row.reason}" if row.reason else ""
        return spelled_out(f"{row.get_status_display()}{who}.{reason}{anew}")


def situation(reader: Principal, approval: Approval) -> Situation:
    """Return how an approval, read as `selectors.visible` does, stands for its reader. Caller holds the scope."""
    versions = selectors.readable(reader).filter(run_id=approval.run_id, step_path=approval.step_path)
    newer = access.as_seen(reader, versions.filter(version__gt=approval.version).order_by("version")).last()
    halted = _halted(approval)
    news = ([halted] if halted else []) + _news(reader, approval)
    return Situation(approval, _obstacle(approval, reader) or halted, tuple(news), newer)


def live(reader: Principal, approval_id: UUID) -> JsonObject | None:
    """Return what an open page is told of its approval; None where the reader may not see it."""
    with tenant_scope(reader.tenant_id, reader.user_id):
        rows = access.as_seen(reader, selectors.visible(reader))
        approval = rows.filter(id=approval_id).first()
        if approval is None:
            return None
        found = situation(reader, approval)
        following = found.newer or selectors.following(reader, rows, approval)
        return {
            "id": str(approval.id),
            "key": found.key,
            "status": str(approval.status),
            "may_decide": not found.obstacle,
            "says": found.says,
            "next": _link(following) if following else None,
        }


def approving(approval: Approval) -> int:
    """Return how many people have approved: whose votes count now while it waits, whoever did once it is decided."""
    if approval.status == ApprovalStatus.PENDING:
        return voting.approving(approval)
    return sum(1 for vote in approval.__dict__.get("said", []) if vote["approves"])


def _obstacle(approval: Approval, principal: Principal) -> str:
    """Say why this principal may not decide; nothing when she may, but for a halt."""
    if approval.status != ApprovalStatus.PENDING:
        return f"This is {approval.get_status_display().lower()} already."
    if approval.expires_at <= utc_now():
        return "This has expired. Nobody can approve it any more."
    if approval.requester_id != principal.user_id and not selectors.may_decide(principal):
        return "Your role may read approvals, but not decide them."
    objection = voting.objection(principal, approval)
    return objection.detail if objection else ""


def _halted(approval: Approval) -> str:
    """Say what halts a call that waits; nothing when nothing does."""
    if approval.status != ApprovalStatus.PENDING:
        return ""
    try:
        switches.check_released(approval.run, approval.tool_name)
    except Conflict as halted:
        return halted.detail
    return ""


def _news(reader: Principal, approval: Approval) -> list[str]:
    news = []
    if approval.__dict__.get("said") and approval.quorum > 1:
        news.append(f"{approving(approval)} of {approval.quorum} people have approved.")
    if approval.escalated_at is not None:
        news.append(f"It was escalated: the role {approval.escalation_role} may decide as well.")
    asked = list(selectors.questions_of(reader, approval).values_list("answered_at", flat=True))
    waiting = asked.count(None)
    if waiting and approval.requester_id == reader.user_id:
        news.append("You are asked something: it waits for your answer.")
    elif asked:
        news.append(f"Questions to the requester: {len(asked)} asked, {len(asked) - waiting} answered.")
    return news


def _link(approval: Approval) -> JsonObject:
    link = reverse("admin:governance_approval_change", args=[approval.id])
    return {"link": link, "effect_text": spelled_out(approval.effect_text)}
