"""Approvals: its declaration, its tools, and its scenario against the sandbox model."""

from __future__ import annotations

import pytest

from agentos.core.errors import ToolFailed
from agentos.core.types import JsonObject
from agents.catalog.agents.approvals.spec import approvals
from agents.checks import check_component
from agents.engine.tools import Level, Tool
from tests.agents.catalog.playing import CONTEXT, model_of, play, turn, turns

TURNS = turns(approvals)
REFUND = {"customer_id": "C-1042", "amount": 250, "reason": "Billed twice"}


def tool(name: str) -> Tool:
    found = approvals.tool(name)
    assert found is not None
    return found


def test_it_declares_what_governs_it() -> None:
    assert check_component(approvals) == []
    assert {tool.name: (tool.level, tool.repeat) for tool in approvals.tools} == {
        "process_refund": (Level.APPROVE, "once"),
        "delete_user_account": (Level.APPROVE, "once"),
        "export_customer_data": (Level.CONFIRM, "idempotent"),
        "generate_report": (Level.CONFIRM, "read_only"),
    }


def test_every_quick_prompt_and_every_tool_has_a_scripted_turn() -> None:
    assert {turn["user"] for turn in TURNS} >= set(approvals.quick_prompts)
    called = {call["tool"] for turn in TURNS for reply in turn["replies"] for call in reply.get("calls", [])}
    assert called == {tool.name for tool in approvals.tools}


@pytest.mark.parametrize("user", [turn["user"] for turn in TURNS])
async def test_the_scenario_plays(user: str) -> None:
    scripted = turn(approvals, user)
    human = scripted.get("human", {})
    async with model_of(approvals) as model:
        replies = await play(model, approvals, user, human)
    assert len(replies) == len(scripted["replies"])
    for reply, script in zip(replies, scripted["replies"], strict=True):
        assert [call.name for call in reply.tool_calls] == [call["tool"] for call in script.get("calls", [])]
    last = replies[-1].text
    if human.get("approved") is False:
        assert human["note"] in last
        assert "done" not in last.lower()
    elif human:
        assert "demo back end" in last


async def test_an_order_that_is_not_scripted_still_finds_its_tool() -> None:
    said = "Refund $42.50 to customer C-77 because the parcel was late"
    async with model_of(approvals) as model:
        replies = await play(model, approvals, said, {"approved": True})
    assert "$42.50 to C-77" in replies[-1].text


async def test_reference_numbers_belong_to_the_call() -> None:
    refund = tool("process_refund")
    first = await refund.call(CONTEXT, refund.validate(REFUND))
    assert first == await refund.call(CONTEXT, refund.validate(REFUND))
    # Fixed by the key alone: a number that changed between processes or versions would fail here.
    assert first.startswith("Refund REF-22233: $250.00 to C-1042 is booked (Billed twice).")


@pytest.mark.parametrize("amount", [0, -5, "1e400", "NaN", "12.345", 10**12, "a lot"])
def test_an_amount_is_money(amount: object) -> None:
    with pytest.raises(ToolFailed, match="amount"):
        tool("process_refund").validate({**REFUND, "amount": amount})


@pytest.mark.parametrize(
    ("name", "arguments", "text"),
    [
        ("process_refund", REFUND, "Refund $250.00 to C-1042"),
        ("process_refund", {**REFUND, "amount": 19.9}, "Refund $19.90 to C-1042"),
        ("delete_user_account", {"user_id": "U-7788"}, "Delete the account U-7788 for good"),
        ("export_customer_data", {"customer_id": "ALL"}, "Export all data held on ALL"),
        (
            "generate_report",
            {"report_type": "churn", "period": "2026-Q1"},
            "Generate the churn report for 2026-Q1",
        ),
    ],
)
def test_what_a_call_will_do_is_said_in_plain_words(name: str, arguments: JsonObject, text: str) -> None:
    assert tool(name).effect_text(arguments) == text
