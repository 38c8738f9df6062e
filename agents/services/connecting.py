"""Hands a tool the credentials of the user that its run acts for, with her rights as they stand now."""

from __future__ import annotations

from accounts.acting import acting
from accounts.seam import in_thread
from accounts.services import connections
from agentos.core.credentials import Credentials
from agentos.core.errors import ConfigError, Invalid, NotFound, ToolFailed
from agents.engine.run_info import RunInfo


async def connect(run: RunInfo, kind: str) -> Credentials:
    """Return the narrowest credentials of a kind. Raises: ToolFailed, which the model reads."""
    principal = await acting(tenant_id=run.tenant_id, user_id=run.user_id, limits=run.limits, account_id=run.account_id)
    if principal is None:
        raise ToolFailed("The user may not do this any more.", code="rights_lost")
    try:
        return await in_thread(connections.resolve, principal, kind)
    except NotFound:
        raise ToolFailed(
            f"There is no connection {kind}: the user has to add one.", code="connection_missing"
        ) from None
    except (ConfigError, Invalid):
        raise ToolFailed(f"The connection {kind} can't be used as it is set up.", code="connection_broken") from None
