"""A guardrail as the output hold-back needs it: what it finds and what an unfinished finding looks like."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import lru_cache

from governance.guardrails.expressions import expression
from governance.guardrails.findings import Finding
from governance.guardrails.needles import beginnings, shortest

CONTEXT_CHARACTERS = 160  # how far before a finding a detector may look
# Prose of short words: what most of a text is. Told apart in a fraction of the time that an alarm takes.
PLAIN = expression(r"(?:[A-Za-z][a-z]{0,11}[a-z.,;:!?]?[ \n]+)*+(?:[A-Za-z][a-z]{0,11}[a-z.,;:!?]?)?")
WORD_END = "\0"
LONGEST_IN_PROSE = 32  # characters of a string that alarms there
_IN_PROSE = expression(r"[a-z .,;:!?\n\0]+")
TAIL_CHARACTERS = 240  # how far back an unfinished finding may begin, long words and blocks apart


@dataclass(frozen=True, slots=True)
class Block:
    """A finding without a bound on its length: once `opening` matched, all that `body` matches belongs to it.

    `body` must match possessively from the opening's end; text it doesn't match ends the block.
    """

    kind: str
    opening: re.Pattern[str]
    body: re.Pattern[str]


@dataclass(frozen=True, slots=True)
class Words:
    """What alarms in plain prose, in small letters: strings, also within a word, and expressions where a word begins.

    `WORD_END` in a string stands for the end of a word.
    """

    strings: frozenset[str]
    begun: tuple[str, ...] = ()


@lru_cache(maxsize=64)
def alarm_in_prose(words: tuple[Words, ...]) -> re.Pattern[str]:
    """Return what matches the last word wherever any of the words stands: one look letter by letter, however many.

    What the last is read with may have left before: it must see `LONGEST_IN_PROSE` characters before it.
    """
    strings = shortest(string for one in words for string in one.strings if _IN_PROSE.fullmatch(string))
    several = [string for string in strings if " " in string.rstrip(" ")]
    begun = "|".join((
        *(beginning for one in words for beginning in one.begun),
        *(rf"{re.escape(_last_word(string))}(?<={re.escape(string)})" for string in several),
    ))  # fmt: skip
    within = beginnings(string for string in strings if string not in several)
    parts = (within, rf"\b(?:{begun})" if begun else "")
    return re.compile("|".join(filter(None, parts)).replace(WORD_END, r"\b") or r"(?!)")


def _last_word(string: str) -> str:
    return string[string.rstrip(" ").rfind(" ") + 1 :]


@dataclass(frozen=True, slots=True)
class Detector:
    """One guardrail over text that arrives in pieces.

    `alarm`: text in which it doesn't match holds no finding, wherever that text is cut.
    `tail`: matches up to the end of a text from where a finding could still begin, grow or be denied.
    `words`: where none of them stands in small letters, `alarm` has no match in plain prose (`PLAIN`) either.
    """

    name: str
    detect: Callable[[str], list[Finding]]
    alarm: re.Pattern[str]
    tail: re.Pattern[str]
    words: Words
    blocks: tuple[Block, ...] = field(default=())
