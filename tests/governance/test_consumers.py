"""The WebSocket of the console: who gets in, what she is shown at a hint, and that nobody sees what is another's."""

from __future__ import annotations

import asyncio
from functools import partial
from importlib import import_module
from typing import Any

import orjson
import pytest
from channels.testing import WebsocketCommunicator
from django.conf import settings
from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY

from accounts.models import Membership, User
from accounts.seam import in_thread
from accounts.services import tokens
from agentos.asgi import sockets
from agents import wiring
from agents.services import switches
from agents.services.hub import Subscription
from agents.services.runtime import Runtime
from agents.services.watch import Watch
from governance import consumers
from governance.hooks import Governance
from governance.models import Approval
from governance.services import approvals, outbox
from tests.agents.services.conftest import make_process as make_process
from tests.conftest import PASSWORD, TenantWithUsers
from tests.governance.conftest import MakeWaiting

HOST, ORIGIN = (b"host", b"localhost"), (b"origin", b"http://localhost")


@pytest.fixture
async def open_inbox(make_process: Any, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Open sockets on a process that listens; they are closed after the test."""
    process = await make_process([])
    monkeypatch.setattr(consumers, "PAUSE_SECONDS", 0.01)
    runtime = Runtime(process.pool, process.hub, process.supervisor, process.ports, Governance(), Watch(0.05))
    monkeypatch.setattr(wiring, "_runtime", runtime)
    opened = []

    async def connect(*headers: tuple[bytes, bytes], on: object = "") -> WebsocketCommunicator:
        path = f"/ws/inbox?approval={on}" if on else "/ws/inbox"
        socket = WebsocketCommunicator(sockets, path, headers=[HOST, *headers])
        opened.append(socket)
        assert (await socket.connect(timeout=10))[0]
        return socket

    yield connect
    for socket in opened:
        await socket.disconnect()


def cookie(user: User) -> tuple[bytes, bytes]:
    """Sign a user in on the pages; return the header that her browser sends."""
    store = import_module(settings.SESSION_ENGINE).SessionStore()
    store[SESSION_KEY], store[BACKEND_SESSION_KEY] = str(user.id), settings.AUTHENTICATION_BACKENDS[0]
    store[HASH_SESSION_KEY] = User.objects.using("system").get(id=user.id).get_session_auth_hash()
    store.save()
    return b"cookie", f"{settings.SESSION_COOKIE_NAME}={store.session_key}".encode()


async def said(socket: WebsocketCommunicator) -> Any:
    """Return the next frame that says something."""
    while True:
        frame = orjson.loads(await socket.receive_from(timeout=10))
        if "waiting" in frame:
            return frame


async def code_of(socket: WebsocketCommunicator) -> int:
    while True:
        message = await socket.receive_output(timeout=10)
        if message["type"] == "websocket.close":
            return int(message["code"])


async def test_an_approver_is_told_as_it_happens(
    acme: TenantWithUsers, open_inbox: Any, make_waiting: MakeWaiting
) -> None:
    socket = await open_inbox(await in_thread(cookie, acme.approver), ORIGIN)
    assert await said(socket) == {"waiting": 0, "notices": []}
    waiting = await in_thread(make_waiting, acme)
    assert (await said(socket))["waiting"] == 1  # the trigger's own hint
    await in_thread(outbox.spread)
    (notice,) = (await said(socket))["notices"]
    assert (notice["title"], notice["effect_text"]) == ("Approval needed", "Refund $250.00 to C-1042")
    assert notice["link"] == f"/admin/governance/approval/{waiting.approval.id}/change/"
    approval = Approval.objects.using("system").filter(id=waiting.approval.id)
    await in_thread(approval.update, status="rejected")
    assert await said(socket) == {"waiting": 0, "notices": []}  # told once


async def test_an_open_page_hears_how_its_approval_stands(
    acme: TenantWithUsers, open_inbox: Any, make_waiting: MakeWaiting
) -> None:
    waiting, other = await in_thread(make_waiting, acme), await in_thread(make_waiting, acme)
    socket = await open_inbox(await in_thread(cookie, acme.approver), ORIGIN, on=waiting.approval.id)
    first = (await said(socket))["approval"]
    assert (first["status"], first["may_decide"], first["says"]) == ("pending", True, "It waits for a decision.")
    decide = partial(approvals.decide, principal=acme.principal("admin"), approval_id=waiting.approval.id)
    await in_thread(partial(decide, approved=False, reason="Not \u202ethis"))
    stands = (await said(socket))["approval"]
    assert (stands["status"], stands["may_decide"]) == ("rejected", False)
    assert stands["says"] == "Rejected by Admin of Acme. Not [U+202E]this"
    assert stands["next"]["link"] == f"/admin/governance/approval/{other.approval.id}/change/"
    assert stands["key"] != first["key"]


async def test_an_open_page_hears_of_a_halt_and_of_its_release(
    acme: TenantWithUsers, globex: TenantWithUsers, open_inbox: Any
) -> None:
    admin = acme.principal("admin")
    socket = await open_inbox(await in_thread(cookie, acme.member), ORIGIN)
    assert await said(socket) == {"waiting": 0, "notices": []}
    halt = partial(switches.halt, admin, target="tool:process_refund", reason="<b>Odd\u202e</b>")
    made = await in_thread(halt)
    halted = (await said(socket))["halted"]
    assert "Halted: the tool process_refund." in halted
    assert '&lt;b&gt;Odd<span class="ao-hidden" title="Right-to-left override">U+202E</span>&lt;/b&gt;' in halted
    later = await open_inbox(await in_thread(cookie, acme.member), ORIGIN)
    assert (await said(later))["halted"] == halted, "whoever comes back is told"
    fresh = consumers.View(Subscription())
    assert "halted" not in await in_thread(fresh.changes, globex.principal("member")), "it is another tenant's"
    await in_thread(partial(switches.release, admin, switch_id=made.id))
    for one in (socket, later):
        while "halted" not in (told := await said(one)):
            pass
        assert told["halted"].strip() == '<div id="halted"></div>'


@pytest.mark.parametrize("on", ["nonsense", "00000000-0000-7000-8000-000000000000", "theirs"])
async def test_an_open_page_hears_nothing_of_what_its_reader_may_not_see(
    acme: TenantWithUsers, globex: TenantWithUsers, open_inbox: Any, make_waiting: MakeWaiting, on: str
) -> None:
    waiting = await in_thread(make_waiting, globex)
    on = str(waiting.approval.id) if on == "theirs" else on
    for reader in (acme.approver, globex.users["viewer"]):
        socket = await open_inbox(await in_thread(cookie, reader), ORIGIN, on=on)
        assert await said(socket) == {"waiting": 0, "notices": []}


async def test_nobody_else_is_told(
    acme: TenantWithUsers, globex: TenantWithUsers, open_inbox: Any, make_waiting: MakeWaiting
) -> None:
    theirs = await open_inbox(await in_thread(cookie, globex.approver), ORIGIN)
    members = await open_inbox(await in_thread(cookie, acme.member), ORIGIN)
    for socket in (theirs, members):
        assert await said(socket) == {"waiting": 0, "notices": []}
    await in_thread(make_waiting, acme)
    await in_thread(outbox.spread)
    late = await open_inbox(await in_thread(cookie, acme.approver), ORIGIN)
    assert (await said(late))["waiting"] == 1
    await in_thread(make_waiting, globex)
    assert (await said(theirs))["waiting"] == 1
    while not members.output_queue.empty():
        assert orjson.loads((await members.receive_output())["text"]) == {"ping": True}


@pytest.mark.parametrize(
    ("headers", "code"),
    [
        ([], 4401),
        ([(b"cookie", b"sessionid=nobody"), ORIGIN], 4401),
        ([(b"authorization", b"Bearer forged")], 4401),
        ([(b"host", b"evil.test")], 4403),
    ],
)
async def test_who_is_not_signed_in_stays_out(acme: TenantWithUsers, open_inbox: Any, headers: Any, code: int) -> None:
    assert await code_of(await open_inbox(*headers)) == code


@pytest.mark.parametrize("origin", [b"http://evil.test", b"null", b""])
async def test_another_origin_stays_out(acme: TenantWithUsers, open_inbox: Any, origin: bytes) -> None:
    headers = [await in_thread(cookie, acme.approver), *([(b"origin", origin)] if origin else [])]
    assert await code_of(await open_inbox(*headers)) == 4403


async def test_a_token_is_good_as_well(acme: TenantWithUsers, open_inbox: Any) -> None:
    pair = await in_thread(tokens.issue, email=acme.approver.email, password=PASSWORD)
    socket = await open_inbox((b"authorization", f"Bearer {pair.access}".encode()))
    assert (await said(socket))["waiting"] == 0


async def test_who_loses_her_place_is_let_go(acme: TenantWithUsers, open_inbox: Any) -> None:
    socket = await open_inbox(await in_thread(cookie, acme.approver), ORIGIN)
    await said(socket)
    gone = Membership.objects.using("system").filter(user=acme.approver)
    await in_thread(gone.delete)
    assert await code_of(socket) == 4401


async def test_a_process_that_goes_away_says_come_back(acme: TenantWithUsers, open_inbox: Any) -> None:
    socket = await open_inbox(await in_thread(cookie, acme.approver), ORIGIN)
    await said(socket)
    wiring.runtime().hub.close()
    assert await code_of(socket) == 1012


async def test_what_comes_up_the_socket_changes_nothing(
    acme: TenantWithUsers, open_inbox: Any, make_waiting: MakeWaiting
) -> None:
    waiting = await in_thread(make_waiting, acme)
    socket = await open_inbox(await in_thread(cookie, acme.approver), ORIGIN)
    await said(socket)
    await socket.send_to(text_data=orjson.dumps({"approve": str(waiting.approval.id)}).decode())
    await asyncio.sleep(0)
    stored = await Approval.objects.using("system").aget(id=waiting.approval.id)
    assert stored.status == "pending"
