"""Lets rows go when their time is over: by the data map's retentions, a tenant's own shorter ones, and legal holds.

What hangs together goes together: a conversation's clock is its session's, and all that leads to the session is deleted
with it, in one transaction for a batch of sessions.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial
from typing import Any, Final, cast
from uuid import UUID

from django.db import models, transaction
from django.db.models import Exists, OuterRef, QuerySet
from django.db.models.functions import Now

from accounts import audit
from accounts.models import Tenant
from accounts.principals import Principal
from accounts.privacy import erasure, holds, persons, rows
from accounts.privacy.datamap import FOR_GOOD, RETENTIONS, RUNS, SHORTEST_DAYS, Retention, Table, fields_of, tables
from accounts.privacy.erasure import Tally
from accounts.privacy.models import RetentionRule, Tombstone
from accounts.privacy.rows import USING, Person
from accounts.tenancy import tenant_scope
from agentos.core.errors import Conflict, Invalid
from agentos.core.types import JsonObject

logger = logging.getLogger(__name__)

SCOPE: Final = "privacy:retention"
BATCH_ROWS: Final = 200
SWEPT: Final = timedelta(days=35)


@dataclass
class Expired:
    """What went, or with a dry run would go, in one tenant: rows by table; `held` says that holds kept some."""

    tenant: str
    rows: dict[str, int] = field(default_factory=dict)
    held: bool = False

    def add(self, table: str, count: int) -> None:
        if count:
            self.rows[table] = self.rows.get(table, 0) + count


def expire(*, dry_run: bool = False) -> list[Expired]:
    """Delete, or with `dry_run` count, what has expired in every tenant. Commits batch by batch; audited."""
    return [_of_tenant(tenant, dry_run=dry_run) for tenant in Tenant.objects.using(USING).order_by("slug")]


def daily() -> dict[str, object]:
    """Do the day's work: expire, and look whether anything was written for those who were erased lately."""
    done = {found.tenant: found.rows for found in expire() if found.rows}
    return {"expired": done, "swept": sweep_erased()}


def sweep_erased() -> int:
    """Delete what was written for persons after their erasure, unless they came back; return for how many."""
    recent = Tombstone.objects.using(USING).filter(erased_at__gt=Now() - SWEPT)
    swept = 0
    for tombstone in recent.order_by("erased_at"):
        person = Person(tombstone.tenant_id, tombstone.user_id)
        if not persons.is_member(person) and rows.counts(person):
            swept += _swept(person)
    return swept


def _swept(person: Person) -> bool:
    """Delete what is left of a person; tell whether all of it went. A hold keeps it, also one placed meanwhile."""
    tally = Tally(check=partial(holds.check, person.tenant_id, person.user_id))
    try:
        erasure.sweep(person, tally)
    except Conflict as kept:
        logger.warning("rows that were written for an erased person are kept (%s)", kept.code)
        return False
    logger.warning("rows were written for an erased person; they are deleted")
    return True


def age(retention: Retention, tenant_id: UUID) -> timedelta | None:
    """Return how long rows stay in a tenant: its own limit counts where it is shorter. None: for good."""
    own = RetentionRule.objects.using(USING).filter(tenant_id=tenant_id, retention=retention.name).first()
    limits = [limit for limit in (retention.age, timedelta(days=own.days) if own else None) if limit is not None]
    return min(limits, default=None)


def told(retention: Retention, tenant_id: UUID) -> str:
    """Say to the person whom rows are about how long they stay in a tenant."""
    if (length := age(retention, tenant_id)) is None:
        return "until erased" if retention is RUNS else retention.says
    days = length / timedelta(days=1)
    return f"{days:g} day{'' if days == 1 else 's'}"


def overview(principal: Principal) -> list[JsonObject]:
    """Return each retention with what counts in the principal's tenant. Raises: PolicyDenied."""
    principal.require(SCOPE)
    with tenant_scope(principal.tenant_id, principal.user_id):
        rules = RetentionRule.objects.filter(tenant_id=principal.tenant_id)
        own = dict(rules.values_list("retention", "days"))
    return [
        {
            "name": rule.name,
            "says": rule.says,
            "days": _days(age(rule, principal.tenant_id)),
            "own_days": own.get(rule.name),
        }
        for rule in RETENTIONS.values()
    ]


def _days(length: timedelta | None) -> float | None:
    return None if length is None else length / timedelta(days=1)


def limit(principal: Principal, *, retention: str, days: int | None) -> None:
    """Give the tenant a limit of its own for a retention, or with None take it back; audited.

    Raises: PolicyDenied, Invalid for a retention that there is not, or that does not let rows go.
    """
    principal.require(SCOPE)
    rule = RETENTIONS.get(retention)
    if rule is None or rule in FOR_GOOD:
        raise Invalid(f"There is no retention {retention!r} that can be limited.", code="unknown_retention")
    if days is not None and days < SHORTEST_DAYS:
        raise Invalid("A limit has at least one day.", code="limit_too_short")
    with tenant_scope(principal.tenant_id, principal.user_id):
        whose: dict[str, Any] = {"tenant_id": principal.tenant_id, "retention": retention}
        if days is None:
            RetentionRule.objects.filter(**whose).delete()
        else:
            RetentionRule.objects.update_or_create(defaults={"days": days}, **whose)
        entry = audit.Entry("retention.limited", "retention", retention, {"days": days}, principal.user_id)
        audit.append([entry], tenant_id=principal.tenant_id)


def delete_tree(root: Table, keys: list[object], *, tenant_id: UUID) -> Iterator[tuple[str, int]]:
    """Delete a tenant's rows with all that leads to them, in the caller's transaction.

    Yields each table's name and rows.
    """
    for table, way in _leading_to(root):
        yield table.name, rows.delete_batch(table, _with_owners(table, _at_its_end(table, way, keys, tenant_id)))


def _of_tenant(tenant: Tenant, *, dry_run: bool) -> Expired:
    found = Expired(tenant.slug)
    for root in filter(rows.has_tenant, tables()):
        doomed = _doomed(root, tenant.id)
        if doomed is not None:
            for name, count in _counted(root, doomed, tenant.id) if dry_run else _deleted(root, doomed, tenant.id):
                found.add(name, count)
    found.held = holds.held_users(tenant.id) != set()
    if found.rows and not dry_run:
        with transaction.atomic(using=USING):
            entry = audit.Entry("privacy.expired", "tenant", str(tenant.id), {"rows": found.rows})
            audit.append([entry], tenant_id=tenant.id, using=USING)
    return found


def _doomed(root: Table, tenant_id: UUID) -> QuerySet[models.Model] | None:
    """Return the rows of a table whose own clock has run out; None for one that has no clock or no limit."""
    limit = age(root.retention, tenant_id) if root.clock and "__" not in root.clock else None
    if limit is None:
        return None
    here = root.model._base_manager.using(USING).filter(tenant_id=tenant_id, **{f"{root.clock}__lt": Now() - limit})
    if root.alive is None:
        return here
    return here.exclude(Exists(_alive(root, tenant_id)))


def _alive(root: Table, tenant_id: UUID) -> QuerySet[models.Model]:
    """Return what keeps a row of the root from going: those that refer to it and are in one of its live states."""
    assert root.alive is not None
    (relation, name), values = root.alive[0].split("__"), root.alive[1]
    reference = cast(models.ManyToOneRel, root.model._meta.get_field(relation))
    referring = cast(type[models.Model], reference.related_model)
    of_row = {reference.field.name: OuterRef("pk"), f"{name}__in": values}
    return referring._base_manager.using(USING).filter(tenant_id=tenant_id, **of_row)


def _not_held(root: Table, doomed: QuerySet[models.Model], tenant_id: UUID) -> QuerySet[models.Model]:
    """Return those that no hold keeps at this moment: what is deleted in batches asks before each."""
    held = holds.held_users(tenant_id)
    if held is None:
        return doomed.none()
    for subject in root.owners():
        doomed = doomed.exclude(**{f"{subject.path}__in": held})
    return doomed


def _counted(root: Table, doomed: QuerySet[models.Model], tenant_id: UUID) -> Iterator[tuple[str, int]]:
    free = _not_held(root, doomed, tenant_id)
    for table, way in _leading_to(root):
        yield table.name, _at_its_end(table, way, free.values("pk"), tenant_id).count()


def _at_its_end(table: Table, way: str, keys: Any, tenant_id: UUID) -> QuerySet[models.Model]:
    """Return a table's rows that lead to these. What refers to them names its tenant too: indexes begin with it."""
    before, _, _ = way.rpartition("__")
    whose = f"{before}__tenant_id" if before else "tenant_id"
    return table.model._base_manager.using(USING).filter(**{whose: tenant_id, f"{way}__in": keys})


def _deleted(root: Table, doomed: QuerySet[models.Model], tenant_id: UUID) -> Iterator[tuple[str, int]]:
    """Delete batch by batch. What somebody uses just now is left for the next time."""
    if root.alive is not None:
        doomed = doomed.select_for_update(skip_locked=True, of=("self",))
    while True:
        with transaction.atomic(using=USING):
            free = _not_held(root, doomed, tenant_id)
            keys: list[object] = list(free.order_by("pk").values_list("pk", flat=True)[:BATCH_ROWS])
            done = list(delete_tree(root, keys, tenant_id=tenant_id)) if keys else []
        yield from done
        if len(keys) < BATCH_ROWS:
            return


def _leading_to(root: Table) -> list[tuple[Table, str]]:
    """Return the tables whose rows can't be without a row of the root, children first, each with its way there."""
    ways: dict[type[models.Model], str] = {root.model: "pk"}
    for table in reversed(tables()):  # those that are referred to come first
        for reference in _references(table):
            way = ways.get(reference.related_model)
            if way is not None and table.model not in ways:
                ways[table.model] = reference.name if way == "pk" else f"{reference.name}__{way}"
    return [(table, ways[table.model]) for table in tables() if table.model in ways]


def _references(table: Table) -> Iterator[Any]:
    for column in fields_of(table.model):
        if isinstance(column, models.ForeignKey) and not column.null and column.related_model is not table.model:
            yield column


def _with_owners(table: Table, found: QuerySet[models.Model]) -> list[tuple[object, Person | None]]:
    """Return the rows' keys with whose they were, where the ids have to be remembered."""
    if not table.leaves_id:
        return [(key, None) for key in found.values_list("pk", flat=True)]
    (subject,) = table.owners()
    known = cast(Any, found).values_list("pk", "tenant_id", f"{subject.path}_id")
    return [(key, Person(tenant_id, user_id)) for key, tenant_id, user_id in known]
