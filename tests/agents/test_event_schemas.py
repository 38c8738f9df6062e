"""What OpenAPI says of events and runs is what is stored and answered: no key more, none less, no other type."""

from __future__ import annotations

import re
from typing import Any, get_args

import pytest
from pydantic import TypeAdapter

from accounts.seam import in_thread
from agentos.api import api
from agentos.core.errors import ProviderError
from agents import selectors
from agents.engine import events
from agents.event_schemas import RunEvent, RunOut
from agents.services import pauses, runs
from agents.services.answers import Answer, answer
from tests.agents.services.conftest import HeldModel, read
from tests.agents.services.stored import stored, until

EVENTS = TypeAdapter[Any](RunEvent)
PAY, LOOK = ("pay", {"amount": 5}), ("look", {"place": "attic"})
BUSY = ProviderError("busy", code="provider_unavailable", retryable=True)
BAD = ProviderError("bad", code="provider_rejected")


async def fits(process, begin, acme) -> list[str]:
    """Check the run and all its events against their shapes; return the events' names."""
    shown = await in_thread(selectors.run_detail, principal=acme.principal("member"), run_id=begin.run_id)
    RunOut.model_validate(shown)
    lines = await read(process.follow(begin))
    if (await in_thread(stored, begin)).status in ("completed", "error", "cancelled"):
        lines = await read(process.follow(begin, to_end=True))
    said = [EVENTS.validate_json(line.data) for line in lines]
    assert len({(event.agent_id, event.agent_name, event.session_id) for event in said}) == 1
    return [event.event for event in said]


async def test_a_run_that_pauses_and_ends(make_process, acme):
    process = await make_process([[LOOK, PAY, ("nothere", {})], BUSY, "Paid"])
    begin = process.new()
    await read(await process.start(begin))
    await until(lambda: stored(begin).status == "paused")
    assert "RunPaused" in await fits(process, begin, acme)
    said = [Answer("call_1_1", confirmed=True, note="go")]
    await in_thread(answer, principal=acme.principal("member"), run_id=begin.run_id, answers=said)
    await until(lambda: stored(begin).status == "completed")
    assert set(await fits(process, begin, acme)) == {
        *("RunStarted", "RunContinued", "RunPaused", "RunContent", "RunContentReset", "RunContentCompleted"),
        *("ModelRequestStarted", "ModelRequestCompleted", "ToolCallStarted", "ToolCallCompleted", "ToolCallError"),
        "RunCompleted",
    }


async def test_runs_that_fail_and_are_cancelled_live_and_paused(make_process, acme):
    process = await make_process([BAD, [PAY], "never"])
    failed, cancelled = process.new(), process.new()
    await read(await process.start(failed))
    await until(lambda: stored(failed).status == "error")
    assert (await fits(process, failed, acme))[-1] == "RunError"
    await read(await process.start(cancelled))
    await until(lambda: stored(cancelled).status == "paused")
    await in_thread(runs.request_cancel, principal=acme.principal("member"), run_id=cancelled.run_id)
    assert (await fits(process, cancelled, acme))[-1] == "RunCancelled"


async def test_a_run_at_work_and_paused_by_hand(make_process, acme):
    model = HeldModel([[LOOK], "The end"])
    process = await make_process(model=model)
    begin = process.new()
    follower = await process.start(begin)
    await model.reached.wait()
    shown = await in_thread(selectors.run_detail, principal=acme.principal("member"), run_id=begin.run_id)
    assert RunOut.model_validate(shown).status == "RUNNING"
    await in_thread(pauses.pause, principal=acme.principal("member"), run_id=begin.run_id)
    await until(lambda: begin.run_id in process.supervisor.stops.pausing)
    model.let_go.set()
    assert EVENTS.validate_json((await read(follower))[-1].data).reason == "by hand"
    assert "RunPaused" in await fits(process, begin, acme)


def test_every_event_has_its_shape_and_no_other_has():
    union, _ = get_args(RunEvent)
    shapes = {get_args(kind.model_fields["event"].annotation)[0] for kind in get_args(union)}
    named = {value for name, value in vars(events).items() if name.isupper() and isinstance(value, str)}
    assert shapes == named - {events.BY_HAND, events.HALTED}


@pytest.fixture(scope="module")
def contract() -> dict[str, Any]:
    return dict(api.get_openapi_schema())


def test_the_contract_tells_events_apart_by_their_name(contract):
    union = contract["components"]["schemas"]["RunEvent"]
    assert union["discriminator"]["propertyName"] == "event"
    assert len(union["oneOf"]) == len(union["discriminator"]["mapping"]) == 14
    for path in ("/api/agents/{agent_id}/runs", "/api/agents/{agent_id}/runs/{run_id}/continue"):
        assert contract["paths"][path]["post"]["responses"][200]["content"]["text/event-stream"]
    follow = contract["paths"]["/api/runs/{run_id}/events"]["get"]
    assert {item["name"] for item in follow["parameters"]} == {"run_id", "after", "Last-Event-ID"}
    assert set(follow["responses"]) == {200, 204, "default"}


def test_every_route_tells_of_problems_and_every_reference_leads_somewhere(contract):
    routes = [operation for verbs in contract["paths"].values() for operation in verbs.values()]
    assert all("application/problem+json" in route["responses"]["default"]["content"] for route in routes)
    named = set(re.findall(r"#/components/schemas/([\w-]+)", str(contract)))
    assert named <= set(contract["components"]["schemas"])
