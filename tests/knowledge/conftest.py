"""Bases of a tenant, and members who hold just the scopes and grants that a test gives them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Protocol

import pytest

from accounts import principals
from accounts.models import User
from accounts.principals import Principal
from accounts.services import grants, members, roles
from knowledge.models import KnowledgeBase
from knowledge.services import bases
from tests.conftest import TenantWithUsers

MakeBase = Callable[..., KnowledgeBase]


class Hold(Protocol):
    def __call__(self, team: TenantWithUsers, scopes: Sequence[str], granted: Sequence[str] = ()) -> Principal: ...


@pytest.fixture(autouse=True)
def _fresh() -> Iterator[None]:
    principals.cache.forget()
    yield
    principals.cache.forget()


@pytest.fixture
def make_base(database: None) -> MakeBase:
    def make(team: TenantWithUsers, slug: str = "handbook", **said: str | bool) -> KnowledgeBase:
        return bases.create(team.principal("admin"), slug=slug, name=slug.title(), **said)  # type: ignore[arg-type]

    return make


def now(team: TenantWithUsers, user: User) -> Principal:
    found = principals.load(user.id, team.tenant.id)
    assert found is not None
    return found


@pytest.fixture
def hold(database: None) -> Hold:
    """Give a tenant's member a role of these scopes and these grants, nothing else; return her as she is then."""

    def hold(team: TenantWithUsers, scopes: Sequence[str], granted: Sequence[str] = ()) -> Principal:
        admin = team.principal("admin")
        roles.create(admin, name="own", scopes_asked=scopes)
        members.change_role(admin, user_id=team.member.id, role="own")
        for scope in granted:
            kind, name, verb = scope.split(":")
            grants.give(admin, user_id=team.member.id, kind=kind, name=name, verb=verb)
        return now(team, team.member)

    return hold
