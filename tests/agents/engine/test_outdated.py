"""A deploy changes a tool while one of its calls waits: nothing runs by surprise, whoever was asked is asked anew."""

from __future__ import annotations

from dataclasses import replace

import pytest

from agents.engine.loop import Completed, Paused, work
from agents.engine.outdated import asked_of, change_since
from agents.engine.ports import Ports
from agents.engine.spec import AgentSpec
from agents.engine.status import StepState
from agents.engine.steps import Statement, WriteRefused
from agents.engine.testing import MemoryJournal, PlainGates, ScriptedModel, answer, new_state, no_sleep
from agents.engine.tools import Tool, tool
from agents.engine.verdicts import Withdrawal

ran: list[str] = []


@pytest.fixture(autouse=True)
def _nothing_ran() -> None:
    ran.clear()


def paying(**declared: object) -> dict[str, Tool]:
    """Return `pay` as it was, and as deploys have made it."""
    options = {"effect": "outward", "repeat": "once", "level": "confirm", **declared}

    @tool(**options, name="pay", says="Pay {amount}")  # type: ignore[arg-type]
    async def before(amount: int, note: str = "") -> str:
        """Pay."""
        ran.append(f"pay {amount}")
        return f"paid {amount}"

    @tool(**options, name="pay", says="Pay {amount} {currency}")  # type: ignore[arg-type]
    async def more(amount: int, note: str = "", currency: str = "EUR") -> str:
        """Pay."""
        ran.append(f"pay {amount} {currency}")
        return f"paid {amount} {currency}"

    @tool(**options, name="pay", says="Pay {amount_cents}")  # type: ignore[arg-type]
    async def other(amount_cents: int) -> str:
        """Pay."""
        raise AssertionError("its arguments never fit")

    return {"before": before, "more": more, "other": other}


def spec(*tools: Tool) -> AgentSpec:
    return AgentSpec("tester", "Test.", tools=tools)


async def run(of, script, journal=None, hooks=None):
    journal = journal or MemoryJournal()
    model = ScriptedModel(script)
    ending = await work(new_state(of, "Go", journal=journal), Ports(model, journal, hooks or PlainGates(), no_sleep))
    return ending, journal, model


async def waiting(tool: Tool, **arguments: object) -> MemoryJournal:
    ending, journal, _ = await run(spec(tool), [[(tool.name, arguments or {"amount": 5})]])
    assert isinstance(ending, Paused)
    return journal


def test_what_changed_is_said_in_words() -> None:
    @tool(name="act", version="1")
    async def before(a: int, b: int, c: str = "") -> str:
        """Act."""
        return ""

    @tool(name="act", version="2")
    async def act(a: str, c: str, d: int) -> str:
        """Act."""
        return ""

    asked = {"tool": "act", "requirement": {}, **asked_of(before)}
    assert change_since(asked, before) == ""
    assert change_since(asked, act) == (
        "The tool act has changed: `d` came; `b` went; `a`, `c` changed; `c` may not be left out any more; "
        "it is version 2, was 1."
    )
    assert change_since(asked, replace(before, version="3")) == "The tool act has changed: it is version 3, was 1."
    assert change_since(asked, None) == "The tool act is gone."
    assert change_since({"tool": "act", "schema_hash": ""}, act) == ""  # nobody was asked
    unknown = {"tool": "act", "requirement": {}, "schema_hash": ""}
    assert change_since(unknown, act) == "The tool act has changed: its arguments are others."


def test_a_long_list_of_changes_is_cut() -> None:
    properties = {f"p{number}": {} for number in range(30)}
    asked = {"tool": "t", "requirement": {}, "schema": {"version": "1", "parameters": {"properties": properties}}}

    @tool()
    async def t() -> str:
        """Do."""
        return ""

    assert "`p9` and 20 more went" in change_since(asked, t)


async def test_a_yes_to_another_call_is_asked_for_anew_with_what_the_tool_needs_now() -> None:
    pay = paying()
    journal = await waiting(pay["before"])
    answer(journal, "1.0", {"confirmed": True})
    ending, journal, model = await run(spec(pay["more"]), [], journal)
    assert isinstance(ending, Paused)
    assert (ran, model.requests) == ([], [])
    step = journal.steps["1.0"]
    assert (step.state, step.answer) == (StepState.WAITING, None)
    assert step.request["arguments"] == {"amount": 5, "note": "", "currency": "EUR"}
    assert step.request["requirement"]["effect_text"] == "Pay 5 EUR"
    shown = journal.events[-1][1]["tools"][0]
    assert shown["asked_again"] == "The tool pay has changed: `currency` came."
    answer(journal, "1.0", {"confirmed": True})
    ending, journal, _ = await run(spec(pay["more"]), ["Paid"], journal)
    assert ending == Completed("Paid")
    assert ran == ["pay 5 EUR"]
    assert "schema" not in journal.steps["1.0"].request


async def test_a_run_that_comes_to_work_for_another_reason_asks_anew_what_nobody_has_answered() -> None:
    pay = paying()
    journal = await waiting(pay["before"])
    ending, journal, _ = await run(spec(pay["more"]), [], journal)
    assert isinstance(ending, Paused)
    assert journal.steps["1.0"].request["requirement"]["asked_again"]
    ending, journal, _ = await run(spec(pay["more"]), [], journal)
    assert journal.steps["1.0"].request["requirement"]["asked_again"]
    assert ran == []


async def test_arguments_that_do_not_fit_any_more_end_the_call_with_a_text_for_the_model() -> None:
    pay = paying()
    journal = await waiting(pay["before"])
    answer(journal, "1.0", {"confirmed": True})
    ending, journal, model = await run(spec(pay["other"]), ["I see"], journal)
    assert ending == Completed("I see")
    told = model.requests[0].messages[-1]["content"]
    assert told.startswith("Error: The tool pay has changed: `amount_cents` came; `amount`, `note` went. The arguments")
    assert "amount_cents: Field required" in told
    assert journal.steps["1.0"].state is StepState.FAILED


async def test_a_tool_that_is_gone_ends_the_call() -> None:
    journal = await waiting(paying()["before"])
    for said in (None, {"confirmed": True}):
        if said:
            answer(journal, "1.0", said)
        ending, after, model = await run(spec(), ["I see"], MemoryJournal(dict(journal.steps), list(journal.events)))
        assert ending == Completed("I see")
        assert model.requests[0].messages[-1]["content"] == "Error: The tool pay is gone."
        assert after.steps["1.0"].state is StepState.FAILED


async def test_a_no_stands_whatever_became_of_the_tool() -> None:
    pay = paying()
    for now in (spec(pay["more"]), spec(pay["other"]), spec()):
        journal = await waiting(pay["before"])
        answer(journal, "1.0", {"confirmed": False, "note": "too much"})
        _, journal, model = await run(now, ["I see"], journal)
        assert model.requests[0].messages[-1]["content"] == "Refused: too much"
        assert journal.steps["1.0"].state is StepState.REFUSED


@pytest.mark.parametrize("is_gone", [False, True])
async def test_what_was_done_outside_is_not_asked_for_twice(is_gone: bool) -> None:
    @tool(level="external", name="ping")
    async def before(host: str) -> str:
        """Ping."""
        raise AssertionError("never runs here")

    @tool(level="external")
    async def ping(host: str, times: int = 1) -> str:
        """Ping."""
        raise AssertionError("never runs here")

    journal = await waiting(before, host="db")
    answer(journal, "1.0", {"result": "pong"})
    ending, _, model = await run(spec() if is_gone else spec(ping), ["It answers"], journal)
    assert ending == Completed("It answers")
    assert model.requests[0].messages[-1]["content"] == "pong"


async def test_filled_fields_are_proposed_when_they_are_asked_for_anew() -> None:
    @tool(level="input", input_fields=("urgent",), name="open_ticket")
    async def before(title: str, urgent: bool = False) -> str:
        """Open."""
        ran.append(f"{title} {urgent}")
        return "open"

    @tool(level="input", input_fields=("urgent",))
    async def open_ticket(title: str, urgent: bool = False, team: str = "ops") -> str:
        """Open."""
        ran.append(f"{title} {urgent} {team}")
        return "open"

    journal = await waiting(before, title="VPN")
    answer(journal, "1.0", {"values": {"urgent": True}})
    ending, journal, _ = await run(spec(open_ticket), [], journal)
    assert isinstance(ending, Paused)
    assert journal.steps["1.0"].request["arguments"] == {"title": "VPN", "urgent": True, "team": "ops"}
    assert ran == []


@pytest.mark.parametrize(
    ("repeat", "state"),
    [("once", StepState.UNKNOWN), ("idempotent", StepState.UNKNOWN), ("read_only", StepState.FAILED)],
)
async def test_a_call_that_was_cut_is_not_made_again_as_another_one(repeat: str, state: StepState) -> None:
    effect = "none" if repeat == "read_only" else "outward"
    pay = paying(repeat=repeat, effect=effect)
    journal = await waiting(pay["before"])
    answer(journal, "1.0", {"confirmed": True})
    journal.steps["1.0"].state, journal.steps["1.0"].attempts = StepState.STARTED, 1
    _, journal, _ = await run(spec(pay["more"]), ["I see"], journal)
    assert (journal.steps["1.0"].state, ran) == (state, [])


async def test_a_call_that_was_cut_and_whose_tool_is_gone_may_have_happened() -> None:
    journal = await waiting(paying()["before"])
    answer(journal, "1.0", {"confirmed": True})
    journal.steps["1.0"].state, journal.steps["1.0"].attempts = StepState.STARTED, 1
    ending, journal, _ = await run(spec(), [], journal)
    assert isinstance(ending, Paused)
    assert journal.steps["1.0"].state is StepState.UNKNOWN
    answer(journal, "1.0", {"outcome": "happened", "result": "paid after all"})
    ending, _, model = await run(spec(), ["Good"], journal)
    assert ending == Completed("Good")
    assert model.requests[0].messages[-1]["content"] == "paid after all"


async def test_a_call_that_did_not_happen_is_not_made_as_another_one_without_asking() -> None:
    pay = paying()
    journal = await waiting(pay["before"])
    answer(journal, "1.0", {"confirmed": True})
    journal.steps["1.0"].state, journal.steps["1.0"].attempts = StepState.STARTED, 1
    await run(spec(pay["before"]), [], journal)
    answer(journal, "1.0", {"outcome": "not_happened"})
    ending, journal, _ = await run(spec(pay["more"]), [], journal)
    assert isinstance(ending, Paused)
    assert (journal.steps["1.0"].state, ran) == (StepState.WAITING, [])


class Guarding(PlainGates):
    """Takes questions back with a statement, as governance does."""

    def withdraw(self, run, step, reason):
        return Withdrawal((Statement("UPDATE", (), "It was answered."),))


class Answered(MemoryJournal):
    """A journal in which somebody answers just before a question is taken back."""

    async def commit(self, write):
        if write.statements:
            raise WriteRefused(write.statements[0].refusal)
        await super().commit(write)


async def test_an_answer_that_comes_as_the_question_is_taken_back_is_not_overwritten() -> None:
    pay = paying()
    journal = await waiting(pay["before"])
    racing = Answered(journal.steps, journal.events)
    ending, racing, _ = await run(spec(pay["more"]), [], racing, Guarding())
    assert isinstance(ending, Paused)
    assert [write.steps for write in racing.writes] == [[]]  # only the pause
    answer(racing, "1.0", {"confirmed": False, "note": "no"})
    _, _, model = await run(spec(pay["more"]), ["I see"], racing, Guarding())
    assert model.requests[0].messages[-1]["content"] == "Refused: no"


async def test_a_consent_that_cannot_be_taken_back_refuses_the_call() -> None:
    pay = paying()
    journal = await waiting(pay["before"])
    answer(journal, "1.0", {"confirmed": True})
    _, _, model = await run(spec(pay["more"]), ["I see"], Answered(journal.steps, journal.events), Guarding())
    assert model.requests[0].messages[-1]["content"] == "Refused: It was answered."
    assert ran == []
