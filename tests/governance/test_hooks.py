"""What the loop is told before a tool runs: allow, refuse, or whom to ask for what."""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated, Any, Literal
from uuid import UUID

import pytest
from pydantic import BaseModel, Field

from accounts.principals import Principal
from agentos.core.ids import new_id
from agentos.core.types import JsonObject
from agents.engine.run_info import RunInfo
from agents.engine.spec import AgentSpec
from agents.engine.status import PauseKind, StepKind, StepState
from agents.engine.steps import StepRecord
from agents.engine.tools import Level, Tool, tool
from agents.engine.verdicts import Allow, Refuse, Require, Verdict
from governance import access, asked_before
from governance.asked_before import Before
from governance.hooks import Governance
from governance.policy import in_force
from governance.services import standing_rules
from tests.governance.conftest import ARGUMENTS, refund

SPEC = AgentSpec(id="desk", instructions="Help.")
INFO = RunInfo(UUID(int=1), UUID(int=2), UUID(int=3), "s", SPEC, "m", "Hello")


@pytest.fixture(autouse=True)
def _may(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the run's user run everything and call everything; `test_access` has those who may not."""
    held = frozenset({"agents:run", "tools:call"})
    user = Principal(INFO.user_id, INFO.tenant_id, "acme", "m@acme.test", "M", "member", held, role_scopes=held)

    async def acting(**run: Any) -> Principal:
        return user

    monkeypatch.setattr(access, "acting", acting)
    monkeypatch.setattr(in_force, "load", lambda tenant_id: in_force.InForce())  # `test_policies` has those with rules
    monkeypatch.setattr(standing_rules, "find", lambda *call: None)  # `test_standing_rules` has those with rules
    monkeypatch.setattr(asked_before, "read", lambda *call: Before(0, 0, 0))  # `test_asked_before` has those with more


class Option(BaseModel):
    label: str
    description: str = ""


class Question(BaseModel):
    question: str
    options: list[Option]
    multi_select: bool = False


@tool(level="confirm", says="Restart {service}")
async def restart(service: str) -> str:
    """Restart a service."""
    return service


@tool(level="input", input_fields=("priority", "days", "urgent"), says="Open {title}")
async def open_ticket(
    title: str,
    priority: Annotated[Literal["low", "high"], Field(description="How urgent")] = "low",
    days: int | None = None,
    urgent: bool = False,
) -> str:
    """Open a ticket."""
    return title


@tool(level="external", says="Run {command}")
async def diagnose(command: str) -> str:
    """Run a command on the user's side."""
    return command


@tool(asks="questions")
async def ask_user(questions: list[Question]) -> str:
    """Ask."""
    return ""


@tool(asks="fields")
async def get_input(user_input_fields: list[dict[str, Any]]) -> str:
    """Ask for fields."""
    return ""


async def before(
    used: Tool,
    arguments: JsonObject,
    *,
    asked: PauseKind | None = None,
    answer: JsonObject | None = None,
    attempts: int = 0,
) -> Verdict:
    request: JsonObject = {"arguments": arguments}
    if asked:
        request["requirement"] = {"kind": asked.value}
    state = StepState.ANSWERED if answer is not None else StepState.STARTED
    step = StepRecord(new_id(), "1.0", StepKind.TOOL, used.name, state, request, answer=answer, attempts=attempts)
    return await Governance().before_tool(INFO, used, step, arguments)


def required(verdict: Verdict) -> JsonObject:
    assert isinstance(verdict, Require)
    assert verdict.requirement["kind"] == verdict.kind.value
    return verdict.requirement


async def test_what_needs_no_consent_runs_and_what_is_denied_does_not() -> None:
    assert await before(replace(restart, level=Level.ALLOW), {"service": "auth"}) == Allow()
    assert isinstance(await before(replace(restart, level=Level.DENY), {"service": "auth"}), Refuse)
    assert isinstance(await before(replace(ask_user, level=Level.DENY), {"questions": []}), Refuse)
    denied, said = replace(restart, level=Level.DENY), {"confirmed": True}
    answered = await before(denied, {"service": "auth"}, asked=PauseKind.CONFIRMATION, answer=said)
    assert isinstance(answered, Refuse)


async def test_a_confirmation_shows_what_will_happen() -> None:
    shown = required(await before(restart, {"service": "auth"}))
    assert (shown["kind"], shown["effect_text"]) == ("confirmation", "Restart auth")
    assert shown["requires_confirmation"] is True
    assert shown["approval_id"] is None


async def test_an_input_names_its_fields_with_types_proposals_and_choices() -> None:
    shown = required(await before(open_ticket, {"title": "VPN", "priority": "high"}))
    assert shown["user_input_schema"] == [
        {
            "name": "priority",
            "field_type": "str",
            "description": "How urgent",
            "value": "high",
            "options": ["low", "high"],
        },
        {"name": "days", "field_type": "int", "description": "", "value": None},
        {"name": "urgent", "field_type": "bool", "description": "", "value": None},
    ]
    assert shown["requires_user_input"] is True
    assert shown["requires_confirmation"] is False


async def test_fields_may_be_made_up_by_the_model() -> None:
    asked = [{"field_name": "city", "field_type": "str", "field_description": "Where to"}]
    shown = required(await before(get_input, {"user_input_fields": asked}))
    assert shown["kind"] == "user_input"
    assert shown["user_input_schema"] == [
        {"name": "city", "field_type": "str", "description": "Where to", "value": None}
    ]
    assert isinstance(await before(get_input, {"user_input_fields": []}), Refuse)


async def test_questions_come_with_their_options() -> None:
    question = {"question": "Which one?", "header": "One", "options": [{"label": "A"}], "multi_select": True}
    shown = required(await before(ask_user, {"questions": [question]}))
    assert shown["kind"] == "feedback"
    assert shown["user_feedback_schema"] == [
        {**question, "options": [{"label": "A", "description": ""}]},
    ]


async def test_an_external_call_is_the_callers() -> None:
    shown = required(await before(diagnose, {"command": "uptime"}))
    assert (shown["kind"], shown["external_execution_required"]) == ("external", True)


async def test_an_approval_brings_its_row_and_its_audit() -> None:
    verdict = await before(refund, ARGUMENTS)
    shown = required(verdict)
    assert isinstance(verdict, Require)
    assert shown["approval_url"] == f"/admin/governance/approval/{shown['approval_id']}/change/"
    assert shown["effect_text"] == "Refund $250.00 to C-1042"
    assert shown["expires_at"].endswith("Z")
    assert len(verdict.statements) == 3  # its user's turn, room for it, its row
    (entry,) = verdict.audit
    assert (entry.action, entry.object_id) == ("approval.requested", shown["approval_id"])
    assert "C-1042" not in str(entry.detail)


@pytest.mark.parametrize("used", [restart, refund], ids=lambda used: used.name)
@pytest.mark.parametrize(
    "answer",
    [{"confirmed": False, "note": "Not today"}, {"confirmed": False}, {"confirmed": "yes"}, {}, {"values": {}}],
)
async def test_anything_but_a_yes_refuses(used: Tool, answer: JsonObject) -> None:
    kind = PauseKind.APPROVAL if used is refund else PauseKind.CONFIRMATION
    arguments = ARGUMENTS if used is refund else {"service": "auth"}
    verdict = await before(used, arguments, asked=kind, answer=answer)
    assert isinstance(verdict, Refuse)
    assert verdict.reason == answer.get("note", verdict.reason)


async def test_a_yes_to_a_confirmation_runs() -> None:
    said = {"confirmed": True}
    assert await before(restart, {"service": "a"}, asked=PauseKind.CONFIRMATION, answer=said) == Allow()


async def test_a_yes_to_an_approval_runs_only_with_the_statement_that_spends_it() -> None:
    verdict = await before(refund, ARGUMENTS, asked=PauseKind.APPROVAL, answer={"confirmed": True})
    assert isinstance(verdict, Allow)
    assert len(verdict.statements) == 1


async def test_a_tool_that_grew_stricter_while_it_waited_asks_for_the_stricter_consent() -> None:
    said = {"confirmed": True}
    grown = replace(restart, level=Level.APPROVE)
    verdict = await before(grown, {"service": "a"}, asked=PauseKind.CONFIRMATION, answer=said)
    assert required(verdict)["approval_id"]
    values = {"values": {"priority": "low"}}
    confirmed = replace(open_ticket, level=Level.CONFIRM)
    verdict = await before(confirmed, {"title": "t"}, asked=PauseKind.USER_INPUT, answer=values)
    assert required(verdict)["kind"] == "confirmation"


async def test_a_tool_that_became_another_kind_asks_for_that() -> None:
    external = replace(restart, level=Level.EXTERNAL)
    for asked, answer in [
        (PauseKind.USER_INPUT, {"values": {}}),
        (PauseKind.CONFIRMATION, {"confirmed": True}),
        (PauseKind.APPROVAL, {"confirmed": True}),
    ]:
        verdict = await before(external, {"service": "a"}, asked=asked, answer=answer)
        assert required(verdict)["kind"] == "external"


async def test_a_consent_that_was_asked_for_is_used_even_when_the_tool_needs_less_by_now() -> None:
    said = {"confirmed": True}
    for level in (Level.ALLOW, Level.CONFIRM):
        loosened = await before(replace(refund, level=level), ARGUMENTS, asked=PauseKind.APPROVAL, answer=said)
        assert isinstance(loosened, Allow)
        assert len(loosened.statements) == 1
    plain = replace(restart, level=Level.ALLOW)
    assert await before(plain, {"service": "a"}, asked=PauseKind.CONFIRMATION, answer=said) == Allow()


async def test_asking_anew_asks_for_no_less_than_before() -> None:
    for level in (Level.ALLOW, Level.CONFIRM):
        again = await before(replace(refund, level=level), ARGUMENTS, asked=PauseKind.APPROVAL)
        assert required(again)["kind"] == "approval"
    again = await before(replace(restart, level=Level.ALLOW), {"service": "a"}, asked=PauseKind.CONFIRMATION)
    assert required(again)["kind"] == "confirmation"
    again = await before(replace(restart, level=Level.APPROVE), {"service": "a"}, asked=PauseKind.CONFIRMATION)
    assert required(again)["kind"] == "approval"
    assert isinstance(await before(replace(refund, level=Level.DENY), ARGUMENTS, asked=PauseKind.APPROVAL), Refuse)


async def test_filled_fields_run() -> None:
    values = {"values": {"priority": "low"}}
    assert await before(open_ticket, {"title": "t"}, asked=PauseKind.USER_INPUT, answer=values) == Allow()


async def test_a_reconciled_call_runs_again_but_never_on_a_spent_approval() -> None:
    outcome = {"outcome": "not_happened"}
    again = await before(restart, {"service": "a"}, asked=PauseKind.RECONCILE, answer=outcome)
    assert again == Allow()
    assert isinstance(await before(refund, ARGUMENTS, asked=PauseKind.RECONCILE, answer=outcome), Refuse)
    forged = {"confirmed": True}
    assert isinstance(await before(restart, {"service": "a"}, asked=PauseKind.RECONCILE, answer=forged), Refuse)


async def test_what_cannot_be_decided_is_refused() -> None:
    assert isinstance(await before(refund, {**ARGUMENTS, "amount": float("nan")}), Refuse)
    step = StepRecord(
        new_id(), "1.0", StepKind.TOOL, "restart", StepState.ANSWERED,
        {"requirement": {"kind": "something new"}}, answer={"confirmed": True},
    )  # fmt: skip
    assert isinstance(await Governance().before_tool(INFO, restart, step, {"service": "a"}), Refuse)
