"""Who has lost something since a stream was opened."""

from __future__ import annotations

from dataclasses import replace

import pytest

from accounts import auth, lapsed
from accounts.models import Membership, User
from accounts.principals import Principal
from accounts.seam import in_thread
from accounts.services import keys, service_accounts, tokens
from accounts.tenancy import tenant_scope
from tests.conftest import PASSWORD


@pytest.fixture
async def reader(acme) -> Principal:
    pair = await in_thread(tokens.issue, email=acme.member.email, password=PASSWORD)
    return replace(acme.principal("member"), family=tokens.verify_access(pair.access).family)


async def test_whoever_keeps_her_rights_stays(reader, acme, globex):
    everybody = [reader, acme.principal("admin"), globex.principal("viewer")]
    assert await lapsed.among(everybody) == []
    assert await lapsed.among([]) == []


async def test_each_way_to_lose_a_right_is_found_and_nobody_else_falls(reader, acme, globex):
    other = globex.principal("member")

    async def falls_by(change) -> bool:
        await in_thread(change)
        return await lapsed.among([reader, other]) == [reader]

    members = Membership.objects.using("system").filter(user_id=reader.user_id)
    users = User.objects.using("system").filter(id=reader.user_id)
    assert await falls_by(lambda: members.update(role="viewer"))
    await in_thread(lambda: members.update(role="admin"))
    assert await lapsed.among([reader, other]) == []
    assert await falls_by(lambda: users.update(is_active=False))
    await in_thread(lambda: users.update(is_active=True))
    assert await lapsed.among([reader, other]) == []
    assert await falls_by(lambda: tokens.revoke(reader))


async def test_whose_tokens_key_is_revoked_falls_and_others_stay(acme):
    pair = await in_thread(tokens.issue, email=acme.member.email, password=PASSWORD)
    with_it = await auth.authenticate({"Authorization": f"Bearer {pair.access}"}, {}, "GET", "")
    await in_thread(keys.rotate, at_once=True)
    pair = await in_thread(tokens.issue, email=acme.member.email, password=PASSWORD)
    with_next = await auth.authenticate({"Authorization": f"Bearer {pair.access}"}, {}, "GET", "")
    assert await lapsed.among([with_it, with_next]) == []
    assert await auth.renew(with_it) is not None
    await in_thread(keys.revoke, with_it.signed_by)
    assert await lapsed.among([with_it, with_next]) == [with_it]
    assert await auth.renew(with_it) is None
    assert await auth.renew(with_next) is not None


async def test_signing_out_everywhere_and_leaving_the_tenant_count(reader, acme):
    elsewhere = acme.principal("member")
    await in_thread(tokens.revoke, reader, all=True)
    assert await lapsed.among([elsewhere, acme.principal("admin")]) == [elsewhere]
    operator = acme.principal("operator")

    def leave() -> None:
        with tenant_scope(operator.tenant_id, acme.admin.id):
            Membership.objects.filter(user_id=operator.user_id).delete()

    await in_thread(leave)
    assert await lapsed.among([operator]) == [operator]


async def test_a_key_falls_when_it_is_revoked(acme):
    account, key = await in_thread(
        service_accounts.create,
        tenant_id=acme.tenant.id,
        user_id=acme.member.id,
        name="robot",
        scopes_asked=["agents:run"],
    )
    reader = await service_accounts.verify(key)
    assert reader is not None
    assert await lapsed.among([reader]) == []
    await in_thread(service_accounts.revoke, tenant_id=acme.tenant.id, account_id=account.id)
    assert await lapsed.among([reader]) == [reader]
