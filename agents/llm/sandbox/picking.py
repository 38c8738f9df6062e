"""Chooses the tools that a message asks for, and the words that ask for each."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

from agents.llm.sandbox.schema import SchemaReader
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

THRESHOLD = 1.4
_WEAK = 1.41
_JOINT = re.compile(r"(?:[;.!?]\s+|\n+|,?\s+(?:and then|and also|then|and)\s+)", re.IGNORECASE)
_NEGATED = re.compile(r"\b(?:do not|don't|never|without|must not|stop)\s+(\w+)", re.IGNORECASE)
_QUESTION = re.compile(
    r"^\s*(?:what|how|why|when|who|which|where|explain|tell me|is|are|does|do|summari[sz]e)\b", re.IGNORECASE
)
_SMALL_TALK = re.compile(
    r"^\W*(?:hi|hello|hey|thanks?|thank you|good (?:morning|evening|afternoon)|bye|ok(?:ay)?|great)"
    r"\b.{0,20}$",
    re.IGNORECASE,
)
_DELEGATES = word_set("delegate delegates handoff transfer assign")
_ASKED_FOR = frozenset(["query", "question", "search"])


@dataclass(frozen=True, slots=True)
class Pick:
    """A tool and the part of the message that asks for it."""

    tool: Tool
    text: str


@dataclass(frozen=True, slots=True)
class _Profile:
    """A tool's words, cut to stems. `verb` is empty when the name's verb says nothing."""

    verb: str
    head: str
    others: tuple[str, ...]
    described: frozenset[str]
    reads: bool
    asks: bool
    searches: bool
    delegates: bool
    diagnoses: bool


def pick(message: str, tools: Sequence[Tool]) -> list[Pick]:
    """Return what the message asks for, in its order; empty when it asks for no tool."""
    if not tools or _SMALL_TALK.match(message):
        return []
    scored = [(text, *_best(text, tools)) for text in _clauses(message)]
    explicit = [entry for entry in scored if entry[2] > _WEAK]
    floor = _WEAK if explicit else THRESHOLD
    picks: list[Pick] = []
    waiting = ""
    for text, tool, score in scored:
        if tool is not None and score > floor - 1e-9 and (score > _WEAK or not explicit):
            picks.append(Pick(tool, waiting + text))
            waiting = ""
        elif picks:
            picks[-1] = Pick(picks[-1].tool, picks[-1].text + text)
        else:
            waiting += text
    return [Pick(entry.tool, entry.text.strip()) for entry in picks] or _fallback(message, tools)


def nearest(message: str, tools: Sequence[Tool]) -> Pick:
    """Return the best of the tools even when none fits well, for a request that must call one."""
    tool = max(tools, key=lambda tool: _score(message, tool))
    return Pick(tool, message)


def _fallback(message: str, tools: Sequence[Tool]) -> list[Pick]:
    """Hand a question to a search, and anything else to whoever tasks are delegated to."""
    profiles = [(tool, _profile(tool.name, tool.description, _arguments(tool))) for tool in tools]
    searches = [tool for tool, profile in profiles if profile.searches]
    if searches and _QUESTION.match(without_manners(message)):
        return [Pick(searches[0], message)]
    return [Pick(tool, message) for tool, profile in profiles if profile.delegates][:1]


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


def _best(text: str, tools: Sequence[Tool]) -> tuple[Tool | None, float]:
    best: Tool | None = None
    best_score = 0.0
    for tool in tools:
        score = _score(text, tool)
        if score > best_score:
            best, best_score = tool, score
    return best, best_score


def _score(text: str, tool: Tool) -> float:
    order = without_manners(text)
    profile = _profile(tool.name, tool.description, _arguments(tool))
    spoken = frozenset(stem(word) for word in words(order))
    verb_said = bool(profile.verb) and means(spoken, profile.verb)
    head_said = means(spoken, profile.head)
    score = 1.5 * verb_said + 1.5 * head_said + 0.7 * sum(means(spoken, other) for other in profile.others)
    score += min(0.25 * len(profile.described & content_stems(order)), 0.75) if score else 0.0
    first = stem(next(iter(words(order)), ""))
    if score and any(means({first}, part) for part in (profile.verb, profile.head) if part):
        score += 1.0
    if profile.verb and not verb_said and profile.verb != profile.head:
        score /= 2
    if profile.asks and means(spoken, "question") and not _QUESTION.match(order):
        score += 2.0
    if profile.diagnoses and not score and not TROUBLE_WORDS.isdisjoint(words(order)):
        return _WEAK
    if _QUESTION.match(order) and not profile.reads:
        score -= 1.2
    return 0.0 if _negated(order, profile) else score


def _negated(order: str, profile: _Profile) -> bool:
    refused = {stem(verb.lower()) for verb in _NEGATED.findall(order)}
    return any(means(refused, part) for part in (profile.verb, profile.head) if part)


def _arguments(tool: Tool) -> tuple[str, ...]:
    properties = tool.schema.get("properties")
    return tuple(properties) if isinstance(properties, dict) else ()


@lru_cache(maxsize=1024)
def _profile(name: str, description: str, arguments: tuple[str, ...]) -> _Profile:
    parts = name_words(name) or [name]
    stems = [stem(part) for part in parts]
    telling = [stem(part) for part in parts[1:] if part not in GENERIC_VERBS] or [stems[-1]]
    verb = "" if parts[0] in GENERIC_VERBS and len(parts) > 1 else stems[0]
    return _Profile(
        verb=verb,
        head=telling[-1],
        others=tuple(telling[:-1]),
        described=frozenset(content_stems(description)),
        reads=not READ_VERBS.isdisjoint(parts),
        asks="questions" in arguments or parts[:2] == ["ask", "user"],
        searches=not READ_VERBS.isdisjoint(parts) and not _ASKED_FOR.isdisjoint(arguments),
        delegates=not _DELEGATES.isdisjoint(parts),
        diagnoses=stems[-1].startswith("diagnos"),
    )


def takes_nothing(tool: Tool) -> bool:
    """Say whether a tool has no required argument."""
    return not SchemaReader(tool.schema).shape(tool.schema).required
