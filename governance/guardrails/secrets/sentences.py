"""Passwords that a sentence tells by how they differ from another, or as what was asked for."""

from __future__ import annotations

import re
from collections.abc import Iterator

from governance.guardrails.expressions import expression
from governance.guardrails.findings import Finding
from governance.guardrails.needles import Needles
from governance.guardrails.reading import Reading
from governance.guardrails.secrets import looks
from governance.guardrails.secrets.said import likely
from governance.guardrails.secrets.told import COINED, END, VALUE, bare, finding


def find(reading: Reading) -> Iterator[Finding]:
    """Yield the passwords of a folded text that its sentences name."""
    if reading.speaks(COINED):
        yield from _after_another(reading)


# "… = last year's one but with an 8: Turnstile8": it is told how it differs, then what it is.
_COMPARED = expression(
    r"(?: ?[:=])?[^\n:]{3,90}?\b(?:but|same|again|last|usual|nur|wie immer|wie früher|aber|mit|comme|mais|avec|igual|como|pero|con|mas|come|però|maar|zoals|ale|только)\b[^\n:]{0,60}: {0,2}"
    + VALUE
    + END,
    re.IGNORECASE,
)
# "not quite, it's t00r-loo", where a password was asked for
_ITS = expression(r"[^\n]{3,90}?\b(?:it['’]?s|its|er ist|es ist|c['’]est) " + VALUE + END, re.IGNORECASE)
_IT_IS = ("it's ", "it’s ", "its ", "er ist ", "es ist ", "c'est ", "c’est ")
_SAYS_HOW = expression(
    r"\b(?:it['’]?s|its|er ist|es ist|c['’]est|but|same|usual|nur|wie immer|aber|mais|igual|pero|mas|però|maar|zoals|ale|только)\b"
)
REACH_OF_COLON = 180  # characters from a name on
_ASKED = Needles(("password", "passwort", "kennwort", "pw ", "mot de passe", "mdp", "contraseña", "clave", "senha", "wachtwoord", "hasło", "пароль", "root"))  # fmt: skip
_SPOKEN_OF = expression(r"polic|expir|reset link|ticket|manager|field|error|fail|log\b|hash")
_STRANGE = expression(r"[^\W\d_]{1,8}\d{1,3}[^\W\d_]{1,10}(?:[\-_.!]?[^\W_]{1,10}){0,3}|\S*[^\W_][@#$%^&*!][^\W_]\S*")


def _after_another(reading: Reading) -> Iterator[Finding]:
    text, lower = reading.text, reading.lower
    for at, name in reading.each(_ASKED, price=2) if reading.speaks(_SAYS_HOW) else ():
        if lower[at - 1 : at].isalpha():
            continue
        end = text.find("\n", at, at + REACH_OF_COLON)
        end = at + REACH_OF_COLON if end < 0 else end
        compared = _COMPARED.match(text, at + len(name)) if text.find(":", at, end) >= 0 else None
        if compared is not None and not _SPOKEN_OF.search(lower, at, compared.start("value")):
            if likely(reading, bare(compared)):
                yield finding(compared)
            continue
        its = _ITS.match(text, at + len(name)) if reading.named(_IT_IS, at, end) else None
        if its is not None and _STRANGE.fullmatch(bare(its)) and reading.likely(looks.told, bare(its)):
            yield finding(its)
