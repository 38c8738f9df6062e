"""Runs and sessions that were stored in the same moment are listed in the order of making, page by page none twice."""

from __future__ import annotations

from typing import Any

import pytest

from accounts.tenancy import tenant_scope
from agentos.core.clock import utc_now
from agentos.core.ids import new_id
from agents import selectors
from agents.models import Run, Session
from agents.session_pages import session_page
from governance.pages.approval import earlier
from tests.conftest import TenantWithUsers
from tests.isolation.planting import Garden

SYSTEM = "system"


@pytest.fixture
def hers(database: None, acme: TenantWithUsers) -> Garden:
    return Garden(acme.tenant, acme.member, "mkacmemember")


def copied(row: Any, **other: Any) -> Any:
    """Store a row once more as one that was made later."""
    values = {field.attname: getattr(row, field.attname) for field in row._meta.concrete_fields}
    return type(row).objects.using(SYSTEM).create(**{**values, "id": new_id(), **other})


def test_runs_of_one_moment_are_listed_as_they_were_made(hers: Garden, acme: TenantWithUsers) -> None:
    principal, first = acme.principal("member"), hers.row(Run)
    Run.objects.using(SYSTEM).update(created_at=utc_now(), component_id="approvals", component_kind="agent")
    first.refresh_from_db(using=SYSTEM)
    made = [first, *(copied(first, input=f"message {number}") for number in range(3))]
    ids = [str(run.id) for run in made]
    session_id = hers.row(Session).session_id
    found = selectors.component_runs(principal=principal, component_id="approvals", session_id="", status="")
    assert [run["run_id"] for run in found] == ids
    found = selectors.session_runs(principal=principal, session_id=session_id, limit=2)
    assert [run["run_id"] for run in found] == ids[2:]
    with tenant_scope(principal.tenant_id, principal.user_id):
        said = [str(exchange.asked) for exchange in earlier(principal, made[2])]
    assert said == [str(run.input) for run in made[:2]]


def test_sessions_of_one_moment_come_once_over_pages(hers: Garden, acme: TenantWithUsers) -> None:
    first = hers.row(Session)
    Session.objects.using(SYSTEM).update(expires_at=None)
    first.refresh_from_db(using=SYSTEM)
    made = [first, *(copied(first, session_id=f"s{number}") for number in range(3))]
    Session.objects.using(SYSTEM).update(updated_at=utc_now())
    pages = [session_page(principal=acme.principal("member"), page=page, limit=1)["data"] for page in range(1, 5)]
    assert [row["session_id"] for page in pages for row in page] == [session.session_id for session in reversed(made)]


def test_every_page_of_sessions_counts_all_that_are_hers_also_beyond_the_last(
    hers: Garden, acme: TenantWithUsers
) -> None:
    first = hers.row(Session)
    Session.objects.using(SYSTEM).update(expires_at=None)
    first.refresh_from_db(using=SYSTEM)
    copied(first, session_id="one", component_id="other")
    copied(first, session_id="two", component_id="other")
    copied(first, session_id="passing", expires_at=utc_now())

    def total(page: int, component_id: str = "") -> tuple[int, int]:
        asked = {"principal": acme.principal("member"), "component_id": component_id}
        found = session_page(page=page, limit=1, **asked)
        return len(found["data"]), found["meta"]["total_count"]

    assert [total(page) for page in (1, 3, 4)] == [(1, 3), (1, 3), (0, 3)]
    assert [total(page, "other") for page in (1, 3)] == [(1, 2), (0, 2)]
    assert total(1, "none") == (0, 0)
