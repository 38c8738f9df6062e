"""Between the model's stream and the reader: lets text pass redacted, holding only what could still be a finding."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from governance.guardrails import heads
from governance.guardrails.detector import (
    CONTEXT_CHARACTERS,
    LONGEST_IN_PROSE,
    PLAIN,
    TAIL_CHARACTERS,
    Block,
    Detector,
    alarm_in_prose,
)
from governance.guardrails.expressions import expression
from governance.guardrails.findings import Finding, mask, merge
from governance.guardrails.folding import fold

MOST_HELD_CHARACTERS = 4096
_MOST_CONTEXT = CONTEXT_CHARACTERS + CONTEXT_CHARACTERS // 2  # before it is cut
UNBROKEN = "unbroken_text"

# No finding spans these: quotes, and scripts that are written without blanks.
_BOUNDARY = expression(
    '[\\s"\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u1100-\u115e\u1161-\u11ff\u2e80-\u2fff\u3001-\u9fff\ua960-\ua97f'
    "\uac00-\ud7ff\uf900-\ufaff\uff61-\uff9f\U00020000-\U0003ffff]"
)
LONGEST_JOINT = 2
LONGEST_BLANK = 3  # more of them part any two words
_BLANKS = " \t\u00a0\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a\u202f\u205f\u3000"
_JOINING = frozenset(
    {"", "a", "A", "d", "do", "D", "@", "[", "(", "{", "<", ".", "[a", "(a", "{a", "<a"}
)  # may join a word to the one before
_LONGEST_ENDING_CHARACTERS = 256  # of a block: what decides where it ends
_LABEL_CHARACTERS = 64  # how far before what it names an alarming word may have left already
_SHORT_HOLD_CHARACTERS = 32  # a longer hold is looked at again only after it grew by a quarter
# Characters that detectors may read for each that came, and besides: who has read more waits for more to come.
READ_FOR_EACH, READ_BESIDES = 8, 20_000
_TAIL_READ = TAIL_CHARACTERS // 4  # a look for a tail takes that much of a detector's time for as many


class HoldBack:
    """Redact a text that arrives in pieces; the pieces put together read like the redacted whole.

    Text without an alarming character leaves one word after it came. What is held for more than 4096
    characters is taken for a finding: it leaves as a mask, never in the clear. A stream of nothing but alarms, letter
    by letter, is looked at less often.
    """

    def __init__(self, detectors: Sequence[Detector]) -> None:
        self._detectors = tuple(detectors)
        self._blocks = tuple(block for detector in detectors for block in detector.blocks)
        self._words = alarm_in_prose(tuple(detector.words for detector in detectors))
        self._context = ""  # the end of the original text before `_held`
        self._most_context = _MOST_CONTEXT  # more beside the head of a table
        self._held = ""
        self._word = 0  # where the last, perhaps unfinished word of `_held` begins
        self._looked = 0  # where it began before the last piece came: what is before has been looked at
        self._alarmed = False
        self._next_look = 0
        self._may_read = READ_BESIDES
        self._swallowed: Block | str = ""
        self._counts: Counter[str] = Counter()
        self._finders: dict[str, str] = {}  # of each kind, the detector that found it last

    @property
    def findings(self) -> dict[str, int]:
        """How many findings of each kind were redacted so far."""
        return dict(self._counts)

    def found_by(self, name: str) -> list[str]:
        """Return the kinds of findings that a detector has redacted; what only grew too long is the first one's."""
        first = self._detectors[0].name if self._detectors else ""
        return sorted(kind for kind in self._counts if self._finders.get(kind, first) == name)

    @property
    def held_characters(self) -> int:
        """How much text waits."""
        return len(self._held)

    def feed(self, delta: str) -> str:
        """Take the next piece and return what may leave now."""
        if self._swallowed:
            return self._swallow(delta)
        self._append(delta)
        if self._alarmed or self._alarms(self._looked):
            self._alarmed = True
            return self._feed_alarmed()
        return self._leave(self._word_hold(), ())

    def finish(self) -> str:
        """Return the rest; the text has ended."""
        if self._swallowed:
            return self._finish_swallowing()
        base = len(self._context)
        text = self._context + self._held
        return self._leave(len(self._held), self._found(text, base, len(text)) if self._alarmed else ())

    def _alarms(self, begin: int) -> bool:
        """Tell whether what is held has an alarming character, or an alarming word that ends behind `begin`."""
        held = self._held
        if not PLAIN.fullmatch(held):
            return any(detector.alarm.stands(held) for detector in self._detectors)
        near = f" {self._context[-LONGEST_IN_PROSE:]}{held}".lower()
        return self._words.stands(near, len(near) - len(held) + begin)

    def _append(self, delta: str) -> None:
        boundary = _last_boundary(delta)
        self._looked = self._word
        if boundary >= 0:
            self._word = len(self._held) + boundary + 1
        self._held += delta
        self._may_read = min(self._may_read, READ_BESIDES) + READ_FOR_EACH * len(delta)

    def _word_hold(self) -> int:
        """Return where to hold from if nothing alarms: the last word, and the one before if it may join."""
        word = self._word
        if len(self._held) - word > LONGEST_JOINT or self._held[word:] not in _JOINING:
            return word
        end = len(self._held[:word].rstrip(_BLANKS))
        if end == word or word - end > LONGEST_BLANK:
            return word
        between = self._held[self._looked : end]
        if between.isalpha() and between.isascii():
            return self._looked
        return _last_boundary(self._held[:end]) + 1

    def _feed_alarmed(self) -> str:
        waits = len(self._held) < self._next_look or self._may_read < 0
        if waits and len(self._held) <= MOST_HELD_CHARACTERS:
            return ""
        base = len(self._context)
        text = self._context + self._held
        usual = len(self._held) - self._word_hold()
        hold = self._open_from(text, base)
        found = self._found(text, base, len(text)) if hold > base else []
        for finding in found:
            if finding.start < hold < finding.end:
                hold = max(finding.start, base)
        left = self._leave(hold - base, [finding for finding in found if finding.end <= hold])
        self._alarmed = len(self._held) > usual or self._alarms(0)
        held = len(self._held)
        self._next_look = held + held // 4 if held > _SHORT_HOLD_CHARACTERS else 0
        return left + self._overflow() if held > MOST_HELD_CHARACTERS else left

    def _open_from(self, text: str, base: int) -> int:
        """Return from where a finding may still begin or grow."""
        hold = base + self._word_hold()
        self._may_read -= _TAIL_READ
        begin = max(0, len(text) - TAIL_CHARACTERS, base - _LABEL_CHARACTERS)
        tail = fold(text[begin:])
        for detector in self._detectors:
            place = detector.tail.begin(tail.text, tail.lower)
            if place < len(tail.text):
                hold = min(hold, begin + tail.span(place, len(tail.text))[0])
        for block in self._blocks:
            for opening in block.opening.finditer(text, base):
                body = block.body.match(text, opening.end())
                if body is None or body.end() == len(text):
                    hold = min(hold, opening.start())
        return max(hold, base)

    def _found(self, text: str, base: int, end: int) -> list[Finding]:
        """Return the findings of `text[base:end]`, cut to it: what began before has left already."""
        seen: list[Finding] = []
        for detector in self._detectors:
            if detector.alarm.stands(text, max(0, base - _LABEL_CHARACTERS), end):
                seen += (own := detector.detect(text))
                self._may_read -= len(text)
                self._finders.update((finding.kind, detector.name) for finding in own)
        found = merge(seen)
        return [
            Finding(one.kind, max(one.start, base), min(one.end, end), one.score)
            for one in found
            if one.end > base and one.start < end
        ]

    def _leave(self, count: int, found: Sequence[Finding]) -> str:
        """Take the first `count` held characters away and return them without the findings."""
        if count <= 0:
            return ""
        gone = self._held[:count]
        left = self._masked(gone, found) if found else gone
        self._remember(gone)
        self._held = self._held[count:]
        self._word = max(0, self._word - count)
        self._looked = max(0, self._looked - count)
        return left

    def _masked(self, gone: str, found: Sequence[Finding]) -> str:
        base = len(self._context)
        parts: list[str] = []
        position = 0
        for finding in found:
            parts += (gone[position : finding.start - base], mask(finding.kind))
            position = finding.end - base
            self._counts[finding.kind] += 1
        return "".join((*parts, gone[position:]))

    def _remember(self, gone: str) -> None:
        context = self._context + gone
        if len(context) > self._most_context:
            if (table := heads.kept(context, len(context) - CONTEXT_CHARACTERS)) is not None:
                begin, end, row = table
                self._context = context[begin:end] + context[row:]
                self._most_context = len(self._context) + _MOST_CONTEXT - CONTEXT_CHARACTERS
                return
            self._most_context = _MOST_CONTEXT
            boundary = _BOUNDARY.search(context, len(context) - CONTEXT_CHARACTERS - 64)
            cut = boundary.end() if boundary is not None else len(context)
            context = context[min(cut, len(context) - CONTEXT_CHARACTERS) :]
        self._context = context

    def _overflow(self) -> str:
        """Give up waiting: mask all that is held and what continues it."""
        text = self._context + self._held
        base = len(self._context)
        self._swallowed = UNBROKEN
        for block in self._blocks:
            if block.opening.search(text, base):
                self._swallowed = block
        kind = self._swallowed if isinstance(self._swallowed, str) else self._swallowed.kind
        self._counts[kind] += 1
        tail = self._held[-64:] if isinstance(self._swallowed, Block) else ""
        self._context, self._held, self._word, self._alarmed = "", "", 0, False
        return mask(kind) + self._swallow(tail)

    def _swallow(self, delta: str) -> str:
        """Drop what continues the masked text; what comes after it goes the usual way."""
        self._held += delta
        end = self._swallow_end()
        if end is None:
            return ""
        rest = self._held[end:]
        self._swallowed, self._held, self._word, self._next_look = "", "", 0, 0
        return self.feed(rest)

    def _swallow_end(self) -> int | None:
        """Return where the masked text ends, or None after dropping what surely belongs to it."""
        if isinstance(self._swallowed, str):
            boundary = _BOUNDARY.search(self._held)
            if boundary is None:
                self._held = ""
                return None
            return boundary.start()
        body = self._swallowed.body.match(self._held)
        if body is None or body.end() < len(self._held):
            return len(body[0].rstrip()) if body is not None else 0
        if len(self._held) > 2 * _LONGEST_ENDING_CHARACTERS:
            self._held = self._held[-_LONGEST_ENDING_CHARACTERS:]
        return None

    def _finish_swallowing(self) -> str:
        rest = self._held[len(self._held.rstrip()) :] if isinstance(self._swallowed, Block) else ""
        self._swallowed, self._held = "", ""
        return rest


def _last_boundary(text: str) -> int:
    """Return the place of the last boundary, or -1."""
    if text.endswith(" "):
        return len(text) - 1
    if text.isascii():
        return max(text.rfind(" "), text.rfind("\n"), text.rfind('"'), text.rfind("\t"), text.rfind("\r"))
    for index in range(len(text) - 1, -1, -1):
        if _BOUNDARY.match(text, index):
            return index
    return -1
