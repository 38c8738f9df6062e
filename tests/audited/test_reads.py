"""Every route and page that shows what is others': one entry of it, in the transaction that read it, or nothing shown.

Each GET is declared here: as audited, with the kind of row that its entry names, or as about nobody. A new one fails
until it is; what shows somebody's rows without an entry fails however it is declared.
"""

from __future__ import annotations

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from accounts import reading
from accounts.models import AuditRow, User
from accounts.privacy.datamap import table_of
from accounts.seam import in_thread
from accounts.tenancy import tenant_scope
from agents import selectors
from agents.models import Run, Step
from tests.audited.test_api import UNCHANGING
from tests.audited.walking import length, unwritable_trail
from tests.conftest import TenantWithUsers
from tests.isolation.conftest import Visit, colleagues, hers, serving, visit
from tests.isolation.planting import Garden
from tests.isolation.visitor import Answer, Visitor
from tests.isolation.walk import Route, api_routes, pages
from tests.plans import kept_after

__all__ = ["colleagues", "hers", "serving", "visit"]

ADMIN = "admin/{}/<path:object_id>/{}/"
# What its entry names: the first kind of row that was read.
AUDITED: dict[str, str] = {
    "/audit": "auditrow",
    "/privacy/holds": "legalhold",
    "/service-accounts": "serviceaccount",
    "/agents/{agent_id}/runs": "run",
    "/runs/{run_id}": "run",
    "/agents/{agent_id}/runs/{run_id}": "run",
    "/runs/{run_id}/events": "run",
    "/runs/{run_id}/steps": "run",
    "/runs/{run_id}/steps/{step_id}/evidence": "run",
    "/approvals": "approval",
    "/approvals/{approval_id}": "approval",
    "/delegations": "delegation",
    "/standing-rules": "standingrule",
    "/usage": "user",
    "/access/explain": "user",
    "admin/access/": "user",
    "admin/consents/": "delegation",
    "admin/policies/draft/": "membership",
    "admin/agents/run/<uuid:run_id>/trace.svg": "run",
    "admin/agents/run/<uuid:run_id>/fork/<uuid:step_id>/": "run",
    **{f"admin/{name}/add/": "user" for name in ("accounts/grant", "accounts/serviceaccount", "governance/budget")},
    **{
        f"admin/{name}/": name.partition("/")[2]
        for name in (
            *("accounts/connection", "accounts/grant", "accounts/invitation", "accounts/supportentry"),
            *("accounts/membership", "accounts/serviceaccount", "accounts/auditrow", "privacy/legalhold"),
            *("agents/run", "agents/session", "agents/step", "governance/budget", "governance/notice"),
            "governance/approval",
        )
    },
    **{
        ADMIN.format(name, "change"): name.partition("/")[2]
        for name in (
            *("accounts/connection", "accounts/grant", "accounts/invitation", "accounts/supportentry"),
            *("accounts/membership", "accounts/serviceaccount", "accounts/auditrow", "privacy/legalhold"),
            *("agents/run", "agents/session", "agents/step", "governance/budget", "governance/notice"),
            "governance/approval",
        )
    },
    **{
        ADMIN.format(name, "delete"): name.partition("/")[2]
        for name in ("accounts/connection", "accounts/grant", "accounts/membership", "governance/budget")
    },
}
# Downloads have an entry of their own, of export.
EXPORTS = {"/privacy/jobs/{job_id}/archive", "accounts/privacy/archives/<uuid:job_id>/"}
# What runs here, what the whole tenant has agreed on, counts, ids and states, and what is one's own alone.
ABOUT_NOBODY = {
    *("/health", "/ready", "/config", "/registry", "/agents", "/agents/{agent_id}", "/models", "/models/allowed"),
    *("/auth/jwks.json", "/auth/me", "/audit/verify", "/privacy/me", "/privacy/retention"),
    *("/connections/kinds", "/connections", "/sessions", "/sessions/{session_id}/runs"),
    *("/knowledge", "/knowledge/{knowledge_id}"),
    *("/halts", "/approvals/count", "/approvals/{approval_id}/status", "/policies", "/policies/versions"),
    *("/notifications", "/notifications/preferences", "/notifications/endpoints"),
    *("admin/", "admin/dashboard/", "admin/notifications/", "admin/halts/", "admin/search/", "admin/autocomplete/"),
    *("admin/theme.css", "admin/jsi18n/", "admin/login/", "admin/logout/"),
    "admin/r/<path:content_type_id>/<path:object_id>/",
    *("admin/password_change/", "admin/password_change/done/", "admin/(?P<url>.*)$", "", "accounts/privacy/"),
    "metrics",  # of the installation, for who shows its token
    *("admin/policies/", "admin/policies/draft/simulate/", "admin/policies/<int:number>/"),
    "admin/^(?P<app_label>accounts|privacy|knowledge|agents|governance|backup)/$",
}  # fmt: skip
# Texts of the tenant, which the garden marks too: names of endpoints and of tools that are gone, a job's stage.
COMMON = {
    *("/notifications/endpoints", "admin/policies/draft/simulate/", "admin/governance/endpoint/"),
    *(ADMIN.format("governance/endpoint", verb) for verb in ("change", "delete")),
    *("/privacy/jobs", "/privacy/jobs/{job_id}"),
    *("admin/privacy/privacyjob/", ADMIN.format("privacy/privacyjob", "change")),
}
# Posts that answer with filters and counts by a tool's name, which the garden marks.
NAMES_OF_TOOLS = {"/policies/simulate", "admin/agents/step/", "admin/governance/approval/"}
REFUSED = {
    *("admin/agents/run/<uuid:run_id>/rerun/", "admin/agents/step/<uuid:step_id>/reconcile/"),
    *("admin/agents/run/<uuid:run_id>/pause/", "admin/governance/approval/<uuid:approval_id>/decide/"),
}
QUERY: dict[str, dict[str, str]] = {"admin/governance/approval/": {"tab": "all"}}
SECRETIVE = (301, 302, 403, 404, 405)  # tells nothing, or takes no GET


def routes() -> list[Route]:
    return [route for route in [*api_routes(), *pages()] if route.verb == "GET"]


def audited() -> list[Route]:
    return [route for route in routes() if route.path in AUDITED]


def pages_of_nobody(route: Route) -> bool:
    """Tell whether it is one of the admin site's own pages of a table whose rows are about nobody."""
    if route.model is None:
        return route.path.startswith("accounts/")  # signing in, and what is one's own
    return not table_of(route.model).about_column or route.path.endswith(("/add/", "/history/", "<path:object_id>/"))


async def look(visitor: Visitor, route: Route, garden: Garden) -> Answer:
    """Ask for all that there is to see: lists without a word to search for."""
    if route.path == "/audit":
        return await visitor._call(route, route.path, garden, {})
    if route.is_api or route.names:
        return await visitor.ask(route, route.of(garden), garden)
    return await visitor._open(route, route.path, QUERY.get(route.path, {}))


def entered(after: int) -> list[AuditRow]:
    return list(AuditRow.objects.using("system").order_by("at", "seq")[after:])


@pytest.fixture
def garden(hers: Garden) -> Garden:
    """Her rows, with a call that waits to be reconciled."""
    request = {**hers.row(Step).request, "requirement": {"kind": "reconcile", "effect_text": hers.marker}}
    Step.objects.using("system").filter(pk=hers.row(Step).pk).update(state="unknown", request=request)
    return hers


async def complaints(visitor: Visitor, reader: User, route: Route, garden: Garden) -> list[str]:
    """Say what is wrong with what a look at others' rows has shown and entered."""
    before = await in_thread(length)
    answer = await look(visitor, route, garden)
    rows = await in_thread(entered, before)
    told = answer.betrays(garden.marker, garden.user.email) if answer.status not in SECRETIVE else []
    if route.path in EXPORTS:
        return [] if [row.action for row in rows] == ["privacy.exported"] * (answer.status == 200) else [f"{route}"]
    wrong = [f"{route}: has no entry, and tells {told}"] if told and not rows and route.path not in COMMON else []
    if len(rows) > 1:
        wrong.append(f"{route}: entered {[row.action for row in rows]}")
    for row in rows:
        if row.action != f"{AUDITED.get(route.path)}.read" or row.object_type != AUDITED.get(route.path):
            wrong.append(f"{route}: entered {row.action} of {row.object_type}, and is declared otherwise")
        if (
            row.actor_id != reader.id
            or str(garden.user.id) not in row.detail["of"]
            or str(reader.id) in row.detail["of"]
        ):
            wrong.append(f"{route}: says {row.actor_id} read what is of {row.detail['of']}")
        if garden.marker in str(row.detail) or garden.user.email in str(row.detail):
            wrong.append(f"{route}: keeps what it showed")
    return wrong


async def test_whatever_shows_what_is_others_has_one_entry(visit: Visit, acme: TenantWithUsers, garden: Garden) -> None:
    """An administrator looks at everything."""
    visitor, wrong, silent = await visit(acme.admin), [], []
    for route in routes():
        before = await in_thread(length)
        wrong += await complaints(visitor, acme.admin, route, garden)
        if route.path in AUDITED and await in_thread(length) == before:
            silent.append(str(route))
    assert wrong == []
    assert silent == [], "declared as audited, and nothing was entered"


@pytest.mark.parametrize("role", ["auditor", "operator", "approver"])
async def test_who_sees_less_leaves_as_much(visit: Visit, acme: TenantWithUsers, garden: Garden, role: str) -> None:
    reader = acme.users[role]
    visitor, wrong = await visit(reader), []
    before = await in_thread(length)
    for route in audited():
        wrong += await complaints(visitor, reader, route, garden)
    assert wrong == []
    kinds = {row.object_type for row in await in_thread(entered, before)}
    assert {"run", "session", "approval", "user"} - kinds <= ({"user"} if role == "approver" else set())


@pytest.mark.parametrize("role", ["viewer", "member"])
async def test_who_reads_nothing_of_others_enters_nothing(
    visit: Visit, acme: TenantWithUsers, garden: Garden, role: str
) -> None:
    """Her own rows and everybody's lists: the colleague has none of it."""
    reader = acme.users[role] if role == "viewer" else garden.user
    visitor = await visit(reader)
    before = await in_thread(length)
    for route in routes():
        if route.path not in EXPORTS:
            await look(visitor, route, garden)
    assert await in_thread(length) == before


async def test_what_the_trail_does_not_take_is_not_shown(visit: Visit, acme: TenantWithUsers, garden: Garden) -> None:
    visitor, wrong = await visit(acme.admin), []
    visitor.outages = frozenset({503})
    with unwritable_trail():
        for route in audited():
            answer = await look(visitor, route, garden)
            told = answer.betrays(garden.marker, garden.user.email)
            if answer.status != 503 or "audit_unavailable" not in answer.text or told:
                wrong.append(f"{route}: answers {answer.status} and tells {told}")
    assert wrong == []


async def test_a_follower_over_the_socket_is_entered_once(visit: Visit, acme: TenantWithUsers, garden: Garden) -> None:
    owner, reader = await visit(garden.user), await visit(acme.admin)
    path = f"/ws/runs/{garden.row(Run).id}"
    before = await in_thread(length)
    await owner.say(path, {"nonsense": 1})
    assert await in_thread(length) == before
    socket = await reader._socket(path)
    for said in ({"after": 1}, {"after": 0}, {"nonsense": 1}):
        await socket.send_json_to(said)
    while "error" not in await socket.receive_json_from(timeout=10):
        pass
    await socket.disconnect()
    (row,) = await in_thread(entered, before)
    assert (row.action, row.object_id, row.actor_id) == ("run.read", str(garden.row(Run).id), acme.admin.id)


async def test_a_socket_shows_nothing_that_the_trail_does_not_take(
    visit: Visit, acme: TenantWithUsers, garden: Garden
) -> None:
    reader = await visit(acme.admin)
    with unwritable_trail():
        frames, code = await reader.listen(f"/ws/runs/{garden.row(Run).id}")
    assert (frames, code) == ([], 1013)


async def test_a_post_that_only_reads_is_entered(visit: Visit, acme: TenantWithUsers, garden: Garden) -> None:
    visitor, found = await visit(acme.admin), await in_thread(garden.row, Run)
    before = await in_thread(length)
    for path in ("/agents/{agent_id}/runs/{run_id}/resume", "/policies/simulate"):
        assert ("POST", path) in UNCHANGING
        route = next(route for route in api_routes() if (route.verb, route.path) == ("POST", path))
        assert (await visitor.ask(route, route.of(garden), garden)).status == 200
    (row,) = await in_thread(entered, before)  # none of the calls would be judged otherwise: no example is shown
    assert (row.action, row.object_id) == ("run.read", str(found.id))


async def test_what_a_post_shows_of_others_is_entered(visit: Visit, acme: TenantWithUsers, garden: Garden) -> None:
    """Mostly they refuse what the walk sends, and show the row on the same page again."""
    visitor, wrong, shown = await visit(acme.admin), [], set()
    posts = [route for route in [*api_routes(), *pages()] if route.verb in ("POST", "PUT", "PATCH")]
    for route in sorted(posts, key=lambda route: (_ends_something(route), str(route))):
        before = await in_thread(length)
        answer = await visitor.ask(route, route.of(garden), garden)
        told = answer.betrays(garden.marker, garden.user.email) if answer.status not in SECRETIVE else []
        if told and await in_thread(length) > before:
            shown.add(route.path)
        elif told and route.path not in COMMON | NAMES_OF_TOOLS:
            wrong.append(f"{route}: answers {answer.status}, has no entry, and tells {told}")
    assert wrong == []
    assert shown >= REFUSED, "these refuse, and show what is hers"


def _ends_something(route: Route) -> bool:
    words = ("erase", "delete", "revoke", "sign-out", "switch-tenant")
    return bool(route.action) or any(word in route.path for word in words)


async def test_a_list_has_one_entry_for_all_that_it_shows(
    visit: Visit, acme: TenantWithUsers, hers: Garden, colleagues: Garden
) -> None:
    reader = await visit(acme.admin)
    before = await in_thread(length)
    await reader._open(Route("GET", "admin/agents/run/", (), is_api=False), "admin/agents/run/", {})
    (row,) = await in_thread(entered, before)
    assert (row.action, row.object_id, row.detail["rows"]) == ("run.read", "", 2)
    assert set(row.detail["of"]) == {str(hers.user.id), str(colleagues.user.id)}
    assert (row.detail["shown"], row.detail["via"]) == (["sensitive"], "cookie")


def test_ones_own_costs_no_statement_more(database: None, acme: TenantWithUsers, hers: Garden) -> None:
    run_id, counts = hers.row(Run).id, []
    owner = acme.principal("member")
    for is_request in (False, True):
        with CaptureQueriesContext(connection) as queries:
            if is_request:
                with reading.open_for(owner):
                    selectors.run_detail(principal=owner, run_id=run_id)
            else:
                selectors.run_detail(principal=owner, run_id=run_id)
        counts.append(len(queries))
    assert counts[0] == counts[1]


def test_what_masks_say_they_hide_is_not_told_as_shown(database: None, acme: TenantWithUsers, hers: Garden) -> None:
    auditor = acme.principal("auditor")
    with reading.open_for(auditor):
        selectors.run_detail(principal=auditor, run_id=hers.row(Run).id)
    assert AuditRow.objects.using("system").order_by("-seq")[0].detail["shown"] == []


def test_each_scope_of_a_request_enters_whose_rows_it_reads(
    database: None, acme: TenantWithUsers, hers: Garden, colleagues: Garden
) -> None:
    """Two transactions: the second enters whom the first has not, and nobody twice."""
    admin, before = acme.principal("admin"), length()
    with reading.open_for(admin):
        for run in (hers.row(Run), hers.row(Run), colleagues.row(Run)):
            selectors.run_detail(principal=admin, run_id=run.id)
    assert [row.detail["of"] for row in entered(before)] == [[str(hers.user.id)], [str(colleagues.user.id)]]


async def test_the_plans_of_what_enters_a_reading_are_kept(database: None, acme: TenantWithUsers, hers: Garden) -> None:
    admin, run_id = acme.principal("admin"), hers.row(Run).id

    def read() -> None:
        with reading.open_for(admin):
            selectors.run_steps(principal=admin, run_id=run_id)

    (plans,) = await kept_after(read, "default")
    assert [[table in statement for statement, _ in plans].count(True) for table in ("audithead", "auditrow")] == [2, 1]


def test_a_row_of_a_scope_that_fails_is_not_entered(database: None, acme: TenantWithUsers, hers: Garden) -> None:
    admin, before = acme.principal("admin"), length()

    def fails() -> None:
        with reading.open_for(admin), tenant_scope(admin.tenant_id, admin.user_id):
            selectors.run_detail(principal=admin, run_id=hers.row(Run).id)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fails()
    assert length() == before


def test_every_page_and_route_is_declared() -> None:
    found = {route.path: route for route in routes()}
    undeclared = [
        path
        for path, route in found.items()
        if path not in AUDITED and path not in ABOUT_NOBODY | EXPORTS | COMMON
        if route.is_api or not (pages_of_nobody(route) or path.endswith(("/delete/", ".csv")) or takes_only_posts(path))
    ]
    assert undeclared == [], "say whether they show what is others'"
    assert (AUDITED.keys() | ABOUT_NOBODY | EXPORTS | COMMON) - found.keys() == set(), "these are no more"


POSTS = ("activate", "discard", "rollback", "release", "pause", "unpause", "cancel", "rerun", "reconcile", "decide")


def takes_only_posts(path: str) -> bool:
    return path.endswith(tuple(f"/{name}/" for name in (*POSTS, "ask", "together"))) or "/answer/<uuid" in path
