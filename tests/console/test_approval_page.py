"""What stands on an approval's page besides the form: the last one approved, the way to it, evidence, cost, why."""

from __future__ import annotations

import re
from datetime import timedelta

from accounts.privacy.access import MASK
from agentos.core.clock import utc_now
from agents.models import Run, Step
from governance.models import Approval
from tests.conftest import TenantWithUsers
from tests.console.conftest import Ask, SignIn, change_url, decide, page, stored

HOSTILE = "pay\u202e<img src=x onerror=alert(1)>\u200b"


def part(text: str, testid: str) -> str:
    """Return what stands in the element of a test id, up to the end of its section."""
    found = re.search(rf'data-testid="{testid}".*?(</section>|</details>\s*<|</table>)', text, re.DOTALL)
    assert found, testid
    return found[0]


def approved(approval: Approval, *, minutes_ago: int = 20, **changes: object) -> Approval:
    approval.arguments = {**approval.arguments, **changes}
    approval.status, approval.decided_at = "approved", utc_now() - timedelta(minutes=minutes_ago)
    approval.save(using="system")
    return approval


def told(approval: Approval, result: object, **request: object) -> Step:
    """Leave what a tool told the agent before it asked."""
    run = Run.objects.using("system").get(id=approval.run_id)
    return Step.objects.using("system").create(
        tenant_id=run.tenant_id, user_id=run.user_id, run=run, path="0.5", seq=1, kind="tool", name="look_up",
        state="done", result=result, request=request, started_at=run.created_at, ended_at=run.created_at,
    )  # fmt: skip


def test_arguments_stand_beside_those_last_approved_for_the_same_tool(
    acme: TenantWithUsers, ask: Ask, signed_in: SignIn
) -> None:
    before = approved(ask(acme, minutes_ago=40), minutes_ago=30, amount="11.11")
    last = approved(ask(acme, customer="C-9", minutes_ago=90), minutes_ago=2, amount="80.00")
    rejected = ask(acme, minutes_ago=30)
    Approval.objects.using("system").filter(id=rejected.id).update(status="rejected", decided_at=utc_now())
    client, waiting = signed_in(acme.approver), ask(acme)
    text = page(client.get(change_url(waiting)))
    table = part(text, "arguments")
    assert "<del>80</del>.<del>00</del>" in table or "<del>80</del>" in table
    assert "<ins>250</ins>" in table
    assert "the same" in table
    assert "11.11" not in table
    assert change_url(last) in part(text, "last-approved")
    assert "2 min ago" in part(text, "last-approved")
    approved(waiting, minutes_ago=10)
    assert change_url(before) in part(page(client.get(change_url(waiting))), "last-approved"), "as it was decided"


def test_without_one_there_is_nothing_to_compare_with(acme: TenantWithUsers, ask: Ask, signed_in: SignIn) -> None:
    text = page(signed_in(acme.approver).get(change_url(ask(acme))))
    assert 'data-testid="last-approved"' not in text
    assert "<ins>" not in text


def test_nothing_of_another_tenant_is_compared_with(
    acme: TenantWithUsers, globex: TenantWithUsers, ask: Ask, signed_in: SignIn
) -> None:
    approved(ask(globex, customer="C-GLOBEX", minutes_ago=60))
    assert "C-GLOBEX" not in page(signed_in(acme.approver).get(change_url(ask(acme))))


def test_the_page_tells_what_was_said_before_and_what_tools_had_told(
    acme: TenantWithUsers, ask: Ask, signed_in: SignIn
) -> None:
    before, approval = ask(acme, customer="C-BEFORE", minutes_ago=50), ask(acme)
    runs = Run.objects.using("system")
    runs.filter(id=before.run_id).update(session_id=approval.run.session_id, output="It is done.", status="completed")
    told(approval, {"invoice": HOSTILE}, reads="untrusted")
    text = page(signed_in(acme.approver).get(change_url(approval)))
    assert "Refund C-BEFORE" in part(text, "earlier")
    assert "It is done." in part(text, "earlier")
    evidence = part(text, "evidence")
    assert "look_up" in evidence
    assert "strangers may have written this" in evidence


def test_why_it_asks_what_it_read_and_what_it_cost_stand_there(
    acme: TenantWithUsers, ask: Ask, signed_in: SignIn
) -> None:
    approval = ask(acme)
    step = Step.objects.using("system").get(run=approval.run_id, path="1.0")
    step.request["requirement"]["why"] = "Rule 3 of version 2: amount >= 100"
    step.request["tainted_by"] = ["read_page"]
    step.save(using="system")
    Run.objects.using("system").filter(id=approval.run_id).update(cost_usd="0.25000000")
    text = page(signed_in(acme.approver).get(change_url(approval)))
    assert "Rule 3 of version 2: amount &gt;= 100" in text
    assert "$0.25" in text
    assert "read_page" in part(text, "tainted")


def test_hidden_characters_and_markup_are_made_visible_everywhere(
    acme: TenantWithUsers, ask: Ask, signed_in: SignIn
) -> None:
    last, approval = approved(ask(acme, minutes_ago=60), reason=f"{HOSTILE} then", **{HOSTILE: 1}), ask(acme)
    approvals, runs = Approval.objects.using("system"), Run.objects.using("system")
    approvals.filter(id=last.id).update(effect_text=HOSTILE)
    fields = {"tool_name": HOSTILE, "effect_text": HOSTILE, "reason": HOSTILE, "component_id": "approvals"}
    approvals.filter(id__in=[approval.id, last.id]).update(**fields, arguments={HOSTILE: HOSTILE})
    runs.filter(id=approval.run_id).update(
        input=HOSTILE, output=HOSTILE, error_text=HOSTILE, error_code="x", model=HOSTILE
    )
    told(approval, {HOSTILE: HOSTILE}, arguments={HOSTILE: HOSTILE}, tainted_by=[HOSTILE])
    Step.objects.using("system").filter(run=approval.run_id).update(name=HOSTILE[:200], error=HOSTILE)
    client = signed_in(acme.admin)
    session = approval.run.session
    type(session).objects.using("system").filter(id=session.id).update(name=HOSTILE)
    pages = [
        change_url(approval),
        "/admin/governance/approval/?tab=all",
        f"/admin/agents/run/{approval.run_id}/change/",
        f"/admin/agents/run/{approval.run_id}/trace.svg",
        "/admin/agents/run/",
        "/admin/agents/session/",
        f"/admin/agents/session/{session.id}/change/",
    ]
    approvals.filter(id=approval.id).update(status="approved")
    for path in [*pages, change_url(approval)]:
        text = page(client.get(path))
        assert "\u202e" not in text, path
        assert "\u200b" not in text, path
        assert "<img src=x" not in text, path
        assert "U+202E" in text, path


def test_who_may_not_read_what_others_said_sees_that_it_is_there(
    acme: TenantWithUsers, ask: Ask, signed_in: SignIn
) -> None:
    before, approval = ask(acme, customer="C-BEFORE", minutes_ago=50), ask(acme)
    runs = Run.objects.using("system")
    runs.filter(id=before.run_id).update(session_id=approval.run.session_id)
    told(approval, "the customer's address")
    text = page(signed_in(acme.auditor).get(change_url(approval)))
    assert MASK in part(text, "earlier")
    assert "C-BEFORE" not in part(text, "earlier")
    assert "address" not in part(text, "evidence")


def test_after_a_decision_the_next_request_opens(acme: TenantWithUsers, ask: Ask, signed_in: SignIn) -> None:
    first, second = ask(acme, minutes_ago=9), ask(acme, customer="C-2", minutes_ago=5)
    client = signed_in(acme.approver)
    answer = decide(client, first, "approve")
    assert answer["Location"] == change_url(second)
    text = page(client.get(answer["Location"]))
    assert "Approved: Refund $250.00 to C-1042" in text
    assert f'href="{change_url(first)}" data-decided data-testid="decided-link"' in text
    assert decide(client, second, "reject", "No receipt")["Location"] == change_url(second)
    assert (stored(first).status, stored(second).status) == ("approved", "rejected")


def test_ones_own_request_does_not_open_next(acme: TenantWithUsers, ask: Ask, signed_in: SignIn) -> None:
    first, own = ask(acme, minutes_ago=9), ask(acme, customer="C-2", minutes_ago=5)
    Approval.objects.using("system").filter(id=own.id).update(requester=acme.approver)
    assert decide(signed_in(acme.approver), first, "approve")["Location"] == change_url(first)


def test_a_page_without_a_process_says_that_there_is_no_preview(
    acme: TenantWithUsers, ask: Ask, signed_in: SignIn
) -> None:
    approval = ask(acme)
    text = page(signed_in(acme.approver).get(change_url(approval)))
    assert "There is no preview." in part(text, "preview-error")
    Approval.objects.using("system").filter(id=approval.id).update(
        status="rejected", decided_at=approval.created_at + timedelta(minutes=1)
    )
    assert "preview" not in page(signed_in(acme.approver).get(change_url(approval)))


def test_masks_are_compared_with_nothing_and_said_to_be_masks(
    acme: TenantWithUsers, ask: Ask, signed_in: SignIn
) -> None:
    approved(ask(acme, customer="C-9", minutes_ago=60), amount="80.00")
    waiting = ask(acme)
    text = page(signed_in(acme.auditor).get(change_url(waiting)))
    table = part(text, "arguments")
    assert table.count(MASK) == len(waiting.arguments)
    assert "the same" not in table
    assert "What calls hold is masked for your role" in text
    assert f'data-testid="effect">process_refund: {MASK}<' in text, "which of them it is"
    assert 'data-testid="last-approved"' not in text
    assert "masked for your role" not in page(signed_in(acme.approver).get(change_url(waiting)))
    assert "masked for your role" not in page(signed_in(acme.member).get(change_url(waiting)))
