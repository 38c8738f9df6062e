"""Taking a backup: whole and read back under its name, or a loud failure and nothing there."""

from __future__ import annotations

import os
import resource
import subprocess
import sys
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from django.conf import settings as django_settings
from django.core.management import CommandError, call_command

from accounts.models import Tenant, User
from accounts.privacy import ledger
from agentos.backup import dump, facts, jobs, snapshot, work
from agentos.backup.errors import BackupError
from agentos.backup.models import BackupRecord
from agentos.core.clock import utc_now
from tests.database import ROOT

FEW_BYTES = 64 * 1024


def backups_in(folder: Path) -> list[Path]:
    """Return everything in the folder, hidden files too, but for the list of erasures."""
    return [path for path in folder.iterdir() if path.name != ledger.FILE] if folder.exists() else []


def records() -> list[tuple[str, bool, str]]:
    return list(BackupRecord.objects.order_by("at").values_list("kind", "ok", "error_code"))


def test_it_stands_under_its_name_read_back_and_for_its_owner_only(kept, folder):
    written = work.take()
    assert backups_in(folder) == [written.path]
    assert written.path.stat().st_mode & 0o777 == 0o600
    manifest = dump.read_back(written.path, work.keyring())
    assert manifest.tables["public.accounts_tenant"].rows == Tenant.objects.using("system").count()
    assert manifest.tables["public.accounts_user"].rows == User.objects.using("system").count()
    assert manifest.tables["public.accounts_auditrow"].rows == 6
    assert records() == [("backup", True, "")]


def test_nothing_of_anybody_can_be_read_in_the_file(kept, folder):
    data = work.take().path.read_bytes()
    assert b"member@acme.test" not in data and b"acme" not in data.split(b"}}", 1)[1]


def test_a_role_that_sees_nothing_is_refused(kept, folder, monkeypatch):
    for role in ("app", "system", "owner"):
        monkeypatch.setenv("AGENTOS_BACKUP_URL", django_settings.DATABASE_URLS[role])
        with pytest.raises(BackupError, match="row-level security") as raised:
            work.take()
        assert raised.value.code == "backup_role"
    assert backups_in(folder) == []
    assert records() == [("backup", False, "backup_role")] * 3


def test_a_database_that_is_not_there_is_an_error_in_one_sentence(kept, folder, monkeypatch):
    monkeypatch.setenv("AGENTOS_SYSTEM_URL", f"{django_settings.DATABASE_URLS['system']}_gone")
    ended = run("backup")
    assert ended.returncode == 1 and "can't be asked" in ended.stderr and "Traceback" not in ended.stderr


def test_a_database_without_agentos_is_refused(database, cluster, folder):
    with pytest.raises(BackupError) as raised:
        dump.write(cluster.url("postgres"), folder, work.keyring(), roles={})
    assert raised.value.code == "backup_empty"
    assert backups_in(folder) == []


def test_one_at_a_time(kept, folder):
    with snapshot.taken(work.url()), pytest.raises(BackupError) as raised:
        work.take()
    assert raised.value.code == "backup_busy"


def run(*arguments: str, limit: int | None = None) -> subprocess.CompletedProcess[str]:
    def limited() -> None:
        if limit is not None:
            resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))

    command = [sys.executable, "manage.py", *arguments]
    return subprocess.run(command, cwd=ROOT, env=os.environ, capture_output=True, text=True, preexec_fn=limited)


def test_a_full_disk_fails_loudly_and_leaves_nothing(kept, folder):
    ended = run("backup", limit=FEW_BYTES)
    assert ended.returncode == 1
    assert "can't be written" in ended.stderr and "Traceback" not in ended.stderr
    assert backups_in(folder) == []


def test_what_killed_ones_left_makes_room_before_the_next(kept, folder):
    """Even when that one fails: what filled the disk would fail all to come."""
    folder.mkdir()
    left, under_way = (folder / f".{work.database()}-{name}.backup.part" for name in ("old", "new"))
    for path in (left, under_way):
        path.write_bytes(b"x" * FEW_BYTES)
    ago = (utc_now() - timedelta(hours=7)).timestamp()
    os.utime(left, (ago, ago))
    assert run("backup", limit=FEW_BYTES).returncode == 1
    assert backups_in(folder) == [under_way]
    assert work.backups() == []


def test_the_command_names_the_file(kept, folder):
    ended = run("backup")
    (path,) = backups_in(folder)
    assert ended.returncode == 0 and str(path) in ended.stdout
    assert str(path) in run("backup", "--list").stdout


def test_without_a_key_the_command_fails(kept, folder, monkeypatch):
    monkeypatch.setenv("AGENTOS_BACKUP_KEY", "short")
    with pytest.raises(CommandError, match="32 random bytes"):
        call_command("backup")


def test_a_dump_that_fails_on_the_way_leaves_nothing(kept, folder):
    with snapshot.taken(work.url()) as moment:
        gone = replace(moment, name="00000000-00000000-1")
        manifest = dump.Manifest("x", "", moment.server_version, "", {}, moment.tables)
        with pytest.raises(BackupError, match="snapshot") as raised, dump._new_file(folder / "x.backup") as file:
            dump._seal(file, work.url(), work.keyring(), gone, manifest)
    assert raised.value.code == "backup_program"
    assert backups_in(folder) == []


def test_old_ones_die_and_the_newest_stays(kept, folder, settings):
    folder.mkdir()
    made = [folder / f"{work.database()}-2026010{day}T000000Z-aaaaaa.backup" for day in range(1, 6)]
    for age_days, path in zip((40, 31, 29, 2, 35), made, strict=True):
        path.write_bytes(b"x")
        at = (utc_now() - timedelta(days=age_days)).timestamp()
        os.utime(path, (at, at))
    stranger = folder / "other-20260101T000000Z-aaaaaa.backup"
    stranger.write_bytes(b"x")
    assert work.prune() == made[:2]
    assert work.backups() == made[2:] and stranger.exists()
    settings.BACKUP_KEEP_COUNT = 2
    work.prune()
    assert work.backups() == made[3:]


def test_the_daily_job_takes_one_a_day(kept, folder, settings):
    assert jobs.daily_backup()["due"] is True
    assert jobs.daily_backup() == {"due": False}
    BackupRecord.objects.using("system").all().delete()
    settings.BACKUPS = False
    assert jobs.daily_backup() == {"due": False}


def test_a_day_that_failed_is_tried_again(kept, folder, monkeypatch):
    monkeypatch.setenv("AGENTOS_BACKUP_URL", django_settings.DATABASE_URLS["app"])
    with pytest.raises(BackupError):
        jobs.daily_backup()
    assert facts.facts().failed_at is not None
    monkeypatch.delenv("AGENTOS_BACKUP_URL")
    assert jobs.daily_backup()["due"] is True
    assert facts.facts().failed_at is None


def test_readiness_tells_ages_and_fails_only_where_a_limit_is_set(database, settings):
    assert facts.readiness() == {
        "ok": True,
        "detail": "",
        "last_backup_age_seconds": None,
        "last_verified_restore_age_seconds": None,
    }
    settings.BACKUP_MAX_AGE_HOURS = 24
    assert facts.readiness()["ok"] is False
    rows = BackupRecord.objects.using("system")
    rows.create(kind="backup", ok=True, at=utc_now() - timedelta(hours=25))
    assert facts.readiness()["ok"] is False and (facts.facts().backup_age_seconds or 0) >= 25 * 3600
    rows.create(kind="backup", ok=False, at=utc_now())
    assert facts.readiness()["ok"] is False
    rows.create(kind="backup", ok=True, at=utc_now() - timedelta(hours=23))
    rows.create(kind="restore", ok=True, at=utc_now() - timedelta(days=3))
    assert facts.readiness()["ok"] is True and (facts.facts().restore_age_seconds or 0) >= 3 * 86_400


def test_the_application_reads_the_record_and_changes_nothing(database):
    from django.db import ProgrammingError

    BackupRecord.objects.using("system").create(kind="backup", ok=True, at=utc_now())
    assert BackupRecord.objects.count() == 1
    with pytest.raises(ProgrammingError, match="permission denied"):
        BackupRecord.objects.all().delete()
