"""Posts JSON to an address that a tenant named: to the public Internet only, over https, with an end to all of it.

A name is resolved once for a connection, every address it has must be public, and that is what is connected to: what
the name says a moment later does not count. Redirects are not followed, no proxy or cookie of ours is used.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Final

from django.conf import settings

from agentos.core.addresses import BadAddress, host_of
from agentos.core.errors import Invalid
from governance.channels.failures import NotDelivered

SECONDS: Final = 10.0
CONNECT_SECONDS: Final = 5.0
GONE: Final = 410


def check_url(url: str) -> str:
    """Return the host of an address that a tenant may name. Raises: Invalid, which does not repeat it."""
    try:
        return host_of(url, private=settings.PRIVATE_ENDPOINTS)
    except BadAddress as error:
        raise Invalid(error.detail, code=error.code) from None


def post(url: str, body: bytes, headers: Mapping[str, str]) -> None:
    """Post, and look at the status that is answered, at nothing else. Raises: NotDelivered."""
    import aiohttp  # here: it takes a sixth of each process' start, and few post

    try:
        check_url(url)  # what was allowed when it was stored may not be any more
        status = asyncio.run(_status(url, body, headers))
    except Invalid as error:
        raise NotDelivered(error.code, is_final=True) from None
    except TimeoutError:
        raise NotDelivered("timeout") from None
    except (aiohttp.ClientError, OSError, ValueError) as error:
        raise NotDelivered(type(error).__name__) from None
    if not 200 <= status < 300:
        raise NotDelivered(f"HTTP {status}", is_gone=status == GONE)


async def _status(url: str, body: bytes, headers: Mapping[str, str]) -> int:
    import aiohttp

    from agents.llm import outside

    connect = aiohttp.TCPConnector if settings.PRIVATE_ENDPOINTS else outside.connector
    timeout = aiohttp.ClientTimeout(total=SECONDS, connect=CONNECT_SECONDS)
    sent = {"Content-Type": "application/json", "User-Agent": "AgentOS", **headers}
    async with (
        aiohttp.ClientSession(
            connector=connect(force_close=True), timeout=timeout, trust_env=False, cookie_jar=aiohttp.DummyCookieJar()
        ) as session,
        session.post(url, data=body, headers=sent, allow_redirects=False) as answer,
    ):
        return answer.status
