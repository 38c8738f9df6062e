"""A browser in which somebody has signed in, and what the pages show, put into the tables as the engine leaves it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from accounts.models import User
from agentos.core.clock import utc_now
from agentos.core.types import JsonObject
from agents.catalog.agents.approvals.tools import process_refund
from agents.models import Run, Session, Step
from governance import gate
from governance.models import Approval
from tests.conftest import TenantWithUsers

Ask = Callable[..., Approval]
SignIn = Callable[[User], Client]
INBOX = "/admin/governance/approval/"


def enter(client: Client, user: User) -> None:
    """Sign in as the backend does: with the user as the system role reads her."""
    client.force_login(User.objects.using("system").get(id=user.id))


def page(response: Any) -> str:
    return str(response.content.decode())


def change_url(approval: Approval) -> str:
    return reverse("admin:governance_approval_change", args=[approval.id])


def decide(client: Client, approval: Approval, decision: str, reason: str = "", **more: str) -> Any:
    url = reverse("admin:governance_approval_decide", args=[approval.id])
    form = {"decision": decision, "reason": reason, "shown_hash": approval.args_hash, **more}
    return client.post(url, form)


def stored(approval: Approval) -> Approval:
    return Approval.objects.using("system").get(id=approval.id)


def in_doubt(approval: Approval) -> Step:
    """Leave the call of an approval as a crash in the middle of it does."""
    step = Step.objects.using("system").get(run_id=approval.run_id, path="1.0")
    step.state, step.idempotency_key = "unknown", "k" * 64
    step.request["requirement"] = {"kind": "reconcile", "effect_text": approval.effect_text}
    step.save(using="system")
    Approval.objects.using("system").filter(id=approval.id).update(status="approved")
    return step


@pytest.fixture
def signed_in() -> Callable[[User], Client]:
    """Return a browser in which a user has signed in; it checks CSRF tokens only where a test asks it to."""

    def sign_in(user: User) -> Client:
        client = Client()
        enter(client, user)
        return client

    return sign_in


@pytest.fixture
def ask() -> Ask:
    """Put a paused run with a waiting refund into a tenant, as the engine leaves it."""

    def make(where: TenantWithUsers, *, customer: str = "C-1042", minutes_ago: int = 5, hours: int = 72) -> Approval:
        tenant, user, begun = where.tenant, where.member, utc_now() - timedelta(minutes=minutes_ago)
        arguments: JsonObject = {"customer_id": customer, "amount": "250.00", "reason": "billed twice"}
        says = f"Refund $250.00 to {customer}"
        common = {"tenant_id": tenant.id, "user_id": user.id}
        session = Session.objects.using("system").create(
            **common, session_id=str(begun), component_id="approvals", name="Refund"
        )
        run = Run(
            **common, session=session, component_kind="agent", component_id="approvals", spec_hash="0" * 64,
            model="strong", status="paused", input=f"Refund {customer}", created_at=begun, usage={"total_tokens": 7},
        )  # fmt: skip
        run.root_id = run.id
        run.save(using="system")
        spoken = {"text": "I ask for an approval.", "tool_calls": []}
        Step.objects.using("system").create(
            **common, run=run, path="1.model", seq=2, kind="model", name="strong", state="done",
            result=spoken, started_at=begun, ended_at=begun + timedelta(seconds=1), usage={"total_tokens": 7},
        )  # fmt: skip
        request = {
            "tool": "process_refund",
            "arguments": arguments,
            "schema_hash": process_refund.schema_hash,
            "requirement": {"kind": "approval", "effect_text": says},
        }
        Step.objects.using("system").create(
            **common, run=run, path="1.0", seq=3, kind="tool", name="process_refund", state="waiting",
            tool_call_id="call_1", request=request, started_at=begun + timedelta(seconds=1),
        )  # fmt: skip
        approval = Approval(
            tenant_id=tenant.id, run=run, step_path="1.0", tool_call_id="call_1", tool_name="process_refund",
            tool_version="1", component_id="approvals", arguments=arguments, effect_text=says, requester=user,
            expires_at=begun + timedelta(hours=hours), created_at=begun,
        )  # fmt: skip
        approval.args_hash = gate.hash_of_row(approval)
        approval.save(using="system")
        return approval

    return make
