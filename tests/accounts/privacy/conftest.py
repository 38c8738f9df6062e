"""A superuser's connection for planting and looking, and a place for the list of erasures."""

from __future__ import annotations

from pathlib import Path

import pytest
from django.conf import settings as django_settings
from django.db import connections

from agentos import database as urls
from tests.accounts.privacy.planting import ROOT, Planter
from tests.conftest import in_each_thread

MARKER = "Xanthippe-4711"
OTHER = "Yolanda-0815"


@pytest.fixture
def root_url(database, cluster) -> str:
    return cluster.url(django_settings.DATABASES["default"]["NAME"])


@pytest.fixture
def root(root_url, standing):
    """Add the superuser's connection to Django's for the length of a test, in whatever threads ask for it."""
    connections.databases[ROOT] = {**connections.databases["default"], **urls.django_database(root_url)}
    yield
    in_each_thread(standing, _forget_root)
    _forget_root()
    del connections.databases[ROOT]


def _forget_root() -> None:
    connections[ROOT].close()
    del connections[ROOT]


@pytest.fixture
def folder(settings, tmp_path) -> Path:
    settings.BACKUP_FOLDER = str(tmp_path / "backups")
    return tmp_path / "backups"


@pytest.fixture
def her(root, acme, make_user) -> Planter:
    """A member of acme alone, whose name and address are the marker."""
    user = make_user(acme.tenant, "operator", email=f"{MARKER.lower()}@acme.test")
    type(user).objects.using("system").filter(id=user.id).update(name=MARKER, email=f"{MARKER}@acme.test")
    user.refresh_from_db(using="system")
    return Planter(acme.tenant, user, MARKER)


@pytest.fixture
def colleague(root, acme, make_user) -> Planter:
    return Planter(acme.tenant, make_user(acme.tenant, "operator", email="colleague@acme.test"), OTHER)
