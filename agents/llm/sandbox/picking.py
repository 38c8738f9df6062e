"""Chooses the tools that a message asks for, and the words that ask for each."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import orjson

from agents.llm.sandbox.facts import Facts
from agents.llm.sandbox.strings import without_manners
from agents.llm.sandbox.wire import Tool
from agents.llm.sandbox.words import (
    GENERIC_VERBS,
    READ_VERBS,
    TROUBLE_WORDS,
    content_stems,
    means,
    name_words,
    stem,
    word_set,
    words,
)

# A tool whose noun is said passes; a description that shares a few words does not.
_THRESHOLD = 1.4
# Trouble alone calls for a diagnosis, unless anything is asked for in so many words.
_TROUBLE_SCORE = 1.41
_SHORT_CLAUSE_WORDS = 5
_JOINT = re.compile(r"(?:[;.!?]\s+|\n+|,?\s+(?:and then|and also|then|and)\s+)", re.IGNORECASE)
_NEGATED = re.compile(r"\b(?:do not|don't|never|without|must not|stop)\s+(\w+)", re.IGNORECASE)
_HOW = re.compile(r"^\s*(?:how|why|explain)\b", re.IGNORECASE)
_QUESTION = re.compile(
    r"^\s*(?:what|how|why|when|who|which|where|explain|tell me|is|are|does|do|summari[sz]e)\b", re.IGNORECASE
)
_SMALL_TALK = re.compile(
    r"^\W*(?:hi|hello|hey|thanks?|thank you|good (?:morning|evening|afternoon)|bye|ok(?:ay)?|great)"
    r"\b.{0,20}$",
    re.IGNORECASE,
)
_DELEGATES = word_set("delegate delegates handoff transfer assign")
_ASKED_FOR = word_set("query question search")
_ASKING = stem("question")


@dataclass(frozen=True, slots=True)
class Pick:
    """A tool and the part of the message that asks for it."""

    tool: Tool
    text: str


@dataclass(frozen=True, slots=True)
class _Profile:
    """A tool's words, cut to stems. `verb` is empty when the name's verb says nothing by itself."""

    verb: str
    vague_verb: str
    head: str
    others: tuple[str, ...]
    described: frozenset[str]
    values: frozenset[str]
    reads: bool
    asks: bool
    searches: bool
    delegates: bool
    diagnoses: bool


_Profiled = Sequence[tuple[Tool, _Profile]]


def pick(message: str, tools: Sequence[Tool]) -> list[Pick]:
    """Return what the message asks for, in its order; empty when it asks for no tool."""
    if not tools or is_small_talk(message):
        return []
    profiled = _profiled(tools)
    scored = [(text, *_best(text, profiled)) for text in _clauses(message)]
    explicit = any(score > _TROUBLE_SCORE for _, _, score in scored)
    floor = _TROUBLE_SCORE if explicit else _THRESHOLD
    picks: list[Pick] = []
    waiting = ""
    for text, tool, score in scored:
        if tool is not None and score > floor:
            picks.append(Pick(tool, waiting + text))
            waiting = ""
        elif not picks:
            waiting += text
        elif _repeats(text, picks[-1]):
            picks.append(Pick(picks[-1].tool, text))
        else:
            picks[-1] = Pick(picks[-1].tool, picks[-1].text + text)
    return [Pick(entry.tool, entry.text.strip()) for entry in picks] or _fallback(message, profiled)


def nearest(message: str, tools: Sequence[Tool]) -> Pick:
    """Return the best of the tools even when none fits well, for a request that must call one."""
    tool, _ = max(_profiled(tools), key=lambda entry: _score(message, entry[1]))
    return Pick(tool, message)


def is_small_talk(message: str) -> bool:
    """Say whether a message is a greeting or thanks and nothing else."""
    return _SMALL_TALK.match(message) is not None


def _fallback(message: str, profiled: _Profiled) -> list[Pick]:
    """Hand a question to a search, and anything else to whoever tasks are delegated to."""
    searches = [tool for tool, profile in profiled if profile.searches]
    if searches and _QUESTION.match(without_manners(message)):
        return [Pick(searches[0], message)]
    return [Pick(tool, message) for tool, profile in profiled if profile.delegates][:1]


def _clauses(message: str) -> list[str]:
    """Cut a message where another order may begin; what follows a colon belongs to its order."""
    colon = re.search(r"(?<![\d/]):\s", message)
    limit = colon.start() if colon else len(message)
    parts: list[str] = []
    start = 0
    for match in _JOINT.finditer(message, 0, limit):
        if message.count('"', 0, match.start()) % 2 == 0:
            parts.append(message[start : match.end()])
            start = match.end()
    return [*parts, message[start:]]


def _repeats(clause: str, before: Pick) -> bool:
    """Say whether a clause names one more thing for the order before it: "and the billing service"."""
    known = Facts(before.text).ids
    prefixes = {value.partition("-")[0] for value in known}
    more = [value for value in Facts(clause).ids if value not in known]
    if any(value.partition("-")[0] in prefixes for value in more):
        return True
    spoken = words(clause)
    heads = {stem(part) for part in name_words(before.tool.name)[1:] if part not in GENERIC_VERBS}
    return len(spoken) <= _SHORT_CLAUSE_WORDS and len(spoken) > 1 and stem(spoken[-1]) in heads


def _best(text: str, profiled: _Profiled) -> tuple[Tool | None, float]:
    best: Tool | None = None
    best_score = 0.0
    for tool, profile in profiled:
        score = _score(text, profile)
        if score > best_score:
            best, best_score = tool, score
    return best, best_score


def _score(text: str, profile: _Profile) -> float:
    """Say how clearly a text asks for a tool; 0 is not at all."""
    order = without_manners(text)
    spoken = frozenset(stem(word) for word in words(order))
    score = _name_score(spoken, profile)
    if score:
        score += min(0.25 * len(profile.described & content_stems(order)), 0.75)
        first = stem(next(iter(words(order)), ""))
        score += any(means({first}, part) for part in (profile.verb, profile.head) if part)
    if profile.verb and profile.verb != profile.head and not means(spoken, profile.verb):
        score /= 2
    question = _QUESTION.match(order) is not None
    if profile.asks and not question and means(spoken, _ASKING):
        score += 2.0
    if profile.diagnoses and not score and not TROUBLE_WORDS.isdisjoint(words(order)):
        return _TROUBLE_SCORE
    if question and not profile.reads:
        score -= 1.2
    refused = _HOW.match(order) is not None and not profile.reads
    return 0.0 if refused or _negated(order, profile) else score


def _name_score(spoken: frozenset[str], profile: _Profile) -> float:
    score = 1.5 * means(spoken, profile.head)
    score += 0.7 * sum(means(spoken, other) for other in profile.others)
    if profile.verb and profile.verb != profile.head:
        score += 1.5 * means(spoken, profile.verb)
    elif profile.vague_verb and profile.vague_verb not in spoken:
        score += 0.7 * means(spoken, profile.vague_verb)
    return score + (0.8 if score and not profile.values.isdisjoint(spoken) else 0.0)


def _negated(order: str, profile: _Profile) -> bool:
    refused = {stem(verb.lower()) for verb in _NEGATED.findall(order)}
    return any(means(refused, part) for part in (profile.verb, profile.head) if part)


def _profiled(tools: Sequence[Tool]) -> _Profiled:
    return [(tool, _profile(tool.name, tool.description, orjson.dumps(tool.schema))) for tool in tools]


@lru_cache(maxsize=1024)
def _profile(name: str, description: str, schema: bytes) -> _Profile:
    arguments: dict[str, Any] = orjson.loads(schema).get("properties") or {}
    parts = name_words(name) or [name]
    stems = [stem(part) for part in parts]
    telling = [stem(part) for part in parts[1:] if part not in GENERIC_VERBS] or [stems[-1]]
    vague = parts[0] in GENERIC_VERBS and len(parts) > 1
    return _Profile(
        verb="" if vague else stems[0],
        vague_verb=stems[0] if vague else "",
        head=telling[-1],
        others=tuple(telling[:-1]),
        described=frozenset(content_stems(description)),
        values=frozenset(_enum_stems(arguments)),
        reads=not READ_VERBS.isdisjoint(parts),
        asks="questions" in arguments or parts[:2] == ["ask", "user"],
        searches=not READ_VERBS.isdisjoint(parts) and not _ASKED_FOR.isdisjoint(arguments),
        delegates=not _DELEGATES.isdisjoint(parts),
        diagnoses=stems[-1].startswith("diagnos"),
    )


def _enum_stems(arguments: dict[str, Any]) -> set[str]:
    found: set[str] = set()
    for argument in arguments.values():
        values = argument.get("enum") if isinstance(argument, dict) else None
        found.update(stem(value.lower()) for value in values or () if isinstance(value, str))
    return found
