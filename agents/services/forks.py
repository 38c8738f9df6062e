"""Makes a new run out of an earlier one: reuses its journal before a step and goes on from there.

What the earlier run has paid for and done is copied, so no model call is paid again and no side effect repeated.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from uuid import UUID

from django.conf import settings

from accounts import audit
from accounts.principals import Principal
from accounts.tenancy import tenant_scope
from agentos.core.errors import CallerError, Conflict, Invalid, NotFound, PolicyDenied
from agentos.core.ids import new_id
from agentos.core.types import JsonObject, clean_text
from agents.engine.spec import Model
from agents.engine.state import was_cut
from agents.engine.status import RunStatus, StepKind, StepState
from agents.models import Run, Step
from agents.registry import registry
from agents.services import authority, branches, idempotency, tenant_models
from agents.services.branches import ADDED, ORIGIN, unchecked
from agents.services.crash import crash_at_commit
from agents.services.idempotency import Key
from agents.services.tenant_models import TenantModels

ROLES = ("strong", "fast")
END = "end"  # in the place of a step: behind an answer, where another message is said
SIDE_EFFECT = "side_effect"
NEVER_RAN = (StepState.WAITING, StepState.ANSWERED, StepState.REFUSED)


@dataclass(frozen=True, slots=True)
class Fork:
    """Where to branch off, by a step's path or id, and what to change; None leaves it as it was.

    `tool_result` stands in for the result of the step, which is then a tool call. At END the new run knows the answer
    of the earlier one and what was said before that, and answers the message.
    """

    from_step: str
    message: str | None = None
    instructions: str | None = None
    model: str | None = None
    tool_result: str | None = None

    @property
    def changed(self) -> list[str]:
        names = ("message", "instructions", "model", "tool_result")
        return [name for name in names if getattr(self, name) is not None]


def fork(
    *,
    principal: Principal,
    run_id: UUID,
    wanted: Fork,
    key: Key | None = None,
    check: Callable[[], None] = unchecked,
) -> tuple[UUID, str]:
    """Store the new run, for any process to claim; return its id and session id. Commits; audited.

    `check` may refuse what is no retry. Raises: NotFound, PolicyDenied, Conflict when a step is not finished or would
    happen twice, Invalid.
    """
    with tenant_scope(principal.tenant_id, principal.user_id):
        source = branches.locked(principal, run_id)
        made_id = new_id()
        if first := idempotency.take(key, principal=principal, run_id=made_id):
            return first.run_id, source.session.session_id
        check()
        _check_source(principal, source)
        _check_changes(principal, source, wanted)
        kept, path = _reused(source, wanted, principal)
        branches.branch(
            source,
            kept,
            run_id=made_id,
            pinned=_pinned(source, wanted),
            origin={ORIGIN: {"run_id": str(source.id), "path": path}},
            message=source.input if wanted.message is None else clean_text(wanted.message),
            acting=authority.pinned(principal),
            behind=path == END,
        )
        detail = {"from": str(source.id), "step": path, "changed": wanted.changed}
        audit.append(
            [audit.Entry("run.forked", "run", str(made_id), detail, principal.user_id)], tenant_id=principal.tenant_id
        )
        crash_at_commit("fork")
    return made_id, source.session.session_id


@dataclass(frozen=True, slots=True)
class Place:
    """Whether a run can be forked at one of its steps, and why not; with `needs_result` only by giving a result."""

    obstacle: str = ""
    needs_result: bool = False


def obstacle(principal: Principal, source: Run) -> str:
    """Say why she can't fork this run at all; nothing when she can. `fork` checks all of it again."""
    try:
        principal.require(f"{source.component_kind}s:{source.component_id}:run")
        _check_source(principal, source)
    except CallerError as error:
        return error.detail
    return ""


def place(source: Run, steps: list[Step], start: Step) -> Place:
    """Judge one step of a run as `fork` does."""
    try:
        _kept(steps, start, source)
        if start.kind == StepKind.TOOL:
            _check_repeatable(start, source)
    except CallerError as error:
        needs_result = error.code == SIDE_EFFECT
        return Place("" if needs_result else error.detail, needs_result)
    return Place()


def may_instruct(principal: Principal, source: Run) -> bool:
    """Tell whether she may fork with other instructions."""
    return principal.has(_writing(source))


def models(source: Run) -> list[str]:
    """Return the models that a fork may name: the two roles, then the names."""
    return _known(source, tenant_models.load(source.tenant_id))


def _known(source: Run, offered: TenantModels) -> list[str]:
    return [*ROLES, *sorted({*offered.offered(), *filter(offered.allows, [source.model])})]


def _writing(source: Run) -> str:
    return f"{source.component_kind}s:{source.component_id}:write"


def _check_source(principal: Principal, source: Run) -> None:
    if source.user_id != principal.user_id:
        raise PolicyDenied("Only the requester forks a run: it goes on in her name.", code="not_requester")
    branches.check_root(source)


def _check_changes(principal: Principal, source: Run, wanted: Fork) -> None:
    if wanted.instructions is not None:
        principal.require(_writing(source))
    for name in ("message", "instructions", "tool_result"):
        text = getattr(wanted, name)
        if text is not None and len(text) > settings.MAX_MESSAGE_CHARS:
            raise Invalid(f"`{name}` has more than {settings.MAX_MESSAGE_CHARS} characters.", code=f"{name}_too_long")
    if wanted.message is not None and not clean_text(wanted.message).strip():
        raise Invalid("`message` is empty.", code="message_missing")


def _reused(source: Run, wanted: Fork, principal: Principal) -> tuple[list[Step], str]:
    """Return the steps that the new run starts with, and the path of the one that it starts at."""
    if wanted.from_step == END:
        _check_end(source, wanted)
        return [], END
    steps = list(Step.objects.filter(run=source).order_by("seq", "id"))
    start = _start(steps, wanted.from_step)
    kept = _kept(steps, start, source)
    if wanted.tool_result is not None:
        kept.append(_with_result(start, wanted.tool_result, principal))
    elif start.kind == StepKind.TOOL:
        _check_repeatable(start, source)
    return kept, start.path


def _check_end(source: Run, wanted: Fork) -> None:
    if source.status != RunStatus.COMPLETED:
        raise Conflict("Only a run that has answered is gone on from its end.", code="not_completed")
    if wanted.message is None:
        raise Invalid("`message` is missing: nothing is left to do behind an answer.", code="message_missing")
    if wanted.tool_result is not None:
        raise Invalid("A `tool_result` needs a tool call as `from_step`.", code="not_a_tool_call")


def _start(steps: list[Step], wanted: str) -> Step:
    for step in steps:
        if wanted in (step.path, str(step.id)):
            return step
    raise NotFound("There is no such step in this run.", code="step_not_found")


def _place(step: Step) -> tuple[int, bool]:
    """Return the turn of a step and whether it is the turn's model call."""
    turn, _, rest = step.path.partition(".")
    return int(turn), rest == "model"


def _kept(steps: list[Step], start: Step, source: Run) -> list[Step]:
    """Return the finished steps before the start; calls of the same turn run beside it, so they count as before it.

    A sibling that nobody has answered yet is asked for again. Raises: Conflict for one whose end is not known.
    """
    turn, from_model = _place(start)
    kept = []
    for step in steps:
        its_turn, _ = _place(step)
        if step.pk == start.pk or its_turn > turn or (its_turn == turn and from_model):
            continue
        state = StepState(step.state)
        if state.is_final and not was_cut(step):
            kept.append(step)
        elif its_turn < turn or (state not in NEVER_RAN and not _only_reads(step, source)):
            raise Conflict(
                f"Step {step.path} is not finished: only finished steps are reused.", code="step_not_finished"
            )
    return kept


def _check_repeatable(start: Step, source: Run) -> None:
    """Raises: Conflict when running the call again would repeat its side effect."""
    if StepState(start.state) not in NEVER_RAN and not _only_reads(start, source):
        raise Conflict(
            "This call has had its effect, or may have: give a `tool_result`, or fork from a later step.",
            code=SIDE_EFFECT,
        )


def _only_reads(step: Step, source: Run) -> bool:
    """Raises: NotFound when the component is gone."""
    tool = registry.get(source.component_kind, source.component_id).tool(step.name)
    return step.kind == StepKind.TOOL and tool is not None and tool.repeat == "read_only"


def _with_result(start: Step, result: str, principal: Principal) -> Step:
    if start.kind != StepKind.TOOL:
        raise Invalid("A `tool_result` needs a tool call as `from_step`.", code="not_a_tool_call")
    start.state, start.result, start.error = StepState.DONE.value, clean_text(result), ""
    start.answer = {"result": start.result, "by": str(principal.user_id)}
    start.request = {name: value for name, value in start.request.items() if name != "requirement"}
    return start


def _pinned(source: Run, wanted: Fork) -> JsonObject:
    """Return what the new run keeps of its spec: the earlier run's, with what the fork changes."""
    pinned = {name: value for name, value in source.spec.items() if name not in ADDED}
    offered = tenant_models.load(source.tenant_id)
    pinned["model"] = _model(source, wanted.model, offered)
    pinned["fallbacks"] = list(filter(offered.allows, pinned.get("fallbacks", ())))
    if wanted.instructions is not None:
        pinned["instructions"] = clean_text(wanted.instructions)
    return pinned


def _model(source: Run, wanted: str | None, offered: TenantModels) -> str:
    """Return the model by its name or by the role it plays. Raises: Invalid, PolicyDenied for one not allowed."""
    if wanted is None:
        return offered.require(source.model)
    if wanted in ROLES:
        return offered.require(offered.name_of(Model(wanted)))
    if wanted not in (known := _known(source, offered)):
        offered.require(wanted)
        raise Invalid(f"`model` must be one of {', '.join(known)}.", code="unknown_model")
    return wanted
