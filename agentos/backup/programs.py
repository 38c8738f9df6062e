"""PostgreSQL's own programs: finds one new enough for the server and runs it without a password on its command line."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from tempfile import TemporaryFile
from typing import IO

from psycopg.conninfo import conninfo_to_dict, make_conninfo

from agentos.backup.errors import BackupError
from agentos.postgres import PostgresError
from agentos.postgres_place import package_folder

_VERSION = re.compile(r"\(PostgreSQL\) (\d+)")
_PASSED_ON = ("HOME", "PGPASSFILE", "PGSSLROOTCERT", "PGSSLMODE")
LAST_WORDS_CHARS = 600


def program(name: str, *, server_version: int) -> Path:
    """Return a `pg_dump` or `pg_restore` at least as new as the server. Raises: BackupError when there is none."""
    found = []
    for path in _candidates(name):
        major = _major(path)
        if major >= server_version // 10000:
            return path
        found.append(f"{path} is version {major}")
    raise BackupError(
        f"{name}: the server is PostgreSQL {server_version // 10000}, {'; '.join(found) or 'none is installed'}: "
        "install its client programs.",
        code="backup_program_missing",
    )


@contextmanager
def writing(command: Sequence[str | Path], url: str) -> Iterator[IO[bytes]]:
    """Run a program against a database and yield its output.

    Raises: BackupError with the program's last words when it fails; on any error in the block it is ended first.
    """
    where, environment = _identity(url)
    with _running([*command, f"--dbname={where}"], environment, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        yield process.stdout


@contextmanager
def reading(command: Sequence[str | Path], url: str | None = None) -> Iterator[Callable[[bytes], None]]:
    """Run a program, against a database if one is given, and yield what feeds its input.

    A program that gives up early is fed no more, so that its feeder comes to its own end. Raises: BackupError.
    """
    where, environment = _identity(url) if url is not None else ("", _surroundings())
    full = [*command, f"--dbname={where}"] if where else command
    with _running(full, environment, stdin=subprocess.PIPE) as process:
        assert process.stdin is not None
        pipe = process.stdin

        def feed(data: bytes) -> None:
            with suppress(BrokenPipeError):
                pipe.write(data)

        yield feed


@contextmanager
def _running(
    command: Sequence[str | Path], environment: dict[str, str], **pipes: int
) -> Iterator[subprocess.Popen[bytes]]:
    streams = {"stdin": subprocess.DEVNULL, "stdout": subprocess.DEVNULL, **pipes}
    with TemporaryFile() as said:
        process = subprocess.Popen(command, env=environment, stderr=said, **streams)  # type: ignore[call-overload]
        try:
            yield process
            _close(process.stdin)
            code = process.wait()
        except BaseException:
            process.kill()
            process.wait()
            raise
        finally:
            _close(process.stdin)
            _close(process.stdout)
        if code != 0:
            said.seek(0)
            raise BackupError(f"{Path(command[0]).name} failed: {_last_words(said.read())}", code="backup_program")


def _candidates(name: str) -> Iterator[Path]:
    try:
        embedded = package_folder() / "pginstall" / "bin" / name
        if embedded.exists():
            yield embedded
    except PostgresError:
        pass
    if found := shutil.which(name):
        yield Path(found)


def _major(path: Path) -> int:
    said = subprocess.run([path, "--version"], capture_output=True, text=True, check=False).stdout
    match = _VERSION.search(said)
    return int(match.group(1)) if match else 0


def _identity(url: str) -> tuple[str, dict[str, str]]:
    """Take the password out of the command line, which every user of the machine may read."""
    parts = conninfo_to_dict(url)
    password = parts.pop("password", None)
    environment = _surroundings()
    if password is not None:
        environment["PGPASSWORD"] = str(password)
    return make_conninfo("", **{name: value for name, value in parts.items() if value is not None}), environment


def _surroundings() -> dict[str, str]:
    kept = {name: os.environ[name] for name in _PASSED_ON if name in os.environ}
    return {"PATH": os.environ.get("PATH", os.defpath), "LC_ALL": "C", "PGAPPNAME": "agentos-backup", **kept}


def _close(pipe: IO[bytes] | None) -> None:
    if pipe is not None:
        with suppress(BrokenPipeError):
            pipe.close()


def _last_words(said: bytes) -> str:
    """Return the program's errors: names of tables and files. Lines that may quote rows are left out."""
    lines = [line for line in said.decode("utf-8", "replace").splitlines() if "error:" in line or "fatal" in line]
    return " ".join(lines)[:LAST_WORDS_CHARS] or "it said nothing"
