"""The audit trail of a tenant: a chain in which each row's HMAC covers the row before it.

Rows join it as the last statements of the transaction that did the thing, under a lock on the tenant's head.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cache
from typing import Protocol
from uuid import UUID

import rfc8785
from django.conf import settings
from django.db import transaction
from django.db.models import Subquery
from django.db.models.functions import Coalesce

from accounts.models import AuditHead, AuditRow
from accounts.privacy import shredding
from agentos.core.clock import utc_now
from agentos.core.ids import new_id
from agentos.core.types import Json, JsonObject, clean_text

OBJECT_ID_CHARS = 200
EXACT_INTEGER = 2**53 - 1  # RFC 8785 writes no larger one: JSON readers disagree about them


class AuditEntry(Protocol):
    """What happened. `agents.engine.steps.AuditEntry` is one; `Entry` is another."""

    @property
    def action(self) -> str: ...
    @property
    def object_type(self) -> str: ...
    @property
    def object_id(self) -> str: ...
    @property
    def detail(self) -> JsonObject: ...
    @property
    def actor_id(self) -> UUID | None: ...


@dataclass(frozen=True, slots=True)
class Entry:
    """One thing that somebody did. `detail` holds ids and plain facts: no secret, nobody's text.

    What persons wrote goes to `personal`: it joins the detail sealed under the keys of `subjects`, which erasure
    shreds. The chain covers the sealed form, so it stays whole.
    """

    action: str
    object_type: str
    object_id: str
    detail: JsonObject = field(default_factory=dict)
    actor_id: UUID | None = None
    personal: Mapping[str, str] = field(default_factory=dict)
    subjects: Sequence[UUID] = ()


def chain(
    seq: int, previous: str, entries: Iterable[AuditEntry], *, tenant_id: UUID, now: datetime
) -> list[JsonObject]:
    """Link the entries to the head (`seq`, `previous` hash); return rows with the columns of `AuditRow`.

    The last row's `seq` and `hash` are the new head. Pure: the caller locks the head and writes both.
    """
    rows: list[JsonObject] = []
    for entry in entries:
        seq += 1
        row = _row(seq, entry, tenant_id, now)
        previous = row["hash"] = _link(previous, row)
        rows.append(row)
    return rows


def append(
    entries: Sequence[AuditEntry], *, tenant_id: UUID, actor_id: UUID | None = None, using: str = "default"
) -> None:
    """Add entries to the tenant's trail, as the last act of the caller's transaction, which sees the tenant.

    `actor_id` stands in for entries that name no actor. Locks the tenant's head until the transaction ends.
    """
    if not entries:
        return
    signed = [_by(entry, actor_id, tenant_id, using) for entry in entries]
    head = _locked_head(tenant_id, using)
    rows = chain(head.seq, head.hash, signed, tenant_id=tenant_id, now=utc_now())
    AuditRow.objects.using(using).bulk_create([AuditRow(**row) for row in rows])
    heads = AuditHead.objects.using(using).filter(tenant_id=tenant_id)
    heads.update(seq=rows[-1]["seq"], hash=rows[-1]["hash"])


def verify(tenant_id: UUID) -> int | None:
    """Check the tenant's whole trail against its hashes and its head; return the first bad `seq`, or None.

    The machine's own work, in the system role: who may ask for it is the caller's matter.
    It may grow meanwhile. A trail cut short *and* given its older head is found only by a copy of the newer.
    """
    heads = AuditHead.objects.using("system").filter(tenant_id=tenant_id)
    with transaction.atomic(using="system"):
        head = heads.first() or AuditHead(tenant_id=tenant_id)
        rows = AuditRow.objects.using("system").filter(tenant_id=tenant_id).order_by("seq")
        seq, previous = 0, ""
        for row in rows.filter(seq__lte=head.seq).iterator(chunk_size=1000):
            seq += 1
            if row.seq != seq or not hmac.compare_digest(row.hash, _link(previous, _stored(row))):
                return seq
            previous = row.hash
        if seq != head.seq or previous != head.hash:
            return seq + (seq < head.seq)
        # One statement, so that rows and head are of the same moment.
        newest = heads.values("seq")[:1]
        return rows.filter(seq__gt=Coalesce(Subquery(newest), 0)).values_list("seq", flat=True).first()


def _by(entry: AuditEntry, actor_id: UUID | None, tenant_id: UUID, using: str) -> Entry:
    detail = entry.detail
    if isinstance(entry, Entry) and entry.personal:
        sealed = {
            name: shredding.seal(text, tenant_id=tenant_id, subjects=entry.subjects, using=using)
            for name, text in entry.personal.items()
            if text
        }
        detail = {**detail, **sealed}
    return Entry(entry.action, entry.object_type, entry.object_id, detail, entry.actor_id or actor_id)


def _locked_head(tenant_id: UUID, using: str) -> AuditHead:
    heads = AuditHead.objects.using(using).filter(tenant_id=tenant_id).select_for_update(no_key=True)
    if (head := heads.first()) is None:
        AuditHead.objects.using(using).bulk_create([AuditHead(tenant_id=tenant_id)], ignore_conflicts=True)
        head = heads.get()
    return head


def _row(seq: int, entry: AuditEntry, tenant_id: UUID, now: datetime) -> JsonObject:
    return {
        "id": new_id(),
        "tenant_id": tenant_id,
        "seq": seq,
        "at": now,
        "actor_id": entry.actor_id,
        "action": entry.action,
        "object_type": entry.object_type,
        "object_id": clean_text(entry.object_id)[:OBJECT_ID_CHARS],
        "detail": _plain(entry.detail),
    }


def _stored(row: AuditRow) -> JsonObject:
    columns = ("id", "tenant_id", "seq", "at", "actor_id", "action", "object_type", "object_id", "detail")
    return {name: getattr(row, name) for name in columns}


def _link(previous: str, row: JsonObject) -> str:
    """Return the hex HMAC-SHA256 of the previous link and the row's canonical JSON (RFC 8785)."""
    at: datetime = row["at"]
    facts = {**_plain(row), "at": at.astimezone(UTC).isoformat(timespec="microseconds")}
    return hmac.new(_key(), previous.encode() + b"\n" + rfc8785.dumps(facts), hashlib.sha256).hexdigest()


@cache
def _derived(secret: str) -> bytes:
    return hmac.new(secret.encode(), b"agentos.audit", hashlib.sha256).digest()


def _key() -> bytes:
    return _derived(getattr(settings, "AGENTOS_AUDIT_KEY", "") or settings.SECRET_KEY)


def _plain(value: Json) -> Json:
    """Return the value as the database will give it back: numbers that it may rewrite become text."""
    if isinstance(value, dict):
        return {clean_text(str(key)): _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, int):
        return value if abs(value) <= EXACT_INTEGER else str(value)
    return clean_text(str(value))
