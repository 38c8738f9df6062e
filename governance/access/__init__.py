"""May she? Every layer's answer, and the one that decides: asked by the gate, and shown by whoever explains.

A layer that gives a right grants; one that takes it refuses; one that wants somebody's consent asks. What nobody
grants is refused. `settings.AGENTOS_ACCESS_LAYERS` lists the layers in order; a later one only adds its line there.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from typing import TypeAlias

from django.conf import settings
from django.utils.module_loading import import_string

from accounts.acting import acting
from accounts.principals import Principal
from agentos.core.types import JsonObject
from agents.engine.run_info import RunInfo
from agents.engine.spec import AgentSpec
from agents.engine.status import PauseKind
from agents.engine.tools import Tool
from governance.policy.rules import PLAIN, Terms

_STRICTEST_FIRST = (PauseKind.APPROVAL, PauseKind.CONFIRMATION)


class Outcome(StrEnum):
    GRANTS = "grants"
    PASSES = "passes"
    ASKS = "asks"
    REFUSES = "refuses"


@dataclass(frozen=True, slots=True)
class Answer:
    """What one layer says about one right. `kind` is what has to be waited for when it asks.

    `terms` say how an approval is to be given.
    """

    layer: str
    right: str
    outcome: Outcome
    reason: str
    kind: PauseKind | None = None
    terms: Terms = PLAIN


@dataclass(frozen=True, slots=True)
class Question:
    """Whether a principal may run a component, or call a tool in it. `run` is there when it is no mere question.

    `principal` is None for somebody who is nobody here (any more). At least one of `component` and `tool` is named, or
    else `knowledge`: whether she may do this `verb` to the knowledge base with this slug.
    `untrusted` names what the run has read that strangers may have written. `starts`: whether a run that begins now
    would get so far; what one that goes on may still use, the ledger tells it.
    """

    principal: Principal | None
    component: AgentSpec | None = None
    tool: Tool | None = None
    arguments: JsonObject | None = None
    run: RunInfo | None = None
    untrusted: tuple[str, ...] = ()
    starts: bool = False
    knowledge: str = ""
    verb: str = "read"

    @property
    def rights(self) -> tuple[str, ...]:
        """Return the scopes that all have to be held."""
        named = []
        if self.component is not None:
            named.append(f"{self.component.kind}s:{self.component.id}:run")
        if self.tool is not None:
            named.append(f"tools:{self.tool.name}:call")
        if self.knowledge:
            named.append(f"knowledge:{self.knowledge}:{self.verb}")
        return tuple(named)


@dataclass(frozen=True, slots=True)
class Judgement:
    """All answers in the layers' order, and the one that decided."""

    answers: tuple[Answer, ...]
    decided: Answer

    @property
    def refused(self) -> bool:
        return self.decided.outcome is Outcome.REFUSES

    @property
    def kind(self) -> PauseKind | None:
        """Return what has to be waited for, or None."""
        return self.decided.kind

    @property
    def terms(self) -> Terms:
        """Return how an approval is to be given, whichever layer asks for it."""
        return next((answer.terms for answer in self.answers if answer.terms is not PLAIN), PLAIN)


Layer: TypeAlias = Callable[[Question], Awaitable[Sequence[Answer]]]


async def judge(question: Question) -> Judgement:
    """Ask every layer and weigh what they say. A layer that fails raises: the caller refuses then."""
    answers: list[Answer] = []
    for layer in _layers():
        answers.extend(await layer(question))
    return Judgement(tuple(answers), _weighed(question, answers))


def _weighed(question: Question, answers: Sequence[Answer]) -> Answer:
    """Return the first refusal, else the first right that nobody grants, else who asks most, else who grants."""
    grants: dict[str, Answer] = {}
    asks: list[Answer] = []
    for answer in answers:
        if answer.outcome is Outcome.REFUSES:
            return answer
        if answer.outcome is Outcome.GRANTS:
            grants.setdefault(answer.right, answer)
        elif answer.outcome is Outcome.ASKS:
            asks.append(answer)
    for right in question.rights:
        if right not in grants:
            return Answer("default", right, Outcome.REFUSES, "Nothing grants this, and what is not granted is denied.")
    return min(asks, key=_leniency) if asks else grants[question.rights[-1]]


def _leniency(answer: Answer) -> int:
    return _STRICTEST_FIRST.index(answer.kind) if answer.kind in _STRICTEST_FIRST else len(_STRICTEST_FIRST)


async def of_run(run: RunInfo, tool: Tool | None = None, arguments: JsonObject | None = None) -> Question:
    """Return the question that a run raises: about the user it acts for, as she stands now."""
    principal = await acting(tenant_id=run.tenant_id, user_id=run.user_id, limits=run.limits, account_id=run.account_id)
    return Question(principal, run.spec, tool, arguments, run)


@cache
def _layers() -> tuple[Layer, ...]:
    return tuple(import_string(path) for path in settings.AGENTOS_ACCESS_LAYERS)
