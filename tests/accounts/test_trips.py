"""Statements that go out together: what is read, what fails, and what a scope that begins so leaves behind."""

from __future__ import annotations

import pytest
from django.db import DatabaseError, connection, transaction

from accounts.models import Membership
from accounts.tenancy import tenant_scope
from accounts.trips import planned_once, together
from tests.conftest import TenantWithUsers
from tests.plans import kept, kept_after


def scope() -> tuple[str, str]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT current_setting('agentos.tenant', true), current_setting('agentos.user', true)")
        tenant, user = cursor.fetchone()
    return tenant or "", user or ""


def test_a_scope_begins_and_ends_with_its_transaction(acme: TenantWithUsers) -> None:
    with tenant_scope(acme.tenant.id, acme.member.id):
        assert scope() == (str(acme.tenant.id), str(acme.member.id))
        assert connection.in_atomic_block
    assert scope() == ("", "")
    assert connection.get_autocommit() and connection.connection.autocommit


def test_what_goes_along_with_a_scope_is_of_that_scope(acme: TenantWithUsers) -> None:
    with connection.cursor() as cursor:

        def read() -> None:
            cursor.execute("SELECT current_setting('agentos.tenant'), current_setting('agentos.user')")

        who = (str(acme.tenant.id), str(acme.member.id))
        with tenant_scope(acme.tenant.id, acme.member.id, along=read):
            assert cursor.fetchone() == who == scope()
        with transaction.atomic(), tenant_scope(acme.tenant.id, acme.member.id, along=read):
            assert cursor.fetchone() == who
    assert scope() == ("", "")


def test_a_scope_does_not_open_where_what_goes_along_fails(acme: TenantWithUsers) -> None:
    rows = Membership.objects.filter(tenant=acme.tenant, user=acme.member)

    def fail() -> None:
        rows.update(role="viewer")
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1/0")

    with pytest.raises(DatabaseError), tenant_scope(acme.tenant.id, acme.admin.id, along=fail):
        raise AssertionError("it opened")
    assert scope() == ("", "")
    with tenant_scope(acme.tenant.id, acme.admin.id):
        assert rows.get().role == "member"


def test_what_is_done_in_a_scope_that_fails_is_rolled_back(acme: TenantWithUsers) -> None:
    rows = Membership.objects.filter(tenant=acme.tenant, user=acme.member)

    def fail() -> None:
        with tenant_scope(acme.tenant.id, acme.admin.id):
            assert rows.update(role="viewer") == 1
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    with tenant_scope(acme.tenant.id, acme.admin.id):
        assert rows.get().role == "member"


def test_a_read_among_what_goes_out_together_sees_what_went_before(acme: TenantWithUsers) -> None:
    rows = Membership.objects.filter(tenant=acme.tenant, user=acme.member)
    with tenant_scope(acme.tenant.id, acme.admin.id):
        with together():
            rows.update(role="viewer")
            assert rows.get().role == "viewer"
            rows.update(role="auditor")
        assert rows.get().role == "auditor"


def test_a_failure_shows_at_the_end_and_nothing_of_the_scope_is_kept(acme: TenantWithUsers) -> None:
    rows = Membership.objects.filter(tenant=acme.tenant, user=acme.member)

    def fail() -> None:
        with tenant_scope(acme.tenant.id, acme.admin.id), together(), connection.cursor() as cursor:
            rows.update(role="viewer")
            cursor.execute("SELECT 1/0")

    with pytest.raises(DatabaseError):
        fail()
    with tenant_scope(acme.tenant.id, acme.admin.id):
        assert rows.get().role == "member"


def test_an_outer_transaction_keeps_its_scope(acme: TenantWithUsers) -> None:
    with transaction.atomic(), tenant_scope(acme.tenant.id, acme.member.id):
        assert scope() == (str(acme.tenant.id), str(acme.member.id))
        with tenant_scope(acme.tenant.id, acme.admin.id):
            assert scope()[1] == str(acme.admin.id)
        assert scope()[1] == str(acme.member.id)


async def test_a_connection_that_stays_keeps_the_plans_of_a_block_and_of_no_other(acme: TenantWithUsers) -> None:
    def read() -> None:
        rows = Membership.objects.filter(tenant=acme.tenant, user=acme.member)
        with tenant_scope(acme.tenant.id, acme.admin.id):
            with planned_once():
                found = [rows.get().role for _ in range(8)]
            assert rows.get().role == found[0] == "member"

    (plans,) = await kept_after(read, "default")
    assert len(plans) == 1
    assert "accounts_membership" in plans[0][0]


def test_a_connection_that_does_not_stay_keeps_none(acme: TenantWithUsers) -> None:
    with tenant_scope(acme.tenant.id, acme.admin.id), planned_once():
        assert Membership.objects.get(tenant=acme.tenant, user=acme.member).role == "member"
    assert kept() == []
