"""A folder of one's own for the backups of a test, and rows worth keeping."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path

import pytest
from django.conf import settings as django_settings

from accounts import audit
from accounts.tenancy import tenant_scope
from agentos.backup import dump, keys, vault, work
from agentos.core.types import JsonObject, json_bytes


@pytest.fixture
def folder(settings, tmp_path, monkeypatch) -> Path:
    """The folder of the backups; children of the test use it too."""
    settings.BACKUP_FOLDER = str(tmp_path / "backups")
    monkeypatch.setenv("AGENTOS_BACKUP_FOLDER", settings.BACKUP_FOLDER)
    settings.AUDIT_FOLDER = str(tmp_path / "audit")
    monkeypatch.setenv("AGENTOS_AUDIT_FOLDER", settings.AUDIT_FOLDER)
    monkeypatch.setenv("AGENTOS_BACKUP_KEY", keys.new_key())
    monkeypatch.delenv("AGENTOS_BACKUP_URL", raising=False)
    return Path(settings.BACKUP_FOLDER)


@pytest.fixture
def kept(acme, globex):
    """Two tenants whose audit trails have something in them."""
    for tenant in (acme, globex):
        with tenant_scope(tenant.tenant.id):
            audit.append([audit.Entry("test.done", "thing", str(n)) for n in range(3)], tenant_id=tenant.tenant.id)
    return acme


@pytest.fixture
def databases_of(cluster) -> Callable[[], set[str]]:
    """Tell which databases the server has beside the one of the tests."""
    return lambda: {name for name in cluster._names() if name.startswith(django_settings.DATABASES["default"]["NAME"])}


def resealed(path: Path, change: Callable[[JsonObject], None]) -> Path:
    """Return a genuine backup whose manifest says something else."""
    ring = work.keyring()
    with dump.contents(path, ring) as (manifest, chunks):
        rest = b"".join(chunks)
    said = {"schema": dump.SCHEMA, **asdict(manifest)}
    change(said)
    body = json_bytes(said)
    other = path.with_name(f"other-{path.name}")
    with other.open("wb") as file:
        sealer = vault.Sealer(file, ring, {})
        sealer.write(dump._SIZE.pack(len(body)) + body + rest)
        sealer.finish()
    return other
