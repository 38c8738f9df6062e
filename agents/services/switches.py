"""Turns kill switches: no new step of what they halt within two seconds, in any process, until they are released."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from uuid import UUID

from django.db import IntegrityError, connection, connections, transaction
from django.db.models import QuerySet
from django.db.models.functions import Now

from accounts import audit
from accounts.models import Tenant
from accounts.principals import Principal
from accounts.tenancy import tenant_scope
from agentos.core.errors import Conflict, Invalid, NotFound
from agentos.core.types import clean_text
from agents.models import KillSwitch, PlatformSwitch, Run
from agents.models.switches import MAX_REASON_CHARS
from agents.registry import registry
from agents.services import log
from agents.services.crash import CrashPoint, crash_at_commit, crash_here
from agents.services.halted import EVERYTHING, TENANT, component_target, in_words, tool_target
from agents.services.notifications import CLAIMABLE, HALT, INBOX
from agents.services.sql import table
from agents.services.ticks import due

WRITE = "halts:write"
SYSTEM = "system"

# What halts anything in a tenant, as (target, reason), the widest first.
HALTS = f"""
SELECT '{EVERYTHING}', reason FROM {table(PlatformSwitch)} WHERE released_at IS NULL
UNION ALL SELECT target, reason FROM {table(KillSwitch)} WHERE tenant_id = %s AND released_at IS NULL
"""

# Runs that were halted go on once nothing that stands is what halted them; another switch stops them anew.
_RELEASED = f"""
r.status = 'paused' AND r.halted_by <> '' AND NOT r.pause_requested AND NOT EXISTS (
    SELECT FROM {table(KillSwitch)} k
    WHERE k.tenant_id = r.tenant_id AND k.released_at IS NULL AND k.target IN (r.halted_by, '{TENANT}')
) AND NOT EXISTS (SELECT FROM {table(PlatformSwitch)} p WHERE p.released_at IS NULL)
"""


def halt(principal: Principal, *, target: str, reason: str) -> KillSwitch:
    """Halt the tenant, a component or a tool in it. Audited; commits. Raises: PolicyDenied, Invalid, Conflict."""
    principal.require(WRITE)
    _check_target(target)
    made = KillSwitch(
        tenant_id=principal.tenant_id, target=target, reason=_cleaned(reason), created_by_id=principal.user_id
    )
    with tenant_scope(principal.tenant_id, principal.user_id):
        try:
            with transaction.atomic():
                made.save(force_insert=True)
        except IntegrityError:
            raise Conflict("This is halted already.", code="halted_already") from None
        log.notify(HALT, "")
        _record(principal, "halt.set", made)
        crash_at_commit("halt")
    return made


def release(principal: Principal, *, switch_id: UUID) -> KillSwitch:
    """Release what a switch halts: its runs go on by themselves. Audited; commits. Raises: PolicyDenied, NotFound."""
    principal.require(WRITE)
    with tenant_scope(principal.tenant_id, principal.user_id):
        found = unreleased(principal.tenant_id).select_for_update().filter(id=switch_id).first()
        if found is None:
            raise NotFound("There is no such switch that stands.")
        found.released_by_id, found.released_at = principal.user_id, Now()
        found.save(update_fields=["released_by", "released_at"])
        log.notify(HALT, "")
        log.notify(INBOX, str(principal.tenant_id))  # that something is halted is announced by its table
        _record(principal, "halt.released", found)
        crash_at_commit("release")
    found.refresh_from_db(using=SYSTEM)
    return found


def halt_everything(*, reason: str) -> None:
    """Halt all tenants, at the shell; on each tenant's trail. Commits. Raises: Invalid, Conflict."""
    cleaned = _cleaned(reason)
    with transaction.atomic(using=SYSTEM):
        try:
            with transaction.atomic(using=SYSTEM):
                PlatformSwitch.objects.using(SYSTEM).create(reason=cleaned)
        except IntegrityError:
            raise Conflict("Everything is halted already.", code="halted_already") from None
        _tell_all("halt.set", cleaned)
        crash_at_commit("halt", using=SYSTEM)


def release_everything() -> None:
    """Release all tenants, as far as no switch of their own stands. Commits. Raises: NotFound."""
    with transaction.atomic(using=SYSTEM):
        if not PlatformSwitch.objects.using(SYSTEM).filter(released_at=None).update(released_at=Now()):
            raise NotFound("Not everything is halted.")
        _tell_all("halt.released", "")
        crash_at_commit("release", using=SYSTEM)


@due(f"SELECT FROM {table(Run)} r WHERE {_RELEASED}")
def go_on() -> int:
    """Make runs claimable whose switch was released; return how many. The tick of every process; repeatable."""
    with connections[SYSTEM].cursor() as cursor:
        cursor.execute(f"UPDATE {table(Run)} r SET status = 'pending' WHERE {_RELEASED}")
        count = int(cursor.rowcount)
    if count:
        crash_here(CrashPoint.GO_ON_AFTER_COMMIT)
        log.notify(CLAIMABLE, "", using=SYSTEM)
    return count


def unreleased(tenant_id: UUID) -> QuerySet[KillSwitch]:
    """Return the tenant's switches that are not released, the newest first. The caller holds the scope."""
    return KillSwitch.objects.filter(tenant_id=tenant_id, released_at=None).order_by("-created_at")


def halting(tenant_id: UUID, targets: Sequence[str]) -> KillSwitch | PlatformSwitch | None:
    """Return the switch that halts one of these in a tenant, read in the system role."""
    platform = PlatformSwitch.objects.using(SYSTEM).filter(released_at=None).first()
    return platform or unreleased(tenant_id).using(SYSTEM).filter(target__in=[TENANT, *targets]).first()


def check_released(run: Run, tool: str = "") -> None:
    """Nobody decides or answers what is halted. The caller holds the scope. Raises: Conflict."""
    with connection.cursor() as cursor:
        cursor.execute(HALTS, [run.tenant_id])
        refuse_halted(cursor.fetchall(), run, tool)


def refuse_halted(halts: Iterable[tuple[str, str]], run: Run, tool: str) -> None:
    """As `check_released`, of what `HALTS` has found. Raises: Conflict."""
    stops = {EVERYTHING, TENANT, component_target(run.component_kind, run.component_id), tool_target(tool)}
    for target, reason in halts:
        if target in stops:
            detail = f"Halted: {in_words(target)} (“{reason}”). This waits until that is released."
            raise Conflict(detail, code="halted")


def _check_target(target: str) -> None:
    if target not in set(targets()):
        raise Invalid(
            "`target` is tenant, component:<kind>:<id> or tool:<name>, of what is there.", code="unknown_target"
        )


def targets() -> Iterator[str]:
    """Yield all that a tenant can halt."""
    yield TENANT
    for spec in registry.all():
        yield component_target(spec.kind, spec.id)
    yield from sorted({tool_target(tool.name) for spec in registry.all() for tool in spec.tools})


def _cleaned(reason: str) -> str:
    found = clean_text(reason).strip()
    if not found:
        raise Invalid("Say why: it stands on everybody's pages.", code="reason_missing")
    return found[:MAX_REASON_CHARS]


def _tell_all(action: str, reason: str) -> None:
    log.notify(HALT, "", using=SYSTEM)
    entry = audit.Entry(action, "halt", EVERYTHING, {"target": EVERYTHING, "reason": reason})
    for tenant_id in Tenant.objects.using(SYSTEM).order_by("id").values_list("id", flat=True):
        log.notify(INBOX, str(tenant_id), using=SYSTEM)
        audit.append([entry], tenant_id=tenant_id, using=SYSTEM)


def _record(principal: Principal, action: str, switch: KillSwitch) -> None:
    detail = {"target": switch.target, "reason": switch.reason}
    audit.append(
        [audit.Entry(action, "halt", str(switch.id), detail, principal.user_id)], tenant_id=principal.tenant_id
    )
