"""Decides approvals: by a person who may, or by the clock. The decision and the run's continuation commit together."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Final
from uuid import UUID

from django.db import DatabaseError, connection, transaction
from django.db.backends.utils import CursorWrapper
from django.db.models import DateTimeField, Func, QuerySet
from django.db.models.functions import Now

from accounts import audit
from accounts.models import User
from accounts.principals import Principal
from accounts.tenancy import tenant_scope
from accounts.trips import planned_once, together
from agentos.core.clock import rfc3339_ms
from agentos.core.errors import CallerError, Conflict, Invalid, NotFound
from agentos.core.types import JsonObject, clean_text
from agents.engine.outdated import change_since
from agents.engine.status import RunStatus
from agents.engine.steps import void_answer
from agents.models import Step
from agents.registry import registry
from agents.services import answers, idempotency, log, switches
from agents.services.crash import crash_at_commit
from agents.services.idempotency import Key
from agents.services.notifications import INBOX
from agents.services.ticks import due
from governance import gate, selectors
from governance.editing import Edit
from governance.guards import judging
from governance.models import Approval, ApprovalStatus
from governance.services import delegations, edits, held, voting
from governance.services.held import Held
from governance.services.voting import Ballot

logger = logging.getLogger(__name__)

MAX_REASON_CHARACTERS: Final = 2_000
TICK_ROWS: Final = 100
SYSTEM: Final = "system"
EXPIRED_NOTE: Final = "The approval expired before anyone decided."
MOOT_REASON: Final = "The call no longer waited for this approval."
ENDED_REASON: Final = "The run ended before anyone decided."
_FINAL_RUNS: Final = tuple(status.value for status in RunStatus if status.is_final)
# The clock is read now, after the wait for the lock.
SETTLE: Final = """
UPDATE governance_approval SET status = %s, reason = %s, decided_by_id = %s, decided_at = now()
WHERE tenant_id = %s AND id = %s AND status = 'pending' AND expires_at > clock_timestamp()
RETURNING decided_at
"""


def decide(
    *,
    principal: Principal,
    approval_id: UUID,
    approved: bool,
    reason: str = "",
    shown_hash: str = "",
    edit: Edit | None = None,
    key: Key | None = None,
) -> Approval:
    """Vote on one approval; the vote that settles it commits with the run's continuation. Audited.

    Locks the run, then the approval, its step and the tenant's audit head. `shown_hash` is the `args_hash` that the
    decider saw. An `edit` makes the next version, which is voted on instead, and waits for others when she may not vote
    on that. The result is as `selectors.get` returns it, and still waits when it takes more people. Raises: NotFound
    for what the decider may not read, PolicyDenied, Conflict with the standing decision, or when the tool has changed
    since: then the approval is void and committed so, and the run asks anew; Invalid.
    """
    delegations.check_person(principal)
    asking = held.Asking(principal, approval_id)
    with tenant_scope(principal.tenant_id, principal.user_id, along=asking.send), planned_once():
        _check_right(principal)
        if (found := asking.found()) is None:
            if selectors.readable(principal).filter(id=approval_id).exists():
                principal.require("approvals:decide")  # she reads it, and it was not lent to her
            raise NotFound("There is no such approval.")
        approval, step = found.approval, found.step
        change = _change_of_tool(approval, step) if approved else ""
        first = None if change else idempotency.take(key, principal=principal, run_id=approval.run_id)
        if first is None:
            ballot = _ballot(principal, approval)
            switches.refuse_halted(found.halts, approval.run, approval.tool_name)
            note = _cleaned_reason(reason)
            _check_call(approval, shown_hash)
            if change:
                _void(approval, step, change)
            elif edit is not None:
                _edit(principal, found, edit, note=note)
            else:
                with together():
                    vote = _vote(principal, approval, step, ballot, approved=approved, note=note)
                    _enter(vote.entry, vote, approval, found.head)
        # Before the commit: whatever is done here after it takes its time from the run that goes on.
        if edit is not None:
            approval = selectors.newest_version(principal, approval)
        elif first is None and approval.quorum == 1 and not change:  # no vote but this one, and it is known
            approval.__dict__["step_state"] = step.state
        else:
            approval = selectors.get(principal, approval_id)
        crash_at_commit("decide")
    if change:
        raise _is_void(change)
    return approval


@dataclass(frozen=True, slots=True)
class _Cast:
    """A vote, what is audited of it and, where it settles the approval, what tells whether it came in time."""

    entry: audit.Entry
    settled: CursorWrapper | None = None


def _vote(principal: Principal, approval: Approval, step: Step, ballot: Ballot, *, approved: bool, note: str) -> _Cast:
    """Cast her vote, and settle the approval if that decides it. Nothing is waited for: `_enter` is the end of it."""
    _check_reason(approval, note, approved=approved)
    if voting.cast(principal, approval, ballot, approves=approved, reason=note):
        status = ApprovalStatus.APPROVED if approved else ApprovalStatus.REJECTED
        settled = _settle(principal, approval, step, status, note)
        entry = _entry(approval, f"approval.{status.value}", principal.user_id, reason=note, ballot=ballot)
        return _Cast(entry, settled)
    if not _unexpired(approval.id).exists():
        raise _has_expired()
    log.notify(INBOX, str(approval.tenant_id))  # open pages count it
    return _Cast(_entry(approval, "approval.voted", principal.user_id, reason=note, ballot=ballot))


def _enter(entry: audit.Entry, vote: _Cast, approval: Approval, head: audit.LockedHead | None) -> None:
    """Audit a vote. Raises: Conflict when the approval that it settles has expired; then nothing of it is kept."""
    audit.append([entry], tenant_id=approval.tenant_id, locked=head)
    if vote.settled is not None:
        _check_settled(vote.settled, approval)


def _settle(principal: Principal, approval: Approval, step: Step, status: ApprovalStatus, note: str) -> CursorWrapper:
    settled = connection.cursor()
    settled.execute(SETTLE, [status.value, note, principal.user_id, approval.tenant_id, approval.id])
    approval.status, approval.reason = status, note
    approval.decided_by = User(id=principal.user_id, email=principal.email)
    answer: JsonObject = {
        "confirmed": status == ApprovalStatus.APPROVED,
        "note": note,
        "by": str(principal.user_id),
        "approval_id": str(approval.id),
    }
    if approval.proposed is not None:
        answer["edited_arguments"] = approval.arguments
    try:
        answers.settle(run=approval.run, step=step, answer=answer)
    except CallerError:
        _check_settled(settled, approval)  # that it has expired comes first
        raise
    return settled


def _check_settled(settled: CursorWrapper, approval: Approval) -> None:
    with settled:
        if (row := settled.fetchone()) is None:
            raise _has_expired()
    (approval.decided_at,) = row


def _edit(principal: Principal, found: Held, edit: Edit, *, note: str) -> None:
    """Ask about the edited call instead, and vote for it if she is one of those that it takes."""
    approval, step = found.approval, found.step
    principal.require("approvals:decide")  # who votes in somebody's place takes the call as it is
    if not _unexpired(approval.id).exists():
        raise _has_expired()
    made, changes = edits.replace(principal, approval, step, edit)
    if voting.objection(principal, made) is None:
        vote = _vote(principal, made, step, voting.ballot(principal, made), approved=True, note=note)
    else:
        vote = _Cast(_entry(made, "approval.edited", principal.user_id, reason=note))
    _enter(replace(vote.entry, detail=vote.entry.detail | changes), vote, made, found.head)


def _due() -> QuerySet[Approval]:
    return _machines().filter(status=ApprovalStatus.PENDING, expires_at__lte=Now())


def _waited_for_by_none() -> QuerySet[Approval]:
    return _machines().filter(status=ApprovalStatus.PENDING, run__status__in=_FINAL_RUNS)


@due(_due, _waited_for_by_none)
def expire_due() -> int:
    """Expire what is due by the database's clock and cancel what no run waits for; return how many.

    The supervisor's tick, the machine's own work, so in the system role: no user decides. Any process may run it at any
    time. Each row is a transaction of its own, rows that somebody else holds are left to them.
    """
    return _each(_due(), _expire) + _each(_waited_for_by_none(), _cancel)


def _each(rows: QuerySet[Approval], settle: Callable[[UUID], bool]) -> int:
    count = 0
    for approval_id in list(rows.order_by("expires_at").values_list("id", flat=True)[:TICK_ROWS]):
        try:
            with transaction.atomic(using=SYSTEM):
                count += settle(approval_id)
                crash_at_commit("expire", using=SYSTEM)
        except (CallerError, DatabaseError) as error:
            logger.warning("approval %s could not be settled (%s)", approval_id, type(error).__name__)
    return count


def _change_of_tool(approval: Approval, step: Step) -> str:
    """Say what a deploy has changed of the tool since it was asked for; nothing when nothing has, or it is decided."""
    if approval.status != ApprovalStatus.PENDING:
        return ""
    try:
        tool = registry.get(approval.run.component_kind, approval.run.component_id).tool(approval.tool_name)
    except NotFound:
        tool = None
    return change_since(step.request, tool)


def _void(approval: Approval, step: Step, change: str) -> None:
    """Take back what was asked for; whoever works on the run judges the call anew. Caller holds all locks."""
    if not _unexpired(approval.id).exists():
        raise _has_expired()
    answers.settle(run=approval.run, step=step, answer=void_answer(change))
    _close(approval, ApprovalStatus.VOID, change)


def _expire(approval_id: UUID) -> bool:
    rows = _machines().filter(id=approval_id, status=ApprovalStatus.PENDING, expires_at__lte=Now())
    approval = _locked(rows, skip_locked=True)
    if approval is None:
        return False
    answer = {"confirmed": False, "note": EXPIRED_NOTE, "by": "", "approval_id": str(approval.id)}
    step = answers.step_of(approval.run, approval.step_path)
    try:
        with transaction.atomic(using=SYSTEM):
            answers.settle(run=approval.run, step=step, answer=answer)
    except Conflict:
        _close(approval, ApprovalStatus.VOID, MOOT_REASON)
    else:
        _close(approval, ApprovalStatus.EXPIRED, EXPIRED_NOTE)
    return True


def _cancel(approval_id: UUID) -> bool:
    rows = _machines().filter(id=approval_id, status=ApprovalStatus.PENDING, run__status__in=_FINAL_RUNS)
    approval = _locked(rows, skip_locked=True)
    if approval is None:
        return False
    _close(approval, ApprovalStatus.CANCELLED, ENDED_REASON)
    return True


def _close(approval: Approval, status: ApprovalStatus, reason: str) -> None:
    """End an approval without a decider, on the connection that it was read from. Caller holds its lock."""
    rows = Approval.objects.using(approval._state.db)
    rows.filter(id=approval.id).update(status=status, reason=reason, decided_at=Now())
    entry = _entry(approval, f"approval.{status.value}", None, reason=reason)
    audit.append([entry], tenant_id=approval.tenant_id, using=approval._state.db or "default")


def _machines() -> QuerySet[Approval]:
    """Return all tenants' approvals, for the machine's own work."""
    return Approval.objects.using(SYSTEM)


def _locked(rows: QuerySet[Approval], *, skip_locked: bool = False) -> Approval | None:
    """Lock an approval after its run, as the journal does: rows are locked in the order in which they are named."""
    found = rows.select_related("run__session", "requester")
    return found.select_for_update(no_key=True, skip_locked=skip_locked, of=("run", "self")).first()


def _unexpired(approval_id: UUID) -> QuerySet[Approval]:
    """Return the row while it may still be decided; the clock is read now, after the wait for the lock."""
    return Approval.objects.filter(
        id=approval_id,
        status=ApprovalStatus.PENDING,
        expires_at__gt=Func(function="clock_timestamp", output_field=DateTimeField()),
    )


def _check_right(principal: Principal) -> None:
    """Let who may decide, and who may do so in somebody's place. Caller holds the scope. Raises: PolicyDenied."""
    if not selectors.may_decide(principal):
        principal.require("approvals:decide")


def _ballot(principal: Principal, approval: Approval) -> Ballot:
    """Return by whose right she votes. Raises: PolicyDenied by who she is, Conflict when it is decided."""
    if approval.status == ApprovalStatus.PENDING or approval.requester_id == principal.user_id:
        return voting.ballot(principal, approval)
    if approval.status == ApprovalStatus.VOID:
        raise _is_void(approval.reason)
    who = str(approval.decided_by) if approval.decided_by else "the system"
    when = f" at {rfc3339_ms(approval.decided_at)}" if approval.decided_at else ""
    raise Conflict(f"This is {approval.status} already, by {who}{when}.", code="approval_decided")


def _is_void(reason: str) -> Conflict:
    return Conflict(f"This is void: {reason} If the call still stands, it is asked for anew.", code="approval_void")


def _has_expired() -> Conflict:
    return Conflict("This approval has expired: nobody can decide it any more.", code="approval_expired")


def _check_call(approval: Approval, shown_hash: str) -> None:
    if gate.hash_of_row(approval) != approval.args_hash:
        raise Conflict("The call is not the one that was asked for: it can't be decided.", code="call_changed")
    if shown_hash and shown_hash != approval.args_hash:
        raise Conflict("The call has changed since it was shown to you: read it again.", code="call_changed")


def _check_reason(approval: Approval, reason: str, *, approved: bool) -> None:
    """Raises: Invalid where a reason is missing: to reject takes one always, to approve where the policy says so."""
    if not reason and not approved:
        raise Invalid("Say why you reject it: the requester and the agent are told.", code="reason_missing")
    if not reason and approval.reasoned:
        raise Invalid("Say why you approve it: the policy wants a reason.", code="reason_missing")


def _cleaned_reason(reason: str) -> str:
    """Return the reason as the requester and the model are told it. Raises: Invalid when it is too long."""
    text = clean_text(reason).strip()
    if len(text) > MAX_REASON_CHARACTERS:
        raise Invalid(f"The reason is longer than {MAX_REASON_CHARACTERS} characters.", code="reason_too_long")
    return judging.without_private(text)


def _entry(
    approval: Approval, action: str, actor_id: UUID | None, *, reason: str, ballot: Ballot = voting.OWN
) -> audit.Entry:
    """Return what became of an approval; a person's reason is sealed, it may speak of the requester too."""
    detail: JsonObject = {
        "tool": approval.tool_name,
        "args_hash": approval.args_hash,
        "run": str(approval.run_id),
    }
    if ballot.delegation is not None:
        detail |= {"in_place_of": str(ballot.delegation.giver_id), "delegation": str(ballot.delegation.id)}
    if actor_id is None:
        return audit.Entry(action, "approval", str(approval.id), {**detail, "reason": reason})
    personal, subjects = {"reason": reason}, (actor_id, approval.requester_id)
    return audit.Entry(action, "approval", str(approval.id), detail, actor_id, personal, subjects)
