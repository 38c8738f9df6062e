"""`prepare` and `seed`: the demo rows are made once, completed when something is missing, refused in production."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from django.core.management import call_command
from pytest_django import Settings

from accounts import seam
from accounts.models import AuditRow, Membership, ServiceAccount, Tenant, User
from accounts.principals import Principal
from accounts.services import service_accounts
from agentos.core.errors import ConfigError
from agentos.serving import demo_rows, demo_runs
from agentos.serving.seeded import Seeded
from tests.conftest import MakeTenant


@pytest.fixture
def folder(database: None, settings: Settings, tmp_path: Path) -> Path:
    settings.VAR_DIR = tmp_path
    return tmp_path


def key_owner(folder: Path) -> Principal | None:
    key = (folder / "dev_service_key").read_text()
    try:
        return asyncio.run(service_accounts.verify(key))
    finally:
        seam.close()


def test_prepare_makes_tenants_users_and_a_key_for_the_shell(folder: Path) -> None:
    call_command("prepare")
    members = Membership.objects.using("system").select_related("user", "tenant")
    assert {(member.user.email, member.role) for member in members} == {
        (f"{role}@{tenant}.test", role)
        for role in ("admin", "approver", "auditor", "member", "viewer")
        for tenant in ("acme", "globex")
    }
    assert all(member.user.is_demo and member.tenant.is_demo for member in members)
    assert all(member.user.check_password("demo") for member in members)
    owner = key_owner(folder)
    assert owner is not None
    assert (owner.email, owner.tenant_slug, owner.via) == ("member@acme.test", "acme", "key")
    assert owner.has("agents:helpdesk:run")
    assert not owner.has("approvals:decide")
    assert (folder / "dev_service_key").stat().st_mode & 0o777 == 0o600
    assert Seeded.read(folder) == Seeded(users=True, runs=False)


def test_a_second_time_changes_nothing(folder: Path) -> None:
    call_command("prepare")
    key = (folder / "dev_service_key").read_text()
    call_command("prepare")
    call_command("seed")
    assert (folder / "dev_service_key").read_text() == key
    assert Tenant.objects.using("system").count() == 2
    assert User.objects.using("system").count() == 10


@pytest.mark.parametrize("loss", ["deleted", "wrong"])
def test_a_lost_key_is_replaced_and_its_account_ends(folder: Path, loss: str) -> None:
    demo_rows.ensure()
    path = folder / "dev_service_key"
    before = path.read_text()
    path.unlink() if loss == "deleted" else path.write_text("aos_00000000_wrong")
    demo_rows.ensure()
    assert key_owner(folder) is not None
    acme = Tenant.objects.using("system").get(slug="acme")
    keys = ServiceAccount.objects.using("system").filter(tenant=acme)
    assert (keys.count(), keys.filter(revoked_at=None).count()) == (2, 1)
    actions = list(AuditRow.objects.using("system").order_by("seq").values_list("action", flat=True))
    assert actions == ["service_account.created", "service_account.revoked", "service_account.created"]
    path.write_text(before)
    assert key_owner(folder) is None


def test_a_tenant_of_somebody_elses_gets_no_demo_users(folder: Path, make_tenant: MakeTenant) -> None:
    make_tenant("acme")
    with pytest.raises(ConfigError, match=r"^seed: acme is a tenant of yours"):
        demo_rows.ensure()
    assert not User.objects.using("system").exists()


@pytest.mark.parametrize("command", [["seed"], ["seed", "--runs"]])
def test_production_refuses_demo_data(
    folder: Path, settings: Settings, capsys: pytest.CaptureFixture[str], command: list[str]
) -> None:
    settings.PRODUCTION = True
    with pytest.raises(SystemExit):
        call_command(*command)
    assert "seed: demo data are refused when AGENTOS_ENV=production" in capsys.readouterr().err
    call_command("prepare")
    assert not Tenant.objects.using("system").exists()
    assert list(folder.iterdir()) == []


def test_runs_need_a_server(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        call_command("seed", "--runs", "--base-url", "http://127.0.0.1:1")
    assert "http://127.0.0.1:1 does not answer" in capsys.readouterr().err


def test_a_real_model_is_not_asked_to_fail() -> None:
    assert [scene.session for scene in demo_runs.SCENES if scene.sandbox_only] == ["demo-failed"]
