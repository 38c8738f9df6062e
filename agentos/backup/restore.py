"""Restores a backup beside the database it is for, proves it, and only then gives it that name.

Nothing serves from a half restored database: it is built as `<name>_restoring`, checked against the manifest, brought
up to today (migrations, audit chains, erasures since) by `manage.py after_restore`, and renamed last.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote, urlsplit

import psycopg
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from agentos.backup import dump, snapshot
from agentos.backup.dump import Manifest
from agentos.backup.errors import BackupError
from agentos.backup.keys import Keyring
from agentos.backup.programs import program, reading
from agentos.backup.snapshot import Connection, Measure
from agentos.core.types import JsonObject, json_object
from agentos.provision import ProvisionError, Role, Roles, provision, url_for

ROOT = Path(__file__).resolve().parents[2]
RENAME_PATIENCE_SECONDS = 10.0
LOCK_NAME = "agentos.restore"
TOMBSTONES = "public.privacy_tombstone"
MOST_NAMED = 5
_IS_EMPTY = """
    SELECT NOT EXISTS (
        SELECT 1 FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
         WHERE n.nspname NOT IN ('pg_catalog', 'information_schema') AND n.nspname NOT LIKE 'pg\\_t%'
           AND NOT EXISTS (SELECT 1 FROM pg_depend d
                            WHERE d.classid = 'pg_class'::regclass AND d.objid = c.oid AND d.deptype IN ('e', 'i')))
"""


@dataclass(frozen=True)
class Target:
    """Where to restore: the server's administrator, the database's final name, the three roles' log-ins."""

    admin_url: str
    database: str
    roles: Roles

    @property
    def role_names(self) -> dict[str, str]:
        return {"owner": self.roles.owner.name, "system": self.roles.system.name, "app": self.roles.app.name}

    def urls(self, database: str) -> dict[str, str]:
        named = {"owner": self.roles.owner, "system": self.roles.system, "app": self.roles.app}
        return {name: url_for(self.admin_url, role, database) for name, role in named.items()}


@dataclass(frozen=True)
class Restored:
    """A restore that was proved. `after` is what `manage.py after_restore` told."""

    manifest: Manifest
    verified: bool
    after: JsonObject
    seconds: float


def target(urls: Mapping[str, str], admin_url: str, database: str) -> Target:
    """Return the target that the three roles' URLs name."""

    def role(name: str) -> Role:
        parts = conninfo_to_dict(urls[name])
        return Role(str(parts["user"]), str(parts.get("password") or ""))

    return Target(admin_url, database, Roles(role("owner"), role("system"), role("app")))


def restore(path: Path, into: Target, keys: Keyring, *, verify: bool = True, erasures: Path | None = None) -> Restored:
    """Restore into a database that is empty or not there; it appears under its name whole or not at all.

    Raises: BackupError.
    """
    began, name = time.monotonic(), f"{into.database}_restoring"
    with _alone(into):
        _refuse_unless_empty(into)
        with _built(path, into, keys, name, verify=verify, erasures=erasures) as (manifest, after):
            _give_name(into, name)
    return Restored(manifest, verify, after, round(time.monotonic() - began, 2))


def drill(path: Path, into: Target, keys: Keyring, *, erasures: Path | None = None) -> Restored:
    """Restore into a scratch database beside the real one, prove it and drop it. Raises: BackupError."""
    began, name = time.monotonic(), f"{into.database}_drill"
    with _alone(into), _built(path, into, keys, name, erasures=erasures, is_drill=True) as (manifest, after):
        pass
    return Restored(manifest, True, after, round(time.monotonic() - began, 2))


@contextmanager
def _built(
    path: Path,
    into: Target,
    keys: Keyring,
    name: str,
    *,
    erasures: Path | None,
    verify: bool = True,
    is_drill: bool = False,
) -> Iterator[tuple[Manifest, JsonObject]]:
    """Build the restored database under a passing name; what still has that name at the end is dropped."""
    manifest = dump.read_back(path, keys)  # all of it is genuine before any of it reaches a server
    _check_roles(manifest, into)
    try:
        _drop(into, name)  # what a killed one left
        provision(_standing(into), database=name, roles=into.roles)
        _load(path, keys, into, name)
        if verify:
            _compare(manifest, into, name)
        at_least = _erasures_known(path, erasures, into.database, keys)
        yield manifest, _after(into, name, erasures, at_least=at_least, must_start=is_drill)
    except ProvisionError as error:
        raise BackupError(str(error), code="backup_database") from None
    except psycopg.Error as error:
        raise BackupError(snapshot.told(error), code="backup_database") from None
    finally:
        _drop(into, name)


@contextmanager
def _alone(into: Target) -> Iterator[None]:
    with _admin(into) as admin:
        lock = f"{LOCK_NAME}.{into.database}"
        if not snapshot.one(admin, "SELECT pg_try_advisory_lock(hashtextextended(%s, 0))", lock)[0]:
            raise BackupError(f"Another restore of {into.database} is under way.", code="backup_busy")
        try:
            yield
        finally:
            # When a connection closes, its locks go a moment later: what follows at once found it taken.
            with suppress(psycopg.Error):
                snapshot.one(admin, "SELECT pg_advisory_unlock(hashtextextended(%s, 0))", lock)


def _check_roles(manifest: Manifest, into: Target) -> None:
    """Raises: BackupError when the dump's policies and grants are for other roles than this installation's."""
    if manifest.roles != into.role_names:
        theirs = ", ".join(manifest.roles.values())
        raise BackupError(
            f"The backup's grants and policies are for the roles {theirs}: restore with a DATABASE_URL whose database "
            f"is called {manifest.database}, or name these roles in AGENTOS_OWNER_URL, _SYSTEM_URL and _APP_URL.",
            code="backup_other_roles",
        )


def _refuse_unless_empty(into: Target) -> None:
    with _admin(into) as admin:
        if not _exists(admin, into.database):
            return
    with snapshot.connect(into.admin_url, into.database) as inside:
        if not snapshot.one(inside, _IS_EMPTY)[0]:
            raise BackupError(
                f"The database {into.database} is not empty: a backup is restored into an empty one only.",
                code="backup_not_empty",
            )


def _load(path: Path, keys: Keyring, into: Target, name: str) -> None:
    """Let `pg_restore` rebuild the dump in one transaction, as the administrator, with owners, grants and policies."""
    with snapshot.connect(into.admin_url, name) as inside:
        snapshot.check_sees_all(inside)
        restorer = program("pg_restore", server_version=inside.info.server_version)
    command: list[str | Path] = [restorer, "--exit-on-error", "--single-transaction", "--no-password"]
    url = make_conninfo(into.admin_url, dbname=name)
    with dump.contents(path, keys) as (_, chunks), reading(command, url) as feed:
        for chunk in chunks:
            feed(chunk)


def _compare(manifest: Manifest, into: Target, name: str) -> None:
    """Raises: BackupError naming the tables whose rows or hash are not those of the snapshot."""
    with snapshot.connect(into.admin_url, name) as inside, inside.transaction():
        found = snapshot.measured(inside)
    names = sorted({*found, *manifest.tables})
    wrong = [table for table in names if found.get(table) != manifest.tables.get(table)]
    if wrong:
        raise BackupError(
            f"{len(wrong)} tables are not as they were: {', '.join(wrong[:MOST_NAMED])}.", code="backup_differs"
        )


def _erasures_known(path: Path, erasures: Path | None, database: str, keys: Keyring) -> int:
    """Return how many erasures the backups beside this one and beside the list know of: the newest knows most."""
    folders = {path.parent, erasures.parent} if erasures is not None else set()
    known = [0]
    for other in {other for folder in folders for other in folder.glob(f"{database}-*{dump.SUFFIX}")}:
        with suppress(BackupError), dump.contents(other, keys) as (manifest, _):  # another's is asked for nothing else
            known.append(manifest.tables.get(TOMBSTONES, Measure(0, "")).rows)
    return max(known)


def _after(
    into: Target, name: str, erasures: Path | None, *, at_least: int = 0, must_start: bool = False
) -> JsonObject:
    """Run `manage.py after_restore` on the restored database, in a process whose Django sees only that.

    Only a drill asks what a start would: rows that somebody needs come back, and the start says what to mend.
    """
    variables = {f"AGENTOS_{role.upper()}_URL": url for role, url in into.urls(name).items()}
    command = [sys.executable, "manage.py", "after_restore", "--json", *["--must-start"] * must_start]
    if erasures is not None:
        command += ["--erasures", str(erasures.absolute()), "--at-least", str(at_least)]
    ended = subprocess.run(
        command, cwd=ROOT, env={**os.environ, **variables}, capture_output=True, text=True, check=False
    )
    report = json_object(ended.stdout.strip().splitlines()[-1]) if ended.stdout.strip() else None
    if ended.returncode or report is None:
        said = ended.stderr.strip().splitlines()
        reason = said[-1].removeprefix("CommandError: ") if said else "it said nothing"
        raise BackupError(f"after_restore failed: {reason}", code="backup_after")
    return report


def _give_name(into: Target, name: str) -> None:
    """Put the restored database in the place of the empty one. Raises: BackupError."""
    with _admin(into) as admin:
        if _exists(admin, into.database):
            admin.execute(sql.SQL("DROP DATABASE {}").format(sql.Identifier(into.database)))
        statement = sql.SQL("ALTER DATABASE {} RENAME TO {}").format(
            sql.Identifier(name), sql.Identifier(into.database)
        )
        give_up_at = time.monotonic() + RENAME_PATIENCE_SECONDS
        while True:
            try:
                admin.execute(statement)
                return
            except psycopg.errors.ObjectInUse:
                if time.monotonic() > give_up_at:
                    raise
                time.sleep(0.2)


def _drop(into: Target, name: str) -> None:
    with _admin(into) as admin:
        admin.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name)))


def _exists(admin: Connection, name: str) -> bool:
    return bool(snapshot.one(admin, "SELECT EXISTS (SELECT 1 FROM pg_database WHERE datname = %s)", name)[0])


def _standing(into: Target) -> str:
    """Return the administrator's URL of a database that stands: the one to restore may not, as when one was killed."""
    with _admin(into) as admin:
        return urlsplit(into.admin_url)._replace(path=f"/{quote(admin.info.dbname, safe='')}").geturl()


def _admin(into: Target) -> Connection:
    """Connect beside the databases that are made, renamed and dropped: to the admin's own, or `postgres`."""
    try:
        connection = snapshot.connect(into.admin_url)
    except BackupError:
        return snapshot.connect(into.admin_url, "postgres")
    if connection.info.dbname != into.database:
        return connection
    connection.close()
    return snapshot.connect(into.admin_url, "postgres")
