"""Every route and verb, tried with the ids of somebody's rows by those whose they are not: nothing is told or changed.

What a stranger gets for rows that there are is what she gets for rows that there are not.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from functools import cache
from typing import Any

import orjson
import pytest

from accounts.seam import in_thread
from agentos.api import api
from agents.models import Run, Step
from tests.conftest import MakeUser, TenantWithUsers
from tests.isolation.conftest import Visit
from tests.isolation.planting import Garden
from tests.isolation.visitor import Answer, Visitor
from tests.isolation.walk import BODIES, NOTHING, QUERIES, Route, api_routes, pages, socket_paths

NOT_THERE = 404
ORDER = {"GET": 0, "DELETE": 1}  # then what makes something: a session of her own may have the same name
REFUSED = (401, 403, 405)  # a verb that nobody may on such a page, and what takes another role: for any id
NAMES_A_ROW = re.compile(r"user|email|tenant|from_step|approvers|number|\w+_id")
OF_COMPONENTS = {"agent_id", "component_id"}


def complaints(route: Route, there: Answer, nowhere: Answer, garden: Garden, *hidden: str) -> Iterable[str]:
    """Say what an answer betrays; `hidden` is what only some may not be told."""
    if words := there.betrays(garden.marker, garden.user.email, *hidden):
        yield f"{route}: tells {words}"
    if route.ids and there.without(*route.words(garden)) != nowhere.without(NOTHING):
        yield f"{route}: answers {there.status} for what there is, {nowhere.status} for what there is not, or otherwise"


async def tried(
    visitor: Visitor, routes: Iterable[Route], garden: Garden, *hidden: str
) -> tuple[list[str], dict[Route, int]]:
    """Try every route with the garden's ids; return what went wrong, and the statuses."""
    wrong: list[str] = []
    statuses: dict[Route, int] = {}
    for route in sorted(routes, key=lambda route: ORDER.get(route.verb, len(ORDER))):
        there = await visitor.ask(route, route.of(garden), garden)
        nowhere = await visitor.ask(route, route.of_nothing(), garden) if route.ids else there
        wrong.extend(complaints(route, there, nowhere, garden, *hidden))
        if not route.only_moves_on:
            statuses[route] = there.status
    return wrong, statuses


async def test_another_tenants_administrator_finds_nothing(
    visit: Visit, globex: TenantWithUsers, hers: Garden, strangers: Garden
) -> None:
    """She holds every right where she belongs: so it is the ids that are not there, and 404 is the one answer."""
    before = await in_thread(hers.state)
    stranger = await visit(globex.admin)
    wrong, statuses = await tried(stranger, [*api_routes(), *pages()], hers, hers.common)
    assert wrong == []
    with_ids = {route: status for route, status in statuses.items() if route.ids}
    assert {str(route) for route, status in with_ids.items() if route.is_api and status != NOT_THERE} == set()
    assert {str(route): status for route, status in with_ids.items() if status not in (NOT_THERE, *REFUSED)} == {}
    assert await in_thread(hers.state) == before


@pytest.mark.parametrize("role", ["member", "viewer"])
async def test_a_colleague_finds_nothing(
    visit: Visit, acme: TenantWithUsers, make_user: MakeUser, hers: Garden, role: str
) -> None:
    before = await in_thread(hers.state)
    colleague = await visit(await in_thread(make_user, acme.tenant, role, "colleague@acme.test"))
    others = [route for route in [*api_routes(), *pages()] if not route.is_read_by_all]
    wrong, statuses = await tried(colleague, others, hers)
    assert wrong == []
    with_ids = {str(route): status for route, status in statuses.items() if route.ids}
    assert {name: status for name, status in with_ids.items() if status not in (NOT_THERE, *REFUSED)} == {}
    assert await in_thread(hers.state) == before


async def test_nobody_finds_nothing(visit: Visit, hers: Garden) -> None:
    before = await in_thread(hers.state)
    wrong, statuses = await tried(await visit(None), [*api_routes(), *pages()], hers, hers.common)
    assert wrong == []
    assert {status for route, status in statuses.items() if route.is_api and route.ids} == {401}
    assert {status for route, status in statuses.items() if route.ids} <= {302, NOT_THERE, *REFUSED}
    assert await in_thread(hers.state) == before


async def test_who_may_read_everything_changes_nothing(visit: Visit, acme: TenantWithUsers, hers: Garden) -> None:
    before = await in_thread(hers.state)
    auditor = await visit(acme.auditor)
    for route in [*api_routes(), *pages()]:
        await auditor.ask(route, route.of(hers), hers)
    assert await in_thread(hers.state) == before


async def test_a_socket_is_nowhere_for_strangers(
    visit: Visit, globex: TenantWithUsers, acme: TenantWithUsers, hers: Garden
) -> None:
    for path in (path for path in socket_paths() if "run_id" in path):
        route = Route("GET", path, ("run_id",), is_api=False)
        for user, expected in ((globex.admin, 4404), (acme.viewer, 4404), (None, 4401)):
            frames, code = await (await visit(user)).listen(f"/{route.of(hers)}")
            assert code == expected
            assert not any(hers.marker in frame for frame in frames)


@pytest.mark.parametrize("said", ["answers", "cancel"])
async def test_who_only_reads_a_run_changes_nothing_over_its_socket(
    visit: Visit, acme: TenantWithUsers, hers: Garden, said: str
) -> None:
    before = await in_thread(hers.state)
    frame = {"answers": [{"tool_call_id": hers.row(Step).tool_call_id, "confirmed": True}], "cancel": True}
    reply = await (await visit(acme.auditor)).say(f"/ws/runs/{hers.row(Run).id}", {said: frame[said]})
    assert '"done"' not in reply
    assert await in_thread(hers.state) == before


def test_every_id_in_a_body_or_a_query_is_tried(hers: Garden) -> None:
    """Whatever names a row, a person or a tenant beside the address stands in what the walk sends."""
    forgotten = []
    for route in api_routes():
        sent = orjson.dumps([of(hers) for of in (BODIES.get(str(route)), QUERIES.get(str(route))) if of]).decode()
        forgotten += [f"{route}: {name}" for name in sorted(_named(route)) if f'"{name}"' not in sent]
    assert forgotten == []


@cache
def _openapi() -> dict[str, Any]:
    return dict(api.get_openapi_schema())


def _named(route: Route) -> set[str]:
    """Return the fields of a route's body and query that name rows, by what OpenAPI says of them."""
    asked = _openapi()["paths"][f"/api{route.path}"][route.verb.lower()]
    names = {each["name"] for each in asked.get("parameters", ()) if each["in"] == "query"}
    for content in asked.get("requestBody", {}).get("content", {}).values():
        names.update(_fields(content["schema"]))
    return {name for name in names if NAMES_A_ROW.fullmatch(name)} - OF_COMPONENTS


def _fields(schema: dict[str, Any]) -> Iterator[str]:
    if "$ref" in schema:
        schema = _openapi()["components"]["schemas"][schema["$ref"].rpartition("/")[2]]
    for part in [part for kind in ("anyOf", "allOf", "oneOf") for part in schema.get(kind, ())]:
        yield from _fields(part)
    for name, value in schema.get("properties", {}).items():
        yield name
        yield from _fields(value.get("items", value))


def test_the_walk_knows_every_route() -> None:
    known = {str(route) for route in [*api_routes(), *pages()]}
    assert {"GET /runs/{run_id}", "POST accounts/switch-tenant/"} < known
    assert "GET admin/agents/run/<path:object_id>/change/" in known
    assert socket_paths() == ["ws/runs/<uuid:run_id>", "ws/inbox"]


@pytest.mark.parametrize("path", ["/things/{thing_id}", "/runs/{run_id}/things/{thing_id}"])
def test_a_route_with_an_id_that_nobody_has_mapped_fails(hers: Garden, path: str) -> None:
    with pytest.raises(LookupError, match="whose id thing_id is"):
        Route("GET", path, ("run_id", "thing_id"), is_api=True).of(hers)
