"""Model servers that a tenant names: https, public, whatever way an address is written and a name resolves."""

from __future__ import annotations

import asyncio
import socket
from typing import Any

import httpx2
import pytest

from agentos.core.addresses import is_public
from agentos.core.errors import ConfigError, ProviderError
from agents.llm import outside
from agents.llm.client import ModelGateway
from agents.llm.named import check_url
from agents.llm.outside import PublicResolver
from tests.agents.llm.asking import KEY, WHOLE, asking
from tests.agents.llm.wire import response, serving


@pytest.mark.parametrize(
    "url",
    [
        "https://api.openai.com/v1",
        "https://models.example:8443/openai/v1",
        "https://8.8.8.8/v1",
        "https://[2606:4700:4700::1111]/v1",
        "https://1.1.1.1.example/v1",
    ],
)
def test_public_servers_are_taken(url: str) -> None:
    check_url(url, private=False)
    check_url(url, private=True)


@pytest.mark.parametrize(
    "url",
    [
        "http://api.openai.com/v1", "ftp://api.openai.com", "file:///etc/passwd", "api.openai.com", "",
        "https://", "https:///v1", "https://localhost/v1", "https://LOCALHOST./v1", "https://intranet/v1",
        "https://127.0.0.1/v1", "https://127.1/v1", "https://2130706433/v1", "https://0x7f000001/v1",
        "https://0x7f.1/v1", "https://0177.0.0.1/v1", "https://0/v1", "https://127.0.0.1./v1",
        "https://10.0.0.1/v1", "https://172.16.0.1/v1", "https://192.168.1.1/v1", "https://169.254.169.254/latest",
        "https://100.64.0.1/v1", "https://224.0.0.1/v1", "https://255.255.255.255/v1", "https://0.0.0.0/v1",
        "https://[::1]/v1", "https://[::]/v1", "https://[fe80::1]/v1", "https://[fd00::1]/v1", "https://[ff02::1]/v1",
        "https://[::ffff:127.0.0.1]/v1", "https://[::ffff:169.254.169.254]/v1", "https://[64:ff9b::7f00:1]/v1",
        "https://[2002:7f00:1::]/v1", "https://[2001:0:7f00:1::8080:8080]/v1",
        "https://user:pass@api.openai.com/v1", "https://api.openai.com/v1?x=1", "https://api.openai.com/v1#x",
        "https://api.openai.com:0/v1", "https://api.openai.com:99999/v1", "https://api openai.com/v1",
        "https://127.0\u30020\u30021/v1", "https://168.63.129.16/v1", "https://[fec0::1]/v1", "https://a.internal/v1",
        "https://api.openai.com/v1\n", f"https://{'a' * 1000}.example/v1",
    ],
)  # fmt: skip
def test_others_are_refused_without_being_repeated(url: str) -> None:
    with pytest.raises(ConfigError) as refused:
        check_url(url, private=False)
    assert "127" not in refused.value.detail
    assert "pass@" not in refused.value.detail


def test_inside_the_network_only_where_the_platform_says_so() -> None:
    for url in ("http://127.0.0.1:11434/v1", "https://10.0.0.1/v1", "http://ollama:11434/v1"):
        check_url(url, private=True)
    for url in ("ftp://10.0.0.1", "http://user:pass@10.0.0.1/v1", "http://"):
        with pytest.raises(ConfigError):
            check_url(url, private=True)


@pytest.mark.parametrize("private", [True, False])
@pytest.mark.parametrize(
    "host",
    [
        "127.0.0.1%0a", "127.0.0.1%00", "127.0.0.1%2eexample.com", "exa%6dple.com", "api.example.com%0a", "..",
        "a..b.com", "-a.com", "a-.com", "*.example.com", "a,b.com", "a;b.com", "a'b.com", 'a"b.com', "a<b.com",
        "a|b.com", "[v1.x]", "[fe80::1%25eth0]", "[8.8.8.8]", f"{'x' * 64}.com", f"{'a.' * 127}com",
    ],
)  # fmt: skip
def test_what_is_no_host_is_refused_inside_the_network_too(host: str, private: bool) -> None:
    with pytest.raises(ConfigError):
        check_url(f"https://{host}/v1", private=private)


@pytest.mark.parametrize(
    "host", ["ollama", "vllm_server", "api.example.com.", "b\u00fccher.example", "[::1]", f"{'a.' * 126}c"]
)
def test_whatever_names_a_host_is_taken(host: str) -> None:
    check_url(f"http://{host}:8080/v1", private=True)


@pytest.mark.parametrize(
    "address", ["127.0.0.1", "::1", "10.1.2.3", "fe80::1%eth0", "not an address", "", "::ffff:10.0.0.1"]
)
def test_addresses_that_are_not_public(address: str) -> None:
    assert not is_public(address)


async def refused(url: str) -> None:
    """See that a model server, as a tenant may name it, is not asked."""
    model = ModelGateway(url, KEY, public_only=True)
    try:
        with pytest.raises(ProviderError):
            await model.complete(asking())
    finally:
        await model.close()


async def test_a_name_is_judged_by_what_it_resolves_to_as_the_connection_is_made(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Nothing is sent to a server on this machine, whose name looks like any other's."""
    known = {"public.example": ["8.8.8.8"], "rebound.example": ["127.0.0.1"], "mixed.example": ["8.8.8.8", "10.0.0.1"]}

    def resolved(host: str, port: Any, **hints: Any) -> list[Any]:
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port)) for address in known[host]]

    async def getaddrinfo(host: str, port: Any, **hints: Any) -> list[Any]:
        return resolved(host, port)

    monkeypatch.setattr(asyncio.get_running_loop(), "getaddrinfo", getaddrinfo)
    resolver = PublicResolver()
    assert [found["host"] for found in await resolver.resolve("public.example", 443)] == ["8.8.8.8"]
    for name in ("rebound.example", "mixed.example"):
        with pytest.raises(OSError, match="not public"):
            await resolver.resolve(name, 443)
    async with serving(WHOLE) as wire:
        port = wire.url.partition("//")[2].partition("/")[0].rpartition(":")[2]
        await refused(f"http://rebound.example:{port}/v1")
        assert wire.connections == 0


async def test_no_socket_opens_to_an_address_inside_that_nobody_resolves() -> None:
    async with serving(WHOLE) as wire:
        port = wire.url.partition("//")[2].partition("/")[0].rpartition(":")[2]
        for host in ("127.0.0.1", "127.0\u30020\u30021"):
            await refused(f"http://{host}:{port}/v1")
        assert wire.connections == 0


async def test_redirects_are_not_followed() -> None:
    async with serving(WHOLE) as inside:
        moved = response(status=307, kind="text/plain", headers={"Location": inside.url + "/chat/completions"})
        async with serving(moved) as wire:
            model = ModelGateway(wire.url, KEY)
            try:
                with pytest.raises(ProviderError):
                    await model.complete(asking())
            finally:
                await model.close()
        assert inside.connections == 0


def test_the_transport_has_no_proxy_of_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:1")
    made = outside.transport(httpx2.Limits(max_connections=1))
    assert made.proxy is None
