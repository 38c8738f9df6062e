"""Approving several at once: the same tool, low risk, each shown first, each decided by itself."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any

import pytest
from django.test import Client

from agents.catalog.agents.approvals.tools import process_refund
from agents.models import Step
from agents.registry import registry
from governance.models import Approval
from tests.conftest import TenantWithUsers
from tests.console.conftest import INBOX, Ask, SignIn, page, stored

TOGETHER = f"{INBOX}together/"


@pytest.fixture
def harmless(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the refund be a tool that stays within the tenant and can be repeated."""
    tool = replace(process_refund, effect="tenant", repeat="idempotent")
    spec = replace(registry.get("agent", "approvals"), tools=(tool,))
    monkeypatch.setattr(type(registry), "get", lambda self, kind, id: spec)


def choose(client: Client, *chosen: Approval, query: str = "") -> Any:
    form = {"action": "approve_together", "_selected_action": [str(approval.id) for approval in chosen]}
    return client.post(f"{INBOX}{query}", form, follow=True)


def boxes(client: Client) -> list[str]:
    """Return the ids of what the inbox offers to choose."""
    return re.findall(r'<input[^>]*name="_selected_action"[^>]*value="([^"]+)"', page(client.get(INBOX)))


def approve(client: Client, *shown: tuple[Approval, str]) -> str:
    form = {"shown": [f"{approval.id}:{args_hash}" for approval, args_hash in shown], "reason": "all checked"}
    return page(client.post(TOGETHER, form, follow=True))


def test_calls_of_low_risk_are_shown_and_then_approved(
    acme: TenantWithUsers, ask: Ask, signed_in: SignIn, harmless: None
) -> None:
    first, second, third = (ask(acme, customer=f"C-{number}", minutes_ago=number) for number in (3, 2, 1))
    client = signed_in(acme.approver)
    assert boxes(client) == [str(approval.id) for approval in (first, second, third)]
    text = page(choose(client, first, second))
    assert 'data-testid="together-page"' in text
    assert "to C-3" in text
    assert "to C-1<" not in text
    assert stored(first).status == "pending"
    text = approve(client, (first, first.args_hash), (second, second.args_hash))
    assert "Approved: 2 requests." in text
    assert [stored(approval).status for approval in (first, second, third)] == ["approved", "approved", "pending"]
    assert stored(first).decided_by_id == acme.approver.id


def test_what_goes_out_or_can_happen_once_only_is_looked_at_one_by_one(
    acme: TenantWithUsers, ask: Ask, signed_in: SignIn
) -> None:
    first, second = ask(acme), ask(acme, customer="C-2")
    client = signed_in(acme.approver)
    assert boxes(client) == []
    assert "Only calls of low risk" in page(choose(client, first, second))
    assert "Only calls of low risk" in approve(client, (first, first.args_hash), (second, second.args_hash))
    assert stored(first).status == stored(second).status == "pending"


@pytest.mark.parametrize("how", ["tainted", "quorum", "reasoned", "other tool", "no step"])
def test_one_that_needs_a_look_of_its_own_holds_up_all(
    acme: TenantWithUsers, ask: Ask, signed_in: SignIn, harmless: None, how: str
) -> None:
    first, odd = ask(acme), ask(acme, customer="C-2")
    steps, approvals = Step.objects.using("system").filter(run=odd.run_id, path="1.0"), Approval.objects.using("system")
    if how == "tainted":
        step = steps.get()
        step.request["tainted_by"] = ["read_page"]
        step.save(using="system")
    elif how == "no step":
        approvals.filter(id=odd.id).update(step_path="9.9")
    else:
        changes = {
            "quorum": {"quorum": 2},
            "reasoned": {"reasoned": True},
            "other tool": {"tool_name": "delete_user_account"},
        }[how]
        approvals.filter(id=odd.id).update(**changes)
    client = signed_in(acme.approver)
    assert boxes(client) == [str(first.id)]
    text = approve(client, (first, first.args_hash), (odd, odd.args_hash))
    assert "Only " in text
    assert stored(first).status == "pending"


def test_what_has_changed_meanwhile_is_not_approved_and_the_others_are(
    acme: TenantWithUsers, ask: Ask, signed_in: SignIn, harmless: None
) -> None:
    first, changed, unread = ask(acme), ask(acme, customer="C-2"), ask(acme, customer="C-3")
    text = approve(signed_in(acme.approver), (first, first.args_hash), (changed, "f" * 64), (unread, ""))
    assert "Approved: 1 request." in text
    assert "Not approved: Refund $250.00 to C-2" in text
    assert (stored(changed).status, stored(unread).status) == ("pending", "pending")


def test_it_is_for_deciders_and_for_what_waits_for_them(
    acme: TenantWithUsers, globex: TenantWithUsers, ask: Ask, signed_in: SignIn, harmless: None
) -> None:
    approval = ask(acme)
    assert "approve_together" in page(signed_in(acme.approver).get(INBOX))
    assert "approve_together" not in page(signed_in(acme.approver).get(f"{INBOX}?tab=all"))
    for client in (signed_in(acme.auditor), signed_in(acme.member), signed_in(globex.approver)):
        assert "approve_together" not in page(client.get(f"{INBOX}?tab=others"))
        approve(client, (approval, approval.args_hash))
    assert signed_in(acme.approver).get(TOGETHER).status_code == 405
    assert stored(approval).status == "pending"


def test_nothing_and_nonsense_are_no_error(acme: TenantWithUsers, signed_in: SignIn, harmless: None) -> None:
    client = signed_in(acme.approver)
    assert "Choose what to approve." in page(client.post(TOGETHER, {"shown": ["x", "y:z", ":"]}, follow=True))
