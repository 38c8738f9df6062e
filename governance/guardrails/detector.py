"""A guardrail as the output hold-back needs it: what it finds and what an unfinished finding looks like."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from functools import lru_cache

from governance.guardrails.cues import begun
from governance.guardrails.expressions import expression, put_off
from governance.guardrails.findings import Finding
from governance.guardrails.folding import alike, lower
from governance.guardrails.needles import Automaton, beginnings, shortest
from governance.guardrails.once import once
from governance.guardrails.tails import Tail

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
    """What alarms in plain prose, in small letters: strings, also within a word, strings and expressions that begin one.

    `WORD_END` in a string stands for the end of a word.
    """

    strings: frozenset[str]
    begun: frozenset[str] = frozenset()
    led: tuple[str, ...] = ()


class Alarm:
    """Tells whether a text holds what stands in every text with a finding.

    The words are looked for all at once: an expression of as many takes fifty times as long.
    """

    BLOCK = 1_000  # characters in which they are looked for at a time

    def __init__(self, *signs: str, words: Iterable[str] = (), said: str = "", led: tuple[str, str] = ("", "")) -> None:
        """Take expressions, words in small letters that stand in either case, and an expression of what does so.

        `led` is an expression of thousands of words in either case, tried only where one of them may begin, and the
        same in small letters, which tells where that is.
        """
        self._signs, self._words = tuple(map(expression, signs)), frozenset(shortest(words))
        self._said, self._led = expression(said) if said else None, expression(led[0])
        self._small = led[1]
        put_off(lambda: self._automaton)

    @once
    def _begun(self) -> list[str]:
        """What the words of `led` begin with."""
        return shortest(begun(self._small))

    @once
    def _automaton(self) -> Automaton:
        return Automaton((), (*self._words, *self._begun))

    @once
    def _longest(self) -> int:
        return max(map(len, self._automaton.words), default=0)

    def stands(self, text: str, start: int = 0, end: int | None = None) -> bool:
        """Tell whether any stands between two places."""
        last = len(text) if end is None else end
        if any(sign.search(text, start, last) is not None for sign in self._signs):
            return True
        small = alike(lower(text[start:last]))
        return self._told(text, start, last, small) or (self._said is not None and self._said.search(small) is not None)

    def _told(self, text: str, start: int, last: int, small: str) -> bool:
        """Tell whether a word stands between two places; a text of nothing else is read no further than the first."""
        size = self.BLOCK + self._longest
        for begin in range(0, len(small), self.BLOCK):
            for string, places in self._automaton.places(small[begin : begin + size]).items():
                if string in self._words or any(self._led.match(text, start + begin + at, last) for at in places):
                    return True
        return False


class AlarmInProse:
    """Tells whether any word of detectors stands in plain prose, however many they are.

    Of each expression the first letter tells where it may match, and the search looks for that: joined they take three
    times as long.
    """

    def __init__(self, words: Iterable[Words]) -> None:
        known = tuple(words)
        strings = shortest(string for one in known for string in one.strings if _IN_PROSE.fullmatch(string))
        several = [string for string in strings if " " in string.rstrip(" ")]
        last = "|".join(rf"{re.escape(_last_word(string))}(?<={re.escape(string)})" for string in several)
        begun = shortest(string for one in known for string in one.begun if _IN_PROSE.fullmatch(string))
        led = (beginning for one in known for beginning in one.led)
        ahead = beginnings(shortest(map(_last_word, several)))
        beginning = (beginnings(begun), *led, f"(?={ahead})(?:{last})" if last else "")
        self._within = _compiled(beginnings(string for string in strings if string not in several))
        self._begun = _compiled(rf"[^a-z](?:{'|'.join(filter(None, beginning))})" if any(beginning) else "")

    def stands(self, text: str, place: int) -> bool:
        """Tell whether a word, or the last of several, stands behind a place, before which there is a character.

        The first of several may have left before: the text must begin `LONGEST_IN_PROSE` characters before the place.
        """
        return self._within.search(text, place) is not None or self._begun.search(text, place - 1) is not None


@lru_cache(maxsize=64)
def alarm_in_prose(words: tuple[Words, ...]) -> AlarmInProse:
    """Return what tells where any of these words stands."""
    return AlarmInProse(words)


def _compiled(pattern: str) -> re.Pattern[str]:
    return re.compile(pattern.replace(WORD_END, r"\b") or r"(?!)")


def _last_word(string: str) -> str:
    return string[string.rstrip(" ").rfind(" ") + 1 :]


@dataclass(frozen=True, slots=True)
class Detector:
    """One guardrail over text that arrives in pieces.

    `alarm`: text in which none stands holds no finding, wherever that text is cut.
    `tail`: tells from where on at the end of a text a finding could still begin, grow or be denied.
    `words`: where none of them stands in small letters, `alarm` has none in plain prose (`PLAIN`) either.
    """

    name: str
    detect: Callable[[str], list[Finding]]
    alarm: Alarm
    tail: Tail
    words: Words
    blocks: tuple[Block, ...] = field(default=())
