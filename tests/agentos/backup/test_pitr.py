"""Back to a moment: base backup, archived log, recovery target, `after_restore`; with PostgreSQL's own programs.

pgBackRest, which `docs/operations.md` tells to use, does the same steps; the tests run without it.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

import psycopg
import pytest

from accounts.privacy import erasure, ledger
from accounts.privacy.erasure import Tally
from accounts.privacy.rows import Person
from agentos import postgres
from agentos.backup import restore, snapshot, work
from agentos.backup.restore import Target
from agentos.postgres import Server
from agentos.postgres_place import Place, create_folder, find_place, new_place, remember


@dataclass
class Archiving:
    """A server of its own that archives its log, beside which a second one can be made of a base backup."""

    server: Server
    place: Place
    archive: Path

    def base_backup(self, folder: Path) -> Place:
        """Copy the running server's data to a place of their own."""
        create_folder(folder)
        place = new_place(folder, durable=False)
        place.account.make_folder(place.data)
        self._run("pg_basebackup", "-d", self.server.url(), "-D", place.data, "-c", "fast", "-X", "none", "--no-sync")
        self._run("pg_verifybackup", "-n", place.data)
        place.write_password(self.server.password)
        remember(folder, place)
        return place

    def until(self, moment: datetime, folder: Path) -> Server:
        """Start the copy, replay the log up to a moment and let it be written to."""
        place = find_place(folder)
        assert place is not None
        place.account.run("/bin/sh", "-c", 'touch "$1"', "sh", place.data / "recovery.signal")
        settings = {
            "restore_command": f'cp "{self.archive}/%f" "%p"',
            "recovery_target_time": moment.isoformat(),
            "recovery_target_action": "promote",
        }
        server = postgres.start(folder, durable=False, settings=settings)
        with psycopg.connect(server.url(), autocommit=True) as admin:
            _wait_until(lambda: snapshot.one(admin, "SELECT pg_is_in_recovery()") == (False,))
        return server

    def _run(self, name: str, *arguments: str | Path) -> None:
        ended = self.place.account.run(self.place.server_binaries() / name, *arguments)
        assert ended.returncode == 0, ended.stderr


@pytest.fixture
def archiving(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Archiving]:
    folder = tmp_path_factory.mktemp("archiving") / "postgres"
    postgres.start(folder, durable=False)
    postgres.stop(folder)
    place = find_place(folder)
    assert place is not None
    archive = place.folder / "archive"
    place.account.make_folder(archive)
    settings = {
        "wal_level": "replica",
        "max_wal_senders": "3",
        "archive_mode": "on",
        "archive_command": f'test ! -f "{archive}/%f" && cp "%p" "{archive}/%f"',
    }
    server = postgres.start(folder, durable=False, settings=settings)
    yield Archiving(server, place, archive)
    postgres.remove(folder)


def test_back_to_the_moment_before_an_accident(kept, acme, folder, archiving, tmp_path_factory):
    into = replace(work.target(), admin_url=archiving.server.url())
    restore.restore(work.take().path, into, work.keyring())
    second = tmp_path_factory.mktemp("recovered") / "postgres"
    archiving.base_backup(second)
    moment = _the_moment_before_an_accident(into)
    erasure.erase(Person(acme.tenant.id, acme.member.id), Tally())  # since then: it is to be forgotten again
    ledger.sync()
    _archive_all(into, archiving)
    try:
        back = replace(into, admin_url=archiving.until(moment, second).url())
        after = restore._after(back, back.database, ledger.path())
        assert after == {"audit_trails": 2, "erasures": 1}
        assert _names(back) == {"Before the accident"}
        assert _names(into) == {"Lost"}
        with psycopg.connect(back.urls(back.database)["system"]) as inside:
            (email,) = inside.execute("SELECT email FROM accounts_user WHERE id = %s", [acme.member.id]).fetchone()
        assert email == f"{acme.member.id}@erased.invalid"
    finally:
        postgres.remove(second)


def _the_moment_before_an_accident(into: Target) -> datetime:
    with psycopg.connect(_inside(into), autocommit=True) as admin:
        admin.execute("UPDATE accounts_tenant SET name = 'Before the accident'")
        (moment,) = snapshot.one(admin, "SELECT clock_timestamp()")
        admin.execute("UPDATE accounts_tenant SET name = 'Lost'")
        assert isinstance(moment, datetime)
        return moment


def _archive_all(into: Target, archiving: Archiving) -> None:
    """End the current piece of the log and wait until the archive has it."""
    with psycopg.connect(_inside(into), autocommit=True) as admin:
        (last,) = snapshot.one(admin, "SELECT pg_walfile_name(pg_switch_wal())")
    _wait_until((archiving.archive / str(last)).exists)


def _wait_until(is_so: Callable[[], bool]) -> None:
    for _ in range(1_200):
        if is_so():
            return
        time.sleep(0.05)
    pytest.fail("the server does not get there")


def _names(of: Target) -> set[str]:
    with psycopg.connect(_inside(of)) as admin:
        return {str(name) for (name,) in admin.execute("SELECT name FROM accounts_tenant")}


def _inside(of: Target) -> str:
    return of.admin_url.replace("/postgres?", f"/{of.database}?")
