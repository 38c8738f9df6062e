"""Lists as CSV: the list's rows and no others, as the reader may see them, on record, harmless in a spreadsheet."""

from __future__ import annotations

import csv
import io
from datetime import UTC, datetime
from typing import Any

import pytest
from django.test import Client

from accounts import csv_export, principals
from accounts.csv_export import cell
from accounts.models import AuditRow, TenantRole, User
from accounts.privacy.access import MASK
from accounts.tenancy import tenant_scope
from agents.models import Run
from governance.models import Approval, Budget
from tests.conftest import TenantWithUsers
from tests.console.conftest import INBOX, Ask, SignIn, enter, in_doubt, page

RUNS, SESSIONS, STEPS = "/admin/agents/run/", "/admin/agents/session/", "/admin/agents/step/"


def exported(client: Client, page_path: str, query: str = "") -> list[dict[str, str]]:
    answer = client.post(f"{page_path}export.csv{query}")
    assert answer.status_code == 200, answer
    assert answer["Content-Type"] == "text/csv; charset=utf-8"
    assert answer["Content-Disposition"].startswith("attachment; filename=")
    return list(csv.DictReader(io.StringIO(page(answer))))


PEOPLE, BUDGETS = "/admin/accounts/membership/", "/admin/governance/budget/"


def narrow(where: TenantWithUsers, role: str, *, without: str) -> None:
    """Take a scope from one of the tenant's roles."""
    rows = TenantRole.objects.using("system").filter(tenant=where.tenant, name=role)
    rows.update(scopes=[scope for scope in rows.get().scopes if scope != without])
    principals.cache.forget()


def on_record(where: TenantWithUsers, action: str) -> list[AuditRow]:
    with tenant_scope(where.tenant.id):
        return list(AuditRow.objects.using("system").filter(tenant=where.tenant, action=action).order_by("seq"))


def test_an_approver_has_the_decided_ones_with_who_asked_and_who_decided(
    acme: TenantWithUsers, ask: Ask, signed_in: SignIn
) -> None:
    done, _ = ask(acme, customer="C-1"), ask(acme, customer="C-2")
    Approval.objects.using("system").filter(id=done.id).update(
        status="rejected", reason="no receipt", decided_by=acme.approver, decided_at=done.created_at
    )
    (row,) = exported(signed_in(acme.approver), INBOX, "?tab=decided")
    assert row["Approval"] == str(done.id)
    assert row["Requester"] == "member@acme.test"
    assert row["Decided by"] == "approver@acme.test"
    assert (row["What"], row["Reason"], row["Outcome"]) == ("Refund $250.00 to C-1", "no receipt", "never ran")
    assert '"customer_id": "C-1"' in row["Arguments"]
    assert row["Run"] == str(done.run_id)


def test_it_has_what_the_list_shows(acme: TenantWithUsers, ask: Ask, signed_in: SignIn) -> None:
    first, second = ask(acme, customer="C-1"), ask(acme, customer="C-2", minutes_ago=9)
    Run.objects.using("system").filter(id=second.run_id).update(status="error", cost_usd="0.50000000")
    client = signed_in(acme.operator)
    assert {row["Run"] for row in exported(client, RUNS)} == {str(first.run_id), str(second.run_id)}
    (row,) = exported(client, RUNS, "?status__exact=error")
    assert (row["Run"], row["Cost in USD"], row["Tokens"]) == (str(second.run_id), "0.50000000", "7")
    assert exported(client, RUNS, "?days=2001-01-01..2001-01-02") == []
    assert len(exported(client, SESSIONS)) == 2
    text = page(client.get(f"{RUNS}?status__exact=error"))
    assert f'action="{RUNS}export.csv?status__exact=error"' in text
    assert "export.csv" not in page(client.get(f"{RUNS}?status__exact=cancelled"))


def test_calls_to_reconcile_can_be_had_too(acme: TenantWithUsers, ask: Ask, signed_in: SignIn) -> None:
    run_id = in_doubt(ask(acme)).run_id
    (row,) = exported(signed_in(acme.operator), STEPS)
    assert (row["Tool"], row["Run"], row["Requester"]) == ("process_refund", str(run_id), "member@acme.test")


def test_what_others_said_is_masked_for_who_may_not_read_it_and_ones_own_is_not(
    acme: TenantWithUsers, ask: Ask, signed_in: SignIn
) -> None:
    ask(acme)
    auditor, member = signed_in(acme.auditor), signed_in(acme.member)
    (row,) = exported(auditor, RUNS)
    assert (row["Asked"], row["User"], row["Agent"]) == (MASK, "member@acme.test", "approvals")
    (row,) = exported(auditor, INBOX, "?tab=all")
    assert row["What"] == MASK
    assert "C-1042" not in row["Arguments"]
    assert exported(member, RUNS)[0]["Asked"] == "Refund C-1042"
    assert "C-1042" in exported(member, INBOX, "?tab=all")[0]["Arguments"]


def test_each_export_is_on_record_and_a_look_at_the_list_is_not(
    acme: TenantWithUsers, ask: Ask, signed_in: SignIn
) -> None:
    ask(acme)
    client = signed_in(acme.approver)
    client.get(RUNS)
    assert on_record(acme, "run.exported") == []
    exported(client, RUNS, "?q=C-1042")
    (row,) = on_record(acme, "run.exported")
    assert row.actor_id == acme.approver.id
    assert row.detail["rows"] == 1
    assert "Asked" in row.detail["columns"]
    assert "C-1042" not in str(row.detail)


def test_nobody_gets_more_than_her_list(
    acme: TenantWithUsers, globex: TenantWithUsers, ask: Ask, signed_in: SignIn
) -> None:
    ask(acme)
    assert exported(signed_in(acme.viewer), RUNS) == []
    assert exported(signed_in(globex.admin), RUNS) == []
    assert exported(signed_in(globex.admin), INBOX, "?tab=all") == []
    assert signed_in(acme.member).post(f"{STEPS}export.csv").status_code == 403
    assert Client().post(f"{RUNS}export.csv").status_code == 403
    assert len(on_record(acme, "run.exported")) == 1  # the viewer's, of nothing


def test_it_takes_a_post_with_its_token(acme: TenantWithUsers, ask: Ask, signed_in: SignIn) -> None:
    assert signed_in(acme.admin).get(f"{RUNS}export.csv").status_code == 405
    strict = Client(enforce_csrf_checks=True)
    enter(strict, acme.admin)
    assert strict.post(f"{RUNS}export.csv").status_code == 403
    assert on_record(acme, "run.exported") == []


def test_too_many_rows_are_not_cut_but_refused(
    acme: TenantWithUsers, ask: Ask, signed_in: SignIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    ask(acme), ask(acme, minutes_ago=7)
    monkeypatch.setattr(csv_export, "MOST_ROWS", 1)
    answer = signed_in(acme.admin).post(f"{RUNS}export.csv", follow=True)
    assert "These are more than 1 rows" in page(answer)
    assert on_record(acme, "run.exported") == []


def test_odd_filters_lead_back_to_the_list(acme: TenantWithUsers, signed_in: SignIn) -> None:
    assert signed_in(acme.admin).post(f"{RUNS}export.csv?days=x")["Location"] == RUNS


@pytest.mark.parametrize("text", ["=1+1", "+1", "-2", "@SUM(A1)", "\t=1", "\r=1", "＝1"])
def test_what_a_spreadsheet_would_run_is_marked_as_text(
    acme: TenantWithUsers, ask: Ask, signed_in: SignIn, text: str
) -> None:
    Run.objects.using("system").filter(id=ask(acme).run_id).update(input=text)
    answer = signed_in(acme.approver).post(f"{RUNS}export.csv")
    rows = list(csv.DictReader(io.StringIO(page(answer), newline="")))
    assert rows[0]["Asked"] == f"'{text}"


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (None, ""),
        (True, "yes"),
        (-3, "-3"),
        ({"ä": [1]}, '{"ä": [1]}'),
        (datetime(2026, 1, 1, 12, tzinfo=UTC), "2026-01-01T12:00:00+00:00"),
        ("plain", "plain"),
    ],
)
def test_cells(value: Any, shown: str) -> None:
    assert cell(value) == shown


def test_users_are_not_asked_for_one_by_one(
    acme: TenantWithUsers, ask: Ask, signed_in: SignIn, django_assert_max_num_queries: Any
) -> None:
    client: Client = signed_in(acme.approver)
    for number in range(6):
        ask(acme, customer=f"C-{number}", minutes_ago=number)
    with django_assert_max_num_queries(30):
        assert len(exported(client, INBOX, "?tab=all")) == 6


def test_people_are_the_lists_and_their_addresses_stay_masked(
    acme: TenantWithUsers, globex: TenantWithUsers, signed_in: SignIn
) -> None:
    User.objects.using("system").filter(id=acme.member.id).update(name="=HYPERLINK(1)")
    rows = exported(signed_in(acme.admin), PEOPLE)
    assert {row["E-mail"] for row in rows} == {f"{role}@acme.test" for role in acme.users}
    assert {row["Name"] for row in rows if row["E-mail"] == "member@acme.test"} == {"'=HYPERLINK(1)"}
    (row,) = exported(signed_in(acme.auditor), PEOPLE, "?role=operator")
    assert (row["E-mail"], row["Role"]) == ("operator@acme.test", "operator")
    narrow(acme, "auditor", without="privacy:personal")
    masked = exported(signed_in(acme.auditor), PEOPLE)
    assert "m•••@acme.test" in {row["E-mail"] for row in masked}
    assert "auditor@acme.test" in {row["E-mail"] for row in masked}  # her own
    assert signed_in(acme.member).post(f"{PEOPLE}export.csv").status_code == 403
    assert f'action="{PEOPLE}export.csv"' in page(signed_in(acme.admin).get(PEOPLE))
    record = on_record(acme, "membership.exported")
    assert [row.detail["rows"] for row in record] == [len(acme.users), 1, len(acme.users)]
    assert on_record(globex, "membership.exported") == []


def test_budgets_are_had_with_what_is_left_of_them(
    acme: TenantWithUsers, globex: TenantWithUsers, signed_in: SignIn
) -> None:
    for where, name in ((acme, "-Team"), (globex, "Theirs")):
        common = {"tenant": where.tenant, "period": "day", "measure": "usd", "limit": 5}
        with tenant_scope(where.tenant.id, where.admin.id):
            Budget.objects.create(name=name, **common)
            Budget.objects.create(name="Hers", user=where.member, **common)
    first, second = exported(signed_in(acme.operator), BUDGETS, "?o=1")
    assert (first["Name"], first["Limit"], first["Left now"], first["User"]) == ("'-Team", "5", "5", "")
    assert (second["User"], second["Active"]) == ("member@acme.test", "yes")
    narrow(acme, "operator", without="privacy:personal")
    assert [row["User"] for row in exported(signed_in(acme.operator), BUDGETS)] == ["", "m•••@acme.test"]
    assert signed_in(acme.member).post(f"{BUDGETS}export.csv").status_code == 403
    assert [row.detail["rows"] for row in on_record(acme, "budget.exported")] == [2, 2]
    assert on_record(globex, "budget.exported") == []
