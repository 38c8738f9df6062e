"""Idempotency keys: a retry gets the answer of the first request and never has a second effect.

A key's row commits with the effect that it stands for. So a request that failed leaves none, and of two at once the
second waits for the end of the first. It holds ids and an HMAC: what is answered is read anew. It outlives its run, so
that a retry after a deletion starts nothing; only an erasure of its user takes it along.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, Final
from uuid import UUID

import orjson
from django.conf import settings
from django.db import connection
from django.db.models import Exists, OuterRef
from django.db.models.functions import Now
from psycopg import AsyncConnection, AsyncCursor

from accounts.principals import Principal
from accounts.privacy.models import Gone as GoneRun
from accounts.tenancy import tenant_scope
from agentos.core.errors import AgentOSError, Conflict, Gone, Invalid
from agentos.core.ids import new_id
from agentos.core.types import Json, JsonObject, clean_text, json_text
from agents.models import IdempotencyKey
from agents.services.sql import columns, recordset, table

KEPT_HOURS: Final = 24
MAX_KEY_CHARS: Final = 200
_FIELDS: Final = ("id", "tenant", "user", "route", "key", "content_hmac", "run_id", "after_seq")
_CHANGES: Final = ("id", "content_hmac", "run_id", "after_seq", "created_at")

# Two of one batch with the same key: the first of them, whichever that is, stands for both.
TAKE = f"""
INSERT INTO {table(IdempotencyKey)} AS k ({columns(IdempotencyKey, (*_FIELDS, "created_at"))})
SELECT DISTINCT ON (x.tenant_id, x.user_id, x.route, x.key) {columns(IdempotencyKey, _FIELDS, "x.")}, now()
FROM {recordset(IdempotencyKey, _FIELDS)} ORDER BY x.tenant_id, x.user_id, x.route, x.key
ON CONFLICT (tenant_id, user_id, route, key)
DO UPDATE SET {", ".join(f"{name} = EXCLUDED.{name}" for name in columns(IdempotencyKey, _CHANGES).split(", "))}
WHERE k.created_at < now() - interval '{KEPT_HOURS} hours'
RETURNING k.id
"""
KNOWN = f"""
SELECT x.id, k.id, k.content_hmac, k.run_id, k.after_seq, gone.id IS NOT NULL FROM {recordset(IdempotencyKey, _FIELDS)}
JOIN {table(IdempotencyKey)} k USING (tenant_id, user_id, route, key)
LEFT JOIN {table(GoneRun)} gone ON (gone.tenant_id, gone.id) = (k.tenant_id, k.run_id)
"""


@dataclass(frozen=True, slots=True)
class Key:
    """An Idempotency-Key as a client sent it: for which route, and what else she sent, as an HMAC."""

    route: str
    value: str
    content_hmac: str
    id: UUID = field(default_factory=new_id)


@dataclass(frozen=True, slots=True)
class First:
    """What a key's first request did: to which run, and after which of its events."""

    run_id: UUID
    after_seq: int


def key_of(value: str, *, route: str, content: Json = None) -> Key | None:
    """Return the key, if one was sent. `content` are the request's parsed fields. Raises: Invalid."""
    value = clean_text(value).strip()
    if len(value) > MAX_KEY_CHARS:
        raise Invalid(f"An Idempotency-Key has at most {MAX_KEY_CHARS} characters.", code="idempotency_key_too_long")
    return Key(route, value, content_hmac(content)) if value else None


def content_hmac(content: Json) -> str:
    plain = orjson.dumps(content, default=str, option=orjson.OPT_SORT_KEYS)
    return hmac.new(settings.SECRET_KEY.encode(), b"idempotency" + plain, hashlib.sha256).hexdigest()


def take(key: Key | None, *, principal: Principal, run_id: UUID, after_seq: int = 0) -> First | None:
    """Let the key stand for what the caller does now; return what it stood for before, if it did.

    The caller holds the lock of what she works on, inside a tenant scope. Raises: Invalid when it was used for other
    content, Gone when its run was deleted.
    """
    if key is None:
        return None
    rows = json_text([_row(key, principal.tenant_id, principal.user_id, run_id, after_seq)])
    with connection.cursor() as cursor:
        cursor.execute(TAKE, [rows])
        cursor.execute(KNOWN, [rows])
        return _judged(key, cursor.fetchall())


def first_of(key: Key, *, principal: Principal) -> First | None:
    """Return what the key stands for, if it was used; it is not taken. Raises: Invalid for other content, Gone."""
    same = {"tenant_id": principal.tenant_id, "user_id": principal.user_id, "route": key.route, "key": key.value}
    with tenant_scope(principal.tenant_id, principal.user_id):
        rows = IdempotencyKey.objects.filter(**same, created_at__gte=Now() - timedelta(hours=KEPT_HOURS))
        is_gone = Exists(GoneRun.objects.filter(tenant_id=principal.tenant_id, id=OuterRef("run_id")))
        known = list(rows.values_list("id", "content_hmac", "run_id", "after_seq", is_gone))
    return _judged(key, [(key.id, *row) for row in known]) if known else None


@dataclass(frozen=True, slots=True)
class Taking:
    """Keys that the database was asked for; their answers are on the way."""

    keys: list[Key]
    rows: str
    taken: AsyncCursor[Any]

    async def outcomes(self, connection: AsyncConnection[Any]) -> dict[UUID, First | AgentOSError | None]:
        """Return how it went by the keys' ids: nothing for one that is taken now."""
        taken = {key_id for (key_id,) in await self.taken.fetchall()}
        outcomes: dict[UUID, First | AgentOSError | None] = dict.fromkeys(taken)
        if len(taken) == len(self.keys):
            return outcomes
        cursor = await connection.execute(KNOWN, [self.rows])
        known = await cursor.fetchall()
        for key in self.keys:
            try:
                outcomes[key.id] = _judged(key, known)
            except (Invalid, Conflict, Gone) as refusal:
                outcomes[key.id] = refusal
        return outcomes


async def take_many(connection: AsyncConnection[Any], wanted: Iterable[tuple[Key, UUID, UUID, UUID]]) -> Taking:
    """Ask for keys of many users, each as (key, tenant, user, run it starts); wait for no answer."""
    asked = list(wanted)
    rows = json_text([_row(*one, 0) for one in asked])
    return Taking([key for key, *_ in asked], rows, await connection.execute(TAKE, [rows]))


async def give_back(connection: AsyncConnection[Any], keys: list[Key]) -> None:
    """Forget keys that the caller's transaction took: what they stood for is not done after all."""
    if keys:
        sql = f"DELETE FROM {table(IdempotencyKey)} WHERE id = ANY(%s)"
        await connection.execute(sql, [[key.id for key in keys]])


def _row(key: Key, tenant_id: UUID, user_id: UUID, run_id: UUID, after_seq: int) -> JsonObject:
    return {
        "id": key.id,
        "tenant_id": tenant_id,
        "user_id": user_id,
        "route": key.route,
        "key": key.value,
        "content_hmac": key.content_hmac,
        "run_id": run_id,
        "after_seq": after_seq,
    }


def _judged(key: Key, known: list[tuple[Any, ...]]) -> First | None:
    for asked, stands, content, run_id, after_seq, is_gone in known:
        if asked != key.id:
            continue
        if not hmac.compare_digest(content, key.content_hmac):
            raise Invalid("This Idempotency-Key was used with other content.", code="idempotency_key_reused")
        if is_gone:
            raise Gone("What this Idempotency-Key started was deleted, or it has expired.")
        return None if stands == key.id else First(run_id, after_seq)
    raise Conflict("This Idempotency-Key is in use.", code="idempotency_key_in_use")
