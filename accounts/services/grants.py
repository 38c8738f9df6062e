"""Single grants: a member's own right to one component, tool or knowledge base. They add to her role, never take.

What there is to grant on is told by the providers in `settings.AGENTOS_GRANTABLE`, of the layers above.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cache as once
from typing import TypeAlias
from uuid import UUID

from django.conf import settings
from django.contrib.auth.models import Permission
from django.db import IntegrityError, transaction
from django.utils.module_loading import import_string

from accounts import audit
from accounts.models import Grant, Membership, Resource
from accounts.models.resources import SUFFIX, VERBS
from accounts.principals import Principal, cache
from accounts.services import roles
from accounts.tenancy import tenant_scope
from agentos.core.errors import Conflict, Invalid, NotFound


@dataclass(frozen=True, slots=True)
class Thing:
    """Something to grant on: its kind (a key of `VERBS`), its name in scopes, and what people call it."""

    kind: str
    name: str
    label: str


Provider: TypeAlias = Callable[[UUID], Iterable[Thing]]


def things(tenant_id: UUID) -> list[Thing]:
    """Return all that grants of a tenant can hang on. The caller holds the tenant's scope."""
    found = {(thing.kind, thing.name): thing for provider in _providers() for thing in provider(tenant_id)}
    return sorted(found.values(), key=lambda thing: (thing.kind, thing.name))


def give(principal: Principal, *, user_id: UUID, kind: str, name: str, verb: str) -> Grant:
    """Grant a member one verb on one thing, in force within five seconds. Audited.

    Raises: PolicyDenied without `members:write`, or for what the principal does not hold herself; Invalid, NotFound
    for someone who is no member, Conflict when it is granted.
    """
    principal.require("members:write")
    if verb not in VERBS.get(kind, ()):
        raise Invalid(f"There is no right to {verb} on {kind}.", code="unknown_scope")
    with tenant_scope(principal.tenant_id, principal.user_id):
        if not any((thing.kind, thing.name) == (kind, name) for thing in things(principal.tenant_id)):
            raise Invalid(f"There is no {name!r} among the {kind}.", code="unknown_thing")
        roles.require_held(principal, [f"{kind}:{name}:{verb}"])
        if not Membership.objects.filter(tenant_id=principal.tenant_id, user_id=user_id).exists():
            raise NotFound("There is no such member.")
        thing, _ = Resource.objects.get_or_create(tenant_id=principal.tenant_id, kind=kind, name=name)
        grant = Grant(user_id=user_id, permission=_permission(verb), content_object=thing)
        try:
            with transaction.atomic():
                grant.save(force_insert=True)
        except IntegrityError:
            raise Conflict("This is granted already.", code="granted_already") from None
        _record(principal, "grant.given", grant)
        transaction.on_commit(cache.forget)
    return grant


def take(principal: Principal, *, grant_id: UUID) -> None:
    """Take a grant back, in force within five seconds. Audited. Raises: PolicyDenied, NotFound."""
    principal.require("members:write")
    with tenant_scope(principal.tenant_id, principal.user_id):
        grants = Grant.objects.select_related("content_object", "permission")
        grant = grants.filter(tenant_id=principal.tenant_id, id=grant_id).first()
        if grant is None:
            raise NotFound("There is no such grant.")
        roles.require_held(principal, [grant.scope])
        _record(principal, "grant.taken", grant)
        grant.delete()
        transaction.on_commit(cache.forget)


def is_granted(tenant_id: UUID, *, kind: str, name: str) -> bool:
    """Tell whether anybody of a tenant holds a grant on a thing, be it there or not. In the system role."""
    on_it = {"tenant_id": tenant_id, "content_object__kind": kind, "content_object__name": name}
    return Grant.objects.using("system").filter(**on_it).exists()


@once
def _providers() -> tuple[Provider, ...]:
    return tuple(import_string(path) for path in settings.AGENTOS_GRANTABLE)


def _permission(verb: str) -> Permission:
    codename = f"{verb}{SUFFIX}"
    return Permission.objects.get(content_type__app_label="accounts", content_type__model="resource", codename=codename)


def _record(principal: Principal, action: str, grant: Grant) -> None:
    detail = {"user": str(grant.user_id), "scope": grant.scope}
    entry = audit.Entry(action, "grant", str(grant.id), detail, principal.user_id)
    audit.append([entry], tenant_id=principal.tenant_id)
