"""Queries that are put together once: what they find is what is there now, of whom is asked for, in any thread."""

from __future__ import annotations

import asyncio

from accounts.asked import AskedOften
from accounts.models import Membership
from accounts.seam import in_thread
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
