"""The level in force: never below the strictest of code and matching rules, unless a rule says that it loosens."""

from __future__ import annotations

from dataclasses import replace
from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from agents.engine.tools import Level, Tool
from governance.policy import rules
from governance.policy.conditions import parse
from governance.policy.rules import CONSENT, Call, Rule, Terms, decide
from tests.governance.conftest import refund

_LEVELS = st.sampled_from(CONSENT)
_RULES = st.builds(
    Rule,
    name=st.just("rule"),
    tool=st.sampled_from(["refund", "re*", "*", "other"]),
    level=_LEVELS,
    component=st.sampled_from(["", "approvals", "agent:approvals", "agent:other", "*"]),
    role=st.sampled_from(["", "member", "admin"]),
    conditions=st.sampled_from([(), (parse("amount >= 500"),), (parse("amount < 500"),), (parse("missing > 1"),)]),
    loosens=st.booleans(),
)


def call(level: Level = Level.CONFIRM, amount: object = 250, **changes: object) -> Call:
    tool: Tool = replace(refund, level=level)
    return replace(Call(tool, "agent:approvals", "member", {"amount": amount}), **changes)  # type: ignore[arg-type]


def strictness(level: Level) -> int:
    return CONSENT.index(level)


@given(st.lists(_RULES, max_size=8), _LEVELS, st.sampled_from([1, 499, 500, "x", None]))
def test_never_below_the_strictest(drawn: list[Rule], level: Level, amount: object) -> None:
    asked = call(level, amount)
    found = decide(asked, drawn)
    matching = [rule for rule in drawn if decide(asked, [replace(rule, loosens=False)]).matching]
    tightening = [strictness(rule.level) for rule in matching if not rule.loosens]
    assert strictness(found.level) >= max(tightening, default=0)
    if not any(rule.loosens for rule in matching):
        assert strictness(found.level) == max([strictness(level), *tightening])
    if found.rule is not None:
        assert found.rule in found.matching
        assert found.rule.level is found.level


@given(st.lists(_RULES, max_size=8), _RULES)
def test_one_more_rule_that_tightens_never_loosens(drawn: list[Rule], more: Rule) -> None:
    tightening = replace(more, loosens=False)
    before, after = decide(call(), drawn), decide(call(), [*drawn, tightening])
    assert strictness(after.level) >= strictness(before.level)


def test_what_cannot_be_judged_tightens_and_does_not_loosen() -> None:
    unclear = Rule("r", "refund", Level.APPROVE, conditions=(parse("amount >= 500"),))
    assert decide(call(amount="a lot"), [unclear]).level is Level.APPROVE
    assert decide(call(amount=1), [unclear]).level is Level.CONFIRM
    loosening = replace(unclear, level=Level.ALLOW, loosens=True)
    assert decide(call(amount="a lot"), [loosening]).level is Level.CONFIRM
    assert decide(call(amount=500), [loosening]).level is Level.ALLOW


def test_of_a_question_about_any_arguments_the_rules_that_depend_on_them_are_told() -> None:
    rule = Rule("r", "refund", Level.DENY, conditions=(parse("amount >= 500"),))
    for_role = Rule("s", "refund", Level.DENY, role="member")
    found = decide(call(arguments=None, role=None), [rule, for_role])
    assert (found.level, found.perhaps) == (Level.CONFIRM, (rule, for_role))


def test_what_waits_for_data_is_only_denied() -> None:
    for level in (Level.INPUT, Level.EXTERNAL):
        assert decide(call(level), [Rule("r", "*", Level.APPROVE)]).level is level
        assert decide(call(level), [Rule("r", "*", Level.ALLOW, loosens=True)]).level is level
        assert decide(call(level), [Rule("r", "*", Level.DENY)]).level is Level.DENY


def test_the_terms_of_all_rules_have_to_be_met() -> None:
    ann, bob, eve = UUID(int=1), UUID(int=2), UUID(int=3)
    first = Terms(2, ("finance",), (ann, bob), 24, "admin", 8)
    second = Terms(1, ("legal",), (bob, eve), 48, "auditor", 4, separate=True, reasoned=True)
    drawn = [Rule("a", "*", Level.APPROVE, terms=first), Rule("b", "refund", Level.APPROVE, terms=second)]
    found = decide(call(), [*drawn, Rule("c", "*", Level.CONFIRM)])
    assert found.terms == Terms(2, ("finance", "legal"), (bob,), 24, "auditor", 4, separate=True, reasoned=True)
    assert found.rule is drawn[0]


def test_a_rule_that_only_says_how_an_approval_is_given_is_named_too() -> None:
    two = Rule("rule 1", "refund", Level.APPROVE, terms=Terms(quorum=2))
    plain, big = (
        Rule("rule 2", "*", Level.APPROVE),
        Rule("rule 3", "refund", Level.DENY, conditions=(parse("amount > 500"),)),
    )
    asked = decide(call(Level.APPROVE), [two, plain, big])
    assert (asked.rule, asked.because) == (None, (two,))
    assert asked.why == "the tool itself; rule 1 (refund): approve, by 2 people"
    assert decide(call(Level.CONFIRM), [plain, two]).why == "rule 2 (*): approve; rule 1 (refund): approve, by 2 people"
    assert decide(call(Level.APPROVE, 501), [two, plain, big]).because == (big,)
    assert decide(call(Level.APPROVE), [plain]).why == "the tool itself"


def test_untrusted_content_raises_by_one() -> None:
    assert [rules.raised(level) for level in CONSENT] == [Level.CONFIRM, Level.APPROVE, Level.APPROVE, Level.DENY]
