"""Explaining who may do what to a knowledge base: over HTTP, at the shell, on the page."""

from __future__ import annotations

from io import StringIO

import httpx
import pytest
from django.core.management import CommandError, call_command
from django.test import Client

from accounts.models import User
from accounts.seam import in_thread
from accounts.services import grants, members, roles
from knowledge.services import bases
from tests.conftest import TenantWithUsers
from tests.governance.access.test_explaining import _fresh, ask, client

__all__ = ["_fresh", "client"]


@pytest.fixture
def granted(acme: TenantWithUsers, globex: TenantWithUsers) -> TenantWithUsers:
    """A member who holds nothing but a grant to read the handbook."""
    admin = acme.principal("admin")
    for slug in ("handbook", "other"):
        bases.create(admin, slug=slug, name=slug.title())
    bases.create(globex.principal("admin"), slug="theirs", name="Theirs")
    roles.create(admin, name="own", scopes_asked=["runs:read"])
    members.change_role(admin, user_id=acme.member.id, role="own")
    grants.give(admin, user_id=acme.member.id, kind="knowledge", name="handbook", verb="read")
    return acme


async def test_over_http(client: httpx.AsyncClient, granted: TenantWithUsers) -> None:
    found = (await ask(client, granted.admin, user="member@acme.test", knowledge="handbook")).json()
    assert (found["knowledge"], found["component"], found["tool"]) == ("handbook", None, None)
    assert (found["outcome"], found["decided"]["layer"]) == ("allowed", "grant")
    assert [answer["layer"] for answer in found["layers"]] == ["membership", "role", "grant", "scope"]
    assert {answer["right"] for answer in found["layers"]} == {"knowledge:handbook:read"}
    for query in ({"knowledge": "handbook", "verb": "write"}, {"knowledge": "other"}):
        refused = (await ask(client, granted.admin, user="member@acme.test", **query)).json()
        assert (refused["outcome"], refused["decided"]["layer"]) == ("refused", "default")


async def test_about_oneself(client: httpx.AsyncClient, granted: TenantWithUsers) -> None:
    assert (await ask(client, granted.member, knowledge="handbook")).json()["outcome"] == "allowed"
    assert (await ask(client, granted.member, knowledge="other")).status_code == 404  # she does not see it at all
    assert (await ask(client, granted.admin, knowledge="theirs")).status_code == 404


@pytest.mark.parametrize(
    "query",
    [
        {"knowledge": "handbook", "tool": "process_refund"},
        {"knowledge": "handbook", "component": "helpdesk"},
        {"knowledge": "handbook", "args": "{}"},
        {"knowledge": "handbook", "verb": "own"},
    ],
)
async def test_bad_questions(client: httpx.AsyncClient, granted: TenantWithUsers, query: dict[str, str]) -> None:
    assert (await ask(client, granted.admin, **query)).status_code == 422


async def test_what_is_taken_is_refused_then(client: httpx.AsyncClient, granted: TenantWithUsers) -> None:
    from accounts.models import Grant

    grant = await in_thread(lambda: Grant.objects.using("system").get())
    await in_thread(grants.take, granted.principal("admin"), grant_id=grant.id)
    found = (await ask(client, granted.admin, user="member@acme.test", knowledge="handbook")).json()
    assert found["outcome"] == "refused"


class TestCommand:
    def run(self, *arguments: str, **options: str) -> str:
        out = StringIO()
        call_command("access", "explain", *arguments, stdout=out, **options)
        return out.getvalue()

    def test_each_layer_and_the_one_that_decided(self, granted: TenantWithUsers) -> None:
        shown = self.run("member@acme.test", knowledge="handbook")
        assert [line.split()[0] for line in shown.splitlines()[:-1]] == ["membership", "role", "grant", "scope"]
        assert shown.splitlines()[-1].startswith("ALLOWED, decided by grant:")
        assert "REFUSED, decided by default" in self.run("member@acme.test", knowledge="handbook", verb="write")
        assert "ALLOWED, decided by role" in self.run("operator@acme.test", knowledge="handbook", verb="delete")

    @pytest.mark.parametrize("options", [{"knowledge": "theirs"}, {"knowledge": "handbook", "component": "helpdesk"}])
    def test_what_is_no_question(self, granted: TenantWithUsers, options: dict[str, str]) -> None:
        with pytest.raises(CommandError, match="knowledge base"):
            self.run("member@acme.test", **options)


def test_the_page_shows_them_beside_components_and_tools(granted: TenantWithUsers) -> None:
    browser = Client()
    browser.force_login(User.objects.using("system").get(id=granted.admin.id))

    def shown(**query: str) -> str:
        return browser.get("/admin/access/", query).content.decode()

    assert "knowledge:handbook/read" in (offered := shown())
    assert "knowledge:theirs/read" not in offered
    hers = shown(user="member@acme.test")
    assert "thing=knowledge%3Ahandbook/read" in hers
    assert "A grant to her grants knowledge:handbook:read." in hers
    who = shown(thing="knowledge:handbook/delete")
    assert who.count("The role operator grants knowledge:handbook:delete.") == 1
    one = shown(user="member@acme.test", thing="knowledge:handbook/write")
    assert 'data-testid="outcome">refused' in one
    for nothing in ("knowledge:theirs/read", "knowledge:handbook/own", "knowledge:handbook", "knowledge:"):
        assert 'data-testid="problem"' in shown(thing=nothing)
