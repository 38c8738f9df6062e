"""Start, pause, answer, approve, reject, expire, cancel, kill, resume in any order: the invariants hold throughout."""

from __future__ import annotations

from decimal import Decimal

import pytest
from django.db import connections
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule, run_state_machine_as_test

from accounts import audit
from accounts.tenancy import tenant_scope
from agents.engine.status import RunStatus, StepState
from agents.models import Run, Step
from agents.registry import registry
from agents.services import answers, pauses, reconcile, runs
from agents.services.answers import Answer
from agents.services.reconcile import Outcome
from governance.budgets import ledger
from governance.models import Approval, ApprovalStatus, Budget, BudgetUse, Reservation
from governance.services import approvals
from tests.chaos.conftest import RUNS
from tests.chaos.life import SPEC, World, check_run, happened
from tests.conftest import TenantWithUsers

MOST_RUNS = 3
LEGAL = {status.value for status in RunStatus}
UNFINISHED = {StepState.STARTED, StepState.WAITING, StepState.ANSWERED}
picks = st.integers(0, 11)


class Machine(RuleBasedStateMachine):
    """The rules call the services as the API does; what does not fit the moment is refused, and that is fine."""

    acme: TenantWithUsers

    def __init__(self) -> None:
        super().__init__()
        self.world = World(self.acme)
        self.ended: dict[object, str] = {}
        self.world.start()

    def teardown(self) -> None:
        try:
            self.see_all_to_the_end()
            self.nothing_is_lost_doubled_or_out_of_order()
        finally:
            self.world.close()

    @rule()
    def start(self) -> None:
        if len(self.world.begins) < MOST_RUNS:
            self.world.start()

    @rule(milliseconds=st.sampled_from([1, 5, 15, 40, 100]))
    def let_time_pass(self, milliseconds: int) -> None:
        self.world.pass_time(milliseconds / 1000)

    @rule(pick=picks, agrees=st.booleans())
    def answer(self, pick: int, agrees: bool) -> None:
        if step := self.one_waiting(pick, "pay"):
            self.confirm(step, agrees=agrees)

    @rule(pick=picks, agrees=st.booleans())
    def decide(self, pick: int, agrees: bool) -> None:
        if step := self.one_waiting(pick, "order"):
            self.settle(step, agrees=agrees)

    @rule()
    def expire(self) -> None:
        with connections["system"].cursor() as cursor:
            cursor.execute("UPDATE governance_approval SET expires_at = now() WHERE status = 'pending'")
        self.world.say(approvals.expire_due)

    @rule(pick=picks)
    def cancel(self, pick: int) -> None:
        self.world.say(runs.request_cancel, principal=self.acme.principal("member"), run_id=self.one_run(pick))

    @rule(pick=picks)
    def pause(self, pick: int) -> None:
        self.world.say(pauses.pause, principal=self.acme.principal("member"), run_id=self.one_run(pick))

    @rule(pick=picks)
    def resume(self, pick: int) -> None:
        self.world.say(pauses.unpause, principal=self.acme.principal("member"), run_id=self.one_run(pick))

    @rule()
    def kill(self) -> None:
        self.world.kill()

    @rule()
    def kill_in_the_act(self) -> None:
        self.world.pass_time_to_an_effect(0.2)
        self.world.kill()

    @rule()
    def reconcile(self) -> None:
        for step in self.world.steps(state=StepState.UNKNOWN.value):
            self.find_out(step)

    @invariant()
    def nothing_is_lost_doubled_or_out_of_order(self) -> None:
        found = self.world.runs_and_logs()
        assert len(found) == len(self.world.begins)
        for run, log in found:
            assert run.status in LEGAL
            check_run(run.status, log, RunStatus(run.status).is_final)
            if run.id in self.ended:
                assert run.status == self.ended[run.id]
            elif RunStatus(run.status).is_final:
                self.ended[run.id] = run.status
        ended = {run.id for run, _ in found if RunStatus(run.status).is_final}
        assert not [step for step in self.world.steps() if step.run_id in ended and step.state in UNFINISHED]
        assert all(times == 1 for times in happened.values())
        for step in self.world.steps(kind="tool"):
            assert happened[step.idempotency_key] or step.state != StepState.DONE

    def see_all_to_the_end(self) -> None:
        """Agree to everything that is asked, until no run goes on."""
        for _ in range(400):
            going = [run for run in self.world.runs() if not RunStatus(run.status).is_final]
            if not going:
                break
            for run in going:
                self.world.say(pauses.unpause, principal=self.acme.principal("member"), run_id=run.id)
            self.reconcile()
            self.world.say(approvals.expire_due)  # as each tick does: it passes over what somebody holds just then
            for step in self.world.steps(state=StepState.WAITING.value):
                self.confirm(step, agrees=True) if step.name == "pay" else self.settle(step, agrees=True)
            self.world.pass_time(0.05)
        assert not going, [(run.status, self.world.steps(run_id=run.id)) for run in going]
        assert audit.verify(self.acme.tenant.id) is None
        self.world.say(approvals.expire_due)
        with tenant_scope(self.acme.tenant.id, self.acme.member.id):
            assert not Approval.objects.filter(status=ApprovalStatus.PENDING).exists()
        self.budgets_are_settled_to_the_last_token()

    def budgets_are_settled_to_the_last_token(self) -> None:
        """Whatever was killed or cancelled, each run of the tenant counts once, for exactly what it used."""
        for _ in range(100):
            while ledger.settle_all():  # it passes over what a process that still lives is settling just then
                pass
            if not Reservation.objects.using("system").exists():
                break
            self.world.pass_time(0.05)
        assert not Reservation.objects.using("system").exists()
        runs = list(Run.objects.using("system").filter(tenant_id=self.acme.tenant.id))
        expected = {
            "runs": Decimal(len(runs)),
            "tokens": sum((Decimal(run.usage.get("total_tokens", 0)) for run in runs), Decimal(0)),
            "usd": sum((run.cost_usd or Decimal(0) for run in runs), Decimal(0)),
        }
        uses = BudgetUse.objects.using("system").select_related("budget")
        assert {use.budget.measure: (use.used, use.reserved) for use in uses} == {
            measure: (used, Decimal(0)) for measure, used in expected.items()
        }

    def one_run(self, pick: int) -> object:
        return self.world.begins[pick % len(self.world.begins)].run_id

    def one_waiting(self, pick: int, name: str) -> Step | None:
        waiting = self.world.steps(state=StepState.WAITING.value, name=name)
        return waiting[pick % len(waiting)] if waiting else None

    def confirm(self, step: Step, *, agrees: bool) -> None:
        said = [Answer(step.tool_call_id, confirmed=agrees)]
        self.world.say(answers.answer, principal=self.acme.principal("member"), run_id=step.run_id, answers=said)

    def settle(self, step: Step, *, agrees: bool) -> None:
        with tenant_scope(self.acme.tenant.id, self.acme.member.id):
            asked = Approval.objects.filter(run_id=step.run_id, step_path=step.path)
            approval = asked.filter(status=ApprovalStatus.PENDING).first()
        if approval is not None:
            self.world.say(
                approvals.decide,
                principal=self.acme.principal("approver"),
                approval_id=approval.id,
                approved=agrees,
                reason="So it be.",
            )

    def find_out(self, step: Step) -> None:
        outcome = Outcome.HAPPENED if happened[step.idempotency_key] else Outcome.NOT_HAPPENED
        self.world.say(
            reconcile.reconcile,
            principal=self.acme.principal("operator"),
            run_id=step.run_id,
            step_id=step.id,
            outcome=outcome,
            reason="Asked.",
        )


def test_every_order_of_events_keeps_the_invariants(acme: TenantWithUsers, monkeypatch: pytest.MonkeyPatch) -> None:
    happened.clear()
    monkeypatch.setattr(type(registry), "get", lambda self, kind, component_id: SPEC)
    monkeypatch.setattr(Machine, "acme", acme, raising=False)
    with tenant_scope(acme.tenant.id, acme.admin.id):
        for measure, limit, reserve in (("runs", 10_000, None), ("tokens", 10**7, 20), ("usd", 10**6, "0.02")):
            common = {"tenant_id": acme.tenant.id, "name": measure, "period": "month"}
            Budget.objects.create(**common, measure=measure, limit=limit, reserve=reserve)
    run_state_machine_as_test(
        Machine,
        settings=settings(
            max_examples=max(3, RUNS // 4),
            stateful_step_count=12,
            deadline=None,
            phases=[Phase.generate],  # to shrink takes minutes, and chance decides when a kill hits
            database=None,
            suppress_health_check=list(HealthCheck),
            report_multiple_bugs=False,
        ),
    )
