"""What is held of a person, as one archive: a JSON line for each row, a file for each table, and what the fields mean.

Made from the data map: every row that is hers whole but for its secrets, of others' rows what she wrote in them, and
her entries of the audit trail with what was sealed in the clear. What belongs to no tenant, as when she signed in last,
tells of all of hers: it is in an archive `everywhere` only.
"""

from __future__ import annotations

import base64
import json
import zipfile
from collections.abc import Callable, Iterator
from datetime import date, datetime, time
from decimal import Decimal
from typing import IO, Any, cast
from uuid import UUID

from django.db import models

from accounts.models import AuditRow, User
from accounts.privacy import rows, shredding
from accounts.privacy.datamap import AnyField, DataClass, Fate, Subject, Table, fields_of, tables
from accounts.privacy.models import ExportPart
from accounts.privacy.rows import USING, Person
from agentos.core.clock import rfc3339_ms, utc_now
from agentos.core.types import Json, JsonObject

CHUNK_ROWS = 500
OF_A_MEMBER = ("id", "email", "name")  # what each of her tenants is shown of a user
README = """This archive holds what was stored about one person in one tenant.

manifest.json says when it was made and how many rows each file has. Every other file is JSON Lines: one row a line,
in UTF-8, named after its table. data-map.json gives each field's class: none, personal, sensitive. Fields of the
class secret (passwords, keys) are left out. Ids of other persons are pseudonyms.
"""


def write(person: Person, target: IO[bytes], *, everywhere: bool, tell: Callable[[str, int], None]) -> JsonObject:
    """Write the archive and return its manifest."""
    written: dict[str, int] = {}
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        for table in tables():
            for name, found in _files(table, person, everywhere=everywhere):
                count = _write(archive, name, found)
                if count:
                    written[name] = count
                    tell(table.name, count)
        manifest: JsonObject = {
            "schema": 1,
            "made_at": rfc3339_ms(utc_now()),
            "tenant": str(person.tenant_id),
            "subject": str(person.user_id),
            "files": written,
        }
        archive.writestr("README.txt", README)
        archive.writestr("data-map.json", json.dumps(_classes(), indent=1))
        archive.writestr("manifest.json", json.dumps(manifest, indent=1))
    return manifest


def _files(table: Table, person: Person, *, everywhere: bool) -> Iterator[tuple[str, Iterator[JsonObject]]]:
    """Yield the files that a table makes: what is hers, and what she wrote in others' rows."""
    if table.model is User:
        (user,) = _rows(table, User.objects.using(USING).filter(id=person.user_id))
        yield f"{table.name}.jsonl", iter([user if everywhere else {name: user[name] for name in OF_A_MEMBER}])
        return
    if not (everywhere or rows.has_tenant(table)):
        return
    if table.model is AuditRow:
        yield f"{table.name}.jsonl", _audit(table, person)
        return
    for subject in table.subjects:
        found = rows.owned(table, subject, person)
        if subject.fate is Fate.DELETE and table.model is not ExportPart:
            yield f"{table.name}.jsonl", _rows(table, found)
        elif subject.fate is Fate.BLANK:
            yield f"{table.name}.written.jsonl", _written(table, subject, found)


def _write(archive: zipfile.ZipFile, name: str, found: Iterator[JsonObject]) -> int:
    count = 0
    first = next(found, None)
    if first is None:
        return 0
    with archive.open(name, "w", force_zip64=True) as file:
        while first is not None:
            file.write(json.dumps(first, ensure_ascii=False).encode() + b"\n")
            count += 1
            first = next(found, None)
    return count


def _rows(table: Table, found: Any) -> Iterator[JsonObject]:
    for row in found.order_by("pk").iterator(chunk_size=CHUNK_ROWS):
        yield _shown(table, row)


def _audit(table: Table, person: Person) -> Iterator[JsonObject]:
    found = AuditRow.objects.using(USING).filter(tenant_id=person.tenant_id, actor_id=person.user_id).order_by("seq")
    for row in found.iterator(chunk_size=CHUNK_ROWS):
        (row.detail,) = shredding.opened([row.detail], tenant_id=person.tenant_id, using=USING)
        yield _shown(table, row)


def _written(table: Table, subject: Subject, found: Any) -> Iterator[JsonObject]:
    for row in found.order_by("pk").iterator(chunk_size=CHUNK_ROWS):
        said = {name: _value(_part(row, name)) for name in subject.fields}
        if any(said.values()):
            yield {"id": _value(row.pk), **said}


def _part(row: models.Model, name: str) -> Json:
    field, _, key = name.partition(".")
    value = getattr(row, field)
    return (value or {}).get(key) if key else value


def _shown(table: Table, row: models.Model) -> JsonObject:
    shown = [field for field in fields_of(table.model) if table.classes[field.name] is not DataClass.SECRET]
    return {field.column: _value(getattr(row, field.attname)) for field in shown}


def _value(value: Any) -> Json:
    match value:
        case datetime() | date() | time():
            return value.isoformat()
        case UUID() | Decimal():
            return str(value)
        case bytes() | memoryview():
            return base64.b64encode(bytes(value)).decode()
        case list():
            return [_value(item) for item in value]
    return value


def _classes() -> dict[str, dict[str, str]]:
    return {
        table.name: {_column(table, name): known.value for name, known in table.classes.items()} for table in tables()
    }


def _column(table: Table, name: str) -> str:
    return str(cast(AnyField, table.model._meta.get_field(name)).column)
