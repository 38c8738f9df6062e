"""Model servers that a tenant names: only public ones over https, whatever the name resolves to and whenever.

A name is looked up when a connection is made, and every address has to be public then: what a name says later, or to
somebody else, does not count.
"""

from __future__ import annotations

import socket
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import aiohttp
import httpx2
from aiohttp.abc import AbstractResolver, ResolveResult
from aiohttp.resolver import ThreadedResolver

from agentos.core.errors import ConfigError

if TYPE_CHECKING:
    from openai._vendor.httpx_aiohttp import AiohttpTransport

_NAT64 = IPv6Network("64:ff9b::/96")
_LONGEST_URL = 1_000


def check_url(url: str, *, private: bool) -> None:
    """Raise ConfigError, without repeating the URL, for one that a tenant may not name; `private` lets most through."""
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        raise ConfigError("The address of the model server is not a URL.") from None
    if len(url) > _LONGEST_URL or not parts.hostname or port == 0 or not url.isprintable() or " " in url:
        raise ConfigError("The address of the model server is not a URL.")
    if parts.username or parts.password or parts.query or parts.fragment:
        raise ConfigError("The address of the model server may hold no user, password, query or fragment.")
    if parts.scheme not in (("https", "http") if private else ("https",)):
        raise ConfigError("The model server must be reached over https.")
    if not private and not is_public_host(parts.hostname):
        raise ConfigError("The model server must be a public one.")


def is_public(address: str) -> bool:
    """Say whether an IP address is one of the public Internet, also behind the forms that embed an IPv4 address."""
    try:
        found = ip_address(address.partition("%")[0])
    except ValueError:
        return False
    if isinstance(found, IPv6Address) and (inner := _embedded(found)) is not None:
        return _is_open(inner)
    return _is_open(found)


def transport(limits: httpx2.Limits) -> AiohttpTransport:
    """Return a transport that connects to public addresses only, by no proxy of the environment."""
    from openai._vendor.httpx_aiohttp import AiohttpTransport

    def session() -> aiohttp.ClientSession:
        connector = aiohttp.TCPConnector(
            resolver=PublicResolver(),
            limit=limits.max_connections or 0,
            keepalive_timeout=limits.keepalive_expiry,
        )
        return aiohttp.ClientSession(connector=connector)

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
            raise OSError("This name has an address that is not public.")
        return found

    async def close(self) -> None:
        await self._system.close()


def is_public_host(host: str) -> bool:
    """Judge what can be judged without a look-up; aiohttp connects to a literal address without asking a resolver."""
    if host.rstrip(".").rpartition(".")[2].isdigit() or ":" in host or host.lower().startswith("0x"):
        return is_public(host)
    return "." in host.rstrip(".")


def _embedded(address: IPv6Address) -> IPv4Address | None:
    if address in _NAT64:
        return IPv4Address(int(address) & 0xFFFFFFFF)
    return address.ipv4_mapped or address.sixtofour or (address.teredo[1] if address.teredo else None)


def _is_open(address: Any) -> bool:
    return bool(address.is_global and not address.is_multicast and not address.is_reserved)
