"""Orders to the model: from the user against its instructions, or hidden in what it reads."""

from __future__ import annotations

import math
import re
from bisect import bisect_right
from collections import Counter, deque
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache

from governance.guardrails.cues import Cue
from governance.guardrails.expressions import expression
from governance.guardrails.findings import Finding, merge
from governance.guardrails.injection import learned
from governance.guardrails.injection.abroad import parts_of
from governance.guardrails.injection.features import ALONE, LONGEST_SENTENCE_CHARACTERS, Span
from governance.guardrails.injection.learned import Score
from governance.guardrails.injection.rules import ABOUT, ATTACKS, OURS, PHRASES, REPORTED, RULES, Phrase, Rule
from governance.guardrails.injection.unseen import unseen
from governance.guardrails.injection.views import View, views
from governance.guardrails.injection.words import FEWEST_JUMBLED, JUMBLED, Part, jumbled
from governance.guardrails.needles import join

THRESHOLD = 1.0
REACH_CHARACTERS = 900  # signs further apart don't add up
HIDDEN_BONUS = 0.5  # for a sign that had to be decoded, or that stands in a comment
ABOUT_MALUS = 0.8  # for a text that talks about attacks
QUOTED_MALUS = 1.2  # and quotes one
CITED_MALUS = 3.0  # for an attack within quotation marks, in a text about attacks
QUOTE_CHARACTERS = 12
CITED_CHARACTERS = 60
ABOUT_CHARACTERS = 400  # how far around the signs it may do so
REPORTED_SHARE = 0.2  # what stays of a sign that is asked or told about, not ordered
AGAIN_SHARE = 0.4  # what further signs of the same name and another weight add
INDIRECT_SHARE = 0.5
KNOWN_SHARE = 0.13  # of features by character: of a language that the model learned, it knows more
FEW_SCORES = 24  # of the model in one reading, as of a dozen sentences
NEAR_CHARACTERS = 200  # from what the rules found in a longer text to where the model seconds them
SURER_STEP = 0.1  # of log odds, for each doubling beyond
ROUNDING = 1e-9
MOST_WORDS_AFTER = max(rule.gap for rule in RULES)
BLOCK_WORDS = 16  # at least half of the furthest reach after a word, and all of that before it
MOST_FINDINGS = 16  # in one view; who needs to know more has seen enough

AROUND_CHARACTERS = NEAR_CHARACTERS + REACH_CHARACTERS  # of such a place, as far as what is found near it may stand
BLANK_CHARACTERS = 1_000  # in place of more between such places
RULED_CHARACTERS = 12_000  # of a longer text that the rules read, where the model is surest
BESIDE_ODDS = -1.3  # of a sentence that may belong to a user's order beside it
BESIDE_CHARACTERS = 12  # between two such sentences: blanks, marks, a number
LONG_CHARACTERS = 10_000  # of a text that is done with when a finding covers it

_TOKEN = expression(r"[^\W_]+")
# Words that tell: shorter ones mean other things elsewhere; those of India's scripts are read without vowels.
_TELLING = expression(r"[^\W_]{4,}|[\u0900-\u0dff]{2,}")
_COMMENT = expression(r"<!--(?s:.){0,4000}?-->")
_SENTENCE_ENDS = expression(  # where a sentence ends, a field, an element or a comment; a point within an address is none
    r"[.!?;]++[\"'”»)\]]*+(?=\s|\Z)|[。！？؟।\n]|</?[a-z][a-z0-9]{0,20}[^<>]{0,200}>|-->|<!--|\*/|/\*|\"[,}\]]|[,{]\"|\": ?\"|\|"
)
_LINE_START = expression(r"(?:\A|\n)[^\w\n]{0,8}\Z")
_SPEECH = frozenset({"override", "lift", "disobey", "extract", "phish"})  # signs that people also ask about
_LIBERTY = frozenset({"freedom", "lapsed"})
_DROPPING = (Part.OVERRIDE | Part.ABROAD | Part.DROP).value
_SENDING = Part.SEND.value
_SAYS, _HAS = Part.UTTER | Part.REVEAL, Part.OWN | Part.YOURS | Part.CLOSE | Part.INNER
_OF_A_MODEL = (_SAYS | _HAS | Part.SYSTEM | Part.PREPROMPT | Part.PROMPT).value
_NAY = Part.NAY.value
_QUOTE = expression(r"[\"“”„«‘`]")
_OPENING = expression(r"[\"“„«‘'`]")
_CLOSING = expression(r"[\"”“»’'`]")
_CLOSINGS = " \t\r\n.!?;。！？؟।"
_KEY_LETTERS = 4


@dataclass(frozen=True, slots=True)
class Sign:
    """One rule or phrase that matched a view."""

    name: str
    weight: float
    indirect: bool
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Word:
    """A word of the vocabulary in a view: which one of the view's words it is, its parts, where it stands."""

    number: int
    parts: int
    start: int
    end: int


def detect(text: str) -> list[Finding]:
    """Return where a text tries to give the model orders: `prompt_injection` or `indirect_injection`."""
    found, glances = list(unseen(text)), dict[str, float]()
    for view in views(text):
        more = list(_found(view, glances))
        found += more
        if len(text) > LONG_CHARACTERS and any(one.end - one.start == len(text) for one in more):
            break  # other readings could only say the same
    kinds = sorted({finding.kind for finding in found})
    joined = [merged for kind in kinds for merged in merge(one for one in found if one.kind == kind)]
    return sorted(joined, key=lambda finding: (finding.start, finding.end))


def found_by_rules(view: View, places: Sequence[Span] = ()) -> list[Finding]:
    """Return what the rules alone find in a reading, or near some places in it, the likeliest first."""
    signs = _signs_near(view, places) if places else _signs(view)
    return list(_judge(view, sorted(signs, key=lambda sign: sign.start)))


def _signs_near(view: View, places: Sequence[Span]) -> Iterator[Sign]:
    """Yield the signs around the first of some places: dense text doesn't cost more the longer it is.

    What is far from them is read as blanks, as many as nothing reaches over.
    """
    kept: list[Span] = []
    for start, end in places:
        kept = _joined([*kept, (max(0, start - AROUND_CHARACTERS), end + AROUND_CHARACTERS)])
        if sum(end - start for start, end in kept) > RULED_CHARACTERS:
            break
    done, length = 0, 0
    parts, begins, moved = (
        list[str](),
        list[int](),
        list[int](),
    )  # where each part begins, and how much before its place
    for start, end in kept:
        blanks = min(start - done, BLANK_CHARACTERS)
        parts += (" " * blanks, view.text[start:end])
        begins.append(length + blanks)
        moved.append(start - begins[-1])
        done, length = end, length + blanks + end - start
    for sign in _signs(replace(view, text="".join(parts))):
        first, last = (bisect_right(begins, place) - 1 for place in (sign.start, sign.end - 1))
        yield replace(sign, start=sign.start + moved[first], end=sign.end + moved[last])


def _joined(spans: Iterable[Span]) -> list[Span]:
    """Return spans in their order, those that overlap as one."""
    joined: list[Span] = []
    for span in sorted(spans):
        join(joined, span)
    return joined


def _found(view: View, glances: dict[str, float]) -> Iterator[Finding]:
    """Yield what is found in a reading; a user's order as far as the sentences beside it may well belong to it."""
    scores = list(learned.current().read(view.text, hidden=view.hidden, glances=glances))
    beside: list[Span] | None = None
    for found in _seconded(view, scores):
        if found.kind == "prompt_injection":
            if beside is None:
                belong = (one for one in scores if _may_belong(one, view.text))
                beside = sorted(view.origin(*_bare(view.text, one.start, one.end)) for one in belong)
            found = _continued(found, beside)
        yield found


def _may_belong(one: Score, text: str) -> bool:
    """Tell whether a sentence that ends, read alone, is dubious enough to be a part of the order beside it."""
    if ALONE not in one.known or one.odds < BESIDE_ODDS:
        return False
    return one.end == len(text) or text[one.start : one.end].rstrip(" ")[-1:] in _CLOSINGS


def _continued(found: Finding, beside: Sequence[Span]) -> Finding:
    """Widen a finding by the sentences that it touches, and by those that they touch."""
    start, end = found.start, found.end
    for first, last in beside:
        if first - end <= BESIDE_CHARACTERS:
            end = max(end, last)
    for first, last in reversed(beside):
        if start - last <= BESIDE_CHARACTERS:
            start = min(start, first)
    return found._replace(start=start, end=end)


def _seconded(view: View, scores: Sequence[Score]) -> Iterator[Finding]:
    """Yield what the rules find unless the model doubts it there, and elsewhere what the model is sure of."""
    model = learned.current()
    surer = _surer(len(scores))
    seconded = sorted((one for one in scores if one.odds >= model.doubt + surer), key=lambda one: -one.odds)
    places = [(one.start, one.end) for one in seconded] if len(scores) > FEW_SCORES else []
    heard = seconded or not scores
    if not heard and scores[0].odds >= (unsaid := model.bias + learned.MOST_BESIDE):
        heard = _foreign(view, scores, unsaid)
    by_rules = found_by_rules(view, places) if heard else []
    if places:
        by_rules = [one for one in by_rules if any(_near(one, *view.origin(*place)) for place in places)]
    yield from by_rules
    for score in scores:
        if score.odds < model.alarm + surer:
            continue
        spans = [view.origin(*_bare(view.text, *part)) for part in _likely(score, scores)]
        same = next((one for one in by_rules if any(_meets(one, *span) for span in spans)), None)
        if same is None:
            kind = "indirect_injection" if score.lean > 0 else "prompt_injection"
            yield Finding(kind, spans[0][0], spans[-1][1], score.chance)
            continue
        for start, end in spans:
            if not _meets(same, start, end):  # where the rules are more exact; what's beside it continues the order
                yield Finding(same.kind, min(same.start, start), max(same.end, end), score.chance)


def _foreign(view: View, scores: Sequence[Score], unsaid: float) -> bool:
    """Tell whether a short text is in a language of which the model knows too little to doubt the rules.

    `unsaid` are the odds of a text of which it knows nothing; what it does know must not speak against an order.
    """
    if any(len(one.known) >= KNOWN_SHARE * (one.end - one.start) for one in scores):
        return False
    if view.hidden or len(scores) > FEW_SCORES or max(one.odds for one in scores) < unsaid:
        return False
    # who quotes an order may well talk about it
    return _QUOTE.search(view.text) is None and _to_a_model(view.text)


def _to_a_model(text: str) -> bool:
    """Tell whether a text that drops orders speaks of what a model has or shall utter too, or of nothing but them.

    Who tells a patient to forget what a doctor said before says something besides.
    """
    played = [_known(word[0])[0] for word in _TELLING.finditer(text)]
    if not any(_known(word[0])[0] & (_DROPPING | _NAY) for word in _TOKEN.finditer(text)):
        return True
    return all(played) or any(parts & _OF_A_MODEL for parts in played)


def _likely(window: Score, scores: Iterable[Score]) -> list[Span]:
    """Return the sentences of a window that are likely orders by themselves too, or all of it if none is."""
    parts = {(one.start, one.end) for one in scores if one.odds > 0 and _within_window(one, window)}
    return sorted(parts) or [(window.start, window.end)]


def _within_window(part: Score, window: Score) -> bool:
    return part is not window and window.start <= part.start and part.end <= window.end


def _meets(found: Finding, start: int, end: int) -> bool:
    return found.start < end and start < found.end


def _surer(scores: int) -> float:
    """Return how much surer the model has to be of one of so many windows: of many, one looks odd by chance."""
    return SURER_STEP * math.log2(max(1.0, scores / FEW_SCORES))


def _near(found: Finding, start: int, end: int) -> bool:
    return start - NEAR_CHARACTERS < found.end and found.start < end + NEAR_CHARACTERS


def _judge(view: View, signs: Sequence[Sign]) -> Iterator[Finding]:
    """Add up the signs that stand close together; each name counts once, by its heaviest sign."""
    if not signs:
        return
    comments = [match.span() for match in _COMMENT.finditer(view.text)] if "-->" in view.text else []
    window = _Window()
    found = 0
    for sign in signs:
        window.add(sign)
        commented = bool(comments) and _within(window.signs[0], comments)
        bonus = HIDDEN_BONUS if view.hidden or commented else 0.0
        if window.score() + bonus < THRESHOLD:
            continue
        score = window.score() + bonus - _about(view.text, window.signs)
        if score >= THRESHOLD:
            start, end = _in_full(view.text, window.signs[0].start, max(sign.end for sign in window.signs))
            indirect = commented or window.score(indirect=True) >= INDIRECT_SHARE
            kind = "indirect_injection" if indirect else "prompt_injection"
            yield Finding(kind, *view.origin(start, end), min(1.0, score / 2))
            found += 1
            window = _Window()
        if found == MOST_FINDINGS:
            return


def _in_full(text: str, start: int, end: int) -> Span:
    """Return the sentences that signs stand in: masked in part, an order could still be obeyed."""
    begin, finish = max(0, start - LONGEST_SENTENCE_CHARACTERS), min(len(text), end + LONGEST_SENTENCE_CHARACTERS)
    before = max((seam.end() for seam in _SENTENCE_ENDS.finditer(text, begin, start)), default=start if begin else 0)
    behind = _SENTENCE_ENDS.search(text, end, finish)
    return _bare(text, before, behind.start() if behind else finish)


def _bare(text: str, start: int, end: int) -> Span:
    """Return a span without the blanks around it and what ends it."""
    inside = text[start:end]
    return end - len(inside.lstrip()), start + len(inside.rstrip(_CLOSINGS))


class _Window:
    """The signs that stand close together, and what they weigh; each weight of a name counts once."""

    def __init__(self) -> None:
        self.signs: deque[Sign] = deque()
        self._counts: dict[str, Counter[tuple[float, bool]]] = {}

    def add(self, sign: Sign) -> None:
        while self.signs and sign.end - self.signs[0].start > REACH_CHARACTERS:
            gone = self.signs.popleft()
            self._counts[gone.name][gone.weight, gone.indirect] -= 1
        self.signs.append(sign)
        self._counts.setdefault(sign.name, Counter())[sign.weight, sign.indirect] += 1

    def score(self, *, indirect: bool = False) -> float:
        total = 0.0
        for counts in self._counts.values():
            weights = {weight for (weight, aside), count in counts.items() if count and (aside or not indirect)}
            if weights:
                heaviest = max(weights)
                total += heaviest + AGAIN_SHARE * (sum(weights) - heaviest)
        return total + ROUNDING


def _about(text: str, group: Sequence[Sign]) -> float:
    around = text[max(0, group[0].start - ABOUT_CHARACTERS) : group[-1].end + ABOUT_CHARACTERS]
    if _is_cited(text, max(group, key=lambda sign: sign.weight)) and ATTACKS.search(around):
        return CITED_MALUS
    if not ABOUT.search(around):
        return 0.0
    quoted = _QUOTE.search(text, max(0, group[0].start - QUOTE_CHARACTERS), group[-1].end) is not None
    return ABOUT_MALUS + (QUOTED_MALUS if quoted else 0.0)


def _is_cited(text: str, sign: Sign) -> bool:
    """Tell whether a sign stands between quotation marks, close by."""
    opened = _OPENING.search(text, max(0, sign.start - QUOTE_CHARACTERS), sign.start)
    return opened is not None and _CLOSING.search(text, sign.end, sign.end + CITED_CHARACTERS) is not None


def _within(sign: Sign, comments: Sequence[tuple[int, int]]) -> bool:
    return any(start <= sign.start and sign.end <= end for start, end in comments)


def _signs(view: View) -> Iterator[Sign]:
    text = view.text
    marked: list[Word] = []
    for number, match in enumerate(_TOKEN.finditer(text)):
        parts, opened = _known(match[0])
        if parts:
            marked.append(Word(number, parts, match.start(), match.end()))
        for phrase in opened:
            if (turn := phrase.pattern.match(text, match.start())) is not None:
                yield from _phrase(text, phrase, turn)
    yield from _sentences(text, marked)
    for phrase, cue in (*(_SIGNED if view.spaced else _CLOSED), *(() if text.isascii() else _SCRIPTS)):
        for turn in cue.finditer(text):
            yield from _phrase(text, phrase, turn)


@lru_cache(maxsize=32_768)
def _known(word: str) -> tuple[int, tuple[Phrase, ...]]:
    """Return the parts that a word plays, and the phrases that it may open."""
    parts = parts_of(word) | (JUMBLED.get(jumbled(word), 0) if len(word) >= FEWEST_JUMBLED else 0)
    return parts, _OPENED.get(word[:_KEY_LETTERS], ())


def _phrase(text: str, phrase: Phrase, match: re.Match[str]) -> Iterator[Sign]:
    start = match.start()
    if phrase.place == "line" and not _LINE_START.search(text, max(0, start - 9), start):
        return
    yield Sign(phrase.name, _spoken(text, start, phrase.name, phrase.weight), phrase.indirect, start, match.end())


def _sentences(text: str, marked: Sequence[Word]) -> Iterator[Sign]:
    around = _parts_near(marked)
    for at, word in enumerate(marked):
        is_label = word.parts & _SENDING and text[word.end : word.end + 1] == ":"  # "E-mail: jane@..."
        if not _in_reach(word.parts, around[at]) or is_label or (word.parts & _DROPPING and _denied(marked, at)):
            continue
        for rule, needs in _in_reach(word.parts, around[at]):
            if end := _reach(rule, needs, marked, at):
                weight = _spoken(text, word.start, rule.name, rule.weight)
                yield Sign(rule.name, weight, rule.indirect, word.start, max(end, word.end))


def _denied(marked: Sequence[Word], at: int) -> bool:
    """Tell whether the word beside says no: "don't forget the rules" is the opposite of an attack."""
    number = marked[at].number
    beside = (*marked[max(0, at - 1) : at], *marked[at + 1 : at + 3])
    return any(word.parts & _NAY and -1 <= word.number - number <= 2 for word in beside)


def _parts_near(marked: Sequence[Word]) -> list[int]:
    """Return for each word the parts around it, and a few more: whole blocks are put together, so a word costs little."""
    none = [0] * BLOCK_WORDS
    blocks = [*none, *(word.parts for word in marked), *none, *none, *none]
    step = 1
    while step < BLOCK_WORDS:
        blocks = [here | there for here, there in zip(blocks, blocks[step:], strict=False)]
        step *= 2
    last = BLOCK_WORDS + 1 + MOST_WORDS_AFTER - BLOCK_WORDS
    after = zip(blocks, blocks[BLOCK_WORDS + 1 :], blocks[last:], strict=False)
    return [before | near | far for (before, near, far), _ in zip(after, marked, strict=False)]


def _reach(rule: Rule, needs: Sequence[int], marked: Sequence[Word], at: int) -> int:
    """Return where the last word that the rule needs ends, or 0 if one is missing.

    A word serves one need only, so that "ignore instructions" isn't its own qualifier.
    """
    number = marked[at].number
    missing = list(needs)
    end = 0
    for word in marked[at + 1 : at + 1 + rule.gap]:
        if word.number - number > rule.gap:
            break
        if _take(missing, word.parts):
            end = word.end
            if not missing:
                return end
    if rule.order:
        return 0
    for word in reversed(marked[max(0, at - rule.gap) : at]):
        if number - word.number > rule.gap:
            break
        if _take(missing, word.parts) and not missing:
            return end or marked[at].end
    return 0


def _take(missing: list[int], parts: int) -> bool:
    for need in missing:
        if need & parts:
            missing.remove(need)
            return True
    return False


def _spoken(text: str, start: int, name: str, weight: float) -> float:
    """Weigh a sign less if the words before it ask or report."""
    told = REPORTED if name in _SPEECH else OURS if name in _LIBERTY else None
    if told is not None and told.search(text[max(0, start - 40) : start]):
        return weight * REPORTED_SHARE
    return weight


def _opened() -> dict[str, tuple[Phrase, ...]]:
    """Return the phrases that words with a beginning may open."""
    table: dict[str, tuple[Phrase, ...]] = {}
    for phrase in PHRASES:
        for key in {word[:_KEY_LETTERS] for word in phrase.opens}:
            table[key] = (*table.get(key, ()), phrase)
    return table


_OPENED = _opened()
_SIGNED, _CLOSED, _SCRIPTS = (
    tuple((phrase, Cue(phrase.pattern.pattern)) for phrase in PHRASES if phrase.place == place)
    for place in ("sign", "closed", "script")
)
_NEEDS = tuple((rule, rule.opening.value, tuple(need.value for need in rule.needs)) for rule in RULES)


@lru_cache(maxsize=32_768)
def _in_reach(parts: int, near: int) -> tuple[tuple[Rule, tuple[int, ...]], ...]:
    """Return the rules that a word with these parts opens and that find near all they need, with these needs.

    Plain numbers are fast.
    """
    opened = [(rule, needs) for rule, opening, needs in _NEEDS if opening & parts]
    return tuple((rule, needs) for rule, needs in opened if all(need & near for need in needs))
