"""Decides one answer: a summary where one is asked for, else a marker's script, then a scenario, then the rules."""

import orjson

from agents.llm.sandbox.reply import Reply
from agents.llm.sandbox.rules import answer, json_answer
from agents.llm.sandbox.scenario import ScenarioBook
from agents.llm.sandbox.summary import is_transcript, summed_up
from agents.llm.sandbox.turn import Turn
from agents.llm.sandbox.wire import ChatRequest


def decide(request: ChatRequest, turn: Turn, book: ScenarioBook) -> Reply:
    """Return the reply to a request; the same request always gets the same one."""
    if is_transcript(turn.message):
        return Reply(summed_up(turn.message))
    reply = _scripted(request, turn)
    if reply is None and not request.must_call:
        reply = book.reply(turn, request.tools)
    if reply is None:
        reply = answer(request, turn)
    if request.wants_json and not reply.calls and not _is_json(reply.say):
        reply = Reply(json_answer(request, turn, reply.say))
    return reply


def _scripted(request: ChatRequest, turn: Turn) -> Reply | None:
    """Return the marker's reply whose turn it is; without tools on offer a scripted call can't be made."""
    script = turn.markers.script
    if turn.replies_given >= len(script):
        return None
    reply = script[turn.replies_given]
    if reply.calls and not request.tools:
        return Reply(reply.say) if reply.say else None
    return reply


def _is_json(text: str) -> bool:
    if not text.startswith("{"):
        return False
    try:
        orjson.loads(text)
    except orjson.JSONDecodeError:
        return False
    return True
