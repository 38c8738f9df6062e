"""Looks at the database as `doctor` does: reachable, version, roles, extensions, migrations, policies."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Literal, TypeAlias

import psycopg
from django.apps import apps
from django.db.migrations.loader import MigrationLoader
from psycopg import sql

from agentos import database, env, postgres
from agentos.core.errors import ConfigError
from agentos.postgres import PostgresError
from agentos.provision import OLDEST_VERSION
from agentos.serving.ground import EMBEDDED_DATABASE, reachable

Found: TypeAlias = tuple[Literal["ok", "note", "problem"], str, str]
Connection: TypeAlias = psycopg.Connection[tuple[object, ...]]
SERVE = "Run: make run"
_TOO_STRONG = """
    SELECT rolname FROM pg_roles
     WHERE rolname = ANY(%s) AND (rolsuper OR rolbypassrls OR rolreplication OR rolcreaterole)
"""
_UNGUARDED = """
    SELECT relname FROM pg_class c
     WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p')
       AND EXISTS (SELECT 1 FROM pg_attribute a
                    WHERE a.attrelid = c.oid AND a.attname = 'tenant_id' AND NOT a.attisdropped)
       AND NOT (relrowsecurity AND relforcerowsecurity)
     ORDER BY relname
"""


def examine(folder: Path, secret: str) -> Iterator[Found]:
    """Yield what is well and what is not. Raises: ConfigError when the database can't be asked."""
    with _server(folder) as admin_url:
        urls = database.role_urls(admin_url, secret)
        yield from _version(admin_url)
        for name, url in urls.items():
            try:
                psycopg.connect(url, connect_timeout=5).close()
            except psycopg.OperationalError as error:
                reason = str(error).strip().splitlines()[0]
                yield "problem", f"the {name} role can't log in ({reason})", f"{SERVE}: it makes the roles."
                return
        with psycopg.connect(urls["owner"], autocommit=True) as connection:
            users = [str(psycopg.conninfo.conninfo_to_dict(url)["user"]) for url in urls.values()]
            yield from _roles(connection, users)
            yield from _extensions(connection)
            yield from _migrations(connection)
            yield from _policies(connection)


@contextmanager
def _server(folder: Path) -> Iterator[str]:
    """Yield the administrator's URL; an embedded server that is at rest is woken for the look."""
    if url := env.text("DATABASE_URL", ""):
        reachable(url)
        yield url
        return
    where = folder / "postgres"
    try:
        running = postgres.status(where)
        if running is None and not _has_data(where):
            raise ConfigError(f"database: there is none yet in {where}: make run makes it.")
        server = running or postgres.start(where)
        try:
            yield server.url(EMBEDDED_DATABASE)
        finally:
            if running is None:
                postgres.stop(where)
    except PostgresError as error:
        raise ConfigError(f"database: {error.check}, {error.found}: {error.fix}") from None


def _has_data(where: Path) -> bool:
    return (where / "data").exists() or (where / "location").exists()


def _version(admin_url: str) -> Iterator[Found]:
    try:
        with psycopg.connect(admin_url, connect_timeout=5) as admin:
            number = admin.info.server_version
    except psycopg.OperationalError:
        yield "problem", "its database does not exist yet", f"{SERVE}: it makes the database."
        return
    shown = f"PostgreSQL {number // 10000}.{number % 10000}"
    if number < OLDEST_VERSION:
        yield "problem", f"{shown} is too old", "Use version 15 or newer."
    else:
        yield "ok", f"{shown} answers", ""


def _names(connection: Connection, query: str, *values: object) -> list[str]:
    return [str(row[0]) for row in connection.execute(query.encode(), values)]


def _roles(connection: Connection, users: list[str]) -> Iterator[Found]:
    if strong := _names(connection, _TOO_STRONG, users):
        weak = "NOSUPERUSER NOBYPASSRLS NOREPLICATION NOCREATEROLE"
        fix = f"An administrator has to run: ALTER ROLE {sql.Identifier(strong[0]).as_string(connection)} {weak};"
        yield "problem", f"{', '.join(strong)} can step over policies", fix
    else:
        yield "ok", "owner, system and application role can't step over policies", ""


def _extensions(connection: Connection) -> Iterator[Found]:
    there = set(_names(connection, "SELECT extname FROM pg_extension"))
    if missing := {"vector", "pg_trgm"} - there:
        yield (
            "problem",
            f"extensions missing: {', '.join(sorted(missing))}",
            f"{SERVE}: it makes them, or says who can.",
        )
    else:
        yield "ok", "extensions vector and pg_trgm", ""


def _migrations(connection: Connection) -> Iterator[Found]:
    labels = {config.label for config in apps.get_app_configs()}
    wanted = {key for key in MigrationLoader(None).disk_migrations if key[0] in labels}
    try:
        done = set(connection.execute("SELECT app, name FROM django_migrations").fetchall())
    except psycopg.errors.UndefinedTable:
        done = set()
    if missing := sorted(f"{app}.{name}" for app, name in wanted - done):
        yield (
            "problem",
            f"migrations not applied: {', '.join(missing)}",
            "make run applies them; so does manage.py prepare.",
        )
    else:
        yield "ok", f"all {len(wanted)} migrations applied", ""


def _policies(connection: Connection) -> Iterator[Found]:
    if open_tables := _names(connection, _UNGUARDED):
        fix = "Add IsolateTable to the migration that makes it, as its neighbours have it."
        yield "problem", f"row-level security is not forced on {', '.join(open_tables)}", fix
    else:
        yield "ok", "row-level security is forced on every table of the tenants", ""
