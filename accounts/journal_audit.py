"""The audit trail from the journal's side: the same chain as `accounts.audit`, for many tenants in one flush."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from psycopg import AsyncConnection

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


async def append_async(connection: AsyncConnection[Any], entries: Mapping[UUID, Sequence[AuditEntry]]) -> None:
    """Add entries of many tenants, as the last statements of the caller's transaction in the system role.

    Locks the tenants' heads in sorted order, so that two writers can't wait for each other.
    """
    tenants = sorted(entries)
    if not tenants:
        return
    cursor = await connection.execute(LOCK_HEADS, [tenants])
    heads = {tenant_id: (seq, link) for tenant_id, seq, link in await cursor.fetchall()}
    if len(heads) < len(tenants):
        await connection.execute(MAKE_HEADS, [tenants])
        cursor = await connection.execute(LOCK_HEADS, [tenants])
        heads = {tenant_id: (seq, link) for tenant_id, seq, link in await cursor.fetchall()}
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
