"""Who may vote on an approval, and her vote. What it decides is the caller's, who holds the approval's lock."""

from __future__ import annotations

from accounts.principals import Principal
from agentos.core.errors import CallerError, Conflict, PolicyDenied
from governance.models import Approval, Vote


def objection(principal: Principal, approval: Approval) -> CallerError | None:
    """Return what stands against her vote; nothing when she may. The caller has the tenant's scope."""
    if approval.requester_id == principal.user_id:
        return PolicyDenied("You asked for this yourself, so someone else has to decide.", code="own_request")
    if not is_asked(principal, approval):
        return PolicyDenied("This is for others to decide: " + who_is_asked(approval), code="not_asked")
    if approval.quorum == 1 and not approval.separate:
        return None  # nobody can have voted on what waits
    hers = Vote.objects.filter(approval__run_id=approval.run_id, voter_id=principal.user_id)
    if hers.filter(approval=approval).exists():
        return Conflict("You have voted on this: it waits for others.", code="voted_already")
    if approval.separate and hers.exclude(approval__step_path=approval.step_path).exists():
        return PolicyDenied(
            "You decided another call of this run, so someone else has to decide this one.", code="separate_duties"
        )
    return None


def is_asked(principal: Principal, approval: Approval) -> bool:
    """Tell whether she is one of those that the policy asks, or that it was escalated to."""
    if not principal.has("approvals:decide"):
        return False
    if approval.escalated_at is not None and principal.role == approval.escalation_role:
        return True
    is_named = approval.approvers is None or principal.user_id in approval.approvers
    return is_named and all(role == principal.role for role in approval.approver_roles)


def who_is_asked(approval: Approval) -> str:
    """Say in words who may decide."""
    asked = [f"who has the role {' and '.join(approval.approver_roles)}"] if approval.approver_roles else []
    if approval.approvers is not None:
        asked.append(f"one of {len(approval.approvers)} who are named")
    words = " and is ".join(asked) or "who may decide approvals"
    return f"{words}, or has the role {approval.escalation_role}." if approval.escalated_at else f"{words}."


def cast(principal: Principal, approval: Approval, *, approves: bool, reason: str) -> bool:
    """Store her vote; return whether it settles the approval. One rejection does. Caller holds the approval's lock."""
    vote = Vote.objects.create(
        tenant_id=approval.tenant_id,
        approval=approval,
        version=approval.version,
        args_hash=approval.args_hash,
        voter_id=principal.user_id,
        approves=approves,
        reason=reason,
    )
    said = {"voter": vote.voter_id, "email": principal.email, "approves": approves, "reason": reason}
    approval.__dict__.setdefault("said", []).append(said | {"at": vote.created_at})
    if not approves or approval.quorum == 1:
        return True
    return Vote.objects.filter(approval=approval, approves=True).count() >= approval.quorum
