"""Tool calls as journaled steps: planned, gated, run at most as often as the tool allows, answered by humans."""

from __future__ import annotations

import asyncio
import hashlib
import logging
from collections.abc import Awaitable
from functools import partial
from typing import assert_never

from pydantic import BaseModel

from agentos.core.errors import AgentOSError, ToolFailed, whereabouts
from agentos.core.ids import new_id
from agentos.core.types import Json, JsonObject, canonical_sha256, clean_json, clean_text, json_object, json_text
from agents.engine import events
from agents.engine.messages import EDITED, REFUSED
from agents.engine.model_calls import ToolCall
from agents.engine.outdated import asked_of, change_since
from agents.engine.ports import Ports
from agents.engine.scrubbing import without
from agents.engine.session_state import CallState
from agents.engine.state import LoopState, mark_unknown, unknown_entry
from agents.engine.status import PauseKind, StepKind, StepState
from agents.engine.steps import AuditEntry, StepRecord, Write, WriteRefused, guarded_entries, is_void, void_answer
from agents.engine.tools import UNTRUSTED, RunContext, Tool, holds_untrusted, unwrapped
from agents.engine.verdicts import Allow, Hold, Refuse, Require, Verdict

logger = logging.getLogger(__name__)

CALLS_AT_ONCE = 8
MAX_RESULT_CHARS = 200_000


async def run_calls(state: LoopState, ports: Ports, turn: int, calls: tuple[ToolCall, ...]) -> list[StepRecord]:
    """Take every call of a turn as far as it goes without a human; return their steps in the model's order.

    Raises: LimitExceeded before any of them runs.
    """
    steps = [_planned(state, f"{turn}.{ordinal}", call) for ordinal, call in enumerate(calls)]
    state.check_limits(turn)
    places = asyncio.Semaphore(CALLS_AT_ONCE)

    async def advance(step: StepRecord) -> None:
        async with places:
            await _advance(state, ports, step)

    moving = [advance(step) for step in steps if not step.state.is_final]
    results = await asyncio.gather(*moving, return_exceptions=True)
    for result in results:
        if isinstance(result, BaseException):
            raise result
    return steps


def _planned(state: LoopState, path: str, call: ToolCall) -> StepRecord:
    if (known := state.steps.get(path)) is not None:
        return known
    arguments = json_object(call.arguments or "{}")
    request: JsonObject = {
        "tool": call.name,
        "arguments": clean_json(arguments) if arguments is not None else {},
    }
    step = StepRecord(new_id(), path, StepKind.TOOL, call.name, StepState.STARTED, request, tool_call_id=call.id)
    step.args_hash = canonical_sha256([call.name, request["arguments"]])
    step.idempotency_key = hashlib.sha256(f"{state.info.run_id}:{path}:{step.args_hash}".encode()).hexdigest()
    step.attempts = 0
    if call.fault or arguments is None:
        step.error = call.fault or "The arguments are not a JSON object."
    state.steps[path] = step
    return step


async def _advance(state: LoopState, ports: Ports, step: StepRecord) -> None:
    if ports.journal.halted_by(step.name):
        return None  # it waits for its release: the run pauses when its other calls are done
    tool = state.info.spec.tool(step.name)
    change = change_since(step.request, tool)
    if step.state is StepState.UNKNOWN:
        return None
    if _may_have_happened(step, tool, change):
        mark_unknown(step, tool)
        return ports.journal.put(Write(steps=[step], audit=[unknown_entry(step)]))
    if step.answer is not None and (done := _apply_answer(step, tool)) is not None:
        return _end(ports, step, *done)
    if change and step.state is StepState.STARTED:
        return _end(ports, step, StepState.FAILED, None, f"{change} Call it again.")
    if change and not is_void(step.answer):
        return await _take_back(state, ports, step, tool, change)
    return None if step.state is StepState.WAITING else await _judge(state, ports, step, tool)


def _may_have_happened(step: StepRecord, tool: Tool | None, change: str) -> bool:
    """Tell whether a call was cut after it began and may not be made again as it was."""
    if step.state is not StepState.STARTED or step.attempts == 0:
        return False
    return tool is None or tool.repeat == "once" or (change != "" and tool.repeat == "idempotent")


async def _take_back(state: LoopState, ports: Ports, step: StepRecord, tool: Tool | None, change: str) -> None:
    """Withdraw what a human was asked, or has agreed to, and ask anew: the tool is another one now."""
    withdrawal = ports.hooks.withdraw(state.info, step, change)
    was = step.state, step.answer
    step.state, step.answer = StepState.ANSWERED, void_answer(change)
    try:
        await ports.journal.commit(
            Write(steps=[step], statements=list(withdrawal.statements), audit=list(withdrawal.audit))
        )
    except WriteRefused as refused:
        if was[0] is StepState.WAITING:  # answered meanwhile: the next pass finds the answer
            step.state, step.answer = was
            return None
        return _end(ports, step, StepState.REFUSED, REFUSED + refused.detail, "")
    return await _judge(state, ports, step, tool)


async def _judge(state: LoopState, ports: Ports, step: StepRecord, tool: Tool | None) -> None:
    """Check the arguments, then let the gate say whether the call runs or a human is asked."""
    change = ""
    if step.answer is not None and is_void(step.answer):
        change, step.answer = step.answer["note"], None
    if tool is None or step.error:
        reason = step.error or change or f"There is no tool {step.name}."
        return _end(ports, step, StepState.FAILED, None, reason)
    try:
        arguments = tool.validate(step.request["arguments"])
    except ToolFailed as error:
        return _end(ports, step, StepState.FAILED, None, f"{change} {error.detail}".strip())
    return await _gated(state, ports, step, tool, arguments, asked_again=change)


async def _gated(
    state: LoopState, ports: Ports, step: StepRecord, tool: Tool, arguments: BaseModel, *, asked_again: str
) -> None:
    step.request["arguments"] = clean_json(arguments.model_dump(mode="json"))
    step.request["schema_hash"] = tool.schema_hash
    if tool.reads:
        step.request["reads"] = tool.reads
    if state.untrusted:
        step.request["tainted_by"] = list(state.untrusted)
    async with state.judging:
        verdict = await _verdict(state, ports, step, tool)
        if isinstance(verdict, Require):
            refused = await _ask(ports, step, tool, verdict, asked_again)
            if not refused:
                return None
            again = await _verdict(state, ports, step, tool)  # other runs may have asked for the last that may wait
            verdict = again if isinstance(again, Hold) else Refuse(refused)
    match verdict:
        case Allow():
            return await _execute(state, ports, step, tool, arguments, verdict)
        case Refuse():
            return _end(ports, step, StepState.REFUSED, REFUSED + verdict.reason, "")
        case Hold():
            state.held = verdict
            return None
        case _:
            assert_never(verdict)


async def _verdict(state: LoopState, ports: Ports, step: StepRecord, tool: Tool) -> Verdict:
    try:
        return await ports.hooks.before_tool(state.info, tool, step, step.request["arguments"])
    except AgentOSError as error:
        return Refuse(error.detail)


async def _ask(ports: Ports, step: StepRecord, tool: Tool, verdict: Require, asked_again: str) -> str:
    """Store that the step waits; return why that was refused, the step being as it was then, else nothing."""
    was = step.state, step.answer, dict(step.request)
    step.state, step.answer = StepState.WAITING, None
    step.request |= asked_of(tool)
    step.request["requirement"] = verdict.requirement | ({"asked_again": asked_again} if asked_again else {})
    try:
        await ports.journal.commit(Write(steps=[step], statements=list(verdict.statements), audit=list(verdict.audit)))
    except WriteRefused as refused:
        step.state, step.answer, step.request = was
        return refused.detail
    return ""


def _apply_answer(step: StepRecord, tool: Tool | None) -> tuple[StepState, Json, str] | None:
    """Use what the human said: an end for the step, or None when the tool still has to run.

    A no stands, and so does what she did or chose herself, whatever has become of the tool.
    """
    answer = step.answer or {}
    if is_void(answer):
        return None
    kind = PauseKind(step.request.get("requirement", {}).get("kind", PauseKind.CONFIRMATION))
    if kind is PauseKind.RECONCILE:
        return _reconciled(step, answer)
    if answer.get("confirmed") is False:
        nobody = "nobody approved it." if kind is PauseKind.APPROVAL else "the user declined."
        return StepState.REFUSED, REFUSED + (answer.get("note") or nobody), ""
    if (edited := answer.get("edited_arguments")) is not None:
        _edit(step, edited)
    if kind is PauseKind.EXTERNAL:
        return StepState.DONE, answer.get("result"), ""
    if kind is PauseKind.FEEDBACK:
        return StepState.DONE, answer.get("selected"), ""
    if kind is PauseKind.USER_INPUT and tool is not None:
        if tool.asks == "fields":
            return StepState.DONE, answer.get("values"), ""
        values = {name: answer["values"][name] for name in tool.input_fields if name in answer.get("values", {})}
        step.request["arguments"] = {**step.request["arguments"], **values}
    return None


def _edit(step: StepRecord, arguments: JsonObject) -> None:
    """Let the call be made as a person has edited it; what the model asked for stays beside."""
    step.request.setdefault("proposed_arguments", step.request["arguments"])
    step.request["arguments"] = arguments
    step.args_hash = canonical_sha256([step.name, arguments])


def _reconciled(step: StepRecord, answer: JsonObject) -> tuple[StepState, Json, str] | None:
    outcome = answer.get("outcome")
    if outcome == "happened":
        return StepState.DONE, answer.get("result") or "It was done.", ""
    if outcome == "abandon":
        return StepState.FAILED, None, "It is not known whether this happened; it was abandoned."
    step.attempts = 0
    return None


async def _execute(
    state: LoopState, ports: Ports, step: StepRecord, tool: Tool, arguments: BaseModel, allow: Allow
) -> None:
    step.state = StepState.STARTED
    step.attempts += 1
    step.request.pop("schema", None)  # it was kept for the time of waiting
    start = Write(
        steps=[step],
        events=[(events.TOOL_STARTED, {"tool": events.tool_execution(step)})],
        statements=list(allow.statements),
        audit=[*allow.audit, _audit("tool.started", step)],
    )
    try:
        if tool.repeat == "read_only" and not start.statements:
            ports.journal.put(start)
        else:
            await ports.journal.commit(start)
    except WriteRefused as refused:
        return _end(ports, step, StepState.REFUSED, REFUSED + refused.detail, "")
    ended, result, error = await _call(state, ports, step, tool, arguments)
    if ended is StepState.STARTED and tool.repeat == "idempotent":
        step.attempts += 1
        ended, result, error = await _call(state, ports, step, tool, arguments)
    if ended is StepState.STARTED:
        return _broke_off(ports, step, tool, error)
    if ended is StepState.DONE:
        result = await ports.hooks.after_tool(state.info, tool, step, result)
    elif error:
        error = str(await ports.hooks.after_tool(state.info, tool, step, error))
    return _end(ports, step, ended, result, error)


def _broke_off(ports: Ports, step: StepRecord, tool: Tool, error: str) -> None:
    """End a call that gave no answer: it failed if it only reads, else nobody knows whether it happened."""
    if tool.repeat == "read_only":
        return _end(ports, step, StepState.FAILED, None, error)
    mark_unknown(step, tool)
    return ports.journal.put(Write(steps=[step], audit=[unknown_entry(step)]))


async def _call(
    state: LoopState, ports: Ports, step: StepRecord, tool: Tool, arguments: BaseModel
) -> tuple[StepState, Json, str]:
    info, session = state.info, CallState(ports.journal, tool, step)
    context = RunContext(
        info.run_id,
        info.tenant_id,
        info.user_id,
        info.session_id,
        step.tool_call_id,
        step.idempotency_key,
        session,
        tool.connections,
        partial(ports.connect, info),
        untrusted=tuple(step.request.get("tainted_by", ())),
    )
    call = _scrubbed(_noted(step, tool.call(context, arguments)), context)
    ended, result, error = await guarded(tool.name, call, timeout_seconds=tool.timeout_seconds)
    return ended, result, without(error, context.secrets)


async def _noted(step: StepRecord, call: Awaitable[Json]) -> Json:
    """Unwrap what a tool says to be untrusted, and note that on the step."""
    result = await call
    if holds_untrusted(result):
        step.request["reads"] = UNTRUSTED
        return unwrapped(result)
    return result


async def _scrubbed(call: Awaitable[Json], context: RunContext) -> Json:
    result = await call
    return without(clean_json(_jsonable(result)), context.secrets) if context.handed else result


async def guarded(name: str, call: Awaitable[Json], *, timeout_seconds: float) -> tuple[StepState, Json, str]:
    """Await what a tool's own code does; return how it ended, its result, and the error's text.

    FAILED is the tool's own word that nothing happened (`ToolFailed`); STARTED means that it broke off, and that
    what it does may have happened. An exit, or a cancellation that nobody of ours asked for, is such an end, too.
    """
    try:
        async with asyncio.timeout(timeout_seconds):
            return StepState.DONE, _bounded(clean_json(_jsonable(await call))), ""
    except ToolFailed as error:
        return StepState.FAILED, None, clean_text(error.detail)
    except TimeoutError:
        return StepState.STARTED, None, f"{name} did not answer within {timeout_seconds:g} seconds."
    except BaseException as error:
        # Whatever a tool raises is the tool's failure, not the run's or the process's. Its text may hold secrets: only
        # the type is kept.
        if isinstance(error, GeneratorExit) or (isinstance(error, asyncio.CancelledError) and _is_cancelled()):
            raise
        logger.warning("tool %s failed: %s", name, whereabouts(error))
        return StepState.STARTED, None, f"{name} failed."


def _is_cancelled() -> bool:
    """Tell whether somebody cancels this task; a tool may raise the same error by itself."""
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0


def _bounded(result: Json) -> Json:
    """Cut a result that nobody could read: it is stored, sent and shown."""
    text = result if isinstance(result, str) else json_text(result)
    if len(text) <= MAX_RESULT_CHARS:
        return result
    return f"{text[:MAX_RESULT_CHARS]} [cut: {len(text) - MAX_RESULT_CHARS} more characters]"


def _jsonable(value: Json) -> Json:
    if isinstance(value, BaseModel):
        return value.model_dump(mode="json")
    return value if isinstance(value, str | int | float | bool | list | dict | None) else str(value)


def _end(ports: Ports, step: StepRecord, ended: StepState, result: Json, error: str) -> None:
    step.state, step.result, step.error = ended, clean_json(result), clean_text(error)
    name = events.TOOL_ERROR if ended is StepState.FAILED else events.TOOL_COMPLETED
    payload: JsonObject = {
        "tool": events.tool_execution(step),
        "content": result if isinstance(result, str) else None,
    }
    if error:
        payload["error"] = error
    # Its start is in the trail; so is the end of what somebody was asked about, and what was not let run.
    tells = ended is StepState.REFUSED or "requirement" in step.request
    audit = [_audit(f"tool.{ended.value}", step)] if tells else []
    audit += guarded_entries(step)
    ports.journal.put(Write(steps=[step], events=[(name, payload)], audit=audit), can_wait=True)


def _audit(action: str, step: StepRecord) -> AuditEntry:
    return AuditEntry(action, "step", str(step.id), {"tool": step.name, "args_hash": step.args_hash})


def told_to_model(step: StepRecord) -> Json:
    """Return what the model reads as the result of a final step."""
    result = f"Error: {step.error}" if step.error else step.result
    if "proposed_arguments" not in step.request:
        return result
    text = result if isinstance(result, str) else json_text(result)
    return f"{EDITED} {json_text(step.request['arguments'])}. {text}"
