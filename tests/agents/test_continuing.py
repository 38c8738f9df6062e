"""AgentOS's route for going on with a run: from an earlier place, again, further, or where it stands."""

from __future__ import annotations

from typing import Any

import pytest

from accounts.seam import in_thread
from agents.continuing import start_of
from agents.models import Run
from agents.services.forks import END
from tests.agents.services.conftest import ran, read
from tests.agents.services.stored import stored, until
from tests.agents.services.test_forks import Forked, paid
from tests.agents.services.test_reruns import failed
from tests.agents.test_control_api import body_of, events_of, json_of
from tests.agents.test_idempotency import PAY, actions, paused

JOURNAL = ["1.model", "1.0", "1.1", "2.model", "2.0", "3.model"]


@pytest.mark.parametrize(
    ("kept", "start"),
    [(2, "1.model"), (3, "1.model"), (4, "1.model"), (5, "2.model"), (6, "2.model"), (7, "3.model"), (8, END)],
)
def test_a_number_of_messages_leads_to_the_model_call_that_is_made_with_them(kept, start):
    assert start_of(JOURNAL, kept, answered=True) == start
    assert start_of(JOURNAL, kept, answered=False) == start.replace(END, "3.model")


def made_of(begin, response) -> Forked:
    return Forked(begin, json_of(response)["run_id"])


async def continued(call, user, begin, key="", **fields) -> Any:
    said = {"session_id": begin.session_id, "stream": "false", **fields}
    return await call(user, f"agents/tester/runs/{begin.run_id}/continue", said, form=True, key=key)


async def test_a_run_goes_on_from_a_number_of_messages_in_a_new_run(make_process, serve, acme):
    process, begin = await paid(make_process, acme, ["Another end"])
    call = serve(process)
    made = await continued(call, acme.member, begin, continue_from="6")
    shown = json_of(made)
    assert (made.status_code, shown["status"], shown["content"]) == (200, "COMPLETED", "Another end")
    assert shown["forked_from"] == {"run_id": str(begin.run_id), "path": "3.model"}
    assert (shown["session_id"], shown["agent_id"]) == (begin.session_id, "tester")
    assert ran == ["look x", "pay 5"]
    assert (await in_thread(stored, begin)).output == "Paid"


async def test_an_answer_is_made_again_with_more_said(make_process, serve, acme):
    process, begin = await paid(make_process, acme, ["Shorter"])
    call = serve(process)
    wanted = {"regenerate": "true", "additional_instructions": "Be brief.", "replace_original": "false"}
    first = await continued(call, acme.member, begin, key="k", **wanted)
    assert json_of(first)["content"] == "Shorter"
    assert process.model.requests[-1].messages[-1] == {"role": "user", "content": "Go\n\nBe brief."}
    assert json_of(await continued(call, acme.member, begin, key="k", **wanted)) == json_of(first)
    other = await continued(call, acme.member, begin, key="k", **{**wanted, "additional_instructions": "Be long."})
    assert (other.status_code, json_of(other)["code"]) == (422, "idempotency_key_reused")
    assert await in_thread(actions, begin, "run.forked") == 1


async def test_a_run_that_has_answered_is_told_more(make_process, serve, acme):
    process, begin = await paid(make_process, acme, ["In between", "Further"])
    await process.supervisor.writer.begin(later := process.new(session_id=begin.session_id, owner=""))
    await until(lambda: stored(later).status == "completed")
    response = await continued(serve(process), acme.member, begin, input="And then?")
    assert json_of(response)["content"] == "Further"
    assert json_of(response)["forked_from"] == {"run_id": str(begin.run_id), "path": "end"}
    said = [message["content"] for message in process.model.requests[-1].messages]
    assert said[1:] == ["Go", "Paid", "And then?"]


async def test_a_paused_run_is_forked_where_it_waits(make_process, serve, acme):
    _, begin, _, call = await paused(make_process, serve)
    response = await continued(call, acme.member, begin, fork="true")
    shown = json_of(response)
    assert (shown["status"], shown["forked_from"]["path"]) == ("PAUSED", "1.0")
    for run in (begin, made_of(begin, response)):
        tools = '[{"tool_call_id": "call_1_0", "confirmed": false}]'
        assert json_of(await continued(call, acme.member, run, tools=tools))["run_id"] == str(run.run_id)
    assert not ran


async def test_a_failed_run_is_run_again_and_a_retry_leads_to_the_same_run(make_process, serve, acme):
    process, begin = await failed(make_process, ["The end"])
    call = serve(process)
    first = await continued(call, acme.member, begin, key="k")
    assert (json_of(first)["status"], json_of(first)["rerun_of"]) == ("COMPLETED", str(begin.run_id))
    assert json_of(await continued(call, acme.member, begin, key="k")) == json_of(first)
    again = await continued(call, acme.member, begin)
    assert (again.status_code, json_of(again)["code"]) == (409, "already_rerun")


async def test_a_run_that_went_on_by_itself_is_shown_from_where_it_waited(make_process, serve, acme):
    _, begin, seq, call = await paused(make_process, serve)
    waits = await continued(call, acme.member, begin)
    assert (waits.status_code, json_of(waits)["code"]) == (409, "nothing_to_continue")
    said = {"answers": [{"tool_call_id": "call_1_0", "confirmed": True}]}
    assert (await call(acme.member, f"runs/{begin.run_id}/answers", said)).status_code == 200
    await until(lambda: stored(begin).status == "completed")
    body = await body_of(await continued(call, acme.member, begin, stream="true"))
    assert events_of(body)[0] == (seq + 1, "RunContinued")
    assert events_of(body)[-1][1] == "RunCompleted"


async def test_in_the_background_the_new_run_is_named(make_process, serve, acme):
    process, begin = await paid(make_process, acme, ["Another end"])
    response = await continued(serve(process), acme.member, begin, continue_from="last_user", background="true")
    made = json_of(response)
    assert (response.status_code, response["Location"]) == (202, f"/api/runs/{made['run_id']}")
    assert made["run_id"] != str(begin.run_id)
    await until(lambda: stored(Forked(begin, made["run_id"])).status == "completed")


async def test_what_cannot_be_is_refused_with_its_code_and_makes_no_run(make_process, serve, acme):
    process, begin = await paid(make_process, acme)
    call = serve(process)
    answer = '[{"tool_call_id": "call_2_0", "confirmed": true}]'
    for fields, status, code in (
        ({}, 200, None),  # it has paused: what followed is shown
        ({"fork": "true"}, 409, "nothing_to_continue"),
        ({"continue_from": "1"}, 422, "continue_from_invalid"),
        ({"continue_from": "8"}, 422, "continue_from_invalid"),
        ({"continue_from": "-1"}, 422, "continue_from_invalid"),
        ({"continue_from": "the end"}, 422, "continue_from_invalid"),
        ({"continue_from": "99999999999999999999"}, 422, "continue_from_invalid"),
        ({"continue_from": "7"}, 422, "message_missing"),
        ({"continue_from": "6", "input": "More"}, 422, "input_misplaced"),
        ({"regenerate": "true", "continue_from": "6"}, 422, "continue_from_invalid"),
        ({"regenerate": "true", "replace_original": "true"}, 422, "replace_not_offered"),
        ({"replace_original": "false"}, 422, "regenerate_only"),
        ({"additional_instructions": "x"}, 422, "regenerate_only"),
        ({"regenerate": "perhaps"}, 422, "invalid"),
        ({"tools": answer, "fork": "true"}, 422, "answer_or_fork"),
        ({"tools": answer, "input": "More"}, 422, "answer_or_fork"),
        ({"input": "x" * 1_000_000}, 422, "message_too_long"),
        ({"session_id": "other"}, 404, "not_found"),
        ({"tools": answer, "session_id": "other"}, 404, "not_found"),
    ):
        response = await continued(call, acme.member, begin, **fields)
        assert (response.status_code, json_of(response).get("code")) == (status, code), fields
    assert await in_thread(Run.objects.using("system").count) == 1


async def test_nobody_else_goes_on_with_it(make_process, serve, acme, globex):
    process, begin = await paid(make_process, acme)
    call = serve(process)
    for user, status in ((acme.viewer, 403), (acme.approver, 404), (acme.admin, 403), (globex.member, 404)):
        for fields in ({"continue_from": "last_user"}, {"input": "More"}, {"regenerate": "true"}):
            assert (await continued(call, user, begin, **fields)).status_code == status, user.email
    assert await in_thread(Run.objects.using("system").count) == 1


async def test_a_run_that_waits_goes_on_by_an_answer_only(make_process, serve, acme):
    process = await make_process([PAY, "Paid"])
    begin = process.new()
    await read(await process.start(begin))
    call = serve(process)
    assert json_of(await continued(call, acme.member, begin))["code"] == "nothing_to_continue"
    assert json_of(await continued(call, acme.member, begin, input="Do it"))["code"] == "not_completed"
    await call(acme.member, f"runs/{begin.run_id}/cancel", {})
    await until(lambda: stored(begin).status == "cancelled")
    ended = await continued(call, acme.member, begin)
    assert (ended.status_code, json_of(ended)["code"]) == (409, "nothing_to_continue")
    assert json_of(await continued(call, acme.member, begin, continue_from="last_user"))["content"] == "Paid"
    assert not ran
