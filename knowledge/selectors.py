"""Which knowledge bases somebody may read: what lists show and what a search may look into."""

from __future__ import annotations

from uuid import UUID

from django.db.models import QuerySet

from accounts.principals import Principal
from accounts.tenancy import tenant_scope
from agentos.core.errors import NotFound
from knowledge.models import KnowledgeBase


def readable(principal: Principal) -> QuerySet[KnowledgeBase]:
    """Return the bases that she may read, by role, grant and what narrows her. The caller holds her scope.

    The table's policies ask her role and her grants again; what a key narrows only this asks.
    """
    rows = KnowledgeBase.objects.filter(tenant_id=principal.tenant_id)
    return rows if principal.has("knowledge:*:read") else rows.filter(slug__in=principal.named("knowledge", "read"))


def listed(principal: Principal, *, page: int, limit: int) -> tuple[list[KnowledgeBase], int]:
    """Return a page of what she may read, by slug, and how many there are."""
    with tenant_scope(principal.tenant_id, principal.user_id):
        rows = readable(principal).order_by("slug")
        return list(rows[(page - 1) * limit : page * limit]), rows.count()


def get(principal: Principal, base_id: UUID) -> KnowledgeBase:
    """Return a base that she may read. Raises: NotFound."""
    with tenant_scope(principal.tenant_id, principal.user_id):
        return found(principal, id=base_id)


def of_slug(principal: Principal, slug: str) -> KnowledgeBase:
    """Return the base with this slug that she may read. Raises: NotFound."""
    with tenant_scope(principal.tenant_id, principal.user_id):
        return found(principal, slug=slug)


def found(principal: Principal, **which: object) -> KnowledgeBase:
    """Return the one base that she may read. The caller holds her scope. Raises: NotFound."""
    if (base := readable(principal).filter(**which).first()) is None:
        raise NotFound("There is no such knowledge base.")
    return base
