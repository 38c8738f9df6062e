"""`manage.py runserver`: daphne, started anew whenever code changes, with the runtime that it knows nothing of."""

from __future__ import annotations

import asyncio
from typing import Any

from daphne.management.commands import runserver  # type: ignore[import-untyped]

from agentos.lean import Receive, Scope, Send


class Running:
    """The application of a server that tells nothing of its life: the first who asks opens the runtime.

    Nothing closes it. Whoever ends this server leaves its runs to the next, as a killed process does.
    """

    def __init__(self, application: Any) -> None:
        self._application = application
        self._opening: asyncio.Task[Any] | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        from agents import wiring

        if self._opening is None:
            self._opening = asyncio.create_task(wiring.open_runtime())
        await asyncio.shield(self._opening)
        await self._application(scope, receive, send)


class Command(runserver.Command):  # type: ignore[misc]
    help = "Serve beside a running `serve` while you change code. It isn't for production."

    def get_application(self, options: dict[str, Any]) -> Running:
        return Running(super().get_application(options))
