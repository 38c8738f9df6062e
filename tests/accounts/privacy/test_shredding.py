"""What the trail holds of a person is under her key: the chain is whole with and without it."""

from __future__ import annotations

import pytest
from django.core.management import call_command
from django.db import ProgrammingError

from accounts import audit, selectors
from accounts.models import AuditRow, Membership, User
from accounts.privacy import shredding
from accounts.privacy.models import SubjectKey, Tombstone
from accounts.services import service_accounts
from accounts.tenancy import tenant_scope
from agentos.core.clock import utc_now
from tests.conftest import TenantWithUsers

SAID = "because Ms Marker asked twice"


def record(where: TenantWithUsers, *users: User, said: str = SAID) -> None:
    entry = audit.Entry(
        "test.said", "thing", "1", {"plain": 1}, users[0].id, {"reason": said}, [user.id for user in users]
    )
    with tenant_scope(where.tenant.id, users[0].id):
        audit.append([entry], tenant_id=where.tenant.id)


def shred(*, tenant_id, user_id) -> int:
    return SubjectKey.objects.using("system").filter(tenant_id=tenant_id, user_id=user_id)._raw_delete("system")


def newest(where: TenantWithUsers) -> AuditRow:
    return AuditRow.objects.using("system").filter(tenant_id=where.tenant.id).order_by("-seq")[0]


def told(where: TenantWithUsers, role: str = "admin") -> object:
    rows, _ = selectors.audit_rows(where.principal(role))
    return rows[0].detail["reason"]


def test_the_row_holds_no_word_of_it_and_the_trail_tells_it(acme):
    record(acme, acme.member)
    row = newest(acme)
    assert SAID not in str(row.detail) and row.detail["plain"] == 1
    assert told(acme) == SAID
    assert audit.verify(acme.tenant.id) is None


def test_without_the_key_it_is_erased_and_the_chain_is_whole(acme):
    record(acme, acme.member)
    before = newest(acme).hash
    assert shred(tenant_id=acme.tenant.id, user_id=acme.member.id) == 1
    assert told(acme) == shredding.ERASED
    assert newest(acme).hash == before and audit.verify(acme.tenant.id) is None
    call_command("audit", "verify")


def test_what_is_about_two_dies_with_either(acme):
    for user in (acme.member, acme.approver):
        record(acme, acme.approver, acme.member)
        assert told(acme) == SAID
        shred(tenant_id=acme.tenant.id, user_id=user.id)
        assert told(acme) == shredding.ERASED


def test_each_person_has_a_key_of_her_own_in_each_tenant(acme, globex, make_user):
    make_user(globex.tenant, "viewer", email=acme.member.email)
    record(acme, acme.member)
    record(acme, acme.approver)
    record(globex, acme.member)
    assert SubjectKey.objects.using("system").count() == 3
    shred(tenant_id=acme.tenant.id, user_id=acme.member.id)
    assert told(globex) == SAID


def test_a_sealed_text_does_not_open_in_another_row_of_another_tenant(acme, globex):
    record(acme, acme.member)
    record(globex, globex.member)
    stolen = newest(acme).detail
    with tenant_scope(globex.tenant.id):
        assert shredding.opened([stolen], tenant_id=globex.tenant.id)[0]["reason"] == shredding.ERASED


def test_a_key_does_not_come_back_after_the_erasure_unless_she_does(acme):
    Tombstone.objects.using("system").create(tenant=acme.tenant, user=acme.member, erased_at=utc_now())
    member = Membership.objects.using("system").get(tenant=acme.tenant, user=acme.member)
    Membership.objects.filter(id=member.id).using("system")._raw_delete("system")
    record(acme, acme.member)
    assert newest(acme).detail["reason"] == shredding.ERASED
    record(acme, acme.approver, acme.member)
    assert newest(acme).detail["reason"]["of"] == [str(acme.approver.id)]
    Membership.objects.using("system").create(tenant=acme.tenant, user=acme.member, role="member")
    record(acme, acme.member)
    assert told(acme) == SAID


def test_the_application_makes_keys_and_deletes_none(acme):
    record(acme, acme.member)
    with pytest.raises(ProgrammingError, match="permission denied"), tenant_scope(acme.tenant.id):
        SubjectKey.objects.all()._raw_delete("default")


def test_a_damaged_text_is_told_as_erased(acme):
    record(acme, acme.member)
    sealed = newest(acme).detail["reason"]
    for harm in ("", "AAAA", sealed["sealed"][:-8] + "AAAAAAAA"):
        with tenant_scope(acme.tenant.id):
            (found,) = shredding.opened([{"sealed": harm, "of": sealed["of"]}], tenant_id=acme.tenant.id)
        assert found == shredding.ERASED


def test_a_reader_without_the_scope_sees_a_mask_but_her_own(acme):
    from dataclasses import replace

    record(acme, acme.member)
    for principal, seen in (
        (acme.principal("auditor"), SAID),
        (replace(acme.principal("auditor"), scopes=frozenset({"audit:read"})), "•••"),
        (replace(acme.principal("member"), scopes=frozenset({"audit:read"})), SAID),
    ):
        assert selectors.audit_rows(principal)[0][0].detail["reason"] == seen


def test_the_name_of_a_service_account_is_sealed(acme):
    service_accounts.create(
        tenant_id=acme.tenant.id, user_id=acme.member.id, name="nightly of Ms Marker", scopes_asked=["runs:read"]
    )
    assert "Marker" not in str(newest(acme).detail)
    assert selectors.audit_rows(acme.principal("admin"))[0][0].detail["name"] == "nightly of Ms Marker"
