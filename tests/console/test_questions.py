"""A decider asks, the requester answers, nothing is decided by it: on the page, over the services, in the database."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import DatabaseError
from django.test import Client
from django.urls import reverse

from accounts.models import AuditRow
from accounts.tenancy import tenant_scope
from governance.models import Approval, ApprovalQuestion
from governance.services import questions
from tests.conftest import TenantWithUsers
from tests.console.conftest import Ask, SignIn, change_url, page, stored

HOSTILE = "why\u202e<b>?"


def put(client: Client, approval: Approval, text: str) -> Any:
    return client.post(reverse("admin:governance_approval_ask", args=[approval.id]), {"text": text})


def reply(client: Client, approval: Approval, text: str) -> Any:
    question = ApprovalQuestion.objects.using("system").filter(approval=approval).latest("asked_at")
    place = reverse("admin:governance_approval_answer", args=[approval.id, question.id])
    return client.post(place, {"text": text})


def actions(where: TenantWithUsers) -> list[str]:
    with tenant_scope(where.tenant.id):
        rows = AuditRow.objects.using("system").filter(tenant=where.tenant, action__startswith="approval.question")
        return list(rows.order_by("seq").values_list("action", flat=True))


def test_a_question_is_asked_and_answered_and_the_clock_goes_on(
    acme: TenantWithUsers, ask: Ask, signed_in: SignIn
) -> None:
    approval = ask(acme)
    approver, member = signed_in(acme.approver), signed_in(acme.member)
    assert put(approver, approval, f"Which invoice? {HOSTILE}").status_code == 302
    text = page(member.get(change_url(approval)))
    assert "Which invoice?" in text
    assert "\u202e" not in text
    assert 'data-testid="answer"' in text
    assert 'data-testid="question"' not in text
    assert reply(member, approval, "Number 4711").status_code == 302
    text = page(approver.get(change_url(approval)))
    assert "Number 4711" in text
    assert 'data-testid="answer"' not in text
    after = stored(approval)
    assert (after.status, after.expires_at) == ("pending", approval.expires_at)
    assert actions(acme) == ["approval.question_asked", "approval.question_answered"]
    with tenant_scope(acme.tenant.id):
        assert "4711" not in str(list(AuditRow.objects.using("system").values_list("detail", flat=True)))


def test_the_chat_reads_it_from_the_approval(acme: TenantWithUsers, ask: Ask, signed_in: SignIn) -> None:
    approval = ask(acme)
    put(signed_in(acme.approver), approval, "Which invoice?")
    from governance import selectors

    _, found = selectors.with_questions(acme.principal("member"), approval.id)
    assert [(one.text, one.answered_at) for one in found] == [("Which invoice?", None)]


@pytest.mark.parametrize("role", ["member", "auditor", "operator", "viewer"])
def test_only_deciders_ask(acme: TenantWithUsers, ask: Ask, signed_in: SignIn, role: str) -> None:
    approval, client = ask(acme), signed_in(acme.users[role])
    assert put(client, approval, "Why?").status_code in (403, 404)
    assert not ApprovalQuestion.objects.using("system").exists()


def test_only_the_requester_answers_and_once(
    acme: TenantWithUsers, globex: TenantWithUsers, ask: Ask, signed_in: SignIn
) -> None:
    approval = ask(acme)
    put(signed_in(acme.approver), approval, "Why?")
    for other, status in ((acme.admin, 403), (acme.approver, 403), (acme.viewer, 404), (globex.admin, 404)):
        assert reply(signed_in(other), approval, "Because").status_code == status
    member = signed_in(acme.member)
    assert reply(member, approval, "Because").status_code == 302
    assert reply(member, approval, "Because not").status_code == 409
    assert ApprovalQuestion.objects.using("system").get().answer == "Because"


def test_nothing_is_asked_of_oneself_or_about_what_is_decided(
    acme: TenantWithUsers, ask: Ask, signed_in: SignIn
) -> None:
    own, done = ask(acme), ask(acme, customer="C-2")
    Approval.objects.using("system").filter(id=own.id).update(requester=acme.approver)
    Approval.objects.using("system").filter(id=done.id).update(status="rejected")
    client = signed_in(acme.approver)
    assert put(client, own, "Why?").status_code == 403
    assert put(client, done, "Why?").status_code == 409
    assert 'data-testid="question"' not in page(client.get(change_url(own)))


def test_empty_long_and_too_many_questions_are_refused(acme: TenantWithUsers, ask: Ask, signed_in: SignIn) -> None:
    approval, client = ask(acme), signed_in(acme.approver)
    assert put(client, approval, "  ").status_code == 422
    assert put(client, approval, "x" * (questions.MAX_CHARACTERS + 1)).status_code == 422
    for number in range(questions.MOST_OPEN):
        assert put(client, approval, f"Question {number}").status_code == 302
    assert put(client, approval, "One more").status_code == 409
    assert client.get(reverse("admin:governance_approval_ask", args=[approval.id]))["Location"] == change_url(approval)


def test_the_database_itself_keeps_askers_and_answers_apart(acme: TenantWithUsers, ask: Ask, signed_in: SignIn) -> None:
    approval = ask(acme)
    put(signed_in(acme.approver), approval, "Why?")
    member, approver = acme.principal("member"), acme.principal("approver")
    forged = {"tenant_id": acme.tenant.id, "approval_id": approval.id, "text": "forged"}
    with pytest.raises(DatabaseError), tenant_scope(member.tenant_id, member.user_id):
        ApprovalQuestion.objects.create(**forged, asked_by_id=member.user_id)
    with pytest.raises(DatabaseError), tenant_scope(approver.tenant_id, approver.user_id):
        ApprovalQuestion.objects.create(**forged, asked_by_id=acme.admin.id)
    with tenant_scope(approver.tenant_id, approver.user_id):
        assert ApprovalQuestion.objects.update(answer="forged") == 0
