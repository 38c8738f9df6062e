"""Stores what humans say to a waiting tool call and hands the run on. The server owns tool and arguments.

An answer names a tool call by its id and says yes or no, values, selections or a result; nothing else is read.
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from uuid import UUID

from django.db import connections

from accounts import audit
from accounts.principals import Principal
from accounts.tenancy import tenant_scope
from agentos.core.clock import rfc3339_ms, utc_now
from agentos.core.errors import Conflict, Invalid, NotFound, PolicyDenied
from agentos.core.types import Json, JsonObject, clean_json, clean_text, texts_of
from agents.engine.status import PauseKind, StepKind, StepState
from agents.engine.steps import GUARDS
from agents.models import Run, Step
from agents.services import handover, idempotency, log, switches
from agents.services.crash import crash_at_commit
from agents.services.idempotency import Key
from agents.services.runs import check_live, lock
from agents.services.sql import table, value_of

MAX_NOTE_CHARS = 4_000
MAX_VALUE_TEXTS = 200  # each goes through the guards, which may ask a service
ANSWER = f"UPDATE {table(Step)} SET answer = %s, state = %s WHERE tenant_id = %s AND id = %s"
_BOOLEANS = ("true", "false")
_WHOLE = re.compile(r"[+-]?[0-9]{1,18}(\.0*)?")
_NUMBER = re.compile(r"[+-]?([0-9]{1,30}\.?[0-9]{0,30}|\.[0-9]{1,30})([eE][+-]?[0-9]{1,2})?")


@dataclass(frozen=True, slots=True)
class Answer:
    """One answer as a client sends it."""

    tool_call_id: str
    confirmed: bool | None = None
    values: JsonObject | None = None
    selected: list[list[str]] | None = None
    result: str | None = None
    note: str = ""
    guards: tuple[JsonObject, ...] = ()  # what they did about its texts: [{guard, did, place, kinds}]

    async def guarded(self, check: Callable[[str], Awaitable[str]]) -> Answer:
        """Return the answer with every free text as the guards let it through."""
        values = clean_json(self.values) or {}
        if sum(1 for _ in texts_of(values)) > MAX_VALUE_TEXTS:
            raise Invalid(f"`values` holds more than {MAX_VALUE_TEXTS} texts.", code="answer_invalid")
        return replace(
            self,
            note=await check(self.note) if self.note else "",
            result=await check(self.result) if self.result else self.result,
            values=self.values and {name: await _guarded(value, check) for name, value in values.items()},
        )


def answer(*, principal: Principal, run_id: UUID, answers: list[Answer], key: Key | None = None) -> int:
    """Store answers of the requester and let the run go on; return the seq after which it goes on. Commits.

    Raises: NotFound, PolicyDenied (an approval is someone else's), Conflict (not waiting), Invalid.
    """
    if not answers:
        raise Invalid("`answers` is empty.", code="answers_missing")
    with tenant_scope(principal.tenant_id, principal.user_id):
        run = lock(principal, run_id)
        last_seq = log.last_seq(run)
        if first := idempotency.take(key, principal=principal, run_id=run.id, after_seq=last_seq):
            return first.after_seq
        check_live(run)
        entries = []
        for said in answers:
            step = _waiting_step(run, said.tool_call_id)
            switches.check_released(run, step.name)
            kind = PauseKind(step.request["requirement"]["kind"])
            if kind in (PauseKind.APPROVAL, PauseKind.RECONCILE):
                raise PolicyDenied("This waits for someone else's decision.", code=f"{kind.value}_required")
            if run.user_id != principal.user_id:
                raise PolicyDenied("Only the requester answers this.", code="not_requester")
            stored = {
                **_checked(kind, step, said),
                "note": clean_text(said.note),
                "by": str(principal.user_id),
            }
            detail: JsonObject = {"tool": step.name, "kind": kind.value, "confirmed": said.confirmed}
            if said.guards:
                stored[GUARDS] = detail[GUARDS] = list(said.guards)
            _store(step, stored)
            entries.append(audit.Entry("step.answered", "step", str(step.id), detail, principal.user_id))
        handover.let_go_on(run)
        audit.append(entries, tenant_id=principal.tenant_id)
        crash_at_commit("answer")
    return last_seq


def step_of(run: Run, path: str) -> Step | None:
    """Lock a step, on the connection that its run was read from. The caller holds the run's row lock."""
    steps = Step.objects.using(run._state.db).select_for_update()
    return steps.filter(tenant_id=run.tenant_id, run=run, path=path).first()


def settle(*, run: Run, step: Step | None, answer: JsonObject) -> None:
    """Store a decision on a waiting step and let the run go on.

    The caller holds both row locks and writes its own audit. It is inside the tenant scope of one who may decide, or,
    for the machine's own decisions, in a transaction of the system role. Raises: Conflict when the step waits no more.
    """
    check_live(run)
    if step is None or step.state not in (StepState.WAITING, StepState.UNKNOWN):
        raise Conflict("This tool call no longer waits.", code="not_waiting")
    _store(step, clean_json(answer))
    handover.let_go_on(run, answered=step)


def _waiting_step(run: Run, tool_call_id: str) -> Step:
    calls = Step.objects.select_for_update().filter(run=run, kind=StepKind.TOOL)  # a model's call has no such id
    step = calls.filter(tool_call_id=tool_call_id).first()
    if step is None:
        raise NotFound("There is no such tool call in this run.", code="tool_call_not_found")
    if step.state not in (StepState.WAITING, StepState.UNKNOWN):
        raise Conflict("This tool call is answered already.", code="not_waiting")
    return step


def _store(step: Step, answer: JsonObject) -> None:
    step.answer = {**answer, "at": rfc3339_ms(utc_now())}
    step.state = StepState.ANSWERED.value
    using = step._state.db or "default"
    stored = value_of(Step, "answer", step.answer, using=using)
    with connections[using].cursor() as cursor:
        cursor.execute(ANSWER, [stored, step.state, step.tenant_id, step.id])


def _checked(kind: PauseKind, step: Step, said: Answer) -> JsonObject:
    """Return the part of an answer that its kind asks for. Raises: Invalid when that is missing or does not fit."""
    if len(said.note) > MAX_NOTE_CHARS:
        raise Invalid(f"A note has at most {MAX_NOTE_CHARS} characters.", code="note_too_long")
    if said.confirmed is False:
        return {"confirmed": False}
    match kind:
        case PauseKind.CONFIRMATION:
            if said.confirmed is None:
                raise Invalid("Say `confirmed`: true or false.", code="answer_invalid")
            return {"confirmed": True}
        case PauseKind.USER_INPUT:
            return {"values": _values(step, said.values)}
        case PauseKind.FEEDBACK:
            return {"selected": _selected(step, said.selected)}
        case PauseKind.EXTERNAL:
            if said.result is None:
                raise Invalid("Send the `result` of the external tool.", code="answer_invalid")
            return {"result": clean_text(said.result)}
    raise Invalid("This tool call takes no answer here.", code="answer_invalid")


def _values(step: Step, values: JsonObject | None) -> JsonObject:
    schema = step.request["requirement"].get("user_input_schema") or []
    wanted = {field["name"] for field in schema}
    given = clean_json(values or {})
    if missing := sorted(name for name in wanted if given.get(name) in (None, "")):
        raise Invalid(f"`values` lacks {', '.join(missing)}.", code="answer_invalid")
    if unknown := sorted(set(given) - wanted):
        raise Invalid(f"`values` may not hold {', '.join(unknown)}.", code="answer_invalid")
    for field in schema:
        options = field.get("options")
        if options and given[field["name"]] not in options:
            raise Invalid(f"{field['name']} must be one of {', '.join(map(str, options))}.", code="answer_invalid")
        if not options and not _fits(given[field["name"]], field.get("field_type", "")):
            raise Invalid(f"{field['name']} must be of type {field['field_type']}.", code="answer_invalid")
    return {name: given[name] for name in wanted}


def _fits(value: Json, kind: str) -> bool:
    """Say whether a value is of a field's type, or its text; a type of nobody's knowledge takes any."""
    if kind in ("int", "float", "bool") and isinstance(value, str):
        return value.strip().casefold() in _BOOLEANS if kind == "bool" else _is_number(value, whole=kind == "int")
    kinds: dict[str, type | tuple[type, ...]] = {
        "str": str,
        "int": int,
        "float": (int, float),
        "bool": bool,
        "list": list,
        "dict": dict,
    }
    if isinstance(value, bool) and kind in ("int", "float"):
        return False
    return isinstance(value, kinds.get(kind, object))


def _is_number(text: str, *, whole: bool) -> bool:
    """Say whether a text is a number that a tool's argument takes."""
    return (_WHOLE if whole else _NUMBER).fullmatch(text.strip()) is not None


async def _guarded(value: Json, check: Callable[[str], Awaitable[str]]) -> Json:
    """Return a JSON value with every text in it, keys too, as the guards let it through."""
    if isinstance(value, str):
        return await check(value)
    if isinstance(value, dict):
        return {await check(key): await _guarded(item, check) for key, item in value.items()}
    if isinstance(value, list):
        return [await _guarded(item, check) for item in value]
    return value


def _selected(step: Step, selected: list[list[str]] | None) -> list[JsonObject]:
    """Return [{question, selected: [label, ...]}] after checking each label against what was offered."""
    questions = step.request["requirement"].get("user_feedback_schema") or []
    if selected is None or len(selected) != len(questions):
        raise Invalid("Send `selected`: one list of labels for each question.", code="answer_invalid")
    answered = []
    for question, labels in zip(questions, selected, strict=True):
        offered = {option["label"] for option in question.get("options") or []}
        if not labels or (len(labels) > 1 and not question.get("multi_select")) or not set(labels) <= offered:
            raise Invalid(f"Choose from what “{question['question']}” offers.", code="answer_invalid")
        answered.append({"question": question["question"], "selected": labels})
    return answered
