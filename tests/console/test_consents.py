"""The approval page with votes and edits, and the page of delegations and standing rules."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from html import unescape
from types import SimpleNamespace
from typing import Any

import pytest
from django.urls import reverse

from accounts.models import Membership
from governance import editing
from governance.hooks import Governance
from governance.models import Approval, Delegation, StandingRule
from governance.services import delegations
from tests.conftest import TenantWithUsers
from tests.console.conftest import Ask, SignIn, change_url, decide, page, stored
from tests.database import idle_in_transaction

CONSENTS = "/admin/consents/"
LEND = {"do": "give", "to": "operator@acme.test", "tool": "process_*", "until": "2026-12-31T12:00", "reason": "Away"}
RULE = {
    "do": "make",
    "call": "approvals/process_refund",
    "conditions": 'amount <= 50\ncustomer_id == "C-1042"',
    "most": "3",
    "until": "2026-12-31T12:00",
    "reason": "Small",
}


@pytest.fixture(autouse=True)
def _today(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the dates of the forms lie ahead, whenever these tests run."""
    monkeypatch.setattr(delegations, "utc_now", lambda: datetime(2026, 12, 1, tzinfo=UTC))


def test_the_page_counts_votes_and_says_who_is_asked(acme: TenantWithUsers, signed_in: SignIn, ask: Ask) -> None:
    approval = ask(acme)
    Approval.objects.using("system").update(quorum=2)
    client = signed_in(acme.approver)
    assert "0 of 2 people have approved" in page(client.get(change_url(approval)))
    told = client.post(
        reverse("admin:governance_approval_decide", args=[approval.id]),
        {"decision": "approve", "reason": "Fine", "shown_hash": approval.args_hash},
        follow=True,
    )
    shown = page(told)
    assert "Your vote counts, and it waits for others" in shown
    assert "1 of 2 people have approved" in shown
    assert "<b>approver@acme.test</b>" in shown
    assert 'data-testid="decide-form"' not in shown
    assert "You have voted on this" in shown
    decide(signed_in(acme.admin), approval, "approve")
    assert stored(approval).status == "approved"
    assert page(client.get(change_url(approval))).count('data-testid="vote"') == 2


def test_the_page_counts_no_vote_of_who_may_decide_no_more_until_it_is_decided(
    acme: TenantWithUsers, signed_in: SignIn, ask: Ask
) -> None:
    approval = ask(acme)
    Approval.objects.using("system").update(quorum=2)
    decide(signed_in(acme.approver), approval, "approve")
    client = signed_in(acme.admin)
    assert "1 of 2 people have approved" in page(client.get(change_url(approval)))
    hers = Membership.objects.using("system").filter(tenant=acme.tenant, user_id=acme.approver.id)
    hers.update(role="viewer")
    shown = page(client.get(change_url(approval)))
    assert "0 of 2 people have approved" in shown
    assert "<b>approver@acme.test</b>" in shown
    hers.update(role="approver")
    decide(client, approval, "approve")
    assert stored(approval).status == "approved"
    hers.update(role="viewer")
    assert "2 of 2 people have approved" in page(client.get(change_url(approval)))


def test_an_approver_edits_in_the_form(acme: TenantWithUsers, signed_in: SignIn, ask: Ask) -> None:
    approval, client = ask(acme), signed_in(acme.approver)
    shown = page(client.get(change_url(approval)))
    assert 'name="arg.amount"' in shown
    done = decide(client, approval, "edit", **{"arg.amount": "40"})
    made = Approval.objects.using("system").get(version=2)
    assert done.url == change_url(made)
    assert (made.status, made.arguments["amount"], stored(approval).status) == ("approved", 40, "void")
    shown = page(client.get(done.url))
    assert "What the agent had asked for" in shown
    assert "Refund $40.00 to C-1042" in shown


def test_a_text_that_begins_with_a_line_is_sent_as_it_is_shown(
    acme: TenantWithUsers, signed_in: SignIn, ask: Ask, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(editing, "runtime", lambda: SimpleNamespace(hooks=Governance()))
    approval, client = ask(acme, customer="\nC-1042"), signed_in(acme.approver)
    shown = page(client.get(change_url(approval)))
    kept_by_a_browser = re.findall(r'<textarea[^>]* name="(arg\.\w+)"[^>]*>\n?(.*?)</textarea>', shown, re.DOTALL)
    sent = {name: unescape(text) for name, text in kept_by_a_browser} | {"arg.amount": "40"}
    assert decide(client, approval, "edit", **sent).status_code == 302
    assert Approval.objects.using("system").get(version=2).arguments["customer_id"] == "\nC-1042"


def test_no_transaction_is_open_while_guards_read_what_an_approver_wrote(
    acme: TenantWithUsers, signed_in: SignIn, ask: Ask, monkeypatch: pytest.MonkeyPatch
) -> None:
    approval, found = ask(acme), []

    class Watched(Governance):
        async def check_answer(self, *args: Any, **more: Any) -> str:
            found.append(idle_in_transaction())
            return await super().check_answer(*args, **more)

    monkeypatch.setattr(editing, "runtime", lambda: SimpleNamespace(hooks=Watched()))
    decide(signed_in(acme.approver), approval, "edit", **{"arg.reason": "Billed thrice"})
    assert found == [[]]
    assert stored(approval).status == "void"


@pytest.mark.parametrize(("value", "says"), [("lots", "amount"), ("-5", "amount")])
def test_what_does_not_fit_is_said_and_what_was_typed_stays(
    acme: TenantWithUsers, signed_in: SignIn, ask: Ask, value: str, says: str
) -> None:
    approval, client = ask(acme), signed_in(acme.approver)
    refused = decide(client, approval, "edit", **{"arg.amount": value})
    assert refused.status_code == 422
    shown = page(refused)
    assert f"{says}: " in shown
    assert f">\n{value}</textarea>" in shown
    assert stored(approval).status == "pending"


def test_delegations_are_given_and_revoked_on_the_page(acme: TenantWithUsers, signed_in: SignIn) -> None:
    client = signed_in(acme.approver)
    assert "Everybody decides for herself" in page(client.get(CONSENTS))
    assert client.post(CONSENTS, LEND).status_code == 302
    lent = Delegation.objects.using("system").get()
    assert (lent.tool, lent.until.isoformat()) == ("process_*", "2026-12-31T12:00:00+00:00")
    shown = page(client.get(CONSENTS))
    assert "operator@acme.test" in shown
    refused = client.post(CONSENTS, {**LEND, "to": "member@acme.test"})
    assert refused.status_code == 422
    assert "does not read approvals" in page(refused)
    assert 'value="member@acme.test"' in page(refused)
    revoke = {"do": "revoke-delegation", "id": str(lent.id)}
    assert client.post(CONSENTS, revoke).status_code == 302
    assert client.post(CONSENTS, revoke).status_code == 409


def test_only_who_reads_calls_is_offered_and_the_form_says_why(acme: TenantWithUsers, signed_in: SignIn) -> None:
    client = signed_in(acme.approver)
    shown = page(client.get(CONSENTS))
    offered = shown.partition('<datalist id="people">')[2].partition("</datalist>")[0]
    assert [f"{role}@acme.test" in offered for role in ("operator", "admin")] == [True, True]
    assert [f"{role}@acme.test" in offered for role in ("approver", "auditor", "member", "viewer")] == [False] * 4
    assert "lends the decision, not the reading" in shown
    refused = client.post(CONSENTS, {**LEND, "to": "auditor@acme.test"})
    assert refused.status_code == 422
    assert "What calls would do is masked for her role" in page(refused).replace("&#x27;", "'")


def test_standing_rules_are_made_from_a_call_and_revoked(acme: TenantWithUsers, signed_in: SignIn, ask: Ask) -> None:
    approval, client = ask(acme), signed_in(acme.approver)
    assert f"{CONSENTS}?approval={approval.id}" in page(client.get(change_url(approval)))
    shown = page(client.get(CONSENTS, {"approval": str(approval.id)}))
    assert "customer_id == &quot;C-1042&quot;" in shown
    assert '<option value="approvals/process_refund" selected>approvals/process_refund</option>' in shown
    assert 'aria-describedby="tool-hint" value="process_refund"' in shown, "for who decides in her place, too"
    assert not StandingRule.objects.using("system").exists()
    assert client.post(CONSENTS, RULE).status_code == 302
    rule = StandingRule.objects.using("system").get()
    assert (rule.conditions, rule.most) == ('amount <= 50\ncustomer_id == "C-1042"', 3)
    assert "0 of 3" in page(client.get(CONSENTS))
    for wrong in ({"most": "many"}, {"conditions": "price < 3"}, {"until": "soon"}, {"do": "nothing"}):
        assert client.post(CONSENTS, {**RULE, **wrong}).status_code == 422
    assert client.post(CONSENTS, {"do": "revoke-rule", "id": "x"}).status_code == 404
    assert client.post(CONSENTS, {"do": "revoke-rule", "id": str(rule.id)}).status_code == 302


def test_a_rule_says_for_whose_requests_it_is(acme: TenantWithUsers, signed_in: SignIn) -> None:
    client = signed_in(acme.approver)
    client.post(CONSENTS, RULE)
    assert '<td data-label="Asked by">anybody but approver@acme.test</td>' in page(client.get(CONSENTS))
    StandingRule.objects.using("system").update(requester=acme.member)
    assert '<td data-label="Asked by">member@acme.test only</td>' in page(client.get(CONSENTS))


def test_who_reads_no_approvals_sees_no_consents(acme: TenantWithUsers, signed_in: SignIn) -> None:
    assert signed_in(acme.member).get(CONSENTS).status_code == 403
    shown = page(signed_in(acme.auditor).get(CONSENTS))
    assert 'data-testid="give"' not in shown
    assert signed_in(acme.auditor).post(CONSENTS, LEND).status_code == 403


def test_a_rule_that_is_used_up_has_nothing_to_revoke(acme: TenantWithUsers, signed_in: SignIn) -> None:
    client = signed_in(acme.approver)
    client.post(CONSENTS, RULE)
    assert 'data-testid="revoke-rule"' in page(client.get(CONSENTS))
    StandingRule.objects.using("system").update(used=3)
    shown = page(client.get(CONSENTS))
    assert 'data-testid="revoke-rule"' not in shown
    assert "used up" in shown
