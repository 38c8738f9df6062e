"""Replays the tool calls of the last days against other rules: what would have been decided otherwise, and how often.

Both sides are judged by `rules.decide`, as the gate judges: the rules in force now, and those that are tried. A call is
taken as the journal holds it, its caller with the role that she has today.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final, Literal
from uuid import UUID

from django.db.models import F, Value
from django.db.models.functions import Concat

from accounts.models import Membership
from accounts.people import FORMER
from accounts.principals import Principal
from accounts.privacy.access import note_id, seen
from accounts.privacy.datamap import DataClass
from accounts.tenancy import tenant_scope
from agentos.core.clock import monotonic, utc_now
from agentos.core.errors import Invalid, NotFound
from agentos.core.ids import first_id
from agentos.core.types import Json, JsonObject
from agents.engine.status import StepKind
from agents.engine.tools import Level, Tool
from agents.models import Step
from agents.registry import registry
from governance.models import PolicyRule
from governance.policy import checks, rules
from governance.policy import selectors as policy_selectors
from governance.policy.in_force import compiled
from governance.policy.rules import PLAIN, Call, Rule, Terms
from governance.policy.wanted import FIELDS, Wanted

MOST_DAYS: Final = 90
MOST_CALLS: Final = 20_000
MOST_SECONDS: Final = 10.0
EXAMPLES: Final = 3
PROGRESS_EVERY: Final = 1_000
_CLOCKS_APART: Final = timedelta(minutes=1)  # a step is timed by a process, a run by the database
_PLACE: Final = Concat(F("run__component_kind"), Value(":"), F("run__component_id"))
_COLUMNS: Final = ("id", "run_id", "name", "user_id", "started_at", "request", "place", "user__email")

Direction = Literal["stricter", "looser", "other"]
Told = Callable[[int], None]


@dataclass(frozen=True, slots=True)
class Recorded:
    """A tool call as the journal holds it; `place` is the component as kind:id."""

    step_id: UUID
    run_id: UUID
    tool: str
    user_id: UUID
    at: datetime
    request: JsonObject
    place: str
    email: str | None


@dataclass(frozen=True, slots=True)
class Ruled:
    """What a set of rules says to a call: the level, how an approval is given, and the rule that said so."""

    level: Level
    terms: Terms
    rule: str

    def __str__(self) -> str:
        return rules.spelled(self.level, self.terms)


@dataclass(frozen=True, slots=True)
class Example:
    """One of the calls, as far as the reader may see it."""

    run_id: UUID
    at: datetime
    by: Json
    arguments: Json


@dataclass(slots=True)
class Change:
    """Calls of one tool that would be decided otherwise, in one way."""

    component: str
    tool: str
    before: Ruled
    after: Ruled
    count: int = 0
    examples: list[Example] = field(default_factory=list)

    @property
    def word(self) -> Direction:
        """Say which way it goes: stricter, looser, or other where only the manner changes."""
        if self.before.level is self.after.level:
            return "other"
        return "stricter" if rules.is_stricter(self.after.level, self.before.level) else "looser"


@dataclass(slots=True)
class Simulation:
    """What a replay has found. `unknown` counts calls of tools that are no longer here, by component and tool.

    `cut` says that there were more calls than were looked at: the newest were.
    """

    days: int
    calls: int = 0
    changes: list[Change] = field(default_factory=list)
    unknown: dict[str, int] = field(default_factory=dict)
    cut: bool = False

    @property
    def changed(self) -> int:
        return sum(change.count for change in self.changes)

    def count(self, word: Direction) -> int:
        """Return how many calls would be decided in a stricter, looser or other way."""
        return sum(change.count for change in self.changes if change.word == word)


def of_draft(principal: Principal, *, days: int, most: int = MOST_CALLS, told: Told | None = None) -> Simulation:
    """Replay the calls that the principal may see against the tenant's draft. Raises: PolicyDenied, NotFound."""
    draft = policy_selectors.current(principal).draft
    if draft is None:
        raise NotFound("There is no draft.")
    return _replay(principal, policy_selectors.lines(draft), days, most, told)


def of_rules(
    principal: Principal, wanted: Sequence[Wanted], *, days: int, most: int = MOST_CALLS, told: Told | None = None
) -> Simulation:
    """Replay them against rules that nobody has stored. Raises: PolicyDenied, Invalid for a rule that does not fit."""
    principal.require(policy_selectors.READ)
    with tenant_scope(principal.tenant_id, principal.user_id):
        checks.check(principal, wanted)
    rows = [PolicyRule(**{name: getattr(rule, name) for name in FIELDS}) for rule in wanted]
    return _replay(principal, compiled(rows), days, most, told)


def _replay(principal: Principal, tried: Sequence[Rule], days: int, most: int, told: Told | None) -> Simulation:
    if not 1 <= days <= MOST_DAYS:
        raise Invalid(f"`days` is 1 to {MOST_DAYS}.", code="bad_days")
    found, ends_at = Simulation(days), monotonic() + MOST_SECONDS
    with tenant_scope(principal.tenant_id, principal.user_id):
        in_force = policy_selectors.lines(policy_selectors.current(principal).active)
        judge = _Judge(principal, in_force, tried, found)
        for call in _recorded(principal, utc_now() - timedelta(days=days), most + 1):
            if found.calls == most or (monotonic() > ends_at and told is None):
                found.cut = True
                break
            judge.look_at(call)
            if told is not None and found.calls % PROGRESS_EVERY == 0:
                told(found.calls)
    found.changes.sort(key=lambda change: (-change.count, change.component, change.tool, str(change.after)))
    return found


class _Judge:
    """Judges each call by both sets of rules and keeps what differs, grouped."""

    def __init__(self, principal: Principal, before: Sequence[Rule], after: Sequence[Rule], found: Simulation) -> None:
        self._reader, self._before, self._after, self._found = principal, before, after, found
        self._roles = dict(Membership.objects.filter(tenant_id=principal.tenant_id).values_list("user_id", "role"))
        self._tools = {(f"{spec.kind}:{spec.id}", tool.name): tool for spec in registry.all() for tool in spec.tools}
        self._changes: dict[tuple[str, str, Ruled, Ruled], Change] = {}

    def look_at(self, call: Recorded) -> None:
        self._found.calls += 1
        tool = self._tools.get((call.place, call.tool))
        if tool is None:
            name = f"{call.place} {call.tool}"
            self._found.unknown[name] = self._found.unknown.get(name, 0) + 1
            return
        before, after = (self._ruled(tool, call, these) for these in (self._before, self._after))
        if (before.level, before.terms) == (after.level, after.terms):
            return
        change = self._change(call, before, after)
        change.count += 1
        if len(change.examples) < EXAMPLES:
            change.examples.append(self._example(call))

    def _ruled(self, tool: Tool, call: Recorded, these: Sequence[Rule]) -> Ruled:
        asked = Call(tool, call.place, self._roles.get(call.user_id, ""), call.request.get("arguments") or {})
        decision = rules.decide(asked, these)
        level = rules.under_taint(tool, decision.level) if call.request.get("tainted_by") else decision.level
        return Ruled(level, decision.terms if level is Level.APPROVE else PLAIN, decision.why)

    def _change(self, call: Recorded, before: Ruled, after: Ruled) -> Change:
        key = (call.place, call.tool, before, after)
        if key not in self._changes:
            self._changes[key] = Change(*key)
            self._found.changes.append(self._changes[key])
        return self._changes[key]

    def _example(self, call: Recorded) -> Example:
        note_id(self._reader, Step, call.step_id, subject=call.user_id)
        arguments = seen(self._reader, DataClass.SENSITIVE, call.request.get("arguments") or {}, subject=call.user_id)
        by = seen(self._reader, DataClass.PERSONAL, call.email or FORMER, subject=call.user_id)
        return Example(call.run_id, call.at, by, arguments)


def _recorded(principal: Principal, since: datetime, most: int) -> Iterator[Recorded]:
    """Yield the calls that the principal may see, the newest first; what a fork took over was counted before."""
    rows = Step.objects.filter(tenant_id=principal.tenant_id, kind=StepKind.TOOL.value, id__gte=first_id(since))
    own = F("run__created_at") - _CLOCKS_APART
    rows = rows.filter(started_at__gte=own).annotate(place=_PLACE).order_by("-id")
    for values in rows.values_list(*_COLUMNS)[:most].iterator(chunk_size=PROGRESS_EVERY):
        yield Recorded(*values)
