"""Conversations that end for good: when one says so, and temporary ones after some hours."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest

from accounts.privacy import holds, rows
from accounts.privacy.models import Gone
from accounts.privacy.rows import Person
from accounts.seam import in_thread
from agentos import maintenance
from agentos.core.clock import utc_now
from agentos.core.errors import Conflict, NotFound, PolicyDenied
from agents.models import Run, Session, SessionSummary
from agents.services import sessions
from agents.session_pages import session_page
from tests.agents.services.conftest import HeldModel, names, read

CONVERSATION = {"agents_session", "agents_run", "agents_step", "agents_runevents"}


def left(acme) -> set[str]:
    return CONVERSATION & set(rows.counts(Person(acme.tenant.id, acme.member.id)))


def test_it_is_a_maintenance_job():
    assert "agents.services.sessions.expire_temporary" in [job.function for job in maintenance.JOBS]


async def test_a_temporary_session_is_deleted_after_its_hours(make_process, acme):
    process = await make_process(["The end", "The end"])
    kept, passing = process.new(), process.new()
    passing.session_hours = 1
    for begin in (kept, passing):
        assert names(await read(await process.start(begin)))[-1] == "RunCompleted"
    assert await in_thread(sessions.expire_temporary) == {"temporary_sessions": 0}
    assert await in_thread(_listed, acme) == [kept.session_id]
    assert await in_thread(SessionSummary.objects.using("system").count) == 0
    await in_thread(_pass_hours, passing, hours=2)
    assert await in_thread(sessions.expire_temporary) == {"temporary_sessions": 1}
    ids = await in_thread(lambda: list(Run.objects.using("system").values_list("id", flat=True)))
    assert ids == [kept.run_id]
    assert await in_thread(lambda: [gone.id for gone in Gone.objects.using("system").all()]) == [passing.run_id]


async def test_what_still_waits_in_it_is_cancelled(make_process, acme):
    process = await make_process([[("pay", {"amount": 5})]])
    begin = process.new()
    begin.session_hours = 1
    assert names(await read(await process.start(begin)))[-1] == "RunPaused"
    await in_thread(_pass_hours, begin, hours=2)
    assert await in_thread(sessions.expire_temporary) == {"temporary_sessions": 1}
    assert await in_thread(left, acme) == set()


async def test_a_hold_keeps_a_temporary_session_too(make_process, acme):
    process = await make_process(["The end"])
    begin = process.new()
    begin.session_hours = 1
    await read(await process.start(begin))
    await in_thread(_pass_hours, begin, hours=2)
    await in_thread(holds.place, acme.principal("admin"), user_id=acme.member.id, reason="court")
    assert await in_thread(sessions.expire_temporary) == {"temporary_sessions": 0}
    with pytest.raises(Conflict, match="legal hold"):
        await in_thread(sessions.delete, principal=acme.principal("member"), session_id=begin.session_id)


async def test_one_deletes_ones_own_session_with_what_is_under_way(make_process, acme, globex):
    model = HeldModel(["The end"])
    process = await make_process(model=model)
    begin = process.new()
    follower = await process.start(begin)
    reading = follower.lines()
    assert names(await anext(reading))[0] == "RunStarted"
    await model.reached.wait()
    for stranger in (acme.principal("admin"), globex.principal("member")):
        with pytest.raises(NotFound):
            await in_thread(sessions.delete, principal=stranger, session_id=begin.session_id)
    with pytest.raises(PolicyDenied):
        await in_thread(sessions.delete, principal=acme.principal("viewer"), session_id=begin.session_id)
    await in_thread(sessions.delete, principal=acme.principal("member"), session_id=begin.session_id)
    model.let_go.set()
    async with asyncio.timeout(20):  # its readers are let go
        left_to_read = {line.name async for page in reading for line in page}
    assert not {"RunCompleted", "RunError"} & left_to_read
    await process.supervisor.drain()
    assert await in_thread(left, acme) == set()


async def test_a_lasting_session_does_not_become_temporary(make_process, acme):
    process = await make_process(["The end", "Again"])
    begin = process.new()
    await read(await process.start(begin))
    with pytest.raises(Conflict) as raised:
        await in_thread(sessions.check_temporary, acme.principal("member"), begin.session_id)
    assert raised.value.code == "session_not_temporary"
    await in_thread(sessions.check_temporary, acme.principal("member"), "another")
    await in_thread(sessions.check_temporary, acme.principal("operator"), begin.session_id)


def _listed(acme) -> list[str]:
    page = session_page(principal=acme.principal("member"), page=1, limit=20)
    return [row["session_id"] for row in page["data"]]


def _pass_hours(begin, *, hours: int) -> None:
    found = Session.objects.using("system").filter(session_id=begin.session_id)
    expires_at = found.get().expires_at
    assert expires_at is not None
    assert timedelta(minutes=59) < expires_at - utc_now() <= timedelta(hours=1)
    found.update(expires_at=expires_at - timedelta(hours=hours))
