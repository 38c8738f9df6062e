"""Passwords that a talk tells: one line asks for them or says that they changed, the answer below says what they are."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

from governance.guardrails.expressions import expression
from governance.guardrails.findings import Finding
from governance.guardrails.needles import Needles
from governance.guardrails.reading import Reading
from governance.guardrails.secrets import looks
from governance.guardrails.secrets.told import COINED, END, ROLE, VALUE, bare


def find(reading: Reading) -> Iterator[Finding]:
    """Yield the passwords of a folded text that the lines of a talk tell."""
    if not (reading.speaks(_TALK) and reading.speaks(COINED)):
        return
    lower, done = reading.lower, 0
    for at, name in reading.each(_ASKED, price=4):
        around = lower[max(0, at - REACH_BEFORE) : at + REACH_BEFORE]
        if at >= done and _ASKS.search(around) and not _OTHERWISE.search(around):
            told = _replied(reading, at, looks.made_up if name.startswith(_WHOSE) else looks.coined)
            if told is not None:
                done = told.end
                yield told


def _replied(reading: Reading, at: int, how: Callable[[str], bool]) -> Finding | None:
    """Return the password that one of the next messages says."""
    line = _REST.match(reading.text, at)
    place = line.end() if line is not None else len(reading.text)
    for _ in range(MOST_MESSAGES):
        message = _MESSAGE.match(reading.text, place)
        if message is None or message.start("said") > at + REACH:
            return None
        told = _said(reading, *message.span("said"), how)
        if told is not None:
            return told
        place = message.end()
    return None


_WHOSE = ("log", "cred", "zugang")  # what else than a password may answer the question for these: a user, a host
_OTHERWISE = expression(
    r"\b(?:who|which (?:user|branch|server|host|version|browser|ticket)|user ?name|welcher? (?:user|benutzer|version|server)|quelle version|qu[eé] versi[oó]n)\b"
)
# Who speaks: "[14:02] Marta: ", "<kim> ", "18:41 Ewa: ", or a line of its own, "Marco, [10.02.25 18:14]", "tom  10:43 AM".
_WHO = (
    r"(?:\[?\d{1,4}[\d/.:,\- ]{3,18}(?:[ap]m)?\]? ?(?:- )?)?(?:<[^<>\n]{1,24}>|\[?[^\W\d_][\w.'’\-]{0,15}(?: [^\W\d_][\w.]{0,15})?\]?:)[ \t]{1,2}"
    r"|\[?\d{1,2}:\d\d(?::\d\d)?\]? [^\W\d_][\w.'’\-]{0,15}:[ \t]{0,2}"
    r"|[^\W\d_][\w.'’ \-]{1,24} \(\d{1,2}:\d\d(?::\d\d)?\): |\[\d{1,2}:\d\d[^\]\n]{0,16}\] [^\W\d_][\w.'’ \-]{1,24}\n"
    r"|[^\W\d_][\w.'’ \-]{1,24} [—–-] (?:(?:today|yesterday|heute|gestern|hier|aujourd'hui|hoy|ayer)[\w ,]{0,8} ?)?[\d/.:,\- ]{4,18}(?: ?[ap]m)?\n"
    r"|[^\W\d_][\w.'’ \-]{1,24}(?:,? {1,3}|, )[\[(]?\d{1,2}[\d/.:,\- ]{2,16}(?: ?[ap]m)?[\])]?\n"
)
_TALK = expression(rf"\n(?:{_WHO})")
_ASKED = Needles((
    "password", "passphrase", "passwort", "kennwort", "mot de passe", "mdp", "contraseña", "contrasena", "clave", "senha", "wachtwoord", " ww ", "hasło", "haslo", "пароль", "lösenord", "passord", "adgangskode", "kodeord", "heslo",
    "creds", "credentials", "zugangsdaten", "salasana", "jelszó", "parola", "şifre", "sifre", "lozinka", "密码", "パスワード", "비밀번호", "비번", " pw", "passwd", "login", "log-in",
))  # fmt: skip
_ASKS = expression(
    r"[?？]|\b(?:what(?:['’]?s)?|which|wie|welche\w?|was|cu[aá]l|quel|quelle|qual|quale|wat|jakie|jaki|hva|hvad|vad|mikä|mi a|какой|какая|jaké|ne|did|remind|resend|send|anyone|скинь\w*|пришли\w*|дай\w*|напомни\w*|schick\w*|gib|envoie\w*|passe-moi|donne\w*|m[aá]ndame|p[aá]same|dime|env[ií]a\w*|podaj|wyślij|daj|stuur|geef|skicka|invia\w*|passami|gimme|give me|neues|nochmal|redonne\w*|rappelle\w*|"
    r"changed?|rotated|geändert|cambi\w+|chang\w+|mud\w+|alterad\w+|zmieni\w+|помен\w+|смен\w+|bytt\w*|ändra\w*|değişti)\b|吗|什么|多少|知道|ですか|教えて|뭐|알려"
)
_REST = expression(r"[^\n]{0,90}\n{1,2}")
_MESSAGE = expression(rf"(?:{_WHO})(?P<said>[^\n]{{1,110}})(?:\n{{1,2}}|\Z)", re.IGNORECASE)
MOST_MESSAGES, REACH = 4, 130
# "…, now it's …", "jetzt …", "Ahora es …": what is new, or what it is.
_NOW = expression(
    r"(?:改成|改为|换成|是|は|\b(?:now|it['’]?s|it is|that['’]?s|is|use|try|changed to|set to|set it to|set that to|mailed me|sent me|gave me|told me|jetzt|nun|neu|lautet|ist|c['’]est|maintenant|désormais|ahora|es|agora|é|ora|adesso|è|nu|is|teraz|to|nå|numera|är|теперь|сейчас|это|teď|je|nyt|on|most|artık|şimdi|acum|este))"
    r"(?:,? (?:it['’]?s|it is|is|now|ist|es|das|es ist|c['’]est|es la|é|è|nu|är|er|å|med|wieder|just|the))?(?: ?[:=]| ?[-=]?>| ?→| —)?(?: |(?<=[成为是は]))"
    + VALUE
    + END,
    re.IGNORECASE,
)
_ALONE = expression(
    rf"(?:(?:[-=]?>|→|[^\n]{{0,40}}[^\d\s]:|[^\n]{{0,40}}(?:[-=]>|→)) {{0,2}})?{VALUE}{END}(?=\W{{0,12}}\Z)"
)
REACH_BEFORE = 90


def _said(reading: Reading, start: int, end: int, how: Callable[[str], bool]) -> Finding | None:
    """Return the password that a message says: alone, after a sign, or after what says that it is so now."""
    said = reading.text[start:end]
    for match in filter(None, (_ALONE.match(said), *_NOW.finditer(said))):
        value = bare(match)
        if not ROLE.match(value) and _NO_ANSWER.search(value) is None and reading.likely(how, value):
            begin = start + match.start("value")
            return Finding("password", begin, begin + len(value), 0.7)
    return None


_NO_ANSWER = expression(r"://|/|\A[A-Z]{2,8}-?\d+\Z|\A\d+\w{0,3}\Z|\w\.\w+\.\w{2,}|\A@|\A#")
