"""Who may what, as Django asks it: a password checked through the system role, permissions from the roles."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.apps import apps
from django.contrib.auth.backends import BaseBackend
from django.http import HttpRequest

from accounts.models import Role, User
from accounts.services import sessions, sign_ins, tokens
from accounts.services.attempts import attempts
from agentos.core.errors import RateLimited
from agentos.core.ids import parse_id

_RUNS = frozenset({"agents.view_run", "agents.view_step", "agents.view_session", "agents.view_runevents"})
_SEES_APPROVALS = frozenset({"governance.view_approval"})
ROLE_PERMISSIONS: dict[str, frozenset[str]] = {
    Role.OPERATOR: _RUNS | _SEES_APPROVALS,
    Role.APPROVER: _RUNS | _SEES_APPROVALS | {"governance.change_approval"},
}
# Django's admin asks for the module before it asks for a permission.
_ALL_MODULES = frozenset({Role.ADMIN, Role.AUDITOR})


class MembershipBackend(BaseBackend):
    """Signs members in and answers for their permissions: what no role grants is denied."""

    def authenticate(
        self,
        request: HttpRequest | None,
        username: str | None = None,
        password: str | None = None,
        **kwargs: Any,
    ) -> User | None:
        """Return the user if the password fits and she is a member somewhere; None also when slowed down."""
        if not username or password is None:
            return None
        client = request.META.get("REMOTE_ADDR", "") if request is not None else ""
        try:
            attempts.admit(username, client)
        except RateLimited:
            return None
        user = tokens.check_password(username, password, client)
        if user is None or not (members := sessions.memberships(user.id)):
            attempts.failed(username, client)
            return None
        attempts.succeeded(username, client)
        sign_ins.record(members[0], via="password")
        user.roles = frozenset(member.role for member in members)
        return user

    def get_user(self, user_id: UUID | str) -> User | None:
        """Return the active user, without any role until the tenant is known."""
        if (known := parse_id(str(user_id))) is None:
            return None
        user = User.objects.using("system").filter(id=known, is_active=True).first()
        if user is not None:
            user.is_superuser = False  # Django would ask nobody else: here only roles grant anything
        return user

    def has_perm(self, user_obj: Any, perm: str, obj: object = None) -> bool:
        return user_obj.is_active and any(_grants(role, perm) for role in _roles(user_obj))

    def has_module_perms(self, user_obj: Any, app_label: str) -> bool:
        roles = _roles(user_obj)
        named = (perm for role in roles for perm in ROLE_PERMISSIONS.get(role, ()))
        sees_all = not roles.isdisjoint(_ALL_MODULES) and app_label in own_labels()
        return user_obj.is_active and (sees_all or any(perm.startswith(f"{app_label}.") for perm in named))


def own_labels() -> frozenset[str]:
    """Return the labels of our applications and of those added to them; packages stand before `accounts`."""
    labels = list(apps.app_configs)
    return frozenset(labels[labels.index("accounts") :])


def _roles(user: Any) -> frozenset[str]:
    return user.roles if isinstance(user, User) else frozenset()


def _grants(role: str, perm: str) -> bool:
    label, _, verb = perm.partition(".")
    if role == Role.ADMIN:
        return label in own_labels()
    if role == Role.AUDITOR:
        return label in own_labels() and verb.startswith("view_")
    return perm in ROLE_PERMISSIONS.get(role, ())
