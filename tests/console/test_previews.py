"""A preview is asked with the rights that the requester has now, for readers of her run only."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, cast

import pytest

from accounts.models import Membership
from accounts.principals import cache
from accounts.seam import in_thread
from agentos.core.errors import NotFound
from agents import steering
from agents.services.runtime import Runtime
from governance.hooks import Governance
from governance.models import Approval
from tests.conftest import TenantWithUsers
from tests.console.conftest import Ask
from tests.console.conftest import ask as ask

HERE = cast(Runtime, SimpleNamespace(hooks=Governance()))


async def previewed(where: TenantWithUsers, role: str, approval: Approval, tool: str = "process_refund") -> Any:
    reader = where.principal(role)
    return await steering.preview(HERE, reader, approval.run_id, tool, approval.arguments)


async def test_an_approver_is_told_what_a_refund_would_do(acme: TenantWithUsers, ask: Ask) -> None:
    approval = await in_thread(ask, acme)
    found = await previewed(acme, "approver", approval)
    assert found["error"] == ""
    assert set(found["result"]) >= {"paid in the last 90 days", "refunded after this"}
    assert await previewed(acme, "approver", approval, "delete_user_account") is None
    assert await previewed(acme, "approver", approval, "no_such_tool") is None


async def test_a_requester_who_may_not_call_the_tool_any_more_gets_no_preview(acme: TenantWithUsers, ask: Ask) -> None:
    approval = await in_thread(ask, acme)
    members = Membership.objects.using("system").filter(user=acme.member, tenant=acme.tenant)
    await in_thread(members.update, role="viewer")
    cache.forget()
    found = await previewed(acme, "approver", approval)
    assert found == {"result": None, "error": "The requester may not call process_refund any more."}


async def test_who_may_not_read_the_run_may_not_ask(acme: TenantWithUsers, globex: TenantWithUsers, ask: Ask) -> None:
    approval = await in_thread(ask, acme)
    for where, role in ((acme, "viewer"), (globex, "admin")):
        with pytest.raises(NotFound):
            await previewed(where, role, approval)
