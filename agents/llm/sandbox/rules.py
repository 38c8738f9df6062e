"""The rule-based answerer: what the sandbox model says or calls when no scenario fits."""

import re
from collections import Counter
from collections.abc import Sequence

import orjson

from agents.llm.sandbox.arguments import fill, instance
from agents.llm.sandbox.evidence import Evidence
from agents.llm.sandbox.outcomes import Outcome, Verdict, read_outcome
from agents.llm.sandbox.picking import Pick, is_small_talk, nearest, pick
from agents.llm.sandbox.recall import recall
from agents.llm.sandbox.reply import Call, Reply
from agents.llm.sandbox.strings import clipped
from agents.llm.sandbox.turn import Turn
from agents.llm.sandbox.wire import ChatRequest, Tool

_NEEDS = "I can do that, but I still need"
_LABEL = "This is the sandbox model, which answers by rules."
_NAMED_KEYS = re.compile(r"\b(?:keys?|fields?)\s*:?\s+((?:[\"'`]?\w+[\"'`]?(?:\s*,\s*|\s+and\s+)?)+)", re.IGNORECASE)
_KEY = re.compile(r"\w+")


def answer(request: ChatRequest, turn: Turn) -> Reply:
    """Answer by rules: from the conversation, by calling tools, from their results, or in plain text."""
    if request.must_call:
        return _forced(request, turn)
    if not turn.results and (remembered := recall(turn)):
        return Reply(remembered)
    calls = _next_calls(request, turn)
    if isinstance(calls, str):
        return Reply(calls)
    if calls:
        return Reply(calls=calls)
    return Reply(_report(turn) if turn.results else _plain(request, turn))


def json_answer(request: ChatRequest, turn: Turn, said: str) -> str:
    """Put an answer into the JSON that the request asked for."""
    texts = (turn.message, *(result.text for result in turn.results))
    evidence = Evidence(texts, complete=True)
    if request.answer_schema is not None:
        return orjson.dumps(instance(request.answer_schema, evidence)).decode()
    named = _NAMED_KEYS.search(turn.message)
    keys = [key for key in _KEY.findall(named[1]) if key != "and"] if named else []
    content = {key: clipped(turn.message, 120) for key in keys} or {"answer": said}
    return orjson.dumps(content).decode()


def _next_calls(request: ChatRequest, turn: Turn) -> tuple[Call, ...] | str:
    """Return the calls that the message asks for and that were not made yet, or what is missing for them."""
    if turn.results and request.parallel:
        # All were asked for at once; a call that looks new only had its arguments edited by a human.
        return ()
    message = _whole_wish(turn)
    made = Counter(result.call.tool for result in turn.results)
    wanted: list[Call] = []
    for chosen in pick(message, request.tools):
        if made[chosen.tool.name]:
            made[chosen.tool.name] -= 1
            continue
        call = _call(chosen, turn, message)
        if isinstance(call, Call):
            wanted.append(call)
        elif not wanted and not turn.results:
            return call
    unique = tuple(dict.fromkeys(wanted))
    return unique if request.parallel else unique[:1]


def _whole_wish(turn: Turn) -> str:
    """Join an answer to "I still need ..." with the wish it belongs to."""
    if turn.last_assistant.startswith(_NEEDS) and turn.earlier_users:
        return f"{turn.earlier_users[-1].rstrip('.!?')} {turn.message}"
    return turn.message


def _call(chosen: Pick, turn: Turn, message: str, *, complete: bool = False) -> Call | str:
    texts = (chosen.text, message, *reversed(turn.earlier_users))
    filled = fill(chosen.tool.schema, Evidence(texts, tool=chosen.tool.name, complete=complete))
    if filled.missing:
        names = " and ".join(f"the {name.replace('_', ' ')}" for name in filled.missing)
        return f"{_NEEDS} {names} to {chosen.tool.name.replace('_', ' ')}."
    return Call(chosen.tool.name, orjson.dumps(filled.values).decode())


def _forced(request: ChatRequest, turn: Turn) -> Reply:
    """Call a tool because the request says so, with valid arguments whatever was said."""
    called = {result.call.tool for result in turn.results}
    fresh: Sequence[Tool] = [tool for tool in request.tools if tool.name not in called] or request.tools
    picked = pick(turn.message, fresh) or [nearest(turn.message, fresh)]
    calls = [_call(entry, turn, turn.message, complete=True) for entry in picked]
    made = tuple(call for call in calls if isinstance(call, Call))
    return Reply(calls=made if request.parallel else made[:1])


def _report(turn: Turn) -> str:
    """Answer from the tools' results, one sentence or two for each."""
    return " ".join(_sentence(read_outcome(result)) for result in turn.results)


def _sentence(outcome: Outcome) -> str:
    name = outcome.tool.replace("_", " ")
    if outcome.verdict is Verdict.REFUSED:
        reason = f' The reason given: "{outcome.reason}".' if outcome.reason else " No reason was given."
        return f'I asked for "{name}", but it was not carried out.{reason}'
    if outcome.verdict is Verdict.FAILED:
        why = outcome.reason or outcome.quote
        return f'"{name}" failed, so nothing came of it: "{why}". Correct the request or try again later.'
    if not outcome.quote:
        return f'I called "{name}"; it returned nothing.'
    return f'I called "{name}". It answered: "{outcome.quote}".'


def _plain(request: ChatRequest, turn: Turn) -> str:
    """Answer in words: nothing at hand fits, or nothing is at hand."""
    wrote = clipped(turn.message, 300)
    if not wrote:
        return f"{_LABEL} There was no message to answer."
    names = ", ".join(tool.name.replace("_", " ") for tool in request.tools)
    if is_small_talk(turn.message):
        return f"Hello. {_LABEL}" + (f" I can call: {names}." if names else "")
    if names:
        return f'{_LABEL} You wrote: "{wrote}". I called nothing for that; I can call: {names}.'
    return f'{_LABEL} You wrote: "{wrote}".'
