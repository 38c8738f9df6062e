"""The roles of a tenant: the built-in ones, which are in step with the code, and those that it makes itself.

Nobody grants more than she holds: neither in a role nor by giving one.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from uuid import UUID

from django.db import IntegrityError, transaction

from accounts import audit, scopes
from accounts.models import Membership, Tenant, TenantRole
from accounts.principals import Principal, cache
from accounts.tenancy import tenant_scope
from agentos.core.errors import Conflict, Invalid, NotFound, PolicyDenied
from agentos.core.types import clean_text

NAME = re.compile(r"[a-z][a-z0-9_-]{0,47}")
MAX_SCOPES = 200
# An approval is shown with the run that asks for it, which the database keeps from who may not read everybody's.
NEEDS = {"approvals:read": "runs:read_all", "approvals:decide": "approvals:read"}
MAX_DESCRIPTION_CHARS = 200


def seed(tenant_ids: Iterable[UUID], *, using: str = "system") -> None:
    """Write the built-in roles of tenants as the code says they are now. Commits with the caller; repeatable."""
    rows = [role for tenant_id in tenant_ids for role in built_in(tenant_id)]
    TenantRole.objects.using(using).bulk_create(
        rows, update_conflicts=True, unique_fields=["tenant", "name"], update_fields=["scopes", "built_in"]
    )


def built_in(tenant_id: UUID) -> list[TenantRole]:
    """Return the built-in roles of a tenant as the code says they are now, not stored yet."""
    return [
        TenantRole(tenant_id=tenant_id, name=role, scopes=sorted(granted), built_in=True)
        for role, granted in scopes.ROLE_SCOPES.items()
    ]


def sync() -> int:
    """Bring the built-in roles of every tenant into step with the code; return how many tenants lagged behind."""
    wanted = {str(role): sorted(granted) for role, granted in scopes.ROLE_SCOPES.items()}
    found: dict[UUID, dict[str, list[str]]] = {
        tenant_id: {} for tenant_id in Tenant.objects.using("system").values_list("id", flat=True)
    }
    built_in = TenantRole.objects.using("system").filter(built_in=True)
    for tenant_id, name, granted in built_in.values_list("tenant_id", "name", "scopes"):
        found.setdefault(tenant_id, {})[name] = sorted(granted)
    behind = [tenant_id for tenant_id, roles in found.items() if roles != wanted]
    seed(behind)
    return len(behind)


def create(principal: Principal, *, name: str, scopes_asked: Sequence[str], description: str = "") -> TenantRole:
    """Make a role of the principal's tenant; audited.

    Raises: PolicyDenied for a scope that she does not hold herself, Invalid, Conflict for a name taken.
    """
    principal.require("members:write")
    granted = _checked(principal, scopes_asked)
    if not NAME.fullmatch(name):
        raise Invalid("A role's name is 1 to 48 lower-case letters, digits, - and _, and begins with a letter.")
    role = TenantRole(tenant_id=principal.tenant_id, name=name, scopes=granted, description=_short(description))
    with tenant_scope(principal.tenant_id, principal.user_id):
        try:
            with transaction.atomic():
                role.save(force_insert=True)
        except IntegrityError:
            raise Conflict(f"There is a role named {name}.", code="role_exists") from None
        _record(principal, "role.created", role)
    return role


def change(principal: Principal, *, role_id: UUID, scopes_asked: Sequence[str], description: str = "") -> TenantRole:
    """Give a role of one's own tenant other scopes, in force within five seconds; audited.

    Raises: PolicyDenied for a scope that she does not hold herself, Invalid, NotFound, Conflict for a built-in role.
    """
    granted = _checked(principal, scopes_asked)
    with tenant_scope(principal.tenant_id, principal.user_id):
        role = _locked(principal, role_id)
        role.scopes, role.description = granted, _short(description)
        role.save(update_fields=["scopes", "description"])
        _record(principal, "role.changed", role)
        transaction.on_commit(cache.forget)
    return role


def delete(principal: Principal, *, role_id: UUID) -> None:
    """Delete a role that nobody has. Audited. Raises: PolicyDenied, NotFound, Conflict."""
    with tenant_scope(principal.tenant_id, principal.user_id):
        role = _locked(principal, role_id)
        if Membership.objects.filter(tenant_id=principal.tenant_id, role=role.name).exists():
            raise Conflict(f"Somebody has the role {role.name}: give her another one first.", code="role_in_use")
        _record(principal, "role.deleted", role)
        role.delete()


def of_name(principal: Principal, name: str) -> TenantRole:
    """Return the tenant's role with this name if the principal may give or take it. Caller holds the scope.

    Raises: Invalid when there is none, PolicyDenied when it grants more than she holds.
    """
    role = TenantRole.objects.filter(tenant_id=principal.tenant_id, name=clean_text(name)).first()
    if role is None:
        raise Invalid(f"There is no role {name!r}.", code="unknown_role")
    require_held(principal, role.scopes)
    return role


def require_held(principal: Principal, granted: Iterable[str]) -> None:
    """Raises: PolicyDenied when one of the scopes is not the principal's own."""
    if beyond := sorted(scope for scope in granted if not principal.has(scope)):
        raise PolicyDenied(f"You do not hold {', '.join(beyond)} yourself.", code="grants_too_much")


def _locked(principal: Principal, role_id: UUID) -> TenantRole:
    principal.require("members:write")
    roles = TenantRole.objects.filter(tenant_id=principal.tenant_id, id=role_id)
    if (built_in := roles.filter(built_in=True).first()) is not None:  # policies let nobody lock it
        raise Conflict(f"The role {built_in.name} is built in: make one of your own.", code="role_built_in")
    role = roles.select_for_update().first()
    if role is None:
        raise NotFound("There is no such role.")
    require_held(principal, role.scopes)
    return role


def _checked(principal: Principal, asked: Sequence[str]) -> list[str]:
    if len(asked) > MAX_SCOPES:
        raise Invalid(f"A role has at most {MAX_SCOPES} scopes.")
    if unknown := sorted(scope for scope in asked if scope == scopes.ADMIN or not scopes.is_known(scope)):
        raise Invalid(f"A role can't have {', '.join(unknown)}.", code="unknown_scope")
    require_held(principal, asked)
    for scope, needed in NEEDS.items():
        if scope in asked and not scopes.grants(frozenset(asked), needed):
            raise Invalid(f"{scope} needs {needed} as well: it shows nothing without.", code="scope_needs_another")
    return sorted(set(asked))


def _short(text: str) -> str:
    return clean_text(text).strip()[:MAX_DESCRIPTION_CHARS]


def _record(principal: Principal, action: str, role: TenantRole) -> None:
    detail = {"name": role.name, "scopes": list(role.scopes)}
    entry = audit.Entry(action, "role", str(role.id), detail, principal.user_id)
    audit.append([entry], tenant_id=principal.tenant_id)
