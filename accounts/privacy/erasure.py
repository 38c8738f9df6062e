"""Erases a person from a tenant: closes her way in, halts her runs, deletes by the data map, shreds her key.

Every stage can be repeated, so an erasure that was cut is simply run again, and a restored backup replays it. What
other packages have to do is registered with `before` (runs are halted) and `beside` (words of hers in others' rows).
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from typing import TypeAlias

from django.conf import settings
from django.db import IntegrityError, transaction

from accounts import audit
from accounts.models import Tenant, User
from accounts.privacy import holds, ledger, persons, receipts, rows, statistics
from accounts.privacy.datamap import Fate, tables
from accounts.privacy.ledger import Erasure
from accounts.privacy.models import PrivacyJob, Tombstone
from accounts.privacy.rows import USING, Person
from agentos.core.clock import rfc3339_ms, utc_now
from agentos.core.errors import Conflict
from agentos.core.types import JsonObject

logger = logging.getLogger(__name__)

Step: TypeAlias = Callable[[Person], dict[str, int]]
PASSES = 3

_before: list[Step] = []
_beside: list[Step] = []


def before(step: Step) -> Step:
    """Register what has to happen once her way in is closed and before any row goes. It must be repeatable."""
    _before.append(step)
    return step


def beside(step: Step) -> Step:
    """Register what forgets words of hers that the data map's paths do not reach. It must be repeatable."""
    _beside.append(step)
    return step


@dataclass
class Tally:
    """What was done so far; `tell` is called after each change, then `check`, which raises when no more may be done."""

    done: dict[str, int] = field(default_factory=dict)
    stage: str = ""
    tell: Callable[[Tally], None] = lambda tally: None
    check: Callable[[], None] = lambda: None

    def at(self, stage: str) -> None:
        self.stage = stage
        self.tell(self)
        self.check()

    def add(self, what: str, count: int) -> None:
        if count:
            self.done[what] = self.done.get(what, 0) + count
            self.tell(self)
            self.check()


def erase(person: Person, tally: Tally) -> tuple[Tombstone, bool]:
    """Erase her; return the tombstone, and whether her name went too, since no other tenant needs it.

    Raises: Conflict on legal hold, also one that is placed meanwhile and keeps what is left; for the last
    administrator, an operator, or when rows keep coming back.
    """
    tally.check = partial(holds.check, person.tenant_id, person.user_id)
    tally.check()
    persons.check_not_last_admin(person)
    persons.check_no_operator(person)
    tombstone = Tombstone(tenant_id=person.tenant_id, user_id=person.user_id, erased_at=utc_now())
    return tombstone, _erased(person, tombstone, tally, leaves_admin=True)


def replay(erasures: list[Erasure]) -> int:
    """Erase again, in a restored database, those whom its backup does not know as erased; return how many.

    Neither a hold nor the last administrator is in the way: they were not when it was done.
    """
    known = set(Tombstone.objects.using(USING).values_list("id", flat=True))
    tenants = set(Tenant.objects.using(USING).values_list("id", flat=True))
    missing = [item for item in erasures if item.id not in known and item.person.tenant_id in tenants]
    for item in missing:
        whose = {"tenant_id": item.person.tenant_id, "user_id": item.person.user_id}
        if User.objects.using(USING).filter(id=item.person.user_id).exists():
            tombstone = Tombstone(id=item.id, erased_at=item.at, **whose)
            _erased(item.person, tombstone, Tally(), leaves_admin=False)
    return len(missing)


def _erased(person: Person, tombstone: Tombstone, tally: Tally, *, leaves_admin: bool) -> bool:
    tally.at("closing")
    persons.close(person, tombstone, leaves_admin=leaves_admin)
    sweep(person, tally)
    tally.at("forgetting")
    tally.add("browser sessions", persons.sign_out(person))
    if is_forgotten := _may_forget(person):
        persons.forget(person)
    tally.add(User._meta.db_table, int(is_forgotten))
    statistics.forget(list(tally.done))
    return is_forgotten


def sweep(person: Person, tally: Tally) -> None:
    """Halt, delete and empty until nothing of hers is left. Raises: Conflict when it does not end.

    What is being written meanwhile refers to a row of hers: its commit comes first and it is found, or it fails.
    """
    everywhere = _may_forget(person)
    for _ in range(PASSES):
        tally.at("halting")
        for step in _before:
            for what, count in step(person).items():
                tally.add(what, count)
        tally.at("deleting")
        for step in _beside:
            for what, count in step(person).items():
                tally.add(what, count)
        rows.empty(person, tell=tally.add)
        try:
            rows.delete(person, everywhere=everywhere, tell=tally.add)
        except IntegrityError:
            continue  # a run that was being branched has come in between: the next pass halts it
        if not rows.counts(person):
            return
    raise Conflict("Rows of this person keep coming: see what still writes for her.", code="erasure_incomplete")


def _may_forget(person: Person) -> bool:
    """Tell whether who she is, which belongs to no tenant, may go: no other has her as a member, or holds her rows.

    One that knows her as a former member only shows her name to nobody any more.
    """
    return persons.is_alone(person) and not holds.is_held_elsewhere(person)


def run(job: PrivacyJob) -> JsonObject:
    """Work on an erasure to its end and return its signed receipt. Raises: what `erase` raises."""
    person = Person(job.tenant_id, job.subject_id)

    def tell(tally: Tally) -> None:
        PrivacyJob.objects.using(USING).filter(id=job.id).update(progress=tally.done, stage=tally.stage)

    tally = Tally(dict(job.progress), job.stage, tell)
    tombstone, is_forgotten = erase(person, tally)
    receipt = receipts.signed(_receipt(job, tombstone, tally, is_forgotten=is_forgotten, listed=_listed()))
    with transaction.atomic(using=USING):
        detail = {"job": str(job.id), "receipt_sha256": receipts.fingerprint(receipt), "rows": dict(tally.done)}
        entry = audit.Entry("privacy.erased", "user", str(job.subject_id), detail, job.requested_by_id)
        audit.append([entry], tenant_id=job.tenant_id, using=USING)
    return receipt


def backups_die_at(erased_at: datetime) -> datetime:
    """Return when the last copy in a backup has died of age."""
    return erased_at + timedelta(days=max(settings.BACKUP_KEEP_DAYS, settings.ARCHIVE_KEEP_DAYS))


def _listed() -> bool:
    """Write the erasure down beside the backups; the daily backup does it where this process can't."""
    try:
        ledger.sync()
    except (OSError, ledger.LedgerError) as error:
        logger.error("the list of erasures beside the backups could not be written (%s)", type(error).__name__)
        return False
    return True


def _receipt(job: PrivacyJob, tombstone: Tombstone, tally: Tally, *, is_forgotten: bool, listed: bool) -> JsonObject:
    tenant = Tenant.objects.using(USING).get(id=job.tenant_id)
    return {
        "schema": 1,
        "kind": "erasure",
        "job": str(job.id),
        "tenant": {"id": str(tenant.id), "slug": tenant.slug},
        "subject": str(job.subject_id),
        "requested_by": str(job.requested_by_id) if job.requested_by_id else None,
        "requested_at": rfc3339_ms(job.created_at),
        "closed_at": rfc3339_ms(tombstone.erased_at),
        "finished_at": rfc3339_ms(utc_now()),
        "done": dict(sorted(tally.done.items())),
        "left": rows.counts(Person(job.tenant_id, job.subject_id)),
        "kept": _kept(),
        "name_forgotten": is_forgotten,
        "listed_beside_backups": listed,
        "backups_die_at": rfc3339_ms(backups_die_at(tombstone.erased_at)),
    }


def _kept() -> dict[str, str]:
    """Return the tables where her id stays, as a number without a name, and why."""
    reasons = {Fate.ID: "her id, as a pseudonym", Fate.SHRED: "her id, and what only her shredded key could open"}
    return {
        table.name: reasons[subject.fate] for table in tables() for subject in table.subjects if subject.fate in reasons
    }
