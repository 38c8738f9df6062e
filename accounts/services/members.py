"""Who belongs to a tenant, and as what. A tenant always keeps an administrator who can sign in."""

from __future__ import annotations

import logging
from functools import partial
from uuid import UUID

from django.db import transaction

from accounts import audit
from accounts.models import Membership, Role, TenantRole, User
from accounts.principals import Principal, cache
from accounts.scopes import ADMIN
from accounts.services import roles, service_accounts
from accounts.tenancy import tenant_scope
from agentos.core.errors import Conflict, NotFound
from agentos.core.types import JsonObject

logger = logging.getLogger(__name__)


def change_role(principal: Principal, *, user_id: UUID, role: str) -> None:
    """Give a member another role, in force within five seconds; audited.

    Raises: PolicyDenied, also for a role that grants more than the principal holds, the old one or the new one;
    Invalid, NotFound, Conflict for the last administrator.
    """
    with tenant_scope(principal.tenant_id, principal.user_id):
        member = _locked(principal, user_id, keeps_admin=role == Role.ADMIN)
        roles.of_name(principal, role)
        if member.role != role:
            member.role = role
            member.save(update_fields=["role"])
            _record(principal, "member.role_changed", user_id, role)
        transaction.on_commit(cache.forget)


def remove(principal: Principal, *, user_id: UUID) -> None:
    """End a membership, and once that is committed the service accounts that act for the user; what she did stays.

    Audited. They end in the system role, which would wait for the trail that the caller's transaction holds. A process
    that dies in between leaves accounts that do nothing, and end when she joins again.
    Raises: PolicyDenied, also when her role grants more than the principal holds; NotFound, Conflict for the last
    administrator.
    """
    with tenant_scope(principal.tenant_id, principal.user_id):
        member = _locked(principal, user_id, keeps_admin=False)
        member.delete()
        _record(principal, "member.removed", user_id, member.role)
        transaction.on_commit(partial(_end_accounts, principal.tenant_id, user_id, principal.user_id))


def _end_accounts(tenant_id: UUID, user_id: UUID, actor_id: UUID) -> None:
    service_accounts.end_former(tenant_id=tenant_id, user_id=user_id, actor_id=actor_id)
    cache.forget()


def follow_group(user: User, *, tenant_slug: str, role: str) -> None:
    """Give a user the role that a group of her sign-in provider means in a tenant; audited. Commits with the caller.

    Administrators stay what they are, nobody becomes one, and a tenant or role that is not there is logged.
    """
    granted = TenantRole.objects.using("system").filter(tenant__slug=tenant_slug, name=role).first()
    if granted is None or ADMIN in granted.scopes:
        logger.warning("a group means the role %s in %s, which is none to give", role, tenant_slug)
        return
    places = Membership.objects.using("system").filter(tenant_id=granted.tenant_id, user_id=user.id)
    member = places.select_for_update(of=("self",)).first()
    if member is None:
        places.create(tenant_id=granted.tenant_id, user_id=user.id, role=role)
        service_accounts.end_former(tenant_id=granted.tenant_id, user_id=user.id)
        _tell(granted.tenant_id, "member.added", user.id, {"role": role, "by": "group"})
    elif member.role not in (Role.ADMIN, role):
        places.update(role=role)
        _tell(granted.tenant_id, "member.role_changed", user.id, {"role": role, "by": "group"})


def leave_group(user: User, *, tenant_slug: str) -> None:
    """End the membership of a user who is in none of a tenant's groups any more; administrators stay. Audited.

    Commits with the caller.
    """
    places = Membership.objects.using("system").filter(tenant__slug=tenant_slug, user_id=user.id)
    member = places.exclude(role=Role.ADMIN).select_for_update(of=("self",)).first()
    if member is not None:
        member.delete(using="system")
        service_accounts.end_former(tenant_id=member.tenant_id, user_id=user.id)
        _tell(member.tenant_id, "member.removed", user.id, {"role": member.role, "by": "group"})


def _tell(tenant_id: UUID, action: str, user_id: UUID, detail: JsonObject) -> None:
    audit.append([audit.Entry(action, "user", str(user_id), detail)], tenant_id=tenant_id, using="system")


def _locked(principal: Principal, user_id: UUID, *, keeps_admin: bool) -> Membership:
    """Lock the tenant's administrators and the member, so that two changes can't remove the last two at once."""
    principal.require("members:write")
    members = Membership.objects.filter(tenant_id=principal.tenant_id).order_by("id")
    admins = list(members.filter(role=Role.ADMIN, user__is_active=True).select_for_update(of=("self",)))
    member = members.filter(user_id=user_id).select_for_update().first()
    if member is None:
        raise NotFound
    roles.of_name(principal, member.role)
    if not keeps_admin and [admin.user_id for admin in admins] == [user_id]:
        raise Conflict("This is the last administrator: name another one first.", code="last_admin")
    return member


def _record(principal: Principal, action: str, user_id: UUID, role: str) -> None:
    entry = audit.Entry(action, "user", str(user_id), {"role": role}, principal.user_id)
    audit.append([entry], tenant_id=principal.tenant_id)
