"""Approvals over HTTP: the inbox, one approval, its state, the decision, and what its requester is asked."""

from __future__ import annotations

import time
from functools import partial
from typing import Annotated
from uuid import UUID

from django.http import HttpRequest
from ninja import Query, Router, Schema, Status

from accounts.auth import principal_of, scope
from accounts.seam import in_thread
from agents.schemas import IdempotencyHeader
from agents.services.idempotency import key_of
from governance import editing, selectors
from governance.api import schemas
from governance.services import approvals, questions

router = Router(tags=["approvals"])


class ApprovalQuery(Schema):
    """Filters and page of the inbox; `user_id` of AgentOS clients counts as `mine` only for oneself."""

    status: str = ""
    mine: bool = False
    agent: str = ""
    agent_id: str = ""
    tool: str = ""
    run_id: UUID | None = None
    expiring: bool = False
    page: int = 1
    limit: int = 20

    def filters(self) -> selectors.Filters:
        return selectors.Filters(
            status=self.status,
            mine=self.mine,
            agent=self.agent or self.agent_id,
            tool=self.tool,
            run=self.run_id,
            expiring=self.expiring,
        )


@router.get("/approvals", response=schemas.ApprovalList, summary="List approvals")
@scope("runs:read")
async def list_approvals(request: HttpRequest, query: Annotated[ApprovalQuery, Query()]) -> schemas.ApprovalList:
    """List what waits first, then the decided; without `approvals:read` only what one asked for oneself."""
    began = time.perf_counter()
    page = await in_thread(selectors.inbox, principal_of(request), query.filters(), page=query.page, limit=query.limit)
    return schemas.ApprovalList.of(page, search_time_ms=round((time.perf_counter() - began) * 1000, 2))


@router.get("/approvals/count", response=schemas.ApprovalCount, summary="Count what waits")
@scope("runs:read")
async def count_approvals(request: HttpRequest) -> schemas.ApprovalCount:
    """Count the approvals that wait for a decision and have not expired."""
    return schemas.ApprovalCount(count=await in_thread(selectors.pending_count, principal_of(request)))


@router.get("/approvals/{approval_id}", response=schemas.ApprovalDetail, summary="Get an approval")
@scope("runs:read")
async def get_approval(request: HttpRequest, approval_id: UUID) -> schemas.ApprovalDetail:
    """Return one approval with what became of its call, and what its requester was asked."""
    return schemas.ApprovalDetail.asked(*await in_thread(selectors.with_questions, principal_of(request), approval_id))


@router.get("/approvals/{approval_id}/status", response=schemas.ApprovalState, summary="Poll an approval")
@scope("runs:read")
async def approval_status(request: HttpRequest, approval_id: UUID) -> schemas.ApprovalState:
    """Return the decision, if there is one, and the outcome."""
    return schemas.ApprovalState.of(await in_thread(selectors.state, principal_of(request), approval_id))


@router.post("/approvals/{approval_id}/resolve", response=schemas.ApprovalOut, summary="Decide an approval")
@scope("approvals:read")
async def resolve_approval(
    request: HttpRequest, approval_id: UUID, decision: schemas.ResolveIn, idempotency_key: IdempotencyHeader = ""
) -> schemas.ApprovalOut:
    """Approve or reject, as the signed-in user; the run goes on by itself. 409 names the standing decision."""
    principal = principal_of(request)
    edit = await editing.prepare(principal, approval_id, decision.edited)
    decided = await in_thread(
        approvals.decide,
        principal=principal,
        approval_id=approval_id,
        approved=decision.status == "approved",
        reason=decision.note,
        shown_hash=decision.shown_hash,
        edit=edit,
        key=key_of(idempotency_key, route=f"approval:{approval_id}:resolve", content=decision.dict()),
    )
    return schemas.ApprovalOut.of(decided)


@router.post("/approvals/{approval_id}/questions", response={201: schemas.QuestionOut}, summary="Ask about an approval")
@scope("approvals:decide")
async def ask_about_approval(
    request: HttpRequest, approval_id: UUID, said: schemas.WordsIn
) -> Status[schemas.QuestionOut]:
    """Ask its requester something, as somebody who decides. Nothing is decided by it, the clock goes on."""
    ask = partial(questions.ask, principal=principal_of(request), approval_id=approval_id, text=said.text)
    return Status(201, schemas.QuestionOut.of(await in_thread(ask)))


@router.post(
    "/approvals/{approval_id}/questions/{question_id}/answer",
    response=schemas.QuestionOut,
    summary="Answer a question about an approval",
)
@scope("runs:read")
async def answer_about_approval(
    request: HttpRequest, approval_id: UUID, question_id: UUID, said: schemas.WordsIn
) -> schemas.QuestionOut:
    """Answer, once, as the requester who is asked."""
    answer = partial(questions.answer, principal=principal_of(request), approval_id=approval_id, text=said.text)
    return schemas.QuestionOut.of(await in_thread(answer, question_id=question_id))
