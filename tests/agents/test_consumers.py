"""The WebSocket of a run: who gets in, the same bytes as the stream, answers and cancel on the way up."""

from __future__ import annotations

import asyncio

import orjson
import pytest
from channels.testing import WebsocketCommunicator

from accounts.models import Membership
from accounts.privacy.access import MASK
from accounts.seam import in_thread
from accounts.services import tokens
from agentos.asgi import sockets
from agents import wiring
from agents.consumers import RunConsumer
from agents.services.places import Places
from agents.services.runtime import Runtime
from agents.services.watch import Watch
from governance.hooks import Governance
from tests.agents.services.conftest import HeldModel, ran, read
from tests.agents.services.stored import stored, until
from tests.conftest import PASSWORD

HOST = (b"host", b"localhost")


@pytest.fixture
async def connect(monkeypatch):
    """Open sockets on a process; they are closed after the test."""
    opened = []

    async def connect(process, run_id, *, headers=(), query=""):
        watch = Watch(look_seconds=0.05)
        runtime = Runtime(process.pool, process.hub, process.supervisor, process.ports, Governance(), watch)
        monkeypatch.setattr(wiring, "_runtime", runtime)
        socket = WebsocketCommunicator(sockets, f"/ws/runs/{run_id}{query}", headers=[HOST, *headers])
        opened.append(socket)
        assert (await socket.connect(timeout=10))[0]
        return socket

    yield connect
    for socket in opened:
        await socket.disconnect()


async def bearer(user):
    return (await in_thread(tokens.issue, email=user.email, password=PASSWORD)).access


async def authorization(user):
    return (b"authorization", f"Bearer {await bearer(user)}".encode())


async def frames_of(socket) -> tuple[list[str], int]:
    """Return what comes until the socket closes, and the code of that."""
    frames = []
    while True:
        message = await socket.receive_output(timeout=10)
        if message["type"] == "websocket.close":
            return frames, message["code"]
        frames.append(message["text"])


async def code_of(socket) -> int:
    return (await frames_of(socket))[1]


async def event_named(socket, name: str):
    while True:
        said = orjson.loads(await socket.receive_from(timeout=10))
        if said.get("event") == name:
            return said


async def test_a_socket_ends_with_a_code_of_its_own_while_the_database_is_away(make_process, connect, acme):
    process = await make_process(["Done"])
    begin = process.new()
    await read(await process.start(begin))
    headers = [await authorization(acme.member)]
    await process.supervisor.stop()
    await process.pool.close()
    assert await frames_of(await connect(process, begin.run_id, headers=headers)) == ([], 1011)
    asking = await connect(process, begin.run_id)
    await asking.send_to(text_data=orjson.dumps({"token": await bearer(acme.member)}).decode())
    assert await frames_of(asking) == ([], 1011)


@pytest.mark.parametrize("after", ["-1", "x", "", "1.5", "9" * 19, "٣"])
async def test_a_place_that_is_none_is_said_to_be_none_and_nothing_is_replayed(make_process, connect, acme, after):
    process = await make_process(["Done"])
    begin = process.new()
    await read(await process.start(begin))
    headers = [await authorization(acme.member)]
    frames, code = await frames_of(await connect(process, begin.run_id, headers=headers, query=f"?after={after}"))
    assert [orjson.loads(frame)["error"]["code"] for frame in frames] == ["invalid"]
    assert code == 4400


async def test_the_frames_hold_the_same_bytes_as_the_stream(make_process, connect, acme):
    process = await make_process([[("look", {"place": "x"})], "Nothing — “there”"])
    begin = process.new()
    lines = await read(await process.start(begin))
    socket = await connect(process, begin.run_id, headers=[await authorization(acme.member)])
    frames, code = await frames_of(socket)
    assert code == 1000
    expected = [f'{{"id":{line.seq},"event":"{line.name}","data":{line.data.decode()}}}' for line in lines]
    assert frames == expected
    assert orjson.loads(frames[-1])["data"]["content"] == "Nothing — “there”"
    rest = await connect(process, begin.run_id, headers=[await authorization(acme.member)], query="?after=3")
    assert await frames_of(rest) == (expected[3:], 1000)
    nothing = await connect(
        process, begin.run_id, headers=[await authorization(acme.member)], query=f"?after={len(lines)}"
    )
    assert await frames_of(nothing) == ([], 1000)


async def test_an_auditor_s_socket_is_masked_as_her_stream_is(make_process, connect, acme):
    process = await make_process([[("look", {"place": "the cellar"})], "There are 4711 bottles"])
    begin = process.new()
    await read(await process.start(begin))
    masked, whole = [
        await frames_of(await connect(process, begin.run_id, headers=[await authorization(user)]))
        for user in (acme.auditor, acme.operator)
    ]
    assert "cellar" in "".join(whole[0]) and "4711" in "".join(whole[0])
    assert "cellar" not in "".join(masked[0]) and "4711" not in "".join(masked[0])
    assert [orjson.loads(frame)["event"] for frame in masked[0]] == [orjson.loads(frame)["event"] for frame in whole[0]]
    started = next(data for data in map(orjson.loads, masked[0]) if data["event"] == "ToolCallStarted")
    assert started["data"]["tool"]["tool_args"] == {"place": MASK}


async def test_the_first_frame_signs_in_and_a_later_one_starts_again(make_process, connect, acme):
    process = await make_process([[("pay", {"amount": 5})], "Paid"])
    begin = process.new()
    lines = await read(await process.start(begin))
    socket = await connect(process, begin.run_id)
    await socket.send_json_to({"token": await bearer(acme.member), "after": len(lines) - 1})
    assert (await event_named(socket, "RunPaused"))["id"] == len(lines)
    await socket.send_json_to({"after": 0})
    assert [orjson.loads(await socket.receive_from(timeout=10))["id"] for _ in lines] == list(range(1, len(lines) + 1))
    assert await socket.receive_nothing()


async def test_answers_go_up_and_what_follows_comes_down(make_process, connect, acme):
    process = await make_process([[("pay", {"amount": 5})], "Paid"])
    begin = process.new()
    await read(await process.start(begin))
    socket = await connect(process, begin.run_id, headers=[await authorization(acme.member)])
    paused = await event_named(socket, "RunPaused")
    call_id = paused["data"]["tools"][0]["tool_call_id"]
    for wrong, code in (
        ({"answers": [{"tool_call_id": "other", "confirmed": True}]}, "tool_call_not_found"),
        ({"answers": [{"tool_call_id": "", "confirmed": True}]}, "tool_call_not_found"),
        ({"answers": [{"confirmed": True}]}, "invalid"),
        ({"answers": []}, "answers_missing"),
        ({"after": -1}, "invalid"),
        ({"after": True}, "invalid"),
        ({"cancel": False}, "unknown_frame"),
        ([], "malformed_json"),
    ):
        await socket.send_to(text_data=orjson.dumps(wrong).decode())
        assert orjson.loads(await socket.receive_from(timeout=10))["error"]["code"] == code
    await socket.send_json_to({"answers": [{"tool_call_id": call_id, "confirmed": True}]})
    frames, code = await frames_of(socket)
    assert '{"done":"answers"}' in frames
    assert (orjson.loads(frames[-1])["event"], code) == ("RunCompleted", 1000)
    assert ran == ["pay 5"]


async def test_cancel_goes_up(make_process, connect, acme):
    model = HeldModel(["never"])
    process = await make_process(model=model)
    begin = process.new()
    (await process.start(begin)).close()
    await model.reached.wait()
    socket = await connect(process, begin.run_id, headers=[await authorization(acme.member)])
    await socket.send_json_to({"cancel": True})
    frames, code = await frames_of(socket)
    assert '{"done":"cancel"}' in frames
    events = [frame["event"] for frame in map(orjson.loads, frames) if "event" in frame]
    assert (events[-1], code) == ("RunCancelled", 1000)


async def test_strangers_find_no_run_and_nobody_gets_in_without_a_token(
    make_process, connect, acme, globex, monkeypatch
):
    process = await make_process(["Hello"])
    begin = process.new()
    await read(await process.start(begin))
    for stranger in (globex.member, globex.admin, acme.viewer):
        socket = await connect(process, begin.run_id, headers=[await authorization(stranger)])
        assert await frames_of(socket) == ([], 4404)
    socket = await connect(process, process.new().run_id, headers=[await authorization(acme.admin)])
    assert await frames_of(socket) == ([], 4404)
    forged = await connect(process, begin.run_id, headers=[(b"authorization", b"Bearer x.y.z")])
    assert await frames_of(forged) == ([], 4401)
    for said in ({"token": "x.y.z"}, {"after": 0}, {"token": None}):
        socket = await connect(process, begin.run_id)
        await socket.send_json_to(said)
        assert await code_of(socket) == 4401
    in_url = await connect(process, begin.run_id, query=f"?token={await bearer(acme.member)}")
    assert await in_url.receive_nothing()
    monkeypatch.setattr(RunConsumer, "token_seconds", 0.05)
    assert await frames_of(await connect(process, begin.run_id)) == ([], 4401)


async def test_a_first_frame_that_cannot_be_read_is_not_taken_for_a_bad_token(make_process, connect, acme):
    """Whoever is told that she is signed out signs in, and sends the same again."""
    process = await make_process(["Hello"])
    begin = process.new()
    await read(await process.start(begin))
    token = await bearer(acme.member)
    for said in (f'{{"token": "{token}", "after": -1}}', f'{{"token": "{token}", "after": "x"}}', "x", "[]"):
        socket = await connect(process, begin.run_id)
        await socket.send_to(text_data=said)
        (frame,), code = await frames_of(socket)
        assert (orjson.loads(frame)["error"]["code"] in ("invalid", "malformed_json"), code) == (True, 4400)


async def test_the_pages_cookie_counts_from_our_own_origin_only(make_process, connect, acme):
    from importlib import import_module

    from django.conf import settings
    from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY

    process = await make_process(["Hello"])
    begin = process.new()
    lines = await read(await process.start(begin))

    def sign_in() -> str:
        session = import_module(settings.SESSION_ENGINE).SessionStore()
        session[SESSION_KEY] = str(acme.member.id)
        session[BACKEND_SESSION_KEY] = settings.AUTHENTICATION_BACKENDS[0]
        session[HASH_SESSION_KEY] = acme.member.get_session_auth_hash()
        session.save()
        return session.session_key

    cookie = (b"cookie", f"{settings.SESSION_COOKIE_NAME}={await in_thread(sign_in)}".encode())
    own = await connect(process, begin.run_id, headers=[cookie, (b"origin", b"http://localhost")])
    frames, code = await frames_of(own)
    assert (len(frames), code) == (len(lines), 1000)
    for headers in ([cookie], [cookie, (b"origin", b"http://evil.test")]):
        assert await frames_of(await connect(process, begin.run_id, headers=headers)) == ([], 4403)


async def test_a_socket_is_cut_when_its_reader_signs_out_or_loses_a_right(make_process, connect, acme):
    model = HeldModel(["never shown"])
    process = await make_process(model=model)
    begin = process.new()
    (await process.start(begin)).close()
    await model.reached.wait()
    signed_out, stays = await bearer(acme.member), await bearer(acme.member)
    first, second = await connect(process, begin.run_id), await connect(process, begin.run_id)
    await first.send_json_to({"token": signed_out})
    await second.send_json_to({"token": stays})
    await event_named(first, "RunStarted")
    await event_named(second, "RunStarted")
    claims = tokens.verify_access(signed_out)
    principal = acme.principal("member")
    await in_thread(tokens.revoke, type(principal)(**_fields(principal) | {"family": claims.family}))
    assert await code_of(first) == 4401

    def demote() -> None:
        Membership.objects.using("system").filter(user_id=acme.member.id).update(role="viewer")

    await in_thread(demote)
    frames, code = await frames_of(second)
    assert code == 4401
    assert not any("never" in frame for frame in frames)
    model.let_go.set()
    await until(lambda: stored(begin).status == "completed")


async def test_a_socket_more_than_a_tenant_may_have_is_sent_away(make_process, connect, acme):
    process = await make_process(
        [[("pay", {"amount": 5})], "Paid"], streams=Places("streams", most=9, most_per_tenant=1)
    )
    begin = process.new()
    await read(await process.start(begin))
    first = await connect(process, begin.run_id, headers=[await authorization(acme.member)])
    await event_named(first, "RunPaused")
    second = await connect(process, begin.run_id, headers=[await authorization(acme.member)])
    assert await code_of(second) == 1013
    await first.disconnect()
    third = await connect(process, begin.run_id, headers=[await authorization(acme.member)])
    await event_named(third, "RunPaused")


async def test_other_paths_are_nowhere(make_process, acme):
    socket = WebsocketCommunicator(sockets, "/ws/other")
    assert (await socket.connect())[0]
    assert await code_of(socket) == 4404
    await socket.wait()


async def test_the_watch_rests_when_nobody_reads(make_process, connect, acme):
    process = await make_process([[("pay", {"amount": 5})], "Paid"])
    begin = process.new()
    await read(await process.start(begin))
    socket = await connect(process, begin.run_id, headers=[await authorization(acme.member)])
    await event_named(socket, "RunPaused")
    watch = wiring.runtime().watch
    assert watch._task is not None
    await socket.disconnect()
    assert watch._task is None
    assert process.hub.streams.taken == 0
    assert not [task for task in asyncio.all_tasks() if task.get_name() == "stream-watch" and not task.done()]


def _fields(principal) -> dict[str, object]:
    return {name: getattr(principal, name) for name in type(principal).__slots__}
