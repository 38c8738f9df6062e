"""Makes, changes and deletes knowledge bases. That what one says can be trusted is a loosening, and taken so."""

from __future__ import annotations

import re
from typing import Final
from uuid import UUID

from django.db import IntegrityError, transaction

from accounts import audit
from accounts.principals import Principal
from accounts.services import grants
from accounts.tenancy import tenant_scope
from agentos.core.errors import Conflict, Invalid, NotFound
from agentos.core.types import JsonObject, clean_text
from knowledge import selectors
from knowledge.models import SLUG, SLUG_SAYS, KnowledgeBase

LOOSEN: Final = "guards:loosen"
MOST: Final = 500
MAX_NAME_CHARS: Final = 100
MAX_DESCRIPTION_CHARS: Final = 500


def create(
    principal: Principal, *, slug: str, name: str, description: str = "", untrusted: bool = True
) -> KnowledgeBase:
    """Make a base of the principal's tenant. Audited; commits.

    Raises: PolicyDenied, also for a trusted one without `guards:loosen`; Invalid; Conflict for a slug taken, or one
    that people still hold grants on from a base that is gone.
    """
    principal.require("knowledge:write")
    if not untrusted:
        principal.require(LOOSEN)
    if not re.fullmatch(SLUG, slug):
        raise Invalid(f"A slug is {SLUG_SAYS}", code="bad_slug")
    base = KnowledgeBase(tenant_id=principal.tenant_id, created_by_id=principal.user_id, slug=slug)
    base.name, base.description, base.untrusted = _named(name), _described(description), untrusted
    with tenant_scope(principal.tenant_id, principal.user_id):
        if grants.is_granted(principal.tenant_id, kind="knowledge", name=slug):
            raise Conflict("Grants on a base of this slug that is gone still stand: take them.", code="slug_granted")
        if KnowledgeBase.objects.filter(tenant_id=principal.tenant_id).count() >= MOST:
            raise Conflict(f"There are {MOST} knowledge bases already.", code="too_many_bases")
        try:
            with transaction.atomic():
                base.save(force_insert=True)
        except IntegrityError:
            raise Conflict(f"There is a knowledge base {slug} already.", code="slug_taken") from None
        _record(principal, base, "knowledge.created", {"untrusted": untrusted})
    return base


def change(
    principal: Principal,
    *,
    base_id: UUID,
    name: str | None = None,
    description: str | None = None,
    untrusted: bool | None = None,
) -> KnowledgeBase:
    """Change what is given. Audited where anything is another now; commits.

    Raises: NotFound, Invalid, PolicyDenied; the last also for trusting what was untrusted without `guards:loosen`.
    """
    with tenant_scope(principal.tenant_id, principal.user_id):
        base = _locked(principal, base_id)
        asked = {
            "name": base.name if name is None else _named(name),
            "description": base.description if description is None else _described(description),
            "untrusted": base.untrusted if untrusted is None else untrusted,
        }
        changed = sorted(field for field, value in asked.items() if getattr(base, field) != value)
        if not changed:
            return base
        if base.untrusted and not asked["untrusted"]:
            principal.require(LOOSEN)
        for field, value in asked.items():
            setattr(base, field, value)
        base.save()
        _record(principal, base, "knowledge.changed", {"fields": list(changed), "untrusted": base.untrusted})
    return base


def delete(principal: Principal, *, base_id: UUID) -> None:
    """Delete a base. Grants on it stay, worth nothing, and keep its slug from being taken. Audited; commits.

    Raises: NotFound, PolicyDenied.
    """
    with tenant_scope(principal.tenant_id, principal.user_id):
        base = selectors.found(principal, id=base_id)
        principal.require(f"knowledge:{base.slug}:delete")
        if not KnowledgeBase.objects.filter(tenant_id=principal.tenant_id, id=base_id).delete()[0]:
            raise NotFound("There is no such knowledge base.")
        _record(principal, base, "knowledge.deleted", {})


def _locked(principal: Principal, base_id: UUID) -> KnowledgeBase:
    """Raises: NotFound for what she may not read, PolicyDenied for what she may not write."""
    principal.require(f"knowledge:{selectors.found(principal, id=base_id).slug}:write")
    rows = selectors.readable(principal).filter(id=base_id).select_for_update(of=("self",))
    if (base := rows.first()) is None:
        raise NotFound("There is no such knowledge base.")
    return base


def _named(name: str) -> str:
    found = clean_text(name).strip()
    if not 0 < len(found) <= MAX_NAME_CHARS:
        raise Invalid(f"A name has 1 to {MAX_NAME_CHARS} characters.", code="bad_name")
    return found


def _described(description: str) -> str:
    found = clean_text(description).strip()
    if len(found) > MAX_DESCRIPTION_CHARS:
        raise Invalid(f"A description has at most {MAX_DESCRIPTION_CHARS} characters.", code="bad_description")
    return found


def _record(principal: Principal, base: KnowledgeBase, action: str, detail: JsonObject) -> None:
    entry = audit.Entry(action, "knowledge_base", str(base.id), {"slug": base.slug, **detail}, principal.user_id)
    audit.append([entry], tenant_id=principal.tenant_id)
