"""Takes the ORM's filters away on purpose: what the database lets through then is still nobody else's."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Any

import pytest
from django.db import connections
from django.db.models import Model, Q, QuerySet

from accounts import principals
from accounts.principals import Principal
from accounts.seam import in_thread
from accounts.tenancy import tenant_scope
from agents import selectors as run_selectors
from agents import session_pages
from agents.models import Run, Session
from agents.services import runs
from governance import selectors as approval_selectors
from governance.models import Approval
from tests.conftest import MakeUser, TenantWithUsers
from tests.isolation.conftest import Visit
from tests.isolation.planting import Garden, tenant_models
from tests.isolation.test_markers import found_in, readable_tables
from tests.isolation.visitor import Visitor
from tests.isolation.walk import Route, api_routes, pages

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

    principals.members()  # kept by the process, and the system role's: else whoever comes later gets everybody's grants
    has = Principal.has
    monkeypatch.setattr(QuerySet, "_filter_or_exclude_inplace", forgetful)
    monkeypatch.setattr(Principal, "has", lambda self, scope: scope in PAST_ONES_OWN or has(self, scope))
    monkeypatch.setattr(runs, "may_touch", lambda principal, run, verb: True)
    monkeypatch.setattr(run_selectors, "visible_runs", lambda principal: Run.objects.all())
    monkeypatch.setattr(session_pages, "_OWN", re.sub(r"\w+ = %s", "%s::uuid IS NOT NULL", session_pages._OWN))
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


async def nothing_found(visitor: Visitor, hers: Garden) -> None:
    before = await in_thread(hers.state)
    assert await leaks(visitor, hers, [*api_routes(), *pages()]) == []
    assert await in_thread(hers.state) == before


async def leaks(visitor: Visitor, hers: Garden, routes: Iterable[Route]) -> list[str]:
    """Return the routes whose answers hold her marker."""
    told = []
    for route in routes:
        if (await visitor.ask(route, route.of(hers), hers)).betrays(hers.marker):
            told.append(str(route))
    return told


@pytest.fixture
def without_policies(database: None) -> Iterator[None]:
    """Switch row-level security off in this test's own database, on every table, and on again."""
    turn_policies("DISABLE")
    yield
    turn_policies("ENABLE")


def turn_policies(way: str) -> None:
    tables = ["accounts_tenant", "accounts_user", *(model._meta.db_table for model in tenant_models())]
    with connections["owner"].cursor() as cursor:
        cursor.execute(";".join(f'ALTER TABLE "{table}" {way} ROW LEVEL SECURITY' for table in tables))


async def test_with_the_policies_off_as_well_the_walk_finds_leaks(
    visit: Visit, globex: TenantWithUsers, hers: Garden, without_filters: list[str], without_policies: None
) -> None:
    """So what the walk can't find elsewhere is what the policies keep: lists, details, searches and pages."""
    reading = [route for route in [*api_routes(), *pages()] if route.verb == "GET"]
    found = await leaks(await visit(globex.admin), hers, reading)
    assert {"GET /sessions", "GET /runs/{run_id}", "GET /approvals"} <= set(found)
    assert {"GET admin/agents/run/<path:object_id>/change/", "GET admin/accounts/serviceaccount/"} <= set(found)
    assert len(found) > 20


def test_with_the_policies_off_every_table_shows_everybodys_rows(
    globex: TenantWithUsers, hers: Garden, without_policies: None
) -> None:
    """So by table it is the database alone that keeps them: no query here has a filter."""
    with tenant_scope(globex.tenant.id, globex.admin.id):
        shown = {table for table in readable_tables() if found_in(table, hers.marker, hers.common)}
    assert {model._meta.db_table for model in tenant_models() if bears(hers, model)} <= shown


def bears(garden: Garden, model: type[Model]) -> bool:
    """Say whether a table's planted row holds a marker, and the application's role may read it at all."""
    if model not in garden.rows or model._meta.db_table not in set(readable_tables()):
        return False
    held = str(model._base_manager.using("system").filter(pk=garden.rows[model].pk).values())
    return garden.marker in held or garden.common in held


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
