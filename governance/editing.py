"""Prepares what an approver wants done instead: the tool, the guards and the policy check it before it is voted on."""

from __future__ import annotations

from dataclasses import dataclass, replace
from uuid import UUID

from django.conf import settings

from accounts.acting import acting
from accounts.principals import Principal
from accounts.seam import in_thread
from accounts.tenancy import tenant_scope
from agentos.core.errors import Conflict, Invalid, NotFound, PolicyDenied, ToolFailed
from agentos.core.types import JsonObject, clean_json, json_text, texts_of
from agents.engine.spec import AgentSpec
from agents.engine.status import PauseKind
from agents.engine.tools import Tool
from agents.models import Step
from agents.registry import registry
from agents.services import authority, blocked
from agents.wiring import runtime
from governance import access, selectors
from governance.access import Question
from governance.models import Approval
from governance.policy.rules import PLAIN, Terms

MOST_CHARS = 50_000


@dataclass(frozen=True, slots=True)
class Edit:
    """Arguments that fit the tool, what they would do in plain words, and how the policy wants them approved."""

    arguments: JsonObject
    effect_text: str
    terms: Terms

    @property
    def hours(self) -> int:
        return self.terms.expiry_hours or int(settings.APPROVAL_HOURS)


async def prepare(principal: Principal, approval_id: UUID, edited: JsonObject | None) -> Edit | None:
    """Return the edit that `approvals.decide` takes; None when nothing is edited.

    Raises: NotFound, Conflict when the tool is gone, Invalid, InputBlocked, PolicyDenied when the policy refuses it.
    """
    if edited is None:
        return None
    approval, tainted_by = await in_thread(_read, principal, approval_id)
    spec = registry.get(approval.run.component_kind, approval.run.component_id)
    tool = spec.tool(approval.tool_name)
    if tool is None:
        raise Conflict(f"The tool {approval.tool_name} is gone.", code="approval_void")
    arguments = _fitting(tool, edited)
    if arguments == approval.arguments:
        return None
    await _check_texts(spec, principal, approval, arguments)
    terms = await _terms(approval, spec, tool, arguments, tainted_by)
    return Edit(arguments, tool.effect_text(arguments), terms)


def _read(principal: Principal, approval_id: UUID) -> tuple[Approval, tuple[str, ...]]:
    with tenant_scope(principal.tenant_id, principal.user_id):
        approval = selectors.visible(principal).filter(id=approval_id).first()
        if approval is None:
            raise NotFound("There is no such approval.")
        step = Step.objects.filter(run_id=approval.run_id, path=approval.step_path).first()
        return approval, tuple(step.request.get("tainted_by", ())) if step else ()


def _fitting(tool: Tool, edited: JsonObject) -> JsonObject:
    """Return the arguments as the loop would store them. Raises: Invalid with what does not fit."""
    if len(json_text(edited)) > MOST_CHARS:
        raise Invalid(f"The arguments have more than {MOST_CHARS} characters.", code="edited_args_invalid")
    try:
        fitting: JsonObject = clean_json(tool.validate(clean_json(edited)).model_dump(mode="json"))
    except ToolFailed as error:
        raise Invalid(error.detail, code="edited_args_invalid") from None
    return fitting


async def _check_texts(spec: AgentSpec, principal: Principal, approval: Approval, arguments: JsonObject) -> None:
    """Put every text that is new through the guards. It is not redacted: what is approved is what was seen."""
    for text in sorted(set(texts_of(arguments)) - set(texts_of(approval.arguments))):
        async with blocked.counted(principal, approval.run_id):
            let_in = await runtime().hooks.check_answer(spec, text, tenant_id=principal.tenant_id)
        if let_in != text:
            raise Invalid(
                "The arguments hold an identity number or a secret, which may not be sent here.",
                code="edited_args_private",
            )


async def _terms(
    approval: Approval, spec: AgentSpec, tool: Tool, arguments: JsonObject, tainted_by: tuple[str, ...]
) -> Terms:
    """Ask the gate's own question about the new arguments. Raises: PolicyDenied when it refuses them."""
    run = approval.run
    who = await acting(tenant_id=run.tenant_id, user_id=run.user_id, **authority.of(run.spec))
    judgement = await access.judge(replace(Question(who, spec, tool, arguments), untrusted=tainted_by))
    if judgement.refused:
        raise PolicyDenied(judgement.decided.reason, code="edited_args_refused")
    return judgement.terms if judgement.kind is PauseKind.APPROVAL else PLAIN
