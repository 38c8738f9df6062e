"""The person herself: her way in is closed before her rows go, and her name is forgotten when no tenant knows it."""

from __future__ import annotations

from importlib import import_module
from typing import Any, cast
from uuid import UUID

from django.conf import settings
from django.contrib.auth import SESSION_KEY
from django.contrib.auth.hashers import make_password
from django.contrib.sessions.models import Session as BrowserSession
from django.db import transaction
from django.db.models import F, QuerySet

from accounts.addresses import matching
from accounts.models import Membership, Role, ServiceAccount, User
from accounts.principals import cache
from accounts.privacy import rows
from accounts.privacy.models import Tombstone
from accounts.privacy.rows import USING, Person
from accounts.tenancy import TENANT_KEY
from agentos.core.clock import utc_now
from agentos.core.errors import Conflict, NotFound
from agentos.core.ids import parse_id
from agentos.core.types import clean_text

NOBODY = "erased.invalid"


def find(user: str) -> User | None:
    """Return the user with this id or e-mail address, whatever tenants she belongs to."""
    users, user = User.objects.using(USING), clean_text(user)
    if (user_id := parse_id(user)) is not None:
        return users.filter(id=user_id).first()
    return users.filter(**matching(user)).first()


def id_of(user: str) -> UUID:
    """Return the id of the user with this id or e-mail address. Raises: NotFound."""
    found = find(user)
    if found is None:
        raise NotFound("There is no such person here.")
    return found.id


def is_known(person: Person) -> bool:
    """Tell whether the tenant knows her: as a member, or by what it holds of hers."""
    return is_member(person) or bool(rows.counts(person))


def is_member(person: Person) -> bool:
    members = Membership.objects.using(USING).filter(tenant_id=person.tenant_id, user_id=person.user_id)
    return members.exists()


def is_alone(person: Person) -> bool:
    """Tell whether no other tenant has her as a member."""
    others = Membership.objects.using(USING).filter(user_id=person.user_id).exclude(tenant_id=person.tenant_id)
    return not others.exists()


def check_not_last_admin(person: Person) -> None:
    """Raises: Conflict when the tenant would be without an administrator."""
    if {member.user_id for member in _admins(person)} == {person.user_id}:
        raise Conflict("This is the last administrator: name another one first.", code="last_admin")


def check_no_operator(person: Person) -> None:
    """Raises: Conflict when a tenant would take an operator from the platform: her account would be closed with it."""
    operators = User.objects.using(USING).filter(id=person.user_id, is_superuser=True)
    if is_alone(person) and operators.exists():
        raise Conflict("This is an operator of the platform: she has to be dismissed first.", code="is_operator")


def _admins(person: Person) -> QuerySet[Membership]:
    return Membership.objects.using(USING).filter(tenant_id=person.tenant_id, role=Role.ADMIN, user__is_active=True)


def close(person: Person, tombstone: Tombstone, *, leaves_admin: bool = True) -> None:
    """End every way into the tenant, and into the installation if no other has her; set the tombstone. Repeatable.

    All of it is one transaction. Families of tokens go with the membership, by a foreign key.

    Raises: Conflict when it has to leave an administrator, and the others went in this moment.

    The membership's row lock is what the start of a run shares: a run that was beginning is committed by now, and
    will be found; a later one finds no member.
    """
    with transaction.atomic(using=USING):
        if leaves_admin:
            list(_admins(person).order_by("id").select_for_update(of=("self",)))
            check_not_last_admin(person)
        members = Membership.objects.using(USING).filter(tenant_id=person.tenant_id, user_id=person.user_id)
        cast(Any, members)._raw_delete(USING)
        whose, now = {"tenant_id": person.tenant_id, "user_id": person.user_id}, utc_now()
        ServiceAccount.objects.using(USING).filter(revoked_at=None, **whose).update(revoked_at=now)
        if is_alone(person):
            User.objects.using(USING).filter(id=person.user_id).update(token_version=F("token_version") + 1)
        tombstone.save(using=USING, force_insert=True)
    cache.forget()


def sign_out(person: Person) -> int:
    """Delete her browser sessions, those that stand in another tenant only if none has her; return how many."""
    store: Any = import_module(settings.SESSION_ENGINE).SessionStore()
    wanted = {SESSION_KEY: str(person.user_id)}
    if not is_alone(person):
        wanted[TENANT_KEY] = str(person.tenant_id)
    found = [
        row.session_key
        for row in BrowserSession.objects.using(USING).iterator(chunk_size=1000)
        if wanted.items() <= store.decode(row.session_data).items()
    ]
    return int(BrowserSession.objects.using(USING).filter(session_key__in=found).delete()[0])


def forget(person: Person) -> None:
    """Empty her row, whose id stays as a pseudonym."""
    User.objects.using(USING).filter(id=person.user_id).update(
        email=f"{person.user_id}@{NOBODY}",
        name="",
        password=make_password(None),
        last_login=None,
        is_active=False,
        token_version=F("token_version") + 1,
    )
