"""A run that was erased or has expired answers 410 to whoever might have read it, and 404 to everybody else."""

from __future__ import annotations

import pytest

from accounts.privacy import erasure
from accounts.privacy.erasure import Tally
from accounts.privacy.models import Gone
from accounts.privacy.rows import Person
from accounts.seam import in_thread
from agentos.core.ids import new_id
from tests.agents.services.conftest import read
from tests.agents.test_control_api import json_of


@pytest.fixture(autouse=True)
def _folder(settings, tmp_path):
    settings.BACKUP_FOLDER = str(tmp_path)


async def test_an_erased_run(make_process, serve, acme, globex):
    process = await make_process(["The end"])
    call, begin = serve(process), process.new()
    await read(await process.start(begin))
    await in_thread(erasure.erase, Person(acme.tenant.id, acme.member.id), Tally())
    for path in (f"runs/{begin.run_id}/events", f"runs/{begin.run_id}"):
        for reader in (acme.operator, acme.admin):
            answer = await call(reader, path)
            assert (answer.status_code, json_of(answer)["code"]) == (410, "gone")
        for stranger in (acme.viewer, globex.admin):
            assert (await call(stranger, path)).status_code == 404
    assert (await call(acme.admin, f"runs/{new_id()}/events")).status_code == 404


async def test_an_expired_run_is_gone_for_its_owner_too(make_process, serve, acme, globex):
    process = await make_process()
    gone = await in_thread(
        lambda: Gone.objects.using("system").create(id=new_id(), tenant=acme.tenant, user=acme.member)
    )
    call = serve(process)
    assert (await call(acme.member, f"runs/{gone.id}/events")).status_code == 410
    assert (await call(acme.viewer, f"runs/{gone.id}/events")).status_code == 404
    for path in ("cancel", "pause", "unpause", "rerun", "fork", "answers"):
        said = {"fork": {"from_step": "end"}, "answers": {"answers": [{"tool_call_id": "x", "confirmed": True}]}}
        for reader, status in ((acme.member, 410), (acme.operator, 410), (acme.viewer, 404), (globex.admin, 404)):
            answer = await call(reader, f"runs/{gone.id}/{path}", said.get(path, {}))
            assert answer.status_code == status, (path, answer.content)
