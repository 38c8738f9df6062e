"""Plants a marker in every personal field of the data map, and looks for it everywhere.

Rows are built from the models, so a table that is declared tomorrow is planted, and has to be erased, too.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from importlib import import_module
from itertools import count
from pathlib import Path
from typing import Any
from uuid import UUID

import psycopg
from django.conf import settings
from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY
from django.db import models, transaction
from psycopg import sql

from accounts import audit
from accounts.models import SupportEntry, Tenant, User
from accounts.privacy import rows
from accounts.privacy.datamap import DataClass, Fate, Subject, Table, fields_of, table_of, tables
from accounts.privacy.models import LegalHold, PrivacyJob
from accounts.privacy.rows import Person
from agentos.core.clock import utc_now
from agentos.core.ids import new_id

ROOT = "root"  # the superuser's connection, by its alias
NEVER_WRITTEN = {"django_admin_log"}  # granted to nobody
_numbers = count(1)


class Planter:
    """Builds rows of one tenant that lead to one user."""

    def __init__(self, tenant: Tenant, user: User, marker: str) -> None:
        self.tenant, self.user, self.marker = tenant, user, marker
        self._parents: dict[type[models.Model], models.Model] = {}

    def plant(self, colleague: Planter) -> set[str]:
        """Plant the marker wherever the map says that something of hers may stand; return the tables' names."""
        self._say()
        planted = set()
        for table in reversed(tables()):
            for subject in table.subjects:
                if table.name not in NEVER_WRITTEN and self._planted(table, subject, colleague):
                    planted.add(table.name)
        LegalHold.objects.using(ROOT).update(lifted_at=utc_now())
        SupportEntry.objects.using(ROOT).update(ended_at=utc_now())
        PrivacyJob.objects.using(ROOT).filter(status="pending").update(status="done")
        return planted

    def _planted(self, table: Table, subject: Subject, colleague: Planter) -> bool:
        match subject.fate:
            case Fate.DELETE:
                there = rows.owned(table, subject, Person(self.tenant.id, self.user.id)).using(ROOT).first()
                given = {} if "__" in subject.path else {subject.path: self._as(table, subject.path)}
                self._parents[table.model] = there or self.build(table, **given)
                return there is None and bool(_personal(table))
            case Fate.BLANK:
                colleague.build(table, **self._words(subject))
                return True
        return False

    def _as(self, table: Table, name: str) -> User | UUID:
        """Return her as a field holds her: a reference, or her plain id."""
        is_reference = isinstance(table.model._meta.get_field(name), models.ForeignKey)
        return self.user if is_reference else self.user.id

    def _words(self, subject: Subject) -> dict[str, Any]:
        """Return what makes somebody else's row hold her words."""
        field, _, key = subject.path.partition("__")
        if key:
            (name,) = subject.fields
            return {field: {key: str(self.user.id), name.partition(".")[2]: self.marker}}
        return {field: self.user, **dict.fromkeys(subject.fields, self.marker)}

    def _say(self) -> None:
        """Put the marker into the audit trail, which makes her key."""
        entry = audit.Entry("test.said", "thing", "1", {}, self.user.id, {"reason": self.marker}, [self.user.id])
        with transaction.atomic(using="system"):
            audit.append([entry], tenant_id=self.tenant.id, using="system")

    def build(self, table: Table, **given: Any) -> models.Model:
        wanted = [field for field in fields_of(table.model) if field.name not in given]
        values = {field.name: self._value(table, field) for field in wanted}
        known = {name: value for name, value in values.items() if value is not models.NOT_PROVIDED}
        row = table.model(**known, **given)
        table.model._base_manager.using(ROOT).bulk_create([row])  # no `save` of a package's own
        return row

    def _value(self, table: Table, field: Any) -> Any:
        if isinstance(field, models.ForeignKey):
            return self._related(field)
        if table.classes[field.name] is not DataClass.NONE:
            return self._marked(field, self._mark(table.classes[field.name]))
        if field.primary_key or field.has_default() or getattr(field, "auto_now_add", False) or field.null:
            return new_id() if field.name == "id" and isinstance(field, models.UUIDField) else models.NOT_PROVIDED
        if field.choices:
            return field.choices[0][0]
        return self._plain(field)

    def _related(self, field: Any) -> models.Model | None:
        target = field.related_model
        if target is Tenant:
            return self.tenant
        if target is User:
            return None if field.null else self.user
        if field.null:
            return None
        if target not in self._parents:
            self._parents[target] = self._shared(table_of(target)) or self.build(table_of(target))
        return self._parents[target]

    def _shared(self, table: Table) -> models.Model | None:
        """Return a row that is nobody's: the tenant's, or the installation's."""
        if table.subjects:
            return None
        whose = {"tenant": self.tenant} if rows.has_tenant(table) else {}
        return table.model._base_manager.using(ROOT).filter(**whose).first()

    def _mark(self, known: DataClass) -> str:
        """Return what to plant in fields of a class."""
        return self.marker

    def _marked(self, field: Any, mark: str) -> Any:
        if isinstance(field, models.EmailField):
            return f"{mark}@{next(_numbers)}.test"
        if isinstance(field, models.JSONField):
            return {"said": [mark]}
        if isinstance(field, models.BinaryField):
            return mark.encode()
        if isinstance(field, models.CharField | models.TextField):
            return f"{mark} {next(_numbers)}"
        return utc_now() if isinstance(field, models.DateTimeField) else models.NOT_PROVIDED

    def _plain(self, field: Any) -> Any:
        if isinstance(field, models.DateTimeField):
            return utc_now()
        if isinstance(field, models.UUIDField):
            return new_id()
        if isinstance(field, models.CharField | models.TextField):
            return str(next(_numbers))
        if isinstance(field, models.JSONField):
            return {}
        if isinstance(field, models.BinaryField):
            return b"x"
        return next(_numbers)

    def open_browser(self, **kept: str) -> str:
        """Sign her in on the pages; return the key of the session, which keeps what is given."""
        store = import_module(settings.SESSION_ENGINE).SessionStore()
        store[SESSION_KEY], store[BACKEND_SESSION_KEY] = str(self.user.id), settings.AUTHENTICATION_BACKENDS[0]
        store[HASH_SESSION_KEY], store["draft"] = self.user.get_session_auth_hash(), self.marker
        store.update(kept)
        store.save()
        return str(store.session_key)


def bare_fields(marker: str) -> list[str]:
    """Return the fields of persons' rows that could hold something of hers, and hold no marker in any row."""
    return [
        f"{table.label}.{name}"
        for table in tables()
        for name in _wanted(table)
        if not any(
            _holds(value, marker) for value in table.model._base_manager.using(ROOT).values_list(name, flat=True)
        )
    ]


def _wanted(table: Table) -> list[str]:
    """Return the fields where the marker has to be: of her own rows all, of others' those that she writes."""
    if table.name in NEVER_WRITTEN:
        return []
    if list(table.owners()):
        return _personal(table)
    written = [name for subject in table.subjects if subject.fate is Fate.BLANK for name in subject.fields]
    return [name.partition(".")[0] for name in written]


def _column(table: Table, name: str) -> Iterable[Any]:
    return table.model._base_manager.using(ROOT).values_list(name, flat=True)


def _holds(value: Any, marker: str) -> bool:
    return marker.encode() in value.tobytes() if isinstance(value, memoryview) else marker in str(value)


def _personal(table: Table) -> list[str]:
    """Return the fields in which a marker can stand."""
    names = table.of_class(DataClass.PERSONAL, DataClass.SENSITIVE, DataClass.SECRET)
    times = {field.name for field in fields_of(table.model) if isinstance(field, models.DateTimeField)}
    return [name for name in names if name not in times]


def tables_with(marker: str, url: str) -> set[str]:
    """Return every table, those of the catalog included, that holds the marker in the clear or as bytes."""
    found = set()
    with psycopg.connect(url, autocommit=True) as root:
        relations = root.execute(
            "SELECT n.nspname, c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace"
            " WHERE c.relkind IN ('r', 'm') AND n.nspname <> 'information_schema'"
        ).fetchall()
        for schema, name in relations:
            query = sql.SQL("SELECT 1 FROM {}.{} AS t WHERE strpos(t::text, %s) > 0 OR strpos(t::text, %s) > 0 LIMIT 1")
            named = query.format(sql.Identifier(schema), sql.Identifier(name))
            if root.execute(named, [marker, marker.encode().hex()]).fetchone():
                found.add(str(name))
    return found


def files_with(marker: str, *folders: Path) -> list[Path]:
    """Return the files that hold the marker; of the server's data only its log: the rest is what the tables are."""
    needle = marker.encode()
    return [path for folder in folders for path in _files(folder) if needle in path.read_bytes()]


def _files(folder: Path) -> Iterator[Path]:
    for path in folder.rglob("*"):
        inside = path.relative_to(folder).parts
        if path.is_file() and ("postgres" not in inside or path.name.startswith("server.log")):
            yield path
