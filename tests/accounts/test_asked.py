"""Queries that are put together once: what they find is what is there now, of whom is asked for, in any thread."""

from __future__ import annotations

import asyncio

from django.db.models import Q

from accounts.asked import AskedOften, CountedOften
from accounts.models import Membership, TenantRole
from accounts.seam import in_thread
from accounts.tenancy import tenant_scope
from tests.conftest import TenantWithUsers


async def test_it_is_put_together_once_and_finds_what_is_there_now(
    acme: TenantWithUsers, globex: TenantWithUsers
) -> None:
    built = []

    def build(user_id):
        built.append(user_id)
        return Membership.objects.using("system").select_related("tenant").filter(user_id=user_id)

    query = AskedOften(build)

    def seen() -> list[tuple[str, str]]:
        users = (acme.member, globex.admin, acme.viewer)
        return [(row.tenant.slug, row.role) for user in users for row in query.rows(user.id)]

    def leave() -> None:
        Membership.objects.using("system").get(user_id=acme.viewer.id).delete()

    assert await in_thread(seen) == [("acme", "member"), ("globex", "admin"), ("acme", "viewer")]
    await in_thread(leave)
    after = [("acme", "member"), ("globex", "admin")]
    assert await asyncio.gather(in_thread(seen), in_thread(seen)) == [after, after]
    assert len(built) == 1


def test_a_count_is_of_whoever_asks_whatever_stands_for_her(acme: TenantWithUsers, globex: TenantWithUsers) -> None:
    built = []

    def build(principal):
        built.append(principal.scopes)
        hers = Q(tenant_id=principal.tenant_id, scopes__contains=[principal.role])
        return TenantRole.objects.filter(hers)

    def count(tenant: TenantWithUsers, role: str) -> int:
        principal = tenant.principal(role)
        with tenant_scope(principal.tenant_id, principal.user_id):
            return query.of(principal)

    query = CountedOften(build)
    assert count(acme, "auditor") == count(globex, "auditor") == 0
    TenantRole.objects.using("system").create(tenant=acme.tenant, name="x", scopes=["auditor", "viewer"])
    assert [count(acme, "auditor"), count(globex, "auditor"), count(acme, "viewer"), count(acme, "member")] == [
        1,
        0,
        1,
        0,
    ]
    assert len(built) == 3, "once for each set of rights"


def test_nothing_is_asked_where_there_can_be_no_row(acme: TenantWithUsers, django_assert_num_queries) -> None:
    query = CountedOften(lambda principal: Membership.objects.filter(pk__in=[]))
    with django_assert_num_queries(0):
        assert query.of(acme.principal("admin")) == 0
