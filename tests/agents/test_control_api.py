"""Looking into runs and steering them over HTTP."""

from __future__ import annotations

from typing import Any

from django.http import HttpResponse

from accounts.models import User
from accounts.seam import in_thread
from agentos.core.errors import ProviderError
from tests.agents.services.conftest import HeldModel, names, read
from tests.agents.services.payments import unknown
from tests.agents.services.stored import stored, until


def json_of(response: HttpResponse) -> Any:
    return response.json()  # type: ignore[attr-defined]


async def test_an_operator_weighs_the_evidence_and_reconciles(make_process, till, serve, acme, globex):
    begin, heir, step = await unknown(make_process, till, ["All right"])
    call, path = serve(heir), f"runs/{begin.run_id}/steps/{step.id}"
    shown = json_of(await call(acme.operator, f"{path}/evidence"))
    assert shown["request"]["arguments"] == {"amount": 7}
    assert (shown["idempotency_key"], shown["state"]) == (step.idempotency_key, "unknown")
    assert shown["started_at"].endswith("Z")
    assert shown["lookup"] == {"result": {"key": step.idempotency_key, "charged": [7]}, "error": ""}
    said = {"outcome": "happened", "reason": "The bank lists it", "result": "charged"}
    for user, status in ((acme.member, 403), (acme.approver, 403), (globex.operator, 404), (globex.admin, 404)):
        assert (await call(user, f"{path}/evidence")).status_code == status
        assert (await call(user, f"{path}/reconcile", said)).status_code == status
    assert (await call(acme.operator, f"{path}/reconcile", {**said, "outcome": "maybe"})).status_code == 422
    assert (await call(acme.operator, f"{path}/reconcile", {**said, "reason": ""})).status_code == 422
    response = await call(acme.operator, f"{path}/reconcile", said)
    assert response.status_code == 200
    assert json_of(response)["run_id"] == str(begin.run_id)
    await until(lambda: stored(begin).status == "completed")
    again = await call(acme.operator, f"{path}/reconcile", said)
    assert (again.status_code, json_of(again)["code"]) == (409, "not_unknown")


async def test_a_look_up_that_fails_says_so_and_shows_nothing_else(make_process, till, serve, acme):
    begin, heir, step = await unknown(make_process, till, ["never"])
    till.lookup_fails = True
    response = await serve(heir)(acme.operator, f"runs/{begin.run_id}/steps/{step.id}/evidence")
    assert json_of(response)["lookup"] == {"result": None, "error": "The look-up of charge failed."}


async def test_a_run_is_paused_and_unpaused(make_process, serve, acme, globex):
    model = HeldModel([[("look", {"place": "x"})], "The end"])
    process = await make_process(model=model)
    call, begin = serve(process), process.new()
    follower = await process.start(begin)
    await model.reached.wait()
    path = f"runs/{begin.run_id}"
    assert (await call(globex.member, f"{path}/pause", {})).status_code == 404
    assert (await call(acme.approver, f"{path}/pause", {})).status_code == 404
    assert (await call(acme.member, f"{path}/unpause", {})).status_code == 409
    response = await call(acme.member, f"{path}/pause", {})
    assert (response.status_code, json_of(response)["status"]) == (200, "RUNNING")
    await until(lambda: begin.run_id in process.supervisor.stops.pausing)
    model.let_go.set()
    assert names(await read(follower))[-1] == "RunPaused"
    shown = json_of(await call(acme.member, path))
    assert (shown["status"], shown["pause_reason"], shown["requirements"]) == ("PAUSED", "by hand", [])
    response = await call(acme.member, f"{path}/unpause", {})
    assert response.status_code == 200
    await until(lambda: stored(begin).status == "completed")
    assert (await call(acme.member, f"{path}/pause", {})).status_code == 409


async def test_the_trace_shows_each_step_in_order(make_process, serve, acme, globex):
    process = await make_process([[("look", {"place": "x"}), ("look", {"place": "y"})], "The end"])
    call, begin = serve(process), process.new()
    await read(await process.start(begin))
    rows = json_of(await call(acme.member, f"runs/{begin.run_id}/steps"))
    assert [row["path"] for row in rows] == ["1.model", "1.0", "1.1", "2.model"]
    assert [(row["kind"], row["state"], row["attempts"]) for row in rows[:2]] == [
        ("model", "done", 1),
        ("tool", "done", 1),
    ]
    assert rows[0]["usage"]["total_tokens"] == 15
    assert all(row["ended_at"] >= row["started_at"] for row in rows)
    assert (await call(acme.approver, f"runs/{begin.run_id}/steps")).status_code == 200
    for stranger in (acme.viewer, globex.member):
        assert (await call(stranger, f"runs/{begin.run_id}/steps")).status_code == 404


def events_of(body: bytes) -> list[tuple[int, str]]:
    """Return (id, name) of each event of a stream."""
    blocks = [block.split(b"\n") for block in body.split(b"\n\n") if block.startswith(b"id: ")]
    return [(int(lines[0][4:]), lines[1][7:].decode()) for lines in blocks]


async def body_of(response: HttpResponse) -> bytes:
    return b"".join([part async for part in response.streaming_content])  # type: ignore[attr-defined]


async def test_a_client_of_agentos_attaches_again_where_it_was(make_process, serve, acme, globex):
    process = await make_process([[("pay", {"amount": 5})], "Paid"])
    call, begin = serve(process), process.new()
    lines = await read(await process.start(begin))
    path = f"agents/tester/runs/{begin.run_id}/resume"
    whole = await body_of(await call(acme.member, path, {}, form=True))
    assert events_of(whole) == [(line.seq, line.name) for line in lines]
    said = {"last_event_index": "1", "session_id": begin.session_id}
    assert events_of(await body_of(await call(acme.member, path, said, form=True))) == events_of(whole)[2:]
    for wrong, status in (({"session_id": "other"}, 404), ({"last_event_index": "soon"}, 422)):
        assert (await call(acme.member, path, wrong, form=True)).status_code == status
    assert (await call(globex.member, path, {}, form=True)).status_code == 404
    assert (await call(acme.member, path.replace("tester", "other"), {}, form=True)).status_code == 404
    await call(acme.member, f"runs/{begin.run_id}/cancel", {})
    last = (await read(process.follow(begin, to_end=True)))[-1].seq
    over = await call(acme.member, path, {"last_event_index": str(last - 1)}, form=True)
    assert over.status_code == 204


async def test_the_runs_of_an_agent_are_listed_by_session_and_status(make_process, serve, acme, globex):
    process = await make_process(["One", [("pay", {"amount": 5})]])
    call, first, second = serve(process), process.new(session_id="s"), process.new(session_id="s")
    await read(await process.start(first))
    await read(await process.start(second))

    async def listed(user: User, query: str = "") -> list[str]:
        return [run["run_id"] for run in json_of(await call(user, f"agents/tester/runs{query}"))]

    both = [str(first.run_id), str(second.run_id)]
    assert await listed(acme.member) == both
    assert await listed(acme.member, "?session_id=s&status=PAUSED") == both[1:]
    assert await listed(acme.member, "?session_id=other") == []
    assert await listed(acme.auditor, "?status=completed") == both[:1]
    assert await listed(acme.viewer) == []
    assert await listed(globex.admin) == []
    assert (await call(acme.member, "agents/tester/runs?status=asleep")).status_code == 422


async def test_a_stream_ends_when_its_reader_is_signed_out(make_process, serve, acme):
    process = await make_process([[("pay", {"amount": 5})], "Paid"])
    call, begin = serve(process), process.new()
    await read(await process.start(begin))
    response = await call(acme.member, f"runs/{begin.run_id}/events")
    reading = aiter(response.streaming_content)  # type: ignore[attr-defined]
    assert await anext(reading) == b"retry: 2000\n\n"
    assert events_of(await anext(reading))[-1][1] == "RunPaused"

    def deactivate() -> None:
        User.objects.using("system").filter(id=acme.member.id).update(is_active=False)

    await in_thread(deactivate)
    rest = b"".join([part async for part in reading])
    assert events_of(rest) == []
    assert process.hub.streams.taken == 0


async def test_a_run_is_forked_over_http(make_process, serve, acme, globex):
    process = await make_process([[("look", {"place": "x"})], "The end", "Another end"])
    call, begin = serve(process), process.new()
    await read(await process.start(begin))
    path = f"runs/{begin.run_id}/fork"
    assert (await call(globex.member, path, {"from_step": "2.model"})).status_code == 404
    assert (await call(acme.operator, path, {"from_step": "2.model"})).status_code == 403
    for body, status, code in (
        ({}, 422, "invalid"),
        ({"from_step": "7.model"}, 404, "step_not_found"),
        ({"from_step": "2.model", "model": "none"}, 422, "unknown_model"),
        ({"from_step": "2.model", "instructions": "Be rude."}, 403, "missing_scope"),
    ):
        response = await call(acme.member, path, body)
        assert (response.status_code, json_of(response)["code"]) == (status, code)
    step_id = json_of(await call(acme.member, f"runs/{begin.run_id}/steps"))[2]["id"]
    response = await call(acme.member, path, {"from_step": step_id})
    assert (response.status_code, json_of(response)["status"]) == (202, "PENDING")
    made = json_of(response)["run_id"]
    assert response["Location"] == f"/api/runs/{made}"
    events = events_of(await body_of(await call(acme.member, f"runs/{made}/events")))
    assert events[-1][1] == "RunCompleted"
    shown = json_of(await call(acme.member, f"runs/{made}"))
    assert (shown["content"], shown["session_id"]) == ("Another end", begin.session_id)
    assert shown["forked_from"] == {"run_id": str(begin.run_id), "path": "2.model"}


async def test_a_failed_run_is_rerun_over_http_once(make_process, serve, acme, globex):
    broken = ProviderError("The key is wrong.", code="provider_auth")
    process = await make_process([[("look", {"place": "x"})], broken, "The end"])
    call, begin = serve(process), process.new()
    await read(await process.start(begin))
    path = f"runs/{begin.run_id}/rerun"
    assert (await call(globex.member, path, {})).status_code == 404
    assert (await call(acme.viewer, path, {})).status_code == 404
    response = await call(acme.member, path, {})
    assert (response.status_code, json_of(response)["status"]) == (202, "PENDING")
    made = json_of(response)["run_id"]
    assert response["Location"] == f"/api/runs/{made}"
    assert events_of(await body_of(await call(acme.member, f"runs/{made}/events")))[-1][1] == "RunCompleted"
    shown = json_of(await call(acme.member, f"runs/{made}"))
    assert (shown["content"], shown["rerun_of"]) == ("The end", str(begin.run_id))
    for _ in range(2):
        again = await call(acme.operator, path, {})
        assert (again.status_code, json_of(again)["code"]) == (409, "already_rerun")
    assert (await call(acme.member, f"runs/{made}/rerun", {})).status_code == 409
