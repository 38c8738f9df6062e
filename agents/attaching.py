"""The road of a reader to a run that is there already, from every edge: may she, is there room, is anything left."""

from __future__ import annotations

from uuid import UUID

from accounts.principals import Principal
from accounts.seam import in_thread
from agents import selectors
from agents.services import log
from agents.services.follow import Follower
from agents.services.runtime import Runtime


async def attach(
    here: Runtime, reader: Principal, run_id: UUID, *, after: int, ends_at_pause: bool = False
) -> Follower | None:
    """Return a follower of the events after `after`, or None when the run has ended and nothing is left.

    Raises: NotFound, PolicyDenied; RateLimited, Unavailable when there is no room for one more stream.
    """
    status = await in_thread(selectors.find_run, principal=reader, run_id=run_id)
    if status.is_final and not await log.page(here.pool, tenant_id=reader.tenant_id, run_id=run_id, after=after):
        return None
    return await follower(here, reader, run_id, after=after, ends_at_pause=ends_at_pause)


async def follower(here: Runtime, reader: Principal, run_id: UUID, *, after: int, ends_at_pause: bool) -> Follower:
    """Return a reader's stream of a run that she may see, masked where she is not shown what is said in it."""
    return Follower(
        here.pool,
        here.hub,
        tenant_id=reader.tenant_id,
        run_id=run_id,
        after=after,
        ends_at_pause=ends_at_pause,
        is_masked=await in_thread(selectors.hides_words, principal=reader, run_id=run_id),
    )
