"""Pages of one's own sessions, the list that clients ask for most: read in one trip, which begins the scope, too."""

from __future__ import annotations

from math import ceil
from typing import Any, Final
from uuid import UUID

import orjson
from django.db import connection
from django.db.backends.utils import CursorWrapper

from accounts.principals import Principal
from accounts.tenancy import tenant_scope
from accounts.trips import planned_once
from agentos.core.types import JsonObject
from agents.models import Session
from agents.services.sql import columns, table

_FIELDS: Final = (
    "session_id", "name", "state", "component_kind", "component_id", "created_at", "updated_at",
)  # fmt: skip
# As the index `session_newest` begins.
_OWN: Final = f"FROM {table(Session)} WHERE tenant_id = %s AND user_id = %s AND expires_at IS NULL"
_OF_COMPONENT: Final = " AND component_id = %s"


class _Asked:
    """The newest lasting sessions of somebody, and how many there are, asked without waiting."""

    def __init__(self, principal: Principal, *, skipped: int, limit: int, component_id: str) -> None:
        self._own = _OWN + _OF_COMPONENT * bool(component_id)
        self._whose: list[UUID | str] = [principal.tenant_id, principal.user_id, *filter(None, [component_id])]
        self._part = f"ORDER BY updated_at DESC, id DESC LIMIT {limit:d} OFFSET {skipped:d}"
        self._sent: list[CursorWrapper] = []

    def send(self) -> None:
        with planned_once():
            self._sent = [page := connection.cursor(), total := connection.cursor()]
            page.execute(f"SELECT {columns(Session, _FIELDS)} {self._own} {self._part}", self._whose)
            total.execute(f"SELECT count(*) {self._own}", self._whose)

    def found(self) -> tuple[list[tuple[Any, ...]], int]:
        page, total = self._sent
        with page, total:
            return page.fetchall(), total.fetchone()[0]


def session_page(*, principal: Principal, page: int, limit: int, component_id: str = "") -> JsonObject:
    """Return a page of the principal's lasting sessions, newest first, in the list shape of the API."""
    asked = _Asked(principal, skipped=(page - 1) * limit, limit=limit, component_id=component_id)
    with tenant_scope(principal.tenant_id, principal.user_id, along=asked.send):
        rows, total = asked.found()
    return {
        "data": [_shown(*row) for row in rows],
        "meta": {
            "page": page,
            "limit": limit,
            "total_pages": ceil(total / limit),
            "total_count": total,
            "search_time_ms": 0,
        },
    }


def _shown(
    session_id: str, name: str, state: str, kind: str, component_id: str, created: Any, updated: Any
) -> JsonObject:
    return {
        "session_id": session_id,
        "session_name": name or session_id,
        "session_state": orjson.loads(state),
        "component_kind": kind,
        "component_id": component_id,
        "expires_at": None,  # one that is to end is not listed
        "created_at": created.isoformat(),
        "updated_at": updated.isoformat(),
    }
