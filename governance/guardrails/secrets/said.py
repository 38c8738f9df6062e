"""Passwords that somebody says: a name of the vocabulary, a few words of the same language, and what nobody would say else."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from itertools import chain

from governance.guardrails.expressions import expression
from governance.guardrails.findings import Finding
from governance.guardrails.needles import Needles, Spans, letter_by_letter
from governance.guardrails.reading import Reading
from governance.guardrails.secrets import looks, words
from governance.guardrails.secrets.names import THING
from governance.guardrails.secrets.told import ROLE, bare, finding
from governance.guardrails.secrets.vocabulary import ACCESS, COMMON, LANGUAGES, NAMES, Language

_JOINED = "\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u2e80-\u9fff\uac00-\ud7af"  # letters of scripts without blanks
# They have no cases: to compile a class that holds them takes five milliseconds where cases count for nothing.
_END = rf"(?=[\"'`)\],;!?。、»›”“」』]| [»›]|\.?(?:[\s)]|\Z)|(?-i:[{_JOINED}]))"
_SIGNS_TOLD = r"\d@#$%^&*+=~!?"  # one of them is in every coined value: other words are passed over
_TELLING = rf"(?=[^\s]{{0,47}}[{_SIGNS_TOLD}])"
_IN_VALUE = rf"(?-i:[^\s\"'`<>,;()/|「」『』„“”«»‹›{_JOINED}])"
_VALUE = rf"(?:[\"'`„“”「『«‹*]{{1,2}} ?)?{_TELLING}(?P<value>{_IN_VALUE}{{6,48}}){_END}"
_SIGN = r"(?:[ \t]?[.·_]{3,40}|[ \t]~)?(?:[ \t]?(?:[:=：]{1,2}|->|=>|→|[–—\-](?= ))[*_]{0,2}){0,2}"
_OPENING, _CLOSING, _IN_PHRASE = r"[\"`“„«「]", r"[\"`”“»」]", r"[^\n\"`“”„«»「」]"
_PHRASE = rf"{_SIGN}[ \t]{{0,3}}{_OPENING}(?P<value>(?!\s){_IN_PHRASE}{{9,61}}){_CLOSING}(?![\w\"`])"
_LINE = r"[^\n;:=?!。；：？！]"  # more than `_WITHIN` has, and faster
_WITHIN = r"(?:[^\n.;:=?!。；：？！]|\.(?=\w))"  # of one sentence


@dataclass(frozen=True, slots=True)
class _Said:
    """How one language goes on from a name to the password: with few words between, or with whose it is."""

    near: re.Pattern[str]
    far: re.Pattern[str]
    access: re.Pattern[str]
    phrase: re.Pattern[str]
    chain: re.Pattern[str]


@dataclass(frozen=True, slots=True)
class _Name:
    """How the languages go on that have a name, and of several what all of them need."""

    languages: tuple[_Said, ...]
    may: re.Pattern[str] | None


def _any(some: Iterable[str]) -> str:
    return letter_by_letter(some) or "(?!)"


@cache
def _said(language: Language) -> _Said:
    apart, whole, gap = _signs(joined=language.joined)
    between = rf"(?:{apart}(?:{_any((*language.copulas, *language.small))}){whole}){{0,5}}"
    copula = rf"{apart}(?:{_any(language.copulas)}){whole}"
    value = rf"{_SIGN}(?:{gap}|[ \t]?[(（]){_VALUE}"
    led = rf"(?!\(){_WITHIN}{{0,50}}?(?:{copula}{between}|[ \t]?[:：](?=[ \t]))"
    whose = rf"[ \t](?:{_any(language.of)})[ \t]{_WITHIN}{{1,30}}?" if language.of else rf"[ \t]?{_WITHIN}{{1,24}}?"
    far = rf"(?:{led}|{whose}){value}" if language.bare else rf"{led}{value}"
    code = rf"{between}(?:[ \t]?[:=：]|{copula}|(?=[ \t](?-i:{_SHOUTED})))[ \t]{{1,3}}(?P<value>(?-i:{_GROUPED}|{_DRAWN}))(?=[\"'`),;!?]|\.?(?:\s|\Z))"
    chain = rf"{_WITHIN}{{0,40}}?(?:{copula}{between}|[ \t]?[:：])[ \t]{{1,3}}{_CHAIN}{_CHAIN_ENDS}|[ \t]{{1,3}}{_CHAIN.replace('value', 'typed')}(?=[\"'`”“»]?,? (?:{_TYPED_IN}))"
    return _Said(
        *(expression(_ENDED + how, re.IGNORECASE) for how in (between + value, far, code, between + _PHRASE, chain))
    )


# Three words or more with hyphens between, and what one does with them where the verb comes last.
_CHAIN = r"[\"'`„“«]?(?P<value>[^\W\d_]{2,20}(?:-[^\W\d_]{1,20}){2,7})"
_CHAIN_ENDS = r"(?=[\"'`”“»),;!(]|[.! ]{0,3}(?:\n|\Z)|\. | \()"
_TYPED_IN = "eingeben|eintippen|eintragen|angeben|verwenden|nehmen|benutzen|intypen|invullen|invoeren|gebruiken|ingeven"
# Letters that were drawn to let somebody in: a capital inside, or a digit.
_DRAWN = r"(?=[A-Za-z\d]{0,9}(?:[a-z][A-Z]|[A-Z]{2}[a-z]|\d[A-Za-z]|[A-Za-z]\d))[A-Za-z\d]{5,12}"
_GROUPED = r"(?=[A-Z\-]{0,29}\d)[A-Z\d]{3,6}(?:-[A-Z\d]{3,6}){1,5}"
# Letters and a digit without a sign before them: capitals alone, no word and its number as shops give for a discount.
_SHOUTED = r"(?![A-Z]{3,}\d{1,5}(?![\w\-]))(?=[A-Z\-]{0,29}\d)(?=[\d\-]{0,29}[A-Z])[A-Z\d\-]{6,30}(?![\w\-])"
# What closes a name that stands in quotes or brackets, or is set off.
_ENDED = r"[\"'”»*_`」』)]{0,3}"
_ENDING = expression(r"(?!" + THING + r")(?!(?<=[a-z])(?-i:[A-Z]))[^\W\d_]{0,6}", re.IGNORECASE)


def _may(languages: tuple[Language, ...]) -> re.Pattern[str]:
    """Return what matches wherever any of several languages goes on to a password, near or far, or to a phrase.

    It may match elsewhere, and takes as long as what one language has.
    """
    joined = any(language.joined for language in languages)
    apart, whole, gap = _signs(joined=joined)
    if joined:  # or not: others may be among them
        gap = r"[ \t]{0,3}(?:\n[ \t]{0,8})?"
    copulas, small = _all_of("copulas", languages), _all_of("small", languages)
    between = rf"(?:{apart}(?:{_any((*copulas, *small))}){whole}){{0,5}}"
    far = [rf"{_LINE}{{0,50}}?(?:{apart}(?:{_any(copulas)}){whole}{between}|[:：])"]
    bare = [language for language in languages if language.bare]
    if not all(language.of for language in bare):
        far.append(rf"{_LINE}{{0,25}}?")
    if of := _all_of("of", bare):
        far.append(rf"[ \t](?:{_any(of)})[ \t]{_LINE}{{1,30}}?")
    value = rf"{_SIGN}(?:{gap}|[ \t]?[(（]){_VALUE}"
    return expression(
        rf"{_ENDED}(?:(?:{'|'.join((between, *far))}){value}|{between}{_PHRASE.replace('value', 'phrase')})",
        re.IGNORECASE,
    )


def _signs(*, joined: bool) -> tuple[str, str, str]:
    """Return what parts the words of a language, ends one, and leads to the password."""
    if joined:
        return r"[ \t,]{0,2}", "", r"[ \t]{0,2}"
    return r"[ \t,]{1,2}", r"(?![^\W_])", r"[ \t]{1,3}(?:\n[ \t]{0,8})?|(?<=[:=：])\n?[ \t]{0,3}|(?<=-)"


def _all_of(field: str, languages: Iterable[Language]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(chain.from_iterable(getattr(language, field) for language in languages)))


def _by_name() -> dict[str, _Name]:
    known: dict[str, list[Language]] = {}
    for language in LANGUAGES:
        for name in dict.fromkeys((*language.names, *language.common, *language.access)):
            known.setdefault(name, []).append(language)
    once = cache(_named)
    return {
        name: once(tuple(_together(languages) if name in _ALONE else languages)) for name, languages in known.items()
    }


def _named(languages: tuple[Language, ...]) -> _Name:
    return _Name(tuple(map(_said, languages)), _may(languages) if len(languages) > 1 else None)


def _together(languages: list[Language]) -> Iterator[Language]:
    """Yield languages as one, for a name that twenty share: each by itself takes as long as all. Scripts stay apart."""
    for joined in (False, True):
        alike = [language for language in languages if language.joined == joined]
        if alike:
            yield Language(copulas=_all_of("copulas", alike), small=_all_of("small", alike), joined=joined)


_OF_ACCESS, _ALONE = frozenset(ACCESS), frozenset(COMMON) - frozenset(NAMES)
_SAID = _by_name()
_AT_NAMES = Needles(_SAID)
SHORTEST_IN_A_WORD, FEWEST_WORDS, REACH_OF_ANOTHER = 6, 3, 40
SHORTEST_CHAIN, REACH_OF_CHAIN = 16, 90


def find(reading: Reading) -> Iterator[Finding]:
    """Yield the passwords of a folded text that its sentences name."""
    if not reading.places_of(_AT_NAMES, whole=True):  # as most texts, which need not be prepared for
        return
    text, ahead = reading.text, _Ahead(reading.text)
    known: dict[tuple[str, str], Finding | None] = {}  # by all that may say so; places are counted from the name's end
    for at, name in reading.each(_AT_NAMES):
        end = ended(text, reading.lower, at, name)
        if not end or (text[end : end + 1] in _GIVING and (end + 1 in reading.begun or end + 2 in reading.begun)):
            continue  # what it is set to was found
        written = name, text[end : end + REACH + BEHIND_VALUE]
        if written not in known:
            known[written] = _moved(_told(reading, ahead, name, end), -end)
        told = _moved(known[written], end)
        if told is not None and told.start not in reading.begun:
            yield told


def _moved(told: Finding | None, by: int) -> Finding | None:
    return told and told._replace(start=told.start + by, end=told.end + by)


class _Ahead:
    """Where a text has what could be told, coined, a phrase, or words with hyphens between: other names need no try."""

    def __init__(self, text: str) -> None:
        self.values, self.phrases, self.chains = (Spans(how, text) for how in (_OF_VALUE, _OF_PHRASE, _OF_CHAIN))


# Each is in all that matches: all between blanks with a sign and six characters of a value, but for an address; a quote, what two hyphens part.
_OF_VALUE = expression(
    rf"(?<!\S)(?=[^\s{_SIGNS_TOLD}]*+[{_SIGNS_TOLD}])(?![\w.+\-]+@[\w.\-]+\.[\w.]+(?!\S))(?=\S*?{_IN_VALUE}{{6}})\S++"
)
_OF_PHRASE = expression(rf"{_OPENING}(?={_IN_PHRASE}{{9,61}}{_CLOSING})")
_OF_CHAIN = expression(r"-[^\W\d_]{1,20}-")
_GIVING = frozenset(":=")
REACH, BEHIND_VALUE = 320, 32  # characters from a name's end to that of what it tells, and behind that


def ended(text: str, lower: str, at: int, name: str) -> int:
    """Return where the word ends that a name stands in, or 0 where it is part of another word."""
    alone = name in _ALONE
    if lower[at - 1 : at].isalpha() and (alone or (name[0].isascii() and len(name) < SHORTEST_IN_A_WORD)):
        return 0
    end = at + len(name)
    if alone and not _script(name[-1]):
        return 0 if lower[end : end + 1].isalpha() else end
    if _script(name[-1]):
        return end
    ending = _ENDING.match(text, end)
    return ending.end() if ending is not None else 0


_script = re.compile(rf"[{_JOINED}]").match


def _told(reading: Reading, ahead: _Ahead, name: str, end: int) -> Finding | None:
    """Return the password that follows a name, in one of the languages that have it."""
    text, reach = reading.text, end + REACH
    value, phrase = ahead.values.any(end, reach), ahead.phrases.any(end, reach)
    chained = "-" in text[end : end + REACH_OF_CHAIN] and ahead.chains.any(end, reach)
    languages, may = _SAID[name].languages, _SAID[name].may
    if may is not None and (value or phrase) and may.match(text, end) is None:
        value = phrase = False
    alone = name in _ALONE or _goes_on_to_another(reading.lower, name, end)
    refused = set[int]()  # where words begin that are no password: most languages of a name come to the same
    for said in languages:
        for how in () if not value else (said.near,) if alone else (said.near, said.far):
            match = how.match(text, end)
            if match is None or match.start("value") in refused:
                continue
            if name in _ALONE and _is_article(match, end):
                continue
            if likely(reading, bare(match)) or _right_behind(match, end, name):
                return finding(match)
            refused.add(match.start("value"))
        match = said.phrase.match(text, end) if phrase else None
        long = match is not None and len(match["value"].split()) >= FEWEST_WORDS  # a slogan has fewer
        if match is not None and long and reading.looks(words.phrased, match["value"]):
            return finding(match)
        if chained and not alone and (chain := _chain(reading, said.chain, end)) is not None:
            return chain
        match = said.access.match(text, end) if name in _OF_ACCESS else None
        if match is not None and not looks.placeholder(match["value"]):
            return finding(match)
    return None


def _chain(reading: Reading, pattern: re.Pattern[str], end: int) -> Finding | None:
    """Return the words with hyphens between them that follow a name as a password."""
    match = pattern.match(reading.text, end)
    if match is None:
        return None
    group = match.lastgroup or "value"
    believed = len(match[group]) >= SHORTEST_CHAIN and reading.looks(words.own, match[group])
    return Finding("password", *match.span(group), 0.7) if believed else None


def _goes_on_to_another(lower: str, name: str, end: int) -> bool:
    """Tell whether a line has the same name again soon: what goes on behind that is said of it."""
    another = lower.find(name, end, end + REACH_OF_ANOTHER)
    return another >= 0 and lower.find("\n", end, another) < 0


def _is_article(match: re.Match[str], end: int) -> bool:
    """Tell whether what stands right behind an everyday word, as "kod", is the number of a thing."""
    return match.start("value") - end == 1 and _ARTICLE.fullmatch(bare(match)) is not None


_ARTICLE = expression(r"[A-Z]{1,4}\d{3,8}[A-Z]?")


def _right_behind(match: re.Match[str], end: int, name: str) -> bool:
    """Tell whether what stands next to a name is letters and digits that were drawn, as banks and offices send them."""
    value = bare(match)
    if name in _OF_ACCESS and _VOUCHER.fullmatch(value):
        return False
    return match.start("value") - end <= NEXT and _SENT.fullmatch(value) is not None and not looks.placeholder(value)


_SENT = expression(
    r"(?!(?i:sha|md\d|pbkdf|bcrypt|argon|aes|rfc|cve|windows|office|ntlm|base64|oauth|scram|sap))(?=[A-Za-z]{0,20}\d)(?=\d{0,20}[A-Za-z])(?=[a-z\d]{0,20}[A-Z])[A-Za-z\d]{8,24}"
)
_VOUCHER = expression(r"[A-Z]{3,}\d{1,5}")  # "SUMMER24"
NEXT = 3  # characters at most: a blank, quotes


def likely(reading: Reading, value: str) -> bool:
    """Tell whether a word is a password: coined, or words of one's own with signs and a digit."""
    if reading.looks(_no_secret, value):
        return False
    return reading.likely(looks.coined, value) or (
        _CHAINED.fullmatch(value) is not None and reading.looks(words.own, value)
    )


def _no_secret(value: str) -> bool:
    """Tell whether a word is a part of a form or an address."""
    return ROLE.match(value) is not None or _ADDRESS.search(value) is not None


_ADDRESS = expression(r"@\w+\.|://|\w\.\w+\.\w{2,}|^www\.")
_CHAINED = expression(r"(?=\D*\d)[^\W\d_]{2,20}(?:[\-_.][^\W_]{1,20}){1,5}[!?]?")
