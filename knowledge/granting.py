"""What single grants can hang on here: each knowledge base of the tenant."""

from __future__ import annotations

from collections.abc import Iterator
from uuid import UUID

from accounts.services.grants import Thing
from knowledge.models import KnowledgeBase


def bases(tenant_id: UUID) -> Iterator[Thing]:
    """Yield those that the reader of the open scope may read."""
    for base in KnowledgeBase.objects.filter(tenant_id=tenant_id):
        yield Thing("knowledge", base.slug, base.name)
