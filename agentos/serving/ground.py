"""What has to stand before a child can be started: the Python, the port, the database with its roles."""

from __future__ import annotations

import errno
import hashlib
import socket
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import psycopg

from agentos import env, postgres
from agentos.core.errors import ConfigError
from agentos.database import database_name
from agentos.provision import Roles, provision
from agentos.serving.children import ROOT
from agentos.serving.progress import Progress

OLDEST_PYTHON, NEWEST_PYTHON = (3, 11), (3, 14)
BACKLOG = 4096
# A server that was killed leaves children who close the port within a moment.
PORT_PATIENCE_SECONDS = 1.5
CONNECT_TIMEOUT_SECONDS = 10
EMBEDDED_DATABASE = "agentos"


def check_python() -> None:
    """Raises: ConfigError when this Python is too old or not yet tried."""
    version = sys.version_info[:2]
    if not OLDEST_PYTHON <= version <= NEWEST_PYTHON:
        found = ".".join(map(str, version))
        raise ConfigError(f"python: this is Python {found}. Use 3.11 to 3.14: make clean, then make run PYTHON=...")


def bind(host: str, port: int, *, patience_seconds: float = PORT_PATIENCE_SECONDS) -> socket.socket:
    """Bind the socket that all web processes share; port 0 takes a free one. Raises: ConfigError."""
    give_up_at = time.monotonic() + patience_seconds
    while True:
        try:
            return _bound(host, port)
        except OSError as error:
            if error.errno == errno.EADDRINUSE and time.monotonic() < give_up_at:
                time.sleep(0.1)
                continue
            raise ConfigError(_why_not(host, port, error)) from None


def _bound(host: str, port: int) -> socket.socket:
    family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
    listener = socket.socket(family, kind, protocol)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(address)
        listener.listen(BACKLOG)
    except OSError:
        listener.close()
        raise
    return listener


def _why_not(host: str, port: int, error: OSError) -> str:
    if error.errno == errno.EADDRINUSE:
        return f"port: Port {port} is in use: stop the other server or set PORT."
    if error.errno == errno.EACCES:
        return f"port: Port {port} needs more rights: set PORT to a number above 1023."
    return f"port: {host}:{port} can't be listened on ({error.strerror or error}): set HOST and PORT."


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@dataclass
class Database:
    """The database that this process serves from: the embedded server, or `DATABASE_URL`'s."""

    folder: Path
    secret: str
    progress: Progress
    started_here: bool = False
    admin_url: str = field(default="", repr=False)
    _starting: bool = False

    @property
    def embedded(self) -> bool:
        return not env.text("DATABASE_URL", "")

    def prepare(self) -> None:
        """Start or reach the server, then bring roles and database to their state.

        Raises: ConfigError, PostgresError, ProvisionError.
        """
        if self.embedded:
            with self.progress.stage("database", "embedded PostgreSQL"):
                running = postgres.status(self.folder)
                self.admin_url = (running or self._start()).url()
            name = EMBEDDED_DATABASE
        else:
            url = env.text("DATABASE_URL")
            with self.progress.stage("database", "reaching DATABASE_URL"):
                self.admin_url = reachable(url)
            name = database_name(url)
        if all(env.text(f"AGENTOS_{role}_URL", "") for role in ("OWNER", "SYSTEM", "APP")):
            self.progress.note("roles", "as AGENTOS_OWNER_URL, AGENTOS_SYSTEM_URL and AGENTOS_APP_URL say")
            return
        with self.progress.stage("roles", "owner, system and application role"):
            provision(self.admin_url, database=name, roles=Roles.derive(name, self.secret), alone=self.embedded)

    def state(self) -> str:
        """Return a text that changes with the embedded database, and with the migrations and roles of this checkout.

        Empty when they can't be known from here: another server, or applications of somebody else's.
        """
        if not self.embedded or env.text("AGENTOS_APPS", ""):
            return ""
        digest = hashlib.sha256()
        for path in (
            *sorted([*ROOT.glob("*/migrations/*.py"), *ROOT.glob("*/*/migrations/*.py")]),
            ROOT / "accounts/scopes.py",
            ROOT / "requirements.txt",
        ):
            digest.update(path.read_bytes())
        with psycopg.connect(self.admin_url) as admin:
            row = admin.execute(
                "SELECT oid, (SELECT system_identifier FROM pg_control_system()) FROM pg_database WHERE datname = %s",
                [EMBEDDED_DATABASE],
            ).fetchone()
        return f"{digest.hexdigest()} {row}"

    def keep_running(self) -> None:
        """Start the embedded server anew if somebody ended it. Raises: PostgresError."""
        if self.embedded and postgres.status(self.folder) is None:
            self.progress.note("database", "the embedded PostgreSQL has ended; starting it anew")
            self._start()

    def stop(self) -> None:
        """Stop the server if this process started it, even if a signal came in the middle of that."""
        if not self.started_here:
            return
        with self.progress.stage("database", "stopping the embedded PostgreSQL"):
            if self._starting:
                self._start()
            postgres.stop(self.folder)

    def _start(self) -> postgres.Server:
        self.started_here = self._starting = True
        server = postgres.start(self.folder)
        self._starting = False
        return server


def reachable(url: str) -> str:
    """Return the URL to administer with: the given one, or database `postgres` if its own is yet to be made.

    Raises: ConfigError, without anything of the URL but host and database.
    """
    for candidate in (url, _in_database(url, "postgres")):
        try:
            psycopg.connect(candidate, connect_timeout=CONNECT_TIMEOUT_SECONDS).close()
        except psycopg.OperationalError as error:
            reason = str(error).strip().splitlines()[0]
            if candidate == url and "does not exist" in reason and "database" in reason:
                continue
            raise ConfigError(
                f"database: {urlsplit(url).hostname or 'the server'} can't be reached ({reason}): "
                "start it, or mend or unset DATABASE_URL."
            ) from None
        except psycopg.ProgrammingError:
            raise ConfigError(
                "database: DATABASE_URL can't be read: write postgresql://user:password@host/name."
            ) from None
        return candidate
    raise AssertionError("unreachable: the last candidate returns or raises")


def _in_database(url: str, name: str) -> str:
    return urlunsplit(urlsplit(url)._replace(path=f"/{name}"))
