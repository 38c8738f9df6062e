"""One moment of the database: rows and a hash of each table, and its name, for `pg_dump` to read the same."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import LiteralString

import psycopg
from psycopg import sql
from psycopg.conninfo import make_conninfo

from agentos.backup.errors import BackupError

CONNECT_TIMEOUT_SECONDS = 10
LOCK_NAME = "agentos.backup"
Connection = psycopg.Connection[tuple[object, ...]]

# What a row's text depends on, so that two servers write the same.
_PLAIN_TEXT: dict[str, str] = {
    "timezone": "UTC",
    "datestyle": "ISO, MDY",
    "intervalstyle": "postgres",
    "bytea_output": "hex",
    "extra_float_digits": "1",
    "lc_monetary": "C",
    "row_security": "off",  # a policy that would hide rows raises an error instead
    "statement_timeout": "0",
}
_SEES_ALL: LiteralString = "SELECT rolsuper OR rolbypassrls FROM pg_roles WHERE rolname = current_user"
_TABLES: LiteralString = """
    SELECT n.nspname, c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
     WHERE c.relkind = 'r' AND c.relpersistence = 'p'
       AND n.nspname NOT IN ('pg_catalog', 'information_schema') AND n.nspname NOT LIKE 'pg\\_t%'
       AND NOT EXISTS (SELECT 1 FROM pg_depend d
                        WHERE d.classid = 'pg_class'::regclass AND d.objid = c.oid AND d.deptype = 'e')
     ORDER BY n.nspname, c.relname
"""
# The sum of the rows' hashes does not depend on their order, and a row that is there twice counts twice.
_MEASURE: LiteralString = """
    SELECT count(*),
           coalesce(sum(('x' || left(h, 16))::bit(64)::bigint::numeric), 0)::text || ':' ||
           coalesce(sum(('x' || right(h, 16))::bit(64)::bigint::numeric), 0)::text
      FROM (SELECT md5(t::text) AS h FROM {}.{} AS t) AS hashed
"""


@dataclass(frozen=True)
class Measure:
    """What a table holds: `hash` is the sum of its rows' MD5 in two halves, as `a:b`."""

    rows: int
    hash: str


@dataclass(frozen=True)
class Snapshot:
    """A moment that `pg_dump --snapshot` can read, while the connection stays in its transaction."""

    name: str
    server_version: int
    tables: dict[str, Measure]


def connect(url: str, database: str | None = None) -> Connection:
    """Raises: BackupError when the server can't be reached; the URL is not repeated."""
    chosen = {} if database is None else {"dbname": database}
    try:
        conninfo = make_conninfo(url, connect_timeout=CONNECT_TIMEOUT_SECONDS, **chosen)
        return psycopg.connect(conninfo, autocommit=True)
    except psycopg.Error as error:
        reason = str(error).splitlines()[0] if isinstance(error, psycopg.OperationalError) else "the URL is malformed"
        raise BackupError(f"The database can't be reached ({reason}).", code="backup_database") from None


@contextmanager
def taken(url: str) -> Iterator[Snapshot]:
    """Hold a snapshot of the whole database, measured. One backup at a time.

    Raises: BackupError for a role that policies bind: its dump would be empty and look well.
    """
    with connect(url) as connection:
        check_sees_all(connection)
        if not one(connection, "SELECT pg_try_advisory_lock(hashtextextended(%s, 0))", LOCK_NAME)[0]:
            raise BackupError("Another backup of this database is under way.", code="backup_busy")
        connection.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
        connection.read_only = True
        try:
            with connection.transaction():
                name = str(one(connection, "SELECT pg_export_snapshot()")[0])
                yield Snapshot(name, connection.info.server_version, measured(connection))
        except psycopg.Error as error:
            raise BackupError(told(error), code="backup_database") from None


def check_sees_all(connection: Connection) -> None:
    """Raises: BackupError for a role that row-level security binds."""
    if not one(connection, _SEES_ALL)[0]:
        role = connection.info.user
        quoted = sql.Identifier(role).as_string(connection)
        statements = f"ALTER ROLE {quoted} BYPASSRLS; GRANT pg_read_all_data TO {quoted};"
        raise BackupError(
            f"Role {role} is bound by row-level security: its dump would be empty. Set AGENTOS_BACKUP_URL to a role "
            f"that sees everything; an administrator makes one with: {statements}",
            code="backup_role",
        )


def measured(connection: Connection) -> dict[str, Measure]:
    """Return rows and hash of every table, by `schema.table`. Call inside a transaction, or nobody writes."""
    for name, value in _PLAIN_TEXT.items():
        connection.execute("SELECT set_config(%s, %s, false)", [name, value])
    found: dict[str, Measure] = {}
    for schema, table in connection.execute(_TABLES).fetchall():
        query = sql.SQL(_MEASURE).format(sql.Identifier(str(schema)), sql.Identifier(str(table)))
        rows, digest = one(connection, query)
        found[f"{schema}.{table}"] = Measure(int(str(rows)), str(digest))
    return found


def one(connection: Connection, query: LiteralString | sql.Composed, *values: object) -> tuple[object, ...]:
    """Return the only row of a query that always has one."""
    row = connection.execute(query, values or None).fetchone()
    assert row is not None, "the query has no row"
    return row


def told(error: psycopg.Error) -> str:
    """Return the server's message without its detail, which may quote rows."""
    return f"The database refused ({error.diag.message_primary or type(error).__name__})."
