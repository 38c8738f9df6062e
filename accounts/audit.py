"""The audit trail of a tenant: a chain in which each row's HMAC covers the row before it.

Rows join it as the last statements of the transaction that did the thing, under a lock on the tenant's head.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextvars import ContextVar
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import lru_cache
from typing import Protocol
from uuid import UUID

from django.conf import settings
from django.db import connections, transaction
from django.db.models import Subquery
from django.db.models.functions import Coalesce

from accounts import audit_chain, audit_checkpoints
from accounts.audit_chain import Follower, KeyRing
from accounts.audit_checkpoints import Known
from accounts.models import AuditHead, AuditRow
from accounts.privacy import shredding
from agentos.core.clock import utc_now
from agentos.core.ids import new_id
from agentos.core.types import Json, JsonObject, clean_text, json_object, json_text

SYSTEM = "system"
OBJECT_ID_CHARS = 200
CHUNK_ROWS = 2_000
# As links cover it: the database writes the texts, which is quicker here than to make values and write them again.
STORED = """
SELECT id::text, tenant_id::text, seq, to_char(at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"+00:00"'),
       actor_id::text, action, object_type, object_id, detail::text, key_id, hash
  FROM accounts_auditrow WHERE tenant_id = %s AND seq > %s AND seq <= %s ORDER BY seq LIMIT %s
"""
LINK_ROWS = """
WITH heads AS (
    UPDATE accounts_audithead h SET seq = x.seq, hash = x.hash, seal = x.seal
    FROM jsonb_to_recordset(%s::jsonb) AS x(tenant_id uuid, seq bigint, hash text, seal text)
    WHERE h.tenant_id = x.tenant_id
)
INSERT INTO accounts_auditrow (id, tenant_id, seq, at, actor_id, action, object_type, object_id, detail, hash, key_id)
SELECT id, tenant_id, seq, at, actor_id, action, object_type, object_id, detail, hash, key_id
FROM jsonb_to_recordset(%s::jsonb) AS x(
    id uuid, tenant_id uuid, seq bigint, at timestamptz, actor_id uuid, action text, object_type text, object_id text,
    detail jsonb, hash text, key_id text
)
"""
# The head of a trail, locked, with the keys that the entry is sealed under: nothing where one of them has to be made,
# which comes before the lock.
_LOCK_HEAD = """
SELECT h.seq, h.hash, h.seal, k.keys FROM accounts_audithead h CROSS JOIN (
    SELECT count(*) AS found, jsonb_object_agg(user_id, key_sealed)::text AS keys FROM privacy_subjectkey
    WHERE tenant_id = %s AND user_id {whose}
) k WHERE h.tenant_id = %s AND k.found = %s FOR NO KEY UPDATE OF h
"""
LOCK_BARE_HEAD = "SELECT seq, hash, seal, NULL FROM accounts_audithead WHERE tenant_id = %s FOR NO KEY UPDATE"
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
    shreds. The chain covers the sealed form, so it stays whole. `id` is the row's, where somebody needs it before.
    """

    action: str
    object_type: str
    object_id: str
    detail: JsonObject = field(default_factory=dict)
    actor_id: UUID | None = None
    personal: Mapping[str, str] = field(default_factory=dict)
    subjects: Sequence[UUID] = ()
    id: UUID | None = None


@dataclass(frozen=True, slots=True)
class LockedHead:
    """The head of a trail, which this transaction has locked, and people's keys as they were read with it, sealed."""

    head: AuditHead
    sealed_keys: str | None


@dataclass(slots=True)
class Tally:
    """How many rows a request has entered."""

    rows: int = 0


tally: ContextVar[Tally | None] = ContextVar("tally", default=None)  # where somebody counts: `accounts.reading`


def chain(
    seq: int, previous: str, entries: Iterable[AuditEntry], *, tenant_id: UUID, now: datetime
) -> list[JsonObject]:
    """Link the entries to the head (`seq`, `previous` hash); return rows with the columns of `AuditRow`.

    The last row's `seq` and `hash` are the new head. Pure: the caller locks the head and writes both.
    """
    rows: list[JsonObject] = []
    key = keys().newest
    for entry in entries:
        seq += 1
        row = _row(seq, entry, tenant_id, now)
        previous = audit_chain.link(key, previous, _covered(row))
        rows.append({**row, "hash": previous, "key_id": key.id})
    return rows


def append(
    entries: Sequence[AuditEntry],
    *,
    tenant_id: UUID,
    actor_id: UUID | None = None,
    using: str = "default",
    locked: LockedHead | None = None,
) -> None:
    """Add entries to the tenant's trail, as the last act of the caller's transaction, which sees the tenant.

    `actor_id` stands in for entries that name no actor. Locks the tenant's head until the transaction ends, unless the
    caller has `locked` it with the keys of all whom the entries are about.
    """
    if not entries:
        return
    subjects = {subject for entry in entries for subject in _sealed_for(entry)}
    locked = locked or _lock_head(tenant_id, subjects, using)
    sealing_keys = shredding.keys_of(locked.sealed_keys, tenant_id=tenant_id) if locked else {}
    signed = [_by(entry, actor_id, tenant_id, using, sealing_keys) for entry in entries]
    head = locked.head if locked else _locked_head(tenant_id, using)
    previous = head.hash
    if not is_ours(tenant_id, head.seq, head.hash, head.seal):
        last = AuditRow.objects.using(SYSTEM).filter(tenant_id=tenant_id, seq=head.seq)
        previous = after_a_moved_head(head.hash, last.values_list("key_id", flat=True).first())
    rows = chain(head.seq, previous, signed, tenant_id=tenant_id, now=utc_now())
    with connections[using].cursor() as cursor:
        cursor.execute(LINK_ROWS, [json_text([moved_head(tenant_id, rows[-1])]), json_text(rows)])
    if (counted := tally.get()) is not None:
        counted.rows += len(rows)


def is_ours(tenant_id: UUID, seq: int, last: str, sealed: str) -> bool:
    """Tell whether a head is as an append left it: who moves it back, to cut the tail, can't seal it."""
    return not seq or audit_chain.is_sealed(keys(), str(tenant_id), seq, last, sealed)


def after_a_moved_head(last: str, key_id: str | None) -> str:
    """Return what the next row is linked to when the head is not ours: nothing, so that the trail stays broken there.

    `key_id` names the key of the last row. One that is not set here has sealed the head as well: nothing shows then.
    """
    return last if key_id is not None and keys().named(key_id) is None else ""


def verify(tenant_id: UUID, *, may_be_older: bool = False) -> int | None:
    """Check the tenant's whole trail: links, head, and the checkpoints outside. Return the first bad `seq`, or None.

    The machine's own work, in the system role: who may ask for it is the caller's matter. It may grow meanwhile.
    `may_be_older` is a restored one that newer checkpoints know of. Raises: CheckpointError.
    """
    known = audit_checkpoints.read(keys()).get(tenant_id, Known())
    heads = AuditHead.objects.using("system").filter(tenant_id=tenant_id)
    with transaction.atomic(using="system"):
        head = heads.first() or AuditHead(tenant_id=tenant_id)
        follower = Follower(keys(), str(tenant_id))
        if (bad := follow(follower, known, up_to=head.seq)) is not None:
            return bad
        if head.seq and not follower.ends_at(head.seq, head.hash, head.seal):
            return follower.seq + 1
        if known.entries > head.seq and not may_be_older:
            return head.seq + 1
        # One statement, so that rows and head are of the same moment.
        newest = Coalesce(Subquery(heads.values("seq")[:1]), 0)
        beyond = AuditRow.objects.using("system").filter(tenant_id=tenant_id, seq__gt=newest).order_by("seq")
        return beyond.values_list("seq", flat=True).first()


def follow(follower: Follower, known: Known, *, up_to: int) -> int | None:
    """Take the follower along the stored rows up to one; return the first that fits neither links nor checkpoints.

    Caller holds a transaction of the system role.
    """
    for facts, key_id, link in stored(UUID(follower.tenant_id), after=follower.seq, up_to=up_to):
        wanted = follower.seq + 1
        if not follower.takes(facts, key_id, link) or known.links.get(wanted, link) != link:
            return wanted
    return None


def stored(tenant_id: UUID, *, after: int = 0, up_to: int) -> Iterator[tuple[JsonObject, str, str]]:
    """Yield what the link of each stored row covers, the name of its key and the link, in the system role."""
    while after < up_to:
        with connections["system"].cursor() as cursor:
            cursor.execute(STORED, [tenant_id, after, up_to, CHUNK_ROWS])
            rows = cursor.fetchall()
        for *facts, detail, key_id, link in rows:
            yield dict(zip(audit_chain.COVERED, (*facts, json_object(detail)), strict=True)), key_id, link
        if len(rows) < CHUNK_ROWS:
            return
        after = rows[-1][2]


def keys() -> KeyRing:
    """Return the keys that trails are written with, the newest first; SECRET_KEY stands in where none is set."""
    named = [settings.AGENTOS_AUDIT_KEY, *settings.AUDIT_OLD_KEYS] if settings.AGENTOS_AUDIT_KEY else []
    return _ring(*named, settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS)


def sealed_head(tenant_id: UUID, row: JsonObject) -> str:
    """Return the seal of the head that a row just linked becomes."""
    return audit_chain.seal(keys().newest, str(tenant_id), row["seq"], row["hash"])


def moved_head(tenant_id: UUID, last: JsonObject) -> JsonObject:
    """Return the head that a row just linked becomes, as `LINK_ROWS` stores it."""
    seal = sealed_head(tenant_id, last)
    return {"tenant_id": tenant_id, "seq": last["seq"], "hash": last["hash"], "seal": seal}


def _sealed_for(entry: AuditEntry) -> Iterable[UUID]:
    return entry.subjects if isinstance(entry, Entry) and any(entry.personal.values()) else ()


def _by(entry: AuditEntry, actor_id: UUID | None, tenant_id: UUID, using: str, keys: Mapping[UUID, bytes]) -> Entry:
    detail, known = entry.detail, entry.id if isinstance(entry, Entry) else None
    if isinstance(entry, Entry) and entry.personal:
        sealed = {
            name: shredding.seal(text, tenant_id=tenant_id, subjects=entry.subjects, using=using, known=keys)
            for name, text in entry.personal.items()
            if text
        }
        detail = {**detail, **sealed}
    return Entry(entry.action, entry.object_type, entry.object_id, detail, entry.actor_id or actor_id, id=known)


def _lock_head(tenant_id: UUID, subjects: Collection[UUID], using: str) -> LockedHead | None:
    """Lock the head and read the keys of these people; nothing is locked where one of both has to be made first."""
    with connections[using].cursor() as cursor:
        if subjects:
            cursor.execute(_LOCK_HEAD_OF, [tenant_id, list(subjects), tenant_id, len(subjects)])
        else:
            cursor.execute(LOCK_BARE_HEAD, [tenant_id])
        return head_of(cursor.fetchone(), tenant_id)


def lock_head_for(whose: str) -> str:
    """Return the statement that locks a tenant's head and reads the keys of those whom a part of it names.

    Parameters: the tenant, those of `whose`, the tenant, how many people these are; `head_of` tells what it found.
    """
    return _LOCK_HEAD.format(whose=whose)


_LOCK_HEAD_OF = lock_head_for("= ANY(%s)")


def head_of(row: tuple[int, str, str, str | None] | None, tenant_id: UUID) -> LockedHead | None:
    """Return what has been locked; None where the head, or a key, has to be made first."""
    if row is None:
        return None
    seq, last, seal, sealed_keys = row
    return LockedHead(AuditHead(tenant_id=tenant_id, seq=seq, hash=last, seal=seal), sealed_keys)


def _locked_head(tenant_id: UUID, using: str) -> AuditHead:
    heads = AuditHead.objects.using(using).filter(tenant_id=tenant_id).select_for_update(no_key=True)
    if (head := heads.first()) is None:
        AuditHead.objects.using(using).bulk_create([AuditHead(tenant_id=tenant_id)], ignore_conflicts=True)
        head = heads.get()
    return head


def _row(seq: int, entry: AuditEntry, tenant_id: UUID, now: datetime) -> JsonObject:
    return {
        "id": (entry.id if isinstance(entry, Entry) else None) or new_id(),
        "tenant_id": tenant_id,
        "seq": seq,
        "at": now,
        "actor_id": entry.actor_id,
        "action": clean_text(entry.action),
        "object_type": clean_text(entry.object_type),
        "object_id": clean_text(entry.object_id)[:OBJECT_ID_CHARS],
        "detail": _plain(entry.detail),
    }


def _covered(row: JsonObject) -> JsonObject:
    at: datetime = row["at"]
    actor = row["actor_id"]
    return {
        **row,
        "id": str(row["id"]),
        "tenant_id": str(row["tenant_id"]),
        "actor_id": None if actor is None else str(actor),
        "at": at.astimezone(UTC).isoformat(timespec="microseconds"),
    }


@lru_cache(maxsize=8)
def _ring(*secrets: str) -> KeyRing:
    return KeyRing(secrets)


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
