"""Permissions in Django's terms: what each role grants, and that nothing else does."""

from __future__ import annotations

import pytest
from django.contrib import admin

from accounts.backend import MembershipBackend, own_labels
from accounts.models import Role, User
from accounts.scopes import scopes_of

SEES = "governance.view_approval"
DECIDES = "governance.change_approval"
RUNS = "agents.view_run"
TRAIL = "accounts.view_auditrow"
PEOPLE = "accounts.change_membership"


@pytest.mark.parametrize(
    ("role", "granted"),
    [
        (Role.ADMIN, {SEES, DECIDES, RUNS, TRAIL, PEOPLE}),
        (Role.APPROVER, {SEES, DECIDES, RUNS}),
        (Role.OPERATOR, {SEES, RUNS}),
        (Role.AUDITOR, {SEES, RUNS, TRAIL}),
        (Role.MEMBER, set()),
        (Role.VIEWER, set()),
        ("emperor", set()),
    ],
)
def test_roles_grant(role: str, granted: set[str]) -> None:
    user = User(is_active=True)
    user.scopes = scopes_of(role)
    assert {perm for perm in (SEES, DECIDES, RUNS, TRAIL, PEOPLE) if user.has_perm(perm)} == granted
    assert user.has_module_perms("governance") is bool(granted)
    assert user.is_staff is bool(granted)


@pytest.mark.parametrize("role", [Role.ADMIN, Role.AUDITOR])
@pytest.mark.parametrize("label", ["django_q", "guardian", "auth", "sessions", "admin", "contenttypes"])
def test_nobody_is_granted_the_tables_of_packages(role: str, label: str) -> None:
    user = User(is_active=True)
    user.scopes = scopes_of(role)
    assert not user.has_perm(f"{label}.view_anything")
    assert not user.has_perm(f"{label}.add_anything")
    assert not user.has_module_perms(label)


def test_the_admin_shows_no_tables_of_packages() -> None:
    shown = {model._meta.label for model in admin.site._registry}
    assert {"accounts.Membership", "agents.Run", "governance.Approval"} <= shown
    assert {label.partition(".")[0] for label in shown} <= own_labels()


def test_flags_and_absent_roles_grant_nothing() -> None:
    user = User(is_active=True)
    assert not user.has_perm(SEES)
    user.scopes = scopes_of(Role.ADMIN)
    user.is_active = False
    assert not user.has_perm(SEES)
    assert not user.has_module_perms("governance")
    assert not MembershipBackend().has_perm(object.__new__(type("Anonymous", (), {"is_active": True})), SEES)


def test_a_superuser_flag_is_taken_off(make_tenant: object, make_user: object, database: None) -> None:
    User.objects.using("system").create(email="root@nowhere.test", is_superuser=True)
    stored = User.objects.using("system").get(email="root@nowhere.test")
    loaded = MembershipBackend().get_user(stored.id)
    assert loaded is not None
    assert not loaded.is_superuser
    assert not loaded.has_perm(SEES)
    assert MembershipBackend().get_user("7") is None
