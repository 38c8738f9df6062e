"""An auditor sees that something was said, not what: in the API, the trace, the stream, the approvals and the admin."""

from __future__ import annotations

import json

import pytest
from django.test import Client

from accounts.models import Membership, TenantRole, User
from accounts.principals import cache
from accounts.privacy import access
from accounts.privacy.access import MASK
from accounts.seam import in_thread
from accounts.tenancy import tenant_scope
from agentos.core.errors import PolicyDenied
from agents.models import Run, Session, Step
from tests.agents.services.conftest import names, read
from tests.agents.test_control_api import body_of, events_of, json_of

SAID = "Go"  # what the runs of these tests ask


@pytest.fixture
def looked(make_process, acme):
    """A run that looked somewhere and then waits for a confirmation."""

    async def run():
        process = await make_process([[("look", {"place": "the cellar"})], [("pay", {"amount": 4711})]])
        begin = process.new()
        assert names(await read(await process.start(begin)))[-1] == "RunPaused"
        return process, begin

    return run


async def test_the_run_and_its_trace(looked, serve, acme):
    process, begin = await looked()
    call = serve(process)
    for path in (f"runs/{begin.run_id}", f"agents/tester/runs?session_id={begin.session_id}"):
        masked, whole = [json.dumps(json_of(await call(user, path))) for user in (acme.auditor, acme.operator)]
        assert "4711" not in masked and "cellar" not in masked and f'"{SAID}"' not in masked, path
        assert f'"{SAID}"' in whole, path
    shown = json_of(await call(acme.auditor, f"runs/{begin.run_id}"))
    assert shown["input"] == {"input_content": MASK} and shown["status"] == "PAUSED"
    (waiting,) = shown["requirements"]
    assert waiting["tool_execution"]["tool_name"] == "pay" and waiting["tool_execution"]["tool_args"] == {
        "amount": MASK
    }
    assert json_of(await call(acme.member, f"runs/{begin.run_id}"))["input"] == {"input_content": SAID}


async def test_the_stream(looked, serve, acme):
    process, begin = await looked()
    call, path = serve(process), f"runs/{begin.run_id}/events"
    await in_thread(_cancel, begin, acme)
    masked = await body_of(await call(acme.auditor, path))
    whole = await body_of(await call(acme.operator, path))
    assert b"cellar" in whole and b"4711" in whole
    assert b"cellar" not in masked and b"4711" not in masked
    assert events_of(masked) == events_of(whole)
    started = next(line for line in masked.decode().splitlines() if "ToolCallStarted" in line and "data:" in line)
    data = json.loads(started.removeprefix("data: "))
    assert data["tool"]["tool_name"] == "look" and data["tool"]["tool_args"] == {"place": MASK}
    assert data["run_id"] == str(begin.run_id)


async def test_once_it_is_granted_she_sees_it(looked, serve, acme):
    process, begin = await looked()
    call = serve(process)
    await in_thread(_cancel, begin, acme)
    await in_thread(_grant, acme)
    assert json_of(await call(acme.auditor, f"runs/{begin.run_id}"))["input"] == {"input_content": SAID}
    assert b"cellar" in await body_of(await call(acme.auditor, f"runs/{begin.run_id}/events?after=0"))


async def test_the_admin_s_pages_and_its_search(looked, acme):
    _, begin = await looked()

    def check() -> None:
        Run.objects.using("system").filter(id=begin.run_id).update(input="Ask about Xanthippe")
        pages = (
            "/admin/agents/run/",
            f"/admin/agents/run/{begin.run_id}/change/",
            f"/admin/agents/session/{_session(begin)}/change/",
        )
        for page in pages:
            seen = {role: _page(acme.users[role], page) for role in ("auditor", "operator")}
            assert "Xanthippe" in seen["operator"], page
            assert "Xanthippe" not in seen["auditor"] and "4711" not in seen["auditor"], page
            assert MASK in seen["auditor"], page
        found = {role: _page(acme.users[role], "/admin/agents/run/?q=Xanthippe") for role in ("auditor", "operator")}
        assert str(begin.run_id) in found["operator"] and str(begin.run_id) not in found["auditor"]

    await in_thread(check)


async def test_no_order_of_a_list_tells_what_is_masked(looked, acme):
    begun = [begin for _, begin in (await looked(), await looked())]
    first, second = [await in_thread(_session, begin) for begin in begun]

    def check() -> None:
        for session, name in ((first, "Ask Ariadne"), (second, "Ask Xanthippe")):
            Session.objects.using("system").filter(id=session).update(name=name)
        orders = {
            role: [_order(acme.users[role], f"/admin/agents/session/?o={way}0", first, second) for way in ("", "-")]
            for role in ("operator", "auditor")
        }
        assert orders["operator"] == [[first, second], [second, first]]
        assert orders["auditor"][0] == orders["auditor"][1]
        assert "?o=0" in _page(acme.operator, "/admin/agents/session/")
        assert "?o=0" not in _page(acme.auditor, "/admin/agents/session/")

    await in_thread(check)


def test_a_masked_row_can_t_be_saved_and_another_s_mask_is_not_one_s_own(acme):
    step = Step(
        user_id=acme.member.id, request={"tool": "pay", "arguments": {"to": "x"}}, answer={"by": "me", "note": "n"}
    )
    access.mask_row(acme.principal("auditor"), step)
    assert step.request == {"tool": "pay", "arguments": {"to": MASK}} and step.answer == {"by": "me", "note": MASK}
    with pytest.raises(PolicyDenied):
        step.save()
    own = Step(user_id=acme.auditor.id, request={"arguments": {"to": "x"}})
    assert access.mask_row(acme.principal("auditor"), own).request == {"arguments": {"to": "x"}}


def test_filters_and_slices_keep_the_mask(acme):
    auditor = acme.principal("auditor")
    with tenant_scope(acme.tenant.id, acme.auditor.id):
        rows = access.as_seen(auditor, User.objects.filter(id=acme.member.id)).order_by("email")
        assert rows[:1][0].email == "member@acme.test", "the class personal is shown to an auditor"
        assert {row.password for row in (rows.get(), *rows)} == {None}


def _cancel(begin, acme) -> None:
    from agents.services import runs

    runs.request_cancel(principal=acme.principal("member"), run_id=begin.run_id)


def _grant(acme) -> None:
    role = TenantRole.objects.using("system").get(tenant=acme.tenant, name="auditor")
    TenantRole.objects.using("system").filter(id=role.id).update(scopes=[*role.scopes, "privacy:sensitive"])
    assert Membership.objects.using("system").filter(user=acme.auditor, role="auditor").exists()
    cache.forget()


def _session(begin) -> object:
    return Run.objects.using("system").get(id=begin.run_id).session_id


def _order(user: User, place: str, *rows: object) -> list[object]:
    page = _page(user, place)
    return sorted(rows, key=lambda row: page.index(str(row)))


def _page(user: User, place: str) -> str:
    client = Client()
    client.force_login(User.objects.using("system").get(id=user.id))
    answer = client.get(place)
    assert answer.status_code == 200, place
    return str(answer.content.decode())
