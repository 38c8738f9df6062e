"""Starts and cancels runs. Reading them is `selectors`, answering them `answers`, following them `follow`."""

from __future__ import annotations

from dataclasses import dataclass, field
from uuid import UUID

from django.conf import settings
from django.db.models import QuerySet

from accounts import audit
from accounts.principals import Principal
from accounts.privacy import access
from accounts.privacy.models import Gone as GoneRun
from accounts.seam import in_thread
from accounts.tenancy import tenant_scope
from agentos.core.errors import Conflict, Gone, InputBlocked, Invalid, NotFound, Unavailable
from agentos.core.ids import new_id
from agentos.core.ratelimits import RateLimit
from agentos.core.types import JsonObject, clean_text
from agents.engine import events
from agents.engine.history import History
from agents.engine.messages import conversation
from agents.engine.run_info import RunInfo
from agents.engine.spec import JOB, AgentSpec
from agents.engine.state import LoopState
from agents.engine.status import RUN_MOVES, RunStatus
from agents.engine.steps import AuditEntry, RunChange, Write
from agents.models import Run
from agents.services import authority, ending, idempotency, log, sessions, tenant_models
from agents.services.blocked import notes_of
from agents.services.crash import crash_at_commit
from agents.services.execution import run_loop
from agents.services.follow import Follower
from agents.services.halted import component_target
from agents.services.history import remembered
from agents.services.idempotency import Key
from agents.services.journal.begin import Begin
from agents.services.ledger import Consumer
from agents.services.notifications import CANCEL
from agents.services.runtime import Runtime

MAX_SESSION_CHARS = 200


@dataclass(frozen=True, slots=True)
class Asked:
    """A run that was asked for and may be let in."""

    principal: Principal
    spec: AgentSpec
    message: str
    session_id: str
    session_hours: int | None  # how long a new temporary session is kept
    key: Key | None
    run_id: UUID = field(default_factory=new_id)


@dataclass(frozen=True, slots=True)
class Started:
    """A run that is stored. `is_first` is False when an Idempotency-Key led to an earlier run, of whatever session."""

    run_id: UUID
    session_id: str
    is_first: bool
    follower: Follower | None
    blocked: InputBlocked | None = None
    limits: tuple[RateLimit, ...] = ()


async def start(
    runtime: Runtime,
    *,
    principal: Principal,
    spec: AgentSpec,
    message: str,
    session_id: str = "",
    key: Key | None = None,
    follow: bool = True,
    temporary: bool = False,
) -> Started:
    """Store a run and set this process to work on it; with `follow`, read it from its first event.

    `temporary` makes a new session one that is deleted after TEMPORARY_HOURS, or when it is ended before.
    Raises: Invalid, InputBlocked, RateLimited, Unavailable, LimitExceeded (a budget) before any row or model cost;
    Invalid for a key with new content.
    """
    message, session_id = _checked(message, session_id)
    admit(runtime, principal, spec)
    if temporary:
        await in_thread(sessions.check_temporary, principal, session_id)
    session_hours = settings.TEMPORARY_HOURS if temporary else None
    asked = Asked(principal, spec, message, session_id, session_hours, key)
    tenant_id = principal.tenant_id
    with runtime.supervisor.runs.one(tenant_id):
        follower = _follower(runtime, tenant_id, asked.run_id) if follow else None
        try:
            begin, blocked = await _store(runtime, asked)
        except BaseException:
            if follower:
                follower.close()
            raise
        if begin.attached_to is not None:
            if follower:
                follower.close()
            return _attached(runtime, begin, follow=follow)
        limits = (*_limits(runtime, tenant_id, follow=follow), *begin.limits)
        if blocked is not None:
            await _refuse(runtime, begin, spec, blocked)
        elif begin.owner:
            runtime.supervisor.adopt(begin.run_id, tenant_id, _first_work(runtime, begin, spec))
        return Started(begin.run_id, session_id, True, follower, blocked, limits)


def _checked(message: str, session_id: str) -> tuple[str, str]:
    message = clean_text(message)
    if not message.strip():
        raise Invalid("Say something: `message` is missing or empty.", code="message_missing")
    if len(message) > settings.MAX_MESSAGE_CHARS:
        raise Invalid(f"The message has more than {settings.MAX_MESSAGE_CHARS} characters.", code="message_too_long")
    session_id = clean_text(session_id) or str(new_id())
    if len(session_id) > MAX_SESSION_CHARS:
        raise Invalid(f"`session_id` has more than {MAX_SESSION_CHARS} characters.", code="session_id_too_long")
    return message, session_id


def admit(runtime: Runtime, principal: Principal, spec: AgentSpec | None = None) -> None:
    """Raises: Unavailable, RateLimited when there is no room for one more run, or it would not be stored, or halted."""
    if runtime.supervisor.stops.is_draining:
        raise Unavailable("This process is going away; try again.", retry_after_seconds=1, code="draining")
    targets = (component_target(spec.kind, spec.id),) if spec else ()
    runtime.writer.storing.check()
    runtime.supervisor.stops.halted.check(principal.tenant_id, *targets)
    runtime.supervisor.runs.check(principal.tenant_id)


def _limits(runtime: Runtime, tenant_id: UUID, *, follow: bool) -> tuple[RateLimit, ...]:
    runs = runtime.supervisor.runs.limit(tenant_id)
    return (runs, runtime.hub.streams.limit(tenant_id)) if follow else (runs,)


async def _models(principal: Principal, spec: AgentSpec) -> tuple[str, ...]:
    """Return the model of a new run and those to fall back on. Raises: PolicyDenied when its tenant allows it not."""
    found = await tenant_models.current(principal.tenant_id)
    return found.require(found.name_of(spec.model)), *found.fallbacks


async def _store(runtime: Runtime, asked: Asked) -> tuple[Begin, InputBlocked | None]:
    """Store the run with what it may cost and what guards made of its message; and return their refusal."""
    principal, spec, key = asked.principal, asked.spec, asked.key
    models = await _models(principal, spec)
    consumer = Consumer(principal.tenant_id, principal.user_id, spec.kind, spec.id, models)
    charges = await runtime.ledger.charges(consumer)
    message, notes, blocked = await _let_in(runtime, asked)
    if blocked:
        key = None  # what failed may be tried again, with other words
    pinned, digest = runtime.pinned(spec, models[0], models[1:])
    begin = Begin(
        run_id=asked.run_id,
        tenant_id=principal.tenant_id,
        user_id=principal.user_id,
        session_id=asked.session_id,
        component_kind=spec.kind,
        component_id=spec.id,
        spec=pinned,
        acting=authority.pinned(principal),
        spec_hash=digest,
        model=models[0],
        message=message,
        owner=runtime.supervisor.name,
        key=key,
        charges=charges,
        deadline_seconds=spec.limits.deadline_seconds,
        session_hours=asked.session_hours,
    )
    if notes:
        begin.note(notes)
    await runtime.writer.begin(begin)
    return begin, blocked


async def _let_in(runtime: Runtime, asked: Asked) -> tuple[str | None, tuple[JsonObject, ...], InputBlocked | None]:
    """Return the message as it may be kept, what guards noted about it, and their refusal."""
    try:
        let = await runtime.hooks.check_input(asked.spec, asked.message, tenant_id=asked.principal.tenant_id)
    except InputBlocked as blocked:
        return None, notes_of(blocked), blocked
    return let.text, let.notes, None


def _info(begin: Begin, spec: AgentSpec) -> RunInfo:
    return RunInfo(
        run_id=begin.run_id,
        tenant_id=begin.tenant_id,
        user_id=begin.user_id,
        session_id=begin.session_id,
        spec=spec,
        model=begin.model,
        input=begin.message or "",
        fallbacks=tuple(begin.spec.get("fallbacks", ())),
        **authority.of(begin.acting),
    )


async def _first_work(runtime: Runtime, begin: Begin, spec: AgentSpec) -> None:
    info = _info(begin, spec)
    state = LoopState(info, conversation(spec.instructions, [], info.input), allowance=begin.allowance)
    history = None if begin.session_is_new else remembered(info, runtime.pool)
    state.remembers = History().pin  # of a new session
    await run_loop(state, runtime.writer.open(info, fence=1, next_seq=1), runtime.ports, history=history)


async def _refuse(runtime: Runtime, begin: Begin, spec: AgentSpec, blocked: InputBlocked) -> None:
    journal = runtime.writer.open(_info(begin, spec), fence=1, next_seq=1)
    payload = {"content": blocked.detail, "error_type": "input_check_error", "error_id": blocked.code}
    change = RunChange(RunStatus.ERROR, error_code=blocked.code, error_text=blocked.detail)
    entry = AuditEntry("run.input_blocked", "run", str(begin.run_id), {"code": blocked.code})
    await journal.commit(Write(events=[(events.RUN_ERROR, payload)], run=change, audit=[entry]))


def _follower(runtime: Runtime, tenant_id: UUID, run_id: UUID) -> Follower:
    return Follower(runtime.pool, runtime.hub, tenant_id=tenant_id, run_id=run_id, ends_at_pause=True, is_fresh=True)


def _attached(runtime: Runtime, begin: Begin, *, follow: bool) -> Started:
    first = begin.attached_to
    assert first is not None
    follower = (
        Follower(runtime.pool, runtime.hub, tenant_id=begin.tenant_id, run_id=first, ends_at_pause=True)
        if follow
        else None
    )
    return Started(first, begin.session_id, False, follower)


def request_cancel(*, principal: Principal, run_id: UUID, key: Key | None = None, component_id: str = "") -> None:
    """Cancel a run, of that component if one is named: at once when nobody works on it, else by the process that does.

    Commits; repeatable. Raises: NotFound, Conflict when the run has ended, Invalid for a key with other content.
    """
    with tenant_scope(principal.tenant_id, principal.user_id):
        run = lock(principal, run_id)
        if component_id and run.component_id != component_id:
            raise NotFound("There is no such run.")
        status = RunStatus(run.status)
        if idempotency.take(key, principal=principal, run_id=run.id) or status is RunStatus.CANCELLED:
            return
        if RunStatus.CANCELLED not in RUN_MOVES[status]:
            raise Conflict(f"The run has ended already: {status.value}.", code="run_ended")
        run.cancel_requested = True
        entries = [audit.Entry("run.cancelled", "run", str(run.id), {}, principal.user_id)]
        if status is RunStatus.RUNNING:
            run.save(update_fields=["cancel_requested"])
            log.notify(CANCEL, str(run.id))
        else:
            reason: JsonObject = {"reason": "The run was cancelled."}
            entries += ending.end_unheld(run, RunStatus.CANCELLED, events.RUN_CANCELLED, reason)
        audit.append(entries, tenant_id=principal.tenant_id)
        crash_at_commit("ask_cancel")


def lock(principal: Principal, run_id: UUID) -> Run:
    """Lock a run that the principal may work on, inside her tenant scope. Raises: NotFound, Gone, PolicyDenied."""
    return require(principal, Run.objects.select_for_update(no_key=True), run_id, "run")


def check_live(run: Run) -> None:
    """Raises: Conflict when the run has ended."""
    if RunStatus(run.status).is_final:
        raise Conflict(f"The run has ended: {run.status}.", code="run_ended")


def may_touch(principal: Principal, run: Run, verb: str) -> bool:
    """Tell whether a run is there for a principal: her own, or any with the scope for everybody's runs.

    A job is nobody's own: it is there for those who see or handle everybody's.
    """
    is_own = run.user_id == principal.user_id and run.component_kind != JOB
    return is_own or principal.has(_everybodys(verb))


def scope_of(run: Run, verb: str) -> str:
    """Return the scope that a verb needs beside `may_touch`: of the run's component, or over everybody's runs."""
    if run.component_kind == JOB:
        return _everybodys(verb)
    return f"{run.component_kind}s:{run.component_id}:{verb}"


def _everybodys(verb: str) -> str:
    return "runs:read_all" if verb == "read" else "runs:write_all"


def require(principal: Principal, runs: QuerySet[Run], run_id: UUID, verb: str) -> Run:
    """Return one of the runs; that it is read is noted. Raises: NotFound, Gone for one that was, PolicyDenied."""
    run = runs.filter(id=run_id).first()
    if run is None:
        _refuse_gone(principal, run_id)
    if run is None or not may_touch(principal, run, verb):
        raise NotFound("There is no such run.")
    principal.require(scope_of(run, verb))
    if verb == "read":
        access.note(principal, run)
    return run


def _refuse_gone(principal: Principal, run_id: UUID) -> None:
    """Raises: Gone for a run that there was, to whoever might have read it."""
    rows = GoneRun.objects.filter(tenant_id=principal.tenant_id, id=run_id)
    if not principal.has("runs:read_all"):
        rows = rows.filter(user_id=principal.user_id)
    if rows.exists():
        raise Gone("This run was erased, or it has expired.")
