"""Exports and erasures as jobs: asked for by a person or a command, worked on by the maintenance worker, told about.

A job carries ids only. It can be run again from the start at any time, so one that was cut is simply resumed.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import timedelta
from tempfile import SpooledTemporaryFile
from typing import Final
from uuid import UUID

from django.db import DatabaseError, IntegrityError, connections, transaction
from django.db.models import Q, QuerySet
from django_q.tasks import async_task

from accounts import audit
from accounts.principals import PROGRAMS, Principal
from accounts.privacy import erasure, export, holds, persons, receipts
from accounts.privacy.choices import SELF
from accounts.privacy.models import ExportPart, PrivacyJob
from accounts.privacy.rows import USING, Person
from accounts.tenancy import tenant_scope
from agentos.core.clock import rfc3339_ms, utc_now
from agentos.core.errors import AgentOSError, Conflict, NotFound, PolicyDenied
from agentos.core.types import JsonObject

logger = logging.getLogger(__name__)

WORK: Final = "accounts.privacy.jobs.work"
TIMEOUT_SECONDS: Final = 6 * 3600
PART_BYTES: Final = 1024 * 1024
IN_MEMORY_BYTES: Final = 16 * PART_BYTES
STALE: Final = timedelta(minutes=10)
MOST: Final = 100
ERASED: Final = "erased"  # why an export failed
EXPORT, ERASE = PrivacyJob.Kind
PENDING, RUNNING, DONE, FAILED = PrivacyJob.Status


def request(principal: Principal, *, kind: PrivacyJob.Kind, about: str = "") -> PrivacyJob:
    """Ask for an export or erasure of oneself or, with the scope, of somebody whom the tenant knows. Audited.

    `about` is an id or an e-mail address. Raises: PolicyDenied; NotFound; Conflict when one is under way, on legal
    hold, for the last administrator, for an operator of the platform.
    """
    is_own = about in ("", str(principal.user_id), principal.email)
    if not is_own:
        principal.require(f"privacy:{kind.value}")
    subject = principal.user_id if is_own else persons.id_of(about)
    _check_may(principal, kind, subject)
    person = Person(principal.tenant_id, subject)
    if not persons.is_known(person):
        raise NotFound("There is no such person here.")
    job = start(person, kind, requested_by=principal.user_id)
    async_task(WORK, str(job.id), task_name=f"privacy {kind.value}", timeout=TIMEOUT_SECONDS)
    return job


def start(person: Person, kind: PrivacyJob.Kind, *, requested_by: UUID | None = None) -> PrivacyJob:
    """Store a job for somebody to `work` on. Raises: Conflict."""
    if kind is ERASE:
        holds.check(person.tenant_id, person.user_id)
        persons.check_not_last_admin(person)
        persons.check_no_operator(person)
    job = PrivacyJob(tenant_id=person.tenant_id, kind=kind, subject_id=person.user_id, requested_by_id=requested_by)
    try:
        with transaction.atomic(using=USING):
            job.save(using=USING, force_insert=True)
            detail = {"job": str(job.id)}
            entry = audit.Entry(f"privacy.{kind.value}_requested", "user", str(person.user_id), detail, requested_by)
            audit.append([entry], tenant_id=person.tenant_id, using=USING)
    except IntegrityError:
        raise Conflict("One is under way for this person already.", code="privacy_job_under_way") from None
    return job


def work(job_id: str) -> dict[str, object]:
    """Do a job to its end, unless somebody else does or has done it. Raises: what made it fail, after noting it."""
    with _alone(job_id) as alone:
        job = PrivacyJob.objects.using(USING).filter(id=job_id).first()
        if not alone or job is None:
            return {"done": False}
        job.started_at = job.started_at or utc_now()
        if not _unended(id=job.id).update(status=RUNNING, started_at=job.started_at):
            return {"done": False}
        try:
            receipt = erasure.run(job) if job.kind == ERASE else _export(job)
        except AgentOSError as error:
            _note(job, status=FAILED, error_code=error.code, ended_at=utc_now())
            raise
        except DatabaseError as error:
            logger.warning("privacy job %s: the database failed (%s); it is tried again", job_id, type(error).__name__)
            raise
        _note(job, status=DONE, receipt=receipt, ended_at=utc_now(), stage="")
        return {"done": True}


def resume() -> dict[str, int]:
    """Work on jobs that were left lying: the maintenance worker calls this every hour.

    At one that runs somebody works, or was killed: its lock tells. One that fails has noted it, and stops no other.
    """
    waiting = Q(status=PENDING, created_at__lt=utc_now() - STALE) | Q(status=RUNNING)
    ids = list(PrivacyJob.objects.using(USING).filter(waiting).order_by("created_at").values_list("id", flat=True))
    done = 0
    for job_id in ids:
        with suppress(AgentOSError):
            done += bool(work(str(job_id))["done"])
    return {"found": len(ids), "done": done}


def find(principal: Principal, job_id: UUID) -> PrivacyJob:
    """Return a job that is about oneself, or any of the tenant with its scope. Raises: NotFound."""
    with tenant_scope(principal.tenant_id, principal.user_id):
        job = PrivacyJob.objects.filter(tenant_id=principal.tenant_id, id=job_id).first()
    if job is None or not _may(principal, PrivacyJob.Kind(job.kind), job.subject_id):
        raise NotFound("There is no such job.")
    return job


def newest(principal: Principal) -> list[PrivacyJob]:
    """Return the newest jobs that are about oneself, or all of a kind with its scope."""
    own = Q(subject_id=principal.user_id) if _is_herself(principal) else Q(pk=None)
    kinds = [kind for kind in PrivacyJob.Kind if principal.has(f"privacy:{kind.value}")]
    with tenant_scope(principal.tenant_id, principal.user_id):
        found = PrivacyJob.objects.filter(own | Q(kind__in=kinds), tenant_id=principal.tenant_id)
        return list(found.order_by("-created_at", "-id")[:MOST])


def archive(principal: Principal, job_id: UUID) -> bytes:
    """Return the archive that an export made; audited.

    Raises: NotFound, also once it has died, and for others where she asked for it herself: it tells of all her tenants.
    """
    job = find(principal, job_id)
    if _is_for_her_alone(job) and principal.user_id != job.subject_id:
        raise NotFound("There is no such job.")
    with tenant_scope(principal.tenant_id, principal.user_id):
        parts = ExportPart.objects.filter(tenant_id=principal.tenant_id, job_id=job.id).order_by("number")
        data = b"".join(bytes(part) for part in parts.values_list("data", flat=True))
        if not data:
            raise NotFound("This job has no archive, or not any more.")
        entry = audit.Entry("privacy.exported", "user", str(job.subject_id), {"job": str(job.id)}, principal.user_id)
        audit.append([entry], tenant_id=principal.tenant_id)
    return data


def _is_for_her_alone(job: PrivacyJob) -> bool:
    """Tell whether nobody of the tenant asked for an archive but she herself, or who runs the installation for her."""
    return job.requested_by_id in (None, job.subject_id)


def _may(principal: Principal, kind: PrivacyJob.Kind, subject: UUID) -> bool:
    if subject == principal.user_id and _is_herself(principal):
        return True
    return principal.has(f"privacy:{kind.value}")


def _is_herself(principal: Principal) -> bool:
    return principal.has(SELF) and principal.via not in PROGRAMS


def _check_may(principal: Principal, kind: PrivacyJob.Kind, subject: UUID) -> None:
    if not _may(principal, kind, subject):
        scope = SELF if subject == principal.user_id else f"privacy:{kind.value}"
        raise PolicyDenied(f"You need the scope {scope} for this.", code="missing_scope")


def _export(job: PrivacyJob) -> JsonObject:
    """Make the archive, in parts in the database, and return the receipt."""
    progress: dict[str, int] = {}
    person = Person(job.tenant_id, job.subject_id)
    everywhere = _is_for_her_alone(job) or persons.is_alone(person)

    def tell(table: str, count: int) -> None:
        progress[table] = progress.get(table, 0) + count
        _note(job, progress=progress, stage="reading")

    with SpooledTemporaryFile(max_size=IN_MEMORY_BYTES) as file:
        manifest = export.write(person, file, everywhere=everywhere, tell=tell)
        file.seek(0)
        with transaction.atomic(using=USING):
            _check_not_erased(job)
            ExportPart.objects.using(USING).filter(job_id=job.id).delete()
            number = 0
            while data := file.read(PART_BYTES):
                ExportPart.objects.using(USING).create(tenant_id=job.tenant_id, job=job, number=number, data=data)
                number += 1
    body: JsonObject = {
        "schema": 1,
        "kind": "export",
        "job": str(job.id),
        "tenant": {"id": str(job.tenant_id)},
        "subject": str(job.subject_id),
        "requested_at": rfc3339_ms(job.created_at),
        "finished_at": rfc3339_ms(utc_now()),
        "files": manifest["files"],
    }
    return receipts.signed(body)


@erasure.before
def _end_exports(person: Person) -> dict[str, int]:
    """End the exports of who is being erased: one that stores its archive just now is waited for, and that is found."""
    exports = _unended(tenant_id=person.tenant_id, subject_id=person.user_id, kind=EXPORT)
    ended = exports.update(status=FAILED, error_code=ERASED, ended_at=utc_now())
    return {"exports ended": ended}


def _check_not_erased(job: PrivacyJob) -> None:
    """Raises: Conflict when an erasure has begun, or was under way, since the export began. Locks the job's row."""
    jobs = PrivacyJob.objects.using(USING)
    is_under_way = _unended(id=job.id).select_for_update(no_key=True).first() is not None
    erasures = jobs.filter(tenant_id=job.tenant_id, subject_id=job.subject_id, kind=ERASE)
    if not is_under_way or erasures.filter(Q(status=RUNNING) | Q(ended_at__gt=job.started_at)).exists():
        raise Conflict("This person is being erased, or was meanwhile: there is no archive.", code=ERASED)


def _unended(**which: object) -> QuerySet[PrivacyJob]:
    return PrivacyJob.objects.using(USING).filter(status__in=(PENDING, RUNNING), **which)


def _note(job: PrivacyJob, **changes: object) -> None:
    PrivacyJob.objects.using(USING).filter(id=job.id).update(**changes)


@contextmanager
def _alone(job_id: str) -> Iterator[bool]:
    """Hold the job's advisory lock; it goes with the connection, so a killed worker leaves none."""
    with connections[USING].cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_lock(hashtextextended(%s, 0))", [f"agentos.privacy.{job_id}"])
        (alone,) = cursor.fetchone()
        try:
            yield bool(alone)
        finally:
            if alone and not connections[USING].is_usable():
                connections[USING].close()
            elif alone:
                cursor.execute("SELECT pg_advisory_unlock(hashtextextended(%s, 0))", [f"agentos.privacy.{job_id}"])
