"""The road of a retry that finds no room: its first request has done it, and reading that takes no place of a run.

Asked only once admission has refused, so a start that finds room is looked up by its own statement alone.
"""

from __future__ import annotations

from typing import Final
from uuid import UUID

from accounts.principals import Principal
from accounts.seam import in_thread
from agentos.core.errors import Unavailable
from agents import attaching, selectors
from agents.services import idempotency
from agents.services.follow import Follower
from agents.services.idempotency import First, Key
from agents.services.runs import Started
from agents.services.runtime import Runtime

NO_ROOM: Final = frozenset({"tenant_full", "process_full", "halted", "database_unavailable"})  # not: draining


async def first_of(
    principal: Principal, key: Key | None, refusal: Unavailable, *, component_id: str = ""
) -> tuple[First, str]:
    """Return what the key's first request did, and the session of its run.

    Raises: the refusal when there was none; Invalid for other content; NotFound, PolicyDenied when the run, of that
    component if one is named, is not there for her any more.
    """
    if key is None or refusal.code not in NO_ROOM:
        raise refusal
    first = await in_thread(idempotency.first_of, key, principal=principal)
    if first is None:
        raise refusal
    detail = await in_thread(selectors.run_detail, principal=principal, run_id=first.run_id, component_id=component_id)
    return first, detail["session_id"]


async def started(
    here: Runtime, principal: Principal, key: Key | None, refusal: Unavailable, *, follow: bool, stream: bool
) -> Started:
    """Return the run that the key's first request started, to be followed as `runs.start` says. Raises: as above."""
    first, session_id = await first_of(principal, key, refusal)
    follower = await reader(here, principal, first.run_id, after=first.after_seq, stream=stream) if follow else None
    return Started(first.run_id, session_id, False, follower)


async def reader(here: Runtime, principal: Principal, run_id: UUID, *, after: int, stream: bool) -> Follower | None:
    """Follow a run that the reader may see; None where an answer in one piece finds no place to wait in.

    Raises: RateLimited, Unavailable when there is no room for one more stream.
    """
    try:
        return await attaching.follower(here, principal, run_id, after=after, ends_at_pause=True)
    except Unavailable:
        if stream:
            raise
        return None
