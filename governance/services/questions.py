"""Asks the requester of an approval something, and takes her answer. Nothing is decided by it, the clock goes on."""

from __future__ import annotations

from typing import Final
from uuid import UUID

from django.db.models.functions import Now

from accounts import audit
from accounts.principals import PROGRAMS, Principal
from accounts.tenancy import tenant_scope
from agentos.core.clock import utc_now
from agentos.core.errors import Conflict, Invalid, NotFound, PolicyDenied
from agentos.core.types import clean_text
from agents.services import log
from agents.services.notifications import INBOX
from governance import selectors
from governance.guards import judging
from governance.models import Approval, ApprovalQuestion, ApprovalStatus

MAX_CHARACTERS: Final = 2_000
MOST_OPEN: Final = 5  # questions to one requester that she has not answered


def ask(*, principal: Principal, approval_id: UUID, text: str) -> ApprovalQuestion:
    """Store a question of somebody who decides. Commits; audited.

    Raises: NotFound, PolicyDenied (no decider, her own request), Conflict (decided already, too many open), Invalid.
    """
    _check_person(principal)
    principal.require("approvals:decide")
    with tenant_scope(principal.tenant_id, principal.user_id):
        approval = _waiting(principal, approval_id)
        if approval.requester_id == principal.user_id:
            raise PolicyDenied("You asked for this yourself.", code="own_request")
        if approval.questions.filter(answered_at=None).count() >= MOST_OPEN:
            raise Conflict("Wait for the answers to what was asked already.", code="questions_open")
        words = _cleaned(text)
        made = ApprovalQuestion.objects.create(
            tenant_id=principal.tenant_id, approval=approval, asked_by_id=principal.user_id, text=words
        )
        _tell(principal, approval, "approval.question_asked", words)
    return made


def answer(*, principal: Principal, approval_id: UUID, question_id: UUID, text: str) -> ApprovalQuestion:
    """Store the requester's answer, once, and return the question with it. Commits; audited.

    Raises: NotFound, PolicyDenied for anybody else, Conflict (decided or answered already), Invalid.
    """
    _check_person(principal)
    with tenant_scope(principal.tenant_id, principal.user_id):
        question = ApprovalQuestion.objects.filter(
            tenant_id=principal.tenant_id, approval_id=approval_id, id=question_id
        ).first()
        if question is None:
            raise NotFound("There is no such question.")
        approval = _waiting(principal, approval_id)
        if approval.requester_id != principal.user_id:
            raise PolicyDenied("Only the requester answers this.", code="not_requester")
        words = _cleaned(text)
        open_ones = ApprovalQuestion.objects.filter(id=question_id, answered_at=None)
        if not open_ones.update(answer=words, answered_at=utc_now()):
            raise Conflict("This was answered already.", code="question_answered")
        _tell(principal, approval, "approval.question_answered", words)
        question.refresh_from_db(fields=["answer", "answered_at"])
    return question


def _check_person(principal: Principal) -> None:
    if principal.via in PROGRAMS:
        raise PolicyDenied("This takes a person: sign in.", code="person_required")


def _waiting(principal: Principal, approval_id: UUID) -> Approval:
    """Return an approval that still waits. Raises: NotFound, Conflict."""
    rows = selectors.readable(principal).filter(id=approval_id)
    approval = rows.first()
    if approval is None:
        raise NotFound("There is no such approval.")
    if not rows.filter(status=ApprovalStatus.PENDING, expires_at__gt=Now()).exists():
        raise Conflict("This no longer waits for a decision.", code="approval_decided")
    return approval


def _cleaned(text: str) -> str:
    words = clean_text(text).strip()
    if not words:
        raise Invalid("Write something.", code="text_missing")
    if len(words) > MAX_CHARACTERS:
        raise Invalid(f"Write at most {MAX_CHARACTERS} characters.", code="text_too_long")
    return judging.without_private(words)


def _tell(principal: Principal, approval: Approval, action: str, words: str) -> None:
    """Put it on the trail, sealed, and let open pages look again."""
    log.notify(INBOX, str(approval.tenant_id), using="default")
    personal, subjects = {"text": words}, (principal.user_id, approval.requester_id)
    detail = {"run": str(approval.run_id)}
    entry = audit.Entry(action, "approval", str(approval.id), detail, principal.user_id, personal, subjects)
    audit.append([entry], tenant_id=principal.tenant_id)
