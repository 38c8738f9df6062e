"""Governance as the loop calls it: decides before a tool runs, cleans its result, holds back what must not leave.

Everything fails closed: what cannot be decided is refused.
"""

from __future__ import annotations

from typing import Final

from django.conf import settings

from agentos.core.errors import AgentOSError
from agentos.core.ids import new_id
from agentos.core.types import Json, JsonObject
from agents.engine.ports import Allow, OutputFilter, Refuse, Require, RunInfo, Verdict
from agents.engine.spec import AgentSpec
from agents.engine.status import PauseKind
from agents.engine.steps import AuditEntry, StepRecord
from agents.engine.tools import Level, Tool
from governance import gate, guards, requirements
from governance.guardrails.holdback import HoldBack
from governance.guards import Guards
from governance.moderation import Moderation, Moderator

_DENIED: Final = "this tool may not be used here."
_CHANGED: Final = "what this tool needs has changed since it was asked: call it again."
_SPENT: Final = "it did not happen, and its approval is spent: call the tool again to ask for a new one."
_UNDECIDABLE: Final = "whether this call is allowed could not be decided."


class Governance:
    """Implements `agents.engine.ports.HookPort`; holds no state of a run."""

    def __init__(self, moderator: Moderator | None = None) -> None:
        self._guards = Guards(Moderation(moderator, mode=settings.MODERATION))

    async def check_input(self, spec: AgentSpec, text: str) -> None:
        """Let a run's message in. Raises: InputBlocked with kinds and never the text, Unavailable."""
        await self._guards.check_message(spec, text)

    async def check_answer(self, spec: AgentSpec, text: str) -> str:
        """Return a later human text (answer, note, external result) as it may be kept.

        Identity numbers and secrets are redacted. Raises: InputBlocked, Unavailable.
        """
        return await self._guards.check_answer(spec, text)

    def check_evidence(self, spec: AgentSpec, found: Json) -> Json:
        """Return what a tool's look-up found as a person may see it, redacted as the tool's results are."""
        return guards.redacted(spec, found)

    async def before_tool(self, run: RunInfo, tool: Tool, step: StepRecord, arguments: JsonObject) -> Verdict:
        try:
            return _verdict(run, tool, step, arguments)
        except (AgentOSError, ValueError, TypeError, KeyError):
            return Refuse(_UNDECIDABLE)

    async def after_tool(self, run: RunInfo, tool: Tool, step: StepRecord, result: Json) -> Json:
        return guards.redacted(run.spec, result)

    def output_filter(self, run: RunInfo) -> OutputFilter | None:
        names = [name for name in run.spec.output_guards if name != guards.MODERATION]
        if not names:
            return None
        return HoldBack([guards.output_detector(name) for name in names])


def _verdict(run: RunInfo, tool: Tool, step: StepRecord, arguments: JsonObject) -> Verdict:
    if tool.level is Level.DENY:
        return Refuse(_DENIED)
    kind = requirements.kind_of(tool)
    if step.answer is not None:
        return _answered(run, tool, step, arguments, kind)
    if kind is None:
        return Allow()
    if kind is PauseKind.APPROVAL:
        return _ask_approval(run, tool, step, arguments)
    return Require(kind, requirements.requirement(kind, tool, arguments))


def _ask_approval(run: RunInfo, tool: Tool, step: StepRecord, arguments: JsonObject) -> Require:
    approval_id, hours = new_id(), settings.APPROVAL_HOURS
    shown = requirements.requirement(PauseKind.APPROVAL, tool, arguments)
    shown |= requirements.approval_fields(approval_id, hours=hours)
    detail = {
        "tool": tool.name,
        "args_hash": gate.hash_of_call(run, tool, step, arguments),
        "run": str(run.run_id),
    }
    return Require(
        PauseKind.APPROVAL,
        shown,
        (gate.ask(approval_id, run, tool, step, arguments, hours=hours),),
        (AuditEntry("approval.requested", "approval", str(approval_id), detail, run.user_id),),
    )


def _answered(run: RunInfo, tool: Tool, step: StepRecord, arguments: JsonObject, kind: PauseKind | None) -> Verdict:
    """Judge a stored answer by what was asked and by what the tool needs now, whichever is stricter."""
    answer = step.answer or {}
    asked = _asked(step)
    if PauseKind.APPROVAL in (asked, kind):
        if asked is PauseKind.RECONCILE:
            return Refuse(_SPENT)
        if answer.get("confirmed") is not True:
            return Refuse(_declined(answer, "nobody approved it."))
        return Allow((gate.spend(run, tool, step, arguments),))
    if asked is PauseKind.RECONCILE:
        return Allow() if answer.get("outcome") == "not_happened" else Refuse(_UNDECIDABLE)
    if PauseKind.CONFIRMATION in (asked, kind):
        return Allow() if answer.get("confirmed") is True else Refuse(_declined(answer, "the user declined."))
    # External calls and questions end with their answer, so the gate sees them only when the tool has changed.
    return Allow() if kind in (None, PauseKind.USER_INPUT) and asked is kind else Refuse(_CHANGED)


def _asked(step: StepRecord) -> PauseKind | None:
    kind = step.request.get("requirement", {}).get("kind")
    return PauseKind(kind) if kind else None


def _declined(answer: JsonObject, otherwise: str) -> str:
    note = answer.get("note")
    return note if isinstance(note, str) and note.strip() else otherwise
