"""Whoever leaves takes no row along: lists are as long as before, and say that somebody is a former member."""

from __future__ import annotations

import csv
from io import StringIO

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from accounts import selectors as trail
from accounts.models import AuditRow, Membership, SupportEntry, User
from accounts.people import FORMER
from accounts.principals import Principal
from accounts.tenancy import tenant_scope
from agents import selectors as runs
from agents.models import Run, Session, Step
from governance import selectors as approvals
from governance.models import Approval
from governance.services import delegations, standing_rules
from tests.conftest import TenantWithUsers
from tests.isolation.planting import Garden

LISTS = ("agents_run", "agents_session", "agents_step", "governance_approval", "accounts_auditrow")
SORTED_BY_PERSON = {"agents_run": "3", "agents_session": "3", "agents_step": "2", "governance_approval": "2"}


@pytest.fixture
def hers(database: None, acme: TenantWithUsers) -> Garden:
    return Garden(acme.tenant, acme.member, "mkacmemember").all()


@pytest.fixture
def admin(acme: TenantWithUsers) -> Principal:
    return acme.principal("admin")


def leave(garden: Garden) -> None:
    Membership.objects.using("system").filter(tenant=garden.tenant, user=garden.user).delete()
    # The garden has an operator's entry of hers, too, and tenants are told who entered.
    SupportEntry.objects.using("system").filter(tenant=garden.tenant, user=garden.user).update(who="")


def counts(reader: Principal) -> dict[str, int]:
    with tenant_scope(reader.tenant_id, reader.user_id):
        querysets = {
            "runs": Run.objects.select_related("user"),
            "sessions by person": Session.objects.select_related("user").order_by("user__email"),
            "steps": Step.objects.select_related("run", "run__session", "user"),
            "approvals": approvals.visible(reader),
            "delegations": delegations.visible(reader),
            "standing rules": standing_rules.visible(reader),
        }
        found = {name: len(list(rows)) for name, rows in querysets.items()}
    found["trail"] = len(trail.audit_rows(reader, limit=200)[0])
    found["runs of the API"] = len(
        runs.component_runs(principal=reader, component_id="approvals", session_id="", status="")
    )
    found["inbox"] = approvals.inbox(reader).total_count + len(approvals.inbox(reader).rows)
    return found


def browser_of(user: User) -> Client:
    browser = Client()
    browser.force_login(User.objects.using("system").get(id=user.id))
    return browser


def test_lists_are_as_long(hers: Garden, admin: Principal) -> None:
    before = counts(admin)
    assert all(before.values()), before
    leave(hers)
    assert counts(admin) == before


@pytest.mark.parametrize("name", LISTS)
def test_exports_have_as_many_rows(acme: TenantWithUsers, hers: Garden, name: str) -> None:
    """The trail is narrowed to what she did: it grows by each export."""
    narrowed = {"accounts_auditrow": "?object_id=mkacmemember", "governance_approval": "?tab=all"}.get(name, "")
    browser, place = browser_of(acme.admin), reverse(f"admin:{name}_export") + narrowed
    call = {"requirement": {"kind": "reconcile", "effect_text": "x"}}
    Step.objects.using("system").update(state="unknown", request=call)

    def exported() -> list[list[str]]:
        return list(csv.reader(StringIO(browser.post(place).content.decode())))

    before = exported()
    leave(hers)
    after = exported()
    assert len(after) == len(before) == 2
    assert FORMER in after[1]
    assert all(hers.user.email not in row for row in after)


@pytest.mark.parametrize(("name", "column"), SORTED_BY_PERSON.items())
def test_pages_sorted_by_person_keep_the_row(acme: TenantWithUsers, hers: Garden, name: str, column: str) -> None:
    browser, place = browser_of(acme.admin), reverse(f"admin:{name}_changelist")
    Step.objects.using("system").update(
        state="unknown", request={"requirement": {"kind": "reconcile", "effect_text": "x"}}
    )
    leave(hers)
    for query in ("", f"?o={column}", f"?o=-{column}"):
        page = browser.get(f"{place}{query}{'&' if query else '?'}tab=all").content.decode()
        assert FORMER in page, query
        assert hers.user.email not in page


def test_pages_of_what_she_left(acme: TenantWithUsers, hers: Garden) -> None:
    leave(hers)
    browser = browser_of(acme.admin)
    for model, name in ((Run, "agents_run"), (Session, "agents_session"), (Approval, "governance_approval")):
        page = browser.get(reverse(f"admin:{name}_change", args=[hers.row(model).pk]))
        assert page.status_code == 200, name
        assert FORMER in page.content.decode(), name


def test_the_trail_names_her_no_more(hers: Garden, admin: Principal) -> None:
    leave(hers)
    rows, _ = trail.audit_rows(admin, limit=200)
    (row,) = [row for row in rows if row.object_id == hers.marker]
    assert (row.actor_id, str(row.actor), row.actor.email) == (hers.user.id, FORMER, FORMER)  # type: ignore[union-attr]
    assert AuditRow.objects.using("system").get(pk=row.pk).actor == hers.user  # the machine sees her


def test_what_joins_people_costs_no_statement_more(hers: Garden, admin: Principal) -> None:
    leave(hers)
    with tenant_scope(admin.tenant_id, admin.user_id), CaptureQueriesContext(connection) as queries:
        assert [str(run.user) for run in Run.objects.select_related("user")] == [FORMER]
    assert len(queries) == 1
