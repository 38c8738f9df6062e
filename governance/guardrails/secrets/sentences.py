"""Passwords that a sentence tells in any of many languages: the name, a few small words, then what nobody would say else."""

from __future__ import annotations

import re
from collections.abc import Iterator

from governance.guardrails.expressions import expression
from governance.guardrails.findings import Finding
from governance.guardrails.needles import Needles
from governance.guardrails.reading import Reading
from governance.guardrails.secrets import looks, words
from governance.guardrails.secrets.told import COINED, END, ROLE, VALUE, bare, finding


def find(reading: Reading) -> Iterator[Finding]:
    """Yield the passwords of a folded text that its sentences name."""
    if reading.speaks(COINED):
        yield from _named(reading)
        yield from _after_another(reading)


_NAMES = Needles((
    "password", "passphrase", "passcode", "passwort", "kennwort", "mot de passe", "mdp", "contraseña", "contrasena", "clave", "senha", "wachtwoord", "ww ", "hasło", "hasła", "haslo", "lösenord",
    "adgangskode", "kodeord", "passord", "heslo", "salasana", "jelszó", "jelszav", "пароль", "пароля", "паролем", "паролі", "парола", "parola", "parolă", "şifre", "sifre", "lozinka", "lozinku", "slaptažod", "parool",
    "κωδικός", "κωδικό", "كلمة المرور", "كلمة السر", "סיסמה", "סיסמא", "mật khẩu", "kata sandi", "sandi", "รหัสผ่าน", "पासवर्ड", "密码", "密碼", "口令", "パスワード", "비밀번호", "비번", "암호", "pw", "pwd", "psw",
))  # fmt: skip
# What may stand between the name and the password: "is now", "steht jetzt auf", "quedó en", "改成".
_SMALL = (
    r"(?:is|was|are|now|set|to|changed|still|ist|steht|lautet|jetzt|auf|nun|wieder|neu|heißt|c['’]est|est|maintenant|désormais|devenu|es|está|ahora|quedó|quedo|en|queda|é|e|agora|ficou|è|adesso|ora|diventata|nu|staat|op|"
    r"to|jest|teraz|na|är|er|on|nyt|je|teď|sada|az|most|este|acum|теперь|сейчас|это|стал|сменил|поменял|сменила|поменяла|новый|зараз|тепер|artık|şimdi|olarak|oldu|adalah|sekarang|là|bây giờ|είναι|τώρα|هي|الآن|היא|עכשיו|zurückgesetzt|geändert|gesetzt|de|hab|habe|ich|wurde)"
)
_SAID = expression(
    rf"(?!(?-i:(?<=[a-z])[A-Z]))(?:[^\W\d_]{{0,5}})(?:(?:,? {{1,2}}|, ?){_SMALL}){{0,4}}(?:(?: ?[:=：]{{1,2}}| -| —| –)? {{1,2}}|[:：=]| ?(?:をは|を|は|が|の|改成|改为|改為|换成|变成|設為|设为|设成|重置为|是|为|為|은|는|을|를|이|가|:)了? ?|(?<=[\u4e00-\u9fff\uac00-\ud7af\u3040-\u30ff]) ?)"
    rf"{VALUE}{END}",
    re.IGNORECASE,
)


def _named(reading: Reading) -> Iterator[Finding]:
    text, lower = reading.text, reading.lower
    for at, name in reading.each(_NAMES):
        if lower[at - 1 : at].isalpha() and name[0].isascii() and len(name.strip()) < SHORTEST_IN_A_WORD:
            continue
        match = _SAID.match(text, at + len(name.rstrip()))
        if match is not None and match.start("value") not in reading.begun and _told(reading, bare(match)):
            yield finding(match)


SHORTEST_IN_A_WORD = 6


def _told(reading: Reading, value: str) -> bool:
    """Tell whether a word is a password: coined, or words of one's own with signs and a digit."""
    if ROLE.match(value) or _ADDRESS.search(value):
        return False
    return reading.likely(looks.coined, value) or (
        _CHAINED.fullmatch(value) is not None and reading.looks(words.own, value)
    )


_ADDRESS = expression(r"@\w+\.|://|\w\.\w+\.\w{2,}|^www\.")
_CHAINED = expression(r"(?=\D*\d)[^\W\d_]{2,20}(?:[\-_.][^\W_]{1,20}){1,5}[!?]?")

# "… = last year's one but with an 8: Turnstile8": it is told how it differs, then what it is.
_COMPARED = expression(
    r"(?: ?[:=])?[^\n:]{3,90}?\b(?:but|same|again|last|usual|nur|wie immer|wie früher|aber|mit|comme|mais|avec|igual|como|pero|con|mas|come|però|maar|zoals|ale|только)\b[^\n:]{0,60}: {0,2}"
    + VALUE
    + END,
    re.IGNORECASE,
)
# "not quite, it's t00r-loo", where a password was asked for
_ITS = expression(r"[^\n]{3,90}?\b(?:it['’]?s|its|er ist|es ist|c['’]est) " + VALUE + END, re.IGNORECASE)
_SAYS_HOW = expression(
    r"\b(?:it['’]?s|its|er ist|es ist|c['’]est|but|same|usual|nur|wie immer|aber|mais|igual|pero|mas|però|maar|zoals|ale|только)\b"
)
_ASKED = Needles(("password", "passwort", "kennwort", "pw ", "mot de passe", "mdp", "contraseña", "clave", "senha", "wachtwoord", "hasło", "пароль", "root"))  # fmt: skip
_SPOKEN_OF = expression(r"polic|expir|reset link|ticket|manager|field|error|fail|log\b|hash")
_STRANGE = expression(r"[^\W\d_]{1,8}\d{1,3}[^\W\d_]{1,10}(?:[\-_.!]?[^\W_]{1,10}){0,3}|\S*[^\W_][@#$%^&*!][^\W_]\S*")


def _after_another(reading: Reading) -> Iterator[Finding]:
    text, lower = reading.text, reading.lower
    for at, name in reading.each(_ASKED, price=6) if reading.speaks(_SAYS_HOW) else ():
        if lower[at - 1 : at].isalpha():
            continue
        compared = _COMPARED.match(text, at + len(name))
        if compared is not None and not _SPOKEN_OF.search(lower, at, compared.start("value")):
            if _told(reading, bare(compared)):
                yield finding(compared)
            continue
        its = _ITS.match(text, at + len(name))
        if its is not None and _STRANGE.fullmatch(bare(its)) and reading.likely(looks.told, bare(its)):
            yield finding(its)
