"""Runs that a run starts: each is checked against the limits of its tree, under its parent's lock, as it is stored."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final, TypeAlias
from uuid import UUID

from psycopg import AsyncConnection

from agentos.core.errors import Conflict, LimitExceeded
from agentos.core.types import JsonObject
from agents.engine.limits import Limits, check_child
from agents.engine.status import RunStatus
from agents.models import Run
from agents.services import authority
from agents.services.sql import table

Refusal: TypeAlias = Conflict | LimitExceeded


@dataclass(frozen=True, slots=True)
class Parent:
    """The run that starts another, and the limits that hold for its tree."""

    run_id: UUID
    tenant_id: UUID
    limits: Limits


@dataclass(frozen=True, slots=True)
class Family:
    """What a new child has of its parent: root and user, and its authority's bound as the parent keeps it."""

    root_id: UUID
    user_id: UUID
    acting: JsonObject


# In the order in which flushes lock: two starts of one parent's children are counted one after the other.
LOCK: Final = f"""
SELECT id FROM {table(Run)} WHERE id = ANY(%s) AND status = '{RunStatus.RUNNING.value}' ORDER BY id FOR NO KEY UPDATE
"""
FAMILY: Final = f"""
WITH RECURSIVE up AS (
    SELECT id AS run, id, tenant_id, parent_id, 0 AS depth FROM {table(Run)} WHERE id = ANY(%s)
    UNION ALL
    SELECT up.run, r.id, r.tenant_id, r.parent_id, up.depth + 1
    FROM up JOIN {table(Run)} r ON r.tenant_id = up.tenant_id AND r.id = up.parent_id
)
SELECT p.id, p.tenant_id, p.root_id, p.user_id, p.spec, (SELECT max(depth) FROM up WHERE up.run = p.id),
    (SELECT count(*) FROM {table(Run)} c WHERE c.tenant_id = p.tenant_id AND c.parent_id = p.id)
FROM {table(Run)} p WHERE p.id = ANY(%s)
"""


async def families(
    connection: AsyncConnection[Any], parents: Sequence[Parent]
) -> list[Family | Conflict | LimitExceeded]:
    """Return the family of each new child, or what refuses it. The parents stay locked until the commit."""
    locked = await connection.execute(LOCK, [sorted({parent.run_id for parent in parents})])
    ids = [run_id for (run_id,) in await locked.fetchall()]
    found = await connection.execute(FAMILY, [ids, ids])
    known = {(run_id, tenant_id): rest for run_id, tenant_id, *rest in await found.fetchall()}
    started: Counter[UUID] = Counter()
    answers: list[Family | Refusal] = []
    for parent in parents:
        family = known.get((parent.run_id, parent.tenant_id))
        if family is None:
            answers.append(Conflict("The run that would start this one is not at work.", code="parent_not_running"))
            continue
        root_id, user_id, spec, depth, children = family
        try:
            check_child(parent.limits, depth=depth + 1, children=children + started[parent.run_id])
        except LimitExceeded as refusal:
            answers.append(refusal)
        else:
            started[parent.run_id] += 1
            answers.append(Family(root_id, user_id, authority.of_child(spec, {})))
    return answers
