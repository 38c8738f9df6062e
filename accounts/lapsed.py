"""Looks again at everybody who has a stream open: who has signed out, lost access, a right or her token's key since."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping

from django.db.models import Count

from accounts import auth, principals
from accounts.models import Membership, RefreshToken
from accounts.principals import Principal
from accounts.seam import in_thread
from accounts.services import tokens


async def among(readers: Collection[Principal]) -> list[Principal]:
    """Return those who hold less than they did; three statements at most for all who came with a token."""
    now: dict[Principal, Principal | None] = {}
    with_token = [reader for reader in readers if reader.via == "token"]
    if with_token:
        now.update(await in_thread(_current, with_token))
    for reader in readers:
        if reader.via != "token":
            now[reader] = await auth.renew(reader)
    return [reader for reader in readers if not _stands(reader, now)]


def _stands(reader: Principal, now: Mapping[Principal, Principal | None]) -> bool:
    found = now.get(reader)
    if found is None or found.version != reader.version:
        return False
    return reader.scopes <= found.scopes or all(found.has(scope) for scope in reader.scopes)


def _current(readers: list[Principal]) -> dict[Principal, Principal]:
    """Return who the bearers of tokens are now, without those who are nobody any more."""
    members = {(member.user_id, member.tenant_id): member for member in _members(readers)}
    alive = _living_families(readers)
    return {
        reader: principals.of_member(member, family=reader.family)
        for reader in readers
        if (member := members.get((reader.user_id, reader.tenant_id))) is not None
        and (reader.family is None or (reader.user_id, reader.tenant_id, reader.family) in alive)
        and (not reader.signed_by or tokens.is_in_force(reader.signed_by))
    }


def _members(readers: list[Principal]) -> Iterable[Membership]:
    return (
        principals.members()
        .filter(user_id__in={reader.user_id for reader in readers})
        .filter(tenant_id__in={reader.tenant_id for reader in readers})
    )


def _living_families(readers: list[Principal]) -> set[tuple[object, ...]]:
    families = {reader.family for reader in readers if reader.family is not None}
    links = RefreshToken.objects.using("system").filter(family__in=families)
    links = links.filter(tenant_id__in={reader.tenant_id for reader in readers})
    counted = links.values_list("user_id", "tenant_id", "family").annotate(revoked=Count("revoked_at"))
    return {(user, tenant, family) for user, tenant, family, revoked in counted if not revoked}
