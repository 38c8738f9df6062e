"""The HTTP pool below the model client: sized so that thousands of streams never queue in it."""

from __future__ import annotations

from ipaddress import ip_address

import httpx2

from agents.llm import outside
from agents.llm.named import split

MAX_CONNECTIONS = 8192
# Shorter than the 60 s and more for which servers keep idle connections, so that none is reused as it closes.
KEEPALIVE_SECONDS = 30.0
_LOCAL_NAMES = frozenset({"localhost", "ip6-localhost"})


def http_client(
    base_url: str, *, connect_seconds: float, idle_seconds: float, public_only: bool = False
) -> httpx2.AsyncClient:
    """Make the client's transport. Its connections open with the first request, on the loop that sends it.

    With `public_only` it connects to no address inside a network, and by no proxy.
    """
    from openai import DefaultAioHttpClient

    limits = httpx2.Limits(
        max_connections=MAX_CONNECTIONS,
        max_keepalive_connections=MAX_CONNECTIONS,
        keepalive_expiry=KEEPALIVE_SECONDS,
    )
    return DefaultAioHttpClient(
        limits=limits,
        timeout=timeouts(connect_seconds, idle_seconds),
        follow_redirects=False,
        trust_env=not (public_only or _is_loopback(base_url)),
        transport=outside.transport(limits) if public_only else None,
    )


def timeouts(connect_seconds: float, idle_seconds: float) -> httpx2.Timeout:
    """Return the limits of one request; `pool` covers name resolution and the wait for a connection too."""
    pool_seconds = 3 * connect_seconds
    return httpx2.Timeout(connect=connect_seconds, read=idle_seconds, write=idle_seconds, pool=pool_seconds)


def _is_loopback(base_url: str) -> bool:
    """Say whether a URL stays on this machine, where no proxy of the environment may carry it away."""
    parts = split(base_url)
    host = (parts.hostname if parts else None) or ""
    try:
        return host in _LOCAL_NAMES or ip_address(host).is_loopback
    except ValueError:
        return False
