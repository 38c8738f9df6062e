"""Which addresses lie on the public Internet: the only ones that a tenant may have this server connect to.

A host is judged as the client that connects reads it: letters that stand for others are folded first, so that no
address hides behind another way to write it.
"""

from __future__ import annotations

import re
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address
from typing import Any, Final
from urllib.parse import urlsplit

import yarl

LONGEST: Final = 2_000
LONGEST_NAME: Final = 253
_LABEL: Final = r"(?!-)[a-z0-9_-]{1,63}(?<!-)"  # with underscores, which names inside a network have
_NAME: Final = re.compile(rf"{_LABEL}(?:\.{_LABEL})*\.?", re.IGNORECASE)
_NAT64: Final = IPv6Network("64:ff9b::/96")
# Some Pythons take these for public: what a cloud tells its machines, and what is set apart for protocols and examples.
_SET_APART: Final = (
    IPv4Network("168.63.129.16/32"),
    IPv4Network("192.0.0.0/24"),
    IPv4Network("192.88.99.0/24"),
    IPv6Network("3fff::/20"),
    IPv6Network("5f00::/16"),
    IPv6Network("64:ff9b:1::/48"),
)
_NAMES_INSIDE: Final = ("localhost", "local", "internal", "intranet", "lan", "home.arpa")


class BadAddress(Exception):
    """An address that may not be named. `detail` does not repeat it; `code` is bad_url or private_host."""

    def __init__(self, detail: str, code: str = "bad_url") -> None:
        super().__init__(detail)
        self.detail, self.code = detail, code


def host_of(url: str, *, private: bool, longest: int = LONGEST, query: bool = True) -> str:
    """Return the host of an address that a tenant may name, as it is connected to.

    `private` lets hosts inside the network and plain http through. Raises: BadAddress.
    """
    try:
        parts, port, host = urlsplit(url), urlsplit(url).port, yarl.URL(url).raw_host or ""
    except ValueError:
        raise BadAddress("This is not a URL.") from None
    if len(url) > longest or port == 0 or not url.isprintable() or " " in url or not parts.hostname:
        raise BadAddress("This is not a URL.")
    if not _is_host(host, in_brackets="[" in parts.netloc):
        raise BadAddress("This is not a host.")
    if parts.username is not None or parts.password is not None or parts.fragment or "@" in parts.netloc:
        raise BadAddress("The URL may hold no user, password or fragment.")
    if parts.query and not query:
        raise BadAddress("The URL may hold no query.")
    if parts.scheme not in (("https", "http") if private else ("https",)):
        raise BadAddress("The URL must begin with https.")
    if not private and not is_public_host(host):
        raise BadAddress("The host must be a public one.", "private_host")
    return host


def host_of_server(server: str, *, private: bool) -> str:
    """Return the host of a `host` or `host:port` that a tenant may name, as `host_of` does. Raises: BadAddress."""
    if not set(server).isdisjoint("/?#@"):
        raise BadAddress("This is not a host.")
    return host_of(f"https://{server}", private=private)


def is_public_host(host: str) -> bool:
    """Judge what can be judged of a host without a look-up: an address by itself, a name by how it ends."""
    name = host.rstrip(".").lower()
    last = name.rpartition(".")[2]
    if ":" in name or last.isdigit() or last.startswith("0x"):
        return name == host.lower() and is_public(name)
    return "." in name and not any(name == inside or name.endswith(f".{inside}") for inside in _NAMES_INSIDE)


def is_public(address: str) -> bool:
    """Say whether an IP address is one of the public Internet, also behind the forms that embed an IPv4 address."""
    try:
        found = ip_address(address.partition("%")[0])
    except ValueError:
        return False
    if isinstance(found, IPv6Address) and (inner := _embedded(found)) is not None:
        return _is_open(inner)
    return _is_open(found)


def _is_host(host: str, *, in_brackets: bool) -> bool:
    """Say whether this is an IPv6 address without a zone, where it stands in brackets, or else a name or IPv4."""
    if not in_brackets:
        return len(host.rstrip(".")) <= LONGEST_NAME and _NAME.fullmatch(host) is not None
    try:
        return IPv6Address(host).scope_id is None
    except ValueError:
        return False


def _embedded(address: IPv6Address) -> IPv4Address | None:
    if address in _NAT64:
        return IPv4Address(int(address) & 0xFFFFFFFF)
    return address.ipv4_mapped or address.sixtofour or (address.teredo[1] if address.teredo else None)


def _is_open(address: Any) -> bool:
    if any(address in network for network in _SET_APART if network.version == address.version):
        return False
    is_site_local = isinstance(address, IPv6Address) and address.is_site_local
    return bool(address.is_global and not (address.is_multicast or address.is_reserved or is_site_local))
