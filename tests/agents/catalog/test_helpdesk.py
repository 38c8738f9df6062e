"""Helpdesk: its declaration, its tools, and its scenario against the sandbox model."""

from __future__ import annotations

import pytest

from agentos.core.errors import ToolFailed
from agentos.core.types import JsonObject
from agents.catalog.agents.helpdesk.spec import helpdesk
from agents.checks import check_component
from agents.engine.tools import Level
from tests.agents.catalog.playing import CONTEXT, model_of, play, turns

TURNS = turns(helpdesk)


def test_it_declares_what_governs_it() -> None:
    assert check_component(helpdesk) == []
    assert (helpdesk.guards, helpdesk.output_guards) == (
        ("moderation", "pii", "secrets:redact", "injection"),
        ("secrets", "pii"),
    )
    levels = {tool.name: tool.level for tool in helpdesk.tools}
    assert levels == {
        "restart_service": Level.CONFIRM,
        "create_support_ticket": Level.INPUT,
        "run_diagnostic": Level.EXTERNAL,
        "ask_user": Level.ALLOW,
    }
    # What a machine prints may hold what strangers wrote, in a log's lines for example.
    assert [tool.name for tool in helpdesk.tools if tool.reads] == ["run_diagnostic"]
    ask = helpdesk.tool("ask_user")
    ticket = helpdesk.tool("create_support_ticket")
    assert ask is not None
    assert ask.asks == "questions"
    assert ticket is not None
    assert ticket.input_fields == ("priority",)


def test_every_quick_prompt_and_every_tool_has_a_scripted_turn() -> None:
    assert {turn["user"] for turn in TURNS} >= set(helpdesk.quick_prompts)
    called = {call["tool"] for turn in TURNS for reply in turn["replies"] for call in reply.get("calls", [])}
    assert called == {tool.name for tool in helpdesk.tools}


@pytest.mark.parametrize("turn", TURNS, ids=lambda turn: turn["user"])
async def test_the_scenario_plays(turn: JsonObject) -> None:
    async with model_of(helpdesk) as model:
        replies = await play(model, helpdesk, turn["user"], turn.get("human"))
    assert len(replies) == len(turn["replies"])
    for reply, scripted in zip(replies, turn["replies"], strict=True):
        assert [call.name for call in reply.tool_calls] == [call["tool"] for call in scripted.get("calls", [])]
        assert reply.text.startswith(scripted.get("say", "").partition("{result}")[0].strip())


async def test_an_issue_is_answered_with_a_question_and_an_order_with_the_tool() -> None:
    async with model_of(helpdesk) as model:
        (issue,) = await play(model, helpdesk, "Our login page returns 503")
        ordered, done = await play(model, helpdesk, "Restart the auth service", {"confirmed": True})
    assert "?" in issue.text
    assert [(call.name, call.arguments) for call in ordered.tool_calls] == [
        ("restart_service", '{"service_name":"auth"}')
    ]
    assert "Restarted auth" in done.text
    assert "demo back end" in done.text


async def test_a_refused_restart_is_told_with_its_reason() -> None:
    human = {"confirmed": False, "note": "not during the quarter close"}
    async with model_of(helpdesk) as model:
        replies = await play(model, helpdesk, "Restart the auth service", human)
    assert "not during the quarter close" in replies[-1].text
    assert "Done." not in replies[-1].text


async def test_an_order_that_is_not_scripted_still_finds_its_tool() -> None:
    async with model_of(helpdesk) as model:
        replies = await play(model, helpdesk, "Please restart the billing service", {"confirmed": True})
    assert "Restarted billing" in replies[-1].text


async def test_a_ticket_number_belongs_to_the_call() -> None:
    ticket = helpdesk.tool("create_support_ticket")
    assert ticket is not None
    arguments = ticket.validate({"title": "VPN", "description": "It drops."})
    first, again = await ticket.call(CONTEXT, arguments), await ticket.call(CONTEXT, arguments)
    assert first == again
    # Fixed by the key alone: a number that changed between processes or versions would fail here.
    assert first.startswith('Opened TKT-1904: "VPN", priority medium.')


@pytest.mark.parametrize(
    ("name", "arguments"),
    [
        ("run_diagnostic", {"command": "uptime"}),
        (
            "ask_user",
            {"questions": [{"question": "Which?", "header": "Which", "options": [{"label": "a"}, {"label": "b"}]}]},
        ),
    ],
)
async def test_what_the_user_does_is_never_done_here(name: str, arguments: JsonObject) -> None:
    tool = helpdesk.tool(name)
    assert tool is not None
    with pytest.raises(ToolFailed):
        await tool.call(CONTEXT, tool.validate(arguments))


@pytest.mark.parametrize(
    "question",
    [
        {"question": "Which?", "header": "Which", "options": [{"label": "only one"}]},
        {"question": "Which?", "header": "Which", "options": [{"label": str(n)} for n in range(5)]},
        {"question": "Which?", "header": "A header too long", "options": [{"label": "a"}, {"label": "b"}]},
        {"question": "", "header": "Which", "options": [{"label": "a"}, {"label": "b"}]},
    ],
)
def test_questions_have_two_to_four_answers_and_a_short_header(question: JsonObject) -> None:
    ask = helpdesk.tool("ask_user")
    assert ask is not None
    with pytest.raises(ToolFailed, match="questions"):
        ask.validate({"questions": [question]})


def test_what_a_call_will_do_is_said_in_plain_words() -> None:
    said = {
        "restart_service": ({"service_name": "auth"}, "Restart the auth service"),
        "create_support_ticket": ({"title": "VPN", "description": "x"}, "Open a support ticket: VPN"),
        "run_diagnostic": ({"command": "uptime"}, "Run this on your side and send back what it prints: uptime"),
    }
    for name, (arguments, text) in said.items():
        tool = helpdesk.tool(name)
        assert tool is not None
        assert tool.effect_text(arguments) == text
