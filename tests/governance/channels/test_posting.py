"""Where a tenant's endpoints may be: the public Internet, over https, whatever a name resolves to and whenever."""

from __future__ import annotations

import socket
import ssl
from collections.abc import Callable
from threading import Event
from typing import Any

import pytest

from agentos.core.errors import Invalid
from agents.llm import outside
from governance.channels import posting
from governance.channels.failures import NotDelivered
from tests.governance.channels.certified import Certified
from tests.governance.channels.receivers import web_server


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
        ("https://127.0\u30020\u30021/", "private_host"),  # a client folds it to 127.0.0.1
        ("https://\uff11\uff12\uff17.0.0.\uff11/", "private_host"),
        ("https://169.254.169\uff0e254/", "private_host"),
        ("https://127.0.0.1\ufe0f/", "bad_url"),
        ("https://0x7f.0.0.0x1/", "private_host"),
        ("https://0177.0.0.1/", "private_host"),
        ("https://127.0.0.1./", "private_host"),
        ("https://168.63.129.16/machine", "private_host"),
        ("https://192.0.0.192/opc/v2/", "private_host"),
        ("https://100.100.100.200/", "private_host"),
        ("https://[fd00:ec2::254]/", "private_host"),
        ("https://[fec0::1]/", "private_host"),
        ("https://[64:ff9b:1::7f00:1]/", "private_host"),
        ("https://metadata.google.internal/", "private_host"),
        ("https://hook.localhost/", "private_host"),
        ("https://good.example.com\\@127.0.0.1/", "bad_url"),
        ("https://good.example.com@127.0.0.1/", "bad_url"),
        ("https://@127.0.0.1/", "bad_url"),
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


def test_a_name_in_other_letters_is_stored_as_it_is_connected_to() -> None:
    assert posting.check_url("https://b\u00fccher.example/hook") == "xn--bcher-kva.example"


@pytest.fixture
def certified(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], Certified]:
    """Return what makes a certificate for a name, which the client trusts."""
    trusted = ssl.create_default_context()
    monkeypatch.setattr("aiohttp.connector._SSL_CONTEXT_VERIFIED", trusted)

    def make(name: str) -> Certified:
        made = Certified(name)
        trusted.load_verify_locations(cadata=made.certificate)
        return made

    return make


def answers(monkeypatch: pytest.MonkeyPatch, *turns: list[str]) -> list[str]:
    """Let each look-up of a name answer other addresses; return the names that are looked up."""
    looked_up: list[str] = []

    def resolve(host: str, port: int, *args: Any, **kwargs: Any) -> list[Any]:
        looked_up.append(host)
        found = turns[min(len(looked_up), len(turns)) - 1]
        return [
            (socket.AF_INET6, socket.SOCK_STREAM, 6, "", (address, port, 0, 0))
            if ":" in address
            else (socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port))
            for address in found
        ]

    monkeypatch.setattr(socket, "getaddrinfo", resolve)
    return looked_up


@pytest.mark.parametrize("address", ["127.0.0.1", "10.0.0.8", "169.254.169.254", "::1", "::ffff:10.0.0.1"])
def test_a_public_name_with_an_address_inside_is_not_connected_to(
    address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with web_server() as web:
        looked_up = answers(monkeypatch, ["93.184.215.14", address])
        with pytest.raises(NotDelivered):
            posting.post(f"https://rebound.example.com:{web.port}/", b"{}", {})
        assert web.got == []
    assert looked_up == ["rebound.example.com"]


def test_what_was_judged_is_connected_to_whatever_the_name_says_next(
    certified: Callable[[str], Certified], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its second answer is a server inside; the name that it was given for stays the one of the certificate."""
    tls = certified("rebound.example.com")
    monkeypatch.setattr(outside, "is_public", lambda address: address == "127.0.0.1")
    with web_server(tls=tls.context) as public, web_server("127.0.0.3") as inside:
        looked_up = answers(monkeypatch, ["127.0.0.1"], ["127.0.0.3"])
        posting.post(f"https://rebound.example.com:{public.port}/hook", b"{}", {})
        assert (len(public.got), len(inside.got)) == (1, 0)
        assert public.got[0].headers["host"] == f"rebound.example.com:{public.port}"
        with pytest.raises(NotDelivered):
            posting.post(f"https://rebound.example.com:{inside.port}/hook", b"{}", {})
        assert inside.got == []
    assert looked_up == ["rebound.example.com", "rebound.example.com"]
    assert tls.asked_for == ["rebound.example.com"]


def test_a_certificate_of_another_name_is_not_taken(
    certified: Callable[[str], Certified], monkeypatch: pytest.MonkeyPatch
) -> None:
    tls = certified("other.example.com")
    monkeypatch.setattr(outside, "is_public", lambda address: address == "127.0.0.1")
    with web_server(tls=tls.context) as web:
        answers(monkeypatch, ["127.0.0.1"])
        with pytest.raises(NotDelivered, match="Certificate"):
            posting.post(f"https://hooks.example.com:{web.port}/", b"{}", {})
        assert web.got == []


def test_no_socket_opens_to_an_address_inside_that_nobody_resolves(monkeypatch: pytest.MonkeyPatch) -> None:
    """The last door: a client asks no resolver about a literal address, however that came to be one."""
    monkeypatch.setattr(posting, "check_url", lambda url: "")
    with web_server() as web:
        for host in ("127.0.0.1", "127.0\u30020\u30021", "[::ffff:127.0.0.1]", "2130706433", "127.1"):
            with pytest.raises(NotDelivered):
                posting.post(f"http://{host}:{web.port}/hook", b"{}", {})
        assert web.got == []


def test_a_redirect_is_an_answer_and_not_followed(settings: Any) -> None:
    settings.PRIVATE_ENDPOINTS = True
    with web_server() as inside, web_server() as web:
        web.statuses, web.headers = [307], {"Location": inside.url}
        with pytest.raises(NotDelivered, match="HTTP 307"):
            posting.post(web.url, b"{}", {})
        assert (len(web.got), inside.got) == (1, [])


def test_an_endless_answer_is_not_read(settings: Any) -> None:
    settings.PRIVATE_ENDPOINTS = True
    with web_server() as web:
        web.headers = {"Content-Length": str(10**15)}
        posting.post(web.url, b"{}", {})
        web.headers = {f"X-{number}": "x" * 8_000 for number in range(200)}
        with pytest.raises(NotDelivered):
            posting.post(web.url, b"{}", {})
        assert len(web.got) == 2


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
