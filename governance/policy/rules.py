"""The level in force for a call: the strictest of what its tool declares and what matching rules say. Pure.

The gate, whoever explains it, the simulator and the pages all ask `decide`. Where something is unclear a rule that
tightens applies, and one that loosens does not.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from agentos.core.types import JsonObject
from agents.engine.tools import Level, Tool
from governance.policy import conditions, globs
from governance.policy.conditions import Condition

CONSENT: Final = (Level.ALLOW, Level.CONFIRM, Level.APPROVE, Level.DENY)  # from the loosest to the strictest
_STRICTNESS: Final = {level: place for place, level in enumerate(CONSENT)}
_RAISED: Final = {Level.ALLOW: Level.CONFIRM, Level.CONFIRM: Level.APPROVE}


@dataclass(frozen=True, slots=True)
class Terms:
    """How an approval is to be given. Of `roles` an approver has each, of `people` she is one where any are named."""

    quorum: int = 1
    roles: tuple[str, ...] = ()
    people: tuple[UUID, ...] | None = None
    expiry_hours: int | None = None
    escalation_role: str = ""
    escalation_hours: int | None = None
    separate: bool = False
    reasoned: bool = False


PLAIN: Final = Terms()


@dataclass(frozen=True, slots=True)
class Rule:
    """One line of a policy. An empty component or role means any; `loosens` lowers what the code says.

    `component` is a pattern on `kind:id` or on the id alone.
    """

    name: str
    tool: str
    level: Level
    component: str = ""
    role: str = ""
    conditions: tuple[Condition, ...] = ()
    loosens: bool = False
    terms: Terms = PLAIN
    note: str = ""

    def __str__(self) -> str:
        what = [self.tool, *(part for part in (self.component, self.role) if part), *map(str, self.conditions)]
        return f"{self.name} ({', '.join(what)}): {spelled(self.level, self.terms)}"


@dataclass(frozen=True, slots=True)
class Call:
    """What a decision is about. `arguments` and `role` are None for a question about any of them."""

    tool: Tool
    component: str
    role: str | None
    arguments: JsonObject | None


@dataclass(frozen=True, slots=True)
class Decision:
    """The level in force, the rule that set it (None: the tool's own), and how an approval is to be given.

    `matching` are all rules that apply, `perhaps` those that some arguments or roles would bring in.
    """

    level: Level
    rule: Rule | None = None
    terms: Terms = PLAIN
    matching: tuple[Rule, ...] = ()
    perhaps: tuple[Rule, ...] = ()

    @property
    def because(self) -> tuple[Rule, ...]:
        """Return the rule that set the level, and those that say how the approval is given."""
        approving = self.level is Level.APPROVE
        return tuple(rule for rule in self.matching if rule is self.rule or (approving and rule.terms != PLAIN))

    @property
    def why(self) -> str:
        """Name the tool itself where no rule set the level, and every rule that has a part in it."""
        return "; ".join(["the tool itself"] * (self.rule is None) + [str(rule) for rule in self.because])


def decide(call: Call, rules: Sequence[Rule]) -> Decision:
    """Return what is in force for a call. A few microseconds: every tool call waits for it."""
    matching, perhaps = [], []
    for rule in rules:
        applies = _applies(rule, call)
        if applies:
            matching.append(rule)
        elif applies is None:
            perhaps.append(rule)
    if not matching:
        return Decision(call.tool.level, perhaps=tuple(perhaps))
    level, decided = _strictest(call.tool, matching)
    terms = _merged([rule for rule in matching if rule.level is Level.APPROVE and not rule.loosens])
    return Decision(level, decided, terms, tuple(matching), tuple(perhaps))


def spelled(level: Level, terms: Terms = PLAIN) -> str:
    """Say a level in words, with what an approval takes."""
    said = [f"by {terms.quorum} people"] if terms.quorum > 1 else []
    said += [f"with the role {role}" for role in terms.roles]
    said += [f"one of {len(terms.people)} named"] if terms.people is not None else []
    said += ["by others than before"] if terms.separate else []
    said += ["with a reason"] if terms.reasoned else []
    said += [f"within {terms.expiry_hours} h"] if terms.expiry_hours else []
    said += [f"{terms.escalation_role} asked after {terms.escalation_hours} h"] if terms.escalation_role else []
    return ", ".join([level.value, *said])


def raised(level: Level) -> Level:
    """Return one level more: what a run must ask that has read untrusted content."""
    return _RAISED.get(level, level)


def under_taint(tool: Tool, level: Level) -> Level:
    """Return the level in force for a call once its run has read untrusted content.

    What only changes the user's own things is exempt, and what waits for data is looked at by her anyway.
    """
    exempt = tool.effect not in ("tenant", "outward") or asks_for_data(tool)
    return level if exempt else raised(level)


def asks_for_data(tool: Tool) -> bool:
    """Tell whether a tool waits for something else than consent: then its level stays as the code says."""
    return tool.level not in CONSENT or (bool(tool.asks) and tool.level is Level.ALLOW)


def is_stricter(level: Level, other: Level) -> bool:
    """Compare two levels of consent."""
    return _STRICTNESS[level] > _STRICTNESS[other]


def _applies(rule: Rule, call: Call) -> bool | None:
    """Tell whether a rule is about this call; None: for some arguments or roles."""
    if not globs.matches(rule.tool, call.tool.name):
        return False
    if rule.component and not _names(rule.component, call.component):
        return False
    if rule.role and call.role is not None and rule.role != call.role:
        return False
    if (rule.role and call.role is None) or (rule.conditions and call.arguments is None):
        return None
    return all(_holds(condition, call, rule) for condition in rule.conditions)


def _holds(condition: Condition, call: Call, rule: Rule) -> bool:
    found = conditions.holds(condition, call.arguments or {})
    return not rule.loosens if found is None else found


def _names(pattern: str, component: str) -> bool:
    return globs.matches(pattern, component) or globs.matches(pattern, component.partition(":")[2])


def _strictest(tool: Tool, matching: Sequence[Rule]) -> tuple[Level, Rule | None]:
    """Return the level and the rule that set it; of equally strict ones the first, the code before any rule."""
    tightening = [rule for rule in matching if not rule.loosens]
    if asks_for_data(tool):
        denying = next((rule for rule in tightening if rule.level is Level.DENY), None)
        return (Level.DENY, denying) if denying else (tool.level, None)
    level, decided = tool.level, None
    if loosening := [rule for rule in matching if rule.loosens]:
        mildest = max(loosening, key=lambda rule: _STRICTNESS[rule.level])
        if is_stricter(level, mildest.level):
            level, decided = mildest.level, mildest
    for rule in tightening:
        if is_stricter(rule.level, level):
            level, decided = rule.level, rule
    return level, decided


def _merged(rules: Sequence[Rule]) -> Terms:
    """Put the terms of all matching rules together: each of them has to be met."""
    if not rules:
        return PLAIN
    terms = [rule.terms for rule in rules]
    named = [set(one.people) for one in terms if one.people is not None]
    escalating = [one for one in terms if one.escalation_hours is not None]
    first = min(escalating, key=lambda one: one.escalation_hours or 0, default=None)
    return Terms(
        quorum=max(one.quorum for one in terms),
        roles=tuple(dict.fromkeys(role for one in terms for role in one.roles)),
        people=tuple(sorted(set.intersection(*named))) if named else None,
        expiry_hours=min((one.expiry_hours for one in terms if one.expiry_hours is not None), default=None),
        escalation_role=first.escalation_role if first else "",
        escalation_hours=first.escalation_hours if first else None,
        separate=any(one.separate for one in terms),
        reasoned=any(one.reasoned for one in terms),
    )
