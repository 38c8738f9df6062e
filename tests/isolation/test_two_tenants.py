"""Whoever is a member of two tenants is in one at a time: what is hers in the other is not there for her."""

from __future__ import annotations

from accounts.models import Membership
from accounts.seam import in_thread
from tests.conftest import TenantWithUsers
from tests.isolation.conftest import Visit
from tests.isolation.planting import Garden
from tests.isolation.walk import NOTHING, Route, api_routes, pages, socket_paths


def in_the_other(acme: TenantWithUsers, globex: TenantWithUsers) -> Garden:
    """Make acme's administrator a member of globex, with a row of hers in every table there."""
    Membership.objects.using("system").create(tenant_id=globex.tenant.id, user_id=acme.admin.id, role="member")
    return Garden(globex.tenant, acme.admin, "mkheringlobex").all()


async def test_her_token_and_session_of_one_find_nothing_of_the_other(
    visit: Visit, acme: TenantWithUsers, globex: TenantWithUsers
) -> None:
    visitor = await visit(acme.admin)
    visitor.tenant = "acme"
    hers = await in_thread(in_the_other, acme, globex)
    before, wrong = await in_thread(hers.state), []
    for route in sorted([*api_routes(), *pages()], key=lambda route: {"GET": 0, "DELETE": 1}.get(route.verb, 2)):
        there = await visitor.ask(route, route.of(hers), hers)
        wrong += [f"{route}: tells {word}" for word in there.betrays(hers.marker, hers.common)]
        if route.ids and route.is_api:
            nowhere = await visitor.ask(route, route.of_nothing(), hers)
            if there.without(*route.words(hers)) != nowhere.without(NOTHING):
                wrong.append(f"{route}: answers {there.status} for what is there, {nowhere.status} for nothing")
    assert wrong == []
    for path in (path for path in socket_paths() if "run_id" in path):
        route = Route("GET", path, ("run_id",), is_api=False)
        assert await visitor.listen(f"/{route.of(hers)}") == ([], 4404)
    after = await in_thread(hers.state)
    assert {name for name in before if before[name] != after[name]} == set()
    visitor.tenant = "globex"
    await visitor.enter()
    one_run = next(route for route in api_routes() if str(route) == "GET /runs/{run_id}")
    assert (await visitor.ask(one_run, one_run.of(hers), hers)).betrays(hers.marker), "there it is hers"
