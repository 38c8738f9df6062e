"""The layers that `access` asks today: membership, role, single grants, a program's limits, policy,
what is halted, and budgets."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

from accounts import scopes
from accounts.seam import in_thread
from agents.engine.model_calls import Usage
from agents.engine.status import PauseKind
from agents.engine.tools import Level, Tool
from agents.services import switches, tenant_models
from agents.services.halted import component_target, tool_target
from agents.services.ledger import Consumer
from agents.wiring import model_prices
from governance import requirements
from governance.access import Answer, Outcome, Question
from governance.budgets import ledger
from governance.policy import in_force, rules
from governance.policy.rules import Call, Decision, Rule

_CONSENT = {
    PauseKind.CONFIRMATION: "The user is asked first.",
    PauseKind.APPROVAL: "Somebody else has to approve, who may read what it would do.",
    PauseKind.USER_INPUT: "The user has to fill something in.",
    PauseKind.FEEDBACK: "The user has to answer questions.",
    PauseKind.EXTERNAL: "It is run on the user's side.",
}

_KEY_TOO = " Whoever was shown the service key has asked, too, and can't decide."


async def membership(question: Question) -> Sequence[Answer]:
    """Refuse whoever is no active member of the tenant, or acts by a key that has ended."""
    outcome, reason = Outcome.PASSES, "She is an active member."
    if question.principal is None:
        outcome, reason = Outcome.REFUSES, "There is no such active member, or the key that acted for her has ended."
    return [Answer("membership", right, outcome, reason) for right in question.rights]


async def role(question: Question) -> Sequence[Answer]:
    """Grant what the role's scopes cover."""
    principal = question.principal
    if principal is None:
        return ()
    return [_covered("role", right, principal.role_scopes, f"The role {principal.role}") for right in question.rights]


async def grant(question: Question) -> Sequence[Answer]:
    """Grant what was granted to her alone."""
    principal = question.principal
    if principal is None:
        return ()
    return [_covered("grant", right, principal.grants, "A grant to her") for right in question.rights]


async def scope(question: Question) -> Sequence[Answer]:
    """Refuse what goes beyond the scopes that a key or a run is narrowed to."""
    principal = question.principal
    if principal is None:
        return ()
    if principal.limits is None:
        return [Answer("scope", right, Outcome.PASSES, "Nothing narrows her rights.") for right in question.rights]
    return [_within(right, principal.limits) for right in question.rights]


async def policy(question: Question) -> Sequence[Answer]:
    """Say what the level in force wants: nobody's consent, somebody's, or that the tool is never called."""
    if question.tool is None:
        return ()
    right, found = question.rights[-1], await _by_policy(question, question.tool)
    rule = "".join(map(_told, found.because))
    if found.level is Level.DENY:
        return [Answer("policy", right, Outcome.REFUSES, f"This tool may not be used here.{rule}")]
    kind = requirements.kind_of(question.tool, found.level)
    if kind is None:
        reason = f"The tool asks for nobody's consent.{rule}{_perhaps(found)}"
        return [Answer("policy", right, Outcome.PASSES, reason)]
    reason = f"{_CONSENT[kind]}{_KEY_TOO if _by_key(question, kind) else ''}{rule}{_perhaps(found)}"
    return [Answer("policy", right, Outcome.ASKS, reason, kind, found.terms)]


async def kill_switch(question: Question) -> Sequence[Answer]:
    """Say whether somebody has halted it. A run's own questions stop at the loop's edges before they come here."""
    if question.run is not None or question.principal is None or question.knowledge:
        return ()
    spec, tool = question.component, question.tool
    targets = [component_target(spec.kind, spec.id)] if spec else []
    targets += [tool_target(tool.name)] if tool else []
    found = await in_thread(switches.halting, question.principal.tenant_id, targets)
    if found is None:
        return [Answer("kill switch", question.rights[-1], Outcome.PASSES, "Nobody has halted it.")]
    return [Answer("kill switch", question.rights[-1], Outcome.REFUSES, f"It is halted ({found}): {found.reason}")]


async def budget(question: Question) -> Sequence[Answer]:
    """Say whether a run that starts now fits into its budgets and limits of runs per minute; it reserves nothing."""
    spec, principal = question.component, question.principal
    if not question.starts or spec is None or principal is None:
        return ()
    right, models = question.rights[0], await tenant_models.current(principal.tenant_id)
    names = (models.name_of(spec.model), *models.fallbacks)
    consumer = Consumer(principal.tenant_id, principal.user_id, spec.kind, spec.id, names)
    over, charged = await in_thread(ledger.obstacle, consumer, _cost)
    if over is not None:
        return [Answer("budget", right, Outcome.REFUSES, over.detail)]
    within = ", ".join(f"“{terms.name}”" for terms in charged)
    return [Answer("budget", right, Outcome.PASSES, f"It fits into {within}." if within else "No budget applies.")]


async def taint(question: Question) -> Sequence[Answer]:
    """Ask for one level more than is in force once the run has read what strangers may have written."""
    tool = question.tool
    if tool is None:
        return ()
    right, read = question.rights[-1], ", ".join(question.untrusted)
    if not read:
        return [Answer("taint", right, Outcome.PASSES, "Nothing untrusted was read before.")]
    level = (await _by_policy(question, tool)).level
    if (raised := rules.under_taint(tool, level)) is level:
        return [Answer("taint", right, Outcome.PASSES, f"Untrusted content was read ({read}); this asks for no more.")]
    kind = requirements.kind_of(tool, raised)
    assert kind is not None
    reason = f"{_CONSENT[kind]} Untrusted content was read before ({read}), which raises {level} by one level."
    return [Answer("taint", right, Outcome.ASKS, reason, kind)]


async def _by_policy(question: Question, tool: Tool) -> Decision:
    """Decide about a question's tool by the policy of its principal's tenant. Somebody who is nobody has none."""
    principal, spec = question.principal, question.component
    if principal is None:
        return Decision(tool.level)
    call = Call(tool, f"{spec.kind}:{spec.id}" if spec else "", principal.role, question.arguments)
    return await in_force.decide(call, tenant_id=principal.tenant_id)


def _by_key(question: Question, kind: PauseKind) -> bool:
    by = question.principal
    return kind is PauseKind.APPROVAL and by is not None and by.account_id is not None


def _cost(model: str, usage: Usage) -> Decimal | None:
    return model_prices().cost(model, usage)  # only where a budget counts money


def _perhaps(found: Decision) -> str:
    return "".join(f" For some calls: {rule}." for rule in found.perhaps)


def _told(rule: Rule) -> str:
    said = str(rule)
    return f" {said[:1].upper()}{said[1:]}.{f' “{rule.note}”' if rule.note else ''}"


def _covered(layer: str, right: str, held: frozenset[str], who: str) -> Answer:
    if scopes.grants(held, right):
        return Answer(layer, right, Outcome.GRANTS, f"{who} grants {right}.")
    return Answer(layer, right, Outcome.PASSES, f"{who} does not grant {right}.")


def _within(right: str, limits: frozenset[str]) -> Answer:
    if scopes.grants(limits, right):
        return Answer("scope", right, Outcome.PASSES, f"The key's scopes cover {right}.")
    old = " A key from before tools had a scope takes a new one with tools:call." if right.startswith("tools:") else ""
    return Answer("scope", right, Outcome.REFUSES, f"The key's scopes do not cover {right}.{old}")
