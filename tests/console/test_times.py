"""Times on pages name their zone: who reads them may live in another one."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest

from accounts.models import SupportEntry
from agentos.core.clock import utc_now
from tests.conftest import TenantWithUsers
from tests.console.conftest import Ask, SignIn, decide, page

TIMES = re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d(?::\d\d)?(?: UTC)?")


@pytest.mark.parametrize("table", ["auditrow", "membership", "supportentry"])
def test_a_list_names_the_zone_of_its_times(acme: TenantWithUsers, signed_in: SignIn, ask: Ask, table: str) -> None:
    decide(signed_in(acme.approver), ask(acme), "approve")
    begun = utc_now()
    SupportEntry.objects.using("system").create(
        tenant=acme.tenant, user=acme.member, who="help@platform.test", reason="Asked to", scopes=["runs:read"],
        created_at=begun, ends_at=begun + timedelta(hours=1), ended_at=begun,
    )  # fmt: skip
    times = TIMES.findall(page(signed_in(acme.admin).get(f"/admin/accounts/{table}/")))
    assert times
    assert [time for time in times if not time.endswith(" UTC")] == []
