"""Every route of the API that changes something: one entry, in the transaction of the change."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import httpx
import pytest

from accounts.models import AuditRow
from accounts.privacy import jobs
from accounts.seam import in_thread
from agentos.api import api as routes
from agentos.core.clock import utc_now
from agents.registry import registry
from governance.policy import in_force
from tests.agents.services.conftest import HeldModel, read
from tests.agents.services.payments import unknown
from tests.agents.services.stored import steps_of, stored, until
from tests.agents.services.test_forks import names_of_calls, paid
from tests.agents.services.test_reruns import failed
from tests.audited.conftest import Prove
from tests.audited.walking import Walked, actions, length, walks
from tests.conftest import PASSWORD, TenantWithUsers
from tests.governance.conftest import SPEC as APPROVALS
from tests.governance.conftest import MakeWaiting

WALKED: Walked = set()
# What answers a POST and changes nothing.
UNCHANGING = {("POST", "/agents/{agent_id}/runs/{run_id}/resume"), ("POST", "/policies/simulate")}
PAYING = [[("pay", {"amount": 5})], "Paid"]


@pytest.fixture(autouse=True)
def _places(settings: Any, tmp_path: Any) -> None:
    settings.BACKUP_FOLDER = str(tmp_path / "backups")
    in_force.kept.forget()


@walks(WALKED, "POST /auth/token", "POST /auth/refresh", "POST /auth/logout")
async def test_signing_in_and_out(prove: Prove, acme: TenantWithUsers) -> None:
    asked = {"email": acme.member.email, "password": PASSWORD}
    pair = (await prove(None, "POST", "/auth/token", asked, entered=["auth.signed_in"])).json()
    await prove(None, "POST", "/auth/refresh", {"refresh": pair["refresh"]}, entered=["auth.refreshed"])
    await prove(acme.member, "POST", "/auth/logout", {}, entered=["auth.signed_out"])
    await prove(acme.member, "POST", "/auth/logout", {"all": True}, entered=["auth.signed_out"])


async def test_a_sign_in_that_fails(api: httpx.AsyncClient, acme: TenantWithUsers) -> None:
    asked = {"email": acme.member.email, "password": "wrong"}
    assert (await api.post("/auth/token", json=asked)).status_code == 401
    await until(lambda: actions() == ["auth.sign_in_failed"])


async def test_one_of_nobody_is_told_to_the_log_alone(
    api: httpx.AsyncClient, acme: TenantWithUsers, caplog: pytest.LogCaptureFixture
) -> None:
    asked = {"email": "nobody@acme.test", "password": "wrong"}
    assert (await api.post("/auth/token", json=asked)).status_code == 401
    assert "a sign-in failed: nobody has this address" in caplog.messages
    assert "nobody@acme.test" not in caplog.text
    assert await in_thread(length) == 0


@walks(WALKED, "PATCH /privacy/me", "POST /privacy/export", "POST /privacy/erase")
async def test_privacy_of_ones_own(prove: Prove, acme: TenantWithUsers) -> None:
    await prove(acme.member, "PATCH", "/privacy/me", {"memory": False}, entered=["privacy.changed"])
    job = await prove(acme.member, "POST", "/privacy/export", {}, entered=["privacy.export_requested"])
    await in_thread(jobs.work, job.json()["id"])
    archive = f"/privacy/jobs/{job.json()['id']}/archive"
    await prove(acme.member, "GET", archive, entered=["privacy.exported"])
    asked = {"user": acme.member.email, "confirm": True}
    await prove(acme.member, "POST", "/privacy/erase", asked, entered=["privacy.erase_requested"])


@walks(WALKED, "PUT /privacy/retention/{name}")
async def test_retention(prove: Prove, acme: TenantWithUsers) -> None:
    await prove(acme.admin, "PUT", "/privacy/retention/runs", {"days": 30}, entered=["retention.limited"])


@walks(WALKED, "DELETE /sessions/{session_id}")
async def test_sessions(prove: Prove, make_process: Any, serve: Any, acme: TenantWithUsers) -> None:
    process = await make_process(["Done"])
    serve(process)
    begin = process.new()
    await read(await process.start(begin))
    await until(lambda: stored(begin).status == "completed")
    await prove(acme.member, "DELETE", f"/sessions/{begin.session_id}", entered=["session.deleted"])


@walks(WALKED, "POST /privacy/holds", "DELETE /privacy/holds/{hold_id}")
async def test_holds(prove: Prove, acme: TenantWithUsers) -> None:
    asked = {"user": acme.member.email, "reason": "Case 12"}
    placed = await prove(acme.admin, "POST", "/privacy/holds", asked, entered=["legal_hold.placed"])
    await prove(acme.admin, "DELETE", f"/privacy/holds/{placed.json()['id']}", entered=["legal_hold.lifted"])


@walks(
    WALKED,
    "POST /service-accounts",
    "POST /service-accounts/{account_id}/rotate",
    "DELETE /service-accounts/{account_id}",
)
async def test_service_accounts(prove: Prove, acme: TenantWithUsers) -> None:
    asked = {"name": "ci", "scopes": ["runs:read"]}
    made = await prove(acme.admin, "POST", "/service-accounts", asked, entered=["service_account.created"])
    path = f"/service-accounts/{made.json()['id']}"
    await prove(acme.admin, "POST", f"{path}/rotate", {}, entered=["service_account.rotated"])
    await prove(acme.admin, "DELETE", path, entered=["service_account.revoked"])


@walks(WALKED, "PUT /connections", "DELETE /connections/{connection_id}")
async def test_connections(prove: Prove, acme: TenantWithUsers) -> None:
    values = {"host": "mail.acme.test", "username": "her", "password": "long-enough"}
    asked = {"kind": "mail", "level": "user", "values": values}
    kept = await prove(acme.member, "PUT", "/connections", asked, entered=["connection.added"])
    await prove(acme.member, "DELETE", f"/connections/{kept.json()['id']}", entered=["connection.revoked"])


@walks(
    WALKED,
    "PUT /notifications/preferences",
    "POST /notifications/endpoints",
    "PATCH /notifications/endpoints/{endpoint_id}",
    "POST /notifications/endpoints/{endpoint_id}/rotate",
    "DELETE /notifications/endpoints/{endpoint_id}",
)
async def test_notifications(prove: Prove, acme: TenantWithUsers) -> None:
    chosen = {"choices": {"approval.requested": {"email": False}}}
    await prove(acme.member, "PUT", "/notifications/preferences", chosen, entered=["preferences.changed"])
    asked = {"channel": "webhook", "name": "Ops", "url": "https://8.8.8.8/x", "kinds": ["approval.requested"]}
    made = await prove(acme.admin, "POST", "/notifications/endpoints", asked, entered=["endpoint.added"])
    path = f"/notifications/endpoints/{made.json()['id']}"
    await prove(acme.admin, "PATCH", path, {"is_active": False}, entered=["endpoint.changed"])
    await prove(acme.admin, "POST", f"{path}/rotate", entered=["endpoint.rotated"])
    await prove(acme.admin, "DELETE", path, entered=["endpoint.deleted"])


@walks(WALKED, "PUT /models/allowed")
async def test_models(prove: Prove, acme: TenantWithUsers) -> None:
    await prove(acme.admin, "PUT", "/models/allowed", {"models": None}, entered=["models.allowed"])


@walks(WALKED, "POST /knowledge", "PATCH /knowledge/{knowledge_id}", "DELETE /knowledge/{knowledge_id}")
async def test_knowledge(prove: Prove, acme: TenantWithUsers) -> None:
    asked = {"slug": "handbook", "name": "Handbook"}
    made = await prove(acme.operator, "POST", "/knowledge", asked, entered=["knowledge.created"])
    path = f"/knowledge/{made.json()['id']}"
    await prove(acme.operator, "PATCH", path, {"name": "Staff"}, entered=["knowledge.changed"])
    await prove(acme.operator, "DELETE", path, entered=["knowledge.deleted"])


@walks(WALKED, "POST /halts", "DELETE /halts/{switch_id}")
async def test_halts(prove: Prove, acme: TenantWithUsers) -> None:
    asked = {"target": "tenant", "reason": "Too much"}
    made = await prove(acme.operator, "POST", "/halts", asked, entered=["halt.set"])
    await prove(acme.operator, "DELETE", f"/halts/{made.json()['id']}", entered=["halt.released"])


@walks(
    WALKED,
    "PUT /policies/{tool}",
    "POST /policies/activate",
    "POST /policies/rollback",
    "DELETE /policies/draft",
)
async def test_policies(prove: Prove, acme: TenantWithUsers) -> None:
    rule = {"rules": [{"level": "deny", "conditions": ["amount >= 500"]}]}
    await prove(acme.admin, "PUT", "/policies/process_refund", rule, entered=["policy.activated"])
    draft = {**rule, "activate": False}
    await prove(acme.admin, "PUT", "/policies/process_refund", draft, entered=["policy.changed"])
    await prove(acme.admin, "DELETE", "/policies/draft", entered=["policy.discarded"])
    await prove(acme.admin, "PUT", "/policies/process_refund", draft, entered=["policy.changed"])
    await prove(acme.admin, "POST", "/policies/activate", {}, entered=["policy.activated"])
    await prove(acme.admin, "POST", "/policies/rollback", {"number": 1}, entered=["policy.activated"])


@walks(WALKED, "POST /approvals/{approval_id}/resolve")
async def test_approvals(
    prove: Prove, acme: TenantWithUsers, make_waiting: MakeWaiting, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(type(registry), "get", lambda self, kind, component_id: APPROVALS)
    waiting = await in_thread(make_waiting, acme)
    path = f"/approvals/{waiting.approval.id}/resolve"
    await prove(acme.approver, "POST", path, {"status": "approved"}, entered=["approval.approved"])


@walks(
    WALKED, "POST /approvals/{approval_id}/questions", "POST /approvals/{approval_id}/questions/{question_id}/answer"
)
async def test_questions(prove: Prove, acme: TenantWithUsers, make_waiting: MakeWaiting) -> None:
    path = f"/approvals/{(await in_thread(make_waiting, acme)).approval.id}/questions"
    asked = await prove(acme.approver, "POST", path, {"text": "Why?"}, entered=["approval.question_asked"])
    answer = f"{path}/{asked.json()['id']}/answer"
    said = await prove(acme.member, "POST", answer, {"text": "Because."}, entered=["approval.question_answered"])
    assert said.json()["answer"] == "Because."


@walks(
    WALKED,
    "POST /delegations",
    "POST /delegations/{delegation_id}/revoke",
    "POST /standing-rules",
    "POST /standing-rules/{rule_id}/revoke",
)
async def test_consents(prove: Prove, acme: TenantWithUsers) -> None:
    until = (utc_now() + timedelta(days=1)).isoformat()
    lend = {"to": acme.operator.email, "tool": "process_*", "until": until}
    lent = (await prove(acme.approver, "POST", "/delegations", lend, entered=["delegation.given"])).json()
    await prove(acme.approver, "POST", f"/delegations/{lent['id']}/revoke", entered=["delegation.revoked"])
    rule = {"component": "approvals", "tool": "process_refund", "conditions": ["amount <= 5"], "most": 1}
    rule |= {"until": until, "reason": "small"}
    made = (await prove(acme.approver, "POST", "/standing-rules", rule, entered=["standing_rule.made"])).json()
    await prove(acme.approver, "POST", f"/standing-rules/{made['id']}/revoke", entered=["standing_rule.revoked"])


@walks(WALKED, "POST /agents/{agent_id}/runs", "POST /agents/{agent_id}/runs/{run_id}/cancel")
async def test_a_run_is_started_and_cancelled(
    prove: Prove, make_process: Any, serve: Any, acme: TenantWithUsers
) -> None:
    model = HeldModel(["never"])
    serve(await make_process(model=model))
    asked = {"message": "Go", "stream": False, "background": True}
    made = await prove(acme.member, "POST", "/agents/tester/runs", asked, entered=["run.started"])
    await model.reached.wait()
    path = f"/agents/tester/runs/{made.json()['run_id']}/cancel"
    await prove(acme.member, "POST", path, entered=["run.cancelled"])


@walks(WALKED, "POST /runs/{run_id}/answers")
async def test_a_question_is_answered(prove: Prove, make_process: Any, serve: Any, acme: TenantWithUsers) -> None:
    process = await make_process(PAYING)
    serve(process)
    begin = process.new()
    (call,) = names_of_calls(await read(await process.start(begin)))[-1:]
    said = {"answers": [{"tool_call_id": call, "confirmed": True}]}
    await prove(acme.member, "POST", f"/runs/{begin.run_id}/answers", said, entered=["step.answered"])


@walks(WALKED, "POST /agents/{agent_id}/runs/{run_id}/continue", "POST /runs/{run_id}/cancel")
async def test_a_run_is_continued(prove: Prove, make_process: Any, serve: Any, acme: TenantWithUsers) -> None:
    process = await make_process([*PAYING[:1], *PAYING])
    serve(process)
    begin = process.new()
    (call,) = names_of_calls(await read(await process.start(begin)))[-1:]
    tools = f'[{{"tool_call_id": "{call}", "confirmed": false}}]'
    said = {"tools": tools, "stream": "false", "background": "true"}
    path = f"/agents/tester/runs/{begin.run_id}/continue"
    await prove(acme.member, "POST", path, said, entered=["step.answered"], form=True)
    await until(lambda: stored(begin).status == "paused")
    await prove(acme.member, "POST", f"/runs/{begin.run_id}/cancel", entered=["run.cancelled"])


@walks(WALKED, "POST /runs/{run_id}/pause", "POST /runs/{run_id}/unpause")
async def test_a_run_is_paused_and_goes_on(prove: Prove, make_process: Any, serve: Any, acme: TenantWithUsers) -> None:
    process = await make_process(PAYING)
    serve(process)
    begin = process.new()
    await read(await process.start(begin))
    await prove(acme.member, "POST", f"/runs/{begin.run_id}/pause", {}, entered=["run.paused"])
    await prove(acme.member, "POST", f"/runs/{begin.run_id}/unpause", {}, entered=["run.unpaused"])


@walks(WALKED, "POST /runs/{run_id}/fork")
async def test_a_run_is_forked(prove: Prove, make_process: Any, serve: Any, acme: TenantWithUsers) -> None:
    process, begin = await paid(make_process, acme, ["Another end"])
    serve(process)
    path = f"/runs/{begin.run_id}/fork"
    await prove(acme.member, "POST", path, {"from_step": "3.model"}, entered=["run.forked"])


@walks(WALKED, "POST /runs/{run_id}/rerun")
async def test_a_run_is_run_again(prove: Prove, make_process: Any, serve: Any, acme: TenantWithUsers) -> None:
    process, begin = await failed(make_process, ["The end"])
    serve(process)
    await prove(acme.member, "POST", f"/runs/{begin.run_id}/rerun", {}, entered=["run.rerun"])


@walks(WALKED, "POST /runs/{run_id}/steps/{step_id}/reconcile")
async def test_a_call_is_reconciled(
    prove: Prove, make_process: Any, till: Any, serve: Any, acme: TenantWithUsers
) -> None:
    begin, heir, step = await unknown(make_process, till, ["All right"])
    serve(heir)
    said = {"outcome": "happened", "reason": "The bank lists it", "result": "charged"}
    path = f"/runs/{begin.run_id}/steps/{step.id}/reconcile"
    await prove(acme.operator, "POST", path, said, entered=["step.reconciled"])


async def test_every_tool_call_leaves_one_entry(make_process: Any, acme: TenantWithUsers) -> None:
    process = await make_process([[("look", {"place": "x"}), ("look", {"place": "y"})], "The end"])
    begin = process.new()
    await read(await process.start(begin))
    assert {path for path, step in (await in_thread(steps_of, begin)).items() if step.kind == "tool"} == {"1.0", "1.1"}
    assert (await in_thread(_all_actions)).count("tool.started") == 2


def _all_actions() -> list[str]:
    return list(AuditRow.objects.using("system").values_list("action", flat=True))


def test_every_route_that_changes_something_is_walked() -> None:
    """A new route belongs into one of the tests above: its entry, and that it fails without."""
    found = {
        (method, path)
        for router in routes._get_bound_routers()
        for path, view in router.path_operations.items()
        for operation in view.operations
        for method in operation.methods
        if method not in ("GET", "HEAD", "OPTIONS")
    }
    assert found - UNCHANGING - WALKED == set(), "walk these"
    assert (WALKED | UNCHANGING) - found == set(), "these are no more"
