"""Checkpoints outside the database: when they are written, and what they find that the database alone does not show."""

from __future__ import annotations

import json
import logging
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command

from accounts import audit, audit_chain, audit_checkpoints
from accounts.audit_checkpoints import CheckpointError
from accounts.models import AuditHead, AuditRow
from accounts.services import checkpoints
from agentos.core.clock import utc_now
from tests.accounts.test_audit import as_superuser, write
from tests.conftest import TenantWithUsers

SEAL = "UPDATE accounts_audithead SET seq = %s, hash = %s, seal = %s"


@pytest.fixture(autouse=True)
def folder(settings: Any, tmp_path: Path) -> Path:
    settings.AUDIT_FOLDER = str(tmp_path / "outside")
    return tmp_path / "outside"


def cut(team: TenantWithUsers, to: int) -> None:
    """Cut the trail's tail and put back the head of then, seal and all, as who kept an old copy of it could."""
    link = AuditRow.objects.using("system").get(tenant_id=team.tenant.id, seq=to).hash
    sealed = audit_chain.seal(audit.keys().newest, str(team.tenant.id), to, link)
    with as_superuser("accounts_auditrow") as cursor:
        cursor.execute("DELETE FROM accounts_auditrow WHERE seq > %s", [to])
    with as_superuser("accounts_audithead") as cursor:
        cursor.execute(SEAL, [to, link, sealed])


def test_the_first_rows_get_one_and_then_so_many(acme: TenantWithUsers, settings: Any, folder: Path) -> None:
    assert checkpoints.write_due() == {"written": 0, "broken": 0}
    write(acme)
    assert checkpoints.write_due() == {"written": 1, "broken": 0}
    assert checkpoints.write_due() == {"written": 0, "broken": 0}
    write(acme)
    assert checkpoints.write_due()["written"] == 0
    settings.AUDIT_CHECKPOINT_ROWS = 3
    assert checkpoints.write_due()["written"] == 1
    lines = [json.loads(line) for line in (folder / "checkpoints.jsonl").read_text().splitlines()]
    assert [line["seq"] for line in lines] == [3, 6]
    assert (folder / "checkpoints.jsonl").stat().st_mode & 0o777 == 0o600


def test_a_day_is_enough(acme: TenantWithUsers, monkeypatch: pytest.MonkeyPatch) -> None:
    write(acme)
    checkpoints.write_due()
    write(acme, 1)
    assert checkpoints.write_due()["written"] == 0
    later = utc_now() + timedelta(days=1)
    monkeypatch.setattr(checkpoints, "utc_now", lambda: later)
    assert checkpoints.write_due()["written"] == 1


def test_the_log_tells_each(acme: TenantWithUsers, caplog: pytest.LogCaptureFixture) -> None:
    write(acme)
    with caplog.at_level(logging.INFO, logger="accounts.audit_checkpoints"):
        checkpoints.write_due()
    said = json.loads(caplog.messages[0].removeprefix("audit checkpoint "))
    assert (said["tenant"], said["seq"]) == (str(acme.tenant.id), 3)
    assert audit_chain.is_signed(said, audit.keys().publics)


def test_a_tail_cut_with_an_older_head_is_found(acme: TenantWithUsers) -> None:
    write(acme)
    checkpoints.write_due()
    cut(acme, 2)
    assert audit.verify(acme.tenant.id) == 3
    assert checkpoints.write_due() == {"written": 0, "broken": 0}, "not due yet"


def test_a_trail_emptied_with_its_head_is_found(acme: TenantWithUsers) -> None:
    write(acme)
    checkpoints.write_due()
    for table in ("accounts_auditrow", "accounts_audithead"):
        with as_superuser(table) as cursor:
            cursor.execute(f"TRUNCATE {table}")  # type: ignore[arg-type]
    assert audit.verify(acme.tenant.id) == 1


def test_a_trail_written_anew_with_the_key_is_found(acme: TenantWithUsers) -> None:
    """Even who has the key can't make what was signed outside unsaid."""
    write(acme)
    checkpoints.write_due()
    cut(acme, 2)
    write(acme, 2)
    assert audit.verify(acme.tenant.id) == 3


def test_a_broken_trail_gets_no_checkpoint(
    acme: TenantWithUsers, globex: TenantWithUsers, caplog: pytest.LogCaptureFixture
) -> None:
    write(acme)
    write(globex)
    with as_superuser("accounts_auditrow") as cursor:
        cursor.execute("UPDATE accounts_auditrow SET action = 'x' WHERE seq = 2 AND tenant_id = %s", [acme.tenant.id])
    assert checkpoints.write_due() == {"written": 1, "broken": 1}
    assert f"tenant {acme.tenant.id} is broken at entry 2" in caplog.text
    assert set(audit_checkpoints.read(audit.keys())) == {globex.tenant.id}


@pytest.mark.parametrize("change", [("2026", "2027"), ('"seq":3', '"seq":2'), ("{", "["), ("form", "from")])
def test_a_changed_line_is_found(acme: TenantWithUsers, folder: Path, change: tuple[str, str]) -> None:
    write(acme)
    checkpoints.write_due()
    file = folder / "checkpoints.jsonl"
    file.write_text(file.read_text().replace(*change, 1))
    with pytest.raises(CheckpointError, match=r"Line 1 of checkpoints.jsonl was changed"):
        audit.verify(acme.tenant.id)


def test_a_torn_line_is_made_good(acme: TenantWithUsers, folder: Path, settings: Any) -> None:
    settings.AUDIT_CHECKPOINT_ROWS = 1
    write(acme)
    checkpoints.write_due()
    file = folder / "checkpoints.jsonl"
    with file.open("a") as torn:
        torn.write('{"form":1,"ten')
    assert audit.verify(acme.tenant.id) is None
    write(acme)
    checkpoints.write_due()
    assert [line["seq"] for line in audit_checkpoints.lines(audit.keys())] == [3, 6]


def test_keys_rotate(acme: TenantWithUsers, settings: Any) -> None:
    settings.AGENTOS_AUDIT_KEY = "the first key, long enough for anybody"
    write(acme)
    checkpoints.write_due()
    settings.AUDIT_OLD_KEYS = [settings.AGENTOS_AUDIT_KEY]
    settings.AGENTOS_AUDIT_KEY = "the second key, long enough for anybody"
    write(acme)
    assert audit.verify(acme.tenant.id) is None
    assert len(set(AuditRow.objects.using("system").values_list("key_id", flat=True))) == 2
    settings.AUDIT_OLD_KEYS = []
    with pytest.raises(CheckpointError, match="AGENTOS_AUDIT_OLD_KEYS"):
        audit.verify(acme.tenant.id)


def test_an_older_backup_is_accepted_by_a_signed_line(acme: TenantWithUsers) -> None:
    write(acme, 5)
    checkpoints.write_due()
    cut(acme, 2)
    assert audit.verify(acme.tenant.id) == 3
    assert audit.verify(acme.tenant.id, may_be_older=True) is None
    assert checkpoints.accept_restored() == 1
    assert checkpoints.accept_restored() == 0
    assert audit.verify(acme.tenant.id) is None
    newest = AuditRow.objects.using("system").order_by("-seq")[0]
    assert (newest.seq, newest.action, newest.detail) == (3, "audit.restored", {"entries": 2, "before": 5})
    write(acme, 5)
    assert audit.verify(acme.tenant.id) is None
    assert AuditHead.objects.using("system").get().seq == 8


def test_a_second_restore_is_accepted_as_the_first(acme: TenantWithUsers) -> None:
    """What the first one left is said with it, though no checkpoint knows of its entries any more."""
    write(acme, 5)
    checkpoints.write_due()
    cut(acme, 3)
    assert checkpoints.accept_restored() == 1
    cut(acme, 2)
    assert audit.verify(acme.tenant.id) == 3
    assert checkpoints.write_due() == {"written": 0, "broken": 1}
    assert checkpoints.accept_restored() == 1
    assert audit.verify(acme.tenant.id) is None
    assert checkpoints.write_due() == {"written": 1, "broken": 0}


def test_the_maintenance_jobs_write_them() -> None:
    from agentos.maintenance import JOBS

    assert "accounts.services.checkpoints.write_due" in {job.function for job in JOBS}


def test_the_command_accepts_a_restored_trail(acme: TenantWithUsers, capsys: pytest.CaptureFixture[str]) -> None:
    write(acme, 5)
    checkpoints.write_due()
    cut(acme, 2)
    call_command("audit", "accept-restored")
    assert "1" in capsys.readouterr().out
    call_command("audit", "verify")
