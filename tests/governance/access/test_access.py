"""May she? Layers, the one that decides, the gate that asks the same, and the tools that a model is told of."""

from __future__ import annotations

import gc
from dataclasses import replace
from itertools import count
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from accounts import scopes
from accounts.principals import Principal
from agentos.core.errors import AgentOSError, PolicyDenied
from agentos.core.ids import new_id
from agents.engine.run_info import RunInfo
from agents.engine.spec import AgentSpec
from agents.engine.status import PauseKind, StepKind, StepState
from agents.engine.steps import StepRecord
from agents.engine.tools import Level, Tool, tool
from agents.engine.verdicts import Refuse
from governance import access
from governance.access import Answer, Outcome, Question, judge, offering
from governance.hooks import Governance
from governance.policy import in_force

pytestmark = pytest.mark.usefixtures("database")  # the layer of the kill switches asks it

TENANT, USER = UUID(int=2), UUID(int=3)
IDS = ("helpdesk", "a:b", "*", "x run", "ä/é", "help*", "agents", "run", "{agent_id}", "'; --")
POOL = (
    *(f"agents:{name}:run" for name in IDS),
    *(f"tools:{name}:call" for name in IDS),
    "agents:run", "agents:*:run", "agents:read", "tools:call", "tools:*:call", "agents:*", "tools:*", "*", scopes.ADMIN,
)  # fmt: skip
SCOPES = st.frozensets(st.sampled_from(POOL), max_size=5)


@tool()
async def look(place: str) -> str:
    """Look."""
    return place


def principal(
    role: frozenset[str], grants: frozenset[str] = frozenset(), limits: frozenset[str] | None = None
) -> Principal:
    found = Principal(USER, TENANT, "acme", "m@acme.test", "M", "member", role | grants, role, grants)
    return found if limits is None else found.narrowed(limits)


def named(spec_id: str, *tools: Tool) -> AgentSpec:
    return AgentSpec(id=spec_id, instructions="Help.", tools=tools)


def run_of(spec: AgentSpec) -> RunInfo:
    return RunInfo(new_id(), TENANT, USER, "s", spec, "m", "Hello")


@pytest.fixture(autouse=True)
def _no_rules(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the tools' own levels stand; `test_policies` has tenants with rules."""
    monkeypatch.setattr(in_force, "load", lambda tenant_id: in_force.InForce())


@pytest.fixture
def acts_for(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Say for whom every run acts."""

    def set_to(user: Principal | None) -> None:
        async def acting(**run: Any) -> Principal | None:
            return user

        monkeypatch.setattr(access, "acting", acting)

    return set_to


PRINCIPALS = st.one_of(st.none(), st.builds(principal, SCOPES, SCOPES, st.one_of(st.none(), SCOPES)))
TOOLS = st.builds(
    lambda name, level: replace(look, name=name, level=level), st.sampled_from(IDS), st.sampled_from(list(Level))
)


@given(PRINCIPALS, st.sampled_from(IDS), TOOLS)
async def test_the_layers_say_what_the_scopes_say(user: Principal | None, component: str, used: Tool) -> None:
    question = Question(user, named(component, used), used)
    judgement = await judge(question)
    holds = user is not None and all(user.has(right) for right in question.rights)
    assert judgement.refused is not (holds and used.level is not Level.DENY)


@given(user=PRINCIPALS, component=st.sampled_from(IDS), tools=st.lists(TOOLS, max_size=4, unique_by=lambda t: t.name))
async def test_the_explanation_the_gate_and_the_offer_agree(
    user: Principal | None, component: str, tools: list[Tool]
) -> None:
    with pytest.MonkeyPatch.context() as patch:

        async def acting(**run: Any) -> Principal | None:
            return user

        patch.setattr(access, "acting", acting)
        run, hooks = run_of(named(component, *tools)), Governance()
        explained = {used.name: await judge(Question(user, run.spec, used, {"place": "x"})) for used in tools}
        for used in tools:
            request: dict[str, Any] = {"arguments": {"place": "x"}}
            step = StepRecord(new_id(), "1.0", StepKind.TOOL, used.name, StepState.STARTED, request)
            verdict = await hooks.before_tool(run, used, step, request["arguments"])
            assert isinstance(verdict, Refuse) is explained[used.name].refused
            if isinstance(verdict, Refuse):
                assert verdict.reason == explained[used.name].decided.reason
        if (await judge(Question(user, run.spec))).refused:
            with pytest.raises(PolicyDenied) as denied:
                await hooks.offered(run)
            assert denied.value.code == "rights_lost"
            assert all(judgement.refused for judgement in explained.values())
        else:
            offered = {used.name for used in await hooks.offered(run)}
            assert offered == {name for name, judgement in explained.items() if not judgement.refused}


async def test_an_offer_that_is_too_old_keeps_nobody(monkeypatch: pytest.MonkeyPatch, acts_for: Any) -> None:
    monkeypatch.setattr(offering, "KEPT_SECONDS", 0.0)
    run, hooks = run_of(named("helpdesk", look)), Governance()
    first, second = (principal(frozenset({scopes.ADMIN})) for _ in range(2))
    for user in (first, second):
        acts_for(user)
        assert [used.name for used in await hooks.offered(run)] == ["look"]
    assert not [kept for kept in gc.get_referrers(first) if type(kept).__module__ == offering.__name__]


@given(st.sampled_from(IDS), st.sampled_from(IDS), st.text(max_size=8))
def test_one_id_is_never_another(held: str, wanted: str, other: str) -> None:
    for kind, verb in (("agents", "run"), ("tools", "call")):
        for name in (wanted, other):
            grants = scopes.grants(frozenset({f"{kind}:{held}:{verb}"}), f"{kind}:{name}:{verb}")
            assert grants is (held == name or (held == "*" and ":" not in name))


@given(SCOPES, SCOPES, st.sampled_from(POOL))
def test_narrowing_is_what_both_grant(owned: frozenset[str], asked: frozenset[str], wanted: str) -> None:
    if len(wanted.split(":")) == 3:
        both = scopes.grants(owned, wanted) and scopes.grants(asked, wanted)
        assert scopes.grants(scopes.narrow(owned, asked), wanted) is both


async def test_each_layer_can_decide() -> None:
    spec, denied = named("helpdesk", look), replace(look, level=Level.DENY)
    may = frozenset({"agents:run", "tools:call"})
    granted = frozenset({"agents:helpdesk:run", "tools:look:call"})
    cases: list[tuple[Principal | None, Tool, str, Outcome]] = [
        (None, look, "membership", Outcome.REFUSES),
        (principal(may), look, "role", Outcome.GRANTS),
        (principal(frozenset(), granted), look, "grant", Outcome.GRANTS),
        (principal(may, limits=frozenset({"agents:run"})), look, "scope", Outcome.REFUSES),
        (principal(may), denied, "policy", Outcome.REFUSES),
        (principal(may), replace(look, level=Level.APPROVE), "policy", Outcome.ASKS),
        (principal(frozenset({"agents:run"})), look, "default", Outcome.REFUSES),
        (principal(frozenset({"tools:call"})), look, "default", Outcome.REFUSES),
    ]
    for user, used, layer, outcome in cases:
        decided = (await judge(Question(user, spec, used))).decided
        assert (decided.layer, decided.outcome) == (layer, outcome)
    assert (await judge(Question(principal(may), spec, replace(look, level=Level.CONFIRM)))).kind is (
        PauseKind.CONFIRMATION
    )


async def test_a_later_layer_adds_its_line(settings: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    settings.AGENTOS_ACCESS_LAYERS = [*settings.AGENTOS_ACCESS_LAYERS, f"{__name__}.switched_off"]
    access._layers.cache_clear()
    monkeypatch.setattr(access, "_layers", access._layers.__wrapped__)
    judgement = await judge(Question(principal(frozenset({scopes.ADMIN})), named("helpdesk", look), look))
    assert (judgement.refused, judgement.decided.layer) == (True, "kill_switch")


async def switched_off(question: Question) -> list[Answer]:
    return [Answer("kill_switch", question.rights[-1], Outcome.REFUSES, "Everything stands still.")]


async def test_the_strictest_consent_is_asked_for(settings: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    settings.AGENTOS_ACCESS_LAYERS = [*settings.AGENTOS_ACCESS_LAYERS, f"{__name__}.stricter"]
    monkeypatch.setattr(access, "_layers", access._layers.__wrapped__)
    asked = replace(look, level=Level.CONFIRM)
    judgement = await judge(Question(principal(frozenset({scopes.ADMIN})), named("helpdesk", asked), asked))
    assert (judgement.kind, judgement.decided.layer) == (PauseKind.APPROVAL, "budget")


async def stricter(question: Question) -> list[Answer]:
    return [Answer("budget", question.rights[-1], Outcome.ASKS, "It costs much.", PauseKind.APPROVAL)]


async def test_a_layer_that_fails_refuses(monkeypatch: pytest.MonkeyPatch, acts_for: Any) -> None:
    acts_for(principal(frozenset({scopes.ADMIN})))
    calls = count()

    async def broken(question: Question) -> list[Answer]:
        next(calls)
        raise AgentOSError("broken")

    monkeypatch.setattr(access, "_layers", lambda: (broken,))
    run = run_of(named("helpdesk", look))
    step = StepRecord(new_id(), "1.0", StepKind.TOOL, "look", StepState.STARTED, {"arguments": {}})
    assert isinstance(await Governance().before_tool(run, look, step, {}), Refuse)
    with pytest.raises(AgentOSError):
        await Governance().offered(run)
    assert next(calls) == 2


async def test_answers_do_not_pass_a_right_that_is_gone(acts_for: Any) -> None:
    acts_for(principal(frozenset({"agents:run"})))
    used = replace(look, level=Level.CONFIRM)
    request: dict[str, Any] = {"arguments": {"place": "x"}, "requirement": {"kind": "confirmation"}}
    step = StepRecord(new_id(), "1.0", StepKind.TOOL, "look", StepState.ANSWERED, request, answer={"confirmed": True})
    verdict = await Governance().before_tool(run_of(named("helpdesk", used)), used, step, {"place": "x"})
    assert isinstance(verdict, Refuse)
