"""A person's rows in one tenant, found by the data map: counted, deleted, emptied. In the system role, in batches."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, cast
from uuid import UUID

from django.db import models, transaction
from django.db.models import Func, JSONField, Q, QuerySet, Value
from django.db.models.expressions import Combinable

from accounts.privacy.datamap import AnyField, Fate, Subject, Table, tables
from accounts.privacy.models import Gone

BATCH_ROWS = 1_000
USING = "system"
Tell = Callable[[str, int], None]  # a table's name, and how many more of its rows are done


@dataclass(frozen=True, slots=True)
class Person:
    """A user as one tenant knows her."""

    tenant_id: UUID
    user_id: UUID


def owned(table: Table, subject: Subject, person: Person) -> QuerySet[models.Model]:
    """Return the rows of a table that lead to her; of one without tenants, all of them."""
    rows = table.model._base_manager.using(USING).filter(**{subject.path: _id(table, subject, person)})
    return rows.filter(tenant_id=person.tenant_id) if has_tenant(table) else rows


def has_tenant(table: Table) -> bool:
    return any(field.name == "tenant" for field in table.model._meta.local_fields)


def counts(person: Person) -> dict[str, int]:
    """Return how many rows of hers each table of the tenant holds; tables without any are left out."""
    found: dict[str, int] = {}
    for table in filter(has_tenant, tables()):
        for subject in table.owners():
            if rows := owned(table, subject, person).count():
                found[table.name] = found.get(table.name, 0) + rows
    return found


def delete(person: Person, *, everywhere: bool, tell: Tell) -> None:
    """Delete what is hers in the tenant and, `everywhere`, in the tables without tenants. Commits batch by batch.

    `tell` is called in the batch's transaction: who is killed between the two has neither done nor told it.
    """
    for table in tables():
        for subject in table.owners():
            if everywhere or has_tenant(table):
                _delete(table, owned(table, subject, person), person, tell)


def empty(person: Person, *, tell: Tell) -> None:
    """Empty what she wrote in rows that are not hers. Commits table by table, with what is told."""
    for table in tables():
        for subject in table.subjects:
            if subject.fate is Fate.BLANK:
                changes = {name.partition(".")[0]: _blank(table, name) for name in subject.fields}
                with transaction.atomic(using=USING):
                    if done := owned(table, subject, person).filter(_is_filled(subject)).update(**changes):
                        tell(table.name, done)


def delete_batch(table: Table, rows: Iterable[tuple[object, Person | None]]) -> int:
    """Delete rows by key, in the caller's transaction; nothing may refer to them when it commits.

    Of a table whose ids are asked for later, the ids stay with those whose rows they were.
    """
    known = dict(rows)
    if not known:
        return 0
    if table.leaves_id:
        gone = [
            Gone(id=cast(UUID, key), tenant_id=person.tenant_id, user_id=person.user_id)
            for key, person in known.items()
            if person is not None
        ]
        Gone.objects.using(USING).bulk_create(gone, ignore_conflicts=True)
    doomed = table.model._base_manager.using(USING).filter(pk__in=list(known))
    return int(cast(Any, doomed)._raw_delete(USING))  # one statement: whatever referred to them went before


def _delete(table: Table, rows: QuerySet[models.Model], person: Person, tell: Tell) -> None:
    """Delete the newest first, since a row may refer to an older one of its table."""
    while keys := list(rows.order_by("-pk").values_list("pk", flat=True)[:BATCH_ROWS]):
        with transaction.atomic(using=USING):
            tell(table.name, delete_batch(table, [(key, person) for key in keys]))


def _id(table: Table, subject: Subject, person: Person) -> UUID | str:
    """Return her id as the end of the path holds it: in JSON it is a text."""
    first = table.model._meta.get_field(subject.path.partition("__")[0])
    return str(person.user_id) if isinstance(first, JSONField) else person.user_id


def _is_filled(subject: Subject) -> Q:
    filled = Q()
    for name in subject.fields:
        field, _, key = name.partition(".")
        if key:
            filled |= Q(**{f"{field}__has_key": key}) & ~Q(**{f"{field}__{key}": ""})
        else:
            filled |= ~Q(**{field: ""})
    return filled


def _blank(table: Table, name: str) -> Combinable | None:
    """Return what stands in the place of an author's words."""
    field, _, key = name.partition(".")
    if key:
        template = f"jsonb_set(%(expressions)s, '{{{key}}}', '\"\"')"
        return Func(field, template=template, output_field=JSONField())
    column = cast(AnyField, table.model._meta.get_field(field))
    return None if column.null else Value("")
