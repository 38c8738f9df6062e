"""Where a tenant's endpoints may be: the public Internet, over https, whatever a name resolves to and whenever."""

from __future__ import annotations

import socket
from threading import Event
from typing import Any

import pytest

from agentos.core.errors import Invalid
from governance.channels import posting
from governance.channels.failures import NotDelivered
from tests.governance.receivers import web_server


@pytest.fixture(autouse=True)
def production(settings: Any) -> None:
    settings.PRIVATE_ENDPOINTS = False


@pytest.mark.parametrize(
    ("url", "code"),
    [
        ("http://hooks.example.com/x", "bad_url"),
        ("ftp://hooks.example.com/x", "bad_url"),
        ("file:///etc/passwd", "bad_url"),
        ("https://", "bad_url"),
        ("https://hooks.example.com:0/", "bad_url"),
        ("https://user:secret@hooks.example.com/", "bad_url"),
        ("https://hooks.example.com/a b", "bad_url"),
        ("https://hooks.example.com/\r\nX: y", "bad_url"),
        ("https://[::1", "bad_url"),
        ("https://hooks.example.com/" + "x" * 2_000, "bad_url"),
        ("https://127.0.0.1/", "private_host"),
        ("https://10.1.2.3/", "private_host"),
        ("https://169.254.169.254/latest/meta-data/", "private_host"),
        ("https://[::1]/", "private_host"),
        ("https://[::ffff:127.0.0.1]/", "private_host"),
        ("https://[64:ff9b::7f00:1]/", "private_host"),
        ("https://[fe80::1]/", "private_host"),
        ("https://0x7f000001/", "private_host"),
        ("https://2130706433/", "private_host"),
        ("https://127.1/", "private_host"),
        ("https://0.0.0.0/", "private_host"),
        ("https://localhost/", "private_host"),
        ("https://metadata/", "private_host"),
    ],
)
def test_an_address_inside_is_refused_and_not_repeated(url: str, code: str) -> None:
    with pytest.raises(Invalid) as refused:
        posting.check_url(url)
    assert refused.value.code == code
    assert "secret" not in refused.value.detail
    with pytest.raises(NotDelivered) as failed:  # one that was stored before this was forbidden
        posting.post(url, b"{}", {})
    assert failed.value.is_final


def test_a_public_host_is_allowed() -> None:
    assert posting.check_url("https://hooks.example.com:8443/services/T0/B0?sig=1") == "hooks.example.com"


@pytest.mark.parametrize("address", ["127.0.0.1", "10.0.0.8", "169.254.169.254", "::1", "::ffff:10.0.0.1"])
def test_a_public_name_with_an_address_inside_is_not_connected_to(
    address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    looked_up = []

    def resolve(host: str, port: int, *args: Any, **kwargs: Any) -> list[Any]:
        looked_up.append(host)
        family = socket.AF_INET6 if ":" in address else socket.AF_INET
        public = (socket.AF_INET, socket.SOCK_STREAM, 6, "", ("93.184.215.14", port))
        inside = (family, socket.SOCK_STREAM, 6, "", (address, port, 0, 0) if ":" in address else (address, port))
        return [public, inside]

    with web_server() as web:
        port = web.url.split(":")[2].partition("/")[0]
        monkeypatch.setattr(socket, "getaddrinfo", resolve)
        with pytest.raises(NotDelivered):
            posting.post(f"https://rebound.example.com:{port}/", b"{}", {})
        assert web.got == []
    assert looked_up == ["rebound.example.com"]  # once: no second look-up could say something else


def test_a_receiver_that_thinks_too_long_is_let_go(settings: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    settings.PRIVATE_ENDPOINTS = True
    monkeypatch.setattr(posting, "SECONDS", 0.05)
    answered = Event()
    with web_server() as web:
        web.before = lambda posted: answered.wait(10)
        with pytest.raises(NotDelivered, match="timeout"):
            posting.post(web.url, b"{}", {})
        answered.set()


def test_a_proxy_of_the_environment_is_not_used(settings: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    settings.PRIVATE_ENDPOINTS = True
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
    with web_server() as web:
        posting.post(web.url, b"{}", {})
        assert len(web.got) == 1
