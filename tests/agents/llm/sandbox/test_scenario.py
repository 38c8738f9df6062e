"""Scripted conversations: reading them, when they apply, when the rules take over."""

from pathlib import Path

import pytest
from openai import AsyncOpenAI

from agents.llm.sandbox.scenario import Scenario, ScenarioError, load_scenarios, scenario_folders
from agents.llm.sandbox.thread import running
from tests.agents.llm.sandbox.offers import (
    APPROVALS,
    DIAGNOSE,
    HELPDESK,
    RESTART,
    after,
    body,
    calls_of,
    reply_to,
)

HELPDESK_TOML = """
[[turns]]
user = "Our login page returns 503"
[[turns.replies]]
say = "Let me look at it."
calls = [{ tool = "run_diagnostic", args = { command = "curl -I login" } }]
[[turns.replies]]
say = "It says {result} - I restart it."
calls = [{ tool = "restart_service", args = { service_name = "auth" } }]
[[turns.replies]]
say = "Done: {result}"
[turns.human]
confirmed = true

[[turns]]
user = "Who are you?"
[[turns.replies]]
say = "The helpdesk."
"""
DOCS_TOML = """
[[turns]]
user = "Who are you?"
[[turns.replies]]
say = "The documentation."

[[turns]]
user = "Our login page returns 503"
[[turns.replies]]
say = "The manual says: wait."
"""
SAID = "Our login page returns 503"
LOOKED = ("run_diagnostic", {"command": "curl -I login"}, "HTTP 503")


@pytest.fixture
def app(tmp_path: Path) -> Path:
    for name, text in (("agents/helpdesk", HELPDESK_TOML), ("agents/docs-bot", DOCS_TOML)):
        folder = tmp_path / "catalog" / name
        folder.mkdir(parents=True)
        (folder / "scenario.toml").write_text(text, encoding="utf-8")
    (tmp_path / "catalog" / "agents" / "plain").mkdir()
    return tmp_path


@pytest.fixture
def scenarios(app: Path) -> tuple[Scenario, ...]:
    return load_scenarios(scenario_folders([app]))


def test_folders_with_a_scenario_are_found_in_both_places(app: Path, tmp_path: Path) -> None:
    own = tmp_path / "components" / "greeter"
    own.mkdir(parents=True)
    (own / "scenario.toml").write_text(DOCS_TOML, encoding="utf-8")
    found = scenario_folders([app, tmp_path / "nothing"])
    assert [folder.name for folder in found] == ["docs-bot", "helpdesk", "greeter"]
    assert [scenario.component for scenario in load_scenarios(found)] == ["docs-bot", "helpdesk", "greeter"]


def test_a_scripted_prompt_is_played_reply_by_reply(scenarios: tuple[Scenario, ...]) -> None:
    first = reply_to("  our LOGIN page\nreturns 503 ", HELPDESK, scenarios)
    assert first.say == "Let me look at it."
    assert calls_of(first) == [("run_diagnostic", {"command": "curl -I login"})]
    messages = after(SAID, LOOKED)
    second = reply_to(messages, HELPDESK, scenarios)
    assert second.say == "It says HTTP 503 - I restart it."
    assert calls_of(second) == [("restart_service", {"service_name": "auth"})]
    restarted = after(SAID, ("restart_service", {"service_name": "auth"}, "Service auth restarted."))
    renamed = [{**restarted[1], "tool_calls": [{**restarted[1]["tool_calls"][0], "id": "call_9"}]}]
    third = reply_to([*messages, *renamed, {**restarted[2], "tool_call_id": "call_9"}], HELPDESK, scenarios)
    assert third.say == "Done: Service auth restarted."
    assert third.calls == ()


def test_a_scenario_waits_until_all_its_tools_are_offered(scenarios: tuple[Scenario, ...]) -> None:
    assert calls_of(reply_to(SAID, [DIAGNOSE], scenarios)) == []
    assert reply_to(SAID, [DIAGNOSE], scenarios).say == "The manual says: wait."
    assert calls_of(reply_to(SAID, [DIAGNOSE, RESTART], scenarios)) != []


def test_the_system_message_decides_between_components(scenarios: tuple[Scenario, ...]) -> None:
    ask = {"role": "user", "content": "Who are you?"}
    for system, answer in (
        ("You are Helpdesk, be kind.", "The helpdesk."),
        ("You are the Docs Bot.", "The documentation."),
    ):
        assert reply_to([{"role": "system", "content": system}, ask], None, scenarios).say == answer


@pytest.mark.parametrize("result", ["Rejected: not during office hours", "Error: no such host"])
def test_a_refusal_or_an_error_hands_over_to_the_rules(scenarios: tuple[Scenario, ...], result: str) -> None:
    reply = reply_to(after(SAID, (*LOOKED[:2], result)), HELPDESK, scenarios)
    assert reply.calls == ()
    assert "restart" not in reply.say
    assert result.partition(": ")[2] in reply.say


def test_another_course_of_events_hands_over_to_the_rules(scenarios: tuple[Scenario, ...]) -> None:
    messages = after(SAID, ("restart_service", {"service_name": "db"}, "Service db restarted."))
    assert "Service db restarted." in reply_to(messages, HELPDESK, scenarios).say


def test_an_unscripted_prompt_is_left_to_the_rules(scenarios: tuple[Scenario, ...]) -> None:
    assert calls_of(reply_to("Delete user U-7788", APPROVALS, scenarios)) == [
        ("delete_user_account", {"user_id": "U-7788"})
    ]


async def test_the_server_plays_scenarios_with_markers_around_them(scenarios: tuple[Scenario, ...]) -> None:
    with running(scenarios=scenarios) as url:
        async with AsyncOpenAI(base_url=url, api_key="any", max_retries=0) as client:
            answer = await client.chat.completions.create(**body("[[ttft:1]] Who are you?"))
    assert answer.choices[0].message.content in ("The helpdesk.", "The documentation.")


@pytest.mark.parametrize(
    "text",
    [
        "turns = 3",
        "not toml",
        "[[turns]]\nuser = ''\n",
        "[[turns]]\nuser = 'x'\n",
        "[[turns]]\nuser = 'x'\nsays = 'y'\n[[turns.replies]]\nsay = 'z'\n",
        "[[turns]]\nuser = 'x'\n[[turns.replies]]\nspeak = 'z'\n",
        "[[turns]]\nuser = 'x'\n[[turns.replies]]\ncalls = [{ args = {} }]\n",
        "[[turns]]\nuser = 'x'\n[[turns.replies]]\ncalls = [{ tool = 't', args = 3 }]\n",
    ],
)
def test_a_broken_scenario_names_its_file(tmp_path: Path, text: str) -> None:
    (tmp_path / "scenario.toml").write_text(text, encoding="utf-8")
    with pytest.raises(ScenarioError, match=r"scenario\.toml"):
        load_scenarios([tmp_path])
