"""The audit trail from the journal's side: the same chain as `accounts.audit`, for many tenants in one flush."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any
from uuid import UUID

from psycopg import AsyncConnection, AsyncCursor

from accounts.audit import AuditEntry, chain, sealed_head
from accounts.models import AuditHead, AuditRow
from agentos.core.clock import utc_now
from agentos.core.types import JsonObject, json_text

HEADS = AuditHead._meta.db_table
ROWS = AuditRow._meta.db_table

MAKE_HEADS = f"""
INSERT INTO {HEADS} (tenant_id, seq, hash) SELECT unnest(%s::uuid[]), 0, '' ON CONFLICT (tenant_id) DO NOTHING
"""
LOCK_HEADS = f"""
SELECT tenant_id, seq, hash FROM {HEADS} WHERE tenant_id = ANY(%s) ORDER BY tenant_id FOR NO KEY UPDATE
"""
LINK_ROWS = f"""
WITH heads AS (
    UPDATE {HEADS} h SET seq = x.seq, hash = x.hash, seal = x.seal
    FROM jsonb_to_recordset(%s::jsonb) AS x(tenant_id uuid, seq bigint, hash text, seal text)
    WHERE h.tenant_id = x.tenant_id
)
INSERT INTO {ROWS} (id, tenant_id, seq, at, actor_id, action, object_type, object_id, detail, hash, key_id)
SELECT id, tenant_id, seq, at, actor_id, action, object_type, object_id, detail, hash, key_id
FROM jsonb_to_recordset(%s::jsonb) AS x(
    id uuid, tenant_id uuid, seq bigint, at timestamptz, actor_id uuid, action text, object_type text, object_id text,
    detail jsonb, hash text, key_id text
)
"""


Entries = Mapping[UUID, Sequence[AuditEntry]]


async def lock_heads(connection: AsyncConnection[Any], tenant_ids: Iterable[UUID]) -> AsyncCursor[Any]:
    """Lock the tenants' heads in sorted order, so that two writers can't wait for each other; return what was found."""
    return await connection.execute(LOCK_HEADS, [sorted(tenant_ids)])


async def append_locked(connection: AsyncConnection[Any], locked: AsyncCursor[Any], entries: Entries) -> None:
    """Add entries of many tenants, as the last statement of the caller's transaction in the system role.

    `locked` is what `lock_heads` of these tenants, and perhaps more, has returned in it.
    """
    tenants = sorted(entries)
    if not tenants:
        return
    heads = await _found(locked)
    if not heads.keys() >= entries.keys():
        await connection.execute(MAKE_HEADS, [tenants])
        heads = await _found(await lock_heads(connection, tenants))
    now = utc_now()
    rows: list[JsonObject] = []
    moved: list[JsonObject] = []
    for tenant_id in tenants:
        linked = chain(*heads[tenant_id], entries[tenant_id], tenant_id=tenant_id, now=now)
        rows.extend(linked)
        moved.append(
            {
                "tenant_id": tenant_id,
                "seq": linked[-1]["seq"],
                "hash": linked[-1]["hash"],
                "seal": sealed_head(tenant_id, linked[-1]),
            }
        )
    await connection.execute(LINK_ROWS, [json_text(moved), json_text(rows)])


async def _found(locked: AsyncCursor[Any]) -> dict[UUID, tuple[int, str]]:
    return {tenant_id: (seq, link) for tenant_id, seq, link in await locked.fetchall()}
