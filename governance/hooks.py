"""Governance as the loop calls it: decides before a tool runs, cleans its result, holds back what must not leave.

Everything fails closed: what cannot be decided is refused.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Final
from uuid import UUID

from django.conf import settings

from accounts.seam import in_thread
from agentos.core.errors import AgentOSError
from agentos.core.ids import new_id
from agentos.core.types import Json, JsonObject
from agents.engine.ports import OutputFilter
from agents.engine.run_info import RunInfo
from agents.engine.spec import AgentSpec
from agents.engine.status import PauseKind, StepState
from agents.engine.steps import AuditEntry, StepRecord
from agents.engine.tools import Tool
from agents.engine.verdicts import Allow, Refuse, Require, Verdict, Withdrawal
from governance import access, asked_before, gate, requirements
from governance.access import Judgement
from governance.access.offering import Offering
from governance.guards import tenant_settings
from governance.guards.judging import Guards, Passed
from governance.guards.moderation import Moderation, Moderator
from governance.guards.output import OutputGuard
from governance.guards.places import Place, in_force
from governance.models import StandingRule
from governance.services import standing_rules

_SPENT: Final = "it did not happen, and its approval is spent: call the tool again to ask for a new one."
_CONSENT: Final = (PauseKind.APPROVAL, PauseKind.CONFIRMATION)
_UNDECIDABLE: Final = "whether this call is allowed could not be decided."


class Governance:
    """Implements `agents.engine.ports.HookPort`; holds no state of a run."""

    def __init__(self, moderator: Moderator | None = None) -> None:
        self._guards = Guards(Moderation(moderator, mode=settings.MODERATION))
        self._offering = Offering()

    async def check_input(self, spec: AgentSpec, text: str, *, tenant_id: UUID) -> Passed:
        """Return a run's message as it may be kept. Raises: InputBlocked with kinds and never the text, Unavailable."""
        return await self._guards.check_message(spec, text, tenant_id=tenant_id)

    async def check_answer(
        self, spec: AgentSpec, text: str, *, tenant_id: UUID, noted: list[JsonObject] | None = None
    ) -> str:
        """Return a later human text (answer, note, external result) as it may be kept.

        Identity numbers and secrets are redacted; `noted` takes what guards did. Raises: InputBlocked, Unavailable.
        """
        passed = await self._guards.check_answer(spec, text, tenant_id=tenant_id)
        if noted is not None:
            noted += passed.notes
        return passed.text

    async def check_evidence(self, spec: AgentSpec, found: Json, *, tenant_id: UUID) -> Json:
        """Return what a tool's look-up found as a person may see it, redacted as the tool's results are."""
        return (await self._guards.check_read(spec, Place.TOOL, found, tenant_id=tenant_id)).value

    async def offered(self, run: RunInfo) -> Sequence[Tool]:
        return await self._offering.of(run)

    async def before_tool(self, run: RunInfo, tool: Tool, step: StepRecord, arguments: JsonObject) -> Verdict:
        try:
            question = await access.of_run(run, tool, arguments)
            judgement = await access.judge(replace(question, untrusted=tuple(step.request.get("tainted_by", ()))))
            if judgement.refused:
                return Refuse(judgement.decided.reason)
            verdict = _verdict(run, tool, step, arguments, judgement)
            if isinstance(verdict, Require) and verdict.kind in _CONSENT and _asked(step) is None:
                return await _considered(run, tool, step, arguments, judgement, verdict)
            return verdict
        except (AgentOSError, ValueError, TypeError, KeyError):
            return Refuse(_UNDECIDABLE)

    def withdraw(self, run: RunInfo, step: StepRecord, reason: str) -> Withdrawal:
        asked = step.request["requirement"]
        if asked["kind"] != PauseKind.APPROVAL:
            return Withdrawal((gate.still_waits(run, step),) if step.state is StepState.WAITING else ())
        detail = {"tool": step.name, "run": str(run.run_id), "reason": reason}
        entry = AuditEntry("approval.void", "approval", asked["approval_id"], detail)
        return Withdrawal((gate.void(run, step, reason),), (entry,))

    async def after_tool(self, run: RunInfo, tool: Tool, step: StepRecord, result: Json) -> Json:
        passed = await self._guards.check_read(run.spec, Place.TOOL, result, tenant_id=run.tenant_id)
        if passed.notes:
            step.request["guards"] = list(passed.notes)
        return passed.value

    async def output_filter(self, run: RunInfo) -> OutputFilter | None:
        modes = in_force(run.spec, Place.OUTPUT, await tenant_settings.current(run.tenant_id))
        return OutputGuard(modes) if modes else None


async def _considered(
    run: RunInfo, tool: Tool, step: StepRecord, arguments: JsonObject, judged: Judgement, verdict: Require
) -> Verdict:
    """Look at what people have said before, before they are asked: no twice, yes in advance, or not at all yet."""
    before = await in_thread(asked_before.read, run, step, arguments)
    if before.by_rule:
        return Allow((gate.spend(run, tool, step, arguments),))
    if refused := asked_before.refusal(before):
        return refused
    if verdict.kind is not PauseKind.APPROVAL:
        return verdict
    if not step.request.get("tainted_by"):  # whoever wrote what was read may be the one who asks
        rule = await in_thread(standing_rules.find, run, tool, arguments, judged.terms)
        if rule is not None:
            return _consented(run, tool, step, arguments, rule)
    return asked_before.flood(run, before) or asked_before.bounded(run, step, verdict)


def _consented(run: RunInfo, tool: Tool, step: StepRecord, arguments: JsonObject, rule: StandingRule) -> Allow:
    approval_id = new_id()
    detail = {
        "tool": tool.name,
        "args_hash": gate.hash_of_call(run, tool, step, arguments),
        "run": str(run.run_id),
        "standing_rule": str(rule.id),
    }
    entry = AuditEntry("approval.by_rule", "approval", str(approval_id), detail)
    return Allow((gate.consent(approval_id, rule.id, run, tool, step, arguments),), (entry,))


def _verdict(run: RunInfo, tool: Tool, step: StepRecord, arguments: JsonObject, judged: Judgement) -> Verdict:
    asked, kind = _asked(step), judged.kind
    if step.answer is not None:
        return _answered(run, tool, step, arguments, judged, asked)
    needed = asked if _covers(asked, kind) else kind  # who was asked for consent is asked for no less than that
    return Allow() if needed is None else _ask(run, tool, step, arguments, needed, judged)


def _ask(
    run: RunInfo, tool: Tool, step: StepRecord, arguments: JsonObject, kind: PauseKind, judged: Judgement
) -> Require:
    why = {"why": judged.decided.reason}
    if kind is not PauseKind.APPROVAL:
        return Require(kind, requirements.requirement(kind, tool, arguments) | why)
    approval_id, hours = new_id(), judged.terms.expiry_hours or settings.APPROVAL_HOURS
    shown = requirements.requirement(PauseKind.APPROVAL, tool, arguments) | why
    shown |= requirements.approval_fields(approval_id, hours=hours)
    detail = {
        "tool": tool.name,
        "args_hash": gate.hash_of_call(run, tool, step, arguments),
        "run": str(run.run_id),
    }
    return Require(
        PauseKind.APPROVAL,
        shown,
        (gate.ask(approval_id, run, tool, step, arguments, hours=hours, terms=judged.terms),),
        (AuditEntry("approval.requested", "approval", str(approval_id), detail, run.user_id),),
    )


def _answered(
    run: RunInfo, tool: Tool, step: StepRecord, arguments: JsonObject, judged: Judgement, asked: PauseKind | None
) -> Verdict:
    """Judge a stored answer by what was asked; a tool that needs more by now is asked about anew."""
    answer, kind = step.answer or {}, judged.kind
    if asked is PauseKind.RECONCILE:
        if kind is PauseKind.APPROVAL:
            return Refuse(_SPENT)
        return Allow() if answer.get("outcome") == "not_happened" else Refuse(_UNDECIDABLE)
    if asked in _CONSENT and answer.get("confirmed") is not True:
        return Refuse(_declined(answer, asked))
    if kind is not None and kind is not asked and not _covers(asked, kind):
        return _ask(run, tool, step, arguments, kind, judged)
    if asked is PauseKind.APPROVAL:
        return Allow((gate.spend(run, tool, step, arguments),))
    # External calls and questions end with their answer and never come here.
    return Allow() if asked in (PauseKind.CONFIRMATION, PauseKind.USER_INPUT) else Refuse(_UNDECIDABLE)


def _covers(asked: PauseKind | None, kind: PauseKind | None) -> bool:
    """Tell whether the consent that was asked for is stricter than what the tool needs now."""
    if asked is PauseKind.APPROVAL:
        return kind in (None, PauseKind.CONFIRMATION)
    return asked is PauseKind.CONFIRMATION and kind is None


def _asked(step: StepRecord) -> PauseKind | None:
    kind = step.request.get("requirement", {}).get("kind")
    return PauseKind(kind) if kind else None


def _declined(answer: JsonObject, asked: PauseKind | None) -> str:
    note = answer.get("note")
    if isinstance(note, str) and note.strip():
        return note
    return "nobody approved it." if asked is PauseKind.APPROVAL else "the user declined."
