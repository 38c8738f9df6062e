"""Finds the text for a string argument by what its name says it holds."""

import re
from collections.abc import Callable, Sequence

from agents.llm.sandbox.evidence import Evidence
from agents.llm.sandbox.facts import Facts, without_article
from agents.llm.sandbox.words import (
    GENERIC_VERBS,
    STOP_WORDS,
    TROUBLE_WORDS,
    means,
    name_words,
    stem,
    word_set,
    words,
)

_TITLE_LENGTH = 80
_POLITE = re.compile(
    r"^\s*(?:(?:hi|hello|hey)[,! ]+)?(?:(?:can|could|would|will) you\s+|i(?: would|'d) like (?:you )?to\s+|"
    r"i (?:need|want) (?:you )?to\s+|let's\s+|kindly\s+|please[, ]+)*(?:please[, ]+)?",
    re.IGNORECASE,
)
_OBJECT_END = re.compile(
    r"\s+(?:because|due to|since|for|in|on|to|with|at|by|from|as|of)\s|[.!?;,:\n]|$", re.IGNORECASE
)
_PLACE = re.compile(r"\b(?:in|at|near|around|to|for)\s+((?:[A-Z][\w'-]+)(?:\s+[A-Z][\w'-]+)*)")
_TICKER = re.compile(r"\b[A-Z]{2,5}\b")
_PERSON = re.compile(r"\b([A-Z][a-z]+(?:\s+[A-Z][a-z]+)+)\b")
_QUALIFIED = re.compile(r"\s+(?:with \w+ priority|priority|(?:by|due|for|on) (?:\w+day|tomorrow|\d))\b", re.IGNORECASE)
_EVERY = re.compile(r"\b(?:all|every|everyone|everything)\b", re.IGNORECASE)

_REASONS = word_set("reason note cause justification purpose rationale why comment")
_TITLES = word_set("title subject headline header summary heading topic")
_BODIES = word_set(
    "description details detail body message text content task prompt query question request input "
    "issue problem instructions data statement search goal fact"
)
_SYSTEMS = ("service", "server", "page", "site", "host", "database", "api")
_COMMANDS = word_set("command cmd script shell")
_PERIODS = word_set("period quarter range timeframe timespan month year window")
_DAYS = word_set("date day due deadline when until")
_KINDS = word_set("type kind category format")
_PLACES = word_set("city location place country region destination town address")
_KEYS = word_set("key flag field preference setting variable column table")
_FILES = word_set("file filename filepath path")
_ID_WORDS = word_set("id ids ref reference identifier")
_NAMES = frozenset(["name", "member", "service", "host", "server", "recipient", "person", "user"])
CAN_BE_MISSING = _ID_WORDS | _NAMES | _KEYS | _PLACES | _FILES | frozenset(["email", "url", "ticker", "symbol"])


def without_manners(text: str) -> str:
    """Drop the polite words before an order."""
    return _POLITE.sub("", text, count=1)


def string_for(name: str, evidence: Evidence, *, required: bool) -> str:
    """Return the text for the argument `name`, empty when nothing speaks for one."""
    parts = name_words(name)
    found = ""
    for names, find in _FINDERS:
        if names.isdisjoint(parts):
            continue
        if names is _KINDS and not required:
            # "the churn report" names a type only for a tool that has to have one.
            break
        found = find(parts, evidence)
        if found or not required:
            return found
        break
    if found or not CAN_BE_MISSING.isdisjoint(parts):
        return found
    if required and not _REASONS.isdisjoint(parts):
        return evidence.first.text.strip().rstrip(".")
    return _beside_noun(parts, evidence.first) or (_object(evidence.first) if required else "")


def lacks_without(name: str) -> bool:
    """Say whether a call makes no sense while nothing is known for this argument."""
    return not CAN_BE_MISSING.isdisjoint(name_words(name))


def clipped(text: str, length: int) -> str:
    """Cut a text at a word's end."""
    text = " ".join(text.split())
    if len(text) <= length:
        return text
    return text[: length + 1].rsplit(" ", 1)[0][:length].rstrip(" ,;:")


def _id(parts: Sequence[str], evidence: Evidence) -> str:
    nouns = [part for part in parts if part not in _ID_WORDS]
    initial = nouns[0][0].upper() if nouns else ""
    for facts in evidence.facts:
        fitting = [value for value in facts.ids if value[0] == initial]
        if fitting or (facts.ids and not nouns):
            return (fitting or facts.ids)[0]
        beside = _beside_noun(nouns, facts, only_after=True)
        if beside:
            return beside
    if evidence.first.ids:
        return evidence.first.ids[0]
    return "ALL" if _EVERY.search(evidence.first.text) and nouns and nouns[0] != "user" else ""


def _reason(parts: Sequence[str], evidence: Evidence) -> str:
    facts = evidence.first
    return facts.reason.strip("\"'") or (facts.quoted[0] if facts.quoted else "")


def _title(parts: Sequence[str], evidence: Evidence) -> str:
    facts = evidence.first
    text = (facts.quoted[0] if facts.quoted else "") or facts.after_colon or _without_order(evidence)
    first_sentence = re.split(r"(?<=[.!?])\s", text.strip(), maxsplit=1)[0].rstrip(".!?")
    title = clipped(first_sentence, _TITLE_LENGTH)
    return title[:1].upper() + title[1:]


def _without_order(evidence: Evidence) -> str:
    """Drop the order's own words: "add task Review the roadmap with high priority" is about the middle."""
    text = without_manners(evidence.first.text).strip()
    left = text.split()
    orders = [stem(word) for word in evidence.tool_words]
    if not left or not any(means({stem(left[0].lower())}, order) for order in orders):
        return text
    while left and (left[0].lower() in STOP_WORDS or any(means({stem(left[0].lower())}, o) for o in orders)):
        left.pop(0)
    return _QUALIFIED.split(" ".join(left), maxsplit=1)[0] or text


def _body(parts: Sequence[str], evidence: Evidence) -> str:
    facts = evidence.first
    return facts.after_colon or facts.text.strip()


def _command(parts: Sequence[str], evidence: Evidence) -> str:
    facts = evidence.first
    if facts.quoted or facts.after_colon:
        return facts.quoted[0] if facts.quoted else facts.after_colon
    service = _beside_noun(_SYSTEMS, facts)
    if service:
        return f"systemctl status {service}"
    text = without_manners(facts.text).strip().rstrip(".!?")
    head, _, rest = text.partition(" ")
    return rest if stem(head.lower()) in {stem("run"), stem("execute")} and rest else text


def _period(parts: Sequence[str], evidence: Evidence) -> str:
    return evidence.first.period


def _day(parts: Sequence[str], evidence: Evidence) -> str:
    return evidence.first.when


def _kind(parts: Sequence[str], evidence: Evidence) -> str:
    """Find the word before the tool's own noun: the "churn" of "a churn report"."""
    nouns = [part for part in parts if part not in _KINDS] or evidence.tool_words[-1:]
    return _beside_noun(nouns, evidence.first) or _object(evidence.first)


def _place(parts: Sequence[str], evidence: Evidence) -> str:
    return _first_match(_PLACE, evidence)


def _ticker(parts: Sequence[str], evidence: Evidence) -> str:
    return _first_match(_TICKER, evidence)


def _key(parts: Sequence[str], evidence: Evidence) -> str:
    facts = evidence.first
    found = facts.identifiers or facts.quoted
    return found[0] if found else _beside_noun(parts, facts)


def _file(parts: Sequence[str], evidence: Evidence) -> str:
    return next((facts.files[0] for facts in evidence.facts if facts.files), "")


def _email(parts: Sequence[str], evidence: Evidence) -> str:
    return next((facts.emails[0] for facts in evidence.facts if facts.emails), "")


def _url(parts: Sequence[str], evidence: Evidence) -> str:
    return next((facts.urls[0] for facts in evidence.facts if facts.urls), "")


def _named(parts: Sequence[str], evidence: Evidence) -> str:
    nouns = [part for part in parts if part not in ("name", "to")]
    for facts in evidence.facts:
        found = _beside_noun(nouns, facts)
        if found:
            return found
    facts = evidence.first
    if facts.quoted:
        return facts.quoted[0]
    person = _PERSON.search(facts.text)
    if not nouns and person:
        return person[1]
    return _object(facts) if _asks_for(evidence) else ""


def _asks_for(evidence: Evidence) -> bool:
    """Say whether the text is an order for this very tool, so that its object is the tool's object."""
    first = next(iter(words(without_manners(evidence.first.text))), "")
    return any(means({stem(first)}, stem(word)) for word in evidence.tool_words)


_Finder = Callable[[Sequence[str], Evidence], str]
_FINDERS: tuple[tuple[frozenset[str], _Finder], ...] = (
    (_ID_WORDS, _id),
    (frozenset(["email"]), _email),
    (frozenset(["url", "uri", "link", "website"]), _url),
    (_FILES, _file),
    (_REASONS, _reason),
    (_COMMANDS, _command),
    (_PERIODS, _period),
    (_DAYS, _day),
    (_KINDS, _kind),
    (frozenset(["ticker", "symbol"]), _ticker),
    (_KEYS, _key),
    (_PLACES, _place),
    (_TITLES, _title),
    (_NAMES, _named),
    (_BODIES, _body),
)


def _first_match(pattern: re.Pattern[str], evidence: Evidence) -> str:
    for facts in evidence.facts:
        match = pattern.search(facts.text)
        if match:
            return match[match.lastindex or 0]
    return ""


def _beside_noun(nouns: Sequence[str], facts: Facts, *, only_after: bool = False) -> str:
    """Find the word just before or after one of `nouns`: "the auth service", "customer 1042"."""
    for noun in nouns:
        if not only_after:
            for match in re.finditer(rf"\b([\w.-]+)\s+{re.escape(noun)}s?\b", facts.text, re.IGNORECASE):
                if _tells(match[1]):
                    return match[1]
        after = rf"\b{re.escape(noun)}s?\b\s*(?:called|named|id|number|is|=|:|#)?\s*[\"'`]?([\w.-]*[\w])"
        match_after = re.search(after, facts.text, re.IGNORECASE)
        if match_after and _tells(match_after[1]) and (not only_after or any(map(str.isdigit, match_after[1]))):
            return match_after[1]
    return ""


def _tells(word: str) -> bool:
    lower = word.lower()
    plain = lower not in STOP_WORDS and lower not in GENERIC_VERBS and lower not in TROUBLE_WORDS
    return plain and lower not in ("restart", "returns", "which", "what", "is", "customer")


def _object(facts: Facts) -> str:
    """Return what an order is about: the words after its verb up to the next preposition."""
    text = without_manners(facts.text).strip()
    rest = without_article(text.partition(" ")[2])
    end = _OBJECT_END.search(f"{rest} ")
    found = rest[: end.start()] if end and rest else rest
    return found.strip() if found.lower() not in STOP_WORDS else ""
