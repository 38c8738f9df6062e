"""What a tool says that a call would do, before anybody consents: read-only, timed, with the requester's rights."""

from __future__ import annotations

import inspect
from collections.abc import Awaitable, Callable
from typing import Final, TypeAlias

from agentos.core.credentials import Credentials
from agentos.core.errors import ConfigError, ToolFailed
from agentos.core.types import Json, JsonObject
from agents.engine.calling import guarded
from agents.engine.run_info import RunInfo
from agents.engine.scrubbing import without
from agents.engine.tools import RunContext, StateChange, Tool

Connector: TypeAlias = Callable[[RunInfo, str], Awaitable[Credentials]]
PREVIEW_SECONDS: Final = 3.0  # a person waits for the page


class LookedAt:
    """Implements `tools.SessionState` for a preview: the state as it is, and no way to change it."""

    def __init__(self, state: JsonObject) -> None:
        self._state = state

    async def read(self) -> JsonObject:
        return self._state

    async def update(self, change: StateChange) -> JsonObject:
        raise ToolFailed("A preview changes nothing.", code="preview_only")


async def preview(
    tool: Tool, info: RunInfo, connect: Connector, *, arguments: JsonObject, state: JsonObject
) -> tuple[Json, str]:
    """Return what the tool's preview says of a call, or the text of why there is none; one of the two is empty.

    It gets the run's context without an idempotency key: there is nothing it could do once.
    """
    if tool.preview is None:
        raise ConfigError(f"The tool {tool.name} has no preview.")
    try:
        values = dict(tool.validate(arguments))
    except ToolFailed as failed:
        return None, failed.detail
    context = RunContext(
        info.run_id,
        info.tenant_id,
        info.user_id,
        info.session_id,
        "",
        "",
        LookedAt(state),
        tool.connections,
        lambda kind: connect(info, kind),
    )
    call = tool.preview(**{name: values.get(name, context) for name in inspect.signature(tool.preview).parameters})
    _, result, error = await guarded(f"The preview of {tool.name}", call, timeout_seconds=PREVIEW_SECONDS)
    return without(result, context.secrets), without(error, context.secrets)
