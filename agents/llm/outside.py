"""Connections to servers that a tenant names: public ones only, whatever a name resolves to and whenever.

A name is looked up when a connection is made, and every address has to be public then: what a name says later, or to
somebody else, does not count. Each socket is judged once more as it opens, which no literal address goes round.
"""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING, Any, Final

import aiohttp
import httpx2
from aiohttp.abc import AbstractResolver, ResolveResult
from aiohttp.resolver import ThreadedResolver

from agentos.core.addresses import is_public

if TYPE_CHECKING:
    from openai._vendor.httpx_aiohttp import AiohttpTransport

NOT_PUBLIC: Final = "This name has an address that is not public."


def connector(**options: Any) -> aiohttp.TCPConnector:
    """Return a connector that opens no socket to what is not public."""
    return aiohttp.TCPConnector(resolver=PublicResolver(), socket_factory=_public_socket, **options)


def transport(limits: httpx2.Limits) -> AiohttpTransport:
    """Return a transport that connects to public addresses only, by no proxy of the environment."""
    from openai._vendor.httpx_aiohttp import AiohttpTransport

    def session() -> aiohttp.ClientSession:
        made = connector(limit=limits.max_connections or 0, keepalive_timeout=limits.keepalive_expiry)
        return aiohttp.ClientSession(connector=made)

    return AiohttpTransport(trust_env=False, limits=limits, client=session)


class PublicResolver(AbstractResolver):
    """Resolves names, and refuses one that has any address which is not public."""

    def __init__(self) -> None:
        self._system = ThreadedResolver()

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        found = await self._system.resolve(host, port, family)
        if not all(is_public(result["host"]) for result in found):
            raise OSError(NOT_PUBLIC)
        return found

    async def close(self) -> None:
        await self._system.close()


def _public_socket(address: tuple[Any, ...]) -> socket.socket:
    """Open a socket for one address as aiohttp is about to connect to it. Raises: OSError."""
    family, kind, protocol, _, place = address
    if not is_public(str(place[0])):
        raise OSError(NOT_PUBLIC)
    return socket.socket(family, kind, protocol)
