"""Looking into runs and steering them over HTTP."""

from __future__ import annotations

from typing import Any

from django.http import HttpResponse

from tests.agents.services.conftest import HeldModel, names, read
from tests.agents.services.payments import unknown
from tests.agents.services.test_durability import stored, until


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
    await until(lambda: begin.run_id in process.supervisor.writer.pausing)
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
