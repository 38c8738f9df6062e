"""A run that waits for an approval, as the journal leaves it: session, run, step, and the gate's own statement."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any

import pytest
from django.db import connections, transaction
from django.db.models.functions import Now

from accounts.models import User
from agentos.core.ids import new_id
from agentos.core.types import JsonObject
from agents.engine.run_info import RunInfo
from agents.engine.spec import AgentSpec
from agents.engine.status import PauseKind, StepKind, StepState
from agents.engine.steps import Statement, StepRecord
from agents.engine.tools import Tool, tool
from agents.engine.verdicts import Require
from agents.models import Run, Session, Step
from agents.registry import registry
from governance import hooks
from governance.access import Answer, Judgement, Outcome
from governance.models import Approval
from governance.policy import in_force
from governance.policy.rules import PLAIN, Terms
from tests.conftest import TenantWithUsers


@tool(effect="outward", repeat="once", level="approve", says="Refund ${amount:.2f} to {customer_id}")
async def refund(customer_id: str, amount: Decimal) -> str:
    """Pay money back."""
    return f"{amount} to {customer_id}"


SPEC = AgentSpec(id="approvals", instructions="Refund.", tools=(refund,))
ARGUMENTS: JsonObject = {"customer_id": "C-1042", "amount": "250"}


@dataclass
class Waiting:
    """A paused run, its waiting step, and the approval that was asked for."""

    info: RunInfo
    step: StepRecord
    approval: Approval
    tool: Tool = refund

    @property
    def arguments(self) -> JsonObject:
        return dict(self.step.request["arguments"])


MakeWaiting = Callable[..., Waiting]


def execute(statement: Statement) -> int:
    """Run a statement as the journal does, in the system role; return how many rows it touched."""
    with transaction.atomic(using="system"), connections["system"].cursor() as cursor:
        cursor.execute(statement.sql, statement.parameters)  # type: ignore[arg-type]
        return int(cursor.rowcount)


def make_run(tenant: TenantWithUsers, user: User, status: str = "paused") -> RunInfo:
    session = Session.objects.using("system").create(
        tenant=tenant.tenant, user=user, session_id=str(new_id()), component_id=SPEC.id
    )
    run_id = new_id()
    Run.objects.using("system").create(
        id=run_id, tenant=tenant.tenant, user=user, session=session, root_id=run_id, component_kind="agent",
        component_id=SPEC.id, spec_hash="0" * 64, model="sandbox-strong", status=status, fence=1, created_at=Now(),
    )  # fmt: skip
    return RunInfo(run_id, tenant.tenant.id, user.id, session.session_id, SPEC, "sandbox-strong", "Refund")


def store_step(info: RunInfo, step: StepRecord, **changes: Any) -> None:
    columns: dict[str, Any] = {
        "id": step.id, "tenant_id": info.tenant_id, "user_id": info.user_id, "run_id": info.run_id,
        "path": step.path, "seq": 1, "kind": step.kind.value, "name": step.name, "state": step.state.value,
        "tool_call_id": step.tool_call_id, "request": step.request, "started_at": Now(),
    }  # fmt: skip
    Step.objects.using("system").create(**{**columns, **changes})


def judged(kind: PauseKind | None, terms: Terms = PLAIN) -> Judgement:
    """Return a judgement that wants this to be waited for."""
    outcome = Outcome.ASKS if kind else Outcome.GRANTS
    answer = Answer("policy", "tools:refund:call", outcome, "Because.", kind, terms)
    return Judgement((answer,), answer)


@pytest.fixture(autouse=True)
def _no_old_policy() -> Iterator[None]:
    """Forget what other tests put in force."""
    in_force.kept.forget()
    yield
    in_force.kept.forget()


@pytest.fixture
def make_waiting(database: None) -> MakeWaiting:
    """Ask for an approval through the hook, and store it as a flush would."""

    def make(
        tenant: TenantWithUsers,
        user: User | None = None,
        path: str = "1.0",
        terms: Terms = PLAIN,
        info: RunInfo | None = None,
        **arguments: Any,
    ) -> Waiting:
        info = info or make_run(tenant, user or tenant.member)
        request: JsonObject = {
            "tool": refund.name,
            "arguments": {**ARGUMENTS, **arguments},
            "schema_hash": refund.schema_hash,
        }
        step = StepRecord(new_id(), path, StepKind.TOOL, refund.name, StepState.WAITING, request, attempts=0)
        step.tool_call_id = f"call-{path}"
        verdict = hooks._verdict(info, refund, step, request["arguments"], judged(PauseKind.APPROVAL, terms))
        assert isinstance(verdict, Require)
        step.request["requirement"] = verdict.requirement
        store_step(info, step, seq=Step.objects.using("system").filter(run_id=info.run_id).count() + 1)
        assert [execute(statement) for statement in verdict.statements] == [1]
        approval = Approval.objects.using("system").get(id=verdict.requirement["approval_id"])
        approval._state.db = "default"
        return Waiting(info, step, approval)

    return make


@pytest.fixture(autouse=True)
def deploy(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Install the component of these tests; `deploy(...)` installs it anew with other tools."""

    def deploy(*tools: Tool) -> None:
        spec = replace(SPEC, tools=tools)
        monkeypatch.setattr(type(registry), "get", lambda self, kind, component_id: spec)

    deploy(refund)
    return deploy


@pytest.fixture(autouse=True)
def approval_hours(settings: Any) -> int:
    settings.APPROVAL_HOURS = 72
    return int(settings.APPROVAL_HOURS)
