"""A user and a password side by side without a name: in quotes, behind what they are for, in lists, one below the other."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import partial

from governance.guardrails.expressions import expression
from governance.guardrails.findings import Finding
from governance.guardrails.needles import Needles
from governance.guardrails.reading import Reading
from governance.guardrails.secrets import looks
from governance.guardrails.secrets.told import COINED, END, ROLE, VALUE, bare, finding


def find(reading: Reading) -> Iterator[Finding]:
    """Yield the passwords of a folded text whose place beside a user, or below one, is all that tells."""
    if reading.speaks(COINED):
        for rule in (_slashed, _quoted, _listed, _below, _signed_in, _named_below):
            yield from rule(reading)


# '"service" / "C%Ovl7dGS"', "Hosting panel: kd-2575 / J24t$HXr8", "new creds → reporting_ro / vT7#mQ2p"
_SLASH = Needles(
    (" / ", '"/"', '" and "', '" und "', '" et "', '" y "', '" e "', '" with "', '" mit "', "' / '", "' and '")
)
_USER = expression(
    r"(?:\A|[\n:;,→>(|\]–—] {0,2}|- |\b(?:with|as|mit|avec|con|com|met|user|login|benutzer|usuario) )(?P<quote>[\"'`“„«]?)(?P<user>(?=[\w.@\-]{0,39}[^\W\d])[\w.@\\\-]{2,40})[\"'`”“»]?\Z"
)
_PASSWORD = expression(rf"[\"'`”“»]?(?: / |/| (?:and|und|et|y|e|with|mit) ){VALUE}{END}")
_FOR = expression(
    r"\b(?:log-?ins?|sign-?in|zugang\w{0,6}|zugänge|accès|acceso|accesso|acesso|access|creds?|credentials|panel|portal|hosting|host|server|browser|web(?:mail|interface|ui|gui|oberfläche)?|ftps?|sftp|ssh|rdp|vpn|nas|router|switch|firewall|drucker|printer|kamera|camera|nvr|admin|account|konto|compte|cuenta|conto|benutzer|users?|usuario|utilisateur|wp|wordpress|plesk|cpanel|mail|imap|smtp|db|datenbank|database|crm|erp|shop|staging|test|demo|ilo|idrac|bmc|ipmi|console|konsole)\b|://|\b\d{1,3}(?:\.\d{1,3}){3}\b"
)
REACH_OF_USER, REACH_OF_LINE = 48, 110
_LINE_BEFORE = expression(r"[^\n]*\Z")


def _slashed(reading: Reading) -> Iterator[Finding]:
    text, lower = reading.text, reading.lower
    for at, _ in reading.each(_SLASH, price=2, whole=False):
        user = _USER.search(text, max(0, at - REACH_OF_USER), at)
        match = _PASSWORD.match(text, at) if user is not None else None
        if user is None or match is None:
            continue
        value = bare(match)
        if reading.likely(looks.coined, user["user"]) and not reading.likely(looks.striking, value):
            continue
        line = _LINE_BEFORE.search(lower, max(0, user.start() - REACH_OF_LINE), user.start("user"))
        near = line is not None and _FOR.search(line[0]) is not None
        if not ROLE.match(value) and reading.likely(looks.striking if near else _signed, value):
            yield finding(match)


def _signed(value: str) -> bool:
    """Tell whether a value is made up with a sign among or behind its letters and digits."""
    return _SIGN.search(value) is not None and looks.made_up(value)


_SIGN = expression(r"[@#$%^&*~!?]|\+(?=\w)")

# psexec.py DOM/anja:'rosebud44'@10.1.1.1
_AT_QUOTES = Needles(("'@", '"@'))
_BEFORE_HOST = expression(r"(?:\A|[\s/\\])[\w.\-]{1,40}:(?P<quote>[\"'])(?P<value>[^\s\"'$<>{}]{5,64})\Z")
_HOST = expression(r"[\"']@(?:[\w\-]{1,40}\.){1,5}[\w\-]{1,40}|[\"']@[\w\-]{2,40}(?=\s|\Z)")


def _quoted(reading: Reading) -> Iterator[Finding]:
    text = reading.text
    for at, _ in reading.each(_AT_QUOTES, price=2, whole=False):
        match = _BEFORE_HOST.search(text, max(0, at - REACH_OF_LINE), at)
        if match is not None and _HOST.match(text, at) and reading.likely(looks.coined, match["value"]):
            yield Finding("password", *match.span("value"), 0.75)


# "PW-Liste\nRouter - admin - Ahorn99!\nNAS - chef - Ulme77?\n"
_HEADS = Needles((
    "pw", "password", "passwort", "passwörter", "kennwort", "kennwörter", "zugang", "zugänge", "login", "log-in", "logins", "creds", "credentials", "mots de passe", "mot de passe", "mdp", "accès", "identifiants", "contraseña", "claves", "accesos", "senhas", "acessos", "accessi", "credenziali", "wachtwoord", "inlog", "hasła", "loginy", "пароли", "доступы", "lösenord", "access",
))  # fmt: skip
_HEAD = expression(r"[^\n]{0,48}\n(?:[ \t]*[-=_*~]{3,40}[ \t]*\n|\n)?")
_ROW = expression(
    r"[ \t>*•\-]{0,6}[^\n\-–—|:/;,]{2,40}(?: [\-–—/] | ?[|:;→] ?)(?P<user>[\w.@\-]{2,40})(?: [\-–—/] | ?[|:;→] ?)(?P<value>[^\s\"'`<>,;|]{5,48})[ \t]{0,4}(?:\n|\Z)|[^\n]{1,80}(?:\n|\Z)"
)
MOST_ROWS = 30


def _listed(reading: Reading) -> Iterator[Finding]:
    text, done = reading.text, 0
    for at, _ in reading.each(_HEADS, price=4, whole=False, where=partial(_heads, text)) if "\n" in text else ():
        head = _HEAD.match(text, at) if at >= done else None
        if head is None:
            continue
        place = head.end()
        for _ in range(MOST_ROWS):
            row = _ROW.match(text, place)
            if row is None:
                break
            place = done = row.end()
            if (
                row["value"]
                and "//" not in row[0]
                and reading.likely(looks.coined, row["value"])
                and _row(reading, row)
            ):
                yield Finding("password", *row.span("value"), 0.65)


def _heads(text: str, at: int) -> bool:
    """Tell whether a word stands in a short line with more below."""
    return text.find("\n", at, at + LONGEST_HEAD) >= 0 and (
        at < LONGEST_HEAD or text.rfind("\n", at - LONGEST_HEAD, at) >= 0
    )


LONGEST_HEAD = 44


def _row(reading: Reading, row: re.Match[str]) -> bool:
    return not reading.likely(looks.coined, row["user"]) and reading.likely(_signed, row["value"])


# "FTP for the agency:\nftp.agency.example\nkd4471\nq8Lm!z2P\n": the last line alone strikes.
_BLOCKS = Needles(
    (
        "ftp",
        "login",
        "log-in",
        "zugang",
        "anmeldung",
        "accès",
        "acceso",
        "accesso",
        "acesso",
        "credentials",
        "creds",
        "access",
        "inlog",
        "dostęp",
        "доступ",
        "portal",
        "webmail",
        "vpn",
        "rdp",
    )
)
_BLOCK = expression(
    r"[^\n]{0,48}\n{1,2}(?:[ \t>*•\-]{0,6}(?:[a-z]{3,6}://)?[\w\-]{1,40}(?:\.[\w\-]{1,40}){1,5}(?::\d{2,5})?(?:/[^\s]{0,60})?[ \t]{0,4}\n)?"
    r"[ \t>*•\-]{0,6}(?P<user>[\w.\-]{2,40}(?:@[\w.\-]{3,40})?)[ \t]{0,4}\n[ \t>*•\-]{0,6}(?P<value>[^\s\"'`<>]{6,48})[ \t]{0,4}(?=\n|\Z)"
)


def _below(reading: Reading) -> Iterator[Finding]:
    text = reading.text
    for at, _ in reading.each(_BLOCKS, price=4, whole=False, where=partial(_heads, text)) if "\n" in text else ():
        match = _BLOCK.match(text, at)
        if match is not None and reading.likely(looks.striking, match["value"]) and not _ADDRESS.search(match["value"]):
            yield Finding("password", *match.span("value"), 0.7)


_ADDRESS = expression(r"@[\w\-]+\.|://|\A[\w\-]+(?:\.[\w\-]+)+\Z|[=:;()]")

# "I have reset it. Please sign in with Ginger23# and choose a new one"
_SIGNING = Needles(("sign in with ", "log in with ", "login with ", "sign-in with ", "logon with ", "log on with ", "melde dich mit ", "melden sie sich mit ", "anmelden mit ", "einloggen mit ", "anmeldung mit ", "connecte-toi avec ", "connectez-vous avec ", "entra con ", "entre com ", "inicia sesión con ", "accedi con ", "log in met ", "inloggen met ", "zaloguj się hasłem ", "войти с ", "logga in med ", "log ind med ", "logg inn med "))  # fmt: skip
_SIGNED_IN = expression(rf"(?:the |dem |der |den |le |la |el |il |o )?{VALUE}{END}")
_RENEWED = expression(
    r"\breset|\bunlocked|entsperrt|freigeschaltet|débloqu|desbloque|sblocc|ontgrendel|odblok|разблок|\bnew (?:one|password)|expired|locked|tempor|first (?:time|login)|initial|zurückgesetzt|abgelaufen|gesperrt|vorläufig|neues|réinitialis|provisoire|expiré|restablec|provisional|caducad|reimpost|scadut|redefini|gereset|verlopen|zresetow|сброс|återställ|nulstil"
)
REACH_OF_RESET = 170


def _signed_in(reading: Reading) -> Iterator[Finding]:
    for at, cue in reading.each(_SIGNING, price=2, whole=False):
        match = _SIGNED_IN.match(reading.text, at + len(cue))
        if match is None:
            continue
        value, before = bare(match), reading.lower[max(0, at - REACH_OF_RESET) : at]
        if reading.likely(_signed, value) or (reading.likely(looks.coined, value) and _RENEWED.search(before)):
            yield finding(match)


# "Lewis: Insect94&\nLewis: that's the password": said of the line above.
_SAID_ABOVE = Needles((
    "that's the pass", "thats the pass", "that is the pass", "that's the pw", "thats the pw", "is the password ^", "that was the pass", "this is the pass", "das ist das pass", "das ist das pw", "das ist das kennwort", "das war das pass", "c'est le mot de passe", "c'est le mdp", "ça c'est le mdp", "esa es la contraseña", "esa es la clave", "es la contraseña", "questa è la password", "è la password", "essa é a senha", "é a senha", "dat is het wachtwoord", "to jest hasło", "to hasło", "это пароль", "det är lösenordet", "^ password", "^ pw", "^^ pw", "^^ password", "↑ password", "pw ^", "password ^",
))  # fmt: skip
_ABOVE = expression(
    rf"(?:\A|\n)(?:[^\n]{{0,48}}[:>\]] )?{VALUE}[.!]?[ \t]{{0,4}}\n(?:[^\n]{{0,60}}[:>\]] )?[^\n:]{{0,12}}\Z"
)
REACH_ABOVE = 190


def _named_below(reading: Reading) -> Iterator[Finding]:
    text = reading.text
    for at, cue in reading.each(_SAID_ABOVE, price=4, whole=False) if "\n" in text else ():
        match = _ABOVE.search(text, max(0, at - REACH_ABOVE), at)
        if (
            match is not None
            and _NO_MORE.match(reading.lower, at + len(cue))
            and reading.likely(looks.coined, bare(match))
        ):
            yield finding(match)


_NO_MORE = expression(
    r"\w{0,8}(?:\s{0,3}(?:\Z|\n|[,.!()\U0001f300-\U0001faff:;])| (?:for|to|on|für|fürs|zum|vom|pour|du|de|para|per|del|voor|do|для|til)\b)"
)
