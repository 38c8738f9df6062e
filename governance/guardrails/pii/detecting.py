"""Personal data in a text: numbers with check digits, numbers with a label, ways to reach somebody."""

from __future__ import annotations

from collections.abc import Iterable
from operator import itemgetter

from governance.guardrails.cues import one_look
from governance.guardrails.detector import WORD_END, Alarm, Detector, Words
from governance.guardrails.expressions import expression
from governance.guardrails.findings import Finding
from governance.guardrails.folding import INVISIBLE, STYLED, fold
from governance.guardrails.needles import Union, beginnings, shortest
from governance.guardrails.pii import (
    accounts,
    addresses,
    around,
    dictated,
    ids,
    names,
    national_ids,
    numbers,
    people,
    phones,
    spoken,
)
from governance.guardrails.reading import Reading
from governance.guardrails.tails import Tail

_DIGIT = expression(r"[0-9]")
_MONTH_BEGUN = "(?i:ja?|ju|fe?|ma?|ap?|au|se?|oc?|no?|de?)"
_MONTH = "(?i:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)[a-z]{0,6}"
_WORDS = ("at", "dot", "arroba", *addresses.LEADING)


def _said_on(spelt: str) -> str:
    """Return an expression of two digits in words, or one and what may become one."""
    return rf"{spelt}(?:[ ,.\-–]{{1,3}}{spelt}|[ ,.\-–]{{0,3}}[^\W\d_]{{0,7}}\Z)"


def _words(spelt: str, *, both_cases: bool) -> str:
    """Return an expression of the words that may stand inside a finding, with those for digits."""

    def any_of(strings: Iterable[str]) -> str:
        return beginnings(shortest(strings), both_cases=both_cases).replace(WORD_END, r"\b")

    opening = rf"(?<!_)(?:{any_of(_OPENING)}|{_said_on(spelt)})"
    return rf"(?<![^\W\d_])(?:{any_of(names.TELLING)}|{opening})|{any_of(_STREETS)}"


# Eras of Japan's calendar, or what may become one.
_ERA = r"(?:明(?:治|\Z)|大(?:正|\Z)|昭(?:和|\Z)|平(?:成|\Z)|令(?:和|\Z))"
_STREETS = frozenset((*(street + WORD_END for street in addresses.STREETS), addresses.STREET_IN_SHORT))
_OPENING = frozenset((*(word + WORD_END for word in _WORDS), *names.OPENING))
# Anything a finding holds besides plain words, and the words that may stand inside one.
_ALARM = Alarm(
    rf"[\d@{STYLED}{INVISIBLE}]|<<",
    names.OF_A_TICKET,
    rf"(?=[^\x00-\x7f])(?:〒|{_ERA}|{names.TELLING_OF_IDEOGRAPHS}|[{dictated.CHINESE}]{{2}})",
    led=(_words(dictated.SPELT_IN_ANY_CASE, both_cases=True), _words(dictated.SPELT, both_cases=False)),
)

_TAILS = (
    # digits that more digits or an extension may follow, or words such as "is my passport"
    r"[+(]{0,2}\d[\d ().+/_\-]{0,60}+(?:,? ?(?:x|e|ex|ext|exte\w{0,5})?\.? ?\d{0,6})?",
    r"[A-Z]{0,2}\d[\d ().\-/]{4,24}+[A-Z]?[ ,\-]{0,2}(?:i|w|wa|(?:is|was|\()[^\n]{0,50})?",
    # what may be a number that is named after it
    r"[A-Z]{0,3}\d(?:[ .\-/()]{0,3}[0-9A-Z]){6,14}+(?s:.{0,72})",
    # an address of a machine, and what is said after it
    r"(?:\d{1,3}(?:\.\d{1,3}){3}|(?:[0-9A-Fa-f]{0,4}:){2,7}[0-9A-Fa-f]{1,4})[^\n]{0,60}",
    # an address at a host of examples, and what is said after it
    r"[\w.+\-]{1,40}+@(?:[\w\-]{1,30}\.){0,4}(?i:example|test|domain|company|acme|contoso|foo|bar|e?mail)(?:\.\w{0,7})?(?:[^\w\n][^\n]{0,60})?",
    # digits in words
    rf"(?i:(?:(?:{dictated.LINK}|(?={dictated.BEGUN})[^\W\d_]{{1,24}})[ ,.;:()\-–…]{{1,4}}){{1,24}}[^\W\d_]{{0,24}})",
    rf"[{dictated.CHINESE}]{{1,11}}(?:[、，, \-ー]{{1,2}}[{dictated.CHINESE}]{{0,8}}){{0,3}}",
    # a street after its number
    rf"\d{{1,4}}(?: ?(?:bis|ter))?,? (?i:{addresses.BEGUN}|{addresses.NUMBERED_FIRST}(?:[ ,\n]{{1,2}}[\w'’.\-]{{0,24}}){{0,12}})",
    r"\d{1,5}[A-Za-z]?(?:-\d{1,4})?(?:[ ,\n]{1,2}#?[A-Z0-9][\w'’.\-#]{0,20}){0,14}[ ,\n]{0,2}#?",
    addresses.TAIL,
    addresses.TAIL_OF_STREETS,
    # account and identity numbers in groups
    r"[A-Za-z]{2}\d{2}[0-9A-Za-z \-]{0,52}",
    r"[A-Z]{1,5} ?(?:\d[\dA-Z]{0,15})?(?:[ .\-/][\dA-Z]{0,12}){0,7}",
    r"[A-Za-z]{0,5}\d[A-Za-z\d]{0,16}(?:[- ]\d?[\dA-Z]{0,8}){0,3}[ \-]?",
    # dates with a month's name
    rf"[0-3]?\d(?:st|nd|rd|th)?[ \-]?(?:of?)?[ \-]?(?:{_MONTH}\.?,?[ \-]?(?:of ?)?\d{{0,4}}|{_MONTH_BEGUN})?",
    rf"{_MONTH}\.?[ \-]?\d{{0,2}}(?:st|nd|rd|th|[snrt])?,? ?(?:of ?)?\d{{0,4}}",
    # the same in any language, and what is said after a whole date
    r"[0-3]?\d(?:st|nd|rd|th|er|\.)?[ \-](?:de? ?|d['’])?[^\W\d_]{0,14}\.?,?(?:[ \-](?:del? ?|d)?(?:\d{0,3}|\d{4}[^\n]{0,30}))?",
    r"\d{1,4} ?[./\-] ?\d{1,2} ?[./\-] ?\d{1,4}[^\n]{0,40}",
    rf"(?i:{_MONTH}) \d{{1,2}}(?:st|nd|rd|th)?,? \d{{4}}[^\n]{{0,30}}",
    r"\d{4} ?[.년年] ?(?:[^\W\d_]{0,14} ?\d{0,2}|\d{1,2} ?[월月]? ?\d{0,2} ?[日일]?)[^\n]{0,10}",
    rf"{_ERA} ?(?:\d{{1,2}}|元)? ?(?:年 ?(?:\d{{0,2}} ?(?:月 ?(?:\d{{0,2}} ?(?:日[^\n]{{0,10}})?)?)?)?)?",
    r"〒 ?[\d\-]{0,8}[ \u3000]?[^\s、。]{0,40}",
    # what a web server writes of who asks, and with what
    r"(?:\d{1,3}(?:\.\d{1,3}){3}|(?:[0-9A-Fa-f]{0,4}:){2,7}[0-9A-Fa-f]{1,4}) - [\w.\-@:]{1,40} \[[^\n]{0,180}",
    # rows of a table
    r"[A-Z]{0,3}\d{4,14}[,;|\t][^\n]{0,80}",
    r"(?<=[,;\t])\"?[^\s,;|\t][^,;|\t\n]{0,30}\n(?:\"?[^\W\d_a-z][\w'’ .\-]{0,40}\"?(?:[,;\t](?! )[^\n]{0,120})?|\")?",
    *names.TAILS,
    # "jane dot doe at acme dot com"
    r"[\w.+\-]{1,40}+(?: dot [\w.+\-]{0,30}+){0,2}(?: {0,2}(?:d|do|dot)?| ?[\[({<] ?"
    r"| {0,2}(?:[\[({<] ?)?(?i:a|at|@|ar\w{0,6}) ?[\])}>]? ?"
    r"(?:[A-Za-z0-9\-]{1,40}(?:[ .\[({<\])}>]{1,3}[A-Za-z0-9\-]{1,20}){0,8}[ .\[({<\])}>]{0,3})?)",
)
_TAIL = Tail("|".join(_TAILS), after="(?<![0-9A-Za-z_])")


_FINDERS = (
    numbers.find,
    national_ids.find,
    ids.find,
    accounts.find,
    around.find,
    phones.find,
    people.find,
    addresses.find,
    dictated.find,
    names.find,
)


RULES = Union((
    national_ids.OF_WORDS, national_ids.OF_WORDS_INSIDE, accounts.NAMES, addresses.LABELS, ids.STARTS, names.CALLED, names.EASTERN, *(kind.needles for kind in around.KINDS),
))  # fmt: skip


def detect(text: str) -> list[Finding]:
    """Return what in a text identifies or reaches a person, by place; findings may overlap."""
    folded = fold(text)
    if folded.text.isascii() and not _ALARM.stands(folded.text):  # of other letters some fold where no case is minded
        return []
    finders = _FINDERS if _DIGIT.search(folded.text) else (people.find, names.find, addresses.find, dictated.find)
    reading = Reading(folded.text, folded.lower, rules=RULES)
    whole: list[Finding] = []
    with one_look():
        for find in finders:
            for finding in find(reading):
                reading.tell(finding)
                whole.append(finding)
    whole += spoken.find(folded.lower)
    found = whole if folded.origins is None else [folded.moved(finding) for finding in whole]
    return sorted(_settled(found), key=itemgetter(1, 2))


def _settled(found: list[Finding]) -> list[Finding]:
    """Drop a weaker finding that lies wholly inside a stronger one."""
    if len(found) < 2:
        return found
    kept: list[Finding] = []
    reach: list[Finding] = []
    farthest = 0  # where the last of those ends
    longest_first = sorted(dict.fromkeys(found), key=itemgetter(2, 3), reverse=True)
    for finding in sorted(longest_first, key=itemgetter(1)):
        _, start, end, score = finding
        if start >= farthest:  # few lie in another
            reach, farthest = [finding], end
            kept.append(finding)
            continue
        reach = [one for one in reach if one.end > start]
        if not any(wider.end >= end and wider.score >= score for wider in reach):
            kept.append(finding)
            reach.append(finding)
            farthest = max(farthest, end)
    return kept


_IN_PROSE = Words(_STREETS, _OPENING | names.TELLING, (_said_on(dictated.SPELT),))
DETECTOR = Detector("pii", detect, _ALARM, _TAIL, _IN_PROSE)
