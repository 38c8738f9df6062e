"""The database of a test process: a migrated template, made once per schema, and a clone for each process.

`tests/conftest.py` opens it when the first test asks for it; tests then run as the application's role.
"""

from __future__ import annotations

import fcntl
import hashlib
import itertools
import os
import socket
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import psycopg
from psycopg import sql

from agentos import database, env, postgres
from agentos.postgres import PostgresError
from agentos.provision import Roles, provision, url_for
from agentos.serving.ground import reachable

ROOT = Path(__file__).resolve().parent.parent
VAR = ROOT / "var" / "test"
NOWHERE = "postgresql://tests@127.0.0.1:1/no_test_asked_for_a_database"
LOCK_WAIT = "15s"  # TRUNCATE waits this long for a transaction that a test left open
# What migrations put here every test may count on; and the key for tokens, which takes long to make.
MIGRATED_TABLES = [
    "django_migrations",
    "django_content_type",
    "auth_permission",
    "auth_group",
    "auth_group_permissions",
]
KEPT_TABLES = [*MIGRATED_TABLES, "accounts_signingkey"]


def name_prefix() -> str:
    """Return what the names of the test databases and their roles begin with."""
    url = env.text("DATABASE_URL", "")
    return f"test_{database.database_name(url)}" if url else "agentos_test"


@contextmanager
def _locked(name: str) -> Iterator[None]:
    VAR.mkdir(parents=True, exist_ok=True)
    with (VAR / name).open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _schema_hash() -> str:
    """Hash all that decides what `migrate` makes."""
    digest = hashlib.sha256()
    migrations = [*ROOT.glob("*/migrations/*.py"), *ROOT.glob("*/*/migrations/*.py")]
    policies = [ROOT / "accounts/isolation.py", ROOT / "accounts/policies.py"]
    for path in sorted([*migrations, *policies, ROOT / "requirements.txt"]):
        digest.update(path.relative_to(ROOT).as_posix().encode())
        digest.update(path.read_bytes())
    return digest.hexdigest()[:12]


def _alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


@dataclass
class TestCluster:
    """The server that holds the test databases; `close` stops it when no other test process uses it."""

    __test__ = False
    prefix: str = field(default_factory=name_prefix)

    def __post_init__(self) -> None:
        VAR.mkdir(parents=True, exist_ok=True)
        self._users = (VAR / "users.lock").open("w")
        fcntl.flock(self._users, fcntl.LOCK_SH)
        url = env.text("DATABASE_URL", "")
        self.admin_url = reachable(url) if url else _embedded().url()
        self.roles = Roles.derive(self.prefix, database.development_secret(VAR))
        # Another machine or checkout may use the same server: its processes are not ours to judge.
        place = hashlib.sha256(f"{socket.gethostname()}:{ROOT}".encode()).hexdigest()[:6]
        self._mine = f"{self.prefix}_{place}_"
        self._numbers = itertools.count(1)
        self._made: list[str] = []
        self._free: list[str] = []

    def make_database(self, label: str) -> str:
        """Return the name of a new clone of the migrated template, or of one that was given back."""
        with suppress(IndexError):
            return self._free.pop()
        name = f"{self._mine}{os.getpid()}_{next(self._numbers)}_{label}"  # one given back keeps the label it had
        with _locked("template.lock"):
            if not self._made:
                self._drop_remains()
            self._drop(name)
            self._clone(self._template(), name)
        self._made.append(name)
        return name

    def urls(self, name: str) -> dict[str, str]:
        """Return {owner, system, app: URL} of one of the databases."""
        named = {"owner": self.roles.owner, "system": self.roles.system, "app": self.roles.app}
        return {key: url_for(self.admin_url, role, name) for key, role in named.items()}

    def url(self, name: str) -> str:
        """Return the administrator's URL of one of the databases."""
        parts = urlsplit(self.admin_url)
        return urlunsplit(parts._replace(path=f"/{name}"))

    def give_back(self, name: str) -> None:
        """Empty a database for the next who asks: quicker than to drop it, for which the server writes all it holds."""
        self._admin.execute("SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE datname = %s", [name])
        cleaner = Cleaner(self.admin_url, self.urls(name)["owner"], name, kept=MIGRATED_TABLES)
        cleaner.clean()
        cleaner.close()
        self._free.append(name)

    def drop_database(self, name: str) -> None:
        self._drop(name)
        self._made.remove(name)

    def close(self) -> None:
        """Drop what this process made; stop the embedded server if this process was its last user."""
        for name in self._made:
            self._drop(name)
        self._admin.close()
        try:
            fcntl.flock(self._users, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return
        else:
            if not env.text("DATABASE_URL", ""):
                postgres.stop(VAR / "postgres")
        finally:
            self._users.close()

    @cached_property
    def _admin(self) -> psycopg.Connection[tuple[object, ...]]:
        return psycopg.connect(self.admin_url, autocommit=True)

    def _run(self, statement: str, *names: str) -> None:
        self._admin.execute(sql.SQL(statement).format(*map(sql.Identifier, names)))

    def _names(self) -> list[str]:
        found = self._admin.execute("SELECT datname FROM pg_database WHERE starts_with(datname, %s)", [self.prefix])
        return [str(name) for (name,) in found]

    def _drop(self, name: str) -> None:
        self._run("DROP DATABASE IF EXISTS {} WITH (FORCE)", name)

    def _drop_remains(self) -> None:
        """Drop what processes of this checkout left behind when they were killed."""
        for name in self._names():
            pid = name.removeprefix(self._mine).partition("_")[0]
            if name.startswith(self._mine) and pid.isdecimal() and not _alive(int(pid)):
                self._drop(name)

    def _template(self) -> str:
        """Return the template of today's schema; lock held. It gets this name when it is whole."""
        name = f"{self.prefix}_template_{_schema_hash()}"
        building = f"{self.prefix}_building"
        names = self._names()
        if name not in names:
            for old in names:
                if old == building or old.startswith(f"{self.prefix}_template_"):
                    self._drop(old)
            provision(self.admin_url, database=building, roles=self.roles)
            _migrate(self.urls(building))
            self._run("ALTER DATABASE {} RENAME TO {}", building, name)
        return name

    def _clone(self, template: str, name: str) -> None:
        self._run("CREATE DATABASE {} TEMPLATE {} OWNER {}", name, template, self.roles.owner.name)
        # Rights on the database itself are not copied.
        provision(self.admin_url, database=name, roles=self.roles)


def _embedded() -> postgres.Server:
    # A connection takes five milliseconds, and half of that to prove that one knows the password.
    settings = {"shared_buffers": "64MB", "max_connections": "300", "scram_iterations": "1"}
    try:
        return postgres.start(VAR / "postgres", durable=False, settings=settings)
    except PostgresError as error:
        if error.check != "data version":
            raise
        postgres.remove(VAR / "postgres")
        return postgres.start(VAR / "postgres", durable=False, settings=settings)


def point_django_at(urls: Mapping[str, str], admin_url: str) -> None:
    """Make settings, Django's connections and this process' children use these URLs.

    In place: Django read the settings before any conftest, and gives all connections the same dictionaries.
    """
    from django.conf import settings
    from django.db import connections

    connections.close_all()
    for alias, role in (("default", "app"), ("system", "system"), ("owner", "owner")):
        idle_seconds = 0 if role == "owner" else database.IDLE_SECONDS
        settings.DATABASES[alias].update(database.django_database(urls[role], idle_seconds=idle_seconds))
    settings.DATABASE_URLS.update(urls)
    settings.DATABASE_ROLES.update({role: urlsplit(url).username for role, url in urls.items()})
    settings.DATABASE_ADMIN_URL = admin_url
    os.environ.update(_role_variables(urls))


def _role_variables(urls: Mapping[str, str]) -> dict[str, str]:
    return {f"AGENTOS_{role.upper()}_URL": url for role, url in urls.items()}


def _migrate(urls: Mapping[str, str]) -> None:
    """Migrate in a process of its own: this one's connections stay where they are. Raises: RuntimeError."""
    command = [sys.executable, "manage.py", "migrate", "--database", "owner", "--skip-checks", "--verbosity", "0"]
    environment = {**os.environ, **_role_variables(urls)}
    ended = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    if ended.returncode:
        raise RuntimeError(f"the test database can't be migrated:\n{ended.stderr}")


def _audit_triggers(verb: str) -> list[str]:
    """Return the statements that let the owner empty the audit trail, or forbid it again."""
    return [f"ALTER TABLE accounts_{table} {verb} TRIGGER USER" for table in ("auditrow", "audithead")]


class Cleaner:
    """Empties the tables after a test, in under a millisecond where the administrator is a superuser.

    The owner, like everyone under forced policies, sees no rows to delete; it can TRUNCATE, in 100 ms.
    """

    def __init__(self, admin_url: str, owner_url: str, name: str, *, kept: Sequence[str] = KEPT_TABLES) -> None:
        wait = f"-c lock_timeout={LOCK_WAIT}"
        self._connection = psycopg.connect(admin_url, dbname=name, autocommit=True, options=wait)
        tables = self._tables(kept)
        if self._connection.pgconn.parameter_status(b"is_superuser") == b"on":
            self._connection.execute("SET session_replication_role = replica")  # in any order, whatever refers to it
            deletes = "".join(f"DELETE FROM {table}; " for table in tables)
            # A function's statements are planned once, which takes several times as long as to execute them.
            self._connection.execute(
                f"CREATE FUNCTION pg_temp.clean() RETURNS void LANGUAGE plpgsql AS $$ BEGIN {deletes}END $$; "
                "REVOKE ALL ON FUNCTION pg_temp.clean() FROM PUBLIC"
            )
            self._statement = "SELECT pg_temp.clean()"
        else:
            self._connection.close()
            self._connection = psycopg.connect(owner_url, autocommit=True, options=wait)
            truncate = f"TRUNCATE {', '.join(tables)} RESTART IDENTITY"
            self._statement = "; ".join([*_audit_triggers("DISABLE"), truncate, *_audit_triggers("ENABLE")])

    def clean(self) -> None:
        """Empty all tables but those that migrations fill.

        Raises: AssertionError when a transaction that the test left open holds a row.
        """
        try:
            self._connection.execute(self._statement.encode())
        except psycopg.errors.LockNotAvailable:
            raise AssertionError(f"the test left a transaction open: {self._open_transactions()}") from None

    def close(self) -> None:
        self._connection.close()

    def _tables(self, kept: Sequence[str]) -> list[str]:
        rows = self._connection.execute(
            "SELECT quote_ident(relname) FROM pg_class WHERE relnamespace = 'public'::regnamespace"
            " AND relkind = 'r' AND relname <> ALL(%s) ORDER BY relname",
            [list(kept)],
        )
        return [name for (name,) in rows]

    def _open_transactions(self) -> str:
        rows = self._connection.execute(
            "SELECT usename, state, left(query, 200) FROM pg_stat_activity"
            " WHERE datname = current_database() AND xact_start IS NOT NULL AND pid <> pg_backend_pid()"
        )
        return "; ".join(f"{user} {state}: {query}" for user, state, query in rows)


def idle_in_transaction() -> list[str]:
    """Return the last statements of the test database's connections that stand in a transaction and do nothing."""
    from django.conf import settings

    database = settings.DATABASES["default"]["NAME"]
    with psycopg.connect(settings.DATABASE_ADMIN_URL, autocommit=True) as admin:
        found = admin.execute(
            "SELECT query FROM pg_stat_activity WHERE datname = %s AND state = 'idle in transaction'", [database]
        )
        return [row[0] for row in found.fetchall()]
