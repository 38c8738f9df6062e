"""Who may what, as Django asks it: a password checked through the system role, permissions from the scopes."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.apps import apps
from django.contrib.auth.backends import BaseBackend
from django.http import HttpRequest

from accounts.asked import AskedOften
from accounts.models import User
from accounts.scopes import ADMIN
from accounts.services import attempts, sessions, tokens
from agentos.core.errors import RateLimited
from agentos.core.ids import parse_id

_VIEW_RUNS = frozenset({"agents.view_run", "agents.view_step", "agents.view_session", "agents.view_runevents"})
# What a scope opens in the admin. Whoever reads the audit trail may look at every table, an administrator does all.
SCOPE_PERMISSIONS: dict[str, frozenset[str]] = {
    "runs:read_all": _VIEW_RUNS,
    "approvals:read": frozenset({"governance.view_approval"}),
    "approvals:decide": frozenset({"governance.view_approval", "governance.change_approval"}),
    "usage:read": frozenset({"governance.view_budget"}),
    "budgets:write": frozenset(f"governance.{verb}_budget" for verb in ("view", "add", "change", "delete")),
    "policies:read": frozenset({"governance.view_guardsetting"}),
    "guards:write": frozenset(f"governance.{verb}_guardsetting" for verb in ("view", "add", "change", "delete")),
    "members:read": frozenset(
        f"accounts.view_{model}" for model in ("membership", "tenantrole", "grant", "invitation", "supportentry")
    ),
    "members:write": frozenset(
        {
            "accounts.view_supportentry",
            *(
                f"accounts.{verb}_{model}"
                for verb in ("view", "add", "change", "delete")
                for model in ("membership", "tenantrole", "grant", "invitation")
            ),
        }
    ),
    "service_accounts:read": frozenset({"accounts.view_serviceaccount"}),
    "service_accounts:write": frozenset({"accounts.view_serviceaccount", "accounts.add_serviceaccount"}),
}
_LOOKS_EVERYWHERE = "audit:read"
_active = AskedOften(lambda user_id: User.objects.using("system").filter(id=user_id, is_active=True))


class MembershipBackend(BaseBackend):
    """Signs members in and answers for their permissions: what no scope opens is denied."""

    def authenticate(
        self,
        request: HttpRequest | None,
        username: str | None = None,
        password: str | None = None,
        **kwargs: Any,
    ) -> User | None:
        """Return the user if the password fits and she is a member somewhere; None also when slowed down.

        A second factor may be missing still: `accounts.entering` opens sessions, and audits them.
        """
        if not username or password is None:
            return None
        client = request.META.get("REMOTE_ADDR", "") if request is not None else ""
        try:
            ticket = attempts.admit(username, client)
        except RateLimited:
            return None
        user = tokens.check_password(username, password, client)
        if user is None or not (members := sessions.memberships(user.id)):
            return None
        attempts.succeeded(ticket)
        user.scopes = frozenset().union(*(member.granted.scopes for member in members))
        return user

    def get_user(self, user_id: UUID | str) -> User | None:
        """Return the active user, without any scope until the tenant is known."""
        if (known := parse_id(str(user_id))) is None:
            return None
        user = next(iter(_active.rows(known)), None)
        if user is not None:
            user.is_superuser = False  # Django would ask nobody else: here only roles grant anything
        return user

    def has_perm(self, user_obj: Any, perm: str, obj: object = None) -> bool:
        return user_obj.is_active and _grants(_scopes(user_obj), perm)

    def has_module_perms(self, user_obj: Any, app_label: str) -> bool:
        scopes = _scopes(user_obj)
        sees_all = not scopes.isdisjoint({ADMIN, _LOOKS_EVERYWHERE}) and app_label in own_labels()
        return user_obj.is_active and (sees_all or any(perm.startswith(f"{app_label}.") for perm in _opened(scopes)))


def own_labels() -> frozenset[str]:
    """Return the labels of our applications and of those added to them; packages stand before `accounts`."""
    labels = list(apps.app_configs)
    return frozenset(labels[labels.index("accounts") :])


def _scopes(user: Any) -> frozenset[str]:
    return user.scopes if isinstance(user, User) else frozenset()


def _opened(scopes: frozenset[str]) -> frozenset[str]:
    return frozenset().union(*(SCOPE_PERMISSIONS.get(scope, frozenset()) for scope in scopes))


def _grants(scopes: frozenset[str], perm: str) -> bool:
    label, _, verb = perm.partition(".")
    if ADMIN in scopes:
        return label in own_labels()
    if _LOOKS_EVERYWHERE in scopes and verb.startswith("view_") and label in own_labels():
        return True
    return perm in _opened(scopes)
