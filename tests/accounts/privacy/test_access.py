"""Who sees what of whom, in one place."""

from __future__ import annotations

from dataclasses import replace

import pytest

from accounts import audit, selectors
from accounts.privacy.access import MASK, Showing, masked, seen, seen_field, showing
from accounts.privacy.datamap import DataClass
from accounts.seam import in_thread
from accounts.tenancy import tenant_scope
from agentos.core.errors import NotFound
from agentos.core.ids import new_id
from governance.access import explaining

NONE, PERSONAL, SENSITIVE, SECRET = DataClass


@pytest.mark.parametrize("role", ["viewer", "member", "auditor"])
def test_what_others_said_is_masked_for_those_without_the_scope(acme, role):
    assert showing(acme.principal(role), SENSITIVE, subject=new_id()) is Showing.MASKED
    assert showing(acme.principal(role), PERSONAL, subject=new_id()) is Showing.SHOWN


@pytest.mark.parametrize("role", ["operator", "approver", "admin"])
def test_those_who_work_with_it_see_it(acme, role):
    assert showing(acme.principal(role), SENSITIVE, subject=new_id()) is Showing.SHOWN


def test_ones_own_is_shown_and_a_secret_hidden_from_everybody(acme):
    reader = replace(acme.principal("viewer"), scopes=frozenset())
    assert showing(reader, SENSITIVE, subject=reader.user_id) is Showing.SHOWN
    assert showing(reader, PERSONAL) is Showing.MASKED
    assert showing(reader, NONE) is Showing.SHOWN
    assert showing(acme.principal("admin"), SECRET, subject=acme.admin.id) is Showing.HIDDEN
    assert seen(acme.principal("admin"), SECRET, "x") is None


def test_an_auditor_sees_it_once_she_is_granted_it(acme):
    auditor = acme.principal("auditor")
    granted = replace(auditor, scopes=auditor.scopes | {"privacy:sensitive"})
    assert seen(granted, SENSITIVE, "said") == "said"


def test_a_field_is_shown_by_its_class(acme):
    auditor = replace(acme.principal("auditor"), scopes=frozenset())
    assert seen_field(auditor, acme.member, "email") == f"m{MASK}@acme.test"
    assert seen_field(auditor, acme.member, "password") is None
    assert seen_field(auditor, acme.member, "is_demo") is False


@pytest.mark.parametrize(
    ("value", "left"),
    [
        ("text", MASK),
        ("", ""),
        (None, None),
        (True, True),
        (250, MASK),
        ({"amount": "250", "to": ["C-1", {"deep": 1}]}, {"amount": MASK, "to": [MASK, {"deep": MASK}]}),
        ("jane@acme.test", f"j{MASK}@acme.test"),
        ("write to jane@acme.test", MASK),
        ("@acme.test", MASK),
    ],
)
def test_a_mask_keeps_the_shape_and_nothing_else(value, left):
    assert masked(value) == left


async def test_nobody_is_found_by_an_address_that_is_masked(acme):
    auditor = acme.principal("auditor")
    reader = replace(auditor, scopes=auditor.scopes - {"privacy:personal"})
    for team_member in (acme.member, acme.auditor):
        await in_thread(done_by, team_member, acme.tenant)

    async def found(reader, actor) -> list[object]:
        asked = selectors.Asked(action="thing.done", actor=actor)
        return [row.actor_id for row in (await in_thread(selectors.audit_rows, reader, asked))[0]]

    member = acme.member
    assert await found(auditor, member.email) == await found(reader, str(member.id)) == [member.id]
    assert await found(reader, member.email) == [] and await found(reader, auditor.email) == [auditor.user_id]
    assert (await explaining.subject_of(auditor, member.email)).user_id == member.id
    assert (await explaining.subject_of(reader, str(member.id))).user_id == member.id
    with pytest.raises(NotFound):
        await explaining.subject_of(reader, member.email)


def done_by(user, tenant) -> None:
    entry = audit.Entry("thing.done", "thing", "1", {}, user.id)
    with tenant_scope(tenant.id, user.id):
        audit.append([entry], tenant_id=tenant.id)
