"""Forks: what was done before the step is reused, nothing happens twice, and what changes is seen by the model."""

from __future__ import annotations

import asyncio

import orjson
import pytest

from accounts import audit
from accounts.models import AuditRow
from accounts.seam import in_thread
from accounts.tenancy import tenant_scope
from agentos.core.errors import Conflict, Invalid, NotFound, PolicyDenied
from agents import selectors
from agents.models import Run
from agents.services.answers import Answer, answer
from agents.services.forks import Fork, fork
from tests.agents.services.conftest import names, ran, read
from tests.agents.services.payments import crashed
from tests.agents.services.stored import steps_of, stored, until

LOOK_PAY_END = [[("look", {"place": "x"})], [("pay", {"amount": 5})], "Paid"]


class Forked:
    """A forked run, seen as the tests see runs that they begin."""

    def __init__(self, begin, run_id) -> None:
        self.tenant_id, self.user_id = begin.tenant_id, begin.user_id
        self.run_id, self.session_id = run_id, begin.session_id


async def forked(begin, who, from_step, **changes) -> Forked:
    run_id, session_id = await in_thread(fork, principal=who, run_id=begin.run_id, wanted=Fork(from_step, **changes))
    assert session_id == begin.session_id
    return Forked(begin, run_id)


async def paid(make_process, acme, rest=()):
    """Return a finished run: look, pay, end; its model goes on with `rest` for what is forked."""
    process = await make_process([*LOOK_PAY_END, *rest])
    begin = process.new()
    lines = await read(await process.start(begin))
    said = [Answer(names_of_calls(lines)[-1], confirmed=True)]
    await in_thread(answer, principal=acme.principal("member"), run_id=begin.run_id, answers=said)
    await until(lambda: stored(begin).status == "completed")
    assert ran == ["look x", "pay 5"]
    return process, begin


def names_of_calls(lines) -> list[str]:
    return [tool["tool_call_id"] for line in lines for tool in orjson.loads(line.data).get("tools", [])]


async def test_the_journal_before_the_step_is_reused_and_nothing_is_done_or_paid_twice(make_process, acme):
    process, begin = await paid(make_process, acme, ["Another end"])
    asked = len(process.model.requests)
    made = await forked(begin, acme.principal("member"), "3.model")
    lines = await read(process.follow(made))
    assert (names(lines)[0], names(lines)[-1]) == ("RunStarted", "RunCompleted")
    assert ran == ["look x", "pay 5"]
    assert len(process.model.requests) == asked + 1
    assert process.model.requests[-1].messages == process.model.requests[asked - 1].messages
    run, source = await in_thread(stored, made), await in_thread(stored, begin)
    assert (run.output, source.output) == ("Another end", "Paid")
    assert (run.session_id, run.user_id, run.parent_id) == (source.session_id, source.user_id, None)
    assert (run.root_id, run.recoveries) == (run.id, 0)
    assert (run.usage["model_calls"], run.usage["output_tokens"]) == (1, 2)
    steps = list((await in_thread(steps_of, made)).values())
    assert sorted(step.path for step in steps) == ["1.0", "1.model", "2.0", "2.model", "3.model"]
    assert max(step.seq for step in steps if step.path != "3.model") == 0
    detail = await in_thread(selectors.run_detail, principal=acme.principal("member"), run_id=made.run_id)
    assert detail["forked_from"] == {"run_id": str(begin.run_id), "path": "3.model"}

    def trail():
        with tenant_scope(begin.tenant_id, begin.user_id):
            return list(AuditRow.objects.using("system").filter(action="run.forked").values_list("object_id", "detail"))

    expected = {"from": str(begin.run_id), "step": "3.model", "changed": []}
    assert await in_thread(trail) == [(str(made.run_id), expected)]
    assert await in_thread(audit.verify, begin.tenant_id) is None


async def test_what_is_changed_reaches_the_model(make_process, acme, settings):
    process, begin = await paid(make_process, acme, ["Short"])
    changes = {"message": "Again", "instructions": "Be brief.", "model": "fast"}
    with pytest.raises(PolicyDenied):
        await forked(begin, acme.principal("member"), "1.model", **changes)
    owner = acme.principal("member")
    writer = type(owner)(**{**_fields(owner), "scopes": owner.scopes | {"agents:write"}})
    made = await forked(begin, writer, "1.model", **changes)
    await until(lambda: stored(made).status == "completed")
    asked = process.model.requests[-1]
    assert asked.model == settings.MODEL_NAMES["fast"]
    assert [message["content"] for message in asked.messages] == ["Be brief.", "Again"]
    run, source = await in_thread(stored, made), await in_thread(stored, begin)
    assert (run.model, run.input) == (settings.MODEL_NAMES["fast"], "Again")
    assert run.spec["instructions"] == "Be brief."
    assert run.spec_hash != source.spec_hash
    assert (source.input, source.spec["instructions"]) == ("Go", "Test.")


async def test_another_result_of_a_tool_goes_on_from_there(make_process, acme):
    process, begin = await paid(make_process, acme, ["So it is full"])
    made = await forked(begin, acme.principal("member"), "1.0", tool_result="x is full")
    await until(lambda: stored(made).status == "completed")
    assert process.model.requests[-1].messages[-1]["content"] == "x is full"
    assert ran == ["look x", "pay 5"]
    step = (await in_thread(steps_of, made))["1.0"]
    assert (step.result, step.answer["by"]) == ("x is full", str(acme.member.id))
    assert (await in_thread(steps_of, begin))["1.0"].result == "x is empty"


async def test_a_call_that_only_reads_is_made_again_and_a_payment_is_not(make_process, acme):
    _, begin = await paid(make_process, acme, ["Looked again"])
    with pytest.raises(Conflict, match="effect"):
        await forked(begin, acme.principal("member"), "2.0")
    made = await forked(begin, acme.principal("member"), "1.0")
    await until(lambda: stored(made).status == "completed")
    assert ran == ["look x", "pay 5", "look x"]


async def test_a_call_that_was_never_made_is_asked_for_anew(make_process, acme):
    process = await make_process([[("look", {"place": "x"}), ("pay", {"amount": 5})], "Paid", "Paid"])
    begin = process.new()
    await read(await process.start(begin))
    made = await forked(begin, acme.principal("member"), "1.1")
    lines = await read(process.follow(made))
    assert names(lines)[-1] == "RunPaused"
    assert ran == ["look x"]
    said = [Answer("call_1_1", confirmed=True)]
    await in_thread(answer, principal=acme.principal("member"), run_id=made.run_id, answers=said)
    await until(lambda: stored(made).status == "completed")
    assert ran == ["look x", "pay 5"]
    assert (await in_thread(stored, begin)).status == "paused"


async def test_a_fork_knows_its_session_as_the_earlier_run_did(make_process, acme):
    process = await make_process(["First answer", "Second answer", "Third answer", "Other second", "And again"])
    for _ in range(3):
        begin = process.new(session_id="s", owner="")
        await process.supervisor.writer.begin(begin)
        await until(lambda begin=begin: stored(begin).status == "completed")
        if _ == 1:
            second = begin
    made = await forked(second, acme.principal("member"), "1.model")
    await until(lambda: stored(made).status == "completed")
    assert process.model.requests[3].messages == process.model.requests[1].messages
    again = Forked(second, (await in_thread(_fork_of, made, acme.principal("member"))))
    await until(lambda: stored(again).status == "completed")
    assert process.model.requests[4].messages == process.model.requests[1].messages
    spec = (await in_thread(stored, again)).spec
    assert spec["forked_from"] == {"run_id": str(made.run_id), "path": "1.model"}
    assert spec["history_before"] == (await in_thread(stored, made)).spec["history_before"]


def _fork_of(made, who):
    return fork(principal=who, run_id=made.run_id, wanted=Fork("1.model"))[0]


async def test_an_unfinished_side_effect_is_not_forked_around(make_process, till, acme):
    calls = [("charge", {"amount": 7}), ("peek", {"place": "x"})]
    begin = await crashed(make_process, till, [calls])
    member = acme.principal("member")
    with pytest.raises(Conflict, match="not finished"):
        await forked(begin, member, "1.1")
    with pytest.raises(Conflict, match="effect"):
        await forked(begin, member, "1.0")
    assert till.charged == [7]
    assert await in_thread(_runs_of, begin) == 1


async def test_a_members_run_is_not_forked(make_process, acme):
    _, begin = await paid(make_process, acme)
    await in_thread(lambda: Run.objects.using("system").filter(id=begin.run_id).update(parent_id=begin.run_id))
    with pytest.raises(Conflict) as refused:
        await forked(begin, acme.principal("member"), "3.model")
    assert refused.value.code == "not_a_root"


async def test_who_may_not_and_what_does_not_fit(make_process, acme, globex):
    _, begin = await paid(make_process, acme)
    member = acme.principal("member")
    for who, error in (
        (globex.principal("admin"), NotFound),
        (acme.principal("viewer"), NotFound),
        (acme.principal("approver"), NotFound),
        (acme.principal("operator"), PolicyDenied),
        (acme.principal("admin"), PolicyDenied),
    ):
        with pytest.raises(error):
            await forked(begin, who, "3.model")
    for from_step, changes, error in (
        ("9.model", {}, NotFound),
        ("1", {}, NotFound),
        ("2.model", {"tool_result": "x"}, Invalid),
        ("2.model", {"model": "none-such"}, Invalid),
        ("2.model", {"message": "  "}, Invalid),
        ("2.model", {"message": "x" * 1_000_000}, Invalid),
    ):
        with pytest.raises(error):
            await forked(begin, member, from_step, **changes)
    assert await in_thread(_runs_of, begin) == 1
    results = await asyncio.gather(*(forked(begin, member, "3.model") for _ in range(3)))
    assert len({made.run_id for made in results}) == 3


def _runs_of(begin) -> int:
    with tenant_scope(begin.tenant_id, begin.user_id):
        return Run.objects.count()


def _fields(principal) -> dict[str, object]:
    return {name: getattr(principal, name) for name in type(principal).__slots__}
