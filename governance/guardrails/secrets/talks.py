"""Passwords that a talk tells: one line asks for them or says that they changed, the answer below says what they are."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

from governance.guardrails.cues import Cue
from governance.guardrails.expressions import expression
from governance.guardrails.findings import Finding
from governance.guardrails.needles import Needles
from governance.guardrails.reading import Reading
from governance.guardrails.secrets import looks
from governance.guardrails.secrets.said import ended
from governance.guardrails.secrets.told import COINED, END, ROLE, VALUE, bare
from governance.guardrails.secrets.vocabulary import ASKS, COMMON, NAMES


def find(reading: Reading) -> Iterator[Finding]:
    """Yield the passwords of a folded text that the lines of a talk tell."""
    if not (reading.speaks(_TALK) and (reading.speaks(COINED) or reading.stands(_OF_SPELLING))):
        return
    lower, done = reading.lower, 0
    for at, name in reading.each(_ASKED, price=4):
        if at < done or not ended(reading.text, lower, at, name) or next(_messages(reading.text, at), None) is None:
            continue
        around = lower[max(0, at - REACH_BEFORE) : at + REACH_BEFORE]
        if _ASKS.search(around) is not None and not _OTHERWISE.search(around):
            told = _replied(reading, at, looks.made_up if name.startswith(_WHOSE) else looks.coined)
            if told is not None:
                done = told.end
                yield told
    for at, _ in reading.each(_TO_WHAT, price=4):
        if _RESET.search(lower, max(0, at - REACH_BEFORE), at) is not None:
            told = _replied(reading, at, _drawn)
            if told is not None:
                yield told
    for at, _ in reading.each(_LOCKED, price=4):
        if _DEVICE.search(lower, max(0, at - REACH_OF_DEVICE), at + REACH_OF_DEVICE) is not None:
            told = _replied(reading, at, looks.coined)
            if told is not None:
                yield told


def _replied(reading: Reading, at: int, how: Callable[[str], bool]) -> Finding | None:
    """Return the password that one of the next messages says."""
    told = (_said(reading, *said, how) for said in _messages(reading.text, at))
    return next(filter(None, told), None)


def _messages(text: str, at: int) -> Iterator[tuple[int, int]]:
    """Yield where the next messages behind the line of a place say something."""
    line = _REST.match(text, at)
    place = line.end() if line is not None else len(text)
    for _ in range(MOST_MESSAGES):
        message = _MESSAGE.match(text, place)
        if message is None or message.start("said") > at + REACH:
            return
        yield message.span("said")
        place = message.end()


FEWEST_LETTERS = 3
_WHOSE = ("log", "cred", "zugang")  # what else than a password may answer the question for these: a user, a host
_OTHERWISE = expression(
    r"\b(?:who|which (?:user|branch|server|host|version|browser|ticket)|user ?name|welcher? (?:user|benutzer|version|server)|quelle version|qu[eé] versi[oó]n)\b"
)
# "you left the PC locked", answered by what unlocks it.
_LOCKED = Needles((
    "locked", "gesperrt", "verrouillé", "bloqueado", "bloqueada", "bloccato", "bloccata", "vergrendeld", "zablokowan", "заблокирован", "låst", "lukittu", "zamčen", "uzamčen", "zamknut", "zaključan", "zaklenjen", "kilitli", "zárolva", "blocat",
))  # fmt: skip
# "master reset done" – "to what?" – what was drawn for it
_TO_WHAT = Needles(("to what", "auf was", "worauf", "à quoi", "a qué", "a cosa", "para quê", "naar wat", "na co", "на что", "till vad", "til hva"))  # fmt: skip
_RESET = expression(
    r"\breset|\brotat|\bchang|zurückgesetzt|geändert|rotiert|réinit|changé|restablec|cambi|reimpost|redefin|mud(?:ei|ou|ad)|gereset|gewijzigd|zmieni|zresetow|смен|сброс|помен|bytt|ändra|återställ|endre"
)


def _drawn(value: str) -> bool:
    return looks.noisy(value) or looks.coined(value)


_DEVICE = expression(
    r"\b(?:pc|laptop\w{0,3}|computer|rechner|ordi\w{0,8}|ordenador|portátil|port[aà]tile?|komputer\w{0,2}|notebook\w{0,2}|ноут\w{0,5}|комп\w{0,7}|datamaskin\w{0,3}|dator\w{0,2}|tietokone|počítač|számítógép\w{0,2}|bilgisayar\w{0,2}|mac|macbook|tablet|ipad)\b"
)
REACH_OF_DEVICE = 40
# Who speaks: "[14:02] Marta: ", "<kim> ", "18:41 Ewa: ", or a line of its own, "Marco, [10.02.25 18:14]", "tom  10:43 AM".
_WHO = (
    r"[–—\-•>] |(?:\[?\d{1,4}[\d/.:,\- ]{3,18}(?:[ap]m)?\]? ?(?:- )?)?(?:<[^<>\n]{1,24}>|\[?[^\W\d_][\w.'’\-]{0,15}(?: [\w.]{1,16})?\]?:)[ \t]{1,2}"
    r"|\[?\d{1,2}:\d\d(?::\d\d)?\]? [^\W\d_][\w.'’\-]{0,15}:[ \t]{0,2}"
    r"|[^\W\d_][\w.'’ \-]{1,24} \(\d{1,2}:\d\d(?::\d\d)?\): |\[\d{1,2}:\d\d[^\]\n]{0,16}\] [^\W\d_][\w.'’ \-]{1,24}\n"
    r"|[^\W\d_][\w.'’ \-]{1,24} [—–-] (?:(?:today|yesterday|heute|gestern|hier|aujourd'hui|hoy|ayer)[\w ,]{0,8} ?)?[\d/.:,\- ]{4,18}(?: ?[ap]m)?\n"
    r"|[^\W\d_][\w.'’ \-]{1,24}(?:,? {1,3}|, )[\[(]?\d{1,2}[\d/.:,\- ]{2,16}(?: ?[ap]m)?[\])]?\n"
    r"|[\u3040-\u30ff\u4e00-\u9fff\uac00-\ud7af]{1,10}:[ \t]{0,2}"
)
_TALK = expression(rf"\n(?:{_WHO})")
_ASKED = Needles(dict.fromkeys((*NAMES, *COMMON, "creds", "credentials", "zugangsdaten", "passwd", "login", "log-in")))
_ASKS = Cue(
    r"[?？]",
    rf"\b(?:{'|'.join(re.escape(word) for word in ASKS if len(word) >= FEWEST_LETTERS and word[0].isalpha())})\b",
    r"\b(?:ne|cambi|chang|mud|alterad|zmieni|помен|смен|bytt|ändra|rappelle|skick|schick|invia|skin)\w*\b|\b(?:asks|wants|prompts|fragt|verlangt|demande|réclame|pide|chiede|pede|vraagt|prosi|pyta|просит|требует|спрашивает|frågar|spør|spørger)\b|吗|什么|多少|知道|ですか|教えて|だっけ|뭐|알려",
)
_REST = expression(r"[^\n]{0,90}\n{1,2}")
_MESSAGE = expression(rf"(?:{_WHO})(?P<said>[^\n]{{1,110}})(?:\n{{1,2}}|\Z)", re.IGNORECASE)
MOST_MESSAGES, REACH = 4, 130
# "…, now it's …", "jetzt …", "Ahora es …": what is new, or what it is.
_NOW = expression(
    r"(?:改成|改为|换成|是|は|\b(?:now|it['’]?s|it is|that['’]?s|is|use|try|changed to|set to|set it to|set that to|mailed me|sent me|gave me|told me|jetzt|nun|neu|lautet|ist|c['’]est|maintenant|désormais|ahora|es|agora|é|ora|adesso|è|nu|is|teraz|to|nå|numera|är|теперь|сейчас|это|teď|je|nyt|on|most|artık|şimdi|acum|este|er|var|ir|yra|je|este|είναι|це|је|هي|היא|là|adalah|itu|jadi|ay|ni|este)|คือ)"
    r"(?:,? (?:it['’]?s|it is|is|now|ist|es|das|es ist|c['’]est|es la|é|è|nu|är|er|å|med|wieder|just|the))?(?: ?[:=]| ?[-=]?>| ?→| —)?(?: |(?<=[成为是は]))"
    + VALUE
    + END,
    re.IGNORECASE,
)
_ALONE = expression(
    rf"(?:[^\W\d_]{{2,14}}[,!.] (?:[^\W\d_]{{1,10}} ){{0,2}})?(?:(?:[-=]?>|→|[^\n]{{0,40}}[^\d\s]:|[^\n]{{0,40}}(?:[-=]>|→)) {{0,2}})?{VALUE}{END}(?=\W{{0,12}}\Z)"
)
# "Regnbue743 but use your own profile", "neko3707mikan だよ"
_FIRST = expression(VALUE + END)
REACH_BEFORE = 90


def _said(reading: Reading, start: int, end: int, how: Callable[[str], bool]) -> Finding | None:
    """Return the password that a message says: alone, after a sign, or after what says that it is so now."""
    said = reading.text[start:end]
    spelt = _SPELT.search(said) if reading.stands(_OF_SPELLING) else None
    if spelt is not None:
        return Finding("password", start + spelt.start("value"), start + spelt.end("value"), 0.7)
    for match in filter(None, (_ALONE.match(said), _FIRST.match(said), *_NOW.finditer(said))):
        value = bare(match)
        if not ROLE.match(value) and _NO_ANSWER.search(value) is None and reading.likely(how, value):
            begin = start + match.start("value")
            return Finding("password", begin, begin + len(value), 0.7)
    return None


# Words with hyphens between, and how those are written: "sun-on-the-lake, all lower case".
_SPELT = expression(
    r"(?<![\w\-])(?P<value>[^\W\d_]{2,20}(?:-[^\W\d_]{1,20}){2,7})[\"'”»]?,? (?:and |und |og |et |y |e )?"
    r"(?:all (?:in )?(?:lower|small)|(?:in )?lower ?case|alt med småt|alles klein|tout en minuscule|en min[uú]sc|todo min[uú]sc|tutto minuscol|tudo (?:em )?minúsc|małymi|(?:всё |все )?маленькими|(?:med )?små b"
    r"|with (?:the )?(?:hyphens|dashes)|mit bindestr|avec (?:les )?tirets|con (?:los )?guiones|con i trattini|met streepjes|med bindestre)",
    re.IGNORECASE,
)
_OF_SPELLING = (
    "lower", "small", "småt", "klein", "minusc", "minúsc", "małymi", "маленьк", "små b", "hyphens", "dashes", "bindestr", "tirets", "guiones", "trattini", "streepjes",
)  # fmt: skip
_NO_ANSWER = expression(r"://|/|\A[A-Z]{2,8}-?\d+\Z|\A\d+\w{0,3}\Z|\w\.\w+\.\w{2,}|\A@|\A#")
