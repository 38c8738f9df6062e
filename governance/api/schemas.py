"""Approvals on the wire: the row of AgentOS, with what we add to it."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from ninja import Schema
from pydantic import Field

from accounts.api.schemas import PageMeta
from agentos.core.clock import epoch_seconds
from agentos.core.errors import Invalid
from agentos.core.types import JsonObject
from governance.models import Approval, ApprovalQuestion
from governance.selectors import Page, outcome


class VoteOut(Schema):
    """What one person said."""

    voter: UUID
    email: str = Field(examples=["approver@acme.test"])
    in_place_of: UUID | None = Field(None, description="Who has delegated this to her")
    approves: bool
    reason: str
    at: datetime


class ApprovalOut(Schema):
    """One approval. Times are epoch seconds; `args_hash` goes back as `shown_hash` with a decision."""

    id: UUID
    run_id: UUID
    session_id: str
    status: str = Field(examples=["pending"])
    source_type: str = Field(examples=["agent"])
    approval_type: str = "required"
    pause_type: str = "confirmation"
    tool_name: str = Field(examples=["process_refund"])
    tool_args: JsonObject = Field(examples=[{"customer_id": "C-1042", "amount": "250", "reason": "billed twice"}])
    proposed_args: JsonObject | None = Field(description="What the model asked for, where a person has edited it")
    executed_args: JsonObject | None = Field(description="What it was called with, once it was")
    edited_by: UUID | None
    expires_at: int
    agent_id: str | None
    team_id: str | None
    workflow_id: str | None
    user_id: UUID
    schedule_id: UUID | None = None
    schedule_run_id: UUID | None = None
    source_name: str
    requirements: list[JsonObject]
    context: JsonObject
    resolution_data: JsonObject | None
    resolved_by: UUID | None
    resolved_at: int | None
    created_at: int
    updated_at: int
    run_status: str = Field(examples=["paused"])
    effect_text: str = Field(examples=["Refund $250.00 to C-1042"])
    args_hash: str
    version: int = Field(examples=[1], description="Which time this call is asked about; the versions before are void")
    outcome: Literal["not_started", "running", "done", "failed", "unknown", "refused"]
    reason: str
    requester: str = Field(examples=["member@acme.test"])
    decided_by: str | None
    approval_url: str
    quorum: int = Field(examples=[1], description="How many different people have to approve; one rejection ends it")
    reasoned: bool = Field(description="To approve takes a reason, too")
    votes: list[VoteOut]
    approver_roles: list[str] = Field(description="Who decides has each of these roles")
    approvers: list[UUID] | None = Field(description="Who decides is one of these, if any are named")
    escalates_at: int | None
    escalated_at: int | None
    escalation_role: str
    standing_rule: UUID | None = Field(description="The standing rule that approved it in advance")
    is_demo: bool

    @classmethod
    def of(cls, approval: Approval) -> ApprovalOut:
        """Return the row; `approval` comes from `selectors`, its run and people loaded."""
        return cls(**_core(approval), **_source(approval), **_terms(approval), **_decision(approval))


class QuestionOut(Schema):
    """What a decider asked the requester; `answered_at` is null until she answers, in the chat or on its page."""

    id: UUID
    text: str
    asked_at: int
    answer: str
    answered_at: int | None

    @classmethod
    def of(cls, question: ApprovalQuestion) -> QuestionOut:
        return cls(
            id=question.id,
            text=question.text,
            asked_at=epoch_seconds(question.asked_at),
            answer=question.answer,
            answered_at=epoch_seconds(question.answered_at) if question.answered_at else None,
        )


class WordsIn(Schema):
    text: str = Field(examples=["Which invoice is this about?"], description="Plain text, at most 2,000 characters")


class ApprovalDetail(ApprovalOut):
    questions: list[QuestionOut]

    @classmethod
    def asked(cls, approval: Approval, questions: Iterable[ApprovalQuestion]) -> ApprovalDetail:
        """Return the approval with its questions, in the order in which they were asked."""
        return cls(**ApprovalOut.of(approval).dict(), questions=[QuestionOut.of(one) for one in questions])


class ApprovalList(Schema):
    data: list[ApprovalOut]
    meta: PageMeta

    @classmethod
    def of(cls, page: Page, *, search_time_ms: float) -> ApprovalList:
        meta = PageMeta.of(page.page, page.limit, page.total_count, search_time_ms=search_time_ms)
        return cls(data=[ApprovalOut.of(row) for row in page.rows], meta=meta)


class ApprovalCount(Schema):
    count: int = Field(examples=[3])


class ApprovalState(Schema):
    """What a client polls while it waits for a decision."""

    approval_id: UUID
    run_id: UUID
    status: str = Field(examples=["approved"])
    outcome: str = Field(examples=["done"])
    resolved_at: int | None
    resolved_by: UUID | None

    @classmethod
    def of(cls, approval: Approval) -> ApprovalState:
        return cls(
            approval_id=approval.id,
            run_id=approval.run_id,
            status=approval.status,
            outcome=outcome(approval),
            resolved_at=_epoch(approval.decided_at),
            resolved_by=approval.decided_by_id,
        )


class ResolveIn(Schema):
    """A decision. Who decides is known from the token; `resolved_by` of AgentOS clients is ignored."""

    status: Literal["approved", "rejected"] = Field(examples=["approved"])
    reason: str = Field("", examples=["Checked with billing"])
    shown_hash: str = Field("", description="The `args_hash` that the decider saw")
    edited_args: JsonObject | None = Field(None, description="What to do instead, complete; only with `approved`")
    resolution_data: JsonObject | None = None

    @property
    def edited(self) -> JsonObject | None:
        """Return the arguments to use instead. Raises: Invalid beside a rejection."""
        if self.edited_args is not None and self.status != "approved":
            raise Invalid("Only who approves edits the arguments.", code="edited_args_rejected")
        return self.edited_args

    @property
    def note(self) -> str:
        """Return the reason, or the note that AgentOS clients put into `resolution_data`."""
        said: Any = (self.resolution_data or {}).get("reason") or (self.resolution_data or {}).get("note")
        return self.reason or (said if isinstance(said, str) else "")


def _core(approval: Approval) -> JsonObject:
    return {
        "id": approval.id,
        "run_id": approval.run_id,
        "session_id": approval.run.session.session_id,
        "status": approval.status,
        "tool_name": approval.tool_name,
        "tool_args": approval.arguments,
        "proposed_args": approval.proposed,
        "executed_args": getattr(approval, "step_arguments", None) if approval.consumed_at else None,
        "edited_by": approval.edited_by_id,
        "expires_at": epoch_seconds(approval.expires_at),
        "user_id": approval.requester_id,
        "requester": approval.requester.email,
        "created_at": epoch_seconds(approval.created_at),
        "updated_at": epoch_seconds(approval.consumed_at or approval.decided_at or approval.created_at),
        "run_status": approval.run.status,
        "effect_text": approval.effect_text,
        "args_hash": approval.args_hash,
        "version": approval.version,
        "outcome": outcome(approval),
        "approval_url": f"/admin/governance/approval/{approval.id}/change/",
        "is_demo": approval.is_demo,
    }


def _source(approval: Approval) -> JsonObject:
    kind, component = approval.run.component_kind, approval.component_id
    tool = {
        "tool_call_id": approval.tool_call_id,
        "tool_name": approval.tool_name,
        "tool_args": approval.arguments,
        "requires_confirmation": True,
        "approval_id": str(approval.id),
    }
    return {
        "source_type": kind,
        "agent_id": component if kind == "agent" else None,
        "team_id": component if kind == "team" else None,
        "workflow_id": component if kind == "workflow" else None,
        "source_name": component,
        "requirements": [{"id": str(approval.id), "tool_execution": tool}],
        "context": {"tool_names": [approval.tool_name], "source_name": component},
    }


def _terms(approval: Approval) -> JsonObject:
    return {
        "quorum": approval.quorum,
        "reasoned": approval.reasoned,
        "approver_roles": approval.approver_roles,
        "approvers": approval.approvers,
        "escalates_at": _epoch(approval.escalate_at),
        "escalated_at": _epoch(approval.escalated_at),
        "escalation_role": approval.escalation_role,
        "standing_rule": approval.standing_rule_id,
    }


def _decision(approval: Approval) -> JsonObject:
    return {
        "votes": getattr(approval, "said", []),
        "reason": approval.reason,
        "resolution_data": {"reason": approval.reason} if approval.reason else None,
        "resolved_by": approval.decided_by_id,
        "resolved_at": _epoch(approval.decided_at),
        "decided_by": approval.decided_by.email if approval.decided_by else None,
    }


def _epoch(moment: datetime | None) -> int | None:
    return epoch_seconds(moment) if moment else None
