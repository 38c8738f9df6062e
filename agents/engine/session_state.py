"""The state of a session in the hands of one tool call: each change is applied to what stands now, and once.

A change commits with the step that made it, if the state is still what the change was made from; else it is made anew.
A call that is made again after a crash passes over the changes that its step has recorded.
"""

from __future__ import annotations

import asyncio
from contextlib import suppress
from dataclasses import replace
from typing import Final

from agentos.core.errors import ConfigError, LeaseLost, ToolFailed
from agentos.core.types import Json, JsonObject, clean_json, json_object, json_text
from agents.engine.ports import JournalPort, SeenState
from agents.engine.steps import STATE_CHANGES, StepRecord, Write, WriteRefused
from agents.engine.tools import UNTRUSTED, StateChange, Tool

MAX_STATE_CHARS: Final = 100_000
TRIES: Final = 50  # whoever loses, another call has won: that many may change one session at the same moment


class CallState:
    """Implements `tools.SessionState` for one call."""

    def __init__(self, journal: JournalPort, tool: Tool, step: StepRecord) -> None:
        self._journal, self._tool, self._step = journal, tool, step
        self._asked = 0
        self._one_at_a_time = asyncio.Lock()

    async def read(self) -> JsonObject:
        return json_object((await self._seen()).text) or {}

    async def update(self, change: StateChange) -> JsonObject:
        if self._tool.effect == "none":
            raise ConfigError(f"The tool {self._tool.name} declares no effect, so it may not change its session.")
        async with self._one_at_a_time:
            self._asked += 1
            if self._asked <= self._step.request.get(STATE_CHANGES, 0):
                return await self.read()
            return await self._applied(change)

    async def _seen(self) -> SeenState:
        """Read the state; what strangers may have written there taints whoever is told of it."""
        seen = await self._journal.session_state()
        if seen.is_tainted:
            self._step.request["reads"] = UNTRUSTED
        return seen

    async def _applied(self, change: StateChange) -> JsonObject:
        for _ in range(TRIES):
            seen = (await self._seen()).text
            state = _checked(change(json_object(seen) or {}) if callable(change) else merged(json_object(seen), change))
            with suppress(WriteRefused):
                await self._commit(seen, state)
                return state
        raise ToolFailed("The state of this session is changed by too many at once: try again.", code="state_busy")

    async def _commit(self, seen: str, state: JsonObject) -> None:
        """Store the new state with the step, and learn how that went even when the call is given up meanwhile."""
        after = replace(self._step, request={**self._step.request, STATE_CHANGES: self._asked})
        statement = self._journal.replace_state(seen, state)
        storing = asyncio.ensure_future(self._journal.commit(Write(steps=[after], statements=[statement])))
        try:
            await asyncio.shield(storing)
        except asyncio.CancelledError:
            with suppress(WriteRefused, LeaseLost):
                await storing
            raise
        finally:
            if storing.done() and not storing.cancelled() and storing.exception() is None:
                self._step.request = after.request


def merged(target: Json, patch: Json) -> Json:
    """Return the target with a JSON merge patch applied (RFC 7396): null takes a member away."""
    if not isinstance(patch, dict):
        return patch
    result = dict(target) if isinstance(target, dict) else {}
    for name, value in patch.items():
        if value is None:
            result.pop(name, None)
        else:
            result[name] = merged(result.get(name), value)
    return result


def _checked(state: Json) -> JsonObject:
    clean = clean_json(state)
    if not isinstance(clean, dict):
        raise ConfigError("The state of a session is a JSON object: a change returns the whole of it.")
    if len(json_text(clean)) > MAX_STATE_CHARS:
        raise ToolFailed(f"The state of a session holds at most {MAX_STATE_CHARS} characters.", code="state_too_large")
    return clean
