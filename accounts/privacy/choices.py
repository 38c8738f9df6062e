"""What a person sees, corrects and chooses about herself in a tenant."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from django.db import transaction

from accounts import audit
from accounts.models import User
from accounts.principals import PROGRAMS, Principal, cache
from accounts.privacy import holds, retention, rows
from accounts.privacy.datamap import tables
from accounts.privacy.models import Choice
from accounts.privacy.rows import USING, Person
from accounts.tenancy import tenant_scope
from agentos.core.errors import Invalid, PolicyDenied
from agentos.core.types import clean_text

SELF = "privacy:self"
MAX_NAME_CHARS = 200


@dataclass(frozen=True, slots=True)
class Held:
    """What is held of somebody: rows by table, how long each stays, and what she chose."""

    email: str
    name: str
    memory: bool
    learning: bool
    rows: dict[str, int]
    retention: dict[str, str]
    on_hold: bool


def held(principal: Principal) -> Held:
    """Tell the principal what her tenant holds of her. Raises: PolicyDenied for a program."""
    check_self(principal)
    person = Person(principal.tenant_id, principal.user_id)
    found = rows.counts(person)
    user = User.objects.using(USING).get(id=principal.user_id)
    chosen = of(person)
    kept = {table.name: table.retention for table in tables() if table.name in found}
    told = {rule: retention.told(rule, person.tenant_id) for rule in set(kept.values())}
    return Held(
        email=user.email,
        name=user.name,
        memory=chosen.memory,
        learning=chosen.learning,
        rows=found,
        retention={name: told[rule] for name, rule in kept.items()},
        on_hold=holds.is_held(person.tenant_id, person.user_id),
    )


def of(person: Person) -> Choice:
    """Return what somebody chose; whoever chose nothing allows all."""
    whose = {"tenant_id": person.tenant_id, "user_id": person.user_id}
    return Choice.objects.using(USING).filter(**whose).first() or Choice(**whose)


def allows(tenant_id: UUID, user_id: UUID, use: str) -> bool:
    """Tell whether what she says may be kept beyond its session for this use, a choice of hers by its name."""
    return bool(getattr(of(Person(tenant_id, user_id)), use))


def change(
    principal: Principal, *, name: str | None = None, memory: bool | None = None, learning: bool | None = None
) -> None:
    """Correct one's name and choose; what is None stays. Audited: which fields, never their values.

    Raises: PolicyDenied for a program, Invalid.
    """
    check_self(principal)
    chosen = {field: value for field, value in (("memory", memory), ("learning", learning)) if value is not None}
    with tenant_scope(principal.tenant_id, principal.user_id):
        if chosen:
            Choice.objects.update_or_create(tenant_id=principal.tenant_id, user_id=principal.user_id, defaults=chosen)
        fields = [*chosen, *(["name"] if name is not None else [])]
        entry = audit.Entry("privacy.changed", "user", str(principal.user_id), {"fields": fields}, principal.user_id)
        audit.append([entry] if fields else [], tenant_id=principal.tenant_id)
        if name is not None:
            _rename(name, principal)  # last: it commits by itself, and what can't be entered does not happen
        transaction.on_commit(cache.forget)


def check_self(principal: Principal) -> None:
    """Raises: PolicyDenied for a program, or without the scope."""
    if principal.via in PROGRAMS:
        raise PolicyDenied("This takes the person herself: sign in.", code="person_required")
    principal.require(SELF)


def _rename(name: str, principal: Principal) -> None:
    name = clean_text(name).strip()
    if len(name) > MAX_NAME_CHARS:
        raise Invalid(f"A name has at most {MAX_NAME_CHARS} characters.", code="name_too_long")
    with transaction.atomic(using=USING):
        User.objects.using(USING).filter(id=principal.user_id).update(name=name)
