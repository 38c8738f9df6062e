"""What a held scope grants, for every role and for the corners of matching."""

import pytest

from accounts import scopes
from accounts.models import Role
from accounts.scopes import ADMIN, ALL_SCOPES, FOR_PEOPLE, ROLE_SCOPES, grants, is_known, narrow, scopes_of


@pytest.mark.parametrize(
    ("held", "wanted", "granted"),
    [
        ("agents:run", "agents:helpdesk:run", True),
        ("agents:*:run", "agents:helpdesk:run", True),
        ("agents:helpdesk:run", "agents:helpdesk:run", True),
        ("agents:helpdesk:run", "agents:approvals:run", False),
        ("agents:helpdesk:run", "agents:run", False),
        ("agents:helpdesk:read", "agents:helpdesk:run", False),
        ("agents:*:run", "teams:any:run", False),
        ("agents:*:run", "agents:a:b:run", False),
        ("agents:run", "agents:a:b:run", False),
        ("agents:*", "agents:helpdesk:run", False),
        ("*", "agents:run", False),
        ("agents:help*:run", "agents:helpdesk:run", False),
        (ADMIN, "anything:at:all", True),
        ("agent_os:read", "audit:read", False),
    ],
)
def test_matching(held: str, wanted: str, granted: bool) -> None:
    assert grants(frozenset({held}), wanted) is granted


def test_every_role_has_a_row_and_knows_its_scopes() -> None:
    assert set(ROLE_SCOPES) == set(Role.values)
    assert all(is_known(scope) for scopes in ROLE_SCOPES.values() for scope in scopes)
    assert scopes_of("emperor") == frozenset()


def test_only_admins_hold_the_admin_scope() -> None:
    assert [role for role, scopes in ROLE_SCOPES.items() if ADMIN in scopes] == [Role.ADMIN]


@pytest.mark.parametrize(
    ("role", "may", "may_not"),
    [
        (Role.VIEWER, "agents:x:read", "agents:x:run"),
        (Role.MEMBER, "agents:x:run", "approvals:decide"),
        (Role.MEMBER, "sessions:delete", "runs:read_all"),
        (Role.OPERATOR, "steps:reconcile", "approvals:decide"),
        (Role.APPROVER, "approvals:decide", "audit:read"),
        (Role.AUDITOR, "audit:read", "agents:x:run"),
        (Role.AUDITOR, "approvals:read", "approvals:decide"),
    ],
)
def test_roles(role: str, may: str, may_not: str) -> None:
    assert grants(scopes_of(role), may)
    assert not grants(scopes_of(role), may_not)


def test_a_key_only_narrows() -> None:
    member, admin = scopes_of(Role.MEMBER), scopes_of(Role.ADMIN)
    assert narrow(member, ["agents:helpdesk:run", "audit:read"]) == {"agents:helpdesk:run"}
    assert narrow(member, [ADMIN]) == member - FOR_PEOPLE
    assert narrow(admin, ["agents:run"]) == {"agents:run"}
    assert narrow(frozenset({"agents:helpdesk:run"}), ["agents:run"]) == {"agents:helpdesk:run"}
    assert narrow(member, []) == frozenset()
    approver = scopes_of(Role.APPROVER)
    assert narrow(approver, approver) == narrow(approver, [ADMIN]) == approver - FOR_PEOPLE


@pytest.mark.parametrize("scope", ["agents:*:run", "agents:helpdesk:run", ADMIN, "audit:read"])
def test_known(scope: str) -> None:
    assert is_known(scope)


@pytest.mark.parametrize("scope", ["", "agents", "agents::run", "agents:x:fly", "sessions:x:read", "a:b:c:d"])
def test_unknown(scope: str) -> None:
    assert not is_known(scope)
    assert scope not in ALL_SCOPES


def test_every_scope_has_words_of_its_own() -> None:
    said = {scope: scopes.in_words(scope) for scope in scopes.ALL_SCOPES}
    assert len(set(said.values())) == len(said)
    assert not [words for words in said.values() if "_" in words or ":" in words]
    assert scopes.in_words("tools:restart_service:call") == "call the tool restart_service"
    assert scopes.labelled("service_accounts:write") == "Make and change service accounts (service_accounts:write)"
