"""Who sees what of whom, in one place."""

from __future__ import annotations

from dataclasses import replace

import pytest

from accounts.privacy.access import MASK, Showing, masked, seen, seen_field, showing
from accounts.privacy.datamap import DataClass
from agentos.core.ids import new_id

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
