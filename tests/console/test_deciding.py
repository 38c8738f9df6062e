"""The page of an approval through Django's test client: what it shows, what a decision does, what is refused."""

from __future__ import annotations

import re
from dataclasses import replace
from urllib.parse import urlencode

import pytest
from django.test import Client
from django.urls import reverse

from agents.catalog.agents.approvals.tools import process_refund
from agents.models import Run, Step
from agents.registry import registry
from governance.models import Approval
from tests.conftest import TenantWithUsers
from tests.console.conftest import Ask, SignIn, change_url, decide, enter, page, stored

COPIED = (
    "tenant_id", "run_id", "step_path", "tool_call_id", "tool_name", "tool_version", "component_id", "arguments",
    "args_hash", "effect_text", "requester_id", "expires_at", "created_at",
)  # fmt: skip


class TestDeciding:
    def test_the_page_shows_what_an_approver_needs(self, acme: TenantWithUsers, ask: Ask, signed_in: SignIn) -> None:
        approval = ask(acme, customer="C-1\u202e<b>")
        text = page(signed_in(acme.approver).get(change_url(approval)))
        for part in ("Refund $250.00 to C-1", "U+202E", "&lt;b&gt;", "billed twice", "member@acme.test", "expires in"):
            assert part in text
        assert "I ask for an approval." in text
        assert "\u202e" not in text
        assert 'data-testid="decide-form"' in text

    def test_approving_settles_it_and_shows_the_outcome(
        self, acme: TenantWithUsers, ask: Ask, signed_in: SignIn
    ) -> None:
        approval, client = ask(acme), signed_in(acme.approver)
        response = decide(client, approval, "approve")
        assert (response.status_code, response["Location"]) == (302, change_url(approval))
        assert stored(approval).status == "approved"
        assert stored(approval).decided_by_id == acme.approver.id
        assert "not started" in page(client.get(change_url(approval)))
        Step.objects.using("system").filter(run=approval.run_id, path="1.0").update(state="done", result="REF-1")
        text = page(client.get(change_url(approval)))
        assert "REF-1" in text
        assert "data-reload" not in text
        assert 'data-testid="decide-form"' not in text

    def test_whoever_was_signed_out_meanwhile_keeps_what_she_wrote_and_comes_back(
        self, acme: TenantWithUsers, ask: Ask
    ) -> None:
        approval, client = ask(acme), Client(enforce_csrf_checks=True)
        client.get("/admin/login/")
        url, stood_on = reverse("admin:governance_approval_decide", args=[approval.id]), change_url(approval)
        form = {"decision": "reject", "reason": "No receipt <b>", "shown_hash": approval.args_hash}
        headers = {"Referer": f"http://testserver{stood_on}"}
        stranger = client.post(url, form, headers=headers)
        assert "No receipt" not in page(stranger), "nobody elsewhere puts words on our page"
        form["csrfmiddlewaretoken"] = client.cookies["csrftoken"].value
        answer = client.post(url, form, headers=headers)
        assert answer.status_code == 403
        assert "No receipt &lt;b&gt;" in page(answer)
        assert f'href="/admin/login/?{urlencode({"next": stood_on})}"' in page(answer)
        elsewhere = client.post(url, form, headers={"Referer": "https://elsewhere.test/x"})
        assert "elsewhere" not in page(elsewhere)
        assert stored(approval).status == "pending"

    def test_the_address_of_a_form_is_a_page(self, acme: TenantWithUsers, ask: Ask, signed_in: SignIn) -> None:
        approval, client = ask(acme), signed_in(acme.approver)
        asks = client.get(reverse("admin:governance_approval_ask", args=[approval.id]))
        assert asks["Location"] == change_url(approval)
        other = client.get(reverse("admin:agents_run_cancel", args=[approval.run_id]))
        assert (other.status_code, other["Allow"]) == (405, "POST")
        assert "Nothing was done" in page(other)

    def test_approving_a_call_of_a_tool_that_has_changed_says_so_and_leads_to_the_fresh_request(
        self, acme: TenantWithUsers, ask: Ask, signed_in: SignIn, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        approval, client = ask(acme), signed_in(acme.approver)
        now = replace(registry.get("agent", "approvals"), tools=(replace(process_refund, version="2"),))
        monkeypatch.setattr(type(registry), "get", lambda self, kind, id: now)
        answer = decide(client, approval, "approve", "ok")
        assert answer.status_code == 409
        assert "The tool process_refund has changed" in page(answer)
        void = stored(approval)
        assert (void.status, void.decided_by_id) == ("void", None)
        assert Run.objects.using("system").get(id=approval.run_id).status == "pending"
        fresh = Approval(**{name: getattr(void, name) for name in COPIED}, version=2)
        fresh.save(using="system")
        Step.objects.using("system").filter(run=approval.run_id, path="1.0").update(state="done", result="REF-1")
        text = page(client.get(change_url(fresh)))
        assert "Asked again. The tool process_refund has changed" in text
        text = page(client.get(change_url(void)))
        assert change_url(fresh) in text
        assert "REF-1" not in text

    def test_rejecting_needs_a_reason(self, acme: TenantWithUsers, ask: Ask, signed_in: SignIn) -> None:
        approval, client = ask(acme), signed_in(acme.approver)
        refused = decide(client, approval, "reject")
        assert refused.status_code == 422
        assert 'data-testid="problem"' in page(refused)
        assert stored(approval).status == "pending"
        assert decide(client, approval, "reject", "No receipt").status_code == 302
        assert (stored(approval).status, stored(approval).reason) == ("rejected", "No receipt")

    def test_a_look_never_decides(self, acme: TenantWithUsers, ask: Ask, signed_in: SignIn) -> None:
        approval, client = ask(acme), signed_in(acme.approver)
        query = {"decision": "approve", "shown_hash": approval.args_hash}
        decide_url = reverse("admin:governance_approval_decide", args=[approval.id])
        assert client.get(decide_url, query)["Location"] == change_url(approval)
        assert client.post(change_url(approval), query).status_code == 405
        assert stored(approval).status == "pending"

    def test_the_requester_is_told_why_not(self, acme: TenantWithUsers, ask: Ask, signed_in: SignIn) -> None:
        approval = ask(acme)
        Approval.objects.using("system").filter(id=approval.id).update(requester=acme.approver)
        client = signed_in(acme.approver)
        text = page(client.get(change_url(approval)))
        assert "You asked for this yourself" in text
        assert 'data-testid="decide-form"' not in text
        assert decide(client, approval, "approve").status_code == 403
        assert stored(approval).status == "pending"

    @pytest.mark.parametrize("role", ["member", "auditor", "operator"])
    def test_other_roles_may_not_decide(self, acme: TenantWithUsers, ask: Ask, signed_in: SignIn, role: str) -> None:
        approval, client = ask(acme), signed_in(acme.users[role])
        assert 'data-testid="obstacle"' in page(client.get(change_url(approval)))
        assert decide(client, approval, "approve").status_code == 403
        assert stored(approval).status == "pending"

    def test_the_second_decision_sees_the_first(self, acme: TenantWithUsers, ask: Ask, signed_in: SignIn) -> None:
        approval = ask(acme)
        decide(signed_in(acme.approver), approval, "reject", "No receipt")
        late = decide(signed_in(acme.admin), approval, "approve")
        assert late.status_code == 409
        assert "before your decision came. Yours was not taken." in page(late)
        assert "No receipt" in page(late)

    def test_what_has_changed_since_it_was_shown_is_not_decided(
        self, acme: TenantWithUsers, ask: Ask, signed_in: SignIn
    ) -> None:
        approval, client = ask(acme), signed_in(acme.approver)
        assert decide(client, approval, "approve", shown_hash="f" * 64).status_code == 409
        assert decide(client, approval, "approve", shown_hash="").status_code == 422
        assert decide(client, approval, "perhaps").status_code == 422
        assert stored(approval).status == "pending"

    def test_what_has_expired_is_not_decided(self, acme: TenantWithUsers, ask: Ask, signed_in: SignIn) -> None:
        approval, client = ask(acme, minutes_ago=120, hours=1), signed_in(acme.approver)
        assert "expired" in page(client.get(change_url(approval)))
        assert decide(client, approval, "approve").status_code == 409
        assert stored(approval).status == "pending"

    def test_a_form_without_its_token_is_refused(self, acme: TenantWithUsers, ask: Ask) -> None:
        approval, client = ask(acme), Client(enforce_csrf_checks=True)
        enter(client, acme.approver)
        refused = decide(client, approval, "approve")
        assert refused.status_code == 403
        assert "This form is no longer good" in page(refused)
        assert stored(approval).status == "pending"

    def test_after_a_decision_one_goes_on_from_there_and_round_again(
        self, acme: TenantWithUsers, ask: Ask, signed_in: SignIn
    ) -> None:
        first, second, third = (ask(acme, customer=f"C-{n}", minutes_ago=9 - n) for n in range(3))
        client = signed_in(acme.approver)
        assert decide(client, second, "approve")["Location"] == change_url(third)  # the first was passed over
        assert decide(client, third, "approve")["Location"] == change_url(first)
        assert decide(client, first, "approve")["Location"] == change_url(first)

    def test_what_is_wrong_is_marked_where_it_is(self, acme: TenantWithUsers, ask: Ask, signed_in: SignIn) -> None:
        approval, client = ask(acme), signed_in(acme.approver)
        no_reason = page(decide(client, approval, "reject"))
        assert re.search(r'<textarea id="reason"[^>]*aria-invalid="true" autofocus', no_reason)
        one = approval.arguments | {"amount": 250}
        Approval.objects.using("system").filter(id=approval.id).update(arguments=one)
        wrong = page(decide(client, approval, "edit", **{"arg.amount": "much"}))
        assert "amount: “much” is no number." in wrong
        assert "aria-invalid" not in wrong
        assert re.search(r'<textarea id="arg-[^>]*aria-describedby="edit-hint problem" autofocus', wrong)

    def test_a_reason_to_approve_is_asked_for_where_the_policy_wants_it(
        self, acme: TenantWithUsers, ask: Ask, signed_in: SignIn
    ) -> None:
        approval, client = ask(acme), signed_in(acme.approver)
        free = '<button class="ao-button ao-primary" name="decision" value="approve" formnovalidate'
        assert free in page(client.get(change_url(approval)))
        Approval.objects.using("system").filter(id=approval.id).update(reasoned=True)
        shown = page(client.get(change_url(approval)))
        assert free not in shown
        assert "Needed: the policy wants a reason to approve, too." in shown
        refused = decide(client, approval, "approve")
        assert refused.status_code == 422
        assert "the policy wants a reason" in page(refused)
        assert decide(client, approval, "approve", "Seen the invoice").status_code == 302
        assert stored(approval).status == "approved"

    def test_the_next_request_is_one_click_away(self, acme: TenantWithUsers, ask: Ask, signed_in: SignIn) -> None:
        first, second = ask(acme, minutes_ago=9), ask(acme, customer="C-2", minutes_ago=5)
        client = signed_in(acme.approver)
        decide(client, first, "approve")
        text = page(client.get(change_url(first)))
        assert 'data-testid="next"' in text
        assert change_url(second) in text
