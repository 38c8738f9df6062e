"""Explaining: over HTTP, at the shell and on the page, by the same judgement as the gate's."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from io import StringIO
from typing import Any

import httpx
import pytest
from django.core.management import CommandError, call_command
from django.test import Client
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from accounts import principals
from accounts.models import Membership, User
from accounts.seam import in_thread
from accounts.services import grants, members, roles
from agentos.core.ids import new_id
from agentos.lean import LeanHandler
from agents.engine.run_info import RunInfo
from agents.engine.status import StepKind, StepState
from agents.engine.steps import StepRecord
from agents.engine.verdicts import Refuse, Require
from agents.registry import registry
from governance.access import explaining
from governance.hooks import Governance
from tests.conftest import TenantWithUsers

TOOLS = [(spec, tool) for spec in registry.all() for tool in spec.tools]
RIGHTS = ["agents:helpdesk:run", "agents:approvals:run", *(f"tools:{tool.name}:call" for _, tool in TOOLS)]


@pytest.fixture(autouse=True)
def _fresh() -> Any:
    principals.cache.forget()
    yield
    principals.cache.forget()


@pytest.fixture
async def client(database: None) -> AsyncIterator[httpx.AsyncClient]:
    transport = httpx.ASGITransport(app=LeanHandler())  # type: ignore[arg-type]
    async with httpx.AsyncClient(transport=transport, base_url="http://testserver/api") as client:
        yield client


async def ask(client: httpx.AsyncClient, who: User, **query: str) -> httpx.Response:
    signed = await client.post("/auth/token", json={"email": who.email, "password": "demo"})
    headers = {"Authorization": f"Bearer {signed.json()['access']}"}
    return await client.get("/access/explain", params=query, headers=headers)


async def test_an_administrator_asks_about_a_member(client: httpx.AsyncClient, acme: TenantWithUsers) -> None:
    answer = await ask(
        client,
        acme.admin,
        user="member@acme.test",
        tool="process_refund",
        args=json.dumps({"customer_id": "C-1042", "amount": 250, "reason": "twice"}),
    )
    found = answer.json()
    assert answer.status_code == 200, answer.text
    assert (found["outcome"], found["waits_for"], found["decided"]["layer"]) == ("asks", "approval", "policy")
    assert found["component"] == "agent:approvals"
    assert found["effect_text"] == "Refund $250.00 to C-1042"
    layers = [(row["layer"], row["outcome"]) for row in found["layers"] if row["right"].startswith("tools:")]
    assert layers == [
        ("membership", "passes"), ("role", "grants"), ("grant", "passes"), ("scope", "passes"), ("policy", "asks"),
        ("taint", "passes"), ("kill switch", "passes"),
    ]  # fmt: skip
    assert found["layers"][-1] == {
        "layer": "budget", "right": "agents:approvals:run", "outcome": "passes", "reason": "No budget applies.",
    }  # fmt: skip
    viewer = (await ask(client, acme.auditor, user=str(acme.viewer.id), tool="process_refund")).json()
    assert (viewer["outcome"], viewer["decided"]["layer"]) == ("refused", "default")


async def test_everybody_asks_about_herself_and_few_about_others(
    client: httpx.AsyncClient, acme: TenantWithUsers, globex: TenantWithUsers
) -> None:
    own = (await ask(client, acme.viewer, component="helpdesk")).json()
    assert (own["user"]["email"], own["outcome"]) == ("viewer@acme.test", "refused")
    assert (await ask(client, acme.viewer, component="helpdesk", user="VIEWER@acme.test")).status_code == 200
    for role in ("viewer", "member", "operator", "approver"):
        refused = await ask(client, acme.users[role], component="helpdesk", user="admin@acme.test")
        assert (refused.status_code, refused.json()["code"]) == (403, "missing_scope")
    for stranger in ("member@globex.test", str(globex.member.id), "nobody@acme.test", "é\u202e"):
        assert (await ask(client, acme.admin, component="helpdesk", user=stranger)).status_code == 404


@pytest.mark.parametrize(
    ("query", "status", "code"),
    [
        ({}, 422, "nothing_asked"),
        ({"tool": "no_such"}, 404, "not_found"),
        ({"component": "no-such"}, 404, "not_found"),
        ({"component": "helpdesk", "tool": "process_refund"}, 404, "not_found"),
        ({"tool": "process_refund", "args": "[]"}, 422, "bad_arguments"),
        ({"tool": "process_refund", "args": '{"amount": -1}'}, 422, "bad_arguments"),
        ({"component": "helpdesk", "args": "{}"}, 422, "bad_arguments"),
    ],
)
async def test_bad_questions(
    client: httpx.AsyncClient, acme: TenantWithUsers, query: dict[str, str], status: int, code: str
) -> None:
    answer = await ask(client, acme.member, **query)
    assert (answer.status_code, answer.json()["code"]) == (status, code)


@given(
    role=st.sampled_from(["viewer", "member", "auditor", "own"]),
    held=st.sets(st.sampled_from(RIGHTS), max_size=3),
    granted=st.sets(st.sampled_from(RIGHTS), max_size=3),
    limits=st.one_of(st.none(), st.sets(st.sampled_from([*RIGHTS, "agents:run", "tools:call"]), max_size=3)),
    asked=st.sampled_from(TOOLS),
)
@settings(max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture])
async def test_what_is_explained_is_what_the_gate_does(
    acme: TenantWithUsers, role: str, held: set[str], granted: set[str], limits: set[str] | None, asked: Any
) -> None:
    """The whole road: rows of roles and grants, read by both, for a run with and without limits."""
    spec, tool = asked
    await in_thread(_put, acme, role, held, granted)
    principals.cache.forget()
    subject = await in_thread(explaining.member_of, acme.tenant.id, "member@acme.test")
    asker = subject if limits is None else subject.narrowed(limits)
    found = await explaining.explain(asker, component=spec.id, tool=tool.name)
    pinned = None if limits is None else tuple(sorted(limits))
    run = RunInfo(new_id(), acme.tenant.id, acme.member.id, "s", spec, "m", "Hello", limits=pinned)
    step = StepRecord(new_id(), "1.0", StepKind.TOOL, tool.name, StepState.STARTED, {"arguments": {}})
    verdict = await Governance().before_tool(run, tool, step, {"questions": [], "user_input_fields": [{"name": "x"}]})
    assert isinstance(verdict, Refuse) is (found.word == "refused")
    assert isinstance(verdict, Require) is (found.word == "asks")


def _put(acme: TenantWithUsers, role: str, held: set[str], granted: set[str]) -> None:
    admin = acme.principal("admin")
    for row in _rows_of(acme):
        grants.take(admin, grant_id=row)
    if role == "own":
        found = roles.create(admin, name=f"own-{new_id().hex[-12:]}", scopes_asked=sorted(held))
        role = found.name
    members.change_role(admin, user_id=acme.member.id, role=role)
    for scope in granted:
        kind, name, verb = scope.split(":")
        grants.give(admin, user_id=acme.member.id, kind=kind, name=name, verb=verb)


def _rows_of(acme: TenantWithUsers) -> list[Any]:
    from accounts.models import Grant

    return list(Grant.objects.using("system").filter(user_id=acme.member.id).values_list("id", flat=True))


class TestCommand:
    def run(self, *arguments: str, **options: str) -> str:
        out = StringIO()
        call_command("access", "explain", *arguments, stdout=out, **options)
        return out.getvalue()

    def test_it_shows_each_layer_and_the_one_that_decided(self, acme: TenantWithUsers) -> None:
        shown = self.run("member@acme.test", "process_refund")
        assert [line.split()[0] for line in shown.splitlines()[:-1]].count("policy") == 1
        assert shown.splitlines()[-1].startswith("ASKS, decided by policy:")
        assert "REFUSED, decided by default" in self.run("viewer@acme.test", "process_refund")
        assert "ALLOWED, decided by role" in self.run(str(acme.member.id), component="helpdesk")

    def test_it_wants_a_tenant_of_whom_several_know(self, acme: TenantWithUsers, globex: TenantWithUsers) -> None:
        Membership.objects.using("system").create(tenant_id=globex.tenant.id, user_id=acme.member.id, role="viewer")
        with pytest.raises(CommandError, match="acme, globex"):
            self.run("member@acme.test", "process_refund")
        assert "REFUSED" in self.run("member@acme.test", "process_refund", tenant="globex")
        assert "ASKS" in self.run("member@acme.test", "process_refund", tenant="acme")

    @pytest.mark.parametrize("user", ["nobody@acme.test", "00000000-0000-0000-0000-000000000000"])
    def test_it_knows_nobody_else(self, acme: TenantWithUsers, user: str) -> None:
        with pytest.raises(CommandError):
            self.run(user, "process_refund")
        with pytest.raises(CommandError):
            self.run("member@acme.test", "no_such_tool")


class TestPage:
    @pytest.fixture
    def browser(self, acme: TenantWithUsers, globex: TenantWithUsers) -> Client:
        client = Client()
        client.force_login(User.objects.using("system").get(id=acme.admin.id))
        return client

    def shown(self, browser: Client, **query: str) -> str:
        answer = browser.get("/admin/access/", query)
        assert answer.status_code == 200
        return answer.content.decode()

    def test_the_three_questions(self, browser: Client) -> None:
        assert "Choose a person" in self.shown(browser)
        what = self.shown(browser, user="viewer@acme.test")
        assert 'data-testid="what"' in what
        assert "agent:helpdesk/restart_service" in what
        who = self.shown(browser, thing="agent:approvals/process_refund")
        assert 'data-testid="who"' in who
        assert "approver@acme.test" in who
        assert "globex" not in who
        why = self.shown(browser, user="member@acme.test", thing="agent:approvals/process_refund")
        assert 'data-testid="layers"' in why
        assert "Somebody else has to approve, who may read what it would do." in why

    def test_names_that_are_none(self, browser: Client) -> None:
        for query in ({"user": "member@globex.test"}, {"thing": "agent:no-such"}, {"thing": "agent:helpdesk/no_such"}):
            assert 'role="alert"' in self.shown(browser, **query)
        assert "<script>alert" not in self.shown(browser, user="<script>alert(1)</script>")

    @pytest.mark.parametrize(("role", "status"), [("auditor", 200), ("approver", 403), ("member", 403)])
    def test_who_may_look(self, acme: TenantWithUsers, role: str, status: int) -> None:
        client = Client()
        client.force_login(User.objects.using("system").get(id=acme.users[role].id))
        assert client.get("/admin/access/").status_code == status
        assert client.post("/admin/access/").status_code in (405, 403)

    def test_nobody_is_sent_to_the_log_in(self, database: None) -> None:
        assert Client().get("/admin/access/").status_code == 302
