"""A retry under an Idempotency-Key gets the answer of the first request, on every route that goes on with a run."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Any

from django.db import connections

from accounts import audit
from accounts.models import AuditRow
from accounts.privacy import erasure
from accounts.privacy.erasure import Tally
from accounts.privacy.rows import Person
from accounts.seam import in_thread
from accounts.tenancy import tenant_scope
from agentos.core.errors import Invalid, ProviderError
from agentos.core.types import JsonObject
from agents.models import IdempotencyKey, Run
from agents.registry import registry
from agents.services import idempotency, sessions, switches
from agents.services.places import Places
from tests.agents.services.conftest import SPEC, HeldModel, names, ran, read
from tests.agents.services.payments import unknown
from tests.agents.services.stored import all_wait, stored, until
from tests.agents.test_control_api import body_of, events_of, json_of

PAY = [("pay", {"amount": 5})]
YES: JsonObject = {"answers": [{"tool_call_id": "call_1_0", "confirmed": True}]}
NO: JsonObject = {"answers": [{"tool_call_id": "call_1_0", "confirmed": False}]}


async def paused(make_process, serve, script=(PAY, "Paid")):
    """Return a run that waits for a payment to be confirmed, its last event's seq, and a way to call its process."""
    process = await make_process(list(script))
    begin = process.new()
    lines = await read(await process.start(begin))
    await until(lambda: stored(begin).status == "paused")
    return process, begin, lines[-1].seq, serve(process)


def rows() -> list[IdempotencyKey]:
    return list(IdempotencyKey.objects.using("system").order_by("created_at"))


def actions(begin, action: str) -> int:
    with tenant_scope(begin.tenant_id):
        return AuditRow.objects.using("system").filter(action=action).count()


async def test_answers_sent_again_get_the_first_answer(make_process, serve, acme):
    _, begin, _, call = await paused(make_process, serve)
    path = f"runs/{begin.run_id}/answers"
    first = await call(acme.member, path, YES, key="k")
    assert (first.status_code, json_of(first)["run_id"]) == (200, str(begin.run_id))
    await until(lambda: stored(begin).status == "completed")
    again = await call(acme.member, path, YES, key="k")
    assert (again.status_code, json_of(again)["session_id"]) == (200, begin.session_id)
    other = await call(acme.member, path, NO, key="k")
    assert (other.status_code, json_of(other)["code"]) == (422, "idempotency_key_reused")
    without = await call(acme.member, path, YES)
    assert (without.status_code, json_of(without)["code"]) == (409, "run_ended")
    assert ran == ["pay 5"]
    assert await in_thread(actions, begin, "step.answered") == 1
    assert await in_thread(audit.verify, begin.tenant_id) is None


async def test_what_is_kept_of_a_request_is_ids_and_an_hmac(make_process, serve, acme):
    _, begin, seq, call = await paused(make_process, serve)
    said = {"answers": [{"tool_call_id": "call_1_0", "confirmed": False, "note": "jane@example.com says no"}]}
    assert (await call(acme.member, f"runs/{begin.run_id}/answers", said, key="k")).status_code == 200
    (row,) = await in_thread(rows)
    assert (row.route, row.key, row.run_id, row.after_seq) == (f"run:{begin.run_id}:answers", "k", begin.run_id, seq)
    assert len(row.content_hmac) == 64
    assert "jane" not in str(vars(row))


async def test_a_request_that_failed_leaves_no_key(make_process, serve, acme):
    _, begin, _, call = await paused(make_process, serve)
    path = f"runs/{begin.run_id}/answers"
    wrong = {"answers": [{"tool_call_id": "call_9", "confirmed": True}]}
    for body, status in ((wrong, 404), ({"answers": [{"tool_call_id": "call_1_0"}]}, 422), ({"answers": []}, 422)):
        assert (await call(acme.member, path, body, key="k")).status_code == status
    assert (await call(acme.member, path, YES, key="k")).status_code == 200


async def test_a_key_is_of_one_user_on_one_route_of_one_run_for_a_day(make_process, serve, acme):
    process, begin, _, call = await paused(make_process, serve, (PAY, PAY, "Paid", "Paid"))
    other = process.new()
    await read(await process.start(other))
    assert (await call(acme.member, f"runs/{begin.run_id}/answers", YES, key="k")).status_code == 200
    said = {"answers": [{"tool_call_id": "call_2_0", "confirmed": True}]}
    assert (await call(acme.member, f"runs/{other.run_id}/answers", said, key="k")).status_code == 200
    for run in (begin, other):
        await until(lambda run=run: stored(run).status == "completed")
    assert (await call(acme.member, f"runs/{begin.run_id}/cancel", {}, key="k")).status_code == 409
    assert (await call(acme.operator, f"runs/{begin.run_id}/answers", YES, key="k")).status_code == 409

    await in_thread(_grow_old)
    assert (await call(acme.member, f"runs/{begin.run_id}/answers", YES, key="k")).status_code == 409
    assert len(await in_thread(rows)) == 2


def _grow_old() -> None:
    with connections["system"].cursor() as cursor:
        cursor.execute("UPDATE agents_idempotencykey SET created_at = now() - interval '24 hours'")


async def test_two_at_once_under_one_key_have_one_effect_and_both_are_answered(make_process, serve, acme):
    """Both requests wait for the run's row together; whoever comes first does it."""
    process, begin, _, call = await paused(make_process, serve)
    path = f"runs/{begin.run_id}/answers"
    responses = await _together(process, begin, [call(acme.member, path, YES, key="k") for _ in range(2)])
    assert [response.status_code for response in responses] == [200] * 2
    await until(lambda: stored(begin).status == "completed")
    assert ran == ["pay 5"]
    assert await in_thread(actions, begin, "step.answered") == 1


async def test_of_two_at_once_with_other_content_under_one_key_one_is_refused(make_process, serve, acme):
    process, begin, _, call = await paused(make_process, serve)
    path = f"runs/{begin.run_id}/answers"
    responses = await _together(process, begin, [call(acme.member, path, body, key="k") for body in (YES, NO)])
    assert sorted(response.status_code for response in responses) == [200, 422]
    assert await in_thread(actions, begin, "step.answered") == 1


async def test_who_waits_for_one_that_fails_does_it_itself(make_process, serve, acme, monkeypatch):
    """The first holds the run and the key, and fails at its last statement; the second waits for that."""
    process, begin, _, call = await paused(make_process, serve)
    append, failed = audit.append, []

    def once(entries: Any, **kwargs: Any) -> None:
        if entries[0].action == "step.answered" and not failed:
            failed.append(1)
            raise Invalid("The trail does not take it.")
        append(entries, **kwargs)

    monkeypatch.setattr(audit, "append", once)
    path = f"runs/{begin.run_id}/answers"
    responses = await _together(process, begin, [call(acme.member, path, YES, key="k") for _ in range(2)])
    assert sorted(response.status_code for response in responses) == [200, 422]
    await until(lambda: stored(begin).status == "completed")
    assert ran == ["pay 5"]


async def _together(process, begin, calls) -> list[Any]:
    """Let requests wait for the run's row until all of them do."""
    async with process.pool.connection() as connection, connection.transaction():
        await connection.execute("SELECT 1 FROM agents_run WHERE id = %s FOR NO KEY UPDATE", [begin.run_id])
        sent = [asyncio.ensure_future(each) for each in calls]
        await all_wait(connection, len(sent))
    return list(await asyncio.gather(*sent))


async def test_a_continuation_sent_again_streams_the_first_ones_events(make_process, serve, acme):
    process, begin, seq, call = await paused(make_process, serve, (PAY, [("pay", {"amount": 6})], "Paid"))
    path = f"agents/tester/runs/{begin.run_id}/continue"
    form = {"tools": '[{"tool_call_id": "call_1_0", "confirmed": true}]', "session_id": begin.session_id}
    first = await body_of(await call(acme.member, path, form, form=True, key="k"))
    assert events_of(first)[0] == (seq + 1, "RunContinued")
    assert events_of(first)[-1][1] == "RunPaused"
    assert await body_of(await call(acme.member, path, form, form=True, key="k")) == first
    said = {"answers": [{"tool_call_id": "call_2_0", "confirmed": True}]}
    assert (await call(acme.member, f"runs/{begin.run_id}/answers", said)).status_code == 200
    await until(lambda: stored(begin).status == "completed")
    assert await body_of(await call(acme.member, path, form, form=True, key="k")) == first
    whole = await call(acme.member, path, {**form, "stream": "false"}, form=True, key="k")
    assert (whole.status_code, json_of(whole)["status"]) == (200, "COMPLETED")
    other = await call(acme.member, path, {**form, "tools": form["tools"].replace("true", "false")}, form=True, key="k")
    assert (other.status_code, json_of(other)["code"]) == (422, "idempotency_key_reused")
    assert (await call(acme.member, path, form, form=True)).status_code == 409
    assert ran == ["pay 5", "pay 6"]
    assert process.hub.streams.taken == 0


async def test_the_same_answers_in_either_of_agentos_shapes_are_the_same_content(make_process, serve, acme):
    _, begin, _, call = await paused(make_process, serve)
    path = f"agents/tester/runs/{begin.run_id}/continue"
    tool = {"tool_call_id": "call_1_0", "confirmed": True}
    shapes: list[JsonObject] = [{"tools": [tool]}, {"requirements": [{"tool_execution": tool}]}]
    bodies = [await body_of(await call(acme.member, path, shape, key="k")) for shape in shapes]
    assert bodies[0] == bodies[1]
    assert events_of(bodies[0])[-1][1] == "RunCompleted"


async def test_a_continuation_that_nobody_could_follow_leaves_no_key(make_process, serve, acme):
    process = await make_process([PAY, "Paid"], streams=Places("streams", most=9, most_per_tenant=1))
    begin = process.new()
    await read(await process.start(begin))
    call, path = serve(process), f"agents/tester/runs/{begin.run_id}/continue"
    body = {"tools": [{"tool_call_id": "call_1_0", "confirmed": True}]}
    with process.hub.streams.one(begin.tenant_id):
        assert (await call(acme.member, path, body, key="k")).status_code == 429
    assert await in_thread(rows) == []
    first = await body_of(await call(acme.member, path, body, key="k"))
    assert events_of(first)[-1][1] == "RunCompleted"


async def test_a_retry_finds_the_first_run_where_there_is_no_room_for_another(make_process, serve, acme, globex):
    model = HeldModel(["Done"] * 2)
    process = await make_process(model=model, runs=Places("runs", most=2, most_per_tenant=1))
    call, path = serve(process), "agents/tester/runs"
    whole, behind = {"message": "Go", "stream": False}, {"message": "Go", "stream": False, "background": True}
    first = await call(acme.member, path, behind, key="b")
    assert first.status_code == 202
    again = await call(acme.member, path, behind, key="b")
    assert (again.status_code, again["Location"], json_of(again)) == (202, first["Location"], json_of(first))
    unknown_key = await call(acme.member, path, behind, key="other")
    assert (unknown_key.status_code, unknown_key["Retry-After"]) == (429, "2")
    assert (await call(acme.approver, path, behind, key="b")).status_code == 429
    other = await call(acme.member, path, {**behind, "message": "Stop"}, key="b")
    assert (other.status_code, json_of(other)["code"]) == (422, "idempotency_key_reused")
    await in_thread(_grow_old)
    assert (await call(acme.member, path, behind, key="b")).status_code == 429
    model.let_go.set()
    await until(lambda: process.supervisor.runs.taken == 0)
    done = json_of(await call(acme.member, path, whole, key="w"))
    assert done["status"] == "COMPLETED"
    with process.supervisor.runs.one(globex.tenant.id), process.supervisor.runs.one(acme.tenant.id):
        streamed = await body_of(await call(acme.member, path, {"message": "Go"}, key="w"))
        assert events_of(streamed)[-1][1] == "RunCompleted"
        assert done["run_id"] in streamed.decode()
        assert json_of(await call(acme.member, path, whole, key="w")) == done
    assert (process.supervisor.runs.taken, process.hub.streams.taken) == (0, 0)


async def test_a_retry_is_answered_where_there_is_no_room_for_a_stream(make_process, serve, acme):
    model = HeldModel([PAY, "Paid"])
    process = await make_process(model=model, streams=Places("streams", most=9, most_per_tenant=1))
    call, path = serve(process), "agents/tester/runs"
    whole = {"message": "Go", "stream": False}
    first = asyncio.ensure_future(call(acme.member, path, whole, key="k"))
    await model.reached.wait()
    early = await call(acme.member, path, whole, key="k")
    run_id = json_of(early)["run_id"]
    assert (early.status_code, early["Location"], json_of(early)["status"]) == (202, f"/api/runs/{run_id}", "RUNNING")
    model.let_go.set()
    assert json_of(await first)["status"] == "PAUSED"
    said = {"tools": [{"tool_call_id": "call_1_0", "confirmed": True}], "stream": False}
    proceed = f"{path}/{run_id}/continue"
    with process.hub.streams.one(acme.tenant.id):
        assert json_of(await call(acme.member, path, whole, key="k"))["status"] == "PAUSED"
        assert (await call(acme.member, path, {"message": "Go"}, key="k")).status_code == 429
        assert (await call(acme.member, proceed, said, key="c")).status_code == 429
    done = json_of(await call(acme.member, proceed, said, key="c"))
    assert done["status"] == "COMPLETED"
    with process.hub.streams.one(acme.tenant.id):
        assert json_of(await call(acme.member, proceed, said, key="c")) == done
        assert (await call(acme.member, proceed, {**said, "stream": True}, key="c")).status_code == 429
        assert (await call(acme.member, proceed, said, key="other")).status_code == 429
    assert ran == ["pay 5"]


async def test_a_halt_refuses_no_retry_and_a_process_that_goes_away_does(make_process, serve, acme):
    process = await make_process(["Done"])
    call, path, whole = serve(process), "agents/tester/runs", {"message": "Go", "stream": False}
    done = json_of(await call(acme.member, path, whole, key="k"))
    await in_thread(switches.halt, acme.principal("admin"), target="tenant", reason="Odd answers.")
    await until(lambda: process.supervisor.stops.halted.by(acme.tenant.id))
    assert json_of(await call(acme.member, path, whole, key="k")) == done
    assert (await call(acme.member, path, whole, key="other")).status_code == 503
    process.supervisor.stops.is_draining = True
    gone = await call(acme.member, path, whole, key="k")
    assert (gone.status_code, json_of(gone)["code"]) == (503, "draining")


async def test_a_fork_sent_again_leads_to_the_first_fork(make_process, serve, acme):
    process = await make_process([[("look", {"place": "x"})], "The end", "Another end"])
    call, begin = serve(process), process.new()
    await read(await process.start(begin))
    path, body = f"runs/{begin.run_id}/fork", {"from_step": "2.model"}
    assert (await call(acme.member, path, {"from_step": "9.model"}, key="k")).status_code == 404
    first = await call(acme.member, path, body, key="k")
    again = await call(acme.member, path, body, key="k")
    assert (again.status_code, again["Location"]) == (202, first["Location"])
    assert json_of(again) == json_of(first)
    await until(lambda: process.supervisor.runs.taken == 0)
    room, process.supervisor.runs.most_per_tenant = process.supervisor.runs.most_per_tenant, 0
    full = await call(acme.member, path, body, key="k")
    assert (full.status_code, json_of(full)["run_id"]) == (202, json_of(first)["run_id"])
    assert (await call(acme.member, path, body, key="other")).status_code == 429
    process.supervisor.runs.most_per_tenant = room
    other = await call(acme.member, path, {"from_step": "1.model"}, key="k")
    assert (other.status_code, json_of(other)["code"]) == (422, "idempotency_key_reused")
    assert await in_thread(actions, begin, "run.forked") == 1


async def test_a_rerun_sent_again_leads_to_the_first_rerun(make_process, serve, acme):
    broken = ProviderError("The key is wrong.", code="provider_auth")
    process = await make_process([[("look", {"place": "x"})], broken, "The end"])
    call, begin = serve(process), process.new()
    await read(await process.start(begin))
    first, again = [await call(acme.member, f"runs/{begin.run_id}/rerun", {}, key="k") for _ in range(2)]
    assert (again.status_code, json_of(again)) == (202, json_of(first))
    assert (await call(acme.member, f"runs/{begin.run_id}/rerun", {}, key="other")).status_code == 409
    process.supervisor.runs.most_per_tenant = 0
    full = await call(acme.member, f"runs/{begin.run_id}/rerun", {}, key="k")
    assert (full.status_code, json_of(full)["run_id"]) == (202, json_of(first)["run_id"])


async def test_a_cancel_sent_again_after_the_run_ended_otherwise_is_answered_as_before(make_process, serve, acme):
    model = HeldModel(["The end"])
    process = await make_process(model=model)
    call, begin = serve(process), process.new()
    follower = await process.start(begin)
    await model.reached.wait()
    process.supervisor.live.cancel = lambda *_: None  # the process is deaf: the run ends before it hears
    assert (await call(acme.member, f"runs/{begin.run_id}/cancel", {}, key="k")).status_code == 200
    model.let_go.set()
    assert names(await read(follower))[-1] == "RunCompleted"
    for path in (f"runs/{begin.run_id}/cancel", f"agents/tester/runs/{begin.run_id}/cancel"):
        assert (await call(acme.member, path, {}, key="k")).status_code == 200
    assert (await call(acme.member, f"runs/{begin.run_id}/cancel", {})).status_code == 409
    assert await in_thread(actions, begin, "run.cancelled") == 1


async def test_a_pause_sent_again_after_an_unpause_pauses_nothing(make_process, serve, acme):
    _, begin, _, call = await paused(make_process, serve)
    path = f"runs/{begin.run_id}"
    for key in ("k", "k"):
        assert (await call(acme.member, f"{path}/pause", {}, key=key)).status_code == 200
    for key in ("k", "k"):
        assert (await call(acme.member, f"{path}/unpause", {}, key=key)).status_code == 200
    assert (await call(acme.member, f"{path}/unpause", {})).status_code == 409
    assert (await call(acme.member, f"{path}/pause", {}, key="k")).status_code == 200
    assert not (await in_thread(stored, begin)).pause_requested
    assert await in_thread(actions, begin, "run.paused") == 1


async def test_a_reconciliation_sent_again_is_answered_as_before(make_process, till, serve, acme):
    begin, heir, step = await unknown(make_process, till, ["All right"])
    call, path = serve(heir), f"runs/{begin.run_id}/steps/{step.id}/reconcile"
    said = {"outcome": "happened", "reason": "The bank lists it"}
    assert [(await call(acme.operator, path, said, key="k")).status_code for _ in range(2)] == [200, 200]
    other = await call(acme.operator, path, {**said, "outcome": "abandon"}, key="k")
    assert (other.status_code, json_of(other)["code"]) == (422, "idempotency_key_reused")
    assert (await call(acme.operator, path, said)).status_code == 409
    assert await in_thread(actions, begin, "step.reconciled") == 1


async def test_a_start_that_a_guard_has_blocked_may_be_tried_again_with_other_words(
    make_process, serve, acme, monkeypatch
):
    guarded = replace(SPEC, guards=("pii",))
    process = await make_process(["Hello"])
    call = serve(process)
    monkeypatch.setattr(type(registry), "get", lambda self, kind, component_id: guarded)
    path = "agents/tester/runs"
    for _ in range(2):
        blocked = await call(acme.member, path, {"message": "My SSN is 219-09-9999", "stream": False}, key="k")
        assert (blocked.status_code, json_of(blocked)["code"]) == (422, "input_blocked")
    first, again = [
        json_of(await call(acme.member, path, {"message": "Hello", "stream": False}, key="k")) for _ in range(2)
    ]
    assert (first["status"], first["run_id"]) == ("COMPLETED", again["run_id"])


async def test_a_start_sent_again_after_its_session_was_deleted_starts_nothing(
    make_process, serve, acme, settings, tmp_path
):
    settings.BACKUP_FOLDER = str(tmp_path)
    process = await make_process(["Done"])
    call, path, whole = serve(process), "agents/tester/runs", {"message": "Go", "session_id": "s", "stream": False}
    assert json_of(await call(acme.member, path, whole, key="k"))["status"] == "COMPLETED"
    await in_thread(sessions.delete, principal=acme.principal("member"), session_id="s")
    room = process.supervisor.runs.most_per_tenant
    for most in (room, 0):  # found where there is room for a run, and where there is none
        process.supervisor.runs.most_per_tenant = most
        for body in (whole, {**whole, "stream": True}):
            again = await call(acme.member, path, body, key="k")
            assert (again.status_code, json_of(again)["code"]) == (410, "gone")
        other = await call(acme.member, path, {**whole, "message": "Stop"}, key="k")
        assert (other.status_code, json_of(other)["code"]) == (422, "idempotency_key_reused")
    assert await in_thread(Run.objects.using("system").count) == 0
    await in_thread(erasure.erase, Person(acme.tenant.id, acme.member.id), Tally())
    assert await in_thread(rows) == []


async def test_a_key_that_is_too_long_is_refused(make_process, serve, acme):
    _, begin, _, call = await paused(make_process, serve)
    long = await call(acme.member, f"runs/{begin.run_id}/answers", YES, key="k" * 201)
    assert (long.status_code, json_of(long)["code"]) == (422, "idempotency_key_too_long")
    assert (await call(acme.member, f"runs/{begin.run_id}/answers", YES, key="k" * 200)).status_code == 200


def test_blanks_are_no_key_and_content_counts_however_it_is_ordered():
    assert idempotency.key_of("  \x00", route="r") is None
    one = idempotency.key_of(" k ", route="r", content={"a": 1, "b": [2]})
    two = idempotency.key_of("k", route="r", content={"b": [2], "a": 1})
    assert one is not None
    assert two is not None
    assert (one.value, one.content_hmac) == (two.value, two.content_hmac)
    assert one.content_hmac != idempotency.content_hmac({"a": 1, "b": [3]})


async def test_the_description_of_the_api_names_the_header_on_each_such_route():
    from agentos.api import api

    taken = {
        path.removeprefix("/api")
        for path, methods in api.get_openapi_schema()["paths"].items()
        for operation in methods.values()
        for parameter in operation.get("parameters", ())
        if (parameter["in"], parameter["name"]) == ("header", "Idempotency-Key")
    }
    run = "/runs/{run_id}"
    assert taken == {
        "/agents/{agent_id}/runs",
        f"/agents/{{agent_id}}{run}/continue",
        f"/agents/{{agent_id}}{run}/cancel",
        *(f"{run}/{act}" for act in ("answers", "cancel", "pause", "unpause", "fork", "rerun")),
        f"{run}/steps/{{step_id}}/reconcile",
        "/approvals/{approval_id}/resolve",
    }
