"""The audit trail from the journal's side: the same chain as `accounts.audit`, for many tenants in one flush."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any
from uuid import UUID

from psycopg import AsyncConnection, AsyncCursor

from accounts.audit import LINK_ROWS, AuditEntry, after_a_moved_head, chain, is_ours, moved_head
from accounts.models import AuditHead, AuditRow
from agentos.core.clock import utc_now
from agentos.core.types import JsonObject, json_text

HEADS = AuditHead._meta.db_table

MAKE_HEADS = f"""
INSERT INTO {HEADS} (tenant_id, seq, hash) SELECT unnest(%s::uuid[]), 0, '' ON CONFLICT (tenant_id) DO NOTHING
"""
LOCK_HEADS = f"""
SELECT tenant_id, seq, hash, seal FROM {HEADS} WHERE tenant_id = ANY(%s) ORDER BY tenant_id FOR NO KEY UPDATE
"""
LAST_KEY = f"SELECT key_id FROM {AuditRow._meta.db_table} WHERE tenant_id = %s AND seq = %s"
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
        seq, previous, sealed = heads[tenant_id]
        if not is_ours(tenant_id, seq, previous, sealed):
            last = await (await connection.execute(LAST_KEY, [tenant_id, seq])).fetchone()
            previous = after_a_moved_head(previous, last[0] if last else None)
        linked = chain(seq, previous, entries[tenant_id], tenant_id=tenant_id, now=now)
        rows.extend(linked)
        moved.append(moved_head(tenant_id, linked[-1]))
    await connection.execute(LINK_ROWS, [json_text(moved), json_text(rows)])


async def _found(locked: AsyncCursor[Any]) -> dict[UUID, tuple[int, str, str]]:
    return {tenant_id: (seq, link, sealed) for tenant_id, seq, link, sealed in await locked.fetchall()}
