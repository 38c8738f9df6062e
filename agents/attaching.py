"""The road of a reader to a run that is there already, from every edge: may she, is there room, is anything left."""

from __future__ import annotations

from uuid import UUID

from django.conf import settings

from accounts.principals import Principal
from accounts.seam import in_thread
from agentos.core.errors import Unavailable
from agents import selectors
from agents.services import queue
from agents.services.follow import Follower
from agents.services.runtime import Runtime


async def attach(
    here: Runtime, reader: Principal, run_id: UUID, *, after: int, ends_at_pause: bool = False
) -> Follower | None:
    """Return a follower of the events after `after`, or None when the run has ended and nothing is left.

    Raises: NotFound, PolicyDenied, Unavailable when this process has all the streams it can hold.
    """
    status = await in_thread(selectors.find_run, principal=reader, run_id=run_id)
    admit_stream(here)
    if status.is_final and not await queue.read_log(here.pool, tenant_id=reader.tenant_id, run_id=run_id, after=after):
        return None
    return Follower(
        here.pool, here.hub, tenant_id=reader.tenant_id, run_id=run_id, after=after, ends_at_pause=ends_at_pause
    )


def admit_stream(here: Runtime) -> None:
    """Raises: Unavailable when this process has all the streams it can hold."""
    if here.hub.streams >= settings.MAX_STREAMS:
        raise Unavailable("This process has all the streams it can hold.", retry_after_seconds=2, code="process_full")
