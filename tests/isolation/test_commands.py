"""Every management command of ours: what is about one tenant tells of that one, what is of the installation of none."""

from __future__ import annotations

from io import StringIO
from pathlib import Path
from zipfile import ZipFile

import pytest
from django.apps import apps
from django.core.management import call_command, get_commands

from accounts.backend import own_labels
from accounts.privacy.models import PrivacyJob
from tests.conftest import TenantWithUsers
from tests.isolation.planting import Garden

# What names a tenant, or a person of one; `{out}` is a folder.
OF_ONE_TENANT = {
    "access": "explain {email} process_refund --tenant acme",
    "audit": "export --tenant acme",
    "policy": "simulate auditor@acme.test --tenant acme --rules {out}/rules.json",
    "privacy": "export --user {email} --tenant acme --out {out}",
}
# What is of the installation: it prints numbers, names of tables and keys, and slugs, of whatever tenant.
OF_THE_INSTALLATION = {
    "catalog": "",
    "connections": "list",
    "data_map": "",
    "keys": "list",
    "tenant": "list",
}
# What prints nothing of a row: it starts, stops, makes or takes away; each is walked where it is tested.
TELL_NOTHING = {
    "after_restore",
    "backup",
    "bench",
    "chat",  # a client of the API, with a token
    "doctor",
    "guard_report",  # reads its own cases
    "guard_train",  # reads the texts that are shipped
    "halt",
    "prepare",
    "release",
    "restore",
    "runserver",  # serves, as `serve` does
    "sandbox_model",
    "second_factor",
    "seed",
    "serve",
    "startcomponent",
    "support",
    "unlock",
    "work",  # jobs carry ids; what they do is under policies of the system role
}


def test_every_command_is_walked() -> None:
    ours = {name for name, app in get_commands().items() if _is_ours(app)}
    assert {*OF_ONE_TENANT, *OF_THE_INSTALLATION, *TELL_NOTHING} == ours


def _is_ours(app: object) -> bool:
    label = next((config.label for config in apps.get_app_configs() if config.name == app), "")
    return label == "agentos" or label in own_labels()


def told(name: str, arguments: str, out: Path) -> str:
    """Return all that a command prints and writes."""
    printed = StringIO()
    call_command(name, *arguments.split(), stdout=printed, stderr=printed)
    for archive in out.glob("*.zip"):
        with ZipFile(archive) as parts:
            printed.write("".join(parts.read(part).decode(errors="replace") for part in parts.namelist()))
    return printed.getvalue()


@pytest.fixture
def others(acme: TenantWithUsers, globex: TenantWithUsers) -> list[Garden]:
    gardens = [Garden(acme.tenant, acme.viewer, "mkacmeviewer"), Garden(globex.tenant, globex.member, "mkglobexmember")]
    return [garden.all() for garden in gardens]


@pytest.mark.parametrize("name", OF_ONE_TENANT)
def test_what_is_about_one_tenant_tells_of_no_other(
    name: str, hers: Garden, others: list[Garden], tmp_path: Path
) -> None:
    PrivacyJob.objects.using("system").update(status="done")
    (tmp_path / "rules.json").write_text("[]")
    arguments = OF_ONE_TENANT[name].format(email=hers.user.email, out=tmp_path)
    text = told(name, arguments, tmp_path)
    assert text
    assert others[1].marker not in text
    assert others[1].common not in text
    if name == "privacy":
        assert hers.marker in text
        assert others[0].marker not in text


@pytest.mark.parametrize("name", OF_THE_INSTALLATION)
def test_what_is_of_the_installation_tells_of_no_row(
    name: str, hers: Garden, others: list[Garden], tmp_path: Path
) -> None:
    text = told(name, OF_THE_INSTALLATION[name], tmp_path)
    assert not [word for garden in (hers, *others) for word in (garden.marker, garden.common) if word in text]
