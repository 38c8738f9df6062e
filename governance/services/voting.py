"""Who may vote on an approval, and her vote. What it decides is the caller's, who holds the approval's lock."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from uuid import UUID

from django.db import connection

from accounts import principals
from accounts.principals import Principal
from agentos.core.errors import CallerError, Conflict, PolicyDenied
from agents.services import authority
from agents.services.sql import insert_into, row_of
from governance import selectors
from governance.models import Approval, Delegation, Vote
from governance.services import delegations


@dataclass(frozen=True, slots=True)
class Ballot:
    """By whose right a person votes: her own, or the one that a delegation lends her."""

    delegation: Delegation | None = None


OWN = Ballot()


def objection(principal: Principal, approval: Approval) -> CallerError | None:
    """Return what stands against her vote; nothing when she may. The caller has the tenant's scope."""
    try:
        ballot(principal, approval)
    except CallerError as error:
        return error
    return None


def ballot(principal: Principal, approval: Approval) -> Ballot:
    """Return by whose right she may vote. The caller has the tenant's scope. Raises: PolicyDenied, Conflict."""
    if approval.requester_id == principal.user_id:
        raise PolicyDenied("You asked for this yourself, so someone else has to decide.", code="own_request")
    if has_key_of(principal, approval):
        detail = "It was asked for by a service key that was shown to you, so someone else has to decide."
        raise PolicyDenied(detail, code="own_request")
    found = OWN if is_asked(principal, approval) else _lent(principal, approval)
    if not principal.has(selectors.SENSITIVE):  # by whosever right: a delegation lends no reading
        raise PolicyDenied("What it would do is masked for you, and nobody decides what she can't read.", code="masked")
    if found is OWN and approval.quorum == 1 and not approval.separate:
        return found  # nobody can have voted on what waits
    whose = [principal.user_id] if found.delegation is None else [principal.user_id, found.delegation.giver_id]
    _check_new(approval, whose)
    return found


def has_key_of(principal: Principal, approval: Approval) -> bool:
    """Tell whether she was shown a key of the service account that asks: what it asks for, she could have asked for."""
    return bool(principal.keys) and authority.account_of(approval.run.spec) in principal.keys


def is_asked(principal: Principal, approval: Approval) -> bool:
    """Tell whether she is one of those that the policy asks, or that it was escalated to."""
    if not principal.has("approvals:decide"):
        return False
    if approval.escalated_at is not None and principal.role == approval.escalation_role:
        return True
    return is_one_of(principal, approval.approver_roles, approval.approvers)


def is_one_of(principal: Principal, roles: Iterable[str], people: Iterable[UUID] | None) -> bool:
    """Tell whether she has each of the roles and is one of the people, where any are named."""
    return (people is None or principal.user_id in people) and all(role == principal.role for role in roles)


def who_is_asked(approval: Approval) -> str:
    """Say in words who may decide."""
    asked = [f"who has the role {' and '.join(approval.approver_roles)}"] if approval.approver_roles else []
    if approval.approvers is not None:
        asked.append(f"one of {len(approval.approvers)} who are named")
    words = " and is ".join(asked) or "who may decide approvals"
    return f"{words}, or has the role {approval.escalation_role}." if approval.escalated_at else f"{words}."


def cast(principal: Principal, approval: Approval, ballot: Ballot, *, approves: bool, reason: str) -> bool:
    """Store her vote; return whether it settles the approval. One rejection does. Caller holds the approval's lock."""
    lent = ballot.delegation
    vote = Vote(
        tenant_id=approval.tenant_id,
        approval=approval,
        version=approval.version,
        args_hash=approval.args_hash,
        voter_id=principal.user_id,
        in_place_of_id=lent.giver_id if lent else None,
        delegation=lent,
        approves=approves,
        reason=reason,
    )
    with connection.cursor() as cursor:
        cursor.execute(insert_into(Vote), row_of(vote))
    said = {"voter": vote.voter_id, "email": principal.email, "approves": approves, "reason": reason}
    said |= {"in_place_of": vote.in_place_of_id, "at": vote.created_at}
    approval.__dict__.setdefault("said", []).append(said)
    if not approves or approval.quorum == 1:
        return True
    return approving(approval) >= approval.quorum


def approving(approval: Approval) -> int:
    """Return how many people have approved whose votes count now. The caller has the tenant's scope."""
    votes = Vote.objects.filter(approval=approval, approves=True)
    return sum(_still_counts(vote, approval) for vote in votes)


def _still_counts(vote: Vote, approval: Approval) -> bool:
    """Tell whether whoever has voted could do so now: she may have left since, or decide no more."""
    voter = principals.load(vote.voter_id, approval.tenant_id)
    giver = principals.load(vote.in_place_of_id, approval.tenant_id) if vote.in_place_of_id else voter
    return voter is not None and giver is not None and is_asked(giver, approval)


def _lent(principal: Principal, approval: Approval) -> Ballot:
    """Return the ballot of somebody who is asked and has delegated to her. Raises: PolicyDenied."""
    for lent in selectors.lent_to(principal).order_by("until"):
        if not delegations.covers(lent, approval.tool_name) or lent.giver_id == approval.requester_id:
            continue
        giver = principals.load(lent.giver_id, principal.tenant_id)
        if giver is not None and is_asked(giver, approval) and not has_key_of(giver, approval):
            return Ballot(lent)
    principal.require("approvals:decide")
    raise PolicyDenied(f"This is for others to decide: {who_is_asked(approval)}", code="not_asked")


def _check_new(approval: Approval, whose: list[UUID]) -> None:
    """One person is one vote, however it is cast. Raises: Conflict, PolicyDenied."""
    votes = Vote.objects.filter(approval__run_id=approval.run_id)
    cast = votes.filter(voter_id__in=whose) | votes.filter(in_place_of_id__in=whose)
    if cast.filter(approval=approval).exists():
        raise Conflict(
            "You have voted on this, or it was done in your place: it waits for others.", code="voted_already"
        )
    if approval.separate and cast.exclude(approval__step_path=approval.step_path).exists():
        raise PolicyDenied(
            "You decided another call of this run, so someone else has to decide this one.", code="separate_duties"
        )
