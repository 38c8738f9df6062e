"""What a process says and does while its database takes nothing: a full disk, or one that may only be read."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import psycopg
import pytest
from django.conf import settings
from django.db import connections
from django.test import AsyncClient

from accounts.seam import in_thread
from agents import health
from agents.models import Run
from agents.services.journal import storing
from tests.agents.services.conftest import HeldModel, names, read
from tests.agents.services.stored import stored, until
from tests.unwritable import DISK_FULL, READ_ONLY, unwritable

START = "agents/tester/runs"
WHOLE = {"message": "Go", "stream": False}


@asynccontextmanager
async def no_room(code: str = DISK_FULL) -> AsyncIterator[None]:
    """In threads: a trigger waits for transactions that only the event loop can end."""
    name = connections["default"].settings_dict["NAME"]
    refusing = unwritable(psycopg.conninfo.make_conninfo(settings.DATABASE_ADMIN_URL, dbname=name), code)
    await asyncio.to_thread(refusing.__enter__)
    try:
        yield
    finally:
        await asyncio.to_thread(refusing.__exit__, None, None, None)


async def ready() -> tuple[int, object]:
    answer = await AsyncClient().get("/api/ready")
    return answer.status_code, answer.json()["checks"].get("writes")


async def well_again() -> None:
    async with asyncio.timeout(20):
        while (await ready())[0] != 200:
            await asyncio.sleep(0.05)


@pytest.fixture(autouse=True)
def _migrated(monkeypatch: pytest.MonkeyPatch) -> None:
    """A test's database is not migrated by its own process; what is asked here is the rest."""
    monkeypatch.setattr(health, "expected_migrations", frozenset)


@pytest.mark.parametrize(
    ("code", "why"), [(DISK_FULL, "The database's disk is full."), (READ_ONLY, "The database can be read only.")]
)
async def test_a_database_that_takes_nothing_is_told_refused_and_recovered_from(
    make_process, serve, acme, code, why
) -> None:
    process = await make_process(["Done"] * 9)
    call = serve(process)
    assert await ready() == (200, {"ok": True, "detail": ""})
    async with no_room(code):
        first = await call(acme.member, START, WHOLE)  # how the process learns of it
        assert (first.status_code, first["Retry-After"]) == (503, "1")
        assert await ready() == (503, {"ok": False, "detail": why})
        refused = await call(acme.member, START, WHOLE)
        assert (refused.status_code, refused.json()["code"], refused["Retry-After"]) == (
            503,
            "database_unavailable",
            "5",
        )
    assert process.model.requests == []
    await well_again()
    assert (await call(acme.member, START, WHOLE)).status_code == 200
    assert await in_thread(Run.objects.using("system").count) == 1


@pytest.mark.parametrize("code", [DISK_FULL, READ_ONLY])
async def test_a_live_run_waits_for_room_and_its_readers_are_let_go_meanwhile(
    make_process, serve, acme, monkeypatch, code
) -> None:
    monkeypatch.setattr(storing, "PATIENCE_SECONDS", 0.5)
    model = HeldModel(["Done"] * 2)
    process = await make_process(model=model)
    call = serve(process)
    stream = await call(acme.member, START, {"message": "Go"})
    whole = asyncio.create_task(call(acme.member, START, WHOLE))
    await until(lambda: Run.objects.using("system").count() == 2)
    frames: list[bytes] = []
    async with no_room(code):
        model.let_go.set()
        async with asyncio.timeout(20):
            async for frame in stream.streaming_content:
                frames.append(frame)
            answer = await whole
        assert frames[-1] == b"retry: 5000\n\n"
        assert b"RunCompleted" not in b"".join(frames)
        assert (answer.status_code, answer.json()["status"]) == (202, "RUNNING")
        runs = await in_thread(lambda: set(Run.objects.using("system").values_list("id", flat=True)))
        assert {stream["Location"], answer["Location"]} == {f"/api/runs/{run_id}" for run_id in runs}
        assert answer["Location"] == f"/api/runs/{answer.json()['run_id']}"
        late = await call(acme.member, f"runs/{answer.json()['run_id']}/events")
        assert [frame async for frame in late.streaming_content][-1] == b"retry: 5000\n\n"
    await well_again()
    for run in await in_thread(lambda: list(Run.objects.using("system").all())):
        again = await call(acme.member, f"runs/{run.id}/events")
        assert again.status_code == 200
        said = b"".join([frame async for frame in again.streaming_content])
        assert said.count(b"event: RunCompleted") == 1
        assert (await in_thread(Run.objects.using("system").get, id=run.id)).recoveries == 0


async def test_nothing_is_claimed_while_nothing_can_be_stored(make_process, acme) -> None:
    process = await make_process(["Done"] * 3)
    waiting = process.new(owner="")
    async with no_room():
        with pytest.raises(Exception, match="could not be stored"):
            await process.supervisor.writer.begin(process.new())
        assert process.supervisor.writer.storing.trouble
    async with no_room("40001"):  # passes over: a lock, a deadlock
        pass
    await process.supervisor.writer.begin(waiting)
    assert process.supervisor.writer.storing.trouble
    process.supervisor.wake()
    assert (await in_thread(stored, waiting)).fence == 1
    assert names(await read(process.follow(waiting)))[-1] == "RunCompleted"
    assert not process.supervisor.writer.storing.trouble


async def test_a_lock_or_a_lost_connection_is_no_trouble_yet(make_process, acme) -> None:
    process = await make_process(["Done"])
    known = process.supervisor.writer.storing
    for error in (psycopg.errors.LockNotAvailable, psycopg.errors.DeadlockDetected, psycopg.OperationalError):
        with pytest.raises(error), known.one():
            raise error
        assert known.trouble == ""
    assert names(await read(await process.start(process.new())))[-1] == "RunCompleted"


async def test_a_write_that_gets_no_answer_is_trouble_too(make_process, monkeypatch) -> None:
    process = await make_process(supervise=False)
    known = process.supervisor.writer.storing
    with known.one():
        assert known.trouble == ""
        monkeypatch.setattr(storing, "PATIENCE_SECONDS", 0)
        assert known.trouble and known.lasts
    assert known.trouble == "" and not known.lasts
