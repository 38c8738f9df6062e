"""Appends to the event log of a run that nobody holds, under the run's lock and with its fence raised."""

from __future__ import annotations

from django.db import connections
from django.db.models import Max

from agentos.core.clock import utc_now
from agentos.core.errors import NotFound
from agentos.core.types import JsonObject, json_bytes
from agents.models import Run, RunEvents
from agents.registry import registry
from agents.services.lines import encode
from agents.services.notifications import EVENTS


def last_seq(run: Run) -> int:
    """Return the seq of a run's newest event; it stays so while the caller holds the run's row lock."""
    return RunEvents.objects.using(run._state.db).filter(run=run).aggregate(last=Max("last_seq"))["last"] or 0


def append_event(run: Run, event: str, payload: JsonObject) -> None:
    last = last_seq(run)
    keys = {
        "agent_id": run.component_id,
        "agent_name": _label(run),
        "run_id": str(run.root_id),
        "session_id": run.session.session_id,
    }
    line = encode(event, payload, json_bytes(keys)[1:-1], utc_now())
    RunEvents.objects.using(run._state.db).create(
        tenant_id=run.tenant_id,
        user_id=run.user_id,
        run=run,
        first_seq=last + 1,
        last_seq=last + 1,
        lines=line.decode(),
    )
    notify(EVENTS, f"- {run.root_id}", using=run._state.db)


def _label(run: Run) -> str:
    """Return the name that the run's other events say; the id of what is no longer installed."""
    try:
        return registry.get(run.component_kind, run.component_id).label
    except NotFound:
        return run.component_id


def notify(channel: str, payload: str, *, using: str | None = None) -> None:
    """Tell every process, once the transaction of that connection commits."""
    with connections[using or "default"].cursor() as cursor:
        cursor.execute("SELECT pg_notify(%s, %s)", [channel, payload])
