"""One model call as a journaled step: reused when done, asked again when it was cut."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import replace

from agentos.core.errors import ProviderError
from agentos.core.ids import new_id
from agentos.core.types import JsonObject
from agents.engine import events, spending
from agents.engine.model_calls import ModelReply, ModelRequest, ToolCall
from agents.engine.ports import OutputFilter, Ports
from agents.engine.retry import delay_seconds
from agents.engine.state import LoopState
from agents.engine.status import StepKind, StepState
from agents.engine.steps import StepRecord, Write, guarded_entries
from agents.engine.tools import Tool

MAX_ATTEMPTS = 4
FINAL_CODES = frozenset({"context_length", "provider_content_filter"})  # another model would be asked the same


class HaltedMeanwhile(Exception):
    """A kill switch was turned between two attempts; `by` names it."""

    def __init__(self, by: str) -> None:
        super().__init__(by)
        self.by = by


async def ask_model(state: LoopState, ports: Ports, turn: int) -> ModelReply:
    """Return the model's reply for this turn.

    Raises: ProviderError when no attempt succeeds; PolicyDenied, LimitExceeded, HaltedMeanwhile when the run may not
    go on.
    """
    path = f"{turn}.model"
    step = state.steps.get(path)
    if step is not None and step.state is StepState.DONE:
        return _reply_of(step)
    if step is None:
        request: JsonObject = {"turn": turn}
        if turn == 1 and state.remembers is not None:
            request["remembers"] = state.remembers
        step = StepRecord(new_id(), path, StepKind.MODEL, state.info.model, StepState.STARTED, request)
        state.steps[path] = step
    else:
        if not spending.is_counted(step):  # its process died in the middle of it
            _count_cut(state, ports, step, step.name, "")
        step.attempts += 1
        ports.journal.emit(events.RUN_CONTENT_RESET, {"from_seq": step.seq + 1})
    return await _attempts(state, ports, step)


async def _attempts(state: LoopState, ports: Ports, step: StepRecord) -> ModelReply:
    """Ask the run's model, then its fallbacks in order; each switch and each new attempt is seen in the events."""
    models = (state.info.model, *state.info.fallbacks)
    for position, model in enumerate(models):
        for attempt in range(1, MAX_ATTEMPTS + 1):
            if halted_by := ports.journal.halted_by():
                raise HaltedMeanwhile(halted_by)
            await be_allowed(state, ports)
            offered = await ports.hooks.offered(state.info)
            _announce(ports, step, model, replaces=models[position - 1] if position else "")
            try:
                reply = await _stream(state, ports, step, model, offered)
            except ProviderError as error:
                exhausted = attempt == MAX_ATTEMPTS or not error.retryable
                if exhausted and (model == models[-1] or error.code in FINAL_CODES):
                    step.state, step.error = StepState.FAILED, error.code
                    ports.journal.put(Write(steps=[step]))
                    raise
                if not exhausted:
                    await ports.sleep(delay_seconds(attempt, error.retry_after_seconds))
                await _reset(ports, step, error.code)
                if exhausted:
                    break
                continue
            _finish(state, ports, step, model, reply)
            return reply
    raise AssertionError("unreachable: the last model answers or raises")


async def be_allowed(state: LoopState, ports: Ports) -> None:
    """Ask for more once the run has used what it was allowed. Raises: LimitExceeded."""
    spent = state.spent
    used = spent.usage.total_tokens, spent.known_cost_usd
    if state.allowance is None or not state.allowance.covers(*used):
        state.allowance = await ports.allow(state.info, *used)


def _announce(ports: Ports, step: StepRecord, model: str, *, replaces: str) -> None:
    payload: JsonObject = {"model": model, "attempt": step.attempts}
    if replaces:
        payload["fallback_from"] = replaces
    step.name = model
    ports.journal.put(Write(steps=[step], events=[(events.MODEL_STARTED, payload)]))


async def _reset(ports: Ports, step: StepRecord, code: str) -> None:
    step.attempts += 1
    await ports.journal.commit(Write())  # only now the step knows the seq it was written at
    ports.journal.emit(events.RUN_CONTENT_RESET, {"from_seq": step.seq + 1, "code": code})


async def _stream(state: LoopState, ports: Ports, step: StepRecord, model: str, offered: Sequence[Tool]) -> ModelReply:
    info = state.info
    output_filter = await ports.hooks.output_filter(info)
    tools = [tool.definition for tool in offered]
    seconds = info.spec.limits.model_seconds
    request = ModelRequest(model, state.messages, tools, timeout_seconds=seconds, tenant_id=info.tenant_id)
    began, first = time.monotonic(), None
    said: list[str] = []
    released: list[str] = []

    def heard(text: str) -> None:
        nonlocal first
        if first is None:
            first = int((time.monotonic() - began) * 1000)
        said.append(text)
        _release(ports, released, output_filter.feed(text) if output_filter else text)

    try:
        reply = await ports.model.reply(request, heard)
    except BaseException:
        if said:
            _count_cut(state, ports, step, model, "".join(said))
        raise
    if output_filter:
        _release(ports, released, output_filter.finish())
        reply = await _filtered(step, reply, "".join(released), output_filter)
    return replace(reply, time_to_first_token_ms=first)


async def _filtered(step: StepRecord, reply: ModelReply, text: str, output_filter: OutputFilter) -> ModelReply:
    """Return the reply as it may be kept: its text as it left, its calls without what no tool is given."""
    calls = []
    for call in reply.tool_calls:
        arguments, fault = await output_filter.arguments(call.arguments)
        calls.append(replace(call, arguments=arguments, fault=fault))
    if output_filter.notes:
        step.request["guards"] = output_filter.notes
    return replace(reply, text=text, tool_calls=tuple(calls))


def _count_cut(state: LoopState, ports: Ports, step: StepRecord, model: str, said: str) -> None:
    """Count what a call has used that is cut, by whatever: the provider charges for it.

    It is stored with what comes next. Stored now, the step would forget from where readers drop what was said.
    """
    usage = spending.guess(state.messages, said)
    spending.add_guess(step, usage, ports.cost_of(model, usage))


def _release(ports: Ports, released: list[str], text: str) -> None:
    if text:
        released.append(text)
        ports.journal.emit(events.RUN_CONTENT, {"content": text, "content_type": "str"})


def _finish(state: LoopState, ports: Ports, step: StepRecord, model: str, reply: ModelReply) -> None:
    used = spending.used(reply, state.messages)
    usage = spending.add_end(step, reply, used, ports.cost_of(model, used))
    step.state, step.result = StepState.DONE, _stored(reply)
    completed = (events.MODEL_COMPLETED, {"model": reply.model, **usage})
    ports.journal.put(Write(steps=[step], events=[completed], audit=guarded_entries(step)))


def _stored(reply: ModelReply) -> JsonObject:
    calls = [
        {"id": call.id, "name": call.name, "arguments": call.arguments} | ({"fault": call.fault} if call.fault else {})
        for call in reply.tool_calls
    ]
    return {
        "text": reply.text,
        "tool_calls": calls,
        "finish_reason": reply.finish_reason,
        "model": reply.model,
    }


def _reply_of(step: StepRecord) -> ModelReply:
    stored = step.result or {}
    return ModelReply(
        text=stored["text"],
        tool_calls=tuple(
            ToolCall(call["id"], call["name"], call["arguments"], call.get("fault", ""))
            for call in stored["tool_calls"]
        ),
        finish_reason=stored["finish_reason"],
        model=stored["model"],
    )
