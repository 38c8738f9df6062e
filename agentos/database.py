"""Says where the database is and as whom to enter: `DATABASE_URL`, or the embedded server beside the checkout."""

from __future__ import annotations

import secrets
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

from agentos import env, postgres
from agentos.provision import Roles, url_for

NOT_RUNNING = "postgresql://agentos@127.0.0.1:1/agentos"
# Between two statements of a transaction nobody waits for what is outside; migrations, as the owner, may.
IDLE_SECONDS = 60


def var_folder(base: Path) -> Path:
    """Return the git-ignored folder for data, logs and generated keys."""
    return Path(env.text("AGENTOS_VAR", str(base / "var")))


def development_secret(folder: Path) -> str:
    """Return this checkout's own secret, made at first use and readable by its owner only."""
    path = folder / "secret_key"
    if not path.exists():
        folder.mkdir(parents=True, exist_ok=True)
        try:
            path.touch(mode=0o600, exist_ok=False)
            path.write_text(secrets.token_urlsafe(48))
        except FileExistsError:
            pass
    return path.read_text()


def admin_url(folder: Path) -> str:
    """Return the URL that may create roles and databases; NOT_RUNNING when the embedded server is down."""
    if url := env.text("DATABASE_URL", ""):
        return url
    server = postgres.status(folder / "postgres")
    return server.url("agentos") if server else NOT_RUNNING


def database_name(url: str) -> str:
    return unquote(urlsplit(url).path.lstrip("/")) or "agentos"


def role_urls(url: str, secret: str) -> dict[str, str]:
    """Return {owner, system, app: URL}; `AGENTOS_OWNER_URL` and so on override the derived ones."""
    database = database_name(url)
    roles = Roles.derive(database, secret)
    derived = {"owner": roles.owner, "system": roles.system, "app": roles.app}
    return {
        name: env.text(f"AGENTOS_{name.upper()}_URL", url_for(url, role, database)) for name, role in derived.items()
    }


def django_database(url: str, *, idle_seconds: int = 0, **extra: Any) -> dict[str, Any]:
    """Return Django's settings for one connection.

    The server ends it when a transaction of it stands still for `idle_seconds` (0: as long as it likes): a process that
    is frozen in the middle of one would hold its rows for ever.
    """
    parts = urlsplit(url)
    query = dict(parse_qsl(parts.query))
    if idle_seconds:
        limit = f"-c idle_in_transaction_session_timeout={idle_seconds * 1000}"
        query["options"] = f"{query.get('options', '')} {limit}".strip()
    return {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": database_name(url),
        "USER": unquote(parts.username or ""),
        "PASSWORD": unquote(parts.password or ""),
        "HOST": query.pop("host", parts.hostname or ""),
        "PORT": str(query.pop("port", parts.port or "")),
        "OPTIONS": {"connect_timeout": 5, **query},
        **extra,
    }
