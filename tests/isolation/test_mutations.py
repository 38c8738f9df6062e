"""Takes the ORM's filters away on purpose: what the database lets through then is still nobody else's."""

from __future__ import annotations

from typing import Any

import pytest
from django.db.models import Q, QuerySet

from accounts.principals import Principal
from accounts.seam import in_thread
from accounts.tenancy import tenant_scope
from agents import selectors as run_selectors
from agents.models import Run, Session
from agents.services import runs
from governance import selectors as approval_selectors
from governance.models import Approval
from tests.conftest import MakeUser, TenantWithUsers
from tests.isolation.conftest import Visit
from tests.isolation.planting import Garden
from tests.isolation.walk import api_routes, pages

WHOSE = frozenset({"tenant", "user", "requester", "subject", "actor", "owner"})
PAST_ONES_OWN = frozenset({"runs:read_all", "runs:write_all", "approvals:read"})


def names_somebody(lookup: str) -> bool:
    return lookup.split("__")[0].removesuffix("_id") in WHOSE


def stripped(condition: Any) -> Any:
    """Return a condition without what it says of tenants and users."""
    if isinstance(condition, tuple):
        return None if names_somebody(condition[0]) else condition
    if not isinstance(condition, Q):
        return condition
    kept = [child for child in map(stripped, condition.children) if child is not None]
    return Q(*kept, _connector=condition.connector, _negated=condition.negated) if kept else Q()


@pytest.fixture
def without_filters(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Make every query of the application's connection forget whose rows it asks for; return what was forgotten."""
    forgotten: list[str] = []
    filter_or_exclude = QuerySet._filter_or_exclude_inplace  # type: ignore[attr-defined]

    def forgetful(self: Any, negate: bool, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        if self.db == "default":
            forgotten.extend(name for name in kwargs if names_somebody(name))
            kwargs = {name: value for name, value in kwargs.items() if not names_somebody(name)}
            args = tuple(stripped(condition) for condition in args)
        filter_or_exclude(self, negate, args, kwargs)

    has = Principal.has
    monkeypatch.setattr(QuerySet, "_filter_or_exclude_inplace", forgetful)
    monkeypatch.setattr(Principal, "has", lambda self, scope: scope in PAST_ONES_OWN or has(self, scope))
    monkeypatch.setattr(runs, "may_touch", lambda principal, run, verb: True)
    monkeypatch.setattr(run_selectors, "visible_runs", lambda principal: Run.objects.all())
    return forgotten


async def test_a_stranger_still_finds_nothing(
    visit: Visit, globex: TenantWithUsers, hers: Garden, without_filters: list[str]
) -> None:
    await nothing_found(await visit(globex.admin), hers)
    assert without_filters


@pytest.mark.parametrize("role", ["member", "viewer"])
async def test_a_colleague_still_finds_nothing(
    visit: Visit,
    acme: TenantWithUsers,
    make_user: MakeUser,
    hers: Garden,
    without_filters: list[str],
    role: str,
) -> None:
    colleague = await in_thread(make_user, acme.tenant, role, "colleague@acme.test")
    await nothing_found(await visit(colleague), hers)
    assert without_filters


async def nothing_found(visitor: Any, hers: Garden) -> None:
    before = await in_thread(hers.state)
    told = []
    for route in [*api_routes(), *pages()]:
        answer = await visitor.ask(route, route.of(hers), hers)
        if words := answer.betrays(hers.marker):
            told.append((str(route), words))
    assert told == []
    assert await in_thread(hers.state) == before


def test_the_mutation_is_one(
    acme: TenantWithUsers, hers: Garden, colleagues: Garden, without_filters: list[str]
) -> None:
    """Of whoever may read everybody's, the filter is all that keeps hers from the others': without it they come."""
    with tenant_scope(acme.tenant.id, acme.operator.id):
        assert Session.objects.filter(user_id=acme.member.id).count() == 2
        assert Run.objects.filter(Q(user=acme.member) | Q(tenant_id=None)).count() == 2
        assert Run.objects.exclude(user_id=acme.member.id, status="paused").count() == 0
    principal = acme.principal("member")
    with tenant_scope(acme.tenant.id, acme.member.id):
        assert set(approval_selectors.visible(principal)) == {hers.row(Approval)}
