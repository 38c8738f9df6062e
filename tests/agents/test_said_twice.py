"""Whoever shows somebody what she is about to send may have read the other value: no road takes a name said twice."""

from __future__ import annotations

import orjson
import pytest

from agentos.core.errors import Invalid
from governance.pages import edit_form
from tests.agents.services.conftest import ran, read
from tests.agents.test_consumers import authorization, connect, event_named
from tests.agents.test_control_api import json_of

__all__ = ["connect"]

TWICE = '{"tool_call_id": "%s", "confirmed": false, "confirmed": true}'


async def test_an_answer_that_is_no_and_yes_is_none_on_any_road(make_process, serve, connect, acme):
    process = await make_process([[("pay", {"amount": 5})], "Paid"])
    call, begin = serve(process), process.new()
    await read(await process.start(begin))
    socket = await connect(process, begin.run_id, headers=[await authorization(acme.member)])
    paused = await event_named(socket, "RunPaused")
    call_id = paused["data"]["tools"][0]["tool_call_id"]
    twice, once = TWICE % call_id, orjson.dumps([{"tool_call_id": call_id, "confirmed": False}]).decode()
    by_agentos, ours = f"agents/tester/runs/{begin.run_id}", f"runs/{begin.run_id}/answers"

    for path, body, code in (
        (f"{by_agentos}/continue", f'{{"tools": [{twice}]}}', "malformed_json"),
        (f"{by_agentos}/continue", f'{{"requirements": [{{"tool_execution": {twice}}}]}}', "malformed_json"),
        (f"{by_agentos}/continue", f'{{"tools": {once}, "tools": [{twice}]}}', "malformed_json"),
        (f"{by_agentos}/continue", {"tools": f"[{twice}]"}, "malformed_json"),
        (f"{by_agentos}/continue", {"requirements": f'[{{"tool_execution": {twice}}}]'}, "malformed_json"),
        (f"{by_agentos}/continue", {"tools": [once, once.replace("false", "true")]}, "malformed_form"),
        (f"{by_agentos}/resume", '{"last_event_index": 0, "last_event_index": 3}', "malformed_json"),
        (f"{by_agentos}/resume", {"last_event_index": ["0", "3"]}, "malformed_form"),
        (ours, f'{{"answers": [{twice}]}}', "malformed_json"),
        ("agents/tester/runs", '{"message": "Look", "message": "Pay"}', "malformed_json"),
        ("agents/tester/runs", {"message": ["Look", "Pay"]}, "malformed_form"),
    ):
        refused = await call(acme.member, path, body, form=isinstance(body, dict))
        assert (refused.status_code, json_of(refused)["code"]) == (400, code), (path, body)

    for frame in (f'{{"answers": [{twice}]}}', '{"cancel": false, "cancel": true}'):
        await socket.send_to(text_data=frame)
        assert orjson.loads(await socket.receive_from(timeout=10))["error"]["code"] == "malformed_json"

    assert ran == []
    answered = await call(acme.member, f"{by_agentos}/continue", {"tools": once, "stream": "false"}, form=True)
    assert (answered.status_code, ran) == (200, [])


def test_an_edited_argument_says_no_name_twice():
    sent = {edit_form.PREFIX + "to": '{"iban": "DE1", "iban": "DE2"}'}
    with pytest.raises(Invalid):
        edit_form.read({"to": {"iban": "DE1"}}, sent)
