"""Replaces an approval by its next version, with the arguments that an approver wants instead."""

from __future__ import annotations

from datetime import timedelta

from django.db.models.functions import Now

from accounts.principals import Principal
from agentos.core.clock import rfc3339_ms
from agentos.core.errors import Conflict
from agentos.core.ids import new_id
from agentos.core.types import JsonObject
from agents.engine.status import StepState
from agents.models import Step
from governance import gate
from governance.editing import Edit
from governance.models import Approval, ApprovalStatus
from governance.requirements import page_of

REPLACED = "Other arguments were proposed: its next version asks about those."


def replace(principal: Principal, approval: Approval, step: Step | None, edit: Edit) -> tuple[Approval, JsonObject]:
    """Void an approval and ask about the edited call instead, with the terms of that; return it, and what is audited.

    The clock goes on: it expires when the one before would have. Caller holds the locks of run, approval and step.
    Raises: Conflict.
    """
    if step is None or step.state != StepState.WAITING:
        raise Conflict("This tool call no longer waits.", code="not_waiting")
    Approval.objects.filter(id=approval.id).update(
        status=ApprovalStatus.VOID, reason=REPLACED, decided_by_id=principal.user_id, decided_at=Now()
    )
    made = _next(principal, approval, edit)
    made.save(force_insert=True)
    asked = {"approval_id": str(made.id), "approval_url": page_of(made.id), "effect_text": made.effect_text}
    step.request["requirement"] |= asked | {"expires_at": rfc3339_ms(made.expires_at)}
    step.save(update_fields=["request"])
    return made, {"edited_from": approval.args_hash, "replaces": str(approval.id)}


def _next(principal: Principal, before: Approval, edit: Edit) -> Approval:
    terms = edit.terms
    made = Approval(
        id=new_id(),
        tenant_id=before.tenant_id,
        run=before.run,
        step_path=before.step_path,
        tool_call_id=before.tool_call_id,
        tool_name=before.tool_name,
        tool_version=before.tool_version,
        component_id=before.component_id,
        arguments=edit.arguments,
        effect_text=edit.effect_text,
        proposed=before.arguments if before.proposed is None else before.proposed,
        edited_by_id=principal.user_id,
        version=before.version + 1,
        requester_id=before.requester_id,
        quorum=terms.quorum,
        approver_roles=list(terms.roles),
        approvers=None if terms.people is None else list(terms.people),
        separate=terms.separate,
        reasoned=terms.reasoned,
        escalation_role=terms.escalation_role,
        expires_at=min(before.expires_at, before.created_at + timedelta(hours=edit.hours)),
        warn_at=before.warn_at,
        is_demo=before.is_demo,
        created_at=before.created_at,
    )
    if terms.escalation_hours is not None:
        made.escalate_at = before.created_at + timedelta(hours=terms.escalation_hours)
    made.args_hash = gate.hash_of_row(made)
    return made
