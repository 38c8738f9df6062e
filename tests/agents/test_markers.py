"""What guards block or redact is in the clear nowhere: marked secrets go through every door, then all is searched."""

from __future__ import annotations

import json
from typing import Any

import psycopg
import pytest
from django.conf import settings

from accounts.seam import in_thread
from agentos.core.errors import ToolFailed
from agentos.core.types import JsonObject
from agents.engine.spec import AgentSpec
from agents.engine.testing import Scripted, ScriptedModel
from agents.engine.tools import tool
from agents.models import Run, Step
from agents.registry import registry
from governance.guards import tenant_settings
from governance.hooks import Governance
from tests.agents.services.stored import until
from tests.agents.test_control_api import json_of

# Each reads like a key and is one of a kind: {door: key}.
DOORS = (
    "message", "argument", "result", "failure", "external", "note", "value", "answer", "fork", "forked", "look"
)  # fmt: skip
KEYS = {door: f"sk-proj-{number}Kq2ZpX7vB4nM1cR9tY6wLd3sF5gH0jQ{number}" for number, door in enumerate(DOORS, 10)}
NUMBERS = {door: f"219-09-99{number}" for number, door in enumerate(DOORS, 10)}


def marked(door: str) -> str:
    return f"The key is {KEYS[door]} and her SSN is {NUMBERS[door]}."


@tool()
async def leak() -> JsonObject:
    """Return what nobody should keep."""
    return {"rows": [marked("result")], "api_key": KEYS["look"], "ssn": NUMBERS["look"]}


@tool()
async def stumble() -> str:
    """Fail with words."""
    raise ToolFailed(marked("failure"))


@tool()
async def look(place: str) -> str:
    """Look."""
    return f"{place} is empty"


@tool(level="external", says="Fetch it")
async def fetch() -> str:
    """Have the client fetch something."""
    raise AssertionError("the client does it")


@tool(effect="outward", repeat="once", level="confirm", says="Pay {amount}")
async def pay(amount: int) -> str:
    """Pay."""
    return f"paid {amount}"


@tool(level="input", input_fields=("place",), says="Visit {place}")
async def visit(place: str = "") -> str:
    """Visit a place that the user names."""
    return f"went to {place}"


TOOLS = (leak, stumble, look, fetch, pay, visit)
SCRIPT: list[Scripted] = [
    [("look", {"place": marked("argument")})],
    [("leak", {})],
    [("stumble", {})],
    [("fetch", {})],
    [("pay", {"amount": 5})],
    [("visit", {})],
    marked("answer"),
    marked("forked"),
]


def everything() -> str:
    """Return all rows of all tables, as a superuser reads them."""
    name = settings.DATABASES["default"]["NAME"]
    with psycopg.connect(settings.DATABASE_ADMIN_URL, dbname=name) as connection:
        tables = connection.execute(
            "SELECT quote_ident(relname) FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace"
        ).fetchall()
        return "\n".join(
            text
            for (table,) in tables
            for (text,) in connection.execute(f"SELECT t::text FROM {table} t".encode()).fetchall()
        )


def held(dump: str) -> list[str]:
    """Return the doors whose marker somebody kept, a key's middle alone too."""
    return sorted(
        door for door in DOORS if KEYS[door][8:40] in dump or NUMBERS[door] in dump or NUMBERS[door][4:] in dump
    )


@pytest.fixture(autouse=True)
def _nothing_kept() -> Any:
    tenant_settings.cache.forget()
    yield
    tenant_settings.cache.forget()


@pytest.mark.parametrize("mode", ["redact", "block", "flag"])
async def test_what_is_marked_is_nowhere_unless_guards_only_flag(
    mode: str, make_process: Any, serve: Any, acme: Any, monkeypatch: Any, caplog: Any
) -> None:
    names = (f"secrets:{mode}", f"pii:{mode}")
    spec = AgentSpec("tester", "Test.", tools=TOOLS, guards=("injection", *names), output_guards=names)
    monkeypatch.setattr(type(registry), "get", lambda self, kind, component_id: spec)
    model = ScriptedModel(SCRIPT if mode == "block" else ["Fine.", *SCRIPT])
    process = await make_process(model=model, hooks=Governance())
    call = serve(process)

    async def start(message: str, status: int = 200) -> JsonObject:
        response = await call(acme.member, "agents/tester/runs", {"message": message, "stream": "false"}, form=True)
        assert response.status_code == status
        return json_of(response)

    async def say(run_id: str, tool_call_id: str, **said: Any) -> None:
        body = {"answers": [{"tool_call_id": tool_call_id, **said}]}
        response = await call(acme.member, f"runs/{run_id}/answers", body)
        assert response.status_code == 200, response.content

    def state(run_id: str) -> str:
        return Run.objects.using("system").get(id=run_id).status

    async def waits_for(run_id: str, name: str) -> str:
        asked = Step.objects.using("system").filter(run_id=run_id, name=name, state="waiting")
        await until(lambda: state(run_id) == "paused" and asked.exists())
        found: str = await in_thread(lambda: asked.get().tool_call_id)
        return found

    await start(marked("message"), 422 if mode == "block" else 200)
    run_id = (await start("Begin."))["run_id"]
    await say(run_id, await waits_for(run_id, "fetch"), result=marked("external"))
    await say(run_id, await waits_for(run_id, "pay"), confirmed=False, note=marked("note"))
    await say(run_id, await waits_for(run_id, "visit"), values={"place": marked("value")})
    await until(lambda: state(run_id) == "completed")
    forked = {"from_step": "1.model", "message": marked("fork")}
    response = await call(acme.member, f"runs/{run_id}/fork", forked)
    assert response.status_code == (422 if mode == "block" else 202)
    if mode != "block":
        fork_id = json_of(response)["run_id"]
        await until(lambda: state(fork_id) == "completed")

    dump = await in_thread(everything)
    assert held(caplog.text) == []
    assert "guard.acted" in dump
    if mode == "flag":  # the search would have found them
        assert held(dump) == sorted(DOORS)
        return
    assert held(dump) == []
    assert held(json.dumps([request.messages for request in model.requests])) == []
    assert ("[redacted: openai_key]" in dump) or ("withheld by the guard" in dump)
    assert "no tool is given here" in dump
