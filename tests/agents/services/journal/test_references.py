"""What a run has written is its user's in the database too, whoever wrote it."""

from __future__ import annotations

import pytest
from django.db import IntegrityError, transaction

from accounts.seam import in_thread
from agents.models import RunEvents, Step
from tests.agents.services.conftest import read


async def test_no_row_of_a_run_is_anothers(make_process, acme):
    process = await make_process(["Hello"])
    begin = process.new()
    await read(await process.start(begin))
    stranger = {"user_id": acme.viewer.id}

    def give_a_step() -> None:
        assert Step.objects.using("system").filter(run_id=begin.run_id).update(**stranger)

    def add_an_event() -> None:
        of_run = {"tenant_id": begin.tenant_id, "run_id": begin.run_id}
        RunEvents.objects.using("system").create(**of_run, **stranger, first_seq=1_000, last_seq=1_000, lines="{}")

    for act in (give_a_step, add_an_event):
        with pytest.raises(IntegrityError, match="run_id_tenant_fk"):
            await in_thread(transaction.atomic(using="system")(act))
