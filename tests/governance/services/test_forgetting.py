"""The words of an erased decider are gone from other people's runs; the decision and everybody else's words stay."""

from __future__ import annotations

import json
from decimal import Decimal

import pytest
from django.conf import settings as django_settings

from accounts.privacy import erasure
from accounts.privacy.erasure import Tally
from accounts.privacy.rows import Person
from accounts.tenancy import tenant_scope
from agentos.core.clock import utc_now
from agentos.core.ids import new_id
from agentos.core.types import json_text
from agents.engine.messages import REFUSED
from agents.models import Run, RunEvents, SessionSummary, Step
from governance.models import Approval, Budget, BudgetUse, Reservation
from governance.services import approvals
from tests.accounts.privacy.planting import tables_with

WORDS = 'She said "no" to Erika\nyesterday'


@pytest.fixture
def folder(settings, tmp_path):
    settings.BACKUP_FOLDER = str(tmp_path)


@pytest.fixture
def root_url(database, cluster) -> str:
    return cluster.url(django_settings.DATABASES["default"]["NAME"])


def rejected(acme, make_waiting, said: str):
    waiting = make_waiting(acme)
    approvals.decide(principal=acme.principal("approver"), approval_id=waiting.approval.id, approved=False, reason=said)
    Step.objects.using("system").filter(id=waiting.step.id).update(state="refused", result=REFUSED + said)
    shown = json_text({"event": "ToolCallCompleted", "confirmation_note": said, "result": REFUSED + said, "ok": "took"})
    RunEvents.objects.using("system").create(
        tenant=acme.tenant, user=acme.member, run_id=waiting.info.run_id, first_seq=1, last_seq=1, lines=shown
    )
    return waiting


def test_her_words_go_and_the_decision_stays(acme, make_waiting, root_url, folder):
    waiting = rejected(acme, make_waiting, WORDS)
    marker = "to Erika"
    there = tables_with(marker, root_url)
    assert {"governance_approval", "agents_step", "agents_runevents"} <= there
    tally = Tally()
    erasure.erase(Person(acme.tenant.id, acme.approver.id), tally)
    assert tables_with(marker, root_url) == set()
    approval = Approval.objects.using("system").get(id=waiting.approval.id)
    assert (approval.status, approval.reason, approval.decided_by_id) == ("rejected", "", acme.approver.id)
    step = Step.objects.using("system").get(id=waiting.step.id)
    assert step.answer["confirmed"] is False and step.answer["note"] == "" and step.result == REFUSED + "[erased]"
    assert '"ok":"took"' in RunEvents.objects.using("system").get().lines
    assert tally.done["repeated words"] == 3


def test_what_a_model_quoted_of_them_goes_too(acme, make_waiting, root_url, folder):
    waiting = rejected(acme, make_waiting, WORDS)
    answer = f"It was refused: {WORDS}. Shall I ask again?"
    pieces = ["It was refused: ", WORDS[:9], WORDS[9:], ". Shall I ask again?"]
    run_id = str(waiting.info.run_id)
    delta = {"event": "RunContent", "run_id": run_id}
    said = [*({**delta, "content": piece} for piece in pieces), {"event": "RunContentCompleted", "run_id": run_id}]
    said += [{"event": "RunCompleted", "run_id": run_id, "content": answer}, {**delta, "content": "Next."}]
    session_id = Run.objects.using("system").get(id=waiting.info.run_id).session_id
    whose = {"tenant": acme.tenant, "user": acme.member, "run_id": waiting.info.run_id}
    for at, event in enumerate(said, start=2):
        RunEvents.objects.using("system").create(**whose, first_seq=at, last_seq=at, lines=json_text(event))
    Run.objects.using("system").update(output=answer)
    inner = json_text({"note": answer})
    kept = {"path": "2.model", "seq": 9, "kind": "model", "state": "done", "started_at": utc_now()}
    result = {"text": answer, "arguments": inner}
    step = Step.objects.using("system").create(**whose, **kept, result=result)
    summary = {"until_at": utc_now(), "until_id": new_id(), "runs": 1, "text": answer, "created_at": utc_now()}
    owner = {"tenant": acme.tenant, "user": acme.member, "session_id": session_id, "made_by_id": waiting.info.run_id}
    SessionSummary.objects.using("system").create(**owner, **summary)
    erasure.erase(Person(acme.tenant.id, acme.approver.id), Tally())
    assert tables_with("Erika", root_url) == set()
    told = "It was refused: [erased]. Shall I ask again?"
    assert Run.objects.using("system").get(id=waiting.info.run_id).output == told
    step.refresh_from_db(using="system")
    assert step.result == {"text": told, "arguments": json_text({"note": told})}
    lines = [json.loads(row.lines) for row in RunEvents.objects.using("system").order_by("first_seq")[1:]]
    assert [line.get("content") for line in lines] == [told, "", "", "", None, told, "Next."]
    assert not SessionSummary.objects.using("system").exists()


def test_what_an_operator_noted_of_a_step_goes_too(acme, make_waiting, root_url, folder):
    waiting = make_waiting(acme)
    said = {"outcome": "happened", "note": WORDS, "by": str(acme.operator.id)}
    Step.objects.using("system").filter(id=waiting.step.id).update(state="done", answer=said, result="It was done.")
    shown = json_text({"event": "ToolCallCompleted", "run_id": str(waiting.info.run_id), "confirmation_note": WORDS})
    whose = {"tenant": acme.tenant, "user": acme.member, "run_id": waiting.info.run_id}
    RunEvents.objects.using("system").create(**whose, first_seq=1, last_seq=1, lines=shown)
    erasure.erase(Person(acme.tenant.id, acme.operator.id), Tally())
    assert tables_with("Erika", root_url) == set()
    step = Step.objects.using("system").get(id=waiting.step.id)
    assert (step.state, step.result, step.answer["outcome"]) == ("done", "It was done.", "happened")


def test_a_short_reason_takes_no_letters_out_of_other_words(acme, make_waiting, folder):
    rejected(acme, make_waiting, "ok")
    erasure.erase(Person(acme.tenant.id, acme.approver.id), Tally())
    lines = RunEvents.objects.using("system").get().lines
    assert '"ok":"took"' in lines and '"confirmation_note":"[erased]"' in lines


def test_what_halted_runs_held_of_budgets_is_settled(acme, make_waiting, folder):
    waiting = make_waiting(acme)
    with tenant_scope(acme.tenant.id, acme.admin.id):
        budget = Budget.objects.create(tenant=acme.tenant, name="b", measure="runs", period="day", limit=Decimal(10))
    use = BudgetUse.objects.using("system").create(
        tenant=acme.tenant, budget=budget, subject=acme.tenant.id, starts_at="2026-01-01T00:00Z", used=0, reserved=1
    )
    Reservation.objects.using("system").create(
        tenant=acme.tenant, run_id=waiting.info.run_id, use=use, measure="runs", amount=1
    )
    erasure.erase(Person(acme.tenant.id, acme.member.id), Tally())
    use.refresh_from_db(using="system")
    assert (use.used, use.reserved) == (1, 0)
    assert not Reservation.objects.using("system").exists() and not Run.objects.using("system").exists()
