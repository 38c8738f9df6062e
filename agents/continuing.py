"""AgentOS's one route for going on with a run, told apart: an answer, a fork, a rerun, or the run's own stream.

A run's journal is never rewritten: what AgentOS does in place is a new run of the same session here. What it counts as
messages are, in order: the instructions, what was asked, and each turn's reply with the results of its tool calls.
"""

from __future__ import annotations

import re
from dataclasses import asdict, dataclass
from typing import Final
from uuid import UUID

from accounts.principals import Principal
from accounts.seam import in_thread
from agentos.core.errors import Conflict, Invalid, PolicyDenied
from agentos.core.types import Json, JsonObject
from agents import answering, selectors, steering
from agents.engine.events import RUN_PAUSED
from agents.engine.status import RunStatus, StepKind, StepState
from agents.forms import flag_of, text_of
from agents.schemas import answers_of
from agents.services import idempotency, log
from agents.services.answers import Answer
from agents.services.forks import END, Fork
from agents.services.idempotency import First, Key
from agents.services.runtime import Runtime

LAST_USER: Final = "last_user"
FIRST_MESSAGES: Final = 2  # the instructions, and what was asked
_COUNT = re.compile(r"[0-9]{1,6}")


@dataclass(frozen=True, slots=True)
class Continuation:
    """How a client of AgentOS wants a run to go on. `boundary` is END, LAST_USER or how many messages are kept."""

    answers: tuple[Answer, ...] = ()
    boundary: str | int = END
    is_fork: bool = False
    message: str | None = None
    session_id: str = ""

    @property
    def content(self) -> Json:
        """Return what makes two requests the same for an idempotency key."""
        if self.answers:
            return [asdict(answer) for answer in self.answers]
        return {"boundary": self.boundary, "fork": self.is_fork, "message": self.message}


def continuation_of(fields: JsonObject) -> Continuation:
    """Read how a run shall go on. Raises: CallerError, Invalid."""
    said = answers_of(fields)
    regenerates, boundary = flag_of(fields, "regenerate", False), _boundary(fields)
    if not regenerates and (_is_given(fields, "replace_original") or _is_given(fields, "additional_instructions")):
        raise Invalid("That goes with `regenerate` only.", code="regenerate_only")
    if regenerates and flag_of(fields, "replace_original", False):
        raise Invalid("An answer that was given stays in its session.", code="replace_not_offered")
    if regenerates and _is_given(fields, "continue_from") and boundary != LAST_USER:
        raise Invalid("`regenerate` goes on from what was asked.", code="continue_from_invalid")
    if regenerates:
        boundary = LAST_USER
    is_fork = flag_of(fields, "fork", False)
    message = text_of(fields, "additional_instructions") or text_of(fields, "input") or None
    if said and (is_fork or message or boundary != END):
        raise Invalid("Answer the run, or go on from an earlier place in a new one: not both.", code="answer_or_fork")
    return Continuation(tuple(said), boundary, is_fork, message, text_of(fields, "session_id"))


async def go_on(
    here: Runtime, principal: Principal, run_id: UUID, wanted: Continuation, key: Key | None, *, component_id: str
) -> First:
    """Let a run of that component go on as asked; return the run to follow, and after which of its events.

    Raises: as `answering.answer`, `steering.fork` and `steering.rerun`; Conflict when nothing is left to do.
    """
    if wanted.answers:
        said, within = list(wanted.answers), {"component_id": component_id, "session_id": wanted.session_id}
        return First(run_id, await answering.answer(here, principal, run_id, said, key, **within))
    run = await in_thread(selectors.run_detail, principal=principal, run_id=run_id, component_id=component_id)
    selectors.check_session(run, wanted.session_id)
    if key and (first := await in_thread(idempotency.first_of, key, principal=principal)):
        return first
    if wanted.boundary == END and wanted.message is None:
        return await _from_its_end(here, principal, run, wanted, key)
    start = await _start(principal, run, wanted)
    made, _ = await steering.fork(here, principal, run_id, Fork(start, _message(run, start, wanted)), key)
    return First(made, 0)


async def _from_its_end(
    here: Runtime, principal: Principal, run: JsonObject, wanted: Continuation, key: Key | None
) -> First:
    """Go on where the run stands, with nothing new said."""
    run_id, status = UUID(run["run_id"]), RunStatus(run["status"].lower())
    if status is RunStatus.ERROR:
        return First((await steering.rerun(here, principal, run_id, key))[0], 0)
    if wanted.is_fork and status is RunStatus.PAUSED and run["requirements"]:
        start = await in_thread(_first_waiting, principal, run_id)
        return First((await steering.fork(here, principal, run_id, Fork(start), key))[0], 0)
    if wanted.is_fork or status is RunStatus.CANCELLED:
        raise Conflict("Nothing is left to do at its end: say `continue_from`.", code="nothing_to_continue")
    if status is RunStatus.PAUSED:
        if any(item["tool_execution"].get("approval_id") for item in run["requirements"]):
            raise PolicyDenied("This waits for someone else's decision.", code="approval_required")
        raise Conflict("The run goes on by itself once it is answered: send `tools`.", code="nothing_to_continue")
    paused_at = await _last_pause(here, principal, run_id)
    if status is RunStatus.COMPLETED and not paused_at:
        raise Conflict("The run has answered: send `input`, or say `continue_from`.", code="nothing_to_continue")
    return First(run_id, paused_at)


async def _last_pause(here: Runtime, principal: Principal, run_id: UUID) -> int:
    """Return the seq at which the run paused last, 0 when it never did."""
    found = after = 0
    while page := await log.page(here.pool, tenant_id=principal.tenant_id, run_id=run_id, after=after):
        found = max([found, *(line.seq for line in page if line.name == RUN_PAUSED)])
        after = page[-1].seq
    return found


async def _start(principal: Principal, run: JsonObject, wanted: Continuation) -> str:
    """Return the path of the step to go on from. Raises: Conflict, Invalid when there is none."""
    if wanted.boundary == END:
        if run["status"] != RunStatus.COMPLETED.upper():
            raise Conflict("Only a run that has answered is told more: say `continue_from`.", code="not_completed")
        return END
    if wanted.boundary == LAST_USER:
        return "1.model"
    rows = await in_thread(selectors.run_steps, principal=principal, run_id=UUID(run["run_id"]))
    return start_of([row["path"] for row in rows], int(wanted.boundary), answered=run["status"] == "COMPLETED")


def start_of(paths: list[str], kept: int, *, answered: bool) -> str:
    """Return the path of the model call that is made with the first `kept` messages; in the midst of a turn, its own.

    Raises: Invalid when the run has fewer.
    """
    turns = sorted({int(path.partition(".")[0]) for path in paths})
    start, count = "", FIRST_MESSAGES
    for turn in turns:
        if count <= kept:
            start = f"{turn}.model"
        count += sum(1 for path in paths if path.startswith(f"{turn}."))  # the reply, and a result of each call
    if kept < FIRST_MESSAGES or kept > count or not start:
        raise Invalid(f"`continue_from` is {FIRST_MESSAGES} to {count} messages here.", code="continue_from_invalid")
    return END if answered and kept == count else start


def _message(run: JsonObject, start: str, wanted: Continuation) -> str | None:
    """Return what is asked of the new run; None when that stays as it was. Raises: Invalid."""
    if wanted.message is None or start == END:
        return wanted.message
    if start != "1.model":
        raise Invalid("Nothing can be said in the midst of a run: only behind what was asked.", code="input_misplaced")
    return "\n\n".join(filter(None, [run["input"]["input_content"], wanted.message]))


def _first_waiting(principal: Principal, run_id: UUID) -> str:
    """Raises: Conflict when the run waits no more."""
    for row in selectors.run_steps(principal=principal, run_id=run_id):
        if row["kind"] == StepKind.TOOL and row["state"] == StepState.WAITING:
            return str(row["path"])
    raise Conflict("This run waits for nobody any more.", code="not_waiting")


def _is_given(fields: JsonObject, name: str) -> bool:
    return fields.get(name) not in (None, "")


def _boundary(fields: JsonObject) -> str | int:
    value = fields.get("continue_from")
    text = END if value in (None, "") else str(value).strip()
    if text in (END, LAST_USER):
        return text
    if isinstance(value, bool) or not _COUNT.fullmatch(text):
        raise Invalid("`continue_from` is `end`, `last_user` or a number of messages.", code="continue_from_invalid")
    return int(text)
