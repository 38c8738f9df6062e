"""`manage.py privacy`: the same, for whoever runs the installation."""

from __future__ import annotations

import json
import zipfile

import pytest
from django.core.management import CommandError, call_command

from accounts.models import Membership
from accounts.privacy.models import ExportPart


@pytest.fixture(autouse=True)
def _folder(folder):
    """Erasures are listed in a folder of the test's own."""


def test_it_exports_from_every_tenant_that_knows_her(acme, globex, make_user, tmp_path, capsys):
    make_user(globex.tenant, "viewer", email="member@acme.test")
    call_command("privacy", "export", user="MEMBER@acme.test", out=tmp_path)
    archives = sorted(tmp_path.glob("export-*.zip"))
    assert [path.name.split("-")[1] for path in archives] == ["acme", "globex"]
    assert {path.stat().st_mode & 0o777 for path in archives} == {0o600}
    assert zipfile.ZipFile(archives[0]).testzip() is None
    assert not ExportPart.objects.using("system").exists()


def test_it_erases_from_one_tenant_and_the_receipt_is_genuine(acme, globex, make_user, tmp_path, capsys):
    make_user(globex.tenant, "viewer", email="member@acme.test")
    call_command("privacy", "erase", user="member@acme.test", tenant="acme", yes=True)
    receipt = json.loads(capsys.readouterr().out)
    assert receipt["tenant"]["slug"] == "acme" and not receipt["name_forgotten"]
    kept = Membership.objects.using("system").filter(user=acme.member)
    assert [member.tenant_id for member in kept] == [globex.tenant.id]
    file = tmp_path / "receipt.json"
    file.write_text(json.dumps(receipt))
    call_command("privacy", "verify", file)
    assert "genuine: erasure" in capsys.readouterr().out
    said_twice = '{"subject": "somebody else", ' + json.dumps(receipt).removeprefix("{")
    for text in (json.dumps({**receipt, "left": {"agents_run": 1}}), said_twice, "[]", "{", "\x00"):
        file.write_text(text)
        with pytest.raises(CommandError, match="not a receipt"):
            call_command("privacy", "verify", file)


def test_it_asks_before_it_erases(acme, monkeypatch):
    monkeypatch.setattr("builtins.input", lambda question: "no")
    with pytest.raises(CommandError, match="Nothing was erased"):
        call_command("privacy", "erase", user=str(acme.member.id))
    assert Membership.objects.using("system").filter(user=acme.member).exists()


@pytest.mark.parametrize("user", ["nobody@acme.test", "", "0197a1b2-0000-7000-8000-000000000000"])
def test_nobody_is_nobody(acme, user):
    with pytest.raises(CommandError, match="no such person"):
        call_command("privacy", "erase", user=user, yes=True)


def test_it_says_why_not(acme):
    with pytest.raises(CommandError, match="last administrator"):
        call_command("privacy", "erase", user="admin@acme.test", yes=True)
