"""Production's posture: what a start refuses, by settings and by the catalog; the headers that every answer has."""

from __future__ import annotations

import math
import os
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from django.conf import settings as ours
from django.core.checks import Tags

from accounts import checks, posture
from accounts.models import User
from agentos import settings as ours_as_shipped
from agentos.asgi import lifespan
from agentos.core.errors import ConfigError
from agentos.lean import LeanHandler, cors_headers
from agentos.serving import worker
from tests.conftest import TenantWithUsers
from tests.database import ROOT, TestCluster

GOOD_SECRET = "q8Zt-3nV_kW7yR2sLxM4cB9dF6gH1jP0"
OTHER_SECRET = GOOD_SECRET[::-1]
SAFE: dict[str, Any] = {
    "PRODUCTION": True,
    "DEBUG": False,
    "DEMO_OPEN": False,
    "ALLOWED_HOSTS": ["agents.example"],
    "SECRET_KEY": GOOD_SECRET,
    "AGENTOS_AUDIT_KEY": OTHER_SECRET,
    "ENCRYPTION_KEYS": [],
    "SECOND_FACTOR": "required",
    "CORS_LOCALHOST": False,
    "CORS_ORIGINS": ["https://chat.example", "https://chat.example:8443"],
    "CSRF_TRUSTED_ORIGINS": [],
    "PUBLIC_URL": "https://agents.example",
    "SESSION_COOKIE_SECURE": True,
    "CSRF_COOKIE_SECURE": True,
    "SECURE_HSTS_SECONDS": 31_536_000,
    "DATABASE_ROLES": {"owner": "one", "system": "two", "app": "three"},
    "BACKUPS": False,  # their key is the backups' own matter
}


@pytest.fixture
def production(settings: Any) -> Any:
    for name, value in SAFE.items():
        setattr(settings, name, value)
    return settings


def found() -> list[str]:
    return [message.id or "" for message in posture.posture()]


def test_a_safe_posture_passes_and_development_is_not_asked(production: Any) -> None:
    assert found() == []
    production.SECRET_KEY = "short"
    production.PRODUCTION = False
    assert found() == []


@pytest.mark.parametrize(
    ("changes", "refusal"),
    [
        ({"DEBUG": True}, "E010"),
        ({"DEMO_OPEN": True}, "E015"),
        ({"ALLOWED_HOSTS": []}, "E011"),
        ({"ALLOWED_HOSTS": ["agents.example", "*"]}, "E011"),
        ({"ALLOWED_HOSTS": ["*.example"]}, "E011"),
        ({"SECRET_KEY": "short"}, "E012"),
        ({"SECRET_KEY": GOOD_SECRET[:31]}, "E012"),
        ({"SECRET_KEY": "x" * 64}, "E012"),
        ({"AGENTOS_AUDIT_KEY": ""}, "E012"),
        ({"AGENTOS_AUDIT_KEY": "short"}, "E012"),
        ({"AGENTOS_AUDIT_KEY": GOOD_SECRET}, "E012"),
        ({"ENCRYPTION_KEYS": [GOOD_SECRET, "short"]}, "E012"),
        ({"CORS_LOCALHOST": True}, "E013"),
        ({"CORS_ORIGINS": ["*"]}, "E013"),
        ({"CORS_ORIGINS": ["null"]}, "E013"),
        ({"CORS_ORIGINS": ["https://*.example"]}, "E013"),
        ({"CORS_ORIGINS": ["https://chat.example/"]}, "E013"),
        ({"CORS_ORIGINS": ["chat.example"]}, "E013"),
        ({"CORS_ORIGINS": ["https://chat.example", "http://chat.example"]}, "E013"),
        ({"AUTHENTICATION_BACKENDS": ["django.contrib.auth.backends.ModelBackend"]}, "E016"),
        ({"AUTHENTICATION_BACKENDS": []}, "E016"),
        ({"MIDDLEWARE": [name for name in ours.MIDDLEWARE if "TenantScope" not in name]}, "E016"),
        ({"MIDDLEWARE": [name for name in ours.MIDDLEWARE if "Csrf" not in name]}, "E016"),
        ({"SECOND_FACTOR": "optional"}, "E017"),
        ({"CSRF_TRUSTED_ORIGINS": ["https://*.example"]}, "E018"),
        ({"CSRF_TRUSTED_ORIGINS": ["http://agents.example"]}, "E018"),
        ({"METRICS_TOKEN": "x"}, "E012"),
        ({"PUBLIC_URL": "http://agents.example"}, "E025"),
        ({"PUBLIC_URL": "https://.example"}, "E025"),
        ({"PUBLIC_URL": "agents.example"}, "E025"),
        ({"PUBLIC_URL": "https://agents.example/console"}, "E025"),
        ({"DATABASE_ROLES": {"app": "one", "system": "one", "owner": "two"}}, "E019"),
        ({"SESSION_COOKIE_SECURE": False}, "E021"),
        ({"SECURE_HSTS_SECONDS": 0}, "E021"),
    ],
    ids=lambda value: str(value)[:48],
)
def test_what_is_for_trying_out_is_refused(production: Any, changes: dict[str, Any], refusal: str) -> None:
    for name, value in changes.items():
        setattr(production, name, value)
    assert found() == [f"accounts.{refusal}"]
    with pytest.raises(ConfigError, match=refusal):
        checks.refuse(Tags.security)


@pytest.mark.parametrize(
    "text",
    [
        "https://user:pw@agents.example",
        "https://@agents.example",
        "https://agents.example:99999",
        "https://agents.example:0",
        "https://agents.example:",
        "https://agents.example:x",
        "https://a b.example",
        "https://a\tb.example",
        "https://agents..example",
        "https://-agents.example",
        "https://münchen.example",
        "https://a.example,https://b.example",
        "https://agents.example?x",
        "https://:443",
        "https://[::1",
        "https://[agents]",
    ],
)
def test_what_no_browser_names_as_an_origin_is_none(production: Any, text: str) -> None:
    production.PUBLIC_URL, production.CORS_ORIGINS, production.CSRF_TRUSTED_ORIGINS = text, [text], [text]
    assert found() == ["accounts.E013", "accounts.E018", "accounts.E025"]


@pytest.mark.parametrize(
    "text",
    ["https://xn--mnchen-3ya.example", "https://my_host.lan:8443", "https://10.0.0.1", "https://[2001:db8::1]:8443"],
)
def test_origins_are_names_and_addresses_with_a_port_or_without(production: Any, text: str) -> None:
    production.PUBLIC_URL, production.CORS_ORIGINS, production.CSRF_TRUSTED_ORIGINS = text, [text], [text]
    assert found() == []


@pytest.mark.parametrize(
    "days",
    [
        {"run": 400},
        {"records": 400},
        {"standing": 400},
        {"runs": 0},
        {"runs": -1},
        {"runs": math.nan},
        {"runs": math.inf},
    ],
    ids=str,
)
def test_a_retention_that_cannot_be_obeyed_is_refused_anywhere(settings: Any, days: dict[str, float]) -> None:
    """A name that is written wrong would keep for good what was to go, and no days let all go at once."""
    settings.RETENTION_DAYS = {"tokens": 14, **days}
    assert [message.id for message in posture.retention()] == ["accounts.E026"]
    with pytest.raises(ConfigError, match="E026"):
        checks.refuse(Tags.security)
    settings.RETENTION_DAYS = {"tokens": 14, "runs": 400, "day": 2.5}
    assert posture.retention() == []


OURS = {"id": "ours", "name": "Ours", "issuer": "https://id.ours.example", "client_id": "agentos"}
THEIRS = {"id": "theirs", "name": "Theirs", "issuer": "https://id.acme.example", "client_id": "agentos"}


@pytest.mark.parametrize(
    ("listed", "warned"),
    [
        ([], []),
        ([OURS], []),
        ([OURS, THEIRS], ["accounts.W010"]),
        ([OURS, {**THEIRS, "tenants": ["acme"]}], ["accounts.W010"]),
        ([{**OURS, "email_domains": ["ours.example"]}, {**THEIRS, "tenants": ["acme"]}], []),
        ([{"id": "none"}, OURS], []),
    ],
)
def test_a_provider_for_everybody_beside_another_is_warned_of(
    production: Any, listed: list[dict[str, Any]], warned: list[str]
) -> None:
    production.PROVIDERS = listed
    assert [message.id for message in posture.reach()] == warned
    production.PRODUCTION = False
    assert posture.reach() == []


def test_passwords_are_hashed_in_one_way_alone() -> None:
    """The tests' own settings say another: this is what is shipped, as its file says."""
    assert ours_as_shipped.PASSWORD_HASHERS == ["django.contrib.auth.hashers.Argon2PasswordHasher"]


def test_the_development_secret_is_refused(production: Any, tmp_path: Any) -> None:
    production.VAR_DIR = tmp_path
    (tmp_path / "secret_key").write_text(f"{GOOD_SECRET}\n")
    assert found() == ["accounts.E012"]


PRODUCTION = {
    "AGENTOS_ENV": "production",
    "SECRET_KEY": GOOD_SECRET,
    "AGENTOS_AUDIT_KEY": OTHER_SECRET,
    "ALLOWED_HOSTS": "agents.example",
    "DATABASE_URL": "postgresql://nobody@127.0.0.1:1/nothing",
    "AGENTOS_BACKUPS": "off",
    "OPENAI_API_KEY": "x",
}
STARTS: list[tuple[dict[str, str], str]] = [
    ({"SECRET_KEY": ""}, "SECRET_KEY is not set"),
    ({"SECRET_KEY": "short"}, "SECRET_KEY is missing, short"),
    ({"AGENTOS_AUDIT_KEY": ""}, "AGENTOS_AUDIT_KEY is missing, short"),
    ({"AGENTOS_DEBUG": "1"}, "AGENTOS_DEBUG is on"),
    ({"ALLOWED_HOSTS": "*"}, "Any host name"),
    ({"AGENTOS_SECOND_FACTOR": "optional"}, "No second factor"),
]


def test_a_real_start_refuses_before_it_starts_anything(tmp_path: Any) -> None:
    """All at once, since each is a Python of its own."""
    started = []
    for number, (changes, _) in enumerate(STARTS):
        environment = {name: value for name, value in os.environ.items() if not name.startswith("AGENTOS_")}
        environment |= {"AGENTOS_VAR": str(tmp_path / str(number)), **PRODUCTION, **changes}
        command = [sys.executable, "manage.py", "serve", "--port", "0"]
        pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT}
        started.append(subprocess.Popen(command, cwd=ROOT, env=environment, text=True, **pipes))  # type: ignore[call-overload]
    for process, (changes, message) in zip(started, STARTS, strict=True):
        said, _ = process.communicate(timeout=120)
        assert process.returncode == 1, (changes, said)
        assert message in said, (changes, said)


@pytest.mark.parametrize("tls", ["true", "false"])
def test_a_letter_is_not_printed_where_no_mail_server_is_named(tmp_path: Any, tls: str) -> None:
    """It may hold a link that opens, and what a process prints is a log."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("AGENTOS_", "EMAIL_"))}
    environment = {**kept, **PRODUCTION, "AGENTOS_VAR": str(tmp_path), "EMAIL_USE_TLS": tls}
    environment["DJANGO_SETTINGS_MODULE"] = "agentos.settings"
    letter = "import django.core.mail as mail; mail.send_mail('Join', 'the link', None, ['nora@new.test'])"
    sent = subprocess.run([sys.executable, "-c", letter], cwd=ROOT, env=environment, capture_output=True, text=True)
    assert sent.returncode == 1 and "SMTPServerDisconnected" in sent.stderr
    assert "the link" not in sent.stdout


@pytest.fixture(scope="module")
def strong(cluster: TestCluster) -> Iterator[tuple[str, dict[str, str]]]:
    """A migrated database, its administrator's URL and its roles'."""
    name = cluster.make_database("strong")
    yield cluster.url(name), cluster.urls(name)
    cluster.drop_database(name)


@pytest.mark.parametrize("who", ["superuser", "owner"])
def test_a_start_refuses_a_role_that_policies_do_not_bind(strong: Any, tmp_path: Any, who: str) -> None:
    admin_url, urls = strong
    too_strong = admin_url if who == "superuser" else urls["owner"]
    environment = {**os.environ, "AGENTOS_ENV": "test", "AGENTOS_VAR": str(tmp_path), "DATABASE_URL": admin_url}
    environment |= {f"AGENTOS_{role.upper()}_URL": url for role, url in urls.items()}
    environment["AGENTOS_APP_URL"] = too_strong
    command = [sys.executable, "manage.py", "prepare"]
    ended = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    assert ended.returncode == 1
    assert "policies don't bind it" in ended.stderr


async def test_a_server_of_ones_own_refuses_too(acme: TenantWithUsers, production: Any) -> None:
    """The ASGI application itself asks, whoever starts it: demo users are in this database."""
    from accounts.seam import in_thread

    await in_thread(User.objects.using("system").filter(id=acme.member.id).update, is_demo=True)
    assert "accounts.E014" in await _refusal_of_a_start()


@pytest.mark.parametrize("who", ["web", "worker"])
async def test_nobody_works_with_components_that_their_developer_has_to_mend(
    acme: TenantWithUsers, monkeypatch: pytest.MonkeyPatch, who: str
) -> None:
    """Who did would end runs that the same process, mended, goes on with."""
    monkeypatch.setattr("agents.checks.registry", Broken())
    if who == "web":
        assert "agents.E001: App shop: " in await _refusal_of_a_start()
    else:
        with pytest.raises(ConfigError, match=r"agents\.E001: App shop: "):
            await worker.work()


class Broken:
    """A registry of an app whose module can't be imported."""

    def all(self) -> list[Any]:
        raise ConfigError("App shop: shop.agents cannot be imported: No module named 'till'")


async def _refusal_of_a_start() -> str:
    """Start the ASGI application as a server does; return why it won't."""
    sent: list[dict[str, Any]] = []

    async def receive() -> dict[str, Any]:
        return {"type": "lifespan.startup"}

    async def send(message: dict[str, Any]) -> None:
        sent.append(message)

    await lifespan(receive, send)
    assert [message["type"] for message in sent] == ["lifespan.startup.failed"]
    return str(sent[0]["message"])


@pytest.mark.parametrize(
    ("origin", "local", "allowed"),
    [
        (b"https://chat.example", False, True),
        (b"https://chat.example:8443", False, True),
        (b"https://chat.example.", False, False),
        (b"https://CHAT.example", False, False),
        (b"http://chat.example", False, False),
        (b"https://chat.example:444", False, False),
        (b"https://chat.example.evil.example", False, False),
        (b"https://evil.example/https://chat.example", False, False),
        (b"https://chat.example@evil.example", False, False),
        (b"null", False, False),
        (b"", False, False),
        (b"http://localhost:3000", False, False),
        (b"http://localhost:3000", True, True),
        (b"http://localhost.evil.example", True, False),
        (b"http://127.0.0.1:3000", True, True),
    ],
)
def test_cors_is_exact(settings: Any, origin: bytes, local: bool, allowed: bool) -> None:
    settings.CORS_ORIGINS, settings.CORS_LOCALHOST = SAFE["CORS_ORIGINS"], local
    headers = dict(cors_headers(origin))
    assert headers.get(b"access-control-allow-origin") == (origin if allowed else None)
    assert b"access-control-allow-credentials" not in headers
    assert not origin or headers[b"vary"] == b"Origin"


async def ask(path: str, scheme: str = "https", body: dict[str, str] | None = None, **headers: str) -> httpx.Response:
    transport = httpx.ASGITransport(app=LeanHandler())  # type: ignore[arg-type]
    async with httpx.AsyncClient(transport=transport, base_url=f"{scheme}://testserver") as client:
        return await client.request("GET" if body is None else "POST", path, json=body, headers=headers)


async def test_every_answer_of_the_api_has_its_headers(production: Any) -> None:
    production.ALLOWED_HOSTS = ["testserver"]
    for path in ("/api/health", "/api/auth/me", "/api/nowhere"):
        headers = (await ask(path)).headers
        assert headers["strict-transport-security"] == "max-age=31536000; includeSubDomains; preload"
        assert headers["x-content-type-options"] == "nosniff"
    docs = await ask("/api/docs")
    assert docs.status_code == 200
    assert "script-src 'nonce-" in docs.headers["content-security-policy"]
    assert "unsafe" not in docs.headers["content-security-policy"]
    assert "<script>" not in docs.text
    production.SECURE_HSTS_SECONDS = 0
    assert "strict-transport-security" not in (await ask("/api/health")).headers


async def test_a_foreign_host_is_told_by_its_name(database: None, production: Any) -> None:
    """Whoever set the server up forgets ALLOWED_HOSTS: "malformed" would send her elsewhere."""
    production.ALLOWED_HOSTS = ["agents.example"]
    transport = httpx.ASGITransport(app=LeanHandler())  # type: ignore[arg-type]
    async with httpx.AsyncClient(transport=transport, base_url="https://testserver") as client:
        answer = await client.get("/api/health")
    assert (answer.status_code, answer.json()["code"]) == (400, "unknown_host")


async def test_no_credential_travels_in_the_clear(database: None, production: Any) -> None:
    production.ALLOWED_HOSTS, production.SECURE_SSL_REDIRECT = ["testserver"], True
    for headers in ({"Authorization": "Bearer x"}, {"Cookie": "sessionid=x"}):
        refused = await ask("/api/auth/me", "http", **headers)
        assert (refused.status_code, refused.json()["code"]) == (403, "https_required")
        assert (await ask("/api/auth/me", "https", **headers)).status_code == 401
    signing_in = {"/api/auth/token": {"email": "a@acme.test", "password": "x"}, "/api/auth/refresh": {"refresh": "x"}}
    for path, body in signing_in.items():
        refused = await ask(path, "http", body)
        assert (refused.status_code, refused.json()["code"]) == (403, "https_required")
        assert (await ask(path, "https", body)).status_code == 401
    assert (await ask("/api/health", "http")).status_code == 200
    production.SECURE_SSL_REDIRECT = False
    assert (await ask("/api/auth/me", "http", Authorization="Bearer x")).status_code == 401
