"""An erasure against what is under way: no flush, no start and no branch writes for her afterwards."""

from __future__ import annotations

import asyncio

import psycopg
import pytest
from django.conf import settings
from django.db import connections

from accounts.privacy import erasure, rows
from accounts.privacy.erasure import Tally
from accounts.privacy.models import Gone
from accounts.privacy.rows import Person
from accounts.seam import in_thread
from agentos.core.errors import LeaseLost, PolicyDenied
from agentos.core.ids import new_id
from agents.engine.steps import Write
from agents.models import Run
from agents.services.journal import begin as begin_module
from agents.services.ledger import NoLedger
from tests.agents.services.conftest import HeldModel, names, read
from tests.agents.services.stored import until


@pytest.fixture(autouse=True)
def _folder(settings, tmp_path):
    settings.BACKUP_FOLDER = str(tmp_path)


def her(acme) -> Person:
    return Person(acme.tenant.id, acme.member.id)


async def erased(acme) -> Tally:
    tally = Tally()
    await in_thread(erasure.erase, her(acme), tally)
    return tally


async def test_a_run_under_way_is_fenced_and_its_readers_are_told(make_process, acme):
    model = HeldModel(["The end"])
    process = await make_process(model=model)
    begin = process.new()
    follower = await process.start(begin)
    reading = asyncio.ensure_future(read(follower))
    await model.reached.wait()
    tally = await erased(acme)
    model.let_go.set()
    assert names(await reading)[-1] == "RunCancelled"
    assert tally.done["runs cancelled"] == 1
    await process.supervisor.drain()
    assert await in_thread(rows.counts, her(acme)) == {}
    assert await in_thread(lambda: list(Gone.objects.using("system").values_list("id", flat=True))) == [begin.run_id]


async def test_a_zombie_that_never_heard_of_it_loses_its_lease(make_process, acme):
    """Its process hears neither the notification nor the renewal: only the fence stops it."""
    process = await make_process(supervise=False)
    begin = process.new()
    await process.supervisor.writer.begin(begin)
    info = info_of(begin)
    journal = process.supervisor.writer.open(info, fence=1, next_seq=1)
    await journal.commit(Write(events=[("RunStarted", {})]))
    await erased(acme)
    with pytest.raises(LeaseLost):
        await journal.commit(Write(events=[("RunContent", {"content": "said too late"})]))
    assert await in_thread(rows.counts, her(acme)) == {}


async def test_a_flush_that_holds_the_run_is_waited_for(make_process, acme):
    process = await make_process(supervise=False)
    begin = process.new()
    await process.supervisor.writer.begin(begin)
    async with await psycopg.AsyncConnection.connect(settings.DATABASE_URLS["system"]) as flush:
        await flush.execute("SELECT 1 FROM agents_run WHERE id = %s FOR NO KEY UPDATE", [begin.run_id])
        erasing = asyncio.ensure_future(erased(acme))
        await until(_somebody_waits)
        await flush.execute(
            "INSERT INTO agents_runevents (id, tenant_id, user_id, run_id, first_seq, last_seq, lines, created_at)"
            " VALUES (gen_random_uuid(), %s, %s, %s, 1, 1, 'the last words', now())",
            [begin.tenant_id, begin.user_id, begin.run_id],
        )
        await flush.commit()
        await erasing
    assert await in_thread(rows.counts, her(acme)) == {}


async def test_a_start_that_came_first_is_waited_for_and_found(make_process, acme):
    process = await make_process(supervise=False)
    async with await psycopg.AsyncConnection.connect(settings.DATABASE_URLS["system"]) as starting:
        await starting.execute(begin_module.MEMBERS, [[acme.tenant.id], [acme.member.id]])
        erasing = asyncio.ensure_future(erased(acme))
        await until(_somebody_waits)
        await begin_module.begin_runs(starting, [process.new(owner="")], NoLedger())
        await starting.commit()
        tally = await erasing
    assert tally.done["agents_run"] == 1
    assert await in_thread(rows.counts, her(acme)) == {}


async def test_a_start_that_comes_later_is_refused_alone(make_process, acme):
    process = await make_process(supervise=False)
    late, other = process.new(key="k", hmac="h"), process.new()
    other.user_id = acme.operator.id
    await erased(acme)
    outcomes = await asyncio.gather(
        process.supervisor.writer.begin(late), process.supervisor.writer.begin(other), return_exceptions=True
    )
    assert isinstance(outcomes[0], PolicyDenied) and outcomes[0].code == "not_a_member"
    assert outcomes[1] is None
    assert await in_thread(rows.counts, her(acme)) == {}


async def test_a_branch_that_came_first_is_found_with_its_steps(make_process, acme):
    """A fork holds its source's row: the erasure waits there, and then meets a new run that nobody has halted."""
    process = await make_process(["The end"], supervise=False)
    begin = process.new()
    await process.supervisor.writer.begin(begin)
    async with await psycopg.AsyncConnection.connect(settings.DATABASE_URLS["system"]) as forking:
        await forking.execute("SELECT 1 FROM agents_run WHERE id = %s FOR NO KEY UPDATE", [begin.run_id])
        erasing = asyncio.ensure_future(erased(acme))
        await until(_somebody_waits)
        made = new_id()
        copied = {"id": made, "root_id": made, "status": "pending", "lease_owner": "", "lease_until": None}
        names_of, values = _copy_of("agents_run", copied)
        copy = f"INSERT INTO agents_run ({names_of}) SELECT {values} FROM agents_run WHERE id = %(of)s"
        await forking.execute(copy, {**copied, "of": begin.run_id})
        await forking.execute(
            "INSERT INTO agents_step (id, tenant_id, user_id, run_id, path, seq, kind, name, state, tool_call_id,"
            " args_hash, idempotency_key, request, error, attempts, started_at)"
            " VALUES (gen_random_uuid(), %s, %s, %s, '1', 0, 'model', '', 'done', '', '', '', '{}', '', 1, now())",
            [begin.tenant_id, begin.user_id, made],
        )
        await forking.commit()
        tally = await erasing
    assert tally.done["agents_run"] == 2
    assert await in_thread(rows.counts, her(acme)) == {}


def _copy_of(table: str, changed: dict[str, object]) -> tuple[str, str]:
    """Return the columns of a table, and what a copy of a row selects for them."""
    names = [field.column for field in Run._meta.local_fields]
    return ", ".join(names), ", ".join(f"%({name})s" if name in changed else name for name in names)


def info_of(begin):
    from agents.engine.run_info import RunInfo
    from tests.agents.services.conftest import SPEC

    return RunInfo(
        begin.run_id, begin.tenant_id, begin.user_id, begin.session_id, SPEC, "test-model", begin.message or ""
    )


def _somebody_waits() -> bool:
    with connections["system"].cursor() as cursor:
        cursor.execute(
            "SELECT EXISTS (SELECT 1 FROM pg_stat_activity"
            " WHERE datname = current_database() AND wait_event_type = 'Lock')"
        )
        return bool(cursor.fetchone()[0])
