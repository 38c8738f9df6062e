"""A process that works on runs and serves nobody: what a web process does besides HTTP."""

from __future__ import annotations

import asyncio
import logging
import signal

from django.core.checks import Tags

from accounts.checks import refuse
from accounts.seam import in_thread
from agentos.core.errors import Unavailable
from agentos.serving import memory, turns
from agents import wiring
from agents.checks import COMPONENTS
from governance.guards.output import judge_once

logger = logging.getLogger(__name__)

LOOK_SECONDS = 1.0


async def work() -> None:
    """Claim and work on runs until SIGTERM or SIGINT, then hand on what is under way.

    Raises: ConfigError when a check forbids the start; Unavailable when its leases can't be renewed or its journal has
    failed: whoever started it starts it anew.
    """
    told_to_end = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, told_to_end.set)
    await in_thread(refuse, Tags.security, Tags.database, COMPONENTS)
    judge_once()  # a second, before the first run is taken
    here = await wiring.open_runtime()
    memory.settle()
    turns.shorten()
    logger.info("working on runs as %s", here.supervisor.name)
    try:
        while not told_to_end.is_set():
            if here.writer.has_failed:
                raise Unavailable("The journal of this process has failed.", code="journal_failed")
            try:
                await asyncio.wait_for(told_to_end.wait(), LOOK_SECONDS)
            except TimeoutError:
                continue
    finally:
        logger.info("handing on what is under way")
        await wiring.close_runtime()
