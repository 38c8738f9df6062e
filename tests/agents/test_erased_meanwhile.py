"""A person who is erased while a run of hers speaks: it is cut off, and nothing of it is written or shown any more."""

from __future__ import annotations

import asyncio

import pytest

from accounts.models import Membership
from accounts.privacy import jobs, receipts, rows
from accounts.privacy.models import PrivacyJob
from accounts.privacy.rows import Person
from accounts.seam import in_thread
from agents.models import Run
from tests.agents.services.conftest import HeldModel
from tests.agents.test_consumers import authorization, connect, event_named, frames_of  # noqa: F401


@pytest.fixture(autouse=True)
def _folder(settings, tmp_path):
    settings.BACKUP_FOLDER = str(tmp_path)


async def test_a_run_that_speaks_is_cut_off(make_process, connect, acme, globex, make_user):  # noqa: F811
    await in_thread(make_user, globex.tenant, "member", acme.member.email)
    model = HeldModel(["never shown"])
    process = await make_process(model=model)
    begin = process.new()
    (await process.start(begin)).close()
    await model.reached.wait()
    reader = await connect(process, begin.run_id, headers=[await authorization(acme.operator)])
    await event_named(reader, "RunStarted")
    person = Person(acme.tenant.id, acme.member.id)
    job = await in_thread(jobs.start, person, jobs.ERASE)
    done = await asyncio.gather(*(in_thread(jobs.work, str(job.id)) for _ in range(3)))  # as often as it is asked
    assert sorted(bool(one["done"]) for one in done) == [False, False, True]
    model.let_go.set()
    frames, code = await frames_of(reader)
    assert code == 1000 and "RunCancelled" in frames[-1] and not any("never" in frame for frame in frames)
    await process.supervisor.stop()
    assert await in_thread(rows.counts, person) == {}
    assert not await in_thread(Run.objects.using("system").filter(id=begin.run_id).exists)
    stored = await PrivacyJob.objects.using("system").aget(id=job.id)
    assert stored.status == "done" and receipts.verify(stored.receipt) and not stored.receipt["name_forgotten"]
    assert [member.tenant_id async for member in Membership.objects.using("system").filter(user=acme.member)] == [
        globex.tenant.id
    ]
