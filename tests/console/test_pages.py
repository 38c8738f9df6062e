"""The pages through Django's test client: who sees what, what a decision does, what an error shows."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any
from uuid import UUID

import pytest
from django.test import Client
from django.urls import reverse

from accounts.models import AuditRow, User
from accounts.tenancy import tenant_scope
from agents.catalog.agents.approvals.tools import process_refund
from agents.models import Run, SessionSummary, Step
from agents.registry import registry
from governance.models import Approval
from tests.conftest import TenantWithUsers
from tests.console.conftest import Ask, enter, page

INBOX = "/admin/governance/approval/"
COPIED = (
    "tenant_id", "run_id", "step_path", "tool_call_id", "tool_name", "tool_version", "component_id", "arguments",
    "args_hash", "effect_text", "requester_id", "expires_at", "created_at",
)  # fmt: skip


def change_url(approval: Approval) -> str:
    return reverse("admin:governance_approval_change", args=[approval.id])


def decide(client: Client, approval: Approval, decision: str, reason: str = "", **more: str) -> Any:
    url = reverse("admin:governance_approval_decide", args=[approval.id])
    form = {"decision": decision, "reason": reason, "shown_hash": approval.args_hash, **more}
    return client.post(url, form)


def stored(approval: Approval) -> Approval:
    return Approval.objects.using("system").get(id=approval.id)


def summed_up(run: Run) -> Run:
    """Leave the job that summed up a run's session, and the summary, as the engine does."""
    job = Run(
        tenant_id=run.tenant_id, user_id=run.user_id, session_id=run.session_id, component_kind="job",
        component_id="session-summary", model="fast", status="completed", input="Said since: ...",
        created_at=run.created_at, ended_at=run.created_at,
    )  # fmt: skip
    job.root_id = job.id
    job.save(using="system")
    SessionSummary.objects.using("system").create(
        tenant_id=run.tenant_id, user_id=run.user_id, session_id=run.session_id, made_by=job, until_id=run.id,
        until_at=run.created_at, runs=5, text="The user <b>wants</b> a refund.", created_at=run.created_at,
    )  # fmt: skip
    return job


class TestHome:
    def test_a_visitor_sees_what_runs_here(self, acme: TenantWithUsers) -> None:
        text = page(Client().get("/"))
        assert "Helpdesk" in text
        assert 'id="chat"' not in text
        assert "<script>" not in text

    def test_a_member_gets_the_chat(self, acme: TenantWithUsers, signed_in: Callable[[User], Client]) -> None:
        text = page(signed_in(acme.member).get("/"))
        assert 'id="chat"' in text
        assert "member at acme" in text
        assert "csrftoken" in signed_in(acme.member).get("/").cookies

    def test_only_the_sandbox_is_labelled(self, acme: TenantWithUsers, settings: Any) -> None:
        assert 'data-testid="sandbox"' not in page(Client().get("/"))
        settings.USES_SANDBOX = True
        assert 'data-testid="sandbox"' in page(Client().get("/"))

    def test_production_offers_no_one_click_sign_in(self, acme: TenantWithUsers, settings: Any) -> None:
        User.objects.using("system").update(is_demo=True)
        type(acme.tenant).objects.using("system").update(is_demo=True)
        assert "sign-in-acme-approver" in page(Client().get("/"))
        assert "sign-in-acme-approver" in page(Client().get("/admin/login/"))
        assert "sign-in-acme-approver" not in page(Client(REMOTE_ADDR="192.0.2.1").get("/"))
        settings.PRODUCTION = True
        assert "sign-in-acme-approver" not in page(Client().get("/"))
        assert "sign-in-acme-approver" not in page(Client().get("/admin/login/"))


class TestSigningIn:
    @pytest.mark.parametrize("role", ["viewer", "member", "approver", "auditor", "admin"])
    def test_every_role_enters_by_password_and_it_is_on_record(self, acme: TenantWithUsers, role: str) -> None:
        client = Client()
        form = {"username": f"{role}@acme.test", "password": "demo"}
        assert client.post("/admin/login/?next=/admin/", form).status_code == 302
        assert client.get("/admin/", follow=True).status_code == 200
        with tenant_scope(acme.tenant.id):
            assert AuditRow.objects.using("system").filter(action="auth.signed_in", actor=acme.users[role]).count() == 1

    def test_a_wrong_password_stays_out(self, acme: TenantWithUsers) -> None:
        client = Client()
        response = client.post("/admin/login/", {"username": "member@acme.test", "password": "no"})
        assert response.status_code == 200
        assert client.get(INBOX).status_code == 302


class TestInbox:
    def test_what_waits_longest_is_on_top_and_what_is_decided_below(
        self, acme: TenantWithUsers, ask: Ask, signed_in: Callable[[User], Client]
    ) -> None:
        decided = ask(acme, customer="C-OLD", minutes_ago=90)
        Approval.objects.using("system").filter(id=decided.id).update(status="rejected")
        ask(acme, customer="C-NEW", minutes_ago=1)
        ask(acme, customer="C-MID", minutes_ago=30)
        text = page(signed_in(acme.approver).get(f"{INBOX}?tab=all"))
        assert text.index("C-MID") < text.index("C-NEW") < text.index("C-OLD")
        assert "never ran" in text

    def test_the_menu_counts_what_waits(
        self, acme: TenantWithUsers, ask: Ask, signed_in: Callable[[User], Client]
    ) -> None:
        client = signed_in(acme.approver)
        assert client.get(INBOX).context["sidebar_navigation"][0]["items"][0].get("badge") is None
        ask(acme)
        assert client.get(INBOX).context["sidebar_navigation"][0]["items"][0]["badge"] == "1"

    def test_an_empty_inbox_says_so(self, acme: TenantWithUsers, signed_in: Callable[[User], Client]) -> None:
        assert "Nothing waits for you" in page(signed_in(acme.approver).get(INBOX))

    def test_members_see_their_own_requests_only(
        self, acme: TenantWithUsers, ask: Ask, signed_in: Callable[[User], Client]
    ) -> None:
        ask(acme)
        assert "C-1042" in page(signed_in(acme.member).get(INBOX))
        assert "C-1042" not in page(signed_in(acme.viewer).get(INBOX))

    def test_another_tenant_sees_nothing(
        self, acme: TenantWithUsers, globex: TenantWithUsers, ask: Ask, signed_in: Callable[[User], Client]
    ) -> None:
        approval = ask(acme)
        client = signed_in(globex.admin)
        assert "C-1042" not in page(client.get(INBOX))
        assert client.get(change_url(approval)).status_code == 404
        assert decide(client, approval, "approve").status_code == 404
        assert client.get(reverse("admin:agents_run_change", args=[approval.run_id])).status_code == 404

    @pytest.mark.parametrize("query", ["status__exact=pending", "tool_name=process_refund", "component_id=approvals"])
    def test_filters(self, acme: TenantWithUsers, ask: Ask, signed_in: Callable[[User], Client], query: str) -> None:
        ask(acme)
        assert "C-1042" in page(signed_in(acme.approver).get(f"{INBOX}?{query}"))

    def test_the_approvals_of_one_run(
        self, acme: TenantWithUsers, ask: Ask, signed_in: Callable[[User], Client]
    ) -> None:
        approval, _ = ask(acme, customer="C-1"), ask(acme, customer="C-2", minutes_ago=6)
        text = page(signed_in(acme.approver).get(f"{INBOX}?run__id__exact={approval.run_id}"))
        assert "to C-1<" in text
        assert "to C-2<" not in text


class TestDeciding:
    def test_the_page_shows_what_an_approver_needs(
        self, acme: TenantWithUsers, ask: Ask, signed_in: Callable[[User], Client]
    ) -> None:
        approval = ask(acme, customer="C-1\u202e<b>")
        text = page(signed_in(acme.approver).get(change_url(approval)))
        for part in ("Refund $250.00 to C-1", "U+202E", "&lt;b&gt;", "billed twice", "member@acme.test", "expires in"):
            assert part in text
        assert "I ask for an approval." in text
        assert "\u202e" not in text
        assert 'data-testid="decide-form"' in text

    def test_approving_settles_it_and_shows_the_outcome(
        self, acme: TenantWithUsers, ask: Ask, signed_in: Callable[[User], Client]
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

    def test_approving_a_call_of_a_tool_that_has_changed_says_so_and_leads_to_the_fresh_request(
        self, acme: TenantWithUsers, ask: Ask, signed_in: Callable[[User], Client], monkeypatch: pytest.MonkeyPatch
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

    def test_rejecting_needs_a_reason(
        self, acme: TenantWithUsers, ask: Ask, signed_in: Callable[[User], Client]
    ) -> None:
        approval, client = ask(acme), signed_in(acme.approver)
        refused = decide(client, approval, "reject")
        assert refused.status_code == 422
        assert 'data-testid="problem"' in page(refused)
        assert stored(approval).status == "pending"
        assert decide(client, approval, "reject", "No receipt").status_code == 302
        assert (stored(approval).status, stored(approval).reason) == ("rejected", "No receipt")

    def test_a_look_never_decides(self, acme: TenantWithUsers, ask: Ask, signed_in: Callable[[User], Client]) -> None:
        approval, client = ask(acme), signed_in(acme.approver)
        query = {"decision": "approve", "shown_hash": approval.args_hash}
        assert client.get(reverse("admin:governance_approval_decide", args=[approval.id]), query).status_code == 405
        assert client.post(change_url(approval), query).status_code == 405
        assert stored(approval).status == "pending"

    def test_the_requester_is_told_why_not(
        self, acme: TenantWithUsers, ask: Ask, signed_in: Callable[[User], Client]
    ) -> None:
        approval = ask(acme)
        Approval.objects.using("system").filter(id=approval.id).update(requester=acme.approver)
        client = signed_in(acme.approver)
        text = page(client.get(change_url(approval)))
        assert "You asked for this yourself" in text
        assert 'data-testid="decide-form"' not in text
        assert decide(client, approval, "approve").status_code == 403
        assert stored(approval).status == "pending"

    @pytest.mark.parametrize("role", ["member", "auditor", "operator"])
    def test_other_roles_may_not_decide(
        self, acme: TenantWithUsers, ask: Ask, signed_in: Callable[[User], Client], role: str
    ) -> None:
        approval, client = ask(acme), signed_in(acme.users[role])
        assert 'data-testid="obstacle"' in page(client.get(change_url(approval)))
        assert decide(client, approval, "approve").status_code == 403
        assert stored(approval).status == "pending"

    def test_the_second_decision_sees_the_first(
        self, acme: TenantWithUsers, ask: Ask, signed_in: Callable[[User], Client]
    ) -> None:
        approval = ask(acme)
        decide(signed_in(acme.approver), approval, "reject", "No receipt")
        late = decide(signed_in(acme.admin), approval, "approve")
        assert late.status_code == 409
        assert "rejected already" in page(late)
        assert "No receipt" in page(late)

    def test_what_has_changed_since_it_was_shown_is_not_decided(
        self, acme: TenantWithUsers, ask: Ask, signed_in: Callable[[User], Client]
    ) -> None:
        approval, client = ask(acme), signed_in(acme.approver)
        assert decide(client, approval, "approve", shown_hash="f" * 64).status_code == 409
        assert decide(client, approval, "approve", shown_hash="").status_code == 422
        assert decide(client, approval, "perhaps").status_code == 422
        assert stored(approval).status == "pending"

    def test_what_has_expired_is_not_decided(
        self, acme: TenantWithUsers, ask: Ask, signed_in: Callable[[User], Client]
    ) -> None:
        approval, client = ask(acme, minutes_ago=120, hours=1), signed_in(acme.approver)
        assert "expired" in page(client.get(change_url(approval)))
        assert decide(client, approval, "approve").status_code == 409
        assert stored(approval).status == "pending"

    def test_a_form_without_its_token_is_refused(self, acme: TenantWithUsers, ask: Ask) -> None:
        approval, client = ask(acme), Client(enforce_csrf_checks=True)
        enter(client, acme.approver)
        assert decide(client, approval, "approve").status_code == 403
        assert stored(approval).status == "pending"

    def test_the_next_request_is_one_click_away(
        self, acme: TenantWithUsers, ask: Ask, signed_in: Callable[[User], Client]
    ) -> None:
        first, second = ask(acme, minutes_ago=9), ask(acme, customer="C-2", minutes_ago=5)
        client = signed_in(acme.approver)
        decide(client, first, "approve")
        text = page(client.get(change_url(first)))
        assert 'data-testid="next"' in text
        assert change_url(second) in text


class TestRuns:
    def test_the_run_shows_its_steps_and_what_it_waits_for(
        self, acme: TenantWithUsers, ask: Ask, signed_in: Callable[[User], Client]
    ) -> None:
        approval = ask(acme)
        text = page(signed_in(acme.approver).get(reverse("admin:agents_run_change", args=[approval.run_id])))
        for part in ("process_refund", "someone else has to approve it", "I ask for an approval.", "7 tokens"):
            assert part in text
        assert f"run__id__exact={approval.run_id}" in text

    def test_the_run_says_why_it_asks_again(
        self, acme: TenantWithUsers, ask: Ask, signed_in: Callable[[User], Client]
    ) -> None:
        step = Step.objects.using("system").get(run=ask(acme).run_id, path="1.0")
        step.request["requirement"]["asked_again"] = "The tool process_refund has changed: `currency` came."
        step.save(using="system")
        text = page(signed_in(acme.approver).get(reverse("admin:agents_run_change", args=[step.run_id])))
        assert "asked again: The tool process_refund has changed: `currency` came." in text

    def test_the_run_shows_what_it_cost_and_says_when_nobody_pays(
        self, acme: TenantWithUsers, ask: Ask, signed_in: Callable[[User], Client]
    ) -> None:
        run = ask(acme).run
        url, runs = reverse("admin:agents_run_change", args=[run.id]), Run.objects.using("system").filter(id=run.id)
        client = signed_in(acme.member)
        assert "a model without a known price" in page(client.get(url))
        runs.update(cost_usd="0.00012500")
        shown = page(client.get(url))
        assert "$0.000125" in shown
        assert "play money" not in shown
        runs.update(model="sandbox-strong")
        assert "play money" in page(client.get(url))

    def test_members_see_their_own_runs_only(
        self, acme: TenantWithUsers, ask: Ask, signed_in: Callable[[User], Client]
    ) -> None:
        url = reverse("admin:agents_run_change", args=[ask(acme).run_id])
        assert signed_in(acme.member).get(url).status_code == 200
        assert signed_in(acme.viewer).get(url).status_code == 404

    def test_the_session_shows_the_conversation(
        self, acme: TenantWithUsers, ask: Ask, signed_in: Callable[[User], Client]
    ) -> None:
        session_id: UUID = ask(acme).run.session_id
        text = page(signed_in(acme.member).get(reverse("admin:agents_session_change", args=[session_id])))
        assert "Refund C-1042" in text
        assert "Steps of this run" in text

    def test_background_work_is_shown_apart_and_to_those_who_see_all_runs(
        self, acme: TenantWithUsers, ask: Ask, signed_in: Callable[[User], Client]
    ) -> None:
        job = summed_up(ask(acme).run)
        runs, mine = "/admin/agents/run/", f"/admin/agents/run/{job.id}/change/"
        operator, member = signed_in(acme.operator), signed_in(acme.member)
        assert "Said since" not in page(operator.get(runs))
        assert "Said since" in page(operator.get(f"{runs}?tab=background"))
        assert "Background work <b>session-summary</b>" in page(operator.get(mine))
        assert 'data-testid="tab-background"' not in page(member.get(runs))
        assert "Said since" not in page(member.get(f"{runs}?tab=background"))
        assert member.get(mine).status_code == 404

    def test_the_session_shows_its_newest_summary(
        self, acme: TenantWithUsers, ask: Ask, signed_in: Callable[[User], Client]
    ) -> None:
        run = ask(acme).run
        session = f"/admin/agents/session/{run.session_id}/change/"
        assert "session-summary" not in page(signed_in(acme.member).get(session))
        summed_up(run)
        text = page(signed_in(acme.member).get(session))
        assert "Summary of the first 5 runs" in text
        assert "The user &lt;b&gt;wants&lt;/b&gt; a refund." in text
        assert "Said since" not in text
        assert ", 1 run, begun" in text

    @pytest.mark.parametrize("model", ["agents/run", "agents/session", "governance/approval"])
    def test_nobody_adds_changes_or_deletes_what_the_machine_owns(
        self, acme: TenantWithUsers, ask: Ask, signed_in: Callable[[User], Client], model: str
    ) -> None:
        approval, client = ask(acme), signed_in(acme.admin)
        ids = {"agents/run": approval.run_id, "agents/session": approval.run.session_id}
        row = ids.get(model, approval.id)
        assert client.get(f"/admin/{model}/add/").status_code == 403
        assert client.get(f"/admin/{model}/{row}/delete/").status_code == 403
        assert client.post(f"/admin/{model}/{row}/change/", {}).status_code == 405
        assert client.get(f"/admin/{model}/").status_code == 200
        assert client.get(f"/admin/{model}/not-an-id/change/").status_code == 404


class TestMenuAndErrors:
    def test_members_see_no_oversight_and_nobody_the_tables_of_packages(
        self, acme: TenantWithUsers, signed_in: Callable[[User], Client]
    ) -> None:
        titles = {
            role: {
                item["title"]
                for group in signed_in(acme.users[role]).get(INBOX).context["sidebar_navigation"]
                for item in group["items"]
            }
            for role in ("member", "auditor", "admin")
        }
        assert titles["member"] == {"Inbox", "Runs", "Sessions", "Connections"}
        oversight = {"Audit", "Budgets", "People", "Roles", "Grants", "Service accounts", "Backups", "Who may do what"}
        oversight |= {"Allowed models", "Invitations"}
        assert titles["auditor"] == titles["admin"] == titles["member"] | oversight

    def test_the_admin_begins_with_the_inbox(self, acme: TenantWithUsers, signed_in: Callable[[User], Client]) -> None:
        assert signed_in(acme.approver).get("/admin/")["Location"] == INBOX

    def test_a_page_that_is_not_there(self, acme: TenantWithUsers, signed_in: Callable[[User], Client]) -> None:
        response = signed_in(acme.member).get("/nowhere/")
        assert response.status_code == 404
        assert "There is no such page" in page(response)
